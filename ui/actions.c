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

bool action_resumes(const ViewPipe *pipe)
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

/* Tables come and go. */
static bool editable(const ViewPipe *pipe)
{
    static const char *const states[] = {"Snapshot", "Running", "Paused", NULL};
    return state_is(pipe, states);
}

bool action_possible(const ViewPipe *pipe, KeyAction action)
{
    if (!pipe)
        return false;
    bool failed = g_strcmp0(pipe->state, "Failed") == 0;
    switch (action) {
    case ACTION_PAUSE:
        return pausable(pipe) || action_resumes(pipe);
    case ACTION_RETRY:
        return failed || pipe->stalled || pipe->n_tables_failed;
    case ACTION_RESYNC:
        return resyncable(pipe);
    case ACTION_CANCEL_RESYNC:
        return resyncing(pipe);
    case ACTION_REMOVE:
        return editable(pipe) && pipe->n_tables > 1;
    case ACTION_ADD_TABLES:
        return editable(pipe);
    case ACTION_SKIP:
        return failed && pipe->error && pipe->error->oldest_log;
    case ACTION_VERIFY:
        return g_strcmp0(pipe->state, "Running") == 0 && g_strcmp0(pipe->mode, "full") == 0;
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
    bool resume = action_resumes(pipe);
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
        "table%s rows stay as they are.",
        pipe->name, pipe->n_tables, pipe->n_tables == 1 ? " and its" : "s and their");
    ui_ask(ui, dialog_name(title, text, command, pipe->name), drop_confirmed, g_strdup(pipe->name), g_free);
}

/* What was asked about; borrowed names would not outlive the question. */
typedef struct {
    char *pipe;
    char **tables; /* NULL: all */
} Asked;

static Asked *asked_new(const ViewPipe *pipe, const GPtrArray *tables)
{
    Asked *asked = g_new0(Asked, 1);
    asked->pipe = g_strdup(pipe->name);
    if (!tables)
        return asked;
    asked->tables = g_new0(char *, tables->len + 1);
    for (guint i = 0; i < tables->len; i++)
        asked->tables[i] = g_strdup(((const ViewTable *)tables->pdata[i])->source);
    return asked;
}

static void asked_free(void *data)
{
    Asked *asked = data;
    g_free(asked->pipe);
    g_strfreev(asked->tables);
    g_free(asked);
}

static json_t *request_for_asked(const char *what, const Asked *asked)
{
    json_t *request = request_for(what, asked->pipe), *tables = json_array();
    for (char **table = asked->tables; table && *table; table++)
        json_array_append_new(tables, json_string(*table));
    if (asked->tables)
        json_object_set_new(request, "tables", tables);
    else
        json_decref(tables);
    return request;
}

/* "shop.orders", "3 tables", or the pipe. Free with g_free. */
static char *asked_name(const Asked *asked)
{
    guint n = asked->tables ? g_strv_length(asked->tables) : 0;
    return n == 0 ? g_strdup(asked->pipe) : n == 1 ? g_strdup(asked->tables[0]) : g_strdup_printf("%u tables", n);
}

/* ` --table shop.orders --table shop.items`, each after `before`. Free with g_free. */
static char *table_words(const GPtrArray *tables, const char *before)
{
    GString *words = g_string_new(NULL);
    for (guint i = 0; i < tables->len; i++) {
        g_autofree char *word = action_word(((const ViewTable *)tables->pdata[i])->source);
        g_string_append_printf(words, " %s%s", before, word);
    }
    return g_string_free(words, FALSE);
}

/* Several are listed with their rows; one stands in the title. */
static void list_tables(Dialog *dialog, const GPtrArray *tables)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    char rows[FORMAT_MAX];
    for (guint i = 0; i < tables->len; i++) {
        const ViewTable *table = tables->pdata[i];
        g_ptr_array_add(lines, table->rows_estimate >= 0 ? g_strdup_printf("%s · ~%s rows", table->source,
                                                                           format_count(rows, table->rows_estimate))
                                                         : g_strdup(table->source));
    }
    if (tables->len > 1)
        dialog_set_list(dialog, lines);
}

static void resync_confirmed(Ui *ui, int choice, void *data)
{
    const Asked *asked = data;
    g_autofree char *name = asked_name(asked);
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "%s %s loaded again.", name, asked->tables && asked->tables[1] ? "are" : "is");
    ui_request(ui, request_for_asked("resync", asked), NULL, answered, 0);
}

bool action_begins_anew(const ViewPipe *pipe)
{
    static const char *const states[] = {"Failed", "Completed", NULL};
    return state_is(pipe, states);
}

/* What becomes of the changes meanwhile. */
static const char *resync_meanwhile(const ViewPipe *pipe, bool some_tables)
{
    if (!action_begins_anew(pipe))
        return " Changes go on being applied meanwhile.";
    return some_tables
               ? " The pipe begins anew at the end of the source's log: what the other tables missed in between stays "
                 "missing, and "
                 "they are marked so."
               : " The pipe begins anew at the end of the source's log: what happened in between comes with the load.";
}

static char *resync_what(const ViewPipe *pipe, const GPtrArray *tables)
{
    guint n = tables ? tables->len : pipe->n_tables;
    if (n == 1)
        return g_strdup(tables ? "The table is" : "Its table is");
    return tables ? g_strdup_printf("These %u tables are", n) : g_strdup_printf("All %u tables are", n);
}

