#include "commands.h"

#include <string.h>

#include "base/question.h"
#include "base/url.h"
#include "child.h"

struct Commands {
    const UiOptions *options;
    CommandLine *line;
    bool typing;
    Child *child;  /* NULL: none runs */
    char **words;  /* of the child */
    char *shown;   /* "sluice pause orders", without passwords */
    char *running; /* the hint while it runs */
    bool stopped;  /* by Esc */
};

Commands *commands_new(const UiOptions *options)
{
    Commands *commands = g_new0(Commands, 1);
    commands->options = options;
    commands->line = command_line_new(options->commands);
    return commands;
}

static void forget(Commands *commands)
{
    g_clear_pointer(&commands->child, child_free);
    g_clear_pointer(&commands->words, g_strfreev);
    g_clear_pointer(&commands->shown, g_free);
    g_clear_pointer(&commands->running, g_free);
}

void commands_free(Commands *commands)
{
    if (!commands)
        return;
    forget(commands);
    command_line_free(commands->line);
    g_free(commands);
}

/* -- starting -- */

static bool has_word(char **words, const char *word)
{
    return g_strv_contains((const char *const *)words, word);
}

/* "-f", also among others: "-fn". */
static bool has_letter(char **words, char letter)
{
    for (; *words; words++)
        if ((*words)[0] == '-' && (*words)[1] != '-' && strchr(*words, letter))
            return true;
    return false;
}

/* Why it makes no sense on the screen; NULL: it does. */
static const char *refuse(char **words)
{
    if (!words[0] || words[0][0] == '-')
        return "Begin with a command; help lists them.";
    if (g_str_equal(words[0], "run"))
        return "The engine is not started from within its dashboard: `sluice run --detach` in a shell.";
    if (g_str_equal(words[0], "status") && has_word(words, "--watch"))
        return "status --watch is for a shell: this screen shows the same.";
    if (g_str_equal(words[0], "log") && (has_word(words, "--follow") || has_letter(words, 'f')))
        return "log -f is for a shell: the journal here follows by itself.";
    return NULL;
}

/* As typed, but without passwords. Free with g_free. */
static char *shown_words(const Ui *ui, char **words)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **word = words; *word; word++) {
        g_autofree char *plain = url_redact(*word), *quoted = action_word(plain);
        g_string_append_printf(text, "%s%s", word > words ? " " : "", quoted);
    }
    return action_command(ui, "%s", text->str);
}

static void start(Commands *commands, Ui *ui, char **words_take)
{
    g_autoptr(GError) error = NULL;
    forget(commands);
    commands->stopped = false;
    commands->words = words_take;
    commands->shown = shown_words(ui, words_take);
    commands->running = g_strdup_printf("Running: %s. Esc ends it.", commands->shown);
    commands->child = child_start(commands->options->state_dir, words_take, &error);
    if (!commands->child)
        ui_say(ui, STYLE_LOST, commands->shown, "It cannot be started: %s", error->message);
}

