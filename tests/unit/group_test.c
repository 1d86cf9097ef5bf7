/* Where transactions begin and end: event sequences as MariaDB 10.11 and MySQL 9.7 write them. */
#include "pipe/group.h"

#include <string.h>
#include <zlib.h>

static const char *const action_names[] = {
    [GROUP_INSIDE] = "inside",     [GROUP_BEGINS] = "begins",
    [GROUP_ENDS] = "ends",         [GROUP_UNDONE] = "undone",
    [GROUP_BROKEN] = "broken",     [GROUP_UNDO_TO] = "undo to",
    [GROUP_PREPARED] = "prepared", [GROUP_UNDO_UNKNOWN] = "undo unknown",
};

static const struct {
    const char *word;
    unsigned type;
} words[] = {
    {"gtid", BINLOG_GTID_MARIADB},
    {"gtid standalone", BINLOG_GTID_MARIADB},
    {"gtid mysql", BINLOG_GTID_MYSQL},
    {"gtid anonymous", BINLOG_ANONYMOUS_GTID},
    {"map", BINLOG_TABLE_MAP},
    {"write", BINLOG_WRITE_ROWS_V1},
    {"annotate", BINLOG_ANNOTATE_ROWS},
    {"xid", BINLOG_XID},
    {"xa prepare", BINLOG_XA_PREPARE},
    {"xa one phase", BINLOG_XA_PREPARE},
    {"format", BINLOG_FORMAT_DESCRIPTION},
    {"rotate", BINLOG_ROTATE},
    {"heartbeat", BINLOG_HEARTBEAT},
    {"checkpoint", BINLOG_CHECKPOINT},
    {"gtid list", BINLOG_GTID_LIST},
    {"previous gtids", BINLOG_PREVIOUS_GTIDS},
    {"stop", BINLOG_STOP},
    {"payload", BINLOG_TRANSACTION_PAYLOAD},
    {"intvar", BINLOG_INTVAR},
};

typedef struct {
    const char *event;  /* one of `words`, else the text of a QUERY event */
    const char *action; /* expected; "undo to N" with the mark */
} Step;

static char *play_one(Group *group, const char *text, SourceFlavour flavour, uint64_t at)
{
    BinlogEvent event = {.type = BINLOG_QUERY,
                         .flavour = flavour,
                         .timestamp = 1700000000 + (uint32_t)at,
                         .file = g_intern_static_string("bin.000007"),
                         .start = 1000 + at * 50,
                         .end = 1050 + at * 50,
                         .raw = (const uint8_t *)text,
                         .raw_len = strlen(text),
                         .crc = (uint32_t)crc32(0, (const Bytef *)text, (uInt)strlen(text))};
    g_autoptr(DdlStatement) statement = NULL;
    GtidEvent gtid = {.seq = at};
    const uint8_t one_phase = g_str_equal(text, "xa one phase");
    unsigned mark = 99;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(words[i].word, text))
            event.type = words[i].type;
    bool starts = g_str_has_prefix(text, "gtid") && !g_str_equal(text, "gtid list");
    if (g_str_equal(text, "gtid standalone"))
        gtid.flags = GTID_FLAG_STANDALONE;
    if (event.type == BINLOG_XA_PREPARE) {
        event.body = &one_phase;
        event.body_len = 1;
    }
    if (event.type == BINLOG_QUERY)
        statement = ddl_parse(text, strlen(text), "shop", 0);
    GroupAction action = group_event(group, &event, flavour, statement, starts ? &gtid : NULL, &mark);
    if (action == GROUP_UNDO_TO)
        return g_strdup_printf("%s %u", action_names[action], mark);
    return g_strdup(action_names[action]);
}

static void play_on(Group *group, SourceFlavour flavour, const Step *steps)
{
    for (unsigned i = 0; steps[i].event; i++) {
        g_autofree char *action = play_one(group, steps[i].event, flavour, i);
        if (strcmp(action, steps[i].action) != 0)
            g_test_message("step %u: %s", i, steps[i].event);
        g_assert_cmpstr(action, ==, steps[i].action);
    }
}

/* Plays to the end, where no group is open. */
static void play(SourceFlavour flavour, const Step *steps)
{
    Group group;
    group_init(&group);
    play_on(&group, flavour, steps);
    g_assert_false(group.open);
    group_clear(&group);
}

#define MARIADB(...) play(SOURCE_MARIADB, (const Step[]){__VA_ARGS__, {NULL, NULL}})
#define MYSQL_9(...) play(SOURCE_MYSQL, (const Step[]){__VA_ARGS__, {NULL, NULL}})

