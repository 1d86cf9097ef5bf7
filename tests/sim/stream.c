/* stream.c - the stream of the simulator: src/pipe/stream*.c without I/O. */
#include "stream.h"

#include "pipe/place.h"
#include "pipe/token.h"

#include <string.h>

#define AGE_USEC             1000000
#define IDLE_CHECKPOINT_USEC 10000000

static void session_clear(Session *s)
{
    if (!s->on)
        return;
    prepared_discard(s->xa);
    prepared_free(s->prepared);
    gtid_set_free(s->gtid);
    place_clear(&s->place);
    batch_cutter_clear(&s->cutter);
    group_clear(&s->group);
    memset(s, 0, sizeof *s);
}

void stream_history_fails(Engine *e, const char *what)
{
    engine_fails(e, g_error_new_literal(SLUICE_ERROR, SLUICE_ERROR_HISTORY, what));
}

/* ---- Beginning ---- */

/* The event that a dump from there begins with; -1: the server says why not. */
static int find_start(Engine *e, const char *file, uint64_t pos)
{
    bool has_file = false;
    for (unsigned i = 0; i < e->source->log->len; i++) {
        const BinlogEvent *event = &((LogEvent *)e->source->log->pdata[i])->event;
        if (event->file != file && strcmp(event->file, file) != 0)
            continue;
        has_file = true;
        if (event->start == pos || (pos == 4 && event->start == 4))
            return (int)i;
        if (event->end == pos)
            return (int)i + 1;
        if (event->end > pos) {
            stream_history_fails(e, "no transaction begins there any more");
            return -1;
        }
    }
    engine_fails(e, g_error_new_literal(
                        SOURCE_ERROR, 1236,
                        has_file ? "Client requested master to start replication from impossible position > file size"
                                 : "Could not find first log file name in binary log index file"));
    return -1;
}

static bool choose_start(Engine *e, Session *s)
{
    CatalogCheckpoint *c = &e->checkpoint;
    bool other = e->identity != e->source->number, mysql = e->source->flavour == SOURCE_MYSQL;
    s->by_gtid = other || !c->file || (mysql && !e->by_file);
    if (s->by_gtid && c->gtid && !stream_check_gtids(e, c->gtid))
        return false;
    if (other && !c->gtid) {
        e->broken = true;
        stream_history_fails(e, "another server answers");
        return false;
    }
    if (!stream_judge_loads(e, other))
        return false;
    stream_find_statements(e);
    if (!stream_judge_statements(e, other ? 0 : c->epoch))
        return false;
    if (other) {
        s->awaits = false;
        stream_fail_over(e);
    }
    if (s->by_gtid) {
        g_autoptr(GtidSet) ours = gtid_set_parse(e->source->flavour, c->gtid ? c->gtid : "", NULL);
        if (mysql && c->print_file && c->print_gtid && *c->print_gtid) {
            g_autoptr(GtidSet) all = g_steal_pointer(&ours), last = gtid_set_parse(SOURCE_MYSQL, c->print_gtid, NULL);
            ours = gtid_set_subtract(all, last);
            s->verifying = true;
        }
        for (s->next = 0; s->next < e->source->log->len; s->next++) {
            const LogEvent *event = e->source->log->pdata[s->next];
            if (is_gtid_event(&event->event) && !gtid_set_contains(ours, &event->gtid))
                break;
        }
        return true;
    }
    s->verifying = c->print_file != NULL;
    int at = find_start(e, s->verifying ? c->print_file : c->file, s->verifying ? c->print_pos : c->pos);
    s->next = at < 0 ? 0 : (unsigned)at;
    return at >= 0;
}

