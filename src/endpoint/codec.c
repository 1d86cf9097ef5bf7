/* codec.c - see codec.h */
#include "endpoint/codec.h"

#include "endpoint/fault.h"

#include <lz4frame.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static const char *const codec_names[] = {"identity", "gzip", "deflate", "zstd", "lz4"};

Codec codec_by_name(const char *name)
{
    if (!name || !*name)
        return CODEC_NONE;
    for (unsigned i = 0; i < G_N_ELEMENTS(codec_names); i++)
        if (g_ascii_strcasecmp(name, codec_names[i]) == 0)
            return (Codec)i;
    return g_ascii_strcasecmp(name, "x-gzip") == 0 ? CODEC_GZIP : CODEC_UNKNOWN;
}

const char *codec_name(Codec codec)
{
    g_assert(codec < G_N_ELEMENTS(codec_names));
    return codec_names[codec];
}

Codec codec_choose(const char *accept)
{
    static const Codec by_liking[] = {CODEC_ZSTD, CODEC_LZ4, CODEC_GZIP, CODEC_DEFLATE};
    bool offered[G_N_ELEMENTS(codec_names)] = {false};
    g_auto(GStrv) parts = g_strsplit(accept ? accept : "", ",", 32);
    for (char **part = parts; *part; part++) {
        char *weight = strchr(*part, ';');
        if (weight)
            *weight++ = '\0';
        Codec codec = codec_by_name(g_strstrip(*part));
        const char *q = weight ? strstr(weight, "q=") : NULL;
        bool never = q && g_ascii_strtod(q + 2, NULL) <= 0;
        if (codec != CODEC_UNKNOWN && !never)
            offered[codec] = true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(by_liking); i++)
        if (offered[by_liking[i]])
            return by_liking[i];
    return CODEC_NONE;
}

/* ---- decoding ---- */

struct Decoder {
    Codec codec;
    CodecSink sink;
    void *data;
    char *piece; /* CODEC_PIECE bytes, `used` of them filled */
    size_t used;
    z_stream zlib;
    ZSTD_DStream *zstd;
    LZ4F_dctx *lz4;
    bool inside; /* a frame has begun and not ended */
};

Decoder *decoder_new(Codec codec, CodecSink sink, void *data)
{
    g_assert(codec != CODEC_UNKNOWN);
    Decoder *decoder = g_new0(Decoder, 1);
    decoder->codec = codec;
    decoder->sink = sink;
    decoder->data = data;
    decoder->piece = g_malloc(CODEC_PIECE);
    bool ok = true; /* they fail only without memory */
    if (codec == CODEC_GZIP || codec == CODEC_DEFLATE)
        ok = inflateInit2(&decoder->zlib, 15 + 32) == Z_OK; /* 32: gzip or zlib header, as it comes */
    else if (codec == CODEC_ZSTD)
        ok = (decoder->zstd = ZSTD_createDStream()) != NULL;
    else if (codec == CODEC_LZ4)
        ok = !LZ4F_isError(LZ4F_createDecompressionContext(&decoder->lz4, LZ4F_VERSION));
    g_assert(ok);
    return decoder;
}

void decoder_free(Decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->codec == CODEC_GZIP || decoder->codec == CODEC_DEFLATE)
        inflateEnd(&decoder->zlib);
    ZSTD_freeDStream(decoder->zstd);
    LZ4F_freeDecompressionContext(decoder->lz4);
    g_free(decoder->piece);
    g_free(decoder);
}

static bool decoder_flush(Decoder *decoder, GError **error)
{
    size_t len = decoder->used;
    decoder->used = 0;
    return len == 0 || decoder->sink(decoder->data, decoder->piece, len, error);
}

static bool plain_write(Decoder *decoder, const char *bytes, size_t len, GError **error)
{
    while (len > 0) {
        if (decoder->used == 0 && len >= CODEC_PIECE)
            return decoder->sink(decoder->data, bytes, len, error);
        size_t n = MIN(len, CODEC_PIECE - decoder->used);
        memcpy(decoder->piece + decoder->used, bytes, n);
        decoder->used += n;
        bytes += n;
        len -= n;
        if (decoder->used == CODEC_PIECE && !decoder_flush(decoder, error))
            return false;
    }
    return true;
}

