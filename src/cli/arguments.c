#include "cli/arguments.h"
#include "base/base.h"

#include <string.h>

char **arguments_take(int argc, char **argv)
{
    char **copy = g_new0(char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++) {
        copy[i] = g_strdup(argv[i]);
        g_autofree char *shown = url_redact(argv[i]);
        if (strcmp(shown, argv[i]) == 0)
            continue;
        /* `***` may be longer than the password: only as much as there is room for. */
        size_t len = strlen(argv[i]);
        explicit_bzero(argv[i], len);
        memcpy(argv[i], shown, MIN(strlen(shown), len));
    }
    return copy;
}

/* Appends the parameter `name=value` as it is, or with an absolute path. */
static void append_param(GString *out, const char *param, size_t len)
{
    static const char *const FILES[] = {"password-file=", "ssl-ca=", "ssl-cert=", "ssl-key=", "socket="};
    for (unsigned i = 0; i < G_N_ELEMENTS(FILES); i++) {
        size_t name = strlen(FILES[i]);
        if (len <= name || strncmp(param, FILES[i], name) != 0)
            continue;
        const char *value = param + name;
        if (value[0] == '/' || g_ascii_strncasecmp(value, "%2f", MIN(3, len - name)) == 0)
            break;
        g_autofree char *dir = g_get_current_dir();
        g_string_append(out, FILES[i]);
        g_string_append_uri_escaped(out, dir, "/", TRUE);
        g_string_append_c(out, '/');
        g_string_append_len(out, value, (gssize)(len - name));
        return;
    }
    g_string_append_len(out, param, (gssize)len);
}

char *arguments_url(const char *text)
{
    const char *query = strchr(text, '?');
    if (query == NULL)
        return g_strdup(text);
    GString *out = g_string_new_len(text, query + 1 - text);
    for (const char *param = query + 1;;) {
        size_t len = strcspn(param, "&");
        append_param(out, param, len);
        if (param[len] == '\0')
            return g_string_free(out, FALSE);
        g_string_append_c(out, '&');
        param += len + 1;
    }
}

json_t *arguments_text(const char *word, GError **error)
{
    json_t *text = json_string(word);
    if (text == NULL) {
        g_autofree char *shown = printable(word, 60);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "'%s' is not valid UTF-8", shown);
    }
    return text;
}

static bool append_text(json_t *list, const char *word, GError **error)
{
    json_t *text = arguments_text(word, error);
    return text != NULL && json_array_append_new(list, text) == 0;
}

static bool append_file(json_t *list, const char *path, GError **error)
{
    g_autofree char *content = NULL;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &content, NULL, &why)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "cannot read the list: %s", why->message);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_strstrip(*line);
        if ((*line)[0] != '\0' && (*line)[0] != '#' && !append_text(list, *line, error))
            return false;
    }
    return true;
}

json_t *arguments_lists(char **lists, GError **error)
{
    json_t *out = json_array();
    for (; lists != NULL && *lists != NULL; lists++) {
        bool ok = (*lists)[0] == '@' ? append_file(out, *lists + 1, error) : append_text(out, *lists, error);
        if (!ok) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *arguments_settings(char **pairs, GError **error)
{
    json_t *out = json_object();
    for (; pairs != NULL && *pairs != NULL; pairs++) {
        const char *equals = strchr(*pairs, '=');
        json_t *value = NULL;
        if (equals == NULL || equals == *pairs || !g_utf8_validate(*pairs, -1, NULL)) {
            g_autofree char *shown = printable(*pairs, 60);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "settings are written NAME=VALUE, not '%s'", shown);
        } else {
            value = arguments_text(equals + 1, error);
        }
        if (value == NULL) {
            json_decref(out);
            return NULL;
        }
        g_autofree char *name = g_strndup(*pairs, (gsize)(equals - *pairs));
        json_object_set_new(out, name, value);
    }
    return out;
}
