/* inflate_private.h - takes compressed binlog events apart: MariaDB's (zlib) and MySQL's TRANSACTION_PAYLOAD (zstd).
 * Lengths that a server claims are bounded before memory is taken for them. */
#ifndef SLUICE_MYSQL_INFLATE_PRIVATE_H
#define SLUICE_MYSQL_INFLATE_PRIVATE_H

#include "mysql/binlog.h"

#define BINLOG_MAX_EVENT ((size_t)1 << 30)

/* Memory that is used again from event to event. */
typedef struct {
    uint8_t *bytes;
    size_t len, room;
} Scratch;
void scratch_need(Scratch *scratch, size_t room); /* keeps the contents */
void scratch_relax(Scratch *scratch);             /* gives very large memory back */
void scratch_clear(Scratch *scratch);

bool binlog_type_is_compressed(unsigned type); /* MariaDB's 165 to 171 */
/* Makes `event` the plain one: its type and body; the body stands in `scratch`. */
bool binlog_event_inflate(BinlogEvent *event, Scratch *scratch, GError **error);

/* The events inside a TRANSACTION_PAYLOAD, one after another; the payload's bytes are borrowed until the end. */
typedef struct Payload Payload;
Payload *payload_open(const BinlogEvent *event, GError **error);
void payload_free(Payload *payload);
typedef enum { PAYLOAD_ERROR = -1, PAYLOAD_END = 0, PAYLOAD_EVENT = 1 } PayloadNext;
/* The next event's header and body, valid until the next call. */
PayloadNext payload_next(Payload *payload, const uint8_t **bytes, size_t *len, GError **error);

#endif
