#include "config.h"

#include <stdarg.h>

void config_problem(GPtrArray *problems, const char *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(problems, g_strdup_printf("%s: %s", file, text));
}

GKeyFile *config_load(const char *file, GPtrArray *problems)
{
    g_autofree char *path = g_build_filename(g_get_user_config_dir(), "sluice", file, NULL);
    g_autoptr(GKeyFile) config = g_key_file_new();
    g_autoptr(GError) error = NULL;
    if (g_key_file_load_from_file(config, path, G_KEY_FILE_NONE, &error))
        return g_steal_pointer(&config);
    if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        config_problem(problems, file, "%s", error->message);
    return NULL;
}

char **config_words(GKeyFile *config, const char *section, const char *name)
{
    g_autofree char *value = g_key_file_get_value(config, section, name, NULL);
    g_auto(GStrv) parts = g_strsplit_set(value ? value : "", " \t", -1);
    GPtrArray *words = g_ptr_array_new();
    for (char **part = parts; *part; part++)
        if (**part)
            g_ptr_array_add(words, g_strdup(*part));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}
