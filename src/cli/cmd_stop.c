#include "cli/caller.h"
#include "base/base.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#define POLL_USEC (50 * 1000)

/* False also for a process that has ended and was not yet collected by its parent. */
static bool is_alive(int64_t pid)
{
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return false;
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
    g_autofree char *stat = NULL;
    if (!g_file_get_contents(path, &stat, NULL, NULL))
        return g_file_test("/proc/self/stat", G_FILE_TEST_EXISTS) ? false : true;
    const char *state = g_strrstr(stat, ") "); /* the name before it may hold anything */
    return state == NULL || state[2] != 'Z';
}

int cmd_stop(Cli *cli, char **argv)
{
    gboolean wait = FALSE, yes = FALSE;
    const GOptionEntry entries[] = {{"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "return when it has ended", NULL},
                                    {"yes", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &yes, NULL, NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 0, 0, &code))
        return code;
    g_autoptr(Caller) caller = caller_open(cli, false, &error);
    if (caller == NULL)
        return cli_fail(error);
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    getsockopt(caller_fd(caller), SOL_SOCKET, SO_PEERCRED, &peer, &len);
    json_t *answer = caller_ask(caller, protocol_request("stop"), &error);
    /* An engine that is quicker to end than to answer has done what was asked, too. */
    if (answer == NULL && !g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING))
        return cli_fail(error);
    g_clear_error(&error);
    json_decref(answer);
    while (wait && peer.pid > 0 && is_alive(peer.pid))
        g_usleep(POLL_USEC);
    return 0;
}
