#include "pipe/pending_plan.h"

#include "pipe/json_text.h"

#include <string.h>

void pending_plan_clear(PendingPlan *plan)
{
    if (plan->steps)
        g_ptr_array_unref(plan->steps);
    if (plan->notes)
        g_ptr_array_unref(plan->notes);
    g_strfreev(plan->kept);
    g_free(plan->advise);
    g_free(plan->tag);
    memset(plan, 0, sizeof *plan);
}

static json_t *strings_to_json(char *const *strings, size_t n)
{
    json_t *json = json_array();
    for (size_t i = 0; i < n; i++) {
        g_autofree char *valid = g_utf8_make_valid(strings[i], -1);
        json_array_append_new(json, json_string(valid));
    }
    return json;
}

static GPtrArray *strings_from_json(const json_t *json)
{
    GPtrArray *strings = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(json); i++)
        g_ptr_array_add(strings, g_strdup(json_string_value(json_array_get(json, i))));
    return strings;
}

bool pending_plan_find(const char *definition, const char *id, PendingPlan *out)
{
    json_t *json = definition ? json_loads(definition, 0, NULL) : NULL;
    const json_t *pending = json_object_get(json, "pending");
    bool found = g_strcmp0(json_string_value(json_object_get(pending, "id")), id) == 0;
    if (found) {
        g_autoptr(GPtrArray) kept = strings_from_json(json_object_get(pending, "kept"));
        out->steps = strings_from_json(json_object_get(pending, "steps"));
        out->notes = strings_from_json(json_object_get(pending, "notes"));
        out->advise = g_strdup(json_string_value(json_object_get(pending, "advise")));
        const char *tag = json_string_value(json_object_get(pending, "tag"));
        out->tag = g_strdup(tag ? tag : id);
        out->rename_step = (unsigned)json_integer_value(json_object_get(pending, "rename_step"));
        out->rename_after = (uint64_t)json_integer_value(json_object_get(pending, "rename_after"));
        out->kept = kept->len ? g_new0(char *, kept->len + 1) : NULL;
        for (unsigned i = 0; i < kept->len; i++)
            out->kept[i] = g_strdup(kept->pdata[i]);
    }
    json_decref(json);
    return found;
}

char *pending_plan_note(const char *definition, const char *id, const PendingPlan *plan)
{
    json_t *json = json_loads(definition, 0, NULL), *pending = json_object();
    json_object_set_new(pending, "id", json_string(id));
    json_object_set_new(pending, "tag", json_string(plan->tag));
    json_object_set_new(pending, "steps", strings_to_json((char *const *)plan->steps->pdata, plan->steps->len));
    json_object_set_new(pending, "notes", strings_to_json((char *const *)plan->notes->pdata, plan->notes->len));
    json_object_set_new(pending, "kept", strings_to_json(plan->kept, plan->kept ? g_strv_length(plan->kept) : 0));
    if (plan->rename_step) {
        json_object_set_new(pending, "rename_step", json_integer(plan->rename_step));
        json_object_set_new(pending, "rename_after", json_integer((json_int_t)plan->rename_after));
    }
    if (plan->advise)
        json_object_set_new(pending, "advise", json_string(plan->advise));
    json_object_set_new(json, "pending", pending);
    return json_text_take(json);
}
