/* json_delta.h - what differs between two JSON values of the same shape, as a value of its own.
 *
 * Of objects the members that differ, null for those that went; of arrays of objects of the same length an object of
 * the elements that differ, by their number; of all else the new value.
 */
#ifndef SLUICE_UI_JSON_DELTA_H
#define SLUICE_UI_JSON_DELTA_H

#include <jansson.h>
#include <stdbool.h>

/* False: it cannot be told so (an array became an object). `*delta`: new reference, NULL where nothing differs. It
 * shares values with `now`. */
bool json_delta(json_t *old, json_t *now, json_t **delta);

/* Changes `old` into what `delta` was made of, and returns it, or another value that takes its place. NULL: the delta
 * is of another value; `old` is freed. Both become the caller's one reference. */
json_t *json_delta_apply(json_t *old_take, json_t *delta);

#endif
