#include "mapping_case.h"

static const FixtureColumn id_column = {
    .name = "id", .type = SOURCE_TYPE_INT, .type_text = "int(11)", .wire_type = WIRE_LONG};

Case case_new(FixtureColumn column)
{
    column.name = "v";
    return (Case){column, fixture_settings(), g_byte_array_new(), g_byte_array_new()};
}

static char *cell_hex(const BlockColumn *column)
{
    g_autofree char *nulls = bytes_hex(column->nulls.data, column->nulls.len);
    g_autofree char *data = bytes_hex(column->data.data, column->data.len);
    return g_strconcat(nulls, *nulls ? ":" : "", data, NULL);
}

char *event_cell(const Case *c, bool is_null)
{
    const FixtureColumn columns[] = {id_column, c->column};
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &c->settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    GError *error = NULL;
    RowCounts counts;
    put_hex(body, "00");
    put_le(body, is_null ? 0xfe : 0xfc, 1);
    put_le(body, 7, 4);
    if (!is_null)
        g_byte_array_append(body, c->event->data, c->event->len);
    RowsEvent rows = fixture_event(ROWS_INSERT, 2, body);
    mapping_append_event(mapping, block, &rows, 100, 5, &counts, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(counts.inserts, ==, 1);
    return cell_hex(&block->columns[1]);
}

char *result_cell(const Case *c, bool is_null)
{
    const FixtureColumn columns[] = {id_column, c->column};
    g_autoptr(TableMapping) mapping = fixture_mapping(columns, 2, 1, &c->settings);
    g_autoptr(Block) block = mapping_block_new(mapping, NULL);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    GError *error = NULL;
    put_hex(packet, "00");
    put_le(packet, is_null ? 8 : 0, 1);
    put_le(packet, 7, 4);
    if (!is_null)
        g_byte_array_append(packet, c->result->data, c->result->len);
    mapping_append_result(mapping, block, packet->data, packet->len, 100, 5, &error);
    g_assert_no_error(error);
    return cell_hex(&block->columns[1]);
}

/* Both ways give `expected` (hex; NULL: whatever, but the same), also in a nullable column. */
void case_check(Case *c, const char *expected)
{
    for (int nullable = 0; nullable < 2; nullable++) {
        c->column.nullable = nullable;
        g_autofree char *event = event_cell(c, false), *result = result_cell(c, false);
        g_assert_cmpstr(event, ==, result);
        g_autofree char *wanted = g_strconcat(nullable ? "00:" : "", expected, NULL);
        if (expected)
            g_assert_cmpstr(event, ==, wanted);
    }
    g_autofree char *event = event_cell(c, true), *result = result_cell(c, true);
    g_assert_cmpstr(event, ==, result);
    g_assert_true(g_str_has_prefix(event, "01:00"));
    g_byte_array_set_size(c->event, 0);
    g_byte_array_set_size(c->result, 0);
}

void case_end(Case *c)
{
    g_byte_array_unref(c->event);
    g_byte_array_unref(c->result);
}

void check_hex(Case *c, const char *event, const char *result, const char *expected)
{
    put_hex(c->event, event);
    put_hex(c->result, result);
    case_check(c, expected);
}
