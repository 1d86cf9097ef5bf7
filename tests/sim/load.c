/* load.c - the readers of the simulator: src/pipe/snapshot.c and exact.c without I/O. */
#include "engine.h"

#include "pipe/token.h"

#include <stdlib.h>

#define KEY_STEP 30000 /* between two keys: ranges of them are large enough to be divided */

static const SourceTable *definition(void)
{
    static SourceTable *table;
    if (table)
        return table;
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:[i],s:s,s:[{s:s,s:s,s:s,s:b,s:i,s:i}]}", "database", "d", "name", "t",
                             "engine", "InnoDB", "create_sql", "", "key", 0, "key_name", "PRIMARY", "columns", "name",
                             "id", "type", "int", "type_text", "int", "unsigned", 0, "precision", 10, "scale", 0);
    table = source_table_from_json(json, NULL);
    json_decref(json);
    g_assert(table);
    return table;
}

void table_forget(Table *table)
{
    g_clear_pointer(&table->plan, range_plan_free);
    chunk_ledger_clear(&table->chunks);
    table->has_bounds = table->told = table->passed = false;
    table->read_file = NULL;
    table->readers = 0;
}

bool table_wants_loading(const Table *table)
{
    return table->state == ROWS_WAITING || table->state == ROWS_LOADING;
}

bool table_is_followed(const Table *table)
{
    return table_wants_loading(table) || table->state == ROWS_LIVE;
}

LoadSituation table_load(const Table *table)
{
    return (LoadSituation){.wanted = table_wants_loading(table),
                           .read = chunk_ledger_is_read(&table->chunks, table->plan),
                           .passed = table->passed,
                           .read_file = table->read_file,
                           .read_pos = table->read_pos};
}

/* ---- Plans ---- */

static void save_range(Table *table, const Range *range)
{
    CatalogRange *saved = NULL;
    for (unsigned i = 0; i < table->ranges->len && !saved; i++)
        if (((CatalogRange *)table->ranges->pdata[i])->id == range->id)
            saved = table->ranges->pdata[i];
    if (!saved) {
        saved = g_new0(CatalogRange, 1);
        g_ptr_array_add(table->ranges, saved);
    }
    g_free(saved->after);
    g_free(saved->upto);
    *saved = (CatalogRange){.id = range->id,
                            .after = g_strdup(range->after),
                            .upto = g_strdup(range->upto),
                            .done = range->done,
                            .rows = range->rows,
                            .attempt = table->attempt};
}

void load_restore_plans(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        table_forget(table);
        if (!table->set_up || table->loaded || !table->ranges->len)
            continue;
        GPtrArray *ranges = g_ptr_array_new_with_free_func((GDestroyNotify)range_free);
        for (unsigned r = 0; r < table->ranges->len; r++) {
            const CatalogRange *from = table->ranges->pdata[r];
            Range *range = g_new0(Range, 1);
            *range = (Range){.id = from->id,
                             .after = g_strdup(from->after),
                             .upto = g_strdup(from->upto),
                             .done = from->done,
                             .rows = from->rows};
            table->attempt = MAX(table->attempt, from->attempt);
            g_ptr_array_add(ranges, range);
        }
        table->plan = range_plan_restore_take(definition(), ranges);
    }
}

static void make_plan(Engine *e, Table *table)
{
    g_autofree char *min = NULL, *max = NULL;
    unsigned as_of = source_readable(e->source, NULL, NULL);
    bool whole = table_keeps_all(table->of);
    for (unsigned key = 0; key < KEYS && !whole; key++)
        if (source_row(e->source, as_of, table->of, key)) {
            g_free(max);
            max = g_strdup_printf("%d", (int)(key + 1) * KEY_STEP);
            if (!min)
                min = g_strdup(max);
        }
    table->has_bounds = true;
    if (table->plan) {
        range_plan_set_bounds(table->plan, min, max);
        return;
    }
    table->plan = range_plan_new(definition(), min, max, whole ? 1 : 1 + random_below(e->random, 4));
    const GPtrArray *ranges = range_plan_ranges(table->plan);
    for (unsigned i = 0; i < ranges->len; i++)
        save_range(table, ranges->pdata[i]);
}

/* ---- From read to loaded ---- */

static bool is_read(const Table *table)
{
    LoadSituation load = table_load(table);
    return load.wanted && load.read && !table->told;
}

void load_stream_at(Engine *e, const char *file, uint64_t pos)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        LoadSituation load = table_load(table);
        if (table->read_file && !table->passed)
            table->passed = load_is_passed(&load, file, pos);
    }
}

static void settle(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (is_read(table) && !table->read_file && e->identity == e->source->number) {
            table->read_file = e->source->file;
            table->read_pos = e->source->pos;
            if (!table->read_gtid && !e->by_file) /* all of it was read before a crash */
                table->read_gtid = source_gtid(e->source);
            table->passed = e->checkpoint.file && binlog_position_compare(e->checkpoint.file, e->checkpoint.pos,
                                                                          table->read_file, table->read_pos) >= 0;
        }
        LoadSituation load = table_load(table);
        if (!load_is_over(&load) || table->told)
            continue;
        table->told = true;
        table->state = ROWS_LIVE;
        table->loaded = true;
        engine_tell(e, "%" G_GINT64_FORMAT " is loaded", table->id);
    }
}

