/* preflight.h - the source's half of the preflight (lifecycle.md). All checks run even after one fails. */
#ifndef SLUICE_MYSQL_PREFLIGHT_H
#define SLUICE_MYSQL_PREFLIGHT_H

#include "mysql/table.h"

/* Appends to `checks`: version, log_bin, binlog_format, binlog_row_image, binlog_row_metadata (advice), retention, grants
 * (SELECT on each table, REPLICATION SLAVE, REPLICATION CLIENT / BINLOG MONITOR), log_replica_updates on a replica,
 * replication filters, password without TLS. `streams`: false for a `snapshot`-only look (log checks are still made: a
 * snapshot pipe streams to its end). */
void source_preflight_server(SourceConnection *source, const Url *url, GPtrArray *checks);

/* One table: exists, base table, engine (no MEMORY), usable key, child of a cascading foreign key, SELECT works.
 * Returns the definition, or NULL after adding a failed check. */
SourceTable *source_preflight_table(SourceConnection *source, const char *database, const char *name,
                                    GPtrArray *checks);

/* Seconds for which the server keeps its logs by its own settings; -1: for ever. */
int64_t source_log_retention_seconds(SourceConnection *source, GError **error);

#endif
