/* pending_plan.h - what a schema change does at the destination, as it was planned when its statement was first met.
 *
 * It stands in the catalog beside the table's definition before its first step is taken: met again after a crash, when
 * the destination looks otherwise already, the statement is carried out as it was planned.
 */
#ifndef SLUICE_PIPE_PENDING_PLAN_H
#define SLUICE_PIPE_PENDING_PLAN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    GPtrArray *steps, *notes; /* of char * */
    char **kept;              /* names of columns that the destination keeps; NULL: none */
    char *advise;             /* why a resync is advised, NULL */
    char *tag; /* tells its steps from those of all others: after RESET MASTER servers hand out the same GTIDs and places again */
    unsigned rename_step;  /* the step, from 1, that was about to rename columns; 0: none */
    uint64_t rename_after; /* the number of the destination's last mutation before it */
} PendingPlan;
void pending_plan_clear(PendingPlan *plan);

/* `definition`: the table's, as the catalog keeps it, or NULL. False: it has no plan of that statement. */
bool pending_plan_find(const char *definition, const char *id, PendingPlan *out);
/* The definition with the plan noted in it. Free with g_free. */
char *pending_plan_note(const char *definition, const char *id, const PendingPlan *plan);

#endif
