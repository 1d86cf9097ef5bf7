#include "mysql/preflight.h"
#include "mysql/preflight_private.h"
#include "mysql/retention.h"

#include <string.h>

#define DAY_SECONDS  86400
#define HOUR_SECONDS 3600

/* --- What the server says of itself --- */

/* Global variables by name; what a server does not have is absent. */
static GHashTable *variables_read(SourceConnection *source, GError **error)
{
    g_autoptr(GHashTable) variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(SourceRows) rows = source_query(
        source,
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('binlog_format', 'binlog_row_image', 'binlog_row_metadata', "
        "'log_slave_updates', 'log_replica_updates')",
        error);

    if (rows == NULL)
        return NULL;
    for (unsigned i = 0; i < rows->rows->len; i++)
        g_hash_table_insert(variables, g_ascii_strdown(source_rows_get(rows, i, 0), -1),
                            g_strdup(source_rows_get(rows, i, 1)));
    return g_steal_pointer(&variables);
}

static const char *variable(GHashTable *variables, const char *name, const char *otherwise)
{
    const char *value = g_hash_table_lookup(variables, name);

    return value != NULL ? value : otherwise;
}

static const char *log_status_sql(const SourceServer *server)
{
    return server->flavour == SOURCE_MYSQL && server->version >= 80200 ? "SHOW BINARY LOG STATUS"
                                                                       : "SHOW MASTER STATUS";
}

/* The account as GRANT wants it: 'user'@'host'. */
static char *account_read(SourceConnection *source)
{
    g_autofree char *current = source_query_value(source, "SELECT CURRENT_USER()", NULL);
    char *at = current != NULL ? strrchr(current, '@') : NULL;
    GString *account;

    if (at == NULL)
        return g_strdup("CURRENT_USER()");
    *at = '\0';
    account = g_string_new(NULL);
    source_quote_string(account, current);
    g_string_append_c(account, '@');
    source_quote_string(account, at + 1);
    return g_string_free(account, FALSE);
}

/* --- Grants --- */

/* The privileges of "GRANT a, b (`c`), d ON *.* TO ...", upper case as both servers print them: is one of them there?
 */
bool grant_is_global(const char *grant, const char *privilege)
{
    static const char begin[] = "GRANT ", end[] = " ON *.* TO ";
    const char *stop = strstr(grant, end), *p = grant + strlen(begin);
    size_t len = strlen(privilege);

    if (!g_str_has_prefix(grant, begin) || stop == NULL || memchr(grant, '`', (size_t)(stop - grant)) != NULL)
        return false; /* of a table or database, or of a role */
    while (p < stop) {
        const char *comma = memchr(p, ',', (size_t)(stop - p));
        size_t word = (size_t)((comma != NULL ? comma : stop) - p);

        if (word == len && memcmp(p, privilege, len) == 0)
            return true;
        p += word + strspn(p + word, ", ");
        if (comma == NULL)
            break;
    }
    return false;
}

/* SHOW GRANTS with the active roles taken in: MariaDB does so by itself, MySQL wants them named. */
static SourceRows *grants_read(SourceConnection *source, GError **error)
{
    g_autofree char *sql = NULL, *roles = NULL;

    if (source_server(source)->flavour == SOURCE_MARIADB)
        return source_query(source, "SHOW GRANTS", error);
    roles = source_query_value(source, "SELECT CURRENT_ROLE()", NULL);
    if (roles == NULL || strcmp(roles, "NONE") == 0)
        return source_query(source, "SHOW GRANTS FOR CURRENT_USER()", error);
    sql = g_strdup_printf("SHOW GRANTS FOR CURRENT_USER() USING %s", roles);
    return source_query(source, sql, error);
}

static bool has_global(const SourceRows *grants, const char *privilege)
{
    for (unsigned i = 0; i < grants->rows->len; i++) {
        const char *grant = source_rows_get(grants, i, 0);

        if (grant_is_global(grant, privilege) || grant_is_global(grant, "ALL PRIVILEGES"))
            return true;
    }
    return false;
}

static void check_replication_slave(SourceConnection *source, const char *account, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SourceRows) grants = grants_read(source, &error);
    g_autofree char *mend = g_strdup_printf("GRANT REPLICATION SLAVE ON *.* TO %s;", account);

    if (grants == NULL)
        check_add(checks, CHECK_FAIL, "replication_slave", mend, "%s", error->message);
    else if (has_global(grants, "REPLICATION SLAVE") || has_global(grants, "REPLICATION REPLICA"))
        check_add(checks, CHECK_OK, "replication_slave", NULL, "the account %s may read the binlog", account);
    else
        check_add(checks, CHECK_FAIL, "replication_slave", mend,
                  "the account %s may not read the binlog: it lacks REPLICATION SLAVE", account);
}