/* The words without `sluice` before them, and without --yes: the screen asks. NULL after an error was said. */
static char **read_words(Ui *ui, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) typed = NULL;
    if (!g_shell_parse_argv(text, NULL, &typed, &error)) {
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
        return NULL;
    }
    GPtrArray *words = g_ptr_array_new();
    for (char **word = typed; *word; word++)
        if (!g_str_equal(*word, "--yes") && !(word == typed && g_str_equal(*word, "sluice")))
            g_ptr_array_add(words, g_strdup(*word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static void typed(Commands *commands, Ui *ui)
{
    char **words = read_words(ui, command_line_text(commands->line));
    const char *why_not = words ? refuse(words) : NULL;
    if (why_not) {
        ui_say(ui, STYLE_TEXT, NULL, "%s", why_not);
        g_strfreev(words);
    } else if (words) {
        start(commands, ui, words);
    }
}

void commands_begin(Commands *commands, Ui *ui)
{
    if (ui->recorded) {
        ui_say(ui, STYLE_TEXT, NULL, "This is a recording: there is no engine that a command could act on.");
    } else if (commands->child) {
        ui_say(ui, STYLE_TEXT, NULL, "%s", commands->running);
    } else {
        command_line_begin(commands->line);
        commands->typing = true;
    }
}

void commands_remember(Commands *commands, const char *command)
{
    g_auto(GStrv) words = NULL;
    if (strstr(command, "***") || !g_shell_parse_argv(command, NULL, &words, NULL))
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **word = words + 1; *word; word++) {
        if (g_str_equal(*word, "--state-dir") && word[1]) { /* the screen's own goes without saying */
            word++;
            continue;
        }
        g_autofree char *quoted = action_word(*word);
        g_string_append_printf(text, "%s%s", text->len ? " " : "", quoted);
    }
    command_line_remember(commands->line, text->str);
}

bool commands_key(Commands *commands, Ui *ui, CommandSubject subject, int key)
{
    if (commands->typing) {
        CommandLineResult result = command_line_key(commands->line, ui->view, subject, key);
        commands->typing = result == COMMAND_LINE_OPEN;
        if (result == COMMAND_LINE_TYPED)
            typed(commands, ui);
        return true;
    }
    if (!commands->child || key != KEYCODE_ESC)
        return false;
    commands->stopped = true;
    child_stop(commands->child);
    return true;
}

/* -- what it says -- */

typedef struct {
    Commands *commands;
    char **words; /* to be run with --yes */
} Asked;

static void asked_free(void *data)
{
    Asked *asked = data;
    g_strfreev(asked->words);
    g_free(asked);
}

static void confirmed(Ui *ui, int choice, void *data)
{
    Asked *asked = data;
    (void)choice;
    start(asked->commands, ui, g_steal_pointer(&asked->words));
}

/* The pipe that the words are about, else their second one. */
static const char *named_pipe(const Ui *ui, char **words)
{
    for (char **word = words + 1; *word; word++)
        if (ui->view && view_find_pipe(ui->view, *word))
            return *word;
    return words[1] ? words[1] : words[0];
}

/* Lines as one: blanks and ends of lines become single blanks. Free with g_free. */
static char *one_line(const char *text)
{
    g_autoptr(GString) line = g_string_new(NULL);
    for (; *text; text++)
        if (!g_ascii_isspace(*text))
            g_string_append_c(line, *text);
        else if (line->len && line->str[line->len - 1] != ' ')
            g_string_append_c(line, ' ');
    return g_strchomp(g_strdup(line->str));
}

static void ask(Commands *commands, Ui *ui)
{
    Asked *asked = g_new0(Asked, 1);
    guint n = g_strv_length(commands->words);
    asked->commands = commands;
    asked->words = g_new0(char *, n + 2);
    asked->words[0] = g_strdup(commands->words[0]);
    asked->words[1] = g_strdup("--yes"); /* before what may be a `--` */
    for (guint i = 1; i < n; i++)
        asked->words[i + 1] = g_strdup(commands->words[i]);
    g_autofree char *found = one_line(child_output(commands->child)),
                    *question = one_line(child_errors(commands->child));
    g_autofree char *text = g_strdup_printf("%s%s%s", found, *found ? ". " : "", question);
    g_autofree char *command = shown_words(ui, asked->words);
    const char *name = named_pipe(ui, commands->words);
    g_autofree char *title = g_strdup_printf("%s %s", commands->words[0], name);
    Dialog *dialog = dialog_name(title, text, command, name);
    forget(commands);
    ui_ask(ui, dialog, confirmed, asked, asked_free);
}

/* The last line that it complained with, without our own name. */
static char *complaint(const char *errors)
{
    g_autofree char *text = g_strchomp(g_strdup(errors));
    const char *line = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
    return g_strdup(g_str_has_prefix(line, "sluice: ") ? line + strlen("sluice: ") : line);
}

static void show_output(const Commands *commands, Ui *ui, const char *output, const char *why, int code)
{
    g_autofree char *text = *why ? g_strdup_printf("%s\n%s\n", output, why) : g_strdup(output);
    g_autofree char *note = commands->stopped ? g_strdup("ended before it was done · Esc closes")
                            : code            ? g_strdup_printf("exit code %d · Esc closes", code)
                                              : g_strdup("Esc closes");
    ui_show(ui, commands->shown, note, text);
}

static void ended(Commands *commands, Ui *ui, int code)
{
    g_autofree char *why = complaint(child_errors(commands->child));
    const char *output = child_output(commands->child);
    if (*output)
        show_output(commands, ui, output, why, code);
    else if (commands->stopped)
        ui_say(ui, STYLE_TEXT, commands->shown, "It was ended; what it had asked of the engine before goes on.");
    else if (*why)
        ui_say(ui, code ? STYLE_LOST : STYLE_TEXT, commands->shown, "%s", why);
    else if (code)
        ui_say(ui, STYLE_LOST, commands->shown, code < 0 ? "A signal ended it: %d." : "It ended with exit code %d.",
               ABS(code));
    else
        ui_say(ui, STYLE_TEXT, commands->shown, "Done.");
    forget(commands);
}

void commands_wait_for(const Commands *commands, int fds[2], int64_t *wake_at)
{
    fds[0] = fds[1] = -1;
    *wake_at = 0;
    if (commands->child)
        child_wait_for(commands->child, fds, wake_at);
}

void commands_take(Commands *commands, Ui *ui)
{
    int code;
    if (!commands->child)
        return;
    child_read(commands->child);
    if (!child_ended(commands->child, &code))
        return;
    if (code == QUESTION_EXIT && !commands->stopped)
        ask(commands, ui);
    else
        ended(commands, ui, code);
}

const char *commands_hint(const Commands *commands)
{
    return commands->typing ? command_line_hint(commands->line) : commands->child ? commands->running : NULL;
}

void commands_draw(Commands *commands, Canvas *canvas)
{
    if (commands->typing)
        command_line_draw(commands->line, canvas, canvas->rows - 1);
}
