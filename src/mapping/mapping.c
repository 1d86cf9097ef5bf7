/* mapping.c - a table's mapping: its columns at the destination, and rows from events and results into its block. */
#include "mapping/mapping.h"
#include "clickhouse/layout.h"
#include "mapping/writers.h"

/* The added columns stand behind the mapped ones. */
enum { ADDED_SYNCED_AT, ADDED_IS_DELETED, ADDED_VERSION, N_ADDED };

static const struct {
    const char *name, *type;
} added_columns[N_ADDED] = {
    [ADDED_SYNCED_AT] = {"synced_at", "DateTime64(9)"},
    [ADDED_IS_DELETED] = {"is_deleted", "UInt8"},
    [ADDED_VERSION] = {"version", "UInt64"},
};

/* Before them stands the source column, where the table has one. */
#define SOURCE_COLUMN_TYPE "LowCardinality(String)"

/* MariaDB's hidden columns of UNIQUE on TEXT and BLOB: in the log, in no definition. */
#define HIDDEN_PREFIX "DB_ROW_HASH_"

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

/* ---- making ---- */

static char *added_name(const TableMapping *mapping, unsigned added)
{
    return g_strconcat(mapping->prefix, added_columns[added].name, NULL);
}

static const char *source_column_target(const SourceColumn *column)
{
    return column->as_name ? column->as_name : column->name;
}

static const char *source_column(const TableMapping *mapping)
{
    return mapping->table->texts[TABLE_SOURCE_COLUMN];
}

/* A name that ClickHouse would have twice. */
static bool name_is_free(const TableMapping *mapping, const char *name, GError **error)
{
    const SourceTable *table = mapping->table;
    for (unsigned added = 0; added < N_ADDED; added++) {
        g_autofree char *other = added_name(mapping, added);
        if (strcmp(name, other) != 0)
            continue;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "table %s.%s: column %s has the name of a column that sluice adds; set another column_prefix",
                    table->database, table->name, name);
        return false;
    }
    return true;
}

static bool source_column_prepare(TableMapping *mapping, GError **error)
{
    const SourceTable *table = mapping->table;
    if (!source_column(mapping))
        return true;
    for (unsigned i = 0; i < table->n_columns; i++) {
        if (mapping->writers[i].excluded ||
            strcmp(source_column_target(&table->columns[i]), source_column(mapping)) != 0)
            continue;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "table %s.%s: column %s has the name of its source_column; set another source_column, then resync",
                    table->database, table->name, table->columns[i].name);
        return false;
    }
    g_autofree char *value = source_table_value(table);
    size_t len = strlen(value);
    mapping->source_cell = g_malloc(len + 10);
    mapping->source_cell_len = varuint_write(mapping->source_cell, len);
    memcpy(mapping->source_cell + mapping->source_cell_len, value, len);
    mapping->source_cell_len += len;
    mapping->variable[mapping->n_variable++].column = mapping->n_mapped;
    return name_is_free(mapping, source_column(mapping), error);
}

static bool column_prepare(TableMapping *mapping, unsigned i, const MappingSettings *settings, GError **error)
{
    const SourceTable *table = mapping->table;
    const SourceColumn *column = &table->columns[i];
    ColumnWriter *writer = &mapping->writers[i];
    const char *why = NULL;
    writer->column = column;
    writer->fault = &mapping->fault;
    writer->in_key = source_table_column_is_placed(table, i);
    if (column->excluded && !writer->in_key) {
        writer->excluded = true;
        return true;
    }
    char *type = mapping->types[i] = mapping_column_type(column, writer->in_key, settings, &why);
    if (!type) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "table %s.%s: column %s (%s) cannot be replicated: %s; leave the table out of the pipe",
                    table->database, table->name, column->name, column->type_text ? column->type_text : "?", why);
        return false;
    }
    if (!name_is_free(mapping, source_column_target(column), error))
        return false;
    if (column_type_variable(type))
        mapping->variable[mapping->n_variable++].column = mapping->n_mapped;
    mapping->n_mapped++;
    writer->type = type;
    writer->nullable = column_type_nullable(type);
    writer->zero_date = settings->zero_date;
    writer->out_of_range = settings->out_of_range;
    column_type_find(column->type)->prepare(writer, settings);
    return true;
}

