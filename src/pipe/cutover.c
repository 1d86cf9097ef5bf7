#include "pipe/cutover.h"

#include <string.h>

#define PAGE_EVENTS 2000
#define MOST_EVENTS 1000000

typedef struct {
    SourceConnection *source;
    const char *database, *name;
    Cancel *cancel;
    char **why;
    uint64_t seen;
} Search;

bool cutover_is_copy(const char *other, const char *name)
{
    g_autofree char *gho = g_strdup_printf("_%s_gho", name);
    g_autofree char *new = g_strdup_printf("%s_new", name);
    const char *p = other;
    while (*p == '_' && !g_str_has_prefix(new, p))
        p++;
    return strcmp(other, gho) == 0 || (*other == '_' && strcmp(p, new) == 0);
}

/* "_t_gho", "_t_ghc", "_t_del", "_t_20240131235959_del"; "_t_new", "__t_old". */
bool cutover_is_working_table(const char *other, const char *name)
{
    static const char *const ends[] = {"_gho", "_ghc", "_del", "_new", "_old", NULL};
    for (const char *p = other; *p == '_'; p++) {
        if (!g_str_has_prefix(p + 1, name))
            continue;
        const char *end = p + 1 + strlen(name);
        size_t digits = *end == '_' ? strspn(end + 1, "0123456789") : 0;
        if (digits == 14 && strcmp(end + 1 + digits, "_del") == 0)
            return true;
        if (g_strv_contains(ends, end))
            return true;
    }
    return false;
}

static bool names_table(const Search *search, const DdlStatement *statement)
{
    bool any_case = source_server(search->source)->lower_case_table_names;
    int (*compare)(const char *, const char *) = any_case ? g_ascii_strcasecmp : strcmp;
    for (unsigned i = 0; i < statement->tables->len; i++) {
        const DdlName *name = statement->tables->pdata[i];
        if ((!name->database || compare(name->database, search->database) == 0) &&
            (!name->table || compare(name->table, search->name) == 0))
            return true;
    }
    return false;
}

/* "use `db`; ALTER TABLE ...", as SHOW BINLOG EVENTS prints it. */
static bool statement_matters(const Search *search, const char *info)
{
    g_autofree char *database = NULL;
    if (g_str_has_prefix(info, "use `")) {
        GString *name = g_string_new(NULL);
        const char *p = info + 5;
        for (; *p && !(*p == '`' && p[1] != '`'); p++) {
            if (*p == '`')
                p++;
            g_string_append_c(name, *p);
        }
        database = g_string_free(name, FALSE);
        info = *p ? p + 1 : p;
        while (*info == ';' || *info == ' ')
            info++;
    }
    g_autoptr(DdlStatement) statement = ddl_parse(info, strlen(info), database, 0);
    bool changes = statement->kind > DDL_HARMLESS && statement->kind != DDL_TRUNCATE &&
                   statement->kind != DDL_ROWS_STATEMENT &&
                   !(statement->kind == DDL_ALTER_TABLE && !statement->changes_rows_or_columns);
    return changes && names_table(search, statement);
}

/* Events of one file from `pos` on, up to `stop` (0: all). False: `why` or `error` is set. */
static bool search_file(Search *search, const char *file, uint64_t pos, uint64_t stop, GError **error)
{
    while (!stop || pos < stop) {
        g_autoptr(GString) sql = g_string_new("SHOW BINLOG EVENTS IN ");
        source_quote_string(sql, file);
        g_string_append_printf(sql, " FROM %" G_GUINT64_FORMAT " LIMIT %u", pos, PAGE_EVENTS);
        g_autoptr(SourceRows) rows = source_query(search->source, sql->str, error);
        if (!rows || cancel_set_error(search->cancel, error))
            return false;
        for (unsigned i = 0; i < rows->rows->len; i++) {
            const char *type = source_rows_get(rows, i, 2), *info = source_rows_get(rows, i, 5);
            if (type && info && g_str_has_prefix(type, "Query") && statement_matters(search, info)) {
                *search->why =
                    g_strdup("statements behind this one changed the table again before its definition could be read");
                return false;
            }
            pos = g_ascii_strtoull(source_rows_get(rows, i, 4), NULL, 10);
        }
        search->seen += rows->rows->len;
        if (search->seen > MOST_EVENTS) {
            *search->why = g_strdup("the pipe is too far behind to know its definition");
            return false;
        }
        if (rows->rows->len < PAGE_EVENTS)
            break;
    }
    return true;
}

static bool search_log(Search *search, const char *file, uint64_t pos, const char *end_file, uint64_t end_pos,
                       GError **error)
{
    g_autoptr(GArray) logs = source_list_logs(search->source, error);
    bool begun = false;
    if (!logs)
        return false;
    for (unsigned i = 0; i < logs->len; i++) {
        const char *log = g_array_index(logs, SourceLog, i).file;
        bool first = strcmp(log, file) == 0, last = strcmp(log, end_file) == 0;
        begun = begun || first;
        if (begun && !search_file(search, log, first ? pos : 4, last ? end_pos : 0, error))
            return false;
        if (begun && last)
            return true;
    }
    *search->why = g_strdup("the log behind this statement is gone at the source");
    return false;
}

SourceTable *cutover_definition(SourceConnection *source, const char *database, const char *name, const char *file,
                                uint64_t pos, Cancel *cancel, char **why, GError **error)
{
    Search search = {.source = source, .database = database, .name = name, .cancel = cancel, .why = why};
    g_autofree char *end_file = NULL;
    GError *problem = NULL;
    uint64_t end_pos;
    g_autoptr(SourceTable) table = source_table_read(source, database, name, &problem);
    if (!table) {
        if (g_error_matches(problem, SLUICE_ERROR, SLUICE_ERROR_TABLE)) {
            *why = g_strdup(problem->message);
            g_error_free(problem);
        } else {
            g_propagate_error(error, problem);
        }
        return NULL;
    }
    /* What had changed it by then was logged by then. */
    if (!source_log_end(source, &end_file, &end_pos, NULL, error) ||
        !search_log(&search, file, pos, end_file, end_pos, error))
        return NULL;
    return g_steal_pointer(&table);
}
