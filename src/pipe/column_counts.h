/* column_counts.h - how many values of each column were changed on the way: zero dates, values out of the destination's range,
 * text that does not decode. Columns of which none was are not in the list.
 */
#ifndef SLUICE_PIPE_COLUMN_COUNTS_H
#define SLUICE_PIPE_COLUMN_COUNTS_H

#include "mapping/mapping.h"

#define COLUMN_SAMPLES 3

typedef struct {
    char *name;
    MappingCounters counters;      /* without its samples */
    char *samples[COLUMN_SAMPLES]; /* such values as the source has them, each once, the newest first; NULL: no more */
} ColumnCount;

GPtrArray *column_counts_new(void); /* of ColumnCount */
GPtrArray *column_counts_copy(const GPtrArray *counts);
/* Adds those of a block: `changed` is one for each column of the definition. */
void column_counts_add(GPtrArray *counts, const SourceTable *definition, const MappingCounters *changed);

/* As the catalog keeps them: {"column": [zero dates, clamped, undecodable, sample, ...]}. NULL: none. */
char *column_counts_to_json(const GPtrArray *counts);
GPtrArray *column_counts_from_json(const char *json); /* what cannot be read counts nothing */

#endif
