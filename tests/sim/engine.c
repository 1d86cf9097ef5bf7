/* engine.c - the supervisor and the crash of the simulator: src/pipe/supervisor.c and setup.c without I/O. */
#include "engine.h"

#include "pipe/place.h"
#include "pipe/retry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void engine_finding(Engine *e, const char *format, ...)
{
    va_list arguments;
    if (e->finding)
        return;
    va_start(arguments, format);
    e->finding = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    engine_tell(e, "FINDING: %s", e->finding);
}

void engine_tell(const Engine *e, const char *format, ...)
{
    va_list arguments;
    if (!e->trace)
        return;
    va_start(arguments, format);
    printf("    ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

/* ---- States ---- */

static bool is_resyncing(const Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++)
        if (((const Table *)e->tables->pdata[i])->twin_of)
            return true;
    return false;
}

bool engine_transition(Engine *e, PipeEvent event)
{
    PipeSituation situation = {.mode = PIPE_MODE_FULL, .back = e->back, .resyncing = is_resyncing(e)};
    PipeTransition next = lifecycle_next(e->state, event, &situation);
    if (next.refused)
        return false;
    engine_tell(e, "%s: %s -> %s", pipe_event_name(event), pipe_state_name(e->state), pipe_state_name(next.state));
    e->state = next.state;
    e->back = next.back;
    return true;
}

void engine_fails(Engine *e, GError *error_take)
{
    RetryDecision decision = retry_decide(error_take, SIDE_SOURCE);
    engine_tell(e, "the pipe fails: %s", error_take->message);
    if (decision.verdict != VERDICT_FAIL_PIPE)
        engine_finding(e, "an error that is to fail the pipe is judged %d: %s", decision.verdict, error_take->message);
    else if (!e->broken)
        engine_finding(e, "the pipe fails without a cause: %s", error_take->message);
    if (!decision.remedies[0])
        engine_finding(e, "nothing is said about what to do: %s", error_take->message);
    g_error_free(error_take);
    e->ending = ENDS_FAIL;
}

void engine_table_fails(Engine *e, Table *table, const char *why)
{
    if (table->state == ROWS_FAILED)
        return;
    engine_tell(e, "%" G_GINT64_FORMAT " fails: %s", table->id, why);
    table->state = ROWS_FAILED;
}

/* ---- Tables ---- */

Table *table_new(Engine *e, unsigned of, int64_t twin_of)
{
    Table *table = g_new0(Table, 1);
    table->id = ++e->next_id;
    table->of = of;
    table->twin_of = twin_of;
    table->target =
        twin_of ? g_strdup_printf("t%u_resync_%" G_GINT64_FORMAT, of, table->id) : g_strdup_printf("t%u", of);
    table->ranges = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_range_free);
    table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    table->marks = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_queue_init(&table->chunks);
    g_ptr_array_add(e->tables, table);
    return table;
}

static void table_free(void *data)
{
    Table *table = data;
    table_forget(table);
    g_free(table->target);
    g_free(table->leftover);
    g_free(table->begin_gtid);
    g_free(table->read_gtid);
    gtid_set_free(table->begin_set);
    statement_note_clear(&table->note);
    g_ptr_array_unref(table->ranges);
    g_array_unref(table->rows);
    g_array_unref(table->marks);
    g_free(table);
}

Table *engine_find(const Engine *e, int64_t id)
{
    for (unsigned i = 0; i < e->tables->len; i++)
        if (((Table *)e->tables->pdata[i])->id == id)
            return e->tables->pdata[i];
    return NULL;
}

Table *engine_twin(const Engine *e, const Table *table)
{
    for (unsigned i = 0; i < e->tables->len; i++)
        if (((Table *)e->tables->pdata[i])->twin_of == table->id)
            return e->tables->pdata[i];
    return NULL;
}

void table_start_over(Table *table)
{
    table_forget(table);
    g_ptr_array_set_size(table->ranges, 0);
    g_clear_pointer(&table->read_gtid, g_free);
    table->read_unseen = false;
    table->state = ROWS_WAITING;
    table->set_up = table->loaded = table->start_over = table->exact_open = table->advised = table->settled = false;
    statement_note_clear(&table->note);
}

