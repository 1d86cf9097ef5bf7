/* reply.c - see reply.h */
#include "endpoint/reply.h"

#include "endpoint/fault.h"
#include "endpoint/spool.h"

#include <string.h>

#define HEADERS_AFTER (1024u * 1024)      /* bytes of result kept back, so that an early error still gets its status */
#define WAIT_MEMORY   (16u * 1024 * 1024) /* of a result that is waited for; the rest goes to a file */
#define TAG_LENGTH    16
#define BREAK_AFTER   (250 * 1000) /* microseconds from the text of an error to the end of the connection */

struct Reply {
    Request *request;
    Engine *engine;
    Encoder *encoder;
    GByteArray *out; /* encoded, not yet in the spool */
    Spool *spool;
    uint64_t raw;   /* bytes of result so far */
    bool ended;     /* all of the result is encoded */
    bool broken;    /* an error came in the middle: close the connection after what is in `out` */
    size_t out_pos; /* sent of `out`, after the spool */
    char tag[TAG_LENGTH + 1];
};

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    enum MHD_Result ok = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return ok;
}

enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "text/html; charset=UTF-8");
    return queue(connection, status, response);
}

enum MHD_Result reply_options(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Allow", "GET, HEAD, POST, OPTIONS");
    return queue(connection, status, response);
}

void reply_free(Reply *reply)
{
    if (!reply)
        return;
    encoder_free(reply->encoder);
    spool_free(reply->spool);
    g_byte_array_unref(reply->out);
    g_free(reply);
}

/* A query id and a format come from the client: nothing that would end the header may pass. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    g_autofree char *clean = g_strdup(value);
    for (char *p = clean; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    MHD_add_response_header(response, name, clean);
}

static void add_query_headers(struct MHD_Response *response, Engine *engine, const Request *request)
{
    add_header(response, "X-ClickHouse-Server-Display-Name", g_get_host_name());
    add_header(response, "X-ClickHouse-Timezone", engine_timezone(engine));
    add_header(response, "X-ClickHouse-Query-Id", request->query_id ? request->query_id : "");
    g_autofree char *summary = request_summary(request);
    add_header(response, "X-ClickHouse-Summary", summary);
}

static char *fault_text(Engine *engine, const GError *fault)
{
    return g_strdup_printf("%s (version %s)\n", fault->message, engine_version(engine));
}

static enum MHD_Result reply_fault(struct MHD_Connection *connection, Engine *engine, const Request *request)
{
    g_autofree char *text = fault_text(engine, request->fault);
    g_autofree char *code = g_strdup_printf("%d", request->fault->code);
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    add_query_headers(response, engine, request);
    MHD_add_response_header(response, "Content-Type", "text/plain; charset=UTF-8");
    MHD_add_response_header(response, "X-ClickHouse-Exception-Code", code);
    unsigned status = fault_http_status(request->fault->code);
    if (status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"ClickHouse server HTTP API\"");
    return queue(connection, status, response);
}

/* Encodes the next piece of the result into `out`. False with an error: the statement failed. */
static bool reply_pull(Reply *reply, GError **error)
{
    const char *data;
    size_t len;
    if (!result_next(reply->request->result, &data, &len, error))
        return false;
    if (len > 0) {
        encoder_write(reply->encoder, data, len);
        reply->raw += len;
        return true;
    }
    if (reply->raw > 0)
        encoder_finish(reply->encoder);
    reply->ended = true;
    request_release(reply->request);
    return true;
}

/* What clients of 25.11 and later look for: the tag is in the headers, the text's length behind it. */
static void reply_append_fault(Reply *reply, const GError *fault)
{
    g_autofree char *text = fault_text(reply->engine, fault);
    g_autofree char *framed = g_strdup_printf("\r\n__exception__\r\n%s\r\n%s%zu %s\r\n__exception__\r\n", reply->tag,
                                              text, strlen(text), reply->tag);
    encoder_write(reply->encoder, framed, strlen(framed));
    encoder_finish(reply->encoder);
    reply->ended = reply->broken = true;
    request_release(reply->request);
}

