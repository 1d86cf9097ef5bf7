/* stream_seal.c - the open blocks of a stream: where they stood at each mark, and their way into sealed batches. */
#include "pipe/stream_private.h"

#include "pipe/token.h"

#include <string.h>

#define IDLE_CHECKPOINT_USEC (10 * 1000 * 1000)

static void mark_clear(StreamMark *mark)
{
    g_clear_pointer(&mark->block, block_mark_free);
}

void stream_table_free(StreamTable *table)
{
    for (unsigned i = 0; i < table->marks->len; i++)
        mark_clear(&g_array_index(table->marks, StreamMark, i));
    g_array_free(table->marks, TRUE);
    block_free(table->block);
    mapping_free(table->mapping);
    if (table->map_body)
        g_byte_array_unref(table->map_body);
    g_free(table);
}

static void mark_take(StreamTable *table)
{
    StreamMark mark = {.rows = table->block->n_rows, .counts = table->counts, .block = block_mark(table->block)};
    g_array_append_val(table->marks, mark);
}

/* Before rows are appended: where the block stood at each mark of the group that it has no note of yet. */
void stream_table_mark(StreamTable *table, const Group *group)
{
    while (table->marks->len < group->marks)
        mark_take(table);
}

void stream_table_forget_marks(StreamTable *table, unsigned keep)
{
    for (unsigned i = keep; i < table->marks->len; i++)
        mark_clear(&g_array_index(table->marks, StreamMark, i));
    if (table->marks->len > keep)
        g_array_set_size(table->marks, keep);
}

void stream_table_rewind(StreamTable *table, unsigned to)
{
    const StreamMark *mark = &g_array_index(table->marks, StreamMark, to);
    block_rewind(table->block, mark->block);
    table->counts = mark->counts;
    stream_table_forget_marks(table, to);
}

typedef struct {
    int64_t pipe_id;
    CatalogBatch batch;
} CutWrite;

static bool write_cut(Catalog *catalog, void *data, GError **error)
{
    CutWrite *cut = data;
    return catalog_batch_add(catalog, cut->pipe_id, &cut->batch, error);
}

typedef struct {
    Stream *s;
    uint64_t seq;
    char **text;
} PreparedWrite;

/* Beside the catalog: on the same disk, and tried again like it. */
static bool write_prepared(Catalog *catalog, void *data, GError **error)
{
    const PreparedWrite *write = data;
    (void)catalog;
    return prepared_save(write->s->prepared, write->seq, write->text, error);
}

/* What is prepared at this place is on disk before a checkpoint names it. */
static bool save_prepared(Stream *s, uint64_t seq, char **text)
{
    PreparedWrite write = {.s = s, .seq = seq, .text = text};
    prepared_checkpoint_saved(s->prepared, atomic_load(&s->work->saved_seq));
    return prepared_count_open(s->prepared) == 0 || pipe_catalog_write(s->pipe, s->work->reading, write_prepared, &write);
}

/* The open block goes: how many marks of the open group have rows of it behind them. */
static void note_sent_marks(StreamTable *table)
{
    for (unsigned mark = table->marks->len; mark-- > 0;)
        if (g_array_index(table->marks, StreamMark, mark).rows < table->block->n_rows) {
            table->sent_marks = MAX(table->sent_marks, mark + 1);
            return;
        }
}

static Insert *table_take_insert(Stream *s, StreamTable *table, uint64_t seq)
{
    Pipe *pipe = s->pipe;
    Insert *insert = g_new0(Insert, 1);

    note_sent_marks(table);
    insert->table = table->table;
    insert->definition = source_table_ref((SourceTable *)mapping_table(table->mapping));
    insert->block = g_steal_pointer(&table->block);
    insert->bytes = block_bytes(insert->block);
    insert->changed = mapping_take_counters(table->mapping);
    insert->batch_seq = seq;
    insert->counts = table->counts;
    insert->change_time = s->place.newest_time;
    insert->target = g_strdup(table->table->record->target);
    insert->token = token_of_stream(pipe->uuid, table->table->record->id, table->table->record->generation,
                                    s->place.epoch, s->place.rows_end);
    insert->query_id = query_id_of_stream(pipe->uuid, seq, table->table->record->id);
    table->block = spares_take(pipe, table->table, table->mapping);
    table->counts = (RowCounts){0};
    stream_table_forget_marks(table, 0);
    return insert;
}

