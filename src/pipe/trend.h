/* trend.h - where a pipe's lag is going. Pure.
 */
#ifndef SLUICE_PIPE_TREND_H
#define SLUICE_PIPE_TREND_H

#include "pipe/pipe.h"

/* Seconds until a lag that shrinks is gone, by the last minute's cells; -1: it is small, does not shrink steadily, or
 * is not known. */
int64_t trend_catching_up(const PipeHistoryCell *cells, unsigned n, double lag_seconds);

#endif
