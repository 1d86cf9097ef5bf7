/* compatible.c - whether a table that already stands at the destination can take a pipe's rows (replication.md,
 * Targets). Pure: reads the texts in which the server prints engines, keys and types. */
#include "clickhouse/layout.h"
#include "clickhouse/table.h"
#include "clickhouse/tokens.h"
#include <string.h>

/* "ReplacingMergeTree(v, d) ..." or Replicated/Shared with two strings first: the last arguments are exactly our two.
 * The others have no arguments but those strings. */
static bool engine_matches(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autoptr(GPtrArray) tokens = sql_tokens(info->engine_full ? info->engine_full : "");
    DestEngine kind, wanted;
    if (!dest_engine_find(sql_token_at(tokens, 0)->text, &kind) || !dest_engine_find(spec->engine, &wanted) || kind != wanted)
        return false;
    if (kind != DEST_REPLACING)
        return true;
    guint i = 1;
    if (sql_token_at(tokens, i++)->kind != '(')
        return false;
    while (sql_token_at(tokens, i)->kind == '\'' && sql_token_at(tokens, i + 1)->kind == ',')
        i += 2;
    return sql_token_is_name(sql_token_at(tokens, i), spec->version_column) && sql_token_at(tokens, i + 1)->kind == ',' &&
           sql_token_is_name(sql_token_at(tokens, i + 2), spec->deleted_column) && sql_token_at(tokens, i + 3)->kind == ')';
}

static char *wanted_order(const DestTableSpec *spec)
{
    GString *wanted = g_string_new(spec->sorted_by);
    for (guint i = 0; !spec->sorted_by && i < spec->order_by->len; i++) {
        g_string_append(wanted, i ? ", " : "");
        clickhouse_quote_name(wanted, g_ptr_array_index(spec->order_by, i));
    }
    return g_string_free(wanted, FALSE);
}

/* A setting of the table which removes deleted rows for good, or NULL: a late snapshot row would rise again after that.
 */
static const char *cleanup_setting(const GPtrArray *tokens)
{
    static const char *const SETTINGS[] = {"clean_deleted_rows", "allow_experimental_replacing_merge_with_cleanup",
                                           "enable_replacing_merge_with_cleanup_for_min_age_to_force_merge"};
    for (guint i = 0; i < tokens->len; i++) {
        for (size_t s = 0; s < G_N_ELEMENTS(SETTINGS); s++) {
            if (!sql_token_is_word(sql_token_at(tokens, i), SETTINGS[s]) || sql_token_at(tokens, i + 1)->kind != '=')
                continue;
            const char *value = sql_token_at(tokens, i + 2)->text;
            if (g_ascii_strcasecmp(value, "never") != 0 && strcmp(value, "0") != 0 &&
                g_ascii_strcasecmp(value, "false") != 0)
                return SETTINGS[s];
        }
    }
    return NULL;
}

/* Types by their tokens, so that spaces do not count. */
static bool types_equal(const char *a, const char *b)
{
    g_autoptr(GPtrArray) as = sql_tokens(a);
    g_autoptr(GPtrArray) bs = sql_tokens(b);
    if (as->len != bs->len)
        return false;
    for (guint i = 0; i < as->len; i++) {
        const SqlToken *x = sql_token_at(as, i), *y = sql_token_at(bs, i);
        if (x->kind != y->kind || strcmp(x->text, y->text) != 0)
            return false;
    }
    return true;
}

char *dest_table_lacks(const DestTableInfo *info, const DestTableSpec *spec)
{
    for (guint i = 0; i < spec->columns->len; i++) {
        const DestColumn *wanted = g_ptr_array_index(spec->columns, i), *found = NULL;
        for (guint k = 0; k < info->columns->len && !found; k++) {
            const DestColumn *column = g_ptr_array_index(info->columns, k);
            found = strcmp(column->name, wanted->name) == 0 ? column : NULL;
        }
        g_autofree char *name = printable(wanted->name, 100);
        g_autofree char *type = printable(found ? found->type : "", 200);
        if (!found)
            return g_strdup_printf("it has no column %s that can be written; it needs %s", name, wanted->type);
        if (!types_equal(found->type, wanted->type))
            return g_strdup_printf("its column %s is %s, not %s", name, type, wanted->type);
    }
    return NULL;
}

