#include "mysql/alter_text.h"

#include "mysql/alter_private.h"
#include "mysql/versioning.h"

#include "base/base.h"

#include <string.h>

typedef struct {
    AlterText *out;
    const ColumnContext *context;
    SqlLexer lexer;
    char *why; /* when a part said more than "not understood" */
} Reader;

static void clause_free(void *data)
{
    AlterClause *clause = data;
    g_free(clause->after);
    g_free(clause->name);
    g_free(clause->to);
    g_free(clause->charset);
    g_free(clause->collation);
    column_text_free(clause->column);
    if (clause->columns)
        g_ptr_array_unref(clause->columns);
    g_free(clause);
}

void alter_text_free(AlterText *alter)
{
    if (!alter)
        return;
    g_ptr_array_unref(alter->clauses);
    g_free(alter);
}

static AlterClause *add_clause(Reader *reader, AlterKind kind)
{
    AlterClause *clause = g_new0(AlterClause, 1);
    clause->kind = kind;
    g_ptr_array_add(reader->out->clauses, clause);
    return clause;
}

/* ---- small parts ---- */

static bool skip_all(Reader *reader)
{
    reader->lexer.p = reader->lexer.end;
    return true;
}

static bool accept_if_exists(SqlLexer *lexer)
{
    SqlLexer ahead = *lexer;
    if (!sql_accept(&ahead, "IF"))
        return false;
    sql_accept(&ahead, "NOT");
    if (!sql_accept(&ahead, "EXISTS"))
        return false;
    *lexer = ahead;
    return true;
}

/* ---- columns ---- */

static bool read_place(Reader *reader, AlterClause *clause)
{
    clause->first = sql_accept(&reader->lexer, "FIRST");
    return clause->first || !sql_accept(&reader->lexer, "AFTER") || sql_read_name(&reader->lexer, &clause->after);
}

static bool read_column(Reader *reader, AlterClause *clause)
{
    char *name = NULL;
    if (!sql_read_name(&reader->lexer, &name)) {
        g_free(name);
        return false;
    }
    g_autofree char *why = NULL;
    clause->column = column_text_parse(&reader->lexer, reader->context, name, &why);
    if (clause->column)
        return true;
    if (!reader->why)
        reader->why = g_steal_pointer(&why);
    return false;
}

/* (a, b DESC, c(10), (expression)) */
static bool read_key_columns(SqlLexer *lexer, AlterClause *key)
{
    key->plain = true;
    key->columns = g_ptr_array_new_with_free_func(g_free);
    if (!sql_accept_mark(lexer, '('))
        return false;
    do {
        if (sql_next_is_mark(lexer, '(')) {
            key->plain = false;
            if (!sql_skip_brackets(lexer))
                return false;
        } else {
            char *name = NULL;
            if (!sql_read_name(lexer, &name)) {
                g_free(name);
                return false;
            }
            g_ptr_array_add(key->columns, name);
            if (sql_next_is_mark(lexer, '(')) {
                key->plain = false;
                if (!sql_skip_brackets(lexer))
                    return false;
            }
        }
        if (!sql_accept(lexer, "ASC"))
            sql_accept(lexer, "DESC");
        if (sql_accept(lexer, "WITHOUT")) /* OVERLAPS: of a period */
            key->plain = sql_accept(lexer, "OVERLAPS") && false;
    } while (sql_accept_mark(lexer, ','));
    return sql_accept_mark(lexer, ')');
}

/* PRIMARY KEY [USING x] (...), UNIQUE [KEY] [IF NOT EXISTS] [name] [USING x] (...). `constraint`: the name before it.
 */
