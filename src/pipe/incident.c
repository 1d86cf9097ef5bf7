#include "pipe/incident.h"
#include "pipe/json_text.h"
#include "pipe/outlook.h"
#include "pipe/reposition.h"

#include <string.h>

#define JOURNAL_READ   300                       /* entries, to find the last pause */
#define UNREAD_USEC    (INT64_C(60) * 1000000)   /* a running pipe saves its position much more often */
#define AUTO_REST_USEC (INT64_C(3600) * 1000000) /* so long after a resync by itself there is no other one */
#define GTIDS_SHOWN    300

static void set_text_take(json_t *object, const char *name, char *text_take)
{
    if (text_take)
        json_object_set_new(object, name, json_string(text_take));
    g_free(text_take);
}

/* It is a sentence of its own. */
static void set_sentence_take(json_t *object, const char *name, char *text_take)
{
    if (text_take)
        *text_take = g_ascii_toupper(*text_take);
    set_text_take(object, name, text_take);
}

/* ---- What is known without asking anybody ---- */

static char *data_text(const Pipe *pipe)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pipe->tables->len; i++)
        n += !((const PipeTable *)pipe->tables->pdata[i])->record->twin_of;
    g_autofree char *time = reposition_time(pipe->applied.source_time);
    if (!pipe->applied.file && !pipe->applied.gtid)
        return NULL;
    return g_strdup_printf("the %u destination table%s %s everything up to %s and can be queried", n, n == 1 ? "" : "s",
                           n == 1 ? "holds" : "hold", time ? time : "the last good position");
}

/* The last time that the pipe was paused, if it was since its position was saved. */
static bool last_pause(Pipe *pipe, int64_t *from, int64_t *to)
{
    pthread_mutex_lock(&pipe->catalog_lock);
    g_autoptr(GPtrArray) entries = catalog_journal(pipe->catalog, pipe->name, 0, JOURNAL_READ, NULL);
    pthread_mutex_unlock(&pipe->catalog_lock);
    *from = *to = 0;
    for (unsigned i = 0; entries && i < entries->len; i++) {
        const CatalogJournalEntry *entry = entries->pdata[i];
        if (strcmp(entry->kind, "state") != 0)
            continue;
        if (g_str_has_prefix(entry->text, "Pausing → Paused")) {
            *from = entry->at;
            *to = 0;
        } else if (g_str_has_prefix(entry->text, "Paused → ") && *from && !*to) {
            *to = entry->at;
        }
    }
    if (*from && !*to)
        *to = clock_real_usec();
    return *from && *to >= pipe->applied.saved_at;
}

/* For how long nothing was read, and why. NULL: it was read until now. */
static char *unread_text(Pipe *pipe)
{
    int64_t from, to;
    if (last_pause(pipe, &from, &to)) {
        g_autofree char *began = reposition_time(from), *ended = reposition_time(to);
        return g_strdup_printf("the pipe was paused from %s to %s", began, ended);
    }
    if (!pipe->applied.saved_at || clock_real_usec() - pipe->applied.saved_at < UNREAD_USEC)
        return NULL;
    g_autofree char *saved = reposition_time(pipe->applied.saved_at);
    return g_strdup_printf("this pipe could read nothing since %s", saved);
}

/* ---- What the source still has ---- */

typedef struct {
    SourceLogLimits limits;
    bool limits_known, reset; /* reset: its logs are numbered anew, or are another server's */
    const char *oldest;       /* interned; NULL: not known */
    int64_t oldest_began;     /* 0: not known */
    char *gtids;              /* MySQL: the transactions that are gone; NULL: not known */
} Left;

static char *gtids_gone(SourceConnection *source, const char *ours)
{
    if (!ours || source_server(source)->flavour != SOURCE_MYSQL)
        return NULL;
    g_autoptr(GString) sql = g_string_new("SELECT GTID_SUBTRACT(@@GLOBAL.gtid_purged, ");
    source_quote_string(sql, ours);
    g_string_append(sql, ")");
    g_autofree char *gone = source_query_value(source, sql->str, NULL);
    g_autoptr(GtidSet) set = gone && *gone ? gtid_set_parse(SOURCE_MYSQL, gone, NULL) : NULL;
    return set ? gtid_set_text(set) : NULL;
}

