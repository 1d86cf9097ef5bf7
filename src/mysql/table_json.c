/* Definitions as JSON, as the catalog keeps them. Fields are only ever added. */
#include "mysql/table.h"

#include <string.h>

/* By SourceType. These words are stored: they are never changed. */
static const char *const type_words[] = {
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

/* JSON strings are UTF-8; what a server gave otherwise is kept readable. */
static json_t *text_to_json(const char *text)
{
    g_autofree char *valid = NULL;

    if (text == NULL)
        return json_null();
    valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static json_t *column_to_json(const SourceColumn *column)
{
    json_t *json = json_pack(
        "{s:o, s:s, s:o, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:o, s:o}", "name", text_to_json(column->name), "type",
        type_words[column->type], "type_text", text_to_json(column->type_text), "unsigned", column->is_unsigned,
        "nullable", column->nullable, "generated", column->generated, "invisible", column->invisible, "compressed",
        column->compressed, "precision", (json_int_t)column->precision, "scale", (json_int_t)column->scale, "charset",
        text_to_json(column->charset), "collation", text_to_json(column->collation));

    if (column->excluded)
        json_object_set_new(json, "excluded", json_true());
    if (column->as_name != NULL)
        json_object_set_new(json, "as_name", text_to_json(column->as_name));
    if (column->as_type != NULL)
        json_object_set_new(json, "as_type", text_to_json(column->as_type));
    if (column->as_codec != NULL)
        json_object_set_new(json, "as_codec", text_to_json(column->as_codec));
    if (column->placed)
        json_object_set_new(json, "placed", json_true());
    if (column->as_nullable)
        json_object_set_new(json, "as_nullable", json_true());
    if (column->labels != NULL) {
        json_t *labels = json_array();

        for (unsigned i = 0; column->labels[i] != NULL; i++)
            json_array_append_new(labels, text_to_json(column->labels[i]));
        json_object_set_new(json, "labels", labels);
    }
    return json;
}

static json_t *versioning_to_json(const Versioning *versioning)
{
    return json_pack("{s:i, s:i, s:o}", "row_start", versioning->row_start, "row_end", versioning->row_end,
                     "current_partition", text_to_json(versioning->current_partition));
}

json_t *source_table_to_json(const SourceTable *table)
{
    json_t *columns = json_array(), *key = json_array();

    for (unsigned i = 0; i < table->n_columns; i++)
        json_array_append_new(columns, column_to_json(&table->columns[i]));
    for (unsigned i = 0; i < table->n_key; i++)
        json_array_append_new(key, json_integer(table->key[i]));
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "database", text_to_json(table->database), "name",
                  text_to_json(table->name), "engine", text_to_json(table->engine), "columns", columns, "key", key,
                  "key_name", text_to_json(table->key_name), "create_sql", text_to_json(table->create_sql));
    if (table->charset != NULL)
        json_object_set_new(json, "charset", text_to_json(table->charset));
    if (table->collation != NULL)
        json_object_set_new(json, "collation", text_to_json(table->collation));
    json_t *texts = json_object();
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++)
        if (table->texts[i] != NULL)
            json_object_set_new(texts, table_text_word(i), text_to_json(table->texts[i]));
    if (json_object_size(texts) > 0)
        json_object_set(json, "texts", texts);
    json_decref(texts);
    if (table->versioning.on)
        json_object_set_new(json, "versioning", versioning_to_json(&table->versioning));
    if (table->cascades != NULL && table->cascades->len > 0)
        json_object_set_new(json, "cascades", cascades_to_json(table->cascades));
    if (table->kept != NULL) {
        json_t *kept = json_array();

        for (unsigned i = 0; table->kept[i] != NULL; i++)
            json_array_append_new(kept, text_to_json(table->kept[i]));
        json_object_set_new(json, "kept", kept);
    }
    return json;
}

/* A member that must be text; NULL is allowed when `optional`. */
static bool get_text(const json_t *json, const char *name, bool optional, char **out)
{
    const json_t *value = json_object_get(json, name);

    if (json_is_string(value))
        *out = g_strdup(json_string_value(value));
    return *out != NULL || (optional && (value == NULL || json_is_null(value)));
}

static bool get_number(const json_t *json, const char *name, unsigned *out)
{
    const json_t *value = json_object_get(json, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
        return false;
    *out = (unsigned)json_integer_value(value);
    return true;
}

static bool get_type(const json_t *json, SourceType *type)
{
    const char *word = json_string_value(json_object_get(json, "type"));

    for (unsigned i = 0; word != NULL && i < G_N_ELEMENTS(type_words); i++) {
        if (strcmp(type_words[i], word) == 0) {
            *type = (SourceType)i;
            return true;
        }
    }
    return false;
}

static bool get_labels(const json_t *json, SourceColumn *column)
{
    const json_t *labels = json_object_get(json, "labels");
    size_t n = json_array_size(labels);

    if (column->type != SOURCE_TYPE_ENUM && column->type != SOURCE_TYPE_SET)
        return true;
    if (n == 0)
        return false;
    column->labels = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *label = json_string_value(json_array_get(labels, i));

        if (label == NULL)
            return false;
        column->labels[i] = g_strdup(label);
    }
    return true;
}

