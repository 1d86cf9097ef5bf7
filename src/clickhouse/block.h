/* block.h - a block of rows as columns, in the bytes of ClickHouse's Native format, grown row by row.
 *
 * Source of the format: ClickHouse docs "Native" and src/Formats/NativeWriter.cpp: varuint columns, varuint rows, then per
 * column: name, type, data. Fixed-width types are little-endian arrays; String is varuint length + bytes per row; Nullable(T)
 * is one byte per row (1 = NULL), then T for every row. No serialization info is written (client revision 0).
 *
 * The appending functions are inline and allocate only when a buffer is full (it grows by half). Memory is charged to the
 * account. A block has one owner at a time.
 */
#ifndef SLUICE_CLICKHOUSE_BLOCK_H
#define SLUICE_CLICKHOUSE_BLOCK_H

#include "base/base.h"
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t len, size;
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
    char *type;      /* as written into the block, "Nullable(String)" */
    unsigned width;  /* bytes of a fixed-width value; 0: String */
    bool nullable;
    ByteBuffer nulls; /* one byte a row when nullable */
    ByteBuffer data;
} BlockColumn;

typedef struct {
    unsigned n_columns;
    BlockColumn *columns;
    uint64_t n_rows;
    size_t bytes; /* kept by the owner through block_bytes() */
    BudgetAccount *account;
} Block;

Block *block_new(BudgetAccount *account, unsigned n_columns); /* columns to be set by block_set_column; account is ref'd */
/* `type` decides width and nullable; asserts that it is one of those that blocks can hold: Int8..Int256, UInt8..UInt256,
 * Float32/64, Bool, Decimal(p,s), Date32, DateTime, DateTime64(s[,tz]), Time64(s), UUID, IPv4, IPv6, String, Nullable of
 * these, and Array(Float32) / Array(String) (offsets in `nulls`' place, see block.c). LowCardinality(String), JSON are sent as
 * String. */
void block_set_column(Block *block, unsigned column, const char *name, const char *type);
void block_free(Block *block);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Block, block_free)
void block_clear(Block *block); /* 0 rows, buffers kept */
void block_shrink(Block *block); /* gives buffers back that are far larger than what a full block needs */
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

/* A value's default: zero bytes, or the empty string. Does not touch `nulls`. */
static inline void column_append_default(BlockColumn *column)
{
    size_t width = column->width ? column->width : 1;
    memset(byte_buffer_reserve(&column->data, width), 0, width);
    column->data.len += width;
}

#endif
