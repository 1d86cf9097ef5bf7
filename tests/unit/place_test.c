/* How far the stream has read: sums, cuts, checkpoints, and the last transaction read again. */
#include "pipe/place.h"

#include <string.h>

#define FILE_NAME g_intern_static_string("bin.000007")

static const Group between; /* none is open */

static BinlogEvent rows_event(uint64_t start, size_t body_len)
{
    return (BinlogEvent){.type = BINLOG_WRITE_ROWS_V1,
                         .timestamp = 1700000000,
                         .file = FILE_NAME,
                         .start = start,
                         .end = start + body_len + 19,
                         .body_len = body_len};
}

/* Groups of one rows event each, whose CRCs are given. */
static void pass_groups(StreamPlace *place, const uint32_t *crcs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        Group group = {.open = true, .crc = crcs[i]};
        BinlogEvent event = rows_event(1000, 100);
        place_group_begins(place);
        place_pass(place, &group, &event);
    }
}

static StreamPlace beginning(uint32_t sum)
{
    CatalogCheckpoint checkpoint = {.file = (char *)"bin.000007", .pos = 4, .epoch = 3, .offset = 1000, .sum = sum};
    StreamPlace place;
    place_load(&place, &checkpoint);
    return place;
}

static void test_versions(void)
{
    StreamPlace place = beginning(0);
    Group group = {.open = true, .crc = 5};
    BinlogEvent event = rows_event(1ull << 33, 100);
    g_assert_cmphex(place_pass(&place, &group, &event), ==, 3ull << 48 | 1000);
    g_assert_cmphex(place_pass(&place, &group, &event), ==, 3ull << 48 | 1100);
    g_assert_cmpuint(place.offset, ==, 1200);
    g_assert_cmpuint(place.rows_end, ==, 1200);
}

static void test_sums(void)
{
    StreamPlace one = beginning(9), same = beginning(9), other = beginning(9), earlier = beginning(8);
    pass_groups(&one, (uint32_t[]){1, 2, 3}, 3);
    pass_groups(&same, (uint32_t[]){1, 2, 3}, 3);
    pass_groups(&other, (uint32_t[]){1, 7, 3}, 3);
    pass_groups(&earlier, (uint32_t[]){1, 2, 3}, 3);
    g_assert_cmpuint(one.sum, ==, same.sum);
    g_assert_cmpuint(one.sum, !=, other.sum);
    g_assert_cmpuint(one.sum, !=, earlier.sum);
}

/* What is behind the last rows event of a group does not count: a cut within the group cannot know of it. */
static void test_sum_within_a_group(void)
{
    StreamPlace place = beginning(0);
    Group group = {.open = true, .crc = 1};
    BinlogEvent event = rows_event(1000, 100);
    place_group_begins(&place);
    place_pass(&place, &group, &event);
    uint32_t first = place.sum;
    group.crc = 2; /* a table map */
    g_assert_cmpuint(place.sum, ==, first);
    group.crc = 3;
    place_pass(&place, &group, &event);
    uint32_t second = place.sum;
    g_assert_cmpuint(second, !=, first);
    /* By the CRC at the last rows event, however many were before: those of a table that is not followed any more do
     * not stand among what is prepared. */
    StreamPlace fewer = beginning(0);
    place_group_begins(&fewer);
    place_pass_to(&fewer, &group, 1200);
    g_assert_cmpuint(fewer.sum, ==, second);
    place_pass_to(&fewer, &(Group){.open = true, .crc = 4}, 1200);
    g_assert_cmpuint(fewer.sum, ==, second); /* nothing was passed */
}

static bool fits(const StreamPlace *place, uint64_t end, int64_t sum)
{
    BatchCutter cutter;
    CatalogBatch cut = {.seq = 7, .end_offset = end, .sum = sum};
    GArray *cuts = g_array_new(FALSE, FALSE, sizeof cut);
    g_array_append_val(cuts, cut);
    batch_cutter_init(&cutter, cuts);
    bool fits = place_cut_fits(place, &cutter);
    batch_cutter_clear(&cutter);
    return fits;
}

static void test_cuts(void)
{
    BatchCutter none = {0};
    StreamPlace place = beginning(0);
    pass_groups(&place, (uint32_t[]){1, 2}, 2);
    g_assert_true(place_cut_fits(&place, &none));
    g_assert_true(fits(&place, 1201, 0)); /* it comes later */
    g_assert_true(fits(&place, 1200, place.sum));
    g_assert_false(fits(&place, 1200, place.sum ^ 1));
    g_assert_false(fits(&place, 1199, place.sum)); /* it was not met */
    g_assert_true(fits(&place, 1200, CATALOG_SUM_UNKNOWN));
    g_assert_false(fits(&place, 1199, CATALOG_SUM_UNKNOWN));
}

