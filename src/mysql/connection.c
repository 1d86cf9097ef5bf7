#include "mysql/connection.h"
#include "mysql/connection_private.h"

#include <errmsg.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

GQuark source_error_quark(void)
{
    return g_quark_from_static_string("sluice-source-error-quark");
}

#define CONNECT_TIMEOUT_SECONDS 10u
#define PROBE_TIMEOUT_MS        2000
#define DEFAULT_PORT            3306

/* Of a server's packets to us; rows above it cannot be read. The protocol's own limit is 1 GiB. */
#define MAX_PACKET_BYTES (1024ul * 1024 * 1024)

/* What may be used to prove who we are. Clear-text passwords (mysql_clear_password) and questions put to a terminal
 * (dialog) are left out: a rogue server could ask for either. */
#define ALLOWED_AUTH                                                                                                   \
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,auth_gssapi_client"

struct SourceConnection {
    MYSQL *mysql;
    int fd;
    char *place; /* "127.0.0.1:3306", or the socket's path: for messages */
    Cancel *cancel;
    unsigned cancel_hook;
    SourceServer server;
};

typedef enum { TLS_DISABLED, TLS_PREFERRED, TLS_REQUIRED, TLS_VERIFY_CA, TLS_VERIFY_IDENTITY } TlsMode;

static const char *const tls_mode_names[] = {"disabled", "preferred", "required", "verify-ca", "verify-identity", NULL};

/* --- The URL --- */

static bool tls_mode_parse(const Url *url, TlsMode *mode, GError **error)
{
    const char *text = url_param(url, "ssl-mode");

    *mode = TLS_PREFERRED;
    if (text == NULL)
        return true;
    for (unsigned i = 0; tls_mode_names[i] != NULL; i++) {
        if (g_ascii_strcasecmp(text, tls_mode_names[i]) == 0) {
            *mode = (TlsMode)i;
            return true;
        }
    }
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                "source URL: ssl-mode is '%s', but must be disabled, preferred, required, verify-ca or verify-identity",
                text);
    return false;
}

Url *source_url_parse(const char *text, GError **error)
{
    static const char *const names[] = {"ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket", NULL};
    g_autoptr(Url) url = url_parse(text, error);
    TlsMode mode;

    if (url == NULL)
        return NULL;
    if (strcmp(url->scheme, "mysql") != 0 && strcmp(url->scheme, "mariadb") != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "source URL: the scheme is '%s', but must be mysql:// or mariadb://", url->scheme);
        return NULL;
    }
    if (!url_check_params(url, names, error) || !tls_mode_parse(url, &mode, error))
        return NULL;
    if (url->user == NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "source URL: no user is given: write mysql://USER@HOST:PORT/?password-file=FILE");
        return NULL;
    }
    if (url->host == NULL && url_param(url, "socket") == NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "source URL: no host is given: write mysql://USER@HOST:PORT/ or mysql://USER@/?socket=PATH");
        return NULL;
    }
    if (url->path[0] != '\0') {
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
            "source URL: it ends with a database name ('%s'): tables are named DATABASE.TABLE instead, leave it "
            "out",
            url->path);
        return NULL;
    }
    if ((url_param(url, "ssl-cert") == NULL) != (url_param(url, "ssl-key") == NULL)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "source URL: ssl-cert and ssl-key must be given together");
        return NULL;
    }
    if (mode == TLS_VERIFY_CA && url_param(url, "ssl-ca") == NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "source URL: ssl-mode=verify-ca needs ssl-ca=FILE");
        return NULL;
    }
    if (url->port == 0)
        url->port = DEFAULT_PORT;
    return g_steal_pointer(&url);
}

/* --- Errors --- */

