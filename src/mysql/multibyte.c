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
    bool three;
    const Correction *corrections;
    unsigned n_corrections;
} MultibyteKind;

#define CORRECTIONS(name) corrections_##name, G_N_ELEMENTS(corrections_##name)

static const MultibyteKind kinds[MULTIBYTE_COUNT] = {
    {"gbk", "GBK", false, false, NULL, 0},
    {"big5", "BIG5", false, false, CORRECTIONS(big5)},
    {"sjis", "SJIS", true, false, CORRECTIONS(sjis)},
    {"cp932", "CP932", true, false, NULL, 0},
    {"euckr", "UHC", false, false, NULL, 0},
    {"gb2312", "GB2312", false, false, NULL, 0},
    {"ujis", "EUC-JP", false, true, CORRECTIONS(ujis)},
    {"eucjpms", "EUC-JP-MS", false, true, NULL, 0},
};

static MultibyteTables tables[MULTIBYTE_COUNT];

const char *multibyte_name(unsigned index)
{
    return kinds[index].name;
}

/* The one character of the Basic Multilingual Plane that the whole sequence means, else 0. */
static uint16_t convert(iconv_t converter, uint32_t sequence, unsigned n)
{
    char in[3], out[8], *from = in, *to = out;
    size_t in_left = n, out_left = sizeof out;
    for (unsigned i = 0; i < n; i++)
        in[i] = (char)(sequence >> (8 * (n - 1 - i)));
    iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from, &in_left, &to, &out_left) != 0 || in_left || out_left != sizeof out - 2)
        return 0;
    return (uint16_t)((uint8_t)out[0] << 8 | (uint8_t)out[1]);
}

static uint16_t *slot(uint16_t *two, uint16_t *three, uint32_t sequence)
{
    if (sequence < 0x10000)
        return &two[sequence - 0x8000];
    return &three[(sequence >> 8 & 0x7f) << 7 | (sequence & 0x7f)];
}

static void make_tables(const MultibyteKind *kind, iconv_t converter, MultibyteTables *out)
{
    uint16_t *one = g_new0(uint16_t, 0x80), *two = g_new0(uint16_t, 0x8000);
    uint16_t *three = kind->three ? g_new0(uint16_t, 0x4000) : NULL;
    for (uint32_t c = 0xa1; kind->katakana && c <= 0xdf; c++)
        one[c - 0x80] = convert(converter, c, 1);
    for (uint32_t c = 0x8100; c <= 0xfeff; c++)
        if (!one[(c >> 8) - 0x80])
            *slot(two, three, c) = convert(converter, c, 2);
    for (uint32_t c = 0xa1a1; three && c <= 0xfefe; c++)
        if ((c & 0xff) >= 0xa1)
            *slot(two, three, MULTIBYTE_THREE << 16 | c) = convert(converter, MULTIBYTE_THREE << 16 | c, 3);
    for (unsigned i = 0; i < kind->n_corrections; i++) {
        const Correction *correction = &kind->corrections[i];
        for (uint32_t c = correction->first; c <= correction->last; c++)
            *slot(two, three, c) =
                correction->code ? (uint16_t)(correction->code + (c - correction->first)) : (uint16_t)0;
    }
    *out = (MultibyteTables){one, two, three};
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