void load_chunk_done(Engine *e, Sent *sent)
{
    Table *table = sent->table;
    g_autoptr(GPtrArray) counted = chunk_ledger_counted_new();
    uint64_t range_id =
        table->state == ROWS_FAILED ? 0 : chunk_ledger_answered(&table->chunks, sent->chunk, table->plan, counted);
    if (range_id && !engine_crashes_here(e))
        save_range(table, range_plan_get(table->plan, range_id));
}

/* ---- Reading ---- */

void loader_clear(Loader *loader)
{
    g_free(loader->after);
    g_free(loader->upto);
    if (loader->rows)
        g_array_unref(loader->rows);
    *loader = (Loader){0};
}

static void choose(Engine *e, Loader *loader)
{
    Table *table = NULL;
    for (unsigned i = 0, at = random_below(e->random, e->tables->len); i < e->tables->len && !loader->table; i++) {
        table = e->tables->pdata[(at + i) % e->tables->len];
        bool exact = table_keeps_all(table->of);
        if (!table_wants_loading(table) || !table->set_up || (table->plan && range_plan_all_done(table->plan)) ||
            (exact && (!table->exact_open || table->readers)))
            continue;
        table->state = ROWS_LOADING;
        if (!table->has_bounds) {
            make_plan(e, table);
            return;
        }
        g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        const Range *range = range_plan_take(table->plan, changed);
        if (!range)
            continue;
        table->readers++;
        table->attempt++;
        *loader = (Loader){.table = table,
                           .range_id = range->id,
                           .attempt = table->attempt,
                           .after = g_strdup(range->after),
                           .doubt = loader->doubt};
        for (unsigned i2 = 0; i2 < changed->len; i2++)
            save_range(table, range_plan_get(table->plan, g_array_index(changed, uint64_t, i2)));
        save_range(table, range);
        engine_tell(e, "%" G_GINT64_FORMAT ": range %" G_GUINT64_FORMAT " (%s, %s], attempt %u", table->id, range->id,
                    range->after, range->upto, table->attempt);
    }
}

static void give_back(Loader *loader, bool failed)
{
    Table *table = loader->table;
    Doubt doubt = loader->doubt;
    table->readers--;
    if (table_keeps_all(table->of))
        table->exact_open = false;
    if (failed) {
        table->exact_lost = table_keeps_all(table->of); /* its transaction went with it */
        chunk_ledger_give_up(&table->chunks, loader->range_id);
        range_plan_release(table->plan, loader->range_id);
    }
    loader_clear(loader);
    loader->doubt = doubt;
}

bool load_is_visible(const Engine *e, const char *from_file, uint64_t from_pos, const char *from_gtid)
{
    const char *file;
    uint64_t pos;
    g_autofree char *missing = NULL;
    source_readable(e->source, &file, &pos);
    switch (load_sight(e->source->flavour, from_file, from_gtid)) {
    case SIGHT_POSITION:
        return binlog_position_compare(file, pos, from_file, from_pos) >= 0;
    case SIGHT_LOG_END:
        return binlog_position_compare(file, pos, e->source->file, e->source->pos) >= 0;
    case SIGHT_EXECUTED:
        return !(missing = source_missing(e->source, from_gtid));
    case SIGHT_ANY:
        break;
    }
    return true;
}

/* exact.c: what the stream has passed is waited for; MySQL's LOCK TABLES waits for what is not committed. */
bool load_can_be_exact(const Engine *e, const Table *table)
{
    const CatalogCheckpoint *c = &e->checkpoint;
    if (e->source->flavour == SOURCE_MARIADB)
        return load_is_visible(e, c->file, c->pos, c->gtid);
    return load_is_visible(e, NULL, 0, c->gtid) && !source_holds(e->source, table->of);
}

/* It has the columns of the definition, with their types. */
static bool source_knows(const Engine *e, const Table *table)
{
    const Definition *is = &e->source->definitions[table->of];
    return is->dropped == table->definition.dropped && is->modified == table->definition.modified;
}

/* wait_for_stream; true: it is over. */
static bool wait_for_stream(Engine *e, Doubt *doubt)
{
    Table *table = doubt->table;
    if (!table_wants_loading(table))
        return true; /* the stream has told already why it cannot be read */
    if (!doubt->waits && doubt->server != e->source->number)
        return true; /* another one may know the definition */
    if (!doubt->waits) {
        doubt->waits = true;
        doubt->file = e->source->file;
        doubt->pos = e->source->pos;
        return false;
    }
    bool reached = e->checkpoint.file &&
                   binlog_position_compare(e->checkpoint.file, e->checkpoint.pos, doubt->file, doubt->pos) >= 0;
    bool changed = e->identity != doubt->server || table->definition.number != doubt->by;
    switch (load_doubt(true, changed, reached)) {
    case DOUBT_WAITS:
        return false;
    case DOUBT_OVER:
        break;
    case DOUBT_FAILS:
        if (!e->broken && !table->advised)
            engine_finding(e, "t%u cannot be read by definition %u, and the stream knows no other", table->of,
                           table->definition.number);
        engine_table_fails(e, table, "its columns are not as they were read before");
        break;
    }
    return true;
}

