/* stream_alter.c - ALTER in stream order: what it makes of a table's definition, and its steps at the destination.
 *
 * The steps are planned once, when the statement is first met, and stand in the catalog before the first of them; each leaves its
 * proof in the comment of the version column, so that a step is never repeated and never left out.
 */
#include "pipe/stream_ddl_private.h"

#include "pipe/live_view.h"
#include "pipe/pending_plan.h"
#include "pipe/shared.h"

#include <string.h>

/* ---- What the source is asked ---- */

/* NULL: an error, or the answer is NULL. */
static char *ask_source(StreamDdl *ddl, const char *sql, GError **error)
{
    g_autoptr(SourceConnection) source = stream_ask_source(ddl->s, error);
    return source ? source_query_value(source, sql, error) : NULL;
}

/* "utf8" is utf8mb3 or utf8mb4, by a setting of MariaDB that is not in the log. */
static bool find_out_utf8(StreamDdl *ddl, GError **error)
{
    GError *problem = NULL;
    bool said = false;
    if (ddl->context.flavour != SOURCE_MARIADB)
        return true;
    for (const char *p = ddl->sql; !said && (p = strcasestr(p, "utf8")); p += 4)
        said = g_ascii_strncasecmp(p, "utf8mb", 6) != 0;
    if (!said)
        return true;
    g_autofree char *modes = ask_source(ddl, "SELECT @@GLOBAL.old_mode", &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    ddl->context.utf8_is_utf8mb4 = modes && !strstr(modes, "UTF8_IS_UTF8MB3");
    return true;
}

static bool is_moment_in_zone(const AlterClause *clause)
{
    return clause->kind == ALTER_ADD_COLUMN && clause->column->column.type == SOURCE_TYPE_TIMESTAMP &&
           clause->column->initial.kind == DEFAULT_TEXT;
}

static bool zone_matters(const AlterText *alter)
{
    for (unsigned i = 0; i < alter->clauses->len; i++) {
        const AlterClause *clause = alter->clauses->pdata[i];
        if (clause->kind != ALTER_ADD_COLUMN)
            continue;
        bool now = clause->column->column.type == SOURCE_TYPE_DATETIME && clause->column->initial.kind == DEFAULT_NOW;
        if (now || is_moment_in_zone(clause))
            return true;
    }
    return false;
}

/* Is the zone as far from UTC at each moment that the statement writes as it was when it ran? */
static bool find_out_whether_varies(StreamDdl *ddl, const AlterText *alter, const char *seconds, StatementTime *out, GError **error)
{
    for (unsigned i = 0; i < alter->clauses->len && !out->zone_varies; i++) {
        const AlterClause *clause = alter->clauses->pdata[i];
        if (!is_moment_in_zone(clause))
            continue;
        g_autoptr(GString) sql = g_string_new("SELECT TIMESTAMPDIFF(SECOND, CONVERT_TZ(");
        GError *problem = NULL;
        source_quote_string(sql, clause->column->initial.text);
        g_string_append(sql, ", ");
        source_quote_string(sql, ddl->query.time_zone);
        g_string_append(sql, ", '+00:00'), ");
        source_quote_string(sql, clause->column->initial.text);
        g_string_append_c(sql, ')');
        g_autofree char *then = ask_source(ddl, sql->str, &problem);
        if (problem) {
            g_propagate_error(error, problem);
            return false;
        }
        out->zone_varies = g_strcmp0(then, seconds) != 0;
    }
    return true;
}

/* The session's zone is told as "+02:00", by a name, or as SYSTEM, which is the server's. */
static bool find_out_time(StreamDdl *ddl, const AlterText *alter, StatementTime *out, GError **error)
{
    const char *zone = ddl->query.time_zone;
    unsigned hours, minutes;
    *out = (StatementTime){.usec = (int64_t)ddl->event->timestamp * G_USEC_PER_SEC + ddl->query.usec,
                           .timestamp_max = ddl->event->timestamp_max};
    if ((*zone == '+' || *zone == '-') && sscanf(zone + 1, "%2u:%2u", &hours, &minutes) == 2) {
        out->zone_known = true;
        out->zone_usec = (int64_t)(hours * 60 + minutes) * 60 * G_USEC_PER_SEC * (*zone == '-' ? -1 : 1);
        return true;
    }
    if (!*zone || !zone_matters(alter))
        return true;
    g_autoptr(GString) sql = g_string_new(NULL);
    GError *problem = NULL;
    g_string_printf(sql, "SELECT TIMESTAMPDIFF(SECOND, FROM_UNIXTIME(%u), CONVERT_TZ(FROM_UNIXTIME(%u), '+00:00', ",
                    ddl->event->timestamp, ddl->event->timestamp);
    source_quote_string(sql, zone);
    g_string_append(sql, "))");
    g_autofree char *seconds = ask_source(ddl, sql->str, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    out->zone_known = seconds != NULL;
    out->zone_usec = seconds ? g_ascii_strtoll(seconds, NULL, 10) * G_USEC_PER_SEC : 0;
    return !seconds || find_out_whether_varies(ddl, alter, seconds, out, error);
}

/* ---- ALTER ---- */

static bool plan_load(StreamDdl *ddl, const PipeTable *table, PendingPlan *plan)
{
    pthread_mutex_lock(&ddl->s->pipe->lock);
    bool found = pending_plan_find(table->record->definition, ddl->id, plan);
    pthread_mutex_unlock(&ddl->s->pipe->lock);
    return found;
}

static bool plan_save(StreamDdl *ddl, PipeTable *table, const PendingPlan *plan, GError **error)
{
    g_autofree char *text = ddl_noted(ddl, table);
    return stream_save_definition(ddl->s, table, pending_plan_note(text, ddl->id, plan), error);
}

typedef struct {
    TableChange *change;
    StatementTime time;
    PendingPlan plan;
    char *version_column;
} Alter;

LoadStanding ddl_load_standing(const StreamDdl *ddl, PipeTable *table)
{
    return snapshot_standing(ddl->s->pipe, table, ddl->event->file, ddl->event->start);
}

/* One statement may name several tables that go into one. */
static char *plan_tag(const StreamDdl *ddl, const PipeTable *table)
{
    const SourceTable *definition = table->definition;
    if (!definition->texts[TABLE_SOURCE_COLUMN])
        return g_strdup_printf("%s in epoch %u", ddl->id, ddl->s->place.epoch);
    return g_strdup_printf("%s of %s.%s in epoch %u", ddl->id, definition->database, definition->name,
                           ddl->s->place.epoch);
}

static bool make_plan(StreamDdl *ddl, TableEffect *effect, Alter *alter, const GPtrArray *there, GError **error)
{
    PipeTable *table = effect->table;
    MappingSettings settings = pipe_table_mapping(table, &ddl->s->work->settings);
    g_autoptr(GPtrArray) others = shared_others(ddl->s->pipe, table, &ddl->s->work->settings);
    SchemaChangeRequest request = {.old = table->definition,
                                   .change = alter->change,
                                   .settings = &settings,
                                   .strict = ddl->query.sql_mode & SQL_MODE_STRICT,
                                   .keep_old_names = ddl->s->work->settings.rename_keeps_both,
                                   .time = &alter->time,
                                   .there = there,
                                   .others = others};
    g_autoptr(SchemaChange) change = schema_change_plan(&request);
    if (!change->fail && !change->only_columns && ddl_load_standing(ddl, table) != LOAD_DONE)
        change->fail = g_strdup("it was being loaded, and what is loaded does not fit what comes now");
    if (change->fail) {
        g_set_error_literal(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, change->fail);
        return false;
    }
    /* That it can be followed is known before anything is done. */
    g_autoptr(TableMapping) mapping = mapping_new(alter->change->table, &settings, error);
    if (!mapping)
        return false;
    alter->plan = (PendingPlan){.steps = g_ptr_array_ref(change->steps),
                                .notes = g_ptr_array_ref(change->notes),
                                .kept = g_strdupv(alter->change->table->kept),
                                .advise = g_strdup(change->advise),
                                .tag = plan_tag(ddl, table)};
    /* What does nothing there is planned the same again. */
    if (change->steps->len && !plan_save(ddl, table, &alter->plan, error))
        return false;
    FAULT_POINT("ddl-planned");
    return true;
}

static char *proof_text(const PendingPlan *plan, unsigned step)
{
    return g_strdup_printf("sluice: schema change %s, step %u", plan->tag, step);
}

/* Steps of this statement that were carried out. */
static unsigned steps_done(const PendingPlan *plan, const char *proof)
{
    for (unsigned step = plan->steps->len; step > 0; step--) {
        g_autofree char *text = proof_text(plan, step);
        if (strcmp(text, proof) == 0)
            return step;
    }
    return 0;
}

static DestColumns *look(StreamDdl *ddl, const TableEffect *effect, const Alter *alter, GError **error)
{
    const char *target = effect->table->record->target;
    DestColumns *columns =
        dest_columns_look(ddl->ch, clickhouse_database(ddl->ch), target, alter->version_column, error);
    if (!columns || columns->names->len)
        return columns;
    dest_columns_free(columns);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "the destination table %s is missing", target);
    return NULL;
}

/* One that is ended can no longer tell that its rename was whole, which has been asked before. */
static bool mutations_are_done(StreamDdl *ddl, const TableEffect *effect, Alter *alter, MutationKind kind,
                               GError **error)
{
    const char *target = effect->table->record->target;
    g_autofree char *ended = NULL;
    bool done = dest_mutations_are_done(ddl->ch, clickhouse_database(ddl->ch), target, kind, &ended, error);
    if (!ended)
        return done;
    pipe_journal(ddl->s->pipe, "engine", "ddl", ddl->position,
                 "ended at the destination, where only parts of %s without rows were left of it: %s", target, ended);
    alter->plan.rename_step = 0;
    return plan_save(ddl, effect->table, &alter->plan, done ? error : NULL) && done;
}

static bool renames_columns(const char *commands)
{
    return !g_str_has_prefix(commands, "UPDATE ") && strstr(commands, "RENAME COLUMN ");
}

/* The server would wait for those before it, without a word of why they do not come to an end. */
static MutationKind waits_for(const char *commands)
{
    return renames_columns(commands) || strstr(commands, "MODIFY COLUMN ") ? MUTATIONS_OF_COLUMNS : MUTATIONS_RENAMING;
}

/* Before a rename is sent: by what is there already it is told later whether it began. */
static bool note_rename(StreamDdl *ddl, const TableEffect *effect, Alter *alter, unsigned step, GError **error)
{
    PendingPlan *plan = &alter->plan;
    if (!renames_columns(plan->steps->pdata[step]) || plan->rename_step == step + 1)
        return true;
    if (!dest_mutations_last(ddl->ch, clickhouse_database(ddl->ch), effect->table->record->target, &plan->rename_after,
                             error))
        return false;
    plan->rename_step = step + 1;
    bool ok = plan_save(ddl, effect->table, plan, error);
    FAULT_POINT("ddl-rename");
    return ok;
}

static bool look_at_rename(StreamDdl *ddl, const TableEffect *effect, const Alter *alter, unsigned *done, bool *half,
                           GError **error)
{
    const PendingPlan *plan = &alter->plan;
    bool began, told;
    if (!dest_renames_began(ddl->ch, clickhouse_database(ddl->ch), effect->table->record->target,
                            plan->steps->pdata[plan->rename_step - 1], plan->rename_after, &began, &told, error))
        return false;
    g_autoptr(DestColumns) columns = look(ddl, effect, alter, error);
    if (!columns)
        return false;
    *done = steps_done(plan, columns->proof);
    bool defined = *done >= plan->rename_step;
    *half = began != defined && (began || told);
    return true;
}

/* The mutation and the definition of a rename that was sent are both there, or neither is. One on its way may come
 * while it is looked at. `done`: steps of which the definition knows. Before any mutation is ended: it is what tells.
 */
static bool rename_is_whole(StreamDdl *ddl, const TableEffect *effect, const Alter *alter, unsigned *done,
                            GError **error)
{
    const PendingPlan *plan = &alter->plan;
    bool half = false;
    if (!plan->rename_step || !RULE_HOLDS("renames-are-whole"))
        return true;
    if (!look_at_rename(ddl, effect, alter, done, &half, error) ||
        (half && (!ddl_kill_statements(ddl, error) || !look_at_rename(ddl, effect, alter, done, &half, error))))
        return false;
    if (half)
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
            "ClickHouse ended in the middle of it: the parts of %s and its definition name columns differently, and "
            "values would be read as if they were not there (%s)",
            effect->table->record->target, (char *)plan->steps->pdata[plan->rename_step - 1]);
    return !half;
}

