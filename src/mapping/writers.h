/* writers.h - private to src/mapping: what one column needs to turn a source value into a cell of its block column.
 *
 * A cell writer reads one value that is not NULL at `p`, appends one cell to `out->data` and returns the byte after the
 * value; NULL when the value cannot be read or kept, with `self->fault` filled in. The NULL flag of a nullable column
 * has been appended (as 0) before the writer runs: a writer that turns a value into NULL calls cell_write_null.
 *
 * To add a type: one row in types.c, and its writers in the writers_*.c of its family.
 */
#ifndef SLUICE_MAPPING_WRITERS_H
#define SLUICE_MAPPING_WRITERS_H

#include "mapping/mapping.h"
#include "mysql/charset.h"
#include "mysql/compressed.h"

typedef struct ColumnWriter ColumnWriter;
typedef const uint8_t *(*CellWriter)(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out);

/* Why the last writer returned NULL. One per mapping; written on the way out only. */
typedef struct {
    bool decode; /* the bytes do not fit: SLUICE_ERROR_DECODE. Else a value that cannot be kept: SLUICE_ERROR_TABLE */
    char what[256];   /* "the value 0000-00-00 is not a date and the column is part of the key" */
    const char *mend; /* what to do about it */
} CellFault;

/* Member names of an ENUM or SET, ready to be copied. */
typedef struct {
    unsigned n;      /* members; number k (from 1) of an ENUM stands in slot k, slot 0 is '' */
    uint8_t *bytes;  /* ENUM: each with its varuint length before it; SET: bare, without slot 0 */
    size_t *start;   /* n + 2 offsets into bytes (SET: n + 1) */
    bool *ambiguous; /* ENUM: slots whose text another slot has too */
    uint64_t twins;  /* SET: members whose text another member has too */
    uint64_t empty;  /* SET: the member whose text is '' */
} MemberNames;

struct ColumnWriter {
    CellWriter write;        /* event bytes; chosen by mapping_bind */
    CellWriter write_result; /* binary protocol bytes */
    bool in_key;             /* never changed on the way, never NULL */
    bool nullable;           /* the destination column is */
    bool excluded;           /* has no destination column */
    bool as_text;            /* temporal: as the source prints it */
    const char *type;        /* of the destination column */
    ZeroDatePolicy zero_date;
    OutOfRangePolicy out_of_range;
    uint8_t digits;                                          /* of a fraction, on the wire */
    uint8_t decimal_precision, decimal_scale, decimal_width; /* width: bytes at the destination */
    uint8_t source_size, width; /* integers into wider ones: bytes at the source, at the destination */
    size_t wire_size;           /* bytes on the wire of a fixed-size value: DECIMAL, BIT, ENUM, SET, temporal types */
    size_t padded;              /* BINARY, UUID, INET4, INET6: bytes at the destination */
    const Charset *charset;     /* text that is not UTF-8 */
    const CharsetTwins *twins;  /* of a key: characters that two codes stand for */
    Inflater *inflater;         /* COMPRESSED columns; NULL until needed */
    GByteArray *scratch;        /* for a value on its way; NULL until needed */
    bool json_type;             /* ClickHouse's JSON: objects only */
    bool set_array;             /* SET as an array */
    BinaryForm binary;          /* of bytes that are no text */
    bool is_diff;               /* JSON: the value at hand is changes of the one before: */
    const uint8_t *before;      /* binary JSON, NULL: was NULL */
    size_t before_len;
    MemberNames members;
    uint32_t last_day;       /* year, month, day of the last date converted, packed; 0: none */
    int32_t last_day_number; /* its days since 1970 */
    MappingCounters counters;
    const SourceColumn *column;
    CellFault *fault; /* the mapping's */
};

/* One row of the type table (types.c). */
typedef struct {
    /* The ClickHouse type without Nullable; NULL and `why` (static text) when this column has none. */
    char *(*text)(const SourceColumn *column, bool in_key, const MappingSettings *settings, const char **why);
    /* Sets write_result and what the writers need. */
    void (*prepare)(ColumnWriter *self, const MappingSettings *settings);
    /* The event writer for a wire type and metadata; NULL when they do not belong to this definition. */
    CellWriter (*bind)(ColumnWriter *self, const WireColumn *wire);
    const char *why; /* for types without a mapping: the reason */
} ColumnType;

const ColumnType *column_type_find(SourceType type); /* never NULL */
/* The type that stands in the block for a destination type: LowCardinality(T) is sent as T. */
char *column_type_in_block(const char *type);
/* Without Nullable and LowCardinality. Free with g_free. */
char *column_type_base(const char *type);
bool column_type_nullable(const char *type);
bool column_type_variable(const char *type); /* its cells are of varying size */

