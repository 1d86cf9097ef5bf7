/* canvas.h - a grid of cells to draw on. Screens draw here and term paints the difference, so that every screen can be
 * tested without a terminal.
 *
 * All text goes through printable() on its way in: nothing a server says can reach the terminal as a control byte. Wide
 * characters take two cells, combining ones join the cell before them; text never leaves the columns it was given. On
 * an ASCII canvas our own symbols become their ASCII forms and any other character becomes '?'.
 */
#ifndef SLUICE_UI_CANVAS_H
#define SLUICE_UI_CANVAS_H

#include <glib.h>
#include <stdbool.h>

#include "theme.h"

#define CANVAS_COMBINING 2 /* marks kept per cell; more are dropped */

typedef struct {
    gunichar ch; /* 0: the right half of a wide character */
    gunichar combining[CANVAS_COMBINING];
    Style style;
} CanvasCell;

typedef struct {
    int rows, cols;
    bool ascii;
    int cursor_row, cursor_col; /* where the cursor rests */
    bool cursor_visible;        /* true in a field to type into */
    CanvasCell *cells;          /* rows × cols */
} Canvas;

Canvas *canvas_new(int rows, int cols, bool ascii);
void canvas_free(Canvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Canvas, canvas_free)
const CanvasCell *canvas_cell(const Canvas *canvas, int row, int col);

/* Draws at most `width` columns, cut with an ellipsis. Returns the columns used. Outside the grid nothing is drawn. */
int canvas_text(Canvas *canvas, int row, int col, int width, Style style, const char *text);
int canvas_printf(Canvas *canvas, int row, int col, int width, Style style, const char *format, ...)
    G_GNUC_PRINTF(6, 7);
/* The same, ending at column `col` + `width`. */
void canvas_text_right(Canvas *canvas, int row, int col, int width, Style style, const char *text);
/* Breaks at blanks into at most `max_rows` lines; the last one is cut with an ellipsis. Returns the lines used (>= 1).
 */
int canvas_wrapped(Canvas *canvas, int row, int col, int width, int max_rows, Style style, const char *text);
/* How many lines canvas_wrapped would take without limit. */
int canvas_wrapped_rows(const Canvas *canvas, int width, const char *text);

void canvas_fill(Canvas *canvas, int row, int col, int rows, int cols, Style style, gunichar ch);
void canvas_rule(Canvas *canvas, int row);
void canvas_box(Canvas *canvas, int row, int col, int rows, int cols, Style style); /* with a blank inside */
/* Makes all cells of these rows dim: their figures are no longer news. */
void canvas_dim(Canvas *canvas, int from_row, int to_row);
/* Gives the text cells of a row that style where they have STYLE_TEXT. */
void canvas_emphasise(Canvas *canvas, int row, Style style);

/* Copies whole rows of a canvas of the same width: a window on a longer text. */
void canvas_copy_rows(Canvas *canvas, int row, const Canvas *from, int from_row, int rows);

/* Columns a text takes (after printable). */
int canvas_text_width(const Canvas *canvas, const char *text);
/* The grid as text: lines without trailing blanks. Free with g_free. */
char *canvas_to_string(const Canvas *canvas);

#endif
