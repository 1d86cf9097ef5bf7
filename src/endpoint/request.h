/* request.h - one query over HTTP: its parameters, its text and data as they arrive, and its run in the engine.
 *
 * Begin, feed (the body as it came over the wire, any number of times), end. A fault at any point is kept in `fault`;
 * the rest of the body is then read and thrown away, since the answer can be sent only after it. All of it happens in
 * the one thread of its HTTP connection.
 */
#ifndef SLUICE_ENDPOINT_REQUEST_H
#define SLUICE_ENDPOINT_REQUEST_H

#include "endpoint/codec.h"
#include "endpoint/engine.h"
#include "endpoint/result.h"
#include "endpoint/running.h"
#include "endpoint/session.h"
#include "endpoint/sql.h"

#define STATEMENT_BYTES_MAX (64u * 1024 * 1024) /* of query text, without the data of an INSERT */

typedef struct {
    char *name, *value;
} Parameter;

/* What requests share. All borrowed, thread-safe. */
typedef struct {
    Engine *engine;
    SessionStore *sessions;
    Running *running;
} RequestHost;

typedef enum {
    REQUEST_HEAD,      /* collecting text until it is known what it is */
    REQUEST_STATEMENT, /* the body is query text to its end */
    REQUEST_INSERT,    /* the body is data and goes to the engine */
    REQUEST_INPUT,     /* the same through input() */
} RequestState;

typedef struct {
    const RequestHost *host;
    /* from URL, headers and form fields */
    char *query_id, *database, *default_format, *session_id;
    unsigned session_timeout; /* seconds */
    bool session_check, wait_end, read_only;
    Codec accept; /* of the response */
    size_t buffer_size;
    GPtrArray *settings, *params, *roles; /* of Parameter */
    GString *text;                        /* the URL's query, a line break, then the body's text */
    bool framed_rows;                     /* output_format_json_array_of_rows is on */
    bool has_query;                       /* there was a query= with something in it */
    /* progress */
    RequestState state;
    size_t next_look; /* length of `text` at which the head is looked at again */
    Decoder *decoder;
    bool entered; /* counted in `running` */
    Session *session;
    EngineConn *conn;
    GString *restore;  /* for a session: what puts its settings back, */
    char *restore_use; /* and its database */
    EngineInsert *insert;
    InputFeed *feed;
    Result *result;
    bool has_body; /* of the answer: there is a result to be read */
    char *format;  /* of the answer */
    EngineStats stats;
    gint64 started; /* monotonic microseconds */
    GError *fault;
} Request;

Request *request_new(const RequestHost *host, bool read_only);
void request_free(Request *request); /* kills what still runs */

/* A parameter of the URL (or a form field). Unknown names are settings. */
void request_add_parameter(Request *request, const char *name, const char *value, size_t value_len);
/* All parameters are there: `encoding` is the body's Content-Encoding. */
void request_begin(Request *request, const char *encoding);
void request_feed(Request *request, const void *bytes, size_t len);
/* The body is complete. Then either `fault` is set, or the rows are to be read from `result` when has_body. */
void request_end(Request *request);
/* Lets go of the engine as soon as the result is read. */
void request_release(Request *request);
/* Value of X-ClickHouse-Summary. Free with g_free. */
char *request_summary(const Request *request);

#endif
