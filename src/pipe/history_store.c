/* history_store.c - the coarse history of a pipe in the catalog, so that a restart does not blank its charts. */
#include "pipe/history.h"
#include "pipe/pipe_private.h"

#define FINE_IN_COARSE (PIPE_HISTORY_COARSE / PIPE_HISTORY_CELL)

static unsigned cells_kept(const Pipe *pipe)
{
    return (unsigned)(atomic_load(pipe->env->history_kept) / G_USEC_PER_SEC / PIPE_HISTORY_COARSE);
}

void history_store_open(Pipe *pipe)
{
    history_init(&pipe->history, PIPE_HISTORY_CELL, PIPE_HISTORY);
    history_init(&pipe->coarse, PIPE_HISTORY_COARSE, cells_kept(pipe));
}

bool history_store_load(Pipe *pipe, GError **error)
{
    g_autoptr(GArray) cells = catalog_history(pipe->catalog, pipe->id, error);
    int64_t now = clock_real_usec();
    for (guint i = 0; cells && i < cells->len; i++) {
        const CatalogHistoryCell *from = &g_array_index(cells, CatalogHistoryCell, i);
        PipeHistoryCell cell = {from->rows, from->bytes, from->lag, from->batch_rows, from->batch_bytes};
        history_restore(&pipe->coarse, now, from->number, &cell);
        history_resume(&pipe->coarse, now, from->number, &cell, (unsigned)from->samples, (uint64_t)from->inserts);
        for (unsigned part = 0; part < FINE_IN_COARSE; part++) /* the last hour, in steps */
            history_restore(&pipe->history, now, from->number * FINE_IN_COARSE + part, &cell);
    }
    pipe->history_saved = pipe->coarse.open - 1;
    return cells != NULL;
}

static void add_cell(GArray *cells, int64_t number, const PipeHistoryCell *from, unsigned samples, uint64_t inserts)
{
    CatalogHistoryCell cell = {.number = number,
                               .rows = from->rows,
                               .bytes = from->bytes,
                               .lag = from->lag,
                               .batch_rows = from->batch_rows,
                               .batch_bytes = from->batch_bytes,
                               .samples = samples,
                               .inserts = (int64_t)inserts};
    if (from->rows >= 0)
        g_array_append_val(cells, cell);
}

void history_store_save(Pipe *pipe, bool ends)
{
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(CatalogHistoryCell));
    pthread_mutex_lock(&pipe->lock);
    History *history = &pipe->coarse;
    history->most = cells_kept(pipe);
    int64_t first = history->open - history->cells->len, newest = history->open - 1;
    for (guint i = 0; i < history->cells->len; i++)
        if (first + i > pipe->history_saved)
            add_cell(cells, first + i, &g_array_index(history->cells, PipeHistoryCell, i), 0, 0);
    PipeHistoryCell open = history_open_cell(history);
    if (ends)
        add_cell(cells, history->open, &open, history->n_samples, history->sum.n_inserts);
    pthread_mutex_unlock(&pipe->lock);
    /* What cannot be written now is written with the next cell: charts are not worth a stall. */
    pthread_mutex_lock(&pipe->catalog_lock);
    if (cells->len && catalog_history_save(pipe->catalog, pipe->id, cells, newest - history->most, NULL))
        pipe->history_saved = newest;
    pthread_mutex_unlock(&pipe->catalog_lock);
}

GArray *pipe_history_coarse(Pipe *pipe)
{
    GArray *cells = g_array_new(FALSE, FALSE, sizeof(PipeHistoryCell));
    pthread_mutex_lock(&pipe->lock);
    g_array_append_vals(cells, pipe->coarse.cells->data, pipe->coarse.cells->len);
    PipeHistoryCell open = history_open_cell(&pipe->coarse);
    g_array_append_val(cells, open);
    pthread_mutex_unlock(&pipe->lock);
    return cells;
}
