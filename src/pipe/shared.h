/* shared.h - several source tables in one destination table (setting source_column): each row has the name of its own
 * in the source column, which is the first of the key, so the same key of two tables is two rows, and a table's rows
 * are deleted by it alone.
 *
 * Who shares a target is told by the target's name. A table and its twin never do: a twin shares with the twins of the
 * others.
 */
#ifndef SLUICE_PIPE_SHARED_H
#define SLUICE_PIPE_SHARED_H

#include "pipe/pipe_private.h"

/* Why two tables cannot have one destination table, the first difference; NULL: they can. Free with g_free. A
 * definition that cannot be mapped at all differs in nothing: others say so. */
char *shared_difference(const SourceTable *a, const MappingSettings *a_settings, const SourceTable *b,
                        const MappingSettings *b_settings);

/* Another table of the pipe with the same target, behind `after` in its list; NULL: no more. `after`: NULL: the first.
 */
PipeTable *shared_next(const Pipe *pipe, const PipeTable *table, const PipeTable *after);
/* Whether a table may come to the target of another one: both have one source column, by the settings or, of a table
 * that is set up, by what it was made with. With Pipe.lock held. */
bool shared_is_meant(const Pipe *pipe, const CatalogTable *table, const PipeTable *other);
bool shared_is(const Pipe *pipe, const PipeTable *table); /* there is one */
/* What the destination's columns are of besides, for schema_change.h: of SharedTable. */
GPtrArray *shared_others(const Pipe *pipe, const PipeTable *table, const PipeSettings *settings);

/* Deletes the table's rows from its target, and none of the others': no insert of the pipe is left that could bring one
 * back. No Work runs. */
bool shared_delete_rows(Pipe *pipe, Clickhouse *ch, const PipeTable *table, GError **error);

#endif