static bool read_key(Reader *reader, char *constraint_take, bool primary)
{
    SqlLexer *lexer = &reader->lexer;
    AlterClause *key = add_clause(reader, ALTER_ADD_KEY);
    key->primary = primary;
    key->name = constraint_take;
    bool word = sql_accept(lexer, "KEY") || (!primary && sql_accept(lexer, "INDEX"));
    if (primary && !word)
        return false;
    key->if_exists = accept_if_exists(lexer);
    if (!sql_next_is_mark(lexer, '(') && !sql_next_is(lexer, "USING") && !sql_next_is(lexer, "TYPE") &&
        !sql_read_name(lexer, &key->name))
        return false;
    if (sql_accept(lexer, "USING") || sql_accept(lexer, "TYPE"))
        sql_next(lexer);
    if (primary) {
        g_free(key->name);
        key->name = g_strdup("PRIMARY");
    }
    return read_key_columns(lexer, key) && sql_skip_clause(&reader->lexer);
}

/* PERIOD FOR SYSTEM_TIME (a, b): its columns say ROW START and ROW END themselves, and without ADD SYSTEM VERSIONING it
 * does nothing [tried on 11.8]. */
static bool accept_period(Reader *reader)
{
    g_autofree char *start = NULL, *end = NULL;
    SqlLexer ahead = reader->lexer;
    if (!sql_accept(&ahead, "PERIOD") || !versioning_accept_period(&ahead, &start, &end))
        return false;
    reader->lexer = ahead;
    return true;
}

/* Whether an element of a table's definition, at `lexer`, is a key or constraint. Read when it is; a column is left. */
static bool accept_element(Reader *reader, bool *bad)
{
    static const char *const rowless[] = {"INDEX", "KEY", "FULLTEXT", "SPATIAL", "CHECK", "FOREIGN", NULL};
    SqlLexer *lexer = &reader->lexer, ahead = *lexer;
    SqlToken token = sql_peek(lexer);
    char *name = NULL;
    *bad = false;
    if (accept_period(reader))
        return true;
    if (sql_accept(&ahead, "VECTOR") && (sql_next_is(&ahead, "INDEX") || sql_next_is(&ahead, "KEY")))
        return *bad = !sql_skip_clause(&reader->lexer), true;
    if (sql_token_in(&token, rowless))
        return *bad = !sql_skip_clause(&reader->lexer), true;
    bool constraint = sql_accept(lexer, "CONSTRAINT");
    if (constraint) {
        token = sql_peek(lexer);
        accept_if_exists(lexer);
        bool unnamed = sql_next_is(lexer, "PRIMARY") || sql_next_is(lexer, "UNIQUE") || sql_next_is(lexer, "CHECK") ||
                       sql_next_is(lexer, "FOREIGN");
        if (!unnamed && !sql_read_name(lexer, &name)) {
            g_free(name);
            return *bad = true;
        }
    }
    bool primary = sql_accept(lexer, "PRIMARY");
    if (primary || sql_accept(lexer, "UNIQUE"))
        return *bad = !read_key(reader, name, primary), true;
    g_free(name);
    if (constraint)
        *bad = !(sql_next_is(lexer, "CHECK") || sql_next_is(lexer, "FOREIGN")) || !sql_skip_clause(&reader->lexer);
    return constraint;
}

/* In brackets a key ends at the bracket, not at a comma outside of any. */
static bool read_element_list(Reader *reader, bool if_exists)
{
    SqlLexer *lexer = &reader->lexer, whole = *lexer;
    /* Each element is read on its own piece of the text, so that what ends a clause ends it there too. */
    const char *end = whole.end;
    do {
        SqlLexer ahead = *lexer;
        int depth = 0;
        SqlToken token = sql_peek(&ahead);
        while (depth > 0 || !(sql_token_mark(&token, ',') || sql_token_mark(&token, ')'))) {
            if (token.type == SQL_END)
                return false;
            sql_next(&ahead);
            depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
            token = sql_peek(&ahead);
        }
        bool bad;
        lexer->end = ahead.p;
        if (!accept_element(reader, &bad)) {
            AlterClause *clause = add_clause(reader, ALTER_ADD_COLUMN);
            clause->if_exists = if_exists;
            bad = !read_column(reader, clause);
        }
        if (bad || sql_peek(lexer).type != SQL_END)
            return false;
        lexer->p = ahead.p;
        lexer->end = end;
        lexer->in_versioned = ahead.in_versioned;
    } while (sql_accept_mark(lexer, ','));
    return sql_accept_mark(lexer, ')');
}

