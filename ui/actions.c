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
    static const char *const states[] = {"Snapshot", "Running", "Resync", NULL};
    return state_is(pipe, states);
}

static bool resumable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Pausing", "Paused", NULL};
    return state_is(pipe, states);
}

static bool resyncable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Running", "Paused", "Completed", "Failed", NULL};
    return state_is(pipe, states) && g_strcmp0(pipe->mode, "cdc") != 0;
}

static bool resyncing(const ViewPipe *pipe)
{
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        if (g_strcmp0(pipe->tables[i].state, "resyncing") == 0)
            return g_strcmp0(pipe->state, "Snapshot") == 0 || g_strcmp0(pipe->state, "Resync") == 0;
    return false;
}

static bool removable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Snapshot", "Running", "Paused", NULL};
    return state_is(pipe, states) && pipe->n_tables > 1;
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
    case ACTION_RESYNC:
        return resyncable(pipe);
    case ACTION_CANCEL_RESYNC:
        return resyncing(pipe);
    case ACTION_REMOVE:
        return removable(pipe);
    case ACTION_SKIP:
        return failed && pipe->error && pipe->error->oldest_log;
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
    g_autofree char *dir = action_word(ui->options->state_dir);
    return g_strdup_printf("sluice %s --state-dir %s", words, dir);
}

char *action_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+";
    for (const char *at = word; *at || at == word; at++)
        if (!*at || ((guchar)*at < 0x80 && !strchr(plain, *at)))
            return g_shell_quote(word);
    return g_strdup(word);
}

static void add_error(GString *text, const char *name, const ViewError *error)
{
    g_string_append_printf(text, "%s: %s", name, error->message ? error->message : "?");
    if (error->code)
        g_string_append_printf(text, " (code %d)", error->code);
    g_string_append_c(text, '\n');
    if (error->cause)
        g_string_append_printf(text, "  %s\n", error->cause);
}

char *action_errors(const ViewPipe *pipe, const ViewTable *table)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!table && pipe->error)
        add_error(text, pipe->name, pipe->error);
    if (!table && pipe->stalled) {
        const ViewStalled *stalled = pipe->stalled;
        const ViewError error = {.message = stalled->message, .code = stalled->code};
        add_error(text, pipe->name, &error);
    }
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        if (pipe->tables[i].error && (!table || table == &pipe->tables[i]))
            add_error(text, pipe->tables[i].source ? pipe->tables[i].source : "?", pipe->tables[i].error);
    return text->len ? g_strdup(text->str) : NULL;
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

/* What was asked about; borrowed names would not outlive the question. */
typedef struct {
    char *pipe, *table; /* table NULL: all */
} Asked;

static Asked *asked_new(const ViewPipe *pipe, const ViewTable *table)
{
    Asked *asked = g_new0(Asked, 1);
    asked->pipe = g_strdup(pipe->name);
    asked->table = table ? g_strdup(table->source) : NULL;
    return asked;
}

static void asked_free(void *data)
{
    Asked *asked = data;
    g_free(asked->pipe);
    g_free(asked->table);
    g_free(asked);
}

static json_t *request_for_asked(const char *what, const Asked *asked)
{
    json_t *request = request_for(what, asked->pipe);
    if (asked->table)
        json_object_set_new(request, "tables", json_pack("[s]", asked->table));
    return request;
}

static char *table_command(const Ui *ui, const char *format, const ViewPipe *pipe, const ViewTable *table)
{
    g_autofree char *word = action_word(table->source);
    return action_command(ui, format, pipe->name, word);
}

static void resync_confirmed(Ui *ui, int choice, void *data)
{
    const Asked *asked = data;
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "%s is loaded again.", asked->table ? asked->table : asked->pipe);
    ui_request(ui, request_for_asked("resync", asked), NULL, answered, 0);
}

