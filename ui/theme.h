/* theme.h - what a cell may look like, by meaning, and how that is shown with the colours a terminal has. No curses
 * here. */
#ifndef SLUICE_UI_THEME_H
#define SLUICE_UI_THEME_H

#include <stdbool.h>

/* Colour is kept for what needs a person: WAIT (yellow) and LOST (red). The word and symbol beside it say the same. */
typedef enum {
    STYLE_TEXT,
    STYLE_DIM,   /* frames, labels, figures that are no longer news */
    STYLE_TITLE, /* headings and the marked row */
    STYLE_WAIT,  /* something waits, or headroom gets short */
    STYLE_LOST,  /* something failed, or ground is about to be lost */
    STYLE_KEY,   /* a key's name in the footer */
    STYLE_INPUT, /* a field to type into */
    STYLE_MARK,  /* the name under the cursor */
    STYLE_COUNT
} Style;

enum { THEME_DEFAULT = -1, THEME_RED = 1, THEME_YELLOW = 3, THEME_GREY_256 = 245 };

typedef struct {
    bool bold, dim, reverse, underline;
    int colour; /* palette index or THEME_DEFAULT */
} ThemeAttr;

/* Attributes that an operator chose (theme_file.h), for a terminal with all colours. */
typedef struct {
    bool set[STYLE_COUNT];
    ThemeAttr attrs[STYLE_COUNT];
} ThemeChoice;

typedef struct {
    bool ascii;  /* pure ASCII on the screen */
    int colours; /* that may be used: 0 (monochrome), 8, 16, 256 */
    ThemeAttr attrs[STYLE_COUNT];
} Theme;

/* `colours`: what the terminal has. NO_COLOR (when set and not empty) makes it monochrome. A colour that the terminal
 * does not have becomes the nearest one it has; without colours none is left. `choice` may be NULL. */
Theme theme_new(bool ascii, int colours, const ThemeChoice *choice);
ThemeAttr theme_default(int colours, Style style);
ThemeAttr theme_attr(const Theme *theme, Style style);

#endif
