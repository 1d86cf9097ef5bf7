/* verify_range.c - ranges of the key, their rows counted and hashed by both servers: no row travels unless a range
 * differs. */
#include "pipe/verify.h"

#define HASH_ROWS_MIN  1000
#define HASH_ROWS_MAX  500000
#define HASH_USEC_AIM  (1000 * 1000) /* of a statement at the source */
#define ROUND_RANGES   16            /* that are asked for before the stream is waited for */
#define ROUND_USEC_MAX (8 * 1000 * 1000)

typedef struct {
    char **after, **upto; /* NULL: open end */
    char *rows, *hash;    /* at the source, as text */
    bool differs;
} HashRange;

static void range_clear(HashRange *range)
{
    g_strfreev(range->after);
    g_strfreev(range->upto);
    g_free(range->rows);
    g_free(range->hash);
}

static char *range_from(const VerifyShape *shape, char *const *after, char *const *upto, GError **error)
{
    g_autofree char *after_bound = verify_source_bound(shape, after), *upto_bound = verify_source_bound(shape, upto);
    char *from = source_range_from(shape->definition, after_bound, upto_bound);
    if (!from)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "a value of its key cannot be written as a bound");
    return from;
}

bool verify_next_bound(Verify *verify, char *const *after, char *const *upto, uint64_t rows, char ***bound,
                       GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("SELECT ");
    g_autofree char *from = range_from(shape, after, upto, error);
    *bound = NULL;
    if (!from)
        return false;
    for (unsigned k = 0; k < shape->n_key; k++) {
        g_string_append(sql, k ? ", " : "");
        canonical_key_source(sql, shape->columns[shape->key[k]]);
    }
    g_string_append(sql, from);
    source_append_key_order(sql, shape->definition);
    g_string_append_printf(sql, " LIMIT 1 OFFSET %" G_GUINT64_FORMAT, rows - 1);
    g_autoptr(SourceRows) found = source_query(verify->source, sql->str, error);
    if (!found)
        return false;
    if (found->rows->len == 0)
        return true;
    *bound = g_new0(char *, shape->n_key + 1);
    for (unsigned k = 0; k < shape->n_key; k++)
        (*bound)[k] = g_strdup(source_rows_get(found, 0, k));
    return true;
}

/* ---- One range ---- */

static bool hash_source(Verify *verify, HashRange *range, GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("SELECT COUNT(*), BIT_XOR(");
    g_autofree char *from = range_from(shape, range->after, range->upto, error);
    if (!from)
        return false;
    for (unsigned i = 0; i < shape->n; i++)
        canonical_source_hash(sql, shape->columns[i], ((const DestColumn *)shape->spec->columns->pdata[i])->type,
                              i == 0);
    canonical_source_hash_end(sql);
    g_string_append_printf(sql, ")%s", from);
    g_autoptr(SourceRows) rows = source_query(verify->source, sql->str, error);
    if (!rows)
        return false;
    g_free(range->rows);
    g_free(range->hash);
    range->rows = g_strdup(source_rows_get(rows, 0, 0));
    range->hash = g_strdup(source_rows_get(rows, 0, 1));
    return true;
}

static bool hash_dest(Verify *verify, HashRange *range, GError **error)
{
    const VerifyShape *shape = verify->shape;
    g_autoptr(GString) sql = g_string_new("SELECT count(), groupBitXor(");
    for (unsigned i = 0; i < shape->n; i++) {
        const DestColumn *dest = shape->spec->columns->pdata[i];
        canonical_dest_hash(sql, shape->columns[i], dest->type, dest->name, i == 0);
    }
    canonical_dest_hash_end(sql);
    g_string_append(sql, ") FROM ");
    verify_append_target(sql, verify);
    g_string_append(sql, " FINAL WHERE ");
    clickhouse_quote_name(sql, shape->spec->deleted_column);
    g_autofree char *where = verify_dest_range(shape, range->after, range->upto);
    g_string_append_printf(sql, " = 0 AND %s%s SETTINGS max_threads = " VERIFY_THREADS, where, shape->own_rows);
    g_autoptr(GPtrArray) rows = verify_rows(verify, sql->str, error);
    if (!rows)
        return false;
    char *const *row = rows->pdata[0];
    range->differs = g_strcmp0(row[0], range->rows) != 0 || g_strcmp0(row[1], range->hash) != 0;
    return true;
}

/* ---- A round of them ---- */

/* The source's half. The last one is open-ended: also what the destination has behind the source's last row is in it.
 */
static bool ask_source(Verify *verify, char *const *after, GArray *ranges, GError **error)
{
    int64_t began = clock_monotonic_usec(), last = began;
    char *const *from = after;
    for (bool end = false; !end && ranges->len < ROUND_RANGES && last - began < ROUND_USEC_MAX;) {
        HashRange range = {.after = g_strdupv((char **)from)};
        bool ok = verify_next_bound(verify, from, NULL, verify->hash_rows, &range.upto, error) &&
                  hash_source(verify, &range, error);
        end = !range.upto;
        g_array_append_val(ranges, range);
        if (!ok)
            return false;
        from = g_array_index(ranges, HashRange, ranges->len - 1).upto;
        int64_t now = clock_monotonic_usec();
        double factor = (double)HASH_USEC_AIM / (double)MAX(now - last, 1000);
        verify->hash_rows =
            (uint64_t)CLAMP((double)verify->hash_rows * CLAMP(factor, 0.1, 8.0), HASH_ROWS_MIN, HASH_ROWS_MAX);
        last = now;
    }
    return true;
}

static bool ask_dest(Verify *verify, GArray *ranges, bool differing, GError **error)
{
    if (!verify_pass(verify, error))
        return false;
    for (unsigned i = 0; i < ranges->len; i++) {
        HashRange *range = &g_array_index(ranges, HashRange, i);
        if ((!differing || range->differs) && !hash_dest(verify, range, error))
            return false;
    }
    return true;
}

/* Those that differ are asked for once more behind the stream; what differs then is looked at by value. Where most
 * differ the table changes all over, and they would differ again. */
static bool ask_again(Verify *verify, GArray *ranges, GError **error)
{
    unsigned differing = 0;
    for (unsigned i = 0; i < ranges->len; i++)
        differing += g_array_index(ranges, HashRange, i).differs;
    if (differing == 0 || differing > ranges->len / 2)
        return true;
    for (unsigned i = 0; i < ranges->len; i++) {
        HashRange *range = &g_array_index(ranges, HashRange, i);
        if (range->differs && !hash_source(verify, range, error))
            return false;
    }
    return ask_dest(verify, ranges, true, error);
}

bool verify_hash_step(Verify *verify, char ***after, bool *done, GError **error)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, TRUE, sizeof(HashRange));
    g_array_set_clear_func(ranges, (GDestroyNotify)range_clear);
    if (!ask_source(verify, *after, ranges, error) || !ask_dest(verify, ranges, false, error) ||
        !ask_again(verify, ranges, error))
        return false;
    VerifyBatch batch = {0};
    for (unsigned i = 0; i < ranges->len && !verify->step.too_many; i++) {
        HashRange *range = &g_array_index(ranges, HashRange, i);
        if (!range->differs)
            verify_count(verify, g_ascii_strtoull(range->rows, NULL, 10), 1);
        else if (!verify_batch_range(verify, &batch, range->after, range->upto, error))
            return false;
    }
    if (!verify_batch_end(verify, &batch, error))
        return false;
    HashRange *last = &g_array_index(ranges, HashRange, ranges->len - 1);
    *done = !last->upto;
    g_strfreev(*after);
    *after = g_steal_pointer(&last->upto);
    return true;
}
