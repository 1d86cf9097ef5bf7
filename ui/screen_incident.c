/* screen_incident.c - what went wrong with a pipe: what, why, since when, what is safe, and what can be done. */
#include <string.h>

#include "control/protocol.h"
#include "format.h"
#include "screen.h"
#include "table.h"

#define LABEL_COLS 12
#define MAX_ROWS   400 /* of the whole report; it scrolls */

typedef struct {
    Screen screen;
    char *name;
    int top;  /* first row of the report that is shown */
    int rows; /* of the report */
    int page;
} IncidentScreen;

static IncidentScreen *self(Screen *screen)
{
    return (IncidentScreen *)screen;
}

static const ViewPipe *find(const IncidentScreen *screen, const Ui *ui)
{
    return ui->view ? view_find_pipe(ui->view, screen->name) : NULL;
}

/* One paragraph with its label. Returns the row after it. */
static int paragraph(Canvas *report, int row, const char *label, Style style, const char *text)
{
    canvas_text(report, row, 1, LABEL_COLS - 1, STYLE_DIM, label);
    return row + canvas_wrapped(report, row, LABEL_COLS, report->cols - LABEL_COLS - 1, 20, style, text);
}

static const char *error_code(char out[FORMAT_MAX], int code)
{
    if (!code)
        return "";
    g_snprintf(out, FORMAT_MAX, " (code %d)", code);
    return out;
}

static int draw_error(const Ui *ui, Canvas *report, int row, const ViewError *error)
{
    char code[FORMAT_MAX], when[FORMAT_MAX];
    g_autofree char *what = error->what ? g_strdup(error->what)
                                        : g_strdup_printf("%s%s", error->message ? error->message : "?", error_code(code, error->code));
    row = paragraph(report, row, "WHAT", STYLE_LOST, what);
    if (error->server)
        row = paragraph(report, row, "SERVER", STYLE_TEXT, error->server);
    if (error->at > 0)
        row = paragraph(report, row, "WHEN", STYLE_TEXT, format_when(when, error->at, ui->view->at));
    bool said = error->what && error->cause && g_ascii_strcasecmp(error->what, error->cause) == 0; /* the cause is WHAT already */
    if (error->why || !said)
        row = paragraph(report, row, "WHY", STYLE_TEXT, error->why ? error->why : error->cause ? error->cause : "not known");
    return row;
}

static int draw_stalled(const Ui *ui, Canvas *report, int row, const ViewPipe *pipe)
{
    const ViewStalled *stalled = pipe->stalled;
    char code[FORMAT_MAX], when[FORMAT_MAX], age[FORMAT_MAX];
    g_autofree char *what = g_strdup_printf("Stalled at the %s: %s%s", stalled->side ? stalled->side : "other side",
                                            stalled->message ? stalled->message : "?", error_code(code, stalled->code));
    row = paragraph(report, row, "WHAT", STYLE_WAIT, what);
    g_autofree char *since = g_strdup_printf("%s, %s ago", format_when(when, stalled->since, ui->view->at),
                                             part_since(age, ui, stalled->since));
    row = paragraph(report, row, "SINCE", STYLE_TEXT, since);
    int64_t wait = stalled->next_try_at - ui->view->at;
    g_autofree char *tries = wait > 0 ? g_strdup_printf("%u so far, the next in %s", stalled->tries,
                                                        format_duration(age, (double)wait / 1e6))
                                      : g_strdup_printf("%u so far, the next one is under way", stalled->tries);
    row = paragraph(report, row, "TRIES", STYLE_TEXT, tries);
    return paragraph(report, row, "MEND", STYLE_TEXT,
                     stalled->needs_operator
                         ? "It is tried again and again, but somebody has to act: it was refused."
                         : "Nothing is lost. The pipe waits, tries again by itself, and goes on where it is.");
}

