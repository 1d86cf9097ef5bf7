/* drop.h - private to src/pipe: the end of a pipe, at the destination and in the catalog. No Work runs. */
#ifndef SLUICE_PIPE_DROP_H
#define SLUICE_PIPE_DROP_H

#include "pipe/pipe_private.h"

/* What resyncs have left of the pipe's at the destination goes in any case, its tables with `drop_target`. A destination that cannot be
 * asked does not keep the pipe: `note` says what is left there then, as the journal does (free with g_free); NULL: nothing.
 * False: it is still in the catalog. */
bool drop_pipe(Pipe *pipe, bool drop_target, char **note, GError **error);
/* Out of the catalog, with what is kept beside it. */
bool drop_record(const PipeEnv *env, Catalog *catalog, int64_t pipe_id, const char *uuid, GError **error);

#endif
