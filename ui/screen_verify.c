/* screen_verify.c - whether both ends of a pipe hold the same rows: how far a verify is, and what differs, with both
 * values. */
#include <string.h>

#include "base/clock.h"
#include "control/protocol.h"
#include "format.h"
#include "screen.h"
#include "table.h"

#define DETAIL_ROWS  6 /* values of the difference under the cursor */
#define REFRESH_USEC 500000

/* A difference, or a table that was not compared. */
typedef struct {
    char *kind, *table, *key;
    char *note;     /* what is to be said of it; NULL */
    char *values;   /* a line for each column that differs; NULL */
    char *columns;  /* their names */
    bool is_mended; /* or no difference at all */
} Row;

typedef struct {
    Screen screen;
    char *name;
    GPtrArray *rows; /* of Row */
    TableCursor cursor;
    int page;
    int64_t number, differences; /* of what `rows` holds */
    bool ran;                    /* it was still running then */
} VerifyScreen;

static VerifyScreen *self(Screen *screen)
{
    return (VerifyScreen *)screen;
}

static const ViewPipe *find(const VerifyScreen *screen, const Ui *ui)
{
    return ui->view ? view_find_pipe(ui->view, screen->name) : NULL;
}

static const ViewVerify *verify_of(const VerifyScreen *screen, const Ui *ui)
{
    const ViewPipe *pipe = find(screen, ui);
    return pipe ? pipe->verify : NULL;
}

static void row_free(void *data)
{
    Row *row = data;
    g_free(row->kind);
    g_free(row->table);
    g_free(row->key);
    g_free(row->note);
    g_free(row->values);
    g_free(row->columns);
    g_free(row);
}

/* -- what was found -- */

static const char *text_of(const json_t *object, const char *field)
{
    return json_string_value(json_object_get(object, field));
}

static void add_values(Row *row, const json_t *values)
{
    g_autoptr(GString) names = g_string_new(NULL), lines = g_string_new(NULL);
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value)
    {
        const char *column = text_of(value, "column"), *ours = text_of(value, "source"),
                   *theirs = text_of(value, "dest");
        g_string_append_printf(names, "%s%s", i ? ", " : "", column ? column : "?");
        g_string_append_printf(lines, "%s%s: source %s, destination %s", i ? "\n" : "", column ? column : "?",
                               ours ? ours : "NULL", theirs ? theirs : "NULL");
    }
    row->columns = g_strdup(names->str);
    row->values = g_strdup(lines->str);
}

static void add_difference(VerifyScreen *screen, const json_t *item)
{
    Row *row = g_new0(Row, 1);
    row->is_mended = json_is_true(json_object_get(item, "repaired"));
    row->kind = g_strdup(text_of(item, "kind"));
    row->table = g_strdup(text_of(item, "table"));
    row->key = g_strdup(text_of(item, "key"));
    row->note = row->is_mended ? g_strdup("mended")
                : json_is_true(json_object_get(item, "ahead"))
                    ? g_strdup("its version at the destination is none of the stream's: a resync of the table mends it")
                    : NULL;
    add_values(row, json_object_get(item, "values"));
    g_ptr_array_add(screen->rows, row);
}

static void add_table(VerifyScreen *screen, const json_t *item)
{
    const char *skipped = text_of(item, "skipped");
    json_int_t unsettled = json_integer_value(json_object_get(item, "unsettled"));
    if (!skipped && unsettled <= 0 && !json_is_true(json_object_get(item, "at_least")))
        return;
    Row *row = g_new0(Row, 1);
    row->is_mended = true;
    row->kind = g_strdup(skipped ? "skipped" : "note");
    row->table = g_strdup(text_of(item, "table"));
    row->note = skipped ? g_strdup(skipped)
                : unsettled > 0
                    ? g_strdup_printf("%" JSON_INTEGER_FORMAT " keys kept changing and were not compared", unsettled)
                    : g_strdup("too many differences to list: a resync of the table loads it again");
    g_ptr_array_add(screen->rows, row);
}

