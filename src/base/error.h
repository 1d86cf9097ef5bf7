/* error.h - the errors that sluice itself raises.
 *
 * Every function that can fail takes `GError **` last and returns false or NULL. A message is one line for the operator:
 * what, why, what to do. Errors of a server keep the server's own number in domains of their own:
 *   SOURCE_ERROR (mysql/connection.h)      code = MySQL/MariaDB error number, or the client library's (2xxx)
 *   CLICKHOUSE_ERROR (clickhouse/http.h)   code = ClickHouse exception code; below 0 for transport errors
 * so that one pure place (pipe/retry.h) can decide what is retried and what fails.
 */
#ifndef SLUICE_BASE_ERROR_H
#define SLUICE_BASE_ERROR_H

#include <glib.h>

#define SLUICE_ERROR (sluice_error_quark())
GQuark sluice_error_quark(void);

/* The first seven are also the exit codes of the commands (commands.md). */
typedef enum {
    SLUICE_ERROR_FAILED = 1,      /* it was tried and did not work */
    SLUICE_ERROR_USAGE = 2,       /* the words of the request are wrong */
    SLUICE_ERROR_NOT_FOUND = 3,   /* no such pipe or table */
    SLUICE_ERROR_REFUSED = 4,     /* not in this state */
    SLUICE_ERROR_PREFLIGHT = 5,   /* a preflight check failed */
    SLUICE_ERROR_NOT_RUNNING = 6, /* no engine answers */
    SLUICE_ERROR_CANCELLED = 20,  /* the caller's Cancel was requested; never shown */
    SLUICE_ERROR_TABLE = 21,      /* a fault of one table: that table fails, the pipe goes on */
    SLUICE_ERROR_DECODE = 22,     /* bytes from a server that cannot be decoded: never skipped */
    SLUICE_ERROR_HISTORY = 23,    /* the server's history was rewritten under our position */
    SLUICE_ERROR_SOURCE_SETUP = 24, /* the source is no longer set up for replication (binlog format, row image, ...) */
    SLUICE_ERROR_CATALOG = 25,    /* the catalog file cannot be read or written */
} SluiceErrorCode;

#endif