/* Asked by GTID, the server tells of the start of the file that it begins to look in. */
static void seek(Engine *e)
{
    Session *s = &e->session;
    const Source *source = e->source;
    /* Its transactions are of one domain. Not every pipe knows. */
    place_seek(&s->place, source->file, source->pos,
               source->flavour == SOURCE_MYSQL || e->checkpoint.file || source->number % 2);
    unsigned first = MIN(s->next, source->log->len - 1);
    while (first && ((const LogEvent *)source->log->pdata[first])->event.type != BINLOG_FORMAT_DESCRIPTION)
        first--;
    for (unsigned i = first; i < s->next; i++) {
        const BinlogEvent *event = &((const LogEvent *)source->log->pdata[i])->event;
        if (source_begins_file(event->type))
            place_move(&s->place, &s->group, event->file, event->end);
    }
}

static void session_begin(Engine *e)
{
    Session *s = &e->session;
    const CatalogCheckpoint *c = &e->checkpoint;
    GError *error = NULL;
    memset(s, 0, sizeof *s);
    e->cut = false;
    e->saved_seq = 0;
    s->next_seq = 1;
    group_init(&s->group);
    s->prepared = prepared_open(e->state_dir, UUID, c->prepared, &error);
    s->on = true;
    if (!s->prepared) {
        engine_fails(e, error);
        session_clear(s);
        return;
    }
    if (!choose_start(e, s)) {
        session_clear(s);
        return;
    }
    stream_parse_beginnings(e);
    s->gtid = e->by_file ? NULL : gtid_set_parse(e->source->flavour, c->gtid ? c->gtid : "", NULL);
    GArray *batches = g_array_new(FALSE, FALSE, sizeof(CatalogBatch));
    if (e->batches->len && g_array_index(e->batches, CatalogBatch, 0).epoch == c->epoch)
        g_array_append_vals(batches, e->batches->data, e->batches->len);
    place_load(&s->place, c);
    if (s->by_gtid)
        seek(e);
    s->skip_file = s->by_gtid ? NULL : s->place.file;
    s->skip_pos = s->place.pos;
    for (unsigned i = 0; i < batches->len; i++)
        s->next_seq = MAX(s->next_seq, g_array_index(batches, CatalogBatch, i).seq + 1);
    batch_cutter_init(&s->cutter, batches);
    s->last_seal = e->now;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        g_array_set_size(table->rows, 0);
        g_array_set_size(table->marks, 0);
        table->sent_marks = 0;
    }
    engine_tell(e, "a session begins at %s:%" G_GUINT64_FORMAT "%s, %u cuts to repeat", s->place.file, s->place.pos,
                s->verifying ? " (verifying)" : "", batches->len);
}

/* ---- Sealing ---- */

void stream_catalog_save(Engine *e, CatalogCheckpoint *checkpoint_take, uint64_t applied_seq)
{
    catalog_checkpoint_clear(&e->checkpoint);
    e->checkpoint = *checkpoint_take;
    while (e->batches->len && g_array_index(e->batches, CatalogBatch, 0).seq <= applied_seq)
        g_array_remove_index(e->batches, 0);
    e->saved_seq = applied_seq;
    engine_tell(e, "checkpoint %s:%" G_GUINT64_FORMAT " offset %" G_GUINT64_FORMAT, e->checkpoint.file,
                e->checkpoint.pos, e->checkpoint.offset);
}

void stream_save_checkpoint(Engine *e)
{
    CatalogCheckpoint checkpoint;
    uint64_t applied_seq;
    if (!batch_tracker_take(e->tracker, &checkpoint, &applied_seq))
        return;
    if (engine_crashes_here(e)) {
        catalog_checkpoint_clear(&checkpoint);
        return;
    }
    stream_catalog_save(e, &checkpoint, applied_seq);
}

static void note_sent_marks(Table *table)
{
    for (unsigned mark = table->marks->len; mark-- > 0;)
        if (g_array_index(table->marks, unsigned, mark) < table->rows->len) {
            table->sent_marks = MAX(table->sent_marks, mark + 1);
            return;
        }
}

