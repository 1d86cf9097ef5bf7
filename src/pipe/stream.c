/* stream.c - the binlog followed: events in, sealed batches out (replication.md: Versions, Transactions, Batches).
 *
 * A session begins at the last checkpoint in the catalog, after re-reading the transaction before it and comparing its
 * fingerprint, and ends with an error or when reading is cancelled. After an error that passes, what is in flight is waited
 * for and a new session begins exactly as after a restart, so there is one way back in and it is the tested one.
 */
#include "pipe/stream_private.h"

#include <string.h>
#include <zlib.h>

#define IDLE_CHECKPOINT_USEC (10 * 1000 * 1000)
#define TIME_SAMPLE          16 /* every so many events are timed */

static void mark_clear(StreamMark *mark)
{
    g_free(mark->lens);
    mark->lens = NULL;
}

static void stream_table_free(StreamTable *table)
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

static char *table_key(const char *database, const char *name)
{
    return g_strdup_printf("%s%c%s", database, 1, name); /* \x01 cannot be typed into a name by accident */
}

/* ---- A table's block and its marks ---- */

static void mark_take(StreamTable *table)
{
    StreamMark mark = {.rows = table->block->n_rows, .counts = table->counts};
    mark.lens = g_new(size_t, 2 * table->block->n_columns);
    for (unsigned c = 0; c < table->block->n_columns; c++) {
        mark.lens[2 * c] = table->block->columns[c].nulls.len;
        mark.lens[2 * c + 1] = table->block->columns[c].data.len;
    }
    g_array_append_val(table->marks, mark);
}

/* Before rows are appended: where the block stood at each mark of the group that it has no note of yet. */
static void table_mark(StreamTable *table, const Group *group)
{
    while (table->marks->len < group->marks)
        mark_take(table);
}

static void table_forget_marks(StreamTable *table, unsigned keep)
{
    for (unsigned i = keep; i < table->marks->len; i++)
        mark_clear(&g_array_index(table->marks, StreamMark, i));
    if (table->marks->len > keep)
        g_array_set_size(table->marks, keep);
}

static void table_rewind(StreamTable *table, unsigned to)
{
    const StreamMark *mark = &g_array_index(table->marks, StreamMark, to);
    for (unsigned c = 0; c < table->block->n_columns; c++) {
        table->block->columns[c].nulls.len = mark->lens[2 * c];
        table->block->columns[c].data.len = mark->lens[2 * c + 1];
    }
    table->block->n_rows = mark->rows;
    table->counts = mark->counts;
    table_forget_marks(table, to);
}

/* ---- Position ---- */

static char *position_text(const Stream *s)
{
    return g_strdup_printf("%s:%" G_GUINT64_FORMAT, s->file ? s->file : "?", s->pos);
}

static void table_fault(Stream *s, PipeTable *table, const GError *error)
{
    g_autofree char *position = position_text(s);
    RetryDecision decision = retry_decide(error, SIDE_SOURCE);
    pipe_table_fail(s->pipe, table, error, &decision, position);
}

static void stream_checkpoint(const Stream *s, CatalogCheckpoint *out)
{
    memset(out, 0, sizeof *out);
    out->file = g_strdup(s->file);
    out->pos = s->pos;
    out->gtid = s->gtid ? gtid_set_text(s->gtid) : NULL;
    out->epoch = s->epoch;
    out->offset = s->offset;
    out->print_file = g_strdup(s->print.file);
    out->print_pos = s->print.pos;
    out->print_gtid = s->print.file ? g_strdup(s->print.gtid) : NULL;
    out->print_time = s->print.time;
    out->print_crc = s->print.crc;
    out->source_time = s->newest_time;
}

/* ---- Sealing ---- */

typedef struct {
    int64_t pipe_id;
    CatalogBatch batch;
} CutWrite;

static bool write_cut(Catalog *catalog, void *data, GError **error)
{
    CutWrite *cut = data;
    return catalog_batch_add(catalog, cut->pipe_id, &cut->batch, error);
}

