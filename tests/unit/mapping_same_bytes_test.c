/* The rule above all: the same value gives the same bytes whether it came by event or by result row. */
#include "mapping_case.h"

static void test_integers(void)
{
    static const struct {
        SourceType type;
        bool is_unsigned;
        uint8_t wire;
        const char *event, *result;
    } rows[] = {
        {SOURCE_TYPE_TINYINT, false, WIRE_TINY, "80", "80"},
        {SOURCE_TYPE_TINYINT, true, WIRE_TINY, "ff", "ff"},
        {SOURCE_TYPE_SMALLINT, false, WIRE_SHORT, "0080", "0080"},
        {SOURCE_TYPE_SMALLINT, true, WIRE_SHORT, "ffff", "ffff"},
        {SOURCE_TYPE_MEDIUMINT, false, WIRE_INT24, "000080", "000080ff"},
        {SOURCE_TYPE_MEDIUMINT, false, WIRE_INT24, "ffff7f", "ffff7f00"},
        {SOURCE_TYPE_MEDIUMINT, true, WIRE_INT24, "ffffff", "ffffff00"},
        {SOURCE_TYPE_INT, false, WIRE_LONG, "00000080", "00000080"},
        {SOURCE_TYPE_INT, true, WIRE_LONG, "ffffffff", "ffffffff"},
        {SOURCE_TYPE_BIGINT, false, WIRE_LONGLONG, "0000000000000080", "0000000000000080"},
        {SOURCE_TYPE_BIGINT, true, WIRE_LONGLONG, "ffffffffffffffff", "ffffffffffffffff"},
        {SOURCE_TYPE_FLOAT, false, WIRE_FLOAT, "cdcccc3d", "cdcccc3d"},
        {SOURCE_TYPE_DOUBLE, false, WIRE_DOUBLE, "9a9999999999b9bf", "9a9999999999b9bf"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Case c = case_new((FixtureColumn){.type = rows[i].type,
                                          .type_text = "number",
                                          .is_unsigned = rows[i].is_unsigned,
                                          .wire_type = rows[i].wire});
        check_hex(&c, rows[i].event, rows[i].result, rows[i].result);
        case_end(&c);
    }
    Case c = case_new((FixtureColumn){
        .type = SOURCE_TYPE_TINYINT, .type_text = "tinyint(1)", .precision = 1, .wire_type = WIRE_TINY});
    check_hex(&c, "ff", "ff", "ff"); /* -1 and 2 to 127 exist */
    c.settings.tinyint1_bool = true;
    check_hex(&c, "ff", "ff", "01");
    check_hex(&c, "00", "00", "00");
    case_end(&c);
}

/* Bool holds 0 and 1 alone; -1 and 2 to 127 are out of its range. */
static void test_bool(void)
{
    static const struct {
        OutOfRangePolicy policy;
        bool nullable;
        const char *cell;
    } rows[] = {
        {OUT_OF_RANGE_CLAMP, false, "01"},
        {OUT_OF_RANGE_CLAMP, true, "00:01"},
        {OUT_OF_RANGE_NULL, false, "01"},
        {OUT_OF_RANGE_NULL, true, "01:00"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_TINYINT,
                                          .type_text = "tinyint(1)",
                                          .precision = 1,
                                          .wire_type = WIRE_TINY,
                                          .nullable = rows[i].nullable});
        c.settings.tinyint1_bool = true;
        c.settings.out_of_range = rows[i].policy;
        g_byte_array_append(c.event, (const guint8 *)"\x02", 1);
        g_byte_array_append(c.result, (const guint8 *)"\x02", 1);
        g_autofree char *event = event_cell(&c, false), *result = result_cell(&c, false);
        g_assert_cmpstr(event, ==, result);
        g_assert_cmpstr(event, ==, rows[i].cell);
        case_end(&c);
    }
}