static bool contains(const GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

/* Where images of one row must meet: of the newest the others are to be forgotten. */
static char *layout_incompatible(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autofree char *order = wanted_order(spec);
    if (!dest_layout_same(info->sorting_key ? info->sorting_key : "", order)) {
        g_autofree char *key = printable(info->sorting_key ? info->sorting_key : "", 200);
        g_autofree char *shown = printable(order, 200);
        return g_strdup_printf("its ORDER BY is (%s), not %s(%s)", key, spec->sorted_by ? "" : "the key ", shown);
    }
    for (guint i = 0; i < info->partition_columns->len; i++) {
        const char *column = g_ptr_array_index(info->partition_columns, i);
        g_autofree char *name = printable(column, 100);
        if (!contains(spec->order_by, column) && !contains(spec->placed, column))
            return g_strdup_printf(
                "its PARTITION BY uses %s, which is not in the key: a row's old and new image would never meet", name);
    }
    return NULL;
}

char *dest_table_incompatible(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autofree char *engine = printable(info->engine_full ? info->engine_full : "", 120);
    DestEngine kind;
    bool known = dest_engine_find(spec->engine, &kind);
    if (!known || !engine_matches(info, spec))
        return kind != DEST_REPLACING
                   ? g_strdup_printf("its engine is not %s but %s", spec->engine, *engine ? engine : "unknown")
                   : g_strdup_printf("its engine is not ReplacingMergeTree(%s, %s) but %s", spec->version_column,
                                     spec->deleted_column, *engine ? engine : "unknown");
    char *why = kind == DEST_REPLACING ? layout_incompatible(info, spec) : NULL;
    if (why)
        return why;
    g_autoptr(GPtrArray) tokens = sql_tokens(info->create_query ? info->create_query : "");
    for (guint i = 0; i < tokens->len; i++) {
        if (sql_token_is_word(sql_token_at(tokens, i), "TTL"))
            return g_strdup("it has a TTL, which removes rows that the source still has");
    }
    const char *cleanup = cleanup_setting(tokens);
    if (cleanup)
        return g_strdup_printf("its setting %s removes deleted rows for good, so that a late row would rise again",
                               cleanup);
    return dest_table_lacks(info, spec);
}

/* ---- two that are to be one ---- */

static const DestColumn *column_of(const DestTableSpec *spec, const char *name)
{
    for (guint i = 0; i < spec->columns->len; i++) {
        const DestColumn *column = g_ptr_array_index(spec->columns, i);
        if (strcmp(column->name, name) == 0)
            return column;
    }
    return NULL;
}

static char *columns_differ(const DestTableSpec *a, const DestTableSpec *b)
{
    for (guint i = 0; i < a->columns->len; i++) {
        const DestColumn *ours = g_ptr_array_index(a->columns, i), *theirs = column_of(b, ours->name);
        g_autofree char *name = printable(ours->name, 100);
        if (!theirs)
            return g_strdup_printf("only one of them has a column %s", name);
        if (!types_equal(ours->type, theirs->type))
            return g_strdup_printf("column %s would be %s of one, %s of the other", name, ours->type, theirs->type);
        if (g_strcmp0(ours->codec, theirs->codec) != 0)
            return g_strdup_printf("the codec of column %s is not the same", name);
    }
    for (guint i = 0; i < b->columns->len; i++) {
        const DestColumn *theirs = g_ptr_array_index(b->columns, i);
        g_autofree char *name = printable(theirs->name, 100);
        if (!column_of(a, theirs->name))
            return g_strdup_printf("only one of them has a column %s", name);
    }
    return NULL;
}

static char *list_text(const GPtrArray *names)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = printable(g_ptr_array_index(names, i), 100);
        g_string_append_printf(text, "%s%s", i ? ", " : "", name);
    }
    return g_string_free(text, FALSE);
}

char *dest_table_spec_difference(const DestTableSpec *a, const DestTableSpec *b)
{
    const struct {
        const char *word, *a, *b;
    } texts[] = {{"engine", a->engine, b->engine},
                 {"order_by", a->sorted_by, b->sorted_by},
                 {"partition_by", a->partition_by, b->partition_by},
                 {"ttl", a->ttl, b->ttl}};
    g_autofree char *key_a = list_text(a->order_by), *key_b = list_text(b->order_by);
    char *why = columns_differ(a, b);
    if (why)
        return why;
    if (strcmp(key_a, key_b) != 0)
        return g_strdup_printf("the key would be (%s) of one, (%s) of the other", key_a, key_b);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (g_strcmp0(texts[i].a, texts[i].b) != 0)
            return g_strdup_printf("setting %s is not the same", texts[i].word);
    return NULL;
}

uint32_t dest_table_next_epoch(const DestTableInfo *info)
{
    return info->rows ? 1 + (uint32_t)(info->max_version >> 48) : 1;
}

bool dest_table_holds_rows(const DestTableInfo *info)
{
    return info->engine && g_str_has_suffix(info->engine, "MergeTree");
}
