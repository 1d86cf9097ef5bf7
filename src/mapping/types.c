/* types.c - the one table from MySQL column definition to ClickHouse type (types.md). */
#include "mapping/writers.h"
#include <stdlib.h>

static char *text_integer(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)why;
    static const uint8_t bits[] = {
        [SOURCE_TYPE_TINYINT] = 8, [SOURCE_TYPE_SMALLINT] = 16, [SOURCE_TYPE_MEDIUMINT] = 32,
        [SOURCE_TYPE_INT] = 32,    [SOURCE_TYPE_BIGINT] = 64,
    };
    /* A key is never a Bool: -1 and 1 would become one. */
    if (column->type == SOURCE_TYPE_TINYINT && settings->tinyint1_bool && column->precision == 1 &&
        !column->is_unsigned && !in_key)
        return g_strdup("Bool");
    return g_strdup_printf("%sInt%u", column->is_unsigned ? "U" : "", bits[column->type]);
}

static char *text_decimal(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key, (void)settings;
    if (column->precision < 1 || column->precision > 65 || column->scale > column->precision) {
        *why = "its precision or scale is not one that servers have";
        return NULL;
    }
    return g_strdup_printf("Decimal(%u, %u)", column->precision, column->scale);
}

static char *text_bit(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key, (void)settings;
    if (column->precision < 1 || column->precision > 64) {
        *why = "its number of bits is not one that servers have";
        return NULL;
    }
    return g_strdup("UInt64");
}

static char *text_charset(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key, (void)settings;
    if (!column->charset || !charset_find(column->charset)) {
        *why = "its character set is not known";
        return NULL;
    }
    return g_strdup("String");
}

static char *text_enum(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key, (void)settings;
    if (!column->labels || !column->labels[0]) {
        *why = "its members are not known";
        return NULL;
    }
    return g_strdup("LowCardinality(String)");
}

static char *text_set(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    if (!column->labels || !column->labels[0] || g_strv_length(column->labels) > 64) {
        *why = "its members are not known";
        return NULL;
    }
    return g_strdup(settings->set_array && !in_key ? "Array(LowCardinality(String))" : "String");
}

/* Tables made with mysql56_temporal_format=OFF hold fractions in a format whose size the log does not tell. */
static bool fraction_is_old(const SourceColumn *column, const char **why)
{
    if (column->scale == 0 || !column->type_text || !strstr(column->type_text, "mariadb-5.3"))
        return false;
    *why =
        "its fraction is in the format of MariaDB 5.3, which the log does not describe: set mysql56_temporal_format=ON "
        "and run ALTER TABLE ... FORCE";
    return true;
}

static char *text_datetime(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key, (void)settings;
    return fraction_is_old(column, why) ? NULL : g_strdup("DateTime64(6, 'UTC')");
}

static char *text_time(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)in_key;
    return fraction_is_old(column, why) ? NULL : g_strdup(settings->time_int64 ? "Int64" : "Time64(6)");
}

#define FIXED_TEXT(name, type)                                                                                         \
    static char *name(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)      \
    {                                                                                                                  \
        (void)column, (void)in_key, (void)settings, (void)why;                                                         \
        return g_strdup(type);                                                                                         \
    }
FIXED_TEXT(text_float, "Float32")
FIXED_TEXT(text_double, "Float64")
FIXED_TEXT(text_year, "Int16")
FIXED_TEXT(text_date, "Date32")
FIXED_TEXT(text_bytes, "String")
FIXED_TEXT(text_uuid, "UUID")
FIXED_TEXT(text_inet4, "IPv4")
FIXED_TEXT(text_inet6, "IPv6")
FIXED_TEXT(text_geometry, "String")
FIXED_TEXT(text_vector, "Array(Float32)")

static char *text_json(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    (void)column, (void)in_key, (void)why;
    return g_strdup(settings->json_type ? "JSON" : "String");
}

