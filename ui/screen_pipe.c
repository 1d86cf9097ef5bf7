/* screen_pipe.c - one pipe: where it is, what it does this second, its tables, its journal. */
#include <string.h>

#include "base/clock.h"
#include "chart.h"
#include "control/protocol.h"
#include "format.h"
#include "marks.h"
#include "screen.h"
#include "spark.h"
#include "table.h"

#define CLOCK_OFF 1 /* s: from here on a difference of clocks is told; less comes with the way to the source and back  \
                     */
#define DISK_LOW INT64_C(2000000000) /* bytes: logs and merges of a few minutes may need as much */

typedef enum { SORT_TROUBLE, SORT_NAME, SORT_CHANGES, SORT_COUNT } Sort;
static const char *const sort_names[SORT_COUNT] = {"trouble first", "name", "changes, most first"};
static const char *const sort_words[SORT_COUNT] = {NULL, "name", "changes"}; /* on the rule */

typedef struct {
    Screen screen;
    char *name;
    GPtrArray *rows; /* const ViewTable *, of the newest view */
    char *selected;
    TableCursor cursor;
    int page;
    Sort sort;
    LineEdit filter;
    bool typing;
    bool by_day;          /* charts of a day or longer, which are asked for */
    ViewHistoryCell *day; /* NULL: not come yet */
    unsigned n_day;
    int64_t day_at; /* unix seconds: of the newest cell */
    int day_cell;   /* seconds of a cell */
    Marks marks;   /* tables */
    bool choosing; /* opened to choose what is resynced */
} PipeScreen;

static PipeScreen *self(Screen *screen)
{
    return (PipeScreen *)screen;
}

static const ViewPipe *find(const PipeScreen *screen, const Ui *ui)
{
    return ui->view ? view_find_pipe(ui->view, screen->name) : NULL;
}

static bool loading(const ViewPipe *pipe)
{
    return g_strcmp0(pipe->state, "Snapshot") == 0 || g_strcmp0(pipe->state, "Resync") == 0 ||
           (pipe->snapshot_ranges_total > 0 && pipe->snapshot_ranges_done < pipe->snapshot_ranges_total);
}

/* -- tables' order -- */

static int trouble(const ViewTable *table)
{
    static const char *const order[] = {"failed", "kept", "loading", "resyncing", "waiting", "live"};
    for (int i = 0; i < (int)G_N_ELEMENTS(order); i++)
        if (g_strcmp0(table->state, order[i]) == 0)
            return i;
    return G_N_ELEMENTS(order);
}

static int64_t changes(const ViewTable *table)
{
    return MAX(table->inserts, 0) + MAX(table->updates, 0) + MAX(table->deletes, 0);
}

static int compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const ViewTable *x = *(ViewTable *const *)a, *y = *(ViewTable *const *)b;
    int order = 0;
    if (*(Sort *)data == SORT_TROUBLE)
        order = trouble(x) - trouble(y);
    else if (*(Sort *)data == SORT_CHANGES)
        order = (changes(y) > changes(x)) - (changes(y) < changes(x));
    return order ? order : g_strcmp0(x->source, y->source);
}

static bool table_exists(const void *data, const char *name)
{
    const ViewPipe *pipe = data;
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++)
        if (g_strcmp0(pipe->tables[i].source, name) == 0)
            return true;
    return false;
}

/* The cursor stays on its table, and the table under the cursor keeps its row (`pin`). */
static void arrange(PipeScreen *screen, const ViewPipe *pipe, bool pin)
{
    if (pipe)
        marks_keep(&screen->marks, table_exists, pipe);
    g_ptr_array_set_size(screen->rows, 0);
    for (unsigned i = 0; pipe && i < pipe->n_tables && pipe->tables; i++)
        if (part_matches(screen->filter.text->str, pipe->tables[i].source))
            g_ptr_array_add(screen->rows, &pipe->tables[i]);
    g_ptr_array_sort_with_data(screen->rows, compare, &screen->sort);
    for (guint i = 0; screen->selected && i < screen->rows->len; i++) {
        const ViewTable *table = screen->rows->pdata[i];
        if (g_strcmp0(table->source, screen->selected) != 0)
            continue;
        if (pin) {
            g_ptr_array_steal_index(screen->rows, i);
            screen->cursor.cursor = CLAMP(screen->cursor.cursor, 0, (int)screen->rows->len);
            g_ptr_array_insert(screen->rows, screen->cursor.cursor, (gpointer)table);
        } else {
            screen->cursor.cursor = (int)i;
        }
        break;
    }
}

