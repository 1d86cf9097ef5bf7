/* settings_check.h - settings of single tables against the tables that a pipe has: what its next resync would make of
 * them.
 */
#ifndef SLUICE_PIPE_SETTINGS_CHECK_H
#define SLUICE_PIPE_SETTINGS_CHECK_H

#include "pipe/settings.h"

/* `set`: all settings of the pipe, `changes`: of them the new ones; `tables`: of CatalogTable. False with
 * SLUICE_ERROR_PREFLIGHT where a table that is well cannot be made so. Of one that failed or was dropped the definition
 * may be out of date, and a table may be added later: that is told in `notes` (of char *), for the preflight of the
 * resync looks again. */
bool settings_check_tables(const json_t *set, const json_t *changes, const GPtrArray *tables, GPtrArray *notes,
                           GError **error);

#endif
