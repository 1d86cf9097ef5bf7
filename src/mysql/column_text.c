#include "mysql/column_text_private.h"

#include "base/base.h"

#include <string.h>

/* ---- types ---- */

bool charset_clause_accept(SqlLexer *lexer)
{
    SqlLexer ahead = *lexer;
    if (!sql_accept(&ahead, "CHARSET") &&
        !((sql_accept(&ahead, "CHARACTER") || sql_accept(&ahead, "CHAR")) && sql_accept(&ahead, "SET")))
        return false;
    sql_accept_mark(&ahead, '=');
    *lexer = ahead;
    return true;
}

/* Of those that begin alike, the longest first. */
static const struct ColumnTextType types[] = {
    {"TINYINT", SOURCE_TYPE_TINYINT, "tinyint", FORM_WIDTH, 0},
    {"INT1", SOURCE_TYPE_TINYINT, "tinyint", FORM_WIDTH, 0},
    {"BOOL", SOURCE_TYPE_TINYINT, "tinyint", FORM_NONE, AS_BOOL},
    {"BOOLEAN", SOURCE_TYPE_TINYINT, "tinyint", FORM_NONE, AS_BOOL},
    {"SMALLINT", SOURCE_TYPE_SMALLINT, "smallint", FORM_WIDTH, 0},
    {"INT2", SOURCE_TYPE_SMALLINT, "smallint", FORM_WIDTH, 0},
    {"MEDIUMINT", SOURCE_TYPE_MEDIUMINT, "mediumint", FORM_WIDTH, 0},
    {"MIDDLEINT", SOURCE_TYPE_MEDIUMINT, "mediumint", FORM_WIDTH, 0},
    {"INT3", SOURCE_TYPE_MEDIUMINT, "mediumint", FORM_WIDTH, 0},
    {"INT", SOURCE_TYPE_INT, "int", FORM_WIDTH, 0},
    {"INTEGER", SOURCE_TYPE_INT, "int", FORM_WIDTH, 0},
    {"INT4", SOURCE_TYPE_INT, "int", FORM_WIDTH, 0},
    {"BIGINT", SOURCE_TYPE_BIGINT, "bigint", FORM_WIDTH, 0},
    {"INT8", SOURCE_TYPE_BIGINT, "bigint", FORM_WIDTH, 0},
    {"SERIAL", SOURCE_TYPE_BIGINT, "bigint", FORM_NONE, AS_SERIAL},
    {"DECIMAL", SOURCE_TYPE_DECIMAL, "decimal", FORM_DIGITS, 0},
    {"NUMERIC", SOURCE_TYPE_DECIMAL, "decimal", FORM_DIGITS, 0},
    {"DEC", SOURCE_TYPE_DECIMAL, "decimal", FORM_DIGITS, 0},
    {"FIXED", SOURCE_TYPE_DECIMAL, "decimal", FORM_DIGITS, 0},
    {"FLOAT", SOURCE_TYPE_FLOAT, "float", FORM_FLOAT, 0},
    {"FLOAT4", SOURCE_TYPE_FLOAT, "float", FORM_FLOAT, 0},
    {"DOUBLE PRECISION", SOURCE_TYPE_DOUBLE, "double", FORM_FLOAT, 0},
    {"DOUBLE", SOURCE_TYPE_DOUBLE, "double", FORM_FLOAT, 0},
    {"FLOAT8", SOURCE_TYPE_DOUBLE, "double", FORM_FLOAT, 0},
    {"REAL", SOURCE_TYPE_DOUBLE, "double", FORM_FLOAT, 0},
    {"BIT", SOURCE_TYPE_BIT, "bit", FORM_LENGTH, 0},
    {"YEAR", SOURCE_TYPE_YEAR, "year", FORM_WIDTH, 0},
    {"DATE", SOURCE_TYPE_DATE, "date", FORM_NONE, 0},
    {"TIME", SOURCE_TYPE_TIME, "time", FORM_FRACTION, 0},
    {"DATETIME", SOURCE_TYPE_DATETIME, "datetime", FORM_FRACTION, 0},
    {"TIMESTAMP", SOURCE_TYPE_TIMESTAMP, "timestamp", FORM_FRACTION, 0},
    {"NATIONAL CHARACTER VARYING", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NATIONAL CHAR VARYING", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NATIONAL VARCHARACTER", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NATIONAL VARCHAR", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NATIONAL CHARACTER", SOURCE_TYPE_CHAR, "char", FORM_LENGTH, NATIONAL},
    {"NATIONAL CHAR", SOURCE_TYPE_CHAR, "char", FORM_LENGTH, NATIONAL},
    {"NCHAR VARYING", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NCHAR VARCHARACTER", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NCHAR VARCHAR", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NVARCHAR", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, NATIONAL},
    {"NCHAR", SOURCE_TYPE_CHAR, "char", FORM_LENGTH, NATIONAL},
    {"CHARACTER VARYING", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, 0},
    {"CHAR VARYING", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, 0},
    {"VARCHARACTER", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, 0},
    {"VARCHAR", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, 0},
    {"CHARACTER", SOURCE_TYPE_CHAR, "char", FORM_LENGTH, 0},
    {"CHAR", SOURCE_TYPE_CHAR, "char", FORM_LENGTH, 0},
    {"TINYTEXT", SOURCE_TYPE_TEXT, "tinytext", FORM_NONE, 0},
    {"TEXT", SOURCE_TYPE_TEXT, "text", FORM_LENGTH, 0},
    {"MEDIUMTEXT", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"LONGTEXT", SOURCE_TYPE_TEXT, "longtext", FORM_NONE, 0},
    {"LONG VARBINARY", SOURCE_TYPE_BLOB, "mediumblob", FORM_NONE, 0},
    {"LONG CHARACTER VARYING", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"LONG CHAR VARYING", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"LONG VARCHARACTER", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"LONG VARCHAR", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"LONG", SOURCE_TYPE_TEXT, "mediumtext", FORM_NONE, 0},
    {"BINARY", SOURCE_TYPE_BINARY, "binary", FORM_LENGTH, 0},
    {"VARBINARY", SOURCE_TYPE_VARBINARY, "varbinary", FORM_NEEDED, 0},
    {"TINYBLOB", SOURCE_TYPE_BLOB, "tinyblob", FORM_NONE, 0},
    {"BLOB", SOURCE_TYPE_BLOB, "blob", FORM_LENGTH, 0},
    {"MEDIUMBLOB", SOURCE_TYPE_BLOB, "mediumblob", FORM_NONE, 0},
    {"LONGBLOB", SOURCE_TYPE_BLOB, "longblob", FORM_NONE, 0},
    {"ENUM", SOURCE_TYPE_ENUM, "enum", FORM_LABELS, 0},
    {"SET", SOURCE_TYPE_SET, "set", FORM_LABELS, 0},
    {"JSON", SOURCE_TYPE_JSON, "json", FORM_NONE, ONLY_MYSQL},
    {"JSON", SOURCE_TYPE_TEXT, "longtext", FORM_NONE, ONLY_MARIADB | AS_JSON_TEXT},
    {"GEOMETRYCOLLECTION", SOURCE_TYPE_GEOMETRY, "geometrycollection", FORM_NONE, ONLY_MARIADB},
    {"GEOMETRYCOLLECTION", SOURCE_TYPE_GEOMETRY, "geomcollection", FORM_NONE, ONLY_MYSQL},
    {"GEOMCOLLECTION", SOURCE_TYPE_GEOMETRY, "geomcollection", FORM_NONE, ONLY_MYSQL},
    {"GEOMETRY", SOURCE_TYPE_GEOMETRY, "geometry", FORM_NONE, 0},
    {"POINT", SOURCE_TYPE_GEOMETRY, "point", FORM_NONE, 0},
    {"LINESTRING", SOURCE_TYPE_GEOMETRY, "linestring", FORM_NONE, 0},
    {"POLYGON", SOURCE_TYPE_GEOMETRY, "polygon", FORM_NONE, 0},
    {"MULTIPOINT", SOURCE_TYPE_GEOMETRY, "multipoint", FORM_NONE, 0},
    {"MULTILINESTRING", SOURCE_TYPE_GEOMETRY, "multilinestring", FORM_NONE, 0},
    {"MULTIPOLYGON", SOURCE_TYPE_GEOMETRY, "multipolygon", FORM_NONE, 0},
    {"UUID", SOURCE_TYPE_UUID, "uuid", FORM_NONE, ONLY_MARIADB},
    {"INET4", SOURCE_TYPE_INET4, "inet4", FORM_NONE, ONLY_MARIADB},
    {"INET6", SOURCE_TYPE_INET6, "inet6", FORM_NONE, ONLY_MARIADB},
    {"VECTOR", SOURCE_TYPE_VECTOR, "vector", FORM_LENGTH, 0},
    {"NUMBER", SOURCE_TYPE_DECIMAL, "decimal", FORM_DIGITS, ONLY_MARIADB},
    {"VARCHAR2", SOURCE_TYPE_VARCHAR, "varchar", FORM_NEEDED, ONLY_MARIADB},
    {"RAW", SOURCE_TYPE_VARBINARY, "varbinary", FORM_NEEDED, ONLY_MARIADB},
    {"CLOB", SOURCE_TYPE_TEXT, "longtext", FORM_NONE, ONLY_MARIADB},
};

static const struct ColumnTextType *accept_type(SqlLexer *lexer, const ColumnContext *context)
{
    SqlToken first = sql_peek(lexer);
    unsigned other = context->flavour == SOURCE_MARIADB ? ONLY_MYSQL : ONLY_MARIADB;
    for (size_t i = 0; first.type == SQL_WORD && i < G_N_ELEMENTS(types); i++)
        if (!(types[i].flags & other) && g_ascii_strncasecmp(types[i].words, first.text, first.len) == 0 &&
            sql_accept_words(lexer, types[i].words))
            return &types[i];
    return NULL;
}

/* Types that some sql_modes make others of. */
static bool mode_changes_type(const struct ColumnTextType *type, const ColumnContext *context)
{
    if (context->flavour != SOURCE_MARIADB)
        return false;
    if (context->sql_mode & SQL_MODE_ORACLE)
        return type->type == SOURCE_TYPE_DATE || type->type == SOURCE_TYPE_BLOB || type->type == SOURCE_TYPE_DECIMAL ||
               strcmp(type->words, "CLOB") == 0;
    return (context->sql_mode & SQL_MODE_MAXDB) && type->type == SOURCE_TYPE_TIMESTAMP;
}

static bool read_number(SqlLexer *lexer, uint64_t *out)
{
    SqlToken token = sql_next(lexer);
    if (token.type != SQL_WORD || token.len == 0 || token.len > 19)
        return false;
    *out = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (!g_ascii_isdigit(token.text[i]))
            return false;
        *out = *out * 10 + (uint64_t)(token.text[i] - '0');
    }
    return true;
}

