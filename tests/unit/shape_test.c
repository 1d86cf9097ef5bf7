/* What is kept with a table: the settings its types were made by, and how many values were changed on the way. */
#include "pipe/column_counts.h"
#include "pipe/shape.h"

static void check_shape(const MappingSettings *shape)
{
    json_t *json = shape_to_json(shape);
    MappingSettings back = {.zero_date = ZERO_DATE_FAIL};
    shape_from_json(json, &back);
    g_assert_cmpint(back.zero_date, ==, ZERO_DATE_FAIL); /* takes effect at once: not of the shape */
    back.zero_date = shape->zero_date;
    g_assert_cmpmem(&back, sizeof back, shape, sizeof *shape);
    json_decref(json);
}

static void test_shape(void)
{
    MappingSettings shape = {0};
    check_shape(&shape);
    shape.binary = BINARY_BASE64;
    shape.json_type = shape.nullable_off = true;
    check_shape(&shape);
    shape = (MappingSettings){.set_array = true, .geometry_wkb = true, .tinyint1_bool = true, .binary = BINARY_HEX};
    check_shape(&shape);
    MappingSettings live = {.column_prefix = "x", .zero_date = ZERO_DATE_EPOCH, .json_type = true};
    shape_copy(&shape, &live);
    g_assert_true(live.set_array && live.geometry_wkb && live.tinyint1_bool && !live.json_type);
    g_assert_cmpint(live.zero_date, ==, ZERO_DATE_EPOCH);
    g_assert_cmpstr(live.column_prefix, ==, "x");
}

static void test_differs(void)
{
    const MappingSettings plain = {0};
    static const char *const names[] = {"tinyint1", "nullable", "set", "json", "geometry", "binary"};
    const MappingSettings changed[] = {{.tinyint1_bool = true}, {.nullable_off = true}, {.set_array = true},
                                       {.json_type = true},     {.geometry_wkb = true}, {.binary = BINARY_HEX}};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(changed); k++)
            g_assert_true(shape_setting_differs(names[i], &plain, &changed[k]) == (i == k) &&
                          !shape_same(&plain, &changed[k]));
    const MappingSettings live = {.zero_date = ZERO_DATE_FAIL, .out_of_range = OUT_OF_RANGE_FAIL};
    g_assert_false(shape_setting_differs("zero_date", &plain, &live));
    g_assert_true(shape_same(&plain, &live));
    g_assert_false(shape_setting_differs("batch_rows", &plain, &live));
}

/* Of a catalog from before a setting was there: its default, as the table was made. */
static void test_old_shape(void)
{
    json_t *json = json_pack("{s:b, s:i}", "nullable_off", true, "binary", 7);
    MappingSettings shape = {.json_type = true};
    shape_from_json(json, &shape);
    g_assert_true(shape.nullable_off && !shape.json_type && shape.binary == BINARY_RAW);
    shape_from_json(NULL, &shape);
    g_assert_false(shape.nullable_off);
    json_decref(json);
}

static void test_counts(void)
{
    SourceColumn columns[] = {{.name = (char *)"id"}, {.name = (char *)"day"}, {.name = (char *)"na\"me"}};
    SourceTable table = {.n_columns = 3, .columns = columns};
    MappingCounters changed[3] = {[1] = {.converted_zero_dates = 2, .clamped = 1}, [2] = {.undecodable = 5}};
    GPtrArray *counts = column_counts_new();
    g_assert_null(column_counts_to_json(counts));
    column_counts_add(counts, &table, changed);
    column_counts_add(counts, &table, changed);
    g_autofree char *json = column_counts_to_json(counts);
    g_assert_cmpstr(json, ==, "{\"day\":[4,2,0],\"na\\\"me\":[0,0,10]}");
    GPtrArray *back = column_counts_from_json(json), *copy = column_counts_copy(back);
    g_autofree char *again = column_counts_to_json(copy);
    g_assert_cmpstr(again, ==, json);
    /* Samples: the newest first, each once, the oldest leaves. */
    static const char *const samples[] = {"0000-00-00", "1850-01-01", "0000-00-00", "2024-02-31", "9999-12-31"};
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        MappingCounters one[3] = {[1] = {.clamped = 1}};
        g_strlcpy(one[1].other, samples[i], MAPPING_SAMPLE);
        column_counts_add(copy, &table, one);
    }
    g_autofree char *sampled = column_counts_to_json(copy);
    g_assert_cmpstr(sampled, ==, "{\"day\":[4,7,0,\"9999-12-31\",\"2024-02-31\",\"0000-00-00\"],\"na\\\"me\":[0,0,10]}");
    GPtrArray *read = column_counts_from_json(sampled), *same = column_counts_copy(read);
    g_autofree char *kept = column_counts_to_json(same);
    g_assert_cmpstr(kept, ==, sampled);
    g_ptr_array_free(read, TRUE);
    g_ptr_array_free(same, TRUE);
    GPtrArray *none = column_counts_from_json("{\"a\": 1, \"b\": [-1]}"), *bad = column_counts_from_json("[");
    g_assert_cmpuint(none->len + bad->len, ==, 0);
    GPtrArray *all[] = {counts, back, copy, none, bad};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_ptr_array_free(all[i], TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shape/round_trip", test_shape);
    g_test_add_func("/shape/differs", test_differs);
    g_test_add_func("/shape/old", test_old_shape);
    g_test_add_func("/shape/counts", test_counts);
    return g_test_run();
}