static void test_bit_year(void)
{
    static const struct {
        unsigned bits;
        const char *event, *result, *expected;
    } bits[] = {
        {1, "01", "0101", "0100000000000000"},
        {5, "15", "0115", "1500000000000000"},
        {9, "0102", "020102", "0201000000000000"},
        {64, "ffffffffffffff7f", "08ffffffffffffff7f", "7fffffffffffffff"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
        Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_BIT,
                                          .type_text = "bit",
                                          .precision = bits[i].bits,
                                          .wire_type = WIRE_BIT,
                                          .wire_meta = (uint16_t)((bits[i].bits + 7) / 8 << 8 | bits[i].bits)});
        check_hex(&c, bits[i].event, bits[i].result, bits[i].expected);
        case_end(&c);
    }
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_YEAR, .type_text = "year(4)", .wire_type = WIRE_YEAR});
    check_hex(&c, "00", "0000", "0000");
    check_hex(&c, "01", "6d07", "6d07");
    check_hex(&c, "ff", "6b08", "6b08");
    case_end(&c);
}

static void check_decimal(unsigned precision, unsigned scale, const char *event, const char *text, const char *expected)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_DECIMAL,
                                      .type_text = "decimal",
                                      .precision = precision,
                                      .scale = scale,
                                      .wire_type = WIRE_NEWDECIMAL,
                                      .wire_meta = (uint16_t)(precision << 8 | scale)});
    put_hex(c.event, event);
    put_string(c.result, text, strlen(text), 0);
    case_check(&c, expected);
    case_end(&c);
}

static void test_decimal(void)
{
    check_decimal(10, 2, "8000000c22", "12.34", "d204000000000000");
    check_decimal(10, 2, "8000000c22", "00000012.34", "d204000000000000"); /* zerofill */
    check_decimal(10, 2, "7ffffff3dd", "-12.34", "2efbffffffffffff");
    check_decimal(5, 5, "7fcfc6", "-0.12345", "c7cfffff");
    check_decimal(9, 0, "bb9ac9ff", "999999999", "ffc99a3b");
    check_decimal(4, 2, "8000", "0.00", "00000000");
    check_decimal(38, 0, "e33b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff", "99999999999999999999999999999999999999", NULL);
    check_decimal(65, 30, "85f5e0ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff03e7",
                  "99999999999999999999999999999999999.999999999999999999999999999999", NULL);
    check_decimal(65, 30, "7a0a1f00c4653600c4653600c4653600c4653600c4653600c4653600fc18",
                  "-99999999999999999999999999999999999.999999999999999999999999999999", NULL);
}

static void check_text(FixtureColumn column, unsigned prefix, const char *source, size_t len, const char *utf8)
{
    Case c = case_new(column);
    put_string(c.event, source, len, prefix);
    put_string(c.result, source, len, 0);
    if (utf8) {
        g_autoptr(GByteArray) cell = g_byte_array_new();
        uint8_t size[10];
        g_byte_array_append(cell, size, (guint)varuint_write(size, strlen(utf8)));
        g_byte_array_append(cell, (const uint8_t *)utf8, (guint)strlen(utf8));
        g_autofree char *expected = bytes_hex(cell->data, cell->len);
        case_check(&c, expected);
    } else {
        case_check(&c, NULL);
    }
    case_end(&c);
}

