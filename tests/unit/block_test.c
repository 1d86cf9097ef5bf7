/* Native blocks: their bytes, what they charge, marks. The bytes follow the format's description at the head of
 * block.h. */
#include "clickhouse/block.h"

static bool collect(void *data, const void *bytes, size_t len)
{
    g_byte_array_append(data, bytes, (guint)len);
    return true;
}

static void assert_bytes(const Block *block, const void *expected, size_t len)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_assert_true(block_write(block, collect, out));
    g_assert_cmpmem(out->data, out->len, expected, len);
    g_assert_cmpuint(block_wire_size(block), ==, len);
}

static void test_bytes(void)
{
    g_autoptr(Block) block = block_new(NULL, 3);
    block_set_column(block, 0, "id", "Int32");
    block_set_column(block, 1, "s", "Nullable(String)");
    block_set_column(block, 2, "v", "UInt64");
    for (int32_t id = 1; id <= 2; id++) {
        uint64_t version = 0x0102030405060700 + (uint64_t)id;
        column_append_fixed(&block->columns[0], &id, 4);
        column_append_null_flag(&block->columns[1], id == 2);
        if (id == 2)
            column_append_default(&block->columns[1]);
        else
            column_append_string(&block->columns[1], "abc", 3);
        column_append_fixed(&block->columns[2], &version, 8);
        block->n_rows++;
    }
    static const char EXPECTED[] = "\x03\x02"
                                   "\x02id\x05Int32\x01\0\0\0\x02\0\0\0"
                                   "\x01s\x10Nullable(String)\0\x01\x03"
                                   "abc\0"
                                   "\x01v\x06UInt64\x01\x07\x06\x05\x04\x03\x02\x01\x02\x07\x06\x05\x04\x03\x02\x01";
    assert_bytes(block, EXPECTED, sizeof EXPECTED - 1);
    g_assert_cmpuint(block_bytes(block), ==, 8 + 2 + 5 + 16);
    block_clear(block);
    static const char EMPTY[] = "\x03\x00\x02id\x05Int32\x01s\x10Nullable(String)\x01v\x06UInt64";
    assert_bytes(block, EMPTY, sizeof EMPTY - 1);
}

static void test_arrays(void)
{
    g_autoptr(Block) block = block_new(NULL, 1);
    block_set_column(block, 0, "a", "Array(String)");
    BlockColumn *column = &block->columns[0];
    column_append_string(column, "x", 1);
    column_append_string(column, "yz", 2);
    column_append_array_end(column, 2);
    column_append_default(column);
    column_append_string(column, "", 0);
    column_append_array_end(column, 1);
    block->n_rows = 3;
    static const char EXPECTED[] = "\x01\x03\x01"
                                   "a\x0d"
                                   "Array(String)\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"
                                   "\x01x\x02yz\0";
    assert_bytes(block, EXPECTED, sizeof EXPECTED - 1);
}

