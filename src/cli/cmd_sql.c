#include "cli/arguments.h"
#include "cli/caller.h"
#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* For a terminal: what is in the cells must not drive it. Tabs and newlines are the result's own. */
static void print_filtered(const char *body)
{
    while (*body != '\0') {
        size_t len = strcspn(body, "\t\n");
        g_autofree char *cell = printable_n(body, len, 0);
        fputs(cell, stdout);
        body += len;
        if (*body != '\0')
            fputc(*body++, stdout);
    }
}

int cmd_sql(Cli *cli, char **argv)
{
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, NULL, 1, 2, &code))
        return code;
    const char *name = cli->n_words == 2 ? cli->words[0] : NULL;
    json_t *query = arguments_text(cli->words[cli->n_words - 1], &error);
    if (query == NULL)
        return cli_fail(error);
    json_t *request = protocol_request("sql");
    json_object_set_new(request, "query", query);
    if (name != NULL)
        json_object_set_new(request, "name", json_string(name));
    g_autoptr(Caller) caller = caller_open(cli, false, &error);
    if (caller == NULL) {
        json_decref(request);
        return cli_fail(error);
    }
    json_t *answer = caller_ask(caller, request, &error);
    if (answer == NULL)
        return cli_fail(error);
    const char *body = json_string_value(json_object_get(answer, "body"));
    if (body != NULL && isatty(STDOUT_FILENO))
        print_filtered(body);
    else if (body != NULL)
        fputs(body, stdout);
    if (body != NULL && body[0] != '\0' && !g_str_has_suffix(body, "\n"))
        fputc('\n', stdout);
    json_decref(answer);
    return 0;
}
