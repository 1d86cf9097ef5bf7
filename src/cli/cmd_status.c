#include "cli/caller.h"
#include "cli/show.h"
#include "base/base.h"
#include "control/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define WATCH_USEC 1000000

typedef struct {
    const char *name; /* NULL: all */
    bool json, prometheus, watch;
} Wanted;

/* The picture as promised for scripts: without the curves of the screen and the journal, which has a command of its
 * own. */
static json_t *make_object(const View *view, const char *name)
{
    json_t *object = view_to_json(view);
    json_object_del(object, "journal");
    json_t *pipes = json_object_get(object, "pipes");
    for (size_t i = json_array_size(pipes); i-- > 0;) {
        json_t *pipe = json_array_get(pipes, i);
        json_object_del(pipe, "history");
        if (name != NULL && g_strcmp0(json_string_value(json_object_get(pipe, "name")), name) != 0)
            json_array_remove(pipes, i);
    }
    return object;
}

static void print_json(const View *view, const Wanted *wanted)
{
    json_t *object = make_object(view, wanted->name);
    char *text = json_dumps(object, wanted->watch ? JSON_COMPACT : JSON_INDENT(2));
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(object);
}

static bool print_view(const View *view, const Wanted *wanted, GError **error)
{
    const ViewPipe *pipe = NULL;
    if (wanted->name != NULL && (pipe = caller_find_pipe(view, wanted->name, error)) == NULL)
        return false;
    if (wanted->json) {
        print_json(view, wanted);
    } else if (wanted->prometheus) {
        g_autofree char *text = metrics_text(view, wanted->name);
        fputs(text, stdout);
    } else if (wanted->watch) {
        for (unsigned i = 0; i < view->n_pipes; i++) {
            if (pipe == NULL || pipe == &view->pipes[i])
                show_watch_line(view, &view->pipes[i]);
        }
    } else if (pipe != NULL) {
        show_pipe(view, pipe);
    } else {
        show_all(view);
    }
    return true;
}

int cmd_status(Cli *cli, char **argv)
{
    gboolean json = FALSE, prometheus = FALSE, watch = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "one JSON object (with --watch: one a line)", NULL},
        {"prometheus", 0, 0, G_OPTION_ARG_NONE, &prometheus, "Prometheus' text format", NULL},
        {"watch", 0, 0, G_OPTION_ARG_NONE, &watch, "print a line a pipe each second", NULL},
        G_OPTION_ENTRY_NULL};
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, entries, 0, 1, &code))
        return code;
    if (prometheus && (json || watch))
        return cli_usage("--prometheus goes with neither --json nor --watch");
    Wanted wanted = {.name = cli->words[0], .json = json, .prometheus = prometheus, .watch = watch};
    g_autoptr(Caller) caller = caller_open(cli, !watch, &error);
    if (caller == NULL)
        return cli_fail(error);
    for (;;) {
        g_autoptr(View) view = caller_view(caller, &error);
        if (view == NULL || !print_view(view, &wanted, &error))
            return cli_fail(error);
        if (!watch || fflush(stdout) != 0)
            return 0;
        g_usleep(WATCH_USEC);
    }
}
