#include "base/base.h"

#include <string.h>

static void check(const char *in, size_t max, const char *expected)
{
    g_autofree char *out = printable(in, max);
    g_assert_cmpstr(out, ==, expected);
}

static void filter(void)
{
    check(NULL, 0, "");
    check("plain \\ text", 0, "plain \\ text");
    check("Größe 日本語 🙂", 0, "Größe 日本語 🙂");
    check("a\nb\tc\rd", 0, "a\\x0Ab\\x09c\\x0Dd");
    check("\x1b[31mred\x7f", 0, "\\x1B[31mred\\x7F");
    check("c1 \xc2\x9b[2J", 0, "c1 \\x9B[2J");
    check("bad \xff\xc3 end", 0, "bad \\xFF\\xC3 end");
    check("cut \xe2\x82", 0, "cut \\xE2\\x82");
    check("overlong \xc0\xaf surrogate \xed\xa0\x80", 0, "overlong \\xC0\\xAF surrogate \\xED\\xA0\\x80");
    check("bidi \xe2\x80\xae\xe2\x81\xa6 zero \xe2\x80\x8b bom \xef\xbb\xbf", 0,
          "bidi \\u{202E}\\u{2066} zero \\u{200B} bom \\u{FEFF}");
    check("\xe2\x80\xa8line", 0, "\\u{2028}line");
    g_autofree char *nul = printable_n("a\0b", 3, 0);
    g_assert_cmpstr(nul, ==, "a\\x00b");
}

static void cutting(void)
{
    check("abcdef", 6, "abcdef");
    check("abcdef", 5, "abcd…");
    check("abcdef", 1, "…");
    check("äöü", 2, "ä…");
    check("ab\ncd", 5, "ab…"); /* an escape is never cut in two */
    check("ab\ncd", 8, "ab\\x0Acd");
    check("ab\ncd", 7, "ab\\x0A…");
}

/* Whatever goes in: valid UTF-8 without control characters comes out, never longer than asked. */
static void random_bytes(void)
{
    for (int round = 0; round < 3000; round++) {
        char bytes[64];
        size_t len = (size_t)g_test_rand_int_range(0, sizeof bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)g_test_rand_int_range(0, 256);
        size_t max = (size_t)g_test_rand_int_range(0, 40);
        g_autofree char *out = printable_n(bytes, len, max);
        g_assert_true(g_utf8_validate(out, -1, NULL));
        if (max > 0)
            g_assert_cmpuint((size_t)g_utf8_strlen(out, -1), <=, max);
        for (const char *p = out; *p != '\0'; p = g_utf8_next_char(p))
            g_assert_false(g_unichar_iscntrl(g_utf8_get_char(p)));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/printable/filter", filter);
    g_test_add_func("/base/printable/cutting", cutting);
    g_test_add_func("/base/printable/random", random_bytes);
    return g_test_run();
}
