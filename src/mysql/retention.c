#include "mysql/retention.h"

#include <string.h>

#define DAY_SECONDS  86400
#define HOUR_SECONDS 3600

/* Amazon RDS purges by a setting of its own; NULL there means: as soon as RDS itself needs a log no more. False: this
 * is no RDS, or its setting may not be seen. */
static bool rds_limits(SourceConnection *source, SourceLogLimits *out)
{
    g_autoptr(SourceRows) rows =
        source_query(source, "SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'", NULL);

    if (rows == NULL || rows->rows->len == 0)
        return false;
    const char *hours = source_rows_get(rows, 0, 0);
    out->keep_seconds = hours != NULL ? g_ascii_strtoll(hours, NULL, 10) * HOUR_SECONDS : 0;
    out->time_setting = "binlog retention hours";
    out->time_mend = "CALL mysql.rds_set_configuration('binlog retention hours', 72);";
    return true;
}

static int64_t number(const char *value)
{
    return value != NULL ? g_ascii_strtoll(value, NULL, 10) : 0;
}

/* MariaDB shows one setting as both, seconds and days. `binlog_expire_logs_auto_purge` is MySQL's switch for all of it.
 */
static void apply_variable(const char *name, const char *value, SourceLogLimits *out, bool *off)
{
    if (g_ascii_strcasecmp(name, "binlog_expire_logs_auto_purge") == 0)
        *off = value != NULL && g_ascii_strcasecmp(value, "OFF") == 0;
    if (g_ascii_strcasecmp(name, "binlog_expire_logs_seconds") == 0 && number(value) > 0) {
        out->keep_seconds = number(value);
        out->time_setting = "binlog_expire_logs_seconds";
    }
    double days = value != NULL ? g_ascii_strtod(value, NULL) : 0;
    if (g_ascii_strcasecmp(name, "expire_logs_days") == 0 && days > 0 && out->time_setting == NULL) {
        out->keep_seconds = (int64_t)(days * DAY_SECONDS);
        out->time_setting = "expire_logs_days";
    }
    bool by_size =
        g_ascii_strcasecmp(name, "max_binlog_total_size") == 0 || g_ascii_strcasecmp(name, "binlog_space_limit") == 0;
    if (by_size && number(value) > 0) {
        out->keep_bytes = number(value);
        out->size_setting =
            g_ascii_strcasecmp(name, "binlog_space_limit") == 0 ? "binlog_space_limit" : "max_binlog_total_size";
    }
}

bool source_log_limits(SourceConnection *source, SourceLogLimits *out, GError **error)
{
    const SourceServer *server = source_server(source);
    bool in_days = server->flavour == SOURCE_MARIADB && server->version < 100601, off = false;
    *out = (SourceLogLimits){.keep_seconds = -1, .keep_bytes = -1};
    out->time_mend = in_days ? "SET GLOBAL expire_logs_days = 3;" : "SET GLOBAL binlog_expire_logs_seconds = 259200;";

    if (rds_limits(source, out))
        return true;
    /* By name: the seconds come before the days. */
    g_autoptr(SourceRows) rows = source_query(
        source,
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('binlog_expire_logs_auto_purge', 'binlog_expire_logs_seconds', "
        "'binlog_space_limit', 'expire_logs_days', 'max_binlog_total_size')",
        error);
    if (rows == NULL)
        return false;
    for (unsigned i = 0; i < rows->rows->len; i++)
        apply_variable(source_rows_get(rows, i, 0), source_rows_get(rows, i, 1), out, &off);
    if (off) {
        out->keep_seconds = -1;
        out->time_setting = NULL;
    }
    return true;
}
