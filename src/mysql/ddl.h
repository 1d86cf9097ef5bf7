/* ddl.h - recognises what a statement in the binlog may do to the tables of a pipe. Pure, fuzzed.
 *
 * The tokenizer knows comments (-- # / * * / and versioned ones), strings, quoted names (ANSI_QUOTES), default database.
 * A statement that is not known and may name a followed table is DDL_UNKNOWN with that name: the caller fails that table,
 * it is never passed over.
 */
#ifndef SLUICE_MYSQL_DDL_H
#define SLUICE_MYSQL_DDL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    DDL_BEGIN,        /* BEGIN, START TRANSACTION */
    DDL_COMMIT,       /* COMMIT (MyISAM groups) */
    DDL_ROLLBACK,     /* ROLLBACK */
    DDL_SAVEPOINT,    /* SAVEPOINT name */
    DDL_ROLLBACK_TO,  /* ROLLBACK [WORK] TO [SAVEPOINT] name */
    DDL_XA_START,     /* XA START/BEGIN */
    DDL_XA_END,
    DDL_XA_PREPARE,
    DDL_XA_COMMIT,
    DDL_XA_ROLLBACK,
    DDL_HARMLESS,     /* changes no followed rows or columns: indexes, views, grants, users, triggers, ANALYZE, comments */
    DDL_ALTER_TABLE,  /* also DROP INDEX and CREATE UNIQUE INDEX; a second name is what the table is renamed to beside other
                         changes, or whose rows a partition is exchanged with */
    DDL_CREATE_TABLE, /* not OR REPLACE */
    DDL_REPLACE_TABLE, /* CREATE OR REPLACE TABLE */
    DDL_DROP_TABLE,
    DDL_DROP_DATABASE,
    DDL_RENAME_TABLE, /* tables holds from, to, from, to ...; also ALTER TABLE that does nothing but rename */
    DDL_TRUNCATE,
    DDL_ROWS_STATEMENT, /* INSERT, UPDATE, DELETE, REPLACE, LOAD DATA as text: rows change without row events */
    DDL_UNKNOWN,
} DdlKind;

typedef struct {
    char *database, *table; /* database filled from the default one; table NULL: the whole database */
} DdlName;

typedef struct {
    DdlKind kind;
    GPtrArray *tables; /* of DdlName: the tables acted upon; for DDL_UNKNOWN every name the text could mean */
    char *name;        /* savepoint's name or XA id; NULL otherwise */
    bool if_exists; /* IF EXISTS or IF NOT EXISTS: what is there already stays as it is */
    bool repartitions; /* ALTER_TABLE: it names partitions, or how rows are spread over them, whatever else it does */
    bool changes_rows_or_columns; /* ALTER_TABLE: false for clauses known not to matter (ADD INDEX, COMMENT, ENGINE, ...) */
} DdlStatement;

#define DDL_SQL_MODE_ANSI_QUOTES 0x4

DdlStatement *ddl_parse(const char *sql, size_t len, const char *default_database, uint64_t sql_mode);
void ddl_statement_free(DdlStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdlStatement, ddl_statement_free)

#endif
