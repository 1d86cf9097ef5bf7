/* stream.c - the binlog followed: events in, sealed batches out (replication.md: Versions, Transactions, Batches).
 *
 * A session begins at the last checkpoint in the catalog, after re-reading the transaction before it and comparing its
 * fingerprint, and ends with an error or when reading is cancelled. After an error that passes, what is in flight is
 * waited for and a new session begins exactly as after a restart, so there is one way back in and it is the tested one.
 */
#include "pipe/stream_private.h"

#include <string.h>

#define FRESH_PERIOD_USEC (200 * 1000)
#define TIME_SAMPLE       16 /* every so many events are timed */

/* ---- The fingerprint of the last transaction ---- */

/* The session began at the last transaction: it must be the one that was read before (replication.md, Versions). */
static bool verify_event(Stream *s, const BinlogEvent *event, GError **error)
{
    g_autoptr(DdlStatement) statement = NULL;
    GtidEvent gtid, *gtid_or_null = NULL;
    SourceFlavour flavour = binlog_stream_server(s->stream)->flavour;
    unsigned undo_mark;

    if (event->type == BINLOG_GTID_MARIADB || event->type == BINLOG_GTID_MYSQL || event->type == BINLOG_GTID_TAGGED ||
        event->type == BINLOG_ANONYMOUS_GTID) {
        if (!gtid_event_parse(event, flavour, &gtid, error))
            return false;
        gtid_or_null = &gtid;
    } else if ((event->type == BINLOG_QUERY || event->type == BINLOG_EXECUTE_LOAD_QUERY) &&
               !(statement = stream_event_statement(event, error))) {
        return false;
    }
    GroupAction action = group_event(&s->group, event, flavour, statement, gtid_or_null, &undo_mark);
    PrintVerdict verdict = place_compare_print(&s->place, &s->group, action, event, gtid_or_null, s->by_gtid);
    if (verdict == PRINT_UNDECIDED)
        return true;
    if (verdict == PRINT_SAME) {
        s->verifying = false;
        return true;
    }
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "the transaction at %s:%" G_GUINT64_FORMAT
                " is not the one that was read before: the server's history was "
                "rewritten (restored, reset, or its last transactions were lost in a crash)",
                s->place.print.file, s->place.print.pos);
    return false;
}

/* ---- A session ---- */

char *stream_table_key(const char *database, const char *name)
{
    return g_strdup_printf("%s%c%s", database, 1, name); /* \x01 cannot be typed into a name by accident */
}

static bool stream_prepare_tables(Stream *s, GError **error)
{
    for (unsigned i = 0; i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        int state = atomic_load(&table->state);
        if (!table->definition || !table_state_is_followed(state))
            continue;
        StreamTable *st = g_new0(StreamTable, 1);
        st->table = table;
        st->marks = g_array_new(FALSE, TRUE, sizeof(StreamMark));
        g_ptr_array_add(s->tables, st);
        MappingSettings mapping = pipe_table_mapping(table, &s->work->settings);
        st->mapping = mapping_new(table->definition, &mapping, error);
        if (!st->mapping)
            return false;
        st->block = mapping_block_new(st->mapping, s->pipe->account);
        char *key = stream_table_key(table->definition->database, table->definition->name);
        st->next = g_hash_table_lookup(s->by_name, key);
        g_hash_table_insert(s->by_name, key, st);
    }
    return true;
}

static void stream_load(Stream *s, GArray *batches_take)
{
    s->skip_file = s->by_gtid ? NULL : s->place.file;
    s->skip_pos = s->place.pos;
    for (unsigned i = 0; i < batches_take->len; i++)
        s->next_seq = MAX(s->next_seq, g_array_index(batches_take, CatalogBatch, i).seq + 1);
    batch_cutter_init(&s->cutter, batches_take);
    s->last_seal = clock_monotonic_usec();
}

/* Can the fingerprint not be read any more? Is the log that holds it still there? When it was purged right behind a
 * rotation, the position itself is still good: nothing was read past the start of the next file. */
