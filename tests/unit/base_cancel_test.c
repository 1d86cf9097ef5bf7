#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

static void count(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
}

static void hooks_run_once(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    atomic_int kept = 0, removed = 0, late = 0;
    g_assert_cmpuint(cancel_add_hook(cancel, count, &kept), >, 0);
    unsigned id = cancel_add_hook(cancel, count, &removed);
    cancel_remove_hook(cancel, id);
    g_assert_false(cancel_requested(cancel));
    cancel_request(cancel);
    cancel_request(cancel);
    g_assert_true(cancel_requested(cancel));
    unsigned late_id = cancel_add_hook(cancel, count, &late);
    cancel_remove_hook(cancel, late_id);
    g_assert_cmpint(kept, ==, 1);
    g_assert_cmpint(removed, ==, 0);
    g_assert_cmpint(late, ==, 1);
}

static void *request_later(void *data)
{
    g_usleep(50 * 1000);
    cancel_request(data);
    return NULL;
}

static void sleep_ends_at_once(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    g_assert_false(cancel_sleep(cancel, 1000));
    g_assert_false(cancel_sleep(cancel, 0));
    g_assert_false(cancel_sleep(NULL, 1000));
    pthread_t thread;
    pthread_create(&thread, NULL, request_later, cancel);
    int64_t begin = clock_monotonic_usec();
    g_assert_true(cancel_sleep(cancel, 30 * 1000000));
    g_assert_cmpint(clock_monotonic_usec() - begin, <, 10 * 1000000);
    g_assert_true(cancel_sleep(cancel, 30 * 1000000));
    pthread_join(thread, NULL);
}

static void errors(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(cancel_requested(NULL));
    g_assert_false(cancel_set_error(NULL, &error));
    g_assert_false(cancel_set_error(cancel, &error));
    g_assert_no_error(error);
    cancel_request(cancel);
    g_assert_true(cancel_set_error(cancel, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CANCELLED);
}

/* Adding and removing hooks from several threads while another requests: after the removal the data is gone. */
static void *hook_often(void *data)
{
    for (int i = 0; i < 2000; i++) {
        atomic_int *counter = g_new0(atomic_int, 1);
        unsigned id = cancel_add_hook(data, count, counter);
        cancel_remove_hook(data, id);
        g_assert_cmpint(atomic_load(counter), <=, 1);
        g_free(counter);
    }
    return NULL;
}

static void hooks_in_threads(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, hook_often, cancel);
    g_usleep(500);
    cancel_request(cancel);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void backoff(void)
{
    g_assert_cmpint(backoff_usec(1, UINT32_MAX), ==, 1000000);
    g_assert_cmpint(backoff_usec(1, 0), ==, 750000);
    g_assert_cmpint(backoff_usec(2, UINT32_MAX), ==, 2000000);
    g_assert_cmpint(backoff_usec(6, UINT32_MAX), ==, 32000000);
    g_assert_cmpint(backoff_usec(7, UINT32_MAX), ==, 60000000);
    g_assert_cmpint(backoff_usec(4000000000u, UINT32_MAX), ==, 60000000);
    g_assert_cmpint(backoff_usec(4000000000u, 0), ==, 45000000);
}

static void times(void)
{
    char out[25];
    g_assert_cmpstr(clock_format_rfc3339(0, out), ==, "1970-01-01T00:00:00.000Z");
    g_assert_cmpstr(clock_format_rfc3339(-1, out), ==, "1969-12-31T23:59:59.999Z");
    g_assert_cmpstr(clock_format_rfc3339(INT64_C(1795442551123456), out), ==, "2026-11-23T14:02:31.123Z");
    g_assert_cmpstr(clock_format_rfc3339(INT64_MAX, out), ==, "9999-12-31T23:59:59.000Z");
    g_assert_cmpstr(clock_format_rfc3339(INT64_MIN, out), ==, "0000-01-01T00:00:00.000Z");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/cancel/hooks-run-once", hooks_run_once);
    g_test_add_func("/base/cancel/sleep-ends-at-once", sleep_ends_at_once);
    g_test_add_func("/base/cancel/errors", errors);
    g_test_add_func("/base/cancel/hooks-in-threads", hooks_in_threads);
    g_test_add_func("/base/backoff", backoff);
    g_test_add_func("/base/clock/rfc3339", times);
    return g_test_run();
}
