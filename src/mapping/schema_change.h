/* schema_change.h - what the destination has to do for a change of a definition (replication.md, DDL). Pure. */
#ifndef SLUICE_MAPPING_SCHEMA_CHANGE_H
#define SLUICE_MAPPING_SCHEMA_CHANGE_H

#include "mapping/default_value.h"
#include "mysql/table_alter.h"

/* Another table whose rows stand in the same destination table (setting source_column). */
typedef struct {
    const SourceTable *table;
    MappingSettings settings; /* its own */
} SharedTable;

typedef struct {
    const SourceTable *old;
    TableChange *change; /* the list of kept columns in its definition is brought up to date */
    const MappingSettings *settings;
    bool strict;         /* by sql_mode a value that does not fit is an error: rows stay what they are */
    bool keep_old_names; /* setting rename_column=both */
    const StatementTime *time;
    const GPtrArray *there; /* of char *: names of all columns at the destination, ALIAS ones too */
    const GPtrArray *others; /* of SharedTable; NULL: none. What their rows have is not changed */
} SchemaChangeRequest;

typedef struct {
    GPtrArray *steps; /* of char *: each the commands of one ALTER TABLE, in this order; one that begins with UPDATE may
                         be repeated */
    GPtrArray *notes;  /* of char *: for the journal */
    char *advise;      /* rows may differ from the source's now: why; NULL: they do not */
    char *fail;        /* it cannot be done: why; NULL: it can */
    bool only_columns; /* nothing but columns added and dropped: a load goes on with the new definition */
} SchemaChange;

SchemaChange *schema_change_plan(const SchemaChangeRequest *request);
void schema_change_free(SchemaChange *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchemaChange, schema_change_free)

#endif
