#include "control/protocol.h"
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

json_t *protocol_request(const char *what)
{
    return json_pack("{s:s}", "do", what);
}

json_t *protocol_ok(void)
{
    return json_pack("{s:b}", "ok", 1);
}

/* The codes that a command exits with; all others are 1. */
static int exit_code(const GError *error)
{
    bool known =
        error->domain == SLUICE_ERROR && error->code >= SLUICE_ERROR_FAILED && error->code <= SLUICE_ERROR_NOT_RUNNING;
    return known ? error->code : SLUICE_ERROR_FAILED;
}

json_t *protocol_error(const GError *error)
{
    g_autofree char *line = printable(error->message, 0); /* valid UTF-8, one line */
    return json_pack("{s:{s:i, s:s}}", "error", "code", exit_code(error), "message", line);
}

bool protocol_answer_ok(const json_t *answer, GError **error)
{
    if (json_is_true(json_object_get(answer, "ok")))
        return true;
    const json_t *failure = json_object_get(answer, "error");
    const char *message = json_string_value(json_object_get(failure, "message"));
    json_int_t code = json_integer_value(json_object_get(failure, "code"));
    if (code < SLUICE_ERROR_FAILED || code > SLUICE_ERROR_NOT_RUNNING)
        code = SLUICE_ERROR_FAILED;
    g_set_error_literal(error, SLUICE_ERROR, (int)code,
                        message != NULL && *message ? message : "the engine's answer makes no sense");
    return false;
}

#define BACKLOG_MAX (4 * (guint64)PROTOCOL_MAX_LINE)

struct ProtocolReader {
    GByteArray *bytes;
    guint begin;   /* of the first line not yet pulled */
    guint scanned; /* no newline before this one */
};

ProtocolReader *protocol_reader_new(void)
{
    ProtocolReader *reader = g_new0(ProtocolReader, 1);
    reader->bytes = g_byte_array_new();
    return reader;
}

void protocol_reader_free(ProtocolReader *reader)
{
    if (reader == NULL)
        return;
    g_byte_array_unref(reader->bytes);
    g_free(reader);
}

static bool refuse_long(GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "a message over the control socket is longer than %u MiB",
                PROTOCOL_MAX_LINE / (1024 * 1024));
    return false;
}

bool protocol_reader_push(ProtocolReader *reader, const char *bytes, size_t len, GError **error)
{
    if (reader->begin > 0) {
        g_byte_array_remove_range(reader->bytes, 0, reader->begin);
        reader->scanned -= reader->begin;
        reader->begin = 0;
    }
    /* What has been looked through and has no newline is one unfinished line; the rest is a backlog that nobody pulled.
     */
    if (reader->scanned > PROTOCOL_MAX_LINE || reader->bytes->len + (guint64)len > BACKLOG_MAX)
        return refuse_long(error);
    g_byte_array_append(reader->bytes, (const guint8 *)bytes, (guint)len);
    return true;
}

json_t *protocol_reader_pull(ProtocolReader *reader, GError **error)
{
    const guint8 *data = reader->bytes->data;
    for (;;) {
        guint len = reader->bytes->len;
        const guint8 *end = reader->scanned < len ? memchr(data + reader->scanned, '\n', len - reader->scanned) : NULL;
        if (end == NULL) {
            reader->scanned = len;
            if (len - reader->begin > PROTOCOL_MAX_LINE)
                refuse_long(error);
            return NULL;
        }
        const char *line = (const char *)data + reader->begin;
        size_t line_len = (size_t)((const char *)end - line);
        reader->begin = reader->scanned = (guint)(end - data) + 1;
        if (line_len > PROTOCOL_MAX_LINE) {
            refuse_long(error);
            return NULL;
        }
        if (line_len == 0)
            continue;
        json_error_t why;
        json_t *object = json_loadb(line, line_len, JSON_REJECT_DUPLICATES, &why);
        if (!json_is_object(object)) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "a line over the control socket is no JSON object%s%s",
                        object == NULL ? ": " : "", object == NULL ? why.text : "");
            json_decref(object);
            return NULL;
        }
        return object;
    }
}

char *protocol_line(const json_t *object, size_t *len)
{
    char *line = json_dumps(object, JSON_COMPACT);
    g_assert(line != NULL);
    *len = strlen(line);
    char *longer = realloc(line, *len + 2);
    g_assert(longer != NULL);
    longer[(*len)++] = '\n';
    longer[*len] = '\0';
    return longer;
}

char *protocol_socket_path(const char *state_dir)
{
    return g_build_filename(state_dir, "sluice.sock", NULL);
}

char *protocol_state_dir(const char *option)
{
    if (option != NULL && option[0] != '\0')
        return g_canonicalize_filename(option, NULL);
    const char *xdg = g_getenv("XDG_STATE_HOME");
    if (xdg != NULL && g_path_is_absolute(xdg))
        return g_build_filename(xdg, "sluice", NULL);
    if (geteuid() == 0)
        return g_strdup("/var/lib/sluice");
    return g_build_filename(g_get_home_dir(), ".local", "state", "sluice", NULL);
}
