/* Binary JSON, its changes, and the numbers in it, against what MySQL 9.7 wrote and printed. */
#include "mysql/double_text.h"
#include "mysql/json.h"
#include "wire_test.h"

#include "json_vectors.h"

static void grow(TextOut *out, size_t more)
{
    out->size = MAX(out->size * 2, out->len + more);
    out->data = g_realloc(out->data, out->size);
}

/* The text, or NULL with what is wrong. */
static char *document_text(const uint8_t *bytes, size_t len, const char **wrong)
{
    TextOut out = {.grow = grow};
    *wrong = json_binary_to_text(bytes, len, &out);
    char *text = g_strndup((char *)out.data, *wrong ? 0 : out.len);
    g_free(out.data);
    return text;
}

static void test_documents(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        size_t len;
        const char *wrong;
        g_autofree uint8_t *bytes = bytes_from_hex(documents[i].binary, &len);
        g_autofree char *text = document_text(bytes, len, &wrong);
        g_assert_cmpstr(wrong, ==, NULL);
        g_assert_cmpstr(text, ==, documents[i].text);
    }
    const char *wrong;
    g_autofree char *text = document_text(NULL, 0, &wrong);
    g_assert_cmpstr(text, ==, "null");
}

static void put_le(GByteArray *bytes, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++, value >>= 8)
        g_byte_array_append(bytes, &(uint8_t){(uint8_t)value}, 1);
}

/* ["xxx...", 65536, -2147483649, 4294967295, {"k": -1, "long": [true, 1]}] as MySQL 9.7 writes it: above 64 KiB offsets
 * have four bytes and so do the integers in the entries. */
static void test_large(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GString) expected = g_string_new("[\"");
    const char *wrong;
    put_le(bytes, 0x03, 1);
    put_le(bytes, 5, 4);
    put_le(bytes, 0x1004f, 4);
    put_le(bytes, 0x0c, 1), put_le(bytes, 33, 4);
    put_le(bytes, 0x07, 1), put_le(bytes, 65536, 4);
    put_le(bytes, 0x09, 1), put_le(bytes, 0x1001e, 4);
    put_le(bytes, 0x09, 1), put_le(bytes, 0x10026, 4);
    put_le(bytes, 0x00, 1), put_le(bytes, 0x1002e, 4);
    put_le(bytes, 0x03fffa, 3);
    for (unsigned i = 0; i < 65530; i++) {
        put_le(bytes, 'x', 1);
        g_string_append_c(expected, 'x');
    }
    size_t len;
    g_autofree uint8_t *tail = bytes_from_hex(
        "ffffff7fffffffffffffffff0000000002002100120001001300040005ffff0217006b6c6f6e6702000a00040100050100", &len);
    g_byte_array_append(bytes, tail, (guint)len);
    g_string_append(expected, "\", 65536, -2147483649, 4294967295, {\"k\": -1, \"long\": [true, 1]}]");
    g_autofree char *text = document_text(bytes->data, bytes->len, &wrong);
    g_assert_cmpstr(wrong, ==, NULL);
    g_assert_cmpstr(text, ==, expected->str);
}

/* [[[...]]], each array of one element but the innermost. */
static GByteArray *nested(unsigned depth)
{
    GByteArray *bytes = g_byte_array_new();
    unsigned size = 7 * (depth - 1) + 4;
    put_le(bytes, 2, 1);
    for (unsigned i = 1; i < depth; i++, size -= 7) {
        put_le(bytes, 1, 2);
        put_le(bytes, size, 2);
        put_le(bytes, 2, 1);
        put_le(bytes, 7, 2);
    }
    put_le(bytes, 0, 2);
    put_le(bytes, 4, 2);
    return bytes;
}

static void test_depth(void)
{
    const char *wrong;
    g_autoptr(GByteArray) good = nested(100), bad = nested(102);
    g_autofree char *text = document_text(good->data, good->len, &wrong);
    g_assert_cmpstr(wrong, ==, NULL);
    g_assert_cmpuint(strlen(text), ==, 200);
    g_autofree char *none = document_text(bad->data, bad->len, &wrong);
    g_assert_nonnull(strstr(wrong, "deeper"));
}

/* An array whose elements are all the same array, and so on: text without end out of few bytes. */
static void test_overlap(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *wrong;
    put_le(bytes, 2, 1);
    for (unsigned level = 0, left = 60; level < 60; level++, left--) {
        put_le(bytes, 8, 2);
        put_le(bytes, left * 28, 2);
        for (unsigned i = 0; i < 8; i++) {
            put_le(bytes, level == 59 ? 4 : 2, 1);
            put_le(bytes, level == 59 ? 0 : 28, 2);
        }
    }
    g_autofree char *text = document_text(bytes->data, bytes->len, &wrong);
    g_assert_nonnull(wrong);
}

static void test_updates(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(updates); i++) {
        size_t before_len, diffs_len;
        g_autofree uint8_t *before = bytes_from_hex(updates[i].before, &before_len);
        g_autofree uint8_t *diffs = bytes_from_hex(updates[i].diffs, &diffs_len);
        TextOut out = {.grow = grow};
        g_assert_cmpstr(json_diff_to_text(before, before_len, diffs, diffs_len, &out), ==, NULL);
        g_autofree char *text = g_strndup((char *)out.data, out.len);
        g_assert_cmpstr(text, ==, updates[i].text);
        g_free(out.data);
        for (size_t cut = 1; cut < diffs_len; cut++) {
            TextOut short_out = {.grow = grow};
            g_autofree uint8_t *copy = g_memdup2(diffs, cut);
            json_diff_to_text(before, before_len, copy, cut, &short_out); /* read within its bounds, whatever it says */
            g_free(short_out.data);
        }
    }
}

