#include "cli/explain.h"
#include "cli/output.h"
#include "base/base.h"

#include <stdarg.h>
#include <string.h>

#define HEADROOM_LAST (2 * 3600) /* s: below it ground is about to be lost, as on the screen */

static void line(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void line(GString *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *clean = printable(text, 0);
    g_string_append(out, clean);
    g_string_append_c(out, '\n');
}

static void say(GString *out, const char *label, const char *text)
{
    line(out, "  %-10s %s", label, text);
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

static void explain_error(GString *out, const View *view, const ViewError *error)
{
    g_autofree char *what = error->what != NULL ? g_strdup(error->what) : what_text(error->message, error->code);
    say(out, "WHAT", what);
    if (error->server != NULL)
        say(out, "SERVER", error->server);
    if (error->at > 0) {
        g_autofree char *when = when_text(view, error->at);
        say(out, "WHEN", when);
    }
    bool said = error->what != NULL && error->cause != NULL &&
                g_ascii_strcasecmp(error->what, error->cause) == 0; /* the cause is WHAT already */
    if (error->why != NULL || !said)
        say(out, "WHY", error->why != NULL ? error->why : error->cause != NULL ? error->cause : "not known");
}

static void explain_stalled(GString *out, const View *view, const ViewStalled *stalled)
{
    g_autofree char *message = what_text(stalled->message, stalled->code);
    g_autofree char *what =
        g_strdup_printf("stalled at the %s: %s", stalled->side != NULL ? stalled->side : "other side", message);
    g_autofree char *since = when_text(view, stalled->since);
    double wait = (double)(stalled->next_try_at - view->at) / 1e6;
    g_autofree char *next = wait > 0 && stalled->next_try_at > 0 ? output_seconds(wait) : NULL;
    g_autofree char *tries = next != NULL ? g_strdup_printf("%u so far, the next in %s", stalled->tries, next)
                                          : g_strdup_printf("%u so far, the next one is under way", stalled->tries);
    say(out, "WHAT", what);
    say(out, "SINCE", since);
    say(out, "TRIES", tries);
}

static void explain_headroom(GString *out, const ViewPipe *pipe)
{
    if (pipe->headroom_seconds < 0)
        return;
    g_autofree char *left = output_seconds((double)pipe->headroom_seconds);
    g_autofree char *keeps = g_strdup_printf("%s until the source purges what this pipe still needs", left);
    say(out, "HEADROOM", keeps);
}

static void explain_position(GString *out, const ViewPipe *pipe)
{
    if (pipe->position_file == NULL && pipe->position_gtid == NULL) {
        say(out, "LAST GOOD", "none yet: nothing was replicated");
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
    say(out, "LAST GOOD", text->str);
    if (pipe->error == NULL || pipe->error->lost == NULL)
        explain_headroom(out, pipe);
    say(out, "DATA",
        pipe->error != NULL && pipe->error->data != NULL
            ? pipe->error->data
            : "the destination tables hold everything up to the last good position and can be queried");
}

/* A failed pipe reads no more: what is lost is known when it is tried again. */
static void explain_lost(GString *out, const ViewPipe *pipe)
{
    bool failed = g_strcmp0(pipe->state, "Failed") == 0;
    if (pipe->error != NULL && pipe->error->lost != NULL)
        say(out, "LOST", pipe->error->lost);
    else if (!failed && pipe->stalled != NULL)
        say(out, "LOST",
            pipe->headroom_seconds >= 0 ? "nothing, as long as there is headroom: it goes on where it is"
                                        : "nothing: it goes on where it is");
    else if (failed)
        say(out, "LOST", "nothing, if the source still has its log from the last good position on");
}

static void explain_tables(GString *out, const ViewPipe *pipe)
{
    for (unsigned i = 0; i < pipe->n_tables; i++) {
        const ViewTable *table = &pipe->tables[i];
        if (table->error == NULL && g_strcmp0(table->state, "failed") != 0)
            continue;
        line(out, "  table %s failed alone: %s", table->source != NULL ? table->source : "?",
             table->error != NULL && table->error->message != NULL ? table->error->message : "no reason is known");
        if (table->error == NULL)
            continue;
        if (table->error->cause != NULL)
            say(out, "  why", table->error->cause);
        for (char **mend = table->error->remedies; mend != NULL && *mend != NULL; mend++)
            say(out, "  mend", *mend);
    }
}

static void explain_remedies(GString *out, const View *view, const ViewPipe *pipe)
{
    const char *label = "DO";
    if (view->pid == 0) {
        say(out, label, "sluice run --detach");
        label = "";
    }
    for (char **mend = pipe->error != NULL ? pipe->error->remedies : NULL; mend != NULL && *mend != NULL; mend++) {
        say(out, label, *mend);
        label = "";
    }
    if (pipe->error != NULL && pipe->error->prevent != NULL)
        say(out, "STAYS AWAY", pipe->error->prevent);
    if (pipe->stalled != NULL)
        say(out, label,
            pipe->stalled->needs_operator ? "it is tried again and again, but somebody has to act: it was refused"
                                          : "nothing: it tries again by itself");
}

/* One line, what the pipe is; then what is wrong with it. True: nothing is. */
static bool explain(GString *out, const View *view, const ViewPipe *pipe)
{
    bool completed = g_strcmp0(pipe->state, "Completed") == 0;
    bool gone = view->pid == 0 && !completed;
    bool lost = pipe->error != NULL && pipe->error->lost != NULL; /* then it is too late to warn */
    bool short_of_log = !lost && pipe->headroom_seconds >= 0 && pipe->headroom_seconds < HEADROOM_LAST;
    bool well = !gone && !short_of_log && pipe->error == NULL && pipe->stalled == NULL && pipe->n_tables_failed == 0 &&
                g_strcmp0(pipe->state, "Failed") != 0;
    g_autofree char *since = when_text(view, pipe->since);
    line(out, "%s: %s since %s%s%s", pipe->name, pipe->state != NULL ? pipe->state : "-", since,
         pipe->paused_by != NULL ? ", paused by " : "", pipe->paused_by != NULL ? pipe->paused_by : "");
    if (well) {
        say(out, "WHAT", "nothing is wrong");
        return true;
    }
    if (gone)
        say(out, "WHAT", "no engine runs: nothing is replicated; what follows is the last known");
    if (short_of_log)
        say(out, "WHAT", "the source is about to purge what this pipe still needs");
    if (pipe->error != NULL)
        explain_error(out, view, pipe->error);
    if (pipe->stalled != NULL)
        explain_stalled(out, view, pipe->stalled);
    if (pipe->n_tables_failed > 0) {
        g_autofree char *failed = view_tables_failed(pipe);
        bool others = pipe->n_tables_failed < pipe->n_tables;
        g_autofree char *what =
            g_strdup_printf("%s%s", failed, others ? "; the others go on" : "; the pipe itself goes on");
        say(out, "WHAT", what);
    }
    explain_position(out, pipe);
    explain_lost(out, pipe);
    explain_tables(out, pipe);
    explain_remedies(out, view, pipe);
    return false;
}

char *explain_text(const View *view, const ViewPipe *pipe, bool *well)
{
    GString *out = g_string_new(NULL);
    *well = explain(out, view, pipe);
    return g_string_free(out, FALSE);
}
