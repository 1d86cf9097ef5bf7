/* incident.h - the whole story of a pipe that fails: what, why, what is lost, what can be done, and how it stays away
 * (dashboard.md, the incident view). Private to src/pipe. */
#ifndef SLUICE_PIPE_INCIDENT_H
#define SLUICE_PIPE_INCIDENT_H

#include "pipe/pipe_private.h"

/* The error of a Failed pipe as JSON text; free with g_free. Where the log is gone the source is asked what it still
 * has. By the supervisor, while no Work runs. */
char *incident_json(Pipe *pipe, const GError *error, const RetryDecision *decision);
/* The pipe is Failed, and is to be loaded again by itself. */
bool incident_wants_resync(const Pipe *pipe);

#endif
