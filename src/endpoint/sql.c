/* sql.c - a small lexer for ClickHouse's SQL, and the two questions asked with it. */
#include "endpoint/sql.h"

#include <string.h>

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word_start(unsigned char c)
{
    return g_ascii_isalpha(c) || c == '_' || c == '$' || c >= 0x80;
}

static bool is_word_part(unsigned char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* Length of the UTF-8 white space or quote at `p`, 0 when it is none of those. U+00A0, U+2000..U+200B, U+3000, U+FEFF.
 */
static size_t unicode_space(const unsigned char *p, size_t left)
{
    if (left >= 2 && p[0] == 0xC2 && p[1] == 0xA0)
        return 2;
    if (left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0x80 && p[2] <= 0x8B)
        return 3;
    if (left >= 3 && p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80)
        return 3;
    if (left >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF)
        return 3;
    return 0;
}

/* ‘…’ is a string and “…” an identifier for ClickHouse; there is no escape inside. Returns the last byte of the opening
 * quote (0x98 or 0x9C), else 0. */
static unsigned char unicode_quote(const unsigned char *p, size_t left)
{
    if (left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0x98 || p[2] == 0x9C))
        return p[2];
    return 0;
}

static SqlToken token_make(SqlTokenType type, size_t start, size_t end)
{
    return (SqlToken){.type = type, .start = start, .end = end};
}

/* The token [start, end) might go on behind the end of a text that is not final. */
static SqlToken token_open(SqlLexer *lexer, SqlTokenType type, size_t start, size_t end)
{
    lexer->pos = end;
    return token_make(end == lexer->len && !lexer->final ? SQL_CUT : type, start, end);
}

static SqlToken token_unterminated(SqlLexer *lexer, size_t start)
{
    lexer->pos = lexer->len;
    return token_make(lexer->final ? SQL_BROKEN : SQL_CUT, start, lexer->len);
}

/* A quoted piece: backslash escapes the next byte, a doubled quote stands for itself. */
static SqlToken lex_quoted(SqlLexer *lexer, size_t start, char quote, SqlTokenType type)
{
    size_t i = start + 1;
    while (i < lexer->len) {
        char c = lexer->text[i];
        if (c == '\\') {
            i += 2;
        } else if (c != quote) {
            i++;
        } else if (i + 1 < lexer->len && lexer->text[i + 1] == quote) {
            i += 2;
        } else {
            return token_open(lexer, type, start, i + 1);
        }
    }
    return token_unterminated(lexer, start);
}

static SqlToken lex_unicode_quoted(SqlLexer *lexer, size_t start, unsigned char opening)
{
    const unsigned char *text = (const unsigned char *)lexer->text;
    for (size_t i = start + 3; i + 3 <= lexer->len; i++) {
        if (text[i] == 0xE2 && text[i + 1] == 0x80 && text[i + 2] == opening + 1) {
            lexer->pos = i + 3;
            return token_make(opening == 0x98 ? SQL_STRING : SQL_QUOTED, start, i + 3);
        }
    }
    return token_unterminated(lexer, start);
}

/* Skips a comment at `pos`. Returns 1 when one was skipped, 0 when there is none, -1 when the text ends inside or
 * before it can be told. Comments: `-- …`, `# …`, `#! …` to the end of the line, and nested slash-star ones. */
static int skip_comment(SqlLexer *lexer)
{
    const char *p = lexer->text + lexer->pos;
    size_t left = lexer->len - lexer->pos;
    if (*p == '/' || *p == '-' || *p == '#') {
        if (left == 1)
            return lexer->final ? 0 : -1;
    }
    if ((p[0] == '-' && p[1] == '-') || (p[0] == '#' && (p[1] == ' ' || p[1] == '!'))) {
        const char *eol = memchr(p, '\n', left);
        if (!eol) {
            lexer->pos = lexer->len;
            return lexer->final ? 1 : -1;
        }
        lexer->pos += (size_t)(eol - p) + 1;
        return 1;
    }
    if (p[0] != '/' || p[1] != '*')
        return 0;
    unsigned depth = 1;
    size_t i = 2;
    while (i + 1 < left) {
        if (p[i] == '/' && p[i + 1] == '*') {
            depth++;
            i += 2;
        } else if (p[i] == '*' && p[i + 1] == '/') {
            i += 2;
            if (--depth == 0) {
                lexer->pos += i;
                return 1;
            }
        } else {
            i++;
        }
    }
    return -1;
}

