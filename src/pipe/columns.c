#include "pipe/columns.h"

#include "base/base.h"
#include "pipe/selection.h"

#include <string.h>

typedef enum { EXCLUDE, RENAME, TYPE } ColumnSetting;

static const struct {
    const char *suffix, *meaning, *form;
} column_settings[] = {
    [EXCLUDE] = {":exclude", "columns that are not replicated", "a,b"},
    [RENAME] = {":rename", "names of columns at the destination", "a=b,c=d"},
    [TYPE] = {":type", "types of columns at the destination", "a=LowCardinality(String),b=Int64"},
};

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
        item->column = read_word(&text, setting == EXCLUDE ? "," : "=,");
        if (!item->column || !*item->column)
            return NULL;
        if (setting != EXCLUDE) {
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
    g_autoptr(GPtrArray) items = parse_list(setting, value);
    if (items)
        return true;
    g_autofree char *shown = printable(value, 80);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "setting %s cannot be %s; it is written %s", name, shown,
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

static bool apply_item(ColumnSetting setting, const Item *item, bool lenient, const int *origin, SourceTable *table, GError **error)
{
    int index = source_table_find_column(table, item->column);
    if (index >= 0 && origin && origin[index] >= 0)
        return true;
    if (index < 0)
        return lenient || refuse(table, item->column, "is named in the settings, but there is none", error);
    SourceColumn *column = &table->columns[index];
    switch (setting) {
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
    }
    return true;
}

static const char *final_name(const SourceColumn *column)
{
    return column->as_name ? column->as_name : column->name;
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

static bool apply_all(const json_t *settings, SourceTable *table, const int *origin, GError **error)
{
    const char *name;
    json_t *value;
    bool renamed = false;
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
        g_autoptr(GPtrArray) items = parse_list(setting, json_string_value(value));
        for (unsigned i = 0; items && i < items->len; i++)
            if (!apply_item(setting, items->pdata[i], origin || selection_has_wildcard(selection), origin, table, error))
                return false;
        renamed |= setting == RENAME;
    }
    return !renamed || names_differ(table, error);
}

bool column_settings_apply(const json_t *settings, SourceTable *table, GError **error)
{
    return apply_all(settings, table, NULL, error);
}

bool column_settings_apply_added(const json_t *settings, SourceTable *table, const int *origin, GError **error)
{
    return apply_all(settings, table, origin, error);
}
