/* The picture as JSON and back: the object of `status --json` (commands.md), with the further fields of view.h.
 *
 * Unknown (NULL, -1) and null are the same thing. Times are RFC 3339 UTC with microseconds; any precision is read. */
#include "control/view.h"
#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

/* Writing. */

static json_t *text_to_json(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    g_autofree char *clean = g_utf8_make_valid(text, -1);
    return json_string(clean);
}

static json_t *count_to_json(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *real_to_json(double number)
{
    return number < 0 || !isfinite(number) ? json_null() : json_real(number);
}

/* 0 is no time either: every time in a picture is later than 1970. */
static json_t *time_to_json(int64_t usec)
{
    char text[25];
    if (usec <= 0)
        return json_null();
    clock_format_rfc3339(usec, text);
    return json_sprintf("%.20s%06dZ", text, (int)(usec % 1000000));
}

static json_t *error_to_json(const ViewError *error)
{
    if (error == NULL)
        return json_null();
    json_t *remedies = json_array();
    for (char **remedy = error->remedies; remedy != NULL && *remedy != NULL; remedy++)
        json_array_append_new(remedies, text_to_json(*remedy));
    json_t *object = json_pack("{s:o, s:i, s:o, s:o, s:o}", "at", time_to_json(error->at), "code", error->code, "message",
                               text_to_json(error->message), "cause", text_to_json(error->cause), "remedies", remedies);
    const struct {
        const char *name, *text;
    } story[] = {{"what", error->what}, {"server", error->server}, {"why", error->why},
                 {"lost", error->lost}, {"data", error->data},     {"prevent", error->prevent},
                 {"oldest_log", error->oldest_log}};
    for (unsigned i = 0; i < G_N_ELEMENTS(story); i++)
        json_object_set_new(object, story[i].name, text_to_json(story[i].text));
    json_object_set_new(object, "last_good_time", time_to_json(error->last_good_time));
    return object;
}

static json_t *stalled_to_json(const ViewStalled *stalled)
{
    if (stalled == NULL)
        return json_null();
    return json_pack("{s:o, s:o, s:i, s:o, s:I, s:o, s:b}", "since", time_to_json(stalled->since), "side",
                     text_to_json(stalled->side), "code", stalled->code, "message", text_to_json(stalled->message),
                     "tries", (json_int_t)stalled->tries, "next_try_at", time_to_json(stalled->next_try_at),
                     "needs_operator", stalled->needs_operator);
}

/* Numbers that are 0 are left out, and so are columns without any. */
static json_t *columns_to_json(const ViewTable *table)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < table->n_columns; i++) {
        const ViewColumn *column = &table->columns[i];
        json_t *object = json_pack("{s:o}", "name", text_to_json(column->name));
        if (column->zero_dates > 0)
            json_object_set_new(object, "zero_dates", json_integer(column->zero_dates));
        if (column->clamped > 0)
            json_object_set_new(object, "clamped", json_integer(column->clamped));
        if (column->undecodable > 0)
            json_object_set_new(object, "undecodable", json_integer(column->undecodable));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *table_to_json(const ViewTable *table)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "source",
                     text_to_json(table->source), "target", text_to_json(table->target), "state",
                     text_to_json(table->state), "rows_done", count_to_json(table->rows_done), "rows_estimate",
                     count_to_json(table->rows_estimate), "inserts", count_to_json(table->inserts), "updates",
                     count_to_json(table->updates), "deletes", count_to_json(table->deletes), "last_change_at",
                     time_to_json(table->last_change_at), "ranges_done", count_to_json(table->ranges_done),
                     "ranges_total", count_to_json(table->ranges_total), "parts", count_to_json(table->parts), "resync_advised", table->resync_advised,
                     "error", error_to_json(table->error), "columns", columns_to_json(table));
}

/* To an eighth, which takes few digits, and whole from a hundred on: a chart shows no more, and there are many. */
static json_t *figure_to_json(double number)
{
    if (number < 0 || !isfinite(number))
        return json_null();
    int64_t eighths = (int64_t)(MIN(number, 1e17) * 8 + 0.5);
    return number >= 100 || eighths % 8 == 0 ? json_integer((eighths + 4) / 8) : json_real((double)eighths / 8);
}

