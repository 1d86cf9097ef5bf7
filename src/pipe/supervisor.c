/* supervisor.c - the thread that carries out what the lifecycle decides: it starts and ends the Work, sets tables up, exchanges and
 * removes them while none runs, and writes each transition to the catalog before it is shown.
 */
#include "pipe/supervisor.h"

#include "pipe/drop.h"
#include "pipe/exact.h"
#include "pipe/incident.h"
#include "pipe/live_view.h"
#include "pipe/new_tables.h"
#include "pipe/outlook.h"
#include "pipe/reposition.h"
#include "pipe/verify.h"
#include "pipe/work.h"

#include <string.h>

#define TICK_USEC           (1000 * 1000)
#define SET_UP_AGAIN_USEC   (15 * 1000 * 1000)
/* For a destination that does not answer: what it has not acknowledged by then is read and sent again later, with the same
 * versions and tokens. */
#define PAUSE_PATIENCE_USEC (30 * 1000 * 1000)
#define STOP_PATIENCE_USEC  (10 * 1000 * 1000)

/* ---- Transitions ---- */

typedef struct {
    Pipe *pipe;
    PipeState state, back;
    const char *error_json;
    int64_t since;
    CatalogJournalEntry why;
} StateWrite;

static bool write_state(Catalog *catalog, void *data, GError **error)
{
    const StateWrite *write = data;
    return catalog_pipe_set_state(catalog, write->pipe->id, pipe_state_name(write->state), pipe_state_name(write->back),
                                  write->error_json, write->since, &write->why, error);
}

/* Written to the catalog, with its cause and actor, before it is shown. False: refused, or the catalog cannot be written
 * and the pipe is being stopped. */
static bool transition(Pipe *pipe, PipeEvent event, const char *actor, const char *cause, const char *error_json)
{
    pthread_mutex_lock(&pipe->lock);
    PipeState old = pipe->state;
    PipeSituation situation = {.mode = pipe->mode, .back = pipe->back, .resyncing = pipe->resyncing};
    g_autofree char *position =
        pipe->applied.file ? g_strdup_printf("%s:%" G_GUINT64_FORMAT, pipe->applied.file, pipe->applied.pos) : NULL;
    pthread_mutex_unlock(&pipe->lock);

    PipeTransition next = lifecycle_next(old, event, &situation);
    if (next.refused || next.dropped)
        return false;
    if (next.state == old)
        return true;
    g_autofree char *text = g_strdup_printf("%s → %s%s%s", pipe_state_name(old), pipe_state_name(next.state), cause ? ": " : "",
                                            cause ? cause : "");
    StateWrite write = {.pipe = pipe, .state = next.state, .back = next.back, .error_json = error_json, .since = clock_real_usec()};
    write.why = (CatalogJournalEntry){.at = write.since,
                                      .pipe = pipe->name,
                                      .actor = (char *)actor,
                                      .kind = (char *)"state",
                                      .text = text,
                                      .position = position};
    if (!pipe_catalog_write(pipe, pipe->life, write_state, &write))
        return false;
    pthread_mutex_lock(&pipe->lock);
    pipe->state = next.state;
    pipe->back = next.back;
    g_free(pipe->record->state);
    pipe->record->state = g_strdup(pipe_state_name(next.state));
    g_free(pipe->record->error);
    pipe->record->error = g_strdup(error_json);
    pipe->record->since = write.since;
    pthread_mutex_unlock(&pipe->lock);
    pipe_changed(pipe);
    return true;
}

static void fail(Pipe *pipe, const GError *error, Side side)
{
    RetryDecision decision = retry_decide(error, side);
    pipe_stalls_reset(pipe);
    g_autofree char *json = incident_json(pipe, error, &decision);
    g_autofree char *message = printable(error->message, 1000);
    transition(pipe, EVENT_FAIL, "error", message, json);
}

/* ---- The supervisor ---- */

typedef struct {
    Pipe *pipe;
    Work *work;
    int64_t retry_at; /* monotonic; of Provisioning, Setup and starting threads; 0: now */
    unsigned tries;
    bool stopping, ended, drop_target;
    GQueue waiting;  /* of Message: commands that are carried out once no Work runs */
    bool cancelling; /* the resync: while it has twins, as the catalog has it */
    bool reached;    /* Resync: the stream has applied what was logged when the twins were loaded */
    int64_t set_up_at; /* monotonic; the Work runs without new tables, which are tried again then; 0: there are none */
    NewTables *news;   /* by the setting new_tables */
    bool looked;       /* for those, since the last Work */
    Lookout *lookout;
    bool views_due; /* Completed: the setting live_view may have changed */
} Supervisor;

