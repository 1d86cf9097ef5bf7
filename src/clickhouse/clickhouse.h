/* clickhouse.h - the face of src/clickhouse, the destination side. Knows nothing of MySQL; speaks only HTTP. */
#ifndef SLUICE_CLICKHOUSE_CLICKHOUSE_H
#define SLUICE_CLICKHOUSE_CLICKHOUSE_H

#include "clickhouse/alter.h"
#include "clickhouse/block.h"
#include "clickhouse/embedded.h"
#include "clickhouse/http.h"
#include "clickhouse/insert.h"
#include "clickhouse/layout.h"
#include "clickhouse/table.h"
#include "clickhouse/view.h"

#endif
