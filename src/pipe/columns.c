#include "pipe/columns.h"

#include "base/base.h"
#include "clickhouse/layout.h"
#include "pipe/selection.h"

#include <string.h>

/* The latter ones are of the table: see table_text_of. */
typedef enum { KEY, EXCLUDE, RENAME, TYPE, CODEC, ORDER_BY, PARTITION_BY, ENGINE, TTL, SOURCE_COLUMN } ColumnSetting;

static const struct {
    const char *suffix, *meaning, *form;
} column_settings[] = {
    [KEY] = {":key", "columns that rows are told apart by, where the source has no usable key: NOT NULL, and unique", "a,b"},
    [EXCLUDE] = {":exclude", "columns that are not replicated", "a,b"},
    [RENAME] = {":rename", "names of columns at the destination", "a=b,c=d"},
    [TYPE] = {":type", "types of columns at the destination", "a=LowCardinality(String),b=Int64"},
    [CODEC] = {":codec", "compression of columns at the destination", "a=ZSTD(3),b=CODEC(Delta, LZ4)"},
    [ORDER_BY] = {":order_by", "ORDER BY of the destination table: it begins with the key", "id, created"},
    [PARTITION_BY] = {":partition_by", "PARTITION BY of the destination table", "toYYYYMM(created)"},
    [ENGINE] = {":engine", "engine of the destination table: ReplacingMergeTree, MergeTree (every change is a row), Null", DEST_ENGINES},
    [TTL] = {":ttl", "TTL of the destination table", "toDateTime(created) + INTERVAL 90 DAY"},
    [SOURCE_COLUMN] = {":source_column", "column, first of the key, that tells which table a row is of: several go into one target", "shard: letters, digits and _"},
};

/* False: it is a list of columns. */
static bool table_text_of(ColumnSetting setting, TableText *text)
{
    static const TableText texts[] = {[ORDER_BY] = TABLE_ORDER_BY, [PARTITION_BY] = TABLE_PARTITION_BY, [ENGINE] = TABLE_ENGINE, [TTL] = TABLE_TTL,
                                       [SOURCE_COLUMN] = TABLE_SOURCE_COLUMN};
    if (setting < ORDER_BY)
        return false;
    *text = texts[setting];
    return true;
}

static bool find(const char *name, ColumnSetting *setting, char **table)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(column_settings); i++) {
        if (!g_str_has_suffix(name, column_settings[i].suffix))
            continue;
        *setting = (ColumnSetting)i;
        if (table)
            *table = g_strndup(name, strlen(name) - strlen(column_settings[i].suffix));
        return true;
    }
    return false;
}

bool column_setting_is(const char *name, const char **meaning)
{
    ColumnSetting setting;
    if (!find(name, &setting, NULL))
        return false;
    if (meaning)
        *meaning = column_settings[setting].meaning;
    return true;
}

const char *column_setting_form(const char *name)
{
    ColumnSetting setting;
    return find(name, &setting, NULL) ? column_settings[setting].form : "";
}

const char *const *column_setting_words(void)
{
    static const char *const words[] = {"key", "exclude", "rename", "type", "codec", "order_by", "partition_by", "engine", "ttl", "source_column", NULL};
    return words;
}

bool column_setting_names_table(const char *name, const char *database, const char *table)
{
    ColumnSetting setting;
    g_autofree char *pattern = NULL;
    if (!find(name, &setting, &pattern))
        return false;
    g_autoptr(Selection) selection = selection_parse((const char *const[]){pattern, NULL}, NULL, NULL);
    return selection && selection_match(selection, database, table, NULL);
}

char *column_settings_source_column(const json_t *settings, const char *database, const char *table)
{
    char *column = NULL;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings, name, value)
    {
        ColumnSetting setting;
        if (!find(name, &setting, NULL) || setting != SOURCE_COLUMN || !json_is_string(value) || !column_setting_names_table(name, database, table))
            continue;
        g_free(column);
        column = *json_string_value(value) ? g_strdup(json_string_value(value)) : NULL;
    }
    return column;
}

