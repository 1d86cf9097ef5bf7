/* json_private.h - what reading binary JSON and applying changes to it share. */
#ifndef SLUICE_MYSQL_JSON_PRIVATE_H
#define SLUICE_MYSQL_JSON_PRIVATE_H

#include "mysql/json.h"

enum {
    JSON_SMALL_OBJECT = 0,
    JSON_LARGE_OBJECT = 1,
    JSON_SMALL_ARRAY = 2,
    JSON_LARGE_ARRAY = 3,
    JSON_LITERAL = 4,
    JSON_INT16 = 5,
    JSON_UINT16 = 6,
    JSON_INT32 = 7,
    JSON_UINT32 = 8,
    JSON_INT64 = 9,
    JSON_UINT64 = 10,
    JSON_DOUBLE = 11,
    JSON_STRING = 12,
    JSON_OPAQUE = 15,
};

#define JSON_DEPTH 101 /* the server refuses documents deeper than 100 */

extern const char json_cut[], json_unknown[], json_deep[];

/* One value: its type and its bytes, which end at the latest at `end`. */
typedef struct {
    uint8_t type;
    const uint8_t *p, *end;
} JsonValue;

/* An object or array; its entries are checked one by one. */
typedef struct {
    bool object;
    unsigned width; /* of counts, sizes and offsets: 2 or 4 */
    size_t count;
    const uint8_t *start, *end;
    const uint8_t *keys, *values; /* the entries */
} JsonContainer;

/* False when the bytes do not fit; a document of no bytes is null. */
bool json_document(const uint8_t *p, size_t len, JsonValue *out);
static inline bool json_is_container(const JsonValue *value)
{
    return value->type <= JSON_LARGE_ARRAY;
}
bool json_container_open(const JsonValue *value, JsonContainer *out);
bool json_container_key(const JsonContainer *container, size_t i, const uint8_t **key, size_t *len);
bool json_container_value(const JsonContainer *container, size_t i, JsonValue *out);

const char *json_scalar_to_text(const JsonValue *value, TextOut *out);
void json_quote(const uint8_t *text, size_t len, TextOut *out);

#endif
