/* Rows of events and results: which rows and versions come out, and what a fault leaves behind. */
#include "mapping_world.h"

/* Table shop.t goes into one table with others, told apart by column shard. */
static void shared_set_up(World *w, gconstpointer unused)
{
    g_autoptr(SourceTable) table = fixture_table(shop, SHOP, 1);
    world_set_up(w, unused);
    table->texts[TABLE_SOURCE_COLUMN] = g_strdup("shard");
    world_become(w, table, shop, SHOP);
}

static void put_row(World *w, int id, const char *name, const char *day_hex, unsigned n)
{
    put_le(w->body, 0xf0u | (name ? 0 : 2) | (day_hex ? 0 : 4), 1);
    put_le(w->body, (uint64_t)(int64_t)id, 4);
    if (name)
        put_string(w->body, name, strlen(name), 1);
    if (day_hex)
        put_hex(w->body, day_hex);
    put_le(w->body, n, 4);
}

static RowCounts append(World *w, RowsKind kind)
{
    RowsEvent rows = fixture_event(kind, SHOP, w->body);
    RowCounts counts;
    GError *error = NULL;
    mapping_append_event(w->mapping, w->block, &rows, 1000, 77, &counts, &error);
    g_assert_no_error(error);
    return counts;
}

static void test_insert(World *w, gconstpointer unused)
{
    (void)unused;
    put_row(w, 1, "ann", "5dd00f", 5);
    put_row(w, -2, NULL, NULL, 0xfffffffe);
    RowCounts counts = append(w, ROWS_INSERT);
    g_assert_cmpuint(counts.inserts, ==, 2);
    g_assert_cmpuint(w->block->n_rows, ==, 2);
    assert_column(w->block, "id", "", "01000000feffffff");
    assert_column(w->block, "name", "0001", "03616e6e00");
    assert_column(w->block, "day", "0001", "464d000000000000");
    assert_column(w->block, "n", "", "05000000feffffff");
    assert_column(w->block, "_peerdb_synced_at", "", "4d000000000000004d00000000000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "0000");
    /* The first row stands at byte 1 of the body, the second 1 + 4 + 4 + 3 + 4 bytes further: 1001 and 1017. */
    assert_column(w->block, "_peerdb_version", "", "e903000000000000f903000000000000");
}

static void test_delete(World *w, gconstpointer unused)
{
    (void)unused;
    put_row(w, 9, "bob", "0fd00f", 5); /* a zero day in a row that goes is nobody's trouble */
    RowCounts counts = append(w, ROWS_DELETE);
    g_assert_cmpuint(counts.deletes, ==, 1);
    assert_column(w->block, "id", "", "09000000");
    assert_column(w->block, "name", "01", "00");
    assert_column(w->block, "day", "01", "00000000");
    assert_column(w->block, "n", "", "00000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "01");
    assert_column(w->block, "_peerdb_version", "", "e903000000000000");
    g_assert_cmpuint(mapping_counters(w->mapping, 2)->converted_zero_dates, ==, 0);
}

static void test_update(World *w, gconstpointer unused)
{
    (void)unused;
    put_row(w, 1, "a", NULL, 5); /* 1..11 */
    put_row(w, 1, "b", NULL, 6); /* 12..22 */
    put_row(w, 2, "c", NULL, 7); /* 23: the key changes */
    put_row(w, 3, "c", NULL, 7); /* 34 */
    RowCounts counts = append(w, ROWS_UPDATE);
    g_assert_cmpuint(counts.updates, ==, 2);
    g_assert_cmpuint(counts.inserts + counts.deletes, ==, 0);
    g_assert_cmpuint(w->block->n_rows, ==, 3);
    assert_column(w->block, "id", "", "010000000200000003000000");
    assert_column(w->block, "name", "000100",
                  "01620001"
                  "63");
    assert_column(w->block, "n", "", "060000000000000007000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "000100");
    assert_column(w->block, "_peerdb_version", "", "f403000000000000ff030000000000000a04000000000000");
    assert_column(w->block, "_peerdb_synced_at", "", "4d000000000000004d000000000000004d00000000000000");
}

static void test_source_column(World *w, gconstpointer unused)
{
    (void)unused;
    GError *error = NULL;
    put_row(w, 1, "a", NULL, 5);
    put_row(w, 2, "b", NULL, 6); /* another key: a delete and an insert, which both tell the table */
    append(w, ROWS_UPDATE);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    put_hex(packet, "00 18 03000000 feffffff");
    g_assert_true(mapping_append_result(w->mapping, w->block, packet->data, packet->len, 42, 77, &error));
    g_assert_cmpstr(w->block->columns[SHOP].type, ==, "String");
    assert_column(w->block, "id", "", "010000000200000003000000");
    assert_column(w->block, "shard", "",
                  "0673686f702e74"
                  "0673686f702e74"
                  "0673686f702e74");
    assert_column(w->block, "_peerdb_is_deleted", "", "010000");
    g_autoptr(DestTableSpec) spec = dest_table_spec_new("d", "t");
    mapping_fill_spec(w->mapping, spec);
    const DestColumn *column = spec->columns->pdata[SHOP];
    g_assert_cmpstr(column->name, ==, "shard");
    g_assert_cmpstr(column->type, ==, "LowCardinality(String)");
    g_assert_cmpuint(spec->columns->len, ==, SHOP + 4);
    g_assert_cmpstr(spec->order_by->pdata[0], ==, "shard");
    g_assert_cmpstr(spec->order_by->pdata[1], ==, "id");
    g_assert_cmpuint(spec->order_by->len, ==, 2);
}

/* A column that comes later may not have its name, nor may it have that of an added one. */
static void test_source_column_refused(void)
{
    static const char *const cases[][2] = {{"name", "column name has the name of its source_column"},
                                           {"_peerdb_version", "set another column_prefix"}};
    MappingSettings settings = fixture_settings();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = fixture_table(shop, SHOP, 1);
        g_autoptr(GError) error = NULL;
        table->texts[TABLE_SOURCE_COLUMN] = g_strdup(cases[i][0]);
        g_assert_null(mapping_new(table, &settings, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE);
        if (!strstr(error->message, cases[i][1]))
            g_error("%s", error->message);
    }
}

/* `before` and `after` differ in the second key column only, whose bytes count, not its meaning to a collation. */
static void test_update_composite_key(void)
{
    static const FixtureColumn columns[] = {
        {.name = "a", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
        {.name = "b",
         .type = SOURCE_TYPE_VARCHAR,
         .type_text = "varchar(10)",
         .precision = 10,
         .charset = "utf8mb4",
         .wire_type = WIRE_VARCHAR,
         .wire_meta = 40},
        {.name = "c", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .nullable = true, .wire_type = WIRE_LONG},
    };
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 3, 2, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_hex(body, "00 f8 01000000 0161 01000000 f8 01000000 0141 01000000 f8 01000000 0161 01000000 fc 01000000 0161");
    RowsEvent rows = fixture_event(ROWS_UPDATE, 3, body);
    RowCounts counts;
    GError *error = NULL;
    mapping_append_event(mapping, block, &rows, 0, 0, &counts, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(counts.updates, ==, 2);
    assert_column(block, "a", "", "010000000100000001000000");
    assert_column(block, "b", "", "016101410161");
    assert_column(block, "c", "010001", "000000000100000000000000");
    assert_column(block, "_peerdb_is_deleted", "", "010000");
}

static void test_result(World *w, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GByteArray) packet = g_byte_array_new();
    GError *error = NULL;
    put_hex(packet, "00 00 01000000 03616e6e 04e807021d 05000000");
    g_assert_true(mapping_append_result(w->mapping, w->block, packet->data, packet->len, 42, 77, &error));
    g_byte_array_set_size(packet, 0);
    put_hex(packet, "00 18 feffffff feffffff");
    g_assert_true(mapping_append_result(w->mapping, w->block, packet->data, packet->len, 42, 77, &error));
    assert_column(w->block, "id", "", "01000000feffffff");
    assert_column(w->block, "name", "0001", "03616e6e00");
    assert_column(w->block, "day", "0001", "464d000000000000");
    assert_column(w->block, "n", "", "05000000feffffff");
    assert_column(w->block, "_peerdb_version", "", "2a000000000000002a00000000000000");
    /* Cut at any byte, or with one too many, it is refused and leaves nothing. */
    g_byte_array_set_size(packet, 0);
    put_hex(packet, "00 00 01000000 03616e6e 04e807021d 05000000 00");
    for (guint len = 0; len <= packet->len; len++) {
        if (len == packet->len - 1)
            continue;
        g_autofree uint8_t *copy = g_memdup2(packet->data, len);
        g_assert_false(mapping_append_result(w->mapping, w->block, copy, len, 42, 77, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_clear_error(&error);
        assert_column(w->block, "name", "0001", "03616e6e00");
        g_assert_cmpuint(w->block->n_rows, ==, 2);
    }
}

static void test_event_cut(World *w, gconstpointer kind)
{
    put_row(w, 1, "ann", "5dd00f", 5);
    append(w, ROWS_INSERT);
    put_row(w, 1, "bob", "5dd00f", 6);
    guint row = (w->body->len - 1) / 2;
    for (guint len = 2; len < w->body->len; len++) {
        if ((len - 1) % row == 0 && GPOINTER_TO_INT(kind) != ROWS_UPDATE)
            continue;
        g_autofree uint8_t *copy = g_memdup2(w->body->data, len);
        GByteArray part = {copy, len};
        RowsEvent rows = fixture_event((RowsKind)GPOINTER_TO_INT(kind), SHOP, &part);
        append_fails(w, &rows, SLUICE_ERROR_DECODE, "shop.t");
    }
}

static void test_rollback(World *w, gconstpointer unused)
{
    (void)unused;
    w->settings.zero_date = ZERO_DATE_FAIL;
    mapping_free(w->mapping);
    w->mapping = fixture_mapping(shop, SHOP, 1, &w->settings);
    put_row(w, 1, "ann", "5dd00f", 5);
    append(w, ROWS_INSERT);
    put_row(w, 2, "bob", "000000", 5);
    RowsEvent rows = fixture_event(ROWS_INSERT, SHOP, w->body);
    append_fails(w, &rows, SLUICE_ERROR_TABLE, "column day: the value 0000-00-00 is not a date; set zero_date");
    assert_column(w->block, "name", "00", "03616e6e");
}

static void test_images(World *w, gconstpointer unused)
{
    (void)unused;
    put_row(w, 1, "ann", "5dd00f", 5);
    RowsEvent rows = fixture_event(ROWS_INSERT, SHOP, w->body);
    static const uint8_t without_n[] = {0x07};
    rows.full = false;
    rows.present = rows.present_after = without_n;
    append_fails(w, &rows, SLUICE_ERROR_TABLE, "binlog_row_image=FULL");
    rows = fixture_event(ROWS_INSERT, SHOP + 1, w->body);
    append_fails(w, &rows, SLUICE_ERROR_DECODE, "5 columns");
    g_byte_array_set_size(w->body, 1); /* an event that only ends its statement */
    rows = fixture_event(ROWS_INSERT, 0, w->body);
    RowCounts counts;
    g_assert_true(mapping_append_event(w->mapping, w->block, &rows, 0, 0, &counts, NULL));
    g_assert_cmpuint(counts.inserts, ==, 0);
}

/* An event of columns id, twice (generated, perhaps excluded) and n, which lacks `twice`; its rows are `hex`. */
static void append_without_generated(World *w, bool excluded, RowsKind kind, const char *hex, const char *fails)
{
    static const uint8_t present[] = {0x05};
    FixtureColumn columns[] = {shop[0], shop[3], shop[3]};
    columns[1].name = "twice";
    columns[1].nullable = columns[1].generated = true;
    columns[1].excluded = excluded;
    world_tear_down(w, NULL);
    *w = (World){.settings = fixture_settings(), .body = g_byte_array_new()};
    w->mapping = fixture_mapping(columns, G_N_ELEMENTS(columns), 1, &w->settings);
    w->block = mapping_block_new(w->mapping, NULL);
    put_hex(w->body, "00");
    put_hex(w->body, hex);
    RowsEvent rows = fixture_event(kind, G_N_ELEMENTS(columns), w->body);
    rows.full = false;
    rows.present = rows.present_after = present;
    RowCounts counts;
    GError *error = NULL;
    if (fails) {
        append_fails(w, &rows, SLUICE_ERROR_TABLE, fails);
        return;
    }
    mapping_append_event(w->mapping, w->block, &rows, 1000, 77, &counts, &error);
    g_assert_no_error(error);
}

/* MariaDB 11.8 leaves generated columns out of updates and deletes: the other columns are read right all the same, and a
 * row whose generated column is wanted is not guessed. */
static void test_generated_left_out(World *w, gconstpointer unused)
{
    (void)unused;
    static const char update[] = "fc 01000000 05000000 fc 02000000 06000000";
    append_without_generated(w, true, ROWS_UPDATE, update, NULL);
    assert_column(w->block, "id", "", "0100000002000000");
    assert_column(w->block, "n", "", "0000000006000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "0100");
    for (int excluded = 0; excluded < 2; excluded++) {
        append_without_generated(w, excluded, ROWS_DELETE, "fc 01000000 05000000 fc 02000000 06000000", NULL);
        assert_column(w->block, "id", "", "0100000002000000");
        assert_column(w->block, "n", "", "0000000000000000");
    }
    assert_column(w->block, "_peerdb_is_deleted", "", "0101");
    append_without_generated(w, false, ROWS_UPDATE, update, "column twice: it is generated");
    append_without_generated(w, false, ROWS_INSERT, update, "exclude=COLUMN");
}

/* ---- keys ---- */

static void key_fails(FixtureColumn key, const char *event, const char *text)
{
    World w = {.settings = fixture_settings(), .body = g_byte_array_new()};
    key.name = "k";
    w.mapping = fixture_mapping(&key, 1, 1, &w.settings);
    w.block = mapping_block_new(w.mapping, NULL);
    put_hex(w.body, "00 fe");
    put_hex(w.body, event);
    RowsEvent rows = fixture_event(ROWS_INSERT, 1, w.body);
    append_fails(&w, &rows, SLUICE_ERROR_TABLE, text);
    rows.kind = ROWS_DELETE;
    append_fails(&w, &rows, SLUICE_ERROR_TABLE, text);
    world_tear_down(&w, NULL);
}

static void key_works(FixtureColumn key, const char *event, const char *data)
{
    World w = {.settings = fixture_settings(), .body = g_byte_array_new()};
    key.name = "k";
    w.mapping = fixture_mapping(&key, 1, 1, &w.settings);
    w.block = mapping_block_new(w.mapping, NULL);
    put_hex(w.body, "00 fe");
    put_hex(w.body, event);
    RowsEvent rows = fixture_event(ROWS_INSERT, 1, w.body);
    RowCounts counts;
    GError *error = NULL;
    mapping_append_event(w.mapping, w.block, &rows, 0, 0, &counts, &error);
    g_assert_no_error(error);
    assert_column(w.block, "k", "", data);
    world_tear_down(&w, NULL);
}

static void test_keys_one_to_one(void)
{
    static const char *const with_empty[] = {"a", "", NULL}, *const plain[] = {"a", "b", NULL},
                             *const twice[] = {"a", "a", "b", NULL};
    FixtureColumn date = {.type = SOURCE_TYPE_DATE, .type_text = "date", .wire_type = WIRE_DATE};
    FixtureColumn timestamp = {.type = SOURCE_TYPE_TIMESTAMP, .type_text = "timestamp", .wire_type = WIRE_TIMESTAMP2};
    FixtureColumn color = {.type = SOURCE_TYPE_ENUM,
                           .type_text = "enum('a','')",
                           .labels = with_empty,
                           .wire_type = WIRE_ENUM,
                           .wire_meta = 1};
    FixtureColumn set = {.type = SOURCE_TYPE_SET,
                         .type_text = "set('a','')",
                         .labels = with_empty,
                         .wire_type = WIRE_SET,
                         .wire_meta = 1};
    FixtureColumn ascii = {.type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG};
    key_fails(date, "000000", "column k: the value 0000-00-00 is not a date and the column is part of the key");
    key_fails(date, "0fd00f", "2024-00-15");
    key_fails(date, "9f1f4e", "9999-12-31 is outside");
    key_works(date, "5dd00f", "464d0000");
    key_fails(timestamp, "00000000", "0000-00-00 00:00:00");
    key_fails(color, "00", "member number 0 has the same text as another");
    key_fails(color, "02", "member number 2 has the same text as another");
    key_works(color, "01", "0161");
    key_fails(color, "03", "beyond the 2 members");
    key_fails(set, "00", "the set 0x0 has the same text");
    key_fails(set, "02", "the set 0x2 has the same text");
    key_works(set, "03", "02612c");
    color.labels = set.labels = plain;
    key_works(color, "00", "00"); /* '' is no member: it stands for one number only */
    key_works(set, "00", "00");
    color.labels = set.labels = twice;
    key_fails(color, "01", "member number 1");
    key_fails(set, "02", "the set 0x2");
    key_works(set, "04", "0162");

    World w = {.settings = fixture_settings(), .body = g_byte_array_new()};
    ascii.name = "k";
    w.mapping = fixture_mapping(&ascii, 1, 1, &w.settings);
    w.block = mapping_block_new(w.mapping, NULL);
    put_hex(w.body, "00 ff");
    RowsEvent rows = fixture_event(ROWS_INSERT, 1, w.body);
    append_fails(&w, &rows, SLUICE_ERROR_TABLE, "the value is NULL and the column is part of the key");
    world_tear_down(&w, NULL);
}

/* Bits have room for values that no server stores: they are not taken for others. */
static void test_no_values(void)
{
    FixtureColumn time = {.type = SOURCE_TYPE_TIME, .type_text = "time", .wire_type = WIRE_TIME2};
    FixtureColumn datetime = {.type = SOURCE_TYPE_DATETIME, .type_text = "datetime", .wire_type = WIRE_DATETIME2};
    FixtureColumn stamp = {.type = SOURCE_TYPE_TIMESTAMP, .type_text = "timestamp(2)", .scale = 2, .wire_type = WIRE_TIMESTAMP2, .wire_meta = 2};
    FixtureColumn decimal = {.type = SOURCE_TYPE_DECIMAL, .type_text = "decimal(1,0)", .precision = 1, .wire_type = WIRE_NEWDECIMAL, .wire_meta = 1 << 8};
    key_works(time, "b46efb", "c039cf3dbf020000"); /* 838:59:59 */
    key_fails(time, "b47000", "839:00:00.000000 does not exist");
    key_fails(time, "800f00", "00:60:00.000000 does not exist");
    key_fails(datetime, "99b24bf000", "31:00:00.000000 does not exist");
    key_fails(stamp, "6000000064", "1000000 does not exist");
    key_fails(decimal, "8a", "no decimal digits");
}

static void test_undecodable(void)
{
    /* greek has bytes without a character */
    FixtureColumn columns[] = {
        {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
        {.name = "v",
         .type = SOURCE_TYPE_VARCHAR,
         .type_text = "varchar(10)",
         .precision = 10,
         .charset = "greek",
         .wire_type = WIRE_VARCHAR,
         .wire_meta = 10},
    };
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_hex(body, "00 fc 01000000 0261d2");
    RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
    RowCounts counts;
    GError *error = NULL;
    mapping_append_event(mapping, block, &rows, 0, 0, &counts, &error);
    g_assert_no_error(error);
    assert_column(block, "v", "", "0261d2");
    g_assert_cmpuint(mapping_counters(mapping, 1)->undecodable, ==, 1);
    g_assert_cmpstr(mapping_counters(mapping, 1)->other, ==, "0x61D2");
    key_fails(columns[1], "0261d2", "the value 0x61D2 is not text in greek and the column is part of the key");
}

static void test_counters(World *w, gconstpointer unused)
{
    (void)unused;
    put_row(w, 1, "a", "000000", 1);
    put_row(w, 2, "a", "9f1f4e", 1);
    put_row(w, 3, "a", "5dd00f", 1);
    put_row(w, 4, "a", "0fd00f", 1);
    append(w, ROWS_INSERT);
    const MappingCounters *counters = mapping_counters(w->mapping, 2);
    g_assert_cmpuint(counters->converted_zero_dates, ==, 2);
    g_assert_cmpuint(counters->clamped, ==, 1);
    g_assert_cmpstr(counters->zero_date, ==, "0000-00-00");
    g_assert_cmpstr(counters->other, ==, "9999-12-31");
    assert_column(w->block, "day", "01000001", "00000000d1d60100464d000000000000");
}

#define WORLD(path, data, test) g_test_add("/mapping/rows/" path, World, data, world_set_up, test, world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    WORLD("insert", NULL, test_insert);
    WORLD("delete", NULL, test_delete);
    WORLD("update", NULL, test_update);
    WORLD("result", NULL, test_result);
    WORLD("insert_cut", GINT_TO_POINTER(ROWS_INSERT), test_event_cut);
    WORLD("update_cut", GINT_TO_POINTER(ROWS_UPDATE), test_event_cut);
    WORLD("delete_cut", GINT_TO_POINTER(ROWS_DELETE), test_event_cut);
    g_test_add("/mapping/rows/source_column", World, NULL, shared_set_up, test_source_column, world_tear_down);
    g_test_add("/mapping/rows/source_column_cut", World, GINT_TO_POINTER(ROWS_UPDATE), shared_set_up, test_event_cut,
               world_tear_down);
    g_test_add_func("/mapping/rows/source_column_refused", test_source_column_refused);
    WORLD("rollback", NULL, test_rollback);
    WORLD("images", NULL, test_images);
    WORLD("generated-left-out", NULL, test_generated_left_out);
    WORLD("counters", NULL, test_counters);
    g_test_add_func("/mapping/rows/update_composite_key", test_update_composite_key);
    g_test_add_func("/mapping/rows/keys_one_to_one", test_keys_one_to_one);
    g_test_add_func("/mapping/rows/no_values", test_no_values);
    g_test_add_func("/mapping/rows/undecodable", test_undecodable);
    return g_test_run();
}
