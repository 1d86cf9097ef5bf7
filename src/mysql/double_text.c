#include "mysql/double_text.h"

#include <float.h>
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MOST_DIGITS        17
#define EXACT_INTEGER      9007199254740992.0 /* 2^53 */
#define FIXED_POINT_DIGITS DBL_DIG            /* MAX_DECPT_FOR_F_FORMAT */

/* 0.d1d2d3... * 10^point */
typedef struct {
    char digit[MOST_DIGITS + 1];
    int n, point;
} Digits;

static void strip_zeros(Digits *d)
{
    while (d->n > 1 && d->digit[d->n - 1] == '0')
        d->n--;
}

static void integer_digits(uint64_t value, Digits *d)
{
    char text[24];
    int n = 0;
    for (; value; value /= 10)
        text[n++] = (char)('0' + value % 10);
    d->n = d->point = n;
    for (int i = 0; i < n; i++)
        d->digit[i] = text[n - 1 - i];
    strip_zeros(d);
}

/* "d.ddde-xx" as digits. */
static void read_scientific(const char *text, Digits *d)
{
    d->n = 0;
    for (; *text != 'e'; text++)
        if (*text != '.')
            d->digit[d->n++] = *text;
    d->point = (int)g_ascii_strtoll(text + 1, NULL, 10) + 1;
}

/* Adds one to the last digit; false when that carries out of it. */
static bool next_up(char *text)
{
    char *last = strchr(text, 'e') - 1;
    if (*last == '9' || *last == '.')
        return false;
    ++*last;
    return true;
}

/* The correctly rounded number of n digits is the one wanted as soon as it reads back; at a power of two, whose
 * neighbour below is nearer than the one above, the next larger one may read back where it does not. */
static bool try_digits(double value, int n, bool power_of_two, Digits *d)
{
    char format[8], text[G_ASCII_DTOSTR_BUF_SIZE];
    g_snprintf(format, sizeof format, "%%.%de", n - 1);
    g_ascii_formatd(text, sizeof text, format, value);
    if (g_ascii_strtod(text, NULL) != value && !(power_of_two && next_up(text) && g_ascii_strtod(text, NULL) == value))
        return false;
    read_scientific(text, d);
    strip_zeros(d);
    return true;
}

/* `value` > 0 */
static void shortest_digits(double value, Digits *d)
{
    int exponent;
    if (value < EXACT_INTEGER && value == floor(value)) {
        integer_digits((uint64_t)value, d);
        return;
    }
    bool power_of_two = frexp(value, &exponent) == 0.5;
    /* Of normal numbers all that have fewer than 15 digits come out of 15, with zeros behind. */
    int n = value < DBL_MIN ? 1 : DBL_DIG;
    while (n < MOST_DIGITS && !try_digits(value, n, power_of_two, d))
        n++;
    if (n == MOST_DIGITS)
        try_digits(value, n, false, d);
}

static char *put(char *q, const char *bytes, int n)
{
    memcpy(q, bytes, (size_t)n);
    return q + n;
}

static char *put_zeros(char *q, int n)
{
    memset(q, '0', (size_t)n);
    return q + n;
}

static char *put_fixed(char *q, const Digits *d)
{
    if (d->point <= 0) {
        q = put(q, "0.", 2);
        q = put_zeros(q, -d->point);
        return put(q, d->digit, d->n);
    }
    if (d->point >= d->n)
        return put_zeros(put(q, d->digit, d->n), d->point - d->n);
    q = put(q, d->digit, d->point);
    *q++ = '.';
    return put(q, d->digit + d->point, d->n - d->point);
}

static char *put_scientific(char *q, const Digits *d)
{
    *q++ = d->digit[0];
    if (d->n > 1) {
        *q++ = '.';
        q = put(q, d->digit + 1, d->n - 1);
    }
    return q + g_snprintf(q, 8, "e%d", d->point - 1);
}

static int fixed_length(const Digits *d)
{
    return d->point <= 0 ? d->n - d->point + 2 : d->point < d->n ? d->n + 1 : d->point;
}

size_t double_text(double value, unsigned width, char out[DOUBLE_TEXT_MAX])
{
    Digits d = {{'0'}, 1, 1};
    char *q = out;
    if (!isfinite(value))
        value = 0;
    if (signbit(value)) {
        *q++ = '-';
        width -= value < 0;
    }
    if (value != 0)
        shortest_digits(fabs(value), &d);
    if (d.point < 1 - FIXED_POINT_DIGITS || d.point > FIXED_POINT_DIGITS || fixed_length(&d) > (int)width)
        q = put_scientific(q, &d);
    else
        q = put_fixed(q, &d);
    return (size_t)(q - out);
}
