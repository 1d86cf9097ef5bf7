/* client.h - how screens and commands speak to the engine.
 *
 * A Client is one connection. client_call is for commands: it blocks. A screen gives its fd to poll and calls
 * client_receive when it is readable.
 */
#ifndef SLUICE_CONTROL_CLIENT_H
#define SLUICE_CONTROL_CLIENT_H

#include "control/protocol.h"
#include "control/view.h"

typedef struct Client Client;

/* SLUICE_ERROR_NOT_RUNNING when no engine answers on that state dir. */
Client *client_connect(const char *state_dir, GError **error);
void client_free(Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

int client_fd(const Client *client);

/* Sends a request (an `id` is added) and waits for its answer; errors in the answer come as GError. Views that arrive
 * meanwhile are dropped. `timeout_ms` < 0: for ever. New reference. */
json_t *client_call(Client *client, json_t *request_take, int timeout_ms, GError **error);

/* The same, but an answer that holds an error is returned too, for whoever wants what stands beside the error (the checks
 * of `create`). NULL: no answer came. */
json_t *client_exchange(Client *client, json_t *request_take, int timeout_ms, GError **error);

/* For screens: sends without waiting, returns the request's id (> 0), 0 on error. */
int64_t client_send(Client *client, json_t *request_take, GError **error);
/* Reads what is there without blocking. False: the connection ended (error says why). Then pull. */
bool client_receive(Client *client, GError **error);
/* The next message received: an answer (has "id") or a view (has "view"). NULL: none waiting. */
json_t *client_pull(Client *client);

/* The path of the program that runs here, to start it again. Free with g_free. */
char *client_own_program(void);

/* Starts an engine on that state dir (`sluice run --detach`, posix_spawn of our own executable) where none answers, and
 * connects. `started` (may be NULL): whether it was started by this call. */
Client *client_connect_or_start(const char *state_dir, bool *started, GError **error);

#endif
