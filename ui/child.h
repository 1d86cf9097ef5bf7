/* child.h - a command of this program as a process of its own, whose output is read as it comes.
 *
 * It has no terminal: its stdin is /dev/null and its session is its own, so that ^Z and a lost terminal are the
 * screen's alone. Nothing here waits.
 */
#ifndef SLUICE_UI_CHILD_H
#define SLUICE_UI_CHILD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Child Child;

/* `words`: what follows `sluice`. */
Child *child_start(const char *state_dir, char **words, GError **error);
/* Kills it where it still runs. */
void child_free(Child *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Child, child_free)

/* What to wait for: descriptors (-1: none), and a monotonic µs at which to look again (0: no need). */
void child_wait_for(const Child *child, int fds[2], int64_t *wake_at);
/* Takes what has come. */
void child_read(Child *child);
/* True once it has ended and all was read. A signal that ended it gives its negative number. */
bool child_ended(Child *child, int *code);
void child_stop(Child *child); /* SIGTERM: Esc */

const char *child_output(const Child *child); /* as it came, the first MiB */
const char *child_errors(const Child *child);

#endif
