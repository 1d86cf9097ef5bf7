#include "picker.h"

#include <string.h>

#include "control/view.h"
#include "format.h"
#include "screen.h"

#define FIGURES_COLS 41 /* of a row: rows, size, key and target */

static void table_free(void *data)
{
    PickerTable *table = data;
    g_free(table->source);
    g_free(table->database);
    g_free(table->key);
    g_free(table->target);
    g_free(table->own_key);
    g_free(table);
}

void picker_init(Picker *picker)
{
    *picker = (Picker){.tables = g_ptr_array_new_with_free_func(table_free), .shown = g_ptr_array_new()};
    line_edit_init(&picker->filter, "");
    line_edit_init(&picker->name, "");
}

void picker_clear(Picker *picker)
{
    g_ptr_array_unref(picker->shown);
    g_ptr_array_unref(picker->tables);
    line_edit_clear(&picker->filter);
    line_edit_clear(&picker->name);
}

static void filter(Picker *picker)
{
    g_ptr_array_set_size(picker->shown, 0);
    for (guint i = 0; i < picker->tables->len; i++) {
        PickerTable *table = picker->tables->pdata[i];
        if (part_matches(picker->filter.text->str, table->source))
            g_ptr_array_add(picker->shown, table);
    }
}

static PickerTable *table_from_json(const json_t *item)
{
    PickerTable *table = g_new0(PickerTable, 1);
    json_t *rows = json_object_get(item, "rows"), *bytes = json_object_get(item, "bytes");
    const char *source = json_string_value(json_object_get(item, "source"));
    table->source = g_strdup(source ? source : "?");
    table->database = g_strdup(json_string_value(json_object_get(item, "database")));
    table->key = g_strdup(json_string_value(json_object_get(item, "key")));
    table->rows = json_is_integer(rows) ? json_integer_value(rows) : VIEW_UNKNOWN;
    table->bytes = json_is_integer(bytes) ? json_integer_value(bytes) : VIEW_UNKNOWN;
    table->view = json_is_true(json_object_get(item, "view"));
    table->in_pipe = json_is_true(json_object_get(item, "in_pipe"));
    return table;
}

static bool can_be_chosen(const PickerTable *table)
{
    return (table->key || table->own_key) && !table->view && !table->in_pipe;
}

static void keep_choice(const GPtrArray *old, PickerTable *table)
{
    for (guint i = 0; i < old->len; i++) {
        PickerTable *before = old->pdata[i];
        if (!g_str_equal(before->source, table->source))
            continue;
        table->target = g_steal_pointer(&before->target);
        table->own_key = table->key ? NULL : g_steal_pointer(&before->own_key);
        table->chosen = before->chosen && can_be_chosen(table);
    }
}

void picker_take(Picker *picker, const json_t *tables)
{
    g_autoptr(GPtrArray) old = picker->tables;
    size_t i;
    json_t *item;
    picker->tables = g_ptr_array_new_with_free_func(table_free);
    json_array_foreach(tables, i, item)
    {
        PickerTable *table = table_from_json(item);
        keep_choice(old, table);
        g_ptr_array_add(picker->tables, table);
    }
    filter(picker);
    const PickerTable *now = picker_here(picker);
    if (picker->naming == PICKER_NAMES_KEY && (!now || now->key)) /* it got one meanwhile */
        picker->naming = PICKER_NAMES_NOTHING;
}

/* -- what is chosen -- */

unsigned picker_chosen(const Picker *picker)
{
    unsigned n = 0;
    for (guint i = 0; i < picker->tables->len; i++)
        n += ((const PickerTable *)picker->tables->pdata[i])->chosen;
    return n;
}

/* A target with other than plain characters stands in backticks. */
static char *name_of(const PickerTable *table)
{
    if (!table->target)
        return g_strdup(table->source);
    bool plain = true;
    for (const char *at = table->target; *at; at++)
        plain = plain && (g_ascii_isalnum(*at) || *at == '_');
    if (plain)
        return g_strdup_printf("%s:%s", table->source, table->target);
    g_auto(GStrv) parts = g_strsplit(table->target, "`", -1);
    g_autofree char *doubled = g_strjoinv("``", parts);
    return g_strdup_printf("%s:`%s`", table->source, doubled);
}

