/* screen_table.c - one table of a pipe: how far it is, what happens to it, and how each of its columns is mapped.
 *
 * The figures are those of the newest view. The columns are asked for when the screen opens, and again every few
 * seconds, since they change only when a table is made anew.
 */
#include <string.h>

#include "base/clock.h"
#include "control/detail.h"
#include "control/protocol.h"
#include "format.h"
#include "screen.h"
#include "spark.h"
#include "table.h"

#define ASK_AGAIN_USEC (5 * G_USEC_PER_SEC)
#define DETAIL_ROWS    2   /* all about the column under the cursor */
#define WIDE_COLS      140 /* from here on each kind of changed value has a column of its own */

typedef enum { SORT_SOURCE, SORT_NAME, SORT_CHANGED, SORT_COUNT } Sort;
static const char *const sort_names[SORT_COUNT] = {"their order at the source", "name", "changed values, most first"};

typedef struct {
    const DetailColumn *column;
    int number; /* in the order of the source */
    int64_t zero_dates, clamped, undecodable;
} Row;

typedef struct {
    Screen screen;
    char *pipe, *table;
    Detail *detail; /* NULL: no answer came yet */
    char *failure;  /* why there is none */
    GArray *rows;   /* Row, those that are shown */
    char *selected;
    TableCursor cursor;
    int page;
    Sort sort;
    LineEdit filter;
    bool typing;
} TableScreen;

static TableScreen *self(Screen *screen)
{
    return (TableScreen *)screen;
}

static const ViewPipe *find_pipe(const TableScreen *screen, const Ui *ui)
{
    return ui->view ? view_find_pipe(ui->view, screen->pipe) : NULL;
}

static const ViewTable *find_table(const TableScreen *screen, const ViewPipe *pipe)
{
    for (unsigned i = 0; pipe && i < pipe->n_tables; i++)
        if (g_strcmp0(pipe->tables[i].source, screen->table) == 0)
            return &pipe->tables[i];
    return NULL;
}

/* -- asking for the columns -- */

static void answered(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    TableScreen *screen = self(owner);
    (void)ui;
    (void)tag;
    screen->screen.wake_at = clock_monotonic_usec() + ASK_AGAIN_USEC;
    g_clear_pointer(&screen->failure, g_free);
    if (error) { /* what is known stays; an engine that is gone is told below */
        screen->failure = g_strdup(error->message);
        return;
    }
    g_array_set_size(screen->rows, 0); /* they point into what goes */
    g_clear_pointer(&screen->detail, detail_free);
    screen->detail = detail_from_json(json_object_get(answer, "table"));
}

static void ask(TableScreen *screen, Ui *ui)
{
    json_t *request = protocol_request("table");
    json_object_set_new(request, "name", json_string(screen->pipe));
    json_object_set_new(request, "table", json_string(screen->table));
    screen->screen.wake_at = 0;
    ui_request(ui, request, &screen->screen, answered, 0);
}

static void table_tick(Screen *base, Ui *ui, int64_t now)
{
    (void)now;
    ask(self(base), ui);
}

/* -- rows -- */

static const char *row_name(const Row *row)
{
    return row->column->name ? row->column->name : row->column->target ? row->column->target : "?";
}

static int64_t changed(const Row *row)
{
    return row->zero_dates + row->clamped + row->undecodable;
}

static int compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const Row *x = a, *y = b;
    int order = 0;
    if (*(Sort *)data == SORT_NAME)
        order = g_strcmp0(row_name(x), row_name(y));
    else if (*(Sort *)data == SORT_CHANGED)
        order = (changed(y) > changed(x)) - (changed(y) < changed(x));
    return order ? order : x->number - y->number;
}

/* A view names the columns with changed values; those of the answer are older. */
static void take_counts(Row *row, const ViewTable *table)
{
    for (unsigned i = 0; i < table->n_columns && row->column->name; i++) {
        const ViewColumn *column = &table->columns[i];
        if (g_strcmp0(column->name, row->column->name) != 0)
            continue;
        row->zero_dates = column->zero_dates;
        row->clamped = column->clamped;
        row->undecodable = column->undecodable;
    }
}

