/* apply.c - the senders: they carry sealed blocks to the destination and pass on what was acknowledged. */
#include "pipe/pipe_private.h"

#define ALTER_SEEN_USEC (30 * 1000 * 1000)

void insert_free(Insert *insert)
{
    if (!insert)
        return;
    block_free(insert->block);
    source_table_unref(insert->definition);
    g_free(insert->token);
    g_free(insert->query_id);
    g_free(insert->target);
    g_free(insert->changed);
    g_free(insert);
}

/* ---- Counters ----
 *
 * Changes are counted when a checkpoint covers them, in its transaction: what is read again after a crash was not
 * counted. */

typedef struct {
    PipeTable *table;
    RowCounts counts;
    int64_t change_time;
    MappingCounters *changed; /* NULL: none */
} Applied;

static void applied_free(Applied *applied)
{
    g_free(applied->changed);
    g_free(applied);
}

static Applied *applied_take(Insert *insert)
{
    Applied *applied = g_new(Applied, 1);
    *applied = (Applied){.table = insert->table,
                         .counts = insert->counts,
                         .change_time = insert->change_time,
                         .changed = g_steal_pointer(&insert->changed)};
    return applied;
}

/* The counters of a table as they will be. */
typedef struct {
    PipeTable *table;
    CatalogTable *record;     /* id and counters alone */
    GPtrArray *column_counts; /* NULL: unchanged */
} Counted;

static void counted_free(Counted *counted)
{
    catalog_table_free(counted->record);
    if (counted->column_counts)
        g_ptr_array_free(counted->column_counts, TRUE);
    g_free(counted);
}

/* With catalog_lock held: nobody else changes them meanwhile. */
static Counted *counted_new(PipeTable *table)
{
    const CatalogTable *now = table->record;
    Counted *counted = g_new0(Counted, 1);
    counted->table = table;
    counted->record = g_new0(CatalogTable, 1);
    counted->record->id = now->id;
    counted->record->inserts = now->inserts;
    counted->record->updates = now->updates;
    counted->record->deletes = now->deletes;
    counted->record->last_change = now->last_change;
    counted->record->column_counts = g_strdup(now->column_counts);
    return counted;
}

static void counted_add(Counted *counted, const Applied *applied)
{
    CatalogTable *record = counted->record;
    record->inserts += applied->counts.inserts;
    record->updates += applied->counts.updates;
    record->deletes += applied->counts.deletes;
    record->last_change = MAX(record->last_change, applied->change_time);
    if (!applied->changed)
        return;
    if (!counted->column_counts)
        counted->column_counts = column_counts_copy(counted->table->column_counts);
    column_counts_add(counted->column_counts, counted->table->definition, applied->changed);
}

/* Of Counted, one a table. */
static GPtrArray *count(const GPtrArray *notes)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)counted_free);
    g_autoptr(GHashTable) by_table = g_hash_table_new(NULL, NULL);
    for (unsigned i = 0; notes && i < notes->len; i++) {
        const Applied *applied = notes->pdata[i];
        Counted *counted = g_hash_table_lookup(by_table, applied->table);
        if (!counted) {
            counted = counted_new(applied->table);
            g_hash_table_insert(by_table, applied->table, counted);
            g_ptr_array_add(all, counted);
        }
        counted_add(counted, applied);
    }
    for (unsigned i = 0; i < all->len; i++) {
        Counted *counted = all->pdata[i];
        if (!counted->column_counts)
            continue;
        g_free(counted->record->column_counts);
        counted->record->column_counts = column_counts_to_json(counted->column_counts);
    }
    return all;
}

static void show_counted(Pipe *pipe, const GPtrArray *all)
{
    pthread_mutex_lock(&pipe->lock);
    for (unsigned i = 0; i < all->len; i++) {
        Counted *counted = all->pdata[i];
        CatalogTable *to = counted->table->record, *from = counted->record;
        to->inserts = from->inserts;
        to->updates = from->updates;
        to->deletes = from->deletes;
        to->last_change = from->last_change;
        if (!counted->column_counts)
            continue;
        g_free(to->column_counts);
        to->column_counts = g_steal_pointer(&from->column_counts);
        g_ptr_array_free(counted->table->column_counts, TRUE);
        counted->table->column_counts = g_steal_pointer(&counted->column_counts);
    }
    pthread_mutex_unlock(&pipe->lock);
}

