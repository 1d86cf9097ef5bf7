/* binlog_file.c - reads a binlog file as the stream reads what a server sends from it, or that, and prints what it
 * holds.
 *
 * usage: binlog_file FILE          text is taken for bytes, whatever its character set
 *        binlog_file URL NAME      of a server's logs the one of that name
 *
 * Rows go through the mapping, whose definition is derived from their table map; dates and times are kept as text. A
 * line each, of fields with tabs between, text in hexadecimal digits where it may hold anything:
 *
 *     version TEXT                        the server that wrote the file
 *     event TYPE                          each event, those inside payloads too
 *     gtid TEXT
 *     statement KIND DATABASE SQL         (the latter two hexadecimal)
 *     map DATABASE TABLE COLUMNS
 *     row TABLE insert|update|delete VALUE...   NULL, number, or x and hexadecimal digits; of a delete the key, and -
 * for the others refused TABLE MESSAGE               rows that a table fails for: no more of it is read, but what
 * follows is
 *
 * It ends with the line "end" and 0, or with the line "error MESSAGE" and 1: there the stream would end.
 */
#include "derive.h"
#include "mapping/mapping.h"
#include "mysql/ddl.h"
#include "mysql/frames_private.h"
#include "mysql/gtid.h"
#include "mysql/wire_private.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    TableMap *map;
    TableMapping *mapping; /* NULL: refused */
    Block *block;
    char *why;
} Table;

typedef struct {
    BinlogFrames frames;
    GHashTable *tables; /* id -> Table */
    GHashTable *failed; /* names of tables that have failed */
} Reader;

static void table_fail(Reader *reader, const char *name, const char *why)
{
    printf("refused\t%s\t%s\n", name, why);
    g_hash_table_add(reader->failed, g_strdup(name));
}

static void table_free(void *data)
{
    Table *table = data;
    block_free(table->block);
    mapping_free(table->mapping);
    table_map_free(table->map);
    g_free(table->why);
    g_free(table);
}

static void print_hex(const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", ((const uint8_t *)bytes)[i]);
}

/* ---- cells ---- */

typedef struct {
    size_t at, array_at; /* where the next cell begins */
} Cursor;

