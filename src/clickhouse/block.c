#include "clickhouse/block.h"
#include <stdlib.h>

/* Buffers start here: small enough for many quiet tables of many columns. */
#define BUFFER_FIRST 256
/* From here on the C library maps pages; sizes are cut to fill whole ones beside its own header. */
#define BUFFER_LARGE (128 * 1024)
#define PAGE         4096
#define MALLOC_HEAD  64
/* block_shrink leaves this much slack alone. */
#define SHRINK_SLACK (64 * 1024)

struct BlockMark {
    uint64_t n_rows;
    unsigned n_columns;
    struct {
        size_t nulls, data;
    } lens[];
};

/* ---- buffers ---- */

static size_t page_friendly(size_t size)
{
    if (size < BUFFER_LARGE)
        return size;
    return ((size + MALLOC_HEAD + PAGE - 1) & ~(size_t)(PAGE - 1)) - MALLOC_HEAD;
}

static void buffer_resize(ByteBuffer *buffer, size_t size)
{
    if (size > buffer->size)
        budget_charge(buffer->account, size - buffer->size);
    else
        budget_release(buffer->account, buffer->size - size);
    if (size) {
        buffer->data = g_realloc(buffer->data, size);
    } else {
        g_free(buffer->data);
        buffer->data = NULL;
    }
    buffer->size = size;
}

void byte_buffer_grow(ByteBuffer *buffer, size_t more)
{
    if (more > G_MAXSSIZE - buffer->len - PAGE)
        g_error("a column buffer of %zu + %zu bytes cannot be had", buffer->len, more);
    size_t size = MAX(buffer->size + buffer->size / 2, buffer->len + more);
    buffer_resize(buffer, page_friendly(MAX(size, BUFFER_FIRST)));
}

static void buffer_clear(ByteBuffer *buffer)
{
    /* The memory of a single very full block fades, so that a shrink follows what blocks need now. */
    buffer->need = MAX(buffer->len, buffer->need - buffer->need / 4);
    buffer->len = 0;
}

static void buffer_shrink(ByteBuffer *buffer)
{
    size_t need = MAX(buffer->len, buffer->need);
    if (buffer->size > 2 * need + SHRINK_SLACK)
        buffer_resize(buffer, page_friendly(need + need / 4));
}

/* ---- types ---- */

typedef struct {
    const char *name;
    unsigned width;
} TypeWidth;

static const TypeWidth TYPES[] = {
    {"String", 0},  {"JSON", 0},   {"Int8", 1},   {"Int16", 2},  {"Int32", 4},    {"Int64", 8},    {"Int128", 16},  {"Int256", 32},
    {"UInt8", 1},   {"UInt16", 2}, {"UInt32", 4}, {"UInt64", 8},   {"UInt128", 16}, {"UInt256", 32}, {"Float32", 4},
    {"Float64", 8}, {"Bool", 1},   {"Date32", 4}, {"DateTime", 4}, {"UUID", 16},    {"IPv4", 4},     {"IPv6", 16},
};

/* The text inside "NAME(...)", NULL when `type` is not of that form. */
static char *type_argument(const char *type, const char *name)
{
    size_t n = strlen(name), len = strlen(type);
    if (len < n + 2 || strncmp(type, name, n) != 0 || type[n] != '(' || type[len - 1] != ')')
        return NULL;
    return g_strndup(type + n + 1, len - n - 2);
}

/* "9" or "9, 'UTC'": the number of digits of a fraction. */
static bool scale_valid(const char *argument, bool zone_allowed)
{
    char *end;
    guint64 scale = g_ascii_strtoull(argument, &end, 10);
    if (end == argument || scale > 9)
        return false;
    if (!*end)
        return true;
    if (!zone_allowed || *end++ != ',')
        return false;
    while (*end == ' ')
        end++;
    size_t len = strlen(end);
    return len > 2 && end[0] == '\'' && end[len - 1] == '\'' && !strchr(end, '\\');
}

/* Decimal(P, S) is stored in the smallest of 32, 64, 128 and 256 bits that holds P digits. */
static bool decimal_width(const char *argument, unsigned *width)
{
    char *end;
    guint64 precision = g_ascii_strtoull(argument, &end, 10);
    if (end == argument || precision < 1 || precision > 76 || *end++ != ',')
        return false;
    while (*end == ' ')
        end++;
    char *rest;
    guint64 scale = g_ascii_strtoull(end, &rest, 10);
    if (rest == end || *rest || scale > precision)
        return false;
    *width = precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
    return true;
}

static bool plain_width(const char *type, unsigned *width)
{
    for (size_t i = 0; i < G_N_ELEMENTS(TYPES); i++) {
        if (strcmp(type, TYPES[i].name) == 0) {
            *width = TYPES[i].width;
            return true;
        }
    }
    g_autofree char *decimal = type_argument(type, "Decimal");
    if (decimal)
        return decimal_width(decimal, width);
    g_autofree char *date_time = type_argument(type, "DateTime64");
    g_autofree char *clock = type_argument(type, "Time64");
    *width = 8;
    return (date_time && scale_valid(date_time, true)) || (clock && scale_valid(clock, false));
}

static bool type_parse(const char *type, BlockColumn *column)
{
    column->nullable = column->array = column->json = false;
    g_autofree char *element = type_argument(type, "Array");
    if (element) {
        column->array = true;
        return (strcmp(element, "Float32") == 0 || strcmp(element, "String") == 0) &&
               plain_width(element, &column->width);
    }
    g_autofree char *inner = type_argument(type, "Nullable");
    column->nullable = inner != NULL;
    column->json = strcmp(inner ? inner : type, "JSON") == 0;
    return plain_width(inner ? inner : type, &column->width);
}

