/* The table lists of --tables and --exclude (commands.md). */
#include "pipe/selection.h"

#include "base/base.h"

#include <string.h>

static Selection *parse(const char *list, const char *exclude)
{
    GError *error = NULL;
    const char *lists[] = {list, NULL}, *excludes[] = {exclude, NULL};
    Selection *selection = selection_parse(lists, excludes, &error);
    g_assert_no_error(error);
    return selection;
}

/* The target's name, or "-". */
static char *match(const Selection *selection, const char *database, const char *table)
{
    char *target = NULL;
    bool taken = selection_match(selection, database, table, &target);
    g_assert_true(taken == (target != NULL));
    g_assert_true(taken == selection_match(selection, database, table, NULL));
    return taken ? target : g_strdup("-");
}

static void expect(const char *list, const char *exclude, const char *database, const char *table, const char *target)
{
    g_autoptr(Selection) selection = parse(list, exclude);
    g_autofree char *got = match(selection, database, table);
    if (strcmp(got, target) != 0)
        g_test_message("%s without %s: %s.%s", list, exclude ? exclude : "nothing", database, table);
    g_assert_cmpstr(got, ==, target);
    /* Written out and read again it is the same. */
    g_autofree char *text = selection_text(selection);
    g_autoptr(Selection) again = parse(text, NULL);
    g_autofree char *got_again = match(again, database, table), *text_again = selection_text(again);
    g_assert_cmpstr(got_again, ==, target);
    g_assert_cmpstr(text_again, ==, text);
}

static void test_single_tables(void)
{
    expect("shop.orders", NULL, "shop", "orders", "orders");
    expect("shop.orders", NULL, "shop", "order", "-");
    expect("shop.orders", NULL, "shop", "orders2", "-");
    expect("shop.orders", NULL, "shop2", "orders", "-");
    expect("shop.orders,shop.items", NULL, "shop", "items", "items");
    expect(" shop.orders ,\tshop.items\r\n\ncrm.people , ", NULL, "crm", "people", "people");
    expect("shop.orders,,shop.items,", NULL, "shop", "orders", "orders");
    expect("schön.größe", NULL, "schön", "größe", "größe");
    expect("shop.orders$1", NULL, "shop", "orders$1", "orders$1");
    /* One table of many is named like the wildcard sign only in backticks. */
    expect("shop.`*`", NULL, "shop", "*", "*");
    expect("shop.`*`", NULL, "shop", "orders", "-");
}

static void test_several_lists(void)
{
    const char *lists[] = {"shop.a", "shop.b,shop.c", NULL}, *excludes[] = {"shop.b", "crm.x", NULL};
    g_autoptr(Selection) selection = selection_parse(lists, excludes, NULL);
    g_autofree char *text = selection_text(selection);
    g_assert_cmpstr(text, ==, "shop.a\nshop.b\nshop.c\n-shop.b\n-crm.x\n");
}

static void test_wildcards(void)
{
    expect("shop.*", NULL, "shop", "orders", "orders");
    expect("shop.*", NULL, "crm", "orders", "-");
    expect("shop.log_*", NULL, "shop", "log_2026", "log_2026");
    expect("shop.log_*", NULL, "shop", "log_", "log_");
    expect("shop.log_*", NULL, "shop", "log", "-");
    expect("shop.log_*", NULL, "shop", "logs", "-"); /* the _ is itself, no wildcard */
    expect("shop.`a-b`*", NULL, "shop", "a-b7", "a-b7");
    expect("shop.`a-b`*", NULL, "shop", "a-b", "a-b");
    expect("shop.`a-b`*", NULL, "shop", "a-b*", "a-b*");
    expect("shop.`a*`", NULL, "shop", "ab", "-");
}

static void test_backticks(void)
{
    expect("`odd.db`.`a,b`", NULL, "odd.db", "a,b", "a,b");
    expect("`a``b`.`c:d`", NULL, "a`b", "c:d", "c:d");
    expect("shop.`-x`", NULL, "shop", "-x", "-x");
    expect("`-shop`.x", NULL, "-shop", "x", "x");
    expect("shop.`new\nline`", NULL, "shop", "new\nline", "new\nline");
    expect("shop.`two words`:`the target`", NULL, "shop", "two words", "the target");
    expect("`plain`.`names`", NULL, "plain", "names", "names");
}