static bool fingerprint_is_gone(SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    g_autoptr(GArray) logs = NULL;
    if (!checkpoint->print_file || strcmp(checkpoint->print_file, checkpoint->file) == 0)
        return false;
    if (checkpoint->print_pos > UINT32_MAX)
        return true; /* no dump begins there */
    logs = source_list_logs(source, error);
    for (unsigned i = 0; logs && i < logs->len; i++)
        if (strcmp(g_array_index(logs, SourceLog, i).file, checkpoint->print_file) == 0)
            return false;
    return logs != NULL;
}

/* MySQL: asks for the last transaction once more, to compare it, by leaving it out of the set. NULL: an error. */
static char *gtids_before_print(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    bool purged = false;
    if (!checkpoint->print_file || !checkpoint->print_gtid || !*checkpoint->print_gtid)
        return g_strdup(checkpoint->gtid);
    if (!source_gtids_purged(source, checkpoint->print_gtid, &purged, error))
        return NULL;
    if (purged)
        return g_strdup(checkpoint->gtid);
    g_autoptr(GtidSet) all = gtid_set_parse(SOURCE_MYSQL, checkpoint->gtid, error);
    g_autoptr(GtidSet) last = all ? gtid_set_parse(SOURCE_MYSQL, checkpoint->print_gtid, error) : NULL;
    if (!last)
        return NULL;
    g_autoptr(GtidSet) before = gtid_set_subtract(all, last);
    s->verifying = true;
    return gtid_set_text(before);
}

/* Decides where to begin: by what (s->by_gtid), from where (`start`), and whether the last transaction is read again. */
static bool stream_choose_start(Stream *s, SourceConnection *source, CatalogCheckpoint *checkpoint, BinlogStart *start,
                                GError **error)
{
    Pipe *pipe = s->pipe;
    const SourceServer *server = source_server(source);
    GError *problem = NULL;

    pthread_mutex_lock(&pipe->lock);
    bool other = pipe->record->identity && strcmp(pipe->record->identity, server->identity) != 0;
    pthread_mutex_unlock(&pipe->lock);
    /* On MySQL always where it can be; on MariaDB, which compares only the last number of a domain, where it must be: at another
     * server, and in a cdc pipe that starts at a GTID, until the first checkpoint. */
    s->by_gtid = other || !checkpoint->file ||
                 (server->flavour == SOURCE_MYSQL && server->gtid && checkpoint->gtid &&
                  !settings_by_file(&s->work->settings)) ||
                 (server->flavour == SOURCE_MARIADB && checkpoint->gtid && *checkpoint->gtid &&
                  !place_checkpoint_can_be_resumed(checkpoint));
    if (s->by_gtid && !(other && !checkpoint->gtid) && RULE_HOLDS("failover-needs-our-transactions") &&
        !stream_check_gtids(s, source, checkpoint, error))
        return false;
    stream_find_statements(s, server->flavour, checkpoint);
    if (other && !stream_fail_over(s, source, checkpoint, error))
        return false;
    if (!other && (!stream_judge_loads(s, source, checkpoint, false, error) ||
                   !stream_judge_statements(s, source, checkpoint->epoch, error)))
        return false;
    if (s->by_gtid && server->flavour == SOURCE_MYSQL && checkpoint->gtid)
        return (start->gtid = gtids_before_print(s, source, checkpoint, error)) != NULL;
    if (s->by_gtid) {
        start->gtid = g_strdup(checkpoint->gtid);
        return true;
    }
    if (fingerprint_is_gone(source, checkpoint, &problem))
        g_clear_pointer(&checkpoint->print_file, g_free);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    s->verifying = checkpoint->print_file != NULL;
    start->file = g_strdup(s->verifying ? checkpoint->print_file : checkpoint->file);
    start->pos = s->verifying ? checkpoint->print_pos : checkpoint->pos;
    return true;
}

