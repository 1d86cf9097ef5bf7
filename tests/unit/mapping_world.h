/* mapping_world.h - a table, its mapping and a block that events are appended to, for the tests of src/mapping. */
#ifndef SLUICE_TESTS_MAPPING_WORLD_H
#define SLUICE_TESTS_MAPPING_WORLD_H

#include "mapping_fixture.h"

/* id INT key, name VARCHAR(10) NULL, day DATE NULL, n INT UNSIGNED NOT NULL */
#define SHOP 4
extern const FixtureColumn shop[SHOP];

typedef struct {
    MappingSettings settings;
    TableMapping *mapping;
    Block *block;
    GByteArray *body; /* of an event, behind its header */
} World;

/* Of g_test_add: table shop. */
void world_set_up(World *w, gconstpointer unused);
void world_tear_down(World *w, gconstpointer unused);
/* Another table, bound to the table map of `columns` in the log. */
void world_become(World *w, SourceTable *table, const FixtureColumn *columns, unsigned n);

/* The event fails with this code and text, and the block is what it was. */
void append_fails(World *w, const RowsEvent *rows, SluiceErrorCode code, const char *text);
void bind_fails(World *w, const TableMap *map, const char *text);
void assert_column(const Block *block, const char *name, const char *nulls_hex, const char *data_hex);

#endif
