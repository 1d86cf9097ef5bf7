/* live_view.h - the setting live_view: a view `<table>_live` over each destination table that keeps several images of a row.
 *
 * It names the table, so it shows what stands there, also after an exchange; its columns are those of the moment when it was made,
 * so it is made anew when they change. Marked like the tables, and only then made anew or dropped.
 */
#ifndef SLUICE_PIPE_LIVE_VIEW_H
#define SLUICE_PIPE_LIVE_VIEW_H

#include "pipe/pipe_private.h"

char *live_view_name(const char *target);           /* free with g_free */
bool live_view_fits(const SourceTable *definition); /* its destination table has images that FINAL tells apart */

/* By the supervisor, while no Work runs: as the setting says. What is refused is told in the journal and keeps nobody. */
bool live_views_settle(Pipe *pipe, GError **error);
/* The table's columns changed. Where the setting is off, nothing. */
bool live_view_renew(Pipe *pipe, Clickhouse *ch, PipeTable *table, GError **error);
/* The table's own, where it has one. */
bool live_view_drop(Pipe *pipe, Clickhouse *ch, const CatalogTable *table, GError **error);

#endif
