/* faults.c - what a pipe does when something goes wrong: it stalls and tries again, fails a table, or fails as a whole;
 * and it writes down what happened. */
#include "pipe/json_text.h"
#include "pipe/pipe_private.h"

#include <stdarg.h>
#include <string.h>

void pipe_changed(Pipe *pipe)
{
    if (pipe->env->changed)
        pipe->env->changed(pipe->env->data);
}

void pipe_journal(Pipe *pipe, const char *actor, const char *kind, const char *position, const char *format, ...)
{
    va_list args;
    g_autoptr(GError) error = NULL;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    CatalogJournalEntry entry = {.at = clock_real_usec(),
                                 .pipe = pipe->name,
                                 .actor = (char *)actor,
                                 .kind = (char *)kind,
                                 .text = text,
                                 .position = (char *)position};
    pthread_mutex_lock(&pipe->catalog_lock);
    bool ok = catalog_journal_add(pipe->catalog, &entry, &error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    if (!ok)
        g_printerr("sluice: %s: %s (not written to the journal: %s)\n", pipe->name, text, error->message);
    pipe_changed(pipe);
}

bool pipe_note_refused(Pipe *pipe, GError *problem_take, GError **error)
{
    if (!g_error_matches(problem_take, SLUICE_ERROR, SLUICE_ERROR_REFUSED)) {
        g_propagate_error(error, problem_take);
        return false;
    }
    pipe_journal(pipe, "error", "note", NULL, "%s", problem_take->message);
    g_error_free(problem_take);
    return true;
}

void pipe_set_activity(Pipe *pipe, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    if (format) {
        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
    }
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->activity);
    pipe->activity = text;
    pthread_mutex_unlock(&pipe->lock);
}

/* Sleeps for `usec`, less when cancelled or told to try now. */
static bool wait_for_try(Pipe *pipe, Cancel *cancel, int64_t usec)
{
    pthread_mutex_lock(&pipe->lock);
    unsigned seen = pipe->try_now;
    pthread_mutex_unlock(&pipe->lock);
    int64_t deadline = clock_monotonic_usec() + usec;
    for (;;) {
        int64_t left = deadline - clock_monotonic_usec();
        if (left <= 0)
            return !cancel_requested(cancel);
        if (cancel_sleep(cancel, MIN(left, 100000)))
            return false;
        pthread_mutex_lock(&pipe->lock);
        bool now = pipe->try_now != seen;
        pthread_mutex_unlock(&pipe->lock);
        if (now)
            return true;
    }
}

int64_t pipe_stall_note(Pipe *pipe, Side side, const GError *error, unsigned tries, bool needs_operator)
{
    int64_t wait = backoff_usec(tries, g_random_int());
    g_autofree char *message = printable(error->message, 1000);

    pthread_mutex_lock(&pipe->lock);
    Stall *stall = &pipe->stalls[side];
    bool first = !stall->on;
    if (first)
        stall->since = clock_real_usec();
    if (!stall->holders)
        stall->holders = g_hash_table_new(NULL, NULL);
    g_hash_table_add(stall->holders, g_thread_self());
    stall->on = true;
    stall->needs_operator = needs_operator;
    stall->code = error->code;
    stall->tries = MAX(tries, first ? 0 : stall->tries);
    stall->next_try_at = clock_real_usec() + wait;
    bool told = stall->message && strcmp(stall->message, message) == 0;
    g_free(stall->message);
    stall->message = g_strdup(message);
    pthread_mutex_unlock(&pipe->lock);

    if (first || !told)
        pipe_journal(pipe, "error", "retry", NULL, "stalled at the %s: %s; try %u in %.0f s", side_name(side), message,
                     tries + 1, (double)wait / 1e6);
    else
        pipe_changed(pipe);
    return wait;
}

bool pipe_stall_wait(Pipe *pipe, Side side, const GError *error, unsigned tries, bool needs_operator, Cancel *cancel)
{
    if (cancel_requested(cancel))
        return false;
    return wait_for_try(pipe, cancel, pipe_stall_note(pipe, side, error, tries, needs_operator));
}

static void stall_reset(Stall *stall)
{
    if (stall->holders)
        g_hash_table_destroy(stall->holders);
    g_free(stall->message);
    *stall = (Stall){0};
}

/* Takes the calling thread off; returns true when the stall ends with that. With Pipe.lock held. */
static bool stall_leave(Stall *stall)
{
    return stall->holders && g_hash_table_remove(stall->holders, g_thread_self()) && g_hash_table_size(stall->holders) == 0;
}

void pipe_stall_clear(Pipe *pipe, Side side)
{
    pthread_mutex_lock(&pipe->lock);
    Stall *stall = &pipe->stalls[side];
    unsigned tries = stall->tries;
    int64_t since = stall->since;
    bool ends = stall_leave(stall);
    if (ends)
        stall_reset(stall);
    pthread_mutex_unlock(&pipe->lock);
    if (ends)
        pipe_journal(pipe, "engine", "retry", NULL, "the %s answers again after %.0f s and %u tries", side_name(side),
                     (double)(clock_real_usec() - since) / 1e6, tries);
}

void pipe_stalls_leave(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    for (unsigned side = 0; side < G_N_ELEMENTS(pipe->stalls); side++)
        if (stall_leave(&pipe->stalls[side]))
            stall_reset(&pipe->stalls[side]);
    pthread_mutex_unlock(&pipe->lock);
}

