#include "clickhouse/http.h"
#include "clickhouse/http_error.h"
#include "clickhouse/request.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* One read callback fills this much: fewer turns through libcurl, and sends as large as the socket takes. */
#define UPLOAD_BUFFER (1024 * 1024)
/* A kept-alive connection is not used again this near to the end that the server told for it. */
#define KEEP_ALIVE_DEFAULT_S 30
#define SILENCE_USEC         (10 * 1000 * 1000)
#define PING_MS              3000
#define NOT_ENOUGH_SPACE     243
#define DEFINITION_ROOM      (4u << 20) /* bytes; what ClickHouse reserves for an insert is 1 MiB at least */
#define POLL_MS              1000 /* only a net below the cancel hook, which wakes the poll at once */

GQuark clickhouse_error_quark(void)
{
    return g_quark_from_static_string("sluice-clickhouse-error-quark");
}

struct Clickhouse {
    ClickhouseSilence silence; /* NULL: nobody is told */
    void *silence_data;
    Url *url;
    char *cluster; /* NULL: none */
    char *base;   /* "http://host:port" */
    char *server; /* "host:port" */
    char *secret; /* the password; NULL: none, or not read yet */
    bool secret_read;
    Cancel *cancel;
    unsigned hook;
    CURL *easy;
    CURLM *multi;
    Encoder *encoder;
    long keep_alive_s;
    char errors[CURL_ERROR_SIZE];

    /* of the answer under way */
    const HttpRequest *request;
    size_t sql_sent;
    GString *body;
    bool too_large;
    int exception_code;
    char *tag;
};

/* ---- URL ---- */

Url *clickhouse_url_parse(const char *text, GError **error)
{
    static const char *const PARAMS[] = {"ca", NULL};
    g_autoptr(Url) url = url_parse(text, error);
    if (!url)
        return NULL;
    bool tls = strcmp(url->scheme, "https") == 0;
    const char *wrong = NULL;
    if (!tls && strcmp(url->scheme, "http") != 0)
        wrong = "a destination is http://, https:// or embedded:";
    else if (!url->host)
        wrong = "it names no host";
    else if (strchr(url->path, '/'))
        wrong = "its path is more than a database; write / in a name as %2F";
    else if (!tls && url_param(url, "ca"))
        wrong = "ca= is for https://";
    else if (url->user && strpbrk(url->user, "\r\n"))
        wrong = "its user holds a line break";
    if (wrong) {
        g_autofree char *shown = url_redact(text);
        g_autofree char *clean = printable(shown, 200);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "destination %s: %s", clean, wrong);
        return NULL;
    }
    if (!url_check_params(url, PARAMS, error))
        return NULL;
    if (!url->port)
        url->port = tls ? 8443 : 8123;
    if (!*url->path) {
        g_free(url->path);
        url->path = g_strdup("default");
    }
    return g_steal_pointer(&url);
}

static Url *url_copy(const Url *from)
{
    Url *url = g_new0(Url, 1);
    url->scheme = g_strdup(from->scheme);
    url->user = g_strdup(from->user);
    url->password = g_strdup(from->password);
    url->host = g_strdup(from->host);
    url->port = from->port;
    url->path = g_strdup(from->path);
    url->params = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, from->params);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(url->params, g_strdup(key), g_strdup(value));
    return url;
}

/* ---- life ---- */

static void wake(void *data)
{
    curl_multi_wakeup(data);
}

static int set_socket_limits(void *data, curl_socket_t fd, curlsocktype purpose)
{
    (void)data;
    (void)purpose;
    unsigned timeout = CLICKHOUSE_UNACKED_MS;
    /* Best effort: without it a dead network is seen later, by the stall limit. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
    return CURL_SOCKOPT_OK;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || g_str_has_prefix(host, "127.");
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data);
static size_t take_header(char *bytes, size_t size, size_t count, void *data);
static size_t give_body(char *out, size_t size, size_t count, void *data);

static void set_options(Clickhouse *ch)
{
    CURL *easy = ch->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ch->errors);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket_limits);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLICKHOUSE_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)CLICKHOUSE_STALL_S);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, ch);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, ch);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for the resolver's thread */
#endif
    if (is_loopback(ch->url->host))
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (url_param(ch->url, "ca"))
        curl_easy_setopt(easy, CURLOPT_CAINFO, url_param(ch->url, "ca"));
}

