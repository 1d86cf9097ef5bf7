/* stream_events.c - what each event of the binlog means for the stream: groups, statements, table maps, rows. */
#include "pipe/stream_private.h"

#include "pipe/place.h"

#include <string.h>

/* Bytes of rows events after which a transaction's size is told, again and again. */
#define LARGE_STEP (UINT64_C(16) << 20)

char *stream_position_text(const Stream *s)
{
    return g_strdup_printf("%s:%" G_GUINT64_FORMAT, s->place.file ? s->place.file : "?", s->place.pos);
}

void stream_table_fault(Stream *s, PipeTable *table, const GError *error)
{
    g_autofree char *position = stream_position_text(s);
    RetryDecision decision = retry_decide(error, SIDE_SOURCE);
    pipe_table_fail(s->pipe, table, error, &decision, position);
}

/* ---- Groups ---- */

static void undo_table(Stream *s, StreamTable *table, unsigned mark)
{
    if (table->sent_marks > mark) {
        GError *error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE,
                                    "rows of a transaction that was rolled back at the source had been sent already");
        stream_table_fault(s, table->table, error);
        g_error_free(error);
        return;
    }
    if (table->marks->len > mark)
        stream_table_rewind(table, mark);
}

static void undo_to(Stream *s, unsigned mark)
{
    stream_xa_undo(s, mark);
    for (unsigned i = 0; i < s->tables->len; i++)
        undo_table(s, s->tables->pdata[i], mark);
}

static void group_forget(Stream *s)
{
    stream_untell_large(s);
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        stream_table_forget_marks(table, 0);
        table->sent_marks = 0;
    }
}

/* The rows of the open group do not count, or not all: nothing that can be followed further. */
static bool fail_tables_of_group(Stream *s, const char *why, GError **error)
{
    g_autoptr(GError) fault = g_error_new_literal(SLUICE_ERROR, SLUICE_ERROR_TABLE, why);
    for (unsigned i = 0; i < s->tables->len; i++) {
        StreamTable *table = s->tables->pdata[i];
        if (table->marks->len == 0 && table->sent_marks == 0)
            continue;
        undo_table(s, table, 0);
        stream_table_fault(s, table->table, fault);
    }
    return stream_xa_fail_tables(s, fault, error);
}

static void group_ended(Stream *s, const BinlogEvent *event)
{
    group_forget(s);
    place_group_ended(&s->place, &s->group, s->gtid, event);
}

/* ---- Rows ---- */

bool stream_follows(const Stream *s, const PipeTable *table, const BinlogEvent *event)
{
    int state = atomic_load_explicit(&table->state, memory_order_relaxed);
    return table_state_is_followed(state) && !stream_is_before(s, table, event);
}

bool stream_is_before(const Stream *s, const PipeTable *table, const BinlogEvent *event)
{
    const CatalogTable *record = table->record;
    if (!record->begin_file)
        return table->begin_set && gtid_set_contains(table->begin_set, &s->group.gtid);
    return binlog_position_compare(event->file, event->start, record->begin_file, record->begin_pos) < 0;
}

/* The map of a table that is followed; the same as the last one, as a rule. Before it began (E) the definition is the
 * one at E: the map may be an older one. Where it was dropped, it is that of another table of its name. */
static bool bind_map(Stream *s, StreamTable *table, const BinlogEvent *event, GError **error)
{
    GError *fault = NULL;

    if (!stream_follows(s, table->table, event))
        return true;
    if (table->map_body && table->map_body->len == event->body_len &&
        memcmp(table->map_body->data, event->body, event->body_len) == 0)
        return true;
    g_autoptr(TableMap) map = table_map_parse(event, error);
    if (!map)
        return false;
    g_clear_pointer(&table->map_body, g_byte_array_unref);
    table->map_body = g_byte_array_append(g_byte_array_new(), event->body, (guint)event->body_len);
    if (!mapping_bind(table->mapping, map, &fault)) {
        stream_table_fault(s, table->table, fault);
        g_error_free(fault);
    }
    return true;
}

bool stream_handle_table_map(Stream *s, const BinlogEvent *event, GError **error)
{
    uint64_t id;
    StreamTable *table;

    if (!table_map_peek_id(event, &id, error) || (s->parents_stale && !stream_parents_renew(s, error)))
        return false;
    if (!g_hash_table_lookup_extended(s->by_id, &id, NULL, (gpointer *)&table)) {
        g_autoptr(TableMap) map = table_map_parse(event, error);
        if (!map)
            return false;
        g_autofree char *key = stream_table_key(map->database, map->table);
        table = g_hash_table_lookup(s->by_name, key);
        g_hash_table_insert(s->by_id, g_memdup2(&id, sizeof id), table);
        stream_parents_map(s, key, g_steal_pointer(&map));
    }
    s->map_id = id;
    s->map_table = table;
    for (; table; table = table->next)
        if (!bind_map(s, table, event, error))
            return false;
    return true;
}

