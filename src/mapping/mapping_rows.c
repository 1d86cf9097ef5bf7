/* mapping_rows.c - rows from events and results into a table's block. */
#include "mapping/mapping_private.h"
#include "base/fault.h"
#include "clickhouse/layout.h"

/* ---- faults of single cells ---- */

const uint8_t *cell_overrun(ColumnWriter *self)
{
    self->fault->decode = true;
    g_strlcpy(self->fault->what, "the value does not end where its row ends", sizeof self->fault->what);
    return NULL;
}

const uint8_t *cell_malformed(ColumnWriter *self, const char *format, ...)
{
    va_list args;
    self->fault->decode = true;
    va_start(args, format);
    g_vsnprintf(self->fault->what, sizeof self->fault->what, format, args);
    va_end(args);
    return NULL;
}

const uint8_t *cell_refuse(ColumnWriter *self, const char *mend, const char *format, ...)
{
    va_list args;
    self->fault->decode = false;
    self->fault->mend = mend;
    va_start(args, format);
    g_vsnprintf(self->fault->what, sizeof self->fault->what, format, args);
    va_end(args);
    return NULL;
}

/* Always NULL. */
static const uint8_t *cell_error(const TableMapping *mapping, unsigned column, GError **error)
{
    const SourceTable *table = mapping->table;
    const CellFault *fault = &mapping->fault;
    const char *name = column < mapping->n_columns ? table->columns[column].name : "(hidden)";
    if (fault->decode)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "table %s.%s, column %s: %s", table->database,
                    table->name, name, fault->what);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "table %s.%s, column %s: %s; %s", table->database,
                    table->name, name, fault->what, fault->mend);
    return NULL;
}

static const uint8_t *row_overrun(const TableMapping *mapping, GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "table %s.%s: a row does not end where its event ends",
                mapping->table->database, mapping->table->name);
    return NULL;
}

/* ---- rows ---- */

static void block_begin(TableMapping *mapping, const Block *block)
{
    g_assert(block->n_columns == mapping->first_added + N_ADDED);
    for (unsigned i = 0; i < mapping->n_variable; i++)
        mapping->variable[i].len = block->columns[mapping->variable[i].column].data.len;
}

static void block_take_back(const TableMapping *mapping, Block *block, uint64_t n_rows)
{
    block->n_rows = n_rows;
    for (unsigned i = 0; i < block->n_columns; i++) {
        block->columns[i].data.len = n_rows * block->columns[i].width;
        block->columns[i].nulls.len = n_rows * (block->columns[i].nullable ? 1
                                                : block->columns[i].array  ? sizeof(uint64_t)
                                                                           : 0);
    }
    for (unsigned i = 0; i < mapping->n_variable; i++)
        block->columns[mapping->variable[i].column].data.len = mapping->variable[i].len;
}

static inline bool bitmap_has(const uint8_t *bitmap, unsigned bit)
{
    return bitmap[bit >> 3] >> (bit & 7) & 1;
}

/* A cell without a value: NULL, or the type's default where the column is not nullable (setting nullable=off). */
static inline void append_empty(BlockColumn *out)
{
    enum { WIDEST = 32 }; /* zeroing a constant size takes one or two stores, a varying one a call */
    if (out->nullable)
        column_append_null_flag(out, 1);
    if (G_UNLIKELY(out->array || out->json)) {
        column_append_default(out);
        return;
    }
    memset(byte_buffer_reserve(&out->data, WIDEST), 0, WIDEST);
    out->data.len += out->width ? out->width : 1;
}

/* NULL in a key would become the default, which is another key. */
static const uint8_t *null_in_key(ColumnWriter *writer)
{
    return cell_refuse(writer, MEND_KEY, "the value is NULL and the column is part of the key");
}

static inline const uint8_t *append_cell(ColumnWriter *writer, CellWriter write, bool is_null, const uint8_t *p,
                                         const uint8_t *end, BlockColumn *out)
{
    if (is_null) {
        if (G_UNLIKELY(writer->in_key))
            return null_in_key(writer);
        append_empty(out);
        return p;
    }
    if (out->nullable)
        column_append_null_flag(out, 0);
    return write(writer, p, end, out);
}

static inline void append_version(const TableMapping *mapping, Block *block, uint64_t version, uint8_t is_deleted)
{
    BlockColumn *added = block->columns + mapping->first_added;
    version = GUINT64_TO_LE(version);
    column_append_fixed(&added[ADDED_VERSION], &version, sizeof version);
    column_append_fixed(&added[ADDED_IS_DELETED], &is_deleted, sizeof is_deleted);
    block->n_rows++;
}

