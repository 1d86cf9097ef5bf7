/* stream_ddl.c - statements of the log on followed tables (replication.md, DDL).
 *
 * Each that changes a destination table or a definition is a barrier: all before it is acknowledged and checkpointed,
 * then it is carried out at the destination, then definition and the position behind it are saved in one transaction,
 * then what follows is read on. Cut off anywhere, the statement is met again: what had been planned is in the catalog,
 * and each step that was carried out has left its proof at the destination.
 */
#include "pipe/stream_ddl_private.h"

#include "pipe/cutover.h"
#include "pipe/statement_note.h"

#include <string.h>

static void effect_free(void *data)
{
    TableEffect *effect = data;
    source_table_unref(effect->next);
    g_free(effect->old_text);
    if (effect->notes)
        g_ptr_array_unref(effect->notes);
    g_free(effect);
}

static void ddl_free(StreamDdl *ddl)
{
    if (!ddl)
        return;
    g_free(ddl->sql);
    g_free(ddl->shown);
    g_free(ddl->position);
    g_free(ddl->id);
    g_free(ddl->dest);
    clickhouse_free(ddl->ch);
    g_ptr_array_unref(ddl->effects);
    g_free(ddl);
}

TableEffect *ddl_effect_add(StreamDdl *ddl, PipeTable *table)
{
    TableEffect *effect = g_new0(TableEffect, 1);
    effect->table = table;
    effect->state = TABLE_LIVE;
    g_ptr_array_add(ddl->effects, effect);
    return effect;
}

void ddl_table_fails(StreamDdl *ddl, PipeTable *table, const char *what, const char *why)
{
    /* The table that a twin is loaded for shows this, and may be followed as before (resync.c). */
    const char *then = table->record->twin_of ? "its resync was given up there" : "sluice stopped following it there";
    g_autoptr(GError) error =
        g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s %s%s%s; %s (%s)", table->record->database,
                    table->record->name, what, why ? ": " : "", why ? why : "", then, ddl->shown);
    stream_table_fault(ddl->s, table, error);
    command_start_over(ddl->s->pipe, table);
}

/* ---- The statement ---- */

/* In UTF-8; NULL: its bytes are not text in the client's character set. */
static char *statement_text(const QueryEvent *query)
{
    const char *name = query->client_charset ? collation_charset(query->client_charset) : "utf8mb4";
    const Charset *charset = name ? charset_find(name) : NULL;
    if (!charset)
        return NULL;
    if (strcmp(name, "binary") == 0 || charset_is_utf8(charset))
        return g_utf8_validate(query->sql, (gssize)query->sql_len, NULL) ? g_strndup(query->sql, query->sql_len) : NULL;
    size_t len;
    uint8_t *out = g_malloc(charset_max_utf8(charset, query->sql_len) + 1);
    if (!charset_to_utf8(charset, (const uint8_t *)query->sql, query->sql_len, out, &len)) {
        g_free(out);
        return NULL;
    }
    out[len] = 0;
    return (char *)out;
}

static StreamDdl *ddl_new(Stream *s, const DdlStatement *statement, const BinlogEvent *event, bool ends, GError **error)
{
    StreamDdl *ddl = g_new0(StreamDdl, 1);
    const SourceServer *server = binlog_stream_server(s->stream);
    ddl->s = s;
    ddl->event = event;
    ddl->statement = statement;
    ddl->ends = ends;
    ddl->effects = g_ptr_array_new_with_free_func(effect_free);
    ddl->position = g_strdup_printf("%s:%" G_GUINT64_FORMAT, event->file, event->start);
    ddl->id = stream_statement_id(s, event);
    if (!query_event_parse(event, &ddl->query, error)) {
        ddl_free(ddl);
        return NULL;
    }
    ddl->sql = statement_text(&ddl->query);
    g_autofree char *raw = g_strndup(ddl->query.sql, MIN(ddl->query.sql_len, (size_t)400));
    ddl->shown = printable(raw, 300);
    ddl->context =
        (ColumnContext){.flavour = server->flavour, .version = server->version, .sql_mode = ddl->query.sql_mode};
    ddl->context.explicit_timestamp =
        server->flavour == SOURCE_MARIADB ? ddl->query.explicit_timestamp == 1 : ddl->query.explicit_timestamp != 0;
    return ddl;
}

