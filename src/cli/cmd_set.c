#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

static const char *field(const json_t *setting, const char *name)
{
    return json_string_value(json_object_get(setting, name));
}

static void print_settings(const json_t *settings)
{
    static const char *const HEADERS[] = {"SETTING", "VALUE", "DEFAULT", "TAKES EFFECT", "MEANING"};
    g_autoptr(Grid) grid = grid_new("lllll");
    for (unsigned i = 0; i < G_N_ELEMENTS(HEADERS); i++)
        grid_cell(grid, HEADERS[i]);
    size_t row;
    json_t *setting;
    json_array_foreach(settings, row, setting)
    {
        bool waits = json_is_true(json_object_get(setting, "waits"));
        grid_cell(grid, field(setting, "name"));
        grid_cell(grid, field(setting, "value"));
        grid_cell(grid, field(setting, "default"));
        grid_cell_take(grid, g_strdup_printf("%s%s", field(setting, "when"), waits ? ", waits" : ""));
        grid_cell(grid, field(setting, "meaning"));
    }
    grid_print(grid, "");
}

/* What becomes of each change. */
static void print_changes(const json_t *settings, const json_t *changes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)changes, name, value)
    {
        const char *when = "resync"; /* of a setting of a table that was taken away */
        bool waits = *json_string_value(value) == '\0';
        size_t row;
        json_t *setting;
        json_array_foreach(settings, row, setting)
        {
            if (g_strcmp0(field(setting, "name"), name) != 0)
                continue;
            when = field(setting, "when");
            waits = json_is_true(json_object_get(setting, "waits"));
        }
        output_line("%s=%s: %s", name, json_string_value(value),
                    g_strcmp0(when, "resync") != 0 ? "takes effect at once"
                    : waits                        ? "waits for the next resync of a table"
                                                   : "takes effect when a table is made anew");
    }
}

static void print_notes(const json_t *notes)
{
    size_t i;
    json_t *note;
    json_array_foreach(notes, i, note)
    {
        output_line("note: %s", json_string_value(note));
    }
}

/* Takes the request. The exit code. */
static int run(Cli *cli, json_t *request)
{
    GError *error = NULL;
    json_t *changes = json_incref(json_object_get(request, "settings"));
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    json_t *answer = NULL;
    if (caller != NULL)
        answer = caller_ask(caller, request, &error);
    else
        json_decref(request);
    if (answer != NULL) {
        if (json_object_size(changes) == 0)
            print_settings(json_object_get(answer, "settings"));
        else
            print_changes(json_object_get(answer, "settings"), changes);
        print_notes(json_object_get(answer, "notes"));
    }
    json_decref(changes);
    json_decref(answer);
    return error != NULL ? cli_fail(error) : 0;
}

int cmd_set(Cli *cli, char **argv)
{
    gboolean wait = FALSE, yes = FALSE, engine = FALSE;
    const GOptionEntry entries[] = {
        {"engine", 0, 0, G_OPTION_ARG_NONE, &engine, "settings of the engine, instead of those of a pipe", NULL},
        {"wait", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &wait, NULL, NULL},
        {"yes", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &yes, NULL, NULL},
        G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 0, G_MAXUINT, &code))
        return code;
    if (!engine && cli->n_words == 0)
        return cli_usage("usage: sluice set NAME [SETTING=VALUE]…, or sluice set --engine [SETTING=VALUE]…");
    json_t *settings = arguments_settings(cli->words + (engine ? 0 : 1), &error);
    if (settings == NULL)
        return cli_fail(error);
    json_t *request = protocol_request("set");
    if (engine)
        json_object_set_new(request, "engine", json_true());
    else
        json_object_set_new(request, "name", json_string(cli->words[0]));
    json_object_set_new(request, "settings", settings);
    return run(cli, request);
}
