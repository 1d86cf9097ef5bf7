/* snapshot.c - the readers: they load tables range by range, chunk by chunk (replication.md, Snapshot).
 *
 * One chunk is one statement, one block and one insert. The statement is closed before the block is handed over, so no
 * statement is open while memory or the destination is waited for. A range's progress moves in the order of its chunks,
 * when they are acknowledged.
 */
#include "pipe/exact.h"
#include "pipe/token.h"

#include <string.h>

#define CHUNK_ROWS_MAX  250000
#define CHUNK_USEC_MAX  (5 * 1000 * 1000) /* a statement that reads longer is ended; the next goes on behind it */
#define CHECK_ROWS      1024              /* every so many rows: time, size, cancelled */
#define RANGES_AT_FIRST 4                 /* per reader: small enough to share, stealing does the rest */
#define TIME_SAMPLE     64

typedef struct {
    Work *work;
    Pipe *pipe;
    SourceConnection *source;
    GHashTable *mappings; /* PipeTable -> TableMapping, of this thread */
    uint64_t chunk_rows;  /* how many rows of this table make a block of the right size, by the last one */
    const SourceTable *read_by; /* the definition that the last chunk was read by */
} Reader;

/* ---- Saving ranges ---- */

static void catalog_range_of(const Range *range, uint32_t attempt, GPtrArray *out)
{
    CatalogRange *copy = g_new0(CatalogRange, 1);
    copy->id = range->id;
    copy->after = g_strdup(range->after);
    copy->upto = g_strdup(range->upto);
    copy->done = range->done;
    copy->rows = range->rows;
    copy->attempt = attempt;
    g_ptr_array_add(out, copy);
}

typedef struct {
    Pipe *pipe;
    PipeTable *table;
    GPtrArray *ranges;
    const GPtrArray *counted; /* of Chunk, that the ranges progressed by; NULL: none */
} RangesWrite;

/* The counters are those of the rows that are done: after a crash the others are read, and counted, again. */
static bool write_ranges(Catalog *catalog, void *data, GError **error)
{
    RangesWrite *write = data;
    PipeTable *table = write->table;
    bool counts = false;
    for (unsigned i = 0; write->counted && i < write->counted->len; i++)
        counts = counts || ((const Chunk *)write->counted->pdata[i])->changed;
    GPtrArray *column_counts = counts ? column_counts_copy(table->column_counts) : NULL;
    for (unsigned i = 0; counts && i < write->counted->len; i++) {
        const Chunk *chunk = write->counted->pdata[i];
        if (chunk->changed)
            column_counts_add(column_counts, chunk->definition, chunk->changed);
    }
    char *text = counts ? column_counts_to_json(column_counts) : NULL;
    bool ok = catalog_ranges_save(catalog, table->record->id, write->ranges, text, error);
    if (ok && counts) {
        pthread_mutex_lock(&write->pipe->lock);
        g_free(table->record->column_counts);
        table->record->column_counts = g_steal_pointer(&text);
        g_ptr_array_free(table->column_counts, TRUE);
        table->column_counts = g_steal_pointer(&column_counts);
        pthread_mutex_unlock(&write->pipe->lock);
    }
    if (column_counts)
        g_ptr_array_free(column_counts, TRUE);
    g_free(text);
    return ok;
}

/* With load_lock held: the catalog is behind it in the order of locks, and progress must be saved in its own order. */
static bool save_ranges(Work *work, PipeTable *table, const uint64_t *ids, unsigned n, const GPtrArray *counted,
                        Cancel *cancel)
{
    g_autoptr(GPtrArray) ranges = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_range_free);
    RangesWrite write = {.pipe = work->pipe, .table = table, .ranges = ranges, .counted = counted};
    for (unsigned i = 0; i < n; i++)
        catalog_range_of(range_plan_get(table->plan, ids[i]), table->attempt, ranges);
    return pipe_catalog_write(work->pipe, cancel, write_ranges, &write);
}

/* ---- Plans ---- */

void snapshot_forget(PipeTable *table)
{
    g_clear_pointer(&table->plan, range_plan_free);
    chunk_ledger_clear(&table->chunks);
    table->planning = table->has_bounds = table->loaded_told = table->stream_passed = table->in_doubt = false;
    g_clear_pointer(&table->read_file, g_free);
    table->readers = 0;
}

