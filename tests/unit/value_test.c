/* Values of the binlog and of the binary protocol. */
#include "mysql/rows.h"
#include "mysql/value.h"

#include "value_vectors.h"
#include "wire_test.h"

/* As the servers show it. */
static void time_text(const WireColumn *column, const uint8_t *p, char *out, gulong size)
{
    SourceTime t;
    char fraction[16] = "";
    unsigned digits = column->meta;
    int64_t seconds;
    switch (column->type) {
    case WIRE_DATE:
        value_read_date(p, &t);
        g_snprintf(out, size, "%04u-%02u-%02u", t.year, t.month, t.day);
        return;
    case WIRE_TIME2:
        value_read_time2(p, digits, &t);
        break;
    case WIRE_DATETIME2:
        value_read_datetime2(p, digits, &t);
        break;
    case WIRE_TIMESTAMP2: {
        memset(&t, 0, sizeof t);
        value_read_timestamp2(p, digits, &seconds, &t.usec);
        if (seconds == 0 && t.usec == 0)
            break;
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(seconds);
        t.year = (uint32_t)g_date_time_get_year(utc);
        t.month = (uint8_t)g_date_time_get_month(utc);
        t.day = (uint8_t)g_date_time_get_day_of_month(utc);
        t.hour = (uint32_t)g_date_time_get_hour(utc);
        t.minute = (uint8_t)g_date_time_get_minute(utc);
        t.second = (uint8_t)g_date_time_get_second(utc);
        break;
    }
    default:
        g_assert_not_reached();
    }
    if (digits)
        g_snprintf(fraction, sizeof fraction, ".%06u", t.usec);
    if (digits)
        fraction[digits + 1] = 0;
    if (column->type == WIRE_TIME2)
        g_snprintf(out, size, "%s%02u:%02u:%02u%s", t.negative ? "-" : "", t.hour, t.minute, t.second, fraction);
    else
        g_snprintf(out, size, "%04u-%02u-%02u %02u:%02u:%02u%s", t.year, t.month, t.day, t.hour, t.minute, t.second,
                   fraction);
}

static void test_temporal(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(temporal_vectors); i++) {
        WireColumn column = {.type = temporal_vectors[i].type, .meta = temporal_vectors[i].meta};
        size_t len;
        g_autofree uint8_t *bytes = bytes_from_hex(temporal_vectors[i].bytes, &len);
        g_assert_cmpuint(wire_size_function(&column)(bytes, bytes + len, column.meta), ==, len);
        char text[64];
        time_text(&column, bytes, text, sizeof text);
        g_assert_cmpstr(text, ==, temporal_vectors[i].text);
    }
}

static void test_decimal(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(decimal_vectors); i++) {
        unsigned precision = decimal_vectors[i].meta >> 8, scale = decimal_vectors[i].meta & 255;
        const char *text = decimal_vectors[i].text;
        size_t len;
        g_autofree uint8_t *bytes = bytes_from_hex(decimal_vectors[i].bytes, &len);
        g_autofree uint8_t *expected = bytes_from_hex(decimal_vectors[i].integer, NULL);
        g_assert_cmpuint(wire_decimal_size(precision, scale), ==, len);
        for (size_t width = precision <= 9    ? 4
                            : precision <= 18 ? 8
                            : precision <= 38 ? 16
                                              : 32;
             width <= 32; width *= 2) {
            uint8_t wire[32], parsed[32];
            value_read_decimal(bytes, precision, scale, wire, width);
            g_assert_cmpmem(wire, width, expected, width);
            g_assert_true(value_parse_decimal(text, strlen(text), scale, parsed, width));
            g_assert_cmpmem(parsed, width, expected, width);
        }
    }
}

static int64_t parse_decimal(const char *text, unsigned scale, size_t width, bool *good)
{
    union {
        uint8_t bytes[32];
        int32_t i32;
        int64_t i64;
    } out = {{0}};
    *good = value_parse_decimal(text, strlen(text), scale, out.bytes, width);
    return width == 4 ? out.i32 : out.i64;
}

