/* codec.h - Content-Encoding, both ways, as streams: gzip, deflate, zstd and LZ4 frames. */
#ifndef SLUICE_ENDPOINT_CODEC_H
#define SLUICE_ENDPOINT_CODEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum { CODEC_NONE, CODEC_GZIP, CODEC_DEFLATE, CODEC_ZSTD, CODEC_LZ4, CODEC_UNKNOWN } Codec;

/* From a Content-Encoding value; NULL, "" and "identity" are CODEC_NONE. */
Codec codec_by_name(const char *name);
const char *codec_name(Codec codec);
/* The one we like best of an Accept-Encoding value (with their q=0 left out); CODEC_NONE when none fits. */
Codec codec_choose(const char *accept);

/* Where bytes go. False (with error) ends the stream. */
typedef bool (*CodecSink)(void *data, const void *bytes, size_t len, GError **error);

/* Plain bytes come out in pieces of at least CODEC_PIECE, but for the last. Several frames (gzip members) one after
 * the other are one stream. */
#define CODEC_PIECE (256 * 1024)
typedef struct Decoder Decoder;
Decoder *decoder_new(Codec codec, CodecSink sink, void *data);
bool decoder_write(Decoder *decoder, const void *bytes, size_t len, GError **error);
bool decoder_finish(Decoder *decoder, GError **error); /* an error when the last frame is cut short */
void decoder_free(Decoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Decoder, decoder_free)

/* Compressed bytes are appended to `out`. Cannot fail. */
typedef struct Encoder Encoder;
Encoder *encoder_new(Codec codec, GByteArray *out);
void encoder_write(Encoder *encoder, const void *bytes, size_t len);
void encoder_finish(Encoder *encoder);
void encoder_free(Encoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Encoder, encoder_free)

#endif
