/* screen_pipes.c - all pipes, trouble first. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "marks.h"
#include "screen.h"
#include "spark.h"
#include "table.h"

typedef enum { SORT_TROUBLE, SORT_NAME, SORT_LAG, SORT_HEADROOM, SORT_RATE, SORT_COUNT } Sort;
static const char *const sort_names[SORT_COUNT] = {"trouble first", "name", "lag, largest first",
                                                   "headroom, least first", "rows/s, most first"};
static const char *const sort_words[SORT_COUNT] = {NULL, "name", "lag", "headroom", "rows/s"}; /* on the rule */

typedef struct {
    Screen screen;
    GPtrArray *rows; /* const ViewPipe *, of the newest view, in the order shown */
    char *selected;  /* name of the pipe under the cursor */
    bool touched;    /* the cursor was moved: its row stays where it is */
    TableCursor cursor;
    int page; /* rows visible at the last drawing */
    Sort sort;
    LineEdit filter;
    bool typing;
    Marks marks;
} PipesScreen;

static PipesScreen *self(Screen *screen)
{
    return (PipesScreen *)screen;
}

/* -- order -- */

static int trouble(const ViewPipe *pipe)
{
    if (g_strcmp0(pipe->state, "Failed") == 0)
        return 0;
    if (pipe->stalled)
        return 1;
    if (pipe->n_tables_failed)
        return 2;
    if (pipe->headroom_seconds >= 0 && pipe->headroom_seconds < 24 * 3600)
        return 3;
    return 4;
}

/* Lag in steps of a factor of two, so that rows do not hop with every tenth of a second. Below 10 s all are alike. */
static int lag_step(const ViewPipe *pipe)
{
    return pipe->lag_seconds < 10 ? 0 : (int)log2(pipe->lag_seconds / 5);
}

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static double headroom_rank(const ViewPipe *pipe)
{
    return pipe->headroom_seconds < 0 ? INFINITY : (double)pipe->headroom_seconds;
}

static int compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const ViewPipe *x = *(ViewPipe *const *)a, *y = *(ViewPipe *const *)b;
    int order = 0;
    switch (*(Sort *)data) {
    case SORT_TROUBLE:
        order = trouble(x) - trouble(y);
        if (order == 0 && trouble(x) == 3)
            order = compare_numbers(headroom_rank(x), headroom_rank(y));
        if (order == 0)
            order = lag_step(y) - lag_step(x);
        break;
    case SORT_LAG:
        order = compare_numbers(y->lag_seconds, x->lag_seconds);
        break;
    case SORT_HEADROOM:
        order = compare_numbers(headroom_rank(x), headroom_rank(y));
        break;
    case SORT_RATE:
        order = compare_numbers(y->rows_per_second, x->rows_per_second);
        break;
    case SORT_NAME:
    case SORT_COUNT:
        break;
    }
    return order ? order : g_strcmp0(x->name, y->name);
}

static int index_of(const PipesScreen *pipes, const char *name)
{
    for (guint i = 0; name && i < pipes->rows->len; i++)
        if (g_str_equal(((const ViewPipe *)pipes->rows->pdata[i])->name, name))
            return (int)i;
    return -1;
}

static void select_cursor(PipesScreen *pipes)
{
    g_clear_pointer(&pipes->selected, g_free);
    if (pipes->rows->len) {
        pipes->cursor.cursor = CLAMP(pipes->cursor.cursor, 0, (int)pipes->rows->len - 1);
        pipes->selected = g_strdup(((const ViewPipe *)pipes->rows->pdata[pipes->cursor.cursor])->name);
    }
}

static bool pipe_exists(const void *data, const char *name)
{
    return view_find_pipe(data, name) != NULL;
}

/* The rows of the newest view. With `pin` the row under the cursor keeps its place and the others sort around it. */
static void arrange(PipesScreen *pipes, const View *view, bool pin)
{
    if (view)
        marks_keep(&pipes->marks, pipe_exists, view);
    g_ptr_array_set_size(pipes->rows, 0);
    for (unsigned i = 0; view && i < view->n_pipes; i++)
        if (part_matches(pipes->filter.text->str, view->pipes[i].name))
            g_ptr_array_add(pipes->rows, &view->pipes[i]);
    g_ptr_array_sort_with_data(pipes->rows, compare, &pipes->sort);
    int at = pipes->touched ? index_of(pipes, pipes->selected) : -1;
    if (at >= 0 && pin) {
        gpointer row = g_ptr_array_steal_index(pipes->rows, (guint)at);
        at = MIN(pipes->cursor.cursor, (int)pipes->rows->len);
        g_ptr_array_insert(pipes->rows, at, row);
    }
    if (at >= 0)
        pipes->cursor.cursor = at;
    else if (!pipes->touched)
        pipes->cursor.cursor = 0;
    select_cursor(pipes);
}

