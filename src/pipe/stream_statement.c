/* stream_statement.c - statements that were being carried out at the destination when the last session ended: the
 * server that answers now must have them too (statement_note.h; replication.md, Failover, Versions).
 */
#include "pipe/pending_plan.h"
#include "pipe/statement_note.h"
#include "pipe/stream_private.h"

typedef struct {
    PipeTable *table;
    StatementNote note;
    bool alters; /* it has a plan of steps at the destination */
} Begun;

static void begun_free(void *data)
{
    Begun *begun = data;
    statement_note_clear(&begun->note);
    g_free(begun);
}

/* ---- Which statement it is ---- */

char *stream_statement_id(const Stream *s, const BinlogEvent *event)
{
    return s->group.gtid.text[0] ? g_strdup(s->group.gtid.text)
                                 : g_strdup_printf("%s:%" G_GUINT64_FORMAT, event->file, event->start);
}

char *stream_statement_noted(const Stream *s, const PipeTable *table, const BinlogEvent *event, const QueryEvent *query,
                             const char *shown)
{
    g_autofree char *text = pipe_definition_text(table, table->definition);
    StatementNote note = {.id = stream_statement_id(s, event),
                          .sum = statement_note_sum(event->timestamp, query->sql, query->sql_len),
                          .shown = g_strdup(shown),
                          .file = g_strdup(event->file),
                          .pos = event->start,
                          .epoch = s->place.epoch};
    char *noted = statement_note_write(text, &note);
    statement_note_clear(&note);
    return noted;
}

bool stream_save_definition(Stream *s, PipeTable *table, char *text_take, GError **error)
{
    Pipe *pipe = s->pipe;
    pthread_mutex_lock(&pipe->lock);
    g_free(table->record->definition);
    table->record->definition = text_take;
    pthread_mutex_unlock(&pipe->lock);
    return pipe_save_table(pipe, table, s->work->reading) || !cancel_set_error(s->work->reading, error);
}

/* ---- Before a session ---- */

static bool concerns(const PipeTable *table)
{
    int state = atomic_load(&table->state);
    return table->definition && (table_state_is_followed(state) || state == TABLE_DROPPED);
}

void stream_find_statements(Stream *s, SourceFlavour flavour, const CatalogCheckpoint *checkpoint)
{
    Pipe *pipe = s->pipe;
    s->begun_statements = g_ptr_array_new_with_free_func(begun_free);
    for (unsigned i = 0; i < pipe->tables->len && RULE_HOLDS("statements-are-of-this-history"); i++) {
        PipeTable *table = pipe->tables->pdata[i];
        StatementNote note;
        PendingPlan plan = {0};
        if (!concerns(table))
            continue;
        pthread_mutex_lock(&pipe->lock);
        bool found = statement_note_read(table->record->definition, &note);
        bool alters = found && pending_plan_find(table->record->definition, note.id, &plan);
        pthread_mutex_unlock(&pipe->lock);
        pending_plan_clear(&plan);
        if (!found)
            continue;
        if (statement_note_is_passed(&note, flavour, checkpoint)) {
            statement_note_clear(&note);
            continue;
        }
        Begun *begun = g_new(Begun, 1);
        *begun = (Begun){.table = table, .note = note, .alters = alters};
        g_ptr_array_add(s->begun_statements, begun);
        /* Nothing stood between the checkpoint and the statement in the log that it was read from. */
        s->awaits_statement = s->awaits_statement || note.epoch == checkpoint->epoch;
    }
}

static void is_lost(Stream *s, const Begun *begun, bool other)
{
    PipeTable *table = begun->table;
    const CatalogTable *record = table->record;
    bool dropped = atomic_load(&table->state) == TABLE_DROPPED, by_itself = dropped && s->work->settings.new_tables_add;
    g_autofree char *why =
        g_strdup_printf("%s a statement %s: %s", other ? "another server took over that lacks" : "the server has lost",
                        dropped ? "behind which the table is not followed"
                                : "which was carried out at the destination, or was about to be",
                        begun->note.shown);
    bool advised = !dropped && !begun->alters;
    if (advised && pipe_table_advise_resync(s->pipe, table, why, NULL))
        return;
    if (advised || by_itself) { /* it was advised for less already; or the table is found as one that came back */
        pipe_journal(s->pipe, "engine", "table", NULL, "table %s.%s: %s", record->database, record->name, why);
        if (by_itself)
            pipe_post(s->pipe, MESSAGE_RESTART);
        return;
    }
    /* Its columns may be others than those of the definition: nothing can follow. */
    g_autoptr(GError) error =
        g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s: %s", record->database, record->name, why);
    RetryDecision decision = retry_decide(error, SIDE_SOURCE);
    pipe_table_fail(s->pipe, table, error, &decision, NULL);
    command_start_over(s->pipe, table);
}

static bool server_has(Stream *s, SourceConnection *source, const char *id, bool *has, GError **error)
{
    g_autoptr(GtidSet) set = gtid_set_parse(source_server(source)->flavour, id, NULL);
    *has = false;
    return !set || stream_server_has(s, source, id, has, error);
}

bool stream_judge_statements(Stream *s, SourceConnection *source, uint32_t here, GError **error)
{
    const char *asked = NULL; /* one statement may have been noted of many tables */
    bool has = false;
    for (unsigned i = 0; i < s->begun_statements->len; i++) {
        const Begun *begun = s->begun_statements->pdata[i];
        if (begun->note.epoch == here)
            continue;
        if (g_strcmp0(asked, begun->note.id) != 0 && !server_has(s, source, begun->note.id, &has, error))
            return false;
        asked = begun->note.id;
        if (has)
            continue;
        is_lost(s, begun, here == 0);
        if (!stream_save_definition(s, begun->table, pipe_definition_text(begun->table, begun->table->definition),
                                    error))
            return false;
    }
    return true;
}

/* ---- While it is read ---- */

/* The event ends the group that the statement stands in, or another one. */
static bool is_as_noted(const Stream *s, const StatementNote *note, const BinlogEvent *event)
{
    QueryEvent query;
    g_autofree char *id = stream_statement_id(s, event);
    if (strcmp(note->id, id) != 0 || event->type != BINLOG_QUERY || !query_event_parse(event, &query, NULL))
        return false;
    g_autofree char *sum = statement_note_sum(event->timestamp, query.sql, query.sql_len);
    return strcmp(note->sum, sum) == 0;
}

bool stream_statement_fits(Stream *s, GroupAction action, const BinlogEvent *event, GError **error)
{
    bool over = action == GROUP_ENDS || action == GROUP_UNDONE || action == GROUP_PREPARED; /* a broken one is none */
    if (G_LIKELY(!s->awaits_statement) || !over || (action == GROUP_UNDONE && !s->group.logged_on))
        return true; /* what was rolled back moves no GTID, and comes again where it is asked for by those */
    for (unsigned i = 0; i < s->begun_statements->len; i++) {
        const StatementNote *note = &((const Begun *)s->begun_statements->pdata[i])->note;
        if (note->epoch != s->place.epoch || is_as_noted(s, note, event))
            continue;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                    "the transaction that ends at %s:%" G_GUINT64_FORMAT
                    " is not the statement that was being carried out (%s): the server's history was rewritten "
                    "(restored, reset, or its last transactions were lost in a crash)",
                    event->file, event->end, note->shown);
        return false;
    }
    s->awaits_statement = false;
    return true;
}
