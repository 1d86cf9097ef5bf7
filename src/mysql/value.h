/* value.h - what the bytes of single values mean: decimals, dates and times of the binlog (and DATE/TIME structs of the
 * binary protocol). Pure, allocation free. The caller has checked that the bytes are there.
 */
#ifndef SLUICE_MYSQL_VALUE_H
#define SLUICE_MYSQL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    bool negative;     /* TIME only */
    uint32_t year;     /* 0..9999 */
    uint8_t month, day; /* 0 where the server has 0 */
    uint32_t hour;     /* TIME: 0..838 */
    uint8_t minute, second;
    uint32_t usec;
} SourceTime;

/* Hours of the largest TIME, and of a day. */
enum { VALUE_LAST_TIME_HOUR = 838, VALUE_LAST_HOUR = 23 };

/* Whether hour, minute, second and microsecond are ones that a server stores: their bits have room for others. */
static inline bool value_clock_exists(const SourceTime *t, uint32_t last_hour)
{
    return t->hour <= last_hour && t->minute <= 59 && t->second <= 59 && t->usec <= 999999;
}

/* Binlog formats. `digits`: of the fraction, 0..6. */
void value_read_date(const uint8_t *p, SourceTime *out);                            /* 3 bytes */
void value_read_datetime2(const uint8_t *p, unsigned digits, SourceTime *out);      /* 5 + (digits+1)/2 bytes */
void value_read_time2(const uint8_t *p, unsigned digits, SourceTime *out);          /* 3 + (digits+1)/2 bytes */
/* Seconds since 1970 UTC and microseconds. 0 and 0: the zero timestamp. */
void value_read_timestamp2(const uint8_t *p, unsigned digits, int64_t *seconds, uint32_t *usec); /* 4 + (digits+1)/2 */
/* Formats before MySQL 5.6 / of MariaDB tables made with mysql56_temporal_format=OFF: decoded by type TIME, DATETIME,
 * TIMESTAMP, without a fraction. With one, MariaDB's old format tells neither digits nor size in the table map, so a column
 * of these types whose definition has a fraction cannot be read (ALTER TABLE ... FORCE mends it). */
void value_read_datetime_old(const uint8_t *p, SourceTime *out); /* 8 bytes */
void value_read_time_old(const uint8_t *p, SourceTime *out);     /* 3 bytes */

/* Binary protocol (length-prefixed; `p` after the length byte, `len` 0, 4, 7, 11 or 0, 8, 12; a TIME of more hours than a u32
 * holds is none). */
bool value_read_protocol_datetime(const uint8_t *p, size_t len, SourceTime *out);
bool value_read_protocol_time(const uint8_t *p, size_t len, SourceTime *out);

/* A decimal as a little-endian two's complement integer of `width` (4, 8, 16, 32) bytes: value * 10^scale. False when the
 * bytes are no digits: a group holds a number of more than its digits. */
bool value_read_decimal(const uint8_t *p, unsigned precision, unsigned scale, uint8_t *out, size_t width);
/* The digits as the servers print them, all of the scale's; not NUL-terminated; returns the length, 0 when the bytes
 * are no digits. */
#define VALUE_DECIMAL_TEXT 80
size_t value_decimal_text(const uint8_t *p, unsigned precision, unsigned scale, char out[VALUE_DECIMAL_TEXT]);
/* The same from decimal text ("-12.340"); false when it is not a number or does not fit `width` at this scale. */
bool value_parse_decimal(const char *text, size_t len, unsigned scale, uint8_t *out, size_t width);

/* Days since 1970-01-01 of a valid Gregorian date (proleptic), any year 0..9999. */
int32_t value_days_from_civil(int32_t year, unsigned month, unsigned day);

#endif