bool block_type_known(const char *type)
{
    BlockColumn column;
    return type_parse(type, &column);
}

/* ---- blocks ---- */

Block *block_new(BudgetAccount *account, unsigned n_columns)
{
    Block *block = g_new0(Block, 1);
    block->account = account ? budget_account_ref(account) : NULL;
    block->n_columns = n_columns;
    block->columns = g_new0(BlockColumn, n_columns);
    for (unsigned i = 0; i < n_columns; i++)
        block->columns[i].nulls.account = block->columns[i].data.account = account;
    return block;
}

/* What stands before a JSON column: the version of its serialization, in 64 bits (SerializationObject: STRING). */
static const uint8_t json_as_text[8] = {1};

static uint8_t *put_text(uint8_t *p, const char *text)
{
    size_t len = strlen(text);
    p += varuint_write(p, len);
    memcpy(p, text, len);
    return p + len;
}

void block_set_column(Block *block, unsigned index, const char *name, const char *type)
{
    g_assert(index < block->n_columns && block->n_rows == 0);
    BlockColumn *column = &block->columns[index];
    if (!type_parse(type, column))
        g_error("no block can hold a column of type %s", type);
    g_free(column->name);
    g_free(column->type);
    g_free(column->header);
    column->name = g_strdup(name);
    column->type = g_strdup(type);
    column->header = g_malloc(strlen(name) + strlen(type) + 2 * 10 + sizeof json_as_text);
    column->header_len = (size_t)(put_text(put_text(column->header, name), type) - column->header);
    if (column->json) {
        memcpy(column->header + column->header_len, json_as_text, sizeof json_as_text);
        column->header_len += sizeof json_as_text;
    }
}

void block_free(Block *block)
{
    if (!block)
        return;
    for (unsigned i = 0; i < block->n_columns; i++) {
        BlockColumn *column = &block->columns[i];
        buffer_resize(&column->nulls, 0);
        buffer_resize(&column->data, 0);
        g_free(column->name);
        g_free(column->type);
        g_free(column->header);
    }
    g_free(block->columns);
    if (block->account)
        budget_account_unref(block->account);
    g_free(block);
}

void block_clear(Block *block)
{
    block->n_rows = 0;
    for (unsigned i = 0; i < block->n_columns; i++) {
        buffer_clear(&block->columns[i].nulls);
        buffer_clear(&block->columns[i].data);
    }
}

void block_shrink(Block *block)
{
    for (unsigned i = 0; i < block->n_columns; i++) {
        buffer_shrink(&block->columns[i].nulls);
        buffer_shrink(&block->columns[i].data);
    }
}

size_t block_bytes(const Block *block)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < block->n_columns; i++)
        bytes += block->columns[i].nulls.len + block->columns[i].data.len;
    return bytes;
}

/* ---- marks ---- */

BlockMark *block_mark(const Block *block)
{
    BlockMark *mark = g_malloc(sizeof *mark + block->n_columns * sizeof mark->lens[0]);
    mark->n_rows = block->n_rows;
    mark->n_columns = block->n_columns;
    for (unsigned i = 0; i < block->n_columns; i++) {
        mark->lens[i].nulls = block->columns[i].nulls.len;
        mark->lens[i].data = block->columns[i].data.len;
    }
    return mark;
}

void block_rewind(Block *block, const BlockMark *mark)
{
    g_assert(mark->n_columns == block->n_columns && mark->n_rows <= block->n_rows);
    block->n_rows = mark->n_rows;
    for (unsigned i = 0; i < block->n_columns; i++) {
        BlockColumn *column = &block->columns[i];
        g_assert(mark->lens[i].nulls <= column->nulls.len && mark->lens[i].data <= column->data.len);
        column->nulls.len = mark->lens[i].nulls;
        column->data.len = mark->lens[i].data;
    }
}

void block_mark_free(BlockMark *mark)
{
    g_free(mark);
}

/* ---- the wire ---- */

/* Piece 0 is the block's head; then each column has three: name and type, NULL flags or offsets, data. */
unsigned block_pieces(const Block *block)
{
    return 1 + 3 * block->n_columns;
}

const void *block_piece(const Block *block, unsigned index, uint8_t scratch[BLOCK_SCRATCH], size_t *len)
{
    if (index == 0) {
        *len = varuint_write(scratch, block->n_columns);
        *len += varuint_write(scratch + *len, block->n_rows);
        return scratch;
    }
    const BlockColumn *column = &block->columns[(index - 1) / 3];
    switch ((index - 1) % 3) {
    case 0:
        *len = column->header_len;
        return column->header;
    case 1:
        *len = column->nulls.len;
        return column->nulls.data;
    default:
        *len = column->data.len;
        return column->data.data;
    }
}

bool block_write(const Block *block, bool (*piece)(void *data, const void *bytes, size_t len), void *data)
{
    uint8_t scratch[BLOCK_SCRATCH];
    for (unsigned i = 0; i < block_pieces(block); i++) {
        size_t len;
        const void *bytes = block_piece(block, i, scratch, &len);
        if (len && !piece(data, bytes, len))
            return false;
    }
    return true;
}

size_t block_wire_size(const Block *block)
{
    uint8_t scratch[BLOCK_SCRATCH];
    size_t size = 0, len;
    for (unsigned i = 0; i < block_pieces(block); i++) {
        block_piece(block, i, scratch, &len);
        size += len;
    }
    return size;
}