json_t *picker_names(const Picker *picker)
{
    json_t *names = json_array();
    for (guint i = 0; i < picker->tables->len; i++) {
        const PickerTable *table = picker->tables->pdata[i];
        g_autofree char *name = table->chosen ? name_of(table) : NULL;
        if (name)
            json_array_append_new(names, json_string(name));
    }
    return names;
}

char *picker_text(const Picker *picker, const char *separator)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < picker->tables->len; i++) {
        const PickerTable *table = picker->tables->pdata[i];
        g_autofree char *name = table->chosen ? name_of(table) : NULL;
        if (name)
            g_string_append_printf(text, "%s%s", text->len ? separator : "", name);
    }
    return g_string_free(text, FALSE);
}

json_t *picker_settings(const Picker *picker)
{
    json_t *settings = json_object();
    for (guint i = 0; i < picker->tables->len; i++) {
        const PickerTable *table = picker->tables->pdata[i];
        g_autofree char *name = table->chosen && table->own_key ? g_strdup_printf("%s:key", table->source) : NULL;
        if (name)
            json_object_set_new(settings, name, json_string(table->own_key));
    }
    return settings;
}

static PickerTable *here(const Picker *picker)
{
    return picker->cursor.cursor < (int)picker->shown->len ? picker->shown->pdata[picker->cursor.cursor] : NULL;
}

const PickerTable *picker_here(const Picker *picker)
{
    return here(picker);
}

/* Why it cannot be chosen as it is, and what to do; NULL: it can. */
static char *refusal(const PickerTable *table)
{
    if (table->in_pipe)
        return g_strdup_printf("%s is in the pipe already.", table->source);
    if (table->view)
        return g_strdup_printf("%s is a view, and the log has no changes of views: choose the tables that it reads.",
                               table->source);
    if (!can_be_chosen(table))
        return g_strdup_printf(
            "%s has no key: its rows cannot be told apart. Name the columns that tell them apart (NOT "
            "NULL, and unique together), or give it a primary key and choose it again.",
            table->source);
    return NULL;
}

static void begin_naming(Picker *picker, int what, const char *text)
{
    line_edit_set(&picker->name, text ? text : "");
    picker->naming = what;
}

bool picker_toggle(Picker *picker, char **why)
{
    PickerTable *table = here(picker);
    *why = table ? refusal(table) : NULL;
    if (!table)
        return false;
    bool lacks_key = !table->key && !table->in_pipe && !table->view;
    if (lacks_key && !table->chosen) { /* also a key that was named before: it may be a wrong one */
        begin_naming(picker, PICKER_NAMES_KEY, table->own_key);
        return false;
    }
    if (can_be_chosen(table))
        table->chosen = !table->chosen;
    return !*why;
}

bool picker_toggle_all(Picker *picker, bool schema)
{
    const PickerTable *like = here(picker);
    bool all = true, any = false;
    for (int pass = 0; pass < 2; pass++)
        for (guint i = 0; i < picker->shown->len; i++) {
            PickerTable *table = picker->shown->pdata[i];
            if (!can_be_chosen(table) || (schema && g_strcmp0(table->database, like->database) != 0))
                continue;
            any = true;
            if (pass == 0)
                all = all && table->chosen;
            else
                table->chosen = !all;
        }
    return any;
}

void picker_name_target(Picker *picker, char **why)
{
    const PickerTable *table = here(picker);
    *why = table ? refusal(table) : NULL;
    if (table && !*why)
        begin_naming(picker, PICKER_NAMES_TARGET, table->target);
}

/* What was typed. A table that is given a name is wanted. */
static bool take_name(Picker *picker, PickerTable *table)
{
    char **name = picker->naming == PICKER_NAMES_KEY ? &table->own_key : &table->target;
    g_free(*name);
    *name = picker->name.text->len ? g_strdup(picker->name.text->str) : NULL;
    table->chosen = can_be_chosen(table);
    picker->naming = PICKER_NAMES_NOTHING;
    return true;
}

static bool name_key(Picker *picker, int key, bool *taken)
{
    PickerTable *table = here(picker);
    *taken = key != KEY_CTRL('c') && key != KEY_CTRL('l');
    if (!*taken)
        return false;
    if (table && (key == KEYCODE_ENTER || key == '\n'))
        return take_name(picker, table);
    if (!table || key == KEYCODE_ESC)
        picker->naming = PICKER_NAMES_NOTHING;
    else
        line_edit_key(&picker->name, key);
    return false;
}

