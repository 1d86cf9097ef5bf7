/* findings.h - what preflight found at both ends, as the requests check, create and tables_add answer it. */
#ifndef SLUICE_UI_FINDINGS_H
#define SLUICE_UI_FINDINGS_H

#include <jansson.h>

#include "canvas.h"

typedef struct {
    char *result; /* "ok", "warn", "fail" */
    char *found, *mend;
} Finding;

GPtrArray *findings_new(void); /* of Finding; empty */
void findings_take(GPtrArray *findings,
                   const json_t *answer); /* those of an answer (NULL: none) instead of what was there */
unsigned findings_count(const GPtrArray *findings, const char *result);
/* All of one result in a line. Free with g_free. */
char *findings_text(const GPtrArray *findings, const char *result);
char *findings_mends(const GPtrArray *findings); /* a line each, to be copied; NULL: nothing is to be mended */
int findings_rows(const GPtrArray *findings, const Canvas *canvas, int width); /* that all of them take */
/* The bad ones first with what mends them, in the rows from `row` to before `end`; what does not fit is cut. */
void findings_draw(const GPtrArray *findings, Canvas *canvas, int row, int end, int col, int width);

#endif
