/* doctor.c - the request `doctor`: both ends of every pipe looked at. Changes nothing. */
#include "engine/engine_private.h"

#include <string.h>

static json_t *checks_json(const GPtrArray *checks)
{
    static const char *const results[] = {"ok", "warn", "fail"};
    json_t *list = json_array();
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = checks->pdata[i];
        g_autofree char *found = printable(check->found, 0);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "result", results[check->result], "name",
                                              check->name, "found", found, "mend", check->mend));
    }
    return list;
}

static void look_at_source(Engine *engine, const CatalogPipe *pipe, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) url = source_url_parse(pipe->source, &error);
    g_autoptr(SourceConnection) source = url ? source_open(url, engine->life, &error) : NULL;
    if (!source) {
        check_add(checks, CHECK_FAIL, "source", "start the server, or mend host, port, user or password of the source",
                  "%s", error->message);
        return;
    }
    source_preflight_server(source, url, checks);
    if (pipe->identity && strcmp(pipe->identity, source_server(source)->identity) != 0)
        check_add(checks, CHECK_WARN, "identity",
                  "nothing, if it took the first one's place; by GTID the pipe goes on there",
                  "another server answers (%s) than the one that was read", source_server(source)->identity);
}

static void look_at_destination(Engine *engine, const CatalogPipe *pipe, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    bool embedded = g_str_has_prefix(pipe->dest, "embedded:");
    if (embedded && !engine->started_at) {
        check_add(checks, CHECK_OK, "destination", NULL, "the embedded ClickHouse starts with the engine");
        return;
    }
    g_autofree char *dest = engine_resolve_dest(engine, pipe->dest, &error);
    g_autoptr(Url) url = dest ? clickhouse_url_parse(dest, &error) : NULL;
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, engine->life, &error) : NULL;
    if (!ch)
        check_add(checks, CHECK_FAIL, "destination", "see the message", "%s", error->message);
    else
        clickhouse_preflight(ch, checks);
}

json_t *engine_doctor(Engine *engine, const json_t *request, GError **error)
{
    (void)request;
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) records = catalog_pipes(engine->catalog, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (!records)
        return NULL;
    json_t *pipes = json_array();
    for (unsigned i = 0; i < records->len; i++) {
        const CatalogPipe *record = records->pdata[i];
        g_autoptr(GPtrArray) source = check_list_new(), destination = check_list_new();
        look_at_source(engine, record, source);
        look_at_destination(engine, record, destination);
        json_array_append_new(pipes, json_pack("{s:s, s:o, s:o}", "name", record->name, "source", checks_json(source),
                                               "destination", checks_json(destination)));
    }
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "pipes", pipes);
    return answer;
}
