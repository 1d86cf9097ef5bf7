#include "pipe/headroom.h"

#include <glib.h>

#define CLEAR(bound) ((bound) + (bound) / 10)

static int64_t by_time(const HeadroomFacts *facts)
{
    if (facts->keep_seconds < 0 || facts->closed_seconds < 0)
        return -1;
    return MAX((int64_t)0, facts->keep_seconds - facts->closed_seconds);
}

/* All logs before the needed one go first. */
static int64_t by_size(const HeadroomFacts *facts)
{
    if (facts->keep_bytes < 0 || facts->needed_bytes < 0)
        return -1;
    int64_t left = facts->keep_bytes - facts->needed_bytes;
    if (left <= 0)
        return 0;
    if (facts->write_rate <= 0) /* nothing is written, or it is not known */
        return -1;
    double seconds = (double)left / facts->write_rate;
    return seconds < 1e15 ? (int64_t)seconds : -1;
}

int64_t headroom_seconds(const HeadroomFacts *facts, HeadroomLimit *by)
{
    int64_t time = by_time(facts), size = by_size(facts);
    HeadroomLimit first = HEADROOM_UNKNOWN;
    if (time >= 0 && (size < 0 || time <= size))
        first = HEADROOM_BY_TIME;
    else if (size >= 0)
        first = HEADROOM_BY_SIZE;
    if (by)
        *by = first;
    return first == HEADROOM_BY_TIME ? time : size;
}

static unsigned level_at(int64_t seconds, int64_t low, int64_t last)
{
    return seconds < last ? 2 : seconds < low ? 1 : 0;
}

unsigned headroom_level(int64_t seconds, unsigned before)
{
    if (seconds < 0)
        return before;
    unsigned now = level_at(seconds, HEADROOM_LOW, HEADROOM_LAST);
    return now >= before ? now : MIN(before, level_at(seconds, CLEAR(HEADROOM_LOW), CLEAR(HEADROOM_LAST)));
}
