/* writers_temporal.c - DATE to Date32, DATETIME and TIMESTAMP to DateTime64(6, 'UTC'), TIME to Time64(6).
 *
 * At the destination: Date32 is days since 1970-01-01 in 32 bits, DateTime64(6) and Time64(6) are microseconds in 64
 * bits (Time64 signed, up to 838:59:59.999999 either way; tried on 26.7). Date32 and DateTime64 hold 1900-01-01 to
 * 2299-12-31.
 */
#include "mapping/writers.h"
#include "mysql/value.h"
#include <time.h>

#define USEC_PER_SEC INT64_C(1000000)
#define USEC_PER_DAY (86400 * USEC_PER_SEC)
#define FIRST_YEAR   1900
#define LAST_YEAR    2299
#define FIRST_DAY    (-25567) /* 1900-01-01 */
#define LAST_DAY     120529   /* 2299-12-31 */
#define ZERO_MEND    "set zero_date to null or epoch, or correct the row at the source; then resync the table"
#define RANGE_MEND   "set out_of_range to clamp or null, or correct the row at the source; then resync the table"

typedef enum { DAY_FAILED, DAY_NULL, DAY_EPOCH, DAY_FIRST, DAY_LAST, DAY_GOOD } DayResult;

static void time_print(const ColumnWriter *self, const SourceTime *t, char *text, size_t size)
{
    int n = g_snprintf(text, size, "%04u-%02u-%02u", t->year, t->month, t->day);
    if (self->column->type != SOURCE_TYPE_DATE)
        g_snprintf(text + n, size - n, " %02u:%02u:%02u.%06u", t->hour, t->minute, t->second, t->usec);
}

static bool date_exists(const SourceTime *t)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (t->month < 1 || t->month > 12 || t->day < 1)
        return false;
    if (G_LIKELY(t->day <= 28))
        return true;
    if (t->month == 2 && t->day == 29)
        return t->year % 4 == 0 && (t->year % 100 != 0 || t->year % 400 == 0);
    return t->day <= lengths[t->month - 1];
}

/* A date that is none (zero, partly zero, or 31 April under ALLOW_INVALID_DATES). */
static DayResult no_date(ColumnWriter *self, const SourceTime *t)
{
    char text[64];
    time_print(self, t, text, sizeof text);
    if (self->in_key)
        return cell_refuse(self, MEND_KEY, "the value %s is not a date and the column is part of the key", text),
               DAY_FAILED;
    if (self->zero_date == ZERO_DATE_FAIL)
        return cell_refuse(self, ZERO_MEND, "the value %s is not a date", text), DAY_FAILED;
    self->counters.converted_zero_dates++;
    cell_note_sample(self->counters.zero_date, text);
    return self->zero_date == ZERO_DATE_NULL && self->nullable ? DAY_NULL : DAY_EPOCH;
}

static DayResult outside(ColumnWriter *self, const SourceTime *t)
{
    static const char *range = "outside the destination's range (1900-01-01 to 2299-12-31)";
    char text[64];
    time_print(self, t, text, sizeof text);
    if (self->in_key)
        return cell_refuse(self, MEND_KEY, "the value %s is %s and the column is part of the key", text, range),
               DAY_FAILED;
    if (self->out_of_range == OUT_OF_RANGE_FAIL)
        return cell_refuse(self, RANGE_MEND, "the value %s is %s", text, range), DAY_FAILED;
    self->counters.clamped++;
    cell_note_sample(self->counters.other, text);
    if (self->out_of_range == OUT_OF_RANGE_NULL && self->nullable)
        return DAY_NULL;
    return t->year < FIRST_YEAR ? DAY_FIRST : DAY_LAST;
}

/* The day of a date under the policies. Days of the date before are kept: neighbouring rows often share one. */
static inline DayResult resolve_day(ColumnWriter *self, const SourceTime *t, int32_t *day)
{
    uint32_t packed = t->year << 16 | (uint32_t)t->month << 8 | t->day;
    if (G_LIKELY(packed == self->last_day && packed)) {
        *day = self->last_day_number;
        return DAY_GOOD;
    }
    if (G_UNLIKELY(!date_exists(t)))
        return no_date(self, t);
    if (G_UNLIKELY(t->year < FIRST_YEAR || t->year > LAST_YEAR))
        return outside(self, t);
    self->last_day = packed;
    self->last_day_number = *day = value_days_from_civil((int32_t)t->year, t->month, t->day);
    return DAY_GOOD;
}

