/* source.h - a model of a MariaDB or MySQL server: what it committed, what stands in its log, and what of it can be read
 * already. It is checked against the server itself: test_models.py carries out on one what models.c says was done here.
 * Left out: a MariaDB whose snapshot's place is ahead of what it shows, behind a CHECKPOINT; what is logged as statements;
 * changed keys; tables without transactions but for a statement here and there; what a dump adds by itself.
 *
 * Every change writes a value that no other ever has: a row that is seen anywhere tells which change it is of. Rows are
 * of `TABLES` tables with the keys 0 to KEYS - 1; the last table is one whose destination keeps every change.
 */
#ifndef SLUICE_SIM_SOURCE_H
#define SLUICE_SIM_SOURCE_H

#include "random.h"

#include "mysql/mysql.h"

#define TABLES  3
#define KEYS    8
#define XIDS    4
#define IGNORED TABLES /* a table that is not followed */

bool table_keeps_all(unsigned table);

/* Of a table: how often it was altered, and what of that was what. Two of one table are the same when `number` is. */
typedef struct {
    uint8_t number;
    uint8_t added, dropped; /* columns */
    uint8_t modified; /* grows by MODIFY_STEPS with each other change: so many statements a destination takes for it */
} Definition;
#define MODIFY_STEPS  2
#define COLUMNS_FIRST 2 /* that were added when the table was created */

typedef struct {
    unsigned table, key;
    uint32_t value; /* > 0 */
    bool deleted, replaces; /* the row was there before, of which it tells the new value */
} Change;

/* Of a rows event, which may have been set aside meanwhile: how many changes; `out` has room for 4. */
unsigned rows_read(const BinlogEvent *event, Change *out);
Definition rows_definition(const BinlogEvent *event); /* that it was written with */

/* A transaction, in the order of commits. Counted from 1. */
typedef struct {
    GArray *changes; /* of Change */
    int truncated;   /* that table; -1: none */
    int altered;     /* that table, which is so from here on; -1: none */
    Definition definition;
} Commit;

typedef struct {
    BinlogEvent event;
    const DdlStatement *statement; /* of a QUERY event; lives for ever, as its text does */
    const char *sql;
    Definition definition;         /* that ALTER makes */
    GtidEvent gtid;                /* of a GTID event */
    unsigned shown;                /* > 0: a group ends here, behind which so many commits can be read */
    bool ends;
    bool here_only;   /* a replica does not log it: it was undone, or broken off */
    bool broken;      /* of a GTID event: its group was broken off */
    uint8_t body[48]; /* of a rows event: as rows_read reads it */
} LogEvent;

typedef struct {
    SourceFlavour flavour;
    unsigned number; /* of this server: its identity */
    unsigned file_number;
    const char *file;
    uint64_t pos;
    GPtrArray *log;     /* of LogEvent */
    GPtrArray *commits; /* of Commit */
    unsigned readable;  /* index behind the last log event whose group can be read */
    uint64_t seq;       /* of the last GTID */
    char applied[96];   /* the last GTID that it received when it was a replica; "": it never was */
    uint32_t gtid_server;
    uint32_t next_value;
    GHashTable *undone; /* GTIDs of transactions that were rolled back */
    GArray *xa[XIDS]; /* of Change: prepared and not ended; NULL: none */
    Definition definitions[TABLES + 1]; /* as any statement sees them from now on */
    bool held[TABLES + 1];              /* by a transaction that reads the table: it is not altered meanwhile */
    uint64_t events;  /* ever written */
} Source;

Source *source_new(Random *random, unsigned rows, SourceFlavour flavour);
void source_free(Source *source);

typedef enum {
    WRITE_PLAIN,
    WRITE_UNDONE,    /* logged, and rolled back at its end */
    WRITE_SAVEPOINT, /* a part of it is rolled back */
    WRITE_LARGE,
    WRITE_BROKEN, /* the server restarted within it */
    WRITE_IGNORED,
    WRITE_ONE_PHASE,
    WRITE_XA_PREPARE,
    WRITE_XA_COMMIT,
    WRITE_XA_ROLLBACK,
    WRITE_TRUNCATE,
    WRITE_ADD_COLUMN,
    WRITE_DROP_COLUMN, /* one that was added */
    WRITE_MODIFY,      /* another change of one that was added */
    WRITE_KINDS,
} WriteKind;
const char *write_kind_name(unsigned kind); /* "": none */
void source_write(Source *source, WriteKind kind, Random *random);
void source_rotate(Source *source);
bool source_begins_file(unsigned type); /* an event of that type stands at the start of a file, before its groups */
/* Another server, which has all of the old one's transactions in files of its own; but the last `lost`, where a loss is
 * modelled (source_lose). */
void source_fail_over(Source *source, unsigned lost);
/* Its log begins anew, and so do its numbers. */
void source_reset(Source *source);
/* The last `groups` are lost, in the log and in the tables: it goes on with others under the same numbers. */
void source_lose(Source *source, unsigned groups);

/* Where the log ends by GTID: MariaDB's gtid_binlog_pos, of the last whole group; MySQL's gtid_executed, which has what
 * can be read. Free with g_free. */
char *source_gtid(const Source *source);
/* MariaDB: the last number of each server that wrote to the log, as @@gtid_binlog_state. Free with g_free. */
char *source_gtid_state(const Source *source);
bool is_gtid_event(const BinlogEvent *event);
/* That transaction was rolled back, and is not what the server received last: it says that it has not got it. */
bool source_undid(const Source *source, const char *gtid); /* a transaction that was rolled back */
/* Those of `gtid` that it says it has not; NULL: none. Free with g_free. MySQL: nor what cannot be read yet. */
char *source_missing(const Source *source, const char *gtid);
/* They stand in its log, be it that they cannot be read yet. */
bool source_logged(const Source *source, const char *gtid);
bool source_refuses(const Source *source, const char *gtid);
/* How many commits what is readable now holds, and the position of that. */
unsigned source_readable(const Source *source, const char **file, uint64_t *pos);
void source_show_more(Source *source);
/* MySQL: LOCK TABLES waits, for what was done to the table is not committed, or cannot be read yet. */
bool source_holds(const Source *source, unsigned table);

/* A table's as of a commit. */
Definition source_definition(const Source *source, unsigned commit, unsigned table);
/* Of its table, where the change of that value was committed; false: it never was. */
bool source_definition_of(const Source *source, uint32_t value, Definition *out);
/* A row as of a commit: 0: there is none. */
uint32_t source_row(const Source *source, unsigned commit, unsigned table, unsigned key);
/* The first commit, not before `from`, at which the row was `value` (0: absent), be it within the transaction. */
#define SOURCE_NEVER   (-1)
#define SOURCE_EARLIER (-2)
int source_when(const Source *source, unsigned table, unsigned key, uint32_t value, unsigned from);

bool source_has(const Source *source, uint32_t value); /* the change was committed */

#endif