static Insert *table_take_insert(Stream *s, StreamTable *table, uint64_t seq)
{
    Pipe *pipe = s->pipe;
    Insert *insert = g_new0(Insert, 1);

    insert->table = table->table;
    insert->block = g_steal_pointer(&table->block);
    insert->bytes = block_bytes(insert->block);
    insert->batch_seq = seq;
    insert->counts = table->counts;
    insert->change_time = s->newest_time;
    insert->target = g_strdup(table->table->record->target);
    insert->token = g_strdup_printf("%s-%" G_GINT64_FORMAT "-g%" G_GINT64_FORMAT "-e%u-%" G_GUINT64_FORMAT, pipe->uuid,
                                    table->table->record->id, table->table->record->generation, s->epoch, s->rows_end);
    insert->query_id =
        g_strdup_printf("sluice-%s-%" G_GUINT64_FORMAT "-%" G_GINT64_FORMAT, pipe->uuid, seq, table->table->record->id);
    table->block = mapping_block_new(table->mapping, pipe->account);
    table->counts = (RowCounts){0};
    if (s->group.open) {
        table_forget_marks(table, 0);
        table->sent_in_group = true;
    }
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

/* Hands the open blocks over as one batch. `forced`: its cut is in the catalog already. */
static bool stream_seal(Stream *s, const CatalogBatch *forced)
{
    g_autoptr(GPtrArray) inserts = g_ptr_array_new();
    CatalogCheckpoint checkpoint = {0};
    bool boundary = !s->group.open;
    uint64_t seq = forced ? forced->seq : s->next_seq;

    if (seq >= s->next_seq)
        s->next_seq = seq + 1;
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        if (table->block->n_rows)
            g_ptr_array_add(inserts, table_take_insert(s, table, seq));
    }
    if (!forced && inserts->len) {
        CutWrite cut = {.pipe_id = s->pipe->id,
                        .batch = {.seq = seq, .start_offset = s->sealed_end, .end_offset = s->rows_end, .epoch = s->epoch, .in_group = !boundary}};
        if (!pipe_catalog_write(s->pipe, s->work->reading, write_cut, &cut)) {
            for (unsigned i = 0; i < inserts->len; i++)
                insert_free(inserts->pdata[i]);
            return false;
        }
    }
    s->sealed_end = s->rows_end;
    s->batch_rows = s->batch_bytes = 0;
    s->last_seal = clock_monotonic_usec();
    if (boundary)
        stream_checkpoint(s, &checkpoint);
    pthread_mutex_lock(&s->work->progress_lock);
    batch_tracker_add(s->work->tracker, seq, inserts->len, boundary ? &checkpoint : NULL);
    bool ok = apply_save_checkpoint(s->work);
    pthread_mutex_unlock(&s->work->progress_lock);
    catalog_checkpoint_clear(&checkpoint);
    if (boundary)
        s->moved = false;
    return push_inserts(s, inserts) && ok;
}

/* `idle`: the server has nothing more just now. */
static bool stream_seal_if_due(Stream *s, bool idle)
{
    BatchLimits limits = {.rows = s->work->settings.batch_rows,
                          .bytes = s->work->settings.batch_bytes,
                          .age_usec = s->work->settings.batch_age_usec};
    BatchSituation situation = {.rows = s->batch_rows,
                                .bytes = s->batch_bytes,
                                .offset = s->rows_end,
                                .group_open = s->group.open,
                                .savepoints = s->group.savepoints,
                                .memory_short = budget_full(s->pipe->account),
                                .now = clock_monotonic_usec(),
                                .last_seal = s->last_seal};
    const CatalogBatch *forced;

    if (s->verifying)
        return true;
    if (batch_cutter_seal(&s->cutter, &limits, &situation, &forced))
        return stream_seal(s, forced);
    /* Without rows the checkpoint still moves on; not before the cuts of the last run were repeated. */
    bool free_of_rows = s->batch_rows == 0 && !s->group.open && s->moved && !batch_cutter_forced(&s->cutter);
    if (free_of_rows && situation.now - s->last_seal >= (idle ? limits.age_usec : IDLE_CHECKPOINT_USEC))
        return stream_seal(s, NULL);
    return true;
}

/* ---- Groups ---- */

static void undo_table(Stream *s, StreamTable *table, unsigned mark)
{
    if (table->sent_in_group) {
        GError *error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE,
                                    "rows of a transaction that was rolled back at the source had been sent already");
        table_fault(s, table->table, error);
        g_error_free(error);
        return;
    }
    if (table->marks->len > mark)
        table_rewind(table, mark);
}

