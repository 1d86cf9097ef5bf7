#include "mapping/canonical.h"

#include "clickhouse/http.h"
#include "mapping/writers.h"

#include <string.h>

static bool is_integer(const SourceColumn *column)
{
    return column->type >= SOURCE_TYPE_TINYINT && column->type <= SOURCE_TYPE_BIGINT;
}

static bool is_moment(const SourceColumn *column)
{
    return column->type == SOURCE_TYPE_DATETIME || column->type == SOURCE_TYPE_TIMESTAMP;
}

static bool is_text(const SourceColumn *column)
{
    return column->type == SOURCE_TYPE_CHAR || column->type == SOURCE_TYPE_VARCHAR || column->type == SOURCE_TYPE_TEXT;
}

static bool is_bytes(const SourceColumn *column)
{
    return column->type == SOURCE_TYPE_BINARY || column->type == SOURCE_TYPE_VARBINARY ||
           column->type == SOURCE_TYPE_BLOB;
}

static bool is_utf8(const char *charset)
{
    static const char *const names[] = {"utf8mb4", "utf8mb3", "utf8", "ascii"};
    for (size_t i = 0; charset && i < G_N_ELEMENTS(names); i++)
        if (strcmp(charset, names[i]) == 0)
            return true;
    return false;
}

static CanonicalKind kind_of(const SourceColumn *column, const char *base)
{
    bool is_string = strcmp(base, "String") == 0;
    if (is_integer(column) || column->type == SOURCE_TYPE_YEAR || column->type == SOURCE_TYPE_BIT ||
        column->type == SOURCE_TYPE_DECIMAL)
        return CANONICAL_PLAIN;
    if (column->type == SOURCE_TYPE_DATE || is_moment(column) || column->type == SOURCE_TYPE_TIME)
        return is_string ? CANONICAL_BYTES : strcmp(base, "Int64") == 0 ? CANONICAL_NONE : CANONICAL_PLAIN;
    if (is_text(column) || is_bytes(column) || column->type == SOURCE_TYPE_ENUM)
        return CANONICAL_BYTES;
    if (column->type == SOURCE_TYPE_SET || column->type == SOURCE_TYPE_JSON)
        return is_string ? CANONICAL_BYTES : CANONICAL_NONE;
    if (column->type == SOURCE_TYPE_UUID || column->type == SOURCE_TYPE_INET4 || column->type == SOURCE_TYPE_INET6)
        return CANONICAL_PLAIN;
    return CANONICAL_NONE;
}

CanonicalKind canonical_kind(const SourceColumn *column, const char *type, BinaryForm binary)
{
    g_autofree char *base = column_type_base(type);
    if (column->nullable && !column_type_nullable(type)) /* NULL became a value */
        return CANONICAL_NONE;
    if (is_bytes(column) && binary != BINARY_RAW)
        return CANONICAL_NONE;
    return kind_of(column, base);
}

/* ---- Values ---- */

static void append_source_name(GString *sql, const SourceColumn *column)
{
    g_string_append(sql, "t.");
    source_quote_name(sql, column->name);
}

static void source_text(GString *sql, const SourceColumn *column, const char *before, const char *after)
{
    g_string_append(sql, before);
    append_source_name(sql, column);
    g_string_append(sql, after);
}

/* Bytes as the destination has them; the text of a value that is no longer in its column's character set. */
static void source_bytes(GString *sql, const SourceColumn *column)
{
    if (is_bytes(column))
        append_source_name(sql, column);
    else if (is_text(column) && is_utf8(column->charset))
        source_text(sql, column, "CAST(", " AS BINARY)");
    else if (is_text(column) || column->type == SOURCE_TYPE_ENUM || column->type == SOURCE_TYPE_SET)
        source_text(sql, column, "CAST(CONVERT(", " USING utf8mb4) AS BINARY)");
    else if (column->type == SOURCE_TYPE_JSON)
        source_text(sql, column, "CAST(CAST(", " AS CHAR CHARACTER SET utf8mb4) AS BINARY)");
    else
        source_text(sql, column, "CAST(CAST(", " AS CHAR) AS BINARY)");
}

/* ZEROFILL is not part of the value: + 0 leaves it out. A fraction has six digits, as at the destination. */
static void source_plain(GString *sql, const SourceColumn *column, bool six_digits)
{
    bool number = is_integer(column) || column->type == SOURCE_TYPE_YEAR || column->type == SOURCE_TYPE_BIT;
    bool filled = column->type == SOURCE_TYPE_DECIMAL && column->type_text && strstr(column->type_text, "zerofill");
    if (number || filled) {
        source_text(sql, column, "(", " + 0)");
    } else if (column->type == SOURCE_TYPE_INET6) {
        source_text(sql, column, "HEX(CAST(", " AS BINARY(16)))");
    } else if ((is_moment(column) || column->type == SOURCE_TYPE_TIME) && six_digits && column->scale < 6) {
        source_text(sql, column, "CONCAT(CAST(", " AS CHAR), '");
        g_string_append_printf(sql, "%s%.*s')", column->scale ? "" : ".", (int)(6 - column->scale), "000000");
    } else {
        source_text(sql, column, "CAST(", " AS CHAR)");
    }
}

