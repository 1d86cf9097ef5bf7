#include "mysql/value.h"

#include <string.h>

/* Byte orders: the servers keep what sorts (decimals, temporal types "2") big-endian, all else little-endian. */

static inline uint64_t read_be(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint32_t read_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t read_le24(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/* ---- dates and times (sql-common/my_time.c of the servers) ---- */

/* A fraction of 1..6 digits stands in 1, 2 or 3 bytes, in units of 1/100, 1/10000 or 1/1000000 s. */
static const uint32_t usec_per_unit[4] = {0, 10000, 100, 1};

static inline uint32_t read_fraction(const uint8_t *p, unsigned digits)
{
    unsigned n = (digits + 1) / 2;
    return (uint32_t)read_be(p, n) * usec_per_unit[n & 3];
}

void value_read_date(const uint8_t *p, SourceTime *out)
{
    uint32_t v = read_le24(p);
    *out = (SourceTime){.day = v & 31, .month = (v >> 5) & 15, .year = v >> 9};
}

void value_read_datetime2(const uint8_t *p, unsigned digits, SourceTime *out)
{
    /* 1 bit sign (always set), 17 bits year * 13 + month, 5 day, 5 hour, 6 minute, 6 second */
    uint64_t v = read_be(p, 5) & 0x7fffffffffu;
    uint32_t year_month = (uint32_t)(v >> 22);
    *out = (SourceTime){
        .year = year_month / 13,
        .month = (uint8_t)(year_month % 13),
        .day = (v >> 17) & 31,
        .hour = (v >> 12) & 31,
        .minute = (v >> 6) & 63,
        .second = v & 63,
        .usec = read_fraction(p + 5, digits),
    };
}

void value_read_time2(const uint8_t *p, unsigned digits, SourceTime *out)
{
    /* 1 bit sign, 1 unused, 10 hour, 6 minute, 6 second and the fraction are one number: a negative time is its two's
     * complement over all the bytes, so the fraction borrows from the seconds. */
    unsigned n = (digits + 1) / 2;
    int64_t v = (int64_t)read_be(p, 3 + n) - ((int64_t)1 << (23 + 8 * n));
    bool negative = v < 0;
    uint64_t magnitude = (uint64_t)(negative ? -v : v);
    uint32_t hms = (uint32_t)(magnitude >> (8 * n));
    *out = (SourceTime){
        .negative = negative,
        .hour = (hms >> 12) & 1023,
        .minute = (hms >> 6) & 63,
        .second = hms & 63,
        .usec = (uint32_t)(magnitude & (((uint64_t)1 << (8 * n)) - 1)) * usec_per_unit[n & 3],
    };
}

void value_read_timestamp2(const uint8_t *p, unsigned digits, int64_t *seconds, uint32_t *usec)
{
    *seconds = (int64_t)read_be(p, 4); /* unsigned: MariaDB 11.5+ goes on to 2106 */
    *usec = read_fraction(p + 4, digits);
}

void value_read_datetime_old(const uint8_t *p, SourceTime *out)
{
    uint64_t v = (uint64_t)read_le32(p) | (uint64_t)read_le32(p + 4) << 32; /* YYYYMMDDhhmmss in decimal */
    uint32_t time = (uint32_t)(v % 1000000);
    uint64_t date = v / 1000000;
    *out = (SourceTime){
        .year = (uint32_t)(date / 10000),
        .month = (uint8_t)(date / 100 % 100),
        .day = (uint8_t)(date % 100),
        .hour = time / 10000,
        .minute = (uint8_t)(time / 100 % 100),
        .second = (uint8_t)(time % 100),
    };
}

void value_read_time_old(const uint8_t *p, SourceTime *out)
{
    int32_t v = (int32_t)(read_le24(p) << 8) >> 8; /* hhmmss in decimal, signed */
    uint32_t magnitude = (uint32_t)(v < 0 ? -v : v);
    *out = (SourceTime){
        .negative = v < 0,
        .hour = magnitude / 10000,
        .minute = (uint8_t)(magnitude / 100 % 100),
        .second = (uint8_t)(magnitude % 100),
    };
}

bool value_read_protocol_datetime(const uint8_t *p, size_t len, SourceTime *out)
{
    memset(out, 0, sizeof *out);
    if (len == 0)
        return true;
    if (len != 4 && len != 7 && len != 11)
        return false;
    out->year = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    out->month = p[2];
    out->day = p[3];
    if (len >= 7) {
        out->hour = p[4];
        out->minute = p[5];
        out->second = p[6];
    }
    if (len == 11)
        out->usec = read_le32(p + 7);
    return true;
}

bool value_read_protocol_time(const uint8_t *p, size_t len, SourceTime *out)
{
    memset(out, 0, sizeof *out);
    if (len == 0)
        return true;
    if (len != 8 && len != 12)
        return false;
    uint64_t hours = (uint64_t)read_le32(p + 1) * 24 + p[5]; /* days come apart from hours */
    if (hours > UINT32_MAX)
        return false;
    out->negative = p[0] != 0;
    out->hour = (uint32_t)hours;
    out->minute = p[6];
    out->second = p[7];
    if (len == 12)
        out->usec = read_le32(p + 8);
    return true;
}

int32_t value_days_from_civil(int32_t year, unsigned month, unsigned day)
{
    /* Howard Hinnant, "chrono-compatible low-level date algorithms": the year begins in March. */
    int32_t y = year - (month <= 2);
    int32_t era = (y >= 0 ? y : y - 399) / 400;
    int32_t year_of_era = y - era * 400;
    int32_t day_of_year = (153 * ((int32_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int32_t)day - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* ---- decimals (strings/decimal.c: decimal2bin) ----
 *
 * Nine digits stand in four bytes, big-endian; the digits left over at the front of the integer part and at the end of
 * the fraction in as few bytes as hold them. The first bit is the sign, inverted; a negative number has all bits
 * inverted. */

static const uint8_t bytes_of_digits[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
static const uint32_t powers_of_10[10] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

typedef unsigned __int128 uint128;

typedef struct {
    uint64_t limb[4]; /* little-endian, 256 bits */
} Wide;

/* v = v * factor + add; returns what does not fit in 256 bits. */
static uint64_t wide_multiply_add(Wide *v, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < 4; i++) {
        uint128 product = (uint128)v->limb[i] * factor + carry;
        v->limb[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    return carry;
}

static void wide_negate(Wide *v)
{
    uint64_t carry = 1;
    for (int i = 0; i < 4; i++) {
        v->limb[i] = ~v->limb[i] + carry;
        carry = carry && v->limb[i] == 0;
    }
}

static void store_le(uint8_t *out, const uint64_t *limbs, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(limbs[i / 8] >> (8 * (i % 8)));
}

/* One walk over the groups of digits of a wire decimal. */
typedef struct {
    const uint8_t *p;
    uint8_t flip;     /* 0xff for negative numbers */
    uint8_t sign_bit; /* 0x80 until the first byte was read */
    unsigned lead, whole_int, whole_frac, tail;
    bool bad; /* a group was no number of its digits */
} DigitGroups;

static void digit_groups_init(DigitGroups *g, const uint8_t *p, unsigned precision, unsigned scale)
{
    unsigned integer = precision - scale;
    *g = (DigitGroups){
        .p = p,
        .flip = p[0] & 0x80 ? 0 : 0xff,
        .sign_bit = 0x80,
        .lead = integer % 9,
        .whole_int = integer / 9,
        .whole_frac = scale / 9,
        .tail = scale % 9,
    };
}

static inline uint32_t digit_groups_read(DigitGroups *g, unsigned digits)
{
    uint32_t v = 0;
    for (unsigned n = bytes_of_digits[digits]; n; n--) {
        v = v << 8 | (uint8_t)(*g->p++ ^ g->flip ^ g->sign_bit);
        g->sign_bit = 0;
    }
    return v;
}

/* The next group and how many digits it has; 0 after the last. */
static inline unsigned digit_groups_next(DigitGroups *g, uint32_t *value)
{
    unsigned digits;
    if (g->lead) {
        digits = g->lead;
        g->lead = 0;
    } else if (g->whole_int) {
        digits = 9;
        g->whole_int--;
    } else if (g->whole_frac) {
        digits = 9;
        g->whole_frac--;
    } else if (g->tail) {
        digits = g->tail;
        g->tail = 0;
    } else {
        return 0;
    }
    *value = digit_groups_read(g, digits);
    g->bad |= *value >= powers_of_10[digits];
    return digits;
}

bool value_read_decimal(const uint8_t *p, unsigned precision, unsigned scale, uint8_t *out, size_t width)
{
    DigitGroups groups;
    uint32_t value;
    unsigned digits;
    digit_groups_init(&groups, p, precision, scale);
    if (precision <= 18) {
        uint64_t v = 0;
        while ((digits = digit_groups_next(&groups, &value)))
            v = v * powers_of_10[digits] + value;
        if (groups.flip)
            v = -v;
        uint64_t fill = groups.flip && v ? UINT64_MAX : 0;
        store_le(out, (uint64_t[]){v, fill, fill, fill}, width);
        return !groups.bad;
    }
    if (precision <= 38 && width <= 16) {
        uint128 v = 0;
        while ((digits = digit_groups_next(&groups, &value)))
            v = v * powers_of_10[digits] + value;
        if (groups.flip)
            v = -v;
        store_le(out, (uint64_t[]){(uint64_t)v, (uint64_t)(v >> 64)}, width);
        return !groups.bad;
    }
    Wide v = {{0}};
    while ((digits = digit_groups_next(&groups, &value)))
        wide_multiply_add(&v, powers_of_10[digits], value);
    if (groups.flip)
        wide_negate(&v);
    store_le(out, v.limb, width);
    return !groups.bad;
}

/* `digits` of the number, zeros in front. */
static char *put_digits(char *q, uint32_t value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        q[i] = (char)('0' + value % 10);
    return q + digits;
}

size_t value_decimal_text(const uint8_t *p, unsigned precision, unsigned scale, char out[VALUE_DECIMAL_TEXT])
{
    DigitGroups groups;
    char digits[VALUE_DECIMAL_TEXT], *q = digits, *to = out;
    uint32_t value;
    unsigned n, integer = precision - scale, first = 0;
    digit_groups_init(&groups, p, precision, scale);
    while ((n = digit_groups_next(&groups, &value)))
        q = put_digits(q, value, n);
    if (groups.bad)
        return 0;
    if (groups.flip)
        *to++ = '-';
    while (first + 1 < integer && digits[first] == '0')
        first++;
    if (integer == 0)
        *to++ = '0';
    memcpy(to, digits + first, integer - first);
    to += integer - first;
    if (scale) {
        *to++ = '.';
        memcpy(to, digits + integer, scale);
        to += scale;
    }
    return (size_t)(to - out);
}

/* True when the magnitude `v` with this sign is within a two's complement integer of `width` bytes. */
static bool wide_fits(const Wide *v, bool negative, size_t width)
{
    unsigned bits = (unsigned)width * 8 - 1;
    Wide limit = {{0}}; /* 2^bits: the first magnitude too large, but for the most negative number */
    limit.limb[bits / 64] = (uint64_t)1 << (bits % 64);
    for (int i = 3; i >= 0; i--)
        if (v->limb[i] != limit.limb[i])
            return v->limb[i] < limit.limb[i];
    return negative;
}

/* Digits on their way into a Wide, nine at a time. */
typedef struct {
    uint32_t value;
    unsigned n;
} DigitsHeld;

/* True when the number has become too large, as wide_multiply_add. */
static bool digits_flush(Wide *v, DigitsHeld *held)
{
    bool over = wide_multiply_add(v, powers_of_10[held->n], held->value);
    *held = (DigitsHeld){0};
    return over;
}

static bool digits_add(Wide *v, DigitsHeld *held, uint32_t digit)
{
    held->value = held->value * 10 + digit;
    return ++held->n == 9 && digits_flush(v, held);
}

bool value_parse_decimal(const char *text, size_t len, unsigned scale, uint8_t *out, size_t width)
{
    const char *p = text, *end = text + len;
    bool negative = false, seen_digit = false, seen_point = false;
    unsigned fraction = 0;
    Wide v = {{0}};
    DigitsHeld held = {0};
    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    for (; p < end; p++) {
        if (*p == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            return false;
        seen_digit = true;
        if (seen_point && fraction == scale) {
            if (*p != '0') /* a digit that the scale cannot hold */
                return false;
            continue;
        }
        fraction += seen_point;
        if (digits_add(&v, &held, (uint32_t)(*p - '0')))
            return false;
    }
    if (!seen_digit)
        return false;
    for (; fraction < scale; fraction++)
        if (digits_add(&v, &held, 0))
            return false;
    if (digits_flush(&v, &held) || !wide_fits(&v, negative, width))
        return false;
    if (negative)
        wide_negate(&v);
    store_le(out, v.limb, width);
    return true;
}
