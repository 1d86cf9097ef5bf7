#include "clickhouse/table.h"
#include "clickhouse/http_error.h"
#include "clickhouse/layout.h"
#include "clickhouse/request.h"
#include <string.h>

#define UNKNOWN_SETTING  115
#define UNKNOWN_TABLE    60
#define UNKNOWN_DATABASE 81
/* Inserts whose tokens the table remembers (replication.md, Tokens). */
#define DEDUPLICATION_WINDOW "10000"

/* ---- what is wanted ---- */

static DestColumn *column_new(const char *name, const char *type)
{
    DestColumn *column = g_new0(DestColumn, 1);
    column->name = g_strdup(name);
    column->type = g_strdup(type);
    return column;
}

static void column_free(gpointer data)
{
    DestColumn *column = data;
    g_free(column->name);
    g_free(column->type);
    g_free(column->codec);
    g_free(column);
}

DestTableSpec *dest_table_spec_new(const char *database, const char *table)
{
    DestTableSpec *spec = g_new0(DestTableSpec, 1);
    spec->database = g_strdup(database);
    spec->table = g_strdup(table);
    spec->columns = g_ptr_array_new_with_free_func(column_free);
    spec->order_by = g_ptr_array_new_with_free_func(g_free);
    spec->placed = g_ptr_array_new_with_free_func(g_free);
    spec->durable = true;
    return spec;
}

void dest_table_spec_free(DestTableSpec *spec)
{
    if (!spec)
        return;
    g_free(spec->database);
    g_free(spec->table);
    g_ptr_array_unref(spec->columns);
    g_ptr_array_unref(spec->order_by);
    g_ptr_array_unref(spec->placed);
    g_free(spec->version_column);
    g_free(spec->deleted_column);
    g_free(spec->mark);
    g_free(spec->engine);
    g_free(spec->cluster);
    g_free(spec->partition_by);
    g_free(spec->sorted_by);
    g_free(spec->ttl);
    g_free(spec);
}

void dest_table_spec_add_column(DestTableSpec *spec, const char *name, const char *type)
{
    g_ptr_array_add(spec->columns, column_new(name, type));
}

void dest_table_spec_set_codec(DestTableSpec *spec, unsigned column, const char *codec)
{
    DestColumn *of = g_ptr_array_index(spec->columns, column);
    g_free(of->codec);
    of->codec = g_strdup(codec);
}

void dest_table_spec_set_cluster(DestTableSpec *spec, const char *cluster)
{
    if (!cluster || !*cluster)
        return;
    g_free(spec->cluster);
    spec->cluster = g_strdup(cluster);
    char *engine = g_strdup(dest_engine_on_cluster(spec->engine));
    g_free(spec->engine);
    spec->engine = engine;
}

static const DestColumn *find_column(const GPtrArray *columns, const char *name)
{
    for (guint i = 0; i < columns->len; i++) {
        const DestColumn *column = g_ptr_array_index(columns, i);
        if (strcmp(column->name, name) == 0)
            return column;
    }
    return NULL;
}

/* ---- creating ---- */

static void append_settings(GString *sql, const DestTableSpec *spec)
{
    g_string_append(sql, "\nSETTINGS non_replicated_deduplication_window = " DEDUPLICATION_WINDOW);
    if (dest_engine_is_replicated(spec->engine))
        g_string_append(sql, ", replicated_deduplication_window = " DEDUPLICATION_WINDOW
                             ", replicated_deduplication_window_seconds = 604800");
    /* By default ClickHouse acknowledges what a power loss takes away; old parts are kept while new ones may be
     * unsynced. */
    if (spec->durable)
        g_string_append(sql, ", fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, "
                             "old_parts_lifetime = 480");
}

static void append_columns(GString *sql, const DestTableSpec *spec)
{
    for (guint i = 0; i < spec->columns->len; i++) {
        const DestColumn *column = g_ptr_array_index(spec->columns, i);
        g_string_append(sql, i ? ",\n    " : "\n(\n    ");
        clickhouse_quote_name(sql, column->name);
        g_string_append_printf(sql, " %s", column->type);
        if (column->codec)
            g_string_append_printf(sql, " %s", column->codec);
    }
    g_string_append(sql, "\n)");
}

