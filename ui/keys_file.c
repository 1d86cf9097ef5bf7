#include "keys_file.h"

#include <string.h>

#include "config.h"

#define FILE_NAME "keys.conf"
#define GENERAL   "general"

static KeysPlace place_at(int i)
{
    return (KeysPlace)(1 << i);
}

/* What has to work whatever a file says: the way out, and the way to the shell. */
static bool is_fixed(KeyAction action)
{
    return action == ACTION_INTERRUPT || action == ACTION_SUSPEND;
}

/* The capital that the default table gives it says that it loses ground. */
static bool loses_ground(const KeyBinding *binding)
{
    return binding->keys[0] < 0x80 && g_ascii_isupper(binding->keys[0]);
}

static bool may_lose_ground(int key)
{
    bool function = key > KEYCODE_F0 && key <= KEYCODE_F10;
    bool control = key < ' ' && key != KEYCODE_TAB && key != KEYCODE_ENTER && key != KEYCODE_ESC;
    return function || control || (key < KEYCODE_UP && g_unichar_isupper((gunichar)key));
}

/* -- reading -- */

static bool read_keys(const KeyBinding *binding, char **words, int keys[KEYS_PER_BINDING], GPtrArray *problems,
                      const char *where)
{
    unsigned n = g_strv_length(words);
    if (!n || n > KEYS_PER_BINDING) {
        config_problem(problems, FILE_NAME, "%s has %s; name one to %d", where, n ? "too many keys" : "no key",
                       KEYS_PER_BINDING);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        keys[i] = keys_from_name(words[i]);
        if (!keys[i])
            config_problem(problems, FILE_NAME, "%s: '%s' is no key's name; `sluice --print-keys` shows some", where,
                           words[i]);
        else if (loses_ground(binding) && !may_lose_ground(keys[i]))
            config_problem(problems, FILE_NAME, "%s: '%s' is too easily pressed for it; a capital, ^U or F5 is not",
                           where, words[i]);
        else
            continue;
        return false;
    }
    return true;
}

/* True where the place has such an action. */
static bool read_action(Keymap *map, KeysPlace place, const char *name, char **words, GPtrArray *problems,
                        const char *where)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    for (unsigned i = 0; i < n; i++) {
        if (!(bindings[i].places & place) || !g_str_equal(keys_action_name(bindings[i].action), name))
            continue;
        int keys[KEYS_PER_BINDING] = {KEYCODE_NONE};
        if (is_fixed(bindings[i].action))
            config_problem(problems, FILE_NAME, "%s: its key is the same everywhere", where);
        else if (read_keys(&bindings[i], words, keys, problems, where))
            keymap_set(map, place, i, keys);
        return true;
    }
    return false;
}

static void read_section(Keymap *map, unsigned mask, GKeyFile *config, const char *section, GPtrArray *problems)
{
    g_auto(GStrv) names = g_key_file_get_keys(config, section, NULL, NULL);
    for (char **name = names; name && *name; name++) {
        g_auto(GStrv) words = config_words(config, section, *name);
        g_autofree char *where = g_strdup_printf("[%s] %s", section, *name);
        bool known = false;
        guint before = problems->len;
        for (int i = 0; i < KEYS_PLACES && problems->len == before; i++)
            if (mask & place_at(i))
                known = read_action(map, place_at(i), *name, words, problems, where) || known;
        if (!known)
            config_problem(problems, FILE_NAME, "%s: there is no such action; `sluice --print-keys` lists them", where);
    }
}

static bool read_mouse(GKeyFile *config, GPtrArray *problems)
{
    g_auto(GStrv) names = g_key_file_get_keys(config, GENERAL, NULL, NULL);
    bool on = false;
    for (char **name = names; name && *name; name++) {
        g_autofree char *value = g_key_file_get_string(config, GENERAL, *name, NULL);
        if (!g_str_equal(*name, "mouse"))
            config_problem(problems, FILE_NAME, "[general] %s: there is no such setting, only mouse", *name);
        else if (g_strcmp0(value, "on") != 0 && g_strcmp0(value, "off") != 0)
            config_problem(problems, FILE_NAME, "[general] mouse is on or off");
        else
            on = g_str_equal(value, "on");
    }
    return on;
}

/* -- one key, one meaning -- */

