/* What a load must see, how far it is, when it is over, and what comes before two tables change places. */
#include "pipe/chunk_ledger.h"
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

static void test_doubt(void)
{
    g_assert_cmpint(load_doubt(true, false, false), ==, DOUBT_WAITS);
    g_assert_cmpint(load_doubt(true, true, false), ==, DOUBT_OVER);
    g_assert_cmpint(load_doubt(true, true, true), ==, DOUBT_OVER);
    g_assert_cmpint(load_doubt(false, false, true), ==, DOUBT_OVER); /* the stream has told why */
    g_assert_cmpint(load_doubt(true, false, true), ==, DOUBT_FAILS);
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

/* A range of an integer key: how far it is acknowledged, and whether it is done. */
static RangePlan *plan_new(void)
{
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:[i],s:s,s:[{s:s,s:s,s:s,s:b,s:i,s:i}]}", "database", "d", "name", "t",
                             "engine", "InnoDB", "create_sql", "", "key", 0, "key_name", "PRIMARY", "columns", "name",
                             "id", "type", "int", "type_text", "int", "unsigned", 0, "precision", 10, "scale", 0);
    g_autoptr(SourceTable) table = source_table_from_json(json, NULL);
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    json_decref(json);
    g_assert_nonnull(table);
    RangePlan *plan = range_plan_new(table, NULL, NULL, 1);
    range_plan_take(plan, changed);
    return plan;
}

static void test_chunks(void)
{
    RangePlan *plan = plan_new();
    ChunkLedger ledger = G_QUEUE_INIT;
    Chunk *chunks[4];
    const char *keys[] = {"10", "20", "30", NULL};
    for (unsigned i = 0; i < 4; i++)
        chunks[i] = chunk_ledger_add(&ledger, 1, keys[i], i < 3 ? 5 : 0, i == 3);
    g_autoptr(GPtrArray) counted = chunk_ledger_counted_new();
    /* Answered out of order: the range is as far as all of them are. */
    g_assert_cmpuint(chunk_ledger_answered(&ledger, chunks[1], plan, counted), ==, 0);
    g_assert_null(range_plan_get(plan, 1)->after);
    g_assert_cmpuint(chunk_ledger_answered(&ledger, chunks[3], plan, counted), ==, 0);
    g_assert_false(range_plan_all_done(plan));
    g_assert_cmpuint(chunk_ledger_answered(&ledger, chunks[0], plan, counted), ==, 1);
    g_assert_cmpuint(counted->len, ==, 2);
    g_assert_cmpstr(range_plan_get(plan, 1)->after, ==, "20");
    g_assert_cmpuint(range_plan_get(plan, 1)->rows, ==, 10);
    g_assert_cmpuint(chunk_ledger_answered(&ledger, chunks[2], plan, counted), ==, 1);
    g_assert_true(range_plan_all_done(plan));
    g_assert_true(g_queue_is_empty(&ledger));
    range_plan_free(plan);
}

static void test_chunks_given_up(void)
{
    RangePlan *plan = plan_new();
    ChunkLedger ledger = G_QUEUE_INIT;
    g_autoptr(GPtrArray) counted = chunk_ledger_counted_new();
    Chunk *old = chunk_ledger_add(&ledger, 1, "10", 5, false), *older = chunk_ledger_add(&ledger, 1, "20", 5, false);
    chunk_ledger_give_up(&ledger, 1);
    Chunk *again = chunk_ledger_add(&ledger, 1, "15", 7, false);
    g_assert_cmpuint(chunk_ledger_answered(&ledger, older, plan, counted), ==, 0);
    g_assert_null(range_plan_get(plan, 1)->after);
    g_assert_cmpuint(chunk_ledger_answered(&ledger, again, plan, counted), ==, 1);
    g_assert_cmpstr(range_plan_get(plan, 1)->after, ==, "15");
    g_assert_cmpuint(range_plan_get(plan, 1)->rows, ==, 7);
    /* What was given up may still arrive, behind a TRUNCATE even: until it has, the load is not read. */
    Chunk *last = chunk_ledger_add(&ledger, 1, NULL, 0, true);
    g_assert_cmpuint(chunk_ledger_answered(&ledger, last, plan, counted), ==, 1);
    g_assert_true(range_plan_all_done(plan));
    g_assert_false(chunk_ledger_is_read(&ledger, plan));
    g_assert_cmpuint(chunk_ledger_answered(&ledger, old, plan, counted), ==, 0);
    g_assert_true(chunk_ledger_is_read(&ledger, plan));
    g_assert_false(chunk_ledger_is_read(&ledger, NULL));
    range_plan_free(plan);
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
    g_test_add_func("/loading/doubt", test_doubt);
    g_test_add_func("/exchange/order", test_exchange);
    g_test_add_func("/chunks/out-of-order", test_chunks);
    g_test_add_func("/chunks/given-up", test_chunks_given_up);
    g_test_add_func("/tokens/tell-apart", test_tokens);
    return g_test_run();
}
