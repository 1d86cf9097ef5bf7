/* insert.h - one synchronous insert of one Native block (replication.md, Batches).
 *
 * Sent with async_insert=0, input_format_skip_unknown_fields=0, input_format_null_as_default=0, wait_end_of_query=1,
 * insert_deduplication_token, deduplicate_blocks_in_dependent_materialized_views=1, a query id and log_comment=<query
 * id>.
 */
#ifndef SLUICE_CLICKHOUSE_INSERT_H
#define SLUICE_CLICKHOUSE_INSERT_H

#include "clickhouse/block.h"
#include "clickhouse/http.h"

typedef enum { COMPRESSION_NONE, COMPRESSION_LZ4, COMPRESSION_ZSTD } Compression;

typedef struct {
    const char *database, *table;
    const char *query_id; /* names pipe, batch and table */
    const char *token;    /* insert_deduplication_token */
    Compression compression;
} InsertRequest;

/* Streams the block compressed as the request's body; keeps no second copy of it. On CLICKHOUSE_ERROR_BROKEN the insert
 * may still commit: kill it with insert_kill_all before anything that must not meet it. */
bool insert_block(Clickhouse *ch, const InsertRequest *request, const Block *block, GError **error);

/* Kills every query whose id (query_id or log_comment) begins with `prefix`, and waits until all are gone from
 * system.processes. */
bool insert_kill_all(Clickhouse *ch, const char *prefix, Cancel *cancel, GError **error);

#endif
