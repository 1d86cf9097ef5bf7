/* metrics.h - Prometheus text over HTTP (setting `metrics`): GET /metrics. Whoever reaches the address may read names and figures of
 * all pipes, and nothing else.
 */
#ifndef SLUICE_ENGINE_METRICS_H
#define SLUICE_ENGINE_METRICS_H

#include "engine/engine_private.h"

typedef struct MetricsServer MetricsServer;

/* "127.0.0.1:9187" or "[::1]:9187". */
bool metrics_address_is_valid(const char *text);
/* SLUICE_ERROR_FAILED: the address cannot be listened on. */
MetricsServer *metrics_server_start(Engine *engine, const char *address, GError **error);
void metrics_server_stop(MetricsServer *server); /* NULL is fine */

#endif
