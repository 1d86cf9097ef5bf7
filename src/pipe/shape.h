/* shape.h - the settings that decide the types of a destination table. They are kept with the table's definition: a change of
 * them takes effect when the table is made anew, not in the middle of its life.
 */
#ifndef SLUICE_PIPE_SHAPE_H
#define SLUICE_PIPE_SHAPE_H

#include "mapping/mapping.h"
#include <jansson.h>

/* Whether that setting ("nullable") is one of the shape and has another value in `a` than in `b`. */
bool shape_setting_differs(const char *name, const MappingSettings *a, const MappingSettings *b);
bool shape_same(const MappingSettings *a, const MappingSettings *b);
void shape_copy(const MappingSettings *from, MappingSettings *to); /* the shape alone */
json_t *shape_to_json(const MappingSettings *settings);            /* new reference */
void shape_from_json(const json_t *json, MappingSettings *out);    /* what is not told is the default */

#endif
