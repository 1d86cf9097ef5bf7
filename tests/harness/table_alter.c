/* table_alter.c - for test_definitions.py: derives definitions from statements and compares them with the server's.
 *
 * usage: table_alter URL. Reads lines, answers one line each, "ok" or what is wrong:
 *   read DATABASE TABLE           the definition at hand is the server's
 *   alter MODE EXPLICIT UTF8 SQL  the statement (backslash, n: a new line) is applied to it; MODE: sql_mode as a
 * number, EXPLICIT and UTF8: 1 or 0, see ColumnContext compare                       with the server's, which becomes
 * the one at hand
 */
#include "base/base.h"
#include "mysql/mysql.h"
#include "mysql/table_alter.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    SourceConnection *source;
    SourceTable *table;
} Tool;

static void answer(const char *text)
{
    puts(text);
    fflush(stdout);
}

static void answer_error(GError *error)
{
    answer(error->message);
    g_error_free(error);
}

static void do_read(Tool *tool, const char *database, const char *name)
{
    GError *error = NULL;
    SourceTable *table = source_table_read(tool->source, database, name, &error);
    if (!table) {
        answer_error(error);
        return;
    }
    source_table_unref(tool->table);
    tool->table = table;
    answer("ok");
}

static char *apply(Tool *tool, char **words)
{
    char *why = NULL;
    ColumnContext context = {.flavour = source_server(tool->source)->flavour,
                             .version = source_server(tool->source)->version,
                             .sql_mode = g_ascii_strtoull(words[1], NULL, 10),
                             .explicit_timestamp = *words[2] == '1',
                             .utf8_is_utf8mb4 = *words[3] == '1'};
    g_autoptr(AlterText) alter = alter_text_parse(words[4], strlen(words[4]), &context, &why);
    if (!alter)
        return why;
    g_autoptr(TableChange) change = table_alter(tool->table, alter, &context, &why);
    if (!change)
        return why;
    if (change->key_why)
        return g_strdup_printf("key: %s", change->key_why);
    source_table_unref(tool->table);
    tool->table = source_table_ref(change->table);
    if (change->to_table) {
        g_free(tool->table->name); /* nobody else has it */
        tool->table->name = g_strdup(change->to_table);
    }
    return g_strdup("ok");
}

static bool same_labels(char **a, char **b)
{
    return a && b ? g_strv_equal((const char *const *)a, (const char *const *)b) : a == b;
}

static char *compare_columns(const SourceColumn *ours, const SourceColumn *theirs)
{
#define DIFFERS(condition, what, format, a, b)                                                                         \
    if (condition)                                                                                                     \
    return g_strdup_printf("column %s: " what " " format ", the server says " format, ours->name, a, b)
    DIFFERS(strcmp(ours->name, theirs->name) != 0, "name", "%s", ours->name, theirs->name);
    DIFFERS(ours->type != theirs->type, "type", "%u", ours->type, theirs->type);
    DIFFERS(strcmp(ours->type_text, theirs->type_text) != 0, "text", "%s", ours->type_text, theirs->type_text);
    DIFFERS(ours->is_unsigned != theirs->is_unsigned, "unsigned", "%d", ours->is_unsigned, theirs->is_unsigned);
    DIFFERS(ours->nullable != theirs->nullable, "nullable", "%d", ours->nullable, theirs->nullable);
    DIFFERS(ours->generated != theirs->generated, "generated", "%d", ours->generated, theirs->generated);
    DIFFERS(ours->invisible != theirs->invisible, "invisible", "%d", ours->invisible, theirs->invisible);
    DIFFERS(ours->compressed != theirs->compressed, "compressed", "%d", ours->compressed, theirs->compressed);
    DIFFERS(ours->scale != theirs->scale, "scale", "%u", ours->scale, theirs->scale);
    DIFFERS(g_strcmp0(ours->charset, theirs->charset) != 0, "charset", "%s", ours->charset ? ours->charset : "NULL",
            theirs->charset ? theirs->charset : "NULL");
    DIFFERS(ours->collation && g_strcmp0(ours->collation, theirs->collation) != 0, "collation", "%s", ours->collation,
            theirs->collation ? theirs->collation : "NULL");
    DIFFERS(ours->precision != theirs->precision, "precision", "%u", ours->precision, theirs->precision);
    if (!same_labels(ours->labels, theirs->labels))
        return g_strdup_printf("column %s: other labels", ours->name);
    return NULL;
}

