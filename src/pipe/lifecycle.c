#include "pipe/lifecycle.h"

#include <string.h>

/* Where a transition leads. The last ones depend on the situation. */
typedef enum {
    NO, /* refused */
    TO_SETUP,
    TO_SNAPSHOT,
    TO_PAUSING, /* remembers where it came from */
    TO_PAUSED,
    TO_MODIFYING, /* remembers where it came from */
    TO_FAILED,    /* remembers where it came from */
    STAY,
    TO_FOLLOW, /* Running; a `snapshot` pipe: Completed */
    TO_START,  /* after Setup: Snapshot; a `cdc` pipe: Running */
    TO_LOADED, /* after a load: Resync when it was one, else as TO_FOLLOW */
    TO_CANCEL, /* only while the load is a resync: as TO_FOLLOW */
    TO_BACK,   /* where Paused, Failed and Modifying came from */
    TO_RESYNC, /* Snapshot; of a pipe that failed before its Setup was done: that, for there is nothing to load again yet */
    TO_DROPPED,
} Goal;

/* clang-format off */
static const Goal goals[PIPE_STATES][PIPE_EVENTS] = {
    [PIPE_PROVISIONING] = {[EVENT_PROVISIONED] = TO_SETUP, [EVENT_FAIL] = TO_FAILED, [EVENT_RETRY] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_SETUP]        = {[EVENT_SETUP_DONE] = TO_START, [EVENT_FAIL] = TO_FAILED, [EVENT_RETRY] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_SNAPSHOT]     = {[EVENT_LOADED] = TO_LOADED, [EVENT_FAIL] = TO_FAILED, [EVENT_PAUSE] = TO_PAUSING,
                           [EVENT_CANCEL_RESYNC] = TO_CANCEL, [EVENT_RETRY] = STAY, [EVENT_ADD_TABLES] = STAY,
                           [EVENT_REMOVE_TABLES] = TO_MODIFYING, [EVENT_DROP] = TO_DROPPED},
    [PIPE_RUNNING]      = {[EVENT_FAIL] = TO_FAILED, [EVENT_PAUSE] = TO_PAUSING, [EVENT_RESYNC] = TO_SNAPSHOT,
                           [EVENT_RETRY] = STAY, [EVENT_ADD_TABLES] = TO_SNAPSHOT,
                           [EVENT_REMOVE_TABLES] = TO_MODIFYING, [EVENT_DROP] = TO_DROPPED},
    [PIPE_PAUSING]      = {[EVENT_QUIET] = TO_PAUSED, [EVENT_FAIL] = TO_FAILED, [EVENT_RETRY] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_PAUSED]       = {[EVENT_RESUME] = TO_BACK, [EVENT_RESYNC] = TO_SNAPSHOT, [EVENT_ADD_TABLES] = STAY,
                           [EVENT_REMOVE_TABLES] = TO_MODIFYING, [EVENT_REPOSITION] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_MODIFYING]    = {[EVENT_MODIFIED] = TO_BACK, [EVENT_FAIL] = TO_FAILED, [EVENT_RETRY] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_RESYNC]       = {[EVENT_EXCHANGED] = TO_FOLLOW, [EVENT_FAIL] = TO_FAILED, [EVENT_PAUSE] = TO_PAUSING,
                           [EVENT_CANCEL_RESYNC] = TO_CANCEL, [EVENT_RETRY] = STAY, [EVENT_DROP] = TO_DROPPED},
    [PIPE_COMPLETED]    = {[EVENT_RESYNC] = TO_SNAPSHOT, [EVENT_DROP] = TO_DROPPED},
    [PIPE_FAILED]       = {[EVENT_RESYNC] = TO_RESYNC, [EVENT_RETRY] = TO_BACK, [EVENT_REPOSITION] = TO_BACK, [EVENT_DROP] = TO_DROPPED},
};
/* clang-format on */

static PipeTransition to(PipeState state, PipeState back)
{
    return (PipeTransition){.state = state, .back = back};
}

/* Modifying hides where Paused came from. Snapshot is where every resumed pipe finds out what is left to do, be it nothing. */
static PipeTransition go_back(PipeState state, PipeState back)
{
    if (back != PIPE_PAUSED)
        return to(back, back);
    return to(state == PIPE_PAUSED ? PIPE_SNAPSHOT : PIPE_PAUSED, PIPE_SNAPSHOT);
}

