/* Definitions: which table maps of the log fit one, what a destination table is made with, and which are refused. */
#include "mapping_world.h"

/* ---- table maps ---- */

static void test_bind(World *w, gconstpointer unused)
{
    (void)unused;
    g_autoptr(TableMap) map = fixture_map(shop, SHOP);
    map->columns[3].is_unsigned = 0;
    bind_fails(w, map, "column n is int(10) unsigned in the definition, INT");
    map->columns[3].is_unsigned = -1; /* not told: the definition is believed */
    g_assert_true(mapping_bind(w->mapping, map, NULL));
    map->columns[3].type = WIRE_LONGLONG;
    bind_fails(w, map, "column n is int(10) unsigned in the definition, BIGINT");
    map->columns[3].type = WIRE_LONG;
    map->columns[1].meta = 44;
    bind_fails(w, map, "column name is varchar(10)");
    map->columns[1].meta = 40;
    map->columns[2].nullable = false;
    bind_fails(w, map, "column day is nullable in the definition, NOT NULL in the log");
    map->columns[2].nullable = true;
    map->charsets = g_new0(uint32_t, SHOP);
    map->charsets[1] = 63;
    bind_fails(w, map, "column name is utf8mb4 in the definition, binary in the log");
    map->charsets[1] = 8;
    bind_fails(w, map, "column name is utf8mb4 in the definition, latin1 in the log");
    static const uint32_t good[] = {0, 45, 46, 255, 1070, 2304, 60000}; /* not told; of utf8mb4; not known */
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        map->charsets[1] = good[i];
        g_assert_true(mapping_bind(w->mapping, map, NULL));
    }
    map->names = g_new0(char *, SHOP + 1);
    for (unsigned i = 0; i < SHOP; i++)
        map->names[i] = g_strdup(shop[i].name);
    g_assert_true(mapping_bind(w->mapping, map, NULL));
    g_free(map->names[2]);
    map->names[2] = g_strdup("tag");
    bind_fails(w, map, "column 3 is day in the definition, tag in the log");
    map->n_columns = 3;
    bind_fails(w, map, "4 columns in the definition, 3 in the log");
    map->n_columns = 4;
}

/* Every type refuses every other wire type. */
static void test_bind_other_types(void)
{
    static const struct {
        FixtureColumn column;
    } rows[] = {
        {{.type = SOURCE_TYPE_TINYINT, .wire_type = WIRE_TINY}},
        {{.type = SOURCE_TYPE_SMALLINT, .wire_type = WIRE_SHORT}},
        {{.type = SOURCE_TYPE_MEDIUMINT, .wire_type = WIRE_INT24}},
        {{.type = SOURCE_TYPE_INT, .wire_type = WIRE_LONG}},
        {{.type = SOURCE_TYPE_BIGINT, .wire_type = WIRE_LONGLONG}},
        {{.type = SOURCE_TYPE_DECIMAL, .precision = 10, .scale = 2, .wire_type = WIRE_NEWDECIMAL, .wire_meta = 0x0a02}},
        {{.type = SOURCE_TYPE_FLOAT, .wire_type = WIRE_FLOAT}},
        {{.type = SOURCE_TYPE_DOUBLE, .wire_type = WIRE_DOUBLE}},
        {{.type = SOURCE_TYPE_BIT, .precision = 3, .wire_type = WIRE_BIT, .wire_meta = 0x0103}},
        {{.type = SOURCE_TYPE_YEAR, .wire_type = WIRE_YEAR}},
        {{.type = SOURCE_TYPE_TIME, .scale = 3, .wire_type = WIRE_TIME2, .wire_meta = 3}},
        {{.type = SOURCE_TYPE_DATETIME, .scale = 3, .wire_type = WIRE_DATETIME2, .wire_meta = 3}},
        {{.type = SOURCE_TYPE_TIMESTAMP, .scale = 3, .wire_type = WIRE_TIMESTAMP2, .wire_meta = 3}},
        {{.type = SOURCE_TYPE_CHAR, .precision = 10, .charset = "latin1", .wire_type = WIRE_STRING, .wire_meta = 10}},
        {{.type = SOURCE_TYPE_VARCHAR,
          .precision = 10,
          .charset = "latin1",
          .wire_type = WIRE_VARCHAR,
          .wire_meta = 10}},
    };
    MappingSettings settings = fixture_settings();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FixtureColumn column = rows[i].column;
        column.name = "c";
        column.type_text = "a type";
        g_autoptr(TableMapping) mapping = fixture_mapping(&column, 1, 1, &settings);
        g_autoptr(TableMap) map = fixture_map(&column, 1);
        for (unsigned type = 0; type < 256; type++) {
            map->columns[0].type = (uint8_t)type;
            g_assert_cmpint(mapping_bind(mapping, map, NULL), ==, type == column.wire_type);
        }
        map->columns[0].type = column.wire_type;
        if (!column.wire_meta)
            continue;
        map->columns[0].meta = (uint16_t)(column.wire_meta == 10 ? 41 : column.wire_meta + 1);
        g_assert_false(mapping_bind(mapping, map, NULL));
    }
}