static bool read_add(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer, ahead = *lexer;
    bool bad;
    if (sql_accept(&ahead, "PARTITION") &&
        (sql_next_is_mark(&ahead, '(') || sql_next_is(&ahead, "PARTITIONS") || sql_next_is(&ahead, "IF")))
        return skip_all(reader);
    if (sql_accept_words(lexer, "SYSTEM VERSIONING"))
        return add_clause(reader, ALTER_ADD_VERSIONING);
    if (accept_period(reader))
        return true;
    if (sql_next_is(lexer, "PERIOD"))
        return false;
    if (!sql_accept(lexer, "COLUMN") && accept_element(reader, &bad))
        return !bad;
    bool if_exists = accept_if_exists(lexer);
    if (sql_accept_mark(lexer, '('))
        return read_element_list(reader, if_exists);
    AlterClause *clause = add_clause(reader, ALTER_ADD_COLUMN);
    clause->if_exists = if_exists;
    return read_column(reader, clause) && read_place(reader, clause);
}

/* What works on the rows of these partitions, and is always the last: [IF EXISTS] a, b, ... */
static bool read_partitions(Reader *reader, const char *what)
{
    SqlLexer *lexer = &reader->lexer;
    AlterClause *clause = add_clause(reader, ALTER_ROWS);
    clause->name = g_strdup(what);
    clause->columns = g_ptr_array_new_with_free_func(g_free);
    accept_if_exists(lexer);
    do {
        SqlToken token = sql_next(lexer);
        if (sql_token_named(&token) && !sql_token_is(&token, "ALL")) {
            g_ptr_array_add(clause->columns, sql_token_text(&token));
            continue;
        }
        g_clear_pointer(&clause->columns, g_ptr_array_unref);
        break;
    } while (sql_accept_mark(lexer, ','));
    return skip_all(reader);
}

static bool read_drop(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer, ahead = *lexer;
    if (sql_accept(&ahead, "PRIMARY") && sql_accept(&ahead, "KEY")) {
        *lexer = ahead;
        add_clause(reader, ALTER_DROP_KEY)->name = g_strdup("PRIMARY");
        return true;
    }
    ahead = *lexer;
    if (sql_accept(&ahead, "FOREIGN") && sql_accept(&ahead, "KEY"))
        return sql_skip_clause(&reader->lexer);
    ahead = *lexer;
    if (sql_accept(&ahead, "CHECK") && !sql_clause_end(&ahead))
        return sql_skip_clause(&reader->lexer);
    ahead = *lexer;
    if (sql_accept(&ahead, "PARTITION") && !sql_clause_end(&ahead)) {
        *lexer = ahead;
        return read_partitions(reader, "DROP PARTITION");
    }
    if (sql_accept_words(lexer, "SYSTEM VERSIONING"))
        return add_clause(reader, ALTER_DROP_VERSIONING);
    if (sql_accept_words(lexer, "PERIOD FOR SYSTEM_TIME")) /* together with that */
        return true;
    if (sql_next_is(lexer, "PERIOD"))
        return false;
    AlterKind kind = ALTER_DROP_COLUMN;
    if (sql_accept(lexer, "INDEX") || sql_accept(lexer, "KEY"))
        kind = ALTER_DROP_KEY;
    else if (sql_accept(lexer, "CONSTRAINT"))
        kind = ALTER_DROP_CONSTRAINT;
    else
        sql_accept(lexer, "COLUMN");
    AlterClause *clause = add_clause(reader, kind);
    clause->if_exists = accept_if_exists(lexer);
    if (!sql_read_name(lexer, &clause->name))
        return false;
    if (!sql_accept(lexer, "RESTRICT"))
        sql_accept(lexer, "CASCADE");
    return true;
}

