/* history.h - a pipe's figures over time: cells of a fixed length on a clock that all pipes share. Pure. */
#ifndef SLUICE_PIPE_HISTORY_H
#define SLUICE_PIPE_HISTORY_H

#include "pipe/pipe.h"

typedef struct {
    double rows, bytes;                  /* a second */
    double lag;                          /* seconds; -1: not known */
    uint64_t n_inserts, n_rows, n_bytes; /* since the sample before */
} HistorySample;

typedef struct {
    unsigned seconds; /* of a cell */
    unsigned most;    /* cells that are kept */
    GArray *cells;    /* of PipeHistoryCell, oldest first; the newest is the one before `open` */
    int64_t open;     /* number of the cell that is being filled: unix seconds / `seconds`; 0: none yet */
    HistorySample sum;
    unsigned n_samples;
} History;

void history_init(History *history, unsigned seconds, unsigned most);
void history_clear(History *history);

/* True: a cell was closed. A clock that was set back fills the open cell on. */
bool history_add(History *history, int64_t now, const HistorySample *sample);
/* What the open cell has so far; all -1: nothing. */
PipeHistoryCell history_open_cell(const History *history);
/* A cell of an earlier run, in the order of their numbers; one that is not before `now` is left out. history_resume:
 * the one that was open then and is open still, which goes on where it was, a mean of so many samples and inserts. */
void history_restore(History *history, int64_t now, int64_t number, const PipeHistoryCell *cell);
void history_resume(History *history, int64_t now, int64_t number, const PipeHistoryCell *cell, unsigned n_samples,
                    uint64_t n_inserts);

#endif
