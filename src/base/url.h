/* url.h - the URLs of sources and destinations, and where their passwords come from (commands.md).
 *
 *   mysql://USER[:PASSWORD]@HOST[:PORT]/[?password-file=F|password-command=C|password-env=V][&key=value...]
 *
 * Percent-encoding is decoded in user, password, path and parameters. IPv6 hosts stand in brackets.
 */
#ifndef SLUICE_BASE_URL_H
#define SLUICE_BASE_URL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *scheme;   /* lower case */
    char *user;     /* NULL when not given */
    char *password; /* literal one from the URL, NULL when none */
    char *host;     /* NULL when not given */
    uint16_t port;  /* 0 when not given */
    char *path;     /* without the leading slash, decoded; "" when none */
    GHashTable *params; /* name -> decoded value */
} Url;

/* Unknown parameter names are refused by the rooms that use the URL, see url_check_params. */
Url *url_parse(const char *text, GError **error);
void url_free(Url *url);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Url, url_free)

const char *url_param(const Url *url, const char *name); /* NULL when absent */
/* `names`: NULL-terminated list of allowed names beside the password ones. */
bool url_check_params(const Url *url, const char *const *names, GError **error);

/* The password, read now (files and commands are read anew each time: passwords rotate). NULL with no error set when
 * there is none. One trailing newline is cut. Free with url_secret_free, which wipes it. */
char *url_read_password(const Url *url, GError **error);
void url_secret_free(char *secret);

/* The URL as it may be shown: a password inside becomes ***. Free with g_free. */
char *url_redact(const char *text);

#endif
