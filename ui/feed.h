/* feed.h - where pictures and answers come from: a thread, so that no key ever waits for them.
 *
 * Two there are: one that speaks to an engine, and tries to connect again each second when it went away; one that plays
 * a recording. All functions are called from the main thread; none blocks.
 */
#ifndef SLUICE_UI_FEED_H
#define SLUICE_UI_FEED_H

#include "control/control.h"
#include "recording.h"

typedef struct Feed Feed;

typedef enum {
    FEED_LIVE,
    FEED_GONE,    /* no engine answers */
    FEED_PLAYING, /* a recording */
    FEED_ENDED,   /* its last picture stands */
} FeedState;

typedef struct {
    int64_t ticket;
    json_t *answer; /* NULL when there is an error */
    GError *error;
} FeedAnswer;

Feed *feed_live_new(const char *state_dir, Client *client_take, Recorder *recorder_take); /* recorder: may be NULL */
Feed *feed_replay_new(Recording *recording_take);
void feed_free(Feed *feed); /* ends the thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Feed, feed_free)

int feed_wake_fd(const Feed *feed); /* readable when there is news */
void feed_wake_clear(Feed *feed);

FeedState feed_state(Feed *feed);
View *feed_take_view(Feed *feed);      /* the newest since the last call, or NULL */
char *feed_take_complaint(Feed *feed); /* what went wrong on the side of the feed, told once; NULL: nothing. g_free */

/* Sends without waiting; every ticket (> 0) gets exactly one answer, also when the engine goes away. */
int64_t feed_send(Feed *feed, json_t *request_take);
FeedAnswer *feed_pull(Feed *feed);
void feed_answer_free(FeedAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeedAnswer, feed_answer_free)

#endif
