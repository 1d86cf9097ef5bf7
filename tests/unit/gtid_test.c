/* GTID states of both kinds of server. */
#include "mysql/gtid.h"

#include <string.h>

static char *canonical(SourceFlavour flavour, const char *text)
{
    g_autoptr(GtidSet) set = gtid_set_parse(flavour, text, NULL);
    return set ? gtid_set_text(set) : g_strdup("ERROR");
}

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static void test_text(void)
{
    static const struct {
        SourceFlavour flavour;
        const char *in, *out;
    } cases[] = {
        {SOURCE_MARIADB, "", ""},
        {SOURCE_MARIADB, "0-1-4", "0-1-4"},
        {SOURCE_MARIADB, " 1-1-2 , 0-1-4", "0-1-4,1-1-2"},
        {SOURCE_MARIADB, "0-1-4,0-2-5", "0-2-5"},
        {SOURCE_MARIADB, "4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615"},
        {SOURCE_MARIADB, "4294967296-1-1", "ERROR"},
        {SOURCE_MARIADB, "0-1", "ERROR"},
        {SOURCE_MARIADB, "0-1-4 x", "ERROR"},
        {SOURCE_MARIADB, A ":1", "ERROR"},
        {SOURCE_MYSQL, "", ""},
        {SOURCE_MYSQL, A ":1-3", A ":1-3"},
        {SOURCE_MYSQL, A ":5:1-3:4", A ":1-5"},
        {SOURCE_MYSQL, A ":7,\n" A ":1-3", A ":1-3:7"},
        {SOURCE_MYSQL, B ":1,\n" A ":2", A ":2," B ":1"},
        {SOURCE_MYSQL, "3E11FA4771CA11E19E33C80AA9429562:1", A ":1"},
        {SOURCE_MYSQL, A ":1-3:Foo:4-5:9:bar:1", A ":1-3:bar:1:foo:4-5:9"},
        {SOURCE_MYSQL, A ":foo:1," B ":foo:2", A ":foo:1," B ":foo:2"},
        {SOURCE_MYSQL, A ":3-1", ""},
        {SOURCE_MYSQL, A ":0", "ERROR"},
        {SOURCE_MYSQL, A ":1-", "ERROR"},
        {SOURCE_MYSQL, A ":9223372036854775807", "ERROR"},
        {SOURCE_MYSQL, "0-1-4", "ERROR"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = canonical(cases[i].flavour, cases[i].in);
        g_assert_cmpstr(got, ==, cases[i].out);
    }
}

static GtidEvent mysql_gtid(uint64_t seq, const char *tag)
{
    GtidEvent gtid = {.text = "x", .seq = seq};
    memcpy(gtid.uuid, "\x3e\x11\xfa\x47\x71\xca\x11\xe1\x9e\x33\xc8\x0a\xa9\x42\x95\x62", 16);
    g_strlcpy(gtid.tag, tag, sizeof gtid.tag);
    return gtid;
}

/* Against a plain array of flags. */
static void test_mysql_random(void)
{
    enum { MAX = 200 };
    for (unsigned round = 0; round < 50; round++) {
        bool in[MAX + 2] = {false};
        g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, "", NULL);
        for (unsigned k = 0; k < 150; k++) {
            uint64_t seq = (uint64_t)g_test_rand_int_range(1, MAX + 1);
            GtidEvent gtid = mysql_gtid(seq, "");
            g_assert_cmpint(gtid_set_contains(set, &gtid), ==, in[seq]);
            gtid_set_add(set, &gtid);
            in[seq] = true;
        }
        g_autoptr(GString) expected = g_string_new(A);
        for (unsigned i = 1; i <= MAX; i++) {
            GtidEvent gtid = mysql_gtid(i, "");
            g_assert_cmpint(gtid_set_contains(set, &gtid), ==, in[i]);
            if (in[i] && !in[i - 1])
                g_string_append_printf(expected, ":%u", i);
            if (in[i] && !in[i + 1] && i > 1 && in[i - 1])
                g_string_append_printf(expected, "-%u", i);
        }
        g_autoptr(GtidSet) copy = gtid_set_copy(set);
        g_autofree char *text = gtid_set_text(copy);
        g_assert_cmpstr(text, ==, expected->str);
    }
}

static void test_tags(void)
{
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, A ":1-3", NULL);
    GtidEvent tagged = mysql_gtid(2, "foo");
    g_assert_false(gtid_set_contains(set, &tagged));
    gtid_set_add(set, &tagged);
    g_assert_true(gtid_set_contains(set, &tagged));
    g_autofree char *text = gtid_set_text(set);
    g_assert_cmpstr(text, ==, A ":1-3:foo:2");
}