/* One step of each library: reads from *bytes, writes into the free part of the piece. */
static bool zlib_step(Decoder *decoder, const char **bytes, size_t *len, GError **error)
{
    z_stream *z = &decoder->zlib;
    if (!decoder->inside && inflateReset(z) != Z_OK)
        g_assert_not_reached();
    z->next_in = (Bytef *)*bytes;
    z->avail_in = (uInt)MIN(*len, G_MAXINT);
    uInt before = z->avail_in;
    z->next_out = (Bytef *)decoder->piece + decoder->used;
    z->avail_out = (uInt)(CODEC_PIECE - decoder->used);
    int rc = inflate(z, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
        fault_set(error, FAULT_INFLATE_FAILED, "Cannot inflate the request's body: %s",
                  z->msg ? z->msg : "broken data");
        return false;
    }
    *bytes += before - z->avail_in;
    *len -= before - z->avail_in;
    decoder->used = CODEC_PIECE - z->avail_out;
    decoder->inside = rc != Z_STREAM_END;
    return true;
}

static bool zstd_step(Decoder *decoder, const char **bytes, size_t *len, GError **error)
{
    ZSTD_inBuffer in = {.src = *bytes, .size = *len};
    ZSTD_outBuffer out = {.dst = decoder->piece, .size = CODEC_PIECE, .pos = decoder->used};
    size_t rc = ZSTD_decompressStream(decoder->zstd, &out, &in);
    if (ZSTD_isError(rc)) {
        fault_set(error, FAULT_ZSTD_FAILED, "Cannot decompress the request's body: %s", ZSTD_getErrorName(rc));
        return false;
    }
    *bytes += in.pos;
    *len -= in.pos;
    decoder->used = out.pos;
    decoder->inside = rc != 0;
    return true;
}

static bool lz4_step(Decoder *decoder, const char **bytes, size_t *len, GError **error)
{
    size_t in = *len, out = CODEC_PIECE - decoder->used;
    size_t rc = LZ4F_decompress(decoder->lz4, decoder->piece + decoder->used, &out, *bytes, &in, NULL);
    if (LZ4F_isError(rc)) {
        fault_set(error, FAULT_LZ4_FAILED, "Cannot decompress the request's body: %s", LZ4F_getErrorName(rc));
        return false;
    }
    *bytes += in;
    *len -= in;
    decoder->used += out;
    decoder->inside = rc != 0;
    return true;
}

bool decoder_write(Decoder *decoder, const void *bytes, size_t len, GError **error)
{
    if (decoder->codec == CODEC_NONE)
        return plain_write(decoder, bytes, len, error);
    const char *in = bytes;
    size_t used;
    do { /* once more after the input is used up while a full piece came out: the library may hold more */
        if (decoder->used == CODEC_PIECE && !decoder_flush(decoder, error))
            return false;
        used = decoder->used;
        if (len == 0 && !decoder->inside)
            break;
        bool ok = decoder->codec == CODEC_ZSTD  ? zstd_step(decoder, &in, &len, error)
                  : decoder->codec == CODEC_LZ4 ? lz4_step(decoder, &in, &len, error)
                                                : zlib_step(decoder, &in, &len, error);
        if (!ok)
            return false;
    } while (len > 0 || (decoder->used == CODEC_PIECE && decoder->used != used));
    return true;
}

bool decoder_finish(Decoder *decoder, GError **error)
{
    if (decoder->inside) {
        int code = decoder->codec == CODEC_ZSTD  ? FAULT_ZSTD_FAILED
                   : decoder->codec == CODEC_LZ4 ? FAULT_LZ4_FAILED
                                                 : FAULT_INFLATE_FAILED;
        fault_set(error, code, "The request's compressed body ends in the middle");
        return false;
    }
    return decoder_flush(decoder, error);
}

/* ---- encoding ---- */

struct Encoder {
    Codec codec;
    GByteArray *out;
    z_stream zlib;
    ZSTD_CStream *zstd;
    LZ4F_cctx *lz4;
    bool lz4_begun;
};

static uint8_t *out_reserve(GByteArray *out, size_t more)
{
    guint len = out->len;
    g_byte_array_set_size(out, len + (guint)more);
    return out->data + len;
}