static void append_engine(GString *sql, const DestTableSpec *spec, DestEngine kind)
{
    g_string_append_printf(sql, "\nENGINE = %s", spec->engine ? spec->engine : "ReplacingMergeTree");
    if (kind != DEST_REPLACING)
        return;
    g_string_append(sql, "(");
    clickhouse_quote_name(sql, spec->version_column);
    g_string_append(sql, ", ");
    clickhouse_quote_name(sql, spec->deleted_column);
    g_string_append(sql, ")");
}

static void append_order(GString *sql, const DestTableSpec *spec)
{
    g_string_append(sql, "\nORDER BY ");
    if (spec->sorted_by) {
        dest_layout_append(sql, spec->sorted_by);
        return;
    }
    const char *open = spec->order_by->len == 1 ? "" : "(", *close = *open ? ")" : "";
    g_string_append(sql, open);
    for (guint i = 0; i < spec->order_by->len; i++) {
        g_string_append(sql, i ? ", " : "");
        clickhouse_quote_name(sql, g_ptr_array_index(spec->order_by, i));
    }
    g_string_append(sql, close);
}

char *dest_table_create_sql(const DestTableSpec *spec)
{
    DestEngine kind;
    bool known = dest_engine_find(spec->engine, &kind);
    g_assert(known); /* it was checked where it was set */
    GString *sql = g_string_new("CREATE TABLE ");
    clickhouse_quote_table(sql, spec->database, spec->table);
    if (spec->cluster) {
        g_string_append(sql, " ON CLUSTER ");
        clickhouse_quote_name(sql, spec->cluster);
    }
    append_columns(sql, spec);
    append_engine(sql, spec, kind);
    if (kind != DEST_NULL) {
        if (spec->partition_by) {
            g_string_append(sql, "\nPARTITION BY ");
            dest_layout_append(sql, spec->partition_by);
        }
        append_order(sql, spec);
        if (spec->ttl)
            g_string_append_printf(sql, "\nTTL %s", spec->ttl);
        append_settings(sql, spec);
    }
    if (spec->mark) {
        g_string_append(sql, "\nCOMMENT ");
        clickhouse_quote_string(sql, spec->mark);
    }
    return g_string_free(sql, FALSE);
}

/* Keys never hold NULL (types.md), and a table without a key would merge all of its rows into one. */
static bool check_key(const DestTableSpec *spec, GError **error)
{
    g_autofree char *table = printable(spec->table, 100);
    if (spec->order_by->len == 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "table %s has no key to order its rows by; name one (key=)", table);
        return false;
    }
    for (guint i = 0; i < spec->order_by->len; i++) {
        const DestColumn *column = find_column(spec->columns, g_ptr_array_index(spec->order_by, i));
        if (column && !g_str_has_prefix(column->type, "Nullable("))
            continue;
        g_autofree char *name = printable(g_ptr_array_index(spec->order_by, i), 100);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "key column %s of table %s %s; choose another key (key=)",
                    name, table, column ? "may be NULL" : "is not replicated");
        return false;
    }
    return true;
}

/* "Time64(6)" has to be allowed on servers where it is new; "DateTime64" is another type. */
static bool uses_time64(const DestTableSpec *spec)
{
    for (guint i = 0; i < spec->columns->len; i++) {
        const DestColumn *column = g_ptr_array_index(spec->columns, i);
        const char *at = strstr(column->type, "Time64(");
        if (at && (at == column->type || at[-1] == '('))
            return true;
    }
    return false;
}

bool dest_table_create(Clickhouse *ch, const DestTableSpec *spec, GError **error)
{
    static const char *const TIME64[] = {"enable_time_time64_type", "1", NULL};
    if (!check_key(spec, error))
        return false;
    if (!http_has_room(ch, error))
        return false;
    g_autofree char *sql = dest_table_create_sql(spec);
    HttpRequest request = {.sql = sql, .without_database = true, .settings = uses_time64(spec) ? TIME64 : NULL};
    g_autofree char *answer = http_request(ch, &request, NULL, error);
    return answer != NULL;
}

static bool try_in(Clickhouse *ch, const DestTableSpec *spec, const char *database, GError **error)
{
    static const char mark[] = "sluice preflight: may be dropped";
    DestTableSpec other = *spec;
    g_autofree char *name = g_strdup_printf("_sluice_check_%08x%08x", g_random_int(), g_random_int());
    other.database = (char *)database;
    other.table = name;
    other.mark = (char *)mark;
    return dest_table_create(ch, &other, error) && dest_table_drop(ch, database, name, mark, error);
}

