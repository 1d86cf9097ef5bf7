/* The table of commands; each is a file of its own. Without a command: the dashboard. */
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "base/base.h"
#include "base/question.h"
#include "control/control.h"
#include "ui/ui.h"

#include "config.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const Command COMMANDS[] = {
    {"check", "--source URL [--dest URL] [--tables LIST]…", "preflight alone: could such a pipe be created?",
     cmd_check},
    {"create", "NAME --source URL [--dest URL] --tables LIST…", "preflight, and create a pipe", cmd_create},
    {"status", "[NAME]", "state of all pipes, or of one with its tables", cmd_status},
    {"explain", "NAME", "what is wrong with a pipe, why, and what can be done", cmd_explain},
    {"pause", "NAME", "stop reading from the source", cmd_pause},
    {"resume", "NAME", "go on where it was paused", cmd_resume},
    {"retry", "NAME [--table T]…", "go on where it failed, after the cause was mended", cmd_retry},
    {"resync", "NAME [--table T]…", "load tables again beside themselves, and exchange them when they are as new", cmd_resync},
    {"cancel", "NAME", "give a resync up before its exchange", cmd_cancel},
    {"reposition", "NAME --file FILE --pos POS | --gtid GTIDS", "go on from another place in the source's log", cmd_reposition},
    {"drop", "NAME", "end a pipe for good", cmd_drop},
    {"tables", "NAME [TABLE|add TABLE…|remove TABLE…]", "the tables of a pipe, or the columns of one; or edits them", cmd_tables},
    {"verify", "NAME [--table T]…", "compare both ends row by row, beside the running stream", cmd_verify},
    {"set", "NAME|--engine [SETTING=VALUE]…", "show or change the settings of a pipe, or of the engine", cmd_set},
    {"log", "[NAME]", "the journal", cmd_log},
    {"sql", "[NAME] QUERY", "run a query on a pipe's destination", cmd_sql},
    {"run", "", "the engine, until SIGTERM or `sluice stop`", cmd_run},
    {"stop", "", "end the engine cleanly", cmd_stop},
    {"export", "[NAME]…", "definitions of pipes without passwords, as a file", cmd_export},
    {"import", "FILE", "create the pipes of such a file", cmd_import},
    {"doctor", "", "look at the state dir, the engine, and both ends of every pipe", cmd_doctor},
    {"completion", "bash|zsh|fish", "a script that completes these words in a shell", cmd_completion},
    {"version", "", "the version of this program", cmd_version},
    {"help", "[COMMAND]", "this list, or the options of a command", cmd_help},
};

const Command *command_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

const Command *command_at(unsigned index)
{
    return index < G_N_ELEMENTS(COMMANDS) ? &COMMANDS[index] : NULL;
}

int cli_fail(GError *error_take)
{
    g_autoptr(GError) error = error_take;
    g_autofree char *line = printable(error->message, 0);
    fflush(stdout);
    fprintf(stderr, "sluice: %s\n", line);
    bool known =
        error->domain == SLUICE_ERROR && error->code >= SLUICE_ERROR_FAILED && error->code <= SLUICE_ERROR_NOT_RUNNING;
    return known ? error->code : SLUICE_ERROR_FAILED;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    GError *error = g_error_new_valist(SLUICE_ERROR, SLUICE_ERROR_USAGE, format, args);
    va_end(args);
    return cli_fail(error);
}

/* GOption leaves a "--" where what follows begins with '-'. */
static void drop_dashes(char **argv)
{
    if (argv[1] == NULL || strcmp(argv[1], "--") != 0)
        return;
    g_free(argv[1]);
    for (char **word = argv + 1; (word[0] = word[1]) != NULL; word++) {
    }
}

/* A variable of a script that is not set: the default one is not what was meant. */
static bool state_dir_is_empty(const char *state_dir, int *code)
{
    if (state_dir == NULL || state_dir[0] != '\0')
        return false;
    *code = cli_usage("--state-dir is empty; name a folder, or leave the option out");
    return true;
}

