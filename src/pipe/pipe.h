/* pipe.h - the face of src/pipe: what one pipe does over time. Knows neither screens nor sockets.
 *
 * A Pipe has a supervisor thread with a mailbox; commands answer at once with accepted or refused and are seen in the state.
 * All functions may be called from any thread.
 */
#ifndef SLUICE_PIPE_PIPE_H
#define SLUICE_PIPE_PIPE_H

#include "base/base.h"
#include "catalog/catalog.h"
#include "pipe/column_counts.h"
#include "pipe/detail.h"
#include "pipe/lifecycle.h"
#include "pipe/preflight.h"
#include "pipe/retry.h"
#include "pipe/selection.h"
#include "pipe/settings.h"
#include "pipe/verify_report.h"

/* What the pipes of one engine share; outlives them. */
typedef struct {
    const char *state_dir;
    Budget *budget;
    /* The HTTP URL of a destination: "embedded:DB" is started and resolved, others are copied. Free with g_free. */
    char *(*resolve_dest)(void *data, const char *dest, GError **error);
    /* Something visible changed (a state, a stall, an error): wakes who shows it. Any thread; must not block. */
    void (*changed)(void *data);
    void *data;
    const _Atomic int64_t *history_kept; /* microseconds; setting of the engine */
} PipeEnv;

typedef struct Pipe Pipe;

/* `record` is taken. Loads its tables; runs nothing. */
Pipe *pipe_new_take(const PipeEnv *env, CatalogPipe *record, GError **error);
void pipe_start(Pipe *pipe, bool paused); /* paused: it is brought to Paused first, where its state allows it */
/* Clean stop: batches in flight applied, position saved, at most some seconds. pipe_stop begins it, pipe_free waits. */
void pipe_stop(Pipe *pipe);
void pipe_free(Pipe *pipe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pipe, pipe_free)

/* A place in the source's log to go on from, which was looked at. */
typedef struct {
    char *file; /* NULL: by GTID */
    uint64_t pos;
    char *gtid;     /* NULL: not known, or not followed by */
    char *identity; /* of the server that has it */
    bool backwards; /* what was applied is applied again, or another history */
    /* The first transaction from there on, and the end of the log. */
    char *first_file, *end_file;
    uint64_t first_pos, end_pos;
    /* Tables ("db.table") that the log cannot be read for from there on: they have been altered, perhaps in what is
     * skipped, and the log does not name its columns. NULL-terminated. */
    char **altered;
    char *from, *to, *gap; /* in words: the last good position, this one, and what is between */
} PipeReposition;
void pipe_reposition_free(PipeReposition *to);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PipeReposition, pipe_reposition_free)

/* What an operator can ask of a pipe: an event of the lifecycle and what belongs to it. All is borrowed. */
typedef struct {
    PipeEvent event;
    bool drop_target;        /* DROP, REMOVE_TABLES: also the destination tables that we created */
    const GPtrArray *tables; /* RESYNC, RETRY, REMOVE_TABLES: of char *, "db.table"; NULL: the whole pipe */
    const GPtrArray *added;  /* ADD_TABLES: of CatalogTable (database, name, target, rows_estimate) */
    const PipeReposition *to; /* REPOSITION */
    const char *selection;   /* ADD_TABLES: what is added to the pipe's list of tables, as selection_text writes it */
} PipeCommand;

/* Accepted, or why not: SLUICE_ERROR_REFUSED names the states that allow it, SLUICE_ERROR_NOT_FOUND a table. What comes of it is
 * seen in the state. A dropped pipe ends by itself, see pipe_is_dropped. */
bool pipe_command(Pipe *pipe, const PipeCommand *command, GError **error);
/* The lifecycle's part of it alone: for what talks to both ends before it commands. */
bool pipe_allows(Pipe *pipe, PipeEvent event, GError **error);
/* The same of a pipe that is not started, for when no engine runs: it is in the catalog when this returns. `pause` gives Paused at once,
 * `retry` the state it goes back to; tables that come or go are loaded or removed by the next engine; `drop` ends the pipe. Others than
 * these are SLUICE_ERROR_NOT_RUNNING. `note`: what is to be told beside (free with g_free); NULL: nothing. */
