/* The cutter and the tracker: by example, and against simple models fed with random streams. */
#include "pipe/batch.h"

#include <string.h>

static const BatchLimits limits = {.rows = 100, .bytes = 1000, .age_usec = 1000000};

static bool seals(const BatchLimits *of, BatchSituation situation)
{
    BatchCutter cutter;
    const CatalogBatch *forced;
    batch_cutter_init(&cutter, NULL);
    g_assert_false(batch_cutter_forced(&cutter));
    bool sealed = batch_cutter_seal(&cutter, of, &situation, &forced);
    g_assert_null(forced);
    batch_cutter_clear(&cutter);
    return sealed;
}

#define SEALS(...)      g_assert_true(seals(&limits, (BatchSituation){__VA_ARGS__}))
#define STAYS_OPEN(...) g_assert_false(seals(&limits, (BatchSituation){__VA_ARGS__}))

static void test_limits_between_groups(void)
{
    STAYS_OPEN(.rows = 99, .bytes = 999, .now = 999999);
    SEALS(.rows = 100);
    SEALS(.rows = 1, .bytes = 1000);
    SEALS(.rows = 1, .now = 1000000);
    SEALS(.rows = 1, .now = 8000000, .last_seal = 7000000);
    STAYS_OPEN(.rows = 1, .now = 7999999, .last_seal = 7000000);
    SEALS(.rows = 1, .memory_short = true);
}

/* Each table of a batch is an insert, and each insert a part. */
static void test_many_tables_wait_longer(void)
{
    SEALS(.rows = 20, .inserts = 20, .now = 1000000);
    STAYS_OPEN(.rows = 40, .inserts = 40, .now = 1999999);
    SEALS(.rows = 40, .inserts = 40, .now = 2000000);
    STAYS_OPEN(.rows = 99, .inserts = 5000, .now = 9999999);
    SEALS(.rows = 99, .inserts = 5000, .now = 10000000);
    STAYS_OPEN(.rows = 1, .inserts = 1, .crowded = true, .now = 9999999);
    SEALS(.rows = 1, .inserts = 1, .crowded = true, .now = 10000000);
    SEALS(.rows = 100, .inserts = 40, .crowded = true);
}

static void test_nothing_to_seal(void)
{
    STAYS_OPEN(.now = 1000000000);
    STAYS_OPEN(.memory_short = true);
    STAYS_OPEN(.bytes = 5000, .memory_short = true);
}

static void test_open_group_waits_for_its_end(void)
{
    STAYS_OPEN(.rows = 100, .group_open = true, .group_has_rows = true);
    STAYS_OPEN(.rows = 1, .bytes = 1999, .group_open = true, .group_has_rows = true);
    STAYS_OPEN(.rows = 1, .now = 1000000000, .group_open = true, .group_has_rows = true);
    SEALS(.rows = 200, .group_open = true, .group_has_rows = true);
    SEALS(.rows = 1, .bytes = 2000, .group_open = true, .group_has_rows = true);
    SEALS(.rows = 1, .memory_short = true, .group_open = true, .group_has_rows = true);
}

static void test_open_group_without_rows_is_no_place_for_a_cut(void)
{
    STAYS_OPEN(.rows = 1, .memory_short = true, .group_open = true);
    STAYS_OPEN(.rows = 500, .bytes = 5000, .memory_short = true, .group_open = true);
}

static void test_savepoints_hold_longer(void)
{
    STAYS_OPEN(.rows = 399, .bytes = 3999, .memory_short = true, .group_open = true, .group_has_rows = true,
               .savepoints = true);
    SEALS(.rows = 400, .group_open = true, .group_has_rows = true, .savepoints = true);
    SEALS(.rows = 1, .bytes = 4000, .group_open = true, .group_has_rows = true, .savepoints = true);
    /* Behind the group's end they do not matter any more. */
    SEALS(.rows = 100, .savepoints = true);
}

