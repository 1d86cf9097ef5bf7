#include "base/casefold.h"

#include <glib.h>
#include <string.h>

char *casefold(const char *text)
{
    if (g_utf8_validate(text, -1, NULL))
        return g_utf8_casefold(text, -1);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return g_utf8_casefold(valid, -1);
}

bool casefold_equal(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    if (!g_utf8_validate(a, -1, NULL) || !g_utf8_validate(b, -1, NULL))
        return false;
    g_autofree char *left = g_utf8_casefold(a, -1);
    g_autofree char *right = g_utf8_casefold(b, -1);
    return strcmp(left, right) == 0;
}
