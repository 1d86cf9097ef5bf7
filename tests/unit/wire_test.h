/* wire_test.h - bytes given as hex, shared by the tests of the decoders. */
#ifndef SLUICE_TESTS_WIRE_TEST_H
#define SLUICE_TESTS_WIRE_TEST_H

#include "mysql/binlog.h"

#include <string.h>

/* A copy of exactly the right size, so that a sanitizer sees every byte read too far. Free with g_free. */
static inline uint8_t *bytes_from_hex(const char *hex, size_t *len)
{
    size_t n = strlen(hex) / 2;
    uint8_t *out = g_malloc(n ? n : 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    if (len)
        *len = n;
    return out;
}

/* `body` is owned by the caller. */
static inline BinlogEvent event_from_hex(unsigned type, const char *hex, uint8_t **body)
{
    BinlogEvent event = {.type = type, .server_id = 1, .file = "bin.000001"};
    *body = bytes_from_hex(hex, &event.body_len);
    event.body = *body;
    return event;
}

#endif
