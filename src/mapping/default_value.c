#include "mapping/default_value.h"
#include "mapping/writers.h"

#include "clickhouse/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const ColumnDefault *initial;
    const SourceColumn *column;
    const char *type; /* without Nullable and LowCardinality */
    bool nullable;    /* at the destination */
    const MappingSettings *settings;
    const StatementTime *time;
    GString *out;
} Value;

/* ---- small parts ---- */

static OldRows quoted(Value *value, const char *text)
{
    clickhouse_quote_string(value->out, text);
    return OLD_ROWS_VALUE;
}

static OldRows cast(Value *value, const char *text)
{
    g_string_append(value->out, "CAST(");
    clickhouse_quote_string(value->out, text);
    g_string_append_printf(value->out, " AS %s)", value->type);
    return OLD_ROWS_VALUE;
}

/* Bytes given as hexadecimal digits, as a number. */
static bool hex_number(const char *hex, uint64_t *out)
{
    while (hex[0] == '0' && hex[1])
        hex++;
    if (strlen(hex) > 16)
        return false;
    *out = g_ascii_strtoull(hex, NULL, 16);
    return true;
}

/* [-]digits, and nothing else; written plainly. */
static bool integer_text(const char *text, bool *negative, uint64_t *out)
{
    char *end;
    *negative = *text == '-';
    text += *negative || *text == '+';
    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    *out = g_ascii_strtoull(text, &end, 10);
    return errno == 0 && *end == 0;
}

/* ---- numbers ---- */

static OldRows integer_value(Value *value)
{
    uint64_t number = 0;
    bool negative = false;
    const ColumnDefault *initial = value->initial;
    if (value->column->type == SOURCE_TYPE_BIT && initial->kind == DEFAULT_TEXT)
        return OLD_ROWS_DIFFER; /* '1' is the byte 0x31 there */
    if (initial->kind == DEFAULT_BYTES
            ? !hex_number(initial->text, &number)
            : initial->kind != DEFAULT_NONE && !integer_text(initial->text, &negative, &number))
        return OLD_ROWS_DIFFER;
    if (strcmp(value->type, "String") == 0)
        return OLD_ROWS_DIFFER;
    g_string_append_printf(value->out, "%s%" G_GUINT64_FORMAT, negative && number ? "-" : "", number);
    return OLD_ROWS_VALUE;
}

/* Two digits mean years around 2000, and '0' another one than 0. */
static OldRows year_value(Value *value)
{
    uint64_t number = 0;
    bool negative = false;
    const ColumnDefault *initial = value->initial;
    if (initial->kind == DEFAULT_NONE) {
        g_string_append(value->out, "0");
        return OLD_ROWS_VALUE;
    }
    if (initial->kind == DEFAULT_BYTES || !integer_text(initial->text, &negative, &number) || negative ||
        number < 1901 || number > 2155)
        return OLD_ROWS_DIFFER;
    g_string_append_printf(value->out, "%u", (unsigned)number);
    return OLD_ROWS_VALUE;
}

/* [-]digits[.digits] with at most so many digits behind the point. */
static bool decimal_fits(const char *text, unsigned scale)
{
    const char *p = text + (*text == '-' || *text == '+');
    size_t whole = strspn(p, "0123456789"), fraction = 0;
    p += whole;
    if (*p == '.')
        fraction = strspn(++p, "0123456789");
    return whole + fraction > 0 && p[fraction] == 0 && fraction <= scale;
}

static OldRows decimal_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    if (initial->kind == DEFAULT_NONE)
        return cast(value, "0");
    if (initial->kind == DEFAULT_BYTES || !decimal_fits(initial->text, value->column->scale))
        return OLD_ROWS_DIFFER;
    const char *text = initial->text;
    g_autofree char *filled = *text == '.'                   ? g_strconcat("0", text, NULL)
                              : g_str_has_prefix(text, "-.") ? g_strconcat("-0", text + 1, NULL)
                                                             : g_strdup(text);
    return cast(value, filled);
}

static OldRows float_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    char *end;
    if (initial->kind == DEFAULT_NONE)
        return cast(value, "0");
    /* FLOAT(7,2) rounds in a way of its own. */
    if (initial->kind == DEFAULT_BYTES || strchr(value->column->type_text, ','))
        return OLD_ROWS_DIFFER;
    g_ascii_strtod(initial->text, &end);
    if (end == initial->text || *end || !strpbrk(initial->text, "0123456789"))
        return OLD_ROWS_DIFFER;
    return cast(value, initial->text);
}

