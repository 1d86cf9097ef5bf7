#include "command_line.h"

#include <string.h>

#include "base/url.h"
#include "form.h"
#include "keys.h"
#include "screen.h"

#define HISTORY_MAX 100
#define HINT        "Tab completes, Up brings back commands, Enter runs this one."

struct CommandLine {
    const UiCommand *commands;
    LineEdit edit;
    GPtrArray *history; /* char *, the newest last */
    guint at;           /* in the history; its length: the line being typed */
    char *draft;        /* that line, while another one is shown */
    char *hint;         /* what could follow; NULL: HINT */
};

CommandLine *command_line_new(const UiCommand *commands)
{
    CommandLine *line = g_new0(CommandLine, 1);
    line->commands = commands;
    line->history = g_ptr_array_new_with_free_func(g_free);
    line_edit_init(&line->edit, "");
    return line;
}

void command_line_free(CommandLine *line)
{
    if (!line)
        return;
    line_edit_clear(&line->edit);
    g_ptr_array_unref(line->history);
    g_free(line->draft);
    g_free(line->hint);
    g_free(line);
}

void command_line_begin(CommandLine *line)
{
    line_edit_set(&line->edit, "");
    line->at = line->history->len;
    g_clear_pointer(&line->hint, g_free);
}

const char *command_line_text(const CommandLine *line)
{
    return line->edit.text->str;
}

const char *command_line_hint(const CommandLine *line)
{
    return line->hint ? line->hint : HINT;
}

/* -- what was typed before -- */

static void recall(CommandLine *line, int step)
{
    if ((step < 0 && line->at == 0) || (step > 0 && line->at >= line->history->len))
        return;
    if (line->at == line->history->len) {
        g_free(line->draft);
        line->draft = g_strdup(line->edit.text->str);
    }
    line->at = (guint)((int)line->at + step);
    line_edit_set(&line->edit, line->at < line->history->len ? line->history->pdata[line->at] : line->draft);
}

void command_line_remember(CommandLine *line, const char *text)
{
    guint n = line->history->len;
    g_autofree char *plain = url_redact(text);
    if (!g_str_equal(plain, text) || (n && g_str_equal(line->history->pdata[n - 1], text)))
        return;
    if (n >= HISTORY_MAX)
        g_ptr_array_remove_index(line->history, 0);
    g_ptr_array_add(line->history, g_strdup(text));
}

/* -- completion -- */

/* The words before the one under the cursor, the beginning of that one, and what may stand there. */
typedef struct {
    char **before;
    guint n_before;
    const char *prefix;
    GPtrArray *found; /* char * as a shell reads them */
} Completion;

static void offer(Completion *completion, const char *word)
{
    if (word && g_str_has_prefix(word, completion->prefix))
        g_ptr_array_add(completion->found, action_word(word));
}

static void offer_commands(const CommandLine *line, Completion *completion)
{
    for (const UiCommand *command = line->commands; command && command->name; command++)
        offer(completion, command->name);
}

/* What the cursor stands on is the one to take where nothing of it was typed. */
static bool offer_subject(Completion *completion, const char *subject)
{
    if (!subject || *completion->prefix)
        return false;
    offer(completion, subject);
    return true;
}

static void offer_pipes(Completion *completion, const View *view, CommandSubject subject)
{
    if (!offer_subject(completion, view_find_pipe(view, subject.pipe ? subject.pipe : "") ? subject.pipe : NULL))
        for (unsigned i = 0; i < view->n_pipes; i++)
            offer(completion, view->pipes[i].name);
}

static void offer_tables(Completion *completion, const View *view, CommandSubject subject, bool edits)
{
    const ViewPipe *pipe = view_find_pipe(view, completion->before[1]);
    bool its = pipe && g_strcmp0(pipe->name, subject.pipe) == 0;
    if (offer_subject(completion, its ? subject.table : NULL))
        return;
    for (unsigned i = 0; pipe && pipe->tables && i < pipe->n_tables; i++)
        offer(completion, pipe->tables[i].source);
    if (edits) {
        offer(completion, "add");
        offer(completion, "remove");
    }
}

/* The options that the command's usage names. */
static void offer_options(Completion *completion, const char *usage)
{
    g_auto(GStrv) words = g_strsplit_set(usage, " []|.", -1);
    for (char **word = words; *word; word++)
        if (g_str_has_prefix(*word, "--"))
            offer(completion, *word);
}