/* ---- lists ---- */

typedef struct {
    char *column, *value; /* value: NULL for exclude */
} Item;

static void item_free(Item *item)
{
    g_free(item->column);
    g_free(item->value);
    g_free(item);
}

/* A word up to one of `ends` outside backticks, quotes and brackets, its backticks undone. */
static char *read_word(const char **text, const char *ends)
{
    g_autoptr(GString) word = g_string_new(NULL);
    const char *p = *text;
    unsigned depth = 0;
    char quote = '\0';
    for (; *p; p++) {
        if (quote && *p == quote && p[1] == quote && quote == '`') {
            g_string_append_c(word, *p++);
            continue;
        }
        if (*p == quote) {
            quote = '\0';
        } else if (!quote && (*p == '`' || *p == '\'')) {
            quote = *p;
        } else if (!quote && depth == 0 && strchr(ends, *p)) {
            break;
        } else if (!quote) {
            depth += *p == '(';
            depth -= *p == ')' && depth > 0;
        }
        if (*p != '`')
            g_string_append_c(word, *p);
    }
    if (quote || depth)
        return NULL;
    *text = p;
    g_strstrip(word->str);
    return g_string_free(g_steal_pointer(&word), FALSE);
}

/* NULL when it is no such list. */
static GPtrArray *parse_list(ColumnSetting setting, const char *text)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
    while (*text) {
        Item *item = g_new0(Item, 1);
        g_ptr_array_add(items, item);
        bool names_alone = setting == EXCLUDE || setting == KEY;
        item->column = read_word(&text, names_alone ? "," : "=,");
        if (!item->column || !*item->column)
            return NULL;
        if (!names_alone) {
            if (*text++ != '=')
                return NULL;
            item->value = read_word(&text, ",");
            if (!item->value || !*item->value)
                return NULL;
        }
        if (*text == ',' && !*++text)
            return NULL;
    }
    return g_steal_pointer(&items);
}

static bool codecs_hold(const GPtrArray *items, const char **why)
{
    const char *malformed = NULL;
    for (unsigned i = 0; !malformed && i < items->len; i++)
        malformed = dest_layout_malformed(((const Item *)items->pdata[i])->value);
    *why = malformed ? malformed : "";
    return !malformed;
}

/* Its name stands in ClickHouse's own text too, such as partition_by. */
static bool is_plain_name(const char *text)
{
    bool plain = !g_ascii_isdigit(*text);
    for (const char *p = text; *p; p++)
        plain = plain && (g_ascii_isalnum(*p) || *p == '_');
    return plain;
}

static bool value_holds(ColumnSetting setting, const char *value, const char **why)
{
    TableText text;
    DestEngine kind;
    if (!table_text_of(setting, &text)) {
        g_autoptr(GPtrArray) items = parse_list(setting, value);
        return items && (setting != CODEC || codecs_hold(items, why));
    }
    if (text == TABLE_ENGINE)
        return dest_engine_find(value, &kind);
    if (text == TABLE_SOURCE_COLUMN)
        return is_plain_name(value);
    const char *malformed = dest_layout_malformed(value);
    *why = malformed ? malformed : "";
    return !malformed;
}

bool column_setting_check(const char *name, const char *value, GError **error)
{
    ColumnSetting setting = EXCLUDE;
    g_autofree char *table = NULL;
    bool known = find(name, &setting, &table);
    g_assert(known);
    g_autoptr(Selection) selection = selection_parse((const char *const[]){table, NULL}, NULL, error);
    if (!selection) {
        g_prefix_error(error, "setting %s: ", name);
        return false;
    }
    const char *why = "";
    if (!*value || value_holds(setting, value, &why))
        return true;
    g_autofree char *shown = printable(value, 80);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "setting %s cannot be %s%s%s; it is written %s", name, shown, *why ? ": " : "", why,
                column_settings[setting].form);
    return false;
}

/* ---- a table ---- */

static bool refuse(const SourceTable *table, const char *column, const char *what, GError **error)
{
    g_autofree char *shown = printable(column, 64);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT, "%s.%s: column %s %s", table->database, table->name, shown,
                what);
    return false;
}

