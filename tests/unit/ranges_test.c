/* Ranges of integer keys: arithmetic at the ends of the types, and whole lives of readers that steal, crash and come
 * back. */
#include "mysql/ranges.h"

#include <stdio.h>
#include <string.h>

#define READERS 5

static SourceTable *table_new(const char *type, bool is_unsigned)
{
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:[i],s:s,s:[{s:s,s:s,s:s,s:b,s:i,s:i}]}", "database", "d", "name", "t", "engine",
                  "InnoDB", "create_sql", "", "key", 0, "key_name", "PRIMARY", "columns", "name", "id", "type", type,
                  "type_text", type, "unsigned", is_unsigned, "precision", 20, "scale", 0);
    g_autoptr(GError) error = NULL;
    SourceTable *table = source_table_from_json(json, &error);

    g_assert_no_error(error);
    json_decref(json);
    return table;
}

static char *plan_text(const RangePlan *plan)
{
    GString *text = g_string_new(NULL);
    const GPtrArray *ranges = range_plan_ranges(plan);

    for (unsigned i = 0; i < ranges->len; i++) {
        const Range *range = ranges->pdata[i];

        g_string_append_printf(text, "(%s,%s]", range->after != NULL ? range->after : "",
                               range->upto != NULL ? range->upto : "");
    }
    return g_string_free(text, FALSE);
}

static void assert_plan(const char *type, bool is_unsigned, const char *min, const char *max, unsigned pieces,
                        const char *expected)
{
    g_autoptr(SourceTable) table = table_new(type, is_unsigned);
    g_autoptr(RangePlan) plan = range_plan_new(table, min, max, pieces);
    g_autofree char *text = plan_text(plan);

    g_assert_cmpstr(text, ==, expected);
}

static void test_new(void)
{
    assert_plan("int", false, "1", "101", 4, "(,26](26,51](51,76](76,]");
    assert_plan("int", false, "-100", "100", 2, "(,0](0,]");
    assert_plan("int", false, "5", "5", 4, "(,]");
    assert_plan("int", false, "5", "7", 4, "(,6](6,]");
    assert_plan("int", false, NULL, NULL, 4, "(,]");
    assert_plan("int", false, "x", "9", 4, "(,]");
    assert_plan("int", false, "9", "1", 4, "(,]");
    assert_plan("varchar", false, "1", "1000000", 4, "(,]");
    assert_plan("bigint", true, "0", "18446744073709551615", 2, "(,9223372036854775807](9223372036854775807,]");
    assert_plan("bigint", false, "-9223372036854775808", "9223372036854775807", 4,
                "(,-4611686018427387905](-4611686018427387905,-1](-1,4611686018427387903](4611686018427387903,]");
    assert_plan("bigint", true, "18446744073709551613", "18446744073709551615", 9,
                "(,18446744073709551614](18446744073709551614,]");
}

static void test_steal(void)
{
    g_autoptr(SourceTable) table = table_new("int", false);
    g_autoptr(RangePlan) plan = range_plan_new(table, "0", "1000000", 1);
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    const Range *first = range_plan_take(plan, changed), *second;
    uint64_t first_id = first->id;
    unsigned done;

    g_assert_cmpuint(changed->len, ==, 0);
    range_plan_reading(plan, first_id, "500000");
    second = range_plan_take(plan, changed);
    g_assert_cmpuint(changed->len, ==, 2);
    g_assert_cmpstr(second->after, ==, "750000");
    g_assert_null(second->upto);
    g_assert_cmpstr(range_plan_get(plan, first_id)->upto, ==, "750000");
    /* A statement begun before may read on beyond the new end: acknowledged, but not claimed. */
    range_plan_progress(plan, first_id, "900000", 10);
    g_assert_cmpstr(range_plan_get(plan, first_id)->after, ==, "750000");
    range_plan_finish(plan, first_id);
    g_assert_cmpuint(range_plan_count(plan, &done), ==, 2);
    g_assert_cmpuint(done, ==, 1);
    g_assert_cmpuint(range_plan_rows_done(plan), ==, 10);
    /* Too little left to divide. */
    range_plan_reading(plan, second->id, "985000");
    g_array_set_size(changed, 0);
    g_assert_null(range_plan_take(plan, changed));
    /* What is given back is handed out whole. */
    range_plan_release(plan, second->id);
    g_assert_true(range_plan_take(plan, changed) == second);
    range_plan_finish(plan, second->id);
    g_assert_true(range_plan_all_done(plan));
    g_assert_null(range_plan_take(plan, changed));
}

