#include "pipe/history.h"

static const PipeHistoryCell UNKNOWN = {-1, -1, -1, -1, -1};

void history_init(History *history, unsigned seconds, unsigned most)
{
    *history = (History){.seconds = seconds, .most = most, .sum = {.lag = -1}};
    history->cells = g_array_new(FALSE, FALSE, sizeof(PipeHistoryCell));
}

void history_clear(History *history)
{
    g_array_unref(history->cells);
}

static int64_t number_at(const History *history, int64_t usec)
{
    return usec / G_USEC_PER_SEC / history->seconds;
}

static void close_with(History *history, PipeHistoryCell cell)
{
    g_array_append_val(history->cells, cell);
    history->open++;
    if (history->cells->len > history->most)
        g_array_remove_range(history->cells, 0, history->cells->len - history->most);
}

/* Nothing is known of the cells up to `number`, of which there may be a year's where a clock was wrong. */
static void skip_to(History *history, int64_t number)
{
    if (!history->open || number - history->open > history->most) {
        g_array_set_size(history->cells, 0);
        history->open = number;
    }
    while (history->open < number)
        close_with(history, UNKNOWN);
}

PipeHistoryCell history_open_cell(const History *history)
{
    const HistorySample *sum = &history->sum;
    PipeHistoryCell cell = UNKNOWN;
    if (!history->n_samples)
        return cell;
    cell.rows = sum->rows / history->n_samples;
    cell.bytes = sum->bytes / history->n_samples;
    cell.lag = sum->lag;
    if (sum->n_inserts) {
        cell.batch_rows = (double)sum->n_rows / (double)sum->n_inserts;
        cell.batch_bytes = (double)sum->n_bytes / (double)sum->n_inserts;
    }
    return cell;
}

bool history_add(History *history, int64_t now, const HistorySample *sample)
{
    int64_t number = number_at(history, now);
    bool closes = history->open && number > history->open;
    if (closes) {
        close_with(history, history_open_cell(history));
        history->sum = (HistorySample){.lag = -1};
        history->n_samples = 0;
    }
    if (closes || !history->open)
        skip_to(history, number);
    HistorySample *sum = &history->sum;
    sum->rows += sample->rows;
    sum->bytes += sample->bytes;
    sum->lag = MAX(sum->lag, sample->lag);
    sum->n_inserts += sample->n_inserts;
    sum->n_rows += sample->n_rows;
    sum->n_bytes += sample->n_bytes;
    history->n_samples++;
    return closes;
}

void history_restore(History *history, int64_t now, int64_t number, const PipeHistoryCell *cell)
{
    if (number >= number_at(history, now) || number < history->open)
        return;
    skip_to(history, number);
    close_with(history, *cell);
}

void history_resume(History *history, int64_t now, int64_t number, const PipeHistoryCell *cell, unsigned n_samples,
                    uint64_t n_inserts)
{
    if (number != number_at(history, now) || number < history->open)
        return;
    skip_to(history, number);
    history->n_samples = n_samples;
    history->sum = (HistorySample){.rows = MAX(cell->rows, 0) * n_samples,
                                   .bytes = MAX(cell->bytes, 0) * n_samples,
                                   .lag = cell->lag,
                                   .n_inserts = n_inserts,
                                   .n_rows = (uint64_t)(MAX(cell->batch_rows, 0) * (double)n_inserts + 0.5),
                                   .n_bytes = (uint64_t)(MAX(cell->batch_bytes, 0) * (double)n_inserts + 0.5)};
}