static void loaded(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    VerifyScreen *screen = self(owner);
    size_t i;
    json_t *item;
    (void)tag;
    if (error) {
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
        return;
    }
    g_ptr_array_set_size(screen->rows, 0);
    json_array_foreach(json_object_get(answer, "differences"), i, item) add_difference(screen, item);
    json_array_foreach(json_object_get(answer, "tables"), i, item) add_table(screen, item);
}

static void verify_tick(Screen *base, Ui *ui, int64_t now)
{
    VerifyScreen *screen = self(base);
    const ViewVerify *verify = verify_of(screen, ui);
    base->wake_at = now + REFRESH_USEC;
    if (!verify || (verify->number == screen->number && verify->differences == screen->differences &&
                    verify->running == screen->ran))
        return;
    screen->number = verify->number;
    screen->differences = verify->differences;
    screen->ran = verify->running;
    json_t *request = protocol_request("verify_result");
    json_object_set_new(request, "name", json_string(screen->name));
    ui_request(ui, request, base, loaded, 0);
}

/* -- drawing -- */

static char *progress_text(const ViewVerify *verify)
{
    char rows[FORMAT_MAX], estimate[FORMAT_MAX], rate[FORMAT_MAX];
    g_autoptr(GString) text = g_string_new("comparing");
    if (verify->table)
        g_string_append_printf(text, " %s", verify->table);
    g_string_append_printf(text, "   %s", format_count(rows, verify->rows));
    if (verify->rows_estimate > verify->rows)
        g_string_append_printf(text, " of some %s", format_count(estimate, verify->rows_estimate));
    g_string_append_printf(text, " rows   %s rows/s", format_rate(rate, verify->rows_per_second));
    if (verify->n_tables > 1)
        g_string_append_printf(text, "   table %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT,
                               MIN(verify->tables_done + 1, verify->n_tables), verify->n_tables);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *done_text(const Ui *ui, const ViewVerify *verify)
{
    char rows[FORMAT_MAX], when[FORMAT_MAX];
    return g_strdup_printf("%s %s   %s rows of %" G_GINT64_FORMAT " table%s",
                           verify->stopped ? "ended early at" : "compared until",
                           format_when(when, verify->ended_at, ui->view->at), format_count(rows, verify->rows),
                           verify->tables_done, verify->tables_done == 1 ? "" : "s");
}

static char *found_text(const ViewVerify *verify, Style *style)
{
    char differences[FORMAT_MAX], repaired[FORMAT_MAX];
    *style = verify->differences > verify->repaired ? STYLE_LOST : STYLE_TEXT;
    if (verify->differences == 0)
        return g_strdup(verify->running ? "no difference so far" : "no difference");
    g_autofree char *mended =
        verify->repair ? g_strdup_printf(", %s mended", format_count(repaired, verify->repaired)) : g_strdup("");
    return g_strdup_printf("%s difference%s%s", format_count(differences, verify->differences),
                           verify->differences == 1 ? "" : "s", mended);
}

/* Returns the row behind it. */
static int draw_summary(const Ui *ui, Canvas *canvas, const VerifyScreen *screen, int row)
{
    const ViewVerify *verify = verify_of(screen, ui);
    int width = canvas->cols - 2;
    Style style;
    if (!verify) {
        row += canvas_wrapped(canvas, row, 1, width, 3, STYLE_DIM,
                              "Not compared since the engine started. Every row of both ends is compared beside the "
                              "running stream; only rows "
                              "that differ travel.");
        return row + 1;
    }
    g_autofree char *what = verify->running ? progress_text(verify) : done_text(ui, verify);
    g_autofree char *found = found_text(verify, &style);
    canvas_text(canvas, row++, 1, width, STYLE_TEXT, what);
    canvas_text(canvas, row++, 1, width, style, found);
    const char *note = verify->running ? verify->activity : verify->stopped;
    if (note)
        row += canvas_wrapped(canvas, row, 1, width, 2, verify->running ? STYLE_WAIT : STYLE_LOST, note);
    return row + 1;
}

enum { KIND, TABLE, KEY, COLUMNS, N_COLUMNS };

static void draw_rows(Canvas *canvas, VerifyScreen *screen, int top)
{
    int n = (int)screen->rows->len;
    TableColumn columns[N_COLUMNS] = {[KIND] = {.title = "WHAT", .width = 9},
                                      [TABLE] = {.title = "TABLE", .width = 12},
                                      [KEY] = {.title = "KEY", .width = 12},
                                      [COLUMNS] = {.title = "COLUMNS", .width = 14, .flex = true}};
    for (int i = 0; i < n; i++) {
        const Row *row = screen->rows->pdata[i];
        columns[TABLE].width = MAX(columns[TABLE].width, canvas_text_width(canvas, row->table ? row->table : ""));
        columns[KEY].width = MAX(columns[KEY].width, canvas_text_width(canvas, row->key ? row->key : ""));
    }
    columns[TABLE].width = MIN(columns[TABLE].width, canvas->cols / 3);
    columns[KEY].width = MIN(columns[KEY].width, canvas->cols / 3);
    TableLayout at = table_layout(columns, N_COLUMNS, 3, canvas->cols - 4);
    table_head(canvas, top, &at, columns);
    for (int i = 0; i < screen->page && screen->cursor.top + i < n; i++) {
        int index = screen->cursor.top + i, line = top + 1 + i;
        const Row *row = screen->rows->pdata[index];
        Style style = row->is_mended ? STYLE_DIM : STYLE_TEXT;
        if (index == screen->cursor.cursor)
            canvas_text(canvas, line, 1, 1, STYLE_TITLE, "▸");
        table_cell(canvas, line, &at, KIND, row->is_mended ? STYLE_DIM : STYLE_LOST, row->kind ? row->kind : "?");
        table_cell(canvas, line, &at, TABLE, style, row->table ? row->table : "");
        table_cell(canvas, line, &at, KEY, style, row->key ? row->key : "");
        table_cell(canvas, line, &at, COLUMNS, style,
                   row->columns && *row->columns ? row->columns
                   : row->note                   ? row->note
                                                 : "");
        if (index == screen->cursor.cursor)
            canvas_emphasise(canvas, line, STYLE_TITLE);
    }
    canvas->cursor_row = top + 1 + screen->cursor.cursor - screen->cursor.top;
    canvas->cursor_col = 1;
}

static void draw_detail(Canvas *canvas, const VerifyScreen *screen, int row)
{
    const Row *one = screen->rows->pdata[screen->cursor.cursor];
    int end = row + DETAIL_ROWS, width = canvas->cols - 2;
    canvas_rule(canvas, row);
    table_position(canvas, row++, &screen->cursor, (int)screen->rows->len, screen->page);
    g_auto(GStrv) lines = g_strsplit(one->values ? one->values : "", "\n", -1);
    for (char **line = lines; *line && row < end; line++)
        row += canvas_wrapped(canvas, row, 1, width, end - row, STYLE_TEXT, *line);
    if (one->note && row < end)
        canvas_wrapped(canvas, row, 1, width, end - row, STYLE_TEXT, one->note);
}

static void verify_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    VerifyScreen *screen = self(base);
    g_autofree char *where = g_strdup_printf("%s › verify", screen->name);
    part_head(ui, canvas, where, NULL, STYLE_TEXT, NULL);
    int row = draw_summary(ui, canvas, screen, SCREEN_HEAD), n = (int)screen->rows->len;
    if (!n)
        return;
    int detail = canvas->rows >= 18 ? DETAIL_ROWS : 0;
    screen->page = MAX(canvas->rows - SCREEN_FOOT - detail - row - 1, 1);
    table_keep_visible(&screen->cursor, n, screen->page);
    draw_rows(canvas, screen, row);
    if (detail)
        draw_detail(canvas, screen, canvas->rows - SCREEN_FOOT - detail);
}

