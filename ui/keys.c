#include "keys.h"

#include <string.h>

#define LISTS (KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_JOURNAL | KEYS_HELP | KEYS_INCIDENT | KEYS_SETTINGS | KEYS_ADD | KEYS_VERIFY)
#define ALL   (LISTS | KEYS_NEW)

/* One rule: small letters never change data or lose ground; capitals can, say what they will do, and ask. */
static const KeyBinding bindings[] = {
    {KEYS_PIPES, {KEYCODE_ENTER, 'l', KEYCODE_RIGHT}, ACTION_OPEN, "open", 1, "open the pipe under the cursor"},
    {KEYS_PIPE,
     {KEYCODE_ENTER, 'l', KEYCODE_RIGHT},
     ACTION_OPEN,
     "table",
     1,
     "open the table under the cursor, with its columns"},
    {LISTS, {KEYCODE_UP, 'k'}, ACTION_UP, NULL, 0, "a row up or down"},
    {LISTS, {KEYCODE_DOWN, 'j'}, ACTION_DOWN, NULL, 0, NULL},
    {LISTS, {KEYCODE_PAGE_UP, KEY_CTRL('b')}, ACTION_PAGE_UP, NULL, 0, "a page up or down"},
    {LISTS, {KEYCODE_PAGE_DOWN, KEY_CTRL('f')}, ACTION_PAGE_DOWN, NULL, 0, NULL},
    {LISTS, {KEY_CTRL('u')}, ACTION_HALF_UP, NULL, 0, "half a page up or down"},
    {LISTS, {KEY_CTRL('d')}, ACTION_HALF_DOWN, NULL, 0, NULL},
    {LISTS, {KEYCODE_HOME, 'g'}, ACTION_HOME, NULL, 0, "to the first or the last row"},
    {LISTS, {KEYCODE_END, 'G'}, ACTION_END, NULL, 0, NULL},
    {KEYS_NEW, {KEYCODE_TAB, KEYCODE_DOWN}, ACTION_NEXT, "next", 1, "to the next field"},
    {KEYS_NEW, {KEYCODE_BACKTAB, KEYCODE_UP}, ACTION_PREVIOUS, NULL, 0, "to the field before"},
    {KEYS_NEW | KEYS_ADD, {' '}, ACTION_CHOOSE, "choose", 2, "choose or unchoose the table or option under the cursor"},
    {KEYS_NEW | KEYS_ADD, {'*'}, ACTION_CHOOSE_ALL, "all shown", 4, "choose or unchoose all tables that are listed"},
    {KEYS_NEW | KEYS_ADD,
     {'+'},
     ACTION_CHOOSE_SCHEMA,
     "its schema",
     6,
     "choose or unchoose all listed tables of the schema under the cursor"},
    {KEYS_NEW | KEYS_ADD, {'='}, ACTION_TARGET, "target", 7, "name the destination table otherwise than the source table"},
    {KEYS_ADD, {KEYCODE_ENTER}, ACTION_CREATE, "add", 1, "check the chosen tables, and add them to the pipe"},
    {KEYS_NEW,
     {KEYCODE_ENTER},
     ACTION_CREATE,
     "create",
     1,
     "create the pipe; in a field to type into: to the next field"},
    {KEYS_PIPES, {'n', KEYCODE_F0 + 7}, ACTION_NEW, "new pipe", 3, "create a pipe"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'p', KEYCODE_F0 + 5},
     ACTION_PAUSE,
     "pause",
     2,
     "pause the pipe, or resume a paused one; the position is kept"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_INCIDENT,
     {'t', KEYCODE_F0 + 6},
     ACTION_RETRY,
     "try now",
     3,
     "end a wait, or try a failed pipe again"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'i'},
     ACTION_INCIDENT,
     "why",
     2,
     "what went wrong, why, and what can be done"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_INCIDENT,
     {'R', KEYCODE_F0 + 9},
     ACTION_RESYNC,
     "resync",
     4,
     "load every table again beside what is there, and exchange them; asks"},
    {KEYS_INCIDENT,
     {'S'},
     ACTION_SKIP,
     "skip",
     5,
     "go on from the oldest log that the source still has, and accept what is missing; asks"},
    {KEYS_TABLE, {'R', KEYCODE_F0 + 9}, ACTION_RESYNC, "resync", 4, "load this table again, and exchange it; asks"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'c'},
     ACTION_CANCEL_RESYNC,
     "cancel resync",
     3,
     "give a resync up before its exchange; the tables stay as they are"},
    {KEYS_PIPE | KEYS_INCIDENT, {'M'}, ACTION_RESYNC_SOME, "some tables", 8, "load chosen tables again: mark them, then M asks"},
    {KEYS_PIPES | KEYS_PIPE,
     {' '},
     ACTION_MARK,
     "mark",
     7,
     "mark the row under the cursor: actions work on all that are marked; Esc drops the marks"},
    {KEYS_PIPES | KEYS_PIPE, {'*'}, ACTION_MARK_ALL, NULL, 0, "mark all rows that are shown, or none"},
    {KEYS_PIPE,
     {'X'},
     ACTION_REMOVE,
     "remove",
     8,
     "take the marked tables, or the one under the cursor, out of the pipe; asks"},
    {KEYS_PIPES | KEYS_PIPE, {'a'}, ACTION_ADD_TABLES, "add tables", 7, "choose more tables of the source for the pipe"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE,
     {'e'},
     ACTION_SETTINGS,
     "settings",
     8,
     "settings of the pipe; Tab there shows those of the engine"},
    {KEYS_SETTINGS, {KEYCODE_ENTER, 'l', KEYCODE_RIGHT}, ACTION_OPEN, "change", 1, "change the setting under the cursor"},
    {KEYS_SETTINGS, {'a'}, ACTION_ADD, "for one table", 3, "add a setting of a single table, or change one"},
    {KEYS_SETTINGS, {KEYCODE_TAB}, ACTION_NEXT, "pipe/engine", 4, "between the settings of the pipe and of the engine"},
    {KEYS_EDITING, {KEYCODE_ENTER}, ACTION_OPEN, "save", 1, "have the engine check the value, and take it"},
    {KEYS_EDITING, {KEYCODE_RIGHT, KEYCODE_LEFT, ' '}, ACTION_CHOOSE, "other value", 2, "the value before or after"},
    {KEYS_EDITING, {KEYCODE_TAB}, ACTION_NEXT, "next", 3, "to the next field"},
    {KEYS_EDITING, {KEYCODE_BACKTAB}, ACTION_PREVIOUS, NULL, 0, NULL},
    {KEYS_EDITING, {KEYCODE_ESC}, ACTION_BACK, "leave as it is", 0, "leave the value as it is"},
    {KEYS_TABLE,
     {'X', KEYCODE_F0 + 8},
     ACTION_REMOVE,
     "remove",
     8,
     "take this table out of the pipe; asks for its name"},
    {KEYS_PIPES | KEYS_PIPE, {'D', KEYCODE_F0 + 8}, ACTION_DROP, "drop", 8, "drop the pipe; asks for its name"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_NEW | KEYS_JOURNAL | KEYS_SETTINGS | KEYS_ADD,
     {'/', KEYCODE_F0 + 3},
     ACTION_FILTER,
     "filter",
     5,
     "narrow the list while you type; Esc shows all again"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE, {'s', KEYCODE_F0 + 4}, ACTION_SORT, "sort", 7, "the next order of the rows"},
    {KEYS_PIPE, {'z'}, ACTION_PERIOD, "hour/day", 8, "charts of the last hour, or of the last day"},
    {KEYS_INCIDENT, {'y'}, ACTION_COPY, "copy", 5, "copy this report, or the command just shown"},
    {KEYS_PIPES | KEYS_PIPE | KEYS_TABLE | KEYS_INCIDENT,
     {'v', KEYCODE_F0 + 2},
     ACTION_JOURNAL,
     "journal",
     6,
     "what happened, newest first"},
    {KEYS_PIPE, {'w'}, ACTION_VERIFY, "verify", 7, "whether both ends hold the same rows"},
    {KEYS_VERIFY, {'w'}, ACTION_VERIFY, "compare", 1, "compare the rows of both ends, beside the running stream"},
    {KEYS_VERIFY, {'M'}, ACTION_REPAIR, "mend", 2, "compare, and mend what differs at the destination; asks"},
    {KEYS_VERIFY, {'c'}, ACTION_CANCEL_VERIFY, "cancel", 3, "end the comparison; nothing is lost by that"},
    {KEYS_PIPE | KEYS_TABLE | KEYS_JOURNAL | KEYS_HELP | KEYS_INCIDENT | KEYS_SETTINGS | KEYS_ADD | KEYS_VERIFY,
     {KEYCODE_ESC, 'h', 'q', KEYCODE_LEFT, KEYCODE_F10},
     ACTION_BACK,
     "back",
     0,
     "back to where you came from"},
    {KEYS_NEW, {KEYCODE_ESC, KEYCODE_F10}, ACTION_BACK, "cancel", 0, "leave without creating anything"},
    {KEYS_PIPES, {KEYCODE_ESC}, ACTION_BACK, NULL, 0, "show all pipes again, trouble first"},
    {ALL & ~KEYS_HELP, {'?', KEYCODE_F0 + 1}, ACTION_HELP, "help", 0, "the keys of this screen"},
    {KEYS_PIPES, {'q', KEYCODE_F10}, ACTION_QUIT, "quit", 0, "quit; asks whether the engine shall run on"},
    {ALL & ~KEYS_NEW, {':'}, ACTION_COMMAND, NULL, 0, "a command line: the shell's words, without sluice"},
    {ALL & ~KEYS_HELP & ~KEYS_INCIDENT,
     {'y'},
     ACTION_COPY,
     NULL,
     0,
     "copy the error or what mends it, or the command just shown"},
    {ALL | KEYS_EDITING,
     {KEY_CTRL('c')},
     ACTION_INTERRUPT,
     NULL,
     0,
     "quit from anywhere; asks like q, never stops replication silently"},
    {ALL | KEYS_EDITING, {KEY_CTRL('l')}, ACTION_REDRAW, NULL, 0, "draw the screen anew"},
    {ALL | KEYS_EDITING, {KEY_CTRL('z')}, ACTION_SUSPEND, NULL, 0, "to the shell; fg comes back"},
};

