#include "child.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/question.h"
#include "control/client.h"

#define OUTPUT_MAX (1 << 20) /* bytes kept; the rest is read and left out, and that is said */
#define LOOK_USEC  (20 * 1000)
#define AT_ONCE    16 /* reads in a row: keys come first */

typedef struct {
    int fd; /* -1: at its end */
    GString *text;
    bool cut;
} Stream;

struct Child {
    GPid pid; /* 0: reaped */
    Stream out, err;
    int code;
};

/* Between fork and exec. */
static void set_up(gpointer data)
{
    (void)data;
    setsid();
}

static char **make_argv(const char *state_dir, char **words)
{
    GPtrArray *argv = g_ptr_array_new();
    g_ptr_array_add(argv, client_own_program());
    g_ptr_array_add(argv, g_strdup("sluice"));
    g_ptr_array_add(argv, g_strdup("--state-dir"));
    g_ptr_array_add(argv, g_strdup(state_dir));
    for (char **word = words; *word; word++)
        g_ptr_array_add(argv, g_strdup(*word));
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

Child *child_start(const char *state_dir, char **words, GError **error)
{
    Child *child = g_new0(Child, 1);
    g_auto(GStrv) argv = make_argv(state_dir, words);
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), QUESTION_VARIABLE, "1", TRUE);
    child->out = (Stream){.fd = -1, .text = g_string_new(NULL)};
    child->err = (Stream){.fd = -1, .text = g_string_new(NULL)};
    if (!g_spawn_async_with_pipes(NULL, argv, environment, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO,
                                  set_up, NULL, &child->pid, NULL, &child->out.fd, &child->err.fd, error)) {
        child->pid = 0;
        child_free(child);
        return NULL;
    }
    g_unix_set_fd_nonblocking(child->out.fd, TRUE, NULL);
    g_unix_set_fd_nonblocking(child->err.fd, TRUE, NULL);
    return child;
}

static void stream_close(Stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

void child_free(Child *child)
{
    if (!child)
        return;
    if (child->pid) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    stream_close(&child->out);
    stream_close(&child->err);
    g_string_free(child->out.text, TRUE);
    g_string_free(child->err.text, TRUE);
    g_free(child);
}

static void stream_read(Stream *stream)
{
    char bytes[4096];
    ssize_t n = 0;
    for (int i = 0; stream->fd >= 0 && i < AT_ONCE && (n = read(stream->fd, bytes, sizeof bytes)) > 0; i++) {
        if (stream->text->len + (gsize)n <= OUTPUT_MAX) {
            g_string_append_len(stream->text, bytes, n);
        } else if (!stream->cut) {
            g_string_append(stream->text, "\n(there is more; it is left out here)\n");
            stream->cut = true;
        }
    }
    if (stream->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
        stream_close(stream);
}

void child_wait_for(const Child *child, int fds[2], int64_t *wake_at)
{
    fds[0] = child->out.fd;
    fds[1] = child->err.fd;
    /* A process that closed both ends is about to end, and nothing tells of it. */
    *wake_at = child->out.fd < 0 && child->err.fd < 0 ? clock_monotonic_usec() + LOOK_USEC : 0;
}

void child_read(Child *child)
{
    stream_read(&child->out);
    stream_read(&child->err);
}

bool child_ended(Child *child, int *code)
{
    int status;
    if (child->out.fd >= 0 || child->err.fd >= 0)
        return false;
    if (child->pid) {
        if (waitpid(child->pid, &status, WNOHANG) == 0)
            return false;
        child->pid = 0;
        child->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    *code = child->code;
    return true;
}

void child_stop(Child *child)
{
    if (child->pid)
        kill(child->pid, SIGTERM);
    /* A program that it started may hold the other ends: nobody waits for those. */
    stream_close(&child->out);
    stream_close(&child->err);
}

const char *child_output(const Child *child)
{
    return child->out.text->str;
}

const char *child_errors(const Child *child)
{
    return child->err.text->str;
}
