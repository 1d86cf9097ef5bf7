/* Statements on a definition: what it is behind them, and what the destination has to do. Servers are asked in
 * e2e/test_definitions.py and e2e/test_schema.py; here is what they cannot be made to say, and every plan. */
#include "mapping/schema_change.h"

#include <string.h>

static const char shown[] =
    "CREATE TABLE `t` (\n  `id` int(11) NOT NULL,\n  `a` int(11) DEFAULT 5,\n  `b` varchar(20) NOT NULL,\n  `e` "
    "enum('x','y') DEFAULT NULL,\n"
    "  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='CHARSET=x'";

static SourceTable *definition(void)
{
    ColumnContext context = {.flavour = SOURCE_MARIADB, .explicit_timestamp = true};
    static const char *const names[] = {"id", "a", "b", "e"};
    SourceTable *table = source_table_new();
    table->database = g_strdup("d");
    table->name = g_strdup("t");
    table->engine = g_strdup("InnoDB");
    table->create_sql = g_strdup(shown);
    table->n_columns = G_N_ELEMENTS(names);
    table->columns = g_new0(SourceColumn, table->n_columns);
    for (unsigned i = 0; i < table->n_columns; i++) {
        g_autoptr(ColumnText) text = alter_text_shown_column(shown, names[i], &context);
        g_assert_nonnull(text);
        column_text_settle(text, &context, "latin1", "latin1_swedish_ci");
        source_column_copy(&table->columns[i], &text->column, false);
    }
    table->n_key = 1;
    table->key = g_new0(unsigned, 1);
    table->key_name = g_strdup("PRIMARY");
    return table;
}

typedef struct {
    AlterText *alter;
    TableChange *change;
    char *why;
} Applied;

static Applied apply(const SourceTable *table, const char *sql)
{
    ColumnContext context = {.flavour = SOURCE_MARIADB, .explicit_timestamp = true};
    Applied applied = {0};
    applied.alter = alter_text_parse(sql, strlen(sql), &context, &applied.why);
    if (applied.alter)
        applied.change = table_alter(table, applied.alter, &context, &applied.why);
    return applied;
}

static void applied_clear(Applied *applied)
{
    table_change_free(applied->change);
    alter_text_free(applied->alter);
    g_free(applied->why);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Applied, applied_clear)

/* "id int(11)!, a int(11), ...": ! is NOT NULL. Else why not. */
static char *columns_text(const Applied *applied)
{
    if (!applied->change)
        return g_strconcat("refused: ", applied->why, NULL);
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < applied->change->table->n_columns; i++) {
        const SourceColumn *column = &applied->change->table->columns[i];
        g_string_append_printf(out, "%s%s %s%s", i ? ", " : "", column->name, column->type_text,
                               column->nullable ? "" : "!");
    }
    if (applied->change->key_why)
        g_string_append_printf(out, "; key: %s", applied->change->key_why);
    return g_string_free(out, FALSE);
}

