/* screen_settings.c - the settings of a pipe, of the engine, or of a pipe that is not created yet: what each is, what
 * it could be, and when a change takes effect. One is changed in place; the engine checks it, and nothing is sent
 * before Enter.
 */
#include <string.h>

#include "base/clock.h"
#include "control/protocol.h"
#include "form.h"
#include "screen.h"
#include "setting_list.h"
#include "table.h"

#define ASK_AGAIN_USEC (5 * G_USEC_PER_SEC)
#define DETAIL_ROWS    3
#define NEW_ROWS       4 /* the form for a setting of a single table, and what is said of it */
#define LABEL_COLS     10
#define WIDE_COLS      130 /* from here on the meanings have a column */

typedef enum { FIELD_TABLE, FIELD_WORD, FIELD_VALUE, N_FIELDS } Field;

typedef struct {
    Screen screen;
    char *pipe;    /* NULL: of the engine alone, or of a new pipe */
    char *table;   /* where the operator came from; NULL */
    bool engine;   /* those of the engine are shown */
    json_t *draft; /* of a new pipe: name -> value, shared with its form; else NULL */
    SettingsChanged *changed;
    Screen *form;

    GPtrArray *settings, *words; /* Setting; words: of single tables, those that can be added */
    GPtrArray *shown;            /* borrowed */
    char *failure;               /* why there are none */
    char *selected;
    TableCursor cursor;
    int page;
    LineEdit filter;
    bool typing;

    /* What is edited, while `screen.ops` are those of editing. */
    bool adding; /* a setting of a table, else the one under the cursor */
    Field field;
    LineEdit new_table, value;
    unsigned word;
    char **choices; /* NULL: typed */
    unsigned choice;
    char *problem; /* what the engine said of it */
    char *sent, *sent_value;
} SettingsScreen;

static const ScreenOps listing, editing;

static SettingsScreen *self(Screen *screen)
{
    return (SettingsScreen *)screen;
}

static bool is_editing(const SettingsScreen *screen)
{
    return screen->screen.ops == &editing;
}

static const Setting *under_cursor(const SettingsScreen *screen)
{
    return screen->cursor.cursor < (int)screen->shown->len ? screen->shown->pdata[screen->cursor.cursor] : NULL;
}

/* -- asking the engine -- */

static void arrange(SettingsScreen *screen)
{
    g_ptr_array_set_size(screen->shown, 0);
    for (guint i = 0; i < screen->settings->len; i++) {
        const Setting *setting = screen->settings->pdata[i];
        if (!part_matches(screen->filter.text->str, setting->name) &&
            !part_matches(screen->filter.text->str, setting->meaning))
            continue;
        if (g_strcmp0(setting->name, screen->selected) == 0)
            screen->cursor.cursor = (int)screen->shown->len;
        g_ptr_array_add(screen->shown, (gpointer)setting);
    }
    table_keep_visible(&screen->cursor, (int)screen->shown->len, MAX(screen->page, 1));
}

static void select_cursor(SettingsScreen *screen)
{
    const Setting *setting = under_cursor(screen);
    g_free(screen->selected);
    screen->selected = g_strdup(setting ? setting->name : NULL);
}

static void take_settings(SettingsScreen *screen, const json_t *answer)
{
    g_ptr_array_set_size(screen->shown, 0); /* they point into what goes */
    g_ptr_array_unref(screen->settings);
    g_ptr_array_unref(screen->words);
    screen->settings = setting_list_new(json_object_get(answer, "settings"));
    screen->words = setting_list_new(json_object_get(answer, "table_settings"));
    arrange(screen);
}

static void got_settings(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    SettingsScreen *screen = self(owner);
    (void)ui;
    screen->screen.wake_at = clock_monotonic_usec() + ASK_AGAIN_USEC;
    if (tag != screen->engine || is_editing(screen))
        return; /* the others are looked at since; nothing moves under what is edited */
    g_clear_pointer(&screen->failure, g_free);
    if (error)
        screen->failure = g_strdup(error->message);
    else
        take_settings(screen, answer);
}

/* Takes the values that are to be set; none: they are listed. */
static json_t *request_with(const SettingsScreen *screen, json_t *settings_take)
{
    json_t *request = protocol_request("set");
    json_object_set_new(request, "settings", settings_take);
    if (screen->engine)
        json_object_set_new(request, "engine", json_true());
    else if (screen->draft)
        json_object_set_new(request, "new", json_true());
    else
        json_object_set_new(request, "name", json_string(screen->pipe));
    return request;
}

