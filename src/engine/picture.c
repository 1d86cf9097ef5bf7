/* picture.c - the View: what all pipes show, copied into the picture that screens and commands get. */
#include "config.h"

#include "engine/engine_private.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FRESH_USEC    200000
#define JOURNAL_SHOWN 200

static ViewError *error_from_text(const char *text)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    ViewError *error = view_error_from_json(json);
    json_decref(json);
    return error;
}

static void fill_table(ViewTable *to, PipeTableStatus *from)
{
    to->source = printable(from->source, 0);
    to->target = printable(from->target, 0);
    to->state = g_strdup(from->state);
    to->rows_done = from->rows_done;
    to->rows_estimate = from->rows_estimate;
    to->inserts = from->inserts;
    to->updates = from->updates;
    to->deletes = from->deletes;
    to->last_change_at = from->last_change > 0 ? from->last_change : VIEW_UNKNOWN;
    to->ranges_done = from->ranges_done;
    to->ranges_total = from->ranges_total;
    to->parts = from->parts;
    to->resync_advised = from->resync_advised;
    to->error = error_from_text(from->error);
    to->n_columns = from->columns->len;
    to->columns = g_new0(ViewColumn, to->n_columns);
    for (unsigned i = 0; i < to->n_columns; i++) {
        const ColumnCount *count = from->columns->pdata[i];
        to->columns[i] = (ViewColumn){.name = printable(count->name, 0),
                                      .zero_dates = (int64_t)count->counters.converted_zero_dates,
                                      .clamped = (int64_t)count->counters.clamped,
                                      .undecodable = (int64_t)count->counters.undecodable};
    }
}

static ViewStalled *stalled_of(const PipeStatus *from)
{
    if (!from->stalled)
        return NULL;
    ViewStalled *stalled = g_new0(ViewStalled, 1);
    stalled->since = from->stalled_since;
    stalled->next_try_at = from->next_try_at;
    stalled->side = g_strdup(side_name(from->stalled_side));
    stalled->code = from->stalled_code;
    stalled->message = g_strdup(from->stalled_message);
    stalled->tries = from->stalled_tries;
    stalled->needs_operator = from->stalled_needs_operator;
    return stalled;
}

static ViewVerify *verify_of(const VerifyReport *from)
{
    if (!from)
        return NULL;
    ViewVerify *verify = g_new0(ViewVerify, 1);
    *verify = (ViewVerify){.number = from->number,
                           .running = from->running,
                           .repair = from->repair,
                           .started_at = from->started_at,
                           .ended_at = from->ended_at ? from->ended_at : VIEW_UNKNOWN,
                           .table = g_strdup(from->table),
                           .activity = from->activity ? printable(from->activity, 0) : NULL,
                           .stopped = g_strdup(from->stopped),
                           .tables_done = from->tables_done,
                           .n_tables = from->n_tables,
                           .rows = (int64_t)from->rows,
                           .rows_estimate = (int64_t)from->rows_estimate,
                           .ranges = (int64_t)from->ranges,
                           .differences = (int64_t)from->differences,
                           .repaired = (int64_t)from->repaired,
                           .unsettled = (int64_t)from->unsettled,
                           .rows_per_second = from->rows_per_second};
    for (unsigned i = 0; i < from->tables->len; i++)
        verify->skipped += ((const VerifyTableReport *)from->tables->pdata[i])->skipped != NULL;
    return verify;
}

static void fill_pipe(ViewPipe *to, const PipeStatus *from)
{
    to->name = g_strdup(from->name);
    to->state = g_strdup(from->state);
    to->since = from->since;
    to->mode = g_strdup(from->mode);
    to->source = printable(from->source, 0);
    to->dest = printable(from->dest, 0);
    to->source_version = g_strdup(from->source_version);
    to->dest_version = g_strdup(from->dest_version);
    to->stalled = stalled_of(from);
    to->error = error_from_text(from->error);
    to->lag_seconds = from->lag_seconds;
    to->source_clock_seconds = from->source_clock_seconds;
    to->lag_bytes = from->lag_bytes;
    to->headroom_seconds = from->headroom_seconds;
    to->logs_kept = from->logs_kept;
    to->catching_up_seconds = from->catching_up_seconds;
    to->position_file = g_strdup(from->position_file);
    to->position_gtid = g_strdup(from->position_gtid);
    to->position_pos = from->position_pos;
    to->rows_per_second = from->rows_per_second;
    to->bytes_per_second = from->bytes_per_second;
    to->snapshot_rows_done = from->snapshot_rows_done;
    to->snapshot_rows_estimate = from->snapshot_rows_estimate;
    to->snapshot_ranges_done = from->snapshot_ranges_done;
    to->snapshot_ranges_total = from->snapshot_ranges_total;
    to->snapshot_eta_seconds = from->snapshot_eta_seconds;
    to->readers = (int)from->readers;
    to->senders = (int)from->senders;
    to->memory_bytes = from->memory_bytes;
    to->dest_free_bytes = from->dest_free_bytes;
    to->activity = g_strdup(from->activity);
    to->paused_by = g_strdup(from->paused_by);
    to->pending = from->pending;
    to->verify = verify_of(from->verify);
    to->time_read = from->time_read;
    to->time_build = from->time_build;
    to->time_send = from->time_send;
    to->n_tables = from->tables->len;
    to->tables = g_new0(ViewTable, from->tables->len);
    for (unsigned i = 0; i < from->tables->len; i++) {
        fill_table(&to->tables[i], from->tables->pdata[i]);
        to->n_tables_failed += strcmp(to->tables[i].state, "failed") == 0;
    }
    to->n_settings = from->settings->len;
    to->settings = g_new0(ViewSetting, from->settings->len);
    for (unsigned i = 0; i < from->settings->len; i++) {
        const PipeSetting *setting = from->settings->pdata[i];
        to->settings[i] = (ViewSetting){printable(setting->name, 0), printable(setting->value, 0), setting->waits};
    }
    to->n_history = from->n_history;
    to->history = g_new0(ViewHistoryCell, from->n_history);
    engine_fill_history(to->history, from->history, from->n_history);
}