/* ---- moments ---- */

typedef struct {
    int year, month, day, hour, minute, second;
    uint32_t usec;
} Moment;

/* YYYY-MM-DD[ hh:mm:ss[.ffffff]], with as many digits of a fraction as the column keeps. */
static bool parse_moment(const char *text, unsigned scale, Moment *out)
{
    int used = 0, date = 0;
    memset(out, 0, sizeof *out);
    for (const char *p = text; *p; p++)
        if (!strchr("0123456789-: T.", *p))
            return false;
    if (sscanf(text, "%4d-%2d-%2d%n", &out->year, &out->month, &out->day, &date) != 3 || strcspn(text, "-") != 4)
        return false;
    if (!text[date])
        return true;
    if (sscanf(text + date, "%*1[ T]%2d:%2d:%2d%n", &out->hour, &out->minute, &out->second, &used) != 3)
        return false;
    const char *fraction = text + date + used;
    if (!*fraction)
        return true;
    size_t digits = *fraction == '.' ? strspn(fraction + 1, "0123456789") : 0;
    if (digits == 0 || digits > scale || fraction[1 + digits])
        return false;
    for (size_t i = 0; i < 6; i++)
        out->usec = out->usec * 10 + (i < digits ? (uint32_t)(fraction[1 + i] - '0') : 0);
    return true;
}

static bool moment_is_whole(const Moment *moment)
{
    return moment->year &&
           g_date_valid_dmy((GDateDay)moment->day, (GDateMonth)moment->month, (GDateYear)moment->year) &&
           moment->hour < 24 && moment->minute < 60 && moment->second < 60;
}

static int64_t moment_usec(const Moment *moment)
{
    g_autoptr(GDateTime) time =
        g_date_time_new_utc(moment->year, moment->month, moment->day, moment->hour, moment->minute, moment->second);
    return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC + moment->usec : 0;
}

static Moment moment_of(int64_t usec)
{
    int64_t seconds = usec / G_USEC_PER_SEC, rest = usec % G_USEC_PER_SEC;
    if (rest < 0) {
        rest += G_USEC_PER_SEC;
        seconds--;
    }
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    if (!time)
        return (Moment){0};
    return (Moment){g_date_time_get_year(time),
                    g_date_time_get_month(time),
                    g_date_time_get_day_of_month(time),
                    g_date_time_get_hour(time),
                    g_date_time_get_minute(time),
                    g_date_time_get_second(time),
                    (uint32_t)rest};
}

static OldRows zero_moment(Value *value)
{
    if (value->settings->zero_date == ZERO_DATE_FAIL)
        return OLD_ROWS_FAIL;
    if (value->settings->zero_date == ZERO_DATE_NULL && value->nullable)
        return OLD_ROWS_NULL;
    g_string_append(value->out, value->column->type == SOURCE_TYPE_DATE
                                    ? "toDate32('1970-01-01')"
                                    : "toDateTime64('1970-01-01 00:00:00', 6, 'UTC')");
    return OLD_ROWS_VALUE;
}

static OldRows put_moment(Value *value, const Moment *moment)
{
    if (strcmp(value->type, "String") == 0) /* as the source prints it: not spelled here */
        return OLD_ROWS_DIFFER;
    if (!moment_is_whole(moment))
        return zero_moment(value);
    /* Beyond the destination's range the policy decides, and writers know how; such defaults are rare. */
    if (moment->year < 1900 || moment->year > 2299)
        return OLD_ROWS_DIFFER;
    if (value->column->type == SOURCE_TYPE_DATE)
        g_string_append_printf(value->out, "toDate32('%04d-%02d-%02d')", moment->year, moment->month, moment->day);
    else
        g_string_append_printf(value->out, "toDateTime64('%04d-%02d-%02d %02d:%02d:%02d.%06u', 6, 'UTC')", moment->year,
                               moment->month, moment->day, moment->hour, moment->minute, moment->second, moment->usec);
    return OLD_ROWS_VALUE;
}

