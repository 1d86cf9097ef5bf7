#include "engine/metrics.h"

#include "control/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 16
#define IDLE_SECONDS    10

struct MetricsServer {
    Engine *engine;
    struct MHD_Daemon *daemon;
};

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static bool parse_address(const char *text, Address *out)
{
    const char *colon = strrchr(text, ':');
    char *end;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || !g_ascii_isdigit(colon[1]) || *end || port == 0 || port > 65535)
        return false;
    bool bracketed = *text == '[' && colon[-1] == ']';
    g_autofree char *host = bracketed ? g_strndup(text + 1, (gsize)(colon - text - 2)) : g_strndup(text, (gsize)(colon - text));
    *out = (Address){0};
    if (bracketed && inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        return true;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons((uint16_t)port);
    return !bracketed && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1;
}

bool metrics_address_is_valid(const char *text)
{
    Address address;
    return parse_address(text, &address);
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned code, const char *type, char *text_take)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text_take), text_take, MHD_RESPMEM_MUST_COPY);
    g_free(text_take);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *body, size_t *body_len, void **state)
{
    const MetricsServer *server = data;
    (void)version;
    (void)body;
    (void)state;
    bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!reads || *body_len)
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", g_strdup("only GET\n"));
    if (strcmp(url, "/metrics") != 0)
        return respond(connection, MHD_HTTP_NOT_FOUND, "text/plain", g_strdup("only /metrics is here\n"));
    g_autoptr(View) view = engine_view(server->engine);
    return respond(connection, MHD_HTTP_OK, METRICS_CONTENT_TYPE, metrics_text(view, NULL));
}

MetricsServer *metrics_server_start(Engine *engine, const char *text, GError **error)
{
    Address address;
    bool valid = parse_address(text, &address);
    g_assert(valid);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    MetricsServer *server = g_new0(MetricsServer, 1);
    server->engine = engine;
    errno = 0;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_CONNECTION_LIMIT,
                                      CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
    if (server->daemon)
        return server;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot listen on %s: %s: choose another address with sluice set --engine metrics=ADDRESS:PORT",
                text, errno ? g_strerror(errno) : "refused");
    g_free(server);
    return NULL;
}

void metrics_server_stop(MetricsServer *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    g_free(server);
}