static void dest_plain(GString *sql, const SourceColumn *column, const char *type, const char *expression)
{
    g_autofree char *base = column_type_base(type);
    if (column->type == SOURCE_TYPE_DECIMAL)
        g_string_append_printf(sql, "toDecimalString(%s, %u)", expression, column->scale);
    else if (is_moment(column))
        g_string_append_printf(sql, "toString(%s, 'UTC')", expression);
    else if (column->type == SOURCE_TYPE_INET6)
        g_string_append_printf(sql, "hex(%s)", expression);
    else if (strcmp(base, "Bool") == 0)
        g_string_append_printf(sql, "toString(toUInt8(%s))", expression);
    else
        g_string_append_printf(sql, "toString(%s)", expression);
}

/* ---- Hashes ---- */

void canonical_source_hash(GString *sql, const SourceColumn *column, const char *type, bool first)
{
    g_autofree char *base = column_type_base(type);
    g_string_append(sql, first ? "CAST(CONV(LEFT(SHA2(CONCAT(" : ", ");
    if (column->nullable)
        g_string_append(sql, "IFNULL(CONCAT(");
    if (kind_of(column, base) == CANONICAL_BYTES) {
        g_string_append(sql, "OCTET_LENGTH(");
        source_bytes(sql, column);
        g_string_append(sql, "), ':', ");
        source_bytes(sql, column);
    } else {
        if (strcmp(base, "Bool") == 0)
            source_text(sql, column, "(", " <> 0)");
        else
            source_plain(sql, column, true);
        g_string_append(sql, ", ';'");
    }
    if (column->nullable)
        g_string_append(sql, "), 'N')");
}

void canonical_source_hash_end(GString *sql)
{
    g_string_append(sql, "), 256), 16), 16, 10) AS UNSIGNED)");
}

void canonical_dest_hash(GString *sql, const SourceColumn *column, const char *type, const char *name, bool first)
{
    g_autofree char *base = column_type_base(type);
    g_autoptr(GString) expression = g_string_new(NULL);
    clickhouse_quote_name(expression, name);
    g_string_append(sql, first ? "reinterpretAsUInt64(reverse(substring(SHA256(concat('', " : ", ");
    bool nullable = column_type_nullable(type);
    if (nullable)
        g_string_append(sql, "ifNull(concat(");
    if (kind_of(column, base) == CANONICAL_BYTES) {
        g_string_append_printf(sql, "toString(length(%s)), ':', %s", expression->str, expression->str);
    } else {
        dest_plain(sql, column, type, expression->str);
        g_string_append(sql, ", ';'");
    }
    if (nullable)
        g_string_append(sql, "), 'N')");
}

void canonical_dest_hash_end(GString *sql)
{
    g_string_append(sql, ")), 1, 8)))");
}

/* ---- Keys ---- */

bool canonical_key_is_hex(const SourceColumn *column)
{
    return is_text(column) || is_bytes(column) || column->type == SOURCE_TYPE_ENUM || column->type == SOURCE_TYPE_SET;
}

CanonicalOrder canonical_key_order(const SourceColumn *column, BinaryForm binary)
{
    if (is_bytes(column) && binary != BINARY_RAW)
        return CANONICAL_ORDER_UNLIKE;
    if (is_integer(column) || column->type == SOURCE_TYPE_YEAR || column->type == SOURCE_TYPE_BIT)
        return CANONICAL_ORDER_ALIKE;
    if (column->as_type) /* as text, or dates in another zone */
        return CANONICAL_ORDER_UNLIKE;
    if (column->type == SOURCE_TYPE_DECIMAL || column->type == SOURCE_TYPE_DATE || is_moment(column) ||
        column->type == SOURCE_TYPE_BINARY || column->type == SOURCE_TYPE_VARBINARY)
        return CANONICAL_ORDER_ALIKE;
    if (!is_text(column) || !is_utf8(column->charset) || !column->collation ||
        !g_str_has_suffix(column->collation, "_bin"))
        return CANONICAL_ORDER_UNLIKE;
    bool pads = !strstr(column->collation, "_0900_") && !strstr(column->collation, "_nopad_");
    return pads ? CANONICAL_ORDER_NEARLY : CANONICAL_ORDER_ALIKE;
}