static void append_source(const TableMapping *mapping, Block *block, uint64_t rows)
{
    size_t len = mapping->source_cell_len;
    if (G_LIKELY(!len))
        return;
    ByteBuffer *out = &block->columns[mapping->n_mapped].data;
    uint8_t *p = byte_buffer_reserve(out, rows * len);
    for (uint64_t i = 0; i < rows; i++, p += len)
        memcpy(p, mapping->source_cell, len);
    out->len += rows * len;
}

static void append_synced_at(const TableMapping *mapping, Block *block, uint64_t rows, int64_t synced_nsec)
{
    BlockColumn *out = &block->columns[mapping->first_added + ADDED_SYNCED_AT];
    uint8_t *p = byte_buffer_reserve(&out->data, rows * sizeof synced_nsec);
    synced_nsec = GINT64_TO_LE(synced_nsec);
    for (uint64_t i = 0; i < rows; i++, p += sizeof synced_nsec)
        memcpy(p, &synced_nsec, sizeof synced_nsec);
    out->data.len += rows * sizeof synced_nsec;
}

/* A walk over the columns of an image, from the first on. */
typedef struct {
    const uint8_t *present, *nulls;
    unsigned bit; /* of `nulls`, which has none for columns that are not there */
} ImageWalk;

typedef enum { CELL_VALUE, CELL_NULL, CELL_ABSENT } CellKind;

/* Begins at the bitmap of NULLs; the bytes behind that, NULL on overrun. */
static inline const uint8_t *image_begin(ImageWalk *walk, const ImageColumns *columns, const uint8_t *p,
                                         const uint8_t *end)
{
    *walk = (ImageWalk){columns->present, p, 0};
    return G_UNLIKELY((size_t)(end - p) < columns->bitmap_size) ? NULL : p + columns->bitmap_size;
}

/* To be asked for each column in turn. */
static inline CellKind image_next(ImageWalk *walk, unsigned column)
{
    if (G_UNLIKELY(walk->present) && !bitmap_has(walk->present, column))
        return CELL_ABSENT;
    return bitmap_has(walk->nulls, walk->bit++) ? CELL_NULL : CELL_VALUE;
}

/* The bytes behind the values of the wire columns from `first` on, before `last`; NULL on overrun. */
static const uint8_t *skip_columns(const TableMapping *mapping, ImageWalk *walk, unsigned first, unsigned last,
                                   const uint8_t *p, const uint8_t *end)
{
    for (unsigned i = first; i < last; i++) {
        if (image_next(walk, i) != CELL_VALUE)
            continue;
        const WireSkip *skip = &mapping->skips[i];
        size_t size = skip->fixed ? skip->fixed : skip->size(p, end, skip->meta);
        if (G_UNLIKELY(size > (size_t)(end - p)))
            return NULL;
        p += size;
    }
    return p;
}

/* One image as a row. `p` at its NULL bitmap; returns what follows the image, NULL with an error. */
static const uint8_t *append_row(TableMapping *mapping, Block *block, const uint8_t *p, const uint8_t *end,
                                 uint64_t version, GError **error)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_after, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (G_UNLIKELY(writer->excluded)) {
            p = skip_columns(mapping, &walk, i, i + 1, p, end);
            if (G_UNLIKELY(!p))
                return row_overrun(mapping, error);
            continue;
        }
        p = append_cell(writer, writer->write, image_next(&walk, i) == CELL_NULL, p, end, out++);
        if (G_UNLIKELY(!p))
            return cell_error(mapping, i, error);
    }
    if (G_UNLIKELY(mapping->n_wire > mapping->n_columns)) {
        p = skip_columns(mapping, &walk, mapping->n_columns, mapping->n_wire, p, end);
        if (!p)
            return row_overrun(mapping, error);
    }
    append_version(mapping, block, version, 0);
    return p;
}

/* One image as a delete: the key and nothing else. */
static const uint8_t *append_delete(TableMapping *mapping, Block *block, const uint8_t *p, const uint8_t *end,
                                    uint64_t version, GError **error)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_before, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (writer->in_key) {
            p = append_cell(writer, writer->write, image_next(&walk, i) == CELL_NULL, p, end, out++);
            if (G_UNLIKELY(!p))
                return cell_error(mapping, i, error);
        } else {
            if (G_LIKELY(!writer->excluded))
                append_empty(out++);
            p = skip_columns(mapping, &walk, i, i + 1, p, end);
            if (G_UNLIKELY(!p))
                return row_overrun(mapping, error);
        }
    }
    p = skip_columns(mapping, &walk, mapping->n_columns, mapping->n_wire, p, end);
    if (G_UNLIKELY(!p))
        return row_overrun(mapping, error);
    append_version(mapping, block, version, 1);
    return p;
}

