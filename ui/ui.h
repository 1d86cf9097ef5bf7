/* ui.h - the face of the dashboard. Knows only src/control (and src/base): no database, no engine. */
#ifndef SLUICE_UI_UI_H
#define SLUICE_UI_UI_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    const char *state_dir;
    bool ascii;                      /* --ascii */
    const char *stop_engine_on_quit; /* NULL: quitting asks; "yes": stops the engine without asking (quickstart) */
} UiOptions;

/* The dashboard, from attaching to quitting. Starts an engine where none answers. Returns the exit code; an error
 * before the terminal was taken is printed as one line on stderr. */
int ui_run(const UiOptions *options);

#endif
