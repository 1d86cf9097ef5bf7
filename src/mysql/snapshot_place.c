/* snapshot_place.c - a snapshot that holds what was logged up to a position, on MariaDB.
 *
 * A server tells of which place of its log a snapshot is. That place is moved by commits, in their order, and by the
 * CHECKPOINT that is written some time after a log began: by that also while a commit that stands before it cannot be
 * seen yet, because semi-synchronous replication holds it between log and commit (AFTER_SYNC) [tried on 10.11
 * and 11.8]. What is held keeps all later commits from the log [tried]. So where semi-synchronous replication is on, or
 * was on, a place is believed when a transaction stands between what was asked for and it (where the place itself
 * counts: when a transaction ends there), or when nothing is held and nothing moves for a moment. When the commit is
 * let go the place goes back to its end: then no transaction stands between the place and what was asked for. Until it
 * is seen, which on a busy server takes its time, the place is the one that it was while the commit was held: that one
 * is not believed.
 */
#include "base/base.h"
#include "mysql/consistent_private.h"

#include <string.h>

#define VISIBLE_WAIT_USEC     (60 * G_USEC_PER_SEC)
#define VISIBLE_POLL_MAX_USEC (100 * 1000)
/* Between being logged and being held a commit is on its way for microseconds. */
#define QUIET_USEC       (200 * 1000)
#define EVENTS_AT_ONCE   "1000"

/* Where the snapshot of the open transaction stands: free `out_file` with g_free. */
static bool snapshot_position(SourceConnection *source, char **out_file, uint64_t *out_pos, GError **error)
{
    g_autoptr(SourceRows) rows = source_query(source, "SHOW STATUS LIKE 'binlog_snapshot_%'", error);
    const char *file = NULL;

    *out_pos = 0;
    if (rows == NULL)
        return false;
    for (unsigned i = 0; i < rows->rows->len; i++) {
        const char *name = source_rows_get(rows, i, 0), *value = source_rows_get(rows, i, 1);

        if (g_ascii_strcasecmp(name, "binlog_snapshot_file") == 0)
            file = value;
        else if (g_ascii_strcasecmp(name, "binlog_snapshot_position") == 0)
            *out_pos = g_ascii_strtoull(value, NULL, 10);
    }
    if (file == NULL || file[0] == '\0') {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_SOURCE_SETUP,
                    "the source does not tell the binlog position of a snapshot (status variable "
                    "binlog_snapshot_file): switch log_bin on");
        return false;
    }
    *out_file = g_strdup(file);
    return true;
}

typedef struct {
    const char *asked_file; /* NULL: nothing was asked for, but an exact place */
    uint64_t asked_pos;
    bool exact;
    bool may_hold, held; /* a commit may be held, and one is: as of a moment before the snapshot was taken */
    int64_t quiet_usec;  /* since when nothing was, and `file` and `pos` did not move; 0: it does not hold */
    char *file;          /* of the snapshot before; NULL: none */
    uint64_t pos;
    char *held_file; /* of the last one that was taken while a commit was held; NULL: none */
    uint64_t held_pos;
} Proof;

/* Before a snapshot is taken. */
static bool look_for_held(SourceConnection *source, Proof *proof, GError **error)
{
    g_autoptr(SourceRows) rows = source_query(
        source,
        "SELECT @@GLOBAL.rpl_semi_sync_master_enabled, @@GLOBAL.rpl_semi_sync_master_wait_point = 'AFTER_COMMIT',"
        " COALESCE(MAX(IF(VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_WAIT_SESSIONS', VARIABLE_VALUE, 0)), 0),"
        " COALESCE(SUM(VARIABLE_VALUE), 0) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN"
        " ('RPL_SEMI_SYNC_MASTER_WAIT_SESSIONS', 'RPL_SEMI_SYNC_MASTER_YES_TX', 'RPL_SEMI_SYNC_MASTER_NO_TX')",
        error);
    if (rows == NULL)
        return false;
    bool is_on = strcmp(source_rows_get(rows, 0, 0), "1") == 0, late = strcmp(source_rows_get(rows, 0, 1), "1") == 0;
    bool waits = strcmp(source_rows_get(rows, 0, 2), "0") != 0,
         was_used = strcmp(source_rows_get(rows, 0, 3), "0") != 0;
    /* After the commit what is held is seen already. Where it has just been switched off, what was held is seen in a
     * moment, and its sessions are counted on [tried]. */
    proof->may_hold = is_on ? !late : was_used;
    proof->held = is_on && !late && waits;
    return true;
}

/* What stands between `from` and `pos` of the file: a transaction? And, where `ends_in_one` is asked for: what ends at
 * `pos`, is it one, or a CHECKPOINT or the file's beginning? Then `from` is a place of the same moment, or the
 * beginning of a new file. */
