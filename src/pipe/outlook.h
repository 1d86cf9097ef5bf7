/* outlook.h - the headroom of a pipe, kept up to date. Private to src/pipe. */
#ifndef SLUICE_PIPE_OUTLOOK_H
#define SLUICE_PIPE_OUTLOOK_H

#include "pipe/pipe_private.h"

/* Bytes from a position to the end of the log; -1 when the position's file is not in the list (of SourceLog). */
int64_t outlook_bytes_from(const GArray *logs, const char *end_file, uint64_t end_pos, const char *file, uint64_t pos);
/* What the source's logs are now. Brings the headroom up to date, and writes to the journal when it has become small.
 */
void outlook_note(Pipe *pipe, const GArray *logs, const char *end_file, uint64_t end_pos);
bool outlook_ask_limits(Pipe *pipe, SourceConnection *source, GError **error);
int64_t outlook_headroom_unlocked(const Pipe *pipe); /* with Pipe.lock held; seconds, -1: not known */

char *outlook_duration(int64_t seconds); /* "29 min"; free with g_free */
char *outlook_limits_text(
    const SourceLogLimits *limits); /* "it keeps closed logs for ..."; "" without limits; free with g_free */

/* Of the supervisor. */
typedef struct Lookout Lookout;
Lookout *lookout_new(Pipe *pipe);
void lookout_tick(Lookout *lookout); /* while paused or failed, about once a second; never blocks */
void lookout_rest(Lookout *lookout); /* others look; ends a look that is under way */
void lookout_free(Lookout *lookout);

#endif