static bool read_change(Reader *reader, bool modify)
{
    SqlLexer *lexer = &reader->lexer;
    AlterClause *clause = add_clause(reader, ALTER_CHANGE_COLUMN);
    sql_accept(lexer, "COLUMN");
    clause->if_exists = accept_if_exists(lexer);
    if (!modify && !sql_read_name(lexer, &clause->name))
        return false;
    if (!read_column(reader, clause) || !read_place(reader, clause))
        return false;
    if (modify)
        clause->name = g_strdup(clause->column->column.name);
    return true;
}

static bool read_rename(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer, ahead = *lexer;
    SqlToken word = sql_next(&ahead), second = sql_next(&ahead), third = sql_next(&ahead);
    bool to = sql_token_named(&second) && sql_token_is(&third, "TO");
    bool key = sql_token_is(&word, "INDEX") || sql_token_is(&word, "KEY");
    if (sql_token_is(&word, "COLUMN") || (key && (to || sql_token_is(&second, "IF")))) {
        sql_next(lexer);
        AlterClause *clause = add_clause(reader, key ? ALTER_RENAME_KEY : ALTER_RENAME_COLUMN);
        clause->if_exists = accept_if_exists(lexer);
        return sql_read_name(lexer, &clause->name) && sql_accept(lexer, "TO") && sql_read_name(lexer, &clause->to);
    }
    if (!sql_accept(lexer, "TO") && !sql_accept(lexer, "AS"))
        sql_accept_mark(lexer, '=');
    AlterClause *clause = add_clause(reader, ALTER_RENAME_TABLE);
    if (sql_accept_mark(lexer, '.'))
        return sql_read_name(lexer, &clause->to);
    if (!sql_read_name(lexer, &clause->to))
        return false;
    if (!sql_accept_mark(lexer, '.'))
        return true;
    clause->name = g_steal_pointer(&clause->to);
    return sql_read_name(lexer, &clause->to);
}

/* A charset's name, and maybe COLLATE with one. */
static bool read_charset(Reader *reader, AlterClause *clause)
{
    SqlLexer *lexer = &reader->lexer;
    SqlToken name = sql_next(lexer);
    if (!sql_token_named(&name) && name.type != SQL_STRING)
        return false;
    g_autofree char *text = sql_token_text(&name);
    if (!sql_token_is(&name, "DEFAULT"))
        clause->charset = charset_name_canonical(text, reader->context);
    SqlLexer ahead = *lexer;
    sql_accept(&ahead, "DEFAULT");
    if (!sql_accept(&ahead, "COLLATE"))
        return true;
    sql_accept_mark(&ahead, '=');
    name = sql_next(&ahead);
    *lexer = ahead;
    if (!sql_token_named(&name) && name.type != SQL_STRING)
        return false;
    g_autofree char *collation = sql_token_text(&name);
    clause->collation = g_ascii_strdown(collation, -1);
    return true;
}

static bool read_convert(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer;
    if (sql_accept(lexer, "TO"))
        return charset_clause_accept(lexer) && read_charset(reader, add_clause(reader, ALTER_CONVERT));
    if (sql_accept(lexer, "PARTITION"))
        return read_partitions(reader, "CONVERT PARTITION");
    add_clause(reader, ALTER_ROWS)->name = g_strdup("CONVERT TABLE");
    return skip_all(reader);
}

/* ---- options ---- */

