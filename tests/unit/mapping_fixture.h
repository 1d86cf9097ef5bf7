/* mapping_fixture.h - tables, table maps, and rows as bytes of both ways, for the tests of src/mapping. */
#ifndef SLUICE_TESTS_MAPPING_FIXTURE_H
#define SLUICE_TESTS_MAPPING_FIXTURE_H

#include "mapping/mapping.h"
#include "mysql/value.h"

typedef struct {
    const char *name;
    SourceType type;
    const char *type_text;
    bool is_unsigned, nullable;
    unsigned precision, scale;
    const char *charset;
    const char *const *labels;
    uint8_t wire_type;
    uint16_t wire_meta;
    bool compressed, excluded, generated;
    const char *as_name, *as_type;
} FixtureColumn;

/* Table shop.t with these columns; the key is the first `n_key` columns. */
SourceTable *fixture_table(const FixtureColumn *columns, unsigned n, unsigned n_key);
/* The table map that a server writes for it, without names and character sets. Free with table_map_free. */
TableMap *fixture_map(const FixtureColumn *columns, unsigned n);
MappingSettings fixture_settings(void); /* the defaults */
/* A mapping bound to its table map; aborts when it cannot be made. */
TableMapping *fixture_mapping(const FixtureColumn *columns, unsigned n, unsigned n_key,
                              const MappingSettings *settings);

/* Growing bytes. */
void put_hex(GByteArray *bytes, const char *hex);
void put_le(GByteArray *bytes, uint64_t value, unsigned n);
void put_be(GByteArray *bytes, uint64_t value, unsigned n);
void put_string(GByteArray *bytes, const void *text, size_t len, unsigned prefix); /* prefix 0: length-encoded */
char *bytes_hex(const void *bytes, size_t len);

/* Values as events have them. */
void put_date(GByteArray *bytes, const SourceTime *t);
void put_datetime2(GByteArray *bytes, const SourceTime *t, unsigned digits);
void put_time2(GByteArray *bytes, const SourceTime *t, unsigned digits);
void put_timestamp2(GByteArray *bytes, uint32_t seconds, uint32_t usec, unsigned digits);
/* And as result rows do; `time_of_day`: not for a DATE. */
void put_result_datetime(GByteArray *bytes, const SourceTime *t, bool time_of_day);
void put_result_time(GByteArray *bytes, const SourceTime *t);

/* A rows event over these rows. Its body begins one byte before them. */
RowsEvent fixture_event(RowsKind kind, unsigned n_columns, const GByteArray *body);

#endif
