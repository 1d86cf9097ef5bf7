/* pipe_private.h - what the files of src/pipe share: a pipe, its tables, and the threads that work for it.
 *
 * Who owns what:
 *   supervisor thread (supervisor.c) the state, starting and ending the Work
 *   stream thread (stream.c)      the binlog, the open blocks of live tables, the cuts
 *   reader threads (snapshot.c)   one source connection each, the blocks they fill
 *   sender threads (apply.c)      one destination connection each; acknowledgements
 *   monitor thread (lag.c)        a source connection of its own, for the end of the log
 * Sealed blocks travel as Insert through the queue; an Insert has one owner at a time. Locks, taken in this order:
 *   Work.progress_lock -> Pipe.catalog_lock -> Pipe.lock;  Pipe.load_lock -> Pipe.catalog_lock -> Pipe.lock
 */
#ifndef SLUICE_PIPE_PIPE_PRIVATE_H
#define SLUICE_PIPE_PIPE_PRIVATE_H

#include "clickhouse/clickhouse.h"
#include "mapping/mapping.h"
#include "mysql/mysql.h"
#include "pipe/batch.h"
#include "pipe/chunk_ledger.h"
#include "pipe/column_counts.h"
#include "pipe/group.h"
#include "pipe/headroom.h"
#include "pipe/history.h"
#include "pipe/loading.h"
#include "pipe/pipe.h"
#include "pipe/shape.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

/* KEPT: as it is, until its twin takes its place; the log that it would need is not followed. */
typedef enum { TABLE_WAITING, TABLE_LOADING, TABLE_LIVE, TABLE_FAILED, TABLE_DROPPED, TABLE_KEPT } TableState;
const char *table_state_name(TableState state);
bool table_state_parse(const char *name, TableState *out);
bool table_state_is_followed(TableState state); /* changes at the source are applied */
bool table_state_wants_loading(TableState state);

typedef struct {
    /* NULL until Setup. The stream thread puts another one in its place where DDL stands in the log; what it replaces lives as
     * long as the Work (Work.retired), so other threads may look at either. */
    _Atomic(SourceTable *) definition;
    /* The settings that its destination table was made with; new values wait for a table made anew. Set with `definition`. */
    MappingSettings shape;
    GtidSet
        *begin_set; /* of the stream thread: E by GTID, on MariaDB at another server than where it began; else NULL */
    _Atomic int state;       /* TableState */
    /* Under Pipe.lock. The counters of both change only while catalog_lock is held too: they are always those of a
     * position or range that is saved. */
    CatalogTable *record;
    GPtrArray *column_counts; /* of ColumnCount */
    /* Under Pipe.load_lock: */
    RangePlan *plan; /* NULL until planned */
    bool planning, has_bounds, loaded_told;
    /* Where the log ended when all of it had been read; NULL: not read, or not asked yet. `stream_passed`: the stream has come there. */
    char *read_file;
    uint64_t read_pos;
    bool stream_passed;
    unsigned readers; /* threads reading it */
    bool in_doubt;    /* a reader waits until the stream tells by what definition it can be read */
    /* All that was read of it is of transactions among these, as its server said behind its newest chunk; NULL: nothing
     * was read, or by places alone. `read_unseen`: parts were read before this process began. */
    char *read_gtid;
    uint64_t read_asked;
    bool read_unseen;
    SourceConnection *consistent; /* its transaction (exact.h), used by the one reader that is on it; NULL: it has none */
    uint32_t attempt; /* the newest reading attempt of any of its ranges */
    ChunkLedger chunks;
    /* Under Pipe.spares_lock: */
    GQueue spares; /* of Block, empty; they live no longer than the Work */
    /* Shown: */
    _Atomic uint64_t rows_done;
    _Atomic int64_t parts; /* of its destination table, active ones; -1: not known (room.h) */
    bool unfollowed; /* of the supervisor: set up, and no Work has run since: nothing is at the destination (exact.h) */
    _Atomic bool viewed; /* its view (live_view.h) has its columns, or cannot be made */
    _Atomic unsigned statements; /* that the stream has begun to carry out at the destination; changed under Pipe.repair_lock */
    _Atomic int64_t altered_at; /* monotonic: when we last altered its destination table; 0: not since the start */
} PipeTable;