static int draw_last_good(const Ui *ui, Canvas *report, int row, const ViewPipe *pipe)
{
    const ViewError *error = pipe->error;
    char text[FORMAT_MAX], when[FORMAT_MAX];
    Style style;
    if (pipe->position_file || pipe->position_gtid) {
        GString *at = g_string_new(NULL);
        if (pipe->position_file)
            g_string_append_printf(at, "%s:%" G_GINT64_FORMAT, pipe->position_file, pipe->position_pos);
        if (pipe->position_gtid && *pipe->position_gtid)
            g_string_append_printf(at, "%sgtid %s", at->len ? "   " : "", pipe->position_gtid);
        if (error && error->last_good_time > 0)
            g_string_append_printf(at, "   source time %s", format_when(when, error->last_good_time, ui->view->at));
        row = paragraph(report, row, "LAST GOOD", STYLE_TEXT, at->str);
        g_string_free(at, TRUE);
    }
    part_headroom(text, pipe, &style);
    if (error && error->lost) {
        row = paragraph(report, row, "LOST", STYLE_LOST, error->lost);
    } else if (pipe->headroom_seconds >= 0) {
        g_autofree char *keeps = g_strdup_printf("%s until the source purges what this pipe still needs", text);
        row = paragraph(report, row, "HEADROOM", style, keeps);
    }
    return paragraph(report, row, "DATA", STYLE_TEXT,
                     error && error->data ? error->data
                     : pipe->n_tables_failed
                         ? "The destination tables hold everything up to the last good position, but for those that "
                           "failed, and all can be queried."
                         : "The destination tables hold everything up to the last good position and can be queried.");
}

static int draw_failed_tables(Canvas *report, int row, const ViewPipe *pipe)
{
    bool title = false;
    for (unsigned i = 0; pipe->tables && i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        if (g_strcmp0(table->state, "failed") != 0 && !table->error)
            continue;
        if (!title)
            canvas_text(report, ++row, 1, report->cols - 2, STYLE_TITLE, "TABLES THAT FAILED ALONE");
        title = true;
        row++;
        canvas_text(report, row++, 3, report->cols - 4, STYLE_WAIT, table->source ? table->source : "?");
        if (!table->error)
            continue;
        row += canvas_wrapped(report, row, 5, report->cols - 6, 6, STYLE_TEXT,
                              table->error->message ? table->error->message : "?");
        if (table->error->cause)
            row += canvas_wrapped(report, row, 5, report->cols - 6, 6, STYLE_TEXT, table->error->cause);
        for (char **mend = table->error->remedies; mend && *mend; mend++)
            row += canvas_wrapped(report, row, 5, report->cols - 6, 6, STYLE_KEY, *mend);
    }
    return row;
}

/* What has a key of its own below is told there. */
static bool has_key(const ViewPipe *pipe, const char *remedy)
{
    return (action_possible(pipe, ACTION_RESYNC) && g_str_has_prefix(remedy, "sluice resync ")) ||
           (action_possible(pipe, ACTION_SKIP) && g_str_has_prefix(remedy, "sluice reposition "));
}

static void draw_key(const Ui *ui, Canvas *report, int row, KeyAction action)
{
    g_autofree char *key = keymap_key(ui->keys, KEYS_INCIDENT, action, report->ascii);
    canvas_text_right(report, row, 1, 3, STYLE_KEY, key);
}

static int draw_skip(const Ui *ui, Canvas *report, int row, const ViewPipe *pipe)
{
    g_autofree char *file = action_word(pipe->error->oldest_log);
    g_autofree char *command = action_command(ui, "reposition %s --file %s --pos 4", pipe->name, file);
    g_autofree char *text = g_strdup_printf("Skip to %s: accepts the gap; rows that were changed in it stay stale", pipe->error->oldest_log);
    draw_key(ui, report, row, ACTION_SKIP);
    row += canvas_wrapped(report, row, 5, report->cols - 6, 3, STYLE_TEXT, text);
    return row + canvas_wrapped(report, row, 5, report->cols - 6, 3, STYLE_DIM, command);
}

