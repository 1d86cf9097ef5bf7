/* writers_document.c - JSON and GEOMETRY: text of unknown length, written straight into the column's buffer.
 *
 * MySQL's JSON is binary in events and text in result rows: both become the server's own text. In events of
 * PARTIAL_UPDATE_ROWS a document is what changed since the image before. Spatial values are the same bytes in both
 * ways.
 */
#include "mapping/writers.h"
#include "mysql/geometry.h"
#include "mysql/json.h"

/* A cell whose text is being written. Its length stands before it in as many bytes as were guessed. */
typedef struct {
    TextOut text;
    size_t start, guess;
} CellText;

static void grow(TextOut *text, size_t more)
{
    ByteBuffer *buffer = text->owner;
    buffer->len = text->len;
    byte_buffer_reserve(buffer, more);
    text->data = buffer->data;
    text->size = buffer->size;
}

static void cell_text_begin(CellText *cell, BlockColumn *out, size_t expected)
{
    cell->start = out->data.len;
    cell->guess = varuint_size(expected);
    byte_buffer_reserve(&out->data, cell->guess + expected);
    cell->text = (TextOut){.data = out->data.data,
                           .len = cell->start + cell->guess,
                           .size = out->data.size,
                           .grow = grow,
                           .owner = &out->data};
}

static const uint8_t *cell_text_bytes(const CellText *cell)
{
    return cell->text.data + cell->start + cell->guess;
}

static void cell_text_end(CellText *cell)
{
    TextOut *text = &cell->text;
    size_t len = text->len - cell->start - cell->guess, need = varuint_size(len);
    if (need > cell->guess)
        text_out_reserve(text, need - cell->guess);
    uint8_t *first = text->data + cell->start;
    if (need != cell->guess)
        memmove(first + need, first + cell->guess, len);
    varuint_write(first, len);
    ((ByteBuffer *)text->owner)->len = cell->start + need + len;
}

static const uint8_t *prefixed(const ColumnWriter *self, const uint8_t *p, const uint8_t *end, size_t *len)
{
    if ((size_t)(end - p) < self->wire_size)
        return NULL;
    *len = (size_t)le_read(p, self->wire_size);
    p += self->wire_size;
    return *len <= (size_t)(end - p) ? p : NULL;
}

/* ---- JSON ---- */

/* ClickHouse's type JSON holds objects only. */
static bool json_refused(ColumnWriter *self, const uint8_t *text, size_t len)
{
    if (!self->json_type || (len > 0 && text[0] == '{'))
        return false;
    g_autofree char *shown = printable_n((const char *)text, len, 40);
    cell_refuse(self, "set json=string, then resync the table",
                "the document %s is not an object, and ClickHouse's JSON holds objects only", shown);
    return true;
}

static const uint8_t *write_json(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    CellText cell;
    size_t len;
    p = prefixed(self, p, end, &len);
    if (G_UNLIKELY(!p))
        return cell_overrun(self);
    cell_text_begin(&cell, out, len);
    const char *wrong;
    if (G_LIKELY(!self->is_diff))
        wrong = json_binary_to_text(p, len, &cell.text);
    else if (!self->before)
        wrong = "a change of a JSON document that was NULL before";
    else
        wrong = json_diff_to_text(self->before, self->before_len, p, len, &cell.text);
    if (G_UNLIKELY(wrong))
        return cell_refuse(self, MEND_VALUE, "%s", wrong);
    if (G_UNLIKELY(json_refused(self, cell_text_bytes(&cell), cell.text.len - cell.start - cell.guess)))
        return NULL;
    cell_text_end(&cell);
    return p + len;
}

static const uint8_t *write_json_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    if (G_UNLIKELY(!p))
        return cell_overrun(self);
    if (G_UNLIKELY(json_refused(self, p, len)))
        return NULL;
    column_append_string(out, p, len);
    return p + len;
}

void json_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->json_type = strstr(self->type, "JSON") != NULL;
    self->write_result = write_json_result;
}

CellWriter json_bind(ColumnWriter *self, const WireColumn *wire)
{
    self->wire_size = wire->meta;
    return wire->type == WIRE_JSON ? write_json : NULL;
}

/* ---- GEOMETRY ---- */

static const uint8_t *append_wkt(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    CellText cell;
    cell_text_begin(&cell, out, len);
    const char *wrong = geometry_to_wkt(p, len, &cell.text);
    if (G_UNLIKELY(wrong))
        return cell_refuse(self, MEND_VALUE, "%s", wrong);
    cell_text_end(&cell);
    return p + len;
}

static const uint8_t *append_wkb(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    if (G_UNLIKELY(len < GEOMETRY_SRID_SIZE))
        return cell_refuse(self, MEND_VALUE, "a geometry is cut short");
    column_append_string(out, p + GEOMETRY_SRID_SIZE, len - GEOMETRY_SRID_SIZE);
    return p + len;
}

static const uint8_t *write_wkt(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = prefixed(self, p, end, &len);
    return G_LIKELY(p) ? append_wkt(self, p, len, out) : cell_overrun(self);
}

static const uint8_t *write_wkt_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    return G_LIKELY(p) ? append_wkt(self, p, len, out) : cell_overrun(self);
}

static const uint8_t *write_wkb(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = prefixed(self, p, end, &len);
    return G_LIKELY(p) ? append_wkb(self, p, len, out) : cell_overrun(self);
}

static const uint8_t *write_wkb_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    size_t len;
    p = lenenc_bytes(p, end, &len);
    return G_LIKELY(p) ? append_wkb(self, p, len, out) : cell_overrun(self);
}

void geometry_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    self->write_result = settings->geometry_wkb ? write_wkb_result : write_wkt_result;
}

CellWriter geometry_bind(ColumnWriter *self, const WireColumn *wire)
{
    self->wire_size = wire->meta;
    if (wire->type != WIRE_GEOMETRY)
        return NULL;
    return self->write_result == write_wkb_result ? write_wkb : write_wkt;
}
