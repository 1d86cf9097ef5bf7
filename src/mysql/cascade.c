#include "mysql/cascade.h"

#include "mysql/sql_private.h"

#include <string.h>

static void cascade_free(void *data)
{
    Cascade *cascade = data;
    if (!cascade)
        return;
    g_free(cascade->name);
    g_free(cascade->database);
    g_free(cascade->table);
    g_strfreev(cascade->columns);
    g_free(cascade);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cascade, cascade_free)

static GPtrArray *cascades_new(void)
{
    return g_ptr_array_new_with_free_func(cascade_free);
}

static char *read_name(SqlLexer *lexer)
{
    SqlToken token = sql_peek(lexer);
    if (!sql_token_named(&token))
        return NULL;
    sql_next(lexer);
    return sql_token_text(&token);
}

/* (a, b): what else may stand there, (a(10) ASC), a reference does not take. */
static char **read_columns(SqlLexer *lexer)
{
    GPtrArray *names = g_ptr_array_new();
    if (sql_accept_mark(lexer, '(')) {
        char *name;
        while ((name = read_name(lexer))) {
            g_ptr_array_add(names, name);
            sql_accept_mark(lexer, ',');
        }
        sql_accept_mark(lexer, ')');
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* RESTRICT and NO ACTION leave the rows as they are. */
static bool read_rule(SqlLexer *lexer)
{
    if (sql_accept(lexer, "SET"))
        return sql_accept(lexer, "NULL") || sql_accept(lexer, "DEFAULT");
    return sql_accept(lexer, "CASCADE");
}

/* Behind REFERENCES. NULL: it is none that changes rows. */
static Cascade *read_reference(SqlLexer *lexer, const char *database)
{
    g_autoptr(Cascade) cascade = g_new0(Cascade, 1);
    if (!(cascade->table = read_name(lexer)))
        return NULL;
    if (sql_accept_mark(lexer, '.')) {
        cascade->database = cascade->table;
        if (!(cascade->table = read_name(lexer)))
            return NULL;
    } else {
        cascade->database = g_strdup(database);
    }
    cascade->columns = read_columns(lexer);
    if (sql_accept(lexer, "MATCH"))
        sql_next(lexer);
    while (sql_accept(lexer, "ON")) {
        SqlToken what = sql_next(lexer);
        bool changes = read_rule(lexer);
        if (!changes && sql_accept(lexer, "NO"))
            sql_accept(lexer, "ACTION");
        else if (!changes)
            sql_accept(lexer, "RESTRICT");
        cascade->on_delete = cascade->on_delete || (changes && sql_token_is(&what, "DELETE"));
        cascade->on_update = cascade->on_update || (changes && sql_token_is(&what, "UPDATE"));
    }
    return cascade->on_delete || cascade->on_update ? g_steal_pointer(&cascade) : NULL;
}

GPtrArray *cascades_parse(const char *sql, uint64_t sql_mode, const char *database)
{
    GPtrArray *found = cascades_new();
    g_autofree char *name = NULL;
    SqlLexer lexer;
    sql_lexer_init(&lexer, sql, strlen(sql), sql_mode);
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        if (sql_token_is(&token, "CONSTRAINT")) {
            g_free(name);
            name = sql_next_is(&lexer, "FOREIGN") ? NULL : read_name(&lexer);
        }
        Cascade *cascade = sql_token_is(&token, "REFERENCES") ? read_reference(&lexer, database) : NULL;
        if (!cascade)
            continue;
        cascade->name = g_steal_pointer(&name);
        g_ptr_array_add(found, cascade);
    }
    return found;
}

GPtrArray *cascades_copy(const GPtrArray *cascades)
{
    GPtrArray *copy = cascades_new();
    for (unsigned i = 0; cascades && i < cascades->len; i++) {
        const Cascade *from = cascades->pdata[i];
        Cascade *to = g_memdup2(from, sizeof *from);
        to->name = g_strdup(from->name);
        to->database = g_strdup(from->database);
        to->table = g_strdup(from->table);
        to->columns = g_strdupv(from->columns);
        g_ptr_array_add(copy, to);
    }
    return copy;
}

json_t *cascades_to_json(const GPtrArray *cascades)
{
    json_t *list = json_array();
    for (unsigned i = 0; cascades && i < cascades->len; i++) {
        const Cascade *cascade = cascades->pdata[i];
        json_t *columns = json_array();
        for (char **column = cascade->columns; *column; column++)
            json_array_append_new(columns, json_string(*column));
        json_array_append_new(list, json_pack("{s:s?, s:s, s:s, s:o, s:b, s:b}", "name", cascade->name, "database", cascade->database,
                                              "table", cascade->table, "columns", columns, "on_delete", cascade->on_delete, "on_update",
                                              cascade->on_update));
    }
    return list;
}

static char *text_of(const json_t *object, const char *field)
{
    return g_strdup(json_string_value(json_object_get(object, field)));
}

GPtrArray *cascades_from_json(const json_t *json)
{
    GPtrArray *cascades = cascades_new();
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *object = json_array_get(json, i), *columns = json_object_get(object, "columns");
        g_autoptr(Cascade) cascade = g_new0(Cascade, 1);
        cascade->name = text_of(object, "name");
        cascade->database = text_of(object, "database");
        cascade->table = text_of(object, "table");
        cascade->on_delete = json_is_true(json_object_get(object, "on_delete"));
        cascade->on_update = json_is_true(json_object_get(object, "on_update"));
        cascade->columns = g_new0(char *, json_array_size(columns) + 1);
        for (size_t c = 0, n = 0; c < json_array_size(columns); c++)
            if (json_is_string(json_array_get(columns, c)))
                cascade->columns[n++] = g_strdup(json_string_value(json_array_get(columns, c)));
        if (cascade->database && cascade->table)
            g_ptr_array_add(cascades, g_steal_pointer(&cascade));
    }
    return cascades;
}
