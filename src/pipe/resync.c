/* resync.c - tables loaded anew beside themselves (lifecycle.md, Resync; "Better than the original").
 *
 * A resync gives a table a twin: another PipeTable of the same source table, with a destination table of its own under a name
 * that nobody has (`<target>_resync_<random>`), its own beginning and its own load. The stream feeds both. When the twin is
 * loaded, and the stream has applied all that was logged until then, both destination tables are exchanged in one step, and the
 * twin stands for the table from then on. Readers see rows that only ever get newer.
 *
 * What several tables go into (shared.h) is replaced as a whole, for an exchange would throw away the rows of those that are not in
 * the new one: their twins have one destination table, which is exchanged once, when all of them are ready, and else not at all.
 *
 * Cut off at any point it goes on: what is under way is in the catalog, and whether the exchange was done is told by the uuid of
 * the table that now stands under the name.
 */
#include "pipe/exchange.h"
#include "pipe/pipe_private.h"
#include "pipe/shared.h"

#include <string.h>

#define TARGET_BYTES 150 /* of a table's name before "_resync_...": ClickHouse makes a file's name of it, escaped */

bool resync_is_on(const Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++)
        if (((const PipeTable *)pipe->tables->pdata[i])->record->twin_of)
            return true;
    return false;
}

PipeTable *resync_twin(const Pipe *pipe, const PipeTable *table)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *other = pipe->tables->pdata[i];
        if (other->record->twin_of == table->record->id)
            return other;
    }
    return NULL;
}

static PipeTable *original_of(const Pipe *pipe, const PipeTable *twin)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *other = pipe->tables->pdata[i];
        if (other->record->id == twin->record->twin_of)
            return other;
    }
    return NULL;
}

/* ---- Beginning ---- */

static char *twin_target(const char *target)
{
    const char *end = target + strlen(target);
    if (end - target > TARGET_BYTES)
        end = g_utf8_find_prev_char(target, target + TARGET_BYTES);
    return g_strdup_printf("%.*s_resync_%08x%08x", (int)(end - target), target, g_random_int(), g_random_int());
}

static bool is_named(const GPtrArray *names, const PipeTable *table)
{
    for (unsigned i = 0; i < names->len; i++)
        if (edit_is_named(table, names->pdata[i]))
            return true;
    return false;
}

/* It, or one whose rows stand in the same table. */
static bool is_wanted(const Pipe *pipe, const GPtrArray *names, const PipeTable *table)
{
    bool wanted = !names || is_named(names, table);
    for (PipeTable *other = NULL; !wanted && (other = shared_next(pipe, table, other));)
        wanted = is_named(names, other);
    return wanted;
}

/* It has rows at the destination that a twin is to replace. */
static bool is_to_be_replaced(const Pipe *pipe, const PipeTable *table)
{
    bool loaded = table->record->loaded;
    for (PipeTable *other = NULL; !loaded && (other = shared_next(pipe, table, other));)
        loaded = other->record->loaded;
    return loaded;
}

static CatalogTable *twin_record(const CatalogTable *of)
{
    CatalogTable *twin = g_new0(CatalogTable, 1);
    twin->database = g_strdup(of->database);
    twin->name = g_strdup(of->name);
    twin->target = twin_target(of->target);
    twin->rows_estimate = MAX(of->rows_estimate, of->rows_done);
    twin->twin_of = of->id;
    return twin;
}

/* Where the twin of one that shares its target is, or will be, loaded; NULL: there is none. */
static const char *twins_target(const Pipe *pipe, const PipeTable *table, const GPtrArray *records)
{
    for (PipeTable *other = NULL; (other = shared_next(pipe, table, other));) {
        const PipeTable *twin = resync_twin(pipe, other);
        if (twin)
            return twin->record->target;
        for (unsigned i = 0; i < records->len; i++)
            if (((const CatalogTable *)records->pdata[i])->twin_of == other->record->id)
                return ((const CatalogTable *)records->pdata[i])->target;
    }
    return NULL;
}