static bool restore_plan(Pipe *pipe, PipeTable *table, GError **error)
{
    pthread_mutex_lock(&pipe->catalog_lock);
    g_autoptr(GPtrArray) saved = catalog_ranges(pipe->catalog, table->record->id, error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    if (!saved)
        return false;
    if (saved->len == 0)
        return true;
    GPtrArray *ranges = g_ptr_array_new_with_free_func((GDestroyNotify)range_free);
    for (unsigned r = 0; r < saved->len; r++) {
        const CatalogRange *from = saved->pdata[r];
        Range *range = g_new0(Range, 1);
        range->id = from->id;
        range->after = g_strdup(from->after);
        range->upto = g_strdup(from->upto);
        range->done = from->done;
        range->rows = from->rows;
        table->attempt = MAX(table->attempt, from->attempt);
        g_ptr_array_add(ranges, range);
    }
    table->read_unseen = table->read_unseen || !table->read_gtid;
    table->plan = range_plan_restore_take(table->definition, ranges);
    atomic_store(&table->rows_done, range_plan_rows_done(table->plan));
    return true;
}

bool snapshot_restore_plans(Pipe *pipe, GError **error)
{
    bool ok = true;

    pthread_mutex_lock(&pipe->load_lock); /* no thread of a Work runs, but a status may be asked for */
    for (unsigned i = 0; ok && i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        snapshot_forget(table);
        if (table->definition && !table->record->loaded)
            ok = restore_plan(pipe, table, error);
    }
    pthread_mutex_unlock(&pipe->load_lock);
    return ok;
}

/* The first plan of a table, or the bounds of a restored one; `planning` keeps the other readers off meanwhile. */
static bool make_plan(Reader *reader, PipeTable *table, GError **error)
{
    g_autofree char *min = NULL, *max = NULL;
    bool whole = exact_is(table); /* one reader reads all of it: nothing is divided */
    bool ok = whole || source_key_bounds(reader->source, table->definition, &min, &max, error);
    Pipe *pipe = reader->pipe;

    pthread_mutex_lock(&pipe->load_lock);
    table->planning = false;
    table->has_bounds = ok;
    if (ok && table->plan) {
        range_plan_set_bounds(table->plan, min, max);
    } else if (ok) {
        uint64_t rows = table->definition->rows_estimate;
        unsigned pieces = whole ? 1 : (unsigned)MIN(RANGES_AT_FIRST * reader->work->settings.readers, 1 + rows / CHUNK_ROWS_MAX);
        table->plan = range_plan_new(table->definition, min, max, pieces);
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        const GPtrArray *ranges = range_plan_ranges(table->plan);
        for (unsigned i = 0; i < ranges->len; i++)
            g_array_append_val(ids, ((const Range *)ranges->pdata[i])->id);
        ok = save_ranges(reader->work, table, (const uint64_t *)(void *)ids->data, ids->len, NULL,
                         reader->work->reading);
        if (!ok)
            cancel_set_error(reader->work->reading, error);
        FAULT_POINT("load-planned");
    }
    pthread_mutex_unlock(&pipe->load_lock);
    return ok;
}

/* ---- Choosing work ---- */

typedef enum { WORK_NONE, WORK_LATER, WORK_PLAN, WORK_RANGE } WorkKind;

/* The table that the fewest readers are on and that has something to hand out. With load_lock held. */
static WorkKind choose(Reader *reader, PipeTable **out, uint64_t *range_id)
{
    Pipe *pipe = reader->pipe;
    g_autoptr(GPtrArray) open = g_ptr_array_new();
    bool later = false;

    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!pipe_table_wants_loading(table))
            continue;
        later = true;
        if (table->plan && range_plan_all_done(table->plan)) /* it waits for the stream (settle_tables) */
            continue;
        if (!table->definition) /* it waits to be set up (supervisor.c, drive_snapshot) */
            continue;
        if (exact_is(table) && (!table->consistent || table->readers))
            continue;
        unsigned at = 0;
        while (at < open->len && ((PipeTable *)open->pdata[at])->readers <= table->readers)
            at++;
        if (!table->planning && !table->in_doubt)
            g_ptr_array_insert(open, (int)at, table);
    }
    for (unsigned i = 0; i < open->len; i++) {
        PipeTable *table = open->pdata[i];
        *out = table;
        if (!table->has_bounds) {
            table->planning = true;
            return WORK_PLAN;
        }
        g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        const Range *range = range_plan_take(table->plan, changed);
        if (!range)
            continue;
        *range_id = range->id;
        table->readers++;
        table->attempt++;
        bool listed = false;
        for (unsigned c = 0; c < changed->len; c++)
            listed |= g_array_index(changed, uint64_t, c) == range->id;
        if (!listed)
            g_array_append_val(changed, *range_id);
        /* The attempt is on disk before its first insert (replication.md, Tokens). */
        save_ranges(reader->work, table, (const uint64_t *)(void *)changed->data, changed->len, NULL,
                    reader->work->reading);
        FAULT_POINT("load-attempt-noted");
        return WORK_RANGE;
    }
    return later ? WORK_LATER : WORK_NONE;
}

