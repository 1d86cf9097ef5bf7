#include "base/url.h"
#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET_MAX           4096             /* bytes of a password; servers take far less */
#define COMMAND_TIMEOUT_USEC (30 * 1000000LL) /* a password command that hangs must not hang a pipe */

extern char **environ;

static const char *const PASSWORD_PARAMS[] = {"password-file", "password-command", "password-env", NULL};

void url_secret_free(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

void url_free(Url *url)
{
    if (url == NULL)
        return;
    g_free(url->scheme);
    g_free(url->user);
    url_secret_free(url->password);
    g_free(url->host);
    g_free(url->path);
    if (url->params != NULL)
        g_hash_table_unref(url->params);
    g_free(url);
}

static bool refuse(const char *text, const char *why, GError **error)
{
    g_autofree char *shown = url_redact(text);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the URL %s is not valid: %s", shown, why);
    return false;
}

/* Decodes one part. NULL stays NULL; false: a broken escape, or %00. */
static bool decode(const char *part, char **out)
{
    if (part == NULL)
        return true;
    *out = g_uri_unescape_string(part, NULL);
    return *out != NULL && g_utf8_validate(*out, -1, NULL);
}

static bool fill(Url *url, GUri *uri, const char *text, GError **error)
{
    url->scheme = g_ascii_strdown(g_uri_get_scheme(uri), -1);
    const char *path = g_uri_get_path(uri);
    if (!decode(g_uri_get_user(uri), &url->user) || !decode(g_uri_get_password(uri), &url->password) ||
        !decode(g_uri_get_host(uri), &url->host) || !decode(path[0] == '/' ? path + 1 : path, &url->path))
        return refuse(text, "a %-escape in it is broken", error);
    if (url->host != NULL && url->host[0] == '\0')
        g_clear_pointer(&url->host, g_free);
    if (url->user != NULL && url->user[0] == '\0')
        g_clear_pointer(&url->user, g_free);
    if (g_uri_get_fragment(uri) != NULL)
        return refuse(text, "write # as %23", error);
    int port = g_uri_get_port(uri);
    if (port == 0 || port > 65535)
        return refuse(text, "the port must be 1 to 65535", error);
    url->port = port < 0 ? 0 : (uint16_t)port;
    const char *query = g_uri_get_query(uri);
    url->params = g_uri_parse_params(query != NULL ? query : "", -1, "&", G_URI_PARAMS_NONE, NULL);
    if (url->params == NULL)
        return refuse(text, "parameters are written name=value, joined by &", error);
    return true;
}

Url *url_parse(const char *text, GError **error)
{
    /* GLib's own message may quote a part of a password that was not escaped: it is not shown. */
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
    if (uri == NULL) {
        refuse(
            text,
            "expected SCHEME://USER@HOST:PORT/..., with other characters than letters and digits in user and password "
            "written as %XX",
            error);
        return NULL;
    }
    g_autoptr(Url) url = g_new0(Url, 1);
    return fill(url, uri, text, error) ? g_steal_pointer(&url) : NULL;
}

const char *url_param(const Url *url, const char *name)
{
    return g_hash_table_lookup(url->params, name);
}

bool url_check_params(const Url *url, const char *const *names, GError **error)
{
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, url->params);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (g_strv_contains(PASSWORD_PARAMS, key) || (names != NULL && g_strv_contains(names, key)))
            continue;
        g_autofree char *some = names != NULL ? g_strjoinv(", ", (char **)names) : g_strdup("");
        g_autofree char *passwords = g_strjoinv(", ", (char **)PASSWORD_PARAMS);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "%s:// URLs have no parameter '%s'; known are: %s%s%s",
                    url->scheme, (const char *)key, some, some[0] != '\0' ? ", " : "", passwords);
        return false;
    }
    return true;
}

/* A copy of what was read without its newline. NULL: it cannot be a password. */
static char *secret_take(char *bytes, size_t len, const char *from, GError **error)
{
    if (len > 0 && bytes[len - 1] == '\n')
        len--;
    if (len > 0 && bytes[len - 1] == '\r')
        len--;
    if (len >= SECRET_MAX || memchr(bytes, '\0', len) != NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "%s gives no password: it is longer than %d bytes or binary", from, SECRET_MAX - 1);
        return NULL;
    }
    return g_strndup(bytes, len);
}

static char *read_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char bytes[SECRET_MAX + 2];
    size_t len = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (fd >= 0 && len < sizeof bytes) {
        n = read(fd, bytes + len, sizeof bytes - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    int why = errno;
    if (fd >= 0)
        close(fd);
    char *secret = NULL;
    if (n < 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot read the password file %s: %s", path,
                    g_strerror(why));
    } else {
        g_autofree char *from = g_strdup_printf("the password file %s", path);
        secret = secret_take(bytes, len, from, error);
    }
    explicit_bzero(bytes, sizeof bytes);
    return secret;
}

