/* server.h - the HTTP server (libmicrohttpd, a thread a connection) that turns requests into queries. */
#ifndef SLUICE_ENDPOINT_SERVER_H
#define SLUICE_ENDPOINT_SERVER_H

#include "endpoint/engine.h"

typedef struct {
    const char *address; /* an IP address */
    unsigned port;       /* 0: a free one */
    const char *user, *password;
    const char *tls_cert, *tls_key; /* PEM texts, both or none */
    const char *spool_dir;          /* where large waited-for results are kept */
} ServerOptions;

typedef struct Server Server;

/* Listens when it returns. Strings are borrowed until the server is freed. The error is one line for the operator. */
Server *server_start(Engine *engine, const ServerOptions *options, GError **error);
unsigned server_port(const Server *server);
/* To be called now and then: closes sessions that timed out. */
void server_tick(Server *server);
/* No new queries; waits for the running ones, kills them after `grace` seconds. False: some would not end even then,
 * and the server must not be freed. */
bool server_stop(Server *server, unsigned grace);
void server_free(Server *server);

#endif