/* ---- Tables that are done ---- */

static void table_loaded(Work *work, PipeTable *table)
{
    Pipe *pipe = work->pipe;
    int loading = TABLE_LOADING, waiting = TABLE_WAITING; /* waiting: a crash came behind its last range */

    /* Together: who saves it as live saves what is known of it, too. */
    pthread_mutex_lock(&pipe->load_lock);
    pthread_mutex_lock(&pipe->lock);
    bool live = atomic_compare_exchange_strong(&table->state, &loading, TABLE_LIVE) ||
                atomic_compare_exchange_strong(&table->state, &waiting, TABLE_LIVE);
    if (live) {
        table->record->loaded = true;
        table->record->rows_estimate = atomic_load(&table->rows_done);
        /* The stream has come to all of it, the checkpoint may have not. */
        g_free(table->record->read_gtid);
        table->record->read_gtid = g_strdup(table->read_gtid);
    }
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
    if (!live)
        return; /* it has failed meanwhile */
    pipe_save_table(pipe, table, work->sending);
    pipe_journal(pipe, "engine", "table", NULL, "%s.%s is loaded: %" G_GUINT64_FORMAT " rows", table->record->database,
                 table->record->name, atomic_load(&table->rows_done));
}

/* Looks whether anything is left to load; the one who finds that nothing is tells the supervisor. */
static void check_all_loaded(Work *work)
{
    Pipe *pipe = work->pipe;
    unsigned left = 0;
    for (unsigned i = 0; i < pipe->tables->len; i++)
        left += pipe_table_wants_loading(pipe->tables->pdata[i]);
    if (left == 0 && !atomic_exchange(&work->loaded_told, true))
        pipe_post(pipe, MESSAGE_LOADED);
}

void snapshot_chunk_done(Work *work, Insert *insert)
{
    Pipe *pipe = work->pipe;
    PipeTable *table = insert->table;
    bool failed = atomic_load(&table->state) == TABLE_FAILED;
    g_autoptr(GPtrArray) counted = chunk_ledger_counted_new();

    pthread_mutex_lock(&pipe->load_lock);
    insert->chunk->changed = g_steal_pointer(&insert->changed);
    insert->chunk->definition = insert->definition;
    uint64_t range_id = failed ? 0 : chunk_ledger_answered(&table->chunks, insert->chunk, table->plan, counted);
    if (range_id) {
        atomic_store(&table->rows_done, range_plan_rows_done(table->plan));
        FAULT_POINT("load-chunk-acknowledged");
        save_ranges(work, table, &range_id, 1, counted, work->sending);
        FAULT_POINT("load-progress-saved");
        if (range_plan_all_done(table->plan))
            FAULT_POINT("load-last-range-done");
    }
    pthread_mutex_unlock(&pipe->load_lock);
    if (failed)
        check_all_loaded(work);
}

/* ---- From read to loaded ---- */

/* With load_lock held. */
static LoadSituation situation(const PipeTable *table)
{
    return (LoadSituation){.wanted = pipe_table_wants_loading(table),
                           .read = chunk_ledger_is_read(&table->chunks, table->plan),
                           .passed = table->stream_passed,
                           .read_file = table->read_file,
                           .read_pos = table->read_pos};
}

/* With load_lock held. */
static bool is_read(const PipeTable *table)
{
    LoadSituation load = situation(table);
    return load.wanted && load.read && !table->loaded_told;
}

void snapshot_stream_at(Work *work, const char *file, uint64_t pos)
{
    bool left = false;
    pthread_mutex_lock(&work->pipe->load_lock);
    for (unsigned i = 0; i < work->pipe->tables->len; i++) {
        PipeTable *table = work->pipe->tables->pdata[i];
        if (!table->read_file || table->stream_passed)
            continue;
        LoadSituation load = situation(table);
        table->stream_passed = load_is_passed(&load, file, pos);
        left = left || !table->stream_passed;
    }
    atomic_store(&work->settling, left);
    pthread_mutex_unlock(&work->pipe->load_lock);
}

void snapshot_forget_reads(Work *work)
{
    pthread_mutex_lock(&work->pipe->load_lock);
    for (unsigned i = 0; i < work->pipe->tables->len; i++)
        if (!((PipeTable *)work->pipe->tables->pdata[i])->stream_passed)
            g_clear_pointer(&((PipeTable *)work->pipe->tables->pdata[i])->read_file, g_free);
    pthread_mutex_unlock(&work->pipe->load_lock);
}

