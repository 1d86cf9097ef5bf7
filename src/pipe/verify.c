/* verify.c - the job: its thread, its tables one after the other, what it waits for, and its report. */
#include "pipe/verify.h"

#include "pipe/place.h"
#include "pipe/selection.h"

#include <string.h>

#define HASH_ROWS_AT_FIRST 1000 /* which may be of a megabyte each */
#define ROW_BYTES_AT_FIRST 8000
#define TRIES_MAX          6
#define ALTERED_MAX        30
#define WAIT_SHOWN_USEC    (1000 * 1000)
#define WAIT_USEC_MAX      (300 * INT64_C(1000000)) /* for a stream that does not move */
#define SHOWN_MAX          200

/* ---- The report ---- */

static void set_text(Verify *verify, char **field, char *text_take)
{
    pthread_mutex_lock(&verify->pipe->lock);
    g_free(*field);
    *field = text_take;
    pthread_mutex_unlock(&verify->pipe->lock);
}

static void note_rate(VerifyReport *report)
{
    double seconds = (double)(clock_real_usec() - report->started_at) / 1e6;
    report->rows_per_second = seconds > 0.1 ? (double)report->rows / seconds : -1;
}

void verify_count(Verify *verify, uint64_t rows, uint64_t ranges)
{
    verify->step.rows += rows;
    verify->step.ranges += ranges;
    pthread_mutex_lock(&verify->pipe->lock);
    verify->report->rows += rows;
    verify->report->ranges += ranges;
    note_rate(verify->report);
    pthread_mutex_unlock(&verify->pipe->lock);
}

void verify_found_free(VerifyFound *found)
{
    if (!found)
        return;
    g_strfreev(found->key);
    g_free(found->values);
    g_free(found);
}

static char *shown_hex(const char *hex)
{
    if (strcmp(hex, "-") == 0)
        return NULL;
    g_autoptr(GString) bytes = g_string_new(NULL);
    for (; g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]); hex += 2)
        g_string_append_c(bytes, (char)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1])));
    return printable_n(bytes->str, bytes->len, SHOWN_MAX);
}

