#include "base/backoff.h"

int64_t backoff_usec(unsigned tries, uint32_t random)
{
    int64_t usec = BACKOFF_FIRST_USEC;
    for (unsigned i = 1; i < tries && usec < BACKOFF_MAX_USEC; i++)
        usec *= 2;
    if (usec > BACKOFF_MAX_USEC)
        usec = BACKOFF_MAX_USEC;
    return usec / 4 * 3 + (int64_t)((double)(usec / 4) * ((double)random / (double)UINT32_MAX));
}
