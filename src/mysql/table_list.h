/* table_list.h - which tables the source has. */
#ifndef SLUICE_MYSQL_TABLE_LIST_H
#define SLUICE_MYSQL_TABLE_LIST_H

#include "mysql/connection.h"

/* What the table picker and wildcards need: base tables only, no system schemas. */
typedef struct {
    char *database, *name, *engine;
    uint64_t rows_estimate, bytes_estimate;
    char *key; /* "id" or "a,b" of the key that would be used; NULL: none */
    bool view; /* of source_list_all alone */
} SourceTableInfo;
GPtrArray *source_list_tables(SourceConnection *source, GError **error); /* of SourceTableInfo, sorted */
GPtrArray *source_list_all(SourceConnection *source, GError **error); /* with the views, which cannot be replicated */
/* The same tables, of one database, and their names alone (the rest is 0 or NULL), which costs the server little. */
GPtrArray *source_list_names(SourceConnection *source, const char *database, GError **error);

#endif
