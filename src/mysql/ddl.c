#include "mysql/ddl.h"

#include "mysql/alter_private.h"
#include "mysql/sql_private.h"

#include <string.h>

/* ---- names ---- */

static void name_free(void *data)
{
    DdlName *name = data;
    g_free(name->database);
    g_free(name->table);
    g_free(name);
}

void ddl_statement_free(DdlStatement *statement)
{
    if (!statement)
        return;
    g_ptr_array_unref(statement->tables);
    g_free(statement->name);
    g_free(statement);
}

static void add_name(Ddl *ddl, char *database, char *table)
{
    DdlName *name = g_new(DdlName, 1);
    name->database = database ? database : g_strdup(ddl->default_database);
    name->table = table;
    g_ptr_array_add(ddl->out->tables, name);
}

bool ddl_read_table(Ddl *ddl)
{
    SqlToken first = sql_next(&ddl->lexer);
    if (sql_token_mark(&first, '.')) { /* ".t" is "t" */
        SqlToken table = sql_next(&ddl->lexer);
        if (!sql_token_named(&table))
            return false;
        add_name(ddl, NULL, sql_token_text(&table));
        return true;
    }
    if (!sql_token_named(&first))
        return false;
    if (!sql_accept_mark(&ddl->lexer, '.')) {
        add_name(ddl, NULL, sql_token_text(&first));
        return true;
    }
    SqlToken table = sql_next(&ddl->lexer);
    if (!sql_token_named(&table))
        return false;
    add_name(ddl, sql_token_text(&first), sql_token_text(&table));
    return true;
}

/* Every name in the text from here on up to one of `stops` outside parentheses (NULL: to the end): "a", "a.b", and what
 * follows the word DATABASE. Each once. */
static void collect_names(Ddl *ddl, const char *const *stops)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int depth = 0;
    bool after_database = false, after_variable = false;
    for (;;) {
        SqlToken token = sql_next(&ddl->lexer);
        if (token.type == SQL_END || (stops && depth == 0 && sql_token_in(&token, stops)))
            return;
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        if (sql_token_named(&token) && !after_variable) {
            g_autofree char *name = sql_token_text(&token);
            SqlLexer ahead = ddl->lexer;
            SqlToken second = {0};
            if (sql_accept_mark(&ahead, '.'))
                second = sql_next(&ahead);
            if (sql_token_named(&second)) {
                g_autofree char *table = sql_token_text(&second);
                char *key = g_strdup_printf("%s/%s", name, table);
                if (g_hash_table_add(seen, key))
                    add_name(ddl, g_strdup(name), g_strdup(table));
            }
            if (after_database)
                add_name(ddl, g_strdup(name), NULL);
            if (g_hash_table_add(seen, g_strdup(name)))
                add_name(ddl, NULL, g_strdup(name));
        }
        after_database = sql_token_is(&token, "DATABASE") || sql_token_is(&token, "SCHEMA");
        after_variable = sql_token_mark(&token, '@');
    }
}

static void set_unknown(Ddl *ddl)
{
    g_ptr_array_set_size(ddl->out->tables, 0);
    g_clear_pointer(&ddl->out->name, g_free);
    ddl->out->kind = DDL_UNKNOWN;
    ddl->out->changes_rows_or_columns = true;
    ddl->lexer = ddl->whole;
    collect_names(ddl, NULL);
}

/* ---- transactions ---- */

static bool at_end(const Ddl *ddl)
{
    SqlToken token = sql_peek(&ddl->lexer);
    return token.type == SQL_END || sql_token_mark(&token, ';');
}

static bool read_simple_name(Ddl *ddl)
{
    SqlToken token = sql_next(&ddl->lexer);
    if (!sql_token_named(&token))
        return false;
    ddl->out->name = sql_token_text(&token);
    return true;
}

static bool parse_begin(Ddl *ddl)
{
    ddl->out->kind = DDL_BEGIN;
    sql_accept(&ddl->lexer, "WORK");
    return at_end(ddl); /* else BEGIN NOT ATOMIC: a whole program */
}

static bool parse_start(Ddl *ddl)
{
    ddl->out->kind = sql_accept(&ddl->lexer, "TRANSACTION") ? DDL_BEGIN : DDL_HARMLESS; /* START REPLICA */
    return true;
}

