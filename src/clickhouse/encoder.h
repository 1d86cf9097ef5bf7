/* encoder.h - private to the room: a block's bytes as a stream, compressed straight into the buffer that is to be sent.
 */
#ifndef SLUICE_CLICKHOUSE_ENCODER_H
#define SLUICE_CLICKHOUSE_ENCODER_H

#include "clickhouse/insert.h"

typedef struct Encoder Encoder;

Encoder *encoder_new(void);
void encoder_free(Encoder *encoder);

/* Begins with `block`, which must not change until the end. */
bool encoder_start(Encoder *encoder, const Block *block, Compression compression, GError **error);
/* Up to `size` bytes into `out`; 0: the end; -1: the compressor failed. */
gssize encoder_read(Encoder *encoder, void *out, size_t size);
/* Bytes in all when they are known before the end, else -1. */
int64_t encoder_size(const Encoder *encoder);
const char *encoder_content_encoding(const Encoder *encoder); /* NULL: none */

#endif