/* A table that forgot deletes, or the versions of rows, would show again what is gone. */
static bool texts_check(const TableMapping *mapping, GError **error)
{
    static const int kept[] = {ADDED_IS_DELETED, ADDED_VERSION};
    const SourceTable *table = mapping->table;
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++)
        for (unsigned k = 0; k < G_N_ELEMENTS(kept); k++) {
            g_autofree char *name = added_name(mapping, kept[k]);
            if (!table->texts[i] || !dest_layout_names(table->texts[i], name))
                continue;
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                        "table %s.%s: its %s names %s, by which rows are told to be deleted or old; leave it out",
                        table->database, table->name, table_text_word(i), name);
            return false;
        }
    return true;
}

TableMapping *mapping_new(SourceTable *table, const MappingSettings *settings, GError **error)
{
    g_autoptr(TableMapping) mapping = g_new0(TableMapping, 1);
    mapping->table = source_table_ref(table);
    mapping->prefix = g_strdup(settings->column_prefix);
    mapping->n_columns = table->n_columns;
    mapping->writers = g_new0(ColumnWriter, table->n_columns);
    mapping->types = g_new0(char *, table->n_columns + 1);
    mapping->before = g_new0(KeyBytes, table->n_columns);
    mapping->after = g_new0(KeyBytes, table->n_columns);
    mapping->variable = g_malloc0_n(table->n_columns + 1, sizeof *mapping->variable);
    if (!table->n_key) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "table %s.%s has no usable key: add a primary key, or a unique key of NOT NULL columns",
                    table->database, table->name);
        return NULL;
    }
    for (unsigned i = 0; i < table->n_columns; i++)
        if (!column_prepare(mapping, i, settings, error))
            return NULL;
    if (!source_column_prepare(mapping, error))
        return NULL;
    mapping->first_added = mapping->n_mapped + (mapping->source_cell ? 1 : 0);
    for (unsigned i = 0; i < table->n_columns; i++) {
        if (!mapping->writers[i].in_key)
            continue;
        mapping->n_key++;
        mapping->last_key = i;
    }
    if (!texts_check(mapping, error))
        return NULL;
    return g_steal_pointer(&mapping);
}

static void column_writer_clear(ColumnWriter *writer)
{
    member_names_clear(&writer->members);
    inflater_free(writer->inflater);
    if (writer->scratch)
        g_byte_array_unref(writer->scratch);
}

void mapping_free(TableMapping *mapping)
{
    if (!mapping)
        return;
    for (unsigned i = 0; i < mapping->n_columns; i++)
        column_writer_clear(&mapping->writers[i]);
    for (unsigned i = 0; i < mapping->n_columns; i++)
        g_free(mapping->types[i]);
    g_free(mapping->types);
    g_free(mapping->source_cell);
    g_free(mapping->writers);
    g_free(mapping->skips);
    g_free(mapping->before);
    g_free(mapping->after);
    g_free(mapping->variable);
    g_free(mapping->prefix);
    source_table_unref(mapping->table);
    g_free(mapping);
}

const SourceTable *mapping_table(const TableMapping *mapping)
{
    return mapping->table;
}

void mapping_fill_spec(const TableMapping *mapping, DestTableSpec *spec)
{
    const SourceTable *table = mapping->table;
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        const SourceColumn *column = &table->columns[i];
        if (mapping->writers[i].excluded)
            continue;
        dest_table_spec_add_column(spec, source_column_target(column), mapping->types[i]);
        if (column->as_codec)
            dest_table_spec_set_codec(spec, spec->columns->len - 1, column->as_codec);
        if (mapping->writers[i].in_key && !source_table_column_in_key(table, i))
            g_ptr_array_add(spec->placed, g_strdup(source_column_target(column)));
    }
    if (source_column(mapping)) {
        dest_table_spec_add_column(spec, source_column(mapping), SOURCE_COLUMN_TYPE);
        g_ptr_array_add(spec->order_by, g_strdup(source_column(mapping)));
    }
    for (unsigned added = 0; added < N_ADDED; added++) {
        g_autofree char *name = added_name(mapping, added);
        dest_table_spec_add_column(spec, name, added_columns[added].type);
    }
    for (unsigned k = 0; k < table->n_key; k++)
        g_ptr_array_add(spec->order_by, g_strdup(source_column_target(&table->columns[table->key[k]])));
    g_free(spec->version_column);
    spec->version_column = added_name(mapping, ADDED_VERSION);
    g_free(spec->deleted_column);
    spec->deleted_column = added_name(mapping, ADDED_IS_DELETED);
    char **texts[] = {[TABLE_ORDER_BY] = &spec->sorted_by,
                      [TABLE_PARTITION_BY] = &spec->partition_by,
                      [TABLE_ENGINE] = &spec->engine,
                      [TABLE_TTL] = &spec->ttl};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(*texts[i]);
        *texts[i] = g_strdup(table->texts[i]);
    }
}

