/* form.h - a field to type into. */
#ifndef SLUICE_UI_FORM_H
#define SLUICE_UI_FORM_H

#include "canvas.h"

typedef struct {
    GString *text; /* UTF-8 */
    glong cursor;  /* in characters, 0..length */
    glong left;    /* the first character shown */
} LineEdit;

void line_edit_init(LineEdit *edit, const char *text);
void line_edit_clear(LineEdit *edit); /* frees */
void line_edit_set(LineEdit *edit, const char *text);
/* True when the key was a character or an editing key. Enter, Esc, Tab and the like are the caller's. */
bool line_edit_key(LineEdit *edit, int key);
/* `shown` (may be NULL) is drawn instead of the text while the field has no focus. */
void line_edit_draw(LineEdit *edit, Canvas *canvas, int row, int col, int width, bool focus, const char *shown);

#endif
