/* double_text.h - doubles as both servers print them: the fewest digits that read back as the same number. */
#ifndef SLUICE_MYSQL_DOUBLE_TEXT_H
#define SLUICE_MYSQL_DOUBLE_TEXT_H

#include <stddef.h>

#define DOUBLE_TEXT_MAX 48

/* The servers' my_gcvt (strings/dtoa.cc): 1.5, 0.001, 1e15, 2.5e-7. Numbers below 1e-15, from 1e15 on, and those that
 * would be longer than `width` characters get an exponent. Not NUL-terminated; returns the length. Infinities and NaN,
 * which no server keeps, give "0" as my_gcvt does. */
size_t double_text(double value, unsigned width, char out[DOUBLE_TEXT_MAX]);

#define DOUBLE_WIDTH_JSON     34 /* MY_GCVT_MAX_FIELD_WIDTH */
#define DOUBLE_WIDTH_GEOMETRY 25 /* of MySQL's ST_AsText [tried on 9.7] */

#endif