static void undo_to(Stream *s, unsigned mark)
{
    for (unsigned i = 0; i < s->tables->len; i++)
        undo_table(s, s->tables->pdata[i], mark);
}

static void group_forget(Stream *s)
{
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        table_forget_marks(table, 0);
        table->sent_in_group = false;
    }
}

/* XA PREPARE: its rows do not count yet, and what becomes of them is said in a later group. */
static void refuse_prepared(Stream *s)
{
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        if (table->marks->len == 0 && !table->sent_in_group)
            continue;
        undo_table(s, table, 0);
        GError *error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE,
                                    "an XA transaction was prepared on the table; sluice cannot follow XA PREPARE");
        table_fault(s, table->table, error);
        g_error_free(error);
    }
}

static void group_ended(Stream *s, const BinlogEvent *event)
{
    group_forget(s);
    if (s->gtid && s->group.gtid.text[0])
        gtid_set_add(s->gtid, &s->group.gtid);
    g_free(s->print.gtid);
    s->print = (Fingerprint){.file = s->group.file,
                             .pos = s->group.start,
                             .gtid = g_strdup(s->group.gtid.text),
                             .time = s->group.time,
                             .crc = s->group.crc};
    s->newest_time = (int64_t)event->timestamp * 1000000;
    if (s->group.gtid.immediate_commit_usec)
        s->newest_time = (int64_t)s->group.gtid.immediate_commit_usec;
    s->moved = true;
}

/* ---- Statements ---- */

static bool name_is(const DdlName *name, const SourceTable *table, int lower_case)
{
    int (*compare)(const char *, const char *) = lower_case ? g_ascii_strcasecmp : strcmp;
    if (name->database && compare(name->database, table->database) != 0)
        return false;
    return !name->table || compare(name->table, table->name) == 0;
}

static const char *statement_fault(const DdlStatement *statement)
{
    switch (statement->kind) {
    case DDL_ALTER_TABLE:
        return statement->changes_rows_or_columns ? "was altered at the source" : NULL;
    case DDL_REPLACE_TABLE:
    case DDL_CREATE_TABLE:
        return "was created anew at the source";
    case DDL_RENAME_TABLE:
        return "was renamed, or replaced by another table, at the source";
    case DDL_TRUNCATE:
        return "was truncated at the source";
    case DDL_ROWS_STATEMENT:
        return "was changed by a statement that is logged as text, without its rows";
    case DDL_UNKNOWN:
        return "is named by a statement at the source that is not known";
    default:
        return NULL;
    }
}

static void statement_on_table(Stream *s, const DdlStatement *statement, PipeTable *table)
{
    if (statement->kind == DDL_DROP_TABLE || statement->kind == DDL_DROP_DATABASE) {
        int old = atomic_load(&table->state);
        if (old == TABLE_DROPPED || old == TABLE_FAILED)
            return;
        g_autofree char *position = position_text(s);
        atomic_store(&table->state, TABLE_DROPPED);
        pipe_save_table(s->pipe, table, s->work->reading);
        pipe_journal(s->pipe, "engine", "ddl", position, "table %s.%s was dropped at the source; its destination table is kept",
                     table->record->database, table->record->name);
        return;
    }
    const char *what = statement_fault(statement);
    if (!what)
        return;
    GError *error =
        g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s %s; sluice stopped following it there",
                    table->record->database, table->record->name, what);
    table_fault(s, table, error);
    g_error_free(error);
}

static void handle_statement(Stream *s, const DdlStatement *statement, const BinlogEvent *event)
{
    if (statement->kind <= DDL_HARMLESS || (event->flags & BINLOG_FLAG_THREAD_SPECIFIC))
        return; /* thread specific: on temporary tables, never on ours */
    int lower_case = binlog_stream_server(s->stream)->lower_case_table_names;
    for (unsigned n = 0; n < statement->tables->len; n++) {
        const DdlName *name = statement->tables->pdata[n];
        for (unsigned i = 0; i < s->pipe->tables->len; i++) {
            PipeTable *table = s->pipe->tables->pdata[i];
            if (table->definition && name_is(name, table->definition, lower_case) &&
                !stream_is_before(table, event->file, event->start))
                statement_on_table(s, statement, table);
        }
    }
}