static bool is_changed(const Keymap *map, KeysPlace place, unsigned binding, const KeyBinding *bindings)
{
    return memcmp(keymap_keys(map, place, binding), bindings[binding].keys, sizeof bindings[binding].keys) != 0;
}

/* Another binding of the place that has one of this one's keys; its number, or -1. */
static int find_rival(const Keymap *map, KeysPlace place, unsigned binding, int *shared)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    const int *mine = keymap_keys(map, place, binding);
    for (unsigned other = 0; other < n; other++) {
        const int *theirs = keymap_keys(map, place, other);
        if (other == binding || !(bindings[other].places & place))
            continue;
        for (int i = 0; i < KEYS_PER_BINDING && mine[i]; i++)
            for (int k = 0; k < KEYS_PER_BINDING && theirs[k]; k++)
                if (mine[i] == theirs[k]) {
                    *shared = mine[i];
                    return (int)other;
                }
    }
    return -1;
}

/* Changed bindings go back to their default keys until no key has two meanings. The default ones have none, so it ends.
 */
static void settle(Keymap *map, KeysPlace place, GPtrArray *problems)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    for (unsigned i = 0; i < n; i++) {
        int shared, rival;
        if (!(bindings[i].places & place) || !is_changed(map, place, i, bindings) ||
            (rival = find_rival(map, place, i, &shared)) < 0)
            continue;
        g_autofree char *key = keys_name(shared, false);
        config_problem(problems, FILE_NAME, "[%s] %s: %s is the key of %s too, so its own stay", keys_place_name(place),
                       keys_action_name(bindings[i].action), key, keys_action_name(bindings[rival].action));
        keymap_set(map, place, i, bindings[i].keys);
        i = (unsigned)-1; /* its own keys may be another's now */
    }
}

bool keys_file_load(Keymap *map, GPtrArray *problems)
{
    g_autoptr(GKeyFile) config = config_load(FILE_NAME, problems);
    if (!config)
        return false;
    unsigned all = (1u << KEYS_PLACES) - 1;
    bool mouse = read_mouse(config, problems);
    read_section(map, all, config, "all", problems); /* first: a screen's own section says more */
    g_auto(GStrv) sections = g_key_file_get_groups(config, NULL);
    for (char **section = sections; *section; section++) {
        KeysPlace place = 0;
        for (int i = 0; i < KEYS_PLACES; i++)
            if (g_str_equal(keys_place_name(place_at(i)), *section))
                place = place_at(i);
        if (place)
            read_section(map, place, config, *section, problems);
        else if (!g_str_equal(*section, "all") && !g_str_equal(*section, GENERAL))
            config_problem(problems, FILE_NAME, "[%s]: there is no such screen; `sluice --print-keys` lists them",
                           *section);
    }
    for (int i = 0; i < KEYS_PLACES; i++)
        settle(map, place_at(i), problems);
    return mouse;
}

/* -- writing -- */

char *keys_file_text(void)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    GString *text = g_string_new(
        "# Keys of sluice's dashboard, as they are without this file: $XDG_CONFIG_HOME/sluice/keys.conf (~/.config).\n"
        "# Lines that stay as they are may go. [all] stands for every screen; a screen's own section says more.\n"
        "# A key is a character, ^U, F1 to F10 or a name as below; the first one stands in the footer. What may lose\n"
        "# ground (resync, skip, drop, remove) takes a capital, ^U or F5. ^C and ^Z stay what they are.\n\n"
        "[general]\n# on: a click moves the cursor, a second one opens, the wheel scrolls\nmouse = off\n");
    for (int p = 0; p < KEYS_PLACES; p++) {
        g_string_append_printf(text, "\n[%s]\n", keys_place_name(place_at(p)));
        for (unsigned i = 0; i < n; i++) {
            if (!(bindings[i].places & place_at(p)) || is_fixed(bindings[i].action))
                continue;
            g_string_append_printf(text, "%s =", keys_action_name(bindings[i].action));
            for (int k = 0; k < KEYS_PER_BINDING && bindings[i].keys[k]; k++) {
                g_autofree char *name = keys_name(bindings[i].keys[k], false);
                g_string_append_printf(text, " %s", name);
            }
            g_string_append_c(text, '\n');
        }
    }
    return g_string_free(text, FALSE);
}
