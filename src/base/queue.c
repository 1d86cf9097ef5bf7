#include "base/queue.h"
#include "base/wait.h"

#include <pthread.h>

struct Queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled;               /* an item came, or the end */
    pthread_cond_t emptied[QUEUE_LANES]; /* room came, or the end */
    GQueue lanes[QUEUE_LANES];
    unsigned limit;
    unsigned passed_over; /* urgent items popped in a row while ordinary ones waited */
    bool closed;
    GDestroyNotify free_item;
    Cancel *cancel;
    unsigned hook;
};

static void wake_all(void *data)
{
    Queue *queue = data;
    pthread_mutex_lock(&queue->mutex);
    pthread_cond_broadcast(&queue->filled);
    for (int lane = 0; lane < QUEUE_LANES; lane++)
        pthread_cond_broadcast(&queue->emptied[lane]);
    pthread_mutex_unlock(&queue->mutex);
}

Queue *queue_new(unsigned limit, GDestroyNotify free_item, Cancel *cancel)
{
    g_assert(limit > 0);
    Queue *queue = g_new0(Queue, 1);
    pthread_mutex_init(&queue->mutex, NULL);
    wait_cond_init(&queue->filled);
    for (int lane = 0; lane < QUEUE_LANES; lane++) {
        wait_cond_init(&queue->emptied[lane]);
        g_queue_init(&queue->lanes[lane]);
    }
    queue->limit = limit;
    queue->free_item = free_item;
    if (cancel != NULL) {
        queue->cancel = cancel_ref(cancel);
        queue->hook = cancel_add_hook(cancel, wake_all, queue);
    }
    return queue;
}

void queue_free(Queue *queue)
{
    if (queue == NULL)
        return;
    if (queue->cancel != NULL)
        cancel_remove_hook(queue->cancel, queue->hook);
    for (int lane = 0; lane < QUEUE_LANES; lane++) {
        void *item;
        while ((item = g_queue_pop_head(&queue->lanes[lane])) != NULL) {
            if (queue->free_item != NULL)
                queue->free_item(item);
        }
        pthread_cond_destroy(&queue->emptied[lane]);
    }
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->mutex);
    cancel_unref(queue->cancel);
    g_free(queue);
}

bool queue_push_take(Queue *queue, QueueLane lane, void *item)
{
    g_assert(item != NULL);
    pthread_mutex_lock(&queue->mutex);
    while (!queue->closed && !cancel_requested(queue->cancel) && queue->lanes[lane].length >= queue->limit)
        wait_cond_until(&queue->emptied[lane], &queue->mutex, -1);
    bool taken = !queue->closed && !cancel_requested(queue->cancel);
    if (taken) {
        g_queue_push_tail(&queue->lanes[lane], item);
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

/* The next item. With the mutex held. */
static void *take(Queue *queue)
{
    bool waits = queue->lanes[QUEUE_ORDINARY].length > 0, urgent = queue->lanes[QUEUE_URGENT].length > 0;
    QueueLane lane = urgent && !(waits && queue->passed_over == QUEUE_PASSED_OVER) ? QUEUE_URGENT : QUEUE_ORDINARY;
    void *item = g_queue_pop_head(&queue->lanes[lane]);
    queue->passed_over = lane == QUEUE_URGENT && waits ? queue->passed_over + 1 : 0;
    if (item != NULL)
        pthread_cond_signal(&queue->emptied[lane]);
    return item;
}

void *queue_pop(Queue *queue, int64_t usec)
{
    int64_t deadline = wait_deadline(usec);
    void *item = NULL;
    bool in_time = true;
    pthread_mutex_lock(&queue->mutex);
    while (!cancel_requested(queue->cancel)) {
        item = take(queue);
        if (item != NULL || queue->closed || !in_time)
            break;
        in_time = wait_cond_until(&queue->filled, &queue->mutex, deadline);
    }
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

void queue_close(Queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_mutex_unlock(&queue->mutex);
    wake_all(queue);
}

unsigned queue_length(Queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    unsigned length = 0;
    for (int lane = 0; lane < QUEUE_LANES; lane++)
        length += queue->lanes[lane].length;
    pthread_mutex_unlock(&queue->mutex);
    return length;
}
