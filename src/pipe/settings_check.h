/* settings_check.h - settings of single tables against the tables that a pipe has: what its next resync would make of
 * them.
 */
#ifndef SLUICE_PIPE_SETTINGS_CHECK_H
#define SLUICE_PIPE_SETTINGS_CHECK_H

#include "pipe/lifecycle.h"
#include "pipe/settings.h"

#define NEW_TABLES_WITHOUT_WILDCARD "new_tables=add adds nothing: the pipe's list of tables has no wildcard"

/* Settings that are not for every mode of a pipe. SLUICE_ERROR_USAGE says which is for which. */
bool settings_check_mode(const PipeSettings *settings, PipeMode mode, GError **error);

/* `set`: all settings of the pipe, `changes`: of them the new ones; `tables`: of CatalogTable. False with
 * SLUICE_ERROR_PREFLIGHT where a table that is well cannot be made so. Of one that failed or was dropped the definition
 * may be out of date, and a table may be added later: that is told in `notes` (of char *), for the preflight of the
 * resync looks again. */
bool settings_check_tables(const json_t *set, const json_t *changes, const GPtrArray *tables, GPtrArray *notes,
                           GError **error);

#endif
