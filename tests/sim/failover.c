/* failover.c - what the server that answers has, and over to another one: src/pipe/stream_failover.c without I/O. */
#include "stream.h"

void stream_advise(Engine *e, Table *table)
{
    if (!table_is_followed(table) || !table->set_up)
        return;
    engine_tell(e, "a resync of %" G_GINT64_FORMAT " is advised", table->id);
    table->advised = true;
}

void stream_fail_over(Engine *e)
{
    CatalogCheckpoint *c = &e->checkpoint;
    const char *was_file = c->file ? g_intern_string(c->file) : NULL;
    uint64_t was_pos = c->pos;
    /* They come again under the new epoch: until then readers see their way from the checkpoint on once more. */
    bool sent_ahead = e->batches->len > 0;
    c->epoch++;
    c->offset = 0;
    g_clear_pointer(&c->file, g_free);
    c->pos = 0;
    g_clear_pointer(&c->print_file, g_free);
    g_clear_pointer(&c->print_gtid, g_free);
    g_array_set_size(e->batches, 0);
    e->identity = e->source->number;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool begins_ahead =
            table->begin_file &&
            (!was_file || binlog_position_compare(table->begin_file, table->begin_pos, was_file, was_pos) > 0);
        if (sent_ahead || (begins_ahead && table_keeps_all(table->of)))
            stream_advise(e, table);
        table->begin_file = NULL;
        table->begin_pos = 0;
        table->settled = table->settled && !sent_ahead;
        if (!table->passed)
            table->read_file = NULL;
    }
    e->stop_file = NULL;
    engine_tell(e, "another server: epoch %u from %s", c->epoch, c->gtid);
}

/* True: the server has all that was replicated. What it only has received yet is waited for. */
bool stream_check_gtids(Engine *e, const char *ours)
{
    g_autofree char *missing = source_missing(e->source, ours);
    if (!missing)
        return true;
    if (source_logged(e->source, ours))
        return false;
    /* The pipe began behind a transaction that was rolled back, and none came since that a replica logs. */
    e->broken = e->broken || e->lost || source_undid(e->source, missing);
    stream_history_fails(e, "the server has not the transactions that were replicated already");
    return false;
}

/* stream_failover.c: stream_judge_loads. False: what the server only has received yet is waited for. */
bool stream_judge_loads(Engine *e, bool other)
{
    const char *checkpoint = e->checkpoint.gtid ? e->checkpoint.gtid : "";
    g_autoptr(GtidSet) ours = gtid_set_parse(e->source->flavour, checkpoint, NULL);
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool loading = table_wants_loading(table), unknown = loading && table->read_unseen && other;
        const char *gtid = table->read_gtid ? table->read_gtid : loading ? table->begin_gtid : NULL;
        if (!table->set_up || !table_is_followed(table) || (!unknown && !gtid))
            continue;
        g_autoptr(GtidSet) read = gtid_set_parse(e->source->flavour, gtid ? gtid : "", NULL);
        bool reached = !unknown && gtid_set_reaches(ours, read); /* MariaDB: by numbers alone */
        if (reached && e->source->flavour == SOURCE_MYSQL)
            continue;
        g_autofree char *missing = unknown ? NULL : source_missing(e->source, gtid);
        if (missing && source_logged(e->source, gtid))
            return false;
        if ((missing || unknown) && loading)
            stream_load_fails(e, table, "the server lacks what was read of it");
        else if (missing)
            stream_advise(e, table);
        if (missing || unknown)
            g_clear_pointer(&table->read_gtid, g_free);
    }
    return true;
}

/* stream.c: find_beginning */
void stream_parse_beginnings(Engine *e)
{
    SourceFlavour flavour = e->source->flavour;
    g_autoptr(GtidSet) ours = gtid_set_parse(flavour, e->checkpoint.gtid ? e->checkpoint.gtid : "", NULL);
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        g_clear_pointer(&table->begin_set, gtid_set_free);
        if (table->begin_file || !table->begin_gtid)
            continue;
        g_autoptr(GtidSet) begin = gtid_set_parse(flavour, table->begin_gtid, NULL);
        if (flavour == SOURCE_MYSQL)
            table->begin_set = g_steal_pointer(&begin);
        if (flavour == SOURCE_MYSQL || !table_is_followed(table) || table_keeps_all(table->of) || table->advised ||
            gtid_set_reaches(ours, begin))
            continue;
        g_autofree char *missing = source_missing(e->source, table->begin_gtid);
        if (missing)
            stream_advise(e, table);
        else
            table->begin_set = g_steal_pointer(&begin);
    }
}

void stream_doubt_beginnings(Engine *e, const GtidEvent *gtid)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (!table->begin_set || !gtid_set_contains(table->begin_set, gtid) ||
            gtid_set_is_repeat(table->begin_set, gtid))
            continue;
        g_clear_pointer(&table->begin_set, gtid_set_free);
        stream_advise(e, table);
    }
}
