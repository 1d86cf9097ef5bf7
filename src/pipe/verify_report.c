#include "pipe/verify_report.h"

const char *verify_kind_name(VerifyKind kind)
{
    static const char *const names[] = {"missing", "extra", "different"};
    return names[kind];
}

void verify_value_free(VerifyValue *value)
{
    g_free(value->column);
    g_free(value->source);
    g_free(value->dest);
    g_free(value);
}

void verify_difference_free(VerifyDifference *difference)
{
    if (!difference)
        return;
    g_free(difference->table);
    g_free(difference->key);
    if (difference->values)
        g_ptr_array_unref(difference->values);
    g_free(difference);
}

void verify_table_report_free(VerifyTableReport *table)
{
    g_free(table->table);
    g_free(table->skipped);
    g_free(table);
}

VerifyReport *verify_report_new(void)
{
    VerifyReport *report = g_new0(VerifyReport, 1);
    report->tables = g_ptr_array_new_with_free_func((GDestroyNotify)verify_table_report_free);
    report->listed = g_ptr_array_new_with_free_func((GDestroyNotify)verify_difference_free);
    return report;
}

static VerifyDifference *difference_copy(const VerifyDifference *from)
{
    VerifyDifference *to = g_memdup2(from, sizeof *from);
    to->table = g_strdup(from->table);
    to->key = g_strdup(from->key);
    to->values = g_ptr_array_new_with_free_func((GDestroyNotify)verify_value_free);
    for (unsigned i = 0; from->values && i < from->values->len; i++) {
        const VerifyValue *value = from->values->pdata[i];
        VerifyValue *copy = g_new(VerifyValue, 1);
        *copy = (VerifyValue){g_strdup(value->column), g_strdup(value->source), g_strdup(value->dest)};
        g_ptr_array_add(to->values, copy);
    }
    return to;
}

VerifyReport *verify_report_copy(const VerifyReport *report, bool listed)
{
    if (!report)
        return NULL;
    VerifyReport *copy = verify_report_new();
    g_autoptr(GPtrArray) tables = g_steal_pointer(&copy->tables), differences = g_steal_pointer(&copy->listed);
    *copy = *report;
    copy->tables = g_steal_pointer(&tables);
    copy->listed = g_steal_pointer(&differences);
    copy->table = g_strdup(report->table);
    copy->activity = g_strdup(report->activity);
    copy->stopped = g_strdup(report->stopped);
    for (unsigned i = 0; i < report->tables->len; i++) {
        VerifyTableReport *table = g_memdup2(report->tables->pdata[i], sizeof *table);
        table->table = g_strdup(table->table);
        table->skipped = g_strdup(table->skipped);
        g_ptr_array_add(copy->tables, table);
    }
    for (unsigned i = 0; listed && i < report->listed->len; i++)
        g_ptr_array_add(copy->listed, difference_copy(report->listed->pdata[i]));
    return copy;
}

void verify_report_free(VerifyReport *report)
{
    if (!report)
        return;
    g_free(report->table);
    g_free(report->activity);
    g_free(report->stopped);
    g_ptr_array_unref(report->tables);
    g_ptr_array_unref(report->listed);
    g_free(report);
}
