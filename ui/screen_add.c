/* screen_add.c - more tables for a pipe: chosen from its source, checked, and added while the others go on. */
#include <string.h>

#include "control/protocol.h"
#include "findings.h"
#include "picker.h"
#include "screen.h"

typedef struct {
    Screen screen;
    char *pipe;
    Picker picker;
    bool asked;          /* for the tables; no answer came yet */
    char *failure;       /* why there are none */
    GPtrArray *findings; /* of what was to be added last; empty after a change */
    bool checking;
    int generation; /* of what is chosen: an answer to an older one is not news */
} AddScreen;

static AddScreen *self(Screen *screen)
{
    return (AddScreen *)screen;
}

/* -- asking the engine -- */

static void got_tables(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    AddScreen *screen = self(owner);
    (void)ui;
    (void)tag;
    screen->asked = false;
    g_free(screen->failure);
    screen->failure = error ? g_strdup(error->message) : NULL;
    if (!error)
        picker_take(&screen->picker, json_object_get(answer, "tables"));
}

static void ask_tables(AddScreen *screen, Ui *ui)
{
    json_t *request = protocol_request("source_tables");
    json_object_set_new(request, "name", json_string(screen->pipe));
    screen->asked = true;
    ui_request(ui, request, &screen->screen, got_tables, 0);
}

static void changed(AddScreen *screen)
{
    screen->generation++;
    screen->checking = false;
    findings_take(screen->findings, NULL);
}

static json_t *request_of(const AddScreen *screen)
{
    json_t *request = protocol_request("tables_add");
    json_object_set_new(request, "name", json_string(screen->pipe));
    json_object_set_new(request, "tables", picker_names(&screen->picker));
    return request;
}

/* "sluice set NAME shop.log:key=a,b && " where tables need keys of their own, else "". */
static char *keys_command(const AddScreen *screen, const Ui *ui)
{
    json_t *settings = picker_settings(&screen->picker), *value;
    GString *words = g_string_new(NULL);
    const char *name;
    json_object_foreach(settings, name, value)
    {
        g_autofree char *pair = g_strdup_printf("%s=%s", name, json_string_value(value)), *word = action_word(pair);
        g_string_append_printf(words, " %s", word);
    }
    g_autofree char *command = action_command(ui, "set %s%s", screen->pipe, words->str);
    char *all = words->len ? g_strdup_printf("%s && ", command) : g_strdup("");
    g_string_free(words, TRUE);
    json_decref(settings);
    return all;
}

/* A word of the shell for each table; nothing is chosen: what one would write. */
static char *command_of(const AddScreen *screen, const Ui *ui)
{
    json_t *names = picker_names(&screen->picker), *name;
    GString *words = g_string_new(NULL);
    size_t i;
    json_array_foreach(names, i, name)
    {
        g_autofree char *word = action_word(json_string_value(name));
        g_string_append_printf(words, " %s", word);
    }
    g_autofree char *keys = keys_command(screen, ui);
    g_autofree char *command = action_command(ui, "tables %s add%s", screen->pipe, words->len ? words->str : " TABLE");
    g_string_free(words, TRUE);
    json_decref(names);
    return g_strdup_printf("%s%s", keys, command);
}

static void added(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    AddScreen *screen = self(owner);
    unsigned n = picker_chosen(&screen->picker);
    (void)tag;
    screen->checking = false;
    if (error) {
        findings_take(screen->findings, answer);
        ui_say(ui, STYLE_LOST, NULL, "Not added: %s", error->message);
        return;
    }
    g_autofree char *command = command_of(screen, ui);
    ui_say(ui, STYLE_TEXT, command, "%u table%s added to %s: %s loaded while the others go on.", n,
           n == 1 ? " is" : "s are", screen->pipe, n == 1 ? "it is" : "they are");
    ui_pop(ui);
}

