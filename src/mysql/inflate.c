#include "mysql/inflate_private.h"

#include "mysql/wire_private.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define SCRATCH_KEEP ((size_t)8 << 20) /* more than this is given back after the event that needed it */

void scratch_need(Scratch *scratch, size_t room)
{
    if (room <= scratch->room)
        return;
    size_t grown = MAX(room, scratch->room + scratch->room / 2);
    scratch->bytes = g_realloc(scratch->bytes, grown);
    scratch->room = grown;
}

void scratch_relax(Scratch *scratch)
{
    if (scratch->room > SCRATCH_KEEP)
        scratch_clear(scratch);
}

void scratch_clear(Scratch *scratch)
{
    g_clear_pointer(&scratch->bytes, g_free);
    scratch->len = scratch->room = 0;
}

/* ---- MariaDB (sql/log_event.cc, binlog_buf_uncompress) ---- */

enum {
    COMPRESSED_QUERY = 165,
    COMPRESSED_WRITE_V1 = 166,
    COMPRESSED_UPDATE_V1 = 167,
    COMPRESSED_DELETE_V1 = 168,
    COMPRESSED_WRITE = 169,
    COMPRESSED_UPDATE = 170,
    COMPRESSED_DELETE = 171,
};

bool binlog_type_is_compressed(unsigned type)
{
    return type >= COMPRESSED_QUERY && type <= COMPRESSED_DELETE;
}

static unsigned plain_type(unsigned type)
{
    switch (type) {
    case COMPRESSED_QUERY:
        return BINLOG_QUERY;
    case COMPRESSED_WRITE_V1:
    case COMPRESSED_UPDATE_V1:
    case COMPRESSED_DELETE_V1:
        return type - COMPRESSED_WRITE_V1 + BINLOG_WRITE_ROWS_V1;
    default:
        return type - COMPRESSED_WRITE + BINLOG_WRITE_ROWS_V2;
    }
}

/* Moves `w` over what is not compressed: all but the statement's text or the rows. */
static bool skip_plain_part(unsigned type, Wire *w)
{
    const uint8_t *p;
    uint64_t n;
    if (type == BINLOG_QUERY) {
        if (!wire_bytes(w, 13, &p))
            return false;
        return wire_bytes(w, wire_read_le(p + 11, 2) + p[8] + 1, &p);
    }
    if (!wire_bytes(w, 8, &p))
        return false;
    if (type >= BINLOG_WRITE_ROWS_V2) {
        if (!wire_le(w, 2, &n) || n < 2 || !wire_bytes(w, n - 2, &p))
            return false;
    }
    if (!wire_lenenc(w, &n) || n > 1 << 16 || !wire_bytes(w, (n + 7) / 8, &p))
        return false;
    if (type == BINLOG_UPDATE_ROWS_V1 || type == BINLOG_UPDATE_ROWS_V2)
        return wire_bytes(w, (n + 7) / 8, &p);
    return true;
}

/* One byte: 0x80, 3 bits algorithm (0: zlib), 3 bits how many bytes of length follow, high byte first. */
static bool read_claimed_length(Wire *w, size_t *out)
{
    uint8_t head, byte;
    if (!wire_u8(w, &head) || (head & 0xf0) != 0x80 || (head & 7) < 1 || (head & 7) > 4)
        return false;
    *out = 0;
    for (unsigned i = head & 7; i; i--) {
        if (!wire_u8(w, &byte))
            return false;
        *out = *out << 8 | byte;
    }
    return true;
}

bool binlog_event_inflate(BinlogEvent *event, Scratch *scratch, GError **error)
{
    unsigned type = plain_type(event->type);
    Wire w = {event->body, event->body + event->body_len};
    size_t claimed;
    if (!skip_plain_part(type, &w))
        return wire_error(error, "a compressed event of %zu bytes is cut short", event->body_len);
    size_t plain_len = (size_t)(w.p - event->body);
    if (!read_claimed_length(&w, &claimed))
        return wire_error(error, "a compressed event of %zu bytes is not compressed in a known way", event->body_len);
    /* deflate packs at most 1032 : 1, so a claim beyond that is false and no memory is taken for it */
    if (claimed > BINLOG_MAX_EVENT || claimed > (wire_left(&w) + 64) * 1032)
        return wire_error(error, "a compressed event of %zu bytes claims to hold %zu", event->body_len, claimed);
    scratch_need(scratch, plain_len + claimed + 1);
    memcpy(scratch->bytes, event->body, plain_len);
    uLongf len = claimed;
    int result = uncompress(scratch->bytes + plain_len, &len, w.p, wire_left(&w));
    if (result != Z_OK || len != claimed)
        return wire_error(error, "a compressed event of %zu bytes cannot be uncompressed (%s)", event->body_len,
                          result == Z_OK ? "wrong length" : zError(result));
    scratch->len = plain_len + claimed;
    event->type = type;
    event->body = scratch->bytes;
    event->body_len = scratch->len;
    return true;
}