static void test_outside_of_groups(void)
{
    MARIADB({"rotate", "inside"}, {"format", "inside"}, {"gtid list", "inside"}, {"checkpoint", "inside"},
            {"heartbeat", "inside"}, {"stop", "inside"}, {"xid", "inside"}, {"COMMIT", "inside"});
    MYSQL_9({"rotate", "inside"}, {"format", "inside"}, {"previous gtids", "inside"}, {"heartbeat", "inside"});
}

static void test_transactions(void)
{
    MARIADB({"gtid", "begins"}, {"annotate", "inside"}, {"map", "inside"}, {"write", "inside"}, {"xid", "ends"},
            {"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"COMMIT", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"BEGIN", "inside"}, {"map", "inside"}, {"write", "inside"}, {"xid", "ends"},
            {"gtid anonymous", "begins"}, {"BEGIN", "inside"}, {"map", "inside"}, {"write", "inside"},
            {"COMMIT", "ends"});
    /* The payload comes itself, then what is in it. */
    MYSQL_9({"gtid mysql", "begins"}, {"payload", "inside"}, {"BEGIN", "inside"}, {"map", "inside"},
            {"write", "inside"}, {"xid", "ends"});
}

static void test_standalone_statements(void)
{
    MARIADB({"gtid standalone", "begins"}, {"create table t (id int primary key)", "ends"},
            {"gtid standalone", "begins"}, {"truncate a", "ends"}, {"gtid standalone", "begins"}, {"intvar", "inside"},
            {"insert into t values (1)", "ends"});
    /* ALTER in two phases: each has a GTID of its own. */
    MARIADB({"gtid standalone", "begins"}, {"alter table a add column z int", "ends"}, {"gtid standalone", "begins"},
            {"alter table a add column z int", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"create table t (id int primary key)", "ends"}, {"gtid mysql", "begins"},
            {"DROP TABLE `t` /* generated by server */", "ends"});
}

static void test_create_select(void)
{
    MARIADB({"gtid", "begins"}, {"CREATE TABLE `cs` (\n  `x` int(1) NOT NULL\n)", "inside"}, {"annotate", "inside"},
            {"map", "inside"}, {"write", "inside"}, {"xid", "ends"});
    MARIADB({"gtid", "begins"}, {"CREATE OR REPLACE TABLE `cs2` (\n  `x` int(1) NOT NULL\n) ENGINE=MyISAM", "inside"},
            {"map", "inside"}, {"write", "inside"}, {"COMMIT", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"BEGIN", "inside"},
            {"CREATE TABLE `cs` (\n  `x` int NOT NULL\n) START TRANSACTION", "inside"}, {"map", "inside"},
            {"write", "inside"}, {"xid", "ends"});
}

static void test_rollback(void)
{
    MARIADB({"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"ROLLBACK", "undone"}, {"gtid", "begins"},
            {"xid", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"BEGIN", "inside"}, {"map", "inside"}, {"write", "inside"},
            {"ROLLBACK", "undone"});

    Group group;
    group_init(&group);
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){{"gtid", "begins"}, {"write", "inside"}, {"ROLLBACK", "undone"}, {NULL, NULL}});
    g_assert_false(group.logged_on);
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){{"gtid", "begins"}, {"write", "inside"}, {"xid", "ends"}, {NULL, NULL}});
    g_assert_true(group.logged_on);
    group_clear(&group);
}

static void test_savepoints(void)
{
    Group group;
    group_init(&group);
    play_on(&group, SOURCE_MARIADB, (const Step[]){{"gtid", "begins"}, {"write", "inside"}, {NULL, NULL}});
    g_assert_cmpuint(group.marks, ==, 1);
    g_assert_false(group.savepoints);
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){{"SAVEPOINT `s1`", "inside"},
                           {"write", "inside"},
                           {"SAVEPOINT `s2`", "inside"},
                           {"write", "inside"},
                           {NULL, NULL}});
    g_assert_cmpuint(group.marks, ==, 3);
    g_assert_true(group.savepoints);
    play_on(&group, SOURCE_MARIADB, (const Step[]){{"ROLLBACK TO `s1`", "undo to 1"}, {NULL, NULL}});
    g_assert_cmpuint(group.marks, ==, 2);
    /* It is still there after that; the one set later is not. */
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){{"ROLLBACK TO `s1`", "undo to 1"},
                           {"ROLLBACK TO `s2`", "undo unknown"},
                           {"xid", "ends"},
                           {"gtid", "begins"},
                           {NULL, NULL}});
    /* Each group begins without. */
    g_assert_cmpuint(group.marks, ==, 1);
    g_assert_false(group.savepoints);
    play_on(&group, SOURCE_MARIADB, (const Step[]){{"ROLLBACK TO `s1`", "undo unknown"}, {NULL, NULL}});
    group_clear(&group);
}

