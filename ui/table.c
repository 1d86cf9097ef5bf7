#include "table.h"

static int total_width(const TableColumn *columns, int n, const bool *dropped)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        if (!dropped[i])
            total += columns[i].width + (total ? TABLE_GAP : 0);
    return total;
}

TableLayout table_layout(const TableColumn *columns, int n, int x, int width)
{
    g_assert(n <= TABLE_MAX_COLUMNS);
    TableLayout layout = {.n = n};
    bool dropped[TABLE_MAX_COLUMNS] = {false};
    for (int order = 1; order <= n && total_width(columns, n, dropped) > width; order++)
        for (int i = 0; i < n; i++)
            if (columns[i].drop == order)
                dropped[i] = true;
    int spare = width - total_width(columns, n, dropped);
    int at = x;
    for (int i = 0; i < n; i++) {
        if (dropped[i])
            continue;
        layout.x[i] = at;
        layout.width[i] = MAX(columns[i].width + (columns[i].flex ? spare : 0), 1);
        layout.right[i] = columns[i].right;
        at += layout.width[i] + TABLE_GAP;
    }
    return layout;
}

void table_cell(Canvas *canvas, int row, const TableLayout *layout, int column, Style style, const char *text)
{
    if (!layout->width[column])
        return;
    if (layout->right[column])
        canvas_text_right(canvas, row, layout->x[column], layout->width[column], style, text);
    else
        canvas_text(canvas, row, layout->x[column], layout->width[column], style, text);
}

void table_head(Canvas *canvas, int row, const TableLayout *layout, const TableColumn *columns)
{
    for (int i = 0; i < layout->n; i++)
        table_cell(canvas, row, layout, i, STYLE_DIM, columns[i].title);
}

void table_keep_visible(TableCursor *cursor, int n, int page)
{
    cursor->cursor = CLAMP(cursor->cursor, 0, MAX(n - 1, 0));
    if (cursor->cursor < cursor->top)
        cursor->top = cursor->cursor;
    if (cursor->cursor >= cursor->top + page)
        cursor->top = cursor->cursor - page + 1;
    cursor->top = CLAMP(cursor->top, 0, MAX(n - page, 0));
}

bool table_move(TableCursor *cursor, KeyAction action, int n, int page)
{
    int step = MAX(page - 1, 1);
    switch (action) {
    case ACTION_UP:
        cursor->cursor--;
        break;
    case ACTION_DOWN:
        cursor->cursor++;
        break;
    case ACTION_PAGE_UP:
        cursor->cursor -= step;
        break;
    case ACTION_PAGE_DOWN:
        cursor->cursor += step;
        break;
    case ACTION_HALF_UP:
        cursor->cursor -= MAX(step / 2, 1);
        break;
    case ACTION_HALF_DOWN:
        cursor->cursor += MAX(step / 2, 1);
        break;
    case ACTION_HOME:
        cursor->cursor = 0;
        break;
    case ACTION_END:
        cursor->cursor = n - 1;
        break;
    default:
        return false;
    }
    table_keep_visible(cursor, n, page);
    return true;
}

void table_position(Canvas *canvas, int row, const TableCursor *cursor, int n, int page)
{
    if (n <= page || page <= 0)
        return;
    g_autofree char *text = g_strdup_printf(" %d–%d of %d ", cursor->top + 1, MIN(cursor->top + page, n), n);
    canvas_text_right(canvas, row, 0, canvas->cols - 2, STYLE_DIM, text);
}
