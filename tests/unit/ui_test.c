/* What screens are made of, without a terminal: figures, cells, bars, columns, the keymap. */
#include <glib.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "../../src/control/view.h"
#include "../../ui/canvas.h"
#include "../../ui/form.h"
#include "../../ui/format.h"
#include "../../ui/command_line.h"
#include "../../ui/keys_file.h"
#include "../../ui/spark.h"
#include "../../ui/table.h"
#include "../../ui/theme_file.h"

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
    g_autoptr(Canvas) canvas = canvas_new(5, 16, true);
    canvas_text(canvas, 0, 0, 16, STYLE_TEXT, "● ✖ ‖ › — 日");
    spark_bar(canvas, 1, 0, 8, STYLE_TEXT, 0.5);
    const double values[] = {0, 1, 2, 4};
    spark_line(canvas, 2, 0, 4, STYLE_TEXT, values, 4);
    spark_graph(canvas, 3, 0, 2, 5, STYLE_TEXT, values, 4, 4);
    assert_screen(canvas, "* ! = > - ?\n####....\n_.-^\n    #\n _.##\n");
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
    spark_graph(canvas, 4, 0, 2, 4, STYLE_TEXT, values, 5, 8); /* two to a column */
    assert_screen(canvas, "██\n██▏\n████\n▁ ▅█\n ⢸ ⢸\n ⢸⡀⣿\n");
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

/* On one screen a key means one thing and an action stands once; what the footer shows the help explains. */
static void test_keymap(void)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    g_autoptr(Keymap) map = keymap_new();
    for (unsigned a = 0; a < n; a++) {
        g_assert_true(bindings[a].help || (a > 0 && bindings[a - 1].help));
        g_assert_true(!bindings[a].word || bindings[a].help);
        for (unsigned b = a + 1; b < n; b++)
            if (bindings[a].places & bindings[b].places) {
                g_assert_cmpint(bindings[a].action, !=, bindings[b].action);
                for (int i = 0; i < KEYS_PER_BINDING && bindings[a].keys[i]; i++)
                    for (int k = 0; k < KEYS_PER_BINDING && bindings[b].keys[k]; k++)
                        g_assert_cmpint(bindings[a].keys[i], !=, bindings[b].keys[k]);
            }
    }
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'q'), ==, ACTION_QUIT);
    g_assert_cmpint(keymap_action(map, KEYS_PIPE, 'q'), ==, ACTION_BACK);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, '\n'), ==, ACTION_OPEN);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'R'), ==, ACTION_RESYNC);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'X'), ==, ACTION_NONE);
}