static char *versioning_text(const Versioning *versioning)
{
    if (!versioning->on)
        return g_strdup("none");
    return g_strdup_printf("%d to %d, current rows in %s", versioning->row_start, versioning->row_end,
                           versioning->current_partition ? versioning->current_partition : "none");
}

static char *compare(const SourceTable *ours, const SourceTable *theirs)
{
    g_autofree char *history = versioning_text(&ours->versioning),
                    *history_there = versioning_text(&theirs->versioning);
    if (strcmp(history, history_there) != 0)
        return g_strdup_printf("history: %s, the server says %s", history, history_there);
    if (ours->n_columns != theirs->n_columns)
        return g_strdup_printf("%u columns, the server says %u", ours->n_columns, theirs->n_columns);
    for (unsigned i = 0; i < ours->n_columns; i++) {
        char *what = compare_columns(&ours->columns[i], &theirs->columns[i]);
        if (what)
            return what;
    }
    /* The server may prefer another key by now; ours must be a key still. */
    if (g_strcmp0(ours->key_name, theirs->key_name) == 0)
        for (unsigned k = 0; k < ours->n_key; k++)
            if (ours->n_key != theirs->n_key || ours->key[k] != theirs->key[k])
                return g_strdup("the key's columns differ");
    return g_strdup("ok");
}

static void do_compare(Tool *tool)
{
    GError *error = NULL;
    SourceTable *theirs = source_table_read(tool->source, tool->table->database, tool->table->name, &error);
    if (!theirs) {
        answer_error(error);
        return;
    }
    /* A round through JSON on the way, as the catalog does it. */
    json_t *json = source_table_to_json(tool->table);
    g_autoptr(SourceTable) ours = source_table_from_json(json, &error);
    json_decref(json);
    g_autofree char *what = ours ? compare(ours, theirs) : g_strdup(error->message);
    g_clear_error(&error);
    if (strcmp(what, "ok") != 0) {
        source_table_unref(tool->table);
        tool->table = source_table_ref(theirs);
    }
    source_table_unref(theirs);
    answer(what);
}

static void run(Tool *tool, char *line)
{
    g_strchomp(line);
    g_auto(GStrv) words = g_strsplit(line, " ", 5);
    unsigned n = g_strv_length(words);
    if (n == 3 && strcmp(words[0], "read") == 0) {
        do_read(tool, words[1], words[2]);
    } else if (n == 5 && strcmp(words[0], "alter") == 0) {
        g_autoptr(GString) sql = g_string_new(words[4]);
        g_string_replace(sql, "\\n", "\n", 0);
        g_free(words[4]);
        words[4] = g_strdup(sql->str);
        g_autofree char *what = apply(tool, words);
        answer(what);
    } else if (n == 1 && strcmp(words[0], "compare") == 0) {
        do_compare(tool);
    } else {
        answer("what?");
    }
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    char line[65536];
    g_autoptr(Url) url = argc == 2 ? source_url_parse(argv[1], &error) : NULL;
    Tool tool = {.source = url ? source_open(url, NULL, &error) : NULL};
    if (!tool.source) {
        fprintf(stderr, "table_alter: %s\n", error ? error->message : "usage: table_alter URL");
        g_clear_error(&error);
        return 2;
    }
    while (fgets(line, sizeof line, stdin))
        run(&tool, line);
    source_table_unref(tool.table);
    source_close(tool.source);
    return 0;
}
