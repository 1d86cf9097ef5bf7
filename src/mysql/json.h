/* json.h - MySQL's binary JSON (sql-common/json_binary.h) to the text that the server prints.
 *
 * A value is a type byte and what follows from it. Objects and arrays hold a count, their size, entries (of objects
 * first those of the keys: offset and length) with a type and the value itself or where it stands from the container's
 * start, then keys and values. "Small" ones have numbers of two bytes in these places, "large" ones of four. A value
 * without bytes is null. Every offset and length is checked; text and nesting are bounded by what a server can write.
 */
#ifndef SLUICE_MYSQL_JSON_H
#define SLUICE_MYSQL_JSON_H

#include "mysql/text_out.h"
#include <stdbool.h>

/* Appends the document's text to `out`. Returns NULL, or in static text what is wrong with the bytes; `out` then holds
 * some text that is to be dropped. */
const char *json_binary_to_text(const uint8_t *p, size_t len, TextOut *out);

/* The same of what `diffs` (PARTIAL_UPDATE_ROWS: replace, insert, remove by path; sql-common/json_diff.h) make of the
 * document before. */
const char *json_diff_to_text(const uint8_t *before, size_t before_len, const uint8_t *diffs, size_t diffs_len,
                              TextOut *out);

#endif
