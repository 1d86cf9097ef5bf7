#include "pipe/detail.h"

#include "pipe/column_counts.h"
#include "pipe/columns.h"
#include "pipe/selection.h"
#include "pipe/settings.h"
#include "pipe/shape.h"

#include <string.h>

/* ---- Finding ---- */

static bool is_called(const CatalogTable *table, const char *name)
{
    g_autofree char *plain = g_strdup_printf("%s.%s", table->database, table->name);
    g_autofree char *written = selection_name(table->database, table->name);
    g_autofree char *shown = printable(plain, 0);
    return strcmp(name, plain) == 0 || strcmp(name, written) == 0 || strcmp(name, shown) == 0;
}

static const char *nearest_table(const GPtrArray *tables, const char *name, char **holder)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < tables->len; i++) {
        const CatalogTable *table = tables->pdata[i];
        bool whole = strchr(name, '.') != NULL;
        g_ptr_array_add(names, whole ? selection_name(table->database, table->name) : g_strdup(table->name));
    }
    g_ptr_array_add(names, NULL);
    return *holder = g_strdup(nearest_name(name, (const char *const *)names->pdata));
}

const CatalogTable *table_find(const GPtrArray *tables, const char *name, GError **error)
{
    const CatalogTable *found = NULL;
    bool several = false;
    for (unsigned pass = 0; pass < 2 && !found; pass++)
        for (unsigned i = 0; i < tables->len; i++) {
            const CatalogTable *table = tables->pdata[i];
            if (pass == 0 ? !is_called(table, name) : strcmp(table->name, name) != 0)
                continue;
            several |= found != NULL;
            found = table;
        }
    if (found && !several)
        return found;
    g_autofree char *shown = printable(name, 128), *nearest = NULL;
    if (several)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "several tables are called %s: name one with its database, db.table", shown);
    else if (nearest_table(tables, name, &nearest))
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "the pipe has no table %s; the nearest name is %s",
                    shown, nearest);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND,
                    "the pipe has no table %s; `sluice tables NAME` lists them", shown);
    return NULL;
}

/* ---- Columns ---- */

static void column_detail_free(ColumnDetail *column)
{
    g_free(column->name);
    g_free(column->type);
    g_free(column->target);
    g_free(column->target_type);
    g_free(column->next);
    g_strfreev(column->samples);
    g_free(column);
}

void table_detail_free(TableDetail *detail)
{
    if (!detail)
        return;
    g_free(detail->database);
    g_free(detail->name);
    g_free(detail->target);
    g_free(detail->engine);
    g_free(detail->key_name);
    g_free(detail->problem);
    g_ptr_array_unref(detail->key);
    g_ptr_array_unref(detail->columns);
    g_free(detail);
}

static void map_column(const SourceTable *definition, unsigned i, const MappingSettings *settings, char **target,
                       char **type)
{
    const SourceColumn *column = &definition->columns[i];
    bool in_key = source_table_column_is_placed(definition, i);
    const char *why;
    *target = *type = NULL;
    if (column->excluded && !in_key)
        return;
    *target = g_strdup(column->as_name ? column->as_name : column->name);
    *type = mapping_column_type(column, in_key, settings, &why);
}

static void add_source_columns(TableDetail *detail, const SourceTable *definition, const MappingSettings *settings,
                               const GPtrArray *counts)
{
    for (unsigned i = 0; i < definition->n_columns; i++) {
        ColumnDetail *column = g_new0(ColumnDetail, 1);
        column->name = g_strdup(definition->columns[i].name);
        column->type = g_strdup(definition->columns[i].type_text);
        column->in_key = source_table_column_in_key(definition, i);
        column->samples = g_new0(char *, COLUMN_SAMPLES + 1);
        map_column(definition, i, settings, &column->target, &column->target_type);
        for (unsigned c = 0; c < counts->len; c++) {
            const ColumnCount *count = counts->pdata[c];
            if (strcmp(count->name, column->name) != 0)
                continue;
            column->counters = count->counters;
            for (unsigned s = 0; s < COLUMN_SAMPLES; s++)
                column->samples[s] = g_strdup(count->samples[s]);
        }
        g_ptr_array_add(detail->columns, column);
    }
}