bool picker_key(Picker *picker, int key, bool *taken)
{
    if (picker->naming)
        return name_key(picker, key, taken);
    *taken = part_filter_key(&picker->filter, &picker->typing, key);
    if (*taken)
        filter(picker);
    return false;
}

bool picker_show_all(Picker *picker)
{
    bool some = picker->filter.text->len > 0;
    line_edit_set(&picker->filter, "");
    filter(picker);
    return some;
}

/* -- drawing -- */

/* Names and figures stay close together; of all tables, so that nothing moves while one filters. */
static int name_columns(const Picker *picker, const Canvas *canvas, int end)
{
    int width = 18;
    for (guint i = 0; i < picker->tables->len; i++)
        width = MAX(width, canvas_text_width(canvas, ((const PickerTable *)picker->tables->pdata[i])->source));
    return MIN(width, MAX(end - 7 - FIGURES_COLS, 18));
}

static void draw_row(Picker *picker, Canvas *canvas, int row, int end, int index, int name_width, bool focus)
{
    const PickerTable *table = picker->shown->pdata[index];
    char rows[FORMAT_MAX], bytes[FORMAT_MAX];
    bool marked = index == picker->cursor.cursor && focus;
    int col = 7;
    Style style = can_be_chosen(table) ? STYLE_TEXT : STYLE_DIM;
    if (marked) {
        canvas_text(canvas, row, 1, 1, STYLE_TITLE, "▸");
        canvas->cursor_row = row;
        canvas->cursor_col = 1;
    }
    canvas_text(canvas, row, 3, 3, style, !can_be_chosen(table) ? "[-]" : table->chosen ? "[x]" : "[ ]");
    canvas_text(canvas, row, col, name_width, marked ? STYLE_MARK : style, table->source);
    col += name_width + 1;
    if (marked && picker->naming) {
        col += canvas_text(canvas, row, col, end - col, STYLE_KEY,
                           picker->naming == PICKER_NAMES_KEY ? "key columns " : "target ");
        line_edit_draw(&picker->name, canvas, row, col, end - col, true, NULL);
        return;
    }
    canvas_text_right(canvas, row, col, 10, style, table->view ? FORMAT_NONE : format_count(rows, table->rows));
    canvas_text_right(canvas, row, col + 11, 7, style,
                      table->view ? FORMAT_NONE : format_bytes(bytes, (double)table->bytes));
    g_autofree char *key = g_strdup_printf("%s%s%s",
                                           table->in_pipe   ? "in the pipe"
                                           : table->view    ? "a view"
                                           : table->key     ? table->key
                                           : table->own_key ? table->own_key
                                                            : "no key",
                                           table->target ? " → " : "", table->target ? table->target : "");
    canvas_text(canvas, row, col + 20, end - col - 20, style, key);
}

void picker_draw(Picker *picker, Canvas *canvas, int row, int bottom, int end, bool focus, Style none_style,
                 const char *none)
{
    int n = (int)picker->shown->len, name_width = name_columns(picker, canvas, end);
    g_autofree char *sum = picker->tables->len
                               ? g_strdup_printf("Tables  %u of %u chosen", picker_chosen(picker), picker->tables->len)
                               : g_strdup("Tables");
    if (focus)
        canvas_text(canvas, row, 0, 1, STYLE_TITLE, "▸");
    int col = 1 + canvas_text(canvas, row, 1, end - 2, focus ? STYLE_TITLE : STYLE_DIM, sum) + 4;
    if (picker->typing || picker->filter.text->len) {
        col += canvas_text(canvas, row, col, end - col, STYLE_KEY, "/ ");
        line_edit_draw(&picker->filter, canvas, row, col, MIN(end - col - 1, 24), picker->typing, NULL);
    }
    row++;
    picker->page = MAX(bottom - row, 1);
    table_keep_visible(&picker->cursor, n, picker->page);
    for (int i = 0; i < picker->page && picker->cursor.top + i < n; i++)
        draw_row(picker, canvas, row + i, end, picker->cursor.top + i, name_width, focus);
    if (!n)
        canvas_wrapped(canvas, row, 3, end - 4, picker->page, none_style,
                       picker->filter.text->len ? "no table's name has that in it" : none);
}
