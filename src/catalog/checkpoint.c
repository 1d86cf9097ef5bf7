#include "catalog/database.h"
#include "base/base.h"

#include <string.h>

void catalog_checkpoint_clear(CatalogCheckpoint *checkpoint)
{
    g_free(checkpoint->file);
    g_free(checkpoint->gtid);
    g_free(checkpoint->print_file);
    g_free(checkpoint->print_gtid);
    g_free(checkpoint->prepared);
    memset(checkpoint, 0, sizeof *checkpoint);
}

bool catalog_checkpoint_load(Catalog *catalog, int64_t pipe_id, CatalogCheckpoint *out, GError **error)
{
    memset(out, 0, sizeof *out);
    sqlite3_stmt *row =
        database_query(catalog, error,
                       "SELECT file, pos, gtid, epoch, offset, print_file, print_pos, print_gtid, print_time,"
                       " print_crc, source_time, saved_at, prepared, sum FROM checkpoints WHERE pipe_id = ?",
                       "i", pipe_id);
    int step = row != NULL ? database_step(catalog, row, error) : -1;
    if (step <= 0)
        return step == 0;
    out->file = database_text(row, 0);
    out->pos = database_uint(row, 1);
    out->gtid = database_text(row, 2);
    out->epoch = (uint32_t)sqlite3_column_int64(row, 3);
    out->offset = database_uint(row, 4);
    out->print_file = database_text(row, 5);
    out->print_pos = database_uint(row, 6);
    out->print_gtid = database_text(row, 7);
    out->print_time = (uint32_t)sqlite3_column_int64(row, 8);
    out->print_crc = (uint32_t)sqlite3_column_int64(row, 9);
    out->source_time = sqlite3_column_int64(row, 10);
    out->saved_at = sqlite3_column_int64(row, 11);
    out->prepared = database_text(row, 12);
    out->sum = (uint32_t)sqlite3_column_int64(row, 13);
    sqlite3_reset(row);
    return true;
}

static bool save_counters(Catalog *catalog, GPtrArray *tables, GError **error)
{
    for (guint i = 0; tables != NULL && i < tables->len; i++) {
        const CatalogTable *table = g_ptr_array_index(tables, i);
        if (!database_run(catalog, error,
                          "UPDATE tables SET inserts = ?, updates = ?, deletes = ?, last_change = ?, column_counts = ?"
                          " WHERE id = ?",
                          "uuuisi", table->inserts, table->updates, table->deletes, table->last_change,
                          table->column_counts, table->id))
            return false;
    }
    return true;
}

static bool save_checkpoint(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *checkpoint, uint64_t applied_seq,
                            GError **error)
{
    return database_run(
               catalog, error,
               "INSERT OR REPLACE INTO checkpoints (pipe_id, file, pos, gtid, epoch, offset, print_file, print_pos,"
               " print_gtid, print_time, print_crc, source_time, saved_at, prepared, sum)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "isusiususiiiisi", pipe_id, checkpoint->file, checkpoint->pos, checkpoint->gtid,
               (int64_t)checkpoint->epoch, checkpoint->offset, checkpoint->print_file, checkpoint->print_pos,
               checkpoint->print_gtid, (int64_t)checkpoint->print_time, (int64_t)checkpoint->print_crc,
               checkpoint->source_time, checkpoint->saved_at, checkpoint->prepared, (int64_t)checkpoint->sum) &&
           database_run(catalog, error, "DELETE FROM batches WHERE pipe_id = ? AND seq <= ?", "iu", pipe_id,
                        applied_seq);
}

bool catalog_checkpoint_save(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *checkpoint,
                             uint64_t applied_seq, GPtrArray *tables, GError **error)
{
    bool ok = database_begin(catalog, error) && save_checkpoint(catalog, pipe_id, checkpoint, applied_seq, error) &&
              save_counters(catalog, tables, error);
    return database_end(catalog, ok, error);
}

bool catalog_checkpoint_save_tables(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *checkpoint, uint64_t applied_seq,
                                    const GPtrArray *tables, GError **error)
{
    bool ok = database_begin(catalog, error) && save_checkpoint(catalog, pipe_id, checkpoint, applied_seq, error);
    for (guint i = 0; ok && i < tables->len; i++)
        ok = catalog_table_save(catalog, g_ptr_array_index(tables, i), error);
    return database_end(catalog, ok, error);
}

static bool save_beginnings(Catalog *catalog, GPtrArray *tables, GError **error)
{
    for (guint i = 0; i < tables->len; i++) {
        const CatalogTable *table = g_ptr_array_index(tables, i);
        if (!database_run(catalog, error,
                          "UPDATE tables SET begin_file = ?, begin_pos = ?, begin_gtid = ?, resync_advised = 1 WHERE id = ?",
                          "susi", table->begin_file, table->begin_pos, table->begin_gtid, table->id))
            return false;
    }
    return true;
}

bool catalog_reposition(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *to, const char *identity, GPtrArray *tables,
                        const CatalogJournalEntry *why, GError **error)
{
    bool ok = database_begin(catalog, error) && save_checkpoint(catalog, pipe_id, to, UINT64_MAX >> 1, error) &&
              database_run(catalog, error, "UPDATE pipes SET identity = ? WHERE id = ?", "si", identity, pipe_id) &&
              save_beginnings(catalog, tables, error) && journal_insert(catalog, why, error);
    return database_end(catalog, ok, error);
}

bool catalog_batch_add(Catalog *catalog, int64_t pipe_id, const CatalogBatch *batch, GError **error)
{
    return database_run(catalog, error,
                        "INSERT OR REPLACE INTO batches (pipe_id, seq, start_offset, end_offset, epoch, in_group, sum)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        "iuuuibi", pipe_id, batch->seq, batch->start_offset, batch->end_offset, (int64_t)batch->epoch,
                        batch->in_group, batch->sum);
}

GArray *catalog_batches(Catalog *catalog, int64_t pipe_id, GError **error)
{
    sqlite3_stmt *statement = database_query(
        catalog, error,
        "SELECT seq, start_offset, end_offset, epoch, in_group, sum FROM batches WHERE pipe_id = ? ORDER BY seq", "i",
        pipe_id);
    if (statement == NULL)
        return NULL;
    g_autoptr(GArray) batches = g_array_new(FALSE, FALSE, sizeof(CatalogBatch));
    int step;
    while ((step = database_step(catalog, statement, error)) > 0) {
        CatalogBatch batch = {.seq = database_uint(statement, 0),
                              .start_offset = database_uint(statement, 1),
                              .end_offset = database_uint(statement, 2),
                              .epoch = (uint32_t)sqlite3_column_int64(statement, 3),
                              .in_group = sqlite3_column_int(statement, 4) != 0,
                              .sum = sqlite3_column_int64(statement, 5)};
        g_array_append_val(batches, batch);
    }
    return step == 0 ? g_steal_pointer(&batches) : NULL;
}
