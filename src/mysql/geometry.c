#include "mysql/geometry.h"

#include "mysql/double_text.h"
#include "mysql/wire_private.h"

enum { POINT = 1, LINESTRING, POLYGON, MULTIPOINT, MULTILINESTRING, MULTIPOLYGON, COLLECTION };

#define MOST_DEPTH 100

static const char cut[] = "a geometry is cut short";
static const char unknown[] = "a geometry holds a part that is not known, or in another byte order";
static const char deep[] = "a geometry holds more than 100 collections one in another";
static const char too_long[] = "a geometry is longer than its parts";

static const char *const names[] = {
    [POINT] = "POINT",
    [LINESTRING] = "LINESTRING",
    [POLYGON] = "POLYGON",
    [MULTIPOINT] = "MULTIPOINT",
    [MULTILINESTRING] = "MULTILINESTRING",
    [MULTIPOLYGON] = "MULTIPOLYGON",
    [COLLECTION] = "GEOMETRYCOLLECTION",
};

static const char *put_point(Wire *w, TextOut *out)
{
    const uint8_t *p;
    char text[2 * DOUBLE_TEXT_MAX + 1];
    size_t len = 0;
    if (!wire_bytes(w, 16, &p))
        return cut;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bits = wire_read_le(p + 8 * i, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        len += double_text(value, DOUBLE_WIDTH_GEOMETRY, text + len);
        if (i == 0)
            text[len++] = ' ';
    }
    text_out_bytes(out, text, len);
    return NULL;
}

/* A count and as many parts with commas between, in brackets; " EMPTY" when there are none. */
static const char *put_list(Wire *w, TextOut *out, const char *(*part)(Wire *w, TextOut *out))
{
    uint64_t n;
    if (!wire_le(w, 4, &n))
        return cut;
    if (n == 0) {
        text_out_text(out, " EMPTY");
        return NULL;
    }
    for (uint64_t i = 0; i < n; i++) {
        text_out_char(out, i ? ',' : '(');
        const char *wrong = part(w, out);
        if (wrong)
            return wrong;
    }
    text_out_char(out, ')');
    return NULL;
}

static const char *put_line(Wire *w, TextOut *out)
{
    return put_list(w, out, put_point);
}

static const char *put_polygon(Wire *w, TextOut *out)
{
    return put_list(w, out, put_line);
}

/* The byte order (1: little-endian, the only one that servers keep) and the type. */
static bool read_head(Wire *w, uint64_t *type)
{
    uint8_t order;
    return wire_u8(w, &order) && order == 1 && wire_le(w, 4, type) && *type >= POINT && *type <= COLLECTION;
}

static const char *put_typed(Wire *w, TextOut *out, uint64_t wanted, const char *(*part)(Wire *w, TextOut *out))
{
    uint64_t type;
    return read_head(w, &type) && type == wanted ? part(w, out) : unknown;
}

static const char *put_bracketed_point(Wire *w, TextOut *out)
{
    text_out_char(out, '(');
    const char *wrong = put_point(w, out);
    text_out_char(out, ')');
    return wrong;
}

static const char *put_point_part(Wire *w, TextOut *out)
{
    return put_typed(w, out, POINT, put_bracketed_point);
}

static const char *put_line_part(Wire *w, TextOut *out)
{
    return put_typed(w, out, LINESTRING, put_line);
}

static const char *put_polygon_part(Wire *w, TextOut *out)
{
    return put_typed(w, out, POLYGON, put_polygon);
}

static const char *put_geometry(Wire *w, TextOut *out, unsigned depth);

static const char *put_collection(Wire *w, TextOut *out, unsigned depth)
{
    uint64_t n;
    if (depth == MOST_DEPTH)
        return deep;
    if (!wire_le(w, 4, &n))
        return cut;
    if (n == 0) {
        text_out_text(out, " EMPTY");
        return NULL;
    }
    for (uint64_t i = 0; i < n; i++) {
        text_out_char(out, i ? ',' : '(');
        const char *wrong = put_geometry(w, out, depth + 1);
        if (wrong)
            return wrong;
    }
    text_out_char(out, ')');
    return NULL;
}

static const char *put_geometry(Wire *w, TextOut *out, unsigned depth)
{
    uint64_t type;
    if (!read_head(w, &type))
        return unknown;
    text_out_text(out, names[type]);
    switch (type) {
    case POINT:
        return put_bracketed_point(w, out);
    case LINESTRING:
        return put_line(w, out);
    case POLYGON:
        return put_polygon(w, out);
    case MULTIPOINT:
        return put_list(w, out, put_point_part);
    case MULTILINESTRING:
        return put_list(w, out, put_line_part);
    case MULTIPOLYGON:
        return put_list(w, out, put_polygon_part);
    default:
        return put_collection(w, out, depth);
    }
}

const char *geometry_to_wkt(const uint8_t *p, size_t len, TextOut *out)
{
    Wire w = {p, p + len};
    const uint8_t *srid;
    if (!wire_bytes(&w, GEOMETRY_SRID_SIZE, &srid))
        return cut;
    const char *wrong = put_geometry(&w, out, 0);
    return wrong ? wrong : wire_left(&w) ? too_long : NULL;
}
