/* ui.c - the dashboard: a stack of screens, the newest view, the questions and answers between keys and engine. */
#include "ui.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/printable.h"
#include "commands.h"
#include "feed.h"
#include "keys_file.h"
#include "screen.h"
#include "term.h"
#include "text_box.h"
#include "theme_file.h"

#define SILENCE_USEC (3 * G_USEC_PER_SEC)
#define MIN_ROWS     10
#define MIN_COLS     40
#define SAY_ROWS     3 /* lines a message may take */
#define WHEEL_ROWS   3

typedef struct {
    int64_t ticket;
    Screen *owner;
    UiAnswer *done;
    UiAnswerWith *done_with; /* instead of `done` */
    void *data;
    GDestroyNotify free_data;
    int tag;
} Pending;

typedef enum { QUIT_NO, QUIT_NOW, QUIT_STOPPING } QuitState;

/* What only this file needs around the part that screens read. */
typedef struct {
    Ui ui; /* first: screens hold a pointer to it */
    Term *term;
    Feed *feed;
    GPtrArray *screens; /* the last is on top */
    GPtrArray *closed;  /* popped in this round; freed after it */
    GArray *pending;    /* Pending */
    Dialog *dialog;
    UiConfirmed *confirmed;
    void *confirmed_data;
    GDestroyNotify confirmed_free;
    char *said, *said_command;
    Style said_style;
    char *last_command; /* the last one that was said; NULL: none yet */
    Commands *commands;
    TextBox *box;     /* NULL: none is open */
    int cursor_row;   /* where the cursor rests on what was drawn last */
    int64_t heard_at; /* monotonic: the last view */
    QuitState quit;
    bool engine_stopped;
} Desk;

static Desk *desk_of(Ui *ui)
{
    return (Desk *)ui;
}

static Screen *top_screen(const Desk *desk)
{
    return desk->screens->pdata[desk->screens->len - 1];
}

static void screen_destroy(void *data)
{
    Screen *screen = data;
    screen->ops->free(screen);
}

void ui_push(Ui *ui, Screen *screen_take)
{
    g_ptr_array_add(desk_of(ui)->screens, screen_take);
}

void ui_pop(Ui *ui)
{
    Desk *desk = desk_of(ui);
    if (desk->screens->len <= 1)
        return;
    Screen *screen = g_ptr_array_steal_index(desk->screens, desk->screens->len - 1);
    for (guint i = desk->pending->len; i-- > 0;)
        if (g_array_index(desk->pending, Pending, i).owner == screen)
            g_array_remove_index_fast(desk->pending, i);
    g_ptr_array_add(desk->closed, screen);
}

static void unsay(Desk *desk)
{
    g_clear_pointer(&desk->said, g_free);
    g_clear_pointer(&desk->said_command, g_free);
}

/* A command that was shown can be copied, and brought back on the command line. */
static void keep_command(Desk *desk, const char *command)
{
    if (!command)
        return;
    g_free(desk->last_command);
    desk->last_command = g_strdup(command);
    commands_remember(desk->commands, command);
}

void ui_say(Ui *ui, Style style, const char *command, const char *format, ...)
{
    Desk *desk = desk_of(ui);
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    char *own_command = g_strdup(command);
    unsay(desk);
    desk->said = text;
    desk->said_command = own_command;
    desk->said_style = style;
    keep_command(desk, own_command);
}

void ui_show(Ui *ui, const char *title, const char *note, const char *text)
{
    Desk *desk = desk_of(ui);
    g_clear_pointer(&desk->box, text_box_free);
    desk->box = text_box_new(title, note, text);
}

void ui_request(Ui *ui, json_t *request_take, Screen *owner, UiAnswer *done, int tag)
{
    Desk *desk = desk_of(ui);
    Pending pending = {.ticket = feed_send(desk->feed, request_take), .owner = owner, .done = done, .tag = tag};
    g_array_append_val(desk->pending, pending);
}