Block *mapping_block_new(const TableMapping *mapping, BudgetAccount *account)
{
    Block *block = block_new(account, mapping->first_added + N_ADDED);
    unsigned at = 0;
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        if (mapping->writers[i].excluded)
            continue;
        g_autofree char *type = column_type_in_block(mapping->types[i]);
        block_set_column(block, at++, source_column_target(&mapping->table->columns[i]), type);
    }
    if (source_column(mapping))
        block_set_column(block, at++, source_column(mapping), "String");
    for (unsigned added = 0; added < N_ADDED; added++) {
        g_autofree char *name = added_name(mapping, added);
        block_set_column(block, at++, name, added_columns[added].type);
    }
    return block;
}

const MappingCounters *mapping_counters(const TableMapping *mapping, unsigned column)
{
    g_assert(column < mapping->n_columns);
    return &mapping->writers[column].counters;
}

MappingCounters *mapping_take_counters(TableMapping *mapping)
{
    MappingCounters *taken = NULL;
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        MappingCounters *counters = &mapping->writers[i].counters;
        if (G_LIKELY(!(counters->converted_zero_dates | counters->clamped | counters->undecodable)))
            continue;
        if (!taken)
            taken = g_new0(MappingCounters, mapping->n_columns);
        taken[i] = *counters;
        *counters = (MappingCounters){0};
    }
    return taken;
}

/* ---- binding to a table map ---- */

static const char *wire_type_name(uint8_t type)
{
    static const char *const names[256] = {
        [WIRE_DECIMAL_OLD] = "old DECIMAL",
        [WIRE_TINY] = "TINYINT",
        [WIRE_SHORT] = "SMALLINT",
        [WIRE_LONG] = "INT",
        [WIRE_FLOAT] = "FLOAT",
        [WIRE_DOUBLE] = "DOUBLE",
        [WIRE_TIMESTAMP] = "old TIMESTAMP",
        [WIRE_LONGLONG] = "BIGINT",
        [WIRE_INT24] = "MEDIUMINT",
        [WIRE_DATE] = "DATE",
        [WIRE_TIME] = "old TIME",
        [WIRE_DATETIME] = "old DATETIME",
        [WIRE_YEAR] = "YEAR",
        [WIRE_NEWDATE] = "DATE",
        [WIRE_VARCHAR] = "VARCHAR",
        [WIRE_BIT] = "BIT",
        [WIRE_TIMESTAMP2] = "TIMESTAMP",
        [WIRE_DATETIME2] = "DATETIME",
        [WIRE_TIME2] = "TIME",
        [WIRE_BLOB_COMPRESSED] = "compressed BLOB",
        [WIRE_VARCHAR_COMPRESSED] = "compressed VARCHAR",
        [WIRE_VECTOR] = "VECTOR",
        [WIRE_JSON] = "JSON",
        [WIRE_NEWDECIMAL] = "DECIMAL",
        [WIRE_ENUM] = "ENUM",
        [WIRE_SET] = "SET",
        [WIRE_BLOB] = "BLOB or TEXT",
        [WIRE_STRING] = "CHAR or BINARY",
        [WIRE_GEOMETRY] = "GEOMETRY",
    };
    return names[type] ? names[type] : "an unknown type";
}

static bool bind_error(const TableMapping *mapping, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool bind_error(const TableMapping *mapping, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s: the definition changed: %s; %s",
                mapping->table->database, mapping->table->name, what, MEND_DEFINITION);
    return false;
}

/* Whether the character set in the log (0: not told) is not that of the definition. The collation may be another one:
 * it changes no byte. */
static bool charset_mismatch(const SourceColumn *column, uint32_t collation)
{
    const uint32_t binary = 63;
    switch (column->type) {
    case SOURCE_TYPE_CHAR:
    case SOURCE_TYPE_VARCHAR:
    case SOURCE_TYPE_TEXT: {
        const char *charset = collation_charset(collation);
        if (charset && strcmp(charset, "utf8mb3") == 0 && strcmp(column->charset, "utf8") == 0)
            return false;
        return charset && strcmp(charset, column->charset) != 0;
    }
    case SOURCE_TYPE_BINARY:
    case SOURCE_TYPE_VARBINARY:
    case SOURCE_TYPE_BLOB:
    case SOURCE_TYPE_UUID:
    case SOURCE_TYPE_INET4:
    case SOURCE_TYPE_INET6:
        return collation != 0 && collation != binary;
    default:
        return false;
    }
}

