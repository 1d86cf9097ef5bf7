/* preflight.h - both ends looked at before a pipe is created (lifecycle.md, Preflight). All checks run even after one fails.
 */
#ifndef SLUICE_PIPE_PREFLIGHT_H
#define SLUICE_PIPE_PREFLIGHT_H

#include "mysql/mysql.h"
#include "mapping/mapping.h"
#include "pipe/lifecycle.h"
#include "pipe/retry.h"
#include "pipe/selection.h"
#include "pipe/settings.h"

typedef struct {
    const char *source;   /* URL as given */
    const char *dest_url; /* resolved: http or https; NULL: could not be resolved, a check says so already */
    const Selection *selection;
    const PipeSettings *settings;
    const json_t *set; /* the same as given, with those of single tables; NULL: none */
    const char *uuid; /* of the pipe whose own tables are expected at the destination; NULL: a new pipe */
    const GPtrArray
        *known; /* of PreflightTable: what the pipe has already, that others may go into one table with; NULL: none */
    unsigned count_seconds; /* for how long rows are counted at most; 0: as long as it takes */
} PreflightRequest;

typedef struct {
    SourceTable *definition;
    char *target;
    MappingSettings *shape; /* that its destination table was made with; NULL: that of the settings */
} PreflightTable;

/* Appends findings to `checks` and what the pipe would replicate to `tables` (of PreflightTable, by source name). */
void preflight_run(const PreflightRequest *request, Cancel *cancel, GPtrArray *checks, GPtrArray *tables);
GPtrArray *preflight_tables_new(void);
/* The same of one table that comes to a pipe whose ends have been looked at. Of the request: settings, set, uuid,
 * count_seconds. `ch` has the pipe's cluster. */
void preflight_table(SourceConnection *source, Clickhouse *ch, const PreflightRequest *request, const char *database,
                     const char *name, const char *target, GPtrArray *checks);
/* Those of the pipe's tables (of CatalogTable) that were set up, for PreflightRequest.known. */
GPtrArray *preflight_known(const GPtrArray *records);

/* Whether a failed check says that its end could not be reached, or did not let us in, at all: such a pipe waits and tries
 * again. `side`: whose check it is. */
bool preflight_unreachable(const Check *check, Side *side);

/* What a pipe does with the table that stands under a target's name. FREE: there is none, or it is ours, empty and fitting, or
 * to be written into. REPLACE: one is loaded beside it and takes its place. REFUSE: `why` says so, free with g_free. */
typedef enum { TARGET_IS_FREE, TARGET_IS_REPLACED, TARGET_IS_REFUSED } TargetUse;
TargetUse preflight_target_use(const DestTableInfo *info, const DestTableSpec *spec, TargetPolicy policy, const char *uuid, char **why);
#define TARGET_EPOCH_MAX 65000u /* the last in which a pipe begins; there are 65 535 */

/* The mark of a table of ours: "sluice pipe=<uuid> table=<source table>". Free with g_free. */
char *preflight_mark(const char *uuid, const char *database, const char *table);
bool preflight_mark_is_ours(const char *comment, const char *uuid);
bool preflight_mark_is_a_pipes(const char *comment); /* ours or another one's */

#endif