static bool parse_commit(Ddl *ddl)
{
    ddl->out->kind = DDL_COMMIT;
    return true;
}

static bool parse_rollback(Ddl *ddl)
{
    ddl->out->kind = DDL_ROLLBACK;
    sql_accept(&ddl->lexer, "WORK");
    if (!sql_accept(&ddl->lexer, "TO"))
        return true;
    ddl->out->kind = DDL_ROLLBACK_TO;
    SqlLexer ahead = ddl->lexer; /* a savepoint may be named savepoint */
    if (sql_accept(&ahead, "SAVEPOINT") && sql_peek(&ahead).type != SQL_END)
        ddl->lexer = ahead;
    return read_simple_name(ddl);
}

static bool parse_savepoint(Ddl *ddl)
{
    ddl->out->kind = DDL_SAVEPOINT;
    return read_simple_name(ddl);
}

/* 'text', X'hex' or 0xhex, written as X'hex' in lower case. */
static bool read_xid_part(Ddl *ddl, GString *out)
{
    SqlToken token = sql_next(&ddl->lexer);
    g_autofree char *text = NULL;
    if (sql_token_is(&token, "X")) {
        token = sql_next(&ddl->lexer);
        if (token.type != SQL_STRING)
            return false;
        text = sql_token_text(&token);
    } else if (token.type == SQL_WORD && token.len > 2 && g_ascii_strncasecmp(token.text, "0x", 2) == 0) {
        text = g_strndup(token.text + 2, token.len - 2);
    } else if (token.type == SQL_STRING) {
        g_autofree char *raw = sql_token_text(&token);
        GString *hex = g_string_new(NULL);
        for (const char *p = raw; *p; p++)
            g_string_append_printf(hex, "%02x", (unsigned char)*p);
        text = g_string_free(hex, FALSE);
    } else {
        return false;
    }
    for (char *p = text; *p; p++)
        *p = g_ascii_tolower(*p);
    g_string_append_printf(out, "X'%s'", text);
    return true;
}

/* An XA id as the servers log it: X'gtrid',X'bqual',format. */
static bool read_xid(Ddl *ddl)
{
    g_autoptr(GString) xid = g_string_new(NULL);
    if (!read_xid_part(ddl, xid))
        return false;
    g_string_append_c(xid, ',');
    if (!sql_accept_mark(&ddl->lexer, ',')) {
        g_string_append(xid, "X'',1");
    } else {
        if (!read_xid_part(ddl, xid))
            return false;
        g_string_append_c(xid, ',');
        g_autofree char *format = NULL;
        if (sql_accept_mark(&ddl->lexer, ',')) {
            SqlToken token = sql_next(&ddl->lexer);
            format = sql_token_text(&token);
        }
        g_string_append(xid, format ? format : "1");
    }
    ddl->out->name = g_strdup(xid->str);
    return true;
}

