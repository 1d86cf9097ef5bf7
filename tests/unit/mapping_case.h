/* mapping_case.h - one value, as an event and as a result row have it: both must become the same cell. */
#ifndef SLUICE_TESTS_MAPPING_CASE_H
#define SLUICE_TESTS_MAPPING_CASE_H

#include "mapping_fixture.h"

typedef struct {
    FixtureColumn column;
    MappingSettings settings;
    GByteArray *event, *result; /* the value at hand; empty again after a check */
} Case;

Case case_new(FixtureColumn column);
void case_end(Case *c);
/* The cell (hex, NULL flags first) of the value at hand. */
char *event_cell(const Case *c, bool is_null);
char *result_cell(const Case *c, bool is_null);
/* Both ways give `expected` (hex; NULL: whatever, but the same), also in a nullable column. */
void case_check(Case *c, const char *expected);
void check_hex(Case *c, const char *event, const char *result, const char *expected);

#endif