static void read_rows(Engine *e, Loader *loader)
{
    Table *table = loader->table;
    if (!source_knows(e, table)) {
        engine_tell(e, "%" G_GINT64_FORMAT " cannot be read by definition %u", table->id, table->definition.number);
        loader->doubt.table = table;
        loader->doubt.by = table->definition.number;
        loader->doubt.server = e->source->number;
        give_back(loader, true);
        return;
    }
    unsigned as_of = table_keeps_all(table->of) ? table->base : source_readable(e->source, NULL, NULL);
    long after = loader->after ? atol(loader->after) : -1;
    loader->definition = table->definition;
    loader->limit = 1 + random_below(e->random, 4);
    loader->upto = g_strdup(range_plan_get(table->plan, loader->range_id)->upto);
    loader->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    for (unsigned key = 0; key < KEYS && loader->rows->len < loader->limit; key++) {
        long at = (long)(key + 1) * KEY_STEP;
        if (at <= after || (loader->upto && at > atol(loader->upto)))
            continue;
        Row row = {.key = key,
                   .version = table->snapshot_version,
                   .value = source_row(e->source, as_of, table->of, key),
                   .loaded = true,
                   .definition = table->definition};
        if (row.value)
            g_array_append_val(loader->rows, row);
    }
}

static void hand_over(Engine *e, Loader *loader)
{
    Table *table = loader->table;
    unsigned n = loader->rows->len;
    if (!e->by_file) {
        g_free(table->read_gtid);
        table->read_gtid = source_gtid(e->source);
        table->read_unseen = false; /* what was read before, of the same server, is among it */
    }
    g_autofree char *key =
        n ? g_strdup_printf("%d", (int)(g_array_index(loader->rows, Row, n - 1).key + 1) * KEY_STEP) : NULL;
    bool passed = key && g_strcmp0(range_plan_get(table->plan, loader->range_id)->upto, loader->upto) != 0 &&
                  range_plan_passed(table->plan, loader->range_id, key);
    Sent *sent = g_new0(Sent, 1);
    bool last = passed || n < loader->limit;

    *sent = (Sent){.table = table,
                   .snapshot = true,
                   .chunk = chunk_ledger_add(&table->chunks, loader->range_id, key, n, last),
                   .rows = g_steal_pointer(&loader->rows),
                   .definition = loader->definition,
                   .target = g_strdup(table->target)};
    sent->token = token_of_chunk(UUID, table->id, table->generation, loader->range_id, loader->attempt, loader->number);
    sent->query_id = query_id_of_chunk(UUID, table->id, loader->range_id, loader->attempt, loader->number);
    if (key)
        range_plan_reading(table->plan, loader->range_id, key);
    if (last)
        range_plan_read_out(table->plan, loader->range_id);
    engine_tell(e, "%" G_GINT64_FORMAT ": chunk %s of %u rows up to %s%s", table->id, sent->token, n, key,
                last ? ", the last" : "");
    loader->number++;
    g_clear_pointer(&loader->upto, g_free);
    if (key) {
        g_free(loader->after);
        loader->after = g_strdup(key);
    }
    if (n) {
        g_queue_push_tail(&e->queue, sent);
    } else {
        load_chunk_done(e, sent);
        sent_free(sent);
    }
    if (last && !e->dead)
        give_back(loader, false);
}

void load_lose_connections(Engine *e)
{
    for (unsigned i = 0; i < LOADERS; i++)
        if (e->loaders[i].table)
            give_back(&e->loaders[i], true);
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        table->exact_lost = table->exact_lost || table->exact_open;
        table->exact_open = false;
    }
}

void loader_act(Engine *e, Loader *loader)
{
    if (loader->doubt.table) {
        if (wait_for_stream(e, &loader->doubt)) {
            loader->doubt.table = NULL;
            loader->doubt.waits = false;
        }
        return;
    }
    if (e->identity != e->source->number) {
        if (loader->table)
            give_back(loader, true);
        return;
    }
    settle(e);
    if (!loader->table) {
        choose(e, loader);
        return;
    }
    if (loader->table->state == ROWS_FAILED) {
        give_back(loader, false);
        return;
    }
    if (loader->rows) {
        hand_over(e, loader);
    } else if (random_one_in(e->random, 50)) { /* a deadlock: it is read again */
        give_back(loader, true);
    } else if (table_keeps_all(loader->table->of) ||
               load_is_visible(e, loader->table->begin_file, loader->table->begin_pos, loader->table->begin_gtid)) {
        read_rows(e, loader);
    }
}