static bool look_between(SourceConnection *source, const char *file, uint64_t from, uint64_t pos, bool *transaction,
                         bool *ends_in_one, GError **error)
{
    bool ends = false;
    *transaction = false;
    for (uint64_t at = from; at < pos && (ends_in_one || !*transaction);) {
        uint64_t began = at;
        g_autoptr(GString) sql = g_string_new("SHOW BINLOG EVENTS IN ");
        source_quote_string(sql, file);
        g_string_append_printf(sql, " FROM %" G_GUINT64_FORMAT " LIMIT " EVENTS_AT_ONCE, at);
        g_autoptr(SourceRows) rows = source_query(source, sql->str, error);
        if (rows == NULL)
            return false;
        for (unsigned i = 0; i < rows->rows->len && at < pos; i++) {
            const char *type = source_rows_get(rows, i, 2), *end = source_rows_get(rows, i, 4);
            at = end ? g_ascii_strtoull(end, NULL, 10) : 0;
            bool none = g_strcmp0(type, "Binlog_checkpoint") == 0 || g_strcmp0(type, "Gtid_list") == 0 ||
                        g_strcmp0(type, "Format_desc") == 0 || g_strcmp0(type, "Start_encryption") == 0;
            *transaction = *transaction || (!none && at <= pos);
            ends = !none && at == pos;
        }
        if (at <= began)
            break; /* nothing that can be read: no proof */
    }
    if (ends_in_one)
        *ends_in_one = ends;
    return true;
}

/* The place is before what was asked for: only because of what is no transaction? */
static bool lacks_nothing(SourceConnection *source, const Proof *proof, const char *file, uint64_t pos, bool *reaches,
                          GError **error)
{
    bool transaction;
    if (strcmp(file, proof->asked_file) != 0)
        return true;
    if (!look_between(source, file, pos, proof->asked_pos, &transaction, NULL, error))
        return false;
    *reaches = !transaction;
    return true;
}

static bool is_proven(SourceConnection *source, Proof *proof, const char *file, uint64_t pos, bool *proven,
                      GError **error)
{
    bool same = proof->file && strcmp(proof->file, file) == 0;
    const char *from_file = proof->exact ? proof->file : proof->asked_file;
    uint64_t from = from_file && strcmp(from_file, file) == 0 ? (proof->exact ? proof->pos : proof->asked_pos) : 4;

    *proven = false;
    if (proof->held) {
        g_free(proof->held_file);
        proof->held_file = g_strdup(file);
        proof->held_pos = pos;
    }
    bool is_of_held = g_strcmp0(proof->held_file, file) == 0 && proof->held_pos == pos;
    if (is_of_held || !same || proof->pos != pos)
        proof->quiet_usec = is_of_held ? 0 : g_get_monotonic_time();
    else if (proof->quiet_usec == 0)
        proof->quiet_usec = g_get_monotonic_time();
    else if (g_get_monotonic_time() - proof->quiet_usec >= QUIET_USEC)
        *proven = true;
    if (!*proven && (!proof->exact || proof->file)) {
        bool transaction, ends_in_one = false;
        if (!look_between(source, file, from, pos, &transaction, proof->exact ? &ends_in_one : NULL, error))
            return false;
        *proven = proof->exact ? ends_in_one : transaction;
    }
    g_free(proof->file);
    proof->file = g_strdup(file);
    proof->pos = pos;
    return true;
}

/* Opens a transaction whose snapshot reaches the position; commits move on while we wait, so each try is a new one. */
static bool begin(SourceConnection *source, Proof *proof, char **at_file, uint64_t *at_pos, Cancel *cancel,
                  GError **error)
{
    int64_t waited = 0, pause = 2000;

    for (;;) {
        g_autofree char *file = NULL;
        uint64_t pos;
        bool reaches;

        if (!look_for_held(source, proof, error) ||
            !source_exec(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", error) ||
            !snapshot_position(source, &file, &pos, error))
            return false;
        reaches = !proof->asked_file || binlog_position_compare(file, pos, proof->asked_file, proof->asked_pos) >= 0;
        if (!reaches && waited > QUIET_USEC && !lacks_nothing(source, proof, file, pos, &reaches, error))
            return false;
        if (reaches && proof->may_hold && RULE_HOLDS("snapshots-claim-what-they-hold") &&
            !is_proven(source, proof, file, pos, &reaches, error))
            return false;
        if (reaches) {
            *at_file = g_steal_pointer(&file);
            *at_pos = pos;
            return true;
        }
        if (!source_exec(source, "ROLLBACK", error))
            return false;
        if (waited >= VISIBLE_WAIT_USEC) { /* told as a lock wait: it is tried again */
            g_set_error(error, SOURCE_ERROR, 1205,
                        "cannot read a consistent snapshot at %s:%" G_GUINT64_FORMAT
                        ": commits up to there are not visible yet at the source: check for a commit that waits "
                        "(semi-synchronous replication)",
                        proof->asked_file ? proof->asked_file : file, proof->asked_file ? proof->asked_pos : pos);
            return false;
        }
        cancel_sleep(cancel, pause);
        if (cancel_set_error(cancel, error))
            return false;
        waited += pause;
        pause = MIN(pause * 2, VISIBLE_POLL_MAX_USEC);
    }
}

bool snapshot_begin(SourceConnection *source, const char *log_file, uint64_t log_pos, Cancel *cancel, GError **error)
{
    Proof proof = {.asked_file = log_file, .asked_pos = log_pos};
    g_autofree char *file = NULL;
    uint64_t pos;
    if (log_file == NULL)
        return source_exec(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", error);
    bool ok = begin(source, &proof, &file, &pos, cancel, error);
    g_free(proof.file);
    g_free(proof.held_file);
    return ok;
}

bool snapshot_begin_exact(SourceConnection *source, const char *log_file, uint64_t log_pos, char **at_file,
                          uint64_t *at_pos, Cancel *cancel, GError **error)
{
    Proof proof = {.asked_file = log_file, .asked_pos = log_pos, .exact = true};
    bool ok = begin(source, &proof, at_file, at_pos, cancel, error);
    g_free(proof.file);
    g_free(proof.held_file);
    return ok;
}