json_t *view_history_to_json(const ViewHistoryCell *cells, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        const double figures[] = {cells[i].rows, cells[i].bytes, cells[i].lag, cells[i].batch_rows, cells[i].batch_bytes};
        json_t *cell = json_array();
        for (unsigned k = 0; k < G_N_ELEMENTS(figures); k++)
            json_array_append_new(cell, figure_to_json(figures[k]));
        json_array_append_new(list, cell);
    }
    return list;
}

static json_t *tables_to_json(const ViewPipe *pipe)
{
    json_t *tables = json_array();
    for (unsigned i = 0; i < pipe->n_tables; i++)
        json_array_append_new(tables, table_to_json(&pipe->tables[i]));
    return tables;
}

static json_t *settings_to_json(const ViewPipe *pipe)
{
    json_t *settings = json_array();
    for (unsigned i = 0; i < pipe->n_settings; i++) {
        const ViewSetting *setting = &pipe->settings[i];
        json_array_append_new(settings, json_pack("{s:o, s:o, s:b}", "name", text_to_json(setting->name), "value",
                                                  text_to_json(setting->value), "waits", setting->waits));
    }
    return settings;
}

static json_t *snapshot_to_json(const ViewPipe *pipe)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "rows_done", count_to_json(pipe->snapshot_rows_done), "rows_estimate",
                     count_to_json(pipe->snapshot_rows_estimate), "ranges_done",
                     count_to_json(pipe->snapshot_ranges_done), "ranges_total",
                     count_to_json(pipe->snapshot_ranges_total), "eta_seconds",
                     count_to_json(pipe->snapshot_eta_seconds));
}

static json_t *verify_to_json(const ViewVerify *verify)
{
    if (verify == NULL)
        return json_null();
    return json_pack("{s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "number",
                     (json_int_t)verify->number, "running", verify->running, "repair", verify->repair, "started_at",
                     time_to_json(verify->started_at), "ended_at", time_to_json(verify->ended_at), "table",
                     text_to_json(verify->table), "activity", text_to_json(verify->activity), "stopped",
                     text_to_json(verify->stopped), "tables_done", (json_int_t)verify->tables_done, "tables",
                     (json_int_t)verify->n_tables, "rows", (json_int_t)verify->rows, "rows_estimate",
                     count_to_json(verify->rows_estimate), "ranges", (json_int_t)verify->ranges, "differences",
                     (json_int_t)verify->differences, "repaired", (json_int_t)verify->repaired, "unsettled",
                     (json_int_t)verify->unsettled, "skipped", (json_int_t)verify->skipped, "rows_per_second",
                     real_to_json(verify->rows_per_second));
}

