/* session.c - see session.h */
#include "endpoint/session.h"

#include "endpoint/fault.h"

#include <pthread.h>

#define SESSIONS_MAX 200 /* each holds a connection of the engine (tens of kB) */

struct Session {
    char *id;
    EngineConn *conn;
    bool busy;
    gint64 expires; /* monotonic microseconds */
};

struct SessionStore {
    Engine *engine;
    pthread_mutex_t lock;
    GHashTable *sessions; /* id -> Session */
};

static void session_free(void *data)
{
    Session *session = data;
    engine_conn_close(session->conn);
    g_free(session->id);
    g_free(session);
}

SessionStore *session_store_new(Engine *engine)
{
    SessionStore *store = g_new0(SessionStore, 1);
    store->engine = engine;
    pthread_mutex_init(&store->lock, NULL);
    store->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, session_free);
    return store;
}

void session_store_free(SessionStore *store)
{
    g_hash_table_destroy(store->sessions);
    pthread_mutex_destroy(&store->lock);
    g_free(store);
}

static gboolean session_expired(void *key G_GNUC_UNUSED, void *value, void *now)
{
    Session *session = value;
    return !session->busy && session->expires <= *(gint64 *)now;
}

void session_store_sweep(SessionStore *store)
{
    gint64 now = g_get_monotonic_time();
    pthread_mutex_lock(&store->lock);
    g_hash_table_foreach_remove(store->sessions, session_expired, &now);
    pthread_mutex_unlock(&store->lock);
}

static Session *session_take_locked(SessionStore *store, const char *id, bool must_exist, GError **error)
{
    Session *session = g_hash_table_lookup(store->sessions, id);
    if (session && session->busy) {
        fault_set(error, FAULT_SESSION_LOCKED, "Session %s is locked by a concurrent client", id);
        return NULL;
    }
    if (session) {
        session->busy = true;
        return session;
    }
    if (must_exist) {
        fault_set(error, FAULT_SESSION_NOT_FOUND, "Session %s not found", id);
        return NULL;
    }
    if (g_hash_table_size(store->sessions) >= SESSIONS_MAX) {
        fault_set(error, FAULT_TOO_MANY_QUERIES, "There are %d sessions already", SESSIONS_MAX);
        return NULL;
    }
    EngineConn *conn = engine_connect(store->engine, error);
    if (!conn)
        return NULL;
    session = g_new0(Session, 1);
    session->id = g_strdup(id);
    session->conn = conn;
    session->busy = true;
    g_hash_table_insert(store->sessions, session->id, session);
    return session;
}

Session *session_take(SessionStore *store, const char *id, bool must_exist, GError **error)
{
    session_store_sweep(store);
    pthread_mutex_lock(&store->lock);
    Session *session = session_take_locked(store, id, must_exist, error);
    pthread_mutex_unlock(&store->lock);
    return session;
}

EngineConn *session_conn(Session *session)
{
    return session->conn;
}

void session_return(SessionStore *store, Session *session, unsigned timeout)
{
    pthread_mutex_lock(&store->lock);
    session->busy = false;
    session->expires = g_get_monotonic_time() + (gint64)timeout * G_USEC_PER_SEC;
    pthread_mutex_unlock(&store->lock);
    session_store_sweep(store);
}
