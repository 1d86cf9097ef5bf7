#include "catalog/database.h"

static bool save_cell(Catalog *catalog, int64_t pipe_id, const CatalogHistoryCell *cell, GError **error)
{
    return database_run(catalog, error,
                        "INSERT OR REPLACE INTO history (pipe_id, number, rows, bytes, lag, batch_rows, batch_bytes,"
                        " samples, inserts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        "iidddddii", pipe_id, cell->number, cell->rows, cell->bytes, cell->lag, cell->batch_rows,
                        cell->batch_bytes, cell->samples, cell->inserts);
}

bool catalog_history_save(Catalog *catalog, int64_t pipe_id, const GArray *cells, int64_t oldest, GError **error)
{
    bool ok = database_begin(catalog, error);
    for (guint i = 0; ok && i < cells->len; i++)
        ok = save_cell(catalog, pipe_id, &g_array_index(cells, CatalogHistoryCell, i), error);
    ok = ok &&
         database_run(catalog, error, "DELETE FROM history WHERE pipe_id = ? AND number < ?", "ii", pipe_id, oldest);
    return database_end(catalog, ok, error);
}

GArray *catalog_history(Catalog *catalog, int64_t pipe_id, GError **error)
{
    sqlite3_stmt *row =
        database_query(catalog, error,
                       "SELECT number, rows, bytes, lag, batch_rows, batch_bytes, samples, inserts FROM history"
                       " WHERE pipe_id = ? ORDER BY number",
                       "i", pipe_id);
    if (row == NULL)
        return NULL;
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(CatalogHistoryCell));
    int step;
    while ((step = database_step(catalog, row, error)) > 0) {
        CatalogHistoryCell cell = {.number = sqlite3_column_int64(row, 0),
                                   .rows = sqlite3_column_double(row, 1),
                                   .bytes = sqlite3_column_double(row, 2),
                                   .lag = sqlite3_column_double(row, 3),
                                   .batch_rows = sqlite3_column_double(row, 4),
                                   .batch_bytes = sqlite3_column_double(row, 5),
                                   .samples = sqlite3_column_int64(row, 6),
                                   .inserts = sqlite3_column_int64(row, 7)};
        g_array_append_val(cells, cell);
    }
    return step == 0 ? g_steal_pointer(&cells) : NULL;
}
