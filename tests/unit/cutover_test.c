/* Tables of online schema change tools, known by their names. */
#include "pipe/cutover.h"

static void test_working_tables(void)
{
    static const struct {
        const char *other, *name;
        bool is;
    } cases[] = {
        {"_orders_gho", "orders", true},
        {"_orders_ghc", "orders", true},
        {"_orders_del", "orders", true},
        {"_orders_20240131235959_del", "orders", true},
        {"_orders_new", "orders", true},
        {"__orders_old", "orders", true},
        {"__x_gho", "_x", true},
        {"orders_new", "orders", false},
        {"_orders", "orders", false},
        {"_orders_2024_del", "orders", false},
        {"_orders_newer", "orders", false},
        {"_order_new", "orders", false},
        {"", "orders", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(cutover_is_working_table(cases[i].other, cases[i].name), ==, cases[i].is);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cutover/working-tables", test_working_tables);
    return g_test_run();
}