/* ---- Rows ---- */

bool stream_is_before(const PipeTable *table, const char *file, uint64_t start)
{
    const CatalogTable *record = table->record;
    return record->begin_file && binlog_position_compare(file, start, record->begin_file, record->begin_pos) < 0;
}

static bool bind_map(Stream *s, StreamTable *table, const BinlogEvent *event, GError **error)
{
    g_autoptr(TableMap) map = table_map_parse(event, error);
    GError *fault = NULL;

    if (!map)
        return false;
    if (!mapping_bind(table->mapping, map, &fault)) {
        table_fault(s, table->table, fault);
        g_error_free(fault);
    }
    return true;
}

static bool handle_table_map(Stream *s, const BinlogEvent *event, GError **error)
{
    uint64_t id;
    StreamTable *table;

    if (!table_map_peek_id(event, &id, error))
        return false;
    s->map_id = id;
    s->map_table = NULL;
    if (g_hash_table_lookup_extended(s->by_id, &id, NULL, (gpointer *)&table)) {
        if (!table)
            return true;
        s->map_table = table;
        if (table->map_body && table->map_body->len == event->body_len &&
            memcmp(table->map_body->data, event->body, event->body_len) == 0)
            return true;
    } else {
        g_autoptr(TableMap) map = table_map_parse(event, error);
        if (!map)
            return false;
        g_autofree char *key = table_key(map->database, map->table);
        table = g_hash_table_lookup(s->by_name, key);
        g_hash_table_insert(s->by_id, g_memdup2(&id, sizeof id), table);
        s->map_table = table;
        if (!table)
            return true;
    }
    if (stream_is_before(table->table, event->file, event->start))
        return true; /* the definition is the one at E: this map may be an older one */
    if (table->map_body)
        g_byte_array_unref(table->map_body);
    table->map_body = g_byte_array_append(g_byte_array_new(), event->body, (guint)event->body_len);
    return bind_map(s, table, event, error);
}

static bool append_rows(Stream *s, StreamTable *table, const RowsEvent *rows, const BinlogEvent *event, uint64_t base,
                        GError **error)
{
    GError *fault = NULL;
    uint64_t before = table->block->n_rows;

    if (s->group.open)
        table_mark(table, &s->group);
    uint64_t version = (uint64_t)s->epoch << 48 | base;
    if (mapping_append_event(table->mapping, table->block, rows, version, clock_real_nsec(), &table->counts, &fault)) {
        s->batch_rows += table->block->n_rows - before;
        s->batch_bytes += event->body_len;
        return true;
    }
    if (!g_error_matches(fault, SLUICE_ERROR, SLUICE_ERROR_TABLE)) {
        g_propagate_prefixed_error(error, fault, "%s:%" G_GUINT64_FORMAT ": ", event->file, event->start);
        return false;
    }
    table_fault(s, table->table, fault);
    g_error_free(fault);
    return true;
}

static bool handle_rows(Stream *s, const BinlogEvent *event, GError **error)
{
    RowsEvent rows;
    uint64_t base = s->offset;

    s->offset += event->body_len; /* every rows event counts, whoever's it is (replication.md, Versions) */
    s->rows_end = s->offset;
    if (!rows_event_parse(event, &rows, error))
        return false;
    StreamTable *table = rows.table_id == s->map_id ? s->map_table : NULL;
    if (rows.table_id != s->map_id) {
        gpointer found = NULL;
        if (!g_hash_table_lookup_extended(s->by_id, &rows.table_id, NULL, &found) && rows.rows < rows.end) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                        "%s:%" G_GUINT64_FORMAT ": a rows event without its table map; resync the pipe", event->file,
                        event->start);
            return false;
        }
        table = found;
    }
    if (!table)
        return true;
    int state = atomic_load_explicit(&table->table->state, memory_order_relaxed);
    if (state == TABLE_FAILED || state == TABLE_DROPPED || stream_is_before(table->table, event->file, event->start))
        return true;
    return append_rows(s, table, &rows, event, base, error);
}

/* ---- Events ---- */

static DdlStatement *event_statement(const BinlogEvent *event, GError **error)
{
    QueryEvent query;
    if (!query_event_parse(event, &query, error))
        return NULL;
    g_autofree char *database = g_strndup(query.database, query.database_len);
    return ddl_parse(query.sql, query.sql_len, database, query.sql_mode);
}

