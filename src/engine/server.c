/* server.c - the control socket: one JSON object a line, several requests at once on one connection.
 *
 * A connection has a thread that reads; each request runs in a thread of its own, so that a slow one (a preflight of a dead
 * host) holds up neither the view nor other requests. A connection is freed when the last of them has let go of it.
 */
#include "engine/engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUESTS_AT_ONCE  16
#define CONNECTIONS_MAX   64
#define SEND_TIMEOUT_S    10     /* a client that does not read is let go */
#define VIEW_GAP_USEC     100000 /* between two pictures, however much changes */
#define INTERVAL_MAX_MS   1000

struct Server {
    Engine *engine;
    char *path;
    int listen_fd, wake[2];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t gone;
    GPtrArray *connections; /* of Connection that are open; the server holds no reference */
    unsigned alive;         /* connections not yet freed */
};

typedef struct {
    Server *server;
    int fd;
    _Atomic unsigned references, requests;
    _Atomic bool closed;
    pthread_mutex_t write_lock;
} Connection;

typedef struct {
    Connection *connection;
    json_t *request;
} Job;

/* ---- Connections ---- */

static void connection_unref(Connection *connection)
{
    Server *server = connection->server;
    if (atomic_fetch_sub(&connection->references, 1) != 1)
        return;
    close(connection->fd);
    pthread_mutex_destroy(&connection->write_lock);
    g_free(connection);
    pthread_mutex_lock(&server->lock);
    server->alive--;
    pthread_cond_signal(&server->gone);
    pthread_mutex_unlock(&server->lock);
}

static void connection_close(Connection *connection)
{
    atomic_store(&connection->closed, true);
    shutdown(connection->fd, SHUT_RDWR);
}

