/* versioning.h - MariaDB's system-versioned tables: what of them is history. Pure.
 *
 * Rows have two columns more, which say from when to when they were current: row_start and row_end, TIMESTAMP(6) NOT
 * NULL. They are hidden (WITH SYSTEM VERSIONING: in the log's table maps, behind all others but DB_ROW_HASH_n, and
 * neither in SHOW CREATE TABLE nor in information_schema), or the table's own (PERIOD FOR SYSTEM_TIME (a, b)). A row is
 * current while its row_end is the last TIMESTAMP that the server has; SELECT shows current rows only.
 *
 * What is logged [all of it tried on 10.11 and 11.8]:
 *
 *   INSERT          a row with the last row_end.
 *   UPDATE          an update, current before and after; behind it, in an event of its own, an insert of the old row
 *                   with row_end = now, which is history under the same key. Not where only columns WITHOUT SYSTEM
 *                   VERSIONING changed, or where the clock (@@timestamp) stands still or goes back.
 *   DELETE          an update of row_end to now; or a delete, where the row of history would end before it begins, or
 *                   is there already (that clock again).
 *   REPLACE         such a delete and an insert.
 *   DELETE HISTORY  deletes of rows of history; its text in a session with binlog_format=STATEMENT.
 *   INSERT of history (system_versioning_insert_history): rows with any row_end.
 *   ALTER TABLE     its text, and no row. ADD SYSTEM VERSIONING makes all rows current, DROP forgets history.
 *
 * PARTITION BY SYSTEM_TIME changes nothing of that; partitions that AUTO adds are not logged, but are in SHOW CREATE
 * TABLE. TRUNCATE TABLE is refused; TRUNCATE and EXCHANGE PARTITION of the current rows' partition are not, DROP,
 * CONVERT and REORGANIZE PARTITION of it are.
 *
 * The server adds row_end to each unique key, so that history has room in it: that is shown where the columns are the
 * table's own, and is no part of what tells current rows apart. With ROW START and ROW END as BIGINT UNSIGNED (numbers
 * of transactions) changes are logged as statements, whatever binlog_format says: such a table cannot be followed.
 *
 * The last TIMESTAMP is 2038-01-19 03:14:07.999999 UTC; from 11.5 on, where time_t has 64 bits, it is 2106-02-07
 * 06:28:15.999999. To such a server the former is history like any other moment, and a dump of an older one leaves rows
 * with it (BinlogEvent.timestamp_max). After an upgrade in place all rows of before are history to the server until
 * ALTER TABLE ... FORCE (mariadb-upgrade) has given them the new one, which logs no row.
 */
#ifndef SLUICE_MYSQL_VERSIONING_H
#define SLUICE_MYSQL_VERSIONING_H

#include "mysql/sql_private.h"
#include "mysql/table.h"

/* Of the hidden columns. */
#define VERSIONING_ROW_START "row_start"
#define VERSIONING_ROW_END   "row_end"

/* Why a table with history by transactions is refused, and the mend. */
#define VERSIONING_BY_TRANSACTIONS                                                                                     \
    "its history is kept by transactions (ROW START and ROW END are BIGINT), and then MariaDB logs its changes as "    \
    "statements, which cannot be followed: make them TIMESTAMP(6), or leave the table out"

/* Fills in `table->versioning` from its create_sql and columns, and makes plain columns of those of the period, which
 * the server calls generated. SLUICE_ERROR_TABLE: it cannot be followed. */
bool versioning_read(SourceTable *table, GError **error);

/* Of current rows, what row_end has on the wire: TIMESTAMP(6), big-endian. */
enum { VERSIONING_MOMENT_LEN = 7 };
void versioning_last_moment(uint32_t timestamp_max, uint8_t out[VERSIONING_MOMENT_LEN]);

/* The column in rows of the log; -1: the table has no history. */
int versioning_row_end(const SourceTable *table);

void versioning_copy(Versioning *to, const Versioning *from);
void versioning_clear(Versioning *versioning);

#define VERSIONING_CURRENT_PARTITION "pn" /* where no names are given */

/* Behind PARTITION BY SYSTEM_TIME: the name of the partition of current rows, NULL: no names are given, and maybe a
 * number
 * (`counted`, which may be NULL). Free with g_free. */
char *versioning_current_partition(SqlLexer lexer, bool *counted);

/* PERIOD FOR SYSTEM_TIME (a, b), from FOR on; false: it is not that. Free the names with g_free. */
bool versioning_accept_period(SqlLexer *lexer, char **start, char **end);

#endif
