#include "cli/show.h"
#include "cli/output.h"
#include "base/base.h"

#include <string.h>

/* Of the snapshot: below 100 until everything is loaded; -1: unknown. */
static int loaded_percent(const ViewPipe *pipe)
{
    int64_t done = pipe->snapshot_rows_done, estimate = pipe->snapshot_rows_estimate;
    if (done < 0 || estimate < 0)
        return -1;
    if (view_pipe_loaded(pipe))
        return 100;
    if (estimate == 0)
        return -1;
    return (int)CLAMP((double)done * 100 / (double)estimate, 0, 99);
}

static char *loaded_text(const ViewPipe *pipe)
{
    int percent = loaded_percent(pipe);
    return percent < 0 ? g_strdup("-") : g_strdup_printf("%d %%", percent);
}

/* Since when, in words, on the clock of the picture. */
static char *age_text(const View *view, int64_t since)
{
    return since > 0 && view->at > 0 ? output_seconds((double)MAX(view->at - since, 0) / 1e6) : g_strdup("-");
}

static char *tables_text(const ViewPipe *pipe)
{
    return pipe->n_tables_failed > 0 ? g_strdup_printf("%u, %u failed", pipe->n_tables, pipe->n_tables_failed)
                                     : g_strdup_printf("%u", pipe->n_tables);
}

static void show_stalled(const View *view, const ViewStalled *stalled, const char *indent)
{
    g_autofree char *since = age_text(view, stalled->since);
    g_autofree char *next =
        stalled->next_try_at > view->at ? age_text(view, 2 * view->at - stalled->next_try_at) : g_strdup("now");
    output_line("%sstalled for %s, %u tries, next %s%s: %s: %s", indent, since, stalled->tries,
                strcmp(next, "now") == 0 ? "" : "in ", next, stalled->side != NULL ? stalled->side : "?",
                stalled->message != NULL ? stalled->message : "?");
    if (stalled->needs_operator)
        output_line("%sit needs you: the credentials are refused", indent);
}

static void show_error(const ViewError *error, const char *indent)
{
    output_line("%s%s", indent, error->message != NULL ? error->message : "no reason is known");
    if (error->cause != NULL)
        output_line("%scause: %s", indent, error->cause);
    for (char **remedy = error->remedies; remedy != NULL && *remedy != NULL; remedy++)
        output_line("%smend: %s", indent, *remedy);
}

static void note_no_engine(const View *view)
{
    if (view->pid == 0)
        output_line("no engine runs: the states are the last known; `sluice run --detach` starts one");
}

void show_all(const View *view)
{
    if (view->n_pipes == 0)
        output_line("there are no pipes; `sluice create` makes one");
    static const char *const HEADERS[] = {"PIPE", "STATE", "FOR", "LAG", "ROWS/S", "LOADED", "TABLES"};
    g_autoptr(Grid) grid = grid_new("llrrrrl");
    for (unsigned i = 0; i < G_N_ELEMENTS(HEADERS); i++)
        grid_cell(grid, HEADERS[i]);
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        grid_cell(grid, pipe->name);
        grid_cell_take(grid, g_strdup_printf("%s%s", pipe->state != NULL ? pipe->state : "-",
                                             pipe->stalled != NULL ? " (stalled)" : ""));
        grid_cell_take(grid, age_text(view, pipe->since));
        grid_cell_take(grid, output_seconds(pipe->lag_seconds));
        grid_cell_take(grid, output_rate(pipe->rows_per_second));
        grid_cell_take(grid, loaded_text(pipe));
        grid_cell_take(grid, tables_text(pipe));
    }
    if (view->n_pipes > 0)
        grid_print(grid, "");
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        g_autofree char *indent = g_strdup_printf("%s: ", pipe->name);
        if (pipe->stalled != NULL)
            show_stalled(view, pipe->stalled, indent);
        if (pipe->error != NULL)
            show_error(pipe->error, indent);
    }
    note_no_engine(view);
}

