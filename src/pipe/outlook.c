/* outlook.c - what is ahead of a pipe at its source: the headroom, kept up to date, and told before it is gone.
 *
 * While a pipe works, its monitor looks (lag.c). While it is paused or has failed nobody reads, and the log that it
 * needs grows old all the same: then the supervisor has a thread look with a short connection, once a minute.
 */
#include "pipe/outlook.h"

#include <string.h>

#define PERIOD_USEC     (60 * 1000 * 1000)
#define LOOK_STALE_USEC (90 * 1000 * 1000) /* after which a headroom shrinks although nobody could look */
#define RATE_USEC       (60 * 1000 * 1000) /* over which the rate of writing is smoothed */

void log_watch_clear(LogWatch *watch)
{
    if (watch->closed)
        g_hash_table_destroy(watch->closed);
    *watch = (LogWatch){0};
}

/* ---- Facts ---- */

int64_t outlook_bytes_from(const GArray *logs, const char *end_file, uint64_t end_pos, const char *file, uint64_t pos)
{
    int64_t bytes = 0;
    bool found = false;
    for (unsigned i = 0; i < logs->len; i++) {
        const SourceLog *log = &g_array_index(logs, SourceLog, i);
        bool is_end = strcmp(log->file, end_file) == 0;
        uint64_t size = is_end ? end_pos : log->size;
        if (strcmp(log->file, file) == 0) {
            found = true;
            bytes = size > pos ? (int64_t)(size - pos) : 0;
        } else if (found) {
            bytes += (int64_t)size;
        }
        if (is_end)
            break;
    }
    return found ? bytes : -1;
}

/* How fast the source writes. Names are interned. */
static void note_rate(LogWatch *watch, const GArray *logs, const char *end_file, uint64_t end_pos)
{
    int64_t now = clock_monotonic_usec();
    int64_t grown = watch->end_file ? outlook_bytes_from(logs, end_file, end_pos, watch->end_file, watch->end_pos) : -1;
    double elapsed = (double)(now - watch->looked_at);
    if (grown >= 0 && elapsed > 0) {
        double rate = (double)grown / (elapsed / 1e6), weight = MIN(1.0, elapsed / RATE_USEC);
        watch->write_rate = watch->rate_known ? watch->write_rate + weight * (rate - watch->write_rate) : rate;
        watch->rate_known = true;
    } else if (grown < 0) {
        watch->rate_known = false; /* the first look, or another history */
    }
    watch->end_file = end_file;
    watch->end_pos = end_pos;
    watch->looked_at = now;
}

/* When each log was first seen not to be the last one any more. Of those that were closed before we first looked it is
 * not known. */
static void note_closed(LogWatch *watch, const GArray *logs, const char *end_file)
{
    GHashTable *before = watch->closed, *now = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    for (unsigned i = 0; i < logs->len; i++) {
        const char *file = g_array_index(logs, SourceLog, i).file;
        const int64_t *at = before ? g_hash_table_lookup(before, file) : NULL;
        bool is_last = strcmp(file, end_file) == 0;
        int64_t when = is_last || (before && !at) ? 0 : !at ? -1 : *at == 0 ? clock_real_usec() : *at;
        if (!is_last && when == 0)
            when = clock_real_usec(); /* begun and closed between two looks */
        g_hash_table_insert(now, (gpointer)file, g_memdup2(&when, sizeof when));
    }
    if (before)
        g_hash_table_destroy(before);
    watch->closed = now;
}

/* With Pipe.lock held. At most so long, for the position lies before the end of its log. */
static int64_t closed_seconds(const Pipe *pipe)
{
    const char *file = g_intern_string(pipe->applied.file);
    const int64_t *at = g_hash_table_lookup(pipe->logs.closed, file);
    if (!at)
        return -1;
    if (*at == 0)
        return 0;
    if (*at > 0)
        return (clock_real_usec() - *at) / 1000000;
    double lag = lag_seconds_unlocked(pipe);
    return lag >= 0 ? (int64_t)lag : -1;
}

static HeadroomFacts facts_unlocked(const Pipe *pipe, const GArray *logs, const char *end_file, uint64_t end_pos)
{
    HeadroomFacts facts = {.keep_seconds = pipe->limits.keep_seconds,
                           .keep_bytes = pipe->limits.keep_bytes,
                           .closed_seconds = -1,
                           .needed_bytes = -1,
                           .write_rate = pipe->logs.rate_known ? pipe->logs.write_rate : -1};
    if (!pipe->applied.file)
        return facts;
    facts.closed_seconds = closed_seconds(pipe);
    facts.needed_bytes = outlook_bytes_from(logs, end_file, end_pos, pipe->applied.file, 0);
    return facts;
}

/* ---- Telling ---- */

char *outlook_duration(int64_t seconds)
{
    if (seconds < 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " s", seconds);
    if (seconds < 3600)
        return g_strdup_printf("%" G_GINT64_FORMAT " min", seconds / 60);
    if (seconds < 48 * 3600)
        return g_strdup_printf("%" G_GINT64_FORMAT " h %" G_GINT64_FORMAT " min", seconds / 3600, seconds / 60 % 60);
    return g_strdup_printf("%" G_GINT64_FORMAT " days", seconds / 86400);
}