static void test_bad_updates(void)
{
    static const struct {
        const char *before, *diffs, *wrong;
    } cases[] = {
        {"00010000000c0000000000", "0003242e610305070000", "JSON document"}, /* sizes that do not fit */
        {"020000040000", "0003242e61030507", "cut short"},
        {"0200000400", "0003242e6103050700", "the document does not have"},   /* a member of an array */
        {"0200000400", "0004245b305d03050700", "the document does not have"}, /* beyond the end */
        {"0200000400", "0303242e61", "not known"},
        {"0200000400", "0203612e61", "cannot be read"},
        {"0200000400", "0203242e22", "cannot be read"},
        {"0200000400", "0203245b5d", "cannot be read"},
        {"0200000400", "0203245b31", "cannot be read"},
        {"0200000400", "0202245b", "cannot be read"},
        {"050700", "0203242e61", "the document does not have"},
        {"050700", "020124", "the document does not have"},
        {"", "0203242e61", "the document does not have"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t before_len, diffs_len;
        g_autofree uint8_t *before = bytes_from_hex(cases[i].before, &before_len);
        g_autofree uint8_t *diffs = bytes_from_hex(cases[i].diffs, &diffs_len);
        TextOut out = {.grow = grow};
        const char *wrong = json_diff_to_text(before, before_len, diffs, diffs_len, &out);
        g_free(out.data);
        if (!wrong || !strstr(wrong, cases[i].wrong))
            g_error("case %zu: \"%s\" is not in: %s", i, cases[i].wrong, wrong ? wrong : "(no error)");
    }
}

/* Every document cut at every byte, and with every byte changed, is read within its bounds. */
static void test_faults(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(documents); i++) {
        size_t len;
        const char *wrong;
        g_autofree uint8_t *bytes = bytes_from_hex(documents[i].binary, &len);
        for (size_t cut = 0; cut < len; cut++) {
            g_autofree uint8_t *copy = g_memdup2(bytes, cut);
            g_autofree char *text = document_text(copy, cut, &wrong);
            uint8_t kept = bytes[cut];
            bytes[cut] ^= (uint8_t)(0xff >> (cut % 8));
            g_autofree char *changed = document_text(bytes, len, &wrong);
            bytes[cut] = kept;
        }
    }
    const char *wrong;
    g_autofree char *unknown = document_text((const uint8_t *)"\x0d\x00", 2, &wrong);
    g_assert_nonnull(strstr(wrong, "not known"));
}

static void check_double(double value, unsigned width, const char *expected)
{
    char text[DOUBLE_TEXT_MAX + 1];
    text[double_text(value, width, text)] = '\0';
    g_assert_cmpstr(text, ==, expected);
}

static void test_doubles(void)
{
    check_double(0, 34, "0");
    check_double(-0.0, 34, "-0");
    check_double(1, 34, "1");
    check_double(-1.5, 34, "-1.5");
    check_double(100, 34, "100");
    check_double(999999999999999, 34, "999999999999999");
    check_double(1e15, 34, "1e15");
    check_double(-123456789012345678, 34, "-1.2345678901234568e17");
    check_double(1e-15, 34, "0.000000000000001");
    check_double(1e-16, 34, "1e-16");
    check_double(5e-324, 34, "5e-324");
    check_double(2.2250738585072014e-308, 34, "2.2250738585072014e-308");
    check_double(1.7976931348623157e308, 34, "1.7976931348623157e308");
    check_double(0.1 + 0.2, 34, "0.30000000000000004");
    check_double(0x1p-44, 34, "0.00000000000005684341886080802"); /* its nearest 16 digits read back as another */
    check_double(0x1p-44, 25, "5.684341886080802e-14");
    check_double(5.684341886e-14, 25, "0.00000000000005684341886");
    check_double(-5.684341886e-14, 25, "-5.684341886e-14");
    check_double(9007199254740993.0, 34, "9.007199254740992e15");
    check_double((double)1.1f, 34, "1.100000023841858");
}

/* What is printed reads back, and no text with fewer digits does. */
static void test_doubles_read_back(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (value != value || value - value != 0)
            continue;
        char text[DOUBLE_TEXT_MAX + 1];
        text[double_text(value, 34, text)] = '\0';
        back = g_ascii_strtod(text, NULL);
        g_assert_true(back == value);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/documents", test_documents);
    g_test_add_func("/json/large", test_large);
    g_test_add_func("/json/depth", test_depth);
    g_test_add_func("/json/overlap", test_overlap);
    g_test_add_func("/json/updates", test_updates);
    g_test_add_func("/json/bad_updates", test_bad_updates);
    g_test_add_func("/json/faults", test_faults);
    g_test_add_func("/json/doubles", test_doubles);
    g_test_add_func("/json/doubles_read_back", test_doubles_read_back);
    return g_test_run();
}
