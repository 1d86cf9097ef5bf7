#include "cli/output.h"
#include "base/base.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *output_count(int64_t number)
{
    if (number < 0)
        return g_strdup("-");
    g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, number);
    GString *out = g_string_new(NULL);
    size_t len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            g_string_append_c(out, ',');
        g_string_append_c(out, digits[i]);
    }
    return g_string_free(out, FALSE);
}

char *output_rate(double per_second)
{
    if (per_second < 0 || !isfinite(per_second))
        return g_strdup("-");
    if (per_second > 0 && per_second < 10)
        return g_strdup_printf("%.1f", per_second);
    return output_count(per_second < 9e18 ? (int64_t)(per_second + 0.5) : INT64_MAX);
}

char *output_bytes(double bytes)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    if (bytes < 0 || !isfinite(bytes))
        return g_strdup("-");
    while (bytes >= 1023.95 && unit + 1 < G_N_ELEMENTS(UNITS)) {
        bytes /= 1024;
        unit++;
    }
    return g_strdup_printf(unit == 0 ? "%.0f %s" : "%.1f %s", bytes, UNITS[unit]);
}

char *output_seconds(double seconds)
{
    if (seconds < 0 || !isfinite(seconds))
        return g_strdup("-");
    if (seconds < 9.95)
        return g_strdup_printf("%.1f s", seconds);
    int64_t whole = seconds < 9e17 ? (int64_t)(seconds + 0.5) : (int64_t)9e17;
    if (whole < 60)
        return g_strdup_printf("%d s", (int)whole);
    if (whole < 3600)
        return g_strdup_printf("%dm %ds", (int)(whole / 60), (int)(whole % 60));
    if (whole < 86400)
        return g_strdup_printf("%dh %dm", (int)(whole / 3600), (int)(whole % 3600 / 60));
    return g_strdup_printf("%" G_GINT64_FORMAT "d %dh", whole / 86400, (int)(whole % 86400 / 3600));
}

static char *format_time(int64_t real_usec, const char *format)
{
    if (real_usec <= 0)
        return g_strdup("-");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(real_usec / 1000000);
    return time != NULL ? g_date_time_format(time, format) : g_strdup("-");
}

char *output_time(int64_t real_usec)
{
    return format_time(real_usec, "%Y-%m-%d %H:%M:%S");
}

char *output_clock(int64_t real_usec)
{
    return format_time(real_usec, "%H:%M:%S");
}

void output_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = printable(text, 0);
    fputs(line, stdout);
    fputc('\n', stdout);
}

struct Grid {
    char *aligns;
    GPtrArray *cells; /* row by row */
};

Grid *grid_new(const char *aligns)
{
    Grid *grid = g_new0(Grid, 1);
    grid->aligns = g_strdup(aligns);
    grid->cells = g_ptr_array_new_with_free_func(g_free);
    return grid;
}

void grid_free(Grid *grid)
{
    if (grid == NULL)
        return;
    g_free(grid->aligns);
    g_ptr_array_unref(grid->cells);
    g_free(grid);
}

void grid_cell(Grid *grid, const char *text)
{
    g_ptr_array_add(grid->cells, printable(text == NULL || text[0] == '\0' ? "-" : text, 0));
}

void grid_cell_take(Grid *grid, char *text)
{
    grid_cell(grid, text);
    g_free(text);
}

/* Columns of the terminal. The text is printable: no control and no zero-width characters but combining marks. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

static void append_cell(GString *out, const char *text, char align, size_t width, bool last)
{
    size_t pad = width - text_width(text);
    if (align == 'r')
        g_string_append_printf(out, "%*s", (int)pad, "");
    g_string_append(out, text);
    if (align != 'r' && !last)
        g_string_append_printf(out, "%*s", (int)pad, "");
    g_string_append(out, last ? "\n" : "  ");
}

char *grid_text(const Grid *grid, const char *indent)
{
    guint columns = (guint)strlen(grid->aligns);
    g_autofree size_t *widths = g_new0(size_t, columns);
    for (guint i = 0; i < grid->cells->len; i++) {
        size_t width = text_width(g_ptr_array_index(grid->cells, i));
        widths[i % columns] = MAX(widths[i % columns], width);
    }
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < grid->cells->len; i++) {
        guint column = i % columns;
        if (column == 0)
            g_string_append(out, indent);
        append_cell(out, g_ptr_array_index(grid->cells, i), grid->aligns[column], widths[column],
                    column + 1 == columns);
    }
    return g_string_free(out, FALSE);
}

void grid_print(const Grid *grid, const char *indent)
{
    g_autofree char *text = grid_text(grid, indent);
    fputs(text, stdout);
}
