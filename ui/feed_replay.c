/* feed_replay.c - the feed that plays a recording: its pictures at the pace at which they came, its answers to the same
 * requests. */
#include "feed_private.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/error.h"

typedef struct {
    Recording *recording;
    int64_t began;      /* monotonic: when the first picture was shown, less its time */
    const json_t *next; /* NULL: the last one stands */
    int64_t next_ms;
} Replay;

static int64_t played_ms(const Replay *replay)
{
    return (clock_monotonic_usec() - replay->began) / 1000;
}

static void answer_request(Feed *feed, const Replay *replay, const FeedRequest *request)
{
    json_t *answer = recording_answer(replay->recording, request->request, played_ms(replay));
    GError *error = NULL;
    if (answer)
        protocol_answer_ok(answer, &error);
    else if (recording_is_question(request->request))
        error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "the recording has no answer to this");
    else
        error = g_error_new(SLUICE_ERROR, SLUICE_ERROR_REFUSED, "this is a recording: nothing is done");
    feed_answer(feed, request->ticket, answer ? json_deep_copy(answer) : NULL, error);
}

static void answer_requests(Feed *feed, const Replay *replay)
{
    FeedRequest *request;
    while ((request = feed_next_request(feed))) {
        answer_request(feed, replay, request);
        json_decref(request->request);
        g_free(request);
    }
}

static void show_due(Feed *feed, Replay *replay)
{
    while (replay->next && replay->next_ms <= played_ms(replay)) {
        View *view = view_from_json(replay->next, NULL);
        if (view)
            feed_show(feed, view);
        replay->next = recording_next(replay->recording, &replay->next_ms);
        if (!replay->next)
            feed_set_state(feed, FEED_ENDED);
    }
}

static void replay_run(Feed *feed, void *data)
{
    Replay *replay = data;
    replay->next = recording_next(replay->recording, &replay->next_ms);
    replay->began = clock_monotonic_usec() - replay->next_ms * 1000;
    while (!feed_is_ending(feed)) {
        show_due(feed, replay);
        answer_requests(feed, replay);
        int64_t wait = replay->next ? CLAMP(replay->next_ms - played_ms(replay), 0, 60000) : -1;
        struct pollfd fd = {.fd = feed_thread_fd(feed), .events = POLLIN};
        if (poll(&fd, 1, (int)wait) < 0 && errno != EINTR)
            break;
        if (fd.revents)
            feed_thread_clear(feed);
    }
}

static void replay_free(void *data)
{
    Replay *replay = data;
    recording_free(replay->recording);
    g_free(replay);
}

Feed *feed_replay_new(Recording *recording_take)
{
    static const FeedSource source = {.run = replay_run, .free = replay_free};
    Replay *replay = g_new0(Replay, 1);
    replay->recording = recording_take;
    return feed_new(&source, replay, FEED_PLAYING);
}
