/* charset.h - text of the servers' charsets to UTF-8, equal to the servers' own CONVERT for every byte sequence.
 *
 * utf8mb4, utf8mb3 and ascii are checked and copied; 8-bit charsets (latin1 is cp1252 in these servers) go by tables
 * read from a server; East Asian ones by tables made from the C library's converters with the differences corrected.
 * Bytes that do not decode are kept as they are and counted by the caller. (Halves of surrogate pairs in utf8 count as
 * such, MariaDB lets them pass; in ucs2 they are kept, as MariaDB does, where MySQL's CONVERT cuts the text off.)
 */
#ifndef SLUICE_MYSQL_CHARSET_H
#define SLUICE_MYSQL_CHARSET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Charset Charset; /* immutable, static: shared by all threads */

const Charset *charset_find(const char *mysql_name); /* "utf8mb4", "latin1"; NULL: not known, preflight refuses it */
bool charset_is_utf8(const Charset *charset);        /* bytes are already UTF-8: copied without conversion */
/* Most bytes that converting `len` bytes can give. */
size_t charset_max_utf8(const Charset *charset, size_t len);
/* Writes UTF-8 to `out` (room: charset_max_utf8) and its length. Returns false when some bytes did not decode: `out`
 * then holds the input unchanged. */
bool charset_to_utf8(const Charset *charset, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len);

/* Some charsets have two codes for one character (cp932: 81CA and EEF9 are U+FFE2), so two texts become one. */
typedef struct CharsetTwins CharsetTwins;
const CharsetTwins *charset_twins(const Charset *charset); /* NULL: there are none. Made at first use, kept for ever */
/* Whether the text that was converted holds a character that the charset can write in more than one way. */
bool charset_has_twin(const CharsetTwins *twins, const uint8_t *utf8, size_t len);

/* The charset of a collation by its number; NULL: not known. */
const char *collation_charset(uint32_t number);

#endif
