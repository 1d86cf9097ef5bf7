#include "pipe/column_counts.h"

#include "pipe/json_text.h"

#include <string.h>

static void column_count_free(ColumnCount *count)
{
    g_free(count->name);
    for (unsigned i = 0; i < COLUMN_SAMPLES; i++)
        g_free(count->samples[i]);
    g_free(count);
}

GPtrArray *column_counts_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)column_count_free);
}

static ColumnCount *find_or_add(GPtrArray *counts, const char *name)
{
    for (unsigned i = 0; i < counts->len; i++) {
        ColumnCount *count = counts->pdata[i];
        if (strcmp(count->name, name) == 0)
            return count;
    }
    ColumnCount *count = g_new0(ColumnCount, 1);
    count->name = g_strdup(name);
    g_ptr_array_add(counts, count);
    return count;
}

/* To the front; the oldest goes. */
static void add_sample(ColumnCount *count, const char *sample)
{
    unsigned at = 0;
    while (at < COLUMN_SAMPLES - 1 && count->samples[at] && strcmp(count->samples[at], sample) != 0)
        at++;
    g_free(count->samples[at]);
    memmove(count->samples + 1, count->samples, at * sizeof *count->samples);
    count->samples[0] = g_strdup(sample);
}

/* NULL: none were changed. */
static ColumnCount *add(GPtrArray *counts, const char *name, const MappingCounters *changed)
{
    if (!(changed->converted_zero_dates | changed->clamped | changed->undecodable))
        return NULL;
    ColumnCount *count = find_or_add(counts, name);
    count->counters.converted_zero_dates += changed->converted_zero_dates;
    count->counters.clamped += changed->clamped;
    count->counters.undecodable += changed->undecodable;
    if (*changed->zero_date)
        add_sample(count, changed->zero_date);
    if (*changed->other)
        add_sample(count, changed->other);
    return count;
}

GPtrArray *column_counts_copy(const GPtrArray *counts)
{
    GPtrArray *copy = column_counts_new();
    for (unsigned i = 0; i < counts->len; i++) {
        const ColumnCount *count = counts->pdata[i];
        ColumnCount *to = add(copy, count->name, &count->counters);
        for (unsigned s = 0; to && s < COLUMN_SAMPLES; s++)
            to->samples[s] = g_strdup(count->samples[s]);
    }
    return copy;
}

void column_counts_add(GPtrArray *counts, const SourceTable *definition, const MappingCounters *changed)
{
    for (unsigned i = 0; i < definition->n_columns; i++)
        add(counts, definition->columns[i].name, &changed[i]);
}

char *column_counts_to_json(const GPtrArray *counts)
{
    if (!counts->len)
        return NULL;
    json_t *json = json_object();
    for (unsigned i = 0; i < counts->len; i++) {
        const ColumnCount *count = counts->pdata[i];
        const MappingCounters *c = &count->counters;
        json_t *list = json_pack("[I, I, I]", (json_int_t)c->converted_zero_dates, (json_int_t)c->clamped, (json_int_t)c->undecodable);
        for (unsigned s = 0; s < COLUMN_SAMPLES && count->samples[s]; s++)
            json_array_append_new(list, json_string(count->samples[s]));
        json_object_set_new(json, count->name, list);
    }
    return json_text_take(json);
}

static uint64_t number_at(const json_t *list, size_t i)
{
    json_int_t number = json_integer_value(json_array_get(list, i));
    return number > 0 ? (uint64_t)number : 0;
}

GPtrArray *column_counts_from_json(const char *text)
{
    GPtrArray *counts = column_counts_new();
    json_t *json = text ? json_loads(text, 0, NULL) : NULL, *list;
    const char *name;
    json_object_foreach(json, name, list)
    {
        MappingCounters counters = {number_at(list, 0), number_at(list, 1), number_at(list, 2), "", ""};
        ColumnCount *count = add(counts, name, &counters);
        for (size_t i = MIN(json_array_size(list), 3 + COLUMN_SAMPLES); count && i-- > 3;)
            if (json_is_string(json_array_get(list, i)))
                add_sample(count, json_string_value(json_array_get(list, i)));
    }
    json_decref(json);
    return counts;
}