/* As the source prints it, with as many digits of the fraction as the column has. */
static bool append_text(const ColumnWriter *self, const SourceTime *t, BlockColumn *out)
{
    char text[64];
    int n;
    if (self->column->type == SOURCE_TYPE_TIME)
        n = g_snprintf(text, sizeof text, "%s%02u:%02u:%02u", t->negative ? "-" : "", t->hour, t->minute, t->second);
    else if (self->column->type == SOURCE_TYPE_DATE)
        n = g_snprintf(text, sizeof text, "%04u-%02u-%02u", t->year, t->month, t->day);
    else
        n = g_snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", t->year, t->month, t->day, t->hour,
                       t->minute, t->second);
    if (self->column->scale) {
        g_snprintf(text + n, sizeof text - (size_t)n, ".%06u", t->usec);
        n += 1 + (int)MIN(self->column->scale, 6);
    }
    column_append_string(out, text, (size_t)n);
    return true;
}

static inline bool append_date(ColumnWriter *self, const SourceTime *t, BlockColumn *out)
{
    if (G_UNLIKELY(self->as_text))
        return append_text(self, t, out);
    int32_t day = 0;
    switch (resolve_day(self, t, &day)) {
    case DAY_FAILED:
        return false;
    case DAY_NULL:
        cell_write_null(out);
        return true;
    case DAY_EPOCH:
        day = 0;
        break;
    case DAY_FIRST:
        day = FIRST_DAY;
        break;
    case DAY_LAST:
        day = LAST_DAY;
        break;
    case DAY_GOOD:
        break;
    }
    day = GINT32_TO_LE(day);
    column_append_fixed(out, &day, sizeof day);
    return true;
}

/* No server stores such a value: to take it for another one would be to guess. */
static bool no_clock(ColumnWriter *self, const SourceTime *t)
{
    return cell_refuse(self, MEND_VALUE, "the time %02u:%02u:%02u.%06u does not exist", t->hour, t->minute, t->second,
                       t->usec);
}

static inline bool append_datetime(ColumnWriter *self, const SourceTime *t, BlockColumn *out)
{
    if (G_UNLIKELY(!value_clock_exists(t, VALUE_LAST_HOUR)))
        return no_clock(self, t);
    if (G_UNLIKELY(self->as_text))
        return append_text(self, t, out);
    int32_t day = 0;
    int64_t usec = 0;
    switch (resolve_day(self, t, &day)) {
    case DAY_FAILED:
        return false;
    case DAY_NULL:
        cell_write_null(out);
        return true;
    case DAY_EPOCH:
        break;
    case DAY_FIRST:
        usec = FIRST_DAY * USEC_PER_DAY;
        break;
    case DAY_LAST:
        usec = (LAST_DAY + 1) * USEC_PER_DAY - 1;
        break;
    case DAY_GOOD:
        usec = day * USEC_PER_DAY + (t->hour * INT64_C(3600) + t->minute * 60u + t->second) * USEC_PER_SEC + t->usec;
        break;
    }
    column_append_int64(out, usec);
    return true;
}

static const uint8_t *write_date(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t;
    if (G_UNLIKELY(end - p < 3))
        return cell_overrun(self);
    value_read_date(p, &t);
    return append_date(self, &t, out) ? p + 3 : NULL;
}

static const uint8_t *write_datetime2(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t;
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    value_read_datetime2(p, self->digits, &t);
    return append_datetime(self, &t, out) ? p + self->wire_size : NULL;
}

static const uint8_t *write_datetime_old(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t;
    if (G_UNLIKELY(end - p < 8))
        return cell_overrun(self);
    value_read_datetime_old(p, &t);
    return append_datetime(self, &t, out) ? p + 8 : NULL;
}

/* Seconds since 1970 in UTC; both 0 is the zero date, which '1970-01-01 00:00:00' cannot be told from. */
static inline bool append_timestamp(ColumnWriter *self, int64_t seconds, uint32_t usec, BlockColumn *out)
{
    if (G_UNLIKELY(usec > 999999))
        return no_clock(self, &(SourceTime){.usec = usec});
    if (G_UNLIKELY(seconds == 0 && usec == 0)) {
        SourceTime zero = {0};
        return append_datetime(self, &zero, out);
    }
    if (G_UNLIKELY(self->as_text)) {
        struct tm tm;
        time_t time = (time_t)seconds;
        gmtime_r(&time, &tm);
        SourceTime t = {.year = (uint32_t)tm.tm_year + 1900,
                        .month = (uint8_t)(tm.tm_mon + 1),
                        .day = (uint8_t)tm.tm_mday,
                        .hour = (uint32_t)tm.tm_hour,
                        .minute = (uint8_t)tm.tm_min,
                        .second = (uint8_t)tm.tm_sec,
                        .usec = usec};
        return append_text(self, &t, out);
    }
    column_append_int64(out, seconds * USEC_PER_SEC + usec);
    return true;
}