/* -- keys -- */

static bool verify_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const VerifyScreen *screen = (const VerifyScreen *)base;
    const ViewPipe *pipe = find(screen, ui);
    bool running = pipe && pipe->verify && pipe->verify->running;
    switch (action) {
    case ACTION_VERIFY:
    case ACTION_REPAIR:
        return !running && action_possible(pipe, ACTION_VERIFY);
    case ACTION_CANCEL_VERIFY:
        return running;
    default:
        return true;
    }
}

static void answered(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    (void)owner;
    (void)answer;
    (void)tag;
    if (error)
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
}

static void request(Ui *ui, const char *what, const char *name, bool repair)
{
    json_t *object = protocol_request(what);
    json_object_set_new(object, "name", json_string(name));
    if (repair)
        json_object_set_new(object, "repair", json_true());
    ui_request(ui, object, NULL, answered, 0);
}

static void repair_confirmed(Ui *ui, int choice, void *data)
{
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "Comparing %s, and mending what differs.", (const char *)data);
    request(ui, "verify", data, true);
}

static void ask_to_repair(Ui *ui, const char *name)
{
    g_autofree char *title = g_strdup_printf("Mend %s", name),
                    *command = action_command(ui, "verify %s --repair", name);
    Dialog *dialog = dialog_choice(
        title,
        "Every row is compared. Rows that differ are read from the source again and written to the destination; rows "
        "that only the destination has are deleted there. Changes that come later win.",
        command);
    dialog_add_choice(dialog, 'y', "y", "compare and mend");
    ui_ask(ui, dialog, repair_confirmed, g_strdup(name), g_free);
}

