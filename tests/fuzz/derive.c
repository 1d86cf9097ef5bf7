/* derive.c - from a table map to a definition that it fits. */
#include "derive.h"

#include "mysql/charset.h"

static json_t *labels(unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 1; i <= n; i++)
        json_array_append_new(list, json_sprintf("%u", i));
    return list;
}

typedef struct {
    const char *type;
    char text[32];
    unsigned precision, scale;
    unsigned labels;
    bool is_text, is_time, compressed;
} Derived;

static Derived derive_string(const WireColumn *wire, bool is_text)
{
    bool fixed = wire->type == WIRE_STRING, compressed = wire->type == WIRE_VARCHAR_COMPRESSED;
    Derived d = {.type = fixed     ? (is_text ? "char" : "binary")
                         : is_text ? "varchar"
                                   : "varbinary",
                 .precision = wire->meta - (compressed && wire->meta ? 1u : 0u),
                 .compressed = compressed,
                 .is_text = is_text};
    g_snprintf(d.text, sizeof d.text, "%s(%u)", d.type, d.precision);
    return d;
}

static Derived derive_blob(const WireColumn *wire, bool is_text)
{
    static const char *const sizes[] = {"", "tiny", "", "medium", "long"};
    Derived d = {
        .type = is_text ? "text" : "blob", .is_text = is_text, .compressed = wire->type == WIRE_BLOB_COMPRESSED};
    g_snprintf(d.text, sizeof d.text, "%s%s", sizes[wire->meta <= 4 ? wire->meta : 0], d.type);
    return d;
}

static Derived derive_time(const char *type, unsigned digits)
{
    Derived d = {.type = type, .scale = digits, .is_time = true};
    g_snprintf(d.text, sizeof d.text, "%s(%u)", type, digits);
    return d;
}

static Derived derive_column(const WireColumn *wire, bool is_text)
{
    switch (wire->type) {
    case WIRE_TINY:
        return (Derived){.type = "tinyint", .precision = 4};
    case WIRE_SHORT:
        return (Derived){.type = "smallint"};
    case WIRE_INT24:
        return (Derived){.type = "mediumint"};
    case WIRE_LONG:
        return (Derived){.type = "int"};
    case WIRE_LONGLONG:
        return (Derived){.type = "bigint"};
    case WIRE_NEWDECIMAL:
        return (Derived){.type = "decimal", .precision = wire->meta >> 8, .scale = wire->meta & 0xff};
    case WIRE_FLOAT:
        return (Derived){.type = "float"};
    case WIRE_DOUBLE:
        return (Derived){.type = "double"};
    case WIRE_BIT:
        return (Derived){.type = "bit", .precision = wire->meta & 0xff};
    case WIRE_YEAR:
        return (Derived){.type = "year"};
    case WIRE_DATE:
    case WIRE_NEWDATE:
        return derive_time("date", 0);
    case WIRE_TIME:
    case WIRE_TIME2:
        return derive_time("time", wire->meta);
    case WIRE_DATETIME:
    case WIRE_DATETIME2:
        return derive_time("datetime", wire->meta);
    case WIRE_TIMESTAMP:
    case WIRE_TIMESTAMP2:
        return derive_time("timestamp", wire->meta);
    case WIRE_STRING:
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
        return derive_string(wire, is_text);
    case WIRE_BLOB:
    case WIRE_BLOB_COMPRESSED:
        return derive_blob(wire, is_text);
    case WIRE_ENUM: /* more than 255 members take two bytes */
        return (Derived){.type = "enum", .labels = wire->meta == 1 ? 255 : 300};
    case WIRE_SET:
        return (Derived){.type = "set", .labels = MIN(wire->meta * 8u, 64)};
    case WIRE_JSON:
        return (Derived){.type = "json"};
    case WIRE_GEOMETRY:
        return (Derived){.type = "geometry"};
    case WIRE_VECTOR:
        return (Derived){.type = "vector"};
    default:
        return (Derived){.type = "unknown"};
    }
}

/* The charset of a column of text; NULL: it holds bytes, or it is not told. */
static const char *column_charset(const TableMap *map, unsigned i)
{
    const char *charset = map->charsets && map->charsets[i] ? collation_charset(map->charsets[i]) : NULL;
    return charset && charset_find(charset) ? charset : NULL;
}

static json_t *derive_json(const TableMap *map, unsigned i, bool times_as_text)
{
    const WireColumn *wire = &map->columns[i];
    const char *charset = column_charset(map, i);
    Derived d = derive_column(wire, charset != NULL);
    json_t *json = json_object();
    json_object_set_new(json, "name",
                        map->names && g_utf8_validate(map->names[i], -1, NULL) ? json_string(map->names[i])
                                                                               : json_sprintf("%u", i + 1));
    json_object_set_new(json, "type", json_string(d.type));
    json_object_set_new(json, "type_text", json_string(d.text[0] ? d.text : d.type));
    json_object_set_new(json, "unsigned", json_boolean(wire->is_unsigned == 1));
    json_object_set_new(json, "nullable", json_boolean(wire->nullable));
    json_object_set_new(json, "compressed", json_boolean(d.compressed));
    json_object_set_new(json, "precision", json_integer(d.precision));
    json_object_set_new(json, "scale", json_integer(d.scale));
    if (d.is_text)
        json_object_set_new(json, "charset", json_string(charset));
    if (d.labels)
        json_object_set_new(json, "labels", labels(d.labels));
    if (d.is_time && times_as_text)
        json_object_set_new(json, "as_type", json_string("String"));
    return json;
}

SourceTable *derive_table(const TableMap *map, bool times_as_text)
{
    json_t *columns = json_array();
    unsigned key = map->n_columns;
    for (unsigned i = 0; i < map->n_columns; i++) {
        json_array_append_new(columns, derive_json(map, i, times_as_text));
        if (key == map->n_columns && !map->columns[i].nullable)
            key = i;
    }
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:[i]}", "database", "derived", "name", "t", "engine",
                             "InnoDB", "create_sql", "", "key_name", "PRIMARY", "columns", columns, "key",
                             (int)(key < map->n_columns ? key : 0));
    SourceTable *table = source_table_from_json(json, NULL);
    json_decref(json);
    return table;
}