/* ('a', 'b') */
static bool read_labels(SqlLexer *lexer, SourceColumn *column)
{
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
    if (!sql_accept_mark(lexer, '('))
        return false;
    do {
        SqlToken token = sql_next(lexer);
        char *label = token.type == SQL_STRING ? sql_token_string(lexer, &token) : NULL;
        if (!label)
            return false;
        g_ptr_array_add(labels, label);
    } while (sql_accept_mark(lexer, ','));
    g_ptr_array_add(labels, NULL);
    column->labels = (char **)g_ptr_array_steal(labels, NULL);
    return sql_accept_mark(lexer, ')');
}

static bool read_size(SqlLexer *lexer, ColumnText *text)
{
    SizeForm form = text->type->size;
    uint64_t decimals;
    text->decimals = -1;
    if (form == FORM_LABELS)
        return read_labels(lexer, &text->column);
    if (form == FORM_NONE || !sql_accept_mark(lexer, '('))
        return form != FORM_NEEDED;
    if (!read_number(lexer, &text->length))
        return false;
    text->has_length = true;
    if ((form == FORM_DIGITS || form == FORM_FLOAT) && sql_accept_mark(lexer, ',')) {
        if (!read_number(lexer, &decimals) || decimals > 65)
            return false;
        text->decimals = (int)decimals;
    }
    return sql_accept_mark(lexer, ')');
}

