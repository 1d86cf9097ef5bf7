/* chunk_ledger.h - the chunks of a table's load that are on their way, and how far their ranges are acknowledged. Pure.
 *
 * Chunks of a range are sent side by side and answered in any order: the range has come as far as all of them were
 * answered, for behind a crash it is read on from there.
 */
#ifndef SLUICE_PIPE_CHUNK_LEDGER_H
#define SLUICE_PIPE_CHUNK_LEDGER_H

#include "mapping/mapping.h"
#include "mysql/mysql.h"

typedef struct {
    uint64_t range_id; /* 0: the reading was given up, and is repeated by another */
    char *key;         /* literals of its last row; NULL: it has none */
    uint64_t rows;
    bool acked, last;              /* last: the range ends with it */
    MappingCounters *changed;      /* once acked: values that were changed on the way, a column each; NULL: none */
    const SourceTable *definition; /* whose columns those are; lives as long as the Work */
} Chunk;

typedef GQueue ChunkLedger; /* of Chunk, in the order of reading within a range */

Chunk *chunk_ledger_add(ChunkLedger *ledger, uint64_t range_id, const char *key, uint64_t rows, bool last);
/* The chunk, of the ledger, was answered. All that counts now moves its range in `plan`, and is handed over in
 * `counted` (of Chunk, which it frees). Returns the range that has moved; 0: none. */
uint64_t chunk_ledger_answered(ChunkLedger *ledger, Chunk *chunk, RangePlan *plan, GPtrArray *counted);
GPtrArray *chunk_ledger_counted_new(void);
/* All of the load is read and answered: its ranges, and what was sent of them and given up, which may arrive yet.
 * `plan`: NULL, none. */
bool chunk_ledger_is_read(const ChunkLedger *ledger, const RangePlan *plan);
/* The range is read again from its acknowledged progress: what of it is still on its way counts no more. */
void chunk_ledger_give_up(ChunkLedger *ledger, uint64_t range_id);
void chunk_ledger_clear(ChunkLedger *ledger);

#endif
