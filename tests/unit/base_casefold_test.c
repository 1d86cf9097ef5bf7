/* Names without upper and lower case, also those that are not UTF-8. */
#include "base/casefold.h"

#include <glib.h>

static void test_casefold(void)
{
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"", ""},
        {"Name", "name"},
        {"\xC3\x89T\xC3\x89", "\xC3\xA9t\xC3\xA9"},
        {"A\xFF", "a\xEF\xBF\xBD"},
        {"A\xF0", "a\xEF\xBF\xBD"}, /* cut off: the byte promises three more, which lie behind the end */
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folded = casefold(cases[i].text);
        g_assert_cmpstr(folded, ==, cases[i].folded);
    }
}

static void test_equal(void)
{
    g_assert_true(casefold_equal("a", "A"));
    g_assert_true(casefold_equal("\xC3\x89", "\xC3\xA9"));
    g_assert_false(casefold_equal("a", "b"));
    g_assert_true(casefold_equal("a\xF0", "a\xF0"));
    g_assert_false(casefold_equal("a\xF0", "A\xF0"));
    g_assert_false(casefold_equal("a\xF0", "a\xF1"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/casefold/text", test_casefold);
    g_test_add_func("/casefold/equal", test_equal);
    return g_test_run();
}
