/* table_alter.h - a recorded definition and a statement: the definition behind it. Pure.
 *
 * The order and meaning of clauses are the servers' (mysql_prepare_alter_table in sql/sql_table.cc). The key that rows
 * are told apart by stays the same as long as it holds, whatever other keys come and go.
 */
#ifndef SLUICE_MYSQL_TABLE_ALTER_H
#define SLUICE_MYSQL_TABLE_ALTER_H

#include "mysql/alter_text.h"

typedef struct {
    SourceTable *table; /* the new definition; its columns have the notes (as_name, ...) of those they were */
    int *origin;        /* of each new column: its index in the old definition, -1: it was added */
    ColumnText **texts; /* of each new column: its text in the statement, NULL: it says nothing of it. Borrowed */
    GArray *dropped;    /* of unsigned: indices in the old definition */
    char *rows;         /* rows change without row events: by what; NULL: they do not */
    char *key_why;      /* the key does not hold any more: why; NULL: it does */
    char *to_database, *to_table; /* what the table is renamed to; NULL: it is not. The definition keeps the old name */
    bool converts;                /* texts change their charset */
} TableChange;

/* `alter` is borrowed and must outlive the change. NULL: the statement does not fit the definition, `why` says so (free
 * with g_free). */
TableChange *table_alter(const SourceTable *old, const AlterText *alter, const ColumnContext *context, char **why);
void table_change_free(TableChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableChange, table_change_free)

/* The change from one definition to another that stands under its name now: columns are the same when their names are.
 * `texts` stay NULL. */
TableChange *table_replace(const SourceTable *old, SourceTable *now);

#endif
