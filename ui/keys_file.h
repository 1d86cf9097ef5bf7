/* keys_file.h - keys.conf, by which an operator changes the keymap.
 *
 *     [pipes]                  a screen, or [all] of them
 *     pause = p F5             an action and its keys, the footer's first
 *     [general]
 *     mouse = on
 */
#ifndef SLUICE_UI_KEYS_FILE_H
#define SLUICE_UI_KEYS_FILE_H

#include "keys.h"

/* Changes the keymap as the file says. A line that is wrong is told in `problems`, and its keys stay as they are.
 * Returns whether the mouse is wanted. */
bool keys_file_load(Keymap *map, GPtrArray *problems);
/* The default keymap as such a file. Free with g_free. */
char *keys_file_text(void);

#endif