/* ---- The destination ---- */

/* Anew after each failure: an embedded endpoint that died is started again, on another port. */
static bool connect_destination(StreamDdl *ddl, GError **error)
{
    const Pipe *pipe = ddl->s->pipe;
    g_autofree char *dest = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    if (!dest)
        return false;
    if (g_strcmp0(dest, ddl->dest) == 0)
        return true;
    g_autoptr(Url) url = clickhouse_url_parse(dest, error);
    Clickhouse *ch = url ? clickhouse_new(url, ddl->s->work->reading, error) : NULL;
    if (!ch)
        return false;
    clickhouse_set_cluster(ch, ddl->s->work->settings.cluster);
    clickhouse_free(ddl->ch);
    ddl->ch = ch;
    g_free(ddl->dest);
    ddl->dest = g_steal_pointer(&dest);
    return true;
}

/* What an ALTER can say that no repetition mends. */
static bool alter_is_refused(const GError *error)
{
    static const int codes[] = {
        10 /* NOT_FOUND_COLUMN_IN_BLOCK */,        15 /* DUPLICATE_COLUMN */, 36 /* BAD_ARGUMENTS */,
        42 /* NUMBER_OF_ARGUMENTS_DOESNT_MATCH */, 50 /* UNKNOWN_TYPE */,     62 /* SYNTAX_ERROR */,
        341 /* UNFINISHED: its mutation failed */, 386 /* NO_COMMON_TYPE */,  524 /* ALTER_OF_COLUMN_IS_FORBIDDEN */};
    for (size_t i = 0; error->domain == CLICKHOUSE_ERROR && i < G_N_ELEMENTS(codes); i++)
        if (error->code == codes[i])
            return true;
    return false;
}

/* Of each statement sent: no two are the same, and all of them begin alike. */
char *ddl_query_id(StreamDdl *ddl)
{
    return g_strdup_printf("sluice-%s-ddl-%" G_GINT64_FORMAT "-%u", ddl->s->pipe->uuid, clock_real_usec(),
                           ++ddl->queries);
}

/* Whose answers were lost, to a pause or a broken connection: none may be carried out later. */
bool ddl_kill_statements(StreamDdl *ddl, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("sluice-%s-ddl-", ddl->s->pipe->uuid);
    return insert_kill_all(ddl->ch, prefix, ddl->s->work->reading, error);
}

static bool carry_out(StreamDdl *ddl, TableEffect *effect, Attempt attempt, void *data, GError **error)
{
    Pipe *pipe = ddl->s->pipe;
    pthread_mutex_lock(&pipe->repair_lock);
    atomic_fetch_add(&effect->table->statements, 1);
    pthread_mutex_unlock(&pipe->repair_lock);
    for (unsigned tries = 1;; tries++) {
        g_autoptr(GError) problem = NULL;
        if (connect_destination(ddl, &problem) && attempt(ddl, effect, data, &problem)) {
            pipe_stall_clear(pipe, SIDE_DESTINATION);
            return true;
        }
        RetryDecision decision = retry_decide(problem, SIDE_DESTINATION);
        if (decision.verdict == VERDICT_FAIL_TABLE || alter_is_refused(problem)) {
            pipe_stall_clear(pipe, SIDE_DESTINATION);
            ddl_table_fails(ddl, effect->table, "was altered at the source", problem->message);
            return true;
        }
        if (decision.verdict == VERDICT_FAIL_PIPE) {
            work_fail(ddl->s->work, SIDE_DESTINATION, g_steal_pointer(&problem));
            break;
        }
        if (decision.verdict == VERDICT_CANCELLED ||
            !pipe_stall_wait(pipe, SIDE_DESTINATION, problem, tries, decision.verdict == VERDICT_RETRY_OPERATOR,
                             ddl->s->work->reading))
            break;
    }
    cancel_set_error(ddl->s->work->reading, error);
    return false;
}

/* Until it succeeds. A table that it cannot be done for fails, and the pipe goes on. False: cancelled, or the pipe
 * fails. It may take long, for the destination waits up to five minutes before it tries a mutation again that failed:
 * meanwhile the pipe says for what it waits. */