static const char *nearest_column(const SourceTable *table, const char *name)
{
    g_autofree const char **names = g_new0(const char *, table->n_columns + 1);
    for (unsigned i = 0; i < table->n_columns; i++)
        names[i] = table->columns[i].name;
    return nearest_name(name, names);
}

static bool refuse_missing(const SourceTable *table, const char *name, GError **error)
{
    const char *nearest = nearest_column(table, name);
    g_autofree char *shown = nearest ? printable(nearest, 64) : NULL;
    g_autofree char *what = g_strdup_printf("is named in the settings, but there is none%s%s",
                                            shown ? "; the nearest name is " : "", shown ? shown : "");
    return refuse(table, name, what, error);
}

static char *codec_text(const char *value)
{
    return g_ascii_strncasecmp(value, "CODEC(", 6) == 0 ? g_strdup(value) : g_strdup_printf("CODEC(%s)", value);
}

static bool apply_item(ColumnSetting setting, const Item *item, bool lenient, const int *origin, SourceTable *table,
                       GError **error)
{
    int index = source_table_find_column(table, item->column);
    if (index >= 0 && origin && origin[index] >= 0)
        return true;
    if (index < 0)
        return lenient || refuse_missing(table, item->column, error);
    SourceColumn *column = &table->columns[index];
    switch (setting) {
    case KEY: /* apply_key */
        break;
    case EXCLUDE:
        column->excluded = true;
        if (source_table_column_in_key(table, (unsigned)index))
            return refuse(table, item->column, "is part of the key and cannot be left out", error);
        break;
    case RENAME:
        g_free(column->as_name);
        column->as_name = g_strdup(item->value);
        break;
    case TYPE:
        g_free(column->as_type);
        column->as_type = g_strdup(item->value);
        break;
    case CODEC:
        g_free(column->as_codec);
        column->as_codec = codec_text(item->value);
        break;
    default:
        break;
    }
    return true;
}

/* ---- a key of the operator's choice ---- */

static bool can_be_in_key(const SourceColumn *column)
{
    switch (column->type) {
    case SOURCE_TYPE_TEXT:
    case SOURCE_TYPE_BLOB:
    case SOURCE_TYPE_FLOAT:
    case SOURCE_TYPE_DOUBLE:
    case SOURCE_TYPE_JSON:
    case SOURCE_TYPE_GEOMETRY:
    case SOURCE_TYPE_VECTOR:
    case SOURCE_TYPE_UNKNOWN:
        return false;
    default:
        return true;
    }
}

static bool set_key(SourceTable *table, const GPtrArray *items, GError **error)
{
    g_autofree unsigned *key = g_new0(unsigned, items->len);
    for (unsigned i = 0; i < items->len; i++) {
        const char *name = ((const Item *)items->pdata[i])->column;
        int index = source_table_find_column(table, name);
        if (index < 0)
            return refuse_missing(table, name, error);
        const SourceColumn *column = &table->columns[index];
        if (column->nullable)
            return refuse(table, name, "may be NULL, so it cannot be part of a key", error);
        if (column->generated || !can_be_in_key(column))
            return refuse(table, name, "is of a kind that cannot be part of a key", error);
        for (unsigned k = 0; k < i; k++)
            if (key[k] == (unsigned)index)
                return refuse(table, name, "stands twice in the key", error);
        key[i] = (unsigned)index;
    }
    source_table_set_key(table, key, items->len);
    return true;
}

/* NULL: the setting of that name gives the table no key. */
static const char *key_given(const char *name, const json_t *value, const char *database, const char *table)
{
    ColumnSetting setting;
    bool its = find(name, &setting, NULL) && setting == KEY && json_string_length(value) && column_setting_names_table(name, database, table);
    return its ? json_string_value(value) : NULL;
}

bool column_settings_name_key(const json_t *settings, const char *database, const char *table)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings, name, value)
    {
        if (key_given(name, value, database, table))
            return true;
    }
    return false;
}

