#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_nsec(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_monotonic_usec(void)
{
    return read_nsec(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_real_usec(void)
{
    return read_nsec(CLOCK_REALTIME) / 1000;
}

int64_t clock_real_nsec(void)
{
    return read_nsec(CLOCK_REALTIME);
}

char *clock_format_rfc3339(int64_t real_usec, char *out)
{
    /* The years that four digits can show: 0000-01-01 to 9999-12-31. */
    const int64_t first = INT64_C(-62167219200) * 1000000, last = INT64_C(253402300799) * 1000000;
    if (real_usec < first)
        real_usec = first;
    if (real_usec > last)
        real_usec = last;
    int64_t msec = real_usec / 1000 - (real_usec % 1000 < 0);
    int64_t sec = msec / 1000 - (msec % 1000 < 0);
    time_t t = (time_t)sec;
    struct tm tm;
    gmtime_r(&t, &tm);
    char text[80]; /* wider than any year needs, so that the compiler can see that nothing is cut */
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(msec - sec * 1000));
    for (unsigned i = 0; i < 25; i++)
        out[i] = text[i];
    out[24] = '\0';
    return out;
}