LoadStanding snapshot_standing(Pipe *pipe, PipeTable *table, const char *file, uint64_t pos)
{
    pthread_mutex_lock(&pipe->load_lock);
    LoadSituation load = situation(table);
    LoadStanding standing = load_standing(&load, file, pos);
    pthread_mutex_unlock(&pipe->load_lock);
    return standing;
}

/* The server may have become another one since it was asked. With load_lock held. */
static void note_read(Reader *reader, const GPtrArray *tables, const char *file, uint64_t pos, const char *gtid)
{
    Pipe *pipe = reader->pipe;
    pthread_mutex_lock(&pipe->lock);
    bool followed = g_strcmp0(pipe->record->identity, source_server(reader->source)->identity) == 0;
    /* Where nothing was logged meanwhile the stream is there already, and hears of nothing new until a heartbeat comes. */
    bool passed = pipe_has_applied(pipe, file, pos);
    pthread_mutex_unlock(&pipe->lock);
    for (unsigned i = 0; followed && i < tables->len; i++) {
        PipeTable *table = tables->pdata[i];
        if (!is_read(table) || table->read_file)
            continue;
        table->read_file = g_strdup(file);
        table->read_pos = pos;
        table->stream_passed = passed;
        if (!table->read_gtid) /* all of it was read before this process began */
            table->read_gtid = g_strdup(gtid);
        if (!passed)
            atomic_store(&reader->work->settling, true);
    }
}

static void finish_passed(Reader *reader)
{
    Pipe *pipe = reader->pipe;
    g_autoptr(GPtrArray) done = g_ptr_array_new();
    pthread_mutex_lock(&pipe->load_lock);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        LoadSituation load = situation(table);
        if (!load_is_over(&load) || table->loaded_told)
            continue;
        table->loaded_told = true; /* by this reader alone */
        g_ptr_array_add(done, table);
    }
    pthread_mutex_unlock(&pipe->load_lock);
    for (unsigned i = 0; i < done->len; i++)
        table_loaded(reader->work, done->pdata[i]);
    if (done->len)
        check_all_loaded(reader->work);
}

/* False: the source could not be asked. */
static bool settle_tables(Reader *reader, GError **error)
{
    Pipe *pipe = reader->pipe;
    g_autoptr(GPtrArray) read = g_ptr_array_new();
    g_autofree char *file = NULL, *gtid = NULL;
    GError *problem = NULL;
    uint64_t pos;
    bool unseen = false;

    finish_passed(reader);
    pthread_mutex_lock(&pipe->load_lock);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!is_read(table) || table->read_file)
            continue;
        unseen = unseen || !table->read_gtid;
        g_ptr_array_add(read, table);
    }
    pthread_mutex_unlock(&pipe->load_lock);
    if (read->len == 0)
        return true;
    if (unseen && !settings_by_file(&reader->work->settings))
        gtid = source_gtids_readable(reader->source, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    if (!source_log_end(reader->source, &file, &pos, NULL, error))
        return false;
    pthread_mutex_lock(&pipe->load_lock);
    note_read(reader, read, file, pos, gtid);
    pthread_mutex_unlock(&pipe->load_lock);
    finish_passed(reader);
    return true;
}

/* ---- Reading ---- */

static TableMapping *reader_mapping(Reader *reader, PipeTable *table, GError **error)
{
    TableMapping *mapping = g_hash_table_lookup(reader->mappings, table);
    SourceTable *definition = table->definition;
    reader->read_by = definition;
    if (mapping && mapping_table(mapping) == definition)
        return mapping;
    MappingSettings settings = pipe_table_mapping(table, &reader->work->settings);
    mapping = mapping_new(definition, &settings, error);
    if (mapping)
        g_hash_table_insert(reader->mappings, table, mapping);
    return mapping;
}

/* Bytes of a block: as large as readers and senders can hold one each within the budget. Half of that costs ClickHouse a half more
 * of its time, in parts and merges. */
static size_t block_target(const Work *work)
{
    size_t share = budget_limit(work->pipe->env->budget) / (work->settings.readers + work->settings.senders);
    return CLAMP(share, 256u << 10, work->settings.batch_bytes);
}

typedef struct {
    Block *block;
    char *key;  /* of its last row; NULL: no rows */
    bool ended; /* the range has no rows behind it */
    MappingCounters *changed; /* of its values; NULL: none */
} ChunkRead;

