/* What a load must see, when it is over, and what comes before two tables change places. */
#include "pipe/exchange.h"
#include "pipe/loading.h"
#include "pipe/token.h"

static void test_sight(void)
{
    g_assert_cmpint(load_sight(SOURCE_MARIADB, "bin.000001", NULL), ==, SIGHT_POSITION);
    g_assert_cmpint(load_sight(SOURCE_MYSQL, "bin.000001", NULL), ==, SIGHT_ANY);
    g_assert_cmpint(load_sight(SOURCE_MYSQL, NULL, "u:1-5"), ==, SIGHT_EXECUTED);
    g_assert_cmpint(load_sight(SOURCE_MARIADB, NULL, "0-1-5"), ==, SIGHT_LOG_END);
    g_assert_cmpint(load_sight(SOURCE_MARIADB, NULL, NULL), ==, SIGHT_ANY);
}

static void test_standing(void)
{
    LoadSituation load = {.wanted = true};
    g_assert_cmpint(load_standing(&load, "bin.000002", 500), ==, LOAD_READS);
    load.read = true;
    g_assert_cmpint(load_standing(&load, "bin.000002", 500), ==, LOAD_READ);
    load.read_file = "bin.000002";
    load.read_pos = 501;
    g_assert_cmpint(load_standing(&load, "bin.000002", 500), ==, LOAD_READ);
    g_assert_cmpint(load_standing(&load, "bin.000002", 501), ==, LOAD_DONE);
    g_assert_cmpint(load_standing(&load, "bin.000010", 4), ==, LOAD_DONE);
    load.passed = true;
    g_assert_cmpint(load_standing(&load, "bin.000001", 4), ==, LOAD_DONE);
    load = (LoadSituation){.wanted = false};
    g_assert_cmpint(load_standing(&load, "bin.000001", 4), ==, LOAD_DONE);
}

static void test_over(void)
{
    LoadSituation load = {.wanted = true, .read = true, .read_file = "bin.000002", .read_pos = 500};
    g_assert_false(load_is_over(&load)); /* the stream is not there yet */
    g_assert_false(load_is_passed(&load, "bin.000002", 499));
    g_assert_true(load_is_passed(&load, "bin.000002", 500));
    load.passed = true;
    g_assert_true(load_is_over(&load));
    load.read = false;
    g_assert_false(load_is_over(&load));
    load.read_file = NULL;
    g_assert_false(load_is_passed(&load, "bin.999999", 4));
}

static void test_exchange(void)
{
    ExchangeSituation at = {.under_way = 1};
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_WAIT);
    at.under_way = 0;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_KILL);
    at.inserts_gone = true;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_NOTE);
    at.noted = true;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_LOOK);
    at.looked = true;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_RENAME);
    at.stands = true;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_SWAP);
    at.done = true;
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_TAKE_PLACE);
    at.under_way = 1; /* one came in between */
    g_assert_cmpint(exchange_next(&at), ==, EXCHANGE_WAIT);
}

/* Each part of it tells it from another. */
static void test_tokens(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unsigned n = 0;
    for (int64_t table = 1; table < 12; table += 10)
        for (int64_t generation = 1; generation < 12; generation += 10)
            for (unsigned i = 1; i < 12; i += 10)
                for (unsigned j = 1; j < 12; j += 10) {
                    g_hash_table_add(seen, token_of_stream("u", table, generation, i, j));
                    g_hash_table_add(seen, token_of_chunk("u", table, generation, i, j, 1));
                    g_hash_table_add(seen, token_of_chunk("u", table, generation, i, j, 11));
                    n += 3;
                }
    g_assert_cmpuint(g_hash_table_size(seen), ==, n);
    g_autofree char *stream = query_id_of_stream("u", 7, 3), *chunk = query_id_of_chunk("u", 3, 1, 2, 0);
    g_assert_cmpstr(stream, ==, "sluice-u-log-7-3");
    g_assert_cmpstr(chunk, ==, "sluice-u-snapshot-3-1-2-0");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loading/sight", test_sight);
    g_test_add_func("/loading/standing", test_standing);
    g_test_add_func("/loading/over", test_over);
    g_test_add_func("/exchange/order", test_exchange);
    g_test_add_func("/tokens/tell-apart", test_tokens);
    return g_test_run();
}