typedef struct {
    bool on, needs_operator;
    GHashTable *holders; /* threads that wait because of it: it ends with the last one. NULL: none yet */
    int64_t since, next_try_at;
    int code;
    unsigned tries;
    char *message;
} Stall;

/* What is known of the source's logs from one look to the next (outlook.c). */
typedef struct {
    GHashTable *closed; /* interned name -> int64_t: when it was closed, by our clock; 0: it is the last one, -1: not known */
    const char *end_file; /* interned */
    uint64_t end_pos;
    int64_t looked_at; /* monotonic */
    double write_rate; /* bytes a second */
    bool rate_known;
} LogWatch;
void log_watch_clear(LogWatch *watch);

typedef struct Work Work;

struct Pipe {
    const PipeEnv *env;
    int64_t id;
    char *uuid, *name;
    PipeMode mode;
    BudgetAccount *account;
    Queue *mailbox; /* of Message */
    pthread_t supervisor;
    bool started;
    Cancel *life; /* of the supervisor's own blocking calls: stop and drop end them */

    pthread_mutex_t catalog_lock;
    Catalog *catalog;

    pthread_mutex_t load_lock; /* plans, ledgers of chunks */
    uint64_t read_asked;       /* under it: counts who asked for PipeTable.read_gtid */
    pthread_mutex_t spares_lock; /* taken last, nothing is called under it */
    pthread_mutex_t repair_lock; /* taken first: held while a verify inserts what it repairs, so that no such insert meets a TRUNCATE */

    pthread_mutex_t lock; /* everything below */
    CatalogPipe *record;
    PipeState state, back;
    PipeSettings settings;
    GPtrArray *tables; /* of PipeTable; changed by the supervisor alone, while the pipe has no Work, with load_lock held too */
    Stall stalls[3];   /* by Side */
    char *source_version, *dest_version, *activity, *paused_by;
    CatalogCheckpoint applied; /* the last one saved */
    int64_t lag_bytes;         /* -1: not known */
    int64_t dest_free_bytes;   /* of the destination's fullest disk; -1: not known (room.h) */
    bool disk_told;            /* that it is nearly full */
    SourceLogLimits limits;    /* for how long the source keeps its logs */
    bool limits_known;
    LogWatch logs;
    int64_t headroom, headroom_at; /* seconds at that time (monotonic); -1: not known */
    unsigned headroom_level;   /* what was told of it last */
    int64_t source_clock_offset; /* the source's clock minus ours, microseconds */
    int64_t fresh_until;       /* source's clock: every change committed before is applied; 0: not known */
    int64_t load_started;      /* monotonic; when the present load (or what is left of it) began */
    int64_t load_started_rows; /* done by then */
    bool failing_over; /* the stream is going over to another server: what comes from the one that is left is of no use
                        */
    bool dropped;
    unsigned pending; /* commands that were accepted and wait to be carried out */
    bool resyncing; /* tables have twins, or had them until their exchange */
    bool views_gone; /* of the supervisor: live_view is off, and the views that it had made are dropped */
    GPtrArray *settings_shown;   /* of PipeSetting, as they were at: (status.c) NULL: not yet */
    uint64_t settings_shown_of;  /* a hash of settings and tables */
    unsigned try_now; /* counts the operator's "try now" */
    struct Verify *verify; /* the last one, changed by the supervisor alone; NULL: there was none */
    unsigned verifies;     /* that were asked for */
    bool verify_asked;     /* one waits for the supervisor */
    /* rates and history (status.c) */
    double rows_per_second, bytes_per_second, time_read, time_build, time_send;
    History history, coarse; /* of cells of PIPE_HISTORY_CELL and PIPE_HISTORY_COARSE seconds */
    int64_t history_saved;   /* of the supervisor: the newest coarse cell that is in the catalog */
    uint64_t sampled_rows, sampled_bytes, sampled_inserts, sampled_read, sampled_build, sampled_send;
    int64_t sampled_at;