bool ddl_carry_out(StreamDdl *ddl, TableEffect *effect, Attempt attempt, void *data, GError **error)
{
    const CatalogTable *record = effect->table->record;
    pipe_set_activity(ddl->s->pipe, "the destination alters %s.%s", record->database, record->name);
    bool ok = carry_out(ddl, effect, attempt, data, error);
    pipe_set_activity(ddl->s->pipe, NULL);
    return ok;
}

/* ---- The barrier ---- */

/* False: cancelled, or another history. `possible`: the statement stands where a checkpoint can stand before and behind
 * it. */
bool ddl_barrier(StreamDdl *ddl, bool *possible, GError **error)
{
    Stream *s = ddl->s;
    *possible = ddl->ends && s->place.rows_end == s->place.group_offset && !s->xa;
    if (ddl->barrier || !*possible)
        return true;
    /* All before it was sent and saved when it was met the first time: a cut that is left stands behind it. */
    if (batch_cutter_forced(&s->cutter)) {
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
            "the transactions before %s are not those that were read before: the server's history was rewritten "
            "(restored, reset, or its last transactions were lost in a crash)",
            ddl->position);
        return false;
    }
    if (!stream_barrier(s)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    FAULT_POINT("ddl-before");
    ddl->barrier = true;
    return true;
}

char *ddl_noted(const StreamDdl *ddl, const PipeTable *table)
{
    return stream_statement_noted(ddl->s, table, ddl->event, &ddl->query, ddl->shown);
}

/* ---- Ends of following ---- */

/* Rows change without row events. */
void ddl_silent_change(StreamDdl *ddl, PipeTable *table, const char *by)
{
    g_autofree char *what = g_strdup_printf("was changed by %s, without its rows in the log", by);
    if (!ddl->s->work->settings.silent_changes_flag) {
        ddl_table_fails(ddl, table, what, "setting silent_changes=flag lets it go on");
        return;
    }
    g_autofree char *why = g_strdup_printf("it %s", what);
    pipe_table_advise_resync(ddl->s->pipe, table, why, ddl->position);
}

/* Its last rows are at the destination before the catalog says that it is not followed: a replay would pass them by. */
bool ddl_table_is_gone(StreamDdl *ddl, PipeTable *table, const char *how, GError **error)
{
    bool possible;
    int was = atomic_load(&table->state);
    if (!ddl_barrier(ddl, &possible, error))
        return false;
    if (!atomic_compare_exchange_strong(&table->state, &was, TABLE_DROPPED) && was == TABLE_FAILED)
        return true;
    atomic_store(&table->state, TABLE_DROPPED);
    /* Within a group other transactions may stand between the last checkpoint and the statement. */
    char *text = possible ? ddl_noted(ddl, table) : pipe_definition_text(table, table->definition);
    if (!stream_save_definition(ddl->s, table, text, error)) {
        atomic_store(&table->state, was); /* met again, by the next session */
        return false;
    }
    if (possible)
        ddl_effect_add(ddl, table)->noted = true;
    FAULT_POINT("ddl-gone");
    pipe_journal(ddl->s->pipe, "engine", "ddl", ddl->position, "table %s.%s was %s at the source; its destination table is kept",
                 table->record->database, table->record->name, how);
    return true;
}

/* ---- TRUNCATE ---- */

/* An insert that timed out may still come: none may meet the empty table. */
static bool kill_inserts(StreamDdl *ddl, const PipeTable *table, GError **error)
{
    Pipe *pipe = ddl->s->pipe;
    g_autofree char *log = g_strdup_printf("sluice-%s-log-", pipe->uuid);
    g_autofree char *load = g_strdup_printf("sluice-%s-snapshot-%" G_GINT64_FORMAT "-", pipe->uuid, table->record->id);
    return insert_kill_all(ddl->ch, log, ddl->s->work->reading, error) &&
           insert_kill_all(ddl->ch, load, ddl->s->work->reading, error);
}

