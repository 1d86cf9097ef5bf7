/* exact.h - tables whose destination keeps every change as a row (MergeTree), or passes each on (Null): what the load reads and what
 * the stream adds must meet at one position, or a change stands there twice (replication.md, Snapshot).
 *
 * Such a table is loaded in one transaction that sees it as it was at the position where the stream begins to follow it, by one
 * reader. When that transaction is lost, to a pause, a broken connection or a crash, its load begins again with an empty table.
 */
#ifndef SLUICE_PIPE_EXACT_H
#define SLUICE_PIPE_EXACT_H

#include "pipe/pipe_private.h"

bool exact_is_defined(const SourceTable *definition);
bool exact_is(const PipeTable *table); /* its definition is known */

/* The supervisor, before a Work runs: loads that were cut off are taken back, so that those tables are set up again. */
bool exact_take_back(Pipe *pipe, GError **error);
/* Behind the set-up: opens the transactions of those that are to be loaded, and moves their beginnings there. */
bool exact_begin(Pipe *pipe, GError **error);
/* A Work runs from here on: what the stream applies is in these tables. */
void exact_follow(Pipe *pipe);
/* No Work runs any more. */
void exact_end(Pipe *pipe);

/* A load is under way that would begin again if the Work were started anew. */
bool exact_is_on(Pipe *pipe);

/* A reader, with load_lock held: the table's transaction is not needed, or of no use, any more. */
void exact_close(PipeTable *table);

#endif
