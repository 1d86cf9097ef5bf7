/* verify_shape.c - a table as a verify compares it, and the SQL that names its columns and keys. */
#include "clickhouse/layout.h"
#include "pipe/preflight.h"
#include "pipe/verify.h"

#include <string.h>

const char *verify_unfit(const PipeTable *table)
{
    const SourceTable *definition = table->definition;
    DestEngine engine;
    switch ((TableState)atomic_load(&((PipeTable *)table)->state)) {
    case TABLE_LIVE:
        break;
    case TABLE_FAILED:
        return "it is failed";
    case TABLE_DROPPED:
        return "it was dropped at the source";
    case TABLE_WAITING:
    case TABLE_LOADING:
    case TABLE_KEPT:
        return "it is being loaded";
    }
    if (!dest_engine_find(definition->texts[TABLE_ENGINE], &engine) || engine != DEST_REPLACING)
        return "its engine keeps every change, or nothing";
    return definition->texts[TABLE_TTL] ? "its rows expire at the destination (setting ttl)" : NULL;
}

void verify_shape_free(VerifyShape *shape)
{
    if (!shape)
        return;
    mapping_free(shape->mapping);
    dest_table_spec_free(shape->spec);
    source_table_unref(shape->definition);
    g_free(shape->columns);
    g_free(shape->key);
    g_free(shape->own_rows);
    g_free(shape);
}

/* Which rows of the destination table come from this source table: the place for every condition of that kind. One that
 * shares its target has its name in them (shared.h). A target that is not ours held rows before: those have versions of
 * earlier epochs (setup.c, settle_epoch). */
static bool find_own_rows(Verify *verify, const PipeTable *table, VerifyShape *shape, GError **error)
{
    g_autoptr(GString) own = g_string_new("");
    g_autoptr(DestTableInfo) info = dest_table_inspect(verify->ch, clickhouse_database(verify->ch),
                                                       table->record->target, shape->spec->version_column, error);
    if (!info)
        return false;
    if (!info->exists) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "its destination table is missing");
        return false;
    }
    if (shape->source_column) {
        g_autofree char *value = source_table_value(shape->definition);
        g_string_append(own, " AND ");
        clickhouse_quote_name(own, shape->source_column);
        g_string_append(own, " = ");
        clickhouse_quote_string(own, value);
    }
    if (!preflight_mark_is_ours(info->comment, verify->pipe->uuid)) {
        g_string_append(own, " AND ");
        clickhouse_quote_name(own, shape->spec->version_column);
        g_string_append_printf(own, " >= %" G_GUINT64_FORMAT, table->record->snapshot_version >> 48 << 48);
    }
    shape->own_rows = g_string_free(g_steal_pointer(&own), FALSE);
    return true;
}

static void find_columns(VerifyShape *shape)
{
    const SourceTable *definition = shape->definition;
    g_autofree unsigned *at = g_new0(unsigned, definition->n_columns); /* in the spec */
    shape->columns = g_new0(const SourceColumn *, definition->n_columns);
    shape->hashed = true;
    for (unsigned i = 0; i < definition->n_columns; i++) {
        const SourceColumn *column = &definition->columns[i];
        if (column->excluded && !source_table_column_is_placed(definition, i))
            continue;
        const DestColumn *dest = shape->spec->columns->pdata[shape->n];
        shape->hashed = shape->hashed && canonical_kind(column, dest->type, shape->binary) != CANONICAL_NONE;
        at[i] = shape->n;
        shape->columns[shape->n++] = column;
    }
    shape->n_key = definition->n_key;
    shape->key = g_new0(unsigned, shape->n_key);
    shape->by_range = shape->orders_alike = true;
    for (unsigned k = 0; k < shape->n_key; k++) {
        CanonicalOrder order = canonical_key_order(&definition->columns[definition->key[k]], shape->binary);
        shape->key[k] = at[definition->key[k]];
        shape->by_range = shape->by_range && order != CANONICAL_ORDER_UNLIKE;
        shape->orders_alike = shape->orders_alike && order == CANONICAL_ORDER_ALIKE;
    }
}