static char *shown_key(const VerifyShape *shape, char *const *key)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned k = 0; k < shape->n_key; k++) {
        bool hex = canonical_key_is_hex(shape->columns[shape->key[k]]);
        g_autofree char *part = hex ? shown_hex(key[k]) : printable(key[k], SHOWN_MAX);
        g_string_append_printf(text, "%s%s", k ? ", " : "", part);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* "number:hex:hex number:hex:hex" */
static GPtrArray *shown_values(const VerifyShape *shape, const char *text)
{
    GPtrArray *values = g_ptr_array_new_with_free_func((GDestroyNotify)verify_value_free);
    g_auto(GStrv) parts = g_strsplit(text ? text : "", " ", -1);
    for (char **part = parts; *part; part++) {
        g_auto(GStrv) fields = g_strsplit(*part, ":", 3);
        if (g_strv_length(fields) != 3)
            continue;
        VerifyValue *value = g_new0(VerifyValue, 1);
        value->column = printable(shape->columns[atoi(fields[0])]->name, 64);
        value->source = shown_hex(fields[1]);
        value->dest = shown_hex(fields[2]);
        g_ptr_array_add(values, value);
    }
    return values;
}

static VerifyDifference *shown(const Verify *verify, const VerifyFound *found)
{
    VerifyDifference *difference = g_new0(VerifyDifference, 1);
    difference->table = g_strdup(verify->at->table);
    difference->kind = found->kind;
    difference->key = shown_key(verify->shape, found->key);
    difference->values = shown_values(verify->shape, found->values);
    difference->repaired = found->repaired;
    difference->ahead = found->ahead;
    return difference;
}

/* ---- Steps ---- */

static void step_begin(Verify *verify)
{
    verify->step = (VerifyStep){.found = g_ptr_array_new_with_free_func((GDestroyNotify)verify_found_free)};
}

/* Nothing of it counts. */
static void step_abandon(Verify *verify)
{
    pthread_mutex_lock(&verify->pipe->lock);
    verify->report->rows -= verify->step.rows;
    verify->report->ranges -= verify->step.ranges;
    pthread_mutex_unlock(&verify->pipe->lock);
    g_clear_pointer(&verify->step.found, g_ptr_array_unref);
}

static void step_commit(Verify *verify)
{
    VerifyStep *step = &verify->step;
    VerifyReport *report = verify->report;
    uint64_t repaired = 0;
    for (unsigned i = 0; i < step->found->len; i++)
        repaired += ((const VerifyFound *)step->found->pdata[i])->repaired;
    pthread_mutex_lock(&verify->pipe->lock);
    for (unsigned i = 0; i < step->found->len && report->listed->len < VERIFY_LISTED_MAX; i++)
        g_ptr_array_add(report->listed, shown(verify, step->found->pdata[i]));
    report->differences += step->found->len + step->uncounted;
    report->repaired += repaired;
    report->unsettled += step->unsettled;
    pthread_mutex_unlock(&verify->pipe->lock);
    verify->at->rows += step->rows;
    verify->at->read += step->read;
    verify->at->differences += step->found->len + step->uncounted;
    verify->at->repaired += repaired;
    verify->at->unsettled += step->unsettled;
    verify->at->at_least = verify->at->at_least || step->too_many;
    bool any = step->found->len > 0;
    g_clear_pointer(&step->found, g_ptr_array_unref);
    if (any)
        pipe_changed(verify->pipe);
}

/* ---- The ends ---- */

bool verify_exec(Verify *verify, const char *sql, GError **error)
{
    /* Of a table with a thousand columns a statement is long. */
    static const char *const settings[] = {
        "max_threads", VERIFY_THREADS, "max_query_size", "16777216", "max_ast_elements", "1000000", NULL};
    return clickhouse_exec(verify->ch, sql, settings, error);
}

GPtrArray *verify_rows(Verify *verify, const char *sql, GError **error)
{
    return clickhouse_query_rows(verify->ch, sql, error);
}

/* Behind an address that leads to several servers a connection may come to another one than the stream's. */
static bool same_server(Verify *verify, GError **error)
{
    return setup_is_followed(verify->pipe, verify->source, error);
}

static void disconnect(Verify *verify)
{
    g_clear_pointer(&verify->source, source_close);
    g_clear_pointer(&verify->ch, clickhouse_free);
    verify->scratch_made = false;
}

static bool connect_ends(Verify *verify, GError **error)
{
    if (!verify->source && !(verify->source = source_open(verify->work->source_url, verify->cancel, error)))
        return false;
    if (verify->ch)
        return true;
    const Pipe *pipe = verify->pipe;
    g_autofree char *dest = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    g_autoptr(Url) url = dest ? clickhouse_url_parse(dest, error) : NULL;
    if (!url || !(verify->ch = clickhouse_new(url, verify->cancel, error)))
        return false;
    g_free(verify->dest);
    verify->dest = g_steal_pointer(&dest);
    return true;
}

/* ---- The stream ---- */

void verify_mark_clear(VerifyMark *mark)
{
    g_clear_pointer(&mark->file, g_free);
}

/* MySQL without GTIDs tells of no commit that it can be read: who gets a lock on the table for a moment has waited for
 * all of them. */
static bool wait_for_writers(Verify *verify, GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autofree char *file = NULL, *gtid = NULL;
    uint64_t pos;
    g_ptr_array_add(tables, verify->shape->definition);
    return source_begin_position(verify->source, tables, false, &file, &pos, &gtid, error);
}

/* What it waits for, in words; takes the lock. */
static char *waiting_words(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    const Stall *stall =
        pipe->stalls[SIDE_DESTINATION].on ? &pipe->stalls[SIDE_DESTINATION] : &pipe->stalls[SIDE_SOURCE];
    char *words = stall->on ? g_strdup_printf("waits for the stream, which is stalled: %s", stall->message)
                            : g_strdup("waits for the stream");
    pthread_mutex_unlock(&pipe->lock);
    return words;
}

static bool stream_is_past(Verify *verify, const char *file, uint64_t pos, int64_t *saved_at)
{
    Pipe *pipe = verify->pipe;
    pthread_mutex_lock(&pipe->lock);
    bool past = pipe_has_applied(pipe, file, pos);
    *saved_at = pipe->applied.saved_at;
    pthread_mutex_unlock(&pipe->lock);
    return past;
}

static bool wait_past(Verify *verify, const char *file, uint64_t pos, GError **error)
{
    int64_t began = clock_monotonic_usec(), moved = began;
    int64_t saved_at, before = 0;
    bool told = false;
    while (!stream_is_past(verify, file, pos, &saved_at)) {
        int64_t now = clock_monotonic_usec();
        moved = saved_at != before ? now : moved;
        before = saved_at;
        if (now - moved > WAIT_USEC_MAX) {
            g_autofree char *words = waiting_words(verify->pipe);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                        "the stream has stood still for five minutes (%s); verify again once it moves", words);
            return false;
        }
        if (now - began > WAIT_SHOWN_USEC) {
            told = true;
            set_text(verify, &verify->report->activity, waiting_words(verify->pipe));
        }
        cancel_sleep(verify->cancel, 20000);
        if (cancel_set_error(verify->cancel, error))
            return false;
    }
    if (told)
        set_text(verify, &verify->report->activity, NULL);
    return true;
}

