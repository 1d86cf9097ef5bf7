/* stream_failover.c - what the server that answers has of what was read before: of the stream, and of loads; and how
 * the stream goes over to another one (replication.md: Versions, Failover).
 */
#include "pipe/exact.h"
#include "pipe/stream_private.h"

#define GTID_TRIES    20 /* for all that the stream has read, and for all that loads have, before a session */
#define GTID_TRY_USEC (500 * 1000)

#define BEGINNING_LOST                                                                                                 \
    "another server took over before the stream came to where its load began, and where that is in this one's log "    \
    "cannot be told"

typedef struct {
    int64_t pipe_id;
    uint32_t server_id;
    const char *identity;
    const CatalogCheckpoint *checkpoint;
} Failover;

SourceConnection *stream_ask_source(Stream *s, GError **error)
{
    g_autoptr(SourceConnection) source = source_open(s->work->source_url, s->work->reading, error);
    return source && setup_is_followed(s->pipe, source, error) ? g_steal_pointer(&source) : NULL;
}

/* ---- What the server lacks ---- */

/* A replica that has become the server may still be applying what it received, so it is given a moment. `missing`:
 * NULL, nothing is; free with g_free. */
static bool look_for_missing(Stream *s, SourceConnection *source, const char *gtid, char **missing, GError **error)
{
    for (;; s->gtid_tries++) {
        GError *problem = NULL;
        *missing = source_gtids_missing(source, gtid, &problem);
        if (problem) {
            g_propagate_error(error, problem);
            return false;
        }
        if (!*missing || s->gtid_tries == GTID_TRIES)
            return true;
        g_clear_pointer(missing, g_free);
        if (cancel_sleep(s->work->reading, GTID_TRY_USEC)) {
            cancel_set_error(s->work->reading, error);
            return false;
        }
    }
}

/* False: an error, which comes again until the server has it. */
static bool is_not_applied_yet(SourceConnection *source, const char *missing, GError **error)
{
    if (source_server(source)->flavour != SOURCE_MYSQL || !source_gtids_received(source, missing))
        return false;
    g_set_error(
        error, SOURCE_ERROR, 1205,
        "the server (%s) has received the transactions %.300s, and has not applied them yet; check its replication",
        source_server(source)->identity, missing);
    return true;
}

bool stream_check_gtids(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    g_autofree char *missing = NULL;
    if (!look_for_missing(s, source, checkpoint->gtid ? checkpoint->gtid : "", &missing, error))
        return false;
    if (!missing)
        return true;
    if (!is_not_applied_yet(source, missing, error))
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
            "the server (%s) has not the transactions %.300s, which were replicated already: it lost them, or has "
            "another history",
            source_server(source)->identity, missing);
    return false;
}

bool stream_server_has(Stream *s, SourceConnection *source, const char *gtid, bool *has, GError **error)
{
    g_autofree char *missing = NULL;
    s->gtid_tries = 0;
    if (!look_for_missing(s, source, gtid, &missing, error) || (missing && is_not_applied_yet(source, missing, error)))
        return false;
    *has = !missing;
    return true;
}

/* ---- What loads have read ---- */

static GtidSet *applied_gtids(SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    return gtid_set_parse(source_server(source)->flavour, checkpoint->gtid ? checkpoint->gtid : "", error);
}

/* What was read of it is of transactions among these; NULL: nothing was, or it is not known (`unknown`). Free with
 * g_free. */
static char *read_of(Pipe *pipe, PipeTable *table, bool *unknown)
{
    pthread_mutex_lock(&pipe->load_lock);
    *unknown = pipe_table_wants_loading(table) && table->read_unseen;
    char *gtid = g_strdup(table->read_gtid);
    pthread_mutex_unlock(&pipe->load_lock);
    if (gtid || !pipe_table_wants_loading(table))
        return gtid;
    pthread_mutex_lock(&pipe->lock);
    gtid = g_strdup(table->record->begin_gtid); /* its readers wait for this */
    pthread_mutex_unlock(&pipe->lock);
    return gtid;
}

static void load_is_lost(Stream *s, PipeTable *table, bool other)
{
    const char *how =
        other ? "another server took over, which may lack what was read of" : "the server has lost what was read of";
    if (!pipe_table_wants_loading(table)) {
        g_autofree char *why = g_strdup_printf("%s this table when it was loaded", how);
        pipe_table_advise_resync(s->pipe, table, why, NULL);
        return;
    }
    g_autoptr(GError) error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE, "%s table %s.%s, which was being loaded",
                                          how, table->record->database, table->record->name);
    RetryDecision decision = retry_decide(error, SIDE_SOURCE);
    pipe_table_fail(s->pipe, table, error, &decision, NULL);
    command_start_over(s->pipe, table);
}

/* The catalog forgets it when the table is saved the next time: until then a start finds that it was reached. */
static void forget_read(Pipe *pipe, PipeTable *table)
{
    pthread_mutex_lock(&pipe->load_lock);
    g_clear_pointer(&table->read_gtid, g_free);
    pthread_mutex_lock(&pipe->lock);
    g_clear_pointer(&table->record->read_gtid, g_free);
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
}