/* MHD's reader of a stream: first the spool, then piece by piece what the engine gives. */
static ssize_t reply_read_stream(void *cls, uint64_t offset, char *buffer, size_t max)
{
    Reply *reply = cls;
    if (offset < spool_size(reply->spool))
        return spool_read(reply->spool, offset, buffer, max);
    while (reply->out_pos == reply->out->len) {
        g_byte_array_set_size(reply->out, 0);
        reply->out_pos = 0;
        if (reply->broken) {
            /* No last chunk: nobody shall take the document for a whole one. But Node throws away what it has not yet
             * read when a connection breaks, and with it our words. */
            g_usleep(BREAK_AFTER);
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        if (reply->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        g_autoptr(GError) fault = NULL;
        if (!reply_pull(reply, &fault))
            reply_append_fault(reply, fault);
    }
    size_t n = MIN(max, reply->out->len - reply->out_pos);
    memcpy(buffer, reply->out->data + reply->out_pos, n);
    reply->out_pos += n;
    return (ssize_t)n;
}

static ssize_t reply_read_spool(void *cls, uint64_t offset, char *buffer, size_t max)
{
    Reply *reply = cls;
    ssize_t n = spool_read(reply->spool, offset, buffer, max);
    return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Reads the result to its end, or as far as is kept back before the headers go out. */
static bool reply_prefetch(Reply *reply, GError **error)
{
    uint64_t enough = MAX(HEADERS_AFTER, reply->request->buffer_size);
    while (!reply->ended && (reply->request->wait_end || reply->raw < enough)) {
        if (!reply_pull(reply, error) || !spool_write(reply->spool, reply->out->data, reply->out->len, error))
            return false;
        g_byte_array_set_size(reply->out, 0);
    }
    return true;
}

static Reply *reply_new(Engine *engine, Request *request, const char *spool_dir)
{
    Reply *reply = g_new0(Reply, 1);
    reply->request = request;
    reply->engine = engine;
    reply->out = g_byte_array_new();
    reply->encoder = encoder_new(request->accept, reply->out);
    reply->spool = spool_new(MAX(WAIT_MEMORY, request->buffer_size), spool_dir);
    for (unsigned i = 0; i < TAG_LENGTH; i++)
        reply->tag[i] = (char)('a' + g_random_int_range(0, 26));
    return reply;
}

static enum MHD_Result reply_rows(Reply *reply, struct MHD_Connection *connection)
{
    Request *request = reply->request;
    struct MHD_Response *response =
        reply->ended
            ? MHD_create_response_from_callback(spool_size(reply->spool), 256 * 1024, reply_read_spool, reply, NULL)
            : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 256 * 1024, reply_read_stream, reply, NULL);
    add_query_headers(response, reply->engine, request);
    MHD_add_response_header(response, "X-ClickHouse-Exception-Tag", reply->tag);
    add_header(response, "X-ClickHouse-Format", request->format);
    MHD_add_response_header(response, "Content-Type", result_content_type(request->format));
    if (request->accept != CODEC_NONE && reply->raw > 0)
        MHD_add_response_header(response, "Content-Encoding", codec_name(request->accept));
    return queue(connection, 200, response);
}

enum MHD_Result reply_query(Reply **kept, struct MHD_Connection *connection, Engine *engine, Request *request,
                            const char *spool_dir)
{
    if (request->fault)
        return reply_fault(connection, engine, request);
    if (!request->has_body) {
        struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        add_query_headers(response, engine, request);
        MHD_add_response_header(response, "Content-Type", "text/plain; charset=UTF-8");
        return queue(connection, 200, response);
    }
    Reply *reply = *kept = reply_new(engine, request, spool_dir);
    if (!reply_prefetch(reply, &request->fault)) {
        request_release(request);
        return reply_fault(connection, engine, request);
    }
    return reply_rows(reply, connection);
}
