/* Types that one of the servers alone has. The bytes of events are from MariaDB 10.11 and 11.8 and MySQL 9.7. */
#include "mapping_case.h"

static void check_address(SourceType type, const char *type_text, uint16_t size, const char *event, const char *text,
                          const char *expected)
{
    Case c =
        case_new((FixtureColumn){.type = type, .type_text = type_text, .wire_type = WIRE_STRING, .wire_meta = size});
    put_hex(c.event, event);
    put_string(c.result, text, strlen(text), 0);
    case_check(&c, expected);
    case_end(&c);
}

static void check_uuid(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_UUID, "uuid", 16, event, text, expected);
}

static void check_inet6(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_INET6, "inet6", 16, event, text, expected);
}

static void check_inet4(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_INET4, "inet4", 4, event, text, expected);
}

static void test_addresses(void)
{
    check_uuid("100188a1b2c3d47e5f8091a2b3c4d5e6f7", "0188a1b2-c3d4-7e5f-8091-a2b3c4d5e6f7",
               "5f7ed4c3b2a18801f7e6d5c4b3a29180");
    check_uuid("00", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000");
    check_uuid("0fffffffffffffffffffffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffff00",
               "ffffffffffffffff00ffffffffffffff");
    check_inet6("1020010db8000000000000ff0000428329", "2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329");
    check_inet6("1000000000000000000000ffff01020304", "::ffff:1.2.3.4", "00000000000000000000ffff01020304");
    check_inet6("00", "::", "00000000000000000000000000000000");
    check_inet4("04c0a801c8", "192.168.1.200", "c801a8c0");
    check_inet4("010a", "10.0.0.0", "0000000a");
    check_inet4("00", "0.0.0.0", "00000000");
}

static char *result_error(FixtureColumn column, const char *text)
{
    MappingSettings settings = fixture_settings();
    column.name = "v";
    g_autoptr(TableMapping) mapping = fixture_mapping(&column, 1, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    put_hex(packet, "0000");
    put_string(packet, text, strlen(text), 0);
    g_assert_false(mapping_append_result(mapping, block, packet->data, packet->len, 1, 1, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    g_assert_cmpuint(block->n_rows, ==, 0);
    return g_strdup(error->message);
}

/* They are keys, too, and what is no such text is refused. */
static void test_address_faults(void)
{
    static const struct {
        FixtureColumn column;
        const char *text;
    } cases[] = {
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16}, "0188a1b2"},
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16},
         "0188a1b2-c3d4-7e5f-8091+a2b3c4d5e6f7"},
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16},
         "0188a1b2-c3d4-7e5f-8091-a2b3c4d5e6fg"},
        {{.type = SOURCE_TYPE_INET4, .type_text = "inet4", .wire_type = WIRE_STRING, .wire_meta = 4}, "1.2.3"},
        {{.type = SOURCE_TYPE_INET6, .type_text = "inet6", .wire_type = WIRE_STRING, .wire_meta = 16}, "1.2.3.4"},
        {{.type = SOURCE_TYPE_INET6, .type_text = "inet6", .wire_type = WIRE_STRING, .wire_meta = 16},
         "00000000000000000000000000000000000000000000000000000000000000"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = result_error(cases[i].column, cases[i].text);
        g_assert_nonnull(strstr(message, "column v"));
        g_assert_nonnull(strstr(message, "is not a value of"));
    }
}

static void check_compressed(FixtureColumn column, const char *event, const char *plain, size_t times)
{
    column.compressed = true;
    Case c = case_new(column);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, plain);
    put_hex(c.event, event);
    put_string(c.result, text->str, text->len, 0);
    case_check(&c, NULL);
    case_end(&c);
}