/* ---- defaults ---- */

static void set_default(ColumnDefault *out, DefaultKind kind, char *text_take)
{
    g_free(out->text);
    *out = (ColumnDefault){.kind = kind, .text = text_take};
}

/* [+-] digits [. digits] [e [+-] digits], which the lexer cuts into several tokens. */
static bool accept_decimal(SqlLexer *lexer, ColumnDefault *out)
{
    SqlLexer ahead = *lexer;
    g_autoptr(GString) text = g_string_new(NULL);
    if (sql_accept_mark(&ahead, '-'))
        g_string_append_c(text, '-');
    else
        sql_accept_mark(&ahead, '+');
    SqlToken first = sql_peek(&ahead);
    const char *p = first.text, *end = ahead.end, *digits = p;
    if (first.type == SQL_WORD && first.len > 1 && *p == '0' && (p[1] == 'x' || p[1] == 'b'))
        return false;
    while (p < end && g_ascii_isdigit(*p))
        p++;
    size_t n = (size_t)(p - digits);
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        while (p < end && g_ascii_isdigit(*p))
            p++;
        n += (size_t)(p - fraction);
    }
    if (n == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *exponent = p + 1;
        if (exponent < end && (*exponent == '-' || *exponent == '+'))
            exponent++;
        if (exponent == end || !g_ascii_isdigit(*exponent))
            return false;
        for (p = exponent; p < end && g_ascii_isdigit(*p);)
            p++;
    }
    if (p < end && (g_ascii_isalnum(*p) || *p == '_' || *p == '$' || (unsigned char)*p >= 0x80))
        return false; /* a name that begins with digits */
    g_string_append_len(text, digits, p - digits);
    ahead.p = p;
    *lexer = ahead;
    set_default(out, DEFAULT_NUMBER, g_strdup(text->str));
    return true;
}

