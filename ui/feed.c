#include "feed_private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <pthread.h>
#include <unistd.h>

struct Feed {
    const FeedSource *source;
    void *data;
    pthread_t thread;
    int wake_main[2], wake_thread[2];

    pthread_mutex_t lock; /* guards what follows */
    bool ending;
    FeedState state;
    View *newest;
    char *complaint;
    GQueue outbox;  /* FeedRequest */
    GQueue answers; /* FeedAnswer */
    int64_t next_ticket;
};

static void poke(int fd)
{
    ssize_t done;
    do
        done = write(fd, "", 1);
    while (done < 0 && errno == EINTR); /* EAGAIN: it is awake already */
}

static void drain(int fd)
{
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

static void wake_pipe(int fds[2])
{
    GError *error = NULL;
    if (!g_unix_open_pipe(fds, FD_CLOEXEC, &error) || !g_unix_set_fd_nonblocking(fds[0], TRUE, &error) ||
        !g_unix_set_fd_nonblocking(fds[1], TRUE, &error))
        g_error("cannot open a pipe: %s", error->message); /* no file descriptors left: nothing can be done */
}

static void *thread_main(void *data)
{
    Feed *feed = data;
    feed->source->run(feed, feed->data);
    return NULL;
}

Feed *feed_new(const FeedSource *source, void *data_take, FeedState state)
{
    Feed *feed = g_new0(Feed, 1);
    feed->source = source;
    feed->data = data_take;
    feed->state = state;
    pthread_mutex_init(&feed->lock, NULL);
    g_queue_init(&feed->outbox);
    g_queue_init(&feed->answers);
    wake_pipe(feed->wake_main);
    wake_pipe(feed->wake_thread);
    if (pthread_create(&feed->thread, NULL, thread_main, feed) != 0)
        g_error("cannot start a thread");
    return feed;
}

void feed_free(Feed *feed)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->lock);
    feed->ending = true;
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_thread[1]);
    pthread_join(feed->thread, NULL);
    feed->source->free(feed->data);
    FeedAnswer *answer;
    while ((answer = g_queue_pop_head(&feed->answers)))
        feed_answer_free(answer);
    FeedRequest *request;
    while ((request = g_queue_pop_head(&feed->outbox))) {
        json_decref(request->request);
        g_free(request);
    }
    if (feed->newest)
        view_unref(feed->newest);
    g_free(feed->complaint);
    pthread_mutex_destroy(&feed->lock);
    for (int i = 0; i < 2; i++) {
        close(feed->wake_main[i]);
        close(feed->wake_thread[i]);
    }
    g_free(feed);
}

/* -- of the main thread -- */

int feed_wake_fd(const Feed *feed)
{
    return feed->wake_main[0];
}

void feed_wake_clear(Feed *feed)
{
    drain(feed->wake_main[0]);
}

FeedState feed_state(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    FeedState state = feed->state;
    pthread_mutex_unlock(&feed->lock);
    return state;
}

View *feed_take_view(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    View *view = g_steal_pointer(&feed->newest);
    pthread_mutex_unlock(&feed->lock);
    return view;
}

char *feed_take_complaint(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    char *complaint = g_steal_pointer(&feed->complaint);
    pthread_mutex_unlock(&feed->lock);
    return complaint;
}

int64_t feed_send(Feed *feed, json_t *request_take)
{
    FeedRequest *request = g_new0(FeedRequest, 1);
    pthread_mutex_lock(&feed->lock);
    request->ticket = ++feed->next_ticket;
    request->request = request_take;
    int64_t ticket = request->ticket;
    g_queue_push_tail(&feed->outbox, request);
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_thread[1]);
    return ticket;
}

FeedAnswer *feed_pull(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    FeedAnswer *answer = g_queue_pop_head(&feed->answers);
    pthread_mutex_unlock(&feed->lock);
    return answer;
}

void feed_answer_free(FeedAnswer *answer)
{
    if (!answer)
        return;
    json_decref(answer->answer);
    g_clear_error(&answer->error);
    g_free(answer);
}

/* -- of the thread behind it -- */

int feed_thread_fd(const Feed *feed)
{
    return feed->wake_thread[0];
}

void feed_thread_clear(Feed *feed)
{
    drain(feed->wake_thread[0]);
}

bool feed_is_ending(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool ending = feed->ending;
    pthread_mutex_unlock(&feed->lock);
    return ending;
}

FeedRequest *feed_next_request(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    FeedRequest *request = g_queue_pop_head(&feed->outbox);
    pthread_mutex_unlock(&feed->lock);
    return request;
}

void feed_show(Feed *feed, View *view_take)
{
    pthread_mutex_lock(&feed->lock);
    View *old = feed->newest;
    feed->newest = view_take;
    pthread_mutex_unlock(&feed->lock);
    if (old)
        view_unref(old);
    poke(feed->wake_main[1]);
}

void feed_answer(Feed *feed, int64_t ticket, json_t *answer_take, GError *error_take)
{
    FeedAnswer *answer = g_new0(FeedAnswer, 1);
    *answer = (FeedAnswer){.ticket = ticket, .answer = answer_take, .error = error_take};
    pthread_mutex_lock(&feed->lock);
    g_queue_push_tail(&feed->answers, answer);
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_main[1]);
}

void feed_set_state(Feed *feed, FeedState state)
{
    pthread_mutex_lock(&feed->lock);
    feed->state = state;
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_main[1]);
}

void feed_complain(Feed *feed, const char *text)
{
    pthread_mutex_lock(&feed->lock);
    g_free(feed->complaint);
    feed->complaint = g_strdup(text);
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_main[1]);
}
