/* Actions on one pipe: pause, resume, retry, drop. The engine answers at once; --wait waits for the state. */
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

#include <string.h>

static bool is_state(const ViewPipe *pipe, const char *state)
{
    return g_strcmp0(pipe->state, state) == 0;
}

/* Sets an error when the pipe is gone or has failed. */
static bool stands(const ViewPipe *pipe, GError **error)
{
    if (pipe == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "the pipe was dropped meanwhile");
    else if (is_state(pipe, "Failed"))
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the pipe failed: %s",
                    pipe->error != NULL && pipe->error->message != NULL ? pipe->error->message : "see `sluice status`");
    else
        return true;
    return false;
}

static bool is_paused(const ViewPipe *pipe, GError **error)
{
    return stands(pipe, error) && is_state(pipe, "Paused");
}

static bool is_resumed(const ViewPipe *pipe, GError **error)
{
    return stands(pipe, error) && !is_state(pipe, "Paused") && !is_state(pipe, "Pausing");
}

static bool is_gone(const ViewPipe *pipe, GError **error)
{
    (void)error;
    return pipe == NULL;
}

typedef struct {
    CallerReached reached;
    bool offline;                /* works while no engine runs */
    const char *question;        /* for what cannot be undone; NULL: no need to ask */
    const char *question_target; /* with --drop-target */
} Action;

static int act(Cli *cli, char **argv, const Action *action)
{
    gboolean wait = FALSE, yes = FALSE, drop_target = FALSE;
    bool is_drop = action->question != NULL;
    const GOptionEntry entries[] = {{"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "return when the state is reached", NULL},
                                    {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL},
                                    {"drop-target", 0, is_drop ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
                                     &drop_target, "drop the destination tables too", NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, 1, &code))
        return code;
    const char *name = cli->words[0];
    if (drop_target && !is_drop)
        return cli_usage("--drop-target is an option of `sluice drop`");
    g_autoptr(Caller) caller = caller_open(cli, action->offline, &error);
    if (caller == NULL)
        return cli_fail(error);
    if (is_drop) {
        /* A wrong name is told before anything is asked. */
        g_autoptr(View) view = caller_view(caller, &error);
        if (view == NULL || caller_find_pipe(view, name, &error) == NULL)
            return cli_fail(error);
        g_autofree char *shown = printable(name, 0);
        g_autofree char *question = g_strdup_printf(drop_target ? action->question_target : action->question, shown);
        if (!cli_confirm(yes, question, &code))
            return code;
    }
    g_autoptr(View) before = wait ? caller_view(caller, NULL) : NULL;
    const ViewPipe *pipe = before != NULL ? view_find_pipe(before, name) : NULL;
    int64_t failed_since = pipe != NULL && is_state(pipe, "Failed") ? pipe->since : 0;
    json_t *request = protocol_request(cli->command->name);
    json_object_set_new(request, "name", json_string(name));
    if (drop_target)
        json_object_set_new(request, "drop_target", json_true());
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    json_decref(answer);
    if (wait && !caller_wait(caller, name, failed_since, action->reached, &error))
        return cli_fail(error);
    return 0;
}

int cmd_pause(Cli *cli, char **argv)
{
    return act(cli, argv, &(Action){.reached = is_paused, .offline = true});
}

int cmd_resume(Cli *cli, char **argv)
{
    return act(cli, argv, &(Action){.reached = is_resumed});
}

int cmd_retry(Cli *cli, char **argv)
{
    return act(cli, argv, &(Action){.reached = is_resumed, .offline = true});
}

int cmd_drop(Cli *cli, char **argv)
{
    static const Action DROP = {
        .reached = is_gone,
        .offline = true,
        .question = "Drop pipe %s? It ends for good, with its position; its destination tables stay.",
        .question_target = "Drop pipe %s AND its destination tables with all their rows?",
    };
    return act(cli, argv, &DROP);
}
