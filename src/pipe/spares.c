/* spares.c - emptied blocks, kept to be filled again.
 *
 * A block of some MiB that is allocated anew costs a page fault every 4 KiB, which is a tenth of what a row costs in all. Spares
 * are charged to the pipe like any block, so they are given up as soon as memory is short, and once a second when nothing is
 * to do.
 */
#include "pipe/pipe_private.h"

#define WORTH_KEEPING (64u << 10) /* a smaller block comes from the C library's own lists */

Block *spares_take(Pipe *pipe, PipeTable *table, const TableMapping *mapping)
{
    pthread_mutex_lock(&pipe->spares_lock);
    Block *block = mapping_table(mapping) == table->definition ? g_queue_pop_head(&table->spares) : NULL;
    pthread_mutex_unlock(&pipe->spares_lock);
    return block ? block : mapping_block_new(mapping, pipe->account);
}

void spares_give_take(Pipe *pipe, PipeTable *table, const SourceTable *definition, Block *block)
{
    if (!block)
        return;
    if (block_bytes(block) < WORTH_KEEPING || budget_full(pipe->account)) {
        block_free(block);
        return;
    }
    block_clear(block);
    block_shrink(block);
    pthread_mutex_lock(&pipe->spares_lock);
    bool fits = definition == table->definition;
    if (fits)
        g_queue_push_head(&table->spares, block);
    pthread_mutex_unlock(&pipe->spares_lock);
    if (!fits)
        block_free(block);
}

SourceTable *spares_change_definition(Pipe *pipe, PipeTable *table, SourceTable *definition_take)
{
    pthread_mutex_lock(&pipe->spares_lock);
    GQueue old = table->spares;
    g_queue_init(&table->spares);
    SourceTable *replaced = table->definition;
    table->definition = definition_take;
    pthread_mutex_unlock(&pipe->spares_lock);
    g_queue_clear_full(&old, (GDestroyNotify)block_free);
    return replaced;
}

void spares_drop(Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        pthread_mutex_lock(&pipe->spares_lock);
        GQueue old = table->spares;
        g_queue_init(&table->spares);
        pthread_mutex_unlock(&pipe->spares_lock);
        g_queue_clear_full(&old, (GDestroyNotify)block_free);
    }
}
