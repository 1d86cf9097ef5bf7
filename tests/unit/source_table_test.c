/* Definitions: labels, keys, what is stable in SHOW CREATE TABLE, and their round trip through JSON. */
#include "mysql/preflight_private.h"
#include "mysql/table_private.h"
#include "mysql/versioning.h"

#include <string.h>

static void assert_labels(const char *type_text, const char *const *expected)
{
    g_auto(GStrv) labels = table_parse_labels(type_text);

    g_assert_nonnull(labels);
    g_assert_cmpstrv(labels, expected);
}

/* Texts as MariaDB 10.11 printed them. */
static void test_labels(void)
{
    assert_labels("enum('a''b','c\\\\d','x\"y','?','',' sp')",
                  (const char *const[]){"a'b", "c\\d", "x\"y", "?", "", " sp", NULL});
    assert_labels("set('a','b''c','\xc3\xbc')", (const char *const[]){"a", "b'c", "\xc3\xbc", NULL});
    assert_labels("enum('a\\nb','tab\t','q''','cr\\r','z\x1ax','%\\\\_')",
                  (const char *const[]){"a\nb", "tab\t", "q'", "cr\r", "z\x1ax", "%\\_", NULL});
    assert_labels("enum('),(',''',''')", (const char *const[]){"),(", "','", NULL});
    assert_labels("enum('n')", (const char *const[]){"n", NULL});
    g_assert_null(table_parse_labels("enum('nul\\0x')"));
    g_assert_null(table_parse_labels("enum('open"));
    g_assert_null(table_parse_labels("enum('a',)x"));
    g_assert_null(table_parse_labels("enum()"));
    g_assert_null(table_parse_labels("int(11)"));
    g_assert_null(table_parse_labels("enum('a\\"));
}