/* The privilege may be given for a database. Where grants cannot be read replication_slave tells why. */
void source_preflight_lock_tables(SourceConnection *source, const char *why, const char *or_else, GPtrArray *checks)
{
    g_autoptr(SourceRows) grants = grants_read(source, NULL);
    g_autofree char *account = account_read(source);
    g_autofree char *mend = g_strdup_printf("GRANT LOCK TABLES ON *.* TO %s;%s", account, or_else);
    bool found = grants == NULL;

    if (source_server(source)->flavour != SOURCE_MYSQL) /* MariaDB tells the position of a snapshot */
        return;
    for (unsigned i = 0; grants != NULL && i < grants->rows->len; i++) {
        const char *grant = source_rows_get(grants, i, 0);

        found = found || strstr(grant, "LOCK TABLES") != NULL || strstr(grant, "ALL PRIVILEGES") != NULL;
    }
    if (!found)
        check_add(checks, CHECK_FAIL, "lock_tables", mend,
                  "the account %s may not lock tables, which is done for a moment: %s", account, why);
}

/* Proven by doing what it is needed for. */
static void check_replication_client(SourceConnection *source, const char *account, GPtrArray *checks)
{
    const SourceServer *server = source_server(source);
    bool by_new_name = server->flavour == SOURCE_MARIADB && server->version >= 100502;
    const char *privilege = by_new_name ? "BINLOG MONITOR" : "REPLICATION CLIENT";
    g_autofree char *mend = g_strdup_printf("GRANT %s ON *.* TO %s;", privilege, account);
    g_autoptr(GError) error = NULL;
    g_autoptr(SourceRows) status = source_query(source, log_status_sql(server), &error);

    if (status != NULL)
        check_add(checks, CHECK_OK, "replication_client", NULL, "the account %s may ask for the binlog's position",
                  account);
    else
        check_add(checks, CHECK_FAIL, "replication_client", mend,
                  "the account %s may not ask for the binlog's position: it lacks %s", account, privilege);
}

/* --- The server --- */

static void check_version(const SourceServer *server, GPtrArray *checks)
{
    const char *flavour = server->flavour == SOURCE_MARIADB ? "MariaDB" : "MySQL";
    unsigned least = server->flavour == SOURCE_MARIADB ? 100300 : 80000;
    const char *mend = server->flavour == SOURCE_MARIADB ? "upgrade the source to MariaDB 10.6 or later"
                                                         : "upgrade the source to MySQL 8.0 or later";

    if (server->version < least)
        check_add(checks, CHECK_FAIL, "version", mend, "%s %s is too old", flavour, server->version_text);
    else if (server->flavour == SOURCE_MARIADB && server->version < 100600)
        check_add(checks, CHECK_WARN, "version", mend, "%s %s is older than what sluice is tested with", flavour,
                  server->version_text);
    else
        check_add(checks, CHECK_OK, "version", NULL, "%s %s", flavour, server->version_text);
}

static bool host_is_local(const Url *url)
{
    return url_param(url, "socket") != NULL || strcmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0 ||
           g_str_has_prefix(url->host, "127.");
}

static void check_tls(SourceConnection *source, const Url *url, GPtrArray *checks)
{
    char *password = url_read_password(url, NULL);
    bool has_password = password != NULL;

    url_secret_free(password);
    if (source_uses_tls(source))
        check_add(checks, CHECK_OK, "tls", NULL, "the connection is encrypted");
    else if (host_is_local(url))
        check_add(checks, CHECK_OK, "tls", NULL, "the connection is not encrypted, but does not leave this machine");
    else
        check_add(checks, CHECK_WARN, "tls",
                  "switch TLS on at the source (ssl_cert, ssl_key) and use ssl-mode=required",
                  "the connection to %s is not encrypted%s", url->host,
                  has_password ? ", and a password is used over it" : "");
}