typedef enum { RANGE_OURS, RANGE_NARROWED, RANGE_PASSED } RangeStanding;

/* Tells the plan how far the reading is, so that what is taken away from the range begins behind it. NARROWED: the
 * range ends before the statement does; from then on each row is looked at. PASSED: the row last read is another
 * reader's. */
static RangeStanding range_standing(Reader *reader, PipeTable *table, uint64_t range_id, const char *upto,
                                    ChunkReader *chunk)
{
    g_autofree char *key = chunk_reader_key(chunk, NULL);
    RangeStanding standing = RANGE_OURS;

    pthread_mutex_lock(&reader->pipe->load_lock);
    if (key && range_plan_divides(table->plan)) {
        const char *now = range_plan_get(table->plan, range_id)->upto;
        if (g_strcmp0(now, upto) != 0)
            standing = range_plan_passed(table->plan, range_id, key) ? RANGE_PASSED : RANGE_NARROWED;
        if (standing != RANGE_PASSED)
            range_plan_reading(table->plan, range_id, key);
    }
    pthread_mutex_unlock(&reader->pipe->load_lock);
    return standing;
}

static bool read_rows(Reader *reader, PipeTable *table, TableMapping *mapping, ChunkReader *chunk, uint64_t range_id,
                      const char *upto, uint64_t limit, ChunkRead *out, GError **error)
{
    Pipe *pipe = reader->pipe;
    Block *block = out->block;
    size_t target = block_target(reader->work), len;
    int64_t began = clock_monotonic_usec(), sampled = began, synced = clock_real_nsec();
    uint64_t version = table->record->snapshot_version, read_usec = 0, build_usec = 0;
    RangeStanding standing = RANGE_OURS;
    const uint8_t *packet;
    int got;

    for (;;) {
        bool timed = block->n_rows % TIME_SAMPLE == 0;
        if (timed)
            sampled = clock_monotonic_usec();
        got = chunk_reader_next(chunk, &packet, &len, error);
        if (got <= 0)
            break;
        int64_t read = timed ? clock_monotonic_usec() : 0;
        if (standing == RANGE_NARROWED &&
            (standing = range_standing(reader, table, range_id, upto, chunk)) == RANGE_PASSED)
            break;
        if (!mapping_append_result(mapping, block, packet, len, version, synced, error))
            return false;
        if (timed) {
            read_usec += (uint64_t)(read - sampled);
            build_usec += (uint64_t)(clock_monotonic_usec() - read);
        }
        if (block->n_rows % CHECK_ROWS != 0 && len < 65536)
            continue;
        if (cancel_set_error(reader->work->reading, error))
            return false;
        standing = range_standing(reader, table, range_id, upto, chunk);
        if (standing == RANGE_PASSED || block_bytes(block) >= target || clock_monotonic_usec() - began > CHUNK_USEC_MAX)
            break;
    }
    out->changed = mapping_take_counters(mapping);
    if (got < 0)
        return false;
    /* The time of the whole chunk is shared out as the sampled rows were. */
    uint64_t whole = (uint64_t)(clock_monotonic_usec() - began), sum = read_usec + build_usec;
    atomic_fetch_add(&pipe->read_usec, sum ? whole * read_usec / sum : whole);
    atomic_fetch_add(&pipe->build_usec, sum ? whole * build_usec / sum : 0);
    out->ended = standing == RANGE_PASSED || (got == 0 && block->n_rows < limit);
    if (block->n_rows) {
        /* A range that was passed ends at its bound: range_plan_progress lowers the key to it. */
        out->key = chunk_reader_key(chunk, error);
        if (!out->key)
            return false;
        reader->chunk_rows = CLAMP((uint64_t)((double)target / ((double)block_bytes(block) / (double)block->n_rows)),
                                   64, CHUNK_ROWS_MAX);
    }
    return true;
}

/* What a chunk must be able to see: `file` and `pos`, or nothing when that was waited for here. */
static bool wait_visible(Reader *reader, const PipeTable *table, char **file, uint64_t *pos, GError **error)
{
    g_autofree char *gtid = NULL;

    if (!RULE_HOLDS("visible-before-read"))
        return true;
    pthread_mutex_lock(&reader->pipe->lock);
    const CatalogTable *record = table->record;
    LoadSight sight = load_sight(source_server(reader->source)->flavour, record->begin_file, record->begin_gtid);
    if (sight == SIGHT_POSITION)
        *file = g_strdup(record->begin_file);
    *pos = record->begin_pos;
    gtid = g_strdup(record->begin_gtid);
    pthread_mutex_unlock(&reader->pipe->lock);
    switch (sight) {
    case SIGHT_EXECUTED:
        return source_wait_executed(reader->source, gtid, reader->work->reading, error);
    case SIGHT_LOG_END:
        return source_log_end(reader->source, file, pos, NULL, error);
    case SIGHT_ANY:
    case SIGHT_POSITION:
        break;
    }
    return true;
}

