/* Types that one of the servers alone has. The bytes of events are from MariaDB 10.11 and 11.8 and MySQL 9.7. */
#include "mapping_case.h"

static void check_address(SourceType type, const char *type_text, uint16_t size, const char *event, const char *text,
                          const char *expected)
{
    Case c =
        case_new((FixtureColumn){.type = type, .type_text = type_text, .wire_type = WIRE_STRING, .wire_meta = size});
    put_hex(c.event, event);
    put_string(c.result, text, strlen(text), 0);
    case_check(&c, expected);
    case_end(&c);
}

static void check_uuid(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_UUID, "uuid", 16, event, text, expected);
}

static void check_inet6(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_INET6, "inet6", 16, event, text, expected);
}

static void check_inet4(const char *event, const char *text, const char *expected)
{
    check_address(SOURCE_TYPE_INET4, "inet4", 4, event, text, expected);
}

static void test_addresses(void)
{
    check_uuid("100188a1b2c3d47e5f8091a2b3c4d5e6f7", "0188a1b2-c3d4-7e5f-8091-a2b3c4d5e6f7",
               "5f7ed4c3b2a18801f7e6d5c4b3a29180");
    check_uuid("00", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000");
    check_uuid("0fffffffffffffffffffffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffff00",
               "ffffffffffffffff00ffffffffffffff");
    check_inet6("1020010db8000000000000ff0000428329", "2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329");
    check_inet6("1000000000000000000000ffff01020304", "::ffff:1.2.3.4", "00000000000000000000ffff01020304");
    check_inet6("00", "::", "00000000000000000000000000000000");
    check_inet4("04c0a801c8", "192.168.1.200", "c801a8c0");
    check_inet4("010a", "10.0.0.0", "0000000a");
    check_inet4("00", "0.0.0.0", "00000000");
}

static char *result_error(FixtureColumn column, const char *text)
{
    MappingSettings settings = fixture_settings();
    column.name = "v";
    g_autoptr(TableMapping) mapping = fixture_mapping(&column, 1, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    put_hex(packet, "0000");
    put_string(packet, text, strlen(text), 0);
    g_assert_false(mapping_append_result(mapping, block, packet->data, packet->len, 1, 1, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    g_assert_cmpuint(block->n_rows, ==, 0);
    return g_strdup(error->message);
}

/* They are keys, too, and what is no such text is refused. */
static void test_address_faults(void)
{
    static const struct {
        FixtureColumn column;
        const char *text;
    } cases[] = {
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16}, "0188a1b2"},
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16},
         "0188a1b2-c3d4-7e5f-8091+a2b3c4d5e6f7"},
        {{.type = SOURCE_TYPE_UUID, .type_text = "uuid", .wire_type = WIRE_STRING, .wire_meta = 16},
         "0188a1b2-c3d4-7e5f-8091-a2b3c4d5e6fg"},
        {{.type = SOURCE_TYPE_INET4, .type_text = "inet4", .wire_type = WIRE_STRING, .wire_meta = 4}, "1.2.3"},
        {{.type = SOURCE_TYPE_INET6, .type_text = "inet6", .wire_type = WIRE_STRING, .wire_meta = 16}, "1.2.3.4"},
        {{.type = SOURCE_TYPE_INET6, .type_text = "inet6", .wire_type = WIRE_STRING, .wire_meta = 16},
         "00000000000000000000000000000000000000000000000000000000000000"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = result_error(cases[i].column, cases[i].text);
        g_assert_nonnull(strstr(message, "column v"));
        g_assert_nonnull(strstr(message, "is not a value of"));
    }
}

static void check_compressed(FixtureColumn column, const char *event, const char *plain, size_t times)
{
    column.compressed = true;
    Case c = case_new(column);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, plain);
    put_hex(c.event, event);
    put_string(c.result, text->str, text->len, 0);
    case_check(&c, NULL);
    case_end(&c);
}

static void test_compressed(void)
{
    FixtureColumn varchar = {.type = SOURCE_TYPE_VARCHAR,
                             .type_text = "varchar(100) /*M!100301 COMPRESSED*/",
                             .precision = 100,
                             .charset = "utf8mb4",
                             .wire_type = WIRE_VARCHAR_COMPRESSED,
                             .wire_meta = 401};
    FixtureColumn text = {.type = SOURCE_TYPE_TEXT,
                          .type_text = "text /*M!100301 COMPRESSED*/",
                          .charset = "utf8mb4",
                          .wire_type = WIRE_BLOB_COMPRESSED,
                          .wire_meta = 2};
    FixtureColumn latin1 = {.type = SOURCE_TYPE_VARCHAR,
                            .type_text = "varchar(300) /*M!100301 COMPRESSED*/",
                            .precision = 300,
                            .charset = "latin1",
                            .wire_type = WIRE_VARCHAR_COMPRESSED,
                            .wire_meta = 301};
    FixtureColumn blob = {.type = SOURCE_TYPE_BLOB,
                          .type_text = "longblob /*M!100301 COMPRESSED*/",
                          .wire_type = WIRE_BLOB_COMPRESSED,
                          .wire_meta = 4};
    check_compressed(varchar, "0000", "", 1);
    check_compressed(varchar, "040000616263", "abc", 1);
    check_compressed(varchar, "080089644b4ca43d0000", "a", 100);
    check_compressed(text, "06000068656c6c6f", "hello", 1);
    check_compressed(text, "16008a05dccb48cdc9c9cf18254689516294182586130100", "hello", 300);
    check_compressed(latin1, "050000636166e9", "caf\xe9", 1);
    check_compressed(latin1, "0d008a01184b4e4c7b993c8a313000", "caf\xe9", 70);
    check_compressed(blob, "00000000", "", 1);
    check_compressed(blob, "0400000000616263", "abc", 1);
    check_compressed(blob, "0c0000008a012c4b4c4a4e1c45c42100", "abc", 100);
}

/* Cut short, with another method, with false lengths: never read by guess, and no memory taken for a false claim. */
static void test_compressed_faults(void)
{
    static const char *const bad[] = {"0189",
                                      "0190",
                                      "0489644b4c",
                                      "0789644b4ca43d00",
                                      "0889654b4ca43d0000",
                                      "0889634b4ca43d0000",
                                      "088cffffffff4b4ca4",
                                      "0288ff",
                                      "0981644b4ca43d000000",
                                      "098964644b4ca43d0000"};
    const FixtureColumn column = {.name = "v",
                                  .type = SOURCE_TYPE_VARCHAR,
                                  .type_text = "varchar(100)",
                                  .precision = 100,
                                  .charset = "latin1",
                                  .wire_type = WIRE_VARCHAR_COMPRESSED,
                                  .wire_meta = 101,
                                  .compressed = true};
    MappingSettings settings = fixture_settings();
    g_autoptr(TableMapping) mapping = fixture_mapping(&column, 1, 1, &settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        RowCounts counts;
        put_hex(body, "0000");
        put_hex(body, bad[i]);
        RowsEvent rows = fixture_event(ROWS_INSERT, 1, body);
        g_assert_false(mapping_append_event(mapping, block, &rows, 1, 1, &counts, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_assert_cmpuint(block_bytes(block), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mapping/types/addresses", test_addresses);
    g_test_add_func("/mapping/types/address_faults", test_address_faults);
    g_test_add_func("/mapping/types/compressed", test_compressed);
    g_test_add_func("/mapping/types/compressed_faults", test_compressed_faults);
    return g_test_run();
}
