/* feed_private.h - between a feed's face and the thread behind it. */
#ifndef SLUICE_UI_FEED_PRIVATE_H
#define SLUICE_UI_FEED_PRIVATE_H

#include "feed.h"

typedef struct {
    void (*run)(Feed *feed, void *data); /* the thread, until feed_is_ending */
    void (*free)(void *data);            /* after it */
} FeedSource;

typedef struct {
    int64_t ticket;
    json_t *request;
} FeedRequest;

Feed *feed_new(const FeedSource *source, void *data_take, FeedState state);

/* -- of the thread -- */
int feed_thread_fd(const Feed *feed); /* readable when there is something to send, or an end */
void feed_thread_clear(Feed *feed);
bool feed_is_ending(Feed *feed);
FeedRequest *feed_next_request(Feed *feed); /* NULL: none. The caller frees it, and its request */
void feed_show(Feed *feed, View *view_take);
void feed_answer(Feed *feed, int64_t ticket, json_t *answer_take, GError *error_take);
void feed_set_state(Feed *feed, FeedState state);
void feed_complain(Feed *feed, const char *text);

#endif