/* -- drawing -- */

enum { PIPE, STATE, LAG, BEHIND, HEADROOM, RATE, HISTORY, NOTE, N_COLUMNS };

static TableLayout layout(const PipesScreen *pipes, const Canvas *canvas, TableColumn columns[N_COLUMNS])
{
    static const TableColumn usual[N_COLUMNS] = {
        [PIPE] = {.title = "PIPE", .width = 8},
        [STATE] = {.title = "STATE", .width = 14},
        [LAG] = {.title = "LAG", .width = 7, .right = true, .drop = 5},
        [BEHIND] = {.title = "BEHIND", .width = 6, .right = true, .drop = 2},
        [HEADROOM] = {.title = "HEADROOM", .width = 9, .right = true, .drop = 4},
        [RATE] = {.title = "ROWS/S", .width = 6, .right = true, .drop = 3},
        [HISTORY] = {.title = "LAST 5 MIN", .width = 16, .drop = 1},
        [NOTE] = {.title = "NOTE", .width = 24, .flex = true},
    };
    memcpy(columns, usual, sizeof usual);
    for (guint i = 0; i < pipes->rows->len; i++)
        columns[PIPE].width =
            MAX(columns[PIPE].width, canvas_text_width(canvas, ((const ViewPipe *)pipes->rows->pdata[i])->name));
    columns[PIPE].width = MIN(columns[PIPE].width, MAX(canvas->cols / 6, 10));
    if (canvas->cols < 80)
        columns[NOTE].width = canvas->cols < 50 ? 6 : 16;
    if (canvas->cols < 50)
        columns[STATE].width = 11;
    return table_layout(columns, N_COLUMNS, 3, canvas->cols - 4);
}

static void draw_progress(Canvas *canvas, int row, int col, int width, const ViewPipe *pipe)
{
    char left[FORMAT_MAX];
    double share = part_share(pipe);
    if (share < 0) {
        canvas_text(canvas, row, col, width, STYLE_TEXT, pipe->activity ? pipe->activity : "loading");
        return;
    }
    int bar = CLAMP(width - 19, 4, 24);
    spark_bar(canvas, row, col, bar, STYLE_TEXT, share);
    canvas_printf(canvas, row, col + bar, width - bar, STYLE_TEXT, " %3d%%", (int)(share * 100));
    if (pipe->snapshot_eta_seconds >= 0 && width - bar - 7 >= 11)
        canvas_printf(canvas, row, col + bar + 7, width - bar - 7, STYLE_TEXT, "%s left",
                      format_duration(left, (double)pipe->snapshot_eta_seconds));
}

static void draw_row(const PipesScreen *pipes, const Ui *ui, Canvas *canvas, int row, const TableLayout *at, int index)
{
    const ViewPipe *pipe = pipes->rows->pdata[index];
    bool here = index == pipes->cursor.cursor;
    char text[FORMAT_MAX];
    Style style;
    if (here)
        canvas_text(canvas, row, 1, 1, STYLE_TITLE, "▸");
    if (marks_has(&pipes->marks, pipe->name))
        marks_draw_sign(canvas, row);
    table_cell(canvas, row, at, PIPE, here ? STYLE_MARK : STYLE_TEXT, pipe->name);
    g_autofree char *state =
        g_strdup_printf("%s %s%s", part_symbol(pipe), pipe->state ? pipe->state : "?", pipe->stalled ? " ⟳" : "");
    table_cell(canvas, row, at, STATE, part_style(pipe), state);
    table_cell(canvas, row, at, LAG, STYLE_TEXT, part_lag(text, pipe));
    table_cell(canvas, row, at, BEHIND, STYLE_TEXT, part_behind(text, pipe));
    part_headroom(text, pipe, &style);
    table_cell(canvas, row, at, HEADROOM, style, text);
    table_cell(canvas, row, at, RATE, STYLE_TEXT, part_rate(text, pipe));
    if (at->width[HISTORY]) {
        double values[VIEW_HISTORY];
        int n = (int)MIN(pipe->n_history, VIEW_HISTORY);
        for (int i = 0; i < n; i++)
            values[i] = pipe->history[pipe->n_history - (unsigned)n + (unsigned)i].rows;
        spark_line(canvas, row, at->x[HISTORY], at->width[HISTORY], STYLE_TEXT, values, n);
    }
    bool loading = g_strcmp0(pipe->state, "Snapshot") == 0 || g_strcmp0(pipe->state, "Resync") == 0;
    if (loading && trouble(pipe) > 2) {
        draw_progress(canvas, row, at->x[NOTE], at->width[NOTE], pipe);
    } else {
        g_autofree char *note = part_note(ui, pipe, &style);
        table_cell(canvas, row, at, NOTE, style, note);
    }
    if (here)
        canvas_emphasise(canvas, row, STYLE_TITLE);
}

