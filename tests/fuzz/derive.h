/* derive.h - a definition for a table of which only the table map is known, so that its rows can go through the
 * mapping. */
#ifndef SLUICE_TESTS_DERIVE_H
#define SLUICE_TESTS_DERIVE_H

#include "mysql/rows.h"
#include "mysql/table.h"

/* What the map does not tell is chosen: names are "1", "2", ...; labels of ENUM and SET their numbers; text without a
 * charset is bytes. The first column that is NOT NULL is the key, or the first one. Types that the mapping does not
 * know are unknown. `times_as_text`: DATE, DATETIME, TIMESTAMP and TIME become String, as the source prints them. NULL:
 * the map has no columns. */
SourceTable *derive_table(const TableMap *map, bool times_as_text);

#endif
