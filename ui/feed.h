/* feed.h - the thread that speaks to the engine, so that no key ever waits for it.
 *
 * It owns the connection, asks for views, sends what the main thread hands over, and tries to connect again each second
 * when the engine went away. All functions are called from the main thread; none blocks.
 */
#ifndef SLUICE_UI_FEED_H
#define SLUICE_UI_FEED_H

#include "control/control.h"

typedef struct Feed Feed;

typedef struct {
    int64_t ticket;
    json_t *answer; /* NULL when there is an error */
    GError *error;
} FeedAnswer;

Feed *feed_new(const char *state_dir, Client *client_take);
void feed_free(Feed *feed); /* ends the thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Feed, feed_free)

int feed_wake_fd(const Feed *feed); /* readable when there is news */
void feed_wake_clear(Feed *feed);

bool feed_connected(Feed *feed);
View *feed_take_view(Feed *feed); /* the newest since the last call, or NULL */

/* Sends without waiting; every ticket (> 0) gets exactly one answer, also when the engine goes away. */
int64_t feed_send(Feed *feed, json_t *request_take);
FeedAnswer *feed_pull(Feed *feed);
void feed_answer_free(FeedAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeedAnswer, feed_answer_free)

#endif
