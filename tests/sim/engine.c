/* engine.c - the supervisor, the senders and the crash of the simulator: src/pipe/supervisor.c, apply.c, resync.c
 * without I/O. */
#include "engine.h"

#include "pipe/place.h"
#include "pipe/retry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "sluice-u-"

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

static bool transition(Engine *e, PipeEvent event)
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

static Table *table_new(Engine *e, unsigned of, int64_t twin_of)
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
    g_ptr_array_unref(table->ranges);
    g_array_unref(table->rows);
    g_array_unref(table->marks);
    g_free(table);
}

static Table *find(const Engine *e, int64_t id)
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

static void start_over(Table *table)
{
    table_forget(table);
    g_ptr_array_set_size(table->ranges, 0);
    g_clear_pointer(&table->read_gtid, g_free);
    table->read_unseen = false;
    table->state = ROWS_WAITING;
    table->set_up = table->loaded = table->start_over = table->exact_open = table->advised = table->settled = false;
    table->planned = NULL;
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
    g_autoptr(GtidSet) committed = gtid_set_parse(SOURCE_MYSQL, table->begin_gtid, NULL);
    g_autoptr(GtidSet) passed = gtid_set_parse(SOURCE_MYSQL, e->checkpoint.gtid, NULL);
    gtid_set_join(committed, passed);
    g_free(table->begin_gtid);
    table->begin_gtid = gtid_set_text(committed);
}

/* A new one begins at the end of the log. */
static void set_up(Engine *e, Table *table)
{
    if (e->by_file && source_holds(e->source, table->of))
        return; /* LOCK TABLES waits */
    destination_kill(e->destination, PREFIX);
    table->definition = e->source->definitions[table->of];
    table->planned = NULL;
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

static void drop_leftovers(Engine *e)
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
    drop_leftovers(e);
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
        transition(e, EVENT_QUIET);
    else if (ending == ENDS_FAIL)
        transition(e, EVENT_FAIL);
    else if (ending == ENDS_REACHED)
        e->reached = e->state == PIPE_RESYNC;
}

/* ---- Driving ---- */

static void resync_begin(Engine *e)
{
    bool anew = e->state == PIPE_FAILED;
    e->resync_asked = false;
    if (e->state != PIPE_RUNNING && e->state != PIPE_PAUSED && e->state != PIPE_FAILED)
        return;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool wanted = anew || !e->resync_one || table->id == e->resync_one;
        if ((table->twin_of || !table->loaded) && (anew || (wanted && table->state == ROWS_FAILED)))
            start_over(table);
    }
    for (unsigned i = 0, n = e->tables->len; i < n; i++) {
        Table *table = e->tables->pdata[i];
        bool wanted = anew || !e->resync_one || table->id == e->resync_one;
        if (!table->twin_of && table->loaded && wanted && !engine_twin(e, table))
            table_new(e, table->of, table->id);
    }
    if (anew) {
        for (unsigned i = 0; i < e->tables->len; i++) {
            Table *table = e->tables->pdata[i];
            if (table->twin_of || !table->set_up)
                continue;
            table->begin_file = NULL;
            g_clear_pointer(&table->begin_gtid, g_free);
            table->begin_pos = 0;
            if (engine_twin(e, table))
                table->state = ROWS_KEPT;
        }
        CatalogCheckpoint nowhere = {.epoch = e->checkpoint.epoch + 1};
        catalog_checkpoint_clear(&e->checkpoint);
        e->checkpoint = nowhere;
        g_array_set_size(e->batches, 0);
    }
    transition(e, EVENT_RESYNC);
}

static void settle(Engine *e);

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
    settle(e);
    bool nowhere = !e->checkpoint.file && !e->checkpoint.gtid;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool read = table->ranges->len > 0;
        for (unsigned r = 0; r < table->ranges->len; r++)
            read = read && ((CatalogRange *)table->ranges->pdata[r])->done;
        if (table_keeps_all(table->of) && table->set_up && table_wants_loading(table) && !table->loaded && !read &&
            !table->unfollowed)
            start_over(table);
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