    _Atomic bool caught_up; /* the stream had nothing to read and nothing is in flight */
    _Atomic uint64_t total_rows, total_bytes, total_inserts;         /* acknowledged */
    _Atomic uint64_t read_usec, build_usec, send_usec;               /* time spent by all threads */
};


typedef enum { MESSAGE_COMMAND, MESSAGE_THREAD_ENDED, MESSAGE_FATAL, MESSAGE_LOADED, MESSAGE_REACHED, MESSAGE_SETTINGS, MESSAGE_RESTART, MESSAGE_NEW_TABLES, MESSAGE_VERIFY, MESSAGE_STOP } MessageKind;

typedef struct {
    MessageKind kind;
    PipeEvent event; /* COMMAND */
    bool drop_target;
    GPtrArray *tables; /* COMMAND on single tables: of char *, "db.table" as selection_name writes it; NULL: the pipe */
    GPtrArray *added;  /* EVENT_ADD_TABLES: of CatalogTable; MESSAGE_NEW_TABLES: see new_tables_named */
    char *selection;   /* EVENT_ADD_TABLES: what is added to the pipe's list */
    PipeReposition *to; /* EVENT_REPOSITION */
    bool counted;      /* in Pipe.pending */
    PipeState asked_in; /* COMMAND: the state in which it was accepted */
    bool sender;     /* THREAD_ENDED: a sender, else one that reads */
    Side side;       /* FATAL */
    GError *error;   /* FATAL */
    unsigned verify; /* VERIFY: its number; `tables` are its tables */
    bool repair;     /* VERIFY */
} Message;
void message_free(Message *message);
/* A statement at the source does not fit a load and has failed its table: the load begins again by itself, with what stands at the
 * source then. Nothing is done for a table that is loaded, or for a twin. Any thread. */
void command_start_over(Pipe *pipe, const PipeTable *table);
/* A command that waited: is it still possible for these tables? Others may have come before it. With Pipe.lock held. */
bool command_check_again(const Pipe *pipe, const Message *message, GError **error);
void pipe_post(Pipe *pipe, MessageKind kind);

/* The threads of a pipe that is in Snapshot or Running, from their start to their join. */
/* Why a Work ends, the stronger reason last. RESTART: settings changed, it is started again at once. */
typedef enum { END_NONE, END_RESTART, END_PAUSE, END_REACHED, END_STOP, END_FAIL, END_DROP } EndReason;

struct Work {
    Pipe *pipe;
    EndReason ending;
    GError *fatal; /* END_FAIL */
    Side fatal_side;
    int64_t end_deadline; /* monotonic; what is not sent by then is dropped and read again later; 0: none */
    PipeSettings settings; /* as at the start */
    Url *source_url, *dest_url;
    Cancel *reading, *sending; /* reading ends first: what is read is still sent */
    Cancel *sent;              /* requested when the last sender has ended: of who watches them */
    Queue *inserts;            /* of Insert */
    _Atomic bool failed;       /* a MESSAGE_FATAL was posted */

    pthread_mutex_t progress_lock;
    BatchTracker *tracker;
    _Atomic uint64_t saved_seq; /* the newest batch of the stream's session whose checkpoint is in the catalog; 0: none */

    _Atomic bool stops;        /* it streams to where the log ends now, or after all tables are loaded, and no further */
    pthread_mutex_t stop_lock;
    char *stop_file; /* that position; NULL: not known yet */
    uint64_t stop_pos;

    _Atomic bool crowded; /* a destination table has so many parts that inserts are about to be slowed down (room.h) */
    int64_t room_due;     /* monotonic; of the monitor */
    _Atomic bool doubt; /* the monitor saw a log that does not fit what the stream is sent: it is to connect anew */
    _Atomic unsigned sending_now; /* inserts that wait for their answer */
    _Atomic int64_t answered_at;  /* monotonic; when one was last answered, or the first of them began */

