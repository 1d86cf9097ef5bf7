/* loading.h - what the chunks of a load must be able to see, and when the load of a table is over (replication.md,
 * Snapshot). Pure.
 */
#ifndef SLUICE_PIPE_LOADING_H
#define SLUICE_PIPE_LOADING_H

#include "mysql/mysql.h"

typedef enum {
    SIGHT_ANY,      /* whatever the source shows */
    SIGHT_EXECUTED, /* what the GTIDs of the table's beginning name: it is waited for before the reading */
    SIGHT_POSITION, /* what was logged up to the table's beginning */
    SIGHT_LOG_END,  /* what this server has logged by now */
} LoadSight;
/* By where the table begins; `file`, `gtid`: NULL: not known. */
LoadSight load_sight(SourceFlavour flavour, const char *begin_file, const char *begin_gtid);

/* A table is loaded when all of it is read and the stream has come to where the log ended then: the source may have
 * altered it before the stream was there, and what was read since was read by a definition that the source had no more.
 */
typedef struct {
    bool wanted;           /* it is not loaded yet */
    bool read;             /* all of its ranges are acknowledged, and nothing of it is on its way any more */
    bool passed;           /* the stream has come to (read_file, read_pos) */
    const char *read_file; /* where the log ended when it was read; NULL: not known */
    uint64_t read_pos;
} LoadSituation;

typedef enum { LOAD_READS, LOAD_READ, LOAD_DONE } LoadStanding;
/* How a statement at that place meets the load of the table. READS: what was read, or will be, may be of before it and
 * of after it. READ: nothing is read any more, but some may have been behind it. DONE: all that was read is of before
 * it. */
LoadStanding load_standing(const LoadSituation *load, const char *file, uint64_t pos);
bool load_is_over(const LoadSituation *load);

/* MySQL's GTIDs are of what is committed. What the stream has passed, and nobody can read yet (semi-synchronous
 * replication holds it), it does not bring again: a table begins behind both, and its readers wait for it. NULL: an
 * error. Free with g_free. */
char *load_beginning(const char *committed, const char *passed, GError **error);

/* The source did not know the definition that a table was read by: it may have altered the table before the stream has
 * come there. `wanted`: the table is to be loaded still; `changed`: the stream has another definition by now, or
 * follows another server; `reached`: it has come to where the log ended when the reading had failed. The last two are
 * of one moment. */
typedef enum { DOUBT_WAITS, DOUBT_OVER, DOUBT_FAILS } LoadDoubt;
LoadDoubt load_doubt(bool wanted, bool changed, bool reached);
/* The stream, between transactions, is there: has it come to where the log ended? */
bool load_is_passed(const LoadSituation *load, const char *file, uint64_t pos);

#endif