/* Of several tables in one, this one's rows go. */
static bool empty_target(StreamDdl *ddl, const PipeTable *table, const char *id, GError **error)
{
    const SourceTable *definition = table->definition;
    const char *database = clickhouse_database(ddl->ch), *target = table->record->target,
               *column = definition->texts[TABLE_SOURCE_COLUMN];
    g_autofree char *value = source_table_value(definition);
    return column ? dest_table_delete_rows(ddl->ch, database, target, column, value, id, error)
                  : dest_table_truncate(ddl->ch, database, target, id, error);
}

static bool attempt_truncate(StreamDdl *ddl, TableEffect *effect, void *data, GError **error)
{
    g_autofree char *id = ddl_query_id(ddl);
    DestEngine engine;
    (void)data;
    if (dest_engine_find(effect->table->definition->texts[TABLE_ENGINE], &engine) && engine == DEST_NULL)
        return true; /* it keeps nothing, and the server refuses to */
    /* Before and behind it: neither an insert nor an earlier TRUNCATE is left that could come late. */
    if (!kill_inserts(ddl, effect->table, error) || !ddl_kill_statements(ddl, error) ||
        !empty_target(ddl, effect->table, id, error) || !ddl_kill_statements(ddl, error))
        return false;
    FAULT_POINT("ddl-step");
    return true;
}

static bool truncate_table(StreamDdl *ddl, PipeTable *table, GError **error)
{
    bool possible;
    if (ddl->s->work->settings.truncate_ignored) {
        pipe_journal(ddl->s->pipe, "engine", "ddl", ddl->position,
                     "table %s.%s was truncated at the source; truncate=ignore", table->record->database,
                     table->record->name);
        return true;
    }
    /* What was read behind it comes again from the log. */
    if (ddl_load_standing(ddl, table) == LOAD_READS) {
        ddl_table_fails(ddl, table, "was truncated at the source", "it was being loaded");
        return true;
    }
    if (!ddl_barrier(ddl, &possible, error))
        return false;
    if (!possible) {
        ddl_table_fails(ddl, table, "was truncated at the source", "the statement stands in one transaction with rows");
        return true;
    }
    if (!stream_save_definition(ddl->s, table, ddl_noted(ddl, table), error))
        return false;
    FAULT_POINT("ddl-noted");
    TableEffect *effect = ddl_effect_add(ddl, table);
    effect->noted = true;
    effect->notes = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(effect->notes,
                    g_strdup(table->definition->texts[TABLE_SOURCE_COLUMN] ? "its rows were deleted at the destination"
                                                                           : "its destination table was truncated"));
    return ddl_carry_out(ddl, effect, attempt_truncate, NULL, error);
}

/* ---- Others ---- */

bool stream_is_named(const Stream *s, const DdlName *name, const char *database, const char *table)
{
    int (*compare)(const char *, const char *) =
        binlog_stream_server(s->stream)->lower_case_table_names ? g_ascii_strcasecmp : strcmp;
    return (!name->database || compare(name->database, database) == 0) &&
           (!name->table || compare(name->table, table) == 0);
}

/* Which table stands under the name behind RENAME a TO b, c TO a, ...: an index of its tables, -1: none, -2: the same
 * as before. */
static int renamed_from(const StreamDdl *ddl, const PipeTable *table)
{
    const GPtrArray *names = ddl->statement->tables;
    int now = -2;
    for (unsigned i = 0; i + 1 < names->len; i += 2) {
        const DdlName *from = names->pdata[i], *to = names->pdata[i + 1];
        if (stream_is_named(ddl->s, from, table->definition->database, table->definition->name))
            now = -1;
        else if (stream_is_named(ddl->s, to, table->definition->database, table->definition->name))
            now = (int)i;
    }
    return now;
}

/* What rows that were copied into the new table have in a new column is told by its default, unless that is a moment.
 */
static GPtrArray *shown_defaults(StreamDdl *ddl, TableChange *change)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func((GDestroyNotify)column_text_free);
    ColumnContext context = {
        .flavour = ddl->context.flavour, .version = ddl->context.version, .explicit_timestamp = true};
    for (unsigned i = 0; i < change->table->n_columns; i++) {
        if (change->origin[i] >= 0)
            continue;
        ColumnText *text = alter_text_shown_column(change->table->create_sql, change->table->columns[i].name, &context);
        if (!text)
            continue;
        if (text->initial.kind == DEFAULT_NOW)
            text->initial.kind = DEFAULT_EXPRESSION;
        g_ptr_array_add(texts, text);
        change->texts[i] = text;
    }
    return texts;
}