static bool push_inserts(Stream *s, GPtrArray *inserts)
{
    bool ok = true;
    for (unsigned i = 0; i < inserts->len; i++) {
        Insert *insert = inserts->pdata[i];
        /* Once reading ends the rest of the batch is dropped; it is read again from the checkpoint. */
        ok = ok && queue_push_take(s->work->inserts, QUEUE_URGENT, insert);
        if (!ok)
            insert_free(insert);
    }
    return ok;
}

/* Without GTIDs the saved place stays below 4 GiB of a file: what stands behind it there is read again, and its cuts
 * are kept that long. A statement's place is saved in any case, for it is not to be carried out again. */
static bool stream_can_be_resumed(const Stream *s)
{
    bool by_gtid = s->by_gtid && binlog_stream_server(s->stream)->flavour == SOURCE_MYSQL;
    return by_gtid || s->place.before_group || place_can_be_resumed(&s->place);
}

/* Hands the open blocks over as one batch. `forced`: its cut is in the catalog already. */
bool stream_seal(Stream *s, const CatalogBatch *forced)
{
    g_autoptr(GPtrArray) inserts = g_ptr_array_new();
    CatalogCheckpoint checkpoint = {0};
    bool boundary = !s->group.open;
    bool checkpointed = boundary && stream_can_be_resumed(s);
    uint64_t seq = forced ? forced->seq : s->next_seq;

    if (checkpointed && !save_prepared(s, seq, &checkpoint.prepared))
        return false;
    if (checkpoint.prepared)
        FAULT_POINT("xa-on-disk");
    if (seq >= s->next_seq)
        s->next_seq = seq + 1;
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        if (table->block->n_rows)
            g_ptr_array_add(inserts, table_take_insert(s, table, seq));
    }
    if (!forced && inserts->len) {
        CutWrite cut = {.pipe_id = s->pipe->id, .batch = place_cut(&s->place, &s->group, seq)};
        if (!pipe_catalog_write(s->pipe, s->work->reading, write_cut, &cut)) {
            for (unsigned i = 0; i < inserts->len; i++)
                insert_free(inserts->pdata[i]);
            catalog_checkpoint_clear(&checkpoint);
            return false;
        }
    }
    FAULT_POINT(boundary ? "batch-cut" : "batch-cut-in-a-group");
    s->place.sealed_end = s->place.rows_end;
    s->batch_rows = s->batch_bytes = 0;
    s->batch_inserts = 0;
    s->last_seal = clock_monotonic_usec();
    if (checkpointed)
        place_checkpoint(&s->place, &s->group, s->gtid, &checkpoint);
    pthread_mutex_lock(&s->work->progress_lock);
    unsigned awaited = RULE_HOLDS("checkpoint-after-every-insert") ? inserts->len : 0;
    batch_tracker_add(s->work->tracker, seq, awaited, checkpointed ? &checkpoint : NULL);
    bool ok = apply_save_checkpoint(s->work);
    pthread_mutex_unlock(&s->work->progress_lock);
    catalog_checkpoint_clear(&checkpoint);
    if (checkpointed)
        s->place.moved = false;
    return push_inserts(s, inserts) && ok;
}

/* `idle`: the server has nothing more just now. */
bool stream_seal_if_due(Stream *s, bool idle)
{
    BatchLimits limits = {.rows = s->work->settings.batch_rows,
                          .bytes = s->work->settings.batch_bytes,
                          .age_usec = s->work->settings.batch_age_usec};
    BatchSituation situation = {.rows = s->batch_rows,
                                .bytes = s->batch_bytes,
                                .offset = s->place.rows_end,
                                .group_open = s->group.open,
                                .group_has_rows = s->group.open && s->place.rows_end > s->place.group_offset,
                                .savepoints = s->group.savepoints,
                                .memory_short = budget_full(s->pipe->account),
                                .inserts = s->batch_inserts,
                                .crowded = atomic_load_explicit(&s->work->crowded, memory_order_relaxed),
                                .now = clock_monotonic_usec(),
                                .last_seal = s->last_seal};
    const CatalogBatch *forced;

    if (s->verifying)
        return true;
    if (batch_cutter_seal(&s->cutter, &limits, &situation, &forced))
        return stream_seal(s, forced);
    /* Without rows the checkpoint still moves on; not before the cuts of the last run were repeated,
     * and a statement that had been begun. */
    bool free_of_rows = RULE_HOLDS("checkpoint-moves-without-rows") && s->batch_rows == 0 && !s->group.open &&
                        s->place.moved && !s->awaits_statement && !batch_cutter_forced(&s->cutter) &&
                        stream_can_be_resumed(s);
    if (free_of_rows && situation.now - s->last_seal >= (idle ? limits.age_usec : IDLE_CHECKPOINT_USEC))
        return stream_seal(s, NULL);
    return true;
}

