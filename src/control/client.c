#include "control/client.h"
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEND_TIMEOUT_MSEC  10000            /* an engine that does not read for so long hangs */
#define START_TIMEOUT_USEC (10 * 1000000LL) /* for another engine that is just starting */

extern char **environ;

struct Client {
    int fd;
    ProtocolReader *reader;
    GQueue received; /* of json_t */
    int64_t last_id;
};

static void drop_message(gpointer message)
{
    json_decref(message);
}

void client_free(Client *client)
{
    if (client == NULL)
        return;
    close(client->fd);
    protocol_reader_free(client->reader);
    g_queue_clear_full(&client->received, drop_message);
    g_free(client);
}

/* Whoever serves the socket gets URLs with passwords: only ourselves and root, and for root the owner of the state dir.
 */
static bool check_peer(int fd, const char *state_dir, GError **error)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    struct stat st;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
        (peer.uid == geteuid() || peer.uid == 0 ||
         (geteuid() == 0 && stat(state_dir, &st) == 0 && st.st_uid == peer.uid)))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                "the control socket in %s belongs to another user's process: use another --state-dir", state_dir);
    return false;
}

static bool connect_to(int fd, const char *state_dir, GError **error)
{
    g_autofree char *path = protocol_socket_path(state_dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "the path of the control socket, %s, is longer than %zu bytes: use a shorter --state-dir", path,
                    sizeof address.sun_path - 1);
        return false;
    }
    int rc;
    do {
        rc = connect(fd, (struct sockaddr *)&address, sizeof address);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return check_peer(fd, state_dir, error);
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING,
                    "no engine runs on %s: start one with `sluice run --detach`", state_dir);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot connect to the engine at %s: %s", path,
                    g_strerror(errno));
    return false;
}

Client *client_connect(const char *state_dir, GError **error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot make a socket: %s", g_strerror(errno));
        return NULL;
    }
    if (!connect_to(fd, state_dir, error)) {
        close(fd);
        return NULL;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    Client *client = g_new0(Client, 1);
    client->fd = fd;
    client->reader = protocol_reader_new();
    g_queue_init(&client->received);
    return client;
}

int client_fd(const Client *client)
{
    return client->fd;
}

static bool lost(GError **error, const char *why)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING, "the connection to the engine was lost: %s", why);
    return false;
}

static bool send_all(Client *client, const char *bytes, size_t len, GError **error)
{
    while (len > 0) {
        ssize_t n = send(client->fd, bytes, len, MSG_NOSIGNAL);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = client->fd, .events = POLLOUT};
            if (poll(&wait, 1, SEND_TIMEOUT_MSEC) == 0)
                return lost(error, "it does not read");
        } else if (errno != EINTR) {
            return lost(error, g_strerror(errno));
        }
    }
    return true;
}

int64_t client_send(Client *client, json_t *request_take, GError **error)
{
    int64_t id = ++client->last_id;
    size_t len;
    json_object_set_new(request_take, "id", json_integer(id));
    char *line = protocol_line(request_take, &len);
    json_decref(request_take);
    bool sent = send_all(client, line, len, error);
    explicit_bzero(line, len); /* it may hold a password */
    free(line);
    return sent ? id : 0;
}

/* Takes apart what has come so far. */
static bool pull_all(Client *client, GError **error)
{
    GError *why = NULL;
    json_t *message;
    while ((message = protocol_reader_pull(client->reader, &why)) != NULL)
        g_queue_push_tail(&client->received, message);
    if (why == NULL)
        return true;
    g_propagate_error(error, why);
    return false;
}

bool client_receive(Client *client, GError **error)
{
    char bytes[65536];
    for (;;) {
        ssize_t n = recv(client->fd, bytes, sizeof bytes, 0);
        if (n > 0) {
            if (!protocol_reader_push(client->reader, bytes, (size_t)n, error) || !pull_all(client, error))
                return false;
        } else if (n == 0) {
            return lost(error, "it ended");
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return true;
        } else if (errno != EINTR) {
            return lost(error, g_strerror(errno));
        }
    }
}

json_t *client_pull(Client *client)
{
    return g_queue_pop_head(&client->received);
}

/* The answer with that id among what was received; what came before it is dropped. */
static json_t *pull_answer(Client *client, int64_t id)
{
    json_t *message;
    while ((message = client_pull(client)) != NULL) {
        if (json_integer_value(json_object_get(message, "id")) == id)
            return message;
        json_decref(message);
    }
    return NULL;
}

