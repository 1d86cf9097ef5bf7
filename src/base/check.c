#include "base/check.h"

#include <stdarg.h>

void check_free(Check *check)
{
    if (check == NULL)
        return;
    g_free(check->name);
    g_free(check->found);
    g_free(check->mend);
    g_free(check);
}

static void free_element(gpointer check)
{
    check_free(check);
}

GPtrArray *check_list_new(void)
{
    return g_ptr_array_new_with_free_func(free_element);
}

void check_add(GPtrArray *list, CheckResult result, const char *name, const char *mend, const char *found_format, ...)
{
    Check *check = g_new0(Check, 1);
    check->result = result;
    check->name = g_strdup(name);
    check->mend = g_strdup(mend);
    va_list args;
    va_start(args, found_format);
    check->found = g_strdup_vprintf(found_format, args);
    va_end(args);
    g_ptr_array_add(list, check);
}

bool check_list_failed(const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        const Check *check = g_ptr_array_index(list, i);
        if (check->result == CHECK_FAIL)
            return true;
    }
    return false;
}