bool verify_mark(Verify *verify, VerifyMark *mark, GError **error)
{
    Pipe *pipe = verify->pipe;
    bool mysql = source_server(verify->source)->flavour == SOURCE_MYSQL;
    if (!wait_past(verify, NULL, 0, error))
        return false;
    pthread_mutex_lock(&pipe->lock);
    mark->version = place_version(pipe->applied.epoch, pipe->applied.offset);
    mark->file = mysql ? NULL : g_strdup(pipe->applied.file);
    mark->pos = pipe->applied.pos;
    g_autofree char *gtid = mysql ? g_strdup(pipe->applied.gtid) : NULL;
    pthread_mutex_unlock(&pipe->lock);
    if (!same_server(verify, error))
        return false;
    if (mysql && gtid && *gtid)
        return source_wait_executed(verify->source, gtid, verify->cancel, error);
    return !mysql || wait_for_writers(verify, error);
}

bool verify_pass(Verify *verify, GError **error)
{
    g_autofree char *file = NULL;
    uint64_t pos;
    return source_log_end(verify->source, &file, &pos, NULL, error) && wait_past(verify, file, pos, error) &&
           same_server(verify, error);
}

bool verify_outdated(const Verify *verify)
{
    return verify->table->definition != verify->shape->definition ||
           atomic_load(&verify->table->statements) != verify->shape->statements;
}

/* ---- One table ---- */

static bool make_ready(Verify *verify, GError **error)
{
    if (!connect_ends(verify, error) || !same_server(verify, error))
        return false;
    if (!verify->shape || verify_outdated(verify)) {
        g_clear_pointer(&verify->shape, verify_shape_free);
        verify->scratch_made = false;
        verify->shape = verify_shape_new(verify, verify->table, error);
    }
    if (!verify->shape)
        return false;
    if (!verify->scratch_made && !verify_make_scratch(verify, error))
        return false;
    return verify->scratch_made = true;
}

static bool do_step(Verify *verify, char ***after, bool *done, GError **error)
{
    if (!make_ready(verify, error))
        return false;
    char **at = g_strdupv(*after);
    bool ok;
    if (!verify->shape->by_range) {
        *done = true;
        ok = verify_walk(verify, error);
    } else if (verify->shape->hashed) {
        ok = verify_hash_step(verify, &at, done, error);
    } else {
        ok = verify_value_step(verify, &at, done, error);
    }
    if (ok && verify_outdated(verify))
        ok = false, g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, VERIFY_ALTERED);
    if (ok) {
        g_strfreev(*after);
        *after = g_steal_pointer(&at);
    }
    g_strfreev(at);
    return ok;
}

