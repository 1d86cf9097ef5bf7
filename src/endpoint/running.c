/* running.c - see running.h */
#include "endpoint/running.h"

#include "endpoint/fault.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct Running {
    pthread_mutex_t lock;
    pthread_cond_t left;
    GHashTable *ids; /* a set of strings */
    unsigned limit;
    bool closed;
};

Running *running_new(unsigned limit)
{
    Running *running = g_new0(Running, 1);
    pthread_mutex_init(&running->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&running->left, &monotonic);
    pthread_condattr_destroy(&monotonic);
    running->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    running->limit = limit;
    return running;
}

void running_free(Running *running)
{
    g_hash_table_destroy(running->ids);
    pthread_cond_destroy(&running->left);
    pthread_mutex_destroy(&running->lock);
    g_free(running);
}

bool running_enter(Running *running, const char *query_id, bool urgent, GError **error)
{
    bool ok = false;
    pthread_mutex_lock(&running->lock);
    if (running->closed)
        fault_set(error, FAULT_ABORTED, "The server is shutting down");
    else if (g_hash_table_contains(running->ids, query_id))
        fault_set(error, FAULT_SAME_QUERY_ID, "Query with id = %s is already running", query_id);
    else if (g_hash_table_size(running->ids) >= running->limit && !urgent)
        fault_set(error, FAULT_TOO_MANY_QUERIES, "Too many simultaneous queries. Maximum: %u", running->limit);
    else
        ok = g_hash_table_add(running->ids, g_strdup(query_id));
    pthread_mutex_unlock(&running->lock);
    return ok;
}

void running_leave(Running *running, const char *query_id)
{
    pthread_mutex_lock(&running->lock);
    g_hash_table_remove(running->ids, query_id);
    pthread_cond_broadcast(&running->left);
    pthread_mutex_unlock(&running->lock);
}

void running_close(Running *running)
{
    pthread_mutex_lock(&running->lock);
    running->closed = true;
    pthread_mutex_unlock(&running->lock);
}

bool running_wait(Running *running, unsigned seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    bool none;
    pthread_mutex_lock(&running->lock);
    while (!(none = g_hash_table_size(running->ids) == 0))
        if (pthread_cond_timedwait(&running->left, &running->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&running->lock);
    return none;
}
