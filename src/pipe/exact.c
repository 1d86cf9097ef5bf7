#include "pipe/exact.h"

#include "clickhouse/layout.h"

bool exact_is_defined(const SourceTable *definition)
{
    DestEngine engine;
    return dest_engine_find(definition->texts[TABLE_ENGINE], &engine) && engine != DEST_REPLACING;
}

bool exact_is(const PipeTable *table)
{
    return table->definition && exact_is_defined(table->definition);
}

/* It is to be loaded, and not all of it is read. */
static bool is_to_be_read(Pipe *pipe, const PipeTable *table, bool *to_be_read, GError **error)
{
    *to_be_read = false;
    if (!exact_is(table) || table->record->loaded || pipe->mode == PIPE_MODE_CDC || !pipe_table_wants_loading(table))
        return true;
    pthread_mutex_lock(&pipe->catalog_lock);
    g_autoptr(GPtrArray) ranges = catalog_ranges(pipe->catalog, table->record->id, error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    *to_be_read = ranges && ranges->len == 0;
    for (unsigned i = 0; ranges && i < ranges->len; i++)
        *to_be_read = *to_be_read || !((const CatalogRange *)ranges->pdata[i])->done;
    return ranges != NULL;
}

bool exact_take_back(Pipe *pipe, GError **error)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        bool to_be_read;
        if (!is_to_be_read(pipe, table, &to_be_read, error))
            return false;
        if (!to_be_read || table->unfollowed)
            continue;
        if (atomic_load(&table->rows_done))
            pipe_journal(pipe, "engine", "table", NULL, "the load of %s.%s was cut off and begins again: every change is to be there once",
                         table->record->database, table->record->name);
        pthread_mutex_lock(&pipe->load_lock);
        exact_close(table);
        pthread_mutex_unlock(&pipe->load_lock);
        if (!edit_start_over(pipe, table, error))
            return false;
    }
    return true;
}

static bool begin_one(Pipe *pipe, PipeTable *table, const Url *url, GError **error)
{
    ConsistentPosition floor = {0}, at;
    pthread_mutex_lock(&pipe->lock);
    floor = (ConsistentPosition){.file = g_strdup(pipe->applied.file), .pos = pipe->applied.pos, .gtid = g_strdup(pipe->applied.gtid)};
    bool by_gtid = !settings_by_file(&pipe->settings);
    pthread_mutex_unlock(&pipe->lock);
    g_autoptr(SourceConnection) source = source_consistent_open(url, table->definition, by_gtid, &floor, &at, pipe->life, error);
    consistent_position_clear(&floor);
    if (!source)
        return false;
    bool ok = setup_is_followed(pipe, source, error);
    if (ok) {
        pthread_mutex_lock(&pipe->lock);
        CatalogTable *record = table->record;
        g_free(record->begin_file);
        record->begin_file = g_strdup(at.file);
        record->begin_pos = at.pos;
        if (at.gtid || !at.file) {
            g_free(record->begin_gtid);
            record->begin_gtid = g_strdup(at.gtid);
        }
        pthread_mutex_unlock(&pipe->lock);
        ok = pipe_save_table(pipe, table, pipe->life) || !cancel_set_error(pipe->life, error);
    }
    consistent_position_clear(&at);
    if (!ok)
        return false;
    table->consistent = g_steal_pointer(&source);
    FAULT_POINT("exact-begun");
    return true;
}

bool exact_begin(Pipe *pipe, GError **error)
{
    g_autoptr(Url) url = source_url_parse(pipe->record->source, error);
    for (unsigned i = 0; url && i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        bool to_be_read;
        if (!is_to_be_read(pipe, table, &to_be_read, error) ||
            (to_be_read && table->unfollowed && !table->consistent && !begin_one(pipe, table, url, error)))
            return false;
    }
    return url != NULL;
}

bool exact_is_on(Pipe *pipe)
{
    bool on = false;
    pthread_mutex_lock(&pipe->load_lock);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        on = on || (table->consistent && pipe_table_wants_loading(table)); /* what has failed is not read on */
    }
    pthread_mutex_unlock(&pipe->load_lock);
    return on;
}

void exact_follow(Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++)
        ((PipeTable *)pipe->tables->pdata[i])->unfollowed = false;
}

void exact_close(PipeTable *table)
{
    g_clear_pointer(&table->consistent, source_close);
}

void exact_end(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->load_lock);
    for (unsigned i = 0; i < pipe->tables->len; i++)
        exact_close(pipe->tables->pdata[i]);
    pthread_mutex_unlock(&pipe->load_lock);
}
