#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

static void lanes(void)
{
    g_autoptr(Queue) queue = queue_new(2, NULL, NULL);
    int a = 1, b = 2, c = 3;
    g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, &a));
    g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, &b));
    g_assert_true(queue_push_take(queue, QUEUE_URGENT, &c));
    g_assert_cmpuint(queue_length(queue), ==, 3);
    g_assert_true(queue_pop(queue, 0) == &c);
    g_assert_true(queue_pop(queue, 0) == &a);
    g_assert_true(queue_pop(queue, -1) == &b);
    int64_t begin = clock_monotonic_usec();
    g_assert_null(queue_pop(queue, 20000));
    g_assert_cmpint(clock_monotonic_usec() - begin, >=, 20000);
}

/* Urgent items that never end let an ordinary one through now and then. */
static void nothing_waits_for_ever(void)
{
    g_autoptr(Queue) queue = queue_new(2, NULL, NULL);
    int ordinary = 1, urgent = 2;
    for (unsigned round = 0; round < 2; round++) {
        g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, &ordinary));
        for (unsigned i = 0; i < QUEUE_PASSED_OVER; i++) {
            g_assert_true(queue_push_take(queue, QUEUE_URGENT, &urgent));
            g_assert_true(queue_pop(queue, 0) == &urgent);
        }
        g_assert_true(queue_push_take(queue, QUEUE_URGENT, &urgent));
        g_assert_true(queue_pop(queue, 0) == &ordinary);
        g_assert_true(queue_pop(queue, 0) == &urgent);
    }
    /* Where nobody waits nobody is passed over. */
    for (unsigned i = 0; i < 2 * QUEUE_PASSED_OVER; i++) {
        g_assert_true(queue_push_take(queue, QUEUE_URGENT, &urgent));
        g_assert_true(queue_pop(queue, 0) == &urgent);
    }
    g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, &ordinary));
    g_assert_true(queue_push_take(queue, QUEUE_URGENT, &urgent));
    g_assert_true(queue_pop(queue, 0) == &urgent);
}

static void close_lets_the_rest_out(void)
{
    g_autoptr(Queue) queue = queue_new(4, NULL, NULL);
    int a = 1;
    g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, &a));
    queue_close(queue);
    g_assert_false(queue_push_take(queue, QUEUE_URGENT, &a));
    g_assert_true(queue_pop(queue, -1) == &a);
    g_assert_null(queue_pop(queue, -1));
}

static void free_frees_what_is_left(void)
{
    Queue *queue = queue_new(4, g_free, NULL);
    g_assert_true(queue_push_take(queue, QUEUE_ORDINARY, g_strdup("left")));
    queue_free(queue);
    queue_free(NULL);
}

typedef struct {
    Queue *queue;
    bool result;
} Waiting;

static void *push_and_wait(void *data)
{
    Waiting *waiting = data;
    static int item;
    waiting->result = queue_push_take(waiting->queue, QUEUE_ORDINARY, &item);
    return NULL;
}

static void *pop_and_wait(void *data)
{
    Waiting *waiting = data;
    waiting->result = queue_pop(waiting->queue, -1) != NULL;
    return NULL;
}

static void cancel_ends_waits(void)
{
    g_autoptr(Cancel) cancel = cancel_new();
    g_autoptr(Queue) full = queue_new(1, NULL, cancel);
    g_autoptr(Queue) empty = queue_new(1, NULL, cancel);
    int item;
    g_assert_true(queue_push_take(full, QUEUE_ORDINARY, &item));
    Waiting push = {.queue = full, .result = true}, pop = {.queue = empty, .result = true};
    pthread_t a, b;
    pthread_create(&a, NULL, push_and_wait, &push);
    pthread_create(&b, NULL, pop_and_wait, &pop);
    g_usleep(20000);
    cancel_request(cancel);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    g_assert_false(push.result);
    g_assert_false(pop.result);
    g_assert_null(queue_pop(full, -1));
}

static void close_ends_waits(void)
{
    g_autoptr(Queue) full = queue_new(1, NULL, NULL);
    int item;
    g_assert_true(queue_push_take(full, QUEUE_ORDINARY, &item));
    Waiting push = {.queue = full, .result = true};
    pthread_t a;
    pthread_create(&a, NULL, push_and_wait, &push);
    g_usleep(20000);
    queue_close(full);
    pthread_join(a, NULL);
    g_assert_false(push.result);
}

#define ITEMS 5000

static void *produce(void *data)
{
    for (gsize i = 1; i <= ITEMS; i++)
        g_assert_true(queue_push_take(data, i % 3 == 0 ? QUEUE_URGENT : QUEUE_ORDINARY, GSIZE_TO_POINTER(i)));
    return NULL;
}

static atomic_size_t consumed_sum;

static void *consume(void *data)
{
    void *item;
    while ((item = queue_pop(data, -1)) != NULL)
        atomic_fetch_add(&consumed_sum, GPOINTER_TO_SIZE(item));
    return NULL;
}

static void many_threads(void)
{
    g_autoptr(Queue) queue = queue_new(3, NULL, NULL);
    pthread_t producers[3], consumers[3];
    for (int i = 0; i < 3; i++) {
        pthread_create(&producers[i], NULL, produce, queue);
        pthread_create(&consumers[i], NULL, consume, queue);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(producers[i], NULL);
    queue_close(queue);
    for (int i = 0; i < 3; i++)
        pthread_join(consumers[i], NULL);
    g_assert_cmpuint(consumed_sum, ==, 3 * (gsize)ITEMS * (ITEMS + 1) / 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/queue/lanes", lanes);
    g_test_add_func("/base/queue/nothing-waits-for-ever", nothing_waits_for_ever);
    g_test_add_func("/base/queue/close", close_lets_the_rest_out);
    g_test_add_func("/base/queue/free", free_frees_what_is_left);
    g_test_add_func("/base/queue/cancel-ends-waits", cancel_ends_waits);
    g_test_add_func("/base/queue/close-ends-waits", close_ends_waits);
    g_test_add_func("/base/queue/many-threads", many_threads);
    return g_test_run();
}
