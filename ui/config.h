/* config.h - what an operator may set for the screen: files of GLib's key file form in $XDG_CONFIG_HOME/sluice.
 *
 * A file that is wrong never keeps the screen from opening: what is wrong is told as a line, and the default stays.
 */
#ifndef SLUICE_UI_CONFIG_H
#define SLUICE_UI_CONFIG_H

#include <glib.h>

/* Adds "keys.conf: …" to `problems` (char *, freed by it). */
void config_problem(GPtrArray *problems, const char *file, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The file of that name; NULL where there is none or it cannot be read, which is a problem. */
GKeyFile *config_load(const char *file, GPtrArray *problems);
/* The words of a value, at blanks. Free with g_strfreev. */
char **config_words(GKeyFile *config, const char *section, const char *name);

#endif