/* Every key and action of the table has a name, and the name is that key's. */
static void test_names_of_keys(void)
{
    unsigned n;
    const KeyBinding *bindings = keys_table(&n);
    for (unsigned i = 0; i < n; i++) {
        g_assert_nonnull(keys_action_name(bindings[i].action));
        for (int k = 0; k < KEYS_PER_BINDING && bindings[i].keys[k]; k++) {
            g_autofree char *name = keys_name(bindings[i].keys[k], false), *sign = keys_name(bindings[i].keys[k], true);
            g_assert_cmpint(keys_from_name(name), ==, bindings[i].keys[k]);
            g_assert_cmpint(keys_from_name(sign), ==, bindings[i].keys[k]);
        }
    }
    static const char *const none[] = {"", "F11", "F", "^", "^1", "pp", "ctrl-u", "\xff", "^UU"};
    for (gsize i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_cmpint(keys_from_name(none[i]), ==,
                        g_str_equal(none[i], "F")   ? 'F'
                        : g_str_equal(none[i], "^") ? '^'
                                                    : KEYCODE_NONE);
}

/* A file of the operator's. */
static char *config_write(const char *name, const char *text)
{
    g_autofree char *folder = g_build_filename(g_get_user_config_dir(), "sluice", NULL);
    char *path = g_build_filename(folder, name, NULL);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static void config_remove(char *path_take)
{
    g_autofree char *folder = g_path_get_dirname(path_take);
    g_assert_cmpint(g_unlink(path_take), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(path_take);
}

/* Returns the problems. */
static GPtrArray *load_keys(Keymap *map, const char *text, bool *mouse)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
    char *path = config_write("keys.conf", text);
    *mouse = keys_file_load(map, problems);
    config_remove(path);
    return problems;
}

static void test_keys_file(void)
{
    g_autoptr(Keymap) map = keymap_new();
    bool mouse;
    g_autofree char *printed = keys_file_text();
    g_autoptr(GPtrArray) none = load_keys(map, printed, &mouse); /* what is printed changes nothing */
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_false(mouse);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'p'), ==, ACTION_PAUSE);
    g_autoptr(GPtrArray) fine =
        load_keys(map,
                  "[general]\nmouse = on\n[all]\nup = j\ndown = k\n" /* exchanged: no key has two meanings */
                  "[pipes]\npause = ^P ENTER\nopen = →\ndrop = F2\njournal = J\n",
                  &mouse);
    for (guint i = 0; i < fine->len; i++)
        g_test_message("%s", (char *)fine->pdata[i]);
    g_assert_cmpuint(fine->len, ==, 0);
    g_assert_true(mouse);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'j'), ==, ACTION_UP);
    g_assert_cmpint(keymap_action(map, KEYS_HELP, 'k'), ==, ACTION_DOWN);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, KEYCODE_ENTER), ==, ACTION_PAUSE);
    g_assert_cmpint(keymap_action(map, KEYS_PIPE, KEYCODE_ENTER), ==, ACTION_OPEN);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'p'), ==, ACTION_NONE);
    g_assert_cmpint(keymap_action(map, KEYS_PIPES, KEYCODE_F0 + 2), ==, ACTION_DROP);
    g_autofree char *first = keymap_key(map, KEYS_PIPES, ACTION_PAUSE, false);
    g_assert_cmpstr(first, ==, "^P");
}

static void test_wrong_keys_file(void)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"[pipes]\npause = F11\n", "no key's name"},
        {"[pipes]\npause =\n", "no key"},
        {"[pipes]\npause = 1 2 3 4 5 6\n", "too many keys"},
        {"[pipes]\nstop = p\n", "no such action"},
        {"[all]\nstop = p\n", "no such action"},
        {"[journal]\npause = P\n", "no such action"},
        {"[pipez]\npause = P\n", "no such screen"},
        {"[pipes]\ndrop = d\n", "too easily pressed"},
        {"[pipes]\ndrop = Enter\n", "too easily pressed"},
        {"[all]\nresync = Space\n", "too easily pressed"},
        {"[pipes]\npause = t\n", "t is the key of retry too"},
        {"[pipes]\nsort = p\npause = x\nretry = x\n", "x is the key of retry too"},
        {"[pipes]\nquit = ^C\n", "^C is the key of interrupt too"},
        {"[pipes]\ninterrupt = i\n", "the same everywhere"},
        {"[general]\nmouse = yes\n", "on or off"},
        {"[general]\nmice = on\n", "no such setting"},
        {"pause = p\n", "keys.conf"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Keymap) map = keymap_new();
        bool mouse;
        g_autoptr(GPtrArray) problems = load_keys(map, cases[i].text, &mouse);
        g_test_message("%s: %s", cases[i].text, problems->len ? (char *)problems->pdata[0] : "no problem");
        g_assert_cmpuint(problems->len, >=, 1);
        g_assert_nonnull(strstr(problems->pdata[0], cases[i].problem));
        for (KeysPlace place = KEYS_PIPES; place <= KEYS_TABLE; place = (KeysPlace)(place << 1))
            g_assert_cmpint(keymap_action(map, place, KEY_CTRL('c')), ==, ACTION_INTERRUPT);
        g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'D'), ==, ACTION_DROP);
        g_assert_cmpint(keymap_action(map, KEYS_PIPES, 'p'), ==, ACTION_PAUSE);
    }
}