static void take_place(Engine *e, Table *table, Table *twin)
{
    g_free(twin->leftover);
    twin->leftover = twin->target;
    twin->target = g_strdup(table->target);
    twin->twin_of = 0;
    twin->settled = table->settled;
    twin->exchange_uuid = 0;
    engine_tell(e, "%" G_GINT64_FORMAT " takes the place of %" G_GINT64_FORMAT, twin->id, table->id);
    g_ptr_array_remove(e->tables, table);
}

static void settle(Engine *e)
{
    for (unsigned i = e->tables->len; i-- > 0;) {
        if (i >= e->tables->len)
            continue;
        Table *twin = e->tables->pdata[i], *table = find(e, twin->twin_of);
        if (!twin->twin_of || !twin->exchange_uuid || !table)
            continue;
        const Object *stands = destination_find(e->destination, table->target);
        if (stands && stands->uuid == twin->exchange_uuid)
            take_place(e, table, twin);
    }
}

static Table *next_twin(const Engine *e)
{
    for (unsigned i = e->tables->len; i-- > 0;)
        if (((Table *)e->tables->pdata[i])->twin_of)
            return e->tables->pdata[i];
    return NULL;
}

static void give_up(Engine *e, Table *twin)
{
    Table *table = find(e, twin->twin_of);
    destination_kill(e->destination, PREFIX);
    destination_drop(e->destination, twin->target);
    if (table->state == ROWS_KEPT)
        engine_table_fails(e, table,
                           "its position in the log was given up for a resync, which did not come to its end");
    g_ptr_array_remove(e->tables, twin);
}

/* One step of it, for a crash may come behind each. */
static void exchange(Engine *e)
{
    Table *twin = next_twin(e), *table = twin ? find(e, twin->twin_of) : NULL;
    if (!twin) {
        drop_leftovers(e);
        e->reached = false;
        e->exchange = (ExchangeSituation){0};
        transition(e, EVENT_EXCHANGED);
        return;
    }
    if (twin->state != ROWS_LIVE) {
        give_up(e, twin);
        return;
    }
    if (e->exchanging != twin) {
        e->exchanging = twin;
        e->exchange = (ExchangeSituation){.inserts_gone = e->exchange.inserts_gone};
    }
    const Object *stands = destination_find(e->destination, table->target);
    switch (exchange_next(&e->exchange)) {
    case EXCHANGE_WAIT:
        break;
    case EXCHANGE_KILL:
        destination_kill(e->destination, PREFIX);
        e->exchange.inserts_gone = true;
        break;
    case EXCHANGE_NOTE:
        if (!twin->exchange_uuid)
            twin->exchange_uuid = destination_find(e->destination, twin->target)->uuid;
        e->exchange.noted = true;
        break;
    case EXCHANGE_LOOK:
        e->exchange.looked = true;
        e->exchange.stands = stands != NULL;
        e->exchange.done = stands && stands->uuid == twin->exchange_uuid;
        break;
    case EXCHANGE_SWAP:
    case EXCHANGE_RENAME:
        engine_tell(e, "%s and %s change places", table->target, twin->target);
        destination_exchange(e->destination, table->target, twin->target);
        e->exchange.done = true;
        break;
    case EXCHANGE_TAKE_PLACE:
        take_place(e, table, twin);
        e->exchanging = NULL;
        break;
    }
}

