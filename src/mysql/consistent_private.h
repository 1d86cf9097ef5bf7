/* consistent_private.h - a transaction whose snapshot holds what was logged up to a position (MariaDB tells where a snapshot stands). */
#ifndef SLUICE_MYSQL_CONSISTENT_PRIVATE_H
#define SLUICE_MYSQL_CONSISTENT_PRIVATE_H

#include "mysql/binlog.h"

/* Begins it: all that was logged up to the position (`log_file` NULL: any) is seen. Waits for commits that are on their way; told as
 * a lock wait (1205) when they do not come. */
bool snapshot_begin(SourceConnection *source, const char *log_file, uint64_t log_pos, Cancel *cancel, GError **error);
/* The same, and the place of which it is exactly: what was logged up to there is seen, and nothing behind. Free
 * `at_file`. */
bool snapshot_begin_exact(SourceConnection *source, const char *log_file, uint64_t log_pos, char **at_file,
                          uint64_t *at_pos, Cancel *cancel, GError **error);

#endif
