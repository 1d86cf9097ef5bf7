/* fuzz_rows.c - rows, from the bytes of events and of results into a block: the path that every value goes.
 *
 * Input: a byte that picks a table, three bytes of settings, then pieces of a type and a length of two bytes. The
 * tables are those of rows_plans.h, which real servers defined and described, and from 128 on one whose definition is
 * derived from the first table map of the input. The types of pieces are those of events, 0 for a row of a result, 1
 * for the end of a batch.
 */
#include "fuzz.h"

#include "derive.h"
#include "mapping/mapping.h"
#include "rows_plans.h"

enum { PIECE_RESULT = 0, PIECE_BATCH_END = 1 };

typedef struct {
    TableMapping *mapping;
    Block *block;
    SourceFlavour flavour;
    bool bound, versioned;
    MappingSettings settings;
} State;

/* Read once: definitions never change. */
static SourceTable *plan_table(size_t pick)
{
    static SourceTable *known[G_N_ELEMENTS(rows_plans)];
    if (!known[pick]) {
        json_t *json = json_loads(rows_plans[pick].definition, 0, NULL);
        CHECK(json);
        known[pick] = source_table_from_json(json, NULL);
        CHECK(known[pick]);
        json_decref(json);
    }
    return source_table_ref(known[pick]);
}

static uint8_t *plan_map(const RowsPlan *plan, size_t *len)
{
    *len = strlen(plan->map) / 2;
    uint8_t *bytes = malloc(*len);
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (uint8_t)(g_ascii_xdigit_value(plan->map[2 * i]) << 4 | g_ascii_xdigit_value(plan->map[2 * i + 1]));
    return bytes;
}

static MappingSettings read_settings(Input *input)
{
    unsigned a = input_u8(input), b = input_u8(input);
    return (MappingSettings){
        .tinyint1_bool = a & 1,
        .nullable_off = a & 2,
        .time_int64 = a & 4,
        .set_array = a & 8,
        .json_type = a & 16,
        .geometry_wkb = a & 32,
        .binary = (BinaryForm)((a >> 6) % 3),
        .zero_date = (ZeroDatePolicy)(b % 3),
        .out_of_range = (OutOfRangePolicy)((b >> 2) % 3),
        .column_prefix = "_peerdb_",
    };
}

/* Takes the table and makes its mapping; one that the mapping refuses has none. */
static void make_mapping(State *state, SourceTable *table)
{
    GError *error = NULL;
    state->mapping = mapping_new(table, &state->settings, &error);
    check_error(state->mapping != NULL, &error);
    if (state->mapping)
        state->block = mapping_block_new(state->mapping, NULL);
    source_table_unref(table);
}

/* The last TIMESTAMP(6) NOT NULL tells history from current rows; hidden where it is the last column of all. */
static void add_history(SourceTable *table, const TableMap *map)
{
    int end = -1;
    for (unsigned i = 0; i < map->n_columns; i++)
        if (map->columns[i].type == WIRE_TIMESTAMP2 && map->columns[i].meta == 6 && !map->columns[i].nullable)
            end = (int)i;
    if (end < 1)
        return;
    table->versioning = (Versioning){.on = true, .row_start = end - 1, .row_end = end};
    if (end != (int)table->n_columns - 1 || end < 2 || table->key[0] >= (unsigned)end - 1)
        return;
    table->versioning.row_start = table->versioning.row_end = -1;
    for (unsigned i = 0; i < 2; i++)
        source_column_clear(&table->columns[--table->n_columns]);
}

static void bind_map(State *state, const TableMap *map, bool times_as_text)
{
    GError *error = NULL;
    if (!state->mapping && !state->block) {
        SourceTable *table = derive_table(map, times_as_text);
        if (table && state->versioned)
            add_history(table, map);
        if (table)
            make_mapping(state, table);
    }
    if (!state->mapping)
        return;
    state->bound = mapping_bind(state->mapping, map, &error);
    check_error(state->bound, &error);
}

static void push_map(State *state, const uint8_t *body, size_t len, bool times_as_text)
{
    GError *error = NULL;
    BinlogEvent event = {.type = BINLOG_TABLE_MAP, .body = body, .body_len = len, .flavour = state->flavour};
    TableMap *map = table_map_parse(&event, &error);
    check_error(map != NULL, &error);
    if (map)
        bind_map(state, map, times_as_text);
    table_map_free(map);
}

/* ---- what holds of a block ---- */

/* Bytes that `n` strings take at the beginning of the buffer; SIZE_MAX when they do not fit. */
static size_t strings_size(const ByteBuffer *data, uint64_t n)
{
    size_t at = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t len = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (at == data->len || shift > 63)
                return SIZE_MAX;
            len |= (uint64_t)(data->data[at] & 0x7f) << shift;
            if (!(data->data[at++] & 0x80))
                break;
        }
        if (len > data->len - at)
            return SIZE_MAX;
        at += len;
    }
    return at;
}