    unsigned n_threads, reading_left, sending_left;
    pthread_t *threads;
    pthread_mutex_t gate; /* held until all threads are started, or one could not be */
    bool go;
    _Atomic bool loaded_told; /* MESSAGE_LOADED was posted */
    _Atomic bool settling;    /* tables are read that the stream has not passed yet (snapshot_stream_at) */
    GPtrArray *retired; /* of SourceTable: definitions that were replaced; of the stream thread */
};

/* A block on its way, with all that its acknowledgement needs. */
typedef struct {
    PipeTable *table;
    SourceTable *definition; /* that its block has the columns of */
    Block *block;
    char *token, *query_id, *target;
    size_t bytes;
    MappingCounters *changed; /* values of it that were changed on the way, a column each; NULL: none */
    bool snapshot;
    /* stream: */
    uint64_t batch_seq;
    RowCounts counts;
    int64_t change_time; /* source's commit time of its newest row, microseconds */
    /* snapshot: */
    Chunk *chunk; /* borrowed from the table's ledger */
} Insert;
void insert_free(Insert *insert);

/* apply.c */
void *sender_main(void *work);
/* Gives the checkpoint that has become possible to the catalog. With progress_lock held. */
bool apply_save_checkpoint(Work *work);

/* spares.c: emptied blocks, to be filled again. All of a table look alike: as its definition is now. */
Block *spares_take(Pipe *pipe, PipeTable *table, const TableMapping *mapping);
void spares_give_take(Pipe *pipe, PipeTable *table, const SourceTable *definition, Block *block);
/* The table's definition from now on, whose reference is taken over; returns the old one. */
SourceTable *spares_change_definition(Pipe *pipe, PipeTable *table, SourceTable *definition_take);
void spares_drop(Pipe *pipe);

/* stream.c */
void *stream_main(void *work);

/* snapshot.c */
void *reader_main(void *work);
void snapshot_chunk_done(Work *work, Insert *insert); /* acknowledged, or of a failed table */
/* Plans as the catalog has them: no thread of a Work may be running. */
bool snapshot_restore_plans(Pipe *pipe, GError **error);
void snapshot_forget(PipeTable *table);
void snapshot_stream_at(Work *work, const char *file, uint64_t pos); /* by the stream, between transactions */
void snapshot_forget_reads(Work *work); /* another server answers: those places were the other one's */
/* How a statement at that place meets the load of the table (loading.h). */
LoadStanding snapshot_standing(Pipe *pipe, PipeTable *table, const char *file, uint64_t pos);

/* pipe.c */
/* Whether the last checkpoint is there, or behind it. Of no `file`: whether it has a place at all; right behind a failover it has
 * none. With Pipe.lock held. */
bool pipe_has_applied(const Pipe *pipe, const char *file, uint64_t pos);
json_t *pipe_settings_given(Pipe *pipe); /* as given, with those of single tables; a new reference, NULL: none */

/* setup.c */
/* `side`: whose fault it is. */
bool setup_provision(Pipe *pipe, Side *side, GError **error);
bool setup_tables(Pipe *pipe, GError **error);
/* Tables that came to the pipe later: they begin at the end of the log. Where the pipe has no position to go on from, it begins
 * there too. No Work runs. `other_server`: the error is that another server answers than the one that is followed. */
bool setup_new_tables(Pipe *pipe, bool *other_server, GError **error);
bool setup_has_new_tables(const Pipe *pipe);
bool setup_is_followed(Pipe *pipe, SourceConnection *source, GError **error); /* false: it is another server, which the error says */
/* Drops a destination table if it is ours, whoever goes into it. Unacknowledged inserts are killed first. */
bool setup_drop_target(Pipe *pipe, Clickhouse *ch, const PipeTable *table, const char *target, GError **error);
/* The same, and inserts that are under way do not matter. */
bool setup_drop_marked(const Pipe *pipe, Clickhouse *ch, const CatalogTable *record, const char *target, GError **error);
/* Of a table that leaves: where others go into its target, its rows alone are deleted there. */
bool setup_leave_target(Pipe *pipe, Clickhouse *ch, const PipeTable *table, GError **error);
/* The mark that stands at the destination under that name where it is one of this pipe's, else a copy of `otherwise`:
 * what several tables go into has the mark of one of them. */
