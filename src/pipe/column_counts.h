/* column_counts.h - how many values of each column were changed on the way: zero dates, values out of the destination's range,
 * text that does not decode. Columns of which none was are not in the list.
 */
#ifndef SLUICE_PIPE_COLUMN_COUNTS_H
#define SLUICE_PIPE_COLUMN_COUNTS_H

#include "mapping/mapping.h"

typedef struct {
    char *name;
    MappingCounters counters;
} ColumnCount;

GPtrArray *column_counts_new(void); /* of ColumnCount */
GPtrArray *column_counts_copy(const GPtrArray *counts);
/* Adds those of a block: `changed` is one for each column of the definition. */
void column_counts_add(GPtrArray *counts, const SourceTable *definition, const MappingCounters *changed);

/* As the catalog keeps them: {"column": [zero dates, clamped, undecodable]}. NULL: none. */
char *column_counts_to_json(const GPtrArray *counts);
GPtrArray *column_counts_from_json(const char *json); /* what cannot be read counts nothing */

#endif
