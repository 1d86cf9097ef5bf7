#include "pipe/batch.h"
#include "base/base.h"

#include <string.h>

void batch_cutter_init(BatchCutter *cutter, GArray *forced_take)
{
    cutter->forced = forced_take;
    cutter->next_forced = 0;
}

void batch_cutter_clear(BatchCutter *cutter)
{
    if (cutter->forced)
        g_array_free(cutter->forced, TRUE);
    cutter->forced = NULL;
}

const CatalogBatch *batch_cutter_next(const BatchCutter *cutter)
{
    return cutter->forced && cutter->next_forced < cutter->forced->len
               ? &g_array_index(cutter->forced, CatalogBatch, cutter->next_forced)
               : NULL;
}

bool batch_cutter_forced(const BatchCutter *cutter)
{
    return batch_cutter_next(cutter) != NULL;
}

static int64_t age_wanted(const BatchLimits *limits, const BatchSituation *s)
{
    if (!RULE_HOLDS("many-quiet-tables-wait"))
        return limits->age_usec;
    int64_t by_inserts = (int64_t)s->inserts * 1000000 / BATCH_INSERTS_PER_SECOND;
    return MAX(limits->age_usec, s->crowded ? BATCH_PATIENT_AGE_USEC : MIN(by_inserts, BATCH_PATIENT_AGE_USEC));
}

static bool seal_freely(const BatchLimits *limits, const BatchSituation *s)
{
    bool full = s->rows >= limits->rows || s->bytes >= limits->bytes || s->memory_short;

    if (s->rows == 0)
        return false;
    if (!s->group_open)
        return full || s->now - s->last_seal >= age_wanted(limits, s);
    /* A replay finds this cut by its offset: it must not be that of the end of the group before. */
    if (!s->group_has_rows)
        return false;
    uint64_t patience = s->savepoints ? 4 : 2;
    return s->rows >= MIN(patience * limits->rows, BATCH_ROWS_MAX) ||
           s->bytes >= MIN(patience * limits->bytes, BATCH_BYTES_MAX) || (s->memory_short && !s->savepoints);
}

bool batch_cutter_seal(BatchCutter *cutter, const BatchLimits *limits, const BatchSituation *situation,
                       const CatalogBatch **forced)
{
    *forced = NULL;
    const CatalogBatch *cut = batch_cutter_next(cutter);
    if (cut) {
        /* A cut at a group's end is repeated there, not behind its last row: a ROLLBACK may stand between. */
        if (situation->offset < cut->end_offset || (situation->group_open && !cut->in_group))
            return false;
        cutter->next_forced++;
        *forced = cut;
        return true;
    }
    return seal_freely(limits, situation);
}

typedef struct {
    uint64_t seq;
    unsigned pending;
    bool boundary;
    CatalogCheckpoint checkpoint; /* when boundary */
    GPtrArray *notes;             /* NULL: none */
} Tracked;

struct BatchTracker {
    GQueue batches; /* of Tracked, by seq */
    bool ready;     /* `checkpoint` may be saved */
    CatalogCheckpoint checkpoint;
    uint64_t applied_seq;
    GPtrArray *notes; /* of the batches it covers; NULL: none */
};

static void tracked_free(Tracked *tracked)
{
    catalog_checkpoint_clear(&tracked->checkpoint);
    if (tracked->notes)
        g_ptr_array_unref(tracked->notes);
    g_free(tracked);
}

BatchTracker *batch_tracker_new(void)
{
    BatchTracker *tracker = g_new0(BatchTracker, 1);
    g_queue_init(&tracker->batches);
    return tracker;
}

void batch_tracker_free(BatchTracker *tracker)
{
    if (!tracker)
        return;
    g_queue_clear_full(&tracker->batches, (GDestroyNotify)tracked_free);
    catalog_checkpoint_clear(&tracker->checkpoint);
    if (tracker->notes)
        g_ptr_array_unref(tracker->notes);
    g_free(tracker);
}