static void test_never_more_than_one_insert_holds(void)
{
    const BatchLimits large = {.rows = BATCH_ROWS_MAX, .bytes = BATCH_BYTES_MAX, .age_usec = 1000000};
    const BatchSituation rows = {
        .rows = BATCH_ROWS_MAX, .group_open = true, .group_has_rows = true, .savepoints = true};
    const BatchSituation bytes = {
        .rows = 1, .bytes = BATCH_BYTES_MAX, .group_open = true, .group_has_rows = true, .savepoints = true};
    g_assert_true(seals(&large, rows));
    g_assert_true(seals(&large, bytes));
}

/* ---- Cuts that are repeated ---- */

static void add_cut(GArray *cuts, uint64_t seq, uint64_t end, bool in_group)
{
    CatalogBatch cut = {.seq = seq, .end_offset = end, .in_group = in_group};
    g_array_append_val(cuts, cut);
}

static uint64_t forced_seq(BatchCutter *cutter, BatchSituation situation)
{
    const CatalogBatch *forced;
    if (!batch_cutter_seal(cutter, &limits, &situation, &forced))
        return 0;
    g_assert_nonnull(forced);
    return forced->seq;
}

static void test_forced_cuts(void)
{
    BatchCutter cutter;
    const CatalogBatch *forced;
    GArray *cuts = g_array_new(FALSE, FALSE, sizeof(CatalogBatch));
    add_cut(cuts, 7, 100, false);
    add_cut(cuts, 8, 250, true);
    add_cut(cuts, 11, 300, false);
    batch_cutter_init(&cutter, cuts);

    /* Limits, age and memory do not count: only the recorded place does. */
    g_assert_cmpuint(
        forced_seq(
            &cutter,
            (BatchSituation){.rows = 5000, .bytes = 50000, .memory_short = true, .now = 1000000000, .offset = 99}),
        ==, 0);
    /* A cut at a group's end waits for it: a ROLLBACK may stand between. */
    g_assert_cmpuint(forced_seq(&cutter, (BatchSituation){.rows = 1, .offset = 100, .group_open = true}), ==, 0);
    g_assert_cmpuint(forced_seq(&cutter, (BatchSituation){.rows = 1, .offset = 130, .group_open = true}), ==, 0);
    g_assert_true(batch_cutter_forced(&cutter));
    g_assert_cmpuint(forced_seq(&cutter, (BatchSituation){.rows = 1, .offset = 130}), ==, 7);
    /* One within a group stands right behind the rows event, savepoints or not. */
    g_assert_cmpuint(forced_seq(&cutter, (BatchSituation){.rows = 1, .offset = 249, .group_open = true}), ==, 0);
    g_assert_cmpuint(
        forced_seq(
            &cutter,
            (BatchSituation){.rows = 1, .offset = 250, .group_open = true, .group_has_rows = true, .savepoints = true}),
        ==, 8);
    g_assert_cmpuint(forced_seq(&cutter, (BatchSituation){.rows = 1, .offset = 300}), ==, 11);
    g_assert_false(batch_cutter_forced(&cutter));
    /* Then the limits count again. */
    const BatchSituation full = {.rows = 100, .offset = 400};
    g_assert_true(batch_cutter_seal(&cutter, &limits, &full, &forced));
    g_assert_null(forced);
    batch_cutter_clear(&cutter);
}

/* A stream of groups with rows events, some rolled back; each event is followed by a look at the cutter, as the stream
 * does. */
typedef enum { GROUP_BEGIN, GROUP_ROWS, GROUP_SAVEPOINT, GROUP_COMMIT, GROUP_ROLLBACK } EventKind;

typedef struct {
    EventKind kind;
    unsigned rows, len; /* ROWS */
} Event;

static GArray *random_events(unsigned groups)
{
    GArray *events = g_array_new(FALSE, TRUE, sizeof(Event));
    for (unsigned g = 0; g < groups; g++) {
        Event event = {.kind = GROUP_BEGIN};
        g_array_append_val(events, event);
        for (int n = g_test_rand_int_range(0, 6); n > 0; n--) {
            bool savepoint = g_test_rand_int_range(0, 8) == 0;
            event = savepoint ? (Event){.kind = GROUP_SAVEPOINT}
                              : (Event){.kind = GROUP_ROWS,
                                        /* none: rows of a table that is not followed */
                                        .rows = (unsigned)g_test_rand_int_range(0, 90),
                                        .len = (unsigned)g_test_rand_int_range(1, 400)};
            g_array_append_val(events, event);
        }
        event = (Event){.kind = g_test_rand_int_range(0, 4) == 0 ? GROUP_ROLLBACK : GROUP_COMMIT};
        g_array_append_val(events, event);
    }
    return events;
}

