/* wire_private.h - a cursor over bytes that a server sent. Every read is checked against the end. */
#ifndef SLUICE_MYSQL_WIRE_PRIVATE_H
#define SLUICE_MYSQL_WIRE_PRIVATE_H

#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const uint8_t *p, *end;
} Wire;

static inline size_t wire_left(const Wire *w)
{
    return (size_t)(w->end - w->p);
}

static inline uint64_t wire_read_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline bool wire_bytes(Wire *w, uint64_t n, const uint8_t **out)
{
    if (n > wire_left(w))
        return false;
    *out = w->p;
    w->p += n;
    return true;
}

static inline bool wire_u8(Wire *w, uint8_t *out)
{
    if (w->p == w->end)
        return false;
    *out = *w->p++;
    return true;
}

static inline bool wire_le(Wire *w, unsigned n, uint64_t *out)
{
    const uint8_t *p;
    if (!wire_bytes(w, n, &p))
        return false;
    *out = wire_read_le(p, n);
    return true;
}

/* "Length encoded integer" of the protocol: below 251 the byte itself, else 252, 253, 254 and 2, 3, 8 bytes. */
static inline bool wire_lenenc(Wire *w, uint64_t *out)
{
    uint8_t first;
    if (!wire_u8(w, &first))
        return false;
    if (first < 251) {
        *out = first;
        return true;
    }
    if (first == 251 || first == 255)
        return false;
    return wire_le(w, first == 252 ? 2 : first == 253 ? 3 : 8, out);
}

/* The first number from `from` on whose low 32 bits are `low`: positions in a file only grow, and headers cut them. */
static inline uint64_t wire_extend32(uint64_t from, uint32_t low)
{
    return from + (uint32_t)(low - (uint32_t)from);
}

/* Sets SLUICE_ERROR_DECODE; always false, so that it can be returned. */
G_GNUC_PRINTF(2, 3) static inline bool wire_error(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, text);
    return false;
}

#endif
