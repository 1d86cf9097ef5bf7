/* table.h - destination tables: what they look like, creating, dropping and exchanging them.
 *
 * What sluice creates carries a mark in its COMMENT ("sluice pipe=<uuid> table=<n>"); only marked tables are ever
 * dropped.
 */
#ifndef SLUICE_CLICKHOUSE_TABLE_H
#define SLUICE_CLICKHOUSE_TABLE_H

#include "clickhouse/http.h"

typedef struct {
    char *name;
    char *type;  /* "Nullable(Decimal(10, 2))" as we ask for it */
    char *codec; /* "CODEC(ZSTD(3))", NULL: the server's default */
} DestColumn;

typedef struct {
    char *database, *table;
    GPtrArray *columns;                    /* of DestColumn, the three added ones last */
    GPtrArray *order_by;                   /* of char *: column names, in key order */
    GPtrArray *placed;                     /* of char *: columns beside the key whose values a delete's row has too */
    char *version_column, *deleted_column; /* "_peerdb_version", "_peerdb_is_deleted" */
    char *mark;                            /* COMMENT */
    bool durable;                          /* fsync settings (settings.md) */
    char *cluster;                         /* made on all of its servers; NULL: on the one that is spoken to */
    char *engine;                          /* its name (layout.h); NULL: ReplacingMergeTree */
    /* ClickHouse's own text, or NULL: */
    char *partition_by, *ttl;
    char *sorted_by; /* ORDER BY in the place of the key */
} DestTableSpec;

DestTableSpec *dest_table_spec_new(const char *database, const char *table);
void dest_table_spec_free(DestTableSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DestTableSpec, dest_table_spec_free)
void dest_table_spec_add_column(DestTableSpec *spec, const char *name, const char *type);
void dest_table_spec_set_codec(DestTableSpec *spec, unsigned column, const char *codec); /* "CODEC(ZSTD(3))" */

char *dest_table_create_sql(const DestTableSpec *spec); /* never IF NOT EXISTS */
bool dest_table_create(Clickhouse *ch, const DestTableSpec *spec, GError **error);
/* On a cluster the engine is a replicated one. "" or NULL: none. */
void dest_table_spec_set_cluster(DestTableSpec *spec, const char *cluster);
/* Whether the server would make it, in its own words where it would not: it is made under a name that nobody has, and
 * dropped. Where the database is not there yet, in `default`; true also where that is not there either. */
bool dest_table_try(Clickhouse *ch, const DestTableSpec *spec, GError **error);

/* What stands at the destination under that name. */
typedef struct {
    bool exists;
    char *engine; /* "ReplacingMergeTree" */
    char *engine_full;
    char *uuid;
    char *comment;                /* the mark, or somebody's text */
    char *sorting_key;            /* "id, k" */
    char *create_query;           /* as the server prints it */
    GPtrArray *partition_columns; /* of char *: what PARTITION BY uses */
    uint64_t rows;
    uint64_t max_version; /* of the version column, 0 when there is none */
    GPtrArray *columns;   /* of DestColumn as the server prints types; without MATERIALIZED and ALIAS ones */
} DestTableInfo;
DestTableInfo *dest_table_inspect(Clickhouse *ch, const char *database, const char *table, const char *version_column,
                                  GError **error);
void dest_table_info_free(DestTableInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DestTableInfo, dest_table_info_free)

/* NULL when `info` can take the rows of `spec`, else why not: same engine arguments, ORDER BY = key or what was asked for,
 * PARTITION BY of columns whose values a delete's row has, no TTL, no cleanup of deleted rows, every column there with its
 * type (more columns may be). Free with g_free. */
char *dest_table_incompatible(const DestTableInfo *info, const DestTableSpec *spec);

/* Why what stands there cannot take blocks of that table, by its columns alone; NULL: it can. Free with g_free. */
char *dest_table_lacks(const DestTableInfo *info, const DestTableSpec *spec);
/* The first thing in which the destination tables of two would differ, columns in any order; NULL: nothing. Free with
 * g_free. */
char *dest_table_spec_difference(const DestTableSpec *a, const DestTableSpec *b);

/* The epoch (replication.md, Versions) in which rows are newer than all that are there. */
uint32_t dest_table_next_epoch(const DestTableInfo *info);
/* Whether it holds rows itself, so that another can take its place: no view, no Distributed table. */
bool dest_table_holds_rows(const DestTableInfo *info);

/* Drops it when its COMMENT, read again just before, is `mark`; SLUICE_ERROR_REFUSED otherwise. True when there is
 * none. */
bool dest_table_drop(Clickhouse *ch, const char *database, const char *table, const char *mark, GError **error);

/* Of what stands under this name, table or view; NULL (no error): nothing. Free with g_free. */
char *dest_table_comment(Clickhouse *ch, const char *database, const char *table, GError **error);

/* Both names change tables, at once for every reader (EXCHANGE TABLES). */
bool dest_table_exchange(Clickhouse *ch, const char *database, const char *one, const char *other, GError **error);
char *dest_table_exchange_sql(const Clickhouse *ch, const char *database, const char *one, const char *other);
char *dest_table_drop_sql(const Clickhouse *ch, const char *database, const char *table);
bool dest_table_rename(Clickhouse *ch, const char *database, const char *from, const char *to, GError **error);
/* Of the table that stands under this name; NULL (no error): none. Free with g_free. */
char *dest_table_uuid(Clickhouse *ch, const char *database, const char *table, GError **error);

/* The destination's half of the preflight: reachable, version (>= 23.8 for ReplacingMergeTree(version, is_deleted)),
 * database exists and its engine is Atomic, Replicated or Shared (a missing database is a warning: it is created at
 * Setup), grants, clock skew. Appends to `checks`; returns false when nothing more can be asked. */
bool clickhouse_preflight(Clickhouse *ch, GPtrArray *checks);
/* Whether tables can be made on it: it is there, with a keeper, macros, and a database that does not spread tables itself. */
bool clickhouse_preflight_cluster(Clickhouse *ch, const char *cluster, GPtrArray *checks);
char *clickhouse_version(Clickhouse *ch, GError **error);
/* Whether the server knows a type of that name; false with an error of its own words. */
bool clickhouse_has_type(Clickhouse *ch, const char *type, GError **error);
bool clickhouse_ensure_database(Clickhouse *ch, GError **error); /* ENGINE = Atomic where absent */

#endif
