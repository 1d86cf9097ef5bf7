/* retention.h - for how long a server keeps its binlogs, and which of its settings says so. */
#ifndef SLUICE_MYSQL_RETENTION_H
#define SLUICE_MYSQL_RETENTION_H

#include "mysql/connection.h"

typedef struct {
    int64_t keep_seconds;     /* a log is purged so long after it was closed; -1: never */
    int64_t keep_bytes;       /* the oldest ones are, once all together hold more; -1: never */
    const char *time_setting; /* its name, static; NULL: none */
    const char *size_setting;
    const char *time_mend; /* what keeps them for three days, a statement; static */
} SourceLogLimits;

/* MySQL, MariaDB (11.4 and later by size too), Percona, Amazon RDS. */
bool source_log_limits(SourceConnection *source, SourceLogLimits *out, GError **error);

#endif