static Sent *take_block(Session *s, Table *table, uint64_t seq)
{
    Sent *sent = g_new0(Sent, 1);
    note_sent_marks(table);
    sent->table = table;
    sent->rows = table->rows;
    sent->definition = table->definition;
    sent->seq = seq;
    sent->target = g_strdup(table->target);
    sent->token = token_of_stream(UUID, table->id, table->generation, s->place.epoch, s->place.rows_end);
    sent->query_id = query_id_of_stream(UUID, seq, table->id);
    table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_size(table->marks, 0);
    return sent;
}

static bool can_be_resumed(const Engine *e)
{
    const Session *s = &e->session;
    return e->source->flavour == SOURCE_MYSQL || s->place.before_group || place_can_be_resumed(&s->place);
}

void stream_seal(Engine *e, const CatalogBatch *forced)
{
    Session *s = &e->session;
    g_autoptr(GPtrArray) inserts = g_ptr_array_new_with_free_func(sent_free);
    CatalogCheckpoint checkpoint = {0};
    bool boundary = !s->group.open && can_be_resumed(e);
    uint64_t seq = forced ? forced->seq : s->next_seq;

    if (boundary) {
        prepared_checkpoint_saved(s->prepared, e->saved_seq);
        if (prepared_count_open(s->prepared))
            prepared_save(s->prepared, seq, &checkpoint.prepared, NULL);
    }
    if (seq >= s->next_seq)
        s->next_seq = seq + 1;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (table->rows->len)
            g_ptr_array_add(inserts, take_block(s, table, seq));
    }
    if (!forced && inserts->len) {
        CatalogBatch cut = place_cut(&s->place, &s->group, seq);
        g_array_append_val(e->batches, cut);
        if (e->batches->len > 500)
            engine_finding(e, "%u cuts are in the catalog", e->batches->len);
    }
    engine_tell(e, "batch %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ": %u inserts%s%s", seq, s->place.rows_end,
                inserts->len, forced ? ", repeated" : "", boundary ? "" : ", no checkpoint");
    if (engine_crashes_here(e)) {
        catalog_checkpoint_clear(&checkpoint);
        return;
    }
    s->place.sealed_end = s->place.rows_end;
    s->batch_rows = s->batch_bytes = 0;
    s->last_seal = e->now;
    if (boundary)
        place_checkpoint(&s->place, &s->group, s->gtid, &checkpoint);
    batch_tracker_add(e->tracker, seq, inserts->len, boundary ? &checkpoint : NULL);
    stream_save_checkpoint(e);
    catalog_checkpoint_clear(&checkpoint);
    if (boundary)
        s->place.moved = false;
    for (unsigned i = 0; i < inserts->len; i++)
        g_queue_push_tail(&e->queue, g_steal_pointer(&inserts->pdata[i]));
    g_ptr_array_set_free_func(inserts, NULL);
}

static void seal_if_due(Engine *e, bool idle)
{
    Session *s = &e->session;
    unsigned blocks = 0;
    for (unsigned i = 0; i < e->tables->len; i++)
        blocks += ((Table *)e->tables->pdata[i])->rows->len > 0;
    BatchLimits limits = {.rows = e->rows_limit, .bytes = 400, .age_usec = AGE_USEC};
    BatchSituation situation = {.rows = s->batch_rows,
                                .bytes = s->batch_bytes,
                                .offset = s->place.rows_end,
                                .group_open = s->group.open,
                                .group_has_rows = s->group.open && s->place.rows_end > s->place.group_offset,
                                .savepoints = s->group.savepoints,
                                .memory_short = random_one_in(e->random, 60),
                                .inserts = blocks,
                                .now = e->now,
                                .last_seal = s->last_seal};
    const CatalogBatch *forced;
    if (s->verifying || e->dead)
        return;
    if (batch_cutter_seal(&s->cutter, &limits, &situation, &forced)) {
        stream_seal(e, forced);
        return;
    }
    bool free_of_rows = s->batch_rows == 0 && !s->group.open && s->place.moved && !s->awaits &&
                        !batch_cutter_forced(&s->cutter) && can_be_resumed(e);
    if (free_of_rows && e->now - s->last_seal >= (idle ? AGE_USEC : IDLE_CHECKPOINT_USEC))
        stream_seal(e, NULL);
}

