/* verify.h - private to src/pipe: whether both ends of a pipe hold the same rows, looked at beside the running stream.
 *
 * One thread, with one connection to either end, that lives no longer than the pipe's Work. Files:
 *   verify.c         the job: its thread, its tables, what it waits for, its report
 *   verify_shape.c   a table as it is compared: columns, key, SQL
 *   verify_range.c   ranges of the key, count and hash at both ends
 *   verify_rows.c    rows by value: read from the source into a scratch table, joined with the destination's
 *   verify_settle.c  which of the rows that differ are differences, and not changes on their way
 *   verify_repair.c  differences mended
 *
 * When is a row that differs a difference? (1) O0 is the version of the saved checkpoint. (2) The source is read, with
 * all that the checkpoint holds visible. (3) The stream passes the end of the log as it is then. (4) The destination is
 * read. Whatever changed the row between (1) and (4) has a version above O0: a row of a smaller one has not been
 * touched, and stood at the source when it was read as it had been applied. So does a row without any version that
 * should be there. All others are looked at again.
 */
#ifndef SLUICE_PIPE_VERIFY_H
#define SLUICE_PIPE_VERIFY_H

#include "pipe/pipe_private.h"
#include "pipe/verify_report.h"

#include "mapping/canonical.h"

/* ---- The job, to its owner: called by the supervisor alone ---- */

typedef struct Verify Verify;

/* `work`: NULL, or one that ends: then it ends at once, and its report says that the pipe is not running. `names`: of
 * char *, NULL: all tables. The one before is forgotten. */
void verify_begin(Pipe *pipe, Work *work, unsigned number, const GPtrArray *names, bool repair);
void verify_stop(Pipe *pipe, const char *why); /* static text */
void verify_join(Pipe *pipe);
void verify_free(Verify *verify);
/* Scratch tables that a crash left behind. */
bool verify_drop_leftovers(Pipe *pipe, Clickhouse *ch, GError **error);

/* ---- What its files share ---- */

/* A table as it is compared now, until its definition changes. */
typedef struct {
    SourceTable *definition;
    TableMapping *mapping;
    DestTableSpec *spec;
    unsigned n;                   /* columns that are compared: the first of the spec's */
    const SourceColumn **columns; /* of the definition, one each */
    unsigned n_key;
    unsigned *key; /* of these n, in key order */
    bool by_range; /* both ends order the key alike, or nearly: it is cut into ranges. Else the source is walked by
                      value */
    bool orders_alike;
    BinaryForm binary;         /* that bytes are kept in */
    bool hashed;               /* all columns have a form that both ends write alike */
    const char *source_column; /* that tells its rows from those of other tables; NULL: all are its */
    char *own_rows;            /* " AND ..." of the destination table's rows that come from this table */
    unsigned statements;       /* PipeTable.statements when it was made */
} VerifyShape;

/* What a key is compared and shown by: a text for each of its columns (canonical.h). */
typedef struct {
    char **key;
    VerifyKind kind;
    char *values;     /* of DIFFERENT: as found_sql writes them */
    uint64_t version; /* the newest of the key at the destination, 0: there is none */
    bool ahead, repaired;
} VerifyFound;

/* What a look saw of the stream before the source was read. */
typedef struct {
    uint64_t version; /* O0 */
    char *file;       /* MariaDB: what the source's snapshot has to hold; NULL: it was waited for */
    uint64_t pos;
} VerifyMark;

/* What a step has found: it counts once the step is done as a whole. */
typedef struct {
    GPtrArray *found; /* of VerifyFound: differences */
    uint64_t rows, ranges, unsettled;
    uint64_t read;      /* rows of the source that were read, and not only counted and hashed there */
    uint64_t uncounted; /* differences beside those in `found` */
    bool too_many;      /* more than are listed of one look */
} VerifyStep;

struct Verify {
    Pipe *pipe;
    bool repair;
    GPtrArray *names; /* of char *; NULL: all tables */
    Cancel *cancel;
    pthread_t thread;
    bool started;
    /* Of its thread: */
    Work *work;
    SourceConnection *source;
    Clickhouse *ch;
    char *dest;            /* what the pipe's destination was resolved to */
    char *scratch, *found; /* tables of ours at the destination: rows of the source, and what of them differs */
    char *keys;            /* and hashes of all the keys that a walk has read */
    bool scratch_made;
    double row_bytes;   /* of the table at hand, about */
    uint64_t hash_rows; /* of a range */
    PipeTable *table;
    VerifyShape *shape;
    VerifyStep step;
    VerifyTableReport *at; /* of the table at hand */
    /* Under Pipe.lock: */
    const char *why; /* why it is to stop; static */
    VerifyReport *report;
};

/* Of an error that is none: it is looked at again, as the table is now. */
#define VERIFY_ALTERED "the table was altered while it was looked at"

#define VERIFY_THREADS   "2"    /* of the destination, for a statement: a verify is to take its share and no more */
#define VERIFY_FOUND_MAX 100000 /* of one look: more are not listed, counted or repaired one by one */