static void select_cursor(PipeScreen *screen)
{
    g_clear_pointer(&screen->selected, g_free);
    if (screen->cursor.cursor < (int)screen->rows->len)
        screen->selected = g_strdup(((const ViewTable *)screen->rows->pdata[screen->cursor.cursor])->source);
}

/* -- head -- */

static void draw_head(const Ui *ui, Canvas *canvas, const char *name, const ViewPipe *pipe)
{
    if (!pipe) {
        part_head(ui, canvas, name, NULL, STYLE_TEXT, NULL);
        return;
    }
    char age[FORMAT_MAX], clock[FORMAT_MAX];
    g_autofree char *state =
        canvas->cols >= 100
            ? g_strdup_printf("%s %s%s  since %s  (%s)", part_symbol(pipe), pipe->state ? pipe->state : "?",
                              pipe->stalled ? " ⟳" : "", format_when(clock, pipe->since, ui->view->at),
                              part_since(age, ui, pipe->since))
            : g_strdup_printf("%s %s%s for %s", part_symbol(pipe), pipe->state ? pipe->state : "?",
                              pipe->stalled ? " ⟳" : "", part_since(age, ui, pipe->since));
    g_autofree char *right = g_strdup_printf("%s · %u table%s", pipe->mode ? pipe->mode : "?", pipe->n_tables,
                                             pipe->n_tables == 1 ? "" : "s");
    part_head(ui, canvas, name, state, part_style(pipe), right);
}

static int draw_ends(Canvas *canvas, int row, const ViewPipe *pipe)
{
    g_autofree char *source = part_url(pipe->source), *dest = part_url(pipe->dest);
    const char *source_version = pipe->source_version ? pipe->source_version : "";
    const char *dest_version = pipe->dest_version ? pipe->dest_version : "";
    g_autofree char *from = g_strdup_printf("%s  %s", source, source_version);
    g_autofree char *to = g_strdup_printf("%s  %s", dest, dest_version);
    int width = canvas->cols - 2;
    if (canvas_text_width(canvas, from) + canvas_text_width(canvas, to) + 7 <= width) {
        int col = 1 + canvas_text(canvas, row, 1, width, STYLE_TEXT, from);
        col += canvas_text(canvas, row, col, width - col, STYLE_DIM, "   →   ");
        canvas_text(canvas, row, col, canvas->cols - col - 1, STYLE_TEXT, to);
        return 1;
    }
    canvas_text(canvas, row, 1, 5, STYLE_DIM, "from");
    canvas_text(canvas, row, 6, width - 5, STYLE_TEXT, from);
    canvas_text(canvas, row + 1, 1, 5, STYLE_DIM, "to");
    canvas_text(canvas, row + 1, 6, width - 5, STYLE_TEXT, to);
    return 2;
}

static int draw_label(Canvas *canvas, int row, int col, const char *label, Style style, const char *value)
{
    int room = canvas->cols - 1 - col;
    if (room < canvas_text_width(canvas, label) + 1 + canvas_text_width(canvas, value))
        return col;
    col += canvas_text(canvas, row, col, room, STYLE_DIM, label) + 1;
    return col + canvas_text(canvas, row, col, canvas->cols - 1 - col, style, value) + 3;
}

/* Free at the destination, and where the catalog is. Left out where it does not fit, but not when little is left. */
static int draw_disks(const Ui *ui, Canvas *canvas, int row, int col, const ViewPipe *pipe)
{
    char text[FORMAT_MAX];
    int64_t there = pipe->dest_free_bytes, here = ui->view->disk_free_bytes;
    if (there >= 0)
        col = draw_label(canvas, row, col, "disk there", there < DISK_LOW ? STYLE_WAIT : STYLE_TEXT, format_bytes(text, (double)there));
    if (here >= 0)
        col = draw_label(canvas, row, col, "here", here < DISK_LOW ? STYLE_WAIT : STYLE_TEXT, format_bytes(text, (double)here));
    return col;
}

/* Times of source and destination, and of two servers' logs, are compared at night: that the clocks differ must be
 * seen. Lag is measured by the source's clock and does not suffer. */