bool pipe_command_offline(Pipe *pipe, const PipeCommand *command, char **note, GError **error);
/* Drops one that pipe_new_take cannot make, from the catalog alone. */
bool pipe_drop_unread(const PipeEnv *env, Catalog *catalog, const CatalogPipe *record, GError **error);
bool pipe_is_dropped(Pipe *pipe);
/* New values (JSON text of all settings); the live ones take effect with the next batch, connection or start. */
bool pipe_set_settings(Pipe *pipe, const char *settings, GError **error);

/* Compares both ends beside the stream (verify.h). `tables`: of char *, NULL: all. SLUICE_ERROR_REFUSED: not in this state or mode, or
 * one runs already. Returns its number, 0 on error. Every pipe_verify_report has a number; NULL: none was asked for. */
unsigned pipe_verify(Pipe *pipe, const GPtrArray *tables, bool repair, GError **error);
bool pipe_verify_cancel(Pipe *pipe, GError **error); /* SLUICE_ERROR_REFUSED: none runs */
VerifyReport *pipe_verify_report(Pipe *pipe);

const char *pipe_name(const Pipe *pipe);

/* ---- What it shows ---- */
#define PIPE_HISTORY      180 /* cells */
#define PIPE_HISTORY_CELL 20  /* seconds */
#define PIPE_HISTORY_COARSE 600

/* -1: unknown. Means over the cell, of the lag the largest. */
typedef struct {
    double rows, bytes, lag;
    double batch_rows, batch_bytes; /* of an insert at the destination */
} PipeHistoryCell;

typedef struct {
    char *source, *target, *state;
    int64_t rows_done, rows_estimate, inserts, updates, deletes, last_change;
    int64_t parts; /* of its destination table */
    int64_t ranges_done, ranges_total; /* -1: not planned */
    bool resync_advised;
    char *error; /* JSON, NULL */
    GPtrArray *columns; /* of ColumnCount: those with values that were changed on the way */
} PipeTableStatus;

/* A setting that has not its default. */
typedef struct {
    char *name, *value;
    bool waits; /* there are tables that were made with another value: for the next resync */
} PipeSetting;

/* A copy of everything shown, owned by the caller. -1 or NULL: unknown. */
typedef struct {
    char *name, *state, *mode, *source, *dest, *source_version, *dest_version;
    int64_t since;
    char *error; /* JSON of the pipe's error */
    bool stalled, stalled_needs_operator;
    int64_t stalled_since, next_try_at;
    Side stalled_side;
    int stalled_code;
    unsigned stalled_tries;
    char *stalled_message;
    double lag_seconds;
    double source_clock_seconds; /* the source's clock is ahead of ours by that much; 0 until it is known */
    int64_t lag_bytes, headroom_seconds, catching_up_seconds;
    int64_t dest_free_bytes; /* on the destination's fullest disk */
    bool logs_kept; /* the source never purges its logs by itself */
    char *position_file, *position_gtid;
    int64_t position_pos;
    double rows_per_second, bytes_per_second;
    int64_t snapshot_rows_done, snapshot_rows_estimate, snapshot_ranges_done, snapshot_ranges_total, snapshot_eta_seconds;
    unsigned readers, senders;
    int64_t memory_bytes;
    char *activity, *paused_by;
    unsigned pending; /* commands that were accepted and are not carried out yet */
    VerifyReport *verify; /* the last one, without what it lists; NULL: there was none */
    double time_read, time_build, time_send;
    GPtrArray *tables;   /* of PipeTableStatus */
    GPtrArray *settings; /* of PipeSetting, by name */
    unsigned n_history;
    PipeHistoryCell history[PIPE_HISTORY];
} PipeStatus;

PipeStatus *pipe_status(Pipe *pipe);
/* The last day or longer (setting `history`) in cells of PIPE_HISTORY_COARSE seconds, oldest first; the last one is not full yet. Of
 * PipeHistoryCell. */
GArray *pipe_history_coarse(Pipe *pipe);
/* One of its tables with all its columns. SLUICE_ERROR_NOT_FOUND, SLUICE_ERROR_USAGE: see table_find. */
TableDetail *pipe_table_detail(Pipe *pipe, const char *table, GError **error);
/* What the catalog alone knows, for when no engine runs. `tables`: of CatalogTable. */
PipeStatus *pipe_status_offline(const CatalogPipe *record, const GPtrArray *tables, const CatalogCheckpoint *checkpoint);
void pipe_status_free(PipeStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PipeStatus, pipe_status_free)

#endif