/* Events that change no rows by themselves. What servers mark as ignorable may be skipped by their own word. */
static bool event_is_known(const BinlogEvent *event)
{
    switch (event->type) {
    case BINLOG_STOP:
    case BINLOG_ROTATE:
    case BINLOG_INTVAR:
    case BINLOG_RAND:
    case BINLOG_USER_VAR:
    case BINLOG_BEGIN_LOAD_QUERY:
    case BINLOG_XID:
    case BINLOG_ROWS_QUERY:
    case BINLOG_PREVIOUS_GTIDS:
    case BINLOG_XA_PREPARE:
    case BINLOG_TRANSACTION_PAYLOAD:
    case BINLOG_ANNOTATE_ROWS:
    case BINLOG_CHECKPOINT:
    case BINLOG_GTID_LIST:
    case BINLOG_START_ENCRYPTION:
    case 36: /* TRANSACTION_CONTEXT, VIEW_CHANGE: MySQL's group replication */
    case 37:
    case 41: /* HEARTBEAT_V2 */
        return true;
    default:
        return (event->flags & BINLOG_FLAG_IGNORABLE) != 0;
    }
}

static bool handle_event(Stream *s, const BinlogEvent *event, GError **error)
{
    g_autoptr(DdlStatement) statement = NULL;
    GtidEvent gtid, *gtid_or_null = NULL;
    SourceFlavour flavour = binlog_stream_server(s->stream)->flavour;
    unsigned undo_mark = 0;

    if (rows_event_is(event->type)) {
        group_event(&s->group, event, flavour, NULL, NULL, &undo_mark);
        return handle_rows(s, event, error);
    }
    switch (event->type) {
    case BINLOG_TABLE_MAP:
        group_event(&s->group, event, flavour, NULL, NULL, &undo_mark);
        return handle_table_map(s, event, error);
    case BINLOG_GTID_MARIADB:
    case BINLOG_GTID_MYSQL:
    case BINLOG_GTID_TAGGED:
    case BINLOG_ANONYMOUS_GTID:
        if (!gtid_event_parse(event, flavour, &gtid, error))
            return false;
        gtid_or_null = &gtid;
        break;
    case BINLOG_QUERY:
    case BINLOG_EXECUTE_LOAD_QUERY:
        if (!(statement = event_statement(event, error)))
            return false;
        break;
    case BINLOG_INCIDENT:
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                    "the source wrote an INCIDENT event at %s:%" G_GUINT64_FORMAT ": changes are missing from its log",
                    event->file, event->start);
        return false;
    case BINLOG_FORMAT_DESCRIPTION:
        g_hash_table_remove_all(s->by_id);
        s->map_id = UINT64_MAX;
        break;
    default:
        if (!event_is_known(event)) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                        "an event of the unknown type %u stands at %s:%" G_GUINT64_FORMAT "; it may change rows, so it is not "
                        "skipped",
                        event->type, event->file, event->start);
            return false;
        }
        break;
    }

    switch (group_event(&s->group, event, flavour, statement, gtid_or_null, &undo_mark)) {
    case GROUP_UNDONE:
        undo_to(s, 0);
        group_ended(s, event);
        break;
    case GROUP_BROKEN:
        undo_to(s, 0);
        group_forget(s);
        break;
    case GROUP_UNDO_TO:
        undo_to(s, undo_mark);
        break;
    case GROUP_PREPARED:
        refuse_prepared(s);
        group_ended(s, event);
        break;
    case GROUP_ENDS:
        if (statement)
            handle_statement(s, statement, event);
        group_ended(s, event);
        return true;
    case GROUP_INSIDE:
    case GROUP_BEGINS:
        break;
    }
    if (statement)
        handle_statement(s, statement, event);
    return true;
}

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
    } else if (event->type == BINLOG_QUERY && !(statement = event_statement(event, error))) {
        return false;
    }
    GroupAction action = group_event(&s->group, event, flavour, statement, gtid_or_null, &undo_mark);
    bool first_is_wrong = event->start == s->print.pos && event->end > event->start && !gtid_or_null;
    bool ended = action == GROUP_ENDS || action == GROUP_UNDONE || action == GROUP_PREPARED;
    if (!ended && !first_is_wrong && action != GROUP_BROKEN)
        return true;
    if (ended && s->group.crc == s->print.crc && s->group.time == s->print.time &&
        strcmp(s->group.gtid.text, s->print.gtid ? s->print.gtid : "") == 0) {
        s->verifying = false;
        return true;
    }
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "the transaction at %s:%" G_GUINT64_FORMAT " is not the one that was read before: the server's history was "
                "rewritten (restored, reset, or its last transactions were lost in a crash)",
                s->print.file, s->print.pos);
    return false;
}