static bool bind_column(TableMapping *mapping, unsigned i, const TableMap *map, GError **error)
{
    ColumnWriter *writer = &mapping->writers[i];
    const SourceColumn *column = writer->column;
    const WireColumn *wire = &map->columns[i];
    if (map->names && strcmp(map->names[i], column->name) != 0)
        return bind_error(mapping, error, "column %u is %s in the definition, %s in the log", i + 1, column->name,
                          map->names[i]);
    if (writer->excluded) {
        writer->wire_size = wire->meta; /* of a document, which a change of another one's is told apart by */
        if ((wire->type == WIRE_JSON) != (column->type == SOURCE_TYPE_JSON))
            return bind_error(mapping, error, "column %s is %s in the definition, %s in the log", column->name,
                              column->type_text ? column->type_text : "?", wire_type_name(wire->type));
        return true;
    }
    CellWriter write = column_type_find(column->type)->bind(writer, wire);
    if (map->charsets && charset_mismatch(column, map->charsets[i])) {
        const char *told = collation_charset(map->charsets[i]);
        return bind_error(mapping, error, "column %s is %s in the definition, %s in the log", column->name,
                          column->charset ? column->charset : "binary", told ? told : "of another character set");
    }
    if (!write)
        return bind_error(mapping, error, "column %s is %s in the definition, %s%s (%u:%u) in the log", column->name,
                          column->type_text ? column->type_text : "?", wire->is_unsigned == 1 ? "unsigned " : "",
                          wire_type_name(wire->type), wire->type, wire->meta);
    if (wire->nullable != column->nullable)
        return bind_error(mapping, error, "column %s is %s in the definition, %s in the log", column->name,
                          column->nullable ? "nullable" : "NOT NULL", wire->nullable ? "nullable" : "NOT NULL");
    writer->write = write;
    return true;
}

static bool bind_hidden(TableMapping *mapping, const TableMap *map, GError **error)
{
    for (unsigned i = mapping->n_columns; i < map->n_columns; i++) {
        if (map->names && g_str_has_prefix(map->names[i], HIDDEN_PREFIX))
            continue;
        bind_error(mapping, error, "it has %u columns in the definition, %u in the log%s", mapping->n_columns,
                   map->n_columns, map->names ? "" : " (hidden columns are told with binlog_row_metadata=FULL only)");
        return false;
    }
    return true;
}

/* How to step over values of a wire column; false when its type is not known. */
static bool skip_bind(WireSkip *skip, const WireColumn *wire)
{
    static const uint8_t any[64]; /* longer than any value of fixed size */
    *skip = (WireSkip){.size = wire_size_function(wire), .meta = wire->meta};
    if (!skip->size)
        return false;
    switch (wire->type) {
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_INT24:
    case WIRE_LONG:
    case WIRE_LONGLONG:
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
    case WIRE_NEWDECIMAL:
    case WIRE_YEAR:
    case WIRE_BIT:
    case WIRE_DATE:
    case WIRE_TIME2:
    case WIRE_DATETIME2:
    case WIRE_TIMESTAMP2:
    case WIRE_ENUM:
    case WIRE_SET:
        skip->fixed = (uint16_t)skip->size(any, any + sizeof any, wire->meta);
        break;
    default:
        break;
    }
    return true;
}

bool mapping_bind(TableMapping *mapping, const TableMap *map, GError **error)
{
    mapping->bound = false;
    if (map->n_columns < mapping->n_columns)
        return bind_error(mapping, error, "it has %u columns in the definition, %u in the log", mapping->n_columns,
                          map->n_columns);
    if (!bind_hidden(mapping, map, error))
        return false;
    for (unsigned i = 0; i < mapping->n_columns; i++)
        if (!bind_column(mapping, i, map, error))
            return false;
    if (map->n_columns != mapping->n_wire || !mapping->skips) {
        mapping->skips = g_renew(WireSkip, mapping->skips, map->n_columns);
        mapping->n_wire = map->n_columns;
    }
    for (unsigned i = 0; i < map->n_columns; i++)
        if (!skip_bind(&mapping->skips[i], &map->columns[i]))
            return bind_error(mapping, error, "column %u has wire type %u", i + 1, map->columns[i].type);
    mapping->n_json = 0;
    for (unsigned i = 0; i < map->n_columns; i++)
        mapping->n_json += map->columns[i].type == WIRE_JSON;
    mapping->bound = true;
    return true;
}

/* ---- faults of single cells ---- */

const uint8_t *cell_overrun(ColumnWriter *self)
{
    self->fault->decode = true;
    g_strlcpy(self->fault->what, "the value does not end where its row ends", sizeof self->fault->what);
    return NULL;
}