static void show_flow(const ViewPipe *pipe)
{
    g_autofree char *lag = output_seconds(pipe->lag_seconds);
    g_autofree char *lag_bytes = output_bytes((double)pipe->lag_bytes);
    g_autofree char *rows = output_rate(pipe->rows_per_second);
    g_autofree char *bytes = output_bytes(pipe->bytes_per_second);
    output_line("  lag          %s, %s behind", lag, lag_bytes);
    if (pipe->catching_up_seconds >= 0) {
        g_autofree char *left = output_seconds((double)pipe->catching_up_seconds);
        output_line("  caught up in %s", left);
    }
    output_line("  rate         %s rows/s, %s/s", rows, bytes);
    if (pipe->position_file != NULL)
        output_line("  position     %s:%" G_GINT64_FORMAT "%s%s", pipe->position_file, pipe->position_pos,
                    pipe->position_gtid != NULL && pipe->position_gtid[0] != '\0' ? ", GTID " : "",
                    pipe->position_gtid != NULL ? pipe->position_gtid : "");
    if (pipe->headroom_seconds >= 0) {
        g_autofree char *headroom = output_seconds((double)pipe->headroom_seconds);
        output_line("  headroom     %s until the source deletes what is not read", headroom);
    }
}

static void show_snapshot(const ViewPipe *pipe)
{
    if (pipe->snapshot_rows_done < 0 && pipe->snapshot_rows_estimate < 0)
        return;
    g_autofree char *done = output_count(pipe->snapshot_rows_done);
    g_autofree char *estimate = output_count(pipe->snapshot_rows_estimate);
    g_autofree char *percent = loaded_text(pipe);
    g_autofree char *left = output_seconds((double)pipe->snapshot_eta_seconds);
    output_line("  loaded       %s of some %s rows (%s)%s%s", done, estimate, percent,
                pipe->snapshot_eta_seconds > 0 ? ", left: " : "", pipe->snapshot_eta_seconds > 0 ? left : "");
}

static void show_settings(const ViewPipe *pipe)
{
    for (unsigned i = 0; i < pipe->n_settings; i++) {
        const ViewSetting *setting = &pipe->settings[i];
        output_line("  %-12s %s=%s%s", i == 0 ? "settings" : "", setting->name, setting->value,
                    setting->waits ? "  (waits for the next resync of a table)" : "");
    }
}

static void show_verify(const ViewVerify *verify)
{
    if (verify == NULL)
        return;
    g_autofree char *rows = output_count(verify->rows), *rate = output_rate(verify->rows_per_second);
    g_autofree char *differences = output_count(verify->differences), *when = output_time(verify->ended_at);
    const char *state = verify->stopped != NULL ? "ended early" : "done";
    output_line("  verify       %s%s, %s rows at %s rows/s, %s differences%s%s", verify->running ? "at " : state,
                verify->running && verify->table != NULL ? verify->table : verify->running ? "its end" : "", rows, rate, differences,
                verify->running ? "" : ", ", verify->running ? "" : when);
}

void show_pipe(const View *view, const ViewPipe *pipe)
{
    g_autofree char *since = output_time(pipe->since);
    g_autofree char *age = age_text(view, pipe->since);
    output_line("%s: %s since %s (%s)%s%s", pipe->name, pipe->state != NULL ? pipe->state : "-", since, age,
                pipe->paused_by != NULL ? ", by " : "", pipe->paused_by != NULL ? pipe->paused_by : "");
    if (pipe->stalled != NULL)
        show_stalled(view, pipe->stalled, "  ");
    if (pipe->error != NULL)
        show_error(pipe->error, "  ");
    output_line("  source       %s%s%s%s", pipe->source != NULL ? pipe->source : "-",
                pipe->source_version != NULL ? " (" : "", pipe->source_version != NULL ? pipe->source_version : "",
                pipe->source_version != NULL ? ")" : "");
    output_line("  destination  %s%s%s%s", pipe->dest != NULL ? pipe->dest : "-",
                pipe->dest_version != NULL ? " (" : "", pipe->dest_version != NULL ? pipe->dest_version : "",
                pipe->dest_version != NULL ? ")" : "");
    output_line("  mode         %s", pipe->mode != NULL ? pipe->mode : "-");
    show_settings(pipe);
    show_flow(pipe);
    show_snapshot(pipe);
    show_verify(pipe->verify);
    if (pipe->activity != NULL)
        output_line("  now          %s", pipe->activity);
    if (pipe->n_tables > 0)
        show_tables(pipe, "  ");
    note_no_engine(view);
}

