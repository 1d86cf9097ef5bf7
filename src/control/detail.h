/* detail.h - one table with all its columns, as the request `table` answers it. The picture holds those of all tables,
 * and is sent at every change: columns are asked for a table at a time.
 */
#ifndef SLUICE_CONTROL_DETAIL_H
#define SLUICE_CONTROL_DETAIL_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *name, *type;          /* at the source; NULL: a column that sluice adds */
    char *target, *target_type; /* at the destination; NULL: left out */
    char *next; /* what the settings make of it at the next resync: "name Type", or "left out"; NULL: the same */
    bool in_key;
    int64_t zero_dates, clamped, undecodable; /* values that were changed on the way */
    char **samples; /* some of them, as the source has them, the newest first; NULL-terminated */
} DetailColumn;

typedef struct {
    char *source, *target, *engine; /* engine: of the source table. NULL: not known yet */
    char *key;     /* "id" or "a, b"; NULL: the definition was not read yet, and there are no columns */
    char *problem; /* why the settings of the table cannot be applied at the next resync; NULL: they can */
    unsigned n_columns;
    DetailColumn *columns; /* in the order of the source, the added ones last */
} Detail;

Detail *detail_new(void);
void detail_free(Detail *detail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Detail, detail_free)

json_t *detail_to_json(const Detail *detail); /* new reference */
Detail *detail_from_json(const json_t *json); /* what is missing is unknown, or 0 of the counts */

#endif
