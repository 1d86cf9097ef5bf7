/* writers_text.c - strings: text to UTF-8, bytes as they are.
 *
 * In events a string stands behind its length in 1 to 4 bytes (CHAR and BINARY without what pads them at the end); in
 * the protocol behind a length-encoded integer. The writers are made once per size of that length.
 */
#include "mapping/writers.h"

#define MEND_TWIN "change the column's character set to utf8mb4 at the source, then resync the table"

#define LENENC 0 /* in place of the bytes of the length */

/* The string at `p`, or NULL on overrun. `prefix` is a constant wherever this is inlined. */
static inline const uint8_t *string_bytes(const uint8_t *p, const uint8_t *end, size_t prefix, size_t *len)
{
    if (prefix == LENENC)
        return lenenc_bytes(p, end, len);
    if (G_UNLIKELY((size_t)(end - p) < prefix))
        return NULL;
    *len = (size_t)le_read(p, prefix);
    p += prefix;
    return G_UNLIKELY((size_t)(end - p) < *len) ? NULL : p;
}

/* Each of the functions "append" makes a cell of the bytes of one value. */
static inline bool append_raw(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    (void)self;
    column_append_string(out, p, len);
    return true;
}

static char *bytes_text(const uint8_t *p, size_t len, size_t most)
{
    GString *hex = g_string_new("0x");
    for (size_t i = 0; i < MIN(len, most); i++)
        g_string_append_printf(hex, "%02X", p[i]);
    if (len > most)
        g_string_append(hex, "...");
    return g_string_free(hex, FALSE);
}

/* Text that did not decode is kept, so it could be equal to another key's text in UTF-8. */
static bool refuse_undecodable_key(ColumnWriter *self, const uint8_t *p, size_t len)
{
    g_autofree char *shown = bytes_text(p, len, 32);
    return cell_refuse(self, MEND_KEY, "the value %s is not text in %s and the column is part of the key", shown,
                       self->column->charset);
}

static void count_undecodable(ColumnWriter *self, const uint8_t *p, size_t len)
{
    self->counters.undecodable++;
    if (self->counters.other[0])
        return;
    g_autofree char *shown = bytes_text(p, len, (MAPPING_SAMPLE - 6) / 2);
    cell_note_sample(self->counters.other, shown);
}

/* Two codes of the charset are this character: another key could become the same text. */
static bool refuse_twin_key(ColumnWriter *self, const uint8_t *utf8, size_t len)
{
    g_autofree char *shown = printable_n((const char *)utf8, len, 60);
    return cell_refuse(self, MEND_TWIN,
                       "the value '%s' holds a character that %s has two codes for, and the column is part of the key",
                       shown, self->column->charset);
}

/* Converts into the column's buffer. The length before it has as many bytes as the longest result would need; when the
 * result needs fewer, it is moved down. */
static inline bool append_converted(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    size_t most = MAX(charset_max_utf8(self->charset, len), len), guess = varuint_size(most), utf8_len;
    uint8_t *cell = byte_buffer_reserve(&out->data, guess + most);
    if (G_UNLIKELY(!charset_to_utf8(self->charset, p, len, cell + guess, &utf8_len))) {
        if (self->in_key)
            return refuse_undecodable_key(self, p, len);
        count_undecodable(self, p, len);
    }
    if (G_UNLIKELY(self->twins) && charset_has_twin(self->twins, cell + guess, utf8_len))
        return refuse_twin_key(self, cell + guess, utf8_len);
    size_t need = varuint_size(utf8_len);
    if (need < guess)
        memmove(cell + need, cell + guess, utf8_len);
    varuint_write(cell, utf8_len);
    out->data.len += need + utf8_len;
    return true;
}

/* BINARY(n): the zero bytes at the end, which events leave out, are put back. */
static inline bool append_padded(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    if (G_UNLIKELY(len > self->padded))
        return cell_refuse(self, MEND_DEFINITION, "a value of %zu bytes does not fit %s", len, self->column->type_text);
    uint8_t *cell = byte_buffer_reserve(&out->data, self->padded + 10);
    size_t n = varuint_write(cell, self->padded);
    memcpy(cell + n, p, len);
    memset(cell + n + len, 0, self->padded - len);
    out->data.len += n + self->padded;
    return true;
}

