/* How both ends are asked for the same value. That they answer alike is proven on real servers (tests/types). */
#include "mapping/canonical.h"

static SourceColumn make(SourceType type, unsigned scale, const char *charset, const char *collation)
{
    return (SourceColumn){.name = (char *)"a`b",
                          .type = type,
                          .scale = scale,
                          .charset = (char *)charset,
                          .collation = (char *)collation};
}

static char *source_hash(const SourceColumn *column, const char *type)
{
    GString *sql = g_string_new(NULL);
    canonical_source_hash(sql, column, type, false);
    return g_string_free(sql, FALSE);
}

static char *dest_hash(const SourceColumn *column, const char *type)
{
    GString *sql = g_string_new(NULL);
    canonical_dest_hash(sql, column, type, "a`b", false);
    return g_string_free(sql, FALSE);
}

static void check_hash(SourceColumn column, const char *type, const char *source, const char *dest)
{
    g_autofree char *ours = source_hash(&column, type), *theirs = dest_hash(&column, type);
    g_assert_cmpstr(ours, ==, source);
    g_assert_cmpstr(theirs, ==, dest);
}

static void test_hashes(void)
{
    check_hash(make(SOURCE_TYPE_INT, 0, NULL, NULL), "Int32", ", (t.`a``b` + 0), ';'", ", toString(`a\\`b`), ';'");
    check_hash(make(SOURCE_TYPE_TINYINT, 0, NULL, NULL), "Bool", ", (t.`a``b` <> 0), ';'",
               ", toString(toUInt8(`a\\`b`)), ';'");
    check_hash(make(SOURCE_TYPE_DECIMAL, 3, NULL, NULL), "Decimal(10, 3)", ", CAST(t.`a``b` AS CHAR), ';'",
               ", toDecimalString(`a\\`b`, 3), ';'");
    check_hash(make(SOURCE_TYPE_DATETIME, 2, NULL, NULL), "DateTime64(6, 'UTC')",
               ", CONCAT(CAST(t.`a``b` AS CHAR), '0000'), ';'", ", toString(`a\\`b`, 'UTC'), ';'");
    check_hash(make(SOURCE_TYPE_TIME, 0, NULL, NULL), "Time64(6)", ", CONCAT(CAST(t.`a``b` AS CHAR), '.000000'), ';'",
               ", toString(`a\\`b`), ';'");
    SourceColumn text = make(SOURCE_TYPE_VARCHAR, 0, "latin1", "latin1_swedish_ci");
    text.nullable = true;
    check_hash(text, "Nullable(String)",
               ", IFNULL(CONCAT(OCTET_LENGTH(CAST(CONVERT(t.`a``b` USING utf8mb4) AS BINARY)), ':', "
               "CAST(CONVERT(t.`a``b` USING utf8mb4) AS BINARY)), 'N')",
               ", ifNull(concat(toString(length(`a\\`b`)), ':', `a\\`b`), 'N')");
}

static void test_kinds(void)
{
    SourceColumn column = make(SOURCE_TYPE_VARBINARY, 0, NULL, NULL);
    g_assert_cmpint(canonical_kind(&column, "String", BINARY_RAW), ==, CANONICAL_BYTES);
    g_assert_cmpint(canonical_kind(&column, "String", BINARY_HEX), ==, CANONICAL_NONE);
    column.nullable = true; /* NULL became '' */
    g_assert_cmpint(canonical_kind(&column, "String", BINARY_RAW), ==, CANONICAL_NONE);
    column = make(SOURCE_TYPE_DOUBLE, 0, NULL, NULL);
    g_assert_cmpint(canonical_kind(&column, "Float64", BINARY_RAW), ==, CANONICAL_NONE);
    column = make(SOURCE_TYPE_TIME, 0, NULL, NULL);
    g_assert_cmpint(canonical_kind(&column, "Int64", BINARY_RAW), ==, CANONICAL_NONE);
}

static void test_orders(void)
{
    static const struct {
        SourceType type;
        const char *charset, *collation;
        CanonicalOrder order;
    } keys[] = {
        {SOURCE_TYPE_BIGINT, NULL, NULL, CANONICAL_ORDER_ALIKE},
        {SOURCE_TYPE_VARBINARY, NULL, NULL, CANONICAL_ORDER_ALIKE},
        {SOURCE_TYPE_VARCHAR, "utf8mb4", "utf8mb4_general_ci", CANONICAL_ORDER_UNLIKE},
        {SOURCE_TYPE_VARCHAR, "utf8mb4", "utf8mb4_bin", CANONICAL_ORDER_NEARLY},
        {SOURCE_TYPE_VARCHAR, "utf8mb4", "utf8mb4_0900_bin", CANONICAL_ORDER_ALIKE},
        {SOURCE_TYPE_VARCHAR, "utf8mb4", "utf8mb4_nopad_bin", CANONICAL_ORDER_ALIKE},
        {SOURCE_TYPE_CHAR, "latin1", "latin1_bin", CANONICAL_ORDER_UNLIKE},
        {SOURCE_TYPE_ENUM, "utf8mb4", "utf8mb4_bin", CANONICAL_ORDER_UNLIKE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        SourceColumn column = make(keys[i].type, 0, keys[i].charset, keys[i].collation);
        g_assert_cmpint(canonical_key_order(&column, BINARY_RAW), ==, keys[i].order);
    }
}

static void check_literals(SourceColumn column, const char *type, const char *text, const char *source,
                           const char *dest)
{
    g_autoptr(GString) ours = g_string_new(NULL), theirs = g_string_new(NULL);
    canonical_key_source_literal(ours, &column, text);
    canonical_key_dest_literal(theirs, &column, BINARY_RAW, type, text);
    g_assert_cmpstr(ours->str, ==, source);
    g_assert_cmpstr(theirs->str, ==, dest);
}

static void test_literals(void)
{
    static char *labels[] = {(char *)"a", (char *)"b", (char *)"c", NULL};
    check_literals(make(SOURCE_TYPE_INT, 0, NULL, NULL), "Int32", "-5", "-5", "CAST('-5' AS Int32)");
    check_literals(make(SOURCE_TYPE_DATETIME, 0, NULL, NULL), "DateTime64(6, 'Asia/Tokyo')", "2020-01-01 00:00:00",
                   "'2020-01-01 00:00:00'", "CAST('2020-01-01 00:00:00' AS DateTime64(6, 'UTC'))");
    check_literals(make(SOURCE_TYPE_VARCHAR, 0, "utf8mb4", "utf8mb4_bin"), "String", "C3A9",
                   "_utf8mb4 0xC3A9 COLLATE utf8mb4_bin", "unhex('C3A9')");
    check_literals(make(SOURCE_TYPE_VARCHAR, 0, "latin1", "latin1_bin"), "String", "C3A9",
                   "CONVERT(_utf8mb4 0xC3A9 USING latin1) COLLATE latin1_bin", "unhex('C3A9')");
    SourceColumn members = make(SOURCE_TYPE_SET, 0, "utf8mb4", "utf8mb4_bin");
    members.labels = labels;
    check_literals(members, "String", "612C63", "5", "unhex('612C63')");
    members.type = SOURCE_TYPE_ENUM;
    check_literals(members, "LowCardinality(String)", "62", "2", "unhex('62')");
    check_literals(members, "LowCardinality(String)", "", "0", "unhex('')");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/canonical/hashes", test_hashes);
    g_test_add_func("/canonical/kinds", test_kinds);
    g_test_add_func("/canonical/orders", test_orders);
    g_test_add_func("/canonical/literals", test_literals);
    return g_test_run();
}