char *setup_mark_there(const Pipe *pipe, Clickhouse *ch, const char *name, const char *otherwise, GError **error);
Clickhouse *setup_open_destination(Pipe *pipe, Cancel *cancel, GError **error);

/* command.c: what the lifecycle and the tables say to it; with Pipe.lock held */
bool command_check(const Pipe *pipe, const PipeCommand *command, GError **error);

/* command.c: sets SLUICE_ERROR_REFUSED; always false */
bool pipe_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* edit.c, by the supervisor while no Work runs: the tables of a pipe as the catalog and the pipe have them */
PipeTable *pipe_table_new(CatalogTable *record_take, GError **error);
bool pipe_table_wants_loading(const PipeTable *table);        /* as its state is now */
bool edit_is_named(const PipeTable *table, const char *name); /* "db.table", as selection_name or as a picture writes it */
PipeTable *edit_find(const Pipe *pipe, const char *name);     /* likewise; no twin. NULL: there is none */
/* What a command changes, as the catalog takes it. Clear with pipe_edit_clear, also after an error; begins as {0}. */
typedef struct {
    int64_t pipe_id;
    char *list;         /* NULL: unchanged */
    GPtrArray *added;   /* of CatalogTable */
    GPtrArray *changed; /* of CatalogTable: the tables' own, which are changed already */
    CatalogEdit catalog; /* borrows them */
} PipeEdit;
void pipe_edit_clear(PipeEdit *edit);
bool edit_plan_add(const Pipe *pipe, const GPtrArray *records /* of CatalogTable */, const char *selection, PipeEdit *edit, GError **error);
bool edit_plan_remove(Pipe *pipe, const GPtrArray *names, bool drop_target, PipeEdit *edit, GError **error);
void edit_plan_retry(Pipe *pipe, const GPtrArray *names, PipeEdit *edit);
bool edit_add(Pipe *pipe, const GPtrArray *records, const char *selection, GError **error);
bool edit_mark_removed(Pipe *pipe, const GPtrArray *names, bool drop_target, GError **error);
bool edit_remove_marked(Pipe *pipe, GError **error); /* talks to the destination; may be repeated */
bool edit_mark_twins(Pipe *pipe, int removing, GError **error); /* all of them at once */
bool edit_forget(Pipe *pipe, PipeTable *table, GError **error); /* out of the catalog and the pipe */
/* Those of them that failed before they were loaded: while a table is failed its changes are passed over, so its load starts over. */
bool edit_retry(Pipe *pipe, const GPtrArray *names, GError **error);
/* Its load, or what there is of it, does not count: it is set up as if it were new. */
bool edit_start_over(Pipe *pipe, PipeTable *table, GError **error);
bool edit_wants_loading(const Pipe *pipe); /* tables wait, or are being loaded */
bool edit_wants_removing(const Pipe *pipe); /* tables are marked: a crash came before they were removed */

/* resync.c: twins, which take the place of their tables. No Work runs. */
bool resync_is_on(const Pipe *pipe);
PipeTable *resync_twin(const Pipe *pipe, const PipeTable *table); /* NULL: it has none */
/* Makes the twins. `names`: of char *, NULL: every table. `anew`: the pipe has lost its place in the log: it begins at the end of
 * it, and what has no twin is advised to be loaded again too. */
/* Loads that began before the place that the pipe goes on from (`anew`), and those that failed. `names`: NULL: any. */
bool resync_start_loads_over(Pipe *pipe, const GPtrArray *names, bool anew, GError **error);
bool resync_begin(Pipe *pipe, const GPtrArray *names, bool anew, GError **error);
/* Setup: a target that is somebody's is to be replaced: the table gets a twin, which is returned, and waits for it. */
PipeTable *resync_divert(Pipe *pipe, PipeTable *table, GError **error);
bool resync_stand_aside(Pipe *pipe, PipeTable *table, GError **error); /* it has one, and waits for it */
/* From here on it is cancelled, also after a crash: twins are dropped, none takes its table's place. */
bool resync_note_cancel(Pipe *pipe, GError **error);
bool resync_is_cancelled(const Pipe *pipe); /* so noted, and not all of its twins are gone yet */
bool resync_cancel(Pipe *pipe, GError **error);   /* talks to the destination; may be repeated */
bool resync_exchange(Pipe *pipe, GError **error); /* likewise */
/* Before a Work runs in Resync, and before tables leave: exchanges that a crash cut off are brought to their end. */
bool resync_settle(Pipe *pipe, GError **error);
bool resync_drop_leftovers(Pipe *pipe, GError **error);
bool resync_drop_leftover(Pipe *pipe, Clickhouse *ch, PipeTable *table, GError **error); /* of a table that has one */

