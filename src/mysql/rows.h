/* rows.h - table maps and rows events: where in the event's bytes each value stands. Nothing is copied per value.
 *
 * A rows event's body holds rows one after another: a bitmap of NULLs over the present columns, then the values of
 * those that are not NULL. What a value's bytes mean follows from the column's wire type and metadata in the table map
 * (value formats: MySQL source, libs/mysql/binlog/event/rows_event.h and sql-common/my_decimal, my_time).
 */
#ifndef SLUICE_MYSQL_ROWS_H
#define SLUICE_MYSQL_ROWS_H

#include "mysql/event.h"

/* Types on the wire (include/field_types.h). 140 and 141 are MariaDB's compressed BLOB and VARCHAR. */
enum {
    WIRE_DECIMAL_OLD = 0, WIRE_TINY = 1, WIRE_SHORT = 2, WIRE_LONG = 3, WIRE_FLOAT = 4, WIRE_DOUBLE = 5, WIRE_NULL = 6,
    WIRE_TIMESTAMP = 7, WIRE_LONGLONG = 8, WIRE_INT24 = 9, WIRE_DATE = 10, WIRE_TIME = 11, WIRE_DATETIME = 12,
    WIRE_YEAR = 13, WIRE_NEWDATE = 14, WIRE_VARCHAR = 15, WIRE_BIT = 16, WIRE_TIMESTAMP2 = 17, WIRE_DATETIME2 = 18,
    WIRE_TIME2 = 19, WIRE_BLOB_COMPRESSED = 140, WIRE_VARCHAR_COMPRESSED = 141, WIRE_VECTOR = 242, WIRE_JSON = 245,
    WIRE_NEWDECIMAL = 246, WIRE_ENUM = 247, WIRE_SET = 248, WIRE_TINY_BLOB = 249, WIRE_MEDIUM_BLOB = 250,
    WIRE_LONG_BLOB = 251, WIRE_BLOB = 252, WIRE_VAR_STRING = 253, WIRE_STRING = 254, WIRE_GEOMETRY = 255,
};

typedef struct {
    uint8_t type;      /* WIRE_*; a STRING that is an ENUM or SET in disguise is given as WIRE_ENUM / WIRE_SET */
    uint16_t meta;     /* normalised: STRING max bytes (1..1023+) · VARCHAR max bytes · BLOB/JSON/GEOMETRY/VECTOR bytes of the
                          length prefix · NEWDECIMAL precision << 8 | scale · BIT bytes << 8 | bits · temporal2 digits of
                          the fraction · ENUM/SET bytes · others 0 */
    bool nullable;
    int8_t is_unsigned; /* from optional metadata: 0, 1; -1: not told */
} WireColumn;

typedef struct {
    uint64_t table_id;
    char *database, *table;
    unsigned n_columns;
    WireColumn *columns;
    char **names; /* optional metadata COLUMN_NAME; NULL when the server does not write it */
    uint32_t *charsets; /* collation number per column, 0: none or not told; NULL when not told at all */
} TableMap;

TableMap *table_map_parse(const BinlogEvent *event, GError **error);
void table_map_free(TableMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableMap, table_map_free)
/* The id alone, for a cheap look-up of a table map already known, and whether the bodies are the same bytes. */
bool table_map_peek_id(const BinlogEvent *event, uint64_t *table_id, GError **error);

typedef enum { ROWS_INSERT, ROWS_UPDATE, ROWS_DELETE } RowsKind;

typedef struct {
    RowsKind kind;
    bool partial_json; /* PARTIAL_UPDATE_ROWS: after images hold JSON diffs */
    uint64_t table_id; /* 0xffffff with flags 1: end of statement only, no rows */
    uint16_t flags;
    unsigned n_columns;
    const uint8_t *present;        /* bitmap: columns of the (before) image */
    const uint8_t *present_after;  /* UPDATE: columns of the after image; else == present */
    uint32_t timestamp_max;        /* BinlogEvent's */
    bool full; /* every column is present in every image */
    const uint8_t *body; /* of the event: a row's place is its pointer minus this, > 0 */
    const uint8_t *rows; /* first row */
    const uint8_t *end;
} RowsEvent;

bool rows_event_is(unsigned type); /* one of the rows events */
bool rows_event_parse(const BinlogEvent *event, RowsEvent *out, GError **error);

/* Whether each row of an update has the same bytes in these columns before and after. False also where that cannot be told: partial
 * images, a type that is not known. */
bool rows_update_keeps(const TableMap *map, const RowsEvent *rows, const unsigned *columns, unsigned n);

/* Whether a row of a delete, or of an insert, has these bytes in this column. True also where that cannot be told. */
bool rows_may_have(const TableMap *map, const RowsEvent *rows, unsigned column, const uint8_t *bytes, size_t len);

/* Bytes of the value at `p`, prefix included; 0 cannot occur but for zero-length types (returns SIZE_MAX on overrun).
 * `size_function` is chosen once per column: the hot path calls it through the pointer. */
typedef size_t (*WireSize)(const uint8_t *p, const uint8_t *end, uint16_t meta);
WireSize wire_size_function(const WireColumn *column); /* NULL: a type that is not known */

/* Length of a DECIMAL(precision, scale) on the wire. */
size_t wire_decimal_size(unsigned precision, unsigned scale);

#endif