void ui_request_with(Ui *ui, json_t *request_take, UiAnswerWith *done, int tag, void *data, GDestroyNotify free_data)
{
    Desk *desk = desk_of(ui);
    Pending pending = {.ticket = feed_send(desk->feed, request_take),
                       .done_with = done,
                       .data = data,
                       .free_data = free_data,
                       .tag = tag};
    g_array_append_val(desk->pending, pending);
}

static void end_dialog(Desk *desk)
{
    g_clear_pointer(&desk->dialog, dialog_free);
    if (desk->confirmed_free)
        desk->confirmed_free(desk->confirmed_data);
    desk->confirmed_free = NULL;
    desk->confirmed_data = NULL;
}

void ui_ask(Ui *ui, Dialog *dialog_take, UiConfirmed *done, void *data, GDestroyNotify free_data)
{
    Desk *desk = desk_of(ui);
    end_dialog(desk);
    desk->dialog = dialog_take;
    keep_command(desk, dialog_take->command);
    desk->confirmed = done;
    desk->confirmed_data = data;
    desk->confirmed_free = free_data;
}

void ui_suspend(Ui *ui)
{
    term_suspend(desk_of(ui)->term);
}

/* -- copying -- */

/* The command that is being shown, else what the screen has, else the last command that was shown. */
static char *text_to_copy(Desk *desk, bool said, const char **what)
{
    Screen *screen = top_screen(desk);
    *what = "the command";
    char *text = said || !screen->ops->copy ? NULL : screen->ops->copy(screen, &desk->ui, what);
    if (text)
        return text;
    *what = "the command";
    return g_strdup(desk->last_command);
}

static void copy(Desk *desk, bool said)
{
    const char *what;
    g_autofree char *text = text_to_copy(desk, said, &what);
    if (!text) {
        ui_say(&desk->ui, STYLE_TEXT, NULL, "There is nothing to copy here: no error, and no command was shown yet.");
        return;
    }
    /* What servers say goes where it may be pasted into a shell: no control bytes but the ends of lines. */
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (char **line = lines; *line; line++) {
        char *clean = printable(*line, 0);
        g_free(*line);
        *line = clean;
    }
    g_autofree char *clean = g_strjoinv("\n", lines), *title = g_strdup_printf("Copy %s", what);
    const char *note = strlen(clean) > TERM_COPY_MAX  ? "too long for the clipboard · Esc closes"
                       : term_copy(desk->term, clean) ? "in the clipboard, if the terminal takes it · Esc closes"
                                                      : "this terminal takes no copies · Esc closes";
    ui_show(&desk->ui, title, note, clean);
}

/* -- leaving -- */

static void stop_answered(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    Desk *desk = desk_of(ui);
    (void)owner;
    (void)answer;
    (void)tag;
    if (!error) /* the engine ends after its answer; the screen waits to see it gone */
        return;
    if (g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING)) {
        desk->engine_stopped = true;
        desk->quit = QUIT_NOW;
        return;
    }
    desk->quit = QUIT_NO;
    ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
}

static void stop_engine(Desk *desk)
{
    g_autofree char *command = action_command(&desk->ui, "stop");
    if (!desk->ui.connected) {
        desk->quit = QUIT_NOW;
        return;
    }
    desk->quit = QUIT_STOPPING;
    ui_say(&desk->ui, STYLE_TEXT, command,
           "Stopping the engine: batches in flight are applied, positions are saved. q leaves without waiting.");
    ui_request(&desk->ui, protocol_request("stop"), NULL, stop_answered, 0);
}

static void quit_chosen(Ui *ui, int choice, void *data)
{
    Desk *desk = desk_of(ui);
    (void)data;
    if (choice == 0)
        desk->quit = QUIT_NOW;
    else
        stop_engine(desk);
}

