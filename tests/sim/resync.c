/* resync.c - tables that are loaded anew, and the exchange: src/pipe/resync.c without I/O. */
#include "engine.h"

#include <string.h>

void resync_begin(Engine *e)
{
    bool anew = e->state == PIPE_FAILED;
    e->resync_asked = false;
    if (e->state != PIPE_RUNNING && e->state != PIPE_PAUSED && e->state != PIPE_FAILED)
        return;
    for (unsigned i = 0; i < e->tables->len; i++) {
        Table *table = e->tables->pdata[i];
        bool wanted = anew || !e->resync_one || table->id == e->resync_one;
        if ((table->twin_of || !table->loaded) && (anew || (wanted && table->state == ROWS_FAILED)))
            table_start_over(table);
    }
    for (unsigned i = 0, n = e->tables->len; i < n; i++) {
        Table *table = e->tables->pdata[i];
        bool wanted = anew || !e->resync_one || table->id == e->resync_one;
        if (!table->twin_of && table->loaded && wanted && !engine_twin(e, table))
            table_new(e, table->of, table->id);
    }
    if (anew) {
        for (unsigned i = 0; i < e->tables->len; i++) {
            Table *table = e->tables->pdata[i];
            if (table->twin_of || !table->set_up)
                continue;
            table->begin_file = NULL;
            g_clear_pointer(&table->begin_gtid, g_free);
            table->begin_pos = 0;
            if (engine_twin(e, table))
                table->state = ROWS_KEPT;
        }
        CatalogCheckpoint nowhere = {.epoch = e->checkpoint.epoch + 1};
        catalog_checkpoint_clear(&e->checkpoint);
        e->checkpoint = nowhere;
        g_array_set_size(e->batches, 0);
    }
    engine_transition(e, EVENT_RESYNC);
}

static void take_place(Engine *e, Table *table, Table *twin)
{
    g_free(twin->leftover);
    twin->leftover = twin->target;
    twin->target = g_strdup(table->target);
    twin->twin_of = 0;
    twin->settled = table->settled;
    twin->exchange_uuid = 0;
    engine_tell(e, "%" G_GINT64_FORMAT " takes the place of %" G_GINT64_FORMAT, twin->id, table->id);
    g_ptr_array_remove(e->tables, table);
}

void resync_settle(Engine *e)
{
    for (unsigned i = e->tables->len; i-- > 0;) {
        if (i >= e->tables->len)
            continue;
        Table *twin = e->tables->pdata[i], *table = engine_find(e, twin->twin_of);
        if (!twin->twin_of || !twin->exchange_uuid || !table)
            continue;
        const Object *stands = destination_find(e->destination, table->target);
        if (stands && stands->uuid == twin->exchange_uuid)
            take_place(e, table, twin);
    }
}

static Table *next_twin(const Engine *e)
{
    for (unsigned i = e->tables->len; i-- > 0;)
        if (((Table *)e->tables->pdata[i])->twin_of)
            return e->tables->pdata[i];
    return NULL;
}

static void give_up(Engine *e, Table *twin)
{
    Table *table = engine_find(e, twin->twin_of);
    destination_kill(e->destination, PREFIX);
    destination_drop(e->destination, twin->target);
    if (table->state == ROWS_KEPT)
        engine_table_fails(e, table,
                           "its position in the log was given up for a resync, which did not come to its end");
    g_ptr_array_remove(e->tables, twin);
}

/* One step of it, for a crash may come behind each. */
void resync_exchange(Engine *e)
{
    Table *twin = next_twin(e), *table = twin ? engine_find(e, twin->twin_of) : NULL;
    if (!twin) {
        engine_drop_leftovers(e);
        e->reached = false;
        e->exchange = (ExchangeSituation){0};
        engine_transition(e, EVENT_EXCHANGED);
        return;
    }
    if (twin->state != ROWS_LIVE) {
        give_up(e, twin);
        return;
    }
    if (e->exchanging != twin) {
        e->exchanging = twin;
        e->exchange = (ExchangeSituation){.inserts_gone = e->exchange.inserts_gone};
    }
    const Object *stands = destination_find(e->destination, table->target);
    switch (exchange_next(&e->exchange)) {
    case EXCHANGE_WAIT:
        break;
    case EXCHANGE_KILL:
        destination_kill(e->destination, PREFIX);
        e->exchange.inserts_gone = true;
        break;
    case EXCHANGE_NOTE:
        if (!twin->exchange_uuid)
            twin->exchange_uuid = destination_find(e->destination, twin->target)->uuid;
        e->exchange.noted = true;
        break;
    case EXCHANGE_LOOK:
        e->exchange.looked = true;
        e->exchange.stands = stands != NULL;
        e->exchange.done = stands && stands->uuid == twin->exchange_uuid;
        break;
    case EXCHANGE_SWAP:
    case EXCHANGE_RENAME:
        engine_tell(e, "%s and %s change places", table->target, twin->target);
        destination_exchange(e->destination, table->target, twin->target);
        e->exchange.done = true;
        break;
    case EXCHANGE_TAKE_PLACE:
        take_place(e, table, twin);
        e->exchanging = NULL;
        break;
    }
}
