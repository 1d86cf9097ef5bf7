/* lag.c - how far a pipe is behind: a connection of its own asks the source where its log ends, how long it keeps it, and
 * what its clock says. The same thread looks whether the destination still answers. */
#include "pipe/outlook.h"
#include "pipe/room.h"

#include <string.h>

#define PERIOD_USEC           (2 * 1000 * 1000)
#define HEARTBEATS_LATE_SECONDS 5 /* they come every half second */
#define LIMITS_PERIOD_USEC    (60 * 1000 * 1000)
/* An insert may take its time; a server that does not answer a ping meanwhile is not busy but gone. */
#define SILENCE_USEC          (10 * 1000 * 1000)
#define PING_MS               3000
#define UNSENT_PERIODS        5 /* for which the log is ahead of a stream that has nothing to read */
#define LACKING_PERIODS       2 /* for which the server has not executed what it sent: a commit may wait */
#define DOUBT_PERIOD_USEC     (60 * 1000 * 1000)

/* What the monitor remembers from one period to the next. */
typedef struct {
    unsigned silent; /* pings without an answer */
    unsigned unsent; /* periods */
    unsigned lacking; /* periods */
    int64_t next_doubt;
} Watch;

double lag_seconds_unlocked(const Pipe *pipe)
{
    if (pipe->fresh_until == 0 || pipe->state == PIPE_COMPLETED)
        return -1;
    double lag = (double)(clock_real_usec() + pipe->source_clock_offset - pipe->fresh_until) / 1e6;
    /* While heartbeats come nothing is missing; when they stay away, nothing is known any more. */
    if (atomic_load(&pipe->caught_up) && lag < HEARTBEATS_LATE_SECONDS)
        return 0;
    return MAX(lag, 0.0);
}

static bool ask_clock(Pipe *pipe, SourceConnection *source, GError **error)
{
    int64_t before = clock_real_usec();
    g_autofree char *now = source_query_value(source, "SELECT UNIX_TIMESTAMP(NOW(6))", error);
    int64_t after = clock_real_usec();
    if (!now)
        return false;
    int64_t theirs = (int64_t)(g_ascii_strtod(now, NULL) * 1e6);
    pthread_mutex_lock(&pipe->lock);
    pipe->source_clock_offset = theirs - (before + after) / 2;
    pthread_mutex_unlock(&pipe->lock);
    return true;
}

/* After RESET MASTER the server sends heartbeats for ever from the log that it has deleted, and writes into another of the same
 * name [tried on MariaDB 10.11]. Then its log ends before what was read, or it grows and nothing of that is sent. The stream
 * connects anew, which compares the last transaction, and finds out. */
static void doubt(Work *work, bool backwards, bool unsent, bool lacking, Watch *watch)
{
    int64_t now = clock_monotonic_usec();

    watch->unsent = unsent ? watch->unsent + 1 : 0;
    watch->lacking = lacking ? watch->lacking + 1 : 0;
    if ((!backwards && watch->unsent < UNSENT_PERIODS && watch->lacking < LACKING_PERIODS) || now < watch->next_doubt)
        return;
    watch->unsent = watch->lacking = 0;
    watch->next_doubt = now + DOUBT_PERIOD_USEC;
    atomic_store(&work->doubt, true);
}

/* After RESET BINARY LOGS AND GTIDS a MySQL that rotates goes on with its new files, and leaves out what has numbers that we
 * have [tried on 9.7]: places fit again, and rows are missing. That it has not executed what we have tells. */
static bool lacks_gtids(Pipe *pipe, SourceConnection *source, bool *lacking, GError **error)
{
    GError *problem = NULL;
    *lacking = false;
    pthread_mutex_lock(&pipe->lock);
    g_autofree char *gtid = g_strdup(pipe->applied.gtid);
    pthread_mutex_unlock(&pipe->lock);
    if (source_server(source)->flavour != SOURCE_MYSQL || !source_server(source)->gtid || !gtid || !*gtid)
        return true;
    g_autofree char *missing = source_gtids_missing(source, gtid, &problem);
    *lacking = missing != NULL;
    if (!problem)
        return true;
    g_propagate_error(error, problem);
    return false;
}

