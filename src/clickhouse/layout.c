#include "clickhouse/layout.h"

#include "clickhouse/tokens.h"

#include <string.h>

static const struct {
    const char *name;
    DestEngine kind;
    bool replicated;
} engines[] = {
    {"ReplacingMergeTree", DEST_REPLACING, false}, {"ReplicatedReplacingMergeTree", DEST_REPLACING, true},
    {"SharedReplacingMergeTree", DEST_REPLACING, true}, {"MergeTree", DEST_APPENDING, false},
    {"ReplicatedMergeTree", DEST_APPENDING, true}, {"SharedMergeTree", DEST_APPENDING, true},
    {"Null", DEST_NULL, false},
};

bool dest_engine_find(const char *name, DestEngine *kind)
{
    *kind = DEST_REPLACING;
    if (!name)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(engines); i++) {
        if (strcmp(engines[i].name, name) != 0)
            continue;
        *kind = engines[i].kind;
        return true;
    }
    return false;
}

bool dest_engine_is_replicated(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(engines); i++)
        if (strcmp(engines[i].name, name) == 0)
            return engines[i].replicated;
    return false;
}

const char *dest_engine_on_cluster(const char *name)
{
    if (!name || strcmp(name, "ReplacingMergeTree") == 0)
        return "ReplicatedReplacingMergeTree";
    return strcmp(name, "MergeTree") == 0 ? "ReplicatedMergeTree" : name;
}

/* Comments and heredocs would hide what the text names. */
const char *dest_layout_malformed(const char *text)
{
    g_autoptr(GPtrArray) tokens = sql_tokens(text);
    int depth = 0;
    if (strstr(text, "--") || strstr(text, "/*") || strchr(text, '#') || strchr(text, '$'))
        return "it may have no comments, and no # or $";
    for (unsigned i = 0; i < tokens->len; i++) {
        const SqlToken *token = tokens->pdata[i];
        depth += token->kind == '(' || token->kind == '[';
        depth -= token->kind == ')' || token->kind == ']';
        if (depth < 0)
            return "a bracket is closed that was not opened";
        if (token->kind == ';')
            return "it is one expression, without ;";
        for (const char *p = token->kind == 'w' ? token->text : ""; *p; p++)
            if ((unsigned char)*p >= 0x80)
                return "names of other than ASCII letters stand in backticks";
    }
    return depth ? "a bracket is not closed" : tokens->len == 1 ? "it is empty" : NULL;
}

bool dest_layout_names(const char *text, const char *column)
{
    g_autoptr(GPtrArray) tokens = sql_tokens(text);
    for (unsigned i = 0; i < tokens->len; i++) {
        const SqlToken *token = tokens->pdata[i];
        bool is_call = token->kind == 'w' && sql_token_at(tokens, i + 1)->kind == '(';
        if (!is_call && sql_token_is_name(token, column))
            return true;
    }
    return false;
}

/* Brackets around all of it. */
static bool is_braced(const GPtrArray *tokens)
{
    int depth = 0;
    unsigned last = tokens->len - 2; /* before the end */
    if (tokens->len < 3 || sql_token_at(tokens, 0)->kind != '(')
        return false;
    for (unsigned i = 0; i < last; i++) {
        depth += sql_token_at(tokens, i)->kind == '(';
        depth -= sql_token_at(tokens, i)->kind == ')';
        if (depth == 0)
            return false;
    }
    return sql_token_at(tokens, last)->kind == ')';
}

/* "ORDER BY (id)" is printed as "(id)" or "id", "ORDER BY (id, k)" as "id, k". */
static GPtrArray *list_tokens(const char *text)
{
    GPtrArray *tokens = sql_tokens(text);
    while (is_braced(tokens)) {
        g_ptr_array_remove_index(tokens, tokens->len - 2);
        g_ptr_array_remove_index(tokens, 0);
    }
    return tokens;
}

bool dest_layout_begins_with(const char *text, const GPtrArray *columns)
{
    g_autoptr(GPtrArray) tokens = list_tokens(text);
    unsigned at = 0;
    for (unsigned i = 0; i < columns->len; i++) {
        if (!sql_token_is_name(sql_token_at(tokens, at++), columns->pdata[i]))
            return false;
        char after = sql_token_at(tokens, at++)->kind;
        if (after != ',' && (after || i + 1 < columns->len))
            return false;
    }
    return true;
}

bool dest_layout_same(const char *a, const char *b)
{
    g_autoptr(GPtrArray) as = list_tokens(a);
    g_autoptr(GPtrArray) bs = list_tokens(b);
    bool same = as->len == bs->len;
    for (unsigned i = 0; same && i < as->len; i++) {
        const SqlToken *x = as->pdata[i], *y = bs->pdata[i];
        bool names = (x->kind == 'w' || x->kind == '`') && (y->kind == 'w' || y->kind == '`');
        same = (names || x->kind == y->kind) && strcmp(x->text, y->text) == 0;
    }
    return same;
}

void dest_layout_append(GString *sql, const char *text)
{
    g_autoptr(GPtrArray) tokens = sql_tokens(text);
    bool empty = tokens->len == 4 && sql_token_is_word(sql_token_at(tokens, 0), "tuple") &&
                 sql_token_at(tokens, 1)->kind == '(' && sql_token_at(tokens, 2)->kind == ')';
    if (empty || is_braced(tokens))
        g_string_append(sql, text);
    else
        g_string_append_printf(sql, "(%s)", text);
}