static int draw_clock(Canvas *canvas, int row, int col, const ViewPipe *pipe)
{
    double ahead = pipe->source_clock_seconds;
    char text[FORMAT_MAX];
    if (ABS(ahead) < CLOCK_OFF)
        return col;
    g_autofree char *value = g_strdup_printf("%c%s", ahead < 0 ? '-' : '+', format_duration(text, ABS(ahead)));
    return draw_label(canvas, row, col, "source's clock", STYLE_TEXT, value);
}

static bool disk_is_low(const Ui *ui, const ViewPipe *pipe)
{
    return (pipe->dest_free_bytes >= 0 && pipe->dest_free_bytes < DISK_LOW) || (ui->view->disk_free_bytes >= 0 && ui->view->disk_free_bytes < DISK_LOW);
}

static int draw_position(const Ui *ui, Canvas *canvas, int row, const ViewPipe *pipe)
{
    char text[FORMAT_MAX];
    Style style;
    int col = 1;
    col = draw_label(canvas, row, col, "lag", STYLE_TEXT, part_lag(text, pipe));
    col = draw_label(canvas, row, col, "behind", STYLE_TEXT, part_behind(text, pipe));
    part_headroom(text, pipe, &style);
    col = draw_label(canvas, row, col, "headroom", style, text);
    bool low = disk_is_low(ui, pipe);
    if (low)
        col = draw_disks(ui, canvas, row, col, pipe);
    if (pipe->position_file) {
        g_autofree char *at = g_strdup_printf("%s:%" G_GINT64_FORMAT, pipe->position_file, pipe->position_pos);
        col = draw_label(canvas, row, col, "at", STYLE_TEXT, at);
    }
    if (!low && canvas->cols >= 120)
        col = draw_disks(ui, canvas, row, col, pipe);
    col = draw_clock(canvas, row, col, pipe);
    if (pipe->position_gtid && *pipe->position_gtid)
        draw_label(canvas, row, col, "gtid", STYLE_TEXT, pipe->position_gtid);
    return 1;
}

/* What it says this second: trouble, or what it does. */
static int draw_saying(const Ui *ui, Canvas *canvas, int row, const ViewPipe *pipe)
{
    Style style;
    g_autofree char *note = part_note(ui, pipe, &style);
    if (!*note)
        return 0;
    int rows = MIN(canvas_wrapped_rows(canvas, canvas->cols - 2, note), 2);
    return canvas_wrapped(canvas, row, 1, canvas->cols - 2, rows, style, note);
}

/* -- snapshot and graphs -- */

/* Facts side by side, each only where all of it fits. */
typedef struct {
    Canvas *canvas;
    int row, col;
} Facts;

