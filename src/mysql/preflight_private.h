/* preflight_private.h - the pure parts of the preflight, seen by their tests. */
#ifndef SLUICE_MYSQL_PREFLIGHT_PRIVATE_H
#define SLUICE_MYSQL_PREFLIGHT_PRIVATE_H

#include <stdbool.h>

/* Whether a line of SHOW GRANTS gives `privilege` on *.*. */
bool grant_is_global(const char *grant, const char *privilege);

/* Whether a list of binlog_do_db or binlog_ignore_db names the database. */
bool filter_names(const char *list, const char *database);

#endif