const KeyBinding *keys_table(unsigned *n)
{
    *n = G_N_ELEMENTS(bindings);
    return bindings;
}

const char *keys_action_name(KeyAction action)
{
    static const char *const names[ACTION_COUNT] = {
        [ACTION_UP] = "up",
        [ACTION_DOWN] = "down",
        [ACTION_PAGE_UP] = "page-up",
        [ACTION_PAGE_DOWN] = "page-down",
        [ACTION_HALF_UP] = "half-up",
        [ACTION_HALF_DOWN] = "half-down",
        [ACTION_HOME] = "first",
        [ACTION_END] = "last",
        [ACTION_OPEN] = "open",
        [ACTION_BACK] = "back",
        [ACTION_NEXT] = "next",
        [ACTION_PREVIOUS] = "previous",
        [ACTION_CHOOSE] = "choose",
        [ACTION_CHOOSE_ALL] = "choose-all",
        [ACTION_CHOOSE_SCHEMA] = "choose-schema",
        [ACTION_CREATE] = "create",
        [ACTION_MARK] = "mark",
        [ACTION_MARK_ALL] = "mark-all",
        [ACTION_ADD] = "add",
        [ACTION_ADD_TABLES] = "add-tables",
        [ACTION_SETTINGS] = "settings",
        [ACTION_TARGET] = "target",
        [ACTION_FILTER] = "filter",
        [ACTION_SORT] = "sort",
        [ACTION_PERIOD] = "period",
        [ACTION_NEW] = "new",
        [ACTION_PAUSE] = "pause",
        [ACTION_RETRY] = "retry",
        [ACTION_DROP] = "drop",
        [ACTION_RESYNC] = "resync",
        [ACTION_RESYNC_SOME] = "resync-some",
        [ACTION_SKIP] = "skip",
        [ACTION_CANCEL_RESYNC] = "cancel-resync",
        [ACTION_REMOVE] = "remove",
        [ACTION_JOURNAL] = "journal",
        [ACTION_INCIDENT] = "incident",
        [ACTION_VERIFY] = "verify",
        [ACTION_REPAIR] = "repair",
        [ACTION_CANCEL_VERIFY] = "cancel-verify",
        [ACTION_HELP] = "help",
        [ACTION_COMMAND] = "command",
        [ACTION_COPY] = "copy",
        [ACTION_REDRAW] = "redraw",
        [ACTION_SUSPEND] = "suspend",
        [ACTION_QUIT] = "quit",
        [ACTION_INTERRUPT] = "interrupt",
    };
    return names[action];
}