static void ask_source(Pipe *pipe, Left *left)
{
    g_autoptr(Url) url = source_url_parse(pipe->record->source, NULL);
    g_autoptr(SourceConnection) source = url ? source_open(url, pipe->life, NULL) : NULL;
    if (!source)
        return;
    left->limits_known = source_log_limits(source, &left->limits, NULL);
    g_autoptr(GArray) logs = source_list_logs(source, NULL);
    if (!logs || !logs->len)
        return;
    left->oldest = g_array_index(logs, SourceLog, 0).file;
    const char *newest = g_array_index(logs, SourceLog, logs->len - 1).file;
    left->reset = pipe->applied.file && binlog_position_compare(newest, 0, pipe->applied.file, 0) < 0;
    left->gtids = gtids_gone(source, pipe->applied.gtid);
    pthread_mutex_lock(&pipe->lock);
    uint32_t id = pipe->settings.server_id ? pipe->settings.server_id : pipe->record->server_id;
    pthread_mutex_unlock(&pipe->lock);
    left->oldest_began = source_log_began(url, left->oldest, id, pipe->life);
}

static char *what_text(const Pipe *pipe, const Left *left)
{
    const char *file = pipe->applied.file;
    if (left->reset)
        return g_strdup_printf("the source has no log %s: its logs were reset, or it is another server", file);
    bool gone = file && left->oldest && binlog_position_compare(file, 0, left->oldest, 0) < 0;
    return gone ? g_strdup_printf("the source no longer has the log this pipe needs: %s was purged", file)
                : g_strdup("the source no longer has the log this pipe needs: it was purged");
}

