#include "mysql/compressed.h"

#include <string.h>
#include <zlib.h>

enum { METHOD_PLAIN = 0, METHOD_ZLIB = 8, FLAG_RAW = 8, LENGTH_BYTES = 7 };

#define MAX_VALUE ((size_t)1 << 30) /* the largest max_allowed_packet */

struct Inflater {
    z_stream zlib, raw;
    bool zlib_ready, raw_ready;
};

Inflater *inflater_new(void)
{
    return g_new0(Inflater, 1);
}

void inflater_free(Inflater *inflater)
{
    if (!inflater)
        return;
    if (inflater->zlib_ready)
        inflateEnd(&inflater->zlib);
    if (inflater->raw_ready)
        inflateEnd(&inflater->raw);
    g_free(inflater);
}

bool compressed_size(const uint8_t *p, size_t len, size_t *size)
{
    *size = 0;
    if (len == 0)
        return true;
    if (p[0] == METHOD_PLAIN) {
        *size = len - 1;
        return true;
    }
    size_t n = p[0] & LENGTH_BYTES;
    if (p[0] >> 4 != METHOD_ZLIB || n < 1 || n > 4 || len < 1 + n)
        return false;
    for (size_t i = 0; i < n; i++)
        *size = *size << 8 | p[1 + i];
    return *size <= MAX_VALUE && *size <= (len + 64) * 1032; /* deflate packs at most 1032 : 1 */
}

/* The stream for zlib's format or raw deflate, ready for a new value; NULL when there is no memory. */
static z_stream *stream_begin(Inflater *inflater, bool raw)
{
    z_stream *stream = raw ? &inflater->raw : &inflater->zlib;
    bool *ready = raw ? &inflater->raw_ready : &inflater->zlib_ready;
    if (*ready)
        return inflateReset(stream) == Z_OK ? stream : NULL;
    *ready = inflateInit2(stream, raw ? -MAX_WBITS : MAX_WBITS) == Z_OK;
    return *ready ? stream : NULL;
}

bool compressed_read(Inflater *inflater, const uint8_t *p, size_t len, uint8_t *out, size_t size)
{
    size_t claimed;
    if (!compressed_size(p, len, &claimed) || claimed != size)
        return false;
    if (size == 0)
        return true;
    if (p[0] == METHOD_PLAIN) {
        memcpy(out, p + 1, size);
        return true;
    }
    size_t head = 1u + (p[0] & LENGTH_BYTES);
    z_stream *stream = stream_begin(inflater, p[0] & FLAG_RAW);
    if (!stream || len - head > UINT_MAX || size > UINT_MAX)
        return false;
    stream->next_in = (Bytef *)(p + head);
    stream->avail_in = (uInt)(len - head);
    stream->next_out = out;
    stream->avail_out = (uInt)size;
    return inflate(stream, Z_FINISH) == Z_STREAM_END && stream->avail_out == 0 && stream->avail_in == 0;
}
