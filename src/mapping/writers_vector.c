/* writers_vector.c - VECTOR to Array(Float32): four bytes a number, little-endian everywhere.
 *
 * MySQL has a wire type for it; MariaDB writes it as VARCHAR of four bytes a number. ClickHouse has no NULL of an
 * array: it becomes [], which no vector is.
 */
#include "mapping/writers.h"

enum { NUMBER = 4 };

static const uint8_t *append_vector(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    if (G_UNLIKELY(len % NUMBER))
        return cell_malformed(self, "a vector of %zu bytes", len);
    memcpy(byte_buffer_reserve(&out->data, len + 1), p, len);
    out->data.len += len;
    column_append_array_end(out, len / NUMBER);
    return p + len;
}

static const uint8_t *write_vector(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    size_t len = (size_t)le_read(p, self->wire_size);
    p += self->wire_size;
    return G_LIKELY(len <= (size_t)(end - p)) ? append_vector(self, p, len, out) : cell_overrun(self);
}

static const uint8_t *write_vector_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    return G_LIKELY(p) ? append_vector(self, p, len, out) : cell_overrun(self);
}

void vector_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->write_result = write_vector_result;
}

CellWriter vector_bind(ColumnWriter *self, const WireColumn *wire)
{
    if (wire->type == WIRE_VECTOR)
        self->wire_size = wire->meta;
    else if (wire->type == WIRE_VARCHAR && wire->meta == self->column->precision * NUMBER)
        self->wire_size = wire->meta > 255 ? 2 : 1;
    else
        return NULL;
    return write_vector;
}
