/* server.c - see server.h */
#include "endpoint/server.h"

#include "endpoint/access.h"
#include "endpoint/fault.h"
#include "endpoint/reply.h"
#include "endpoint/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define QUERIES_MAX       64u            /* at once; the engine would take any number and run out of memory */
#define CONNECTIONS_MAX   512u           /* kept-alive ones count */
#define IDLE_SECONDS      120u           /* a kept-alive connection without a request */
#define CONNECTION_MEMORY (1024u * 1024) /* head of a request (long URLs) and buffer of its body; touched as used */
#define KILL_SECONDS      5u
#define SEND_SECONDS      5u /* for answers that are ready, when the server stops */

struct Server {
    ServerOptions options;
    Engine *engine;
    RequestHost host;
    struct MHD_Daemon *daemon;
    unsigned port;
    atomic_uint exchanges; /* from the head of a request to the last byte of its answer */
};

/* What hangs on one HTTP request: the query (NULL for /ping and the like) and the form it may come in. */
typedef struct {
    unsigned status;  /* of an answer that needs no query; 0: there is a query */
    const char *text; /* its body; NULL: none */
    Request *request;
    Reply *reply;
    struct MHD_PostProcessor *form;
    GString *field, *field_name; /* of the form, while its pieces arrive */
} Exchange;

