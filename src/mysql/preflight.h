/* preflight.h - the source's half of the preflight (lifecycle.md). All checks run even after one fails. */
#ifndef SLUICE_MYSQL_PREFLIGHT_H
#define SLUICE_MYSQL_PREFLIGHT_H

#include "mysql/table.h"

/* Appends to `checks`: version, tls, log_bin, binlog_format, binlog_row_image, binlog_row_metadata (advice),
 * log_retention, log_replica_updates, replication_slave, replication_client, gtid. (A snapshot pipe needs the log too: it
 * streams to its end.) */
void source_preflight_server(SourceConnection *source, const Url *url, GPtrArray *checks);

/* One table: exists and is a base table (check "table"), engine, key, foreign_keys (child of a cascading key),
 * replication_filter, select. One check "table" that is ok when nothing was found, else a check for each finding. Returns
 * the definition even then, so that its columns can be checked too; NULL when there is none to read. */
SourceTable *source_preflight_table(SourceConnection *source, const char *database, const char *name,
                                    GPtrArray *checks);
/* The same; a child of a cascading foreign key is a warning (setting foreign_keys other than refuse). */
SourceTable *source_preflight_table_accepting(SourceConnection *source, const char *database, const char *name,
                                              bool accept_cascades, GPtrArray *checks);

#endif
