/* screen_new.c - a new pipe: a form, live findings of the preflight beside it, and the source's tables to choose from.
 *
 * Nothing is created before every finding is good, or a warning was knowingly accepted. The engine checks; this screen
 * asks it half a second after the last key.
 */
#include <string.h>

#include "base/clock.h"
#include "base/url.h"
#include "control/protocol.h"
#include "findings.h"
#include "picker.h"
#include "screen.h"

#define CALM_USEC   (G_USEC_PER_SEC / 2) /* without a key, before the engine is asked */
#define AGAIN_USEC  (4 * G_USEC_PER_SEC) /* while something is to be mended, which happens elsewhere */
#define LABEL_COLS  13
#define FIELDS_ROWS 7
#define WIDE_COLS   110 /* from here on the findings stand on the right */

typedef enum {
    FIELD_NAME,
    FIELD_SOURCE,
    FIELD_SECRET_KIND,
    FIELD_SECRET,
    FIELD_DEST,
    FIELD_MODE,
    FIELD_SETTINGS,
    FIELD_TABLES,
    N_FIELDS
} Field;

static const char *const modes[] = {"full", "snapshot", "cdc"};
static const struct {
    const char *word, *param, *hint;
} secrets[] = {
    {"in the URL", NULL, "none, or after the user: mysql://USER:PASSWORD@HOST"},
    {"from file", "password-file", "path of a file that holds nothing else"},
    {"from env", "password-env", "name of a variable in the engine's environment"},
    {"from command", "password-command", "shell command that prints it"},
};

typedef struct {
    Screen screen;
    Field focus;
    LineEdit name, source, secret, dest;
    unsigned secret_kind, mode;
    json_t *settings; /* name -> value, those that were changed */
    Picker picker;
    char *tables_of;    /* the source URL they were asked for */
    char *tables_error; /* why there are none */
    bool tables_asked;
    int tables_asked_at; /* the generation then */
    GPtrArray *findings; /* Finding */
    char *check_error;
    bool checking, check_fresh; /* asked; answered for what the form says now */
    int generation;             /* of the form's content: an answer to an older one is not news */
    bool creating;
} NewScreen;

enum { TAG_ACCEPTED = 1 };

static NewScreen *self(Screen *screen)
{
    return (NewScreen *)screen;
}

/* -- what the form says -- */

static char *source_url(const NewScreen *form)
{
    const char *url = form->source.text->str, *param = secrets[form->secret_kind].param;
    if (!param || !form->secret.text->len)
        return g_strdup(url);
    g_autofree char *value = g_uri_escape_string(form->secret.text->str, "/", FALSE);
    bool path = strstr(url, "://") && strchr(strstr(url, "://") + 3, '/');
    return g_strdup_printf("%s%s%s=%s", url, strchr(url, '?') ? "&" : path ? "?" : "/?", param, value);
}

/* Those of the settings' page, and what the chosen tables need. New reference. */
static json_t *all_settings(const NewScreen *form)
{
    json_t *settings = json_copy(form->settings), *more = picker_settings(&form->picker);
    json_object_update(settings, more);
    json_decref(more);
    return settings;
}

static json_t *request_of(const NewScreen *form, const char *what)
{
    json_t *request = protocol_request(what);
    g_autofree char *source = source_url(form);
    json_object_set_new(request, "source", json_string(source));
    json_object_set_new(request, "dest", json_string(form->dest.text->str));
    json_object_set_new(request, "tables", picker_names(&form->picker));
    json_object_set_new(request, "exclude", json_array());
    json_object_set_new(request, "mode", json_string(modes[form->mode]));
    json_object_set_new(request, "settings", all_settings(form));
    return request;
}

/* "batch_age=5s", each after `before`, as words of a shell where they are to be. Free with g_free. */
static char *settings_text(const NewScreen *form, const char *before, bool words)
{
    GString *text = g_string_new(NULL);
    json_t *settings = all_settings(form), *value;
    const char *name;
    json_object_foreach(settings, name, value)
    {
        g_autofree char *pair = g_strdup_printf("%s=%s", name, json_string_value(value));
        g_autofree char *word = words ? action_word(pair) : g_strdup(pair);
        g_string_append_printf(text, "%s%s", before, word);
    }
    json_decref(settings);
    return g_string_free(text, FALSE);
}