/* Is it the server that the stream follows? With Pipe.lock held. */
static bool is_followed(const Pipe *pipe, SourceConnection *source)
{
    return g_strcmp0(pipe->record->identity, source_server(source)->identity) == 0;
}

static bool ask_log(Work *work, SourceConnection *source, Watch *watch, GError **error)
{
    Pipe *pipe = work->pipe;
    g_autofree char *file = NULL;
    uint64_t pos;
    bool lacking;

    /* Looked at before the log's end is: ranges that were read after that end would hold later changes. */
    bool loaded = atomic_load(&work->stops) && atomic_load(&work->loaded_told);
    if (!source_log_end(source, &file, &pos, NULL, error) || !lacks_gtids(pipe, source, &lacking, error))
        return false;
    g_autoptr(GArray) logs = source_list_logs(source, error);
    if (!logs)
        return false;
    pthread_mutex_lock(&pipe->lock);
    bool backwards = pipe->applied.file && binlog_position_compare(file, pos, pipe->applied.file, pipe->applied.pos) < 0;
    if (pipe->applied.file)
        pipe->lag_bytes = outlook_bytes_from(logs, file, pos, pipe->applied.file, pipe->applied.pos);
    bool unsent = pipe->lag_bytes > 0 && atomic_load(&pipe->caught_up);
    pthread_mutex_unlock(&pipe->lock);
    doubt(work, backwards, unsent, lacking, watch);
    outlook_note(pipe, logs, file, pos);

    /* A `snapshot` pipe, and a resync before its exchange, stream to where the log ended after the last range was loaded. */
    if (loaded) {
        pthread_mutex_lock(&work->stop_lock);
        /* After a failover it would be a place in the log of the server that was left (stream_failover.c). */
        pthread_mutex_lock(&pipe->lock);
        bool note = !work->stop_file && is_followed(pipe, source);
        pthread_mutex_unlock(&pipe->lock);
        if (note) {
            work->stop_file = g_strdup(file);
            work->stop_pos = pos;
        }
        pthread_mutex_unlock(&work->stop_lock);
        if (note) {
            g_autofree char *position = g_strdup_printf("%s:%" G_GUINT64_FORMAT, file, pos);
            pipe_journal(pipe, "engine", "position", position, "every table is loaded; streaming up to here, then %s",
                         pipe->mode == PIPE_MODE_SNAPSHOT ? "Completed" : "the exchange");
        }
    }
    return true;
}

/* Nobody looks at the log's end any more. */
static void forget_log(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->lag_bytes = -1;
    pthread_mutex_unlock(&pipe->lock);
}

static void note_server(Pipe *pipe, const SourceServer *server)
{
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->source_version);
    const char *flavour = server->flavour == SOURCE_MARIADB ? "MariaDB" : "MySQL";
    pipe->source_version = g_strdup_printf("%s %u.%u.%u", flavour, server->version / 10000, server->version / 100 % 100,
                                           server->version % 100);
    pthread_mutex_unlock(&pipe->lock);
}

static bool ask_destination(Work *work)
{
    g_autoptr(Clickhouse) ch = clickhouse_new(work->dest_url, work->reading, NULL);
    g_autofree char *version = ch && clickhouse_ping(ch, PING_MS, NULL) ? clickhouse_version(ch, NULL) : NULL;
    if (!version)
        return false;
    pthread_mutex_lock(&work->pipe->lock);
    g_free(work->pipe->dest_version);
    work->pipe->dest_version = g_strdup_printf("ClickHouse %s", version);
    pthread_mutex_unlock(&work->pipe->lock);
    return true;
}

