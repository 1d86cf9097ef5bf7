#include "keys.h"

#define LISTS (KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_JOURNAL | KEYS_HELP | KEYS_INCIDENT)
#define ALL   (LISTS | KEYS_NEW)

/* One rule: small letters never change data or lose ground; capitals can, say what they will do, and ask. */
static const KeyBinding bindings[] = {
    {KEYS_PIPES,
     {KEYCODE_ENTER, 'l', KEYCODE_RIGHT},
     ACTION_OPEN,
     "⏎ l →",
     "⏎",
     "open",
     1,
     "open the pipe under the cursor"},
    {KEYS_PIPE,
     {KEYCODE_ENTER, 'l', KEYCODE_RIGHT},
     ACTION_OPEN,
     "⏎ l →",
     "⏎",
     "table",
     1,
     "open the table under the cursor, with its columns"},
    {LISTS, {KEYCODE_UP, 'k'}, ACTION_UP, "↑ k  ↓ j", NULL, NULL, 0, "a row up or down"},
    {LISTS, {KEYCODE_DOWN, 'j'}, ACTION_DOWN, NULL, NULL, NULL, 0, NULL},
    {LISTS, {KEYCODE_PAGE_UP, KEY_CTRL('b')}, ACTION_PAGE_UP, "PgUp ^B  PgDn ^F", NULL, NULL, 0, "a page up or down"},
    {LISTS, {KEYCODE_PAGE_DOWN, KEY_CTRL('f')}, ACTION_PAGE_DOWN, NULL, NULL, NULL, 0, NULL},
    {LISTS, {KEY_CTRL('u')}, ACTION_HALF_UP, "^U  ^D", NULL, NULL, 0, "half a page up or down"},
    {LISTS, {KEY_CTRL('d')}, ACTION_HALF_DOWN, NULL, NULL, NULL, 0, NULL},
    {LISTS, {KEYCODE_HOME, 'g'}, ACTION_HOME, "Home g  End G", NULL, NULL, 0, "to the first or the last row"},
    {LISTS, {KEYCODE_END, 'G'}, ACTION_END, NULL, NULL, NULL, 0, NULL},
    {KEYS_NEW, {KEYCODE_TAB, KEYCODE_DOWN}, ACTION_NEXT, "Tab ↓", "tab", "next", 1, "to the next field"},
    {KEYS_NEW, {KEYCODE_BACKTAB, KEYCODE_UP}, ACTION_PREVIOUS, "Shift-Tab ↑", NULL, NULL, 0, "to the field before"},
    {KEYS_NEW,
     {' '},
     ACTION_CHOOSE,
     "Space",
     "space",
     "choose",
     2,
     "choose or unchoose the table or option under the cursor"},
    {KEYS_NEW, {'*'}, ACTION_CHOOSE_ALL, "*", "*", "all shown", 4, "choose or unchoose all tables that are listed"},
    {KEYS_NEW,
     {KEYCODE_ENTER},
     ACTION_CREATE,
     "⏎",
     "⏎",
     "create",
     1,
     "create the pipe; in a field to type into: to the next field"},
    {KEYS_PIPES, {'n', KEYCODE_F0 + 7}, ACTION_NEW, "n F7", "n", "new pipe", 3, "create a pipe"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'p', KEYCODE_F0 + 5},
     ACTION_PAUSE,
     "p F5",
     "p",
     "pause",
     2,
     "pause the pipe, or resume a paused one; the position is kept"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_INCIDENT,
     {'t', KEYCODE_F0 + 6},
     ACTION_RETRY,
     "t F6",
     "t",
     "try now",
     3,
     "end a wait, or try a failed pipe again"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE, {'i'}, ACTION_INCIDENT, "i", "i", "why", 2, "what went wrong, why, and what can be done"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_INCIDENT,
     {'R', KEYCODE_F0 + 9},
     ACTION_RESYNC,
     "R F9",
     "R",
     "resync",
     4,
     "load every table again beside what is there, and exchange them; asks"},
    {KEYS_INCIDENT,
     {'S'},
     ACTION_SKIP,
     "S",
     "S",
     "skip",
     5,
     "go on from the oldest log that the source still has, and accept what is missing; asks"},
    {KEYS_TABLE, {'R', KEYCODE_F0 + 9}, ACTION_RESYNC, "R F9", "R", "resync", 4, "load this table again, and exchange it; asks"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'c'},
     ACTION_CANCEL_RESYNC,
     "c",
     "c",
     "cancel resync",
     3,
     "give a resync up before its exchange; the tables stay as they are"},
    {KEYS_TABLE, {'X'}, ACTION_REMOVE, "X", "X", "remove", 8, "take this table out of the pipe; asks for its name"},
    {KEYS_PIPES | KEYS_PIPE,
     {'D', KEYCODE_F0 + 8},
     ACTION_DROP,
     "D F8",
     "D",
     "drop",
     8,
     "drop the pipe; asks for its name"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_NEW | KEYS_JOURNAL,
     {'/', KEYCODE_F0 + 3},
     ACTION_FILTER,
     "/ F3",
     "/",
     "filter",
     5,
     "narrow the list while you type; Esc shows all again"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'s', KEYCODE_F0 + 4},
     ACTION_SORT,
     "s F4",
     "s",
     "sort",
     7,
     "the next order of the rows"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_INCIDENT,
     {'v', KEYCODE_F0 + 2},
     ACTION_JOURNAL,
     "v F2",
     "v",
     "journal",
     6,
     "what happened, newest first"},
    {KEYS_PIPE | KEYS_TABLE | KEYS_JOURNAL | KEYS_HELP | KEYS_INCIDENT,
     {KEYCODE_ESC, 'h', 'q', KEYCODE_LEFT, KEYCODE_F10},
     ACTION_BACK,
     "Esc h q ←",
     "esc",
     "back",
     0,
     "back to where you came from"},
    {KEYS_NEW, {KEYCODE_ESC, KEYCODE_F10}, ACTION_BACK, "Esc", "esc", "cancel", 0, "leave without creating anything"},
    {KEYS_PIPES, {KEYCODE_ESC}, ACTION_BACK, "Esc", NULL, NULL, 0, "show all pipes again, trouble first"},
    {ALL & ~KEYS_HELP, {'?', KEYCODE_F0 + 1}, ACTION_HELP, "? F1", "?", "help", 0, "the keys of this screen"},
    {KEYS_PIPES,
     {'q', KEYCODE_F10},
     ACTION_QUIT,
     "q F10",
     "q",
     "quit",
     0,
     "quit; asks whether the engine shall run on"},
    {ALL,
     {KEY_CTRL('c')},
     ACTION_QUIT,
     "^C",
     NULL,
     NULL,
     0,
     "quit from anywhere; asks like q, never stops replication silently"},
    {ALL, {KEY_CTRL('l')}, ACTION_REDRAW, "^L", NULL, NULL, 0, "draw the screen anew"},
    {ALL, {KEY_CTRL('z')}, ACTION_SUSPEND, "^Z", NULL, NULL, 0, "to the shell; fg comes back"},
};