static char *command_of(const NewScreen *form, const Ui *ui)
{
    g_autofree char *url = source_url(form), *shown = url_redact(url), *shown_dest = url_redact(form->dest.text->str);
    g_autofree char *list = picker_text(&form->picker, ",");
    g_autofree char *name = action_word(*form->name.text->str ? form->name.text->str : "NAME");
    g_autofree char *source = action_word(shown), *dest = action_word(shown_dest);
    g_autofree char *tables = *list ? action_word(list) : g_strdup("LIST");
    g_autofree char *settings = settings_text(form, " --set ", true);
    return action_command(ui, "create %s --source %s --dest %s --tables %s%s%s%s", name, source, dest, tables,
                          form->mode ? " --mode " : "", form->mode ? modes[form->mode] : "", settings);
}

/* -- asking the engine -- */

/* The operator mends things in another window: the form finds out by itself. */
static void look_again(NewScreen *form)
{
    if (!form->screen.wake_at)
        form->screen.wake_at = clock_monotonic_usec() + AGAIN_USEC;
}

static void got_tables(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    NewScreen *form = self(owner);
    (void)ui;
    if (tag != form->tables_asked_at)
        return; /* of a source that was typed over since */
    form->tables_asked = false;
    g_clear_pointer(&form->tables_error, g_free);
    if (error) {
        form->tables_error = g_strdup(error->message);
        picker_take(&form->picker, NULL);
        look_again(form);
        return;
    }
    picker_take(&form->picker, json_object_get(answer, "tables"));
}

static void got_checks(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    NewScreen *form = self(owner);
    (void)ui;
    if (tag != form->generation)
        return;
    form->checking = false;
    form->check_fresh = true;
    g_clear_pointer(&form->check_error, g_free);
    findings_take(form->findings, answer);
    if (error && !form->findings->len)
        form->check_error = g_strdup(error->message);
    if (error || findings_count(form->findings, "fail"))
        look_again(form);
}

static void form_tick(Screen *screen, Ui *ui, int64_t now)
{
    NewScreen *form = self(screen);
    (void)now;
    if (!form->source.text->len)
        return;
    g_autofree char *url = source_url(form);
    if (g_strcmp0(url, form->tables_of) != 0 || (form->tables_error && !form->tables_asked)) {
        g_free(form->tables_of);
        form->tables_of = g_strdup(url);
        form->tables_asked = true;
        form->tables_asked_at = form->generation;
        json_t *request = protocol_request("source_tables");
        json_object_set_new(request, "source", json_string(url));
        ui_request(ui, request, screen, got_tables, form->generation);
    }
    if (!picker_chosen(&form->picker)) {
        /* Without tables there is nothing to check but that the source answers, and that was asked. */
        g_ptr_array_set_size(form->findings, 0);
        g_clear_pointer(&form->check_error, g_free);
        return;
    }
    form->checking = !form->check_fresh; /* looked at again: what was found stays until then */
    ui_request(ui, request_of(form, "check"), screen, got_checks, form->generation);
}

/* Something in the form changed: what was found is old. */
static void changed(NewScreen *form)
{
    form->generation++;
    form->check_fresh = form->checking = false;
    form->screen.wake_at = clock_monotonic_usec() + CALM_USEC;
}

static void created(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    NewScreen *form = self(owner);
    (void)tag;
    form->creating = false;
    if (!error) {
        g_autofree char *command = command_of(form, ui);
        ui_say(ui, STYLE_TEXT, command, "%s was created.", form->name.text->str);
        ui_pop(ui);
        return;
    }
    if (answer && json_array_size(json_object_get(answer, "checks"))) {
        findings_take(form->findings, answer);
        form->check_fresh = true;
    }
    ui_say(ui, STYLE_LOST, NULL, "Not created: %s", error->message);
}

