/* detail.h - one table with all its columns: how each is mapped, how many of its values were changed on the way, and
 * what of it waits for the next resync.
 */
#ifndef SLUICE_PIPE_DETAIL_H
#define SLUICE_PIPE_DETAIL_H

#include "catalog/catalog.h"
#include "mapping/mapping.h"

typedef struct {
    char *name, *type;          /* at the source; NULL: a column that we add */
    char *target, *target_type; /* at the destination; NULL: left out */
    char *next; /* what the present settings make of it at the next resync: "name Type", "left out"; NULL: the same */
    bool in_key;
    MappingCounters counters;
    char **samples; /* of the values that they count; NULL-terminated */
} ColumnDetail;

typedef struct {
    char *database, *name, *target, *engine;
    char *key_name;     /* "PRIMARY"; NULL: the definition was not read yet, and there are no columns */
    char *problem;      /* why the present settings cannot be applied when the table is made anew; NULL: they can */
    GPtrArray *key;     /* of char *: source columns in the order of the key */
    GPtrArray *columns; /* of ColumnDetail, in the order of the source, the added ones last */
} TableDetail;

/* Finds a table by its name: "db.table" as it is shown or as --tables takes it, or "table" alone where only one has it.
 * SLUICE_ERROR_NOT_FOUND, SLUICE_ERROR_USAGE: several have it. `tables`: of CatalogTable. */
const CatalogTable *table_find(const GPtrArray *tables, const char *name, GError **error);

/* From what the catalog keeps of the table, and of its pipe. */
TableDetail *table_detail_new(const CatalogPipe *pipe, const CatalogTable *table, GError **error);
void table_detail_free(TableDetail *detail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableDetail, table_detail_free)

#endif