typedef struct {
    unsigned tries, altered;
} Patience;

/* After a step that did not work. False: the table is given up, with `error` if all of the job is. */
static bool try_again(Verify *verify, Patience *patience, GError *problem_take, GError **error)
{
    g_autoptr(GError) problem = problem_take;
    if (cancel_set_error(verify->cancel, error))
        return false;
    const char *unfit = verify_unfit(verify->table);
    if (unfit) {
        verify->at->skipped = g_strdup(unfit);
        return false;
    }
    if (g_error_matches(problem, SLUICE_ERROR, SLUICE_ERROR_REFUSED)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (verify->shape && verify_outdated(verify) && ++patience->altered < ALTERED_MAX)
        return true;
    disconnect(verify);
    if (++patience->tries < TRIES_MAX) {
        cancel_sleep(verify->cancel, 300000 * patience->tries);
        /* The source may have altered the table, and the stream not have come there. */
        if (connect_ends(verify, NULL))
            verify_pass(verify, NULL);
        return true;
    }
    Side side = problem->domain == CLICKHOUSE_ERROR ? SIDE_DESTINATION : SIDE_SOURCE;
    if (retry_decide(problem, side).verdict == VERDICT_FAIL_TABLE)
        verify->at->skipped = printable(problem->message, 1000);
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool verify_table(Verify *verify, GError **error)
{
    char **after = NULL;
    Patience patience = {0};
    bool done = false, going = true;
    verify->hash_rows = HASH_ROWS_AT_FIRST;
    verify->row_bytes = ROW_BYTES_AT_FIRST;
    g_clear_pointer(&verify->shape, verify_shape_free);
    while (going && !done) {
        GError *problem = NULL;
        step_begin(verify);
        if (do_step(verify, &after, &done, &problem)) {
            done = done || verify->step.too_many;
            step_commit(verify);
            patience.tries = 0;
            continue;
        }
        done = false;
        step_abandon(verify);
        going = try_again(verify, &patience, problem, error);
    }
    g_strfreev(after);
    return going || verify->at->skipped;
}

/* ---- All tables ---- */

static char *shown_name(const CatalogTable *record)
{
    g_autofree char *name = g_strdup_printf("%s.%s", record->database, record->name);
    return printable(name, 0);
}

static bool is_wanted(const Verify *verify, const PipeTable *table)
{
    if (table->record->twin_of || !verify->names)
        return !table->record->twin_of;
    for (unsigned i = 0; i < verify->names->len; i++)
        if (edit_is_named(table, verify->names->pdata[i]))
            return true;
    return false;
}

static GPtrArray *wanted_tables(Verify *verify)
{
    const Pipe *pipe = verify->pipe;
    GPtrArray *tables = g_ptr_array_new();
    uint64_t rows = 0;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!is_wanted(verify, table))
            continue;
        g_ptr_array_add(tables, table);
        rows += table->definition ? MAX(table->record->rows_estimate, table->definition->rows_estimate) : 0;
    }
    pthread_mutex_lock(&verify->pipe->lock);
    verify->report->n_tables = tables->len;
    verify->report->rows_estimate = rows;
    pthread_mutex_unlock(&verify->pipe->lock);
    return tables;
}

