/* endpoint_server_test.c - the HTTP server on a stub of the engine (endpoint_stub.c), so that sanitizers see all of it.
 */
#include "endpoint/engine.h"
#include "endpoint/server.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static Server *server;

/* Sends `request`, reads to the end of the connection. `body` may be NULL. */
static char *ask(const char *request, const char *body, size_t body_len)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_autofree char *head =
        g_strdup_printf("%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\nX-ClickHouse-Key: secret\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        request, server_port(server), body_len);
    g_assert_cmpint(send(fd, head, strlen(head), MSG_NOSIGNAL), ==, (ssize_t)strlen(head));
    for (size_t at = 0; at < body_len;) {
        ssize_t n = send(fd, body + at, body_len - at, MSG_NOSIGNAL);
        g_assert_cmpint(n, >, 0);
        at += (size_t)n;
    }
    GString *answer = g_string_new(NULL);
    char piece[65536];
    for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;)
        g_string_append_len(answer, piece, n);
    close(fd);
    return g_string_free(answer, FALSE);
}

static void assert_answer(const char *request, const char *body, const char *status, const char *has)
{
    g_autofree char *answer = ask(request, body, body ? strlen(body) : 0);
    g_test_message("%s %s", request, body ? body : "");
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 "));
    g_autofree char *got = g_strndup(answer + 9, 3);
    g_assert_cmpstr(got, ==, status);
    if (has && !strstr(answer, has))
        g_error("%s is not in: %s", has, answer);
}

static void test_requests(void)
{
    assert_answer("GET /ping", NULL, "200", "Ok.\n");
    assert_answer("GET /", NULL, "200", "Ok.\n");
    assert_answer("DELETE /", NULL, "405", "Allow: ");
    assert_answer("GET /x", NULL, "404", NULL);
    assert_answer("GET /?query=SELECT+rows+2", NULL, "200", "000000000\n000000001\n");
    assert_answer("POST /", "SELECT rows 2", "200", "000000001\n");
    assert_answer("POST /?query_id=a%0d%0aX:y", "SELECT rows 2", "200", "X-ClickHouse-Query-Id: a??X:y\r\n");
    assert_answer("POST /", "SHOW rows 3", "200", "000000002\n");
    assert_answer("POST /", "SELECT fail", "500", "X-ClickHouse-Exception-Code: 395");
    assert_answer("POST /?max_threads=fail", "SELECT 1", "500", "Code: 395");
    assert_answer("POST /?session_id=s", "SELECT rows 2", "200", "000000001\n");
    assert_answer("POST /?session_id=s", "SELECT fail", "500", "Code: 395");
    assert_answer("POST /", "", "400", "Code: 62");
    assert_answer("GET /?query=DROP+TABLE+x", NULL, "500", "Code: 164");
}

static void test_inserts(void)
{
    assert_answer("POST /", "INSERT INTO t FORMAT TSV\n12345", "200", "\"written_rows\":\"5\"");
    assert_answer("POST /?query=INSERT+INTO+t+FORMAT+TSV", "12345", "200", "\"written_rows\":\"5\"");
    assert_answer("POST /?query=INSERT+INTO+t+VALUES+(1)", "", "200", "\"written_rows\":\"5\""); /* " (1)\n" */
    assert_answer("POST /?query=INSERT+INTO+fail+FORMAT+TSV", "12345", "404", "Code: 60");
    assert_answer("POST /?query=INSERT+INTO+t+FORMAT+TSV", "bad", "400", "Code: 27");
    assert_answer("POST /", "INSERT INTO t FROM INFILE 'x' FORMAT TSV", "403", "Code: 497");
    g_autofree char *large = g_malloc(5000000);
    memset(large, 'x', 5000000);
    g_autofree char *answer = ask("POST /?query=INSERT+INTO+t+FORMAT+TSV", large, 5000000);
    g_assert_nonnull(strstr(answer, "\"written_rows\":\"5000000\""));
    memcpy(large, "bad", 3);
    g_autofree char *broken = ask("POST /?query=INSERT+INTO+t+FORMAT+TSV", large, 5000000);
    g_assert_true(g_str_has_prefix(broken, "HTTP/1.1 400"));
}

static void test_large_results(void)
{
    g_autofree char *answer = ask("POST /?query=SELECT+rows+300000", NULL, 0);
    g_assert_nonnull(strstr(answer, "Transfer-Encoding: chunked"));
    g_assert_nonnull(strstr(answer, "000049999\n\r\n0\r\n\r\n"));
    g_autofree char *waited = ask("POST /?query=SELECT+rows+3000000&wait_end_of_query=1", NULL, 0);
    g_assert_nonnull(strstr(waited, "Content-Length: 30000000\r\n"));
    g_autofree char *cut = ask("POST /?query=SELECT+rows+200777", NULL, 0);
    g_assert_nonnull(strstr(cut, "\r\n__exception__\r\n"));
    g_assert_false(g_str_has_suffix(cut, "0\r\n\r\n"));
    assert_answer("POST /?query=SELECT+rows+200777&wait_end_of_query=1", NULL, "500", "Code: 395");
}

static void *hammer(void *data G_GNUC_UNUSED)
{
    for (unsigned i = 0; i < 30; i++) {
        assert_answer("POST /", "SELECT rows 100", "200", NULL);
        assert_answer("POST /", "INSERT INTO t FORMAT TSV\n12345", "200", NULL);
        g_autofree char *session = g_strdup_printf("POST /?session_id=%p&session_timeout=1", (void *)g_thread_self());
        assert_answer(session, "SELECT rows 100", "200", NULL);
    }
    return NULL;
}

static void test_side_by_side(void)
{
    GThread *threads[6];
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("client", hammer, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *here = g_path_get_dirname(argv[0]);
    g_autofree char *stub = g_build_filename(here, "endpoint_stub.so", NULL);
    Engine *engine = engine_open(stub, "data", "config", &error);
    g_assert_no_error(error);
    ServerOptions options = {
        .address = "127.0.0.1", .user = "default", .password = "secret", .spool_dir = g_get_tmp_dir()};
    server = server_start(engine, &options, &error);
    g_assert_no_error(error);
    g_test_add_func("/endpoint/server/requests", test_requests);
    g_test_add_func("/endpoint/server/inserts", test_inserts);
    g_test_add_func("/endpoint/server/large", test_large_results);
    g_test_add_func("/endpoint/server/side-by-side", test_side_by_side);
    int code = g_test_run();
    g_assert_true(server_stop(server, 5));
    server_free(server);
    engine_close(engine);
    return code;
}