static void test_definitions(void)
{
    static const char *const cases[][2] = {
        {"ALTER TABLE t ADD x INT FIRST, DROP b", "x int(11), id int(11)!, a int(11), e enum('x','y')"},
        {"alter table d.t modify column a bigint unsigned not null after e, add (y bool, z text(70000))",
         "id int(11)!, b varchar(20)!, e enum('x','y'), a bigint(20) unsigned!, y tinyint(1), z mediumtext"},
        {"ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a",
         "id int(11)!, b int(11), a varchar(20)!, e enum('x','y')"},
        {"ALTER TABLE t ADD COLUMN IF NOT EXISTS a TEXT, DROP COLUMN IF EXISTS nothing",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','y')"},
        {"ALTER TABLE t ADD s SERIAL, ADD v CHARACTER VARYING(9) CHARACTER SET binary, ADD n NATIONAL CHAR(3), DROP a, "
         "DROP b, DROP e",
         "id int(11)!, s bigint(20) unsigned!, v varbinary(9), n char(3)"},
        {"ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4, ADD x LONGTEXT",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','y'), x longtext"},
        {"ALTER TABLE t DROP PRIMARY KEY",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','y'); key: its key PRIMARY was dropped"},
        {"ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id)",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','y')"},
        {"ALTER TABLE t DROP COLUMN id",
         "a int(11), b varchar(20)!, e enum('x','y'); key: column id of its key was dropped"},
        {"ALTER TABLE t MODIFY e ENUM('x','ü','zwei  ') CHARACTER SET utf8mb4",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','ü','zwei')"},
        {"ALTER TABLE t MODIFY e ENUM('x','ж')", "refused: its character set cannot write a label of column e"},
        {"ALTER TABLE t ADD x HYPERINT", "refused: the definition of column x is not understood at \"HYPERINT\""},
        {"ALTER TABLE t ADD x INT WITHOUT SYSTEM VERSIONING PARTITION BY HASH (id) PARTITIONS 2",
         "id int(11)!, a int(11), b varchar(20)!, e enum('x','y'), x int(11)"},
        {"ALTER TABLE t ADD PERIOD FOR p (a, b)", "refused: it is not understood before \"\""},
        {"ALTER TABLE t ENGINE=BLACKHOLE", "refused: it is not understood before \"\""},
        {"ALTER TABLE t DROP nothing", "refused: the recorded definition has no column nothing"},
        {"ALTER TABLE t ADD x INT,, ADD y INT", "refused: it is not understood before \"\""},
        {"CREATE UNIQUE INDEX i ON t (a)", "id int(11)!, a int(11), b varchar(20)!, e enum('x','y')"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = definition();
        g_auto(Applied) applied = apply(table, cases[i][0]);
        g_autofree char *got = columns_text(&applied);
        if (!g_str_has_prefix(got, cases[i][1]))
            g_test_message("%s", cases[i][0]);
        if (g_str_has_prefix(cases[i][1], "refused: it is not understood"))
            g_assert_true(g_str_has_prefix(got, "refused: it is not understood"));
        else
            g_assert_cmpstr(got, ==, cases[i][1]);
    }
}

/* Steps joined with " | ", then what is advised or why it fails. `other`: of the same destination table, NULL: it has
 * its own. */
static char *plan_beside(const SourceTable *table, const Applied *applied, bool strict, bool both,
                         const SourceTable *other)
{
    static const char *const there[] = {"id", "a", "b", "e", "k", "mine", "_peerdb_version"};
    MappingSettings settings = {.column_prefix = "_peerdb_"};
    StatementTime time = {
        .usec = 1700000000123456, .timestamp_max = INT32_MAX, .zone_known = true, .zone_usec = 3600 * (int64_t)1000000};
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(there); i++)
        g_ptr_array_add(names, (gpointer)there[i]);
    SharedTable shared = {.table = other, .settings = settings};
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    if (other)
        g_ptr_array_add(others, &shared);
    SchemaChangeRequest request = {.old = table,
                                   .change = applied->change,
                                   .settings = &settings,
                                   .strict = strict,
                                   .keep_old_names = both,
                                   .time = &time,
                                   .there = names,
                                   .others = others};
    g_autoptr(SchemaChange) plan = schema_change_plan(&request);
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < plan->steps->len && !plan->fail; i++)
        g_string_append_printf(out, "%s%s", i ? " | " : "", (const char *)plan->steps->pdata[i]);
    if (plan->fail)
        g_string_append_printf(out, "FAIL %s", plan->fail);
    if (plan->advise)
        g_string_append_printf(out, " ADVISE %s", plan->advise);
    if (plan->only_columns)
        g_string_append(out, " +");
    return g_string_free(out, FALSE);
}

static char *plan_text(const SourceTable *table, const Applied *applied, bool strict, bool both)
{
    return plan_beside(table, applied, strict, both, NULL);
}

static void test_plans(void)
{
    static const char *const cases[][2] = {
        {"ALTER TABLE t ADD x INT DEFAULT 3", "ADD COLUMN `x` Nullable(Int32) DEFAULT 3 +"},
        {"ALTER TABLE t ADD x INT", "ADD COLUMN `x` Nullable(Int32) +"},
        {"ALTER TABLE t ADD x INT NOT NULL FIRST", "ADD COLUMN `x` Int32 DEFAULT 0 +"},
        {"ALTER TABLE t ADD x ENUM('one','two') NOT NULL", "ADD COLUMN `x` LowCardinality(String) DEFAULT 'one' +"},
        {"ALTER TABLE t ADD x DATETIME(3) DEFAULT NOW(3)", "ADD COLUMN `x` Nullable(DateTime64(6, 'UTC')) DEFAULT "
                                                           "toDateTime64('2023-11-14 23:13:20.123000', 6, 'UTC') +"},
        {"ALTER TABLE t ADD x TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
         "ADD COLUMN `x` DateTime64(6, 'UTC') DEFAULT toDateTime64('2023-11-14 22:13:20.000000', 6, 'UTC') +"},
        {"ALTER TABLE t ADD x CHAR(36) DEFAULT (UUID())",
         "ADD COLUMN `x` Nullable(String) ADVISE what rows that are there have in the new column x is not known +"},
        {"ALTER TABLE t ADD x INT AS (a + 1)",
         "ADD COLUMN `x` Nullable(Int32) ADVISE what rows that are there have in the new column x is not known +"},
        {"ALTER TABLE t ADD k INT", "RENAME COLUMN `k` TO `k__dropped_1`, ADD COLUMN `k` Nullable(Int32)"},
        {"ALTER TABLE t ADD mine INT",
         " ADVISE the destination had a column mine already, which takes the place of the new one +"},
        {"ALTER TABLE t DROP a", " +"},
        {"ALTER TABLE t DROP a, ADD a DATE", "RENAME COLUMN `a` TO `a__dropped_1`, ADD COLUMN `a` Nullable(Date32)"},
        {"ALTER TABLE t RENAME COLUMN a TO n", "RENAME COLUMN `a` TO `n`"},
        {"ALTER TABLE t DROP b, RENAME COLUMN a TO b", "RENAME COLUMN `b` TO `b__dropped_1`, RENAME COLUMN `a` TO `b`"},
        {"ALTER TABLE t RENAME COLUMN a TO mine",
         "FAIL the destination has a column mine already, which a column of the source is called now"},
        {"ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO a",
         "RENAME COLUMN `a` TO `b__renamed`, RENAME COLUMN `b` TO `a` | RENAME COLUMN `b__renamed` TO `b`"},
        {"ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO e, RENAME COLUMN e TO n",
         "RENAME COLUMN `e` TO `n`, RENAME COLUMN `b` TO `e`, RENAME COLUMN `a` TO `b`"},
        {"ALTER TABLE t CHANGE a n BIGINT", "RENAME COLUMN `a` TO `n` | MODIFY COLUMN `n` Nullable(Int64)"},
        {"ALTER TABLE t MODIFY a INT NOT NULL", ""},
        {"ALTER TABLE t MODIFY b VARCHAR(50)", "MODIFY COLUMN `b` Nullable(String)"},
        {"ALTER TABLE t MODIFY b VARCHAR(50) NOT NULL CHARACTER SET utf8mb4", ""},
        {"ALTER TABLE t MODIFY b VARCHAR(5) NOT NULL",
         " ADVISE rows that are there may have other values in column b now, which was varchar(20) and is varchar(5)"},
        {"ALTER TABLE t MODIFY b CHAR(20) NOT NULL",
         " ADVISE rows that are there may have other values in column b now, which was varchar(20) and is char(20)"},
        {"ALTER TABLE t MODIFY b VARBINARY(20) NOT NULL",
         "FAIL column b was varchar(20) and is varbinary(20) now, which the destination cannot change in place"},
        {"ALTER TABLE t MODIFY a SMALLINT",
         "FAIL column a was int(11) and is smallint(6) now, which the destination cannot change in place"},
        {"ALTER TABLE t MODIFY a MEDIUMINT", ""},
        {"ALTER TABLE t MODIFY e ENUM('x','y','z')", ""},
        {"ALTER TABLE t MODIFY e ENUM('y','x')", ""},
        {"ALTER TABLE t MODIFY e ENUM('x')", ""},
        {"ALTER TABLE t MODIFY e ENUM('X','y')", " ADVISE rows that are there may have other values in column e now, "
                                                 "which was enum('x','y') and is enum('X','y')"},
        {"ALTER TABLE t MODIFY id INT UNSIGNED NOT NULL",
         "FAIL column id of its key was int(11) and is int(10) unsigned now"},
        {"ALTER TABLE t CHANGE id ident INT NOT NULL", "FAIL column id of its key is called ident now"},
        {"ALTER TABLE t ADD UNIQUE (a)", " +"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = definition();
        table->kept = g_strsplit("k", ",", -1);
        g_auto(Applied) applied = apply(table, cases[i][0]);
        g_assert_cmpstr(applied.why, ==, NULL);
        g_autofree char *got = plan_text(table, &applied, true, false);
        if (strcmp(got, cases[i][1]) != 0)
            g_test_message("%s", cases[i][0]);
        g_assert_cmpstr(got, ==, cases[i][1]);
    }
}

/* "row_start row_end partition/", then the plan. */
static char *history_text(const SourceTable *table, const char *sql)
{
    g_auto(Applied) applied = apply(table, sql);
    if (!applied.change)
        return g_strconcat("refused: ", applied.why, NULL);
    const Versioning *versioning = &applied.change->table->versioning;
    g_autofree char *plan = plan_text(table, &applied, true, false);
    g_autofree char *is = versioning->on
                              ? g_strdup_printf("%d %d %s", versioning->row_start, versioning->row_end,
                                                versioning->current_partition ? versioning->current_partition : "-")
                              : g_strdup("off");
    return g_strdup_printf("%s/%s%s%s", is, plan, applied.change->rows ? " ROWS " : "",
                           applied.change->rows ? applied.change->rows : "");
}

static void test_history(void)
{
    enum { PLAIN, HIDDEN, SHOWN }; /* SHOWN: column a is ROW START, b is ROW END */
    static const struct {
        int of;
        const char *partition, *sql, *expected;
    } cases[] = {
        {PLAIN, NULL, "ALTER TABLE t ADD SYSTEM VERSIONING", "-1 -1 -/ +"},
        {PLAIN, NULL, "ALTER TABLE t WITH SYSTEM VERSIONING", "-1 -1 -/ +"},
        {PLAIN, NULL,
         "ALTER TABLE t ADD SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 2 (PARTITION p0 HISTORY, PARTITION now "
         "CURRENT)",
         "-1 -1 now/ +"},
        {PLAIN, NULL,
         "ALTER TABLE t ADD s TIMESTAMP(6) GENERATED ALWAYS AS ROW START FIRST, ADD f TIMESTAMP(6) AS ROW END "
         "INVISIBLE, ADD PERIOD FOR SYSTEM_TIME(s, f), "
         "ADD SYSTEM VERSIONING",
         "0 5 -/ADD COLUMN `s` DateTime64(6, 'UTC') DEFAULT toDateTime64('2023-11-14 22:13:20.123456', 6, 'UTC'), ADD "
         "COLUMN `f` DateTime64(6, 'UTC') DEFAULT "
         "toDateTime64('2038-01-19 03:14:07.999999', 6, 'UTC') +"},
        {PLAIN, NULL,
         "ALTER TABLE t ADD (s BIGINT UNSIGNED AS ROW START, f BIGINT UNSIGNED AS ROW END, PERIOD FOR SYSTEM_TIME(s, "
         "f)), ADD SYSTEM VERSIONING",
         "refused: its history is kept by transactions"},
        {PLAIN, NULL, "ALTER TABLE t DROP PARTITION p0", "off/ ROWS DROP PARTITION"},
        {HIDDEN, NULL, "ALTER TABLE t ADD x INT AFTER id", "-1 -1 -/ADD COLUMN `x` Nullable(Int32) +"},
        {HIDDEN, NULL, "ALTER TABLE t ADD SYSTEM VERSIONING, DROP e", "-1 -1 -/ +"},
        {HIDDEN, NULL, "ALTER TABLE t DROP SYSTEM VERSIONING", "off/ +"},
        {HIDDEN, NULL, "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id)", "-1 -1 -/ +"},
        {HIDDEN, NULL, "ALTER TABLE t DROP PARTITION p0", "-1 -1 -/ ROWS DROP PARTITION"},
        {HIDDEN, "pn", "ALTER TABLE t DROP PARTITION IF EXISTS p0, p1", "-1 -1 pn/ +"},
        {HIDDEN, "pn", "ALTER TABLE t TRUNCATE PARTITION p0", "-1 -1 pn/ +"},
        {HIDDEN, "pn", "ALTER TABLE t TRUNCATE PARTITION p0, PN", "-1 -1 pn/ ROWS TRUNCATE PARTITION"},
        {HIDDEN, "pn", "ALTER TABLE t TRUNCATE PARTITION ALL", "-1 -1 pn/ ROWS TRUNCATE PARTITION"},
        {HIDDEN, "pn", "ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE u", "-1 -1 pn/ +"},
        {HIDDEN, "pn", "ALTER TABLE t EXCHANGE PARTITION pn WITH TABLE u", "-1 -1 pn/ ROWS EXCHANGE PARTITION"},
        {HIDDEN, "pn", "ALTER TABLE t CONVERT PARTITION p0 TO TABLE u", "-1 -1 pn/ +"},
        {HIDDEN, "pn", "ALTER TABLE t CONVERT TABLE u TO PARTITION p0 HISTORY", "-1 -1 pn/ ROWS CONVERT TABLE"},
        {HIDDEN, "pn", "ALTER TABLE t ADD PARTITION (PARTITION p9 HISTORY)", "-1 -1 pn/ +"},
        {HIDDEN, "pn", "ALTER TABLE t REMOVE PARTITIONING", "-1 -1 -/ +"},
        {HIDDEN, NULL, "ALTER TABLE t PARTITION BY SYSTEM_TIME LIMIT 2 PARTITIONS 3", "-1 -1 pn/ +"},
        {HIDDEN, "now", "ALTER TABLE t PARTITION BY SYSTEM_TIME LIMIT 2", "-1 -1 now/ +"},
        {HIDDEN, "now", "ALTER TABLE t PARTITION BY SYSTEM_TIME LIMIT 2 PARTITIONS 3", "-1 -1 -/ +"},
        {HIDDEN, "pn", "ALTER TABLE t ADD INDEX (a) PARTITION BY HASH (id)", "-1 -1 -/ +"},
        {HIDDEN, "pn", "ALTER TABLE t ADD x INT REMOVE PARTITIONING", "-1 -1 -/ADD COLUMN `x` Nullable(Int32) +"},
        {SHOWN, NULL, "ALTER TABLE t ADD x INT FIRST", "2 3 -/ADD COLUMN `x` Nullable(Int32) +"},
        {SHOWN, NULL, "ALTER TABLE t RENAME COLUMN b TO f", "1 2 -/RENAME COLUMN `b` TO `f`"},
        {SHOWN, NULL, "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, b)", "1 2 -/ +"},
        {SHOWN, NULL, "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id)", "1 2 -/ +"},
        {SHOWN, NULL, "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, e)",
         "1 2 -/FAIL its key PRIMARY was dropped"},
        {SHOWN, NULL, "ALTER TABLE t DROP COLUMN a, DROP COLUMN b, DROP PERIOD FOR SYSTEM_TIME, DROP SYSTEM VERSIONING",
         "off/ +"},
        {SHOWN, NULL, "ALTER TABLE t DROP COLUMN a", "refused: one of ROW START and ROW END is missing, of t"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = definition();
        table->versioning = (Versioning){.on = cases[i].of != PLAIN,
                                         .row_start = cases[i].of == SHOWN ? 1 : -1,
                                         .row_end = cases[i].of == SHOWN ? 2 : -1,
                                         .current_partition = g_strdup(cases[i].partition)};
        for (int c = 1; cases[i].of == SHOWN && c <= 2; c++) {
            table->columns[c].type = SOURCE_TYPE_TIMESTAMP;
            table->columns[c].nullable = false;
        }
        g_autofree char *got = history_text(table, cases[i].sql);
        if (!g_str_has_prefix(got, cases[i].expected))
            g_test_message("%s", cases[i].sql);
        if (g_str_has_prefix(cases[i].expected, "refused: "))
            g_assert_true(g_str_has_prefix(got, cases[i].expected));
        else
            g_assert_cmpstr(got, ==, cases[i].expected);
    }
}

static void test_without_strict_mode(void)
{
    static const char *const cases[] = {"ALTER TABLE t MODIFY a INT NOT NULL", "ALTER TABLE t MODIFY a MEDIUMINT",
                                        "ALTER TABLE t MODIFY e ENUM('x')"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = definition();
        g_auto(Applied) applied = apply(table, cases[i]);
        g_autofree char *got = plan_text(table, &applied, false, false);
        g_assert_true(g_str_has_prefix(got, " ADVISE rows that are there may have other values"));
    }
}

static void test_old_names_stay(void)
{
    g_autoptr(SourceTable) table = definition();
    g_auto(Applied) applied = apply(table, "ALTER TABLE t RENAME COLUMN a TO n");
    g_autofree char *got = plan_text(table, &applied, true, true);
    g_assert_cmpstr(got, ==, "RENAME COLUMN `a` TO `n`, ADD COLUMN `a` Nullable(Int32) ALIAS `n`");
    g_assert_true(applied.change->table->kept && strcmp(applied.change->table->kept[0], "a") == 0);
}

/* What can be NULL no more keeps its column at the destination, and so does one that is NOT NULL for a while. */
static void test_nullable_stays(void)
{
    g_autoptr(SourceTable) table = definition();
    g_auto(Applied) first = apply(table, "ALTER TABLE t MODIFY a INT NOT NULL");
    g_assert_true(first.change->table->columns[1].as_nullable);
    g_auto(Applied) second = apply(first.change->table, "ALTER TABLE t MODIFY a INT NOT NULL, ADD x INT");
    g_assert_true(second.change->table->columns[1].as_nullable);
    g_auto(Applied) third = apply(second.change->table, "ALTER TABLE t MODIFY a INT");
    g_assert_false(third.change->table->columns[1].as_nullable);
    g_autofree char *got = plan_text(second.change->table, &third, true, false);
    g_assert_cmpstr(got, ==, "");
}

/* Another table, d.u, goes into the same one: it has k and mine too, has dropped b, and knows nothing of what comes. */
static void test_shared_plans(void)
{
    static const char *const cases[][2] = {
        {"ALTER TABLE t ADD x INT DEFAULT 3", "ADD COLUMN `x` Nullable(Int32) DEFAULT 3 +"},
        {"ALTER TABLE t ADD k INT DEFAULT 3", "UPDATE `k` = 3 WHERE `shard` = 'd.t'"},
        {"ALTER TABLE t ADD k INT", "UPDATE `k` = NULL WHERE `shard` = 'd.t'"},
        {"ALTER TABLE t ADD mine INT NOT NULL, ADD k INT DEFAULT 4, ADD x INT",
         "ADD COLUMN `x` Nullable(Int32) | UPDATE `mine` = 0, `k` = 4 WHERE `shard` = 'd.t'"},
        {"ALTER TABLE t ADD k CHAR(36) DEFAULT (UUID())",
         "FAIL the new column k would be Nullable(String), and is Nullable(Int32) at the destination, "
         "where d.u has it; give both one type, then resync ADVISE what rows that are there have in the new "
         "column k is not known +"},
        {"ALTER TABLE t ADD k INT AS (a + 1)",
         " ADVISE what rows that are there have in the new column k is not known"},
        {"ALTER TABLE t DROP a, ADD a INT DEFAULT 8", "UPDATE `a` = 8 WHERE `shard` = 'd.t'"},
        {"ALTER TABLE t DROP a", " +"},
        {"ALTER TABLE t DROP b, ADD b INT", "RENAME COLUMN `b` TO `b__dropped_1`, ADD COLUMN `b` Nullable(Int32)"},
        {"ALTER TABLE t MODIFY a BIGINT",
         "FAIL column a int(11) is a bigint(20) now, and the rows of d.u stand in the same column of the destination; "
         "alter all tables of it alike, then resync"},
        {"ALTER TABLE t RENAME COLUMN a TO n",
         "FAIL column a int(11) is n int(11) now, and the rows of d.u stand in the same column of the destination; "
         "alter all tables of it alike, then resync"},
        {"ALTER TABLE t MODIFY a MEDIUMINT", ""},
        {"ALTER TABLE t MODIFY e ENUM('x','y','z')", ""},
        {"ALTER TABLE t MODIFY b VARCHAR(50)", "MODIFY COLUMN `b` Nullable(String)"},
        {"ALTER TABLE t RENAME COLUMN b TO k",
         "FAIL the destination has a column k already, which a column of the source is called now"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = definition(), other = definition();
        table->texts[TABLE_SOURCE_COLUMN] = g_strdup("shard");
        table->kept = g_strsplit("k", ",", -1); /* dropped here before */
        g_free(other->name);
        other->name = g_strdup("u");
        g_auto(Applied) more = apply(other, "ALTER TABLE u ADD k INT, ADD mine INT NOT NULL, DROP b");
        more.change->table->kept = g_strsplit("b", ",", -1);
        g_auto(Applied) applied = apply(table, cases[i][0]);
        g_assert_cmpstr(applied.why, ==, NULL);
        g_autofree char *got = plan_beside(table, &applied, true, false, more.change->table);
        if (strcmp(got, cases[i][1]) != 0)
            g_test_message("%s", cases[i][0]);
        g_assert_cmpstr(got, ==, cases[i][1]);
        bool keeps_k =
            applied.change->table->kept && g_strv_contains((const char *const *)applied.change->table->kept, "k");
        g_assert_true(keeps_k == !strstr(cases[i][0], "ADD k") || g_str_has_prefix(got, "FAIL"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/definitions", test_definitions);
    g_test_add_func("/schema/plans", test_plans);
    g_test_add_func("/schema/history", test_history);
    g_test_add_func("/schema/without-strict-mode", test_without_strict_mode);
    g_test_add_func("/schema/old-names-stay", test_old_names_stay);
    g_test_add_func("/schema/nullable-stays", test_nullable_stays);
    g_test_add_func("/schema/shared-plans", test_shared_plans);
    return g_test_run();
}