static json_t *pipe_to_json(const ViewPipe *pipe)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", text_to_json(pipe->name));
    json_object_set_new(object, "state", text_to_json(pipe->state));
    json_object_set_new(object, "since", time_to_json(pipe->since));
    json_object_set_new(object, "mode", text_to_json(pipe->mode));
    json_object_set_new(object, "source", text_to_json(pipe->source));
    json_object_set_new(object, "dest", text_to_json(pipe->dest));
    json_object_set_new(object, "source_version", text_to_json(pipe->source_version));
    json_object_set_new(object, "dest_version", text_to_json(pipe->dest_version));
    json_object_set_new(object, "stalled", stalled_to_json(pipe->stalled));
    json_object_set_new(object, "lag_seconds", real_to_json(pipe->lag_seconds));
    json_object_set_new(object, "source_clock_seconds", json_real(pipe->source_clock_seconds));
    json_object_set_new(object, "lag_bytes", count_to_json(pipe->lag_bytes));
    json_object_set_new(object, "headroom_seconds", count_to_json(pipe->headroom_seconds));
    json_object_set_new(object, "logs_kept", json_boolean(pipe->logs_kept));
    json_object_set_new(object, "catching_up_seconds", count_to_json(pipe->catching_up_seconds));
    json_object_set_new(object, "position",
                        json_pack("{s:o, s:o, s:o}", "file", text_to_json(pipe->position_file), "pos",
                                  count_to_json(pipe->position_pos), "gtid", text_to_json(pipe->position_gtid)));
    json_object_set_new(object, "rows_per_second", real_to_json(pipe->rows_per_second));
    json_object_set_new(object, "bytes_per_second", real_to_json(pipe->bytes_per_second));
    json_object_set_new(object, "snapshot", snapshot_to_json(pipe));
    json_object_set_new(object, "readers", count_to_json(pipe->readers));
    json_object_set_new(object, "senders", count_to_json(pipe->senders));
    json_object_set_new(object, "dest_free_bytes", count_to_json(pipe->dest_free_bytes));
    json_object_set_new(object, "memory_bytes", count_to_json(pipe->memory_bytes));
    json_object_set_new(object, "activity", text_to_json(pipe->activity));
    json_object_set_new(object, "paused_by", text_to_json(pipe->paused_by));
    json_object_set_new(object, "pending", json_integer(pipe->pending));
    json_object_set_new(object, "time",
                        json_pack("{s:o, s:o, s:o}", "read", real_to_json(pipe->time_read), "build",
                                  real_to_json(pipe->time_build), "send", real_to_json(pipe->time_send)));
    json_object_set_new(object, "error", error_to_json(pipe->error));
    json_object_set_new(object, "settings", settings_to_json(pipe));
    json_object_set_new(object, "tables_failed", json_integer(pipe->n_tables_failed));
    json_object_set_new(object, "tables", tables_to_json(pipe));
    json_object_set_new(object, "history", view_history_to_json(pipe->history, pipe->n_history));
    json_object_set_new(object, "verify", verify_to_json(pipe->verify));
    return object;
}

static json_t *journal_to_json(const View *view)
{
    json_t *entries = json_array();
    for (unsigned i = 0; i < view->n_journal; i++) {
        const ViewJournalEntry *entry = &view->journal[i];
        json_array_append_new(entries,
                              json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)entry->id, "at",
                                        time_to_json(entry->at), "pipe", text_to_json(entry->pipe), "actor",
                                        text_to_json(entry->actor), "kind", text_to_json(entry->kind), "text",
                                        text_to_json(entry->text), "position", text_to_json(entry->position)));
    }
    return entries;
}

json_t *view_to_json(const View *view)
{
    json_t *object = json_object();
    json_object_set_new(object, "format", json_integer(1));
    json_object_set_new(object, "at", time_to_json(view->at));
    json_object_set_new(object, "engine",
                        view->pid == 0 ? json_null()
                                       : json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", (json_int_t)view->pid,
                                                   "version", text_to_json(view->version), "started_at",
                                                   time_to_json(view->started_at), "host", text_to_json(view->host),
                                                   "disk_free_bytes", count_to_json(view->disk_free_bytes),
                                                   "memory_limit", count_to_json(view->memory_limit), "memory_used",
                                                   count_to_json(view->memory_used)));
    json_t *pipes = json_array();
    for (unsigned i = 0; i < view->n_pipes; i++)
        json_array_append_new(pipes, pipe_to_json(&view->pipes[i]));
    json_object_set_new(object, "pipes", pipes);
    json_object_set_new(object, "journal", journal_to_json(view));
    return object;
}

/* Reading. What has the wrong kind is unknown, as what is missing. */

static char *text_of(const json_t *object, const char *name)
{
    return g_strdup(json_string_value(json_object_get(object, name)));
}

static int64_t count_value(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value) < 0 ? VIEW_UNKNOWN : json_integer_value(value);
    double real = json_is_real(value) ? json_real_value(value) : -1;
    return real >= 0 && real < 9e18 ? (int64_t)real : VIEW_UNKNOWN;
}

static int64_t count_of(const json_t *object, const char *name)
{
    return count_value(json_object_get(object, name));
}

