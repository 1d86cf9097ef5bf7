/* running.c - see running.h */
#include "endpoint/running.h"

#include "endpoint/fault.h"

struct Running {
    GMutex lock;
    GCond left;
    GHashTable *ids; /* a set of strings */
    unsigned limit;
    bool closed;
};

Running *running_new(unsigned limit)
{
    Running *running = g_new0(Running, 1);
    g_mutex_init(&running->lock);
    g_cond_init(&running->left);
    running->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    running->limit = limit;
    return running;
}

void running_free(Running *running)
{
    g_hash_table_destroy(running->ids);
    g_cond_clear(&running->left);
    g_mutex_clear(&running->lock);
    g_free(running);
}

bool running_enter(Running *running, const char *query_id, bool urgent, GError **error)
{
    bool ok = false;
    g_mutex_lock(&running->lock);
    if (running->closed)
        fault_set(error, FAULT_ABORTED, "The server is shutting down");
    else if (g_hash_table_contains(running->ids, query_id))
        fault_set(error, FAULT_SAME_QUERY_ID, "Query with id = %s is already running", query_id);
    else if (g_hash_table_size(running->ids) >= running->limit && !urgent)
        fault_set(error, FAULT_TOO_MANY_QUERIES, "Too many simultaneous queries. Maximum: %u", running->limit);
    else
        ok = g_hash_table_add(running->ids, g_strdup(query_id));
    g_mutex_unlock(&running->lock);
    return ok;
}

void running_leave(Running *running, const char *query_id)
{
    g_mutex_lock(&running->lock);
    g_hash_table_remove(running->ids, query_id);
    g_cond_broadcast(&running->left);
    g_mutex_unlock(&running->lock);
}

void running_close(Running *running)
{
    g_mutex_lock(&running->lock);
    running->closed = true;
    g_mutex_unlock(&running->lock);
}

bool running_wait(Running *running, unsigned seconds)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    bool none;
    g_mutex_lock(&running->lock);
    while (!(none = g_hash_table_size(running->ids) == 0))
        if (!g_cond_wait_until(&running->left, &running->lock, until))
            break;
    g_mutex_unlock(&running->lock);
    return none;
}