/* ---- Rows ---- */

bool stream_is_before(const Session *s, const Table *table, const BinlogEvent *event)
{
    if (!table->begin_file)
        return table->begin_set && gtid_set_contains(table->begin_set, &s->group.gtid);
    return binlog_position_compare(event->file, event->start, table->begin_file, table->begin_pos) < 0;
}

bool stream_follows(const Session *s, const Table *table, const BinlogEvent *event)
{
    return table->set_up && table_is_followed(table) && !stream_is_before(s, table, event);
}

/* As the table map tells it. */
static bool map_fits(Engine *e, Table *table, const BinlogEvent *event)
{
    unsigned number = rows_definition(event).number;
    if (number == table->definition.number)
        return true;
    if (!e->broken && !table->advised)
        engine_finding(e, "rows of t%u are of definition %u, and %u is known", table->of, number,
                       table->definition.number);
    engine_table_fails(e, table, "the definition changed");
    return false;
}

static void handle_rows(Engine *e, const BinlogEvent *event)
{
    Session *s = &e->session;
    Change changes[4];
    unsigned n = rows_read(event, changes);
    uint64_t version = place_pass(&s->place, &s->group, event);
    for (unsigned t = 0; t < e->tables->len; t++) {
        Table *table = e->tables->pdata[t];
        if (table->of != changes[0].table || !stream_follows(s, table, event) || !map_fits(e, table, event))
            continue;
        while (s->group.open && table->marks->len < s->group.marks)
            g_array_append_val(table->marks, table->rows->len);
        for (unsigned i = 0; i < n; i++) {
            Row row = {.key = changes[i].key,
                       .version = version + 8 * (i + 1),
                       .value = changes[i].value,
                       .deleted = changes[i].deleted,
                       .definition = table->definition};
            g_array_append_val(table->rows, row);
        }
        s->batch_rows += n;
        s->batch_bytes += event->body_len;
    }
}

static void undo_table(Engine *e, Table *table, unsigned mark)
{
    if (table->sent_marks > mark) {
        engine_table_fails(e, table, "rows of a transaction that was rolled back had been sent already");
        return;
    }
    if (table->marks->len > mark) {
        g_array_set_size(table->rows, g_array_index(table->marks, unsigned, mark));
        g_array_set_size(table->marks, mark);
    }
}

static void undo_to(Engine *e, unsigned mark)
{
    Session *s = &e->session;
    if (s->xa && mark)
        prepared_undo_to(s->xa, mark);
    else
        prepared_discard(g_steal_pointer(&s->xa));
    for (unsigned i = 0; i < e->tables->len; i++)
        undo_table(e, e->tables->pdata[i], mark);
}

static void group_forget(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        g_array_set_size(table->marks, 0);
        table->sent_marks = 0;
    }
}

void stream_group_ended(Engine *e, const BinlogEvent *event)
{
    Session *s = &e->session;
    group_forget(e);
    place_group_ended(&s->place, &s->group, s->gtid, event);
}

/* ---- XA ---- */

static void xa_begin(Session *s)
{
    if (!s->xa)
        s->xa = prepared_begin(s->prepared, s->place.epoch, s->place.group_offset);
    prepared_mark(s->xa, s->group.marks);
}

static void xa_rows(Engine *e, const BinlogEvent *event)
{
    Session *s = &e->session;
    Change changes[4];
    bool followed = false, other = false;
    rows_read(event, changes);
    place_pass(&s->place, &s->group, event);
    xa_begin(s);
    uint64_t place = prepared_count(s->xa, event->body_len);
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        if (table->of != changes[0].table)
            continue;
        other = other || !stream_follows(s, table, event);
        followed = followed || stream_follows(s, table, event);
    }
    if (followed) {
        BinlogEvent kept = *event;
        prepared_add_event(s->xa, PREPARED_ROWS, &kept, place);
    } else if (other) {
        char name[2] = {(char)('0' + changes[0].table), 0};
        prepared_add_other_table(s->xa, name);
    }
}

