/* stream_private.h - the state of a stream session; owned by the stream thread alone. */
#ifndef SLUICE_PIPE_STREAM_PRIVATE_H
#define SLUICE_PIPE_STREAM_PRIVATE_H

#include "pipe/pipe_private.h"
#include "pipe/place.h"
#include "pipe/prepared.h"

typedef struct {
    uint64_t rows;
    RowCounts counts;
    BlockMark *block;
} StreamMark;

typedef struct StreamTable {
    PipeTable *table;
    struct StreamTable *next; /* of the same source table: a table and its twin are both fed; NULL: no more */
    TableMapping *mapping;
    Block *block; /* open */
    RowCounts counts;
    GByteArray *map_body; /* of the table map that the mapping is bound to */
    GArray *marks;        /* of StreamMark, by number within the open group */
    unsigned sent_marks;  /* marks of the open group that have rows in sealed batches behind them; 0: no row of it is sealed */
} StreamTable;

typedef struct {
    Work *work;
    Pipe *pipe;
    BinlogStream *stream;
    GPtrArray *tables;   /* of StreamTable */
    GHashTable *by_name; /* -> the first StreamTable of its source table */
    GHashTable *by_id;   /* table id -> the same, NULL: not followed */
    GHashTable *parents; /* of stream_parents.c, NULL: no followed table has any */
    GHashTable *parents_by_id;
    bool parents_stale;  /* a statement may have changed whose parents are whose */
    bool cascades_logged; /* the server logs what foreign keys change */
    uint64_t map_id;     /* the table map seen last, and whose it is */
    StreamTable *map_table;
    Group group;
    Prepared *prepared;      /* XA transactions that are prepared at this place */
    PreparedTransaction *xa; /* the open group's, NULL: it has none or is not one */
    GtidSet *gtid;
    bool verifying; /* re-reading the last transaction */
    bool began;     /* an event behind the start position was read */
    bool answered;  /* the server sent something in this session */
    bool begin_ahead; /* MariaDB: tables have a begin_set */
    GPtrArray *begun_statements; /* of stream_statement.c */
    bool awaits_statement;       /* the first group behind the checkpoint must be such a one */
    bool sent_ahead; /* cuts are in the catalog: rows behind the checkpoint may have been sent */
    unsigned gtid_tries; /* for what a server lacks: asked again so often before the session */
    bool by_gtid;   /* the server sends exactly what is not in the checkpoint's set */

    StreamPlace place;
    const char *skip_file; /* the checkpoint: events up to here were applied; NULL: none (by GTID) */
    uint64_t skip_pos;
    bool large;          /* the open group's size is told as what the pipe does */
    int64_t fresh_noted; /* monotonic: when Pipe.fresh_until was last brought up to newest_time */
    bool in_statement;   /* a statement that the group ends with is being carried out: no checkpoint stands here */

    BatchCutter cutter;
    uint64_t next_seq;
    uint64_t batch_rows, batch_bytes; /* in the open blocks */
    unsigned batch_inserts;           /* blocks that got rows: as many inserts, or fewer after a rollback */
    int64_t last_seal;
} Stream;

/* stream.c */
/* The cuts of batches that may have been sent are met exactly, or this is another history: then the same tokens would
 * stand for other rows. */
bool stream_cut_fits(const Stream *s, GError **error);
char *stream_table_key(const char *database, const char *name); /* of Stream.by_name; free with g_free */
/* Too much is in memory: what is open is sealed at once (BatchSituation.memory_short), then reading waits. */
void stream_wait_for_memory(Stream *s);

/* stream_seal.c */
void stream_table_free(StreamTable *table);
void stream_table_mark(StreamTable *table, const Group *group); /* before rows are appended */
void stream_table_forget_marks(StreamTable *table, unsigned keep);
void stream_table_rewind(StreamTable *table, unsigned mark);
/* Hands the open blocks over as one batch. `forced`: its cut is in the catalog already; NULL: it is written first. False:
 * reading was cancelled. */
bool stream_seal(Stream *s, const CatalogBatch *forced);
bool stream_seal_if_due(Stream *s, bool idle); /* `idle`: the server has nothing more just now */
/* What is open is sealed, with a checkpoint where the group that is read began; returns when all of it is acknowledged and the
 * checkpoint saved. False: cancelled. */
bool stream_barrier(Stream *s);
/* A checkpoint behind the group that was read, saved now, together with what `tables` (CatalogTable) have become when
 * `prepare` was called; `undo` is called when they were not saved, `follow` when they were, in the moment in which
 * others see the position. All with Pipe.lock held. Nothing is in flight. False: cancelled. */
typedef void (*CheckpointTables)(void *data);
bool stream_checkpoint_tables(Stream *s, const GPtrArray *tables, CheckpointTables prepare, CheckpointTables undo,
                              CheckpointTables follow, void *data);
/* The columns of its table are others now: nothing of it is open. */
bool stream_table_renew(Stream *s, StreamTable *table, GError **error);

/* stream_failover.c */
/* A connection to the server that is followed, and to no other: what another one says is of its own log. Free with
 * source_close. */
SourceConnection *stream_ask_source(Stream *s, GError **error);
/* Before a session: */
/* The server has all that was applied. */
bool stream_check_gtids(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error);
/* Of what tables were loaded with it has all, too; those of which it may not have are loaded again. `other`: it is not
 * the server that they were loaded from. */
bool stream_judge_loads(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, bool other,
                        GError **error);
/* Another server answers: by GTID the stream can go on there, under a new epoch that is saved before the first row. */
bool stream_fail_over(Stream *s, SourceConnection *source, CatalogCheckpoint *checkpoint, GError **error);
/* Where each table began, as this server's GTIDs tell it. */
bool stream_parse_beginnings(Stream *s, SourceConnection *source, const CatalogCheckpoint *checkpoint, GError **error);
/* A group begins: does its number still tell what is before the tables' beginnings? */
void stream_doubt_beginnings(Stream *s, const GtidEvent *gtid);

