/* A picture survives the way to JSON text and back, whatever is known and unknown in it. */
#include "base/base.h"
#include "control/control.h"

#include <stdlib.h>
#include <string.h>

static bool coin(void)
{
    return g_test_rand_bit();
}

static char *some_text(void)
{
    static const char *const texts[] = {"", "orders", "Größe \"quoted\" \\ 日本", "a\nb", "mysql://u:***@h:3306/"};
    return coin() ? g_strdup(texts[g_test_rand_int_range(0, G_N_ELEMENTS(texts))]) : NULL;
}

static int64_t some_count(void)
{
    switch (g_test_rand_int_range(0, 4)) {
    case 0:
        return VIEW_UNKNOWN;
    case 1:
        return 0;
    case 2:
        return INT64_MAX;
    default:
        return g_test_rand_int_range(1, 1 << 30);
    }
}

static double some_real(void)
{
    return coin() ? VIEW_UNKNOWN : coin() ? 0 : g_test_rand_double_range(0, 1e9);
}

/* Of a history: told to an eighth, and whole from a hundred on. */
static double some_figure(void)
{
    double real = some_real();
    return real >= 100 ? (double)(int64_t)real : real > 0 ? (double)(int64_t)(real * 8) / 8 : real;
}

static int64_t some_time(void)
{
    return coin() ? VIEW_UNKNOWN : 1 + (int64_t)(g_test_rand_double() * 4e15);
}

static ViewError *some_error(void)
{
    if (coin())
        return NULL;
    ViewError *error = g_new0(ViewError, 1);
    error->at = some_time();
    error->code = g_test_rand_int_range(-5, 5000);
    error->message = some_text();
    error->cause = some_text();
    error->what = some_text();
    error->server = some_text();
    error->why = some_text();
    error->lost = some_text();
    error->data = some_text();
    error->prevent = some_text();
    error->oldest_log = some_text();
    error->last_good_time = some_time();
    unsigned n = (unsigned)g_test_rand_int_range(0, 3);
    error->remedies = g_new0(char *, n + 1);
    for (unsigned i = 0; i < n; i++)
        error->remedies[i] = g_strdup_printf("remedy %u", i);
    return error;
}

static void fill_table(ViewTable *table)
{
    *table = (ViewTable){.source = some_text(),
                         .target = some_text(),
                         .state = some_text(),
                         .rows_done = some_count(),
                         .rows_estimate = some_count(),
                         .inserts = some_count(),
                         .updates = some_count(),
                         .deletes = some_count(),
                         .last_change_at = some_time(),
                         .ranges_done = some_count(),
                         .ranges_total = some_count(),
                         .resync_advised = coin(),
                         .error = some_error()};
    table->n_columns = coin() ? 0 : 2;
    table->columns = g_new0(ViewColumn, table->n_columns);
    for (unsigned i = 0; i < table->n_columns; i++)
        table->columns[i] = (ViewColumn){some_text(), coin(), 2 * coin(), 3};
}

static void fill_numbers(ViewPipe *pipe)
{
    pipe->lag_seconds = some_real();
    pipe->source_clock_seconds = -some_real();
    pipe->lag_bytes = some_count();
    pipe->headroom_seconds = some_count();
    pipe->catching_up_seconds = some_count();
    pipe->position_pos = some_count();
    pipe->rows_per_second = some_real();
    pipe->bytes_per_second = some_real();
    pipe->snapshot_rows_done = some_count();
    pipe->snapshot_rows_estimate = some_count();
    pipe->snapshot_ranges_done = some_count();
    pipe->snapshot_ranges_total = some_count();
    pipe->snapshot_eta_seconds = some_count();
    pipe->readers = g_test_rand_int_range(-1, 9);
    pipe->senders = g_test_rand_int_range(-1, 9);
    pipe->memory_bytes = some_count();
    pipe->time_read = some_real();
    pipe->time_build = some_real();
    pipe->time_send = some_real();
}

