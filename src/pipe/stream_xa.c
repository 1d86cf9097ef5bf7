/* stream_xa.c - XA transactions: their rows are set aside as they are read, and applied where the log says that they were
 * committed (replication.md, Transactions; prepared.h keeps them).
 */
#include "pipe/stream_private.h"

#include "pipe/place.h"

/* Of a table that is followed here, or that has a twin which is. */
static bool is_followed(const Stream *s, const StreamTable *table, const BinlogEvent *event)
{
    while (table && !stream_follows(s, table->table, event))
        table = table->next;
    return table != NULL;
}

typedef struct {
    PreparedTransaction *transaction;
} Spill;

static bool spill(Catalog *catalog, void *data, GError **error)
{
    (void)catalog; /* beside the catalog: on the same disk, and tried again like it */
    return prepared_spill(((const Spill *)data)->transaction, error);
}

static bool spill_or_wait(Stream *s, GError **error)
{
    Spill data = {s->xa};
    return pipe_catalog_write(s->pipe, s->work->reading, spill, &data) || !cancel_set_error(s->work->reading, error);
}

/* Also at each mark of the group that has no note yet. */
static void xa_begin(Stream *s)
{
    if (!s->xa)
        s->xa = prepared_begin(s->prepared, s->place.epoch, s->place.group_offset);
    prepared_mark(s->xa, s->group.marks);
}

/* A table that is not followed, or only from later on: should it be followed when the transaction is committed, it lacks
 * these rows. */
static bool add_other_table(Stream *s, const BinlogEvent *event, GError **error)
{
    g_autoptr(TableMap) map = table_map_parse(event, error);
    if (!map)
        return false;
    g_autofree char *key = stream_table_key(map->database, map->table);
    prepared_add_other_table(s->xa, key);
    return true;
}

bool stream_xa_table_map(Stream *s, const BinlogEvent *event, GError **error)
{
    if (!stream_handle_table_map(s, event, error))
        return false;
    xa_begin(s);
    bool followed = is_followed(s, s->map_table, event);
    if (followed || stream_parents_have(s, s->map_id))
        prepared_add_event(s->xa, PREPARED_TABLE_MAP, event, 0);
    if (!followed && !add_other_table(s, event, error))
        return false;
    return spill_or_wait(s, error);
}

bool stream_xa_rows(Stream *s, const BinlogEvent *event, GError **error)
{
    RowsEvent rows;
    StreamTable *table;

    place_pass(&s->place, &s->group, event); /* what its rows count as is decided where it is committed */
    xa_begin(s);
    uint64_t place = prepared_count(s->xa, event->body_len);
    if (!rows_event_parse(event, &rows, error) || !stream_rows_table(s, &rows, event, &table, error))
        return false;
    if (!is_followed(s, table, event) && !stream_parents_have(s, rows.table_id))
        return true;
    prepared_add_event(s->xa, PREPARED_ROWS, event, place);
    return spill_or_wait(s, error);
}

static void advise(Stream *s, StreamTable *table, const char *why)
{
    if (!table_state_is_followed(atomic_load(&table->table->state)))
        return;
    g_autofree char *position = stream_position_text(s);
    pipe_table_advise_resync(s->pipe, table->table, why, position);
}

static bool apply_record(Stream *s, const PreparedRecord *record, uint64_t base, GError **error)
{
    switch (record->kind) {
    case PREPARED_TABLE_MAP:
        return stream_handle_table_map(s, &record->event, error);
    case PREPARED_ROWS:
        s->place.offset = base + record->place;
        return stream_handle_rows(s, &record->event, error);
    case PREPARED_OTHER_TABLE: {
        for (StreamTable *table = g_hash_table_lookup(s->by_name, record->name); table; table = table->next)
            if (!stream_is_before(s, table->table, &record->event))
                advise(s, table, "an XA transaction that was prepared before the table was followed was committed after it");
        return true;
    }
    }
    return true;
}

