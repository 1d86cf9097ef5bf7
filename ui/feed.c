#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/error.h"

#define RECONNECT_MS 1000
#define WATCH_MS     1000

typedef struct {
    int64_t ticket;
    json_t *request;
} Outgoing;

struct Feed {
    char *state_dir;
    pthread_t thread;
    int wake_main[2], wake_thread[2];

    pthread_mutex_t lock; /* guards what follows */
    bool ending, connected;
    View *newest;
    GQueue outbox;  /* Outgoing */
    GQueue answers; /* FeedAnswer */
    int64_t next_ticket;

    /* of the thread alone */
    Client *client;
    GHashTable *tickets; /* request id -> ticket */
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

void feed_answer_free(FeedAnswer *answer)
{
    if (!answer)
        return;
    json_decref(answer->answer);
    g_clear_error(&answer->error);
    g_free(answer);
}

static void answer_push(Feed *feed, int64_t ticket, json_t *answer_take, GError *error_take)
{
    FeedAnswer *answer = g_new0(FeedAnswer, 1);
    *answer = (FeedAnswer){.ticket = ticket, .answer = answer_take, .error = error_take};
    pthread_mutex_lock(&feed->lock);
    g_queue_push_tail(&feed->answers, answer);
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_main[1]);
}

static GError *gone_error(void)
{
    return g_error_new(SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING, "the engine does not answer");
}

static void set_connected(Feed *feed, bool connected)
{
    pthread_mutex_lock(&feed->lock);
    feed->connected = connected;
    pthread_mutex_unlock(&feed->lock);
    poke(feed->wake_main[1]);
}

static void connection_lost(Feed *feed)
{
    client_free(feed->client);
    feed->client = NULL;
    GHashTableIter iter;
    gpointer id;
    gint64 *ticket;
    g_hash_table_iter_init(&iter, feed->tickets);
    while (g_hash_table_iter_next(&iter, &id, (gpointer *)&ticket))
        answer_push(feed, *ticket, NULL, gone_error());
    g_hash_table_remove_all(feed->tickets);
    set_connected(feed, false);
}

static bool start_watching(Feed *feed)
{
    json_t *request = protocol_request("watch");
    json_object_set_new(request, "interval_ms", json_integer(WATCH_MS));
    return client_send(feed->client, request, NULL) > 0;
}

static bool send_outbox(Feed *feed)
{
    for (;;) {
        pthread_mutex_lock(&feed->lock);
        Outgoing *out = g_queue_pop_head(&feed->outbox);
        pthread_mutex_unlock(&feed->lock);
        if (!out)
            return true;
        int64_t id = feed->client ? client_send(feed->client, out->request, NULL) : 0;
        if (!feed->client)
            json_decref(out->request);
        if (id > 0) {
            gint64 *key = g_new(gint64, 1), *ticket = g_new(gint64, 1);
            *key = id;
            *ticket = out->ticket;
            g_hash_table_insert(feed->tickets, key, ticket);
        } else {
            answer_push(feed, out->ticket, NULL, gone_error());
        }
        g_free(out);
        if (id <= 0 && feed->client)
            return false;
    }
}

/* An answer goes to the main thread whole: this one keeps no reference to it. */
static void take_message(Feed *feed, json_t *message_take)
{
    json_t *picture = json_object_get(message_take, "view");
    if (picture) {
        View *view = view_from_json(picture, NULL);
        json_decref(message_take);
        if (!view)
            return; /* an engine whose views we cannot read falls silent, and the screen says so */
        pthread_mutex_lock(&feed->lock);
        View *old = feed->newest;
        feed->newest = view;
        pthread_mutex_unlock(&feed->lock);
        if (old)
            view_unref(old);
        poke(feed->wake_main[1]);
        return;
    }
    gint64 id = json_integer_value(json_object_get(message_take, "id"));
    gint64 *ticket = g_hash_table_lookup(feed->tickets, &id);
    if (!ticket) { /* the answer to watch */
        json_decref(message_take);
        return;
    }
    GError *error = NULL;
    protocol_answer_ok(message_take, &error);
    answer_push(feed, *ticket, message_take, error);
    g_hash_table_remove(feed->tickets, &id);
}

