/* request.h - private to the room: one HTTP request of any kind. */
#ifndef SLUICE_CLICKHOUSE_REQUEST_H
#define SLUICE_CLICKHOUSE_REQUEST_H

#include "clickhouse/encoder.h"
#include "clickhouse/http.h"

typedef struct {
    const char *path; /* NULL: "/", which runs `sql` */
    const char *sql;
    const char *const *settings; /* "name", "value", ..., NULL; may be NULL */
    bool reads; /* changes nothing: curl may send it again on a connection that was closed while idle */
    bool has_result;
    bool without_database; /* nothing in `sql` needs the URL's database, which may not exist */
    Encoder *body;         /* what follows `sql`, which then stands in the URL; NULL: `sql` is the body */
} HttpRequest;

/* Returns the body (NUL-terminated, free with g_free). */
char *http_request(Clickhouse *ch, const HttpRequest *request, size_t *len, GError **error);

/* clickhouse_query_rows with the request's own flags; `request->sql` has no FORMAT. */
GPtrArray *http_request_rows(Clickhouse *ch, const HttpRequest *request, GError **error);

/* Whether the server has room for a definition; else the error that it gives inserts then. Asked before CREATE and
 * ALTER: on a full disk ClickHouse says that they are done, and leaves a definition of no bytes, with which it does not
 * start again. */
bool http_has_room(Clickhouse *ch, GError **error);

const char *http_user(const Clickhouse *ch);
const char *http_server(const Clickhouse *ch); /* "host:port" */
/* The encoder that lives as long as the connection, so that its contexts are made once. */
Encoder *http_encoder(Clickhouse *ch);

#endif