static void fill_pipe(ViewPipe *pipe)
{
    pipe->name = some_text();
    pipe->state = some_text();
    pipe->since = some_time();
    pipe->mode = some_text();
    pipe->source = some_text();
    pipe->dest = some_text();
    pipe->source_version = some_text();
    pipe->dest_version = some_text();
    if (coin()) {
        pipe->stalled = g_new0(ViewStalled, 1);
        *pipe->stalled = (ViewStalled){.since = some_time(),
                                       .next_try_at = some_time(),
                                       .side = some_text(),
                                       .code = g_test_rand_int_range(-3, 3000),
                                       .message = some_text(),
                                       .tries = (unsigned)g_test_rand_int_range(0, 100),
                                       .needs_operator = coin()};
    }
    pipe->error = some_error();
    pipe->position_file = some_text();
    pipe->position_gtid = some_text();
    pipe->activity = some_text();
    pipe->paused_by = some_text();
    fill_numbers(pipe);
    pipe->n_settings = coin() ? 0 : 2;
    pipe->settings = g_new0(ViewSetting, pipe->n_settings);
    for (unsigned i = 0; i < pipe->n_settings; i++)
        pipe->settings[i] = (ViewSetting){some_text(), some_text(), coin()};
    pipe->n_tables = (unsigned)g_test_rand_int_range(0, 4);
    pipe->n_tables_failed = (unsigned)g_test_rand_int_range(0, 4);
    pipe->tables = g_new0(ViewTable, pipe->n_tables);
    for (unsigned i = 0; i < pipe->n_tables; i++)
        fill_table(&pipe->tables[i]);
    pipe->n_history = (unsigned)g_test_rand_int_range(0, 4);
    pipe->history = g_new0(ViewHistoryCell, pipe->n_history);
    for (unsigned i = 0; i < pipe->n_history; i++)
        pipe->history[i] = (ViewHistoryCell){some_figure(), some_figure(), some_figure(), some_figure(), some_figure()};
}

static View *some_view(void)
{
    View *view = view_new();
    view->at = some_time();
    if (coin()) {
        view->pid = g_test_rand_int_range(1, 1 << 22);
        view->version = some_text();
        view->started_at = some_time();
        view->host = some_text();
        view->memory_limit = some_count();
        view->memory_used = some_count();
    }
    view->n_pipes = (unsigned)g_test_rand_int_range(0, 4);
    view->pipes = g_new0(ViewPipe, view->n_pipes);
    for (unsigned i = 0; i < view->n_pipes; i++)
        fill_pipe(&view->pipes[i]);
    view->n_journal = (unsigned)g_test_rand_int_range(0, 4);
    view->journal = g_new0(ViewJournalEntry, view->n_journal);
    for (unsigned i = 0; i < view->n_journal; i++)
        view->journal[i] = (ViewJournalEntry){.id = some_count(),
                                              .at = some_time(),
                                              .pipe = some_text(),
                                              .actor = some_text(),
                                              .kind = some_text(),
                                              .text = some_text(),
                                              .position = some_text()};
    return view;
}

static void same_error(const ViewError *a, const ViewError *b)
{
    g_assert_true((a == NULL) == (b == NULL));
    if (a == NULL)
        return;
    g_assert_cmpint(a->at, ==, b->at);
    g_assert_cmpint(a->code, ==, b->code);
    g_assert_cmpstr(a->message, ==, b->message);
    g_assert_cmpstr(a->cause, ==, b->cause);
    g_assert_cmpstr(a->what, ==, b->what);
    g_assert_cmpstr(a->server, ==, b->server);
    g_assert_cmpstr(a->why, ==, b->why);
    g_assert_cmpstr(a->lost, ==, b->lost);
    g_assert_cmpstr(a->data, ==, b->data);
    g_assert_cmpstr(a->prevent, ==, b->prevent);
    g_assert_cmpstr(a->oldest_log, ==, b->oldest_log);
    g_assert_cmpint(a->last_good_time, ==, b->last_good_time);
    g_assert_cmpstrv(a->remedies, b->remedies);
}

static void same_table(const ViewTable *a, const ViewTable *b)
{
    g_assert_cmpstr(a->source, ==, b->source);
    g_assert_cmpstr(a->target, ==, b->target);
    g_assert_cmpstr(a->state, ==, b->state);
    g_assert_cmpint(a->rows_done, ==, b->rows_done);
    g_assert_cmpint(a->rows_estimate, ==, b->rows_estimate);
    g_assert_cmpint(a->inserts, ==, b->inserts);
    g_assert_cmpint(a->updates, ==, b->updates);
    g_assert_cmpint(a->deletes, ==, b->deletes);
    g_assert_cmpint(a->last_change_at, ==, b->last_change_at);
    g_assert_cmpint(a->ranges_done, ==, b->ranges_done);
    g_assert_cmpint(a->ranges_total, ==, b->ranges_total);
    g_assert_cmpint(a->resync_advised, ==, b->resync_advised);
    same_error(a->error, b->error);
    g_assert_cmpuint(a->n_columns, ==, b->n_columns);
    for (unsigned i = 0; i < a->n_columns; i++) {
        g_assert_cmpstr(a->columns[i].name, ==, b->columns[i].name);
        g_assert_cmpint(a->columns[i].zero_dates, ==, b->columns[i].zero_dates);
        g_assert_cmpint(a->columns[i].clamped, ==, b->columns[i].clamped);
        g_assert_cmpint(a->columns[i].undecodable, ==, b->columns[i].undecodable);
    }
}