/* What the operator can do about an error of the server or the client library; NULL: the text says it all. */
static const char *error_mend(unsigned number)
{
    switch (number) {
    case 1040: /* ER_CON_COUNT_ERROR */
    case 1203: /* ER_TOO_MANY_USER_CONNECTIONS */
    case 1226: /* ER_USER_LIMIT_REACHED */
        return "raise max_connections (or the account's limit) at the source, or lower the setting 'readers'";
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
    case 1142: /* ER_TABLEACCESS_DENIED_ERROR */
    case 1143: /* ER_COLUMNACCESS_DENIED_ERROR */
    case 1227: /* ER_SPECIFIC_ACCESS_DENIED_ERROR */
        return "grant the account that privilege";
    case 1045: /* ER_ACCESS_DENIED_ERROR */
    case 1698: /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
        return "check the user, the password, and that this account may log in from this host";
    case 1129: /* ER_HOST_IS_BLOCKED */
        return "run FLUSH HOSTS at the source";
    case 1130: /* ER_HOST_NOT_PRIVILEGED */
        return "create an account at the source that may log in from this host";
    case 1146: /* ER_NO_SUCH_TABLE */
    case 1049: /* ER_BAD_DB_ERROR */
        return "check the name, its letters' case included";
    case 1205: /* ER_LOCK_WAIT_TIMEOUT */
        return "another session holds a lock on the table: end it, or try again later";
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
        return "check that the server runs, listens there, and that no firewall stands between";
    case CR_UNKNOWN_HOST:
        return "check the host name in the source URL";
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
        return "check the server's log and the network";
    case CR_SSL_CONNECTION_ERROR:
        return "check ssl-mode and ssl-ca in the source URL and the server's certificate";
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
#ifdef CR_PLUGIN_NOT_ALLOWED
    case CR_PLUGIN_NOT_ALLOWED:
#endif
        return "let the account use mysql_native_password, caching_sha2_password or ed25519";
    default:
        return NULL;
    }
}

/* libmariadb says of any connection with TLS that breaks that TLS is at fault. */
static bool tls_only_broke(unsigned number, const char *text)
{
    return number == CR_SSL_CONNECTION_ERROR && (strcasestr(text, "unexpected eof") || strcasestr(text, "timed out") || strcasestr(text, "reset by peer"));
}

static void set_mysql_error(GError **error, unsigned number, const char *what, const char *text)
{
    g_autofree char *shown = printable(text, 400);
    const char *mend = error_mend(tls_only_broke(number, text) ? CR_SERVER_LOST : number);

    g_set_error(error, SOURCE_ERROR, (int)number, "cannot %s: %s (error %u)%s%s", what, shown, number,
                mend != NULL ? ": " : "", mend != NULL ? mend : "");
}

void source_set_error(SourceConnection *source, const char *what, GError **error)
{
    if (cancel_set_error(source->cancel, error))
        return;
    set_mysql_error(error, mysql_errno(source->mysql), what, mysql_error(source->mysql));
}

void source_set_statement_error(SourceConnection *source, MYSQL_STMT *statement, const char *what, GError **error)
{
    if (cancel_set_error(source->cancel, error))
        return;
    set_mysql_error(error, mysql_stmt_errno(statement), what, mysql_stmt_error(statement));
}

/* --- Connecting ---
 *
 * Name look-up, connect and hand-shake block inside libmariadb, which offers no socket to shut down before the end. So
 * they run in a thread of their own which owns all that it uses; when the caller's Cancel is requested the caller
 * leaves at once, and the thread, at most CONNECT_TIMEOUT_SECONDS later, cleans up behind itself. */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool finished, cancelled, abandoned;
    bool connected;
    int why; /* errno of the refused connect; 0: not known */
    MYSQL *mysql;
    char *host, *user, *password, *socket;
    uint16_t port;
} Attempt;

static void attempt_free(Attempt *attempt)
{
    if (attempt->mysql != NULL)
        mysql_close(attempt->mysql);
    g_free(attempt->host);
    g_free(attempt->user);
    url_secret_free(attempt->password);
    g_free(attempt->socket);
    pthread_cond_destroy(&attempt->changed);
    pthread_mutex_destroy(&attempt->lock);
    g_free(attempt);
}

/* errno of a TCP connect to the address, 0 when it works or nothing is heard in time. */
static int address_probe(const struct addrinfo *address)
{
    struct pollfd waiting = {.fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .events = POLLOUT};
    socklen_t length = sizeof(int);
    int why = 0;

    if (waiting.fd < 0)
        return errno;
    if (connect(waiting.fd, address->ai_addr, address->ai_addrlen) != 0) {
        if (errno != EINPROGRESS)
            why = errno;
        else if (poll(&waiting, 1, PROBE_TIMEOUT_MS) > 0)
            getsockopt(waiting.fd, SOL_SOCKET, SO_ERROR, &why, &length);
    }
    close(waiting.fd);
    return why;
}

/* Connector/C says "(115)", which is "in progress", whatever the end was [tried on 3.3.20]: the real reason is asked for
 * once more. */