/* Hexadecimal digits as the servers' HEX writes them, or base64 without line ends. The zero bytes that events leave out
 * are put back first. */
static inline bool append_encoded(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (G_UNLIKELY(self->padded && len > self->padded))
        return cell_refuse(self, MEND_DEFINITION, "a value of %zu bytes does not fit %s", len, self->column->type_text);
    if (self->padded && len < self->padded) {
        g_byte_array_set_size(self->scratch ? self->scratch : (self->scratch = g_byte_array_new()),
                              (guint)self->padded);
        memcpy(self->scratch->data, p, len);
        memset(self->scratch->data + len, 0, self->padded - len);
        p = self->scratch->data;
        len = self->padded;
    }
    size_t size = self->binary == BINARY_HEX ? 2 * len : (len + 2) / 3 * 4;
    uint8_t *cell = byte_buffer_reserve(&out->data, size + 16);
    uint8_t *q = cell + varuint_write(cell, size);
    out->data.len += (size_t)(q - cell) + size;
    if (self->binary == BINARY_HEX) {
        for (size_t i = 0; i < len; i++) {
            *q++ = (uint8_t)digits[p[i] >> 4];
            *q++ = (uint8_t)digits[p[i] & 15];
        }
        return true;
    }
    int state = 0, save = 0;
    gsize n = g_base64_encode_step(p, len, FALSE, (gchar *)q, &state, &save);
    g_base64_encode_close(FALSE, (gchar *)q + n, &state, &save);
    return true;
}

/* A value of a COMPRESSED column: made plain in the column's buffer where that is all, else beside it first. */
static inline bool append_inflated(ColumnWriter *self, const uint8_t *p, size_t len, BlockColumn *out)
{
    size_t size;
    if (G_UNLIKELY(!compressed_size(p, len, &size)))
        return cell_refuse(self, MEND_VALUE, "a compressed value of %zu bytes is not compressed in a known way", len);
    if (!self->inflater)
        self->inflater = inflater_new();
    uint8_t *cell = NULL, *plain;
    bool beside = self->charset || self->binary != BINARY_RAW;
    if (beside) {
        g_byte_array_set_size(self->scratch ? self->scratch : (self->scratch = g_byte_array_new()), (guint)size + 1);
        plain = self->scratch->data;
    } else {
        cell = byte_buffer_reserve(&out->data, size + 10);
        plain = cell + varuint_write(cell, size);
    }
    if (G_UNLIKELY(!compressed_read(self->inflater, p, len, plain, size)))
        return cell_refuse(self, MEND_VALUE, "a compressed value of %zu bytes cannot be uncompressed", len);
    if (beside)
        return self->charset ? append_converted(self, plain, size, out) : append_encoded(self, plain, size, out);
    out->data.len += (size_t)(plain - cell) + size;
    return true;
}

#define STRING_WRITER(kind, prefix)                                                                                    \
    static const uint8_t *kind##_##prefix(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)  \
    {                                                                                                                  \
        size_t len;                                                                                                    \
        p = string_bytes(p, end, prefix, &len);                                                                        \
        if (G_UNLIKELY(!p))                                                                                            \
            return cell_overrun(self);                                                                                 \
        return G_LIKELY(kind(self, p, len, out)) ? p + len : NULL;                                                     \
    }
#define STRING_WRITERS(kind)                                                                                           \
    STRING_WRITER(kind, 0)                                                                                             \
    STRING_WRITER(kind, 1)                                                                                             \
    STRING_WRITER(kind, 2)                                                                                             \
    STRING_WRITER(kind, 3)                                                                                             \
    STRING_WRITER(kind, 4)                                                                                             \
    static const CellWriter kind##_writers[] = {kind##_0, kind##_1, kind##_2, kind##_3, kind##_4};
STRING_WRITERS(append_raw)
STRING_WRITERS(append_converted)
STRING_WRITERS(append_padded)
STRING_WRITERS(append_encoded)
STRING_WRITERS(append_inflated)