static void same_numbers(const ViewPipe *a, const ViewPipe *b)
{
    g_assert_cmpfloat(a->lag_seconds, ==, b->lag_seconds);
    g_assert_cmpfloat(a->source_clock_seconds, ==, b->source_clock_seconds);
    g_assert_cmpint(a->lag_bytes, ==, b->lag_bytes);
    g_assert_cmpint(a->headroom_seconds, ==, b->headroom_seconds);
    g_assert_cmpint(a->catching_up_seconds, ==, b->catching_up_seconds);
    g_assert_cmpint(a->position_pos, ==, b->position_pos);
    g_assert_cmpfloat(a->rows_per_second, ==, b->rows_per_second);
    g_assert_cmpfloat(a->bytes_per_second, ==, b->bytes_per_second);
    g_assert_cmpint(a->snapshot_rows_done, ==, b->snapshot_rows_done);
    g_assert_cmpint(a->snapshot_rows_estimate, ==, b->snapshot_rows_estimate);
    g_assert_cmpint(a->snapshot_ranges_done, ==, b->snapshot_ranges_done);
    g_assert_cmpint(a->snapshot_ranges_total, ==, b->snapshot_ranges_total);
    g_assert_cmpint(a->snapshot_eta_seconds, ==, b->snapshot_eta_seconds);
    g_assert_cmpint(a->readers, ==, b->readers);
    g_assert_cmpint(a->senders, ==, b->senders);
    g_assert_cmpint(a->memory_bytes, ==, b->memory_bytes);
    g_assert_cmpfloat(a->time_read, ==, b->time_read);
    g_assert_cmpfloat(a->time_build, ==, b->time_build);
    g_assert_cmpfloat(a->time_send, ==, b->time_send);
}

static void same_pipe(const ViewPipe *a, const ViewPipe *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->state, ==, b->state);
    g_assert_cmpint(a->since, ==, b->since);
    g_assert_cmpstr(a->mode, ==, b->mode);
    g_assert_cmpstr(a->source, ==, b->source);
    g_assert_cmpstr(a->dest, ==, b->dest);
    g_assert_cmpstr(a->source_version, ==, b->source_version);
    g_assert_cmpstr(a->dest_version, ==, b->dest_version);
    g_assert_true((a->stalled == NULL) == (b->stalled == NULL));
    if (a->stalled != NULL) {
        g_assert_cmpint(a->stalled->since, ==, b->stalled->since);
        g_assert_cmpint(a->stalled->next_try_at, ==, b->stalled->next_try_at);
        g_assert_cmpstr(a->stalled->side, ==, b->stalled->side);
        g_assert_cmpint(a->stalled->code, ==, b->stalled->code);
        g_assert_cmpstr(a->stalled->message, ==, b->stalled->message);
        g_assert_cmpint(a->stalled->tries, ==, b->stalled->tries);
        g_assert_cmpint(a->stalled->needs_operator, ==, b->stalled->needs_operator);
    }
    same_error(a->error, b->error);
    same_numbers(a, b);
    g_assert_cmpstr(a->position_file, ==, b->position_file);
    g_assert_cmpstr(a->position_gtid, ==, b->position_gtid);
    g_assert_cmpstr(a->activity, ==, b->activity);
    g_assert_cmpstr(a->paused_by, ==, b->paused_by);
    g_assert_cmpuint(a->n_tables, ==, b->n_tables);
    g_assert_cmpuint(a->n_tables_failed, ==, b->n_tables_failed);
    for (unsigned i = 0; i < a->n_tables; i++)
        same_table(&a->tables[i], &b->tables[i]);
    g_assert_cmpuint(a->n_settings, ==, b->n_settings);
    for (unsigned i = 0; i < a->n_settings; i++) {
        g_assert_cmpstr(a->settings[i].name, ==, b->settings[i].name);
        g_assert_cmpstr(a->settings[i].value, ==, b->settings[i].value);
        g_assert_cmpint(a->settings[i].waits, ==, b->settings[i].waits);
    }
    g_assert_cmpuint(a->n_history, ==, b->n_history);
    for (unsigned i = 0; i < a->n_history; i++) {
        g_assert_cmpfloat(a->history[i].rows, ==, b->history[i].rows);
        g_assert_cmpfloat(a->history[i].bytes, ==, b->history[i].bytes);
        g_assert_cmpfloat(a->history[i].lag, ==, b->history[i].lag);
        g_assert_cmpfloat(a->history[i].batch_rows, ==, b->history[i].batch_rows);
        g_assert_cmpfloat(a->history[i].batch_bytes, ==, b->history[i].batch_bytes);
    }
}