/* `missing`: NULL, the server has all of it. */
static bool look_for_read(Stream *s, SourceConnection *source, const GtidSet *ours, bool other, PipeTable *table,
                          const char *gtid, char **missing, GError **error)
{
    SourceFlavour flavour = source_server(source)->flavour;
    g_autoptr(GtidSet) read = gtid_set_parse(flavour, gtid, error);
    *missing = NULL;
    if (!read)
        return false;
    bool reached = gtid_set_reaches(ours, read);
    /* That the server has what the checkpoint has is known already. At another MariaDB the numbers may be of another
     * server's transactions; at the same one they may be gone from its state after months (DELETE_DOMAIN_ID). */
    bool known = reached && (flavour == SOURCE_MYSQL || (!other && !pipe_table_wants_loading(table)));
    if (!known && !look_for_missing(s, source, gtid, missing, error))
        return false;
    if (*missing && is_not_applied_yet(source, *missing, error))
        return false;
    if (!*missing && reached && !pipe_table_wants_loading(table))
        forget_read(s->pipe, table); /* the stream has come to all of it */
    return true;
}

bool stream_judge_loads(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, bool other,
                        GError **error)
{
    if (!RULE_HOLDS("loads-are-of-this-history"))
        return true;
    g_autoptr(GtidSet) ours = applied_gtids(source, checkpoint, error);
    if (!ours)
        return false;
    s->gtid_tries = 0; /* what loads have read is ahead of the checkpoint, and may come later */
    for (unsigned i = 0; i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        g_autofree char *missing = NULL;
        bool unknown;
        if (!table->definition || !table_state_is_followed(atomic_load(&table->state)))
            continue;
        g_autofree char *gtid = read_of(s->pipe, table, &unknown);
        unknown = unknown && other;
        if (!unknown && gtid && !look_for_read(s, source, ours, other, table, gtid, &missing, error))
            return false;
        if (unknown || missing) {
            load_is_lost(s, table, other);
            forget_read(s->pipe, table);
        }
    }
    return true;
}

/* ---- Over to another server ---- */

static bool write_failover(Catalog *catalog, void *data, GError **error)
{
    Failover *failover = data;
    /* In this order: cut off in between, the new server is still another one, and all of it is done again. */
    return catalog_checkpoint_save(catalog, failover->pipe_id, failover->checkpoint, UINT64_MAX >> 1, NULL, error) &&
           catalog_pipe_set_source(catalog, failover->pipe_id, failover->server_id, failover->identity, error);
}

/* The other server's log is read from the checkpoint on, with other versions. Rows behind it that were sent already
 * stay: where they were rolled back, or where each change is kept, no later one mends that. NULL: nothing is lost by
 * it. */
static const char *why_advised(const Stream *s, const PipeTable *table, const CatalogCheckpoint *checkpoint)
{
    const CatalogTable *record = table->record;
    if (!table->definition || !table_state_is_followed(atomic_load(&table->state)))
        return NULL;
    if (s->sent_ahead)
        return "another server took over while changes were on their way that no checkpoint covers";
    bool begins_ahead =
        record->begin_file && (!checkpoint->file || binlog_position_compare(record->begin_file, record->begin_pos,
                                                                            checkpoint->file, checkpoint->pos) > 0);
    return begins_ahead && exact_is(table) ? "another server took over before the stream came to where its load began"
                                           : NULL;
}

/* Where tables began is a place in the other server's log, which cannot be compared with places in this one's. What is
 * read again before it, where a table began ahead of the stream, changes no row that is kept once; its GTIDs tell most
 * of it (find_beginning). */
static bool forget_beginnings(Stream *s, const CatalogCheckpoint *checkpoint)
{
    Pipe *pipe = s->pipe;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        const char *why = why_advised(s, table, checkpoint);
        if (why)
            pipe_table_advise_resync(pipe, table, why, NULL);
        pthread_mutex_lock(&pipe->lock);
        g_clear_pointer(&table->record->begin_file, g_free);
        table->record->begin_pos = 0;
        pthread_mutex_unlock(&pipe->lock);
        if (!pipe_save_table(pipe, table, s->work->reading))
            return false;
    }
    return true;
}

/* Readers that are still on the server that was left hand nothing over from now on (setup_is_followed). */
static void set_failing_over(Pipe *pipe, bool on)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->failing_over = on;
    pthread_mutex_unlock(&pipe->lock);
}

