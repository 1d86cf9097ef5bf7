#include "mysql/consistent.h"
#include "mysql/consistent_private.h"
#include "mysql/table_private.h"

#include <string.h>

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
        return snapshot_begin_exact(source, file, pos, &at->file, &at->pos, cancel, error);
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