void ui_quit(Ui *ui)
{
    Desk *desk = desk_of(ui);
    if (desk->quit == QUIT_STOPPING) { /* asked again: it ends by itself */
        desk->quit = QUIT_NOW;
        return;
    }
    if (g_strcmp0(ui->options->stop_engine_on_quit, "yes") == 0) {
        stop_engine(desk);
        return;
    }
    if (!ui->connected || ui->recorded) {
        desk->quit = QUIT_NOW;
        return;
    }
    g_autofree char *command = action_command(ui, "stop");
    static const char text[] =
        "The engine runs in the background. Left running, its pipes go on, and `sluice` comes back "
        "here. Stopped, all pipes stand still until it runs again.";
    Dialog *dialog = dialog_choice("Quit", text, command);
    dialog_add_choice(dialog, 'q', "q", "leave, the engine runs on");
    dialog_add_choice(dialog, 's', "s", "stop the engine and leave");
    ui_ask(ui, dialog, quit_chosen, NULL, NULL);
}

/* -- drawing -- */

static bool too_small(const Canvas *canvas)
{
    return canvas->rows < MIN_ROWS || canvas->cols < MIN_COLS;
}

static void draw_too_small(Canvas *canvas)
{
    canvas_printf(canvas, 0, 0, canvas->cols, STYLE_TITLE, "sluice: too small");
    canvas_printf(canvas, 1, 0, canvas->cols, STYLE_TEXT, "%dx%d, needs %dx%d", canvas->cols, canvas->rows, MIN_COLS,
                  MIN_ROWS);
}

static void draw_message(Canvas *canvas, Style style, const char *text, const char *command)
{
    int width = canvas->cols - 2, bottom = canvas->rows - SCREEN_FOOT;
    g_autofree char *line = command ? g_strdup_printf("$ %s", command) : NULL;
    int rows = MIN(canvas_wrapped_rows(canvas, width, text), SAY_ROWS);
    int command_rows = line ? MIN(canvas_wrapped_rows(canvas, width, line), 2) : 0;
    int row = MAX(bottom - rows - command_rows, SCREEN_HEAD);
    const CanvasCell *above = canvas_cell(canvas, MAX(row - 2, 0), 0);
    if (above->ch == 0x2500 || (canvas->ascii && above->ch == '-')) /* no two rules, one under the other */
        row--;
    canvas_fill(canvas, row, 0, bottom - row, canvas->cols, STYLE_TEXT, ' ');
    canvas_rule(canvas, row - 1);
    canvas_wrapped(canvas, row, 1, width, rows, style, text);
    if (line)
        canvas_wrapped(canvas, row + rows, 1, width, command_rows, STYLE_DIM, line);
}

static bool can_now(const void *data, KeyAction action)
{
    const Desk *desk = data;
    const Screen *screen = top_screen(desk);
    return !screen->ops->can || screen->ops->can(screen, &desk->ui, action);
}

static void draw_said(Desk *desk, Canvas *canvas)
{
    const char *hint = commands_hint(desk->commands);
    if (desk->said) {
        draw_message(canvas, desk->said_style, desk->said, desk->said_command);
    } else if (hint) {
        draw_message(canvas, STYLE_DIM, hint, NULL);
    } else if (!desk->ui.connected) {
        g_autofree char *command = action_command(&desk->ui, "run --detach");
        draw_message(canvas, STYLE_LOST,
                     "The engine does not answer; nothing is replicated while it is gone. Trying again each second. To "
                     "start it:",
                     command);
    }
}

static void draw(Desk *desk)
{
    int rows, cols;
    term_size(desk->term, &rows, &cols);
    g_autoptr(Canvas) canvas = canvas_new(rows, cols, desk->ui.theme.ascii);
    Screen *screen = top_screen(desk);
    if (too_small(canvas)) {
        draw_too_small(canvas);
        term_paint(desk->term, canvas);
        return;
    }
    canvas_rule(canvas, rows - SCREEN_FOOT);
    screen->ops->draw(screen, &desk->ui, canvas);
    if (desk->ui.view && (desk->ui.silent || !desk->ui.connected))
        canvas_dim(canvas, 1, rows - SCREEN_FOOT);
    desk->cursor_row = canvas->cursor_row;
    keys_footer(desk->ui.keys, canvas, rows - 1, screen->ops->place, can_now, desk);
    draw_said(desk, canvas);
    commands_draw(desk->commands, canvas);
    if (desk->box)
        text_box_draw(desk->box, canvas);
    if (desk->dialog)
        dialog_draw(desk->dialog, canvas);
    term_paint(desk->term, canvas);
}

