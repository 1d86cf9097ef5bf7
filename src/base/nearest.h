/* nearest.h - for messages: the name that was probably meant. */
#ifndef SLUICE_BASE_NEAREST_H
#define SLUICE_BASE_NEAREST_H

/* The name of the NULL-terminated list that `name` is a slip of: at most a third of its letters (two of a short one)
 * are wrong, missing, too many or swapped with their neighbour; upper and lower case are the same. NULL: none is near.
 * Of equally near ones the first. */
const char *nearest_name(const char *name, const char *const *names);

#endif