static void run_resync(Ui *ui, const ViewPipe *pipe, const ViewTable *table)
{
    char rows[FORMAT_MAX];
    int64_t n = 0;
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        if (!table || &pipe->tables[i] == table)
            n += MAX(pipe->tables[i].rows_estimate, 0);
    bool anew = g_strcmp0(pipe->state, "Failed") == 0 || g_strcmp0(pipe->state, "Completed") == 0;
    g_autofree char *title = g_strdup_printf("Resync %s", table ? table->source : pipe->name);
    g_autofree char *command = table ? table_command(ui, "resync %s --table %s", pipe, table) : action_command(ui, "resync %s", pipe->name);
    g_autofree char *what = table ? g_strdup("The table is") : pipe->n_tables == 1 ? g_strdup("Its table is")
                                                                                   : g_strdup_printf("All %u tables are", pipe->n_tables);
    g_autofree char *text = g_strdup_printf(
        "%s loaded again, some %s rows, beside what is there. Readers keep the old data until old and new are exchanged in one step.%s",
        what, format_count(rows, n),
        anew && table ? " The pipe begins anew at the end of the source's log: what the other tables missed in between stays missing, and they "
                        "are marked so."
        : anew        ? " The pipe begins anew at the end of the source's log: what happened in between comes with the load."
                      : " Changes go on being applied meanwhile.");
    Dialog *dialog = dialog_choice(title, text, command);
    dialog_add_choice(dialog, 'y', "y", "resync");
    ui_ask(ui, dialog, resync_confirmed, asked_new(pipe, table), asked_free);
}

static void run_cancel(Ui *ui, const ViewPipe *pipe)
{
    g_autofree char *command = action_command(ui, "cancel %s", pipe->name);
    ui_say(ui, STYLE_TEXT, command, "The resync of %s is given up: what was loaded for it goes, the tables stay as they are.", pipe->name);
    ui_request(ui, request_for("cancel", pipe->name), NULL, answered, 0);
}

static void remove_confirmed(Ui *ui, int choice, void *data)
{
    const Asked *asked = data;
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "%s leaves %s.", asked->table, asked->pipe);
    ui_request(ui, request_for_asked("tables_remove", asked), NULL, answered, 0);
}

static void run_remove(Ui *ui, const ViewPipe *pipe, const ViewTable *table)
{
    g_autofree char *title = g_strdup_printf("Remove %s", table->source);
    g_autofree char *command = table_command(ui, "tables %s remove %s --yes", pipe, table);
    g_autofree char *text = g_strdup_printf("%s is not followed any more. Its destination table %s and its rows stay as they are. Added again "
                                            "it is loaded anew, into another table or after that one was dropped.",
                                            table->source, table->target ? table->target : "?");
    ui_ask(ui, dialog_name(title, text, command, table->source), remove_confirmed, asked_new(pipe, table), asked_free);
}

static const char *why_not(const ViewPipe *pipe, KeyAction action)
{
    switch (action) {
    case ACTION_PAUSE:
        return "there is nothing to pause or resume";
    case ACTION_RETRY:
        return "nothing waits to be tried again";
    case ACTION_RESYNC:
        return g_strcmp0(pipe->mode, "cdc") == 0 ? "in mode cdc nothing is loaded" : "a resync is possible while Running, Paused, Completed or Failed";
    case ACTION_CANCEL_RESYNC:
        return "no resync is under way that could be cancelled";
    case ACTION_REMOVE:
        return pipe->n_tables == 1 ? "its last table cannot be removed; drop the pipe" : "tables are removed while Running, Snapshot or Paused";
    default:
        return "nothing is wrong with it";
    }
}

bool action_run_table(Ui *ui, const ViewPipe *pipe, const ViewTable *table, KeyAction action)
{
    bool ours = action == ACTION_RESYNC || action == ACTION_REMOVE;
    if (!ours || !pipe || !table || !action_possible(pipe, action))
        return action_run(ui, pipe, action);
    if (action == ACTION_RESYNC)
        run_resync(ui, pipe, table);
    else
        run_remove(ui, pipe, table);
    return true;
}

bool action_run(Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    static const KeyAction ours[] = {ACTION_PAUSE, ACTION_RETRY,         ACTION_DROP,  ACTION_INCIDENT,
                                     ACTION_RESYNC, ACTION_CANCEL_RESYNC, ACTION_REMOVE};
    bool one_of_ours = false;
    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
        one_of_ours = one_of_ours || action == ours[i];
    if (!one_of_ours)
        return false;
    if (!pipe)
        return true;
    if (!action_possible(pipe, action)) {
        ui_say(ui, STYLE_TEXT, NULL, "%s is %s: %s.", pipe->name, pipe->state ? pipe->state : "?", why_not(pipe, action));
        return true;
    }
    if (action == ACTION_PAUSE)
        run_pause(ui, pipe);
    else if (action == ACTION_RETRY)
        run_retry(ui, pipe);
    else if (action == ACTION_DROP)
        run_drop(ui, pipe);
    else if (action == ACTION_RESYNC)
        run_resync(ui, pipe, NULL);
    else if (action == ACTION_CANCEL_RESYNC)
        run_cancel(ui, pipe);
    else if (action == ACTION_INCIDENT)
        ui_push(ui, screen_incident_new(pipe->name));
    return true;
}