static gpointer curl_setup(gpointer data)
{
    (void)data;
    return GINT_TO_POINTER(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

Clickhouse *clickhouse_new(const Url *url, Cancel *cancel, GError **error)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, curl_setup, NULL);
    g_autoptr(Clickhouse) ch = g_new0(Clickhouse, 1);
    ch->url = url_copy(url);
    bool bracket = strchr(url->host, ':') && *url->host != '[';
    ch->server = g_strdup_printf(bracket ? "[%s]:%u" : "%s:%u", url->host, url->port);
    ch->base = g_strdup_printf("%s://%s", url->scheme, ch->server);
    ch->keep_alive_s = KEEP_ALIVE_DEFAULT_S;
    ch->body = g_string_new(NULL);
    ch->encoder = encoder_new();
    ch->easy = GPOINTER_TO_INT(once.retval) ? curl_easy_init() : NULL;
    ch->multi = ch->easy ? curl_multi_init() : NULL;
    if (!ch->multi) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "libcurl does not start: out of memory or a broken install");
        return NULL;
    }
    set_options(ch);
    if (cancel) {
        ch->cancel = cancel_ref(cancel);
        ch->hook = cancel_add_hook(cancel, wake, ch->multi);
    }
    return g_steal_pointer(&ch);
}

void clickhouse_free(Clickhouse *ch)
{
    if (!ch)
        return;
    if (ch->cancel) {
        cancel_remove_hook(ch->cancel, ch->hook);
        cancel_unref(ch->cancel);
    }
    curl_easy_cleanup(ch->easy);
    curl_multi_cleanup(ch->multi);
    encoder_free(ch->encoder);
    url_secret_free(ch->secret);
    url_free(ch->url);
    g_free(ch->cluster);
    g_free(ch->base);
    g_free(ch->server);
    g_free(ch->tag);
    g_string_free(ch->body, TRUE);
    g_free(ch);
}

const char *clickhouse_database(const Clickhouse *ch)
{
    return ch->url->path;
}

void clickhouse_set_cluster(Clickhouse *ch, const char *cluster)
{
    g_free(ch->cluster);
    ch->cluster = cluster && *cluster ? g_strdup(cluster) : NULL;
}

void clickhouse_append_cluster(const Clickhouse *ch, GString *sql)
{
    if (!ch->cluster)
        return;
    g_string_append(sql, " ON CLUSTER ");
    clickhouse_quote_name(sql, ch->cluster);
}

bool clickhouse_is_local(const Clickhouse *ch)
{
    return is_loopback(ch->url->host);
}

const char *http_user(const Clickhouse *ch)
{
    return ch->url->user ? ch->url->user : "default";
}

const char *http_server(const Clickhouse *ch)
{
    return ch->server;
}

Encoder *http_encoder(Clickhouse *ch)
{
    return ch->encoder;
}

/* ---- the answer ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    Clickhouse *ch = data;
    size_t len = size * count;
    if (ch->body->len + len > CLICKHOUSE_RESULT_MAX) {
        ch->too_large = true;
        return 0;
    }
    g_string_append_len(ch->body, bytes, (gssize)len);
    return len;
}

/* The value of a header of that name, else NULL. Free with g_free. */
static char *header_value(const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);
    if (len <= n || g_ascii_strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return g_strstrip(g_strndup(line + n + 1, len - n - 1));
}

