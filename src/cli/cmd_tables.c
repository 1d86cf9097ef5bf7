#include "cli/caller.h"
#include "cli/show.h"
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *ask(Caller *caller, const char *what, const char *name, const char *table, GError **error)
{
    json_t *request = protocol_request(what);
    json_object_set_new(request, "name", json_string(name));
    if (table != NULL)
        json_object_set_new(request, "table", json_string(table));
    return caller_ask(caller, request, error);
}

static void print_json(const json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2));
    if (text != NULL)
        puts(text);
    free(text);
}

static int list_tables(Caller *caller, const char *name, bool json)
{
    GError *error = NULL;
    json_t *answer = ask(caller, "tables", name, NULL, &error);
    if (answer == NULL)
        return cli_fail(error);
    const json_t *tables = json_object_get(answer, "tables");
    if (json) {
        print_json(tables);
        json_decref(answer);
        return 0;
    }
    json_t *picture = json_pack("{s:i, s:[{s:s, s:O}]}", "format", 1, "pipes", "name", name, "tables", tables);
    json_decref(answer);
    g_autoptr(View) view = view_from_json(picture, &error);
    json_decref(picture);
    if (view == NULL)
        return cli_fail(error);
    show_tables(&view->pipes[0], "");
    return 0;
}

static int show_one(Caller *caller, const char *name, const char *table, bool json)
{
    GError *error = NULL;
    json_t *answer = ask(caller, "table", name, table, &error);
    if (answer == NULL)
        return cli_fail(error);
    const json_t *object = json_object_get(answer, "table");
    if (json) {
        print_json(object);
    } else {
        g_autoptr(Detail) detail = detail_from_json(object);
        show_detail(detail);
    }
    json_decref(answer);
    return 0;
}

int cmd_tables(Cli *cli, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &json, "the same as JSON", NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, 2, &code))
        return code;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL)
        return cli_fail(error);
    return cli->n_words == 2 ? show_one(caller, cli->words[0], cli->words[1], json)
                             : list_tables(caller, cli->words[0], json);
}
