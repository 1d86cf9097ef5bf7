/* preflight.c - the destination's half of the preflight. */
#include "clickhouse/http_error.h"
#include "clickhouse/request.h"
#include "clickhouse/table.h"
#include <stdlib.h>
#include <string.h>

#define VERSION_MAJOR  23 /* ReplacingMergeTree(version, is_deleted) as it is now */
#define VERSION_MINOR  8
#define CLOCK_SKEW_MAX (2 * G_USEC_PER_SEC)

/* What a pipe does in its database. RENAME and EXCHANGE need no right of their own. */
static const char *const RIGHTS[] = {"SELECT", "INSERT", "CREATE TABLE", "DROP TABLE", "TRUNCATE", "ALTER TABLE"};

static GPtrArray *ask(Clickhouse *ch, const char *sql, GError **error)
{
    HttpRequest request = {.sql = sql, .without_database = true};
    return http_request_rows(ch, &request, error);
}

static char *ask_value(Clickhouse *ch, const char *sql, GError **error)
{
    g_autoptr(GPtrArray) rows = ask(ch, sql, error);
    if (!rows || rows->len == 0)
        return NULL;
    char **row = g_ptr_array_index(rows, 0);
    return g_strdup(row[0]);
}

char *clickhouse_version(Clickhouse *ch, GError **error)
{
    char *version = ask_value(ch, "SELECT version()", error);
    if (!version && error && !*error)
        g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_HTTP,
                    "what answers at %s does not tell a version; is it ClickHouse?", http_server(ch));
    return version;
}

