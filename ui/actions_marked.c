/* actions_marked.c - an action on several pipes: those that it makes sense for are listed and asked about once, each
 * gets a request of its own, and those that refuse are told by name.
 */
#include <string.h>

#include "control/protocol.h"
#include "format.h"
#include "screen.h"

/* What was asked about, and how the answers went. Shared by the question and the requests. */
typedef struct {
    const char *what; /* the request */
    char **names;
    guint waiting, failed;
    GString *failures;
} Round;

static void round_clear(void *data)
{
    Round *round = data;
    g_strfreev(round->names);
    g_string_free(round->failures, TRUE);
}

static void round_release(void *data)
{
    g_rc_box_release_full(data, round_clear);
}

static Round *round_new(const char *what, const GPtrArray *pipes)
{
    Round *round = g_rc_box_new0(Round);
    round->what = what;
    round->names = g_new0(char *, pipes->len + 1);
    for (guint i = 0; i < pipes->len; i++)
        round->names[i] = g_strdup(((const ViewPipe *)pipes->pdata[i])->name);
    round->failures = g_string_new(NULL);
    return round;
}

static void answered(Ui *ui, const GError *error, int tag, void *data)
{
    Round *round = data;
    const char *name = round->names[tag];
    round->waiting--;
    if (error) {
        round->failed++;
        g_string_append_printf(round->failures, "%s%s: %s", round->failures->len ? "; " : "", name, error->message);
    }
    if (!round->waiting && round->failed)
        ui_say(ui, STYLE_LOST, NULL, "%s was refused by %u of %u: %s", round->what, round->failed,
               g_strv_length(round->names), round->failures->str);
}

static void send_all(Ui *ui, Round *round)
{
    round->waiting = g_strv_length(round->names);
    for (guint i = 0; round->names[i]; i++) {
        json_t *request = protocol_request(round->what);
        json_object_set_new(request, "name", json_string(round->names[i]));
        ui_request_with(ui, request, answered, (int)i, g_rc_box_acquire(round), round_release);
    }
}

static void confirmed(Ui *ui, int choice, void *data)
{
    Round *round = data;
    (void)choice;
    g_autofree char *names = g_strjoinv(", ", round->names);
    ui_say(ui, STYLE_TEXT, NULL, "%s: %s.", g_str_equal(round->what, "drop") ? "Dropping" : "Loaded again", names);
    send_all(ui, round);
}

/* ---- Which of them ---- */

static bool concerned(const ViewPipe *pipe, KeyAction action, bool resumes)
{
    return action_possible(pipe, action) && (action != ACTION_PAUSE || action_resumes(pipe) == resumes);
}

/* Where some can be paused these are, and what is paused already is left alone. */
static bool all_resume(const GPtrArray *pipes)
{
    for (guint i = 0; i < pipes->len; i++)
        if (concerned(pipes->pdata[i], ACTION_PAUSE, false))
            return false;
    return true;
}

static GPtrArray *pick(const GPtrArray *pipes, KeyAction action, bool resumes, bool wanted)
{
    GPtrArray *some = g_ptr_array_new();
    for (guint i = 0; i < pipes->len; i++)
        if (concerned(pipes->pdata[i], action, resumes) == wanted)
            g_ptr_array_add(some, pipes->pdata[i]);
    return some;
}

/* "orders (Paused), crm (Failed)"; free with g_free. */
static char *with_states(const GPtrArray *pipes)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < pipes->len; i++) {
        const ViewPipe *pipe = pipes->pdata[i];
        g_string_append_printf(text, "%s%s (%s)", i ? ", " : "", pipe->name, pipe->state ? pipe->state : "?");
    }
    return g_string_free(text, FALSE);
}

/* Behind what is said of those that are concerned. */
static char *left_alone(const GPtrArray *pipes)
{
    g_autofree char *list = with_states(pipes);
    return pipes->len ? g_strdup_printf(" Left as they are: %s.", list) : g_strdup("");
}

/* ---- What is said of them ---- */

/* A loop of the shell, where one pipe would have one command. */
static char *command_for(const Ui *ui, const Round *round, const char *options)
{
    g_autofree char *names = g_strjoinv(" ", round->names);
    g_autofree char *one = action_command(ui, "%s $pipe%s", round->what, options);
    return g_strdup_printf("for pipe in %s; do %s; done", names, one);
}

static int64_t rows_of(const ViewPipe *pipe)
{
    int64_t n = 0;
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        n += MAX(pipe->tables[i].rows_estimate, 0);
    return n;
}

