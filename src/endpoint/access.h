/* access.h - who may speak to the endpoint: password, Host and Origin. */
#ifndef SLUICE_ENDPOINT_ACCESS_H
#define SLUICE_ENDPOINT_ACCESS_H

#include <glib.h>
#include <stdbool.h>

/* Makes a file with a random password, mode 0600, unless it is there. */
bool password_file_ensure(const char *path, GError **error);
/* First line of the file; an error when it is empty or unreadable. Free with g_free. */
char *password_file_read(const char *path, GError **error);
/* Takes the same time whatever differs. */
bool secret_equal(const char *given, const char *wanted);

/* "ADDRESS:PORT" or "[V6]:PORT" of --listen. Free *address with g_free. */
bool listen_parse(const char *text, char **address, unsigned *port, GError **error);
bool address_is_loopback(const char *address);
/* Whether a Host header names the address we listen on. A page in a browser reaches a loopback server under any name
 * that its own name server gives out; it cannot choose to send our address instead. */
bool host_allowed(const char *host, const char *address, unsigned port);

#endif