static void test_text(void)
{
    FixtureColumn utf8 = {.type = SOURCE_TYPE_VARCHAR,
                          .type_text = "varchar(60)",
                          .precision = 60,
                          .charset = "utf8mb4",
                          .wire_type = WIRE_VARCHAR,
                          .wire_meta = 240};
    FixtureColumn wide = {.type = SOURCE_TYPE_VARCHAR,
                          .type_text = "varchar(300)",
                          .precision = 300,
                          .charset = "utf8mb4",
                          .wire_type = WIRE_VARCHAR,
                          .wire_meta = 1200};
    FixtureColumn latin1 = {.type = SOURCE_TYPE_VARCHAR,
                            .type_text = "varchar(200)",
                            .precision = 200,
                            .charset = "latin1",
                            .wire_type = WIRE_VARCHAR,
                            .wire_meta = 200};
    FixtureColumn fixed = {.type = SOURCE_TYPE_CHAR,
                           .type_text = "char(120)",
                           .precision = 120,
                           .charset = "utf8mb4",
                           .wire_type = WIRE_STRING,
                           .wire_meta = 480};
    FixtureColumn sizes[] = {
        {.type = SOURCE_TYPE_TEXT,
         .type_text = "tinytext",
         .charset = "utf8mb4",
         .wire_type = WIRE_BLOB,
         .wire_meta = 1},
        {.type = SOURCE_TYPE_TEXT, .type_text = "text", .charset = "utf8mb4", .wire_type = WIRE_BLOB, .wire_meta = 2},
        {.type = SOURCE_TYPE_TEXT,
         .type_text = "mediumtext",
         .charset = "latin1",
         .wire_type = WIRE_BLOB,
         .wire_meta = 3},
        {.type = SOURCE_TYPE_TEXT,
         .type_text = "longtext",
         .charset = "utf8mb4",
         .wire_type = WIRE_BLOB,
         .wire_meta = 4},
    };
    check_text(utf8, 1, "", 0, "");
    check_text(utf8, 1, "na\xc3\xafve \xf0\x9f\x9a\xb0", 11, "na\xc3\xafve \xf0\x9f\x9a\xb0");
    check_text(wide, 2, "two bytes", 9, "two bytes");
    check_text(fixed, 2, "char", 4, "char");
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        check_text(sizes[i], (unsigned)i + 1, "a\nb\n\n", 5, "a\nb\n\n");
    check_text(latin1, 1, "caf\xe9", 4, "caf\xc3\xa9");
    check_text(latin1, 1, "\x80", 1, "\xe2\x82\xac"); /* cp1252 */
    /* The length before the text takes one byte, two, and two where one was enough for the source. */
    for (unsigned n = 40; n <= 200; n += 4) {
        char source[201], text[401];
        for (unsigned i = 0; i < n; i++) {
            source[i] = (char)(i % 2 ? 0xe9 : 'x');
        }
        size_t len = 0;
        for (unsigned i = 0; i < n; i++)
            len += (size_t)g_snprintf(text + len, 3, "%s", i % 2 ? "\xc3\xa9" : "x");
        check_text(latin1, 1, source, n, text);
    }
    g_autofree char *big = g_strnfill(70000, 'z');
    check_text(sizes[3], 4, big, 70000, big);
}

static void test_bytes(void)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_BINARY,
                                      .type_text = "binary(4)",
                                      .precision = 4,
                                      .wire_type = WIRE_STRING,
                                      .wire_meta = 4});
    check_hex(&c, "020102", "0401020000", "0401020000");
    check_hex(&c, "00", "0400000000", "0400000000");
    check_hex(&c, "0400000001", "0400000001", "0400000001");
    case_end(&c);
    c = case_new((FixtureColumn){.type = SOURCE_TYPE_VARBINARY,
                                 .type_text = "varbinary(300)",
                                 .precision = 300,
                                 .wire_type = WIRE_VARCHAR,
                                 .wire_meta = 300});
    check_hex(&c, "030000ff00", "0300ff00", "0300ff00");
    case_end(&c);
    c = case_new((FixtureColumn){
        .type = SOURCE_TYPE_BLOB, .type_text = "blob", .precision = 65535, .wire_type = WIRE_BLOB, .wire_meta = 2});
    check_hex(&c, "020000ff", "0200ff", "0200ff");
    case_end(&c);
}

static char *int64_hex(int64_t value)
{
    return bytes_hex(&value, sizeof value);
}

