/* fuzz.h - what the fuzz targets share: reading pieces of the input, and checks that hold in every build. */
#ifndef SLUICE_TESTS_FUZZ_H
#define SLUICE_TESTS_FUZZ_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (G_UNLIKELY(!(condition))) {                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct {
    const uint8_t *p, *end;
} Input;

static inline size_t input_left(const Input *input)
{
    return (size_t)(input->end - input->p);
}

static inline uint8_t input_u8(Input *input)
{
    return input_left(input) ? *input->p++ : 0;
}

/* The next `n` bytes, or what is left, as memory of exactly that size: a byte read too far is seen. Free with g_free.
 */
static inline uint8_t *input_copy(Input *input, size_t n, size_t *len)
{
    *len = MIN(n, input_left(input));
    uint8_t *copy = malloc(*len ? *len : 1);
    memcpy(copy, input->p, *len);
    input->p += *len;
    return copy;
}

/* A piece behind its length of two bytes, low one first. */
static inline uint8_t *input_piece(Input *input, size_t *len)
{
    size_t n = input_u8(input);
    n |= (size_t)input_u8(input) << 8;
    return input_copy(input, n, len);
}

static inline uint8_t *input_rest(Input *input, size_t *len)
{
    return input_copy(input, input_left(input), len);
}

/* The same as text that ends with NUL. */
static inline char *input_text(Input *input, size_t n)
{
    size_t len = MIN(n, input_left(input));
    char *text = g_strndup((const char *)input->p, len);
    input->p += len;
    return text;
}

/* A function that fails says so, one that does not says nothing. */
static inline void check_error(bool good, GError **error)
{
    CHECK(good == !*error);
    if (*error)
        CHECK((*error)->message && *(*error)->message);
    g_clear_error(error);
}

#endif