/* Skips white space and comments. False: the text ended inside a comment. */
static bool skip_blank(SqlLexer *lexer)
{
    while (lexer->pos < lexer->len) {
        const unsigned char *p = (const unsigned char *)lexer->text + lexer->pos;
        if (is_space(*p)) {
            lexer->pos++;
            continue;
        }
        size_t wide = unicode_space(p, lexer->len - lexer->pos);
        if (wide) {
            lexer->pos += wide;
            continue;
        }
        if (*p != '-' && *p != '/' && *p != '#')
            return true;
        int skipped = skip_comment(lexer);
        if (skipped < 0)
            return false;
        if (skipped == 0)
            return true;
    }
    return true;
}

/* $tag$ … $tag$. False when this `$` does not begin one. */
static bool lex_heredoc(SqlLexer *lexer, size_t start, SqlToken *token)
{
    size_t i = start + 1;
    while (i < lexer->len && (g_ascii_isalnum(lexer->text[i]) || lexer->text[i] == '_'))
        i++;
    if (i == lexer->len && !lexer->final) {
        *token = token_unterminated(lexer, start);
        return true;
    }
    if (i == lexer->len || lexer->text[i] != '$')
        return false;
    size_t tag = i + 1 - start;
    for (size_t j = i + 1; j + tag <= lexer->len; j++) {
        if (lexer->text[j] == '$' && memcmp(lexer->text + j, lexer->text + start, tag) == 0) {
            lexer->pos = j + tag;
            *token = token_make(SQL_STRING, start, j + tag);
            return true;
        }
    }
    *token = token_unterminated(lexer, start);
    return true;
}

static SqlToken lex_word(SqlLexer *lexer, size_t start, SqlTokenType type)
{
    size_t i = start + 1;
    while (i < lexer->len && is_word_part((unsigned char)lexer->text[i]) &&
           !unicode_space((const unsigned char *)lexer->text + i, lexer->len - i))
        i++;
    return token_open(lexer, type, start, i);
}

SqlToken sql_next(SqlLexer *lexer)
{
    if (!skip_blank(lexer))
        return token_unterminated(lexer, lexer->pos);
    size_t start = lexer->pos;
    if (start == lexer->len)
        return token_make(lexer->final ? SQL_END : SQL_CUT, start, start);
    unsigned char c = (unsigned char)lexer->text[start];
    unsigned char wide = unicode_quote((const unsigned char *)lexer->text + start, lexer->len - start);
    SqlToken token;
    if (wide)
        return lex_unicode_quoted(lexer, start, wide);
    if (c == '\'')
        return lex_quoted(lexer, start, '\'', SQL_STRING);
    if (c == '`' || c == '"')
        return lex_quoted(lexer, start, (char)c, SQL_QUOTED);
    if (c == '$' && lex_heredoc(lexer, start, &token))
        return token;
    if (is_word_start(c))
        return lex_word(lexer, start, SQL_WORD);
    if (g_ascii_isdigit(c))
        return lex_word(lexer, start, SQL_NUMBER);
    lexer->pos = start + 1;
    switch (c) {
    case '(':
    case '[':
    case '{':
        return token_make(SQL_OPEN, start, start + 1);
    case ')':
    case ']':
    case '}':
        return token_make(SQL_CLOSE, start, start + 1);
    case ';':
        return token_make(SQL_SEMICOLON, start, start + 1);
    default:
        return token_make(SQL_OTHER, start, start + 1);
    }
}

