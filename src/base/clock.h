/* clock.h - monotonic time for waits, real time for what is shown and stored. */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_usec(void);
int64_t clock_real_usec(void); /* since 1970-01-01 UTC */
int64_t clock_real_nsec(void);

/* RFC 3339 UTC with milliseconds, "2026-11-23T14:02:31.123Z"; `out` holds at least 25 bytes. Returns `out`. */
char *clock_format_rfc3339(int64_t real_usec, char *out);

#endif