const KeyBinding *keys_table(unsigned *n)
{
    *n = G_N_ELEMENTS(bindings);
    return bindings;
}

KeyAction keys_action(KeysPlace place, int key)
{
    if (key == '\n')
        key = KEYCODE_ENTER;
    for (gsize i = 0; i < G_N_ELEMENTS(bindings); i++)
        if (bindings[i].places & place)
            for (int k = 0; k < KEYS_PER_BINDING && bindings[i].keys[k]; k++)
                if (bindings[i].keys[k] == key)
                    return bindings[i].action;
    return ACTION_NONE;
}

static int footer_width(const Canvas *canvas, const KeyBinding *binding)
{
    const char *label = binding->short_label;
    if (canvas->ascii && g_str_equal(label, "⏎"))
        label = "enter";
    return canvas_text_width(canvas, label) + 1 + canvas_text_width(canvas, binding->word) + 2;
}

void keys_footer(Canvas *canvas, int row, KeysPlace place, bool (*can)(const void *data, KeyAction action),
                 const void *data)
{
    bool shown[G_N_ELEMENTS(bindings)] = {false};
    int width = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(bindings); i++) {
        shown[i] = bindings[i].word && (bindings[i].places & place) && (!can || can(data, bindings[i].action));
        if (shown[i])
            width += footer_width(canvas, &bindings[i]);
    }
    for (int rank = 9; rank > 0 && width - 2 > canvas->cols; rank--)
        for (gsize i = G_N_ELEMENTS(bindings); i-- > 0 && width - 2 > canvas->cols;)
            if (shown[i] && bindings[i].rank == rank) {
                shown[i] = false;
                width -= footer_width(canvas, &bindings[i]);
            }
    int col = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(bindings); i++) {
        if (!shown[i])
            continue;
        const char *label = bindings[i].short_label;
        if (canvas->ascii && g_str_equal(label, "⏎"))
            label = "enter";
        col += canvas_text(canvas, row, col, canvas->cols - col, STYLE_KEY, label) + 1;
        col += canvas_text(canvas, row, col, canvas->cols - col, STYLE_TEXT, bindings[i].word) + 2;
    }
}
