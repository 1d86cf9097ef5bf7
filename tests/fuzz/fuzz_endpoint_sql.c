/* fuzz_endpoint_sql.c - the head of an INSERT and whole statements, as the endpoint reads them.
 *
 * Input: a byte that says how much of the text comes first, the text.
 */
#include "fuzz.h"

#include "endpoint/sql.h"

static void check_head(const InsertHead *head, size_t len)
{
    if (head->kind == HEAD_MORE)
        return;
    CHECK(head->head_start <= len && head->head_end <= len && head->data_start <= len);
    CHECK(head->format_start <= head->format_end && head->format_end <= len);
    if (head->kind == HEAD_DATA || head->kind == HEAD_INPUT)
        CHECK(head->head_start <= head->head_end && head->head_end <= head->data_start);
    if (head->kind == HEAD_INPUT)
        CHECK(head->input_start <= head->input_args && head->input_args <= len);
}

static void check_statement(const char *text, size_t len)
{
    Statement statement = statement_look(text, len);
    CHECK(statement.start <= statement.end && statement.end <= len);
    if (!statement.empty) {
        CHECK(statement.start <= statement.body_end && statement.body_end <= statement.end);
        CHECK(statement.format_start <= statement.format_end && statement.format_end <= len);
    }
    CHECK(strlen(statement.first) < sizeof statement.first);
}

/* What was decided on a part is what is decided on the whole: a request may come in pieces of any size. */
static void check_parts(const char *text, size_t part, size_t len)
{
    char *copy = malloc(part ? part : 1);
    memcpy(copy, text, part);
    InsertHead early = insert_head_parse(copy, part, false);
    free(copy);
    check_head(&early, part);
    if (early.kind == HEAD_MORE)
        return;
    InsertHead late = insert_head_parse(text, len, false);
    CHECK(late.kind == early.kind);
    if (early.kind == HEAD_DATA || early.kind == HEAD_INPUT)
        CHECK(late.head_start == early.head_start && late.head_end == early.head_end &&
              late.data_start == early.data_start && late.format_start == early.format_start &&
              late.format_end == early.format_end);
}

static void check_quoting(const char *text, size_t len)
{
    GString *out = g_string_new(NULL);
    sql_append_string(out, text, len);
    SqlLexer lexer = {.text = out->str, .len = out->len, .final = true};
    SqlToken token = sql_next(&lexer);
    CHECK(token.type == SQL_STRING && token.start == 0 && token.end == out->len);
    g_string_truncate(out, 0);
    sql_append_name(out, text, len);
    lexer = (SqlLexer){.text = out->str, .len = out->len, .final = true};
    token = sql_next(&lexer);
    CHECK(token.type == SQL_QUOTED && token.start == 0 && token.end == out->len);
    g_string_free(out, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    size_t cut = input_u8(&input), len;
    char *text = (char *)input_rest(&input, &len);
    InsertHead head = insert_head_parse(text, len, true);
    CHECK(head.kind != HEAD_MORE);
    check_head(&head, len);
    check_statement(text, len);
    check_parts(text, len * cut / 255, len);
    check_quoting(text, len);
    free(text);
    return 0;
}