/* Binary digits as hexadecimal ones, of whole bytes. */
static char *hex_of_bits(const char *bits, size_t len)
{
    size_t bytes = (len + 7) / 8;
    GString *hex = g_string_new(NULL);
    for (size_t b = 0; b < bytes; b++) {
        unsigned value = 0;
        for (size_t i = 0; i < 8; i++) {
            size_t at = b * 8 + i, missing = bytes * 8 - len;
            unsigned bit = at >= missing ? (unsigned)(bits[at - missing] - '0') : 0;
            value = value << 1 | bit;
        }
        g_string_append_printf(hex, "%02x", value);
    }
    return g_string_free(hex, FALSE);
}

static bool digits_are(const char *text, size_t len, bool hex)
{
    for (size_t i = 0; i < len; i++)
        if (hex ? !g_ascii_isxdigit(text[i]) : text[i] != '0' && text[i] != '1')
            return false;
    return true;
}

/* x'4142', 0x4142, b'101', 0b101 */
static bool accept_bytes(SqlLexer *lexer, ColumnDefault *out)
{
    SqlLexer ahead = *lexer;
    SqlToken token = sql_next(&ahead);
    const char *digits = token.text + 2;
    size_t len = token.len >= 2 ? token.len - 2 : 0;
    bool hex;
    if (token.type != SQL_WORD)
        return false;
    if (token.len == 1 && strchr("xXbB", *token.text)) {
        hex = *token.text == 'x' || *token.text == 'X';
        SqlToken string = sql_next(&ahead);
        if (string.type != SQL_STRING || string.text != token.text + 1)
            return false;
        digits = string.text + 1;
        len = string.len - 2;
    } else if (token.len > 2 && token.text[0] == '0' && (token.text[1] == 'x' || token.text[1] == 'b')) {
        hex = token.text[1] == 'x';
    } else {
        return false;
    }
    if (len > G_MAXINT || !digits_are(digits, len, hex))
        return false;
    *lexer = ahead;
    if (!hex)
        set_default(out, DEFAULT_BYTES, hex_of_bits(digits, len));
    else
        set_default(out, DEFAULT_BYTES, g_strdup_printf("%s%.*s", len % 2 ? "0" : "", (int)len, digits));
    return true;
}

