/* verify_rows.c - rows by value: the source's, made into the destination's types as the load makes them, stand in a
 * scratch table there; the destination compares. So values that the mapping changes (dates out of range, zero dates)
 * are equal as they should be. */
#include "pipe/verify.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES    (16u << 20)
#define CHUNK_ROWS_MAX 50000
#define CHUNK_USEC_MAX (5 * 1000 * 1000)
#define BATCH_BYTES    (64 << 20) /* that the scratch table holds at most, about */
#define BATCH_ROWS     400000
#define BATCH_WHERE    60000 /* bytes of text: a statement may have 256 KiB */
#define CHECK_ROWS     1024
#define SHOWN_BYTES    800 /* of a value */

/* ---- Scratch tables ---- */

static bool create(Verify *verify, const char *name, const char *columns, GError **error)
{
    static const char *const settings[] = {"allow_suspicious_low_cardinality_types", "1", NULL, NULL, NULL};
    g_autoptr(GString) sql = g_string_new("CREATE TABLE ");
    const char *with_time[] = {settings[0], settings[1], "enable_time_time64_type", "1", NULL};
    verify_append_table(sql, verify, name);
    g_string_append_printf(sql, " (%s) ENGINE = Memory COMMENT 'sluice pipe=%s verify'", columns, verify->pipe->uuid);
    bool time = false;
    for (const char *at = columns; !time && (at = strstr(at, "Time64(")); at++)
        time = at == columns || at[-1] != 'e';
    return clickhouse_exec(verify->ch, sql->str, time ? with_time : settings, error);
}

static void append_column(GString *sql, const char *name, const char *type)
{
    g_string_append(sql, sql->len ? ", " : "");
    clickhouse_quote_name(sql, name);
    g_string_append_printf(sql, " %s", type);
}

static bool drop_one(Clickhouse *ch, const Pipe *pipe, const char *name, GError **error)
{
    g_autofree char *mark = g_strdup_printf("sluice pipe=%s verify", pipe->uuid);
    return dest_table_drop(ch, clickhouse_database(ch), name, mark, error);
}

static void scratch_names(const Pipe *pipe, char *names[3])
{
    static const char *const tails[] = {"", "_found", "_keys"};
    for (unsigned i = 0; i < G_N_ELEMENTS(tails); i++)
        names[i] = g_strdup_printf("_sluice_verify_%s%s", pipe->uuid, tails[i]);
}

bool verify_drop_leftovers(Pipe *pipe, Clickhouse *ch, GError **error)
{
    char *names[3];
    bool ok = true;
    scratch_names(pipe, names);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        ok = ok && drop_one(ch, pipe, names[i], error);
        g_free(names[i]);
    }
    return ok;
}

bool verify_make_scratch(Verify *verify, GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) rows = g_string_new(NULL), found = g_string_new(NULL);
    if (!verify_drop_leftovers(verify->pipe, verify->ch, error))
        return false;
    for (unsigned i = 0; i < shape->spec->columns->len; i++) {
        const DestColumn *column = shape->spec->columns->pdata[i];
        append_column(rows, column->name, column->type);
    }
    for (unsigned k = 0; k < shape->n_key; k++) {
        g_autofree char *name = g_strdup_printf("k%u", k);
        append_column(found, name, ((const DestColumn *)shape->spec->columns->pdata[shape->key[k]])->type);
    }
    append_column(found, "kind", "UInt8");
    append_column(found, "vals", "String");
    g_clear_pointer(&verify->scratch, g_free);
    g_clear_pointer(&verify->found, g_free);
    g_clear_pointer(&verify->keys, g_free);
    char *names[3];
    scratch_names(verify->pipe, names);
    verify->scratch = names[0];
    verify->found = names[1];
    verify->keys = names[2];
    FAULT_POINT("verify-scratch");
    return create(verify, verify->scratch, rows->str, error) && create(verify, verify->found, found->str, error) &&
           (shape->by_range || create(verify, verify->keys, "h UInt64", error));
}

/* Also when the job was cancelled, on a connection of its own and not for ever: what stays is dropped by the next
 * verify. */
