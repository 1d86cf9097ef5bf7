/* Every charset of MariaDB 10.11, and gb18030 of MySQL 9.7, against the server's own CONVERT(... USING utf8mb4), for every
 * sequence of its length. */
#include "mysql/charset.h"

#include <string.h>
#include <zlib.h>

/* Which sequences are tried; none that holds byte 3f, for that is also what the server puts for what means nothing. */
typedef enum {
    ONE,   /* every byte */
    TWO,   /* ONE, and all pairs whose first byte is 80 or more */
    THREE, /* TWO, and 8f with two bytes of a1..fe */
    FOUR,  /* TWO, and every seventh of 81..fe 30..39 81..fe 30..39 */
    UNITS, /* all pairs; for UTF-16 every 97th character beyond them */
    UTF32, /* every 37th number up to 11ffff */
} Sequences;

/* How many mean something to the server; CRC-32 of what it made of each in order, ff for nothing. */
static const struct {
    const char *name;
    Sequences sequences;
    unsigned valid;
    uint32_t crc;
} expected[] = {
    {"armscii8", ONE, 255, 0xac94564c},    {"ascii", ONE, 127, 0xd3b77d8c},     {"big5", TWO, 13844, 0xd7276a3b},
    {"cp1250", ONE, 250, 0x0a5e84ba},      {"cp1251", ONE, 254, 0x376cd0d9},    {"cp1256", ONE, 247, 0x0413eecb},
    {"cp1257", ONE, 243, 0xb70c80ac},      {"cp850", ONE, 255, 0x14a1bebe},     {"cp852", ONE, 255, 0x1d5602e6},
    {"cp866", ONE, 255, 0x0588fcb5},       {"cp932", TWO, 21764, 0x798334a6},   {"dec8", ONE, 241, 0xc0a6376e},
    {"eucjpms", THREE, 15205, 0x165f8dc4}, {"euckr", TWO, 17175, 0xd396b307},   {"gb2312", TWO, 7572, 0x1c422ad3},
    {"gbk", TWO, 21918, 0x6b1eb77c},       {"geostd8", ONE, 214, 0x050dda7b},   {"greek", ONE, 249, 0x949b1816},
    {"hebrew", ONE, 219, 0x660b4967},      {"hp8", ONE, 254, 0xe4c6a812},       {"keybcs2", ONE, 255, 0xee01c063},
    {"koi8r", ONE, 255, 0xd7f8b569},       {"koi8u", ONE, 255, 0x5ed35f26},     {"latin1", ONE, 255, 0xcfb754a4},
    {"latin2", ONE, 255, 0x68934367},      {"latin5", ONE, 255, 0x45391994},    {"latin7", ONE, 255, 0xc7559b1b},
    {"macce", ONE, 255, 0xce484479},       {"macroman", ONE, 255, 0x3fe5369b},  {"sjis", TWO, 19039, 0x8bfa6334},
    {"swe7", ONE, 126, 0x1190a123},        {"tis620", ONE, 255, 0xdc0fa884},    {"ucs2", UNITS, 65025, 0xef4c2496},
    {"ujis", THREE, 15016, 0x2ec875ca},    {"utf16", UNITS, 73713, 0x12e54bb4}, {"utf16le", UNITS, 73713, 0xba628cc7},
    {"utf32", UTF32, 29878, 0x0998918e},   {"gb18030", FOUR, 179496, 0xb786a2df},
};

typedef struct {
    const Charset *charset;
    unsigned valid;
    uLong crc;
} Sum;

static void try(Sum *sum, const uint8_t *bytes, size_t n)
{
    g_autofree uint8_t *in = g_memdup2(bytes, n);
    size_t room = charset_max_utf8(sum->charset, n), len;
    g_autofree uint8_t *out = g_malloc(room);
    if (memchr(bytes, 0x3f, n))
        return;
    if (charset_to_utf8(sum->charset, in, n, out, &len)) {
        g_assert_cmpuint(len, <=, room);
        sum->valid++;
        sum->crc = crc32_z(sum->crc, out, len);
    } else {
        g_assert_cmpmem(out, len, in, n);
        sum->crc = crc32(sum->crc, (const uint8_t *)"\xff", 1);
    }
}

