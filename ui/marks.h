/* marks.h - rows that were marked, known by name: they stay marked while rows are sorted and hidden. */
#ifndef SLUICE_UI_MARKS_H
#define SLUICE_UI_MARKS_H

#include "canvas.h"

typedef struct {
    GHashTable *names;
} Marks;

void marks_init(Marks *marks);
void marks_clear(Marks *marks); /* frees */

bool marks_has(const Marks *marks, const char *name);
guint marks_count(const Marks *marks);
void marks_toggle(Marks *marks, const char *name);
/* Marks all of these names (of const char *), or none of them where all are marked. */
void marks_toggle_all(Marks *marks, const GPtrArray *names);
void marks_drop(Marks *marks);
/* What is not there any more is not marked any more. */
void marks_keep(Marks *marks, bool (*exists)(const void *data, const char *name), const void *data);

/* The sign before a row, in column 0. */
void marks_draw_sign(Canvas *canvas, int row);
/* On the rule under the head: the order of the rows where it is not the usual one (NULL), how many are marked, and how
 * many of those are not among the `shown` names; with none marked `hint` (may be NULL). */
void marks_draw_rule(const Marks *marks, Canvas *canvas, const char *order, const GPtrArray *shown, const char *hint);

#endif
