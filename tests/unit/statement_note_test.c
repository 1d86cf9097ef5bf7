/* The note of a statement that is being carried out: kept beside the definition, and only until a checkpoint has passed
 * it. */
#include "pipe/pending_plan.h"
#include "pipe/statement_note.h"

static void test_kept(void)
{
    StatementNote note = {.id = (char *)"0-1-7",
                          .sum = (char *)"s",
                          .shown = (char *)"TRUNCATE \"t\"",
                          .file = (char *)"bin.000001",
                          .pos = 500,
                          .epoch = 65000},
                  found;
    g_autofree char *text = statement_note_write("{\"name\":\"t\",\"statement\":{\"id\":\"an older one\"}}", &note);
    g_assert_true(statement_note_read(text, &found));
    g_assert_cmpstr(found.id, ==, "0-1-7");
    g_assert_cmpstr(found.sum, ==, "s");
    g_assert_cmpstr(found.shown, ==, "TRUNCATE \"t\"");
    g_assert_cmpstr(found.file, ==, "bin.000001");
    g_assert_cmpuint(found.pos, ==, 500);
    g_assert_cmpuint(found.epoch, ==, 65000);
    statement_note_clear(&found);
    g_assert_false(statement_note_read("{\"name\":\"t\"}", &found));
    g_assert_false(statement_note_read("{\"statement\":{\"id\":\"0-1-7\"}}", &found));
    g_assert_false(statement_note_read(NULL, &found));
}

/* Both stand in one definition, whichever came first. */
static void test_beside_a_plan(void)
{
    StatementNote note = {.id = (char *)"0-1-7",
                          .sum = (char *)"s",
                          .shown = (char *)"ALTER",
                          .file = (char *)"bin.000001",
                          .pos = 500},
                  found;
    PendingPlan plan = {.steps = g_ptr_array_new(), .notes = g_ptr_array_new(), .tag = (char *)"tag"}, planned;
    g_autofree char *noted = statement_note_write("{}", &note), *both = pending_plan_note(noted, "0-1-7", &plan);
    g_assert_true(statement_note_read(both, &found) && pending_plan_find(both, "0-1-7", &planned));
    statement_note_clear(&found);
    pending_plan_clear(&planned);
    g_ptr_array_unref(plan.steps);
    g_ptr_array_unref(plan.notes);
}

static bool is_passed(const char *id, SourceFlavour flavour, uint32_t epoch, const char *gtid, const char *file,
                      uint64_t pos)
{
    StatementNote note = {.id = (char *)id, .file = (char *)"bin.000002", .pos = 500, .epoch = 3};
    CatalogCheckpoint checkpoint = {.gtid = (char *)gtid, .file = (char *)file, .pos = pos, .epoch = epoch};
    return statement_note_is_passed(&note, flavour, &checkpoint);
}

/* In one log its places tell, whatever the numbers are; at another server the numbers. */
static void test_passed(void)
{
    g_assert_false(is_passed("0-1-7", SOURCE_MARIADB, 3, "0-2-9", "bin.000002", 458));
    g_assert_true(is_passed("0-1-7", SOURCE_MARIADB, 3, "0-2-5", "bin.000002", 560));
    g_assert_true(is_passed("0-1-7", SOURCE_MARIADB, 3, "0-2-5", "bin.000003", 4));
    g_assert_false(is_passed("0-1-7", SOURCE_MARIADB, 4, "0-1-6", NULL, 0));
    g_assert_true(is_passed("0-1-7", SOURCE_MARIADB, 4, "0-2-8", "bin.000001", 90));
    static const char id[] = "11111111-1111-1111-1111-111111111111:7";
    g_assert_false(is_passed(id, SOURCE_MYSQL, 3, "11111111-1111-1111-1111-111111111111:1-6:8", NULL, 0));
    g_assert_false(is_passed(id, SOURCE_MYSQL, 3, "11111111-1111-1111-1111-111111111111:1-6", "bin.000003", 4));
    g_assert_true(is_passed(id, SOURCE_MYSQL, 3, "11111111-1111-1111-1111-111111111111:1-7", "bin.000001", 4));
    g_assert_true(is_passed(id, SOURCE_MYSQL, 4, "11111111-1111-1111-1111-111111111111:1-8", NULL, 0));
    /* Without GTIDs, and its log was given up: nothing else can be said of it. */
    g_assert_false(is_passed("bin.000002:500", SOURCE_MYSQL, 3, NULL, "bin.000002", 500));
    g_assert_true(is_passed("bin.000002:500", SOURCE_MYSQL, 4, NULL, "bin.000001", 4));
}

static void test_sum(void)
{
    g_autofree char *one = statement_note_sum(5, "TRUNCATE t", 10), *same = statement_note_sum(5, "TRUNCATE t", 10),
                    *later = statement_note_sum(6, "TRUNCATE t", 10), *other = statement_note_sum(5, "TRUNCATE u", 10);
    g_assert_cmpstr(one, ==, same);
    g_assert_cmpstr(one, !=, later);
    g_assert_cmpstr(one, !=, other);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/statement-note/kept", test_kept);
    g_test_add_func("/statement-note/beside-a-plan", test_beside_a_plan);
    g_test_add_func("/statement-note/passed", test_passed);
    g_test_add_func("/statement-note/sum", test_sum);
    return g_test_run();
}