/* Of the tables that are loaded; what is not is loaded in its own place. */
static GPtrArray *make_twins(const Pipe *pipe, const GPtrArray *names)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *table = pipe->tables->pdata[i];
        const CatalogTable *record = table->record;
        if (record->twin_of || record->removing || resync_twin(pipe, table) || !is_wanted(pipe, names, table) ||
            !is_to_be_replaced(pipe, table))
            continue;
        CatalogTable *twin = twin_record(record);
        const char *with = twins_target(pipe, table, records);
        if (with) {
            g_free(twin->target);
            twin->target = g_strdup(with);
        }
        g_ptr_array_add(records, twin);
    }
    return records;
}

static bool save(Pipe *pipe, PipeTable *table, GError **error)
{
    if (pipe_save_table(pipe, table, pipe->life))
        return true;
    cancel_set_error(pipe->life, error);
    return false;
}

/* ---- Targets that are somebody's ---- */

bool resync_stand_aside(Pipe *pipe, PipeTable *table, GError **error)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->resyncing = true;
    source_table_unref(atomic_exchange(&table->definition, NULL));
    atomic_store(&table->state, TABLE_KEPT);
    pthread_mutex_unlock(&pipe->lock);
    return save(pipe, table, error);
}

PipeTable *resync_divert(Pipe *pipe, PipeTable *table, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    g_ptr_array_add(records, twin_record(table->record));
    if (!edit_add(pipe, records, NULL, error) || !resync_stand_aside(pipe, table, error))
        return NULL;
    pipe_journal(pipe, "engine", "table", NULL, "%s.%s is loaded beside the table %s that is there, and takes its place when it is whole",
                 table->record->database, table->record->name, table->record->target);
    return resync_twin(pipe, table);
}

/* The log that these tables would need is not read any more. Those of a Completed pipe are the source's at one position, and changes
 * of a later one alone would make them the source's at none. */
static bool keep_or_advise(Pipe *pipe, GError **error)
{
    bool completed = pipe->state == PIPE_COMPLETED;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (table->record->twin_of || !table->record->definition)
            continue;
        pthread_mutex_lock(&pipe->lock);
        g_clear_pointer(&table->record->begin_file, g_free);
        g_clear_pointer(&table->record->begin_gtid, g_free);
        table->record->begin_pos = 0;
        bool twin = resync_twin(pipe, table) != NULL;
        if (twin || completed)
            atomic_store(&table->state, TABLE_KEPT);
        if (!completed && (!twin || pipe->mode == PIPE_MODE_SNAPSHOT))
            table->record->resync_advised = true;
        pthread_mutex_unlock(&pipe->lock);
        if (!save(pipe, table, error))
            return false;
    }
    return true;
}

static bool write_nowhere(Catalog *catalog, void *data, GError **error)
{
    const Pipe *pipe = data;
    CatalogCheckpoint checkpoint;
    if (!catalog_checkpoint_load(catalog, pipe->id, &checkpoint, error))
        return false;
    CatalogCheckpoint nowhere = {.epoch = checkpoint.epoch + 1, .saved_at = clock_real_usec()};
    catalog_checkpoint_clear(&checkpoint);
    return catalog_checkpoint_save(catalog, pipe->id, &nowhere, UINT64_MAX >> 1, NULL, error);
}

/* The pipe begins anew at the end of the log, under a new epoch: setup_new_tables finds that it has no place. */
static bool give_up_position(Pipe *pipe, GError **error)
{
    if (!keep_or_advise(pipe, error))
        return false;
    FAULT_POINT("resync-tables-kept");
    if (!pipe_catalog_write(pipe, pipe->life, write_nowhere, pipe)) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    FAULT_POINT("resync-position-given-up");
    pthread_mutex_lock(&pipe->lock);
    catalog_checkpoint_clear(&pipe->applied);
    pipe->fresh_until = 0;
    pthread_mutex_unlock(&pipe->lock);
    return true;
}

/* Loads that began before what is given up, and those that failed. */
bool resync_start_loads_over(Pipe *pipe, const GPtrArray *names, bool anew, GError **error)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        bool failed = !table_state_is_followed(atomic_load(&table->state)) && (!names || is_named(names, table));
        bool is_load = table->record->twin_of || !table->record->loaded;
        if (is_load && (anew || failed) && !edit_start_over(pipe, table, error))
            return false;
    }
    return true;
}

