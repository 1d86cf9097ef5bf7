/* run.c - the engine's process: from the lock to the clean stop. */
#include "engine/engine_private.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LOCK_WAIT_USEC (5 * 1000000LL)

/* `stop` is asked for in a request's thread: the main thread is woken as by the signal. */
static void request_stop(void *data)
{
    (void)data;
    kill(getpid(), SIGTERM);
}

static void tell(int ready_fd, const char *text)
{
    if (ready_fd < 0)
        return;
    ssize_t n = write(ready_fd, text, strlen(text));
    (void)n; /* who waited has gone: nobody is left to be told */
    close(ready_fd);
}

static int give_up(const GError *error, int ready_fd)
{
    g_autofree char *message = printable(error->message, 0);
    g_printerr("sluice: %s\n", message);
    if (ready_fd >= 0) {
        g_autofree char *line = g_strdup_printf("%d %s\n", error->code, message);
        tell(ready_fd, line);
    }
    bool has_code = error->domain == SLUICE_ERROR && error->code <= SLUICE_ERROR_NOT_RUNNING;
    return has_code ? error->code : SLUICE_ERROR_FAILED;
}

static void wait_for_signal(const sigset_t *signals)
{
    int number;
    do {
        if (sigwait(signals, &number) != 0)
            continue;
    } while (number == SIGHUP); /* a lost terminal does not stop replication */
}

/* A command that looks at the catalog while no engine runs holds the lock for a moment: it is waited for. Another engine, which
 * answers, is not. */
static Engine *open_in_turn(const char *state_dir, GError **error)
{
    int64_t deadline = clock_monotonic_usec() + LOCK_WAIT_USEC;
    for (;;) {
        g_autoptr(GError) why = NULL;
        Engine *engine = engine_open(state_dir, &why);
        if (engine)
            return engine;
        Client *other = client_connect(state_dir, NULL);
        if (other || !g_error_matches(why, SLUICE_ERROR, SLUICE_ERROR_REFUSED) || clock_monotonic_usec() > deadline) {
            client_free(other);
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        g_usleep(20000);
    }
}

/* What a large buffer took goes back to the system when it is freed. By default glibc raises that bound up to 32 MiB, and freed
 * blocks stay in the arenas of a dozen threads, beside the budget. */
static void bound_malloc(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
#endif
}

int engine_run(const char *state_dir, bool paused, int ready_fd)
{
    g_autoptr(GError) error = NULL;
    sigset_t signals;

    bound_malloc();
    /* Before the first thread starts: they all inherit it. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    g_autoptr(Engine) engine = open_in_turn(state_dir, &error);
    if (!engine)
        return give_up(error, ready_fd);
    engine->stop = request_stop;
    if (!engine_start(engine, paused, &error))
        return give_up(error, ready_fd);
    Server *server = server_start(engine, &error);
    if (!server)
        return give_up(error, ready_fd);
    tell(ready_fd, "r");
    wait_for_signal(&signals);
    server_stop(server);
    return 0;
}

json_t *engine_check(const json_t *request, const char *state_dir)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_open(state_dir, &error);
    return engine ? engine_request(engine, request) : protocol_error(error);
}