static void send_create(Ui *ui, NewScreen *form)
{
    json_t *request = request_of(form, "create");
    json_object_set_new(request, "name", json_string(form->name.text->str));
    form->creating = true;
    ui_request(ui, request, &form->screen, created, 0);
}

static void accepted(Ui *ui, int choice, void *data)
{
    (void)choice;
    send_create(ui, data); /* the form is below the question: it cannot have been closed */
}

static void create(Ui *ui, NewScreen *form)
{
    unsigned failed = findings_count(form->findings, "fail"), warned = findings_count(form->findings, "warn");
    if (form->creating)
        return;
    if (!form->name.text->len || !form->source.text->len || !form->dest.text->len)
        ui_say(ui, STYLE_WAIT, NULL, "A pipe needs a name, a source and a destination.");
    else if (!picker_chosen(&form->picker))
        ui_say(ui, STYLE_WAIT, NULL, "No table is chosen yet: tab to the list, space chooses.");
    else if (!form->check_fresh)
        ui_say(ui, STYLE_WAIT, NULL, "Both ends are being checked; a moment.");
    else if (form->check_error)
        ui_say(ui, STYLE_LOST, NULL, "%s", form->check_error);
    else if (failed)
        ui_say(ui, STYLE_LOST, NULL, "%u finding%s to be mended first; nothing was created.", failed,
               failed == 1 ? " is" : "s are");
    else if (warned) {
        g_autofree char *known = findings_text(form->findings, "warn");
        g_autofree char *text = g_strdup_printf("Create %s knowing this: %s", form->name.text->str, known);
        g_autofree char *command = command_of(form, ui);
        Dialog *dialog = dialog_choice("Create", text, command);
        dialog_add_choice(dialog, 'y', "y", "create it");
        ui_ask(ui, dialog, accepted, form, NULL);
    } else {
        send_create(ui, form);
    }
}

/* -- drawing -- */

static void draw_label(const NewScreen *form, Canvas *canvas, int row, Field field, const char *label)
{
    bool here = form->focus == field || (field == FIELD_SECRET_KIND && form->focus == FIELD_SECRET);
    if (here)
        canvas_text(canvas, row, 0, 1, STYLE_TITLE, "▸");
    canvas_text(canvas, row, 1, LABEL_COLS - 1, here ? STYLE_TITLE : STYLE_DIM, label);
}

static void draw_modes(const NewScreen *form, Canvas *canvas, int row, int width)
{
    int col = LABEL_COLS;
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        bool chosen = form->mode == i;
        Style style = chosen && form->focus == FIELD_MODE ? STYLE_MARK : STYLE_TEXT;
        col += canvas_printf(canvas, row, col, width - (col - LABEL_COLS), style, "(%s) %s", chosen ? "•" : " ",
                             modes[i]) +
               2;
    }
}

static void draw_fields(NewScreen *form, Canvas *canvas, int row, int end)
{
    int width = end - LABEL_COLS, kind_width = 14;
    g_autofree char *source = url_redact(form->source.text->str), *dest = url_redact(form->dest.text->str);
    draw_label(form, canvas, row, FIELD_NAME, "Name");
    line_edit_draw(&form->name, canvas, row, LABEL_COLS, MIN(width, 40), form->focus == FIELD_NAME, NULL);
    draw_label(form, canvas, row + 1, FIELD_SOURCE, "Source");
    line_edit_draw(&form->source, canvas, row + 1, LABEL_COLS, width, form->focus == FIELD_SOURCE, source);
    draw_label(form, canvas, row + 2, FIELD_SECRET_KIND, "Password");
    canvas_text(canvas, row + 2, LABEL_COLS, kind_width, form->focus == FIELD_SECRET_KIND ? STYLE_MARK : STYLE_TEXT,
                secrets[form->secret_kind].word);
    if (form->secret_kind)
        line_edit_draw(&form->secret, canvas, row + 2, LABEL_COLS + kind_width, width - kind_width,
                       form->focus == FIELD_SECRET, form->secret.text->len ? NULL : secrets[form->secret_kind].hint);
    else
        canvas_text(canvas, row + 2, LABEL_COLS + kind_width, width - kind_width, STYLE_DIM, secrets[0].hint);
    draw_label(form, canvas, row + 3, FIELD_DEST, "Destination");
    line_edit_draw(&form->dest, canvas, row + 3, LABEL_COLS, width, form->focus == FIELD_DEST, dest);
    draw_label(form, canvas, row + 4, FIELD_MODE, "Mode");
    draw_modes(form, canvas, row + 4, width);
    g_autofree char *settings = settings_text(form, "  ", false);
    draw_label(form, canvas, row + 5, FIELD_SETTINGS, "Settings");
    canvas_text(canvas, row + 5, LABEL_COLS, width,
                form->focus == FIELD_SETTINGS ? STYLE_MARK
                : *settings                   ? STYLE_TEXT
                                              : STYLE_DIM,
                *settings ? settings + 2 : "the defaults; space shows and changes them");
}

