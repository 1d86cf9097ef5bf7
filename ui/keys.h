/* keys.h - the one keymap. The footer, the help screen and what looks a key up are made from it; keys_file.h changes
 * it. */
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
    KEYCODE_CLICK,
    KEYCODE_WHEEL_UP,
    KEYCODE_WHEEL_DOWN,
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
    ACTION_CHOOSE_SCHEMA,
    ACTION_CREATE,
    ACTION_MARK,
    ACTION_MARK_ALL,
    ACTION_ADD,
    ACTION_ADD_TABLES,
    ACTION_SETTINGS,
    ACTION_TARGET,
    ACTION_FILTER,
    ACTION_SORT,
    ACTION_PERIOD,
    ACTION_NEW,
    ACTION_PAUSE,
    ACTION_RETRY,
    ACTION_DROP,
    ACTION_RESYNC,
    ACTION_RESYNC_SOME,
    ACTION_SKIP,
    ACTION_CANCEL_RESYNC,
    ACTION_REMOVE,
    ACTION_JOURNAL,
    ACTION_VERIFY, /* from the pipe: its screen; there: begins one */
    ACTION_REPAIR,
    ACTION_CANCEL_VERIFY,
    ACTION_INCIDENT,
    ACTION_HELP,
    ACTION_COMMAND,
    ACTION_COPY,
    ACTION_REDRAW,
    ACTION_SUSPEND,
    ACTION_QUIT,
    ACTION_INTERRUPT, /* quits from anywhere */
    ACTION_COUNT
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
    KEYS_SETTINGS = 1 << 7,
    KEYS_EDITING = 1 << 8, /* a value is typed or chosen in place */
    KEYS_ADD = 1 << 9,     /* tables of the source are chosen for a pipe */
    KEYS_VERIFY = 1 << 10,
} KeysPlace;

#define KEYS_PLACES 11 /* how many there are */
#define KEYS_PER_BINDING 5

/* A binding of the default keymap. Keys are named first by what the footer shows. Where the first one is a capital
 * letter, the action loses ground or changes data, and no key of it may be a small letter or a sign. */
typedef struct {
    unsigned places;
    int keys[KEYS_PER_BINDING]; /* KEYCODE_NONE ends them */
    KeyAction action;
    const char *word; /* for the footer; NULL: not shown there */
    int rank;         /* the higher, the sooner the footer drops it where it does not fit */
    const char *help; /* a sentence; NULL: the binding before says it */
} KeyBinding;

const KeyBinding *keys_table(unsigned *n);
const char *keys_action_name(KeyAction action); /* as keys.conf names it: "page-up" */
const char *keys_place_name(KeysPlace place);   /* "pipes" */

/* A key's name: "p", "^U", "F5", "Enter"; where `signs`, "⏎" and arrows. Free with g_free. */
char *keys_name(int key, bool signs);
/* The key of such a name (also ⏎ and arrows), without regard to case where it is a word. KEYCODE_NONE: there is none.
 */
int keys_from_name(const char *name);

/* The keys that hold, place by place: the default ones until they are changed. */
typedef struct Keymap Keymap;

Keymap *keymap_new(void);
void keymap_free(Keymap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Keymap, keymap_free)
/* The KEYS_PER_BINDING keys of a binding of keys_table() in one of its places. */
const int *keymap_keys(const Keymap *map, KeysPlace place, unsigned binding);
void keymap_set(Keymap *map, KeysPlace place, unsigned binding, const int keys[KEYS_PER_BINDING]);
KeyAction keymap_action(const Keymap *map, KeysPlace place, int key);
/* All keys of a binding as the help names them, with those of the bindings that it speaks for. Free with g_free. */
char *keymap_label(const Keymap *map, KeysPlace place, unsigned binding, bool ascii);
/* The first key of an action as the footer names it; "?" where it has none. Free with g_free. */
char *keymap_key(const Keymap *map, KeysPlace place, KeyAction action, bool ascii);

/* Draws the keys that work here. `can` says whether an action makes sense now (NULL: all). */
void keys_footer(const Keymap *map, Canvas *canvas, int row, KeysPlace place,
                 bool (*can)(const void *data, KeyAction action), const void *data);

#endif
