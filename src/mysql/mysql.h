/* mysql.h - the face of src/mysql, the source side: MySQL and MariaDB servers. Knows nothing of ClickHouse.
 *
 * (libmariadb's own header of that name is included as <mysql.h> by private files only.)
 */
#ifndef SLUICE_MYSQL_MYSQL_H
#define SLUICE_MYSQL_MYSQL_H

#include "mysql/binlog.h"
#include "mysql/charset.h"
#include "mysql/connection.h"
#include "mysql/consistent.h"
#include "mysql/ddl.h"
#include "mysql/event.h"
#include "mysql/gtid.h"
#include "mysql/preflight.h"
#include "mysql/probe.h"
#include "mysql/ranges.h"
#include "mysql/retention.h"
#include "mysql/rows.h"
#include "mysql/table.h"
#include "mysql/table_list.h"
#include "mysql/value.h"

#endif