static void test_walked_keys_are_one_range(void)
{
    g_autoptr(SourceTable) table = table_new("varchar", false);
    g_autoptr(RangePlan) plan = range_plan_new(table, NULL, NULL, 8);
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    const Range *range = range_plan_take(plan, changed);

    range_plan_reading(plan, range->id, "_utf8mb4 0x61 COLLATE utf8mb4_bin");
    range_plan_progress(plan, range->id, "_utf8mb4 0x61 COLLATE utf8mb4_bin", 3);
    g_assert_cmpstr(range->after, ==, "_utf8mb4 0x61 COLLATE utf8mb4_bin");
    g_assert_null(range_plan_take(plan, changed));
}

/* --- Lives --- */

typedef struct {
    bool busy;
    uint64_t range;
    uint64_t read;          /* index in keys of the next one to read */
    GArray *unacknowledged; /* of unsigned: indices in keys, in order */
} Reader;

typedef struct {
    bool is_unsigned;
    SourceTable *table;
    RangePlan *plan;
    GHashTable *saved; /* id -> Range: the catalog */
    uint64_t *keys;    /* in key order, as unsigned with the sign bit flipped for signed ones */
    unsigned n_keys;
    unsigned *acknowledged; /* how often each key was */
    Reader readers[READERS];
    GRand *random;
    unsigned steals, crashes;
} Life;

static char *key_text(const Life *life, uint64_t key)
{
    return life->is_unsigned ? g_strdup_printf("%" G_GUINT64_FORMAT, key)
                             : g_strdup_printf("%" G_GINT64_FORMAT, (gint64)(key ^ ((uint64_t)1 << 63)));
}

static uint64_t key_value(const Life *life, const char *text)
{
    return life->is_unsigned ? g_ascii_strtoull(text, NULL, 10)
                             : (uint64_t)g_ascii_strtoll(text, NULL, 10) ^ ((uint64_t)1 << 63);
}

static Range *range_copy(const Range *range)
{
    Range *copy = g_new0(Range, 1);

    *copy = *range;
    copy->after = g_strdup(range->after);
    copy->upto = g_strdup(range->upto);
    return copy;
}

static void save(Life *life, uint64_t id)
{
    Range *copy = range_copy(range_plan_get(life->plan, id));

    g_hash_table_replace(life->saved, &copy->id, copy);
}

static void save_all(Life *life)
{
    const GPtrArray *ranges = range_plan_ranges(life->plan);

    for (unsigned i = 0; i < ranges->len; i++)
        save(life, ((const Range *)ranges->pdata[i])->id);
}

static bool key_in(const Life *life, const Range *range, uint64_t key)
{
    return (range->after == NULL || key > key_value(life, range->after)) &&
           (range->upto == NULL || key <= key_value(life, range->upto));
}

/* No two saved ranges hold the same key, and every key that is in no range any more was acknowledged. */
static void assert_saved_ranges_are_whole(const Life *life)
{
    for (unsigned i = 0; i < life->n_keys; i++) {
        GHashTableIter iter;
        gpointer value;
        unsigned holders = 0;

        g_hash_table_iter_init(&iter, life->saved);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            const Range *range = value;

            if (!range->done && key_in(life, range, life->keys[i]))
                holders++;
        }
        g_assert_cmpuint(holders, <=, 1);
        g_assert_true(holders == 1 || life->acknowledged[i] > 0);
    }
}

