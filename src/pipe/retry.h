/* retry.h - what is retried, what fails, and what the operator can do: one pure decision for every error
 * (lifecycle.md, "What is retried, what fails").
 */
#ifndef SLUICE_PIPE_RETRY_H
#define SLUICE_PIPE_RETRY_H

#include <glib.h>
#include <stdbool.h>

typedef enum {
    VERDICT_RETRY,          /* stalled with backoff, recovers by itself */
    VERDICT_RETRY_OPERATOR, /* the same, but somebody has to act: credentials were refused */
    VERDICT_FAIL_TABLE,     /* the table alone */
    VERDICT_FAIL_PIPE,
    VERDICT_CANCELLED,      /* not an error: the pipe is being stopped */
} Verdict;

typedef enum { SIDE_SOURCE, SIDE_DESTINATION, SIDE_CATALOG } Side;
const char *side_name(Side side); /* "source", "destination", "catalog" */

typedef struct {
    Verdict verdict;
    const char *cause;       /* why, in words; NULL: the message says it all. Static */
    bool log_gone;           /* the server has not the log any more that the pipe needs: a resync mends it (setting `purged`) */
    const char *remedies[4]; /* what to do, NULL-terminated; NAME and TABLE stand for names. Static */
} RetryDecision;

RetryDecision retry_decide(const GError *error, Side side);

#endif
