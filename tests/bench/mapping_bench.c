/* Nanoseconds a row from event bytes and from result rows into blocks, for sysbench's row and a wide one.
 * usage: mapping_bench [ROUNDS]
 */
#include "mapping_fixture.h"
#include <time.h>

#define ROWS 50000 /* a block's worth, so that its buffers do not stay in the nearest cache */

static const char *const colours[] = {"red", "green", "blue", NULL};

static const FixtureColumn sysbench[] = {
    {.name = "id", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
    {.name = "k", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG},
    {.name = "c",
     .type = SOURCE_TYPE_CHAR,
     .type_text = "char(120)",
     .precision = 120,
     .charset = "utf8mb4",
     .wire_type = WIRE_STRING,
     .wire_meta = 480},
    {.name = "pad",
     .type = SOURCE_TYPE_CHAR,
     .type_text = "char(60)",
     .precision = 60,
     .charset = "utf8mb4",
     .wire_type = WIRE_STRING,
     .wire_meta = 240},
};

#define INT(n, null)                                                                                                   \
    {                                                                                                                  \
        .name = n, .type = SOURCE_TYPE_INT, .type_text = "int(11)", .nullable = null, .wire_type = WIRE_LONG           \
    }
#define BIGINT(n)                                                                                                      \
    {                                                                                                                  \
        .name = n, .type = SOURCE_TYPE_BIGINT, .type_text = "bigint(20)", .nullable = true, .wire_type = WIRE_LONGLONG \
    }
#define DECIMAL(n, p, s)                                                                                               \
    {                                                                                                                  \
        .name = n, .type = SOURCE_TYPE_DECIMAL, .type_text = "decimal", .nullable = true, .precision = p, .scale = s,  \
        .wire_type = WIRE_NEWDECIMAL, .wire_meta = p << 8 | s                                                          \
    }
#define VARCHAR(n, set)                                                                                                \
    {                                                                                                                  \
        .name = n, .type = SOURCE_TYPE_VARCHAR, .type_text = "varchar(40)", .nullable = true, .precision = 40,         \
        .charset = set, .wire_type = WIRE_VARCHAR, .wire_meta = 160                                                    \
    }
#define DATETIME(n, f)                                                                                                 \
    {                                                                                                                  \
        .name = n, .type = SOURCE_TYPE_DATETIME, .type_text = "datetime", .nullable = true, .scale = f,                \
        .wire_type = WIRE_DATETIME2, .wire_meta = f                                                                    \
    }

static const FixtureColumn wide[] = {
    INT("id", false),
    INT("a", true),
    INT("b", true),
    BIGINT("c"),
    BIGINT("d"),
    {.name = "e", .type = SOURCE_TYPE_TINYINT, .type_text = "tinyint(4)", .nullable = true, .wire_type = WIRE_TINY},
    {.name = "f", .type = SOURCE_TYPE_SMALLINT, .type_text = "smallint(6)", .nullable = true, .wire_type = WIRE_SHORT},
    {.name = "g",
     .type = SOURCE_TYPE_MEDIUMINT,
     .type_text = "mediumint(9)",
     .nullable = true,
     .wire_type = WIRE_INT24},
    DECIMAL("h", 10, 2),
    DECIMAL("i", 18, 4),
    DECIMAL("j", 30, 10),
    {.name = "k", .type = SOURCE_TYPE_FLOAT, .type_text = "float", .nullable = true, .wire_type = WIRE_FLOAT},
    {.name = "l", .type = SOURCE_TYPE_DOUBLE, .type_text = "double", .nullable = true, .wire_type = WIRE_DOUBLE},
    {.name = "m", .type = SOURCE_TYPE_DATE, .type_text = "date", .nullable = true, .wire_type = WIRE_DATE},
    DATETIME("n", 0),
    DATETIME("o", 6),
    {.name = "p",
     .type = SOURCE_TYPE_TIMESTAMP,
     .type_text = "timestamp",
     .nullable = true,
     .wire_type = WIRE_TIMESTAMP2},
    {.name = "q", .type = SOURCE_TYPE_TIME, .type_text = "time", .nullable = true, .wire_type = WIRE_TIME2},
    {.name = "r", .type = SOURCE_TYPE_YEAR, .type_text = "year(4)", .nullable = true, .wire_type = WIRE_YEAR},
    VARCHAR("s", "utf8mb4"),
    VARCHAR("t", "utf8mb4"),
    VARCHAR("u", "latin1"),
    VARCHAR("v", "utf8mb4"),
    {.name = "w",
     .type = SOURCE_TYPE_TEXT,
     .type_text = "text",
     .nullable = true,
     .charset = "utf8mb4",
     .wire_type = WIRE_BLOB,
     .wire_meta = 2},
    {.name = "x",
     .type = SOURCE_TYPE_ENUM,
     .type_text = "enum",
     .nullable = true,
     .labels = colours,
     .wire_type = WIRE_ENUM,
     .wire_meta = 1},
    {.name = "y",
     .type = SOURCE_TYPE_BLOB,
     .type_text = "blob",
     .nullable = true,
     .wire_type = WIRE_BLOB,
     .wire_meta = 2},
    {.name = "z",
     .type = SOURCE_TYPE_BIT,
     .type_text = "bit(8)",
     .nullable = true,
     .precision = 8,
     .wire_type = WIRE_BIT,
     .wire_meta = 0x0108},
    INT("zz", true),
};

static SourceTime some_time(unsigned row)
{
    return (SourceTime){.year = 2000 + row % 26,
                        .month = (uint8_t)(1 + row / 7 % 12),
                        .day = (uint8_t)(1 + row % 28),
                        .hour = row % 24,
                        .minute = (uint8_t)(row % 60),
                        .second = (uint8_t)(row / 3 % 60)};
}

static void put_decimal(GByteArray *event, GByteArray *result, const FixtureColumn *c, unsigned row)
{
    size_t n = wire_decimal_size(c->precision, c->scale);
    uint8_t bytes[32] = {0};
    bytes[0] = 0x80;
    bytes[n - 1] = (uint8_t)(row % 100);
    g_byte_array_append(event, bytes, (guint)n);
    g_autofree char *text = g_strdup_printf("%u.%02u", row % 1000, row % 100);
    put_string(result, text, strlen(text), 0);
}

/* One value, the same in both ways as far as its cost goes. */
static void put_value(GByteArray *event, GByteArray *result, const FixtureColumn *c, unsigned row)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-"
                                  "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxyz";
    SourceTime t = some_time(row);
    size_t len;
    switch (c->wire_type) {
    case WIRE_STRING:
        len = c->precision;
        put_string(event, letters, len, c->wire_meta > 255 ? 2 : 1);
        put_string(result, letters, len, 0);
        break;
    case WIRE_VARCHAR:
    case WIRE_BLOB:
        len = 10 + row % 20;
        put_string(event, letters, len, c->wire_type == WIRE_BLOB ? c->wire_meta : 1);
        put_string(result, letters, len, 0);
        break;
    case WIRE_NEWDECIMAL:
        put_decimal(event, result, c, row);
        break;
    case WIRE_DATE:
        put_date(event, &t);
        put_result_datetime(result, &t, false);
        break;
    case WIRE_DATETIME2:
        t.usec = c->scale ? row : 0;
        put_datetime2(event, &t, c->scale);
        put_result_datetime(result, &t, true);
        break;
    case WIRE_TIMESTAMP2:
        put_timestamp2(event, 1700000000 + row, 0, 0);
        put_result_datetime(result, &t, true);
        break;
    case WIRE_TIME2:
        put_time2(event, &t, 0);
        put_result_time(result, &t);
        break;
    case WIRE_INT24:
        put_le(event, row, 3);
        put_le(result, row, 4);
        break;
    case WIRE_YEAR:
        put_le(event, 100, 1);
        put_le(result, 2000, 2);
        break;
    case WIRE_ENUM:
        put_le(event, 1 + row % 3, 1);
        put_le(result, 1 + row % 3, 8);
        break;
    case WIRE_BIT:
        put_le(event, row % 256, 1);
        put_le(result, 1, 1);
        put_le(result, row % 256, 1);
        break;
    default:
        len = c->wire_type == WIRE_TINY                                 ? 1
              : c->wire_type == WIRE_SHORT                              ? 2
              : c->wire_type == WIRE_LONG || c->wire_type == WIRE_FLOAT ? 4
                                                                        : 8;
        put_le(event, row, (unsigned)len);
        put_le(result, row, (unsigned)len);
        break;
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef struct {
    TableMapping *mapping;
    Block *block;
    RowsEvent event;
    GByteArray *packets; /* one after another */
    GArray *ends;        /* of size_t */
} Bench;

static void run_event(Bench *b, RowsKind kind)
{
    RowsEvent rows = b->event;
    RowCounts counts;
    GError *error = NULL;
    rows.kind = kind;
    if (!mapping_append_event(b->mapping, b->block, &rows, 1, 1, &counts, &error))
        g_error("%s", error->message);
}

static void run_insert(Bench *b)
{
    run_event(b, ROWS_INSERT);
}

static void run_update(Bench *b) /* pairs of neighbours: every key changes */
{
    run_event(b, ROWS_UPDATE);
}

static void run_delete(Bench *b)
{
    run_event(b, ROWS_DELETE);
}

static void run_result(Bench *b)
{
    GError *error = NULL;
    size_t start = 0;
    for (guint i = 0; i < b->ends->len; i++) {
        size_t end = g_array_index(b->ends, size_t, i);
        if (!mapping_append_result(b->mapping, b->block, b->packets->data + start, end - start, 1, 1, &error))
            g_error("%s", error->message);
        start = end;
    }
}

static void measure(Bench *b, const char *name, void (*run)(Bench *), unsigned rounds)
{
    double best = 1e9;
    for (unsigned round = 0; round < rounds; round++) {
        block_clear(b->block);
        double start = seconds();
        run(b);
        best = MIN(best, seconds() - start);
    }
    g_print("  %-22s %7.1f ns/row   %6.2f M rows/s\n", name, best / ROWS * 1e9, ROWS / best / 1e6);
}

static void bench_table(const char *name, const FixtureColumn *columns, unsigned n, unsigned rounds)
{
    MappingSettings settings = fixture_settings();
    GByteArray *body = g_byte_array_new();
    Bench b = {.mapping = fixture_mapping(columns, n, 1, &settings),
               .packets = g_byte_array_new(),
               .ends = g_array_new(FALSE, FALSE, sizeof(size_t))};
    b.block = mapping_block_new(b.mapping, NULL);
    put_hex(body, "00");
    for (unsigned row = 0; row < ROWS; row++) {
        GByteArray *packet = b.packets;
        uint64_t nulls = 0;
        for (unsigned i = 1; i < n; i++) /* one in 16 nullable values is NULL */
            if (columns[i].nullable && (row * 7 + i * 5) % 16 == 0)
                nulls |= UINT64_C(1) << i;
        put_le(body, nulls, (n + 7) / 8);
        put_le(packet, 0, 1);
        put_le(packet, nulls << 2, (n + 9) / 8);
        for (unsigned i = 0; i < n; i++)
            if (!(nulls >> i & 1))
                put_value(body, packet, &columns[i], row);
        size_t end = packet->len;
        g_array_append_val(b.ends, end);
    }
    b.event = fixture_event(ROWS_INSERT, n, body);
    g_print("%s: %u columns, %.0f bytes a row in the event\n", name, n, (double)body->len / ROWS);
    measure(&b, "event, insert", run_insert, rounds);
    measure(&b, "event, key change (2)", run_update, rounds);
    measure(&b, "event, delete", run_delete, rounds);
    measure(&b, "result row", run_result, rounds);
    g_byte_array_unref(b.packets);
    g_array_unref(b.ends);
    block_free(b.block);
    mapping_free(b.mapping);
    g_byte_array_unref(body);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)g_ascii_strtoull(argv[1], NULL, 10) : 30;
    bench_table("sysbench", sysbench, G_N_ELEMENTS(sysbench), rounds);
    bench_table("wide", wide, G_N_ELEMENTS(wide), rounds);
    return 0;
}
