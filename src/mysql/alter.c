#include "mysql/alter_private.h"

#include <string.h>

/* A clause counts as harmless only when it is known to change neither rows, columns, nor what rows are told apart by.
 */

typedef enum { CLAUSE_HARMLESS, CLAUSE_CHANGES, CLAUSE_RENAMES, CLAUSE_BAD } Clause;

static void skip_all(SqlLexer *lexer)
{
    lexer->p = lexer->end;
}

static Clause parse_add(SqlLexer *lexer)
{
    SqlLexer ahead = *lexer;
    if (sql_accept(&ahead, "INDEX") || sql_accept(&ahead, "KEY") || sql_accept(&ahead, "FULLTEXT") ||
        sql_accept(&ahead, "SPATIAL") || sql_accept(&ahead, "CHECK"))
        return CLAUSE_HARMLESS;
    if (sql_accept(&ahead, "VECTOR") && (sql_next_is(&ahead, "INDEX") || sql_next_is(&ahead, "KEY")))
        return CLAUSE_HARMLESS;
    ahead = *lexer;
    if (sql_accept(&ahead, "CONSTRAINT")) {
        if (!sql_next_is(&ahead, "CHECK"))
            sql_next(&ahead);
        return sql_next_is(&ahead, "CHECK") ? CLAUSE_HARMLESS : CLAUSE_CHANGES;
    }
    ahead = *lexer;
    if (sql_accept(&ahead, "PARTITION") &&
        (sql_next_is_mark(&ahead, '(') || sql_next_is(&ahead, "PARTITIONS") || sql_next_is(&ahead, "IF"))) {
        skip_all(lexer);
        return CLAUSE_HARMLESS;
    }
    return CLAUSE_CHANGES;
}

static Clause parse_drop(SqlLexer *lexer)
{
    SqlLexer ahead = *lexer;
    if (sql_accept(&ahead, "FOREIGN") && sql_next_is(&ahead, "KEY"))
        return CLAUSE_HARMLESS;
    ahead = *lexer;
    return sql_accept(&ahead, "CHECK") ? CLAUSE_HARMLESS : CLAUSE_CHANGES;
}

static Clause parse_alter(SqlLexer *lexer)
{
    static const char *const harmless[] = {"INDEX", "KEY", "CHECK", "CONSTRAINT", NULL};
    SqlToken next = sql_peek(lexer);
    return sql_token_in(&next, harmless) ? CLAUSE_HARMLESS : CLAUSE_CHANGES;
}

/* RENAME COLUMN a TO b, RENAME INDEX a TO b, RENAME [TO | AS | =] table */
static Clause parse_rename(Ddl *ddl)
{
    SqlLexer ahead = ddl->lexer;
    SqlToken word = sql_next(&ahead), name = sql_next(&ahead), to = sql_next(&ahead);
    bool two_names = sql_token_named(&name) && sql_token_is(&to, "TO");
    if (two_names && (sql_token_is(&word, "INDEX") || sql_token_is(&word, "KEY")))
        return CLAUSE_CHANGES;         /* it may be the key that the rows are told apart by: its name is remembered */
    if (sql_token_is(&word, "COLUMN")) /* also RENAME COLUMN IF EXISTS a TO b; a reserved word, so no table's name */
        return CLAUSE_CHANGES;
    if (!sql_accept(&ddl->lexer, "TO") && !sql_accept(&ddl->lexer, "AS"))
        sql_accept_mark(&ddl->lexer, '=');
    return ddl_read_table(ddl) ? CLAUSE_RENAMES : CLAUSE_BAD;
}

/* EXCHANGE PARTITION p WITH TABLE t, CONVERT TABLE t TO PARTITION ..., CONVERT PARTITION p TO TABLE t: the rows of two
 * tables change. CONVERT TO CHARACTER SET: the columns. */
static Clause parse_two_tables(Ddl *ddl)
{
    SqlLexer ahead = ddl->lexer;
    if (sql_next_is(&ahead, "TO"))
        return CLAUSE_CHANGES;
    while (!sql_clause_end(&ahead)) {
        SqlToken token = sql_next(&ahead);
        if (!sql_token_is(&token, "TABLE"))
            continue;
        ddl->lexer = ahead;
        return ddl_read_table(ddl) ? CLAUSE_CHANGES : CLAUSE_BAD;
    }
    return CLAUSE_BAD;
}

/* Table options with one value each, which may follow one another without commas. */
static const char *const harmless_options[] = {
    "AUTO_INCREMENT",
    "AUTOEXTEND_SIZE",
    "AVG_ROW_LENGTH",
    "CHECKSUM",
    "TABLE_CHECKSUM",
    "COMMENT",
    "COMPRESSION",
    "CONNECTION",
    "DELAY_KEY_WRITE",
    "ENCRYPTED",
    "ENCRYPTION",
    "ENGINE",
    "TYPE",
    "ENCRYPTION_KEY_ID",
    "IETF_QUOTES",
    "KEY_BLOCK_SIZE",
    "LOCK",
    "ALGORITHM",
    "MAX_ROWS",
    "MIN_ROWS",
    "PACK_KEYS",
    "PAGE_CHECKSUM",
    "PAGE_COMPRESSED",
    "PAGE_COMPRESSION_LEVEL",
    "ROW_FORMAT",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "TRANSACTIONAL",
    "ENGINE_ATTRIBUTE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "SECONDARY_ENGINE",
    "INSERT_METHOD",
    "SEQUENCE",
    NULL,
};