static void test_varuint(void)
{
    static const struct {
        uint64_t value;
        const char *bytes;
        size_t len;
    } CASES[] = {
        {0, "\0", 1},
        {127, "\x7f", 1},
        {128, "\x80\x01", 2},
        {16384, "\x80\x80\x01", 3},
        {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        uint8_t out[10];
        size_t n = varuint_write(out, CASES[i].value);
        g_assert_cmpmem(out, n, CASES[i].bytes, CASES[i].len);
    }
}

static void test_types(void)
{
    static const struct {
        const char *type;
        unsigned width;
        bool nullable;
    } KNOWN[] = {
        {"Int8", 1, false},
        {"UInt256", 32, false},
        {"Nullable(Float64)", 8, true},
        {"Bool", 1, false},
        {"Decimal(9, 2)", 4, false},
        {"Decimal(10,2)", 8, false},
        {"Decimal(38, 38)", 16, false},
        {"Nullable(Decimal(65, 30))", 32, true},
        {"Date32", 4, false},
        {"DateTime64(6, 'UTC')", 8, false},
        {"DateTime64(9)", 8, false},
        {"Nullable(Time64(6))", 8, true},
        {"UUID", 16, false},
        {"IPv4", 4, false},
        {"IPv6", 16, false},
        {"String", 0, false},
    };
    g_autoptr(Block) block = block_new(NULL, G_N_ELEMENTS(KNOWN));
    for (unsigned i = 0; i < G_N_ELEMENTS(KNOWN); i++) {
        g_assert_true(block_type_known(KNOWN[i].type));
        block_set_column(block, i, "c", KNOWN[i].type);
        g_assert_cmpuint(block->columns[i].width, ==, KNOWN[i].width);
        g_assert_cmpint(block->columns[i].nullable, ==, KNOWN[i].nullable);
    }
    static const char *const UNKNOWN[] = {
        "",
        "int32",
        "Int32 ",
        "Nullable()",
        "Nullable(Nullable(Int8))",
        "Decimal(0, 0)",
        "Decimal(77, 1)",
        "Decimal(9, 10)",
        "Decimal(9)",
        "DateTime64(10)",
        "Array(Int8)",
        "Nullable(Array(String))",
        "LowCardinality(String)",
        "DateTime64(6, UTC)",
        "Time64(6, 'UTC')",
        "Nullable(",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(UNKNOWN); i++)
        g_assert_false(block_type_known(UNKNOWN[i]));
}

/* Every byte that is had is charged, and every charged byte is given back. */
static void test_account(void)
{
    g_autoptr(Budget) budget = budget_new(1 << 30);
    g_autoptr(BudgetAccount) account = budget_account_new(budget, 0);
    Block *block = block_new(account, 2);
    block_set_column(block, 0, "s", "Nullable(String)");
    block_set_column(block, 1, "n", "Int64");
    char text[1000];
    memset(text, 'x', sizeof text);
    for (int64_t i = 0; i < 3000; i++) {
        column_append_null_flag(&block->columns[0], 0);
        column_append_string(&block->columns[0], text, sizeof text);
        column_append_fixed(&block->columns[1], &i, sizeof i);
        block->n_rows++;
        size_t had = block->columns[0].nulls.size + block->columns[0].data.size + block->columns[1].data.size;
        g_assert_cmpuint(budget_account_used(account), ==, had);
        g_assert_cmpuint(budget_used(budget), ==, had);
        g_assert_cmpuint(block_bytes(block), <=, had);
    }
    size_t full = budget_account_used(account);
    g_assert_cmpuint(full, <=, block_bytes(block) + block_bytes(block) / 2 + 3 * 4096);
    block_clear(block);
    block_shrink(block); /* the last block was full: the buffers fit */
    g_assert_cmpuint(budget_account_used(account), ==, full);
    for (int i = 0; i < 40; i++) /* forty quiet ones later they do not */
        block_clear(block);
    block_shrink(block);
    g_assert_cmpuint(budget_account_used(account), <, 200 * 1024);
    block_free(block);
    g_assert_cmpuint(budget_account_used(account), ==, 0);
    g_assert_cmpuint(budget_used(budget), ==, 0);
}

static void test_rewind(void)
{
    g_autoptr(Block) block = block_new(NULL, 2);
    block_set_column(block, 0, "s", "Nullable(String)");
    block_set_column(block, 1, "a", "Array(Float32)");
    float f = 1.5f;
    column_append_null_flag(&block->columns[0], 0);
    column_append_string(&block->columns[0], "keep", 4);
    column_append_fixed(&block->columns[1], &f, sizeof f);
    column_append_array_end(&block->columns[1], 1);
    block->n_rows++;
    g_autoptr(GByteArray) before = g_byte_array_new();
    block_write(block, collect, before);

    BlockMark *mark = block_mark(block);
    for (int i = 0; i < 5000; i++) {
        column_append_null_flag(&block->columns[0], 1);
        column_append_default(&block->columns[0]);
        column_append_fixed(&block->columns[1], &f, sizeof f);
        column_append_fixed(&block->columns[1], &f, sizeof f);
        column_append_array_end(&block->columns[1], 2);
        block->n_rows++;
    }
    block_rewind(block, mark);
    assert_bytes(block, before->data, before->len);
    column_append_null_flag(&block->columns[0], 0);
    column_append_string(&block->columns[0], "more", 4);
    column_append_default(&block->columns[1]);
    block->n_rows++;
    uint64_t end;
    memcpy(&end, block->columns[1].nulls.data + 8, 8);
    g_assert_cmpuint(end, ==, 1);
    block_rewind(block, mark);
    assert_bytes(block, before->data, before->len);
    block_mark_free(mark);
}

static bool refuse(void *data, const void *bytes, size_t len)
{
    unsigned *calls = data;
    g_assert_true(bytes != NULL && len > 0);
    return ++*calls < 2;
}

static void test_write_ends(void)
{
    g_autoptr(Block) block = block_new(NULL, 1);
    block_set_column(block, 0, "n", "UInt8");
    column_append_default(&block->columns[0]);
    block->n_rows = 1;
    unsigned calls = 0;
    g_assert_false(block_write(block, refuse, &calls));
    g_assert_cmpuint(calls, ==, 2);
}

/* Text behind the version of its serialization; a missing value is {}, since '' is no JSON. */
static void test_json(void)
{
    g_autoptr(Block) block = block_new(NULL, 1);
    block_set_column(block, 0, "j", "Nullable(JSON)");
    BlockColumn *column = &block->columns[0];
    column_append_null_flag(column, 0);
    column_append_string(column, "{\"a\":1}", 7);
    column_append_null_flag(column, 1);
    column_append_default(column);
    block->n_rows = 2;
    static const char bytes[] = "\001\002\001j\016Nullable(JSON)\001\0\0\0\0\0\0\0\0\001\007{\"a\":1}\002{}";
    assert_bytes(block, bytes, sizeof bytes - 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/bytes", test_bytes);
    g_test_add_func("/block/arrays", test_arrays);
    g_test_add_func("/block/json", test_json);
    g_test_add_func("/block/varuint", test_varuint);
    g_test_add_func("/block/types", test_types);
    g_test_add_func("/block/account", test_account);
    g_test_add_func("/block/rewind", test_rewind);
    g_test_add_func("/block/write-ends", test_write_ends);
    return g_test_run();
}
