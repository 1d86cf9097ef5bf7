/* json_text.h - what the catalog keeps as JSON. */
#ifndef SLUICE_PIPE_JSON_TEXT_H
#define SLUICE_PIPE_JSON_TEXT_H

#include <jansson.h>

/* Compact, to be freed with g_free, as all that goes into a record. Not NULL: our objects hold valid UTF-8. */
char *json_text_take(json_t *json_take);

#endif