static int draw_remedies(const Ui *ui, Canvas *report, int row, const ViewPipe *pipe)
{
    canvas_text(report, row++, 1, report->cols - 2, STYLE_TITLE, "WHAT YOU CAN DO");
    if (pipe->error)
        for (char **mend = pipe->error->remedies; mend && *mend; mend++) {
            if (has_key(pipe, *mend))
                continue;
            canvas_text(report, row, 3, 1, STYLE_DIM, "•");
            row += canvas_wrapped(report, row, 5, report->cols - 6, 6, STYLE_TEXT, *mend);
        }
    if (action_possible(pipe, ACTION_RESYNC) && pipe->error) {
        g_autofree char *command = action_command(ui, "resync %s", pipe->name);
        draw_key(ui, report, row, ACTION_RESYNC);
        g_autofree char *tables =
            pipe->n_tables == 1 ? g_strdup("the table") : g_strdup_printf("all %u tables", pipe->n_tables);
        g_autofree char *text = g_strdup_printf("Load %s again; readers keep the old data until the exchange", tables);
        canvas_text(report, row++, 5, report->cols - 6, STYLE_TEXT, text);
        row += canvas_wrapped(report, row, 5, report->cols - 6, 3, STYLE_DIM, command);
    }
    if (action_possible(pipe, ACTION_RESYNC) && pipe->n_tables > 1) {
        draw_key(ui, report, row, ACTION_RESYNC_SOME);
        canvas_text(report, row++, 5, report->cols - 6, STYLE_TEXT, "Load chosen tables again, when you know which are wrong");
    }
    if (action_possible(pipe, ACTION_SKIP))
        row = draw_skip(ui, report, row, pipe);
    if (action_possible(pipe, ACTION_RETRY)) {
        g_autofree char *command = action_command(ui, "retry %s", pipe->name);
        draw_key(ui, report, row, ACTION_RETRY);
        canvas_text(report, row++, 5, report->cols - 6, STYLE_TEXT,
                    pipe->stalled ? "Try now, without waiting for the next try"
                                  : "Try again, after the cause was mended");
        row += canvas_wrapped(report, row, 5, report->cols - 6, 3, STYLE_DIM, command);
    }
    if (pipe->error && pipe->error->prevent) {
        canvas_text(report, ++row, 1, report->cols - 2, STYLE_TITLE, "SO THAT IT STAYS AWAY");
        row++;
        row += canvas_wrapped(report, row, 5, report->cols - 6, 6, STYLE_TEXT, pipe->error->prevent);
    }
    return row;
}

static int draw_report(const Ui *ui, Canvas *report, const ViewPipe *pipe)
{
    int row = 0;
    if (pipe->error)
        row = draw_error(ui, report, row, pipe->error);
    if (pipe->stalled)
        row = draw_stalled(ui, report, row, pipe);
    if (!pipe->error && !pipe->stalled && pipe->n_tables_failed) {
        g_autofree char *failed = view_tables_failed(pipe);
        bool others = pipe->n_tables_failed < pipe->n_tables;
        g_autofree char *what =
            g_strdup_printf("%s%s.", failed, others ? "; the others go on" : "; the pipe itself goes on");
        what[0] = g_ascii_toupper(what[0]);
        row = paragraph(report, row, "WHAT", STYLE_WAIT, what);
    }
    if (!action_possible(pipe, ACTION_INCIDENT))
        row = paragraph(report, row, "WHAT", STYLE_TEXT, "Nothing is wrong any more.");
    row = draw_last_good(ui, report, row, pipe);
    row = draw_failed_tables(report, row, pipe);
    return draw_remedies(ui, report, row + 1, pipe);
}

static void incident_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    IncidentScreen *screen = self(base);
    const ViewPipe *pipe = find(screen, ui);
    char age[FORMAT_MAX];
    g_autofree char *state = pipe
                                 ? g_strdup_printf("%s %s%s for %s", part_symbol(pipe), pipe->state ? pipe->state : "?",
                                                   pipe->stalled ? " ⟳" : "", part_since(age, ui, pipe->since))
                                 : NULL;
    part_head(ui, canvas, screen->name, state, pipe ? part_style(pipe) : STYLE_TEXT, NULL);
    if (!pipe) {
        canvas_text(canvas, SCREEN_HEAD + 1, 1, canvas->cols - 2, STYLE_TEXT, "This pipe is no more: it was dropped.");
        return;
    }
    g_autoptr(Canvas) report = canvas_new(MAX_ROWS, canvas->cols, canvas->ascii);
    screen->rows = MIN(draw_report(ui, report, pipe), MAX_ROWS);
    screen->page = canvas->rows - SCREEN_HEAD - SCREEN_FOOT;
    screen->top = CLAMP(screen->top, 0, MAX(screen->rows - screen->page, 0));
    canvas_copy_rows(canvas, SCREEN_HEAD, report, screen->top, screen->page);
    TableCursor shown = {.top = screen->top};
    table_position(canvas, canvas->rows - SCREEN_FOOT, &shown, screen->rows, screen->page);
    canvas->cursor_row = SCREEN_HEAD;
    canvas->cursor_col = 1;
}

static bool incident_can(const Screen *base, const Ui *ui, KeyAction action)
{
    const IncidentScreen *screen = (const IncidentScreen *)base;
    const ViewPipe *pipe = find(screen, ui);
    if (action == ACTION_RESYNC_SOME)
        return action_possible(pipe, ACTION_RESYNC) && pipe->n_tables > 1;
    return (action != ACTION_RETRY && action != ACTION_RESYNC && action != ACTION_SKIP) ||
           action_possible(pipe, action);
}

/* ---- Skipping: the engine says what lies between, then it is asked ---- */

