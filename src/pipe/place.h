/* place.h - how far the stream has read: where in the log, by its own coordinates that versions are made of, and what
 * tells this history from another (replication.md, Versions). Pure.
 */
#ifndef SLUICE_PIPE_PLACE_H
#define SLUICE_PIPE_PLACE_H

#include "pipe/batch.h"
#include "pipe/group.h"

/* Of the last transaction read: begun again, a session reads it once more and compares. */
typedef struct {
    const char *file; /* interned; NULL: none yet */
    uint64_t pos;
    char *gtid; /* owned */
    uint32_t time, crc;
} Fingerprint;

typedef struct {
    const char *file; /* behind the last event; interned, NULL: nothing was read by its place yet */
    uint64_t pos;
    uint32_t epoch;
    uint64_t offset;   /* grows by the bodies of rows events */
    uint64_t rows_end; /* `offset` behind the last rows event */
    uint32_t sum;      /* of all transactions up to rows_end: two histories that have come to one offset differ in it */
    uint64_t group_offset; /* rows_end where the open group began */
    uint32_t group_sum;    /* and `sum` */
    uint64_t sealed_end;   /* rows_end where the last batch ended */
    Fingerprint print;
    int64_t newest_time; /* commit time of the last group, microseconds */
    bool moved;          /* since the last checkpoint */
    const char *seek_file; /* the log is asked for by GTID, and ended here then (place_seek); NULL: that is reached */
    uint64_t seek_pos;
    bool in_order;         /* of place_seek */
    bool met;              /* a group was sent since */
    uint64_t logged_end;   /* rows_end where the last group ended that the set tells of */
    uint32_t logged_sum;   /* and `sum` */
    bool undone;           /* before that rows of another group were passed: of another domain, it may come again */
    const char *idle_file; /* where the server last had nothing more to send; NULL: it has not said so yet */
    uint64_t idle_pos;
    bool before_group;   /* a checkpoint made now stands where the open group began, not behind the last event */
} StreamPlace;

void place_load(StreamPlace *place, const CatalogCheckpoint *checkpoint);
void place_clear(StreamPlace *place);
/* Fills in all but what is prepared. `gtid`: NULL, there is none. */
void place_checkpoint(const StreamPlace *place, const Group *group, const GtidSet *gtid, CatalogCheckpoint *out);

/* A session can begin at the checkpoint; at one made here: the dump command tells positions with 32 bits, and files may
 * be longer. */
bool place_checkpoint_can_be_resumed(const CatalogCheckpoint *checkpoint);
bool place_can_be_resumed(const StreamPlace *place);

/* The log is asked for by GTID, and ends there now. The server begins at the start of a file, which it tells of, and
 * passes over what is among the GTIDs: that start is no place to go on at, for what stands behind it would be read
 * again. `in_order`: once it sends a group, all behind that is sent, too; else groups that are passed over may stand
 * there, and until the end is reached checkpoints have GTIDs alone (place_checkpoint). */
void place_seek(StreamPlace *place, const char *end_file, uint64_t end_pos, bool in_order);
/* Behind an event, at the start of a file, or where the log ends. `file`: interned. Between groups the checkpoint is to
 * follow (`moved`): behind MariaDB's BINLOG_CHECKPOINT, too, which may come last. False: it is no place to go on at. */
bool place_move(StreamPlace *place, const Group *group, const char *file, uint64_t pos);
/* A heartbeat tells of this place. True: the log ends there. While a server looks for what was asked for by GTID it
 * tells how far it has come; where it says so twice (`again`) it has nothing more. */
bool place_heartbeat(StreamPlace *place, const char *file, uint64_t pos, bool *again);

void place_group_begins(StreamPlace *place);
/* The group has ended with `event`; its GTID joins the set, if replicas log it too. `gtid`: NULL, there is none. */
void place_group_ended(StreamPlace *place, const Group *group, GtidSet *gtid, const BinlogEvent *event);
/* What a row that stands there must be newer than. */
uint64_t place_version(uint32_t epoch, uint64_t offset);
/* A rows event of the group is passed, whoever's it is. Returns what its rows' places in its body are added to. */
uint64_t place_pass(StreamPlace *place, const Group *group, const BinlogEvent *event);
/* Rows of an earlier group that count in this one (XA COMMIT) are passed, kept or not: rows_end is `offset` now. */
void place_pass_to(StreamPlace *place, const Group *group, uint64_t offset);

typedef enum { PRINT_UNDECIDED, PRINT_SAME, PRINT_OTHER } PrintVerdict;
/* The last transaction is read again: `action` is what its event meant for the group. `gtid`: of a GTID event, else
 * NULL. `by_gtid`: the server was asked for it by its GTID, not by its place. */
PrintVerdict place_compare_print(const StreamPlace *place, const Group *group, GroupAction action,
                                 const BinlogEvent *event, const GtidEvent *gtid, bool by_gtid);
/* The cut of a batch that is sealed now. */
CatalogBatch place_cut(const StreamPlace *place, const Group *group, uint64_t seq);
/* The cut that is to be repeated next can still be met, and what was read up to it is what had been read before. */
bool place_cut_fits(const StreamPlace *place, const BatchCutter *cutter);

#endif