void canonical_key_source(GString *sql, const SourceColumn *column)
{
    if (!canonical_key_is_hex(column)) {
        source_plain(sql, column, false);
        return;
    }
    g_string_append(sql, "HEX(");
    source_bytes(sql, column);
    g_string_append_c(sql, ')');
}

void canonical_key_dest(GString *sql, const SourceColumn *column, BinaryForm binary, const char *expression)
{
    if (is_bytes(column) && binary == BINARY_HEX)
        g_string_append(sql, expression);
    else if (is_bytes(column) && binary == BINARY_BASE64)
        g_string_append_printf(sql, "hex(tryBase64Decode(%s))", expression);
    else if (canonical_key_is_hex(column))
        g_string_append_printf(sql, "hex(%s)", expression);
    else if (column->type == SOURCE_TYPE_FLOAT)
        g_string_append_printf(sql, "toString(toFloat64(%s))", expression);
    else if (is_moment(column) && (!column->as_type || !strstr(column->as_type, "String")))
        g_string_append_printf(sql, "toString(%s, 'UTC')", expression);
    else
        g_string_append_printf(sql, "toString(%s)", expression);
}

static char *unhex(const char *text, size_t *len)
{
    char *bytes = g_malloc(strlen(text) / 2 + 1);
    *len = 0;
    for (; g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]); text += 2)
        bytes[(*len)++] = (char)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
    bytes[*len] = '\0';
    return bytes;
}

/* The number of a label, from 1; 0: it is none of them. */
static unsigned label_number(const SourceColumn *column, const char *label, size_t len)
{
    for (unsigned i = 0; column->labels && column->labels[i]; i++)
        if (strlen(column->labels[i]) == len && memcmp(column->labels[i], label, len) == 0)
            return i + 1;
    return 0;
}

static uint64_t member_bits(const SourceColumn *column, const char *members)
{
    uint64_t bits = 0;
    g_auto(GStrv) labels = g_strsplit(members, ",", -1);
    for (char **label = labels; *label; label++) {
        unsigned number = label_number(column, *label, strlen(*label));
        bits |= number ? UINT64_C(1) << (number - 1) : 0;
    }
    return bits;
}

static void source_text_literal(GString *sql, const SourceColumn *column, const char *bytes, size_t len)
{
    bool valid = g_utf8_validate(bytes, (gssize)len, NULL);
    bool as_it_is = valid && strcmp(column->charset, "utf8mb4") == 0;
    g_string_append(sql, as_it_is ? "_utf8mb4 " : valid ? "CONVERT(_utf8mb4 " : "CONVERT(");
    source_quote_bytes(sql, (const uint8_t *)bytes, len);
    if (!as_it_is)
        g_string_append_printf(sql, " USING %s)", column->charset);
    g_string_append_printf(sql, " COLLATE %s", column->collation);
}

void canonical_key_source_literal(GString *sql, const SourceColumn *column, const char *text)
{
    size_t len = 0;
    g_autofree char *bytes = canonical_key_is_hex(column) ? unhex(text, &len) : NULL;
    if (column->type == SOURCE_TYPE_ENUM)
        g_string_append_printf(sql, "%u", label_number(column, bytes, len));
    else if (column->type == SOURCE_TYPE_SET)
        g_string_append_printf(sql, "%" G_GUINT64_FORMAT, member_bits(column, bytes));
    else if (is_text(column))
        source_text_literal(sql, column, bytes, len);
    else if (is_bytes(column))
        source_quote_bytes(sql, (const uint8_t *)bytes, len);
    else if (is_integer(column) || column->type == SOURCE_TYPE_YEAR || column->type == SOURCE_TYPE_BIT ||
             column->type == SOURCE_TYPE_DECIMAL || column->type == SOURCE_TYPE_FLOAT ||
             column->type == SOURCE_TYPE_DOUBLE)
        g_string_append(sql, text);
    else
        source_quote_string(sql, text);
}

void canonical_key_dest_literal(GString *sql, const SourceColumn *column, BinaryForm binary, const char *type,
                                const char *text)
{
    g_autofree char *base = column_type_base(type);
    if (is_bytes(column) && binary == BINARY_HEX) {
        clickhouse_quote_string(sql, text);
        return;
    }
    if (is_bytes(column) && binary == BINARY_BASE64) {
        g_string_append_printf(sql, "base64Encode(unhex('%s'))", text);
        return;
    }
    if (canonical_key_is_hex(column)) {
        g_string_append_printf(sql, "unhex('%s')", text);
        return;
    }
    g_string_append(sql, "CAST(");
    clickhouse_quote_string(sql, text);
    bool moment = g_str_has_prefix(base, "DateTime64"); /* whatever its zone, the text is in UTC */
    bool real = g_str_has_prefix(base, "Float");
    g_string_append_printf(sql, " AS %s)", moment ? "DateTime64(6, 'UTC')" : real ? "Float64" : base);
}