bool cli_parse(Cli *cli, char **argv, const GOptionEntry *entries, unsigned min_words, unsigned max_words, int *code)
{
    char *state_dir = NULL;
    const GOptionEntry common[] = {
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir, "where the engine keeps what it knows", "DIR"},
        G_OPTION_ENTRY_NULL};
    g_autofree char *name = g_strdup_printf("sluice %s", cli->command->name);
    g_set_prgname(name);
    g_autoptr(GOptionContext) context = g_option_context_new(cli->command->usage);
    g_option_context_set_summary(context, cli->command->summary);
    g_option_context_add_main_entries(context, common, NULL);
    if (entries != NULL)
        g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) error = NULL;
    bool parsed = g_option_context_parse_strv(context, &argv, &error);
    drop_dashes(argv);
    if (state_dir != NULL) {
        g_free(cli->state_dir);
        cli->state_dir = state_dir;
    }
    cli->words = argv + 1;
    cli->n_words = g_strv_length(cli->words);
    if (!parsed)
        *code = cli_usage("%s; see `sluice help %s`", error->message, cli->command->name);
    else if (state_dir_is_empty(cli->state_dir, code))
        return false;
    else if (cli->n_words < min_words || cli->n_words > max_words)
        *code = cli_usage("usage: sluice %s%s%s", cli->command->name, cli->command->usage[0] != '\0' ? " " : "",
                          cli->command->usage);
    else
        return true;
    return false;
}