static char *table_rows_text(const ViewTable *table)
{
    g_autofree char *done = output_count(table->rows_done);
    if (!view_table_loads(table) || table->rows_estimate <= 0)
        return g_steal_pointer(&done);
    g_autofree char *estimate = output_count(table->rows_estimate);
    return g_strdup_printf("%s of %s", done, estimate);
}

/* Values that are not what the source has. */
static void show_columns(const ViewTable *table, const char *indent)
{
    for (unsigned i = 0; i < table->n_columns; i++) {
        const ViewColumn *column = &table->columns[i];
        g_autofree char *changed = show_changed(column->zero_dates, column->clamped, column->undecodable);
        output_line("%scolumn %s: %s", indent, column->name != NULL ? column->name : "-", changed);
    }
}

void show_tables(const ViewPipe *pipe, const char *indent)
{
    static const char *const HEADERS[] = {"SOURCE",  "TARGET",  "STATE",   "LOADED",
                                          "INSERTS", "UPDATES", "DELETES", "LAST CHANGE"};
    g_autoptr(Grid) grid = grid_new("lllrrrrl");
    for (unsigned i = 0; i < G_N_ELEMENTS(HEADERS); i++)
        grid_cell(grid, HEADERS[i]);
    for (unsigned i = 0; i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        grid_cell(grid, table->source);
        grid_cell(grid, table->target);
        grid_cell(grid, table->state);
        grid_cell_take(grid, table_rows_text(table));
        grid_cell_take(grid, output_count(table->inserts));
        grid_cell_take(grid, output_count(table->updates));
        grid_cell_take(grid, output_count(table->deletes));
        grid_cell_take(grid, output_time(table->last_change_at));
    }
    grid_print(grid, indent);
    for (unsigned i = 0; i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        g_autofree char *inner = g_strdup_printf("%s%s: ", indent, table->source);
        if (table->error != NULL)
            show_error(table->error, inner);
        show_columns(table, inner);
        if (table->resync_advised)
            output_line("%sa resync of this table is advised", inner);
    }
}

void show_watch_line(const View *view, const ViewPipe *pipe)
{
    g_autofree char *time = output_clock(view->at);
    g_autofree char *lag = output_seconds(pipe->lag_seconds);
    g_autofree char *rows = output_rate(pipe->rows_per_second);
    g_autofree char *bytes = output_bytes(pipe->bytes_per_second);
    int percent = loaded_percent(pipe);
    g_autofree char *loaded = percent >= 0 && percent < 100 ? g_strdup_printf("  loaded %d %%", percent) : g_strdup("");
    const char *trouble = pipe->error != NULL     ? pipe->error->message
                          : pipe->stalled != NULL ? pipe->stalled->message
                                                  : NULL;
    output_line("%s  %s  %s  lag %s  %s rows/s  %s/s%s%s%s%s", time, pipe->name,
                pipe->state != NULL ? pipe->state : "-", lag, rows, bytes, loaded,
                pipe->stalled != NULL ? "  stalled" : "", trouble != NULL ? ": " : "", trouble != NULL ? trouble : "");
}

void show_checks(const json_t *checks, bool failed_only)
{
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *result = json_string_value(json_object_get(check, "result"));
        const char *name = json_string_value(json_object_get(check, "name"));
        const char *found = json_string_value(json_object_get(check, "found"));
        const char *mend = json_string_value(json_object_get(check, "mend"));
        bool fail = g_strcmp0(result, "fail") == 0;
        if (!fail && failed_only)
            continue;
        output_line("%-4s %s: %s", fail ? "FAIL" : result != NULL ? result : "?", name != NULL ? name : "?",
                    found != NULL ? found : "");
        if (mend != NULL && mend[0] != '\0')
            output_line("     mend: %s", mend);
    }
}
