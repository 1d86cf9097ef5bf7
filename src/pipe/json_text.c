#include "pipe/json_text.h"

#include <glib.h>
#include <stdlib.h>

char *json_text_take(json_t *json_take)
{
    char *dumped = json_dumps(json_take, JSON_COMPACT), *text = g_strdup(dumped);
    free(dumped);
    json_decref(json_take);
    return text;
}