static bool go_over(Stream *s, SourceConnection *source, CatalogCheckpoint *checkpoint, GError **error)
{
    Pipe *pipe = s->pipe;
    const char *identity = source_server(source)->identity;
    if (!stream_judge_loads(s, source, checkpoint, true, error) || !stream_judge_statements(s, source, 0, error))
        return false;
    s->awaits_statement = false; /* in another server's log others may stand before it */
    if (!forget_beginnings(s, checkpoint)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    if (RULE_HOLDS("epoch-grows-with-the-server"))
        checkpoint->epoch++;
    checkpoint->offset = 0;
    checkpoint->sum = 0;
    g_clear_pointer(&checkpoint->file, g_free); /* it is the other server's */
    checkpoint->pos = 0;
    g_clear_pointer(&checkpoint->print_file, g_free);
    g_clear_pointer(&checkpoint->print_gtid, g_free);
    Failover failover = {
        .pipe_id = pipe->id, .server_id = pipe->record->server_id, .identity = identity, .checkpoint = checkpoint};
    if (!pipe_catalog_write(pipe, s->work->reading, write_failover, &failover)) {
        cancel_set_error(s->work->reading, error);
        return false;
    }
    /* Together: who sees the new server sees no place in the log of the one that was left, and compares none with this
     * one's. */
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->record->identity);
    pipe->record->identity = g_strdup(identity);
    catalog_checkpoint_clear(&pipe->applied);
    checkpoint_copy(&pipe->applied, checkpoint);
    pthread_mutex_unlock(&pipe->lock);
    snapshot_forget_reads(s->work);
    /* The place to stop at was the other server's too; the monitor notes none of it any more. */
    pthread_mutex_lock(&s->work->stop_lock);
    g_clear_pointer(&s->work->stop_file, g_free);
    pthread_mutex_unlock(&s->work->stop_lock);
    pipe_journal(pipe, "engine", "position", NULL, "another server answers (%s): going on there from GTID %s, epoch %u",
                 identity, checkpoint->gtid, checkpoint->epoch);
    return true;
}

bool stream_fail_over(Stream *s, SourceConnection *source, CatalogCheckpoint *checkpoint, GError **error)
{
    if (!checkpoint->gtid || !*checkpoint->gtid || settings_by_file(&s->work->settings)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_HISTORY,
                    "another server answers (%s): the position of this pipe is only good at the one it was read from",
                    source_server(source)->identity);
        return false;
    }
    set_failing_over(s->pipe, true);
    bool ok = go_over(s, source, checkpoint, error);
    set_failing_over(s->pipe, false);
    return ok;
}

/* ---- Where tables began ---- */

/* MariaDB, at another server than where the table began, and before that: what stands before it there is of another
 * definition, maybe, and is passed by as far as numbers tell (doubt_beginnings). */
static bool find_beginning(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, PipeTable *table,
                           GError **error)
{
    const char *gtid = table->record->begin_gtid;
    g_autoptr(GtidSet) begin = gtid_set_parse(SOURCE_MARIADB, gtid, error);
    g_autoptr(GtidSet) ours = begin ? applied_gtids(source, checkpoint, error) : NULL;
    if (!ours)
        return false;
    pthread_mutex_lock(&s->pipe->lock);
    bool advised = table->record->resync_advised;
    pthread_mutex_unlock(&s->pipe->lock);
    if (advised || gtid_set_reaches(ours, begin))
        return true;
    g_autofree char *missing = NULL;
    if (!look_for_missing(s, source, gtid, &missing, error))
        return false;
    if (missing)
        pipe_table_advise_resync(s->pipe, table, BEGINNING_LOST, NULL);
    else
        table->begin_set = g_steal_pointer(&begin);
    s->begin_ahead = s->begin_ahead || table->begin_set;
    return true;
}

/* Where each table began, as this server's GTIDs tell it. */
bool stream_parse_beginnings(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error)
{
    bool mysql = source_server(source)->flavour == SOURCE_MYSQL;
    for (unsigned i = 0; i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        g_clear_pointer(&table->begin_set, gtid_set_free);
        if (table->record->begin_file || !table->record->begin_gtid)
            continue;
        if (mysql && !(table->begin_set = gtid_set_parse(SOURCE_MYSQL, table->record->begin_gtid, error)))
            return false;
        /* Where each change is kept the load began elsewhere, and a resync is advised in any case. */
        bool followed = table_state_is_followed(atomic_load(&table->state));
        if (!mysql && followed && !exact_is(table) && !find_beginning(s, source, checkpoint, table, error))
            return false;
    }
    return true;
}

/* MariaDB: numbers of one domain may have come out of order from several servers. Behind the first that is not surely
 * before the beginning nothing is passed by any more, for rows that are read again are right only when all behind them
 * are, too; nor later, which the advice tells (find_beginning). */
void stream_doubt_beginnings(Stream *s, const GtidEvent *gtid)
{
    for (unsigned i = 0; s->begin_ahead && i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        if (!table->begin_set || !gtid_set_contains(table->begin_set, gtid) ||
            gtid_set_is_repeat(table->begin_set, gtid))
            continue;
        g_clear_pointer(&table->begin_set, gtid_set_free);
        pipe_table_advise_resync(s->pipe, table, BEGINNING_LOST, NULL);
    }
}