void verify_drop_scratch(Verify *verify)
{
    g_autoptr(Url) url = verify->dest ? clickhouse_url_parse(verify->dest, NULL) : NULL;
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, NULL, NULL) : NULL;
    if (!ch || !verify->scratch)
        return;
    clickhouse_set_patience(ch, 3000);
    verify_drop_leftovers(verify->pipe, ch, NULL);
}

bool verify_clear(Verify *verify, const char *table, GError **error)
{
    g_autoptr(GString) sql = g_string_new("TRUNCATE TABLE ");
    verify_append_table(sql, verify, table);
    return verify_exec(verify, sql->str, error);
}

/* ---- Reading the source ---- */

static bool append_rows(Verify *verify, ChunkReader *reader, Block *block, uint64_t version, int *got, GError **error)
{
    int64_t began = clock_monotonic_usec(), synced = clock_real_nsec();
    const uint8_t *packet;
    size_t len;
    while ((*got = chunk_reader_next(reader, &packet, &len, error)) > 0) {
        if (!mapping_append_result(verify->shape->mapping, block, packet, len, version, synced, error))
            return false;
        if (block->n_rows % CHECK_ROWS != 0 && len < 65536)
            continue;
        if (cancel_set_error(verify->cancel, error))
            return false;
        if (block_bytes(block) >= CHUNK_BYTES || clock_monotonic_usec() - began > CHUNK_USEC_MAX)
            break;
    }
    g_free(mapping_take_counters(verify->shape->mapping));
    return *got >= 0;
}

static bool insert_rows(Verify *verify, Block *block, GError **error)
{
    g_autofree char *token = g_uuid_string_random();
    g_autofree char *id = g_strdup_printf("sluice-%s-verify-%s", verify->pipe->uuid, token);
    InsertRequest request = {.database = clickhouse_database(verify->ch),
                             .table = verify->scratch,
                             .query_id = id,
                             .token = token,
                             .compression = clickhouse_is_local(verify->ch) ? COMPRESSION_NONE
                                                                            : verify->work->settings.compression};
    if (block->n_rows == 0)
        return true;
    verify->row_bytes = MAX(8, (double)block_bytes(block) / (double)block->n_rows);
    return insert_block(verify->ch, &request, block, error);
}

static uint64_t chunk_rows(const Verify *verify)
{
    return (uint64_t)CLAMP((double)CHUNK_BYTES / verify->row_bytes, 16, CHUNK_ROWS_MAX);
}

bool verify_read_chunk(Verify *verify, const VerifyMark *mark, const char *after, const char *upto, char **last,
                       uint64_t *n, GError **error)
{
    uint64_t limit = chunk_rows(verify);
    g_autoptr(Block) block = mapping_block_new(verify->shape->mapping, verify->pipe->account);
    int got = 0;
    *last = NULL;
    ChunkReader *reader = chunk_reader_open(verify->source, verify->shape->definition, after, upto, limit, mark->file,
                                            mark->pos, verify->cancel, error);
    bool ok = reader && append_rows(verify, reader, block, 0, &got, error);
    if (ok && (got > 0 || block->n_rows == limit))
        ok = (*last = chunk_reader_key(reader, error)) != NULL;
    chunk_reader_free(reader);
    *n += block->n_rows;
    verify->step.read += block->n_rows;
    return ok && insert_rows(verify, block, error);
}

static GPtrArray *source_keys(const VerifyShape *shape, const GPtrArray *found)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    for (unsigned i = 0; i < found->len; i++) {
        char **literals = g_new0(char *, shape->n_key + 1);
        for (unsigned k = 0; k < shape->n_key; k++) {
            g_autoptr(GString) literal = g_string_new(NULL);
            canonical_key_source_literal(literal, shape->columns[shape->key[k]],
                                         ((const VerifyFound *)found->pdata[i])->key[k]);
            literals[k] = g_string_free(g_steal_pointer(&literal), FALSE);
        }
        g_ptr_array_add(keys, literals);
    }
    return keys;
}

bool verify_read_keys(Verify *verify, const VerifyMark *mark, const GPtrArray *found, uint64_t version, uint64_t *n,
                      Block **block, GError **error)
{
    g_autoptr(GPtrArray) keys = source_keys(verify->shape, found);
    *block = mapping_block_new(verify->shape->mapping, verify->pipe->account);
    *n = 0;
    if (!verify_clear(verify, verify->scratch, error))
        return false;
    ChunkReader *reader = chunk_reader_open_keys(verify->source, verify->shape->definition, keys, mark->file, mark->pos,
                                                 verify->cancel, error);
    int got = 1;
    bool ok = reader != NULL;
    while (ok && got > 0) /* all of it in one block: these are few */
        ok = append_rows(verify, reader, *block, version, &got, error);
    chunk_reader_free(reader);
    *n = (*block)->n_rows;
    return ok && insert_rows(verify, *block, error);
}

