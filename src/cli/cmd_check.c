/* `sluice check` and `sluice create`: the same words, the same preflight. */
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "cli/show.h"
#include "base/base.h"
#include "engine/engine.h"

#include <string.h>

/* The request that the words make. NULL: `code`. */
static json_t *read_request(Cli *cli, char **argv, bool create, bool *wait, int *code)
{
    g_autofree char *source = NULL, *dest = NULL, *mode = NULL;
    g_auto(GStrv) tables = NULL, exclude = NULL, settings = NULL;
    gboolean wait_option = FALSE, yes = FALSE;
    const GOptionEntry entries[] = {
        {"source", 0, 0, G_OPTION_ARG_FILENAME, &source, "mysql://USER@HOST:PORT/?password-file=FILE…", "URL"},
        {"dest", 0, 0, G_OPTION_ARG_FILENAME, &dest,
         "http://USER@HOST:8123/DATABASE?… or embedded:DATABASE (default embedded:)", "URL"},
        {"tables", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &tables, "db.table[:target], db.*, db.prefix_*, -db.table, @FILE",
         "LIST"},
        {"exclude", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &exclude, "tables to leave out", "LIST"},
        {"mode", 0, 0, G_OPTION_ARG_FILENAME, &mode, "full (default), snapshot or cdc", "MODE"},
        {"set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &settings, "a setting; `sluice set NAME` lists them", "K=V"},
        {"wait", 0, create ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &wait_option,
         "return when it is loaded and live", NULL},
        {"yes", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &yes, NULL, NULL},
        G_OPTION_ENTRY_NULL};
    if (!cli_parse(cli, argv, entries, create, create, code))
        return NULL;
    *wait = wait_option;
    if (source == NULL || (create && tables == NULL)) {
        *code = cli_usage("%s is missing; see `sluice help %s`", source == NULL ? "--source URL" : "--tables LIST",
                          cli->command->name);
        return NULL;
    }
    g_autofree char *source_url = arguments_url(source);
    g_autofree char *dest_url = arguments_url(dest != NULL ? dest : "embedded:");
    json_t *request = protocol_request(cli->command->name);
    const struct {
        const char *name, *word;
    } texts[] = {{"source", source_url},
                 {"dest", dest_url},
                 {"mode", mode != NULL ? mode : "full"},
                 {"name", create ? cli->words[0] : NULL}};
    GError *error = NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts) && error == NULL; i++) {
        if (texts[i].word != NULL)
            json_object_set_new(request, texts[i].name, arguments_text(texts[i].word, &error));
    }
    if (error == NULL)
        json_object_set_new(request, "tables", arguments_lists(tables, &error));
    if (error == NULL)
        json_object_set_new(request, "exclude", arguments_lists(exclude, &error));
    if (error == NULL)
        json_object_set_new(request, "settings", arguments_settings(settings, &error));
    if (error == NULL)
        return request;
    *code = cli_fail(error);
    json_decref(request);
    return NULL;
}

static unsigned count_failed(const json_t *checks)
{
    unsigned failed = 0;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *result = json_object_get(json_array_get(checks, i), "result");
        failed += g_strcmp0(json_string_value(result), "fail") == 0;
    }
    return failed;
}

/* Prints the checks of an answer. The exit code. Takes the answer. */
static int report(json_t *answer, bool check)
{
    GError *error = NULL;
    const json_t *checks = json_object_get(answer, "checks");
    unsigned failed = count_failed(checks);
    int code = 0;
    show_checks(checks, false);
    if (!protocol_answer_ok(answer, &error))
        code = cli_fail(error);
    else if (check && !json_is_true(json_object_get(answer, "ok_to_create")))
        code = cli_fail(g_error_new(SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT,
                                    "%u preflight check%s failed: mend what the lines above name, then check again",
                                    failed, failed == 1 ? "" : "s"));
    json_decref(answer);
    return code;
}

/* Where an engine runs it is asked, since the embedded ClickHouse is its; else it is done here, without a state dir. */
int cmd_check(Cli *cli, char **argv)
{
    int code;
    bool wait;
    json_t *request = read_request(cli, argv, false, &wait, &code);
    if (request == NULL)
        return code;
    g_autofree char *state_dir = protocol_state_dir(cli->state_dir);
    GError *error = NULL;
    g_autoptr(Client) client = client_connect(state_dir, &error);
    json_t *answer = NULL;
    if (client != NULL) {
        answer = client_exchange(client, request, -1, &error);
    } else if (g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING)) {
        g_clear_error(&error);
        answer = engine_check(request, state_dir);
        json_decref(request);
    } else {
        json_decref(request);
    }
    return answer != NULL ? report(answer, true) : cli_fail(error);
}

static bool is_loaded(const ViewPipe *pipe, GError **error)
{
    if (pipe == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "the pipe was dropped meanwhile");
    else if (g_strcmp0(pipe->state, "Failed") == 0)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the pipe failed: %s",
                    pipe->error != NULL && pipe->error->message != NULL ? pipe->error->message : "see `sluice status`");
    else
        return g_strcmp0(pipe->state, "Running") == 0 || g_strcmp0(pipe->state, "Completed") == 0;
    return false;
}

int cmd_create(Cli *cli, char **argv)
{
    int code;
    bool wait;
    GError *error = NULL;
    json_t *request = read_request(cli, argv, true, &wait, &code);
    if (request == NULL)
        return code;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL) {
        json_decref(request);
        return cli_fail(error);
    }
    json_t *answer = caller_exchange(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    code = report(answer, false);
    if (code != 0)
        return code;
    output_line("pipe %s is created%s", cli->words[0],
                caller_is_live(caller) ? "" : "; it begins with the engine: `sluice run --detach`");
    if (wait && !caller_wait(caller, cli->words[0], 0, is_loaded, &error))
        return cli_fail(error);
    return 0;
}