static bool matches(const TableScreen *screen, const DetailColumn *column)
{
    const char *const texts[] = {column->name, column->type, column->target, column->target_type};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i] && part_matches(screen->filter.text->str, texts[i]))
            return true;
    return false;
}

/* The cursor stays on its column. */
static void arrange(TableScreen *screen, const ViewTable *table)
{
    g_array_set_size(screen->rows, 0);
    for (unsigned i = 0; screen->detail && i < screen->detail->n_columns; i++) {
        const DetailColumn *column = &screen->detail->columns[i];
        if (!matches(screen, column))
            continue;
        Row row = {.column = column, .number = (int)i};
        if (table) {
            take_counts(&row, table);
        } else {
            row.zero_dates = column->zero_dates;
            row.clamped = column->clamped;
            row.undecodable = column->undecodable;
        }
        g_array_append_val(screen->rows, row);
    }
    g_array_sort_with_data(screen->rows, compare, &screen->sort);
    for (guint i = 0; screen->selected && i < screen->rows->len; i++)
        if (g_strcmp0(row_name(&g_array_index(screen->rows, Row, i)), screen->selected) == 0)
            screen->cursor.cursor = (int)i;
}

static void select_cursor(TableScreen *screen)
{
    g_clear_pointer(&screen->selected, g_free);
    if (screen->cursor.cursor < (int)screen->rows->len)
        screen->selected = g_strdup(row_name(&g_array_index(screen->rows, Row, screen->cursor.cursor)));
}

/* -- the upper part -- */

static const char *state_symbol(const char *state)
{
    static const char *const map[][2] = {
        {"live", "●"},   {"loading", "◐"}, {"resyncing", "◐"}, {"waiting", "○"},
        {"failed", "✖"}, {"dropped", "—"}, {"kept", "‖"}};
    for (gsize i = 0; i < G_N_ELEMENTS(map); i++)
        if (g_strcmp0(map[i][0], state) == 0)
            return map[i][1];
    return "?";
}

/* Long names leave room for the state and the clock. */
static char *cut(const Canvas *canvas, const char *text, int width)
{
    g_autofree char *clean = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(clean);
    if (canvas_text_width(canvas, out->str) <= width)
        return g_string_free(out, FALSE);
    while (out->len && canvas_text_width(canvas, out->str) > width - 1)
        g_string_truncate(out, (gsize)(g_utf8_prev_char(out->str + out->len) - out->str));
    g_string_append(out, "…");
    return g_string_free(out, FALSE);
}

static void draw_head(const TableScreen *screen, const Ui *ui, Canvas *canvas, const ViewPipe *pipe,
                      const ViewTable *table)
{
    g_autofree char *full = g_strdup_printf("%s › %s", screen->pipe, screen->table);
    g_autofree char *where = cut(canvas, full, canvas->cols - 40);
    g_autofree char *middle = NULL, *right = NULL;
    Style style = STYLE_TEXT;
    if (table) {
        middle = g_strdup_printf("%s %s", state_symbol(table->state), table->state ? table->state : "?");
        style = g_strcmp0(table->state, "failed") == 0 ? STYLE_WAIT : STYLE_TEXT;
        right = g_strdup_printf("pipe %s%s", pipe->state ? pipe->state : "?", pipe->stalled ? " ⟳" : "");
    }
    part_head(ui, canvas, where, middle, style, right);
}

static int draw_ends(Canvas *canvas, int row, const ViewPipe *pipe, const ViewTable *table)
{
    g_autofree char *dest = part_url(pipe->dest);
    int width = canvas->cols - 2;
    int col = 1 + canvas_text(canvas, row, 1, width / 2, STYLE_TEXT, table->source ? table->source : "?");
    col += canvas_text(canvas, row, col, width - col, STYLE_DIM, "   →   ");
    col += canvas_text(canvas, row, col, width / 3, STYLE_TEXT, table->target ? table->target : "?");
    if (canvas->cols - col > 20)
        canvas_printf(canvas, row, col, canvas->cols - col - 1, STYLE_DIM, "   in %s", dest);
    return 1;
}

