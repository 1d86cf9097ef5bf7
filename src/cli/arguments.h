/* arguments.h - private to src/cli: words of the command line made fit for a request. Pure but for @FILE. */
#ifndef SLUICE_CLI_ARGUMENTS_H
#define SLUICE_CLI_ARGUMENTS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* A copy of argv; in argv itself the passwords of URLs are overwritten, since it is shown by ps. Free with g_strfreev.
 */
char **arguments_take(int argc, char **argv);

/* The URL with the files it names (password-file, ssl-ca, ssl-cert, ssl-key, socket) made absolute, for the engine has
 * another working directory. Free with g_free. */
char *arguments_url(const char *text);

/* Lists as given to --tables or --exclude, NULL for none: an array of strings, with @FILE read, one a line (empty lines
 * and those that begin with # are left out). New reference. */
json_t *arguments_lists(char **lists, GError **error);

/* `K=V` words as an object. New reference. */
json_t *arguments_settings(char **pairs, GError **error);

/* A JSON string, or NULL and an error where the word is not UTF-8. */
json_t *arguments_text(const char *word, GError **error);

#endif