void checkpoint_copy(CatalogCheckpoint *to, const CatalogCheckpoint *from)
{
    *to = *from;
    to->file = g_strdup(from->file);
    to->gtid = g_strdup(from->gtid);
    to->print_file = g_strdup(from->print_file);
    to->print_gtid = g_strdup(from->print_gtid);
    to->prepared = g_strdup(from->prepared);
}

static void keep_notes(BatchTracker *tracker, Tracked *tracked)
{
    if (!tracked->notes)
        return;
    if (tracker->notes)
        g_ptr_array_extend_and_steal(tracker->notes, g_steal_pointer(&tracked->notes));
    else
        tracker->notes = g_steal_pointer(&tracked->notes);
}

/* Batches wholly acknowledged at the head leave the queue once a boundary follows them: before that, a replay needs their
 * cuts, for it begins at the last boundary. */
static void advance(BatchTracker *tracker)
{
    GList *last = NULL;
    for (GList *l = tracker->batches.head; l && ((Tracked *)l->data)->pending == 0; l = l->next)
        if (((Tracked *)l->data)->boundary)
            last = l;
    if (!last)
        return;
    Tracked *boundary = last->data;
    catalog_checkpoint_clear(&tracker->checkpoint);
    checkpoint_copy(&tracker->checkpoint, &boundary->checkpoint);
    tracker->applied_seq = boundary->seq;
    tracker->ready = true;
    Tracked *gone;
    do {
        gone = g_queue_pop_head(&tracker->batches);
        bool was_last = gone == boundary;
        keep_notes(tracker, gone);
        tracked_free(gone);
        if (was_last)
            break;
    } while (true);
}

void batch_tracker_add(BatchTracker *tracker, uint64_t seq, unsigned inserts, const CatalogCheckpoint *checkpoint)
{
    Tracked *tracked = g_new0(Tracked, 1);
    Tracked *tail = g_queue_peek_tail(&tracker->batches);

    g_assert(!tail || tail->seq < seq);
    tracked->seq = seq;
    tracked->pending = inserts;
    tracked->boundary = checkpoint != NULL;
    if (checkpoint)
        checkpoint_copy(&tracked->checkpoint, checkpoint);
    g_queue_push_tail(&tracker->batches, tracked);
    advance(tracker);
}

static Tracked *find_pending(BatchTracker *tracker, uint64_t seq)
{
    for (GList *l = tracker->batches.head; l; l = l->next) {
        Tracked *tracked = l->data;
        if (tracked->seq != seq)
            continue;
        g_assert(tracked->pending > 0);
        return tracked;
    }
    g_assert_not_reached();
}

void batch_tracker_note_take(BatchTracker *tracker, uint64_t seq, void *note, GDestroyNotify note_free)
{
    Tracked *tracked = find_pending(tracker, seq);
    if (!tracked->notes)
        tracked->notes = g_ptr_array_new_with_free_func(note_free);
    g_ptr_array_add(tracked->notes, note);
}

void batch_tracker_ack(BatchTracker *tracker, uint64_t seq)
{
    Tracked *tracked = find_pending(tracker, seq);
    if (--tracked->pending == 0)
        advance(tracker);
}

bool batch_tracker_take(BatchTracker *tracker, CatalogCheckpoint *out, uint64_t *applied_seq)
{
    if (!tracker->ready)
        return false;
    *out = tracker->checkpoint;
    *applied_seq = tracker->applied_seq;
    memset(&tracker->checkpoint, 0, sizeof tracker->checkpoint);
    tracker->ready = false;
    return true;
}

GPtrArray *batch_tracker_take_notes(BatchTracker *tracker)
{
    return g_steal_pointer(&tracker->notes);
}

unsigned batch_tracker_in_flight(const BatchTracker *tracker)
{
    unsigned n = 0;
    for (const GList *l = tracker->batches.head; l; l = l->next)
        n += ((Tracked *)l->data)->pending > 0;
    return n;
}