/* A destination that takes connections and says nothing would be noticed by the senders only after minutes: their
 * inserts have no time limit. It is shown as stalled, and the inserts go on waiting. `until` ends the ping; `tries`:
 * pings without an answer so far. */
static void watch_destination(Work *work, Cancel *until, unsigned *tries)
{
    int64_t quiet = clock_monotonic_usec() - atomic_load(&work->answered_at);
    if (atomic_load(&work->sending_now) == 0 || quiet < SILENCE_USEC) {
        if (*tries)
            pipe_stall_clear(work->pipe, SIDE_DESTINATION);
        *tries = 0;
        return;
    }
    g_autoptr(GError) error = NULL;
    const PipeEnv *env = work->pipe->env; /* an embedded endpoint may have been started again elsewhere */
    g_autofree char *dest = env->resolve_dest(env->data, work->pipe->record->dest, NULL);
    g_autoptr(Url) url = dest ? clickhouse_url_parse(dest, NULL) : NULL;
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, until, NULL) : NULL;
    if (!ch)
        return;
    if (clickhouse_ping(ch, PING_MS, &error)) {
        if (*tries)
            pipe_stall_clear(work->pipe, SIDE_DESTINATION);
        *tries = 0;
    } else if (!cancel_requested(until)) {
        g_autoptr(GError) silent = g_error_new(CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN,
                                               "the destination has inserts of this pipe and does not answer; see whether it "
                                               "is frozen or overloaded (ping: %s)",
                                               error->message);
        pipe_stall_note(work->pipe, SIDE_DESTINATION, silent, ++*tries, false);
    }
}

/* What was read is still to be sent, and nothing else would tell of a destination that does not answer. */
static void watch_last_inserts(Work *work, unsigned tries)
{
    while (!cancel_sleep(work->sent, PERIOD_USEC))
        watch_destination(work, work->sent, &tries);
    if (tries && !cancel_requested(work->sending)) /* it has answered, or there would be senders left */
        pipe_stall_clear(work->pipe, SIDE_DESTINATION);
    pipe_stalls_leave(work->pipe);
}

/* Its errors are not the pipe's: the stream and the readers report what is wrong with the source. */
void *monitor_main(void *data)
{
    Work *work = data;
    Pipe *pipe = work->pipe;
    SourceConnection *source = NULL;
    int64_t limits_due = 0;
    Watch watch = {0};
    bool known = false;

    do {
        g_autoptr(GError) error = NULL;
        known = known || ask_destination(work);
        watch_destination(work, work->reading, &watch.silent);
        if (!watch.silent)
            room_look(work);
        if (!source && (source = source_open_timeout(work->source_url, SOURCE_ANSWER_SECONDS, work->reading, &error)))
            note_server(pipe, source_server(source));
        pthread_mutex_lock(&pipe->lock);
        bool followed = source && is_followed(pipe, source);
        pthread_mutex_unlock(&pipe->lock);
        if (!followed) { /* the old server may live on, and its log tell nothing of the one that is followed now */
            g_clear_pointer(&source, source_close);
            forget_log(pipe);
            continue;
        }
        bool ok = ask_clock(pipe, source, &error);
        if (ok && clock_monotonic_usec() >= limits_due) {
            ok = outlook_ask_limits(pipe, source, &error);
            limits_due = clock_monotonic_usec() + LIMITS_PERIOD_USEC;
        }
        ok = ok && ask_log(work, source, &watch, &error);
        if (!ok) {
            forget_log(pipe);
            g_clear_pointer(&source, source_close);
        }
    } while (!cancel_sleep(work->reading, atomic_load(&work->stops) ? PERIOD_USEC / 8 : PERIOD_USEC));
    source_close(source);
    forget_log(pipe);
    room_forget(pipe);
    work_thread_done(work, false);
    watch_last_inserts(work, watch.silent);
    return NULL;
}