/* Notes where the key's bytes stand in an image and returns what follows the columns before `last`. A NULL in the key
 * has no bytes here and is refused when its row is appended. */
static const uint8_t *find_key(const TableMapping *mapping, const ImageColumns *columns, const uint8_t *p,
                               const uint8_t *end, unsigned last, KeyBytes *key)
{
    ImageWalk walk;
    p = image_begin(&walk, columns, p, end);
    for (unsigned i = 0; p && i < last; i++) {
        const uint8_t *next = skip_columns(mapping, &walk, i, i + 1, p, end);
        if (G_UNLIKELY(!next))
            return NULL;
        if (i < mapping->n_columns && mapping->writers[i].in_key)
            *key++ = (KeyBytes){p, (size_t)(next - p)};
        p = next;
    }
    return p;
}

static bool key_changed(const TableMapping *mapping)
{
    for (unsigned k = 0; k < mapping->n_key; k++)
        if (mapping->before[k].len != mapping->after[k].len ||
            memcmp(mapping->before[k].p, mapping->after[k].p, mapping->before[k].len) != 0)
            return true;
    return false;
}

/* ---- images with changes of documents (PARTIAL_UPDATE_ROWS) ----
 *
 * Before the image after an update stand options, length-encoded, and with bit 0 of them a bitmap of the JSON columns
 * whose value is changes of the one before (MySQL source, sql/log_event.cc, Rows_log_event::unpack_current_row). */

/* Notes where the documents of the image before stand; NULL on overrun. */
static const uint8_t *find_documents(TableMapping *mapping, const uint8_t *p, const uint8_t *end)
{
    ImageWalk walk;
    p = image_begin(&walk, &mapping->columns_before, p, end);
    for (unsigned i = 0; p && i < mapping->n_columns; i++) {
        ColumnWriter *writer = &mapping->writers[i];
        const uint8_t *next = skip_columns(mapping, &walk, i, i + 1, p, end);
        if (next && writer->column->type == SOURCE_TYPE_JSON) {
            writer->before = next == p ? NULL : p + writer->wire_size; /* a value has its length before it */
            writer->before_len = writer->before ? (size_t)(next - writer->before) : 0;
        }
        p = next;
    }
    return p;
}

/* The image behind the options; NULL when they cannot be read. */
static const uint8_t *read_diff_options(TableMapping *mapping, const uint8_t *p, const uint8_t *end)
{
    enum { PARTIAL_JSON = 1 };
    uint64_t options;
    unsigned json = 0;
    p = lenenc_read(p, end, &options);
    if (!p || (options & ~(uint64_t)PARTIAL_JSON))
        return NULL;
    const uint8_t *bits = p;
    if (options & PARTIAL_JSON) {
        if ((size_t)(end - p) < (mapping->n_json + 7) / 8)
            return NULL;
        p += (mapping->n_json + 7) / 8;
    }
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        ColumnWriter *writer = &mapping->writers[i];
        if (writer->column->type == SOURCE_TYPE_JSON)
            writer->is_diff = (options & PARTIAL_JSON) && bitmap_has(bits, json++);
    }
    return p;
}

static void forget_diffs(TableMapping *mapping)
{
    for (unsigned i = 0; i < mapping->n_columns; i++)
        mapping->writers[i].is_diff = false;
}

/* Both images of an update. The version of a delete of the old key is smaller than that of the new row. */
static const uint8_t *append_update(TableMapping *mapping, Block *block, const uint8_t *body, const uint8_t *p,
                                    const uint8_t *end, uint64_t version_base, GError **error)
{
    const uint8_t *after = find_key(mapping, &mapping->columns_before, p, end, mapping->n_wire, mapping->before);
    if (G_UNLIKELY(mapping->reading_diffs) && after)
        after = find_documents(mapping, p, end) ? read_diff_options(mapping, after, end) : NULL;
    if (G_UNLIKELY(!after) || G_UNLIKELY(!find_key(mapping, &mapping->columns_after, after, end, mapping->last_key + 1,
                                                   mapping->after)))
        return row_overrun(mapping, error);
    if (key_changed(mapping) && !append_delete(mapping, block, p, end, version_base + (uint64_t)(p - body), error))
        return NULL;
    return append_row(mapping, block, after, end, version_base + (uint64_t)(after - body), error);
}

/* ---- rows and their history (mysql/versioning.h) ---- */