/* ---- A session ---- */

static bool stream_prepare_tables(Stream *s, GError **error)
{
    MappingSettings mapping = s->work->settings.mapping;
    for (unsigned i = 0; i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        int state = atomic_load(&table->state);
        if (!table->definition || state == TABLE_FAILED || state == TABLE_DROPPED)
            continue;
        StreamTable *st = g_new0(StreamTable, 1);
        st->table = table;
        st->marks = g_array_new(FALSE, TRUE, sizeof(StreamMark));
        g_ptr_array_add(s->tables, st);
        st->mapping = mapping_new(table->definition, &mapping, error);
        if (!st->mapping)
            return false;
        st->block = mapping_block_new(st->mapping, s->pipe->account);
        g_hash_table_insert(s->by_name, table_key(table->definition->database, table->definition->name), st);
    }
    return true;
}

static void stream_load(Stream *s, const CatalogCheckpoint *checkpoint, GArray *batches_take)
{
    s->file = g_intern_string(checkpoint->file);
    s->pos = checkpoint->pos;
    s->skip_file = s->file;
    s->skip_pos = s->pos;
    s->epoch = checkpoint->epoch;
    s->offset = s->rows_end = s->sealed_end = checkpoint->offset;
    s->newest_time = checkpoint->source_time;
    if (checkpoint->print_file)
        s->print = (Fingerprint){.file = g_intern_string(checkpoint->print_file),
                                 .pos = checkpoint->print_pos,
                                 .gtid = g_strdup(checkpoint->print_gtid),
                                 .time = checkpoint->print_time,
                                 .crc = checkpoint->print_crc};
    for (unsigned i = 0; i < batches_take->len; i++)
        s->next_seq = MAX(s->next_seq, g_array_index(batches_take, CatalogBatch, i).seq + 1);
    batch_cutter_init(&s->cutter, batches_take);
    s->last_seal = clock_monotonic_usec();
}

static bool write_failover(Catalog *catalog, void *data, GError **error)
{
    Failover *failover = data;
    return catalog_pipe_set_source(catalog, failover->pipe_id, failover->server_id, failover->identity, error) &&
           catalog_checkpoint_save(catalog, failover->pipe_id, failover->checkpoint, UINT64_MAX >> 1, NULL, error);
}

/* Another server answers: by GTID the stream can go on there, under a new epoch that is saved before the first row. */
static bool fail_over(Stream *s, CatalogCheckpoint *checkpoint, const char *identity, GError **error)
{
    Pipe *pipe = s->pipe;
    if (!checkpoint->gtid || !*checkpoint->gtid || s->work->settings.position == 2) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                    "another server answers (%s): the position of this pipe is only good at the one it was read from", identity);
        return false;
    }
    checkpoint->epoch++;
    checkpoint->offset = 0;
    g_clear_pointer(&checkpoint->print_file, g_free);
    g_clear_pointer(&checkpoint->print_gtid, g_free);
    Failover failover = {.pipe_id = pipe->id, .server_id = pipe->record->server_id, .identity = identity, .checkpoint = checkpoint};
    if (!pipe_catalog_write(pipe, s->work->reading, write_failover, &failover)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->record->identity);
    pipe->record->identity = g_strdup(identity);
    pthread_mutex_unlock(&pipe->lock);
    pipe_journal(pipe, "engine", "position", NULL, "another server answers (%s): going on there from GTID %s, epoch %u", identity,
                 checkpoint->gtid, checkpoint->epoch);
    return true;
}

/* Is the log that holds the fingerprint still there? When it was purged right behind a rotation, the position itself is
 * still good: nothing was read past the start of the next file. */
