/* work.h - starting and ending the threads of a pipe. Private to src/pipe; called by the supervisor alone. */
#ifndef SLUICE_PIPE_WORK_H
#define SLUICE_PIPE_WORK_H

#include "pipe/pipe_private.h"

/* Stream, monitor, senders, and readers when `load`. `stops`: MESSAGE_REACHED is posted when the stream has reached what was
 * logged when all tables were loaded (or now, without `load`). */
Work *work_start(Pipe *pipe, bool load, bool stops, GError **error);
/* Ends reading; what was read is still sent, until the deadline (0: none). A stronger reason replaces a weaker one. */
void work_end(Work *work, EndReason reason, int64_t deadline);
/* A thread said that it ended. True when it was the last one. */
bool work_thread_ended(Work *work, bool sender);
/* Past the deadline: gives up what was not sent. */
void work_enforce_deadline(Work *work);
/* Joins; all threads have ended. */
void work_free(Work *work);

#endif