/* -- events -- */

static void press_dialog(Desk *desk, int key)
{
    DialogResult result = dialog_key(desk->dialog, key);
    if (result == DIALOG_OPEN)
        return;
    int chosen = desk->dialog->chosen;
    UiConfirmed *done = desk->confirmed;
    void *data = desk->confirmed_data;
    GDestroyNotify free_data = desk->confirmed_free;
    desk->confirmed_data = NULL;
    desk->confirmed_free = NULL;
    end_dialog(desk); /* `done` may ask anew */
    if (result == DIALOG_CHOSEN)
        done(&desk->ui, chosen, data);
    if (free_data)
        free_data(data);
}

static CommandSubject subject_of(Desk *desk)
{
    Screen *screen = top_screen(desk);
    return screen->ops->subject ? screen->ops->subject(screen, &desk->ui) : (CommandSubject){NULL, NULL};
}

/* What lies over the screen takes the key first. */
static bool press_above(Desk *desk, int key)
{
    if (desk->dialog) {
        press_dialog(desk, key);
    } else if (desk->box) {
        if (!text_box_key(desk->box, desk->ui.keys, key))
            g_clear_pointer(&desk->box, text_box_free);
    } else {
        return commands_key(desk->commands, &desk->ui, subject_of(desk), key);
    }
    return true;
}

static void act(Desk *desk, KeyAction action, bool said)
{
    Ui *ui = &desk->ui;
    Screen *screen = top_screen(desk);
    if (action == ACTION_NONE || screen->ops->act(screen, ui, action))
        return;
    if (action == ACTION_QUIT || action == ACTION_INTERRUPT)
        ui_quit(ui);
    else if (action == ACTION_REDRAW)
        term_redraw(desk->term);
    else if (action == ACTION_HELP)
        ui_push(ui, screen_help_new(screen->ops->place));
    else if (action == ACTION_COMMAND)
        commands_begin(desk->commands, ui);
    else if (action == ACTION_COPY)
        copy(desk, said);
    else if (action == ACTION_BACK)
        ui_pop(ui);
}

/* Every list rests the terminal's cursor on its row, so that rows need not be known here: a click moves it there, and
 * on the row where it is, opens that. */
static void click(Desk *desk)
{
    int steps = term_click_row(desk->term) - desk->cursor_row;
    if (term_click_row(desk->term) <= SCREEN_HEAD)
        return;
    for (int i = 0; i < ABS(steps); i++)
        act(desk, steps < 0 ? ACTION_UP : ACTION_DOWN, false);
    if (steps == 0)
        act(desk, ACTION_OPEN, false);
}

static void press(Desk *desk, int key)
{
    Ui *ui = &desk->ui;
    Screen *screen = top_screen(desk);
    if (desk->quit == QUIT_STOPPING) {
        if (key == 'q' || key == KEY_CTRL('c'))
            desk->quit = QUIT_NOW;
        return;
    }
    bool said = desk->said_command != NULL;
    unsay(desk);
    if (key == KEY_CTRL('z'))
        ui_suspend(ui);
    else if (press_above(desk, key))
        return;
    else if (key == KEYCODE_CLICK)
        click(desk);
    else if (key == KEYCODE_WHEEL_UP || key == KEYCODE_WHEEL_DOWN)
        for (int i = 0; i < WHEEL_ROWS; i++)
            act(desk, key == KEYCODE_WHEEL_UP ? ACTION_UP : ACTION_DOWN, false);
    else if (!screen->ops->key || !screen->ops->key(screen, ui, key))
        act(desk, keymap_action(ui->keys, screen->ops->place, key), said);
}