/* The log is about to be asked for by GTID. */
static bool stream_seek(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    bool in_order =
        checkpoint->file || source_server(source)->flavour == SOURCE_MYSQL; /* which goes on by GTID in any case */
    g_autofree char *file = NULL;
    uint64_t pos;
    if (!in_order && !source_logs_one_domain(source, checkpoint->gtid, &in_order, error))
        return false;
    if (!source_log_end(source, &file, &pos, NULL, error))
        return false;
    place_seek(&s->place, file, pos, in_order);
    return true;
}

static bool stream_open(Stream *s, CatalogCheckpoint *checkpoint, GError **error)
{
    Pipe *pipe = s->pipe;
    uint32_t id = s->work->settings.server_id;
    BinlogStart start = {.server_id = id ? id : pipe->record->server_id, .replica_uuid = pipe->uuid};

    g_autoptr(SourceConnection) source = source_open(s->work->source_url, s->work->reading, error);
    if (!source)
        return false;
    bool ok = stream_choose_start(s, source, checkpoint, &start, error);
    place_load(&s->place, checkpoint);
    bool seeks = s->by_gtid && RULE_HOLDS("places-are-behind-the-gtids");
    if (ok && (!seeks || stream_seek(s, source, checkpoint, error)))
        s->stream = binlog_stream_open(s->work->source_url, &start, source_server(source)->identity, s->work->reading, error);
    g_free(start.file);
    g_free(start.gtid);
    if (!s->stream || !stream_parse_beginnings(s, source, checkpoint, error))
        return false;
    s->cascades_logged = source_logs_cascades(source);
    if (!stream_parents_find(s, source, error))
        return false;
    /* A MySQL pipe that began without GTIDs has no set, and does not make up one of those it happens to see. */
    if (checkpoint->gtid || source_server(source)->flavour == SOURCE_MARIADB)
        s->gtid = gtid_set_parse(source_server(source)->flavour, checkpoint->gtid ? checkpoint->gtid : "", error);
    return s->gtid || !checkpoint->gtid;
}

/* Rows and groups before the checkpoint were applied: only their fingerprint is looked at. */
static bool already_applied(const Stream *s, const BinlogEvent *event)
{
    bool in_file = event->end > event->start || !event->raw; /* raw is NULL inside a payload, at whose end it stands */
    return s->skip_file && in_file && binlog_position_compare(event->file, event->end, s->skip_file, s->skip_pos) <= 0;
}

static bool reached_stop(Stream *s)
{
    bool reached = false;
    if (!atomic_load_explicit(&s->work->stops, memory_order_relaxed) || s->group.open || s->verifying ||
        s->awaits_statement || batch_cutter_forced(&s->cutter))
        return false;
    pthread_mutex_lock(&s->work->stop_lock);
    if (s->work->stop_file && s->place.file)
        reached = binlog_position_compare(s->place.file, s->place.pos, s->work->stop_file, s->work->stop_pos) >= 0;
    pthread_mutex_unlock(&s->work->stop_lock);
    return reached;
}

/* Nothing read is left to be sent, and all that was sent has arrived. */
static bool stream_is_quiet(Stream *s)
{
    if (s->batch_rows || s->group.open || s->verifying || s->awaits_statement)
        return false;
    pthread_mutex_lock(&s->work->progress_lock);
    bool quiet = batch_tracker_in_flight(s->work->tracker) == 0;
    pthread_mutex_unlock(&s->work->progress_lock);
    return quiet;
}

/* While only other tables change no checkpoint tells how far we are, but every some seconds. */
static void note_progress(Stream *s)
{
    if (s->batch_rows || s->group.open || clock_monotonic_usec() - s->fresh_noted < FRESH_PERIOD_USEC)
        return;
    s->fresh_noted = clock_monotonic_usec();
    if (!stream_is_quiet(s))
        return;
    pthread_mutex_lock(&s->pipe->lock);
    s->pipe->fresh_until = MAX(s->pipe->fresh_until, s->place.newest_time);
    pthread_mutex_unlock(&s->pipe->lock);
}

