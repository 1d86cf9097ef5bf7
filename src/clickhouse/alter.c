#include "clickhouse/alter.h"

#include "clickhouse/request.h"

#include <stdio.h>
#include <string.h>

void dest_columns_free(DestColumns *columns)
{
    if (!columns)
        return;
    g_ptr_array_unref(columns->names);
    g_free(columns->proof);
    g_free(columns);
}

static void append_table_is(GString *sql, const char *database, const char *table)
{
    g_string_append(sql, " database = ");
    clickhouse_quote_string(sql, database);
    g_string_append(sql, " AND table = ");
    clickhouse_quote_string(sql, table);
}

static GPtrArray *ask(Clickhouse *ch, const GString *sql, GError **error)
{
    HttpRequest request = {.sql = sql->str, .without_database = true};
    return http_request_rows(ch, &request, error);
}

DestColumns *dest_columns_look(Clickhouse *ch, const char *database, const char *table, const char *version_column,
                               GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT name, comment FROM system.columns WHERE");
    append_table_is(sql, database, table);
    g_string_append(sql, " ORDER BY position");
    g_autoptr(GPtrArray) rows = ask(ch, sql, error);
    if (!rows)
        return NULL;
    DestColumns *columns = g_new0(DestColumns, 1);
    columns->names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < rows->len; i++) {
        char **row = rows->pdata[i];
        g_ptr_array_add(columns->names, g_strdup(row[0]));
        if (strcmp(row[0], version_column) == 0)
            columns->proof = g_strdup(row[1]);
    }
    if (!columns->proof)
        columns->proof = g_strdup("");
    return columns;
}

/* "Code: 47. DB::Exception: ..." */
static int code_of(const char *reason)
{
    int code;
    return sscanf(reason, "Code: %d", &code) == 1 && code > 0 ? code : CLICKHOUSE_TIMEOUT_EXCEEDED;
}

static bool run(Clickhouse *ch, const char *sql, const char *const *settings, GError **error)
{
    HttpRequest request = {.sql = sql, .settings = settings, .without_database = true};
    g_autofree char *answer = http_request(ch, &request, NULL, error);
    return answer != NULL;
}

/* Those of plain MergeTree tables; others have names of other kinds. */
#define NUMBER_OF_MUTATION "toUInt64OrZero(extract(mutation_id, '^mutation_([0-9]+)'))"

/* What is left of one. */
typedef struct {
    bool at_no_rows;   /* the part that it failed with last has no rows */
    bool only_no_rows; /* nor has any that is left of it, in a plain MergeTree table */
} MutationRest;

static bool look_at_rest(Clickhouse *ch, const char *database, const char *table, const char *id, MutationRest *out,
                         GError **error)
{
    g_autoptr(GString) sql = g_string_new("WITH (SELECT groupArray(name) FROM system.parts WHERE");
    append_table_is(sql, database, table);
    g_string_append(
        sql,
        " AND active AND rows = 0) AS empty SELECT countIf(has(empty, latest_failed_part)), countIf(" NUMBER_OF_MUTATION
        " > 0 AND NOT is_done AND notEmpty(parts_to_do_names)"
        " AND hasAll(empty, parts_to_do_names)) FROM system.mutations WHERE");
    append_table_is(sql, database, table);
    g_string_append(sql, " AND mutation_id = ");
    clickhouse_quote_string(sql, id);
    g_autoptr(GPtrArray) rows = ask(ch, sql, error);
    if (!rows || !rows->len)
        return rows != NULL;
    char **row = rows->pdata[0];
    out->at_no_rows = strcmp(row[0], "0") != 0;
    out->only_no_rows = strcmp(row[1], "0") != 0;
    return true;
}

static bool end_mutation(Clickhouse *ch, const char *database, const char *table, const char *id, GError **error)
{
    g_autoptr(GString) sql = g_string_new("KILL MUTATION WHERE");
    append_table_is(sql, database, table);
    g_string_append(sql, " AND mutation_id = ");
    clickhouse_quote_string(sql, id);
    return run(ch, sql->str, NULL, error);
}

