/* fuzz_protocol.c - what stands on the control socket: lines in pieces of any size, answers, and the picture of
 * everything.
 *
 * Input: a byte for the size of the pieces, then the bytes of the socket.
 */
#include "fuzz.h"

#include "control/protocol.h"
#include "control/view.h"

static void read_object(json_t *object)
{
    GError *error = NULL;
    check_error(protocol_answer_ok(object, &error), &error);
    View *view = view_from_json(object, &error);
    check_error(view != NULL, &error);
    if (view) {
        json_t *again = view_to_json(view);
        CHECK(again);
        json_decref(again);
        view_unref(view);
    }
    size_t len;
    char *line = protocol_line(object, &len);
    CHECK(line && len && line[len - 1] == '\n' && memchr(line, '\n', len) == line + len - 1);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GError *error = NULL;
    Input input = {data, data + size};
    size_t piece = (size_t)input_u8(&input) + 1;
    ProtocolReader *reader = protocol_reader_new();
    bool good = true;
    while (good && input_left(&input)) {
        size_t len;
        uint8_t *bytes = input_copy(&input, piece, &len);
        good = protocol_reader_push(reader, (const char *)bytes, len, &error);
        check_error(good, &error);
        free(bytes);
        json_t *object;
        while (good && (object = protocol_reader_pull(reader, &error))) {
            read_object(object);
            json_decref(object);
        }
        good = good && !error;
        g_clear_error(&error);
    }
    protocol_reader_free(reader);
    return 0;
}
