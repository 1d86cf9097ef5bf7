/* frames_private.h - the bytes of the log's events, one event after another as a server sends them, to BinlogEvents:
 * checksums are verified and taken off, files and positions followed, compressed events made plain, payloads taken
 * apart. Pure: whoever has the bytes, from a connection or a file, pushes them here. */
#ifndef SLUICE_MYSQL_FRAMES_PRIVATE_H
#define SLUICE_MYSQL_FRAMES_PRIVATE_H

#include "mysql/inflate_private.h"

#define BINLOG_HEADER_LEN     19
#define BINLOG_FIRST_POSITION 4 /* after the magic of a file */

typedef enum {
    CHECKSUM_NONE = 0,
    CHECKSUM_CRC32 = 1,
    CHECKSUM_UNTOLD = 255, /* no FORMAT_DESCRIPTION seen yet */
} BinlogChecksum;

typedef struct {
    SourceFlavour flavour; /* of the server */
    const char *file;      /* interned; "" before the first rotate */
    uint64_t pos;          /* end of the last event in file */
    BinlogChecksum checksum;
    unsigned server_series;             /* of the server now: 1108 is 11.8 */
    uint32_t server_max, timestamp_max; /* SourceServer.timestamp_max of the server now, and when it wrote this file */
    Scratch scratch;
    Payload *payload;          /* being taken apart */
    BinlogEvent payload_event; /* coordinates of what is inside it */
} BinlogFrames;

/* `file` may be NULL: the server's first event tells. */
void binlog_frames_init(BinlogFrames *frames, SourceFlavour flavour, const char *file, uint64_t pos);
/* Before the first event. Where it is not told, it is an old one. */
void binlog_frames_set_server(BinlogFrames *frames, const SourceServer *server);
void binlog_frames_clear(BinlogFrames *frames);

/* The event of these bytes, which it borrows, as it does memory of `frames`: until the next call. Errors:
 * SLUICE_ERROR_DECODE. */
bool binlog_frames_event(BinlogFrames *frames, const uint8_t *bytes, size_t len, BinlogEvent *event, GError **error);

/* The next event inside the payload that was the last one; PAYLOAD_END when there is none, or no payload. */
PayloadNext binlog_frames_inside(BinlogFrames *frames, BinlogEvent *event, GError **error);

/* Sets SLUICE_ERROR_DECODE with file and position before `what`; always false. */
bool binlog_frames_error(const BinlogFrames *frames, GError **error, const char *what);

#endif
