/* default_value.h - what rows that were there before ADD COLUMN show in the new column, as a ClickHouse expression.
 * Pure. */
#ifndef SLUICE_MAPPING_DEFAULT_VALUE_H
#define SLUICE_MAPPING_DEFAULT_VALUE_H

#include "mapping/mapping.h"
#include "mysql/column_text.h"

/* When and where the statement ran. */
typedef struct {
    int64_t usec; /* since 1970 UTC */
    uint32_t timestamp_max; /* BinlogEvent's */
    bool zone_known;
    int64_t zone_usec; /* what the session's clock is ahead of UTC then */
    bool zone_varies;  /* it was another span, by summer time for instance, at a moment that the statement names */
} StatementTime;

typedef enum {
    OLD_ROWS_VALUE, /* all have one value */
    OLD_ROWS_NULL,
    OLD_ROWS_DIFFER, /* or their value is not known here: the destination shows the type's default */
    OLD_ROWS_FAIL,   /* a policy says that such a value fails the table */
} OldRows;

/* `expression`: of OLD_ROWS_VALUE; free with g_free. `type`: of the column at the destination. */
OldRows default_value_of(const ColumnText *text, const SourceColumn *column, const char *type,
                         const MappingSettings *settings, const StatementTime *time, char **expression);

#endif