static void ask(SettingsScreen *screen, Ui *ui)
{
    json_t *values = screen->draft && !screen->engine ? json_copy(screen->draft) : json_object();
    ui_request(ui, request_with(screen, values), &screen->screen, got_settings, screen->engine);
}

/* What waits stops waiting when a table was loaded again. */
static void settings_tick(Screen *base, Ui *ui, int64_t now)
{
    SettingsScreen *screen = self(base);
    (void)now;
    screen->screen.wake_at = 0;
    ask(screen, ui);
}

/* -- changing one -- */

static void end_editing(SettingsScreen *screen)
{
    screen->screen.ops = &listing;
    g_clear_pointer(&screen->choices, g_strfreev);
    g_clear_pointer(&screen->problem, g_free);
    g_clear_pointer(&screen->sent, g_free);
    g_clear_pointer(&screen->sent_value, g_free);
}

static void begin_editing(SettingsScreen *screen, Ui *ui)
{
    const Setting *setting = under_cursor(screen);
    if (!setting)
        return;
    if (setting_fixed(setting, screen->draft != NULL)) {
        ui_say(ui, STYLE_TEXT, NULL, "%s: %s", setting->name, setting_promise(setting, false));
        return;
    }
    screen->adding = false;
    screen->choices = setting_choices(setting);
    screen->choice = 0;
    for (unsigned i = 0; screen->choices && screen->choices[i]; i++)
        if (g_str_equal(screen->choices[i], setting->value))
            screen->choice = i;
    line_edit_set(&screen->value, setting->value);
    screen->screen.ops = &editing;
}

static void begin_adding(SettingsScreen *screen)
{
    if (!screen->words->len)
        return;
    screen->adding = true;
    screen->field = FIELD_TABLE;
    screen->word = MIN(screen->word, screen->words->len - 1);
    if (!screen->new_table.text->len && screen->table)
        line_edit_set(&screen->new_table, screen->table);
    line_edit_set(&screen->value, "");
    screen->screen.ops = &editing;
}

static const Setting *chosen_word(const SettingsScreen *screen)
{
    return screen->words->pdata[screen->word];
}

static char *edited_name(const SettingsScreen *screen)
{
    const Setting *setting = under_cursor(screen);
    return screen->adding ? g_strdup_printf("%s:%s", screen->new_table.text->str, chosen_word(screen)->name)
                          : g_strdup(setting ? setting->name : "");
}

static const char *edited_value(const SettingsScreen *screen)
{
    return screen->adding || !screen->choices ? screen->value.text->str : screen->choices[screen->choice];
}

static const Setting *find(const SettingsScreen *screen, const char *name)
{
    for (guint i = 0; i < screen->settings->len; i++)
        if (g_str_equal(((const Setting *)screen->settings->pdata[i])->name, name))
            return screen->settings->pdata[i];
    return NULL;
}

static void say_changed(const SettingsScreen *screen, Ui *ui, const json_t *answer)
{
    g_autofree char *pair = g_strdup_printf("%s=%s", screen->sent, screen->sent_value), *word = action_word(pair);
    g_autofree char *command =
        screen->draft ? NULL : action_command(ui, "set %s %s", screen->engine ? "--engine" : screen->pipe, word);
    const Setting *now = find(screen, screen->sent);
    GString *text = g_string_new(NULL);
    if (*screen->sent_value)
        g_string_append_printf(text, "%s is %s.", screen->sent, screen->sent_value);
    else
        g_string_append_printf(text, "%s is not set any more.", screen->sent);
    g_string_append_printf(text, " %s",
                           screen->draft ? "The pipe is created with it."
                           : !now        ? "Tables keep what they were made with until they are loaded again."
                           : now->waits || !g_str_equal(now->when, "live") ? setting_promise(now, false)
                                                                           : "It takes effect at once.");
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(answer, "notes"), i, note)
    {
        g_string_append_printf(text, " Note: %s.", json_string_value(note));
    }
    ui_say(ui, STYLE_TEXT, command, "%s", text->str);
    g_string_free(text, TRUE);
}

