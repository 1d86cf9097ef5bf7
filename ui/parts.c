/* parts.c - what several screens draw alike. */
#include <string.h>

#include "base/casefold.h"

#include "format.h"
#include "screen.h"
#include "spark.h"

#define HEADROOM_LOW  (24 * 3600) /* s: yellow below */
#define HEADROOM_LAST (2 * 3600)  /* s: red below */

const char *part_symbol(const ViewPipe *pipe)
{
    static const struct {
        const char *state, *symbol;
    } map[] = {
        {"Running", "●"}, {"Snapshot", "◐"},  {"Resync", "◐"}, {"Failed", "✖"},    {"Paused", "‖"},
        {"Pausing", "‖"}, {"Completed", "✔"}, {"Setup", "○"},  {"Modifying", "◐"}, {"Provisioning", "○"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(map); i++)
        if (g_strcmp0(map[i].state, pipe->state) == 0)
            return map[i].symbol;
    return "?";
}

Style part_style(const ViewPipe *pipe)
{
    if (g_strcmp0(pipe->state, "Failed") == 0)
        return STYLE_LOST;
    return pipe->stalled || pipe->n_tables_failed ? STYLE_WAIT : STYLE_TEXT;
}

/* Before a pipe streams and after it has ended there is nothing to be behind of. */
static bool streams(const ViewPipe *pipe)
{
    static const char *const without[] = {"Provisioning", "Setup", "Completed", NULL};
    return !pipe->state || !g_strv_contains(without, pipe->state);
}

const char *part_headroom(char out[], const ViewPipe *pipe, Style *style)
{
    *style = STYLE_TEXT;
    if (pipe->headroom_seconds < 0)
        return strcpy(out, streams(pipe) && !pipe->logs_kept ? "?" : FORMAT_NONE);
    format_headroom(out, pipe->headroom_seconds);
    if (pipe->headroom_seconds >= HEADROOM_LOW)
        return out;
    *style = pipe->headroom_seconds < HEADROOM_LAST ? STYLE_LOST : STYLE_WAIT;
    char plain[FORMAT_MAX];
    strcpy(plain, out);
    g_snprintf(out, FORMAT_MAX, "▲ %s", plain);
    return out;
}

const char *part_lag(char out[], const ViewPipe *pipe)
{
    if (pipe->lag_seconds < 0 && (!streams(pipe) || g_strcmp0(pipe->state, "Snapshot") == 0))
        return strcpy(out, FORMAT_NONE);
    return format_duration(out, pipe->lag_seconds);
}

const char *part_behind(char out[], const ViewPipe *pipe)
{
    return pipe->lag_bytes < 0 && !streams(pipe) ? strcpy(out, FORMAT_NONE)
                                                 : format_bytes(out, (double)pipe->lag_bytes);
}

const char *part_rate(char out[], const ViewPipe *pipe)
{
    return pipe->rows_per_second < 0 && !streams(pipe) ? strcpy(out, FORMAT_NONE)
                                                       : format_rate(out, pipe->rows_per_second);
}

double part_share(const ViewPipe *pipe)
{
    double share = VIEW_UNKNOWN;
    if (pipe->snapshot_rows_estimate > 0 && pipe->snapshot_rows_done >= 0)
        share = (double)pipe->snapshot_rows_done / (double)pipe->snapshot_rows_estimate;
    else if (pipe->snapshot_ranges_total > 0 && pipe->snapshot_ranges_done >= 0)
        share = (double)pipe->snapshot_ranges_done / (double)pipe->snapshot_ranges_total;
    /* Estimates are often short: full is what is done. */
    return share > 0.99 && !view_pipe_loaded(pipe) ? 0.99 : MIN(share, 1.0);
}

const char *part_since(char out[], const Ui *ui, int64_t since)
{
    if (since <= 0 || !ui->view)
        return strcpy(out, "?");
    double seconds = MAX((double)(ui->view->at - since) / 1e6, 0);
    if (seconds < 60)
        g_snprintf(out, FORMAT_MAX, "%ds", (int)seconds);
    else if (seconds < 3600)
        g_snprintf(out, FORMAT_MAX, "%dm", (int)(seconds / 60));
    else
        format_duration(out, seconds);
    char *wide = strstr(out, "  "); /* "12d  4h" is for columns */
    if (wide)
        memmove(wide, wide + 1, strlen(wide + 1) + 1);
    return out;
}

char *part_stalled(const Ui *ui, const ViewStalled *stalled)
{
    GString *text = g_string_new(stalled->needs_operator ? "needs you" : "stalled");
    int64_t wait = stalled->next_try_at - ui->view->at;
    if (stalled->tries)
        g_string_append_printf(text, ", try %u", stalled->tries + 1);
    if (stalled->next_try_at > 0 && wait > 0)
        g_string_append_printf(text, " in %ds", (int)((wait + 999999) / 1000000));
    g_string_append_printf(text, ": %s", stalled->message ? stalled->message : "?");
    return g_string_free(text, FALSE);
}

/* The last minutes' lag, against what the server still keeps: how long until ground is lost. -1: not falling behind. */
static double lost_in(const ViewPipe *pipe)
{
    enum { CELLS = 5 };
    if (pipe->n_history < CELLS + 1 || pipe->headroom_seconds < 0)
        return -1;
    const ViewHistoryCell *cells = pipe->history + pipe->n_history - CELLS - 1;
    for (int i = 0; i < CELLS; i++)
        if (cells[i].lag < 0 || cells[i + 1].lag <= cells[i].lag)
            return -1;
    double growth = (cells[CELLS].lag - cells[0].lag) / (CELLS * 20.0); /* lag seconds per second */
    return cells[CELLS].lag > 60 && growth > 0.05 ? (double)pipe->headroom_seconds / growth : -1;
}

char *part_note(const Ui *ui, const ViewPipe *pipe, Style *style)
{
    char text[FORMAT_MAX];
    *style = STYLE_TEXT;
    if (g_strcmp0(pipe->state, "Failed") == 0) {
        *style = STYLE_LOST;
        return g_strdup(!pipe->error         ? "failed"
                        : pipe->error->what  ? pipe->error->what
                        : pipe->error->cause ? pipe->error->cause
                                             : pipe->error->message);
    }
    if (pipe->stalled) {
        *style = STYLE_WAIT;
        return part_stalled(ui, pipe->stalled);
    }
    if (pipe->n_tables_failed) {
        *style = STYLE_WAIT;
        return view_tables_failed(pipe);
    }
    if (pipe->paused_by && g_strcmp0(pipe->state, "Paused") == 0)
        return g_strdup_printf("by %s, %s ago", pipe->paused_by, part_since(text, ui, pipe->since));
    double lost = lost_in(pipe);
    if (lost >= 0) {
        *style = lost < HEADROOM_LAST ? STYLE_LOST : STYLE_WAIT;
        return g_strdup_printf("falling behind, lost in %s", format_duration(text, lost));
    }
    if (pipe->catching_up_seconds > 0 && pipe->lag_seconds > 10)
        return g_strdup_printf("catching up, %s", format_duration(text, (double)pipe->catching_up_seconds));
    return g_strdup(pipe->activity ? pipe->activity : "");
}

bool part_matches(const char *filter, const char *name)
{
    if (!filter || !*filter)
        return true;
    g_autofree char *folded_filter = casefold(filter);
    g_autofree char *folded = casefold(name ? name : "");
    return strstr(folded, folded_filter) != NULL;
}

/* Never to be mistaken for what happens now. */
static char *recording_text(const Ui *ui, const Canvas *canvas, const char *before, const char *gap)
{
    char at[FORMAT_MAX], zone[FORMAT_MAX];
    const char *what = ui->ended ? "recording ended" : "recording of";
    if (canvas->cols < 100)
        return g_strdup_printf("%s %s", what, format_clock(at, ui->view->at));
    canvas->cols < 140 ? format_clock(at, ui->view->at) : format_date(at, ui->view->at);
    return g_strdup_printf("%s%s%s %s %s", before, gap, what, at, format_zone(zone, ui->view->at));
}

static int head_right(const Ui *ui, Canvas *canvas, const char *right)
{
    char clock[FORMAT_MAX], zone[FORMAT_MAX];
    g_autofree char *text = NULL;
    Style style = STYLE_TEXT;
    const char *before = right ? right : "", *gap = right ? "  " : "";
    if (!ui->view) {
        text = g_strdup(ui->connected ? "waiting for the engine" : "the engine is gone");
        style = STYLE_WAIT;
    } else if (ui->recorded) {
        text = recording_text(ui, canvas, before, gap);
        style = STYLE_TITLE;
    } else if (!ui->connected) {
        text = g_strdup_printf("engine gone since %s", format_clock(clock, ui->view->at));
        style = STYLE_LOST;
    } else if (ui->silent) {
        text = g_strdup_printf("no news from the engine since %s", format_clock(clock, ui->view->at));
        style = STYLE_WAIT;
    } else if (canvas->cols >= 80) {
        text = g_strdup_printf("%s%s%s %s", before, gap, format_clock(clock, ui->view->at),
                               format_zone(zone, ui->view->at));
    } else {
        text = g_strdup_printf("%s%s%s", before, gap, format_clock(clock, ui->view->at));
    }
    int begin = MAX(canvas->cols - canvas_text_width(canvas, text) - 3, 0);
    canvas_fill(canvas, 0, begin, 1, canvas->cols - begin, STYLE_TEXT, ' ');
    canvas_text_right(canvas, 0, 0, canvas->cols - 1, style, text);
    return begin;
}

int part_head(const Ui *ui, Canvas *canvas, const char *where, const char *middle, Style middle_style,
              const char *right)
{
    int col = 1;
    col += canvas_text(canvas, 0, col, canvas->cols - 2, STYLE_TITLE, "sluice");
    if (where) {
        col += canvas_text(canvas, 0, col, canvas->cols - col, STYLE_DIM, " › ");
        col += canvas_text(canvas, 0, col, canvas->cols - col, STYLE_TITLE, where);
    }
    if (middle)
        canvas_text(canvas, 0, MAX(col + 2, canvas->cols / 5), canvas->cols - col - 2, middle_style, middle);
    canvas_rule(canvas, 1);
    return head_right(ui, canvas, right);
}

void part_filter(Canvas *canvas, LineEdit *filter, bool typing)
{
    if (!typing && !filter->text->len)
        return;
    int col = 3, width = MIN(canvas->cols - 14, 32);
    canvas_fill(canvas, 1, col - 1, 1, 9 + width, STYLE_TEXT, ' ');
    col += canvas_text(canvas, 1, col, canvas->cols - col, STYLE_KEY, "filter ");
    line_edit_draw(filter, canvas, 1, col, width, typing, NULL);
}

bool part_filter_key(LineEdit *filter, bool *typing, int key)
{
    if (!*typing)
        return false;
    if (key == KEYCODE_ESC || key == KEYCODE_ENTER) {
        *typing = false;
        if (key == KEYCODE_ESC)
            line_edit_set(filter, "");
        return true;
    }
    return line_edit_key(filter, key); /* arrows up and down move in the list meanwhile */
}

char *part_url(const char *url)
{
    const char *params = url ? strchr(url, '?') : NULL;
    /* Over a Unix socket the path is all there is to see. */
    if (!params || strstr(params, "socket="))
        return g_strdup(url ? url : "?");
    return g_strndup(url, (gsize)(params - url));
}

int part_journal_rows(const Ui *ui, const Canvas *canvas, const char *pipe)
{
    int room = canvas->rows < 18 ? 0 : canvas->rows < 24 ? 2 : canvas->rows < 36 ? 3 : 6, entries = 0;
    for (unsigned i = 0; ui->view && i < ui->view->n_journal && entries < room; i++)
        entries += !pipe || g_strcmp0(pipe, ui->view->journal[i].pipe) == 0;
    return entries;
}

void part_journal(const Ui *ui, Canvas *canvas, int row, int rows, const char *pipe)
{
    if (!ui->view)
        return;
    int name_width = 0;
    if (!pipe)
        for (unsigned i = 0; i < ui->view->n_pipes; i++)
            name_width = MAX(name_width, canvas_text_width(canvas, ui->view->pipes[i].name));
    name_width = CLAMP(name_width, 6, canvas->cols / 5);
    for (unsigned i = ui->view->n_journal; i-- > 0 && rows > 0;) {
        const ViewJournalEntry *entry = &ui->view->journal[i];
        if (pipe && g_strcmp0(pipe, entry->pipe) != 0)
            continue;
        char when[FORMAT_MAX];
        int col = 1;
        canvas_text(canvas, row, col, 8, STYLE_DIM, format_when(when, entry->at, ui->view->at));
        col += 10;
        if (!pipe) {
            canvas_text(canvas, row, col, name_width, STYLE_TEXT, entry->pipe ? entry->pipe : "engine");
            col += name_width + 2;
        }
        canvas_text(canvas, row, col, canvas->cols - col - 1, STYLE_TEXT, entry->text ? entry->text : "");
        row++;
        rows--;
    }
}
