#include "catalog/database.h"
#include "base/base.h"

void catalog_pipe_free(CatalogPipe *pipe)
{
    if (pipe == NULL)
        return;
    g_free(pipe->uuid);
    g_free(pipe->name);
    g_free(pipe->source);
    g_free(pipe->dest);
    g_free(pipe->mode);
    g_free(pipe->tables);
    g_free(pipe->settings);
    g_free(pipe->state);
    g_free(pipe->return_state);
    g_free(pipe->error);
    g_free(pipe->identity);
    g_free(pipe);
}

static void free_element(gpointer pipe)
{
    catalog_pipe_free(pipe);
}

#define PIPE_COLUMNS                                                                                                   \
    "id, uuid, name, source, dest, mode, tables, settings, state, return_state, since, error, server_id, identity, auto_resync"

static CatalogPipe *read_pipe(sqlite3_stmt *row)
{
    CatalogPipe *pipe = g_new0(CatalogPipe, 1);
    pipe->id = sqlite3_column_int64(row, 0);
    pipe->uuid = database_text(row, 1);
    pipe->name = database_text(row, 2);
    pipe->source = database_text(row, 3);
    pipe->dest = database_text(row, 4);
    pipe->mode = database_text(row, 5);
    pipe->tables = database_text(row, 6);
    pipe->settings = database_text(row, 7);
    pipe->state = database_text(row, 8);
    pipe->return_state = database_text(row, 9);
    pipe->since = sqlite3_column_int64(row, 10);
    pipe->error = database_text(row, 11);
    pipe->server_id = (uint32_t)sqlite3_column_int64(row, 12);
    pipe->identity = database_text(row, 13);
    pipe->auto_resync = sqlite3_column_int64(row, 14);
    return pipe;
}

static bool check_name_free(Catalog *catalog, const char *name, GError **error)
{
    sqlite3_stmt *statement = database_query(catalog, error, "SELECT 1 FROM pipes WHERE name = ?", "s", name);
    if (statement == NULL)
        return false;
    int step = database_step(catalog, statement, error);
    if (step <= 0)
        return step == 0;
    sqlite3_reset(statement);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                "a pipe named %s exists already: choose another name, or drop that one", name);
    return false;
}

static bool insert_pipe(Catalog *catalog, CatalogPipe *pipe, GPtrArray *tables, GError **error)
{
    if (!check_name_free(catalog, pipe->name, error) ||
        !database_run(catalog, error,
                      "INSERT INTO pipes (uuid, name, source, dest, mode, tables, settings, state, return_state, since,"
                      " error, server_id, identity) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "sssssssssisis", pipe->uuid, pipe->name, pipe->source, pipe->dest, pipe->mode,
                      pipe->tables != NULL ? pipe->tables : "", pipe->settings != NULL ? pipe->settings : "{}",
                      pipe->state, pipe->return_state, pipe->since, pipe->error, (int64_t)pipe->server_id,
                      pipe->identity))
        return false;
    pipe->id = sqlite3_last_insert_rowid(catalog->db);
    for (guint i = 0; tables != NULL && i < tables->len; i++) {
        CatalogTable *table = g_ptr_array_index(tables, i);
        table->pipe_id = pipe->id;
        if (!table_insert(catalog, table, error))
            return false;
    }
    return true;
}

bool catalog_pipe_add(Catalog *catalog, CatalogPipe *pipe, GPtrArray *tables, GError **error)
{
    bool ok = database_begin(catalog, error) && insert_pipe(catalog, pipe, tables, error);
    if (database_end(catalog, ok, error))
        return true;
    pipe->id = 0;
    for (guint i = 0; tables != NULL && i < tables->len; i++) {
        CatalogTable *table = g_ptr_array_index(tables, i);
        table->id = table->pipe_id = 0;
    }
    return false;
}

GPtrArray *catalog_pipes(Catalog *catalog, GError **error)
{
    sqlite3_stmt *statement = database_query(catalog, error, "SELECT " PIPE_COLUMNS " FROM pipes ORDER BY name", "");
    if (statement == NULL)
        return NULL;
    g_autoptr(GPtrArray) pipes = g_ptr_array_new_with_free_func(free_element);
    int step;
    while ((step = database_step(catalog, statement, error)) > 0)
        g_ptr_array_add(pipes, read_pipe(statement));
    return step == 0 ? g_steal_pointer(&pipes) : NULL;
}