static bool parse_xa(Ddl *ddl)
{
    static const struct {
        const char *word;
        DdlKind kind;
    } verbs[] = {
        {"START", DDL_XA_START},     {"BEGIN", DDL_XA_START},   {"END", DDL_XA_END},
        {"PREPARE", DDL_XA_PREPARE}, {"COMMIT", DDL_XA_COMMIT}, {"ROLLBACK", DDL_XA_ROLLBACK},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (sql_accept(&ddl->lexer, verbs[i].word)) {
            ddl->out->kind = verbs[i].kind;
            return read_xid(ddl);
        }
    return false;
}

/* ---- definitions ---- */

static bool parse_harmless(Ddl *ddl)
{
    ddl->out->kind = DDL_HARMLESS;
    return true;
}

static void accept_if_exists(Ddl *ddl)
{
    SqlLexer ahead = ddl->lexer;
    if (!sql_accept(&ahead, "IF"))
        return;
    sql_accept(&ahead, "NOT");
    if (!sql_accept(&ahead, "EXISTS"))
        return;
    ddl->lexer = ahead;
    ddl->out->if_exists = true;
}

/* MariaDB: how long to wait for a lock. */
static void accept_wait(Ddl *ddl)
{
    if (sql_accept(&ddl->lexer, "NOWAIT"))
        return;
    if (sql_accept(&ddl->lexer, "WAIT"))
        sql_next(&ddl->lexer);
}

/* Things that hold no rows of a table: after ALTER, CREATE and DROP. */
static const char *const rowless_things[] = {
    "VIEW",    "TRIGGER",   "PROCEDURE", "FUNCTION", "EVENT",   "USER",    "ROLE",     "SERVER",  "TABLESPACE",
    "LOGFILE", "UNDO",      "RESOURCE",  "INSTANCE", "PACKAGE", "BODY",    "SEQUENCE", "LIBRARY", "AGGREGATE",
    "DEFINER", "ALGORITHM", "SQL",       "JSON",     "PREPARE", "CATALOG", NULL,
};

static bool parse_alter(Ddl *ddl)
{
    SqlToken next = sql_peek(&ddl->lexer);
    if (sql_token_in(&next, rowless_things) || sql_token_is(&next, "DATABASE") || sql_token_is(&next, "SCHEMA"))
        return parse_harmless(ddl);
    sql_accept(&ddl->lexer, "ONLINE");
    sql_accept(&ddl->lexer, "IGNORE");
    if (!sql_accept(&ddl->lexer, "TABLE"))
        return false;
    ddl->out->kind = DDL_ALTER_TABLE;
    accept_if_exists(ddl);
    if (!ddl_read_table(ddl))
        return false;
    accept_wait(ddl);
    return alter_parse_clauses(ddl);
}

/* INDEX [IF NOT EXISTS] name [USING x] ON table */
static bool read_index_table(Ddl *ddl)
{
    for (SqlToken token = sql_next(&ddl->lexer); token.type != SQL_END; token = sql_next(&ddl->lexer))
        if (sql_token_is(&token, "ON"))
            return ddl_read_table(ddl);
    return false;
}

/* UNIQUE over long columns adds a hidden column to MariaDB's table maps, so it counts as a change of columns. */
static bool parse_create_index(Ddl *ddl, bool unique)
{
    ddl->out->kind = unique ? DDL_ALTER_TABLE : DDL_HARMLESS;
    ddl->out->changes_rows_or_columns = unique;
    return read_index_table(ddl);
}

static bool parse_create_table(Ddl *ddl, bool replace)
{
    ddl->out->kind = replace ? DDL_REPLACE_TABLE : DDL_CREATE_TABLE;
    accept_if_exists(ddl);
    return ddl_read_table(ddl);
}

static bool read_database(Ddl *ddl)
{
    SqlToken name = sql_next(&ddl->lexer);
    if (!sql_token_named(&name))
        return false;
    add_name(ddl, sql_token_text(&name), NULL);
    return true;
}

static bool parse_create(Ddl *ddl)
{
    static const char *const index_kinds[] = {"FULLTEXT", "SPATIAL", "VECTOR", "ONLINE", "OFFLINE", NULL};
    SqlLexer ahead = ddl->lexer;
    bool replace = sql_accept(&ahead, "OR") && sql_accept(&ahead, "REPLACE");
    if (replace)
        ddl->lexer = ahead;
    SqlToken next = sql_next(&ddl->lexer);
    if (sql_token_in(&next, rowless_things))
        return parse_harmless(ddl);
    if (sql_token_is(&next, "TABLE"))
        return parse_create_table(ddl, replace);
    if (sql_token_is(&next, "TEMPORARY"))
        return parse_harmless(ddl); /* a table that no other session sees */
    if (sql_token_is(&next, "DATABASE") || sql_token_is(&next, "SCHEMA")) {
        ddl->out->kind = replace ? DDL_DROP_DATABASE : DDL_HARMLESS;
        accept_if_exists(ddl);
        return !replace || read_database(ddl);
    }
    if (sql_token_is(&next, "SPATIAL") && sql_accept(&ddl->lexer, "REFERENCE"))
        return parse_harmless(ddl);
    bool unique = sql_token_is(&next, "UNIQUE");
    if (unique || sql_token_in(&next, index_kinds))
        next = sql_next(&ddl->lexer);
    return sql_token_is(&next, "INDEX") && parse_create_index(ddl, unique);
}

static bool read_table_list(Ddl *ddl)
{
    do {
        if (!ddl_read_table(ddl))
            return false;
    } while (sql_accept_mark(&ddl->lexer, ','));
    return true;
}

static bool parse_drop(Ddl *ddl)
{
    SqlToken next = sql_next(&ddl->lexer);
    if (sql_token_in(&next, rowless_things) || sql_token_is(&next, "TEMPORARY"))
        return parse_harmless(ddl);
    if (sql_token_is(&next, "SPATIAL") && sql_accept(&ddl->lexer, "REFERENCE"))
        return parse_harmless(ddl);
    if (sql_token_is(&next, "TABLE") || sql_token_is(&next, "TABLES")) {
        ddl->out->kind = DDL_DROP_TABLE;
        accept_if_exists(ddl);
        return read_table_list(ddl);
    }
    if (sql_token_is(&next, "DATABASE") || sql_token_is(&next, "SCHEMA")) {
        ddl->out->kind = DDL_DROP_DATABASE;
        accept_if_exists(ddl);
        return read_database(ddl);
    }
    if (sql_token_is(&next, "ONLINE") || sql_token_is(&next, "OFFLINE"))
        next = sql_next(&ddl->lexer);
    if (sql_token_is(&next, "INDEX")) { /* it may be the key that the rows are told apart by */
        ddl->out->kind = DDL_ALTER_TABLE;
        ddl->out->changes_rows_or_columns = true;
        return read_index_table(ddl);
    }
    return false;
}

static bool parse_rename(Ddl *ddl)
{
    if (sql_accept(&ddl->lexer, "USER"))
        return parse_harmless(ddl);
    if (!sql_accept(&ddl->lexer, "TABLE") && !sql_accept(&ddl->lexer, "TABLES"))
        return false;
    ddl->out->kind = DDL_RENAME_TABLE;
    accept_if_exists(ddl);
    do {
        if (!ddl_read_table(ddl))
            return false;
        accept_wait(ddl);
        if (!sql_accept(&ddl->lexer, "TO") || !ddl_read_table(ddl))
            return false;
    } while (sql_accept_mark(&ddl->lexer, ','));
    return true;
}

static bool parse_truncate(Ddl *ddl)
{
    ddl->out->kind = DDL_TRUNCATE;
    SqlLexer ahead = ddl->lexer; /* TABLE is optional */
    if (sql_accept(&ahead, "TABLE"))
        ddl->lexer = ahead;
    return ddl_read_table(ddl);
}

/* ---- rows as statements ---- */

static bool parse_insert(Ddl *ddl)
{
    static const char *const modifiers[] = {"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO", NULL};
    ddl->out->kind = DDL_ROWS_STATEMENT;
    SqlToken next = sql_peek(&ddl->lexer);
    for (; sql_token_in(&next, modifiers); next = sql_peek(&ddl->lexer))
        sql_next(&ddl->lexer);
    return ddl_read_table(ddl);
}

/* The tables stand before SET or WHERE, among aliases and joins: each name there may be one. */
static bool parse_update_or_delete(Ddl *ddl)
{
    static const char *const stops[] = {"SET", "WHERE", "RETURNING", NULL};
    ddl->out->kind = DDL_ROWS_STATEMENT;
    collect_names(ddl, stops);
    return ddl->out->tables->len > 0;
}

/* MariaDB: DELETE HISTORY FROM t [BEFORE SYSTEM_TIME x], which leaves the current rows as they are. Where the table
 * itself is called history, MySQL takes it for a DELETE of all its rows. */
static bool accept_delete_history(Ddl *ddl)
{
    SqlLexer ahead = ddl->lexer;
    if (!sql_accept_words(&ahead, "HISTORY FROM"))
        return false;
    SqlToken name = sql_next(&ahead);
    if (sql_accept_mark(&ahead, '.'))
        name = sql_next(&ahead);
    g_autofree char *table = sql_token_named(&name) ? sql_token_text(&name) : NULL;
    return table && g_ascii_strcasecmp(table, "history") != 0 &&
           (sql_peek(&ahead).type == SQL_END || sql_accept_words(&ahead, "BEFORE SYSTEM_TIME"));
}

static bool parse_delete(Ddl *ddl)
{
    return accept_delete_history(ddl) ? parse_harmless(ddl) : parse_update_or_delete(ddl);
}

static bool parse_with(Ddl *ddl)
{
    ddl->out->kind = DDL_ROWS_STATEMENT;
    collect_names(ddl, NULL);
    return true;
}

static bool parse_load(Ddl *ddl)
{
    if (sql_accept(&ddl->lexer, "INDEX"))
        return parse_harmless(ddl);
    ddl->out->kind = DDL_ROWS_STATEMENT;
    for (SqlToken token = sql_next(&ddl->lexer); token.type != SQL_END; token = sql_next(&ddl->lexer))
        if (sql_token_is(&token, "TABLE"))
            return ddl_read_table(ddl);
    return false;
}

/* ---- statements ---- */

static bool parse_statement(Ddl *ddl);

/* ANALYZE TABLE; or, MariaDB, ANALYZE [FORMAT=x] and a statement that is run. */
static bool parse_analyze(Ddl *ddl)
{
    static const char *const of_tables[] = {"TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG", NULL};
    SqlToken next = sql_peek(&ddl->lexer);
    if (sql_token_in(&next, of_tables))
        return parse_harmless(ddl);
    if (sql_accept(&ddl->lexer, "FORMAT")) {
        sql_accept_mark(&ddl->lexer, '=');
        sql_next(&ddl->lexer);
    }
    return parse_statement(ddl);
}

/* SET of variables; or, MariaDB, SET STATEMENT x=y, ... FOR statement. */
static bool parse_set(Ddl *ddl)
{
    SqlLexer ahead = ddl->lexer;
    if (!sql_accept(&ahead, "STATEMENT"))
        return parse_harmless(ddl);
    int depth = 0;
    for (SqlToken token = sql_next(&ahead); token.type != SQL_END; token = sql_next(&ahead)) {
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        if (depth == 0 && sql_token_is(&token, "FOR")) {
            ddl->lexer = ahead;
            return parse_statement(ddl);
        }
    }
    return false;
}

static const struct {
    const char *word;
    bool (*parse)(Ddl *ddl); /* false: not understood */
} statements[] = {
    {"BEGIN", parse_begin},
    {"START", parse_start},
    {"COMMIT", parse_commit},
    {"ROLLBACK", parse_rollback},
    {"SAVEPOINT", parse_savepoint},
    {"XA", parse_xa},
    {"ALTER", parse_alter},
    {"CREATE", parse_create},
    {"DROP", parse_drop},
    {"RENAME", parse_rename},
    {"TRUNCATE", parse_truncate},
    {"INSERT", parse_insert},
    {"REPLACE", parse_insert},
    {"UPDATE", parse_update_or_delete},
    {"DELETE", parse_delete},
    {"WITH", parse_with},
    {"LOAD", parse_load},
    {"ANALYZE", parse_analyze},
    {"SET", parse_set},
};

static const char *const harmless_statements[] = {
    "BACKUP", "CACHE",   "CHANGE", "CHECK",   "CHECKSUM",  "CLONE",  "DEALLOCATE", "DESC",  "DESCRIBE", "FLUSH",
    "GRANT",  "HANDLER", "HELP",   "INSTALL", "KILL",      "LOCK",   "OPTIMIZE",   "PURGE", "RELEASE",  "REPAIR",
    "RESET",  "REVOKE",  "SHOW",   "STOP",    "UNINSTALL", "UNLOCK", "USE",        NULL,
};

static bool parse_statement(Ddl *ddl)
{
    if (++ddl->nesting > 8)
        return false;
    SqlToken first = sql_next(&ddl->lexer);
    if (first.type == SQL_END || sql_token_in(&first, harmless_statements))
        return parse_harmless(ddl);
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        if (sql_token_is(&first, statements[i].word))
            return statements[i].parse(ddl);
    return false;
}

DdlStatement *ddl_parse(const char *sql, size_t len, const char *default_database, uint64_t sql_mode)
{
    DdlStatement *out = g_new0(DdlStatement, 1);
    out->tables = g_ptr_array_new_with_free_func(name_free);
    Ddl ddl = {.out = out, .default_database = default_database ? default_database : ""};
    sql_lexer_init(&ddl.lexer, sql, len, sql_mode);
    ddl.whole = ddl.lexer;
    if (!parse_statement(&ddl))
        set_unknown(&ddl);
    return out;
}