static void draw_findings(const NewScreen *form, Canvas *canvas, int row, int col, int width, int rows)
{
    int end = row + rows;
    unsigned ok = findings_count(form->findings, "ok"), warn = findings_count(form->findings, "warn"),
             fail = findings_count(form->findings, "fail");
    canvas_text(canvas, row, col, width, STYLE_DIM, "CHECKS");
    g_autofree char *sum = form->checking       ? g_strdup("checking both ends")
                           : form->check_error  ? g_strdup("")
                           : !form->check_fresh ? g_strdup("")
                                                : g_strdup_printf("%u ok · %u to know · %u to mend", ok, warn, fail);
    canvas_text_right(canvas, row++, col, width, fail ? STYLE_LOST : warn ? STYLE_WAIT : STYLE_TEXT, sum);
    if (form->check_error) {
        canvas_text(canvas, row, col, 1, STYLE_LOST, "✖");
        row += canvas_wrapped(canvas, row, col + 2, width - 2, end - row, STYLE_LOST, form->check_error);
    } else if (!form->findings->len) {
        canvas_wrapped(canvas, row, col, width, end - row, STYLE_DIM,
                       form->tables_error ? "The source has to be reached first, see below."
                       : form->picker.tables->len
                           ? "Both ends are checked as soon as a table is chosen."
                           : "Both ends are checked when the source is known and a table chosen.");
    }
    findings_draw(form->findings, canvas, row, end, col, width);
}

static void draw_tables(NewScreen *form, Canvas *canvas, int row, int bottom, int end)
{
    const char *why = form->tables_asked   ? "asking the source for its tables"
                      : form->tables_error ? form->tables_error
                      : form->tables_of    ? "the source has no tables that this user may read"
                                           : "the source's tables are listed here once it is reached";
    picker_draw(&form->picker, canvas, row, bottom, end, form->focus == FIELD_TABLES,
                form->tables_error && !form->tables_asked ? STYLE_LOST : STYLE_DIM, why);
}

static void form_draw(Screen *screen, const Ui *ui, Canvas *canvas)
{
    NewScreen *form = self(screen);
    part_head(ui, canvas, "new pipe", form->creating ? "creating" : NULL, STYLE_TITLE, NULL);
    bool wide = canvas->cols >= WIDE_COLS;
    int end = wide ? canvas->cols / 2 + 6 : canvas->cols - 1, row = SCREEN_HEAD;
    int bottom = canvas->rows - SCREEN_FOOT;
    if (canvas->rows >= 20) { /* the command that does the same, growing as one types */
        g_autofree char *command = command_of(form, ui), *line = g_strdup_printf("$ %s", command);
        int rows = MIN(canvas_wrapped_rows(canvas, canvas->cols - 2, line), wide ? 3 : 2);
        bottom -= rows;
        canvas_wrapped(canvas, bottom, 1, canvas->cols - 2, rows, STYLE_DIM, line);
        canvas_rule(canvas, --bottom);
    }
    draw_fields(form, canvas, row, end);
    row += FIELDS_ROWS;
    if (wide) {
        for (int r = SCREEN_HEAD; r < bottom; r++)
            canvas_text(canvas, r, end + 1, 1, STYLE_DIM, "│");
        draw_findings(form, canvas, SCREEN_HEAD, end + 3, canvas->cols - end - 4, bottom - SCREEN_HEAD);
    } else {
        /* Room for what one looks at: the list gets what it needs, or half. */
        int room = bottom - row, half = room / 2, list = MAX((int)form->picker.shown->len, 3) + 2;
        int rows = CLAMP(room - list, form->focus == FIELD_TABLES ? MIN(half, 4) : half, MAX(room - 3, 1));
        draw_findings(form, canvas, row, 1, canvas->cols - 2, rows);
        row += rows;
    }
    draw_tables(form, canvas, row, bottom, end);
}

