#include "mapping_world.h"

const FixtureColumn shop[SHOP] = {
    {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
    {.name = "name",
     .type = SOURCE_TYPE_VARCHAR,
     .type_text = "varchar(10)",
     .nullable = true,
     .precision = 10,
     .charset = "utf8mb4",
     .wire_type = WIRE_VARCHAR,
     .wire_meta = 40},
    {.name = "day", .type = SOURCE_TYPE_DATE, .type_text = "date", .nullable = true, .wire_type = WIRE_DATE},
    {.name = "n",
     .type = SOURCE_TYPE_INT,
     .type_text = "int(10) unsigned",
     .is_unsigned = true,
     .wire_type = WIRE_LONG},
};

void world_set_up(World *w, gconstpointer unused)
{
    (void)unused;
    w->settings = fixture_settings();
    w->mapping = fixture_mapping(shop, SHOP, 1, &w->settings);
    w->block = mapping_block_new(w->mapping, NULL);
    w->body = g_byte_array_new();
    put_hex(w->body, "00");
}

void world_become(World *w, SourceTable *table, const FixtureColumn *columns, unsigned n)
{
    GError *error = NULL;
    mapping_free(w->mapping);
    block_free(w->block);
    w->mapping = mapping_new(table, &w->settings, &error);
    g_assert_no_error(error);
    g_autoptr(TableMap) map = fixture_map(columns, n);
    mapping_bind(w->mapping, map, &error);
    g_assert_no_error(error);
    w->block = mapping_block_new(w->mapping, NULL);
}

void world_tear_down(World *w, gconstpointer unused)
{
    (void)unused;
    mapping_free(w->mapping);
    block_free(w->block);
    g_byte_array_unref(w->body);
}

void append_fails(World *w, const RowsEvent *rows, SluiceErrorCode code, const char *text)
{
    uint64_t n_rows = w->block->n_rows;
    g_autofree size_t *lens = g_new(size_t, 2 * w->block->n_columns);
    for (unsigned i = 0; i < w->block->n_columns; i++) {
        lens[2 * i] = w->block->columns[i].data.len;
        lens[2 * i + 1] = w->block->columns[i].nulls.len;
    }
    GError *error = NULL;
    RowCounts counts;
    g_assert_false(mapping_append_event(w->mapping, w->block, rows, 1000, 77, &counts, &error));
    g_assert_error(error, SLUICE_ERROR, (gint)code);
    if (!strstr(error->message, text))
        g_error("\"%s\" is not in: %s", text, error->message);
    g_test_message("%s", error->message);
    g_error_free(error);
    g_assert_cmpuint(w->block->n_rows, ==, n_rows);
    for (unsigned i = 0; i < w->block->n_columns; i++) {
        g_assert_cmpuint(w->block->columns[i].data.len, ==, lens[2 * i]);
        g_assert_cmpuint(w->block->columns[i].nulls.len, ==, lens[2 * i + 1]);
    }
}

void bind_fails(World *w, const TableMap *map, const char *text)
{
    GError *error = NULL;
    g_assert_false(mapping_bind(w->mapping, map, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE);
    if (!strstr(error->message, text))
        g_error("\"%s\" is not in: %s", text, error->message);
    g_test_message("%s", error->message);
    g_error_free(error);
}

void assert_column(const Block *block, const char *name, const char *nulls_hex, const char *data_hex)
{
    for (unsigned i = 0; i < block->n_columns; i++) {
        const BlockColumn *c = &block->columns[i];
        if (strcmp(c->name, name) != 0)
            continue;
        g_autofree char *nulls = bytes_hex(c->nulls.data, c->nulls.len);
        g_autofree char *data = bytes_hex(c->data.data, c->data.len);
        g_assert_cmpstr(nulls, ==, nulls_hex);
        g_assert_cmpstr(data, ==, data_hex);
        return;
    }
    g_error("no column %s", name);
}
