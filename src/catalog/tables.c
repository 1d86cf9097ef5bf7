#include "catalog/database.h"
#include "base/base.h"

void catalog_table_free(CatalogTable *table)
{
    if (table == NULL)
        return;
    g_free(table->database);
    g_free(table->name);
    g_free(table->target);
    g_free(table->state);
    g_free(table->definition);
    g_free(table->begin_file);
    g_free(table->begin_gtid);
    g_free(table->read_gtid);
    g_free(table->error);
    g_free(table->column_counts);
    g_free(table->exchange_uuid);
    g_free(table->leftover);
    g_free(table);
}

static void free_table(gpointer table)
{
    catalog_table_free(table);
}

/* All but id. In this order in every statement below. */
#define TABLE_VALUES(t)                                                                                                \
    (t)->pipe_id, (t)->database, (t)->name, (t)->target, (t)->state, (t)->generation, (t)->definition,                 \
        (t)->begin_file, (t)->begin_pos, (t)->snapshot_version, (t)->rows_estimate, (t)->rows_done, (t)->inserts,      \
        (t)->updates, (t)->deletes, (t)->last_change, (int)(t)->loaded, (int)(t)->resync_advised, (t)->error,          \
        (t)->column_counts, (t)->begin_gtid, (t)->twin_of, (t)->exchange_uuid, (t)->leftover, (int64_t)(t)->removing,  \
        (t)->read_gtid
#define TABLE_TYPES "issssissuuuuuuuibbsssissis"

bool table_insert(Catalog *catalog, CatalogTable *table, GError **error)
{
    if (!database_run(
            catalog, error,
            "INSERT INTO tables (pipe_id, database, name, target, state, generation, definition, begin_file,"
            " begin_pos, snapshot_version, rows_estimate, rows_done, inserts, updates, deletes, last_change,"
            " loaded, resync_advised, error, column_counts, begin_gtid, twin_of, exchange_uuid, leftover, removing,"
            " read_gtid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            TABLE_TYPES, TABLE_VALUES(table)))
        return false;
    table->id = sqlite3_last_insert_rowid(catalog->db);
    return true;
}

bool catalog_table_save(Catalog *catalog, const CatalogTable *table, GError **error)
{
    if (!database_run(
            catalog, error,
            "UPDATE tables SET pipe_id = ?, database = ?, name = ?, target = ?, state = ?, generation = ?,"
            " definition = ?, begin_file = ?, begin_pos = ?, snapshot_version = ?, rows_estimate = ?,"
            " rows_done = ?, inserts = ?, updates = ?, deletes = ?, last_change = ?, loaded = ?,"
            " resync_advised = ?, error = ?, column_counts = ?, begin_gtid = ?, twin_of = ?, exchange_uuid = ?,"
            " leftover = ?, removing = ?, read_gtid = ? WHERE id = ?",
            TABLE_TYPES "i", TABLE_VALUES(table), table->id))
        return false;
    if (sqlite3_changes(catalog->db) == 1)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND,
                "the catalog has no table %s.%s of this pipe: it was removed", table->database, table->name);
    return false;
}

bool catalog_table_remove(Catalog *catalog, int64_t table_id, GError **error)
{
    return database_run(catalog, error, "DELETE FROM tables WHERE id = ?", "i", table_id);
}

bool catalog_table_replace(Catalog *catalog, int64_t old_id, const CatalogTable *by, GError **error)
{
    bool ok = database_begin(catalog, error) && catalog_table_remove(catalog, old_id, error) && catalog_table_save(catalog, by, error);
    return database_end(catalog, ok, error);
}

static CatalogTable *read_table(sqlite3_stmt *row)
{
    CatalogTable *table = g_new0(CatalogTable, 1);
    table->id = sqlite3_column_int64(row, 0);
    table->pipe_id = sqlite3_column_int64(row, 1);
    table->database = database_text(row, 2);
    table->name = database_text(row, 3);
    table->target = database_text(row, 4);
    table->state = database_text(row, 5);
    table->generation = sqlite3_column_int64(row, 6);
    table->definition = database_text(row, 7);
    table->begin_file = database_text(row, 8);
    table->begin_pos = database_uint(row, 9);
    table->snapshot_version = database_uint(row, 10);
    table->rows_estimate = database_uint(row, 11);
    table->rows_done = database_uint(row, 12);
    table->inserts = database_uint(row, 13);
    table->updates = database_uint(row, 14);
    table->deletes = database_uint(row, 15);
    table->last_change = sqlite3_column_int64(row, 16);
    table->loaded = sqlite3_column_int(row, 17) != 0;
    table->resync_advised = sqlite3_column_int(row, 18) != 0;
    table->error = database_text(row, 19);
    table->column_counts = database_text(row, 20);
    table->begin_gtid = database_text(row, 21);
    table->twin_of = sqlite3_column_int64(row, 22);
    table->exchange_uuid = database_text(row, 23);
    table->leftover = database_text(row, 24);
    table->removing = sqlite3_column_int(row, 25);
    table->read_gtid = database_text(row, 26);
    return table;
}

GPtrArray *catalog_tables(Catalog *catalog, int64_t pipe_id, GError **error)
{
    sqlite3_stmt *statement = database_query(
        catalog, error,
        "SELECT id, pipe_id, database, name, target, state, generation, definition, begin_file, begin_pos,"
        " snapshot_version, rows_estimate, rows_done, inserts, updates, deletes, last_change, loaded, resync_advised,"
        " error, column_counts, begin_gtid, twin_of, exchange_uuid, leftover, removing, read_gtid FROM tables WHERE "
        "pipe_id = ? ORDER BY id",
        "i", pipe_id);
    if (statement == NULL)
        return NULL;
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);
    int step;
    while ((step = database_step(catalog, statement, error)) > 0)
        g_ptr_array_add(tables, read_table(statement));
    return step == 0 ? g_steal_pointer(&tables) : NULL;
}

