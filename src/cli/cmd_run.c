/* `sluice run`: the engine. With --detach it is started as a process of its own, in a session of its own. */
#include "cli/cli.h"
#include "base/base.h"
#include "control/control.h"
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD 3 /* of the engine: where it says that it answers */

extern char **environ;

static GError *failure(const char *what, const char *path, const char *mend)
{
    int why = errno;
    g_autofree char *shown = printable(path, 0);
    return g_error_new(SLUICE_ERROR, SLUICE_ERROR_FAILED, "%s %s: %s; %s", what, shown, g_strerror(why), mend);
}

static bool spawn_engine(const char *state_dir, bool paused, int log, int ready, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ready, READY_FD);
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    char *argv[] = {(char *)"sluice",
                    (char *)"run",
                    (char *)"--state-dir",
                    (char *)state_dir,
                    (char *)"--ready-fd",
                    (char *)G_STRINGIFY(READY_FD),
                    paused ? (char *)"--paused" : NULL,
                    NULL};
    g_autofree char *program = client_own_program();
    int rc = posix_spawn(pid, program, &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    errno = rc;
    return rc == 0;
}

/* What the engine says: one byte when it answers, "CODE what, why, what to do\n" when it cannot; nothing when it died.
 * The exit code. */
static int await_ready(int fd, pid_t pid, const char *log_path)
{
    char line[4096];
    ssize_t n;
    do {
        n = read(fd, line, sizeof line); /* a line comes in one piece: it is shorter than PIPE_BUF */
    } while (n < 0 && errno == EINTR);
    if (n == 1)
        return 0;
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    int code = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : SLUICE_ERROR_FAILED;
    code = MIN(code, SLUICE_ERROR_NOT_RUNNING);
    if (n <= 0)
        return cli_fail(g_error_new(SLUICE_ERROR, code, "the engine ended before it answered (%s %d); see %s",
                                    WIFSIGNALED(status) ? "signal" : "exit code",
                                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), log_path));
    g_autofree char *text = g_strndup(line, (gsize)n);
    g_strchomp(text);
    const char *message = text + strspn(text, "-0123456789");
    return cli_fail(g_error_new_literal(SLUICE_ERROR, code, message[0] == ' ' ? message + 1 : text));
}

static int detach(const char *state_dir, bool paused)
{
    if (g_mkdir_with_parents(state_dir, 0700) != 0)
        return cli_fail(failure("cannot make the state dir", state_dir, "use another --state-dir"));
    g_autofree char *log_path = g_build_filename(state_dir, "engine.log", NULL);
    /* Above 3, so that none of them is where another one goes. */
    int log = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int high_log = log >= 0 ? fcntl(log, F_DUPFD_CLOEXEC, READY_FD + 1) : -1;
    int ends[2] = {-1, -1};
    if (high_log < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return cli_fail(failure("cannot open", log_path, "make room and see that we may write there, or use another --state-dir"));
    int high_ready = fcntl(ends[1], F_DUPFD_CLOEXEC, READY_FD + 1);
    pid_t pid;
    if (high_ready < 0 || !spawn_engine(state_dir, paused, high_log, high_ready, &pid))
        return cli_fail(failure("cannot start the engine on", state_dir, "see the limits of processes and open files"));
    close(log);
    close(high_log);
    close(ends[1]);
    close(high_ready);
    int code = await_ready(ends[0], pid, log_path);
    close(ends[0]);
    return code;
}

int cmd_run(Cli *cli, char **argv)
{
    gboolean detached = FALSE, paused = FALSE;
    int ready_fd = -1;
    const GOptionEntry entries[] = {
        {"detach", 0, 0, G_OPTION_ARG_NONE, &detached, "in the background; returns when the engine answers", NULL},
        {"paused", 0, 0, G_OPTION_ARG_NONE, &paused, "with all pipes paused", NULL},
        {"ready-fd", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &ready_fd, NULL, NULL},
        G_OPTION_ENTRY_NULL};
    int code;
    if (!cli_parse(cli, argv, entries, 0, 0, &code))
        return code;
    g_autofree char *state_dir = protocol_state_dir(cli->state_dir);
    if (detached)
        return detach(state_dir, paused);
    if (ready_fd >= 0)
        fcntl(ready_fd, F_SETFD, FD_CLOEXEC); /* not for the children of the engine */
    return engine_run(state_dir, paused, ready_fd);
}