static void test_savepoints_of_the_same_name(void)
{
    /* The newer hides the older, and stays hidden behind one between them. */
    MARIADB({"gtid", "begins"}, {"write", "inside"}, {"SAVEPOINT `x`", "inside"}, {"write", "inside"},
            {"SAVEPOINT `y`", "inside"}, {"write", "inside"}, {"SAVEPOINT `x`", "inside"}, {"write", "inside"},
            {"ROLLBACK TO `x`", "undo to 3"}, {"ROLLBACK TO `y`", "undo to 2"}, {"ROLLBACK TO `x`", "undo unknown"},
            {"xid", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"BEGIN", "inside"}, {"SAVEPOINT `a`", "inside"}, {"write", "inside"},
            {"SAVEPOINT `A`", "inside"}, {"write", "inside"}, {"ROLLBACK TO `a`", "undo to 2"}, {"xid", "ends"});
}

static void test_names_of_savepoints_as_servers_compare_them(void)
{
    /* MariaDB 10.11 wrote just this: without case and accents. */
    MARIADB({"gtid", "begins"}, {"write", "inside"}, {"SAVEPOINT `É`", "inside"}, {"write", "inside"},
            {"ROLLBACK TO `é`", "undo to 1"}, {"ROLLBACK TO `E`", "undo to 1"}, {"ROLLBACK TO `f`", "undo unknown"},
            {"xid", "ends"});
    MARIADB({"gtid", "begins"}, {"SAVEPOINT `Ünïcode 漢`", "inside"}, {"ROLLBACK TO `UNICODE 漢`", "undo to 1"},
            {"SAVEPOINT `\xff\xfe`", "inside"}, {"ROLLBACK TO `\xff\xfe`", "undo to 2"}, {"xid", "ends"});
}