static bool run_table(Verify *verify, PipeTable *table, GError **error)
{
    verify->table = table;
    verify->at = g_new0(VerifyTableReport, 1);
    verify->at->table = shown_name(table->record);
    set_text(verify, &verify->report->table, g_strdup(verify->at->table));
    pipe_changed(verify->pipe);
    const char *unfit = table->definition ? verify_unfit(table) : "it is being loaded";
    verify->at->skipped = g_strdup(unfit);
    bool ok = unfit || verify_table(verify, error);
    if (!ok)
        verify->at->skipped = g_strdup("the verify ended before it was done");
    pthread_mutex_lock(&verify->pipe->lock);
    g_ptr_array_add(verify->report->tables, g_steal_pointer(&verify->at));
    verify->report->tables_done += ok;
    pthread_mutex_unlock(&verify->pipe->lock);
    return ok;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void tell(Verify *verify, const VerifyReport *report)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned skipped = 0;
    for (unsigned i = 0; i < report->tables->len; i++)
        skipped += ((const VerifyTableReport *)report->tables->pdata[i])->skipped != NULL;
    g_string_append_printf(text, "verified %" G_GUINT64_FORMAT " row%s of %u table%s: ", report->rows,
                           plural(report->rows), report->tables_done, plural(report->tables_done));
    if (report->differences)
        g_string_append_printf(text, "%" G_GUINT64_FORMAT " difference%s", report->differences,
                               plural(report->differences));
    else
        g_string_append(text, "no difference");
    if (report->repaired)
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " repaired", report->repaired);
    if (report->unsettled)
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " kept changing", report->unsettled);
    if (skipped)
        g_string_append_printf(text, ", %u table%s not compared", skipped, plural(skipped));
    if (report->stopped)
        g_string_append_printf(text, "; ended early: %s", report->stopped);
    pipe_journal(verify->pipe, report->differences > report->repaired || report->stopped ? "error" : "engine", "note",
                 NULL, "%s", text->str);
}

static void ended(Verify *verify, const GError *error)
{
    Pipe *pipe = verify->pipe;
    pthread_mutex_lock(&pipe->lock);
    VerifyReport *report = verify->report;
    g_clear_pointer(&report->table, g_free);
    g_clear_pointer(&report->activity, g_free);
    if (error)
        report->stopped = verify->why ? g_strdup(verify->why) : printable(error->message, 1000);
    report->ended_at = clock_real_usec();
    note_rate(report);
    g_autoptr(VerifyReport) copy = verify_report_copy(report, false);
    pthread_mutex_unlock(&pipe->lock);
    tell(verify, copy);
    pthread_mutex_lock(&pipe->lock);
    report->running = false;
    pthread_mutex_unlock(&pipe->lock);
    pipe_changed(pipe);
}

static void *verify_main(void *data)
{
    Verify *verify = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) tables = wanted_tables(verify);
    for (unsigned i = 0; i < tables->len && !error; i++)
        run_table(verify, tables->pdata[i], &error);
    g_clear_pointer(&verify->shape, verify_shape_free);
    disconnect(verify);
    verify_drop_scratch(verify);
    ended(verify, error);
    return NULL;
}

/* ---- To its owner ---- */

void verify_free(Verify *verify)
{
    if (!verify)
        return;
    if (verify->started)
        pthread_join(verify->thread, NULL);
    cancel_unref(verify->cancel);
    verify_report_free(verify->report);
    if (verify->names)
        g_ptr_array_unref(verify->names);
    g_free(verify->dest);
    g_free(verify->scratch);
    g_free(verify->found);
    g_free(verify->keys);
    g_free(verify);
}

static Verify *verify_new(Pipe *pipe, Work *work, unsigned number, const GPtrArray *names, bool repair)
{
    Verify *verify = g_new0(Verify, 1);
    verify->pipe = pipe;
    verify->work = work;
    verify->repair = repair;
    verify->cancel = cancel_new();
    verify->report = verify_report_new();
    verify->report->number = number;
    verify->report->repair = repair;
    verify->report->rows_per_second = -1;
    verify->report->started_at = clock_real_usec();
    for (unsigned i = 0; names && i < names->len; i++) {
        if (!verify->names)
            verify->names = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(verify->names, g_strdup(names->pdata[i]));
    }
    return verify;
}