/* Ranges. */

void catalog_range_free(CatalogRange *range)
{
    if (range == NULL)
        return;
    g_free(range->after);
    g_free(range->upto);
    g_free(range);
}

static void free_range(gpointer range)
{
    catalog_range_free(range);
}

GPtrArray *catalog_ranges(Catalog *catalog, int64_t table_id, GError **error)
{
    sqlite3_stmt *statement = database_query(
        catalog, error, "SELECT id, after, upto, done, rows, attempt FROM ranges WHERE table_id = ? ORDER BY id", "i",
        table_id);
    if (statement == NULL)
        return NULL;
    g_autoptr(GPtrArray) ranges = g_ptr_array_new_with_free_func(free_range);
    int step;
    while ((step = database_step(catalog, statement, error)) > 0) {
        CatalogRange *range = g_new0(CatalogRange, 1);
        range->id = database_uint(statement, 0);
        range->after = database_text(statement, 1);
        range->upto = database_text(statement, 2);
        range->done = sqlite3_column_int(statement, 3) != 0;
        range->rows = database_uint(statement, 4);
        range->attempt = (uint32_t)sqlite3_column_int64(statement, 5);
        g_ptr_array_add(ranges, range);
    }
    return step == 0 ? g_steal_pointer(&ranges) : NULL;
}

bool catalog_ranges_save(Catalog *catalog, int64_t table_id, GPtrArray *ranges, const char *column_counts,
                         GError **error)
{
    bool ok = database_begin(catalog, error);
    for (guint i = 0; ok && i < ranges->len; i++) {
        const CatalogRange *range = g_ptr_array_index(ranges, i);
        ok = database_run(catalog, error,
                          "INSERT OR REPLACE INTO ranges (table_id, id, after, upto, done, rows, attempt)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?)",
                          "iussbui", table_id, range->id, range->after, range->upto, (int)range->done, range->rows,
                          (int64_t)range->attempt);
    }
    if (ok && column_counts != NULL)
        ok = database_run(catalog, error, "UPDATE tables SET column_counts = ? WHERE id = ?", "si", column_counts,
                          table_id);
    return database_end(catalog, ok, error);
}

bool catalog_ranges_clear(Catalog *catalog, int64_t table_id, GError **error)
{
    return database_run(catalog, error, "DELETE FROM ranges WHERE table_id = ?", "i", table_id);
}
