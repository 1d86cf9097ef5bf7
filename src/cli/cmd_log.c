#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

#include <stdio.h>

#define DEFAULT_LINES 200
#define FOLLOW_USEC   500000

/* The entries of an answer as those of a picture: one reader of times and nulls for both. NULL: an error. */
static View *ask_entries(Caller *caller, const char *name, int64_t after_id, int limit, GError **error)
{
    json_t *request = protocol_request("log");
    json_object_set_new(request, "after_id", json_integer(after_id));
    json_object_set_new(request, "limit", json_integer(limit));
    if (name != NULL)
        json_object_set_new(request, "name", json_string(name));
    json_t *answer = caller_ask(caller, request, error);
    if (answer == NULL)
        return NULL;
    json_t *picture =
        json_pack("{s:i, s:[], s:O}", "format", 1, "pipes", "journal", json_object_get(answer, "entries"));
    View *view = view_from_json(picture, error);
    json_decref(picture);
    json_decref(answer);
    return view;
}

/* Returns the last id, or `last` when there was none. */
static int64_t print_entries(const View *view, bool with_pipe, int64_t last)
{
    for (unsigned i = 0; i < view->n_journal; i++) {
        const ViewJournalEntry *entry = &view->journal[i];
        g_autofree char *time = output_time(entry->at);
        output_line("%s  %s%s%-8s  %-8s  %s%s%s%s", time,
                    !with_pipe            ? ""
                    : entry->pipe != NULL ? entry->pipe
                                          : "engine",
                    with_pipe ? "  " : "", entry->actor != NULL ? entry->actor : "-",
                    entry->kind != NULL ? entry->kind : "-", entry->text != NULL ? entry->text : "",
                    entry->position != NULL ? " (at " : "", entry->position != NULL ? entry->position : "",
                    entry->position != NULL ? ")" : "");
        last = entry->id;
    }
    return last;
}

/* A journal outlives its pipe: only a name that is in neither is wrong. */
static bool check_name(Caller *caller, const char *name, GError **error)
{
    g_autoptr(View) view = caller_view(caller, error);
    return view != NULL && caller_find_pipe(view, name, error) != NULL;
}

int cmd_log(Cli *cli, char **argv)
{
    gboolean follow = FALSE;
    int lines = DEFAULT_LINES;
    const GOptionEntry entries[] = {
        {"follow", 'f', 0, G_OPTION_ARG_NONE, &follow, "go on printing what comes", NULL},
        {"lines", 'n', 0, G_OPTION_ARG_INT, &lines, "the newest N entries (default 200)", "N"},
        G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 0, 1, &code))
        return code;
    if (lines < 0)
        return cli_usage("--lines must not be negative");
    const char *name = cli->words[0];
    g_autoptr(Caller) caller = caller_open(cli, !follow, &error);
    if (caller == NULL)
        return cli_fail(error);
    int64_t last = 0;
    for (;;) {
        g_autoptr(View) view = ask_entries(caller, name, last, lines, &error);
        if (view == NULL || (last == 0 && name != NULL && view->n_journal == 0 && !check_name(caller, name, &error)))
            return cli_fail(error);
        last = print_entries(view, name == NULL, last);
        lines = MAX(lines, DEFAULT_LINES);
        if (!follow || fflush(stdout) != 0)
            return 0;
        g_usleep(FOLLOW_USEC);
    }
}