const char *keys_place_name(KeysPlace place)
{
    switch (place) {
    case KEYS_PIPES:
        return "pipes";
    case KEYS_PIPE:
        return "pipe";
    case KEYS_TABLE:
        return "table";
    case KEYS_NEW:
        return "new";
    case KEYS_INCIDENT:
        return "incident";
    case KEYS_JOURNAL:
        return "journal";
    case KEYS_HELP:
        return "help";
    case KEYS_SETTINGS:
        return "settings";
    case KEYS_EDITING:
        return "editing";
    case KEYS_ADD:
        return "add";
    case KEYS_VERIFY:
        return "verify";
    }
    return "?";
}

/* -- names of keys -- */

static const struct {
    int key;
    const char *name, *sign;
} named[] = {
    {KEYCODE_ENTER, "Enter", "⏎"},
    {KEYCODE_TAB, "Tab", NULL},
    {KEYCODE_BACKTAB, "Shift-Tab", NULL},
    {KEYCODE_ESC, "Esc", NULL},
    {' ', "Space", NULL},
    {KEYCODE_UP, "Up", "↑"},
    {KEYCODE_DOWN, "Down", "↓"},
    {KEYCODE_LEFT, "Left", "←"},
    {KEYCODE_RIGHT, "Right", "→"},
    {KEYCODE_PAGE_UP, "PgUp", NULL},
    {KEYCODE_PAGE_DOWN, "PgDn", NULL},
    {KEYCODE_HOME, "Home", NULL},
    {KEYCODE_END, "End", NULL},
    {KEYCODE_DELETE, "Del", NULL},
    {KEYCODE_BACKSPACE, "Backspace", NULL},
};

