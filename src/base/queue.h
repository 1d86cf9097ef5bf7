/* queue.h - hands owned pointers from thread to thread, bounded by count, ended by close or cancel.
 *
 * Two lanes: what is in the urgent lane (the stream) is popped before the ordinary one (the snapshot), so that a load
 * hardly holds up tables that are live. An ordinary item is passed over QUEUE_PASSED_OVER times at most: a stream that never
 * catches up does not keep a load from its end. Each lane has its own bound.
 */
#ifndef SLUICE_BASE_QUEUE_H
#define SLUICE_BASE_QUEUE_H

#include "base/cancel.h"

#define QUEUE_PASSED_OVER 8

typedef struct Queue Queue;
typedef enum { QUEUE_ORDINARY, QUEUE_URGENT, QUEUE_LANES } QueueLane;

/* `limit`: items per lane, > 0. `free_item` is used for what is left at queue_free. `cancel` is borrowed (may be NULL). */
Queue *queue_new(unsigned limit, GDestroyNotify free_item, Cancel *cancel);
void queue_free(Queue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Queue, queue_free)

/* Waits for room. On true the queue owns the item; on false (closed or cancelled) the caller still does. */
bool queue_push_take(Queue *queue, QueueLane lane, void *item);

/* Waits for an item, at most `usec` (< 0: for ever). NULL: timeout, cancelled, or closed and empty. */
void *queue_pop(Queue *queue, int64_t usec);

/* No further push succeeds; what is inside can still be popped. */
void queue_close(Queue *queue);
unsigned queue_length(Queue *queue);

#endif
