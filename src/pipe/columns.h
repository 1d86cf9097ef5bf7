/* columns.h - the settings of single tables (settings.md): of their columns, `--set shop.orders:exclude=a,b`,
 * `shop.orders:key=a,b`, `shop.orders:rename=a=b,...`, `shop.orders:type=a=LowCardinality(String),...`, `shop.orders:codec=a=ZSTD(3),...`; of the
 * destination table as a whole, in ClickHouse's own text, `shop.orders:order_by=id, at`, and partition_by, ttl, engine; and
 * source_column, the name of a column that tells several tables of one target apart (shared.h).
 *
 * The table is written as in --tables, wildcards too; column names in lists with `, = ( )` or spaces in backticks. The texts
 * name the destination's columns.
 */
#ifndef SLUICE_PIPE_COLUMNS_H
#define SLUICE_PIPE_COLUMNS_H

#include "mysql/table.h"

#define COLUMN_SETTINGS                                                                                                \
    "DB.TABLE:key, :exclude, :rename, :type, :codec, :order_by, :partition_by, :engine, :ttl, :source_column"

/* Whether the setting is one of a table; `meaning`, where wanted, gets one line. */
bool column_setting_is(const char *name, const char **meaning);
const char *column_setting_form(const char *name); /* how a value is written: "a=b,c=d" */
const char *const *column_setting_words(void); /* exclude, rename, ...; NULL-terminated */
/* Whether it is a setting of that table, by name or wildcard. */
bool column_setting_names_table(const char *name, const char *database, const char *table);
/* The source column that the settings give it; NULL: none. Free with g_free. */
char *column_settings_source_column(const json_t *settings, const char *database, const char *table);
/* SLUICE_ERROR_USAGE names the setting and what is wrong. An empty value sets nothing. */
bool column_setting_check(const char *name, const char *value, GError **error);
/* Notes in a definition that nobody shares yet what the settings (an object of texts; others in it are passed over) say of
 * its columns and its destination table. SLUICE_ERROR_PREFLIGHT: there is no such column, or it is part of the key and
 * cannot be left out, or two would have one name, or the destination table would not hold what the source has. */
bool column_settings_apply(const json_t *settings, SourceTable *table, GError **error);
/* Whether they name a key for that table. */
bool column_settings_name_key(const json_t *settings, const char *database, const char *table);
/* The same for a definition that DDL has made, of the columns that were added (`origin`: -1) alone. Columns that the settings
 * name and that are there no more are passed over. */
bool column_settings_apply_added(const json_t *settings, SourceTable *table, const int *origin, GError **error);

/* The definition as the source has it, before column_settings_apply. */
void column_settings_forget(SourceTable *table);

/* For what names nothing at all, which column_settings_apply cannot see: a table that is not among `names` (of
 * SelectionName), or with a wildcard a column that none of the matching `tables` (of SourceTable) has. Adds a failed
 * check for each. */
void column_settings_check_used(const json_t *settings, const GPtrArray *names, const GPtrArray *tables,
                                GPtrArray *checks);

/* Those of the tables (of SourceTable) that the setting is about were made with that value of it. */
bool column_setting_in_effect(const char *name, const char *value, const GPtrArray *tables);

#endif