char *keys_name(int key, bool signs)
{
    for (gsize i = 0; i < G_N_ELEMENTS(named); i++)
        if (named[i].key == key)
            return g_strdup(signs && named[i].sign ? named[i].sign : named[i].name);
    if (key > KEYCODE_F0 && key <= KEYCODE_F10)
        return g_strdup_printf("F%d", key - KEYCODE_F0);
    if (key < ' ')
        return g_strdup_printf("^%c", key + '@');
    char text[7] = {0};
    g_unichar_to_utf8((gunichar)key, text);
    return g_strdup(text);
}

int keys_from_name(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(named); i++)
        if (g_ascii_strcasecmp(named[i].name, name) == 0 || g_strcmp0(named[i].sign, name) == 0)
            return named[i].key;
    if (!g_utf8_validate(name, -1, NULL) || !*name)
        return KEYCODE_NONE;
    if (g_utf8_strlen(name, -1) == 1)
        return g_unichar_isprint(g_utf8_get_char(name)) ? (int)g_utf8_get_char(name) : KEYCODE_NONE;
    if (name[0] == '^' && name[2] == '\0' && g_ascii_isalpha(name[1]))
        return KEY_CTRL(name[1]);
    guint64 number;
    if (g_ascii_toupper(name[0]) == 'F' && g_ascii_string_to_unsigned(name + 1, 10, 1, 10, &number, NULL))
        return KEYCODE_F0 + (int)number;
    return KEYCODE_NONE;
}

/* -- the keys that hold -- */

struct Keymap {
    int keys[KEYS_PLACES][G_N_ELEMENTS(bindings)][KEYS_PER_BINDING];
};

Keymap *keymap_new(void)
{
    Keymap *map = g_new0(Keymap, 1);
    for (int place = 0; place < KEYS_PLACES; place++)
        for (gsize i = 0; i < G_N_ELEMENTS(bindings); i++)
            memcpy(map->keys[place][i], bindings[i].keys, sizeof bindings[i].keys);
    return map;
}

void keymap_free(Keymap *map)
{
    g_free(map);
}

