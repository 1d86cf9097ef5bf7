/* writers_member.c - ENUM and SET: numbers on the wire, the members' names at the destination.
 *
 * An ENUM is the number of its member from 1, 0 for a value that was refused (''); a SET has a bit per member. Events
 * have them in as few bytes as the definition needs, result rows as BIGINT UNSIGNED.
 */
#include "mapping/writers.h"
#include <inttypes.h>

#define RESULT_SIZE 8

static inline const uint8_t *append_enum(ColumnWriter *self, uint64_t slot, const uint8_t *next, BlockColumn *out)
{
    const MemberNames *names = &self->members;
    if (G_UNLIKELY(slot > names->n))
        return cell_refuse(self, MEND_DEFINITION, "number %" PRIu64 " is beyond the %u members of the definition", slot,
                           names->n);
    if (G_UNLIKELY(self->in_key && names->ambiguous[slot]))
        return cell_refuse(self, MEND_KEY,
                           "member number %" PRIu64 " has the same text as another and the column is part of the key",
                           slot);
    size_t start = names->start[slot], len = names->start[slot + 1] - start;
    memcpy(byte_buffer_reserve(&out->data, len), names->bytes + start, len);
    out->data.len += len;
    return next;
}

static const uint8_t *write_enum1(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 1))
        return cell_overrun(self);
    return append_enum(self, p[0], p + 1, out);
}

static const uint8_t *write_enum2(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < 2))
        return cell_overrun(self);
    return append_enum(self, le_read(p, 2), p + 2, out);
}

static const uint8_t *write_enum_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < RESULT_SIZE))
        return cell_overrun(self);
    return append_enum(self, le_read(p, RESULT_SIZE), p + RESULT_SIZE, out);
}

void enum_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    char **labels = self->column->labels;
    MemberNames *names = &self->members;
    names->n = g_strv_length(labels);
    names->start = g_new0(size_t, names->n + 2);
    names->ambiguous = g_new0(bool, names->n + 1);
    g_autoptr(GHashTable) slots = g_hash_table_new(g_str_hash, g_str_equal);
    GByteArray *bytes = g_byte_array_new();
    for (unsigned slot = 0; slot <= names->n; slot++) {
        const char *label = slot ? labels[slot - 1] : "";
        uint8_t prefix[10];
        names->start[slot] = bytes->len;
        g_byte_array_append(bytes, prefix, (guint)varuint_write(prefix, strlen(label)));
        g_byte_array_append(bytes, (const uint8_t *)label, (guint)strlen(label));
        gpointer other;
        if (g_hash_table_lookup_extended(slots, label, NULL, &other))
            names->ambiguous[slot] = names->ambiguous[GPOINTER_TO_UINT(other)] = true;
        else
            g_hash_table_insert(slots, (gpointer)label, GUINT_TO_POINTER(slot));
    }
    names->start[names->n + 1] = bytes->len;
    names->bytes = g_byte_array_free(bytes, FALSE);
    self->write_result = write_enum_result;
}

CellWriter enum_bind(ColumnWriter *self, const WireColumn *wire)
{
    unsigned size = self->members.n > 255 ? 2 : 1;
    if (wire->type != WIRE_ENUM || wire->meta != size)
        return NULL;
    return size == 1 ? write_enum1 : write_enum2;
}

/* Each member as a string of an array. */
static void append_members(const MemberNames *names, uint64_t bits, BlockColumn *out)
{
    uint64_t n = 0;
    for (uint64_t left = bits; left; left &= left - 1, n++) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        column_append_string(out, names->bytes + names->start[member], names->start[member + 1] - names->start[member]);
    }
    column_append_array_end(out, n);
}

static const uint8_t *append_set(ColumnWriter *self, uint64_t bits, const uint8_t *next, BlockColumn *out)
{
    const MemberNames *names = &self->members;
    if (G_UNLIKELY(names->n < 64 && bits >> names->n))
        return cell_refuse(self, MEND_DEFINITION, "bits 0x%" PRIx64 " are beyond the %u members of the definition",
                           bits, names->n);
    /* Without members and with the empty one alone, a set reads ''. */
    if (G_UNLIKELY(self->in_key && ((bits & names->twins) || (names->empty && !(bits & ~names->empty)))))
        return cell_refuse(self, MEND_KEY,
                           "the set 0x%" PRIx64 " has the same text as another and the column is part of the key",
                           bits);
    if (self->set_array) {
        append_members(names, bits, out);
        return next;
    }
    size_t len = 0;
    for (uint64_t left = bits; left; left &= left - 1) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        len += names->start[member + 1] - names->start[member] + 1;
    }
    len -= len > 0; /* no comma behind the last */
    uint8_t *cell = byte_buffer_reserve(&out->data, len + 11);
    uint8_t *q = cell + varuint_write(cell, len);
    for (uint64_t left = bits; left; left &= left - 1) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        size_t start = names->start[member], n = names->start[member + 1] - start;
        memcpy(q, names->bytes + start, n);
        q += n;
        if (left & (left - 1))
            *q++ = ',';
    }
    out->data.len += (size_t)(q - cell);
    return next;
}

static const uint8_t *write_set(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY((size_t)(end - p) < self->wire_size))
        return cell_overrun(self);
    return append_set(self, le_read(p, self->wire_size), p + self->wire_size, out);
}

static const uint8_t *write_set_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    if (G_UNLIKELY(end - p < RESULT_SIZE))
        return cell_overrun(self);
    return append_set(self, le_read(p, RESULT_SIZE), p + RESULT_SIZE, out);
}

void set_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    self->set_array = settings->set_array && !self->in_key;
    char **labels = self->column->labels;
    MemberNames *names = &self->members;
    names->n = g_strv_length(labels);
    names->start = g_new0(size_t, names->n + 1);
    GByteArray *bytes = g_byte_array_new();
    for (unsigned i = 0; i < names->n; i++) {
        names->start[i] = bytes->len;
        g_byte_array_append(bytes, (const uint8_t *)labels[i], (guint)strlen(labels[i]));
        if (!labels[i][0])
            names->empty |= UINT64_C(1) << i;
        for (unsigned j = 0; j < i; j++)
            if (strcmp(labels[i], labels[j]) == 0)
                names->twins |= UINT64_C(1) << i | UINT64_C(1) << j;
    }
    names->start[names->n] = bytes->len;
    names->bytes = g_byte_array_free(bytes, FALSE);
    self->write_result = write_set_result;
}

CellWriter set_bind(ColumnWriter *self, const WireColumn *wire)
{
    unsigned size = (self->members.n + 7) / 8;
    size = size > 4 ? 8 : size;
    if (wire->type != WIRE_SET || wire->meta != size)
        return NULL;
    self->wire_size = size;
    return write_set;
}

void member_names_clear(MemberNames *names)
{
    g_free(names->bytes);
    g_free(names->start);
    g_free(names->ambiguous);
}