static size_t take_header(char *bytes, size_t size, size_t count, void *data)
{
    Clickhouse *ch = data;
    size_t len = size * count;
    g_autofree char *code = header_value(bytes, len, "X-ClickHouse-Exception-Code");
    g_autofree char *tag = header_value(bytes, len, "X-ClickHouse-Exception-Tag");
    g_autofree char *keep = header_value(bytes, len, "Keep-Alive");
    if (code)
        ch->exception_code = (int)CLAMP(g_ascii_strtoll(code, NULL, 10), 0, G_MAXINT);
    if (tag) {
        g_free(ch->tag);
        ch->tag = g_steal_pointer(&tag);
    }
    /* "timeout=10, max=9999": the server closes the idle connection then, perhaps just when we send again. */
    const char *timeout = keep ? strstr(keep, "timeout=") : NULL;
    if (timeout)
        ch->keep_alive_s = (long)CLAMP(g_ascii_strtoll(timeout + 8, NULL, 10), 1, 3600);
    return len;
}

/* ---- the request ---- */

/* The statement when it is the body, else the encoder's bytes. There is no seek function: a request that changes
 * something is never silently sent twice by libcurl. */
static size_t give_body(char *out, size_t size, size_t count, void *data)
{
    Clickhouse *ch = data;
    if (cancel_requested(ch->cancel))
        return CURL_READFUNC_ABORT;
    if (ch->request->body) {
        gssize n = encoder_read(ch->request->body, out, size * count);
        return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
    }
    const char *rest = ch->request->sql + ch->sql_sent;
    size_t n = MIN(strlen(rest), size * count);
    memcpy(out, rest, n);
    ch->sql_sent += n;
    return n;
}

static void append_parameter(GString *url, const char *name, const char *value)
{
    g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);
    g_string_append_printf(url, "%c%s=%s", strchr(url->str, '?') ? '&' : '?', name, escaped);
}

static char *request_url(Clickhouse *ch, const HttpRequest *request)
{
    GString *url = g_string_new(ch->base);
    g_string_append(url, request->path ? request->path : "/");
    if (!request->path) {
        append_parameter(url, "wait_end_of_query", "1");
        if (!request->without_database)
            append_parameter(url, "database", ch->url->path);
        for (const char *const *s = request->settings; s && s[0]; s += 2)
            append_parameter(url, s[0], s[1]);
        if (request->body)
            append_parameter(url, "query", request->sql);
    }
    return g_string_free(url, FALSE);
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    g_autofree char *line = g_strdup_printf("%s: %s", name, value);
    *list = curl_slist_append(*list, line);
    explicit_bzero(line, strlen(line));
}

/* The headers hold the password. */
static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *item = list; item; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(list);
}

static struct curl_slist *request_headers(Clickhouse *ch, const HttpRequest *request)
{
    struct curl_slist *list = NULL;
    list = curl_slist_append(list, "Expect:");
    if (request->path)
        return list;
    add_header(&list, "X-ClickHouse-User", http_user(ch));
    if (ch->secret)
        add_header(&list, "X-ClickHouse-Key", ch->secret);
    list = curl_slist_append(list, request->body ? "Content-Type: application/octet-stream"
                                                 : "Content-Type: text/plain; charset=UTF-8");
    if (request->body && encoder_content_encoding(request->body))
        add_header(&list, "Content-Encoding", encoder_content_encoding(request->body));
    if (request->body && encoder_size(request->body) < 0)
        list = curl_slist_append(list, "Transfer-Encoding: chunked");
    return list;
}

static bool read_secret(Clickhouse *ch, GError **error)
{
    if (ch->secret_read)
        return true;
    GError *failed = NULL;
    ch->secret = url_read_password(ch->url, &failed);
    if (failed) {
        g_propagate_error(error, failed);
        return false;
    }
    if (ch->secret && strpbrk(ch->secret, "\r\n")) {
        url_secret_free(g_steal_pointer(&ch->secret));
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "the password for ClickHouse at %s holds a line break, which no HTTP header can carry", ch->server);
        return false;
    }
    ch->secret_read = true;
    return true;
}

static void forget_secret(Clickhouse *ch)
{
    url_secret_free(g_steal_pointer(&ch->secret));
    ch->secret_read = false;
}

