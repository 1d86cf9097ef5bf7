/* block.h - a block of rows as columns, in the bytes of ClickHouse's Native format, grown row by row.
 *
 * Source of the format: ClickHouse docs "Native" and src/Formats/NativeWriter.cpp: varuint columns, varuint rows, then
 * per column: name, type, data. Fixed-width types are little-endian arrays; String is varuint length + bytes per row;
 * Nullable(T) is one byte per row (1 = NULL), then T for every row. No serialization info is written (client revision
 * 0).
 *
 * The appending functions are inline and allocate only when a buffer is full (it grows by half). Memory is charged to
 * the account. A block has one owner at a time.
 */
#ifndef SLUICE_CLICKHOUSE_BLOCK_H
#define SLUICE_CLICKHOUSE_BLOCK_H

#include "base/base.h"
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t len, size;
    size_t need;            /* what recent blocks filled, for block_shrink */
    BudgetAccount *account; /* borrowed from the block */
} ByteBuffer;

void byte_buffer_grow(ByteBuffer *buffer, size_t more); /* room for `more` beyond len; aborts on out of memory */

static inline uint8_t *byte_buffer_reserve(ByteBuffer *buffer, size_t more)
{
    if (G_UNLIKELY(buffer->size - buffer->len < more))
        byte_buffer_grow(buffer, more);
    return buffer->data + buffer->len;
}

typedef struct {
    char *name;
    char *type;     /* as written into the block, "Nullable(String)" */
    unsigned width; /* bytes of a fixed-width value; 0: String. Of an array: of its elements */
    bool nullable;
    bool array;
    bool json;        /* written as text: of a value that is missing "{}", for '' is no JSON */
    ByteBuffer nulls; /* one byte a row when nullable; of an array the end offset of each row, uint64_t */
    ByteBuffer data;
    uint8_t *header; /* name and type as they stand in the block */
    size_t header_len;
} BlockColumn;

typedef struct {
    unsigned n_columns;
    BlockColumn *columns;
    uint64_t n_rows;
    size_t bytes; /* kept by the owner through block_bytes() */
    BudgetAccount *account;
} Block;

/* The columns are to be set by block_set_column; the account is ref'd, NULL counts nothing. */
Block *block_new(BudgetAccount *account, unsigned n_columns);
/* `type` decides width and nullable; asserts that it is one of those that blocks can hold: Int8..Int256,
 * UInt8..UInt256, Float32/64, Bool, Decimal(p,s), Date32, DateTime, DateTime64(s[,tz]), Time64(s), UUID, IPv4, IPv6,
 * String, JSON, Nullable of these, and Array(Float32) / Array(String). LowCardinality(String) is sent as String. A cell of
 * JSON is a string. */
void block_set_column(Block *block, unsigned column, const char *name, const char *type);
void block_free(Block *block);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Block, block_free)
void block_clear(Block *block);         /* 0 rows, buffers kept */
void block_shrink(Block *block);        /* gives buffers back that are far larger than what a full block needs */
size_t block_bytes(const Block *block); /* bytes of all buffers in use */
/* True when `type` can be held. */
bool block_type_known(const char *type);

/* Where a block stood, to take rows back that a ROLLBACK undoes. */
typedef struct BlockMark BlockMark;
BlockMark *block_mark(const Block *block);
void block_rewind(Block *block, const BlockMark *mark); /* the block has not been cleared since */
void block_mark_free(BlockMark *mark);

/* Serialized form as pieces: calls `piece` for every run of bytes in order; false from `piece` ends it. */
bool block_write(const Block *block, bool (*piece)(void *data, const void *bytes, size_t len), void *data);
size_t block_wire_size(const Block *block);

/* The same, pulled: piece `index` of block_pieces(), maybe empty. `scratch` may hold its bytes, so it lives as long. */
#define BLOCK_SCRATCH 20
unsigned block_pieces(const Block *block);
const void *block_piece(const Block *block, unsigned index, uint8_t scratch[BLOCK_SCRATCH], size_t *len);

static inline void column_append_fixed(BlockColumn *column, const void *value, size_t width)
{
    uint8_t *p = byte_buffer_reserve(&column->data, width);
    memcpy(p, value, width);
    column->data.len += width;
}

static inline void column_append_null_flag(BlockColumn *column, uint8_t is_null)
{
    uint8_t *p = byte_buffer_reserve(&column->nulls, 1);
    *p = is_null;
    column->nulls.len++;
}

static inline size_t varuint_write(uint8_t *p, uint64_t value) /* at most 10 bytes */
{
    size_t n = 0;
    while (value >= 0x80) {
        p[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    p[n++] = (uint8_t)value;
    return n;
}

static inline void column_append_string(BlockColumn *column, const void *bytes, size_t len)
{
    uint8_t *p = byte_buffer_reserve(&column->data, len + 10);
    size_t n = varuint_write(p, len);
    if (len)
        memcpy(p + n, bytes, len);
    column->data.len += n + len;
}

/* Ends a row of an array, after its `elements` were appended to `data` one by one. */
static inline void column_append_array_end(BlockColumn *column, uint64_t elements)
{
    uint64_t end = 0;
    if (column->nulls.len)
        memcpy(&end, column->nulls.data + column->nulls.len - sizeof end, sizeof end);
    end += elements;
    memcpy(byte_buffer_reserve(&column->nulls, sizeof end), &end, sizeof end);
    column->nulls.len += sizeof end;
}

/* A value's default: zero bytes, the empty string, the empty array, {}. Does not touch the NULL flags. */
static inline void column_append_default(BlockColumn *column)
{
    if (column->array) {
        column_append_array_end(column, 0);
        return;
    }
    if (column->json) {
        column_append_string(column, "{}", 2);
        return;
    }
    size_t width = column->width ? column->width : 1;
    memset(byte_buffer_reserve(&column->data, width), 0, width);
    column->data.len += width;
}

#endif