/* A variable that must have one value. */
static void check_value(GHashTable *variables, const char *name, const char *wanted, CheckResult otherwise,
                        const char *mend, const char *why, GPtrArray *checks)
{
    const char *value = g_hash_table_lookup(variables, name);

    if (value != NULL && g_ascii_strcasecmp(value, wanted) != 0)
        check_add(checks, otherwise, name, mend, "%s is %s: %s", name, value, why);
    else if (value != NULL)
        check_add(checks, CHECK_OK, name, NULL, "%s is %s", name, value);
    else
        check_add(checks, CHECK_OK, name, NULL, "this server has no variable %s", name);
}

static void check_log(const SourceServer *server, GHashTable *variables, GPtrArray *checks)
{
    if (server->log_bin)
        check_add(checks, CHECK_OK, "log_bin", NULL, "the binlog is on");
    else
        check_add(checks, CHECK_FAIL, "log_bin",
                  "in the server's configuration, section [mysqld]: log_bin=binlog, server_id=1, binlog_format=ROW, "
                  "binlog_row_image=FULL, binlog_row_metadata=FULL; then restart it",
                  "the binlog is off (log_bin=OFF)");
    if (server->server_id == 0)
        check_add(checks, CHECK_FAIL, "server_id", "SET GLOBAL server_id = 1; and server_id=1 in section [mysqld]",
                  "server_id is 0: such a server refuses to send its binlog");
    check_value(
        variables, "binlog_format", "ROW", CHECK_FAIL,
        "SET GLOBAL binlog_format = 'ROW'; and binlog_format=ROW in section [mysqld]; sessions that are open keep "
        "the old format until they connect anew",
        "changes are logged as statements, which do not say what rows they changed", checks);
    check_value(
        variables, "binlog_row_image", "FULL", CHECK_FAIL,
        "SET GLOBAL binlog_row_image = 'FULL'; and binlog_row_image=FULL in section [mysqld]; sessions that are "
        "open keep the old one until they connect anew",
        "changed rows are logged in part only", checks);
    if (server->flavour == SOURCE_MYSQL || server->version >= 100500)
        check_value(
            variables, "binlog_row_metadata", "FULL", CHECK_WARN,
            "SET GLOBAL binlog_row_metadata = 'FULL'; and binlog_row_metadata=FULL in section [mysqld]",
            "with FULL the binlog names its columns, so that a change of a table's definition is never taken for "
            "another",
            checks);
}

static void check_retention(SourceConnection *source, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    SourceLogLimits limits;

    if (!source_log_limits(source, &limits, &error)) {
        check_add(checks, CHECK_WARN, "log_retention", "see that SHOW GLOBAL VARIABLES works at the source",
                  "for how long binlogs are kept is not known: %s", error->message);
        return;
    }
    int64_t seconds = limits.keep_seconds;
    bool rds = g_str_has_prefix(limits.time_mend, "CALL");
    g_autofree char *mend = g_strdup_printf("%s%s", limits.time_mend, rds ? "" : " and the same in section [mysqld]");
    if (seconds >= 0 && seconds < HOUR_SECONDS)
        check_add(checks, CHECK_FAIL, "log_retention", mend,
                  "binlogs are purged after %" G_GINT64_FORMAT " s: a pipe that stands for longer could not go on",
                  seconds);
    else if (seconds >= 0 && seconds < DAY_SECONDS)
        check_add(checks, CHECK_WARN, "log_retention", mend,
                  "binlogs are purged after %.1f hours: a pipe that stands for longer could not go on",
                  (double)seconds / HOUR_SECONDS);
    else if (limits.keep_bytes >= 0)
        check_add(checks, CHECK_WARN, "log_retention", "make that size hold at least three days of writes",
                  "binlogs are purged when they hold more than %" G_GINT64_FORMAT " bytes together (%s)", limits.keep_bytes,
                  limits.size_setting);
    else if (seconds < 0)
        check_add(checks, CHECK_OK, "log_retention", NULL, "binlogs are kept until somebody purges them");
    else
        check_add(checks, CHECK_OK, "log_retention", NULL, "binlogs are kept for %.1f days",
                  (double)seconds / DAY_SECONDS);
}