static void take_answers(Desk *desk)
{
    FeedAnswer *answer;
    while ((answer = feed_pull(desk->feed))) {
        for (guint i = 0; i < desk->pending->len; i++) {
            Pending pending = g_array_index(desk->pending, Pending, i);
            if (pending.ticket != answer->ticket)
                continue;
            g_array_remove_index_fast(desk->pending, i);
            if (pending.done_with)
                pending.done_with(&desk->ui, answer->error, pending.tag, pending.data);
            else
                pending.done(&desk->ui, pending.owner, answer->answer, answer->error, pending.tag);
            if (pending.free_data)
                pending.free_data(pending.data);
            break;
        }
        feed_answer_free(answer);
    }
}

static void take_news(Desk *desk)
{
    feed_wake_clear(desk->feed);
    View *view = feed_take_view(desk->feed);
    if (view) {
        if (desk->ui.view)
            view_unref(desk->ui.view);
        desk->ui.view = view;
        desk->heard_at = clock_monotonic_usec();
    }
    FeedState state = feed_state(desk->feed);
    desk->ui.connected = state != FEED_GONE;
    desk->ui.ended = state == FEED_ENDED;
    take_answers(desk);
    g_autofree char *complaint = feed_take_complaint(desk->feed);
    if (complaint)
        ui_say(&desk->ui, STYLE_LOST, NULL, "%s", complaint);
    if (!desk->ui.connected && desk->quit == QUIT_STOPPING) {
        desk->engine_stopped = true;
        desk->quit = QUIT_NOW;
    }
}

/* Until the silence is remarkable, or the screen on top wants to be woken. */
static int wait_ms(const Desk *desk)
{
    int64_t now = clock_monotonic_usec();
    int64_t until = INT64_MAX;
    if (!desk->ui.silent && !desk->ui.recorded)
        until = desk->heard_at + SILENCE_USEC;
    if (top_screen(desk)->wake_at)
        until = MIN(until, top_screen(desk)->wake_at);
    int fds[2];
    int64_t wake_at;
    commands_wait_for(desk->commands, fds, &wake_at);
    if (wake_at)
        until = MIN(until, wake_at);
    if (until == INT64_MAX)
        return -1;
    return (int)CLAMP((until - now) / 1000 + 1, 0, 60 * 1000);
}

static void take_time(Desk *desk)
{
    int64_t now = clock_monotonic_usec();
    desk->ui.silent = !desk->ui.recorded && now - desk->heard_at >= SILENCE_USEC;
    Screen *screen = top_screen(desk);
    if (screen->wake_at && now >= screen->wake_at) {
        screen->wake_at = 0;
        screen->ops->tick(screen, &desk->ui, now);
    }
}

static void take_events(Desk *desk)
{
    int key = KEYCODE_NONE;
    int others[TERM_MAX_OTHERS] = {feed_wake_fd(desk->feed)};
    int64_t wake_at;
    commands_wait_for(desk->commands, others + 1, &wake_at);
    TermEvent event = term_wait(desk->term, others, TERM_MAX_OTHERS, wait_ms(desk), &key);
    /* All keys that were typed ahead are taken before the next frame, so that a held key never queues frames. */
    while (event == TERM_KEY && desk->quit != QUIT_NOW) {
        press(desk, key);
        event = term_key(desk->term, &key);
    }
    if (event == TERM_LOST)
        desk->quit = QUIT_NOW;
    else if (event == TERM_INTERRUPT)
        ui_quit(&desk->ui);
    else if (event == TERM_SUSPEND)
        ui_suspend(&desk->ui);
    take_news(desk);
    commands_take(desk->commands, &desk->ui);
    take_time(desk);
    g_ptr_array_set_size(desk->closed, 0);
}

static void desk_clear(Desk *desk)
{
    end_dialog(desk);
    unsay(desk);
    g_free(desk->last_command);
    commands_free(desk->commands);
    g_clear_pointer(&desk->box, text_box_free);
    keymap_free(desk->ui.keys);
    g_ptr_array_unref(desk->screens);
    g_ptr_array_unref(desk->closed);
    for (guint i = 0; i < desk->pending->len; i++) {
        Pending *pending = &g_array_index(desk->pending, Pending, i);
        if (pending->free_data)
            pending->free_data(pending->data);
    }
    g_array_unref(desk->pending);
    if (desk->ui.view)
        view_unref(desk->ui.view);
}

