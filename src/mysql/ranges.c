#include "mysql/ranges.h"

#include <string.h>

/* Fewer keys than this between where a reader stands and its range's end are not worth another statement. */
#define MIN_STEAL_KEYS 10000u

/* Integer keys are compared as uint64_t in key order: unsigned ones as they are, signed ones with the sign bit flipped.
 */
#define SIGN_BIT ((uint64_t)1 << 63)

typedef struct {
    Range range; /* first, so that a pointer to it is one to the entry */
    bool taken, read_out;
    bool has_reading;
    uint64_t reading; /* integer keys: everything up to here was handed out */
} Entry;

struct RangePlan {
    GPtrArray *entries; /* of Entry, by id as made */
    bool integer, is_unsigned;
    bool has_bounds;
    uint64_t min, max; /* hints for the open ends; keys beyond them are read all the same */
    uint64_t next_id;
};

void range_free(Range *range)
{
    if (range == NULL)
        return;
    g_free(range->after);
    g_free(range->upto);
    g_free(range);
}

/* --- Integer keys --- */

static bool key_is_integer(const SourceTable *table)
{
    if (table->n_key != 1)
        return false;
    switch (table->columns[table->key[0]].type) {
    case SOURCE_TYPE_TINYINT:
    case SOURCE_TYPE_SMALLINT:
    case SOURCE_TYPE_MEDIUMINT:
    case SOURCE_TYPE_INT:
    case SOURCE_TYPE_BIGINT:
        return true;
    default:
        return false;
    }
}

static bool key_parse(const RangePlan *plan, const char *text, uint64_t *key)
{
    gint64 number;

    if (text == NULL)
        return false;
    if (plan->is_unsigned)
        return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, key, NULL);
    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
        return false;
    *key = (uint64_t)number ^ SIGN_BIT;
    return true;
}

static char *key_print(const RangePlan *plan, uint64_t key)
{
    if (plan->is_unsigned)
        return g_strdup_printf("%" G_GUINT64_FORMAT, key);
    return g_strdup_printf("%" G_GINT64_FORMAT, (gint64)(key ^ SIGN_BIT));
}

/* --- Making plans --- */

static RangePlan *plan_empty(const SourceTable *table)
{
    RangePlan *plan = g_new0(RangePlan, 1);

    plan->integer = key_is_integer(table);
    plan->is_unsigned = plan->integer && table->columns[table->key[0]].is_unsigned;
    plan->entries = g_ptr_array_new_with_free_func((GDestroyNotify)range_free);
    plan->next_id = 1;
    return plan;
}

static Entry *plan_add(RangePlan *plan, char *after_take, char *upto_take)
{
    Entry *entry = g_new0(Entry, 1);

    entry->range.id = plan->next_id++;
    entry->range.after = after_take;
    entry->range.upto = upto_take;
    g_ptr_array_add(plan->entries, entry);
    return entry;
}

void range_plan_set_bounds(RangePlan *plan, const char *min, const char *max)
{
    plan->has_bounds =
        plan->integer && key_parse(plan, min, &plan->min) && key_parse(plan, max, &plan->max) && plan->min <= plan->max;
}

RangePlan *range_plan_new(const SourceTable *table, const char *min, const char *max, unsigned pieces)
{
    RangePlan *plan = plan_empty(table);
    char *after = NULL;

    range_plan_set_bounds(plan, min, max);
    if (plan->has_bounds) {
        uint64_t span = plan->max - plan->min, last = plan->min;

        for (unsigned i = 1; i < pieces; i++) {
            uint64_t cut = plan->min + (uint64_t)((unsigned __int128)span * i / pieces);

            if (cut == last) /* fewer keys than pieces */
                continue;
            last = cut;
            plan_add(plan, after, key_print(plan, cut));
            after = key_print(plan, cut);
        }
    }
    plan_add(plan, after, NULL);
    return plan;
}

RangePlan *range_plan_restore_take(const SourceTable *table, GPtrArray *ranges)
{
    RangePlan *plan = plan_empty(table);

    for (unsigned i = 0; i < ranges->len; i++) {
        const Range *saved = ranges->pdata[i];
        Entry *entry = plan_add(plan, g_strdup(saved->after), g_strdup(saved->upto));

        entry->range.id = saved->id;
        entry->range.done = saved->done;
        entry->range.rows = saved->rows;
        plan->next_id = MAX(plan->next_id, saved->id + 1);
    }
    g_ptr_array_unref(ranges);
    return plan;
}

void range_plan_free(RangePlan *plan)
{
    if (plan == NULL)
        return;
    g_ptr_array_unref(plan->entries);
    g_free(plan);
}

/* --- Handing out --- */

static Entry *plan_find(const RangePlan *plan, uint64_t id)
{
    for (unsigned i = 0; i < plan->entries->len; i++) {
        Entry *entry = plan->entries->pdata[i];

        if (entry->range.id == id)
            return entry;
    }
    return NULL;
}

