#include "mysql/sql_private.h"

#include "mysql/ddl.h"

#include <string.h>

#define SQL_MODE_NO_BACKSLASH_ESCAPES 0x100000

void sql_lexer_init(SqlLexer *lexer, const char *sql, size_t len, uint64_t sql_mode)
{
    *lexer = (SqlLexer){
        .p = sql,
        .end = sql + len,
        .ansi_quotes = sql_mode & DDL_SQL_MODE_ANSI_QUOTES,
        .no_backslash = sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES,
    };
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

static bool is_word(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t left(const SqlLexer *lexer)
{
    return (size_t)(lexer->end - lexer->p);
}

static bool starts(const SqlLexer *lexer, const char *text)
{
    size_t n = strlen(text);
    return left(lexer) >= n && memcmp(lexer->p, text, n) == 0;
}

static void skip_line(SqlLexer *lexer)
{
    const char *newline = memchr(lexer->p, '\n', left(lexer));
    lexer->p = newline ? newline + 1 : lexer->end;
}

static void skip_block_comment(SqlLexer *lexer)
{
    lexer->p += 2;
    const char *close = memmem(lexer->p, left(lexer), "*/", 2);
    lexer->p = close ? close + 2 : lexer->end;
}

/* Behind the mark of a versioned comment and the 5 or 6 digits of its version, if there are any. */
static void enter_versioned(SqlLexer *lexer, size_t mark_len)
{
    lexer->p += mark_len;
    size_t digits = 0;
    while (digits < 6 && digits < left(lexer) && g_ascii_isdigit(lexer->p[digits]))
        digits++;
    if (digits >= 5)
        lexer->p += digits;
    lexer->in_versioned = true;
}

static void skip_blanks(SqlLexer *lexer)
{
    while (lexer->p < lexer->end) {
        if (is_space(*lexer->p)) {
            lexer->p++;
        } else if (*lexer->p == '#') {
            skip_line(lexer);
        } else if (starts(lexer, "--") && (left(lexer) == 2 || is_space(lexer->p[2]) || g_ascii_iscntrl(lexer->p[2]))) {
            skip_line(lexer);
        } else if (starts(lexer, "/*!")) {
            enter_versioned(lexer, 3);
        } else if (starts(lexer, "/*M!")) {
            enter_versioned(lexer, 4);
        } else if (starts(lexer, "/*")) {
            skip_block_comment(lexer);
        } else if (lexer->in_versioned && starts(lexer, "*/")) {
            lexer->p += 2;
            lexer->in_versioned = false;
        } else {
            return;
        }
    }
}

/* Behind the closing quote; a quote is escaped by doubling it, in strings also by a backslash. */
static void skip_quoted(SqlLexer *lexer, bool backslash)
{
    char quote = *lexer->p++;
    while (lexer->p < lexer->end) {
        char c = *lexer->p++;
        if (c == '\\' && backslash && lexer->p < lexer->end) {
            lexer->p++;
        } else if (c == quote) {
            if (lexer->p == lexer->end || *lexer->p != quote)
                return;
            lexer->p++;
        }
    }
}

SqlToken sql_next(SqlLexer *lexer)
{
    skip_blanks(lexer);
    SqlToken token = {.type = SQL_END, .text = lexer->p};
    if (lexer->p == lexer->end)
        return token;
    char c = *lexer->p;
    if (c == '`' || (c == '"' && lexer->ansi_quotes)) {
        token.type = SQL_NAME;
        skip_quoted(lexer, false);
    } else if (c == '\'' || c == '"') {
        token.type = SQL_STRING;
        skip_quoted(lexer, !lexer->no_backslash);
    } else if (is_word(c)) {
        token.type = SQL_WORD;
        while (lexer->p < lexer->end && is_word(*lexer->p))
            lexer->p++;
    } else {
        token.type = SQL_MARK;
        lexer->p++;
    }
    token.len = (size_t)(lexer->p - token.text);
    return token;
}

SqlToken sql_peek(const SqlLexer *lexer)
{
    SqlLexer copy = *lexer;
    return sql_next(&copy);
}

bool sql_token_is(const SqlToken *token, const char *keyword)
{
    return token->type == SQL_WORD && strlen(keyword) == token->len &&
           g_ascii_strncasecmp(token->text, keyword, token->len) == 0;
}

bool sql_token_in(const SqlToken *token, const char *const *keywords)
{
    for (; *keywords; keywords++)
        if (sql_token_is(token, *keywords))
            return true;
    return false;
}

bool sql_token_mark(const SqlToken *token, char mark)
{
    return token->type == SQL_MARK && *token->text == mark;
}

bool sql_token_named(const SqlToken *token)
{
    return token->type == SQL_WORD || token->type == SQL_NAME;
}

char *sql_token_text(const SqlToken *token)
{
    if (token->type != SQL_NAME && token->type != SQL_STRING)
        return g_strndup(token->text, token->len);
    char quote = *token->text;
    GString *out = g_string_sized_new(token->len);
    const char *end = token->text + token->len;
    for (const char *p = token->text + 1; p < end; p++) {
        if (*p == quote && ++p == end) /* the closing one, else the first of two */
            break;
        if (*p == '\\' && token->type == SQL_STRING && p + 1 < end)
            p++;
        g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

static char escaped(char c)
{
    static const char from[] = "ntrbZ", to[] = "\n\t\r\b\x1a";
    const char *at = strchr(from, c);
    return at ? to[at - from] : c;
}

char *sql_token_string(const SqlLexer *lexer, const SqlToken *token)
{
    char quote = *token->text;
    g_autoptr(GString) out = g_string_sized_new(token->len);
    const char *end = token->text + token->len;
    for (const char *p = token->text + 1; p < end; p++) {
        if (*p == quote && ++p == end)
            break;
        char c = *p;
        if (c == '\\' && !lexer->no_backslash && p + 1 < end) {
            p++;
            if (*p == '%' || *p == '_') /* these keep their backslash */
                g_string_append_c(out, c);
            if (*p == '0')
                return NULL;
            c = *p && strchr("ntrbZ", *p) ? escaped(*p) : *p;
        }
        if (c == 0)
            return NULL;
        g_string_append_c(out, c);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

bool sql_accept(SqlLexer *lexer, const char *keyword)
{
    SqlLexer copy = *lexer;
    SqlToken token = sql_next(&copy);
    if (!sql_token_is(&token, keyword))
        return false;
    *lexer = copy;
    return true;
}

bool sql_read_name(SqlLexer *lexer, char **out)
{
    SqlToken token = sql_next(lexer);
    if (!sql_token_named(&token))
        return false;
    g_free(*out);
    *out = sql_token_text(&token);
    return **out != 0;
}

bool sql_accept_words(SqlLexer *lexer, const char *words)
{
    SqlLexer ahead = *lexer;
    g_auto(GStrv) parts = g_strsplit(words, " ", -1);
    for (unsigned i = 0; parts[i]; i++)
        if (!sql_accept(&ahead, parts[i]))
            return false;
    *lexer = ahead;
    return true;
}

bool sql_accept_mark(SqlLexer *lexer, char mark)
{
    SqlLexer copy = *lexer;
    SqlToken token = sql_next(&copy);
    if (!sql_token_mark(&token, mark))
        return false;
    *lexer = copy;
    return true;
}

bool sql_next_is(const SqlLexer *lexer, const char *keyword)
{
    SqlToken token = sql_peek(lexer);
    return sql_token_is(&token, keyword);
}

bool sql_next_is_mark(const SqlLexer *lexer, char mark)
{
    SqlToken token = sql_peek(lexer);
    return sql_token_mark(&token, mark);
}

bool sql_clause_end(const SqlLexer *lexer)
{
    SqlToken token = sql_peek(lexer);
    return token.type == SQL_END || sql_token_mark(&token, ',') || sql_token_mark(&token, ';');
}

bool sql_skip_clause(SqlLexer *lexer)
{
    int depth = 0;
    while (depth > 0 || !sql_clause_end(lexer)) {
        SqlToken token = sql_next(lexer);
        if (token.type == SQL_END)
            return false;
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
    }
    return true;
}

bool sql_skip_brackets(SqlLexer *lexer)
{
    int depth = 0;
    do {
        SqlToken token = sql_next(lexer);
        if (token.type == SQL_END)
            return false;
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
    } while (depth > 0);
    return true;
}