bool dest_table_try(Clickhouse *ch, const DestTableSpec *spec, GError **error)
{
    GError *problem = NULL;
    if (try_in(ch, spec, spec->database, &problem))
        return true;
    if (g_error_matches(problem, CLICKHOUSE_ERROR, UNKNOWN_DATABASE)) {
        g_clear_error(&problem);
        if (try_in(ch, spec, "default", &problem))
            return true;
        if (g_error_matches(problem, CLICKHOUSE_ERROR, UNKNOWN_DATABASE)) {
            g_error_free(problem);
            return true;
        }
    }
    g_propagate_error(error, problem);
    return false;
}

/* ---- what is there ---- */

static GPtrArray *select_rows(Clickhouse *ch, GString *sql, GError **error)
{
    HttpRequest request = {.sql = sql->str, .without_database = true};
    return http_request_rows(ch, &request, error);
}

static void append_where(GString *sql, const char *database, const char *table_column, const char *table)
{
    g_string_append(sql, " WHERE database = ");
    clickhouse_quote_string(sql, database);
    g_string_append_printf(sql, " AND %s = ", table_column);
    clickhouse_quote_string(sql, table);
}

/* Fills what system.tables has; leaves `exists` false when there is no such table. */
static bool inspect_table(Clickhouse *ch, DestTableInfo *info, const char *database, const char *table, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT engine, engine_full, toString(uuid), comment, sorting_key, "
                                          "create_table_query, toUInt64(ifNull(total_rows, 0)) FROM system.tables");
    append_where(sql, database, "name", table);
    g_autoptr(GPtrArray) rows = select_rows(ch, sql, error);
    if (!rows)
        return false;
    if (rows->len == 0)
        return true;
    char **row = g_ptr_array_index(rows, 0);
    info->exists = true;
    info->engine = g_strdup(row[0]);
    info->engine_full = g_strdup(row[1]);
    info->uuid = g_strdup(row[2]);
    info->comment = g_strdup(row[3]);
    info->sorting_key = g_strdup(row[4]);
    info->create_query = g_strdup(row[5]);
    info->rows = g_ascii_strtoull(row[6], NULL, 10);
    return true;
}

static bool inspect_columns(Clickhouse *ch, DestTableInfo *info, const char *database, const char *table,
                            GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT name, type, is_in_partition_key, default_kind FROM system.columns");
    append_where(sql, database, "table", table);
    g_string_append(sql, " ORDER BY position");
    g_autoptr(GPtrArray) rows = select_rows(ch, sql, error);
    if (!rows)
        return false;
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        if (strcmp(row[2], "1") == 0)
            g_ptr_array_add(info->partition_columns, g_strdup(row[0]));
        if (strcmp(row[3], "MATERIALIZED") != 0 && strcmp(row[3], "ALIAS") != 0)
            g_ptr_array_add(info->columns, column_new(row[0], row[1]));
    }
    return true;
}

static bool inspect_version(Clickhouse *ch, DestTableInfo *info, const char *database, const char *table,
                            const char *version_column, GError **error)
{
    const DestColumn *column = version_column ? find_column(info->columns, version_column) : NULL;
    if (!column || !g_str_has_prefix(column->type, "UInt"))
        return true;
    g_autoptr(GString) sql = g_string_new("SELECT max(");
    clickhouse_quote_name(sql, version_column);
    g_string_append(sql, ") FROM ");
    clickhouse_quote_table(sql, database, table);
    g_autoptr(GPtrArray) rows = select_rows(ch, sql, error);
    if (!rows)
        return false;
    if (rows->len) {
        char **row = g_ptr_array_index(rows, 0);
        info->max_version = g_ascii_strtoull(row[0], NULL, 10);
    }
    return true;
}

DestTableInfo *dest_table_inspect(Clickhouse *ch, const char *database, const char *table, const char *version_column,
                                  GError **error)
{
    g_autoptr(DestTableInfo) info = g_new0(DestTableInfo, 1);
    info->columns = g_ptr_array_new_with_free_func(column_free);
    info->partition_columns = g_ptr_array_new_with_free_func(g_free);
    if (!inspect_table(ch, info, database, table, error))
        return NULL;
    if (info->exists && (!inspect_columns(ch, info, database, table, error) ||
                         !inspect_version(ch, info, database, table, version_column, error)))
        return NULL;
    return g_steal_pointer(&info);
}

void dest_table_info_free(DestTableInfo *info)
{
    if (!info)
        return;
    g_free(info->engine);
    g_free(info->engine_full);
    g_free(info->uuid);
    g_free(info->comment);
    g_free(info->sorting_key);
    g_free(info->create_query);
    g_ptr_array_unref(info->partition_columns);
    g_ptr_array_unref(info->columns);
    g_free(info);
}