/* An earlier one that was to be cancelled, and was not to its end, goes on. */
static bool forget_cancel(Pipe *pipe, GError **error)
{
    return !resync_is_cancelled(pipe) || edit_mark_twins(pipe, 0, error);
}

/* Who was not named, and is loaded again all the same. */
static void tell_who_comes_along(Pipe *pipe, const GPtrArray *names, const GPtrArray *records)
{
    for (unsigned i = 0; names && i < records->len; i++) {
        const CatalogTable *record = records->pdata[i];
        g_autofree char *name = selection_name(record->database, record->name);
        const PipeTable *table = edit_find(pipe, name);
        if (table && !is_named(names, table))
            pipe_journal(pipe, "engine", "table", NULL, "%s is loaded again too: its rows stand in the same table, %s",
                         name, table->record->target);
    }
}

bool resync_begin(Pipe *pipe, const GPtrArray *names, bool anew, GError **error)
{
    g_autoptr(GPtrArray) records = make_twins(pipe, names);
    pthread_mutex_lock(&pipe->lock);
    pipe->resyncing = true;
    pthread_mutex_unlock(&pipe->lock);
    tell_who_comes_along(pipe, names, records);
    return forget_cancel(pipe, error) && resync_start_loads_over(pipe, names, anew, error) && edit_add(pipe, records, NULL, error) &&
           (!anew || give_up_position(pipe, error));
}

/* ---- Ends that are none ---- */

static void fail_kept(Pipe *pipe, PipeTable *table, const char *what)
{
    GError *why = g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s: %s", table->record->database, table->record->name, what);
    RetryDecision decision = retry_decide(why, SIDE_SOURCE);
    pipe_table_fail(pipe, table, why, &decision, NULL);
    g_error_free(why);
}

/* The table goes on as it was; where the log between was given up, it cannot. */
static bool stand_alone(Pipe *pipe, PipeTable *table, const char *error_json, GError **error)
{
    bool kept = atomic_load(&table->state) == TABLE_KEPT;
    if (kept && !table->record->definition && !error_json && shared_is(pipe, table)) {
        atomic_store(&table->state, TABLE_WAITING); /* it came just before, and is loaded beside the others */
    } else if (kept && !table->record->definition) {
        fail_kept(pipe, table, "nothing was loaded: what was to take the place of the table that stood at the destination is not there");
    } else if (kept && pipe->mode == PIPE_MODE_SNAPSHOT) {
        atomic_store(&table->state, table->record->error ? TABLE_FAILED : TABLE_LIVE); /* it is what it was */
    } else if (kept) {
        fail_kept(pipe, table,
                  "changes of it are missing: its position in the log was given up for a resync, which did not come to its end");
    }
    if (error_json) {
        pthread_mutex_lock(&pipe->lock);
        g_free(table->record->error);
        table->record->error = g_strdup(error_json);
        pthread_mutex_unlock(&pipe->lock);
    }
    return save(pipe, table, error);
}

static bool drop_twin(Pipe *pipe, Clickhouse *ch, PipeTable *twin, const char *error_json, GError **error)
{
    PipeTable *original = original_of(pipe, twin);
    return setup_drop_target(pipe, ch, twin, twin->record->target, error) &&
           (!original || stand_alone(pipe, original, error_json, error)) && edit_forget(pipe, twin, error);
}

bool resync_is_cancelled(const Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        if (record->twin_of && record->removing)
            return true;
    }
    return false;
}

bool resync_note_cancel(Pipe *pipe, GError **error)
{
    if (!edit_mark_twins(pipe, 1, error))
        return false;
    FAULT_POINT("resync-cancel-noted");
    return true;
}

bool resync_cancel(Pipe *pipe, GError **error)
{
    g_autoptr(Clickhouse) ch = setup_open_destination(pipe, pipe->life, error);
    if (!ch)
        return false;
    for (unsigned i = pipe->tables->len; i-- > 0;) {
        PipeTable *twin = pipe->tables->pdata[i];
        if (!twin->record->twin_of)
            continue;
        FAULT_POINT("resync-cancelling");
        if (!drop_twin(pipe, ch, twin, NULL, error))
            return false;
    }
    return true;
}