/* `tables`: const ViewTable *; NULL: all. */
static void run_resync(Ui *ui, const ViewPipe *pipe, const GPtrArray *tables)
{
    char rows[FORMAT_MAX];
    int64_t n = 0;
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        if (!tables || g_ptr_array_find((GPtrArray *)tables, &pipe->tables[i], NULL))
            n += MAX(pipe->tables[i].rows_estimate, 0);
    Asked *asked = asked_new(pipe, tables);
    g_autofree char *name = asked_name(asked), *title = g_strdup_printf("Resync %s", name);
    g_autofree char *words = tables ? table_words(tables, "--table ") : g_strdup("");
    g_autofree char *command = action_command(ui, "resync %s%s", pipe->name, words), *what = resync_what(pipe, tables);
    g_autofree char *text = g_strdup_printf("%s loaded again, some %s rows, beside what is there. Readers keep the old "
                                            "data until old and new are exchanged in one step.%s",
                                            what, format_count(rows, n), resync_meanwhile(pipe, tables != NULL));
    Dialog *dialog = dialog_choice(title, text, command);
    if (tables)
        list_tables(dialog, tables);
    dialog_add_choice(dialog, 'y', "y", "resync");
    ui_ask(ui, dialog, resync_confirmed, asked, asked_free);
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
    g_autofree char *name = asked_name(asked);
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "%s %s %s.", name, asked->tables[1] ? "leave" : "leaves", asked->pipe);
    ui_request(ui, request_for_asked("tables_remove", asked), NULL, answered, 0);
}

static void run_remove(Ui *ui, const ViewPipe *pipe, const GPtrArray *tables)
{
    Asked *asked = asked_new(pipe, tables);
    const ViewTable *first = tables->pdata[0];
    g_autofree char *name = asked_name(asked), *title = g_strdup_printf("Remove %s", name);
    g_autofree char *words = table_words(tables, "");
    g_autofree char *command = action_command(ui, "tables %s remove%s --yes", pipe->name, words);
    g_autofree char *typed = tables->len == 1 ? g_strdup(first->source) : g_strdup_printf("remove %s", name);
    g_autofree char *text =
        tables->len == 1
            ? g_strdup_printf(
                  "%s is not followed any more. Its destination table %s and its rows stay as they are. Added again "
                  "it is loaded anew, into another table or after that one was dropped.",
                  first->source, first->target ? first->target : "?")
            : g_strdup_printf("These are not followed any more by %s. Their destination tables and rows stay as they "
                              "are. Added again they "
                              "are loaded anew, into other tables or after those were dropped.",
                              pipe->name);
    Dialog *dialog = dialog_name(title, text, command, typed);
    list_tables(dialog, tables);
    ui_ask(ui, dialog, remove_confirmed, asked, asked_free);
}

/* Of tables only those are tried again that failed. */
static void run_retry_tables(Ui *ui, const ViewPipe *pipe, const GPtrArray *tables)
{
    g_autoptr(GPtrArray) failed = g_ptr_array_new();
    for (guint i = 0; i < tables->len; i++)
        if (g_strcmp0(((const ViewTable *)tables->pdata[i])->state, "failed") == 0)
            g_ptr_array_add(failed, tables->pdata[i]);
    if (!failed->len) {
        ui_say(ui, STYLE_TEXT, NULL, "None of the marked tables has failed: there is nothing to try again.");
        return;
    }
    Asked *asked = asked_new(pipe, failed);
    g_autofree char *name = asked_name(asked), *words = table_words(failed, "--table ");
    g_autofree char *command = action_command(ui, "retry %s%s", pipe->name, words);
    ui_say(ui, STYLE_TEXT, command, "Try %s of %s again now.", name, pipe->name);
    ui_request(ui, request_for_asked("retry", asked), NULL, answered, 0);
    asked_free(asked);
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
    case ACTION_ADD_TABLES:
        return "tables are added while Running, Snapshot or Paused";
    default:
        return "nothing is wrong with it";
    }
}

void action_refused(Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    if (pipe)
        ui_say(ui, STYLE_TEXT, NULL, "%s is %s: %s.", pipe->name, pipe->state ? pipe->state : "?",
               why_not(pipe, action));
}

bool action_run_tables(Ui *ui, const ViewPipe *pipe, const GPtrArray *tables, KeyAction action)
{
    bool ours = action == ACTION_RESYNC || action == ACTION_REMOVE || action == ACTION_RETRY;
    if (!ours || !pipe || !tables->len || !action_possible(pipe, action))
        return action_run(ui, pipe, action);
    if (action == ACTION_RESYNC)
        run_resync(ui, pipe, tables);
    else if (action == ACTION_REMOVE)
        run_remove(ui, pipe, tables);
    else
        run_retry_tables(ui, pipe, tables);
    return true;
}

bool action_run_table(Ui *ui, const ViewPipe *pipe, const ViewTable *table, KeyAction action)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    if (table && action != ACTION_RETRY)
        g_ptr_array_add(tables, (gpointer)table);
    return action_run_tables(ui, pipe, tables, action);
}

bool action_is_ours(KeyAction action)
{
    static const KeyAction ours[] = {ACTION_PAUSE,  ACTION_RETRY,         ACTION_DROP,  ACTION_INCIDENT,
                                     ACTION_RESYNC, ACTION_CANCEL_RESYNC, ACTION_REMOVE};
    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
        if (action == ours[i])
            return true;
    return false;
}

bool action_run(Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    if (!action_is_ours(action))
        return false;
    if (!pipe)
        return true;
    if (!action_possible(pipe, action)) {
        action_refused(ui, pipe, action);
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
