#include "pipe/settings_check.h"

#include "base/base.h"
#include "catalog/catalog.h"
#include "pipe/columns.h"
#include "pipe/selection.h"

#include <string.h>

bool settings_check_mode(const PipeSettings *settings, PipeMode mode, GError **error)
{
    const char *why = NULL;
    if (strcmp(settings->start, "now") != 0 && mode != PIPE_MODE_CDC)
        why = "setting start is for pipes in mode cdc";
    else if (settings->target == TARGET_RESYNC && mode == PIPE_MODE_CDC)
        why = "setting target=resync is for pipes that load tables: mode full or snapshot";
    else if (settings->new_tables_add && mode != PIPE_MODE_FULL)
        why = "setting new_tables=add is for pipes that load tables and then follow the log: mode full";
    if (why)
        g_set_error_literal(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, why);
    return !why;
}

/* Every column that is not left out has a type with these settings. */
static bool types_hold(const SourceTable *definition, const MappingSettings *mapping, GError **error)
{
    for (unsigned i = 0; i < definition->n_columns; i++) {
        const SourceColumn *column = &definition->columns[i];
        const char *why = NULL;
        if (column->excluded)
            continue;
        g_autofree char *type = mapping_column_type(column, source_table_column_is_placed(definition, i), mapping, &why);
        if (type)
            continue;
        g_autofree char *shown = printable(column->name, 64);
        g_autofree char *wanted = printable(column->as_type ? column->as_type : column->type_text, 80);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT, "%s.%s: column %s cannot become %s: %s",
                    definition->database, definition->name, shown, wanted, why ? why : "its type is not known");
        return false;
    }
    g_autoptr(TableMapping) made = definition->n_key ? mapping_new((SourceTable *)definition, mapping, error) : NULL;
    return made || !definition->n_key;
}

static bool check_table(const CatalogTable *table, const json_t *set, const MappingSettings *mapping, GError **error)
{
    json_t *json = json_loads(table->definition, 0, NULL);
    g_autoptr(SourceTable) definition = json ? source_table_from_json(json, NULL) : NULL;
    json_decref(json);
    if (!definition)
        return true; /* what cannot be read is read anew */
    column_settings_forget(definition);
    return column_settings_apply(set, definition, error) && types_hold(definition, mapping, error);
}

/* Of the changes alone: what else may be wrong was so before. */
static bool concerns(const json_t *changes, const CatalogTable *table)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)changes, name, value)
    {
        if (column_setting_names_table(name, table->database, table->name))
            return true;
    }
    return false;
}

static void note_unused(const json_t *changes, const GPtrArray *tables, GPtrArray *notes)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), none = g_ptr_array_new(),
                         checks = check_list_new();
    for (unsigned i = 0; i < tables->len; i++) {
        const CatalogTable *table = tables->pdata[i];
        SelectionName *name = g_new(SelectionName, 1);
        *name = (SelectionName){.database = table->database, .table = table->name};
        g_ptr_array_add(names, name);
    }
    column_settings_check_used(changes, names, none, checks);
    for (unsigned i = 0; i < checks->len; i++)
        g_ptr_array_add(notes, g_strdup(((const Check *)checks->pdata[i])->found));
}

bool settings_check_tables(const json_t *set, const json_t *changes, const GPtrArray *tables, GPtrArray *notes,
                           GError **error)
{
    PipeSettings settings;
    if (!settings_parse(set, &settings, error))
        return false;
    note_unused(changes, tables, notes);
    for (unsigned i = 0; i < tables->len; i++) {
        const CatalogTable *table = tables->pdata[i];
        GError *problem = NULL;
        if (!table->definition || !concerns(changes, table) || check_table(table, set, &settings.mapping, &problem))
            continue;
        bool well = strcmp(table->state, "failed") != 0 && strcmp(table->state, "dropped") != 0;
        if (well) {
            problem->code = SLUICE_ERROR_PREFLIGHT;
            g_propagate_error(error, problem);
            return false;
        }
        g_ptr_array_add(
            notes, g_strdup_printf("%s, as far as is known of the table, which is %s", problem->message, table->state));
        g_error_free(problem);
    }
    return true;
}