typedef struct {
    char *pipe, *file;
} Skip;

static void skip_free(void *data)
{
    Skip *skip = data;
    g_free(skip->pipe);
    g_free(skip->file);
    g_free(skip);
}

static json_t *skip_request(const char *pipe, const char *file)
{
    json_t *request = protocol_request("reposition");
    json_object_set_new(request, "name", json_string(pipe));
    json_object_set_new(request, "file", json_string(file));
    json_object_set_new(request, "pos", json_integer(4));
    return request;
}

static void skipped(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    (void)owner;
    (void)answer;
    (void)tag;
    if (error)
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
}

static void skip_confirmed(Ui *ui, int choice, void *data)
{
    const Skip *skip = data;
    (void)choice;
    ui_say(ui, STYLE_TEXT, NULL, "%s goes on from %s.", skip->pipe, skip->file);
    ui_request(ui, skip_request(skip->pipe, skip->file), NULL, skipped, 0);
}

static void skip_looked_at(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    IncidentScreen *screen = self(owner);
    const ViewPipe *pipe = find(screen, ui);
    (void)tag;
    if (error) {
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
        return;
    }
    if (!action_possible(pipe, ACTION_SKIP))
        return;
    const char *gap = json_string_value(json_object_get(answer, "gap"));
    g_autofree char *file = action_word(pipe->error->oldest_log);
    g_autofree char *command = action_command(ui, "reposition %s --file %s --pos 4 --yes", pipe->name, file);
    g_autofree char *title = g_strdup_printf("Skip to %s", pipe->error->oldest_log);
    g_autofree char *text = g_strdup_printf("This %s. Rows that were changed in between stay stale until they change again or are loaded "
                                            "again; every table is marked so. Written to the journal with both positions.",
                                            gap ? gap : "skips an unknown part of the log");
    Dialog *dialog = dialog_choice(title, text, command);
    dialog_add_choice(dialog, 'y', "y", "skip");
    Skip *skip = g_new(Skip, 1);
    *skip = (Skip){g_strdup(pipe->name), g_strdup(pipe->error->oldest_log)};
    ui_ask(ui, dialog, skip_confirmed, skip, skip_free);
}

static void ask_to_skip(IncidentScreen *screen, Ui *ui)
{
    const ViewPipe *pipe = find(screen, ui);
    json_t *request = skip_request(pipe->name, pipe->error->oldest_log);
    json_object_set_new(request, "check", json_true());
    ui_request(ui, request, &screen->screen, skip_looked_at, 0);
}

static bool incident_act(Screen *base, Ui *ui, KeyAction action)
{
    IncidentScreen *screen = self(base);
    TableCursor cursor = {.cursor = screen->top, .top = screen->top};
    /* The report itself moves: its first row is the cursor. */
    if (table_move(&cursor, action, MAX(screen->rows - screen->page + 1, 1), screen->page)) {
        screen->top = cursor.cursor;
        return true;
    }
    if (action == ACTION_RETRY || action == ACTION_RESYNC)
        return action_run(ui, find(screen, ui), action);
    if (action == ACTION_RESYNC_SOME) {
        if (incident_can(base, ui, action))
            ui_push(ui, screen_pipe_choose_new(screen->name));
        return true;
    }
    if (action == ACTION_SKIP) {
        if (action_possible(find(screen, ui), action))
            ask_to_skip(screen, ui);
        return true;
    }
    if (action == ACTION_JOURNAL) {
        ui_push(ui, screen_journal_new(ui, screen->name));
        return true;
    }
    return false;
}

static CommandSubject incident_subject(Screen *base, const Ui *ui)
{
    (void)ui;
    return (CommandSubject){.pipe = self(base)->name};
}

static char *incident_copy(Screen *base, const Ui *ui, const char **what)
{
    const ViewPipe *pipe = find(self(base), ui);
    *what = "the report";
    return pipe ? ui->options->explain(ui->view, pipe) : NULL;
}

static void incident_free(Screen *base)
{
    IncidentScreen *screen = self(base);
    g_free(screen->name);
    g_free(screen);
}

Screen *screen_incident_new(const char *name)
{
    static const ScreenOps ops = {.place = KEYS_INCIDENT,
                                  .draw = incident_draw,
                                  .act = incident_act,
                                  .can = incident_can,
                                  .subject = incident_subject,
                                  .copy = incident_copy,
                                  .free = incident_free};
    IncidentScreen *screen = g_new0(IncidentScreen, 1);
    screen->screen.ops = &ops;
    screen->name = g_strdup(name);
    return &screen->screen;
}
