/* columns.h - the settings of single tables about their columns (settings.md): `--set shop.orders:exclude=a,b`,
 * `shop.orders:rename=a=b,...`, `shop.orders:type=a=LowCardinality(String),...`.
 *
 * The table is written as in --tables, wildcards too; column names with `, = ( )` or spaces in backticks.
 */
#ifndef SLUICE_PIPE_COLUMNS_H
#define SLUICE_PIPE_COLUMNS_H

#include "mysql/table.h"

#define COLUMN_SETTINGS "DB.TABLE:exclude, DB.TABLE:rename, DB.TABLE:type"

/* Whether the setting is one of a table; `meaning`, where wanted, gets one line. */
bool column_setting_is(const char *name, const char **meaning);
/* SLUICE_ERROR_USAGE names the setting and what is wrong. An empty value sets nothing. */
bool column_setting_check(const char *name, const char *value, GError **error);
/* Notes in a definition that nobody shares yet what the settings (an object of texts; others in it are passed over) say of
 * its columns. SLUICE_ERROR_PREFLIGHT: there is no such column, or it is part of the key and cannot be left out, or two
 * would have one name. */
bool column_settings_apply(const json_t *settings, SourceTable *table, GError **error);
/* The same for a definition that DDL has made, of the columns that were added (`origin`: -1) alone. Columns that the settings
 * name and that are there no more are passed over. */
bool column_settings_apply_added(const json_t *settings, SourceTable *table, const int *origin, GError **error);

#endif
