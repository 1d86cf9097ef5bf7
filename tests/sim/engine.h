/* engine.h - a pipe without threads, servers and a disk: the decisions of src/pipe and src/mysql, carried out against
 * the models one action at a time. What is decided is theirs; what is here is what threads do with it. Files are named
 * after their originals in src/pipe, and are to be kept like them: stream.c (also stream_events.c, stream_seal.c,
 * stream_xa.c), statements.c, failover.c, load.c (snapshot.c, exact.c), apply.c, resync.c; engine.c is the supervisor
 * and the crash, and judge.c tells what must hold.
 */
#ifndef SLUICE_SIM_ENGINE_H
#define SLUICE_SIM_ENGINE_H

#include "destination.h"

#include "pipe/batch.h"
#include "pipe/chunk_ledger.h"
#include "pipe/exchange.h"
#include "pipe/group.h"
#include "pipe/lifecycle.h"
#include "pipe/loading.h"
#include "pipe/place.h"
#include "pipe/prepared.h"
#include "pipe/statement_note.h"

typedef enum { ROWS_WAITING, ROWS_LOADING, ROWS_LIVE, ROWS_FAILED, ROWS_KEPT } RowsState;

/* A table of the pipe. */
typedef struct {
    /* in the catalog: */
    int64_t id, twin_of, generation;
    unsigned of; /* a table of the source */
    RowsState state;
    bool set_up, loaded, advised;
    char *target, *leftover;
    unsigned exchange_uuid;
    const char *begin_file; /* interned */
    uint64_t begin_pos;
    char *begin_gtid;
    uint64_t snapshot_version;
    unsigned base;     /* of one that keeps all: the commit that its load saw */
    GPtrArray *ranges; /* of CatalogRange */
    Definition definition;
    StatementNote note;   /* the statement that is being carried out; its id is NULL: there is none */
    const char *plan_tag; /* what the proofs of its steps say; interned */
    /* not in it: */
    RangePlan *plan;
    bool has_bounds, told, passed, exact_open, exact_lost, unfollowed, start_over;
    bool settled; /* the stream was at the end of the log since, and all of it had arrived: readers may rely on it */
    bool begun;   /* the note is of a statement that no checkpoint had passed when the session began */
    unsigned readers;
    uint32_t attempt;
    ChunkLedger chunks;
    const char *read_file;
    uint64_t read_pos;
    char *read_gtid;  /* what was read of it is of these; in the catalog once it is loaded */
    bool read_unseen; /* some of it was, before a crash */
    Definition next; /* that a statement has made, until it is saved */
    bool changes;
    GtidSet *begin_set;
    GArray *rows;  /* of Row: the open block */
    GArray *marks; /* of unsigned */
    unsigned sent_marks;
} Table;

typedef struct {
    Table *table;
    char *token, *query_id, *target;
    GArray *rows;
    Definition definition;
    bool snapshot;
    uint64_t seq;
    Chunk *chunk; /* borrowed from the table's ledger */
} Sent;

/* The source did not know the definition that a table was to be read by. */
typedef struct {
    Table *table; /* NULL: there is none */
    bool waits;
    unsigned by;     /* number of the definition */
    unsigned server; /* that did not, and whose log's end it is */
    const char *file;
    uint64_t pos;
} Doubt;

typedef struct {
    Table *table;
    uint64_t range_id;
    uint32_t attempt;
    unsigned number;
    char *after, *upto;
    GArray *rows; /* read and not handed over; NULL: none */
    unsigned limit;
    Definition definition; /* that they were read by */
    Doubt doubt;
} Loader;

typedef enum { DDL_NONE, DDL_SEAL, DDL_WAIT, DDL_RUN, DDL_SAVE } DdlPhase;

/* A session of the stream; the names are those of Stream. */
typedef struct {
    bool on;
    unsigned next; /* event of the source's log */
    Group group;
    GtidSet *gtid;
    Prepared *prepared;
    PreparedTransaction *xa;
    StreamPlace place;
    bool verifying, by_gtid, in_statement;
    bool awaits; /* what comes next is a statement that was begun */
    const char *skip_file;
    uint64_t skip_pos, next_seq, batch_rows, batch_bytes;
    BatchCutter cutter;
    int64_t last_seal;
    DdlPhase ddl;
    LogEvent ddl_event; /* a copy, for the source may lose it meanwhile */
    uint64_t ddl_seq;
    unsigned ddl_at;    /* the table that is altered */
    char ddl_query[48]; /* that is waited for; "": none */
} Session;

typedef enum { ENDS_NOT, ENDS_RESTART, ENDS_PAUSE, ENDS_REACHED, ENDS_FAIL } Ending;

