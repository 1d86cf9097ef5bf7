#include "clickhouse/embedded.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM        "sluice-clickhouse"
#define START_MAX_USEC (120 * G_USEC_PER_SEC) /* loading many tables after a crash takes its time */
#define STOP_MAX_USEC  (30 * G_USEC_PER_SEC)
#define READY_MAX      (16 * 1024) /* bytes of the ready line */

struct Embedded {
    char *program, *data_dir, *log_path;
    int64_t log_from; /* where this start's part of the log begins */
    char *url_base, *user, *password_file;

    /* PR_SET_PDEATHSIG tells the death of the thread that forked, not of the process. So one thread forks, waits for
     * the child, and lives exactly as long. */
    pthread_t keeper;
    bool keeper_runs;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool forked;    /* the keeper has tried */
    int fork_errno; /* of fork or exec, 0: it runs */
    pid_t pid;      /* > 0 until reaped, so that no stranger is ever signalled */
    int ready_fd;   /* reads the child's stdout */
};

/* ---- the child ---- */

typedef struct {
    char **argv;
    int stdout_fd, stderr_fd, error_fd;
    pid_t parent;
} ChildSetup;

/* After fork in a process with threads: async-signal-safe calls only. */
static void run_child(const ChildSetup *setup)
{
    sigset_t none;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < SIGRTMIN; signal++)
        sigaction(signal, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != setup->parent)
        _exit(127); /* the parent died before the line above */
    int null_fd = open("/dev/null", O_RDONLY);
    /* The four descriptors are moved above the standard ones first: they may themselves stand below 3. */
    int error_fd = fcntl(setup->error_fd, F_DUPFD_CLOEXEC, 10);
    int out_fd = fcntl(setup->stdout_fd, F_DUPFD, 10), log_fd = fcntl(setup->stderr_fd, F_DUPFD, 10);
    if (null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(out_fd, 1) == 1 && dup2(log_fd, 2) == 2) {
        if (dup2(error_fd, 3) == 3 && fcntl(3, F_SETFD, FD_CLOEXEC) == 0) {
            error_fd = 3;
            close_range(4, ~0u, 0); /* whatever was opened without O_CLOEXEC; an old kernel leaves it open */
        }
        execv(setup->argv[0], setup->argv);
    }
    int why = errno;
    ssize_t written = write(error_fd, &why, sizeof why);
    _exit(written == sizeof why ? 126 : 127);
}

/* Forks; 0 or the errno with which fork or exec failed. */
static int fork_child(const ChildSetup *setup, int error_read, int error_write, pid_t *pid)
{
    *pid = fork();
    if (*pid < 0)
        return errno;
    if (*pid == 0)
        run_child(setup);
    close(error_write);
    int why = 0;
    ssize_t n;
    do
        n = read(error_read, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    if (n == sizeof why)
        return why ? why : ENOEXEC;
    return 0;
}

/* ---- the keeper ---- */

typedef struct {
    Embedded *embedded;
    int log_fd, stdout_fd; /* the child's ends */
} KeeperStart;

static void tell_forked(Embedded *embedded, pid_t pid, int failed)
{
    pthread_mutex_lock(&embedded->lock);
    embedded->forked = true;
    embedded->fork_errno = failed;
    embedded->pid = pid > 0 ? pid : 0;
    pthread_cond_broadcast(&embedded->changed);
    pthread_mutex_unlock(&embedded->lock);
}

static void wait_for_child(Embedded *embedded, pid_t pid)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&embedded->lock);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    embedded->pid = 0;
    pthread_cond_broadcast(&embedded->changed);
    pthread_mutex_unlock(&embedded->lock);
}

static void *keep_child(void *data)
{
    KeeperStart *start = data;
    Embedded *embedded = start->embedded;
    char *argv[] = {embedded->program,  (char *)"--data",      embedded->data_dir,
                    (char *)"--listen", (char *)"127.0.0.1:0", NULL};
    int errors[2];
    pid_t pid = 0;
    int failed = 0;
    if (pipe2(errors, O_CLOEXEC) < 0) {
        failed = errno;
    } else {
        ChildSetup setup = {argv, start->stdout_fd, start->log_fd, errors[1], getpid()};
        failed = fork_child(&setup, errors[0], errors[1], &pid);
        if (pid < 0)
            close(errors[1]);
        close(errors[0]);
    }
    close(start->stdout_fd);
    close(start->log_fd);
    g_free(start);
    tell_forked(embedded, pid, failed);
    if (pid > 0)
        wait_for_child(embedded, pid);
    return NULL;
}

