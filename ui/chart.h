/* chart.h - a pipe's figures over time, with an axis of values and one of time. */
#ifndef SLUICE_UI_CHART_H
#define SLUICE_UI_CHART_H

#include "canvas.h"
#include "control/view.h"

#define CHART_WIDEST 97    /* columns: the last hour is 90 of two cells each */
#define CHART_DAY    86400 /* seconds */

/* Cells as they are to be charted. `n` < 0: they are being asked for. */
typedef struct {
    const ViewHistoryCell *cells; /* oldest first */
    int n, seconds;               /* how many, and how long one is */
    int period;                   /* how many cells the chart is for, where there are fewer */
    int64_t newest;               /* number of the last one: unix seconds / `seconds` */
} ChartSeries;

typedef enum { CHART_ROWS, CHART_LAG, CHART_BATCH, CHART_COUNT } Chart;

/* `rows` of the graph, and one below it for the time. */
void chart_draw(Canvas *canvas, int row, int col, int rows, int width, const ChartSeries *series, Chart chart,
                int64_t now);
/* Rows and bytes that are sent in one insert, by the newest figures. */
void chart_batch(Canvas *canvas, int row, int col, int width, const ChartSeries *series);

#endif