const uint8_t *cell_malformed(ColumnWriter *self, const char *format, ...)
{
    va_list args;
    self->fault->decode = true;
    va_start(args, format);
    g_vsnprintf(self->fault->what, sizeof self->fault->what, format, args);
    va_end(args);
    return NULL;
}

const uint8_t *cell_refuse(ColumnWriter *self, const char *mend, const char *format, ...)
{
    va_list args;
    self->fault->decode = false;
    self->fault->mend = mend;
    va_start(args, format);
    g_vsnprintf(self->fault->what, sizeof self->fault->what, format, args);
    va_end(args);
    return NULL;
}

/* Always NULL. */
static const uint8_t *cell_error(const TableMapping *mapping, unsigned column, GError **error)
{
    const SourceTable *table = mapping->table;
    const CellFault *fault = &mapping->fault;
    const char *name = column < mapping->n_columns ? table->columns[column].name : "(hidden)";
    if (fault->decode)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "table %s.%s, column %s: %s", table->database,
                    table->name, name, fault->what);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s, column %s: %s; %s", table->database,
                    table->name, name, fault->what, fault->mend);
    return NULL;
}

static const uint8_t *row_overrun(const TableMapping *mapping, GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "table %s.%s: a row does not end where its event ends",
                mapping->table->database, mapping->table->name);
    return NULL;
}

/* ---- rows ---- */

static void block_begin(TableMapping *mapping, const Block *block)
{
    g_assert(block->n_columns == mapping->first_added + N_ADDED);
    for (unsigned i = 0; i < mapping->n_variable; i++)
        mapping->variable[i].len = block->columns[mapping->variable[i].column].data.len;
}

static void block_take_back(const TableMapping *mapping, Block *block, uint64_t n_rows)
{
    block->n_rows = n_rows;
    for (unsigned i = 0; i < block->n_columns; i++) {
        block->columns[i].data.len = n_rows * block->columns[i].width;
        block->columns[i].nulls.len = n_rows * (block->columns[i].nullable ? 1
                                                : block->columns[i].array  ? sizeof(uint64_t)
                                                                           : 0);
    }
    for (unsigned i = 0; i < mapping->n_variable; i++)
        block->columns[mapping->variable[i].column].data.len = mapping->variable[i].len;
}

static inline bool bitmap_has(const uint8_t *bitmap, unsigned bit)
{
    return bitmap[bit >> 3] >> (bit & 7) & 1;
}

/* A cell without a value: NULL, or the type's default where the column is not nullable (setting nullable=off). */
static inline void append_empty(BlockColumn *out)
{
    enum { WIDEST = 32 }; /* zeroing a constant size takes one or two stores, a varying one a call */
    if (out->nullable)
        column_append_null_flag(out, 1);
    if (G_UNLIKELY(out->array || out->json)) {
        column_append_default(out);
        return;
    }
    memset(byte_buffer_reserve(&out->data, WIDEST), 0, WIDEST);
    out->data.len += out->width ? out->width : 1;
}

/* NULL in a key would become the default, which is another key. */
static const uint8_t *null_in_key(ColumnWriter *writer)
{
    return cell_refuse(writer, MEND_KEY, "the value is NULL and the column is part of the key");
}

static inline const uint8_t *append_cell(ColumnWriter *writer, CellWriter write, bool is_null, const uint8_t *p,
                                         const uint8_t *end, BlockColumn *out)
{
    if (is_null) {
        if (G_UNLIKELY(writer->in_key))
            return null_in_key(writer);
        append_empty(out);
        return p;
    }
    if (out->nullable)
        column_append_null_flag(out, 0);
    return write(writer, p, end, out);
}

static inline void append_version(const TableMapping *mapping, Block *block, uint64_t version, uint8_t is_deleted)
{
    BlockColumn *added = block->columns + mapping->first_added;
    version = GUINT64_TO_LE(version);
    column_append_fixed(&added[ADDED_VERSION], &version, sizeof version);
    column_append_fixed(&added[ADDED_IS_DELETED], &is_deleted, sizeof is_deleted);
    block->n_rows++;
}

static void append_source(const TableMapping *mapping, Block *block, uint64_t rows)
{
    size_t len = mapping->source_cell_len;
    if (G_LIKELY(!len))
        return;
    ByteBuffer *out = &block->columns[mapping->n_mapped].data;
    uint8_t *p = byte_buffer_reserve(out, rows * len);
    for (uint64_t i = 0; i < rows; i++, p += len)
        memcpy(p, mapping->source_cell, len);
    out->len += rows * len;
}