char *outlook_limits_text(const SourceLogLimits *limits)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (limits->time_setting) {
        g_autofree char *kept = outlook_duration(limits->keep_seconds);
        g_string_append_printf(text, "it keeps closed logs for %s (%s", kept, limits->time_setting);
        if (strchr(limits->time_setting, ' '))
            g_string_append(text, ")");
        else
            g_string_append_printf(text, " = %" G_GINT64_FORMAT ")", limits->keep_seconds);
    }
    if (limits->size_setting)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT " bytes of logs (%s)", text->len ? ", and " : "it keeps ",
                               limits->keep_bytes, limits->size_setting);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void tell(Pipe *pipe, int64_t seconds, HeadroomLimit by, const SourceLogLimits *limits, const char *file)
{
    g_autofree char *left = outlook_duration(seconds);
    g_autofree char *kept = outlook_limits_text(limits);
    const char *mend = by == HEADROOM_BY_SIZE ? "raise that size" : limits->time_mend;
    pipe_journal(
        pipe, "engine", "note", NULL,
        "headroom is %s: the source may then purge %s, which this pipe still needs; %s; to keep logs for longer: %s",
        left, file, kept, mend);
}

void outlook_note(Pipe *pipe, const GArray *logs, const char *end_file, uint64_t end_pos)
{
    HeadroomLimit by;
    const char *end = g_intern_string(end_file);

    pthread_mutex_lock(&pipe->lock);
    note_rate(&pipe->logs, logs, end, end_pos);
    note_closed(&pipe->logs, logs, end);
    if (!pipe->limits_known) {
        pthread_mutex_unlock(&pipe->lock);
        return;
    }
    HeadroomFacts facts = facts_unlocked(pipe, logs, end, end_pos);
    int64_t seconds = headroom_seconds(&facts, &by);
    unsigned level = headroom_level(seconds, pipe->headroom_level);
    bool lower = level > pipe->headroom_level;
    pipe->headroom = seconds;
    pipe->headroom_at = clock_monotonic_usec();
    pipe->headroom_level = level;
    SourceLogLimits limits = pipe->limits;
    g_autofree char *file = g_strdup(pipe->applied.file);
    pthread_mutex_unlock(&pipe->lock);
    if (lower)
        tell(pipe, seconds, by, &limits, file);
}

int64_t outlook_headroom_unlocked(const Pipe *pipe)
{
    if (pipe->headroom < 0 || pipe->state == PIPE_COMPLETED)
        return -1;
    int64_t age = clock_monotonic_usec() - pipe->headroom_at;
    return age < LOOK_STALE_USEC ? pipe->headroom : MAX((int64_t)0, pipe->headroom - age / 1000000);
}

bool outlook_ask_limits(Pipe *pipe, SourceConnection *source, GError **error)
{
    SourceLogLimits limits;
    if (!source_log_limits(source, &limits, error))
        return false;
    pthread_mutex_lock(&pipe->lock);
    pipe->limits = limits;
    pipe->limits_known = true;
    pthread_mutex_unlock(&pipe->lock);
    return true;
}

/* ---- Looking while nobody works ---- */

struct Lookout {
    Pipe *pipe;
    Cancel *cancel;
    char *source;
    pthread_t thread;
    bool running;
    _Atomic bool done;
    int64_t next; /* monotonic */
};

Lookout *lookout_new(Pipe *pipe)
{
    Lookout *lookout = g_new0(Lookout, 1);
    lookout->pipe = pipe;
    return lookout;
}

static bool look(Lookout *lookout, SourceConnection *source)
{
    g_autofree char *file = NULL;
    uint64_t pos;

    if (!outlook_ask_limits(lookout->pipe, source, NULL) || !source_log_end(source, &file, &pos, NULL, NULL))
        return false;
    g_autoptr(GArray) logs = source_list_logs(source, NULL);
    if (logs)
        outlook_note(lookout->pipe, logs, file, pos);
    return logs != NULL;
}

/* Its errors are nobody's: a source that cannot be reached is met when the pipe goes on. */
static void *lookout_main(void *data)
{
    Lookout *lookout = data;
    g_autoptr(Url) url = source_url_parse(lookout->source, NULL);
    g_autoptr(SourceConnection) source = url ? source_open(url, lookout->cancel, NULL) : NULL;
    if (source)
        look(lookout, source);
    atomic_store(&lookout->done, true);
    return NULL;
}

static void join(Lookout *lookout)
{
    pthread_join(lookout->thread, NULL);
    cancel_unref(lookout->cancel);
    g_clear_pointer(&lookout->source, g_free);
    lookout->running = false;
}

void lookout_tick(Lookout *lookout)
{
    if (lookout->running && atomic_load(&lookout->done))
        join(lookout);
    if (lookout->running || clock_monotonic_usec() < lookout->next)
        return;
    lookout->next = clock_monotonic_usec() + PERIOD_USEC;
    lookout->cancel = cancel_new();
    pthread_mutex_lock(&lookout->pipe->lock);
    lookout->source = g_strdup(lookout->pipe->record->source);
    pthread_mutex_unlock(&lookout->pipe->lock);
    atomic_store(&lookout->done, false);
    lookout->running = pthread_create(&lookout->thread, NULL, lookout_main, lookout) == 0;
    if (!lookout->running) {
        cancel_unref(lookout->cancel);
        g_clear_pointer(&lookout->source, g_free);
    }
}

void lookout_rest(Lookout *lookout)
{
    lookout->next = 0;
    if (!lookout->running)
        return;
    cancel_request(lookout->cancel);
    join(lookout);
}

void lookout_free(Lookout *lookout)
{
    lookout_rest(lookout);
    g_free(lookout);
}