static bool spawn_shell(const char *command, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    /* The engine blocks all signals: its children must not. A group of its own, so that a timeout ends all of it. */
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setpgroup(&attr, 0);
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    int rc = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    errno = rc;
    return rc == 0;
}

/* Reads until end of file, a full buffer or the deadline. False: too late. */
static bool read_until(int fd, char *bytes, size_t size, size_t *len, int64_t deadline)
{
    while (*len < size) {
        int64_t left = deadline - clock_monotonic_usec();
        if (left <= 0)
            return false;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, (int)(left / 1000) + 1) <= 0)
            continue;
        ssize_t n = read(fd, bytes + *len, size - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

static char *read_command(const char *command, GError **error)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot run the password command: %s", g_strerror(errno));
        return NULL;
    }
    bool spawned = spawn_shell(command, ends[1], &pid);
    int why = errno;
    close(ends[1]);
    if (!spawned) {
        close(ends[0]);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot run the password command: %s", g_strerror(why));
        return NULL;
    }
    char bytes[SECRET_MAX + 2];
    size_t len = 0;
    bool in_time = read_until(ends[0], bytes, sizeof bytes, &len, clock_monotonic_usec() + COMMAND_TIMEOUT_USEC);
    close(ends[0]);
    if (!in_time)
        kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    char *secret = NULL;
    if (!in_time)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the password command gave nothing within %d s",
                    (int)(COMMAND_TIMEOUT_USEC / 1000000));
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the password command failed (%s %d)",
                    WIFEXITED(status) ? "exit code" : "signal",
                    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    else
        secret = secret_take(bytes, len, "the password command", error);
    explicit_bzero(bytes, sizeof bytes);
    return secret;
}

char *url_read_password(const Url *url, GError **error)
{
    const char *file = url_param(url, "password-file");
    const char *command = url_param(url, "password-command");
    const char *variable = url_param(url, "password-env");
    if ((url->password != NULL) + (file != NULL) + (command != NULL) + (variable != NULL) > 1) {
        g_set_error(
            error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
            "a %s:// URL names more than one password; keep one of: a password, password-file, password-command, "
            "password-env",
            url->scheme);
        return NULL;
    }
    if (file != NULL)
        return read_file(file, error);
    if (command != NULL)
        return read_command(command, error);
    if (variable != NULL) {
        const char *value = g_getenv(variable);
        if (value == NULL)
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                        "the environment variable %s, named by password-env, is not set where the engine runs",
                        variable);
        return g_strdup(value);
    }
    return g_strdup(url->password);
}

/* Where the password of `text` stands: from after the first ':' behind '://' up to the last '@' before the parameters
 * (of the whole text where no '@' comes before them: a password with an unescaped '?'). */
static bool find_password(const char *text, const char **begin, const char **end)
{
    const char *authority = strstr(text, "://");
    if (authority == NULL)
        return false;
    authority += 3;
    const char *question = strchr(authority, '?');
    const char *at = g_strrstr_len(authority, question != NULL ? question - authority : -1, "@");
    if (at == NULL && question != NULL) {
        /* `mysql://host/?x=a@b` has none: there the ':' of a password would stand before the '?' and before any '/'. */
        size_t word = strcspn(authority, ":/?");
        if (authority[word] != ':' || g_ascii_isdigit(authority[word + 1]))
            return false;
        at = g_strrstr(authority, "@");
    }
    const char *colon = strchr(authority, ':');
    if (at == NULL || colon == NULL || colon > at)
        return false;
    *begin = colon + 1;
    *end = at;
    return true;
}

char *url_redact(const char *text)
{
    if (text == NULL)
        return NULL;
    const char *begin, *end, *rest = text;
    GString *out = g_string_new(NULL);
    if (find_password(text, &begin, &end)) {
        g_string_append_len(out, text, begin - text);
        g_string_append(out, "***");
        rest = end;
    }
    /* `password=` is no parameter of ours, but people write it: its value is not shown either. */
    const char *query = strchr(rest, '?');
    while (query != NULL) {
        g_string_append_len(out, rest, query + 1 - rest);
        rest = query + 1;
        const char *next = strchr(rest, '&');
        if (g_str_has_prefix(rest, "password=")) {
            g_string_append(out, "password=***");
            rest = next != NULL ? next : rest + strlen(rest);
        }
        query = next;
    }
    g_string_append(out, rest);
    return g_string_free(out, FALSE);
}