typedef struct {
    CatalogBatch cut;
    GString *rows;   /* the numbers of its rows */
    unsigned event;  /* sealed behind this one */
    uint64_t offset; /* of the stream there */
    bool boundary;
} Sealed;

static void sealed_clear(gpointer data)
{
    g_string_free(((Sealed *)data)->rows, TRUE);
}

typedef struct {
    BatchCutter cutter;
    BatchSituation situation;
    uint64_t group_offset, row, next_seq;
    GString *open;
    size_t group_at; /* length of `open` at the group's beginning */
    bool sent_in_group;
    GArray *sealed;
} Life;

static void life_event(Life *life, const Event *event)
{
    BatchSituation *s = &life->situation;
    switch (event->kind) {
    case GROUP_BEGIN:
        s->group_open = true;
        life->group_offset = s->offset;
        life->group_at = life->open->len;
        life->sent_in_group = false;
        break;
    case GROUP_ROWS:
        s->offset += event->len;
        for (unsigned i = 0; i < event->rows; i++)
            g_string_append_printf(life->open, " %" G_GUINT64_FORMAT, s->offset << 20 | i);
        s->rows += event->rows;
        s->bytes += event->rows ? event->len : 0;
        break;
    case GROUP_SAVEPOINT:
        s->savepoints = true;
        break;
    case GROUP_ROLLBACK:
        if (!life->sent_in_group)
            g_string_truncate(life->open, life->group_at);
        G_GNUC_FALLTHROUGH;
    case GROUP_COMMIT:
        s->group_open = s->savepoints = false;
        break;
    }
    s->group_has_rows = s->group_open && s->offset > life->group_offset;
}

static void life_seal(Life *life, unsigned at, const CatalogBatch *forced)
{
    BatchSituation *s = &life->situation;
    Sealed sealed = {
        .cut = {.seq = forced ? forced->seq : life->next_seq, .end_offset = s->offset, .in_group = s->group_open},
        .rows = life->open,
        .event = at,
        .offset = s->offset,
        .boundary = !s->group_open};
    life->next_seq = MAX(life->next_seq, sealed.cut.seq + 1);
    g_array_append_val(life->sealed, sealed);
    life->open = g_string_new(NULL);
    life->group_at = 0;
    /* Rows that were taken back still count as the open batch's: it may be sealed without any, and then nothing was sent. */
    life->sent_in_group |= s->group_open && sealed.rows->len > 0;
    s->rows = s->bytes = 0;
    s->last_seal = s->now;
}

/* From behind event `from` with the cuts of `forced_take`. */
static GArray *live(const GArray *events, unsigned from, uint64_t offset, GArray *forced_take)
{
    Life life = {.situation = {.offset = offset}, .group_offset = offset, .next_seq = 1, .open = g_string_new(NULL)};
    const CatalogBatch *forced;
    life.sealed = g_array_new(FALSE, FALSE, sizeof(Sealed));
    g_array_set_clear_func(life.sealed, sealed_clear);
    batch_cutter_init(&life.cutter, forced_take);
    for (unsigned i = from; i < events->len; i++) {
        life_event(&life, &g_array_index(events, Event, i));
        life.situation.now += g_test_rand_int_range(0, 300000);
        life.situation.memory_short = g_test_rand_int_range(0, 8) == 0;
        if (batch_cutter_seal(&life.cutter, &limits, &life.situation, &forced))
            life_seal(&life, i, forced);
    }
    batch_cutter_clear(&life.cutter);
    g_string_free(life.open, TRUE);
    return life.sealed;
}

