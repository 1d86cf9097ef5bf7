/* What screens are made of, without a terminal: figures, cells, bars, columns, the keymap. */
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "../../ui/canvas.h"
#include "../../ui/form.h"
#include "../../ui/format.h"
#include "../../ui/keys.h"
#include "../../ui/spark.h"
#include "../../ui/table.h"

static void test_durations(void)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {-1, "?"},          {0, "0.0s"},       {0.44, "0.4s"},     {9.94, "9.9s"},  {9.96, "10s"},
        {59.4, "59s"},      {130, "2m 10s"},   {599, "9m 59s"},    {1560, "26m"},   {8040, "2h 14m"},
        {86399, "23h 59m"}, {86400, "1d  0h"}, {590400, "6d 20h"}, {1e9, "> 999d"}, {1e300, "> 999d"},
    };
    char out[FORMAT_MAX];
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(format_duration(out, cases[i].seconds), ==, cases[i].text);
    g_assert_cmpstr(format_duration(out, 0.0 / 0.0), ==, "?");
    g_assert_cmpstr(format_headroom(out, 41 * 60), ==, "0h 41m");
}

static void test_figures(void)
{
    char out[FORMAT_MAX];
    g_assert_cmpstr(format_rate(out, -1), ==, "?");
    g_assert_cmpstr(format_rate(out, 0), ==, "0");
    g_assert_cmpstr(format_rate(out, 0.01), ==, "0.1");
    g_assert_cmpstr(format_rate(out, 1204), ==, "1,204");
    g_assert_cmpstr(format_rate(out, 9999.6), ==, "10.0k");
    g_assert_cmpstr(format_rate(out, 412700), ==, "412.7k");
    g_assert_cmpstr(format_rate(out, 999960), ==, "1.0M");
    g_assert_cmpstr(format_count(out, 1204332), ==, "1,204,332");
    g_assert_cmpstr(format_count(out, 38000000), ==, "38.0 M");
    g_assert_cmpstr(format_bytes(out, 999), ==, "999 B");
    g_assert_cmpstr(format_bytes(out, 999.6), ==, "1.0 KB");
    g_assert_cmpstr(format_bytes(out, 8.1e9), ==, "8.1 GB");
    g_assert_cmpstr(format_bytes(out, 340e3), ==, "340 KB");
    /* None is wider than its column, whatever the number. */
    for (double number = 1; number < 1e15; number *= 1.37) {
        g_assert_cmpuint(strlen(format_rate(out, number)), <=, 6);
        g_assert_cmpuint(strlen(format_bytes(out, number)), <=, 6);
        g_assert_cmpuint(strlen(format_duration(out, number)), <=, 7);
    }
}

static void test_times(void)
{
    char out[FORMAT_MAX];
    const int64_t at = INT64_C(1795442551) * G_USEC_PER_SEC; /* 2026-11-23 14:02:31 UTC */
    g_assert_cmpstr(format_clock(out, at), ==, "14:02:31");
    g_assert_cmpstr(format_date(out, at), ==, "2026-11-23 14:02:31");
    g_assert_cmpstr(format_when(out, at - INT64_C(86400) * G_USEC_PER_SEC, at), ==, "22 Nov  ");
    g_assert_cmpstr(format_clock(out, -1), ==, "?");
}

static void assert_screen(const Canvas *canvas, const char *expected)
{
    g_autofree char *text = canvas_to_string(canvas);
    g_assert_cmpstr(text, ==, expected);
}

static void test_wide_characters(void)
{
    g_autoptr(Canvas) canvas = canvas_new(4, 6, false);
    g_assert_cmpint(canvas_text(canvas, 0, 0, 6, STYLE_TEXT, "日本語"), ==, 6);
    g_assert_cmpint(canvas_text(canvas, 1, 0, 5, STYLE_TEXT, "日本語"), ==, 5); /* two whole ones and the ellipsis */
    g_assert_cmpint(canvas_text(canvas, 2, 0, 4, STYLE_TEXT, "日本語"), ==, 3); /* no half ones */
    g_assert_cmpint(canvas_text(canvas, 3, 0, 6, STYLE_TEXT, "e\u0301te\u0301"), ==, 3);
    assert_screen(canvas, "日本語\n日本…\n日…\ne\u0301te\u0301\n");
    canvas_text(canvas, 0, 1, 1, STYLE_TEXT, "x"); /* takes the right half of the first: the left goes too */
    canvas_text(canvas, 1, 2, 1, STYLE_TEXT, "y"); /* takes the left half of the second */
    assert_screen(canvas, " x本語\n日y …\n日…\ne\u0301te\u0301\n");
}

static void test_control_bytes(void)
{
    g_autoptr(Canvas) canvas = canvas_new(1, 30, false);
    canvas_text(canvas, 0, 0, 30, STYLE_TEXT, "a\x1b[2Jb\r\nc\xff");
    for (int col = 0; col < canvas->cols; col++)
        g_assert_cmpuint(canvas_cell(canvas, 0, col)->ch, >=, ' ');
}