/* A label and what it names, one after the other. */
static int fact(Canvas *canvas, int row, int col, const char *label, const char *text)
{
    if (canvas_text_width(canvas, label) + 1 + canvas_text_width(canvas, text) > canvas->cols - 1 - col)
        return col;
    col += canvas_text(canvas, row, col, canvas->cols - 1 - col, STYLE_DIM, label) + 1;
    return col + canvas_text(canvas, row, col, canvas->cols - 1 - col, STYLE_TEXT, text) + 3;
}

static int draw_key(const TableScreen *screen, Canvas *canvas, int row)
{
    const Detail *detail = screen->detail;
    char count[FORMAT_MAX];
    unsigned n = 0, waiting = 0;
    if (!detail || !detail->key) {
        fact(canvas, row, 1, "key", "?");
        return 1;
    }
    for (unsigned i = 0; i < detail->n_columns; i++) {
        n += detail->columns[i].name != NULL;
        waiting += detail->columns[i].next != NULL;
    }
    g_autofree char *key = cut(canvas, detail->key, canvas->cols / 2);
    int col = fact(canvas, row, 1, "key", key);
    col = fact(canvas, row, col, "columns", format_count(count, n));
    if (detail->engine)
        col = fact(canvas, row, col, "engine", detail->engine);
    if (waiting)
        fact(canvas, row, col, "columns that wait for a resync", format_count(count, waiting));
    return 1;
}

static int draw_rows(Canvas *canvas, int row, const ViewPipe *pipe, const ViewTable *table)
{
    char done[FORMAT_MAX], all[FORMAT_MAX];
    int col = 1;
    if (g_strcmp0(pipe->mode, "cdc") == 0) {
        fact(canvas, row, col, "rows", "not loaded: the pipe follows changes only");
        return 1;
    }
    bool loading = view_table_loads(table) || g_strcmp0(table->state, "waiting") == 0;
    g_autofree char *rows = loading && table->rows_estimate > 0
                                ? g_strdup_printf("%s of ~%s", format_count(done, table->rows_done),
                                                  format_count(all, table->rows_estimate))
                                : g_strdup(format_count(done, table->rows_done));
    col = fact(canvas, row, col, "rows loaded", rows);
    g_autofree char *ranges = table->ranges_total < 0
                                  ? g_strdup("?")
                                  : g_strdup_printf("%s of %s", format_count(done, MAX(table->ranges_done, 0)),
                                                    format_count(all, table->ranges_total));
    col = fact(canvas, row, col, "ranges done", loading || table->ranges_total >= 0 ? ranges : FORMAT_NONE);
    if (loading && table->rows_estimate > 0 && table->rows_done >= 0 && canvas->cols - col > 30) {
        double share = MIN((double)table->rows_done / (double)table->rows_estimate, 0.99);
        int bar = MIN(canvas->cols - col - 8, 40);
        spark_bar(canvas, row, col, bar, STYLE_TEXT, share);
        canvas_printf(canvas, row, col + bar, 5, STYLE_TEXT, " %3d%%", (int)(share * 100));
    }
    return 1;
}

static int draw_changes(const Ui *ui, Canvas *canvas, int row, const ViewTable *table)
{
    char text[FORMAT_MAX];
    int col = fact(canvas, row, 1, "inserts", format_count(text, table->inserts));
    col = fact(canvas, row, col, "updates", format_count(text, table->updates));
    col = fact(canvas, row, col, "deletes", format_count(text, table->deletes));
    col = fact(canvas, row, col, "last change",
               table->last_change_at > 0 ? format_when(text, table->last_change_at, ui->view->at) : FORMAT_NONE);
    if (table->parts >= 0)
        fact(canvas, row, col, "parts", format_count(text, table->parts));
    return 1;
}