static int connect_probe(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    g_autofree char *service = g_strdup_printf("%u", port);
    int why = 0;

    if (getaddrinfo(host, service, &hints, &addresses) != 0)
        return 0;
    for (const struct addrinfo *address = addresses; address != NULL && why == 0; address = address->ai_next)
        why = address_probe(address);
    freeaddrinfo(addresses);
    return why;
}

static void attempt_connect(Attempt *attempt)
{
    attempt->connected = mysql_real_connect(attempt->mysql, attempt->socket != NULL ? "localhost" : attempt->host,
                                            attempt->user, attempt->password != NULL ? attempt->password : "", NULL,
                                            attempt->port, attempt->socket, 0) != NULL;
    unsigned number = mysql_errno(attempt->mysql);
    if (!attempt->connected && attempt->socket == NULL && (number == CR_CONNECTION_ERROR || number == CR_CONN_HOST_ERROR))
        attempt->why = connect_probe(attempt->host, attempt->port);
}

static _Atomic unsigned attempts_under_way;

/* At the end of a program that ends by exit(), before the TLS library takes itself down: a hand-shake that nobody waits
 * for any more would fall over that [seen on OpenSSL 3.0]. A server that answers is done in no time; one that does not
 * keeps its attempt out of that library, and us not for long. */
static void attempts_wait(void)
{
    for (unsigned ms = 0; ms < 5000 && atomic_load(&attempts_under_way) > 0; ms += 5)
        g_usleep(5000);
}

static void *attempt_thread(void *data)
{
    Attempt *attempt = data;
    bool abandoned;

    attempt_connect(attempt);
    pthread_mutex_lock(&attempt->lock);
    attempt->finished = true;
    abandoned = attempt->abandoned;
    pthread_cond_signal(&attempt->changed);
    pthread_mutex_unlock(&attempt->lock);
    if (abandoned)
        attempt_free(attempt);
    atomic_fetch_sub(&attempts_under_way, 1);
    return NULL;
}

static void attempt_cancelled(void *data)
{
    Attempt *attempt = data;

    pthread_mutex_lock(&attempt->lock);
    attempt->cancelled = true;
    pthread_cond_signal(&attempt->changed);
    pthread_mutex_unlock(&attempt->lock);
}

/* Connects, or leaves when cancelled. False: the attempt is gone (error set), or was made but failed (error not set).
 */
static bool attempt_run(Attempt *attempt, Cancel *cancel, GError **error, bool *gone)
{
    pthread_attr_t detached;
    pthread_t thread;
    unsigned hook;
    bool abandoned;
    int failed;

    *gone = false;
    if (cancel == NULL) {
        attempt_connect(attempt);
        return attempt->connected;
    }
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    atomic_fetch_add(&attempts_under_way, 1);
    failed = pthread_create(&thread, &detached, attempt_thread, attempt);
    pthread_attr_destroy(&detached);
    if (failed != 0) {
        atomic_fetch_sub(&attempts_under_way, 1);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot start a thread: %s", g_strerror(failed));
        *gone = true;
        attempt_free(attempt);
        return false;
    }
    hook = cancel_add_hook(cancel, attempt_cancelled, attempt);
    pthread_mutex_lock(&attempt->lock);
    while (!attempt->finished && !attempt->cancelled)
        pthread_cond_wait(&attempt->changed, &attempt->lock);
    pthread_mutex_unlock(&attempt->lock);
    cancel_remove_hook(cancel, hook); /* before `abandoned`: after that the attempt may be gone any time */
    pthread_mutex_lock(&attempt->lock);
    abandoned = !attempt->finished;
    attempt->abandoned = abandoned;
    pthread_mutex_unlock(&attempt->lock);
    if (abandoned) {
        cancel_set_error(cancel, error);
        *gone = true;
        return false;
    }
    return attempt->connected;
}

/* Connector/C before 3.4 checks the chain as soon as a CA is given, and VERIFY_SERVER_CERT adds the host name [tried on
 * 3.3.20]. Later ones take both together under that option: there verify-ca checks the name too, which is stricter. */
static bool library_verifies_by_ca(void)
{
    unsigned long version = mysql_get_client_version();

    return version >= 30300 && version < 30400;
}