bool dest_mutations_are_done(Clickhouse *ch, const char *database, const char *table, MutationKind kind, char **ended,
                             GError **error)
{
    static const char *const conditions[] = {
        [MUTATIONS_RENAMING] = " AND position(command, 'RENAME COLUMN ') > 0",
        [MUTATIONS_OF_COLUMNS] =
            " AND (position(command, 'RENAME COLUMN ') > 0 OR position(command, 'MODIFY COLUMN ') > 0)",
        [MUTATIONS_ALL] = ""};
    g_autoptr(GString) sql =
        g_string_new("SELECT mutation_id, command, latest_fail_reason FROM system.mutations WHERE NOT is_done AND");
    append_table_is(sql, database, table);
    g_string_append_printf(sql, "%s ORDER BY latest_fail_reason = '', create_time LIMIT 1", conditions[kind]);
    g_autofree char *last = NULL;
    for (;;) {
        g_autoptr(GPtrArray) rows = ask(ch, sql, error);
        if (!rows || rows->len == 0)
            return rows != NULL;
        char **row = rows->pdata[0];
        MutationRest rest = {0};
        if (!look_at_rest(ch, database, table, row[0], &rest, error))
            return false;
        if (!rest.only_no_rows || g_strcmp0(row[0], last) == 0) {
            g_set_error(error, CLICKHOUSE_ERROR, rest.at_no_rows ? CLICKHOUSE_TIMEOUT_EXCEEDED : code_of(row[2]),
                        "ClickHouse has not carried out %s on all of %s yet%s%s", row[1], table, *row[2] ? ": " : "",
                        row[2]);
            return false;
        }
        if (!end_mutation(ch, database, table, row[0], error))
            return false;
        g_free(last);
        last = g_strdup(row[0]);
        char *all = *ended ? g_strconcat(*ended, ", ", row[1], NULL) : g_strdup(row[1]);
        g_free(*ended);
        *ended = all;
    }
}

bool dest_mutations_last(Clickhouse *ch, const char *database, const char *table, uint64_t *number, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT max(" NUMBER_OF_MUTATION ") FROM system.mutations WHERE");
    append_table_is(sql, database, table);
    g_autoptr(GPtrArray) rows = ask(ch, sql, error);
    if (rows)
        *number = rows->len ? g_ascii_strtoull(((char **)rows->pdata[0])[0], NULL, 10) : 0;
    return rows != NULL;
}