/* Another table stands under the name from here on; its rows may be the same, or others. */
static bool replace_table(StreamDdl *ddl, PipeTable *table, const DdlName *by, GError **error)
{
    static const char what[] = "was replaced by another table at the source";
    g_autofree char *why = NULL;
    if (ddl_load_standing(ddl, table) != LOAD_DONE) {
        ddl_table_fails(ddl, table, what, "it was being loaded");
        return true;
    }
    g_autoptr(SourceConnection) source = stream_ask_source(ddl->s, error);
    if (!source)
        return false;
    GError *problem = NULL;
    g_autoptr(SourceTable) now =
        cutover_definition(source, table->definition->database, table->definition->name, ddl->event->file,
                           ddl->event->end, ddl->s->work->reading, &why, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    if (!now) {
        ddl_table_fails(ddl, table, what, why);
        return true;
    }
    g_autoptr(TableChange) change = table_replace(table->definition, now);
    g_autoptr(GPtrArray) texts = shown_defaults(ddl, change);
    unsigned added = 0;
    for (unsigned i = 0; i < now->n_columns; i++)
        added += change->origin[i] < 0;
    StatementTime time = {
        .usec = 0, .timestamp_max = ddl->event->timestamp_max, .zone_known = true}; /* our sessions are in UTC */
    if (!ddl_change_table(ddl, table, change, &time, error))
        return false;
    if (atomic_load(&table->state) == TABLE_FAILED)
        return true;
    if (!cutover_is_copy(by->table, table->definition->name))
        pipe_table_advise_resync(ddl->s->pipe, table, "another table took its name, whose rows may be others",
                                 ddl->position);
    else if (added && change->dropped->len)
        pipe_table_advise_resync(ddl->s->pipe, table,
                                 "the table that took its name has new columns in the place of old ones",
                                 ddl->position);
    return true;
}

/* Its rows are none of those that were loaded. By the setting `new_tables` it comes back as a new table does
 * (stream_new.c). */
static bool created_anew(StreamDdl *ddl, PipeTable *table, GError **error)
{
    bool gone = atomic_load(&table->state) == TABLE_DROPPED;
    if (ddl->s->work->settings.new_tables_add)
        return gone || ddl_table_is_gone(ddl, table, "replaced by a new one", error);
    ddl_table_fails(ddl, table, "was created anew at the source", NULL);
    return true;
}

static bool rename_table(StreamDdl *ddl, PipeTable *table, GError **error)
{
    int from = renamed_from(ddl, table);
    bool gone = atomic_load(&table->state) == TABLE_DROPPED;
    if (from == -1)
        return gone || ddl_table_is_gone(ddl, table, "renamed", error);
    if (from >= 0 && gone)
        return created_anew(ddl, table, error);
    return from < 0 || replace_table(ddl, table, ddl->statement->tables->pdata[from], error);
}

/* Cut off before the checkpoint behind it, it is met again: that takes the note away. */
static bool is_gone_by_it(StreamDdl *ddl, PipeTable *table, GError **error)
{
    bool possible;
    StatementNote note = {0};
    pthread_mutex_lock(&ddl->s->pipe->lock);
    bool noted = statement_note_read(table->record->definition, &note) && strcmp(note.id, ddl->id) == 0;
    pthread_mutex_unlock(&ddl->s->pipe->lock);
    statement_note_clear(&note);
    if (!noted)
        return true;
    if (!ddl_barrier(ddl, &possible, error))
        return false;
    if (possible)
        ddl_effect_add(ddl, table)->noted = true;
    return true;
}

static bool statement_on_table(StreamDdl *ddl, PipeTable *table, unsigned index, GError **error)
{
    const DdlStatement *statement = ddl->statement;
    int state = atomic_load(&table->state);
    /* What may bring a dropped table back. */
    bool creates = statement->kind == DDL_CREATE_TABLE || statement->kind == DDL_REPLACE_TABLE ||
                   statement->kind == DDL_RENAME_TABLE || (statement->kind == DDL_ALTER_TABLE && index > 0);
    if (state == TABLE_DROPPED && !is_gone_by_it(ddl, table, error))
        return false;
    if (!table_state_is_followed(state) && !(creates && state == TABLE_DROPPED))
        return true;
    switch (statement->kind) {
    case DDL_ALTER_TABLE:
        /* Which partition holds the current rows is known as long as all such statements are followed (versioning.h).
         */
        if (!statement->changes_rows_or_columns && !(statement->repartitions && table->definition->versioning.on))
            return true;
        return ddl_alter_table(ddl, table, index == 0, error);
    case DDL_TRUNCATE:
        return truncate_table(ddl, table, error);
    case DDL_RENAME_TABLE:
        return rename_table(ddl, table, error);
    case DDL_DROP_TABLE:
    case DDL_DROP_DATABASE:
        return ddl_table_is_gone(ddl, table, "dropped", error);
    case DDL_CREATE_TABLE:
        if (statement->if_exists && state != TABLE_DROPPED) /* it was there already */
            return true;
        G_GNUC_FALLTHROUGH;
    case DDL_REPLACE_TABLE:
        return created_anew(ddl, table, error);
    case DDL_ROWS_STATEMENT:
        ddl_silent_change(ddl, table, "a statement that is logged as text");
        return true;
    case DDL_UNKNOWN:
        ddl_table_fails(ddl, table, "is named by a statement at the source that is not known", NULL);
        return true;
    default:
        return true;
    }
}

/* Thread specific: on temporary tables, which hide ours. But DROP and CREATE OR REPLACE of any table have that flag on
 * MariaDB [tried on 10.11]; those of temporary ones say TEMPORARY, also where the session did not. And so has a change
 * of rows that calls CONNECTION_ID(), which is never passed over: a temporary table of the same name in a session that
 * logs statements fails ours for nothing. MariaDB's START ALTER and ROLLBACK ALTER tell of what is not, or never was.
 */
static bool passes_by(const Stream *s, const DdlStatement *statement, const BinlogEvent *event)
{
    bool says_itself = statement->kind == DDL_DROP_TABLE || statement->kind == DDL_DROP_DATABASE ||
                       statement->kind == DDL_CREATE_TABLE || statement->kind == DDL_REPLACE_TABLE ||
                       statement->kind == DDL_ROWS_STATEMENT;
    return statement->kind <= DDL_HARMLESS || s->group.gtid.is_half_alter ||
           ((event->flags & BINLOG_FLAG_THREAD_SPECIFIC) && !says_itself);
}

bool stream_ddl(Stream *s, const DdlStatement *statement, const BinlogEvent *event, bool ends, StreamDdl **pending,
                GError **error)
{
    StreamDdl *ddl = NULL;
    bool ok = true;
    *pending = NULL;
    if (passes_by(s, statement, event))
        return true;
    s->in_statement = ends;
    stream_parents_statement(s, statement, event);
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL); /* RENAME names a table twice */
    for (unsigned n = 0; ok && n < statement->tables->len; n++) {
        for (unsigned i = 0; ok && i < s->pipe->tables->len; i++) {
            PipeTable *table = s->pipe->tables->pdata[i];
            SourceTable *definition = table->definition;
            if (!definition || g_hash_table_contains(done, table) || stream_is_before(s, table, event))
                continue;
            if (!ddl && !(ddl = ddl_new(s, statement, event, ends, error)))
                return false;
            if (!stream_is_named(ddl->s, statement->tables->pdata[n], definition->database, definition->name))
                continue;
            g_hash_table_add(done, table);
            ok = statement_on_table(ddl, table, n, error);
        }
    }
    if (ok)
        stream_new_tables(s, statement, event);
    if (ok && ddl && ddl->effects->len) {
        *pending = ddl;
        return true;
    }
    if (ok)
        s->in_statement = false;
    ddl_free(ddl);
    return ok;
}