static bool append_rows(Stream *s, StreamTable *table, const RowsEvent *rows, const BinlogEvent *event,
                        uint64_t version, GError **error)
{
    GError *fault = NULL;
    uint64_t before = table->block->n_rows;
    RowCounts counts = {0};

    if (s->group.open)
        stream_table_mark(table, &s->group);
    if (mapping_append_event(table->mapping, table->block, rows, version, clock_real_nsec(), &counts, &fault)) {
        table->counts.inserts += counts.inserts;
        table->counts.updates += counts.updates;
        table->counts.deletes += counts.deletes;
        s->batch_rows += table->block->n_rows - before;
        s->batch_inserts += before == 0 && table->block->n_rows > 0;
        s->batch_bytes += event->body_len;
        return true;
    }
    if (!g_error_matches(fault, SLUICE_ERROR, SLUICE_ERROR_TABLE)) {
        g_propagate_prefixed_error(error, fault, "%s:%" G_GUINT64_FORMAT ": ", event->file, event->start);
        return false;
    }
    stream_table_fault(s, table->table, fault);
    g_error_free(fault);
    return true;
}

bool stream_rows_table(const Stream *s, const RowsEvent *rows, const BinlogEvent *event, StreamTable **table, GError **error)
{
    gpointer found = NULL;
    *table = s->map_table;
    if (rows->table_id == s->map_id)
        return true;
    if (!g_hash_table_lookup_extended(s->by_id, &rows->table_id, NULL, &found) && rows->rows < rows->end) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                    "%s:%" G_GUINT64_FORMAT ": a rows event without its table map; resync the pipe", event->file, event->start);
        return false;
    }
    *table = found;
    return true;
}

/* Within a large transaction no position moves: that the pipe does all the same is told. */
static void tell_large(Stream *s, const StreamTable *table, size_t grown)
{
    uint64_t size = s->place.rows_end - s->place.group_offset;
    if (!s->group.open || size / LARGE_STEP == (size - grown) / LARGE_STEP)
        return;
    g_autofree char *of = size < UINT64_C(1000000000) ? g_strdup_printf("%u MB", (unsigned)(size / 1000000))
                                                      : g_strdup_printf("%.1f GB", (double)size / 1e9);
    if (table)
        pipe_set_activity(s->pipe, "in a transaction of %s, %s.%s", of, table->table->record->database,
                          table->table->record->name);
    else
        pipe_set_activity(s->pipe, "in a transaction of %s", of);
    s->large = true;
}

void stream_untell_large(Stream *s)
{
    if (s->large)
        pipe_set_activity(s->pipe, NULL);
    s->large = false;
}

bool stream_handle_rows(Stream *s, const BinlogEvent *event, GError **error)
{
    RowsEvent rows;
    StreamTable *table;
    uint64_t version = place_pass(&s->place, &s->group, event);

    if (!rows_event_parse(event, &rows, error) || !stream_rows_table(s, &rows, event, &table, error))
        return false;
    tell_large(s, table, event->body_len);
    if (G_UNLIKELY(s->parents))
        stream_parents_rows(s, &rows, event);
    for (; table; table = table->next)
        if (stream_follows(s, table->table, event) && !append_rows(s, table, &rows, event, version, error))
            return false;
    return true;
}

/* ---- Events ---- */

/* After RESET MASTER a server counts from 1 again, and MariaDB goes on sending from the log that it has deleted, and then, at
 * the next rotation, from the second of the new ones [tried on 10.11]: what it wrote between is lost without a word. Numbers
 * that come again tell. */
static bool gtid_is_new(const Stream *s, const BinlogEvent *event, const GtidEvent *gtid, GError **error)
{
    if (!s->gtid || !gtid->text[0] || !gtid_set_is_repeat(s->gtid, gtid))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                "GTID %s at %s:%" G_GUINT64_FORMAT " was used before by another transaction: the server's history was rewritten "
                "(its log was reset, or it was restored)",
                gtid->text, event->file, event->start);
    return false;
}

