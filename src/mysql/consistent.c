#include "mysql/consistent.h"
#include "mysql/consistent_private.h"
#include "mysql/table_private.h"

#include <string.h>

#define VISIBLE_WAIT_USEC     (60 * G_USEC_PER_SEC)
#define VISIBLE_POLL_MAX_USEC (100 * 1000)

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

/* Whether it holds all that was logged up to the position. */
static bool snapshot_reaches(SourceConnection *source, const char *log_file, uint64_t log_pos, bool *reaches,
                             GError **error)
{
    g_autofree char *file = NULL;
    uint64_t pos;

    if (!snapshot_position(source, &file, &pos, error))
        return false;
    *reaches = binlog_position_compare(file, pos, log_file, log_pos) >= 0;
    return true;
}

/* Opens a transaction whose snapshot reaches the position; commits move on while we wait, so each try is a new one. */
bool snapshot_begin(SourceConnection *source, const char *log_file, uint64_t log_pos, Cancel *cancel, GError **error)
{
    int64_t waited = 0, pause = 2000;

    for (;;) {
        bool reaches = log_file == NULL;

        if (!source_exec(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", error) ||
            (log_file != NULL && !snapshot_reaches(source, log_file, log_pos, &reaches, error)))
            return false;
        if (reaches)
            return true;
        if (!source_exec(source, "ROLLBACK", error))
            return false;
        if (waited >= VISIBLE_WAIT_USEC) { /* told as a lock wait: it is tried again */
            g_set_error(error, SOURCE_ERROR, 1205,
                        "cannot read a consistent snapshot at %s:%" G_GUINT64_FORMAT
                        ": commits up to there are not visible yet at the source: check for a commit that waits "
                        "(semi-synchronous replication)",
                        log_file, log_pos);
            return false;
        }
        cancel_sleep(cancel, pause);
        if (cancel_set_error(cancel, error))
            return false;
        waited += pause;
        pause = MIN(pause * 2, VISIBLE_POLL_MAX_USEC);
    }
}

/* ---- At an exact position ---- */

void consistent_position_clear(ConsistentPosition *position)
{
    g_free(position->file);
    g_free(position->gtid);
    *position = (ConsistentPosition){0};
}

/* Nobody writes to the table while the transaction begins, so every change of it is either seen or logged later. */
static bool begin_locked(SourceConnection *source, const Url *url, const SourceTable *table, bool by_gtid, ConsistentPosition *at,
                         Cancel *cancel, GError **error)
{
    g_autoptr(SourceConnection) locker = source_open_timeout(url, SOURCE_ANSWER_SECONDS, cancel, error);
    g_autoptr(GString) sql = g_string_new("LOCK TABLES ");

    source_quote_table(sql, table->database, table->name);
    g_string_append(sql, " READ");
    if (locker == NULL || !source_exec(locker, sql->str, error) ||
        !source_exec(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", error) ||
        !source_log_end(locker, &at->file, &at->pos, by_gtid ? &at->gtid : NULL, error))
        return false;
    if (by_gtid) {
        g_clear_pointer(&at->file, g_free);
        at->pos = 0;
    }
    return source_exec(locker, "UNLOCK TABLES", error);
}

static bool begin_exactly(SourceConnection *source, const Url *url, const SourceTable *table, bool by_gtid,
                          const ConsistentPosition *floor, ConsistentPosition *at, Cancel *cancel, GError **error)
{
    if (source_server(source)->flavour == SOURCE_MARIADB) {
        g_autofree char *file = g_strdup(floor->file);
        uint64_t pos = floor->pos;
        /* Behind a failover the stream has no position here yet: what it has passed is among what this server has
         * logged. */
        if (!file && floor->gtid && !source_log_end(source, &file, &pos, NULL, error))
            return false;
        return snapshot_begin(source, file, pos, cancel, error) &&
               snapshot_position(source, &at->file, &at->pos, error);
    }
    /* What the stream has passed already may not be committed yet. */
    return (floor->gtid == NULL || source_wait_executed(source, floor->gtid, cancel, error)) &&
           begin_locked(source, url, table, by_gtid && source_server(source)->gtid, at, cancel, error);
}

/* From its first read on the table is not altered. */
static bool hold(SourceConnection *source, const SourceTable *table, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT 1 FROM ");

    source_quote_table(sql, table->database, table->name);
    g_string_append(sql, " LIMIT 0");
    g_autoptr(SourceRows) rows = source_query(source, sql->str, error);
    g_autofree char *now = rows != NULL ? table_show_create(source, table->database, table->name, error) : NULL;
    if (now == NULL)
        return false;
    if (strcmp(now, table->create_sql) == 0)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, "%s.%s was altered since its definition was read", table->database,
                table->name);
    return false;
}

SourceConnection *source_consistent_open(const Url *url, const SourceTable *table, bool by_gtid, const ConsistentPosition *floor,
                                         ConsistentPosition *at, Cancel *cancel, GError **error)
{
    g_autoptr(SourceConnection) source = source_open(url, cancel, error);

    *at = (ConsistentPosition){0};
    if (source != NULL && begin_exactly(source, url, table, by_gtid, floor, at, cancel, error) && hold(source, table, error))
        return g_steal_pointer(&source);
    consistent_position_clear(at);
    return NULL;
}