/* Always NULL, so that a writer can return it. */
const uint8_t *cell_overrun(ColumnWriter *self);
const uint8_t *cell_malformed(ColumnWriter *self, const char *format, ...) G_GNUC_PRINTF(2, 3);
const uint8_t *cell_refuse(ColumnWriter *self, const char *mend, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Of the writer's counters: `text` shows what the value that was counted is at the source. */
static inline void cell_note_sample(char sample[MAPPING_SAMPLE], const char *text)
{
    if (!sample[0])
        g_strlcpy(sample, text, MAPPING_SAMPLE);
}

#define MEND_KEY        "a key value is never changed on the way: correct the row at the source, then resync the table"
#define MEND_VALUE      "correct the row at the source, or leave the column out with exclude, then resync the table"
#define MEND_DEFINITION "resync the table, so that its definition is read again"

/* Makes the cell being written NULL: the flag was appended as 0. */
static inline void cell_write_null(BlockColumn *out)
{
    out->nulls.data[out->nulls.len - 1] = 1;
    column_append_default(out);
}

/* A length-encoded integer of the protocol; NULL when it does not end before `end`. */
static inline const uint8_t *lenenc_read(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
    size_t left = (size_t)(end - p);
    if (left < 1)
        return NULL;
    if (p[0] < 251) {
        *value = p[0];
        return p + 1;
    }
    if (p[0] == 252 && left >= 3) {
        *value = (uint64_t)p[1] | (uint64_t)p[2] << 8;
        return p + 3;
    }
    if (p[0] == 253 && left >= 4) {
        *value = (uint64_t)p[1] | (uint64_t)p[2] << 8 | (uint64_t)p[3] << 16;
        return p + 4;
    }
    if (p[0] == 254 && left >= 9) {
        uint64_t v = 0;
        for (unsigned i = 0; i < 8; i++)
            v |= (uint64_t)p[1 + i] << (8 * i);
        *value = v;
        return p + 9;
    }
    return NULL;
}

/* The bytes of a length-encoded string; NULL on overrun. */
static inline const uint8_t *lenenc_bytes(const uint8_t *p, const uint8_t *end, size_t *len)
{
    uint64_t n;
    p = lenenc_read(p, end, &n);
    if (!p || n > (size_t)(end - p))
        return NULL;
    *len = (size_t)n;
    return p;
}

/* Bytes that varuint_write takes for it. */
static inline size_t varuint_size(uint64_t value)
{
    size_t n = 1;
    for (; value >= 0x80; value >>= 7)
        n++;
    return n;
}

/* Little-endian numbers of 1 to 8 bytes, as in event bytes and block columns. */
static inline uint64_t le_read(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline void column_append_int64(BlockColumn *out, int64_t value)
{
    value = GINT64_TO_LE(value);
    column_append_fixed(out, &value, sizeof value);
}

/* writers_integer.c: whatever has the same fixed-size bytes on both sides, FLOAT and DOUBLE too; BIT, YEAR */
void integer_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter integer_bind(ColumnWriter *self, const WireColumn *wire);
void float_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter float_bind(ColumnWriter *self, const WireColumn *wire);
void bit_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter bit_bind(ColumnWriter *self, const WireColumn *wire);
void year_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter year_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_decimal.c */
void decimal_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter decimal_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_text.c */
void text_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter text_bind(ColumnWriter *self, const WireColumn *wire);
void bytes_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter bytes_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_temporal.c */
void date_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter date_bind(ColumnWriter *self, const WireColumn *wire);
void datetime_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter datetime_bind(ColumnWriter *self, const WireColumn *wire);
CellWriter timestamp_bind(ColumnWriter *self, const WireColumn *wire);
void time_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter time_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_address.c: UUID, INET6, INET4 */
void address_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter address_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_document.c: JSON of MySQL, GEOMETRY and kin */
void json_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter json_bind(ColumnWriter *self, const WireColumn *wire);
void geometry_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter geometry_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_vector.c */
void vector_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter vector_bind(ColumnWriter *self, const WireColumn *wire);

/* writers_member.c: ENUM and SET */
void enum_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter enum_bind(ColumnWriter *self, const WireColumn *wire);
void set_prepare(ColumnWriter *self, const MappingSettings *settings);
CellWriter set_bind(ColumnWriter *self, const WireColumn *wire);
void member_names_clear(MemberNames *names);

#endif
