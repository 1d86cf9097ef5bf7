/* status.c - what a pipe shows: rates, history, and a copy of everything for whoever draws it. */
#include "pipe/columns.h"
#include "pipe/outlook.h"
#include "pipe/trend.h"
#include "pipe/verify.h"

#include <string.h>

#define SMOOTH 0.4 /* weight of the newest second in the rates shown */

/* ---- Once a second ---- */

static double per_second(uint64_t now, uint64_t *before, double seconds)
{
    double rate = seconds > 0 ? (double)(now - *before) / seconds : 0;
    *before = now;
    return rate;
}

static void share_time(Pipe *pipe, double read, double build, double send)
{
    double sum = read + build + send;
    if (sum < 1000) { /* next to nothing was done in this second */
        pipe->time_read = pipe->time_build = pipe->time_send = -1;
        return;
    }
    pipe->time_read = read / sum;
    pipe->time_build = build / sum;
    pipe->time_send = send / sum;
}

/* What was acknowledged since the last look. */
static HistorySample sample_inserts(Pipe *pipe)
{
    uint64_t inserts = atomic_load(&pipe->total_inserts);
    HistorySample sample = {.n_inserts = inserts - pipe->sampled_inserts,
                            .n_rows = atomic_load(&pipe->total_rows) - pipe->sampled_rows,
                            .n_bytes = atomic_load(&pipe->total_bytes) - pipe->sampled_bytes};
    pipe->sampled_inserts = inserts;
    return sample;
}

void status_sample(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    int64_t now = clock_monotonic_usec();
    double seconds = pipe->sampled_at ? (double)(now - pipe->sampled_at) / 1e6 : 0;
    HistorySample sample = sample_inserts(pipe);
    double rows = sample.rows = per_second(atomic_load(&pipe->total_rows), &pipe->sampled_rows, seconds);
    double bytes = sample.bytes = per_second(atomic_load(&pipe->total_bytes), &pipe->sampled_bytes, seconds);
    double read = per_second(atomic_load(&pipe->read_usec), &pipe->sampled_read, seconds);
    double build = per_second(atomic_load(&pipe->build_usec), &pipe->sampled_build, seconds);
    double send = per_second(atomic_load(&pipe->send_usec), &pipe->sampled_send, seconds);
    pipe->sampled_at = now;
    pipe->rows_per_second += SMOOTH * (rows - pipe->rows_per_second);
    pipe->bytes_per_second += SMOOTH * (bytes - pipe->bytes_per_second);
    if (pipe->rows_per_second < 0.05)
        pipe->rows_per_second = pipe->bytes_per_second = 0;
    share_time(pipe, read, build, send);
    sample.lag = lag_seconds_unlocked(pipe);
    history_add(&pipe->history, clock_real_usec(), &sample);
    bool closed = history_add(&pipe->coarse, clock_real_usec(), &sample);
    pthread_mutex_unlock(&pipe->lock);
    if (closed)
        history_store_save(pipe, false);
    if (atomic_load(&pipe->caught_up) || budget_full(pipe->account))
        spares_drop(pipe);
}

/* ---- The copy ---- */

static void table_status_free(PipeTableStatus *table)
{
    g_free(table->source);
    g_free(table->target);
    g_free(table->state);
    g_free(table->error);
    g_ptr_array_free(table->columns, TRUE);
    g_free(table);
}

void pipe_status_free(PipeStatus *status)
{
    if (!status)
        return;
    char *texts[] = {status->name,           status->state,        status->mode,            status->source,
                     status->dest,           status->source_version, status->dest_version,  status->error,
                     status->stalled_message, status->position_file, status->position_gtid, status->activity,
                     status->paused_by};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_ptr_array_free(status->tables, TRUE);
    g_ptr_array_free(status->settings, TRUE);
    verify_report_free(status->verify);
    g_free(status);
}

static void setting_free(PipeSetting *setting)
{
    g_free(setting->name);
    g_free(setting->value);
    g_free(setting);
}

static int setting_compare(const void *a, const void *b)
{
    return strcmp((*(PipeSetting *const *)a)->name, (*(PipeSetting *const *)b)->name);
}

static void add_setting(GPtrArray *settings, const char *name, const char *value, bool waits)
{
    PipeSetting *setting = g_new(PipeSetting, 1);
    *setting = (PipeSetting){g_strdup(name), g_strdup(value), waits};
    g_ptr_array_add(settings, setting);
}

/* What tables were made with: their shapes, and definitions that hold what was said of their columns. */
typedef struct {
    GPtrArray *shapes;      /* of const MappingSettings */
    GPtrArray *definitions; /* of const SourceTable */
} Made;

