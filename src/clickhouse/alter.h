/* alter.h - changes of destination tables that were made before: ALTER with a proof that it was done, mutations,
 * TRUNCATE.
 *
 * A step that was carried out leaves its proof, a text, in the comment of the version column, in the same ALTER: after
 * a crash it is looked at before anything is done again.
 */
#ifndef SLUICE_CLICKHOUSE_ALTER_H
#define SLUICE_CLICKHOUSE_ALTER_H

#include "clickhouse/http.h"

typedef struct {
    GPtrArray *names; /* of char *: all columns, MATERIALIZED and ALIAS ones too; none: there is no such table */
    char *proof;      /* "" when there is none */
} DestColumns;
DestColumns *dest_columns_look(Clickhouse *ch, const char *database, const char *table, const char *version_column,
                               GError **error);
void dest_columns_free(DestColumns *columns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DestColumns, dest_columns_free)

/* Are RENAME and MODIFY COLUMN that were sent before done with all parts of the table? The definition is another one
 * before they are, so the proof does not tell; and several of them that meet a part at once may never be (26.7). False:
 * CLICKHOUSE_ERROR, with the code for which the server could not, or 159 where it has not told yet. */
bool dest_mutations_are_done(Clickhouse *ch, const char *database, const char *table, GError **error);

/* Waits until it is done on every replica, with its mutations. `query_id`: by which insert_kill_all finds it; one whose
 * answer was lost may still run. */
bool dest_table_alter(Clickhouse *ch, const char *database, const char *table, const char *commands,
                      const char *version_column, const char *proof, const char *query_id, GError **error);
char *dest_table_alter_sql(const Clickhouse *ch, const char *database, const char *table, const char *commands,
                           const char *version_column, const char *proof);
/* A mutation: UPDATE or DELETE of rows that are there, waited for on every replica. It may be repeated. */
bool dest_table_mutate(Clickhouse *ch, const char *database, const char *table, const char *commands,
                       const char *query_id, GError **error);
char *dest_table_mutate_sql(const Clickhouse *ch, const char *database, const char *table, const char *commands);
/* The rows with that value in the column. */
bool dest_table_delete_rows(Clickhouse *ch, const char *database, const char *table, const char *column,
                            const char *value, const char *query_id, GError **error);
char *dest_table_truncate_sql(const Clickhouse *ch, const char *database, const char *table);
bool dest_table_truncate(Clickhouse *ch, const char *database, const char *table, const char *query_id, GError **error);

#endif
