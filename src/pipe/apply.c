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

typedef struct {
    Work *work;
    CatalogCheckpoint *checkpoint;
    uint64_t applied_seq;
} CheckpointWrite;

/* Copies the shown counters into the records, so that they survive a restart. With Pipe.lock held. */
static GPtrArray *changed_records(Pipe *pipe)
{
    GPtrArray *records = g_ptr_array_new();
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!atomic_exchange(&table->counters_changed, false))
            continue;
        table->record->inserts = atomic_load(&table->inserts);
        table->record->updates = atomic_load(&table->updates);
        table->record->deletes = atomic_load(&table->deletes);
        table->record->last_change = atomic_load(&table->last_change);
        g_free(table->record->column_counts);
        table->record->column_counts = column_counts_to_json(table->column_counts);
        g_ptr_array_add(records, table->record);
    }
    return records;
}

static bool write_checkpoint(Catalog *catalog, void *data, GError **error)
{
    CheckpointWrite *write = data;
    Pipe *pipe = write->work->pipe;
    pthread_mutex_lock(&pipe->lock);
    GPtrArray *records = changed_records(pipe);
    bool ok = catalog_checkpoint_save(catalog, pipe->id, write->checkpoint, write->applied_seq, records, error);
    pthread_mutex_unlock(&pipe->lock);
    g_ptr_array_free(records, TRUE);
    return ok;
}

bool apply_save_checkpoint(Work *work)
{
    Pipe *pipe = work->pipe;
    CatalogCheckpoint checkpoint;
    CheckpointWrite write = {.work = work, .checkpoint = &checkpoint};

    if (!batch_tracker_take(work->tracker, &checkpoint, &write.applied_seq))
        return true;
    checkpoint.saved_at = clock_real_usec();
    bool ok = pipe_catalog_write(pipe, work->sending, write_checkpoint, &write);
    if (ok)
        atomic_store(&work->saved_seq, write.applied_seq);
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

static void count_stream_rows(Insert *insert)
{
    PipeTable *table = insert->table;
    atomic_fetch_add(&table->inserts, insert->counts.inserts);
    atomic_fetch_add(&table->updates, insert->counts.updates);
    atomic_fetch_add(&table->deletes, insert->counts.deletes);
    atomic_store(&table->last_change, insert->change_time);
    atomic_store(&table->counters_changed, true);
}

static void count_changed_values(Pipe *pipe, const Insert *insert)
{
    PipeTable *table = insert->table;
    pthread_mutex_lock(&pipe->lock);
    column_counts_add(table->column_counts, insert->definition, insert->changed);
    pthread_mutex_unlock(&pipe->lock);
    atomic_store(&table->counters_changed, true);
}

/* The insert is at the destination, or its table has failed and it will never be. */
static bool finish(Work *work, Insert *insert, bool inserted)
{
    bool ok = true;
    if (inserted) {
        atomic_fetch_add(&work->pipe->total_rows, insert->block->n_rows);
        atomic_fetch_add(&work->pipe->total_bytes, insert->bytes);
        if (insert->changed)
            count_changed_values(work->pipe, insert);
    }
    if (insert->snapshot) {
        snapshot_chunk_done(work, insert);
    } else {
        if (inserted)
            count_stream_rows(insert);
        pthread_mutex_lock(&work->progress_lock);
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
    bool ok = insert_block(ch, &request, insert->block, error);
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