static void test_create_is_stable(void)
{
    g_autofree char *a =
        table_normalise_create("CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
                               "  `n` char(9) DEFAULT ' AUTO_INCREMENT=5' COMMENT ') AUTO_INCREMENT=6'\n"
                               ") ENGINE=InnoDB AUTO_INCREMENT=1234 DEFAULT CHARSET=utf8mb4");
    g_assert_cmpstr(a, ==,
                    "CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
                    "  `n` char(9) DEFAULT ' AUTO_INCREMENT=5' COMMENT ') AUTO_INCREMENT=6'\n"
                    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
}

/* Partitions of history come by themselves. */
static void test_create_is_stable_with_history(void)
{
    static const char begin[] = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL COMMENT ' PARTITION BY SYSTEM_TIME'\n) "
                                "ENGINE=InnoDB WITH SYSTEM VERSIONING";
    static const char *const ends[][2] = {
        {"\n PARTITION BY SYSTEM_TIME INTERVAL 1 HOUR STARTS TIMESTAMP'2026-11-26 14:00:00' AUTO\nPARTITIONS 7",
         "`pn`"},
        {"\n PARTITION BY SYSTEM_TIME LIMIT 2\n(PARTITION `p0` HISTORY ENGINE = InnoDB,\n PARTITION `n``ow` CURRENT "
         "ENGINE = InnoDB)",
         "`n``ow`"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *create = g_strconcat(begin, ends[i][0], NULL), *got = table_normalise_create(create);
        g_autofree char *expected =
            g_strdup_printf("%s\n PARTITION BY SYSTEM_TIME (PARTITION %s CURRENT)", begin, ends[i][1]);
        g_autofree char *again = table_normalise_create(got);
        g_assert_cmpstr(got, ==, expected);
        g_assert_cmpstr(again, ==, expected);
    }
}

static SourceTable *with_columns(const char *names, SourceType type, const char *create_sql)
{
    g_auto(GStrv) parts = g_strsplit(names, " ", -1);
    SourceTable *table = source_table_new();

    table->database = g_strdup("shop");
    table->name = g_strdup("t");
    table->engine = g_strdup("InnoDB");
    table->create_sql = table_normalise_create(create_sql);
    table->n_columns = g_strv_length(parts);
    table->columns = g_new0(SourceColumn, table->n_columns);
    for (unsigned i = 0; i < table->n_columns; i++) {
        table->columns[i].name = g_strdup(parts[i]);
        table->columns[i].type_text = g_strdup("");
        table->columns[i].type = type;
        table->columns[i].generated = true;
    }
    return table;
}

/* As the catalog gives it back. */
static char *versioning_text(const SourceTable *table)
{
    json_t *json = source_table_to_json(table);
    g_autoptr(SourceTable) again = source_table_from_json(json, NULL);

    json_decref(json);
    g_assert_nonnull(again);
    const Versioning *versioning = &again->versioning;
    return versioning->on ? g_strdup_printf("%d %d %s", versioning->row_start, versioning->row_end,
                                            versioning->current_partition != NULL ? versioning->current_partition : "-")
                          : g_strdup("off");
}

static void test_versioning(void)
{
    static const char *const cases[][3] = {
        {"id",
         "CREATE TABLE `t` (\n  `id` int(11) COMMENT 'WITH SYSTEM VERSIONING'\n) ENGINE=InnoDB COMMENT='WITH SYSTEM "
         "VERSIONING'",
         "off"},
        {"id v",
         "CREATE TABLE `t` (\n  `id` int(11) NOT NULL,\n  `v` int(11) WITHOUT SYSTEM VERSIONING,\n  PRIMARY KEY "
         "(`id`)\n) ENGINE=InnoDB",
         "off"},
        {"id", "CREATE TABLE `t` (\n  `id` int(11)\n) ENGINE=InnoDB COMMENT='x' WITH SYSTEM VERSIONING", "-1 -1 -"},
        {"id",
         "CREATE TABLE `t` (\n  `id` int(11)\n) WITH SYSTEM VERSIONING\n PARTITION BY SYSTEM_TIME LIMIT 2\n(PARTITION "
         "`p0` HISTORY ENGINE = InnoDB,\n"
         " PARTITION `now` CURRENT ENGINE = InnoDB)",
         "-1 -1 now"},
        {"b id a",
         "CREATE TABLE `t` (\n  `b` timestamp(6) GENERATED ALWAYS AS ROW END,\n  `id` int(11),\n  `a` timestamp(6) "
         "GENERATED ALWAYS AS ROW START "
         "INVISIBLE,\n  PRIMARY KEY (`id`,`b`),\n  PERIOD FOR SYSTEM_TIME (`a`, `b`),\n  PERIOD FOR `p` (`x`, `y`)\n) "
         "WITH SYSTEM VERSIONING\n"
         " PARTITION BY HASH (`id`)\nPARTITIONS 2",
         "2 0 -"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = with_columns(cases[i][0], SOURCE_TYPE_TIMESTAMP, cases[i][1]);
        GError *error = NULL;

        versioning_read(table, &error);
        g_assert_no_error(error);
        g_autofree char *text = versioning_text(table);
        g_assert_cmpstr(text, ==, cases[i][2]);
        for (int c = 0; c < (int)table->n_columns; c++)
            g_assert_cmpint(table->columns[c].generated, ==, !(i == 4 && c != 1));
    }
}

static void test_versioning_refused(void)
{
    static const char create[] = "CREATE TABLE `t` (\n  PERIOD FOR SYSTEM_TIME (`a`, `b`)\n) WITH SYSTEM VERSIONING";
    g_autoptr(SourceTable) hidden = with_columns("id a", SOURCE_TYPE_TIMESTAMP, create);
    g_autoptr(SourceTable) by_transactions = with_columns("a b", SOURCE_TYPE_BIGINT, create);
    g_autoptr(GError) error = NULL;

    g_assert_false(versioning_read(hidden, &error));
    g_assert_nonnull(strstr(error->message, "GRANT SELECT"));
    g_clear_error(&error);
    g_assert_false(versioning_read(by_transactions, &error));
    g_assert_nonnull(strstr(error->message, "kept by transactions"));
}

static void assert_keys(const char *create_sql, const char *expected)
{
    g_autoptr(GPtrArray) keys = table_parse_unique_keys(create_sql);
    g_autofree char *joined = NULL;

    g_ptr_array_add(keys, NULL);
    joined = g_strjoinv("|", (char **)keys->pdata);
    g_assert_cmpstr(joined, ==, expected);
}

static void test_unique_keys(void)
{
    assert_keys("CREATE TABLE `wo` (\n  `id` int(11) NOT NULL,\n  `s` date NOT NULL,\n  PERIOD FOR `p` (`s`, `e`),\n"
                "  UNIQUE KEY `w` (`id`,`p` WITHOUT OVERLAPS),\n  UNIQUE KEY `ok` (`id`,`s`)\n) ENGINE=InnoDB",
                "ok");
    assert_keys("CREATE TABLE `t` (\n  `a` int,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `we``ird,(` (`b`(10)),\n  KEY `x` "
                "(`c`),\n  UNIQUE KEY `z` (`c`) USING HASH\n)",
                "PRIMARY|we`ird,(|z");
    assert_keys(
        "CREATE TABLE `w2` (\n  `s` date COMMENT 'UNIQUE KEY `no` (',\n  PRIMARY KEY (`id`,`p` WITHOUT OVERLAPS)\n)",
        "");
    assert_keys("CREATE TABLE `t` (\n  `WITHOUT OVERLAPS` int DEFAULT 1,\n  PRIMARY KEY (`WITHOUT OVERLAPS`)\n)\n"
                " PARTITION BY HASH (`a`)",
                "PRIMARY");
}

static void assert_cascades(const char *sql, const char *expected)
{
    g_autoptr(GPtrArray) parsed = cascades_parse(sql, 0, "shop");
    json_t *json = cascades_to_json(parsed);
    g_autoptr(GPtrArray) cascades = cascades_from_json(json); /* as the catalog keeps them */
    g_autoptr(GString) text = g_string_new(NULL);

    json_decref(json);
    for (unsigned i = 0; i < cascades->len; i++) {
        const Cascade *cascade = cascades->pdata[i];
        g_autofree char *columns = g_strjoinv("+", cascade->columns);
        g_string_append_printf(text, "%s%s: %s.%s(%s)%s%s", i ? "; " : "", cascade->name ? cascade->name : "-", cascade->database,
                               cascade->table, columns, cascade->on_delete ? " delete" : "", cascade->on_update ? " update" : "");
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void test_cascades(void)
{
    assert_cascades("CREATE TABLE `c` (\n  `p` int COMMENT 'REFERENCES x (y) ON DELETE CASCADE',\n  KEY `k` (`p`),\n  CONSTRAINT `c_1` FOREIGN KEY (`p`) "
                    "REFERENCES `p` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION,\n  CONSTRAINT `c_2` FOREIGN KEY (`p`, `q`) REFERENCES `d``b`.`q` "
                    "(`a`, `b`) ON DELETE SET NULL ON UPDATE CASCADE,\n  CONSTRAINT `c_3` FOREIGN KEY (`p`) REFERENCES `r` (`id`)\n) ENGINE=InnoDB",
                    "c_1: shop.p(id) delete; c_2: d`b.q(a+b) delete update");
    assert_cascades("ALTER TABLE c ADD x INT, ADD CONSTRAINT FOREIGN KEY (x) REFERENCES other.p(id) MATCH FULL ON UPDATE SET /* */ DEFAULT, ADD y INT "
                    "REFERENCES p (id) ON DELETE RESTRICT ON UPDATE cascade",
                    "-: other.p(id) update; -: shop.p(id) update");
    assert_cascades("ALTER TABLE c ADD CHECK (a REFERENCES), ADD FOREIGN KEY (a) REFERENCES", "");
    assert_cascades("ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p ON DELETE CASCADE", "-: shop.p() delete");
}

static const char *const table_text =
    "{\"database\":\"shop\",\"name\":\"o`r'd\",\"engine\":\"InnoDB\",\"columns\":["
    "{\"name\":\"id\",\"type\":\"bigint\",\"type_text\":\"bigint(20) unsigned\",\"unsigned\":true,\"nullable\":false,"
    "\"generated\":false,\"invisible\":true,\"compressed\":false,\"precision\":20,\"scale\":0,\"charset\":null,"
    "\"collation\":null},"
    "{\"name\":\"e\",\"type\":\"enum\",\"type_text\":\"enum('a','\\u00fc')\",\"unsigned\":false,\"nullable\":true,"
    "\"generated\":false,\"invisible\":false,\"compressed\":true,\"precision\":1,\"scale\":0,\"charset\":\"latin1\","
    "\"collation\":\"latin1_bin\",\"labels\":[\"a\",\"\\u00fc\"]}],"
    "\"key\":[1,0],\"key_name\":\"PRIMARY\",\"create_sql\":\"CREATE\"}";

static void test_json(void)
{
    json_t *json = json_loads(table_text, 0, NULL), *again;
    g_autoptr(GError) error = NULL;
    g_autoptr(SourceTable) table = source_table_from_json(json, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(table->name, ==, "o`r'd");
    g_assert_cmpuint(table->n_columns, ==, 2);
    g_assert_cmpint(table->columns[0].type, ==, SOURCE_TYPE_BIGINT);
    g_assert_true(table->columns[0].is_unsigned);
    g_assert_true(table->columns[0].invisible);
    g_assert_true(table->columns[1].compressed);
    g_assert_cmpstr(table->columns[1].labels[1], ==, "\xc3\xbc");
    g_assert_cmpstr(table->columns[1].collation, ==, "latin1_bin");
    g_assert_cmpuint(table->n_key, ==, 2);
    g_assert_cmpuint(table->key[0], ==, 1);
    g_assert_true(source_table_column_in_key(table, 0));
    g_assert_cmpint(source_table_find_column(table, "ID"), ==, 0);
    g_assert_cmpint(source_table_find_column(table, "nope"), ==, -1);
    again = source_table_to_json(table);
    g_assert_true(json_equal(json, again));
    json_decref(again);
    json_decref(json);
}

/* Whatever single member is damaged, reading says so and does not crash. */
static void test_json_damaged(void)
{
    static const char *const damages[] = {"{\"columns\":[]}",
                                          "{\"key\":[2]}",
                                          "{\"key\":[-1]}",
                                          "{\"key\":[\"a\"]}",
                                          "{\"name\":3}",
                                          "{\"key\":null}",
                                          "{\"columns\":[{}]}",
                                          "{\"create_sql\":null}",
                                          "{\"key\":[0,1,0]}",
                                          "{\"key_name\":3}",
                                          "{\"engine\":[]}",
                                          "{\"columns\":\"none\"}",
                                          "{\"versioning\":{}}",
                                          "{\"versioning\":{\"row_start\":0,\"row_end\":2}}",
                                          "{\"versioning\":{\"row_start\":-1,\"row_end\":1}}"};

    for (unsigned i = 0; i < G_N_ELEMENTS(damages); i++) {
        json_t *json = json_loads(table_text, 0, NULL), *damage = json_loads(damages[i], 0, NULL);
        g_autoptr(GError) error = NULL;
        SourceTable *table;

        g_assert_nonnull(damage);
        json_object_update(json, damage);
        table = source_table_from_json(json, &error);
        g_assert_null(table);
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
        json_decref(damage);
        json_decref(json);
    }
}

static void test_grants(void)
{
    static const char both[] = "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `r`@`h` IDENTIFIED BY PASSWORD '*D8'";

    g_assert_true(grant_is_global(both, "REPLICATION SLAVE"));
    g_assert_true(grant_is_global(both, "BINLOG MONITOR"));
    g_assert_false(grant_is_global(both, "REPLICATION"));
    g_assert_false(grant_is_global(both, "SELECT"));
    g_assert_true(grant_is_global("GRANT ALL PRIVILEGES ON *.* TO `r`@`h` WITH GRANT OPTION", "ALL PRIVILEGES"));
    g_assert_false(grant_is_global("GRANT ALL PRIVILEGES ON `shop`.* TO `r`@`h`", "ALL PRIVILEGES"));
    g_assert_false(grant_is_global("GRANT `REPLICATION SLAVE` TO `r`@`h`", "REPLICATION SLAVE"));
    g_assert_false(grant_is_global("GRANT SELECT ON `a ON *.* TO `.* TO `r`@`h`", "SELECT"));
    g_assert_false(grant_is_global("SET DEFAULT ROLE `x` FOR `r`@`h`", "SELECT"));
    g_assert_false(grant_is_global("", "SELECT"));
}

static void test_filters(void)
{
    g_assert_true(filter_names("a,shop,b", "shop"));
    g_assert_false(filter_names("a,shopping,b", "shop"));
    g_assert_false(filter_names("", "shop"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/table/labels", test_labels);
    g_test_add_func("/table/create-is-stable", test_create_is_stable);
    g_test_add_func("/table/create-is-stable-with-history", test_create_is_stable_with_history);
    g_test_add_func("/table/versioning", test_versioning);
    g_test_add_func("/table/versioning-refused", test_versioning_refused);
    g_test_add_func("/table/unique-keys", test_unique_keys);
    g_test_add_func("/table/cascades", test_cascades);
    g_test_add_func("/table/json", test_json);
    g_test_add_func("/table/json-damaged", test_json_damaged);
    g_test_add_func("/preflight/grants", test_grants);
    g_test_add_func("/preflight/filters", test_filters);
    return g_test_run();
}
