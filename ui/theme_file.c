#include "theme_file.h"

#include <string.h>

#include "config.h"

#define FILE_NAME "theme.conf"
#define SECTION   "styles"

static const struct {
    const char *name, *meaning;
} styles[STYLE_COUNT] = {
    [STYLE_TEXT] = {"text", "all that is well"},
    [STYLE_DIM] = {"dim", "frames, labels, figures that are no longer news"},
    [STYLE_TITLE] = {"title", "headings and the row under the cursor"},
    [STYLE_WAIT] = {"wait", "something waits, or headroom gets short"},
    [STYLE_LOST] = {"lost", "something failed, or ground is about to be lost"},
    [STYLE_KEY] = {"key", "keys in the footer"},
    [STYLE_INPUT] = {"input", "fields to type into"},
    [STYLE_MARK] = {"mark", "the name under the cursor"},
};

static const char *const colours[] = {"black",        "red",           "green",       "yellow",         "blue",
                                      "magenta",      "cyan",          "white",       "bright-black",   "bright-red",
                                      "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan",
                                      "bright-white"};

static bool read_word(ThemeAttr *attr, const char *word)
{
    guint64 number;
    if (g_str_equal(word, "bold"))
        attr->bold = true;
    else if (g_str_equal(word, "dim"))
        attr->dim = true;
    else if (g_str_equal(word, "reverse"))
        attr->reverse = true;
    else if (g_str_equal(word, "underline"))
        attr->underline = true;
    else if (g_str_equal(word, "default"))
        attr->colour = THEME_DEFAULT;
    else if (g_ascii_string_to_unsigned(word, 10, 0, 255, &number, NULL))
        attr->colour = (int)number;
    else {
        for (int i = 0; i < (int)G_N_ELEMENTS(colours); i++)
            if (g_str_equal(colours[i], word)) {
                attr->colour = i;
                return true;
            }
        return false;
    }
    return true;
}

static int style_of(const char *name)
{
    for (int style = 0; style < STYLE_COUNT; style++)
        if (g_str_equal(styles[style].name, name))
            return style;
    return -1;
}

static void read_style(ThemeChoice *choice, const char *name, char **words, GPtrArray *problems)
{
    int style = style_of(name);
    ThemeAttr attr = {.colour = THEME_DEFAULT};
    if (style < 0) {
        config_problem(problems, FILE_NAME, "%s: there is no such style; `sluice --print-theme` lists them", name);
        return;
    }
    for (char **word = words; *word; word++)
        if (!read_word(&attr, *word)) {
            config_problem(problems, FILE_NAME,
                           "%s: '%s' is no colour (a name, 0 to 255, default) and not bold, dim, reverse or underline",
                           name, *word);
            return;
        }
    choice->set[style] = true;
    choice->attrs[style] = attr;
}

ThemeChoice theme_file_load(GPtrArray *problems)
{
    ThemeChoice choice = {{false}, {{0}}};
    g_autoptr(GKeyFile) config = config_load(FILE_NAME, problems);
    g_auto(GStrv) sections = config ? g_key_file_get_groups(config, NULL) : NULL;
    for (char **section = sections; section && *section; section++)
        if (!g_str_equal(*section, SECTION))
            config_problem(problems, FILE_NAME, "[%s]: there is no such section, only [" SECTION "]", *section);
    g_auto(GStrv) names = config ? g_key_file_get_keys(config, SECTION, NULL, NULL) : NULL;
    for (char **name = names; name && *name; name++) {
        g_auto(GStrv) words = config_words(config, SECTION, *name);
        read_style(&choice, *name, words, problems);
    }
    return choice;
}

char *theme_file_text(void)
{
    GString *text = g_string_new(
        "# Looks of sluice's dashboard, as they are without this file: $XDG_CONFIG_HOME/sluice/theme.conf "
        "(~/.config).\n"
        "# A colour (black red green yellow blue magenta cyan white, bright-red and so on, 0 to 255, default) and any "
        "of\n"
        "# bold dim reverse underline. With fewer colours the nearest is taken; NO_COLOR takes all of them away.\n\n"
        "[" SECTION "]\n");
    for (int style = 0; style < STYLE_COUNT; style++) {
        ThemeAttr attr = theme_default(256, (Style)style);
        g_string_append_printf(text, "# %s\n%s =", styles[style].meaning, styles[style].name);
        if (attr.colour == THEME_DEFAULT)
            g_string_append(text, " default");
        else if (attr.colour < (int)G_N_ELEMENTS(colours))
            g_string_append_printf(text, " %s", colours[attr.colour]);
        else
            g_string_append_printf(text, " %d", attr.colour);
        g_string_append_printf(text, "%s%s%s%s\n", attr.bold ? " bold" : "", attr.dim ? " dim" : "",
                               attr.reverse ? " reverse" : "", attr.underline ? " underline" : "");
    }
    return g_string_free(text, FALSE);
}
