#include "setting_list.h"

#include <string.h>

static void setting_free(void *data)
{
    Setting *setting = data;
    g_free(setting->name);
    g_free(setting->value);
    g_free(setting->initial);
    g_free(setting->values);
    g_free(setting->meaning);
    g_free(setting->when);
    g_free(setting);
}

static char *text_of(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return g_strdup(text ? text : "");
}

GPtrArray *setting_list_new(const json_t *list)
{
    GPtrArray *settings = g_ptr_array_new_with_free_func(setting_free);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        Setting *setting = g_new0(Setting, 1);
        setting->name = text_of(item, "name");
        setting->value = text_of(item, "value");
        setting->initial = text_of(item, "default");
        setting->values = text_of(item, "values");
        setting->meaning = text_of(item, "meaning");
        setting->when = text_of(item, "when");
        setting->waits = json_is_true(json_object_get(item, "waits"));
        g_ptr_array_add(settings, setting);
    }
    return settings;
}

static bool is_word(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!g_ascii_islower(*at) && !g_ascii_isdigit(*at))
            return false;
    return *text && g_ascii_islower(*text);
}

/* "lz4, zstd, none" are words; "auto, 1 to 64" and "none, NAME" are not all of them. */
char **setting_choices(const Setting *setting)
{
    g_auto(GStrv) words = g_strsplit(setting->values, ", ", -1);
    bool all = g_strv_length(words) > 1 && g_strv_contains((const char *const *)words, setting->initial);
    for (char **word = words; *word; word++)
        all = all && is_word(*word);
    return all ? g_steal_pointer(&words) : NULL;
}

bool setting_of_table(const Setting *setting)
{
    return strchr(setting->name, ':') != NULL;
}

static bool is_when(const Setting *setting, const char *word)
{
    return g_str_equal(setting->when, word);
}

bool setting_fixed(const Setting *setting, bool creating)
{
    return !creating && !is_when(setting, "live") && !is_when(setting, "resync");
}

const char *setting_when(const Setting *setting, bool creating)
{
    if (setting->waits)
        return "waits for resync";
    if (creating || is_when(setting, "live"))
        return creating ? "with the pipe" : "at once";
    if (is_when(setting, "resync"))
        return "at a resync";
    return is_when(setting, "create") ? "fixed at create" : "fixed in a file";
}

const char *setting_promise(const Setting *setting, bool creating)
{
    if (creating)
        return is_when(setting, "create") ? "It cannot be changed once the pipe is created."
                                          : "It can be changed later.";
    if (setting->waits)
        return "It waits: tables that were made with another value keep that one until they are loaded again.";
    if (is_when(setting, "live"))
        return "A change takes effect at once.";
    if (is_when(setting, "resync"))
        return "A change takes effect when a table is loaded again.";
    return is_when(setting, "create")
               ? "Fixed when the pipe was created; create another pipe to have another value."
               : "Fixed in engine.conf of the state dir: change it there, and start the engine again.";
}
