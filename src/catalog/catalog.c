#include "catalog/database.h"
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MSEC 10000

static void finalize(gpointer statement)
{
    sqlite3_finalize(statement);
}

void catalog_close(Catalog *catalog)
{
    if (catalog == NULL)
        return;
    g_hash_table_unref(catalog->statements);
    sqlite3_close(catalog->db);
    g_free(catalog->path);
    g_free(catalog);
}

/* The file is made by us, since SQLite would make it readable by all. URLs inside may hold passwords. */
static bool make_file(const char *state_dir, const char *path, GError **error)
{
    if (g_mkdir_with_parents(state_dir, 0700) != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "cannot make the state directory %s: %s; see --state-dir", state_dir, g_strerror(errno));
        return false;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "cannot open the catalog %s: %s; check the owner and mode of it and its directory", path,
                    g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    if ((st.st_mode & 0077) != 0 && st.st_uid == geteuid())
        fchmod(fd, 0600);
    close(fd);
    return true;
}

static bool expect_text(Catalog *catalog, const char *sql, const char *expected, bool *as_expected, GError **error)
{
    sqlite3_stmt *statement = database_query(catalog, error, sql, "");
    if (statement == NULL || database_step(catalog, statement, error) < 0)
        return false;
    g_autofree char *text = database_text(statement, 0);
    *as_expected = g_strcmp0(text, expected) == 0;
    sqlite3_reset(statement);
    return true;
}

static bool configure(Catalog *catalog, GError **error)
{
    bool ok = false;
    sqlite3_busy_timeout(catalog->db, BUSY_TIMEOUT_MSEC);
    if (!expect_text(catalog, "PRAGMA journal_mode = WAL", "wal", &ok, error))
        return false;
    if (!ok) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "the file system of %s cannot hold the catalog (no write-ahead log): use another --state-dir",
                    catalog->path);
        return false;
    }
    if (!database_exec(catalog,
                       "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216;",
                       error))
        return false;
    if (!expect_text(catalog, "PRAGMA quick_check(1)", "ok", &ok, error))
        return false;
    if (!ok) {
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
            "the catalog %s is damaged: restore it from a copy, or move it and its -wal and -shm away; its pipes "
            "must be created anew then",
            catalog->path);
        return false;
    }
    return schema_migrate(catalog, error);
}

Catalog *catalog_open(const char *state_dir, GError **error)
{
    g_autoptr(Catalog) catalog = g_new0(Catalog, 1);
    catalog->path = g_build_filename(state_dir, "catalog.sqlite", NULL);
    catalog->statements = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, finalize);
    if (!make_file(state_dir, catalog->path, error))
        return NULL;
    if (sqlite3_open_v2(catalog->path, &catalog->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        database_fail(catalog, error);
        return NULL;
    }
    return configure(catalog, error) ? g_steal_pointer(&catalog) : NULL;
}

/* Engine settings. */

char *catalog_setting(Catalog *catalog, const char *name, GError **error)
{
    sqlite3_stmt *statement = database_query(catalog, error, "SELECT value FROM settings WHERE name = ?", "s", name);
    if (statement == NULL || database_step(catalog, statement, error) <= 0)
        return NULL;
    char *value = database_text(statement, 0);
    sqlite3_reset(statement);
    return value;
}

bool catalog_set_setting(Catalog *catalog, const char *name, const char *value, GError **error)
{
    if (value == NULL)
        return database_run(catalog, error, "DELETE FROM settings WHERE name = ?", "s", name);
    return database_run(catalog, error, "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", "ss", name,
                        value);
}