static bool shape_waits(const char *name, const MappingSettings *now, const Made *made)
{
    for (unsigned i = 0; i < made->shapes->len; i++)
        if (!shape_same(made->shapes->pdata[i], now) && shape_setting_differs(name, made->shapes->pdata[i], now))
            return true;
    return false;
}

/* Those that have not their default, or wait for tables that were made with another value. */
static GPtrArray *settings_shown(const char *text, const MappingSettings *now, const Made *made)
{
    GPtrArray *shown = g_ptr_array_new_with_free_func((GDestroyNotify)setting_free);
    json_t *set = settings_values(text), *value;
    const SettingInfo *info;
    const char *name;
    for (unsigned i = 0; (info = settings_info(i)); i++) {
        const char *given = json_string_value(json_object_get(set, info->name));
        bool waits = shape_waits(info->name, now, made);
        if (waits || (given && strcmp(given, info->initial) != 0))
            add_setting(shown, info->name, given ? given : info->initial, waits);
    }
    json_object_foreach(set, name, value)
    {
        const char *given = json_string_value(value);
        if (given && *given && column_setting_is(name, NULL))
            add_setting(shown, name, given, !column_setting_in_effect(name, given, made->definitions));
    }
    json_decref(set);
    g_ptr_array_sort(shown, setting_compare);
    return shown;
}

/* From what the catalog keeps of the tables; one that cannot be read has nothing to tell. */
static GPtrArray *settings_shown_offline(const CatalogPipe *record, const GPtrArray *tables)
{
    PipeSettings settings;
    g_autoptr(GPtrArray) shapes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) definitions = g_ptr_array_new_with_free_func((GDestroyNotify)source_table_unref);
    Made made = {shapes, definitions};
    bool known = settings_load(record->settings, &settings, NULL);
    for (unsigned i = 0; known && i < tables->len; i++) {
        const CatalogTable *table = tables->pdata[i];
        json_t *json = table->definition ? json_loads(table->definition, 0, NULL) : NULL;
        SourceTable *definition = json ? source_table_from_json(json, NULL) : NULL;
        if (definition) {
            MappingSettings *shape = g_memdup2(&settings.mapping, sizeof settings.mapping);
            shape_from_json(json_object_get(json, "shape"), shape);
            g_ptr_array_add(shapes, shape);
            g_ptr_array_add(definitions, definition);
        }
        json_decref(json);
    }
    return settings_shown(record->settings, &settings.mapping, &made);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* With Pipe.lock held. Made anew only when settings or tables are others: patterns against thousands of tables take
 * time. */
static GPtrArray *settings_shown_running(Pipe *pipe)
{
    uint64_t hash = g_str_hash(pipe->record->settings ? pipe->record->settings : "");
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *table = pipe->tables->pdata[i];
        hash = mix(mix(hash, (uint64_t)(uintptr_t)table->definition), (uint64_t)table->record->generation);
    }
    if (!pipe->settings_shown || hash != pipe->settings_shown_of) {
        g_autoptr(GPtrArray) shapes = g_ptr_array_new(), definitions = g_ptr_array_new();
        for (unsigned i = 0; i < pipe->tables->len; i++) {
            PipeTable *table = pipe->tables->pdata[i];
            if (!table->record->definition || !table->definition)
                continue;
            g_ptr_array_add(shapes, &table->shape);
            g_ptr_array_add(definitions, table->definition);
        }
        Made made = {shapes, definitions};
        if (pipe->settings_shown)
            g_ptr_array_unref(pipe->settings_shown);
        pipe->settings_shown = settings_shown(pipe->record->settings, &pipe->settings.mapping, &made);
        pipe->settings_shown_of = hash;
    }
    GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)setting_free);
    for (unsigned i = 0; i < pipe->settings_shown->len; i++) {
        const PipeSetting *setting = pipe->settings_shown->pdata[i];
        add_setting(copy, setting->name, setting->value, setting->waits);
    }
    return copy;
}

