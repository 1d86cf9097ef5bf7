/* probe.h - what the server would send from a position: looked at with a dump of its own, before anything depends on
 * it. */
#ifndef SLUICE_MYSQL_PROBE_H
#define SLUICE_MYSQL_PROBE_H

#include "mysql/binlog.h"
#include "mysql/gtid.h"

typedef struct {
    const char *file; /* interned: where the first transaction from there on begins, or the log ends */
    uint64_t pos;
    int64_t time; /* of that transaction, microseconds since 1970; 0: not known */
    bool at_end;  /* nothing follows so far */
} SourceProbe;

/* SLUICE_ERROR_REFUSED: no transaction begins there, or the server has not what is asked for (its own words are in it).
 * Other errors are the connection's. Nobody else may read the log under `start->server_id` meanwhile. */
bool source_probe(const Url *url, const BinlogStart *start, Cancel *cancel, SourceProbe *out, GError **error);

/* MySQL with GTIDs: the set of what was logged before a position, for which the file is read up to there.
 * SLUICE_ERROR_REFUSED: no transaction begins there. */
GtidSet *source_gtids_before(const Url *url, SourceConnection *source, const BinlogStart *start, Cancel *cancel,
                             GError **error);

/* When a log was begun, microseconds since 1970; 0: not known. */
int64_t source_log_began(const Url *url, const char *file, uint32_t server_id, Cancel *cancel);

#endif