/* Before all else: what is part of the key is treated otherwise. */
static bool apply_key(const json_t *settings, SourceTable *table, GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings, name, value)
    {
        const char *key = key_given(name, value, table->database, table->name);
        g_autoptr(GPtrArray) items = key ? parse_list(KEY, key) : NULL;
        if (items && items->len && !set_key(table, items, error))
            return false;
    }
    return true;
}

static const char *final_name(const SourceColumn *column)
{
    return column->as_name ? column->as_name : column->name;
}

/* ---- the destination table as a whole ---- */

static bool refuse_table(const SourceTable *table, TableText text, const char *what, GError **error)
{
    g_autofree char *shown = printable(table->texts[text], 80);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT, "%s.%s: %s %s %s", table->database, table->name, table_text_word(text), shown, what);
    return false;
}

static bool text_names(const SourceTable *table, const char *column)
{
    static const TableText texts[] = {TABLE_ORDER_BY, TABLE_PARTITION_BY, TABLE_TTL};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (table->texts[texts[i]] && dest_layout_names(table->texts[texts[i]], column))
            return true;
    return false;
}

/* Images of one row meet where they have the same place, and with a TTL they go together: so a delete has the values that
 * place its row, and a change of one is a delete and an insert (replication.md). */
static bool place_columns(SourceTable *table, GError **error)
{
    for (unsigned i = 0; i < table->n_columns; i++) {
        SourceColumn *column = &table->columns[i];
        column->placed = !source_table_column_in_key(table, i) && text_names(table, final_name(column));
        if (column->placed && column->excluded)
            return refuse(table, column->name, "is left out, and the destination's ORDER BY, PARTITION BY or TTL names it", error);
        if (column->placed && column->nullable)
            return refuse(table, column->name, "may be NULL, so ORDER BY, PARTITION BY and TTL cannot name it", error);
    }
    return true;
}

static bool order_holds(const SourceTable *table, GError **error)
{
    g_autoptr(GPtrArray) key = g_ptr_array_new();
    g_autoptr(GString) shown = g_string_new("does not begin with the key, ");
    if (table->texts[TABLE_SOURCE_COLUMN])
        g_ptr_array_add(key, table->texts[TABLE_SOURCE_COLUMN]);
    for (unsigned i = 0; i < table->n_key; i++)
        g_ptr_array_add(key, (gpointer)final_name(&table->columns[table->key[i]]));
    for (unsigned i = 0; i < key->len; i++)
        g_string_append_printf(shown, "%s%s", i ? ", " : "", (const char *)key->pdata[i]);
    g_string_append(shown, ": rows of different keys would be taken for one");
    return dest_layout_begins_with(table->texts[TABLE_ORDER_BY], key) || refuse_table(table, TABLE_ORDER_BY, shown->str, error);
}

static bool has_codecs(const SourceTable *table)
{
    for (unsigned i = 0; i < table->n_columns; i++)
        if (table->columns[i].as_codec)
            return true;
    return false;
}

static bool source_column_holds(const SourceTable *table, GError **error)
{
    const char *name = table->texts[TABLE_SOURCE_COLUMN];
    for (unsigned i = 0; name && i < table->n_columns; i++)
        if (!table->columns[i].excluded && strcmp(final_name(&table->columns[i]), name) == 0)
            return refuse_table(table, TABLE_SOURCE_COLUMN, "is the name of a column of the table, choose another", error);
    return true;
}

static bool texts_hold(SourceTable *table, GError **error)
{
    DestEngine kind;
    char *const *texts = table->texts;
    bool known = dest_engine_find(texts[TABLE_ENGINE], &kind);
    if (!known)
        return refuse_table(table, TABLE_ENGINE, "is none that a pipe can write to; there are " DEST_ENGINES, error);
    if (kind == DEST_NULL && (texts[TABLE_ORDER_BY] || texts[TABLE_PARTITION_BY] || texts[TABLE_TTL] || has_codecs(table)))
        return refuse_table(table, TABLE_ENGINE, "keeps no rows, so it has no order_by, partition_by, ttl or codec", error);
    if (!source_column_holds(table, error))
        return false;
    if (kind == DEST_REPLACING && texts[TABLE_ORDER_BY] && !order_holds(table, error))
        return false;
    if (texts[TABLE_TTL] && dest_layout_names(texts[TABLE_TTL], "GROUP"))
        return refuse_table(table, TABLE_TTL, "makes one row of many; only deletes, moves and recompression are possible", error);
    return place_columns(table, error);
}

