/* mapping_private.h - what the making of a mapping and the rows that go through it both know. */
#ifndef SLUICE_MAPPING_MAPPING_PRIVATE_H
#define SLUICE_MAPPING_MAPPING_PRIVATE_H

#include "mapping/mapping.h"
#include "mapping/writers.h"
#include "mysql/versioning.h"

/* The added columns stand behind the mapped ones. */
enum { ADDED_SYNCED_AT, ADDED_IS_DELETED, ADDED_VERSION, N_ADDED };

typedef struct {
    WireSize size;
    uint16_t meta;
    uint16_t fixed; /* bytes of a value of fixed size, 0: ask `size` */
} WireSkip;

typedef struct {
    const uint8_t *p;
    size_t len;
} KeyBytes;

/* Which of the wire columns an image holds. */
typedef struct {
    const uint8_t *present; /* bitmap; NULL: all of them */
    size_t bitmap_size;     /* bytes of the bitmap of NULLs, which has a bit for each of those */
} ImageColumns;

struct TableMapping {
    SourceTable *table;
    char *prefix;
    unsigned n_columns;
    unsigned n_mapped;     /* of them: those that are not excluded, one a column of the block */
    ColumnWriter *writers; /* one a source column */
    char **types;          /* at the destination, NULL of excluded ones */
    unsigned
        first_added; /* of the block: where the added columns begin, behind the mapped ones and the source column */
    uint8_t *source_cell; /* of the source column, as its block has it in each row; NULL: the table has none */
    size_t source_cell_len;
    unsigned last_key;     /* the largest index of one of the n_key columns */
    bool bound;
    unsigned n_wire;          /* columns of the table map: n_columns and the hidden ones */
    int row_end; /* wire column that tells history from current rows (mysql/versioning.h); -1: there is none */
    uint8_t last_moment[VERSIONING_MOMENT_LEN]; /* row_end of current rows, as it is on the wire in the event at hand */
    unsigned n_json;          /* of them with MySQL's JSON */
    bool reading_diffs;       /* the event at hand has changes of documents */
    WireSkip *skips;          /* one a wire column */
    ImageColumns columns_before, columns_after; /* of the event at hand; an insert has the latter, a delete the former */
    unsigned n_key;           /* columns of the key, and those that place a row as the key does */
    KeyBytes *before, *after; /* of the row at hand; one for each of these, in the order of the columns */
    unsigned n_variable;      /* columns whose cells are of varying size, */
    struct {
        unsigned column;
        size_t len; /* and their lengths where the event began; the others' follow from the number of rows */
    } * variable;
    CellFault fault;
};

#endif