static void try_number(Sum *sum, uint32_t number, unsigned n)
{
    uint8_t bytes[4] = {0};
    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(number >> (8 * (n - 1 - i)));
    try(sum, bytes, n);
}

static void try_pairs(Sum *sum, const char *name)
{
    for (uint32_t c = 0; c < 0x10000; c++)
        try_number(sum, c, 2);
    if (strcmp(name, "ucs2") == 0)
        return;
    for (uint32_t c = 0; c < 0x100000; c += 97) {
        uint32_t pair = (0xd800 + (c >> 10)) << 16 | (0xdc00 + (c & 0x3ff));
        if (strcmp(name, "utf16le") == 0)
            pair = (pair & 0xff00ff) << 8 | (pair >> 8 & 0xff00ff);
        try_number(sum, pair, 4);
    }
}

static void test_server(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        Sequences sequences = expected[i].sequences;
        Sum sum = {.charset = charset_find(expected[i].name)};
        g_assert_nonnull(sum.charset);
        if (sequences == UNITS)
            try_pairs(&sum, expected[i].name);
        for (uint32_t c = 0; sequences == UTF32 && c < 0x120000; c += 37)
            try_number(&sum, c, 4);
        for (uint32_t c = 0; sequences <= FOUR && c < 0x100; c++)
            try_number(&sum, c, 1);
        for (uint32_t c = 0x8000; sequences >= TWO && sequences <= FOUR && c < 0x10000; c++)
            try_number(&sum, c, 2);
        for (uint32_t n = 0; sequences == FOUR && n < 126 * 10 * 126 * 10; n += 7)
            try_number(&sum, (0x81 + n / 12600) << 24 | (0x30 + n / 1260 % 10) << 16 | (0x81 + n / 10 % 126) << 8 | (0x30 + n % 10),
                       4);
        for (uint32_t c = 0xa1a1; sequences == THREE && c <= 0xfefe; c++)
            if ((c & 0xff) >= 0xa1 && (c & 0xff) <= 0xfe)
                try_number(&sum, 0x8f0000 | c, 3);
        g_test_message("%s", expected[i].name);
        g_assert_cmpuint(sum.valid, ==, expected[i].valid);
        g_assert_cmphex(sum.crc, ==, expected[i].crc);
    }
}

static void check(const char *name, const char *in, size_t n, const char *utf8)
{
    uint8_t out[256];
    size_t len;
    const Charset *charset = charset_find(name);
    g_assert_nonnull(charset);
    bool good = charset_to_utf8(charset, (const uint8_t *)in, n, out, &len);
    g_assert_cmpint(good, ==, utf8 != NULL);
    if (utf8)
        g_assert_cmpmem(out, len, utf8, strlen(utf8));
    else
        g_assert_cmpmem(out, len, in, n);
}

static void test_texts(void)
{
    check("latin1", "\x80uro \x81\x8d\x8f\x90\x9d \xe4", 12,
          "\xe2\x82\xacuro \xc2\x81\xc2\x8d\xc2\x8f\xc2\x90\xc2\x9d \xc3\xa4");
    check("LATIN1", "", 0, "");
    check("swe7", "[", 1, "\xc3\x84");
    check("sjis", "a\x81\x5f\xb1\x5c", 5, "a\\\xef\xbd\xb1\\");
    check("sjis", "a\x81", 2, NULL);
    check("ujis", "\x8f\xb0", 2, NULL);
    check("ujis", "\x8f\xb0\x20", 3, NULL);
    check("gbk", "\xc4\xe3\xba\xc3!", 5, "\xe4\xbd\xa0\xe5\xa5\xbd!");
    check("gb18030", "a\xc4\xe3\x90\x30\x81\x30\xa6\xd9z", 10, "a\xe4\xbd\xa0\xf0\x90\x80\x80\xee\x9e\x8dz");
    check("gb18030", "\xe3\x32\x9a\x35", 4, "\xf4\x8f\xbf\xbf");
    check("gb18030", "\xe3\x32\x9a\x36", 4, NULL);
    check("gb18030", "\x81\x30\x81", 3, NULL);
    check("gb18030", "\x81", 1, NULL);
    check("gb18030", "\x80", 1, NULL);
    check("gb18030", "\xff\x30\x81\x30", 4, NULL);
    check("gb18030", "\x81\x30\xff\x30", 4, NULL);
    check("utf16", "\xd8\x3d\xde\x00", 4, "\xf0\x9f\x98\x80");
    check("utf16", "\xd8\x3d", 2, NULL);
    check("utf16le", "a\0b", 3, NULL);
    check("utf32", "\0\0\0", 3, NULL);
    check("binary", "\xff\x80", 2, "\xff\x80");
}

