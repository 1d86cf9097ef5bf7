/* caller.h - private to src/cli: who answers a command. The engine over its socket; where none runs, for commands that
 * work then too, the engine room opened in this process (the catalog alone). */
#ifndef SLUICE_CLI_CALLER_H
#define SLUICE_CLI_CALLER_H

#include "cli/cli.h"
#include "control/control.h"

typedef struct Caller Caller;

/* `offline`: the command also works while no engine runs. */
Caller *caller_open(const Cli *cli, bool offline, GError **error);
void caller_free(Caller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Caller, caller_free)
bool caller_is_live(const Caller *caller); /* an engine runs */
int caller_fd(const Caller *caller);       /* of the connection; only while live */

/* Sends a request and returns its answer, also one that holds an error; NULL: none came. */
json_t *caller_exchange(Caller *caller, json_t *request_take, GError **error);
/* Errors in the answer come as GError. */
json_t *caller_ask(Caller *caller, json_t *request_take, GError **error);

View *caller_view(Caller *caller, GError **error);
/* The pipe of a view, or SLUICE_ERROR_NOT_FOUND. */
const ViewPipe *caller_find_pipe(const View *view, const char *name, GError **error);

/* Polls until `reached` says that it is (a pipe that is gone is NULL). False with an error where `reached` set one. A pipe
 * that is Failed since `failed_since` is not looked at: what was asked for has not been taken up yet (0: look at once). */
typedef bool (*CallerReached)(const ViewPipe *pipe, GError **error);
bool caller_wait(Caller *caller, const char *name, int64_t failed_since, CallerReached reached, GError **error);

#endif
