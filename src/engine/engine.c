/* engine.c - all pipes together: the state dir with its lock, the catalog, the embedded endpoint, the list of pipes. */
#include "engine/engine_private.h"
#include "engine/events.h"
#include "engine/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_DEFAULT  (128u << 20) /* of blocks, before the settings are read */
#define JOURNAL_DEFAULT (64u << 20)
#define HISTORY_DEFAULT G_TIME_SPAN_DAY
#define EMBEDDED_SCHEME "embedded:"
#define EMBEDDED_DB     "sluice"

/* ---- The lock of the state dir ---- */

static int take_lock(const char *state_dir, GError **error)
{
    g_autofree char *path = g_build_filename(state_dir, "engine.lock", NULL);
    char pid[32] = "";

    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot open %s: %s; use a state dir that we may write to", path,
                    g_strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                    "another engine (pid %s) runs on the state dir %s; stop it with sluice stop, or use another --state-dir",
                    *pid ? g_strstrip(pid) : "unknown", state_dir);
        close(fd);
        return -1;
    }
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot write %s: %s; is the disk full?", path, g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- The embedded endpoint ---- */

/* Started when the first pipe needs it, and again when it has died. */
char *engine_resolve_dest(void *data, const char *dest, GError **error)
{
    Engine *engine = data;
    if (!g_str_has_prefix(dest, EMBEDDED_SCHEME))
        return g_strdup(dest);
    const char *database = dest + strlen(EMBEDDED_SCHEME);
    g_autofree char *dir = g_build_filename(engine->state_dir, "clickhouse", NULL);
    char *url = NULL;

    pthread_mutex_lock(&engine->embedded_lock);
    if (engine->embedded && !embedded_alive(engine->embedded))
        g_clear_pointer(&engine->embedded, embedded_stop);
    if (!engine->embedded)
        engine->embedded = embedded_start(dir, engine->life, error);
    if (engine->embedded)
        url = embedded_url(engine->embedded, *database ? database : EMBEDDED_DB);
    pthread_mutex_unlock(&engine->embedded_lock);
    return url;
}

/* ---- Opening and closing ---- */

static Engine *engine_new(const char *state_dir)
{
    Engine *engine = g_new0(Engine, 1);
    pthread_condattr_t monotonic;

    engine->state_dir = g_strdup(state_dir);
    engine->lock_fd = -1;
    engine->life = cancel_new();
    atomic_init(&engine->journal_size, JOURNAL_DEFAULT);
    atomic_init(&engine->history_kept, HISTORY_DEFAULT);
    engine->pipes = g_ptr_array_new_with_free_func((GDestroyNotify)pipe_free);
    engine->budget = budget_new(MEMORY_DEFAULT);
    pthread_mutex_init(&engine->catalog_lock, NULL);
    pthread_mutex_init(&engine->embedded_lock, NULL);
    pthread_mutex_init(&engine->pipes_lock, NULL);
    pthread_mutex_init(&engine->view_lock, NULL);
    pthread_mutex_init(&engine->texts_lock, NULL);
    pthread_mutex_init(&engine->metrics_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->view_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    engine->env = (PipeEnv){.state_dir = engine->state_dir,
                            .budget = engine->budget,
                            .resolve_dest = engine_resolve_dest,
                            .changed = engine_changed,
                            .data = engine,
                            .history_kept = &engine->history_kept};
    return engine;
}

Engine *engine_open(const char *state_dir, GError **error)
{
    g_autoptr(Engine) engine = engine_new(state_dir);

    if (g_mkdir_with_parents(state_dir, 0700) != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot make the state dir %s: %s; use another --state-dir",
                    state_dir, g_strerror(errno));
        return NULL;
    }
    engine->lock_fd = take_lock(state_dir, error);
    if (engine->lock_fd < 0)
        return NULL;
    engine->catalog = catalog_open(state_dir, error);
    return engine->catalog ? g_steal_pointer(&engine) : NULL;
}

