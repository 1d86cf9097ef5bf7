/* The tables of a pipe: listed, one with its columns, added, removed. */
#include "cli/action.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "cli/show.h"
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool ask_to_remove(const Cli *cli, bool drop_target, bool yes, int *code)
{
    g_autofree char *names = g_strjoinv(", ", cli->words + 2);
    g_autofree char *shown = printable(names, 200);
    g_autofree char *question = g_strdup_printf("Remove %s from the pipe%s", shown,
                                                drop_target ? " AND drop the destination tables with all their rows?"
                                                            : "? The destination tables stay as they are, and are not followed any more.");
    return cli_confirm(yes, question, code);
}

/* The checks of what is added are shown where they failed. */
static int add(Caller *caller, const char *name, json_t *request_take, bool wait)
{
    GError *error = NULL;
    json_t *answer = caller_exchange(caller, request_take, &error);
    if (answer == NULL)
        return cli_fail(error);
    if (!protocol_answer_ok(answer, &error)) {
        show_checks(json_object_get(answer, "checks"), true);
        json_decref(answer);
        return cli_fail(error);
    }
    json_decref(answer);
    return wait && !caller_wait(caller, name, 0, action_is_settled, &error) ? cli_fail(error) : 0;
}

static int edit(const Cli *cli, bool adds, bool drop_target, bool wait, bool yes)
{
    int code;
    GError *error = NULL;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL)
        return cli_fail(error);
    if (!adds && !ask_to_remove(cli, drop_target, yes, &code))
        return code;
    json_t *names = arguments_lists(cli->words + 2, &error);
    if (names == NULL)
        return cli_fail(error);
    json_t *request = protocol_request(adds ? "tables_add" : "tables_remove");
    json_object_set_new(request, "name", json_string(cli->words[0]));
    json_object_set_new(request, "tables", names);
    if (drop_target)
        json_object_set_new(request, "drop_target", json_true());
    code = adds ? add(caller, cli->words[0], request, wait) : action_send(caller, cli->words[0], request, wait ? action_is_settled : NULL);
    if (code == 0 && !caller_is_live(caller))
        output_line("noted; it is done with the engine: `sluice run --detach`");
    return code;
}

int cmd_tables(Cli *cli, char **argv)
{
    gboolean json = FALSE, wait = FALSE, yes = FALSE, drop_target = FALSE;
    const GOptionEntry entries[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &json, "the same as JSON", NULL},
                                    {"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "add, remove: return when it is done", NULL},
                                    {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, "remove: do not ask", NULL},
                                    {"drop-target", 0, 0, G_OPTION_ARG_NONE, &drop_target,
                                     "remove: drop the destination tables too", NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, 100000, &code))
        return code;
    const char *verb = cli->n_words > 1 ? cli->words[1] : "";
    bool adds = strcmp(verb, "add") == 0, removes = strcmp(verb, "remove") == 0;
    if ((adds || removes) && cli->n_words == 2)
        return cli_usage("name the tables to %s: sluice tables NAME %s TABLE…", verb, verb);
    if (drop_target && !removes)
        return cli_usage("--drop-target is for `sluice tables NAME remove`");
    if (adds || removes)
        return edit(cli, adds, drop_target, wait, yes);
    if (cli->n_words > 2)
        return cli_usage("usage: sluice tables NAME [TABLE|add TABLE…|remove TABLE…]");
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL)
        return cli_fail(error);
    return cli->n_words == 2 ? show_one(caller, cli->words[0], verb, json) : list_tables(caller, cli->words[0], json);
}