static void test_compressed(void)
{
    FixtureColumn varchar = {.type = SOURCE_TYPE_VARCHAR,
                             .type_text = "varchar(100) /*M!100301 COMPRESSED*/",
                             .precision = 100,
                             .charset = "utf8mb4",
                             .wire_type = WIRE_VARCHAR_COMPRESSED,
                             .wire_meta = 401};
    FixtureColumn text = {.type = SOURCE_TYPE_TEXT,
                          .type_text = "text /*M!100301 COMPRESSED*/",
                          .charset = "utf8mb4",
                          .wire_type = WIRE_BLOB_COMPRESSED,
                          .wire_meta = 2};
    FixtureColumn latin1 = {.type = SOURCE_TYPE_VARCHAR,
                            .type_text = "varchar(300) /*M!100301 COMPRESSED*/",
                            .precision = 300,
                            .charset = "latin1",
                            .wire_type = WIRE_VARCHAR_COMPRESSED,
                            .wire_meta = 301};
    FixtureColumn blob = {.type = SOURCE_TYPE_BLOB,
                          .type_text = "longblob /*M!100301 COMPRESSED*/",
                          .wire_type = WIRE_BLOB_COMPRESSED,
                          .wire_meta = 4};
    check_compressed(varchar, "0000", "", 1);
    check_compressed(varchar, "040000616263", "abc", 1);
    check_compressed(varchar, "080089644b4ca43d0000", "a", 100);
    check_compressed(text, "06000068656c6c6f", "hello", 1);
    check_compressed(text, "16008a05dccb48cdc9c9cf18254689516294182586130100", "hello", 300);
    check_compressed(latin1, "050000636166e9", "caf\xe9", 1);
    check_compressed(latin1, "0d008a01184b4e4c7b993c8a313000", "caf\xe9", 70);
    check_compressed(blob, "00000000", "", 1);
    check_compressed(blob, "0400000000616263", "abc", 1);
    check_compressed(blob, "0c0000008a012c4b4c4a4e1c45c42100", "abc", 100);
}

/* Cut short, with another method, with false lengths: never read by guess, and no memory taken for a false claim. */
static void test_compressed_faults(void)
{
    static const char *const bad[] = {"0189",
                                      "0190",
                                      "0489644b4c",
                                      "0789644b4ca43d00",
                                      "0889654b4ca43d0000",
                                      "0889634b4ca43d0000",
                                      "088cffffffff4b4ca4",
                                      "0288ff",
                                      "0981644b4ca43d000000",
                                      "098964644b4ca43d0000"};
    const FixtureColumn column = {.name = "v",
                                  .type = SOURCE_TYPE_VARCHAR,
                                  .type_text = "varchar(100)",
                                  .precision = 100,
                                  .charset = "latin1",
                                  .wire_type = WIRE_VARCHAR_COMPRESSED,
                                  .wire_meta = 101,
                                  .compressed = true};
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(&column, 1, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        RowCounts counts;
        put_hex(body, "0000");
        put_hex(body, bad[i]);
        RowsEvent rows = fixture_event(ROWS_INSERT, 1, body);
        g_assert_false(mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE);
        g_assert_cmpuint(block_bytes(block), ==, 0);
    }
}

/* ---- text of unknown length ---- */

static char *string_cell(const char *text)
{
    g_autoptr(GByteArray) cell = g_byte_array_new();
    uint8_t size[10];
    g_byte_array_append(cell, size, (guint)varuint_write(size, strlen(text)));
    g_byte_array_append(cell, (const uint8_t *)text, (guint)strlen(text));
    return bytes_hex(cell->data, cell->len);
}

static const FixtureColumn json_column = {
    .type = SOURCE_TYPE_JSON, .type_text = "json", .wire_type = WIRE_JSON, .wire_meta = 4};

static void check_json(Case *c, const char *binary, const char *text)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree char *expected = string_cell(text);
    put_hex(bytes, binary);
    put_string(c->event, bytes->data, bytes->len, 4);
    put_string(c->result, text, strlen(text), 0);
    case_check(c, expected);
}

static void test_json(void)
{
    Case c = case_new(json_column);
    check_json(&c, "0400", "null");
    check_json(&c, "", "null");
    check_json(&c, "050000", "0");
    check_json(&c, "0b000000000000f03f", "1.0");
    check_json(&c, "0c00", "\"\"");
    check_json(&c, "0000000400", "{}");
    case_end(&c);
}