static double real_value(const json_t *value)
{
    double real = json_is_number(value) ? json_number_value(value) : VIEW_UNKNOWN;
    return real < 0 ? VIEW_UNKNOWN : real;
}

static double real_of(const json_t *object, const char *name)
{
    return real_value(json_object_get(object, name));
}

static int int_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return (int)CLAMP(value, INT_MIN, INT_MAX);
}

/* Our own form, "2026-11-23T14:02:31.123456Z"; false: another one. */
static bool parse_utc(const char *text, int64_t *usec)
{
    struct tm tm = {0};
    int end = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec, &end) != 6)
        return false;
    text += end;
    int64_t fraction = 0;
    if (*text == '.') {
        int64_t weight = 100000;
        for (text++; g_ascii_isdigit(*text); text++, weight /= 10)
            fraction += (*text - '0') * weight;
    }
    if (g_strcmp0(text, "Z") != 0)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *usec = (int64_t)timegm(&tm) * 1000000 + fraction;
    return true;
}

static int64_t time_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    int64_t usec;
    if (text == NULL)
        return VIEW_UNKNOWN;
    if (parse_utc(text, &usec))
        return usec;
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);
    if (time == NULL)
        return VIEW_UNKNOWN;
    return g_date_time_to_unix(time) * 1000000 + g_date_time_get_microsecond(time);
}

ViewError *view_error_from_json(const json_t *object)
{
    if (!json_is_object(object))
        return NULL;
    ViewError *error = g_new0(ViewError, 1);
    error->at = time_of(object, "at");
    error->code = int_of(object, "code");
    error->message = text_of(object, "message");
    error->cause = text_of(object, "cause");
    error->what = text_of(object, "what");
    error->server = text_of(object, "server");
    error->why = text_of(object, "why");
    error->lost = text_of(object, "lost");
    error->data = text_of(object, "data");
    error->prevent = text_of(object, "prevent");
    error->oldest_log = text_of(object, "oldest_log");
    error->last_good_time = time_of(object, "last_good_time");
    const json_t *remedies = json_object_get(object, "remedies");
    size_t n = json_array_size(remedies);
    error->remedies = g_new0(char *, n + 1);
    for (size_t i = 0, used = 0; i < n; i++) {
        const char *remedy = json_string_value(json_array_get(remedies, i));
        if (remedy != NULL)
            error->remedies[used++] = g_strdup(remedy);
    }
    return error;
}

static ViewStalled *stalled_from_json(const json_t *object)
{
    if (!json_is_object(object))
        return NULL;
    ViewStalled *stalled = g_new0(ViewStalled, 1);
    stalled->since = time_of(object, "since");
    stalled->next_try_at = time_of(object, "next_try_at");
    stalled->side = text_of(object, "side");
    stalled->code = int_of(object, "code");
    stalled->message = text_of(object, "message");
    stalled->tries = (unsigned)CLAMP(json_integer_value(json_object_get(object, "tries")), 0, UINT_MAX);
    stalled->needs_operator = json_is_true(json_object_get(object, "needs_operator"));
    return stalled;
}

static void table_from_json(const json_t *object, ViewTable *table)
{
    table->source = text_of(object, "source");
    table->target = text_of(object, "target");
    table->state = text_of(object, "state");
    table->rows_done = count_of(object, "rows_done");
    table->rows_estimate = count_of(object, "rows_estimate");
    table->inserts = count_of(object, "inserts");
    table->updates = count_of(object, "updates");
    table->deletes = count_of(object, "deletes");
    table->last_change_at = time_of(object, "last_change_at");
    table->ranges_done = count_of(object, "ranges_done");
    table->ranges_total = count_of(object, "ranges_total");
    table->parts = count_of(object, "parts");
    table->resync_advised = json_is_true(json_object_get(object, "resync_advised"));
    table->error = view_error_from_json(json_object_get(object, "error"));
    const json_t *columns = json_object_get(object, "columns");
    table->n_columns = (unsigned)json_array_size(columns);
    table->columns = g_new0(ViewColumn, table->n_columns);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const json_t *column = json_array_get(columns, i);
        table->columns[i] = (ViewColumn){.name = text_of(column, "name"),
                                         .zero_dates = json_integer_value(json_object_get(column, "zero_dates")),
                                         .clamped = json_integer_value(json_object_get(column, "clamped")),
                                         .undecodable = json_integer_value(json_object_get(column, "undecodable"))};
    }
}

