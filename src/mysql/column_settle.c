/* column_settle.c - what servers make of a column's definition: character sets, sizes, and how they print its type. */
#include "mysql/charset.h"
#include "mysql/column_text_private.h"

#include <string.h>

/* ---- charsets ---- */

unsigned charset_bytes_max(const char *charset)
{
    static const struct {
        const char *charset;
        unsigned bytes;
    } wide[] = {{"utf8mb4", 4}, {"utf8mb3", 3}, {"utf8", 3},    {"ucs2", 2},   {"utf16", 4}, {"utf16le", 4},
                {"utf32", 4},   {"gbk", 2},     {"big5", 2},    {"sjis", 2},   {"cp932", 2}, {"euckr", 2},
                {"gb2312", 2},  {"ujis", 3},    {"eucjpms", 3}, {"gb18030", 4}};
    for (size_t i = 0; charset && i < G_N_ELEMENTS(wide); i++)
        if (strcmp(wide[i].charset, charset) == 0)
            return wide[i].bytes;
    return 1;
}

unsigned charset_bytes_min(const char *charset)
{
    if (!charset)
        return 1;
    if (strcmp(charset, "utf32") == 0)
        return 4;
    return strcmp(charset, "ucs2") == 0 || g_str_has_prefix(charset, "utf16") ? 2 : 1;
}

static bool decodes_to(const Charset *charset, const uint8_t *bytes, size_t len, const char *character, size_t want)
{
    uint8_t out[16];
    size_t got;
    return charset_to_utf8(charset, bytes, len, out, &got) && got == want && memcmp(out, character, want) == 0;
}

/* Converters go one way only, so all that one and two bytes can stand for is looked through: labels are few. */
static bool character_found(const Charset *charset, unsigned bytes, const char *character, size_t len)
{
    for (unsigned first = 0x80; first <= 0xff; first++) {
        uint8_t code[2] = {(uint8_t)first, 0};
        if (decodes_to(charset, code, 1, character, len))
            return true;
        for (unsigned second = 0x21; bytes > 1 && second <= 0xff; second++) {
            code[1] = (uint8_t)second;
            if (decodes_to(charset, code, 2, character, len))
                return true;
        }
    }
    return false;
}

bool charset_can_write(const char *charset, const char *text)
{
    const Charset *found = charset ? charset_find(charset) : NULL;
    bool mb3 =
        found && (strcmp(charset, "utf8mb3") == 0 || strcmp(charset, "utf8") == 0 || strcmp(charset, "ucs2") == 0);
    bool all = found &&
               (strcmp(charset, "utf8mb4") == 0 || g_str_has_prefix(charset, "utf16") || strcmp(charset, "utf32") == 0);
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);
        if (character < 0x80 || all || (mb3 && character <= 0xffff))
            continue;
        size_t len = (size_t)(g_utf8_next_char(p) - p);
        if (!found || mb3 || strcmp(charset, "ascii") == 0 ||
            !character_found(found, charset_bytes_max(charset), p, len))
            return false;
    }
    return true;
}

char *charset_name_canonical(const char *name, const ColumnContext *context)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    if (strcmp(lower, "utf8") != 0)
        return g_steal_pointer(&lower);
    return g_strdup(context->flavour == SOURCE_MARIADB && context->utf8_is_utf8mb4 ? "utf8mb4" : "utf8mb3");
}

char *collation_charset_name(const char *collation)
{
    const char *underscore = strchr(collation, '_');
    if (!underscore)
        return strcmp(collation, "binary") == 0 ? g_strdup("binary") : NULL;
    if (g_str_has_prefix(collation, "uca1400_")) /* MariaDB: of whatever charset the column has */
        return NULL;
    g_autofree char *charset = g_strndup(collation, (gsize)(underscore - collation));
    return strcmp(charset, "utf8") == 0 ? g_strdup("utf8mb3") : g_steal_pointer(&charset);
}

/* ---- settling ---- */

