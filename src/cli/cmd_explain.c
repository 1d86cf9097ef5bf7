/* The incident view as text: what, why, since when, what is safe, and what can be done. Exit 0 when all is well. */
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

#include <string.h>

#define HEADROOM_LAST (2 * 3600) /* s: below it ground is about to be lost, as on the screen */

static void say(const char *label, const char *text)
{
    output_line("  %-10s %s", label, text);
}

static char *when_text(const View *view, int64_t at)
{
    g_autofree char *time = output_time(at);
    g_autofree char *age = at > 0 && view->at > 0 ? output_seconds((double)MAX(view->at - at, 0) / 1e6) : g_strdup("-");
    return g_strdup_printf("%s (%s ago)", time, age);
}

static char *what_text(const char *message, int code)
{
    return code != 0 ? g_strdup_printf("%s (code %d)", message != NULL ? message : "no reason is known", code)
                     : g_strdup(message != NULL ? message : "no reason is known");
}

static void explain_error(const View *view, const ViewError *error)
{
    g_autofree char *what = error->what != NULL ? g_strdup(error->what) : what_text(error->message, error->code);
    say("WHAT", what);
    if (error->server != NULL)
        say("SERVER", error->server);
    if (error->at > 0) {
        g_autofree char *when = when_text(view, error->at);
        say("WHEN", when);
    }
    bool said = error->what != NULL && error->cause != NULL && g_ascii_strcasecmp(error->what, error->cause) == 0; /* the cause is WHAT already */
    if (error->why != NULL || !said)
        say("WHY", error->why != NULL ? error->why : error->cause != NULL ? error->cause : "not known");
}

static void explain_stalled(const View *view, const ViewStalled *stalled)
{
    g_autofree char *message = what_text(stalled->message, stalled->code);
    g_autofree char *what =
        g_strdup_printf("stalled at the %s: %s", stalled->side != NULL ? stalled->side : "other side", message);
    g_autofree char *since = when_text(view, stalled->since);
    double wait = (double)(stalled->next_try_at - view->at) / 1e6;
    g_autofree char *next = wait > 0 && stalled->next_try_at > 0 ? output_seconds(wait) : NULL;
    g_autofree char *tries = next != NULL ? g_strdup_printf("%u so far, the next in %s", stalled->tries, next)
                                          : g_strdup_printf("%u so far, the next one is under way", stalled->tries);
    say("WHAT", what);
    say("SINCE", since);
    say("TRIES", tries);
}

static void explain_headroom(const ViewPipe *pipe)
{
    if (pipe->headroom_seconds < 0)
        return;
    g_autofree char *left = output_seconds((double)pipe->headroom_seconds);
    g_autofree char *keeps = g_strdup_printf("%s until the source purges what this pipe still needs", left);
    say("HEADROOM", keeps);
}