/* ---- Comparing ---- */

/* Types whose own comparison takes different values for the same (0 and -0), or does not exist. */
static bool compares_as_text(const char *type)
{
    return strstr(type, "Float") || strstr(type, "Array(") || strstr(type, "JSON");
}

static void append_text_of(GString *sql, const char *type, char side, unsigned i)
{
    g_string_append_printf(sql, "%s(%c%u)", strstr(type, "JSON") ? "toJSONString" : "toString", side, i);
}

static void append_differs(GString *sql, const char *type, unsigned i)
{
    bool nullable = strstr(type, "Nullable(") != NULL;
    if (nullable)
        g_string_append_printf(sql, "(isNull(s%u) != isNull(d%u) OR ifNull(", i, i);
    if (compares_as_text(type)) {
        append_text_of(sql, type, 's', i);
        g_string_append(sql, " != ");
        append_text_of(sql, type, 'd', i);
    } else {
        g_string_append_printf(sql, "s%u != d%u", i, i);
    }
    g_string_append(sql, nullable ? ", 0))" : "");
}

/* "column:hex:hex", '-' for NULL. */
static void append_values(GString *sql, const char *type, unsigned i)
{
    g_string_append(sql, "if(");
    append_differs(sql, type, i);
    g_string_append_printf(sql, ", concat('%u'", i);
    for (const char *side = "sd"; *side; side++) {
        g_string_append(sql, ", ':', ifNull(hex(substring(");
        append_text_of(sql, type, *side, i);
        g_string_append_printf(sql, ", 1, %d)), '-')", SHOWN_BYTES);
    }
    g_string_append(sql, "), '')");
}

static const char *type_of(const VerifyShape *shape, unsigned column)
{
    return ((const DestColumn *)shape->spec->columns->pdata[column])->type;
}

static bool in_key(const VerifyShape *shape, unsigned column)
{
    for (unsigned k = 0; k < shape->n_key; k++)
        if (shape->key[k] == column)
            return true;
    return false;
}

static void append_side(GString *sql, const VerifyShape *shape, char side)
{
    g_string_append_printf(sql, "(SELECT 1 AS in_%c", side);
    for (unsigned i = 0; i < shape->n; i++) {
        g_string_append(sql, ", ");
        verify_append_name(sql, shape, i);
        g_string_append_printf(sql, " AS %c%u", side, i);
    }
    g_string_append(sql, " FROM ");
}

/* Both sides joined by the key. */
static void append_join(GString *sql, const Verify *verify, VerifyLook look, const char *where)
{
    const VerifyShape *shape = verify->shape;
    append_side(sql, shape, 's');
    verify_append_table(sql, verify, verify->scratch);
    if (look == LOOK_KEYS)
        g_string_append_printf(sql, " WHERE %s", where);
    g_string_append_printf(sql, ") AS s %s JOIN ", look == LOOK_WALK ? "LEFT" : "FULL");
    append_side(sql, shape, 'd');
    verify_append_target(sql, verify);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, shape->spec->deleted_column);
    g_string_append_printf(sql, " = 0%s AND ", shape->own_rows);
    if (look == LOOK_WALK) {
        g_string_append_c(sql, '(');
        verify_append_keys(sql, shape, NULL);
        g_string_append(sql, ") IN (SELECT ");
        verify_append_keys(sql, shape, NULL);
        g_string_append(sql, " FROM ");
        verify_append_table(sql, verify, verify->scratch);
        g_string_append_c(sql, ')');
    } else {
        g_string_append(sql, where);
    }
    g_string_append(sql, ") AS d ON ");
    for (unsigned k = 0; k < shape->n_key; k++)
        g_string_append_printf(sql, "%ss%u = d%u", k ? " AND " : "", shape->key[k], shape->key[k]);
}

