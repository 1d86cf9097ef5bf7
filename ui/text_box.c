#include "text_box.h"

#include <string.h>

#include "base/printable.h"
#include "table.h"

#define LONG_LINE 400 /* characters of a line before it goes on in another one, so that all of it can be scrolled to   \
                       */
#define TAB_COLS 8
#define MARGIN   2 /* columns of the frame and a blank at each side */

struct TextBox {
    char *title, *note;
    GPtrArray *lines; /* printable */
    int top, page, last_top;
};

void text_box_free(TextBox *box)
{
    if (!box)
        return;
    g_free(box->title);
    g_free(box->note);
    g_ptr_array_unref(box->lines);
    g_free(box);
}

/* Tabs become blanks up to the next stop; then no byte of it reaches the terminal as it is. */
static char *clean_line(const char *line)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    for (; *line; line++) {
        if (*line != '\t' && *line != '\r')
            g_string_append_c(plain, *line);
        for (bool tab = *line == '\t'; tab; tab = g_utf8_strlen(plain->str, -1) % TAB_COLS != 0)
            g_string_append_c(plain, ' ');
    }
    return printable(plain->str, 0);
}

TextBox *text_box_new(const char *title, const char *note, const char *text)
{
    TextBox *box = g_new0(TextBox, 1);
    box->title = g_strdup(title);
    box->note = g_strdup(note);
    box->lines = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!line[1] && !**line) /* after the last line's end */
            break;
        g_autofree char *clean = clean_line(*line);
        const char *at = clean;
        for (; g_utf8_strlen(at, -1) > LONG_LINE; at = g_utf8_offset_to_pointer(at, LONG_LINE))
            g_ptr_array_add(box->lines, g_utf8_substring(at, 0, LONG_LINE));
        g_ptr_array_add(box->lines, g_strdup(at));
    }
    return box;
}

bool text_box_key(TextBox *box, const Keymap *map, int key)
{
    KeyAction action = key == KEYCODE_WHEEL_UP     ? ACTION_UP
                       : key == KEYCODE_WHEEL_DOWN ? ACTION_DOWN
                                                   : keymap_action(map, KEYS_HELP, key);
    TableCursor cursor = {.cursor = box->top, .top = box->top};
    if (action == ACTION_BACK || key == KEYCODE_ENTER)
        return false;
    if (table_move(&cursor, action, box->last_top + 1, box->page))
        box->top = cursor.cursor;
    return true;
}

/* The first line of the last page. */
static int find_last_top(const TextBox *box, const Canvas *canvas, int rows, int width)
{
    int top = (int)box->lines->len, used = 0;
    while (top > 0) {
        used += canvas_wrapped_rows(canvas, width, box->lines->pdata[top - 1]);
        if (used > rows)
            break;
        top--;
    }
    return MIN(top, MAX((int)box->lines->len - 1, 0));
}

static int text_rows(const TextBox *box, const Canvas *canvas, int width, int most)
{
    int rows = 0;
    for (guint i = 0; i < box->lines->len && rows < most; i++)
        rows += canvas_wrapped_rows(canvas, width, box->lines->pdata[i]);
    return CLAMP(rows, 1, MAX(most, 1));
}

void text_box_draw(TextBox *box, Canvas *canvas)
{
    int width = canvas->cols - 2 * MARGIN, most = canvas->rows - 4; /* the head and the foot stay in sight */
    int rows = text_rows(box, canvas, width, most), row = (canvas->rows - rows - 2) / 2, used = 0;
    int n = (int)box->lines->len;
    box->last_top = find_last_top(box, canvas, rows, width);
    box->top = CLAMP(box->top, 0, box->last_top);
    canvas_box(canvas, row, 0, rows + 2, canvas->cols, STYLE_DIM);
    canvas_printf(canvas, row, MARGIN, width, STYLE_TITLE, " %s ", box->title);
    int i = box->top;
    for (; i < n && used < rows; i++)
        used += canvas_wrapped(canvas, row + 1 + used, MARGIN, width, rows - used, STYLE_TEXT, box->lines->pdata[i]);
    box->page = MAX(i - box->top, 1);
    g_autofree char *where = box->last_top > 0 ? g_strdup_printf(" %d–%d of %d ", box->top + 1, i, n) : g_strdup("");
    canvas_text_right(canvas, row + 1 + rows, MARGIN, width, STYLE_DIM, where);
    canvas_printf(canvas, row + 1 + rows, MARGIN, width - canvas_text_width(canvas, where), STYLE_DIM, " %s ",
                  box->note);
    canvas->cursor_visible = false;
    canvas->cursor_row = row + 1;
    canvas->cursor_col = MARGIN;
}