static PipeStatus *status_new(const CatalogPipe *record, const CatalogCheckpoint *applied)
{
    PipeStatus *status = g_new0(PipeStatus, 1);
    status->name = g_strdup(record->name);
    status->state = g_strdup(record->state);
    status->mode = g_strdup(record->mode);
    status->source = url_redact(record->source);
    status->dest = url_redact(record->dest);
    status->since = record->since;
    status->error = g_strdup(record->error);
    status->tables = g_ptr_array_new_with_free_func((GDestroyNotify)table_status_free);
    status->lag_seconds = -1;
    status->lag_bytes = status->headroom_seconds = status->catching_up_seconds = -1;
    status->position_pos = -1;
    status->rows_per_second = status->bytes_per_second = -1;
    status->snapshot_rows_done = status->snapshot_rows_estimate = -1;
    status->snapshot_ranges_done = status->snapshot_ranges_total = status->snapshot_eta_seconds = -1;
    status->memory_bytes = status->dest_free_bytes = -1;
    status->time_read = status->time_build = status->time_send = -1;
    if (applied->file || applied->gtid) {
        status->position_file = g_strdup(applied->file);
        status->position_gtid = g_strdup(applied->gtid);
        status->position_pos = applied->file ? (int64_t)applied->pos : -1;
    }
    return status;
}

static PipeTableStatus *table_status_new(const CatalogTable *record, GPtrArray *columns_take)
{
    PipeTableStatus *table = g_new0(PipeTableStatus, 1);
    table->source = g_strdup_printf("%s.%s", record->database, record->name);
    table->target = g_strdup(record->target);
    table->state = g_strdup(record->state);
    table->rows_done = (int64_t)record->rows_done;
    table->rows_estimate = (int64_t)record->rows_estimate;
    table->inserts = (int64_t)record->inserts;
    table->updates = (int64_t)record->updates;
    table->deletes = (int64_t)record->deletes;
    table->last_change = record->last_change;
    table->ranges_done = table->ranges_total = table->parts = -1;
    table->resync_advised = record->resync_advised;
    table->error = g_strdup(record->error);
    table->columns = columns_take;
    return table;
}

/* Of a table and its twin the table is shown. */
static bool has_twin(const GPtrArray *tables, const CatalogTable *table)
{
    for (unsigned i = 0; i < tables->len; i++)
        if (((const CatalogTable *)tables->pdata[i])->twin_of == table->id)
            return true;
    return false;
}

PipeStatus *pipe_status_offline(const CatalogPipe *record, const GPtrArray *tables, const CatalogCheckpoint *checkpoint)
{
    PipeStatus *status = status_new(record, checkpoint);
    status->settings = settings_shown_offline(record, tables);
    for (unsigned i = 0; i < tables->len; i++) {
        const CatalogTable *table = tables->pdata[i];
        if (table->twin_of)
            continue;
        PipeTableStatus *shown = table_status_new(table, column_counts_from_json(table->column_counts));
        if (has_twin(tables, table)) {
            g_free(shown->state);
            shown->state = g_strdup("resyncing");
        }
        g_ptr_array_add(status->tables, shown);
    }
    return status;
}

/* Ranges, when nobody is busy with them (`plans`: load_lock is held): a view never waits for the catalog. */
static void add_progress(const PipeTable *table, bool plans, PipeTableStatus *shown)
{
    unsigned done = 0;
    shown->rows_done = (int64_t)atomic_load(&((PipeTable *)table)->rows_done);
    shown->rows_estimate = MAX((int64_t)table->record->rows_estimate, shown->rows_done);
    if (!plans || !table->plan)
        return;
    shown->ranges_total = range_plan_count(table->plan, &done);
    shown->ranges_done = done;
}

/* A table that is being loaded again is shown once: its own changes, and the progress of its twin. */
static void add_tables(Pipe *pipe, PipeStatus *status, bool plans)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *table = pipe->tables->pdata[i];
        if (table->record->twin_of)
            continue;
        const PipeTable *twin = pipe->resyncing ? resync_twin(pipe, table) : NULL;
        PipeTableStatus *shown = table_status_new(table->record, column_counts_copy(table->column_counts));
        g_free(shown->state);
        shown->state = g_strdup(twin ? "resyncing" : table_state_name(atomic_load(&table->state)));
        shown->parts = atomic_load(&((PipeTable *)table)->parts);
        add_progress(twin ? twin : table, plans, shown);
        g_ptr_array_add(status->tables, shown);
    }
}

