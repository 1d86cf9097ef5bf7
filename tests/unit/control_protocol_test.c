#include "base/base.h"
#include "control/control.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* However the lines are cut, the same objects come out. */
static void split_lines(void)
{
    for (int round = 0; round < 200; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ProtocolReader) reader = protocol_reader_new();
        g_autoptr(GString) text = g_string_new("\n");
        int n = g_test_rand_int_range(1, 20);
        for (int i = 0; i < n; i++)
            g_string_append_printf(text, "{\"id\": %d, \"text\": \"a\\nbä\"}%s", i, i % 3 == 0 ? "\r\n\n" : "\n");
        int next = 0;
        for (size_t at = 0; at < text->len;) {
            size_t len = (size_t)g_test_rand_int_range(1, 40);
            len = MIN(len, text->len - at);
            g_assert_true(protocol_reader_push(reader, text->str + at, len, &error));
            at += len;
            json_t *object;
            while (g_test_rand_int_range(0, 3) > 0 && (object = protocol_reader_pull(reader, &error)) != NULL) {
                g_assert_cmpint(json_integer_value(json_object_get(object, "id")), ==, next++);
                json_decref(object);
            }
            g_assert_no_error(error);
        }
        json_t *object;
        while ((object = protocol_reader_pull(reader, &error)) != NULL) {
            g_assert_cmpint(json_integer_value(json_object_get(object, "id")), ==, next++);
            json_decref(object);
        }
        g_assert_no_error(error);
        g_assert_cmpint(next, ==, n);
    }
}

static void bad_lines(void)
{
    static const char *const lines[] = {"nonsense\n",          "[1]\n",  "{\"a\": 1, \"a\": 2}\n",
                                        "{\"a\": \"\xff\"}\n", "{}{}\n", "\0\n"};
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ProtocolReader) reader = protocol_reader_new();
        size_t len = i == 5 ? 2 : strlen(lines[i]);
        g_assert_true(protocol_reader_push(reader, lines[i], len, &error));
        g_assert_null(protocol_reader_pull(reader, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        g_clear_error(&error);
        g_assert_true(protocol_reader_push(reader, "{\"b\": 1}\n", 9, &error));
        json_t *object = protocol_reader_pull(reader, &error); /* the next line is read again */
        g_assert_nonnull(object);
        json_decref(object);
    }
}

static void oversized_line(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProtocolReader) reader = protocol_reader_new();
    g_autofree char *chunk = g_strnfill(1024 * 1024, 'x');
    unsigned pushed = 0;
    while (error == NULL && pushed < 100) {
        pushed++;
        if (protocol_reader_push(reader, chunk, 1024 * 1024, &error))
            g_assert_null(protocol_reader_pull(reader, &error));
    }
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
    g_assert_cmpuint(pushed, <=, 18);

    /* Also when nobody pulls. */
    g_autoptr(ProtocolReader) lazy = protocol_reader_new();
    g_clear_error(&error);
    pushed = 0;
    while (pushed < 100 && protocol_reader_push(lazy, chunk, 1024 * 1024, &error))
        pushed++;
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
    g_assert_cmpuint(pushed, <=, 64);
}

static void large_line(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProtocolReader) reader = protocol_reader_new();
    g_autofree char *text = g_strnfill(PROTOCOL_MAX_LINE - 100, 'y');
    json_t *object = json_pack("{s:s}", "text", text);
    size_t len;
    char *line = protocol_line(object, &len);
    json_t *back = NULL;
    for (size_t at = 0; at < len; at += 65536) {
        g_assert_true(protocol_reader_push(reader, line + at, MIN((size_t)65536, len - at), &error));
        back = protocol_reader_pull(reader, &error);
        g_assert_no_error(error);
    }
    g_assert_true(json_equal(object, back));
    free(line);
    json_decref(object);
    json_decref(back);
}

static void errors(void)
{
    g_autoptr(GError) refused = g_error_new(SLUICE_ERROR, SLUICE_ERROR_REFUSED, "line\nbreak \xff");
    json_t *json = protocol_error(refused);
    g_autoptr(GError) back = NULL;
    g_assert_false(protocol_answer_ok(json, &back));
    g_assert_error(back, SLUICE_ERROR, SLUICE_ERROR_REFUSED);
    g_assert_cmpstr(back->message, ==, "line\\x0Abreak \\xFF");
    json_decref(json);

    g_autoptr(GError) other = g_error_new(G_FILE_ERROR, 4, "elsewhere");
    g_autoptr(GError) table = g_error_new(SLUICE_ERROR, SLUICE_ERROR_CATALOG, "catalog");
    const GError *all[] = {other, table};
    for (unsigned i = 0; i < 2; i++) {
        g_clear_error(&back);
        json = protocol_error(all[i]);
        g_assert_false(protocol_answer_ok(json, &back));
        g_assert_error(back, SLUICE_ERROR, SLUICE_ERROR_FAILED);
        json_decref(json);
    }
    g_clear_error(&back);
    json = protocol_ok();
    g_assert_true(protocol_answer_ok(json, &back));
    json_decref(json);
    json = json_pack("{s:i}", "nothing", 1);
    g_assert_false(protocol_answer_ok(json, &back));
    g_assert_error(back, SLUICE_ERROR, SLUICE_ERROR_FAILED);
    json_decref(json);
}

