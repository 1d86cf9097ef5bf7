/* session.h - connections kept by `session_id` between requests, so that SET and temporary tables last. */
#ifndef SLUICE_ENDPOINT_SESSION_H
#define SLUICE_ENDPOINT_SESSION_H

#include "endpoint/engine.h"

typedef struct SessionStore SessionStore;
typedef struct Session Session;

SessionStore *session_store_new(Engine *engine);
/* None may be in use. */
void session_store_free(SessionStore *store);

/* Takes the session for one request. A second request at the same time: SESSION_IS_LOCKED. `must_exist`:
 * SESSION_NOT_FOUND instead of a new one. */
Session *session_take(SessionStore *store, const char *id, bool must_exist, GError **error);
EngineConn *session_conn(Session *session);
/* Gives it back; it is closed after `timeout` seconds without a request. */
void session_return(SessionStore *store, Session *session, unsigned timeout);
/* Closes what timed out. Called now and then. */
void session_store_sweep(SessionStore *store);

#endif
