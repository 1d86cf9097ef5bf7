/* Goes on from another place in the source's log: says what that skips, asks, and does it. */
#include "cli/action.h"
#include "cli/output.h"
#include "base/base.h"

#include <string.h>

typedef struct {
    char *file, *gtid;
    gint64 pos;
} Place;

static json_t *make_request(const char *name, const Place *place, bool check)
{
    json_t *request = protocol_request("reposition");
    json_object_set_new(request, "name", json_string(name));
    if (place->file != NULL) {
        json_object_set_new(request, "file", json_string(place->file));
        json_object_set_new(request, "pos", json_integer(place->pos));
    }
    if (place->gtid != NULL)
        json_object_set_new(request, "gtid", json_string(place->gtid));
    if (check)
        json_object_set_new(request, "check", json_true());
    return request;
}

static void say(const char *label, const json_t *answer, const char *field)
{
    const char *text = json_string_value(json_object_get(answer, field));
    g_autofree char *shown = printable(text != NULL ? text : "?", 0);
    output_line("  %-6s %s", label, shown);
}

/* What lies between, before anything is done. */
static bool tell(Caller *caller, const char *name, const Place *place, GError **error)
{
    json_t *answer = caller_ask(caller, make_request(name, place, true), error);
    if (answer == NULL)
        return false;
    say("FROM", answer, "from");
    say("TO", answer, "to");
    say("GAP", answer, "gap");
    json_decref(answer);
    return true;
}

/* It has been carried out; a pipe that was paused stays so. */
static bool is_done(const ViewPipe *pipe, GError **error)
{
    if (pipe == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "the pipe was dropped meanwhile");
    else if (g_strcmp0(pipe->state, "Failed") == 0)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the pipe failed: %s",
                    pipe->error != NULL && pipe->error->message != NULL ? pipe->error->message : "see `sluice status`");
    return pipe != NULL && pipe->pending == 0;
}

static bool place_is_whole(const Place *place)
{
    bool by_file = place->file != NULL && place->pos >= 0 && place->gtid == NULL;
    bool by_gtid = place->gtid != NULL && place->pos < 0 && place->file == NULL;
    return by_file || by_gtid;
}

static int reposition(const Cli *cli, const Place *place, bool wait, bool yes)
{
    int code;
    GError *error = NULL;
    const char *name = cli->words[0];
    g_autoptr(Caller) caller = caller_open(cli, false, &error);
    if (caller == NULL || !tell(caller, name, place, &error))
        return cli_fail(error);
    g_autofree char *shown = printable(name, 0);
    g_autofree char *question =
        g_strdup_printf("Let %s go on there? Rows that were changed in the gap stay stale, and its tables are "
                        "advised to be loaded again.",
                        shown);
    if (!cli_confirm(yes, question, &code))
        return code;
    return action_send(caller, name, make_request(name, place, false), wait ? is_done : NULL);
}

int cmd_reposition(Cli *cli, char **argv)
{
    gboolean wait = FALSE, yes = FALSE;
    Place place = {.pos = -1};
    const GOptionEntry entries[] = {
        {"file", 0, 0, G_OPTION_ARG_FILENAME, &place.file, "the log to go on in, with --pos", "FILE"},
        {"pos", 0, 0, G_OPTION_ARG_INT64, &place.pos, "where in it a transaction begins", "POS"},
        {"gtid", 0, 0, G_OPTION_ARG_FILENAME, &place.gtid, "all that counts as applied: MySQL's set, or MariaDB's list",
         "GTIDS"},
        {"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "return when it is done", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL},
        G_OPTION_ENTRY_NULL};
    int code;
    if (cli_parse(cli, argv, entries, 1, 1, &code))
        code = place_is_whole(&place) ? reposition(cli, &place, wait, yes)
                                      : cli_usage("say where to go on: --file and --pos, or --gtid");
    g_free(place.file);
    g_free(place.gtid);
    return code;
}
