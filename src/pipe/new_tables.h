/* new_tables.h - tables of the source that newly match a wildcard of the pipe's list (setting `new_tables`).
 *
 * What the source has is listed before the threads of the pipe are started, each time; what matches and is no table of
 * the pipe becomes one, and is set up and loaded as `tables add` does it. Statements of the log only say that there is
 * something to look for: then the threads are started anew, once for all statements that follow each other closely. So
 * nothing depends on a statement being seen: what came while nobody looked is found at the next start.
 */
#ifndef SLUICE_PIPE_NEW_TABLES_H
#define SLUICE_PIPE_NEW_TABLES_H

#include "pipe/pipe_private.h"

/* What the supervisor knows of them; its own. */
typedef struct NewTables NewTables;
NewTables *new_tables_new(void);
void new_tables_free(NewTables *news);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NewTables, new_tables_free)

/* Statements of the log have named tables (of CatalogTable: database, name, and where the statement stands in
 * begin_file and begin_pos). Those that were looked for already are left out. `may_look`: a start now would look. */
void new_tables_named(NewTables *news, Pipe *pipe, const GPtrArray *tables, bool may_look);
/* When the threads are to be started anew for them, monotonic; 0: not. */
int64_t new_tables_due(const NewTables *news);
/* The threads are started: what was not looked for waits for the next start. */
void new_tables_rest(NewTables *news);
/* Looks, where the setting asks for it. No Work runs. `other_server`: the error is that another server answers than the
 * one that is followed. Else an error is one of the source that may pass. */
bool new_tables_look(NewTables *news, Pipe *pipe, bool *other_server, GError **error);

/* It failed before it was set up, or its load is to begin again and could not: nothing of it is followed. Any thread.
 */
bool new_tables_never_began(Pipe *pipe, PipeTable *table);
#endif