/* Has the server these? A replica that has become it is given a moment. False: an error, or it is still applying them.
 */
bool stream_server_has(Stream *s, SourceConnection *source, const char *gtid, bool *has, GError **error);

/* stream_statement.c: what had been begun of a statement at the destination */
/* What tells the statement from all others, on every server: its GTID, else its place. Free with g_free. */
char *stream_statement_id(const Stream *s, const BinlogEvent *event);
/* The table's definition with a note of the statement, for the catalog, where it is put before anything is done. All
 * before it is saved, and nothing else stands between. Free with g_free. */
char *stream_statement_noted(const Stream *s, const PipeTable *table, const BinlogEvent *event, const QueryEvent *query,
                             const char *shown);
/* The text is what the catalog keeps of the table's definition from now on. */
bool stream_save_definition(Stream *s, PipeTable *table, char *text_take, GError **error); /* false: cancelled */
/* Those that were not done with when the checkpoint was saved that the session begins at. */
void stream_find_statements(Stream *s, SourceFlavour flavour, const CatalogCheckpoint *checkpoint);
/* Tables are flagged that had one done to them which the server lacks. `here`: the epoch of its log; what was read
 * there the log itself tells. 0: another server answers. */
bool stream_judge_statements(Stream *s, SourceConnection *source, uint32_t here, GError **error);
/* Before a group's end is acted upon. False: it is not the statement that it was, and the history was rewritten. */
bool stream_statement_fits(Stream *s, GroupAction action, const BinlogEvent *event, GError **error);

/* stream_events.c */
char *stream_position_text(const Stream *s); /* "file:pos" of what is read; free with g_free */
bool stream_handle_event(Stream *s, const BinlogEvent *event, GError **error);
void stream_untell_large(Stream *s); /* the group is over, or is not read on */
bool stream_handle_table_map(Stream *s, const BinlogEvent *event, GError **error);
bool stream_handle_rows(Stream *s, const BinlogEvent *event, GError **error);
/* `table`: whose rows these are by the table map before them, NULL: of a table that is not followed. */
bool stream_rows_table(const Stream *s, const RowsEvent *rows, const BinlogEvent *event, StreamTable **table, GError **error);
void stream_table_fault(Stream *s, PipeTable *table, const GError *error); /* it fails alone */
DdlStatement *stream_event_statement(const BinlogEvent *event, GError **error);
/* The event, of the open group, stands before the table began to be followed (E). */
bool stream_is_before(const Stream *s, const PipeTable *table, const BinlogEvent *event);
/* Changes of the table at this event are applied: it is neither failed, dropped nor kept as it is, and has begun. */
bool stream_follows(const Stream *s, const PipeTable *table, const BinlogEvent *event);

/* stream_ddl.c: a statement, which may act on followed tables. `ends`: the group ends with it. False: cancelled, or an error of
 * the whole pipe. */
typedef struct StreamDdl StreamDdl;
bool stream_ddl(Stream *s, const DdlStatement *statement, const BinlogEvent *event, bool ends, StreamDdl **pending, GError **error);
/* Its group has ended: what it did is saved with the checkpoint behind it. NULL: there was nothing. */
bool stream_ddl_finish(Stream *s, StreamDdl *pending_take, const BinlogEvent *event, GError **error);

/* stream_parents.c: what changes rows of followed tables without a trace of its own */
/* By the definitions as they are now. False: the source could not be read. */
bool stream_parents_find(Stream *s, SourceConnection *source, GError **error);
bool stream_parents_renew(Stream *s, GError **error);          /* the same, over a connection of its own */
void stream_parents_clear(Stream *s);
void stream_parents_statement(Stream *s, const DdlStatement *statement, const BinlogEvent *event);
void stream_parents_map(Stream *s, const char *key, TableMap *map_take); /* seen for the first time under its id */
bool stream_parents_have(const Stream *s, uint64_t table_id); /* rows of that table are looked at */
void stream_parents_rows(Stream *s, const RowsEvent *rows, const BinlogEvent *event); /* while there are parents */

/* The statement's name is that of the table, or of its database; as the server compares names. */
bool stream_is_named(const Stream *s, const DdlName *name, const char *database, const char *table);

/* stream_new.c: tables that the statement brings into the pipe's list are told to the supervisor (setting
 * `new_tables`). */
void stream_new_tables(Stream *s, const DdlStatement *statement, const BinlogEvent *event);

/* stream_xa.c: of a group that is an XA transaction (Group.xa). False: SLUICE_ERROR_FAILED, its file was damaged; a decoder's
 * error; or reading was cancelled. */
bool stream_xa_table_map(Stream *s, const BinlogEvent *event, GError **error);
bool stream_xa_rows(Stream *s, const BinlogEvent *event, GError **error);
void stream_xa_undo(Stream *s, unsigned mark); /* rows behind the mark are taken back; 0: all */
bool stream_xa_fail_tables(Stream *s, const GError *fault, GError **error); /* those it has changed so far */
/* The group ends: prepared, or committed in one phase. `statement`: of a QUERY event, else NULL. */
bool stream_xa_prepared(Stream *s, const DdlStatement *statement, const BinlogEvent *event, GError **error);
bool stream_xa_one_phase(Stream *s, const BinlogEvent *event, GError **error);
/* XA COMMIT or XA ROLLBACK of what was prepared before; other statements are none of its business. */
bool stream_xa_end(Stream *s, const DdlStatement *statement, const BinlogEvent *event, GError **error);

#endif