static json_t *wait_answer(Client *client, int64_t id, int timeout_ms, GError **error)
{
    int64_t deadline = clock_monotonic_usec() + (int64_t)timeout_ms * 1000;
    for (;;) {
        g_autoptr(GError) ended = NULL;
        bool open = client_receive(client, &ended);
        json_t *answer = pull_answer(client, id); /* it may have come with the end, as that of `stop` does */
        if (answer != NULL)
            return answer;
        if (!open) {
            g_propagate_error(error, g_steal_pointer(&ended));
            return NULL;
        }
        int64_t left = deadline - clock_monotonic_usec();
        if (timeout_ms >= 0 && left <= 0) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                        "the engine did not answer within %.1f s; see engine.log", timeout_ms / 1000.0);
            return NULL;
        }
        struct pollfd wait = {.fd = client->fd, .events = POLLIN};
        poll(&wait, 1, timeout_ms < 0 ? -1 : (int)(left / 1000) + 1);
    }
}

json_t *client_exchange(Client *client, json_t *request_take, int timeout_ms, GError **error)
{
    int64_t id = client_send(client, request_take, error);
    return id != 0 ? wait_answer(client, id, timeout_ms, error) : NULL;
}

json_t *client_call(Client *client, json_t *request_take, int timeout_ms, GError **error)
{
    json_t *answer = client_exchange(client, request_take, timeout_ms, error);
    if (answer != NULL && !protocol_answer_ok(answer, error))
        g_clear_pointer(&answer, json_decref);
    return answer;
}

/* Starting an engine. */

char *client_own_program(void)
{
    /* By its name, so that `ps` shows it; by the link, which is the file itself, where that was moved or replaced. */
    char *path = g_file_read_link("/proc/self/exe", NULL);
    if (path != NULL && access(path, X_OK) == 0)
        return path;
    g_free(path);
    return g_strdup("/proc/self/exe");
}

static bool spawn_engine(const char *state_dir, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    char *argv[] = {(char *)"sluice",      (char *)"run",     (char *)"--detach",
                    (char *)"--state-dir", (char *)state_dir, NULL};
    g_autofree char *program = client_own_program();
    int rc = posix_spawn(pid, program, &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    errno = rc;
    return rc == 0;
}

/* What it said on stderr, its first line without our name. */
static char *read_complaint(int fd)
{
    char bytes[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, bytes + len, sizeof bytes - len)) != 0 && len < sizeof bytes) {
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    const char *end = memchr(bytes, '\n', len);
    size_t line = end != NULL ? (size_t)(end - bytes) : len;
    size_t skip = line >= 8 && memcmp(bytes, "sluice: ", 8) == 0 ? 8 : 0;
    return printable_n(bytes + skip, line - skip, 0);
}

/* Runs `sluice run --detach` to its end. */
static bool start_engine(const char *state_dir, int *exit_code, char **complaint, GError **error)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot start the engine: %s", g_strerror(errno));
        return false;
    }
    bool spawned = spawn_engine(state_dir, ends[1], &pid);
    int why = errno;
    close(ends[1]);
    if (!spawned) {
        close(ends[0]);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot start the engine: %s", g_strerror(why));
        return false;
    }
    *complaint = read_complaint(ends[0]);
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : SLUICE_ERROR_FAILED;
    return true;
}

Client *client_connect_or_start(const char *state_dir, bool *started, GError **error)
{
    GError *why = NULL;
    if (started != NULL)
        *started = false;
    Client *client = client_connect(state_dir, &why);
    if (client != NULL || !g_error_matches(why, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING)) {
        if (why != NULL)
            g_propagate_error(error, why);
        return client;
    }
    g_clear_error(&why);
    int exit_code;
    g_autofree char *complaint = NULL;
    if (!start_engine(state_dir, &exit_code, &complaint, error))
        return NULL;
    if (started != NULL)
        *started = exit_code == 0;
    /* Refused: another one holds the state dir. It may be on its way up, just as ours would be. */
    int64_t deadline = clock_monotonic_usec() + (exit_code == SLUICE_ERROR_REFUSED ? START_TIMEOUT_USEC : 0);
    while ((client = client_connect(state_dir, &why)) == NULL && clock_monotonic_usec() < deadline) {
        g_clear_error(&why);
        g_usleep(100 * 1000);
    }
    if (client == NULL && exit_code != 0)
        g_set_error(error, SLUICE_ERROR, exit_code, "the engine did not start: %s",
                    complaint[0] != '\0' ? complaint : "it gave no reason; see engine.log in the state dir");
    else if (client == NULL)
        g_propagate_error(error, g_steal_pointer(&why));
    g_clear_error(&why);
    return client;
}
