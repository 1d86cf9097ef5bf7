#include "mysql/charset.h"

#include "mysql/charset_tables_private.h"
#include "mysql/multibyte_private.h"

#include <string.h>

typedef enum {
    KIND_BINARY,  /* copied as it is */
    KIND_UTF8MB4, /* checked and copied */
    KIND_UTF8MB3,
    KIND_ASCII,
    KIND_BYTES,     /* one byte per character, by table */
    KIND_MULTIBYTE, /* one to three bytes per character, by tables */
    KIND_GB18030,   /* one, two or four bytes per character, by tables and by number */
    KIND_UCS2,      /* big-endian */
    KIND_UTF16,
    KIND_UTF16LE,
    KIND_UTF32,
} CharsetKind;

struct Charset {
    const char *name;
    CharsetKind kind;
    uint8_t growth; /* most bytes of UTF-8 that one byte can give */
    const uint16_t *table;
    const MultibyteTables *tables;
};

static const Charset plain_charsets[] = {
    {.name = "utf8mb4", .kind = KIND_UTF8MB4, .growth = 1}, {.name = "utf8mb3", .kind = KIND_UTF8MB3, .growth = 1},
    {.name = "utf8", .kind = KIND_UTF8MB3, .growth = 1},    {.name = "ascii", .kind = KIND_ASCII, .growth = 1},
    {.name = "binary", .kind = KIND_BINARY, .growth = 1},   {.name = "ucs2", .kind = KIND_UCS2, .growth = 2},
    {.name = "utf16", .kind = KIND_UTF16, .growth = 2},     {.name = "utf16le", .kind = KIND_UTF16LE, .growth = 2},
    {.name = "utf32", .kind = KIND_UTF32, .growth = 1},
};

static Charset byte_charsets[G_N_ELEMENTS(byte_tables)];
static Charset multibyte_charsets[MULTIBYTE_COUNT];

static void make_charsets(void)
{
    static gsize made;
    if (!g_once_init_enter(&made))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(byte_tables); i++)
        byte_charsets[i] = (Charset){byte_tables[i].name, KIND_BYTES, 3, byte_tables[i].table, NULL};
    for (unsigned i = 0; i < MULTIBYTE_COUNT; i++)
        multibyte_charsets[i] =
            (Charset){multibyte_name(i), multibyte_has_four(i) ? KIND_GB18030 : KIND_MULTIBYTE, 3, NULL, NULL};
    g_once_init_leave(&made, 1);
}

/* The tables of a charset are made when it is first asked for. */
static const Charset *find_multibyte(const char *name)
{
    static GMutex mutex;
    for (unsigned i = 0; i < MULTIBYTE_COUNT; i++) {
        Charset *charset = &multibyte_charsets[i];
        if (g_ascii_strcasecmp(charset->name, name) != 0)
            continue;
        g_mutex_lock(&mutex);
        if (!charset->tables)
            charset->tables = multibyte_tables(i);
        bool found = charset->tables != NULL;
        g_mutex_unlock(&mutex);
        return found ? charset : NULL;
    }
    return NULL;
}

const Charset *charset_find(const char *mysql_name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plain_charsets); i++)
        if (g_ascii_strcasecmp(plain_charsets[i].name, mysql_name) == 0)
            return &plain_charsets[i];
    make_charsets();
    for (size_t i = 0; i < G_N_ELEMENTS(byte_charsets); i++)
        if (g_ascii_strcasecmp(byte_charsets[i].name, mysql_name) == 0)
            return &byte_charsets[i];
    return find_multibyte(mysql_name);
}

bool charset_is_utf8(const Charset *charset)
{
    return charset->kind < KIND_ASCII; /* MariaDB lets bytes beyond it into columns of ascii [tried] */
}

size_t charset_max_utf8(const Charset *charset, size_t len)
{
    return len * charset->growth;
}

/* Bytes of the run of ASCII at the front. */
static size_t ascii_run(const uint8_t *in, size_t len)
{
    size_t i = 0;
    for (uint64_t word; i + 8 <= len; i += 8) {
        memcpy(&word, in + i, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < len && in[i] < 0x80)
        i++;
    return i;
}

/* Well-formed UTF-8 of at most `max` bytes a character: no overlong forms, surrogates, or anything above U+10FFFF. */
static bool utf8_valid(const uint8_t *in, size_t len, unsigned max)
{
    for (size_t i = ascii_run(in, len); i < len; i += ascii_run(in + i, len - i)) {
        uint8_t lead = in[i];
        unsigned n = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
        if (n == 0 || n > max || n > len - i)
            return false;
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (in[i + 1] < low || in[i + 1] > high)
            return false;
        for (unsigned k = 2; k < n; k++)
            if ((in[i + k] & 0xc0) != 0x80)
                return false;
        i += n;
    }
    return true;
}

static inline uint8_t *put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (uint8_t)c;
    } else if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
        *out++ = (uint8_t)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (uint8_t)(0xe0 | c >> 12);
        *out++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *out++ = (uint8_t)(0x80 | (c & 63));
    } else {
        *out++ = (uint8_t)(0xf0 | c >> 18);
        *out++ = (uint8_t)(0x80 | (c >> 12 & 63));
        *out++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *out++ = (uint8_t)(0x80 | (c & 63));
    }
    return out;
}

