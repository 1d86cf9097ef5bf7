/* check.h - one finding of the preflight (lifecycle.md, Preflight). All checks run even after one fails. */
#ifndef SLUICE_BASE_CHECK_H
#define SLUICE_BASE_CHECK_H

#include <glib.h>
#include <stdbool.h>

typedef enum { CHECK_OK, CHECK_WARN, CHECK_FAIL } CheckResult;

typedef struct {
    CheckResult result;
    char *name;  /* stable word of the check, e.g. "binlog_format" */
    char *found; /* one sentence: what was found */
    char *mend;  /* the exact SQL, setting or command that mends it; NULL when ok */
} Check;

void check_free(Check *check);

/* A list of Check, in the order in which they were made. */
GPtrArray *check_list_new(void);
void check_add(GPtrArray *list, CheckResult result, const char *name, const char *mend, const char *found_format, ...)
    G_GNUC_PRINTF(5, 6);
bool check_list_failed(const GPtrArray *list);

#endif
