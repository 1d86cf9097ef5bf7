/* tokens.h - ClickHouse's SQL as tokens: enough to find names in the texts that a server prints and an operator writes. */
#ifndef SLUICE_CLICKHOUSE_TOKENS_H
#define SLUICE_CLICKHOUSE_TOKENS_H

#include <glib.h>
#include <stdbool.h>

/* A quoted name or string with its escapes undone, a word, or one sign. */
typedef struct {
    char kind; /* 'w' word or number, '`' name, '\'' string, 0 end, else the sign itself */
    char *text;
} SqlToken;

GPtrArray *sql_tokens(const char *sql); /* of SqlToken; always ends with one of kind 0 */
const SqlToken *sql_token_at(const GPtrArray *tokens, unsigned i); /* past the end: the end */
bool sql_token_is_word(const SqlToken *token, const char *word);   /* in any case */
bool sql_token_is_name(const SqlToken *token, const char *name);   /* of a column: a word, or quoted */

#endif