static void exchange_done(void *cls, struct MHD_Connection *connection G_GNUC_UNUSED, void **con_cls,
                          enum MHD_RequestTerminationCode code G_GNUC_UNUSED)
{
    Exchange *exchange = *con_cls;
    if (!exchange)
        return;
    Server *server = cls;
    *con_cls = NULL;
    if (exchange->form)
        MHD_destroy_post_processor(exchange->form);
    reply_free(exchange->reply);
    request_free(exchange->request);
    if (exchange->field) {
        g_string_free(exchange->field, TRUE);
        g_string_free(exchange->field_name, TRUE);
    }
    g_free(exchange);
    atomic_fetch_sub(&server->exchanges, 1);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *argument(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result add_argument(void *cls, enum MHD_ValueKind kind G_GNUC_UNUSED, const char *key,
                                    size_t key_size G_GNUC_UNUSED, const char *value, size_t value_size)
{
    request_add_parameter(cls, key, value, value_size);
    return MHD_YES;
}

/* ---- who asks ---- */

static bool from_elsewhere(Server *server, struct MHD_Connection *connection)
{
    const char *host = header(connection, "Host");
    return header(connection, "Origin") || (host && !host_allowed(host, server->options.address, server->port));
}

static bool authenticate(Server *server, struct MHD_Connection *connection, GError **error)
{
    const char *user = header(connection, "X-ClickHouse-User");
    const char *key = header(connection, "X-ClickHouse-Key");
    char *basic_password = NULL;
    char *basic_user = NULL;
    if (!user && !key) {
        basic_user = MHD_basic_auth_get_username_password(connection, &basic_password);
        user = basic_user;
        key = basic_password;
    }
    if (!user && !key) {
        user = argument(connection, "user");
        key = argument(connection, "password");
    }
    bool given = user || key;
    bool right = secret_equal(key ? key : "", server->options.password);
    right &= secret_equal(user && *user ? user : "default", server->options.user);
    if (!given)
        fault_set(error, FAULT_REQUIRED_PASSWORD, "A password is required: send user '%s' and its password",
                  server->options.user);
    else if (!right)
        fault_set(error, FAULT_AUTHENTICATION_FAILED,
                  "%.64s: Authentication failed: password is incorrect, or there is no user with such name",
                  user && *user ? user : "default");
    MHD_free(basic_user);
    MHD_free(basic_password);
    return given && right;
}

/* ---- forms: multipart/form-data carries long parameters ---- */

static void form_field_end(Exchange *exchange)
{
    if (exchange->field_name->len > 0)
        request_add_parameter(exchange->request, exchange->field_name->str, exchange->field->str, exchange->field->len);
    g_string_truncate(exchange->field_name, 0);
    g_string_truncate(exchange->field, 0);
}

static enum MHD_Result form_piece(void *cls, enum MHD_ValueKind kind G_GNUC_UNUSED, const char *key,
                                  const char *filename, const char *type G_GNUC_UNUSED,
                                  const char *encoding G_GNUC_UNUSED, const char *data, uint64_t offset, size_t size)
{
    Exchange *exchange = cls;
    Request *request = exchange->request;
    if (filename && !request->fault)
        fault_set(&request->fault, FAULT_NOT_IMPLEMENTED, "External tables (files in a form) are not supported here");
    if (offset == 0) {
        form_field_end(exchange);
        g_string_assign(exchange->field_name, key ? key : "");
    }
    if (exchange->field->len + size > STATEMENT_BYTES_MAX) {
        if (!request->fault)
            fault_set(&request->fault, FAULT_QUERY_TOO_LARGE, "A field of the form is larger than %u bytes",
                      STATEMENT_BYTES_MAX);
        return MHD_YES;
    }
    g_string_append_len(exchange->field, data, (gssize)size);
    return MHD_YES;
}

/* ---- requests ---- */

static enum MHD_Result exchange_begin_query(Server *server, Exchange *exchange, struct MHD_Connection *connection,
                                            bool read_only)
{
    Request *request = request_new(&server->host, read_only);
    exchange->request = request;
    const char *type = header(connection, "Content-Type");
    if (authenticate(server, connection, &request->fault)) {
        const char *database = header(connection, "X-ClickHouse-Database");
        const char *format = header(connection, "X-ClickHouse-Format");
        if (database)
            request_add_parameter(request, "database", database, strlen(database));
        if (format)
            request_add_parameter(request, "default_format", format, strlen(format));
        MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_argument, request);
        const char *compress = argument(connection, "enable_http_compression");
        if (compress && (strcmp(compress, "1") == 0 || g_ascii_strcasecmp(compress, "true") == 0))
            request->accept = codec_choose(header(connection, "Accept-Encoding"));
        if (!read_only && type && g_ascii_strncasecmp(type, "multipart/form-data", 19) == 0) {
            exchange->form = MHD_create_post_processor(connection, 65536, form_piece, exchange);
            exchange->field = g_string_new(NULL);
            exchange->field_name = g_string_new(NULL);
            if (!exchange->form)
                fault_set(&request->fault, FAULT_BAD_ARGUMENTS, "The form in the request's body cannot be read");
        }
    }
    if (exchange->form)
        return MHD_YES;
    request_begin(request, header(connection, "Content-Encoding"));
    const char *expect = header(connection, "Expect");
    if (request->fault && expect && g_ascii_strcasecmp(expect, "100-continue") == 0)
        return reply_query(&exchange->reply, connection, server->engine, request, server->options.spool_dir);
    return MHD_YES;
}

static void exchange_plain(Exchange *exchange, unsigned status, const char *text)
{
    exchange->status = status;
    exchange->text = text;
}

static enum MHD_Result exchange_begin(Server *server, Exchange *exchange, struct MHD_Connection *connection,
                                      const char *url, const char *method)
{
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (strcmp(url, "/ping") == 0 && get)
        exchange_plain(exchange, 200, "Ok.\n");
    else if (from_elsewhere(server, connection))
        exchange_plain(exchange, 403,
                       "Requests of web pages, and for another host name than the one it listens on, are "
                       "refused.\n");
    else if (strcmp(method, "OPTIONS") == 0)
        exchange_plain(exchange, 204, NULL);
    else if (!get && strcmp(method, "POST") != 0)
        exchange_plain(exchange, 405, NULL);
    else if (strcmp(url, "/replicas_status") == 0 && get)
        exchange_plain(exchange, 200, "Ok.\n");
    else if (strcmp(url, "/") != 0)
        exchange_plain(exchange, 404,
                       "There is no handle for this path. Use / or /ping for health checks, or POST queries "
                       "to /.\n");
    else if (get && !argument(connection, "query"))
        exchange_plain(exchange, 200, "Ok.\n");
    else
        return exchange_begin_query(server, exchange, connection, get);
    return MHD_YES;
}

static enum MHD_Result exchange_feed(Exchange *exchange, const char *data, size_t *size)
{
    if (!exchange->request)
        ; /* a body where none belongs is thrown away */
    else if (!exchange->form)
        request_feed(exchange->request, data, *size);
    else if (MHD_post_process(exchange->form, data, *size) != MHD_YES && !exchange->request->fault)
        fault_set(&exchange->request->fault, FAULT_BAD_ARGUMENTS, "The form in the request's body cannot be read");
    *size = 0;
    return MHD_YES;
}

static void exchange_end_form(Exchange *exchange)
{
    MHD_destroy_post_processor(exchange->form);
    exchange->form = NULL;
    form_field_end(exchange);
    request_begin(exchange->request, NULL);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version G_GNUC_UNUSED, const char *data, size_t *size, void **con_cls)
{
    Server *server = cls;
    Exchange *exchange = *con_cls;
    if (!exchange) {
        *con_cls = exchange = g_new0(Exchange, 1);
        atomic_fetch_add(&server->exchanges, 1);
        return exchange_begin(server, exchange, connection, url, method);
    }
    if (*size > 0)
        return exchange_feed(exchange, data, size);
    if (!exchange->request)
        return exchange->text ? reply_text(connection, exchange->status, exchange->text)
                              : reply_options(connection, exchange->status);
    if (exchange->form)
        exchange_end_form(exchange);
    request_end(exchange->request);
    return reply_query(&exchange->reply, connection, server->engine, exchange->request, server->options.spool_dir);
}

/* ---- the daemon ---- */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static struct MHD_Daemon *daemon_start(Server *server, const Address *address, unsigned flags)
{
    const ServerOptions *options = &server->options;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)options->tls_cert},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)options->tls_key},
                                   {MHD_OPTION_END, 0, NULL}};
    if (!options->tls_cert)
        tls[0].option = MHD_OPTION_END;
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address->any,
                            MHD_OPTION_NOTIFY_COMPLETED, exchange_done, server, MHD_OPTION_CONNECTION_LIMIT,
                            CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                            MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)(128 * 1024), MHD_OPTION_THREAD_STACK_SIZE,
                            (size_t)(512 * 1024), MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool server_listen(Server *server, GError **error)
{
    const ServerOptions *options = &server->options;
    Address address = {0};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC;
    if (inet_pton(AF_INET, options->address, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)options->port);
    } else if (inet_pton(AF_INET6, options->address, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)options->port);
        flags |= MHD_USE_IPv6;
    }
    if (options->tls_cert)
        flags |= MHD_USE_TLS;
    errno = 0;
    server->daemon = daemon_start(server, &address, flags);
    if (!server->daemon) {
        g_set_error(error, FAULT, 1, "cannot listen on %s:%u: %s: choose another address with --listen",
                    options->address, options->port,
                    errno ? g_strerror(errno) : "refused (with TLS: are certificate and key PEM?)");
        return false;
    }
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return true;
}

