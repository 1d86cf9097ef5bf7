/* pipe.c - a pipe and its tables, as they are made from the catalog, started, asked, and freed. */
#include "pipe/supervisor.h"
#include "pipe/verify.h"

#include <string.h>

#define MAILBOX 4096

static const char *const table_states[] = {"waiting", "loading", "live", "failed", "dropped", "kept"};

const char *table_state_name(TableState state)
{
    return table_states[state];
}

bool table_state_parse(const char *name, TableState *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(table_states); i++)
        if (name && strcmp(table_states[i], name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

bool table_state_is_followed(TableState state)
{
    return table_state_wants_loading(state) || state == TABLE_LIVE;
}

bool table_state_wants_loading(TableState state)
{
    return state == TABLE_WAITING || state == TABLE_LOADING;
}

bool pipe_table_wants_loading(const PipeTable *table)
{
    int state = atomic_load(&table->state);
    return table_state_wants_loading(state);
}

/* ---- Making and freeing ---- */

static void pipe_table_free(PipeTable *table)
{
    snapshot_forget(table);
    source_close(table->consistent);
    g_free(table->read_gtid);
    catalog_table_free(table->record);
    if (table->column_counts)
        g_ptr_array_free(table->column_counts, TRUE);
    if (table->definition)
        source_table_unref(table->definition);
    gtid_set_free(table->begin_set);
    g_free(table);
}

PipeTable *pipe_table_new(CatalogTable *record_take, GError **error)
{
    PipeTable *table = g_new0(PipeTable, 1);
    TableState state = TABLE_WAITING;

    table->record = record_take;
    g_queue_init(&table->chunks);
    table_state_parse(record_take->state, &state);
    atomic_store(&table->state, (int)state);
    atomic_store(&table->rows_done, record_take->rows_done);
    atomic_store(&table->parts, -1);
    table->read_gtid = record_take->loaded ? g_strdup(record_take->read_gtid) : NULL;
    table->column_counts = column_counts_from_json(record_take->column_counts);
    if (record_take->definition) {
        json_t *json = json_loads(record_take->definition, 0, NULL);
        table->definition = json ? source_table_from_json(json, error) : NULL;
        shape_from_json(json_object_get(json, "shape"), &table->shape);
        json_decref(json);
        if (!table->definition) {
            if (!json)
                g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the definition of %s.%s in the catalog is not JSON",
                            record_take->database, record_take->name);
            pipe_table_free(table);
            return NULL;
        }
    }
    return table;
}

static bool load_tables(Pipe *pipe, GError **error)
{
    g_autoptr(GPtrArray) records = catalog_tables(pipe->catalog, pipe->id, error);
    if (!records)
        return false;
    g_ptr_array_set_free_func(records, NULL); /* each is taken by its table */
    bool ok = true;
    for (unsigned i = 0; i < records->len; i++) {
        PipeTable *table = ok ? pipe_table_new(records->pdata[i], error) : NULL;
        if (table)
            g_ptr_array_add(pipe->tables, table);
        else if (!ok)
            catalog_table_free(records->pdata[i]);
        ok = ok && table;
    }
    return ok && catalog_checkpoint_load(pipe->catalog, pipe->id, &pipe->applied, error);
}

static bool load_state(Pipe *pipe, GError **error)
{
    const CatalogPipe *record = pipe->record;
    if (!pipe_state_parse(record->state, &pipe->state) || !pipe_mode_parse(record->mode, &pipe->mode)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "pipe %s has an unknown state or mode in the catalog: a newer sluice wrote it",
                    record->name);
        return false;
    }
    if (!pipe_state_parse(record->return_state, &pipe->back))
        pipe->back = PIPE_RUNNING;
    return settings_load(record->settings, &pipe->settings, error);
}

Pipe *pipe_new_take(const PipeEnv *env, CatalogPipe *record, GError **error)
{
    Pipe *pipe = g_new0(Pipe, 1);

    pipe->env = env;
    pipe->record = record;
    pipe->id = record->id;
    pipe->uuid = g_strdup(record->uuid);
    pipe->name = g_strdup(record->name);
    pipe->account = budget_account_new(env->budget, budget_limit(env->budget) / 16);
    pipe->mailbox = queue_new(MAILBOX, (GDestroyNotify)message_free, NULL);
    pipe->life = cancel_new();
    pipe->tables = g_ptr_array_new_with_free_func((GDestroyNotify)pipe_table_free);
    pipe->lag_bytes = pipe->headroom = pipe->dest_free_bytes = -1;
    pipe->time_read = pipe->time_build = pipe->time_send = -1;
    history_store_open(pipe);
    pthread_mutex_init(&pipe->catalog_lock, NULL);
    pthread_mutex_init(&pipe->load_lock, NULL);
    pthread_mutex_init(&pipe->spares_lock, NULL);
    pthread_mutex_init(&pipe->repair_lock, NULL);
    pthread_mutex_init(&pipe->lock, NULL);
    pipe->catalog = catalog_open(env->state_dir, error);
    if (!pipe->catalog || !load_state(pipe, error) || !load_tables(pipe, error) || !history_store_load(pipe, error)) {
        pipe_free(pipe);
        return NULL;
    }
    pipe->resyncing = resync_is_on(pipe);
    if (pipe->applied.source_time)
        pipe->fresh_until = pipe->applied.source_time;
    return pipe;
}