/* Those that a destination table has behind the mapped ones. */
static void add_added_columns(TableDetail *detail, SourceTable *definition, const MappingSettings *settings)
{
    g_autoptr(TableMapping) mapping = mapping_new(definition, settings, NULL);
    if (!mapping)
        return; /* it could not have been made */
    g_autoptr(DestTableSpec) spec = dest_table_spec_new("", "");
    mapping_fill_spec(mapping, spec);
    unsigned mapped = 0;
    for (unsigned i = 0; i < detail->columns->len; i++)
        mapped += ((const ColumnDetail *)detail->columns->pdata[i])->target != NULL;
    for (unsigned i = mapped; i < spec->columns->len; i++) {
        const DestColumn *from = spec->columns->pdata[i];
        ColumnDetail *column = g_new0(ColumnDetail, 1);
        column->target = g_strdup(from->name);
        column->target_type = g_strdup(from->type);
        g_ptr_array_add(detail->columns, column);
    }
}

/* ---- What waits ---- */

/* `fresh`: the same definition, that nobody shares. */
static void note_next(TableDetail *detail, SourceTable *fresh, const json_t *set, const MappingSettings *settings)
{
    g_autoptr(GError) error = NULL;
    column_settings_forget(fresh);
    if (!column_settings_apply(set, fresh, &error)) { /* as preflight refuses it: nothing becomes of that */
        detail->problem = g_strdup(error->message);
        return;
    }
    for (unsigned i = 0; i < fresh->n_columns; i++) {
        ColumnDetail *column = detail->columns->pdata[i];
        g_autofree char *target = NULL, *type = NULL;
        map_column(fresh, i, settings, &target, &type);
        if (g_strcmp0(target, column->target) != 0 || g_strcmp0(type, column->target_type) != 0)
            column->next = target ? g_strdup_printf("%s %s", target, type ? type : "?") : g_strdup("left out");
    }
}

/* ---- A table ---- */

static bool fill(TableDetail *detail, const CatalogPipe *pipe, const CatalogTable *table, const json_t *json,
                 GError **error)
{
    g_autoptr(SourceTable) definition = source_table_from_json(json, error);
    g_autoptr(SourceTable) fresh = definition ? source_table_from_json(json, error) : NULL;
    PipeSettings settings;
    if (!fresh || !settings_load(pipe->settings, &settings, error))
        return false;
    MappingSettings shape = settings.mapping;
    shape_from_json(json_object_get(json, "shape"), &shape);
    detail->engine = g_strdup(definition->engine);
    detail->key_name = g_strdup(source_table_key_is_named(definition) ? "setting key" : definition->key_name);
    for (unsigned k = 0; k < definition->n_key; k++)
        g_ptr_array_add(detail->key, g_strdup(definition->columns[definition->key[k]].name));
    g_autoptr(GPtrArray) counts = column_counts_from_json(table->column_counts);
    add_source_columns(detail, definition, &shape, counts);
    add_added_columns(detail, definition, &shape);
    json_t *set = settings_values(pipe->settings);
    note_next(detail, fresh, set, &settings.mapping);
    json_decref(set);
    return true;
}

TableDetail *table_detail_new(const CatalogPipe *pipe, const CatalogTable *table, GError **error)
{
    g_autoptr(TableDetail) detail = g_new0(TableDetail, 1);
    detail->database = g_strdup(table->database);
    detail->name = g_strdup(table->name);
    detail->target = g_strdup(table->target);
    detail->key = g_ptr_array_new_with_free_func(g_free);
    detail->columns = g_ptr_array_new_with_free_func((GDestroyNotify)column_detail_free);
    if (!table->definition)
        return g_steal_pointer(&detail);
    json_t *json = json_loads(table->definition, 0, NULL);
    bool ok = json != NULL;
    if (!ok)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the definition of %s.%s in the catalog is not JSON",
                    table->database, table->name);
    ok = ok && fill(detail, pipe, table, json, error);
    json_decref(json);
    return ok ? g_steal_pointer(&detail) : NULL;
}
