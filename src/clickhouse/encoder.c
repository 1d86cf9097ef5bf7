#include "clickhouse/encoder.h"
#include <lz4frame.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define LZ4_CHUNK  (256 * 1024) /* input per call: one block of the frame */

struct Encoder {
    const Block *block;
    Compression compression;
    unsigned piece;
    const uint8_t *in; /* what is left of the present piece */
    size_t in_len;
    uint8_t scratch[BLOCK_SCRATCH];
    bool started, ended;
    ZSTD_CCtx *zstd;
    LZ4F_cctx *lz4;
    uint8_t *stage; /* compressed bytes that did not fit the reader's buffer */
    size_t stage_size, stage_from, stage_len;
};

static const LZ4F_preferences_t LZ4_PREFERENCES = {
    .frameInfo = {.blockSizeID = LZ4F_max256KB, .blockMode = LZ4F_blockIndependent},
};

Encoder *encoder_new(void)
{
    return g_new0(Encoder, 1);
}

void encoder_free(Encoder *encoder)
{
    if (!encoder)
        return;
    ZSTD_freeCCtx(encoder->zstd);
    LZ4F_freeCompressionContext(encoder->lz4);
    g_free(encoder->stage);
    g_free(encoder);
}

bool encoder_start(Encoder *encoder, const Block *block, Compression compression, GError **error)
{
    encoder->block = block;
    encoder->compression = compression;
    encoder->piece = 0;
    encoder->in = NULL;
    encoder->in_len = 0;
    encoder->started = encoder->ended = false;
    encoder->stage_from = encoder->stage_len = 0;
    bool ready = true;
    if (compression == COMPRESSION_ZSTD) {
        if (!encoder->zstd)
            encoder->zstd = ZSTD_createCCtx();
        ready = encoder->zstd && !ZSTD_isError(ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only)) &&
                !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
    } else if (compression == COMPRESSION_LZ4 && !encoder->lz4) {
        ready = !LZ4F_isError(LZ4F_createCompressionContext(&encoder->lz4, LZ4F_VERSION));
    }
    if (!ready)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "no memory for a compressor; set compression=none");
    return ready;
}

int64_t encoder_size(const Encoder *encoder)
{
    return encoder->compression == COMPRESSION_NONE ? (int64_t)block_wire_size(encoder->block) : -1;
}

const char *encoder_content_encoding(const Encoder *encoder)
{
    switch (encoder->compression) {
    case COMPRESSION_LZ4:
        return "lz4";
    case COMPRESSION_ZSTD:
        return "zstd";
    default:
        return NULL;
    }
}

/* False at the end of the block. */
static bool next_input(Encoder *encoder)
{
    while (encoder->in_len == 0) {
        if (encoder->piece == block_pieces(encoder->block))
            return false;
        encoder->in = block_piece(encoder->block, encoder->piece++, encoder->scratch, &encoder->in_len);
    }
    return true;
}

static void take_input(Encoder *encoder, size_t len)
{
    encoder->in += len;
    encoder->in_len -= len;
}

static gssize read_plain(Encoder *encoder, uint8_t *out, size_t size)
{
    size_t done = 0;
    while (done < size && next_input(encoder)) {
        size_t n = MIN(encoder->in_len, size - done);
        memcpy(out + done, encoder->in, n);
        take_input(encoder, n);
        done += n;
    }
    return (gssize)done;
}

static gssize read_zstd(Encoder *encoder, uint8_t *out, size_t size)
{
    ZSTD_outBuffer to = {out, size, 0};
    while (to.pos < to.size && !encoder->ended) {
        bool more = next_input(encoder);
        ZSTD_inBuffer from = {encoder->in, encoder->in_len, 0};
        size_t left = ZSTD_compressStream2(encoder->zstd, &to, &from, more ? ZSTD_e_continue : ZSTD_e_end);
        if (ZSTD_isError(left))
            return -1;
        take_input(encoder, from.pos);
        encoder->ended = !more && left == 0;
    }
    return (gssize)to.pos;
}

/* One step of the frame into `out`, which holds at least lz4_room() bytes. */
static gssize lz4_step(Encoder *encoder, uint8_t *out, size_t size)
{
    size_t n;
    if (!encoder->started) {
        encoder->started = true;
        n = LZ4F_compressBegin(encoder->lz4, out, size, &LZ4_PREFERENCES);
    } else if (next_input(encoder)) {
        /* The block outlives the frame, so the compressor need not copy what it has seen. */
        static const LZ4F_compressOptions_t STABLE = {.stableSrc = 1};
        size_t len = MIN(encoder->in_len, LZ4_CHUNK);
        n = LZ4F_compressUpdate(encoder->lz4, out, size, encoder->in, len, &STABLE);
        take_input(encoder, len);
    } else {
        encoder->ended = true;
        n = LZ4F_compressEnd(encoder->lz4, out, size, NULL);
    }
    return LZ4F_isError(n) ? -1 : (gssize)n;
}

static size_t lz4_room(void)
{
    return MAX(LZ4F_compressBound(LZ4_CHUNK, &LZ4_PREFERENCES), LZ4F_HEADER_SIZE_MAX);
}

static gssize read_lz4(Encoder *encoder, uint8_t *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        if (encoder->stage_from < encoder->stage_len) {
            size_t n = MIN(encoder->stage_len - encoder->stage_from, size - done);
            memcpy(out + done, encoder->stage + encoder->stage_from, n);
            encoder->stage_from += n;
            done += n;
            continue;
        }
        if (encoder->ended)
            break;
        gssize n;
        if (size - done >= lz4_room()) {
            n = lz4_step(encoder, out + done, size - done);
            done += n > 0 ? (size_t)n : 0;
        } else if (done) {
            break; /* the rest comes with the next, empty buffer */
        } else {
            if (!encoder->stage)
                encoder->stage = g_malloc(encoder->stage_size = lz4_room());
            n = lz4_step(encoder, encoder->stage, encoder->stage_size);
            encoder->stage_from = 0;
            encoder->stage_len = n > 0 ? (size_t)n : 0;
        }
        if (n < 0)
            return -1;
    }
    return (gssize)done;
}

gssize encoder_read(Encoder *encoder, void *out, size_t size)
{
    switch (encoder->compression) {
    case COMPRESSION_LZ4:
        return read_lz4(encoder, out, size);
    case COMPRESSION_ZSTD:
        return read_zstd(encoder, out, size);
    default:
        return read_plain(encoder, out, size);
    }
}