bool sql_is_word(const char *text, SqlToken token, const char *word)
{
    size_t len = strlen(word);
    return token.type == SQL_WORD && token.end - token.start == len &&
           g_ascii_strncasecmp(text + token.start, word, len) == 0;
}

/* ---- the head of an INSERT ---- */

typedef struct {
    SqlLexer lexer;
    const char *text;
    InsertHead head;
} HeadParser;

static bool head_end_of_text(SqlToken token)
{
    return token.type == SQL_CUT || token.type == SQL_END || token.type == SQL_BROKEN;
}

/* What an unexpected end means: more is needed, or (final) the engine shall say what is wrong. */
static InsertHead head_stop(HeadParser *p, SqlToken token)
{
    p->head.kind = token.type == SQL_CUT ? HEAD_MORE : HEAD_STATEMENT;
    return p->head;
}

/* Skips to behind the bracket that closes the one just read. `select` is set when its first word is SELECT or WITH. */
static SqlToken head_skip_brackets(HeadParser *p, bool *select)
{
    unsigned depth = 1;
    bool first = true;
    for (;;) {
        SqlToken token = sql_next(&p->lexer);
        if (head_end_of_text(token))
            return token;
        if (first && select)
            *select = sql_is_word(p->text, token, "SELECT") || sql_is_word(p->text, token, "WITH");
        first = false;
        if (token.type == SQL_OPEN)
            depth++;
        else if (token.type == SQL_CLOSE && --depth == 0)
            return token;
    }
}

/* At a `;` that ends the head. Nothing but white space may follow; until the end of the text that cannot be told. */
static InsertHead head_semicolon(HeadParser *p, size_t semicolon, HeadKind kind)
{
    size_t rest = semicolon + 1, len = p->lexer.len;
    while (rest < len && is_space((unsigned char)p->text[rest]))
        rest++;
    p->head.kind = rest < len ? HEAD_SEMICOLON : p->lexer.final ? kind : HEAD_MORE;
    p->head.data_start = len;
    return p->head;
}

/* Behind FORMAT name: blanks, then at most one line break, belong to the head (ParserInsertQuery.cpp). */
static InsertHead head_data_follows(HeadParser *p)
{
    InsertHead *head = &p->head;
    HeadKind kind = head->kind == HEAD_INPUT ? HEAD_INPUT : HEAD_DATA;
    const char *text = p->text;
    size_t len = p->lexer.len, i = p->lexer.pos;
    while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\f'))
        i++;
    if (i < len && text[i] == ';')
        return head_semicolon(p, i, kind);
    if (i < len && text[i] == '\r')
        i++;
    if (i == len && !p->lexer.final) {
        head->kind = HEAD_MORE;
        return *head;
    }
    if (i < len && text[i] == '\n')
        i++;
    head->kind = kind;
    head->data_start = i;
    while (i < len && is_space((unsigned char)text[i]))
        i++;
    head->data_in_rest = i < len;
    return *head;
}

/* The word FORMAT was read; `before` is the end of the token before it. */
static InsertHead head_format(HeadParser *p, size_t before)
{
    SqlToken name = sql_next(&p->lexer);
    if (name.type != SQL_WORD && name.type != SQL_QUOTED)
        return head_stop(p, name);
    p->head.head_end = before;
    p->head.format_given = true;
    p->head.format_start = name.start + (name.type == SQL_QUOTED);
    p->head.format_end = name.end - (name.type == SQL_QUOTED);
    return head_data_follows(p);
}