/* Colours that a terminal does not have become near ones; NO_COLOR takes all. */
static void test_theme(void)
{
    ThemeChoice choice = {.set = {[STYLE_LOST] = true, [STYLE_WAIT] = true, [STYLE_DIM] = true},
                          .attrs = {[STYLE_LOST] = {.bold = true, .colour = 196},
                                    [STYLE_WAIT] = {.colour = 11},
                                    [STYLE_DIM] = {.colour = 245}}};
    static const struct {
        int colours, lost, wait, dim;
    } cases[] = {{256, 196, 11, 245}, {16, 9, 11, 8}, {8, 1, 3, 7}, {0, THEME_DEFAULT, THEME_DEFAULT, THEME_DEFAULT}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Theme theme = theme_new(false, cases[i].colours, &choice);
        g_assert_cmpint(theme_attr(&theme, STYLE_LOST).colour, ==, cases[i].lost);
        g_assert_cmpint(theme_attr(&theme, STYLE_WAIT).colour, ==, cases[i].wait);
        g_assert_cmpint(theme_attr(&theme, STYLE_DIM).colour, ==, cases[i].dim);
        g_assert_true(theme_attr(&theme, STYLE_LOST).bold);
    }
    g_setenv("NO_COLOR", "1", TRUE);
    Theme none = theme_new(false, 256, &choice);
    g_unsetenv("NO_COLOR");
    g_assert_cmpint(theme_attr(&none, STYLE_LOST).colour, ==, THEME_DEFAULT);
}

static GPtrArray *load_theme(const char *text, ThemeChoice *choice)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
    char *path = config_write("theme.conf", text);
    *choice = theme_file_load(problems);
    config_remove(path);
    return problems;
}

static void test_theme_file(void)
{
    ThemeChoice choice;
    g_autofree char *printed = theme_file_text();
    g_autoptr(GPtrArray) none = load_theme(printed, &choice); /* what is printed changes nothing */
    g_assert_cmpuint(none->len, ==, 0);
    Theme chosen = theme_new(false, 256, &choice), usual = theme_new(false, 256, NULL);
    for (int style = 0; style < STYLE_COUNT; style++) {
        ThemeAttr a = theme_attr(&chosen, (Style)style), b = theme_attr(&usual, (Style)style);
        g_assert_true(a.bold == b.bold && a.dim == b.dim && a.reverse == b.reverse && a.underline == b.underline &&
                      a.colour == b.colour);
    }
    static const struct {
        const char *text, *problem;
    } cases[] = {{"[styles]\nlost = pink\n", "'pink' is no colour"},
                 {"[styles]\nlost = 256\n", "'256' is no colour"},
                 {"[styles]\nalarm = red\n", "no such style"},
                 {"[colours]\nlost = red\n", "only [styles]"},
                 {"lost = red\n", "theme.conf"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) problems = load_theme(cases[i].text, &choice);
        g_assert_cmpuint(problems->len, ==, 1);
        g_assert_nonnull(strstr(problems->pdata[0], cases[i].problem));
        g_assert_false(choice.set[STYLE_LOST]);
    }
}

