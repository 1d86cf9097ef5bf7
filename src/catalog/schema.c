#include "catalog/database.h"
#include "base/base.h"

#define APPLICATION_ID 0x736c7563 /* "sluc": tells our files from those of other programs */

/* Step i brings the schema from version i to i + 1. Steps that were released are never changed. */
static const char *const STEPS[] = {
    "CREATE TABLE pipes ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL,"
    " dest TEXT NOT NULL, mode TEXT NOT NULL, tables TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL,"
    " return_state TEXT, since INTEGER NOT NULL, error TEXT, server_id INTEGER NOT NULL, identity TEXT);"
    "CREATE TABLE tables ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, pipe_id INTEGER NOT NULL REFERENCES pipes(id) ON DELETE CASCADE,"
    " database TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, generation INTEGER NOT "
    "NULL,"
    " definition TEXT, begin_file TEXT, begin_pos INTEGER NOT NULL, snapshot_version INTEGER NOT NULL,"
    " rows_estimate INTEGER NOT NULL, rows_done INTEGER NOT NULL, inserts INTEGER NOT NULL, updates INTEGER NOT NULL,"
    " deletes INTEGER NOT NULL, last_change INTEGER NOT NULL, loaded INTEGER NOT NULL, resync_advised INTEGER NOT NULL,"
    " error TEXT);"
    "CREATE INDEX tables_of_pipe ON tables(pipe_id, id);"
    "CREATE TABLE checkpoints ("
    " pipe_id INTEGER PRIMARY KEY REFERENCES pipes(id) ON DELETE CASCADE, file TEXT, pos INTEGER NOT NULL, gtid TEXT,"
    " epoch INTEGER NOT NULL, offset INTEGER NOT NULL, print_file TEXT, print_pos INTEGER NOT NULL, print_gtid TEXT,"
    " print_time INTEGER NOT NULL, print_crc INTEGER NOT NULL, source_time INTEGER NOT NULL, saved_at INTEGER NOT "
    "NULL);"
    "CREATE TABLE batches ("
    " pipe_id INTEGER NOT NULL REFERENCES pipes(id) ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL, epoch INTEGER NOT NULL, in_group INTEGER NOT NULL,"
    " PRIMARY KEY (pipe_id, seq)) WITHOUT ROWID;"
    "CREATE TABLE ranges ("
    " table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE, id INTEGER NOT NULL, after TEXT, upto TEXT,"
    " done INTEGER NOT NULL, rows INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " PRIMARY KEY (table_id, id)) WITHOUT ROWID;"
    "CREATE TABLE journal ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, pipe TEXT, actor TEXT NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL, position TEXT, size INTEGER NOT NULL);"
    "CREATE INDEX journal_of_pipe ON journal(pipe, id);"
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    "ALTER TABLE tables ADD COLUMN column_counts TEXT;",
    "ALTER TABLE tables ADD COLUMN begin_gtid TEXT;",
    "ALTER TABLE checkpoints ADD COLUMN prepared TEXT;",
    "ALTER TABLE tables ADD COLUMN twin_of INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE tables ADD COLUMN exchange_uuid TEXT;"
    "ALTER TABLE tables ADD COLUMN leftover TEXT;"
    "ALTER TABLE tables ADD COLUMN removing INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE pipes ADD COLUMN auto_resync INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE history ("
    " pipe_id INTEGER NOT NULL REFERENCES pipes(id) ON DELETE CASCADE, number INTEGER NOT NULL, rows REAL NOT NULL,"
    " bytes REAL NOT NULL, lag REAL NOT NULL, batch_rows REAL NOT NULL, batch_bytes REAL NOT NULL,"
    " samples INTEGER NOT NULL, inserts INTEGER NOT NULL,"
    " PRIMARY KEY (pipe_id, number)) WITHOUT ROWID;",
    "ALTER TABLE checkpoints ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batches ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;",
    "ALTER TABLE tables ADD COLUMN read_gtid TEXT;",
};

static bool read_number(Catalog *catalog, const char *sql, int64_t *out, GError **error)
{
    sqlite3_stmt *statement = database_query(catalog, error, sql, "");
    if (statement == NULL || database_step(catalog, statement, error) < 0)
        return false;
    *out = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

static bool check_owner(Catalog *catalog, int64_t version, GError **error)
{
    int64_t application, objects;
    if (!read_number(catalog, "PRAGMA application_id", &application, error) ||
        !read_number(catalog, "SELECT count(*) FROM sqlite_schema", &objects, error))
        return false;
    if (application != APPLICATION_ID && (objects > 0 || version > 0 || application != 0)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "%s is an SQLite file of another program: move it away, or use another --state-dir", catalog->path);
        return false;
    }
    if (version > (int64_t)G_N_ELEMENTS(STEPS)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "the catalog %s was written by a newer sluice (schema %" G_GINT64_FORMAT
                    ", this one knows up to %u): use that version",
                    catalog->path, version, (unsigned)G_N_ELEMENTS(STEPS));
        return false;
    }
    return true;
}

static bool run_steps(Catalog *catalog, GError **error)
{
    int64_t version; /* read again, now that nobody else can write: two processes may open a new file at once */
    if (!read_number(catalog, "PRAGMA user_version", &version, error) || !check_owner(catalog, version, error))
        return false;
    for (; version < (int64_t)G_N_ELEMENTS(STEPS); version++) {
        g_autofree char *mark =
            g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, (int)version + 1);
        if (!database_exec(catalog, STEPS[version], error) || !database_exec(catalog, mark, error))
            return false;
    }
    return true;
}

bool schema_migrate(Catalog *catalog, GError **error)
{
    int64_t version;
    if (!read_number(catalog, "PRAGMA user_version", &version, error) || !check_owner(catalog, version, error))
        return false;
    if (version == (int64_t)G_N_ELEMENTS(STEPS))
        return true;
    bool ok = database_begin(catalog, error) && run_steps(catalog, error);
    return database_end(catalog, ok, error);
}
