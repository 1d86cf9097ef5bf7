/* http.h - requests to a ClickHouse server over its HTTP interface (libcurl), and its errors with their codes.
 *
 * A Clickhouse is one kept-alive connection and belongs to one thread at a time. HTTP 200 proves nothing: the exception
 * code header and an exception tag in the body are looked at too, `wait_end_of_query=1` is always sent.
 */
#ifndef SLUICE_CLICKHOUSE_HTTP_H
#define SLUICE_CLICKHOUSE_HTTP_H

#include "base/base.h"

#define CLICKHOUSE_ERROR (clickhouse_error_quark())
GQuark clickhouse_error_quark(void);
enum {
    CLICKHOUSE_ERROR_CONNECT = -1, /* refused, unreachable, name not found: nothing was sent */
    CLICKHOUSE_ERROR_BROKEN = -2, /* the connection broke or timed out after something was sent: an insert may commit */
    CLICKHOUSE_ERROR_HTTP = -3,   /* an HTTP status without an exception code */
    CLICKHOUSE_ERROR_TLS = -4,
    /* > 0: the exception's code */
};

/* Time limits of every request. A whole request has none: a large insert or an ALTER may take long. */
#define CLICKHOUSE_CONNECT_MS 10000
#define CLICKHOUSE_STALL_S    300          /* not a single byte in either direction */
#define CLICKHOUSE_UNACKED_MS 30000        /* sent bytes that the peer's kernel does not acknowledge (a dead network) */
#define CLICKHOUSE_RESULT_MAX (256u << 20) /* bytes of a result that is kept in memory */

/* Parses and checks a destination URL: http:// or https://, default ports 8123 and 8443, path = database ("default"
 * when empty), password parameters, ca. SLUICE_ERROR_USAGE. `embedded:` is not for this function. */
Url *clickhouse_url_parse(const char *text, GError **error);

typedef struct Clickhouse Clickhouse;

/* No traffic yet. `cancel` may be NULL; `url` is copied. The password is read at the first request, and again after the
 * server refused it. Once cancelled, a request under way ends at once with SLUICE_ERROR_CANCELLED, and so does any
 * later.
 */
Clickhouse *clickhouse_new(const Url *url, Cancel *cancel, GError **error);
void clickhouse_free(Clickhouse *ch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clickhouse, clickhouse_free)
const char *clickhouse_database(const Clickhouse *ch);
/* What makes, changes and drops tables is done on every server of that cluster; "" or NULL: on this one. */
void clickhouse_set_cluster(Clickhouse *ch, const char *cluster);
void clickhouse_append_cluster(const Clickhouse *ch, GString *sql); /* " ON CLUSTER `...`", or nothing */
/* The server is on this machine: compressing for it costs both ends processor time and saves nothing. */
bool clickhouse_is_local(const Clickhouse *ch);

/* Runs `sql` and returns the body (NUL-terminated; `len` may be NULL). `settings`: NULL or "name", "value", ..., NULL;
 * any parameter of the URL is possible, "default_format" too. Free with g_free. */
char *clickhouse_query(Clickhouse *ch, const char *sql, const char *const *settings, size_t *len, GError **error);
/* A statement without a result. */
bool clickhouse_exec(Clickhouse *ch, const char *sql, const char *const *settings, GError **error);
/* First field of the first row as text, NULL (no error) without rows. */
char *clickhouse_query_value(Clickhouse *ch, const char *sql, GError **error);
/* Rows of text, from TabSeparated with its escapes undone (`sql` has no FORMAT): GPtrArray of char ** (NULL ends). An
 * SQL NULL is "\\N"; bytes after a zero byte inside a value are lost. */
GPtrArray *clickhouse_query_rows(Clickhouse *ch, const char *sql, GError **error);
/* Requests have no time limit: what was begun may be done. But a server that answers neither for 10 s nor a ping then is told of,
 * again and again, in the thread of the request, which goes on waiting; `why` is NULL when it answers again. */
typedef void (*ClickhouseSilence)(void *data, const GError *why, unsigned times);
void clickhouse_watch(Clickhouse *ch, ClickhouseSilence silence, void *data);
/* From here on each request is given up after that time, as a broken connection is; 0: they may take as long as they like. */
void clickhouse_set_patience(Clickhouse *ch, unsigned ms);
/* `patience_ms`: for the whole of it; 0: as any other request. */
bool clickhouse_ping(Clickhouse *ch, unsigned patience_ms, GError **error);

/* The one quoting functions of this side: `\` is an escape inside backticks too. Append to `out`. */
void clickhouse_quote_name(GString *out, const char *name);
void clickhouse_quote_string(GString *out, const char *text);
void clickhouse_quote_table(GString *out, const char *database, const char *table);

#endif