static char *compare_sql(const Verify *verify, VerifyLook look, const char *where)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("INSERT INTO "), differs = g_string_new("in_s = 0 OR in_d = 0");
    verify_append_table(sql, verify, verify->found);
    g_string_append(sql, " SELECT ");
    for (unsigned k = 0; k < shape->n_key; k++)
        g_string_append_printf(sql, "if(in_s = 1, s%u, d%u), ", shape->key[k], shape->key[k]);
    g_string_append_printf(sql,
                           "multiIf(in_d = 0, %d, in_s = 0, %d, %d) AS kind, if(kind = %d, "
                           "arrayStringConcat(arrayFilter(x -> x != '', [''",
                           VERIFY_MISSING, VERIFY_EXTRA, VERIFY_DIFFERENT, VERIFY_DIFFERENT);
    for (unsigned i = 0; i < shape->n; i++) {
        if (in_key(shape, i))
            continue;
        g_string_append(sql, ", ");
        append_values(sql, type_of(shape, i), i);
        g_string_append(differs, " OR ");
        append_differs(differs, type_of(shape, i), i);
    }
    g_string_append(sql, "]), ' '), '') FROM ");
    append_join(sql, verify, look, where);
    g_string_append_printf(sql, " WHERE %s LIMIT %d", differs->str, VERIFY_FOUND_MAX + 1);
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

/* The newest version of each of the keys, of deletes too, which FINAL does not show. It is asked for behind the rows:
 * what was seen of them is seen in it. */
static char *found_sql(const Verify *verify)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("SELECT ");
    for (unsigned k = 0; k < shape->n_key; k++) {
        g_autofree char *name = g_strdup_printf("k%u", k);
        canonical_key_dest(sql, shape->columns[shape->key[k]], shape->binary, name);
        g_string_append(sql, ", ");
    }
    g_string_append(sql, "kind, vals, newest FROM ");
    verify_append_table(sql, verify, verify->found);
    g_string_append(sql, " AS f LEFT JOIN (SELECT ");
    for (unsigned k = 0; k < shape->n_key; k++) {
        verify_append_name(sql, shape, shape->key[k]);
        g_string_append_printf(sql, " AS n%u, ", k);
    }
    g_string_append(sql, "max(");
    clickhouse_quote_name(sql, shape->spec->version_column);
    g_string_append(sql, ") AS newest FROM ");
    verify_append_target(sql, verify);
    g_string_append(sql, " WHERE (");
    verify_append_keys(sql, shape, NULL);
    g_string_append(sql, ") IN (SELECT ");
    verify_append_keys(sql, shape, "k");
    g_string_append(sql, " FROM ");
    verify_append_table(sql, verify, verify->found);
    g_string_append_printf(sql, ")%s GROUP BY ", shape->own_rows);
    verify_append_keys(sql, shape, "n");
    g_string_append(sql, ") AS n ON ");
    for (unsigned k = 0; k < shape->n_key; k++)
        g_string_append_printf(sql, "%sk%u = n%u", k ? " AND " : "", k, k);
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

GPtrArray *verify_take_found(Verify *verify, GError **error)
{
    const unsigned n_key = verify->shape->n_key;
    g_autofree char *sql = found_sql(verify);
    g_autoptr(GPtrArray) rows = verify_rows(verify, sql, error);
    if (!rows)
        return NULL;
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)verify_found_free);
    for (unsigned i = 0; i < rows->len; i++) {
        char **row = rows->pdata[i];
        VerifyFound *found = g_new0(VerifyFound, 1);
        found->key = g_new0(char *, n_key + 1);
        for (unsigned k = 0; k < n_key; k++)
            found->key[k] = g_strdup(row[k]);
        found->kind = (VerifyKind)CLAMP(atoi(row[n_key]), VERIFY_MISSING, VERIFY_DIFFERENT);
        found->values = g_strdup(row[n_key + 1]);
        found->version = g_ascii_strtoull(row[n_key + 2], NULL, 10);
        g_ptr_array_add(all, found);
    }
    if (all->len > VERIFY_FOUND_MAX) {
        verify->step.too_many = true;
        g_ptr_array_set_size(all, VERIFY_FOUND_MAX);
    }
    return all;
}

