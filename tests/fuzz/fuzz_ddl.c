/* fuzz_ddl.c - statements of the log.
 *
 * Input: a byte for the SQL mode, the statement.
 */
#include "fuzz.h"

#include "mysql/cascade.h"
#include "mysql/ddl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { NO_BACKSLASH_ESCAPES = 0x100000 };
    Input input = {data, data + size};
    unsigned mode = input_u8(&input);
    size_t len;
    uint8_t *sql = input_rest(&input, &len);
    uint64_t sql_mode = (mode & 1 ? DDL_SQL_MODE_ANSI_QUOTES : 0) | (mode & 2 ? NO_BACKSLASH_ESCAPES : 0);
    DdlStatement *statement = ddl_parse((const char *)sql, len, mode & 4 ? "" : "shop", sql_mode);
    CHECK(statement && statement->tables && statement->kind <= DDL_UNKNOWN);
    for (unsigned i = 0; i < statement->tables->len; i++) {
        const DdlName *name = statement->tables->pdata[i];
        CHECK(name && (name->database || name->table));
    }
    switch (statement->kind) {
    case DDL_ALTER_TABLE:
    case DDL_TRUNCATE:
    case DDL_DROP_DATABASE:
        CHECK(statement->tables->len > 0);
        break;
    case DDL_RENAME_TABLE:
        CHECK(statement->tables->len >= 2); /* not always pairs: ALTER TABLE a RENAME b, RENAME c */
        break;
    case DDL_SAVEPOINT:
    case DDL_ROLLBACK_TO:
        CHECK(statement->name);
        break;
    default:
        break;
    }
    ddl_statement_free(statement);
    g_autofree char *text = g_strndup((const char *)sql, len);
    g_autoptr(GPtrArray) cascades = cascades_parse(text, sql_mode, "shop");
    for (unsigned i = 0; i < cascades->len; i++) {
        const Cascade *cascade = cascades->pdata[i];
        CHECK(cascade->database && cascade->table && cascade->columns && (cascade->on_delete || cascade->on_update));
    }
    free(sql);
    return 0;
}