/* ---- Checkpoints ---- */

typedef struct {
    Work *work;
    CatalogCheckpoint *checkpoint;
    uint64_t applied_seq;
    GPtrArray *notes; /* of Applied; NULL: none */
} CheckpointWrite;

static bool write_checkpoint(Catalog *catalog, void *data, GError **error)
{
    CheckpointWrite *write = data;
    Pipe *pipe = write->work->pipe;
    g_autoptr(GPtrArray) counted = count(write->notes), records = g_ptr_array_new();
    for (unsigned i = 0; i < counted->len; i++)
        g_ptr_array_add(records, ((const Counted *)counted->pdata[i])->record);
    bool ok = catalog_checkpoint_save(catalog, pipe->id, write->checkpoint, write->applied_seq, records, error);
    if (ok)
        show_counted(pipe, counted);
    return ok;
}

bool apply_save_checkpoint(Work *work)
{
    Pipe *pipe = work->pipe;
    CatalogCheckpoint checkpoint;
    CheckpointWrite write = {.work = work, .checkpoint = &checkpoint};

    if (!batch_tracker_take(work->tracker, &checkpoint, &write.applied_seq))
        return true;
    write.notes = batch_tracker_take_notes(work->tracker);
    checkpoint.saved_at = clock_real_usec();
    FAULT_POINT("checkpoint-due");
    bool ok = pipe_catalog_write(pipe, work->sending, write_checkpoint, &write);
    FAULT_POINT("checkpoint-saved");
    if (ok)
        atomic_store(&work->saved_seq, write.applied_seq);
    if (write.notes)
        g_ptr_array_unref(write.notes);
    pthread_mutex_lock(&pipe->lock);
    if (ok) {
        if (checkpoint.source_time > pipe->fresh_until)
            pipe->fresh_until = checkpoint.source_time;
        catalog_checkpoint_clear(&pipe->applied);
        pipe->applied = checkpoint;
    } else {
        catalog_checkpoint_clear(&checkpoint);
    }
    pthread_mutex_unlock(&pipe->lock);
    return ok;
}

/* ---- Acknowledgements ---- */

/* The insert is at the destination, or its table has failed and it will never be. */
static bool finish(Work *work, Insert *insert, bool inserted)
{
    bool ok = true;
    if (inserted) {
        atomic_fetch_add(&work->pipe->total_rows, insert->block->n_rows);
        atomic_fetch_add(&work->pipe->total_bytes, insert->bytes);
        atomic_fetch_add(&work->pipe->total_inserts, 1);
    }
    if (insert->snapshot) {
        snapshot_chunk_done(work, insert);
    } else {
        pthread_mutex_lock(&work->progress_lock);
        if (inserted)
            batch_tracker_note_take(work->tracker, insert->batch_seq, applied_take(insert),
                                    (GDestroyNotify)applied_free);
        batch_tracker_ack(work->tracker, insert->batch_seq);
        ok = apply_save_checkpoint(work);
        pthread_mutex_unlock(&work->progress_lock);
    }
    spares_give_take(work->pipe, insert->table, insert->definition, g_steal_pointer(&insert->block));
    insert_free(insert);
    return ok;
}

typedef struct {
    Work *work;
    char *dest; /* what the pipe's destination was resolved to */
    Clickhouse *ch;
} Sender;

/* The first time, and after a try that failed: an embedded endpoint that died is started again, on another port. False: `ch`
 * stays what it was. */
static bool sender_connect(Sender *sender, GError **error)
{
    const Pipe *pipe = sender->work->pipe;
    g_autofree char *dest = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    if (!dest)
        return false;
    if (g_strcmp0(dest, sender->dest) == 0)
        return true;
    g_autoptr(Url) url = clickhouse_url_parse(dest, error);
    Clickhouse *ch = url ? clickhouse_new(url, sender->work->sending, error) : NULL;
    if (!ch)
        return false;
    clickhouse_free(sender->ch);
    sender->ch = ch;
    g_free(sender->dest);
    sender->dest = g_steal_pointer(&dest);
    return true;
}