/* Whether the server applies changes of another one. Without the privilege to ask, MariaDB's count of running appliers
 * tells, which everybody may see. */
static bool is_replica(SourceConnection *source)
{
    bool mariadb = source_server(source)->flavour == SOURCE_MARIADB;
    g_autoptr(SourceRows) replicas =
        source_query(source, mariadb ? "SHOW ALL SLAVES STATUS" : "SHOW REPLICA STATUS", NULL);
    g_autoptr(SourceRows) running = NULL;

    if (replicas != NULL)
        return replicas->rows->len > 0;
    running = source_query(source, "SHOW GLOBAL STATUS LIKE 'Slaves_running'", NULL);
    return running != NULL && running->rows->len > 0 && strcmp(source_rows_get(running, 0, 1), "0") != 0;
}

static void check_replica_updates(SourceConnection *source, GHashTable *variables, GPtrArray *checks)
{
    const char *value = variable(variables, "log_replica_updates", variable(variables, "log_slave_updates", "ON"));
    const char *name =
        g_hash_table_lookup(variables, "log_replica_updates") != NULL ? "log_replica_updates" : "log_slave_updates";
    g_autofree char *mend = g_strdup_printf("%s=ON in section [mysqld], then restart the source", name);

    if (g_ascii_strcasecmp(value, "ON") == 0 || strcmp(value, "1") == 0)
        check_add(checks, CHECK_OK, "log_replica_updates", NULL, "%s is ON", name);
    else if (is_replica(source))
        check_add(checks, CHECK_FAIL, "log_replica_updates", mend,
                  "the source is a replica, and what it replicates is not in its own binlog (%s is OFF)", name);
    else
        check_add(checks, CHECK_OK, "log_replica_updates", NULL, "%s is OFF, and the source is no replica", name);
}

void source_preflight_server(SourceConnection *source, const Url *url, GPtrArray *checks)
{
    const SourceServer *server = source_server(source);
    g_autofree char *account = account_read(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) variables = variables_read(source, &error);

    check_version(server, checks);
    check_tls(source, url, checks);
    if (variables == NULL) {
        check_add(checks, CHECK_FAIL, "variables", "see that SHOW GLOBAL VARIABLES works at the source", "%s",
                  error->message);
    } else {
        check_log(server, variables, checks);
        if (server->log_bin)
            check_retention(source, checks);
        check_replica_updates(source, variables, checks);
    }
    check_replication_slave(source, account, checks);
    check_replication_client(source, account, checks);
    if (!source_server(source)->gtid)
        source_preflight_lock_tables(source, "without GTIDs no other position fits the rows of a table",
                                     " or switch GTIDs on (gtid_mode)", checks);
    check_add(checks, CHECK_OK, "gtid", NULL,
              server->gtid ? "GTIDs are on: the pipe survives a failover of the source"
                           : "GTIDs are off: the pipe follows files and positions of this one server");
}

/* --- A table --- */

/* `list` is what SHOW MASTER STATUS prints: names joined by commas. */
bool filter_names(const char *list, const char *database)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    for (unsigned i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], database) == 0)
            return true;
    return false;
}

/* Changes of databases that the server's own filters leave out are in no binlog. */
static void check_filters(SourceConnection *source, const SourceTable *table, GPtrArray *checks)
{
    g_autoptr(SourceRows) status = source_query(source, log_status_sql(source_server(source)), NULL);
    const char *only, *ignored;

    if (status == NULL || status->rows->len == 0 || status->n_columns < 4)
        return; /* told by replication_client and log_bin */
    only = source_rows_get(status, 0, 2);
    ignored = source_rows_get(status, 0, 3);
    if (only != NULL && only[0] != '\0' && !filter_names(only, table->database))
        check_add(checks, CHECK_FAIL, "replication_filter", "take binlog_do_db out of the server's configuration",
                  "%s.%s: its changes are not logged: binlog_do_db lets only %s through", table->database, table->name,
                  only);
    if (ignored != NULL && filter_names(ignored, table->database))
        check_add(checks, CHECK_FAIL, "replication_filter", "take binlog_ignore_db out of the server's configuration",
                  "%s.%s: its changes are not logged: binlog_ignore_db names %s", table->database, table->name,
                  table->database);
}