static void test_targets(void)
{
    expect("shop.orders:shop_orders", NULL, "shop", "orders", "shop_orders");
    expect("shop.orders:`o.r`", NULL, "shop", "orders", "o.r");
    /* A target given once counts, wherever the table is named else. */
    expect("shop.*,shop.orders:o", NULL, "shop", "orders", "o");
    expect("shop.orders:o,shop.*", NULL, "shop", "orders", "o");
    expect("shop.orders,shop.orders:o", NULL, "shop", "orders", "o");
    expect("shop.orders:o,shop.orders,shop.orders:o", NULL, "shop", "orders", "o");
}

static void test_exclusions(void)
{
    expect("shop.*,-shop.log", NULL, "shop", "log", "-");
    expect("-shop.log,shop.*", NULL, "shop", "log", "-"); /* in any order */
    expect("shop.*,-shop.log", NULL, "shop", "logs", "logs");
    expect("shop.*,-shop.log_*", NULL, "shop", "log_1", "-");
    expect("shop.*", "shop.log", "shop", "log", "-");
    expect("shop.*", "-shop.log", "shop", "log", "-"); /* the minus is allowed in --exclude too */
    expect("shop.*", "shop.*", "shop", "log", "-");
    expect("shop.*,crm.*,-shop.*", NULL, "crm", "log", "log");
    expect("shop.*,-shop.`a-b`*", NULL, "shop", "a-b1", "-");
}

static void test_exact_names(void)
{
    g_autoptr(Selection) selection =
        parse("shop.a,shop.b:x,shop.log_*,shop.a,-shop.c,shop.c,shop.`*`,shop.a:y", "shop.b");
    g_autoptr(GPtrArray) names = selection_exact_names(selection);
    g_assert_cmpuint(names->len, ==, 2);
    g_assert_cmpstr(((SelectionName *)names->pdata[0])->table, ==, "a");
    g_assert_cmpstr(((SelectionName *)names->pdata[0])->database, ==, "shop");
    g_assert_cmpstr(((SelectionName *)names->pdata[1])->table, ==, "*");
    g_assert_true(selection_has_wildcard(selection));
    g_autoptr(Selection) none = parse("shop.`*`,-shop.log_*", NULL);
    g_assert_false(selection_has_wildcard(none));
}

static void test_databases(void)
{
    g_autoptr(Selection) selection = parse("shop.a,crm.x_*,shop.log_*,crm.*,-old.*,`a.b`.*", "other.*");
    g_autoptr(GPtrArray) databases = selection_databases(selection);
    g_assert_cmpuint(databases->len, ==, 3);
    g_assert_cmpstr(databases->pdata[0], ==, "shop");
    g_assert_cmpstr(databases->pdata[1], ==, "crm");
    g_assert_cmpstr(databases->pdata[2], ==, "a.b");
}

