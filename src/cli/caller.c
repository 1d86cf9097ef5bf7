#include "cli/caller.h"
#include "base/base.h"
#include "engine/engine.h"

#define LOCK_WAIT_USEC (5 * 1000000LL) /* for an engine on its way up, or another command that works on the catalog */
#define POLL_USEC      (100 * 1000)

struct Caller {
    Client *client;
    Engine *engine;
};

static bool open_once(Caller *caller, const char *state_dir, bool offline, GError **error)
{
    GError *why = NULL;
    caller->client = client_connect(state_dir, &why);
    if (caller->client != NULL)
        return true;
    if (!offline || !g_error_matches(why, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING)) {
        g_propagate_error(error, why);
        return false;
    }
    g_clear_error(&why);
    caller->engine = engine_open(state_dir, error);
    return caller->engine != NULL;
}

Caller *caller_open(const Cli *cli, bool offline, GError **error)
{
    g_autofree char *state_dir = protocol_state_dir(cli->state_dir);
    g_autoptr(Caller) caller = g_new0(Caller, 1);
    int64_t deadline = clock_monotonic_usec() + LOCK_WAIT_USEC;
    for (;;) {
        g_autoptr(GError) why = NULL;
        if (open_once(caller, state_dir, offline, &why))
            return g_steal_pointer(&caller);
        if (!g_error_matches(why, SLUICE_ERROR, SLUICE_ERROR_REFUSED) || clock_monotonic_usec() > deadline) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        g_usleep(POLL_USEC);
    }
}

void caller_free(Caller *caller)
{
    if (caller == NULL)
        return;
    client_free(caller->client);
    engine_close(caller->engine);
    g_free(caller);
}

bool caller_is_live(const Caller *caller)
{
    return caller->client != NULL;
}

int caller_fd(const Caller *caller)
{
    return client_fd(caller->client);
}

json_t *caller_exchange(Caller *caller, json_t *request_take, GError **error)
{
    if (caller->client != NULL)
        return client_exchange(caller->client, request_take, -1, error);
    json_t *answer = engine_request(caller->engine, request_take);
    json_decref(request_take);
    return answer;
}

json_t *caller_ask(Caller *caller, json_t *request_take, GError **error)
{
    json_t *answer = caller_exchange(caller, request_take, error);
    if (answer != NULL && !protocol_answer_ok(answer, error))
        g_clear_pointer(&answer, json_decref);
    return answer;
}

View *caller_view(Caller *caller, GError **error)
{
    json_t *answer = caller_ask(caller, protocol_request("status"), error);
    if (answer == NULL)
        return NULL;
    View *view = view_from_json(json_object_get(answer, "view"), error);
    json_decref(answer);
    return view;
}

const ViewPipe *caller_find_pipe(const View *view, const char *name, GError **error)
{
    const ViewPipe *pipe = view_find_pipe(view, name);
    if (pipe == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND,
                    "there is no pipe named %s; `sluice status` lists those there are", name);
    return pipe;
}

static bool failed_since_then(const ViewPipe *pipe, int64_t since)
{
    return pipe != NULL && since != 0 && pipe->since == since && g_strcmp0(pipe->state, "Failed") == 0;
}

bool caller_wait(Caller *caller, const char *name, int64_t failed_since, CallerReached reached, GError **error)
{
    for (;;) {
        GError *why = NULL;
        g_autoptr(View) view = caller_view(caller, &why);
        const ViewPipe *pipe = view != NULL ? view_find_pipe(view, name) : NULL;
        bool done = view != NULL && !failed_since_then(pipe, failed_since) && reached(pipe, &why);
        if (why != NULL) {
            g_propagate_error(error, why);
            return false;
        }
        if (done)
            return true;
        if (!caller_is_live(caller)) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING,
                        "no engine runs: what was asked for is noted and begins with it (`sluice run --detach`)");
            return false;
        }
        g_usleep(POLL_USEC);
    }
}
