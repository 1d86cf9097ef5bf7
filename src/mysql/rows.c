#include "mysql/rows.h"

#include "mysql/wire_private.h"

#include <string.h>

/* The servers allow 4096 columns, and add a few hidden ones. */
#define MAX_COLUMNS 8192

/* ---- sizes of values ---- */

static const uint8_t bytes_of_digits[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

size_t wire_decimal_size(unsigned precision, unsigned scale)
{
    unsigned integer = precision - scale;
    return integer / 9 * 4 + bytes_of_digits[integer % 9] + scale / 9 * 4 + bytes_of_digits[scale % 9];
}

static inline size_t bounded(const uint8_t *p, const uint8_t *end, size_t size)
{
    return size <= (size_t)(end - p) ? size : SIZE_MAX;
}

#define FIXED_SIZE(n)                                                                                                  \
    static size_t size_fixed_##n(const uint8_t *p, const uint8_t *end, G_GNUC_UNUSED uint16_t meta)                    \
    {                                                                                                                  \
        return bounded(p, end, n);                                                                                     \
    }
FIXED_SIZE(0)
FIXED_SIZE(1)
FIXED_SIZE(2)
FIXED_SIZE(3)
FIXED_SIZE(4)
FIXED_SIZE(8)

#define PREFIXED_SIZE(n)                                                                                               \
    static size_t size_prefixed_##n(const uint8_t *p, const uint8_t *end, G_GNUC_UNUSED uint16_t meta)                 \
    {                                                                                                                  \
        if (end - p < n)                                                                                               \
            return SIZE_MAX;                                                                                           \
        return bounded(p, end, n + (size_t)wire_read_le(p, n));                                                        \
    }
PREFIXED_SIZE(1)
PREFIXED_SIZE(2)
PREFIXED_SIZE(3)
PREFIXED_SIZE(4)

static size_t size_decimal(const uint8_t *p, const uint8_t *end, uint16_t meta)
{
    return bounded(p, end, wire_decimal_size(meta >> 8, meta & 0xff));
}

static size_t size_bit(const uint8_t *p, const uint8_t *end, uint16_t meta)
{
    return bounded(p, end, meta >> 8);
}

/* `base` bytes and the fraction: (digits + 1) / 2. */
#define TEMPORAL2_SIZE(name, base)                                                                                     \
    static size_t size_##name(const uint8_t *p, const uint8_t *end, uint16_t meta)                                     \
    {                                                                                                                  \
        return bounded(p, end, base + (meta + 1u) / 2);                                                                \
    }
TEMPORAL2_SIZE(time2, 3)
TEMPORAL2_SIZE(timestamp2, 4)
TEMPORAL2_SIZE(datetime2, 5)

static WireSize prefixed_size_function(unsigned prefix_bytes)
{
    switch (prefix_bytes) {
    case 1:
        return size_prefixed_1;
    case 2:
        return size_prefixed_2;
    case 3:
        return size_prefixed_3;
    case 4:
        return size_prefixed_4;
    default:
        return NULL;
    }
}

WireSize wire_size_function(const WireColumn *column)
{
    switch (column->type) {
    case WIRE_NULL:
        return size_fixed_0;
    case WIRE_TINY:
    case WIRE_YEAR:
        return size_fixed_1;
    case WIRE_SHORT:
        return size_fixed_2;
    case WIRE_INT24:
    case WIRE_DATE:
    case WIRE_NEWDATE:
    case WIRE_TIME:
        return size_fixed_3;
    case WIRE_LONG:
    case WIRE_FLOAT:
    case WIRE_TIMESTAMP:
        return size_fixed_4;
    case WIRE_LONGLONG:
    case WIRE_DOUBLE:
    case WIRE_DATETIME:
        return size_fixed_8;
    case WIRE_ENUM:
    case WIRE_SET:
        switch (column->meta) {
        case 1:
            return size_fixed_1;
        case 2:
            return size_fixed_2;
        case 3:
            return size_fixed_3;
        case 4:
            return size_fixed_4;
        case 8:
            return size_fixed_8;
        default:
            return NULL;
        }
    case WIRE_NEWDECIMAL:
        return size_decimal;
    case WIRE_BIT:
        return size_bit;
    case WIRE_TIME2:
        return size_time2;
    case WIRE_TIMESTAMP2:
        return size_timestamp2;
    case WIRE_DATETIME2:
        return size_datetime2;
    case WIRE_STRING:
    case WIRE_VAR_STRING:
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
        return column->meta > 255 ? size_prefixed_2 : size_prefixed_1;
    case WIRE_BLOB:
    case WIRE_BLOB_COMPRESSED:
    case WIRE_JSON:
    case WIRE_GEOMETRY:
    case WIRE_VECTOR:
    case WIRE_TINY_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
        return prefixed_size_function(column->meta);
    default:
        return NULL;
    }
}

/* ---- table maps ---- */

/* Bytes of metadata in the table map. -1: a type that is not known. */
static int metadata_size(uint8_t type)
{
    switch (type) {
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
    case WIRE_TIMESTAMP2:
    case WIRE_DATETIME2:
    case WIRE_TIME2:
    case WIRE_BLOB:
    case WIRE_TINY_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
    case WIRE_BLOB_COMPRESSED:
    case WIRE_JSON:
    case WIRE_GEOMETRY:
    case WIRE_VECTOR:
        return 1;
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
    case WIRE_VAR_STRING:
    case WIRE_STRING:
    case WIRE_ENUM:
    case WIRE_SET:
    case WIRE_BIT:
    case WIRE_NEWDECIMAL:
        return 2;
    case WIRE_DECIMAL_OLD:
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_LONG:
    case WIRE_NULL:
    case WIRE_TIMESTAMP:
    case WIRE_LONGLONG:
    case WIRE_INT24:
    case WIRE_DATE:
    case WIRE_TIME:
    case WIRE_DATETIME:
    case WIRE_YEAR:
    case WIRE_NEWDATE:
        return 0;
    default:
        return -1;
    }
}

/* STRING's first byte is the real type, two of whose bits also hold, inverted, the high bits of a length above 255
 * (Field_string::do_save_field_metadata). */
static void column_set_string(WireColumn *column, uint8_t m0, uint8_t m1)
{
    if ((m0 & 0x30) == 0x30 && (m0 == WIRE_ENUM || m0 == WIRE_SET)) {
        column->type = m0;
        column->meta = m1;
        return;
    }
    column->type = WIRE_STRING;
    column->meta = (uint16_t)((((m0 & 0x30) ^ 0x30) << 4) | m1);
}

static bool column_set_metadata(WireColumn *column, const uint8_t *m, GError **error)
{
    switch (column->type) {
    case WIRE_FLOAT:
    case WIRE_DOUBLE: /* the size in bytes, which the type tells */
        column->meta = 0;
        return true;
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
        column->meta = (uint16_t)(m[0] | m[1] << 8);
        return true;
    case WIRE_STRING:
    case WIRE_VAR_STRING:
        column_set_string(column, m[0], m[1]);
        return true;
    case WIRE_ENUM:
    case WIRE_SET:
        column->meta = m[1];
        return true;
    case WIRE_NEWDECIMAL:
        column->meta = (uint16_t)(m[0] << 8 | m[1]);
        if (m[0] >= 1 && m[0] <= 65 && m[1] <= 38 && m[1] <= m[0])
            return true;
        return wire_error(error, "a table map tells of DECIMAL(%u,%u)", m[0], m[1]);
    case WIRE_BIT: { /* bits beyond whole bytes, whole bytes */
        unsigned bits = m[1] * 8u + m[0];
        column->meta = (uint16_t)((bits + 7) / 8 << 8 | (bits & 0xff));
        if (bits >= 1 && bits <= 64)
            return true;
        return wire_error(error, "a table map tells of BIT(%u)", bits);
    }
    case WIRE_TIME2:
    case WIRE_TIMESTAMP2:
    case WIRE_DATETIME2:
        column->meta = m[0];
        if (m[0] <= 6)
            return true;
        return wire_error(error, "a table map tells of a time with %u digits in its fraction", m[0]);
    default: /* BLOB and kin: bytes of the length prefix */
        column->meta = m[0];
        if (m[0] >= 1 && m[0] <= 4)
            return true;
        return wire_error(error, "a table map tells of a length prefix of %u bytes", m[0]);
    }
}

static bool column_is_numeric(const WireColumn *column)
{
    switch (column->type) {
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_INT24:
    case WIRE_LONG:
    case WIRE_LONGLONG:
    case WIRE_NEWDECIMAL:
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
    case WIRE_YEAR:
        return true;
    default:
        return false;
    }
}

static bool column_is_character(const WireColumn *column)
{
    switch (column->type) {
    case WIRE_STRING:
    case WIRE_VAR_STRING:
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
    case WIRE_BLOB:
    case WIRE_BLOB_COMPRESSED:
    case WIRE_TINY_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
        return true;
    default:
        return false;
    }
}

/* Among the columns with a charset (binary) MariaDB counts geometry, MySQL vectors; neither the other. */
static bool column_is_character_mysql(const WireColumn *column)
{
    return column_is_character(column) || column->type == WIRE_VECTOR;
}

static bool column_is_character_mariadb(const WireColumn *column)
{
    return column_is_character(column) || column->type == WIRE_GEOMETRY;
}

static bool column_is_enum_or_set(const WireColumn *column)
{
    return column->type == WIRE_ENUM || column->type == WIRE_SET;
}

/* One bit per numeric column, the highest bit of a byte first. */
static bool read_signedness(TableMap *map, Wire *w, GError **error)
{
    unsigned n = 0;
    for (unsigned i = 0; i < map->n_columns; i++) {
        if (!column_is_numeric(&map->columns[i]))
            continue;
        if (n / 8 >= wire_left(w))
            return wire_error(error, "signedness in the table map of %s.%s is cut short", map->database, map->table);
        map->columns[i].is_unsigned = (w->p[n / 8] >> (7 - n % 8)) & 1;
        n++;
    }
    return true;
}

typedef bool (*ColumnTest)(const WireColumn *column);

static void need_charsets(TableMap *map)
{
    if (!map->charsets)
        map->charsets = g_new0(uint32_t, map->n_columns ? map->n_columns : 1);
}

/* The collation of most columns, then (index among the columns meant, collation) of the others. */
static bool read_default_charset(TableMap *map, Wire *w, ColumnTest test, GError **error)
{
    uint64_t collation, index;
    g_autofree unsigned *columns = g_new(unsigned, map->n_columns ? map->n_columns : 1);
    unsigned n = 0;
    if (!wire_lenenc(w, &collation))
        goto bad;
    need_charsets(map);
    for (unsigned i = 0; i < map->n_columns; i++)
        if (test(&map->columns[i])) {
            columns[n++] = i;
            map->charsets[i] = (uint32_t)collation;
        }
    while (wire_left(w)) {
        if (!wire_lenenc(w, &index) || !wire_lenenc(w, &collation) || index >= n)
            goto bad;
        map->charsets[columns[index]] = (uint32_t)collation;
    }
    return true;
bad:
    return wire_error(error, "the charsets in the table map of %s.%s cannot be read", map->database, map->table);
}

static bool read_column_charsets(TableMap *map, Wire *w, ColumnTest test, GError **error)
{
    uint64_t collation;
    need_charsets(map);
    for (unsigned i = 0; i < map->n_columns && wire_left(w); i++) {
        if (!test(&map->columns[i]))
            continue;
        if (!wire_lenenc(w, &collation))
            return wire_error(error, "the charsets in the table map of %s.%s cannot be read", map->database,
                              map->table);
        map->charsets[i] = (uint32_t)collation;
    }
    if (wire_left(w))
        return wire_error(error, "the table map of %s.%s has more charsets than columns with text", map->database,
                          map->table);
    return true;
}

static bool read_names(TableMap *map, Wire *w, GError **error)
{
    map->names = g_new0(char *, map->n_columns + 1u);
    for (unsigned i = 0; i < map->n_columns; i++) {
        const uint8_t *name;
        uint64_t len;
        if (!wire_lenenc(w, &len) || !wire_bytes(w, len, &name))
            return wire_error(error, "the column names in the table map of %s.%s are cut short", map->database,
                              map->table);
        map->names[i] = g_strndup((const char *)name, len);
    }
    return true;
}

enum {
    OPTIONAL_SIGNEDNESS = 1,
    OPTIONAL_DEFAULT_CHARSET = 2,
    OPTIONAL_COLUMN_CHARSET = 3,
    OPTIONAL_COLUMN_NAME = 4,
    OPTIONAL_ENUM_AND_SET_DEFAULT_CHARSET = 10,
    OPTIONAL_ENUM_AND_SET_COLUMN_CHARSET = 11,
};

/* Fields of type, length, value. What is not needed here is skipped. */
static bool read_optional_metadata(TableMap *map, Wire *w, SourceFlavour flavour, GError **error)
{
    ColumnTest is_character = flavour == SOURCE_MARIADB ? column_is_character_mariadb : column_is_character_mysql;
    uint32_t seen = 0;
    while (wire_left(w)) {
        uint8_t type = *w->p++;
        uint64_t len;
        Wire field = {0};
        if (!wire_lenenc(w, &len) || !wire_bytes(w, len, &field.p))
            return wire_error(error, "the optional metadata in the table map of %s.%s is cut short", map->database,
                              map->table);
        field.end = w->p;
        /* Servers write each once: many would take long, for each goes through all columns. */
        if (type < 32 && seen >> type & 1)
            return wire_error(error, "the table map of %s.%s has optional metadata of type %u twice", map->database,
                              map->table, type);
        seen |= type < 32 ? UINT32_C(1) << type : 0;
        bool good = true;
        switch (type) {
        case OPTIONAL_SIGNEDNESS:
            good = read_signedness(map, &field, error);
            break;
        case OPTIONAL_DEFAULT_CHARSET:
            good = read_default_charset(map, &field, is_character, error);
            break;
        case OPTIONAL_COLUMN_CHARSET:
            good = read_column_charsets(map, &field, is_character, error);
            break;
        case OPTIONAL_ENUM_AND_SET_DEFAULT_CHARSET:
            good = read_default_charset(map, &field, column_is_enum_or_set, error);
            break;
        case OPTIONAL_ENUM_AND_SET_COLUMN_CHARSET:
            good = read_column_charsets(map, &field, column_is_enum_or_set, error);
            break;
        case OPTIONAL_COLUMN_NAME:
            good = read_names(map, &field, error);
            break;
        default:
            break;
        }
        if (!good)
            return false;
    }
    return true;
}

/* One length byte, the text and a NUL. */
static bool read_identifier(Wire *w, char **out)
{
    const uint8_t *text;
    if (!wire_left(w))
        return false;
    uint64_t len = *w->p++;
    if (!wire_bytes(w, len + 1, &text))
        return false;
    *out = g_strndup((const char *)text, len);
    return true;
}

static bool read_columns(TableMap *map, Wire *w, GError **error)
{
    uint64_t n, metadata_len;
    const uint8_t *types, *nulls;
    Wire metadata = {0};
    bool unknown = false;

    if (!wire_lenenc(w, &n) || n > MAX_COLUMNS || !wire_bytes(w, n, &types))
        return wire_error(error, "the columns in the table map of %s.%s are cut short", map->database, map->table);
    map->n_columns = (unsigned)n;
    map->columns = g_new0(WireColumn, n ? n : 1);
    if (!wire_lenenc(w, &metadata_len) || !wire_bytes(w, metadata_len, &metadata.p) ||
        !wire_bytes(w, (n + 7) / 8, &nulls))
        return wire_error(error, "the metadata in the table map of %s.%s is cut short", map->database, map->table);
    metadata.end = metadata.p + metadata_len;
    for (unsigned i = 0; i < n; i++) {
        WireColumn *column = &map->columns[i];
        *column = (WireColumn){.type = types[i], .nullable = (nulls[i / 8] >> (i % 8)) & 1, .is_unsigned = -1};
        /* After a type that is not known the metadata cannot be told apart; only who follows this table has to fail,
         * which that column's lack of a size function makes it do. */
        int size = metadata_size(types[i]);
        unknown |= size < 0;
        const uint8_t *m;
        if (unknown || size == 0)
            continue;
        if (!wire_bytes(&metadata, (uint64_t)size, &m))
            return wire_error(error, "the metadata in the table map of %s.%s is cut short", map->database, map->table);
        if (!column_set_metadata(column, m, error)) {
            g_prefix_error(error, "%s.%s: ", map->database, map->table);
            return false;
        }
    }
    if (!unknown && wire_left(&metadata))
        return wire_error(error, "the table map of %s.%s has %zu bytes of metadata too many", map->database, map->table,
                          wire_left(&metadata));
    return unknown ? (w->p = w->end, true) : true;
}

bool table_map_peek_id(const BinlogEvent *event, uint64_t *table_id, GError **error)
{
    if (event->body_len < 8)
        return wire_error(error, "a table map event of %zu bytes is cut short", event->body_len);
    *table_id = wire_read_le(event->body, 6);
    return true;
}

TableMap *table_map_parse(const BinlogEvent *event, GError **error)
{
    g_autoptr(TableMap) map = g_new0(TableMap, 1);
    if (!table_map_peek_id(event, &map->table_id, error))
        return NULL;
    Wire w = {event->body + 8, event->body + event->body_len}; /* after the id: 2 bytes of flags */
    if (!read_identifier(&w, &map->database) || !read_identifier(&w, &map->table)) {
        wire_error(error, "the names in a table map event are cut short");
        return NULL;
    }
    if (!read_columns(map, &w, error) || !read_optional_metadata(map, &w, event->flavour, error))
        return NULL;
    return g_steal_pointer(&map);
}

void table_map_free(TableMap *map)
{
    if (!map)
        return;
    if (map->names)
        for (unsigned i = 0; i < map->n_columns; i++)
            g_free(map->names[i]);
    g_free(map->names);
    g_free(map->charsets);
    g_free(map->columns);
    g_free(map->database);
    g_free(map->table);
    g_free(map);
}

/* ---- rows events ---- */

typedef struct {
    RowsKind kind;
    bool v2;
    bool partial_json;
} RowsType;

static bool rows_type(unsigned type, RowsType *out)
{
    switch (type) {
    case BINLOG_WRITE_ROWS_V1:
        *out = (RowsType){ROWS_INSERT, false, false};
        return true;
    case BINLOG_UPDATE_ROWS_V1:
        *out = (RowsType){ROWS_UPDATE, false, false};
        return true;
    case BINLOG_DELETE_ROWS_V1:
        *out = (RowsType){ROWS_DELETE, false, false};
        return true;
    case BINLOG_WRITE_ROWS_V2:
        *out = (RowsType){ROWS_INSERT, true, false};
        return true;
    case BINLOG_UPDATE_ROWS_V2:
        *out = (RowsType){ROWS_UPDATE, true, false};
        return true;
    case BINLOG_DELETE_ROWS_V2:
        *out = (RowsType){ROWS_DELETE, true, false};
        return true;
    case BINLOG_PARTIAL_UPDATE_ROWS:
        *out = (RowsType){ROWS_UPDATE, true, true};
        return true;
    default:
        return false;
    }
}

bool rows_event_is(unsigned type)
{
    RowsType ignored;
    return rows_type(type, &ignored);
}

static bool bitmap_full(const uint8_t *bitmap, unsigned n)
{
    for (unsigned i = 0; i < n / 8; i++)
        if (bitmap[i] != 0xff)
            return false;
    unsigned rest = (1u << (n % 8)) - 1;
    return !rest || (bitmap[n / 8] & rest) == rest;
}

bool rows_event_parse(const BinlogEvent *event, RowsEvent *out, GError **error)
{
    RowsType type;
    Wire w = {event->body, event->body + event->body_len};
    const uint8_t *head, *extra, *present, *present_after;
    uint64_t n;

    if (!rows_type(event->type, &type))
        return wire_error(error, "an event of type %u holds no rows", event->type);
    if (!wire_bytes(&w, 8, &head))
        goto cut;
    if (type.v2) { /* extra data (partition numbers and the like), its length counting itself */
        if (!wire_bytes(&w, 2, &extra))
            goto cut;
        uint64_t extra_len = wire_read_le(extra, 2);
        if (extra_len < 2 || !wire_bytes(&w, extra_len - 2, &extra))
            goto cut;
    }
    if (!wire_lenenc(&w, &n) || n > MAX_COLUMNS || !wire_bytes(&w, (n + 7) / 8, &present))
        goto cut;
    present_after = present;
    if (type.kind == ROWS_UPDATE && !wire_bytes(&w, (n + 7) / 8, &present_after))
        goto cut;
    *out = (RowsEvent){
        .kind = type.kind,
        .partial_json = type.partial_json,
        .table_id = wire_read_le(head, 6),
        .flags = (uint16_t)wire_read_le(head + 6, 2),
        .n_columns = (unsigned)n,
        .present = present,
        .present_after = present_after,
        .full = bitmap_full(present, (unsigned)n) && bitmap_full(present_after, (unsigned)n),
        .timestamp_max = event->timestamp_max,
        .body = event->body,
        .rows = w.p,
        .end = w.end,
    };
    return true;
cut:
    return wire_error(error, "a rows event of %zu bytes is cut short", event->body_len);
}

/* ---- comparing images ---- */

typedef struct {
    const uint8_t *at;
    size_t len; /* of the value; `at` NULL: it is NULL */
} Cell;

/* Goes over one image: where each value stands. NULL: it does not fit. */
static const uint8_t *walk_image(const TableMap *map, const WireSize *sizes, const uint8_t *p, const uint8_t *end, Cell *cells)
{
    size_t bitmap = (map->n_columns + 7) / 8;
    if ((size_t)(end - p) < bitmap)
        return NULL;
    const uint8_t *nulls = p;
    p += bitmap;
    for (unsigned i = 0; i < map->n_columns; i++) {
        cells[i] = (Cell){0};
        if (nulls[i / 8] >> (i % 8) & 1)
            continue;
        size_t len = sizes[i](p, end, map->columns[i].meta);
        if (len > (size_t)(end - p))
            return NULL;
        cells[i] = (Cell){.at = p, .len = len};
        p += len;
    }
    return p;
}

static bool cell_same(const Cell *a, const Cell *b)
{
    return (!a->at && !b->at) || (a->at && b->at && a->len == b->len && memcmp(a->at, b->at, a->len) == 0);
}

/* False: images are partial, or of a type that is not known. `sizes` has room for all columns. */
static bool can_walk(const TableMap *map, const RowsEvent *rows, WireSize *sizes)
{
    if (rows->partial_json || !rows->full || rows->n_columns != map->n_columns)
        return false;
    for (unsigned i = 0; i < map->n_columns; i++)
        if (!(sizes[i] = wire_size_function(&map->columns[i])))
            return false;
    return true;
}

bool rows_update_keeps(const TableMap *map, const RowsEvent *rows, const unsigned *columns, unsigned n)
{
    g_autofree WireSize *sizes = g_new(WireSize, map->n_columns + 1);
    g_autofree Cell *before = g_new(Cell, map->n_columns + 1), *after = g_new(Cell, map->n_columns + 1);
    if (rows->kind != ROWS_UPDATE || !can_walk(map, rows, sizes))
        return false;
    for (const uint8_t *p = rows->rows; p < rows->end;) {
        if (!(p = walk_image(map, sizes, p, rows->end, before)) || !(p = walk_image(map, sizes, p, rows->end, after)))
            return false;
        for (unsigned c = 0; c < n; c++)
            if (!cell_same(&before[columns[c]], &after[columns[c]]))
                return false;
    }
    return true;
}

bool rows_may_have(const TableMap *map, const RowsEvent *rows, unsigned column, const uint8_t *bytes, size_t len)
{
    g_autofree WireSize *sizes = g_new(WireSize, map->n_columns + 1);
    g_autofree Cell *cells = g_new(Cell, map->n_columns + 1);
    const Cell wanted = {.at = bytes, .len = len};
    if (rows->kind == ROWS_UPDATE || column >= map->n_columns || !can_walk(map, rows, sizes))
        return true;
    for (const uint8_t *p = rows->rows; p < rows->end;)
        if (!(p = walk_image(map, sizes, p, rows->end, cells)) || cell_same(&cells[column], &wanted))
            return true;
    return false;
}
