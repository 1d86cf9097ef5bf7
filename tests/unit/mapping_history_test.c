/* Rows of system-versioned tables: what is history and what is current (mysql/versioning.h). */
#include "mapping_world.h"

/* id INT key, v INT, and the columns of the period: hidden, or v's neighbours. */
static const FixtureColumn versioned[] = {
    {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
    {.name = "v", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
    {.name = "row_start",
     .type = SOURCE_TYPE_TIMESTAMP,
     .type_text = "timestamp(6)",
     .scale = 6,
     .wire_type = WIRE_TIMESTAMP2,
     .wire_meta = 6},
    {.name = "row_end",
     .type = SOURCE_TYPE_TIMESTAMP,
     .type_text = "timestamp(6)",
     .scale = 6,
     .wire_type = WIRE_TIMESTAMP2,
     .wire_meta = 6},
};
#define VERSIONED G_N_ELEMENTS(versioned)

static void versioned_set_up(World *w, gconstpointer hidden)
{
    unsigned n = hidden ? VERSIONED - 2 : VERSIONED;
    g_autoptr(SourceTable) table = fixture_table(versioned, n, 1);
    world_set_up(w, NULL);
    table->versioning = (Versioning){.on = true, .row_start = hidden ? -1 : 2, .row_end = hidden ? -1 : 3};
    world_become(w, table, versioned, VERSIONED);
}

#define NOW 1700000000u

static void put_versioned(World *w, unsigned id, unsigned v, uint32_t row_end, uint32_t usec)
{
    put_hex(w->body, "f0");
    put_le(w->body, id, 4);
    put_le(w->body, v, 4);
    put_timestamp2(w->body, NOW, 5, 6);
    put_timestamp2(w->body, row_end, usec, 6);
}

static RowCounts append_moments(World *w, RowsKind kind, uint32_t timestamp_max)
{
    RowsEvent rows = fixture_event(kind, VERSIONED, w->body);
    RowCounts counts;
    GError *error = NULL;
    rows.timestamp_max = timestamp_max;
    mapping_append_event(w->mapping, w->block, &rows, 1000, 77, &counts, &error);
    g_assert_no_error(error);
    return counts;
}

#define IMAGE_LEN 23 /* of put_versioned */

static void test_history_inserts(World *w, gconstpointer hidden)
{
    const uint32_t ends[] = {INT32_MAX, UINT32_MAX};
    (void)hidden;
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        block_clear(w->block);
        g_byte_array_set_size(w->body, 1);
        put_versioned(w, 1, 10, NOW, 999999);       /* history */
        put_versioned(w, 2, 20, ends[i], 999999);   /* current */
        put_versioned(w, 3, 30, ends[i], 999998);   /* almost */
        put_versioned(w, 4, 40, INT32_MAX, 999999); /* the end of time of an old server */
        RowCounts counts = append_moments(w, ROWS_INSERT, ends[i]);
        g_assert_cmpuint(counts.inserts, ==, i ? 1 : 2);
        assert_column(w->block, "id", "", i ? "02000000" : "0200000004000000");
        /* A version is where its row stands, whatever else is passed over. */
        uint64_t version;
        memcpy(&version, w->block->columns[w->block->n_columns - 1].data.data, sizeof version);
        g_assert_cmpuint(version, ==, 1000 + 1 + IMAGE_LEN);
    }
}

static void test_history_updates(World *w, gconstpointer hidden)
{
    (void)hidden;
    put_versioned(w, 1, 10, INT32_MAX, 999999); /* an update */
    put_versioned(w, 1, 11, INT32_MAX, 999999);
    put_versioned(w, 2, 20, INT32_MAX, 999999); /* a delete */
    put_versioned(w, 2, 20, NOW, 1);
    put_versioned(w, 3, 30, NOW, 1); /* of history */
    put_versioned(w, 3, 31, NOW, 2);
    put_versioned(w, 4, 40, INT32_MAX, 999999); /* another key */
    put_versioned(w, 5, 40, INT32_MAX, 999999);
    put_versioned(w, 6, 60, NOW, 1); /* nothing does so */
    put_versioned(w, 6, 60, INT32_MAX, 999999);
    RowCounts counts = append_moments(w, ROWS_UPDATE, INT32_MAX);
    g_assert_cmpuint(counts.updates, ==, 2);
    g_assert_cmpuint(counts.deletes, ==, 1);
    g_assert_cmpuint(counts.inserts, ==, 1);
    assert_column(w->block, "id", "", "0100000002000000040000000500000006000000");
    assert_column(w->block, "v", "", "0b0000000000000000000000280000003c000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "0001010000");
    const uint8_t *versions = w->block->columns[w->block->n_columns - 1].data.data;
    const unsigned images[] = {1, 2, 6, 7, 9};
    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++) {
        uint64_t version;
        memcpy(&version, versions + 8 * i, sizeof version);
        g_assert_cmpuint(version, ==, 1001 + IMAGE_LEN * images[i]);
    }
}

static void test_history_deletes(World *w, gconstpointer hidden)
{
    (void)hidden;
    put_versioned(w, 1, 10, NOW, 1); /* DELETE HISTORY */
    put_versioned(w, 2, 20, INT32_MAX, 999999);
    RowCounts counts = append_moments(w, ROWS_DELETE, INT32_MAX);
    g_assert_cmpuint(counts.deletes, ==, 1);
    assert_column(w->block, "id", "", "02000000");
    assert_column(w->block, "_peerdb_is_deleted", "", "01");
}

static void test_history_faults(World *w, gconstpointer hidden)
{
    put_versioned(w, 1, 10, INT32_MAX, 999999);
    put_versioned(w, 2, 20, UINT32_MAX, 999999);
    RowsEvent rows = fixture_event(ROWS_INSERT, VERSIONED, w->body);
    rows.timestamp_max = INT32_MAX;
    append_fails(w, &rows, SLUICE_ERROR_TABLE, "history cannot be told");
    for (const uint8_t *end = rows.rows + 1; end < rows.rows + IMAGE_LEN; end++) {
        rows.end = end;
        append_fails(w, &rows, SLUICE_ERROR_DECODE, "does not end where its event ends");
    }
    rows = fixture_event(ROWS_INSERT, VERSIONED, w->body);
    static const uint8_t without_row_end[] = {0x07};
    rows.full = false;
    rows.present = rows.present_after = without_row_end;
    append_fails(w, &rows, SLUICE_ERROR_TABLE, "binlog_row_image=FULL");
    g_autoptr(TableMap) map = fixture_map(versioned, VERSIONED);
    map->columns[3].type = WIRE_LONGLONG;
    bind_fails(w, map,
               hidden ? "it has history in the definition"
                      : "row_end is ROW END in the definition, but not TIMESTAMP(6)");
    map->columns[3].type = WIRE_TIMESTAMP2;
    if (!hidden)
        return;
    map->n_columns = 2;
    bind_fails(w, map, "it has history in the definition");
    map->n_columns = 4;
    map->names = g_new0(char *, VERSIONED + 1);
    for (unsigned i = 0; i < VERSIONED; i++)
        map->names[i] = g_strdup(i == 3 ? "other" : versioned[i].name);
    bind_fails(w, map, "it has history in the definition");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(World *w, gconstpointer hidden);
    } of_history[] = {{"inserts", test_history_inserts},
                      {"updates", test_history_updates},
                      {"deletes", test_history_deletes},
                      {"faults", test_history_faults}};
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(of_history); i++) {
        g_autofree char *name =
            g_strdup_printf("/mapping/history/%s_%s", of_history[i / 2].name, i % 2 ? "hidden" : "shown");
        g_test_add(name, World, GINT_TO_POINTER(i % 2), versioned_set_up, of_history[i / 2].run, world_tear_down);
    }
    return g_test_run();
}