static Side side_of(const GError *error, Side otherwise)
{
    return error->domain == CLICKHOUSE_ERROR ? SIDE_DESTINATION : otherwise;
}

/* An end that could not be reached at all, or an endpoint that did not start: it may come. */
static bool is_waited_for(const GError *error, const RetryDecision *decision)
{
    return decision->verdict == VERDICT_RETRY || decision->verdict == VERDICT_RETRY_OPERATOR ||
           g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
}

/* Provisioning, Setup or the start of threads did not work. */
static void attempt_failed(Supervisor *s, const GError *error, Side side)
{
    Pipe *pipe = s->pipe;

    if (cancel_requested(pipe->life) || g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_CANCELLED))
        return;
    RetryDecision decision = retry_decide(error, side);
    if (!is_waited_for(error, &decision)) {
        fail(pipe, error, side);
        return;
    }
    int64_t wait = pipe_stall_note(pipe, side, error, ++s->tries, decision.verdict == VERDICT_RETRY_OPERATOR);
    s->retry_at = clock_monotonic_usec() + wait;
}

static void attempt_worked(Supervisor *s)
{
    s->tries = 0;
    s->retry_at = 0;
    pipe_stall_clear(s->pipe, SIDE_SOURCE);
    pipe_stall_clear(s->pipe, SIDE_DESTINATION);
    pipe_stalls_leave(s->pipe);
}

/* What a resync replaced holds nobody up: what cannot be dropped now is tried again whenever the stream is started. */
static void drop_leftovers(Pipe *pipe)
{
    g_autoptr(GError) error = NULL;
    if (!resync_drop_leftovers(pipe, &error) && !cancel_requested(pipe->life))
        pipe_journal(pipe, "error", "note", NULL, "what a resync replaced is not dropped yet: %s", error->message);
}

static void start_work(Supervisor *s, GError **error)
{
    Pipe *pipe = s->pipe;
    bool load = pipe->state == PIPE_SNAPSHOT;

    s->set_up_at = 0;
    s->looked = false;
    new_tables_rest(s->news);
    drop_leftovers(pipe);
    if (!live_views_settle(pipe, error))
        return;
    exact_follow(pipe);
    s->work = work_start(pipe, load, pipe->mode == PIPE_MODE_SNAPSHOT || pipe->state == PIPE_RESYNC, error);
    if (!s->work || !load)
        return;
    int64_t rows = 0;
    for (unsigned i = 0; i < pipe->tables->len; i++)
        rows += (int64_t)atomic_load(&((PipeTable *)pipe->tables->pdata[i])->rows_done);
    pthread_mutex_lock(&pipe->lock);
    pipe->load_started = clock_monotonic_usec();
    pipe->load_started_rows = rows;
    pthread_mutex_unlock(&pipe->lock);
}

static void cancel_resync(Supervisor *s, GError **error)
{
    Pipe *pipe = s->pipe;
    pipe_set_activity(pipe, "dropping what was loaded for the resync");
    if (!resync_cancel(pipe, error))
        return;
    s->cancelling = s->reached = false;
    transition(pipe, EVENT_CANCEL_RESYNC, "operator", "the resync was cancelled", NULL);
    pthread_mutex_lock(&pipe->lock);
    pipe->resyncing = false;
    pthread_mutex_unlock(&pipe->lock);
}

/* How long the tables that are live go on without the new ones before those are tried again, microseconds. A pipe that
 * has no place in the log yet has nothing to go on with: that is an error. */
static int64_t go_on_without(Supervisor *s, GError *problem_take, GError **error)
{
    Pipe *pipe = s->pipe;
    g_autoptr(GError) problem = problem_take;
    Side side = side_of(problem, SIDE_SOURCE);
    RetryDecision decision = retry_decide(problem, side);
    bool has_place = pipe->applied.file || pipe->applied.gtid;
    if (has_place && is_waited_for(problem, &decision) && !cancel_requested(pipe->life))
        return pipe_stall_note(pipe, side, problem, ++s->tries, decision.verdict == VERDICT_RETRY_OPERATOR);
    g_propagate_error(error, g_steal_pointer(&problem));
    return 0;
}