PipeTransition lifecycle_next(PipeState state, PipeEvent event, const PipeSituation *situation)
{
    PipeState follow = situation->mode == PIPE_MODE_SNAPSHOT ? PIPE_COMPLETED : PIPE_RUNNING;

    switch (goals[state][event]) {
    case TO_SETUP:
        return to(PIPE_SETUP, situation->back);
    case TO_SNAPSHOT:
        return to(PIPE_SNAPSHOT, situation->back);
    case TO_PAUSING:
        return to(PIPE_PAUSING, state);
    case TO_PAUSED:
        return to(PIPE_PAUSED, situation->back);
    case TO_MODIFYING:
        return to(PIPE_MODIFYING, state);
    case TO_FAILED:
        /* Pausing and Modifying are not places to go back to: what they came from is. */
        return to(PIPE_FAILED, state == PIPE_PAUSING || state == PIPE_MODIFYING ? situation->back : state);
    case STAY:
        return to(state, situation->back);
    case TO_FOLLOW:
        return to(follow, situation->back);
    case TO_START:
        return to(situation->mode == PIPE_MODE_CDC ? PIPE_RUNNING : PIPE_SNAPSHOT, situation->back);
    case TO_LOADED:
        return to(situation->resyncing ? PIPE_RESYNC : follow, situation->back);
    case TO_CANCEL:
        if (situation->resyncing)
            return to(follow, situation->back);
        break;
    case TO_BACK:
        return go_back(state, situation->back);
    case TO_RESYNC:
        if (situation->back == PIPE_PROVISIONING || situation->back == PIPE_SETUP)
            return to(situation->back, situation->back);
        return to(PIPE_SNAPSHOT, situation->back);
    case TO_DROPPED:
        return (PipeTransition){.dropped = true, .state = state, .back = situation->back};
    case NO:
        break;
    }
    return (PipeTransition){.refused = true, .state = state, .back = situation->back};
}

static const char *const state_names[PIPE_STATES] = {
    [PIPE_PROVISIONING] = "Provisioning", [PIPE_SETUP] = "Setup",         [PIPE_SNAPSHOT] = "Snapshot",
    [PIPE_RUNNING] = "Running",           [PIPE_PAUSING] = "Pausing",     [PIPE_PAUSED] = "Paused",
    [PIPE_MODIFYING] = "Modifying",       [PIPE_RESYNC] = "Resync",       [PIPE_COMPLETED] = "Completed",
    [PIPE_FAILED] = "Failed",
};

static const char *const event_names[PIPE_EVENTS] = {
    [EVENT_PROVISIONED] = "provisioned", [EVENT_SETUP_DONE] = "setup done",
    [EVENT_LOADED] = "loaded",           [EVENT_QUIET] = "quiet",
    [EVENT_MODIFIED] = "modified",       [EVENT_EXCHANGED] = "exchanged",
    [EVENT_FAIL] = "fail",               [EVENT_PAUSE] = "pause",
    [EVENT_RESUME] = "resume",           [EVENT_RESYNC] = "resync",
    [EVENT_CANCEL_RESYNC] = "cancel",    [EVENT_RETRY] = "retry",
    [EVENT_ADD_TABLES] = "tables add",   [EVENT_REMOVE_TABLES] = "tables remove",
    [EVENT_REPOSITION] = "reposition",   [EVENT_DROP] = "drop",
};

static const char *const mode_names[] = {"full", "snapshot", "cdc"};

const char *pipe_state_name(PipeState state)
{
    return state_names[state];
}

const char *pipe_event_name(PipeEvent event)
{
    return event_names[event];
}

const char *pipe_mode_name(PipeMode mode)
{
    return mode_names[mode];
}

static bool find_name(const char *const *names, size_t n, const char *name, unsigned *out)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (unsigned)i;
            return true;
        }
    return false;
}

bool pipe_state_parse(const char *name, PipeState *out)
{
    unsigned found;
    if (!name || !find_name(state_names, PIPE_STATES, name, &found))
        return false;
    *out = found;
    return true;
}

bool pipe_mode_parse(const char *name, PipeMode *out)
{
    unsigned found;
    if (!name || !find_name(mode_names, G_N_ELEMENTS(mode_names), name, &found))
        return false;
    *out = found;
    return true;
}

/* A pipe whose load is all there is completes; the others follow the log. */
static bool is_ever(PipeState state, PipeMode mode)
{
    return state != (mode == PIPE_MODE_SNAPSHOT ? PIPE_RUNNING : PIPE_COMPLETED);
}

char *lifecycle_refusal(PipeState state, PipeEvent event, PipeMode mode)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool any = false;

    g_string_printf(text, "%s is not possible while %s", event_names[event], state_names[state]);
    for (unsigned s = 0; s < PIPE_STATES; s++) {
        /* A resync is assumed for `cancel`: it says where one could be cancelled. */
        PipeSituation situation = {.mode = mode, .back = PIPE_RUNNING, .resyncing = true};
        if (lifecycle_next(s, event, &situation).refused || s == state || !is_ever(s, mode))
            continue;
        g_string_append_printf(text, "%s%s", any ? ", " : "; it is possible while ", state_names[s]);
        any = true;
    }
    if (!any)
        g_string_append_printf(text, "; a pipe in mode %s never allows it", mode_names[mode]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