/* Behind a balancer another server may answer, which has none of them. */
static bool check_count(Verify *verify, const char *table, uint64_t n, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT count() FROM ");
    verify_append_table(sql, verify, table);
    g_autofree char *count = clickhouse_query_value(verify->ch, sql->str, error);
    if (!count)
        return false;
    if (g_ascii_strtoull(count, NULL, 10) == n)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                "rows that were written to a scratch table of the destination are not in it: it was restarted, or "
                "several servers answer under its "
                "address; verify with the address of one of them");
    return false;
}

GPtrArray *verify_compare(Verify *verify, VerifyLook look, const char *where, uint64_t n, GError **error)
{
    g_autofree char *sql = compare_sql(verify, look, where);
    if (!check_count(verify, verify->scratch, n, error) || !verify_clear(verify, verify->found, error) ||
        !verify_exec(verify, sql, error))
        return NULL;
    return verify_take_found(verify, error);
}

/* ---- Ranges by value ----
 *
 * As many as make a batch are read before the stream is waited for. */

static bool batch_begin(Verify *verify, VerifyBatch *batch, GError **error)
{
    *batch = (VerifyBatch){.where = g_string_new(NULL)};
    return verify_clear(verify, verify->scratch, error) && verify_mark(verify, &batch->mark, error);
}

static void batch_clear(VerifyBatch *batch)
{
    verify_mark_clear(&batch->mark);
    if (batch->where)
        g_string_free(batch->where, TRUE);
    *batch = (VerifyBatch){0};
}

static bool batch_is_full(const Verify *verify, const VerifyBatch *batch)
{
    return batch->n >= BATCH_ROWS || (double)batch->n * verify->row_bytes >= BATCH_BYTES ||
           batch->where->len >= BATCH_WHERE;
}

/* All rows of it, statement by statement. */
static bool batch_read(Verify *verify, VerifyBatch *batch, char *const *after, char *const *upto, GError **error)
{
    g_autofree char *from = verify_source_bound(verify->shape, after), *to = verify_source_bound(verify->shape, upto);
    g_autofree char *where = verify_dest_range(verify->shape, after, upto);
    do {
        char *last = NULL;
        if (!verify_read_chunk(verify, &batch->mark, from, to, &last, &batch->n, error))
            return false;
        g_free(from);
        from = last;
    } while (from);
    g_string_append_printf(batch->where, "%s(%s)", batch->where->len ? " OR " : "", where);
    batch->ranges++;
    return true;
}

/* Where the destination has far more rows in a range than the source, they are neither joined nor listed, but told. */
static bool check_extra(Verify *verify, const char *where, uint64_t n, GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("SELECT count() FROM ");
    verify_append_target(sql, verify);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, shape->spec->deleted_column);
    g_string_append_printf(sql, " = 0%s AND %s", shape->own_rows, where);
    g_autofree char *count = clickhouse_query_value(verify->ch, sql->str, error);
    if (!count)
        return false;
    uint64_t rows = g_ascii_strtoull(count, NULL, 10);
    if (rows <= n + VERIFY_FOUND_MAX)
        return true;
    verify->step.too_many = true;
    verify->step.uncounted += rows - n;
    return true;
}

bool verify_batch_end(Verify *verify, VerifyBatch *batch, GError **error)
{
    if (!batch->where)
        return true;
    g_autofree char *where = g_strdup_printf("(%s)", batch->where->str);
    bool ok = verify_pass(verify, error) && check_extra(verify, where, batch->n, error);
    if (ok && !verify->step.too_many) {
        GPtrArray *found = verify_compare(verify, LOOK_RANGE, where, batch->n, error);
        ok = found && verify_settle(verify, found, batch->mark.version, verify->shape->orders_alike, error);
    }
    if (ok)
        verify_count(verify, batch->n, batch->ranges);
    batch_clear(batch);
    return ok;
}

/* The next part of the range, as much as one statement reads. */
static bool batch_add(Verify *verify, VerifyBatch *batch, char ***after, char *const *upto, bool *done, GError **error)
{
    char **bound = NULL;
    bool ok = (batch->where || batch_begin(verify, batch, error)) &&
              verify_next_bound(verify, *after, upto, chunk_rows(verify), &bound, error) &&
              batch_read(verify, batch, *after, bound ? bound : upto, error);
    if (!ok) {
        g_strfreev(bound);
        batch_clear(batch);
        return false;
    }
    *done = !bound;
    g_strfreev(*after);
    *after = bound;
    return true;
}