static void fact(Facts *facts, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fact(Facts *facts, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    int room = facts->canvas->cols - 1 - facts->col;
    if (canvas_text_width(facts->canvas, text) <= room)
        facts->col += canvas_text(facts->canvas, facts->row, facts->col, room, STYLE_TEXT, text) + 3;
}

static int draw_snapshot(const Ui *ui, Canvas *canvas, int row, const ViewPipe *pipe)
{
    double share = part_share(pipe);
    char a[FORMAT_MAX], b[FORMAT_MAX];
    int bar = CLAMP(canvas->cols - 66, 10, 60), col = 11;
    canvas_text(canvas, row, 1, 9, STYLE_DIM, "snapshot");
    if (share >= 0) {
        spark_bar(canvas, row, col, bar, STYLE_TEXT, share);
        canvas_printf(canvas, row, col + bar, 6, STYLE_TITLE, " %3d%%", (int)(share * 100));
    }
    Facts facts = {canvas, row, share >= 0 ? col + bar + 7 : col};
    if (pipe->snapshot_ranges_total >= 0)
        fact(&facts, "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " ranges", MAX(pipe->snapshot_ranges_done, 0),
             pipe->snapshot_ranges_total);
    if (pipe->snapshot_rows_done >= 0 && pipe->snapshot_rows_estimate >= 0)
        fact(&facts, "%s of ~%s rows", format_count(a, pipe->snapshot_rows_done),
             format_count(b, pipe->snapshot_rows_estimate));
    else if (pipe->snapshot_rows_done >= 0)
        fact(&facts, "%s rows", format_count(a, pipe->snapshot_rows_done));
    facts = (Facts){canvas, row + 1, col};
    fact(&facts, "%s rows/s", format_rate(a, pipe->rows_per_second));
    fact(&facts, "%s/s", format_bytes(a, pipe->bytes_per_second));
    if (pipe->snapshot_eta_seconds >= 0)
        fact(&facts, "%s left", format_duration(a, (double)pipe->snapshot_eta_seconds));
    if (pipe->memory_bytes >= 0 && ui->view->memory_limit > 0)
        fact(&facts, "memory %s of %s MiB", format_mib(a, pipe->memory_bytes), format_mib(b, ui->view->memory_limit));
    if (pipe->readers > 0)
        fact(&facts, "%d reader%s", pipe->readers, pipe->readers == 1 ? "" : "s");
    if (pipe->senders > 0)
        fact(&facts, "%d sender%s", pipe->senders, pipe->senders == 1 ? "" : "s");
    return 2;
}

/* -- charts -- */

#define HOUR_CELL 20 /* seconds */

static int chart_rows(const Canvas *canvas)
{
    return canvas->rows >= 40 ? 6 : 3;
}

static ChartSeries series_of(const PipeScreen *screen, const Ui *ui, const ViewPipe *pipe)
{
    if (screen->by_day)
        return (ChartSeries){.cells = screen->day,
                             .n = screen->day ? (int)screen->n_day : -1,
                             .seconds = screen->day_cell,
                             .period = CHART_DAY / screen->day_cell,
                             .newest = screen->day_at / screen->day_cell};
    return (ChartSeries){.cells = pipe->history,
                         .n = (int)pipe->n_history,
                         .seconds = HOUR_CELL,
                         .period = VIEW_HISTORY,
                         .newest = ui->view->at / G_USEC_PER_SEC / HOUR_CELL - 1};
}

static void draw_times(Canvas *canvas, int row, int col, int width, const ViewPipe *pipe)
{
    const struct {
        const char *name;
        double share;
    } parts[] = {{"read", pipe->time_read}, {"build", pipe->time_build}, {"send", pipe->time_send}};
    canvas_text(canvas, row, col, width, STYLE_DIM, "where the time goes");
    for (int i = 0; i < (int)G_N_ELEMENTS(parts); i++) {
        canvas_text(canvas, row + 1 + i, col, 6, STYLE_TEXT, parts[i].name);
        if (parts[i].share < 0) {
            canvas_text(canvas, row + 1 + i, col + 7, 1, STYLE_TEXT, "?");
            continue;
        }
        spark_bar(canvas, row + 1 + i, col + 7, width - 12, STYLE_TEXT, parts[i].share);
        canvas_printf(canvas, row + 1 + i, col + width - 5, 5, STYLE_TEXT, "%4d%%", (int)(parts[i].share * 100 + 0.5));
    }
}

static int draw_charts(const PipeScreen *screen, const Ui *ui, Canvas *canvas, int row, const ViewPipe *pipe)
{
    bool times = canvas->cols >= 100;
    int time_width = 30, gap = 2, right = times ? time_width + gap + 1 : 0;
    int width = MIN((canvas->cols - 2 - right - gap * (CHART_COUNT - 1)) / CHART_COUNT, CHART_WIDEST);
    ChartSeries series = series_of(screen, ui, pipe);
    for (int i = 0; i < CHART_COUNT; i++)
        chart_draw(canvas, row, 1 + i * (width + gap), chart_rows(canvas), width, &series, i, ui->view->at);
    int col = 1 + CHART_COUNT * (width + gap) + 1;
    if (times)
        draw_times(canvas, row, col, time_width, pipe);
    if (times && chart_rows(canvas) > 5)
        chart_batch(canvas, row + 5, col, time_width, &series);
    return chart_rows(canvas) + 1;
}

/* -- tables -- */

enum { TABLE, STATE, LOADED, SNAPSHOT, INSERTS, UPDATES, DELETES, CHANGED, N_COLUMNS };

static void format_loaded(char out[], const ViewTable *table)
{
    char done[FORMAT_MAX], estimate[FORMAT_MAX];
    if (view_table_loads(table) && table->rows_estimate > 0)
        g_snprintf(out, FORMAT_MAX, "%s / ~%s", format_count(done, table->rows_done),
                   format_count(estimate, table->rows_estimate));
    else if (g_strcmp0(table->state, "waiting") == 0 && table->rows_done <= 0 && table->rows_estimate >= 0)
        g_snprintf(out, FORMAT_MAX, "~%s", format_count(estimate, table->rows_estimate));
    else
        format_count(out, table->rows_done);
}

/* Ranges are told until the pipe goes on after a pause or a restart; a table that is live then was loaded, if the pipe
 * loads. */
static const char *share_without_ranges(const ViewPipe *pipe, const ViewTable *table)
{
    if (g_strcmp0(table->state, "waiting") == 0)
        return "";
    if (table->ranges_total >= 0 || g_strcmp0(pipe->mode, "cdc") == 0)
        return FORMAT_NONE;
    return g_strcmp0(table->state, "live") == 0 ? "done" : "?";
}

static void draw_share(Canvas *canvas, int row, const TableLayout *at, const ViewPipe *pipe, const ViewTable *table)
{
    if (!at->width[SNAPSHOT])
        return;
    if (table->ranges_total <= 0 || table->ranges_done < 0 || g_strcmp0(table->state, "waiting") == 0) {
        table_cell(canvas, row, at, SNAPSHOT, STYLE_TEXT, share_without_ranges(pipe, table));
        return;
    }
    if (table->ranges_done >= table->ranges_total) {
        table_cell(canvas, row, at, SNAPSHOT, STYLE_TEXT, "done");
        return;
    }
    double share = (double)table->ranges_done / (double)table->ranges_total;
    if (table->rows_estimate > 0 && table->rows_done >= 0)
        share = MIN((double)table->rows_done / (double)table->rows_estimate, 0.99);
    int bar = at->width[SNAPSHOT] - 5;
    spark_bar(canvas, row, at->x[SNAPSHOT], bar, STYLE_TEXT, share);
    canvas_printf(canvas, row, at->x[SNAPSHOT] + bar, 5, STYLE_TEXT, " %3d%%", (int)(share * 100));
}

static void draw_table_row(const PipeScreen *screen, const Ui *ui, Canvas *canvas, int row, const TableLayout *at,
                           int index)
{
    const ViewTable *table = screen->rows->pdata[index];
    bool here = index == screen->cursor.cursor, failed = g_strcmp0(table->state, "failed") == 0;
    char text[FORMAT_MAX];
    if (here)
        canvas_text(canvas, row, 1, 1, STYLE_TITLE, "▸");
    if (marks_has(&screen->marks, table->source))
        marks_draw_sign(canvas, row);
    table_cell(canvas, row, at, TABLE, here ? STYLE_MARK : STYLE_TEXT, table->source);
    table_cell(canvas, row, at, STATE, failed ? STYLE_WAIT : STYLE_TEXT, table->state ? table->state : "?");
    if (failed && table->error && table->error->message) {
        int col = at->x[STATE] + at->width[STATE] + TABLE_GAP;
        canvas_text(canvas, row, col, canvas->cols - 1 - col, STYLE_WAIT, table->error->message);
        return;
    }
    format_loaded(text, table);
    table_cell(canvas, row, at, LOADED, STYLE_TEXT, text);
    draw_share(canvas, row, at, find(screen, ui), table);
    table_cell(canvas, row, at, INSERTS, STYLE_TEXT, format_count(text, table->inserts));
    table_cell(canvas, row, at, UPDATES, STYLE_TEXT, format_count(text, table->updates));
    table_cell(canvas, row, at, DELETES, STYLE_TEXT, format_count(text, table->deletes));
    table_cell(canvas, row, at, CHANGED, STYLE_TEXT,
               table->last_change_at > 0 ? format_when(text, table->last_change_at, ui->view->at) : FORMAT_NONE);
    if (here)
        canvas_emphasise(canvas, row, STYLE_TITLE);
}

static void draw_tables(PipeScreen *screen, const Ui *ui, Canvas *canvas, int row, int bottom, const ViewPipe *pipe)
{
    TableColumn columns[N_COLUMNS] = {
        [TABLE] = {.title = "TABLE", .width = 16, .flex = true},
        [STATE] = {.title = "STATE", .width = 7},
        [LOADED] = {.title = "LOADED", .width = loading(pipe) ? 18 : 10, .right = true},
        [SNAPSHOT] = {.title = "SNAPSHOT", .width = 14, .drop = loading(pipe) ? 5 : 1},
        [INSERTS] = {.title = "INSERTS", .width = 9, .right = true, .drop = 4},
        [UPDATES] = {.title = "UPDATES", .width = 9, .right = true, .drop = 3},
        [DELETES] = {.title = "DELETES", .width = 9, .right = true, .drop = 2},
        [CHANGED] = {.title = "LAST CHANGE", .width = 11, .drop = loading(pipe) ? 1 : 6},
    };
    for (guint i = 0; i < screen->rows->len; i++)
        columns[TABLE].width =
            MAX(columns[TABLE].width, canvas_text_width(canvas, ((const ViewTable *)screen->rows->pdata[i])->source));
    columns[TABLE].width = MIN(columns[TABLE].width, MAX(canvas->cols / 3, 16));
    columns[TABLE].flex = false; /* names and figures stay close together on wide screens */
    TableLayout at = table_layout(columns, N_COLUMNS, 3, canvas->cols - 4);
    table_head(canvas, row++, &at, columns);
    int n = (int)screen->rows->len;
    screen->page = MAX(bottom - row, 1);
    table_keep_visible(&screen->cursor, n, screen->page);
    for (int i = 0; i < screen->page && screen->cursor.top + i < n; i++)
        draw_table_row(screen, ui, canvas, row + i, &at, screen->cursor.top + i);
    if (!n)
        canvas_text(canvas, row, 3, canvas->cols - 4, STYLE_DIM,
                    pipe->n_tables && screen->filter.text->len ? "no table's name has that in it"
                                                               : "no tables are known yet");
    canvas->cursor_row = row + screen->cursor.cursor - screen->cursor.top;
    canvas->cursor_col = 1;
}

/* "space marks tables, M resyncs them"; free with g_free. */
static char *choose_hint(const Ui *ui, bool ascii)
{
    g_autofree char *mark = keymap_key(ui->keys, KEYS_PIPE, ACTION_MARK, ascii);
    g_autofree char *resync = keymap_key(ui->keys, KEYS_PIPE, ACTION_RESYNC_SOME, ascii);
    return g_strdup_printf("%s marks tables, %s resyncs them", mark, resync);
}

static GPtrArray *shown_names(const PipeScreen *screen)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < screen->rows->len; i++)
        g_ptr_array_add(names, ((const ViewTable *)screen->rows->pdata[i])->source);
    return names;
}