static OldRows now_value(Value *value)
{
    const StatementTime *time = value->time;
    bool utc = value->column->type == SOURCE_TYPE_TIMESTAMP;
    if (!utc && !time->zone_known)
        return OLD_ROWS_DIFFER;
    int64_t usec = time->usec + (utc ? 0 : time->zone_usec), step = G_USEC_PER_SEC;
    for (unsigned i = 0; i < MIN(value->initial->digits, value->column->scale); i++)
        step /= 10;
    Moment moment = moment_of(usec / step * step);
    return put_moment(value, &moment);
}

/* What row_end has in current rows. */
static OldRows last_moment_value(Value *value)
{
    if (!value->time->timestamp_max)
        return OLD_ROWS_DIFFER;
    Moment moment = moment_of((int64_t)value->time->timestamp_max * G_USEC_PER_SEC + 999999);
    return put_moment(value, &moment);
}

static OldRows moment_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    Moment moment;
    if (initial->kind == DEFAULT_NONE)
        return strcmp(value->type, "String") == 0 ? OLD_ROWS_DIFFER : zero_moment(value);
    if (initial->kind == DEFAULT_NOW)
        return now_value(value);
    if (initial->kind == DEFAULT_LAST_MOMENT)
        return last_moment_value(value);
    if (initial->kind != DEFAULT_TEXT || !parse_moment(initial->text, value->column->scale, &moment))
        return OLD_ROWS_DIFFER;
    if (value->column->type == SOURCE_TYPE_TIMESTAMP && moment_is_whole(&moment)) {
        if (!value->time->zone_known || value->time->zone_varies) /* what the text means depends on the session */
            return OLD_ROWS_DIFFER;
        moment = moment_of(moment_usec(&moment) - value->time->zone_usec);
    }
    return put_moment(value, &moment);
}

/* [-]h:mm:ss[.f] */
static OldRows time_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    const char *text = initial->kind == DEFAULT_NONE ? "00:00:00" : initial->text;
    int hour, minute, second, used = 0;
    if (initial->kind != DEFAULT_NONE && initial->kind != DEFAULT_TEXT)
        return OLD_ROWS_DIFFER;
    bool negative = *text == '-';
    text += negative;
    if (sscanf(text, "%3d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 || hour > 838 || minute > 59 ||
        second > 59 || strcmp(value->type, "String") == 0)
        return OLD_ROWS_DIFFER;
    const char *fraction = text + used;
    size_t digits = *fraction == '.' ? strspn(fraction + 1, "0123456789") : 0;
    if (*fraction && (digits == 0 || digits > value->column->scale || fraction[1 + digits]))
        return OLD_ROWS_DIFFER;
    int64_t usec = 0;
    for (size_t i = 0; i < 6; i++)
        usec = usec * 10 + (i < digits ? fraction[1 + i] - '0' : 0);
    usec += ((int64_t)hour * 3600 + minute * 60 + second) * G_USEC_PER_SEC;
    if (strcmp(value->type, "Int64") == 0) {
        g_string_append_printf(value->out, "%s%" G_GINT64_FORMAT, negative && usec ? "-" : "", usec);
        return OLD_ROWS_VALUE;
    }
    g_string_append_printf(value->out, "toTime64('%s%03d:%02d:%02d.%06" G_GINT64_FORMAT "', 6)",
                           negative && usec ? "-" : "", hour, minute, second, usec % G_USEC_PER_SEC);
    return OLD_ROWS_VALUE;
}

/* ---- texts ---- */

static OldRows text_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    uint64_t number;
    bool negative;
    if (initial->kind == DEFAULT_NONE)
        return quoted(value, "");
    /* A number is written as the server prints it, which is as it stands when it is a whole one. */
    bool plain = initial->kind == DEFAULT_NUMBER && integer_text(initial->text, &negative, &number) &&
                 initial->text[0] != '0' && !g_str_has_prefix(initial->text, "-0");
    if (initial->kind != DEFAULT_TEXT && !plain && g_strcmp0(initial->text, "0") != 0)
        return OLD_ROWS_DIFFER;
    if (initial->kind == DEFAULT_TEXT && !charset_can_write(value->column->charset, initial->text))
        return OLD_ROWS_DIFFER;
    g_autofree char *text = g_strdup(initial->text);
    for (size_t n = strlen(text); value->column->type == SOURCE_TYPE_CHAR && n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = 0; /* CHAR keeps none */
    return quoted(value, text);
}

