/* judge.c - what must hold: while a pipe lives, and when it has caught up. */
#include "engine.h"

#include <string.h>

/* Readers of live tables never see an older row than before. */
static void note_settled(Engine *e)
{
    const Session *s = &e->session;
    bool quiet = e->work && s->on && s->next >= e->source->log->len && !s->batch_rows && !s->group.open && !s->ddl &&
                 batch_tracker_in_flight(e->tracker) == 0;
    for (unsigned i = 0; i < e->tables->len && quiet; i++) {
        Table *table = e->tables->pdata[i];
        if (table->loaded && table->state == ROWS_LIVE && !table->settled) {
            table->settled = true;
            e->destination->changes++;
        }
    }
}

void judge_watch(Engine *e)
{
    note_settled(e);
    if (e->watched_at == e->destination->changes)
        return;
    e->watched_at = e->destination->changes;
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        const Object *object = destination_find(e->destination, table->target);
        if (table->twin_of || table_keeps_all(table->of))
            continue;
        bool left =
            e->lost && e->identity != e->source->number; /* what it lacks is still on its way from the old one */
        if (!table->settled || !object || table->state == ROWS_FAILED || table->advised || e->broken || left) {
            e->watched[table->of] = false;
            continue;
        }
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t value = destination_row(object, key);
            int when =
                source_when(e->source, table->of, key, value, e->watched[table->of] ? e->shown[table->of][key] : 0);
            const Row *newest = destination_newest(object, key);
            /* A transaction that was rolled back may have been sent already: its tables fail as that is read. */
            if (when == SOURCE_EARLIER && (!newest || source_has(e->source, newest->value)))
                engine_finding(e, "t%u shows an older row of key %u: value %u after one of commit %u", table->of, key,
                               value, e->shown[table->of][key]);
            if (when >= 0)
                e->shown[table->of][key] = (unsigned)when;
        }
        e->watched[table->of] = true;
    }
}

bool engine_is_caught_up(const Engine *e)
{
    const Session *s = &e->session;
    return e->state == PIPE_RUNNING && e->work && e->ending == ENDS_NOT && s->on && !s->verifying && !s->awaits &&
           !s->group.open && !s->ddl && !e->cut && !s->batch_rows && s->next >= e->source->log->len &&
           batch_tracker_in_flight(e->tracker) == 0 && !batch_cutter_forced(&s->cutter) &&
           e->source->readable >= e->source->log->len && e->destination->running->len == 0 &&
           e->destination->altering->len == 0;
}

bool engine_wants_resync(const Engine *e)
{
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        if (table->state == ROWS_FAILED || table->advised)
            return true;
    }
    return e->state == PIPE_FAILED;
}

static bool is_same(Definition a, Definition b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* A change of the log is decoded by the definition that it was written with. Of a row that is read later what columns
 * were added since may be missing, for nothing was written to them: it would come again. */
static void compare_definition(Engine *e, const Row *row, bool exact)
{
    Definition written;
    if (!source_definition_of(e->source, row->value, &written))
        return;
    bool fits = row->loaded && !exact
                    ? row->definition.added >= written.added && row->definition.modified >= written.modified
                    : row->loaded || is_same(row->definition, written);
    if (!fits)
        engine_finding(e, "the change %u, written by definition %u, was decoded by %u", row->value, written.number,
                       row->definition.number);
}

static void compare_definitions(Engine *e, const Table *table, const Object *object)
{
    Definition is = e->source->definitions[table->of];
    if (!is_same(table->definition, is))
        engine_finding(e, "caught up, and the definition of t%u is %u, not %u", table->of, table->definition.number,
                       is.number);
    if (object->definition.added != is.added || object->definition.modified != is.modified)
        engine_finding(e, "caught up, and %s has %u columns (%u), not %u (%u)", table->target, object->definition.added,
                       object->definition.modified, is.added, is.modified);
}

static void compare_all(Engine *e, const Table *table, const Object *object)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new(NULL, NULL);
    unsigned n = 0;
    if (table->base > e->source->commits->len) {
        engine_finding(e, "caught up, and t%u was loaded from commits that the source has lost", table->of);
        return;
    }
    for (unsigned key = 0; key < KEYS; key++) {
        uint32_t value = source_row(e->source, table->base, table->of, key);
        if (value)
            g_hash_table_add(wanted, GUINT_TO_POINTER(value));
    }
    for (unsigned c = table->base; c < e->source->commits->len; c++) {
        const Commit *commit = e->source->commits->pdata[c];
        if (commit->truncated == (int)table->of)
            g_hash_table_remove_all(wanted);
        for (unsigned i = 0; i < commit->changes->len; i++) {
            const Change *change = &g_array_index(commit->changes, Change, i);
            if (change->table == table->of)
                g_hash_table_add(wanted, GUINT_TO_POINTER(change->value));
        }
    }
    n = g_hash_table_size(wanted);
    for (unsigned i = 0; i < object->rows->len; i++) {
        const Row *row = &g_array_index(object->rows, Row, i);
        compare_definition(e, row, true);
        if (!g_hash_table_remove(wanted, GUINT_TO_POINTER(row->value)))
            engine_finding(e, "t%u has the change %u twice, or it never was", table->of, row->value);
    }
    if (g_hash_table_size(wanted))
        engine_finding(e, "t%u lacks %u of %u changes", table->of, g_hash_table_size(wanted), n);
}

void engine_compare(Engine *e)
{
    if (e->tables->len != TABLES)
        engine_finding(e, "%u tables are in the pipe", e->tables->len);
    if (g_hash_table_size(e->destination->names) != TABLES)
        engine_finding(e, "%u tables are at the destination", g_hash_table_size(e->destination->names));
    for (unsigned i = 0; i < e->tables->len; i++) {
        const Table *table = e->tables->pdata[i];
        const Object *object = destination_find(e->destination, table->target);
        if (!object) {
            engine_finding(e, "%s is not there", table->target);
            continue;
        }
        compare_definitions(e, table, object);
        if (table_keeps_all(table->of)) {
            compare_all(e, table, object);
            continue;
        }
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t is = destination_row(object, key),
                     wanted = source_row(e->source, e->source->commits->len, table->of, key);
            if (is != wanted)
                engine_finding(e, "caught up, and key %u of t%u is %u, not %u", key, table->of, is, wanted);
            const Row *newest = destination_newest(object, key);
            if (newest)
                compare_definition(e, newest, false);
        }
    }
}
