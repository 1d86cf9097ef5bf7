/* connection.h - one connection to a MySQL or MariaDB server, set up the way every read of sluice needs it.
 *
 * Session: autocommit=1, REPEATABLE READ, sql_mode='', time_zone='+00:00', character_set_results=NULL (raw bytes in each
 * column's own charset), lock_wait_timeout=5, net_write_timeout=600, LOCAL INFILE off, no clear-text or dialog
 * authentication, no option files, no automatic reconnect. Statements are sent as utf8mb4.
 *
 * A connection belongs to one thread at a time. Its Cancel shuts the socket down, so a blocked read returns in < 1 ms.
 */
#ifndef SLUICE_MYSQL_CONNECTION_H
#define SLUICE_MYSQL_CONNECTION_H

#include "base/base.h"

#define SOURCE_ERROR (source_error_quark()) /* code: the server's or client library's error number */
GQuark source_error_quark(void);

typedef enum { SOURCE_MARIADB, SOURCE_MYSQL } SourceFlavour;

typedef struct {
    SourceFlavour flavour;
    unsigned version;    /* 101119 = 10.11.19, 90704 = 9.7.4 */
    char *version_text;  /* as the server prints it */
    uint32_t server_id;
    char *identity;      /* what tells this server from another: server_uuid, or "server_id/hostname/port" on MariaDB */
    bool log_bin;
    bool gtid;           /* MySQL: gtid_mode=ON; MariaDB: always true */
    int lower_case_table_names;
    uint32_t timestamp_max; /* the last second of its TIMESTAMPs: 2^31 - 1, or 2^32 - 1 (MariaDB 11.5) */
} SourceServer;

typedef struct SourceConnection SourceConnection;

/* Parses and checks a source URL: scheme, parameters (password-file, password-command, password-env, ssl-mode, ssl-ca,
 * ssl-cert, ssl-key, socket), default port 3306. SLUICE_ERROR_USAGE. */
Url *source_url_parse(const char *text, GError **error);

/* Connects, sets the session and learns about the server. `cancel` may be NULL. */
SourceConnection *source_open(const Url *url, Cancel *cancel, GError **error);
/* The same, where reads fail with error 2013 after so many seconds without a word (0: never): a server that is frozen, or a link
 * that is dead, is seen. For whoever only asks what is answered at once, and for the binlog with its heartbeats. */
#define SOURCE_ANSWER_SECONDS 30 /* a statement may wait 5 s for a lock */
SourceConnection *source_open_timeout(const Url *url, unsigned read_timeout, Cancel *cancel, GError **error);
void source_close(SourceConnection *source); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SourceConnection, source_close)

const SourceServer *source_server(const SourceConnection *source); /* borrowed, as read when connecting */
bool source_uses_tls(const SourceConnection *source);

bool source_exec(SourceConnection *source, const char *sql, GError **error);

/* A small result, read whole, as text (character_set_results applies: identifiers come as utf8mb4). */
typedef struct {
    unsigned n_columns;
    GPtrArray *rows; /* of char **, n_columns entries each, NULL for SQL NULL */
} SourceRows;
SourceRows *source_query(SourceConnection *source, const char *sql, GError **error);
void source_rows_free(SourceRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SourceRows, source_rows_free)
const char *source_rows_get(const SourceRows *rows, unsigned row, unsigned column);

/* First column of the first row, NULL (no error) when there is no row or it is NULL. Free with g_free. */
char *source_query_value(SourceConnection *source, const char *sql, GError **error);

/* The one quoting functions of this side. Append to `out`. */
void source_quote_name(GString *out, const char *name);                        /* `a``b` */
void source_quote_string(GString *out, const char *text);                      /* 'a\'b' under sql_mode='' */
void source_quote_bytes(GString *out, const uint8_t *bytes, size_t len);       /* 0x6162, or '' when empty */
void source_quote_table(GString *out, const char *database, const char *name); /* `db`.`t` */

#endif
