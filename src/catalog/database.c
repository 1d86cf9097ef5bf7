#include "catalog/database.h"
#include "base/base.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

bool database_fail(Catalog *catalog, GError **error)
{
    const char *message = sqlite3_errmsg(catalog->db);
    const char *path = catalog->path;
    switch (sqlite3_errcode(catalog->db) & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
            "the catalog %s is damaged (%s): restore it from a copy, or move it and its -wal and -shm away; its "
            "pipes must be created anew then",
            path, message);
        break;
    case SQLITE_FULL:
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "no room on the disk for the catalog %s: make some free",
                    path);
        break;
    case SQLITE_IOERR:
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "the catalog %s cannot be read or written (%s: %s): look after its disk", path, message,
                    g_strerror(sqlite3_system_errno(catalog->db)));
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
            "the catalog %s cannot be opened for writing (%s): check the owner and mode of it and its directory", path,
            message);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "the catalog %s is locked by another process: end that one, or try again", path);
        break;
    default:
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the catalog %s: %s", path, message);
    }
    return false;
}

bool database_exec(Catalog *catalog, const char *sql, GError **error)
{
    return sqlite3_exec(catalog->db, sql, NULL, NULL, NULL) == SQLITE_OK || database_fail(catalog, error);
}

static sqlite3_stmt *prepare(Catalog *catalog, const char *sql, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(catalog->statements, sql);
    if (statement != NULL) {
        sqlite3_reset(statement);
        return statement;
    }
    if (sqlite3_prepare_v3(catalog->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        database_fail(catalog, error);
        return NULL;
    }
    g_hash_table_insert(catalog->statements, (char *)sql, statement);
    return statement;
}

static bool bind(sqlite3_stmt *statement, const char *types, va_list args)
{
    g_assert(sqlite3_bind_parameter_count(statement) == (int)strlen(types));
    int rc = SQLITE_OK;
    for (int i = 0; types[i] != '\0' && rc == SQLITE_OK; i++) {
        switch (types[i]) {
        case 'i':
            rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
            break;
        case 'u':
            rc = sqlite3_bind_int64(statement, i + 1, (int64_t)va_arg(args, uint64_t));
            break;
        case 'd':
            rc = sqlite3_bind_double(statement, i + 1, va_arg(args, double));
            break;
        case 'b':
            rc = sqlite3_bind_int(statement, i + 1, va_arg(args, int) != 0);
            break;
        case 's':
            rc = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
            break;
        default:
            g_assert_not_reached();
        }
    }
    return rc == SQLITE_OK;
}

static sqlite3_stmt *query(Catalog *catalog, GError **error, const char *sql, const char *types, va_list args)
{
    sqlite3_stmt *statement = prepare(catalog, sql, error);
    if (statement != NULL && !bind(statement, types, args)) {
        database_fail(catalog, error);
        return NULL;
    }
    return statement;
}

sqlite3_stmt *database_query(Catalog *catalog, GError **error, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = query(catalog, error, sql, types, args);
    va_end(args);
    return statement;
}

int database_step(Catalog *catalog, sqlite3_stmt *statement, GError **error)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        database_fail(catalog, error);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : -1;
}

bool database_run(Catalog *catalog, GError **error, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = query(catalog, error, sql, types, args);
    va_end(args);
    if (statement == NULL)
        return false;
    int step;
    while ((step = database_step(catalog, statement, error)) > 0) {
    }
    return step == 0;
}

bool database_begin(Catalog *catalog, GError **error)
{
    return database_run(catalog, error, "BEGIN IMMEDIATE", "");
}

bool database_end(Catalog *catalog, bool ok, GError **error)
{
    if (ok && database_run(catalog, error, "COMMIT", ""))
        return true;
    /* A failed write may have ended the transaction already (a full disk does). */
    if (!sqlite3_get_autocommit(catalog->db))
        database_run(catalog, NULL, "ROLLBACK", "");
    return false;
}

char *database_text(sqlite3_stmt *statement, int column)
{
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}

uint64_t database_uint(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}