/* ---- MySQL (libs/mysql/binlog/event/codecs) ---- */

#define HEADER_LEN 19

enum {
    PAYLOAD_HEADER_END = 0,
    PAYLOAD_SIZE = 1,
    PAYLOAD_COMPRESSION = 2,
    PAYLOAD_UNCOMPRESSED_SIZE = 3,
};
enum {
    COMPRESSION_ZSTD = 0,
    COMPRESSION_NONE = 255,
};

struct Payload {
    ZSTD_DStream *zstd; /* NULL: not compressed */
    ZSTD_inBuffer in;
    bool frame_open; /* zstd expects more */
    Scratch event;
};

/* Fields of type, length and value, all length encoded, up to an end mark. */
static bool read_payload_header(Wire *w, uint64_t *size, uint64_t *compression)
{
    uint64_t field, len;
    *size = UINT64_MAX;
    *compression = COMPRESSION_NONE;
    for (;;) {
        Wire value = {0};
        if (!wire_lenenc(w, &field))
            return false;
        if (field == PAYLOAD_HEADER_END)
            return *size <= wire_left(w);
        if (!wire_lenenc(w, &len) || !wire_bytes(w, len, &value.p))
            return false;
        value.end = w->p;
        if (field == PAYLOAD_SIZE && !wire_lenenc(&value, size))
            return false;
        if (field == PAYLOAD_COMPRESSION && !wire_lenenc(&value, compression))
            return false;
    }
}

Payload *payload_open(const BinlogEvent *event, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    uint64_t size, compression;
    if (!read_payload_header(&w, &size, &compression)) {
        wire_error(error, "a transaction payload of %zu bytes cannot be read", event->body_len);
        return NULL;
    }
    if (compression != COMPRESSION_ZSTD && compression != COMPRESSION_NONE) {
        wire_error(error, "a transaction payload is compressed by algorithm %" G_GUINT64_FORMAT ", which is not known",
                   compression);
        return NULL;
    }
    Payload *payload = g_new0(Payload, 1);
    payload->in = (ZSTD_inBuffer){.src = w.p, .size = size};
    if (compression == COMPRESSION_ZSTD) {
        payload->zstd = ZSTD_createDStream();
        ZSTD_DCtx_setParameter(payload->zstd, ZSTD_d_windowLogMax, 27); /* at most 128 MiB, zstd's own default */
    }
    return payload;
}

void payload_free(Payload *payload)
{
    if (!payload)
        return;
    ZSTD_freeDStream(payload->zstd);
    scratch_clear(&payload->event);
    g_free(payload);
}

/* Fills `event` up to `len` bytes; fewer only at the end of the payload. */
static bool payload_fill(Payload *payload, size_t len, GError **error)
{
    Scratch *event = &payload->event;
    while (event->len < len) {
        /* Memory grows with what was really there: at most doubled per step. */
        size_t step = MIN(len - event->len, MAX(event->len, (size_t)1 << 16));
        scratch_need(event, event->len + step);
        if (!payload->zstd) {
            size_t n = MIN(step, payload->in.size - payload->in.pos);
            if (n == 0)
                return true;
            memcpy(event->bytes + event->len, (const uint8_t *)payload->in.src + payload->in.pos, n);
            payload->in.pos += n;
            event->len += n;
            continue;
        }
        ZSTD_outBuffer out = {.dst = event->bytes + event->len, .size = step};
        size_t before = payload->in.pos;
        size_t result = ZSTD_decompressStream(payload->zstd, &out, &payload->in);
        if (ZSTD_isError(result))
            return wire_error(error, "a transaction payload cannot be uncompressed: %s", ZSTD_getErrorName(result));
        event->len += out.pos;
        if (out.pos == 0 && payload->in.pos == before)
            return true;
        payload->frame_open = result != 0;
    }
    return true;
}

PayloadNext payload_next(Payload *payload, const uint8_t **bytes, size_t *len, GError **error)
{
    Scratch *event = &payload->event;
    event->len = 0;
    if (!payload_fill(payload, HEADER_LEN, error))
        return PAYLOAD_ERROR;
    if (event->len == 0 && !payload->frame_open && payload->in.pos == payload->in.size)
        return PAYLOAD_END;
    size_t event_len = event->len < HEADER_LEN ? 0 : wire_read_le(event->bytes + 9, 4);
    if (event_len < HEADER_LEN || event_len > BINLOG_MAX_EVENT) {
        wire_error(error, "an event inside a transaction payload claims %zu bytes", event_len);
        return PAYLOAD_ERROR;
    }
    if (!payload_fill(payload, event_len, error))
        return PAYLOAD_ERROR;
    if (event->len < event_len) {
        wire_error(error, "a transaction payload is cut short");
        return PAYLOAD_ERROR;
    }
    *bytes = event->bytes;
    *len = event_len;
    return PAYLOAD_EVENT;
}