static void pipe_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    PipeScreen *screen = self(base);
    const ViewPipe *pipe = find(screen, ui);
    arrange(screen, pipe, true);
    draw_head(ui, canvas, screen->name, pipe);
    if (!pipe) {
        canvas_text(canvas, SCREEN_HEAD + 1, 1, canvas->cols - 2, STYLE_TEXT,
                    ui->view ? "This pipe is no more: it was dropped." : "Waiting for the engine's first word.");
        return;
    }
    int row = SCREEN_HEAD;
    row += draw_ends(canvas, row, pipe);
    row += draw_position(ui, canvas, row, pipe);
    row += draw_saying(ui, canvas, row, pipe);
    bool roomy = canvas->rows >= 24;
    if (loading(pipe) && canvas->rows >= 14) {
        row += roomy;
        row += draw_snapshot(ui, canvas, row, pipe);
    }
    int journal = part_journal_rows(ui, canvas, screen->name);
    journal = canvas->rows < 30 ? MIN(journal, 2) : journal;
    if (canvas->rows >= 22 && canvas->cols >= 60) {
        row += roomy;
        row += draw_charts(screen, ui, canvas, row, pipe);
    }
    row += canvas->rows >= 30;
    int bottom = canvas->rows - SCREEN_FOOT - (journal ? journal + 1 : 0);
    draw_tables(screen, ui, canvas, row, bottom, pipe);
    if (journal) {
        canvas_rule(canvas, bottom);
        part_journal(ui, canvas, bottom + 1, journal, screen->name);
    }
    table_position(canvas, bottom, &screen->cursor, (int)screen->rows->len, screen->page);
    g_autoptr(GPtrArray) names = shown_names(screen);
    g_autofree char *hint = screen->choosing ? choose_hint(ui, canvas->ascii) : NULL;
    marks_draw_rule(&screen->marks, canvas, sort_words[screen->sort], names, hint);
    part_filter(canvas, &screen->filter, screen->typing);
}