bool verify_batch_range(Verify *verify, VerifyBatch *batch, char *const *after, char *const *upto, GError **error)
{
    char **at = g_strdupv((char **)after);
    bool ok = true;
    for (bool done = false; ok && !done && !verify->step.too_many;)
        ok = batch_add(verify, batch, &at, upto, &done, error) &&
             (!batch_is_full(verify, batch) || verify_batch_end(verify, batch, error));
    g_strfreev(at);
    if (!ok)
        batch_clear(batch);
    return ok;
}

bool verify_value_step(Verify *verify, char ***after, bool *done, GError **error)
{
    VerifyBatch batch = {0};
    *done = false;
    do {
        if (!batch_add(verify, &batch, after, NULL, done, error))
            return false;
    } while (!*done && !batch_is_full(verify, &batch));
    return verify_batch_end(verify, &batch, error);
}

/* ---- Keys that the ends order otherwise ---- */

static void append_key_hash(GString *sql, const Verify *verify)
{
    g_string_append(sql, "sipHash64(");
    verify_append_keys(sql, verify->shape, NULL);
    g_string_append_c(sql, ')');
}

static bool keep_keys(Verify *verify, GError **error)
{
    g_autoptr(GString) sql = g_string_new("INSERT INTO ");
    verify_append_table(sql, verify, verify->keys);
    g_string_append(sql, " SELECT ");
    append_key_hash(sql, verify);
    g_string_append(sql, " FROM ");
    verify_append_table(sql, verify, verify->scratch);
    return verify_exec(verify, sql->str, error);
}

/* Rows of the destination whose key the walk has not met. One that was there all the time, it would have. */
static bool find_extra(Verify *verify, uint64_t version, uint64_t walked, GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("INSERT INTO ");
    verify_append_table(sql, verify, verify->found);
    g_string_append(sql, " SELECT ");
    verify_append_keys(sql, shape, NULL);
    g_string_append_printf(sql, ", %d, '' FROM ", VERIFY_EXTRA);
    verify_append_target(sql, verify);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, shape->spec->deleted_column);
    g_string_append_printf(sql, " = 0%s AND ", shape->own_rows);
    append_key_hash(sql, verify);
    g_string_append(sql, " NOT IN (SELECT h FROM ");
    verify_append_table(sql, verify, verify->keys);
    g_string_append_printf(sql, ") LIMIT %d", VERIFY_FOUND_MAX + 1);
    if (!check_count(verify, verify->keys, walked, error) || !verify_pass(verify, error) ||
        !verify_clear(verify, verify->found, error) || !verify_exec(verify, sql->str, error))
        return false;
    GPtrArray *found = verify_take_found(verify, error);
    return found && verify_settle(verify, found, version, true, error);
}

/* As many rows as make a batch. */
static bool walk_on(Verify *verify, char **after, uint64_t *walked, GError **error)
{
    VerifyMark mark = {0};
    uint64_t n = 0;
    bool ok = verify_clear(verify, verify->scratch, error) && verify_mark(verify, &mark, error);
    do {
        char *last = NULL;
        ok = ok && verify_read_chunk(verify, &mark, *after, NULL, &last, &n, error);
        g_free(*after);
        *after = last;
    } while (ok && *after && n < BATCH_ROWS && (double)n * verify->row_bytes < BATCH_BYTES);
    ok = ok && keep_keys(verify, error) && verify_pass(verify, error);
    GPtrArray *found = ok ? verify_compare(verify, LOOK_WALK, NULL, n, error) : NULL;
    ok = found && verify_settle(verify, found, mark.version, true, error);
    verify_mark_clear(&mark);
    *walked += n;
    if (ok)
        verify_count(verify, n, 1);
    return ok;
}

bool verify_walk(Verify *verify, GError **error)
{
    VerifyMark begin = {0};
    char *after = NULL;
    uint64_t walked = 0;
    bool ok = verify_clear(verify, verify->keys, error) && verify_mark(verify, &begin, error);
    do {
        ok = ok && walk_on(verify, &after, &walked, error);
    } while (ok && after && !verify->step.too_many);
    ok = ok && (verify->step.too_many || find_extra(verify, begin.version, walked, error));
    verify_mark_clear(&begin);
    g_free(after);
    return ok;
}