static void list_pipes(Dialog *dialog, const GPtrArray *pipes)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    char rows[FORMAT_MAX];
    for (guint i = 0; i < pipes->len; i++) {
        const ViewPipe *pipe = pipes->pdata[i];
        g_ptr_array_add(lines, g_strdup_printf("%s · %s · %u table%s, ~%s rows", pipe->name,
                                               pipe->state ? pipe->state : "?", pipe->n_tables,
                                               pipe->n_tables == 1 ? "" : "s", format_count(rows, rows_of(pipe))));
    }
    dialog_set_list(dialog, lines);
}

static bool any_anew(const GPtrArray *pipes)
{
    for (guint i = 0; i < pipes->len; i++)
        if (action_begins_anew(pipes->pdata[i]))
            return true;
    return false;
}

static void ask_resync(Ui *ui, const GPtrArray *pipes, const char *others)
{
    Round *round = round_new("resync", pipes);
    g_autofree char *title = g_strdup_printf("Resync %u pipes", pipes->len), *command = command_for(ui, round, "");
    g_autofree char *text = g_strdup_printf(
        "All tables of these pipes are loaded again beside what is there. Readers keep the old data until "
        "old and new are exchanged in one step.%s%s",
        any_anew(pipes) ? " Those that are Failed or Completed begin anew at the end of their source's log." : "",
        others);
    Dialog *dialog = dialog_choice(title, text, command);
    list_pipes(dialog, pipes);
    dialog_add_choice(dialog, 'y', "y", "resync all of these");
    ui_ask(ui, dialog, confirmed, round, round_release);
}

/* The number is typed with the word: what is listed was looked at. */
static void ask_drop(Ui *ui, const GPtrArray *pipes)
{
    Round *round = round_new("drop", pipes);
    g_autofree char *title = g_strdup_printf("Drop %u pipes", pipes->len), *command = command_for(ui, round, " --yes");
    g_autofree char *typed = g_strdup_printf("drop %u pipes", pipes->len);
    Dialog *dialog = dialog_name(
        title,
        "Replication of these ends, and their positions are forgotten: they cannot go on from there again. Their "
        "destination tables and the rows in them stay as they are.",
        command, typed);
    list_pipes(dialog, pipes);
    ui_ask(ui, dialog, confirmed, round, round_release);
}

/* What is harmless is done at once. */
static void run_now(Ui *ui, const GPtrArray *pipes, KeyAction action, bool resumes, const char *others)
{
    const char *what = action == ACTION_PAUSE   ? resumes ? "resume" : "pause"
                       : action == ACTION_RETRY ? "retry"
                                                : "cancel";
    Round *round = round_new(what, pipes);
    g_autofree char *names = g_strjoinv(", ", round->names), *command = command_for(ui, round, "");
    if (action == ACTION_RETRY)
        ui_say(ui, STYLE_TEXT, command, "Try %s again now.%s", names, others);
    else if (action == ACTION_CANCEL_RESYNC)
        ui_say(ui, STYLE_TEXT, command,
               "The resyncs of %s are given up: what was loaded for them goes, the tables stay as they are.%s", names,
               others);
    else if (resumes)
        ui_say(ui, STYLE_TEXT, command, "Resume %s: they go on where they were.%s", names, others);
    else
        ui_say(ui, STYLE_TEXT, command, "Pause %s: reading stops, their positions are kept.%s", names, others);
    send_all(ui, round);
    round_release(round);
}

bool action_run_pipes(Ui *ui, const GPtrArray *pipes, KeyAction action)
{
    if (!action_is_ours(action))
        return false;
    bool resumes = action == ACTION_PAUSE && all_resume(pipes);
    g_autoptr(GPtrArray) some = pick(pipes, action, resumes, true), others = pick(pipes, action, resumes, false);
    g_autofree char *left = left_alone(others), *states = with_states(others);
    if (!pipes->len)
        return true;
    if (pipes->len == 1 || some->len == 1)
        return action_run(ui, some->len ? some->pdata[0] : pipes->pdata[0], action);
    if (!some->len)
        ui_say(ui, STYLE_TEXT, NULL, "There is nothing of that to do: %s.", states);
    else if (action == ACTION_RESYNC)
        ask_resync(ui, some, left);
    else if (action == ACTION_DROP)
        ask_drop(ui, some);
    else
        run_now(ui, some, action, resumes, left);
    return true;
}
