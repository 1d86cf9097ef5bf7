/* column_text.h - the text of a column's definition, as in CREATE and ALTER TABLE, read. Pure, fuzzed.
 *
 * Every spelling of a type that both servers write to their logs is known. What is not understood is refused with a
 * reason, never guessed: the caller fails the table.
 */
#ifndef SLUICE_MYSQL_COLUMN_TEXT_H
#define SLUICE_MYSQL_COLUMN_TEXT_H

#include "mysql/sql_private.h"
#include "mysql/table.h"

#define SQL_MODE_REAL_AS_FLOAT 0x1
#define SQL_MODE_ORACLE        0x200    /* MariaDB: DATE is DATETIME, BLOB is LONGBLOB, ... */
#define SQL_MODE_MAXDB         0x1000   /* MariaDB: TIMESTAMP is DATETIME */
#define SQL_MODE_STRICT        0x600000 /* STRICT_TRANS_TABLES, STRICT_ALL_TABLES */

typedef enum {
    DEFAULT_NONE,
    DEFAULT_NULL,
    DEFAULT_TEXT,   /* text: a string, UTF-8 */
    DEFAULT_NUMBER, /* text: as it was written, "-1.50"; TRUE and FALSE as 1 and 0; b'..' and x'..' too, in decimal */
    DEFAULT_BYTES,  /* text: x'..' and b'..' as hexadecimal digits */
    DEFAULT_NOW,    /* the statement's time, with `digits` of a fraction */
    DEFAULT_LAST_MOMENT, /* the largest TIMESTAMP, with six digits */
    DEFAULT_EXPRESSION,  /* text: what it is; may differ row by row */
} DefaultKind;

typedef struct {
    DefaultKind kind;
    char *text;
    unsigned digits;
} ColumnDefault;

void column_default_clear(ColumnDefault *initial);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ColumnDefault, column_default_clear)

typedef struct {
    SourceColumn
        column; /* charset and collation NULL: those of the table; collation alone NULL: the charset's default */
    ColumnDefault initial;
    bool primary, unique, auto_increment;
    bool row_start, row_end; /* of a period for SYSTEM_TIME */
    bool said_null, not_null;
    /* Of the type as it was written: */
    const struct ColumnTextType *type;
    const char *base;
    uint64_t length;
    bool has_length, zerofill, binary_collation;
    int decimals; /* -1: none */
} ColumnText;

/* What the meaning of a definition depends on beside its text. */
typedef struct {
    SourceFlavour flavour;
    unsigned version; /* SourceServer.version */
    uint64_t sql_mode;
    bool explicit_timestamp; /* explicit_defaults_for_timestamp: a TIMESTAMP without NOT NULL is nullable */
    bool utf8_is_utf8mb4;    /* MariaDB: old_mode without UTF8_IS_UTF8MB3 */
} ColumnContext;

/* Reads from the type on up to a comma or bracket that is not its own, FIRST, AFTER, or the end. NULL: not understood,
 * `why` says so (free with g_free). */
ColumnText *column_text_parse(SqlLexer *lexer, const ColumnContext *context, char *name_take, char **why);
void column_text_free(ColumnText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ColumnText, column_text_free)

/* The table's own charset where the column names none, and what follows from it: CHARACTER SET binary makes bytes of
 * text, TEXT(n) and lengths beyond VARCHAR's choose a size. Once. */
void column_text_settle(ColumnText *text, const ColumnContext *context, const char *charset, const char *collation);

/* Every character of the UTF-8 text can be written in it: servers make '?' of those that cannot. */
bool charset_can_write(const char *charset, const char *text);
unsigned charset_bytes_max(const char *charset); /* of one character */
unsigned charset_bytes_min(const char *charset);
/* The smallest of TINYTEXT to LONGTEXT that holds so many bytes: sets type_text and precision. */
void column_text_set_size(SourceColumn *column, uint64_t bytes);
uint64_t column_text_bytes(const SourceColumn *column); /* that a column of these types holds */

/* The next words are a charset's name and maybe a collation's: CHARACTER SET x, CHARSET x, [=]. */
bool charset_clause_accept(SqlLexer *lexer);
char *charset_name_canonical(const char *name, const ColumnContext *context); /* "utf8" has another name by now */
char *collation_charset_name(const char *collation); /* "latin1_bin" -> "latin1"; NULL: not known */

#endif