static bool read_chunk(Reader *reader, PipeTable *table, TableMapping *mapping, uint64_t range_id, const char *after,
                       const char *upto, ChunkRead *out, GError **error)
{
    uint64_t limit = reader->chunk_rows, begin_pos = 0;
    g_autofree char *begin_file = NULL;

    bool exact = exact_is(table); /* then no other reader is on it */
    if (!exact && !wait_visible(reader, table, &begin_file, &begin_pos, error))
        return false;
    g_autoptr(ChunkReader) chunk =
        exact ? chunk_reader_open_within(table->consistent, mapping_table(mapping), after, limit, error)
              : chunk_reader_open(reader->source, mapping_table(mapping), after, upto, limit, begin_file, begin_pos, reader->work->reading, error);
    if (!chunk)
        return false;
    out->block = spares_take(reader->pipe, table, mapping);
    g_free(mapping_take_counters(mapping)); /* of rows that were read before an error and are read again */
    return read_rows(reader, table, mapping, chunk, range_id, upto, limit, out, error);
}

/* Should another server take over that lacks what was read, the stream finds out by this. Of two who ask at once the
 * one who began later has also what the other has read. False also where the connection's server is followed no more:
 * what was read of it may be of another history. */
static bool note_transactions(Reader *reader, PipeTable *table, GError **error)
{
    Pipe *pipe = reader->pipe;
    GError *problem = NULL;
    g_autofree char *gtid = NULL;
    pthread_mutex_lock(&pipe->load_lock);
    uint64_t asked = ++pipe->read_asked;
    pthread_mutex_unlock(&pipe->load_lock);
    if (!settings_by_file(&reader->work->settings)) /* by places alone the pipe goes to no other server */
        gtid = source_gtids_readable(reader->source, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    pthread_mutex_lock(&pipe->load_lock);
    bool followed = setup_is_followed(pipe, reader->source, error);
    if (followed && gtid && asked > table->read_asked) {
        g_free(table->read_gtid);
        table->read_gtid = g_steal_pointer(&gtid);
        table->read_asked = asked;
        table->read_unseen = false; /* what was read before, of the same server, is among it */
    }
    pthread_mutex_unlock(&pipe->load_lock);
    return followed;
}

static bool hand_over(Reader *reader, PipeTable *table, const TableMapping *mapping, uint64_t range_id, uint32_t attempt,
                      unsigned number, ChunkRead *read, GError **error)
{
    Pipe *pipe = reader->pipe;
    Insert *insert = g_new0(Insert, 1);
    uint64_t rows = read->block->n_rows;

    insert->snapshot = true;
    insert->table = table;
    insert->definition = source_table_ref((SourceTable *)mapping_table(mapping));
    insert->changed = g_steal_pointer(&read->changed);
    insert->block = g_steal_pointer(&read->block);
    insert->bytes = block_bytes(insert->block);
    insert->target = g_strdup(table->record->target);
    insert->token = token_of_chunk(pipe->uuid, table->record->id, table->record->generation, range_id,
                                   RULE_HOLDS("tokens-drop-nothing") ? attempt : 0, number);
    insert->query_id = query_id_of_chunk(pipe->uuid, table->record->id, range_id, attempt, number);
    FAULT_POINT("load-chunk-read");
    pthread_mutex_lock(&pipe->load_lock);
    insert->chunk = chunk_ledger_add(&table->chunks, range_id, read->key, rows, read->ended);
    if (read->key)
        range_plan_reading(table->plan, range_id, read->key);
    if (read->ended)
        range_plan_read_out(table->plan, range_id);
    pthread_mutex_unlock(&pipe->load_lock);
    if (insert->block->n_rows == 0) {
        snapshot_chunk_done(reader->work, insert); /* the end of a range, without rows */
        insert_free(insert);
        return true;
    }
    if (queue_push_take(reader->work->inserts, QUEUE_ORDINARY, insert))
        return true;
    insert_free(insert); /* its chunk stays in the ledger, never acknowledged: read again after the next start */
    cancel_set_error(reader->work->reading, error);
    return false;
}

static bool read_range(Reader *reader, PipeTable *table, uint64_t range_id, GError **error)
{
    Pipe *pipe = reader->pipe;
    g_autofree char *after = NULL;
    uint32_t attempt;

    pthread_mutex_lock(&pipe->load_lock);
    const Range *range = range_plan_get(table->plan, range_id);
    after = g_strdup(range->after);
    attempt = table->attempt;
    pthread_mutex_unlock(&pipe->load_lock);
    reader->chunk_rows = MIN(reader->chunk_rows, 10000); /* the first chunk of a range measures its rows */
    for (unsigned number = 0;; number++) {
        ChunkRead read = {0};
        pthread_mutex_lock(&pipe->load_lock);
        g_autofree char *upto = g_strdup(range_plan_get(table->plan, range_id)->upto);
        pthread_mutex_unlock(&pipe->load_lock);
        if (atomic_load(&table->state) == TABLE_FAILED)
            return true;
        if (budget_full(pipe->account))
            spares_drop(pipe);
        while (budget_full(pipe->account) && !budget_wait(pipe->account, reader->work->reading, 1000000))
            if (cancel_set_error(reader->work->reading, error))
                return false;
        TableMapping *mapping = reader_mapping(reader, table, error); /* by the definition that the stream has come to */
        /* A definition that another server's log has made says nothing of the tables of this one. */
        if (!mapping || !setup_is_followed(pipe, reader->source, error))
            return false;
        bool ok = read_chunk(reader, table, mapping, range_id, after, upto, &read, error) &&
                  note_transactions(reader, table, error) &&
                  hand_over(reader, table, mapping, range_id, attempt, number, &read, error);
        block_free(read.block);
        if (ok && read.key) {
            g_free(after);
            after = g_strdup(read.key);
        }
        g_free(read.key);
        g_free(read.changed);
        if (!ok || read.ended)
            return ok;
    }
}

/* After an error the range goes back to be read from its acknowledged progress; what of it is still on its way counts
 * no more (it arrives twice with the same versions). When the pipe is being stopped it still counts, and nobody reads
 * on. */
static void give_back(Reader *reader, PipeTable *table, uint64_t range_id, bool failed)
{
    pthread_mutex_lock(&reader->pipe->load_lock);
    table->readers--;
    if (exact_is(table))
        exact_close(table); /* it is read, or its load begins again */
    if (failed && !cancel_requested(reader->work->reading)) {
        chunk_ledger_give_up(&table->chunks, range_id);
        range_plan_release(table->plan, range_id);
    }
    pthread_mutex_unlock(&reader->pipe->load_lock);
}

static void table_begins(Reader *reader, PipeTable *table)
{
    int waiting = TABLE_WAITING;
    if (atomic_compare_exchange_strong(&table->state, &waiting, TABLE_LOADING))
        pipe_save_table(reader->pipe, table, reader->work->reading);
}

/* Connected to the server that the stream follows? When another one answers, the stream decides whether it goes on
 * there; until then nothing is read, for that one may lack what the checkpoint holds. */
static bool reader_connect(Reader *reader, GError **error)
{
    if (!reader->source && !(reader->source = source_open(reader->work->source_url, reader->work->reading, error)))
        return false;
    return setup_is_followed(reader->pipe, reader->source, error);
}

/* Where the log of which server ended. */
typedef struct {
    char *identity, *file;
    uint64_t pos;
} LogEnd;

/* When a table could not be read by its definition. False: the source cannot tell. */
static bool log_end_now(Reader *reader, LogEnd *out, GError **error)
{
    g_autoptr(SourceConnection) source = source_open(reader->work->source_url, reader->work->reading, error);
    *out = (LogEnd){0};
    if (!source || !source_log_end(source, &out->file, &out->pos, NULL, error))
        return false;
    out->identity = g_strdup(source_server(source)->identity);
    return true;
}

/* Definition and place change together (stream_ddl.c), and so do server and place (stream_failover.c). */
static LoadDoubt doubt_now(Reader *reader, const PipeTable *table, const LogEnd *end)
{
    Pipe *pipe = reader->pipe;
    pthread_mutex_lock(&pipe->lock);
    bool other = g_strcmp0(pipe->record->identity, end->identity) != 0;
    LoadDoubt doubt = load_doubt(pipe_table_wants_loading(table), other || table->definition != reader->read_by,
                                 pipe_has_applied(pipe, end->file, end->pos));
    pthread_mutex_unlock(&pipe->lock);
    return doubt;
}

/* The source may have altered the table before the stream has come there: the table cannot be read by the definition that the
 * stream has, and no other is right until then. Waits for the stream; true: it is to be tried again. False: it is an error, for the
 * stream is past what the log held then and the definition is the same. */
static bool wait_for_stream(Reader *reader, PipeTable *table, const char *identity)
{
    LogEnd end;
    LoadDoubt doubt = DOUBT_WAITS;
    for (unsigned tries = 1;; tries++) {
        g_autoptr(GError) error = NULL;
        if (log_end_now(reader, &end, &error))
            break;
        if (!pipe_stall_wait(reader->pipe, SIDE_SOURCE, error, tries, false, reader->work->reading))
            return true;
    }
    pipe_stall_clear(reader->pipe, SIDE_SOURCE);
    bool same = g_strcmp0(end.identity, identity) == 0; /* another one may know the definition */
    while (same && (doubt = doubt_now(reader, table, &end)) == DOUBT_WAITS)
        if (cancel_sleep(reader->work->reading, 50000))
            break;
    g_free(end.identity);
    g_free(end.file);
    return !same || doubt != DOUBT_FAILS;
}

/* One reader waits; the others read other tables meanwhile. */
static bool is_read_again(Reader *reader, PipeTable *table, const char *identity)
{
    pthread_mutex_lock(&reader->pipe->load_lock);
    table->in_doubt = true;
    pthread_mutex_unlock(&reader->pipe->load_lock);
    bool again = wait_for_stream(reader, table, identity);
    pthread_mutex_lock(&reader->pipe->load_lock);
    table->in_doubt = false;
    pthread_mutex_unlock(&reader->pipe->load_lock);
    return again;
}

/* False: this reader ends. `tries` counts the failures in a row. */
static bool read_something(Reader *reader, unsigned *tries)
{
    Pipe *pipe = reader->pipe;
    PipeTable *table = NULL;
    uint64_t range_id = 0;
    WorkKind kind = WORK_NONE;
    g_autoptr(GError) error = NULL;
    bool ok = reader_connect(reader, &error) && settle_tables(reader, &error);

    if (ok) {
        pthread_mutex_lock(&pipe->load_lock);
        kind = choose(reader, &table, &range_id);
        pthread_mutex_unlock(&pipe->load_lock);
        if (kind == WORK_NONE)
            return false;
        if (kind == WORK_LATER) {
            pipe_stall_clear(pipe, SIDE_SOURCE);
            *tries = 0;
            return !cancel_sleep(reader->work->reading, 50000);
        }
        table_begins(reader, table);
        reader->read_by = table->definition;
        if (kind == WORK_PLAN) {
            ok = make_plan(reader, table, &error);
        } else {
            ok = read_range(reader, table, range_id, &error);
            give_back(reader, table, range_id, !ok);
        }
    }
    if (ok) {
        if (*tries)
            pipe_stall_clear(pipe, SIDE_SOURCE);
        *tries = 0;
        return true;
    }
    if (cancel_requested(reader->work->reading))
        return false;
    RetryDecision decision = retry_decide(error, SIDE_SOURCE);
    g_autofree char *identity = reader->source ? g_strdup(source_server(reader->source)->identity) : NULL;
    g_clear_pointer(&reader->source, source_close);
    switch (decision.verdict) {
    case VERDICT_FAIL_TABLE:
        if (table && (!pipe_table_wants_loading(table) || (!exact_is(table) && is_read_again(reader, table, identity))))
            return true; /* the stream has told already why it cannot be read, or tells yet */
        if (table) {
            pipe_table_fail(pipe, table, error, &decision, NULL);
            check_all_loaded(reader->work);
            return true;
        }
        G_GNUC_FALLTHROUGH;
    case VERDICT_FAIL_PIPE:
        work_fail(reader->work, SIDE_SOURCE, g_steal_pointer(&error));
        return false;
    case VERDICT_CANCELLED:
        return false;
    default:
        if (!pipe_stall_wait(pipe, SIDE_SOURCE, error, ++*tries, decision.verdict == VERDICT_RETRY_OPERATOR, reader->work->reading))
            return false;
        if (table && kind == WORK_RANGE && exact_is(table)) /* its transaction is lost: it is set up again, with another one */
            pipe_post(pipe, MESSAGE_RESTART);
        return true;
    }
}

void *reader_main(void *data)
{
    Work *work = data;
    Reader reader = {.work = work, .pipe = work->pipe, .chunk_rows = 10000};
    unsigned tries = 0;

    reader.mappings = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)mapping_free);
    while (!cancel_requested(work->reading) && read_something(&reader, &tries))
        ;
    if (!cancel_requested(work->reading))
        check_all_loaded(work);
    source_close(reader.source);
    g_hash_table_destroy(reader.mappings);
    work_thread_leave(work, false);
    return NULL;
}