static void drive(Engine *e)
{
    switch (e->state) {
    case PIPE_PROVISIONING:
        transition(e, EVENT_PROVISIONED);
        break;
    case PIPE_SETUP:
        for (unsigned i = 0; i < TABLES; i++)
            if (e->tables->len < TABLES)
                table_new(e, i, 0);
        e->checkpoint.epoch = 1;
        transition(e, EVENT_SETUP_DONE);
        break;
    case PIPE_SNAPSHOT:
        drive_snapshot(e);
        break;
    case PIPE_RUNNING:
        for (unsigned i = 0; i < e->tables->len; i++)
            if (table_wants_loading(e->tables->pdata[i])) {
                transition(e, EVENT_ADD_TABLES);
                return;
            }
        start_work(e);
        break;
    case PIPE_RESYNC:
        if (e->reached) {
            exchange(e);
            break;
        }
        settle(e);
        start_work(e);
        break;
    case PIPE_PAUSING: /* a crash came before it was quiet */
        transition(e, EVENT_QUIET);
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
    transition(e, EVENT_LOADED);
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
                start_over(e->tables->pdata[i]);
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

/* ---- Senders ---- */

void sent_free(void *data)
{
    Sent *sent = data;
    if (!sent)
        return;
    g_free(sent->token);
    g_free(sent->query_id);
    g_free(sent->target);
    g_array_unref(sent->rows);
    g_free(sent);
}

static void watch(Engine *e);

void engine_acknowledged(Engine *e, Sent *sent)
{
    g_ptr_array_set_free_func(e->sending, NULL);
    g_ptr_array_remove(e->sending, sent);
    g_ptr_array_set_free_func(e->sending, sent_free);
    if (sent->snapshot) {
        load_chunk_done(e, sent);
    } else {
        batch_tracker_ack(e->tracker, sent->seq);
        stream_save_checkpoint(e);
    }
    sent_free(sent);
}

static bool is_running(const Engine *e, const Sent *sent)
{
    for (unsigned i = 0; i < e->destination->running->len; i++) {
        const Running *running = e->destination->running->pdata[i];
        if (running->waiting == sent && !running->lost)
            return true;
    }
    return false;
}

static void send(Engine *e)
{
    for (unsigned i = 0; i < e->sending->len; i++) {
        Sent *sent = e->sending->pdata[i];
        if (is_running(e, sent))
            continue;
        InsertAnswer answer = INSERT_NO_TABLE;
        if (!sent->snapshot || sent->table->state != ROWS_FAILED)
            answer = destination_begin(e->destination, sent->target, sent->token, sent->query_id, sent->definition,
                                       sent->rows, sent);
        if (answer == INSERT_REFUSED)
            engine_table_fails(e, sent->table, "its columns are not those of the destination table");
        if (answer == INSERT_REFUSED && !e->broken)
            engine_finding(e, "%s is refused: by definition %u of t%u", sent->token, sent->definition.number,
                           sent->table->of);
        if (answer != INSERT_BEGINS)
            engine_acknowledged(e, sent);
        return;
    }
    if (e->sending->len < SENDERS && !g_queue_is_empty(&e->queue))
        g_ptr_array_add(e->sending, g_queue_pop_head(&e->queue));
}

/* ---- The destination ---- */

static void alter_act(Engine *e)
{
    Destination *d = e->destination;
    Altering *altering = d->altering->pdata[random_below(e->random, d->altering->len)];
    if (!altering->lost && random_one_in(e->random, 12)) {
        altering->lost = true;
        engine_tell(e, "%s timed out", altering->query_id);
        return;
    }
    if (altering->lost && random_one_in(e->random, 6)) {
        g_ptr_array_remove(d->altering, altering);
        return;
    }
    if (altering->lost && !random_one_in(e->random, 6))
        return;
    engine_tell(e, "object %u is altered%s: %s", altering->object->uuid, altering->lost ? " late" : "",
                altering->proof);
    if (strcmp(altering->object->proof, altering->proof) == 0)
        engine_finding(e, "%s was carried out twice", altering->proof);
    destination_altered(d, altering);
}

static void destination_act(Engine *e)
{
    Destination *d = e->destination;
    if (d->altering->len && random_one_in(e->random, 3)) {
        alter_act(e);
        return;
    }
    if (d->running->len == 0)
        return;
    Running *running = d->running->pdata[random_below(e->random, d->running->len)];
    if (!running->lost && random_one_in(e->random, 12)) {
        running->lost = true; /* it timed out; it is sent again under the same token */
        running->waiting = NULL;
        engine_tell(e, "insert %s timed out", running->query_id);
        return;
    }
    if (!running->committed) {
        if (running->lost && random_one_in(e->random, 6)) {
            destination_remove(d, running);
            return;
        }
        if (running->lost && !random_one_in(e->random, 6))
            return;
        destination_commit(d, running);
        engine_tell(e, "insert %s %s into object %u", running->token, running->lost ? "commits late" : "commits",
                    running->object->uuid);
        watch(e);
        /* A history that was rewritten may be told only by what follows: the pipe fails then. */
        if (e->broken)
            d->doubled = d->mistaken = false;
        if (d->mistaken)
            engine_finding(e, "values of another type were inserted: %s", running->token);
        if (d->doubled)
            engine_finding(e, "a change was inserted twice: %s", running->token);
        return;
    }
    Sent *waiting = running->lost ? NULL : running->waiting;
    destination_remove(d, running);
    if (waiting)
        engine_acknowledged(e, waiting);
}

/* Readers of live tables never see an older row than before. */
static void note_settled(Engine *e)
{
    const Session *s = &e->session;
    bool quiet = e->work && s->on && s->next >= e->source->log->len && !s->batch_rows && !s->group.open && !s->ddl &&
                 batch_tracker_in_flight(e->tracker) == 0;
    for (unsigned i = 0; i < e->tables->len && quiet; i++) {
        Table *table = e->tables->pdata[i];
        if (table->loaded && table->state == ROWS_LIVE && !table->settled) {
            table->settled = true;
            e->destination->changes++;
        }
    }
}

static void watch(Engine *e)
{
    note_settled(e);
    if (e->watched_at == e->destination->changes)
        return;
    e->watched_at = e->destination->changes;
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        const Object *object = destination_find(e->destination, table->target);
        if (table->twin_of || table_keeps_all(table->of))
            continue;
        bool left =
            e->lost && e->identity != e->source->number; /* what it lacks is still on its way from the old one */
        if (!table->settled || !object || table->state == ROWS_FAILED || table->advised || e->broken || left) {
            e->watched[table->of] = false;
            continue;
        }
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t value = destination_row(object, key);
            int when =
                source_when(e->source, table->of, key, value, e->watched[table->of] ? e->shown[table->of][key] : 0);
            const Row *newest = destination_newest(object, key);
            /* A transaction that was rolled back may have been sent already: its tables fail as that is read. */
            if (when == SOURCE_EARLIER && (!newest || source_has(e->source, newest->value)))
                engine_finding(e, "t%u shows an older row of key %u: value %u after one of commit %u", table->of, key,
                               value, e->shown[table->of][key]);
            if (when >= 0)
                e->shown[table->of][key] = (unsigned)when;
        }
        e->watched[table->of] = true;
    }
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
        table->read_unseen = table->ranges->len > 0;
        g_clear_pointer(&table->read_gtid, g_free);
    }
}

