#include "findings.h"

#include <string.h>

static void finding_free(void *data)
{
    Finding *finding = data;
    g_free(finding->result);
    g_free(finding->found);
    g_free(finding->mend);
    g_free(finding);
}

GPtrArray *findings_new(void)
{
    return g_ptr_array_new_with_free_func(finding_free);
}

void findings_take(GPtrArray *findings, const json_t *answer)
{
    size_t i;
    json_t *item;
    g_ptr_array_set_size(findings, 0);
    json_array_foreach(json_object_get(answer, "checks"), i, item)
    {
        Finding *finding = g_new0(Finding, 1);
        finding->result = g_strdup(json_string_value(json_object_get(item, "result")));
        finding->found = g_strdup(json_string_value(json_object_get(item, "found")));
        finding->mend = g_strdup(json_string_value(json_object_get(item, "mend")));
        g_ptr_array_add(findings, finding);
    }
}

unsigned findings_count(const GPtrArray *findings, const char *result)
{
    unsigned n = 0;
    for (guint i = 0; i < findings->len; i++)
        n += g_strcmp0(((const Finding *)findings->pdata[i])->result, result) == 0;
    return n;
}

char *findings_text(const GPtrArray *findings, const char *result)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        if (g_strcmp0(finding->result, result) == 0)
            g_string_append_printf(text, "%s%s", text->len ? "; " : "", finding->found ? finding->found : "?");
    }
    return g_string_free(text, FALSE);
}

char *findings_mends(const GPtrArray *findings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        if (finding->mend && g_strcmp0(finding->result, "ok") != 0)
            g_string_append_printf(text, "%s\n", finding->mend);
    }
    return text->len ? g_strdup(text->str) : NULL;
}

static Style finding_style(const Finding *finding, const char **sign)
{
    bool ok = g_strcmp0(finding->result, "ok") == 0, warn = g_strcmp0(finding->result, "warn") == 0;
    *sign = ok ? "✔" : warn ? "▲" : "✖";
    return ok ? STYLE_TEXT : warn ? STYLE_WAIT : STYLE_LOST;
}

static int finding_rows(const Canvas *canvas, const Finding *finding, int width)
{
    int rows = canvas_wrapped_rows(canvas, width - 2, finding->found ? finding->found : "");
    if (finding->mend && g_strcmp0(finding->result, "ok") != 0)
        rows += canvas_wrapped_rows(canvas, width - 4, finding->mend);
    return rows;
}

int findings_rows(const GPtrArray *findings, const Canvas *canvas, int width)
{
    int rows = 0;
    for (guint i = 0; i < findings->len; i++)
        rows += finding_rows(canvas, findings->pdata[i], width);
    return rows;
}

/* What is bad comes first, so that it is seen where not all fit. */
void findings_draw(const GPtrArray *findings, Canvas *canvas, int row, int end, int col, int width)
{
    static const char *const order[] = {"fail", "warn", "ok"};
    for (gsize kind = 0; kind < G_N_ELEMENTS(order); kind++)
        for (guint i = 0; i < findings->len && row < end; i++) {
            const Finding *finding = findings->pdata[i];
            if (g_strcmp0(finding->result, order[kind]) != 0)
                continue;
            if (row + finding_rows(canvas, finding, width) > end && row == end - 1 && kind == 2) {
                canvas_text(canvas, row++, col, width, STYLE_DIM, "…");
                break;
            }
            const char *sign;
            Style style = finding_style(finding, &sign);
            canvas_text(canvas, row, col, 1, style, sign);
            row +=
                canvas_wrapped(canvas, row, col + 2, width - 2, end - row, style, finding->found ? finding->found : "");
            if (finding->mend && kind < 2 && row < end)
                row += canvas_wrapped(canvas, row, col + 4, width - 4, end - row, STYLE_KEY, finding->mend);
        }
}
