/* metrics.h - a picture in Prometheus' text format (exposition formats, version 0.0.4): `status --prometheus`, and the setting
 * `metrics`. What is not known has no sample. Names, labels and units are only ever added.
 */
#ifndef SLUICE_CONTROL_METRICS_H
#define SLUICE_CONTROL_METRICS_H

#include "control/view.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `pipe`: only that one; NULL: all. Free with g_free. */
char *metrics_text(const View *view, const char *pipe);

#endif