static char *why_text(Pipe *pipe, const Left *left)
{
    g_autofree char *unread = unread_text(pipe);
    g_autofree char *kept = left->limits_known ? outlook_limits_text(&left->limits) : NULL;
    int64_t age = pipe->applied.source_time ? (clock_real_usec() - pipe->applied.source_time) / G_USEC_PER_SEC : -1;
    bool in_time = left->limits_known && left->limits.keep_bytes < 0 &&
                   (left->limits.keep_seconds < 0 || (age >= 0 && age < left->limits.keep_seconds));
    g_autoptr(GString) text = g_string_new(unread);
    if (left->limits_known && !left->reset) {
        g_string_append(text, text->len ? "; " : "");
        if (!*kept)
            g_string_append(text, "the source purges no logs by itself");
        else
            g_string_append_printf(text, "the source purges its logs: %s", kept);
        if (in_time)
            g_string_append(text, ", so somebody purged this one by hand");
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static char *lost_text(const Pipe *pipe, const Left *left)
{
    g_autofree char *from = reposition_time(pipe->applied.source_time), *to = reposition_time(left->oldest_began);
    g_autofree char *place = reposition_place(pipe->applied.file, pipe->applied.pos, pipe->applied.gtid);
    g_autoptr(GString) text = g_string_new("changes between ");
    g_string_append(text, from ? from : place);
    if (left->oldest && to)
        g_string_append_printf(text, " and %s (start of %s, the oldest log the server still has)", to, left->oldest);
    else if (left->oldest)
        g_string_append_printf(text, " and the start of %s, the oldest log the server still has", left->oldest);
    else
        g_string_append(text, " and the oldest log the server still has");
    if (left->gtids)
        g_string_append_printf(text, "; transactions %.*s%s", GTIDS_SHOWN, left->gtids,
                               strlen(left->gtids) > GTIDS_SHOWN ? "…" : "");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *prevent_text(const Left *left)
{
    if (!left->limits_known)
        return NULL;
    if (left->limits.keep_bytes >= 0)
        return g_strdup_printf(
            "make %s hold at least three days of writes; status and journal tell when headroom is short",
            left->limits.size_setting);
    bool short_time = left->limits.keep_seconds >= 0 && left->limits.keep_seconds < 3 * 86400;
    return g_strdup_printf("%s%s", short_time ? left->limits.time_mend : "see who purges logs at the source",
                           short_time ? " keeps them for 3 days; headroom tells how much of it is left"
                                      : "; status shows the headroom");
}

static void add_skip(const Pipe *pipe, const Left *left, json_t *object)
{
    if (!left->oldest)
        return;
    json_object_set_new(object, "oldest_log", json_string(left->oldest));
    g_autofree char *file = g_shell_quote(left->oldest);
    bool plain = strspn(left->oldest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
                 strlen(left->oldest);
    json_t *remedy = json_sprintf(
        "sluice reposition %s --file %s --pos 4: accepts the gap; rows that were changed in it stay stale until "
        "they change again, or are loaded again",
        pipe->name, plain ? left->oldest : file);
    json_array_append_new(json_object_get(object, "remedies"), remedy);
}

/* ---- By itself ---- */

/* Never twice in a row: what made the log go away is still so, and loading takes its time. */
static bool too_soon(const Pipe *pipe)
{
    int64_t last = pipe->record->auto_resync;
    return last < 0 || (last > 0 && clock_real_usec() - last < AUTO_REST_USEC);
}

static void decide_resync(Pipe *pipe, json_t *object)
{
    pthread_mutex_lock(&pipe->lock);
    bool wished = pipe->settings.purged_resync && pipe->mode != PIPE_MODE_CDC;
    pthread_mutex_unlock(&pipe->lock);
    if (!wished)
        return;
    if (!too_soon(pipe)) {
        json_object_set_new(object, "resync_by_itself", json_true());
        return;
    }
    const char *why = json_string_value(json_object_get(object, "why"));
    json_t *more = json_sprintf(
        "%s%sIt happened again soon after the pipe was loaded again by itself (purged is resync), which it does only "
        "once in a while",
        why ? why : "", why ? ". " : "");
    json_object_set_new(object, "why", more);
}

bool incident_wants_resync(const Pipe *pipe)
{
    json_t *object = pipe->record->error ? json_loads(pipe->record->error, 0, NULL) : NULL;
    bool wants = json_is_true(json_object_get(object, "resync_by_itself"));
    json_decref(object);
    return wants;
}

/* ---- All of it ---- */

/* A `cdc` pipe loads nothing: what is left is to go on elsewhere in the log. Where the log is gone add_skip says from where. */
static void replace_resync_remedies(const Pipe *pipe, bool log_gone, json_t *object)
{
    json_t *remedies = json_object_get(object, "remedies");
    for (size_t i = json_array_size(remedies); i-- > 0;) {
        if (!g_str_has_prefix(json_string_value(json_array_get(remedies, i)), "sluice resync "))
            continue;
        if (log_gone)
            json_array_remove(remedies, i);
        else
            json_array_set_new(remedies, i,
                               json_sprintf("sluice reposition %s --gtid SET | --file FILE --pos POS: goes on from there; what "
                                            "changed before it is not replicated",
                                            pipe->name));
    }
}

static void add_log_gone(Pipe *pipe, json_t *object)
{
    Left left = {0};
    ask_source(pipe, &left);
    set_sentence_take(object, "what", what_text(pipe, &left));
    set_sentence_take(object, "why", why_text(pipe, &left));
    set_sentence_take(object, "lost", lost_text(pipe, &left));
    set_text_take(object, "prevent", prevent_text(&left));
    add_skip(pipe, &left, object);
    decide_resync(pipe, object);
    g_free(left.gtids);
}

char *incident_json(Pipe *pipe, const GError *error, const RetryDecision *decision)
{
    json_t *object = pipe_error_object(pipe, NULL, error, decision);
    bool of_server = error->domain == SOURCE_ERROR || error->domain == CLICKHOUSE_ERROR;

    if (decision->cause && of_server) {
        g_autofree char *said = printable(error->message, 2000);
        set_sentence_take(object, "what", g_strdup(decision->cause));
        g_autofree char *number = g_strdup_printf("(error %d)", error->code); /* which most messages have */
        set_text_take(object, "server",
                      strstr(said, number) ? g_strdup(said) : g_strdup_printf("error %d: %s", error->code, said));
    }
    if (pipe->applied.source_time > 0) {
        char time[32];
        json_object_set_new(object, "last_good_time",
                            json_string(clock_format_rfc3339(pipe->applied.source_time, time)));
    }
    set_sentence_take(object, "data", data_text(pipe));
    if (pipe->mode == PIPE_MODE_CDC)
        replace_resync_remedies(pipe, decision->log_gone, object);
    if (decision->log_gone)
        add_log_gone(pipe, object);
    return json_text_take(object);
}
