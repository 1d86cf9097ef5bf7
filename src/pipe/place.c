#include "pipe/place.h"

uint64_t place_version(uint32_t epoch, uint64_t offset)
{
    return (uint64_t)epoch << 48 | offset;
}

uint64_t place_pass(uint32_t epoch, uint64_t *offset, const BinlogEvent *event)
{
    uint64_t before = *offset;
    *offset += event->body_len;
    return place_version(epoch, before);
}