/* The keys of a running range that were not handed out yet: (low, high]. False: none that are known. */
static bool entry_unread(const RangePlan *plan, const Entry *entry, uint64_t *low, uint64_t *high)
{
    uint64_t after;

    if (entry->range.upto != NULL) {
        if (!key_parse(plan, entry->range.upto, high))
            return false;
    } else if (plan->has_bounds) {
        *high = plan->max;
    } else {
        return false;
    }
    if (entry->range.after != NULL) {
        if (!key_parse(plan, entry->range.after, low))
            return false;
    } else if (plan->has_bounds) {
        *low = plan->min; /* the smallest key itself stays with this range, whatever is cut off behind it */
    } else if (!entry->has_reading) {
        return false;
    } else {
        *low = 0;
    }
    after = entry->has_reading ? entry->reading : 0;
    *low = MAX(*low, after);
    return *low < *high;
}

static Entry *plan_steal(RangePlan *plan, GArray *changed)
{
    Entry *victim = NULL, *thief;
    uint64_t most = 2 * MIN_STEAL_KEYS - 1, middle = 0;

    for (unsigned i = 0; plan->integer && i < plan->entries->len; i++) {
        Entry *entry = plan->entries->pdata[i];
        uint64_t low, high;

        if (entry->range.done || entry->read_out || !entry->taken || !entry_unread(plan, entry, &low, &high) ||
            high - low <= most)
            continue;
        victim = entry;
        most = high - low;
        middle = low + most / 2;
    }
    if (victim == NULL)
        return NULL;
    thief = plan_add(plan, key_print(plan, middle), g_steal_pointer(&victim->range.upto));
    victim->range.upto = key_print(plan, middle);
    g_array_append_val(changed, victim->range.id);
    g_array_append_val(changed, thief->range.id);
    return thief;
}

const Range *range_plan_take(RangePlan *plan, GArray *changed)
{
    Entry *entry = NULL;

    for (unsigned i = 0; i < plan->entries->len && entry == NULL; i++) {
        Entry *candidate = plan->entries->pdata[i];

        if (!candidate->range.done && !candidate->taken)
            entry = candidate;
    }
    if (entry == NULL)
        entry = plan_steal(plan, changed);
    if (entry == NULL)
        return NULL;
    entry->taken = true;
    return &entry->range;
}

void range_plan_release(RangePlan *plan, uint64_t id)
{
    Entry *entry = plan_find(plan, id);

    g_assert(entry != NULL);
    entry->taken = entry->read_out = false;
    entry->has_reading = false;
}

const Range *range_plan_get(const RangePlan *plan, uint64_t id)
{
    Entry *entry = plan_find(plan, id);

    return entry != NULL ? &entry->range : NULL;
}

void range_plan_reading(RangePlan *plan, uint64_t id, const char *key)
{
    Entry *entry = plan_find(plan, id);

    g_assert(entry != NULL);
    if (plan->integer)
        entry->has_reading = key_parse(plan, key, &entry->reading);
}

void range_plan_read_out(RangePlan *plan, uint64_t id)
{
    plan_find(plan, id)->read_out = true;
}

bool range_plan_divides(const RangePlan *plan)
{
    return plan->integer;
}

bool range_plan_passed(const RangePlan *plan, uint64_t id, const char *key)
{
    const Range *range = range_plan_get(plan, id);
    uint64_t upto, at;

    return plan->integer && key_parse(plan, range->upto, &upto) && key_parse(plan, key, &at) && at > upto;
}

void range_plan_progress(RangePlan *plan, uint64_t id, const char *key, uint64_t rows)
{
    Entry *entry = plan_find(plan, id);

    g_assert(entry != NULL);
    entry->range.rows += rows;
    /* Rows above `upto` were read by a statement that began before half of the range was taken away: the other reader
     * answers for them. */
    if (range_plan_passed(plan, id, key))
        key = entry->range.upto;
    if (entry->range.after == NULL || strcmp(entry->range.after, key) != 0) {
        g_free(entry->range.after);
        entry->range.after = g_strdup(key);
    }
}

void range_plan_finish(RangePlan *plan, uint64_t id)
{
    Entry *entry = plan_find(plan, id);

    g_assert(entry != NULL);
    entry->range.done = true;
    entry->taken = false;
}

/* --- Looking --- */

bool range_plan_all_done(const RangePlan *plan)
{
    unsigned done, all = range_plan_count(plan, &done);

    return done == all;
}

unsigned range_plan_count(const RangePlan *plan, unsigned *done)
{
    *done = 0;
    for (unsigned i = 0; i < plan->entries->len; i++)
        *done += ((const Entry *)plan->entries->pdata[i])->range.done;
    return plan->entries->len;
}

uint64_t range_plan_rows_done(const RangePlan *plan)
{
    uint64_t rows = 0;

    for (unsigned i = 0; i < plan->entries->len; i++)
        rows += ((const Entry *)plan->entries->pdata[i])->range.rows;
    return rows;
}

const GPtrArray *range_plan_ranges(const RangePlan *plan)
{
    return plan->entries;
}