static const uint64_t sizes[] = {255, 65535, 16777215, UINT32_MAX};
static const char *const text_names[] = {"tinytext", "text", "mediumtext", "longtext"};
static const char *const blob_names[] = {"tinyblob", "blob", "mediumblob", "longblob"};

/* Also of a text with " COMPRESSED" behind it. */
static unsigned size_index(const char *base)
{
    size_t len = strcspn(base, " ");
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
        if ((strlen(text_names[i]) == len && strncmp(text_names[i], base, len) == 0) ||
            (strlen(blob_names[i]) == len && strncmp(blob_names[i], base, len) == 0))
            return i;
    return 1;
}

static unsigned size_for(uint64_t bytes)
{
    unsigned i = 0;
    while (i + 1 < G_N_ELEMENTS(sizes) && bytes > sizes[i])
        i++;
    return i;
}

#define COMPRESSED_TEXT " /*M!100301 COMPRESSED*/"

uint64_t column_text_bytes(const SourceColumn *column)
{
    return sizes[size_index(column->type_text)];
}

void column_text_set_size(SourceColumn *column, uint64_t bytes)
{
    unsigned i = size_for(bytes);
    column->type = SOURCE_TYPE_TEXT;
    column->precision = (unsigned)sizes[i] / charset_bytes_min(column->charset);
    g_free(column->type_text);
    column->type_text = g_strconcat(text_names[i], column->compressed ? COMPRESSED_TEXT : "", NULL);
}

static bool is_text(SourceType type)
{
    return type == SOURCE_TYPE_CHAR || type == SOURCE_TYPE_VARCHAR || type == SOURCE_TYPE_TEXT ||
           type == SOURCE_TYPE_ENUM || type == SOURCE_TYPE_SET;
}

static void settle_charset(ColumnText *text, const ColumnContext *context, const char *charset, const char *collation)
{
    SourceColumn *column = &text->column;
    if (text->type->flags & AS_JSON_TEXT && !column->charset) {
        column->charset = g_strdup("utf8mb4");
        if (!column->collation)
            column->collation = g_strdup("utf8mb4_bin");
    }
    if (column->collation && strcmp(column->collation, "default") == 0)
        g_clear_pointer(&column->collation, g_free);
    else if (!column->charset && !column->collation && !text->binary_collation)
        column->collation = g_strdup(collation);
    if (!column->charset) {
        g_autofree char *said = column->collation ? collation_charset_name(column->collation) : NULL;
        column->charset = said ? charset_name_canonical(said, context) : g_strdup(charset);
    }
    if (text->binary_collation && !column->collation && column->charset)
        column->collation = g_strconcat(column->charset, "_bin", NULL);
    if (column->collation && g_str_has_prefix(column->collation, "uca1400_")) {
        char *full = g_strconcat(column->charset, "_", column->collation, NULL);
        g_free(column->collation);
        column->collation = full;
    }
    if (column->collation && g_str_has_prefix(column->collation, "utf8_")) {
        char *full = g_strconcat("utf8mb3", column->collation + 4, NULL);
        g_free(column->collation);
        column->collation = full;
    }
}

/* CHARACTER SET binary makes bytes of text. */
static void make_binary(ColumnText *text)
{
    SourceColumn *column = &text->column;
    if (column->type == SOURCE_TYPE_ENUM || column->type == SOURCE_TYPE_SET || !column->charset ||
        strcmp(column->charset, "binary") != 0)
        return;
    g_clear_pointer(&column->charset, g_free);
    g_clear_pointer(&column->collation, g_free);
    if (column->type == SOURCE_TYPE_TEXT) {
        column->type = SOURCE_TYPE_BLOB;
        text->base = blob_names[size_index(text->base)];
    } else {
        text->base = column->type == SOURCE_TYPE_CHAR ? "binary" : "varbinary";
        column->type = column->type == SOURCE_TYPE_CHAR ? SOURCE_TYPE_BINARY : SOURCE_TYPE_VARBINARY;
    }
}

