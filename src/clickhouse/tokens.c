#include "clickhouse/tokens.h"

#include <string.h>

static void token_free(gpointer data)
{
    SqlToken *token = data;
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

GPtrArray *sql_tokens(const char *sql)
{
    GPtrArray *tokens = g_ptr_array_new_with_free_func(token_free);
    const char *p = sql;
    for (;;) {
        while (g_ascii_isspace(*p))
            p++;
        SqlToken *token = g_new0(SqlToken, 1);
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

const SqlToken *sql_token_at(const GPtrArray *tokens, unsigned i)
{
    return g_ptr_array_index(tokens, MIN(i, tokens->len - 1));
}

bool sql_token_is_word(const SqlToken *token, const char *word)
{
    return token->kind == 'w' && g_ascii_strcasecmp(token->text, word) == 0;
}

bool sql_token_is_name(const SqlToken *token, const char *name)
{
    return (token->kind == 'w' || token->kind == '`') && strcmp(token->text, name) == 0;
}
