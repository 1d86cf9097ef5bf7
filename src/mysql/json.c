#include "mysql/json_private.h"

#include "mysql/double_text.h"
#include "mysql/rows.h"
#include "mysql/value.h"
#include "mysql/wire_private.h"

#include <inttypes.h>

const char json_cut[] = "a JSON document is cut short or points beyond its end";
const char json_unknown[] = "a JSON document holds a value of a kind that is not known";
const char json_deep[] = "a JSON document is nested deeper than 100 levels";
static const char json_long[] = "a JSON document is longer as text than its bytes allow: parts of it overlap";

/* No value's text is longer than this many times its bytes (a control character: six bytes, as \u0001). */
#define TEXT_PER_BYTE 8
#define TEXT_MORE     64

/* ---- containers ---- */

static bool literal_null(JsonValue *out)
{
    static const uint8_t null_value[1] = {0};
    *out = (JsonValue){JSON_LITERAL, null_value, null_value + 1};
    return true;
}

bool json_document(const uint8_t *p, size_t len, JsonValue *out)
{
    if (len == 0)
        return literal_null(out);
    *out = (JsonValue){p[0], p + 1, p + len};
    return true;
}

bool json_container_open(const JsonValue *value, JsonContainer *out)
{
    unsigned width = value->type == JSON_LARGE_OBJECT || value->type == JSON_LARGE_ARRAY ? 4 : 2;
    size_t room = (size_t)(value->end - value->p);
    *out = (JsonContainer){.object = value->type <= JSON_LARGE_OBJECT, .width = width, .start = value->p};
    if (room < 2 * width)
        return false;
    uint64_t size = wire_read_le(value->p + width, width);
    out->count = (size_t)wire_read_le(value->p, width);
    if (size > room)
        return false;
    out->end = value->p + size;
    out->keys = value->p + 2 * width;
    size_t key_entry = out->object ? width + 2 : 0, entries = out->count * (key_entry + 1 + width);
    out->values = out->keys + out->count * key_entry;
    return size >= 2 * width && entries <= size - 2 * width;
}

bool json_container_key(const JsonContainer *container, size_t i, const uint8_t **key, size_t *len)
{
    const uint8_t *entry = container->keys + i * (container->width + 2);
    uint64_t offset = wire_read_le(entry, container->width);
    *len = (size_t)wire_read_le(entry + container->width, 2);
    *key = container->start + offset;
    size_t size = (size_t)(container->end - container->start);
    return offset <= size && *len <= size - offset;
}

/* Whether a value of this type stands in the entry itself. */
static bool is_inlined(uint8_t type, unsigned width)
{
    return type == JSON_LITERAL || type == JSON_INT16 || type == JSON_UINT16 ||
           (width == 4 && (type == JSON_INT32 || type == JSON_UINT32));
}

bool json_container_value(const JsonContainer *container, size_t i, JsonValue *out)
{
    const uint8_t *entry = container->values + i * (1 + container->width);
    if (is_inlined(entry[0], container->width)) {
        *out = (JsonValue){entry[0], entry + 1, entry + 1 + container->width};
        return true;
    }
    uint64_t offset = wire_read_le(entry + 1, container->width);
    if (offset > (size_t)(container->end - container->start))
        return false;
    *out = (JsonValue){entry[0], container->start + offset, container->end};
    return true;
}

/* ---- text ---- */

void json_quote(const uint8_t *text, size_t len, TextOut *out)
{
    static const char short_forms[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    size_t run = 0;
    text_out_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text[i];
        if (G_LIKELY(c >= 0x20 && c != '"' && c != '\\'))
            continue;
        char escape[8] = {'\\', c >= 0x20 ? (char)c : short_forms[c], 0};
        if (!escape[1])
            g_snprintf(escape, sizeof escape, "\\u%04x", c);
        text_out_bytes(out, text + run, i - run);
        text_out_text(out, escape);
        run = i + 1;
    }
    text_out_bytes(out, text + run, len - run);
    text_out_char(out, '"');
}