static uint8_t *bytes_to_utf8(const uint16_t *table, const uint8_t *in, size_t len, uint8_t *out)
{
    size_t i = 0;
    if (table['~'] == '~') { /* all but swe7 hold ASCII */
        i = ascii_run(in, len);
        memcpy(out, in, i);
        out += i;
    }
    for (; i < len; i++) {
        uint16_t c = table[in[i]];
        if (c == 0 && in[i] != 0)
            return NULL;
        out = put_utf8(out, c);
    }
    return out;
}

static uint8_t *multibyte_to_utf8(const MultibyteTables *tables, const uint8_t *in, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len;) {
        size_t run = ascii_run(in + i, len - i);
        memcpy(out, in + i, run);
        out += run;
        i += run;
        if (i == len)
            break;
        uint16_t c = tables->one[in[i] - 0x80];
        size_t n = 1;
        if (!c && tables->three && in[i] == MULTIBYTE_THREE) {
            if (len - i < 3 || in[i + 1] < 0x80 || in[i + 2] < 0x80)
                return NULL;
            c = tables->three[(in[i + 1] & 0x7f) << 7 | (in[i + 2] & 0x7f)];
            n = 3;
        } else if (!c) {
            if (len - i < 2)
                return NULL;
            c = tables->two[(in[i] & 0x7f) << 8 | in[i + 1]];
            n = 2;
        }
        if (!c)
            return NULL;
        out = put_utf8(out, c);
        i += n;
    }
    return out;
}

static bool is_digit(uint8_t byte)
{
    return byte >= 0x30 && byte <= 0x39;
}

/* The character of four bytes, 0: they mean none. */
static uint32_t gb18030_four(const uint16_t *four, const uint8_t *in)
{
    if (in[0] < 0x81 || in[0] > 0xfe || in[2] < 0x81 || in[2] > 0xfe || !is_digit(in[3]))
        return 0;
    uint32_t n = FOUR_NUMBER(in);
    if (n < FOUR_BASIC)
        return four[n];
    return n >= FOUR_BEYOND && n < FOUR_BEYOND + 0x100000 ? n - FOUR_BEYOND + 0x10000 : 0;
}

/* The second byte tells two bytes from four. */
static uint8_t *gb18030_to_utf8(const MultibyteTables *tables, const uint8_t *in, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len;) {
        size_t run = ascii_run(in + i, len - i);
        memcpy(out, in + i, run);
        out += run;
        i += run;
        if (i == len)
            break;
        size_t n = len - i >= 2 && is_digit(in[i + 1]) ? 4 : 2;
        if (len - i < n)
            return NULL;
        uint32_t c = n == 4 ? gb18030_four(tables->four, in + i) : tables->two[(in[i] & 0x7f) << 8 | in[i + 1]];
        if (!c)
            return NULL;
        out = put_utf8(out, c);
        i += n;
    }
    return out;
}

/* UCS-2 knows no surrogates: the servers write each half as a character of its own. */
static uint8_t *ucs2_to_utf8(const uint8_t *in, size_t len, uint8_t *out)
{
    if (len % 2)
        return NULL;
    for (size_t i = 0; i < len; i += 2)
        out = put_utf8(out, (uint32_t)(in[i] << 8 | in[i + 1]));
    return out;
}

static uint8_t *utf16_to_utf8(const uint8_t *in, size_t len, unsigned high, uint8_t *out)
{
    if (len % 2)
        return NULL;
    for (size_t i = 0; i < len; i += 2) {
        uint32_t c = (uint32_t)(in[i + high] << 8 | in[i + 1 - high]);
        if (c >= 0xd800 && c < 0xe000) {
            if (c >= 0xdc00 || len - i < 4)
                return NULL;
            uint32_t low = (uint32_t)(in[i + 2 + high] << 8 | in[i + 3 - high]);
            if (low < 0xdc00 || low > 0xdfff)
                return NULL;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        out = put_utf8(out, c);
    }
    return out;
}

static uint8_t *utf32_to_utf8(const uint8_t *in, size_t len, uint8_t *out)
{
    if (len % 4)
        return NULL;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t c = (uint32_t)in[i] << 24 | (uint32_t)in[i + 1] << 16 | (uint32_t)in[i + 2] << 8 | in[i + 3];
        if (c > 0x10ffff)
            return NULL;
        out = put_utf8(out, c);
    }
    return out;
}

