/* endpoint_parts_test.c - codecs, faults, access and the spool of the endpoint. */
#include "endpoint/access.h"
#include "endpoint/codec.h"
#include "endpoint/fault.h"
#include "endpoint/running.h"
#include "endpoint/spool.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static bool collect(void *data, const void *bytes, size_t len, GError **error G_GNUC_UNUSED)
{
    g_byte_array_append(data, bytes, (guint)len);
    return true;
}

static bool refuse(void *data G_GNUC_UNUSED, const void *bytes G_GNUC_UNUSED, size_t len G_GNUC_UNUSED, GError **error)
{
    fault_set(error, FAULT_ABORTED, "enough");
    return false;
}

static GByteArray *encoded(Codec codec, const GByteArray *plain)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(Encoder) encoder = encoder_new(codec, out);
    for (guint at = 0; at < plain->len; at += 70000)
        encoder_write(encoder, plain->data + at, MIN(70000, plain->len - at));
    encoder_finish(encoder);
    return out;
}

static bool decode(Codec codec, const guint8 *bytes, size_t len, size_t piece, GByteArray *out, GError **error)
{
    g_autoptr(Decoder) decoder = decoder_new(codec, collect, out);
    for (size_t at = 0; at < len; at += piece)
        if (!decoder_write(decoder, bytes + at, MIN(piece, len - at), error))
            return false;
    return decoder_finish(decoder, error);
}

static void test_codecs(void)
{
    g_autoptr(GByteArray) plain = g_byte_array_new();
    for (guint i = 0; i < 300000; i++) {
        guint32 word = i % 3 ? i : (guint32)g_test_rand_int();
        g_byte_array_append(plain, (guint8 *)&word, sizeof word);
    }
    for (Codec codec = CODEC_NONE; codec < CODEC_UNKNOWN; codec++) {
        g_autoptr(GByteArray) bytes = encoded(codec, plain);
        for (size_t piece = codec == CODEC_NONE ? 100 : 7; piece < 10000000; piece *= 97) {
            g_autoptr(GByteArray) out = g_byte_array_new();
            g_autoptr(GError) error = NULL;
            g_assert_true(decode(codec, bytes->data, bytes->len, piece, out, &error));
            g_assert_no_error(error);
            g_assert_cmpmem(out->data, out->len, plain->data, plain->len);
        }
        if (codec == CODEC_NONE)
            continue;
        for (guint cut = 1; cut < 100; cut += 7) {
            g_autoptr(GByteArray) out = g_byte_array_new();
            g_autoptr(GError) error = NULL;
            g_assert_false(decode(codec, bytes->data, bytes->len - cut, 4096, out, &error));
            g_assert_nonnull(error);
        }
        for (unsigned round = 0; round < 50;
             round++) { /* broken in one place: an error or other bytes, never a crash */
            g_autoptr(GByteArray) out = g_byte_array_new();
            guint at = (guint)g_test_rand_int_range(0, (gint32)bytes->len);
            bytes->data[at] ^= 0x55;
            decode(codec, bytes->data, MIN(bytes->len, 100000), 9999, out, NULL);
            bytes->data[at] ^= 0x55;
        }
        g_autoptr(GError) error = NULL;
        g_autoptr(Decoder) decoder = decoder_new(codec, refuse, NULL);
        g_assert_false(decoder_write(decoder, bytes->data, bytes->len, &error));
        g_assert_error(error, FAULT, FAULT_ABORTED);
    }
}

/* A small body that inflates without end must come out in pieces. */
static void test_bomb(void)
{
    g_autoptr(GByteArray) zeros = g_byte_array_new();
    g_byte_array_set_size(zeros, 64 * 1024 * 1024);
    memset(zeros->data, 0, zeros->len);
    for (Codec codec = CODEC_GZIP; codec < CODEC_UNKNOWN; codec++) {
        g_autoptr(GByteArray) bytes = encoded(codec, zeros);
        g_autoptr(GByteArray) out = g_byte_array_new();
        g_assert_true(decode(codec, bytes->data, bytes->len, bytes->len, out, NULL));
        g_assert_cmpuint(out->len, ==, zeros->len);
    }
}

static void test_names(void)
{
    g_assert_cmpint(codec_by_name(NULL), ==, CODEC_NONE);
    g_assert_cmpint(codec_by_name("GZip"), ==, CODEC_GZIP);
    g_assert_cmpint(codec_by_name("br"), ==, CODEC_UNKNOWN);
    g_assert_cmpint(codec_choose("gzip, deflate, br"), ==, CODEC_GZIP);
    g_assert_cmpint(codec_choose("gzip;q=0.5, zstd;q=0"), ==, CODEC_GZIP);
    g_assert_cmpint(codec_choose("lz4 , gzip"), ==, CODEC_LZ4);
    g_assert_cmpint(codec_choose("br"), ==, CODEC_NONE);
    g_assert_cmpint(codec_choose(NULL), ==, CODEC_NONE);
}