static void test_decimal_text(void)
{
    bool good;
    g_assert_cmpint(parse_decimal("-12.340", 3, 4, &good), ==, -12340);
    g_assert_true(good);
    g_assert_cmpint(parse_decimal("12", 3, 8, &good), ==, 12000);
    g_assert_cmpint(parse_decimal("+.5", 1, 4, &good), ==, 5);
    g_assert_cmpint(parse_decimal("1.5000", 1, 4, &good), ==, 15);
    g_assert_true(good);
    g_assert_cmpint(parse_decimal("2147483647", 0, 4, &good), ==, INT32_MAX);
    g_assert_true(good);
    g_assert_cmpint(parse_decimal("-2147483648", 0, 4, &good), ==, INT32_MIN);
    g_assert_true(good);
    static const char *const bad[] = {"", "-", ".", "1.2.3", "1e5", " 1", "1.55", "2147483648", "-2147483649", "0x1"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        parse_decimal(bad[i], 1 * (i == 6), 4, &good);
        g_assert_false(good);
    }
    uint8_t out[32];
    g_autofree char *nines = g_strnfill(77, '9');
    g_assert_false(value_parse_decimal(nines, 77, 0, out, 32));
    g_assert_true(value_parse_decimal(nines, 76, 0, out, 32));
    g_assert_false(value_parse_decimal(nines, 76, 20, out, 32));
}

static void test_old_formats(void)
{
    SourceTime t;
    uint64_t v = GUINT64_TO_LE(20240506070809u);
    value_read_datetime_old((const uint8_t *)&v, &t);
    g_assert_cmpuint(t.year, ==, 2024);
    g_assert_cmpuint(t.month, ==, 5);
    g_assert_cmpuint(t.day, ==, 6);
    g_assert_cmpuint(t.hour, ==, 7);
    g_assert_cmpuint(t.minute, ==, 8);
    g_assert_cmpuint(t.second, ==, 9);
    int32_t hms = GINT32_TO_LE(-8385959);
    value_read_time_old((const uint8_t *)&hms, &t);
    g_assert_true(t.negative);
    g_assert_cmpuint(t.hour, ==, 838);
    g_assert_cmpuint(t.minute, ==, 59);
    g_assert_cmpuint(t.second, ==, 59);
}

static void test_protocol(void)
{
    SourceTime t;
    static const uint8_t datetime[] = {0xe8, 0x07, 5, 6, 7, 8, 9, 0x40, 0xe2, 0x01, 0x00};
    static const uint8_t time[] = {1, 34, 0, 0, 0, 22, 59, 58, 0x40, 0xe2, 0x01, 0x00};
    g_assert_true(value_read_protocol_datetime(datetime, 11, &t));
    g_assert_cmpuint(t.year, ==, 2024);
    g_assert_cmpuint(t.second, ==, 9);
    g_assert_cmpuint(t.usec, ==, 123456);
    g_assert_true(value_read_protocol_datetime(datetime, 4, &t));
    g_assert_cmpuint(t.day, ==, 6);
    g_assert_cmpuint(t.hour, ==, 0);
    g_assert_true(value_read_protocol_datetime(datetime, 0, &t));
    g_assert_cmpuint(t.year, ==, 0);
    g_assert_false(value_read_protocol_datetime(datetime, 5, &t));
    g_assert_true(value_read_protocol_time(time, 12, &t));
    g_assert_true(t.negative);
    g_assert_cmpuint(t.hour, ==, 838);
    g_assert_cmpuint(t.usec, ==, 123456);
    g_assert_true(value_read_protocol_time(time, 8, &t));
    g_assert_cmpuint(t.usec, ==, 0);
    g_assert_false(value_read_protocol_time(time, 7, &t));
}

static void test_days(void)
{
    g_assert_cmpint(value_days_from_civil(1970, 1, 1), ==, 0);
    g_assert_cmpint(value_days_from_civil(1969, 12, 31), ==, -1);
    g_assert_cmpint(value_days_from_civil(2000, 2, 29), ==, 11016);
    g_assert_cmpint(value_days_from_civil(9999, 12, 31), ==, 2932896);
    g_assert_cmpint(value_days_from_civil(1, 1, 1), ==, -719162);
    g_assert_cmpint(value_days_from_civil(0, 1, 1), ==, -719528);
    for (int32_t days = -700000; days < 2900000; days += 997) {
        g_autoptr(GDateTime) epoch = g_date_time_new_utc(1970, 1, 1, 0, 0, 0);
        g_autoptr(GDateTime) day = g_date_time_add_days(epoch, days);
        g_assert_cmpint(value_days_from_civil(g_date_time_get_year(day), (unsigned)g_date_time_get_month(day),
                                              (unsigned)g_date_time_get_day_of_month(day)),
                        ==, days);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value/temporal", test_temporal);
    g_test_add_func("/value/decimal", test_decimal);
    g_test_add_func("/value/decimal_text", test_decimal_text);
    g_test_add_func("/value/old_formats", test_old_formats);
    g_test_add_func("/value/protocol", test_protocol);
    g_test_add_func("/value/days", test_days);
    return g_test_run();
}