/* Adds tables that newly match the list. 0: they are added, else as go_on_without. */
static int64_t look_for_new(Supervisor *s, GError **error)
{
    bool other_server;
    GError *problem = NULL;
    if (s->looked)
        return 0;
    s->looked = new_tables_look(s->news, s->pipe, &other_server, &problem);
    if (s->looked)
        return 0;
    if (!other_server)
        return go_on_without(s, problem, error);
    g_error_free(problem); /* the stream tells whether the pipe goes on there */
    return SET_UP_AGAIN_USEC;
}

/* 0: they are set up, else as go_on_without. */
static int64_t set_up_new(Supervisor *s, GError **error)
{
    Pipe *pipe = s->pipe;
    bool other_server = false;
    g_autoptr(GError) problem = NULL;

    if (!setup_has_new_tables(pipe))
        return 0;
    pipe_set_activity(pipe, "reading definitions, creating tables");
    if (setup_new_tables(pipe, &other_server, &problem))
        return 0;
    if (other_server) {
        /* Only the stream can tell whether the pipe goes on there: it runs first, and the tables wait for it. */
        pipe_journal(pipe, "engine", "note", NULL, "new tables wait: %s", problem->message);
        return SET_UP_AGAIN_USEC;
    }
    return go_on_without(s, g_steal_pointer(&problem), error);
}

/* Opens the transactions of loads that need them. 0: they are open, else as go_on_without: those tables wait. */
static int64_t begin_exact(Supervisor *s, GError **error)
{
    GError *problem = NULL;
    return exact_begin(s->pipe, &problem) ? 0 : go_on_without(s, problem, error);
}

/* The Work has started, and ends again when what waits is to be tried again. */
static void wait_without(Supervisor *s, int64_t wait)
{
    if (wait)
        s->set_up_at = clock_monotonic_usec() + wait;
}

/* Snapshot: tables that are new to the pipe are set up, then all that wait are loaded beside the stream. */
static void drive_snapshot(Supervisor *s, GError **error)
{
    GError *problem = NULL;
    if (!resync_settle(s->pipe, error)) /* it was paused in Resync, or tables left it there */
        return;
    if (s->cancelling) {
        cancel_resync(s, error);
        return;
    }
    int64_t look_again = look_for_new(s, &problem), wait = 0;
    if (!problem && exact_take_back(s->pipe, &problem))
        wait = set_up_new(s, &problem);
    if (!problem)
        wait = MAX(wait, begin_exact(s, &problem));
    if (problem) {
        g_propagate_error(error, problem);
        return;
    }
    start_work(s, error);
    wait_without(s, wait && look_again ? MIN(wait, look_again) : MAX(wait, look_again));
}

/* Running: the stream alone. */
static void follow(Supervisor *s, GError **error)
{
    GError *problem = NULL;
    int64_t wait = look_for_new(s, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return;
    }
    if (edit_wants_loading(s->pipe)) { /* added now, while the pipe was paused, or a resync was cancelled beside them */
        transition(s->pipe, EVENT_ADD_TABLES, "engine", "tables are to be loaded", NULL);
        return;
    }
    start_work(s, error);
    wait_without(s, wait);
}

/* Resync: once the stream has caught up, tables and twins change places. */
static void drive_resync(Supervisor *s, GError **error)
{
    Pipe *pipe = s->pipe;
    if (s->cancelling) {
        if (resync_settle(pipe, error)) /* what is exchanged is */
            cancel_resync(s, error);
        return;
    }
    if (!s->reached) {
        if (resync_settle(pipe, error))
            start_work(s, error);
        return;
    }
    pipe_set_activity(pipe, "exchanging tables");
    if (!resync_exchange(pipe, error))
        return;
    drop_leftovers(pipe);
    if (!live_views_settle(pipe, error)) /* with columns that are others now */
        return;
    s->reached = false;
    pthread_mutex_lock(&pipe->lock);
    pipe->resyncing = false;
    pthread_mutex_unlock(&pipe->lock);
    transition(pipe, EVENT_EXCHANGED, "engine", NULL, NULL);
}