static int draw_trouble(Canvas *canvas, int row, const ViewTable *table, const char *problem)
{
    const ViewError *error = table->error;
    int width = canvas->cols - 9, first = row, most = canvas->rows >= 30 ? 4 : 2;
    if (table->resync_advised)
        canvas_text(canvas, row++, 1, canvas->cols - 2, STYLE_WAIT, "A resync of this table is advised.");
    if (problem) {
        g_autofree char *text = g_strdup_printf("At the next resync its settings cannot be applied: %s", problem);
        row += canvas_wrapped(canvas, row, 1, canvas->cols - 2, 2, STYLE_WAIT, text);
    }
    if (!error)
        return row - first;
    canvas_text(canvas, row, 1, 7, STYLE_DIM, "WHAT");
    row += canvas_wrapped(canvas, row, 8, width, most, STYLE_WAIT, error->message ? error->message : "?");
    if (error->cause) { /* else the message says it */
        canvas_text(canvas, row, 1, 7, STYLE_DIM, "WHY");
        row += canvas_wrapped(canvas, row, 8, width, most, STYLE_TEXT, error->cause);
    }
    for (char **mend = error->remedies; mend && *mend && mend - error->remedies < most; mend++) {
        canvas_text(canvas, row, 1, 7, STYLE_DIM, mend == error->remedies ? "MEND" : "");
        row += canvas_wrapped(canvas, row, 8, width, most, STYLE_TEXT, *mend);
    }
    return row - first;
}

/* What the pipe as a whole has to say comes first: a table that waits with it is not at fault. */
static int draw_saying(const Ui *ui, Canvas *canvas, int row, const ViewPipe *pipe)
{
    if (!pipe->stalled && g_strcmp0(pipe->state, "Failed") != 0)
        return 0;
    Style style;
    g_autofree char *note = part_note(ui, pipe, &style);
    return *note ? canvas_wrapped(canvas, row, 1, canvas->cols - 2, 2, style, note) : 0;
}

/* -- columns -- */

typedef enum {
    CELL_NAME,
    CELL_KEY,
    CELL_TYPE,
    CELL_TARGET,
    CELL_TARGET_TYPE,
    CELL_ZERO,
    CELL_CLAMPED,
    CELL_UNDECODABLE,
    CELL_CHANGED
} Cell;

typedef struct {
    TableColumn columns[TABLE_MAX_COLUMNS];
    Cell cells[TABLE_MAX_COLUMNS];
    int n;
} Grid;

static void grid_add(Grid *grid, Cell cell, TableColumn column)
{
    grid->columns[grid->n] = column;
    grid->cells[grid->n++] = cell;
}

static const char *row_text(const Row *row, Cell cell)
{
    const DetailColumn *column = row->column;
    switch (cell) {
    case CELL_NAME:
        return row_name(row);
    case CELL_KEY:
        return column->in_key ? "key" : "";
    case CELL_TYPE:
        return !column->name ? "added by sluice" : column->type ? column->type : "?";
    case CELL_TARGET:
        return column->target ? column->target : FORMAT_NONE;
    case CELL_TARGET_TYPE:
        return !column->target ? "left out" : column->target_type ? column->target_type : "?";
    default:
        return "";
    }
}

/* Wide enough for what is in it, and for its title. */
static int natural(const TableScreen *screen, const Canvas *canvas, Cell cell, const char *title)
{
    int width = canvas_text_width(canvas, title);
    for (guint i = 0; i < screen->rows->len; i++)
        width = MAX(width, canvas_text_width(canvas, row_text(&g_array_index(screen->rows, Row, i), cell)));
    return width;
}

static bool any_renamed(const TableScreen *screen)
{
    for (unsigned i = 0; screen->detail && i < screen->detail->n_columns; i++) {
        const DetailColumn *column = &screen->detail->columns[i];
        if (column->name && column->target && g_strcmp0(column->name, column->target) != 0)
            return true;
    }
    return false;
}