static void test_a_group_that_was_never_ended(void)
{
    Group group;
    group_init(&group);
    play_on(
        &group, SOURCE_MARIADB,
        (const Step[]){
            {"gtid", "begins"}, {"write", "inside"}, {"SAVEPOINT `s`", "inside"}, {"gtid", "broken"}, {NULL, NULL}});
    /* The new one is open, and nothing of the old is left in it. */
    g_assert_true(group.open);
    g_assert_cmpuint(group.gtid.seq, ==, 3);
    g_assert_cmpuint(group.marks, ==, 1);
    g_assert_false(group.savepoints);
    play_on(&group, SOURCE_MARIADB, (const Step[]){{"ROLLBACK TO `s`", "undo unknown"}, {"xid", "ends"}, {NULL, NULL}});
    group_clear(&group);

    MARIADB({"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"format", "broken"}, {"gtid list", "inside"},
            {"gtid", "begins"}, {"xid", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"BEGIN", "inside"}, {"write", "inside"}, {"rotate", "inside"},
            {"format", "broken"}, {"previous gtids", "inside"}, {"gtid mysql", "begins"},
            {"create table t (i int)", "ends"});
}

static void test_xa(void)
{
    MARIADB({"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"XA END X'71',X'',1", "inside"},
            {"xa prepare", "prepared"}, {"gtid standalone", "begins"}, {"XA COMMIT X'71',X'',1", "ends"});
    MARIADB({"gtid", "begins"}, {"write", "inside"}, {"XA END X'7132',X'',1", "inside"}, {"xa prepare", "prepared"},
            {"gtid standalone", "begins"}, {"XA ROLLBACK X'7132',X'',1", "undone"});
    /* One phase is an ordinary transaction there. */
    MARIADB({"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"xid", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"XA START X'71',X'',1", "inside"}, {"map", "inside"}, {"write", "inside"},
            {"XA END X'71',X'',1", "inside"}, {"xa prepare", "prepared"}, {"gtid mysql", "begins"},
            {"XA COMMIT X'71',X'',1", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"XA START X'71',X'',1", "inside"}, {"write", "inside"},
            {"XA END X'71',X'',1", "inside"}, {"xa one phase", "ends"});
    MYSQL_9({"gtid mysql", "begins"}, {"XA START X'71',X'',1", "inside"}, {"XA END X'71',X'',1", "inside"},
            {"XA PREPARE X'71',X'',1", "prepared"}, {"gtid mysql", "begins"}, {"XA ROLLBACK X'71',X'',1", "undone"});
}

static uint32_t print_of(const Step *steps, uint32_t *time)
{
    Group group;
    group_init(&group);
    play_on(&group, SOURCE_MARIADB, steps);
    uint32_t crc = group.crc;
    *time = group.time;
    group_clear(&group);
    return crc;
}

/* What a dump adds on its own does not count, all of the transaction does (replication.md, Versions). */
static void test_fingerprint(void)
{
    uint32_t time, again_time;
    uint32_t crc = print_of(
        (const Step[]){{"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"xid", "ends"}, {NULL, NULL}},
        &time);
    uint32_t again = print_of((const Step[]){{"gtid", "begins"},
                                             {"heartbeat", "inside"},
                                             {"map", "inside"},
                                             {"rotate", "inside"},
                                             {"write", "inside"},
                                             {"checkpoint", "inside"},
                                             {"xid", "ends"},
                                             /* nothing behind it changes it */
                                             {"checkpoint", "inside"},
                                             {"rotate", "inside"},
                                             {"gtid list", "inside"},
                                             {NULL, NULL}},
                              &again_time);
    g_assert_cmpuint(crc, !=, 0);
    g_assert_cmpuint(crc, ==, again);
    g_assert_cmpuint(time, ==, 1700000000);
    g_assert_cmpuint(time, ==, again_time);
    g_assert_cmpuint(print_of((const Step[]){{"rotate", "inside"},
                                             {"format", "inside"},
                                             {"gtid list", "inside"},
                                             {"gtid", "begins"},
                                             {"map", "inside"},
                                             {"write", "inside"},
                                             {"xid", "ends"},
                                             {NULL, NULL}},
                              &time),
                     ==, crc);
    /* Other bytes in the middle, another end, an event less. */
    g_assert_cmpuint(
        print_of(
            (const Step[]){
                {"gtid", "begins"}, {"map", "inside"}, {"annotate", "inside"}, {"xid", "ends"}, {NULL, NULL}},
            &time),
        !=, crc);
    g_assert_cmpuint(
        print_of(
            (const Step[]){
                {"gtid", "begins"}, {"map", "inside"}, {"write", "inside"}, {"COMMIT", "ends"}, {NULL, NULL}},
            &time),
        !=, crc);
    g_assert_cmpuint(
        print_of((const Step[]){{"gtid", "begins"}, {"write", "inside"}, {"xid", "ends"}, {NULL, NULL}}, &time), !=,
        crc);
}

static void test_fingerprint_starts_anew(void)
{
    Group group;
    group_init(&group);
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){{"gtid", "begins"}, {"write", "inside"}, {"xid", "ends"}, {NULL, NULL}});
    uint32_t crc = group.crc;
    g_assert_cmpstr(group.file, ==, "bin.000007");
    g_assert_cmpuint(group.start, ==, 1000);
    play_on(&group, SOURCE_MARIADB,
            (const Step[]){
                {"heartbeat", "inside"}, {"gtid", "begins"}, {"write", "inside"}, {"xid", "ends"}, {NULL, NULL}});
    g_assert_cmpuint(group.crc, ==, crc);
    g_assert_cmpuint(group.start, ==, 1050);
    g_assert_cmpuint(group.time, ==, 1700000001);
    group_clear(&group);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/group/outside", test_outside_of_groups);
    g_test_add_func("/group/transactions", test_transactions);
    g_test_add_func("/group/standalone", test_standalone_statements);
    g_test_add_func("/group/create-select", test_create_select);
    g_test_add_func("/group/rollback", test_rollback);
    g_test_add_func("/group/savepoints", test_savepoints);
    g_test_add_func("/group/savepoints-of-the-same-name", test_savepoints_of_the_same_name);
    g_test_add_func("/group/savepoint-names", test_names_of_savepoints_as_servers_compare_them);
    g_test_add_func("/group/never-ended", test_a_group_that_was_never_ended);
    g_test_add_func("/group/xa", test_xa);
    g_test_add_func("/group/fingerprint", test_fingerprint);
    g_test_add_func("/group/fingerprint-starts-anew", test_fingerprint_starts_anew);
    return g_test_run();
}