/* -- keys -- */

static LineEdit *edited(NewScreen *form)
{
    switch (form->focus) {
    case FIELD_NAME:
        return &form->name;
    case FIELD_SOURCE:
        return &form->source;
    case FIELD_SECRET:
        return &form->secret;
    case FIELD_DEST:
        return &form->dest;
    default:
        return NULL;
    }
}

static void move_focus(NewScreen *form, int step)
{
    do
        form->focus = (Field)(((int)form->focus + step + N_FIELDS) % N_FIELDS);
    while (form->focus == FIELD_SECRET && !form->secret_kind);
}

static void choose_option(NewScreen *form, int step)
{
    if (form->focus == FIELD_MODE)
        form->mode = (form->mode + G_N_ELEMENTS(modes) + (unsigned)step) % G_N_ELEMENTS(modes);
    else
        form->secret_kind = (form->secret_kind + G_N_ELEMENTS(secrets) + (unsigned)step) % G_N_ELEMENTS(secrets);
    changed(form);
}

static bool list_key(NewScreen *form, int key)
{
    static const struct {
        int key;
        KeyAction action;
    } moves[] = {
        {KEYCODE_UP, ACTION_UP},           {'k', ACTION_UP},
        {KEYCODE_DOWN, ACTION_DOWN},       {'j', ACTION_DOWN},
        {KEYCODE_HOME, ACTION_HOME},       {'g', ACTION_HOME},
        {KEYCODE_END, ACTION_END},         {'G', ACTION_END},
        {KEYCODE_PAGE_UP, ACTION_PAGE_UP}, {KEYCODE_PAGE_DOWN, ACTION_PAGE_DOWN},
    };
    if (key == KEYCODE_UP && form->picker.cursor.cursor == 0)
        return false; /* out of the list, to the field above */
    for (gsize i = 0; i < G_N_ELEMENTS(moves); i++)
        if (moves[i].key == key)
            return table_move(&form->picker.cursor, moves[i].action, (int)form->picker.shown->len, form->picker.page);
    return false;
}

static void settings_changed(Screen *screen)
{
    changed(self(screen));
}

static bool form_key(Screen *screen, Ui *ui, int key)
{
    NewScreen *form = self(screen);
    LineEdit *edit = edited(form);
    bool taken;
    if (form->focus == FIELD_SETTINGS && (key == ' ' || key == KEYCODE_ENTER || key == '\n' || key == KEYCODE_RIGHT)) {
        ui_push(ui, screen_settings_draft_new(ui, form->settings, settings_changed, screen));
        return true;
    }
    if (picker_key(&form->picker, key, &taken))
        changed(form);
    if (taken)
        return true;
    if (form->focus == FIELD_TABLES)
        return list_key(form, key);
    if (edit) {
        if (key == KEYCODE_ENTER) {
            move_focus(form, 1);
            return true;
        }
        g_autofree char *before = g_strdup(edit->text->str);
        if (!line_edit_key(edit, key))
            return false;
        if (!g_str_equal(before, edit->text->str))
            changed(form);
        return true;
    }
    if (key == KEYCODE_LEFT || key == KEYCODE_RIGHT) {
        choose_option(form, key == KEYCODE_LEFT ? -1 : 1);
        return true;
    }
    return false;
}

