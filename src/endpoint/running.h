/* running.h - the queries that run now: their ids, their number, and whether new ones may begin. */
#ifndef SLUICE_ENDPOINT_RUNNING_H
#define SLUICE_ENDPOINT_RUNNING_H

#include <glib.h>
#include <stdbool.h>

typedef struct Running Running;

Running *running_new(unsigned limit); /* `limit`: queries at once; the engine has no cap of its own */
void running_free(Running *running);

/* Counts a query in. Refused: an id that runs already, all slots taken (but for `urgent`), or shutting down. */
bool running_enter(Running *running, const char *query_id, bool urgent, GError **error);
void running_leave(Running *running, const char *query_id);

/* No new queries from now on. */
void running_close(Running *running);
/* Waits until none runs. False after `seconds`. */
bool running_wait(Running *running, unsigned seconds);

#endif
