#include "mapping_fixture.h"

static const char *type_word(SourceType type)
{
    static const char *const words[] = {
        [SOURCE_TYPE_UNKNOWN] = "unknown",
        [SOURCE_TYPE_TINYINT] = "tinyint",
        [SOURCE_TYPE_SMALLINT] = "smallint",
        [SOURCE_TYPE_MEDIUMINT] = "mediumint",
        [SOURCE_TYPE_INT] = "int",
        [SOURCE_TYPE_BIGINT] = "bigint",
        [SOURCE_TYPE_DECIMAL] = "decimal",
        [SOURCE_TYPE_FLOAT] = "float",
        [SOURCE_TYPE_DOUBLE] = "double",
        [SOURCE_TYPE_BIT] = "bit",
        [SOURCE_TYPE_YEAR] = "year",
        [SOURCE_TYPE_DATE] = "date",
        [SOURCE_TYPE_TIME] = "time",
        [SOURCE_TYPE_DATETIME] = "datetime",
        [SOURCE_TYPE_TIMESTAMP] = "timestamp",
        [SOURCE_TYPE_CHAR] = "char",
        [SOURCE_TYPE_VARCHAR] = "varchar",
        [SOURCE_TYPE_TEXT] = "text",
        [SOURCE_TYPE_BINARY] = "binary",
        [SOURCE_TYPE_VARBINARY] = "varbinary",
        [SOURCE_TYPE_BLOB] = "blob",
        [SOURCE_TYPE_ENUM] = "enum",
        [SOURCE_TYPE_SET] = "set",
        [SOURCE_TYPE_JSON] = "json",
        [SOURCE_TYPE_GEOMETRY] = "geometry",
        [SOURCE_TYPE_UUID] = "uuid",
        [SOURCE_TYPE_INET4] = "inet4",
        [SOURCE_TYPE_INET6] = "inet6",
        [SOURCE_TYPE_VECTOR] = "vector",
    };
    return words[type];
}

SourceTable *fixture_table(const FixtureColumn *columns, unsigned n, unsigned n_key)
{
    json_t *list = json_array(), *key = json_array();
    for (unsigned i = 0; i < n; i++) {
        const FixtureColumn *c = &columns[i];
        json_t *json =
            json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:i, s:s?}", "name", c->name, "type", type_word(c->type),
                      "type_text", c->type_text, "unsigned", c->is_unsigned, "nullable", c->nullable, "compressed", c->compressed, "precision",
                      (int)c->precision, "scale", (int)c->scale, "charset", c->charset);
        json_object_set_new(json, "excluded", json_boolean(c->excluded));
        json_object_set_new(json, "generated", json_boolean(c->generated));
        if (c->as_name)
            json_object_set_new(json, "as_name", json_string(c->as_name));
        if (c->as_type)
            json_object_set_new(json, "as_type", json_string(c->as_type));
        if (c->labels) {
            json_t *labels = json_array();
            for (unsigned k = 0; c->labels[k]; k++)
                json_array_append_new(labels, json_string(c->labels[k]));
            json_object_set_new(json, "labels", labels);
        }
        json_array_append_new(list, json);
    }
    for (unsigned i = 0; i < n_key; i++)
        json_array_append_new(key, json_integer(i));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "database", "shop", "name", "t", "engine", "InnoDB",
                             "create_sql", "", "key_name", "PRIMARY", "columns", list, "key", key);
    GError *error = NULL;
    SourceTable *table = source_table_from_json(json, &error);
    g_assert_no_error(error);
    json_decref(json);
    return table;
}

TableMap *fixture_map(const FixtureColumn *columns, unsigned n)
{
    TableMap *map = g_new0(TableMap, 1);
    map->database = g_strdup("shop");
    map->table = g_strdup("t");
    map->n_columns = n;
    map->columns = g_new0(WireColumn, n);
    for (unsigned i = 0; i < n; i++) {
        map->columns[i].type = columns[i].wire_type;
        map->columns[i].meta = columns[i].wire_meta;
        map->columns[i].nullable = columns[i].nullable;
        map->columns[i].is_unsigned = columns[i].is_unsigned;
    }
    return map;
}

MappingSettings fixture_settings(void)
{
    return (MappingSettings){.column_prefix = "_peerdb_"};
}

TableMapping *fixture_mapping(const FixtureColumn *columns, unsigned n, unsigned n_key, const MappingSettings *settings)
{
    GError *error = NULL;
    SourceTable *table = fixture_table(columns, n, n_key);
    TableMapping *mapping = mapping_new(table, settings, &error);
    g_assert_no_error(error);
    source_table_unref(table);
    TableMap *map = fixture_map(columns, n);
    mapping_bind(mapping, map, &error);
    g_assert_no_error(error);
    table_map_free(map);
    return mapping;
}