/* The session goes no further. */
static bool over(const Engine *e)
{
    return e->dead || e->ending == ENDS_FAIL;
}

static bool cut_fits(Engine *e)
{
    const Session *s = &e->session;
    if (s->verifying || place_cut_fits(&s->place, &s->cutter))
        return true;
    stream_history_fails(e, "the transactions are not those that were read before");
    return false;
}

static void seal_on_the_way(Engine *e)
{
    if (cut_fits(e))
        seal_if_due(e, false);
}

static void repeat_cuts(Engine *e, uint64_t offset)
{
    Session *s = &e->session;
    const CatalogBatch *cut;
    while (!s->verifying && !over(e) && (cut = batch_cutter_next(&s->cutter))) {
        if (!cut->in_group || cut->end_offset <= s->place.rows_end || cut->end_offset > offset)
            break;
        place_pass_to(&s->place, &s->group, cut->end_offset);
        seal_on_the_way(e);
    }
}

static void xa_apply(Engine *e, const PreparedTransaction *transaction, const BinlogEvent *commit)
{
    Session *s = &e->session;
    g_autoptr(PreparedReader) reader = prepared_read(transaction);
    uint64_t base = s->place.offset;
    PreparedRecord record;
    GError *error = NULL;
    int more;
    s->group.open = true;
    while (!over(e) && (more = prepared_next(reader, &record, &error)) > 0) {
        record.event.flavour = commit->flavour;
        record.event.timestamp_max = commit->timestamp_max;
        record.event.file = commit->file;
        record.event.start = record.event.end = commit->start;
        if (record.kind == PREPARED_ROWS) {
            repeat_cuts(e, base + record.place);
            s->place.offset = base + record.place;
            if (!over(e))
                handle_rows(e, &record.event);
        } else if (record.kind == PREPARED_OTHER_TABLE) {
            for (unsigned i = 0; i < e->tables->len; i++) {
                Table *table = e->tables->pdata[i];
                if (table->of == (unsigned)(record.name[0] - '0') && !stream_is_before(s, table, &record.event))
                    stream_advise(e, table);
            }
        }
        if (!over(e))
            seal_on_the_way(e);
    }
    if (error) {
        engine_finding(e, "a prepared transaction cannot be read: %s", error->message);
        g_error_free(error);
    }
    if (over(e))
        return;
    repeat_cuts(e, base + prepared_size(transaction));
    s->group.open = false;
    s->place.offset = base + prepared_size(transaction);
    place_pass_to(&s->place, &s->group, s->place.offset);
}

static void xa_end(Engine *e, const DdlStatement *statement, const BinlogEvent *event)
{
    Session *s = &e->session;
    bool commit = statement->kind == DDL_XA_COMMIT;
    if ((!commit && statement->kind != DDL_XA_ROLLBACK) || !statement->name)
        return;
    PreparedTransaction *transaction = prepared_find(s->prepared, statement->name);
    if (!transaction) {
        for (unsigned i = 0; commit && s->place.rows_end == s->place.group_offset && i < e->tables->len; i++)
            if (!stream_is_before(s, e->tables->pdata[i], event))
                stream_advise(e, e->tables->pdata[i]);
        return;
    }
    if (commit)
        xa_apply(e, transaction, event);
    if (!over(e))
        prepared_resolve(s->prepared, transaction);
}

/* ---- Events ---- */