/* ---- The exchange ---- */

typedef struct {
    int64_t replaced; /* id */
    const CatalogTable *by;
} Replacement;

static bool write_replace(Catalog *catalog, void *data, GError **error)
{
    const Replacement *replacement = data;
    return catalog_table_replace(catalog, replacement->replaced, replacement->by, error);
}

/* What changed at the source so far. A table that was followed has counted what its twin has, too. */
static void carry_counters(PipeTable *table, CatalogTable *to)
{
    const CatalogTable *from = table->record;
    bool both = !table_state_is_followed(atomic_load(&table->state));
    to->inserts = from->inserts + (both ? to->inserts : 0);
    to->updates = from->updates + (both ? to->updates : 0);
    to->deletes = from->deletes + (both ? to->deletes : 0);
    to->last_change = MAX(from->last_change, to->last_change);
}

/* What the twin's record is under the name. Its texts belong to the two records. */
static CatalogTable record_in_place(PipeTable *table, PipeTable *twin, bool exchanged)
{
    CatalogTable record = *twin->record;
    if (exchanged)
        record.leftover = record.target;
    record.target = table->record->target;
    record.twin_of = 0;
    record.removing = table->record->removing; /* not what was said of the twin: that the resync is cancelled */
    record.exchange_uuid = NULL;
    record.state = (char *)table_state_name(atomic_load(&twin->state));
    carry_counters(table, &record);
    return record;
}

/* The twin stands under the name: it is the table from now on. Whoever looks sees one of the two, also while the
 * catalog cannot be written; the texts of both records stay as they are until then: nobody but this thread changes them
 * while no Work runs. */
static bool take_place(Pipe *pipe, PipeTable *table, PipeTable *twin, bool exchanged, GError **error)
{
    pthread_mutex_lock(&pipe->lock);
    CatalogTable placed = record_in_place(table, twin, exchanged);
    pthread_mutex_unlock(&pipe->lock);
    if (!pipe_catalog_write(pipe, pipe->life, write_replace, &(Replacement){table->record->id, &placed})) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    FAULT_POINT("resync-place-taken");
    pthread_mutex_lock(&pipe->load_lock);
    pthread_mutex_lock(&pipe->lock);
    CatalogTable *record = twin->record;
    g_free(record->exchange_uuid);
    g_free(record->state);
    if (!exchanged)
        g_free(record->target); /* else what is left over has it */
    *record = placed;
    record->state = g_strdup(placed.state);
    record->target = g_steal_pointer(&table->record->target);
    g_ptr_array_remove(pipe->tables, table);
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
    pipe_journal(pipe, "engine", "table", NULL, "%s.%s was loaded again: %" G_GUINT64_FORMAT " rows took its place",
                 twin->record->database, twin->record->name, atomic_load(&twin->rows_done));
    return true;
}

/* What is to stand under the name when the exchange is done, noted before it is begun. */
static bool note_proof(Pipe *pipe, Clickhouse *ch, PipeTable *twin, GError **error)
{
    GError *problem = NULL;
    if (twin->record->exchange_uuid)
        return true;
    char *uuid = dest_table_uuid(ch, clickhouse_database(ch), twin->record->target, &problem);
    if (!uuid) {
        if (!problem)
            g_set_error(&problem, SLUICE_ERROR, SLUICE_ERROR_TABLE, "the destination table %s, which held the rows of the resync, is gone",
                        twin->record->target);
        g_propagate_error(error, problem);
        return false;
    }
    pthread_mutex_lock(&pipe->lock);
    twin->record->exchange_uuid = uuid;
    pthread_mutex_unlock(&pipe->lock);
    return save(pipe, twin, error);
}

/* An insert that was given up on may still write into the table that it began with. */
static bool kill_inserts(Pipe *pipe, Clickhouse *ch, bool *gone, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("sluice-%s-", pipe->uuid);
    *gone = *gone || insert_kill_all(ch, prefix, pipe->life, error);
    return *gone;
}

static bool note_proofs(Pipe *pipe, Clickhouse *ch, const GPtrArray *twins, GError **error)
{
    for (unsigned i = 0; i < twins->len; i++) {
        if (!note_proof(pipe, ch, twins->pdata[i], error))
            return false;
        FAULT_POINT("resync-proof-noted");
    }
    return true;
}

