#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

static void print_settings(const json_t *settings)
{
    static const char *const FIELDS[] = {"name", "value", "default", "when", "meaning"};
    static const char *const HEADERS[] = {"SETTING", "VALUE", "DEFAULT", "TAKES EFFECT", "MEANING"};
    g_autoptr(Grid) grid = grid_new("lllll");
    for (unsigned i = 0; i < G_N_ELEMENTS(HEADERS); i++)
        grid_cell(grid, HEADERS[i]);
    size_t row;
    json_t *setting;
    json_array_foreach(settings, row, setting)
    {
        for (unsigned i = 0; i < G_N_ELEMENTS(FIELDS); i++)
            grid_cell(grid, json_string_value(json_object_get(setting, FIELDS[i])));
    }
    grid_print(grid, "");
}

int cmd_set(Cli *cli, char **argv)
{
    gboolean wait = FALSE, yes = FALSE;
    const GOptionEntry entries[] = {{"wait", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &wait, NULL, NULL},
                                    {"yes", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &yes, NULL, NULL},
                                    G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 1, G_MAXUINT, &code))
        return code;
    json_t *settings = arguments_settings(cli->words + 1, &error);
    if (settings == NULL)
        return cli_fail(error);
    json_t *request = protocol_request("set");
    json_object_set_new(request, "name", json_string(cli->words[0]));
    json_object_set_new(request, "settings", settings);
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    if (caller == NULL) {
        json_decref(request);
        return cli_fail(error);
    }
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    if (cli->n_words == 1)
        print_settings(json_object_get(answer, "settings"));
    json_decref(answer);
    return 0;
}