static void settle_size(ColumnText *text)
{
    SourceColumn *column = &text->column;
    uint64_t bytes = text->length * charset_bytes_max(column->charset);
    bool bytes_type = column->type == SOURCE_TYPE_BLOB || column->type == SOURCE_TYPE_VARBINARY;
    if ((column->type == SOURCE_TYPE_TEXT || column->type == SOURCE_TYPE_BLOB) && text->has_length && text->length)
        text->base = (bytes_type ? blob_names : text_names)[size_for(bytes)];
    /* Without a strict sql_mode servers make a larger type of a VARCHAR that is too long. */
    if ((column->type == SOURCE_TYPE_VARCHAR || column->type == SOURCE_TYPE_VARBINARY) && bytes > 65535) {
        column->type = bytes_type ? SOURCE_TYPE_BLOB : SOURCE_TYPE_TEXT;
        text->base = (bytes_type ? blob_names : text_names)[size_for(bytes)];
    }
    if (column->type == SOURCE_TYPE_TEXT || column->type == SOURCE_TYPE_BLOB)
        column->precision = (unsigned)sizes[size_index(text->base)] / charset_bytes_min(column->charset);
    else
        column->precision = (unsigned)MIN(text->has_length ? text->length : 1, (uint64_t)UINT32_MAX);
}

/* As both servers print labels (append_unescaped in sql/unireg.cc). */
static void append_label(GString *out, const char *label)
{
    g_string_append_c(out, '\'');
    for (const char *p = label; *p; p++) {
        if (*p == '\\' || *p == '\'')
            g_string_append_c(out, *p);
        if (*p == '\n' || *p == '\r')
            g_string_append(out, *p == '\n' ? "\\n" : "\\r");
        else
            g_string_append_c(out, *p);
    }
    g_string_append_c(out, '\'');
}

static unsigned labels_length(const SourceColumn *column)
{
    glong longest = 0, all = 0;
    unsigned n = 0;
    for (; column->labels[n]; n++) {
        glong len = g_utf8_validate(column->labels[n], -1, NULL) ? g_utf8_strlen(column->labels[n], -1) : 0;
        longest = MAX(longest, len);
        all += len;
    }
    return (unsigned)(column->type == SOURCE_TYPE_SET ? all + n - 1 : longest);
}

static unsigned default_width(const ColumnText *text)
{
    switch (text->column.type) {
    case SOURCE_TYPE_TINYINT:
        return text->column.is_unsigned ? 3 : 4;
    case SOURCE_TYPE_SMALLINT:
        return text->column.is_unsigned ? 5 : 6;
    case SOURCE_TYPE_MEDIUMINT:
        return text->column.is_unsigned ? 8 : 9;
    case SOURCE_TYPE_INT:
        return text->column.is_unsigned ? 10 : 11;
    case SOURCE_TYPE_YEAR:
        return 4;
    default:
        return 20;
    }
}

/* MySQL prints the width of TINYINT(1) and of ZEROFILL only. */
static void settle_width(ColumnText *text, const ColumnContext *context, GString *out)
{
    SourceColumn *column = &text->column;
    unsigned width =
        text->has_length && text->length ? (unsigned)MIN(text->length, (uint64_t)255) : default_width(text);
    if (text->type->flags & AS_BOOL)
        width = 1;
    if (context->flavour == SOURCE_MYSQL && !text->zerofill &&
        !(column->type == SOURCE_TYPE_TINYINT && width == 1 && !column->is_unsigned))
        return;
    if (column->type == SOURCE_TYPE_YEAR && context->flavour == SOURCE_MYSQL)
        return;
    column->precision = width;
    g_string_append_printf(out, "(%u)", width);
}

static void settle_float(ColumnText *text, const ColumnContext *context, GString *out)
{
    SourceColumn *column = &text->column;
    bool real = g_ascii_strcasecmp(text->type->words, "REAL") == 0;
    if (real && (context->sql_mode & SQL_MODE_REAL_AS_FLOAT))
        column->type = SOURCE_TYPE_FLOAT;
    if (text->has_length && text->decimals < 0 && strcmp(text->type->words, "FLOAT") == 0 && text->length > 24)
        column->type = SOURCE_TYPE_DOUBLE;
    g_string_assign(out, column->type == SOURCE_TYPE_FLOAT ? "float" : "double");
    if (text->decimals >= 0)
        g_string_append_printf(out, "(%u,%d)", (unsigned)text->length, text->decimals);
}