/* -- the last day -- */

#define DAY_AGAIN_USEC (60 * G_USEC_PER_SEC)

static void day_answered(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    PipeScreen *screen = self(owner);
    (void)tag;
    if (error && !screen->day) { /* of no use */
        screen->by_day = false;
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
    }
    if (error)
        return;
    g_free(screen->day);
    screen->day = view_history_from_json(json_object_get(answer, "cells"), &screen->n_day);
    screen->day_cell = (int)CLAMP(json_integer_value(json_object_get(answer, "cell_seconds")), 1, CHART_DAY);
    screen->day_at = ui->view ? ui->view->at / G_USEC_PER_SEC : 0;
}

static void ask_day(Screen *base, Ui *ui, int64_t now)
{
    json_t *request = protocol_request("history");
    json_object_set_new(request, "name", json_string(self(base)->name));
    ui_request(ui, request, base, day_answered, 0);
    base->wake_at = now + DAY_AGAIN_USEC;
}

static void pipe_tick(Screen *base, Ui *ui, int64_t now)
{
    if (self(base)->by_day)
        ask_day(base, ui, now);
}

static void change_period(Screen *base, Ui *ui)
{
    PipeScreen *screen = self(base);
    screen->by_day = !screen->by_day;
    if (screen->by_day)
        ask_day(base, ui, clock_monotonic_usec());
    ui_say(ui, STYLE_TEXT, NULL, screen->by_day ? "Charts of the last day." : "Charts of the last hour.");
}