static bool read_option(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer, ahead = *lexer;
    sql_accept(&ahead, "DEFAULT");
    if (charset_clause_accept(&ahead)) {
        *lexer = ahead;
        return read_charset(reader, add_clause(reader, ALTER_CHARSET));
    }
    if (sql_accept(&ahead, "COLLATE")) {
        AlterClause *clause = add_clause(reader, ALTER_CHARSET);
        sql_accept_mark(&ahead, '=');
        SqlToken name = sql_next(&ahead);
        *lexer = ahead;
        if (!sql_token_named(&name) && name.type != SQL_STRING)
            return false;
        g_autofree char *collation = sql_token_text(&name);
        clause->collation = g_ascii_strdown(collation, -1);
        clause->charset = collation_charset_name(clause->collation);
        return clause->charset != NULL;
    }
    if (sql_accept_words(lexer, "WITH SYSTEM VERSIONING"))
        return add_clause(reader, ALTER_ADD_VERSIONING);
    SqlToken option = sql_next(lexer);
    if (sql_token_is(&option, "PARTITION") && sql_next_is(lexer, "BY")) /* always the last */
        return skip_all(reader);
    if (!alter_option_is_harmless(&option))
        return false;
    sql_accept_mark(lexer, '=');
    SqlToken value = sql_next(lexer);
    if (value.type == SQL_END || value.type == SQL_MARK)
        return false;
    return !(sql_token_is(&option, "ENGINE") || sql_token_is(&option, "TYPE")) || alter_engine_keeps_rows(&value);
}

/* ---- clauses ---- */

static const char *const partition_work[] = {"COALESCE", "REORGANIZE", "REBUILD", "ANALYZE",
                                             "CHECK",    "OPTIMIZE",   "REPAIR",  NULL};

/* What works on the rows of whole partitions or files. */
static bool accept_rows_work(Reader *reader)
{
    static const char *const works[][2] = {
        {"TRUNCATE", "PARTITION"}, {"EXCHANGE", "PARTITION"}, {"DISCARD", "TABLESPACE"}, {"IMPORT", "TABLESPACE"},
        {"DISCARD", "PARTITION"},  {"IMPORT", "PARTITION"},   {"IMPORT", "TABLE"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(works); i++) {
        SqlLexer ahead = reader->lexer;
        if (!sql_accept(&ahead, works[i][0]) || !sql_accept(&ahead, works[i][1]))
            continue;
        g_autofree char *what = g_strdup_printf("%s %s", works[i][0], works[i][1]);
        reader->lexer = ahead;
        return read_partitions(reader, what);
    }
    return false;
}

static bool read_alter_column(Reader *reader)
{
    static const char *const other[] = {"INDEX", "KEY", "CHECK", "CONSTRAINT", NULL};
    SqlToken next = sql_peek(&reader->lexer);
    if (sql_token_in(&next, other))
        return sql_skip_clause(&reader->lexer);
    char *name = NULL;
    sql_accept(&reader->lexer, "COLUMN");
    accept_if_exists(&reader->lexer);
    bool known = sql_read_name(&reader->lexer, &name);
    g_free(name);
    /* A new default changes no row that is there, and a column's visibility nothing that is replicated. */
    SqlLexer ahead = reader->lexer;
    bool drop = sql_accept(&ahead, "DROP") && sql_accept(&ahead, "DEFAULT");
    ahead = reader->lexer;
    bool set = sql_accept(&ahead, "SET") &&
               (sql_next_is(&ahead, "DEFAULT") || sql_next_is(&ahead, "VISIBLE") || sql_next_is(&ahead, "INVISIBLE"));
    return known && (drop || set) && sql_skip_clause(&reader->lexer);
}

static bool read_clause(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer, from = *lexer;
    if (accept_rows_work(reader))
        return true;
    SqlToken verb = sql_next(lexer);
    if (sql_token_is(&verb, "ADD"))
        return read_add(reader);
    if (sql_token_is(&verb, "DROP"))
        return read_drop(reader);
    if (sql_token_is(&verb, "CHANGE") || sql_token_is(&verb, "MODIFY"))
        return read_change(reader, sql_token_is(&verb, "MODIFY"));
    if (sql_token_is(&verb, "ALTER"))
        return read_alter_column(reader);
    if (sql_token_is(&verb, "RENAME"))
        return read_rename(reader);
    if (sql_token_is(&verb, "CONVERT"))
        return read_convert(reader);
    if (sql_token_is(&verb, "ORDER")) /* BY a, b: the rows' order, which is none; always the last */
        return skip_all(reader);
    if (sql_token_is(&verb, "FORCE"))
        return true;
    if (((sql_token_is(&verb, "ENABLE") || sql_token_is(&verb, "DISABLE")) && sql_next_is(lexer, "KEYS")) ||
        (sql_token_is(&verb, "REMOVE") && sql_next_is(lexer, "PARTITIONING")) ||
        ((sql_token_is(&verb, "WITH") || sql_token_is(&verb, "WITHOUT")) && sql_next_is(lexer, "VALIDATION")) ||
        sql_token_is(&verb, "SECONDARY_LOAD") || sql_token_is(&verb, "SECONDARY_UNLOAD"))
        return sql_skip_clause(&reader->lexer);
    if (sql_token_in(&verb, partition_work) && sql_next_is(lexer, "PARTITION"))
        return skip_all(reader);
    *lexer = from;
    while (!sql_clause_end(lexer))
        if (!read_option(reader))
            return false;
    return true;
}

static bool skip_table(SqlLexer *lexer)
{
    SqlToken token;
    accept_if_exists(lexer);
    sql_accept_mark(lexer, '.');
    do
        token = sql_next(lexer);
    while (sql_token_named(&token) && sql_accept_mark(lexer, '.'));
    if (!sql_token_named(&token))
        return false;
    if (!sql_accept(lexer, "NOWAIT") && sql_accept(lexer, "WAIT"))
        sql_next(lexer);
    return true;
}

/* How the table is partitioned from now on stands at the end, with no comma before it. Both words are reserved. */
static void note_partitioning(Reader *reader)
{
    SqlLexer lexer = reader->lexer;
    int depth = 0;
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        bool by = depth == 0 && sql_token_is(&token, "PARTITION") && sql_accept(&lexer, "BY");
        bool removed = depth == 0 && sql_token_is(&token, "REMOVE") && sql_next_is(&lexer, "PARTITIONING");
        if (!by && !removed)
            continue;
        AlterClause *clause = add_clause(reader, ALTER_PARTITIONED);
        clause->by_system_time = by && sql_accept(&lexer, "SYSTEM_TIME");
        if (clause->by_system_time)
            clause->name = versioning_current_partition(lexer, &clause->counted);
    }
}

