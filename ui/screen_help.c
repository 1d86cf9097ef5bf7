/* screen_help.c - exactly the keys that work on the screen it was called from, and what the symbols mean. */
#include "screen.h"
#include "table.h"

#define MAX_ROWS 200

typedef struct {
    Screen screen;
    KeysPlace place;
    int top, rows, page;
} HelpScreen;

static HelpScreen *self(Screen *screen)
{
    return (HelpScreen *)screen;
}

static const char *place_name(KeysPlace place)
{
    switch (place) {
    case KEYS_PIPES:
        return "help: all pipes";
    case KEYS_PIPE:
        return "help: one pipe";
    case KEYS_TABLE:
        return "help: one table";
    case KEYS_NEW:
        return "help: new pipe";
    case KEYS_INCIDENT:
        return "help: what went wrong";
    case KEYS_JOURNAL:
        return "help: journal";
    case KEYS_VERIFY:
        return "help: both ends compared";
    case KEYS_SETTINGS:
        return "help: settings";
    case KEYS_ADD:
        return "help: add tables";
    case KEYS_EDITING:
    case KEYS_HELP:
        break;
    }
    return "help";
}

static int draw_keys(const Ui *ui, Canvas *text, int row, KeysPlace place)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    for (unsigned i = 0; i < n; i++) {
        if (!(bindings[i].places & place) || !bindings[i].help)
            continue;
        g_autofree char *label = keymap_label(ui->keys, place, i, text->ascii);
        canvas_text(text, row, 3, 17, STYLE_KEY, label);
        row += canvas_wrapped(text, row, 21, text->cols - 22, 3, STYLE_TEXT, bindings[i].help);
    }
    return row;
}

static int draw_legend(Canvas *text, int row)
{
    static const struct {
        const char *sign, *meaning;
        Style style;
    } legend[] = {
        {"● Running", "follows the source's log", STYLE_TEXT},
        {"◐ Snapshot", "loads tables; those already live keep streaming", STYLE_TEXT},
        {"‖ Paused", "reads nothing; the position is kept", STYLE_TEXT},
        {"✔ Completed", "a snapshot pipe has loaded everything", STYLE_TEXT},
        {"✖ Failed", "an error that no retry can mend; i says why", STYLE_LOST},
        {"⟳ stalled", "waits and tries again by itself", STYLE_WAIT},
        {"LAG", "age of the last applied change, in time", STYLE_TEXT},
        {"BEHIND", "bytes to the end of the source's log", STYLE_TEXT},
        {"HEADROOM", "time until the source purges what the pipe still needs; ▲ under 24 h", STYLE_TEXT},
        {"— and ?", "does not apply; not known", STYLE_TEXT},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(legend); i++) {
        canvas_text(text, row, 3, 17, legend[i].style, legend[i].sign);
        row += canvas_wrapped(text, row, 21, text->cols - 22, 3, STYLE_TEXT, legend[i].meaning);
    }
    return row;
}

static void help_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    HelpScreen *help = self(base);
    part_head(ui, canvas, place_name(help->place), NULL, STYLE_TEXT, NULL);
    g_autoptr(Canvas) text = canvas_new(MAX_ROWS, canvas->cols, canvas->ascii);
    canvas_text(text, 0, 1, canvas->cols - 2, STYLE_TITLE, "KEYS");
    int row = draw_keys(ui, text, 1, help->place) + 1;
    canvas_wrapped(
        text, row, 1, canvas->cols - 2, 2, STYLE_DIM,
        "Small letters never change data or lose ground. Capitals can: they say what they will do, and ask.");
    row +=
        1 + canvas_wrapped_rows(
                canvas, canvas->cols - 2,
                "Small letters never change data or lose ground. Capitals can: they say what they will do, and ask.");
    canvas_text(text, row, 1, canvas->cols - 2, STYLE_TITLE, "SIGNS");
    help->rows = draw_legend(text, row + 1);
    help->page = canvas->rows - SCREEN_HEAD - SCREEN_FOOT;
    help->top = CLAMP(help->top, 0, MAX(help->rows - help->page, 0));
    canvas_copy_rows(canvas, SCREEN_HEAD, text, help->top, help->page);
    TableCursor shown = {.top = help->top};
    table_position(canvas, canvas->rows - SCREEN_FOOT, &shown, help->rows, help->page);
    canvas->cursor_row = SCREEN_HEAD;
}

static bool help_act(Screen *base, Ui *ui, KeyAction action)
{
    HelpScreen *help = self(base);
    (void)ui;
    TableCursor cursor = {.cursor = help->top, .top = help->top};
    if (!table_move(&cursor, action, MAX(help->rows - help->page + 1, 1), help->page))
        return false;
    help->top = cursor.cursor;
    return true;
}

static void help_free(Screen *base)
{
    g_free(self(base));
}

Screen *screen_help_new(KeysPlace place)
{
    static const ScreenOps ops = {.place = KEYS_HELP, .draw = help_draw, .act = help_act, .free = help_free};
    HelpScreen *help = g_new0(HelpScreen, 1);
    help->screen.ops = &ops;
    help->place = place;
    return &help->screen;
}
