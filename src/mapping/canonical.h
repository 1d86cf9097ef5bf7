/* canonical.h - how both servers are asked for the same value so that they write it alike, and how a key's value that
 * one of them wrote is written as a literal for either. Pure: SQL text alone.
 *
 * A column is compared by hash when its type has a form in which both ends agree on every value that the mapping does
 * not change. What has none is compared by value, through the mapping itself.
 */
#ifndef SLUICE_MAPPING_CANONICAL_H
#define SLUICE_MAPPING_CANONICAL_H

#include "mapping/mapping.h"

/* PLAIN: ASCII text without ';'. BYTES: any bytes. NONE: the ends have no form in common. */
typedef enum { CANONICAL_NONE, CANONICAL_PLAIN, CANONICAL_BYTES } CanonicalKind;

/* `type`: of the destination's column; `binary`: the form that bytes are kept in. */
CanonicalKind canonical_kind(const SourceColumn *column, const char *type, BinaryForm binary);

/* Of a row: the first 64 bits of SHA-256 (MySQL 9.6 has no MD5 any more) over the text of all its columns, which no
 * other row has: each column is NULL ("N"), or text and ';', or length, ':' and bytes. For COUNT and XOR over a range.
 * To be appended for one column after the other; `first` begins. Of columns whose kind is not NONE. */
void canonical_source_hash(GString *sql, const SourceColumn *column, const char *type, bool first);
void canonical_source_hash_end(GString *sql); /* an expression of BIGINT UNSIGNED */
void canonical_dest_hash(GString *sql, const SourceColumn *column, const char *type, const char *name, bool first);
void canonical_dest_hash_end(GString *sql); /* UInt64 */

/* ---- Keys ----
 *
 * The text of a key's value is plain, or its bytes in hexadecimal (key_is_hex). */

/* Whether both servers put values of the column in the same order. NEARLY: but for characters that a padded comparison
 * sorts before the space; then a row may stand in another range at one end than at the other. */
typedef enum { CANONICAL_ORDER_UNLIKE, CANONICAL_ORDER_NEARLY, CANONICAL_ORDER_ALIKE } CanonicalOrder;
CanonicalOrder canonical_key_order(const SourceColumn *column, BinaryForm binary);

bool canonical_key_is_hex(const SourceColumn *column);
/* The value's text, of a column of the table `t`; for columns whose order is not UNLIKE. */
void canonical_key_source(GString *sql, const SourceColumn *column);
void canonical_key_dest(GString *sql, const SourceColumn *column, BinaryForm binary, const char *expression);

/* Literals that compare equal to it: at the source in the column's own collation, ENUM and SET by number (as chunk
 * readers bound their ranges); without a comma unless the text has one. */
void canonical_key_source_literal(GString *sql, const SourceColumn *column, const char *text);
void canonical_key_dest_literal(GString *sql, const SourceColumn *column, BinaryForm binary, const char *type,
                                const char *text);

#endif