/* Where the log ends, as a table that begins there notes it: MySQL's GTIDs are of what is committed, and tell all. */
static void note_log_end(const Engine *e, const char **file, uint64_t *pos, char **gtid)
{
    bool mysql = e->source->flavour == SOURCE_MYSQL;
    *file = mysql && !e->by_file ? NULL : e->source->file;
    *pos = *file ? e->source->pos : 0;
    g_free(*gtid);
    *gtid = mysql && e->by_file ? NULL : source_gtid(e->source);
}

/* setup.c: begin_behind_the_stream */
static void begin_behind_the_stream(const Engine *e, Table *table)
{
    if (e->source->flavour != SOURCE_MYSQL || !table->begin_gtid || !e->checkpoint.gtid)
        return;
    g_autofree char *committed = g_steal_pointer(&table->begin_gtid);
    table->begin_gtid = load_beginning(committed, e->checkpoint.gtid, NULL);
}

/* A new one begins at the end of the log. */
static void set_up(Engine *e, Table *table)
{
    if (e->by_file && source_holds(e->source, table->of))
        return; /* LOCK TABLES waits */
    destination_kill(e->destination, PREFIX);
    table->definition = e->source->definitions[table->of];
    statement_note_clear(&table->note);
    destination_create(e->destination, table->target, table_keeps_all(table->of), table->definition);
    note_log_end(e, &table->begin_file, &table->begin_pos, &table->begin_gtid);
    begin_behind_the_stream(e, table);
    table->snapshot_version = place_version(e->checkpoint.epoch, e->checkpoint.offset);
    table->generation++;
    table->unfollowed = table->set_up = true;
    table->state = ROWS_WAITING;
    if (!table->twin_of)
        e->watched[table->of] = false;
    engine_tell(e, "%" G_GINT64_FORMAT " (t%u) begins at %s:%" G_GUINT64_FORMAT, table->id, table->of,
                table->begin_file, table->begin_pos);
}

/* ---- Work ---- */

static void end_of_work(Engine *e)
{
    for (unsigned i = 0; i < LOADERS; i++)
        loader_clear(&e->loaders[i]);
    g_queue_clear_full(&e->queue, sent_free);
    g_ptr_array_set_size(e->sending, 0);
    for (unsigned i = 0; i < e->destination->running->len; i++) {
        Running *running = e->destination->running->pdata[i];
        running->lost = true;
        running->waiting = NULL;
    }
    for (unsigned i = 0; i < e->destination->altering->len; i++)
        ((Altering *)e->destination->altering->pdata[i])->lost = true;
    g_clear_pointer(&e->tracker, batch_tracker_free);
    e->work = e->stops = e->quiet_first = e->cut = false;
    e->stop_file = NULL;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        table_forget(table);
        table->exact_open = table->exact_lost = table->changes = false;
        g_array_set_size(table->rows, 0);
        g_array_set_size(table->marks, 0);
    }
}

void engine_drop_leftovers(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (table->leftover)
            destination_drop(e->destination, table->leftover);
        g_clear_pointer(&table->leftover, g_free);
    }
}

static void start_work(Engine *e)
{
    engine_drop_leftovers(e);
    load_restore_plans(e);
    e->tracker = batch_tracker_new();
    e->work = true;
    e->ending = ENDS_NOT;
    e->stops = e->state == PIPE_RESYNC;
    for (unsigned i = 0; i < e->tables->len; i++)
        ((Table *)e->tables->pdata[i])->unfollowed = false;
    engine_tell(e, "the work starts");
}

static void work_end(Engine *e, Ending ending)
{
    if (e->ending != ENDS_NOT)
        return;
    e->ending = ending;
    e->patience = 20 + random_below(e->random, 60);
    stream_ends(e, true);
}

static void work_ended(Engine *e)
{
    Ending ending = e->ending;
    end_of_work(e);
    e->ending = ENDS_NOT;
    engine_tell(e, "the work has ended");
    if (ending == ENDS_PAUSE)
        engine_transition(e, EVENT_QUIET);
    else if (ending == ENDS_FAIL)
        engine_transition(e, EVENT_FAIL);
    else if (ending == ENDS_REACHED)
        e->reached = e->state == PIPE_RESYNC;
}

/* ---- Driving ---- */

