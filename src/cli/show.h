/* show.h - private to src/cli: a picture as text for people. */
#ifndef SLUICE_CLI_SHOW_H
#define SLUICE_CLI_SHOW_H

#include "control/view.h"

#include <jansson.h>

void show_all(const View *view);                              /* a line a pipe, and what is wrong with them */
void show_pipe(const View *view, const ViewPipe *pipe);       /* everything about one */
void show_tables(const ViewPipe *pipe, const char *indent);   /* its tables */
void show_checks(const json_t *checks, bool failed_only);     /* of a preflight, each with its mend */
void show_watch_line(const View *view, const ViewPipe *pipe); /* one line of --watch */

#endif