static void add_load(Pipe *pipe, PipeStatus *status)
{
    int64_t done = 0, estimate = 0, ranges_done = 0, ranges_total = 0;
    bool any_ranges = false;

    if (pipe->mode == PIPE_MODE_CDC)
        return;
    for (unsigned i = 0; i < status->tables->len; i++) {
        const PipeTableStatus *table = status->tables->pdata[i];
        if (pipe->resyncing && strcmp(table->state, "resyncing") != 0)
            continue; /* not what is being loaded */
        done += table->rows_done;
        estimate += table->rows_estimate;
        if (table->ranges_total < 0)
            continue;
        any_ranges = true;
        ranges_done += table->ranges_done;
        ranges_total += table->ranges_total;
    }
    status->snapshot_rows_done = done;
    status->snapshot_rows_estimate = estimate;
    if (any_ranges) {
        status->snapshot_ranges_done = ranges_done;
        status->snapshot_ranges_total = ranges_total;
    }
    double elapsed = (double)(clock_monotonic_usec() - pipe->load_started) / 1e6;
    int64_t loaded = done - pipe->load_started_rows;
    if (pipe->state == PIPE_SNAPSHOT && loaded > 0 && elapsed > 1 && estimate >= done)
        status->snapshot_eta_seconds = (int64_t)((double)(estimate - done) / ((double)loaded / elapsed) + 0.5);
}

/* The worst stall is the one shown: the catalog's, then the destination's, then the source's. */
static void add_stall(const Pipe *pipe, PipeStatus *status)
{
    for (unsigned side = 0; side < G_N_ELEMENTS(pipe->stalls); side++) {
        const Stall *stall = &pipe->stalls[side];
        if (!stall->on)
            continue;
        g_free(status->stalled_message);
        status->stalled = true;
        status->stalled_needs_operator = stall->needs_operator;
        status->stalled_since = stall->since;
        status->next_try_at = stall->next_try_at;
        status->stalled_side = side;
        status->stalled_code = stall->code;
        status->stalled_tries = stall->tries;
        status->stalled_message = g_strdup(stall->message);
    }
}

PipeStatus *pipe_status(Pipe *pipe)
{
    bool plans = pthread_mutex_trylock(&pipe->load_lock) == 0;
    pthread_mutex_lock(&pipe->lock);
    PipeStatus *status = status_new(pipe->record, &pipe->applied);
    status->settings = settings_shown_running(pipe);
    bool active = pipe->state == PIPE_SNAPSHOT || pipe->state == PIPE_RUNNING || pipe->state == PIPE_PAUSING ||
                  pipe->state == PIPE_RESYNC;
    status->source_version = g_strdup(pipe->source_version);
    status->dest_version = g_strdup(pipe->dest_version);
    status->activity = g_strdup(pipe->activity);
    status->paused_by = g_strdup(pipe->state == PIPE_PAUSED ? pipe->paused_by : NULL);
    status->lag_seconds = lag_seconds_unlocked(pipe);
    status->source_clock_seconds =
        (double)(pipe->source_clock_offset / 100000) / 10; /* finer it would change all the time */
    status->lag_bytes = pipe->lag_bytes;
    status->dest_free_bytes = pipe->dest_free_bytes;
    status->logs_kept = pipe->limits_known && pipe->limits.keep_seconds < 0 && pipe->limits.keep_bytes < 0;
    status->headroom_seconds = outlook_headroom_unlocked(pipe);
    status->rows_per_second = active ? pipe->rows_per_second : 0;
    status->bytes_per_second = active ? pipe->bytes_per_second : 0;
    status->pending = pipe->pending;
    status->verify = pipe->verify ? verify_report_copy(pipe->verify->report, false) : NULL;
    status->readers = pipe->settings.readers;
    status->senders = pipe->settings.senders;
    status->memory_bytes = (int64_t)budget_account_used(pipe->account);
    if (active) {
        status->time_read = pipe->time_read;
        status->time_build = pipe->time_build;
        status->time_send = pipe->time_send;
    }
    const GArray *cells = pipe->history.cells;
    status->n_history = cells->len;
    if (cells->len)
        memcpy(status->history, cells->data, cells->len * sizeof *status->history);
    if (active)
        status->catching_up_seconds = trend_catching_up(status->history, cells->len, status->lag_seconds);
    add_stall(pipe, status);
    add_tables(pipe, status, plans);
    add_load(pipe, status);
    pthread_mutex_unlock(&pipe->lock);
    if (plans)
        pthread_mutex_unlock(&pipe->load_lock);
    return status;
}

TableDetail *pipe_table_detail(Pipe *pipe, const char *name, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    pthread_mutex_lock(&pipe->lock);
    for (unsigned i = 0; i < pipe->tables->len; i++)
        g_ptr_array_add(records, ((const PipeTable *)pipe->tables->pdata[i])->record);
    const CatalogTable *record = table_find(records, name, error);
    TableDetail *detail = record ? table_detail_new(pipe->record, record, error) : NULL;
    pthread_mutex_unlock(&pipe->lock);
    return detail;
}
