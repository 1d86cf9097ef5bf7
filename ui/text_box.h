/* text_box.h - a longer text in a box over the screen, which scrolls: what a command printed, or what was copied. */
#ifndef SLUICE_UI_TEXT_BOX_H
#define SLUICE_UI_TEXT_BOX_H

#include "canvas.h"
#include "keys.h"

typedef struct TextBox TextBox;

/* Any bytes, lines with \n; `note` stands at the foot. */
TextBox *text_box_new(const char *title, const char *note, const char *text);
void text_box_free(TextBox *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TextBox, text_box_free)
/* False: it is to be closed. */
bool text_box_key(TextBox *box, const Keymap *map, int key);
void text_box_draw(TextBox *box, Canvas *canvas);

#endif