/* ClickHouse's names differ by case. */
static bool names_differ(const SourceTable *table, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const SourceColumn *column = &table->columns[i];
        if (!column->excluded && !g_hash_table_add(seen, (gpointer)final_name(column)))
            return refuse(table, column->name, "would have the same name at the destination as another", error);
    }
    return true;
}

void column_settings_forget(SourceTable *table)
{
    for (unsigned i = 0; i < table->n_columns; i++) {
        SourceColumn *column = &table->columns[i];
        column->excluded = false;
        g_clear_pointer(&column->as_name, g_free);
        g_clear_pointer(&column->as_type, g_free);
        g_clear_pointer(&column->as_codec, g_free);
        column->placed = false;
    }
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++)
        g_clear_pointer(&table->texts[i], g_free);
}

static void set_text(SourceTable *table, TableText text, const char *value)
{
    g_free(table->texts[text]);
    table->texts[text] = *value ? g_strdup(value) : NULL;
}

static bool apply_all(const json_t *settings, SourceTable *table, const int *origin, GError **error)
{
    const char *name;
    json_t *value;
    bool renamed = false;
    if (!origin && !apply_key(settings, table, error))
        return false;
    json_object_foreach((json_t *)settings, name, value)
    {
        ColumnSetting setting;
        g_autofree char *pattern = NULL;
        if (!find(name, &setting, &pattern) || !json_is_string(value))
            continue;
        g_autoptr(Selection) selection = selection_parse((const char *const[]){pattern, NULL}, NULL, error);
        if (!selection)
            return false;
        if (!selection_match(selection, table->database, table->name, NULL))
            continue;
        TableText text;
        if (table_text_of(setting, &text)) {
            if (!origin) /* a table that is there has what it was made with */
                set_text(table, text, json_string_value(value));
            continue;
        }
        g_autoptr(GPtrArray) items = parse_list(setting, json_string_value(value));
        for (unsigned i = 0; items && i < items->len; i++)
            if (!apply_item(setting, items->pdata[i], origin || selection_has_wildcard(selection), origin, table, error))
                return false;
        renamed |= setting == RENAME;
    }
    return (!renamed || names_differ(table, error)) && (origin || texts_hold(table, error));
}

bool column_settings_apply(const json_t *settings, SourceTable *table, GError **error)
{
    return apply_all(settings, table, NULL, error);
}

bool column_settings_apply_added(const json_t *settings, SourceTable *table, const int *origin, GError **error)
{
    return apply_all(settings, table, origin, error);
}

/* ---- what names nothing ---- */

static const char *nearest_table(const GPtrArray *names, const char *pattern, char **holder)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < names->len; i++) {
        const SelectionName *name = names->pdata[i];
        g_ptr_array_add(list, selection_name(name->database, name->table));
    }
    g_ptr_array_add(list, NULL);
    return *holder = g_strdup(nearest_name(pattern, (const char *const *)list->pdata));
}

static bool names_a_table(const Selection *selection, const GPtrArray *names)
{
    for (unsigned i = 0; i < names->len; i++) {
        const SelectionName *name = names->pdata[i];
        if (selection_match(selection, name->database, name->table, NULL))
            return true;
    }
    return false;
}

