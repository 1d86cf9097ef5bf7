#include "spark.h"

#include <math.h>

#define BLOCK_LOWER_ONE_EIGHTH 0x2581 /* .. 0x2588, the full block */
#define BLOCK_FULL             0x2588
#define BRAILLE                0x2800 /* and bits for its dots */
#define BLOCK_LEFT_ONE_EIGHTH  0x258f /* down to 0x2589, seven eighths */

/* `level` 1..8 */
static gunichar level_char(const Canvas *canvas, int level)
{
    if (canvas->ascii)
        return (gunichar) "_.-^"[(level - 1) / 2];
    return BLOCK_LOWER_ONE_EIGHTH + (gunichar)(level - 1);
}

void spark_line(Canvas *canvas, int row, int col, int width, Style style, const double *values, int n)
{
    int shown = MIN(n, width);
    double top = 0;
    for (int i = n - shown; i < n; i++)
        top = MAX(top, values[i]);
    for (int i = 0; i < shown; i++) {
        double value = values[n - shown + i];
        if (!(value >= 0))
            continue;
        int level = top > 0 ? 1 + (int)(value / top * 7.0 + 0.5) : 1;
        canvas_fill(canvas, row, col + width - shown + i, 1, 1, style, level_char(canvas, level));
    }
}

void spark_bar(Canvas *canvas, int row, int col, int width, Style style, double share)
{
    share = CLAMP(share, 0.0, 1.0);
    int eighths = (int)floor(share * width * 8);
    int full = eighths / 8;
    if (canvas->ascii) {
        canvas_fill(canvas, row, col, 1, full, style, '#');
        canvas_fill(canvas, row, col + full, 1, width - full, STYLE_DIM, '.');
        return;
    }
    canvas_fill(canvas, row, col, 1, full, style, BLOCK_FULL);
    if (eighths % 8)
        canvas_fill(canvas, row, col + full, 1, 1, style, BLOCK_LEFT_ONE_EIGHTH - (gunichar)(eighths % 8 - 1));
}

int spark_graph_fit(const Canvas *canvas)
{
    return canvas->ascii ? 1 : 2;
}

/* How high a value stands in steps of which a row has `steps`; 0: not known. A zero is known, not blank. */
static int height_of(double value, double top, int rows, int steps)
{
    if (!(value >= 0) || top <= 0)
        return 0;
    return MAX((int)(CLAMP(value / top, 0.0, 1.0) * rows * steps + 0.5), 1);
}

static void graph_ascii(Canvas *canvas, int row, int col, int rows, Style style, int height)
{
    for (int r = rows - 1; r >= 0 && height > 0; r--, height -= 8)
        canvas_fill(canvas, row + r, col, 1, 1, style, height >= 8 ? '#' : level_char(canvas, height));
}

/* Two columns of dots, filled from below to these heights. */
static void graph_braille(Canvas *canvas, int row, int col, int rows, Style style, int left, int right)
{
    static const gunichar left_dots[] = {0, 0x40, 0x44, 0x46, 0x47}, right_dots[] = {0, 0x80, 0xa0, 0xb0, 0xb8};
    for (int r = rows - 1; r >= 0 && (left > 0 || right > 0); r--, left -= 4, right -= 4)
        canvas_fill(canvas, row + r, col, 1, 1, style,
                    BRAILLE + left_dots[CLAMP(left, 0, 4)] + right_dots[CLAMP(right, 0, 4)]);
}

void spark_graph(Canvas *canvas, int row, int col, int rows, int width, Style style, const double *values, int n,
                 double top)
{
    int fit = spark_graph_fit(canvas);
    for (int column = 0; column < width; column++) {
        int at = n - (width - column) * fit; /* of its first value; those before the first one are not known */
        if (fit == 1)
            graph_ascii(canvas, row, col + column, rows, style, at < 0 ? 0 : height_of(values[at], top, rows, 8));
        else
            graph_braille(canvas, row, col + column, rows, style, at < 0 ? 0 : height_of(values[at], top, rows, 4),
                          at + 1 < 0 ? 0 : height_of(values[at + 1], top, rows, 4));
    }
}

double spark_axis(double value)
{
    if (!(value > 1))
        return 1;
    double power = pow(10, floor(log10(value)));
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        if (steps[i] * power >= value)
            return steps[i] * power;
    return 10 * power;
}

double spark_axis_time(double seconds)
{
    static const int steps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        if (steps[i] >= seconds)
            return steps[i];
    return spark_axis(seconds / 86400) * 86400;
}
