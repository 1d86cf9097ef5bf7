#include "control/view.h"

#include <stdatomic.h>

/* The count stands in front of the picture, so that View itself stays plain data. */
typedef struct {
    atomic_uint refs;
    View view;
} Counted;

static Counted *counted(View *view)
{
    return (Counted *)((char *)view - offsetof(Counted, view));
}

View *view_new(void)
{
    Counted *made = g_new0(Counted, 1);
    atomic_init(&made->refs, 1);
    made->view.started_at = made->view.memory_limit = made->view.memory_used = made->view.disk_free_bytes = VIEW_UNKNOWN;
    return &made->view;
}

View *view_ref(View *view)
{
    atomic_fetch_add(&counted(view)->refs, 1);
    return view;
}

void view_error_free(ViewError *error)
{
    if (error == NULL)
        return;
    g_free(error->message);
    g_free(error->cause);
    g_free(error->what);
    g_free(error->server);
    g_free(error->why);
    g_free(error->lost);
    g_free(error->data);
    g_free(error->prevent);
    g_free(error->oldest_log);
    g_strfreev(error->remedies);
    g_free(error);
}

static void clear_table(ViewTable *table)
{
    g_free(table->source);
    g_free(table->target);
    g_free(table->state);
    view_error_free(table->error);
    for (unsigned i = 0; i < table->n_columns; i++)
        g_free(table->columns[i].name);
    g_free(table->columns);
}

static void clear_pipe(ViewPipe *pipe)
{
    g_free(pipe->name);
    g_free(pipe->state);
    g_free(pipe->mode);
    g_free(pipe->source);
    g_free(pipe->dest);
    g_free(pipe->source_version);
    g_free(pipe->dest_version);
    if (pipe->stalled != NULL) {
        g_free(pipe->stalled->side);
        g_free(pipe->stalled->message);
        g_free(pipe->stalled);
    }
    if (pipe->verify != NULL) {
        g_free(pipe->verify->table);
        g_free(pipe->verify->activity);
        g_free(pipe->verify->stopped);
        g_free(pipe->verify);
    }
    view_error_free(pipe->error);
    g_free(pipe->position_file);
    g_free(pipe->position_gtid);
    g_free(pipe->activity);
    g_free(pipe->paused_by);
    for (unsigned i = 0; i < pipe->n_tables; i++)
        clear_table(&pipe->tables[i]);
    g_free(pipe->tables);
    for (unsigned i = 0; i < pipe->n_settings; i++) {
        g_free(pipe->settings[i].name);
        g_free(pipe->settings[i].value);
    }
    g_free(pipe->settings);
    g_free(pipe->history);
}

void view_unref(View *view)
{
    if (view == NULL || atomic_fetch_sub(&counted(view)->refs, 1) != 1)
        return;
    g_free(view->version);
    g_free(view->host);
    for (unsigned i = 0; i < view->n_pipes; i++)
        clear_pipe(&view->pipes[i]);
    g_free(view->pipes);
    for (unsigned i = 0; i < view->n_journal; i++) {
        ViewJournalEntry *entry = &view->journal[i];
        g_free(entry->pipe);
        g_free(entry->actor);
        g_free(entry->kind);
        g_free(entry->text);
        g_free(entry->position);
    }
    g_free(view->journal);
    g_free(counted(view));
}

bool view_table_loads(const ViewTable *table)
{
    return g_strcmp0(table->state, "loading") == 0 || g_strcmp0(table->state, "resyncing") == 0;
}

bool view_pipe_loaded(const ViewPipe *pipe)
{
    for (unsigned i = 0; i < pipe->n_tables; i++)
        if (g_strcmp0(pipe->tables[i].state, "waiting") == 0 || g_strcmp0(pipe->tables[i].state, "loading") == 0)
            return false;
    return true;
}

char *view_tables_failed(const ViewPipe *pipe)
{
    if (pipe->n_tables_failed < pipe->n_tables)
        return g_strdup_printf("%u of %u tables failed", pipe->n_tables_failed, pipe->n_tables);
    return pipe->n_tables == 1 ? g_strdup("its only table failed")
                               : g_strdup_printf("all %u tables failed", pipe->n_tables);
}

const ViewPipe *view_find_pipe(const View *view, const char *name)
{
    for (unsigned i = 0; i < view->n_pipes; i++) {
        if (g_strcmp0(view->pipes[i].name, name) == 0)
            return &view->pipes[i];
    }
    return NULL;
}
