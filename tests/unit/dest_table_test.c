/* The statement that makes a destination table, and which tables that stand there already can take its rows. */
#include "clickhouse/clickhouse.h"
#include <string.h>

static DestTableSpec *make_spec(void)
{
    DestTableSpec *spec = dest_table_spec_new("shop", "orders");
    dest_table_spec_add_column(spec, "id", "Int64");
    dest_table_spec_add_column(spec, "k`ey\\", "String");
    dest_table_spec_add_column(spec, "price", "Nullable(Decimal(10, 2))");
    dest_table_spec_add_column(spec, "_peerdb_synced_at", "DateTime64(9)");
    dest_table_spec_add_column(spec, "_peerdb_is_deleted", "UInt8");
    dest_table_spec_add_column(spec, "_peerdb_version", "UInt64");
    g_ptr_array_add(spec->order_by, g_strdup("id"));
    g_ptr_array_add(spec->order_by, g_strdup("k`ey\\"));
    spec->version_column = g_strdup("_peerdb_version");
    spec->deleted_column = g_strdup("_peerdb_is_deleted");
    spec->mark = g_strdup("sluice pipe=1' table=2");
    return spec;
}

static void test_create_sql(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autofree char *sql = dest_table_create_sql(spec);
    g_assert_cmpstr(
        sql, ==,
        "CREATE TABLE `shop`.`orders`\n(\n"
        "    `id` Int64,\n"
        "    `k\\`ey\\\\` String,\n"
        "    `price` Nullable(Decimal(10, 2)),\n"
        "    `_peerdb_synced_at` DateTime64(9),\n"
        "    `_peerdb_is_deleted` UInt8,\n"
        "    `_peerdb_version` UInt64\n)\n"
        "ENGINE = ReplacingMergeTree(`_peerdb_version`, `_peerdb_is_deleted`)\n"
        "ORDER BY (`id`, `k\\`ey\\\\`)\n"
        "SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, "
        "min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480\n"
        "COMMENT 'sluice pipe=1\\' table=2'");
    spec->durable = false;
    spec->partition_by = g_strdup("intDiv(id, 1000000)");
    g_autofree char *other = dest_table_create_sql(spec);
    g_assert_null(strstr(other, "fsync"));
    g_assert_nonnull(strstr(other, "\nPARTITION BY (intDiv(id, 1000000))\nORDER BY"));
}

static void test_layout(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    spec->durable = false;
    spec->engine = g_strdup("ReplicatedReplacingMergeTree");
    spec->sorted_by = g_strdup("(id, `k\\`ey\\\\`, toDate(at))");
    spec->ttl = g_strdup("at + INTERVAL 1 DAY");
    dest_table_spec_set_codec(spec, 0, "CODEC(Delta, ZSTD(3))");
    g_autofree char *sql = dest_table_create_sql(spec);
    g_assert_nonnull(strstr(sql, "`id` Int64 CODEC(Delta, ZSTD(3)),\n"));
    g_assert_nonnull(strstr(sql, "\nENGINE = ReplicatedReplacingMergeTree(`_peerdb_version`, `_peerdb_is_deleted`)\n"
                                 "ORDER BY (id, `k\\`ey\\\\`, toDate(at))\nTTL at + INTERVAL 1 DAY\nSETTINGS "
                                 "non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000"));
    g_free(spec->engine);
    spec->engine = g_strdup("Null");
    g_autofree char *nothing = dest_table_create_sql(spec);
    g_assert_nonnull(strstr(nothing, "\nENGINE = Null\nCOMMENT"));
}

