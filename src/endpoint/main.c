/* main.c - sluice-clickhouse: ClickHouse's HTTP interface in front of the embedded engine. */
#include "config.h"

#include "endpoint/access.h"
#include "endpoint/engine.h"
#include "endpoint/fault.h"
#include "endpoint/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY_FILE  "libchdb-26.7.3-stable.1.so" /* the version all of this is tried with */
#define GRACE_SECONDS 15u                          /* for running queries on SIGTERM; who started us waits 30 */
#define TICK_SECONDS  10

typedef struct {
    char *data, *listen, *user, *password_file, *tls_cert, *tls_key, *library;
    gboolean version;
} Options;

/* Server settings of the engine. Small when idle: with the defaults 2000 tables cost 22 % of a core. On a disk that is
 * full to the last byte a merge leaves parts with empty files, an ALTER an empty definition (26.7): no part is begun on
 * the last 64 MiB, which those under way may need. */
static const char engine_config[] = "<clickhouse>\n"
                                    "  <logger><level>none</level><console>0</console></logger>\n"
                                    "  <mark_cache_size>268435456</mark_cache_size>\n"
                                    "  <index_mark_cache_size>67108864</index_mark_cache_size>\n"
                                    "  <background_schedule_pool_size>2</background_schedule_pool_size>\n"
                                    "  <merge_tree>\n"
                                    "    <merge_selecting_sleep_ms>30000</merge_selecting_sleep_ms>\n"
                                    "    <cleanup_delay_period>300</cleanup_delay_period>\n"
                                    "  </merge_tree>\n"
                                    "  <storage_configuration><disks><default>\n"
                                    "    <keep_free_space_bytes>67108864</keep_free_space_bytes>\n"
                                    "  </default></disks></storage_configuration>\n"
                                    "</clickhouse>\n";

static int fail(int code, const char *message)
{
    g_printerr("sluice-clickhouse: %s\n", message);
    return code;
}

static bool options_parse(Options *o, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"data", 0, 0, G_OPTION_ARG_FILENAME, &o->data, "Where the data lives (made when absent)", "DIR"},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &o->listen, "Default 127.0.0.1:0; port 0 picks a free one",
         "ADDRESS:PORT"},
        {"user", 0, 0, G_OPTION_ARG_STRING, &o->user, "The one user (default)", "NAME"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &o->password_file,
         "Its first line is the password; one is made in DIR without it", "FILE"},
        {"tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &o->tls_cert, "Certificate (PEM): serve https", "FILE"},
        {"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &o->tls_key, "Its key (PEM)", "FILE"},
        {"library", 0, 0, G_OPTION_ARG_FILENAME, &o->library, "libchdb.so (default: $SLUICE_LIBCHDB, else the cache)",
         "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version and exit", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, "Serves ClickHouse's HTTP interface from the embedded engine.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error))
        return false;
    if (o->version)
        return true;
    if (argc > 1)
        g_set_error(error, FAULT, 2, "%s is not an option (see --help)", argv[1]);
    else if (!o->data)
        g_set_error(error, FAULT, 2, "--data DIR is needed (see --help)");
    else if (!o->tls_cert != !o->tls_key)
        g_set_error(error, FAULT, 2, "--tls-cert and --tls-key go together");
    else
        return true;
    return false;
}

static char *library_path(const Options *options)
{
    const char *from_env = g_getenv("SLUICE_LIBCHDB");
    if (options->library)
        return g_strdup(options->library);
    if (from_env && *from_env)
        return g_strdup(from_env);
    return g_build_filename(g_get_user_cache_dir(), "sluice", LIBRARY_FILE, NULL);
}

/* The engine reads stdin and may write to stdout: it gets neither. Returns where our own stdout is now. */
static int take_streams(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (null >= 0 && null != STDIN_FILENO) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return out;
}

/* One process a data directory. The descriptor stays open, the lock ends with the process. */
static bool data_dir_open(const char *dir, GError **error)
{
    if (g_mkdir_with_parents(dir, 0700) != 0) {
        g_set_error(error, FAULT, 1, "cannot make %s: %s", dir, g_strerror(errno));
        return false;
    }
    g_autofree char *path = g_build_filename(dir, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = fd >= 0 && errno == EWOULDBLOCK;
        g_set_error(error, FAULT, 1,
                    taken ? "%s is in use by another sluice-clickhouse: stop that one first" : "cannot lock %s: %s",
                    dir, g_strerror(errno));
        return false;
    }
    return true;
}

static char *config_write(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "engine.xml", NULL);
    if (!g_file_set_contents_full(path, engine_config, sizeof engine_config - 1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                  error))
        return NULL;
    return g_steal_pointer(&path);
}

static void print_ready(int out, const char *scheme, const char *address, unsigned port, const Options *options,
                        const char *password_file)
{
    bool v6 = strchr(address, ':') != NULL;
    g_autofree char *url = g_strdup_printf("%s://%s%s%s:%u", scheme, v6 ? "[" : "", address, v6 ? "]" : "", port);
    json_t *line = json_pack("{s:s, s:s, s:s}", "url", url, "user", options->user, "password_file", password_file);
    char *text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    if (!text)
        return;
    g_autofree char *whole = g_strdup_printf("%s\n", text);
    free(text);
    if (write(out, whole, strlen(whole)) < 0)
        g_printerr("sluice-clickhouse: ready at %s\n", url); /* whoever waited for the line is gone */
    close(out);
}

static void wait_for_end(const sigset_t *ends, Server *server)
{
    const struct timespec tick = {.tv_sec = TICK_SECONDS};
    for (;;) {
        int number = sigtimedwait(ends, NULL, &tick);
        if (number == SIGTERM || number == SIGINT)
            return;
        server_tick(server);
    }
}

/* Everything written so far reaches the disk, whatever the tables' own fsync settings. */
static void sync_data(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        syncfs(fd);
        close(fd);
    }
}