/* By the bytes of the length. Values of COMPRESSED columns are plain in result rows. */
static const CellWriter *writers_of(const ColumnWriter *self)
{
    if (self->binary != BINARY_RAW)
        return append_encoded_writers;
    if (self->padded)
        return append_padded_writers;
    return self->charset ? append_converted_writers : append_raw_writers;
}

void text_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    const Charset *charset = charset_find(self->column->charset);
    self->charset = charset_is_utf8(charset) ? NULL : charset;
    self->twins = self->charset && self->in_key ? charset_twins(self->charset) : NULL;
    self->write_result = writers_of(self)[LENENC];
}

void bytes_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    self->binary = settings->binary;
    self->padded = self->column->type == SOURCE_TYPE_BINARY ? self->column->precision : 0;
    self->write_result = writers_of(self)[LENENC];
}

/* Bytes of the length before a TEXT or BLOB, from the type's name; 0: of any size. */
static unsigned blob_prefix(const char *type_text)
{
    static const struct {
        const char *word;
        unsigned prefix;
    } sizes[] = {{"tiny", 1}, {"text", 2}, {"blob", 2}, {"medium", 3}, {"long", 4}};
    for (size_t i = 0; type_text && i < G_N_ELEMENTS(sizes); i++)
        if (g_ascii_strncasecmp(type_text, sizes[i].word, strlen(sizes[i].word)) == 0)
            return sizes[i].prefix;
    return 0;
}

/* Whether a VARCHAR of `meta` bytes can be one of `precision` characters of at most `widest` bytes; `extra` more when
 * it is compressed. */
static bool size_fits(const SourceColumn *column, uint16_t meta, unsigned widest, unsigned extra)
{
    return meta >= column->precision + extra && meta <= column->precision * widest + extra;
}

static unsigned blob_prefix_bound(const SourceColumn *column, const WireColumn *wire)
{
    unsigned expected = blob_prefix(column->type_text);
    return wire->meta < 1 || wire->meta > 4 || (expected && expected != wire->meta) ? 0 : wire->meta;
}

/* The length's bytes of a string column on the wire, 0 when wire type or metadata are another type's. `widest`: most
 * bytes of one character. */
static unsigned string_prefix(const SourceColumn *column, const WireColumn *wire, unsigned widest)
{
    switch (wire->type) {
    case WIRE_STRING:
        if ((column->type != SOURCE_TYPE_CHAR && column->type != SOURCE_TYPE_BINARY) || column->compressed ||
            !size_fits(column, wire->meta, widest, 0))
            return 0;
        return wire->meta > 255 ? 2 : 1;
    case WIRE_VARCHAR:
    case WIRE_VARCHAR_COMPRESSED:
        if ((column->type != SOURCE_TYPE_VARCHAR && column->type != SOURCE_TYPE_VARBINARY) ||
            column->compressed != (wire->type == WIRE_VARCHAR_COMPRESSED) ||
            !size_fits(column, wire->meta, widest, column->compressed))
            return 0;
        return wire->meta > 255 ? 2 : 1;
    case WIRE_BLOB:
    case WIRE_BLOB_COMPRESSED:
        if ((column->type != SOURCE_TYPE_TEXT && column->type != SOURCE_TYPE_BLOB) ||
            column->compressed != (wire->type == WIRE_BLOB_COMPRESSED))
            return 0;
        return blob_prefix_bound(column, wire);
    default:
        return 0;
    }
}

static CellWriter string_bind(const ColumnWriter *self, const WireColumn *wire, unsigned widest)
{
    unsigned prefix = string_prefix(self->column, wire, widest);
    if (!prefix)
        return NULL;
    return self->column->compressed ? append_inflated_writers[prefix] : writers_of(self)[prefix];
}

CellWriter text_bind(ColumnWriter *self, const WireColumn *wire)
{
    return string_bind(self, wire, 4);
}

CellWriter bytes_bind(ColumnWriter *self, const WireColumn *wire)
{
    return string_bind(self, wire, 1);
}