/* Statements stand in the log as their client wrote them. NULL: as UTF-8 already, or bytes that are no text. */
static char *statement_to_utf8(const QueryEvent *query, size_t *len)
{
    const char *name = collation_charset(query->client_charset);
    const Charset *charset = name ? charset_find(name) : NULL;
    if (!charset || charset_is_utf8(charset))
        return NULL;
    uint8_t *text = g_malloc(charset_max_utf8(charset, query->sql_len) + 1);
    if (charset_to_utf8(charset, (const uint8_t *)query->sql, query->sql_len, text, len))
        return (char *)text;
    g_free(text);
    return NULL;
}

DdlStatement *stream_event_statement(const BinlogEvent *event, GError **error)
{
    QueryEvent query;
    if (!query_event_parse(event, &query, error))
        return NULL;
    g_autofree char *database = g_strndup(query.database, query.database_len);
    size_t len = query.sql_len;
    g_autofree char *text = statement_to_utf8(&query, &len);
    return ddl_parse(text ? text : query.sql, len, database, query.sql_mode);
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
    case BINLOG_APPEND_BLOCK:
    case BINLOG_DELETE_FILE:
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

/* What the event means for the group. */
static bool group_step(Stream *s, GroupAction action, const DdlStatement *statement, unsigned undo_mark, const BinlogEvent *event,
                       GError **error)
{
    StreamDdl *ddl = NULL;
    switch (action) {
    case GROUP_UNDONE:
        undo_to(s, 0);
        if (statement && !stream_xa_end(s, statement, event, error))
            return false;
        group_ended(s, event);
        break;
    case GROUP_BROKEN:
        undo_to(s, 0);
        group_forget(s);
        place_group_begins(&s->place);
        break;
    case GROUP_UNDO_TO:
        undo_to(s, undo_mark);
        break;
    case GROUP_UNDO_UNKNOWN:
        return fail_tables_of_group(s, "rows were rolled back to a savepoint that is not in the log", error);
    case GROUP_PREPARED:
        if (!stream_xa_prepared(s, statement, event, error))
            return false;
        group_ended(s, event);
        break;
    case GROUP_ENDS:
        if (s->xa && !stream_xa_one_phase(s, event, error))
            return false;
        if (statement && !stream_xa_end(s, statement, event, error))
            return false;
        if (statement && !stream_ddl(s, statement, event, true, &ddl, error))
            return false;
        group_ended(s, event);
        return stream_ddl_finish(s, ddl, event, error);
    case GROUP_BEGINS:
        place_group_begins(&s->place);
        break;
    case GROUP_INSIDE:
        break;
    }
    if (!statement)
        return true;
    bool ok = stream_ddl(s, statement, event, false, &ddl, error);
    g_assert(!ddl); /* within a group nothing waits for its end */
    return ok;
}

bool stream_handle_event(Stream *s, const BinlogEvent *event, GError **error)
{
    g_autoptr(DdlStatement) statement = NULL;
    GtidEvent gtid, *gtid_or_null = NULL;
    SourceFlavour flavour = binlog_stream_server(s->stream)->flavour;
    unsigned undo_mark = 0;

    if (rows_event_is(event->type)) {
        group_event(&s->group, event, flavour, NULL, NULL, &undo_mark);
        return s->group.xa && s->group.open ? stream_xa_rows(s, event, error) : stream_handle_rows(s, event, error);
    }
    switch (event->type) {
    case BINLOG_TABLE_MAP:
        group_event(&s->group, event, flavour, NULL, NULL, &undo_mark);
        return s->group.xa && s->group.open ? stream_xa_table_map(s, event, error) : stream_handle_table_map(s, event, error);
    case BINLOG_GTID_MARIADB:
    case BINLOG_GTID_MYSQL:
    case BINLOG_GTID_TAGGED:
    case BINLOG_ANONYMOUS_GTID:
        if (!gtid_event_parse(event, flavour, &gtid, error))
            return false;
        if (!gtid_is_new(s, event, &gtid, error))
            return false;
        stream_doubt_beginnings(s, &gtid);
        gtid_or_null = &gtid;
        break;
    case BINLOG_QUERY:
    case BINLOG_EXECUTE_LOAD_QUERY:
        if (!(statement = stream_event_statement(event, error)))
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
        if (!event_is_known(event) && RULE_HOLDS("unknown-events")) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                        "an event of the unknown type %u stands at %s:%" G_GUINT64_FORMAT "; it may change rows, so it is not "
                        "skipped",
                        event->type, event->file, event->start);
            return false;
        }
        break;
    }

    GroupAction action = group_event(&s->group, event, flavour, statement, gtid_or_null, &undo_mark);
    return stream_statement_fits(s, action, event, error) && group_step(s, action, statement, undo_mark, event, error);
}
