/* keys.h - the one keymap. The footer, the help screen and the man page's list are made from it. */
#ifndef SLUICE_UI_KEYS_H
#define SLUICE_UI_KEYS_H

#include "canvas.h"

/* A key is a character (control ones as their byte) or one of these. */
enum {
    KEYCODE_NONE = 0,
    KEYCODE_TAB = 9,
    KEYCODE_ENTER = 13,
    KEYCODE_ESC = 27,
    KEYCODE_UP = 0x110000, /* above all of Unicode */
    KEYCODE_DOWN,
    KEYCODE_LEFT,
    KEYCODE_RIGHT,
    KEYCODE_PAGE_UP,
    KEYCODE_PAGE_DOWN,
    KEYCODE_HOME,
    KEYCODE_END,
    KEYCODE_BACKTAB,
    KEYCODE_BACKSPACE,
    KEYCODE_DELETE,
    KEYCODE_F0, /* F1 is KEYCODE_F0 + 1, to F10 */
    KEYCODE_F10 = KEYCODE_F0 + 10,
};
#define KEY_CTRL(letter) ((letter)&0x1f)

typedef enum {
    ACTION_NONE,
    ACTION_UP,
    ACTION_DOWN,
    ACTION_PAGE_UP,
    ACTION_PAGE_DOWN,
    ACTION_HALF_UP,
    ACTION_HALF_DOWN,
    ACTION_HOME,
    ACTION_END,
    ACTION_OPEN,
    ACTION_BACK,
    ACTION_NEXT,
    ACTION_PREVIOUS,
    ACTION_CHOOSE,
    ACTION_CHOOSE_ALL,
    ACTION_CREATE,
    ACTION_FILTER,
    ACTION_SORT,
    ACTION_NEW,
    ACTION_PAUSE,
    ACTION_RETRY,
    ACTION_DROP,
    ACTION_RESYNC,
    ACTION_SKIP,
    ACTION_CANCEL_RESYNC,
    ACTION_REMOVE,
    ACTION_JOURNAL,
    ACTION_INCIDENT,
    ACTION_HELP,
    ACTION_REDRAW,
    ACTION_SUSPEND,
    ACTION_QUIT,
} KeyAction;

/* Where a binding holds; each screen is one bit. */
typedef enum {
    KEYS_PIPES = 1 << 0,
    KEYS_PIPE = 1 << 1,
    KEYS_NEW = 1 << 2,
    KEYS_INCIDENT = 1 << 3,
    KEYS_JOURNAL = 1 << 4,
    KEYS_HELP = 1 << 5,
    KEYS_TABLE = 1 << 6,
} KeysPlace;

#define KEYS_PER_BINDING 5

typedef struct {
    unsigned places;
    int keys[KEYS_PER_BINDING]; /* KEYCODE_NONE ends them */
    KeyAction action;
    const char *label;              /* all keys as the help names them; NULL: the binding before says it */
    const char *short_label, *word; /* for the footer; NULL: not shown there */
    int rank;                       /* the higher, the sooner the footer drops it where it does not fit */
    const char *help;               /* a sentence; NULL: the binding before says it */
} KeyBinding;

const KeyBinding *keys_table(unsigned *n);
KeyAction keys_action(KeysPlace place, int key);

/* Draws the keys that work here. `can` says whether an action makes sense now (NULL: all). */
void keys_footer(Canvas *canvas, int row, KeysPlace place, bool (*can)(const void *data, KeyAction action),
                 const void *data);

#endif