/* Tables that leave and come back, also under another target. */
static void test_lists_change(void)
{
    GError *error = NULL;
    g_autofree char *less = selection_list_remove("shop.a\nshop.b:x\n", "shop.b", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(less, ==, "shop.a\n");
    g_autofree char *more = selection_list_add(less, "shop.b:y", &error);
    g_assert_cmpstr(more, ==, "shop.a\nshop.b:y\n");
    g_autofree char *but = selection_list_remove("shop.*", "shop.b", &error);
    g_assert_cmpstr(but, ==, "shop.*\n-shop.b\n");
    g_autofree char *all = selection_list_add(but, "shop.b:y", &error);
    g_assert_cmpstr(all, ==, "shop.*\nshop.b:y\n");
    expect(all, NULL, "shop", "b", "y");
    /* Wider exclusions stay. */
    g_autofree char *wide = selection_list_add("shop.*,-shop.tmp_*,-shop.b", "shop.*", &error);
    g_assert_cmpstr(wide, ==, "shop.*\n-shop.tmp_*\nshop.*\n");
    g_autofree char *odd = selection_list_remove("`odd.db`.*", "`odd.db`.`a,b`", &error);
    g_assert_cmpstr(odd, ==, "`odd.db`.*\n-`odd.db`.`a,b`\n");
    expect(odd, NULL, "odd.db", "a,b", "-");
    g_assert_no_error(error);
}

static void test_name(void)
{
    g_autofree char *plain = selection_name("shop", "orders"), *odd = selection_name("odd.db", "a`-b");
    g_assert_cmpstr(plain, ==, "shop.orders");
    g_assert_cmpstr(odd, ==, "`odd.db`.`a``-b`");
    expect(odd, NULL, "odd.db", "a`-b", "a`-b");
}

static void test_errors(void)
{
    static const struct {
        const char *list, *shown, *why;
    } cases[] = {
        {"orders", "\"orders\"", "db.table, db.* or db.prefix_*"},
        {"*", "\"*\"", "db.table, db.* or db.prefix_*"},
        {"*.*", "\"*.*\"", "db.table, db.* or db.prefix_*"},
        {"shop*.orders", "\"shop*.orders\"", "db.table, db.* or db.prefix_*"},
        {".orders", "\".orders\"", "db.table, db.* or db.prefix_*"},
        {"shop.", "\"shop.\"", "name is missing after the dot"},
        {"shop.a, shop.:x", "\"shop.:x\"", "name is missing after the dot"},
        {"shop.a,b", "\"b\"", "db.table, db.* or db.prefix_*"},
        {"shop.a:", "\"shop.a:\"", "target's name is missing"},
        {"shop.*:x", "\"shop.*:x\"", "only a single table can be given a target"},
        {"shop.a_*:x", "\"shop.a_*:x\"", "only a single table can be given a target"},
        {"-shop.a:x", "\"-shop.a:x\"", "only a single table can be given a target"},
        {"shop.a b", "\"shop.a b\"", "written in backticks"},
        {"shop.a.b", "\"shop.a.b\"", "written in backticks"},
        {"shop.a*b", "\"shop.a*b\"", "written in backticks"},
        {"shop.a:x:y", "\"shop.a:x:y\"", "written in backticks"},
        {"shop.`a", "\"shop.`a\"", "a backtick is not closed"},
        {"`shop.a", "\"`shop.a\"", "a backtick is not closed"},
        {"shop.a:`x", "\"shop.a:`x\"", "a backtick is not closed"},
        {"shop.``", "\"shop.``\"", "a name in backticks is empty"},
        {"``.a", "\"``.a\"", "a name in backticks is empty"},
        {"shop.a:x,shop.a:y", "shop.a", "two targets"},
        {"", "", "no tables are named"},
        {" ,\n", "", "no tables are named"},
        {"-shop.a", "", "no tables are named"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const char *lists[] = {cases[i].list, NULL};
        g_assert_null(selection_parse(lists, NULL, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        if (!strstr(error->message, cases[i].shown) || !strstr(error->message, cases[i].why))
            g_error("%s: %s", cases[i].list, error->message);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(selection_parse(NULL, NULL, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
}

static void test_errors_are_printable(void)
{
    g_autoptr(GError) error = NULL;
    const char *lists[] = {"shop.a \x1b[2J", NULL};
    g_assert_null(selection_parse(lists, NULL, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
    g_assert_null(strchr(error->message, '\x1b'));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selection/single-tables", test_single_tables);
    g_test_add_func("/selection/several-lists", test_several_lists);
    g_test_add_func("/selection/wildcards", test_wildcards);
    g_test_add_func("/selection/backticks", test_backticks);
    g_test_add_func("/selection/targets", test_targets);
    g_test_add_func("/selection/exclusions", test_exclusions);
    g_test_add_func("/selection/exact-names", test_exact_names);
    g_test_add_func("/selection/databases", test_databases);
    g_test_add_func("/selection/lists-change", test_lists_change);
    g_test_add_func("/selection/name", test_name);
    g_test_add_func("/selection/errors", test_errors);
    g_test_add_func("/selection/errors-are-printable", test_errors_are_printable);
    return g_test_run();
}
