/* view.h - one immutable picture of everything: what the engine shows, what screens draw, what `status --json` prints.
 *
 * Reference counted; never changed after view_from_json or view_build... returned it. What is not known is NULL, or -1 in
 * numbers (VIEW_UNKNOWN), never 0: JSON null. Times are microseconds since 1970 UTC (RFC 3339 in JSON). Rates are per second.
 * Fields are only ever added.
 */
#ifndef SLUICE_CONTROL_VIEW_H
#define SLUICE_CONTROL_VIEW_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VIEW_UNKNOWN (-1)
#define VIEW_HISTORY 180 /* cells of 20 s: an hour */

typedef struct {
    int64_t since, next_try_at;
    char *side;    /* "source", "destination", "catalog" */
    int code;
    char *message;
    unsigned tries;
    bool needs_operator; /* authentication was refused: retried, but somebody has to act */
} ViewStalled;

typedef struct {
    int64_t at;
    int code;
    char *message; /* what, in words */
    char *cause;   /* why; NULL not known */
    char **remedies; /* commands or sentences, NULL-terminated */
    /* The whole story of a Failed pipe; each NULL where there is nothing to tell: */
    char *what;    /* in our words, where `message` is a server's */
    char *server;  /* the server's own words, with its error number */
    char *why;     /* what led to it */
    char *lost;    /* what cannot be read any more */
    char *data;    /* what the destination holds */
    char *prevent; /* so that it stays away */
    char *oldest_log; /* the first that the source still has, where the one that is needed is gone */
    int64_t last_good_time; /* source time of the last good position, which is the pipe's position */
} ViewError;

/* Values of a column that were changed on the way. */
typedef struct {
    char *name;
    int64_t zero_dates, clamped, undecodable;
} ViewColumn;

/* A setting that has not its default. */
typedef struct {
    char *name, *value;
    bool waits; /* for the next resync of the tables that were made with another value */
} ViewSetting;

typedef struct {
    char *source; /* "shop.orders" */
    char *target; /* "orders" */
    char *state;  /* "waiting", "loading", "live", "resyncing", "failed", "dropped", "kept" */
    int64_t rows_done, rows_estimate;
    int64_t inserts, updates, deletes;
    int64_t last_change_at;
    int64_t ranges_done, ranges_total;
    int64_t parts; /* of its destination table */
    bool resync_advised;
    ViewError *error; /* NULL: none */
    unsigned n_columns; /* only those with such values */
    ViewColumn *columns;
} ViewTable;

typedef struct {
    double rows, bytes, lag; /* mean rows/s and bytes/s, largest lag in seconds; -1: nothing known for that cell */
    double batch_rows, batch_bytes; /* of a mean insert at the destination; -1: there was none */
} ViewHistoryCell;

/* The last verify of a pipe, or the one that runs. */
typedef struct {
    int64_t number; /* counts those of the pipe */
    bool running, repair;
    int64_t started_at, ended_at;
    char *table;    /* that is being compared; NULL: none */
    char *activity; /* what it waits for; NULL */
    char *stopped;  /* why it ended before its end; NULL: it did not */
    int64_t tables_done, n_tables;
    int64_t rows, rows_estimate, ranges;
    int64_t differences, repaired, unsettled; /* `differences` counts the repaired ones; unsettled: keys that kept changing */
    int64_t skipped;                          /* tables that were not compared */
    double rows_per_second;
} ViewVerify;

typedef struct {
    char *name;
    char *state; /* lifecycle's word: Provisioning Setup Snapshot Running Pausing Paused Modifying Resync Completed Failed */
    int64_t since;
    char *mode;          /* full, snapshot, cdc */
    char *source, *dest; /* URLs without passwords */
    char *source_version, *dest_version; /* "MariaDB 10.11.19", "ClickHouse 26.7.1"; NULL not known */
    ViewStalled *stalled; /* NULL: not stalled */
    ViewError *error;     /* of a Failed pipe */
    double lag_seconds;
    double source_clock_seconds; /* the source's clock is ahead of ours by that much; 0 until it is known */
    int64_t lag_bytes, headroom_seconds, catching_up_seconds;
    bool logs_kept; /* the source never purges its logs by itself: there is no headroom to speak of */
    char *position_file, *position_gtid;
    int64_t position_pos;
    double rows_per_second, bytes_per_second;
    int64_t snapshot_rows_done, snapshot_rows_estimate; /* unknown when nothing is or was loaded */
    int64_t snapshot_ranges_done, snapshot_ranges_total, snapshot_eta_seconds;
    int readers, senders;
    int64_t dest_free_bytes; /* on the destination's fullest disk */
    int64_t memory_bytes; /* in use by this pipe's blocks */
    char *activity;       /* what it does this second, in words; NULL */
    char *paused_by;      /* "operator"; NULL */
    int64_t pending;      /* commands that were accepted and are not carried out yet; 0 where an older engine does not tell */
    double time_read, time_build, time_send; /* shares 0..1 of the last seconds; -1 unknown */
    unsigned n_tables, n_tables_failed;
    ViewTable *tables;
    unsigned n_settings;
    ViewSetting *settings; /* by name */
    unsigned n_history;
    ViewHistoryCell *history; /* oldest first, cells of 20 s on a common clock */
    ViewVerify *verify; /* NULL: there was none since the engine started */
} ViewPipe;

typedef struct {
    int64_t id, at;
    char *pipe; /* NULL: the engine */
    char *actor, *kind, *text, *position;
} ViewJournalEntry;

typedef struct {
    /* engine; pid 0: none runs, the states are the last known */
    int64_t pid;
    char *version;
    int64_t started_at;
    char *host;         /* of the engine */
    int64_t at;         /* when the picture was taken */
    int64_t disk_free_bytes; /* where the engine's state dir is */
    int64_t memory_limit, memory_used;
    unsigned n_pipes;
    ViewPipe *pipes; /* by name */
    unsigned n_journal;
    ViewJournalEntry *journal; /* the newest entries of all pipes, oldest first */
} View;

bool view_table_loads(const ViewTable *table); /* for the first time, or again */

View *view_ref(View *view);
void view_unref(View *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(View, view_unref)

/* An empty picture to be filled by its maker before anybody else sees it. `pipes` etc. are freed with g_free semantics: all
 * strings owned. */
View *view_new(void);

json_t *view_to_json(const View *view);  /* new reference; the object of commands.md (`format`: 1) and the fields above */
/* NULL: it is no object. Free with view_error_free. */
ViewError *view_error_from_json(const json_t *object);
void view_error_free(ViewError *error); /* NULL is fine */
View *view_from_json(const json_t *json, GError **error); /* missing fields are unknown, extra ones ignored */

/* A history alone, as it stands in a picture. New reference; free the cells with g_free. */
json_t *view_history_to_json(const ViewHistoryCell *cells, unsigned n);
ViewHistoryCell *view_history_from_json(const json_t *json, unsigned *n);

/* No table is waiting or loading: the load, if there was one, is done. */
bool view_pipe_loaded(const ViewPipe *pipe);

/* "1 of 4 tables failed", for a pipe that has some. Free with g_free. */
char *view_tables_failed(const ViewPipe *pipe);

const ViewPipe *view_find_pipe(const View *view, const char *name);

#endif