/* What stands in objects and arrays of their own. */
/* An engine from before there were batches in it tells three figures. */
ViewHistoryCell *view_history_from_json(const json_t *json, unsigned *n)
{
    *n = (unsigned)json_array_size(json);
    ViewHistoryCell *cells = g_new0(ViewHistoryCell, *n);
    for (unsigned i = 0; i < *n; i++) {
        const json_t *cell = json_array_get(json, i);
        cells[i] = (ViewHistoryCell){.rows = real_value(json_array_get(cell, 0)),
                                     .bytes = real_value(json_array_get(cell, 1)),
                                     .lag = real_value(json_array_get(cell, 2)),
                                     .batch_rows = real_value(json_array_get(cell, 3)),
                                     .batch_bytes = real_value(json_array_get(cell, 4))};
    }
    return cells;
}

static void pipe_parts_from_json(const json_t *object, ViewPipe *pipe)
{
    const json_t *position = json_object_get(object, "position");
    pipe->position_file = text_of(position, "file");
    pipe->position_pos = count_of(position, "pos");
    pipe->position_gtid = text_of(position, "gtid");
    const json_t *snapshot = json_object_get(object, "snapshot");
    pipe->snapshot_rows_done = count_of(snapshot, "rows_done");
    pipe->snapshot_rows_estimate = count_of(snapshot, "rows_estimate");
    pipe->snapshot_ranges_done = count_of(snapshot, "ranges_done");
    pipe->snapshot_ranges_total = count_of(snapshot, "ranges_total");
    pipe->snapshot_eta_seconds = count_of(snapshot, "eta_seconds");
    const json_t *time = json_object_get(object, "time");
    pipe->time_read = real_of(time, "read");
    pipe->time_build = real_of(time, "build");
    pipe->time_send = real_of(time, "send");

    const json_t *tables = json_object_get(object, "tables");
    pipe->n_tables = (unsigned)json_array_size(tables);
    pipe->tables = g_new0(ViewTable, pipe->n_tables);
    for (unsigned i = 0; i < pipe->n_tables; i++)
        table_from_json(json_array_get(tables, i), &pipe->tables[i]);
    const json_t *settings = json_object_get(object, "settings");
    pipe->n_settings = (unsigned)json_array_size(settings);
    pipe->settings = g_new0(ViewSetting, pipe->n_settings);
    for (unsigned i = 0; i < pipe->n_settings; i++) {
        const json_t *setting = json_array_get(settings, i);
        pipe->settings[i] = (ViewSetting){.name = text_of(setting, "name"),
                                          .value = text_of(setting, "value"),
                                          .waits = json_is_true(json_object_get(setting, "waits"))};
    }
    pipe->history = view_history_from_json(json_object_get(object, "history"), &pipe->n_history);
}

static ViewVerify *verify_from_json(const json_t *object)
{
    if (!json_is_object(object))
        return NULL;
    ViewVerify *verify = g_new0(ViewVerify, 1);
    *verify = (ViewVerify){.number = count_of(object, "number"),
                           .running = json_is_true(json_object_get(object, "running")),
                           .repair = json_is_true(json_object_get(object, "repair")),
                           .started_at = time_of(object, "started_at"),
                           .ended_at = time_of(object, "ended_at"),
                           .table = text_of(object, "table"),
                           .activity = text_of(object, "activity"),
                           .stopped = text_of(object, "stopped"),
                           .tables_done = count_of(object, "tables_done"),
                           .n_tables = count_of(object, "tables"),
                           .rows = count_of(object, "rows"),
                           .rows_estimate = count_of(object, "rows_estimate"),
                           .ranges = count_of(object, "ranges"),
                           .differences = count_of(object, "differences"),
                           .repaired = count_of(object, "repaired"),
                           .unsettled = count_of(object, "unsettled"),
                           .skipped = count_of(object, "skipped"),
                           .rows_per_second = real_of(object, "rows_per_second")};
    return verify;
}

