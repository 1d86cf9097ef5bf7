/* supervisor.h - private to src/pipe: the thread that runs a pipe's life. */
#ifndef SLUICE_PIPE_SUPERVISOR_H
#define SLUICE_PIPE_SUPERVISOR_H

#include "pipe/pipe_private.h"

void *supervisor_main(void *pipe);
/* Before the thread is started: a pipe that would run is Paused instead. */
void supervisor_pause_first(Pipe *pipe);

#endif