/* Walks over an image; what follows it, NULL with an error. `current`: it is no row of history. */
static const uint8_t *find_row_end(const TableMapping *mapping, const ImageColumns *columns, const uint8_t *p,
                                   const uint8_t *end, bool *current, GError **error)
{
    ImageWalk walk;
    unsigned row_end = (unsigned)mapping->row_end;
    p = image_begin(&walk, columns, p, end);
    const uint8_t *at = p ? skip_columns(mapping, &walk, 0, row_end, p, end) : NULL;
    const uint8_t *behind = at ? skip_columns(mapping, &walk, row_end, row_end + 1, at, end) : NULL;
    p = behind ? skip_columns(mapping, &walk, row_end + 1, mapping->n_wire, behind, end) : NULL;
    if (G_UNLIKELY(!p) || G_UNLIKELY((size_t)(behind - at) != sizeof mapping->last_moment))
        return row_overrun(mapping, error);
    int order = memcmp(at, mapping->last_moment, sizeof mapping->last_moment); /* big-endian */
    *current = order == 0;
    if (G_LIKELY(order <= 0))
        return p;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                "table %s.%s: a row is current until after the last moment that the server which wrote this log is "
                "known to have, so history cannot be told from current rows; resync the table",
                mapping->table->database, mapping->table->name);
    return NULL;
}

/* One row of the event, where it is one of the current rows, before or behind the change. */
static const uint8_t *append_versioned(TableMapping *mapping, Block *block, const RowsEvent *rows, const uint8_t *p,
                                       uint64_t version_base, RowCounts *counts, GError **error)
{
    const uint8_t *end = rows->end, *body = rows->body, *after = p, *next;
    uint64_t version = version_base + (uint64_t)(p - body);
    bool was = false, is = false;
    if (rows->kind != ROWS_INSERT && !(after = find_row_end(mapping, &mapping->columns_before, p, end, &was, error)))
        return NULL;
    next = after;
    if (rows->kind != ROWS_DELETE && !(next = find_row_end(mapping, &mapping->columns_after, after, end, &is, error)))
        return NULL;
    if (was && is) {
        counts->updates++;
        return append_update(mapping, block, body, p, end, version_base, error);
    }
    if (was) {
        counts->deletes++;
        return append_delete(mapping, block, p, end, version, error) ? next : NULL;
    }
    counts->inserts += is;
    return is ? append_row(mapping, block, after, end, version_base + (uint64_t)(after - body), error) : next;
}

static bool append_versioned_rows(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                                  RowCounts *counts, GError **error)
{
    RowCounts of_event = {0};
    for (const uint8_t *p = rows->rows; p < rows->end;)
        if (!(p = append_versioned(mapping, block, rows, p, version_base, &of_event, error)))
            return false;
    *counts = of_event;
    return true;
}

/* ---- events ---- */

static bool append_rows(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                        RowCounts *counts, GError **error)
{
    const uint8_t *p = rows->rows, *end = rows->end, *body = rows->body;
    uint64_t n = 0;
    for (; p < end; n++) {
        uint64_t version = version_base + (uint64_t)(p - body);
        switch (rows->kind) {
        case ROWS_INSERT:
            p = append_row(mapping, block, p, end, version, error);
            break;
        case ROWS_UPDATE:
            p = append_update(mapping, block, body, p, end, version_base, error);
            break;
        case ROWS_DELETE:
            p = append_delete(mapping, block, p, end, version, error);
            break;
        }
        if (G_UNLIKELY(!p))
            return false;
    }
    *counts = (RowCounts){0};
    *(rows->kind == ROWS_INSERT   ? &counts->inserts
      : rows->kind == ROWS_UPDATE ? &counts->updates
                                  : &counts->deletes) = n;
    return true;
}

static ImageColumns image_columns(const uint8_t *present, unsigned n, bool full)
{
    unsigned held = full ? n : 0;
    for (unsigned i = 0; !full && i < n; i++)
        held += bitmap_has(present, i);
    return (ImageColumns){full ? NULL : present, (held + 7) / 8};
}

static bool parts_only(const TableMapping *mapping, GError **error)
{
    g_set_error(
        error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
        "table %s.%s: the log holds parts of rows only; set binlog_row_image=FULL at the source, then resync the table",
        mapping->table->database, mapping->table->name);
    return false;
}

/* MariaDB 11.8 leaves generated columns, also hidden ones, out of both images of updates and of those of deletes,
 * whatever binlog_row_image says [tried]; 10.11 does not. `after`: the image becomes a row, whose columns are all needed. */
