/* writers_address.c - MariaDB's UUID, INET6, INET4 to UUID, IPv6, IPv4.
 *
 * Events hold their bytes in the order of the text behind a length of one byte, without the zero bytes at the end (they
 * look like BINARY(16) and BINARY(4)); result rows hold the text. At the destination a UUID is two 64-bit numbers, the
 * first half first, each little-endian; IPv4 a little-endian number; IPv6 its bytes in network order.
 */
#include "mapping/writers.h"
#include <arpa/inet.h>

enum { LONGEST_TEXT = INET6_ADDRSTRLEN, LONGEST_VALUE = 16 };

static void reverse(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t byte = bytes[i];
        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = byte;
    }
}

/* `bytes` in the order of the text. */
static void append_address(const ColumnWriter *self, uint8_t bytes[LONGEST_VALUE], BlockColumn *out)
{
    switch (self->column->type) {
    case SOURCE_TYPE_UUID:
        reverse(bytes, 8);
        reverse(bytes + 8, 8);
        break;
    case SOURCE_TYPE_INET4:
        reverse(bytes, 4);
        break;
    default:
        break;
    }
    column_append_fixed(out, bytes, self->padded);
}

static const uint8_t *write_address(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    uint8_t bytes[LONGEST_VALUE] = {0};
    if (G_UNLIKELY(end - p < 1 || end - p - 1 < p[0]))
        return cell_overrun(self);
    size_t len = p[0];
    if (G_UNLIKELY(len > self->padded))
        return cell_refuse(self, MEND_DEFINITION, "a value of %zu bytes does not fit %s", len, self->column->type_text);
    memcpy(bytes, p + 1, len);
    append_address(self, bytes, out);
    return p + 1 + len;
}

/* 32 hexadecimal digits with a dash behind the 8th, 12th, 16th and 20th. */
static bool parse_uuid(const char *text, size_t len, uint8_t bytes[LONGEST_VALUE])
{
    size_t digits = 0;
    if (len != 36)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        int digit = g_ascii_xdigit_value(text[i]);
        if (digit < 0)
            return false;
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
        digits++;
    }
    return true;
}

static bool parse_address(SourceType type, const char *text, size_t len, uint8_t bytes[LONGEST_VALUE])
{
    char ended[LONGEST_TEXT];
    if (type == SOURCE_TYPE_UUID)
        return parse_uuid(text, len, bytes);
    if (len >= sizeof ended || memchr(text, '\0', len))
        return false;
    memcpy(ended, text, len);
    ended[len] = '\0';
    return inet_pton(type == SOURCE_TYPE_INET4 ? AF_INET : AF_INET6, ended, bytes) == 1;
}

static const uint8_t *write_address_result(ColumnWriter *self, const uint8_t *p, const uint8_t *end, BlockColumn *out)
{
    uint8_t bytes[LONGEST_VALUE] = {0};
    size_t len;
    p = lenenc_bytes(p, end, &len);
    if (G_UNLIKELY(!p))
        return cell_overrun(self);
    if (G_UNLIKELY(!parse_address(self->column->type, (const char *)p, len, bytes))) {
        g_autofree char *shown = printable_n((const char *)p, len, 60);
        return cell_malformed(self, "\"%s\" is not a value of %s", shown, self->column->type_text);
    }
    append_address(self, bytes, out);
    return p + len;
}

void address_prepare(ColumnWriter *self, const MappingSettings *settings)
{
    (void)settings;
    self->padded = self->column->type == SOURCE_TYPE_INET4 ? 4 : 16;
    self->write_result = write_address_result;
}

CellWriter address_bind(ColumnWriter *self, const WireColumn *wire)
{
    return wire->type == WIRE_STRING && wire->meta == self->padded ? write_address : NULL;
}