static void collect(const CommandLine *line, Completion *completion, const View *view, CommandSubject subject)
{
    const char *word = completion->n_before ? completion->before[0] : NULL;
    const UiCommand *command = line->commands;
    while (word && command && command->name && !g_str_equal(command->name, word))
        command++;
    if (!word || (g_str_equal(word, "help") && completion->n_before == 1)) {
        offer_commands(line, completion);
        return;
    }
    if (!command || !command->name)
        return;
    bool named = strstr(command->usage, "NAME") && !g_str_equal(word, "create"), tables = g_str_equal(word, "tables");
    if (completion->prefix[0] == '-')
        offer_options(completion, command->usage);
    else if (view && named && completion->n_before == 1)
        offer_pipes(completion, view, subject);
    else if (view && completion->n_before >= 2 &&
             (tables || g_str_equal(completion->before[completion->n_before - 1], "--table")))
        offer_tables(completion, view, subject, tables && completion->n_before == 2);
}

static gsize common_length(const GPtrArray *found)
{
    const char *first = found->pdata[0];
    gsize length = strlen(first);
    for (guint i = 1; i < found->len; i++) {
        gsize same = 0;
        const char *other = found->pdata[i];
        while (same < length && first[same] == other[same])
            same++;
        length = same;
    }
    while (length && !g_utf8_validate(first, (gssize)length, NULL))
        length--;
    return length;
}

static void complete(CommandLine *line, const View *view, CommandSubject subject)
{
    const char *cursor = g_utf8_offset_to_pointer(line->edit.text->str, line->edit.cursor);
    g_autofree char *head = g_strndup(line->edit.text->str, (gsize)(cursor - line->edit.text->str));
    char *blank = strrchr(head, ' ');
    g_autofree char *rest = g_strdup(cursor), *prefix = g_strdup(blank ? blank + 1 : head);
    if (blank)
        *blank = '\0';
    g_auto(GStrv) before = g_strsplit(blank ? g_strstrip(head) : "", " ", -1);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    Completion completion = {before, g_strv_length(before), prefix, found};
    if (completion.n_before == 1 && !*before[0])
        completion.n_before = 0;
    collect(line, &completion, view, subject);
    g_clear_pointer(&line->hint, g_free);
    if (!found->len) {
        line->hint = g_strdup("Nothing begins so.");
        return;
    }
    g_autofree char *common = g_strndup(found->pdata[0], common_length(found));
    if (found->len > 1) {
        g_ptr_array_add(found, NULL);
        line->hint = g_strjoinv("  ", (char **)found->pdata);
    }
    if (strlen(common) < strlen(prefix)) /* a name that a shell wants quoted */
        return;
    GString *text = g_string_new(line->edit.text->str);
    g_string_truncate(text, (gsize)(cursor - line->edit.text->str) - strlen(prefix));
    g_string_append(text, common);
    if (!line->hint && *rest != ' ')
        g_string_append_c(text, ' ');
    glong at = g_utf8_strlen(text->str, -1);
    g_string_append(text, rest);
    line_edit_set(&line->edit, text->str);
    line->edit.cursor = at;
    g_string_free(text, TRUE);
}

/* -- keys -- */

CommandLineResult command_line_key(CommandLine *line, const View *view, CommandSubject subject, int key)
{
    if (key == KEYCODE_ESC || key == KEY_CTRL('c') || ((key == KEYCODE_BACKSPACE || key == 8) && !line->edit.text->len))
        return COMMAND_LINE_LEFT;
    if (key == KEYCODE_TAB) {
        complete(line, view, subject);
        return COMMAND_LINE_OPEN;
    }
    g_clear_pointer(&line->hint, g_free);
    if (key == KEYCODE_ENTER) {
        g_autofree char *text = g_strstrip(g_strdup(line->edit.text->str));
        line_edit_set(&line->edit, text);
        if (!*text)
            return COMMAND_LINE_LEFT;
        command_line_remember(line, text);
        return COMMAND_LINE_TYPED;
    }
    if (key == KEYCODE_UP || key == KEY_CTRL('p'))
        recall(line, -1);
    else if (key == KEYCODE_DOWN || key == KEY_CTRL('n'))
        recall(line, 1);
    else
        line_edit_key(&line->edit, key);
    return COMMAND_LINE_OPEN;
}

void command_line_draw(CommandLine *line, Canvas *canvas, int row)
{
    canvas_fill(canvas, row, 0, 1, canvas->cols, STYLE_TEXT, ' ');
    canvas_text(canvas, row, 0, 1, STYLE_KEY, ":");
    line_edit_draw(&line->edit, canvas, row, 1, canvas->cols - 2, true, NULL);
}
