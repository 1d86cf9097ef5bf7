/* commands.h - `:`: a line with the shell's words, run as a process of its own while the screen goes on.
 *
 * Its output is shown in a box, its error as the message. What cannot be undone is asked for here, by the question that
 * the command itself would have asked, and the pipe's name has to be typed.
 */
#ifndef SLUICE_UI_COMMANDS_H
#define SLUICE_UI_COMMANDS_H

#include "screen.h"

typedef struct Commands Commands;

Commands *commands_new(const UiOptions *options);
void commands_free(Commands *commands); /* ends what still runs */

void commands_begin(Commands *commands, Ui *ui);
/* A command that the screen showed ("sluice pause orders"): it can be brought back and changed. */
void commands_remember(Commands *commands, const char *command);
/* True: the key was taken. */
bool commands_key(Commands *commands, Ui *ui, CommandSubject subject, int key);

/* What to wait for, as child_wait_for. */
void commands_wait_for(const Commands *commands, int fds[2], int64_t *wake_at);
/* Takes what has come. */
void commands_take(Commands *commands, Ui *ui);

/* What is said above the keys when nothing else is; NULL: nothing. */
const char *commands_hint(const Commands *commands);
void commands_draw(Commands *commands, Canvas *canvas);

#endif