static bool fingerprint_is_gone(SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    g_autoptr(GArray) logs = NULL;
    if (!checkpoint->print_file || strcmp(checkpoint->print_file, checkpoint->file) == 0)
        return false;
    logs = source_list_logs(source, error);
    for (unsigned i = 0; logs && i < logs->len; i++)
        if (strcmp(g_array_index(logs, SourceLog, i).file, checkpoint->print_file) == 0)
            return false;
    return logs != NULL;
}

static bool stream_open(Stream *s, CatalogCheckpoint *checkpoint, GError **error)
{
    Pipe *pipe = s->pipe;
    g_autofree char *identity = NULL;
    bool by_gtid = false;
    GError *problem = NULL;

    g_autoptr(SourceConnection) source = source_open(s->work->source_url, s->work->reading, error);
    if (!source)
        return false;
    identity = g_strdup(source_server(source)->identity);
    pthread_mutex_lock(&pipe->lock);
    bool other = pipe->record->identity && strcmp(pipe->record->identity, identity) != 0;
    pthread_mutex_unlock(&pipe->lock);
    if (other) {
        if (!fail_over(s, checkpoint, identity, error))
            return false;
        by_gtid = true;
    } else if (!checkpoint->file) {
        by_gtid = true; /* a cdc pipe that starts at a GTID */
    } else if (fingerprint_is_gone(source, checkpoint, &problem)) {
        g_clear_pointer(&checkpoint->print_file, g_free);
    } else if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    g_clear_pointer(&source, source_close);

    s->verifying = !by_gtid && checkpoint->print_file;
    BinlogStart start = {.file = by_gtid ? NULL : s->verifying ? checkpoint->print_file : checkpoint->file,
                         .pos = s->verifying ? checkpoint->print_pos : checkpoint->pos,
                         .gtid = checkpoint->gtid,
                         .server_id = pipe->record->server_id,
                         .replica_uuid = pipe->uuid};
    s->stream = binlog_stream_open(s->work->source_url, &start, identity, s->work->reading, error);
    if (!s->stream)
        return false;
    if (by_gtid)
        g_clear_pointer(&checkpoint->file, g_free);
    s->gtid = gtid_set_parse(binlog_stream_server(s->stream)->flavour, checkpoint->gtid ? checkpoint->gtid : "", error);
    return s->gtid != NULL;
}

/* Rows and groups before the checkpoint were applied: only their fingerprint is looked at. */
static bool already_applied(const Stream *s, const BinlogEvent *event)
{
    bool in_file = event->end > event->start || !event->raw; /* raw is NULL inside a payload, at whose end it stands */
    return s->skip_file && in_file &&
           binlog_position_compare(event->file, event->end, s->skip_file, s->skip_pos) <= 0;
}

static bool reached_stop(Stream *s)
{
    bool reached = false;
    if (s->pipe->mode != PIPE_MODE_SNAPSHOT || s->group.open)
        return false;
    pthread_mutex_lock(&s->work->stop_lock);
    if (s->work->stop_file && s->file)
        reached = binlog_position_compare(s->file, s->pos, s->work->stop_file, s->work->stop_pos) >= 0;
    pthread_mutex_unlock(&s->work->stop_lock);
    return reached;
}

static void note_idle(Stream *s, const BinlogEvent *event)
{
    pthread_mutex_lock(&s->work->progress_lock);
    bool quiet = batch_tracker_in_flight(s->work->tracker) == 0;
    pthread_mutex_unlock(&s->work->progress_lock);
    quiet = quiet && s->batch_rows == 0 && !s->group.open && !s->verifying;
    atomic_store(&s->pipe->caught_up, quiet);
    if (!quiet)
        return;
    pthread_mutex_lock(&s->pipe->lock);
    s->pipe->fresh_until = clock_real_usec() + s->pipe->source_clock_offset;
    pthread_mutex_unlock(&s->pipe->lock);
    /* The server has sent all up to here, also what it does not send to replicas. */
    if (event->file && binlog_position_compare(event->file, event->start, s->file, s->pos) > 0) {
        s->file = event->file;
        s->pos = event->start;
        s->moved = true;
    }
}

