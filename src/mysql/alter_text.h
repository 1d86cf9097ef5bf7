/* alter_text.h - an ALTER TABLE (CREATE INDEX, DROP INDEX) statement as a list of what it does. Pure, fuzzed.
 *
 * For statements that ddl_parse called DDL_ALTER_TABLE or DDL_RENAME_TABLE on a followed table. What is not understood
 * is refused with a reason, never guessed.
 */
#ifndef SLUICE_MYSQL_ALTER_TEXT_H
#define SLUICE_MYSQL_ALTER_TEXT_H

#include "mysql/column_text.h"

typedef enum {
    ALTER_ADD_COLUMN,      /* column; place */
    ALTER_DROP_COLUMN,     /* name */
    ALTER_RENAME_COLUMN,   /* name, to */
    ALTER_CHANGE_COLUMN,   /* name, column; place. MODIFY too */
    ALTER_ADD_KEY,         /* primary or unique: names of columns; name or NULL */
    ALTER_DROP_KEY,        /* name; "PRIMARY" */
    ALTER_DROP_CONSTRAINT, /* name: a key's, or that of something that does not matter */
    ALTER_RENAME_KEY,      /* name, to */
    ALTER_CONVERT,         /* charset, collation: of all text columns and the default; charset NULL: DEFAULT */
    ALTER_CHARSET,         /* charset, collation: the default of new columns */
    ALTER_RENAME_TABLE,    /* name: database or NULL, to */
    ALTER_ROWS,           /* name: what changes rows without row events: "TRUNCATE PARTITION"; columns: the names of the
                             partitions, NULL: all, or others */
    ALTER_ADD_VERSIONING, /* ADD SYSTEM VERSIONING; its columns say themselves what they are, or are hidden */
    ALTER_DROP_VERSIONING,
    ALTER_PARTITIONED, /* by_system_time; name: of the partition of current rows, NULL: it does not say; counted:
                          PARTITIONS n */
} AlterKind;

typedef struct {
    AlterKind kind;
    bool if_exists; /* or IF NOT EXISTS: no error when there is nothing to do */
    bool first;     /* place */
    char *after;    /* NULL: at the end, or where it was */
    bool primary;
    bool plain; /* ADD_KEY: whole columns, no expressions and no prefixes */
    bool by_system_time, counted;
    char *name, *to;
    char *charset, *collation;
    ColumnText *column;
    GPtrArray *columns; /* of char * */
} AlterClause;

typedef struct {
    GPtrArray *clauses; /* of AlterClause, in the order of the text */
} AlterText;

/* NULL: not understood, `why` says so (free with g_free). The text is UTF-8. */
AlterText *alter_text_parse(const char *sql, size_t len, const ColumnContext *context, char **why);
void alter_text_free(AlterText *alter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AlterText, alter_text_free)

/* One column as SHOW CREATE TABLE prints it; NULL: there is none of that name, or it is not understood. */
ColumnText *alter_text_shown_column(const char *create_sql, const char *name, const ColumnContext *context);
/* DEFAULT CHARSET=x COLLATE=y behind the columns of SHOW CREATE TABLE; what is not told stays NULL. */
void alter_text_shown_charset(const char *create_sql, char **charset, char **collation);

#endif
