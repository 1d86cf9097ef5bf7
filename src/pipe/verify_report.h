/* verify_report.h - what a verify has found so far: shown while it runs, and kept until the next one.
 */
#ifndef SLUICE_PIPE_VERIFY_REPORT_H
#define SLUICE_PIPE_VERIFY_REPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define VERIFY_LISTED_MAX 1000 /* differences that are kept with their values; all are counted */

/* MISSING: the destination has it not. EXTRA: the source has it not. */
typedef enum { VERIFY_MISSING, VERIFY_EXTRA, VERIFY_DIFFERENT } VerifyKind;
const char *verify_kind_name(VerifyKind kind); /* "missing", "extra", "different" */

typedef struct {
    char *column;        /* at the source */
    char *source, *dest; /* printable, cut; NULL: SQL's NULL */
} VerifyValue;
void verify_value_free(VerifyValue *value);

typedef struct {
    char *table; /* "db.table" */
    VerifyKind kind;
    char *key;         /* printable; the columns' values joined with ", " */
    GPtrArray *values; /* of VerifyValue, of DIFFERENT ones: the columns that differ */
    bool repaired;
    bool ahead; /* the destination's row has a version above every change of the stream: no repair wins over it */
} VerifyDifference;
void verify_difference_free(VerifyDifference *difference);

typedef struct {
    char *table;
    uint64_t rows; /* of the source, that were compared */
    uint64_t read; /* of them: by value, for their hashes differed, or their types have none */
    uint64_t differences, repaired, unsettled;
    bool at_least; /* so many that counting them was given up */
    char *skipped; /* why it was not compared, or not to its end; NULL: it was */
} VerifyTableReport;
void verify_table_report_free(VerifyTableReport *table);

typedef struct {
    unsigned number; /* of the verifies of this pipe since the engine started, from 1 */
    bool running, repair;
    int64_t started_at, ended_at; /* ended_at 0: it runs */
    char *table;                  /* the one at hand; NULL: none */
    char *activity;               /* what it waits for, in words; NULL */
    char *stopped;                /* why it ended before its end; NULL: it did not */
    unsigned tables_done, n_tables;
    /* Of all tables together. `unsettled`: keys that changed whenever they were looked at. `differences` counts the
     * repaired ones. */
    uint64_t rows, rows_estimate, ranges, differences, repaired, unsettled;
    double rows_per_second;
    GPtrArray *tables; /* of VerifyTableReport: those that are done, with and without comparison */
    GPtrArray *listed; /* of VerifyDifference, at most VERIFY_LISTED_MAX */
} VerifyReport;

VerifyReport *verify_report_new(void);
VerifyReport *verify_report_copy(const VerifyReport *report, bool listed); /* NULL gives NULL */
void verify_report_free(VerifyReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VerifyReport, verify_report_free)

#endif