static void check_date(SourceTime t, int32_t days)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_DATE, .type_text = "date", .wire_type = WIRE_DATE});
    put_date(c.event, &t);
    put_result_datetime(c.result, &t, false);
    g_autofree char *expected = bytes_hex(&days, sizeof days);
    case_check(&c, expected);
    case_end(&c);
}

static void check_datetime(SourceTime t, unsigned digits, int64_t usec)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_DATETIME,
                                      .type_text = "datetime",
                                      .scale = digits,
                                      .wire_type = WIRE_DATETIME2,
                                      .wire_meta = (uint16_t)digits});
    put_datetime2(c.event, &t, digits);
    put_result_datetime(c.result, &t, true);
    g_autofree char *expected = int64_hex(usec);
    case_check(&c, expected);
    case_end(&c);
}

static void check_time(SourceTime t, unsigned digits, int64_t usec)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_TIME,
                                      .type_text = "time",
                                      .scale = digits,
                                      .wire_type = WIRE_TIME2,
                                      .wire_meta = (uint16_t)digits});
    put_time2(c.event, &t, digits);
    put_result_time(c.result, &t);
    g_autofree char *expected = int64_hex(usec);
    case_check(&c, expected);
    case_end(&c);
}

static void check_timestamp(SourceTime t, uint32_t seconds, unsigned digits)
{
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_TIMESTAMP,
                                      .type_text = "timestamp",
                                      .scale = digits,
                                      .wire_type = WIRE_TIMESTAMP2,
                                      .wire_meta = (uint16_t)digits});
    put_timestamp2(c.event, seconds, t.usec, digits);
    put_result_datetime(c.result, &t, true);
    g_autofree char *expected = int64_hex(seconds * INT64_C(1000000) + t.usec);
    case_check(&c, expected);
    case_end(&c);
}

static void test_temporal(void)
{
    check_date((SourceTime){.year = 2024, .month = 2, .day = 29}, 19782);
    check_date((SourceTime){.year = 1900, .month = 1, .day = 1}, -25567);
    check_date((SourceTime){.year = 2299, .month = 12, .day = 31}, 120529);
    check_datetime((SourceTime){.year = 1970, .month = 1, .day = 1}, 0, 0);
    check_datetime(
        (SourceTime){.year = 1969, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59, .usec = 999999}, 6,
        -1);
    check_datetime(
        (SourceTime){.year = 2299, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59, .usec = 999999}, 6,
        INT64_C(10413791999999999));
    check_datetime((SourceTime){.year = 1900, .month = 1, .day = 1}, 3, INT64_C(-2208988800000000));
    check_datetime((SourceTime){.year = 2024, .month = 2, .day = 29, .hour = 1, .usec = 120000}, 2,
                   INT64_C(1709168400120000));
    check_timestamp((SourceTime){.year = 1970, .month = 1, .day = 1, .second = 1}, 1, 0);
    check_timestamp(
        (SourceTime){.year = 2106, .month = 2, .day = 7, .hour = 6, .minute = 28, .second = 15, .usec = 999900},
        UINT32_MAX, 4);
    check_time((SourceTime){0}, 0, 0);
    check_time((SourceTime){.hour = 12, .minute = 34, .second = 56}, 0, INT64_C(45296000000));
    check_time((SourceTime){.hour = 838, .minute = 59, .second = 59, .usec = 999999}, 6, INT64_C(3020399999999));
    check_time((SourceTime){.negative = true, .hour = 838, .minute = 59, .second = 59}, 0, INT64_C(-3020399000000));
    for (unsigned digits = 1; digits <= 6; digits++)
        check_time((SourceTime){.negative = true, .usec = 500000}, digits, -500000);
}