/* Seven bits a byte, the lowest first, at most five bytes. */
static bool read_length(Wire *w, size_t *len)
{
    uint64_t value = 0;
    uint8_t byte;
    for (unsigned i = 0; i < 5; i++) {
        if (!wire_u8(w, &byte))
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *len = (size_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

static void put_double(double value, TextOut *out)
{
    char text[DOUBLE_TEXT_MAX];
    size_t len = double_text(value, DOUBLE_WIDTH_JSON, text);
    text_out_bytes(out, text, len);
    if (!memchr(text, '.', len) && !memchr(text, 'e', len))
        text_out_text(out, ".0"); /* the server tells doubles from integers so */
}

/* The servers' packed form (TIME_to_longlong_packed): 24 bits of microseconds below the rest. */
static void put_packed_time(uint8_t type, int64_t packed, TextOut *out)
{
    char text[64];
    uint64_t v = packed < 0 ? -(uint64_t)packed : (uint64_t)packed;
    unsigned usec = v & 0xffffff, second = v >> 24 & 63, minute = v >> 30 & 63;
    unsigned day = v >> 41 & 31, year_month = (unsigned)(v >> 46 & 0x3ffff);
    if (type == WIRE_TIME)
        g_snprintf(text, sizeof text, "\"%s%02u:%02u:%02u.%06u\"", packed < 0 ? "-" : "", (unsigned)(v >> 36 & 1023),
                   minute, second, usec);
    else if (type == WIRE_DATE)
        g_snprintf(text, sizeof text, "\"%04u-%02u-%02u\"", year_month / 13, year_month % 13, day);
    else
        g_snprintf(text, sizeof text, "\"%04u-%02u-%02u %02u:%02u:%02u.%06u\"", year_month / 13, year_month % 13, day,
                   (unsigned)(v >> 36 & 31), minute, second, usec);
    text_out_text(out, text);
}

/* In lines of 76 characters (the servers' base64_encode), whose ends are escaped as all text is. */
static void put_base64(uint8_t type, const uint8_t *p, size_t len, TextOut *out)
{
    enum { LINE = 57 };
    char head[32];
    g_snprintf(head, sizeof head, "\"base64:type%u:", type);
    text_out_text(out, head);
    for (size_t i = 0; i < len; i += LINE) {
        g_autofree char *line = g_base64_encode(p + i, MIN(LINE, len - i));
        if (i)
            text_out_text(out, "\\n");
        text_out_text(out, line);
    }
    text_out_char(out, '"');
}

static const char *put_opaque(Wire *w, TextOut *out)
{
    uint8_t type;
    size_t len;
    const uint8_t *p;
    char text[VALUE_DECIMAL_TEXT];
    if (!wire_u8(w, &type) || !read_length(w, &len) || !wire_bytes(w, len, &p))
        return json_cut;
    switch (type) {
    case WIRE_NEWDECIMAL: /* precision, scale, digits */
        if (len < 2 || p[0] < 1 || p[0] > 65 || p[1] > 30 || p[1] > p[0] || wire_decimal_size(p[0], p[1]) != len - 2)
            return json_unknown;
        if ((len = value_decimal_text(p + 2, p[0], p[1], text)) == 0)
            return json_unknown;
        text_out_bytes(out, text, len);
        return NULL;
    case WIRE_DATE:
    case WIRE_TIME:
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP:
        if (len != 8)
            return json_unknown;
        put_packed_time(type, (int64_t)wire_read_le(p, 8), out);
        return NULL;
    default:
        put_base64(type, p, len, out);
        return NULL;
    }
}

static const char *put_literal(uint8_t literal, TextOut *out)
{
    static const char *const literals[] = {"null", "true", "false"};
    if (literal >= G_N_ELEMENTS(literals))
        return json_unknown;
    text_out_text(out, literals[literal]);
    return NULL;
}

static void put_integer(const uint8_t *p, unsigned size, bool is_signed, TextOut *out)
{
    char text[24];
    uint64_t value = wire_read_le(p, size);
    unsigned unused = 64 - 8 * size;
    int n = is_signed ? g_snprintf(text, sizeof text, "%" PRId64, (int64_t)(value << unused) >> unused)
                      : g_snprintf(text, sizeof text, "%" PRIu64, value);
    text_out_bytes(out, text, (size_t)n);
}

const char *json_scalar_to_text(const JsonValue *value, TextOut *out)
{
    static const uint8_t sizes[] = {
        [JSON_LITERAL] = 1, [JSON_INT16] = 2, [JSON_UINT16] = 2, [JSON_INT32] = 4,
        [JSON_UINT32] = 4,  [JSON_INT64] = 8, [JSON_UINT64] = 8, [JSON_DOUBLE] = 8,
    };
    Wire w = {value->p, value->end};
    const uint8_t *p = value->p;
    size_t len;
    double number;
    if (value->type < G_N_ELEMENTS(sizes) && !wire_bytes(&w, sizes[value->type], &p))
        return json_cut;
    switch (value->type) {
    case JSON_LITERAL:
        return put_literal(p[0], out);
    case JSON_INT16:
    case JSON_INT32:
    case JSON_INT64:
    case JSON_UINT16:
    case JSON_UINT32:
    case JSON_UINT64:
        put_integer(p, sizes[value->type], value->type % 2, out);
        return NULL;
    case JSON_DOUBLE: {
        uint64_t bits = wire_read_le(p, 8);
        memcpy(&number, &bits, sizeof number);
        put_double(number, out);
        return NULL;
    }
    case JSON_STRING:
        if (!read_length(&w, &len) || !wire_bytes(&w, len, &p))
            return json_cut;
        json_quote(p, len, out);
        return NULL;
    case JSON_OPAQUE:
        return put_opaque(&w, out);
    default:
        return json_unknown;
    }
}

typedef struct {
    TextOut *out;
    size_t limit; /* of out->len */
    unsigned depth;
} Printer;

static const char *print_value(Printer *printer, const JsonValue *value);

static const char *print_container(Printer *printer, const JsonValue *value)
{
    JsonContainer container;
    TextOut *out = printer->out;
    if (!json_container_open(value, &container))
        return json_cut;
    text_out_char(out, container.object ? '{' : '[');
    for (size_t i = 0; i < container.count; i++) {
        JsonValue child;
        const uint8_t *key;
        size_t len;
        if (i)
            text_out_text(out, ", ");
        if (container.object) {
            if (!json_container_key(&container, i, &key, &len))
                return json_cut;
            json_quote(key, len, out);
            text_out_text(out, ": ");
        }
        if (!json_container_value(&container, i, &child))
            return json_cut;
        const char *wrong = print_value(printer, &child);
        if (wrong)
            return wrong;
    }
    text_out_char(out, container.object ? '}' : ']');
    return NULL;
}

static const char *print_value(Printer *printer, const JsonValue *value)
{
    if (printer->out->len > printer->limit)
        return json_long;
    if (!json_is_container(value))
        return json_scalar_to_text(value, printer->out);
    if (printer->depth == JSON_DEPTH)
        return json_deep;
    printer->depth++;
    const char *wrong = print_container(printer, value);
    printer->depth--;
    return wrong;
}

const char *json_binary_to_text(const uint8_t *p, size_t len, TextOut *out)
{
    Printer printer = {.out = out, .limit = out->len + len * TEXT_PER_BYTE + TEXT_MORE};
    JsonValue value;
    return json_document(p, len, &value) ? print_value(&printer, &value) : json_cut;
}