/* `stands`: the uuid of the table that has the original's name. */
static bool is_exchanged(const char *stands, const PipeTable *twin)
{
    return g_strcmp0(stands, twin->record->exchange_uuid) == 0 && RULE_HOLDS("exchange-is-proven");
}

/* `twins`: of one destination table. `gone`: no insert is under way any more. */
static bool exchange_all(Pipe *pipe, Clickhouse *ch, const GPtrArray *twins, bool *gone, GError **error)
{
    const PipeTable *first = twins->pdata[0];
    const char *database = clickhouse_database(ch), *target = original_of(pipe, first)->record->target,
               *other = first->record->target;
    GError *problem = NULL;

    g_autofree char *stands = NULL;
    ExchangeSituation at = {.inserts_gone = *gone};
    for (ExchangeStep step; (step = exchange_next(&at)) != EXCHANGE_TAKE_PLACE;) {
        bool ok = true;
        switch (step) {
        case EXCHANGE_KILL:
            ok = at.inserts_gone = kill_inserts(pipe, ch, gone, error);
            break;
        case EXCHANGE_NOTE:
            ok = at.noted = note_proofs(pipe, ch, twins, error);
            break;
        case EXCHANGE_LOOK:
            stands = dest_table_uuid(ch, database, target, &problem);
            at.looked = true;
            at.stands = stands != NULL;
            at.done = is_exchanged(stands, first);
            if (problem)
                g_propagate_error(error, problem);
            ok = !problem;
            break;
        case EXCHANGE_SWAP:
            ok = at.done = dest_table_exchange(ch, database, target, other, error);
            break;
        case EXCHANGE_RENAME:
            ok = at.done = dest_table_rename(ch, database, other, target, error);
            break;
        case EXCHANGE_WAIT: /* no Work runs: it ended when all that it had read was sent (END_REACHED has no deadline)
                             */
        case EXCHANGE_TAKE_PLACE:
            break;
        }
        if (!ok)
            return false;
    }
    FAULT_POINT("resync-exchanged");
    for (unsigned i = 0; i < twins->len; i++)
        if (!take_place(pipe, original_of(pipe, twins->pdata[i]), twins->pdata[i], at.stands, error))
            return false;
    return true;
}

/* The exchange was done, and a crash came before the catalog knew: what the stream sends to the twin would go into the table that
 * is to be dropped, and a table that was not followed would get nothing. */
static bool settle_one(Pipe *pipe, Clickhouse *ch, PipeTable *twin, GError **error)
{
    GError *problem = NULL;
    PipeTable *table = original_of(pipe, twin);
    g_autofree char *stands = table ? dest_table_uuid(ch, clickhouse_database(ch), table->record->target, &problem) : NULL;
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    return !is_exchanged(stands, twin) || take_place(pipe, table, twin, true, error);
}

bool resync_settle(Pipe *pipe, GError **error)
{
    g_autoptr(Clickhouse) ch = NULL;
    for (unsigned i = pipe->tables->len; i-- > 0;) {
        if (i >= pipe->tables->len)
            continue;
        PipeTable *twin = pipe->tables->pdata[i];
        if (!twin->record->twin_of || !twin->record->exchange_uuid)
            continue;
        if ((!ch && !(ch = setup_open_destination(pipe, pipe->life, error))) || !settle_one(pipe, ch, twin, error))
            return false;
    }
    return true;
}

/* The twins with the destination table of this one, itself among them. */
static GPtrArray *twins_with(const Pipe *pipe, PipeTable *twin)
{
    GPtrArray *twins = g_ptr_array_new();
    g_ptr_array_add(twins, twin);
    for (PipeTable *other = NULL; (other = shared_next(pipe, twin, other));)
        g_ptr_array_add(twins, other);
    return twins;
}

