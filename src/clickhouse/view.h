/* view.h - views over destination tables which show the rows that are, without the columns that sluice adds. */
#ifndef SLUICE_CLICKHOUSE_VIEW_H
#define SLUICE_CLICKHOUSE_VIEW_H

#include "clickhouse/table.h"

/* Of one destination table: FINAL, deleted rows left out, `added` (names, NULL ends) left out. */
typedef struct {
    const char *database, *table, *name;
    const char *deleted_column;
    const char *const *added;
    const char *mark; /* COMMENT */
} DestView;

char *dest_view_sql(const Clickhouse *ch, const DestView *view);
/* Made, or made anew: the columns of a view are those that its table had when it was made. What stands under its name without
 * that mark is left alone: SLUICE_ERROR_REFUSED. */
bool dest_view_make(Clickhouse *ch, const DestView *view, GError **error);
/* Names of views in the URL's database whose COMMENT begins so; of char *. */
GPtrArray *dest_views(Clickhouse *ch, const char *mark_prefix, GError **error);

#endif