static void options_set(MYSQL *mysql, const Url *url, TlsMode mode, unsigned read_timeout)
{
    const char *ca = url_param(url, "ssl-ca");
    const char *cert = url_param(url, "ssl-cert");
    const char *key = url_param(url, "ssl-key");
    unsigned connect_timeout = CONNECT_TIMEOUT_SECONDS;
    unsigned protocol = url_param(url, "socket") != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned off = 0;
    unsigned long max_packet = MAX_PACKET_BYTES;
    my_bool no = 0, yes = 1;

    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
    mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
    mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &max_packet);
    mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, ALLOWED_AUTH);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sluice");
    if (read_timeout > 0)
        mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &read_timeout);
    if (mode == TLS_DISABLED || protocol == MYSQL_PROTOCOL_SOCKET)
        return;
    /* With ENFORCE the library takes TLS where the server has it and else goes on in plain: that is `preferred`; the
     * stricter modes are checked after connecting. */
    mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (ca != NULL)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, ca);
    if (cert != NULL) {
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CERT, cert);
        mysql_optionsv(mysql, MYSQL_OPT_SSL_KEY, key);
    }
    mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
                   mode == TLS_VERIFY_IDENTITY || (mode == TLS_VERIFY_CA && !library_verifies_by_ca()) ? &yes : &no);
}

/* A dead peer is noticed within about a minute although a slow statement may take longer without a byte. */
static void socket_keepalive(int fd)
{
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
    int idle = 30, interval = 10, count = 3;

    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
#endif
}

void source_shutdown(SourceConnection *source)
{
    shutdown(source->fd, SHUT_RDWR);
}

static void cancelled(void *data)
{
    source_shutdown(data);
}

/* --- The session --- */

