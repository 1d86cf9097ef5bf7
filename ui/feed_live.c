/* feed_live.c - the feed that speaks to an engine. It owns the connection, and writes the recording. */
#include "feed_private.h"

#include <errno.h>
#include <poll.h>

#include "base/error.h"

#define RECONNECT_MS 1000
#define WATCH_MS     1000

typedef struct {
    char *state_dir;
    Client *client;     /* NULL: no engine answers */
    Recorder *recorder; /* NULL: nothing is recorded */
    GHashTable *asked;  /* request id -> FeedRequest */
} Live;

static void request_free(void *data)
{
    FeedRequest *request = data;
    json_decref(request->request);
    g_free(request);
}

static GError *gone_error(void)
{
    return g_error_new(SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING, "the engine does not answer");
}

static void connection_lost(Feed *feed, Live *live)
{
    client_free(live->client);
    live->client = NULL;
    GHashTableIter iter;
    gpointer id;
    FeedRequest *request;
    g_hash_table_iter_init(&iter, live->asked);
    while (g_hash_table_iter_next(&iter, &id, (gpointer *)&request))
        feed_answer(feed, request->ticket, NULL, gone_error());
    g_hash_table_remove_all(live->asked);
    feed_set_state(feed, FEED_GONE);
}

static bool start_watching(Live *live)
{
    json_t *request = protocol_request("watch");
    json_object_set_new(request, "interval_ms", json_integer(WATCH_MS));
    return client_send(live->client, request, NULL) > 0;
}

static bool send_requests(Feed *feed, Live *live)
{
    FeedRequest *request;
    while ((request = feed_next_request(feed))) {
        int64_t id = live->client ? client_send(live->client, json_incref(request->request), NULL) : 0;
        if (id > 0) {
            gint64 *key = g_new(gint64, 1);
            *key = id;
            g_hash_table_insert(live->asked, key, request);
            continue;
        }
        feed_answer(feed, request->ticket, NULL, gone_error());
        request_free(request);
        if (live->client)
            return false;
    }
    return true;
}

/* A recording that cannot be written ends, and the dashboard goes on. */
static void record(Feed *feed, Live *live, const json_t *request, json_t *said)
{
    g_autoptr(GError) error = NULL;
    if (!live->recorder)
        return;
    bool ok =
        request ? recorder_answer(live->recorder, request, said, &error) : recorder_view(live->recorder, said, &error);
    if (ok)
        return;
    feed_complain(feed, error->message);
    g_clear_pointer(&live->recorder, recorder_free);
}

/* An answer goes to the main thread whole: this one keeps no reference to it. */
static void take_message(Feed *feed, Live *live, json_t *message_take)
{
    json_t *picture = json_object_get(message_take, "view");
    if (picture) {
        View *view = view_from_json(picture, NULL);
        if (view) { /* an engine whose views we cannot read falls silent, and the screen says so */
            record(feed, live, NULL, picture);
            feed_show(feed, view);
        }
        json_decref(message_take);
        return;
    }
    gint64 id = json_integer_value(json_object_get(message_take, "id"));
    FeedRequest *request = g_hash_table_lookup(live->asked, &id);
    if (!request) { /* the answer to watch */
        json_decref(message_take);
        return;
    }
    GError *error = NULL;
    protocol_answer_ok(message_take, &error);
    record(feed, live, request->request, message_take);
    feed_answer(feed, request->ticket, message_take, error);
    g_hash_table_remove(live->asked, &id);
}

static bool receive(Feed *feed, Live *live)
{
    bool alive = client_receive(live->client, NULL);
    json_t *message;
    while ((message = client_pull(live->client)))
        take_message(feed, live, message);
    return alive;
}

static void live_run(Feed *feed, void *data)
{
    Live *live = data;
    bool fresh = live->client != NULL;
    while (!feed_is_ending(feed)) {
        if (!live->client && (live->client = client_connect(live->state_dir, NULL))) {
            feed_set_state(feed, FEED_LIVE);
            fresh = true;
        }
        if (fresh && !start_watching(live))
            connection_lost(feed, live);
        fresh = false;
        if (!send_requests(feed, live))
            connection_lost(feed, live);
        struct pollfd fds[2] = {{.fd = feed_thread_fd(feed), .events = POLLIN},
                                {.fd = live->client ? client_fd(live->client) : -1, .events = POLLIN}};
        if (poll(fds, 2, live->client ? -1 : RECONNECT_MS) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            feed_thread_clear(feed);
        if (live->client && fds[1].revents && !receive(feed, live))
            connection_lost(feed, live);
    }
}

static void live_free(void *data)
{
    Live *live = data;
    client_free(live->client);
    recorder_free(live->recorder);
    g_hash_table_destroy(live->asked);
    g_free(live->state_dir);
    g_free(live);
}

Feed *feed_live_new(const char *state_dir, Client *client_take, Recorder *recorder_take)
{
    static const FeedSource source = {.run = live_run, .free = live_free};
    Live *live = g_new0(Live, 1);
    live->state_dir = g_strdup(state_dir);
    live->client = client_take;
    live->recorder = recorder_take;
    live->asked = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, request_free);
    return feed_new(&source, live, client_take ? FEED_LIVE : FEED_GONE);
}
