/* batch.h - where the stream is cut into batches, and which checkpoint follows from which acknowledgements. Both pure.
 */
#ifndef SLUICE_PIPE_BATCH_H
#define SLUICE_PIPE_BATCH_H

#include "catalog/catalog.h"

/* ---- Cutter ------------------------------------------------------------------------------------------------------
 * A batch is sealed behind an event. By rows, bytes or age it is sealed at the next end of a group; within a group only when
 * it has grown to twice its limits, or memory is short, and not while a SAVEPOINT is open (until four times); never beyond
 * what one insert may hold, and never between a group's beginning and its first rows event. After a crash
 * the cuts of batches that may have been sent are repeated exactly: their tokens then drop what is there already. */
typedef struct {
    uint64_t rows, bytes;
    int64_t age_usec;
} BatchLimits;

/* One insert is one Native block (replication.md, Tokens): the limits are not above this, however long a group is. */
/* A batch of many tables waits longer, and so does every batch while the destination is crowded: each insert makes a part. */
#define BATCH_INSERTS_PER_SECOND 20
#define BATCH_PATIENT_AGE_USEC   (10 * 1000 * 1000)

#define BATCH_ROWS_MAX  1000000u
#define BATCH_BYTES_MAX (200u << 20)

typedef struct {
    uint64_t rows, bytes;   /* in the open batch */
    uint64_t offset;        /* of the stream, behind the last rows event */
    bool group_open, savepoints;
    bool group_has_rows;    /* the open group has had a rows event */
    bool memory_short;
    unsigned inserts;       /* that the open batch is made of: one for each table that it has rows of */
    bool crowded;           /* the destination does not merge its parts as fast as they come */
    int64_t now, last_seal; /* monotonic microseconds */
} BatchSituation;

typedef struct {
    GArray *forced; /* of CatalogBatch, by seq: cuts to be repeated */
    unsigned next_forced;
} BatchCutter;

void batch_cutter_init(BatchCutter *cutter, GArray *forced_take); /* NULL: none */
void batch_cutter_clear(BatchCutter *cutter);
bool batch_cutter_forced(const BatchCutter *cutter); /* cuts are left to be repeated */
const CatalogBatch *batch_cutter_next(const BatchCutter *cutter); /* the next of them; NULL: none is left */
/* True when the open batch is to be sealed now. `forced`: gets the batch whose cut this is, or NULL. */
bool batch_cutter_seal(BatchCutter *cutter, const BatchLimits *limits, const BatchSituation *situation,
                       const CatalogBatch **forced);

/* ---- Tracker -----------------------------------------------------------------------------------------------------
 * Batches are acknowledged in any order; a checkpoint may be saved when every batch up to it was. A batch that was sealed
 * within a group has none of its own. */
typedef struct BatchTracker BatchTracker;

BatchTracker *batch_tracker_new(void);
void batch_tracker_free(BatchTracker *tracker);

/* A sealed batch of `inserts` >= 0 inserts; seq grows. `checkpoint`: NULL within a group; copied. */
void batch_tracker_add(BatchTracker *tracker, uint64_t seq, unsigned inserts, const CatalogCheckpoint *checkpoint);
/* Before an acknowledgement: what is to be counted once a checkpoint covers the batch. Dropped with the tracker, for
 * what no checkpoint covers is read and counted again. */
void batch_tracker_note_take(BatchTracker *tracker, uint64_t seq, void *note, GDestroyNotify note_free);
/* One insert of it was acknowledged. */
void batch_tracker_ack(BatchTracker *tracker, uint64_t seq);
/* The newest checkpoint that may be saved and was not yet given out; false: none. `out`'s strings are owned by the caller
 * (catalog_checkpoint_clear). `applied_seq`: cuts up to it are no longer needed. */
bool batch_tracker_take(BatchTracker *tracker, CatalogCheckpoint *out, uint64_t *applied_seq);
/* The notes of the batches that the checkpoint taken last covers; owned by the caller, NULL: none. */
GPtrArray *batch_tracker_take_notes(BatchTracker *tracker);
unsigned batch_tracker_in_flight(const BatchTracker *tracker); /* batches not wholly acknowledged */

void checkpoint_copy(CatalogCheckpoint *to, const CatalogCheckpoint *from);

#endif