/* ClickHouse refuses to rename a column as long as a mutation of somebody's changes it (25.7). One that fails may never
 * come to an end. */
static bool waits_for_somebody(StreamDdl *ddl, const TableEffect *effect, const GError *refused)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *ended = NULL;
    return strstr(refused->message, "which is not finished yet") &&
           (dest_mutations_are_done(ddl->ch, clickhouse_database(ddl->ch), effect->table->record->target, MUTATIONS_ALL,
                                    &ended, &why) ||
            why->code == CLICKHOUSE_TIMEOUT_EXCEEDED || !strstr(why->message, "has not carried out"));
}

/* An ALTER whose answer was lost may be done, or be done in a moment. */
static bool run_step(StreamDdl *ddl, const TableEffect *effect, Alter *alter, unsigned step, GError **error)
{
    const char *commands = alter->plan.steps->pdata[step];
    g_autofree char *proof = proof_text(&alter->plan, step + 1), *id = ddl_query_id(ddl);
    g_autoptr(GError) problem = NULL;
    atomic_store(&effect->table->altered_at, clock_monotonic_usec());
    if (g_str_has_prefix(commands, "UPDATE ")) { /* it may be repeated, and a mutation leaves no proof */
        bool ok = dest_table_mutate(ddl->ch, clickhouse_database(ddl->ch), effect->table->record->target, commands, id,
                                    error);
        FAULT_POINT("ddl-step");
        return ok;
    }
    if (dest_table_alter(ddl->ch, clickhouse_database(ddl->ch), effect->table->record->target, commands,
                         alter->version_column, proof, id, &problem)) {
        FAULT_POINT("ddl-step");
        return true;
    }
    g_autoptr(DestColumns) columns = look(ddl, effect, alter, NULL);
    unsigned done = columns ? steps_done(&alter->plan, columns->proof) : 0;
    if (done > step)
        return rename_is_whole(ddl, effect, alter, &done, error) &&
               mutations_are_done(ddl, effect, alter, MUTATIONS_OF_COLUMNS, error);
    if (waits_for_somebody(ddl, effect, problem))
        problem->code = CLICKHOUSE_TIMEOUT_EXCEEDED;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool attempt_alter(StreamDdl *ddl, TableEffect *effect, void *data, GError **error)
{
    Alter *alter = data;
    bool again = alter->plan.steps != NULL;
    if (!again && (again = plan_load(ddl, effect->table, &alter->plan)) &&
        !plan_save(ddl, effect->table, &alter->plan, error)) /* the statement is this log's from now on */
        return false;
    if (again && !ddl_kill_statements(ddl, error))
        return false;
    g_autoptr(DestColumns) columns = look(ddl, effect, alter, error);
    if (!columns || (!again && !make_plan(ddl, effect, alter, columns->names, error)))
        return false;
    unsigned done = steps_done(&alter->plan, columns->proof);
    if (!rename_is_whole(ddl, effect, alter, &done, error) ||
        (done > 0 && !mutations_are_done(ddl, effect, alter, MUTATIONS_OF_COLUMNS, error)))
        return false;
    for (unsigned step = done; step < alter->plan.steps->len; step++)
        if (!mutations_are_done(ddl, effect, alter, waits_for(alter->plan.steps->pdata[step]), error) ||
            !note_rename(ddl, effect, alter, step, error) || !run_step(ddl, effect, alter, step, error))
            return false;
    atomic_store(&effect->table->altered_at, clock_monotonic_usec());
    if (!live_view_renew(ddl->s->pipe, ddl->ch, effect->table, error))
        return false;
    SourceTable *next = alter->change->table;
    g_strfreev(next->kept);
    next->kept = g_strdupv(alter->plan.kept);
    effect->next = source_table_ref(next);
    effect->notes = g_ptr_array_ref(alter->plan.notes);
    return true;
}

static bool apply_column_settings(StreamDdl *ddl, const TableChange *change, GError **error)
{
    Pipe *pipe = ddl->s->pipe;
    json_t *set = pipe_settings_given(pipe);
    bool ok = column_settings_apply_added(set, change->table, change->origin, error);
    json_decref(set);
    return ok;
}

/* Keys by which rows will change without a trace in the log. False: the table fails. */
static bool note_cascades(StreamDdl *ddl, PipeTable *table, SourceTable *next)
{
    g_autoptr(GPtrArray) added = cascades_parse(ddl->sql, ddl->query.sql_mode, next->database);
    if (!added->len || ddl->s->cascades_logged)
        return true;
    if (!ddl->s->work->settings.foreign_keys_flag) {
        ddl_table_fails(ddl, table, "got a foreign key that changes its rows without a trace in the log",
                        "setting foreign_keys=flag lets it go on, and advises a resync when that may have happened");
        return false;
    }
    if (!next->cascades)
        next->cascades = cascades_copy(NULL);
    g_ptr_array_extend_and_steal(next->cascades, g_steal_pointer(&added));
    return true;
}

/* The change is known; what it asks of the destination is done. */
bool ddl_change_table(StreamDdl *ddl, PipeTable *table, TableChange *change, const StatementTime *time,
                         GError **error)
{
    bool possible;
    g_autoptr(GError) why = NULL;
    if (!apply_column_settings(ddl, change, &why)) {
        ddl_table_fails(ddl, table, "was altered at the source", why->message);
        return true;
    }
    if (!ddl_barrier(ddl, &possible, error))
        return false;
    if (!possible) {
        ddl_table_fails(ddl, table, "was altered at the source", "the statement stands in one transaction with rows");
        return true;
    }
    Alter alter = {.change = change, .time = *time};
    alter.version_column = g_strconcat(ddl->s->work->settings.column_prefix, "version", NULL);
    TableEffect *effect = ddl_effect_add(ddl, table);
    bool ok = ddl_carry_out(ddl, effect, attempt_alter, &alter, error);
    if (ok && effect->next && alter.plan.advise)
        pipe_table_advise_resync(ddl->s->pipe, table, alter.plan.advise, ddl->position);
    pending_plan_clear(&alter.plan);
    g_free(alter.version_column);
    return ok;
}

static bool renames_away(const AlterText *alter)
{
    for (unsigned i = 0; i < alter->clauses->len; i++)
        if (((const AlterClause *)alter->clauses->pdata[i])->kind == ALTER_RENAME_TABLE)
            return true;
    return false;
}

bool ddl_alter_table(StreamDdl *ddl, PipeTable *table, bool first, GError **error)
{
    g_autofree char *why = NULL;
    if (!ddl->sql) {
        ddl_table_fails(ddl, table, "was altered at the source", "the statement is not text in its character set");
        return true;
    }
    if (!find_out_utf8(ddl, error))
        return false;
    g_autoptr(AlterText) alter = alter_text_parse(ddl->sql, strlen(ddl->sql), &ddl->context, &why);
    if (!alter) {
        ddl_table_fails(ddl, table, "was altered at the source", why);
        return true;
    }
    if (!first) { /* what another table is renamed to, or whose rows a partition is exchanged with */
        if (renames_away(alter))
            ddl_table_fails(ddl, table, "was created anew at the source", NULL);
        else if (table_state_is_followed(atomic_load(&table->state)))
            ddl_silent_change(ddl, table, "an exchange of partitions");
        return true;
    }
    g_autoptr(TableChange) change = table_alter(table->definition, alter, &ddl->context, &why);
    if (!change) {
        ddl_table_fails(ddl, table, "was altered at the source", why);
        return true;
    }
    if (change->to_table)
        return ddl_table_is_gone(ddl, table, "renamed", error);
    StatementTime time;
    if (!find_out_time(ddl, alter, &time, error))
        return false;
    if (change->rows)
        ddl_silent_change(ddl, table, change->rows);
    if (!table_state_is_followed(atomic_load(&table->state)) || !note_cascades(ddl, table, change->table))
        return true;
    return ddl_change_table(ddl, table, change, &time, error);
}
