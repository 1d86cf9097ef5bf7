/* sql_private.h - cuts a statement of the binlog into tokens.
 *
 * Comments are passed over; what stands in a versioned comment counts, for a server takes the mark off those that it
 * did not run before it writes the statement to its log. The text is in a charset that holds ASCII.
 */
#ifndef SLUICE_MYSQL_SQL_PRIVATE_H
#define SLUICE_MYSQL_SQL_PRIVATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SQL_END,
    SQL_WORD,   /* keyword, name without quotes, or number */
    SQL_NAME,   /* name in quotes */
    SQL_STRING, /* text in quotes */
    SQL_MARK,   /* one other character */
} SqlTokenType;

typedef struct {
    SqlTokenType type;
    const char *text; /* with its quotes */
    size_t len;
} SqlToken;

/* Small enough to be copied for looking ahead. */
typedef struct {
    const char *p, *end;
    bool ansi_quotes, no_backslash;
    bool in_versioned; /* inside of a versioned comment, whose end is passed over */
} SqlLexer;

void sql_lexer_init(SqlLexer *lexer, const char *sql, size_t len, uint64_t sql_mode);
SqlToken sql_next(SqlLexer *lexer);
SqlToken sql_peek(const SqlLexer *lexer);

bool sql_token_is(const SqlToken *token, const char *keyword);         /* a word without quotes, in any case */
bool sql_token_in(const SqlToken *token, const char *const *keywords); /* NULL-terminated */
bool sql_token_mark(const SqlToken *token, char mark);
bool sql_token_named(const SqlToken *token); /* can be a name */
char *sql_token_text(const SqlToken *token); /* without quotes; free with g_free */
/* What a string stands for, its escapes undone; NULL: a zero byte is in it, which our strings cannot hold. Free with g_free. */
char *sql_token_string(const SqlLexer *lexer, const SqlToken *token);

bool sql_accept(SqlLexer *lexer, const char *keyword); /* takes the next token if it is this word */
bool sql_read_name(SqlLexer *lexer, char **out);       /* takes the next token; replaces `out`, when it is a name */
bool sql_accept_words(SqlLexer *lexer, const char *words); /* all of them, "ROW START", or none */
bool sql_accept_mark(SqlLexer *lexer, char mark);
bool sql_next_is(const SqlLexer *lexer, const char *keyword); /* what comes next stays there */
bool sql_next_is_mark(const SqlLexer *lexer, char mark);
bool sql_clause_end(const SqlLexer *lexer); /* a comma, a semicolon or the end comes next */
bool sql_skip_clause(SqlLexer *lexer);      /* up to its end, outside of brackets; false: the text ended in them */
bool sql_skip_brackets(SqlLexer *lexer); /* the bracket that comes next, up to its partner; false: it has none */

#endif