bool dest_renames_began(Clickhouse *ch, const char *database, const char *table, const char *commands, uint64_t after,
                        bool *began, bool *told, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT countIf(" NUMBER_OF_MUTATION);
    g_string_append_printf(sql, " > %" G_GUINT64_FORMAT " AND position(concat(replaceAll(", after);
    clickhouse_quote_string(sql, commands);
    /* The server quotes only names that need it, and puts each command in parentheses (since 24.2). */
    g_string_append(sql, ", '`', ''), ','), concat(replaceRegexpAll(command, '^[(]|[)]$|`', ''), ',')) > 0), "
                         "(SELECT count() FROM system.tables WHERE database = ");
    clickhouse_quote_string(sql, database);
    g_string_append(sql, " AND name = ");
    clickhouse_quote_string(sql, table);
    g_string_append(sql, " AND NOT match(engine, '^(Replicated|Shared)')"
                         " AND position(create_table_query, 'finished_mutations_to_keep') = 0"
                         " AND (SELECT any(toUInt64OrZero(value)) FROM system.merge_tree_settings"
                         " WHERE name = 'finished_mutations_to_keep') >= 10) FROM system.mutations WHERE");
    append_table_is(sql, database, table);
    g_autoptr(GPtrArray) rows = ask(ch, sql, error);
    if (!rows)
        return false;
    char **row = rows->len ? rows->pdata[0] : NULL;
    *began = row && strcmp(row[0], "0") != 0;
    *told = row && strcmp(row[1], "0") != 0;
    return true;
}

/* Time64 has to be allowed on servers where it is new; DateTime64 is another type. */
static bool uses_time64(const char *commands)
{
    for (const char *at = commands; (at = strstr(at, "Time64(")); at++)
        if (at > commands && at[-1] != 'e')
            return true;
    return false;
}

char *dest_table_alter_sql(const Clickhouse *ch, const char *database, const char *table, const char *commands,
                           const char *version_column, const char *proof)
{
    GString *sql = g_string_new("ALTER TABLE ");
    clickhouse_quote_table(sql, database, table);
    clickhouse_append_cluster(ch, sql);
    g_string_append_printf(sql, " %s, COMMENT COLUMN ", commands);
    clickhouse_quote_name(sql, version_column);
    g_string_append_c(sql, ' ');
    clickhouse_quote_string(sql, proof);
    return g_string_free(sql, FALSE);
}

bool dest_table_alter(Clickhouse *ch, const char *database, const char *table, const char *commands,
                      const char *version_column, const char *proof, const char *query_id, GError **error)
{
    const char *const settings[] = {"alter_sync",  "2",        "mutations_sync",
                                    "2",           "query_id", query_id,
                                    "log_comment", query_id,   uses_time64(commands) ? "enable_time_time64_type" : NULL,
                                    "1",           NULL};
    g_autofree char *sql = dest_table_alter_sql(ch, database, table, commands, version_column, proof);
    return http_has_room(ch, error) && run(ch, sql, settings, error);
}

char *dest_table_mutate_sql(const Clickhouse *ch, const char *database, const char *table, const char *commands)
{
    GString *sql = g_string_new("ALTER TABLE ");
    clickhouse_quote_table(sql, database, table);
    clickhouse_append_cluster(ch, sql);
    g_string_append_printf(sql, " %s", commands);
    return g_string_free(sql, FALSE);
}

bool dest_table_mutate(Clickhouse *ch, const char *database, const char *table, const char *commands,
                       const char *query_id, GError **error)
{
    const char *const settings[] = {"mutations_sync", "2", "query_id", query_id, "log_comment", query_id, NULL};
    g_autofree char *sql = dest_table_mutate_sql(ch, database, table, commands);
    return run(ch, sql, settings, error);
}

bool dest_table_delete_rows(Clickhouse *ch, const char *database, const char *table, const char *column,
                            const char *value, const char *query_id, GError **error)
{
    g_autoptr(GString) commands = g_string_new("DELETE WHERE ");
    clickhouse_quote_name(commands, column);
    g_string_append(commands, " = ");
    clickhouse_quote_string(commands, value);
    return dest_table_mutate(ch, database, table, commands->str, query_id, error);
}

#define UNKNOWN_SETTING 115

char *dest_table_truncate_sql(const Clickhouse *ch, const char *database, const char *table)
{
    GString *sql = g_string_new("TRUNCATE TABLE ");
    clickhouse_quote_table(sql, database, table);
    clickhouse_append_cluster(ch, sql);
    g_string_append(sql, " SYNC");
    return g_string_free(sql, FALSE);
}

bool dest_table_truncate(Clickhouse *ch, const char *database, const char *table, const char *query_id, GError **error)
{
    const char *const any_size[] = {
        "alter_sync", "2", "query_id", query_id, "log_comment", query_id, "max_table_size_to_drop", "0", NULL};
    const char *const plain[] = {"alter_sync", "2", "query_id", query_id, "log_comment", query_id, NULL};
    g_autoptr(GError) failed = NULL;
    g_autofree char *sql = dest_table_truncate_sql(ch, database, table);
    if (run(ch, sql, any_size, &failed))
        return true;
    if (g_error_matches(failed, CLICKHOUSE_ERROR, UNKNOWN_SETTING)) /* a limit of the server alone before 23.12 */
        return run(ch, sql, plain, error);
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}