void engine_pause(Engine *e)
{
    transition(e, EVENT_PAUSE);
}

void engine_resume(Engine *e)
{
    transition(e, EVENT_RESUME);
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
        send(e);
    else if (what < 17)
        destination_act(e);
    else if (what < 19)
        supervise(e);
    else
        source_show_more(e->source);
    watch(e);
    if (e->dead)
        engine_crash(e);
}

/* ---- The end ---- */

bool engine_is_caught_up(const Engine *e)
{
    const Session *s = &e->session;
    return e->state == PIPE_RUNNING && e->work && e->ending == ENDS_NOT && s->on && !s->verifying && !s->group.open &&
           !s->ddl && !e->cut && !s->batch_rows && s->next >= e->source->log->len &&
           batch_tracker_in_flight(e->tracker) == 0 && !batch_cutter_forced(&s->cutter) &&
           e->source->readable >= e->source->log->len && e->destination->running->len == 0 &&
           e->destination->altering->len == 0;
}

bool engine_wants_resync(const Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        if (table->state == ROWS_FAILED || table->advised)
            return true;
    }
    return e->state == PIPE_FAILED;
}

static bool is_same(Definition a, Definition b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* A change of the log is decoded by the definition that it was written with. Of a row that is read later what columns
 * were added since may be missing, for nothing was written to them: it would come again. */
static void compare_definition(Engine *e, const Row *row, bool exact)
{
    Definition written;
    if (!source_definition_of(e->source, row->value, &written))
        return;
    bool fits = row->loaded && !exact
                    ? row->definition.added >= written.added && row->definition.modified >= written.modified
                    : row->loaded || is_same(row->definition, written);
    if (!fits)
        engine_finding(e, "the change %u, written by definition %u, was decoded by %u", row->value, written.number,
                       row->definition.number);
}

static void compare_definitions(Engine *e, const Table *table, const Object *object)
{
    Definition is = e->source->definitions[table->of];
    if (!is_same(table->definition, is))
        engine_finding(e, "caught up, and the definition of t%u is %u, not %u", table->of, table->definition.number,
                       is.number);
    if (object->definition.added != is.added || object->definition.modified != is.modified)
        engine_finding(e, "caught up, and %s has %u columns (%u), not %u (%u)", table->target, object->definition.added,
                       object->definition.modified, is.added, is.modified);
}

static void compare_all(Engine *e, const Table *table, const Object *object)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new(NULL, NULL);
    unsigned n = 0;
    if (table->base > e->source->commits->len) {
        engine_finding(e, "caught up, and t%u was loaded from commits that the source has lost", table->of);
        return;
    }
    for (unsigned key = 0; key < KEYS; key++) {
        uint32_t value = source_row(e->source, table->base, table->of, key);
        if (value)
            g_hash_table_add(wanted, GUINT_TO_POINTER(value));
    }
    for (unsigned c = table->base; c < e->source->commits->len; c++) {
        const Commit *commit = e->source->commits->pdata[c];
        if (commit->truncated == (int)table->of)
            g_hash_table_remove_all(wanted);
        for (unsigned i = 0; i < commit->changes->len; i++) {
            const Change *change = &g_array_index(commit->changes, Change, i);
            if (change->table == table->of)
                g_hash_table_add(wanted, GUINT_TO_POINTER(change->value));
        }
    }
    n = g_hash_table_size(wanted);
    for (unsigned i = 0; i < object->rows->len; i++) {
        const Row *row = &g_array_index(object->rows, Row, i);
        compare_definition(e, row, true);
        if (!g_hash_table_remove(wanted, GUINT_TO_POINTER(row->value)))
            engine_finding(e, "t%u has the change %u twice, or it never was", table->of, row->value);
    }
    if (g_hash_table_size(wanted))
        engine_finding(e, "t%u lacks %u of %u changes", table->of, g_hash_table_size(wanted), n);
}

void engine_compare(Engine *e)
{
    if (e->tables->len != TABLES)
        engine_finding(e, "%u tables are in the pipe", e->tables->len);
    if (g_hash_table_size(e->destination->names) != TABLES)
        engine_finding(e, "%u tables are at the destination", g_hash_table_size(e->destination->names));
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        const Object *object = destination_find(e->destination, table->target);
        if (!object) {
            engine_finding(e, "%s is not there", table->target);
            continue;
        }
        compare_definitions(e, table, object);
        if (table_keeps_all(table->of)) {
            compare_all(e, table, object);
            continue;
        }
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t is = destination_row(object, key),
                     wanted = source_row(e->source, e->source->commits->len, table->of, key);
            if (is != wanted)
                engine_finding(e, "caught up, and key %u of t%u is %u, not %u", key, table->of, is, wanted);
            const Row *newest = destination_newest(object, key);
            if (newest)
                compare_definition(e, newest, false);
        }
    }
}

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
