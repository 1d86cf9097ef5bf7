#include "pipe/shape.h"

#include <stddef.h>
#include <string.h>

/* Names that the catalog holds: they are never changed. */
static const struct {
    const char *name, *setting;
    size_t offset;
} flags[] = {
    {"tinyint1_bool", "tinyint1", offsetof(MappingSettings, tinyint1_bool)},
    {"nullable_off", "nullable", offsetof(MappingSettings, nullable_off)},
    {"set_array", "set", offsetof(MappingSettings, set_array)},
    {"json_type", "json", offsetof(MappingSettings, json_type)},
    {"geometry_wkb", "geometry", offsetof(MappingSettings, geometry_wkb)},
};

static bool *flag_of(const MappingSettings *settings, size_t i)
{
    return (bool *)((char *)settings + flags[i].offset);
}

bool shape_setting_differs(const char *name, const MappingSettings *a, const MappingSettings *b)
{
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        if (strcmp(name, flags[i].setting) == 0)
            return *flag_of(a, i) != *flag_of(b, i);
    return strcmp(name, "binary") == 0 && a->binary != b->binary;
}

bool shape_same(const MappingSettings *a, const MappingSettings *b)
{
    bool same = a->binary == b->binary;
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        same = same && *flag_of(a, i) == *flag_of(b, i);
    return same;
}

void shape_copy(const MappingSettings *from, MappingSettings *to)
{
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        *flag_of(to, i) = *flag_of(from, i);
    to->binary = from->binary;
}

json_t *shape_to_json(const MappingSettings *settings)
{
    json_t *json = json_object();
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        json_object_set_new(json, flags[i].name, json_boolean(*flag_of(settings, i)));
    json_object_set_new(json, "binary", json_integer(settings->binary));
    return json;
}

void shape_from_json(const json_t *json, MappingSettings *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        *flag_of(out, i) = json_is_true(json_object_get(json, flags[i].name));
    json_int_t binary = json_integer_value(json_object_get(json, "binary"));
    out->binary = binary >= BINARY_RAW && binary <= BINARY_BASE64 ? (BinaryForm)binary : BINARY_RAW;
}
