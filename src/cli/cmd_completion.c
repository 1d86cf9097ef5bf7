/* Scripts that complete the words of sluice in a shell. The commands are those of the table in main.c; options are
 * asked of `sluice help COMMAND` when they are needed, and pipes of `sluice completion pipes`. */
#include "cli/caller.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS_OF_HELP "sed -n 's/^ *\\(-[a-z], \\)\\{0,1\\}\\(--[a-z-]*\\).*/\\2/p'"
#define GLOBAL_OPTIONS  "--state-dir --ascii --stop-on-quit --record --replay --print-keys --print-theme --version --help"

/* Whether the first word after the command is the name of a pipe that there is. */
static bool takes_pipe(const Command *command)
{
    return (g_str_has_prefix(command->usage, "NAME") || g_str_has_prefix(command->usage, "[NAME]")) &&
           strcmp(command->name, "create") != 0;
}

/* Names with `between` between them. Free with g_free. */
static char *command_names(bool (*chosen)(const Command *command), const char *between)
{
    GString *names = g_string_new(NULL);
    const Command *command;
    for (unsigned i = 0; (command = command_at(i)) != NULL; i++)
        if (chosen == NULL || chosen(command))
            g_string_append_printf(names, "%s%s", names->len > 0 ? between : "", command->name);
    return g_string_free(names, FALSE);
}

static void print_bash(void)
{
    g_autofree char *all = command_names(NULL, " "), *pipes = command_names(takes_pipe, ":0 | ");
    printf("# bash completion of sluice. To use it: source <(sluice completion bash)\n"
           "_sluice()\n"
           "{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} command= place=0 i word words=\n"
           "    local -a dir=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=${COMP_WORDS[i]}\n"
           "        case $word in\n"
           "        --state-dir) dir=(--state-dir \"${COMP_WORDS[++i]}\") ;;\n"
           "        --record|--replay) ((++i)) ;;\n"
           "        -*) ;;\n"
           "        *) if [[ -z $command ]]; then command=$word; else ((place++)); fi ;;\n"
           "        esac\n"
           "    done\n"
           "    COMPREPLY=()\n"
           "    if [[ $cur == -* && -z $command ]]; then\n"
           "        words='" GLOBAL_OPTIONS "'\n"
           "    elif [[ $cur == -* ]]; then\n"
           "        words=$(sluice help \"$command\" 2>/dev/null | " OPTIONS_OF_HELP ")\n"
           "    elif [[ -z $command ]]; then\n"
           "        words='%s'\n"
           "    else\n"
           "        case $command:$place in\n"
           "        help:0) words='%s' ;;\n"
           "        completion:0) words='bash zsh fish' ;;\n"
           "        export:* | %s:0) words=$(sluice completion pipes \"${dir[@]}\" 2>/dev/null) ;;\n"
           "        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -o bashdefault -o default -F _sluice sluice\n",
           all, all, pipes);
}

static void print_zsh(void)
{
    g_autofree char *pipes = command_names(takes_pipe, "|");
    const Command *command;
    printf("#compdef sluice\n"
           "# zsh completion of sluice. To use it: sluice completion zsh >FOLDER/_sluice, in a FOLDER of $fpath\n"
           "_sluice()\n"
           "{\n"
           "    local command= word\n"
           "    local -i place=0 i\n"
           "    local -a dir commands\n"
           "    commands=(\n");
    for (unsigned i = 0; (command = command_at(i)) != NULL; i++) {
        g_autofree char *entry = g_strdup_printf("%s:%s", command->name, command->summary);
        g_autofree char *quoted = g_shell_quote(entry);
        printf("        %s\n", quoted);
    }
    printf("    )\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n"
           "        word=$words[i]\n"
           "        case $word in\n"
           "        (--state-dir) dir=(--state-dir \"$words[++i]\") ;;\n"
           "        (--record|--replay) ((++i)) ;;\n"
           "        (-*) ;;\n"
           "        (*) if [[ -z $command ]]; then command=$word; else ((place++)); fi ;;\n"
           "        esac\n"
           "    done\n"
           "    if [[ $words[CURRENT] == -* && -z $command ]]; then\n"
           "        compadd -- " GLOBAL_OPTIONS "\n"
           "    elif [[ $words[CURRENT] == -* ]]; then\n"
           "        compadd -- ${(f)\"$(sluice help $command 2>/dev/null | " OPTIONS_OF_HELP ")\"}\n"
           "    elif [[ -z $command ]]; then\n"
           "        _describe command commands\n"
           "    else\n"
           "        case $command:$place in\n"
           "        (help:0) _describe command commands ;;\n"
           "        (completion:0) compadd bash zsh fish ;;\n"
           "        (export:*|(%s):0) compadd -- ${(f)\"$(sluice completion pipes $dir 2>/dev/null)\"} ;;\n"
           "        (*) _files ;;\n"
           "        esac\n"
           "    fi\n"
           "}\n"
           "if [[ $funcstack[1] == _sluice ]]; then\n"
           "    _sluice \"$@\"\n"
           "else\n"
           "    compdef _sluice sluice\n"
           "fi\n",
           pipes);
}

