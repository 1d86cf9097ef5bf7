/* multibyte_private.h - the servers' East Asian charsets, by tables made from the C library's converters at first use.
 */
#ifndef SLUICE_MYSQL_MULTIBYTE_PRIVATE_H
#define SLUICE_MYSQL_MULTIBYTE_PRIVATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MULTIBYTE_COUNT 8
#define MULTIBYTE_THREE 0x8f /* leads a sequence of three bytes where `three` is there */

typedef struct {
    const uint16_t *one;   /* what bytes 80..ff mean alone */
    const uint16_t *two;   /* [(first - 0x80) << 8 | second] */
    const uint16_t *three; /* [(second - 0x80) << 7 | third - 0x80]; NULL: there are none */
} MultibyteTables;         /* UTF-16; 0: nothing */

const char *multibyte_name(unsigned index);
/* NULL when the C library has no converter of that name installed. Tables stay until the process ends. */
const MultibyteTables *multibyte_tables(unsigned index);

#endif