static bool send_block(Sender *sender, const Insert *insert, GError **error)
{
    Clickhouse *ch = sender->ch;
    Work *work = sender->work;
    InsertRequest request = {.database = clickhouse_database(ch),
                             .table = insert->target,
                             .query_id = insert->query_id,
                             .token = insert->token,
                             /* Over loopback compressing costs five times what it saves. */
                             .compression = clickhouse_is_local(ch) ? COMPRESSION_NONE : work->settings.compression};
    int64_t began = clock_monotonic_usec();
    if (atomic_fetch_add(&work->sending_now, 1) == 0)
        atomic_store(&work->answered_at, began);
    FAULT_POINT(insert->snapshot ? "load-insert" : "batch-insert");
    bool ok = insert_block(ch, &request, insert->block, error);
    FAULT_POINT(insert->snapshot ? "load-inserted" : "batch-inserted");
    int64_t answered = clock_monotonic_usec();
    atomic_store(&work->answered_at, answered);
    atomic_fetch_sub(&work->sending_now, 1);
    atomic_fetch_add(&work->pipe->send_usec, (uint64_t)(answered - began));
    return ok;
}

/* Behind a load balancer, or on another replica, an ALTER of ours may be seen a moment later. */
static bool may_not_have_seen_alter(const PipeTable *table, const GError *error)
{
    int64_t altered = atomic_load(&table->altered_at);
    bool columns = g_error_matches(error, CLICKHOUSE_ERROR, 16 /* NO_SUCH_COLUMN_IN_TABLE */) ||
                   g_error_matches(error, CLICKHOUSE_ERROR, 117 /* INCORRECT_DATA */);
    return columns && altered && clock_monotonic_usec() - altered < ALTER_SEEN_USEC;
}

/* Sends until it is acknowledged or given up for good. False: this sender ends; the insert is freed either way. */
static bool deliver(Sender *sender, Insert *insert)
{
    Work *work = sender->work;
    Pipe *pipe = work->pipe;

    for (unsigned tries = 1;; tries++) {
        GError *error = NULL;
        /* Of a failed table the changes before its fault still count; its load does not. */
        if (insert->snapshot && atomic_load(&insert->table->state) == TABLE_FAILED) {
            pipe_stall_clear(pipe, SIDE_DESTINATION);
            return finish(work, insert, false);
        }
        if (send_block(sender, insert, &error)) {
            pipe_stall_clear(pipe, SIDE_DESTINATION);
            return finish(work, insert, true);
        }
        RetryDecision decision = retry_decide(error, SIDE_DESTINATION);
        if (may_not_have_seen_alter(insert->table, error))
            decision.verdict = VERDICT_RETRY;
        switch (decision.verdict) {
        case VERDICT_FAIL_TABLE:
            pipe_stall_clear(pipe, SIDE_DESTINATION);
            pipe_table_fail(pipe, insert->table, error, &decision, NULL);
            g_clear_error(&error);
            return finish(work, insert, false);
        case VERDICT_FAIL_PIPE:
            insert_free(insert);
            work_fail(work, SIDE_DESTINATION, error);
            return false;
        case VERDICT_RETRY:
        case VERDICT_RETRY_OPERATOR:
        case VERDICT_CANCELLED:
            break;
        }
        bool again = decision.verdict != VERDICT_CANCELLED &&
                     pipe_stall_wait(pipe, SIDE_DESTINATION, error, tries, decision.verdict == VERDICT_RETRY_OPERATOR,
                                     work->sending);
        g_clear_error(&error);
        if (!again) {
            insert_free(insert);
            return false;
        }
        sender_connect(sender, NULL); /* what does not work is told by the next try */
    }
}

void *sender_main(void *data)
{
    Work *work = data;
    GError *error = NULL;
    Sender sender = {.work = work};
    Insert *insert;

    if (!sender_connect(&sender, &error))
        work_fail(work, SIDE_DESTINATION, error);
    while (sender.ch && (insert = queue_pop(work->inserts, -1)))
        if (!deliver(&sender, insert))
            break;
    clickhouse_free(sender.ch);
    g_free(sender.dest);
    work_thread_leave(work, true);
    return NULL;
}