/* The end of what was written, or NULL when some bytes do not decode. */
static uint8_t *convert(const Charset *charset, const uint8_t *in, size_t len, uint8_t *out)
{
    bool good = true;
    switch (charset->kind) {
    case KIND_BYTES:
        return bytes_to_utf8(charset->table, in, len, out);
    case KIND_MULTIBYTE:
        return multibyte_to_utf8(charset->tables, in, len, out);
    case KIND_GB18030:
        return gb18030_to_utf8(charset->tables, in, len, out);
    case KIND_UCS2:
        return ucs2_to_utf8(in, len, out);
    case KIND_UTF16:
        return utf16_to_utf8(in, len, 0, out);
    case KIND_UTF16LE:
        return utf16_to_utf8(in, len, 1, out);
    case KIND_UTF32:
        return utf32_to_utf8(in, len, out);
    case KIND_UTF8MB4:
        good = utf8_valid(in, len, 4);
        break;
    case KIND_UTF8MB3:
        good = utf8_valid(in, len, 3);
        break;
    case KIND_ASCII:
        good = ascii_run(in, len) == len;
        break;
    case KIND_BINARY:
        break;
    }
    if (!good)
        return NULL;
    memcpy(out, in, len);
    return out + len;
}

/* ---- characters with more than one code ---- */

struct CharsetTwins {
    uint8_t bits[0x10000 / 8]; /* by character */
};

typedef struct {
    CharsetTwins *twins;
    uint8_t seen[0x10000 / 8];
    bool any;
} TwinSearch;

static void see(TwinSearch *search, uint16_t character)
{
    uint8_t bit = (uint8_t)(1u << (character & 7));
    if (character == 0)
        return;
    if (search->seen[character >> 3] & bit) {
        search->twins->bits[character >> 3] |= bit;
        search->any = true;
    }
    search->seen[character >> 3] |= bit;
}

static void see_all(TwinSearch *search, const uint16_t *table, size_t n)
{
    for (size_t i = 0; table && i < n; i++)
        see(search, table[i]);
}

static CharsetTwins *find_twins(const Charset *charset)
{
    g_autofree TwinSearch *search = g_new0(TwinSearch, 1);
    search->twins = g_new0(CharsetTwins, 1);
    if (charset->kind == KIND_BYTES) {
        see_all(search, charset->table, 256);
    } else {
        for (uint16_t c = 1; c < 0x80; c++)
            see(search, c);
        see_all(search, charset->tables->one, 0x80);
        see_all(search, charset->tables->two, 0x8000);
        see_all(search, charset->tables->three, 0x4000);
        see_all(search, charset->tables->four, FOUR_BASIC);
    }
    if (!search->any)
        g_clear_pointer(&search->twins, g_free);
    return search->twins;
}

const CharsetTwins *charset_twins(const Charset *charset)
{
    static GMutex mutex;
    static GHashTable *known; /* charset -> CharsetTwins or NULL */
    gpointer twins = NULL;
    if (charset->kind != KIND_BYTES && charset->kind != KIND_MULTIBYTE && charset->kind != KIND_GB18030)
        return NULL;
    g_mutex_lock(&mutex);
    if (!known)
        known = g_hash_table_new(NULL, NULL);
    if (!g_hash_table_lookup_extended(known, charset, NULL, &twins)) {
        twins = find_twins(charset);
        g_hash_table_insert(known, (gpointer)charset, twins);
    }
    g_mutex_unlock(&mutex);
    return twins;
}

bool charset_has_twin(const CharsetTwins *twins, const uint8_t *utf8, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = utf8[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (n > len - i)
            return false;
        if (n == 2)
            c = (c & 0x1f) << 6 | (utf8[i + 1] & 0x3f);
        else if (n == 3)
            c = (c & 0x0f) << 12 | (uint32_t)(utf8[i + 1] & 0x3f) << 6 | (utf8[i + 2] & 0x3f);
        if (n < 4 && (twins->bits[c >> 3] >> (c & 7) & 1))
            return true;
        i += n;
    }
    return false;
}

bool charset_to_utf8(const Charset *charset, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
    uint8_t *end = convert(charset, in, len, out);
    if (end) {
        *out_len = (size_t)(end - out);
        return true;
    }
    memcpy(out, in, len);
    *out_len = len;
    return false;
}
