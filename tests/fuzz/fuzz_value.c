/* fuzz_value.c - single values: decimals, temporal values of the log and of the protocol, geometries, text of every
 * character set, values of COMPRESSED columns.
 *
 * Input: a byte that says which, parameters, the value's bytes.
 */
#include "fuzz.h"

#include "mysql/charset.h"
#include "mysql/compressed.h"
#include "mysql/geometry.h"
#include "mysql/rows.h"
#include "mysql/value.h"

#include <math.h>

static void grow(TextOut *out, size_t more)
{
    out->size = MAX(out->len + more, out->size + out->size / 2);
    out->data = g_realloc(out->data, out->size);
}

/* Both ways of a decimal agree: as a number, and as text that is parsed. */
static void decimal(Input *input)
{
    static const size_t widths[] = {4, 8, 16, 32};
    static const unsigned digits[] = {9, 18, 38, 76};
    unsigned precision = input_u8(input) % 65 + 1, scale = input_u8(input) % (MIN(precision, 38) + 1), w = 0;
    size_t len, need = wire_decimal_size(precision, scale);
    uint8_t *p = input_copy(input, need, &len), number[32], parsed[32];
    char text[VALUE_DECIMAL_TEXT];
    while (digits[w] < precision)
        w++;
    if (len == need) {
        bool good = value_read_decimal(p, precision, scale, number, widths[w]);
        size_t text_len = value_decimal_text(p, precision, scale, text);
        CHECK(text_len <= sizeof text && good == (text_len > 0));
        if (good) {
            char *copy = g_memdup2(text, text_len);
            CHECK(value_parse_decimal(copy, text_len, scale, parsed, widths[w]));
            CHECK(memcmp(number, parsed, widths[w]) == 0);
            g_free(copy);
        }
    }
    free(p);
}

static void decimal_text(Input *input)
{
    uint8_t number[32];
    unsigned scale = input_u8(input) % 39;
    size_t width = (size_t)4 << input_u8(input) % 4, len;
    uint8_t *text = input_rest(input, &len);
    (void)value_parse_decimal((const char *)text, len, scale, number, width);
    free(text);
}

static void temporal(Input *input)
{
    SourceTime t;
    int64_t seconds;
    uint32_t usec;
    unsigned kind = input_u8(input), digits = input_u8(input) % 7;
    static const size_t base[] = {3, 5, 3, 4, 8, 3};
    size_t len, need = base[kind % 6] + (kind % 6 >= 1 && kind % 6 <= 3 ? (digits + 1) / 2 : 0);
    uint8_t *p = input_copy(input, need, &len);
    if (len == need) {
        switch (kind % 6) {
        case 0:
            value_read_date(p, &t);
            (void)value_days_from_civil((int32_t)t.year, t.month, t.day);
            break;
        case 1:
            value_read_datetime2(p, digits, &t);
            break;
        case 2:
            value_read_time2(p, digits, &t);
            break;
        case 3:
            value_read_timestamp2(p, digits, &seconds, &usec);
            break;
        case 4:
            value_read_datetime_old(p, &t);
            break;
        default:
            value_read_time_old(p, &t);
            break;
        }
    }
    free(p);
}

static void protocol_temporal(Input *input)
{
    SourceTime t;
    size_t len;
    bool time = input_u8(input) & 1;
    uint8_t *p = input_rest(input, &len);
    (void)(time ? value_read_protocol_time(p, len, &t) : value_read_protocol_datetime(p, len, &t));
    free(p);
}

static void geometry(Input *input)
{
    TextOut out = {.grow = grow};
    size_t len;
    uint8_t *p = input_rest(input, &len);
    const char *wrong = geometry_to_wkt(p, len, &out);
    CHECK(!wrong || *wrong);
    CHECK(out.len <= (len + 64) * 64);
    if (!wrong)
        CHECK(g_utf8_validate((const char *)out.data, (gssize)out.len, NULL));
    g_free(out.data);
    free(p);
}

static void charset(Input *input)
{
    static const char *const names[] = {
        "armscii8", "ascii",   "big5",   "binary",   "cp1250",  "cp1251",  "cp1256",  "cp1257", "cp850",
        "cp852",    "cp866",   "cp932",  "dec8",     "eucjpms", "euckr",   "gb18030", "gb2312", "gbk",
        "geostd8",  "greek",   "hebrew", "hp8",      "keybcs2", "koi8r",   "koi8u",   "latin1", "latin2",
        "latin5",   "latin7",  "macce",  "macroman", "sjis",    "swe7",    "tis620",  "ucs2",   "ujis",
        "utf16",    "utf16le", "utf32",  "utf8",     "utf8mb3", "utf8mb4",
    };
    const char *name = names[input_u8(input) % G_N_ELEMENTS(names)];
    /* Halves of surrogate pairs are characters of their own there, as the servers' CONVERT has them. */
    bool has_halves = strcmp(name, "ucs2") == 0 || strcmp(name, "utf32") == 0;
    const Charset *charset = charset_find(name);
    size_t len, out_len = 0;
    uint8_t *in = input_rest(input, &len);
    if (charset && !charset_is_utf8(charset)) {
        size_t room = MAX(charset_max_utf8(charset, len), len);
        uint8_t *out = malloc(room ? room : 1);
        bool good = charset_to_utf8(charset, in, len, out, &out_len);
        CHECK(out_len <= room);
        if (good) {
            CHECK(has_halves || memchr(out, 0, out_len) || g_utf8_validate((const char *)out, (gssize)out_len, NULL));
            if (charset_twins(charset))
                (void)charset_has_twin(charset_twins(charset), out, out_len);
        } else {
            CHECK(out_len == len && memcmp(in, out, len) == 0);
        }
        free(out);
    }
    free(in);
}

static void compressed(Input *input)
{
    size_t len, size;
    uint8_t *in = input_rest(input, &len);
    Inflater *inflater = inflater_new();
    if (compressed_size(in, len, &size)) {
        uint8_t *out = malloc(size ? size : 1);
        (void)compressed_read(inflater, in, len, out, size);
        (void)compressed_read(inflater, in, len, out, size); /* its memory is used again */
        free(out);
    }
    inflater_free(inflater);
    free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(Input *) = {decimal,  decimal_text, temporal,  protocol_temporal,
                                             geometry, charset,      compressed};
    Input input = {data, data + size};
    kinds[input_u8(&input) % G_N_ELEMENTS(kinds)](&input);
    return 0;
}