static void keep_draft(SettingsScreen *screen)
{
    if (*screen->sent_value)
        json_object_set_new(screen->draft, screen->sent, json_string(screen->sent_value));
    else
        json_object_del(screen->draft, screen->sent);
    screen->changed(screen->form);
}

static void was_set(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    SettingsScreen *screen = self(owner);
    (void)tag;
    if (!screen->sent) /* taken back before the answer came: the list says what holds */
        return ask(screen, ui);
    if (error) {
        g_free(screen->problem);
        screen->problem = g_strdup(error->message);
        g_clear_pointer(&screen->sent, g_free);
        return;
    }
    if (screen->draft && !screen->engine)
        keep_draft(screen);
    g_free(screen->selected);
    screen->selected = g_strdup(screen->sent);
    take_settings(screen, answer);
    say_changed(screen, ui, answer);
    end_editing(screen);
}

static void send(SettingsScreen *screen, Ui *ui)
{
    if (screen->sent)
        return; /* it is being checked */
    g_clear_pointer(&screen->problem, g_free);
    if (screen->adding && !screen->new_table.text->len) {
        screen->problem = g_strdup("name the table first, as shop.orders");
        return;
    }
    g_free(screen->sent_value);
    screen->sent = edited_name(screen);
    screen->sent_value = g_strdup(edited_value(screen));
    json_t *values = screen->draft && !screen->engine ? json_copy(screen->draft) : json_object();
    json_object_set_new(values, screen->sent, json_string(screen->sent_value));
    ui_request(ui, request_with(screen, values), &screen->screen, was_set, 0);
}

/* -- drawing -- */

enum { NAME, VALUE, DEFAULT, WHEN, MEANING, N_COLUMNS };

static TableLayout layout(const SettingsScreen *screen, const Canvas *canvas, TableColumn columns[N_COLUMNS])
{
    bool wide = canvas->cols >= WIDE_COLS;
    const TableColumn usual[N_COLUMNS] = {
        [NAME] = {.title = "SETTING", .width = 14},
        [VALUE] = {.title = "VALUE", .width = 14, .flex = !wide && canvas->cols < 100},
        [DEFAULT] = {.title = "DEFAULT", .width = 10, .drop = 2},
        [WHEN] = {.title = "TAKES EFFECT", .width = 16},
        [MEANING] = {.title = "MEANING", .width = 40, .drop = 1, .flex = wide},
    };
    memcpy(columns, usual, sizeof usual);
    for (guint i = 0; i < screen->settings->len; i++) {
        const Setting *setting = screen->settings->pdata[i];
        columns[NAME].width = MAX(columns[NAME].width, canvas_text_width(canvas, setting->name));
        columns[VALUE].width = MAX(columns[VALUE].width, canvas_text_width(canvas, setting->value));
    }
    columns[NAME].width = MIN(columns[NAME].width, canvas->cols / 3);
    columns[VALUE].width = MIN(columns[VALUE].width, canvas->cols / 4);
    return table_layout(columns, N_COLUMNS, 3, canvas->cols - 4);
}

static void draw_choice(Canvas *canvas, int row, int col, int width, const char *word)
{
    canvas_printf(canvas, row, col, width, STYLE_MARK, "‹ %s ›", word);
}

static void draw_row(SettingsScreen *screen, Canvas *canvas, int row, const TableLayout *at, int index)
{
    const Setting *setting = screen->shown->pdata[index];
    bool here = index == screen->cursor.cursor && !(is_editing(screen) && screen->adding),
         creating = screen->draft && !screen->engine;
    bool edited = here && is_editing(screen);
    Style style = setting_fixed(setting, creating) ? STYLE_DIM : STYLE_TEXT;
    if (here)
        canvas_text(canvas, row, 1, 1, STYLE_TITLE, "▸");
    table_cell(canvas, row, at, NAME, here ? STYLE_MARK : style, setting->name);
    if (edited && !screen->choices) { /* the field takes the row: texts may be long */
        line_edit_draw(&screen->value, canvas, row, at->x[VALUE], canvas->cols - 1 - at->x[VALUE], true, NULL);
        return;
    }
    if (edited)
        draw_choice(canvas, row, at->x[VALUE], canvas->cols - 1 - at->x[VALUE], screen->choices[screen->choice]);
    else
        table_cell(canvas, row, at, VALUE,
                   style == STYLE_TEXT && !g_str_equal(setting->value, setting->initial) ? STYLE_TITLE : style,
                   setting->value);
    if (!edited)
        table_cell(canvas, row, at, DEFAULT, STYLE_DIM, setting->initial);
    table_cell(canvas, row, at, WHEN, setting->waits ? STYLE_WAIT : style, setting_when(setting, creating));
    table_cell(canvas, row, at, MEANING, style, setting->meaning);
}