static void reader_step(Life *life, Reader *reader)
{
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    const Range *range;

    if (!reader->busy) {
        range = range_plan_take(life->plan, changed);
        if (range == NULL)
            return;
        life->steals += changed->len > 0;
        for (unsigned i = 0; i < changed->len; i++)
            save(life, g_array_index(changed, uint64_t, i));
        reader->busy = true;
        reader->range = range->id;
        reader->read = 0;
        while (reader->read < life->n_keys && range->after != NULL &&
               life->keys[reader->read] <= key_value(life, range->after))
            reader->read++;
        return;
    }
    range = range_plan_get(life->plan, reader->range);
    switch (g_rand_int_range(life->random, 0, 8)) {
    case 0: /* given back: what is under way is thrown away */
        range_plan_release(life->plan, reader->range);
        g_array_set_size(reader->unacknowledged, 0);
        reader->busy = false;
        return;
    case 1:
    case 2: { /* an acknowledgement of the oldest few */
        unsigned n = reader->unacknowledged->len;

        if (n == 0)
            break;
        n = (unsigned)g_rand_int_range(life->random, 1, (gint32)n + 1);
        g_autofree char *key = key_text(life, life->keys[g_array_index(reader->unacknowledged, unsigned, n - 1)]);

        for (unsigned i = 0; i < n; i++)
            life->acknowledged[g_array_index(reader->unacknowledged, unsigned, i)]++;
        g_array_remove_range(reader->unacknowledged, 0, n);
        range_plan_progress(life->plan, reader->range, key, n);
        if (g_rand_boolean(life->random))
            save(life, reader->range);
        return;
    }
    default:
        break;
    }
    /* A few rows of a statement, which may have begun before half of the range was taken away. */
    bool stale = g_rand_int_range(life->random, 0, 4) == 0;
    unsigned n = (unsigned)g_rand_int_range(life->random, 1, 6);

    for (; n > 0 && reader->read < life->n_keys; n--, reader->read++) {
        if (!stale && !key_in(life, &(Range){.upto = range->upto}, life->keys[reader->read]))
            break;
        unsigned index = (unsigned)reader->read;

        g_array_append_val(reader->unacknowledged, index);
    }
    if (reader->unacknowledged->len > 0 && g_rand_boolean(life->random)) {
        g_autofree char *key = key_text(life, life->keys[reader->read - 1]);

        range_plan_reading(life->plan, reader->range, key);
    }
    if ((reader->read == life->n_keys || !key_in(life, &(Range){.upto = range->upto}, life->keys[reader->read])) &&
        reader->unacknowledged->len == 0) {
        range_plan_finish(life->plan, reader->range);
        save(life, reader->range);
        reader->busy = false;
    }
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
    const Range *left = *(Range *const *)a, *right = *(Range *const *)b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void crash(Life *life)
{
    GPtrArray *ranges = g_ptr_array_new_with_free_func((GDestroyNotify)range_free);
    GHashTableIter iter;
    gpointer value;

    assert_saved_ranges_are_whole(life);
    g_hash_table_iter_init(&iter, life->saved);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(ranges, range_copy(value));
    g_ptr_array_sort(ranges, compare_ids);
    range_plan_free(life->plan);
    life->plan = range_plan_restore_take(life->table, ranges);
    if (g_rand_boolean(life->random)) {
        g_autofree char *min = key_text(life, life->keys[0]);
        g_autofree char *max = key_text(life, life->keys[life->n_keys - 1]);

        range_plan_set_bounds(life->plan, min, max);
    }
    for (unsigned i = 0; i < READERS; i++) {
        life->readers[i].busy = false;
        g_array_set_size(life->readers[i].unacknowledged, 0);
    }
    life->crashes++;
}

static int compare_keys(gconstpointer a, gconstpointer b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void life_fill_keys(Life *life)
{
    unsigned shape = (unsigned)g_rand_int_range(life->random, 0, 4);

    life->n_keys = (unsigned)g_rand_int_range(life->random, 1, 200);
    life->keys = g_new0(uint64_t, life->n_keys);
    life->acknowledged = g_new0(unsigned, life->n_keys);
    for (unsigned i = 0; i < life->n_keys; i++) {
        uint64_t wide = (uint64_t)g_rand_int(life->random) << 32 | g_rand_int(life->random);

        life->keys[i] = shape == 0   ? wide                             /* anywhere */
                        : shape == 1 ? UINT64_MAX - wide % 1000000      /* at the top */
                        : shape == 2 ? wide % 1000000                   /* at the bottom */
                                     : ((uint64_t)1 << 63) + wide % 64; /* close together, round 0 of signed ones */
    }
    if (shape == 0) {
        life->keys[0] = 0;
        life->keys[life->n_keys - 1] = UINT64_MAX;
    }
    qsort(life->keys, life->n_keys, sizeof *life->keys, compare_keys);
    unsigned n = 1;
    for (unsigned i = 1; i < life->n_keys; i++)
        if (life->keys[i] != life->keys[n - 1])
            life->keys[n++] = life->keys[i];
    life->n_keys = n;
}

static void live(uint32_t seed, unsigned *steals, unsigned *crashes)
{
    Life life = {.random = g_rand_new_with_seed(seed)};
    g_autofree char *min = NULL, *max = NULL;

    life.is_unsigned = g_rand_boolean(life.random);
    life.table = table_new("bigint", life.is_unsigned);
    life_fill_keys(&life);
    min = key_text(&life, life.keys[0]);
    /* Often the table has grown since its largest key was asked for. */
    max = key_text(&life, life.keys[(unsigned)g_rand_int_range(life.random, 0, (gint32)life.n_keys)]);
    life.plan = range_plan_new(life.table, min, max, (unsigned)g_rand_int_range(life.random, 1, 9));
    life.saved = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)range_free);
    for (unsigned i = 0; i < READERS; i++)
        life.readers[i].unacknowledged = g_array_new(FALSE, FALSE, sizeof(unsigned));
    save_all(&life);
    for (unsigned steps = 0; !range_plan_all_done(life.plan); steps++) {
        g_assert_cmpuint(steps, <, 1000000);
        if (g_rand_int_range(life.random, 0, 400) == 0)
            crash(&life);
        reader_step(&life, &life.readers[g_rand_int_range(life.random, 0, READERS)]);
    }
    for (unsigned i = 0; i < life.n_keys; i++)
        g_assert_cmpuint(life.acknowledged[i], >, 0);
    assert_saved_ranges_are_whole(&life);
    *steals += life.steals;
    *crashes += life.crashes;
    for (unsigned i = 0; i < READERS; i++)
        g_array_unref(life.readers[i].unacknowledged);
    g_hash_table_unref(life.saved);
    range_plan_free(life.plan);
    source_table_unref(life.table);
    g_free(life.keys);
    g_free(life.acknowledged);
    g_rand_free(life.random);
}

static void test_lives(void)
{
    unsigned steals = 0, crashes = 0;

    for (uint32_t seed = 1; seed <= 400; seed++)
        live(seed, &steals, &crashes);
    g_test_message("%u steals, %u crashes", steals, crashes);
    g_assert_cmpuint(steals, >, 100);
    g_assert_cmpuint(crashes, >, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ranges/new", test_new);
    g_test_add_func("/ranges/steal", test_steal);
    g_test_add_func("/ranges/walked-keys-are-one-range", test_walked_keys_are_one_range);
    g_test_add_func("/ranges/every-key-is-read", test_lives);
    return g_test_run();
}