/* `ends`: there the log ends. */
static void note_idle(Stream *s, const BinlogEvent *event, bool ends)
{
    bool quiet = ends && stream_is_quiet(s);
    atomic_store(&s->pipe->caught_up, quiet);
    if (!quiet)
        return;
    pthread_mutex_lock(&s->pipe->lock);
    s->pipe->fresh_until = clock_real_usec() + s->pipe->source_clock_offset;
    pthread_mutex_unlock(&s->pipe->lock);
    /* The server has sent all up to here, also what it does not send to replicas. */
    if (event->file &&
        (!s->place.file || binlog_position_compare(event->file, event->start, s->place.file, s->place.pos) > 0))
        place_move(&s->place, &s->group, event->file, event->start);
}

/* Tables that are read wait for this. A server that has nothing more to send says where its log ends. */
static void note_settling(const Stream *s, const BinlogEvent *event)
{
    if (!atomic_load_explicit(&s->work->settling, memory_order_relaxed) || s->group.open || s->verifying)
        return;
    bool idle = event->type == BINLOG_HEARTBEAT && event->file;
    if (idle || s->place.file)
        snapshot_stream_at(s->work, idle ? event->file : s->place.file, idle ? event->start : s->place.pos);
}

/* The server has sent all it has. What was read before must be among it: the transaction of the checkpoint, and what
 * was sent behind it. A server that lost the end of its log in a crash hands out the same places and GTIDs again. */
static bool log_is_long_enough(const Stream *s, const BinlogEvent *event, bool again, GError **error)
{
    bool lacks = s->verifying || batch_cutter_forced(&s->cutter) || s->awaits_statement;
    if (s->skip_file)
        lacks = lacks || binlog_position_compare(event->file, event->start, s->skip_file, s->skip_pos) < 0;
    else
        lacks = lacks && again;
    if (s->group.open || !lacks || !RULE_HOLDS("cuts-are-of-one-history"))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "the server's log ends at %s:%" G_GUINT64_FORMAT ", before what was read of it already: the server's history "
                "was rewritten (restored, reset, or its last transactions were lost in a crash)",
                event->file, event->start);
    return false;
}

bool stream_cut_fits(const Stream *s, GError **error)
{
    if (s->verifying || !RULE_HOLDS("cuts-are-of-one-history") || place_cut_fits(&s->place, &s->cutter))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "the transactions before %s:%" G_GUINT64_FORMAT
                " are not those that were read before: the server's history "
                "was rewritten (restored, reset, or its last transactions were lost in a crash)",
                s->place.file ? s->place.file : "?", s->place.pos);
    return false;
}

static bool stream_step(Stream *s, const BinlogEvent *event, GError **error)
{
    if (!s->answered && (event->type == BINLOG_HEARTBEAT || event->end > event->start)) {
        s->answered = true;
        pipe_stall_clear(s->pipe, SIDE_SOURCE);
    }
    if (event->type == BINLOG_HEARTBEAT) {
        if (atomic_exchange(&s->work->doubt, false)) {
            g_set_error(error, SOURCE_ERROR, 2013 /* CR_SERVER_LOST */,
                        "the source says that its log ends elsewhere than at what it sends; connecting anew to look");
            return false;
        }
        bool again, ends = place_heartbeat(&s->place, event->file, event->start, &again);
        if (!log_is_long_enough(s, event, again, error))
            return false;
        note_idle(s, event, ends);
    } else if (already_applied(s, event) || (s->verifying && s->by_gtid)) {
        if (s->verifying && !verify_event(s, event, error))
            return false;
        if (event->type == BINLOG_TABLE_MAP && !stream_handle_table_map(s, event, error))
            return false;
        return true;
    } else {
        if (s->verifying && event->end > event->start && event->type != BINLOG_FORMAT_DESCRIPTION) {
            /* The transaction's end was not where it had been. */
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                        "the transaction before %s:%" G_GUINT64_FORMAT
                        " is not the one that was read before: the server's "
                        "history was rewritten",
                        s->skip_file, s->skip_pos);
            return false;
        }
        if (event->type == BINLOG_ROTATE) {
            RotateEvent rotate;
            if (!rotate_event_parse(event, &rotate, error))
                return false;
            bool real = !(event->flags & BINLOG_FLAG_ARTIFICIAL) && event->end > event->start;
            if (real && !s->group.open)
                place_move(&s->place, &s->group, rotate.file, rotate.pos);
            return stream_seal_if_due(s, false) || !cancel_set_error(s->work->reading, error);
        }
        if (!stream_handle_event(s, event, error))
            return false;
        if (event->end > event->start)
            place_move(&s->place, &s->group, event->file, event->end);
        atomic_store_explicit(&s->pipe->caught_up, false, memory_order_relaxed);
        note_progress(s);
    }
    if (!stream_cut_fits(s, error))
        return false;
    note_settling(s, event);
    if (!stream_seal_if_due(s, event->type == BINLOG_HEARTBEAT)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    return true;
}