static bool column_from_json(const json_t *json, SourceColumn *column)
{
    column->is_unsigned = json_is_true(json_object_get(json, "unsigned"));
    column->nullable = json_is_true(json_object_get(json, "nullable"));
    column->generated = json_is_true(json_object_get(json, "generated"));
    column->invisible = json_is_true(json_object_get(json, "invisible"));
    column->compressed = json_is_true(json_object_get(json, "compressed"));
    column->excluded = json_is_true(json_object_get(json, "excluded"));
    column->placed = json_is_true(json_object_get(json, "placed"));
    column->as_nullable = json_is_true(json_object_get(json, "as_nullable"));
    get_text(json, "as_name", true, &column->as_name);
    get_text(json, "as_type", true, &column->as_type);
    get_text(json, "as_codec", true, &column->as_codec);
    return get_text(json, "name", false, &column->name) && get_type(json, &column->type) &&
           get_text(json, "type_text", false, &column->type_text) &&
           get_number(json, "precision", &column->precision) && get_number(json, "scale", &column->scale) &&
           get_text(json, "charset", true, &column->charset) && get_text(json, "collation", true, &column->collation) &&
           get_labels(json, column);
}

static bool key_from_json(const json_t *json, SourceTable *table)
{
    const json_t *key = json_object_get(json, "key");
    size_t n = json_array_size(key);

    if (!json_is_array(key) || n > table->n_columns)
        return false;
    table->key = g_new0(unsigned, n);
    table->n_key = (unsigned)n;
    for (size_t i = 0; i < n; i++) {
        json_int_t column = json_integer_value(json_array_get(key, i));

        if (!json_is_integer(json_array_get(key, i)) || column < 0 || column >= table->n_columns)
            return false;
        table->key[i] = (unsigned)column;
    }
    return get_text(json, "key_name", true, &table->key_name) && (n == 0 || json_object_get(json, "key_name") != NULL);
}

static bool columns_from_json(const json_t *json, SourceTable *table)
{
    const json_t *columns = json_object_get(json, "columns");
    size_t n = json_array_size(columns);

    if (n == 0 || n > 65535)
        return false;
    table->columns = g_new0(SourceColumn, n);
    table->n_columns = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        if (!column_from_json(json_array_get(columns, i), &table->columns[i]))
            return false;
    return true;
}

static void kept_from_json(const json_t *json, SourceTable *table)
{
    const json_t *kept = json_object_get(json, "kept");
    size_t n = json_array_size(kept);

    if (n == 0)
        return;
    table->kept = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        table->kept[i] = g_strdup(json_is_string(json_array_get(kept, i)) ? json_string_value(json_array_get(kept, i)) : "");
}

static bool versioning_from_json(const json_t *json, SourceTable *table)
{
    json_int_t start, end;

    if (json == NULL)
        return true;
    start = json_integer_value(json_object_get(json, "row_start"));
    end = json_integer_value(json_object_get(json, "row_end"));
    if (!json_is_integer(json_object_get(json, "row_start")) || !json_is_integer(json_object_get(json, "row_end")) ||
        start < -1 || end < -1 || start >= table->n_columns || end >= table->n_columns || (start < 0) != (end < 0))
        return false;
    table->versioning = (Versioning){.on = true, .row_start = (int)start, .row_end = (int)end};
    return get_text(json, "current_partition", true, &table->versioning.current_partition);
}

SourceTable *source_table_from_json(const json_t *json, GError **error)
{
    g_autoptr(SourceTable) table = g_atomic_rc_box_new0(SourceTable);

    if (!json_is_object(json) || !get_text(json, "database", false, &table->database) ||
        !get_text(json, "name", false, &table->name) || !get_text(json, "engine", false, &table->engine) ||
        !get_text(json, "create_sql", false, &table->create_sql) || !columns_from_json(json, table) ||
        !key_from_json(json, table) || !versioning_from_json(json_object_get(json, "versioning"), table)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG,
                    "the catalog holds a table definition that cannot be read%s%s: resync that table",
                    table->name != NULL ? ", of " : "", table->name != NULL ? table->name : "");
        return NULL;
    }
    get_text(json, "charset", true, &table->charset);
    get_text(json, "collation", true, &table->collation);
    kept_from_json(json, table);
    const json_t *cascades = json_object_get(json, "cascades"); /* before there was such a field, the text alone told */
    table->cascades =
        cascades != NULL ? cascades_from_json(cascades) : cascades_parse(table->create_sql, 0, table->database);
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++)
        get_text(json_object_get(json, "texts"), table_text_word(i), true, &table->texts[i]);
    return g_steal_pointer(&table);
}
