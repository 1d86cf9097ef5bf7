/* connection_private.h - what the files of this room share of a connection: libmariadb's own handle. */
#ifndef SLUICE_MYSQL_CONNECTION_PRIVATE_H
#define SLUICE_MYSQL_CONNECTION_PRIVATE_H

#include "mysql/connection.h"
#include <mysql.h>

/* Borrowed: closed by source_close. */
MYSQL *source_handle(SourceConnection *source);

/* Sets `error` from the handle's last error (domain SOURCE_ERROR): "cannot <what>: <server's text>: <what to do>". When
 * the connection's Cancel was requested it is SLUICE_ERROR_CANCELLED. */
void source_set_error(SourceConnection *source, const char *what, GError **error);
void source_set_statement_error(SourceConnection *source, MYSQL_STMT *statement, const char *what, GError **error);

/* Cuts the connection: whatever is called on it from now on fails at once. */
void source_shutdown(SourceConnection *source);

#endif
