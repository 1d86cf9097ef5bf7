/* cancel.h - ends every blocking wait of a pipe at once.
 *
 * A Cancel is a reference-counted one-way switch. Waits that block elsewhere (sockets, HTTP transfers) register a hook
 * which wakes them, for instance by shutdown(2) of the socket. All functions may be called from any thread.
 */
#ifndef SLUICE_BASE_CANCEL_H
#define SLUICE_BASE_CANCEL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Cancel Cancel;

Cancel *cancel_new(void);
Cancel *cancel_ref(Cancel *cancel);
void cancel_unref(Cancel *cancel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cancel, cancel_unref)

/* Idempotent. Calls every registered hook once, in the caller's thread. */
void cancel_request(Cancel *cancel);
bool cancel_requested(const Cancel *cancel); /* NULL is never cancelled */

/* Sleeps for at most `usec`. Returns true when cancelled (also before the call), false when the time is over. */
bool cancel_sleep(Cancel *cancel, int64_t usec);

/* `hook(data)` runs once when the cancel is requested, at once if it already was. Returns an id > 0. After
 * cancel_remove_hook returns, the hook is not running and never will. A hook must not call back into this Cancel. */
unsigned cancel_add_hook(Cancel *cancel, void (*hook)(void *data), void *data);
void cancel_remove_hook(Cancel *cancel, unsigned id);

/* Sets SLUICE_ERROR_CANCELLED and returns true when requested. */
bool cancel_set_error(const Cancel *cancel, GError **error);

#endif
