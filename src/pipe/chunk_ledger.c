#include "pipe/chunk_ledger.h"

static void chunk_free(void *data)
{
    Chunk *chunk = data;
    g_free(chunk->key);
    g_free(chunk->changed);
    g_free(chunk);
}

GPtrArray *chunk_ledger_counted_new(void)
{
    return g_ptr_array_new_with_free_func(chunk_free);
}

Chunk *chunk_ledger_add(ChunkLedger *ledger, uint64_t range_id, const char *key, uint64_t rows, bool last)
{
    Chunk *chunk = g_new0(Chunk, 1);
    *chunk = (Chunk){.range_id = range_id, .key = g_strdup(key), .rows = rows, .last = last};
    g_queue_push_tail(ledger, chunk);
    return chunk;
}

uint64_t chunk_ledger_answered(ChunkLedger *ledger, Chunk *chunk, RangePlan *plan, GPtrArray *counted)
{
    uint64_t range_id = chunk->range_id;
    unsigned before = counted->len;
    chunk->acked = true;
    if (!range_id) {
        g_queue_remove(ledger, chunk);
        chunk_free(chunk);
        return 0;
    }
    for (GList *l = ledger->head, *next; l; l = next) {
        Chunk *head = l->data;
        next = l->next;
        if (head->range_id != range_id)
            continue;
        if (!head->acked)
            break;
        if (head->key)
            range_plan_progress(plan, range_id, head->key, head->rows);
        if (head->last)
            range_plan_finish(plan, range_id);
        g_ptr_array_add(counted, head);
        g_queue_delete_link(ledger, l);
    }
    return counted->len > before ? range_id : 0;
}

bool chunk_ledger_is_read(const ChunkLedger *ledger, const RangePlan *plan)
{
    return plan && range_plan_all_done(plan) && ledger->length == 0;
}

void chunk_ledger_give_up(ChunkLedger *ledger, uint64_t range_id)
{
    for (GList *l = ledger->head, *next; l; l = next) {
        Chunk *chunk = l->data;
        next = l->next;
        if (chunk->range_id != range_id)
            continue;
        chunk->range_id = 0;
        if (!chunk->acked)
            continue;
        g_queue_delete_link(ledger, l); /* it has arrived */
        chunk_free(chunk);
    }
}

void chunk_ledger_clear(ChunkLedger *ledger)
{
    g_queue_clear_full(ledger, chunk_free);
}