/* INSERT ... SELECT: data only follows when the select reads input(). `last` is the end of the token before SELECT. */
static InsertHead head_select(HeadParser *p, size_t last)
{
    bool input = false;
    unsigned depth = 0;
    for (;;) {
        SqlToken token = sql_next(&p->lexer);
        if (head_end_of_text(token))
            return head_stop(p, token);
        if (sql_is_word(p->text, token, "INPUT") && !input) {
            SqlToken next = sql_next(&p->lexer);
            if (head_end_of_text(next))
                return head_stop(p, next);
            if (next.type == SQL_OPEN) {
                input = true;
                p->head.input_start = token.start;
                p->head.input_args = next.end;
            }
            token = next;
        }
        if (token.type == SQL_SEMICOLON)
            return head_stop(p, token_make(SQL_END, token.start, token.end));
        if (token.type == SQL_OPEN)
            depth++;
        else if (token.type == SQL_CLOSE && depth > 0)
            depth--;
        if (input && depth == 0 && sql_is_word(p->text, token, "FORMAT")) {
            p->head.kind = HEAD_INPUT;
            return head_format(p, last);
        }
        last = token.end;
    }
}

/* Reads the target behind INSERT INTO [TABLE]: FUNCTION f(…), or [database.]table, each part a name or {p:Identifier}.
 */
static SqlToken head_target(HeadParser *p)
{
    SqlToken token = sql_next(&p->lexer);
    if (sql_is_word(p->text, token, "INTO"))
        token = sql_next(&p->lexer);
    if (sql_is_word(p->text, token, "TABLE"))
        token = sql_next(&p->lexer);
    if (sql_is_word(p->text, token, "FUNCTION"))
        token = sql_next(&p->lexer);
    return token.type == SQL_OPEN ? head_skip_brackets(p, NULL) : token;
}

InsertHead insert_head_parse(const char *text, size_t len, bool final)
{
    HeadParser p = {.lexer = {.text = text, .len = len, .final = final}, .text = text};
    SqlToken token = sql_next(&p.lexer);
    p.head.head_start = token.start;
    if (!sql_is_word(text, token, "INSERT"))
        return head_stop(&p, token);
    token = head_target(&p);
    if (head_end_of_text(token))
        return head_stop(&p, token);
    size_t last = token.end;
    bool clause = false; /* inside SETTINGS or PARTITION BY, where values stand */
    for (;;) {
        token = sql_next(&p.lexer);
        if (token.type == SQL_SEMICOLON) {
            p.head.head_end = last;
            return head_semicolon(&p, token.start, HEAD_DATA);
        }
        if (token.type == SQL_END) {
            p.head.kind = HEAD_DATA;
            p.head.head_end = last;
            p.head.data_start = len;
            return p.head;
        }
        if (head_end_of_text(token))
            return head_stop(&p, token);
        if (sql_is_word(text, token, "FORMAT"))
            return head_format(&p, last);
        if (sql_is_word(text, token, "VALUES")) {
            p.head = (InsertHead){.kind = HEAD_DATA,
                                  .head_start = p.head.head_start,
                                  .head_end = last,
                                  .format_given = true,
                                  .data_start = token.end,
                                  .data_in_rest = true};
            return p.head;
        }
        if (sql_is_word(text, token, "SELECT") || sql_is_word(text, token, "WITH"))
            return head_select(&p, token.end);
        if (sql_is_word(text, token, "FROM")) {
            SqlToken next = sql_next(&p.lexer);
            p.head.kind = sql_is_word(text, next, "INFILE") ? HEAD_REFUSED : HEAD_STATEMENT;
            return next.type == SQL_CUT ? head_stop(&p, next) : p.head;
        }
        if (token.type == SQL_OPEN) {
            bool select = false;
            token = head_skip_brackets(&p, &select);
            if (select)
                p.head.kind = HEAD_STATEMENT;
            if (select || head_end_of_text(token))
                return select ? p.head : head_stop(&p, token);
        } else if (sql_is_word(text, token, "SETTINGS") || sql_is_word(text, token, "PARTITION")) {
            clause = true;
        } else if (!clause && !(token.type == SQL_OTHER && text[token.start] == '.') && text[last - 1] != '.') {
            return head_stop(&p, token_make(SQL_END, token.start, token.end));
        }
        last = token.end;
    }
}

