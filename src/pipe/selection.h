/* selection.h - which tables a pipe takes: the lists of `--tables` and `--exclude` (commands.md). Pure.
 *
 *   shop.orders, shop.items:shop_items, crm.*, shop.log_*, -shop.log_tmp, `odd.db`.`a,b`, shop.`a-b_`*
 */
#ifndef SLUICE_PIPE_SELECTION_H
#define SLUICE_PIPE_SELECTION_H

#include <glib.h>
#include <stdbool.h>

typedef struct Selection Selection;

/* `lists`, `excludes`: NULL-terminated, each a comma or newline separated list; `excludes` may be NULL.
 * SLUICE_ERROR_USAGE names the item and what is wrong with it. */
Selection *selection_parse(const char *const *lists, const char *const *excludes, GError **error);
void selection_free(Selection *selection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Selection, selection_free)

/* One item a line, as selection_parse takes it. Free with g_free. */
char *selection_text(const Selection *selection);
/* One table's name as selection_parse takes it. Free with g_free. */
char *selection_name(const char *database, const char *table);

/* A list as it is after tables came or went, `more` being such a list and `name` one table. Of a list that says of a table both
 * that it is taken and that it is left out, the latter counts; so what does not hold any more is taken out. Free with g_free. */
char *selection_list_add(const char *list, const char *more, GError **error);
char *selection_list_remove(const char *list, const char *name, GError **error);

/* True when the table is taken; `target` gets the destination table's name (free with g_free). */
bool selection_match(const Selection *selection, const char *database, const char *table, char **target);

/* The items without a wildcard: tables that must exist. */
typedef struct {
    char *database, *table;
} SelectionName;
GPtrArray *selection_exact_names(const Selection *selection); /* of SelectionName, each once, exclusions left out */
bool selection_has_wildcard(const Selection *selection);
GPtrArray *selection_databases(const Selection *selection); /* of char *, each once; exclusions left out */

#endif
