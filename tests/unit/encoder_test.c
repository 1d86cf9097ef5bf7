/* The stream of an insert's body: the same bytes in every compression and for every size of the reader's buffer. */
#include "clickhouse/encoder.h"
#include <lz4frame.h>
#include <zstd.h>

static Block *make_block(uint64_t rows)
{
    Block *block = block_new(NULL, 3);
    block_set_column(block, 0, "id", "UInt64");
    block_set_column(block, 1, "text", "Nullable(String)");
    block_set_column(block, 2, "flag", "UInt8");
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    for (uint64_t i = 0; i < rows; i++) {
        char text[64];
        size_t len = (size_t)g_rand_int_range(random, 0, sizeof text);
        for (size_t k = 0; k < len; k++)
            text[k] = (char)('a' + g_rand_int_range(random, 0, 20));
        column_append_fixed(&block->columns[0], &i, sizeof i);
        column_append_null_flag(&block->columns[1], 0);
        column_append_string(&block->columns[1], text, len);
        column_append_default(&block->columns[2]);
        block->n_rows++;
    }
    return block;
}

static bool collect(void *data, const void *bytes, size_t len)
{
    g_byte_array_append(data, bytes, (guint)len);
    return true;
}

static GByteArray *read_all(Encoder *encoder, size_t size)
{
    GByteArray *out = g_byte_array_new();
    g_autofree uint8_t *buffer = g_malloc(size);
    gssize n;
    while ((n = encoder_read(encoder, buffer, size)) > 0) {
        g_assert_cmpint(n, <=, size);
        g_byte_array_append(out, buffer, (guint)n);
    }
    g_assert_cmpint(n, ==, 0);
    return out;
}

static GByteArray *decompress(const GByteArray *in, Compression compression, size_t size)
{
    GByteArray *out = g_byte_array_sized_new((guint)size + 1);
    g_byte_array_set_size(out, (guint)size + 1);
    if (compression == COMPRESSION_ZSTD) {
        ZSTD_DCtx *context = ZSTD_createDCtx();
        ZSTD_inBuffer from = {in->data, in->len, 0};
        ZSTD_outBuffer to = {out->data, out->len, 0};
        g_assert_cmpuint(ZSTD_decompressStream(context, &to, &from), ==, 0); /* the frame has ended */
        g_assert_cmpuint(from.pos, ==, in->len);
        g_byte_array_set_size(out, (guint)to.pos);
        ZSTD_freeDCtx(context);
    } else {
        LZ4F_dctx *context;
        LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
        size_t in_pos = 0, out_pos = 0, hint = 1;
        while (in_pos < in->len && hint) {
            size_t from = in->len - in_pos, to = out->len - out_pos;
            hint = LZ4F_decompress(context, out->data + out_pos, &to, in->data + in_pos, &from, NULL);
            g_assert_false(LZ4F_isError(hint));
            in_pos += from;
            out_pos += to;
        }
        g_assert_cmpuint(hint, ==, 0);
        g_assert_cmpuint(in_pos, ==, in->len);
        g_byte_array_set_size(out, (guint)out_pos);
        LZ4F_freeDecompressionContext(context);
    }
    return out;
}

static void check(Encoder *encoder, const Block *block, Compression compression, size_t buffer)
{
    g_autoptr(GByteArray) expected = g_byte_array_new();
    block_write(block, collect, expected);
    g_assert_true(encoder_start(encoder, block, compression, NULL));
    g_autoptr(GByteArray) sent = read_all(encoder, buffer);
    if (compression == COMPRESSION_NONE) {
        g_assert_cmpint(encoder_size(encoder), ==, expected->len);
        g_assert_null(encoder_content_encoding(encoder));
        g_assert_cmpmem(sent->data, sent->len, expected->data, expected->len);
        return;
    }
    g_assert_cmpint(encoder_size(encoder), ==, -1);
    g_autoptr(GByteArray) plain = decompress(sent, compression, expected->len);
    g_assert_cmpmem(plain->data, plain->len, expected->data, expected->len);
    if (expected->len > 100000)
        g_assert_cmpuint(sent->len, <, expected->len);
}

static void test_round_trips(void)
{
    static const size_t BUFFERS[] = {1, 100, 16 * 1024, 300 * 1024, 2 * 1024 * 1024};
    static const uint64_t ROWS[] = {0, 1, 1000, 40000};
    Encoder *encoder = encoder_new();
    for (size_t r = 0; r < G_N_ELEMENTS(ROWS); r++) {
        g_autoptr(Block) block = make_block(ROWS[r]);
        for (size_t b = 0; b < G_N_ELEMENTS(BUFFERS); b++) {
            for (Compression c = COMPRESSION_NONE; c <= COMPRESSION_ZSTD; c++)
                check(encoder, block, c, BUFFERS[b]);
        }
    }
    encoder_free(encoder);
}

/* A broken connection leaves a stream in its middle; the next insert begins afresh. */
static void test_start_again(void)
{
    Encoder *encoder = encoder_new();
    g_autoptr(Block) block = make_block(20000);
    for (Compression c = COMPRESSION_NONE; c <= COMPRESSION_ZSTD; c++) {
        uint8_t some[5000];
        g_assert_true(encoder_start(encoder, block, c, NULL));
        g_assert_cmpint(encoder_read(encoder, some, sizeof some), >, 0);
        check(encoder, block, c, 65536);
    }
    encoder_free(encoder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/encoder/round-trips", test_round_trips);
    g_test_add_func("/encoder/start-again", test_start_again);
    return g_test_run();
}
