#include "pipe/column_counts.h"

#include <jansson.h>
#include <string.h>

static void column_count_free(ColumnCount *count)
{
    g_free(count->name);
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

static void add(GPtrArray *counts, const char *name, const MappingCounters *changed)
{
    if (!(changed->converted_zero_dates | changed->clamped | changed->undecodable))
        return;
    MappingCounters *counters = &find_or_add(counts, name)->counters;
    counters->converted_zero_dates += changed->converted_zero_dates;
    counters->clamped += changed->clamped;
    counters->undecodable += changed->undecodable;
}

GPtrArray *column_counts_copy(const GPtrArray *counts)
{
    GPtrArray *copy = column_counts_new();
    for (unsigned i = 0; i < counts->len; i++) {
        const ColumnCount *count = counts->pdata[i];
        add(copy, count->name, &count->counters);
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
        json_object_set_new(json, count->name,
                            json_pack("[I, I, I]", (json_int_t)c->converted_zero_dates, (json_int_t)c->clamped,
                                      (json_int_t)c->undecodable));
    }
    char *dumped = json_dumps(json, JSON_COMPACT), *text = g_strdup(dumped);
    free(dumped);
    json_decref(json);
    return text;
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
        MappingCounters counters = {number_at(list, 0), number_at(list, 1), number_at(list, 2)};
        add(counts, name, &counters);
    }
    json_decref(json);
    return counts;
}
