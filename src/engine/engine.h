/* engine.h - the face of src/engine: all pipes together, and the requests that screens and commands send.
 *
 * An Engine owns the catalog of a state dir. Opened only, it answers the requests that work while no engine runs
 * (commands.md: create, status, tables, set, log, pause, retry, drop); started, its pipes run and all requests work.
 */
#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct Engine Engine;

/* Takes the lock of the state dir and opens the catalog. SLUICE_ERROR_REFUSED when another process holds it, with its pid. */
Engine *engine_open(const char *state_dir, GError **error);
void engine_close(Engine *engine); /* stops what runs, cleanly; NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_close)

/* Answers one request of control/protocol.h (borrowed). Blocks for as long as the request takes; thread-safe. New
 * reference, never NULL. `watch` is the server's own affair. */
json_t *engine_request(Engine *engine, const json_t *request);

/* The engine's process, `sluice run`: starts every pipe (paused ones stay so; `paused`: all of them), serves the socket,
 * until SIGTERM, SIGINT or a `stop` request; then stops cleanly. `ready_fd` >= 0: one byte is written when the socket
 * answers, or one line of error. Returns the exit code. */
int engine_run(const char *state_dir, bool paused, int ready_fd);

/* Preflight alone, without a state dir (`sluice check`): a request {"do": "check", ...} is answered. */
json_t *engine_check(const json_t *request, const char *state_dir);

#endif
