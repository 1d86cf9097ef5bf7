#include "cli/output.h"
#include "cli/show.h"
#include "base/base.h"

static void add_count(GString *text, int64_t count, const char *what)
{
    if (count <= 0)
        return;
    g_autofree char *shown = output_count(count);
    g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", shown, what);
}

char *show_changed(int64_t zero_dates, int64_t clamped, int64_t undecodable)
{
    GString *text = g_string_new(NULL);
    add_count(text, zero_dates, "zero dates converted");
    add_count(text, clamped, "out of range");
    add_count(text, undecodable, "not text in the column's charset");
    return g_string_free(text, FALSE);
}

static void add_column(Grid *grid, const DetailColumn *column)
{
    grid_cell_take(grid, column->name == NULL ? g_strdup("(added)")
                                              : g_strdup_printf("%s%s", column->name, column->in_key ? " (key)" : ""));
    grid_cell(grid, column->type);
    grid_cell(grid, column->target != NULL ? column->target : "(left out)");
    grid_cell(grid, column->target_type);
    g_autofree char *changed = show_changed(column->zero_dates, column->clamped, column->undecodable);
    g_autofree char *samples = g_strjoinv(", ", column->samples);
    g_autofree char *next =
        column->next != NULL ? g_strdup_printf("at the next resync: %s", column->next) : g_strdup("");
    grid_cell_take(grid, g_strdup_printf("%s%s%s%s%s", changed, *samples != '\0' ? ", such as " : "", samples,
                                         *changed != '\0' && *next != '\0' ? "; " : "", next));
}

void show_detail(const Detail *detail)
{
    static const char *const HEADERS[] = {"COLUMN", "SOURCE TYPE", "TARGET", "CLICKHOUSE TYPE", "NOTE"};
    output_line("  target       %s", detail->target != NULL ? detail->target : "-");
    if (detail->problem != NULL)
        output_line("  at resync    the settings cannot be applied: %s", detail->problem);
    output_line("  key          %s", detail->key != NULL ? detail->key : "-");
    if (detail->n_columns == 0) {
        output_line("  the columns are not known yet: the definition is read when the pipe begins");
        return;
    }
    g_autoptr(Grid) grid = grid_new("lllll");
    for (unsigned i = 0; i < G_N_ELEMENTS(HEADERS); i++)
        grid_cell(grid, HEADERS[i]);
    for (unsigned i = 0; i < detail->n_columns; i++)
        add_column(grid, &detail->columns[i]);
    grid_print(grid, "  ");
}