static void test_faults(void)
{
    static const struct {
        const char *text, *message;
        int code;
    } cases[] = {
        {"Code: 60. DB::Exception: No t. (UNKNOWN_TABLE) (version 26.7.2.1)\n",
         "Code: 60. DB::Exception: No t. (UNKNOWN_TABLE)", 60},
        {"Code: 27. DB::Exception: Code: 27. DB::Exception: bad: x (P) (version 26.7.2.1). (P)",
         "Code: 27. DB::Exception: bad: x (P)", 27},
        {"something else\n", "Code: 1002. DB::Exception: something else. (UNKNOWN_EXCEPTION)", 1002},
        {"Code: x", "Code: 1002. DB::Exception: Code: x. (UNKNOWN_EXCEPTION)", 1002},
        {"", "Code: 1002. DB::Exception: . (UNKNOWN_EXCEPTION)", 1002},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        fault_set_from_engine(&error, cases[i].text);
        g_assert_error(error, FAULT, cases[i].code);
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
    g_assert_cmpuint(fault_http_status(60), ==, 404);
    g_assert_cmpuint(fault_http_status(62), ==, 400);
    g_assert_cmpuint(fault_http_status(194), ==, 401);
    g_assert_cmpuint(fault_http_status(516), ==, 403);
    g_assert_cmpuint(fault_http_status(241), ==, 500);
}

static void test_access(void)
{
    g_autofree char *address = NULL;
    unsigned port;
    g_assert_true(listen_parse("127.0.0.1:0", &address, &port, NULL));
    g_assert_cmpstr(address, ==, "127.0.0.1");
    g_clear_pointer(&address, g_free);
    g_assert_true(listen_parse("[::1]:8123", &address, &port, NULL));
    g_assert_cmpstr(address, ==, "::1");
    g_assert_cmpuint(port, ==, 8123);
    static const char *const bad[] = {"",       "8123", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
                                      "host:1", "[]:1", ":1"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *none = NULL;
        g_autoptr(GError) error = NULL;
        g_assert_false(listen_parse(bad[i], &none, &port, &error));
        g_assert_nonnull(error);
    }
    g_assert_true(host_allowed("127.0.0.1:81", "127.0.0.1", 81));
    g_assert_true(host_allowed("LocalHost:81", "127.0.0.1", 81));
    g_assert_true(host_allowed("[::1]:81", "::1", 81));
    g_assert_true(host_allowed("127.0.0.1", "127.0.0.1", 80));
    g_assert_false(host_allowed("127.0.0.1", "127.0.0.1", 81));
    g_assert_false(host_allowed("evil.example:81", "127.0.0.1", 81));
    g_assert_false(host_allowed("", "127.0.0.1", 81));
    g_assert_true(host_allowed("10.1.2.3:81", "0.0.0.0", 81));
    g_assert_false(host_allowed("evil.example:81", "0.0.0.0", 81));
    g_assert_true(secret_equal("a", "a"));
    g_assert_false(secret_equal("a", "ab"));
    g_assert_false(secret_equal("", "a"));
}

static void test_password_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("endpoint-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "password", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(password_file_ensure(path, &error));
    g_assert_no_error(error);
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    g_autofree char *first = password_file_read(path, &error);
    g_assert_cmpuint(strlen(first), ==, 40);
    g_assert_true(password_file_ensure(path, &error));
    g_autofree char *second = password_file_read(path, &error);
    g_assert_cmpstr(first, ==, second);
    g_assert_true(g_file_set_contents(path, "\n", -1, NULL));
    g_assert_null(password_file_read(path, &error));
    g_assert_nonnull(error);
    g_unlink(path);
    g_rmdir(dir);
}

static void test_spool(void)
{
    g_autofree char *dir = g_dir_make_tmp("endpoint-XXXXXX", NULL);
    Spool *spool = spool_new(10, dir);
    g_assert_true(spool_write(spool, "01234567", 8, NULL));
    g_assert_true(spool_write(spool, "89abcdef", 8, NULL)); /* does not fit: into the file */
    g_assert_true(spool_write(spool, "gh", 2, NULL));
    g_assert_cmpuint(spool_size(spool), ==, 18);
    char out[32];
    size_t have = 0;
    for (ssize_t n; (n = spool_read(spool, have, out + have, 3)) > 0;)
        have += (size_t)n;
    g_assert_cmpmem(out, have, "0123456789abcdefgh", 18);
    spool_free(spool);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    spool = spool_new(0, "/nonexistent");
    g_autoptr(GError) error = NULL;
    g_assert_false(spool_write(spool, "x", 1, &error));
    g_assert_nonnull(error);
    spool_free(spool);
}

static void test_running(void)
{
    Running *running = running_new(2);
    g_autoptr(GError) error = NULL;
    g_assert_true(running_enter(running, "a", false, NULL));
    g_assert_false(running_enter(running, "a", true, &error));
    g_assert_error(error, FAULT, FAULT_SAME_QUERY_ID);
    g_clear_error(&error);
    g_assert_true(running_enter(running, "b", false, NULL));
    g_assert_false(running_enter(running, "c", false, &error));
    g_assert_error(error, FAULT, FAULT_TOO_MANY_QUERIES);
    g_clear_error(&error);
    g_assert_true(running_enter(running, "kill", true, NULL));
    g_assert_false(running_wait(running, 0));
    running_leave(running, "a");
    running_leave(running, "b");
    running_leave(running, "kill");
    running_close(running);
    g_assert_false(running_enter(running, "d", true, &error));
    g_assert_error(error, FAULT, FAULT_ABORTED);
    g_assert_true(running_wait(running, 0));
    running_free(running);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint/codecs", test_codecs);
    g_test_add_func("/endpoint/codecs/large", test_bomb);
    g_test_add_func("/endpoint/codecs/names", test_names);
    g_test_add_func("/endpoint/faults", test_faults);
    g_test_add_func("/endpoint/access", test_access);
    g_test_add_func("/endpoint/access/password-file", test_password_file);
    g_test_add_func("/endpoint/spool", test_spool);
    g_test_add_func("/endpoint/running", test_running);
    return g_test_run();
}