/* 'a' 'b', N'a', _utf8mb4'a', DATE '2024-01-01' */
static bool accept_string(SqlLexer *lexer, ColumnDefault *out)
{
    static const char *const before[] = {"N", "DATE", "TIME", "TIMESTAMP", NULL};
    SqlLexer ahead = *lexer;
    SqlToken token = sql_next(&ahead);
    bool introducer = token.type == SQL_WORD && *token.text == '_';
    if (introducer || sql_token_in(&token, before))
        token = sql_next(&ahead);
    if (token.type != SQL_STRING)
        return false;
    g_autoptr(GString) text = g_string_new(NULL);
    for (;;) {
        g_autofree char *part = sql_token_string(&ahead, &token);
        if (!part)
            return false;
        g_string_append(text, part);
        token = sql_peek(&ahead);
        if (token.type != SQL_STRING)
            break;
        sql_next(&ahead);
    }
    bool ascii = true;
    for (const char *p = text->str; *p; p++)
        ascii = ascii && (unsigned char)*p < 0x80;
    if (introducer && !ascii) /* bytes of another charset than the statement's */
        return false;
    *lexer = ahead;
    set_default(out, DEFAULT_TEXT, g_strdup(text->str));
    return true;
}

static bool accept_now(SqlLexer *lexer, ColumnDefault *out)
{
    static const char *const names[] = {"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP", NULL};
    SqlLexer ahead = *lexer;
    SqlToken token = sql_next(&ahead);
    uint64_t digits = 0;
    if (!sql_token_in(&token, names))
        return false;
    if (sql_accept_mark(&ahead, '(')) {
        if (!sql_next_is_mark(&ahead, ')') && (!read_number(&ahead, &digits) || digits > 6))
            return false;
        if (!sql_accept_mark(&ahead, ')'))
            return false;
    } else if (sql_token_is(&token, "NOW")) {
        return false;
    }
    *lexer = ahead;
    set_default(out, DEFAULT_NOW, NULL);
    out->digits = (unsigned)digits;
    return true;
}

static bool accept_literal(SqlLexer *lexer, ColumnDefault *out)
{
    if (accept_bytes(lexer, out) || accept_decimal(lexer, out) || accept_string(lexer, out) || accept_now(lexer, out))
        return true;
    bool yes = sql_accept(lexer, "TRUE");
    if (yes || sql_accept(lexer, "FALSE")) {
        set_default(out, DEFAULT_NUMBER, g_strdup(yes ? "1" : "0"));
        return true;
    }
    if (!sql_accept(lexer, "NULL"))
        return false;
    set_default(out, DEFAULT_NULL, NULL);
    return true;
}

/* ( literal ), else an expression whose value is not known here. */
static bool read_bracketed(SqlLexer *lexer, ColumnDefault *out)
{
    SqlLexer inner = *lexer, end = *lexer;
    unsigned depth = 0;
    while (sql_accept_mark(&inner, '('))
        depth++;
    SqlToken first = sql_peek(&inner);
    if (!sql_skip_brackets(&end))
        return false;
    bool literal = accept_literal(&inner, out);
    for (; literal && depth > 0; depth--)
        literal = sql_accept_mark(&inner, ')');
    size_t len = MIN((size_t)(end.p - first.text), (size_t)200);
    if (!literal)
        set_default(out, DEFAULT_EXPRESSION, g_strndup(first.text, len));
    *lexer = end;
    return true;
}