static void grid_make(const TableScreen *screen, const Canvas *canvas, Grid *grid)
{
    bool wide = canvas->cols >= WIDE_COLS;
    int name = MIN(natural(screen, canvas, CELL_NAME, "COLUMN"), MAX(canvas->cols / (wide ? 5 : 4), 12));
    int type = MIN(natural(screen, canvas, CELL_TYPE, "SOURCE TYPE"), MAX(canvas->cols / (wide ? 6 : 5), 12));
    int figures = wide ? 10 + 12 + 11 + 3 * TABLE_GAP : 7 + TABLE_GAP;
    int room = canvas->cols - 4 - name - TABLE_GAP - 3 - TABLE_GAP - type - TABLE_GAP - figures;
    int target =
        any_renamed(screen) ? MIN(natural(screen, canvas, CELL_TARGET, "TARGET"), MAX(canvas->cols / 6, 12)) : 0;
    if (target && room - target - TABLE_GAP < 16)
        target = 0; /* the line below tells it */
    room -= target ? target + TABLE_GAP : 0;
    grid_add(grid, CELL_NAME, (TableColumn){.title = "COLUMN", .width = name});
    grid_add(grid, CELL_KEY, (TableColumn){.title = "KEY", .width = 3, .drop = 2});
    grid_add(grid, CELL_TYPE, (TableColumn){.title = "SOURCE TYPE", .width = type, .drop = 3});
    if (target)
        grid_add(grid, CELL_TARGET, (TableColumn){.title = "TARGET", .width = target});
    int target_type = MAX(MIN(natural(screen, canvas, CELL_TARGET_TYPE, "CLICKHOUSE TYPE"), room), 15);
    grid_add(grid, CELL_TARGET_TYPE, (TableColumn){.title = "CLICKHOUSE TYPE", .width = target_type});
    if (wide) {
        grid_add(grid, CELL_ZERO, (TableColumn){.title = "ZERO DATES", .width = 10, .right = true});
        grid_add(grid, CELL_CLAMPED, (TableColumn){.title = "OUT OF RANGE", .width = 12, .right = true});
        grid_add(grid, CELL_UNDECODABLE, (TableColumn){.title = "UNDECODABLE", .width = 11, .right = true});
    } else {
        grid_add(grid, CELL_CHANGED, (TableColumn){.title = "CHANGED", .width = 7, .right = true, .drop = 1});
    }
}

/* What applies to columns that have values of the source. */
static const char *figure(char out[FORMAT_MAX], const Row *row, Cell cell)
{
    if (!row->column->name || !row->column->target)
        return FORMAT_NONE;
    return format_count(out, cell == CELL_ZERO      ? row->zero_dates
                             : cell == CELL_CLAMPED ? row->clamped
                             : cell == CELL_CHANGED ? changed(row)
                                                    : row->undecodable);
}

static void draw_row(const TableScreen *screen, Canvas *canvas, int at_row, const Grid *grid, const TableLayout *at,
                     int index)
{
    const Row *row = &g_array_index(screen->rows, Row, index);
    bool marked = index == screen->cursor.cursor, ours = !row->column->name || !row->column->target;
    char text[FORMAT_MAX];
    if (marked)
        canvas_text(canvas, at_row, 1, 1, STYLE_TITLE, "▸");
    for (int i = 0; i < grid->n; i++) {
        Cell cell = grid->cells[i];
        Style style = cell == CELL_NAME && marked ? STYLE_MARK : ours ? STYLE_DIM : STYLE_TEXT;
        table_cell(canvas, at_row, at, i, style, cell >= CELL_ZERO ? figure(text, row, cell) : row_text(row, cell));
    }
    if (marked)
        canvas_emphasise(canvas, at_row, STYLE_TITLE);
}