void engine_close(Engine *engine)
{
    if (!engine)
        return;
    events_stop(engine->events);
    metrics_server_stop(engine->metrics);
    /* All are told first, so that they end side by side. */
    for (unsigned i = 0; engine->started_at && i < engine->pipes->len; i++)
        pipe_stop(engine->pipes->pdata[i]);
    g_ptr_array_free(engine->pipes, TRUE);
    if (engine->embedded)
        embedded_stop(engine->embedded);
    catalog_close(engine->catalog);
    budget_unref(engine->budget);
    cancel_unref(engine->life);
    if (engine->view)
        view_unref(engine->view);
    pthread_mutex_destroy(&engine->catalog_lock);
    pthread_mutex_destroy(&engine->embedded_lock);
    pthread_mutex_destroy(&engine->pipes_lock);
    pthread_mutex_destroy(&engine->view_lock);
    pthread_mutex_destroy(&engine->texts_lock);
    pthread_mutex_destroy(&engine->metrics_lock);
    g_free(engine->on_event);
    pthread_cond_destroy(&engine->view_changed);
    if (engine->lock_fd >= 0)
        close(engine->lock_fd);
    g_free(engine->state_dir);
    g_free(engine);
}

/* ---- Pipes ---- */

static int pipe_compare(const void *a, const void *b)
{
    return strcmp(pipe_name(*(Pipe *const *)a), pipe_name(*(Pipe *const *)b));
}

Pipe *engine_find_pipe(Engine *engine, const char *name)
{
    for (unsigned i = 0; i < engine->pipes->len; i++)
        if (strcmp(pipe_name(engine->pipes->pdata[i]), name) == 0 && !pipe_is_dropped(engine->pipes->pdata[i]))
            return engine->pipes->pdata[i];
    return NULL;
}

bool engine_add_pipe(Engine *engine, CatalogPipe *record_take, GError **error)
{
    Pipe *pipe = pipe_new_take(&engine->env, record_take, error);
    if (!pipe)
        return false;
    g_ptr_array_add(engine->pipes, pipe);
    g_ptr_array_sort(engine->pipes, pipe_compare);
    pipe_start(pipe, false);
    engine_changed(engine);
    return true;
}

void engine_reap(Engine *engine)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func((GDestroyNotify)pipe_free);
    pthread_mutex_lock(&engine->pipes_lock);
    for (unsigned i = engine->pipes->len; i-- > 0;)
        if (pipe_is_dropped(engine->pipes->pdata[i]))
            g_ptr_array_add(gone, g_ptr_array_steal_index(engine->pipes, i));
    pthread_mutex_unlock(&engine->pipes_lock);
}

/* Replication does not wait for who watches it. */
static void start_watchers(Engine *engine)
{
    g_autoptr(GError) why = NULL;
    engine->events = events_start(engine);
    if (engine_metrics_start(engine, &why))
        return;
    CatalogJournalEntry entry = {
        .at = clock_real_usec(), .actor = (char *)"engine", .kind = (char *)"note", .text = why->message};
    pthread_mutex_lock(&engine->catalog_lock);
    catalog_journal_add(engine->catalog, &entry, NULL);
    pthread_mutex_unlock(&engine->catalog_lock);
}

bool engine_start(Engine *engine, bool paused, GError **error)
{
    if (!engine_settings_load(engine, error))
        return false;
    g_autoptr(GPtrArray) records = catalog_pipes(engine->catalog, error);
    if (!records)
        return false;
    engine->started_at = clock_real_usec();
    g_ptr_array_set_free_func(records, NULL);
    bool ok = true;
    for (unsigned i = 0; i < records->len; i++) {
        Pipe *pipe = ok ? pipe_new_take(&engine->env, records->pdata[i], error) : NULL;
        if (!ok)
            catalog_pipe_free(records->pdata[i]);
        ok = ok && pipe;
        if (pipe)
            g_ptr_array_add(engine->pipes, pipe);
    }
    if (ok)
        start_watchers(engine);
    for (unsigned i = 0; ok && i < engine->pipes->len; i++)
        pipe_start(engine->pipes->pdata[i], paused);
    return ok;
}