static void test_bounds(void)
{
    g_autoptr(Canvas) canvas = canvas_new(2, 4, false);
    g_assert_cmpint(canvas_text(canvas, 0, 2, 99, STYLE_TEXT, "long"), ==, 2);
    g_assert_cmpint(canvas_text(canvas, -1, 0, 9, STYLE_TEXT, "x"), ==, 0);
    g_assert_cmpint(canvas_text(canvas, 2, 0, 9, STYLE_TEXT, "x"), ==, 0);
    g_assert_cmpint(canvas_text(canvas, 0, 4, 9, STYLE_TEXT, "x"), ==, 0);
    canvas_text_right(canvas, 1, 0, 4, STYLE_TEXT, "ab");
    canvas_fill(canvas, -5, -5, 3, 3, STYLE_TEXT, 'x');
    assert_screen(canvas, "  l…\n  ab\n");
}

static void test_wrapping(void)
{
    g_autoptr(Canvas) canvas = canvas_new(3, 8, false);
    g_assert_cmpint(canvas_wrapped_rows(canvas, 8, "one two three four"), ==, 3);
    g_assert_cmpint(canvas_wrapped(canvas, 0, 0, 8, 2, STYLE_TEXT, "one two three four"), ==, 2);
    assert_screen(canvas, "one two\nthree f…\n\n");
    g_assert_cmpint(canvas_wrapped_rows(canvas, 4, "abcdefghij"), ==, 3); /* a word longer than the line */
    g_assert_cmpint(canvas_wrapped_rows(canvas, 1, "日本"), ==, 2);
    g_assert_cmpint(canvas_wrapped_rows(canvas, 8, ""), ==, 1);
}

static void test_ascii(void)
{
    g_autoptr(Canvas) canvas = canvas_new(3, 16, true);
    canvas_text(canvas, 0, 0, 16, STYLE_TEXT, "● ✖ ‖ › — 日");
    spark_bar(canvas, 1, 0, 8, STYLE_TEXT, 0.5);
    const double values[] = {0, 1, 2, 4};
    spark_line(canvas, 2, 0, 4, STYLE_TEXT, values, 4);
    assert_screen(canvas, "* ! = > - ?\n####....\n_.-^\n");
    for (int row = 0; row < canvas->rows; row++)
        for (int col = 0; col < canvas->cols; col++)
            g_assert_cmpuint(canvas_cell(canvas, row, col)->ch, <, 0x7f);
}

static void test_bars(void)
{
    g_autoptr(Canvas) canvas = canvas_new(6, 4, false);
    spark_bar(canvas, 0, 0, 4, STYLE_TEXT, 0.5);
    spark_bar(canvas, 1, 0, 4, STYLE_TEXT, 0.53125); /* an eighth of a column more */
    spark_bar(canvas, 2, 0, 4, STYLE_TEXT, 7);
    const double values[] = {9, 0, -1, 4, 8};
    spark_line(canvas, 3, 0, 4, STYLE_TEXT, values, 5); /* the newest four; the unknown one is blank */
    spark_graph(canvas, 4, 0, 2, 4, STYLE_TEXT, values, 5, 8);
    assert_screen(canvas, "██\n██▏\n████\n▁ ▅█\n   █\n▁ ██\n");
    g_assert_cmpfloat(spark_axis(0), ==, 1);
    g_assert_cmpfloat(spark_axis(600000), ==, 600000);
    g_assert_cmpfloat(spark_axis(610000), ==, 800000);
    g_assert_cmpfloat(spark_axis_time(61), ==, 120);
}

static void test_columns(void)
{
    static const TableColumn columns[] = {
        {.title = "NAME", .width = 8},
        {.title = "RATE", .width = 6, .right = true, .drop = 2},
        {.title = "SPARK", .width = 10, .drop = 1},
        {.title = "NOTE", .width = 10, .flex = true},
    };
    for (int width = 1; width < 200; width++) {
        TableLayout at = table_layout(columns, 4, 3, width);
        int end = 3;
        for (int i = 0; i < 4; i++)
            if (at.width[i]) {
                g_assert_cmpint(at.x[i], >=, end);
                end = at.x[i] + at.width[i];
            }
        if (width >= 20)
            g_assert_cmpint(end, <=, 3 + width);
        g_assert_cmpint(at.width[0], ==, 8);
        g_assert_true(at.width[1] || !at.width[2]); /* they go in their order */
    }
}