static void check_array(const BlockColumn *column, uint64_t n_rows)
{
    uint64_t end = 0;
    CHECK(column->nulls.len == n_rows * sizeof end);
    for (uint64_t i = 0; i < n_rows; i++) {
        uint64_t next;
        memcpy(&next, column->nulls.data + i * sizeof next, sizeof next);
        CHECK(next >= end);
        end = next;
    }
    CHECK(column->data.len == (column->width ? end * column->width : strings_size(&column->data, end)));
}

static void check_block(const Block *block)
{
    for (unsigned i = 0; i < block->n_columns; i++) {
        const BlockColumn *column = &block->columns[i];
        if (column->array) {
            check_array(column, block->n_rows);
            continue;
        }
        if (column->nullable) {
            CHECK(column->nulls.len == block->n_rows);
            for (uint64_t row = 0; row < block->n_rows; row++)
                CHECK(column->nulls.data[row] <= 1);
        }
        CHECK(column->data.len ==
              (column->width ? block->n_rows * column->width : strings_size(&column->data, block->n_rows)));
    }
}

static bool count_piece(void *data, const void *bytes, size_t len)
{
    CHECK(!len || bytes);
    *(size_t *)data += len;
    return true;
}

static void end_batch(State *state)
{
    size_t size = 0;
    CHECK(block_write(state->block, count_piece, &size));
    CHECK(size == block_wire_size(state->block));
    block_clear(state->block);
    MappingCounters *counters = mapping_take_counters(state->mapping);
    g_free(counters);
}

/* ---- rows ---- */

static bool table_failed(GError **error, bool good)
{
    bool failed = !good;
    check_error(good, error);
    return failed;
}

static uint64_t count(const RowCounts *counts)
{
    return counts->inserts + counts->updates + counts->deletes;
}

/* False when the table has failed: nothing more is read of it. */
static bool push_rows(State *state, unsigned type, const uint8_t *body, size_t len)
{
    GError *error = NULL;
    RowsEvent rows;
    RowCounts counts;
    BinlogEvent event = {
        .type = type, .body = body, .body_len = len, .flavour = state->flavour, .timestamp_max = INT32_MAX};
    if (table_failed(&error, rows_event_parse(&event, &rows, &error)))
        return false;
    if (!state->bound)
        return true;
    uint64_t before = state->block->n_rows;
    size_t bytes = block_bytes(state->block);
    bool good = mapping_append_event(state->mapping, state->block, &rows, 1, 1, &counts, &error);
    check_block(state->block);
    if (good) {
        CHECK(state->block->n_rows - before >= count(&counts) && state->block->n_rows - before <= 2 * count(&counts));
        CHECK(rows.rows == rows.end || state->block->n_rows > before || mapping_table(state->mapping)->versioning.on);
    } else {
        CHECK(state->block->n_rows == before && block_bytes(state->block) == bytes);
        CHECK(error->domain == SLUICE_ERROR &&
              (error->code == SLUICE_ERROR_TABLE || error->code == SLUICE_ERROR_DECODE));
    }
    return !table_failed(&error, good);
}

static bool push_result(State *state, const uint8_t *packet, size_t len)
{
    GError *error = NULL;
    uint64_t before = state->block->n_rows;
    size_t bytes = block_bytes(state->block);
    bool good = mapping_append_result(state->mapping, state->block, packet, len, 1, 1, &error);
    check_block(state->block);
    CHECK(state->block->n_rows == before + good);
    if (!good)
        CHECK(block_bytes(state->block) == bytes);
    return !table_failed(&error, good);
}

static bool push_piece(State *state, unsigned type, const uint8_t *bytes, size_t len, bool times_as_text)
{
    if (type == BINLOG_TABLE_MAP) {
        push_map(state, bytes, len, times_as_text);
        return true;
    }
    if (!state->mapping)
        return false;
    if (type == PIECE_RESULT)
        return push_result(state, bytes, len);
    if (type == PIECE_BATCH_END)
        end_batch(state);
    else if (rows_event_is(type))
        return push_rows(state, type, bytes, len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    State state = {0};
    size_t len, pick = input_u8(&input);
    unsigned more = input_u8(&input);
    state.settings = read_settings(&input);
    state.flavour = more & 1 ? SOURCE_MYSQL : SOURCE_MARIADB;
    state.versioned = more & 8;
    if (pick < 128) {
        pick %= G_N_ELEMENTS(rows_plans);
        uint8_t *map = plan_map(&rows_plans[pick], &len);
        state.flavour = rows_plans[pick].is_mysql ? SOURCE_MYSQL : SOURCE_MARIADB;
        make_mapping(&state, plan_table(pick));
        if (!(more & 2))
            push_map(&state, map, len, false);
        free(map);
    }
    for (bool good = true; good && input_left(&input);) {
        unsigned type = input_u8(&input);
        uint8_t *bytes = input_piece(&input, &len);
        good = push_piece(&state, type, bytes, len, more & 4);
        free(bytes);
    }
    if (state.block && state.mapping)
        end_batch(&state);
    block_free(state.block);
    mapping_free(state.mapping);
    return 0;
}