/* ---- Barriers ---- */

#define BARRIER_POLL_FIRST_USEC 1000
#define BARRIER_POLL_MAX_USEC   (20 * 1000)

static bool wait_until_saved(Stream *s, uint64_t seq)
{
    int64_t wait = BARRIER_POLL_FIRST_USEC;
    for (;;) {
        pthread_mutex_lock(&s->work->progress_lock);
        bool quiet = batch_tracker_in_flight(s->work->tracker) == 0 && atomic_load(&s->work->saved_seq) >= seq;
        pthread_mutex_unlock(&s->work->progress_lock);
        if (quiet)
            return true;
        if (cancel_sleep(s->work->reading, wait))
            return false;
        wait = MIN(2 * wait, BARRIER_POLL_MAX_USEC);
    }
}

bool stream_barrier(Stream *s)
{
    /* One statement right behind another: nothing has ended since the checkpoint that is saved. */
    if (!s->place.moved && !s->batch_rows)
        return wait_until_saved(s, 0);
    s->place.before_group = true;
    bool ok = stream_seal(s, NULL);
    s->place.before_group = false;
    return ok && wait_until_saved(s, s->next_seq - 1);
}

typedef struct {
    Pipe *pipe;
    CatalogCheckpoint *checkpoint;
    uint64_t seq;
    const GPtrArray *tables;
    CheckpointTables prepare, undo;
    void *data;
} TablesWrite;

/* With catalog_lock held: nobody else saves the tables in between. */
static bool write_tables(Catalog *catalog, void *data, GError **error)
{
    const TablesWrite *write = data;
    pthread_mutex_lock(&write->pipe->lock);
    write->prepare(write->data);
    bool ok = catalog_checkpoint_save_tables(catalog, write->pipe->id, write->checkpoint, write->seq, write->tables, error);
    if (!ok)
        write->undo(write->data);
    pthread_mutex_unlock(&write->pipe->lock);
    return ok;
}

bool stream_checkpoint_tables(Stream *s, const GPtrArray *tables, CheckpointTables prepare, CheckpointTables undo,
                              CheckpointTables follow, void *data)
{
    CatalogCheckpoint checkpoint = {0};
    TablesWrite write = {.pipe = s->pipe, .checkpoint = &checkpoint, .seq = s->next_seq++, .tables = tables, .prepare = prepare, .undo = undo, .data = data};
    bool ok = save_prepared(s, write.seq, &checkpoint.prepared);
    place_checkpoint(&s->place, &s->group, s->gtid, &checkpoint);
    checkpoint.saved_at = clock_real_usec();
    ok = ok && pipe_catalog_write(s->pipe, s->work->reading, write_tables, &write);
    if (!ok) {
        catalog_checkpoint_clear(&checkpoint);
        return false;
    }
    atomic_store(&s->work->saved_seq, write.seq);
    s->place.moved = false;
    s->last_seal = clock_monotonic_usec();
    pthread_mutex_lock(&s->pipe->lock);
    s->pipe->fresh_until = MAX(s->pipe->fresh_until, checkpoint.source_time);
    catalog_checkpoint_clear(&s->pipe->applied);
    s->pipe->applied = checkpoint;
    follow(data);
    pthread_mutex_unlock(&s->pipe->lock);
    return true;
}

bool stream_table_renew(Stream *s, StreamTable *table, GError **error)
{
    MappingSettings settings = pipe_table_mapping(table->table, &s->work->settings);
    TableMapping *mapping = mapping_new(table->table->definition, &settings, error);
    if (!mapping)
        return false;
    g_assert(table->block->n_rows == 0);
    stream_table_forget_marks(table, 0);
    block_free(table->block);
    mapping_free(table->mapping);
    g_clear_pointer(&table->map_body, g_byte_array_unref);
    table->mapping = mapping;
    table->block = mapping_block_new(mapping, s->pipe->account);
    return true;
}