static void test_mariadb(void)
{
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MARIADB, "0-1-4", NULL);
    GtidEvent gtid = {.text = "0-2-9", .domain = 0, .seq = 9};
    g_assert_false(gtid_set_contains(set, &gtid));
    gtid_set_add(set, &gtid);
    g_assert_true(gtid_set_contains(set, &gtid));
    gtid.seq = 8;
    g_assert_true(gtid_set_contains(set, &gtid));
    g_assert_true(gtid_set_is_repeat(set, &gtid));
    GtidEvent sibling = {.text = "0-1-5", .domain = 0, .seq = 5}; /* another server's, out of order */
    g_assert_false(gtid_set_is_repeat(set, &sibling));
    GtidEvent next = {.text = "0-2-10", .domain = 0, .seq = 10};
    g_assert_false(gtid_set_is_repeat(set, &next));
    GtidEvent other = {.text = "3-2-1", .domain = 3, .seq = 1};
    g_assert_false(gtid_set_contains(set, &other));
    GtidEvent anonymous = {.text = ""};
    gtid_set_add(set, &anonymous);
    g_autofree char *text = gtid_set_text(set);
    g_assert_cmpstr(text, ==, "0-2-9");
}

static void test_encode(void)
{
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, A ":1-3:7", NULL);
    g_autoptr(GByteArray) bytes = gtid_set_encode_mysql(set);
    static const uint8_t expected[] = {1,    0,    0,    0,    0,    0,    0,    0,    0x3e, 0x11, 0xfa, 0x47, 0x71,
                                       0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62, 2,    0,
                                       0,    0,    0,    0,    0,    0,    1,    0,    0,    0,    0,    0,    0,
                                       0,    4,    0,    0,    0,    0,    0,    0,    0,    7,    0,    0,    0,
                                       0,    0,    0,    0,    8,    0,    0,    0,    0,    0,    0,    0};
    g_assert_cmpmem(bytes->data, bytes->len, expected, sizeof expected);
}

/* As MySQL 9.7 writes its PREVIOUS_GTIDS. */
static void test_encode_tags(void)
{
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, A ":1-8:foo:1-2", NULL);
    g_autoptr(GByteArray) bytes = gtid_set_encode_mysql(set);
    g_assert_cmpmem(bytes->data, 8, "\1\2\0\0\0\0\0\1", 8);
    g_assert_cmpmem(bytes->data + 24, 9, "\0\1\0\0\0\0\0\0\0", 9);
    g_assert_cmpmem(bytes->data + 65, 5, "\6foo\1", 5);
    g_assert_cmpuint(bytes->len, ==, 8 + 16 + 1 + 8 + 16 + 16 + 4 + 8 + 16);
}

static void test_subtract(void)
{
    static const struct {
        const char *from, *what, *left;
    } cases[] = {
        {A ":1-10", A ":10", A ":1-9"},
        {A ":1-10", A ":1", A ":2-10"},
        {A ":1-10", A ":4-6:8", A ":1-3:7:9-10"},
        {A ":1-3:5-9", A ":2-6", A ":1:7-9"},
        {A ":1-3", A ":1-5", ""},
        {A ":1-3", B ":1-3", A ":1-3"},
        {A ":1-3:foo:1-3", A ":foo:3", A ":1-3:foo:1-2"},
        {A ":1-3:foo:1-3", A ":3", A ":1-2:foo:1-3"},
        {A ":1," B ":7", A ":1", B ":7"},
        {"", A ":1", ""},
        {A ":1-3", "", A ":1-3"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) from = gtid_set_parse(SOURCE_MYSQL, cases[i].from, NULL);
        g_autoptr(GtidSet) what = gtid_set_parse(SOURCE_MYSQL, cases[i].what, NULL);
        g_autoptr(GtidSet) left = gtid_set_subtract(from, what);
        g_autofree char *text = gtid_set_text(left);
        g_assert_cmpstr(text, ==, cases[i].left);
    }
}