static bool image_suffices(const TableMapping *mapping, const uint8_t *present, bool after, GError **error)
{
    const SourceTable *table = mapping->table;
    for (unsigned i = 0; i < mapping->n_columns; i++) {
        const SourceColumn *column = &table->columns[i];
        if (bitmap_has(present, i) || (column->generated && !mapping->writers[i].in_key &&
                                       (!after || mapping->writers[i].excluded)))
            continue;
        if (column->generated)
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                        "table %s.%s, column %s: " MAPPING_GENERATED_LEFT_OUT "; " MAPPING_GENERATED_MEND
                        ", then resync the table",
                        table->database, table->name, column->name);
        else
            parts_only(mapping, error);
        return false;
    }
    return true;
}

static bool event_check(const TableMapping *mapping, const RowsEvent *rows, GError **error)
{
    const SourceTable *table = mapping->table;
    if (rows->n_columns != mapping->n_wire) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE,
                    "table %s.%s: a rows event has %u columns, its table map %u", table->database, table->name,
                    rows->n_columns, mapping->n_wire);
        return false;
    }
    if (G_LIKELY(rows->full))
        return true;
    if (mapping->row_end >= 0 && !(bitmap_has(rows->present, (unsigned)mapping->row_end) &&
                                   bitmap_has(rows->present_after, (unsigned)mapping->row_end)))
        return parts_only(mapping, error);
    return image_suffices(mapping, rows->present, rows->kind == ROWS_INSERT, error) &&
           (rows->kind != ROWS_UPDATE || image_suffices(mapping, rows->present_after, true, error));
}

bool mapping_append_event(TableMapping *mapping, Block *block, const RowsEvent *rows, uint64_t version_base,
                          int64_t synced_nsec, RowCounts *counts, GError **error)
{
    uint64_t n_rows = block->n_rows;
    *counts = (RowCounts){0};
    if (rows->rows == rows->end) /* ends a statement */
        return true;
    g_assert(mapping->bound);
    if (!event_check(mapping, rows, error))
        return false;
    block_begin(mapping, block);
    mapping->columns_before = image_columns(rows->present, rows->n_columns, rows->full);
    mapping->columns_after = image_columns(rows->present_after, rows->n_columns, rows->full);
    mapping->reading_diffs = rows->partial_json;
    bool versioned = mapping->row_end >= 0 && RULE_HOLDS("system-versioned-history");
    if (versioned)
        versioning_last_moment(rows->timestamp_max, mapping->last_moment);
    bool good = versioned ? append_versioned_rows(mapping, block, rows, version_base, counts, error)
                          : append_rows(mapping, block, rows, version_base, counts, error);
    if (rows->partial_json)
        forget_diffs(mapping);
    if (!good) {
        block_take_back(mapping, block, n_rows);
        return false;
    }
    append_source(mapping, block, block->n_rows - n_rows);
    append_synced_at(mapping, block, block->n_rows - n_rows, synced_nsec);
    return true;
}

/* Binary protocol row: 0x00, a bitmap of NULLs that begins at bit 2, the values (MariaDB Knowledge Base "Resultset
 * row"). */
static bool append_result(TableMapping *mapping, Block *block, const uint8_t *packet, size_t len, uint64_t version,
                          GError **error)
{
    const uint8_t *p = packet, *end = packet + len;
    size_t bitmap_size = (mapping->n_columns + 7 + 2) / 8;
    if (len < 1 + bitmap_size || packet[0] != 0)
        return row_overrun(mapping, error), false;
    const uint8_t *nulls = packet + 1;
    p += 1 + bitmap_size;
    ColumnWriter *writer = mapping->writers;
    BlockColumn *out = block->columns;
    for (unsigned i = 0; i < mapping->n_columns; i++, writer++) {
        if (G_UNLIKELY(writer->excluded)) { /* SELECT NULL */
            if (!bitmap_has(nulls, i + 2))
                return row_overrun(mapping, error), false;
            continue;
        }
        p = append_cell(writer, writer->write_result, bitmap_has(nulls, i + 2), p, end, out++);
        if (G_UNLIKELY(!p))
            return cell_error(mapping, i, error), false;
    }
    if (p != end)
        return row_overrun(mapping, error), false;
    append_version(mapping, block, version, 0);
    return true;
}

bool mapping_append_result(TableMapping *mapping, Block *block, const uint8_t *packet, size_t len, uint64_t version,
                           int64_t synced_nsec, GError **error)
{
    uint64_t n_rows = block->n_rows;
    block_begin(mapping, block);
    if (!append_result(mapping, block, packet, len, version, error)) {
        block_take_back(mapping, block, n_rows);
        return false;
    }
    append_source(mapping, block, 1);
    append_synced_at(mapping, block, 1, synced_nsec);
    return true;
}
