/* apply.c - the senders, and what the destination does with what they send: src/pipe/apply.c without I/O. */
#include "engine.h"

#include <string.h>

void sent_free(void *data)
{
    Sent *sent = data;
    if (!sent)
        return;
    g_free(sent->token);
    g_free(sent->query_id);
    g_free(sent->target);
    g_array_unref(sent->rows);
    g_free(sent);
}

static void acknowledged(Engine *e, Sent *sent)
{
    g_ptr_array_set_free_func(e->sending, NULL);
    g_ptr_array_remove(e->sending, sent);
    g_ptr_array_set_free_func(e->sending, sent_free);
    if (sent->snapshot) {
        load_chunk_done(e, sent);
    } else {
        batch_tracker_ack(e->tracker, sent->seq);
        stream_save_checkpoint(e);
    }
    sent_free(sent);
}

static bool is_running(const Engine *e, const Sent *sent)
{
    for (unsigned i = 0; i < e->destination->running->len; i++) {
        const Running *running = e->destination->running->pdata[i];
        if (running->waiting == sent && !running->lost)
            return true;
    }
    return false;
}

void sender_act(Engine *e)
{
    for (unsigned i = 0; i < e->sending->len; i++) {
        Sent *sent = e->sending->pdata[i];
        if (is_running(e, sent))
            continue;
        InsertAnswer answer = INSERT_NO_TABLE;
        if (!sent->snapshot || sent->table->state != ROWS_FAILED)
            answer = destination_begin(e->destination, sent->target, sent->token, sent->query_id, sent->definition,
                                       sent->rows, sent);
        if (answer == INSERT_REFUSED)
            engine_table_fails(e, sent->table, "its columns are not those of the destination table");
        if (answer == INSERT_REFUSED && !e->broken)
            engine_finding(e, "%s is refused: by definition %u of t%u", sent->token, sent->definition.number,
                           sent->table->of);
        if (answer != INSERT_BEGINS)
            acknowledged(e, sent);
        return;
    }
    if (e->sending->len < SENDERS && !g_queue_is_empty(&e->queue))
        g_ptr_array_add(e->sending, g_queue_pop_head(&e->queue));
}

static void alter_act(Engine *e)
{
    Destination *d = e->destination;
    Altering *altering = d->altering->pdata[random_below(e->random, d->altering->len)];
    if (!altering->lost && random_one_in(e->random, 12)) {
        altering->lost = true;
        engine_tell(e, "%s timed out", altering->query_id);
        return;
    }
    if (altering->lost && random_one_in(e->random, 6)) {
        g_ptr_array_remove(d->altering, altering);
        return;
    }
    if (altering->lost && !random_one_in(e->random, 6))
        return;
    engine_tell(e, "object %u is altered%s: %s", altering->object->uuid, altering->lost ? " late" : "",
                altering->proof);
    if (strcmp(altering->object->proof, altering->proof) == 0)
        engine_finding(e, "%s was carried out twice", altering->proof);
    destination_altered(d, altering);
}

void destination_act(Engine *e)
{
    Destination *d = e->destination;
    if (d->altering->len && random_one_in(e->random, 3)) {
        alter_act(e);
        return;
    }
    if (d->running->len == 0)
        return;
    Running *running = d->running->pdata[random_below(e->random, d->running->len)];
    if (!running->lost && random_one_in(e->random, 12)) {
        running->lost = true; /* it timed out; it is sent again under the same token */
        running->waiting = NULL;
        engine_tell(e, "insert %s timed out", running->query_id);
        return;
    }
    if (!running->committed) {
        if (running->lost && random_one_in(e->random, 6)) {
            destination_remove(d, running);
            return;
        }
        if (running->lost && !random_one_in(e->random, 6))
            return;
        destination_commit(d, running);
        engine_tell(e, "insert %s %s into object %u", running->token, running->lost ? "commits late" : "commits",
                    running->object->uuid);
        judge_watch(e);
        /* A history that was rewritten may be told only by what follows: the pipe fails then. */
        if (e->broken)
            d->doubled = d->mistaken = false;
        if (d->mistaken)
            engine_finding(e, "values of another type were inserted: %s", running->token);
        if (d->doubled)
            engine_finding(e, "a change was inserted twice: %s", running->token);
        return;
    }
    Sent *waiting = running->lost ? NULL : running->waiting;
    destination_remove(d, running);
    if (waiting)
        acknowledged(e, waiting);
}