static void begin_resync(Pipe *pipe, const Message *message, const char *actor, GError **error)
{
    /* The log was lost or rewritten, or not followed any more: the pipe begins anew at its end. */
    bool anew = pipe->state == PIPE_FAILED || pipe->state == PIPE_COMPLETED;
    bool is_set_up = pipe->state != PIPE_FAILED || (pipe->back != PIPE_PROVISIONING && pipe->back != PIPE_SETUP);
    if (is_set_up && !resync_begin(pipe, message->tables, anew, error))
        return;
    if (!message->tables) {
        transition(pipe, EVENT_RESYNC, actor, "a resync of every table", NULL);
        return;
    }
    g_autofree char *text = g_strdup_printf("a resync of %u table%s", message->tables->len, message->tables->len == 1 ? "" : "s");
    transition(pipe, EVENT_RESYNC, actor, text, NULL);
}

/* ---- The log is gone: a resync by itself (setting `purged`) ---- */

typedef struct {
    int64_t pipe_id, at;
} AutoWrite;

static bool write_auto_resync(Catalog *catalog, void *data, GError **error)
{
    const AutoWrite *write = data;
    return catalog_pipe_set_auto_resync(catalog, write->pipe_id, write->at, error);
}

static bool set_auto_resync(Pipe *pipe, int64_t at, GError **error)
{
    AutoWrite write = {.pipe_id = pipe->id, .at = at};
    if (pipe->record->auto_resync == at)
        return true;
    if (!pipe_catalog_write(pipe, pipe->life, write_auto_resync, &write))
        return !cancel_set_error(pipe->life, error);
    pipe->record->auto_resync = at;
    return true;
}

/* Noted before it begins, so that one that is cut off is not begun twice. */
static void auto_resync(Supervisor *s, GError **error)
{
    Pipe *pipe = s->pipe;
    const Message whole = {.event = EVENT_RESYNC};
    s->cancelling = s->reached = false; /* of an earlier one */
    if (!set_auto_resync(pipe, -clock_real_usec(), error))
        return;
    FAULT_POINT("auto-resync-noted");
    pipe_journal(pipe, "engine", "note", NULL, "the log that this pipe needs is gone: it loads every table again by itself, for its setting "
                                               "purged is resync");
    begin_resync(pipe, &whole, "engine", error);
}

/* It came to its end: the pipe follows the log again. */
static bool auto_resync_ended(Pipe *pipe, GError **error)
{
    return pipe->record->auto_resync >= 0 || set_auto_resync(pipe, clock_real_usec(), error);
}

/* Does what the state asks for, unless it is being done. Returns true when there may be more to do at once. */
static bool drive(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    g_autoptr(GError) error = NULL;
    Side side = SIDE_SOURCE;

    if (s->stopping || s->work || clock_monotonic_usec() < s->retry_at)
        return false;
    switch (pipe->state) {
    case PIPE_PROVISIONING:
        pipe_set_activity(pipe, "looking at both ends");
        if (setup_provision(pipe, &side, &error))
            transition(pipe, EVENT_PROVISIONED, "engine", NULL, NULL);
        break;
    case PIPE_SETUP:
        pipe_set_activity(pipe, "reading definitions, creating tables");
        if (setup_tables(pipe, &error))
            transition(pipe, EVENT_SETUP_DONE, "engine", NULL, NULL);
        break;
    case PIPE_SNAPSHOT:
        if (edit_wants_removing(pipe))
            transition(pipe, EVENT_REMOVE_TABLES, "engine", "tables are still to be removed", NULL);
        else
            drive_snapshot(s, &error);
        break;
    case PIPE_RUNNING:
        if (edit_wants_removing(pipe))
            transition(pipe, EVENT_REMOVE_TABLES, "engine", "tables are still to be removed", NULL);
        else if (auto_resync_ended(pipe, &error))
            follow(s, &error);
        break;
    case PIPE_FAILED:
        if (!incident_wants_resync(pipe)) {
            pipe_set_activity(pipe, NULL);
            return false;
        }
        auto_resync(s, &error);
        break;
    case PIPE_RESYNC:
        drive_resync(s, &error);
        break;
    case PIPE_MODIFYING:
        pipe_set_activity(pipe, "removing tables");
        if (resync_settle(pipe, &error) && edit_remove_marked(pipe, &error))
            transition(pipe, EVENT_MODIFIED, "engine", NULL, NULL);
        break;
    case PIPE_PAUSING:
        pipe_stalls_reset(pipe);
        transition(pipe, EVENT_QUIET, "engine", NULL, NULL); /* nothing runs: it was stopped meanwhile */
        break;
    case PIPE_COMPLETED:
        if (!s->views_due) {
            pipe_set_activity(pipe, NULL);
            return false;
        }
        s->views_due = !live_views_settle(pipe, &error);
        break;
    default:
        pipe_set_activity(pipe, NULL);
        return false;
    }
    if (error) {
        attempt_failed(s, error, side_of(error, side));
        return false;
    }
    pipe_set_activity(pipe, NULL);
    if (!s->set_up_at) /* else what keeps the new tables waiting stays shown */
        attempt_worked(s);
    return !cancel_requested(pipe->life);
}