void verify_begin(Pipe *pipe, Work *work, unsigned number, const GPtrArray *names, bool repair)
{
    Verify *verify = verify_new(pipe, work, number, names, repair);
    verify->report->running = true;
    pthread_mutex_lock(&pipe->lock);
    Verify *before = pipe->verify;
    pipe->verify = verify;
    pipe->verify_asked = false;
    pthread_mutex_unlock(&pipe->lock);
    verify_free(before);
    if (work && pthread_create(&verify->thread, NULL, verify_main, verify) == 0) {
        verify->started = true;
        return;
    }
    g_autoptr(GError) error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                                          work ? "no more threads can be started; raise the limit of tasks"
                                               : "the pipe does not run any more");
    ended(verify, error);
}

void verify_stop(Pipe *pipe, const char *why)
{
    Verify *verify = pipe->verify;
    if (!verify)
        return;
    pthread_mutex_lock(&pipe->lock);
    if (!verify->why)
        verify->why = why;
    pthread_mutex_unlock(&pipe->lock);
    cancel_request(verify->cancel);
}

void verify_join(Pipe *pipe)
{
    if (!pipe->verify || !pipe->verify->started)
        return;
    pthread_join(pipe->verify->thread, NULL);
    pipe->verify->started = false;
}

/* ---- The face ---- */

static bool may_verify(const Pipe *pipe, const GPtrArray *tables, GError **error)
{
    if (pipe->mode != PIPE_MODE_FULL)
        return pipe_refuse(error, "pipe %s is in mode %s: %s", pipe->name, pipe->record->mode,
                           pipe->mode == PIPE_MODE_CDC
                               ? "its destination holds only what changed since it began, so nothing can be compared"
                               : "its destination stands at a position that the source has left");
    if (pipe->state != PIPE_RUNNING)
        return pipe_refuse(error,
                           "pipe %s is %s: verify compares beside the running stream, so the pipe must be Running",
                           pipe->name, pipe->record->state);
    if (pipe->verify_asked || (pipe->verify && pipe->verify->report->running))
        return pipe_refuse(error, "pipe %s is being verified; sluice verify %s --cancel ends that", pipe->name,
                           pipe->name);
    for (unsigned i = 0; tables && i < tables->len; i++) {
        if (edit_find(pipe, tables->pdata[i]))
            continue;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "pipe %s has no table %s; sluice tables %s lists them",
                    pipe->name, (const char *)tables->pdata[i], pipe->name);
        return false;
    }
    return true;
}

unsigned pipe_verify(Pipe *pipe, const GPtrArray *tables, bool repair, GError **error)
{
    unsigned number = 0;
    Message *message = NULL;
    pthread_mutex_lock(&pipe->lock);
    if (may_verify(pipe, tables, error)) {
        number = ++pipe->verifies;
        pipe->verify_asked = true;
        message = g_new0(Message, 1);
        message->kind = MESSAGE_VERIFY;
        message->verify = number;
        message->repair = repair;
        message->tables = tables ? g_ptr_array_new_with_free_func(g_free) : NULL;
        for (unsigned i = 0; tables && i < tables->len; i++)
            g_ptr_array_add(message->tables, g_strdup(tables->pdata[i]));
    }
    pthread_mutex_unlock(&pipe->lock);
    if (message && !queue_push_take(pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
    return number;
}

bool pipe_verify_cancel(Pipe *pipe, GError **error)
{
    pthread_mutex_lock(&pipe->lock);
    Verify *verify = pipe->verify && pipe->verify->report->running ? pipe->verify : NULL;
    if (verify && !verify->why)
        verify->why = "it was cancelled";
    Cancel *cancel = verify ? cancel_ref(verify->cancel) : NULL;
    pthread_mutex_unlock(&pipe->lock);
    if (!cancel)
        return pipe_refuse(error, "pipe %s is not being verified", pipe->name);
    cancel_request(cancel);
    cancel_unref(cancel);
    return true;
}

VerifyReport *pipe_verify_report(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    VerifyReport *report = pipe->verify ? verify_report_copy(pipe->verify->report, true) : NULL;
    pthread_mutex_unlock(&pipe->lock);
    return report;
}