/* A server of one connection: answers each request after an unasked view; `stop` is answered and then hung up on. */
static void *serve(void *data)
{
    int fd = accept(GPOINTER_TO_INT(data), NULL, NULL);
    g_autoptr(ProtocolReader) reader = protocol_reader_new();
    char bytes[4096];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        g_assert_true(protocol_reader_push(reader, bytes, (size_t)n, NULL));
        json_t *request;
        while ((request = protocol_reader_pull(reader, NULL)) != NULL) {
            const char *what = json_string_value(json_object_get(request, "do"));
            g_autoptr(GError) refused = g_error_new(SLUICE_ERROR, SLUICE_ERROR_REFUSED, "not now");
            json_t *answer = g_strcmp0(what, "pause") == 0 ? protocol_error(refused) : protocol_ok();
            json_object_set(answer, "id", json_object_get(request, "id"));
            json_object_set_new(answer, "beside", json_string("the error"));
            g_assert_cmpint(write(fd, "{\"view\": {}}\n", 13), ==, 13);
            size_t len;
            char *line = protocol_line(answer, &len);
            bool silent = g_strcmp0(what, "silence") == 0;
            g_assert_cmpint(silent ? (ssize_t)len : write(fd, line, len), ==, (ssize_t)len);
            free(line);
            json_decref(answer);
            bool end = g_strcmp0(what, "stop") == 0;
            json_decref(request);
            if (end) {
                close(fd);
                return NULL;
            }
        }
    }
    close(fd);
    return NULL;
}

static int listen_in(const char *dir)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *path = protocol_socket_path(dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 4), ==, 0);
    return fd;
}

static void client(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("sluice-client-XXXXXX", NULL);
    g_assert_null(client_connect(dir, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING);
    g_clear_error(&error);

    int listener = listen_in(dir);
    pthread_t thread;
    pthread_create(&thread, NULL, serve, GINT_TO_POINTER(listener));
    g_autoptr(Client) one = client_connect(dir, &error);
    g_assert_no_error(error);
    json_t *answer = client_call(one, protocol_request("status"), 10000, &error);
    g_assert_no_error(error);
    g_assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    g_assert_null(client_call(one, protocol_request("pause"), 10000, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED);
    g_clear_error(&error);
    answer = client_exchange(one, protocol_request("pause"), 10000, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "beside")), ==, "the error");
    json_decref(answer);
    g_assert_null(client_call(one, protocol_request("silence"), 50, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
    g_clear_error(&error);
    answer =
        client_call(one, protocol_request("stop"), 10000, &error); /* the answer counts, though the end came with it */
    g_assert_no_error(error);
    json_decref(answer);
    g_assert_null(client_call(one, protocol_request("status"), 10000, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING);
    g_clear_error(&error);
    pthread_join(thread, NULL);
    close(listener);

    g_assert_null(client_connect(dir, &error)); /* a socket that nobody serves any more */
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING);
    g_autofree char *path = protocol_socket_path(dir);
    g_unlink(path);
    g_rmdir(dir);
}

static void long_path(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_strnfill(200, 'd');
    g_assert_null(client_connect(dir, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
}

static void state_dir(void)
{
    g_autofree char *absolute = protocol_state_dir("/a/b/");
    g_assert_cmpstr(absolute, ==, "/a/b");
    g_autofree char *relative = protocol_state_dir("x");
    g_assert_true(g_path_is_absolute(relative));
    g_setenv("XDG_STATE_HOME", "/xdg", TRUE);
    g_autofree char *xdg = protocol_state_dir(NULL);
    g_assert_cmpstr(xdg, ==, "/xdg/sluice");
    g_unsetenv("XDG_STATE_HOME");
    g_autofree char *standard = protocol_state_dir(NULL);
    g_assert_true(g_str_has_suffix(standard, geteuid() == 0 ? "/var/lib/sluice" : "/.local/state/sluice"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/control/protocol/split-lines", split_lines);
    g_test_add_func("/control/protocol/bad-lines", bad_lines);
    g_test_add_func("/control/protocol/oversized-line", oversized_line);
    g_test_add_func("/control/protocol/large-line", large_line);
    g_test_add_func("/control/protocol/errors", errors);
    g_test_add_func("/control/protocol/state-dir", state_dir);
    g_test_add_func("/control/client/calls", client);
    g_test_add_func("/control/client/long-path", long_path);
    return g_test_run();
}