static void check_items_used(const char *setting, const GPtrArray *items, const Selection *selection,
                             const GPtrArray *tables, GPtrArray *checks)
{
    for (unsigned i = 0; i < items->len; i++) {
        const Item *item = items->pdata[i];
        const char *nearest = NULL;
        bool matched = false, found = false;
        for (unsigned t = 0; t < tables->len && !found; t++) {
            const SourceTable *table = tables->pdata[t];
            if (!selection_match(selection, table->database, table->name, NULL))
                continue;
            matched = true;
            found = source_table_find_column(table, item->column) >= 0;
            nearest = nearest ? nearest : nearest_column(table, item->column);
        }
        if (!matched || found)
            continue;
        g_autofree char *shown = printable(item->column, 64), *shown_nearest = nearest ? printable(nearest, 64) : NULL;
        check_add(checks, CHECK_FAIL, "column", "mend the setting", "setting %s: no table of it has a column %s%s%s",
                  setting, shown, nearest ? "; the nearest name is " : "", nearest ? shown_nearest : "");
    }
}

void column_settings_check_used(const json_t *settings, const GPtrArray *names, const GPtrArray *tables,
                                GPtrArray *checks)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings, name, value)
    {
        ColumnSetting setting;
        g_autofree char *pattern = NULL, *nearest = NULL;
        if (!find(name, &setting, &pattern) || !json_is_string(value) || !*json_string_value(value))
            continue;
        g_autoptr(Selection) selection = selection_parse((const char *const[]){pattern, NULL}, NULL, NULL);
        TableText text;
        bool whole = table_text_of(setting, &text);
        g_autoptr(GPtrArray) items = whole ? NULL : parse_list(setting, json_string_value(value));
        if (!selection || (!items && !whole))
            continue; /* refused before */
        g_autofree char *shown = printable(name, 160);
        if (names_a_table(selection, names)) {
            if (items && selection_has_wildcard(selection))
                check_items_used(shown, items, selection, tables, checks);
        } else if (nearest_table(names, pattern, &nearest)) {
            check_add(checks, CHECK_FAIL, "column", "mend the setting",
                      "setting %s: the pipe has no such table; the nearest name is %s", shown, nearest);
        } else {
            check_add(checks, CHECK_FAIL, "column", "mend the setting", "setting %s: the pipe has no such table",
                      shown);
        }
    }
}

/* ---- what is in effect ---- */

static bool item_in_effect(ColumnSetting setting, const Item *item, const SourceTable *table)
{
    int index = source_table_find_column(table, item->column);
    if (index < 0)
        return true; /* of another table of the wildcard */
    const SourceColumn *column = &table->columns[index];
    switch (setting) {
    case EXCLUDE:
        return column->excluded;
    case RENAME:
        return g_strcmp0(column->as_name, item->value) == 0;
    case TYPE:
        return g_strcmp0(column->as_type, item->value) == 0;
    case CODEC: {
        g_autofree char *codec = codec_text(item->value);
        return g_strcmp0(column->as_codec, codec) == 0;
    }
    default:
        return true;
    }
}

static bool key_in_effect(const GPtrArray *items, const SourceTable *table)
{
    bool same = source_table_key_is_named(table) && items->len == table->n_key;
    for (unsigned i = 0; same && i < items->len; i++)
        same = source_table_find_column(table, ((const Item *)items->pdata[i])->column) == (int)table->key[i];
    return same;
}

bool column_setting_in_effect(const char *name, const char *value, const GPtrArray *tables)
{
    ColumnSetting setting;
    g_autofree char *pattern = NULL;
    if (!find(name, &setting, &pattern))
        return true;
    g_autoptr(Selection) selection = selection_parse((const char *const[]){pattern, NULL}, NULL, NULL);
    TableText text;
    bool whole = table_text_of(setting, &text);
    g_autoptr(GPtrArray) items = whole ? NULL : parse_list(setting, value);
    for (unsigned t = 0; selection && (items || whole) && t < tables->len; t++) {
        const SourceTable *table = tables->pdata[t];
        if (!selection_match(selection, table->database, table->name, NULL))
            continue;
        if (whole && g_strcmp0(table->texts[text], value) != 0)
            return false;
        if (setting == KEY && items->len && !key_in_effect(items, table))
            return false;
        for (unsigned i = 0; items && i < items->len; i++)
            if (!item_in_effect(setting, items->pdata[i], table))
                return false;
    }
    return true;
}