static void test_footer_fits(void)
{
    g_autoptr(Keymap) map = keymap_new();
    for (int cols = 40; cols < 140; cols++) {
        g_autoptr(Canvas) canvas = canvas_new(1, cols, false);
        keys_footer(map, canvas, 0, KEYS_PIPES, NULL, NULL);
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

static void type_into(CommandLine *line, const View *view, CommandSubject subject, const char *text)
{
    for (; *text; text = g_utf8_next_char(text))
        command_line_key(line, view, subject, (int)g_utf8_get_char(text));
}

static const UiCommand COMMANDS[] = {{"pause", "NAME"},
                                     {"resync", "NAME [--table T]…"},
                                     {"resume", "NAME"},
                                     {"tables", "NAME [TABLE|add TABLE…|remove TABLE…]"},
                                     {"create", "NAME --source URL"},
                                     {"help", "[COMMAND]"},
                                     {NULL, NULL}};

/* What Tab makes of a line, the cursor standing on orders and its table shop.items. */
static void test_completion(void)
{
    static const struct {
        const char *typed, *line, *hint;
    } cases[] = {
        {"pa\t", "pause ", "Tab completes"},
        {"pa\t\t", "pause orders ", "Tab completes"},
        {"re\t", "res", "resync  resume"},
        {"resync orders --t\t\t", "resync orders --table shop.items ", "Tab completes"},
        {"resync orders --table shop.o\t", "resync orders --table shop.orders ", "Tab completes"},
        {"resync audit --table \t", "resync audit --table log.日本 ", "Tab completes"},
        {"tables orders r\t\t", "tables orders remove shop.items ", "Tab completes"},
        {"create \t", "create ", "Nothing begins so"},
        {"help pa\t", "help pause ", "Tab completes"},
        {"zz\t", "zz", "Nothing begins so"},
        {"\t", "", "pause  resync  resume"},
    };
    json_t *picture = json_pack("{s:i, s:[{s:s, s:[{s:s},{s:s}]}, {s:s, s:[{s:s}]}]}", "format", 1, "pipes", "name",
                                "orders", "tables", "source", "shop.items", "source", "shop.orders", "name", "audit",
                                "tables", "source", "log.日本");
    g_autoptr(View) view = view_from_json(picture, NULL);
    json_decref(picture);
    g_assert_nonnull(view);
    const CommandSubject subject = {"orders", "shop.items"};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(CommandLine) line = command_line_new(COMMANDS);
        command_line_begin(line);
        type_into(line, view, subject, cases[i].typed);
        g_assert_cmpstr(command_line_text(line), ==, cases[i].line);
        g_assert_nonnull(strstr(command_line_hint(line), cases[i].hint));
    }
    g_autoptr(CommandLine) line = command_line_new(COMMANDS);
    command_line_begin(line);
    type_into(line, NULL, (CommandSubject){NULL, NULL}, "pause \t"); /* before the first view */
    g_assert_cmpstr(command_line_text(line), ==, "pause ");
}

static void test_history(void)
{
    g_autoptr(CommandLine) line = command_line_new(COMMANDS);
    const CommandSubject none = {NULL, NULL};
    static const char *const typed[] = {"first", "second", "second"};
    for (gsize i = 0; i < G_N_ELEMENTS(typed); i++) {
        command_line_begin(line);
        type_into(line, NULL, none, typed[i]);
        g_assert_cmpint(command_line_key(line, NULL, none, KEYCODE_ENTER), ==, COMMAND_LINE_TYPED);
    }
    command_line_begin(line);
    type_into(line, NULL, none, "draft");
    static const struct {
        int key;
        const char *text;
    } steps[] = {{KEYCODE_DOWN, "draft"}, {KEYCODE_UP, "second"},   {KEYCODE_UP, "first"},
                 {KEYCODE_UP, "first"},   {KEYCODE_DOWN, "second"}, {KEYCODE_DOWN, "draft"}};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        command_line_key(line, NULL, none, steps[i].key);
        g_assert_cmpstr(command_line_text(line), ==, steps[i].text);
    }
    command_line_begin(line);
    type_into(line, NULL, none, "  ");
    g_assert_cmpint(command_line_key(line, NULL, none, KEYCODE_ENTER), ==, COMMAND_LINE_LEFT);
    g_assert_cmpint(command_line_key(line, NULL, none, KEYCODE_BACKSPACE), ==, COMMAND_LINE_LEFT);
}

int main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    if (!setlocale(LC_ALL, "C.UTF-8"))
        setlocale(LC_ALL, "en_US.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_autofree char *config = g_dir_make_tmp("ui-test-XXXXXX", NULL);
    g_setenv("XDG_CONFIG_HOME", config, TRUE); /* before it is asked for */
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
    g_test_add_func("/ui/keys/names", test_names_of_keys);
    g_test_add_func("/ui/keys/file", test_keys_file);
    g_test_add_func("/ui/keys/wrong-file", test_wrong_keys_file);
    g_test_add_func("/ui/keys/footer-fits", test_footer_fits);
    g_test_add_func("/ui/theme/colours", test_theme);
    g_test_add_func("/ui/theme/file", test_theme_file);
    g_test_add_func("/ui/command-line/completion", test_completion);
    g_test_add_func("/ui/command-line/history", test_history);
    g_test_add_func("/ui/form/line-edit", test_line_edit);
    int code = g_test_run();
    g_rmdir(config);
    return code;
}