static void drop(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    g_autoptr(GError) error = NULL;
    g_autofree char *note = NULL;
    bool ok = drop_pipe(pipe, s->drop_target, &note, &error);

    if (!ok)
        pipe_journal(pipe, "operator", "note", NULL, "could not be dropped: %s", error->message);
    pthread_mutex_lock(&pipe->lock);
    pipe->dropped = ok;
    pthread_mutex_unlock(&pipe->lock);
    s->ended = true;
    pipe_changed(pipe);
}

static void pause_pipe(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    if (!transition(pipe, EVENT_PAUSE, "operator", NULL, NULL))
        return;
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->paused_by);
    pipe->paused_by = g_strdup("operator");
    bool stalled = pipe->stalls[SIDE_DESTINATION].on;
    pthread_mutex_unlock(&pipe->lock);
    s->retry_at = 0;
    if (s->work)
        work_end(s->work, END_PAUSE, clock_monotonic_usec() + (stalled ? 1 : PAUSE_PATIENCE_USEC));
}

/* ---- Commands that change the tables ---- */

static void retry_tables(Pipe *pipe, const Message *message, GError **error)
{
    if (!edit_retry(pipe, message->tables, error))
        return;
    if (pipe->state == PIPE_RUNNING && edit_wants_loading(pipe))
        transition(pipe, EVENT_ADD_TABLES, "operator", "tables that had failed are loaded", NULL);
}

/* No Work runs. What was accepted may have become impossible meanwhile: then the journal says so. */
static void carry_out(Supervisor *s, const Message *message)
{
    Pipe *pipe = s->pipe;
    g_autoptr(GError) error = NULL;
    PipeSituation situation = {.mode = pipe->mode, .back = pipe->back, .resyncing = pipe->resyncing};

    if (lifecycle_next(pipe->state, message->event, &situation).refused) {
        g_autofree char *why = lifecycle_refusal(pipe->state, message->event, pipe->mode);
        pipe_journal(pipe, "engine", "note", NULL, "%s", why);
        return;
    }
    pthread_mutex_lock(&pipe->lock);
    bool possible = command_check_again(pipe, message, &error);
    pthread_mutex_unlock(&pipe->lock);
    if (!possible) {
        pipe_journal(pipe, "engine", "note", NULL, "%s was not carried out: %s", pipe_event_name(message->event), error->message);
        return;
    }
    s->retry_at = 0;
    switch (message->event) {
    case EVENT_RESYNC:
        s->cancelling = s->reached = false; /* of an earlier one */
        if (set_auto_resync(pipe, 0, &error))
            begin_resync(pipe, message, "operator", &error);
        break;
    case EVENT_CANCEL_RESYNC:
        s->cancelling = resync_note_cancel(pipe, &error);
        break;
    case EVENT_PAUSE:
        pause_pipe(s);
        break;
    case EVENT_RETRY:
        retry_tables(pipe, message, &error);
        break;
    case EVENT_REPOSITION:
        /* Loads begin anew behind the gap: their rows stand under versions of before it. */
        if (resync_start_loads_over(pipe, NULL, true, &error) && reposition_carry_out(pipe, message->to, &error))
            transition(pipe, EVENT_REPOSITION, "operator", "repositioned", NULL);
        break;
    case EVENT_ADD_TABLES:
        if (edit_add(pipe, message->added, message->selection, &error))
            transition(pipe, EVENT_ADD_TABLES, "operator", "tables were added", NULL);
        break;
    case EVENT_REMOVE_TABLES:
        if (edit_mark_removed(pipe, message->tables, message->drop_target, &error))
            transition(pipe, EVENT_REMOVE_TABLES, "operator", "tables are removed", NULL);
        break;
    default:
        break;
    }
    if (error && !g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_CANCELLED))
        pipe_journal(pipe, "error", "note", NULL, "%s was not carried out: %s", pipe_event_name(message->event), error->message);
}

