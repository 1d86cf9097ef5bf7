/* alter_private.h - between ddl.c and alter.c: a statement being read. */
#ifndef SLUICE_MYSQL_ALTER_PRIVATE_H
#define SLUICE_MYSQL_ALTER_PRIVATE_H

#include "mysql/ddl.h"
#include "mysql/sql_private.h"

typedef struct {
    DdlStatement *out;
    const char *default_database;
    SqlLexer whole; /* from the statement's beginning */
    SqlLexer lexer;
    unsigned nesting; /* SET STATEMENT ... FOR SET STATEMENT ... */
} Ddl;

/* Reads [database.]table and adds it to the tables acted upon. */
bool ddl_read_table(Ddl *ddl);

/* What follows ALTER TABLE name. Sets changes_rows_or_columns, and adds the table renamed to or exchanged with. */
bool alter_parse_clauses(Ddl *ddl);

/* A table option with one value that changes neither rows, columns, nor what rows are told apart by. */
bool alter_option_is_harmless(const SqlToken *option);
/* Engines whose changes are logged as rows. */
bool alter_engine_keeps_rows(const SqlToken *engine);

#endif