static void test_cursor(void)
{
    TableCursor cursor = {0};
    g_assert_true(table_move(&cursor, ACTION_UP, 100, 10));
    g_assert_cmpint(cursor.cursor, ==, 0);
    table_move(&cursor, ACTION_END, 100, 10);
    g_assert_cmpint(cursor.cursor, ==, 99);
    g_assert_cmpint(cursor.top, ==, 90);
    table_keep_visible(&cursor, 5, 10); /* rows went away */
    g_assert_cmpint(cursor.cursor, ==, 4);
    g_assert_cmpint(cursor.top, ==, 0);
    table_move(&cursor, ACTION_PAGE_DOWN, 0, 10);
    g_assert_cmpint(cursor.cursor, ==, 0);
    g_assert_false(table_move(&cursor, ACTION_PAUSE, 100, 10));
}

/* On one screen a key means one thing, and what the footer shows the help explains. */
static void test_keymap(void)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    for (unsigned a = 0; a < n; a++) {
        g_assert_true(bindings[a].help || (a > 0 && bindings[a - 1].help));
        g_assert_true(!bindings[a].word || (bindings[a].short_label && bindings[a].help));
        for (unsigned b = a + 1; b < n; b++)
            if (bindings[a].places & bindings[b].places)
                for (int i = 0; i < KEYS_PER_BINDING && bindings[a].keys[i]; i++)
                    for (int k = 0; k < KEYS_PER_BINDING && bindings[b].keys[k]; k++)
                        g_assert_cmpint(bindings[a].keys[i], !=, bindings[b].keys[k]);
    }
    g_assert_cmpint(keys_action(KEYS_PIPES, 'q'), ==, ACTION_QUIT);
    g_assert_cmpint(keys_action(KEYS_PIPE, 'q'), ==, ACTION_BACK);
    g_assert_cmpint(keys_action(KEYS_PIPES, '\n'), ==, ACTION_OPEN);
    g_assert_cmpint(keys_action(KEYS_PIPES, 'R'), ==, ACTION_RESYNC);
    g_assert_cmpint(keys_action(KEYS_PIPES, 'X'), ==, ACTION_NONE);
}

static void test_footer_fits(void)
{
    for (int cols = 40; cols < 140; cols++) {
        g_autoptr(Canvas) canvas = canvas_new(1, cols, false);
        keys_footer(canvas, 0, KEYS_PIPES, NULL, NULL);
        g_autofree char *text = canvas_to_string(canvas);
        g_assert_nonnull(strstr(text, "? help")); /* the way on and the way out are never dropped */
        g_assert_nonnull(strstr(text, "q quit"));
        g_assert_null(strstr(text, "…"));
    }
}

static void test_line_edit(void)
{
    LineEdit edit;
    line_edit_init(&edit, "ab");
    line_edit_key(&edit, KEYCODE_LEFT);
    g_assert_true(line_edit_key(&edit, 0x65e5)); /* 日 */
    g_assert_cmpstr(edit.text->str, ==, "a日b");
    line_edit_key(&edit, KEYCODE_BACKSPACE);
    line_edit_key(&edit, KEYCODE_DELETE);
    g_assert_cmpstr(edit.text->str, ==, "a");
    g_assert_false(line_edit_key(&edit, KEYCODE_TAB));
    g_assert_false(line_edit_key(&edit, KEYCODE_ESC));
    line_edit_set(&edit, "one two");
    line_edit_key(&edit, KEY_CTRL('w'));
    g_assert_cmpstr(edit.text->str, ==, "one ");
    line_edit_key(&edit, KEY_CTRL('u'));
    g_assert_cmpstr(edit.text->str, ==, "");
    for (int i = 0; i < 10000; i++)
        line_edit_key(&edit, 'x');
    g_assert_cmpuint(edit.text->len, <=, 4096);
    g_autoptr(Canvas) canvas = canvas_new(1, 10, false);
    line_edit_draw(&edit, canvas, 0, 0, 10, true, NULL); /* the end of it is what one sees */
    g_assert_cmpint(canvas->cursor_col, ==, 9);
    line_edit_clear(&edit);
}

int main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    if (!setlocale(LC_ALL, "C.UTF-8"))
        setlocale(LC_ALL, "en_US.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ui/format/durations", test_durations);
    g_test_add_func("/ui/format/figures", test_figures);
    g_test_add_func("/ui/format/times", test_times);
    g_test_add_func("/ui/canvas/wide-characters", test_wide_characters);
    g_test_add_func("/ui/canvas/control-bytes", test_control_bytes);
    g_test_add_func("/ui/canvas/bounds", test_bounds);
    g_test_add_func("/ui/canvas/wrapping", test_wrapping);
    g_test_add_func("/ui/canvas/ascii", test_ascii);
    g_test_add_func("/ui/spark/bars", test_bars);
    g_test_add_func("/ui/table/columns", test_columns);
    g_test_add_func("/ui/table/cursor", test_cursor);
    g_test_add_func("/ui/keys/map", test_keymap);
    g_test_add_func("/ui/keys/footer-fits", test_footer_fits);
    g_test_add_func("/ui/form/line-edit", test_line_edit);
    return g_test_run();
}