static void settle_decimal(ColumnText *text, GString *out)
{
    SourceColumn *column = &text->column;
    column->scale = text->decimals >= 0 ? (unsigned)text->decimals : 0;
    column->precision = text->has_length && text->length ? (unsigned)MIN(text->length, (uint64_t)255) : 10;
    g_string_append_printf(out, "(%u,%u)", column->precision, column->scale);
}

/* Blanks at their end are not part of labels that are text. */
static void strip_labels(SourceColumn *column)
{
    if (g_strcmp0(column->charset, "binary") == 0)
        return;
    for (unsigned i = 0; column->labels[i]; i++)
        for (size_t n = strlen(column->labels[i]); n > 0 && column->labels[i][n - 1] == ' '; n--)
            column->labels[i][n - 1] = 0;
}

static void settle_labels(ColumnText *text, GString *out)
{
    SourceColumn *column = &text->column;
    strip_labels(column);
    for (unsigned i = 0; column->labels[i]; i++) {
        g_string_append_c(out, i ? ',' : '(');
        append_label(out, column->labels[i]);
    }
    g_string_append_c(out, ')');
    column->precision = labels_length(column);
}

void column_text_settle(ColumnText *text, const ColumnContext *context, const char *charset, const char *collation)
{
    SourceColumn *column = &text->column;
    if (is_text(column->type)) {
        settle_charset(text, context, charset, collation);
        make_binary(text);
    } else {
        g_clear_pointer(&column->charset, g_free);
        g_clear_pointer(&column->collation, g_free);
    }
    bool sized = column->type == SOURCE_TYPE_CHAR || column->type == SOURCE_TYPE_VARCHAR ||
                 column->type == SOURCE_TYPE_TEXT || column->type == SOURCE_TYPE_BINARY ||
                 column->type == SOURCE_TYPE_VARBINARY || column->type == SOURCE_TYPE_BLOB;
    if (sized)
        settle_size(text);
    g_autoptr(GString) out = g_string_new(text->base);
    switch (text->type->size) {
    case FORM_WIDTH:
        settle_width(text, context, out);
        break;
    case FORM_FLOAT:
        settle_float(text, context, out);
        break;
    case FORM_DIGITS:
        settle_decimal(text, out);
        break;
    case FORM_LABELS:
        settle_labels(text, out);
        if (context->flavour == SOURCE_MYSQL && g_strcmp0(column->charset, "binary") == 0) {
            g_clear_pointer(&column->charset, g_free); /* information_schema tells none */
            g_clear_pointer(&column->collation, g_free);
        }
        break;
    case FORM_FRACTION:
        column->scale = (unsigned)MIN(text->length, (uint64_t)255);
        if (column->scale)
            g_string_append_printf(out, "(%u)", column->scale);
        break;
    case FORM_NONE:
        if (text->type->flags & (AS_BOOL | AS_SERIAL))
            settle_width(text, context, out);
        break;
    case FORM_LENGTH:
    case FORM_NEEDED:
        if (sized && column->type != SOURCE_TYPE_TEXT && column->type != SOURCE_TYPE_BLOB)
            g_string_append_printf(out, "(%u)", column->precision);
        if (column->type == SOURCE_TYPE_BIT || column->type == SOURCE_TYPE_VECTOR) {
            unsigned initial = column->type == SOURCE_TYPE_BIT ? 1 : 2048;
            column->precision =
                text->has_length && text->length ? (unsigned)MIN(text->length, (uint64_t)65535) : initial;
            g_string_append_printf(out, "(%u)", column->precision);
        }
        break;
    }
    if (column->is_unsigned)
        g_string_append(out, " unsigned");
    if (text->zerofill)
        g_string_append(out, " zerofill");
    if (column->compressed)
        g_string_append(out, COMPRESSED_TEXT);
    g_free(column->type_text);
    column->type_text = g_strdup(out->str);
}
