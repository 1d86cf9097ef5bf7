/* headroom.h - how long until the server purges the oldest log that a pipe still needs (replication.md, Lag). Pure.
 */
#ifndef SLUICE_PIPE_HEADROOM_H
#define SLUICE_PIPE_HEADROOM_H

#include <stdint.h>

typedef struct {
    int64_t keep_seconds;   /* a log is purged so long after it was closed; -1: never */
    int64_t keep_bytes;     /* the oldest are, once all together hold more; -1: never */
    int64_t closed_seconds; /* for how long the needed log has been closed, at most; 0: it is the one being written; -1:
                               not known */
    int64_t needed_bytes;   /* of the needed log and all behind it; -1: not known */
    double write_rate;      /* at which logs grow, bytes a second; -1: not known */
} HeadroomFacts;

typedef enum { HEADROOM_UNKNOWN, HEADROOM_BY_TIME, HEADROOM_BY_SIZE } HeadroomLimit;

/* Seconds, by the limit that comes first; -1 when none is known to come. `by` may be NULL. */
int64_t headroom_seconds(const HeadroomFacts *facts, HeadroomLimit *by);

#define HEADROOM_LOW  (24 * 3600)
#define HEADROOM_LAST (2 * 3600)

/* How near the loss is: 0 far, 1 below a day, 2 below two hours. What was told (`before`) is told again only after
 * headroom had grown clear of the bound; a headroom that is not known changes nothing. */
unsigned headroom_level(int64_t seconds, unsigned before);

#endif
