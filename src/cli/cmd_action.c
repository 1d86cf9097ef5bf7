/* Actions on one pipe: pause, resume, retry, resync, cancel, drop. The engine answers at once; --wait waits for the state. */
#include "cli/action.h"
#include "cli/arguments.h"
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

bool action_is_settled(const ViewPipe *pipe, GError **error)
{
    return stands(pipe, error) && pipe->pending == 0 && !is_state(pipe, "Snapshot") && !is_state(pipe, "Resync") &&
           !is_state(pipe, "Modifying");
}

/* Beside action_is_settled: no table is left that it did not mend. */
static bool is_resynced(const ViewPipe *pipe, GError **error)
{
    if (!action_is_settled(pipe, error))
        return false;
    for (unsigned i = 0; i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        if (g_strcmp0(table->state, "failed") != 0)
            continue;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "table %s is failed: %s", table->source,
                    table->error != NULL && table->error->message != NULL ? table->error->message : "see `sluice status`");
        return false;
    }
    return true;
}

static bool is_gone(const ViewPipe *pipe, GError **error)
{
    (void)error;
    return pipe == NULL;
}

typedef struct {
    CallerReached reached;
    bool offline;                /* works while no engine runs */
    bool tables;                 /* takes --table */
    const char *question;        /* for what cannot be undone; NULL: no need to ask */
    const char *question_target; /* with --drop-target */
} Action;

/* A wrong name is told before anything is asked. */
static bool confirm(Caller *caller, const char *name, const char *question, bool yes, int *code)
{
    GError *error = NULL;
    g_autoptr(View) view = caller_view(caller, &error);
    if (view == NULL || caller_find_pipe(view, name, &error) == NULL) {
        *code = cli_fail(error);
        return false;
    }
    g_autofree char *shown = printable(name, 0);
    g_autofree char *text = g_strdup_printf(question, shown);
    return cli_confirm(yes, text, code);
}

int action_send(Caller *caller, const char *name, json_t *request_take, CallerReached reached)
{
    GError *error = NULL;
    g_autoptr(View) before = reached != NULL ? caller_view(caller, NULL) : NULL;
    const ViewPipe *pipe = before != NULL ? view_find_pipe(before, name) : NULL;
    int64_t failed_since = pipe != NULL && is_state(pipe, "Failed") ? pipe->since : 0;
    json_t *answer = caller_ask(caller, request_take, &error);
    if (answer == NULL)
        return cli_fail(error);
    const char *note = json_string_value(json_object_get(answer, "note"));
    if (note != NULL)
        output_line("note: %s", note);
    json_decref(answer);
    if (reached != NULL && !caller_wait(caller, name, failed_since, reached, &error))
        return cli_fail(error);
    return 0;
}

static int act(Cli *cli, char **argv, const Action *action)
{
    gboolean wait = FALSE, yes = FALSE, drop_target = FALSE;
    g_auto(GStrv) tables = NULL;
    bool is_drop = action->question != NULL;
    const GOptionEntry entries[] = {{"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "return when the state is reached", NULL},
                                    {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL},
                                    {"table", 0, action->tables ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME_ARRAY, &tables,
                                     "this table alone; may be given several times", "DB.TABLE"},
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
    if (tables != NULL && !action->tables)
        return cli_usage("`sluice %s` works on whole pipes, not on single tables", cli->command->name);
    g_autoptr(Caller) caller = caller_open(cli, action->offline, &error);
    if (caller == NULL)
        return cli_fail(error);
    if (is_drop && !confirm(caller, name, drop_target ? action->question_target : action->question, yes, &code))
        return code;
    json_t *names = arguments_lists(tables, &error);
    if (names == NULL)
        return cli_fail(error);
    json_t *request = protocol_request(cli->command->name);
    json_object_set_new(request, "name", json_string(name));
    json_object_set_new(request, "tables", names);
    if (drop_target)
        json_object_set_new(request, "drop_target", json_true());
    CallerReached reached = tables != NULL && action->reached == is_resumed ? action_is_settled : action->reached;
    return action_send(caller, name, request, wait ? reached : NULL);
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
    return act(cli, argv, &(Action){.reached = is_resumed, .offline = true, .tables = true});
}

int cmd_resync(Cli *cli, char **argv)
{
    return act(cli, argv, &(Action){.reached = is_resynced, .tables = true});
}

int cmd_cancel(Cli *cli, char **argv)
{
    return act(cli, argv, &(Action){.reached = action_is_settled});
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
