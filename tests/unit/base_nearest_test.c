/* The name that was probably meant. */
#include "base/nearest.h"

#include <glib.h>
#include <string.h>

static void test_nearest(void)
{
    static const char *const names[] = {"batch_rows", "batch_bytes", "batch_age", "readers",
                                        "senders",    "set",         "json",      NULL};
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"batch_row", "batch_rows"},
        {"bacth_rows", "batch_rows"},
        {"batchrows", "batch_rows"},
        {"BATCH_AGE", "batch_age"},
        {"reader", "readers"},
        {"sneders", "senders"},
        {"sets", "set"},
        {"jsno", "json"},
        {"batch_bites", "batch_bytes"},
        {"nothing", NULL},
        {"", NULL},
        {"x", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(nearest_name(cases[i].name, names), ==, cases[i].nearest);
}

static void test_odd_lists(void)
{
    static const char *const none[] = {NULL}, *const empty[] = {"", NULL}, *const twins[] = {"ab1c", "ab2c", NULL};
    g_autofree char *longest = g_strnfill(256, 'x'), *too_long = g_strnfill(257, 'x');
    const char *const long_names[] = {longest, NULL}, *const longer_names[] = {too_long, NULL};
    g_assert_null(nearest_name("a", none));
    g_assert_null(nearest_name("a", empty));
    g_assert_cmpstr(nearest_name("ab3c", twins), ==, "ab1c"); /* the first of equally near ones */
    longest[3] = 'y';
    g_autofree char *slip = g_strnfill(256, 'x');
    g_assert_cmpstr(nearest_name(slip, long_names), ==, longest);
    g_assert_null(nearest_name(slip, longer_names));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nearest/names", test_nearest);
    g_test_add_func("/nearest/odd-lists", test_odd_lists);
    return g_test_run();
}