void message_free(Message *message)
{
    if (!message)
        return;
    g_clear_error(&message->error);
    if (message->tables)
        g_ptr_array_unref(message->tables);
    if (message->added)
        g_ptr_array_unref(message->added);
    pipe_reposition_free(message->to);
    g_free(message->selection);
    g_free(message);
}

bool pipe_has_applied(const Pipe *pipe, const char *file, uint64_t pos)
{
    const CatalogCheckpoint *applied = &pipe->applied;
    return applied->file && (!file || binlog_position_compare(applied->file, applied->pos, file, pos) >= 0);
}

void pipe_free(Pipe *pipe)
{
    if (!pipe)
        return;
    if (pipe->started) {
        pipe_stop(pipe);
        pthread_join(pipe->supervisor, NULL);
    }
    verify_free(pipe->verify);
    queue_free(pipe->mailbox);
    cancel_unref(pipe->life);
    g_ptr_array_free(pipe->tables, TRUE);
    catalog_close(pipe->catalog);
    catalog_checkpoint_clear(&pipe->applied);
    catalog_pipe_free(pipe->record);
    pipe_stalls_reset(pipe);
    log_watch_clear(&pipe->logs);
    history_clear(&pipe->history);
    history_clear(&pipe->coarse);
    budget_account_unref(pipe->account);
    pthread_mutex_destroy(&pipe->catalog_lock);
    pthread_mutex_destroy(&pipe->load_lock);
    pthread_mutex_destroy(&pipe->spares_lock);
    pthread_mutex_destroy(&pipe->repair_lock);
    pthread_mutex_destroy(&pipe->lock);
    if (pipe->settings_shown)
        g_ptr_array_unref(pipe->settings_shown);
    g_free(pipe->source_version);
    g_free(pipe->dest_version);
    g_free(pipe->activity);
    g_free(pipe->paused_by);
    g_free(pipe->uuid);
    g_free(pipe->name);
    g_free(pipe);
}

/* ---- The face ---- */

void pipe_post(Pipe *pipe, MessageKind kind)
{
    Message *message = g_new0(Message, 1);
    message->kind = kind;
    if (!queue_push_take(pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
}

void pipe_start(Pipe *pipe, bool paused)
{
    if (paused && (pipe->state == PIPE_SNAPSHOT || pipe->state == PIPE_RUNNING || pipe->state == PIPE_RESYNC)) {
        supervisor_pause_first(pipe);
    } else if (paused && pipe->state == PIPE_MODIFYING) {
        pipe->back = PIPE_PAUSED; /* tables that are to leave do */
    }
    int rc = pthread_create(&pipe->supervisor, NULL, supervisor_main, pipe);
    g_assert(rc == 0);
    pipe->started = true;
}

void pipe_stop(Pipe *pipe)
{
    pipe_post(pipe, MESSAGE_STOP);
    cancel_request(pipe->life);
}

bool pipe_is_dropped(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    bool dropped = pipe->dropped;
    pthread_mutex_unlock(&pipe->lock);
    return dropped;
}

bool pipe_set_settings(Pipe *pipe, const char *settings, GError **error)
{
    PipeSettings parsed;
    if (!settings_load(settings, &parsed, error))
        return false;
    pthread_mutex_lock(&pipe->catalog_lock);
    bool ok = catalog_pipe_set_settings(pipe->catalog, pipe->id, settings, error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    if (!ok)
        return false;
    pthread_mutex_lock(&pipe->lock);
    pipe->settings = parsed;
    pipe->settings.mapping.column_prefix = pipe->settings.column_prefix;
    g_free(pipe->record->settings);
    pipe->record->settings = g_strdup(settings);
    pthread_mutex_unlock(&pipe->lock);
    pipe_post(pipe, MESSAGE_SETTINGS);
    return true;
}

json_t *pipe_settings_given(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    json_t *set = settings_values(pipe->record->settings);
    pthread_mutex_unlock(&pipe->lock);
    return set;
}

const char *pipe_name(const Pipe *pipe)
{
    return pipe->name;
}