static void explain_position(const ViewPipe *pipe)
{
    if (pipe->position_file == NULL && pipe->position_gtid == NULL) {
        say("LAST GOOD", "none yet: nothing was replicated");
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    if (pipe->position_file != NULL)
        g_string_append_printf(text, "%s:%" G_GINT64_FORMAT, pipe->position_file, pipe->position_pos);
    if (pipe->position_gtid != NULL && pipe->position_gtid[0] != '\0')
        g_string_append_printf(text, "%sgtid %s", text->len > 0 ? "   " : "", pipe->position_gtid);
    if (pipe->error != NULL && pipe->error->last_good_time > 0) {
        g_autofree char *time = output_time(pipe->error->last_good_time);
        g_string_append_printf(text, "   source time %s", time);
    }
    say("LAST GOOD", text->str);
    if (pipe->error == NULL || pipe->error->lost == NULL)
        explain_headroom(pipe);
    say("DATA", pipe->error != NULL && pipe->error->data != NULL
                    ? pipe->error->data
                    : "the destination tables hold everything up to the last good position and can be queried");
}

/* A failed pipe reads no more: what is lost is known when it is tried again. */
static void explain_lost(const ViewPipe *pipe)
{
    bool failed = g_strcmp0(pipe->state, "Failed") == 0;
    if (pipe->error != NULL && pipe->error->lost != NULL)
        say("LOST", pipe->error->lost);
    else if (!failed && pipe->stalled != NULL)
        say("LOST", pipe->headroom_seconds >= 0 ? "nothing, as long as there is headroom: it goes on where it is"
                                                : "nothing: it goes on where it is");
    else if (failed)
        say("LOST", "nothing, if the source still has its log from the last good position on");
}

static void explain_tables(const ViewPipe *pipe)
{
    for (unsigned i = 0; i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        if (table->error == NULL && g_strcmp0(table->state, "failed") != 0)
            continue;
        output_line("  table %s failed alone: %s", table->source != NULL ? table->source : "?",
                    table->error != NULL && table->error->message != NULL ? table->error->message
                                                                          : "no reason is known");
        if (table->error == NULL)
            continue;
        if (table->error->cause != NULL)
            say("  why", table->error->cause);
        for (char **mend = table->error->remedies; mend != NULL && *mend != NULL; mend++)
            say("  mend", *mend);
    }
}

static void explain_remedies(const View *view, const ViewPipe *pipe)
{
    const char *label = "DO";
    if (view->pid == 0) {
        say(label, "sluice run --detach");
        label = "";
    }
    for (char **mend = pipe->error != NULL ? pipe->error->remedies : NULL; mend != NULL && *mend != NULL; mend++) {
        say(label, *mend);
        label = "";
    }
    if (pipe->error != NULL && pipe->error->prevent != NULL)
        say("STAYS AWAY", pipe->error->prevent);
    if (pipe->stalled != NULL)
        say(label, pipe->stalled->needs_operator
                       ? "it is tried again and again, but somebody has to act: it was refused"
                       : "nothing: it tries again by itself");
}

/* One line, what the pipe is; then what is wrong with it. True: nothing is. */
static bool explain(const View *view, const ViewPipe *pipe)
{
    bool completed = g_strcmp0(pipe->state, "Completed") == 0;
    bool gone = view->pid == 0 && !completed;
    bool short_of_log = pipe->headroom_seconds >= 0 && pipe->headroom_seconds < HEADROOM_LAST;
    bool well = !gone && !short_of_log && pipe->error == NULL && pipe->stalled == NULL && pipe->n_tables_failed == 0 &&
                g_strcmp0(pipe->state, "Failed") != 0;
    g_autofree char *since = when_text(view, pipe->since);
    output_line("%s: %s since %s%s%s", pipe->name, pipe->state != NULL ? pipe->state : "-", since,
                pipe->paused_by != NULL ? ", paused by " : "", pipe->paused_by != NULL ? pipe->paused_by : "");
    if (well) {
        say("WHAT", "nothing is wrong");
        return true;
    }
    if (gone)
        say("WHAT", "no engine runs: nothing is replicated; what follows is the last known");
    if (short_of_log)
        say("WHAT", "the source is about to purge what this pipe still needs");
    if (pipe->error != NULL)
        explain_error(view, pipe->error);
    if (pipe->stalled != NULL)
        explain_stalled(view, pipe->stalled);
    if (pipe->n_tables_failed > 0) {
        g_autofree char *what =
            g_strdup_printf("%u of %u tables failed; the others go on", pipe->n_tables_failed, pipe->n_tables);
        say("WHAT", what);
    }
    explain_position(pipe);
    explain_lost(pipe);
    explain_tables(pipe);
    explain_remedies(view, pipe);
    return false;
}

int cmd_explain(Cli *cli, char **argv)
{
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, NULL, 1, 1, &code))
        return code;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    g_autoptr(View) view = caller != NULL ? caller_view(caller, &error) : NULL;
    const ViewPipe *pipe = view != NULL ? caller_find_pipe(view, cli->words[0], &error) : NULL;
    if (pipe == NULL)
        return cli_fail(error);
    return explain(view, pipe) ? 0 : SLUICE_ERROR_FAILED;
}
