/* lifecycle.h - the ten states of a pipe as one pure table (lifecycle.md). All else asks it.
 */
#ifndef SLUICE_PIPE_LIFECYCLE_H
#define SLUICE_PIPE_LIFECYCLE_H

#include <glib.h>
#include <stdbool.h>

typedef enum {
    PIPE_PROVISIONING,
    PIPE_SETUP,
    PIPE_SNAPSHOT,
    PIPE_RUNNING,
    PIPE_PAUSING,
    PIPE_PAUSED,
    PIPE_MODIFYING,
    PIPE_RESYNC,
    PIPE_COMPLETED,
    PIPE_FAILED,
    PIPE_STATES,
} PipeState;

typedef enum { PIPE_MODE_FULL, PIPE_MODE_SNAPSHOT, PIPE_MODE_CDC } PipeMode;

typedef enum {
    /* the engine's */
    EVENT_PROVISIONED,   /* preflight passed, threads started */
    EVENT_SETUP_DONE,    /* definitions read, tables created, position recorded */
    EVENT_LOADED,        /* every table of the present load is loaded (and, for `snapshot`, streamed to its end position) */
    EVENT_QUIET,         /* while Pausing: nothing is in flight, the position is saved */
    EVENT_MODIFIED,      /* while Modifying: the tables are removed */
    EVENT_EXCHANGED,     /* while Resync: every table is exchanged */
    EVENT_FAIL,          /* an error that no retry can mend */
    /* the operator's */
    EVENT_PAUSE,
    EVENT_RESUME,
    EVENT_RESYNC,
    EVENT_CANCEL_RESYNC,
    EVENT_RETRY,
    EVENT_ADD_TABLES,
    EVENT_REMOVE_TABLES,
    EVENT_REPOSITION,
    EVENT_DROP,
    PIPE_EVENTS,
} PipeEvent;

/* What a transition depends on beside state and event. */
typedef struct {
    PipeMode mode;
    PipeState back; /* where Pausing/Paused, Failed and Modifying return to */
    bool resyncing; /* the present load is a resync */
} PipeSituation;

typedef struct {
    bool refused;
    bool dropped;      /* EVENT_DROP: the pipe ends */
    PipeState state;   /* the new one */
    PipeState back;    /* the new `back` */
} PipeTransition;

PipeTransition lifecycle_next(PipeState state, PipeEvent event, const PipeSituation *situation);

const char *pipe_state_name(PipeState state); /* "Running" */
bool pipe_state_parse(const char *name, PipeState *out);
const char *pipe_event_name(PipeEvent event); /* "pause" */
const char *pipe_mode_name(PipeMode mode);    /* "full" */
bool pipe_mode_parse(const char *name, PipeMode *out);

/* For a refusal: "pause is not possible while Completed; it is possible while Snapshot, Running". Free with g_free. */
char *lifecycle_refusal(PipeState state, PipeEvent event, PipeMode mode);

#endif
