/* printable.h - the one filter that makes text from servers fit for a screen, a log or stderr. */
#ifndef SLUICE_BASE_PRINTABLE_H
#define SLUICE_BASE_PRINTABLE_H

#include <stddef.h>

/* A new string: valid UTF-8, on one line. Control bytes (also newline, tab, ESC, DEL, C1) become \xNN, bytes that are
 * not UTF-8 become \xNN, bidi controls and zero-width characters become \u{NNNN}. At most `max_chars` characters
 * (0: no limit), cut with an ellipsis. Free with g_free. */
char *printable(const char *text, size_t max_chars);
char *printable_n(const char *bytes, size_t len, size_t max_chars);

#endif