/* -- keys -- */

static bool pipe_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const PipeScreen *screen = (const PipeScreen *)base;
    const ViewPipe *pipe = find(screen, ui);
    switch (action) {
    case ACTION_PAUSE:
    case ACTION_RETRY:
    case ACTION_INCIDENT:
    case ACTION_DROP:
    case ACTION_RESYNC:
    case ACTION_CANCEL_RESYNC:
    case ACTION_REMOVE:
    case ACTION_ADD_TABLES:
        return action_possible(pipe, action);
    case ACTION_RESYNC_SOME:
        return action_possible(pipe, ACTION_RESYNC) && pipe->n_tables > 1;
    case ACTION_FILTER:
    case ACTION_SORT:
    case ACTION_MARK:
    case ACTION_MARK_ALL:
        return pipe && pipe->n_tables > 1;
    case ACTION_OPEN:
        return pipe && pipe->n_tables;
    case ACTION_VERIFY:
        return pipe && (pipe->verify || action_possible(pipe, action));
    default:
        return true;
    }
}

static bool pipe_key(Screen *base, Ui *ui, int key)
{
    PipeScreen *screen = self(base);
    if (key == KEYCODE_ESC && !screen->typing && (marks_count(&screen->marks) || screen->filter.text->len)) {
        /* One thing at a time: the marks, then the filter, then it leaves. */
        if (marks_count(&screen->marks))
            marks_drop(&screen->marks);
        else
            line_edit_set(&screen->filter, "");
        return true;
    }
    bool taken = part_filter_key(&screen->filter, &screen->typing, key);
    if (taken)
        arrange(screen, find(screen, ui), false);
    return taken;
}

/* The marked tables, also those that are hidden. Of const ViewTable *. */
static GPtrArray *marked_tables(const PipeScreen *screen, const ViewPipe *pipe)
{
    GPtrArray *some = g_ptr_array_new();
    for (unsigned i = 0; pipe && pipe->tables && i < pipe->n_tables; i++)
        if (marks_has(&screen->marks, pipe->tables[i].source))
            g_ptr_array_add(some, &pipe->tables[i]);
    return some;
}

/* What is removed without a mark is the table under the cursor; what is resynced without one is the pipe. */
static bool run(PipeScreen *screen, Ui *ui, const ViewPipe *pipe, KeyAction action)
{
    g_autoptr(GPtrArray) some = marked_tables(screen, pipe);
    if (action == ACTION_RESYNC_SOME && !some->len && action_possible(pipe, ACTION_RESYNC)) {
        screen->choosing = true;
        g_autofree char *hint = choose_hint(ui, ui->theme.ascii);
        ui_say(ui, STYLE_TEXT, NULL, "Nothing is marked yet: %s. It asks first.", hint);
        return true;
    }
    if (action == ACTION_REMOVE && !some->len && screen->cursor.cursor < (int)screen->rows->len)
        g_ptr_array_add(some, screen->rows->pdata[screen->cursor.cursor]);
    return action_run_tables(ui, pipe, some, action == ACTION_RESYNC_SOME ? ACTION_RESYNC : action);
}