static void verify(Engine *e, const LogEvent *event)
{
    Session *s = &e->session;
    unsigned mark;
    bool is_gtid = is_gtid_event(&event->event);
    GroupAction action = group_event(&s->group, &event->event, e->source->flavour, event->statement,
                                     is_gtid ? &event->gtid : NULL, &mark);
    PrintVerdict verdict =
        place_compare_print(&s->place, &s->group, action, &event->event, is_gtid ? &event->gtid : NULL, s->by_gtid);
    if (verdict == PRINT_UNDECIDED)
        return;
    if (verdict == PRINT_SAME) {
        s->verifying = false;
        return;
    }
    stream_history_fails(e, "the transaction is not the one that was read before");
}

static void group_step(Engine *e, GroupAction action, const LogEvent *event, unsigned undo_mark)
{
    Session *s = &e->session;
    const DdlStatement *statement = event->statement;
    bool one_phase;
    switch (action) {
    case GROUP_UNDONE:
        undo_to(e, 0);
        if (statement)
            xa_end(e, statement, &event->event);
        if (!over(e))
            stream_group_ended(e, &event->event);
        break;
    case GROUP_BROKEN:
        undo_to(e, 0);
        group_forget(e);
        place_group_begins(&s->place);
        break;
    case GROUP_UNDO_TO:
        undo_to(e, undo_mark);
        break;
    case GROUP_UNDO_UNKNOWN:
        engine_finding(e, "a savepoint of the log is not known");
        break;
    case GROUP_PREPARED: {
        char *xid = NULL;
        if (!xa_prepare_event_parse(&event->event, &one_phase, &xid, NULL))
            g_assert_not_reached();
        xa_begin(s);
        prepared_keep(s->prepared, g_steal_pointer(&s->xa), xid);
        g_free(xid);
        stream_group_ended(e, &event->event);
        break;
    }
    case GROUP_ENDS:
        if (s->xa) {
            PreparedTransaction *transaction = g_steal_pointer(&s->xa);
            xa_apply(e, transaction, &event->event);
            prepared_discard(transaction);
        }
        if (statement && !over(e))
            xa_end(e, statement, &event->event);
        if (over(e))
            break;
        if (statement && statement_stops(e, statement, &event->event)) {
            s->ddl = DDL_SEAL;
            s->ddl_event = *event;
            s->ddl_event.event.body = s->ddl_event.event.raw = s->ddl_event.body;
            s->in_statement = true;
            break;
        }
        stream_group_ended(e, &event->event);
        break;
    case GROUP_BEGINS:
        place_group_begins(&s->place);
        break;
    case GROUP_INSIDE:
        break;
    }
}

static void handle(Engine *e, const LogEvent *event)
{
    Session *s = &e->session;
    unsigned undo_mark = 0;
    SourceFlavour flavour = e->source->flavour;
    bool is_gtid = is_gtid_event(&event->event);
    if (rows_event_is(event->event.type)) {
        group_event(&s->group, &event->event, flavour, NULL, NULL, &undo_mark);
        if (s->group.xa && s->group.open)
            xa_rows(e, &event->event);
        else
            handle_rows(e, &event->event);
        return;
    }
    if (is_gtid && s->gtid && gtid_set_is_repeat(s->gtid, &event->gtid)) {
        stream_history_fails(e, "a GTID was used before by another transaction");
        return;
    }
    if (is_gtid && flavour == SOURCE_MARIADB)
        stream_doubt_beginnings(e, &event->gtid);
    GroupAction action =
        group_event(&s->group, &event->event, flavour, event->statement, is_gtid ? &event->gtid : NULL, &undo_mark);
    stream_check_statement(e, action, event);
    if (!over(e))
        group_step(e, action, event, undo_mark);
}

void stream_after_event(Engine *e, const BinlogEvent *event)
{
    Session *s = &e->session;
    bool heartbeat = event->type == BINLOG_HEARTBEAT;
    if (!cut_fits(e))
        return;
    if (!s->group.open && !s->verifying && (heartbeat || s->place.file))
        load_stream_at(e, heartbeat ? event->file : s->place.file, heartbeat ? event->start : s->place.pos);
    seal_if_due(e, heartbeat);
}