/* The text is made behind a length of as many bytes as the binary form's would need: it is moved when that was wrong.
 */
static void test_json_lengths(void)
{
    Case c = case_new(json_column);
    for (unsigned n = 0; n <= 300; n++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GString) text = g_string_new("[");
        put_le(bytes, 2, 1);
        put_le(bytes, n, 2);
        put_le(bytes, 4 + 3 * n, 2);
        for (unsigned i = 0; i < n; i++) {
            put_le(bytes, i % 3 ? 5 : 4, 1);
            put_le(bytes, i % 3 ? 7 : 2, 2);
            g_string_append_printf(text, "%s%s", i ? ", " : "", i % 3 ? "7" : "false");
        }
        g_string_append_c(text, ']');
        g_autofree char *hex = bytes_hex(bytes->data, bytes->len);
        check_json(&c, hex, text->str);
    }
    case_end(&c);
}

/* An update of one row as MySQL 9.7 logged it: JSON_REMOVE(j, '$.pad'); k is NULL. */
static void test_json_changes(void)
{
    static const FixtureColumn columns[] = {
        {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int", .wire_type = WIRE_LONG},
        {.name = "j",
         .type = SOURCE_TYPE_JSON,
         .type_text = "json",
         .nullable = true,
         .wire_type = WIRE_JSON,
         .wire_meta = 4},
        {.name = "n", .type = SOURCE_TYPE_INT, .type_text = "int", .nullable = true, .wire_type = WIRE_LONG},
        {.name = "k",
         .type = SOURCE_TYPE_JSON,
         .type_text = "json",
         .nullable = true,
         .wire_type = WIRE_JSON,
         .wire_meta = 4},
    };
    static const char before[] =
        "08020000004d0000000002004c0012000100130003000507000c1e0061706164076c6f6e676973682d787878787878787878"
        "78787878787878787878787878787878787878787878787878787878787878787878787803000000";
    static const char after[] = "01010802000000070000000205242e70616403000000";
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 4, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    RowCounts counts;
    put_hex(body, "00");
    put_hex(body, before);
    put_hex(body, after);
    put_hex(body, before);
    put_hex(body, "00 08 02000000 03000000 050900 03000000"); /* no changes but a new document */
    RowsEvent rows = fixture_event(ROWS_UPDATE, 4, body);
    rows.partial_json = true;
    mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(counts.updates, ==, 2);
    g_autofree char *cells = bytes_hex(block->columns[1].data.data, block->columns[1].data.len);
    g_assert_cmpstr(cells, ==, "087b2261223a20377d0139");
}

static void event_fails(TableMapping *mapping, Block *block, RowsEvent *rows, const char *text)
{
    g_autoptr(GError) error = NULL;
    RowCounts counts;
    uint64_t n_rows = block->n_rows;
    g_assert_false(mapping_append_event(mapping, block, rows, 1, 1, &counts, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE);
    if (!strstr(error->message, text))
        g_error("\"%s\" is not in: %s", text, error->message);
    g_assert_cmpuint(block->n_rows, ==, n_rows);
}

static void test_json_faults(void)
{
    FixtureColumn columns[] = {{.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int", .wire_type = WIRE_LONG},
                               json_column};
    columns[1].name = "j";
    MappingSettings settings = fixture_settings();
    settings.json_type = true;
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_assert_cmpstr(block->columns[1].type, ==, "JSON");
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_hex(body, "0000 01000000 05000000 0c ff ff ff ff"); /* a string without an end */
    RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
    event_fails(mapping, block, &rows, "column j: a JSON document is cut short");
    g_byte_array_set_size(body, 0);
    put_hex(body, "0000 01000000 03000000 05 07 00");
    rows = fixture_event(ROWS_INSERT, 2, body);
    event_fails(mapping, block, &rows, "the document 7 is not an object");
    g_assert_cmpuint(block_bytes(block), ==, 0);
}

static void check_geometry(const char *hex, const char *wkt)
{
    Case c = case_new((FixtureColumn){
        .type = SOURCE_TYPE_GEOMETRY, .type_text = "geometry", .wire_type = WIRE_GEOMETRY, .wire_meta = 4});
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree char *expected = string_cell(wkt);
    put_hex(bytes, hex);
    put_string(c.event, bytes->data, bytes->len, 4);
    put_string(c.result, bytes->data, bytes->len, 0);
    case_check(&c, expected);
    c.settings.geometry_wkb = true;
    put_string(c.event, bytes->data, bytes->len, 4);
    put_string(c.result, bytes->data, bytes->len, 0);
    g_autofree char *cell = event_cell(&c, false), *wkb = bytes_hex(bytes->data + 4, bytes->len - 4);
    g_assert_true(g_str_has_suffix(cell, wkb));
    case_check(&c, NULL);
    case_end(&c);
}

/* Values and texts of MySQL 9.7 (HEX(g), ST_AsText(g)); the one with an SRID in longitude-latitude order. */
static void test_geometry(void)
{
    check_geometry("000000000101000000000000000000F03F0000000000000040", "POINT(1 2)");
    check_geometry("0000000001020000000300000000000000000000000000000000000000000000000000F83F00000000000002C0"
                   "9C7500883CE4377E59F3F8C21F6EA501",
                   "LINESTRING(0 0,1.5 -2.25,1e300 1e-300)");
    check_geometry(
        "0000000001030000000200000004000000000000000000000000000000000000000000000000002440000000000000000000"
        "00000000002440000000000000244000000000000000000000000000000000"
        "04000000000000000000F03F000000000000F03F0000000000000040000000000000F03F0000000000000040000000000000"
        "0040000000000000F03F000000000000F03F",
        "POLYGON((0 0,10 0,10 10,0 0),(1 1,2 1,2 2,1 1))");
    check_geometry(
        "000000000104000000020000000101000000000000000000F03F000000000000F03F010100000000000000000000400000000000"
        "000040",
        "MULTIPOINT((1 1),(2 2))");
    check_geometry(
        "0000000001050000000200000001020000000200000000000000000000000000000000000000000000000000F03F000000000000"
        "F03F0102000000020000000000000000000040000000000000004000000000000008400000000000000840",
        "MULTILINESTRING((0 0,1 1),(2 2,3 3))");
    check_geometry(
        "000000000107000000020000000101000000000000000000F03F000000000000F03F010200000002000000000000000000000000"
        "00000000000000000000000000F03F000000000000F03F",
        "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))");
    check_geometry("00000000010700000000000000", "GEOMETRYCOLLECTION EMPTY");
    check_geometry(
        "000000000107000000020000000107000000010000000101000000000000000000F03F000000000000F03F010400000001000000"
        "010100000000000000000008400000000000001040",
        "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)),MULTIPOINT((3 4)))");
    check_geometry("E6100000010100000000000000008028409A9999999999B93F", "POINT(12.25 0.1)");
    check_geometry("00000000010100000000003426F56B0C430080E03779C34143", "POINT(1e15 1e16)");
    check_geometry("0000000001010000002D431CEBE2361A3F1656E79EAF03D23C", "POINT(0.0001 0.000000000000001)");
    check_geometry("0000000001010000000000000000000080C976BE9F0C24FE40", "POINT(-0 123456.789)");
    check_geometry("000000000101000000000000000000303D343333333333D3BF",
                   "POINT(5.684341886080802e-14 -0.30000000000000004)");
}

static void test_geometry_faults(void)
{
    static const char *const bad[] = {"",
                                      "000000",
                                      "00000000",
                                      "0000000001",
                                      "000000000201000000",
                                      "000000000001000000000000000000F03F0000000000000040",
                                      "000000000101000000000000000000F03F00000000000000",
                                      "000000000101000000000000000000F03F000000000000004000",
                                      "0000000001020000000000ff7f",
                                      "0000000001040000000100000001020000000000000000",
                                      "000000000108000000"};
    const FixtureColumn columns[] = {
        {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int", .wire_type = WIRE_LONG},
        {.name = "g",
         .type = SOURCE_TYPE_GEOMETRY,
         .type_text = "geometry",
         .wire_type = WIRE_GEOMETRY,
         .wire_meta = 4}};
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new(), value = g_byte_array_new();
        put_hex(value, bad[i]);
        put_hex(body, "000001000000");
        put_string(body, value->data, value->len, 4);
        RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
        event_fails(mapping, block, &rows, "column g: a geometry");
    }
    g_assert_cmpuint(block_bytes(block), ==, 0);
}

/* ---- arrays ---- */

static char *array_cells(const BlockColumn *column)
{
    g_autofree char *ends = bytes_hex(column->nulls.data, column->nulls.len);
    g_autofree char *data = bytes_hex(column->data.data, column->data.len);
    return g_strconcat(ends, ":", data, NULL);
}

/* The rows 1 with `event` (`result`) and 2 with NULL, both ways: the same array cells. */
static void check_array(FixtureColumn column, const MappingSettings *settings, const char *event, const char *result,
                        const char *type, const char *expected)
{
    column.name = "v";
    column.nullable = true;
    const FixtureColumn columns[] = {
        {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int", .wire_type = WIRE_LONG}, column};
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL), again = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new(), row = g_byte_array_new(), null_row = g_byte_array_new();
    GError *error = NULL;
    RowCounts counts;
    put_hex(body, "000001000000");
    put_hex(body, event);
    put_hex(body, "0202000000");
    RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
    mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error);
    g_assert_no_error(error);
    put_hex(row, "000001000000");
    put_hex(row, result);
    put_hex(null_row, "000802000000");
    mapping_append_result(mapping, again, row->data, row->len, 1, 1, &error);
    g_assert_no_error(error);
    mapping_append_result(mapping, again, null_row->data, null_row->len, 1, 1, &error);
    g_assert_no_error(error);
    g_autofree char *cells = array_cells(&block->columns[1]), *others = array_cells(&again->columns[1]);
    g_assert_cmpstr(cells, ==, expected);
    g_assert_cmpstr(others, ==, expected);
    g_assert_cmpstr(block->columns[1].type, ==, type);
    /* A row that fails takes nothing of it back but itself. */
    put_hex(body, "00030000");
    rows = fixture_event(ROWS_INSERT, 2, body);
    g_assert_false(mapping_append_event(mapping, block, &rows, 1, 1, &counts, NULL));
    g_autofree char *after = array_cells(&block->columns[1]);
    g_assert_cmpstr(after, ==, expected);
}

static void test_vector(void)
{
    MappingSettings settings = fixture_settings();
    FixtureColumn mysql = {
        .type = SOURCE_TYPE_VECTOR, .type_text = "vector(3)", .precision = 3, .wire_type = WIRE_VECTOR, .wire_meta = 4};
    FixtureColumn mariadb = mysql;
    mariadb.wire_type = WIRE_VARCHAR;
    mariadb.wire_meta = 12;
    check_array(mysql, &settings, "0c0000000000803f0000004000006040", "0c0000803f0000004000006040", "Array(Float32)",
                "03000000000000000300000000000000:0000803f0000004000006040");
    check_array(mariadb, &settings, "0c0000803f0000004000006040", "0c0000803f0000004000006040", "Array(Float32)",
                "03000000000000000300000000000000:0000803f0000004000006040");
}

static void test_set_array(void)
{
    static const char *const members[] = {"red", "", "blue", NULL};
    FixtureColumn column = {.type = SOURCE_TYPE_SET,
                            .type_text = "set('red','','blue')",
                            .labels = members,
                            .wire_type = WIRE_SET,
                            .wire_meta = 1};
    MappingSettings settings = fixture_settings();
    settings.set_array = true;
    check_array(column, &settings, "07", "0700000000000000", "Array(String)",
                "03000000000000000300000000000000:037265640004626c7565");
    check_array(column, &settings, "00", "0000000000000000", "Array(String)", "00000000000000000000000000000000:");
    check_array(column, &settings, "02", "0200000000000000", "Array(String)", "01000000000000000100000000000000:00");
}

/* ---- columns as the operator wants them ---- */

static const FixtureColumn wished[] = {
    {.name = "secret",
     .type = SOURCE_TYPE_JSON,
     .type_text = "json",
     .nullable = true,
     .wire_type = WIRE_JSON,
     .wire_meta = 4,
     .excluded = true},
    {.name = "day",
     .type = SOURCE_TYPE_DATE,
     .type_text = "date",
     .wire_type = WIRE_DATE,
     .as_name = "on",
     .as_type = "String"},
    {.name = "odd",
     .type = SOURCE_TYPE_UNKNOWN,
     .type_text = "thing",
     .wire_type = WIRE_VARCHAR,
     .wire_meta = 20,
     .excluded = true},
    {.name = "n",
     .type = SOURCE_TYPE_MEDIUMINT,
     .type_text = "mediumint",
     .nullable = true,
     .wire_type = WIRE_INT24,
     .as_type = "Int64"},
};

/* The key is the second column, whose zero dates and far years are as good as any as text. */
static TableMapping *wished_mapping(void)
{
    g_autoptr(SourceTable) table = fixture_table(wished, 4, 0);
    unsigned key[] = {1};
    MappingSettings settings = fixture_settings();
    GError *error = NULL;
    table->n_key = 1;
    table->key = g_memdup2(key, sizeof key);
    TableMapping *mapping = mapping_new(table, &settings, &error);
    g_assert_no_error(error);
    TableMap *map = fixture_map(wished, 4);
    mapping_bind(mapping, map, &error);
    g_assert_no_error(error);
    table_map_free(map);
    return mapping;
}

static char *column_hex(const Block *block, unsigned column)
{
    return bytes_hex(block->columns[column].data.data, block->columns[column].data.len);
}

static void test_wished(void)
{
    g_autoptr(TableMapping) mapping = wished_mapping();
    g_autoptr(Block) block = mapping_block_new(mapping, NULL), again = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new(), row = g_byte_array_new();
    GError *error = NULL;
    RowCounts counts;
    g_assert_cmpuint(block->n_columns, ==, 5);
    g_assert_cmpstr(block->columns[0].name, ==, "on");
    g_assert_cmpstr(block->columns[0].type, ==, "String");
    g_assert_cmpstr(block->columns[1].type, ==, "Nullable(Int64)");
    g_autoptr(DestTableSpec) spec = dest_table_spec_new("d", "t");
    mapping_fill_spec(mapping, spec);
    g_assert_cmpuint(spec->columns->len, ==, 5);
    g_assert_cmpstr(spec->order_by->pdata[0], ==, "on");
    put_hex(body, "00 00 03000000 050700 000000 0161 ffffff");
    put_hex(body, "01 210000 0161 000080");
    RowsEvent rows = fixture_event(ROWS_INSERT, 4, body);
    mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error);
    g_assert_no_error(error);
    rows.kind = ROWS_DELETE;
    mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error);
    g_assert_no_error(error);
    rows.kind = ROWS_UPDATE; /* the key changes: a delete and an insert */
    mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(block->n_rows, ==, 6);
    g_autofree char *days = column_hex(block, 0), *numbers = column_hex(block, 1);
    const char zero[] = "0a303030302d30302d3030", one[] = "0a303030302d30312d3031";
    g_autofree char *expected = g_strconcat(zero, one, zero, one, zero, one, NULL);
    g_assert_cmpstr(days, ==, expected);
    g_assert_cmpstr(numbers, ==,
                    "ffffffffffffffff000080ffffffffff00000000000000000000000000000000"
                    "0000000000000000000080ffffffffff");

    put_hex(row, "00 14 00 ffffffff"); /* NULL in place of the excluded ones */
    mapping_append_result(mapping, again, row->data, row->len, 1, 1, &error);
    g_assert_no_error(error);
    g_autofree char *result_days = column_hex(again, 0), *result_numbers = column_hex(again, 1);
    g_assert_cmpstr(result_days, ==, zero);
    g_assert_cmpstr(result_numbers, ==, "ffffffffffffffff");
    row->data[1] = 0x10;
    g_assert_false(mapping_append_result(mapping, again, row->data, row->len, 1, 1, NULL));
}

static void test_wished_temporal(void)
{
    FixtureColumn column = {.type = SOURCE_TYPE_DATETIME,
                            .type_text = "datetime(3)",
                            .scale = 3,
                            .wire_type = WIRE_DATETIME2,
                            .wire_meta = 3,
                            .as_type = "String"};
    SourceTime t = {.year = 1, .month = 2, .day = 3, .hour = 4, .minute = 5, .second = 6, .usec = 789000};
    Case c = case_new(column);
    put_datetime2(c.event, &t, 3);
    put_result_datetime(c.result, &t, true);
    g_autofree char *expected = string_cell("0001-02-03 04:05:06.789");
    case_check(&c, expected);
    case_end(&c);

    column.type = SOURCE_TYPE_TIMESTAMP;
    column.wire_type = WIRE_TIMESTAMP2;
    c = case_new(column);
    t = (SourceTime){.year = 2001, .month = 9, .day = 9, .hour = 1, .minute = 46, .second = 40, .usec = 120000};
    put_timestamp2(c.event, 1000000000, 120000, 3);
    put_result_datetime(c.result, &t, true);
    g_autofree char *stamp = string_cell("2001-09-09 01:46:40.120");
    case_check(&c, stamp);
    t = (SourceTime){0};
    put_timestamp2(c.event, 0, 0, 3);
    put_result_datetime(c.result, &t, true);
    g_autofree char *zero = string_cell("0000-00-00 00:00:00.000");
    case_check(&c, zero);
    case_end(&c);

    column.type = SOURCE_TYPE_TIME;
    column.wire_type = WIRE_TIME2;
    c = case_new(column);
    t = (SourceTime){.negative = true, .hour = 838, .minute = 59, .second = 58, .usec = 500000};
    put_time2(c.event, &t, 3);
    put_result_time(c.result, &t);
    g_autofree char *time = string_cell("-838:59:58.500");
    case_check(&c, time);
    case_end(&c);
}

static void check_type(FixtureColumn column, bool in_key, const char *wish, const char *expected)
{
    const char *why = NULL;
    MappingSettings settings = fixture_settings();
    column.name = "v";
    column.as_type = wish;
    g_autoptr(SourceTable) table = fixture_table(&column, 1, 1);
    g_autofree char *type = mapping_column_type(&table->columns[0], in_key, &settings, &why);
    g_assert_cmpstr(type, ==, expected);
    g_assert_true(expected || why);
}

static void test_wished_types(void)
{
    FixtureColumn integer = {.type = SOURCE_TYPE_INT, .type_text = "int", .nullable = true};
    FixtureColumn number = {.type = SOURCE_TYPE_SMALLINT, .type_text = "smallint unsigned", .is_unsigned = true};
    FixtureColumn text = {
        .type = SOURCE_TYPE_VARCHAR, .type_text = "varchar(9)", .nullable = true, .charset = "latin1"};
    FixtureColumn stamp = {.type = SOURCE_TYPE_TIMESTAMP, .type_text = "timestamp"};
    check_type(integer, false, "Int64", "Nullable(Int64)");
    check_type(integer, false, "Nullable(Int64)", "Nullable(Int64)");
    check_type(integer, true, "Int64", "Int64");
    check_type(integer, false, "Int16", NULL); /* would lose */
    check_type(integer, false, "UInt64", NULL);
    check_type(number, false, "Int16", NULL);
    check_type(number, false, "Int32", "Int32");
    check_type(number, false, "UInt32", "UInt32");
    check_type(number, false, "String", NULL);
    check_type(number, false, "LowCardinality(UInt16)", NULL);
    check_type(text, false, "LowCardinality(String)", "LowCardinality(Nullable(String))");
    check_type(text, true, "LowCardinality(String)", "LowCardinality(String)");
    check_type(text, false, "FixedString(9)", NULL);
    check_type(stamp, false, "DateTime64(6, 'Europe/Berlin')", "DateTime64(6, 'Europe/Berlin')");
    check_type(stamp, false, "DateTime64(3, 'UTC')", NULL);
    check_type(stamp, false, "DateTime64(6, 'x') TTL now()", NULL);
    check_type(stamp, false, "", NULL);
}

/* cp932 has two codes for the sign "not": as a key they would become one. Elsewhere they may. */
static void test_twin_key(void)
{
    FixtureColumn column = {.name = "v",
                            .type = SOURCE_TYPE_VARCHAR,
                            .type_text = "varchar(9)",
                            .precision = 9,
                            .charset = "cp932",
                            .wire_type = WIRE_VARCHAR,
                            .wire_meta = 18};
    const FixtureColumn columns[] = {
        column, {.name = "n", .type = SOURCE_TYPE_INT, .type_text = "int", .wire_type = WIRE_LONG}};
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_hex(body, "00 00 03 6181ca 01000000");
    RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
    event_fails(mapping, block, &rows, "that cp932 has two codes for, and the column is part of the key");
    body->data[4] = 0x82, body->data[5] = 0xa0;
    RowCounts counts;
    g_assert_true(mapping_append_event(mapping, block, &rows, 1, 1, &counts, NULL));

    Case c = case_new(column);
    g_autofree char *expected = string_cell("a\xef\xbf\xa2");
    check_hex(&c, "036181ca", "036181ca", expected);
    check_hex(&c, "0361eef9", "0361eef9", expected);
    case_end(&c);
}

static void check_binary(FixtureColumn column, BinaryForm form, const char *event, const char *result, const char *text)
{
    Case c = case_new(column);
    g_autofree char *expected = string_cell(text);
    c.settings.binary = form;
    check_hex(&c, event, result, expected);
    case_end(&c);
}

static void test_binary(void)
{
    FixtureColumn fixed = {
        .type = SOURCE_TYPE_BINARY, .type_text = "binary(5)", .precision = 5, .wire_type = WIRE_STRING, .wire_meta = 5};
    FixtureColumn blob = {.type = SOURCE_TYPE_BLOB, .type_text = "blob", .wire_type = WIRE_BLOB, .wire_meta = 2};
    FixtureColumn compressed = {.type = SOURCE_TYPE_BLOB,
                                .type_text = "longblob /*M!100301 COMPRESSED*/",
                                .wire_type = WIRE_BLOB_COMPRESSED,
                                .wire_meta = 4,
                                .compressed = true};
    check_binary(fixed, BINARY_HEX, "03626900", "056269000000", "6269000000");
    check_binary(fixed, BINARY_BASE64, "0262ff", "0562ff000000", "Yv8AAAA=");
    check_binary(blob, BINARY_HEX, "0300abcdef", "03abcdef", "ABCDEF");
    check_binary(blob, BINARY_HEX, "0000", "00", "");
    check_binary(blob, BINARY_BASE64, "0000", "00", "");
    check_binary(blob, BINARY_BASE64, "01004d", "014d", "TQ==");
    check_binary(compressed, BINARY_HEX, "0400000000616263", "03616263", "616263");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mapping/types/addresses", test_addresses);
    g_test_add_func("/mapping/types/address_faults", test_address_faults);
    g_test_add_func("/mapping/types/compressed", test_compressed);
    g_test_add_func("/mapping/types/compressed_faults", test_compressed_faults);
    g_test_add_func("/mapping/types/json", test_json);
    g_test_add_func("/mapping/types/json_lengths", test_json_lengths);
    g_test_add_func("/mapping/types/json_changes", test_json_changes);
    g_test_add_func("/mapping/types/json_faults", test_json_faults);
    g_test_add_func("/mapping/types/geometry", test_geometry);
    g_test_add_func("/mapping/types/geometry_faults", test_geometry_faults);
    g_test_add_func("/mapping/types/vector", test_vector);
    g_test_add_func("/mapping/types/set_array", test_set_array);
    g_test_add_func("/mapping/types/binary", test_binary);
    g_test_add_func("/mapping/types/twin_key", test_twin_key);
    g_test_add_func("/mapping/types/wished", test_wished);
    g_test_add_func("/mapping/types/wished_temporal", test_wished_temporal);
    g_test_add_func("/mapping/types/wished_types", test_wished_types);
    return g_test_run();
}