/* MariaDB takes functions without brackets. */
static bool read_function(SqlLexer *lexer, ColumnDefault *out)
{
    static const char *const bare[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_USER",  "CURRENT_ROLE",
                                       "UTC_DATE",     "UTC_TIME",     "UTC_TIMESTAMP", NULL};
    SqlToken name = sql_next(lexer);
    if (sql_token_is(&name, "NEXT")) {
        SqlToken sequence = {0};
        if (!sql_accept(lexer, "VALUE") || !sql_accept(lexer, "FOR"))
            return false;
        do
            sequence = sql_next(lexer);
        while (sql_token_named(&sequence) && sql_accept_mark(lexer, '.'));
        set_default(out, DEFAULT_EXPRESSION, g_strdup("NEXT VALUE"));
        return sql_token_named(&sequence);
    }
    if (name.type != SQL_WORD || (!sql_next_is_mark(lexer, '(') && !sql_token_in(&name, bare)))
        return false;
    if (sql_next_is_mark(lexer, '(') && !sql_skip_brackets(lexer))
        return false;
    set_default(out, DEFAULT_EXPRESSION, g_strndup(name.text, MIN((size_t)(lexer->p - name.text), (size_t)200)));
    return true;
}

static bool read_default(SqlLexer *lexer, ColumnDefault *out)
{
    if (sql_next_is_mark(lexer, '('))
        return read_bracketed(lexer, out);
    return accept_literal(lexer, out) || read_function(lexer, out);
}

/* ---- attributes ---- */

static bool at_end(const SqlLexer *lexer)
{
    SqlToken token = sql_peek(lexer);
    return token.type == SQL_END || sql_token_mark(&token, ',') || sql_token_mark(&token, ')') ||
           sql_token_mark(&token, ';') || sql_token_is(&token, "FIRST") || sql_token_is(&token, "AFTER") ||
           sql_token_is(&token, "PARTITION") || sql_token_is(&token, "REMOVE"); /* PARTITIONING */
}

static bool read_name(SqlLexer *lexer, char **out)
{
    SqlToken token = sql_next(lexer);
    if (!sql_token_named(&token) && token.type != SQL_STRING)
        return false;
    g_free(*out);
    *out = sql_token_text(&token);
    return **out != 0;
}

static bool skip_name(SqlLexer *lexer)
{
    g_autofree char *ignored = NULL;
    return read_name(lexer, &ignored);
}

/* REFERENCES t (a, b) [MATCH x] [ON DELETE | UPDATE x] */
static bool skip_references(SqlLexer *lexer)
{
    do {
        if (!skip_name(lexer))
            return false;
    } while (sql_accept_mark(lexer, '.'));
    if (sql_next_is_mark(lexer, '(') && !sql_skip_brackets(lexer))
        return false;
    while (sql_accept(lexer, "MATCH"))
        if (!skip_name(lexer))
            return false;
    for (;;) {
        SqlLexer ahead = *lexer;
        if (!sql_accept(&ahead, "ON") || !(sql_accept(&ahead, "DELETE") || sql_accept(&ahead, "UPDATE")))
            return true;
        if (!sql_accept(&ahead, "SET")) /* SET NULL, SET DEFAULT, NO ACTION, CASCADE, RESTRICT */
            sql_accept(&ahead, "NO");
        if (!skip_name(&ahead))
            return false;
        *lexer = ahead;
    }
}

/* [GENERATED ALWAYS] AS ROW START | ROW END: plain columns for us, that rows which are there have such values in. */
static bool read_row(SqlLexer *lexer, ColumnText *text)
{
    text->row_start = sql_accept(lexer, "START");
    text->row_end = !text->row_start && sql_accept(lexer, "END");
    text->initial.kind = text->row_start ? DEFAULT_NOW : DEFAULT_LAST_MOMENT;
    text->initial.digits = 6;
    text->not_null = true;
    return text->row_start || text->row_end;
}

/* [GENERATED ALWAYS] AS (expression) [VIRTUAL | STORED | PERSISTENT] */
static bool read_generated(SqlLexer *lexer, ColumnText *text)
{
    if (sql_accept(lexer, "ROW"))
        return read_row(lexer, text);
    if (!sql_next_is_mark(lexer, '(') || !sql_skip_brackets(lexer))
        return false; /* AS IDENTITY */
    text->column.generated = true;
    if (!sql_accept(lexer, "STORED") && !sql_accept(lexer, "PERSISTENT"))
        sql_accept(lexer, "VIRTUAL");
    return true;
}