static bool read_tls(const Options *options, ServerOptions *server, GError **error)
{
    return !options->tls_cert || (g_file_get_contents(options->tls_cert, (char **)&server->tls_cert, NULL, error) &&
                                  g_file_get_contents(options->tls_key, (char **)&server->tls_key, NULL, error));
}

static bool serve(const Options *options, const char *address, unsigned port, const sigset_t *ends, int out,
                  GError **error)
{
    g_autofree char *dir = g_canonicalize_filename(options->data, NULL);
    if (!data_dir_open(dir, error))
        return false;
    g_autofree char *password_file = options->password_file ? g_canonicalize_filename(options->password_file, NULL)
                                                            : g_build_filename(dir, "password", NULL);
    if (!options->password_file && !password_file_ensure(password_file, error))
        return false;
    ServerOptions server_options = {.address = address, .port = port, .user = options->user, .spool_dir = dir};
    g_autofree char *password = password_file_read(password_file, error);
    g_autofree char *config = password && read_tls(options, &server_options, error) ? config_write(dir, error) : NULL;
    if (!config)
        return false;
    server_options.password = password;
    if (!address_is_loopback(address) && !options->tls_cert)
        g_printerr(
            "sluice-clickhouse: %s is not loopback and there is no TLS: the password goes over the network in clear\n",
            address);
    g_autofree char *library = library_path(options);
    g_autofree char *engine_dir = g_build_filename(dir, "engine", NULL);
    Engine *engine = engine_open(library, engine_dir, config, error);
    if (!engine)
        return false;
    Server *server = server_start(engine, &server_options, error);
    if (!server) {
        engine_close(engine);
        return false;
    }
    print_ready(out, options->tls_cert ? "https" : "http", address, server_port(server), options, password_file);
    wait_for_end(ends, server);
    bool stopped = server_stop(server, GRACE_SECONDS);
    if (stopped) {
        server_free(server);
        engine_close(engine);
    }
    sync_data(dir);
    return true;
}

int main(int argc, char **argv)
{
    Options options = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *address = NULL;
    unsigned port = 0;
    if (!options_parse(&options, argc, argv, &error))
        return fail(2, error->message);
    if (options.version) {
        puts("sluice-clickhouse " PACKAGE_VERSION);
        return 0;
    }
    if (!listen_parse(options.listen ? options.listen : "127.0.0.1:0", &address, &port, &error))
        return fail(2, error->message);
    if (!options.user)
        options.user = g_strdup("default");

    /* All threads inherit the mask: the signals come to sigtimedwait alone. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigset_t blocked = ends;
    sigaddset(&blocked, SIGPIPE);
    sigaddset(&blocked, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    int out = take_streams();
    if (!serve(&options, address, port, &ends, out, &error))
        return fail(1, error->message);
    fflush(NULL);
    _exit(0); /* the library's own exit handlers have been seen to touch what chdb_shutdown took away */
}