static void test_join(void)
{
    static const struct {
        const char *set, *other, *both;
    } cases[] = {
        {A ":1-3", A ":4-5", A ":1-5"},
        {A ":1-3", A ":5:7-9", A ":1-3:5:7-9"},
        {A ":1-3:7", B ":1", A ":1-3:7," B ":1"},
        {A ":1-3", A ":foo:2", A ":1-3:foo:2"},
        {A ":1-9", A ":2-3", A ":1-9"},
        {"", A ":2", A ":2"},
        {A ":2", "", A ":2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, cases[i].set, NULL);
        g_autoptr(GtidSet) other = gtid_set_parse(SOURCE_MYSQL, cases[i].other, NULL);
        gtid_set_join(set, other);
        g_autofree char *text = gtid_set_text(set);
        g_assert_cmpstr(text, ==, cases[i].both);
    }
}

static void test_owned(void)
{
    static const char *const cases[][2] = {
        {"", ""},
        {A ":5#17", A ":5"},
        {A ":5#17:8#19", A ":5:8"},
        {A ":5#17" B ":1#4", A ":5," B ":1"},
        {A ":5#17\n" B ":1#4:2#5", A ":5," B ":1-2"},
        {A ":foo:5#123", A ":foo:5"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) set = gtid_set_parse_owned(cases[i][0], NULL);
        g_autofree char *text = set ? gtid_set_text(set) : NULL;
        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

static void test_missing_in_state(void)
{
    static const struct {
        const char *ours, *state, *slave_pos, *missing;
    } cases[] = {
        {"0-1-5", "0-1-5", "", NULL},
        {"0-1-5", "0-1-9", "", NULL},
        {"0-1-5", "0-2-8,0-1-5", "", NULL}, /* another server wrote on */
        {"0-1-5", "0-1-4", "", "0-1-5"},
        {"0-1-5", "0-1-4,0-2-8", "", "0-1-5"}, /* as far in numbers, but by another way */
        {"0-1-5,7-1-2", "0-1-5", "", "7-1-2"},
        {"0-1-5,7-1-2", "", "", "0-1-5,7-1-2"},
        {"", "0-1-5", "", NULL},
        {"0-1-5", "0-1-4", "0-1-5", NULL}, /* what was replicated last was rolled back, and is not logged */
        {"0-1-5", "0-1-4,0-2-6", "0-1-5", NULL},
        {"0-1-5", "0-1-3", "0-1-7", "0-1-5"}, /* others may be missing behind it */
        {"0-1-5", "0-1-3", "0-2-5", "0-1-5"},
        {"0-1-5", "0-2-6", "0-1-5", "0-1-5"}, /* its log began anew */
        {"0-1-5,7-1-2", "7-1-2,0-1-1", "0-1-5", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) ours = gtid_set_parse(SOURCE_MARIADB, cases[i].ours, NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *missing = gtid_set_missing_in_state(ours, cases[i].state, cases[i].slave_pos, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(missing, ==, cases[i].missing);
    }
    g_autoptr(GtidSet) ours = gtid_set_parse(SOURCE_MARIADB, "0-1-5", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(gtid_set_missing_in_state(ours, "nonsense", "", &error));
    g_assert_nonnull(error);
}

static void test_have_one_domain(void)
{
    static const struct {
        const char *set, *other;
        bool one;
    } cases[] = {
        {"0-1-5", "0-1-9", true},
        {"0-1-5", "0-2-8,0-1-5", true},
        {"", "", true},
        {"0-1-5", "", true},
        {"", "7-1-1", true},
        {"0-1-5", "7-1-1", false},
        {"0-1-5", "0-1-5,7-1-1", false},
        {"0-1-5,7-1-3", "0-1-5", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MARIADB, cases[i].set, NULL);
        g_autoptr(GtidSet) other = gtid_set_parse(SOURCE_MARIADB, cases[i].other, NULL);
        g_assert_cmpint(gtid_set_have_one_domain(set, other), ==, cases[i].one);
    }
}

static void test_reaches(void)
{
    static const struct {
        const char *set, *other;
        bool reaches;
    } cases[] = {
        {"0-1-5", "0-1-5", true},  {"0-1-5", "0-1-6", false},      {"0-2-7", "0-1-6", true}, {"0-1-5", "0-2-9", false},
        {"0-1-5", "7-1-1", false}, {"0-1-5,7-1-3", "7-1-1", true}, {"0-1-5", "", true},      {"", "0-1-5", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MARIADB, cases[i].set, NULL);
        g_autoptr(GtidSet) other = gtid_set_parse(SOURCE_MARIADB, cases[i].other, NULL);
        g_assert_cmpint(gtid_set_reaches(set, other), ==, cases[i].reaches);
    }
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, A ":1-5:foo:3", NULL);
    g_autoptr(GtidSet) within = gtid_set_parse(SOURCE_MYSQL, A ":2-5:foo:3", NULL);
    g_autoptr(GtidSet) without = gtid_set_parse(SOURCE_MYSQL, A ":2-6", NULL);
    g_assert_true(gtid_set_reaches(set, within));
    g_assert_false(gtid_set_reaches(set, without));
    g_assert_false(gtid_set_reaches(within, set));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gtid/text", test_text);
    g_test_add_func("/gtid/mysql_random", test_mysql_random);
    g_test_add_func("/gtid/tags", test_tags);
    g_test_add_func("/gtid/mariadb", test_mariadb);
    g_test_add_func("/gtid/encode", test_encode);
    g_test_add_func("/gtid/encode_tags", test_encode_tags);
    g_test_add_func("/gtid/subtract", test_subtract);
    g_test_add_func("/gtid/join", test_join);
    g_test_add_func("/gtid/owned", test_owned);
    g_test_add_func("/gtid/missing_in_state", test_missing_in_state);
    g_test_add_func("/gtid/reaches", test_reaches);
    g_test_add_func("/gtid/have-one-domain", test_have_one_domain);
    return g_test_run();
}