bool clickhouse_has_type(Clickhouse *ch, const char *type, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT toTypeName(defaultValueOfTypeName(");
    clickhouse_quote_string(sql, type);
    g_string_append(sql, "))");
    g_autoptr(GPtrArray) rows = ask(ch, sql->str, error);
    return rows != NULL;
}

bool clickhouse_ensure_database(Clickhouse *ch, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT count() FROM system.databases WHERE name = ");
    clickhouse_quote_string(sql, clickhouse_database(ch));
    GError *failed = NULL;
    g_autofree char *count = ask_value(ch, sql->str, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return false;
    }
    if (count && strcmp(count, "0") != 0)
        return true;
    g_string_assign(sql, "CREATE DATABASE IF NOT EXISTS ");
    clickhouse_quote_name(sql, clickhouse_database(ch));
    clickhouse_append_cluster(ch, sql);
    g_string_append(sql, " ENGINE = Atomic");
    HttpRequest request = {.sql = sql->str, .without_database = true};
    g_autofree char *answer = http_request(ch, &request, NULL, error);
    return answer != NULL;
}

/* The last error as a failed line. Its message may already hold the mend: then that is not said twice. */
static void add_error(GPtrArray *checks, CheckResult result, const char *name, const char *mend, const GError *failed)
{
    g_autofree char *found = g_strdup(failed->message);
    /* A line that broke says nothing of what was looked at. */
    if (g_error_matches(failed, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT) ||
        g_error_matches(failed, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN)) {
        result = CHECK_FAIL;
        name = "clickhouse_reachable";
    }
    char *cut = mend ? g_strrstr(found, "; ") : NULL;
    if (cut)
        *cut = '\0';
    check_add(checks, result, name, mend, "%s", found);
}

static bool is_login_error(const GError *failed)
{
    return failed->domain == CLICKHOUSE_ERROR && (failed->code == 516 || (failed->code >= 192 && failed->code <= 194));
}

static bool check_reachable(Clickhouse *ch, GPtrArray *checks)
{
    g_autoptr(GError) failed = NULL;
    g_autofree char *version = clickhouse_version(ch, &failed);
    if (!version) {
        bool login = is_login_error(failed);
        g_autofree char *mend = login ? http_error_mend(failed->code, http_user(ch)) : NULL;
        const char *hint = strstr(failed->message, "; ");
        add_error(checks, CHECK_FAIL, login ? "clickhouse_login" : "clickhouse_reachable",
                  mend   ? mend
                  : hint ? hint + 2
                         : "check the destination URL and the server",
                  failed);
        return false;
    }
    g_autofree char *shown = printable(version, 60);
    check_add(checks, CHECK_OK, "clickhouse_reachable", NULL, "ClickHouse %s answers at %s", shown, http_server(ch));
    char *end;
    long major = strtol(version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    if (major > VERSION_MAJOR || (major == VERSION_MAJOR && minor >= VERSION_MINOR)) {
        check_add(checks, CHECK_OK, "clickhouse_version", NULL,
                  "version %s has ReplacingMergeTree(version, is_deleted) and EXCHANGE TABLES", shown);
        return true;
    }
    g_autofree char *mend =
        g_strdup_printf("upgrade ClickHouse to %d.%d or newer, or use --dest embedded:", VERSION_MAJOR, VERSION_MINOR);
    check_add(checks, CHECK_FAIL, "clickhouse_version", mend,
              "version %s is too old: it lacks ReplacingMergeTree(version, is_deleted) or EXCHANGE TABLES", shown);
    return false;
}

/* Returns whether the database is there. */
static bool check_database(Clickhouse *ch, GPtrArray *checks)
{
    static const char *const GOOD[] = {"Atomic", "Replicated", "Shared", NULL};
    g_autofree char *name = printable(clickhouse_database(ch), 100);
    g_autoptr(GString) sql = g_string_new("SELECT engine FROM system.databases WHERE name = ");
    clickhouse_quote_string(sql, clickhouse_database(ch));
    g_autoptr(GError) failed = NULL;
    g_autofree char *engine = ask_value(ch, sql->str, &failed);
    if (failed) {
        add_error(checks, CHECK_FAIL, "clickhouse_database", "grant SELECT on system.databases", failed);
        return true;
    }
    if (!engine) {
        g_string_assign(sql, "CREATE DATABASE ");
        clickhouse_quote_name(sql, clickhouse_database(ch));
        g_autofree char *mend = printable(sql->str, 0);
        check_add(checks, CHECK_WARN, "clickhouse_database", mend, "database %s does not exist; it will be created",
                  name);
        return false;
    }
    g_autofree char *shown = printable(engine, 60);
    if (g_strv_contains(GOOD, engine)) {
        check_add(checks, CHECK_OK, "clickhouse_database", NULL, "database %s has engine %s", name, shown);
        return true;
    }
    check_add(checks, CHECK_FAIL, "clickhouse_database",
              "name another database in the destination URL: a new one is created with engine Atomic",
              "database %s has engine %s, which cannot exchange tables (it takes Atomic, Replicated or Shared)", name,
              shown);
    return true;
}

/* Appends what is missing to `missing`; false when the server has no CHECK GRANT. */
static bool check_rights(Clickhouse *ch, bool database_exists, GString *missing, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(RIGHTS) + 1; i++) {
        const char *right = i < G_N_ELEMENTS(RIGHTS) ? RIGHTS[i] : "CREATE DATABASE";
        if (i == G_N_ELEMENTS(RIGHTS) && database_exists)
            break;
        g_autoptr(GString) sql = g_string_new("CHECK GRANT ");
        g_string_append_printf(sql, "%s ON ", right);
        clickhouse_quote_name(sql, clickhouse_database(ch));
        g_string_append(sql, ".*");
        GError *failed = NULL;
        g_autofree char *granted = ask_value(ch, sql->str, &failed);
        if (failed) {
            g_propagate_error(error, failed);
            return false;
        }
        if (granted && strcmp(granted, "0") == 0)
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", right);
    }
    return true;
}

static void report_rights(Clickhouse *ch, GPtrArray *checks, const char *missing)
{
    g_autofree char *database = printable(clickhouse_database(ch), 100);
    g_autofree char *user = printable(http_user(ch), 100);
    if (!*missing) {
        check_add(checks, CHECK_OK, "clickhouse_grants", NULL, "user %s may do all that is needed in database %s", user,
                  database);
        return;
    }
    g_autoptr(GString) grant = g_string_new("GRANT ");
    g_string_append_printf(grant, "%s ON ", missing);
    clickhouse_quote_name(grant, clickhouse_database(ch));
    g_string_append(grant, ".* TO ");
    clickhouse_quote_name(grant, http_user(ch));
    g_autofree char *mend = printable(grant->str, 0);
    check_add(checks, CHECK_FAIL, "clickhouse_grants", mend, "user %s lacks %s in database %s", user, missing,
              database);
}

/* Before CHECK GRANT (24.10): the grants as text. They are taken at their word, not worked out. */
static void check_rights_by_text(Clickhouse *ch, GPtrArray *checks)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GPtrArray) rows = ask(ch, "SHOW GRANTS", &failed);
    if (!rows) {
        check_add(checks, CHECK_WARN, "clickhouse_grants", "see SHOW GRANTS at the server",
                  "the grants of user %s cannot be read: what is lacking shows when it is first needed", http_user(ch));
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < rows->len; i++)
        g_string_append_printf(text, "%s\n", ((char **)g_ptr_array_index(rows, i))[0]);
    g_autoptr(GString) missing = g_string_new(NULL);
    bool all = strstr(text->str, "GRANT ALL") || strstr(text->str, ", ALL ON");
    for (size_t i = 0; !all && i < G_N_ELEMENTS(RIGHTS); i++) {
        g_auto(GStrv) words = g_strsplit(RIGHTS[i], " ", 2); /* "CREATE" grants "CREATE TABLE" too */
        if (!strstr(text->str, words[0]))
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", RIGHTS[i]);
    }
    report_rights(ch, checks, missing->str);
}

