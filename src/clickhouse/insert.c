#include "clickhouse/insert.h"
#include "clickhouse/request.h"

/* Polls of system.processes after a KILL: short at first, the statement mostly ends within a few milliseconds. */
#define KILL_POLL_FIRST_USEC (10 * 1000)
#define KILL_POLL_MAX_USEC   (500 * 1000)
/* A query that is between two of its checks, or began after the KILL looked, is killed again after so long. */
#define KILL_AGAIN_USEC (5 * 1000 * 1000)

static char *insert_sql(const InsertRequest *request, const Block *block)
{
    GString *sql = g_string_new("INSERT INTO ");
    clickhouse_quote_table(sql, request->database, request->table);
    g_string_append(sql, " (");
    for (unsigned i = 0; i < block->n_columns; i++) {
        if (i)
            g_string_append(sql, ", ");
        clickhouse_quote_name(sql, block->columns[i].name);
    }
    g_string_append(sql, ") FORMAT Native");
    return g_string_free(sql, FALSE);
}

bool insert_block(Clickhouse *ch, const InsertRequest *request, const Block *block, GError **error)
{
    const char *const settings[] = {
        "async_insert",
        "0", /* on by default in current servers */
        "input_format_skip_unknown_fields",
        "0",
        "input_format_null_as_default",
        "0",
        "input_format_native_allow_types_conversion",
        "0", /* else Int64 5 000 000 000 becomes Int32 705 032 704 where somebody altered the table */
        "deduplicate_blocks_in_dependent_materialized_views",
        "1",
        "insert_deduplication_token",
        RULE_HOLDS("tokens-double-nothing") ? request->token : "",
        "query_id",
        request->query_id,
        "log_comment",
        request->query_id, /* the embedded engine takes no query id */
        NULL,
    };
    Encoder *encoder = http_encoder(ch);
    if (!encoder_start(encoder, block, request->compression, error))
        return false;
    g_autofree char *sql = insert_sql(request, block);
    HttpRequest insert = {.sql = sql, .settings = settings, .body = encoder, .without_database = true};
    g_autofree char *answer = http_request(ch, &insert, NULL, error);
    return answer != NULL;
}

static char *kill_condition(const char *prefix)
{
    GString *where = g_string_new("startsWith(query_id, ");
    clickhouse_quote_string(where, prefix);
    g_string_append(where, ") OR startsWith(Settings['log_comment'], ");
    clickhouse_quote_string(where, prefix);
    g_string_append_c(where, ')');
    return g_string_free(where, FALSE);
}

/* 1: gone, 0: still there, -1: error. */
static int query_gone(Clickhouse *ch, const char *where, GError **error)
{
    g_autofree char *sql = g_strdup_printf("SELECT count() FROM system.processes WHERE %s", where);
    HttpRequest request = {.sql = sql, .without_database = true};
    g_autoptr(GPtrArray) rows = http_request_rows(ch, &request, error);
    if (!rows)
        return -1;
    char **row = rows->len ? g_ptr_array_index(rows, 0) : NULL;
    return row && strcmp(row[0], "0") == 0;
}

/* KILL ... SYNC would wait for the connection of the killed statement, so it is ASYNC and then looked for. */
bool insert_kill_all(Clickhouse *ch, const char *prefix, Cancel *cancel, GError **error)
{
    if (!RULE_HOLDS("inserts-that-outlive-us"))
        return true;
    g_autofree char *where = kill_condition(prefix);
    g_autofree char *kill = g_strdup_printf("KILL QUERY WHERE %s ASYNC", where);
    int64_t wait = KILL_POLL_FIRST_USEC, kill_at = 0;
    for (;;) {
        int64_t now = clock_monotonic_usec();
        if (now >= kill_at) {
            HttpRequest request = {.sql = kill, .has_result = true, .without_database = true};
            g_autofree char *answer = http_request(ch, &request, NULL, error);
            if (!answer)
                return false;
            kill_at = now + KILL_AGAIN_USEC;
        }
        int gone = query_gone(ch, where, error);
        if (gone != 0)
            return gone > 0;
        if (cancel_requested(cancel) || (cancel && cancel_sleep(cancel, wait))) {
            cancel_set_error(cancel, error);
            return false;
        }
        if (!cancel)
            g_usleep((gulong)wait);
        wait = MIN(wait * 2, KILL_POLL_MAX_USEC);
    }
}
