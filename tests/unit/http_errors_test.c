/* What a server's answer says went wrong, quoting, and destination URLs. The texts are those of real servers. */
#include "clickhouse/http.h"
#include "clickhouse/http_error.h"
#include <string.h>

static GError *answer_error(long status, int code, const char *tag, bool has_result, const char *body)
{
    HttpAnswer answer = {.server = "ch:8123",
                         .user = "joe",
                         .status = status,
                         .exception_code = code,
                         .tag = tag,
                         .body = body,
                         .len = strlen(body),
                         .has_result = has_result};
    return http_error_of_answer(&answer);
}

static void assert_error(GError *failed, int code, const char *part)
{
    g_assert_error(failed, CLICKHOUSE_ERROR, code);
    if (!strstr(failed->message, part))
        g_error("\"%s\" is not in \"%s\"", part, failed->message);
    g_assert_null(strchr(failed->message, '\n'));
    g_error_free(failed);
}

static void test_header_code(void)
{
    GError *failed =
        answer_error(404, 60, NULL, true,
                     "Code: 60. DB::Exception: Table default.nope does not exist. (UNKNOWN_TABLE) (version "
                     "26.7.3.1 (official build))\n");
    g_assert_cmpstr(failed->message, ==,
                    "ClickHouse at ch:8123: Table default.nope does not exist (code 60, UNKNOWN_TABLE)");
    assert_error(failed, 60, "UNKNOWN_TABLE");
    /* The header alone is proof, also with status 200 and an empty body. */
    assert_error(answer_error(200, 241, NULL, false, ""), 241, "an error without a text (code 241");
    /* Poco's errors carry no "Code: N. DB::Exception". */
    assert_error(
        answer_error(500, 1000, NULL, true, "Poco::Exception. Code: 1000, e.code() = 0, Timeout (version 23.8.1)"),
        1000, "Timeout");
}

static void test_without_header(void)
{
    assert_error(
        answer_error(500, 0, NULL, true, "Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR) (version 20.1)"), 62,
        "Syntax error");
    /* 18.16: no name, e.displayText(), a stack trace. */
    GError *failed =
        answer_error(404, 0, NULL, true,
                     "Code: 60, e.displayText() = DB::Exception: Table default.t doesn't exist., e.what() = "
                     "DB::Exception\n");
    g_assert_cmpint(failed->code, ==, 60);
    g_assert_nonnull(strstr(failed->message, "Table default.t doesn't exist"));
    g_error_free(failed);
}

static void test_after_ok(void)
{
    const char *text = "Code: 395. DB::Exception: Value passed: while executing. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) "
                       "(version 24.3.1.1)\n";
    assert_error(answer_error(200, 0, NULL, false, text), 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO");
    g_autofree char *rows = g_strconcat("1\n2\n3\n", text, NULL);
    assert_error(answer_error(200, 0, NULL, true, rows), 395, "Value passed");
    /* A result that only speaks of errors is none. */
    g_assert_no_error(answer_error(200, 0, NULL, true, "Code: 395. DB::Exception: no version follows\n"));
    g_autofree char *quoted = g_strconcat(text, "and a row after it\n", NULL);
    g_assert_no_error(answer_error(200, 0, NULL, true, quoted));
    g_assert_no_error(answer_error(200, 0, NULL, true, ""));
    g_assert_no_error(answer_error(200, 0, NULL, false, ""));
}

static void test_tagged(void)
{
    const char *broken = "1\n2\n\r\n__exception__\r\nPYJAZDxyzABCDEFG\r\nCode: 159. DB::Exception: Timeout exceeded. "
                         "(TIMEOUT_EXCEEDED) (version 26.7.3.1)\n\r\n94 PYJAZDxyzABCDEFG\r\n__exception__\r\n";
    assert_error(answer_error(200, 0, "PYJAZDxyzABCDEFG", true, broken), 159, "Timeout exceeded");
    /* Another tag: data that looks like it. And with a tag the text alone proves nothing in a result. */
    g_assert_no_error(answer_error(200, 0, "otherotherothero", true, broken));
    g_assert_no_error(answer_error(200, 0, "PYJAZDxyzABCDEFG", true,
                                   "Code: 60. DB::Exception: from a log. (UNKNOWN_TABLE) (version 26.7)\n"));
}

static void test_nested(void)
{
    int code;
    g_autofree char *name = NULL, *message = NULL;
    const char *text =
        "Code: 279. DB::Exception: All tries failed. Log:\n\nCode: 210. DB::NetException: Connection refused "
        "(host:9000). (NETWORK_ERROR) (version 26.7). (ALL_CONNECTION_TRIES_FAILED) (version 26.7)";
    g_assert_true(http_exception_parse(text, strlen(text), &code, &name, &message));
    g_assert_cmpint(code, ==, 279);
    g_assert_cmpstr(name, ==, "ALL_CONNECTION_TRIES_FAILED");
    g_assert_null(strchr(message, '\n'));
    g_assert_true(g_str_has_prefix(message, "All tries failed. Log:"));
}

static void test_hostile(void)
{
    /* Escape sequences never reach a terminal, whatever a server says. */
    GError *failed =
        answer_error(500, 1, NULL, true, "Code: 1. DB::Exception: \x1b[2Jgone\x07. (BAD\x1b[m) (version 1)");
    for (const char *p = failed->message; *p; p++)
        g_assert_cmpint((unsigned char)*p, >=, ' ');
    g_error_free(failed);
    static const char *const TEXTS[] = {"Code: ",
                                        "Code: 1",
                                        "Code: 1.",
                                        "Code: 1. ",
                                        "Code: . DB::Exception: ",
                                        "Code: 99999999999999999999. DB::Exception: x",
                                        "Code: 1. DB::Exception: ",
                                        "Code: 1. DB::Exception: (((((",
                                        "(A) (AB) ()"};
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        failed = answer_error(500, 0, NULL, true, TEXTS[i]);
        g_assert_nonnull(failed);
        g_assert_cmpint(failed->code, !=, 0);
        g_error_free(failed);
    }
}

