/* column_text_private.h - between column_text.c, which reads a definition, and column_settle.c, which knows what
 * servers make of it. */
#ifndef SLUICE_MYSQL_COLUMN_TEXT_PRIVATE_H
#define SLUICE_MYSQL_COLUMN_TEXT_PRIVATE_H

#include "mysql/column_text.h"

typedef enum {
    FORM_NONE,
    FORM_WIDTH,    /* [(n)] of an integer, of YEAR */
    FORM_DIGITS,   /* [(p[,s])] of DECIMAL */
    FORM_FLOAT,    /* [(p[,s])] */
    FORM_FRACTION, /* [(n)] of a time */
    FORM_LENGTH,   /* [(n)] */
    FORM_NEEDED,   /* (n) */
    FORM_LABELS,   /* ('a',...) */
} SizeForm;

enum { ONLY_MARIADB = 1, ONLY_MYSQL = 2, NATIONAL = 4, AS_BOOL = 8, AS_SERIAL = 16, AS_JSON_TEXT = 32 };

struct ColumnTextType {
    const char *words; /* with single blanks */
    SourceType type;
    const char *base; /* as servers print it */
    SizeForm size;
    unsigned flags;
};

#endif
