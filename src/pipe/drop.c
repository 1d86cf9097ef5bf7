#include "pipe/drop.h"

#include "pipe/live_view.h"
#include "pipe/prepared.h"
#include "pipe/verify.h"

#include <string.h>

/* A table at the destination that is to go. Borrows from its table's record. */
typedef struct {
    const CatalogTable *record;
    const char *target;
    bool has_view; /* the pipe's own table: the view over it goes first */
} Doomed;

static void doom(GArray *list, const CatalogTable *record, const char *target, bool has_view)
{
    Doomed one = {record, target, has_view};
    for (unsigned i = 0; i < list->len; i++) /* of several tables */
        if (strcmp(g_array_index(list, Doomed, i).target, target) == 0)
            return;
    g_array_append_val(list, one);
}

static GArray *list_doomed(const Pipe *pipe, bool drop_target)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Doomed));
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        if (record->twin_of)
            doom(list, record, record->target, false);
        else if (drop_target && record->generation) /* else it was never set up */
            doom(list, record, record->target, true);
        if (record->leftover)
            doom(list, record, record->leftover, false);
    }
    return list;
}

/* One that another made stays, and does not keep the others. */
static bool drop_one(Pipe *pipe, Clickhouse *ch, const Doomed *one, GError **error)
{
    GError *problem = NULL;
    if (one->has_view && !live_view_drop(pipe, ch, one->record, error))
        return false;
    return setup_drop_marked(pipe, ch, one->record, one->target, &problem) || pipe_note_refused(pipe, problem, error);
}

typedef struct {
    Cancel *cancel;
    char *why; /* NULL: it answers */
} Patience;

static void give_up(void *data, const GError *why, unsigned times)
{
    Patience *patience = data;
    (void)times;
    if (!why || patience->why)
        return;
    patience->why = g_strdup(why->message);
    cancel_request(patience->cancel);
}

/* How many of them are gone; `why`: what kept the others. A destination that does not answer is not waited for. */
static unsigned drop_doomed(Pipe *pipe, const GArray *list, char **why)
{
    Patience patience = {.cancel = cancel_new()};
    GError *error = NULL;
    unsigned n = 0;
    Clickhouse *ch = setup_open_destination(pipe, patience.cancel, &error);
    if (ch)
        clickhouse_watch(ch, give_up, &patience);
    while (ch && n < list->len && drop_one(pipe, ch, &g_array_index(list, Doomed, n), &error))
        n++;
    if (ch && !error)
        verify_drop_leftovers(pipe, ch, &error); /* of a verify that was killed */
    if (error)
        *why = patience.why ? g_strdup_printf("the destination does not answer (ping: %s)", patience.why) : g_strdup(error->message);
    g_clear_error(&error);
    clickhouse_free(ch);
    cancel_unref(patience.cancel);
    g_free(patience.why);
    return n;
}

static char *tell_left(const Pipe *pipe, const GArray *list, unsigned from, const char *why)
{
    GString *text = g_string_new("left at the destination, to be dropped there by hand:");
    for (unsigned i = from; i < list->len; i++) {
        g_autofree char *name = printable(g_array_index(list, Doomed, i).target, 0);
        g_string_append_printf(text, "%s %s", i > from ? "," : "", name);
    }
    g_autofree char *cause = printable(why, 500), *dest = url_redact(pipe->record->dest);
    g_string_append_printf(text, "; %s: %s", dest, cause);
    return g_string_free(text, FALSE);
}

bool drop_record(const PipeEnv *env, Catalog *catalog, int64_t pipe_id, const char *uuid, GError **error)
{
    if (!catalog_pipe_drop(catalog, pipe_id, error))
        return false;
    prepared_remove_all(env->state_dir, uuid);
    return true;
}

bool drop_pipe(Pipe *pipe, bool drop_target, char **note, GError **error)
{
    g_autoptr(GArray) list = list_doomed(pipe, drop_target);
    g_autofree char *why = NULL;
    unsigned gone = list->len ? drop_doomed(pipe, list, &why) : 0;

    *note = gone < list->len ? tell_left(pipe, list, gone, why) : NULL;
    FAULT_POINT("drop-tables-gone");
    pthread_mutex_lock(&pipe->catalog_lock);
    bool ok = drop_record(pipe->env, pipe->catalog, pipe->id, pipe->uuid, error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    if (!ok)
        return false;
    if (*note)
        pipe_journal(pipe, "error", "note", NULL, "%s", *note);
    const char *with = drop_target ? ", with its destination tables" : "; its destination tables are kept";
    pipe_journal(pipe, "operator", "note", NULL, "dropped%s", drop_target && *note ? "" : with);
    return true;
}
