/* Definitions of pipes as a file to keep under version control, and pipes made from such a file. Passwords are not in
 * it. */
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

/* ---- export ---- */

int cmd_export(Cli *cli, char **argv)
{
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, NULL, 0, G_MAXUINT, &code))
        return code;
    json_t *request = protocol_request("export"), *names = json_array();
    for (char **word = cli->words; *word != NULL; word++)
        json_array_append_new(names, json_string(*word));
    json_object_set_new(request, "names", names);
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL) {
        json_decref(request);
        return cli_fail(error);
    }
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    json_t *file = json_pack("{s:i, s:O}", "sluice-pipes", FORMAT, "pipes", json_object_get(answer, "pipes"));
    char *text = json_dumps(file, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(file);
    json_decref(answer);
    return 0;
}

/* ---- import ---- */

static json_t *read_file(const char *path, GError **error)
{
    json_error_t why;
    bool input = strcmp(path, "-") == 0;
    json_t *file =
        input ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &why) : json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    g_autofree char *shown = printable(input ? "standard input" : path, 200);
    if (file == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "%s is no file of `sluice export`: %s (line %d)", shown,
                    why.text, why.line);
    else if (json_integer_value(json_object_get(file, "sluice-pipes")) != FORMAT ||
             !json_is_array(json_object_get(file, "pipes")))
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "%s is no file of `sluice export`, or one of a newer version", shown);
    else
        return file;
    json_decref(file);
    return NULL;
}

/* A password that stood in the URL was left out of the file. */
static bool has_password(const char *name, const char *what, const char *url, GError **error)
{
    if (strstr(url, ":***@") == NULL && strstr(url, "password=***") == NULL)
        return true;
    g_set_error(
        error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
        "pipe %s: the password of its %s stood in the URL, and is not in the file: write password-file=FILE there",
        name, what);
    return false;
}

/* A request to create the pipe; NULL: something of it is missing. */
static json_t *request_of(const json_t *pipe, GError **error)
{
    const char *name = json_string_value(json_object_get(pipe, "name"));
    const char *source = json_string_value(json_object_get(pipe, "source"));
    const char *dest = json_string_value(json_object_get(pipe, "dest"));
    const char *mode = json_string_value(json_object_get(pipe, "mode"));
    json_t *tables = json_object_get(pipe, "tables"), *settings = json_object_get(pipe, "settings");
    if (name == NULL || source == NULL || !json_is_array(tables) || json_array_size(tables) == 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "a pipe of the file lacks its name, source or tables");
        return NULL;
    }
    g_autofree char *shown = printable(name, 64);
    if (!has_password(shown, "source", source, error) ||
        (dest != NULL && !has_password(shown, "destination", dest, error)))
        return NULL;
    g_autofree char *source_url = arguments_url(source), *dest_url = arguments_url(dest != NULL ? dest : "embedded:");
    json_t *request = protocol_request("create");
    json_object_set_new(request, "name", json_string(name));
    json_object_set_new(request, "source", json_string(source_url));
    json_object_set_new(request, "dest", json_string(dest_url));
    json_object_set_new(request, "mode", json_string(mode != NULL ? mode : "full"));
    json_object_set(request, "tables", tables);
    json_object_set(request, "settings", json_is_object(settings) ? settings : json_object());
    return request;
}

/* All requests, before anything is created. NULL: one of them cannot be. */
static GPtrArray *requests_of(const json_t *file, const View *view, GError **error)
{
    g_autoptr(GPtrArray) requests = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    size_t i;
    json_t *pipe;
    json_array_foreach(json_object_get(file, "pipes"), i, pipe)
    {
        json_t *request = request_of(pipe, error);
        if (request == NULL)
            return NULL;
        g_ptr_array_add(requests, request);
        const char *name = json_string_value(json_object_get(pipe, "name"));
        if (view_find_pipe(view, name) == NULL)
            continue;
        g_autofree char *shown = printable(name, 64);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                    "a pipe called %s exists already: nothing was created; take it out of the file, or drop that one",
                    shown);
        return NULL;
    }
    return g_steal_pointer(&requests);
}

/* What failed of a preflight, each with its mend. */
static void print_failed(const char *name, const json_t *checks)
{
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *found = json_string_value(json_object_get(check, "found"));
        const char *mend = json_string_value(json_object_get(check, "mend"));
        if (g_strcmp0(json_string_value(json_object_get(check, "result")), "fail") != 0)
            continue;
        output_line("FAIL %s: %s", name, found != NULL ? found : "");
        if (mend != NULL && mend[0] != '\0')
            output_line("     mend: %s", mend);
    }
}

/* The exit code of the last one that could not be created; the others are. */
static int create_all(Caller *caller, const GPtrArray *requests)
{
    int code = 0;
    for (unsigned i = 0; i < requests->len; i++) {
        json_t *request = requests->pdata[i];
        g_autofree char *name = g_strdup(json_string_value(json_object_get(request, "name")));
        GError *error = NULL;
        json_t *answer = caller_exchange(caller, json_incref(request), &error);
        if (answer != NULL && !protocol_answer_ok(answer, &error))
            print_failed(name, json_object_get(answer, "checks"));
        if (error == NULL) {
            output_line("pipe %s is created%s", name,
                        caller_is_live(caller) ? "" : "; it begins with the engine: `sluice run --detach`");
        } else {
            g_prefix_error(&error, "pipe %s: ", name);
            code = cli_fail(error);
        }
        json_decref(answer);
    }
    return code;
}

int cmd_import(Cli *cli, char **argv)
{
    gboolean yes = FALSE;
    const GOptionEntry entries[] = {{"yes", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &yes, NULL, NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, 1, &code))
        return code;
    json_t *file = read_file(cli->words[0], &error);
    if (file == NULL)
        return cli_fail(error);
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    g_autoptr(View) view = caller != NULL ? caller_view(caller, &error) : NULL;
    g_autoptr(GPtrArray) requests = view != NULL ? requests_of(file, view, &error) : NULL;
    code = requests != NULL ? create_all(caller, requests) : cli_fail(error);
    json_decref(file);
    return code;
}