/* ---- Behind it ---- */

/* What the catalog says of its table changes: the note of the statement goes, at least. */
static bool is_saved(const TableEffect *effect)
{
    return effect->next || (effect->noted && atomic_load(&effect->table->state) != TABLE_FAILED);
}

/* With Pipe.lock held. */
static void take_new_texts(void *data)
{
    StreamDdl *ddl = data;
    for (unsigned i = 0; i < ddl->effects->len; i++) {
        TableEffect *effect = ddl->effects->pdata[i];
        CatalogTable *record = effect->table->record;
        if (!is_saved(effect))
            continue;
        effect->old_text = record->definition;
        record->definition =
            pipe_definition_text(effect->table, effect->next ? effect->next : effect->table->definition);
        g_free(record->state);
        record->state = g_strdup(table_state_name(atomic_load(&effect->table->state)));
    }
}

static void take_old_texts(void *data)
{
    StreamDdl *ddl = data;
    for (unsigned i = 0; i < ddl->effects->len; i++) {
        TableEffect *effect = ddl->effects->pdata[i];
        if (!effect->old_text)
            continue;
        g_free(effect->table->record->definition);
        effect->table->record->definition = g_steal_pointer(&effect->old_text);
    }
}

static StreamTable *stream_table_of(const Stream *s, const PipeTable *table)
{
    for (unsigned i = 0; i < s->tables->len; i++)
        if (((StreamTable *)s->tables->pdata[i])->table == table)
            return s->tables->pdata[i];
    return NULL;
}