static int draw_count(Canvas *canvas, int col, int end, Style style, unsigned n, const char *word, bool *first)
{
    if (!n || col >= end)
        return col;
    g_autofree char *text = g_strdup_printf("%u %s", n, word);
    if (col + (*first ? 0 : 3) + canvas_text_width(canvas, text) > end - 1) { /* room for the sign that there is more */
        canvas_text(canvas, 0, col, end - col, STYLE_DIM, " …");
        return end;
    }
    if (!*first)
        col += canvas_text(canvas, 0, col, end - col, STYLE_DIM, " · ");
    *first = false;
    return col + canvas_text(canvas, 0, col, end - col, style, text);
}

static void draw_head(const Ui *ui, Canvas *canvas)
{
    static const char *const states[] = {"Paused", "Pausing",   "Snapshot", "Resync",   "Provisioning",
                                         "Setup",  "Modifying", "Running",  "Completed"};
    int end = part_head(ui, canvas, NULL, NULL, STYLE_TEXT, NULL), col = 9;
    const View *view = ui->view;
    if (!view)
        return;
    char age[FORMAT_MAX];
    bool wide = canvas->cols >= 100;
    if (view->host)
        col += canvas_text(canvas, 0, col, MIN(end - col, canvas->cols / 5), STYLE_TEXT, view->host) + (wide ? 3 : 2);
    if (ui->connected && !ui->silent)
        col += canvas_printf(canvas, 0, col, end - col, STYLE_TEXT, "● %sup %s", wide ? "engine " : "",
                             part_since(age, ui, view->started_at)) +
               (wide ? 4 : 2);
    if (!view->n_pipes || col >= end)
        return;
    unsigned failed = 0, stalled = 0, in_part = 0;
    for (unsigned i = 0; i < view->n_pipes; i++) {
        failed += trouble(&view->pipes[i]) == 0;
        stalled += trouble(&view->pipes[i]) == 1;
        in_part += trouble(&view->pipes[i]) == 2;
    }
    bool first = true;
    col += canvas_printf(canvas, 0, col, end - col, STYLE_TEXT, "%u pipe%s: ", view->n_pipes,
                         view->n_pipes == 1 ? "" : "s");
    col = draw_count(canvas, col, end, STYLE_LOST, failed, "failed", &first);
    col = draw_count(canvas, col, end, STYLE_WAIT, stalled, "stalled", &first);
    col = draw_count(canvas, col, end, STYLE_WAIT, in_part, "failed in part", &first);
    for (gsize s = 0; s < G_N_ELEMENTS(states); s++) {
        unsigned n = 0;
        for (unsigned i = 0; i < view->n_pipes; i++)
            n += trouble(&view->pipes[i]) > 2 && g_strcmp0(view->pipes[i].state, states[s]) == 0;
        g_autofree char *word = g_ascii_strdown(states[s], -1);
        col = draw_count(canvas, col, end, STYLE_TEXT, n, word, &first);
    }
}

/* Where the note of the pipe under the cursor does not fit its column, all of it stands below the list. */
static void draw_whole_note(const PipesScreen *pipes, const Ui *ui, Canvas *canvas, int first_free, int bottom,
                            int note_width)
{
    const ViewPipe *pipe = pipes->rows->pdata[pipes->cursor.cursor];
    Style style;
    g_autofree char *note = part_note(ui, pipe, &style);
    if (canvas_text_width(canvas, note) <= note_width)
        return;
    g_autofree char *text = g_strdup_printf("%s: %s", pipe->name, note);
    int rows = MIN(canvas_wrapped_rows(canvas, canvas->cols - 2, text), 3);
    if (bottom - rows > first_free)
        canvas_wrapped(canvas, bottom - rows, 1, canvas->cols - 2, rows, style, text);
}

static void draw_centred(Canvas *canvas, int row, Style style, const char *text)
{
    int width = canvas_text_width(canvas, text);
    canvas_text(canvas, row, MAX((canvas->cols - width) / 2, 1), canvas->cols - 2, style, text);
}

