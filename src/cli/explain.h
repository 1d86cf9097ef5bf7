/* explain.h - the incident view as text: what, why, since when, what is safe, and what can be done. */
#ifndef SLUICE_CLI_EXPLAIN_H
#define SLUICE_CLI_EXPLAIN_H

#include "control/view.h"

/* Printable lines. In *well whether nothing is wrong. Free with g_free. */
char *explain_text(const View *view, const ViewPipe *pipe, bool *well);

#endif
