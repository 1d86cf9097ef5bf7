#include "mysql/multibyte_private.h"

#include <iconv.h>

typedef struct {
    uint32_t first, last;
    uint16_t code;
} Correction;

#include "mysql/charset_corrections_private.h"

typedef struct {
    const char *name, *iconv_name;
    bool katakana; /* bytes a1..df are characters of their own */
    bool three, four;
    const Correction *corrections;
    unsigned n_corrections;
} MultibyteKind;

#define CORRECTIONS(name) corrections_##name, G_N_ELEMENTS(corrections_##name)

static const MultibyteKind kinds[MULTIBYTE_COUNT] = {
    {"gbk", "GBK", false, false, false, NULL, 0},
    {"big5", "BIG5", false, false, false, CORRECTIONS(big5)},
    {"sjis", "SJIS", true, false, false, CORRECTIONS(sjis)},
    {"cp932", "CP932", true, false, false, NULL, 0},
    {"euckr", "UHC", false, false, false, NULL, 0},
    {"gb2312", "GB2312", false, false, false, NULL, 0},
    {"ujis", "EUC-JP", false, true, false, CORRECTIONS(ujis)},
    {"eucjpms", "EUC-JP-MS", false, true, false, NULL, 0},
    {"gb18030", "GB18030", false, false, true, CORRECTIONS(gb18030)},
};

static MultibyteTables tables[MULTIBYTE_COUNT];

const char *multibyte_name(unsigned index)
{
    return kinds[index].name;
}

bool multibyte_has_four(unsigned index)
{
    return kinds[index].four;
}

/* The one character of the Basic Multilingual Plane that the whole sequence means, else 0. */
static uint16_t convert(iconv_t converter, uint32_t sequence, unsigned n)
{
    char in[4], out[8], *from = in, *to = out;
    size_t in_left = n, out_left = sizeof out;
    for (unsigned i = 0; i < n; i++)
        in[i] = (char)(sequence >> (8 * (n - 1 - i)));
    iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from, &in_left, &to, &out_left) != 0 || in_left || out_left != sizeof out - 2)
        return 0;
    return (uint16_t)((uint8_t)out[0] << 8 | (uint8_t)out[1]);
}

typedef struct {
    uint16_t *one, *two, *three, *four;
} Making;

static uint16_t *slot(const Making *making, uint32_t sequence)
{
    if (sequence < 0x10000)
        return &making->two[sequence - 0x8000];
    if (sequence < 0x1000000)
        return &making->three[(sequence >> 8 & 0x7f) << 7 | (sequence & 0x7f)];
    const uint8_t bytes[] = {(uint8_t)(sequence >> 24), (uint8_t)(sequence >> 16), (uint8_t)(sequence >> 8),
                             (uint8_t)sequence};
    return &making->four[FOUR_NUMBER(bytes)];
}

static void make_four(iconv_t converter, uint16_t *four)
{
    for (uint32_t n = 0; n < FOUR_BASIC; n++) {
        uint32_t pair = n / 1260, rest = n % 1260;
        four[n] = convert(converter,
                          (0x81 + pair / 10) << 24 | (0x30 + pair % 10) << 16 | (0x81 + rest / 10) << 8 | (0x30 + rest % 10), 4);
    }
}

static void correct(const MultibyteKind *kind, const Making *making)
{
    for (unsigned i = 0; i < kind->n_corrections; i++) {
        const Correction *correction = &kind->corrections[i];
        for (uint32_t c = correction->first; c <= correction->last; c++)
            *slot(making, c) = correction->code ? (uint16_t)(correction->code + (c - correction->first)) : (uint16_t)0;
    }
}

static void make_tables(const MultibyteKind *kind, iconv_t converter, MultibyteTables *out)
{
    Making making = {
        .one = g_new0(uint16_t, 0x80),
        .two = g_new0(uint16_t, 0x8000),
        .three = kind->three ? g_new0(uint16_t, 0x4000) : NULL,
        .four = kind->four ? g_new0(uint16_t, FOUR_BASIC) : NULL,
    };
    for (uint32_t c = 0xa1; kind->katakana && c <= 0xdf; c++)
        making.one[c - 0x80] = convert(converter, c, 1);
    for (uint32_t c = 0x8100; c <= 0xfeff; c++)
        if (!making.one[(c >> 8) - 0x80])
            *slot(&making, c) = convert(converter, c, 2);
    for (uint32_t c = 0xa1a1; making.three && c <= 0xfefe; c++)
        if ((c & 0xff) >= 0xa1)
            *slot(&making, MULTIBYTE_THREE << 16 | c) = convert(converter, MULTIBYTE_THREE << 16 | c, 3);
    if (making.four)
        make_four(converter, making.four);
    correct(kind, &making);
    *out = (MultibyteTables){making.one, making.two, making.three, making.four};
}

const MultibyteTables *multibyte_tables(unsigned index)
{
    static GMutex mutex;
    g_mutex_lock(&mutex);
    if (!tables[index].two) {
        iconv_t converter = iconv_open("UTF-16BE", kinds[index].iconv_name);
        if (converter != (iconv_t)-1) {
            make_tables(&kinds[index], converter, &tables[index]);
            iconv_close(converter);
        }
    }
    const MultibyteTables *found = tables[index].two ? &tables[index] : NULL;
    g_mutex_unlock(&mutex);
    return found;
}