static void check_grants(Clickhouse *ch, GPtrArray *checks, bool database_exists)
{
    g_autoptr(GString) missing = g_string_new(NULL);
    g_autoptr(GError) failed = NULL;
    if (check_rights(ch, database_exists, missing, &failed))
        report_rights(ch, checks, missing->str);
    else
        check_rights_by_text(ch, checks);
}

static void check_clock(Clickhouse *ch, GPtrArray *checks)
{
    g_autoptr(GError) failed = NULL;
    int64_t before = clock_real_usec();
    g_autofree char *text = ask_value(ch, "SELECT toUnixTimestamp64Micro(now64(6))", &failed);
    int64_t after = clock_real_usec();
    if (!text) {
        check_add(checks, CHECK_WARN, "clickhouse_clock", "see the server's log", "its clock cannot be read%s%s",
                  failed ? ": " : "", failed ? failed->message : "");
        return;
    }
    int64_t skew = g_ascii_strtoll(text, NULL, 10) - (before + (after - before) / 2);
    double seconds = (double)skew / G_USEC_PER_SEC;
    if (ABS(skew) - (after - before) / 2 > CLOCK_SKEW_MAX)
        check_add(checks, CHECK_WARN, "clickhouse_clock", "set both clocks by NTP",
                  "its clock is %.1f s %s ours: times of synchronisation are off by that", ABS(seconds),
                  skew > 0 ? "ahead of" : "behind");
    else
        check_add(checks, CHECK_OK, "clickhouse_clock", NULL, "its clock and ours agree within %.1f s", ABS(seconds));
}

/* ---- a cluster ---- */

static bool cluster_fails(GPtrArray *checks, const char *cluster, const char *mend, const char *format, ...) G_GNUC_PRINTF(4, 5);
static bool cluster_fails(GPtrArray *checks, const char *cluster, const char *mend, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args), *shown = printable(cluster, 64);
    va_end(args);
    check_add(checks, CHECK_FAIL, "clickhouse_cluster", mend, "cluster %s: %s", shown, what);
    return false;
}

static bool check_cluster_known(Clickhouse *ch, const char *cluster, GPtrArray *checks)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GPtrArray) rows = ask(ch, "SELECT DISTINCT cluster FROM system.clusters ORDER BY cluster", &failed);
    g_autoptr(GString) names = g_string_new(NULL);
    if (!rows)
        return cluster_fails(checks, cluster, "grant SELECT on system.clusters", "the clusters cannot be read: %s", failed->message);
    for (unsigned i = 0; i < rows->len; i++) {
        const char *name = ((char **)rows->pdata[i])[0];
        if (strcmp(name, cluster) == 0)
            return true;
        g_autofree char *shown = printable(name, 64);
        g_string_append_printf(names, "%s%s", i ? ", " : "", shown);
    }
    return cluster_fails(checks, cluster, "name one of system.clusters, or add it to remote_servers of every server's configuration",
                         "the server knows no such cluster; there %s %s", rows->len == 1 ? "is" : "are", rows->len ? names->str : "none");
}

bool clickhouse_preflight_cluster(Clickhouse *ch, const char *cluster, GPtrArray *checks)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GString) sql = g_string_new("SELECT engine FROM system.databases WHERE name = ");
    if (!check_cluster_known(ch, cluster, checks))
        return false;
    g_autofree char *keeper = ask_value(ch, "SELECT count() FROM system.zookeeper WHERE path = '/'", &failed);
    if (!keeper)
        return cluster_fails(checks, cluster, "configure ClickHouse Keeper (<zookeeper>) at every server, and grant SELECT on system.zookeeper",
                             "replicated tables need a keeper: %s", failed ? failed->message : "it does not answer");
    g_autofree char *macros = ask_value(ch, "SELECT count() FROM system.macros WHERE macro IN ('shard', 'replica')", NULL);
    if (g_strcmp0(macros, "2") != 0)
        return cluster_fails(checks, cluster, "define <macros> with shard and replica at every server",
                             "the server lacks the macros shard and replica, which tell its replicas apart");
    clickhouse_quote_string(sql, clickhouse_database(ch));
    g_autofree char *engine = ask_value(ch, sql->str, NULL);
    if (engine && (strcmp(engine, "Replicated") == 0 || strcmp(engine, "Shared") == 0))
        return cluster_fails(checks, cluster, "leave cluster out, and set DB.TABLE:engine=ReplicatedReplacingMergeTree where it is not the default",
                             "the database is %s: it makes tables at all of its servers by itself", engine);
    check_add(checks, CHECK_OK, "clickhouse_cluster", NULL, "cluster %s is there, with a keeper and macros", cluster);
    return true;
}

bool clickhouse_preflight(Clickhouse *ch, GPtrArray *checks)
{
    if (!check_reachable(ch, checks))
        return false;
    bool exists = check_database(ch, checks);
    check_grants(ch, checks, exists);
    check_clock(ch, checks);
    return true;
}