static void send(AddScreen *screen, Ui *ui)
{
    screen->checking = true;
    ui_request(ui, request_of(screen), &screen->screen, added, 0);
}

static void accepted(Ui *ui, int choice, void *data)
{
    (void)choice;
    send(data, ui); /* the screen is below the question: it cannot have been closed */
}

static void ask_knowing(AddScreen *screen, Ui *ui)
{
    g_autofree char *known = findings_text(screen->findings, "warn"), *command = command_of(screen, ui);
    g_autofree char *text = g_strdup_printf("Add the tables to %s knowing this: %s", screen->pipe, known);
    Dialog *dialog = dialog_choice("Add tables", text, command);
    dialog_add_choice(dialog, 'y', "y", "add them");
    ui_ask(ui, dialog, accepted, screen, NULL);
}

static void checked(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    AddScreen *screen = self(owner);
    if (tag != screen->generation)
        return;
    screen->checking = false;
    findings_take(screen->findings, answer);
    if (error)
        ui_say(ui, STYLE_LOST, NULL, "Not added: %s", error->message);
    else if (findings_count(screen->findings, "warn"))
        ask_knowing(screen, ui);
    else
        send(screen, ui);
}

static void ask_check(AddScreen *screen, Ui *ui)
{
    json_t *request = request_of(screen);
    json_object_set_new(request, "check", json_true());
    ui_request(ui, request, &screen->screen, checked, screen->generation);
}

/* The keys of tables that have none are settings of the pipe. */
static void keys_set(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    AddScreen *screen = self(owner);
    (void)answer;
    if (tag != screen->generation)
        return;
    if (!error) {
        ask_check(screen, ui);
        return;
    }
    screen->checking = false;
    ui_say(ui, STYLE_LOST, NULL, "Not added: %s", error->message);
}

static void check(AddScreen *screen, Ui *ui)
{
    if (screen->checking)
        return;
    if (!picker_chosen(&screen->picker)) {
        ui_say(ui, STYLE_WAIT, NULL, "No table is chosen yet: space chooses the one under the cursor.");
        return;
    }
    screen->checking = true;
    json_t *settings = picker_settings(&screen->picker);
    if (!json_object_size(settings)) {
        json_decref(settings);
        ask_check(screen, ui);
        return;
    }
    json_t *request = protocol_request("set");
    json_object_set_new(request, "name", json_string(screen->pipe));
    json_object_set_new(request, "settings", settings);
    ui_request(ui, request, &screen->screen, keys_set, screen->generation);
}

/* -- drawing -- */

static void add_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    AddScreen *screen = self(base);
    g_autofree char *where = g_strdup_printf("%s › add tables", screen->pipe);
    const ViewPipe *pipe = ui->view ? view_find_pipe(ui->view, screen->pipe) : NULL;
    g_autofree char *source = pipe ? part_url(pipe->source) : g_strdup("");
    int bottom = canvas->rows - SCREEN_FOOT, width = canvas->cols - 2;
    part_head(ui, canvas, where, screen->checking ? "checking" : NULL, STYLE_TITLE, NULL);
    canvas_printf(canvas, SCREEN_HEAD, 1, width, STYLE_DIM, "of %s", source);
    if (canvas->rows >= 20) { /* the command that does the same, growing as one chooses */
        g_autofree char *command = command_of(screen, ui), *line = g_strdup_printf("$ %s", command);
        int rows = MIN(canvas_wrapped_rows(canvas, width, line), 2);
        bottom -= rows;
        canvas_wrapped(canvas, bottom, 1, width, rows, STYLE_DIM, line);
        canvas_rule(canvas, --bottom);
    }
    if (screen->findings->len) {
        int rows = MIN(findings_rows(screen->findings, canvas, width), (bottom - SCREEN_HEAD) / 2);
        bottom -= rows;
        findings_draw(screen->findings, canvas, bottom, bottom + rows, 1, width);
        canvas_rule(canvas, --bottom);
    }
    picker_draw(&screen->picker, canvas, SCREEN_HEAD + 1, bottom, MIN(canvas->cols - 1, 110), true,
                screen->failure ? STYLE_LOST : STYLE_DIM,
                screen->failure ? screen->failure
                : screen->asked ? "asking the source for its tables"
                                : "the source has no tables that this user may read");
    canvas_text(canvas, SCREEN_HEAD + 1, 0, 1, STYLE_TEXT, " "); /* there is nothing else to be in */
    table_position(canvas, bottom, &screen->picker.cursor, (int)screen->picker.shown->len, screen->picker.page);
}

