/* geometry.h - the servers' spatial values to WKT.
 *
 * A value is a 4-byte SRID and WKB (OGC 06-103r4, little-endian, two coordinates). The text is that of MySQL's
 * ST_AsText: MULTIPOINT((1 1),(2 2)), GEOMETRYCOLLECTION EMPTY, the fewest digits that read back. Where the servers
 * differ: MariaDB writes MULTIPOINT(1 1,2 2), gives an exponent to fewer numbers, and no text for collections within
 * collections; MySQL swaps the axes of geographic reference systems. Here coordinates are always in the order x y in
 * which they are kept (longitude first; MySQL's 'axis-order=long-lat').
 */
#ifndef SLUICE_MYSQL_GEOMETRY_H
#define SLUICE_MYSQL_GEOMETRY_H

#include "mysql/text_out.h"

/* Appends the value's text. Returns NULL, or in static text what is wrong with the bytes. */
const char *geometry_to_wkt(const uint8_t *p, size_t len, TextOut *out);

#define GEOMETRY_SRID_SIZE 4 /* bytes before the WKB */

#endif
