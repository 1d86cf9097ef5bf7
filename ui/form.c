#include "form.h"

#include "keys.h"

#define LINE_EDIT_MAX 4096 /* bytes: no URL or name is longer */

void line_edit_init(LineEdit *edit, const char *text)
{
    edit->text = g_string_new(text);
    edit->cursor = g_utf8_strlen(edit->text->str, -1);
    edit->left = 0;
}

void line_edit_clear(LineEdit *edit)
{
    if (edit->text)
        g_string_free(edit->text, TRUE);
    edit->text = NULL;
}

void line_edit_set(LineEdit *edit, const char *text)
{
    g_string_assign(edit->text, text);
    edit->cursor = g_utf8_strlen(edit->text->str, -1);
    edit->left = 0;
}

static gssize byte_at(const LineEdit *edit, glong chars)
{
    return g_utf8_offset_to_pointer(edit->text->str, chars) - edit->text->str;
}

static void erase(LineEdit *edit, glong from, glong to)
{
    gssize begin = byte_at(edit, from);
    g_string_erase(edit->text, begin, byte_at(edit, to) - begin);
    edit->cursor = from;
}

static glong word_before(const LineEdit *edit)
{
    glong at = edit->cursor;
    while (at > 0 && edit->text->str[byte_at(edit, at - 1)] == ' ')
        at--;
    while (at > 0 && edit->text->str[byte_at(edit, at - 1)] != ' ')
        at--;
    return at;
}

bool line_edit_key(LineEdit *edit, int key)
{
    glong length = g_utf8_strlen(edit->text->str, -1);
    switch (key) {
    case KEYCODE_LEFT:
    case KEY_CTRL('b'):
        edit->cursor = MAX(edit->cursor - 1, 0);
        return true;
    case KEYCODE_RIGHT:
    case KEY_CTRL('f'):
        edit->cursor = MIN(edit->cursor + 1, length);
        return true;
    case KEYCODE_HOME:
    case KEY_CTRL('a'):
        edit->cursor = 0;
        return true;
    case KEYCODE_END:
    case KEY_CTRL('e'):
        edit->cursor = length;
        return true;
    case KEYCODE_BACKSPACE:
    case 8:
    case 127:
        if (edit->cursor > 0)
            erase(edit, edit->cursor - 1, edit->cursor);
        return true;
    case KEYCODE_DELETE:
    case KEY_CTRL('d'):
        if (edit->cursor < length)
            erase(edit, edit->cursor, edit->cursor + 1);
        return true;
    case KEY_CTRL('u'):
        erase(edit, 0, edit->cursor);
        return true;
    case KEY_CTRL('k'):
        erase(edit, edit->cursor, length);
        return true;
    case KEY_CTRL('w'):
        erase(edit, word_before(edit), edit->cursor);
        return true;
    default:
        if (key < ' ' || key > 0x10ffff || !g_unichar_isprint((gunichar)key))
            return false;
        if (edit->text->len < LINE_EDIT_MAX) {
            g_string_insert_unichar(edit->text, byte_at(edit, edit->cursor), (gunichar)key);
            edit->cursor++;
        }
        return true;
    }
}

void line_edit_draw(LineEdit *edit, Canvas *canvas, int row, int col, int width, bool focus, const char *shown)
{
    if (width <= 1)
        return;
    canvas_fill(canvas, row, col, 1, width, STYLE_INPUT, ' ');
    if (!focus) {
        canvas_text(canvas, row, col, width, STYLE_INPUT, shown ? shown : edit->text->str);
        return;
    }
    if (edit->cursor < edit->left)
        edit->left = edit->cursor;
    int before;
    for (;;) {
        g_autofree char *part = g_utf8_substring(edit->text->str, edit->left, edit->cursor);
        before = canvas_text_width(canvas, part);
        if (before < width)
            break;
        edit->left++;
    }
    const char *visible = g_utf8_offset_to_pointer(edit->text->str, edit->left);
    canvas_text(canvas, row, col, width, STYLE_INPUT, visible);
    canvas->cursor_row = row;
    canvas->cursor_col = col + before;
    canvas->cursor_visible = true;
}
