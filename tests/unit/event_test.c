/* Small events, as a MariaDB 10.11 wrote them, and MySQL's by their documented layout. */
#include "mysql/event.h"

#include "mysql/wire_private.h"
#include "wire_test.h"

static void test_query(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL;
    QueryEvent query;
    BinlogEvent event = event_from_hex(BINLOG_QUERY,
                                       "07000000000000000100001a0000000000010100000000000000000603737464042100"
                                       "21002d0077006372656174652064617461626173652077",
                                       &body);
    g_assert_true(query_event_parse(&event, &query, &error));
    g_assert_cmpmem(query.database, query.database_len, "w", 1);
    g_assert_cmpmem(query.sql, query.sql_len, "create database w", 17);
    g_assert_cmpuint(query.client_charset, ==, 33);
    g_assert_cmpuint(query.sql_mode, ==, 0);
    for (size_t n = 0; n < event.body_len - 17; n++) {
        g_autofree uint8_t *cut = g_memdup2(body, n ? n : 1);
        BinlogEvent cut_event = event;
        cut_event.body = cut;
        cut_event.body_len = n;
        g_assert_false(query_event_parse(&cut_event, &query, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_clear_error(&error);
    }
}

static void test_query_modes(void)
{
    g_autoptr(GError) error = NULL;
    QueryEvent query;
    /* sql_mode ANSI_QUOTES | NO_BACKSLASH_ESCAPES, a status variable that is not known, no database */
    uint8_t body[] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0x18, 0x05, 11, 0, 1, 4, 0, 16, 0, 0, 0, 0, 0, 200, 1, 0, 'X'};
    BinlogEvent event = {.type = BINLOG_QUERY, .body = body, .body_len = sizeof body};
    g_assert_true(query_event_parse(&event, &query, &error));
    g_assert_cmpuint(query.sql_mode, ==, 0x100004);
    g_assert_cmpuint(query.error_code, ==, 0x518);
    g_assert_cmpuint(query.database_len, ==, 0);
    g_assert_cmpmem(query.sql, query.sql_len, "X", 1);
}

static void test_rotate(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL;
    RotateEvent rotate;
    BinlogEvent event = event_from_hex(BINLOG_ROTATE, "040000000000000062696e2e303030303032", &body);
    g_assert_true(rotate_event_parse(&event, &rotate, &error));
    g_assert_cmpuint(rotate.pos, ==, 4);
    g_assert_cmpstr(rotate.file, ==, "bin.000002");
    g_assert_true(rotate.file == g_intern_string("bin.000002"));
    event.body_len = 8;
    g_assert_false(rotate_event_parse(&event, &rotate, &error));
}

static void test_gtid_mariadb(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL;
    GtidEvent gtid;
    BinlogEvent event = event_from_hex(BINLOG_GTID_MARIADB, "01000000000000000200000029000000000000", &body);
    event.server_id = 7;
    g_assert_true(gtid_event_parse(&event, SOURCE_MARIADB, &gtid, &error));
    g_assert_cmpstr(gtid.text, ==, "2-7-1");
    g_assert_cmpuint(gtid.flags & (GTID_FLAG_DDL | GTID_FLAG_STANDALONE), ==, GTID_FLAG_DDL | GTID_FLAG_STANDALONE);
    g_assert_false(gtid.is_prepared_xa);
    g_assert_false(gtid_event_parse(&event, SOURCE_MYSQL, &gtid, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
}

static void test_gtid_mysql(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL, *anonymous = NULL;
    GtidEvent gtid;
    /* flags, uuid, gno 23, clock type 2, two clocks, commit time with the mark of an original one, original one */
    const char *hex = "01"
                      "3e11fa4771ca11e19e33c80aa9429562"
                      "1700000000000000"
                      "02"
                      "00000000000000000100000000000000"
                      "10000000000080"
                      "0f000000000000";
    BinlogEvent event = event_from_hex(BINLOG_GTID_MYSQL, hex, &body);
    g_assert_true(gtid_event_parse(&event, SOURCE_MYSQL, &gtid, &error));
    g_assert_cmpstr(gtid.text, ==, "3e11fa47-71ca-11e1-9e33-c80aa9429562:23");
    g_assert_cmpuint(gtid.immediate_commit_usec, ==, 16);
    g_assert_cmpuint(gtid.original_commit_usec, ==, 15);
    event = event_from_hex(BINLOG_ANONYMOUS_GTID, hex, &anonymous);
    g_assert_true(gtid_event_parse(&event, SOURCE_MYSQL, &gtid, &error));
    g_assert_cmpstr(gtid.text, ==, "");
}

/* gtid_next='AUTOMATIC:foo' of a MySQL 9.7: the second one with that tag. */
static void test_gtid_tagged(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *body = NULL;
    GtidEvent gtid;
    BinlogEvent event =
        event_from_hex(BINLOG_GTID_TAGGED,
                       "026e00000002bafa6d021a9d03b622c5039d02250304f1030000000204080606666f6f08100a240c"
                       "7fce8ae422f460061065051283120b",
                       &body);
    g_assert_true(gtid_event_parse(&event, SOURCE_MYSQL, &gtid, &error));
    g_assert_cmpstr(gtid.text, ==, "5d7d9b0d-e75b-11f1-a7c9-02fc00000001:foo:2");
    g_assert_cmpuint(gtid.immediate_commit_usec, ==, 1795451533953742);
    for (size_t n = 0; n < event.body_len; n++) {
        g_autofree uint8_t *cut = g_memdup2(body, n ? n : 1);
        BinlogEvent cut_event = event;
        cut_event.body = cut;
        cut_event.body_len = n;
        g_assert_false(gtid_event_parse(&cut_event, SOURCE_MYSQL, &gtid, &error));
        g_clear_error(&error);
    }
}

static void test_xa_prepare(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xid = NULL;
    bool one_phase;
    uint8_t body[] = {0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 'a', 'b', 'c'};
    BinlogEvent event = {.type = BINLOG_XA_PREPARE, .body = body, .body_len = sizeof body};
    g_assert_true(xa_prepare_event_parse(&event, &one_phase, &xid, &error));
    g_assert_cmpstr(xid, ==, "X'6162',X'63',1");
    g_assert_false(one_phase);
    event.body_len--;
    g_assert_false(xa_prepare_event_parse(&event, &one_phase, &xid, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
}

/* Positions beyond what 32 bits hold. */
static void test_long_positions(void)
{
    const uint64_t gib4 = (uint64_t)1 << 32;
    g_assert_cmpuint(wire_extend32(4, 256), ==, 256);
    g_assert_cmpuint(wire_extend32(256, 256), ==, 256);
    g_assert_cmpuint(wire_extend32(gib4 - 100, 50), ==, gib4 + 50);
    g_assert_cmpuint(wire_extend32(gib4 + 50, 60), ==, gib4 + 60);
    g_assert_cmpuint(wire_extend32(3 * gib4 - 1, 0), ==, 3 * gib4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event/query", test_query);
    g_test_add_func("/event/query_modes", test_query_modes);
    g_test_add_func("/event/rotate", test_rotate);
    g_test_add_func("/event/gtid_mariadb", test_gtid_mariadb);
    g_test_add_func("/event/gtid_mysql", test_gtid_mysql);
    g_test_add_func("/event/gtid_tagged", test_gtid_tagged);
    g_test_add_func("/event/xa_prepare", test_xa_prepare);
    g_test_add_func("/event/long_positions", test_long_positions);
    return g_test_run();
}
