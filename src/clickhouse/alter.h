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

/* Mutations: what ALTER has left to do with the parts of a table when its definition is the new one already. */
typedef enum {
    MUTATIONS_RENAMING,   /* meanwhile no other ALTER may come: what is renamed might never be found again (26.7) */
    MUTATIONS_OF_COLUMNS, /* RENAME and MODIFY: not done before they are, whatever the proof says; several of them that
                             meet a part at once may never be (26.7) */
    MUTATIONS_ALL         /* of rows too, and those of others */
} MutationKind;
#define CLICKHOUSE_TIMEOUT_EXCEEDED 159
/* Are they done with every part? False: CLICKHOUSE_ERROR, with the code for which the server could not, or 159 where it
 * has not told yet.
 * One that has only parts without rows left is ended (KILL MUTATION); the commands are told in `*ended`, which begins
 * as NULL; free with g_free. Such parts, which TRUNCATE leaves for a time, come back when a server dies. A RENAME
 * cannot be done with them a second time (26.7), and each failure puts off what comes behind it, for up to five
 * minutes. Plain MergeTree alone: there no part comes later to which it would apply. */
bool dest_mutations_are_done(Clickhouse *ch, const char *database, const char *table, MutationKind kind, char **ended,
                             GError **error);

/* RENAME COLUMN is saved in two places, its mutation and the definition; where a plain MergeTree dies between them,
 * parts and definition name columns differently for ever, and values are read as if they had never been written. It
 * saves the mutation first since summer 2026 (ClickHouse issue 113459), and before that the definition. Which is there
 * is told by the number that the last mutation had before, and by the proof in the definition. */
/* 0: there is none, or the table is replicated, where both are one in Keeper. */
bool dest_mutations_last(Clickhouse *ch, const char *database, const char *table, uint64_t *number, GError **error);
/* `began`: is one of the commands a mutation behind that number? `told`: if it is not, that says that there was none:
 * the table is no replicated one, and keeps mutations that are done (100, `finished_mutations_to_keep`). */
bool dest_renames_began(Clickhouse *ch, const char *database, const char *table, const char *commands, uint64_t after,
                        bool *began, bool *told, GError **error);

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