CatalogPipe *catalog_pipe_find(Catalog *catalog, const char *name, GError **error)
{
    sqlite3_stmt *statement =
        database_query(catalog, error, "SELECT " PIPE_COLUMNS " FROM pipes WHERE name = ?", "s", name);
    int step = statement != NULL ? database_step(catalog, statement, error) : -1;
    if (step < 0)
        return NULL;
    if (step == 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND,
                    "there is no pipe named %s; `sluice status` lists those there are", name);
        return NULL;
    }
    CatalogPipe *pipe = read_pipe(statement);
    sqlite3_reset(statement);
    return pipe;
}

/* After an UPDATE of one row by id. */
static bool check_changed(Catalog *catalog, int64_t pipe_id, GError **error)
{
    if (sqlite3_changes(catalog->db) == 1)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND,
                "the catalog has no pipe %" G_GINT64_FORMAT ": it was dropped", pipe_id);
    return false;
}

static bool update_state(Catalog *catalog, int64_t pipe_id, const char *state, const char *return_state, const char *error_json,
                         int64_t since, GError **error)
{
    return database_run(catalog, error, "UPDATE pipes SET state = ?, return_state = ?, error = ?, since = ? WHERE id = ?", "sssii",
                        state, return_state, error_json, since, pipe_id) &&
           check_changed(catalog, pipe_id, error);
}

bool catalog_pipe_set_state(Catalog *catalog, int64_t pipe_id, const char *state, const char *return_state,
                            const char *error_json, int64_t since, const CatalogJournalEntry *why, GError **error)
{
    bool ok = database_begin(catalog, error) && update_state(catalog, pipe_id, state, return_state, error_json, since, error) &&
              (why == NULL || journal_insert(catalog, why, error));
    return database_end(catalog, ok, error);
}

bool catalog_pipe_set_settings(Catalog *catalog, int64_t pipe_id, const char *settings, GError **error)
{
    return database_run(catalog, error, "UPDATE pipes SET settings = ? WHERE id = ?", "si", settings, pipe_id) &&
           check_changed(catalog, pipe_id, error);
}

static bool edit_tables(Catalog *catalog, const CatalogEdit *edit, GError **error)
{
    for (guint i = 0; edit->added != NULL && i < edit->added->len; i++)
        if (!table_insert(catalog, g_ptr_array_index(edit->added, i), error))
            return false;
    for (guint i = 0; edit->changed != NULL && i < edit->changed->len; i++) {
        const CatalogTable *table = g_ptr_array_index(edit->changed, i);
        if ((edit->from_nothing && !catalog_ranges_clear(catalog, table->id, error)) || !catalog_table_save(catalog, table, error))
            return false;
    }
    return true;
}

static bool edit_pipe(Catalog *catalog, int64_t pipe_id, const CatalogEdit *edit, GError **error)
{
    if (edit->tables != NULL && (!database_run(catalog, error, "UPDATE pipes SET tables = ? WHERE id = ?", "si", edit->tables, pipe_id) ||
                                 !check_changed(catalog, pipe_id, error)))
        return false;
    if (edit->state != NULL && !update_state(catalog, pipe_id, edit->state, edit->return_state, NULL, edit->since, error))
        return false;
    return edit->why == NULL || journal_insert(catalog, edit->why, error);
}

bool catalog_pipe_edit(Catalog *catalog, int64_t pipe_id, const CatalogEdit *edit, GError **error)
{
    bool ok = database_begin(catalog, error) && edit_tables(catalog, edit, error) && edit_pipe(catalog, pipe_id, edit, error);
    return database_end(catalog, ok, error);
}

bool catalog_pipe_set_source(Catalog *catalog, int64_t pipe_id, uint32_t server_id, const char *identity,
                             GError **error)
{
    return database_run(catalog, error, "UPDATE pipes SET server_id = ?, identity = ? WHERE id = ?", "isi",
                        (int64_t)server_id, identity, pipe_id) &&
           check_changed(catalog, pipe_id, error);
}

bool catalog_pipe_set_auto_resync(Catalog *catalog, int64_t pipe_id, int64_t at, GError **error)
{
    return database_run(catalog, error, "UPDATE pipes SET auto_resync = ? WHERE id = ?", "ii", at, pipe_id) &&
           check_changed(catalog, pipe_id, error);
}

bool catalog_pipe_drop(Catalog *catalog, int64_t pipe_id, GError **error)
{
    return database_run(catalog, error, "DELETE FROM pipes WHERE id = ?", "i", pipe_id) &&
           check_changed(catalog, pipe_id, error);
}