/* What is refused may have been mended since the source was asked. */
static void say_refusal(Ui *ui, NewScreen *form, char *why_take)
{
    g_autofree char *why = why_take;
    if (!why)
        return;
    ui_say(ui, STYLE_WAIT, NULL, "%s", why);
    g_clear_pointer(&form->tables_of, g_free);
    form->screen.wake_at = clock_monotonic_usec();
}

static void choose(Ui *ui, NewScreen *form)
{
    if (form->focus != FIELD_TABLES) {
        choose_option(form, 1);
        return;
    }
    char *why;
    if (picker_toggle(&form->picker, &why))
        changed(form);
    say_refusal(ui, form, why);
}

static bool form_can(const Screen *screen, const Ui *ui, KeyAction action)
{
    const NewScreen *form = (const NewScreen *)screen;
    bool list = form->focus == FIELD_TABLES, settings = form->focus == FIELD_SETTINGS;
    bool options = form->focus == FIELD_MODE || form->focus == FIELD_SECRET_KIND;
    (void)ui;
    switch (action) {
    case ACTION_CHOOSE:
        return options || list || settings;
    case ACTION_CHOOSE_ALL:
    case ACTION_CHOOSE_SCHEMA:
    case ACTION_TARGET:
    case ACTION_FILTER:
        return list;
    case ACTION_CREATE:
        return list || options;
    case ACTION_HELP:
        return list || options || settings;
    default:
        return true;
    }
}

static bool form_act(Screen *screen, Ui *ui, KeyAction action)
{
    NewScreen *form = self(screen);
    char *why;
    switch (action) {
    case ACTION_NEXT:
    case ACTION_PREVIOUS:
        move_focus(form, action == ACTION_NEXT ? 1 : -1);
        return true;
    case ACTION_CHOOSE:
        choose(ui, form);
        return true;
    case ACTION_CHOOSE_ALL:
    case ACTION_CHOOSE_SCHEMA:
        if (form->focus == FIELD_TABLES && picker_toggle_all(&form->picker, action == ACTION_CHOOSE_SCHEMA))
            changed(form);
        return true;
    case ACTION_TARGET:
        if (form->focus != FIELD_TABLES)
            return true;
        picker_name_target(&form->picker, &why);
        say_refusal(ui, form, why);
        return true;
    case ACTION_FILTER:
        form->picker.typing = form->focus == FIELD_TABLES;
        return true;
    case ACTION_CREATE:
        create(ui, form);
        return true;
    default:
        return false;
    }
}

/* What mends the findings, a line each. */
static char *form_copy(Screen *screen, const Ui *ui, const char **what)
{
    (void)ui;
    *what = "what mends it";
    return findings_mends(self(screen)->findings);
}

static void form_free(Screen *screen)
{
    NewScreen *form = self(screen);
    line_edit_clear(&form->name);
    line_edit_clear(&form->source);
    line_edit_clear(&form->secret);
    line_edit_clear(&form->dest);
    picker_clear(&form->picker);
    json_decref(form->settings);
    g_ptr_array_unref(form->findings);
    g_free(form->tables_of);
    g_free(form->tables_error);
    g_free(form->check_error);
    g_free(form);
}

Screen *screen_new_new(const Ui *ui)
{
    static const ScreenOps ops = {.place = KEYS_NEW,
                                  .draw = form_draw,
                                  .act = form_act,
                                  .key = form_key,
                                  .can = form_can,
                                  .tick = form_tick,
                                  .copy = form_copy,
                                  .free = form_free};
    NewScreen *form = g_new0(NewScreen, 1);
    form->screen.ops = &ops;
    line_edit_init(&form->name, "");
    line_edit_init(&form->source, "mysql://");
    line_edit_init(&form->secret, "");
    /* Most pipes end where the last one does. */
    bool some = ui->view && ui->view->n_pipes && ui->view->pipes[0].dest;
    line_edit_init(&form->dest, some ? ui->view->pipes[0].dest : "embedded:");
    picker_init(&form->picker);
    form->settings = json_object();
    form->findings = findings_new();
    return &form->screen;
}