static void append_synced_at(const TableMapping *mapping, Block *block, uint64_t rows, int64_t synced_nsec)
{
    BlockColumn *out = &block->columns[mapping->first_added + ADDED_SYNCED_AT];
    uint8_t *p = byte_buffer_reserve(&out->data, rows * sizeof synced_nsec);
    synced_nsec = GINT64_TO_LE(synced_nsec);
    for (uint64_t i = 0; i < rows; i++, p += sizeof synced_nsec)
        memcpy(p, &synced_nsec, sizeof synced_nsec);
    out->data.len += rows * sizeof synced_nsec;
}

/* A walk over the columns of an image, from the first on. */
typedef struct {
    const uint8_t *present, *nulls;
    unsigned bit; /* of `nulls`, which has none for columns that are not there */
} ImageWalk;

typedef enum { CELL_VALUE, CELL_NULL, CELL_ABSENT } CellKind;

/* Begins at the bitmap of NULLs; the bytes behind that, NULL on overrun. */
static inline const uint8_t *image_begin(ImageWalk *walk, const ImageColumns *columns, const uint8_t *p,
                                         const uint8_t *end)
{
    *walk = (ImageWalk){columns->present, p, 0};
    return G_UNLIKELY((size_t)(end - p) < columns->bitmap_size) ? NULL : p + columns->bitmap_size;
}

/* To be asked for each column in turn. */
static inline CellKind image_next(ImageWalk *walk, unsigned column)
{
    if (G_UNLIKELY(walk->present) && !bitmap_has(walk->present, column))
        return CELL_ABSENT;
    return bitmap_has(walk->nulls, walk->bit++) ? CELL_NULL : CELL_VALUE;
}

/* The bytes behind the values of the wire columns from `first` on, before `last`; NULL on overrun. */
static const uint8_t *skip_columns(const TableMapping *mapping, ImageWalk *walk, unsigned first, unsigned last,
                                   const uint8_t *p, const uint8_t *end)
{
    for (unsigned i = first; i < last; i++) {
        if (image_next(walk, i) != CELL_VALUE)
            continue;
        const WireSkip *skip = &mapping->skips[i];
        size_t size = skip->fixed ? skip->fixed : skip->size(p, end, skip->meta);
        if (G_UNLIKELY(size > (size_t)(end - p)))
            return NULL;
        p += size;
    }
    return p;
}

/* One image as a row. `p` at its NULL bitmap; returns what follows the image, NULL with an error. */
static const uint8_t *append_row(TableMapping *mapping, Block *block, const uint8_t *p, const uint8_t *end,
                                 uint64_t version, GError **error)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_after, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (G_UNLIKELY(writer->excluded)) {
            p = skip_columns(mapping, &walk, i, i + 1, p, end);
            if (G_UNLIKELY(!p))
                return row_overrun(mapping, error);
            continue;
        }
        p = append_cell(writer, writer->write, image_next(&walk, i) == CELL_NULL, p, end, out++);
        if (G_UNLIKELY(!p))
            return cell_error(mapping, i, error);
    }
    if (G_UNLIKELY(mapping->n_wire > mapping->n_columns)) {
        p = skip_columns(mapping, &walk, mapping->n_columns, mapping->n_wire, p, end);
        if (!p)
            return row_overrun(mapping, error);
    }
    append_version(mapping, block, version, 0);
    return p;
}

/* One image as a delete: the key and nothing else. */
static const uint8_t *append_delete(TableMapping *mapping, Block *block, const uint8_t *p, const uint8_t *end,
                                    uint64_t version, GError **error)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_before, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (writer->in_key) {
            p = append_cell(writer, writer->write, image_next(&walk, i) == CELL_NULL, p, end, out++);
            if (G_UNLIKELY(!p))
                return cell_error(mapping, i, error);
        } else {
            if (G_LIKELY(!writer->excluded))
                append_empty(out++);
            p = skip_columns(mapping, &walk, i, i + 1, p, end);
            if (G_UNLIKELY(!p))
                return row_overrun(mapping, error);
        }
    }
    p = skip_columns(mapping, &walk, mapping->n_columns, mapping->n_wire, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    append_version(mapping, block, version, 1);
    return p;
}

/* Notes where the key's bytes stand in an image and returns what follows the columns before `last`. A NULL in the key
 * has no bytes here and is refused when its row is appended. */
static const uint8_t *find_key(const TableMapping *mapping, const ImageColumns *columns, const uint8_t *p,
                               const uint8_t *end, unsigned last, KeyBytes *key)
{
    ImageWalk walk;
    p = image_begin(&walk, columns, p, end);
    for (unsigned i = 0; p && i < last; i++) {
        const uint8_t *next = skip_columns(mapping, &walk, i, i + 1, p, end);
        if (G_UNLIKELY(!next))
            return NULL;
        if (i < mapping->n_columns && mapping->writers[i].in_key)
            *key++ = (KeyBytes){p, (size_t)(next - p)};
        p = next;
    }
    return p;
}