void stream_wait_for_memory(Stream *s)
{
    if (!budget_full(s->pipe->account) || s->batch_rows)
        return;
    spares_drop(s->pipe);
    while (!budget_wait(s->pipe->account, s->work->reading, 1000000) && !cancel_requested(s->work->reading))
        ;
}

/* Every position that a session begins at is where a transaction began or ended, and what stands there is a short event that
 * begins the next one. When a server cannot read it ("exceeded max_allowed_packet", "bogus data", a wrong checksum), the
 * position lies in the middle of something else: RESET MASTER or a restore has put other transactions under the old names
 * [tried]. A purged or missing log is another matter and says so. */
static void judge_start(const Stream *s, GError **error)
{
    static const char *const texts[] = {"max_allowed_packet", "bogus data", "corrupt", "checksum", "truncated", "impossible position"};
    bool unreadable = g_error_matches(*error, SLUICE_ERROR, SLUICE_ERROR_DECODE);

    if (s->began || !s->skip_file)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(texts) && g_error_matches(*error, SOURCE_ERROR, 1236); i++)
        unreadable = unreadable || strcasestr((*error)->message, texts[i]);
    if (!unreadable)
        return;
    g_autoptr(GError) server = g_steal_pointer(error);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "no transaction begins at %s:%" G_GUINT64_FORMAT
                " any more, where one did: the server's history was rewritten "
                "(restored or reset), or its log is damaged there (%s)",
                s->verifying ? s->place.print.file : s->skip_file, s->verifying ? s->place.print.pos : s->skip_pos,
                server->message);
}

static bool stream_run(Stream *s, GError **error)
{
    BinlogEvent event;
    uint64_t n = 0;

    while (!reached_stop(s)) {
        bool timed = n++ % TIME_SAMPLE == 0;
        int64_t began = timed ? clock_monotonic_usec() : 0;
        if (binlog_stream_next(s->stream, &event, error) == BINLOG_NEXT_ERROR) {
            judge_start(s, error);
            return false;
        }
        s->began = s->began || (event.end > event.start && event.type != BINLOG_FORMAT_DESCRIPTION);
        int64_t read = timed ? clock_monotonic_usec() : 0;
        bool heartbeat = event.type == BINLOG_HEARTBEAT;
        if (!stream_step(s, &event, error))
            return false;
        if (timed && !heartbeat) {
            atomic_fetch_add(&s->pipe->read_usec, (uint64_t)(read - began) * TIME_SAMPLE);
            atomic_fetch_add(&s->pipe->build_usec, (uint64_t)(clock_monotonic_usec() - read) * TIME_SAMPLE);
        }
        stream_wait_for_memory(s);
    }
    return true;
}

static void stream_clear(Stream *s)
{
    stream_untell_large(s);
    binlog_stream_free(s->stream);
    stream_parents_clear(s);
    g_ptr_array_free(s->tables, TRUE);
    g_hash_table_destroy(s->by_id);
    g_hash_table_destroy(s->by_name);
    gtid_set_free(s->gtid);
    if (s->begun_statements)
        g_ptr_array_unref(s->begun_statements);
    prepared_discard(s->xa);
    prepared_free(s->prepared);
    place_clear(&s->place);
    batch_cutter_clear(&s->cutter);
    group_clear(&s->group);
}