static bool session_set(SourceConnection *source, GError **error)
{
    return source_exec(source,
                       "SET SESSION autocommit=1, sql_mode='', time_zone='+00:00', character_set_results=NULL, "
                       "lock_wait_timeout=5, net_write_timeout=600, wait_timeout=28800, sql_select_limit=DEFAULT, "
                       "sql_quote_show_create=1",
                       error) &&
           source_exec(source, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", error);
}

/* A time limit meant for people's queries must not cut off the reading of a range, nor a moment of the past that they
 * are to see decide what rows it has (SESSION ... = DEFAULT means the present, whatever is set GLOBAL [tried on
 * MariaDB 10.11, 11.8]); and the number of rows that MySQL tells is not to be a day old. */
static bool session_lift_limits(SourceConnection *source, GError **error)
{
    return source_exec(source,
                       source->server.flavour == SOURCE_MARIADB
                           ? "SET SESSION max_statement_time=0, system_versioning_asof=DEFAULT"
                           : "SET SESSION max_execution_time=0, information_schema_stats_expiry=0",
                       error);
}

static unsigned version_parse(const char *text)
{
    unsigned major = 0, minor = 0, patch = 0;

    sscanf(text, "%u.%u.%u", &major, &minor, &patch);
    return MIN(major, 999u) * 10000 + MIN(minor, 99u) * 100 + MIN(patch, 99u);
}

static bool server_learn(SourceConnection *source, GError **error)
{
    SourceServer *server = &source->server;
    g_autoptr(SourceRows) rows =
        source_query(source,
                     "SELECT VERSION(), @@version_comment, @@server_id, @@hostname, @@port, @@log_bin, "
                     "@@lower_case_table_names, FROM_UNIXTIME(4294967295) IS NOT NULL",
                     error);
    if (rows == NULL)
        return false;
    server->version_text = g_strdup(source_rows_get(rows, 0, 0));
    server->version = version_parse(server->version_text);
    server->flavour = strstr(server->version_text, "MariaDB") != NULL ||
                              g_strrstr(source_rows_get(rows, 0, 1), "MariaDB") != NULL ||
                              g_strrstr(source_rows_get(rows, 0, 1), "mariadb") != NULL
                          ? SOURCE_MARIADB
                          : SOURCE_MYSQL;
    server->server_id = (uint32_t)g_ascii_strtoull(source_rows_get(rows, 0, 2), NULL, 10);
    server->log_bin = strcmp(source_rows_get(rows, 0, 5), "0") != 0;
    server->lower_case_table_names = atoi(source_rows_get(rows, 0, 6));
    server->timestamp_max = strcmp(source_rows_get(rows, 0, 7), "1") == 0 ? UINT32_MAX : INT32_MAX;
    if (server->flavour == SOURCE_MARIADB) {
        server->gtid = true;
        server->identity =
            g_strdup_printf("%u/%s/%s", server->server_id, source_rows_get(rows, 0, 3), source_rows_get(rows, 0, 4));
    } else {
        g_autofree char *gtid_mode = NULL;

        server->identity = source_query_value(source, "SELECT @@server_uuid", error);
        if (server->identity == NULL)
            return false;
        gtid_mode = source_query_value(source, "SELECT @@gtid_mode", error);
        if (gtid_mode == NULL)
            return false;
        server->gtid = strcmp(gtid_mode, "ON") == 0;
    }
    return session_lift_limits(source, error);
}

static Attempt *attempt_new(const Url *url, TlsMode mode, unsigned read_timeout, GError **error)
{
    GError *password_error = NULL;
    char *password = url_read_password(url, &password_error);
    Attempt *attempt;

    if (password_error != NULL) {
        g_propagate_error(error, password_error);
        return NULL;
    }
    attempt = g_new0(Attempt, 1);
    pthread_mutex_init(&attempt->lock, NULL);
    pthread_cond_init(&attempt->changed, NULL);
    attempt->mysql = mysql_init(NULL);
    g_assert(attempt->mysql != NULL);
    options_set(attempt->mysql, url, mode, read_timeout);
    attempt->host = g_strdup(url->host);
    attempt->user = g_strdup(url->user);
    attempt->password = password;
    attempt->socket = g_strdup(url_param(url, "socket"));
    attempt->port = url->port != 0 ? url->port : DEFAULT_PORT;
    return attempt;
}

SourceConnection *source_open_timeout(const Url *url, unsigned read_timeout, Cancel *cancel, GError **error)
{
    static gsize initialised = 0;
    g_autoptr(SourceConnection) source = NULL;
    g_autofree char *what = NULL;
    const char *socket_path = url_param(url, "socket");
    Attempt *attempt;
    TlsMode mode;
    bool gone;

    if (g_once_init_enter(&initialised)) {
        int failed = mysql_server_init(0, NULL, NULL);

        g_assert(failed == 0);
        failed = atexit(attempts_wait);
        g_assert(failed == 0);
        g_once_init_leave(&initialised, 1);
    }
    if (cancel_set_error(cancel, error) || !tls_mode_parse(url, &mode, error))
        return NULL;
    attempt = attempt_new(url, mode, read_timeout, error);
    if (attempt == NULL)
        return NULL;
    source = g_new0(SourceConnection, 1);
    source->fd = -1;
    source->place =
        socket_path != NULL ? g_strdup(socket_path) : g_strdup_printf("%s:%u", attempt->host, attempt->port);
    what = g_strdup_printf("connect to the source at %s", source->place);
    if (!attempt_run(attempt, cancel, error, &gone)) {
        if (!gone) {
            set_mysql_error(error, mysql_errno(attempt->mysql), what,
                            attempt->why != 0 ? g_strerror(attempt->why) : mysql_error(attempt->mysql));
            attempt_free(attempt);
        }
        return NULL;
    }
    source->mysql = g_steal_pointer(&attempt->mysql);
    attempt_free(attempt);
    source->fd = mysql_get_socket(source->mysql);
    if (mode >= TLS_REQUIRED && socket_path == NULL && !source_uses_tls(source)) {
        set_mysql_error(error, CR_SSL_CONNECTION_ERROR, what, "the server offers no TLS, which ssl-mode asks for");
        return NULL;
    }
    if (socket_path == NULL)
        socket_keepalive(source->fd);
    if (cancel != NULL) {
        source->cancel = cancel_ref(cancel);
        source->cancel_hook = cancel_add_hook(cancel, cancelled, source);
    }
    if (!session_set(source, error) || !server_learn(source, error))
        return NULL;
    return g_steal_pointer(&source);
}

SourceConnection *source_open(const Url *url, Cancel *cancel, GError **error)
{
    return source_open_timeout(url, 0, cancel, error);
}

void source_close(SourceConnection *source)
{
    if (source == NULL)
        return;
    if (source->cancel != NULL) {
        cancel_remove_hook(source->cancel, source->cancel_hook);
        cancel_unref(source->cancel);
    }
    if (source->mysql != NULL)
        mysql_close(source->mysql);
    g_free(source->place);
    g_free(source->server.version_text);
    g_free(source->server.identity);
    g_free(source);
}

MYSQL *source_handle(SourceConnection *source)
{
    return source->mysql;
}

const SourceServer *source_server(const SourceConnection *source)
{
    return &source->server;
}

bool source_uses_tls(const SourceConnection *source)
{
    return mysql_get_ssl_cipher(source->mysql) != NULL;
}

/* --- Statements --- */

static void statement_error(SourceConnection *source, const char *sql, GError **error)
{
    g_autofree char *shown = printable(sql, 120);
    g_autofree char *what = g_strdup_printf("run \"%s\" at the source", shown);

    source_set_error(source, what, error);
}

bool source_exec(SourceConnection *source, const char *sql, GError **error)
{
    if (mysql_real_query(source->mysql, sql, strlen(sql)) != 0) {
        statement_error(source, sql, error);
        return false;
    }
    do {
        MYSQL_RES *result = mysql_store_result(source->mysql); /* a result nobody asked for: read and thrown away */

        if (result != NULL)
            mysql_free_result(result);
    } while (mysql_next_result(source->mysql) == 0);
    return true;
}

/* One block: the cells, then their bytes. */
static char **row_copy(MYSQL_ROW row, const unsigned long *lengths, unsigned n)
{
    size_t size = n * sizeof(char *);
    char **cells;
    char *bytes;

    for (unsigned i = 0; i < n; i++)
        size += lengths[i] + 1;
    cells = g_malloc(size);
    bytes = (char *)(cells + n);
    for (unsigned i = 0; i < n; i++) {
        cells[i] = NULL;
        if (row[i] == NULL)
            continue;
        cells[i] = bytes;
        memcpy(bytes, row[i], lengths[i]);
        bytes[lengths[i]] = '\0';
        bytes += lengths[i] + 1;
    }
    return cells;
}

SourceRows *source_query(SourceConnection *source, const char *sql, GError **error)
{
    g_autoptr(SourceRows) rows = NULL;
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;

    if (mysql_real_query(source->mysql, sql, strlen(sql)) == 0)
        result = mysql_store_result(source->mysql);
    if (result == NULL) {
        g_assert(mysql_errno(source->mysql) != 0); /* else a statement without a result was given to us */
        statement_error(source, sql, error);
        return NULL;
    }
    rows = g_new0(SourceRows, 1);
    rows->n_columns = mysql_num_fields(result);
    rows->rows = g_ptr_array_new_with_free_func(g_free);
    while ((row = mysql_fetch_row(result)) != NULL)
        g_ptr_array_add(rows->rows, row_copy(row, mysql_fetch_lengths(result), rows->n_columns));
    mysql_free_result(result);
    while (mysql_next_result(source->mysql) == 0) { /* the status that ends a compound statement */
        result = mysql_store_result(source->mysql);
        if (result != NULL)
            mysql_free_result(result);
    }
    return g_steal_pointer(&rows);
}

void source_rows_free(SourceRows *rows)
{
    if (rows == NULL)
        return;
    g_ptr_array_unref(rows->rows);
    g_free(rows);
}

const char *source_rows_get(const SourceRows *rows, unsigned row, unsigned column)
{
    g_assert(row < rows->rows->len && column < rows->n_columns);
    return ((char **)rows->rows->pdata[row])[column];
}

char *source_query_value(SourceConnection *source, const char *sql, GError **error)
{
    g_autoptr(SourceRows) rows = source_query(source, sql, error);

    if (rows == NULL || rows->rows->len == 0)
        return NULL;
    return g_strdup(source_rows_get(rows, 0, 0));
}

/* --- Quoting --- */

void source_quote_name(GString *out, const char *name)
{
    g_string_append_c(out, '`');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '`')
            g_string_append_c(out, '`');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '`');
}

void source_quote_string(GString *out, const char *text)
{
    g_string_append_c(out, '\'');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '\'');
}

void source_quote_bytes(GString *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";

    if (len == 0) {
        g_string_append(out, "''");
        return;
    }
    g_string_append(out, "0x");
    for (size_t i = 0; i < len; i++) {
        g_string_append_c(out, digits[bytes[i] >> 4]);
        g_string_append_c(out, digits[bytes[i] & 15]);
    }
}

void source_quote_table(GString *out, const char *database, const char *name)
{
    source_quote_name(out, database);
    g_string_append_c(out, '.');
    source_quote_name(out, name);
}
