/* writers_integer.c - integers, BIT, YEAR. Integers are little-endian on the wire and in the block: copied as they are.
 */
#include "mapping/writers.h"

/* Also FLOAT and DOUBLE (IEEE 754, little-endian on both sides). */
#define FIXED_WRITER(name, size)                                                                                       \
    static const uint8_t *name(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)             \
    {                                                                                                                  \
        if (G_UNLIKELY(end - p < (size)))                                                                              \
            return cell_overrun(self);                                                                                 \
        column_append_fixed(out, p, (size));                                                                           \
        return p + (size);                                                                                             \
    }
FIXED_WRITER(write_fixed1, 1)
FIXED_WRITER(write_fixed2, 2)
FIXED_WRITER(write_fixed4, 4)
FIXED_WRITER(write_fixed8, 8)

/* MEDIUMINT in events: three bytes, four at the destination. */
static const uint8_t *write_int24(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 3))
        return cell_overrun(self);
    uint8_t cell[4] = {p[0], p[1], p[2], (p[2] & 0x80) ? 0xff : 0};
    column_append_fixed(out, cell, 4);
    return p + 3;
}

static const uint8_t *write_uint24(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 3))
        return cell_overrun(self);
    uint8_t cell[4] = {p[0], p[1], p[2], 0};
    column_append_fixed(out, cell, 4);
    return p + 3;
}

/* A Bool holds 0 and 1 alone: what else a TINYINT(1) has would become true, and is out of its range. */
static const uint8_t *write_odd_bool(ColumnWriter *self, const uint8_t *p, BlockColumn *out)
{
    static const uint8_t yes = 1;
    if (self->out_of_range == OUT_OF_RANGE_FAIL)
        return cell_refuse(self, "set out_of_range to clamp or null, or tinyint1 to int; then resync the table",
                           "the value %d is neither 0 nor 1, which is all that Bool holds", (int8_t)*p);
    self->counters.clamped++;
    char text[8];
    g_snprintf(text, sizeof text, "%d", (int8_t)*p);
    cell_note_sample(self->counters.other, text);
    if (self->out_of_range == OUT_OF_RANGE_NULL && self->nullable)
        cell_write_null(out);
    else
        column_append_fixed(out, &yes, 1);
    return p + 1;
}

/* Bool at the destination is a byte, 0 or 1. */
static const uint8_t *write_bool(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 1))
        return cell_overrun(self);
    if (G_UNLIKELY(*p > 1))
        return write_odd_bool(self, p, out);
    uint8_t cell = p[0] != 0;
    column_append_fixed(out, &cell, 1);
    return p + 1;
}

/* Into a wider integer: of `source_size` bytes, `width` at the destination. */
static inline const uint8_t *append_widened(ColumnWriter *self, const uint8_t *p, const uint8_t *end, size_t size,
                                            BlockColumn *out)
{
    if (G_UNLIKELY((size_t)(end - p) < size))
        return cell_overrun(self);
    uint64_t value = le_read(p, size);
    unsigned unused = 64 - 8 * (unsigned)size;
    if (!self->column->is_unsigned && unused)
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    value = GUINT64_TO_LE(value);
    column_append_fixed(out, &value, self->width);
    return p + size;
}

static const uint8_t *write_widened(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    return append_widened(self, p, end, self->wire_size, out);
}

static const uint8_t *write_widened_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    return append_widened(self, p, end, self->source_size, out);
}

static CellWriter fixed_writer(size_t size)
{
    switch (size) {
    case 1:
        return write_fixed1;
    case 2:
        return write_fixed2;
    case 4:
        return write_fixed4;
    default:
        return write_fixed8;
    }
}

void integer_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    static const uint8_t protocol_size[] = {
        [SOURCE_TYPE_TINYINT] = 1, [SOURCE_TYPE_SMALLINT] = 2, [SOURCE_TYPE_MEDIUMINT] = 4,
        [SOURCE_TYPE_INT] = 4,     [SOURCE_TYPE_BIGINT] = 8,
    };
    g_autofree char *type = column_type_base(self->type);
    const char *digits = type + strcspn(type, "0123456789");
    self->source_size = protocol_size[self->column->type];
    self->width = (uint8_t)(g_ascii_strtoull(digits, NULL, 10) / 8);
    if (strcmp(type, "Bool") == 0)
        self->write_result = write_bool;
    else
        self->write_result = self->width == self->source_size ? fixed_writer(self->source_size) : write_widened_result;
}

CellWriter integer_bind(ColumnWriter *self, const WireColumn *wire)
{
    static const struct {
        uint8_t type, size;
    } wires[] = {
        [SOURCE_TYPE_TINYINT] = {WIRE_TINY, 1},    [SOURCE_TYPE_SMALLINT] = {WIRE_SHORT, 2},
        [SOURCE_TYPE_MEDIUMINT] = {WIRE_INT24, 3}, [SOURCE_TYPE_INT] = {WIRE_LONG, 4},
        [SOURCE_TYPE_BIGINT] = {WIRE_LONGLONG, 8},
    };
    const SourceColumn *column = self->column;
    if (wire->type != wires[column->type].type || (wire->is_unsigned >= 0 && wire->is_unsigned != column->is_unsigned))
        return NULL;
    self->wire_size = wires[column->type].size;
    if (self->write_result == write_widened_result)
        return write_widened;
    if (wire->type == WIRE_INT24)
        return column->is_unsigned ? write_uint24 : write_int24;
    return self->write_result; /* the same bytes in both */
}

void float_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->write_result = self->column->type == SOURCE_TYPE_FLOAT ? write_fixed4 : write_fixed8;
}

CellWriter float_bind(ColumnWriter *self, const WireColumn *wire)
{
    if (wire->type != (self->column->type == SOURCE_TYPE_FLOAT ? WIRE_FLOAT : WIRE_DOUBLE))
        return NULL;
    return self->write_result;
}

/* BIT is big-endian in both ways. */
static void append_bit(BlockColumn *out, const uint8_t *p, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | p[i];
    column_append_int64(out, (int64_t)value);
}

static const uint8_t *write_bit(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    append_bit(out, p, self->wire_size);
    return p + self->wire_size;
}

static const uint8_t *write_bit_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    if (G_UNLIKELY(!p))
        return cell_overrun(self);
    if (G_UNLIKELY(len > 8))
        return cell_malformed(self, "a BIT of %zu bytes", len);
    append_bit(out, p, len);
    return p + len;
}

void bit_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->write_result = write_bit_result;
}

CellWriter bit_bind(ColumnWriter *self, const WireColumn *wire)
{
    if (wire->type != WIRE_BIT || (wire->meta & 0xff) != self->column->precision)
        return NULL;
    self->wire_size = (self->column->precision + 7) / 8;
    return write_bit;
}

/* YEAR: one byte in events, 0 for the year 0, else years since 1900; the year itself in the protocol. */
static const uint8_t *write_year(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 1))
        return cell_overrun(self);
    int16_t year = GINT16_TO_LE(p[0] ? (int16_t)(1900 + p[0]) : 0);
    column_append_fixed(out, &year, 2);
    return p + 1;
}

void year_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->write_result = write_fixed2;
}

CellWriter year_bind(ColumnWriter *self, const WireColumn *wire)
{
    (void)self;
    return wire->type == WIRE_YEAR ? write_year : NULL;
}