bool source_logs_cascades(SourceConnection *source)
{
    g_autofree char *native = NULL;

    if (source_server(source)->flavour != SOURCE_MYSQL || source_server(source)->version < 90600)
        return false;
    native = source_query_value(source, "SELECT @@GLOBAL.innodb_native_foreign_keys", NULL);
    return native != NULL && strcmp(native, "0") == 0;
}

/* What changes the parent's own rows without a trace is seen in its definition alone. */
static void check_parent(SourceConnection *source, const Cascade *cascade, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SourceTable) parent = source_table_read(source, cascade->database, cascade->table, &error);
    g_autofree char *account = NULL;
    g_autoptr(GString) mend = NULL;

    if (parent != NULL)
        return;
    account = account_read(source);
    mend = g_string_new("GRANT SELECT ON ");
    source_quote_table(mend, cascade->database, cascade->table);
    g_string_append_printf(mend, " TO %s", account);
    check_add(checks, CHECK_FAIL, "foreign_keys", mend->str,
              "the parent table %s.%s cannot be read, and its foreign keys may change rows of other tables too: %s",
              cascade->database, cascade->table, error->message);
}

static const char *rule_shown(bool changes)
{
    return changes ? "changes rows" : "leaves them";
}

/* Rows of a child that a foreign key deletes or changes along with their parent are not in the binlog. */
static void check_foreign_keys(SourceConnection *source, const SourceTable *table, bool accepted, GPtrArray *checks)
{
    if (table->cascades->len == 0 || source_logs_cascades(source))
        return;
    for (unsigned i = 0; i < table->cascades->len; i++) {
        const Cascade *cascade = table->cascades->pdata[i];
        g_autoptr(GString) mend = g_string_new("ALTER TABLE ");

        source_quote_table(mend, table->database, table->name);
        g_string_append(mend, " DROP FOREIGN KEY ");
        source_quote_name(mend, cascade->name != NULL ? cascade->name : "");
        g_string_append(mend, "; and add it again with ON DELETE RESTRICT ON UPDATE RESTRICT; or exclude the table; or "
                              "accept it with --set foreign_keys=flag");
        check_add(checks, accepted ? CHECK_WARN : CHECK_FAIL, "foreign_keys", mend->str,
                  "%s.%s: its foreign key %s to %s.%s changes its rows without a trace in the binlog (ON DELETE %s, ON "
                  "UPDATE %s)%s",
                  table->database, table->name, cascade->name != NULL ? cascade->name : "", cascade->database,
                  cascade->table, rule_shown(cascade->on_delete), rule_shown(cascade->on_update),
                  accepted ? ": when it may have, a resync is advised" : "");
        if (accepted)
            check_parent(source, cascade, checks);
    }
}

/* The whole row must be readable: grants of single columns also hide columns from the definition. */
static void check_select(SourceConnection *source, const SourceTable *table, GPtrArray *checks)
{
    g_autoptr(GString) sql = g_string_new("SELECT * FROM ");
    g_autoptr(GString) mend = g_string_new("GRANT SELECT ON ");
    g_autofree char *account = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(SourceRows) rows = NULL;

    source_quote_table(sql, table->database, table->name);
    g_string_append(sql, " LIMIT 0");
    rows = source_query(source, sql->str, &error);
    if (rows != NULL)
        return;
    account = account_read(source);
    source_quote_table(mend, table->database, table->name);
    g_string_append_printf(mend, " TO %s;", account);
    check_add(checks, CHECK_FAIL, "select", mend->str, "%s.%s cannot be read: %s", table->database, table->name,
              error->message);
}

static bool is_memory(const SourceTable *table)
{
    return g_ascii_strcasecmp(table->engine, "MEMORY") == 0;
}

