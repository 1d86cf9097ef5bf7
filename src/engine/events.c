#include "engine/events.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_USEC      (1000 * 1000)
#define COMMANDS_MAX   16
#define HEADROOM_DAY   (24 * 3600)
#define HEADROOM_SHORT (2 * 3600)

extern char **environ;

/* What was told of a pipe last. */
typedef struct {
    char *state;
    bool stalled;
    unsigned headroom; /* 0: enough, 1: below a day, 2: below two hours */
} Told;

struct Events {
    Engine *engine;
    pthread_t thread;
    _Atomic bool ending;
    GHashTable *told; /* pipe -> Told */
    GArray *running;  /* of pid_t */
};

static void told_free(void *data)
{
    Told *told = data;
    g_free(told->state);
    g_free(told);
}

/* ---- Running the command ---- */

static void reap(Events *events)
{
    for (unsigned i = events->running->len; i-- > 0;) {
        pid_t pid = g_array_index(events->running, pid_t, i);
        pid_t ended = waitpid(pid, NULL, WNOHANG);
        if (ended == pid || (ended < 0 && errno == ECHILD))
            g_array_remove_index_fast(events->running, i);
    }
}

static int spawn(const char *command, char *const *environment, pid_t *pid)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
#ifdef __GLIBC__
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
#endif
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none); /* the engine blocks those that it waits for */
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    int failed = posix_spawn(pid, "/bin/sh", &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

static void note(Events *events, const ViewPipe *pipe, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void note(Events *events, const ViewPipe *pipe, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    CatalogJournalEntry entry = {.at = clock_real_usec(), .pipe = pipe->name, .actor = (char *)"engine", .kind = (char *)"note", .text = text};
    pthread_mutex_lock(&events->engine->catalog_lock);
    catalog_journal_add(events->engine->catalog, &entry, NULL);
    pthread_mutex_unlock(&events->engine->catalog_lock);
}

static char **environment_of(const ViewPipe *pipe, const char *event, const char *cause, const char *remedy)
{
    char **environment = g_strdupv(environ);
    environment = g_environ_setenv(environment, "SLUICE_PIPE", pipe->name, TRUE);
    environment = g_environ_setenv(environment, "SLUICE_STATE", pipe->state, TRUE);
    environment = g_environ_setenv(environment, "SLUICE_EVENT", event, TRUE);
    environment = g_environ_setenv(environment, "SLUICE_CAUSE", cause ? cause : "", TRUE);
    return g_environ_setenv(environment, "SLUICE_REMEDY", remedy ? remedy : "", TRUE);
}

static void happen(Events *events, const char *command, const ViewPipe *pipe, const char *event, const char *cause, const char *remedy)
{
    pid_t pid;
    reap(events);
    if (events->running->len >= COMMANDS_MAX) {
        note(events, pipe, "on_event was not run for \"%s\": %u commands of it run already; let it end sooner", event, events->running->len);
        return;
    }
    g_auto(GStrv) environment = environment_of(pipe, event, cause, remedy);
    int failed = spawn(command, environment, &pid);
    if (failed)
        note(events, pipe, "on_event could not be run: %s", g_strerror(failed));
    else
        g_array_append_val(events->running, pid);
}

/* ---- What happened ---- */

static unsigned headroom_level(const ViewPipe *pipe)
{
    int64_t left = pipe->headroom_seconds;
    return left < 0 || left >= HEADROOM_DAY ? 0 : left >= HEADROOM_SHORT ? 1 : 2;
}

static const char *first_remedy(const ViewError *error)
{
    return error && error->remedies && *error->remedies ? *error->remedies : NULL;
}

static void compare(Events *events, const char *command, const ViewPipe *pipe, Told *told)
{
    unsigned headroom = headroom_level(pipe);
    const ViewError *error = pipe->error;
    if (strcmp(pipe->state, told->state) != 0)
        happen(events, command, pipe, "state", error ? (error->cause ? error->cause : error->message) : NULL, first_remedy(error));
    if (pipe->stalled && !told->stalled)
        happen(events, command, pipe, "stalled", pipe->stalled->message, NULL);
    if (!pipe->stalled && told->stalled)
        happen(events, command, pipe, "recovered", NULL, NULL);
    if (headroom > told->headroom) {
        g_autofree char *cause =
            g_strdup_printf("the source purges the log that is still needed in %" G_GINT64_FORMAT " s", pipe->headroom_seconds);
        happen(events, command, pipe, "headroom", cause, "let the pipe catch up, or let the source keep its logs for longer");
    }
}

static void remember(Told *told, const ViewPipe *pipe)
{
    g_free(told->state);
    told->state = g_strdup(pipe->state);
    told->stalled = pipe->stalled != NULL;
    told->headroom = headroom_level(pipe);
}

/* `quietly`: what is so when the engine begins is no event. */
static void look(Events *events, const char *command, bool quietly)
{
    g_autoptr(View) view = engine_view(events->engine);
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        Told *told = g_hash_table_lookup(events->told, pipe->name);
        if (!told) {
            told = g_new0(Told, 1);
            told->state = g_strdup("");
            g_hash_table_insert(events->told, g_strdup(pipe->name), told);
            if (quietly)
                remember(told, pipe);
        }
        if (!quietly)
            compare(events, command, pipe, told);
        remember(told, pipe);
    }
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, events->told);
    while (g_hash_table_iter_next(&iter, &name, NULL)) /* one that is dropped, and made again later, is a new one */
        if (!view_find_pipe(view, name))
            g_hash_table_iter_remove(&iter);
}

static void *events_main(void *data)
{
    Events *events = data;
    uint64_t seen = 0;
    bool looked = false;
    while (!atomic_load(&events->ending)) {
        g_autofree char *command = engine_on_event(events->engine);
        if (*command)
            look(events, command, !looked);
        looked = *command != '\0'; /* set anew, it begins with what is so then */
        reap(events);
        seen = engine_wait_change(events->engine, seen, clock_monotonic_usec() + LOOK_USEC);
    }
    return NULL;
}

Events *events_start(Engine *engine)
{
    Events *events = g_new0(Events, 1);
    events->engine = engine;
    events->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, told_free);
    events->running = g_array_new(FALSE, FALSE, sizeof(pid_t));
    if (pthread_create(&events->thread, NULL, events_main, events) == 0)
        return events;
    g_hash_table_destroy(events->told);
    g_array_unref(events->running);
    g_free(events);
    return NULL;
}

void events_stop(Events *events)
{
    if (!events)
        return;
    atomic_store(&events->ending, true);
    engine_changed(events->engine);
    pthread_join(events->thread, NULL);
    g_hash_table_destroy(events->told);
    g_array_unref(events->running);
    g_free(events);
}