/* MariaDB says of which place a snapshot is; at MySQL nobody writes to the table while it begins. */
static void open_exactly(Engine *e, Table *table)
{
    if (e->source->flavour == SOURCE_MARIADB) {
        table->base = source_readable(e->source, &table->begin_file, &table->begin_pos);
    } else {
        table->base = source_readable(e->source, NULL, NULL);
        note_log_end(e, &table->begin_file, &table->begin_pos, &table->begin_gtid);
    }
    table->exact_open = true;
}

static void drive_snapshot(Engine *e)
{
    resync_settle(e);
    bool nowhere = !e->checkpoint.file && !e->checkpoint.gtid;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool read = table->ranges->len > 0;
        for (unsigned r = 0; r < table->ranges->len; r++)
            read = read && ((CatalogRange *)table->ranges->pdata[r])->done;
        if (table_keeps_all(table->of) && table->set_up && table_wants_loading(table) && !table->loaded && !read &&
            !table->unfollowed)
            table_start_over(table);
    }
    if (nowhere) {
        const char *file;
        e->identity = e->source->number;
        note_log_end(e, &file, &e->checkpoint.pos, &e->checkpoint.gtid);
        e->checkpoint.file = g_strdup(file);
        e->broken = e->lost = false;
    }
    for (unsigned i = 0; i < e->tables->len && e->identity == e->source->number; i++) {
        Table *table = e->tables->pdata[i];
        if (!table->set_up && table->state == ROWS_WAITING)
            set_up(e, table);
    }
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (!table_keeps_all(table->of) || !table->unfollowed || !table_wants_loading(table) || table->exact_open ||
            !table->set_up)
            continue;
        if (e->identity != e->source->number || !load_can_be_exact(e, table))
            continue;
        if (table->definition.number != e->source->definitions[table->of].number)
            engine_finding(e, "t%u was altered since its definition was read", table->of);
        open_exactly(e, table);
    }
    start_work(e);
}

static void drive(Engine *e)
{
    switch (e->state) {
    case PIPE_PROVISIONING:
        engine_transition(e, EVENT_PROVISIONED);
        break;
    case PIPE_SETUP:
        for (unsigned i = 0; i < TABLES; i++)
            if (e->tables->len < TABLES)
                table_new(e, i, 0);
        e->checkpoint.epoch = 1;
        engine_transition(e, EVENT_SETUP_DONE);
        break;
    case PIPE_SNAPSHOT:
        drive_snapshot(e);
        break;
    case PIPE_RUNNING:
        for (unsigned i = 0; i < e->tables->len; i++)
            if (table_wants_loading(e->tables->pdata[i])) {
                engine_transition(e, EVENT_ADD_TABLES);
                return;
            }
        start_work(e);
        break;
    case PIPE_RESYNC:
        if (e->reached) {
            resync_exchange(e);
            break;
        }
        resync_settle(e);
        start_work(e);
        break;
    case PIPE_PAUSING: /* a crash came before it was quiet */
        engine_transition(e, EVENT_QUIET);
        break;
    default:
        break;
    }
}

static void all_loaded(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++)
        if (table_wants_loading(e->tables->pdata[i]))
            return;
    engine_transition(e, EVENT_LOADED);
    e->stops = e->state == PIPE_RESYNC;
}

/* It could not be begun when the work started, for another server answered that the stream had not gone over to. */
static bool waits_to_begin(const Engine *e, const Table *table)
{
    if (e->state != PIPE_SNAPSHOT || e->identity != e->source->number || !e->session.on || !table_wants_loading(table))
        return false;
    bool is_read = table->plan && range_plan_all_done(table->plan);
    bool begins = table->exact_lost || !(table->exact_open || table->plan);
    return !table->set_up || (table_keeps_all(table->of) && !is_read && begins && load_can_be_exact(e, table));
}