static bool connection_send(Connection *connection, const json_t *object)
{
    size_t len, sent = 0;
    char *line = protocol_line(object, &len);

    pthread_mutex_lock(&connection->write_lock);
    while (sent < len && !atomic_load(&connection->closed)) {
        ssize_t n = send(connection->fd, line + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    pthread_mutex_unlock(&connection->write_lock);
    free(line);
    if (sent < len)
        connection_close(connection);
    return sent == len;
}

/* ---- Requests ---- */

static void answer_error(Connection *connection, const json_t *request, int code, const char *message)
{
    g_autoptr(GError) error = g_error_new_literal(SLUICE_ERROR, code, message);
    json_t *answer = protocol_error(error);
    json_t *id = request ? json_object_get(request, "id") : NULL;
    if (id)
        json_object_set(answer, "id", id);
    connection_send(connection, answer);
    json_decref(answer);
}

static void watch(Connection *connection, const json_t *request)
{
    Engine *engine = connection->server->engine;
    json_int_t interval = json_integer_value(json_object_get(request, "interval_ms"));
    int64_t period = CLAMP(interval, 100, INTERVAL_MAX_MS) * 1000;
    json_t *ok = protocol_ok();
    json_object_set(ok, "id", json_object_get(request, "id"));
    bool open = connection_send(connection, ok);
    json_decref(ok);

    uint64_t seen = 0;
    while (open && !atomic_load(&connection->closed)) {
        int64_t now = clock_monotonic_usec();
        /* Read before the picture is taken: what changes after it is seen at the next wait. */
        uint64_t before = engine_wait_change(engine, 0, 0);
        g_autoptr(View) view = engine_view(engine);
        json_t *object = json_object();
        json_object_set_new(object, "view", view_to_json(view));
        open = connection_send(connection, object);
        json_decref(object);
        seen = before;
        engine_wait_change(engine, seen, now + period);
        int64_t gap = now + VIEW_GAP_USEC - clock_monotonic_usec();
        if (gap > 0)
            g_usleep((gulong)gap);
    }
}

static void *job_main(void *data)
{
    Job *job = data;
    const char *what = json_string_value(json_object_get(job->request, "do"));
    Engine *engine = job->connection->server->engine;

    if (what && strcmp(what, "watch") == 0) {
        watch(job->connection, job->request);
    } else {
        json_t *answer = engine_request(engine, job->request);
        connection_send(job->connection, answer);
        if (what && strcmp(what, "stop") == 0 && protocol_answer_ok(answer, NULL))
            engine->stop(engine->stop_data);
        json_decref(answer);
    }
    atomic_fetch_sub(&job->connection->requests, 1);
    connection_unref(job->connection);
    json_decref(job->request);
    g_free(job);
    return NULL;
}

static bool start_detached(void *(*function)(void *), void *data)
{
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool ok = pthread_create(&thread, &detached, function, data) == 0;
    pthread_attr_destroy(&detached);
    return ok;
}

static void start_job(Connection *connection, json_t *request_take)
{
    if (!json_is_object(request_take)) {
        answer_error(connection, NULL, SLUICE_ERROR_USAGE, "a request is a JSON object on a line");
        json_decref(request_take);
        return;
    }
    if (atomic_fetch_add(&connection->requests, 1) >= REQUESTS_AT_ONCE) {
        atomic_fetch_sub(&connection->requests, 1);
        answer_error(connection, request_take, SLUICE_ERROR_REFUSED, "too many requests at once on this connection; wait for answers");
        json_decref(request_take);
        return;
    }
    Job *job = g_new(Job, 1);
    job->connection = connection;
    job->request = request_take;
    atomic_fetch_add(&connection->references, 1);
    if (start_detached(job_main, job))
        return;
    atomic_fetch_sub(&connection->requests, 1);
    answer_error(connection, request_take, SLUICE_ERROR_FAILED, "the engine cannot start a thread; raise its limit of tasks");
    json_decref(request_take);
    g_free(job);
    connection_unref(connection);
}

static void *connection_main(void *data)
{
    Connection *connection = data;
    Server *server = connection->server;
    g_autoptr(ProtocolReader) reader = protocol_reader_new();
    g_autoptr(GError) error = NULL;
    char bytes[16384];

    while (!atomic_load(&connection->closed) && !error) {
        ssize_t n = recv(connection->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !protocol_reader_push(reader, bytes, (size_t)n, &error))
            break;
        json_t *request;
        while ((request = protocol_reader_pull(reader, &error)))
            start_job(connection, request);
    }
    if (error)
        answer_error(connection, NULL, SLUICE_ERROR_USAGE, error->message);
    connection_close(connection);
    engine_changed(server->engine); /* wakes its watcher, which sees that it is closed */
    pthread_mutex_lock(&server->lock);
    g_ptr_array_remove_fast(server->connections, connection);
    pthread_mutex_unlock(&server->lock);
    connection_unref(connection);
    return NULL;
}

/* ---- Listening ---- */

static bool peer_is_us(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_one(Server *server)
{
    struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    pthread_mutex_lock(&server->lock);
    bool room = server->connections->len < CONNECTIONS_MAX;
    pthread_mutex_unlock(&server->lock);
    if (!room || !peer_is_us(fd) || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) {
        close(fd);
        return;
    }
    Connection *connection = g_new0(Connection, 1);
    connection->server = server;
    connection->fd = fd;
    atomic_store(&connection->references, 1);
    pthread_mutex_init(&connection->write_lock, NULL);
    pthread_mutex_lock(&server->lock);
    g_ptr_array_add(server->connections, connection);
    server->alive++;
    pthread_mutex_unlock(&server->lock);
    if (start_detached(connection_main, connection))
        return;
    pthread_mutex_lock(&server->lock);
    g_ptr_array_remove_fast(server->connections, connection);
    pthread_mutex_unlock(&server->lock);
    connection_unref(connection);
}

static void *server_main(void *data)
{
    Server *server = data;
    struct pollfd fds[2] = {{.fd = server->listen_fd, .events = POLLIN}, {.fd = server->wake[0], .events = POLLIN}};

    while (!(fds[1].revents & POLLIN)) {
        if (poll(fds, 2, 1000) > 0 && (fds[0].revents & POLLIN))
            accept_one(server);
        engine_reap(server->engine);
        engine_trim_journal(server->engine, false);
    }
    return NULL;
}

static int listen_on(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "the path of the control socket, %s, is longer than %zu bytes; use a shorter --state-dir", path,
                    sizeof address.sun_path - 1);
        return -1;
    }
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    unlink(path); /* of an engine that was killed: we hold the lock of the state dir */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t old = umask(0177);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0;
    umask(old);
    if (!ok) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot listen on %s: %s", path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

Server *server_start(Engine *engine, GError **error)
{
    g_autofree char *path = protocol_socket_path(engine->state_dir);
    int fd = listen_on(path, error);
    if (fd < 0)
        return NULL;
    Server *server = g_new0(Server, 1);
    server->engine = engine;
    server->path = g_steal_pointer(&path);
    server->listen_fd = fd;
    server->connections = g_ptr_array_new();
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->gone, NULL);
    int rc = pipe2(server->wake, O_CLOEXEC);
    g_assert(rc == 0);
    rc = pthread_create(&server->thread, NULL, server_main, server);
    g_assert(rc == 0);
    return server;
}

void server_stop(Server *server)
{
    if (!server)
        return;
    ssize_t n = write(server->wake[1], "x", 1);
    g_assert(n == 1);
    pthread_join(server->thread, NULL);
    unlink(server->path);
    close(server->listen_fd);
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->connections->len; i++)
        connection_close(server->connections->pdata[i]);
    cancel_request(server->engine->life); /* ends requests that wait for a server */
    while (server->alive > 0)
        pthread_cond_wait(&server->gone, &server->lock);
    pthread_mutex_unlock(&server->lock);
    close(server->wake[0]);
    close(server->wake[1]);
    g_ptr_array_free(server->connections, TRUE);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->gone);
    g_free(server->path);
    g_free(server);
}
