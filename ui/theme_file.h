/* theme_file.h - theme.conf, by which an operator changes what cells look like.
 *
 *     [styles]
 *     wait = yellow bold       a style of theme.h: a colour's name, 0 to 255 or default; bold dim reverse underline
 */
#ifndef SLUICE_UI_THEME_FILE_H
#define SLUICE_UI_THEME_FILE_H

#include <glib.h>

#include "theme.h"

/* What the file chooses. A line that is wrong is told in `problems`, and the default holds. */
ThemeChoice theme_file_load(GPtrArray *problems);
/* The default theme (of 256 colours) as such a file. Free with g_free. */
char *theme_file_text(void);

#endif