static void draw_columns(TableScreen *screen, const Ui *ui, Canvas *canvas, int row, int bottom)
{
    Grid grid = {.n = 0};
    int n = (int)screen->rows->len;
    screen->page = MAX(bottom - row - 1, 1);
    table_keep_visible(&screen->cursor, n, screen->page);
    canvas->cursor_row = row + 1 + screen->cursor.cursor - screen->cursor.top;
    canvas->cursor_col = 1;
    if (!n) {
        bool unread = screen->detail && !screen->detail->n_columns;
        canvas_wrapped(canvas, row, 3, canvas->cols - 4, 3, STYLE_DIM,
                       unread           ? "the columns are not known yet: the definition is read when the pipe begins"
                       : screen->detail ? "no column has that in its name or type"
                       : screen->failure && ui->connected ? screen->failure
                                                          : "reading");
        return;
    }
    grid_make(screen, canvas, &grid);
    TableLayout at = table_layout(grid.columns, grid.n, 3, canvas->cols - 4);
    table_head(canvas, row, &at, grid.columns);
    for (int i = 0; i < screen->page && screen->cursor.top + i < n; i++)
        draw_row(screen, canvas, row + 1 + i, &grid, &at, screen->cursor.top + i);
}

static void add_changed(GString *text, int64_t count, const char *what)
{
    char shown[FORMAT_MAX];
    if (count > 0)
        g_string_append_printf(text, "   %s %s", format_count(shown, count), what);
}

/* Everything about the column under the cursor: cells are cut where they do not fit. */
static void draw_marked(const TableScreen *screen, Canvas *canvas, int row)
{
    const Row *marked = &g_array_index(screen->rows, Row, screen->cursor.cursor);
    const DetailColumn *column = marked->column;
    g_autoptr(GString) text = g_string_new(row_name(marked));
    if (!column->name) {
        g_string_append_printf(text, " %s, added by sluice", column->target_type ? column->target_type : "");
    } else {
        g_string_append_printf(text, " %s", column->type ? column->type : "?");
        if (column->target)
            g_string_append_printf(text, "  →  %s %s", column->target, column->target_type ? column->target_type : "?");
        else
            g_string_append(text, ", left out");
    }
    add_changed(text, marked->zero_dates, "zero dates converted");
    add_changed(text, marked->clamped, "out of range");
    add_changed(text, marked->undecodable, "not text in the column's charset");
    g_autofree char *samples = column->samples && *column->samples ? g_strjoinv("  ", column->samples) : NULL;
    if (samples)
        g_string_append_printf(text, ", such as  %s", samples);
    if (column->next)
        g_string_append_printf(text, "   at the next resync: %s", column->next);
    canvas_wrapped(canvas, row, 1, canvas->cols - 2, DETAIL_ROWS, STYLE_TEXT, text->str);
}

static void table_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    TableScreen *screen = self(base);
    const ViewPipe *pipe = find_pipe(screen, ui);
    const ViewTable *table = find_table(screen, pipe);
    arrange(screen, table);
    draw_head(screen, ui, canvas, pipe, table);
    if (!table) {
        canvas_text(canvas, SCREEN_HEAD + 1, 1, canvas->cols - 2, STYLE_TEXT,
                    !ui->view ? "Waiting for the engine's first word."
                    : pipe    ? "This table is no longer one of the pipe's."
                              : "This pipe is no more: it was dropped.");
        return;
    }
    int row = SCREEN_HEAD;
    row += draw_ends(canvas, row, pipe, table);
    row += draw_key(screen, canvas, row);
    row += draw_rows(canvas, row, pipe, table);
    row += draw_changes(ui, canvas, row, table);
    row += draw_saying(ui, canvas, row, pipe);
    row += draw_trouble(canvas, row, table, screen->detail ? screen->detail->problem : NULL);
    row += canvas->rows >= 20;
    bool below = canvas->rows >= 18 && screen->rows->len;
    int bottom = canvas->rows - SCREEN_FOOT - (below ? DETAIL_ROWS + 1 : 0);
    draw_columns(screen, ui, canvas, row, bottom);
    if (below) {
        canvas_rule(canvas, bottom);
        draw_marked(screen, canvas, bottom + 1);
    }
    table_position(canvas, bottom, &screen->cursor, (int)screen->rows->len, screen->page);
    part_filter(canvas, &screen->filter, screen->typing);
}

