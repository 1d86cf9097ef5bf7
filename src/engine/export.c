/* export.c - the request `export`: what pipes were created with, without passwords. */
#include "engine/engine_private.h"

#include <string.h>

static json_t *definition(const CatalogPipe *record)
{
    g_autofree char *source = url_redact(record->source), *dest = url_redact(record->dest);
    g_auto(GStrv) lines = g_strsplit(record->tables ? record->tables : "", "\n", -1);
    json_t *tables = json_array(), *settings = settings_values(record->settings);
    for (unsigned i = 0; lines[i]; i++)
        if (*lines[i])
            json_array_append_new(tables, json_string(lines[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", record->name, "source", source, "dest", dest, "mode",
                     record->mode, "tables", tables, "settings", settings ? settings : json_object());
}

static const CatalogPipe *find(const GPtrArray *records, const char *name)
{
    for (unsigned i = 0; i < records->len; i++)
        if (g_strcmp0(((const CatalogPipe *)records->pdata[i])->name, name) == 0)
            return records->pdata[i];
    return NULL;
}

json_t *engine_export(Engine *engine, const json_t *request, GError **error)
{
    const json_t *names = json_object_get(request, "names");
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) records = catalog_pipes(engine->catalog, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (!records)
        return NULL;
    json_t *pipes = json_array();
    for (unsigned i = 0; i < records->len && json_array_size(names) == 0; i++)
        json_array_append_new(pipes, definition(records->pdata[i]));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const CatalogPipe *record = find(records, name);
        if (!record) {
            g_autofree char *shown = printable(name ? name : "(not text)", 64);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them",
                        shown);
            json_decref(pipes);
            return NULL;
        }
        json_array_append_new(pipes, definition(record));
    }
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "pipes", pipes);
    return answer;
}
