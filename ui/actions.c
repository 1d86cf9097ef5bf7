/* actions.c - what can be done to a pipe: a dry sentence, the request, and the shell command that does the same. */
#include <string.h>

#include "control/protocol.h"
#include "format.h"
#include "screen.h"

static bool state_is(const ViewPipe *pipe, const char *const *states)
{
    return pipe->state && g_strv_contains(states, pipe->state);
}

static bool pausable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Provisioning", "Setup", "Snapshot", "Running", "Resync", NULL};
    return state_is(pipe, states);
}

static bool resumable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Pausing", "Paused", NULL};
    return state_is(pipe, states);
}

bool action_possible(const ViewPipe *pipe, KeyAction action)
{
    if (!pipe)
        return false;
    bool failed = g_strcmp0(pipe->state, "Failed") == 0;
    switch (action) {
    case ACTION_PAUSE:
        return pausable(pipe) || resumable(pipe);
    case ACTION_RETRY:
        return failed || pipe->stalled || pipe->n_tables_failed;
    case ACTION_INCIDENT:
        return failed || pipe->error || pipe->stalled || pipe->n_tables_failed;
    default:
        return true;
    }
}

char *action_command(const Ui *ui, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *words = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *usual = protocol_state_dir(NULL);
    if (g_strcmp0(usual, ui->options->state_dir) == 0)
        return g_strdup_printf("sluice %s", words);
    g_autofree char *dir = g_shell_quote(ui->options->state_dir);
    /* Quotes only where a shell needs them. */
    bool plain = strspn(ui->options->state_dir, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") ==
                 strlen(ui->options->state_dir);
    return g_strdup_printf("sluice %s --state-dir %s", words, plain ? ui->options->state_dir : dir);
}

static void answered(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    (void)owner;
    (void)answer;
    (void)tag;
    if (error)
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
}

static json_t *request_for(const char *what, const char *name)
{
    json_t *request = protocol_request(what);
    json_object_set_new(request, "name", json_string(name));
    return request;
}

static void run_pause(Ui *ui, const ViewPipe *pipe)
{
    bool resume = resumable(pipe);
    const char *what = resume ? "resume" : "pause";
    char headroom[FORMAT_MAX];
    g_autofree char *command = action_command(ui, "%s %s", what, pipe->name);
    if (resume)
        ui_say(ui, STYLE_TEXT, command, "Resume %s: it goes on where it was.", pipe->name);
    else if (pipe->headroom_seconds >= 0)
        ui_say(ui, STYLE_TEXT, command, "Pause %s: reading stops, the position is kept, %s of headroom.", pipe->name,
               format_headroom(headroom, pipe->headroom_seconds));
    else
        ui_say(ui, STYLE_TEXT, command, "Pause %s: reading stops, the position is kept.", pipe->name);
    ui_request(ui, request_for(what, pipe->name), NULL, answered, 0);
}

static void run_retry(Ui *ui, const ViewPipe *pipe)
{
    g_autofree char *command = action_command(ui, "retry %s", pipe->name);
    ui_say(ui, STYLE_TEXT, command, "Try %s again now.", pipe->name);
    ui_request(ui, request_for("retry", pipe->name), NULL, answered, 0);
}

static void drop_confirmed(Ui *ui, int choice, void *data)
{
    const char *name = data;
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "Dropping %s.", name);
    ui_request(ui, request_for("drop", name), NULL, answered, 0);
}

static void run_drop(Ui *ui, const ViewPipe *pipe)
{
    g_autofree char *title = g_strdup_printf("Drop %s", pipe->name);
    g_autofree char *command = action_command(ui, "drop %s --yes", pipe->name);
    g_autofree char *text = g_strdup_printf(
        "Replication of %s ends, and its position is forgotten: it cannot go on from there again. Its %u destination "
        "table%s and their rows stay as they are.",
        pipe->name, pipe->n_tables, pipe->n_tables == 1 ? "" : "s");
    ui_ask(ui, dialog_name(title, text, command, pipe->name), drop_confirmed, g_strdup(pipe->name), g_free);
}

bool action_run(Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    static const KeyAction ours[] = {ACTION_PAUSE, ACTION_RETRY, ACTION_DROP, ACTION_INCIDENT};
    bool one_of_ours = false;
    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
        one_of_ours = one_of_ours || action == ours[i];
    if (!one_of_ours)
        return false;
    if (!pipe)
        return true;
    if (!action_possible(pipe, action)) {
        const char *why = action == ACTION_PAUSE   ? "there is nothing to pause or resume"
                          : action == ACTION_RETRY ? "nothing waits to be tried again"
                                                   : "nothing is wrong with it";
        ui_say(ui, STYLE_TEXT, NULL, "%s is %s: %s.", pipe->name, pipe->state ? pipe->state : "?", why);
        return true;
    }
    if (action == ACTION_PAUSE)
        run_pause(ui, pipe);
    else if (action == ACTION_RETRY)
        run_retry(ui, pipe);
    else if (action == ACTION_DROP)
        run_drop(ui, pipe);
    else
        ui_push(ui, screen_incident_new(pipe->name));
    return true;
}
