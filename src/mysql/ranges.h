/* ranges.h - a table's snapshot cut into key ranges: planned purely, read by prepared statements.
 *
 * A range is (after, upto]: keys greater than `after`, at most `upto`; NULL means open-ended. Integer keys of one column
 * are split arithmetically and stolen from while they are read; all other keys are walked in key order as one range. A
 * bound is one SQL literal per key column, exact (raw bytes with charset and collation, ENUM and SET by number).
 */
#ifndef SLUICE_MYSQL_RANGES_H
#define SLUICE_MYSQL_RANGES_H

#include "mysql/table.h"

/* Planner: pure, no I/O, no locks (the caller's lock). A running range is divided only while more than 20 000 keys of it
 * are unread. */
typedef struct RangePlan RangePlan;

typedef struct {
    uint64_t id;   /* > 0, unique within the table */
    char *after;   /* SQL literals of the bound, "(lit, lit)" columns joined with ", "; NULL: from the start */
    char *upto;    /* NULL: to the end */
    bool done;
    uint64_t rows; /* read so far */
} Range;
void range_free(Range *range);

/* A plan for a table without progress. `min`, `max`: decimal text of the smallest and largest key of a single integer
 * key (NULL: the table is empty or the key is of another kind); `pieces` >= 1: how many ranges to begin with. */
RangePlan *range_plan_new(const SourceTable *table, const char *min, const char *max, unsigned pieces);
/* A plan from ranges saved earlier (array of Range, taken). */
RangePlan *range_plan_restore_take(const SourceTable *table, GPtrArray *ranges);
/* Smallest and largest key as they are now, after a restore: without them a range with an open end is not divided. */
void range_plan_set_bounds(RangePlan *plan, const char *min, const char *max);
void range_plan_free(RangePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RangePlan, range_plan_free)

/* A range to read for a new worker: one that nobody reads, else half of what is not yet read of the largest running
 * integer range (the victim's `upto` is lowered; the victim learns it at its next range_plan_get). NULL: nothing left
 * to hand out. Borrowed; ids of ranges that changed or were made are appended to `changed` (of uint64_t) for saving. */
const Range *range_plan_take(RangePlan *plan, GArray *changed);
/* Gives a range back unread (worker stopped): somebody else may take it. */
void range_plan_release(RangePlan *plan, uint64_t id);
const Range *range_plan_get(const RangePlan *plan, uint64_t id);
/* The worker has handed out all rows up to `key` (literals); not the acknowledged progress. */
void range_plan_reading(RangePlan *plan, uint64_t id, const char *key);
/* `key` lies behind the range's end: half of it was taken away meanwhile. Only integer keys are ever divided. */
bool range_plan_passed(const RangePlan *plan, uint64_t id, const char *key);
bool range_plan_divides(const RangePlan *plan);
/* The worker has read the range to its end: nothing of it is left to be taken away. */
void range_plan_read_out(RangePlan *plan, uint64_t id);
/* Everything up to `key` was acknowledged: `after` moves there. `rows`: acknowledged with it. */
void range_plan_progress(RangePlan *plan, uint64_t id, const char *key, uint64_t rows);
void range_plan_finish(RangePlan *plan, uint64_t id);
bool range_plan_all_done(const RangePlan *plan);
unsigned range_plan_count(const RangePlan *plan, unsigned *done);
uint64_t range_plan_rows_done(const RangePlan *plan);
const GPtrArray *range_plan_ranges(const RangePlan *plan); /* of Range */

/* Reader: one statement over a chunk of a range. Rows come as packets of the binary protocol. */
typedef struct ChunkReader ChunkReader;

/* Smallest and largest key for range_plan_new; both NULL when the key is not one integer column or the table is empty. */
bool source_key_bounds(SourceConnection *source, const SourceTable *table, char **min, char **max, GError **error);

/* (MySQL with GTID: pass NULL and wait with WAIT_FOR_EXECUTED_GTID_SET(E) before.) `table` must have a key.
 *
 * Begins `SELECT columns FROM table WHERE key > after AND key <= upto ORDER BY key LIMIT max_rows` in a transaction of its
 * own; on MariaDB with a consistent snapshot whose binlog position is at least (log_file, log_pos): waited for, so that
 * all that was logged up to there is readable. ENUM and SET are selected as numbers, every column by name. */
ChunkReader *chunk_reader_open(SourceConnection *source, const SourceTable *table, const char *after, const char *upto,
                               uint64_t max_rows, const char *log_file, uint64_t log_pos, Cancel *cancel,
                               GError **error);
/* The same behind `after` in a transaction that is open (consistent.h), and stays so. */
ChunkReader *chunk_reader_open_within(SourceConnection *source, const SourceTable *table, const char *after, uint64_t max_rows,
                                      GError **error);
/* The same for single rows: those of these keys (of char **: one literal a key column), in no order, at most a few hundred. A
 * literal may compare equal to more than was meant (collations): what comes back is to be looked at. */
ChunkReader *chunk_reader_open_keys(SourceConnection *source, const SourceTable *table, const GPtrArray *keys,
                                    const char *log_file, uint64_t log_pos, Cancel *cancel, GError **error);
/* " FROM `db`.`t` AS t FORCE INDEX (...) WHERE ..." of a range, for other questions about its rows; NULL: the bounds are not of
 * this key. `source_append_key_order`: " ORDER BY t.`a`, t.`b`". */
char *source_range_from(const SourceTable *table, const char *after, const char *upto);
void source_append_key_order(GString *sql, const SourceTable *table);
/* One row: 1, end: 0, error: -1. `packet` is borrowed until the next call: a binary protocol row, from its 0x00 header. */
int chunk_reader_next(ChunkReader *reader, const uint8_t **packet, size_t *len, GError **error);
/* Literals of the key of the row last returned: the `after` of the next chunk. Free with g_free. */
char *chunk_reader_key(ChunkReader *reader, GError **error);
/* Reads what is left of the statement (at most max_rows rows: choose it by the rows' size) and ends the transaction. The
 * connection stays usable, unless reading failed with a lost connection or SLUICE_ERROR_DECODE: then it is cut. */
void chunk_reader_free(ChunkReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChunkReader, chunk_reader_free)

#endif
