/* show.h - private to src/cli: a picture as text for people. */
#ifndef SLUICE_CLI_SHOW_H
#define SLUICE_CLI_SHOW_H

#include "control/detail.h"
#include "control/view.h"

#include <jansson.h>

void show_all(const View *view);                              /* a line a pipe, and what is wrong with them */
void show_pipe(const View *view, const ViewPipe *pipe);       /* everything about one */
void show_tables(const ViewPipe *pipe, const char *indent);   /* its tables */
void show_checks(const json_t *checks, bool failed_only);     /* of a preflight, each with its mend */
void show_watch_line(const View *view, const ViewPipe *pipe); /* one line of --watch */

/* show_table.c */
void show_detail(const Detail *detail); /* one table with its columns */
/* Values that were changed on the way, in words; "": none. Free with g_free. */
char *show_changed(int64_t zero_dates, int64_t clamped, int64_t undecodable);

#endif
