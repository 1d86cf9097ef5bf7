#include "canvas.h"

#include <string.h>
#include <wchar.h>

#include "base/printable.h"

Canvas *canvas_new(int rows, int cols, bool ascii)
{
    Canvas *canvas = g_new0(Canvas, 1);
    canvas->rows = MAX(rows, 1);
    canvas->cols = MAX(cols, 1);
    canvas->ascii = ascii;
    canvas->cells = g_new0(CanvasCell, (gsize)canvas->rows * (gsize)canvas->cols);
    canvas_fill(canvas, 0, 0, canvas->rows, canvas->cols, STYLE_TEXT, ' ');
    return canvas;
}

void canvas_free(Canvas *canvas)
{
    if (!canvas)
        return;
    g_free(canvas->cells);
    g_free(canvas);
}

static CanvasCell *cell_at(const Canvas *canvas, int row, int col)
{
    return &canvas->cells[(gsize)row * (gsize)canvas->cols + (gsize)col];
}

const CanvasCell *canvas_cell(const Canvas *canvas, int row, int col)
{
    g_assert(row >= 0 && row < canvas->rows && col >= 0 && col < canvas->cols);
    return cell_at(canvas, row, col);
}

/* Our own symbols in ASCII; bars and sparklines choose theirs in spark.c. */
static gunichar ascii_of(gunichar ch)
{
    static const struct {
        gunichar from;
        char to;
    } map[] = {
        {0x25cf, '*'}, {0x25d0, '~'}, {0x2716, '!'}, {0x2016, '='}, {0x25b8, '>'}, {0x25b2, '^'}, {0x27f3, '@'},
        {0x2500, '-'}, {0x2502, '|'}, {0x2524, '|'}, {0x253c, '+'}, {0x250c, '+'}, {0x2510, '+'}, {0x2514, '+'},
        {0x2518, '+'}, {0x00b7, '-'}, {0x203a, '>'}, {0x2039, '<'}, {0x2192, '>'}, {0x2014, '-'}, {0x2013, '-'}, {0x2026, '~'},
        {0x2714, '+'}, {0x25cb, 'o'}, {0x2713, 'x'}, {0x25be, 'v'}, {0x2022, '*'},
    };
    if (ch < 0x80)
        return ch;
    for (gsize i = 0; i < G_N_ELEMENTS(map); i++)
        if (map[i].from == ch)
            return (gunichar)map[i].to;
    return '?';
}

/* Columns of one character: 0 joins the one before. ncurses counts with wcwidth, so in a UTF-8 locale we do too; what
 * it does not know is shown as U+FFFD. */
static int char_width(const Canvas *canvas, gunichar *ch)
{
    if (canvas->ascii) {
        bool joins = g_unichar_ismark(*ch);
        *ch = ascii_of(*ch);
        return joins ? 0 : 1;
    }
    int width = wcwidth((wchar_t)*ch);
    if (width < 0) {
        *ch = 0xfffd;
        width = 1;
    }
    return width;
}

/* Writes one cell and mends a wide character whose other half it takes away. */
static void put(Canvas *canvas, int row, int col, gunichar ch, int width, Style style)
{
    CanvasCell *cell = cell_at(canvas, row, col);
    if (cell->ch == 0 && col > 0)
        cell_at(canvas, row, col - 1)->ch = ' ';
    int after = col + width;
    if (after < canvas->cols && cell_at(canvas, row, after)->ch == 0)
        cell_at(canvas, row, after)->ch = ' ';
    *cell = (CanvasCell){.ch = ch, .style = style};
    if (width == 2)
        *cell_at(canvas, row, col + 1) = (CanvasCell){.ch = 0, .style = style};
}

static void join(Canvas *canvas, int row, int col, gunichar mark)
{
    CanvasCell *cell = cell_at(canvas, row, col);
    if (cell->ch == 0 && col > 0)
        cell = cell_at(canvas, row, col - 1);
    for (int i = 0; i < CANVAS_COMBINING; i++)
        if (!cell->combining[i]) {
            cell->combining[i] = mark;
            return;
        }
}

/* Width of printable text, which is cut after `bytes`. */
static int clean_width(const Canvas *canvas, const char *clean, gsize bytes)
{
    int width = 0;
    for (const char *at = clean; at < clean + bytes; at = g_utf8_next_char(at)) {
        gunichar ch = g_utf8_get_char(at);
        width += char_width(canvas, &ch);
    }
    return width;
}

static int draw_clean(Canvas *canvas, int row, int col, int width, Style style, const char *clean, gsize bytes)
{
    if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols || width <= 0)
        return 0;
    width = MIN(width, canvas->cols - col);
    bool cut = clean_width(canvas, clean, bytes) > width;
    int room = cut ? width - 1 : width;
    int used = 0;
    for (const char *at = clean; at < clean + bytes; at = g_utf8_next_char(at)) {
        gunichar ch = g_utf8_get_char(at);
        int w = char_width(canvas, &ch);
        if (w == 0) {
            if (used > 0 && !canvas->ascii)
                join(canvas, row, col + used - 1, ch);
            continue;
        }
        if (used + w > room)
            break;
        put(canvas, row, col + used, ch, w, style);
        used += w;
    }
    if (cut) {
        put(canvas, row, col + used, canvas->ascii ? '~' : 0x2026, 1, style);
        used++;
    }
    return used;
}

int canvas_text(Canvas *canvas, int row, int col, int width, Style style, const char *text)
{
    g_autofree char *clean = printable(text, 0);
    return draw_clean(canvas, row, col, width, style, clean, strlen(clean));
}