static void draw_empty(const PipesScreen *pipes, const Ui *ui, Canvas *canvas)
{
    int row = MAX(canvas->rows / 2 - 3, SCREEN_HEAD + 1);
    if (!ui->view) {
        draw_centred(canvas, row, STYLE_TEXT, "Waiting for the engine's first word.");
    } else if (ui->view->n_pipes) {
        g_autofree char *text = g_strdup_printf("No pipe's name has \"%s\" in it. Esc shows all %u.",
                                                pipes->filter.text->str, ui->view->n_pipes);
        draw_centred(canvas, row, STYLE_TEXT, text);
    } else {
        draw_centred(canvas, row, STYLE_TITLE, "No pipes yet.");
        draw_centred(canvas, row + 2, STYLE_TEXT, "A pipe copies tables of a MySQL or MariaDB server");
        draw_centred(canvas, row + 3, STYLE_TEXT, "into ClickHouse, and keeps them up to date.");
        g_autofree char *key = keymap_key(ui->keys, KEYS_PIPES, ACTION_NEW, canvas->ascii);
        g_autofree char *press = g_strdup_printf("Press %s to create the first one.", key);
        draw_centred(canvas, row + 5, STYLE_KEY, press);
    }
}

static GPtrArray *shown_names(const PipesScreen *pipes)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < pipes->rows->len; i++)
        g_ptr_array_add(names, ((const ViewPipe *)pipes->rows->pdata[i])->name);
    return names;
}

static void pipes_draw(Screen *screen, const Ui *ui, Canvas *canvas)
{
    PipesScreen *pipes = self(screen);
    arrange(pipes, ui->view, true);
    draw_head(ui, canvas);
    int journal = part_journal_rows(ui, canvas, NULL);
    int bottom = canvas->rows - SCREEN_FOOT - (journal ? journal + 1 : 0);
    int n = (int)pipes->rows->len;
    pipes->page = MAX(bottom - SCREEN_HEAD - 1, 1);
    table_keep_visible(&pipes->cursor, n, pipes->page);
    if (n) {
        TableColumn columns[N_COLUMNS];
        TableLayout at = layout(pipes, canvas, columns);
        table_head(canvas, SCREEN_HEAD, &at, columns);
        for (int i = 0; i < pipes->page && pipes->cursor.top + i < n; i++)
            draw_row(pipes, ui, canvas, SCREEN_HEAD + 1 + i, &at, pipes->cursor.top + i);
        draw_whole_note(pipes, ui, canvas, SCREEN_HEAD + 1 + n, bottom, at.width[NOTE]);
        canvas->cursor_row = SCREEN_HEAD + 1 + pipes->cursor.cursor - pipes->cursor.top;
        canvas->cursor_col = 1;
    } else {
        draw_empty(pipes, ui, canvas);
    }
    if (journal) {
        canvas_rule(canvas, bottom);
        part_journal(ui, canvas, bottom + 1, journal, NULL);
    }
    table_position(canvas, bottom, &pipes->cursor, n, pipes->page);
    g_autoptr(GPtrArray) names = shown_names(pipes);
    marks_draw_rule(&pipes->marks, canvas, sort_words[pipes->sort], names, NULL);
    part_filter(canvas, &pipes->filter, pipes->typing);
}

/* -- keys -- */

static const ViewPipe *selected(const PipesScreen *pipes, const Ui *ui)
{
    return ui->view && pipes->selected ? view_find_pipe(ui->view, pipes->selected) : NULL;
}

/* What actions work on: the marked ones, also those that are hidden, or the one under the cursor. Of const ViewPipe *.
 */
static GPtrArray *chosen(const PipesScreen *pipes, const Ui *ui)
{
    GPtrArray *some = g_ptr_array_new();
    const ViewPipe *here = selected(pipes, ui);
    for (unsigned i = 0; ui->view && i < ui->view->n_pipes; i++)
        if (marks_count(&pipes->marks) ? marks_has(&pipes->marks, ui->view->pipes[i].name)
                                       : &ui->view->pipes[i] == here)
            g_ptr_array_add(some, &ui->view->pipes[i]);
    return some;
}

static bool any_possible(const PipesScreen *pipes, const Ui *ui, KeyAction action)
{
    g_autoptr(GPtrArray) some = chosen(pipes, ui);
    for (guint i = 0; i < some->len; i++)
        if (action_possible(some->pdata[i], action))
            return true;
    return false;
}

