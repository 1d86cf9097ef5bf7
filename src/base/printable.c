#include "base/printable.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* Characters that move, hide or reorder what stands around them: bidi controls, zero-width and invisible ones, line and
 * paragraph separators, interlinear annotation, tags (Unicode 15, general categories Cf, Zl, Zp). */
static bool is_invisible(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
        return true;
    default:
        return c == 0x034F || c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFA0; /* joiner and fillers */
    }
}

/* Writes what stands for the character at `p` into `out` (at least 16 bytes). Returns the bytes read; `chars` gets how
 * many characters were written. */
static size_t take_char(const char *p, size_t left, char *out, size_t *chars)
{
    unsigned char byte = (unsigned char)*p;
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = *p;
        out[1] = '\0';
        *chars = 1;
        return 1;
    }
    gunichar c = byte < 0x80 ? byte : g_utf8_get_char_validated(p, (gssize)left);
    if (byte < 0x80 || c == (gunichar)-1 || c == (gunichar)-2) {
        *chars = (size_t)g_snprintf(out, 16, "\\x%02X", byte);
        return 1;
    }
    size_t len = (size_t)(g_utf8_next_char(p) - p);
    if (c < 0xa0) {
        *chars = (size_t)g_snprintf(out, 16, "\\x%02X", (unsigned)c);
    } else if (is_invisible(c)) {
        *chars = (size_t)g_snprintf(out, 16, "\\u{%04X}", (unsigned)c);
    } else {
        memcpy(out, p, len);
        out[len] = '\0';
        *chars = 1;
    }
    return len;
}

char *printable_n(const char *bytes, size_t len, size_t max_chars)
{
    GString *out = g_string_sized_new(MIN(len, 4096) + 1);
    size_t count = 0, cut = 0; /* `cut`: length of the longest part that leaves room for the ellipsis */
    for (size_t i = 0; i < len;) {
        char piece[16];
        size_t chars;
        i += take_char(bytes + i, len - i, piece, &chars);
        if (max_chars > 0 && count + chars > max_chars) {
            g_string_truncate(out, cut);
            g_string_append(out, ELLIPSIS);
            break;
        }
        g_string_append(out, piece);
        count += chars;
        if (count < max_chars)
            cut = out->len;
    }
    return g_string_free(out, FALSE);
}

char *printable(const char *text, size_t max_chars)
{
    return text == NULL ? g_strdup("") : printable_n(text, strlen(text), max_chars);
}
