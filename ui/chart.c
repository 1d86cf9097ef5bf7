#include "chart.h"

#include <string.h>

#include "format.h"
#include "spark.h"

#define AXIS        7 /* columns: a figure and a tick */
#define VALUES_MOST ((CHART_WIDEST - AXIS) * 2)

static double figure_of(const ViewHistoryCell *cell, Chart chart)
{
    return chart == CHART_ROWS ? cell->rows : chart == CHART_LAG ? cell->lag : cell->batch_rows;
}

/* The period in at most `width` columns: so many cells to a value that it fits, and then no more columns than it takes.
 * Returns the columns. */
static int fit_period(const Canvas *canvas, const ChartSeries *series, int width, int *each)
{
    int fit = spark_graph_fit(canvas), cells = MAX(series->n, series->period);
    *each = MAX((cells + width * fit - 1) / (width * fit), 1);
    return ((cells + *each - 1) / *each + fit - 1) / fit;
}

/* `each` cells to a value, on the common clock: values do not change as time goes by. Of rows and batches the mean, of
 * the lag the largest. */
static void gather(const ChartSeries *series, Chart chart, int each, double *values, int n)
{
    int sums[VALUES_MOST] = {0};
    for (int i = 0; i < n; i++)
        values[i] = -1;
    for (int i = 0; i < series->n; i++) {
        double figure = figure_of(&series->cells[i], chart);
        int64_t at = n - 1 - (series->newest / each - (series->newest - (series->n - 1 - i)) / each);
        if (figure < 0 || at < 0)
            continue;
        double before = MAX(values[at], 0);
        values[at] = chart == CHART_LAG ? MAX(before, figure) : (before * sums[at] + figure) / (sums[at] + 1);
        sums[at]++;
    }
}

static void format_axis(char out[], Chart chart, double top)
{
    if (chart == CHART_LAG)
        format_duration(out, top);
    else
        format_rate(out, top);
    char *fraction = strstr(out, ".0"); /* 600.0k, 1.0s: round on an axis */
    if (fraction)
        memmove(fraction, fraction + 2, strlen(fraction + 2) + 1);
}

/* When the left end was: a time of day, or of more than half a day how long ago. */
static void format_begin(char out[], int64_t at, int64_t seconds)
{
    if (seconds < 12 * 3600) {
        format_clock(out, at - seconds * G_USEC_PER_SEC);
        out[5] = 0;
    } else if (seconds < 48 * 3600) {
        g_snprintf(out, FORMAT_MAX, "%dh ago", (int)(seconds / 3600));
    } else {
        g_snprintf(out, FORMAT_MAX, "%dd ago", (int)(seconds / CHART_DAY));
    }
}

void chart_draw(Canvas *canvas, int row, int col, int rows, int width, const ChartSeries *series, Chart chart,
                int64_t now)
{
    static const char *const names[CHART_COUNT] = {"rows/s", "lag", "batch"};
    double values[VALUES_MOST], top = -1;
    int each, graph = fit_period(canvas, series, MIN(width, CHART_WIDEST) - AXIS, &each);
    int n = graph * spark_graph_fit(canvas);
    char text[FORMAT_MAX];
    canvas_text(canvas, row + rows, col, AXIS - 1, STYLE_DIM, names[chart]);
    for (int i = 0; i < rows; i++)
        canvas_text(canvas, row + i, col + AXIS - 1, 1, STYLE_DIM, i == 0 ? "┤" : i == rows - 1 ? "┼" : "│");
    gather(series, chart, each, values, n);
    for (int i = 0; i < n; i++)
        top = MAX(top, values[i]);
    if (top < 0) {
        canvas_text(canvas, row + rows / 2, col + AXIS + 1, graph - 1, STYLE_DIM,
                    series->n < 0 ? "reading" : "not known yet");
        return;
    }
    top = chart == CHART_LAG ? spark_axis_time(top) : spark_axis(top);
    format_axis(text, chart, top);
    canvas_text_right(canvas, row, col, AXIS - 1, STYLE_DIM, text);
    canvas_text_right(canvas, row + rows - 1, col, AXIS - 1, STYLE_DIM, "0");
    spark_graph(canvas, row, col + AXIS, rows, graph, STYLE_TEXT, values, n, top);
    format_begin(text, now, (int64_t)series->seconds * each * n);
    canvas_text(canvas, row + rows, col + AXIS, graph, STYLE_DIM, text);
    canvas_text_right(canvas, row + rows, col + AXIS, graph, STYLE_DIM, "now");
}

void chart_batch(Canvas *canvas, int row, int col, int width, const ChartSeries *series)
{
    char rows[FORMAT_MAX], bytes[FORMAT_MAX];
    for (int i = series->n; i-- > 0;)
        if (series->cells[i].batch_rows >= 0) {
            canvas_printf(canvas, row, col, width, STYLE_TEXT, "a batch  %s rows  %s",
                          format_rate(rows, series->cells[i].batch_rows),
                          format_bytes(bytes, series->cells[i].batch_bytes));
            return;
        }
}