/* What the one under the cursor does, what it takes, and what becomes of a change; of a change that was refused: why.
 */
static void draw_detail(const SettingsScreen *screen, Canvas *canvas, int row)
{
    const Setting *setting = under_cursor(screen);
    if (!setting)
        return;
    bool creating = screen->draft && !screen->engine;
    g_autofree char *meaning = g_strdup_printf("%s: %s.", setting->name, setting->meaning);
    g_autofree char *takes = !*setting->values ? g_strdup("")
                             : setting_of_table(setting)
                                 ? g_strdup_printf("Like %s; empty takes it away. ", setting->values)
                                 : g_strdup_printf("Takes %s. ", setting->values);
    g_autofree char *rest = g_strdup_printf("%s%s", takes, setting_promise(setting, creating));
    int width = canvas->cols - 2, rows = canvas_wrapped(canvas, row, 1, width, 2, STYLE_TEXT, meaning);
    canvas_wrapped(canvas, row + rows, 1, width, DETAIL_ROWS - rows, screen->problem ? STYLE_LOST : STYLE_TEXT,
                   screen->problem ? screen->problem : rest);
}

static void draw_new(SettingsScreen *screen, Canvas *canvas, int row)
{
    static const char *const labels[N_FIELDS] = {"Table", "Setting", "Value"};
    const Setting *word = chosen_word(screen);
    int width = MIN(canvas->cols - LABEL_COLS - 1, 60), beside = LABEL_COLS + 20;
    for (int field = 0; field < N_FIELDS; field++) {
        bool here = (int)screen->field == field;
        if (here)
            canvas_text(canvas, row + field, 0, 1, STYLE_TITLE, "▸");
        canvas_text(canvas, row + field, 1, LABEL_COLS - 1, here ? STYLE_TITLE : STYLE_DIM, labels[field]);
    }
    line_edit_draw(&screen->new_table, canvas, row, LABEL_COLS, width, screen->field == FIELD_TABLE, NULL);
    if (screen->field == FIELD_WORD)
        draw_choice(canvas, row + 1, LABEL_COLS, beside - LABEL_COLS, word->name);
    else
        canvas_text(canvas, row + 1, LABEL_COLS, beside - LABEL_COLS, STYLE_TEXT, word->name);
    canvas_text(canvas, row + 1, beside, canvas->cols - beside - 1, STYLE_DIM, word->meaning);
    line_edit_draw(&screen->value, canvas, row + 2, LABEL_COLS, width, screen->field == FIELD_VALUE, NULL);
    g_autofree char *hint = screen->field == FIELD_TABLE
                                ? g_strdup("↑ ↓ other tables of the pipe; or type one, with * and _ as in --tables")
                                : g_strdup_printf("for example %s", word->values);
    canvas_text(canvas, row + 3, LABEL_COLS, canvas->cols - LABEL_COLS - 1, screen->problem ? STYLE_LOST : STYLE_DIM,
                screen->problem ? screen->problem : hint);
}

static void draw_head(const SettingsScreen *screen, const Ui *ui, Canvas *canvas)
{
    g_autofree char *where = screen->engine  ? g_strdup("settings of the engine")
                             : screen->draft ? g_strdup("new pipe › settings")
                                             : g_strdup_printf("%s › settings", screen->pipe);
    part_head(ui, canvas, where, NULL, STYLE_TEXT, NULL);
}