static void carry_out_waiting(Supervisor *s)
{
    Message *message;
    while ((message = g_queue_pop_head(&s->waiting))) {
        if (!s->ended)
            carry_out(s, message);
        pthread_mutex_lock(&s->pipe->lock);
        s->pipe->pending -= message->counted;
        pthread_mutex_unlock(&s->pipe->lock);
        message_free(message);
        pipe_changed(s->pipe);
    }
}

/* Batches in flight are sent, within STOP_PATIENCE_USEC. */
static void restart_work(Supervisor *s)
{
    work_end(s->work, END_RESTART, clock_monotonic_usec() + STOP_PATIENCE_USEC);
}

/* The tables change while no thread uses them: batches in flight are sent, then the Work is started again with the new ones. */
static void when_quiet(Supervisor *s, Message *message_take)
{
    g_queue_push_tail(&s->waiting, message_take);
    if (s->work)
        restart_work(s);
    else
        carry_out_waiting(s);
}

/* ---- Ends of a Work ---- */

/* The stream has reached what was logged when all tables were loaded. */
static void stream_reached(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    if (pipe->state == PIPE_SNAPSHOT)
        transition(pipe, EVENT_LOADED, "engine", "equal to the source at this position", NULL);
    s->reached = pipe->state == PIPE_RESYNC;
}

/* All threads have ended: what they were ended for. */
static void work_ended(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    EndReason reason = s->work->ending;
    g_autoptr(GError) fatal = g_steal_pointer(&s->work->fatal);
    Side side = s->work->fatal_side;

    work_free(s->work);
    s->work = NULL;
    exact_end(pipe);
    atomic_store(&pipe->caught_up, false);
    pipe_set_activity(pipe, NULL);
    switch (reason) {
    case END_PAUSE:
        pipe_stalls_reset(pipe);
        transition(pipe, EVENT_QUIET, "engine", NULL, NULL);
        break;
    case END_REACHED:
        stream_reached(s);
        break;
    case END_FAIL:
        fail(pipe, fatal, side);
        break;
    case END_DROP:
        drop(s);
        break;
    case END_STOP:
    case END_RESTART: /* drive() starts them again */
    case END_NONE:
        break;
    }
    carry_out_waiting(s);
}

/* Takes the message where it has to wait; else it is the caller's still. */
static bool handle_command(Supervisor *s, Message *message)
{
    Pipe *pipe = s->pipe;
    switch (message->event) {
    case EVENT_RESYNC:
    case EVENT_CANCEL_RESYNC:
    case EVENT_ADD_TABLES:
    case EVENT_REMOVE_TABLES:
    case EVENT_REPOSITION:
        when_quiet(s, message);
        return true;
    case EVENT_PAUSE:
        if (!g_queue_is_empty(&s->waiting)) { /* what was asked for before it comes first */
            when_quiet(s, message);
            return true;
        }
        pause_pipe(s);
        break;
    case EVENT_RESUME:
        transition(pipe, EVENT_RESUME, "operator", NULL, NULL);
        break;
    case EVENT_RETRY:
        if (message->tables) {
            when_quiet(s, message);
            return true;
        }
        s->retry_at = 0;
        if (pipe->state == PIPE_FAILED)
            transition(pipe, EVENT_RETRY, "operator", "tried again", NULL);
        break;
    case EVENT_DROP:
        s->drop_target = message->drop_target;
        if (s->work)
            work_end(s->work, END_DROP, 0);
        else
            drop(s);
        break;
    default:
        break;
    }
    return false;
}

static void handle_loaded(Supervisor *s)
{
    Pipe *pipe = s->pipe;
    if (pipe->state != PIPE_SNAPSHOT || pipe->mode == PIPE_MODE_SNAPSHOT || !s->work || s->work->ending != END_NONE)
        return;
    transition(pipe, EVENT_LOADED, "engine", "every table is loaded", NULL);
    if (pipe->state == PIPE_RESYNC)
        atomic_store(&s->work->stops, true);
}

