/* token.h - what tells one insert from all others: its deduplication token and its query id (replication.md, Tokens).
 * Pure.
 *
 * The same rows read again have the same token, and no others ever have it. Free with g_free.
 */
#ifndef SLUICE_PIPE_TOKEN_H
#define SLUICE_PIPE_TOKEN_H

#include <stdint.h>

/* Rows of the stream up to `end_offset`, whose cut is in the catalog. */
char *token_of_stream(const char *pipe_uuid, int64_t table_id, int64_t generation, uint32_t epoch, uint64_t end_offset);
/* A chunk of a range: the source may answer otherwise when it is read again, so the attempt counts, and is on disk
 * before. */
char *token_of_chunk(const char *pipe_uuid, int64_t table_id, int64_t generation, uint64_t range_id, uint32_t attempt,
                     unsigned number);

char *query_id_of_stream(const char *pipe_uuid, uint64_t batch_seq, int64_t table_id);
char *query_id_of_chunk(const char *pipe_uuid, int64_t table_id, uint64_t range_id, uint32_t attempt, unsigned number);

#endif