/* ---- starting ---- */

/* Beside our own executable, then in PATH. Free with g_free. */
static char *find_program(GError **error)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    if (self) {
        g_autofree char *dir = g_path_get_dirname(self);
        g_autofree char *beside = g_build_filename(dir, PROGRAM, NULL);
        if (access(beside, X_OK) == 0)
            return g_steal_pointer(&beside);
    }
    char *found = g_find_program_in_path(PROGRAM);
    if (!found)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "the program " PROGRAM
                    " is neither beside sluice nor in PATH; install it, or give --dest a server's URL");
    return found;
}

static bool set_file_error(const char *what, const char *path, GError **error)
{
    int why = errno;
    g_autofree char *shown = printable(path, 300);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                "the embedded ClickHouse cannot start: %s %s: %s; check its owner, permissions and disk", what, shown,
                g_strerror(why));
    return false;
}

/* Opens the log and the pipe and lets the keeper fork. */
static bool launch(Embedded *embedded, GError **error)
{
    if (g_mkdir_with_parents(embedded->data_dir, 0700) < 0)
        return set_file_error("cannot make", embedded->data_dir, error);
    int log_fd = open(embedded->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return set_file_error("cannot write", embedded->log_path, error);
    embedded->log_from = lseek(log_fd, 0, SEEK_END);
    int out[2];
    if (pipe2(out, O_CLOEXEC) < 0) {
        set_file_error("no pipe for", PROGRAM, error);
        close(log_fd);
        return false;
    }
    embedded->ready_fd = out[0];
    KeeperStart *start = g_new0(KeeperStart, 1);
    *start = (KeeperStart){embedded, log_fd, out[1]};
    int failed = pthread_create(&embedded->keeper, NULL, keep_child, start);
    if (failed) {
        errno = failed;
        set_file_error("no thread for", PROGRAM, error);
        close(log_fd);
        close(out[1]);
        g_free(start);
        return false;
    }
    embedded->keeper_runs = true;
    pthread_mutex_lock(&embedded->lock);
    while (!embedded->forked)
        pthread_cond_wait(&embedded->changed, &embedded->lock);
    errno = embedded->fork_errno;
    pthread_mutex_unlock(&embedded->lock);
    return errno == 0 || set_file_error("cannot run", embedded->program, error);
}

static void wake_start(void *data)
{
    uint64_t one = 1;
    ssize_t written = write(*(int *)data, &one, sizeof one);
    (void)written; /* it only fails when it already is awake */
}

/* Reads the child's stdout until a newline, its end, the time limit or a cancel. */
static GString *read_ready_line(Embedded *embedded, Cancel *cancel, bool *late)
{
    GString *line = g_string_new(NULL);
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned hook = cancel && wake >= 0 ? cancel_add_hook(cancel, wake_start, &wake) : 0;
    int64_t end = clock_monotonic_usec() + START_MAX_USEC;
    while (!strchr(line->str, '\n') && line->len < READY_MAX && !cancel_requested(cancel)) {
        int64_t left = end - clock_monotonic_usec();
        struct pollfd fds[2] = {{embedded->ready_fd, POLLIN, 0}, {wake, POLLIN, 0}};
        *late = left <= 0;
        if (*late || (poll(fds, wake >= 0 ? 2 : 1, (int)MIN(left / 1000 + 1, 1000)) < 0 && errno != EINTR))
            break;
        if (!fds[0].revents)
            continue;
        char bytes[4096];
        ssize_t n = read(embedded->ready_fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        g_string_append_len(line, bytes, MAX(n, 0));
    }
    if (hook)
        cancel_remove_hook(cancel, hook);
    if (wake >= 0)
        close(wake);
    return line;
}

static bool parse_ready_line(Embedded *embedded, const char *line)
{
    json_t *ready = json_loads(line, 0, NULL);
    const char *url = json_string_value(json_object_get(ready, "url"));
    const char *user = json_string_value(json_object_get(ready, "user"));
    const char *file = json_string_value(json_object_get(ready, "password_file"));
    bool good = url && g_str_has_prefix(url, "http://") && user && file;
    if (good) {
        embedded->url_base = g_strdup(url + strlen("http://"));
        if (g_str_has_suffix(embedded->url_base, "/"))
            embedded->url_base[strlen(embedded->url_base) - 1] = '\0';
        embedded->user = g_strdup(user);
        embedded->password_file = g_strdup(file);
    }
    json_decref(ready);
    return good;
}

/* The last line that this start wrote into the log, or NULL. */
static char *last_log_line(const Embedded *embedded)
{
    g_autofree char *text = NULL;
    gsize len;
    if (!g_file_get_contents(embedded->log_path, &text, &len, NULL) || (int64_t)len <= embedded->log_from)
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text + embedded->log_from, "\n", -1);
    for (guint i = g_strv_length(lines); i > 0; i--) {
        if (*g_strstrip(lines[i - 1]))
            return printable(lines[i - 1], 400);
    }
    return NULL;
}

static void set_start_error(const Embedded *embedded, bool late, GError **error)
{
    g_autofree char *line = last_log_line(embedded);
    g_autofree char *path = printable(embedded->log_path, 300);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the embedded ClickHouse did not start%s: %s; see %s",
                late ? " in time" : "", line ? line : "it said nothing", path);
}

