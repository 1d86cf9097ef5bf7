/* table.h - columns that fit any width, and a cursor over rows that scroll. */
#ifndef SLUICE_UI_TABLE_H
#define SLUICE_UI_TABLE_H

#include "canvas.h"
#include "keys.h"

#define TABLE_MAX_COLUMNS 12
#define TABLE_GAP         2

typedef struct {
    const char *title;
    int width;  /* of a flexible column: the least */
    bool right; /* figures stand right */
    bool flex;  /* takes what is left; at most one */
    int drop;   /* 0: stays; else columns go in this order, 1 first, when they do not fit */
} TableColumn;

typedef struct {
    int n;
    int x[TABLE_MAX_COLUMNS], width[TABLE_MAX_COLUMNS]; /* width 0: dropped */
    bool right[TABLE_MAX_COLUMNS];
} TableLayout;

/* Columns from `x` on in `width` columns of the screen. */
TableLayout table_layout(const TableColumn *columns, int n, int x, int width);
void table_head(Canvas *canvas, int row, const TableLayout *layout, const TableColumn *columns);
void table_cell(Canvas *canvas, int row, const TableLayout *layout, int column, Style style, const char *text);

/* Where the cursor is in `n` rows of which `page` are visible. */
typedef struct {
    int cursor, top;
} TableCursor;

/* True when the action moves a cursor. */
bool table_move(TableCursor *cursor, KeyAction action, int n, int page);
void table_keep_visible(TableCursor *cursor, int n, int page);
/* "16–30 of 200" at the right end of a rule when not all rows are visible. */
void table_position(Canvas *canvas, int row, const TableCursor *cursor, int n, int page);

#endif