/* The bytes of a default as hexadecimal digits; NULL: not known. */
static char *bytes_hex(const ColumnDefault *initial)
{
    GString *hex = g_string_new(NULL);
    if (initial->kind == DEFAULT_BYTES)
        g_string_append(hex, initial->text);
    for (const char *p = initial->kind == DEFAULT_TEXT ? initial->text : ""; *p; p++) {
        if ((unsigned char)*p >= 0x80) { /* in the statement's own charset */
            g_string_free(hex, TRUE);
            return NULL;
        }
        g_string_append_printf(hex, "%02x", (unsigned char)*p);
    }
    return g_string_free(hex, FALSE);
}

static OldRows bytes_value(Value *value)
{
    if (value->initial->kind == DEFAULT_NUMBER)
        return OLD_ROWS_DIFFER;
    g_autofree char *hex = bytes_hex(value->initial);
    if (!hex)
        return OLD_ROWS_DIFFER;
    g_autoptr(GString) all = g_string_new(hex);
    if (value->column->type == SOURCE_TYPE_BINARY)
        while (all->len < 2u * value->column->precision)
            g_string_append(all, "00");
    if (value->settings->binary == BINARY_HEX) {
        g_autofree char *upper = g_ascii_strup(all->str, -1);
        return quoted(value, upper);
    }
    g_string_append_printf(
        value->out, value->settings->binary == BINARY_BASE64 ? "base64Encode(unhex('%s'))" : "unhex('%s')", all->str);
    return OLD_ROWS_VALUE;
}

static const char *find_label(const SourceColumn *column, const char *text, size_t len)
{
    while (len > 0 && text[len - 1] == ' ')
        len--;
    for (unsigned i = 0; column->labels[i]; i++)
        if (strlen(column->labels[i]) == len && strncmp(column->labels[i], text, len) == 0)
            return column->labels[i];
    for (unsigned i = 0; column->labels[i]; i++)
        if (strlen(column->labels[i]) == len && g_ascii_strncasecmp(column->labels[i], text, len) == 0)
            return column->labels[i];
    return NULL;
}

static OldRows enum_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    if (initial->kind == DEFAULT_NONE)
        return quoted(value, value->column->labels[0]);
    const char *label =
        initial->kind == DEFAULT_TEXT ? find_label(value->column, initial->text, strlen(initial->text)) : NULL;
    return label ? quoted(value, label) : OLD_ROWS_DIFFER;
}

/* Members in the order of the definition. */
static OldRows set_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    bool array = g_str_has_prefix(value->type, "Array(");
    uint64_t bits = 0;
    if (initial->kind != DEFAULT_NONE && initial->kind != DEFAULT_TEXT)
        return OLD_ROWS_DIFFER;
    g_auto(GStrv) parts = g_strsplit(initial->kind == DEFAULT_TEXT ? initial->text : "", ",", -1);
    for (unsigned p = 0; parts[p]; p++) {
        const char *label = find_label(value->column, parts[p], strlen(parts[p]));
        if (!label)
            return OLD_ROWS_DIFFER;
        for (unsigned i = 0; value->column->labels[i]; i++)
            if (value->column->labels[i] == label)
                bits |= (uint64_t)1 << (i & 63);
    }
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; value->column->labels[i]; i++) {
        if (!(bits & (uint64_t)1 << (i & 63)))
            continue;
        if (text->len)
            g_string_append_c(text, ',');
        if (array)
            clickhouse_quote_string(text, value->column->labels[i]);
        else
            g_string_append(text, value->column->labels[i]);
    }
    if (!array)
        return quoted(value, text->str);
    g_string_append_printf(value->out, "[%s]", text->str);
    return OLD_ROWS_VALUE;
}

/* MySQL prints JSON in a form of its own: only the shortest are known here. */
static OldRows json_value(Value *value)
{
    static const struct {
        const char *written, *printed;
    } known[] = {{"{}", "{}"},
                 {"[]", "[]"},
                 {"null", "null"},
                 {"JSON_OBJECT()", "{}"},
                 {"JSON_ARRAY()", "[]"},
                 {"json_object()", "{}"},
                 {"json_array()", "[]"},
                 {"JSON_OBJECT())", "{}"},
                 {"JSON_ARRAY())", "[]"},
                 {"json_object())", "{}"},
                 {"json_array())", "[]"}};
    const ColumnDefault *initial = value->initial;
    const char *text = initial->kind == DEFAULT_NONE ? "null" : initial->text;
    if (strcmp(value->type, "JSON") == 0)
        return OLD_ROWS_DIFFER;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_strcmp0(text, known[i].written) == 0)
            return quoted(value, known[i].printed);
    return OLD_ROWS_DIFFER;
}