static bool stream_step(Stream *s, const BinlogEvent *event, GError **error)
{
    if (event->type == BINLOG_HEARTBEAT) {
        pipe_stall_clear(s->pipe, SIDE_SOURCE);
        note_idle(s, event);
    } else if (already_applied(s, event)) {
        if (s->verifying && !verify_event(s, event, error))
            return false;
        if (event->type == BINLOG_TABLE_MAP && !handle_table_map(s, event, error))
            return false;
        return true;
    } else {
        if (s->verifying && event->end > event->start && event->type != BINLOG_FORMAT_DESCRIPTION) {
            /* The transaction's end was not where it had been. */
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                        "the transaction before %s:%" G_GUINT64_FORMAT " is not the one that was read before: the server's "
                        "history was rewritten",
                        s->skip_file, s->skip_pos);
            return false;
        }
        if (event->type == BINLOG_ROTATE) {
            RotateEvent rotate;
            if (!rotate_event_parse(event, &rotate, error))
                return false;
            bool real = !(event->flags & BINLOG_FLAG_ARTIFICIAL) && event->end > event->start;
            if (real && !s->group.open) {
                s->file = rotate.file;
                s->pos = rotate.pos;
                s->moved = true;
            }
            return stream_seal_if_due(s, false) || !cancel_set_error(s->work->reading, error);
        }
        if (!handle_event(s, event, error))
            return false;
        if (event->end > event->start) {
            s->file = event->file;
            s->pos = event->end;
        }
        atomic_store_explicit(&s->pipe->caught_up, false, memory_order_relaxed);
    }
    if (!stream_seal_if_due(s, event->type == BINLOG_HEARTBEAT)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    return true;
}

/* Too much is in memory: what is open is sealed at once (BatchSituation.memory_short), then reading waits. */
static void wait_for_memory(Stream *s)
{
    if (!budget_full(s->pipe->account) || s->batch_rows)
        return;
    while (!budget_wait(s->pipe->account, s->work->reading, 1000000) && !cancel_requested(s->work->reading))
        ;
}

static bool stream_run(Stream *s, GError **error)
{
    BinlogEvent event;
    uint64_t n = 0;

    while (!reached_stop(s)) {
        bool timed = n++ % TIME_SAMPLE == 0;
        int64_t began = timed ? clock_monotonic_usec() : 0;
        if (binlog_stream_next(s->stream, &event, error) == BINLOG_NEXT_ERROR)
            return false;
        int64_t read = timed ? clock_monotonic_usec() : 0;
        bool heartbeat = event.type == BINLOG_HEARTBEAT;
        if (!stream_step(s, &event, error))
            return false;
        if (timed && !heartbeat) {
            atomic_fetch_add(&s->pipe->read_usec, (uint64_t)(read - began) * TIME_SAMPLE);
            atomic_fetch_add(&s->pipe->build_usec, (uint64_t)(clock_monotonic_usec() - read) * TIME_SAMPLE);
        }
        wait_for_memory(s);
    }
    return true;
}

static void stream_clear(Stream *s)
{
    binlog_stream_free(s->stream);
    g_ptr_array_free(s->tables, TRUE);
    g_hash_table_destroy(s->by_id);
    g_hash_table_destroy(s->by_name);
    gtid_set_free(s->gtid);
    g_free(s->print.gtid);
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
    ok = ok && batches && stream_prepare_tables(&s, error) && stream_open(&s, &checkpoint, error);
    if (ok) {
        if (!checkpoint.file)
            g_array_set_size(batches, 0); /* by GTID: a new epoch, other cuts */
        stream_load(&s, &checkpoint, g_steal_pointer(&batches));
        ok = stream_run(&s, error);
        bool paused = !ok && cancel_requested(work->reading);
        if ((ok || paused) && !s.group.open && !s.verifying && !batch_cutter_forced(&s.cutter))
            stream_seal(&s, NULL);
    }
    if (batches)
        g_array_free(batches, TRUE);
    catalog_checkpoint_clear(&checkpoint);
    stream_clear(&s);
    return ok;
}

/* After an error that passes: what is in flight is acknowledged first, for the next session repeats from the catalog. */
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
        if (!pipe_stall_wait(pipe, SIDE_SOURCE, error, tries, decision.verdict == VERDICT_RETRY_OPERATOR, work->reading) ||
            !wait_until_quiet(work))
            break;
    }
    Message *message = g_new0(Message, 1);
    message->kind = MESSAGE_THREAD_ENDED;
    if (!queue_push_take(pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
    return NULL;
}
