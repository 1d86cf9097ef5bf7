/* What is wrong with a pipe, as the incident view tells it. Exit 0 when all is well. */
#include "cli/caller.h"
#include "cli/explain.h"

#include <stdio.h>

int cmd_explain(Cli *cli, char **argv)
{
    int code;
    GError *error = NULL;
    if (!cli_parse(cli, argv, NULL, 1, 1, &code))
        return code;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    g_autoptr(View) view = caller != NULL ? caller_view(caller, &error) : NULL;
    const ViewPipe *pipe = view != NULL ? caller_find_pipe(view, cli->words[0], &error) : NULL;
    if (pipe == NULL)
        return cli_fail(error);
    bool well;
    g_autofree char *text = explain_text(view, pipe, &well);
    fputs(text, stdout);
    return well ? 0 : SLUICE_ERROR_FAILED;
}