static void same_view(const View *a, const View *b)
{
    g_assert_cmpint(a->pid, ==, b->pid);
    g_assert_cmpstr(a->version, ==, b->version);
    g_assert_cmpint(a->started_at, ==, b->started_at);
    g_assert_cmpstr(a->host, ==, b->host);
    g_assert_cmpint(a->at, ==, b->at);
    g_assert_cmpint(a->memory_limit, ==, b->memory_limit);
    g_assert_cmpint(a->memory_used, ==, b->memory_used);
    g_assert_cmpuint(a->n_pipes, ==, b->n_pipes);
    for (unsigned i = 0; i < a->n_pipes; i++)
        same_pipe(&a->pipes[i], &b->pipes[i]);
    g_assert_cmpuint(a->n_journal, ==, b->n_journal);
    for (unsigned i = 0; i < a->n_journal; i++) {
        const ViewJournalEntry *x = &a->journal[i], *y = &b->journal[i];
        g_assert_cmpint(x->id, ==, y->id);
        g_assert_cmpint(x->at, ==, y->at);
        g_assert_cmpstr(x->pipe, ==, y->pipe);
        g_assert_cmpstr(x->actor, ==, y->actor);
        g_assert_cmpstr(x->kind, ==, y->kind);
        g_assert_cmpstr(x->text, ==, y->text);
        g_assert_cmpstr(x->position, ==, y->position);
    }
}

static void round_trip(void)
{
    for (int round = 0; round < 500; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(View) view = some_view();
        json_t *json = view_to_json(view);
        g_assert_nonnull(json);
        size_t len;
        char *line = protocol_line(json, &len);
        json_t *parsed = json_loadb(line, len, 0, NULL);
        g_autoptr(View) back = view_from_json(parsed, &error);
        g_assert_no_error(error);
        same_view(view, back);
        free(line);
        json_decref(json);
        json_decref(parsed);
    }
}

static View *read_view(const char *text, GError **error)
{
    json_t *json = json_loads(text, 0, NULL);
    g_assert_nonnull(json);
    View *view = view_from_json(json, error);
    json_decref(json);
    return view;
}

/* What the commands' manual promises: names, null for the unknown, RFC 3339. */
static void form(void)
{
    g_autoptr(View) view = view_new();
    view->pid = 7;
    view->version = g_strdup("1.2.3");
    view->started_at = INT64_C(1795442551123456);
    view->n_pipes = 1;
    view->pipes = g_new0(ViewPipe, 1);
    ViewPipe *pipe = &view->pipes[0];
    pipe->name = g_strdup("orders");
    pipe->lag_seconds = VIEW_UNKNOWN;
    pipe->lag_bytes = 0;
    pipe->position_file = g_strdup("bin.000002");
    pipe->position_pos = 4;
    json_t *json = view_to_json(view);
    g_assert_cmpint(json_integer_value(json_object_get(json, "format")), ==, 1);
    json_t *engine = json_object_get(json, "engine");
    g_assert_cmpstr(json_string_value(json_object_get(engine, "started_at")), ==, "2026-11-23T14:02:31.123456Z");
    json_t *one = json_array_get(json_object_get(json, "pipes"), 0);
    static const char *const names[] = {"name",      "state",
                                        "since",     "mode",
                                        "source",    "dest",
                                        "stalled",   "lag_seconds",
                                        "lag_bytes", "headroom_seconds",
                                        "position",  "catching_up_seconds",
                                        "error",     "rows_per_second",
                                        "snapshot",  "bytes_per_second",
                                        "tables"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_nonnull(json_object_get(one, names[i]));
    g_assert_true(json_is_null(json_object_get(one, "lag_seconds")));
    g_assert_true(json_is_integer(json_object_get(one, "lag_bytes")));
    g_assert_true(json_is_null(json_object_get(one, "stalled")));
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(one, "position"), "file")), ==, "bin.000002");
    json_decref(json);
    g_assert_true(view_find_pipe(view, "orders") == pipe);
    g_assert_null(view_find_pipe(view, "other"));
    view_unref(view_ref(view));
}