/* The definition, and the shape of its destination table, as the catalog keeps them. */
char *pipe_definition_text(const PipeTable *table, const SourceTable *definition);

/* How a table is mapped: by the live settings, in the shape that its destination table has. */
MappingSettings pipe_table_mapping(const PipeTable *table, const PipeSettings *settings);

/* lag.c */
void *monitor_main(void *work);
double lag_seconds_unlocked(const Pipe *pipe); /* with Pipe.lock held; -1: not known */

/* status.c */
void status_sample(Pipe *pipe); /* once a second */

/* history_store.c */
void history_store_open(Pipe *pipe);
bool history_store_load(Pipe *pipe, GError **error);
void history_store_save(Pipe *pipe, bool ends); /* by the supervisor. `ends`: what the open cell has so far, too */

/* faults.c: stalls, failed tables, the journal */
/* Shows the stall; returns how long to wait before the next try, in microseconds. */
int64_t pipe_stall_note(Pipe *pipe, Side side, const GError *error, unsigned tries, bool needs_operator);
/* The same, and waits; ends early when told to try now. False: cancelled. */
bool pipe_stall_wait(Pipe *pipe, Side side, const GError *error, unsigned tries, bool needs_operator, Cancel *cancel);
/* What the calling thread waited for works: the stall ends when no other thread is held up by it. */
void pipe_stall_clear(Pipe *pipe, Side side);
void pipe_stalls_leave(Pipe *pipe); /* the calling thread ends */
void pipe_stalls_reset(Pipe *pipe); /* none are shown any more: no thread is at work */
void pipe_table_fail(Pipe *pipe, PipeTable *table, const GError *error, const RetryDecision *decision, const char *position);
/* Its rows may differ from the source's; it is followed on, and shown so until it is loaded again. False: that was
 * advised before, and the reason is not told. */
bool pipe_table_advise_resync(Pipe *pipe, PipeTable *table, const char *why, const char *position);
void pipe_journal(Pipe *pipe, const char *actor, const char *kind, const char *position, const char *format, ...)
    G_GNUC_PRINTF(5, 6);
/* That the destination has something of another under a name (SLUICE_ERROR_REFUSED) is told, and true; any other error is given on. */
bool pipe_note_refused(Pipe *pipe, GError *problem_take, GError **error);
/* `table`: whose error it is, NULL: the pipe's. */
char *pipe_error_json(const Pipe *pipe, const PipeTable *table, const GError *error, const RetryDecision *decision);
json_t *pipe_error_object(const Pipe *pipe, const PipeTable *table, const GError *error, const RetryDecision *decision);
void work_fail(Work *work, Side side, GError *error_take);
void work_thread_leave(Work *work, bool sender); /* the last thing a thread does */
void work_thread_done(Work *work, bool sender);  /* it reads or sends no more, and is not to be waited for */
/* Runs a catalog write until it succeeds or `cancel` is requested; stalls meanwhile. */
typedef bool (*CatalogWrite)(Catalog *catalog, void *data, GError **error);
bool pipe_catalog_write(Pipe *pipe, Cancel *cancel, CatalogWrite write, void *data);
void pipe_table_note(PipeTable *table); /* what its record has as text and number is as it is now; with Pipe.lock held */
bool pipe_save_table(Pipe *pipe, PipeTable *table, Cancel *cancel); /* false: cancelled, not saved */
void pipe_set_activity(Pipe *pipe, const char *format, ...) G_GNUC_PRINTF(2, 3);
void pipe_changed(Pipe *pipe);

#endif