static void test_utf8(void)
{
    check("utf8mb4", "plain ascii of some length, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 and more", 46,
          "plain ascii of some length, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 and more");
    check("utf8mb3", "\xe2\x82\xac", 3, "\xe2\x82\xac");
    check("utf8mb3", "\xf0\x9f\x98\x80", 4, NULL);
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "a\xff"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        check("utf8mb4", bad[i], strlen(bad[i]), NULL);
    check("ascii", "\x80", 1, NULL);
}

static void test_find(void)
{
    g_assert_null(charset_find("klingon"));
    g_assert_true(charset_is_utf8(charset_find("utf8mb4")));
    g_assert_true(charset_is_utf8(charset_find("binary")));
    g_assert_false(charset_is_utf8(charset_find("ascii"))); /* to be looked at: it may hold other bytes */
    g_assert_false(charset_is_utf8(charset_find("latin1")));
    g_assert_false(charset_is_utf8(charset_find("ucs2")));
    g_assert_true(charset_find("gbk") == charset_find("gbk"));
}

/* Found by converting every code: how many characters have several. */
static void test_twins(void)
{
    static const struct {
        const char *name;
        const char *twin, *single; /* UTF-8 */
    } cases[] = {
        {"cp932", "\xef\xbf\xa2", "\xe6\xbc\xa2"},
        {"cp932", "\xe2\x85\xb0", "a"},
        {"latin1", NULL, "\xe2\x82\xac"},
        {"utf8mb4", NULL, "a"},
        {"utf16", NULL, "a"},
        {"koi8r", NULL, "\xd0\x96"},
        {"gb2312", NULL, "\xe6\xbc\xa2"},
        {"gb18030", NULL, "\xe6\xbc\xa2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const CharsetTwins *twins = charset_twins(charset_find(cases[i].name));
        g_assert_true(charset_twins(charset_find(cases[i].name)) == twins);
        if (!cases[i].twin) {
            g_assert_null(twins);
            continue;
        }
        g_autofree char *text = g_strconcat("abc", cases[i].single, cases[i].twin, NULL);
        size_t len = strlen(text);
        g_assert_true(charset_has_twin(twins, (const uint8_t *)text, len));
        g_assert_false(charset_has_twin(twins, (const uint8_t *)text, len - strlen(cases[i].twin)));
    }
}

static void test_collations(void)
{
    g_assert_cmpstr(collation_charset(8), ==, "latin1");
    g_assert_cmpstr(collation_charset(63), ==, "binary");
    g_assert_cmpstr(collation_charset(255), ==, "utf8mb4");
    g_assert_cmpstr(collation_charset(33), ==, "utf8mb3");
    g_assert_cmpstr(collation_charset(1032), ==, "latin1");
    g_assert_cmpstr(collation_charset(2304), ==, "utf8mb4");
    g_assert_null(collation_charset(0));
    g_assert_null(collation_charset(17));
    g_assert_null(collation_charset(60000));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/charset/server", test_server);
    g_test_add_func("/charset/texts", test_texts);
    g_test_add_func("/charset/utf8", test_utf8);
    g_test_add_func("/charset/find", test_find);
    g_test_add_func("/charset/twins", test_twins);
    g_test_add_func("/charset/collations", test_collations);
    return g_test_run();
}
