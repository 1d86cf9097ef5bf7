/* backoff.h - exponential backoff with jitter, pure: time and randomness are the caller's. */
#ifndef SLUICE_BASE_BACKOFF_H
#define SLUICE_BASE_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_USEC (1000 * 1000)
#define BACKOFF_MAX_USEC   (60 * 1000 * 1000)

/* Wait before try number `tries` + 1, after `tries` (>= 1) failures: 1 s doubled each time, at most 60 s, times 0.75 to
 * 1.0 as chosen by `random`. */
int64_t backoff_usec(unsigned tries, uint32_t random);

#endif