static void pipe_from_json(const json_t *object, ViewPipe *pipe)
{
    pipe->name = text_of(object, "name");
    pipe->state = text_of(object, "state");
    pipe->since = time_of(object, "since");
    pipe->mode = text_of(object, "mode");
    pipe->source = text_of(object, "source");
    pipe->dest = text_of(object, "dest");
    pipe->source_version = text_of(object, "source_version");
    pipe->dest_version = text_of(object, "dest_version");
    pipe->stalled = stalled_from_json(json_object_get(object, "stalled"));
    pipe->error = view_error_from_json(json_object_get(object, "error"));
    pipe->lag_seconds = real_of(object, "lag_seconds");
    pipe->source_clock_seconds = json_number_value(json_object_get(object, "source_clock_seconds"));
    pipe->lag_bytes = count_of(object, "lag_bytes");
    pipe->headroom_seconds = count_of(object, "headroom_seconds");
    pipe->logs_kept = json_is_true(json_object_get(object, "logs_kept"));
    pipe->catching_up_seconds = count_of(object, "catching_up_seconds");
    pipe->rows_per_second = real_of(object, "rows_per_second");
    pipe->bytes_per_second = real_of(object, "bytes_per_second");
    pipe->readers = (int)MIN(count_of(object, "readers"), INT_MAX);
    pipe->senders = (int)MIN(count_of(object, "senders"), INT_MAX);
    pipe->dest_free_bytes = count_of(object, "dest_free_bytes");
    pipe->memory_bytes = count_of(object, "memory_bytes");
    pipe->activity = text_of(object, "activity");
    pipe->paused_by = text_of(object, "paused_by");
    pipe->pending = json_integer_value(json_object_get(object, "pending"));
    pipe->n_tables_failed = (unsigned)CLAMP(json_integer_value(json_object_get(object, "tables_failed")), 0, UINT_MAX);
    pipe->verify = verify_from_json(json_object_get(object, "verify"));
    pipe_parts_from_json(object, pipe);
}

static void journal_from_json(const json_t *entries, View *view)
{
    view->n_journal = (unsigned)json_array_size(entries);
    view->journal = g_new0(ViewJournalEntry, view->n_journal);
    for (unsigned i = 0; i < view->n_journal; i++) {
        const json_t *object = json_array_get(entries, i);
        ViewJournalEntry *entry = &view->journal[i];
        entry->id = json_integer_value(json_object_get(object, "id"));
        entry->at = time_of(object, "at");
        entry->pipe = text_of(object, "pipe");
        entry->actor = text_of(object, "actor");
        entry->kind = text_of(object, "kind");
        entry->text = text_of(object, "text");
        entry->position = text_of(object, "position");
    }
}

View *view_from_json(const json_t *json, GError **error)
{
    const json_t *pipes = json_object_get(json, "pipes");
    if (json_integer_value(json_object_get(json, "format")) != 1 || !json_is_array(pipes)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "the engine's answer is of another format: it is of another version than this program; restart it");
        return NULL;
    }
    View *view = view_new();
    view->at = time_of(json, "at");
    const json_t *engine = json_object_get(json, "engine");
    view->pid = json_integer_value(json_object_get(engine, "pid"));
    view->version = text_of(engine, "version");
    view->started_at = time_of(engine, "started_at");
    view->host = text_of(engine, "host");
    view->disk_free_bytes = count_of(engine, "disk_free_bytes");
    view->memory_limit = count_of(engine, "memory_limit");
    view->memory_used = count_of(engine, "memory_used");
    view->n_pipes = (unsigned)json_array_size(pipes);
    view->pipes = g_new0(ViewPipe, view->n_pipes);
    for (unsigned i = 0; i < view->n_pipes; i++)
        pipe_from_json(json_array_get(pipes, i), &view->pipes[i]);
    journal_from_json(json_object_get(json, "journal"), view);
    return view;
}