#define UUID   "u"
#define PREFIX "sluice-" UUID "-" /* of the ids of all its queries */

#define LOADERS 2
#define SENDERS 3

typedef struct {
    Source *source;
    Destination *destination;
    Random *random;
    const char *state_dir;
    bool by_file;  /* MySQL: by places of the log, not by GTIDs */
    char *finding; /* what is wrong; NULL: nothing so far */
    bool broken;   /* the source's history was rewritten since the pipe has its place */
    bool lost;     /* another server took over that lacks some transactions: they may have been replicated */
    bool trace;
    /* in the catalog: */
    PipeState state, back;
    unsigned identity;
    CatalogCheckpoint checkpoint;
    GArray *batches;   /* of CatalogBatch */
    GPtrArray *tables; /* of Table */
    int64_t next_id;
    /* not in it: */
    bool work, stops, reached, dead;
    Ending ending;
    const char *stop_file;
    uint64_t stop_pos;
    Session session;
    bool quiet_first; /* a session ended: what is in flight is waited for */
    bool cut;         /* the connection is lost */
    BatchTracker *tracker;
    uint64_t saved_seq;
    Loader loaders[LOADERS];
    GQueue queue; /* of Sent */
    GPtrArray *sending;
    int64_t now;
    unsigned patience; /* while a Work ends */
    bool resync_asked;
    int64_t resync_one; /* a table's id; 0: all */
    ExchangeSituation exchange;
    Table *exchanging;
    unsigned shown[TABLES][KEYS];
    bool watched[TABLES]; /* readers rely on it */
    uint64_t watched_at;
    unsigned rows_limit;
    unsigned statements; /* ever sent */
} Engine;

void engine_init(Engine *engine, Source *source, bool by_file, Destination *destination, Random *random,
                 const char *state_dir);
void engine_clear(Engine *engine);
/* One thing happens, whichever. */
void engine_act(Engine *engine);
void engine_crash(Engine *engine);
void engine_pause(Engine *engine);
void engine_resume(Engine *engine);
void engine_resync(Engine *engine, int64_t table_id);
void engine_lose_connection(Engine *engine);
void engine_destination_restarts(Engine *engine);
/* Tells the source which tables its transactions read. */
void engine_holds_tables(Engine *engine);
void engine_finding(Engine *engine, const char *format, ...) G_GNUC_PRINTF(2, 3);
Table *engine_twin(const Engine *engine, const Table *table);
void engine_table_fails(Engine *engine, Table *table, const char *why);
void engine_fails(Engine *engine, GError *error_take);
bool table_wants_loading(const Table *table);
bool table_is_followed(const Table *table);
LoadSituation table_load(const Table *table);
void table_forget(Table *table);
void engine_tell(const Engine *engine, const char *format, ...) G_GNUC_PRINTF(2, 3);
bool engine_crashes_here(Engine *engine);
bool engine_transition(Engine *engine, PipeEvent event);
Table *engine_find(const Engine *engine, int64_t id);
void engine_drop_leftovers(Engine *engine);
Table *table_new(Engine *engine, unsigned of, int64_t twin_of);
void table_start_over(Table *table);

/* resync.c */
void resync_begin(Engine *engine);
void resync_settle(Engine *engine);   /* twins that have been exchanged take their places */
void resync_exchange(Engine *engine); /* one step of it, for a crash may come behind each */
/* apply.c */
void sent_free(void *sent);
void sender_act(Engine *engine);
void destination_act(Engine *engine);
/* judge.c */
/* Readers of live tables never see an older row than before. */
void judge_watch(Engine *engine);
/* Running, at the end of the log, nothing on its way. */
bool engine_is_caught_up(const Engine *engine);
bool engine_wants_resync(const Engine *engine);
void engine_compare(Engine *engine);
/* stream.c */
void stream_act(Engine *engine);
void stream_ends(Engine *engine, bool pause);
void stream_save_checkpoint(Engine *engine);
/* load.c */
void loader_act(Engine *engine, Loader *loader);
void loader_clear(Loader *loader);
/* What was logged up to there can be read; else it is waited for. */
bool load_is_visible(const Engine *engine, const char *file, uint64_t pos, const char *gtid);
/* One that keeps all can be read now, as of one moment that is not before the checkpoint. */
bool load_can_be_exact(const Engine *engine, const Table *table);
void load_lose_connections(Engine *engine);
void load_chunk_done(Engine *engine, Sent *sent);
void load_restore_plans(Engine *engine);
void load_stream_at(Engine *engine, const char *file, uint64_t pos);

#endif