/* The server has sent all that it has. */
static void heartbeat(Engine *e)
{
    Session *s = &e->session;
    BinlogEvent event = {.type = BINLOG_HEARTBEAT, .file = e->source->file, .start = e->source->pos};
    e->now += 500000;
    bool again, ends = place_heartbeat(&s->place, event.file, event.start, &again);
    bool lacks = s->verifying || batch_cutter_forced(&s->cutter) || s->awaits;
    if (s->skip_file)
        lacks = lacks || binlog_position_compare(event.file, event.start, s->skip_file, s->skip_pos) < 0;
    else
        lacks = lacks && again;
    if (!s->group.open && lacks) {
        stream_history_fails(e, "the server's log ends before what was read of it already");
        return;
    }
    bool quiet = ends && !s->batch_rows && !s->group.open && !s->verifying && !s->awaits &&
                 batch_tracker_in_flight(e->tracker) == 0;
    if (quiet && (!s->place.file || binlog_position_compare(event.file, event.start, s->place.file, s->place.pos) > 0))
        place_move(&s->place, &s->group, event.file, event.start);
    stream_after_event(e, &event);
}

static void next_event(Engine *e)
{
    Session *s = &e->session;
    if (s->next >= e->source->log->len) {
        heartbeat(e);
        return;
    }
    const LogEvent *event = e->source->log->pdata[s->next];
    const BinlogEvent *b = &event->event;
    bool applied = s->skip_file && binlog_position_compare(b->file, b->end, s->skip_file, s->skip_pos) <= 0;
    s->next++;
    if (applied || (s->verifying && s->by_gtid)) {
        if (s->verifying)
            verify(e, event);
        return;
    }
    if (s->verifying && b->type != BINLOG_FORMAT_DESCRIPTION) {
        stream_history_fails(e, "the transaction's end is not where it had been");
        return;
    }
    if (b->type == BINLOG_ROTATE) {
        const LogEvent *first = s->next < e->source->log->len ? e->source->log->pdata[s->next] : NULL;
        if (first && !s->group.open)
            place_move(&s->place, &s->group, first->event.file, 4);
        seal_if_due(e, false);
        return;
    }
    handle(e, event);
    if (e->dead || !s->on)
        return;
    if (s->ddl)
        return; /* its position moves when it was carried out */
    place_move(&s->place, &s->group, b->file, b->end);
    stream_after_event(e, b);
}

/* ---- */

static bool reached_stop(const Engine *e)
{
    const Session *s = &e->session;
    return e->stops && !s->group.open && !s->ddl && !s->verifying && !s->awaits && !batch_cutter_forced(&s->cutter) &&
           e->stop_file && s->place.file &&
           binlog_position_compare(s->place.file, s->place.pos, e->stop_file, e->stop_pos) >= 0;
}

static bool may_seal_at_the_end(const Session *s)
{
    return s->on && !s->group.open && !s->in_statement && !s->verifying && !s->awaits &&
           !batch_cutter_forced(&s->cutter);
}

void stream_ends(Engine *e, bool pause)
{
    if (pause && may_seal_at_the_end(&e->session))
        stream_seal(e, NULL);
    session_clear(&e->session);
}

void stream_act(Engine *e)
{
    Session *s = &e->session;
    if (!s->on) {
        if (e->quiet_first) {
            if (batch_tracker_in_flight(e->tracker))
                return;
            batch_tracker_free(e->tracker);
            e->tracker = batch_tracker_new();
            e->quiet_first = false;
        }
        session_begin(e);
        return;
    }
    if (s->ddl) {
        statement_act(e);
        return;
    }
    if (e->cut) {
        session_clear(s);
        e->quiet_first = true;
        return;
    }
    if (reached_stop(e)) {
        stream_ends(e, true);
        e->ending = ENDS_REACHED;
        return;
    }
    next_event(e);
    if (s->on && e->ending == ENDS_FAIL)
        session_clear(s);
}