/* -- keys -- */

static bool table_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const TableScreen *screen = (const TableScreen *)base;
    const ViewPipe *pipe = find_pipe(screen, ui);
    if (action == ACTION_PAUSE || action == ACTION_RETRY || action == ACTION_INCIDENT || action == ACTION_RESYNC ||
        action == ACTION_CANCEL_RESYNC || action == ACTION_REMOVE)
        return action_possible(pipe, action);
    if (action == ACTION_FILTER || action == ACTION_SORT)
        return screen->detail && screen->detail->n_columns > 1;
    return true;
}

static bool table_key(Screen *base, Ui *ui, int key)
{
    TableScreen *screen = self(base);
    if (key == KEYCODE_ESC && !screen->typing && screen->filter.text->len) { /* shows all again before it leaves */
        line_edit_set(&screen->filter, "");
        return true;
    }
    bool taken = part_filter_key(&screen->filter, &screen->typing, key);
    if (taken)
        arrange(screen, find_table(screen, find_pipe(screen, ui)));
    return taken;
}

static bool table_act(Screen *base, Ui *ui, KeyAction action)
{
    TableScreen *screen = self(base);
    const ViewPipe *pipe = find_pipe(screen, ui);
    const ViewTable *table = find_table(screen, pipe);
    arrange(screen, table);
    if (table_move(&screen->cursor, action, (int)screen->rows->len, screen->page)) {
        select_cursor(screen);
        return true;
    }
    if (action_run_table(ui, pipe, table, action))
        return true;
    switch (action) {
    case ACTION_FILTER:
        screen->typing = true;
        return true;
    case ACTION_SORT:
        screen->sort = (screen->sort + 1) % SORT_COUNT;
        arrange(screen, table);
        ui_say(ui, STYLE_TEXT, NULL, "Columns sorted by %s.", sort_names[screen->sort]);
        return true;
    case ACTION_SETTINGS:
        ui_push(ui, screen_settings_new(ui, screen->pipe, screen->table));
        return true;
    case ACTION_JOURNAL:
        ui_push(ui, screen_journal_new(ui, screen->pipe));
        return true;
    default:
        return false;
    }
}

static CommandSubject table_subject(Screen *base, const Ui *ui)
{
    const TableScreen *screen = self(base);
    (void)ui;
    return (CommandSubject){.pipe = screen->pipe, .table = screen->table};
}

static char *table_copy(Screen *base, const Ui *ui, const char **what)
{
    const TableScreen *screen = self(base);
    const ViewPipe *pipe = find_pipe(screen, ui);
    const ViewTable *table = find_table(screen, pipe);
    *what = "the error";
    return table ? action_errors(pipe, table->error ? table : NULL) : NULL;
}

static void table_free(Screen *base)
{
    TableScreen *screen = self(base);
    g_array_unref(screen->rows);
    detail_free(screen->detail);
    g_free(screen->pipe);
    g_free(screen->table);
    g_free(screen->failure);
    g_free(screen->selected);
    line_edit_clear(&screen->filter);
    g_free(screen);
}

Screen *screen_table_new(Ui *ui, const char *pipe, const char *table)
{
    static const ScreenOps ops = {.place = KEYS_TABLE,
                                  .draw = table_draw,
                                  .act = table_act,
                                  .key = table_key,
                                  .can = table_can,
                                  .tick = table_tick,
                                  .subject = table_subject,
                                  .copy = table_copy,
                                  .free = table_free};
    TableScreen *screen = g_new0(TableScreen, 1);
    screen->screen.ops = &ops;
    screen->pipe = g_strdup(pipe);
    screen->table = g_strdup(table);
    screen->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    line_edit_init(&screen->filter, "");
    ask(screen, ui);
    return &screen->screen;
}