static void test_hidden_columns(World *w, gconstpointer unused)
{
    (void)unused;
    FixtureColumn columns[SHOP + 1];
    memcpy(columns, shop, sizeof shop);
    columns[SHOP] = (FixtureColumn){.name = "DB_ROW_HASH_1", .nullable = true, .wire_type = WIRE_LONGLONG};
    g_autoptr(TableMap) map = fixture_map(columns, SHOP + 1);
    bind_fails(w, map, "binlog_row_metadata=FULL");
    map->names = g_new0(char *, SHOP + 2);
    for (unsigned i = 0; i <= SHOP; i++)
        map->names[i] = g_strdup(columns[i].name);
    GError *error = NULL;
    mapping_bind(w->mapping, map, &error);
    g_assert_no_error(error);
    put_hex(w->body, "e6 01000000 05000000 1122334455667788 f6 02000000 06000000");
    for (int kind = ROWS_INSERT; kind <= ROWS_DELETE; kind++) {
        block_clear(w->block);
        RowsEvent rows = fixture_event((RowsKind)kind, SHOP + 1, w->body);
        RowCounts counts;
        mapping_append_event(w->mapping, w->block, &rows, 0, 0, &counts, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(counts.inserts + counts.deletes, ==, kind == ROWS_UPDATE ? 0 : 2);
        assert_column(w->block, "id", "", "0100000002000000"); /* an update of the key deletes the old one */
    }
    g_free(map->names[SHOP]);
    map->names[SHOP] = g_strdup("extra");
    bind_fails(w, map, "4 columns in the definition, 5 in the log");
}

/* ---- definitions ---- */

static void test_spec(void)
{
    static const char *const labels[] = {"x", NULL};
    static const FixtureColumn columns[] = {
        {.name = "b",
         .type = SOURCE_TYPE_ENUM,
         .type_text = "enum('x')",
         .labels = labels,
         .wire_type = WIRE_ENUM,
         .wire_meta = 1},
        {.name = "a", .type = SOURCE_TYPE_DATETIME, .type_text = "datetime", .wire_type = WIRE_DATETIME2},
        {.name = "e",
         .type = SOURCE_TYPE_ENUM,
         .type_text = "enum('x')",
         .nullable = true,
         .labels = labels,
         .wire_type = WIRE_ENUM,
         .wire_meta = 1},
        {.name = "d",
         .type = SOURCE_TYPE_DECIMAL,
         .type_text = "decimal(40,3)",
         .nullable = true,
         .precision = 40,
         .scale = 3,
         .wire_type = WIRE_NEWDECIMAL,
         .wire_meta = 40 << 8 | 3},
        {.name = "t", .type = SOURCE_TYPE_TIME, .type_text = "time", .wire_type = WIRE_TIME2},
        {.name = "u",
         .type = SOURCE_TYPE_BIGINT,
         .type_text = "bigint",
         .is_unsigned = true,
         .wire_type = WIRE_LONGLONG},
    };
    static const char *const expected[] = {"b",
                                           "LowCardinality(String)",
                                           "a",
                                           "DateTime64(6, 'UTC')",
                                           "e",
                                           "LowCardinality(Nullable(String))",
                                           "d",
                                           "Nullable(Decimal(40, 3))",
                                           "t",
                                           "Time64(6)",
                                           "u",
                                           "UInt64",
                                           "_peerdb_synced_at",
                                           "DateTime64(9)",
                                           "_peerdb_is_deleted",
                                           "UInt8",
                                           "_peerdb_version",
                                           "UInt64"};
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, G_N_ELEMENTS(columns), 2, &settings);
    DestTableSpec spec = {.columns = g_ptr_array_new(), .order_by = g_ptr_array_new_with_free_func(g_free)};
    mapping_fill_spec(mapping, &spec);
    g_assert_cmpuint(spec.columns->len * 2, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < spec.columns->len; i++) {
        DestColumn *column = g_ptr_array_index(spec.columns, i);
        g_assert_cmpstr(column->name, ==, expected[2 * i]);
        g_assert_cmpstr(column->type, ==, expected[2 * i + 1]);
        g_free(column->name);
        g_free(column->type);
        g_free(column);
    }
    g_assert_cmpuint(spec.order_by->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(spec.order_by, 1), ==, "a");
    g_assert_cmpstr(spec.version_column, ==, "_peerdb_version");
    g_assert_cmpstr(spec.deleted_column, ==, "_peerdb_is_deleted");
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_assert_cmpstr(block->columns[2].type, ==, "Nullable(String)");
    g_assert_cmpstr(block->columns[0].type, ==, "String");
    g_ptr_array_unref(spec.columns);
    g_ptr_array_unref(spec.order_by);
    g_free(spec.version_column);
    g_free(spec.deleted_column);
}

