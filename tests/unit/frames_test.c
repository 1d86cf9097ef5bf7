#include "mysql/frames_private.h"
#include "base/error.h"

#include <string.h>
#include <zlib.h>

/* Events as bytes, with lengths and checksums made right. */
static GByteArray *event_new(unsigned type, unsigned flags, uint32_t next_pos)
{
    GByteArray *bytes = g_byte_array_new();
    uint8_t header[BINLOG_HEADER_LEN] = {0};
    header[4] = (uint8_t)type;
    header[5] = 7;
    for (unsigned i = 0; i < 4; i++)
        header[13 + i] = (uint8_t)(next_pos >> (8 * i));
    header[17] = (uint8_t)flags;
    return g_byte_array_append(bytes, header, sizeof header);
}

static void put(GByteArray *bytes, const void *data, size_t len)
{
    g_byte_array_append(bytes, data, (guint)len);
}

static void put_le32(GByteArray *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        put(bytes, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

static void finish(GByteArray *bytes, bool checksum)
{
    uint32_t len = bytes->len + (checksum ? 4 : 0);
    for (unsigned i = 0; i < 4; i++)
        bytes->data[9 + i] = (uint8_t)(len >> (8 * i));
    if (checksum)
        put_le32(bytes, (uint32_t)crc32(0, bytes->data, bytes->len));
}

/* Types 1 to 32 as servers tell of them; the algorithm (-1: the server knows none). */
static GByteArray *description(const char *version, int algorithm)
{
    static const uint8_t lengths[] = {56, 13, 0, 8, 0, 18, 0, 4, 4, 4, 4, 18, 0, 0,  84, 0,
                                      4,  26, 8, 0, 0, 0,  8, 8, 8, 2, 0, 0,  0, 10, 10, 10};
    char text[50] = {0};
    GByteArray *bytes = event_new(BINLOG_FORMAT_DESCRIPTION, BINLOG_FLAG_ARTIFICIAL, 0);
    g_strlcpy(text, version, sizeof text);
    put(bytes, (uint8_t[]){4, 0}, 2);
    put(bytes, text, sizeof text);
    put_le32(bytes, 0);
    put(bytes, (uint8_t[]){BINLOG_HEADER_LEN}, 1);
    put(bytes, lengths, sizeof lengths);
    if (algorithm >= 0)
        put(bytes, (uint8_t[]){(uint8_t)algorithm}, 1);
    finish(bytes, algorithm >= 0);
    return bytes;
}

static bool push(BinlogFrames *frames, GByteArray *bytes, BinlogEvent *event, GError **error)
{
    /* Of exactly that size: a sanitizer sees every byte read too far. */
    static uint8_t *copy;
    g_free(copy);
    copy = g_memdup2(bytes->data, bytes->len);
    bool good = binlog_frames_event(frames, copy, bytes->len, event, error);
    g_byte_array_unref(bytes);
    return good;
}

static void push_good(BinlogFrames *frames, GByteArray *bytes, BinlogEvent *event)
{
    GError *error = NULL;
    push(frames, bytes, event, &error);
    g_assert_no_error(error);
}

static void assert_refused(BinlogFrames *frames, GByteArray *bytes, const char *why)
{
    GError *error = NULL;
    BinlogEvent event;
    g_assert_false(push(frames, bytes, &event, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    g_assert_nonnull(strstr(error->message, why));
    g_clear_error(&error);
}

static GByteArray *xid(bool checksum)
{
    GByteArray *bytes = event_new(BINLOG_XID, 0, 1000);
    put(bytes, "\1\0\0\0\0\0\0\0", 8);
    finish(bytes, checksum);
    return bytes;
}

/* Whether a server writes checksums stands in the description, but for servers that know none. */
static void test_checksums(void)
{
    static const struct {
        const char *version;
        int algorithm;
    } servers[] = {
        {"5.0.86-log", -1},     {"5.1.73", -1},
        {"5.5.62-log", -1},     {"5.6.0", -1},
        {"5.6.1", 1},           {"5.6.51", 0},
        {"5.7.44", 1},          {"8.0.40", 1},
        {"9.7.4", 0},           {"5.2.14-MariaDB", -1},
        {"5.3.0-MariaDB", 1},   {"5.5.36-MariaDB", 0},
        {"10.0.11-MariaDB", 1}, {"10.11.18-MariaDB-log", 1},
        {"11.8.9-MariaDB", 0},  {"12.0.1-MariaDB", 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(servers); i++) {
        BinlogFrames frames;
        BinlogEvent event;
        binlog_frames_init(&frames, strstr(servers[i].version, "Maria") ? SOURCE_MARIADB : SOURCE_MYSQL, "bin.000001",
                           4);
        push_good(&frames, description(servers[i].version, servers[i].algorithm), &event);
        g_assert_cmpint(frames.checksum, ==, servers[i].algorithm == 1 ? CHECKSUM_CRC32 : CHECKSUM_NONE);
        g_assert_cmpuint(event.body_len, ==, 57 + 32 + (servers[i].algorithm >= 0));
        push_good(&frames, xid(servers[i].algorithm == 1), &event);
        g_assert_cmpuint(event.body_len, ==, 8);
        g_assert_cmpuint(event.end, ==, 1000);
        if (servers[i].algorithm == 1) {
            GByteArray *damaged = xid(true);
            damaged->data[20] ^= 1;
            assert_refused(&frames, damaged, "checksum does not match");
        }
        binlog_frames_clear(&frames);
    }
}

static void test_descriptions_refused(void)
{
    BinlogFrames frames;
    binlog_frames_init(&frames, SOURCE_MYSQL, "bin.000001", 4);
    GByteArray *ancient = event_new(BINLOG_START_V3, 0, 98);
    put(ancient, "\3\0", 2);
    finish(ancient, false);
    assert_refused(&frames, ancient, "other than version 4");
    assert_refused(&frames, description("5.1.15-ndb-6.1.24", -1), "MySQL 5.1 before 5.1.23");
    assert_refused(&frames, description("5.1.22", -1), "MySQL 5.1 before 5.1.23");
    assert_refused(&frames, description("8.0.40", 3), "algorithm");
    GByteArray *header = description("8.0.40", 0);
    header->data[BINLOG_HEADER_LEN + 56] = 27;
    assert_refused(&frames, header, "headers of another length");
    GByteArray *types = description("8.0.40", 0);
    types->data[BINLOG_HEADER_LEN + 57 + BINLOG_TABLE_MAP - 1] = 6;
    assert_refused(&frames, types, "type 19 begin with 6 bytes instead of 8");
    GByteArray *cut = event_new(BINLOG_FORMAT_DESCRIPTION, 0, 100);
    put(cut, "\4\0", 2);
    finish(cut, false);
    assert_refused(&frames, cut, "cut short");
    g_assert_cmpint(frames.checksum, ==, CHECKSUM_UNTOLD);
    binlog_frames_clear(&frames);
}

/* A server without one kind of events tells of no length for it. */
static void test_length_not_told(void)
{
    BinlogFrames frames;
    BinlogEvent event;
    binlog_frames_init(&frames, SOURCE_MARIADB, "bin.000001", 4);
    GByteArray *bytes = description("5.5.36-MariaDB", 0);
    memset(bytes->data + BINLOG_HEADER_LEN + 57 + BINLOG_WRITE_ROWS_V2 - 1, 0, 3);
    push_good(&frames, bytes, &event);
    binlog_frames_clear(&frames);
}

static void test_lengths_and_positions(void)
{
    BinlogFrames frames;
    binlog_frames_init(&frames, SOURCE_MYSQL, NULL, 0);
    g_assert_cmpstr(frames.file, ==, "");
    g_assert_cmpuint(frames.pos, ==, 4);
    GByteArray *bytes = xid(false);
    bytes->data[9]++;
    assert_refused(&frames, bytes, "length differs");
    assert_refused(&frames, g_byte_array_append(g_byte_array_new(), (const uint8_t *)"short", 5), "length differs");
    bytes = event_new(BINLOG_XID, 0, 20);
    put(bytes, "\1\0\0\0\0\0\0\0", 8);
    finish(bytes, false);
    frames.checksum = CHECKSUM_NONE;
    assert_refused(&frames, bytes, "cannot stand at");
    binlog_frames_clear(&frames);
}

/* Files of before an upgrade end time in 2038, whatever the server does that serves them now. */
static void test_end_of_time(void)
{
    static const struct {
        unsigned now;
        uint32_t max;
        const char *wrote;
        uint32_t expected;
    } cases[] = {
        {101119, INT32_MAX, "10.11.19-MariaDB-log", INT32_MAX},
        {110809, UINT32_MAX, "11.8.9-MariaDB-log", UINT32_MAX},
        {110809, UINT32_MAX, "10.11.19-MariaDB-log", INT32_MAX},
        {110809, UINT32_MAX, "11.4.2-MariaDB", INT32_MAX},
        {120002, UINT32_MAX, "11.5.1-MariaDB", UINT32_MAX},
        {110405, UINT32_MAX, "11.4.3-1-MariaDB-enterprise", UINT32_MAX},
        {110809, INT32_MAX, "11.8.9-MariaDB", INT32_MAX},
        {120100, UINT32_MAX, "12.1.0-MariaDB", UINT32_MAX},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SourceServer server = {.version = cases[i].now, .timestamp_max = cases[i].max};
        BinlogFrames frames;
        BinlogEvent event;
        binlog_frames_init(&frames, SOURCE_MARIADB, "bin.000001", 4);
        binlog_frames_set_server(&frames, &server);
        push_good(&frames, description(cases[i].wrote, 0), &event);
        push_good(&frames, xid(false), &event);
        g_assert_cmpuint(event.timestamp_max, ==, cases[i].expected);
        binlog_frames_clear(&frames);
    }
}

/* What is in an inner payload would be passed over. */
static void test_nested_payload(void)
{
    BinlogFrames frames;
    BinlogEvent event;
    GError *error = NULL;
    binlog_frames_init(&frames, SOURCE_MYSQL, "bin.000001", 4);
    frames.checksum = CHECKSUM_NONE;
    GByteArray *inner = event_new(BINLOG_TRANSACTION_PAYLOAD, 0, 0);
    put(inner, "\0", 1);
    finish(inner, false);
    GByteArray *outer = event_new(BINLOG_TRANSACTION_PAYLOAD, 0, 500);
    put(outer, (uint8_t[]){2, 3, 252, 255, 0, 1, 1, (uint8_t)inner->len, 0},
        9); /* not compressed, its size, end of the fields */
    put(outer, inner->data, inner->len);
    finish(outer, false);
    g_byte_array_unref(inner);
    push_good(&frames, outer, &event);
    g_assert_cmpint(binlog_frames_inside(&frames, &event, &error), ==, PAYLOAD_ERROR);
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    g_clear_error(&error);
    g_assert_cmpint(binlog_frames_inside(&frames, &event, &error), ==, PAYLOAD_END);
    binlog_frames_clear(&frames);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frames/checksums", test_checksums);
    g_test_add_func("/frames/descriptions_refused", test_descriptions_refused);
    g_test_add_func("/frames/length_not_told", test_length_not_told);
    g_test_add_func("/frames/lengths_and_positions", test_lengths_and_positions);
    g_test_add_func("/frames/end_of_time", test_end_of_time);
    g_test_add_func("/frames/nested_payload", test_nested_payload);
    return g_test_run();
}
