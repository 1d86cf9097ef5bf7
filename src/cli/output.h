/* output.h - private to src/cli: numbers, times and aligned tables as text. What is unknown is "-". */
#ifndef SLUICE_CLI_OUTPUT_H
#define SLUICE_CLI_OUTPUT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* All: free with g_free. */
char *output_count(int64_t number);    /* "1,234,567" */
char *output_rate(double per_second);  /* "0.4", "1,234" */
char *output_bytes(double bytes);      /* "12.3 MiB" */
char *output_seconds(double seconds);  /* "0.4 s", "3m 20s", "2h 5m", "3d 4h" */
char *output_time(int64_t real_usec);  /* "2026-11-23 14:02:31", local time */
char *output_clock(int64_t real_usec); /* "14:02:31", local time */

/* One line to stdout; text from servers is made printable. */
void output_line(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* A table with columns as wide as their widest cell. `aligns`: 'l' or 'r' for each column. */
typedef struct Grid Grid;
Grid *grid_new(const char *aligns);
void grid_free(Grid *grid);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Grid, grid_free)
void grid_cell(Grid *grid, const char *text); /* NULL or "": "-"; made printable */
void grid_cell_take(Grid *grid, char *text);
char *grid_text(const Grid *grid, const char *indent); /* lines with newlines. Free with g_free */
void grid_print(const Grid *grid, const char *indent);

#endif
