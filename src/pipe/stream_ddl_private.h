/* stream_ddl_private.h - a statement of the log on followed tables, being carried out: between stream_ddl.c (which statements do what,
 * barrier, destination) and stream_alter.c (ALTER).
 */
#ifndef SLUICE_PIPE_STREAM_DDL_PRIVATE_H
#define SLUICE_PIPE_STREAM_DDL_PRIVATE_H

#include "pipe/columns.h"
#include "pipe/stream_private.h"

#include "mapping/schema_change.h"

/* What a statement does to one followed table. */
typedef struct {
    PipeTable *table;
    SourceTable *next; /* its new definition; NULL: it stays what it is */
    bool switched;     /* it is followed by it */
    bool noted;        /* only that it is being carried out; the note goes */
    char *old_text;    /* the record's, while the new one is being saved */
    GPtrArray *notes;  /* of char *: for the journal */
    TableState state;  /* DROPPED, else LIVE: it goes on as it is */
} TableEffect;

struct StreamDdl {
    Stream *s;
    const BinlogEvent *event;
    const DdlStatement *statement;
    QueryEvent query;
    char *sql;      /* UTF-8 */
    char *shown;    /* of it, for messages */
    char *position; /* "file:pos" */
    char *id;       /* stream_statement_id */
    ColumnContext context;
    bool ends;        /* its group ends with it */
    bool barrier;     /* all before it is applied and saved */
    unsigned queries; /* sent to the destination, to number them */
    bool failed_pipe;
    Clickhouse *ch;
    char *dest;         /* what the pipe's destination was resolved to */
    GPtrArray *effects; /* of TableEffect */
};

/* ---- stream_ddl.c ---- */
TableEffect *ddl_effect_add(StreamDdl *ddl, PipeTable *table);
void ddl_table_fails(StreamDdl *ddl, PipeTable *table, const char *what, const char *why); /* why: NULL: nothing more is known */
/* Of the next statement at the destination, by which it can be killed. Free with g_free. */
char *ddl_query_id(StreamDdl *ddl);
/* Those of this statement whose answers were lost. */
bool ddl_kill_statements(StreamDdl *ddl, GError **error);
/* All before the statement is acknowledged and saved. `possible`: false where its group holds rows, too. False: cancelled. */
bool ddl_barrier(StreamDdl *ddl, bool *possible, GError **error);
/* The table's definition with the statement noted as being carried out, to be saved before it is. Free with g_free. */
char *ddl_noted(const StreamDdl *ddl, const PipeTable *table);
typedef bool (*Attempt)(StreamDdl *ddl, TableEffect *effect, void *data, GError **error);
/* Until it worked, or failed its table, or the pipe; False: cancelled, or the pipe fails. */
bool ddl_carry_out(StreamDdl *ddl, TableEffect *effect, Attempt attempt, void *data, GError **error);
/* Rows changed that the log does not tell (setting `silent_changes`). */
void ddl_silent_change(StreamDdl *ddl, PipeTable *table, const char *by);
bool ddl_table_is_gone(StreamDdl *ddl, PipeTable *table, const char *how, GError **error);

/* ---- stream_alter.c ---- */
LoadStanding ddl_load_standing(const StreamDdl *ddl, PipeTable *table);
/* The table gets another definition, whatever statement said so. */
bool ddl_change_table(StreamDdl *ddl, PipeTable *table, TableChange *change, const StatementTime *time,
                         GError **error);
/* `first`: it is the table that the statement alters, not a second one that it names. */
bool ddl_alter_table(StreamDdl *ddl, PipeTable *table, bool first, GError **error);

#endif