/* verify.c */
/* The stream's place before the source is read; waits until the source can be read so. */
bool verify_mark(Verify *verify, VerifyMark *mark, GError **error);
void verify_mark_clear(VerifyMark *mark);
/* Waits until all that the source has logged by now is applied and saved. */
bool verify_pass(Verify *verify, GError **error);
/* The table's definition, or rows that the log does not hold, changed since the shape was made: what was looked at does
 * not count. */
bool verify_outdated(const Verify *verify);
/* At the destination, on at most some threads. */
bool verify_exec(Verify *verify, const char *sql, GError **error);
GPtrArray *verify_rows(Verify *verify, const char *sql, GError **error);
void verify_found_free(VerifyFound *found);
void verify_count(Verify *verify, uint64_t rows, uint64_t ranges); /* of the step at hand */

/* verify_shape.c */
VerifyShape *verify_shape_new(Verify *verify, PipeTable *table, GError **error);
void verify_shape_free(VerifyShape *shape);
/* Why the table cannot be compared at all, static; NULL: it can. */
const char *verify_unfit(const PipeTable *table);
void verify_append_name(GString *sql, const VerifyShape *shape, unsigned column);
void verify_append_target(GString *sql, const Verify *verify); /* `db`.`table` */
void verify_append_table(GString *sql, const Verify *verify, const char *name);
void verify_append_keys(GString *sql, const VerifyShape *shape,
                        const char *prefix); /* prefix`k0`, prefix`k1`; NULL: names */
/* "(`a`, `b`) IN ((..), (..))" at the destination. */
char *verify_keys_in(const VerifyShape *shape, const GPtrArray *found, unsigned first, unsigned n);
/* One as a bound of ranges at the source. Free with g_free. */
char *verify_source_bound(const VerifyShape *shape, char *const *key);
/* Rows of the range at the destination; "1" for all. */
char *verify_dest_range(const VerifyShape *shape, char *const *after, char *const *upto);

/* verify_range.c */
/* The key of the row that stands `rows` rows behind `after`, at most `upto`; NULL: fewer are left. */
bool verify_next_bound(Verify *verify, char *const *after, char *const *upto, uint64_t rows, char ***bound,
                       GError **error);
/* Goes on from *after; NULL in it once the table is done, with `done`. */
bool verify_hash_step(Verify *verify, char ***after, bool *done, GError **error);

/* verify_rows.c */
bool verify_make_scratch(Verify *verify, GError **error);
void verify_drop_scratch(Verify *verify);
bool verify_clear(Verify *verify, const char *table, GError **error);
/* Reads rows of the source into the scratch table; `n` of them. Those of one chunk behind `after` (a bound), *last
 * becomes the bound behind them, NULL at the end. */
bool verify_read_chunk(Verify *verify, const VerifyMark *mark, const char *after, const char *upto, char **last,
                       uint64_t *n, GError **error);
bool verify_read_keys(Verify *verify, const VerifyMark *mark, const GPtrArray *keys, uint64_t version, uint64_t *n,
                      Block **block, GError **error);
/* RANGE: the scratch table holds the source's rows of `where`, a range at the destination. KEYS: `where` names keys, of
 * both. WALK: what the destination has under the keys of the scratch table. */
typedef enum { LOOK_RANGE, LOOK_KEYS, LOOK_WALK } VerifyLook;
/* What differs between the scratch table's rows (`n`) and the destination's: of VerifyFound; NULL on error. */
GPtrArray *verify_compare(Verify *verify, VerifyLook look, const char *where, uint64_t n, GError **error);
GPtrArray *verify_take_found(Verify *verify, GError **error); /* what stands in the table `found` */
/* Ranges that are read by value before the stream is waited for; zero: nothing yet. After an error it is empty. */
typedef struct {
    VerifyMark mark;
    GString *where; /* of them at the destination; NULL: it is empty */
    uint64_t n;     /* rows */
    unsigned ranges;
} VerifyBatch;
/* Reads a range into it; compares whenever it is full. */
bool verify_batch_range(Verify *verify, VerifyBatch *batch, char *const *after, char *const *upto, GError **error);
bool verify_batch_end(Verify *verify, VerifyBatch *batch, GError **error);
bool verify_value_step(Verify *verify, char ***after, bool *done,
                       GError **error);           /* a batch of the table; as verify_hash_step */
bool verify_walk(Verify *verify, GError **error); /* the whole table, for keys that the ends order otherwise */

/* verify_settle.c */
/* Sorts what was found at `mark` into differences, which are repaired where that is wanted, and what is looked at
 * again. Takes it. */
bool verify_settle(Verify *verify, GPtrArray *found_take, uint64_t version, bool certain, GError **error);
/* How many of the keys go into one statement, from `first` on. */
unsigned verify_batch_of(const Verify *verify, const GPtrArray *found, unsigned first);

/* verify_repair.c */
bool verify_repair(Verify *verify, const GPtrArray *found, unsigned first, unsigned n, GError **error);

#endif