static bool read_collation(SqlLexer *lexer, ColumnText *text)
{
    sql_accept_mark(lexer, '=');
    g_autofree char *name = NULL;
    if (!read_name(lexer, &name))
        return false;
    g_free(text->column.collation);
    text->column.collation = g_ascii_strdown(name, -1);
    return true;
}

static bool read_charset(SqlLexer *lexer, ColumnText *text, const ColumnContext *context)
{
    g_autofree char *name = NULL;
    if (!read_name(lexer, &name))
        return false;
    g_free(text->column.charset);
    text->column.charset = charset_name_canonical(name, context);
    return true;
}

static void say_charset(ColumnText *text, const char *charset)
{
    g_free(text->column.charset);
    text->column.charset = g_strdup(charset);
}

/* What stands between a type and the attributes of every column. False: none of it is next, or it is not understood
 * (`bad`). */
static bool accept_type_attribute(SqlLexer *lexer, ColumnText *text, const ColumnContext *context, bool *bad)
{
    if (charset_clause_accept(lexer))
        return *bad = !read_charset(lexer, text, context), !*bad;
    if (sql_accept(lexer, "UNSIGNED"))
        return text->column.is_unsigned = true;
    if (sql_accept(lexer, "ZEROFILL"))
        return text->zerofill = text->column.is_unsigned = true;
    if (sql_accept(lexer, "SIGNED"))
        return true;
    if (sql_accept(lexer, "ASCII"))
        return say_charset(text, "latin1"), true;
    if (sql_accept(lexer, "UNICODE"))
        return say_charset(text, "ucs2"), true;
    if (sql_accept(lexer, "BYTE"))
        return say_charset(text, "binary"), true;
    if (sql_accept(lexer, "BINARY"))
        return text->binary_collation = true;
    if (sql_accept(lexer, "COMPRESSED")) {
        text->column.compressed = true;
        return *bad = sql_accept_mark(lexer, '=') && !skip_name(lexer), !*bad;
    }
    if (sql_accept(lexer, "SRID") || sql_accept(lexer, "REF_SYSTEM_ID")) {
        sql_accept_mark(lexer, '=');
        sql_next(lexer);
        return true;
    }
    return false;
}

static bool read_check(SqlLexer *lexer)
{
    if (!sql_next_is_mark(lexer, '(') || !sql_skip_brackets(lexer))
        return false;
    SqlLexer ahead = *lexer;
    sql_accept(&ahead, "NOT");
    if (sql_accept(&ahead, "ENFORCED"))
        *lexer = ahead;
    return true;
}