/* After a crash at any moment, from any checkpoint that can have been saved: the same batches, row by row. */
static void test_replay_repeats_every_batch(void)
{
    for (unsigned round = 0; round < 400; round++) {
        g_autoptr(GArray) events = random_events(40);
        g_autoptr(GArray) first = live(events, 0, 0, NULL);
        int checkpoint = g_test_rand_int_range(-1, (int)first->len);
        while (checkpoint >= 0 && !g_array_index(first, Sealed, checkpoint).boundary)
            checkpoint--;
        const Sealed *at = checkpoint >= 0 ? &g_array_index(first, Sealed, checkpoint) : NULL;
        GArray *cuts = g_array_new(FALSE, FALSE, sizeof(CatalogBatch));
        g_autoptr(GPtrArray) expected = g_ptr_array_new();
        for (unsigned i = (unsigned)(checkpoint + 1); i < first->len; i++) {
            Sealed *sealed = &g_array_index(first, Sealed, i);
            if (sealed->rows->len == 0)
                continue; /* nothing was sent of it, and no cut recorded */
            g_array_append_val(cuts, sealed->cut);
            g_ptr_array_add(expected, sealed);
        }
        g_autoptr(GArray) second = live(events, at ? at->event + 1 : 0, at ? at->offset : 0, cuts);
        g_assert_cmpuint(second->len, >=, expected->len);
        for (unsigned i = 0; i < expected->len; i++) {
            const Sealed *one = expected->pdata[i], *other = &g_array_index(second, Sealed, i);
            g_assert_cmpuint(one->cut.seq, ==, other->cut.seq);
            g_assert_cmpstr(one->rows->str, ==, other->rows->str);
        }
    }
}

/* ---- Tracker ---- */

static void add(BatchTracker *tracker, uint64_t seq, unsigned inserts, bool boundary)
{
    g_autofree char *gtid = g_strdup_printf("0-1-%" G_GUINT64_FORMAT, seq);
    CatalogCheckpoint checkpoint = {.file = (char *)"bin.000001",
                                    .pos = seq * 100,
                                    .gtid = gtid,
                                    .print_file = (char *)"bin.000001",
                                    .print_gtid = gtid,
                                    .offset = seq};
    batch_tracker_add(tracker, seq, inserts, boundary ? &checkpoint : NULL);
}

/* The checkpoint given out, 0: none. */
static uint64_t take(BatchTracker *tracker)
{
    CatalogCheckpoint checkpoint;
    uint64_t applied;
    if (!batch_tracker_take(tracker, &checkpoint, &applied))
        return 0;
    uint64_t offset = checkpoint.offset;
    g_autofree char *gtid = g_strdup_printf("0-1-%" G_GUINT64_FORMAT, offset);
    g_assert_cmpuint(applied, ==, offset);
    g_assert_cmpuint(checkpoint.pos, ==, offset * 100);
    g_assert_cmpstr(checkpoint.file, ==, "bin.000001");
    g_assert_cmpstr(checkpoint.gtid, ==, gtid);
    g_assert_cmpstr(checkpoint.print_file, ==, "bin.000001");
    g_assert_cmpstr(checkpoint.print_gtid, ==, gtid);
    catalog_checkpoint_clear(&checkpoint);
    return offset;
}

static void test_acks_in_any_order(void)
{
    BatchTracker *tracker = batch_tracker_new();
    g_assert_cmpuint(take(tracker), ==, 0);
    add(tracker, 1, 2, true);
    add(tracker, 2, 1, true);
    add(tracker, 3, 1, true);
    g_assert_cmpuint(batch_tracker_in_flight(tracker), ==, 3);
    batch_tracker_ack(tracker, 3);
    batch_tracker_ack(tracker, 1);
    g_assert_cmpuint(take(tracker), ==, 0);
    g_assert_cmpuint(batch_tracker_in_flight(tracker), ==, 2);
    batch_tracker_ack(tracker, 1);
    g_assert_cmpuint(take(tracker), ==, 1);
    g_assert_cmpuint(take(tracker), ==, 0); /* given out once */
    batch_tracker_ack(tracker, 2);
    g_assert_cmpuint(take(tracker), ==, 3);
    g_assert_cmpuint(batch_tracker_in_flight(tracker), ==, 0);
    batch_tracker_free(tracker);
}