/* True: the stop position of a `snapshot` pipe was reached, and all up to it is sealed. */
static bool stream_session(Work *work, GError **error)
{
    Stream s = {.work = work, .pipe = work->pipe, .next_seq = 1, .map_id = UINT64_MAX};
    CatalogCheckpoint checkpoint = {0};
    GArray *batches = NULL;
    bool ok;

    group_init(&s.group);
    s.tables = g_ptr_array_new_with_free_func((GDestroyNotify)stream_table_free);
    s.by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s.by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    pthread_mutex_lock(&work->pipe->catalog_lock);
    ok = catalog_checkpoint_load(work->pipe->catalog, work->pipe->id, &checkpoint, error);
    batches = ok ? catalog_batches(work->pipe->catalog, work->pipe->id, error) : NULL;
    pthread_mutex_unlock(&work->pipe->catalog_lock);
    atomic_store(&work->saved_seq, 0);
    s.sent_ahead = batches && batches->len > 0;
    ok = ok && batches && stream_prepare_tables(&s, error) &&
         (s.prepared = prepared_open(work->pipe->env->state_dir, work->pipe->uuid, checkpoint.prepared, error)) &&
         stream_open(&s, &checkpoint, error);
    if (ok) {
        if (batches->len && g_array_index(batches, CatalogBatch, 0).epoch != checkpoint.epoch)
            g_array_set_size(batches, 0); /* read before a failover: those cuts are another server's */
        stream_load(&s, g_steal_pointer(&batches));
        ok = stream_run(&s, error);
        bool paused = !ok && cancel_requested(work->reading);
        if ((ok || paused) && !s.group.open && !s.in_statement && !s.verifying && !s.awaits_statement &&
            !batch_cutter_forced(&s.cutter))
            stream_seal(&s, NULL);
    }
    if (batches)
        g_array_free(batches, TRUE);
    catalog_checkpoint_clear(&checkpoint);
    stream_clear(&s);
    return ok;
}

/* After an error that passes: what is in flight is acknowledged first, for the next session repeats from the catalog.
 */
static bool wait_until_quiet(Work *work)
{
    for (;;) {
        pthread_mutex_lock(&work->progress_lock);
        bool quiet = batch_tracker_in_flight(work->tracker) == 0;
        if (quiet) {
            batch_tracker_free(work->tracker);
            work->tracker = batch_tracker_new();
        }
        pthread_mutex_unlock(&work->progress_lock);
        if (quiet)
            return true;
        if (cancel_sleep(work->reading, 20000))
            return false;
    }
}

void *stream_main(void *data)
{
    Work *work = data;
    Pipe *pipe = work->pipe;

    for (unsigned tries = 1;; tries++) {
        g_autoptr(GError) error = NULL;
        int64_t began = clock_monotonic_usec();
        if (stream_session(work, &error)) {
            pipe_post(pipe, MESSAGE_REACHED);
            break;
        }
        atomic_store(&pipe->caught_up, false);
        if (cancel_requested(work->reading) || !error)
            break;
        RetryDecision decision = retry_decide(error, SIDE_SOURCE);
        if (decision.verdict == VERDICT_FAIL_PIPE || decision.verdict == VERDICT_FAIL_TABLE) {
            work_fail(work, SIDE_SOURCE, g_steal_pointer(&error));
            break;
        }
        if (decision.verdict == VERDICT_CANCELLED)
            break;
        if (clock_monotonic_usec() - began > 60 * 1000000)
            tries = 1; /* it ran well before */
        if (!pipe_stall_wait(pipe, SIDE_SOURCE, error, tries, decision.verdict == VERDICT_RETRY_OPERATOR,
                             work->reading) ||
            !wait_until_quiet(work))
            break;
    }
    work_thread_leave(work, false);
    return NULL;
}
