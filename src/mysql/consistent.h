/* consistent.h - a transaction that sees one table exactly as it was at a position of the log: all that was committed before, and
 * nothing of what came later. By it a table is loaded whose every change is to be at the destination once.
 */
#ifndef SLUICE_MYSQL_CONSISTENT_H
#define SLUICE_MYSQL_CONSISTENT_H

#include "mysql/binlog.h"
#include "mysql/table.h"

/* The position, as source_begin_position tells one: MySQL by GTID: what was executed, and no file; else no GTIDs. Free its texts. */
typedef struct {
    char *file;
    uint64_t pos;
    char *gtid;
} ConsistentPosition;
void consistent_position_clear(ConsistentPosition *position);

/* Opens a connection of its own with that transaction, in which the table cannot be altered any more: who wants to waits until the
 * connection is closed. The position is not before `floor`. MySQL locks the table for a moment (privilege LOCK TABLES). Tables of
 * engines without transactions are as they are when they are read. SLUICE_ERROR_REFUSED: the table is not as in this definition. */
SourceConnection *source_consistent_open(const Url *url, const SourceTable *table, bool by_gtid, const ConsistentPosition *floor,
                                         ConsistentPosition *at, Cancel *cancel, GError **error);

#endif