bool cli_confirm(bool yes, const char *question, int *code)
{
    if (yes)
        return true;
    if (g_getenv(QUESTION_VARIABLE) != NULL) { /* the screen that runs this asks */
        g_autofree char *line = printable(question, 0);
        fflush(stdout);
        fprintf(stderr, "%s\n", line);
        *code = QUESTION_EXIT;
        return false;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        *code = cli_usage("this cannot be undone, and there is no terminal to ask on: say --yes");
        return false;
    }
    fprintf(stderr, "%s [y/N] ", question);
    char answer[64];
    if (fgets(answer, sizeof answer, stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        fprintf(stderr, "sluice: nothing was done\n");
        *code = SLUICE_ERROR_FAILED;
        return false;
    }
    return true;
}

int cmd_version(Cli *cli, char **argv)
{
    int code;
    if (!cli_parse(cli, argv, NULL, 0, 0, &code))
        return code;
    printf("sluice %s\n", PACKAGE_VERSION);
    return 0;
}

static void print_help(void)
{
    printf("sluice - MySQL and MariaDB into ClickHouse\n\nUsage:\n"
           "  sluice [--state-dir DIR] [--ascii] [--stop-on-quit]   the dashboard\n"
           "  sluice --record FILE      the same, and what the engine says is written to FILE\n"
           "  sluice --replay FILE      the dashboard shows such a file, without any engine\n"
           "  sluice --print-keys | --print-theme                   files that change its keys and looks\n"
           "  sluice COMMAND [--state-dir DIR] …                    one of:\n\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        printf("  %-10s  %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    printf("\n`sluice help COMMAND` lists its options. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such pipe or "
           "table,\n4 refused in this state, 5 preflight failed, 6 no engine runs.\n");
}

static int unknown_command(const char *name)
{
    g_autofree char *shown = printable(name, 40);
    return cli_usage("there is no command '%s'; `sluice help` lists them", shown);
}

int cmd_help(Cli *cli, char **argv)
{
    int code;
    if (!cli_parse(cli, argv, NULL, 0, 1, &code))
        return code;
    if (cli->n_words == 0) {
        print_help();
        return 0;
    }
    const Command *command = command_find(cli->words[0]);
    if (command == NULL)
        return unknown_command(cli->words[0]);
    g_auto(GStrv) help = g_new0(char *, 3);
    help[0] = g_strdup(command->name);
    help[1] = g_strdup("--help");
    Cli inner = {.command = command};
    return command->run(&inner, help);
}

static char *explain_for_copy(const View *view, const ViewPipe *pipe)
{
    bool well;
    return explain_text(view, pipe, &well);
}

/* `options` with the state dir as it was given: NULL is the default one. */
static int run_dashboard(UiOptions options)
{
    if (options.replay != NULL && (options.record != NULL || options.stop_engine_on_quit != NULL))
        return cli_usage("--replay shows a recording without any engine: leave --record and --stop-on-quit out");
    g_autofree char *state_dir = protocol_state_dir(options.state_dir);
    UiCommand commands[G_N_ELEMENTS(COMMANDS) + 1] = {{NULL, NULL}};
    for (unsigned i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        commands[i] = (UiCommand){COMMANDS[i].name, COMMANDS[i].usage};
    options.state_dir = state_dir;
    options.commands = commands;
    options.explain = explain_for_copy;
    return ui_run(&options);
}

static int print_text(char *text_take)
{
    fputs(text_take, stdout);
    g_free(text_take);
    return 0;
}

static int run_command(const char *name, char **argv, const char *state_dir)
{
    const Command *command = command_find(name);
    if (command == NULL)
        return unknown_command(name);
    Cli cli = {.command = command, .state_dir = g_strdup(state_dir)};
    int code = command->run(&cli, argv);
    g_free(cli.state_dir);
    return code;
}

static int run(int argc, char **argv)
{
    g_auto(GStrv) words = arguments_take(argc, argv);
    g_autofree char *state_dir = NULL, *record = NULL, *replay = NULL;
    gboolean ascii = FALSE, stop_on_quit = FALSE, version = FALSE, help = FALSE, keys = FALSE, theme = FALSE;
    const GOptionEntry entries[] = {
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir, NULL, NULL},
        {"ascii", 0, 0, G_OPTION_ARG_NONE, &ascii, NULL, NULL},
        {"stop-on-quit", 0, 0, G_OPTION_ARG_NONE, &stop_on_quit, NULL, NULL},
        {"print-keys", 0, 0, G_OPTION_ARG_NONE, &keys, NULL, NULL},
        {"print-theme", 0, 0, G_OPTION_ARG_NONE, &theme, NULL, NULL},
        {"record", 0, 0, G_OPTION_ARG_FILENAME, &record, NULL, NULL},
        {"replay", 0, 0, G_OPTION_ARG_FILENAME, &replay, NULL, NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL},
        G_OPTION_ENTRY_NULL};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, TRUE); /* what follows the command is the command's */
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse_strv(context, &words, &error))
        return cli_usage("%s; see `sluice help`", error->message);
    if (help || version) {
        if (help)
            print_help();
        else
            printf("sluice %s\n", PACKAGE_VERSION);
        return 0;
    }
    if (keys || theme)
        return print_text(keys ? ui_keys_text() : ui_theme_text());
    int code;
    if (state_dir_is_empty(state_dir, &code))
        return code;
    if (words[0] == NULL || words[1] == NULL)
        return run_dashboard((UiOptions){.state_dir = state_dir,
                                         .ascii = ascii,
                                         .stop_engine_on_quit = stop_on_quit ? "yes" : NULL,
                                         .record = record,
                                         .replay = replay});
    if (record != NULL || replay != NULL)
        return cli_usage("--record and --replay are of the dashboard: leave the command %s out", words[1]);
    return run_command(words[1], words + 1, state_dir);
}

/* They tell what they have found at exit(). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define WITH_SANITIZER
#endif
#endif

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, seen below */
    int code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
        if (errno != EPIPE)
            fprintf(stderr, "sluice: cannot write the output: %s\n", g_strerror(errno));
        code = SLUICE_ERROR_FAILED;
    }
#ifndef WITH_SANITIZER
    /* Not exit(): a thread that nobody waits for any more, in a hand-shake with a source, would fall over libraries
     * that take themselves down [seen on OpenSSL 3.0]. */
    fflush(NULL);
    _exit(code);
#endif
    return code;
}