static void test_layout_texts(void)
{
    static const char *const bad[] = {"", " ", "id)", "(id", "id; DROP TABLE t", "id -- x", "id /* x", "id, größe", "f($a$x$a$)", "a[1"};
    static const char *const good[] = {"id", "(id, `größe`)", "tuple()", "f('x', \"y\")", "a[1]"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_nonnull(dest_layout_malformed(bad[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_null(dest_layout_malformed(good[i]));
    g_assert_true(dest_layout_names("toDate(at) + 1", "at"));
    g_assert_true(dest_layout_names("`a``b`", "a`b") && dest_layout_names("\"at\"", "at"));
    g_assert_false(dest_layout_names("at(x)", "at") || dest_layout_names("f('at')", "at") || dest_layout_names("AT", "at"));
    g_autoptr(GPtrArray) key = g_ptr_array_new();
    g_ptr_array_add(key, (gpointer) "id");
    g_ptr_array_add(key, (gpointer) "k");
    g_assert_true(dest_layout_begins_with("id, k", key) && dest_layout_begins_with("((`id`, k), x)", key) == false);
    g_assert_true(dest_layout_begins_with("(id,k , f(x))", key));
    g_assert_false(dest_layout_begins_with("k, id", key) || dest_layout_begins_with("id", key) || dest_layout_begins_with("id, k + 1", key) ||
                   dest_layout_begins_with("id, kk", key));
    g_assert_true(dest_layout_same("(id)", "id") && dest_layout_same("id, `k`", "(id,k)"));
    g_assert_false(dest_layout_same("id, k", "k, id") || dest_layout_same("(a), (b)", "a), (b"));
    DestEngine kind;
    g_assert_true(dest_engine_find("MergeTree", &kind) && kind == DEST_APPENDING);
    g_assert_false(dest_engine_find("SummingMergeTree", &kind) || dest_engine_find("MergeTree()", &kind));
}

static void test_cluster(void)
{
    g_autoptr(Url) url = clickhouse_url_parse("http://127.0.0.1:1/", NULL);
    g_autoptr(Clickhouse) ch = clickhouse_new(url, NULL, NULL);
    g_autoptr(DestTableSpec) spec = make_spec();
    dest_table_spec_set_cluster(spec, "");
    g_assert_null(spec->cluster);
    dest_table_spec_set_cluster(spec, "c-1");
    g_autofree char *create = dest_table_create_sql(spec);
    g_assert_true(g_str_has_prefix(create, "CREATE TABLE `shop`.`orders` ON CLUSTER `c-1`\n(\n"));
    g_assert_nonnull(strstr(create, "\nENGINE = ReplicatedReplacingMergeTree(`_peerdb_version`, `_peerdb_is_deleted`)\n"));
    for (int on = 0; on < 2; on++) {
        static const char *const added[] = {"v", NULL};
        DestView view = {.database = "d", .table = "t", .name = "t_live", .deleted_column = "x", .added = added, .mark = "m"};
        const char *where = on ? " ON CLUSTER `c-1`" : "";
        clickhouse_set_cluster(ch, on ? "c-1" : "");
        struct {
            char *is, *wanted;
        } cases[] = {
            {dest_table_exchange_sql(ch, "d", "a", "b"), g_strdup_printf("EXCHANGE TABLES `d`.`a` AND `d`.`b`%s", where)},
            {dest_table_drop_sql(ch, "d", "a"), g_strdup_printf("DROP TABLE IF EXISTS `d`.`a`%s SYNC", where)},
            {dest_table_mutate_sql(ch, "d", "a", "DELETE WHERE b = 1"), g_strdup_printf("ALTER TABLE `d`.`a`%s DELETE WHERE b = 1", where)},
            {dest_table_truncate_sql(ch, "d", "a"), g_strdup_printf("TRUNCATE TABLE `d`.`a`%s SYNC", where)},
            {dest_table_alter_sql(ch, "d", "a", "ADD COLUMN b Int8", "v", "p"),
             g_strdup_printf("ALTER TABLE `d`.`a`%s ADD COLUMN b Int8, COMMENT COLUMN `v` 'p'", where)},
            {dest_view_sql(ch, &view),
             g_strdup_printf("CREATE OR REPLACE VIEW `d`.`t_live`%s AS SELECT * EXCEPT (`v`) FROM `d`.`t` FINAL WHERE `x` = 0 COMMENT 'm'", where)},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_assert_cmpstr(cases[i].is, ==, cases[i].wanted);
            g_free(cases[i].is);
            g_free(cases[i].wanted);
        }
    }
    g_assert_cmpstr(dest_engine_on_cluster("MergeTree"), ==, "ReplicatedMergeTree");
    g_assert_cmpstr(dest_engine_on_cluster("Null"), ==, "Null");
}

static void test_bad_keys(void)
{
    g_autoptr(Url) url = clickhouse_url_parse("http://127.0.0.1:1/", NULL);
    g_autoptr(Clickhouse) ch = clickhouse_new(url, NULL, NULL);
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autoptr(GError) nullable = NULL, missing = NULL, none = NULL;
    g_ptr_array_add(spec->order_by, g_strdup("price"));
    g_assert_false(dest_table_create(ch, spec, &nullable));
    g_assert_error(nullable, SLUICE_ERROR, SLUICE_ERROR_TABLE);
    g_ptr_array_set_size(spec->order_by, 2);
    g_ptr_array_add(spec->order_by, g_strdup("gone"));
    g_assert_false(dest_table_create(ch, spec, &missing));
    g_assert_error(missing, SLUICE_ERROR, SLUICE_ERROR_TABLE);
    g_ptr_array_set_size(spec->order_by, 0);
    g_assert_false(dest_table_create(ch, spec, &none));
    g_assert_error(none, SLUICE_ERROR, SLUICE_ERROR_TABLE);
}

/* What the real server prints for the statement above. */
#define ENGINE_FULL                                                                                                    \
    "ReplacingMergeTree(_peerdb_version, _peerdb_is_deleted) ORDER BY (id, `k\\`ey\\\\`) SETTINGS "                    \
    "non_replicated_deduplication_window = 10000, fsync_after_insert = 1, index_granularity = 8192"

static DestTableInfo *make_info(const DestTableSpec *spec)
{
    DestTableInfo *info = g_new0(DestTableInfo, 1);
    info->exists = true;
    info->engine = g_strdup("ReplacingMergeTree");
    info->engine_full = g_strdup(ENGINE_FULL);
    info->sorting_key = g_strdup("id, `k\\`ey\\\\`");
    info->create_query =
        g_strdup("CREATE TABLE shop.orders (`id` Int64, `TTL` String COMMENT 'no TTL') ENGINE = " ENGINE_FULL);
    info->partition_columns = g_ptr_array_new_with_free_func(g_free);
    info->columns = g_ptr_array_ref(spec->columns);
    return info;
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static void assert_compatible(const DestTableInfo *info, const DestTableSpec *spec)
{
    g_autofree char *why = dest_table_incompatible(info, spec);
    g_assert_cmpstr(why, ==, NULL);
}

static void assert_incompatible(const DestTableInfo *info, const DestTableSpec *spec, const char *part)
{
    g_autofree char *why = dest_table_incompatible(info, spec);
    g_assert_nonnull(why);
    if (!strstr(why, part))
        g_error("\"%s\" is not in \"%s\"", part, why);
}

static void test_engines(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autoptr(DestTableInfo) info = make_info(spec);
    assert_compatible(info, spec);
    static const char *const GOOD[] = {
        "ReplacingMergeTree(`_peerdb_version`,`_peerdb_is_deleted`) ORDER BY id",
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', _peerdb_version, "
        "_peerdb_is_deleted) x",
        "SharedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', _peerdb_version, "
        "_peerdb_is_deleted)",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(GOOD); i++) {
        set_text(&info->engine_full, GOOD[i]);
        assert_compatible(info, spec);
    }
    static const char *const BAD[] = {
        "MergeTree ORDER BY id",
        "ReplacingMergeTree ORDER BY id",
        "ReplacingMergeTree(_peerdb_version) ORDER BY id",
        "ReplacingMergeTree(_peerdb_is_deleted, _peerdb_version) ORDER BY id",
        "ReplacingMergeTree(_peerdb_version, _peerdb_is_deleted, x) ORDER BY id",
        "CollapsingMergeTree(_peerdb_version, _peerdb_is_deleted) ORDER BY id",
        "Distributed('c', 'shop', 'orders', id)",
        "ReplicatedReplacingMergeTree('/a', '{replica}', _peerdb_version)",
        "",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(BAD); i++) {
        set_text(&info->engine_full, BAD[i]);
        assert_incompatible(info, spec, "its engine is not");
    }
}

static void test_keys(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autoptr(DestTableInfo) info = make_info(spec);
    static const char *const BAD[] = {"id", "`k\\`ey\\\\`, id", "id, `k\\`ey\\\\`, price", "id, lower(`k\\`ey\\\\`)",
                                      "",   "id `k\\`ey\\\\`"};
    for (size_t i = 0; i < G_N_ELEMENTS(BAD); i++) {
        set_text(&info->sorting_key, BAD[i]);
        assert_incompatible(info, spec, "its ORDER BY is");
    }
    set_text(&info->sorting_key, "`id`, `k\\`ey\\\\`");
    assert_compatible(info, spec);
    set_text(&info->sorting_key, "(id, `k\\`ey\\\\`)");
    assert_compatible(info, spec);
    set_text(&info->sorting_key, "(id, `k\\`ey\\\\`), (price)");
    assert_incompatible(info, spec, "its ORDER BY is");
    set_text(&info->sorting_key, "id, `k\\`ey\\\\`");
    g_ptr_array_add(info->partition_columns, g_strdup("id"));
    assert_compatible(info, spec);
    g_ptr_array_add(info->partition_columns, g_strdup("price"));
    assert_incompatible(info, spec, "its PARTITION BY uses price");
}

static void test_losses(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autoptr(DestTableInfo) info = make_info(spec);
    set_text(&info->create_query, "CREATE TABLE t (id Int64) ENGINE = " ENGINE_FULL " TTL at + toIntervalDay(1)");
    assert_incompatible(info, spec, "it has a TTL");
    set_text(&info->create_query, "CREATE TABLE t (id Int64) ENGINE = x SETTINGS clean_deleted_rows = 'Always'");
    assert_incompatible(info, spec, "clean_deleted_rows");
    set_text(&info->create_query, "CREATE TABLE t (id Int64) ENGINE = x SETTINGS clean_deleted_rows = 'Never'");
    assert_compatible(info, spec);
    set_text(&info->create_query,
             "x SETTINGS allow_experimental_replacing_merge_with_cleanup = 1, index_granularity = 1");
    assert_incompatible(info, spec, "allow_experimental_replacing_merge_with_cleanup");
    set_text(&info->create_query, "x SETTINGS enable_replacing_merge_with_cleanup_for_min_age_to_force_merge = false");
    assert_compatible(info, spec);
}

static void test_columns(void)
{
    g_autoptr(DestTableSpec) spec = make_spec();
    g_autoptr(DestTableSpec) there = make_spec();
    g_autoptr(DestTableInfo) info = make_info(there);
    dest_table_spec_add_column(there, "more", "String");
    assert_compatible(info, spec);
    dest_table_spec_add_column(spec, "more", "Nullable(String)");
    assert_incompatible(info, spec, "its column more is String, not Nullable(String)");
    dest_table_spec_add_column(there, "zone", "DateTime64(6, 'UTC')");
    set_text(&((DestColumn *)g_ptr_array_index(spec->columns, 6))->type, "String");
    dest_table_spec_add_column(spec, "zone", "DateTime64(6,'UTC')");
    assert_compatible(info, spec);
    dest_table_spec_add_column(spec, "new", "Int8");
    assert_incompatible(info, spec, "it has no column new");
}

static void assert_differ(const DestTableSpec *a, const DestTableSpec *b, const char *why)
{
    g_autofree char *one = dest_table_spec_difference(a, b), *other = dest_table_spec_difference(b, a);
    g_assert_cmpstr(one, ==, why);
    g_assert_true(!one == !other);
}

static void test_two_in_one(void)
{
    g_autoptr(DestTableSpec) a = make_spec();
    g_autoptr(DestTableSpec) b = make_spec();
    dest_table_spec_add_column(a, "x", "Int8");
    dest_table_spec_add_column(a, "y", "Decimal(10, 2)");
    assert_differ(a, b, "only one of them has a column x");
    dest_table_spec_add_column(b, "y", "Decimal(10,2)");
    dest_table_spec_add_column(b, "x", "Int8");
    assert_differ(a, b, NULL);
    dest_table_spec_set_codec(b, 6, "CODEC(LZ4)");
    assert_differ(a, b, "the codec of column y is not the same");
    dest_table_spec_set_codec(a, 7, "CODEC(LZ4)");
    assert_differ(a, b, NULL);
    set_text(&b->ttl, "toDate(x)");
    assert_differ(a, b, "setting ttl is not the same");
    g_ptr_array_remove_index(b->order_by, 1);
    assert_differ(a, b, "the key would be (id, k`ey\\) of one, (id) of the other");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dest-table/create-sql", test_create_sql);
    g_test_add_func("/dest-table/layout", test_layout);
    g_test_add_func("/dest-table/layout-texts", test_layout_texts);
    g_test_add_func("/dest-table/cluster", test_cluster);
    g_test_add_func("/dest-table/bad-keys", test_bad_keys);
    g_test_add_func("/dest-table/engines", test_engines);
    g_test_add_func("/dest-table/keys", test_keys);
    g_test_add_func("/dest-table/losses", test_losses);
    g_test_add_func("/dest-table/columns", test_columns);
    g_test_add_func("/dest-table/two-in-one", test_two_in_one);
    return g_test_run();
}