static void test_mends(void)
{
    assert_error(answer_error(403, 516, NULL, true,
                              "Code: 516. DB::Exception: joe: Authentication failed: password is incorrect. "
                              "(AUTHENTICATION_FAILED) (version 24.8)"),
                 516, "correct user joe or the password");
    assert_error(answer_error(500, 0, NULL, true, "Code: 194. DB::Exception: Password required. (REQUIRED_PASSWORD)"),
                 194, "password-file=");
    assert_error(answer_error(400, 0, NULL, true,
                              "Port 9000 is for clickhouse-client program\nYou must use port 8123 for HTTP."),
                 CLICKHOUSE_ERROR_HTTP, "status 400: Port 9000 is for clickhouse-client program");
    assert_error(answer_error(404, 0, NULL, true, ""), CLICKHOUSE_ERROR_HTTP, "check that host and port");
}

static void test_quoting(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    clickhouse_quote_table(out, "a\\", "b`c");
    clickhouse_quote_string(out, "it's \\ `");
    g_assert_cmpstr(out->str, ==, "`a\\\\`.`b\\`c`'it\\'s \\\\ `'");
}

static void test_urls(void)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(Url) plain = clickhouse_url_parse("http://joe@ch", &failed);
    g_assert_no_error(failed);
    g_assert_cmpuint(plain->port, ==, 8123);
    g_assert_cmpstr(plain->path, ==, "default");
    g_autoptr(Url) tls = clickhouse_url_parse("https://ch/d%20b?ca=/x.pem&password-env=P", &failed);
    g_assert_no_error(failed);
    g_assert_cmpuint(tls->port, ==, 8443);
    g_assert_cmpstr(tls->path, ==, "d b");
    g_autoptr(Clickhouse) ch = clickhouse_new(tls, NULL, &failed);
    g_assert_no_error(failed);
    g_assert_cmpstr(clickhouse_database(ch), ==, "d b");
    static const char *const BAD[] = {"mysql://ch/",     "http:///db",          "http://ch/a/b",
                                      "http://ch/?ca=x", "http://ch/?secure=1", "http://a%0d%0ab@ch/"};
    for (size_t i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(GError) refused = NULL;
        g_assert_null(clickhouse_url_parse(BAD[i], &refused));
        g_assert_error(refused, SLUICE_ERROR, SLUICE_ERROR_USAGE);
    }
}

/* A request after the cancel ends without any traffic. */
static void test_cancelled(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    g_autoptr(Url) url = clickhouse_url_parse("http://127.0.0.1:1/", NULL);
    g_autoptr(Clickhouse) ch = clickhouse_new(url, cancel, NULL);
    cancel_request(cancel);
    g_autoptr(GError) failed = NULL;
    g_assert_false(clickhouse_ping(ch, 0, &failed));
    g_assert_error(failed, SLUICE_ERROR, SLUICE_ERROR_CANCELLED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http-errors/header-code", test_header_code);
    g_test_add_func("/http-errors/without-header", test_without_header);
    g_test_add_func("/http-errors/after-ok", test_after_ok);
    g_test_add_func("/http-errors/tagged", test_tagged);
    g_test_add_func("/http-errors/nested", test_nested);
    g_test_add_func("/http-errors/hostile", test_hostile);
    g_test_add_func("/http-errors/mends", test_mends);
    g_test_add_func("/http-errors/quoting", test_quoting);
    g_test_add_func("/http-errors/urls", test_urls);
    g_test_add_func("/http-errors/cancelled", test_cancelled);
    return g_test_run();
}