void put_hex(GByteArray *bytes, const char *hex)
{
    for (; *hex; hex += 2) {
        while (*hex == ' ')
            hex++;
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
        g_byte_array_append(bytes, &byte, 1);
    }
}

void put_le(GByteArray *bytes, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++, value >>= 8)
        g_byte_array_append(bytes, &(uint8_t){(uint8_t)value}, 1);
}

void put_be(GByteArray *bytes, uint64_t value, unsigned n)
{
    for (unsigned i = n; i-- > 0;)
        g_byte_array_append(bytes, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

void put_string(GByteArray *bytes, const void *text, size_t len, unsigned prefix)
{
    if (prefix) {
        put_le(bytes, len, prefix);
    } else if (len < 251) {
        put_le(bytes, len, 1);
    } else if (len < 65536) {
        put_le(bytes, 252, 1);
        put_le(bytes, len, 2);
    } else {
        put_le(bytes, 253, 1);
        put_le(bytes, len, 3);
    }
    g_byte_array_append(bytes, text, (guint)len);
}

char *bytes_hex(const void *bytes, size_t len)
{
    GString *hex = g_string_new(NULL);
    for (size_t i = 0; i < len; i++)
        g_string_append_printf(hex, "%02x", ((const uint8_t *)bytes)[i]);
    return g_string_free(hex, FALSE);
}

void put_date(GByteArray *bytes, const SourceTime *t)
{
    put_le(bytes, t->year << 9 | (uint32_t)t->month << 5 | t->day, 3);
}

/* The fraction in the fewest bytes that hold its digits. */
static uint64_t fraction(uint32_t usec, unsigned digits)
{
    static const uint32_t unit[4] = {0, 10000, 100, 1};
    return digits ? usec / unit[(digits + 1) / 2] : 0;
}

void put_datetime2(GByteArray *bytes, const SourceTime *t, unsigned digits)
{
    uint64_t v = (uint64_t)(t->year * 13 + t->month) << 22 | (uint64_t)t->day << 17 | t->hour << 12 |
                 (uint64_t)t->minute << 6 | t->second;
    put_be(bytes, v | UINT64_C(1) << 39, 5);
    put_be(bytes, fraction(t->usec, digits), (digits + 1) / 2);
}

void put_time2(GByteArray *bytes, const SourceTime *t, unsigned digits)
{
    unsigned n = (digits + 1) / 2;
    int64_t v = (int64_t)((uint64_t)(t->hour << 12 | (uint32_t)t->minute << 6 | t->second) << (8 * n) |
                          fraction(t->usec, digits));
    put_be(bytes, (uint64_t)((t->negative ? -v : v) + (INT64_C(1) << (23 + 8 * n))), 3 + n);
}

void put_timestamp2(GByteArray *bytes, uint32_t seconds, uint32_t usec, unsigned digits)
{
    put_be(bytes, seconds, 4);
    put_be(bytes, fraction(usec, digits), (digits + 1) / 2);
}

void put_result_datetime(GByteArray *bytes, const SourceTime *t, bool time_of_day)
{
    bool clock = time_of_day && (t->hour || t->minute || t->second || t->usec);
    bool zero = !t->year && !t->month && !t->day && !clock;
    put_le(bytes, zero ? 0 : !clock ? 4 : t->usec ? 11 : 7, 1);
    if (zero)
        return;
    put_le(bytes, t->year, 2);
    put_le(bytes, t->month, 1);
    put_le(bytes, t->day, 1);
    if (!clock)
        return;
    put_le(bytes, t->hour, 1);
    put_le(bytes, t->minute, 1);
    put_le(bytes, t->second, 1);
    if (t->usec)
        put_le(bytes, t->usec, 4);
}

void put_result_time(GByteArray *bytes, const SourceTime *t)
{
    bool zero = !t->hour && !t->minute && !t->second && !t->usec;
    put_le(bytes, zero ? 0 : t->usec ? 12 : 8, 1);
    if (zero)
        return;
    put_le(bytes, t->negative, 1);
    put_le(bytes, t->hour / 24, 4);
    put_le(bytes, t->hour % 24, 1);
    put_le(bytes, t->minute, 1);
    put_le(bytes, t->second, 1);
    if (t->usec)
        put_le(bytes, t->usec, 4);
}

RowsEvent fixture_event(RowsKind kind, unsigned n_columns, const GByteArray *body)
{
    static const uint8_t all[32] = {[0 ... 31] = 0xff};
    return (RowsEvent){
        .kind = kind,
        .n_columns = n_columns,
        .present = all,
        .present_after = all,
        .full = true,
        .body = body->data,
        .rows = body->data + 1,
        .end = body->data + body->len,
    };
}