/* -- keys -- */

static bool add_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const AddScreen *screen = (const AddScreen *)base;
    const PickerTable *table = picker_here(&screen->picker);
    (void)ui;
    switch (action) {
    case ACTION_CHOOSE:
    case ACTION_CHOOSE_ALL:
    case ACTION_CHOOSE_SCHEMA:
    case ACTION_TARGET:
        return table != NULL;
    case ACTION_CREATE:
        return picker_chosen(&screen->picker) > 0;
    default:
        return true;
    }
}

static bool add_key(Screen *base, Ui *ui, int key)
{
    AddScreen *screen = self(base);
    bool taken;
    (void)ui;
    if (picker_key(&screen->picker, key, &taken))
        changed(screen);
    if (!taken && key == KEYCODE_ESC && picker_show_all(&screen->picker))
        return true;
    return taken;
}

static bool add_act(Screen *base, Ui *ui, KeyAction action)
{
    AddScreen *screen = self(base);
    Picker *picker = &screen->picker;
    g_autofree char *why = NULL;
    if (table_move(&picker->cursor, action, (int)picker->shown->len, picker->page))
        return true;
    switch (action) {
    case ACTION_CHOOSE:
    case ACTION_TARGET:
        if (action == ACTION_TARGET)
            picker_name_target(picker, &why);
        else if (picker_toggle(picker, &why))
            changed(screen);
        if (why) { /* it may have been mended since the source was asked */
            ui_say(ui, STYLE_WAIT, NULL, "%s", why);
            ask_tables(screen, ui);
        }
        return true;
    case ACTION_CHOOSE_ALL:
    case ACTION_CHOOSE_SCHEMA:
        if (picker_toggle_all(picker, action == ACTION_CHOOSE_SCHEMA))
            changed(screen);
        return true;
    case ACTION_FILTER:
        picker->typing = true;
        return true;
    case ACTION_CREATE:
        check(screen, ui);
        return true;
    default:
        return false;
    }
}

static CommandSubject add_subject(Screen *base, const Ui *ui)
{
    const PickerTable *table = picker_here(&self(base)->picker);
    (void)ui;
    return (CommandSubject){.pipe = self(base)->pipe, .table = table ? table->source : NULL};
}

static char *add_copy(Screen *base, const Ui *ui, const char **what)
{
    (void)ui;
    *what = "what mends it";
    return findings_mends(self(base)->findings);
}

static void add_free(Screen *base)
{
    AddScreen *screen = self(base);
    picker_clear(&screen->picker);
    g_ptr_array_unref(screen->findings);
    g_free(screen->failure);
    g_free(screen->pipe);
    g_free(screen);
}

Screen *screen_add_new(Ui *ui, const char *pipe)
{
    static const ScreenOps ops = {.place = KEYS_ADD,
                                  .draw = add_draw,
                                  .act = add_act,
                                  .key = add_key,
                                  .can = add_can,
                                  .subject = add_subject,
                                  .copy = add_copy,
                                  .free = add_free};
    AddScreen *screen = g_new0(AddScreen, 1);
    screen->screen.ops = &ops;
    screen->pipe = g_strdup(pipe);
    screen->findings = findings_new();
    picker_init(&screen->picker);
    ask_tables(screen, ui);
    return &screen->screen;
}