int canvas_printf(Canvas *canvas, int row, int col, int width, Style style, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return canvas_text(canvas, row, col, width, style, text);
}

void canvas_text_right(Canvas *canvas, int row, int col, int width, Style style, const char *text)
{
    g_autofree char *clean = printable(text, 0);
    int w = MIN(clean_width(canvas, clean, strlen(clean)), width);
    draw_clean(canvas, row, col + width - w, w, style, clean, strlen(clean));
}

int canvas_text_width(const Canvas *canvas, const char *text)
{
    g_autofree char *clean = printable(text, 0);
    return clean_width(canvas, clean, strlen(clean));
}

/* The end of the line that begins at `from`, and in *next where the following one begins. */
static const char *line_end(const Canvas *canvas, const char *from, int width, const char **next)
{
    const char *blank = NULL, *at = from;
    int used = 0;
    for (; *at; at = g_utf8_next_char(at)) {
        gunichar ch = g_utf8_get_char(at);
        int w = char_width(canvas, &ch);
        if (used + w > width) {
            if (ch == ' ')
                blank = at;
            break;
        }
        if (ch == ' ')
            blank = at;
        used += w;
    }
    if (!*at) {
        *next = at;
        return at;
    }
    if (blank && blank > from) {
        *next = blank + 1;
        return blank;
    }
    if (at == from) /* a wide character in one column */
        at = g_utf8_next_char(at);
    *next = at;
    return at;
}

int canvas_wrapped(Canvas *canvas, int row, int col, int width, int max_rows, Style style, const char *text)
{
    g_autofree char *clean = printable(text, 0);
    const char *at = clean;
    int rows = 0;
    if (width <= 0 || max_rows <= 0)
        return 0;
    do {
        const char *next = NULL;
        const char *end = line_end(canvas, at, width, &next);
        if (rows + 1 == max_rows) /* the rest, cut */
            end = at + strlen(at);
        draw_clean(canvas, row + rows, col, width, style, at, (gsize)(end - at));
        rows++;
        at = next;
    } while (*at && rows < max_rows);
    return rows;
}

int canvas_wrapped_rows(const Canvas *canvas, int width, const char *text)
{
    g_autofree char *clean = printable(text, 0);
    int rows = 0;
    const char *at = clean;
    if (width <= 0)
        return 0;
    do {
        line_end(canvas, at, width, &at);
        rows++;
    } while (*at);
    return rows;
}

void canvas_fill(Canvas *canvas, int row, int col, int rows, int cols, Style style, gunichar ch)
{
    if (canvas->ascii)
        ch = ascii_of(ch);
    for (int r = MAX(row, 0); r < MIN(row + rows, canvas->rows); r++)
        for (int c = MAX(col, 0); c < MIN(col + cols, canvas->cols); c++)
            put(canvas, r, c, ch, 1, style);
}

void canvas_rule(Canvas *canvas, int row)
{
    canvas_fill(canvas, row, 0, 1, canvas->cols, STYLE_DIM, 0x2500);
}

void canvas_box(Canvas *canvas, int row, int col, int rows, int cols, Style style)
{
    canvas_fill(canvas, row, col, rows, cols, STYLE_TEXT, ' ');
    canvas_fill(canvas, row, col, 1, cols, style, 0x2500);
    canvas_fill(canvas, row + rows - 1, col, 1, cols, style, 0x2500);
    canvas_fill(canvas, row, col, rows, 1, style, 0x2502);
    canvas_fill(canvas, row, col + cols - 1, rows, 1, style, 0x2502);
    canvas_fill(canvas, row, col, 1, 1, style, 0x250c);
    canvas_fill(canvas, row, col + cols - 1, 1, 1, style, 0x2510);
    canvas_fill(canvas, row + rows - 1, col, 1, 1, style, 0x2514);
    canvas_fill(canvas, row + rows - 1, col + cols - 1, 1, 1, style, 0x2518);
}

void canvas_dim(Canvas *canvas, int from_row, int to_row)
{
    for (int r = MAX(from_row, 0); r < MIN(to_row, canvas->rows); r++)
        for (int c = 0; c < canvas->cols; c++)
            cell_at(canvas, r, c)->style = STYLE_DIM;
}

void canvas_emphasise(Canvas *canvas, int row, Style style)
{
    if (row < 0 || row >= canvas->rows)
        return;
    for (int c = 0; c < canvas->cols; c++)
        if (cell_at(canvas, row, c)->style == STYLE_TEXT)
            cell_at(canvas, row, c)->style = style;
}

void canvas_copy_rows(Canvas *canvas, int row, const Canvas *from, int from_row, int rows)
{
    g_assert(canvas->cols == from->cols);
    for (int i = 0; i < rows && row + i < canvas->rows && from_row + i < from->rows; i++)
        memcpy(cell_at(canvas, row + i, 0), cell_at(from, from_row + i, 0), sizeof(CanvasCell) * (gsize)canvas->cols);
}

char *canvas_to_string(const Canvas *canvas)
{
    GString *out = g_string_new(NULL);
    for (int r = 0; r < canvas->rows; r++) {
        gsize keep = out->len;
        for (int c = 0; c < canvas->cols; c++) {
            const CanvasCell *cell = cell_at(canvas, r, c);
            if (!cell->ch)
                continue;
            g_string_append_unichar(out, cell->ch);
            for (int i = 0; i < CANVAS_COMBINING && cell->combining[i]; i++)
                g_string_append_unichar(out, cell->combining[i]);
            if (cell->ch != ' ')
                keep = out->len;
        }
        g_string_truncate(out, keep);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