static void fill_journal(Engine *engine, View *view)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) entries = catalog_journal(engine->catalog, NULL, 0, JOURNAL_SHOWN, NULL);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (!entries)
        return;
    view->n_journal = entries->len;
    view->journal = g_new0(ViewJournalEntry, entries->len);
    for (unsigned i = 0; i < entries->len; i++) {
        const CatalogJournalEntry *from = entries->pdata[i];
        ViewJournalEntry *to = &view->journal[i];
        to->id = from->id;
        to->at = from->at;
        to->pipe = g_strdup(from->pipe);
        to->actor = g_strdup(from->actor);
        to->kind = g_strdup(from->kind);
        to->text = printable(from->text, 0);
        to->position = g_strdup(from->position);
    }
}

/* The pipes as the catalog has them, for when none run. */
static GPtrArray *statuses_offline(Engine *engine)
{
    GPtrArray *statuses = g_ptr_array_new_with_free_func((GDestroyNotify)pipe_status_free);
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) records = catalog_pipes(engine->catalog, NULL);
    for (unsigned i = 0; records && i < records->len; i++) {
        const CatalogPipe *record = records->pdata[i];
        CatalogCheckpoint checkpoint = {0};
        g_autoptr(GPtrArray) tables = catalog_tables(engine->catalog, record->id, NULL);
        if (tables && catalog_checkpoint_load(engine->catalog, record->id, &checkpoint, NULL))
            g_ptr_array_add(statuses, pipe_status_offline(record, tables, &checkpoint));
        catalog_checkpoint_clear(&checkpoint);
    }
    pthread_mutex_unlock(&engine->catalog_lock);
    return statuses;
}

static GPtrArray *statuses_running(Engine *engine)
{
    GPtrArray *statuses = g_ptr_array_new_with_free_func((GDestroyNotify)pipe_status_free);
    pthread_mutex_lock(&engine->pipes_lock);
    for (unsigned i = 0; i < engine->pipes->len; i++)
        if (!pipe_is_dropped(engine->pipes->pdata[i]))
            g_ptr_array_add(statuses, pipe_status(engine->pipes->pdata[i]));
    pthread_mutex_unlock(&engine->pipes_lock);
    return statuses;
}

/* Where the catalog is. */
static int64_t disk_free(const char *dir)
{
    struct statvfs disk;
    return statvfs(dir, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : VIEW_UNKNOWN;
}

static View *take_picture(Engine *engine)
{
    g_autoptr(GPtrArray) statuses = engine->started_at ? statuses_running(engine) : statuses_offline(engine);
    View *view = view_new();

    view->pid = engine->started_at ? getpid() : 0;
    view->version = g_strdup(PACKAGE_VERSION);
    view->started_at = engine->started_at ? engine->started_at : VIEW_UNKNOWN;
    view->host = g_strdup(g_get_host_name());
    view->at = clock_real_usec();
    view->disk_free_bytes = disk_free(engine->state_dir);
    view->memory_limit = (int64_t)budget_limit(engine->budget);
    view->memory_used = (int64_t)budget_used(engine->budget);
    view->n_pipes = statuses->len;
    view->pipes = g_new0(ViewPipe, statuses->len);
    for (unsigned i = 0; i < statuses->len; i++)
        fill_pipe(&view->pipes[i], statuses->pdata[i]);
    fill_journal(engine, view);
    return view;
}

View *engine_view(Engine *engine)
{
    pthread_mutex_lock(&engine->view_lock);
    uint64_t changes = engine->changes;
    bool fresh = engine->view && changes == engine->view_changes && clock_monotonic_usec() - engine->view_at < FRESH_USEC;
    View *view = fresh ? view_ref(engine->view) : NULL;
    pthread_mutex_unlock(&engine->view_lock);
    if (view)
        return view;
    view = take_picture(engine); /* two may do so at once: both pictures are true */
    pthread_mutex_lock(&engine->view_lock);
    if (engine->view)
        view_unref(engine->view);
    engine->view = view_ref(view);
    engine->view_at = clock_monotonic_usec();
    engine->view_changes = changes;
    pthread_mutex_unlock(&engine->view_lock);
    return view;
}

void engine_changed(void *data)
{
    Engine *engine = data;
    pthread_mutex_lock(&engine->view_lock);
    engine->changes++;
    pthread_cond_broadcast(&engine->view_changed);
    pthread_mutex_unlock(&engine->view_lock);
}

uint64_t engine_wait_change(Engine *engine, uint64_t seen, int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000000, .tv_nsec = deadline % 1000000 * 1000};
    pthread_mutex_lock(&engine->view_lock);
    while (engine->changes == seen && pthread_cond_timedwait(&engine->view_changed, &engine->view_lock, &until) == 0)
        ;
    uint64_t changes = engine->changes;
    pthread_mutex_unlock(&engine->view_lock);
    return changes;
}
