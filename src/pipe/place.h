/* place.h - the stream's own coordinates, which versions are made of (replication.md, Versions). Pure.
 */
#ifndef SLUICE_PIPE_PLACE_H
#define SLUICE_PIPE_PLACE_H

#include "mysql/mysql.h"

/* What a row that stands there must be newer than. */
uint64_t place_version(uint32_t epoch, uint64_t offset);
/* A rows event is passed, whoever's it is: `offset` grows. Returns what its rows' places in its body are added to. */
uint64_t place_pass(uint32_t epoch, uint64_t *offset, const BinlogEvent *event);

#endif
