/* spark.h - sparklines, progress bars and small graphs, in block characters or in ASCII. */
#ifndef SLUICE_UI_SPARK_H
#define SLUICE_UI_SPARK_H

#include "canvas.h"

/* One cell a value, the newest at the right end of `width`; scaled to the largest shown. A negative value is unknown:
 * blank. */
void spark_line(Canvas *canvas, int row, int col, int width, Style style, const double *values, int n);

/* `share` 0..1 of `width` columns, to an eighth of a column. */
void spark_bar(Canvas *canvas, int row, int col, int width, Style style, double share);

/* Values over `rows` rows, the newest at the right, scaled to `top`; spark_graph_fit to a column: two in braille. */
int spark_graph_fit(const Canvas *canvas);
void spark_graph(Canvas *canvas, int row, int col, int rows, int width, Style style, const double *values, int n,
                 double top);

/* A round number at or above `value` (1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten), for an axis. At least 1. */
double spark_axis(double value);
/* The same for seconds: 1, 2, 5, 10, 15, 30 of seconds and minutes, then hours and days. */
double spark_axis_time(double seconds);

#endif
