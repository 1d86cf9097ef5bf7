/* table.h - the definition of a source table: columns with their types, and the key that rows are told apart by.
 *
 * Read from information_schema and SHOW CREATE TABLE. Definitions are immutable once read and reference counted, so
 * threads may share them. They are stored in the catalog as JSON (source_table_to_json).
 */
#ifndef SLUICE_MYSQL_TABLE_H
#define SLUICE_MYSQL_TABLE_H

#include "mysql/cascade.h"
#include "mysql/connection.h"
#include <jansson.h>

typedef enum {
    SOURCE_TYPE_UNKNOWN,
    SOURCE_TYPE_TINYINT,
    SOURCE_TYPE_SMALLINT,
    SOURCE_TYPE_MEDIUMINT,
    SOURCE_TYPE_INT,
    SOURCE_TYPE_BIGINT,
    SOURCE_TYPE_DECIMAL,
    SOURCE_TYPE_FLOAT,
    SOURCE_TYPE_DOUBLE,
    SOURCE_TYPE_BIT,
    SOURCE_TYPE_YEAR,
    SOURCE_TYPE_DATE,
    SOURCE_TYPE_TIME,
    SOURCE_TYPE_DATETIME,
    SOURCE_TYPE_TIMESTAMP,
    SOURCE_TYPE_CHAR,
    SOURCE_TYPE_VARCHAR,
    SOURCE_TYPE_TEXT, /* all four sizes; MariaDB's JSON too */
    SOURCE_TYPE_BINARY,
    SOURCE_TYPE_VARBINARY,
    SOURCE_TYPE_BLOB, /* all four sizes */
    SOURCE_TYPE_ENUM,
    SOURCE_TYPE_SET,
    SOURCE_TYPE_JSON, /* MySQL's binary JSON */
    SOURCE_TYPE_GEOMETRY,
    SOURCE_TYPE_UUID,
    SOURCE_TYPE_INET4,
    SOURCE_TYPE_INET6,
    SOURCE_TYPE_VECTOR,
} SourceType;

typedef struct {
    char *name;        /* UTF-8 */
    SourceType type;
    char *type_text;   /* as the server prints it: "int(10) unsigned", "enum('a','b')" */
    bool is_unsigned;
    bool nullable;
    bool generated, invisible, compressed;
    unsigned precision; /* DECIMAL: digits; BIT: bits; CHAR..: characters; BINARY..: bytes; integers: display width, 0 if none */
    unsigned scale;     /* DECIMAL: scale; TIME, DATETIME, TIMESTAMP: digits of the fraction 0..6 */
    char *charset;      /* CHAR, VARCHAR, TEXT, ENUM, SET: MySQL's name ("utf8mb4", "latin1"); NULL otherwise */
    char *collation;    /* likewise */
    char **labels;      /* ENUM, SET: NULL-terminated, UTF-8; NULL otherwise */
    /* What the owner of the definition makes of the column, set before the definition is shared; here it is only kept. */
    bool excluded;            /* never read: SELECT gives NULL in its place */
    char *as_name, *as_type;  /* NULL: its own */
    char *as_codec;           /* of the destination's column, NULL: the default */
    bool placed;              /* where a row stands at the destination depends on it, as on the key: deletes have its value */
    bool as_nullable;         /* the destination's column is Nullable: it was made when this one could be NULL */
} SourceColumn;

/* What the owner of the definition says of the destination table as a whole, in ClickHouse's own text; SOURCE_COLUMN:
 * the name of a column that tells of each row which source table it is of. */
typedef enum {
    TABLE_ORDER_BY,
    TABLE_PARTITION_BY,
    TABLE_ENGINE,
    TABLE_TTL,
    TABLE_SOURCE_COLUMN,
    N_TABLE_TEXTS
} TableText;
const char *table_text_word(TableText text); /* "order_by": in settings, and in the catalog */

/* MariaDB's WITH SYSTEM VERSIONING: the log has rows of history too (versioning.h). */
typedef struct {
    bool on;                 /* else all is 0 */
    int row_start, row_end;  /* columns of the period; -1: they are hidden, behind all columns */
    char *current_partition; /* the one that holds the current rows; NULL: not PARTITION BY SYSTEM_TIME */
} Versioning;

typedef struct {
    char *database, *name; /* as the server stores them */
    char *engine;          /* "InnoDB" */
    unsigned n_columns;
    SourceColumn *columns; /* in the order of the definition, which is the order in the binlog: generated columns,
                              VIRTUAL ones too, and invisible ones are in it [tried on MariaDB 10.11] */
    unsigned n_key;        /* 0: no usable key */
    unsigned *key;         /* column indices in key order */
    char *key_name;        /* "PRIMARY", or the unique key's name; NULL: the operator named its columns */
    char *create_sql;      /* SHOW CREATE TABLE, without AUTO_INCREMENT=n: equal while the definition is. "": the definition
                              was derived from an older one and a statement (table_alter.h) */
    char *charset, *collation; /* the default of new columns; collation NULL: the charset's own; charset NULL: see create_sql */
    char **kept;           /* names of columns that the destination kept when they were dropped; NULL: none */
    Versioning versioning;
    GPtrArray *cascades;   /* of Cascade: by which its rows change when others do; those that were dropped stay. NULL: none */
    char *texts[N_TABLE_TEXTS]; /* NULL: the default */
    uint64_t rows_estimate, bytes_estimate; /* the server's statistics; not part of the definition */
} SourceTable;

SourceTable *source_table_ref(SourceTable *table);
void source_table_unref(SourceTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SourceTable, source_table_unref)

/* SLUICE_ERROR_TABLE when there is no such base table, or it is one that no log tells the rows of. Reads SHOW CREATE
 * before and after: retried until equal. */
SourceTable *source_table_read(SourceConnection *source, const char *database, const char *name, GError **error);

/* For those who make definitions: all is copied but as_..., placed and excluded when not `notes`. */
void source_column_copy(SourceColumn *to, const SourceColumn *from, bool notes);
void source_column_clear(SourceColumn *column);
SourceTable *source_table_new(void);

int source_table_find_column(const SourceTable *table, const char *name); /* -1 when absent */
/* Columns that the operator names, instead of the key that it has. For a definition that nobody shares yet. */
void source_table_set_key(SourceTable *table, const unsigned *key, unsigned n);
bool source_table_key_is_named(const SourceTable *table);
bool source_table_column_in_key(const SourceTable *table, unsigned column);
/* In the key, or placed: its values are never changed on the way, and a change of one is a delete and an insert. */
bool source_table_column_is_placed(const SourceTable *table, unsigned column);
void source_table_copy_texts(SourceTable *to, const SourceTable *from);
/* "shop_1.orders": what stands in the source column of its rows. Free with g_free. */
char *source_table_value(const SourceTable *table);

json_t *source_table_to_json(const SourceTable *table); /* new reference */
SourceTable *source_table_from_json(const json_t *json, GError **error);

#endif
