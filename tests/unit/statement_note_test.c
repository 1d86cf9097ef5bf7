/* The note of a statement that is being carried out: kept beside the definition, and of one place alone. */
#include "pipe/pending_plan.h"
#include "pipe/statement_note.h"

static void test_kept(void)
{
    StatementNote note = {.id = (char *)"0-1-7",
                          .sum = (char *)"s",
                          .shown = (char *)"TRUNCATE \"t\"",
                          .place = (char *)"p",
                          .epoch = 65000},
                  found;
    g_autofree char *text = statement_note_write("{\"name\":\"t\",\"statement\":{\"id\":\"an older one\"}}", &note);
    g_assert_true(statement_note_read(text, &found));
    g_assert_cmpstr(found.id, ==, "0-1-7");
    g_assert_cmpstr(found.sum, ==, "s");
    g_assert_cmpstr(found.shown, ==, "TRUNCATE \"t\"");
    g_assert_cmpstr(found.place, ==, "p");
    g_assert_cmpuint(found.epoch, ==, 65000);
    statement_note_clear(&found);
    g_assert_false(statement_note_read("{\"name\":\"t\"}", &found));
    g_assert_false(statement_note_read("{\"statement\":{\"id\":\"0-1-7\"}}", &found));
    g_assert_false(statement_note_read(NULL, &found));
}

/* Both stand in one definition, whichever came first. */
static void test_beside_a_plan(void)
{
    StatementNote note = {.id = (char *)"0-1-7", .sum = (char *)"s", .shown = (char *)"ALTER", .place = (char *)"p"},
                  found;
    PendingPlan plan = {.steps = g_ptr_array_new(), .notes = g_ptr_array_new(), .tag = (char *)"tag"}, planned;
    g_autofree char *noted = statement_note_write("{}", &note), *both = pending_plan_note(noted, "0-1-7", &plan);
    g_assert_true(statement_note_read(both, &found) && pending_plan_find(both, "0-1-7", &planned));
    statement_note_clear(&found);
    pending_plan_clear(&planned);
    g_ptr_array_unref(plan.steps);
    g_ptr_array_unref(plan.notes);
}

static char *place(const char *gtid, const char *file, uint64_t pos)
{
    CatalogCheckpoint checkpoint = {.gtid = (char *)gtid, .file = (char *)file, .pos = pos};
    return statement_note_place(&checkpoint);
}

/* With GTIDs the place is the same when another server took over and files are forgotten. */
static void test_place(void)
{
    g_autofree char *here = place("0-1-7", "bin.000001", 4), *there = place("0-1-7", NULL, 0),
                    *behind = place("0-1-8", "bin.000001", 4), *file = place(NULL, "bin.000001", 4),
                    *later = place("", "bin.000001", 90);
    g_assert_cmpstr(here, ==, there);
    g_assert_cmpstr(here, !=, behind);
    g_assert_cmpstr(file, ==, "bin.000001:4");
    g_assert_cmpstr(later, ==, "bin.000001:90");
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
    g_test_add_func("/statement-note/place", test_place);
    g_test_add_func("/statement-note/sum", test_sum);
    return g_test_run();
}
