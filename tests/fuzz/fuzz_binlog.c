/* fuzz_binlog.c - a server's stream of events: framing, checksums, files, compressed events and payloads, and what
 * stands in every event: GTIDs, statements, table maps, rows (stepped over).
 *
 * Input: a byte of flags, then events behind lengths of two bytes.
 */
#include "fuzz.h"

#include "mysql/ddl.h"
#include "mysql/frames_private.h"
#include "mysql/gtid.h"
#include "mysql/rows.h"
#include "mysql/wire_private.h"

#include <zlib.h>

enum {
    FLAG_MYSQL = 1,
    FLAG_REPAIR = 2,  /* lengths and checksums are made right: a mutation reaches what is behind them */
    FLAG_BY_FILE = 4, /* the stream began at a position */
};

typedef struct {
    SourceFlavour flavour;
    GtidSet *gtids;
    TableMap *map;
} State;

/* In place of GLib's, which keeps every name for ever. */
static GHashTable *names;
const char *g_intern_string(const char *text)
{
    char *known = g_hash_table_lookup(names, text);
    if (!known)
        g_hash_table_add(names, known = g_strdup(text));
    return known;
}

static void read_statement(const BinlogEvent *event)
{
    GError *error = NULL;
    QueryEvent query;
    bool good = query_event_parse(event, &query, &error);
    check_error(good, &error);
    if (!good)
        return;
    char *database = g_strndup(query.database, query.database_len);
    ddl_statement_free(ddl_parse(query.sql, query.sql_len, database, query.sql_mode));
    g_free(database);
}

static void read_gtid(State *state, const BinlogEvent *event)
{
    GError *error = NULL;
    GtidEvent gtid;
    bool good = gtid_event_parse(event, state->flavour, &gtid, &error);
    check_error(good, &error);
    if (!good || !gtid.text[0])
        return;
    gtid_set_add(state->gtids, &gtid);
    CHECK(gtid_set_contains(state->gtids, &gtid));
}

static void read_xa_prepare(const BinlogEvent *event)
{
    GError *error = NULL;
    bool one_phase;
    char *xid = NULL;
    check_error(xa_prepare_event_parse(event, &one_phase, &xid, &error), &error);
    g_free(xid);
}

static void read_table_map(State *state, const BinlogEvent *event)
{
    GError *error = NULL;
    uint64_t id;
    TableMap *map = table_map_parse(event, &error);
    check_error(map != NULL, &error);
    if (!map)
        return;
    CHECK(table_map_peek_id(event, &id, NULL) && id == map->table_id);
    table_map_free(state->map);
    state->map = map;
}

/* Steps over the values of an image; NULL when it does not fit. */
static const uint8_t *skip_image(const TableMap *map, const uint8_t *present, const uint8_t *p, const uint8_t *end)
{
    unsigned n = 0;
    for (unsigned i = 0; i < map->n_columns; i++)
        n += present[i / 8] >> (i % 8) & 1;
    const uint8_t *nulls = p;
    if ((size_t)(end - p) < (n + 7) / 8)
        return NULL;
    p += (n + 7) / 8;
    n = 0;
    for (unsigned i = 0; i < map->n_columns; i++) {
        if (!(present[i / 8] >> (i % 8) & 1))
            continue;
        bool is_null = nulls[n / 8] >> (n % 8) & 1;
        n++;
        if (is_null)
            continue;
        WireSize size = wire_size_function(&map->columns[i]);
        size_t len = size ? size(p, end, map->columns[i].meta) : SIZE_MAX;
        if (len == SIZE_MAX)
            return NULL;
        CHECK(len <= (size_t)(end - p));
        p += len;
    }
    return p;
}

static void read_rows(State *state, const BinlogEvent *event)
{
    GError *error = NULL;
    RowsEvent rows;
    bool good = rows_event_parse(event, &rows, &error);
    check_error(good, &error);
    if (!good || !state->map || rows.n_columns != state->map->n_columns || rows.n_columns == 0)
        return;
    CHECK(rows.body < rows.rows && rows.rows <= rows.end);
    for (const uint8_t *p = rows.rows; p && p < rows.end;) {
        const uint8_t *next = skip_image(state->map, rows.present, p, rows.end);
        if (next && rows.kind == ROWS_UPDATE)
            next = skip_image(state->map, rows.present_after, next, rows.end);
        if (next == p)
            break;
        p = next;
    }
}

static void read_event(State *state, const BinlogEvent *event)
{
    CHECK(event->start <= event->end && event->file);
    switch (event->type) {
    case BINLOG_QUERY:
    case BINLOG_EXECUTE_LOAD_QUERY:
        read_statement(event);
        break;
    case BINLOG_GTID_MARIADB:
    case BINLOG_GTID_MYSQL:
    case BINLOG_ANONYMOUS_GTID:
    case BINLOG_GTID_TAGGED:
        read_gtid(state, event);
        break;
    case BINLOG_XA_PREPARE:
        read_xa_prepare(event);
        break;
    case BINLOG_TABLE_MAP:
        read_table_map(state, event);
        break;
    default:
        if (rows_event_is(event->type))
            read_rows(state, event);
        break;
    }
}

static void put_le32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static void repair(uint8_t *bytes, size_t len, BinlogChecksum checksum)
{
    if (len < BINLOG_HEADER_LEN + 4)
        return;
    put_le32(bytes + 9, (uint32_t)len);
    if (checksum != CHECKSUM_CRC32)
        return;
    put_le32(bytes + len - 4, (uint32_t)crc32(0, bytes, (uInt)len - 4));
}

/* False when the stream ends. */
static bool push(State *state, BinlogFrames *frames, const uint8_t *bytes, size_t len)
{
    GError *error = NULL;
    BinlogEvent event = {0};
    bool good = binlog_frames_event(frames, bytes, len, &event, &error);
    check_error(good, &error);
    if (!good)
        return false;
    CHECK(event.raw == bytes && event.raw_len <= len);
    read_event(state, &event);
    for (;;) {
        PayloadNext next = binlog_frames_inside(frames, &event, &error);
        check_error(next != PAYLOAD_ERROR, &error);
        if (next != PAYLOAD_EVENT)
            return next == PAYLOAD_END;
        read_event(state, &event);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    unsigned flags = input_u8(&input);
    State state = {.flavour = flags & FLAG_MYSQL ? SOURCE_MYSQL : SOURCE_MARIADB};
    BinlogFrames frames;
    bool more = true;
    names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state.gtids = gtid_set_parse(state.flavour, "", NULL);
    binlog_frames_init(&frames, state.flavour, flags & FLAG_BY_FILE ? "bin.000001" : NULL, 4);
    while (more && input_left(&input)) {
        size_t len;
        uint8_t *bytes = input_piece(&input, &len);
        if (flags & FLAG_REPAIR)
            repair(bytes, len, frames.checksum);
        more = push(&state, &frames, bytes, len);
        free(bytes);
    }
    binlog_frames_clear(&frames);
    table_map_free(state.map);
    gtid_set_free(state.gtids);
    g_hash_table_unref(names);
    return 0;
}