static bool key_changed(const TableMapping *mapping)
{
    for (unsigned k = 0; k < mapping->n_key; k++)
        if (mapping->before[k].len != mapping->after[k].len ||
            memcmp(mapping->before[k].p, mapping->after[k].p, mapping->before[k].len) != 0)
            return true;
    return false;
}

/* ---- images with changes of documents (PARTIAL_UPDATE_ROWS) ----
 *
 * Before the image after an update stand options, length-encoded, and with bit 0 of them a bitmap of the JSON columns
 * whose value is changes of the one before (MySQL source, sql/log_event.cc, Rows_log_event::unpack_current_row). */

/* Notes where the documents of the image before stand; NULL on overrun. */
static const uint8_t *find_documents(TableMapping *mapping, const uint8_t *p, const uint8_t *end)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_before, p, end);
    for (unsigned i = 0; p && i < mapping->n_columns; i++) {
        ColumnWriter *writer = &mapping->writers[i];
        const uint8_t *next = skip_columns(mapping, &walk, i, i + 1, p, end);
        if (next && writer->column->type == SOURCE_TYPE_JSON) {
            writer->before = next == p ? NULL : p + writer->wire_size; /* a value has its length before it */
            writer->before_len = writer->before ? (size_t)(next - writer->before) : 0;
        }
        p = next;
    }
    return p;
}

/* The image behind the options; NULL when they cannot be read. */
static const uint8_t *read_diff_options(TableMapping *mapping, const uint8_t *p, const uint8_t *end)
{
    enum { PARTIAL_JSON = 1 };
    uint64_t options;
    unsigned json = 0;
    p = lenenc_read(p, end, &options);
    if (!p || (options & ~(uint64_t)PARTIAL_JSON))
        return NULL;
    const uint8_t *bits = p;
    if (options & PARTIAL_JSON) {
        if ((size_t)(end - p) < (mapping->n_json + 7) / 8)
            return NULL;
        p += (mapping->n_json + 7) / 8;
    }
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        ColumnWriter *writer = &mapping->writers[i];
        if (writer->column->type == SOURCE_TYPE_JSON)
            writer->is_diff = (options & PARTIAL_JSON) && bitmap_has(bits, json++);
    }
    return p;
}

static void forget_diffs(TableMapping *mapping)
{
    for (unsigned i = 0; i < mapping->n_columns; i++)
        mapping->writers[i].is_diff = false;
}

/* Both images of an update. The version of a delete of the old key is smaller than that of the new row. */
static const uint8_t *append_update(TableMapping *mapping, Block *block, const uint8_t *body, const uint8_t *p,
                                    const uint8_t *end, uint64_t version_base, GError **error)
{
    const uint8_t *after = find_key(mapping, &mapping->columns_before, p, end, mapping->n_wire, mapping->before);
    if (G_UNLIKELY(mapping->reading_diffs) && after)
        after = find_documents(mapping, p, end) ? read_diff_options(mapping, after, end) : NULL;
    if (G_UNLIKELY(!after) || G_UNLIKELY(!find_key(mapping, &mapping->columns_after, after, end, mapping->last_key + 1,
                                                   mapping->after)))
        return row_overrun(mapping, error);
    if (key_changed(mapping) && !append_delete(mapping, block, p, end, version_base + (uint64_t)(p - body), error))
        return NULL;
    return append_row(mapping, block, after, end, version_base + (uint64_t)(after - body), error);
}

static bool append_rows(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                        RowCounts *counts, GError **error)
{
    const uint8_t *p = rows->rows, *end = rows->end, *body = rows->body;
    uint64_t n = 0;
    for (; p < end; n++) {
        uint64_t version = version_base + (uint64_t)(p - body);
        switch (rows->kind) {
        case ROWS_INSERT:
            p = append_row(mapping, block, p, end, version, error);
            break;
        case ROWS_UPDATE:
            p = append_update(mapping, block, body, p, end, version_base, error);
            break;
        case ROWS_DELETE:
            p = append_delete(mapping, block, p, end, version, error);
            break;
        }
        if (G_UNLIKELY(!p))
            return false;
    }
    *counts = (RowCounts){0};
    *(rows->kind == ROWS_INSERT   ? &counts->inserts
      : rows->kind == ROWS_UPDATE ? &counts->updates
                                  : &counts->deletes) = n;
    return true;
}

