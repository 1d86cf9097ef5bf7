/* layout.h - what an operator says of a destination table in ClickHouse's own text: its engine, ORDER BY, PARTITION BY, TTL
 * (settings.md). Pure.
 *
 * The server judges the texts; here is only what a pipe's rows depend on: which columns they name.
 */
#ifndef SLUICE_CLICKHOUSE_LAYOUT_H
#define SLUICE_CLICKHOUSE_LAYOUT_H

#include <glib.h>
#include <stdbool.h>

/* REPLACING: the newest image of a key wins. APPENDING: every change is a row. NULL: nothing is kept; for views. */
typedef enum { DEST_REPLACING, DEST_APPENDING, DEST_NULL } DestEngine;

#define DEST_ENGINES                                                                                                   \
    "ReplacingMergeTree, MergeTree, both also as Replicated... and Shared..., or Null, without arguments"

/* False: a pipe cannot write to tables of that engine. NULL is the default. */
bool dest_engine_find(const char *name, DestEngine *kind);
bool dest_engine_is_replicated(const char *name); /* its parts go by a keeper, or are shared */

/* The one of the same kind whose parts go to all servers of a cluster; NULL is the default. */
const char *dest_engine_on_cluster(const char *name);

/* NULL, or why the text cannot be taken, whatever the server would say of it. Static. */
const char *dest_layout_malformed(const char *text);
/* Whether it uses that column; too often rather than not. */
bool dest_layout_names(const char *text, const char *column);
/* The list that the text is begins with these columns (of char *), plain and in that order. */
bool dest_layout_begins_with(const char *text, const GPtrArray *columns);
/* The same list, whatever its spaces and outer brackets. */
bool dest_layout_same(const char *a, const char *b);
/* In brackets, as it is to stand in a statement: it cannot end there before its end. */
void dest_layout_append(GString *sql, const char *text);

#endif
