#include "cli/caller.h"
#include "cli/show.h"
#include "base/base.h"

int cmd_tables(Cli *cli, char **argv)
{
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, NULL, 1, 1, &code))
        return code;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL)
        return cli_fail(error);
    json_t *request = protocol_request("tables");
    json_object_set_new(request, "name", json_string(cli->words[0]));
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    json_t *picture = json_pack("{s:i, s:[{s:s, s:O}]}", "format", 1, "pipes", "name", cli->words[0], "tables",
                                json_object_get(answer, "tables"));
    json_decref(answer);
    g_autoptr(View) view = view_from_json(picture, &error);
    json_decref(picture);
    if (view == NULL)
        return cli_fail(error);
    show_tables(&view->pipes[0], "");
    return 0;
}
