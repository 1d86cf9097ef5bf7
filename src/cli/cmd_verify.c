/* Compares both ends of a pipe beside its stream, and prints what differs. */
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "cli/show.h"
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_USEC     (100 * 1000)
#define PROGRESS_USEC (2 * 1000 * 1000)

typedef struct {
    char **tables;
    gboolean repair, wait, cancel, show, json;
} Options;

static json_t *request_of(const char *what, const char *name)
{
    json_t *request = protocol_request(what);
    json_object_set_new(request, "name", json_string(name));
    return request;
}

static void tell_progress(const ViewVerify *verify)
{
    g_autofree char *rows = output_count(verify->rows), *rate = output_rate(verify->rows_per_second);
    g_autofree char *differences = output_count(verify->differences), *table = printable(verify->table, 0);
    fprintf(stderr, "%s%s%s rows, %s rows/s, %s differences%s%s\n", table, *table ? ": " : "", rows, rate, differences,
            verify->activity != NULL ? ", " : "", verify->activity != NULL ? verify->activity : "");
}

/* Until that verify has ended. A pipe that is gone has none. */
static bool wait_for(Caller *caller, const char *name, int64_t number, GError **error)
{
    int64_t told = clock_monotonic_usec();
    for (;;) {
        g_autoptr(View) view = caller_view(caller, error);
        const ViewPipe *pipe = view != NULL ? caller_find_pipe(view, name, error) : NULL;
        if (pipe == NULL)
            return false;
        const ViewVerify *verify = pipe->verify;
        if (verify != NULL && (verify->number > number || (verify->number == number && !verify->running)))
            return true;
        if (verify != NULL && verify->number == number && clock_monotonic_usec() - told > PROGRESS_USEC) {
            tell_progress(verify);
            told = clock_monotonic_usec();
        }
        g_usleep(POLL_USEC);
    }
}

/* ---- The result ---- */

static void show_difference(const json_t *difference)
{
    const char *kind = json_string_value(json_object_get(difference, "kind"));
    size_t i;
    json_t *value;
    output_line("%s %s key %s%s%s", kind != NULL ? kind : "?", json_string_value(json_object_get(difference, "table")),
                json_string_value(json_object_get(difference, "key")),
                json_is_true(json_object_get(difference, "repaired")) ? "  (repaired)" : "",
                json_is_true(json_object_get(difference, "ahead"))
                    ? "  (its version at the destination is none of the stream's: sluice resync --table mends it)"
                    : "");
    json_array_foreach(json_object_get(difference, "values"), i, value)
    {
        const char *ours = json_string_value(json_object_get(value, "source"));
        const char *theirs = json_string_value(json_object_get(value, "dest"));
        output_line("  %s: source %s, destination %s", json_string_value(json_object_get(value, "column")),
                    ours != NULL ? ours : "NULL", theirs != NULL ? theirs : "NULL");
    }
}

static void show_table(const json_t *table)
{
    const char *skipped = json_string_value(json_object_get(table, "skipped"));
    json_int_t unsettled = json_integer_value(json_object_get(table, "unsettled"));
    const char *name = json_string_value(json_object_get(table, "table"));
    if (json_is_true(json_object_get(table, "at_least")))
        output_line("%s: too many differences to list, the rest was not compared: sluice resync --table loads it again",
                    name);
    if (skipped != NULL)
        output_line("%s: not compared: %s", name, skipped);
    if (unsettled > 0)
        output_line("%s: %" JSON_INTEGER_FORMAT " keys kept changing and were not compared", name, unsettled);
}

/* The exit code: 1 where a difference is left, or not all was looked at. */
static int show_result(const ViewVerify *verify, const json_t *result)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(result, "differences"), i, item) show_difference(item);
    int64_t more = verify->differences - (int64_t)i;
    if (more > 0)
        output_line("... and %" G_GINT64_FORMAT " more", more);
    json_array_foreach(json_object_get(result, "tables"), i, item) show_table(item);
    g_autofree char *rows = output_count(verify->rows), *differences = output_count(verify->differences);
    g_autofree char *repaired = output_count(verify->repaired);
    bool repairs = verify->repair && verify->differences > 0;
    output_line("%s rows of %" G_GINT64_FORMAT " table%s compared: %s difference%s%s%s%s", rows, verify->tables_done,
                verify->tables_done == 1 ? "" : "s", verify->differences > 0 ? differences : "no",
                verify->differences == 1 ? "" : "s", repairs ? ", " : "", repairs ? repaired : "",
                repairs ? " repaired" : "");
    if (verify->running)
        output_line("it is still running");
    if (verify->stopped != NULL)
        output_line("it ended early: %s", verify->stopped);
    return verify->stopped != NULL || verify->differences > verify->repaired ? SLUICE_ERROR_FAILED : 0;
}

