#include "mysql/charset.h"

#include "mysql/charset_tables_private.h"

#include <string.h>

typedef enum {
    KIND_BINARY,  /* copied as it is */
    KIND_UTF8MB4, /* checked and copied */
    KIND_UTF8MB3,
    KIND_ASCII,
    KIND_BYTES, /* one byte per character, by table */
} CharsetKind;

struct Charset {
    const char *name;
    CharsetKind kind;
    uint8_t growth; /* most bytes of UTF-8 that one byte can give */
    const uint16_t *table;
};

static const Charset plain_charsets[] = {
    {"utf8mb4", KIND_UTF8MB4, 1, NULL}, {"utf8mb3", KIND_UTF8MB3, 1, NULL}, {"utf8", KIND_UTF8MB3, 1, NULL},
    {"ascii", KIND_ASCII, 1, NULL},     {"binary", KIND_BINARY, 1, NULL},
};

static Charset byte_charsets[G_N_ELEMENTS(byte_tables)];

static void make_byte_charsets(void)
{
    static gsize made;
    if (!g_once_init_enter(&made))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(byte_tables); i++)
        byte_charsets[i] = (Charset){byte_tables[i].name, KIND_BYTES, 3, byte_tables[i].table};
    g_once_init_leave(&made, 1);
}

const Charset *charset_find(const char *mysql_name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plain_charsets); i++)
        if (g_ascii_strcasecmp(plain_charsets[i].name, mysql_name) == 0)
            return &plain_charsets[i];
    make_byte_charsets();
    for (size_t i = 0; i < G_N_ELEMENTS(byte_charsets); i++)
        if (g_ascii_strcasecmp(byte_charsets[i].name, mysql_name) == 0)
            return &byte_charsets[i];
    return NULL;
}

bool charset_is_utf8(const Charset *charset)
{
    return charset->kind != KIND_BYTES;
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

bool charset_to_utf8(const Charset *charset, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
    bool good = true;
    uint8_t *end;
    switch (charset->kind) {
    case KIND_BYTES:
        end = bytes_to_utf8(charset->table, in, len, out);
        if (end) {
            *out_len = (size_t)(end - out);
            return true;
        }
        good = false;
        break;
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
    memcpy(out, in, len);
    *out_len = len;
    return good;
}