static void test_within_a_group_there_is_no_checkpoint(void)
{
    BatchTracker *tracker = batch_tracker_new();
    add(tracker, 1, 1, true);
    add(tracker, 2, 1, false);
    add(tracker, 3, 1, false);
    batch_tracker_ack(tracker, 2);
    batch_tracker_ack(tracker, 3);
    batch_tracker_ack(tracker, 1);
    /* The cuts of 2 and 3 are still needed: a replay begins behind 1. */
    g_assert_cmpuint(take(tracker), ==, 1);
    add(tracker, 4, 1, true);
    g_assert_cmpuint(take(tracker), ==, 0);
    batch_tracker_ack(tracker, 4);
    g_assert_cmpuint(take(tracker), ==, 4);
    batch_tracker_free(tracker);
}

static void test_empty_batches(void)
{
    BatchTracker *tracker = batch_tracker_new();
    add(tracker, 1, 0, true);
    g_assert_cmpuint(take(tracker), ==, 1);
    add(tracker, 2, 1, true);
    add(tracker, 3, 0, true);
    add(tracker, 4, 0, false);
    g_assert_cmpuint(take(tracker), ==, 0);
    g_assert_cmpuint(batch_tracker_in_flight(tracker), ==, 1);
    batch_tracker_ack(tracker, 2);
    g_assert_cmpuint(take(tracker), ==, 3);
    add(tracker, 9, 0, true);
    g_assert_cmpuint(take(tracker), ==, 9);
    batch_tracker_free(tracker);
}

static void test_newer_checkpoint_replaces_one_not_taken(void)
{
    BatchTracker *tracker = batch_tracker_new();
    add(tracker, 1, 1, true);
    batch_tracker_ack(tracker, 1);
    add(tracker, 2, 1, true);
    batch_tracker_ack(tracker, 2);
    g_assert_cmpuint(take(tracker), ==, 2);
    g_assert_cmpuint(take(tracker), ==, 0);
    /* Freed with one that was not taken, and with one in flight. */
    add(tracker, 3, 0, true);
    add(tracker, 4, 1, true);
    batch_tracker_free(tracker);
}

/* The sum of the notes that the checkpoint taken last covers. */
static unsigned noted(BatchTracker *tracker)
{
    g_autoptr(GPtrArray) notes = batch_tracker_take_notes(tracker);
    unsigned sum = 0;
    for (unsigned i = 0; notes && i < notes->len; i++)
        sum += *(unsigned *)notes->pdata[i];
    return sum;
}

static void note_and_ack(BatchTracker *tracker, uint64_t seq, unsigned what)
{
    batch_tracker_note_take(tracker, seq, g_memdup2(&what, sizeof what), g_free);
    batch_tracker_ack(tracker, seq);
}

static void test_notes_come_with_the_checkpoint_that_covers_them(void)
{
    BatchTracker *tracker = batch_tracker_new();
    add(tracker, 1, 2, true);
    add(tracker, 2, 1, true);
    add(tracker, 3, 1, false);
    add(tracker, 4, 1, true);
    note_and_ack(tracker, 2, 20); /* acknowledged, but no checkpoint covers it */
    note_and_ack(tracker, 1, 1);
    g_assert_cmpuint(take(tracker), ==, 0);
    g_assert_cmpuint(noted(tracker), ==, 0);
    batch_tracker_ack(tracker, 1); /* of a table that failed: nothing to count */
    g_assert_cmpuint(take(tracker), ==, 2);
    g_assert_cmpuint(noted(tracker), ==, 21);
    g_assert_cmpuint(noted(tracker), ==, 0); /* given out once */
    note_and_ack(tracker, 3, 300);           /* within a group */
    g_assert_cmpuint(take(tracker), ==, 0);
    g_assert_cmpuint(noted(tracker), ==, 0);
    note_and_ack(tracker, 4, 4000);
    g_assert_cmpuint(take(tracker), ==, 4);
    g_assert_cmpuint(noted(tracker), ==, 4300);
    /* A newer checkpoint takes over the notes of one that was not taken; freed with some that no checkpoint covers. */
    add(tracker, 5, 1, true);
    note_and_ack(tracker, 5, 5);
    add(tracker, 6, 1, true);
    note_and_ack(tracker, 6, 6);
    add(tracker, 7, 1, false);
    note_and_ack(tracker, 7, 7);
    g_assert_cmpuint(take(tracker), ==, 6);
    g_assert_cmpuint(noted(tracker), ==, 11);
    batch_tracker_free(tracker);
}

