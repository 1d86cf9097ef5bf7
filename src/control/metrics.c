#include "control/metrics.h"

#include <math.h>
#include <string.h>

typedef struct {
    const char *name, *type, *help;
    double (*of)(const ViewPipe *pipe); /* < 0: not known */
} PipeMetric;

typedef struct {
    const char *name, *type, *help;
    double (*of)(const ViewTable *table);
} TableMetric;

/* ---- The figures ---- */

static double lag_seconds(const ViewPipe *pipe)
{
    return pipe->lag_seconds;
}

static double lag_bytes(const ViewPipe *pipe)
{
    return (double)pipe->lag_bytes;
}

static double headroom(const ViewPipe *pipe)
{
    return (double)pipe->headroom_seconds;
}

static double catching_up(const ViewPipe *pipe)
{
    return (double)pipe->catching_up_seconds;
}

static double rows_rate(const ViewPipe *pipe)
{
    return pipe->rows_per_second;
}

static double bytes_rate(const ViewPipe *pipe)
{
    return pipe->bytes_per_second;
}

static double stalled(const ViewPipe *pipe)
{
    return pipe->stalled ? 1 : 0;
}

static double tables(const ViewPipe *pipe)
{
    return pipe->n_tables;
}

static double tables_failed(const ViewPipe *pipe)
{
    return pipe->n_tables_failed;
}

static double snapshot_done(const ViewPipe *pipe)
{
    return (double)pipe->snapshot_rows_done;
}

static double snapshot_estimate(const ViewPipe *pipe)
{
    return (double)pipe->snapshot_rows_estimate;
}

static double dest_free(const ViewPipe *pipe)
{
    return (double)pipe->dest_free_bytes;
}

static double pipe_memory(const ViewPipe *pipe)
{
    return (double)pipe->memory_bytes;
}

static const PipeMetric pipe_metrics[] = {
    {"sluice_pipe_lag_seconds", "gauge", "Age of the newest change that is applied, by the source's clock.", lag_seconds},
    {"sluice_pipe_lag_bytes", "gauge", "Bytes of the source's log that are not applied.", lag_bytes},
    {"sluice_pipe_headroom_seconds", "gauge", "Time until the source purges the log that is still needed.", headroom},
    {"sluice_pipe_catching_up_seconds", "gauge", "Time until the pipe has caught up, at its present rate.", catching_up},
    {"sluice_pipe_rows_per_second", "gauge", "Rows that the destination acknowledged.", rows_rate},
    {"sluice_pipe_bytes_per_second", "gauge", "Bytes that the destination acknowledged.", bytes_rate},
    {"sluice_pipe_stalled", "gauge", "1 while the pipe waits for an end that does not answer or refuses.", stalled},
    {"sluice_pipe_tables", "gauge", "Tables of the pipe.", tables},
    {"sluice_pipe_tables_failed", "gauge", "Tables that failed alone.", tables_failed},
    {"sluice_pipe_snapshot_rows", "gauge", "Rows that are loaded.", snapshot_done},
    {"sluice_pipe_snapshot_rows_estimate", "gauge", "Rows to load, by the source's statistics.", snapshot_estimate},
    {"sluice_pipe_destination_free_bytes", "gauge", "Free on the destination's fullest disk.", dest_free},
    {"sluice_pipe_memory_bytes", "gauge", "Memory in blocks of the pipe.", pipe_memory},
};

static double inserts(const ViewTable *table)
{
    return (double)table->inserts;
}

static double updates(const ViewTable *table)
{
    return (double)table->updates;
}

static double deletes(const ViewTable *table)
{
    return (double)table->deletes;
}

static double failed(const ViewTable *table)
{
    return g_strcmp0(table->state, "failed") == 0;
}

static double advised(const ViewTable *table)
{
    return table->resync_advised ? 1 : 0;
}

static double last_change(const ViewTable *table)
{
    return table->last_change_at > 0 ? (double)table->last_change_at / 1e6 : -1;
}

static double parts(const ViewTable *table)
{
    return (double)table->parts;
}

