/* picker.h - the tables of a source, to choose from: for a new pipe, and for one that gets more. */
#ifndef SLUICE_UI_PICKER_H
#define SLUICE_UI_PICKER_H

#include <jansson.h>

#include "form.h"
#include "table.h"

typedef struct {
    char *source; /* "shop.orders", as --tables takes it */
    char *database;
    char *key;           /* "id" or "a,b"; NULL: none that could be used */
    char *target;        /* the destination table where it is named otherwise; NULL: as the source table */
    int64_t rows, bytes; /* estimates; VIEW_UNKNOWN */
    char *own_key;       /* columns that the operator names where the source has none: setting DB.TABLE:key; NULL */
    bool view, in_pipe;
    bool chosen;
} PickerTable;

typedef struct {
    GPtrArray *tables; /* PickerTable, in the source's order */
    GPtrArray *shown;  /* those that the filter lets through; borrowed */
    TableCursor cursor;
    int page;
    LineEdit filter, name;
    bool typing;                                                                 /* the filter */
    enum { PICKER_NAMES_NOTHING, PICKER_NAMES_TARGET, PICKER_NAMES_KEY } naming; /* of the table under the cursor */
} Picker;

void picker_init(Picker *picker);
void picker_clear(Picker *picker);                      /* frees */
void picker_take(Picker *picker, const json_t *tables); /* of source_tables; what is chosen stays so */

unsigned picker_chosen(const Picker *picker);
/* Of the chosen, as requests take them: "shop.orders", "shop.orders:copy". */
json_t *picker_names(const Picker *picker);
char *picker_text(const Picker *picker, const char *separator); /* the same as text; free with g_free */
/* The settings that the chosen ones need: "shop.log:key" -> "a,b". New reference. */
json_t *picker_settings(const Picker *picker);
const PickerTable *picker_here(const Picker *picker); /* under the cursor; NULL */

/* All of these: true when what is chosen has changed. `why` gets a sentence where the one under the cursor cannot be
 * chosen as it is (else NULL; free with g_free): where it lacks a key, columns can be typed then. */
bool picker_toggle(Picker *picker, char **why);
/* All that are shown, or of them those of the schema under the cursor; or none. */
bool picker_toggle_all(Picker *picker, bool schema);
void picker_name_target(Picker *picker, char **why); /* begins to name the target of the one under the cursor */
/* While the filter or a name is typed. `taken`: the key was for it. */
bool picker_key(Picker *picker, int key, bool *taken);
bool picker_show_all(Picker *picker); /* drops the filter; false: there is none */

/* A line with the sum, then the rows to before `bottom`, left of column `end`. Without any, `none` stands there. */
void picker_draw(Picker *picker, Canvas *canvas, int row, int bottom, int end, bool focus, Style none_style,
                 const char *none);

#endif
