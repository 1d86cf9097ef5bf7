/* term.h - the only file that knows curses, terminals and signals.
 *
 * Signals become events through a self-pipe that is installed before curses begins, for curses' own handlers would end
 * the program. Only the main thread calls these functions, and only it has signals unblocked.
 */
#ifndef SLUICE_UI_TERM_H
#define SLUICE_UI_TERM_H

#include "canvas.h"

#define TERM_MAX_OTHERS 3
#define TERM_COPY_MAX   74994 /* bytes: what xterm takes in one OSC 52 */

typedef struct Term Term;

typedef enum {
    TERM_NOTHING, /* the time is over, or another descriptor is readable */
    TERM_KEY,
    TERM_RESIZED,   /* or back from the shell: everything has to be drawn */
    TERM_INTERRUPT, /* SIGINT: asks like q */
    TERM_SUSPEND,   /* SIGTSTP from outside */
    TERM_LOST,      /* hang-up, end of file, SIGTERM: the screen ends */
} TermEvent;

/* Blocks the signals in the calling thread, so that threads started from here on have them blocked. */
void term_block_signals(void);

/* Whether there is a terminal to take at all. */
bool term_usable(GError **error);
/* Takes the terminal; with the mouse, where it is wanted. `choice` may be NULL. */
Term *term_open(bool ascii, const ThemeChoice *choice, bool mouse, GError **error);
void term_close(Term *term);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Term, term_close)

const Theme *term_theme(const Term *term);
void term_size(const Term *term, int *rows, int *cols);

/* Waits for a key, a signal or one of `others` (< 0: none), at most `timeout_ms` (< 0: for ever). */
TermEvent term_wait(Term *term, const int *others, int n_others, int timeout_ms, int *key);
/* The next key typed without waiting: TERM_KEY, TERM_NOTHING or TERM_LOST. */
TermEvent term_key(Term *term, int *key);
int term_click_row(const Term *term); /* of the last KEYCODE_CLICK */

/* Shows the canvas, which must have the terminal's size. Only what changed is sent. */
void term_paint(Term *term, const Canvas *canvas);
/* Hands a text to the terminal's clipboard (OSC 52), which it may refuse without a word. False: it is too long for
 * that, or this kind of terminal would show it. */
bool term_copy(Term *term, const char *text);
void term_redraw(Term *term);  /* the next paint sends everything */
void term_suspend(Term *term); /* to the shell; returns when continued */

#endif