Encoder *encoder_new(Codec codec, GByteArray *out)
{
    g_assert(codec != CODEC_UNKNOWN);
    Encoder *encoder = g_new0(Encoder, 1);
    encoder->codec = codec;
    encoder->out = out;
    bool ok = true;
    if (codec == CODEC_GZIP || codec == CODEC_DEFLATE)
        ok = deflateInit2(&encoder->zlib, 3, Z_DEFLATED, codec == CODEC_GZIP ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY) ==
             Z_OK;
    else if (codec == CODEC_ZSTD)
        ok = (encoder->zstd = ZSTD_createCStream()) != NULL;
    else if (codec == CODEC_LZ4)
        ok = !LZ4F_isError(LZ4F_createCompressionContext(&encoder->lz4, LZ4F_VERSION));
    g_assert(ok);
    return encoder;
}

void encoder_free(Encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->codec == CODEC_GZIP || encoder->codec == CODEC_DEFLATE)
        deflateEnd(&encoder->zlib);
    ZSTD_freeCStream(encoder->zstd);
    LZ4F_freeCompressionContext(encoder->lz4);
    g_free(encoder);
}

static void zlib_encode(Encoder *encoder, const void *bytes, size_t len, int flush)
{
    z_stream *z = &encoder->zlib;
    z->next_in = (Bytef *)bytes;
    z->avail_in = (uInt)len;
    int rc;
    do {
        z->next_out = out_reserve(encoder->out, 65536);
        z->avail_out = 65536;
        rc = deflate(z, flush);
        g_assert(rc != Z_STREAM_ERROR);
        g_byte_array_set_size(encoder->out, encoder->out->len - z->avail_out);
    } while (z->avail_in > 0 || (flush == Z_FINISH && rc != Z_STREAM_END));
}

static void zstd_encode(Encoder *encoder, const void *bytes, size_t len, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len};
    size_t left;
    do {
        size_t room = ZSTD_CStreamOutSize();
        ZSTD_outBuffer out = {.dst = out_reserve(encoder->out, room), .size = room};
        left = ZSTD_compressStream2(encoder->zstd, &out, &in, end);
        g_assert(!ZSTD_isError(left));
        g_byte_array_set_size(encoder->out, encoder->out->len - (guint)(room - out.pos));
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
}

static void lz4_encode(Encoder *encoder, const void *bytes, size_t len, bool end)
{
    static const LZ4F_preferences_t preferences = {.frameInfo = {.blockSizeID = LZ4F_max256KB}};
    size_t room = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(len, &preferences) + 64;
    uint8_t *out = out_reserve(encoder->out, room);
    size_t used = 0;
    if (!encoder->lz4_begun)
        used = LZ4F_compressBegin(encoder->lz4, out, room, &preferences);
    encoder->lz4_begun = true;
    g_assert(!LZ4F_isError(used));
    size_t n = end ? LZ4F_compressEnd(encoder->lz4, out + used, room - used, NULL)
                   : LZ4F_compressUpdate(encoder->lz4, out + used, room - used, bytes, len, NULL);
    g_assert(!LZ4F_isError(n));
    g_byte_array_set_size(encoder->out, encoder->out->len - (guint)(room - used - n));
}

void encoder_write(Encoder *encoder, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0) {
        size_t n = MIN(len, 1024 * 1024); /* bounds what one call reserves */
        switch (encoder->codec) {
        case CODEC_GZIP:
        case CODEC_DEFLATE:
            zlib_encode(encoder, p, n, Z_NO_FLUSH);
            break;
        case CODEC_ZSTD:
            zstd_encode(encoder, p, n, ZSTD_e_continue);
            break;
        case CODEC_LZ4:
            lz4_encode(encoder, p, n, false);
            break;
        default:
            g_byte_array_append(encoder->out, p, (guint)n);
        }
        p += n;
        len -= n;
    }
}

void encoder_finish(Encoder *encoder)
{
    if (encoder->codec == CODEC_GZIP || encoder->codec == CODEC_DEFLATE)
        zlib_encode(encoder, NULL, 0, Z_FINISH);
    else if (encoder->codec == CODEC_ZSTD)
        zstd_encode(encoder, NULL, 0, ZSTD_e_end);
    else if (encoder->codec == CODEC_LZ4)
        lz4_encode(encoder, NULL, 0, true);
}
