#include "base/base.h"

#include <glib/gstdio.h>

static void parts(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) url =
        url_parse("MySQL://us%40er:p%3Aa%2Fss@db.example.com:3307/a%20b?ssl-mode=required&x=%2F%26", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(url->scheme, ==, "mysql");
    g_assert_cmpstr(url->user, ==, "us@er");
    g_assert_cmpstr(url->password, ==, "p:a/ss");
    g_assert_cmpstr(url->host, ==, "db.example.com");
    g_assert_cmpuint(url->port, ==, 3307);
    g_assert_cmpstr(url->path, ==, "a b");
    g_assert_cmpstr(url_param(url, "ssl-mode"), ==, "required");
    g_assert_cmpstr(url_param(url, "x"), ==, "/&");
    g_assert_null(url_param(url, "y"));
    const char *const names[] = {"ssl-mode", "x", NULL};
    g_assert_true(url_check_params(url, names, &error));
    g_assert_false(url_check_params(url, NULL, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
}

static void little(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) v6 = url_parse("http://[::1]:8123/shop", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(v6->host, ==, "::1");
    g_assert_cmpuint(v6->port, ==, 8123);
    g_assert_null(v6->user);
    g_autoptr(Url) embedded = url_parse("embedded:", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(embedded->scheme, ==, "embedded");
    g_assert_cmpstr(embedded->path, ==, "");
    g_assert_null(embedded->host);
    g_autoptr(Url) named = url_parse("embedded:shop", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(named->path, ==, "shop");
    g_autoptr(Url) over_socket = url_parse("mysql://root@/?socket=/run/my.sock", &error);
    g_assert_no_error(error);
    g_assert_null(over_socket->host);
    g_assert_cmpuint(over_socket->port, ==, 0);
    g_assert_cmpstr(url_param(over_socket, "socket"), ==, "/run/my.sock");
    g_autofree char *none = url_read_password(over_socket, &error);
    g_assert_null(none);
    g_assert_no_error(error);
}

static void bad(void)
{
    static const char *const texts[] = {"",
                                        "nonsense",
                                        "mysql://u:secret@h:port/",
                                        "mysql://u@h:0/",
                                        "mysql://u@h:70000/",
                                        "mysql://u:sec%zzret@h/",
                                        "mysql://u:%00secret@h/",
                                        "mysql://u@h/?flag",
                                        "mysql://u:secret@h/#x",
                                        "mysql://u:secr/et@h/",
                                        "mysql://u:secret%ff@h/"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        Url *url = url_parse(texts[i], &error);
        g_assert_null(url);
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        g_assert_null(strstr(error->message, "sec"));
    }
}

static void redact_one(const char *text, const char *expected)
{
    g_autofree char *out = url_redact(text);
    g_assert_cmpstr(out, ==, expected);
}

static void redacting(void)
{
    redact_one("mysql://u:secret@h:3306/?a=b", "mysql://u:***@h:3306/?a=b");
    redact_one("mysql://u@h:3306/?password-file=/x@y", "mysql://u@h:3306/?password-file=/x@y");
    redact_one("mysql://h:3306/?password-file=/x@y", "mysql://h:3306/?password-file=/x@y");
    redact_one("mysql://u:se@cr/et@h/", "mysql://u:***@h/");
    redact_one("mysql://u:se?cr:et@h/", "mysql://u:***@h/");
    redact_one("mysql://u:@h/", "mysql://u:***@h/");
    redact_one("http://[::1]:8123/db", "http://[::1]:8123/db");
    redact_one("http://h/?a=b&password=secret&c=d", "http://h/?a=b&password=***&c=d");
    redact_one("http://h/?password=secret", "http://h/?password=***");
    redact_one("embedded:", "embedded:");
    redact_one("", "");
}

static char *read_of(const char *query, GError **error)
{
    g_autofree char *text = g_strconcat("mysql://u@h/?", query, NULL);
    g_autoptr(Url) url = url_parse(text, error);
    return url != NULL ? url_read_password(url, error) : NULL;
}

static void expect_secret(const char *query, const char *expected)
{
    g_autoptr(GError) error = NULL;
    char *secret = read_of(query, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(secret, ==, expected);
    url_secret_free(secret);
}

static void expect_failure(const char *query, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_of(query, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, part));
}

static void passwords(void)
{
    g_autofree char *dir = g_dir_make_tmp("sluice-url-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "password", NULL);
    g_autofree char *query = g_strconcat("password-file=", path, NULL);
    g_assert_true(g_file_set_contents(path, "top secret\n\n", -1, NULL));
    expect_secret(query, "top secret\n"); /* one newline is cut, not two */
    g_assert_true(g_file_set_contents(path, "rotated", -1, NULL));
    expect_secret(query, "rotated");
    g_assert_true(g_file_set_contents(path, "", -1, NULL));
    expect_secret(query, "");
    g_autofree char *huge = g_strnfill(5000, 'x');
    g_assert_true(g_file_set_contents(path, huge, -1, NULL));
    expect_failure(query, "longer");
    g_unlink(path);
    expect_failure(query, "No such file");
    g_autofree char *of_dir = g_strconcat("password-file=", dir, NULL);
    expect_failure(of_dir, "directory");
    g_rmdir(dir);

    expect_secret("password-command=echo%20from%20the%20$(echo%20shell)", "from the shell");
    expect_secret("password-command=cat", ""); /* its stdin is empty */
    expect_failure("password-command=exit%203", "exit code 3");
    expect_failure("password-command=kill%20-9%20$$", "signal 9");
    g_setenv("SLUICE_TEST_SECRET", "from the environment", TRUE);
    expect_secret("password-env=SLUICE_TEST_SECRET", "from the environment");
    g_unsetenv("SLUICE_TEST_SECRET");
    expect_failure("password-env=SLUICE_TEST_SECRET", "not set");
    expect_failure("password-env=A&password-file=B", "more than one");
    url_secret_free(NULL);
}

static void literal(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) url = url_parse("mysql://u:lit%65ral@h/", &error);
    char *secret = url_read_password(url, &error);
    g_assert_cmpstr(secret, ==, "literal");
    url_secret_free(secret);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/url/parts", parts);
    g_test_add_func("/base/url/little", little);
    g_test_add_func("/base/url/bad", bad);
    g_test_add_func("/base/url/redact", redacting);
    g_test_add_func("/base/url/passwords", passwords);
    g_test_add_func("/base/url/literal", literal);
    return g_test_run();
}