VerifyShape *verify_shape_new(Verify *verify, PipeTable *table, GError **error)
{
    VerifyShape *shape = g_new0(VerifyShape, 1);
    shape->statements = atomic_load(&table->statements);
    shape->definition = source_table_ref(table->definition);
    shape->source_column = shape->definition->texts[TABLE_SOURCE_COLUMN];
    MappingSettings settings = pipe_table_mapping(table, &verify->work->settings);
    shape->binary = settings.binary;
    shape->mapping = mapping_new(shape->definition, &settings, error);
    if (shape->mapping) {
        shape->spec = dest_table_spec_new(clickhouse_database(verify->ch), table->record->target);
        mapping_fill_spec(shape->mapping, shape->spec);
        find_columns(shape);
    }
    if (shape->mapping && find_own_rows(verify, table, shape, error))
        return shape;
    verify_shape_free(shape);
    return NULL;
}

/* ---- SQL ---- */

void verify_append_name(GString *sql, const VerifyShape *shape, unsigned column)
{
    clickhouse_quote_name(sql, ((const DestColumn *)shape->spec->columns->pdata[column])->name);
}

void verify_append_table(GString *sql, const Verify *verify, const char *name)
{
    clickhouse_quote_table(sql, clickhouse_database(verify->ch), name);
}

void verify_append_target(GString *sql, const Verify *verify)
{
    verify_append_table(sql, verify, verify->shape->spec->table);
}

void verify_append_keys(GString *sql, const VerifyShape *shape, const char *prefix)
{
    for (unsigned k = 0; k < shape->n_key; k++) {
        g_string_append(sql, k ? ", " : "");
        if (prefix)
            g_string_append_printf(sql, "%s%u", prefix, k);
        else
            verify_append_name(sql, shape, shape->key[k]);
    }
}

static void append_literal(GString *sql, const VerifyShape *shape, unsigned k, const char *text)
{
    const DestColumn *dest = shape->spec->columns->pdata[shape->key[k]];
    canonical_key_dest_literal(sql, shape->columns[shape->key[k]], shape->binary, dest->type, text);
}

char *verify_keys_in(const VerifyShape *shape, const GPtrArray *found, unsigned first, unsigned n)
{
    g_autoptr(GString) sql = g_string_new("(");
    verify_append_keys(sql, shape, NULL);
    g_string_append(sql, ") IN (");
    for (unsigned i = first; i < first + n; i++) {
        char *const *key = ((const VerifyFound *)found->pdata[i])->key;
        g_string_append(sql, i > first ? ", (" : "(");
        for (unsigned k = 0; k < shape->n_key; k++) {
            g_string_append(sql, k ? ", " : "");
            append_literal(sql, shape, k, key[k]);
        }
        g_string_append_c(sql, ')');
    }
    g_string_append_c(sql, ')');
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

char *verify_source_bound(const VerifyShape *shape, char *const *key)
{
    if (!key)
        return NULL;
    g_autoptr(GString) sql = g_string_new(NULL);
    for (unsigned k = 0; k < shape->n_key; k++) {
        g_string_append(sql, k ? ", " : "");
        canonical_key_source_literal(sql, shape->columns[shape->key[k]], key[k]);
    }
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

/* As chunk readers do at the source: a >= x AND (a > x OR (a = x AND b > y)), which finds its place in the primary
 * index. */
static void append_bound(GString *sql, const VerifyShape *shape, char *const *key, char beyond, const char *last)
{
    unsigned n = shape->n_key;
    g_string_append(sql, sql->len ? " AND " : "");
    if (n > 1) {
        verify_append_name(sql, shape, shape->key[0]);
        g_string_append_printf(sql, " %c= ", beyond);
        append_literal(sql, shape, 0, key[0]);
        g_string_append(sql, " AND ");
    }
    for (unsigned k = 0; k + 1 < n; k++) {
        g_string_append_c(sql, '(');
        verify_append_name(sql, shape, shape->key[k]);
        g_string_append_printf(sql, " %c ", beyond);
        append_literal(sql, shape, k, key[k]);
        g_string_append(sql, " OR (");
        verify_append_name(sql, shape, shape->key[k]);
        g_string_append(sql, " = ");
        append_literal(sql, shape, k, key[k]);
        g_string_append(sql, " AND ");
    }
    verify_append_name(sql, shape, shape->key[n - 1]);
    g_string_append_printf(sql, " %s ", last);
    append_literal(sql, shape, n - 1, key[n - 1]);
    for (unsigned k = 0; k + 1 < n; k++)
        g_string_append(sql, "))");
}

char *verify_dest_range(const VerifyShape *shape, char *const *after, char *const *upto)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    if (after)
        append_bound(sql, shape, after, '>', ">");
    if (upto)
        append_bound(sql, shape, upto, '<', "<=");
    if (!sql->len)
        g_string_append(sql, "1");
    return g_string_free(g_steal_pointer(&sql), FALSE);
}