static bool accept_partitioning(Reader *reader)
{
    SqlLexer ahead = reader->lexer;
    return (sql_accept_words(&ahead, "PARTITION BY") || sql_accept_words(&ahead, "REMOVE PARTITIONING")) &&
           skip_all(reader);
}

static bool read_alter_table(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer;
    sql_accept(lexer, "ONLINE");
    if (sql_accept(lexer, "IGNORE")) /* rows that a new unique key does not let stand vanish */
        add_clause(reader, ALTER_ROWS)->name = g_strdup("ALTER IGNORE TABLE");
    if (!sql_accept(lexer, "TABLE") || !skip_table(lexer))
        return false;
    note_partitioning(reader);
    while (!sql_clause_end(lexer)) {
        if (!read_clause(reader) || !(accept_partitioning(reader) || sql_clause_end(lexer)))
            return false;
        if (sql_accept_mark(lexer, ',') && sql_clause_end(lexer))
            return false;
    }
    return true;
}

/* CREATE [OR REPLACE] UNIQUE INDEX [IF NOT EXISTS] name [USING x] ON t (...) */
static bool read_create_index(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer;
    if (sql_accept(lexer, "OR"))
        sql_accept(lexer, "REPLACE");
    if (!sql_accept(lexer, "UNIQUE") || !sql_accept(lexer, "INDEX"))
        return false;
    AlterClause *key = add_clause(reader, ALTER_ADD_KEY);
    key->if_exists = accept_if_exists(lexer);
    if (!sql_read_name(lexer, &key->name))
        return false;
    if (sql_accept(lexer, "USING") || sql_accept(lexer, "TYPE"))
        sql_next(lexer);
    return sql_accept(lexer, "ON") && skip_table(lexer) && read_key_columns(lexer, key) && skip_all(reader);
}