static const char FISH_FUNCTIONS[] =
    "# fish completion of sluice. To use it: sluice completion fish >~/.config/fish/completions/sluice.fish\n"
    "function __sluice_command\n"
    "    set -l words (commandline -opc)\n"
    "    set -e words[1]\n"
    "    while set -q words[1]\n"
    "        switch $words[1]\n"
    "            case --state-dir --record --replay\n"
    "                set -e words[1]\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                echo $words[1]\n"
    "                return 0\n"
    "        end\n"
    "        set -e words[1]\n"
    "    end\n"
    "    return 1\n"
    "end\n"
    "function __sluice_in\n"
    "    contains -- (__sluice_command; or echo none) $argv\n"
    "end\n"
    "function __sluice_options\n"
    "    sluice help (__sluice_command) 2>/dev/null | string match -rg -- '^ +(?:-[a-z], )?(--[a-z-]+)'\n"
    "end\n"
    "function __sluice_pipes\n"
    "    set -l words (commandline -opc)\n"
    "    set -l dir\n"
    "    if set -l at (contains -i -- --state-dir $words)\n"
    "        set dir --state-dir $words[(math $at + 1)]\n"
    "    end\n"
    "    sluice completion pipes $dir 2>/dev/null\n"
    "end\n"
    "complete -c sluice -f\n"
    "complete -c sluice -l state-dir -r -F -d 'where the engine keeps what it knows'\n"
    "complete -c sluice -n 'not __sluice_command' -l ascii -d 'ASCII characters alone'\n"
    "complete -c sluice -n 'not __sluice_command' -l stop-on-quit -d 'quitting stops the engine'\n"
    "complete -c sluice -n 'not __sluice_command' -l record -r -F -d 'write what the engine says to a new file'\n"
    "complete -c sluice -n 'not __sluice_command' -l replay -r -F -d 'show such a file, without any engine'\n"
    "complete -c sluice -n 'not __sluice_command' -l print-keys -d 'the keys, as a file that changes them'\n"
    "complete -c sluice -n 'not __sluice_command' -l print-theme -d 'the looks, as a file that changes them'\n";

static void print_fish(void)
{
    g_autofree char *pipes = command_names(takes_pipe, " "), *all = command_names(NULL, " ");
    const Command *command;
    fputs(FISH_FUNCTIONS, stdout);
    for (unsigned i = 0; (command = command_at(i)) != NULL; i++) {
        g_autofree char *quoted = g_shell_quote(command->summary);
        /* Within quotes fish takes \' for a quote, where a shell ends them. */
        g_autoptr(GString) text = g_string_new(quoted);
        g_string_replace(text, "'\\''", "\\'", 0);
        printf("complete -c sluice -n 'not __sluice_command' -a %s -d %s\n", command->name, text->str);
    }
    printf("complete -c sluice -n '__sluice_in %s export' -a '(__sluice_pipes)'\n"
           "complete -c sluice -n '__sluice_in help' -a '%s'\n"
           "complete -c sluice -n '__sluice_in completion' -a 'bash zsh fish'\n"
           "complete -c sluice -n '__sluice_in import' -F\n"
           "complete -c sluice -n '__sluice_command >/dev/null; and string match -q -- \"-*\" (commandline -ct)' -a "
           "'(__sluice_options)'\n",
           pipes, all);
}

/* For the scripts: names alone, one a line. */
static int print_pipes(const Cli *cli)
{
    GError *error = NULL;
    g_autoptr(Caller) caller = caller_open(cli, true, &error);
    g_autoptr(View) view = caller != NULL ? caller_view(caller, &error) : NULL;
    if (view == NULL)
        return cli_fail(error);
    for (unsigned i = 0; i < view->n_pipes; i++)
        puts(view->pipes[i].name);
    return 0;
}

int cmd_completion(Cli *cli, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    int code;
    if (!cli_parse(cli, argv, NULL, 1, 1, &code))
        return code;
    if (strcmp(cli->words[0], "pipes") == 0)
        return print_pipes(cli);
    for (unsigned i = 0; i < G_N_ELEMENTS(shells); i++) {
        if (strcmp(cli->words[0], shells[i].name) != 0)
            continue;
        shells[i].print();
        return 0;
    }
    return cli_usage("there is completion for bash, zsh and fish");
}