static bool receive(Feed *feed)
{
    bool alive = client_receive(feed->client, NULL);
    json_t *message;
    while ((message = client_pull(feed->client)))
        take_message(feed, message);
    return alive;
}

static bool is_ending(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool ending = feed->ending;
    pthread_mutex_unlock(&feed->lock);
    return ending;
}

static void *feed_run(void *data)
{
    Feed *feed = data;
    bool fresh = feed->client != NULL;
    while (!is_ending(feed)) {
        if (!feed->client && (feed->client = client_connect(feed->state_dir, NULL))) {
            set_connected(feed, true);
            fresh = true;
        }
        if (fresh && !start_watching(feed))
            connection_lost(feed);
        fresh = false;
        if (!send_outbox(feed))
            connection_lost(feed);
        struct pollfd fds[2] = {{.fd = feed->wake_thread[0], .events = POLLIN},
                                {.fd = feed->client ? client_fd(feed->client) : -1, .events = POLLIN}};
        if (poll(fds, 2, feed->client ? -1 : RECONNECT_MS) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            drain(feed->wake_thread[0]);
        if (feed->client && fds[1].revents && !receive(feed))
            connection_lost(feed);
    }
    if (feed->client)
        connection_lost(feed);
    return NULL;
}

static void wake_pipe(int fds[2])
{
    GError *error = NULL;
    if (!g_unix_open_pipe(fds, FD_CLOEXEC, &error) || !g_unix_set_fd_nonblocking(fds[0], TRUE, &error) ||
        !g_unix_set_fd_nonblocking(fds[1], TRUE, &error))
        g_error("cannot open a pipe: %s", error->message); /* no file descriptors left: nothing can be done */
}

Feed *feed_new(const char *state_dir, Client *client_take)
{
    Feed *feed = g_new0(Feed, 1);
    feed->state_dir = g_strdup(state_dir);
    feed->client = client_take;
    feed->connected = client_take != NULL;
    feed->tickets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    pthread_mutex_init(&feed->lock, NULL);
    g_queue_init(&feed->outbox);
    g_queue_init(&feed->answers);
    wake_pipe(feed->wake_main);
    wake_pipe(feed->wake_thread);
    if (pthread_create(&feed->thread, NULL, feed_run, feed) != 0)
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
    FeedAnswer *answer;
    while ((answer = g_queue_pop_head(&feed->answers)))
        feed_answer_free(answer);
    Outgoing *out;
    while ((out = g_queue_pop_head(&feed->outbox))) {
        json_decref(out->request);
        g_free(out);
    }
    if (feed->newest)
        view_unref(feed->newest);
    g_hash_table_destroy(feed->tickets);
    pthread_mutex_destroy(&feed->lock);
    for (int i = 0; i < 2; i++) {
        close(feed->wake_main[i]);
        close(feed->wake_thread[i]);
    }
    g_free(feed->state_dir);
    g_free(feed);
}

int feed_wake_fd(const Feed *feed)
{
    return feed->wake_main[0];
}

void feed_wake_clear(Feed *feed)
{
    drain(feed->wake_main[0]);
}

bool feed_connected(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool connected = feed->connected;
    pthread_mutex_unlock(&feed->lock);
    return connected;
}

View *feed_take_view(Feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    View *view = feed->newest;
    feed->newest = NULL;
    pthread_mutex_unlock(&feed->lock);
    return view;
}

int64_t feed_send(Feed *feed, json_t *request_take)
{
    Outgoing *out = g_new0(Outgoing, 1);
    pthread_mutex_lock(&feed->lock);
    out->ticket = ++feed->next_ticket;
    out->request = request_take;
    int64_t ticket = out->ticket;
    g_queue_push_tail(&feed->outbox, out);
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
