/* text_out.h - where a decoder writes text whose length it does not know beforehand: somebody else's growing buffer. */
#ifndef SLUICE_MYSQL_TEXT_OUT_H
#define SLUICE_MYSQL_TEXT_OUT_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

typedef struct TextOut TextOut;
struct TextOut {
    uint8_t *data; /* len bytes are written, there is room for size */
    size_t len, size;
    void (*grow)(TextOut *out, size_t more); /* makes room for `more` beyond len: sets data and size; cannot fail */
    void *owner;
};

static inline uint8_t *text_out_reserve(TextOut *out, size_t more)
{
    if (G_UNLIKELY(out->size - out->len < more))
        out->grow(out, more);
    return out->data + out->len;
}

static inline void text_out_bytes(TextOut *out, const void *bytes, size_t len)
{
    uint8_t *p = text_out_reserve(out, len);
    if (len)
        memcpy(p, bytes, len);
    out->len += len;
}

static inline void text_out_text(TextOut *out, const char *text)
{
    text_out_bytes(out, text, strlen(text));
}

static inline void text_out_char(TextOut *out, char c)
{
    *text_out_reserve(out, 1) = (uint8_t)c;
    out->len++;
}

#endif