static bool verify_act(Screen *base, Ui *ui, KeyAction action)
{
    VerifyScreen *screen = self(base);
    if (table_move(&screen->cursor, action, (int)screen->rows->len, screen->page))
        return true;
    bool ours = action == ACTION_VERIFY || action == ACTION_REPAIR || action == ACTION_CANCEL_VERIFY;
    if (!ours)
        return false;
    if (!verify_can(base, ui, action)) {
        ui_say(ui, STYLE_TEXT, NULL,
               action == ACTION_CANCEL_VERIFY
                   ? "Nothing is being compared."
                   : "A pipe in mode full can be compared while it is Running, once at a time.");
        return true;
    }
    if (action == ACTION_REPAIR) {
        ask_to_repair(ui, screen->name);
        return true;
    }
    bool cancel = action == ACTION_CANCEL_VERIFY;
    g_autofree char *command = action_command(ui, cancel ? "verify %s --cancel" : "verify %s", screen->name);
    ui_say(ui, STYLE_TEXT, command, cancel ? "The comparison of %s ends." : "Comparing %s, beside its stream.",
           screen->name);
    request(ui, cancel ? "verify_cancel" : "verify", screen->name, false);
    return true;
}

static CommandSubject verify_subject(Screen *base, const Ui *ui)
{
    (void)ui;
    return (CommandSubject){.pipe = self(base)->name};
}

static void verify_free(Screen *base)
{
    VerifyScreen *screen = self(base);
    g_ptr_array_unref(screen->rows);
    g_free(screen->name);
    g_free(screen);
}

Screen *screen_verify_new(const char *name)
{
    static const ScreenOps ops = {.place = KEYS_VERIFY,
                                  .draw = verify_draw,
                                  .act = verify_act,
                                  .can = verify_can,
                                  .tick = verify_tick,
                                  .subject = verify_subject,
                                  .free = verify_free};
    VerifyScreen *screen = g_new0(VerifyScreen, 1);
    screen->screen.ops = &ops;
    screen->screen.wake_at = 1; /* at once */
    screen->name = g_strdup(name);
    screen->rows = g_ptr_array_new_with_free_func(row_free);
    return &screen->screen;
}
