/* setting_list.h - settings as the request `set` lists them, with what a screen says about them. */
#ifndef SLUICE_UI_SETTING_LIST_H
#define SLUICE_UI_SETTING_LIST_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct {
    char *name, *value, *initial;
    char *values;  /* what it takes, in words: "lz4, zstd, none" */
    char *meaning; /* one line */
    char *when;    /* "live", "resync", "create", or the file in which it is fixed */
    bool waits;    /* for the next resync of a table */
} Setting;

GPtrArray *setting_list_new(const json_t *list); /* of Setting; NULL: empty */

/* The words to choose from, NULL-terminated, free with g_strfreev. NULL: it is typed. */
char **setting_choices(const Setting *setting);
bool setting_of_table(const Setting *setting); /* shop.orders:order_by */
/* It cannot be changed here; `creating`: of a pipe that is not made yet. */
bool setting_fixed(const Setting *setting, bool creating);
const char *setting_when(const Setting *setting, bool creating); /* for a column: "at once" */
/* What becomes of a change, as a sentence. */
const char *setting_promise(const Setting *setting, bool creating);

#endif
