#include "pipe/work.h"

#include "pipe/verify.h"

#define INSERTS_WAITING 2 /* per lane and sender: enough to keep them busy, few enough to bound memory */

typedef struct {
    Work *work;
    void *(*function)(void *);
} ThreadStart;

/* Where not all threads could be started none begins: what they post would find no Work, or another. */
static void *thread_main(void *data)
{
    ThreadStart start = *(ThreadStart *)data;
    g_free(data);
    pthread_mutex_lock(&start.work->gate);
    bool go = start.work->go;
    pthread_mutex_unlock(&start.work->gate);
    return go ? start.function(start.work) : NULL;
}

static bool start_thread(Work *work, void *(*function)(void *))
{
    ThreadStart *start = g_new(ThreadStart, 1);
    *start = (ThreadStart){.work = work, .function = function};
    int rc = pthread_create(&work->threads[work->n_threads], NULL, thread_main, start);
    if (rc != 0) {
        g_free(start);
        return false;
    }
    work->n_threads++;
    return true;
}

static bool start_threads(Work *work, unsigned readers, GError **error)
{
    unsigned senders = work->settings.senders;
    bool ok = true;

    work->threads = g_new0(pthread_t, 2 + readers + senders);
    pthread_mutex_lock(&work->gate);
    for (unsigned i = 0; ok && i < senders; i++)
        if ((ok = start_thread(work, sender_main)))
            work->sending_left++;
    for (unsigned i = 0; ok && i < readers; i++)
        if ((ok = start_thread(work, reader_main)))
            work->reading_left++;
    if (ok && (ok = start_thread(work, monitor_main)))
        work->reading_left++;
    if (ok && (ok = start_thread(work, stream_main)))
        work->reading_left++;
    work->go = ok;
    pthread_mutex_unlock(&work->gate);
    if (!ok)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "no more threads can be started; raise the limit of tasks, or lower readers and senders");
    return ok;
}

Work *work_start(Pipe *pipe, bool load, bool stops, GError **error)
{
    g_autofree char *dest = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    g_autoptr(Url) dest_url = dest ? clickhouse_url_parse(dest, error) : NULL;
    g_autoptr(Url) source_url = dest_url ? source_url_parse(pipe->record->source, error) : NULL;

    if (!source_url || !snapshot_restore_plans(pipe, error))
        return NULL;
    Work *work = g_new0(Work, 1);
    work->pipe = pipe;
    pthread_mutex_lock(&pipe->lock);
    work->settings = pipe->settings;
    pthread_mutex_unlock(&pipe->lock);
    work->settings.mapping.column_prefix = work->settings.column_prefix;
    work->source_url = g_steal_pointer(&source_url);
    work->dest_url = g_steal_pointer(&dest_url);
    work->reading = cancel_new();
    work->sending = cancel_new();
    work->sent = cancel_new();
    work->inserts = queue_new(INSERTS_WAITING * work->settings.senders, (GDestroyNotify)insert_free, work->sending);
    work->tracker = batch_tracker_new();
    work->retired = g_ptr_array_new_with_free_func((GDestroyNotify)source_table_unref);
    atomic_store(&work->stops, stops);
    atomic_store(&work->loaded_told, !load);
    pthread_mutex_init(&work->progress_lock, NULL);
    pthread_mutex_init(&work->stop_lock, NULL);
    pthread_mutex_init(&work->gate, NULL);
    if (start_threads(work, load ? work->settings.readers : 0, error))
        return work;
    cancel_request(work->reading);
    cancel_request(work->sending);
    cancel_request(work->sent);
    work_free(work);
    return NULL;
}

/* What a verify is told. */
static const char *const end_words[] = {
    [END_NONE] = "the pipe is stopped",    [END_RESTART] = "the pipe was changed", [END_PAUSE] = "the pipe was paused",
    [END_REACHED] = "the pipe has ended", [END_STOP] = "the engine stops",         [END_FAIL] = "the pipe failed",
    [END_DROP] = "the pipe was dropped",
};

void work_end(Work *work, EndReason reason, int64_t deadline)
{
    if (reason > work->ending || work->ending == END_NONE)
        work->ending = reason;
    if (deadline && (!work->end_deadline || deadline < work->end_deadline))
        work->end_deadline = deadline;
    verify_stop(work->pipe, end_words[work->ending]);
    cancel_request(work->reading);
    if (reason == END_DROP)
        cancel_request(work->sending);
}

bool work_thread_ended(Work *work, bool sender)
{
    unsigned *left = sender ? &work->sending_left : &work->reading_left;
    g_assert(*left > 0);
    (*left)--;
    if (work->reading_left == 0)
        queue_close(work->inserts);
    if (work->sending_left == 0)
        cancel_request(work->sent);
    return work->reading_left == 0 && work->sending_left == 0;
}

void work_enforce_deadline(Work *work)
{
    if (work->ending != END_NONE && work->end_deadline && clock_monotonic_usec() >= work->end_deadline)
        cancel_request(work->sending);
}

void work_free(Work *work)
{
    verify_join(work->pipe);
    for (unsigned i = 0; i < work->n_threads; i++)
        pthread_join(work->threads[i], NULL);
    spares_drop(work->pipe);
    queue_free(work->inserts);
    batch_tracker_free(work->tracker);
    g_ptr_array_unref(work->retired);
    url_free(work->source_url);
    url_free(work->dest_url);
    cancel_unref(work->reading);
    cancel_unref(work->sending);
    cancel_unref(work->sent);
    pthread_mutex_destroy(&work->progress_lock);
    pthread_mutex_destroy(&work->stop_lock);
    pthread_mutex_destroy(&work->gate);
    g_free(work->stop_file);
    g_clear_error(&work->fatal);
    g_free(work->threads);
    g_free(work);
}