static const TableMetric table_metrics[] = {
    {"sluice_table_inserts_total", "counter", "Rows inserted, from the log.", inserts},
    {"sluice_table_updates_total", "counter", "Rows updated, from the log.", updates},
    {"sluice_table_deletes_total", "counter", "Rows deleted, from the log.", deletes},
    {"sluice_table_failed", "gauge", "1 for a table that failed alone.", failed},
    {"sluice_table_resync_advised", "gauge", "1 for a table whose rows may differ from the source's.", advised},
    {"sluice_table_last_change_timestamp_seconds", "gauge", "When its newest applied change was committed.", last_change},
    {"sluice_table_parts", "gauge", "Active parts of its destination table.", parts},
};

static const char *const states[] = {"Provisioning", "Setup",  "Snapshot",  "Running",   "Pausing",
                                     "Paused",       "Resync", "Modifying", "Completed", "Failed"};

/* ---- The text ---- */

static void begin(GString *out, const char *name, const char *type, const char *help)
{
    g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, "%s%s=\"", out->str[out->len - 1] == '{' ? "" : ",", name);
    for (const char *p = value ? value : ""; *p; p++)
        if (*p == '\n')
            g_string_append(out, "\\n");
        else
            g_string_append_printf(out, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
    g_string_append_c(out, '"');
}

/* A point between digits, whatever the locale. */
static void value(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    bool whole = floor(number) == number && fabs(number) < 1e15;
    g_string_append_printf(out, "} %s\n", g_ascii_formatd(text, sizeof text, whole ? "%.0f" : "%.6f", number));
}

static void single(GString *out, const char *name, const char *help, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (number < 0)
        return;
    begin(out, name, "gauge", help);
    g_string_append_printf(out, "%s %s\n", name, g_ascii_formatd(text, sizeof text, "%.0f", number));
}

static bool is_shown(const ViewPipe *pipe, const char *only)
{
    return !only || g_strcmp0(pipe->name, only) == 0;
}

static void add_states(GString *out, const View *view, const char *only)
{
    begin(out, "sluice_pipe_state", "gauge", "1 for the state that the pipe is in.");
    for (unsigned i = 0; i < view->n_pipes; i++)
        for (size_t s = 0; is_shown(&view->pipes[i], only) && s < G_N_ELEMENTS(states); s++) {
            g_string_append(out, "sluice_pipe_state{");
            label(out, "pipe", view->pipes[i].name);
            label(out, "state", states[s]);
            value(out, g_strcmp0(view->pipes[i].state, states[s]) == 0);
        }
}

static void add_pipes(GString *out, const View *view, const char *only, const PipeMetric *metric)
{
    begin(out, metric->name, metric->type, metric->help);
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        double number = metric->of(pipe);
        if (!is_shown(pipe, only) || number < 0)
            continue;
        g_string_append_printf(out, "%s{", metric->name);
        label(out, "pipe", pipe->name);
        value(out, number);
    }
}

static void add_tables(GString *out, const View *view, const char *only, const TableMetric *metric)
{
    begin(out, metric->name, metric->type, metric->help);
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        for (unsigned t = 0; is_shown(pipe, only) && pipe->tables && t < pipe->n_tables; t++) {
            double number = metric->of(&pipe->tables[t]);
            if (number < 0)
                continue;
            g_string_append_printf(out, "%s{", metric->name);
            label(out, "pipe", pipe->name);
            label(out, "table", pipe->tables[t].source);
            value(out, number);
        }
    }
}

char *metrics_text(const View *view, const char *pipe)
{
    GString *out = g_string_new(NULL);
    single(out, "sluice_up", "1 while the engine runs.", view->pid != 0);
    single(out, "sluice_start_time_seconds", "When the engine began.", view->started_at > 0 ? (double)(view->started_at / 1000000) : -1);
    single(out, "sluice_memory_limit_bytes", "Bound of the blocks of all pipes.", (double)view->memory_limit);
    single(out, "sluice_memory_used_bytes", "In blocks of all pipes.", (double)view->memory_used);
    single(out, "sluice_disk_free_bytes", "Free where the state dir is.", (double)view->disk_free_bytes);
    add_states(out, view, pipe);
    for (size_t i = 0; i < G_N_ELEMENTS(pipe_metrics); i++)
        add_pipes(out, view, pipe, &pipe_metrics[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(table_metrics); i++)
        add_tables(out, view, pipe, &table_metrics[i]);
    return g_string_free(out, FALSE);
}
