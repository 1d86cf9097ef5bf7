#include "clickhouse/view.h"

#include "clickhouse/request.h"

#include <string.h>

char *dest_view_sql(const Clickhouse *ch, const DestView *view)
{
    GString *sql = g_string_new("CREATE OR REPLACE VIEW ");
    clickhouse_quote_table(sql, view->database, view->name);
    clickhouse_append_cluster(ch, sql);
    g_string_append(sql, " AS SELECT * EXCEPT (");
    for (unsigned i = 0; view->added[i]; i++) {
        g_string_append(sql, i ? ", " : "");
        clickhouse_quote_name(sql, view->added[i]);
    }
    g_string_append(sql, ") FROM ");
    clickhouse_quote_table(sql, view->database, view->table);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, view->deleted_column);
    g_string_append(sql, " = 0 COMMENT ");
    clickhouse_quote_string(sql, view->mark);
    return g_string_free(sql, FALSE);
}

bool dest_view_make(Clickhouse *ch, const DestView *view, GError **error)
{
    GError *problem = NULL;
    g_autofree char *comment = dest_table_comment(ch, view->database, view->name, &problem), *sql = NULL;
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    if (comment && strcmp(comment, view->mark) != 0) {
        g_autofree char *shown = printable(view->name, 100);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                    "the view %s is not made: something of that name is there, which this pipe did not make; rename or drop it, then "
                    "set live_view=off and on again",
                    shown);
        return false;
    }
    sql = dest_view_sql(ch, view);
    return http_has_room(ch, error) && clickhouse_exec(ch, sql, NULL, error);
}

GPtrArray *dest_views(Clickhouse *ch, const char *mark_prefix, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT name FROM system.tables WHERE engine = 'View' AND database = ");
    clickhouse_quote_string(sql, clickhouse_database(ch));
    g_string_append(sql, " AND startsWith(comment, ");
    clickhouse_quote_string(sql, mark_prefix);
    g_string_append(sql, ") ORDER BY name");
    HttpRequest request = {.sql = sql->str, .without_database = true};
    g_autoptr(GPtrArray) rows = http_request_rows(ch, &request, error);
    if (!rows)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < rows->len; i++)
        g_ptr_array_add(names, g_strdup(((char **)rows->pdata[i])[0]));
    return names;
}