static void print_json(const char *name, const View *view, json_t *result)
{
    json_t *all = view_to_json(view), *pipe;
    size_t i;
    json_array_foreach(json_object_get(all, "pipes"), i, pipe)
    {
        if (g_strcmp0(json_string_value(json_object_get(pipe, "name")), name) == 0)
            json_object_set(result, "verify", json_object_get(pipe, "verify"));
    }
    json_object_set_new(result, "pipe", json_string(name));
    json_object_del(result, "ok");
    json_object_del(result, "id");
    char *text = json_dumps(result, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(all);
}

static int tell_result(Caller *caller, const char *name, bool as_json)
{
    GError *error = NULL;
    g_autoptr(View) view = caller_view(caller, &error);
    const ViewPipe *pipe = view != NULL ? caller_find_pipe(view, name, &error) : NULL;
    json_t *result = pipe != NULL ? caller_ask(caller, request_of("verify_result", name), &error) : NULL;
    if (result == NULL)
        return cli_fail(error);
    int code = 0;
    if (pipe->verify == NULL) {
        json_decref(result);
        return cli_fail(
            g_error_new(SLUICE_ERROR, SLUICE_ERROR_REFUSED, "pipe %s was not verified since the engine started", name));
    }
    if (as_json) {
        print_json(name, view, result);
        code = pipe->verify->stopped != NULL || pipe->verify->differences > pipe->verify->repaired ? SLUICE_ERROR_FAILED
                                                                                                   : 0;
    } else {
        code = show_result(pipe->verify, result);
    }
    json_decref(result);
    return code;
}

static int run(Caller *caller, const char *name, const Options *options)
{
    GError *error = NULL;
    json_t *names = arguments_lists(options->tables, &error);
    if (names == NULL)
        return cli_fail(error);
    json_t *request = request_of("verify", name);
    json_object_set_new(request, "tables", names);
    if (options->repair)
        json_object_set_new(request, "repair", json_true());
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    int64_t number = json_integer_value(json_object_get(answer, "number"));
    json_decref(answer);
    if (!options->wait) {
        output_line("it runs: `sluice status %s` shows how far it is, `sluice verify %s --show` what it found", name,
                    name);
        return 0;
    }
    if (!wait_for(caller, name, number, &error))
        return cli_fail(error);
    return tell_result(caller, name, options->json);
}

int cmd_verify(Cli *cli, char **argv)
{
    g_auto(GStrv) tables = NULL;
    Options options = {0};
    const GOptionEntry entries[] = {
        {"table", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &tables, "this table alone; may be given several times",
         "DB.TABLE"},
        {"repair", 0, 0, G_OPTION_ARG_NONE, &options.repair, "mend what differs at the destination", NULL},
        {"wait", 0, 0, G_OPTION_ARG_NONE, &options.wait, "return when it is done, with what it found", NULL},
        {"show", 0, 0, G_OPTION_ARG_NONE, &options.show, "what the last one found, or has found so far", NULL},
        {"cancel", 0, 0, G_OPTION_ARG_NONE, &options.cancel, "end the one that runs", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "with --wait or --show: the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, 1, &code))
        return code;
    options.tables = tables;
    if (options.show + options.cancel + (options.wait || options.repair || tables != NULL) > 1)
        return cli_usage("--show and --cancel stand alone");
    if (options.json && !options.wait && !options.show)
        return cli_usage("--json goes with --wait or --show");
    g_autoptr(Caller) caller = caller_open(cli, false, &error);
    if (caller == NULL)
        return cli_fail(error);
    const char *name = cli->words[0];
    if (options.show)
        return tell_result(caller, name, options.json);
    if (!options.cancel)
        return run(caller, name, &options);
    json_t *answer = caller_ask(caller, request_of("verify_cancel", name), &error);
    if (answer == NULL)
        return cli_fail(error);
    json_decref(answer);
    return 0;
}
