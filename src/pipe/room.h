/* room.h - how much room a pipe has at its destination: free disk, and parts that are not merged yet, of which ClickHouse takes only
 * so many before it slows inserts down and then refuses them (code 252).
 */
#ifndef SLUICE_PIPE_ROOM_H
#define SLUICE_PIPE_ROOM_H

#include "pipe/pipe_private.h"

/* Looks, at most every ten seconds, and notes it in the pipe and its tables. An account that may not see system tables leaves it
 * unknown. Of the monitor thread. */
void room_look(Work *work);
void room_forget(Pipe *pipe); /* nobody looks any more */

#endif