static void check_key(const SourceTable *table, GPtrArray *checks)
{
    g_autoptr(GString) mend = g_string_new("ALTER TABLE ");

    if (table->n_key > 0 || is_memory(table)) /* all keys of a MEMORY table are hashes */
        return;
    source_quote_table(mend, table->database, table->name);
    g_string_append(mend, " ADD PRIMARY KEY (...); or name columns that tell them apart, --set DB.TABLE:key=a,b; or exclude "
                         "the table");
    check_add(checks, CHECK_FAIL, "key", mend->str,
              "%s.%s has no primary key and no unique key of plain NOT NULL columns: its rows cannot be told apart",
              table->database, table->name);
}

/* The beginning of a statement that the server itself gives up after that time; 0: never. */
static GString *select_within(SourceConnection *source, unsigned seconds)
{
    GString *sql = g_string_new(NULL);
    if (seconds > 0 && source_server(source)->flavour == SOURCE_MARIADB)
        g_string_printf(sql, "SET STATEMENT max_statement_time=%u FOR ", seconds);
    g_string_append(sql, "SELECT ");
    if (seconds > 0 && source_server(source)->flavour != SOURCE_MARIADB)
        g_string_append_printf(sql, "/*+ MAX_EXECUTION_TIME(%u) */ ", seconds * 1000);
    return sql;
}

void source_preflight_key(SourceConnection *source, const SourceTable *table, unsigned seconds, GPtrArray *checks)
{
    g_autoptr(GString) columns = g_string_new(NULL), sql = select_within(source, seconds);
    g_autoptr(GError) error = NULL;
    g_autofree char *twice = NULL;

    for (unsigned i = 0; i < table->n_key; i++) {
        g_string_append(columns, i > 0 ? ", " : "");
        source_quote_name(columns, table->columns[table->key[i]].name);
    }
    g_string_append(sql, "1 FROM ");
    source_quote_table(sql, table->database, table->name);
    g_string_append_printf(sql, " GROUP BY %s HAVING COUNT(*) > 1 LIMIT 1", columns->str);
    twice = source_query_value(source, sql->str, &error);
    if (twice == NULL && error == NULL)
        return;
    check_add(checks, CHECK_FAIL, "key", "name columns that are unique together, --set DB.TABLE:key=a,b", "%s.%s: %s%s%s",
              table->database, table->name, twice != NULL ? "rows are alike in " : "whether rows are alike could not be counted: ",
              twice != NULL ? columns->str : error->message, twice != NULL ? ", so these columns do not tell them apart" : "");
}

static void check_engine(const SourceTable *table, GPtrArray *checks)
{
    g_autoptr(GString) mend = g_string_new("ALTER TABLE ");

    if (!is_memory(table))
        return;
    source_quote_table(mend, table->database, table->name);
    g_string_append(mend, " ENGINE=InnoDB; or exclude the table");
    check_add(checks, CHECK_FAIL, "engine", mend->str,
              "%s.%s is a MEMORY table: it is empty after a restart of the source, without a trace in the binlog",
              table->database, table->name);
}

static char *key_text(const SourceTable *table)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < table->n_key; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", table->columns[table->key[i]].name);
    return g_string_free(text, FALSE);
}

SourceTable *source_preflight_table(SourceConnection *source, const char *database, const char *name,
                                    SourceTableAccept accept, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    SourceTable *table = source_table_read(source, database, name, &error);
    unsigned before = checks->len;
    g_autofree char *key = NULL;

    if (table == NULL) {
        g_autofree char *account = account_read(source);
        g_autoptr(GString) mend = g_string_new("check the name and that it is a plain table; GRANT SELECT ON ");

        source_quote_table(mend, database, name);
        g_string_append_printf(mend, " TO %s; or exclude the table", account);
        check_add(checks, CHECK_FAIL, "table", mend->str, "%s", error->message);
        return NULL;
    }
    check_engine(table, checks);
    if (!(accept & SOURCE_ACCEPT_NO_KEY))
        check_key(table, checks);
    check_foreign_keys(source, table, accept & SOURCE_ACCEPT_CASCADES, checks);
    check_filters(source, table, checks);
    check_select(source, table, checks);
    if (checks->len > before)
        return table;
    key = key_text(table);
    check_add(checks, CHECK_OK, "table", NULL, "%s.%s: %u columns, key (%s), about %" G_GUINT64_FORMAT " rows%s",
              table->database, table->name, table->n_columns, key, table->rows_estimate,
              table->versioning.on ? "; its history is left out" : "");
    return table;
}