static const ColumnType column_types[] = {
    [SOURCE_TYPE_UNKNOWN] = {.why = "this version of sluice does not know the type"},
    [SOURCE_TYPE_TINYINT] = {text_integer, integer_prepare, integer_bind, NULL},
    [SOURCE_TYPE_SMALLINT] = {text_integer, integer_prepare, integer_bind, NULL},
    [SOURCE_TYPE_MEDIUMINT] = {text_integer, integer_prepare, integer_bind, NULL},
    [SOURCE_TYPE_INT] = {text_integer, integer_prepare, integer_bind, NULL},
    [SOURCE_TYPE_BIGINT] = {text_integer, integer_prepare, integer_bind, NULL},
    [SOURCE_TYPE_DECIMAL] = {text_decimal, decimal_prepare, decimal_bind, NULL},
    [SOURCE_TYPE_FLOAT] = {text_float, float_prepare, float_bind, NULL},
    [SOURCE_TYPE_DOUBLE] = {text_double, float_prepare, float_bind, NULL},
    [SOURCE_TYPE_BIT] = {text_bit, bit_prepare, bit_bind, NULL},
    [SOURCE_TYPE_YEAR] = {text_year, year_prepare, year_bind, NULL},
    [SOURCE_TYPE_DATE] = {text_date, date_prepare, date_bind, NULL},
    [SOURCE_TYPE_TIME] = {text_time, time_prepare, time_bind, NULL},
    [SOURCE_TYPE_DATETIME] = {text_datetime, datetime_prepare, datetime_bind, NULL},
    [SOURCE_TYPE_TIMESTAMP] = {text_datetime, datetime_prepare, timestamp_bind, NULL},
    [SOURCE_TYPE_CHAR] = {text_charset, text_prepare, text_bind, NULL},
    [SOURCE_TYPE_VARCHAR] = {text_charset, text_prepare, text_bind, NULL},
    [SOURCE_TYPE_TEXT] = {text_charset, text_prepare, text_bind, NULL},
    [SOURCE_TYPE_BINARY] = {text_bytes, bytes_prepare, bytes_bind, NULL},
    [SOURCE_TYPE_VARBINARY] = {text_bytes, bytes_prepare, bytes_bind, NULL},
    [SOURCE_TYPE_BLOB] = {text_bytes, bytes_prepare, bytes_bind, NULL},
    [SOURCE_TYPE_ENUM] = {text_enum, enum_prepare, enum_bind, NULL},
    [SOURCE_TYPE_SET] = {text_set, set_prepare, set_bind, NULL},
    [SOURCE_TYPE_JSON] = {text_json, json_prepare, json_bind, NULL},
    [SOURCE_TYPE_GEOMETRY] = {text_geometry, geometry_prepare, geometry_bind, NULL},
    [SOURCE_TYPE_UUID] = {text_uuid, address_prepare, address_bind, NULL},
    [SOURCE_TYPE_INET4] = {text_inet4, address_prepare, address_bind, NULL},
    [SOURCE_TYPE_INET6] = {text_inet6, address_prepare, address_bind, NULL},
    [SOURCE_TYPE_VECTOR] = {text_vector, vector_prepare, vector_bind, NULL},
};

const ColumnType *column_type_find(SourceType type)
{
    if ((size_t)type >= G_N_ELEMENTS(column_types))
        type = SOURCE_TYPE_UNKNOWN;
    return &column_types[type];
}

#define LOW_CARDINALITY "LowCardinality("
#define NULLABLE        "Nullable("
#define ARRAY           "Array(" /* cannot stand in Nullable: NULL becomes [] */

char *column_type_base(const char *type)
{
    static const char *const wrappers[] = {LOW_CARDINALITY, NULLABLE};
    size_t len = strlen(type);
    for (size_t i = 0; i < G_N_ELEMENTS(wrappers); i++) {
        size_t n = strlen(wrappers[i]);
        if (strncmp(type, wrappers[i], n) == 0 && type[len - 1] == ')') {
            type += n;
            len -= n + 1;
        }
    }
    return g_strndup(type, len);
}