static void test_checkpoints(void)
{
    StreamPlace place = beginning(9), again;
    Group group = {.open = true, .file = FILE_NAME, .start = 500, .time = 1700000000, .crc = 77};
    g_strlcpy(group.gtid.text, "0-1-5", sizeof group.gtid.text);
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MARIADB, "0-1-4", NULL);
    BinlogEvent event = rows_event(600, 100);
    place_group_begins(&place);
    place_pass(&place, &group, &event);
    place.file = event.file;
    place.pos = event.end;
    group.gtid.seq = 5;
    place_group_ended(&place, &group, set, &event);
    CatalogCheckpoint at = {0};
    place_checkpoint(&place, &group, set, &at);
    g_assert_cmpstr(at.file, ==, "bin.000007");
    g_assert_cmpuint(at.pos, ==, 719);
    g_assert_cmpuint(at.offset, ==, 1100);
    g_assert_cmpuint(at.sum, ==, place.sum);
    g_assert_cmpstr(at.print_gtid, ==, "0-1-5");
    g_assert_cmpuint(at.print_pos, ==, 500);
    g_assert_cmpuint(at.print_crc, ==, 77);
    place_load(&again, &at);
    g_assert_cmpuint(again.sum, ==, place.sum);
    g_assert_cmpuint(again.rows_end, ==, place.rows_end);
    g_assert_cmpstr(again.print.gtid, ==, "0-1-5");
    place_clear(&again);
    catalog_checkpoint_clear(&at);
    place.before_group = true;
    at = (CatalogCheckpoint){0};
    place_checkpoint(&place, &group, NULL, &at);
    g_assert_cmpuint(at.pos, ==, 500);
    g_assert_null(at.gtid);
    catalog_checkpoint_clear(&at);
    place_clear(&place);
}

/* The dump command has 32 bits for a position. */
static void test_where_a_session_can_begin(void)
{
    StreamPlace place = {.file = FILE_NAME, .pos = UINT32_MAX};
    g_assert_true(place_can_be_resumed(&place));
    place.pos++;
    g_assert_false(place_can_be_resumed(&place));
    place.print = (Fingerprint){.file = FILE_NAME, .pos = UINT32_MAX}; /* it begins there */
    g_assert_true(place_can_be_resumed(&place));
    place.print.pos++;
    g_assert_false(place_can_be_resumed(&place));
    place.file = g_intern_static_string("bin.000008");
    place.pos = 4;
    g_assert_true(place_can_be_resumed(&place));
}

static void test_the_last_transaction_again(void)
{
    StreamPlace place = beginning(0);
    place.print = (Fingerprint){.file = FILE_NAME, .pos = 500, .gtid = (char *)"0-1-5", .time = 17, .crc = 77};
    Group group = {.file = FILE_NAME, .start = 500, .time = 17, .crc = 77};
    GtidEvent gtid = {.seq = 5};
    g_strlcpy(group.gtid.text, "0-1-5", sizeof group.gtid.text);
    g_strlcpy(gtid.text, "0-1-5", sizeof gtid.text);
    BinlogEvent first = {.type = BINLOG_GTID_MARIADB, .start = 500, .end = 540},
                last = {.type = BINLOG_XID, .start = 600, .end = 630};
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_BEGINS, &first, &gtid, false), ==, PRINT_UNDECIDED);
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_INSIDE, &last, NULL, false), ==, PRINT_UNDECIDED);
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_ENDS, &last, NULL, false), ==, PRINT_SAME);
    /* Nothing begins there any more; another GTID than the one asked for; broken off. */
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_INSIDE, &first, NULL, false), ==, PRINT_OTHER);
    g_strlcpy(gtid.text, "0-1-6", sizeof gtid.text);
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_BEGINS, &first, &gtid, true), ==, PRINT_OTHER);
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_BROKEN, &last, NULL, false), ==, PRINT_OTHER);
    group.crc = 78;
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_ENDS, &last, NULL, false), ==, PRINT_OTHER);
    group.crc = 77;
    group.time = 18;
    g_assert_cmpint(place_compare_print(&place, &group, GROUP_UNDONE, &last, NULL, false), ==, PRINT_OTHER);
}

static void assert_checkpoint(const StreamPlace *place, const char *file, uint64_t pos)
{
    CatalogCheckpoint at = {0};
    place_checkpoint(place, &(Group){0}, NULL, &at);
    g_assert_cmpstr(at.file, ==, file);
    g_assert_cmpuint(at.pos, ==, pos);
    catalog_checkpoint_clear(&at);
}

/* At the same server what is sent comes behind the checkpoint; at another one, of one domain, all comes that follows.
 */
static void test_asked_by_gtid(void)
{
    CatalogCheckpoint same = {.file = (char *)"bin.000007", .pos = 900}, other = {.epoch = 4};
    for (unsigned i = 0; i < 2; i++) {
        StreamPlace place;
        place_load(&place, i ? &other : &same);
        place_seek(&place, "bin.000007", 1000, true);
        g_assert_false(place_move(&place, &between, FILE_NAME, 322)); /* the file's start */
        assert_checkpoint(&place, i ? NULL : "bin.000007", i ? 0 : 900);
        place_group_begins(&place);
        g_assert_true(place_move(&place, &between, FILE_NAME, 950));
        assert_checkpoint(&place, "bin.000007", 950);
    }
}

