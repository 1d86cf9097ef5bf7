/* statements.c - TRUNCATE and ALTER in stream order: src/pipe/stream_ddl.c and stream_alter.c without I/O. */
#include "stream.h"

#include <string.h>

void stream_load_fails(Engine *e, Table *table, const char *why)
{
    engine_table_fails(e, table, why);
    table->start_over = !table->loaded && !table->twin_of;
}

static bool names(const DdlStatement *statement, const Table *table)
{
    const DdlName *name = statement->tables->len ? statement->tables->pdata[0] : NULL;
    return name && name->table && name->table[1] == (char)('0' + table->of);
}

/* It is to wait for what is before it. */
bool statement_stops(Engine *e, const DdlStatement *statement, const BinlogEvent *event)
{
    Session *s = &e->session;
    bool stops = false;
    if (statement->kind != DDL_TRUNCATE && statement->kind != DDL_ALTER_TABLE)
        return false;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (!names(statement, table) || !stream_follows(s, table, event))
            continue;
        LoadSituation load = table_load(table);
        if (statement->kind == DDL_TRUNCATE && load_standing(&load, event->file, event->start) == LOAD_READS) {
            stream_load_fails(e, table, "it was truncated while it was being loaded");
        } else {
            stops = true;
        }
    }
    return stops;
}

/* stream_statement.c: before anything of it is done. */
static void note_statement(Engine *e, Table *table, const LogEvent *event)
{
    statement_note_clear(&table->note);
    table->plan_tag = NULL;
    table->note = (StatementNote){.id = stream_statement_id(e, &event->event),
                                  .sum = statement_note_sum(event->event.timestamp, event->sql, strlen(event->sql)),
                                  .file = g_strdup(event->event.file),
                                  .pos = event->event.start,
                                  .epoch = e->checkpoint.epoch};
    table->begun = false;
}

static void truncate_tables(Engine *e, const LogEvent *event)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (!names(event->statement, table) || !stream_follows(&e->session, table, &event->event))
            continue;
        note_statement(e, table, event);
        if (engine_crashes_here(e))
            return;
        g_autofree char *load = g_strdup_printf("sluice-" UUID "-snapshot-%" G_GINT64_FORMAT "-", table->id);
        destination_kill(e->destination, "sluice-" UUID "-log-");
        destination_kill(e->destination, load);
        Object *object = destination_find(e->destination, table->target);
        if (object)
            destination_truncate(e->destination, object);
        engine_tell(e, "%s is truncated", table->target);
    }
}

/* ---- Those that were begun before the session ---- */

char *stream_statement_id(const Engine *e, const BinlogEvent *event)
{
    const char *gtid = e->session.group.gtid.text;
    return *gtid ? g_strdup(gtid) : g_strdup_printf("%s:%" G_GUINT64_FORMAT, event->file, event->start);
}

void stream_find_statements(Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        const StatementNote *note = &table->note;
        table->begun =
            table_is_followed(table) && note->id && !statement_note_is_passed(note, e->source->flavour, &e->checkpoint);
        e->session.awaits = e->session.awaits || (table->begun && note->epoch == e->checkpoint.epoch);
    }
}

bool stream_judge_statements(Engine *e, unsigned here)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool asked = table->begun && table->note.epoch != here;
        g_autofree char *missing = asked ? source_missing(e->source, table->note.id) : NULL;
        if (!missing)
            continue;
        if (source_logged(e->source, table->note.id))
            return false;
        if (table->plan_tag)
            stream_load_fails(e, table, "a statement that altered it is not there any more");
        else
            stream_advise(e, table);
        statement_note_clear(&table->note);
        table->begun = false;
    }
    return true;
}

void stream_check_statement(Engine *e, GroupAction action, const LogEvent *event)
{
    bool over = action == GROUP_ENDS || action == GROUP_UNDONE || action == GROUP_PREPARED; /* a broken one is none */
    if (!e->session.awaits || !over || (action == GROUP_UNDONE && !e->session.group.logged_on))
        return;
    g_autofree char *id = stream_statement_id(e, &event->event);
    g_autofree char *sum =
        event->statement ? statement_note_sum(event->event.timestamp, event->sql, strlen(event->sql)) : g_strdup("");
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        const StatementNote *note = &table->note;
        bool awaited = table->begun && note->epoch == e->session.place.epoch;
        if (awaited && (strcmp(note->id, id) != 0 || strcmp(note->sum, sum) != 0))
            stream_history_fails(e, "the statement is not the one that was being carried out");
    }
    e->session.awaits = false;
}

/* stream_alter.c: what it makes of the definition, and in how many steps. */
static unsigned plan_alter(const char *sql, Definition *definition)
{
    bool adds = strstr(sql, " ADD ") != NULL, drops = strstr(sql, " DROP ") != NULL;
    definition->number++;
    definition->added += adds;
    definition->dropped += drops;
    definition->modified += adds || drops ? 0 : MODIFY_STEPS;
    return adds ? 1 : drops ? 0 : MODIFY_STEPS;
}

static char *proof_text(const Table *table, unsigned step)
{
    return g_strdup_printf("%s, step %u", table->plan_tag, step);
}