static bool pipes_can(const Screen *screen, const Ui *ui, KeyAction action)
{
    const PipesScreen *pipes = (const PipesScreen *)screen;
    bool some = ui->view && ui->view->n_pipes;
    switch (action) {
    case ACTION_OPEN:
    case ACTION_INCIDENT:
    case ACTION_ADD_TABLES:
        return action_possible(selected(pipes, ui), action);
    case ACTION_DROP:
    case ACTION_PAUSE:
    case ACTION_RETRY:
    case ACTION_RESYNC:
    case ACTION_CANCEL_RESYNC:
        return any_possible(pipes, ui, action);
    case ACTION_SORT:
    case ACTION_FILTER:
    case ACTION_MARK:
    case ACTION_MARK_ALL:
        return some;
    default:
        return true;
    }
}

static bool pipes_key(Screen *screen, Ui *ui, int key)
{
    PipesScreen *pipes = self(screen);
    bool taken = part_filter_key(&pipes->filter, &pipes->typing, key);
    if (taken)
        arrange(pipes, ui->view, false);
    return taken;
}

/* Other screens. `pipe`: under the cursor; NULL: there is none. */
static bool open_other(Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    switch (action) {
    case ACTION_OPEN:
        if (pipe)
            ui_push(ui, screen_pipe_new(pipe->name));
        return true;
    case ACTION_ADD_TABLES:
        if (action_possible(pipe, action))
            ui_push(ui, screen_add_new(ui, pipe->name));
        else
            action_refused(ui, pipe, action);
        return true;
    case ACTION_SETTINGS: /* those of the engine where there is no pipe */
        ui_push(ui, screen_settings_new(ui, pipe ? pipe->name : NULL, NULL));
        return true;
    case ACTION_NEW:
        ui_push(ui, screen_new_new(ui));
        return true;
    case ACTION_JOURNAL:
        ui_push(ui, screen_journal_new(ui, NULL));
        return true;
    default:
        return false;
    }
}

static bool pipes_act(Screen *screen, Ui *ui, KeyAction action)
{
    PipesScreen *pipes = self(screen);
    arrange(pipes, ui->view, true);
    const ViewPipe *pipe = selected(pipes, ui);
    if (table_move(&pipes->cursor, action, (int)pipes->rows->len, pipes->page)) {
        pipes->touched = true;
        select_cursor(pipes);
        return true;
    }
    g_autoptr(GPtrArray) some = chosen(pipes, ui), names = shown_names(pipes);
    if (action == ACTION_INCIDENT ? action_run(ui, pipe, action) : action_run_pipes(ui, some, action))
        return true;
    switch (action) {
    case ACTION_MARK:
        pipes->touched = true;
        marks_toggle(&pipes->marks, pipes->selected);
        return true;
    case ACTION_MARK_ALL:
        marks_toggle_all(&pipes->marks, names);
        return true;
    case ACTION_FILTER:
        pipes->typing = true;
        return true;
    case ACTION_SORT:
        pipes->sort = (pipes->sort + 1) % SORT_COUNT;
        arrange(pipes, ui->view, false);
        ui_say(ui, STYLE_TEXT, NULL, "Sorted by %s.", sort_names[pipes->sort]);
        return true;
    case ACTION_BACK:
        if (marks_count(&pipes->marks)) { /* Esc takes back one thing at a time */
            marks_drop(&pipes->marks);
            return true;
        }
        line_edit_set(&pipes->filter, "");
        pipes->sort = SORT_TROUBLE;
        pipes->touched = false;
        return true;
    default:
        return open_other(ui, pipe, action);
    }
}

static CommandSubject pipes_subject(Screen *screen, const Ui *ui)
{
    (void)ui;
    return (CommandSubject){.pipe = self(screen)->selected};
}

static char *pipes_copy(Screen *screen, const Ui *ui, const char **what)
{
    const ViewPipe *pipe = selected(self(screen), ui);
    *what = "the error";
    return pipe ? action_errors(pipe, NULL) : NULL;
}

static void pipes_free(Screen *screen)
{
    PipesScreen *pipes = self(screen);
    g_ptr_array_unref(pipes->rows);
    g_free(pipes->selected);
    line_edit_clear(&pipes->filter);
    marks_clear(&pipes->marks);
    g_free(pipes);
}

Screen *screen_pipes_new(void)
{
    static const ScreenOps ops = {.place = KEYS_PIPES,
                                  .draw = pipes_draw,
                                  .act = pipes_act,
                                  .key = pipes_key,
                                  .can = pipes_can,
                                  .subject = pipes_subject,
                                  .copy = pipes_copy,
                                  .free = pipes_free};
    PipesScreen *pipes = g_new0(PipesScreen, 1);
    pipes->screen.ops = &ops;
    pipes->rows = g_ptr_array_new();
    line_edit_init(&pipes->filter, "");
    marks_init(&pipes->marks);
    return &pipes->screen;
}