/* Tables made with mysql56_temporal_format=OFF, without a fraction. */
static void test_old_temporal(void)
{
    SourceTime t = {.year = 2024, .month = 2, .day = 29, .hour = 12, .minute = 34, .second = 56};
    SourceTime negative = {.negative = true, .hour = 12, .minute = 34, .second = 56};
    static const struct {
        SourceType type;
        uint8_t wire;
        uint64_t value;
        unsigned size;
    } rows[] = {
        {SOURCE_TYPE_DATETIME, WIRE_DATETIME, UINT64_C(20240229123456), 8},
        {SOURCE_TYPE_TIMESTAMP, WIRE_TIMESTAMP, 1709210096, 4},
        {SOURCE_TYPE_TIME, WIRE_TIME, (uint64_t)-INT64_C(123456), 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Case c = case_new((FixtureColumn){.type = rows[i].type, .type_text = "old", .wire_type = rows[i].wire});
        put_le(c.event, rows[i].value, rows[i].size);
        if (rows[i].type == SOURCE_TYPE_TIME)
            put_result_time(c.result, &negative);
        else
            put_result_datetime(c.result, &t, true);
        g_autofree char *expected =
            int64_hex(rows[i].type == SOURCE_TYPE_TIME ? INT64_C(-45296000000) : INT64_C(1709210096000000));
        case_check(&c, expected);
        case_end(&c);
    }
}

/* Values without a counterpart at the destination, under each policy. */
static void check_policies(FixtureColumn column, const SourceTime *t, bool zero, const char *first, const char *null)
{
    for (int nullable = 0; nullable < 2; nullable++) {
        for (int policy = 0; policy < 2; policy++) {
            Case c = case_new(column);
            c.column.nullable = nullable;
            c.settings.zero_date = policy ? ZERO_DATE_NULL : ZERO_DATE_EPOCH;
            c.settings.out_of_range = policy ? OUT_OF_RANGE_NULL : OUT_OF_RANGE_CLAMP;
            if (column.type == SOURCE_TYPE_DATE)
                put_date(c.event, t);
            else if (column.type == SOURCE_TYPE_DATETIME)
                put_datetime2(c.event, t, 0);
            else
                put_timestamp2(c.event, 0, 0, 0);
            put_result_datetime(c.result, t, column.type != SOURCE_TYPE_DATE);
            g_autofree char *event = event_cell(&c, false), *result = result_cell(&c, false);
            g_assert_cmpstr(event, ==, result);
            g_autofree char *value = g_strconcat(nullable ? "00:" : "", zero ? null : first, NULL);
            g_autofree char *nothing = g_strconcat("01:", null, NULL);
            g_assert_cmpstr(event, ==, nullable && policy ? nothing : value);
            case_end(&c);
        }
    }
}

static void test_policies(void)
{
    const FixtureColumn date = {.type = SOURCE_TYPE_DATE, .type_text = "date", .wire_type = WIRE_DATE};
    const FixtureColumn datetime = {.type = SOURCE_TYPE_DATETIME, .type_text = "datetime", .wire_type = WIRE_DATETIME2};
    const FixtureColumn timestamp = {
        .type = SOURCE_TYPE_TIMESTAMP, .type_text = "timestamp", .wire_type = WIRE_TIMESTAMP2};
    const char *zero4 = "00000000", *zero8 = "0000000000000000";
    const SourceTime none[] = {
        {0},
        {.year = 2024, .day = 15},
        {.year = 2024, .month = 5},
        {.year = 2023, .month = 2, .day = 29},
        {.year = 2024, .month = 4, .day = 31},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        check_policies(date, &none[i], true, NULL, zero4);
        check_policies(datetime, &none[i], true, NULL, zero8);
    }
    check_policies(timestamp, &none[0], true, NULL, zero8);
    SourceTime early = {.year = 0, .month = 1, .day = 1}, late = {.year = 9999, .month = 12, .day = 31};
    int32_t first_day = -25567, last_day = 120529;
    g_autofree char *first4 = bytes_hex(&first_day, 4), *last4 = bytes_hex(&last_day, 4);
    g_autofree char *first8 = int64_hex(INT64_C(-2208988800000000)), *last8 = int64_hex(INT64_C(10413791999999999));
    check_policies(date, &early, false, first4, zero4);
    check_policies(date, &late, false, last4, zero4);
    check_policies(datetime, &early, false, first8, zero8);
    check_policies(datetime, &late, false, last8, zero8);
}

static void test_members(void)
{
    static const char *const colours[] = {"red", "gr\xc3\xbcn", "", NULL};
    Case c = case_new((FixtureColumn){.type = SOURCE_TYPE_ENUM,
                                      .type_text = "enum('red','gr\xc3\xbcn','')",
                                      .labels = colours,
                                      .wire_type = WIRE_ENUM,
                                      .wire_meta = 1});
    check_hex(&c, "00", "0000000000000000", "00");
    check_hex(&c, "01", "0100000000000000", "03726564");
    check_hex(&c, "02", "0200000000000000", "056772c3bc6e");
    check_hex(&c, "03", "0300000000000000", "00");
    case_end(&c);

    g_auto(GStrv) many = g_new0(char *, 301);
    for (unsigned i = 0; i < 300; i++)
        many[i] = i ? g_strdup_printf("m%u", i + 1) : g_strnfill(200, 'q'); /* a length of two bytes */
    c = case_new((FixtureColumn){.type = SOURCE_TYPE_ENUM,
                                 .type_text = "enum",
                                 .labels = (const char *const *)many,
                                 .wire_type = WIRE_ENUM,
                                 .wire_meta = 2});
    check_hex(&c, "2c01", "2c01000000000000", "046d333030");
    put_hex(c.event, "0100");
    put_hex(c.result, "0100000000000000");
    g_autofree char *hex = bytes_hex(many[0], 200), *long_cell = g_strconcat("c801", hex, NULL);
    case_check(&c, long_cell);
    case_end(&c);

    c = case_new((FixtureColumn){.type = SOURCE_TYPE_SET,
                                 .type_text = "set('red','gr\xc3\xbcn','')",
                                 .labels = colours,
                                 .wire_type = WIRE_SET,
                                 .wire_meta = 1});
    check_hex(&c, "00", "0000000000000000", "00");
    check_hex(&c, "02", "0200000000000000", "056772c3bc6e");
    check_hex(&c, "03", "0300000000000000", "097265642c6772c3bc6e");
    check_hex(&c, "05", "0500000000000000", "047265642c");
    case_end(&c);

    g_auto(GStrv) sixty_four = g_new0(char *, 65);
    for (unsigned i = 0; i < 64; i++)
        sixty_four[i] = g_strdup_printf("%u", i);
    c = case_new((FixtureColumn){.type = SOURCE_TYPE_SET,
                                 .type_text = "set",
                                 .labels = (const char *const *)sixty_four,
                                 .wire_type = WIRE_SET,
                                 .wire_meta = 8});
    check_hex(&c, "0100000000000080", "0100000000000080", "04302c3633");
    check_hex(&c, "ffffffffffffffff", "ffffffffffffffff", NULL);
    case_end(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mapping/same_bytes/integers", test_integers);
    g_test_add_func("/mapping/same_bytes/bit_year", test_bit_year);
    g_test_add_func("/mapping/same-bytes/bool", test_bool);
    g_test_add_func("/mapping/same_bytes/decimal", test_decimal);
    g_test_add_func("/mapping/same_bytes/text", test_text);
    g_test_add_func("/mapping/same_bytes/bytes", test_bytes);
    g_test_add_func("/mapping/same_bytes/temporal", test_temporal);
    g_test_add_func("/mapping/same_bytes/old_temporal", test_old_temporal);
    g_test_add_func("/mapping/same_bytes/policies", test_policies);
    g_test_add_func("/mapping/same_bytes/members", test_members);
    return g_test_run();
}