static size_t read_varuint(const uint8_t *p, size_t *at)
{
    size_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = p[(*at)++];
        value |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* An integer of `width` bytes with `scale` digits behind the point. */
static void print_integer(const uint8_t *p, unsigned width, bool is_signed, unsigned scale)
{
    uint8_t rest[32];
    char digits[128];
    unsigned n = 0;
    bool negative = is_signed && p[width - 1] & 0x80;
    unsigned carry = 1;
    for (unsigned i = 0; i < width; i++) {
        unsigned byte = negative ? (uint8_t)~p[i] + carry : p[i];
        carry = byte >> 8;
        rest[i] = (uint8_t)byte;
    }
    for (bool more = true; more || n <= scale; n++) {
        unsigned left = 0;
        more = false;
        for (unsigned i = width; i-- > 0;) {
            left = left << 8 | rest[i];
            rest[i] = (uint8_t)(left / 10);
            left %= 10;
            more |= rest[i] != 0;
        }
        digits[n] = (char)('0' + left);
    }
    if (negative)
        putchar('-');
    while (n-- > 0)
        printf("%c%s", digits[n], n == scale && scale ? "." : "");
}

static void print_float(const uint8_t *p, unsigned width)
{
    float f;
    double d;
    if (width == 4) {
        memcpy(&f, p, 4);
        printf("%.9g", (double)f);
    } else {
        memcpy(&d, p, 8);
        printf("%.17g", d);
    }
}

static void print_fixed(const BlockColumn *column, const uint8_t *p)
{
    const char *type = g_str_has_prefix(column->type, "Nullable(") ? column->type + 9 : column->type;
    unsigned precision, scale = 0;
    if (g_str_has_prefix(type, "Float"))
        print_float(p, column->width);
    else if (sscanf(type, "Decimal(%u, %u", &precision, &scale) == 2)
        print_integer(p, column->width, true, scale);
    else
        print_integer(p, column->width, type[0] == 'I', 0);
}

static void print_array(const BlockColumn *column, uint64_t row, Cursor *cursor)
{
    uint64_t end;
    memcpy(&end, column->nulls.data + row * sizeof end, sizeof end);
    putchar('x');
    print_hex(column->data.data + cursor->at, end * column->width - cursor->at);
    cursor->at = end * column->width;
}

static void print_cell(const BlockColumn *column, uint64_t row, Cursor *cursor, bool shown)
{
    if (column->array) {
        print_array(column, row, cursor);
        return;
    }
    size_t len = column->width ? column->width : read_varuint(column->data.data, &cursor->at);
    const uint8_t *p = column->data.data + cursor->at;
    cursor->at += len;
    if (!shown) {
        putchar('-');
    } else if (column->nullable && column->nulls.data[row]) {
        printf("NULL");
    } else if (column->width) {
        print_fixed(column, p);
    } else {
        putchar('x');
        print_hex(p, len);
    }
}

static void print_rows(const Table *table, const char *kind)
{
    enum { ADDED = 3, IS_DELETED_FROM_END = 2 };
    const Block *block = table->block;
    unsigned n = block->n_columns - ADDED;
    g_autofree Cursor *cursors = g_new0(Cursor, block->n_columns);
    for (uint64_t row = 0; row < block->n_rows; row++) {
        bool deleted = block->columns[block->n_columns - IS_DELETED_FROM_END].data.data[row];
        printf("row\t%s\t%s", table->map->table, deleted ? "delete" : kind);
        for (unsigned i = 0; i < n; i++) {
            putchar('\t');
            print_cell(&block->columns[i], row, &cursors[i],
                       !deleted || source_table_column_in_key(mapping_table(table->mapping), i));
        }
        putchar('\n');
    }
}

/* ---- events ---- */

static void make_mapping(Table *table)
{
    MappingSettings settings = {.column_prefix = "_peerdb_", .geometry_wkb = true};
    GError *error = NULL;
    SourceTable *definition = derive_table(table->map, true);
    if (!definition) {
        table->why = g_strdup("a table without columns");
        return;
    }
    table->mapping = mapping_new(definition, &settings, &error);
    source_table_unref(definition);
    if (table->mapping && !mapping_bind(table->mapping, table->map, &error))
        g_clear_pointer(&table->mapping, mapping_free);
    if (table->mapping)
        table->block = mapping_block_new(table->mapping, NULL);
    else
        table->why = g_strdup(error->message);
    g_clear_error(&error);
}

static bool read_table_map(Reader *reader, const BinlogEvent *event, GError **error)
{
    TableMap *map = table_map_parse(event, error);
    if (!map)
        return false;
    g_clear_pointer(&map->charsets, g_free);
    Table *table = g_new0(Table, 1);
    table->map = map;
    printf("map\t%s\t%s\t%u\n", map->database, map->table, map->n_columns);
    make_mapping(table);
    g_hash_table_insert(reader->tables, g_memdup2(&map->table_id, sizeof map->table_id), table);
    return true;
}

static bool read_rows(Reader *reader, const BinlogEvent *event, GError **error)
{
    static const char *const kinds[] = {[ROWS_INSERT] = "insert", [ROWS_UPDATE] = "update", [ROWS_DELETE] = "delete"};
    RowsEvent rows;
    RowCounts counts;
    GError *fault = NULL;
    if (!rows_event_parse(event, &rows, error))
        return false;
    Table *table = g_hash_table_lookup(reader->tables, &rows.table_id);
    if (!table)
        return rows.rows == rows.end || wire_error(error, "a rows event without its table map");
    if (g_hash_table_contains(reader->failed, table->map->table))
        return true;
    if (!table->mapping) {
        table_fail(reader, table->map->table, table->why);
        return true;
    }
    if (mapping_append_event(table->mapping, table->block, &rows, 0, 0, &counts, &fault)) {
        print_rows(table, kinds[rows.kind]);
        block_clear(table->block);
        return true;
    }
    if (!g_error_matches(fault, SLUICE_ERROR, SLUICE_ERROR_TABLE)) {
        g_propagate_error(error, fault);
        return false;
    }
    table_fail(reader, table->map->table, fault->message);
    g_error_free(fault);
    return true;
}

static bool read_statement(const BinlogEvent *event, GError **error)
{
    QueryEvent query;
    if (!query_event_parse(event, &query, error))
        return false;
    g_autofree char *database = g_strndup(query.database, query.database_len);
    g_autoptr(DdlStatement) statement = ddl_parse(query.sql, query.sql_len, database, query.sql_mode);
    printf("statement\t%u\t", statement->kind);
    print_hex(query.database, query.database_len);
    putchar('\t');
    print_hex(query.sql, query.sql_len);
    putchar('\n');
    return true;
}

static bool read_gtid(const BinlogEvent *event, GError **error)
{
    GtidEvent gtid;
    if (!gtid_event_parse(event, event->flavour, &gtid, error))
        return false;
    printf("gtid\t%s\n", gtid.text);
    return true;
}

/* As src/pipe/stream_events.c has it: what is not known is not passed over. */
static bool is_known(const BinlogEvent *event)
{
    static const uint8_t known[] = {
        BINLOG_STOP,
        BINLOG_APPEND_BLOCK,
        BINLOG_DELETE_FILE,
        BINLOG_INTVAR,
        BINLOG_ROTATE,
        BINLOG_RAND,
        BINLOG_USER_VAR,
        BINLOG_FORMAT_DESCRIPTION,
        BINLOG_XID,
        BINLOG_BEGIN_LOAD_QUERY,
        BINLOG_HEARTBEAT,
        BINLOG_ROWS_QUERY,
        BINLOG_PREVIOUS_GTIDS,
        36,
        37,
        BINLOG_XA_PREPARE,
        BINLOG_TRANSACTION_PAYLOAD,
        41,
        BINLOG_ANNOTATE_ROWS,
        BINLOG_CHECKPOINT,
        BINLOG_GTID_LIST,
    };
    return (event->flags & BINLOG_FLAG_IGNORABLE) || memchr(known, (int)event->type, sizeof known);
}

static bool read_event(Reader *reader, const BinlogEvent *event, GError **error)
{
    printf("event\t%u\n", event->type);
    if (rows_event_is(event->type))
        return read_rows(reader, event, error);
    switch (event->type) {
    case BINLOG_FORMAT_DESCRIPTION:
        g_hash_table_remove_all(reader->tables);
        return true;
    case BINLOG_TABLE_MAP:
        return read_table_map(reader, event, error);
    case BINLOG_QUERY:
    case BINLOG_EXECUTE_LOAD_QUERY:
        return read_statement(event, error);
    case BINLOG_GTID_MARIADB:
    case BINLOG_GTID_MYSQL:
    case BINLOG_ANONYMOUS_GTID:
    case BINLOG_GTID_TAGGED:
        return read_gtid(event, error);
    case BINLOG_INCIDENT:
        return wire_error(error, "an INCIDENT event: changes are missing from the log");
    case BINLOG_START_ENCRYPTION: /* a server takes it off what it sends */
        return wire_error(error, "the rest of the file is encrypted");
    default:
        return is_known(event) || wire_error(error, "an event of the unknown type %u; it may change rows", event->type);
    }
}

/* ---- from a server ---- */

/* Its events come until the next file's. */
static bool read_log(Reader *reader, const char *address, const char *name, GError **error)
{
    BinlogStart start = {.file = (char *)name,
                         .pos = BINLOG_FIRST_POSITION,
                         .server_id = 4242,
                         .replica_uuid = "00000000-0000-0000-0000-000000004242"};
    g_autoptr(Url) url = source_url_parse(address, error);
    g_autoptr(BinlogStream) stream = url ? binlog_stream_open(url, &start, NULL, NULL, error) : NULL;
    BinlogEvent event;
    if (!stream)
        return false;
    while (binlog_stream_next(stream, &event, error) == BINLOG_NEXT_EVENT) {
        if (strcmp(event.file, name) != 0 || event.type == BINLOG_HEARTBEAT)
            return true;
        if (!read_event(reader, &event, error))
            return false;
    }
    return false;
}

/* ---- the file ---- */

static bool push(Reader *reader, const uint8_t *bytes, size_t len, GError **error)
{
    BinlogEvent event = {0};
    PayloadNext next;
    if (!binlog_frames_event(&reader->frames, bytes, len, &event, error) || !read_event(reader, &event, error))
        return false;
    while ((next = binlog_frames_inside(&reader->frames, &event, error)) == PAYLOAD_EVENT)
        if (!read_event(reader, &event, error))
            return false;
    return next == PAYLOAD_END;
}

/* A copy of exactly the event's size, so that a sanitizer sees every byte read too far. */
static bool push_copy(Reader *reader, const uint8_t *bytes, size_t len, GError **error)
{
    uint8_t *copy = g_memdup2(bytes, len);
    bool good = push(reader, copy, len, error);
    g_free(copy);
    return good;
}

/* The version stands in the description: behind header and format, 50 bytes. */
static SourceFlavour print_version(const uint8_t *p, size_t len)
{
    enum { AT = BINLOG_HEADER_LEN + 2, LEN = 50 };
    char version[LEN + 1] = "";
    if (len >= AT + LEN && p[4] == BINLOG_FORMAT_DESCRIPTION)
        memcpy(version, p + AT, LEN);
    printf("version\t%s\n", version);
    return strstr(version, "MariaDB") || strstr(version, "-maria-") ? SOURCE_MARIADB : SOURCE_MYSQL;
}

static bool read_file(Reader *reader, const uint8_t *p, size_t len, GError **error)
{
    if (len >= 4 && memcmp(p,
                           "\xfd"
                           "bin",
                           4) == 0)
        return wire_error(error, "the file is encrypted");
    if (len < 4 || memcmp(p,
                          "\xfe"
                          "bin",
                          4) != 0)
        return wire_error(error, "no binlog file");
    Wire w = {p + BINLOG_FIRST_POSITION, p + len};
    SourceFlavour flavour = print_version(w.p, wire_left(&w));
    binlog_frames_init(&reader->frames, flavour, "file", BINLOG_FIRST_POSITION);
    while (wire_left(&w)) {
        size_t size = wire_left(&w) >= BINLOG_HEADER_LEN ? wire_read_le(w.p + 9, 4) : 0;
        if (size < BINLOG_HEADER_LEN || size > wire_left(&w))
            return wire_error(error, "the file is cut short within an event, at %zu", (size_t)(w.p - p));
        if (!push_copy(reader, w.p, size, error))
            return false;
        w.p += size;
    }
    return true;
}

static bool read_path(Reader *reader, const char *path, GError **error)
{
    g_autofree char *data = NULL;
    gsize len;
    return g_file_get_contents(path, &data, &len, error) && read_file(reader, (const uint8_t *)data, len, error);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    Reader reader = {.tables = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, table_free),
                     .failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    if (argc != 2 && argc != 3)
        return fprintf(stderr, "usage: binlog_file FILE, or URL NAME\n"), 2;
    bool good = argc == 2 ? read_path(&reader, argv[1], &error) : read_log(&reader, argv[1], argv[2], &error);
    if (good)
        puts("end");
    else
        printf("error\t%s\n", error->message);
    g_clear_error(&error);
    binlog_frames_clear(&reader.frames);
    g_hash_table_unref(reader.tables);
    g_hash_table_unref(reader.failed);
    return good ? 0 : 1;
}