/* Groups of another domain are sent, and what stands between them is passed over. */
static void test_asked_by_gtids_of_domains(void)
{
    CatalogCheckpoint other = {.epoch = 4};
    StreamPlace place;
    place_load(&place, &other);
    place_seek(&place, "bin.000007", 1000, false);
    place_group_begins(&place);
    g_assert_true(place_move(&place, &between, FILE_NAME, 500));
    assert_checkpoint(&place, NULL, 0);
    g_assert_true(place_move(&place, &between, FILE_NAME, 1000));
    assert_checkpoint(&place, "bin.000007", 1000);
    g_assert_true(place_move(&place, &between, FILE_NAME, 1100));
    assert_checkpoint(&place, "bin.000007", 1100);
    place_load(&place, &(CatalogCheckpoint){.file = (char *)"bin.000012", .pos = 900});
    place_seek(&place, "bin.000007", 1000, true); /* its files are numbered anew */
    assert_checkpoint(&place, NULL, 0);
}

static void pass_a_group(StreamPlace *place, const char *gtid, bool logged_on)
{
    Group group = {.open = true, .logged_on = logged_on};
    BinlogEvent event = rows_event(400, 100);
    g_strlcpy(group.gtid.text, gtid, sizeof group.gtid.text);
    place_group_begins(place);
    place_pass(place, &group, &event);
    place_group_ended(place, &group, NULL, &event);
}

static void assert_offset(const StreamPlace *place, uint64_t offset, uint32_t sum)
{
    CatalogCheckpoint at = {0};
    place_checkpoint(place, &(Group){0}, NULL, &at);
    g_assert_cmpuint(at.offset, ==, offset);
    g_assert_cmpuint(at.sum, ==, sum);
    catalog_checkpoint_clear(&at);
}

/* Rows of a group that is not logged on are sent again, where a checkpoint has GTIDs alone. */
static void test_undone_where_gtids_alone_tell(void)
{
    CatalogCheckpoint other = {.epoch = 4};
    StreamPlace place;
    place_load(&place, &other);
    place_seek(&place, "bin.000007", 1000, false);
    pass_a_group(&place, "0-1-5", true);
    uint32_t sum = place.sum;
    assert_offset(&place, 100, sum);
    pass_a_group(&place, "0-1-6", false);
    assert_offset(&place, 100, sum);
    g_assert_true(place_can_be_resumed(&place));
    pass_a_group(&place, "7-1-1", true); /* the server goes on behind it in one domain, and not in the other */
    g_assert_false(place_can_be_resumed(&place));
    place_move(&place, &between, FILE_NAME, 1000);
    g_assert_true(place_can_be_resumed(&place));
    assert_offset(&place, 300, place.sum);
    place_clear(&place);
}

static void test_heartbeats(void)
{
    StreamPlace place = beginning(0);
    bool again;
    g_assert_true(place_heartbeat(&place, FILE_NAME, 100, &again)); /* asked by place: it tells where the log ends */
    g_assert_false(again);
    place = beginning(0);
    place_seek(&place, "bin.000007", 1000, true);
    g_assert_false(place_heartbeat(&place, FILE_NAME, 322, &again));
    g_assert_false(place_heartbeat(&place, FILE_NAME, 700, &again)); /* it looks */
    g_assert_false(place_move(&place, &between, FILE_NAME, 700));
    g_assert_true(place_heartbeat(&place, FILE_NAME, 700, &again)); /* 32 bits may tell of less than there is */
    g_assert_true(again);
    g_assert_false(place_move(&place, &between, FILE_NAME, 700));
    g_assert_false(place_heartbeat(&place, NULL, 0, &again)); /* it does not tell where */
    g_assert_true(place_heartbeat(&place, g_intern_static_string("bin.000008"), 322, &again));
    g_assert_true(place_move(&place, &between, g_intern_static_string("bin.000008"), 322));
    assert_checkpoint(&place, "bin.000008", 322);
    g_assert_true(place_heartbeat(&place, g_intern_static_string("bin.000008"), 500, &again));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/place/versions", test_versions);
    g_test_add_func("/place/sums", test_sums);
    g_test_add_func("/place/sum-within-a-group", test_sum_within_a_group);
    g_test_add_func("/place/cuts", test_cuts);
    g_test_add_func("/place/checkpoints", test_checkpoints);
    g_test_add_func("/place/where-a-session-can-begin", test_where_a_session_can_begin);
    g_test_add_func("/place/the-last-transaction-again", test_the_last_transaction_again);
    g_test_add_func("/place/asked-by-gtid", test_asked_by_gtid);
    g_test_add_func("/place/asked-by-gtids-of-domains", test_asked_by_gtids_of_domains);
    g_test_add_func("/place/undone-where-gtids-alone-tell", test_undone_where_gtids_alone_tell);
    g_test_add_func("/place/heartbeats", test_heartbeats);
    return g_test_run();
}
