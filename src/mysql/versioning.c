#include "mysql/versioning.h"

#include "base/base.h"

#include <string.h>

void versioning_last_moment(uint32_t timestamp_max, uint8_t out[VERSIONING_MOMENT_LEN])
{
    const uint32_t usec = 999999;
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(timestamp_max >> (24 - 8 * i));
    for (unsigned i = 0; i < 3; i++)
        out[4 + i] = (uint8_t)(usec >> (16 - 8 * i));
}

int versioning_row_end(const SourceTable *table)
{
    if (!table->versioning.on)
        return -1;
    return table->versioning.row_end >= 0 ? table->versioning.row_end : (int)table->n_columns + 1;
}

void versioning_clear(Versioning *versioning)
{
    g_free(versioning->current_partition);
    *versioning = (Versioning){0};
}

void versioning_copy(Versioning *to, const Versioning *from)
{
    g_free(to->current_partition);
    *to = *from;
    to->current_partition = g_strdup(from->current_partition);
}

/* ... [PARTITIONS n] (PARTITION p0 HISTORY, PARTITION now CURRENT) */
char *versioning_current_partition(SqlLexer lexer, bool *counted)
{
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        if (counted)
            *counted = *counted || sql_token_is(&token, "PARTITIONS");
        if (!sql_token_is(&token, "PARTITION"))
            continue;
        SqlToken name = sql_next(&lexer);
        if (sql_token_named(&name) && sql_next_is(&lexer, "CURRENT"))
            return sql_token_text(&name);
    }
    return NULL;
}

bool versioning_accept_period(SqlLexer *lexer, char **start, char **end)
{
    SqlLexer ahead = *lexer;
    if (!sql_accept_words(&ahead, "FOR SYSTEM_TIME") || !sql_accept_mark(&ahead, '(') ||
        !sql_read_name(&ahead, start) || !sql_accept_mark(&ahead, ',') || !sql_read_name(&ahead, end) ||
        !sql_accept_mark(&ahead, ')'))
        return false;
    *lexer = ahead;
    return true;
}

static void set_current_partition(Versioning *versioning, char *name_take)
{
    g_free(versioning->current_partition);
    versioning->current_partition = name_take ? name_take : g_strdup(VERSIONING_CURRENT_PARTITION);
}

/* What SHOW CREATE TABLE says. `start`, `end`: NULL where the columns are hidden. */
static void read_shown(const char *create_sql, Versioning *out, char **start, char **end)
{
    SqlLexer lexer;
    int depth = 0;
    bool begins = false;
    sql_lexer_init(&lexer, create_sql, strlen(create_sql), 0);
    for (SqlToken token = sql_next(&lexer); token.type != SQL_END; token = sql_next(&lexer)) {
        depth += sql_token_mark(&token, '(') - sql_token_mark(&token, ')');
        if (begins && sql_token_is(&token, "PERIOD"))
            versioning_accept_period(&lexer, start, end);
        else if (depth == 0 && sql_token_is(&token, "WITH"))
            out->on = out->on || sql_accept_words(&lexer, "SYSTEM VERSIONING");
        else if (depth == 0 && sql_token_is(&token, "PARTITION") && sql_accept_words(&lexer, "BY SYSTEM_TIME"))
            set_current_partition(out, versioning_current_partition(lexer, NULL));
        begins = depth == 1 && (sql_token_mark(&token, '(') || sql_token_mark(&token, ','));
    }
}

bool versioning_read(SourceTable *table, GError **error)
{
    Versioning *versioning = &table->versioning;
    g_autofree char *start = NULL, *end = NULL;
    versioning_clear(versioning);
    read_shown(table->create_sql, versioning, &start, &end);
    if (!versioning->on) {
        versioning_clear(versioning);
        return true;
    }
    versioning->row_start = start ? source_table_find_column(table, start) : -1;
    versioning->row_end = end ? source_table_find_column(table, end) : -1;
    if (!end)
        return true;
    if (versioning->row_start < 0 || versioning->row_end < 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: the account may not see %s and %s, which tell its history from its current rows: GRANT "
                    "SELECT on the table",
                    table->database, table->name, start, end);
        return false;
    }
    if (table->columns[versioning->row_end].type != SOURCE_TYPE_TIMESTAMP) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "%s.%s: " VERSIONING_BY_TRANSACTIONS, table->database,
                    table->name);
        return false;
    }
    table->columns[versioning->row_start].generated = table->columns[versioning->row_end].generated = false;
    return true;
}