/* Attributes with one value that changes nothing of what is replicated. */
static const char *const skipped_values[] = {
    "COMMENT", "COLUMN_FORMAT", "STORAGE", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", NULL};

static bool skip_value(SqlLexer *lexer)
{
    sql_accept_mark(lexer, '=');
    SqlToken token = sql_next(lexer);
    return token.type != SQL_END && token.type != SQL_MARK;
}

/* MariaDB: options that an engine defines, name=value. */
static bool skip_engine_option(SqlLexer *lexer, const ColumnContext *context)
{
    return context->flavour == SOURCE_MARIADB && skip_name(lexer) && sql_next_is_mark(lexer, '=') && skip_value(lexer);
}

static bool read_key_attribute(SqlLexer *lexer, ColumnText *text)
{
    if (sql_accept(lexer, "UNIQUE")) {
        sql_accept(lexer, "KEY");
        return text->unique = true;
    }
    sql_accept(lexer, "PRIMARY");
    if (!sql_accept(lexer, "KEY"))
        return false;
    return text->primary = true;
}

static bool read_attribute(SqlLexer *lexer, ColumnText *text, const ColumnContext *context)
{
    SqlToken next = sql_peek(lexer);
    bool bad = false;
    if (accept_type_attribute(lexer, text, context, &bad) || bad)
        return !bad;
    if (sql_accept_words(lexer, "NOT SECONDARY") || sql_accept(lexer, "VISIBLE"))
        return true;
    if (sql_accept_words(lexer, "WITH SYSTEM VERSIONING") || sql_accept_words(lexer, "WITHOUT SYSTEM VERSIONING"))
        return true; /* whether its changes leave history */
    if (sql_accept_words(lexer, "NOT NULL"))
        return text->column.nullable = false, text->not_null = true;
    if (sql_accept(lexer, "NULL"))
        return text->said_null = true;
    if (sql_accept_words(lexer, "SERIAL DEFAULT VALUE"))
        return text->auto_increment = text->unique = text->not_null = true;
    if (sql_accept(lexer, "DEFAULT"))
        return read_default(lexer, &text->initial);
    if (sql_accept_words(lexer, "ON UPDATE")) {
        g_auto(ColumnDefault) ignored = {0};
        return accept_now(lexer, &ignored);
    }
    if (sql_accept(lexer, "AUTO_INCREMENT"))
        return text->auto_increment = true;
    if (sql_token_is(&next, "UNIQUE") || sql_token_is(&next, "PRIMARY") || sql_token_is(&next, "KEY"))
        return read_key_attribute(lexer, text);
    if (sql_accept(lexer, "COLLATE"))
        return read_collation(lexer, text);
    if (sql_accept(lexer, "INVISIBLE"))
        return text->column.invisible = true;
    if (sql_accept_words(lexer, "GENERATED ALWAYS AS") || sql_accept(lexer, "AS"))
        return read_generated(lexer, text);
    if (sql_accept(lexer, "REFERENCES"))
        return skip_references(lexer);
    if (sql_accept(lexer, "CONSTRAINT")) {
        SqlToken check = sql_peek(lexer);
        return (sql_token_is(&check, "CHECK") || skip_name(lexer)) && sql_accept(lexer, "CHECK") && read_check(lexer);
    }
    if (sql_accept(lexer, "CHECK"))
        return read_check(lexer);
    if (sql_token_in(&next, skipped_values)) {
        sql_next(lexer);
        return skip_value(lexer);
    }
    return skip_engine_option(lexer, context);
}

/* ---- the whole ---- */

void column_default_clear(ColumnDefault *initial)
{
    g_clear_pointer(&initial->text, g_free);
}

void column_text_free(ColumnText *text)
{
    if (!text)
        return;
    source_column_clear(&text->column);
    column_default_clear(&text->initial);
    g_free(text);
}

static char *refuse(const char *name, const char *at, const char *end)
{
    g_autofree char *column = printable(name, 64);
    g_autofree char *raw = g_strndup(at, MIN((size_t)(end - at), (size_t)40));
    g_autofree char *shown = printable(raw, 40);
    return g_strdup_printf("the definition of column %s is not understood at \"%s\"", column, shown);
}

/* `at`: what is being read. */
static bool read_all(SqlLexer *lexer, ColumnText *text, const ColumnContext *context, const char **at)
{
    *at = sql_peek(lexer).text;
    text->type = accept_type(lexer, context);
    if (!text->type || mode_changes_type(text->type, context))
        return false;
    text->column.type = text->type->type;
    text->base = text->type->base;
    if (text->type->flags & NATIONAL)
        say_charset(text, "utf8mb3");
    if (text->type->flags & AS_SERIAL)
        text->column.is_unsigned = text->auto_increment = text->unique = text->not_null = true;
    if (!read_size(lexer, text))
        return false;
    while (!at_end(lexer)) {
        *at = sql_peek(lexer).text;
        if (!read_attribute(lexer, text, context))
            return false;
    }
    return true;
}

ColumnText *column_text_parse(SqlLexer *lexer, const ColumnContext *context, char *name_take, char **why)
{
    g_autoptr(ColumnText) text = g_new0(ColumnText, 1);
    const char *at;
    text->column.name = name_take;
    if (!read_all(lexer, text, context, &at)) {
        *why = refuse(name_take, at, lexer->end);
        return NULL;
    }
    bool not_null = text->not_null || text->primary || text->auto_increment;
    bool old_timestamp =
        text->column.type == SOURCE_TYPE_TIMESTAMP && !context->explicit_timestamp && !text->column.generated;
    text->column.nullable = !not_null && (text->said_null || !old_timestamp);
    return g_steal_pointer(&text);
}