static bool read_drop_index(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer;
    if (!sql_accept(lexer, "ONLINE"))
        sql_accept(lexer, "OFFLINE");
    if (!sql_accept(lexer, "INDEX"))
        return false;
    AlterClause *clause = add_clause(reader, ALTER_DROP_KEY);
    clause->if_exists = accept_if_exists(lexer);
    return sql_read_name(lexer, &clause->name) && sql_accept(lexer, "ON") && skip_table(lexer) && skip_all(reader);
}

/* MariaDB: SET STATEMENT x=y, ... FOR statement */
static bool skip_set_statement(SqlLexer *lexer)
{
    int depth = 0;
    while (sql_accept(lexer, "SET")) {
        if (!sql_accept(lexer, "STATEMENT"))
            return false;
        for (;;) {
            SqlToken token = sql_next(lexer);
            if (token.type == SQL_END)
                return false;
            depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
            if (depth == 0 && sql_token_is(&token, "FOR"))
                break;
        }
    }
    return true;
}

static bool read_statement(Reader *reader)
{
    SqlLexer *lexer = &reader->lexer;
    if (!skip_set_statement(lexer))
        return false;
    if (sql_accept(lexer, "ALTER"))
        return read_alter_table(reader);
    if (sql_accept(lexer, "CREATE"))
        return read_create_index(reader);
    return sql_accept(lexer, "DROP") && read_drop_index(reader);
}

AlterText *alter_text_parse(const char *sql, size_t len, const ColumnContext *context, char **why)
{
    g_autoptr(AlterText) out = g_new0(AlterText, 1);
    Reader reader = {.out = out, .context = context};
    out->clauses = g_ptr_array_new_with_free_func(clause_free);
    sql_lexer_init(&reader.lexer, sql, len, context->sql_mode);
    if (read_statement(&reader)) {
        g_free(reader.why);
        return g_steal_pointer(&out);
    }
    size_t left = (size_t)(reader.lexer.end - reader.lexer.p);
    g_autofree char *raw = g_strndup(reader.lexer.p, MIN(left, (size_t)40));
    g_autofree char *shown = printable(raw, 40);
    *why = reader.why ? reader.why : g_strdup_printf("it is not understood before \"%s\"", shown);
    return NULL;
}

/* ---- SHOW CREATE TABLE ---- */

ColumnText *alter_text_shown_column(const char *create_sql, const char *name, const ColumnContext *context)
{
    SqlLexer lexer;
    int depth = 0;
    bool begins = false;
    sql_lexer_init(&lexer, create_sql, strlen(create_sql), 0);
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        if (begins && depth == 1 && token.type == SQL_NAME) {
            g_autofree char *found = sql_token_text(&token);
            g_autofree char *why = NULL;
            if (strcmp(found, name) == 0)
                return column_text_parse(&lexer, context, g_steal_pointer(&found), &why);
        }
        begins = depth == 1 && (sql_token_mark(&token, '(') || sql_token_mark(&token, ','));
    }
    return NULL;
}

void alter_text_shown_charset(const char *create_sql, char **charset, char **collation)
{
    SqlLexer lexer;
    int depth = 0;
    *charset = *collation = NULL;
    sql_lexer_init(&lexer, create_sql, strlen(create_sql), 0);
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        if (depth != 0 || token.type != SQL_WORD)
            continue;
        char **into = sql_token_is(&token, "CHARSET") ? charset : sql_token_is(&token, "COLLATE") ? collation : NULL;
        if (into && !*into && sql_accept_mark(&lexer, '=') && !sql_read_name(&lexer, into))
            g_clear_pointer(into, g_free);
        if (sql_token_is(&token, "PARTITION"))
            return;
    }
}