static void say_goodbye(const Desk *desk)
{
    const char *dir = desk->ui.options->state_dir;
    if (desk->ui.recorded)
        return;
    if (desk->engine_stopped)
        printf("The engine has stopped; positions are saved. `sluice` starts it again.\n");
    else if (desk->ui.connected)
        printf("The engine runs on. `sluice` comes back to it, `sluice stop` ends it (state dir %s).\n", dir);
    else
        printf("No engine answers on state dir %s. `sluice` starts one.\n", dir);
}

char *ui_keys_text(void)
{
    return keys_file_text();
}

char *ui_theme_text(void)
{
    return theme_file_text();
}

/* Takes the terminal, with the keys and looks that the operator chose. What is wrong with those is said, once there is
 * a screen to say it on. */
static bool open_terminal(Desk *desk, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    ThemeChoice choice = theme_file_load(problems);
    desk->ui.keys = keymap_new();
    bool mouse = keys_file_load(desk->ui.keys, problems);
    desk->term = term_open(desk->ui.options->ascii, &choice, mouse, error);
    if (!desk->term) {
        keymap_free(desk->ui.keys);
        return false;
    }
    desk->ui.theme = *term_theme(desk->term);
    if (problems->len > 1)
        ui_say(&desk->ui, STYLE_WAIT, NULL, "%s (and %u more)", (char *)problems->pdata[0], problems->len - 1);
    else if (problems->len)
        ui_say(&desk->ui, STYLE_WAIT, NULL, "%s", (char *)problems->pdata[0]);
    return true;
}

static Feed *open_replay(const char *path, GError **error)
{
    Recording *recording = recording_open(path, error);
    return recording ? feed_replay_new(recording) : NULL;
}

/* The file is made before an engine is started for it. */
static Feed *open_live(const UiOptions *options, GError **error)
{
    g_autoptr(Recorder) recorder = options->record ? recorder_new(options->record, error) : NULL;
    if (options->record && !recorder)
        return NULL;
    Client *client = client_connect_or_start(options->state_dir, NULL, error);
    return client ? feed_live_new(options->state_dir, client, g_steal_pointer(&recorder)) : NULL;
}

static int give_up(const GError *error)
{
    fprintf(stderr, "sluice: %s\n", error->message);
    return error->domain == SLUICE_ERROR && error->code <= SLUICE_ERROR_NOT_RUNNING ? error->code : 1;
}

int ui_run(const UiOptions *options)
{
    g_autoptr(GError) error = NULL;
    setlocale(LC_CTYPE, ""); /* not its numbers: columns are made for 0.4s and 22 Nov */
    term_block_signals();    /* before the feed's thread starts; the terminal unblocks them here */
    if (!term_usable(&error))
        return give_up(error);
    Desk desk = {.ui = {.options = options, .connected = true, .recorded = options->replay != NULL},
                 .heard_at = clock_monotonic_usec()};
    desk.feed = options->replay ? open_replay(options->replay, &error) : open_live(options, &error);
    if (!desk.feed)
        return give_up(error);
    desk.commands = commands_new(options);
    if (!open_terminal(&desk, &error)) {
        feed_free(desk.feed);
        commands_free(desk.commands);
        return give_up(error);
    }
    desk.screens = g_ptr_array_new_with_free_func(screen_destroy);
    desk.closed = g_ptr_array_new_with_free_func(screen_destroy);
    desk.pending = g_array_new(FALSE, FALSE, sizeof(Pending));
    g_ptr_array_add(desk.screens, screen_pipes_new());
    while (desk.quit != QUIT_NOW) {
        draw(&desk);
        take_events(&desk);
    }
    feed_free(desk.feed);
    term_close(desk.term);
    say_goodbye(&desk);
    desk_clear(&desk);
    return 0;
}
