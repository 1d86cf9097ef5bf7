/* multibyte_private.h - the servers' East Asian charsets, by tables made from the C library's converters at first use.
 */
#ifndef SLUICE_MYSQL_MULTIBYTE_PRIVATE_H
#define SLUICE_MYSQL_MULTIBYTE_PRIVATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MULTIBYTE_COUNT 9
#define MULTIBYTE_THREE 0x8f /* leads a sequence of three bytes where `three` is there */

/* Sequences of four bytes, 81..fe 30..39 81..fe 30..39, as numbers without gaps. */
#define FOUR_NUMBER(b) ((((b)[0] - 0x81u) * 10 + ((b)[1] - 0x30u)) * 1260 + ((b)[2] - 0x81u) * 10 + ((b)[3] - 0x30u))
#define FOUR_BASIC     39420u  /* those below it mean characters of the Basic Multilingual Plane, by table */
#define FOUR_BEYOND    189000u /* U+10000; U+10FFFF and all between follow in order */

typedef struct {
    const uint16_t *one;   /* what bytes 80..ff mean alone */
    const uint16_t *two;   /* [(first - 0x80) << 8 | second] */
    const uint16_t *three; /* [(second - 0x80) << 7 | third - 0x80]; NULL: there are none */
    const uint16_t *four;  /* [FOUR_NUMBER], FOUR_BASIC of them; NULL: there are none */
} MultibyteTables;         /* UTF-16; 0: nothing */

const char *multibyte_name(unsigned index);
bool multibyte_has_four(unsigned index);
/* NULL when the C library has no converter of that name installed. Tables stay until the process ends. */
const MultibyteTables *multibyte_tables(unsigned index);

#endif