typedef struct {
    unsigned pending;
    bool boundary;
} Model;

/* The newest boundary before which, and at which, everything is acknowledged. */
static unsigned model_reach(const GArray *models)
{
    unsigned reach = 0;
    for (unsigned i = 0; i < models->len && g_array_index(models, Model, i).pending == 0; i++)
        if (g_array_index(models, Model, i).boundary)
            reach = i + 1;
    return reach;
}

static void model_ack_any(BatchTracker *tracker, GArray *models)
{
    unsigned start = (unsigned)g_test_rand_int_range(0, (int)models->len);
    for (unsigned i = 0; i < models->len; i++) {
        unsigned at = (start + i) % models->len;
        Model *model = &g_array_index(models, Model, at);
        if (model->pending == 0)
            continue;
        model->pending--;
        batch_tracker_ack(tracker, at + 1);
        return;
    }
}

static void test_no_checkpoint_too_early_and_none_lost(void)
{
    for (unsigned round = 0; round < 300; round++) {
        BatchTracker *tracker = batch_tracker_new();
        g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(Model));
        unsigned given = 0;
        for (unsigned step = 0; step < 200; step++) {
            int what = g_test_rand_int_range(0, 10);
            if (what < 3 || models->len == 0) {
                Model model = {.pending = (unsigned)g_test_rand_int_range(0, 4),
                               .boundary = g_test_rand_int_range(0, 3) > 0};
                g_array_append_val(models, model);
                add(tracker, models->len, model.pending, model.boundary);
            } else if (what < 8) {
                model_ack_any(tracker, models);
            } else {
                unsigned reach = model_reach(models);
                g_assert_cmpuint(take(tracker), ==, reach > given ? reach : 0);
                given = reach;
            }
            unsigned in_flight = 0;
            for (unsigned i = 0; i < models->len; i++)
                in_flight += g_array_index(models, Model, i).pending > 0;
            g_assert_cmpuint(batch_tracker_in_flight(tracker), ==, in_flight);
        }
        batch_tracker_free(tracker);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cutter/limits-between-groups", test_limits_between_groups);
    g_test_add_func("/cutter/many-tables", test_many_tables_wait_longer);
    g_test_add_func("/cutter/nothing-to-seal", test_nothing_to_seal);
    g_test_add_func("/cutter/open-group-waits-for-its-end", test_open_group_waits_for_its_end);
    g_test_add_func("/cutter/open-group-without-rows", test_open_group_without_rows_is_no_place_for_a_cut);
    g_test_add_func("/cutter/savepoints-hold-longer", test_savepoints_hold_longer);
    g_test_add_func("/cutter/never-more-than-one-insert-holds", test_never_more_than_one_insert_holds);
    g_test_add_func("/cutter/forced-cuts", test_forced_cuts);
    g_test_add_func("/cutter/replay-repeats-every-batch", test_replay_repeats_every_batch);
    g_test_add_func("/tracker/acks-in-any-order", test_acks_in_any_order);
    g_test_add_func("/tracker/within-a-group-there-is-no-checkpoint", test_within_a_group_there_is_no_checkpoint);
    g_test_add_func("/tracker/empty-batches", test_empty_batches);
    g_test_add_func("/tracker/newer-replaces-one-not-taken", test_newer_checkpoint_replaces_one_not_taken);
    g_test_add_func("/batch/tracker/notes", test_notes_come_with_the_checkpoint_that_covers_them);
    g_test_add_func("/tracker/none-too-early-none-lost", test_no_checkpoint_too_early_and_none_lost);
    return g_test_run();
}
