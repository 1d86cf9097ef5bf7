#include "dialog.h"

#include "keys.h"

#define LIST_ROWS    12
#define COMMAND_ROWS 4

Dialog *dialog_choice(const char *title, const char *text, const char *command)
{
    Dialog *dialog = g_new0(Dialog, 1);
    dialog->title = g_strdup(title);
    dialog->text = g_strdup(text);
    dialog->command = g_strdup(command);
    return dialog;
}

void dialog_add_choice(Dialog *dialog, int key, const char *label, const char *text)
{
    g_assert(dialog->n_choices < DIALOG_MAX_CHOICES);
    dialog->choices[dialog->n_choices++] = (DialogChoice){.key = key, .label = label, .text = text};
}

void dialog_set_list(Dialog *dialog, const GPtrArray *lines)
{
    dialog->list = g_new0(char *, lines->len + 1);
    for (guint i = 0; i < lines->len; i++)
        dialog->list[i] = g_strdup(lines->pdata[i]);
}

Dialog *dialog_name(const char *title, const char *text, const char *command, const char *name)
{
    Dialog *dialog = dialog_choice(title, text, command);
    dialog->name = g_strdup(name);
    line_edit_init(&dialog->typed, "");
    return dialog;
}

void dialog_free(Dialog *dialog)
{
    if (!dialog)
        return;
    g_free(dialog->title);
    g_free(dialog->text);
    g_strfreev(dialog->list);
    g_free(dialog->command);
    g_free(dialog->name);
    line_edit_clear(&dialog->typed);
    g_free(dialog);
}

DialogResult dialog_key(Dialog *dialog, int key)
{
    if (key == KEYCODE_ESC || key == KEY_CTRL('c'))
        return DIALOG_CANCELLED;
    if (dialog->name) {
        if (key == KEYCODE_ENTER)
            return g_str_equal(dialog->typed.text->str, dialog->name) ? DIALOG_CHOSEN : DIALOG_OPEN;
        line_edit_key(&dialog->typed, key);
        return DIALOG_OPEN;
    }
    for (int i = 0; i < dialog->n_choices; i++)
        if (key == dialog->choices[i].key || (i == 0 && key == KEYCODE_ENTER)) {
            dialog->chosen = i;
            return DIALOG_CHOSEN;
        }
    return key == 'n' || key == 'q' ? DIALOG_CANCELLED : DIALOG_OPEN;
}

static void draw_answer(Dialog *dialog, Canvas *canvas, int row, int col, int width)
{
    if (dialog->name) {
        int used = canvas_printf(canvas, row, col, width, STYLE_TEXT, "Type %s to confirm: ", dialog->name);
        line_edit_draw(&dialog->typed, canvas, row, col + used, width - used, true, NULL);
        used = canvas_text(canvas, row + 1, col, width, STYLE_KEY, canvas->ascii ? "enter" : "⏎");
        used += canvas_text(canvas, row + 1, col + used, width - used, STYLE_TEXT, " do it    ");
        used += canvas_text(canvas, row + 1, col + used, width - used, STYLE_KEY, "esc");
        canvas_text(canvas, row + 1, col + used, width - used, STYLE_TEXT, " leave it as it is");
        return;
    }
    for (int i = 0; i < dialog->n_choices; i++) {
        canvas_text(canvas, row + i, col, 5, STYLE_KEY, dialog->choices[i].label);
        canvas_text(canvas, row + i, col + 5, width - 5, STYLE_TEXT, dialog->choices[i].text);
    }
    canvas_text(canvas, row + dialog->n_choices, col, 5, STYLE_KEY, "esc");
    canvas_text(canvas, row + dialog->n_choices, col + 5, width - 5, STYLE_TEXT, "go back");
}

/* The last line says how many more there are. */
static void draw_list(const Dialog *dialog, Canvas *canvas, int row, int col, int width, int rows)
{
    int n = (int)g_strv_length(dialog->list), shown = n > rows ? rows - 1 : n;
    for (int i = 0; i < shown; i++)
        canvas_text(canvas, row + i, col, width, STYLE_TITLE, dialog->list[i]);
    if (shown < n)
        canvas_printf(canvas, row + shown, col, width, STYLE_TITLE, "… and %d more", n - shown);
}

void dialog_draw(Dialog *dialog, Canvas *canvas)
{
    int cols = MIN(canvas->cols - 2, 72), width = cols - 4;
    int text_rows = canvas_wrapped_rows(canvas, width, dialog->text);
    int list_rows = dialog->list ? MIN((int)g_strv_length(dialog->list), LIST_ROWS) : 0;
    g_autofree char *command = dialog->command ? g_strdup_printf("$ %s", dialog->command) : NULL;
    int command_rows = command ? MIN(canvas_wrapped_rows(canvas, width, command), COMMAND_ROWS) : 0;
    int answer_rows = dialog->name ? 2 : dialog->n_choices + 1;
    int rows = 2 + text_rows + 1 + (list_rows ? list_rows + 1 : 0) + (command ? command_rows + 1 : 0) + answer_rows;
    if (rows > canvas->rows && list_rows) {
        int fewer = MIN(rows - canvas->rows, list_rows - 1);
        list_rows -= fewer;
        rows -= fewer;
    }
    if (rows > canvas->rows && command) { /* tiny terminals: the question before the shell's words */
        rows -= command_rows + 1;
        g_clear_pointer(&command, g_free);
    }
    text_rows = MAX(MIN(text_rows, text_rows - (rows - canvas->rows)), 1);
    rows = MIN(rows, canvas->rows);
    int row = (canvas->rows - rows) / 2, col = (canvas->cols - cols) / 2;
    canvas->cursor_visible = false;
    canvas->cursor_row = row;
    canvas->cursor_col = col;
    canvas_box(canvas, row, col, rows, cols, STYLE_TEXT);
    canvas_printf(canvas, row, col + 2, width, STYLE_TITLE, " %s ", dialog->title);
    row++;
    row += canvas_wrapped(canvas, row, col + 2, width, text_rows, STYLE_TEXT, dialog->text) + 1;
    if (list_rows) {
        draw_list(dialog, canvas, row, col + 4, width - 2, list_rows);
        row += list_rows + 1;
    }
    if (command)
        row += canvas_wrapped(canvas, row, col + 2, width, command_rows, STYLE_DIM, command) + 1;
    draw_answer(dialog, canvas, row, col + 2, width);
}