static void lenient(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(View) view =
        read_view("{\"format\": 1, \"engine\": null, \"new\": [1], \"pipes\": [{\"name\": \"a\", \"since\":"
                  " \"2026-11-23T15:02:31+01:00\", \"lag_seconds\": \"x\", \"tables\": [{}, 5]}, 7]}",
                  &error);
    g_assert_no_error(error);
    g_assert_cmpint(view->pid, ==, 0);
    g_assert_cmpuint(view->n_pipes, ==, 2);
    g_assert_cmpint(view->pipes[0].since, ==, INT64_C(1795442551000000));
    g_assert_cmpfloat(view->pipes[0].lag_seconds, ==, VIEW_UNKNOWN);
    g_assert_cmpint(view->pipes[0].lag_bytes, ==, VIEW_UNKNOWN);
    g_assert_cmpuint(view->pipes[0].n_tables, ==, 2);
    g_assert_cmpint(view->pipes[0].tables[1].rows_done, ==, VIEW_UNKNOWN);
    g_assert_null(view->pipes[1].name);
    g_assert_null(read_view("{\"format\": 2, \"pipes\": []}", &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
}

/* Bytes that are no UTF-8 do not make a picture impossible. */
static void bad_text(void)
{
    g_autoptr(View) view = view_new();
    view->n_pipes = 1;
    view->pipes = g_new0(ViewPipe, 1);
    view->pipes[0].name = g_strdup("caf\xe9");
    json_t *json = view_to_json(view);
    json_t *name = json_object_get(json_array_get(json_object_get(json, "pipes"), 0), "name");
    g_assert_true(json_is_string(name));
    json_decref(json);
}

/* One table with its columns: the same, and for what is missing unknown. */
static void detail(void)
{
    Detail *made = detail_new();
    *made = (Detail){
        .source = g_strdup("shop.o"), .target = g_strdup("o"), .key = g_strdup("a, b"), .problem = g_strdup("no")};
    made->n_columns = 2;
    made->columns = g_new0(DetailColumn, 2);
    made->columns[0] = (DetailColumn){.name = g_strdup("Größe"),
                                      .type = g_strdup("int"),
                                      .next = g_strdup("left out"),
                                      .in_key = true,
                                      .zero_dates = 1,
                                      .clamped = INT64_MAX,
                                      .undecodable = 3};
    made->columns[1] = (DetailColumn){.target = g_strdup("_v"), .target_type = g_strdup("UInt64")};
    json_t *json = detail_to_json(made);
    g_autoptr(Detail) back = detail_from_json(json);
    json_t *again = detail_to_json(back);
    g_assert_true(json_equal(json, again));
    g_assert_null(back->engine);
    g_assert_cmpstr(back->columns[0].name, ==, "Größe");
    g_assert_true(back->columns[0].in_key && back->columns[0].clamped == INT64_MAX && !back->columns[1].name);
    json_t *odd = json_loads("{\"columns\": [1, {\"name\": 5, \"clamped\": -2, \"in_key\": \"x\"}]}", 0, NULL);
    g_autoptr(Detail) empty = detail_from_json(NULL), strange = detail_from_json(odd);
    g_assert_true(!empty->n_columns && !empty->key && strange->n_columns == 2);
    g_assert_true(!strange->columns[1].name && strange->columns[1].clamped == 0 && !strange->columns[1].in_key);
    json_decref(json);
    json_decref(again);
    json_decref(odd);
    detail_free(made);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/control/view/round-trip", round_trip);
    g_test_add_func("/control/view/form", form);
    g_test_add_func("/control/view/lenient", lenient);
    g_test_add_func("/control/view/bad-text", bad_text);
    g_test_add_func("/control/detail", detail);
    return g_test_run();
}
