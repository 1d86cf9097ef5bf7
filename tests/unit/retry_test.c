/* What is retried and what fails: the table of lifecycle.md, with the texts of real servers. */
#include "pipe/retry.h"

#include "clickhouse/clickhouse.h"
#include "mysql/mysql.h"

#include <string.h>

static RetryDecision decide(GQuark domain, int code, const char *text, Side side)
{
    g_autoptr(GError) error = g_error_new_literal(domain, code, text);
    RetryDecision decision = retry_decide(error, side);
    /* Who has to act is told why and what to do. */
    if (decision.verdict == VERDICT_FAIL_PIPE || decision.verdict == VERDICT_FAIL_TABLE)
        g_assert_nonnull(decision.remedies[0]);
    g_assert_null(decision.remedies[G_N_ELEMENTS(decision.remedies) - 1]);
    return decision;
}

/* Error 1236, as MariaDB 10.11 and MySQL 9.7 (or their sources) word it. NULL: shown raw. */
static void test_1236(void)
{
#define PLACE                                                                                                          \
    "; the first event 'bin.000001' at 4, the last event read from 'bin.000002' at 1234, the last byte read from "     \
    "'bin.000002' at 1253."
    static const struct {
        const char *text, *cause, *remedy;
    } cases[] = {
        {"Could not find first log file name in binary log index file", "purged", "loaded again"},
        {"could not find next log" PLACE, "purged", "loaded again"},
        {"Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and "
         "required "
         "binlog files have been purged.",
         "purged", "loaded again"},
        {"The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary "
         "logs "
         "containing GTIDs that the slave requires.",
         "purged", "loaded again"},
        {"Cannot replicate because the source purged required binary logs. Replicate the missing transactions from "
         "elsewhere, or "
         "provision a new replica from backup. Consider increasing the source's binary log expiration period.",
         "purged", "loaded again"},
        {"The binlog on the master is missing the GTID 0-1-5 requested by the slave (even though a subsequent sequence "
         "number "
         "does exist), and GTID strict mode is enabled",
         "purged", "loaded again"},
        {"Could not open log file" PLACE, "gone or unreadable", "loaded again"},
        {"log event entry exceeded max_allowed_packet; Increase max_allowed_packet on master" PLACE,
         "max_allowed_packet", "SET GLOBAL max_allowed_packet"},
        {"log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source" PLACE,
         "max_allowed_packet", "SET GLOBAL max_allowed_packet"},
        {"Error: connecting slave requested to start from GTID 0-1-99, which is not in the master's binlog",
         "does not have the position", "loaded again"},
        {"Error: connecting slave requested to start from GTID 0-1-99, which is not in the master's binlog. Since the "
         "master's "
         "binlog contains GTIDs with higher sequence numbers, it probably means that the slave has diverged due to "
         "executing "
         "extra erroneous transactions",
         "does not have the position", "loaded again"},
        {"Slave has more GTIDs than the master has, using the master's SERVER_UUID. This may indicate that the end of "
         "the binary "
         "log was truncated or that the last binary log file was lost",
         "ahead of the server", "loaded again"},
        {"Replica has more GTIDs than the source has, using the source's SERVER_UUID. This may indicate that the end "
         "of the "
         "binary log was truncated or that the last binary log file was lost",
         "ahead of the server", "loaded again"},
        {"Client requested master to start replication from impossible position" PLACE, "ends before the position",
         "loaded again"},
        {"Client requested source to start replication from position > file size", "ends before the position",
         "loaded again"},
        {"bogus data in log event" PLACE, "corrupt", "loaded again"},
        {"corrupted data in log event" PLACE, "corrupt", "loaded again"},
        {"event read from binlog did not pass crc check" PLACE, "corrupt", "loaded again"},
        {"event read from binlog did not pass checksum algorithm check specified on --binlog-checksum option" PLACE,
         "corrupt", "loaded again"},
        {"Event crc check failed! Most likely there is event corruption." PLACE, "corrupt", "loaded again"},
        {"Found invalid event in binary log" PLACE, "corrupt", "loaded again"},
        {"binlog truncated in the middle of event; consider out of disk space on master" PLACE, "cut off",
         "loaded again"},
        {"Binary log is not open", "no binary log", "log_bin"},
        {"I/O error reading log event" PLACE, NULL, "retry"},
        {"memory allocation failed reading log event" PLACE, NULL, "retry"},
        {"event decryption failure" PLACE, NULL, "retry"},
        {"Slave can not handle replication events with the checksum that master is configured to log" PLACE, NULL,
         "retry"},
        {"Misconfigured master - server_id was not set", NULL, "retry"},
        {"some text of a server that is not written yet", NULL, "retry"},
        /* The names of log files say nothing. */
        {"I/O error reading log event; the first event 'purged.000001' at 4, the last event read from 'corrupt.000002' "
         "at 9, the "
         "last byte read from 'truncated.000002' at 12.",
         NULL, "retry"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        RetryDecision decision = decide(SOURCE_ERROR, 1236, cases[i].text, SIDE_SOURCE);
        if (!!decision.cause != !!cases[i].cause || (decision.cause && !strstr(decision.cause, cases[i].cause)) ||
            !strstr(decision.remedies[0], cases[i].remedy))
            g_error("%s: %s; %s", cases[i].text, decision.cause ? decision.cause : "(raw)", decision.remedies[0]);
        g_assert_cmpint(decision.verdict, ==, VERDICT_FAIL_PIPE);
        /* Only what was purged is loaded again without asking: not what may be another server, or damaged. */
        g_assert_cmpint(decision.log_gone, ==, g_strcmp0(cases[i].cause, "purged") == 0);
    }
}

static void test_thrown_out_by_another_reader(void)
{
    static const char *const texts[] = {
        "A slave with the same server_uuid/server_id as this slave has connected to the master; the first event "
        "'bin.000001' at 4",
        "A replica with the same server_uuid/server_id as this replica has connected to the source",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        RetryDecision decision = decide(SOURCE_ERROR, 1236, texts[i], SIDE_SOURCE);
        g_assert_cmpint(decision.verdict, ==, VERDICT_RETRY_OPERATOR);
        g_assert_nonnull(strstr(decision.cause, "another reader"));
        g_assert_nonnull(strstr(decision.remedies[0], "server_id"));
    }
}

static void expect_codes(GQuark domain, Side side, const int *codes, Verdict verdict)
{
    for (; *codes; codes++) {
        RetryDecision decision = decide(domain, *codes, "the server's own words", side);
        if (decision.verdict != verdict)
            g_test_message("code %d", *codes);
        g_assert_cmpint(decision.verdict, ==, verdict);
        g_assert_true((verdict == VERDICT_RETRY) == (decision.cause == NULL));
    }
}

#define SOURCE_CODES(verdict, ...) expect_codes(SOURCE_ERROR, SIDE_SOURCE, (const int[]){__VA_ARGS__, 0}, verdict)
#define DESTINATION_CODES(verdict, ...)                                                                                \
    expect_codes(CLICKHOUSE_ERROR, SIDE_DESTINATION, (const int[]){__VA_ARGS__, 0}, verdict)

static void test_source(void)
{
    /* Refused, unreachable, unknown host, gone away, lost, TLS; too many connections, handshake, shutting down, user
     * limits, lock wait, deadlock, killed, interrupted. */
    SOURCE_CODES(VERDICT_RETRY, 2002, 2003, 2005, 2006, 2013, 2026, 2055, 1040, 1043, 1053, 1077, 1079, 1158, 1159,
                 1160, 1161, 1203, 1226, 1205, 1213, 1317, 1927);
    /* Passwords rotate, grants come back. */
    SOURCE_CODES(VERDICT_RETRY_OPERATOR, 1044, 1045, 1129, 1130, 1142, 1143, 1227, 1698, 1820, 1862, 3118, 3159, 3955,
                 4151, 2059, 2061);
    SOURCE_CODES(VERDICT_FAIL_TABLE, 1146, 1054, 1051);
    SOURCE_CODES(VERDICT_FAIL_PIPE, 1049);
}

static void test_destination(void)
{
    /* Too many parts, memory limit, timeouts, network, read-only replica, no keeper, keeper session, too many queries,
     * full disk, few live replicas, unknown status of an insert, killed queries, too many mutations. */
    DESTINATION_CODES(VERDICT_RETRY, 252, 241, 159, 209, 210, 242, 225, 999, 202, 243, 285, 319, 394, 677, 692, 33,
                      1001);
    DESTINATION_CODES(VERDICT_RETRY_OPERATOR, 192, 193, 194, 497, 516, 164, 201);
    DESTINATION_CODES(VERDICT_FAIL_TABLE, 60, 218, 6, 8, 16, 20, 27, 43, 44, 47, 48, 53, 69, 70, 117, 131, 321, 349,
                      407, 469, 691);
    DESTINATION_CODES(VERDICT_FAIL_PIPE, 81);
    /* A disk quota, whatever call it struck. */
    RetryDecision quota = decide(CLICKHOUSE_ERROR, 74,
                                 "Code: 74. DB::ErrnoException: Cannot write to file: errno: 122, strerror: Disk "
                                 "quota exceeded: (while writing). (CANNOT_WRITE_TO_FILE_DESCRIPTOR)",
                                 SIDE_DESTINATION);
    g_assert_cmpint(quota.verdict, ==, VERDICT_FAIL_PIPE);
    g_assert_nonnull(strstr(quota.cause, "quota"));
    RetryDecision full = decide(CLICKHOUSE_ERROR, 243,
                                "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. "
                                "(NOT_ENOUGH_SPACE)",
                                SIDE_DESTINATION);
    g_assert_cmpint(full.verdict, ==, VERDICT_RETRY);
}

/* The side that reports it does not change what it is. */
static void test_own(void)
{
    static const struct {
        int code;
        Verdict verdict;
    } cases[] = {
        {SLUICE_ERROR_CANCELLED, VERDICT_CANCELLED}, {SLUICE_ERROR_TABLE, VERDICT_FAIL_TABLE},
        {SLUICE_ERROR_HISTORY, VERDICT_FAIL_PIPE},   {SLUICE_ERROR_SOURCE_SETUP, VERDICT_FAIL_PIPE},
        {SLUICE_ERROR_DECODE, VERDICT_FAIL_PIPE},    {SLUICE_ERROR_FAILED, VERDICT_FAIL_PIPE},
        {SLUICE_ERROR_CATALOG, VERDICT_RETRY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (Side side = SIDE_SOURCE; side <= SIDE_CATALOG; side++)
            g_assert_cmpint(decide(SLUICE_ERROR, cases[i].code, "words", side).verdict, ==, cases[i].verdict);
    g_assert_nonnull(
        strstr(decide(SLUICE_ERROR, SLUICE_ERROR_HISTORY, "words", SIDE_SOURCE).cause, "history was rewritten"));
}

static void test_others(void)
{
    /* A file with a password that is not there (yet): somebody has to put it there. */
    g_assert_cmpint(decide(G_FILE_ERROR, G_FILE_ERROR_NOENT, "words", SIDE_SOURCE).verdict, ==, VERDICT_RETRY_OPERATOR);
    g_assert_cmpint(decide(G_FILE_ERROR, G_FILE_ERROR_NOENT, "words", SIDE_DESTINATION).verdict, ==,
                    VERDICT_RETRY_OPERATOR);
    g_assert_cmpint(decide(G_FILE_ERROR, G_FILE_ERROR_NOSPC, "words", SIDE_CATALOG).verdict, ==, VERDICT_RETRY);
}

static void test_sides(void)
{
    g_assert_cmpstr(side_name(SIDE_SOURCE), ==, "source");
    g_assert_cmpstr(side_name(SIDE_DESTINATION), ==, "destination");
    g_assert_cmpstr(side_name(SIDE_CATALOG), ==, "catalog");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry/1236", test_1236);
    g_test_add_func("/retry/thrown-out-by-another-reader", test_thrown_out_by_another_reader);
    g_test_add_func("/retry/source", test_source);
    g_test_add_func("/retry/destination", test_destination);
    g_test_add_func("/retry/own", test_own);
    g_test_add_func("/retry/others", test_others);
    g_test_add_func("/retry/sides", test_sides);
    return g_test_run();
}