static unsigned steps_done(const Table *table, const Object *object, unsigned steps)
{
    for (unsigned step = steps; step > 0; step--) {
        g_autofree char *proof = proof_text(table, step);
        if (strcmp(proof, object->proof) == 0)
            return step;
    }
    return 0;
}

/* attempt_alter: true: this table is done with. */
static bool alter_table(Engine *e, Table *table, const LogEvent *event)
{
    Session *s = &e->session;
    Definition next = table->definition;
    unsigned steps = plan_alter(event->sql, &next);
    g_autofree char *id = stream_statement_id(e, &event->event);
    Object *object = destination_find(e->destination, table->target);
    LoadSituation load = table_load(table);
    if (next.number != event->definition.number) {
        if (!e->broken && !table->advised)
            engine_finding(e, "definition %u of t%u is met, and %u is known", event->definition.number, table->of,
                           table->definition.number);
        stream_load_fails(e, table, "was altered at the source");
        return true;
    }
    if (g_strcmp0(table->note.id, id) == 0) {
        const char *tag = table->plan_tag;
        note_statement(e, table, event); /* it is this log's from now on */
        table->plan_tag = tag;
        destination_kill(e->destination, "sluice-" UUID "-ddl-");
    } else {
        if (next.modified != table->definition.modified &&
            load_standing(&load, event->event.file, event->event.start) != LOAD_DONE) {
            stream_load_fails(e, table, "it was being loaded, and what is loaded does not fit what comes now");
            return true;
        }
        if (steps) {
            g_autofree char *tag = g_strdup_printf("%s in epoch %u", id, s->place.epoch);
            note_statement(e, table, event);
            table->plan_tag = g_intern_string(tag);
        }
        if (engine_crashes_here(e))
            return false;
    }
    unsigned done = steps ? steps_done(table, object, steps) : 0;
    if (done == steps) {
        table->next = next;
        table->changes = true;
        engine_tell(e, "%s has definition %u", table->target, next.number);
        return true;
    }
    g_autofree char *proof = proof_text(table, done + 1);
    g_snprintf(s->ddl_query, sizeof s->ddl_query, "sluice-" UUID "-ddl-%u", ++e->statements);
    destination_alter(e->destination, object, next.added != table->definition.added, proof, s->ddl_query);
    return false;
}

/* True: it is carried out. */
static bool statement_run(Engine *e, const LogEvent *event)
{
    Session *s = &e->session;
    if (event->statement->kind == DDL_TRUNCATE) {
        truncate_tables(e, event);
        return !e->dead;
    }
    if (*s->ddl_query && destination_find_alter(e->destination, s->ddl_query))
        return false;
    *s->ddl_query = 0;
    for (; s->ddl_at < e->tables->len; s->ddl_at++) {
        Table *table = e->tables->pdata[s->ddl_at];
        if (names(event->statement, table) && stream_follows(s, table, &event->event) && !alter_table(e, table, event))
            return false;
    }
    return true;
}

/* With the checkpoint behind the statement, in one transaction; readers see both at once, too. */
static void save_definitions(Engine *e, const DdlStatement *statement)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        if (table->changes || (statement->kind == DDL_TRUNCATE && names(statement, table) && table->note.id))
            statement_note_clear(&table->note);
        if (!table->changes)
            continue;
        if (table->rows->len)
            engine_finding(e, "rows of t%u are not sent, and its definition changes", table->of);
        table->changes = false;
        table->definition = table->next;
    }
}

void statement_act(Engine *e)
{
    Session *s = &e->session;
    const LogEvent *event = &s->ddl_event;
    switch (s->ddl) {
    case DDL_SEAL:
        if (batch_cutter_forced(&s->cutter)) {
            stream_history_fails(e, "the transactions before the statement are not those that were read before");
            return;
        }
        s->ddl = DDL_WAIT;
        s->ddl_seq = s->ddl_at = 0;
        for (unsigned i = 0; i < e->tables->len; i++)
            ((Table *)e->tables->pdata[i])->changes = false;
        if (!s->place.moved && !s->batch_rows)
            break;
        s->place.before_group = true;
        stream_seal(e, NULL);
        s->place.before_group = false;
        s->ddl_seq = s->next_seq - 1;
        break;
    case DDL_WAIT:
        if (batch_tracker_in_flight(e->tracker) == 0 && e->saved_seq >= s->ddl_seq)
            s->ddl = DDL_RUN;
        break;
    case DDL_RUN:
        if (statement_run(e, event))
            s->ddl = DDL_SAVE;
        break;
    case DDL_SAVE: {
        CatalogCheckpoint checkpoint = {0};
        uint64_t seq = s->next_seq++;
        stream_group_ended(e, &event->event);
        place_move(&s->place, &s->group, event->event.file, event->event.end);
        s->in_statement = false;
        prepared_checkpoint_saved(s->prepared, e->saved_seq);
        prepared_save(s->prepared, seq, &checkpoint.prepared, NULL);
        place_checkpoint(&s->place, &s->group, s->gtid, &checkpoint);
        stream_catalog_save(e, &checkpoint, seq);
        save_definitions(e, event->statement);
        s->place.moved = false;
        s->last_seal = e->now;
        s->ddl = DDL_NONE;
        stream_after_event(e, &event->event);
        break;
    }
    case DDL_NONE:
        break;
    }
}