static const uint8_t *write_timestamp2(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    int64_t seconds;
    uint32_t usec;
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    value_read_timestamp2(p, self->digits, &seconds, &usec);
    return append_timestamp(self, seconds, usec, out) ? p + self->wire_size : NULL;
}

static const uint8_t *write_timestamp_old(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 4))
        return cell_overrun(self);
    return append_timestamp(self, (int64_t)le_read(p, 4), 0, out) ? p + 4 : NULL;
}

static inline bool append_time(ColumnWriter *self, const SourceTime *t, BlockColumn *out)
{
    if (G_UNLIKELY(!value_clock_exists(t, VALUE_LAST_TIME_HOUR)))
        return no_clock(self, t);
    if (G_UNLIKELY(self->as_text))
        return append_text(self, t, out);
    int64_t usec = (t->hour * INT64_C(3600) + t->minute * 60u + t->second) * USEC_PER_SEC + t->usec;
    column_append_int64(out, t->negative ? -usec : usec);
    return true;
}

static const uint8_t *write_time2(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t;
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    value_read_time2(p, self->digits, &t);
    return append_time(self, &t, out) ? p + self->wire_size : NULL;
}

static const uint8_t *write_time_old(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t;
    if (G_UNLIKELY(end - p < 3))
        return cell_overrun(self);
    value_read_time_old(p, &t);
    return append_time(self, &t, out) ? p + 3 : NULL;
}

/* In the protocol all four stand behind a length of one byte. */
static const uint8_t *result_time(ColumnWriter *self, const uint8_t *p, const uint8_t *end,
                                  bool (*read)(const uint8_t *p, size_t len, SourceTime *out), SourceTime *out)
{
    if (G_UNLIKELY(end - p < 1 || end - p - 1 < p[0]))
        return cell_overrun(self);
    if (G_UNLIKELY(!read(p + 1, p[0], out)))
        return cell_malformed(self, "a date or time of %u bytes", p[0]);
    return p + 1 + p[0];
}

static const uint8_t *write_date_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t = {0};
    p = result_time(self, p, end, value_read_protocol_datetime, &t);
    return p && append_date(self, &t, out) ? p : NULL;
}

static const uint8_t *write_datetime_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t = {0};
    p = result_time(self, p, end, value_read_protocol_datetime, &t);
    return p && append_datetime(self, &t, out) ? p : NULL;
}

static const uint8_t *write_time_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    SourceTime t = {0};
    p = result_time(self, p, end, value_read_protocol_time, &t);
    return p && append_time(self, &t, out) ? p : NULL;
}

void date_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->as_text = strstr(self->type, "String") != NULL;
    self->write_result = write_date_result;
}

void datetime_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->as_text = strstr(self->type, "String") != NULL;
    self->write_result = write_datetime_result;
}

void time_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->as_text = strstr(self->type, "String") != NULL;
    self->write_result = write_time_result;
}

CellWriter date_bind(ColumnWriter *self, const WireColumn *wire)
{
    (void)self;
    return wire->type == WIRE_DATE || wire->type == WIRE_NEWDATE ? write_date : NULL;
}

/* The writer of a type that has a format with a fraction (`base` bytes and two digits a byte) and one from before that.
 */
static CellWriter temporal_bind(ColumnWriter *self, const WireColumn *wire, uint8_t type, size_t base,
                                CellWriter writer, uint8_t old_type, CellWriter old_writer)
{
    if (wire->type == type && wire->meta == self->column->scale && wire->meta <= 6) {
        self->digits = (uint8_t)wire->meta;
        self->wire_size = base + (self->digits + 1u) / 2;
        return writer;
    }
    return wire->type == old_type && self->column->scale == 0 ? old_writer : NULL;
}

CellWriter datetime_bind(ColumnWriter *self, const WireColumn *wire)
{
    return temporal_bind(self, wire, WIRE_DATETIME2, 5, write_datetime2, WIRE_DATETIME, write_datetime_old);
}

CellWriter timestamp_bind(ColumnWriter *self, const WireColumn *wire)
{
    return temporal_bind(self, wire, WIRE_TIMESTAMP2, 4, write_timestamp2, WIRE_TIMESTAMP, write_timestamp_old);
}

CellWriter time_bind(ColumnWriter *self, const WireColumn *wire)
{
    return temporal_bind(self, wire, WIRE_TIME2, 3, write_time2, WIRE_TIME, write_time_old);
}