static OldRows address_value(Value *value)
{
    const ColumnDefault *initial = value->initial;
    const char *zero = value->column->type == SOURCE_TYPE_UUID    ? "00000000-0000-0000-0000-000000000000"
                       : value->column->type == SOURCE_TYPE_INET4 ? "0.0.0.0"
                                                                  : "::";
    if (initial->kind == DEFAULT_NONE)
        return cast(value, zero);
    if (initial->kind != DEFAULT_TEXT || strspn(initial->text, "0123456789abcdefABCDEF-:.") != strlen(initial->text))
        return OLD_ROWS_DIFFER;
    if (value->column->type == SOURCE_TYPE_UUID && strlen(initial->text) != strlen(zero))
        return OLD_ROWS_DIFFER;
    return cast(value, initial->text);
}

/* ---- all ---- */

static OldRows value_by_type(Value *value)
{
    switch (value->column->type) {
    case SOURCE_TYPE_TINYINT:
        if (strcmp(value->type, "Bool") == 0 && value->initial->kind != DEFAULT_NONE)
            return OLD_ROWS_DIFFER;
        return integer_value(value);
    case SOURCE_TYPE_SMALLINT:
    case SOURCE_TYPE_MEDIUMINT:
    case SOURCE_TYPE_INT:
    case SOURCE_TYPE_BIGINT:
    case SOURCE_TYPE_BIT:
        return integer_value(value);
    case SOURCE_TYPE_DECIMAL:
        return decimal_value(value);
    case SOURCE_TYPE_FLOAT:
    case SOURCE_TYPE_DOUBLE:
        return float_value(value);
    case SOURCE_TYPE_YEAR:
        return year_value(value);
    case SOURCE_TYPE_DATE:
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP:
        return moment_value(value);
    case SOURCE_TYPE_TIME:
        return time_value(value);
    case SOURCE_TYPE_CHAR:
    case SOURCE_TYPE_VARCHAR:
    case SOURCE_TYPE_TEXT:
        return text_value(value);
    case SOURCE_TYPE_BINARY:
    case SOURCE_TYPE_VARBINARY:
    case SOURCE_TYPE_BLOB:
        return bytes_value(value);
    case SOURCE_TYPE_ENUM:
        return enum_value(value);
    case SOURCE_TYPE_SET:
        return set_value(value);
    case SOURCE_TYPE_JSON:
        return json_value(value);
    case SOURCE_TYPE_UUID:
    case SOURCE_TYPE_INET4:
    case SOURCE_TYPE_INET6:
        return address_value(value);
    case SOURCE_TYPE_GEOMETRY:
    case SOURCE_TYPE_VECTOR:
    case SOURCE_TYPE_UNKNOWN:
        break;
    }
    return OLD_ROWS_DIFFER;
}

static OldRows null_value(const Value *value)
{
    return value->nullable ? OLD_ROWS_NULL : OLD_ROWS_DIFFER;
}

OldRows default_value_of(const ColumnText *text, const SourceColumn *column, const char *type,
                         const MappingSettings *settings, const StatementTime *time, char **expression)
{
    g_autofree char *base = column_type_base(type);
    Value value = {.initial = &text->initial,
                   .column = column,
                   .type = base,
                   .nullable = column_type_nullable(type),
                   .settings = settings,
                   .time = time,
                   .out = g_string_new(NULL)};
    OldRows rows;
    bool null = text->initial.kind == DEFAULT_NULL || (text->initial.kind == DEFAULT_NONE && column->nullable);
    bool json = column->type == SOURCE_TYPE_JSON && text->initial.kind == DEFAULT_EXPRESSION;
    bool moment = column->type == SOURCE_TYPE_DATETIME || column->type == SOURCE_TYPE_TIMESTAMP;
    if (column->generated || text->auto_increment || (text->initial.kind == DEFAULT_EXPRESSION && !json) ||
        (text->initial.kind == DEFAULT_NOW && !moment))
        rows = OLD_ROWS_DIFFER;
    else
        rows = null ? null_value(&value) : value_by_type(&value);
    *expression = g_string_free(value.out, rows != OLD_ROWS_VALUE);
    return rows;
}
