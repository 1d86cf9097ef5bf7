/* sql.h - as much of ClickHouse's SQL as a server in front of the engine must understand: where the head of an INSERT
 * ends and its data begins, whether a text is one statement or several, and which output format it asks for.
 *
 * Pure functions over a byte range: no allocation, no I/O. Source of the rules: ClickHouse src/Parsers/Lexer.cpp and
 * src/Parsers/ParserInsertQuery.cpp. A text that these functions cannot follow is reported as a plain statement, so
 * that the engine's own parser words the syntax error.
 */
#ifndef SLUICE_ENDPOINT_SQL_H
#define SLUICE_ENDPOINT_SQL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    SQL_END,    /* nothing more */
    SQL_CUT,    /* the text ends inside (or exactly at the end of) something that more bytes could prolong */
    SQL_WORD,   /* keyword or bare identifier */
    SQL_QUOTED, /* `identifier` or "identifier" */
    SQL_STRING, /* 'text' or $tag$text$tag$ */
    SQL_NUMBER,
    SQL_OPEN,  /* ( [ { */
    SQL_CLOSE, /* ) ] } */
    SQL_SEMICOLON,
    SQL_OTHER,  /* any other character */
    SQL_BROKEN, /* a quote or comment that never ends; only when `final` */
} SqlTokenType;

typedef struct {
    SqlTokenType type;
    size_t start, end; /* [start, end) in the text */
} SqlToken;

typedef struct {
    const char *text;
    size_t len, pos;
    bool final; /* no bytes follow the text: never SQL_CUT */
} SqlLexer;

/* Skips white space and comments, then returns the next token. */
SqlToken sql_next(SqlLexer *lexer);
/* True when the token is the word `word` (ASCII upper case), in any case. */
bool sql_is_word(const char *text, SqlToken token, const char *word);

typedef enum {
    HEAD_MORE,      /* cannot tell yet: call again with more bytes */
    HEAD_STATEMENT, /* not an INSERT with data behind it */
    HEAD_DATA,      /* INSERT whose rows follow at data_start */
    HEAD_INPUT,     /* INSERT ... SELECT ... FROM input('structure') FORMAT f, rows follow at data_start */
    HEAD_REFUSED,   /* FROM INFILE: reaches files of the server */
    HEAD_SEMICOLON, /* `;` between the head (FORMAT name, table) and more text, a syntax error in ClickHouse too */
} HeadKind;

typedef struct {
    HeadKind kind;
    size_t head_start;               /* first token */
    size_t head_end;                 /* the statement without FORMAT/VALUES: [head_start, head_end) */
    size_t format_start, format_end; /* the format's name; equal: "Values" or the default */
    bool format_given;               /* FORMAT or VALUES was there */
    bool data_in_rest;               /* final text only: bytes other than white space follow at data_start */
    size_t data_start;
    size_t input_start, input_args; /* HEAD_INPUT: the word input, and the first byte behind its parenthesis */
} InsertHead;

/* Looks at the start of `text`. With `final` the answer is never HEAD_MORE. */
InsertHead insert_head_parse(const char *text, size_t len, bool final);

typedef struct {
    bool empty;                      /* no token at all */
    bool several;                    /* more tokens after a `;` */
    bool file_access;                /* INTO OUTFILE or FROM INFILE */
    bool select;                     /* returns rows as a SELECT does: SELECT, WITH, FROM or a parenthesis */
    bool reads_only;                 /* by its first word; what GET may do */
    bool kill;                       /* KILL QUERY: must get through when all slots are taken */
    char first[16];                  /* first word in upper case, cut to fit */
    size_t start, end;               /* the statement without white space, comments and `;` around it */
    size_t body_end;                 /* end of the last token before FORMAT, or `end` */
    size_t format_start, format_end; /* name of the format; equal: none given */
} Statement;

Statement statement_look(const char *text, size_t len);

/* Appends as a string literal, or as a name in backticks. NUL and control characters are escaped. */
void sql_append_string(GString *out, const char *text, size_t len);
void sql_append_name(GString *out, const char *text, size_t len);

#endif