/* One whose rows the new table does not have, or not all of them; NULL: it has them all. */
static PipeTable *who_is_missing(const Pipe *pipe, const GPtrArray *twins)
{
    for (unsigned i = 0; i < twins->len; i++) {
        PipeTable *twin = twins->pdata[i], *table = original_of(pipe, twin);
        if (!table || atomic_load(&twin->state) != TABLE_LIVE)
            return twin;
        for (PipeTable *other = NULL; (other = shared_next(pipe, table, other));)
            if (!resync_twin(pipe, other) && other->record->generation > 0) /* else it never had rows */
                return other;
    }
    return NULL;
}

static bool give_up(Pipe *pipe, Clickhouse *ch, PipeTable *twin, const char *missing, GError **error)
{
    PipeTable *table = original_of(pipe, twin);
    const CatalogTable *record = twin->record;
    int state = atomic_load(&twin->state);

    if (table && state == TABLE_DROPPED)
        atomic_store(&table->state, TABLE_DROPPED);
    if (table && state == TABLE_LIVE) /* another's fault */
        pipe_journal(
            pipe, "error", "table", NULL,
            "the resync of %s.%s did not come to its end: %s, whose rows stand in the same table, was not loaded "
            "again; mend or remove that, then resync",
            record->database, record->name, missing);
    else
        pipe_journal(pipe, "error", "table", NULL, "the resync of %s.%s did not come to its end: it %s",
                     record->database, record->name, state == TABLE_DROPPED ? "was dropped at the source" : "failed");
    return drop_twin(pipe, ch, twin, record->error, error);
}

/* Of all that have one destination table. */
static bool finish(Pipe *pipe, Clickhouse *ch, PipeTable *twin, bool *gone, GError **error)
{
    g_autoptr(GPtrArray) twins = twins_with(pipe, twin);
    const PipeTable *missing = who_is_missing(pipe, twins);
    if (!missing)
        return exchange_all(pipe, ch, twins, gone, error);
    g_autofree char *name =
        selection_name(missing->record->database, missing->record->name); /* it may be gone before the last of them */
    for (unsigned i = 0; i < twins->len; i++)
        if (!give_up(pipe, ch, twins->pdata[i], name, error))
            return false;
    return true;
}

bool resync_exchange(Pipe *pipe, GError **error)
{
    g_autoptr(Clickhouse) ch = setup_open_destination(pipe, pipe->life, error);
    bool gone = false;
    if (!ch || !resync_settle(pipe, error))
        return false;
    for (unsigned i = pipe->tables->len; i-- > 0;) {
        if (i >= pipe->tables->len)
            continue;
        PipeTable *twin = pipe->tables->pdata[i];
        if (!twin->record->twin_of)
            continue;
        GError *problem = NULL;
        if (finish(pipe, ch, twin, &gone, &problem))
            continue;
        RetryDecision decision = retry_decide(problem, SIDE_DESTINATION);
        if (decision.verdict != VERDICT_FAIL_TABLE) {
            g_propagate_error(error, problem);
            return false;
        }
        pipe_table_fail(pipe, twin, problem, &decision, NULL);
        g_error_free(problem);
        if (!finish(pipe, ch, twin, &gone, error))
            return false;
    }
    return true;
}

bool resync_drop_leftover(Pipe *pipe, Clickhouse *ch, PipeTable *table, GError **error)
{
    GError *problem = NULL;
    FAULT_POINT("resync-before-drop");
    if (!setup_drop_target(pipe, ch, table, table->record->leftover, &problem)) {
        if (!g_error_matches(problem, SLUICE_ERROR, SLUICE_ERROR_REFUSED)) {
            g_propagate_error(error, problem);
            return false;
        }
        pipe_journal(pipe, "engine", "note", NULL, "what stood as %s before the resync is kept as %s: it was not made by this pipe",
                     table->record->target, table->record->leftover);
        g_error_free(problem);
    }
    pthread_mutex_lock(&pipe->lock);
    g_clear_pointer(&table->record->leftover, g_free);
    pthread_mutex_unlock(&pipe->lock);
    return save(pipe, table, error);
}

bool resync_drop_leftovers(Pipe *pipe, GError **error)
{
    g_autoptr(Clickhouse) ch = NULL;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!table->record->leftover)
            continue;
        if ((!ch && !(ch = setup_open_destination(pipe, pipe->life, error))) || !resync_drop_leftover(pipe, ch, table, error))
            return false;
    }
    return true;
}