/* Cut into batches like any large transaction. */
static bool seal_on_the_way(Stream *s, GError **error)
{
    if (!stream_cut_fits(s, error))
        return false;
    if (!stream_seal_if_due(s, false) || cancel_requested(s->work->reading)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    stream_wait_for_memory(s);
    return true;
}

/* Cuts that an earlier run made behind rows which are not kept now, since their table has failed or left the pipe meanwhile: they
 * are repeated before what stands at `offset` or behind it, for tokens tell them by their place. */
static bool repeat_cuts(Stream *s, uint64_t offset, GError **error)
{
    const CatalogBatch *cut;
    while (!s->verifying && (cut = batch_cutter_next(&s->cutter))) {
        if (!cut->in_group || cut->end_offset <= s->place.rows_end || cut->end_offset > offset)
            break;
        place_pass_to(&s->place, &s->group, cut->end_offset);
        if (!seal_on_the_way(s, error))
            return false;
    }
    return true;
}

/* Table ids are the log's own: those of the transaction may be another table's by now. */
static void forget_maps(Stream *s)
{
    g_hash_table_remove_all(s->by_id);
    s->map_id = UINT64_MAX;
}

/* `commit`: the event that commits it. The rows count from here on, in its group. */
static bool apply(Stream *s, const PreparedTransaction *transaction, const BinlogEvent *commit, GError **error)
{
    g_autoptr(PreparedReader) reader = prepared_read(transaction);
    uint64_t base = s->place.offset;
    PreparedRecord record;
    int more;

    forget_maps(s);
    s->group.open = true; /* it may be cut in the middle */
    FAULT_POINT("xa-applied");
    while ((more = prepared_next(reader, &record, error)) > 0) {
        record.event.flavour = commit->flavour;
        record.event.timestamp_max = commit->timestamp_max;
        record.event.file = commit->file;
        record.event.start = record.event.end = commit->start;
        if ((record.kind == PREPARED_ROWS && !repeat_cuts(s, base + record.place, error)) ||
            !apply_record(s, &record, base, error) || !seal_on_the_way(s, error))
            return false;
    }
    if (more < 0 || !repeat_cuts(s, base + prepared_size(transaction), error))
        return false;
    s->group.open = false;
    s->place.offset = base + prepared_size(transaction);
    place_pass_to(&s->place, &s->group, s->place.offset);
    forget_maps(s);
    return true;
}

bool stream_xa_one_phase(Stream *s, const BinlogEvent *event, GError **error)
{
    PreparedTransaction *transaction = g_steal_pointer(&s->xa);
    bool ok = apply(s, transaction, event, error);
    prepared_discard(transaction);
    return ok;
}

/* What was prepared before this pipe read the log: only its name is known. */
static void advise_all(Stream *s, const char *xid, const BinlogEvent *event)
{
    g_autofree char *why = g_strdup_printf("the XA transaction %s, prepared before this pipe read the log, was committed", xid);
    for (unsigned i = 0; i < s->tables->len; i++)
        if (!stream_is_before(s, ((StreamTable *)s->tables->pdata[i])->table, event)) /* else its load has seen it */
            advise(s, s->tables->pdata[i], why);
}

bool stream_xa_end(Stream *s, const DdlStatement *statement, const BinlogEvent *event, GError **error)
{
    bool commit = statement->kind == DDL_XA_COMMIT;
    if ((!commit && statement->kind != DDL_XA_ROLLBACK) || !statement->name)
        return true;
    PreparedTransaction *transaction = prepared_find(s->prepared, statement->name);
    if (!transaction) {
        if (commit && s->place.rows_end == s->place.group_offset)
            advise_all(s, statement->name, event);
        return true;
    }
    if (commit && !apply(s, transaction, event, error))
        return false;
    prepared_resolve(s->prepared, transaction);
    return true;
}

bool stream_xa_prepared(Stream *s, const DdlStatement *statement, const BinlogEvent *event, GError **error)
{
    g_autofree char *xid = NULL;
    bool one_phase;

    if (statement)
        xid = g_strdup(statement->name);
    else if (!xa_prepare_event_parse(event, &one_phase, &xid, error))
        return false;
    if (!xid) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "an XA PREPARE without an id at %s:%" G_GUINT64_FORMAT, event->file,
                    event->start);
        return false;
    }
    xa_begin(s); /* of one that changed no table, too: its end is then known */
    prepared_keep(s->prepared, g_steal_pointer(&s->xa), xid);
    return true;
}

void stream_xa_undo(Stream *s, unsigned mark)
{
    if (s->xa && mark)
        prepared_undo_to(s->xa, mark);
    else
        prepared_discard(g_steal_pointer(&s->xa));
}

bool stream_xa_fail_tables(Stream *s, const GError *fault, GError **error)
{
    PreparedRecord record;
    int more = 0;

    if (!s->xa)
        return true;
    g_autoptr(PreparedReader) reader = prepared_read(s->xa);
    while ((more = prepared_next(reader, &record, error)) > 0) {
        if (record.kind != PREPARED_TABLE_MAP)
            continue;
        g_autoptr(TableMap) map = table_map_parse(&record.event, error);
        if (!map)
            return false;
        g_autofree char *key = stream_table_key(map->database, map->table);
        for (StreamTable *table = g_hash_table_lookup(s->by_name, key); table; table = table->next)
            stream_table_fault(s, table->table, fault);
    }
    return more == 0;
}
