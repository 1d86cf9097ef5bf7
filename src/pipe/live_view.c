#include "pipe/live_view.h"

#include "pipe/preflight.h"

#include <string.h>

char *live_view_name(const char *target)
{
    return g_strconcat(target, "_live", NULL);
}

/* Of the view that is there, else of a new one: several tables may have one view. */
static char *view_mark(const Pipe *pipe, Clickhouse *ch, const CatalogTable *table, const char *name, GError **error)
{
    g_autofree char *mark = preflight_mark(pipe->uuid, table->database, table->name);
    g_autofree char *own = g_strconcat(mark, " view", NULL);
    return setup_mark_there(pipe, ch, name, own, error);
}

bool live_view_fits(const SourceTable *definition)
{
    DestEngine kind;
    return dest_engine_find(definition->texts[TABLE_ENGINE], &kind) && kind == DEST_REPLACING;
}

/* Whether the setting was ever given: pipes without it never had views. */
static bool was_set(Pipe *pipe)
{
    json_t *set = pipe_settings_given(pipe);
    bool found = json_object_get(set, "live_view") != NULL;
    json_decref(set);
    return found;
}

static PipeSettings settings_of(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    PipeSettings settings = pipe->settings;
    pthread_mutex_unlock(&pipe->lock);
    return settings;
}

static bool make(const Pipe *pipe, Clickhouse *ch, const CatalogTable *table, const char *prefix, GError **error)
{
    g_autofree char *synced = g_strconcat(prefix, "synced_at", NULL), *deleted = g_strconcat(prefix, "is_deleted", NULL);
    g_autofree char *version = g_strconcat(prefix, "version", NULL);
    g_autofree char *name = live_view_name(table->target), *mark = view_mark(pipe, ch, table, name, error);
    const char *const added[] = {synced, deleted, version, NULL};
    DestView view = {.database = clickhouse_database(ch), .table = table->target, .name = name, .deleted_column = deleted, .added = added, .mark = mark};
    return mark && dest_view_make(ch, &view, error);
}

bool live_view_renew(Pipe *pipe, Clickhouse *ch, PipeTable *table, GError **error)
{
    PipeSettings settings = settings_of(pipe);
    GError *problem = NULL;
    if (!settings.live_view || table->record->twin_of || !live_view_fits(table->definition))
        return true;
    if (!make(pipe, ch, table->record, settings.column_prefix, &problem) && !pipe_note_refused(pipe, problem, error))
        return false;
    atomic_store(&table->viewed, true);
    return true;
}

bool live_view_drop(Pipe *pipe, Clickhouse *ch, const CatalogTable *table, GError **error)
{
    g_autofree char *name = live_view_name(table->target), *mark = NULL;
    GError *problem = NULL;
    if (!was_set(pipe) || ((mark = view_mark(pipe, ch, table, name, &problem)) &&
                           dest_table_drop(ch, clickhouse_database(ch), name, mark, &problem)))
        return true;
    bool others = g_error_matches(problem, SLUICE_ERROR, SLUICE_ERROR_REFUSED);
    if (others)
        g_error_free(problem);
    else
        g_propagate_error(error, problem);
    return others;
}

/* ---- All of a pipe ---- */

static bool wants_view(const PipeTable *table)
{
    return table->definition && table->record->definition && !table->record->twin_of && !atomic_load(&table->viewed) &&
           live_view_fits(table->definition);
}

static bool make_missing(Pipe *pipe, Clickhouse *ch, GError **error)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (wants_view(table) && !live_view_renew(pipe, ch, table, error))
            return false;
    }
    return true;
}

static bool drop_all(Pipe *pipe, Clickhouse *ch, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("sluice pipe=%s ", pipe->uuid);
    g_autoptr(GPtrArray) names = dest_views(ch, prefix, error);
    for (unsigned i = 0; names && i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        g_autofree char *name = live_view_name(table->record->target);
        if (g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL) && !live_view_drop(pipe, ch, table->record, error))
            return false;
        atomic_store(&table->viewed, false);
    }
    return names != NULL;
}

/* Unreachable, it is waited for like everything else; what else a server says of a view holds up no rows. */
static bool is_waited_for(const GError *error)
{
    return g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT) || g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN) ||
           error->domain != CLICKHOUSE_ERROR;
}

bool live_views_settle(Pipe *pipe, GError **error)
{
    bool on = settings_of(pipe).live_view, any = !on && !pipe->views_gone && was_set(pipe);
    for (unsigned i = 0; on && !any && i < pipe->tables->len; i++)
        any = wants_view(pipe->tables->pdata[i]);
    if (!any)
        return true;
    g_autoptr(Clickhouse) ch = setup_open_destination(pipe, pipe->life, error);
    GError *problem = NULL;
    if (!ch)
        return false;
    if (on ? make_missing(pipe, ch, &problem) : drop_all(pipe, ch, &problem)) {
        pipe->views_gone = !on;
        return true;
    }
    if (is_waited_for(problem)) {
        g_propagate_error(error, problem);
        return false;
    }
    pipe_journal(pipe, "error", "note", NULL, "live_view: the views are not %s: %s", on ? "all made" : "dropped", problem->message);
    g_error_free(problem);
    return true;
}