void pipe_stalls_reset(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    for (unsigned side = 0; side < G_N_ELEMENTS(pipe->stalls); side++)
        stall_reset(&pipe->stalls[side]);
    pthread_mutex_unlock(&pipe->lock);
}

json_t *pipe_error_object(const Pipe *pipe, const PipeTable *table, const GError *error, const RetryDecision *decision)
{
    g_autofree char *name = table ? selection_name(table->record->database, table->record->name) : NULL;
    char at[32];
    json_t *remedies = json_array();
    for (unsigned i = 0; i < G_N_ELEMENTS(decision->remedies) && decision->remedies[i]; i++) {
        g_autoptr(GString) remedy = g_string_new(decision->remedies[i]);
        g_string_replace(remedy, "NAME", pipe->name, 0);
        if (name)
            g_string_replace(remedy, "TABLE", name, 0);
        json_array_append_new(remedies, json_string(remedy->str));
    }
    g_autofree char *message = printable(error->message, 2000);
    return json_pack("{s:s, s:i, s:s, s:s?, s:o}", "at", clock_format_rfc3339(clock_real_usec(), at), "code", error->code, "message",
                     message, "cause", decision->cause, "remedies", remedies);
}

char *pipe_error_json(const Pipe *pipe, const PipeTable *table, const GError *error, const RetryDecision *decision)
{
    return json_text_take(pipe_error_object(pipe, table, error, decision));
}

bool pipe_catalog_write(Pipe *pipe, Cancel *cancel, CatalogWrite write, void *data)
{
    for (unsigned tries = 1;; tries++) {
        g_autoptr(GError) error = NULL;
        pthread_mutex_lock(&pipe->catalog_lock);
        bool ok = write(pipe->catalog, data, &error);
        pthread_mutex_unlock(&pipe->catalog_lock);
        if (ok) {
            if (tries > 1)
                pipe_stall_clear(pipe, SIDE_CATALOG);
            return true;
        }
        if (!pipe_stall_wait(pipe, SIDE_CATALOG, error, tries, true, cancel))
            return false;
    }
}

static bool write_table(Catalog *catalog, void *data, GError **error)
{
    PipeTable *table = data;
    return catalog_table_save(catalog, table->record, error);
}

void pipe_table_note(PipeTable *table)
{
    g_free(table->record->state);
    table->record->state = g_strdup(table_state_name(atomic_load(&table->state)));
    table->record->rows_done = atomic_load(&table->rows_done);
}

/* The record is read under catalog_lock by write_table and changed under `lock` by others: a copy would be as large as
 * the definition, so both are held for the short write. */
bool pipe_save_table(Pipe *pipe, PipeTable *table, Cancel *cancel)
{
    bool ok;
    for (unsigned tries = 1;; tries++) {
        g_autoptr(GError) error = NULL;
        pthread_mutex_lock(&pipe->catalog_lock);
        pthread_mutex_lock(&pipe->lock);
        pipe_table_note(table);
        ok = write_table(pipe->catalog, table, &error);
        pthread_mutex_unlock(&pipe->lock);
        pthread_mutex_unlock(&pipe->catalog_lock);
        if (ok && tries > 1)
            pipe_stall_clear(pipe, SIDE_CATALOG);
        if (ok || !pipe_stall_wait(pipe, SIDE_CATALOG, error, tries, true, cancel))
            break;
    }
    pipe_changed(pipe);
    return ok;
}

void pipe_table_fail(Pipe *pipe, PipeTable *table, const GError *error, const RetryDecision *decision,
                     const char *position)
{
    /* Together: who sees that it failed sees why. */
    pthread_mutex_lock(&pipe->lock);
    bool failed = atomic_exchange(&table->state, TABLE_FAILED) == TABLE_FAILED;
    if (!failed) {
        g_free(table->record->error);
        table->record->error = pipe_error_json(pipe, table, error, decision);
    }
    pthread_mutex_unlock(&pipe->lock);
    if (failed)
        return;
    pipe_save_table(pipe, table, pipe->life);
    g_autofree char *message = printable(error->message, 1000);
    pipe_journal(pipe, "error", "table", position, "table %s.%s failed: %s", table->record->database,
                 table->record->name, message);
}

bool pipe_table_advise_resync(Pipe *pipe, PipeTable *table, const char *why, const char *position)
{
    pthread_mutex_lock(&pipe->lock);
    bool told = table->record->resync_advised;
    table->record->resync_advised = true;
    pthread_mutex_unlock(&pipe->lock);
    if (told)
        return false;
    pipe_save_table(pipe, table, pipe->life);
    pipe_journal(pipe, "engine", "table", position, "a resync of table %s.%s is advised: %s", table->record->database,
                 table->record->name, why);
    return true;
}

void work_fail(Work *work, Side side, GError *error_take)
{
    if (atomic_exchange(&work->failed, true)) {
        g_error_free(error_take);
        return;
    }
    Message *message = g_new0(Message, 1);
    message->kind = MESSAGE_FATAL;
    message->side = side;
    message->error = error_take;
    cancel_request(work->reading);
    if (!queue_push_take(work->pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
}

void work_thread_done(Work *work, bool sender)
{
    Message *message = g_new0(Message, 1);
    message->kind = MESSAGE_THREAD_ENDED;
    message->sender = sender;
    if (!queue_push_take(work->pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
}

void work_thread_leave(Work *work, bool sender)
{
    pipe_stalls_leave(work->pipe);
    work_thread_done(work, sender);
}