static void set_method(Clickhouse *ch, const HttpRequest *request)
{
    CURL *easy = ch->easy;
    if (request->path) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    int64_t size = request->body ? encoder_size(request->body) : (int64_t)strlen(request->sql);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->reads ? request->sql : NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
}

void clickhouse_watch(Clickhouse *ch, ClickhouseSilence silence, void *data)
{
    ch->silence = silence;
    ch->silence_data = data;
}

/* `since`: when it was last looked at, `times`: how often it was silent then. */
static void watch(Clickhouse *ch, int64_t *since, unsigned *times)
{
    if (!ch->silence || clock_monotonic_usec() - *since < SILENCE_USEC)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(Clickhouse) other = clickhouse_new(ch->url, ch->cancel, NULL);
    bool answers = !other || clickhouse_ping(other, PING_MS, &error);
    if (cancel_requested(ch->cancel))
        return;
    if (!answers)
        ch->silence(ch->silence_data, error, ++*times);
    else if (*times)
        ch->silence(ch->silence_data, NULL, 0);
    *times = answers ? 0 : *times;
    *since = clock_monotonic_usec();
}

/* Carries one transfer through, or ends it when cancelled. */
static bool transfer(Clickhouse *ch, CURLcode *result)
{
    int running = 1;
    bool cancelled = false;
    int64_t looked = clock_monotonic_usec();
    unsigned silent = 0;
    *result = CURLE_FAILED_INIT;
    if (curl_multi_add_handle(ch->multi, ch->easy) != CURLM_OK)
        return true;
    while (running) {
        if (curl_multi_perform(ch->multi, &running) != CURLM_OK)
            break;
        cancelled = running && cancel_requested(ch->cancel);
        if (cancelled || (running && curl_multi_poll(ch->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK))
            break;
        watch(ch, &looked, &silent);
    }
    if (silent && !cancelled)
        ch->silence(ch->silence_data, NULL, 0);
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(ch->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            *result = message->data.result;
    }
    curl_multi_remove_handle(ch->multi, ch->easy);
    return !cancelled;
}

static void set_transport_error(Clickhouse *ch, CURLcode result, GError **error)
{
    long request_bytes = 0, os_errno = 0;
    curl_easy_getinfo(ch->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(ch->easy, CURLINFO_OS_ERRNO, &os_errno);
    const char *said = *ch->errors ? ch->errors : curl_easy_strerror(result);
    if (result == CURLE_COULDNT_CONNECT && os_errno)
        said = g_strerror((int)os_errno); /* "Couldn't connect to server" does not say why */
    else if (result == CURLE_OPERATION_TIMEDOUT)
        said = "no answer in time"; /* without the milliseconds: the same stall is to read the same each time */
    g_autofree char *why = printable(said, 300);
    if (ch->too_large) {
        g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_HTTP,
                    "ClickHouse at %s: the result is larger than %u MiB; add a LIMIT", ch->server,
                    CLICKHOUSE_RESULT_MAX >> 20);
        return;
    }
    switch (result) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
        g_set_error(
            error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_TLS,
            "no TLS with ClickHouse at %s: %s; check its certificate and ca= of the destination URL, or whether the "
            "port speaks TLS",
            ch->server, why);
        return;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_HTTP,
                    "what answers at %s does not speak HTTP: %s; check the port (ClickHouse's is 8123, with TLS 8443)",
                    ch->server, why);
        return;
    default:
        break;
    }
    if (request_bytes > 0)
        g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN,
                    "the connection to ClickHouse at %s broke during a request: %s; see whether the server restarted",
                    ch->server, why);
    else
        g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT,
                    "cannot reach ClickHouse at %s: %s; see whether it runs, and whether host and port are right",
                    ch->server, why);
}

static void begin_answer(Clickhouse *ch, const HttpRequest *request)
{
    ch->request = request;
    ch->sql_sent = 0;
    ch->too_large = false;
    ch->exception_code = 0;
    g_clear_pointer(&ch->tag, g_free);
    g_string_truncate(ch->body, 0);
    ch->errors[0] = '\0';
}

