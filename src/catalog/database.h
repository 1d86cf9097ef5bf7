/* database.h - private to src/catalog: SQLite statements, bound and stepped with GError. */
#ifndef SLUICE_CATALOG_DATABASE_H
#define SLUICE_CATALOG_DATABASE_H

#include "catalog/catalog.h"

#include <sqlite3.h>

struct Catalog {
    sqlite3 *db;
    char *path;
    GHashTable *statements; /* SQL text -> sqlite3_stmt, kept for the connection's life */
};

/* Fills `error` from the connection's last failure; always false. */
bool database_fail(Catalog *catalog, GError **error);

/* Runs SQL without parameters and results, several statements joined by ';'. */
bool database_exec(Catalog *catalog, const char *sql, GError **error);

/* Binds and returns the (cached) statement, to be stepped at once. `sql` must be a literal. `types`, one letter a
 * parameter: i int64_t, u uint64_t (stored as the int64_t of the same bits), b bool, d double, s const char * (NULL: null). */
sqlite3_stmt *database_query(Catalog *catalog, GError **error, const char *sql, const char *types, ...);

/* 1: a row, 0: the end (the statement is reset), -1: an error (reset too). */
int database_step(Catalog *catalog, sqlite3_stmt *statement, GError **error);

/* Query and step to the end. */
bool database_run(Catalog *catalog, GError **error, const char *sql, const char *types, ...);

/* One transaction: bool ok = database_begin(c, error) && ...; return database_end(c, ok, error); */
bool database_begin(Catalog *catalog, GError **error);
bool database_end(Catalog *catalog, bool ok, GError **error);

char *database_text(sqlite3_stmt *statement, int column); /* a copy, NULL for null */
uint64_t database_uint(sqlite3_stmt *statement, int column);

/* schema.c: brings the schema up to date; refuses files of others and of newer versions. */
bool schema_migrate(Catalog *catalog, GError **error);

/* tables.c and journal.c: the parts that other transactions are made of. */
bool table_insert(Catalog *catalog, CatalogTable *table, GError **error);
bool journal_insert(Catalog *catalog, const CatalogJournalEntry *entry, GError **error);

#endif