static void settings_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    SettingsScreen *screen = self(base);
    bool adding = is_editing(screen) && screen->adding;
    int below = adding ? NEW_ROWS : canvas->rows >= 14 || is_editing(screen) ? DETAIL_ROWS : 0;
    int bottom = canvas->rows - SCREEN_FOOT - (below ? below + 1 : 0), n = (int)screen->shown->len;
    TableColumn columns[N_COLUMNS];
    draw_head(screen, ui, canvas);
    TableLayout at = layout(screen, canvas, columns);
    table_head(canvas, SCREEN_HEAD, &at, columns);
    screen->page = MAX(bottom - SCREEN_HEAD - 1, 1);
    table_keep_visible(&screen->cursor, n, screen->page);
    for (int i = 0; i < screen->page && screen->cursor.top + i < n; i++)
        draw_row(screen, canvas, SCREEN_HEAD + 1 + i, &at, screen->cursor.top + i);
    if (!n)
        canvas_wrapped(canvas, SCREEN_HEAD + 1, 3, canvas->cols - 4, 3, screen->failure ? STYLE_LOST : STYLE_DIM,
                       screen->failure            ? screen->failure
                       : screen->filter.text->len ? "no setting has that in its name or meaning"
                                                  : "asking the engine");
    if (!is_editing(screen)) {
        canvas->cursor_row = SCREEN_HEAD + 1 + screen->cursor.cursor - screen->cursor.top;
        canvas->cursor_col = 1;
    }
    canvas_rule(canvas, bottom);
    if (adding)
        draw_new(screen, canvas, bottom + 1);
    else if (below)
        draw_detail(screen, canvas, bottom + 1);
    table_position(canvas, bottom, &screen->cursor, n, screen->page);
    part_filter(canvas, &screen->filter, screen->typing);
}

/* -- keys of the list -- */

static bool listing_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const SettingsScreen *screen = (const SettingsScreen *)base;
    const Setting *setting = under_cursor(screen);
    (void)ui;
    switch (action) {
    case ACTION_OPEN:
        return setting && !setting_fixed(setting, screen->draft && !screen->engine);
    case ACTION_ADD:
        return screen->words->len > 0;
    case ACTION_NEXT:
        return screen->pipe != NULL;
    case ACTION_FILTER:
        return screen->settings->len > 1;
    default:
        return true;
    }
}

static bool listing_key(Screen *base, Ui *ui, int key)
{
    SettingsScreen *screen = self(base);
    (void)ui;
    bool clears = key == KEYCODE_ESC && !screen->typing && screen->filter.text->len;
    if (clears)
        line_edit_set(&screen->filter, "");
    else if (!part_filter_key(&screen->filter, &screen->typing, key))
        return false;
    arrange(screen);
    return true;
}

static bool listing_act(Screen *base, Ui *ui, KeyAction action)
{
    SettingsScreen *screen = self(base);
    if (table_move(&screen->cursor, action, (int)screen->shown->len, screen->page)) {
        select_cursor(screen);
        return true;
    }
    switch (action) {
    case ACTION_OPEN:
        begin_editing(screen, ui);
        return true;
    case ACTION_ADD:
        begin_adding(screen);
        return true;
    case ACTION_FILTER:
        screen->typing = true;
        return true;
    case ACTION_NEXT:
        if (screen->pipe) {
            screen->engine = !screen->engine;
            take_settings(screen, NULL);
            ask(screen, ui);
        }
        return true;
    default:
        return false;
    }
}

/* -- keys while one is edited -- */

static bool chooses(const SettingsScreen *screen)
{
    return screen->adding ? screen->field == FIELD_WORD : screen->choices != NULL;
}

static bool editing_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const SettingsScreen *screen = (const SettingsScreen *)base;
    (void)ui;
    return action == ACTION_CHOOSE ? chooses(screen) : action == ACTION_NEXT ? screen->adding : true;
}

static void choose(SettingsScreen *screen, unsigned step)
{
    if (screen->adding)
        screen->word = (screen->word + step + screen->words->len) % screen->words->len;
    else
        screen->choice = (screen->choice + step + g_strv_length(screen->choices)) % g_strv_length(screen->choices);
    g_clear_pointer(&screen->problem, g_free);
}

/* The table before or after the one in the field, of those that the pipe has. */
static void other_table(SettingsScreen *screen, const Ui *ui, int step)
{
    const ViewPipe *pipe = ui->view && screen->pipe ? view_find_pipe(ui->view, screen->pipe) : NULL;
    int n = pipe && pipe->tables ? (int)pipe->n_tables : 0, at = step > 0 ? -1 : n;
    for (int i = 0; i < n; i++)
        if (g_strcmp0(pipe->tables[i].source, screen->new_table.text->str) == 0)
            at = i;
    if (n)
        line_edit_set(&screen->new_table, pipe->tables[(at + step + n) % n].source);
}