/* Keeps the buffer of a usual answer, gives that of a large one away. */
static char *steal_body(Clickhouse *ch, size_t *len)
{
    if (len)
        *len = ch->body->len;
    char *body = g_string_free(ch->body, FALSE);
    ch->body = g_string_new(NULL);
    return body;
}

char *http_request(Clickhouse *ch, const HttpRequest *request, size_t *len, GError **error)
{
    if (cancel_set_error(ch->cancel, error) || !read_secret(ch, error))
        return NULL;
    begin_answer(ch, request);
    g_autofree char *url = request_url(ch, request);
    struct curl_slist *headers = request_headers(ch, request);
    set_method(ch, request);
    curl_easy_setopt(ch->easy, CURLOPT_URL, url);
    curl_easy_setopt(ch->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(ch->easy, CURLOPT_MAXAGE_CONN, MAX(ch->keep_alive_s - 1, 1L));
    CURLcode result;
    bool whole = transfer(ch, &result);
    curl_easy_setopt(ch->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(ch->easy, CURLOPT_POSTFIELDS, NULL);
    free_headers(headers);
    ch->request = NULL;
    if (!whole || (result == CURLE_ABORTED_BY_CALLBACK && cancel_requested(ch->cancel))) {
        cancel_set_error(ch->cancel, error);
        return NULL;
    }
    HttpAnswer answer = {.server = ch->server,
                         .user = http_user(ch),
                         .exception_code = ch->exception_code,
                         .tag = ch->tag,
                         .body = ch->body->str,
                         .len = ch->body->len,
                         .has_result = request->has_result};
    curl_easy_getinfo(ch->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    /* A server that refuses a request may close the connection before it has taken all of the body: its answer counts.
     */
    bool refused = result != CURLE_OK && (ch->exception_code || answer.status >= 400) && !ch->too_large;
    if (result != CURLE_OK && !refused) {
        set_transport_error(ch, result, error);
        return NULL;
    }
    GError *failed = http_error_of_answer(&answer);
    if (failed) {
        if (answer.status == 401 || answer.status == 403 || failed->code == 516 ||
            (failed->code >= 192 && failed->code <= 194))
            forget_secret(ch); /* it may have been changed meanwhile */
        g_propagate_error(error, failed);
        return NULL;
    }
    return steal_body(ch, len);
}

/* ---- statements ---- */

char *clickhouse_query(Clickhouse *ch, const char *sql, const char *const *settings, size_t *len, GError **error)
{
    HttpRequest request = {.sql = sql, .settings = settings, .has_result = true};
    return http_request(ch, &request, len, error);
}

bool clickhouse_exec(Clickhouse *ch, const char *sql, const char *const *settings, GError **error)
{
    HttpRequest request = {.sql = sql, .settings = settings};
    g_autofree char *body = http_request(ch, &request, NULL, error);
    return body != NULL;
}

bool http_has_room(Clickhouse *ch, GError **error)
{
    /* Definitions stand on this disk whatever the table's policy. Who may not look finds no row. */
    HttpRequest request = {.sql = "SELECT free_space FROM system.disks WHERE name = 'default'",
                           .reads = true,
                           .has_result = true,
                           .without_database = true};
    g_autofree char *body = http_request(ch, &request, NULL, NULL);
    if (!body || !g_ascii_isdigit(*body) || g_ascii_strtoull(body, NULL, 10) >= DEFINITION_ROOM)
        return true;
    g_set_error(error, CLICKHOUSE_ERROR, NOT_ENOUGH_SPACE,
                "ClickHouse at %s: less than %u MiB are free on its disk, not enough space for a definition (code %d, "
                "NOT_ENOUGH_SPACE); free disk space at the destination",
                ch->server, DEFINITION_ROOM >> 20, NOT_ENOUGH_SPACE);
    return false;
}

void clickhouse_set_patience(Clickhouse *ch, unsigned ms)
{
    curl_easy_setopt(ch->easy, CURLOPT_TIMEOUT_MS, (long)ms);
}

bool clickhouse_ping(Clickhouse *ch, unsigned patience_ms, GError **error)
{
    HttpRequest request = {.path = "/ping", .reads = true, .has_result = true};
    curl_easy_setopt(ch->easy, CURLOPT_TIMEOUT_MS, (long)patience_ms);
    g_autofree char *body = http_request(ch, &request, NULL, error);
    curl_easy_setopt(ch->easy, CURLOPT_TIMEOUT_MS, 0L);
    if (!body)
        return false;
    if (strcmp(body, "Ok.\n") == 0)
        return true;
    g_autofree char *shown = printable(body, 60);
    g_set_error(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_HTTP,
                "what answers at %s is not ClickHouse: /ping says \"%s\"; check host and port", ch->server, shown);
    return false;
}

/* TabSeparated's escapes, undone in place: the field from `from` to `to`. "\N" alone is NULL and stays as it is. */
static char *unescape_field(const char *from, const char *to)
{
    char *field = g_malloc((size_t)(to - from) + 1), *out = field;
    if (to - from == 2 && from[0] == '\\' && from[1] == 'N')
        return strcpy(field, "\\N");
    for (const char *p = from; p < to; p++) {
        if (*p != '\\' || p + 1 == to) {
            *out++ = *p;
            continue;
        }
        static const char FROM[] = "bfrnt0", TO[] = "\b\f\r\n\t\0";
        const char *known = strchr(FROM, *++p);
        *out++ = known ? TO[known - FROM] : *p;
    }
    *out = '\0';
    return field;
}

static char **parse_row(const char *line, const char *end)
{
    GPtrArray *fields = g_ptr_array_new();
    for (;;) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        g_ptr_array_add(fields, unescape_field(line, tab ? tab : end));
        if (!tab)
            break;
        line = tab + 1;
    }
    g_ptr_array_add(fields, NULL);
    return (char **)g_ptr_array_free(fields, FALSE);
}

static void free_row(gpointer row)
{
    g_strfreev(row);
}

GPtrArray *http_request_rows(Clickhouse *ch, const HttpRequest *request, GError **error)
{
    static const char *const FORMAT[] = {"default_format", "TabSeparated", NULL};
    HttpRequest asked = *request;
    asked.settings = FORMAT;
    asked.has_result = asked.reads = true;
    size_t len;
    g_autofree char *body = http_request(ch, &asked, &len, error);
    if (!body)
        return NULL;
    GPtrArray *rows = g_ptr_array_new_with_free_func(free_row);
    for (const char *line = body, *end = body + len; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        g_ptr_array_add(rows, parse_row(line, stop));
        line = stop + 1;
    }
    return rows;
}

GPtrArray *clickhouse_query_rows(Clickhouse *ch, const char *sql, GError **error)
{
    HttpRequest request = {.sql = sql};
    return http_request_rows(ch, &request, error);
}

char *clickhouse_query_value(Clickhouse *ch, const char *sql, GError **error)
{
    g_autoptr(GPtrArray) rows = clickhouse_query_rows(ch, sql, error);
    if (!rows || rows->len == 0)
        return NULL;
    char **row = g_ptr_array_index(rows, 0);
    return g_strdup(row[0]);
}

/* ---- quoting ---- */

static void quote(GString *out, const char *text, char mark)
{
    g_string_append_c(out, mark);
    for (const char *p = text; *p; p++) {
        if (*p == mark || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, mark);
}

void clickhouse_quote_name(GString *out, const char *name)
{
    quote(out, name, '`');
}

void clickhouse_quote_string(GString *out, const char *text)
{
    quote(out, text, '\'');
}

void clickhouse_quote_table(GString *out, const char *database, const char *table)
{
    clickhouse_quote_name(out, database);
    g_string_append_c(out, '.');
    clickhouse_quote_name(out, table);
}