/* ---- a whole statement ---- */

static const char *const read_only_words[] = {"SELECT",  "WITH",   "FROM",  "SHOW", "DESCRIBE", "DESC",
                                              "EXPLAIN", "EXISTS", "CHECK", "USE",  "SET"};

static void statement_first(Statement *s, const char *text, SqlToken token)
{
    s->start = token.start;
    if (token.type == SQL_WORD) {
        size_t n = MIN(token.end - token.start, sizeof s->first - 1);
        for (size_t i = 0; i < n; i++)
            s->first[i] = g_ascii_toupper(text[token.start + i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(read_only_words); i++)
        s->reads_only |= strcmp(s->first, read_only_words[i]) == 0;
    s->select = token.type == SQL_OPEN || strcmp(s->first, "SELECT") == 0 || strcmp(s->first, "WITH") == 0 ||
                strcmp(s->first, "FROM") == 0;
    s->reads_only |= token.type == SQL_OPEN;
    s->kill = strcmp(s->first, "KILL") == 0;
}

Statement statement_look(const char *text, size_t len)
{
    Statement s = {.empty = true};
    SqlLexer lexer = {.text = text, .len = len, .final = true};
    SqlToken previous = {.type = SQL_END};
    unsigned depth = 0;
    bool ended = false;
    enum { NONE, KEYWORD, NAME } format = NONE; /* how much of `FORMAT name` the last tokens were */
    size_t before_format = 0;
    for (;;) {
        SqlToken token = sql_next(&lexer);
        if (token.type == SQL_END)
            break;
        if (token.type == SQL_SEMICOLON) {
            ended |= !s.empty;
            continue;
        }
        s.several |= ended;
        if (ended)
            break;
        if (s.empty) {
            s.empty = false;
            statement_first(&s, text, token);
        }
        if (depth == 0 && sql_is_word(text, token, "FORMAT")) {
            format = KEYWORD;
            before_format = s.end;
            s.format_start = s.format_end = 0;
        } else if (depth == 0 && format == KEYWORD && (token.type == SQL_WORD || token.type == SQL_QUOTED)) {
            format = NAME;
            s.body_end = MAX(before_format, s.start);
            s.format_start = token.start + (token.type == SQL_QUOTED);
            s.format_end = token.end - (token.type == SQL_QUOTED);
        } else if (format == KEYWORD || (format == NAME && s.format_end && previous.end <= s.format_end + 1 &&
                                         !sql_is_word(text, token, "SETTINGS"))) {
            /* a column or function called format, or an alias: not the clause */
            format = NONE;
            s.format_start = s.format_end = 0;
        }
        if (token.type == SQL_OPEN)
            depth++;
        else if (token.type == SQL_CLOSE && depth > 0)
            depth--;
        s.file_access |= sql_is_word(text, previous, "INTO") && sql_is_word(text, token, "OUTFILE");
        s.file_access |= sql_is_word(text, previous, "FROM") && sql_is_word(text, token, "INFILE");
        if (depth == 0 && sql_is_word(text, token, "INSERT"))
            s.select = s.reads_only = false;
        s.end = token.end;
        previous = token;
    }
    if (s.format_end == s.format_start)
        s.body_end = s.end;
    return s;
}

/* ---- quoting ---- */

static void append_escaped(GString *out, const char *text, size_t len, char quote)
{
    g_string_append_c(out, quote);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == quote || c == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, c);
        } else if ((unsigned char)c < 0x20) {
            g_string_append_printf(out, "\\x%02X", (unsigned)c);
        } else {
            g_string_append_c(out, c);
        }
    }
    g_string_append_c(out, quote);
}

void sql_append_string(GString *out, const char *text, size_t len)
{
    append_escaped(out, text, len, '\'');
}

void sql_append_name(GString *out, const char *text, size_t len)
{
    append_escaped(out, text, len, '`');
}
