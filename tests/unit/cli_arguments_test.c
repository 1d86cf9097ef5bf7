#include "base/base.h"
#include "cli/arguments.h"
#include "cli/output.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* What ps shows afterwards has no password, also when it is shorter than its mask. */
static void passwords_are_overwritten(void)
{
    char program[] = "sluice", url[] = "mysql://u:topsecret@h/", tiny[] = "--source=mysql://u:x@h/",
         plain[] = "a.b:c@d";
    char *argv[] = {program, url, tiny, plain, NULL};
    g_auto(GStrv) copy = arguments_take(4, argv);
    g_assert_cmpstr(copy[1], ==, "mysql://u:topsecret@h/");
    g_assert_cmpstr(copy[2], ==, "--source=mysql://u:x@h/");
    g_assert_null(copy[4]);
    g_assert_cmpstr(url, ==, "mysql://u:***@h/");
    g_assert_null(memchr(url, 'p', sizeof url));
    g_assert_cmpmem(tiny, sizeof tiny - 1, "--source=mysql://u:***@", sizeof tiny - 1);
    g_assert_cmpstr(plain, ==, "a.b:c@d");
    for (size_t i = strlen(url); i < sizeof url; i++)
        g_assert_cmpint(url[i], ==, 0);
}

static void expect_url(const char *text, const char *before, const char *after)
{
    g_autofree char *dir = g_get_current_dir();
    g_autofree char *escaped = g_uri_escape_string(dir, "/", TRUE);
    g_autofree char *expected = g_strconcat(before, after != NULL ? escaped : "", after, NULL);
    g_autofree char *got = arguments_url(text);
    g_assert_cmpstr(got, ==, expected);
}

static void urls_name_absolute_files(void)
{
    expect_url("embedded:", "embedded:", NULL);
    expect_url("mysql://h/?password-file=/a&x=b", "mysql://h/?password-file=/a&x=b", NULL);
    expect_url("mysql://h/?password-file=%2Fa", "mysql://h/?password-file=%2Fa", NULL);
    expect_url("mysql://h/?x=y&password-file=p%20w&z=", "mysql://h/?x=y&password-file=", "/p%20w&z=");
    expect_url("mysql://h/?ssl-ca=./ca", "mysql://h/?ssl-ca=", "/./ca");
    expect_url("mysql://h/?socket=s", "mysql://h/?socket=", "/s");
    expect_url("mysql://h/?socket=", "mysql://h/?socket=", NULL);
    expect_url("mysql://h/?", "mysql://h/?", NULL);
}

static void lists(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("sluice-cli-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "list", NULL);
    g_autofree char *at_path = g_strconcat("@", path, NULL);
    g_assert_true(g_file_set_contents(path, "# tables\n\n  shop.a \r\nshop.`b,c`\n-shop.d", -1, NULL));
    char *words[] = {(char *)"x.y:z", at_path, (char *)"-p.q", NULL};
    json_t *got = arguments_lists(words, &error);
    g_assert_no_error(error);
    json_t *expected = json_pack("[s, s, s, s, s]", "x.y:z", "shop.a", "shop.`b,c`", "-shop.d", "-p.q");
    g_assert_true(json_equal(got, expected));
    json_decref(got);
    json_decref(expected);
    got = arguments_lists(NULL, &error);
    g_assert_cmpuint(json_array_size(got), ==, 0);
    json_decref(got);
    g_unlink(path);
    g_assert_null(arguments_lists(words, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
    g_clear_error(&error);
    char *bad[] = {(char *)"caf\xe9.x", NULL};
    g_assert_null(arguments_lists(bad, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
    g_rmdir(dir);
}

static void settings(void)
{
    g_autoptr(GError) error = NULL;
    char *words[] = {(char *)"readers=4", (char *)"shop.a:key=a,b", (char *)"x=", (char *)"x=y=z", NULL};
    json_t *got = arguments_settings(words, &error);
    json_t *expected = json_pack("{s:s, s:s, s:s}", "readers", "4", "shop.a:key", "a,b", "x", "y=z");
    g_assert_true(json_equal(got, expected));
    json_decref(got);
    json_decref(expected);
    static const char *const bad[] = {"readers", "=4", "", "caf\xe9=1", "a=caf\xe9"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *one[] = {(char *)bad[i], NULL};
        g_assert_null(arguments_settings(one, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        g_clear_error(&error);
    }
}

static void expect_taken(char *got, const char *expected)
{
    g_assert_cmpstr(got, ==, expected);
    g_free(got);
}

static void numbers(void)
{
    expect_taken(output_count(-1), "-");
    expect_taken(output_count(0), "0");
    expect_taken(output_count(999), "999");
    expect_taken(output_count(1234567), "1,234,567");
    expect_taken(output_count(INT64_MAX), "9,223,372,036,854,775,807");
    expect_taken(output_rate(-1), "-");
    expect_taken(output_rate(0), "0");
    expect_taken(output_rate(0.44), "0.4");
    expect_taken(output_rate(123456.7), "123,457");
    expect_taken(output_bytes(-1), "-");
    expect_taken(output_bytes(1023), "1023 B");
    expect_taken(output_bytes(1536), "1.5 KiB");
    expect_taken(output_bytes(1024.0 * 1024 * 1024 - 1), "1.0 GiB");
    expect_taken(output_seconds(-1), "-");
    expect_taken(output_seconds(0.4), "0.4 s");
    expect_taken(output_seconds(9.97), "10 s");
    expect_taken(output_seconds(59.6), "1m 0s");
    expect_taken(output_seconds(200), "3m 20s");
    expect_taken(output_seconds(7500), "2h 5m");
    expect_taken(output_seconds(273600), "3d 4h");
    expect_taken(output_time(0), "-");
    expect_taken(output_time(-1), "-");
}

static void grid(void)
{
    g_autoptr(Grid) table = grid_new("lrl");
    static const char *const cells[] = {"NAME", "ROWS", "LAST", "日本", "1", "a\x1b[0m", NULL, "12345", ""};
    for (unsigned i = 0; i < G_N_ELEMENTS(cells); i++)
        grid_cell(table, cells[i]);
    g_autofree char *text = grid_text(table, "  ");
    g_assert_cmpstr(text, ==,
                    "  NAME   ROWS  LAST\n"
                    "  日本      1  a\\x1B[0m\n"
                    "  -     12345  -\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/arguments/passwords", passwords_are_overwritten);
    g_test_add_func("/cli/arguments/urls", urls_name_absolute_files);
    g_test_add_func("/cli/arguments/lists", lists);
    g_test_add_func("/cli/arguments/settings", settings);
    g_test_add_func("/cli/output/numbers", numbers);
    g_test_add_func("/cli/output/grid", grid);
    return g_test_run();
}
