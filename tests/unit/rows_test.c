/* Table maps and rows events, as a MariaDB 10.11 wrote them. */
#include "mysql/rows.h"

#include "mysql/inflate_private.h"
#include "wire_test.h"

/* w.t (id int unsigned primary key, s varchar(300) utf8mb4, c char(10) latin1, n decimal(20,5), g point, e
 * enum('a','b'), b bigint unsigned, tx text latin1) under binlog_row_metadata=FULL, and
 * (1,'x','y',-3.5,point(1,2),'b',2^64-1,'z') */
#define MAP_T                                                                                                          \
    "120000000000010001770001740008030ffef6fffe08fc0ab004fe0a140504f70102fe0101a003042d083f08070101041202696401730163" \
    "016e0167016501620274780a012d06050201610162080100"
#define WRITE_T                                                                                                        \
    "120000000000010008ff000100000001007801797ffffffffffffcff3caf190000000000000001010000000000000000"                 \
    "00f03f000000000000004002ffffffffffffffff01007a"

static void test_table_map(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL;
    BinlogEvent event = event_from_hex(BINLOG_TABLE_MAP, MAP_T, &body);
    g_autoptr(TableMap) map = table_map_parse(&event, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(map->table_id, ==, 0x12);
    g_assert_cmpstr(map->database, ==, "w");
    g_assert_cmpstr(map->table, ==, "t");
    static const struct {
        const char *name;
        WireColumn column;
        uint32_t charset;
    } expected[] = {
        {"id", {WIRE_LONG, 0, false, 1}, 0},     {"s", {WIRE_VARCHAR, 1200, true, -1}, 45},
        {"c", {WIRE_STRING, 10, true, -1}, 8},   {"n", {WIRE_NEWDECIMAL, 20 << 8 | 5, true, 0}, 0},
        {"g", {WIRE_GEOMETRY, 4, true, -1}, 63}, {"e", {WIRE_ENUM, 1, true, -1}, 45},
        {"b", {WIRE_LONGLONG, 0, true, 1}, 0},   {"tx", {WIRE_BLOB, 2, true, -1}, 8},
    };
    g_assert_cmpuint(map->n_columns, ==, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < map->n_columns; i++) {
        g_assert_cmpstr(map->names[i], ==, expected[i].name);
        g_assert_cmpuint(map->columns[i].type, ==, expected[i].column.type);
        g_assert_cmpuint(map->columns[i].meta, ==, expected[i].column.meta);
        g_assert_cmpint(map->columns[i].nullable, ==, expected[i].column.nullable);
        g_assert_cmpint(map->columns[i].is_unsigned, ==, expected[i].column.is_unsigned);
        g_assert_cmpuint(map->charsets[i], ==, expected[i].charset);
    }
}

/* Walks all images of an event; the number of them, or -1 when they do not fit. */
static int walk(const TableMap *map, const RowsEvent *rows)
{
    int images = 0;
    unsigned null_bytes = (rows->n_columns + 7) / 8;
    for (const uint8_t *p = rows->rows; p < rows->end; images++) {
        const uint8_t *nulls = p;
        if ((size_t)(rows->end - p) < null_bytes)
            return -1;
        p += null_bytes;
        for (unsigned i = 0; i < rows->n_columns; i++) {
            if (nulls[i / 8] >> (i % 8) & 1)
                continue;
            size_t size = wire_size_function(&map->columns[i])(p, rows->end, map->columns[i].meta);
            if (size == SIZE_MAX)
                return -1;
            p += size;
        }
    }
    return images;
}

static void test_rows(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *map_body = NULL, *body = NULL;
    BinlogEvent map_event = event_from_hex(BINLOG_TABLE_MAP, MAP_T, &map_body);
    g_autoptr(TableMap) map = table_map_parse(&map_event, &error);
    g_assert_no_error(error);
    BinlogEvent event = event_from_hex(BINLOG_WRITE_ROWS_V1, WRITE_T, &body);
    RowsEvent rows;
    g_assert_true(rows_event_is(event.type));
    g_assert_true(rows_event_parse(&event, &rows, &error));
    g_assert_cmpint(rows.kind, ==, ROWS_INSERT);
    g_assert_cmpuint(rows.table_id, ==, 0x12);
    g_assert_cmpuint(rows.n_columns, ==, 8);
    g_assert_true(rows.full);
    g_assert_cmpint(rows.rows - rows.body, ==, 10);
    g_assert_cmpint(walk(map, &rows), ==, 1);
    /* cut short anywhere inside its row: never read too far, never taken for whole */
    for (size_t n = 11; n < event.body_len; n++) {
        g_autofree uint8_t *cut = g_memdup2(body, n);
        BinlogEvent cut_event = event;
        cut_event.body = cut;
        cut_event.body_len = n;
        g_assert_true(rows_event_parse(&cut_event, &rows, &error));
        g_assert_cmpint(walk(map, &rows), ==, -1);
    }
}

/* a INT, b VARCHAR(2) NULL: two rows, of which the second changes b alone. */
static void test_update_keeps(void)
{
    static const unsigned a = 0, b = 1;
    WireColumn columns[] = {{.type = WIRE_LONG}, {.type = WIRE_VARCHAR, .meta = 2, .nullable = true}};
    TableMap map = {.n_columns = 2, .columns = columns};
    static const char rows_hex[] = "00010000000178" "00020000000178" "00030000000178" "0203000000";
    size_t len;
    g_autofree uint8_t *body = bytes_from_hex(rows_hex, &len);
    RowsEvent rows = {.kind = ROWS_UPDATE, .n_columns = 2, .full = true, .rows = body, .end = body + len};
    g_assert_false(rows_update_keeps(&map, &rows, &a, 1));
    g_assert_false(rows_update_keeps(&map, &rows, &b, 1));
    rows.end = body + 14; /* the first row alone */
    g_assert_false(rows_update_keeps(&map, &rows, &a, 1));
    g_assert_true(rows_update_keeps(&map, &rows, &b, 1));
    rows.rows = rows.end;
    rows.end = body + len;
    g_assert_true(rows_update_keeps(&map, &rows, &a, 1));
    g_assert_false(rows_update_keeps(&map, &rows, &b, 1)); /* it became NULL */
    for (const uint8_t *end = rows.rows + 1; end < body + len; end++) {
        rows.end = end;
        g_assert_false(rows_update_keeps(&map, &rows, &a, 1)); /* cut short */
    }
    rows.end = body + len;
    rows.full = false;
    g_assert_false(rows_update_keeps(&map, &rows, &a, 1));
}

/* MariaDB's log_bin_compress: an update of tx from 1000 x 'a' to 500 x 'b' among others. */
static void test_compressed(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *map_body = NULL, *body = NULL;
    BinlogEvent map_event = event_from_hex(BINLOG_TABLE_MAP, MAP_T, &map_body);
    g_autoptr(TableMap) map = table_map_parse(&map_event, &error);
    BinlogEvent event =
        event_from_hex(167,
                       "120000000000010008ffff820c57789c63606460606064a860acacff0f027ffedbac97648000464"
                       "60618f8600f653830fd870246862a06b2357f614c1a05230efc630226823a10311aff2311fc6306c5"
                       "3ff368fc8f5050c7028cfa17cc89a360148c82610fc0d97db4a41f8900008553a7b5",
                       &body);
    Scratch scratch = {0};
    RowsEvent rows;
    g_assert_true(binlog_type_is_compressed(event.type));
    BinlogEvent plain = event;
    g_assert_true(binlog_event_inflate(&plain, &scratch, &error));
    g_assert_cmpuint(plain.type, ==, BINLOG_UPDATE_ROWS_V1);
    g_assert_cmpuint(plain.body_len, ==, 11 + 0xc57);
    g_assert_true(rows_event_parse(&plain, &rows, &error));
    g_assert_cmpint(rows.kind, ==, ROWS_UPDATE);
    g_assert_true(rows.full);
    g_assert_cmpint(walk(map, &rows), ==, 8); /* four rows before and after */
    for (size_t n = 0; n < event.body_len; n++) {
        plain = event;
        plain.body_len = n;
        g_assert_false(binlog_event_inflate(&plain, &scratch, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_clear_error(&error);
    }
    /* a claim beyond what the bytes can hold takes no memory */
    memcpy(body + 11, "\x84\x3f\xff\xff\xff", 5);
    scratch_clear(&scratch);
    g_assert_false(binlog_event_inflate(&event, &scratch, &error));
    g_assert_cmpuint(scratch.room, ==, 0);
    scratch_clear(&scratch);
}

static void test_metadata(void)
{
    static const struct {
        uint8_t type, m0, m1;
        WireColumn expected;
    } cases[] = {
        {WIRE_STRING, 0xfe, 255, {WIRE_STRING, 255, false, -1}},
        {WIRE_STRING, 0xee, 0, {WIRE_STRING, 256, false, -1}},     /* CHAR(64) of utf8mb4 */
        {WIRE_STRING, 0xce, 0xfc, {WIRE_STRING, 1020, false, -1}}, /* CHAR(255) of utf8mb4 */
        {WIRE_STRING, 0xf7, 2, {WIRE_ENUM, 2, false, -1}},
        {WIRE_STRING, 0xf8, 8, {WIRE_SET, 8, false, -1}},
        {WIRE_BIT, 0, 8, {WIRE_BIT, 8 << 8 | 64, false, -1}},
        {WIRE_BIT, 3, 1, {WIRE_BIT, 2 << 8 | 11, false, -1}},
        {WIRE_NEWDECIMAL, 65, 30, {WIRE_NEWDECIMAL, 65 << 8 | 30, false, -1}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        uint8_t body[] = {1, 0,           0,           0, 0, 0, 1, 0, 1, 'd', 0, 1, 't', 0, 1, cases[i].type,
                          2, cases[i].m0, cases[i].m1, 0};
        BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = sizeof body};
        g_autoptr(TableMap) map = table_map_parse(&event, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(map->columns[0].type, ==, cases[i].expected.type);
        g_assert_cmpuint(map->columns[0].meta, ==, cases[i].expected.meta);
        g_assert_nonnull(wire_size_function(&map->columns[0]));
    }
}

/* Which columns MySQL 9.7 counts as having a charset: w.v2 (id int, s varchar(10), v vector(3), b blob) of a real one.
 */
static void test_vector_charset(void)
{
    g_autoptr(GError) error = NULL;
    uint8_t body[] = {1,  0, 0, 0, 0,  0, 1, 0, 1, 'w', 0,  2, 'v', '2', 0, 4,  3, 15, 242, 252, 4,
                      40, 0, 4, 2, 15, 1, 1, 0, 2, 5,   63, 0, 252, 255, 0, 13, 1, 3,  12,  1,   0xf0};
    BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = sizeof body, .flavour = SOURCE_MYSQL};
    g_autoptr(TableMap) map = table_map_parse(&event, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(map->charsets[1], ==, 255);
    g_assert_cmpuint(map->charsets[2], ==, 63);
    g_assert_cmpuint(map->charsets[3], ==, 63);
}

/* MySQL does not count geometry: (g geometry, b blob, s text latin1). */
static void test_told_twice(void)
{
    g_autoptr(GError) error = NULL;
    uint8_t body[] = {1, 0, 0, 0, 0, 0, 1, 0, 1, 'd', 0, 1, 't', 0, 1, 252, 1, 2, 0, 2, 1, 63, 2, 1, 8};
    BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = sizeof body, .flavour = SOURCE_MYSQL};
    g_assert_null(table_map_parse(&event, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    g_assert_nonnull(strstr(error->message, "type 2 twice"));
    event.body_len -= 3;
    g_autoptr(TableMap) map = table_map_parse(&event, NULL);
    g_assert_nonnull(map);
}

static void test_geometry_charset(void)
{
    g_autoptr(GError) error = NULL;
    uint8_t body[] = {1, 0, 0, 0, 0, 0, 1, 0, 1, 'd', 0, 1, 't', 0, 3, 255, 252, 252, 3, 4, 2, 2, 7, 2, 3, 8, 0, 63};
    BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = sizeof body, .flavour = SOURCE_MYSQL};
    g_autoptr(TableMap) map = table_map_parse(&event, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(map->charsets[0], ==, 0);
    g_assert_cmpuint(map->charsets[1], ==, 63);
    g_assert_cmpuint(map->charsets[2], ==, 8);
}

/* A type that is not known costs only who follows the table. */
static void test_unknown_type(void)
{
    g_autoptr(GError) error = NULL;
    uint8_t body[] = {1, 0, 0, 0, 0, 0, 1, 0, 1, 'd', 0, 1, 't', 0, 2, 244, 3, 1, 9, 0};
    BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = sizeof body};
    g_autoptr(TableMap) map = table_map_parse(&event, &error);
    g_assert_no_error(error);
    g_assert_null(wire_size_function(&map->columns[0]));
}

/* MySQL's V2 events: extra data, two bitmaps, columns left out. */
static void test_v2(void)
{
    g_autoptr(GError) error = NULL;
    RowsEvent rows;
    uint8_t body[] = {1, 0, 0, 0, 0, 0, 1, 0, 5, 0, 1, 7, 0, 2, 3, 1, 0, 4, 0, 0};
    BinlogEvent event = {.type = BINLOG_UPDATE_ROWS_V2, .body = body, .body_len = sizeof body};
    g_assert_true(rows_event_parse(&event, &rows, &error));
    g_assert_cmpint(rows.kind, ==, ROWS_UPDATE);
    g_assert_cmpuint(*rows.present, ==, 3);
    g_assert_cmpuint(*rows.present_after, ==, 1);
    g_assert_false(rows.full);
    g_assert_cmpint(rows.rows - body, ==, 16);
    event.type = BINLOG_PARTIAL_UPDATE_ROWS;
    g_assert_true(rows_event_parse(&event, &rows, &error));
    g_assert_true(rows.partial_json);
    for (size_t n = 0; n < 16; n++) {
        event.body_len = n;
        g_assert_false(rows_event_parse(&event, &rows, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_clear_error(&error);
    }
}

/* Bytes changed at random and cut anywhere: an error or a map, never a fault. */
static void test_damaged(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        g_autofree uint8_t *whole = NULL;
        BinlogEvent event = event_from_hex(BINLOG_TABLE_MAP, MAP_T, &whole);
        event.body_len = (size_t)g_test_rand_int_range(0, (gint32)event.body_len + 1);
        g_autofree uint8_t *body = g_memdup2(whole, event.body_len ? event.body_len : 1);
        event.body = body;
        for (int k = g_test_rand_int_range(0, 5); k && event.body_len; k--)
            body[g_test_rand_int_range(0, (gint32)event.body_len)] = (uint8_t)g_test_rand_int();
        table_map_free(table_map_parse(&event, NULL));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rows/table_map", test_table_map);
    g_test_add_func("/rows/rows", test_rows);
    g_test_add_func("/rows/compressed", test_compressed);
    g_test_add_func("/rows/update-keeps", test_update_keeps);
    g_test_add_func("/rows/metadata", test_metadata);
    g_test_add_func("/rows/vector_charset", test_vector_charset);
    g_test_add_func("/rows/geometry_charset", test_geometry_charset);
    g_test_add_func("/rows/told_twice", test_told_twice);
    g_test_add_func("/rows/unknown_type", test_unknown_type);
    g_test_add_func("/rows/v2", test_v2);
    g_test_add_func("/rows/damaged", test_damaged);
    return g_test_run();
}
