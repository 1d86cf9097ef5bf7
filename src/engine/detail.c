/* detail.c - the request `table`: one table of a pipe with all its columns. */
#include "engine/engine_private.h"

/* The labels of an ENUM may be 64 KB: an answer has an end. */
#define TEXT_MAX 2000

static char *shown(const char *text)
{
    return text ? printable(text, TEXT_MAX) : NULL;
}

static char *key_text(const TableDetail *from)
{
    if (!from->key_name)
        return NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned k = 0; k < from->key->len; k++) {
        g_autofree char *name = shown(from->key->pdata[k]);
        g_string_append_printf(text, "%s%s", k ? ", " : "", name);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char **samples_shown(char *const *samples)
{
    GPtrArray *texts = g_ptr_array_new();
    for (; samples && *samples; samples++)
        g_ptr_array_add(texts, shown(*samples));
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

static Detail *detail_of(const TableDetail *from)
{
    g_autofree char *source = g_strdup_printf("%s.%s", from->database, from->name);
    Detail *to = detail_new();
    to->source = shown(source);
    to->target = shown(from->target);
    to->engine = shown(from->engine);
    to->key = key_text(from);
    to->problem = shown(from->problem);
    to->n_columns = from->columns->len;
    to->columns = g_new0(DetailColumn, to->n_columns);
    for (unsigned i = 0; i < to->n_columns; i++) {
        const ColumnDetail *column = from->columns->pdata[i];
        to->columns[i] = (DetailColumn){.name = shown(column->name),
                                        .type = shown(column->type),
                                        .target = shown(column->target),
                                        .target_type = shown(column->target_type),
                                        .next = shown(column->next),
                                        .in_key = column->in_key,
                                        .zero_dates = (int64_t)column->counters.converted_zero_dates,
                                        .clamped = (int64_t)column->counters.clamped,
                                        .undecodable = (int64_t)column->counters.undecodable,
                                        .samples = samples_shown(column->samples)};
    }
    return to;
}

/* As the catalog has it, for when none run. */
static TableDetail *detail_offline(Engine *engine, const char *name, const char *table, GError **error)
{
    TableDetail *detail = NULL;
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(CatalogPipe) record = catalog_pipe_find(engine->catalog, name, error);
    g_autoptr(GPtrArray) tables = record ? catalog_tables(engine->catalog, record->id, error) : NULL;
    pthread_mutex_unlock(&engine->catalog_lock);
    const CatalogTable *found = tables ? table_find(tables, table, error) : NULL;
    if (found)
        detail = table_detail_new(record, found, error);
    return detail;
}

static TableDetail *detail_running(Engine *engine, const char *name, const char *table, GError **error)
{
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = engine_find_pipe(engine, name);
    TableDetail *detail = pipe ? pipe_table_detail(pipe, table, error) : NULL;
    pthread_mutex_unlock(&engine->pipes_lock);
    if (!pipe)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them",
                    name);
    return detail;
}

json_t *engine_table(Engine *engine, const json_t *request, GError **error)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const char *table = json_string_value(json_object_get(request, "table"));
    if (!name || !table) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the request lacks \"%s\"", name ? "table" : "name");
        return NULL;
    }
    g_autoptr(TableDetail) found =
        engine->started_at ? detail_running(engine, name, table, error) : detail_offline(engine, name, table, error);
    if (!found)
        return NULL;
    g_autoptr(Detail) detail = detail_of(found);
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "table", detail_to_json(detail));
    return answer;
}