/* ---- dropping ---- */

static bool drop(Clickhouse *ch, const char *sql, bool any_size, GError **error)
{
    static const char *const ANY_SIZE[] = {"max_table_size_to_drop", "0", NULL};
    HttpRequest request = {.sql = sql, .settings = any_size ? ANY_SIZE : NULL, .without_database = true};
    g_autofree char *answer = http_request(ch, &request, NULL, error);
    return answer != NULL;
}

char *dest_table_drop_sql(const Clickhouse *ch, const char *database, const char *table)
{
    GString *sql = g_string_new("DROP TABLE IF EXISTS ");
    clickhouse_quote_table(sql, database, table);
    clickhouse_append_cluster(ch, sql);
    g_string_append(sql, " SYNC");
    return g_string_free(sql, FALSE);
}

bool dest_table_drop(Clickhouse *ch, const char *database, const char *table, const char *mark, GError **error)
{
    g_autoptr(DestTableInfo) info = g_new0(DestTableInfo, 1);
    info->columns = g_ptr_array_new();
    info->partition_columns = g_ptr_array_new();
    if (!inspect_table(ch, info, database, table, error))
        return false;
    if (!info->exists)
        return true;
    if (!mark || !*mark || strcmp(info->comment, mark) != 0) {
        g_autofree char *name = printable(table, 100);
        g_autofree char *comment = printable(info->comment, 100);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                    "destination table %s does not carry this pipe's mark (its comment is \"%s\"), so it is not "
                    "dropped; drop it "
                    "by hand if it may go",
                    name, comment);
        return false;
    }
    g_autofree char *sql = dest_table_drop_sql(ch, database, table);
    g_autoptr(GError) failed = NULL;
    if (drop(ch, sql, true, &failed))
        return true;
    if (g_error_matches(failed, CLICKHOUSE_ERROR, UNKNOWN_DATABASE) ||
        g_error_matches(failed, CLICKHOUSE_ERROR, UNKNOWN_TABLE))
        return true;
    if (g_error_matches(failed, CLICKHOUSE_ERROR, UNKNOWN_SETTING)) /* a limit of the server alone before 23.12 */
        return drop(ch, sql, false, error);
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

/* ---- exchanging ---- */

static bool run(Clickhouse *ch, const char *sql, GError **error)
{
    HttpRequest request = {.sql = sql, .without_database = true};
    g_autofree char *answer = http_request(ch, &request, NULL, error);
    return answer != NULL;
}

static char *two_tables(const Clickhouse *ch, const char *verb, const char *joint, const char *database, const char *one, const char *other)
{
    GString *sql = g_string_new(verb);
    clickhouse_quote_table(sql, database, one);
    g_string_append(sql, joint);
    clickhouse_quote_table(sql, database, other);
    clickhouse_append_cluster(ch, sql);
    return g_string_free(sql, FALSE);
}

char *dest_table_exchange_sql(const Clickhouse *ch, const char *database, const char *one, const char *other)
{
    return two_tables(ch, "EXCHANGE TABLES ", " AND ", database, one, other);
}

bool dest_table_exchange(Clickhouse *ch, const char *database, const char *one, const char *other, GError **error)
{
    g_autofree char *sql = dest_table_exchange_sql(ch, database, one, other);
    return run(ch, sql, error);
}

bool dest_table_rename(Clickhouse *ch, const char *database, const char *from, const char *to, GError **error)
{
    g_autofree char *sql = two_tables(ch, "RENAME TABLE ", " TO ", database, from, to);
    return run(ch, sql, error);
}

/* NULL (no error): there is no such table. */
static char *table_fact(Clickhouse *ch, const char *what, const char *database, const char *table, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT ");
    g_string_append_printf(sql, "%s FROM system.tables", what);
    append_where(sql, database, "name", table);
    g_autoptr(GPtrArray) rows = select_rows(ch, sql, error);
    return rows && rows->len ? g_strdup(((char **)g_ptr_array_index(rows, 0))[0]) : NULL;
}

char *dest_table_comment(Clickhouse *ch, const char *database, const char *table, GError **error)
{
    return table_fact(ch, "comment", database, table, error);
}

char *dest_table_uuid(Clickhouse *ch, const char *database, const char *table, GError **error)
{
    return table_fact(ch, "toString(uuid)", database, table, error);
}
