/* cli.h - private to src/cli: what the commands share. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include "base/error.h"

#include <glib.h>
#include <stdbool.h>

typedef struct Command Command;

/* One command line: the command and the words after it. */
typedef struct {
    const Command *command;
    char *state_dir; /* of --state-dir, before or after the command; NULL: the default */
    char **words;    /* positional ones, NULL-terminated, after cli_parse */
    unsigned n_words;
} Cli;

struct Command {
    const char *name, *usage, *summary;
    int (*run)(Cli *cli, char **argv); /* `argv`: NULL-terminated, [0] the command. Returns the exit code */
};

const Command *command_find(const char *name); /* NULL: there is none */
const Command *command_at(unsigned index);     /* NULL past the end */

/* Parses the options of a command and checks the number of words that are left. False: `code` is what to exit with.
 * Shortens argv. Text options are G_OPTION_ARG_FILENAME: the locale's charset must not change them. */
bool cli_parse(Cli *cli, char **argv, const GOptionEntry *entries, unsigned min_words, unsigned max_words, int *code);

/* Prints the one line of an error on stderr and returns its exit code. Takes the error. */
int cli_fail(GError *error_take);
int cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2); /* the same for wrong usage */

/* Asks on the terminal whether to do what cannot be undone. False: `code`, said why. */
bool cli_confirm(bool yes, const char *question, int *code);

/* The commands. */
int cmd_check(Cli *cli, char **argv);
int cmd_create(Cli *cli, char **argv);
int cmd_status(Cli *cli, char **argv);
int cmd_explain(Cli *cli, char **argv);
int cmd_doctor(Cli *cli, char **argv);
int cmd_completion(Cli *cli, char **argv);
int cmd_export(Cli *cli, char **argv);
int cmd_import(Cli *cli, char **argv);
int cmd_pause(Cli *cli, char **argv);
int cmd_resume(Cli *cli, char **argv);
int cmd_retry(Cli *cli, char **argv);
int cmd_resync(Cli *cli, char **argv);
int cmd_cancel(Cli *cli, char **argv);
int cmd_reposition(Cli *cli, char **argv);
int cmd_drop(Cli *cli, char **argv);
int cmd_run(Cli *cli, char **argv);
int cmd_stop(Cli *cli, char **argv);
int cmd_log(Cli *cli, char **argv);
int cmd_sql(Cli *cli, char **argv);
int cmd_tables(Cli *cli, char **argv);
int cmd_verify(Cli *cli, char **argv);
int cmd_set(Cli *cli, char **argv);
int cmd_version(Cli *cli, char **argv);
int cmd_help(Cli *cli, char **argv);

#endif
