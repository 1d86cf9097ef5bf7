/* compressed.h - values of MariaDB's COMPRESSED columns as they stand in events (sql/field_comp.cc).
 *
 * An empty value has no bytes. Else the first is 0 and the plain bytes follow, or it holds the method in its high half
 * (8: zlib), bit 3 (deflate without zlib's own header and checksum), and in the low three bits how many bytes of the
 * plain length follow, high byte first; then the compressed bytes.
 */
#ifndef SLUICE_MYSQL_COMPRESSED_H
#define SLUICE_MYSQL_COMPRESSED_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Inflater Inflater; /* memory that is used again from value to value */
Inflater *inflater_new(void);
void inflater_free(Inflater *inflater);

/* Bytes that the value has when it is plain; false when that cannot be true, so that no memory is taken for it. */
bool compressed_size(const uint8_t *p, size_t len, size_t *size);
/* Writes those `size` bytes; false when the bytes are no such value. */
bool compressed_read(Inflater *inflater, const uint8_t *p, size_t len, uint8_t *out, size_t size);

#endif
