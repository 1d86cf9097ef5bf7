/* mapping.c - a table's mapping: its columns at the destination, and how it is bound to what a server sends. */
#include "mapping/mapping_private.h"
#include "clickhouse/layout.h"

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
    mapping->row_end = versioning_row_end(table);
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

/* TIMESTAMP(6) NOT NULL; of that name, where names are told. */
static bool is_period_column(const TableMap *map, unsigned i, const char *name)
{
    const WireColumn *wire = &map->columns[i];
    return (!map->names || !name || strcmp(map->names[i], name) == 0) && wire->type == WIRE_TIMESTAMP2 &&
           wire->meta == 6 && !wire->nullable;
}

static bool bind_hidden(TableMapping *mapping, const TableMap *map, GError **error)
{
    const Versioning *versioning = &mapping->table->versioning;
    unsigned first = mapping->n_columns;
    if (versioning->on && versioning->row_end < 0) {
        if (map->n_columns < first + 2 || !is_period_column(map, first, VERSIONING_ROW_START) ||
            !is_period_column(map, first + 1, VERSIONING_ROW_END))
            return bind_error(
                mapping, error,
                "it has history in the definition (WITH SYSTEM VERSIONING), and no such columns in the log");
        first += 2;
    } else if (versioning->on && !is_period_column(map, (unsigned)versioning->row_end, NULL)) {
        return bind_error(mapping, error,
                          "column %s is ROW END in the definition, but not TIMESTAMP(6) NOT NULL in the log",
                          mapping->table->columns[versioning->row_end].name);
    }
    for (unsigned i = first; i < map->n_columns; i++) {
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