static void new_fails(const FixtureColumn *columns, unsigned n, unsigned n_key, const char *text)
{
    MappingSettings settings = fixture_settings();
    g_autoptr(SourceTable) table = fixture_table(columns, n, n_key);
    GError *error = NULL;
    g_assert_null(mapping_new(table, &settings, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE);
    if (!strstr(error->message, text))
        g_error("\"%s\" is not in: %s", text, error->message);
    g_error_free(error);
}

static void test_refused(void)
{
    FixtureColumn columns[] = {shop[0], {.name = "x", .type_text = "thing", .precision = 10}};
    columns[1].type = SOURCE_TYPE_UNKNOWN;
    new_fails(columns, 2, 1, "column x (thing) cannot be replicated: ");
    columns[1].type = SOURCE_TYPE_VARCHAR;
    columns[1].charset = "klingon";
    new_fails(columns, 2, 1, "character set is not known");
    columns[1] =
        (FixtureColumn){.name = "x", .type = SOURCE_TYPE_TIME, .type_text = "time(2) /* mariadb-5.3 */", .scale = 2};
    new_fails(columns, 2, 1, "ALTER TABLE ... FORCE");
    columns[1] = shop[3];
    columns[1].name = "_peerdb_version";
    new_fails(columns, 2, 1, "set another column_prefix");
    new_fails(shop, SHOP, 0, "no usable key");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/mapping/definitions/bind", World, NULL, world_set_up, test_bind, world_tear_down);
    g_test_add("/mapping/definitions/hidden_columns", World, NULL, world_set_up, test_hidden_columns, world_tear_down);
    g_test_add_func("/mapping/definitions/bind_other_types", test_bind_other_types);
    g_test_add_func("/mapping/definitions/spec", test_spec);
    g_test_add_func("/mapping/definitions/refused", test_refused);
    return g_test_run();
}
