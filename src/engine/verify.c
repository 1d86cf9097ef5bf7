/* verify.c - the requests that begin and cancel a verify, and its result. Its progress is in the picture. */
#include "engine/engine_private.h"

/* With pipes_lock held. */
static Pipe *find(Engine *engine, const json_t *request, GError **error)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    Pipe *pipe = name && engine->started_at ? engine_find_pipe(engine, name) : NULL;
    if (!name)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the request lacks \"name\"");
    else if (!engine->started_at)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING,
                    "no engine runs on %s; start it with sluice run --detach", engine->state_dir);
    else if (!pipe)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them",
                    name);
    return pipe;
}

json_t *engine_verify(Engine *engine, const json_t *request, const GPtrArray *tables, GError **error)
{
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = find(engine, request, error);
    unsigned number = pipe ? pipe_verify(pipe, tables, json_is_true(json_object_get(request, "repair")), error) : 0;
    pthread_mutex_unlock(&engine->pipes_lock);
    if (!number)
        return NULL;
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "number", json_integer(number));
    return answer;
}

json_t *engine_verify_cancel(Engine *engine, const json_t *request, GError **error)
{
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = find(engine, request, error);
    bool ok = pipe && pipe_verify_cancel(pipe, error);
    pthread_mutex_unlock(&engine->pipes_lock);
    return ok ? protocol_ok() : NULL;
}

static json_t *table_to_json(const VerifyTableReport *table)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:b, s:I, s:I, s:s?}", "table", table->table, "rows",
                     (json_int_t)table->rows, "read", (json_int_t)table->read, "differences",
                     (json_int_t)table->differences, "at_least", table->at_least, "repaired",
                     (json_int_t)table->repaired, "unsettled", (json_int_t)table->unsettled, "skipped", table->skipped);
}

static json_t *difference_to_json(const VerifyDifference *difference)
{
    json_t *values = json_array();
    for (unsigned i = 0; i < difference->values->len; i++) {
        const VerifyValue *value = difference->values->pdata[i];
        json_array_append_new(values, json_pack("{s:s, s:s?, s:s?}", "column", value->column, "source", value->source,
                                                "dest", value->dest));
    }
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "table", difference->table, "kind",
                     verify_kind_name(difference->kind), "key", difference->key, "repaired", difference->repaired,
                     "ahead", difference->ahead, "values", values);
}

json_t *engine_verify_result(Engine *engine, const json_t *request, GError **error)
{
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = find(engine, request, error);
    g_autoptr(VerifyReport) report = pipe ? pipe_verify_report(pipe) : NULL;
    pthread_mutex_unlock(&engine->pipes_lock);
    if (!pipe)
        return NULL;
    json_t *answer = protocol_ok(), *tables = json_array(), *listed = json_array();
    for (unsigned i = 0; report && i < report->tables->len; i++)
        json_array_append_new(tables, table_to_json(report->tables->pdata[i]));
    for (unsigned i = 0; report && i < report->listed->len; i++)
        json_array_append_new(listed, difference_to_json(report->listed->pdata[i]));
    json_object_set_new(answer, "number", report ? json_integer(report->number) : json_null());
    json_object_set_new(answer, "tables", tables);
    json_object_set_new(answer, "differences", listed);
    return answer;
}