/* With Pipe.lock held: a reader whom the source does not know the definition of a table any more waits until the stream
 * has come to some place, and is to see the definition that is right there. */
static void switch_definitions(void *data)
{
    StreamDdl *ddl = data;
    Stream *s = ddl->s;
    for (unsigned i = 0; i < ddl->effects->len; i++) {
        TableEffect *effect = ddl->effects->pdata[i];
        if (!effect->next)
            continue;
        s->parents_stale = s->parents_stale || (effect->next->cascades && effect->next->cascades->len);
        SourceTable *old = spares_change_definition(s->pipe, effect->table, g_steal_pointer(&effect->next));
        g_ptr_array_add(s->work->retired, old);
        effect->switched = true;
    }
}

static bool renew(Stream *s, const TableEffect *effect, GError **error)
{
    StreamTable *table = effect->switched ? stream_table_of(s, effect->table) : NULL;
    return !table || stream_table_renew(s, table, error);
}

static void tell(StreamDdl *ddl, const TableEffect *effect)
{
    const CatalogTable *record = effect->table->record;
    g_autoptr(GString) notes = g_string_new(NULL);
    if (!effect->notes || atomic_load(&effect->table->state) == TABLE_FAILED)
        return;
    for (unsigned i = 0; i < effect->notes->len; i++)
        g_string_append_printf(notes, "; %s", (const char *)effect->notes->pdata[i]);
    pipe_journal(ddl->s->pipe, "engine", "ddl", ddl->position, "%s.%s: applied: %s%s", record->database, record->name,
                 ddl->shown, notes->str);
}

bool stream_ddl_finish(Stream *s, StreamDdl *pending_take, const BinlogEvent *event, GError **error)
{
    StreamDdl *ddl = pending_take;
    if (!ddl)
        return true;
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    for (unsigned i = 0; i < ddl->effects->len; i++)
        if (is_saved(ddl->effects->pdata[i]))
            g_ptr_array_add(records, ((TableEffect *)ddl->effects->pdata[i])->table->record);
    place_move(&s->place, &s->group, event->file, event->end);
    FAULT_POINT("ddl-done");
    bool ok = stream_checkpoint_tables(s, records, take_new_texts, take_old_texts, switch_definitions, ddl);
    if (ok)
        s->in_statement = false;
    else
        cancel_set_error(s->work->reading, error);
    FAULT_POINT("ddl-saved");
    for (unsigned i = 0; ok && i < ddl->effects->len; i++) {
        tell(ddl, ddl->effects->pdata[i]);
        ok = renew(s, ddl->effects->pdata[i], error);
    }
    g_hash_table_remove_all(s->by_id);
    s->map_id = UINT64_MAX;
    s->map_table = NULL;
    ddl_free(ddl);
    return ok;
}
