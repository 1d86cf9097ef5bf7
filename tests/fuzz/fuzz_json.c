/* fuzz_json.c - MySQL's binary JSON, and the changes of PARTIAL_UPDATE_ROWS.
 *
 * Input: a document behind its length, then changes; without any, the document alone.
 */
#include "fuzz.h"

#include "mysql/json.h"

#include <jansson.h>

static void grow(TextOut *out, size_t more)
{
    out->size = MAX(out->len + more, out->size + out->size / 2);
    out->data = g_realloc(out->data, out->size);
}

/* What the library reads is not all that JSON can be. */
static bool library_refuses(const json_error_t *error)
{
    return g_str_has_prefix(error->text, "real number overflow") ||
           g_str_has_prefix(error->text, "NUL byte in object key");
}

/* What is given is JSON, where the document's own text is UTF-8. */
static void check_text(const TextOut *out)
{
    if (!g_utf8_validate((const char *)out->data, (gssize)out->len, NULL))
        return;
    json_error_t error;
    json_t *json = json_loadb((const char *)out->data, out->len,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (!json && !library_refuses(&error)) {
        fprintf(stderr, "%s at %d in %.*s\n", error.text, error.position, (int)out->len, (const char *)out->data);
        CHECK(!"JSON text");
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    TextOut out = {.grow = grow};
    size_t before_len, diffs_len;
    uint8_t *before = input_piece(&input, &before_len);
    uint8_t *diffs = input_rest(&input, &diffs_len);
    const char *wrong = diffs_len ? json_diff_to_text(before, before_len, diffs, diffs_len, &out)
                                  : json_binary_to_text(before, before_len, &out);
    if (!wrong)
        check_text(&out);
    else
        CHECK(*wrong);
    /* Text is at most some bytes for each of the document's. */
    CHECK(out.len <= (size + 64) * 64);
    g_free(out.data);
    free(before);
    free(diffs);
    return 0;
}
