/* writers_decimal.c - DECIMAL: packed digit groups in events, text in the protocol, an integer at the destination. */
#include "mapping/writers.h"
#include "mysql/value.h"

/* 4, 8, 16 or 32 bytes: ClickHouse's Decimal32 to Decimal256 hold 9, 18, 38, 76 digits. */
static uint8_t decimal_width(unsigned precision)
{
    return precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
}

static const uint8_t *write_decimal(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    uint8_t *cell = byte_buffer_reserve(&out->data, self->decimal_width);
    if (G_UNLIKELY(!value_read_decimal(p, self->decimal_precision, self->decimal_scale, cell, self->decimal_width)))
        return cell_refuse(self, MEND_VALUE, "the value holds no decimal digits");
    out->data.len += self->decimal_width;
    return p + self->wire_size;
}

static const uint8_t *write_decimal_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    if (G_UNLIKELY(!p))
        return cell_overrun(self);
    uint8_t *cell = byte_buffer_reserve(&out->data, self->decimal_width);
    if (G_UNLIKELY(!value_parse_decimal((const char *)p, len, self->decimal_scale, cell, self->decimal_width)))
        return cell_malformed(self, "\"%.*s\" is not a decimal of this column", (int)MIN(len, 80), (const char *)p);
    out->data.len += self->decimal_width;
    return p + len;
}

void decimal_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->decimal_precision = (uint8_t)self->column->precision;
    self->decimal_scale = (uint8_t)self->column->scale;
    self->decimal_width = decimal_width(self->column->precision);
    self->write_result = write_decimal_result;
}

CellWriter decimal_bind(ColumnWriter *self, const WireColumn *wire)
{
    if (wire->type != WIRE_NEWDECIMAL || wire->meta >> 8 != self->decimal_precision ||
        (wire->meta & 0xff) != self->decimal_scale)
        return NULL;
    self->wire_size = wire_decimal_size(self->decimal_precision, self->decimal_scale);
    return write_decimal;
}
