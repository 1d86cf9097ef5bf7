#include "base/wait.h"
#include "base/clock.h"

#include <errno.h>
#include <glib.h>
#include <time.h>

void wait_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(cond, &attr);
    g_assert(rc == 0);
    pthread_condattr_destroy(&attr);
}

bool wait_cond_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_usec)
{
    if (deadline_usec < 0) {
        pthread_cond_wait(cond, mutex);
        return true;
    }
    struct timespec at = {.tv_sec = (time_t)(deadline_usec / 1000000),
                          .tv_nsec = (long)(deadline_usec % 1000000) * 1000};
    return pthread_cond_timedwait(cond, mutex, &at) != ETIMEDOUT;
}

int64_t wait_deadline(int64_t usec)
{
    if (usec < 0)
        return -1;
    int64_t now = clock_monotonic_usec();
    return usec > INT64_MAX - now ? -1 : now + usec;
}
