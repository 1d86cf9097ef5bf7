/* What differs between two pictures, written and put together again. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "../../ui/json_delta.h"
#include "../../ui/recording.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    g_assert_nonnull(value);
    return value;
}

static void test_delta(void)
{
    static const struct {
        const char *old, *now, *delta; /* NULL: nothing differs */
    } cases[] = {
        {"{\"a\": 1, \"b\": [1, 2]}", "{\"a\": 1, \"b\": [1, 2]}", NULL},
        {"{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 3, \"c\": {}}", "{\"b\": 3, \"c\": {}}"},
        {"{\"a\": null}", "{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}"},
        {"{\"a\": {\"b\": 1}}", "{\"a\": null}", "{\"a\": null}"},
        {"{\"p\": [{\"n\": 1}, {\"n\": 2}]}", "{\"p\": [{\"n\": 1}, {\"n\": 3}]}", "{\"p\": {\"1\": {\"n\": 3}}}"},
        {"{\"p\": [{\"n\": 1}, {\"n\": 2}]}", "{\"p\": [{\"n\": 2}]}", "{\"p\": [{\"n\": 2}]}"},
        {"{\"p\": []}", "{\"p\": [{\"n\": 2}]}", "{\"p\": [{\"n\": 2}]}"},
        {"{\"h\": [[1, 2], [3, 4]]}", "{\"h\": [[3, 4], [5, 6]]}", "{\"h\": [[3, 4], [5, 6]]}"},
        {"{\"p\": [{\"t\": [{\"x\": 1}, {\"x\": {\"y\": 2}}]}]}",
         "{\"p\": [{\"t\": [{\"x\": 1}, {\"x\": {\"y\": 3}}]}]}",
         "{\"p\": {\"0\": {\"t\": {\"1\": {\"x\": {\"y\": 3}}}}}}"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *old = parse(cases[i].old), *now = parse(cases[i].now), *delta;
        g_assert_true(json_delta(old, now, &delta));
        if (!cases[i].delta) {
            g_assert_null(delta);
        } else {
            json_t *expected = parse(cases[i].delta);
            g_assert_true(json_equal(delta, expected));
            old = json_delta_apply(old, delta);
            g_assert_true(json_equal(old, now));
            json_decref(expected);
        }
        json_decref(old);
        json_decref(now);
        json_decref(delta);
    }
}

static void test_what_cannot_be_told(void)
{
    json_t *array = parse("{\"a\": [1]}"), *object = parse("{\"a\": {}}"), *gone = parse("{}"),
           *outside = parse("{\"a\": {\"7\": {}}}"), *delta;
    g_assert_false(json_delta(array, object, &delta));
    json_decref(delta);
    g_assert_true(json_delta(array, gone, &delta)); /* unknown, as null is */
    g_assert_true(json_is_null(json_object_get(delta, "a")));
    json_decref(delta);
    g_assert_null(json_delta_apply(json_incref(array), outside));
    json_decref(array);
    json_decref(object);
    json_decref(gone);
    json_decref(outside);
}

/* The answer of that time, or the soonest after it; URLs are looked for as they were written. */
static void test_answers(void)
{
    g_autofree char *dir = g_dir_make_tmp("sluice-XXXXXX", NULL), *path = g_build_filename(dir, "r", NULL);
    static const char text[] =
        "{\"recording\": 1}\n{\"ms\": 1, \"view\": {}}\n"
        "{\"ms\": 10, \"request\": {\"do\": \"check\", \"source\": \"mysql://u:***@h\"}, \"answer\": {\"n\": 1}}\n"
        "{\"ms\": 20, \"request\": {\"do\": \"check\", \"source\": \"mysql://u:***@h\"}, \"answer\": {\"n\": 2}}\n";
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_autoptr(Recording) recording = recording_open(path, NULL);
    json_t *asked = parse("{\"id\": 7, \"do\": \"check\", \"source\": \"mysql://u:secret@h\"}"),
           *other = parse("{\"do\": \"check\"}");
    static const int64_t at[] = {0, 10, 19, 20, 99};
    static const int expected[] = {1, 1, 1, 2, 2};
    for (gsize i = 0; i < G_N_ELEMENTS(at); i++)
        g_assert_cmpint(json_integer_value(json_object_get(recording_answer(recording, asked, at[i]), "n")), ==,
                        expected[i]);
    g_assert_null(recording_answer(recording, other, 20));
    json_decref(asked);
    json_decref(other);
    g_unlink(path);
    g_rmdir(dir);
}

/* One file, made once; without a picture it does not stay. */
static void test_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("sluice-XXXXXX", NULL), *path = g_build_filename(dir, "r", NULL);
    g_autoptr(GError) error = NULL;
    Recorder *recorder = recorder_new(path, &error);
    g_assert_no_error(error);
    g_assert_null(recorder_new(path, &error));
    g_assert_nonnull(strstr(error->message, "is not overwritten"));
    recorder_free(recorder);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS)); /* nothing stood in it */
    g_rmdir(dir);
}

/* What cannot be written any more ends the recording; what was written before can be replayed. */
static void test_full_disk(void)
{
    g_autofree char *dir = g_dir_make_tmp("sluice-XXXXXX", NULL), *path = g_build_filename(dir, "r", NULL);
    g_autofree char *much = g_strnfill(5000, 'x');
    g_autoptr(GError) error = NULL;
    Recorder *recorder = recorder_new(path, &error);
    json_t *first = json_pack("{s:i}", "n", 1), *second = json_pack("{s:i, s:s}", "n", 2, "much", much);
    struct rlimit old, small = {.rlim_cur = 1000};
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    g_assert_true(recorder_view(recorder, first, &error));
    g_assert_false(recorder_view(recorder, second, &error));
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
    g_assert_nonnull(strstr(error->message, "ends here"));
    recorder_free(recorder);
    json_decref(first);
    json_decref(second);
    g_clear_error(&error);
    g_autoptr(Recording) recording = recording_open(path, &error);
    g_assert_no_error(error);
    int64_t ms;
    g_assert_cmpint(json_integer_value(json_object_get(recording_next(recording, &ms), "n")), ==, 1);
    g_assert_null(recording_next(recording, &ms));
    g_unlink(path);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/delta/differs", test_delta);
    g_test_add_func("/delta/cannot", test_what_cannot_be_told);
    g_test_add_func("/recording/answers", test_answers);
    g_test_add_func("/recording/file", test_file);
    g_test_add_func("/recording/full-disk", test_full_disk);
    return g_test_run();
}
