/* compatible.c - whether a table that already stands at the destination can take a pipe's rows (replication.md,
 * Targets). Pure: reads the texts in which the server prints engines, keys and types. */
#include "clickhouse/table.h"
#include <string.h>

/* One token of ClickHouse's SQL: a quoted name or string with its escapes undone, a word, or one sign. */
typedef struct {
    char kind; /* 'w' word or number, '`' name, '\'' string, 0 end, else the sign itself */
    char *text;
} Token;

static void token_free(gpointer data)
{
    Token *token = data;
    g_free(token->text);
    g_free(token);
}

static bool word_char(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

static const char *read_quoted(const char *p, GString *out)
{
    char mark = *p++;
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == mark && p[1] == mark)
            p++;
        else if (*p == mark)
            return p + 1;
        g_string_append_c(out, *p);
    }
    return p;
}

/* Always ends with a token of kind 0. */
static GPtrArray *tokenize(const char *sql)
{
    GPtrArray *tokens = g_ptr_array_new_with_free_func(token_free);
    const char *p = sql;
    for (;;) {
        while (g_ascii_isspace(*p))
            p++;
        Token *token = g_new0(Token, 1);
        GString *text = g_string_new(NULL);
        token->kind = *p;
        if (*p == '`' || *p == '\'' || *p == '"') {
            token->kind = *p == '"' ? '`' : *p;
            p = read_quoted(p, text);
        } else if (word_char(*p)) {
            token->kind = 'w';
            while (word_char(*p))
                g_string_append_c(text, *p++);
        } else if (*p) {
            g_string_append_c(text, *p++);
        }
        token->text = g_string_free(text, FALSE);
        g_ptr_array_add(tokens, token);
        if (!token->kind)
            return tokens;
    }
}

static const Token *token_at(const GPtrArray *tokens, guint i)
{
    return g_ptr_array_index(tokens, MIN(i, tokens->len - 1));
}

static bool is_word(const Token *token, const char *word)
{
    return token->kind == 'w' && g_ascii_strcasecmp(token->text, word) == 0;
}

static bool is_name(const Token *token, const char *name)
{
    return (token->kind == 'w' || token->kind == '`') && strcmp(token->text, name) == 0;
}

/* "ReplacingMergeTree(v, d) ..." or Replicated/Shared with two strings first: the last arguments are exactly our two.
 */
static bool engine_matches(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autoptr(GPtrArray) tokens = tokenize(info->engine_full ? info->engine_full : "");
    const Token *engine = token_at(tokens, 0);
    if (!is_word(engine, "ReplacingMergeTree") && !is_word(engine, "ReplicatedReplacingMergeTree") &&
        !is_word(engine, "SharedReplacingMergeTree"))
        return false;
    guint i = 1;
    if (token_at(tokens, i++)->kind != '(')
        return false;
    while (token_at(tokens, i)->kind == '\'' && token_at(tokens, i + 1)->kind == ',')
        i += 2;
    return is_name(token_at(tokens, i), spec->version_column) && token_at(tokens, i + 1)->kind == ',' &&
           is_name(token_at(tokens, i + 2), spec->deleted_column) && token_at(tokens, i + 3)->kind == ')';
}

static bool sorting_key_matches(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autoptr(GPtrArray) tokens = tokenize(info->sorting_key ? info->sorting_key : "");
    guint at = 0;
    /* "ORDER BY (id)" is printed as "(id)", "ORDER BY (id, k)" as "id, k". */
    bool braced = token_at(tokens, 0)->kind == '(' && tokens->len > 2 && token_at(tokens, tokens->len - 2)->kind == ')';
    if (braced) {
        g_ptr_array_remove_index(tokens, tokens->len - 2);
        at = 1;
    }
    for (guint i = 0; i < spec->order_by->len; i++) {
        if (i && token_at(tokens, at++)->kind != ',')
            return false;
        if (!is_name(token_at(tokens, at++), g_ptr_array_index(spec->order_by, i)))
            return false;
    }
    return token_at(tokens, at)->kind == 0;
}

/* A setting of the table which removes deleted rows for good, or NULL: a late snapshot row would rise again after that.
 */