bool alter_option_is_harmless(const SqlToken *option)
{
    return sql_token_in(option, harmless_options);
}

/* Engines that keep rows and whose changes are logged as rows. */
static const char *const row_engines[] = {"InnoDB", "MyISAM", "Aria", "RocksDB", "TokuDB", NULL};

bool alter_engine_keeps_rows(const SqlToken *engine)
{
    g_autofree char *name = sql_token_text(engine);
    for (const char *const *e = row_engines; *e; e++)
        if (g_ascii_strcasecmp(*e, name) == 0)
            return true;
    return false;
}

static Clause parse_options(SqlLexer *lexer)
{
    while (!sql_clause_end(lexer)) {
        SqlToken option = sql_next(lexer);
        if (sql_token_is(&option, "PARTITION") && sql_next_is(lexer, "BY")) { /* always the last */
            skip_all(lexer);
            return CLAUSE_HARMLESS;
        }
        if (!alter_option_is_harmless(&option))
            return CLAUSE_CHANGES;
        sql_accept_mark(lexer, '=');
        SqlToken value = sql_next(lexer);
        if (value.type == SQL_END || value.type == SQL_MARK)
            return CLAUSE_CHANGES;
        if ((sql_token_is(&option, "ENGINE") || sql_token_is(&option, "TYPE")) && !alter_engine_keeps_rows(&value))
            return CLAUSE_CHANGES;
    }
    return CLAUSE_HARMLESS;
}

/* Work on partitions that leaves the rows as they are. */
static const char *const partition_work[] = {"COALESCE", "REORGANIZE", "REBUILD", "ANALYZE",
                                             "CHECK",    "OPTIMIZE",   "REPAIR",  NULL};

static Clause parse_clause(Ddl *ddl)
{
    SqlLexer *lexer = &ddl->lexer, from = *lexer;
    SqlToken verb = sql_next(lexer);
    if (sql_token_is(&verb, "ADD"))
        return parse_add(lexer);
    if (sql_token_is(&verb, "DROP"))
        return parse_drop(lexer);
    if (sql_token_is(&verb, "ALTER"))
        return parse_alter(lexer);
    if (sql_token_is(&verb, "RENAME"))
        return parse_rename(ddl);
    if (sql_token_is(&verb, "EXCHANGE") || sql_token_is(&verb, "CONVERT"))
        return parse_two_tables(ddl);
    if (sql_token_is(&verb, "FORCE"))
        return CLAUSE_HARMLESS;
    if ((sql_token_is(&verb, "ENABLE") || sql_token_is(&verb, "DISABLE")) && sql_next_is(lexer, "KEYS"))
        return CLAUSE_HARMLESS;
    if (sql_token_is(&verb, "REMOVE") && sql_next_is(lexer, "PARTITIONING"))
        return CLAUSE_HARMLESS;
    if (sql_token_in(&verb, partition_work) && sql_next_is(lexer, "PARTITION")) {
        skip_all(lexer);
        return CLAUSE_HARMLESS;
    }
    if ((sql_token_is(&verb, "WITH") || sql_token_is(&verb, "WITHOUT")) && sql_next_is(lexer, "VALIDATION"))
        return CLAUSE_HARMLESS;
    *lexer = from;
    return parse_options(lexer);
}

/* The words are reserved, so they are no names. */
static bool names_partitions(SqlLexer lexer)
{
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer))
        if (sql_token_is(&token, "PARTITION") || sql_token_is(&token, "PARTITIONING"))
            return true;
    return false;
}

bool alter_parse_clauses(Ddl *ddl)
{
    ddl->out->repartitions = names_partitions(ddl->lexer);
    bool changes = false, renames = false;
    while (!sql_clause_end(&ddl->lexer)) {
        switch (parse_clause(ddl)) {
        case CLAUSE_HARMLESS:
            break;
        case CLAUSE_CHANGES:
            changes = true;
            break;
        case CLAUSE_RENAMES:
            renames = true;
            break;
        case CLAUSE_BAD:
            return false;
        }
        sql_skip_clause(&ddl->lexer);
        sql_accept_mark(&ddl->lexer, ',');
    }
    SqlToken rest = sql_peek(&ddl->lexer);
    if (sql_token_mark(&rest, ',')) /* an empty clause: not understood */
        return false;
    if (renames && !changes)
        ddl->out->kind = DDL_RENAME_TABLE;
    ddl->out->changes_rows_or_columns = changes || renames;
    return true;
}