Embedded *embedded_start(const char *data_dir, Cancel *cancel, GError **error)
{
    if (cancel_set_error(cancel, error))
        return NULL;
    g_autofree char *program = find_program(error);
    if (!program)
        return NULL;
    g_autoptr(Embedded) embedded = g_new0(Embedded, 1);
    pthread_mutex_init(&embedded->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&embedded->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    embedded->ready_fd = -1;
    embedded->program = g_steal_pointer(&program);
    embedded->data_dir = g_canonicalize_filename(data_dir, NULL);
    embedded->log_path = g_build_filename(embedded->data_dir, "endpoint.log", NULL);
    if (!launch(embedded, error))
        return NULL;
    bool late = false;
    GString *line = read_ready_line(embedded, cancel, &late);
    bool ready = parse_ready_line(embedded, line->str);
    g_string_free(line, TRUE);
    if (cancel_set_error(cancel, error))
        return NULL;
    if (!ready) {
        set_start_error(embedded, late, error);
        return NULL;
    }
    return g_steal_pointer(&embedded);
}

/* ---- stopping ---- */

static void signal_child(Embedded *embedded, int signal)
{
    if (embedded->pid > 0)
        kill(embedded->pid, signal);
}

static void end_child(Embedded *embedded)
{
    int64_t end = clock_monotonic_usec() + STOP_MAX_USEC;
    struct timespec until = {.tv_sec = end / G_USEC_PER_SEC, .tv_nsec = (end % G_USEC_PER_SEC) * 1000};
    pthread_mutex_lock(&embedded->lock);
    signal_child(embedded, SIGTERM);
    while (embedded->pid > 0) {
        if (pthread_cond_timedwait(&embedded->changed, &embedded->lock, &until) == ETIMEDOUT) {
            signal_child(embedded, SIGKILL);
            break;
        }
    }
    pthread_mutex_unlock(&embedded->lock);
    pthread_join(embedded->keeper, NULL);
}

void embedded_stop(Embedded *embedded)
{
    if (!embedded)
        return;
    if (embedded->keeper_runs)
        end_child(embedded);
    if (embedded->ready_fd >= 0)
        close(embedded->ready_fd);
    pthread_cond_destroy(&embedded->changed);
    pthread_mutex_destroy(&embedded->lock);
    g_free(embedded->program);
    g_free(embedded->data_dir);
    g_free(embedded->log_path);
    g_free(embedded->url_base);
    g_free(embedded->user);
    g_free(embedded->password_file);
    g_free(embedded);
}

bool embedded_alive(Embedded *embedded)
{
    pthread_mutex_lock(&embedded->lock);
    bool alive = embedded->pid > 0;
    pthread_mutex_unlock(&embedded->lock);
    return alive;
}

char *embedded_url(const Embedded *embedded, const char *database)
{
    g_autofree char *user = g_uri_escape_string(embedded->user, NULL, FALSE);
    g_autofree char *path = g_uri_escape_string(database, NULL, FALSE);
    g_autofree char *file = g_uri_escape_string(embedded->password_file, "/", FALSE);
    return g_strdup_printf("http://%s@%s/%s?password-file=%s", user, embedded->url_base, path, file);
}
