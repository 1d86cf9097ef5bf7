/* table_private.h - how the text of definitions is read; pure, seen by its tests. */
#ifndef SLUICE_MYSQL_TABLE_PRIVATE_H
#define SLUICE_MYSQL_TABLE_PRIVATE_H

#include "mysql/table.h"

/* Members of "enum('a','b')" or "set(...)": NULL-terminated; NULL when the text is not understood. */
char **table_parse_labels(const char *type_text);

/* SHOW CREATE TABLE without what changes although the definition does not (AUTO_INCREMENT=). Free with g_free. */
char *table_normalise_create(const char *create_sql);

/* The same as the server shows it now. */
char *table_show_create(SourceConnection *source, const char *database, const char *name, GError **error);

/* SQL for whether the optimizer may use an index, as 'YES' or 'NO'. */
const char *table_index_usable_sql(const SourceServer *server);

/* Names of the unique keys that hold at every moment, in the order of the definition, "PRIMARY" among them. */
GPtrArray *table_parse_unique_keys(const char *create_sql);

#endif