static void handle(Supervisor *s, Message *message)
{
    switch (message->kind) {
    case MESSAGE_COMMAND:
        if (handle_command(s, message))
            return;
        break;
    case MESSAGE_THREAD_ENDED:
        if (work_thread_ended(s->work, message->sender))
            work_ended(s);
        break;
    case MESSAGE_FATAL:
        if (s->work->ending >= END_FAIL)
            break;
        g_clear_error(&s->work->fatal);
        s->work->fatal = g_steal_pointer(&message->error);
        s->work->fatal_side = message->side;
        work_end(s->work, END_FAIL, clock_monotonic_usec() + (message->side == SIDE_DESTINATION ? 1 : PAUSE_PATIENCE_USEC));
        break;
    case MESSAGE_LOADED:
        handle_loaded(s);
        break;
    case MESSAGE_REACHED:
        if (s->work && s->work->ending == END_NONE)
            work_end(s->work, END_REACHED, 0);
        break;
    case MESSAGE_SETTINGS:
        s->views_due = true;
        G_GNUC_FALLTHROUGH;
    case MESSAGE_RESTART:
        if (s->work && s->work->ending == END_NONE)
            restart_work(s);
        break;
    case MESSAGE_NEW_TABLES:
        new_tables_named(s->news, s->pipe, message->added,
                         s->pipe->state == PIPE_SNAPSHOT || s->pipe->state == PIPE_RUNNING);
        break;
    case MESSAGE_VERIFY:
        verify_begin(s->pipe, s->pipe->state == PIPE_RUNNING && s->work && s->work->ending == END_NONE ? s->work : NULL, message->verify,
                     message->tables, message->repair);
        break;
    case MESSAGE_STOP:
        s->stopping = true;
        if (s->work)
            work_end(s->work, END_STOP, clock_monotonic_usec() + STOP_PATIENCE_USEC);
        break;
    }
    message_free(message);
}

/* When the Work is to be started anew, with tables that it runs without; monotonic, 0: not. A load that would begin again
 * then comes first: new tables, one after another, could keep it from its end for ever. */
static int64_t restart_due(const Supervisor *s)
{
    int64_t looked_at = new_tables_due(s->news);
    if (!s->work || s->work->ending != END_NONE || (!s->set_up_at && !looked_at) || exact_is_on(s->pipe))
        return 0;
    return s->set_up_at && looked_at ? MIN(s->set_up_at, looked_at) : MAX(s->set_up_at, looked_at);
}

void *supervisor_main(void *data)
{
    Supervisor s = {.pipe = data,
                    .waiting = G_QUEUE_INIT,
                    .views_due = true,
                    .lookout = lookout_new(data),
                    .news = new_tables_new(),
                    .cancelling = resync_is_cancelled(data)};
    int64_t sampled = clock_monotonic_usec();

    status_sample(s.pipe); /* rates count from here on, what is loaded in the first second too */
    while (!s.ended && !(s.stopping && !s.work)) {
        while (!s.ended && drive(&s))
            ;
        if (s.pipe->state == PIPE_PAUSED || s.pipe->state == PIPE_FAILED)
            lookout_tick(s.lookout);
        else
            lookout_rest(s.lookout);
        int64_t wait = TICK_USEC, due = restart_due(&s);
        if (s.work && s.work->end_deadline)
            wait = 100000;
        else if (s.retry_at > clock_monotonic_usec())
            wait = MIN(wait, s.retry_at - clock_monotonic_usec());
        else if (due)
            wait = CLAMP(due - clock_monotonic_usec(), 0, wait);
        Message *message = queue_pop(s.pipe->mailbox, wait);
        if (message)
            handle(&s, message);
        due = restart_due(&s); /* the message may have changed it */
        if (due && clock_monotonic_usec() >= due)
            restart_work(&s);
        if (s.work)
            work_enforce_deadline(s.work);
        if (clock_monotonic_usec() - sampled >= TICK_USEC) {
            sampled = clock_monotonic_usec();
            status_sample(s.pipe);
        }
    }
    if (!s.ended)
        history_store_save(s.pipe, true);
    lookout_free(s.lookout);
    new_tables_free(s.news);
    g_queue_clear_full(&s.waiting, (GDestroyNotify)message_free);
    return NULL;
}

void supervisor_pause_first(Pipe *pipe)
{
    transition(pipe, EVENT_PAUSE, "operator", "the engine was started with --paused", NULL);
    transition(pipe, EVENT_QUIET, "engine", NULL, NULL);
}
