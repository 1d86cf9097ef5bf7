/* reposition.h - a pipe is told to go on from another place in the source's log (lifecycle.md; commands.md,
 * `reposition`).
 *
 * First the place is looked at, and what lies between it and the last good position is told: reposition_check, by
 * whoever asks, for it talks to the source. Then the supervisor goes there: reposition_carry_out, while no Work runs.
 */
#ifndef SLUICE_PIPE_REPOSITION_H
#define SLUICE_PIPE_REPOSITION_H

#include "pipe/pipe.h"

/* By file and position, or by GTID (then `file` is NULL). */
typedef struct {
    const char *file;
    uint64_t pos;
    const char *gtid;
} RepositionWish;

/* `record`, `now` and `tables` (of CatalogTable) are what the catalog says of the pipe. SLUICE_ERROR_REFUSED, SLUICE_ERROR_USAGE: why it cannot be.
 */
PipeReposition *reposition_check(const CatalogPipe *record, const CatalogCheckpoint *now, const GPtrArray *tables,
                                 const RepositionWish *wish, Cancel *cancel, GError **error);

PipeReposition *reposition_copy(const PipeReposition *from);

/* The pipe goes on there, under a new epoch; saved, and in the journal, when it returns. False: the pipe is being
 * stopped. */
bool reposition_carry_out(Pipe *pipe, const PipeReposition *to, GError **error);

/* "bin.000003:4 (gtid 0-1-7)". Free with g_free. */
char *reposition_place(const char *file, uint64_t pos, const char *gtid);
/* "2026-11-26 11:19:58 UTC"; NULL where it is not known. Free with g_free. */
char *reposition_time(int64_t usec);

#endif
