#include "pipe/shared.h"

#include "clickhouse/layout.h"
#include "mapping/schema_change.h"
#include "pipe/columns.h"

#include <string.h>

static DestTableSpec *spec_of(const SourceTable *definition, const MappingSettings *settings)
{
    g_autoptr(TableMapping) mapping = mapping_new((SourceTable *)definition, settings, NULL);
    if (!mapping)
        return NULL;
    DestTableSpec *spec = dest_table_spec_new("", "");
    mapping_fill_spec(mapping, spec);
    return spec;
}

char *shared_difference(const SourceTable *a, const MappingSettings *a_settings, const SourceTable *b,
                        const MappingSettings *b_settings)
{
    const char *column = a->texts[TABLE_SOURCE_COLUMN], *other = b->texts[TABLE_SOURCE_COLUMN];
    if (!column || !other)
        return g_strdup(column || other ? "only one of them has a source_column" : "they have no source_column");
    if (strcmp(column, other) != 0)
        return g_strdup_printf("their source_column is %s of one, %s of the other", column, other);
    g_autofree char *value = source_table_value(a), *other_value = source_table_value(b);
    if (strcmp(value, other_value) == 0) /* `a.b`.c and a.`b.c` */
        return g_strdup_printf("%s would be the name of both in column %s", value, column);
    g_autoptr(DestTableSpec) spec = spec_of(a, a_settings);
    g_autoptr(DestTableSpec) other_spec = spec_of(b, b_settings);
    return spec && other_spec ? dest_table_spec_difference(spec, other_spec) : NULL;
}

PipeTable *shared_next(const Pipe *pipe, const PipeTable *table, const PipeTable *after)
{
    bool behind = !after;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *other = pipe->tables->pdata[i];
        if (behind && other != table && strcmp(other->record->target, table->record->target) == 0)
            return other;
        behind = behind || other == after;
    }
    return NULL;
}

bool shared_is_meant(const Pipe *pipe, const CatalogTable *table, const PipeTable *other)
{
    const CatalogTable *record = other->record;
    const SourceTable *definition = other->definition;
    json_t *set = settings_values(pipe->record->settings);
    g_autofree char *column = column_settings_source_column(set, table->database, table->name);
    g_autofree char *its = definition ? g_strdup(definition->texts[TABLE_SOURCE_COLUMN])
                                      : column_settings_source_column(set, record->database, record->name);
    json_decref(set);
    return column && g_strcmp0(column, its) == 0;
}

bool shared_is(const Pipe *pipe, const PipeTable *table)
{
    return shared_next(pipe, table, NULL) != NULL;
}

GPtrArray *shared_others(const Pipe *pipe, const PipeTable *table, const PipeSettings *settings)
{
    GPtrArray *others = g_ptr_array_new_with_free_func(g_free);
    for (PipeTable *other = NULL; (other = shared_next(pipe, table, other));) {
        SourceTable *definition = other->definition;
        if (!definition)
            continue;
        SharedTable *shared = g_new(SharedTable, 1);
        *shared = (SharedTable){.table = definition, .settings = pipe_table_mapping(other, settings)};
        g_ptr_array_add(others, shared);
    }
    return others;
}

/* Its own, or the others': all of one target are alike. NULL: none was ever set up. */
static SourceTable *one_definition(const Pipe *pipe, const PipeTable *table)
{
    SourceTable *definition = table->definition;
    for (PipeTable *other = NULL; !definition && (other = shared_next(pipe, table, other));)
        definition = other->definition;
    return definition;
}

bool shared_delete_rows(Pipe *pipe, Clickhouse *ch, const PipeTable *table, GError **error)
{
    const SourceTable *definition = one_definition(pipe, table);
    const char *column = definition ? definition->texts[TABLE_SOURCE_COLUMN] : NULL;
    g_autofree char *prefix = g_strdup_printf("sluice-%s-", pipe->uuid);
    g_autofree char *value = g_strconcat(table->record->database, ".", table->record->name, NULL);
    g_autofree char *id = g_strdup_printf("%sdelete-%" G_GINT64_FORMAT, prefix, clock_real_usec());
    DestEngine engine;
    if (!column || (dest_engine_find(definition->texts[TABLE_ENGINE], &engine) && engine == DEST_NULL))
        return true; /* nothing of it can be there, or nothing is kept */
    return insert_kill_all(ch, prefix, pipe->life, error) &&
           dest_table_delete_rows(ch, clickhouse_database(ch), table->record->target, column, value, id, error) &&
           insert_kill_all(ch, prefix, pipe->life, error);
}
