/* mapping.h - the face of src/mapping: MySQL column definitions to ClickHouse types, and the cell writers.
 *
 * One rule above all (types.md): the same value gives the same bytes whether it came by snapshot or by binlog.
 * A TableMapping is made from a source definition and settings; it knows the destination's columns, and for each source
 * column a writer for event bytes and one for binary-protocol bytes, chosen once. It does no I/O.
 */
#ifndef SLUICE_MAPPING_MAPPING_H
#define SLUICE_MAPPING_MAPPING_H

#include "clickhouse/block.h"
#include "clickhouse/table.h"
#include "mysql/rows.h"
#include "mysql/table.h"

typedef enum { ZERO_DATE_NULL, ZERO_DATE_EPOCH, ZERO_DATE_FAIL } ZeroDatePolicy;
typedef enum { OUT_OF_RANGE_CLAMP, OUT_OF_RANGE_NULL, OUT_OF_RANGE_FAIL } OutOfRangePolicy;

typedef enum { BINARY_RAW, BINARY_HEX, BINARY_BASE64 } BinaryForm;

typedef struct {
    bool tinyint1_bool; /* setting tinyint1 */
    bool nullable_off;  /* setting nullable */
    bool time_int64;    /* the destination has no Time64: TIME becomes Int64 microseconds (the same bytes) */
    bool set_array;     /* SET as Array(LowCardinality(String)): NULL becomes []; not in keys */
    bool json_type;     /* MySQL's JSON as ClickHouse's JSON, which holds objects only */
    bool geometry_wkb;  /* as WKB instead of WKT */
    BinaryForm binary;  /* BINARY, VARBINARY, BLOB */
    ZeroDatePolicy zero_date;
    OutOfRangePolicy out_of_range;
    const char *column_prefix; /* "_peerdb_" */
} MappingSettings;

/* What is said of a generated column where the server leaves it out of the log. */
#define MAPPING_GENERATED_LEFT_OUT                                                                                     \
    "it is generated, and this server leaves generated columns out of the log's updates, so its new value is not known"
#define MAPPING_GENERATED_MEND "leave the column out with --set DB.TABLE:exclude=COLUMN"

#define MAPPING_SAMPLE 40

/* Values that were changed on the way, counted per column. */
typedef struct {
    uint64_t converted_zero_dates, clamped, undecodable;
    /* The first zero date, and the first of the others, as the source has it, cut; bytes that are no text as 0x... */
    char zero_date[MAPPING_SAMPLE], other[MAPPING_SAMPLE];
} MappingCounters;

typedef struct TableMapping TableMapping;

/* SLUICE_ERROR_TABLE naming table and column when a type has no mapping, and the mend. `table` is ref'd. */
TableMapping *mapping_new(SourceTable *table, const MappingSettings *settings, GError **error);
/* The types.md row of a column: the ClickHouse type, or NULL and a reason (static text) why it cannot be mapped. */
char *mapping_column_type(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why);
void mapping_free(TableMapping *mapping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableMapping, mapping_free)

const SourceTable *mapping_table(const TableMapping *mapping);
/* Adds the mapped columns, the source column where the table has one (first of the key, in each row the table's name), and the
 * three added ones, ORDER BY, version and deleted columns, and what the definition says of
 * the table as a whole. */
void mapping_fill_spec(const TableMapping *mapping, DestTableSpec *spec);
Block *mapping_block_new(const TableMapping *mapping, BudgetAccount *account);
const MappingCounters *mapping_counters(const TableMapping *mapping, unsigned column);
/* What was counted since the last call, one for each of the definition's columns (free with g_free); NULL: nothing. */
MappingCounters *mapping_take_counters(TableMapping *mapping);

/* Checks a table map against the definition (count, types, metadata, names where told) and chooses the event writers.
 * SLUICE_ERROR_TABLE on a mismatch: never read by guess. A mapping is used by one thread at a time. */
bool mapping_bind(TableMapping *mapping, const TableMap *map, GError **error);

/* Rows of the event, not of the block; of a table with history, what becomes of its current rows. */
typedef struct {
    uint64_t inserts, updates, deletes;
} RowCounts;

/* Appends all rows of an event. A row's version is `version_base` plus the row's place in the body (> 0). INSERT: one
 * row. UPDATE: the after image; when the key's bytes differ, before it a delete of the old key. DELETE: the key with
 * is_deleted = 1. Rows of history are passed over, and what becomes one is deleted (mysql/versioning.h). `synced_nsec`:
 * value of the synced_at column. On an error (SLUICE_ERROR_TABLE: a value that the type cannot hold under the policy,
 * partial image; SLUICE_ERROR_DECODE: bytes do not fit) the block is as it was before. Errors name the table and the
 * column. */
bool mapping_append_event(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                          int64_t synced_nsec, RowCounts *counts, GError **error);

/* Appends one row of the snapshot: a binary protocol row with the columns in the definition's order, ENUM and SET as
 * BIGINT UNSIGNED (`c | 0`; CAST(c AS UNSIGNED) and c + 0 are of varying width [tried]). On an error the block is as it
 * was before. */
bool mapping_append_result(TableMapping *mapping, Block *block, const uint8_t *packet, size_t len, uint64_t version,
                           int64_t synced_nsec, GError **error);

#endif