static int number_of(KeysPlace place)
{
    int number = g_bit_nth_lsf(place, -1);
    g_assert(number >= 0 && number < KEYS_PLACES);
    return number;
}

const int *keymap_keys(const Keymap *map, KeysPlace place, unsigned binding)
{
    g_assert(binding < G_N_ELEMENTS(bindings));
    return map->keys[number_of(place)][binding];
}

void keymap_set(Keymap *map, KeysPlace place, unsigned binding, const int keys[KEYS_PER_BINDING])
{
    g_assert(binding < G_N_ELEMENTS(bindings));
    memcpy(map->keys[number_of(place)][binding], keys, sizeof bindings[binding].keys);
}

KeyAction keymap_action(const Keymap *map, KeysPlace place, int key)
{
    if (key == '\n')
        key = KEYCODE_ENTER;
    for (unsigned i = 0; i < G_N_ELEMENTS(bindings); i++) {
        const int *keys = keymap_keys(map, place, i);
        for (int k = 0; (bindings[i].places & place) && k < KEYS_PER_BINDING && keys[k]; k++)
            if (keys[k] == key)
                return bindings[i].action;
    }
    return ACTION_NONE;
}

char *keymap_label(const Keymap *map, KeysPlace place, unsigned binding, bool ascii)
{
    GString *label = g_string_new(NULL);
    for (unsigned i = binding; i < G_N_ELEMENTS(bindings); i++) {
        if (!(bindings[i].places & place))
            continue;
        if (i > binding && bindings[i].help)
            break;
        const int *keys = keymap_keys(map, place, i);
        for (int k = 0; k < KEYS_PER_BINDING && keys[k]; k++) {
            g_autofree char *name = keys_name(keys[k], !ascii);
            g_string_append_printf(label, "%s%s", k ? " " : i > binding ? "  " : "", name);
        }
    }
    return g_string_free(label, FALSE);
}

/* As the footer names it: words in small letters. */
static char *short_name(int key, bool ascii)
{
    char *name = keys_name(key, !ascii);
    bool word = strlen(name) > 2 && g_ascii_isalpha(name[0]) && key <= KEYCODE_F0;
    if (!word)
        return name;
    char *small = g_ascii_strdown(name, -1);
    g_free(name);
    return small;
}

char *keymap_key(const Keymap *map, KeysPlace place, KeyAction action, bool ascii)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bindings); i++)
        if (bindings[i].action == action && (bindings[i].places & place))
            return short_name(keymap_keys(map, place, i)[0], ascii);
    return g_strdup("?");
}

/* -- the footer -- */

void keys_footer(const Keymap *map, Canvas *canvas, int row, KeysPlace place,
                 bool (*can)(const void *data, KeyAction action), const void *data)
{
    struct {
        char *name; /* NULL: not shown */
        int width;
    } shown[G_N_ELEMENTS(bindings)] = {{0}};
    int width = 1, col = 1;
    for (unsigned i = 0; i < G_N_ELEMENTS(bindings); i++) {
        if (!bindings[i].word || !(bindings[i].places & place) || (can && !can(data, bindings[i].action)))
            continue;
        shown[i].name = short_name(keymap_keys(map, place, i)[0], canvas->ascii);
        shown[i].width = canvas_text_width(canvas, shown[i].name) + 1 + canvas_text_width(canvas, bindings[i].word) + 2;
        width += shown[i].width;
    }
    for (int rank = 9; rank > 0 && width - 2 > canvas->cols; rank--)
        for (gsize i = G_N_ELEMENTS(bindings); i-- > 0 && width - 2 > canvas->cols;)
            if (shown[i].name && bindings[i].rank == rank) {
                g_clear_pointer(&shown[i].name, g_free);
                width -= shown[i].width;
            }
    for (gsize i = 0; i < G_N_ELEMENTS(bindings); i++) {
        if (!shown[i].name)
            continue;
        col += canvas_text(canvas, row, col, canvas->cols - col, STYLE_KEY, shown[i].name) + 1;
        col += canvas_text(canvas, row, col, canvas->cols - col, STYLE_TEXT, bindings[i].word) + 2;
        g_free(shown[i].name);
    }
}