Server *server_start(Engine *engine, const ServerOptions *options, GError **error)
{
    Server *server = g_new0(Server, 1);
    server->options = *options;
    server->engine = engine;
    server->host.engine = engine;
    server->host.sessions = session_store_new(engine);
    server->host.running = running_new(QUERIES_MAX);
    if (server_listen(server, error))
        return server;
    server_free(server);
    return NULL;
}

unsigned server_port(const Server *server)
{
    return server->port;
}

void server_tick(Server *server)
{
    session_store_sweep(server->host.sessions);
}

bool server_stop(Server *server, unsigned grace)
{
    running_close(server->host.running);
    int listening = MHD_quiesce_daemon(server->daemon);
    if (listening >= 0)
        close(listening);
    if (!running_wait(server->host.running, grace)) {
        engine_kill(server->engine, NULL);
        if (!running_wait(server->host.running, KILL_SECONDS))
            return false;
    }
    /* A query is over before its answer is out; stopping the daemon would cut that off. */
    for (unsigned waited = 0; atomic_load(&server->exchanges) > 0 && waited < SEND_SECONDS * 100; waited++)
        g_usleep(10000);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    return true;
}

void server_free(Server *server)
{
    session_store_free(server->host.sessions);
    running_free(server->host.running);
    g_free(server);
}