static void supervise(Engine *e)
{
    if (!e->work) {
        if (e->resync_asked)
            resync_begin(e);
        for (unsigned i = 0; i < e->tables->len; i++)
            if (((Table *)e->tables->pdata[i])->start_over)
                table_start_over(e->tables->pdata[i]);
        drive(e);
        return;
    }
    if (e->ending != ENDS_NOT) {
        bool sent = g_queue_is_empty(&e->queue) && e->sending->len == 0;
        ExchangeSituation at = {.under_way = e->queue.length + e->sending->len};
        if (e->ending == ENDS_REACHED)
            sent = exchange_next(&at) != EXCHANGE_WAIT;
        if (sent || e->ending == ENDS_FAIL || (e->ending != ENDS_REACHED && e->patience-- == 0)) {
            stream_ends(e, false);
            work_ended(e);
        }
        return;
    }
    if (e->stops && !e->stop_file && e->identity == e->source->number) {
        e->stop_file = e->source->file;
        e->stop_pos = e->source->pos;
    }
    if (e->state == PIPE_SNAPSHOT)
        all_loaded(e);
    for (unsigned i = 0; i < e->tables->len; i++)
        if (((Table *)e->tables->pdata[i])->start_over || waits_to_begin(e, e->tables->pdata[i]))
            work_end(e, ENDS_RESTART);
    if (e->resync_asked)
        work_end(e, ENDS_RESTART);
    if (e->state == PIPE_PAUSING)
        work_end(e, ENDS_PAUSE);
}

/* ---- What happens from outside ---- */

bool engine_crashes_here(Engine *e)
{
    if (!e->dead && random_one_in(e->random, 150))
        e->dead = true;
    return e->dead;
}

void engine_crash(Engine *e)
{
    engine_tell(e, "kill -9");
    stream_ends(e, false);
    end_of_work(e);
    e->dead = e->reached = e->resync_asked = false;
    e->ending = ENDS_NOT;
    e->exchange = (ExchangeSituation){0};
    e->exchanging = NULL;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        table->attempt = 0;
        table->unfollowed = table->start_over = false;
        if (table->loaded)
            continue;
        table->read_unseen = table->ranges->len > 0;
        g_clear_pointer(&table->read_gtid, g_free);
    }
}

void engine_pause(Engine *e)
{
    engine_transition(e, EVENT_PAUSE);
}

void engine_resume(Engine *e)
{
    engine_transition(e, EVENT_RESUME);
}

void engine_resync(Engine *e, int64_t table_id)
{
    e->resync_asked = true;
    e->resync_one = table_id;
}

void engine_lose_connection(Engine *e)
{
    if (e->session.on)
        e->cut = true;
    load_lose_connections(e);
}

void engine_destination_restarts(Engine *e)
{
    for (unsigned i = e->destination->running->len; i-- > 0;) {
        Running *running = e->destination->running->pdata[i];
        if (!running->committed || running->lost) {
            destination_remove(e->destination, running);
        } else {
            running->lost = true;
            running->waiting = NULL;
        }
    }
    g_ptr_array_set_size(e->destination->altering, 0);
}

void engine_holds_tables(Engine *e)
{
    memset(e->source->held, 0, sizeof e->source->held);
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        e->source->held[table->of] = e->source->held[table->of] || table->exact_open;
    }
}

void engine_act(Engine *e)
{
    e->now += 20000;
    unsigned what = random_below(e->random, 20);
    bool works = e->work && (e->ending == ENDS_NOT);
    if (what < 7 && works)
        stream_act(e);
    else if (what < 10 && works)
        loader_act(e, &e->loaders[what % LOADERS]);
    else if (what < 13 && e->work)
        sender_act(e);
    else if (what < 17)
        destination_act(e);
    else if (what < 19)
        supervise(e);
    else
        source_show_more(e->source);
    judge_watch(e);
    if (e->dead)
        engine_crash(e);
}

/* ---- The end ---- */

void engine_init(Engine *e, Source *source, bool by_file, Destination *destination, Random *random,
                 const char *state_dir)
{
    *e = (Engine){
        .source = source, .by_file = by_file, .destination = destination, .random = random, .state_dir = state_dir};
    e->tables = g_ptr_array_new_with_free_func(table_free);
    e->batches = g_array_new(FALSE, FALSE, sizeof(CatalogBatch));
    e->sending = g_ptr_array_new_with_free_func(sent_free);
    e->rows_limit = 2 + random_below(random, 8);
    g_queue_init(&e->queue);
}

void engine_clear(Engine *e)
{
    stream_ends(e, false);
    end_of_work(e);
    g_ptr_array_unref(e->sending);
    g_ptr_array_unref(e->tables);
    g_array_unref(e->batches);
    catalog_checkpoint_clear(&e->checkpoint);
    g_free(e->finding);
}
