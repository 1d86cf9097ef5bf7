/* ui.h - the face of the dashboard. Knows only src/control (and src/base): no database, no engine. */
#ifndef SLUICE_UI_UI_H
#define SLUICE_UI_UI_H

#include <glib.h>
#include <stdbool.h>

#include "control/view.h"

/* A word of the command line. */
typedef struct {
    const char *name, *usage; /* usage: the words after it, as its help shows them */
} UiCommand;

typedef struct {
    const char *state_dir;
    bool ascii;                      /* --ascii */
    const char *stop_engine_on_quit; /* NULL: quitting asks; "yes": stops the engine without asking (quickstart) */
    const UiCommand *commands;       /* of the program, for `:`; a NULL name ends them */
    char *(*explain)(const View *view, const ViewPipe *pipe); /* what is wrong, as text to copy. Free with g_free */
    const char *record;              /* a file to be made, see recording.h; NULL: none */
    const char *replay;              /* such a file, shown in place of an engine; NULL: none */
} UiOptions;

/* The dashboard, from attaching to quitting. Starts an engine where none answers, unless a recording is replayed. Returns
 * the exit code; an error before the terminal was taken is printed as one line on stderr. */
int ui_run(const UiOptions *options);

/* The default keys and looks, as files that change them. Free with g_free. */
char *ui_keys_text(void);
char *ui_theme_text(void);

#endif
