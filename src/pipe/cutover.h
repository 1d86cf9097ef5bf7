/* cutover.h - the definition of a table that took another one's name (RENAME TABLE), at that place of the log.
 *
 * The server tells definitions of the present only. The present one is that of the place when no statement between
 * there and now names the table: so the log between is looked through, by the server itself.
 */
#ifndef SLUICE_PIPE_CUTOVER_H
#define SLUICE_PIPE_CUTOVER_H

#include "mysql/mysql.h"

/* NULL with `why` (free with g_free): it cannot be known; NULL with `error`: the source could not be asked. `file`,
 * `pos`: behind the statement. */
SourceTable *cutover_definition(SourceConnection *source, const char *database, const char *name, const char *file,
                                uint64_t pos, Cancel *cancel, char **why, GError **error);

/* A table that gh-ost or pt-online-schema-change made of `name`: it has the same rows. */
bool cutover_is_copy(const char *other, const char *name);
/* A table that those tools make beside `name` for the time of their work: a copy, a log, or what it was before. */
bool cutover_is_working_table(const char *other, const char *name);

#endif
