/* casefold.h - text from servers without upper and lower case. */
#ifndef SLUICE_BASE_CASEFOLD_H
#define SLUICE_BASE_CASEFOLD_H

#include <stdbool.h>

/* A new string to compare by: `text` case-folded as Unicode has it. Any bytes are taken: what is not UTF-8 is replaced first, for
 * g_utf8_casefold reads behind the end of such text. Free with g_free. */
char *casefold(const char *text);

/* Whether two texts differ in upper and lower case at most. Texts that are not both UTF-8 are the same only byte by byte. */
bool casefold_equal(const char *a, const char *b);

#endif