static const char *cleanup_setting(const GPtrArray *tokens)
{
    static const char *const SETTINGS[] = {"clean_deleted_rows", "allow_experimental_replacing_merge_with_cleanup",
                                           "enable_replacing_merge_with_cleanup_for_min_age_to_force_merge"};
    for (guint i = 0; i < tokens->len; i++) {
        for (size_t s = 0; s < G_N_ELEMENTS(SETTINGS); s++) {
            if (!is_word(token_at(tokens, i), SETTINGS[s]) || token_at(tokens, i + 1)->kind != '=')
                continue;
            const char *value = token_at(tokens, i + 2)->text;
            if (g_ascii_strcasecmp(value, "never") != 0 && strcmp(value, "0") != 0 &&
                g_ascii_strcasecmp(value, "false") != 0)
                return SETTINGS[s];
        }
    }
    return NULL;
}

/* Types by their tokens, so that spaces do not count. */
static bool types_equal(const char *a, const char *b)
{
    g_autoptr(GPtrArray) as = tokenize(a);
    g_autoptr(GPtrArray) bs = tokenize(b);
    if (as->len != bs->len)
        return false;
    for (guint i = 0; i < as->len; i++) {
        const Token *x = token_at(as, i), *y = token_at(bs, i);
        if (x->kind != y->kind || strcmp(x->text, y->text) != 0)
            return false;
    }
    return true;
}

static char *columns_incompatible(const DestTableInfo *info, const DestTableSpec *spec)
{
    for (guint i = 0; i < spec->columns->len; i++) {
        const DestColumn *wanted = g_ptr_array_index(spec->columns, i), *found = NULL;
        for (guint k = 0; k < info->columns->len && !found; k++) {
            const DestColumn *column = g_ptr_array_index(info->columns, k);
            found = strcmp(column->name, wanted->name) == 0 ? column : NULL;
        }
        g_autofree char *name = printable(wanted->name, 100);
        g_autofree char *type = printable(found ? found->type : "", 200);
        if (!found)
            return g_strdup_printf("it has no column %s that can be written; it needs %s", name, wanted->type);
        if (!types_equal(found->type, wanted->type))
            return g_strdup_printf("its column %s is %s, not %s", name, type, wanted->type);
    }
    return NULL;
}

static bool contains(const GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

char *dest_table_incompatible(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autofree char *engine = printable(info->engine_full ? info->engine_full : "", 120);
    if (!engine_matches(info, spec))
        return g_strdup_printf("its engine is not ReplacingMergeTree(%s, %s) but %s", spec->version_column,
                               spec->deleted_column, *engine ? engine : "unknown");
    if (!sorting_key_matches(info, spec)) {
        g_autofree char *key = printable(info->sorting_key ? info->sorting_key : "", 200);
        g_autoptr(GString) wanted = g_string_new(NULL);
        for (guint i = 0; i < spec->order_by->len; i++)
            g_string_append_printf(wanted, "%s%s", i ? ", " : "", (const char *)g_ptr_array_index(spec->order_by, i));
        g_autofree char *shown = printable(wanted->str, 200);
        return g_strdup_printf("its ORDER BY is (%s), not the key (%s)", key, shown);
    }
    for (guint i = 0; i < info->partition_columns->len; i++) {
        const char *column = g_ptr_array_index(info->partition_columns, i);
        g_autofree char *name = printable(column, 100);
        if (!contains(spec->order_by, column))
            return g_strdup_printf(
                "its PARTITION BY uses %s, which is not in the key: a row's old and new image would never meet", name);
    }
    g_autoptr(GPtrArray) tokens = tokenize(info->create_query ? info->create_query : "");
    for (guint i = 0; i < tokens->len; i++) {
        if (is_word(token_at(tokens, i), "TTL"))
            return g_strdup("it has a TTL, which removes rows that the source still has");
    }
    const char *cleanup = cleanup_setting(tokens);
    if (cleanup)
        return g_strdup_printf("its setting %s removes deleted rows for good, so that a late row would rise again",
                               cleanup);
    return columns_incompatible(info, spec);
}
