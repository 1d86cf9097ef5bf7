#include "json_delta.h"

#include <glib.h>
#include <stdlib.h>

static bool all_objects(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_object(json_array_get(array, i)))
            return false;
    return true;
}

static json_t *or_nothing(json_t *delta)
{
    if (json_object_size(delta))
        return delta;
    json_decref(delta);
    return NULL;
}

static bool of_objects(json_t *old, json_t *now, json_t **delta)
{
    json_t *changed = json_object(), *value, *part;
    const char *name;
    bool ok = true;
    json_object_foreach(now, name, value)
    {
        json_t *before = json_object_get(old, name);
        ok = ok && json_delta(before, value, &part);
        if (ok && part)
            json_object_set_new(changed, name, part);
    }
    json_object_foreach(old, name, value)
    {
        if (!json_object_get(now, name))
            json_object_set_new(changed, name, json_null());
    }
    *delta = or_nothing(changed);
    return ok;
}

static bool of_elements(json_t *old, json_t *now, json_t **delta)
{
    json_t *changed = json_object(), *part;
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(now); i++) {
        char number[24];
        ok = json_delta(json_array_get(old, i), json_array_get(now, i), &part);
        g_snprintf(number, sizeof number, "%zu", i);
        if (ok && part)
            json_object_set_new(changed, number, part);
    }
    *delta = or_nothing(changed);
    return ok;
}

bool json_delta(json_t *old, json_t *now, json_t **delta)
{
    *delta = NULL;
    if (json_is_object(old) && json_is_object(now))
        return of_objects(old, now, delta);
    if (json_is_array(old) && json_is_array(now) && json_array_size(old) == json_array_size(now) && all_objects(old) &&
        all_objects(now))
        return of_elements(old, now, delta);
    if (json_is_array(old) && json_is_object(now))
        return false;
    *delta = old && json_equal(old, now) ? NULL : json_incref(now);
    return true;
}

static json_t *apply_members(json_t *old_take, json_t *delta)
{
    json_t *part;
    const char *name;
    json_object_foreach(delta, name, part)
    {
        json_t *before = json_object_get(old_take, name);
        json_t *after = before ? json_delta_apply(json_incref(before), part) : json_incref(part);
        if (!after || json_object_set_new(old_take, name, after) != 0) {
            json_decref(old_take);
            return NULL;
        }
    }
    return old_take;
}

static json_t *apply_elements(json_t *old_take, json_t *delta)
{
    json_t *part;
    const char *number;
    json_object_foreach(delta, number, part)
    {
        json_t *before = json_array_get(old_take, strtoul(number, NULL, 10));
        json_t *after = before ? json_delta_apply(json_incref(before), part) : NULL;
        if (!after || json_array_set_new(old_take, strtoul(number, NULL, 10), after) != 0) {
            json_decref(old_take);
            return NULL;
        }
    }
    return old_take;
}

json_t *json_delta_apply(json_t *old_take, json_t *delta)
{
    if (json_is_object(delta) && json_is_object(old_take))
        return apply_members(old_take, delta);
    if (json_is_object(delta) && json_is_array(old_take))
        return apply_elements(old_take, delta);
    json_decref(old_take);
    return json_incref(delta);
}