/* Bits of Int8 to Int64 (negative) and UInt8 to UInt64; 0: another type. */
static int integer_bits(const char *type)
{
    static const struct {
        const char *name;
        int bits;
    } types[] = {{"Int8", -8}, {"Int16", -16}, {"Int32", -32}, {"Int64", -64},
                 {"UInt8", 8}, {"UInt16", 16}, {"UInt32", 32}, {"UInt64", 64}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(type, types[i].name) == 0)
            return types[i].bits;
    return 0;
}

/* Whether every value of `from` is the same value in `to`, and a writer makes it so. */
static bool type_allowed(const SourceColumn *column, bool in_key, const char *from, const char *to)
{
    int have = integer_bits(from), want = integer_bits(to);
    if (strcmp(from, to) == 0)
        return true;
    if (have && want) /* an unsigned one also into a wider signed one */
        return column->type >= SOURCE_TYPE_TINYINT && column->type <= SOURCE_TYPE_BIGINT &&
               ((have < 0) == (want < 0) ? abs(want) >= abs(have) : have > 0 && -want > have);
    switch (column->type) {
    case SOURCE_TYPE_TINYINT:
        return column->precision == 1 && !column->is_unsigned && !in_key &&
               (strcmp(to, "Bool") == 0 || strcmp(to, "Int8") == 0);
    case SOURCE_TYPE_DATE:
    case SOURCE_TYPE_TIME:
        return strcmp(to, "String") == 0;
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP: /* another zone: the same moment, shown otherwise */
        return strcmp(to, "String") == 0 || strcmp(to, "DateTime64(6)") == 0 ||
               (g_str_has_prefix(to, "DateTime64(6, '") && block_type_known(to));
    case SOURCE_TYPE_JSON:
        return strcmp(to, "String") == 0 || strcmp(to, "JSON") == 0;
    default:
        return false;
    }
}

/* The type that the operator wants for the column (without Nullable, which follows from the source), or NULL. */
static char *wanted_type(const SourceColumn *column, bool in_key, const char *natural, const char **why)
{
    g_autofree char *from = column_type_base(natural), *to = column_type_base(column->as_type);
    bool low = g_str_has_prefix(column->as_type, LOW_CARDINALITY);
    if (!type_allowed(column, in_key, from, to) || (low && strcmp(to, "String") != 0)) {
        *why = "it cannot be given that type: what can are wider integers, LowCardinality(String) or String of text, "
               "String of dates and times, DateTime64(6, 'ZONE'), JSON or String of JSON, Bool of TINYINT(1)";
        return NULL;
    }
    return low ? g_strdup(LOW_CARDINALITY "String)") : g_steal_pointer(&to);
}

char *mapping_column_type(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why)
{
    const ColumnType *type = column_type_find(column->type);
    if (!type->text) {
        *why = type->why;
        return NULL;
    }
    g_autofree char *text = type->text(column, in_key, settings, why);
    if (text && column->as_type) {
        g_autofree char *natural = g_steal_pointer(&text);
        text = wanted_type(column, in_key, natural, why);
    }
    if (!text)
        return NULL;
    bool nullable = column->nullable || column->as_nullable;
    if (!nullable || in_key || settings->nullable_off || g_str_has_prefix(text, ARRAY))
        return g_steal_pointer(&text);
    if (g_str_has_prefix(text, LOW_CARDINALITY)) /* Nullable stands inside it */
        return g_strdup_printf(LOW_CARDINALITY NULLABLE "%s)", text + strlen(LOW_CARDINALITY));
    return g_strdup_printf(NULLABLE "%s)", text);
}

char *column_type_in_block(const char *type)
{
    if (strcmp(type, ARRAY LOW_CARDINALITY "String))") == 0)
        return g_strdup(ARRAY "String)");
    if (!g_str_has_prefix(type, LOW_CARDINALITY))
        return g_strdup(type);
    const char *inner = type + strlen(LOW_CARDINALITY);
    return g_strndup(inner, strlen(inner) - 1);
}

bool column_type_nullable(const char *type)
{
    return g_str_has_prefix(type, NULLABLE) || g_str_has_prefix(type, LOW_CARDINALITY NULLABLE);
}

bool column_type_variable(const char *type)
{
    return strstr(type, "String") || strstr(type, "JSON") || g_str_has_prefix(type, ARRAY);
}
