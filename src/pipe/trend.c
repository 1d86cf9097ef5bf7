#include "pipe/trend.h"

#define CELLS     3    /* steps of the history that must all go down */
#define SMALL_LAG 10   /* seconds: not worth an estimate */
#define SLOWEST   0.02 /* seconds of lag that go in a second: below it is no catching up */

int64_t trend_catching_up(const PipeHistoryCell *cells, unsigned n, double lag_seconds)
{
    if (n < CELLS + 1 || lag_seconds <= SMALL_LAG)
        return -1;
    const PipeHistoryCell *first = cells + n - CELLS - 1;
    for (unsigned i = 0; i < CELLS; i++)
        if (first[i + 1].lag < 0 || first[i].lag < 0 || first[i + 1].lag >= first[i].lag)
            return -1;
    double rate = (first[0].lag - first[CELLS].lag) / (CELLS * PIPE_HISTORY_CELL);
    return rate < SLOWEST ? -1 : (int64_t)(lag_seconds / rate + 0.5);
}
