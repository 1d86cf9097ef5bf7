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
 * the definition even then, so that its columns can be checked too; NULL when there is none to read. CASCADES: a child of a
 * cascading foreign key is a warning (setting foreign_keys=flag); NO_KEY: its key is named by the operator. */
typedef enum { SOURCE_ACCEPT_NONE = 0, SOURCE_ACCEPT_CASCADES = 1, SOURCE_ACCEPT_NO_KEY = 2 } SourceTableAccept;
SourceTable *source_preflight_table(SourceConnection *source, const char *database, const char *name,
                                    SourceTableAccept accept, GPtrArray *checks);
/* MySQL: the privilege to lock tables is there, or a check fails. `or_else`: what else would do, behind the GRANT; "". */
void source_preflight_lock_tables(SourceConnection *source, const char *why, const char *or_else, GPtrArray *checks);
/* Whether the columns of a key that the operator named tell the rows apart: all are counted. `seconds`: for how long, then
 * it is not known, which fails; 0: as long as it takes. */
void source_preflight_key(SourceConnection *source, const SourceTable *table, unsigned seconds, GPtrArray *checks);

/* What foreign keys do to rows of other tables is logged like any change: MySQL's own layer carries them out since 9.6, unless
 * InnoDB is told to do it as before. */
bool source_logs_cascades(SourceConnection *source);

#endif
