/* What keeps an engine from running well: the state dir, its disk, the socket, versions, and both ends of every pipe.
 */
#include "cli/caller.h"
#include "cli/output.h"
#include "base/base.h"

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_LOW  (1024.0 * 1024 * 1024)
#define DISK_LAST (64.0 * 1024 * 1024) /* the catalog can hardly be written any more */

typedef struct {
    unsigned failed, warned;
} Findings;

static void tell(Findings *findings, const char *result, const char *mend, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void tell(Findings *findings, const char *result, const char *mend, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    bool failed = strcmp(result, "fail") == 0, warned = strcmp(result, "warn") == 0;
    findings->failed += failed;
    findings->warned += warned;
    output_line("%-4s %s", failed ? "FAIL" : result, text);
    if (mend != NULL && mend[0] != '\0' && (failed || warned))
        output_line("     mend: %s", mend);
}

/* True: there is a state dir to look into. */
static bool look_at_state_dir(Findings *findings, const char *dir)
{
    struct stat st;
    g_autofree char *quoted = g_shell_quote(dir);
    g_autofree char *chmod = g_strdup_printf("chmod 700 %s", quoted);
    if (stat(dir, &st) != 0) {
        bool absent = errno == ENOENT;
        tell(findings, absent ? "ok" : "fail", "use another --state-dir", "state dir %s: %s", dir,
             absent ? "there is none yet, the engine makes it" : g_strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode))
        tell(findings, "fail", "use another --state-dir", "state dir %s: it is no folder", dir);
    else if (st.st_uid != geteuid() && geteuid() != 0)
        tell(findings, "fail", "run as its owner, or use another --state-dir",
             "state dir %s: it belongs to another user", dir);
    else if (access(dir, R_OK | W_OK | X_OK) != 0)
        tell(findings, "fail", chmod, "state dir %s: it cannot be written", dir);
    else if (st.st_mode & 077)
        tell(findings, "warn", chmod, "state dir %s: others may look into it, and URLs with passwords are kept there",
             dir);
    else
        tell(findings, "ok", NULL, "state dir %s: it is ours alone", dir);
    return S_ISDIR(st.st_mode);
}

static void look_at_disk(Findings *findings, const char *dir)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0) {
        tell(findings, "warn", "look at it", "disk: %s", g_strerror(errno));
        return;
    }
    double left = (double)fs.f_bavail * (double)fs.f_frsize;
    g_autofree char *shown = output_bytes(left);
    tell(findings,
         left < DISK_LAST  ? "fail"
         : left < DISK_LOW ? "warn"
                           : "ok",
         "make room: the catalog must be written, and an embedded ClickHouse keeps its tables there", "disk: %s free",
         shown);
}

/* By the engine, or where none runs by the catalog alone. */
static void look_at_engine(Findings *findings, const Caller *caller, const View *view)
{
    if (!caller_is_live(caller)) {
        tell(findings, view->n_pipes > 0 ? "fail" : "warn", "sluice run --detach",
             "engine: none runs; %u pipe%s wait%s for it", view->n_pipes, view->n_pipes == 1 ? "" : "s",
             view->n_pipes == 1 ? "s" : "");
        return;
    }
    tell(findings, "ok", NULL, "engine: it answers, pid %" G_GINT64_FORMAT, view->pid);
    if (g_strcmp0(view->version, PACKAGE_VERSION) != 0)
        tell(findings, "warn", "sluice stop, then sluice run --detach", "engine: it is version %s, this command %s",
             view->version != NULL ? view->version : "unknown", PACKAGE_VERSION);
}

/* What is well in one line; the rest each with its mend. */
static void tell_checks(Findings *findings, const char *pipe, const char *end, const json_t *checks)
{
    unsigned good = 0, other = 0;
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *result = json_string_value(json_object_get(check, "result"));
        if (g_strcmp0(result, "ok") == 0) {
            good++;
            continue;
        }
        other++;
        tell(findings, result != NULL ? result : "warn", json_string_value(json_object_get(check, "mend")),
             "%s, %s: %s", pipe, end, json_string_value(json_object_get(check, "found")));
    }
    if (good > 0)
        tell(findings, "ok", NULL, "%s, %s: %u thing%s looked at, all well%s", pipe, end, good + other,
             good + other == 1 ? "" : "s", other > 0 ? " but these" : "");
}

static void tell_states(Findings *findings, const View *view)
{
    for (unsigned i = 0; i < view->n_pipes; i++) {
        const ViewPipe *pipe = &view->pipes[i];
        g_autofree char *mend = g_strdup_printf("sluice explain %s", pipe->name);
        if (pipe->error != NULL || g_strcmp0(pipe->state, "Failed") == 0)
            tell(findings, "fail", mend, "%s: it has failed", pipe->name);
        else if (pipe->stalled != NULL)
            tell(findings, "warn", mend, "%s: it is stalled", pipe->name);
        else if (pipe->n_tables_failed > 0)
            tell(findings, "fail", mend, "%s: %u of %u tables failed", pipe->name, pipe->n_tables_failed,
                 pipe->n_tables);
    }
}

static bool look_at_pipes(Findings *findings, Caller *caller, GError **error)
{
    json_t *answer = caller_ask(caller, protocol_request("doctor"), error);
    size_t i;
    json_t *pipe;
    if (answer == NULL)
        return false;
    json_array_foreach(json_object_get(answer, "pipes"), i, pipe)
    {
        const char *name = json_string_value(json_object_get(pipe, "name"));
        tell_checks(findings, name, "source", json_object_get(pipe, "source"));
        tell_checks(findings, name, "destination", json_object_get(pipe, "destination"));
    }
    json_decref(answer);
    return true;
}

static int verdict(const Findings *findings)
{
    if (findings->failed == 0)
        return 0;
    return cli_fail(g_error_new(SLUICE_ERROR, SLUICE_ERROR_FAILED, "%u finding%s to be mended, see the lines above",
                                findings->failed, findings->failed == 1 ? " is" : "s are"));
}

int cmd_doctor(Cli *cli, char **argv)
{
    int code;
    Findings findings = {0};
    if (!cli_parse(cli, argv, NULL, 0, 0, &code))
        return code;
    g_autofree char *dir = protocol_state_dir(cli->state_dir);
    tell(&findings, "ok", NULL, "version: %s", PACKAGE_VERSION);
    if (!look_at_state_dir(&findings, dir))
        return verdict(&findings); /* and is not made by looking at it */
    look_at_disk(&findings, dir);
    g_autoptr(GError) error = NULL;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    g_autoptr(View) view = caller != NULL ? caller_view(caller, &error) : NULL;
    if (view != NULL) {
        look_at_engine(&findings, caller, view);
        tell_states(&findings, view);
        look_at_pipes(&findings, caller, &error);
    }
    if (error != NULL)
        tell(&findings, "fail", NULL, "engine: %s", error->message);
    return verdict(&findings);
}