static bool pipe_act(Screen *base, Ui *ui, KeyAction action)
{
    PipeScreen *screen = self(base);
    const ViewPipe *pipe = find(screen, ui);
    arrange(screen, pipe, true);
    if (table_move(&screen->cursor, action, (int)screen->rows->len, screen->page)) {
        select_cursor(screen);
        return true;
    }
    if (run(screen, ui, pipe, action))
        return true;
    g_autoptr(GPtrArray) names = shown_names(screen);
    switch (action) {
    case ACTION_MARK:
        select_cursor(screen);
        marks_toggle(&screen->marks, screen->selected);
        return true;
    case ACTION_MARK_ALL:
        marks_toggle_all(&screen->marks, names);
        return true;
    case ACTION_FILTER:
        screen->typing = true;
        return true;
    case ACTION_SORT:
        screen->sort = (screen->sort + 1) % SORT_COUNT;
        arrange(screen, pipe, false);
        ui_say(ui, STYLE_TEXT, NULL, "Tables sorted by %s.", sort_names[screen->sort]);
        return true;
    case ACTION_PERIOD:
        change_period(base, ui);
        return true;
    case ACTION_OPEN:
        if (screen->cursor.cursor < (int)screen->rows->len)
            ui_push(ui, screen_table_new(ui, screen->name,
                                         ((const ViewTable *)screen->rows->pdata[screen->cursor.cursor])->source));
        return true;
    case ACTION_ADD_TABLES:
        if (action_possible(pipe, action))
            ui_push(ui, screen_add_new(ui, pipe->name));
        else
            action_refused(ui, pipe, action);
        return true;
    case ACTION_SETTINGS:
        select_cursor(screen);
        ui_push(ui, screen_settings_new(ui, screen->name, screen->selected));
        return true;
    case ACTION_JOURNAL:
        ui_push(ui, screen_journal_new(ui, screen->name));
        return true;
    case ACTION_VERIFY:
        ui_push(ui, screen_verify_new(screen->name));
        return true;
    default:
        return false;
    }
}

/* The rows may be an older view's: nothing was drawn since. */
static const ViewTable *table_here(PipeScreen *screen, const ViewPipe *pipe)
{
    arrange(screen, pipe, true);
    int cursor = screen->cursor.cursor;
    return cursor < (int)screen->rows->len ? screen->rows->pdata[cursor] : NULL;
}

static CommandSubject pipe_subject(Screen *base, const Ui *ui)
{
    PipeScreen *screen = self(base);
    const ViewTable *table = table_here(screen, find(screen, ui));
    return (CommandSubject){.pipe = screen->name, .table = table ? table->source : NULL};
}

/* Of the table under the cursor where that failed, else of the pipe. */
static char *pipe_copy(Screen *base, const Ui *ui, const char **what)
{
    PipeScreen *screen = self(base);
    const ViewPipe *pipe = find(screen, ui);
    const ViewTable *table = table_here(screen, pipe);
    *what = "the error";
    return pipe ? action_errors(pipe, table && table->error ? table : NULL) : NULL;
}

static void pipe_free(Screen *base)
{
    PipeScreen *screen = self(base);
    g_ptr_array_unref(screen->rows);
    g_free(screen->name);
    g_free(screen->selected);
    g_free(screen->day);
    line_edit_clear(&screen->filter);
    marks_clear(&screen->marks);
    g_free(screen);
}

Screen *screen_pipe_new(const char *name)
{
    static const ScreenOps ops = {.place = KEYS_PIPE,
                                  .draw = pipe_draw,
                                  .act = pipe_act,
                                  .key = pipe_key,
                                  .can = pipe_can,
                                  .subject = pipe_subject,
                                  .copy = pipe_copy,
                                  .tick = pipe_tick,
                                  .free = pipe_free};
    PipeScreen *screen = g_new0(PipeScreen, 1);
    screen->screen.ops = &ops;
    screen->name = g_strdup(name);
    screen->day_cell = CHART_DAY;
    screen->rows = g_ptr_array_new();
    line_edit_init(&screen->filter, "");
    marks_init(&screen->marks);
    return &screen->screen;
}

Screen *screen_pipe_choose_new(const char *name)
{
    Screen *screen = screen_pipe_new(name);
    self(screen)->choosing = true;
    return screen;
}
