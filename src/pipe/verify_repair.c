/* verify_repair.c - rows that differ are read again and inserted, and what the source has not is deleted at the
 * destination, under the version of a checkpoint that everything read is younger than: each later change has a greater
 * one, and wins.
 */
#include "pipe/verify.h"

/* Among those of the stream: a TRUNCATE in the log kills them, as its own. */
static char *query_id(const Verify *verify, const char *token)
{
    return g_strdup_printf("sluice-%s-log-verify-%s", verify->pipe->uuid, token);
}

static bool insert_rows(Verify *verify, const Block *block, GError **error)
{
    g_autofree char *token = g_uuid_string_random(), *id = query_id(verify, token);
    InsertRequest request = {.database = clickhouse_database(verify->ch),
                             .table = verify->shape->spec->table,
                             .query_id = id,
                             .token = token,
                             .compression = clickhouse_is_local(verify->ch) ? COMPRESSION_NONE
                                                                            : verify->work->settings.compression};
    return block->n_rows == 0 || insert_block(verify->ch, &request, block, error);
}

/* Of the key, and of what else a row's place depends on. */
static void append_place(GString *sql, const VerifyShape *shape)
{
    g_string_append_c(sql, '(');
    verify_append_keys(sql, shape, NULL);
    for (unsigned i = 0; i < shape->spec->placed->len; i++) {
        g_string_append(sql, ", ");
        clickhouse_quote_name(sql, shape->spec->placed->pdata[i]);
    }
    g_string_append_c(sql, ')');
}

/* Each row of these keys that does not stand where one of the source's stands: its own values, as deleted. */
static char *delete_sql(const Verify *verify, const char *where, uint64_t version)
{
    const VerifyShape *shape = verify->shape;
    const DestTableSpec *spec = shape->spec;
    g_autoptr(GString) sql = g_string_new("INSERT INTO "), names = g_string_new(NULL);
    g_autofree char *synced = g_strconcat(verify->work->settings.column_prefix, "synced_at", NULL);
    for (unsigned i = 0; i < shape->n; i++) {
        verify_append_name(names, shape, i);
        g_string_append(names, ", ");
    }
    if (shape->source_column) {
        clickhouse_quote_name(names, shape->source_column);
        g_string_append(names, ", ");
    }
    verify_append_target(sql, verify);
    g_string_append_printf(sql, " (%s", names->str);
    clickhouse_quote_name(sql, synced);
    g_string_append(sql, ", ");
    clickhouse_quote_name(sql, spec->deleted_column);
    g_string_append(sql, ", ");
    clickhouse_quote_name(sql, spec->version_column);
    g_string_append_printf(sql, ") SELECT %snow64(9), 1, toUInt64(%" G_GUINT64_FORMAT ") FROM ", names->str, version);
    verify_append_target(sql, verify);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, spec->deleted_column);
    g_string_append_printf(sql, " = 0 AND %s%s AND ", where, shape->own_rows);
    append_place(sql, shape);
    g_string_append(sql, " NOT IN (SELECT ");
    append_place(sql, shape);
    g_string_append(sql, " FROM ");
    verify_append_table(sql, verify, verify->scratch);
    g_string_append_c(sql, ')');
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

static bool delete_rows(Verify *verify, const char *where, uint64_t version, GError **error)
{
    g_autofree char *token = g_uuid_string_random(), *id = query_id(verify, token),
                    *sql = delete_sql(verify, where, version);
    const char *const settings[] = {"insert_deduplication_token", token, "query_id", id, "log_comment", id, NULL};
    return clickhouse_exec(verify->ch, sql, settings, error);
}

/* New rows first: a crash in between leaves a row too many, which the next verify finds, and never one too few. */
static bool write_rows(Verify *verify, const Block *block, const char *where, uint64_t version, GError **error)
{
    Pipe *pipe = verify->pipe;
    pthread_mutex_lock(&pipe->repair_lock); /* a TRUNCATE waits, or has been seen */
    bool ok = !verify_outdated(verify);
    if (!ok)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, VERIFY_ALTERED);
    ok = ok && insert_rows(verify, block, error);
    FAULT_POINT("verify-repair-inserted");
    ok = ok && delete_rows(verify, where, version, error);
    pthread_mutex_unlock(&pipe->repair_lock);
    return ok;
}

bool verify_repair(Verify *verify, const GPtrArray *found, unsigned first, unsigned n, GError **error)
{
    VerifyMark mark = {0};
    Block *block = NULL;
    uint64_t rows = 0;
    g_autofree char *where = verify_keys_in(verify->shape, found, first, n);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    for (unsigned i = first; i < first + n; i++)
        g_ptr_array_add(keys, found->pdata[i]);
    bool ok = verify_mark(verify, &mark, error);
    if (!RULE_HOLDS("repaired-rows-lose-against-later-changes"))
        mark.version |= ((uint64_t)1 << 48) - 1;
    ok = ok && verify_read_keys(verify, &mark, keys, mark.version, &rows, &block, error) &&
         write_rows(verify, block, where, mark.version, error);
    block_free(block);
    verify_mark_clear(&mark);
    return ok;
}
