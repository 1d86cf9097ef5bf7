/* spool.h - bytes kept until they are wanted: in memory, and in an unlinked temporary file beyond a limit. */
#ifndef SLUICE_ENDPOINT_SPOOL_H
#define SLUICE_ENDPOINT_SPOOL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Spool Spool;

/* `memory_limit` in bytes; the file is made in `directory` (borrowed). */
Spool *spool_new(size_t memory_limit, const char *directory);
bool spool_write(Spool *spool, const void *bytes, size_t len, GError **error);
uint64_t spool_size(const Spool *spool);
/* Bytes from `offset` on, at most `max`; 0 at the end, -1 when the file cannot be read. */
ssize_t spool_read(Spool *spool, uint64_t offset, void *bytes, size_t max);
void spool_free(Spool *spool);

#endif
