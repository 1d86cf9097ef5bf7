#include "control/detail.h"

Detail *detail_new(void)
{
    return g_new0(Detail, 1);
}

void detail_free(Detail *detail)
{
    if (detail == NULL)
        return;
    for (unsigned i = 0; i < detail->n_columns; i++) {
        DetailColumn *column = &detail->columns[i];
        g_free(column->name);
        g_free(column->type);
        g_free(column->target);
        g_free(column->target_type);
        g_free(column->next);
        g_strfreev(column->samples);
    }
    g_free(detail->columns);
    g_free(detail->source);
    g_free(detail->target);
    g_free(detail->engine);
    g_free(detail->key);
    g_free(detail->problem);
    g_free(detail);
}

static json_t *texts_to_json(char *const *texts)
{
    json_t *list = json_array();
    for (; texts && *texts; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

json_t *detail_to_json(const Detail *detail)
{
    json_t *columns = json_array();
    for (unsigned i = 0; i < detail->n_columns; i++) {
        const DetailColumn *column = &detail->columns[i];
        json_array_append_new(
            columns, json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:b, s:I, s:I, s:I, s:o}", "name", column->name, "type",
                               column->type, "target", column->target, "target_type", column->target_type, "next",
                               column->next, "in_key", column->in_key, "zero_dates", (json_int_t)column->zero_dates,
                               "clamped", (json_int_t)column->clamped, "undecodable", (json_int_t)column->undecodable, "samples",
                               texts_to_json(column->samples)));
    }
    return json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:o}", "source", detail->source, "target", detail->target,
                     "engine", detail->engine, "key", detail->key, "problem", detail->problem, "columns", columns);
}

static char *text_of(const json_t *object, const char *name)
{
    return g_strdup(json_string_value(json_object_get(object, name)));
}

static int64_t count_of(const json_t *object, const char *name)
{
    return MAX(json_integer_value(json_object_get(object, name)), 0);
}

static char **texts_of(const json_t *object, const char *name)
{
    const json_t *list = json_object_get(object, name);
    GPtrArray *texts = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            g_ptr_array_add(texts, g_strdup(json_string_value(json_array_get(list, i))));
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

Detail *detail_from_json(const json_t *json)
{
    const json_t *columns = json_object_get(json, "columns");
    Detail *detail = detail_new();
    detail->source = text_of(json, "source");
    detail->target = text_of(json, "target");
    detail->engine = text_of(json, "engine");
    detail->key = text_of(json, "key");
    detail->problem = text_of(json, "problem");
    detail->n_columns = (unsigned)json_array_size(columns);
    detail->columns = g_new0(DetailColumn, detail->n_columns);
    for (unsigned i = 0; i < detail->n_columns; i++) {
        const json_t *from = json_array_get(columns, i);
        detail->columns[i] = (DetailColumn){.name = text_of(from, "name"),
                                            .type = text_of(from, "type"),
                                            .target = text_of(from, "target"),
                                            .target_type = text_of(from, "target_type"),
                                            .next = text_of(from, "next"),
                                            .in_key = json_is_true(json_object_get(from, "in_key")),
                                            .zero_dates = count_of(from, "zero_dates"),
                                            .clamped = count_of(from, "clamped"),
                                            .undecodable = count_of(from, "undecodable"),
                                            .samples = texts_of(from, "samples")};
    }
    return detail;
}
