#include "marks.h"

void marks_init(Marks *marks)
{
    marks->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void marks_clear(Marks *marks)
{
    g_clear_pointer(&marks->names, g_hash_table_unref);
}

bool marks_has(const Marks *marks, const char *name)
{
    return name && g_hash_table_contains(marks->names, name);
}

guint marks_count(const Marks *marks)
{
    return g_hash_table_size(marks->names);
}

void marks_toggle(Marks *marks, const char *name)
{
    if (name && !g_hash_table_remove(marks->names, name))
        g_hash_table_add(marks->names, g_strdup(name));
}

static guint count_among(const Marks *marks, const GPtrArray *names)
{
    guint n = 0;
    for (guint i = 0; i < names->len; i++)
        n += marks_has(marks, names->pdata[i]);
    return n;
}

void marks_toggle_all(Marks *marks, const GPtrArray *names)
{
    bool all = count_among(marks, names) == names->len;
    for (guint i = 0; i < names->len; i++)
        if (all == marks_has(marks, names->pdata[i]))
            marks_toggle(marks, names->pdata[i]);
}

void marks_drop(Marks *marks)
{
    g_hash_table_remove_all(marks->names);
}

void marks_keep(Marks *marks, bool (*exists)(const void *data, const char *name), const void *data)
{
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, marks->names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!exists(data, name))
            g_hash_table_iter_remove(&iter);
}

void marks_draw_sign(Canvas *canvas, int row)
{
    canvas_text(canvas, row, 0, 1, STYLE_KEY, "✓");
}

void marks_draw_rule(const Marks *marks, Canvas *canvas, const char *order, const GPtrArray *shown, const char *hint)
{
    guint n = marks_count(marks), hidden = n - count_among(marks, shown);
    GString *text = g_string_new(NULL);
    if (order)
        g_string_append_printf(text, " by %s ", order);
    if (n)
        g_string_append_printf(text, "%s %u marked", order ? "─" : "", n);
    if (hidden)
        g_string_append_printf(text, ", %u hidden", hidden);
    if (!n && hint)
        g_string_append_printf(text, "%s %s", order ? "─" : "", hint);
    if (n || hint)
        g_string_append_c(text, ' ');
    canvas_text_right(canvas, 1, 2, canvas->cols - 4, n || hint ? STYLE_KEY : STYLE_DIM, text->str);
    g_string_free(text, TRUE);
}
