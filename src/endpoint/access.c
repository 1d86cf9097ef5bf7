/* access.c - see access.h */
#include "endpoint/access.h"

#include "endpoint/fault.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool password_file_ensure(const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    unsigned char bytes[20];
    char line[2 * sizeof bytes + 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        g_set_error(error, FAULT, 1, "no random bytes for a password: %s", g_strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        g_snprintf(line + 2 * i, 3, "%02x", bytes[i]);
    line[2 * sizeof bytes] = '\n';
    /* Written under another name and linked: whoever sees the file sees all of it. */
    g_autofree char *draft = g_strdup_printf("%s.%d", path, (int)getpid());
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, line, sizeof line - 1) == (ssize_t)(sizeof line - 1) && fsync(fd) == 0;
    ok = ok && (link(draft, path) == 0 || errno == EEXIST);
    if (!ok)
        g_set_error(error, FAULT, 1, "cannot write the password file %s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    unlink(draft);
    return ok;
}

char *password_file_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) reason = NULL;
    if (!g_file_get_contents(path, &text, NULL, &reason)) {
        g_set_error(error, FAULT, 1, "cannot read the password file: %s", reason->message);
        return NULL;
    }
    text[strcspn(text, "\r\n")] = '\0';
    if (!*text) {
        g_set_error(error, FAULT, 1, "the password file %s is empty: its first line must be the password", path);
        return NULL;
    }
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        g_printerr("sluice-clickhouse: others can read the password file %s (chmod 600 mends that)\n", path);
    return g_steal_pointer(&text);
}

bool secret_equal(const char *given, const char *wanted)
{
    /* Digests have one length, so the loop tells nothing of the secret's. */
    g_autofree char *a = g_compute_checksum_for_string(G_CHECKSUM_SHA256, given, -1);
    g_autofree char *b = g_compute_checksum_for_string(G_CHECKSUM_SHA256, wanted, -1);
    unsigned differs = 0;
    for (size_t i = 0; i < 64; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

bool listen_parse(const char *text, char **address, unsigned *port, GError **error)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || end == colon + 1 || *end || number > 65535) {
        g_set_error(error, FAULT, 2, "--listen %s: ADDRESS:PORT is wanted, as in 127.0.0.1:8123", text);
        return false;
    }
    bool bracket = *text == '[' && colon > text + 2 && colon[-1] == ']';
    char *host = bracket ? g_strndup(text + 1, (gsize)(colon - text) - 2) : g_strndup(text, (gsize)(colon - text));
    unsigned char bytes[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, bytes) != 1 && inet_pton(AF_INET6, host, bytes) != 1) {
        g_set_error(error, FAULT, 2, "--listen %s: %s is not an IP address", text, host);
        g_free(host);
        return false;
    }
    *address = host;
    *port = (unsigned)number;
    return true;
}

bool address_is_loopback(const char *address)
{
    return g_str_has_prefix(address, "127.") || strcmp(address, "::1") == 0;
}

bool host_allowed(const char *host, const char *address, unsigned port)
{
    const char *end = host + strlen(host);
    const char *colon = strrchr(host, ':');
    const char *bracket = strrchr(host, ']');
    unsigned given = 80;
    if (colon && (!bracket || colon > bracket)) {
        char *stop;
        unsigned long number = strtoul(colon + 1, &stop, 10);
        if (*stop || number > 65535)
            return false;
        given = (unsigned)number;
        end = colon;
    }
    g_autofree char *name = g_strndup(host, (gsize)(end - host));
    size_t len = strlen(name);
    if (len >= 2 && name[0] == '[' && name[len - 1] == ']') {
        memmove(name, name + 1, len - 2);
        name[len - 2] = '\0';
    }
    if (given != port)
        return false;
    if (address_is_loopback(address))
        return strcmp(name, address) == 0 || g_ascii_strcasecmp(name, "localhost") == 0;
    /* Listening for others: any literal address, or the machine's own name. */
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1 ||
           g_ascii_strcasecmp(name, "localhost") == 0 || g_ascii_strcasecmp(name, g_get_host_name()) == 0;
}