static ImageColumns image_columns(const uint8_t *present, unsigned n, bool full)
{
    unsigned held = full ? n : 0;
    for (unsigned i = 0; !full && i < n; i++)
        held += bitmap_has(present, i);
    return (ImageColumns){full ? NULL : present, (held + 7) / 8};
}

/* MariaDB 11.8 leaves generated columns, also hidden ones, out of both images of updates and of those of deletes,
 * whatever binlog_row_image says [tried]; 10.11 does not. `after`: the image becomes a row, whose columns are all needed. */
static bool image_suffices(const TableMapping *mapping, const uint8_t *present, bool after, GError **error)
{
    const SourceTable *table = mapping->table;
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        const SourceColumn *column = &table->columns[i];
        if (bitmap_has(present, i) || (column->generated && !mapping->writers[i].in_key &&
                                       (!after || mapping->writers[i].excluded)))
            continue;
        if (column->generated)
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                        "table %s.%s, column %s: " MAPPING_GENERATED_LEFT_OUT "; " MAPPING_GENERATED_MEND
                        ", then resync the table",
                        table->database, table->name, column->name);
        else
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                        "table %s.%s: the log holds parts of rows only; set binlog_row_image=FULL at the source, then "
                        "resync the table",
                        table->database, table->name);
        return false;
    }
    return true;
}

static bool event_check(const TableMapping *mapping, const RowsEvent *rows, GError **error)
{
    const SourceTable *table = mapping->table;
    if (rows->n_columns != mapping->n_wire) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                    "table %s.%s: a rows event has %u columns, its table map %u", table->database, table->name,
                    rows->n_columns, mapping->n_wire);
        return false;
    }
    if (G_LIKELY(rows->full))
        return true;
    return image_suffices(mapping, rows->present, rows->kind == ROWS_INSERT, error) &&
           (rows->kind != ROWS_UPDATE || image_suffices(mapping, rows->present_after, true, error));
}

bool mapping_append_event(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                          int64_t synced_nsec, RowCounts *counts, GError **error)
{
    uint64_t n_rows = block->n_rows;
    *counts = (RowCounts){0};
    if (rows->rows == rows->end) /* ends a statement */
        return true;
    g_assert(mapping->bound);
    if (!event_check(mapping, rows, error))
        return false;
    block_begin(mapping, block);
    mapping->columns_before = image_columns(rows->present, rows->n_columns, rows->full);
    mapping->columns_after = image_columns(rows->present_after, rows->n_columns, rows->full);
    mapping->reading_diffs = rows->partial_json;
    bool good = append_rows(mapping, block, rows, version_base, counts, error);
    if (rows->partial_json)
        forget_diffs(mapping);
    if (!good) {
        block_take_back(mapping, block, n_rows);
        return false;
    }
    append_source(mapping, block, block->n_rows - n_rows);
    append_synced_at(mapping, block, block->n_rows - n_rows, synced_nsec);
    return true;
}

/* Binary protocol row: 0x00, a bitmap of NULLs that begins at bit 2, the values (MariaDB Knowledge Base "Resultset
 * row"). */
static bool append_result(TableMapping *mapping, Block *block, const uint8_t *packet, size_t len, uint64_t version,
                          GError **error)
{
    const uint8_t *p = packet, *end = packet + len;
    size_t bitmap_size = (mapping->n_columns + 7 + 2) / 8;
    if (len < 1 + bitmap_size || packet[0] != 0)
        return row_overrun(mapping, error), false;
    const uint8_t *nulls = packet + 1;
    p += 1 + bitmap_size;
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (G_UNLIKELY(writer->excluded)) { /* SELECT NULL */
            if (!bitmap_has(nulls, i + 2))
                return row_overrun(mapping, error), false;
            continue;
        }
        p = append_cell(writer, writer->write_result, bitmap_has(nulls, i + 2), p, end, out++);
        if (G_UNLIKELY(!p))
            return cell_error(mapping, i, error), false;
    }
    if (p != end)
        return row_overrun(mapping, error), false;
    append_version(mapping, block, version, 0);
    return true;
}

bool mapping_append_result(TableMapping *mapping, Block *block, const uint8_t *packet, size_t len, uint64_t version,
                           int64_t synced_nsec, GError **error)
{
    uint64_t n_rows = block->n_rows;
    block_begin(mapping, block);
    if (!append_result(mapping, block, packet, len, version, error)) {
        block_take_back(mapping, block, n_rows);
        return false;
    }
    append_source(mapping, block, 1);
    append_synced_at(mapping, block, 1, synced_nsec);
    return true;
}
