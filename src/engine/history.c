/* history.c - the request `history`: the figures of a pipe over a day or longer. */
#include "engine/engine_private.h"

static ViewHistoryCell shown(const PipeHistoryCell *cell)
{
    return (ViewHistoryCell){cell->rows, cell->bytes, cell->lag, cell->batch_rows, cell->batch_bytes};
}

void engine_fill_history(ViewHistoryCell *to, const PipeHistoryCell *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = shown(&from[i]);
}

json_t *engine_history(Engine *engine, const json_t *request, GError **error)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    if (!name) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the request lacks \"name\"");
        return NULL;
    }
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = engine_find_pipe(engine, name);
    g_autoptr(GArray) cells = pipe ? pipe_history_coarse(pipe) : NULL;
    pthread_mutex_unlock(&engine->pipes_lock);
    if (!cells) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them",
                    name);
        return NULL;
    }
    g_autofree ViewHistoryCell *to = g_new0(ViewHistoryCell, cells->len);
    engine_fill_history(to, (const PipeHistoryCell *)cells->data, cells->len);
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "cell_seconds", json_integer(PIPE_HISTORY_COARSE));
    json_object_set_new(answer, "cells", view_history_to_json(to, cells->len));
    return answer;
}
