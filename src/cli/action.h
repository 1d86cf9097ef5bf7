/* action.h - private to src/cli: requests that the engine accepts at once, and waiting for what comes of them. */
#ifndef SLUICE_CLI_ACTION_H
#define SLUICE_CLI_ACTION_H

#include "cli/caller.h"

/* Sends it, and waits when `reached` is given. Returns the exit code; errors are told. */
int action_send(Caller *caller, const char *name, json_t *request_take, CallerReached reached);
/* What was accepted is carried out, and nothing is loaded, exchanged or removed any more. */
bool action_is_settled(const ViewPipe *pipe, GError **error);

#endif