static bool editing_key(Screen *base, Ui *ui, int key)
{
    SettingsScreen *screen = self(base);
    bool on_table = screen->adding && screen->field == FIELD_TABLE;
    if (key == KEYCODE_ENTER || key == '\n' || key == KEYCODE_ESC || key == KEYCODE_TAB || key == KEYCODE_BACKTAB)
        return false; /* the keymap's */
    if (on_table && (key == KEYCODE_UP || key == KEYCODE_DOWN)) {
        other_table(screen, ui, key == KEYCODE_UP ? -1 : 1);
        return true;
    }
    if (chooses(screen)) {
        bool back = key == KEYCODE_LEFT || key == 'h';
        if (back || key == KEYCODE_RIGHT || key == 'l' || key == ' ')
            choose(screen, back ? (unsigned)-1 : 1);
        return back || (key >= ' ' && key < KEYCODE_UP);
    }
    if (!line_edit_key(on_table ? &screen->new_table : &screen->value, key))
        return false;
    g_clear_pointer(&screen->problem, g_free);
    return true;
}

static bool editing_act(Screen *base, Ui *ui, KeyAction action)
{
    SettingsScreen *screen = self(base);
    bool last = !screen->adding || screen->field == FIELD_VALUE;
    switch (action) {
    case ACTION_OPEN:
        if (last)
            send(screen, ui);
        else
            screen->field++;
        return true;
    case ACTION_NEXT:
    case ACTION_PREVIOUS:
        if (screen->adding)
            screen->field = (screen->field + (action == ACTION_NEXT ? 1 : N_FIELDS - 1)) % N_FIELDS;
        return true;
    case ACTION_BACK:
        end_editing(screen);
        return true;
    default:
        return false;
    }
}

static CommandSubject settings_subject(Screen *base, const Ui *ui)
{
    (void)ui;
    return (CommandSubject){.pipe = self(base)->pipe, .table = self(base)->table};
}

static void settings_free(Screen *base)
{
    SettingsScreen *screen = self(base);
    end_editing(screen);
    g_ptr_array_unref(screen->shown);
    g_ptr_array_unref(screen->settings);
    g_ptr_array_unref(screen->words);
    line_edit_clear(&screen->filter);
    line_edit_clear(&screen->new_table);
    line_edit_clear(&screen->value);
    json_decref(screen->draft);
    g_free(screen->failure);
    g_free(screen->selected);
    g_free(screen->pipe);
    g_free(screen->table);
    g_free(screen);
}

static const ScreenOps listing = {.place = KEYS_SETTINGS,
                                  .draw = settings_draw,
                                  .act = listing_act,
                                  .key = listing_key,
                                  .can = listing_can,
                                  .tick = settings_tick,
                                  .subject = settings_subject,
                                  .free = settings_free};
static const ScreenOps editing = {.place = KEYS_EDITING,
                                  .draw = settings_draw,
                                  .act = editing_act,
                                  .key = editing_key,
                                  .can = editing_can,
                                  .tick = settings_tick,
                                  .subject = settings_subject,
                                  .free = settings_free};

static SettingsScreen *settings_new(void)
{
    SettingsScreen *screen = g_new0(SettingsScreen, 1);
    screen->screen.ops = &listing;
    screen->settings = setting_list_new(NULL);
    screen->words = setting_list_new(NULL);
    screen->shown = g_ptr_array_new();
    line_edit_init(&screen->filter, "");
    line_edit_init(&screen->new_table, "");
    line_edit_init(&screen->value, "");
    return screen;
}

Screen *screen_settings_new(Ui *ui, const char *pipe, const char *table)
{
    SettingsScreen *screen = settings_new();
    screen->pipe = g_strdup(pipe);
    screen->table = g_strdup(table);
    screen->engine = pipe == NULL;
    ask(screen, ui);
    return &screen->screen;
}

Screen *screen_settings_draft_new(Ui *ui, json_t *draft, SettingsChanged *changed, Screen *form)
{
    SettingsScreen *screen = settings_new();
    screen->draft = json_incref(draft);
    screen->changed = changed;
    screen->form = form;
    ask(screen, ui);
    return &screen->screen;
}
