/* json_diff.c - documents of PARTIAL_UPDATE_ROWS: the document before as a tree, and the logged changes done to it.
 *
 * A change is an operation, a path and, but for a removal, a binary JSON value, the latter two behind their lengths
 * (sql-common/json_diff.cc). Scalars stay the bytes they are; only containers become nodes. */
#include "mysql/json_private.h"

#include "mysql/wire_private.h"

static const char json_bad_diff[] = "a change of a JSON document is cut short or of a kind that is not known";
static const char json_bad_path[] = "a change of a JSON document names a path that cannot be read";
static const char json_no_place[] = "a change of a JSON document names a place that the document does not have";

enum { DIFF_REPLACE = 0, DIFF_INSERT = 1, DIFF_REMOVE = 2 };

typedef struct Node Node;

typedef struct {
    const uint8_t *key; /* objects; borrowed from the event, or from Tree.keys */
    size_t key_len;
    Node *value;
} Member;

struct Node {
    JsonValue scalar; /* when members is NULL */
    bool object;
    GArray *members; /* of Member; an object's in the server's order: by length, then by bytes */
};

typedef struct {
    GPtrArray *nodes; /* all of them, to be freed at the end */
    GPtrArray *keys;  /* GString: names out of paths */
    size_t most;      /* nodes: each takes some bytes of the event */
    Node *root;
} Tree;

static void node_free(void *data)
{
    Node *node = data;
    if (node->members)
        g_array_unref(node->members);
    g_free(node);
}

static void key_free(void *data)
{
    g_string_free(data, TRUE);
}

static const char *node_build(Tree *tree, const JsonValue *value, unsigned depth, Node **out);

static const char *members_build(Tree *tree, const JsonContainer *container, unsigned depth, Node *node)
{
    for (size_t i = 0; i < container->count; i++) {
        Member member = {0};
        JsonValue child;
        if ((container->object && !json_container_key(container, i, &member.key, &member.key_len)) ||
            !json_container_value(container, i, &child))
            return json_cut;
        const char *wrong = node_build(tree, &child, depth + 1, &member.value);
        if (wrong)
            return wrong;
        g_array_append_val(node->members, member);
    }
    return NULL;
}

static const char *node_build(Tree *tree, const JsonValue *value, unsigned depth, Node **out)
{
    JsonContainer container;
    if (tree->nodes->len >= tree->most)
        return json_cut;
    Node *node = *out = g_new0(Node, 1);
    g_ptr_array_add(tree->nodes, node);
    if (!json_is_container(value)) {
        node->scalar = *value;
        return NULL;
    }
    if (depth >= JSON_DEPTH)
        return json_deep;
    if (!json_container_open(value, &container))
        return json_cut;
    node->object = container.object;
    node->members = g_array_new(FALSE, FALSE, sizeof(Member));
    return members_build(tree, &container, depth, node);
}

/* ---- paths: $.name, $."any name", $[3] one after another ---- */

typedef struct {
    bool is_index;
    size_t index;
    GString *key;
} Leg;

/* The rest of a JSON string behind its quote. */
static bool read_quoted(Wire *w, GString *out)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t c;
    while (wire_u8(w, &c) && c != '"') {
        if (c != '\\') {
            g_string_append_c(out, (char)c);
            continue;
        }
        if (!wire_u8(w, &c))
            return false;
        const char *letter = c ? strchr(letters, c) : NULL;
        if (letter) {
            g_string_append_c(out, meant[letter - letters]);
            continue;
        }
        gunichar code = 0;
        const uint8_t *hex;
        if (c != 'u' || !wire_bytes(w, 4, &hex))
            return false;
        for (unsigned i = 0; i < 4; i++) {
            int digit = g_ascii_xdigit_value((char)hex[i]);
            if (digit < 0)
                return false;
            code = code << 4 | (unsigned)digit;
        }
        if (code >= 0xd800 && code < 0xe000) /* the server writes characters beyond U+FFFF as they are */
            return false;
        char utf8[6];
        g_string_append_len(out, utf8, g_unichar_to_utf8(code, utf8));
    }
    return w->p[-1] == '"';
}

static bool read_name(Tree *tree, Wire *w, Leg *leg)
{
    leg->is_index = false;
    leg->key = g_string_new(NULL);
    g_ptr_array_add(tree->keys, leg->key);
    if (wire_left(w) && *w->p == '"') {
        w->p++;
        return wire_left(w) && read_quoted(w, leg->key);
    }
    while (wire_left(w) && *w->p != '.' && *w->p != '[')
        g_string_append_c(leg->key, (char)*w->p++);
    return leg->key->len > 0;
}

static bool read_index(Wire *w, Leg *leg)
{
    const uint8_t *first = w->p;
    leg->is_index = true;
    for (leg->index = 0; wire_left(w) && g_ascii_isdigit(*w->p) && leg->index <= UINT32_MAX; w->p++)
        leg->index = leg->index * 10 + (size_t)(*w->p - '0');
    uint8_t c;
    return w->p > first && wire_u8(w, &c) && c == ']';
}

static bool read_leg(Tree *tree, Wire *w, Leg *leg)
{
    uint8_t c;
    return wire_u8(w, &c) && (c == '.' ? read_name(tree, w, leg) : c == '[' && read_index(w, leg));
}

/* ---- changes ---- */

/* The place of a leg among the members; where it would be inserted, and false, when there is none. */
static bool member_find(const Node *node, const Leg *leg, unsigned *place)
{
    if (leg->is_index) {
        *place = (unsigned)MIN(leg->index, node->members->len);
        return leg->index < node->members->len;
    }
    unsigned low = 0, high = node->members->len;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const Member *member = &g_array_index(node->members, Member, middle);
        int order = member->key_len != leg->key->len ? (member->key_len < leg->key->len ? -1 : 1)
                                                     : memcmp(member->key, leg->key->str, leg->key->len);
        if (order == 0)
            return *place = middle, true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return false;
}

/* Does the change at the last leg of its path. */
static const char *change_member(Node *node, uint8_t operation, const Leg *leg, unsigned place, bool found, Node *value)
{
    if (operation == DIFF_INSERT) {
        if (found && node->object)
            return json_no_place;
        Member member = {.value = value};
        if (node->object) {
            member.key = (const uint8_t *)leg->key->str;
            member.key_len = leg->key->len;
        }
        g_array_insert_val(node->members, place, member);
        return NULL;
    }
    if (!found)
        return json_no_place;
    if (operation == DIFF_REPLACE)
        g_array_index(node->members, Member, place).value = value;
    else
        g_array_remove_index(node->members, place);
    return NULL;
}

static const char *change(Tree *tree, uint8_t operation, Wire path, Node *value)
{
    Node *node = tree->root;
    uint8_t c;
    if (!wire_u8(&path, &c) || c != '$')
        return json_bad_path;
    if (!wire_left(&path)) {
        if (operation != DIFF_REPLACE)
            return json_no_place;
        tree->root = value;
        return NULL;
    }
    for (;;) {
        Leg leg = {0};
        unsigned place;
        if (!read_leg(tree, &path, &leg))
            return json_bad_path;
        if (!node->members || node->object == leg.is_index)
            return json_no_place;
        bool found = member_find(node, &leg, &place);
        if (!wire_left(&path))
            return change_member(node, operation, &leg, place, found, value);
        if (!found)
            return json_no_place;
        node = g_array_index(node->members, Member, place).value;
    }
}

static const char *changes(Tree *tree, Wire *w)
{
    while (wire_left(w)) {
        uint8_t operation;
        uint64_t len;
        const uint8_t *bytes;
        JsonValue value;
        Node *node = NULL;
        if (!wire_u8(w, &operation) || operation > DIFF_REMOVE || !wire_lenenc(w, &len) || !wire_bytes(w, len, &bytes))
            return json_bad_diff;
        Wire path = {bytes, bytes + len};
        const char *wrong = NULL;
        if (operation != DIFF_REMOVE) {
            if (!wire_lenenc(w, &len) || !wire_bytes(w, len, &bytes))
                return json_bad_diff;
            wrong = json_document(bytes, len, &value) ? node_build(tree, &value, 0, &node) : json_cut;
        }
        if (!wrong)
            wrong = change(tree, operation, path, node);
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* ---- text ---- */

static const char *node_print(const Node *node, unsigned depth, size_t limit, TextOut *out)
{
    if (out->len > limit)
        return json_cut;
    if (!node->members)
        return json_scalar_to_text(&node->scalar, out);
    if (depth >= JSON_DEPTH)
        return json_deep;
    text_out_char(out, node->object ? '{' : '[');
    for (unsigned i = 0; i < node->members->len; i++) {
        const Member *member = &g_array_index(node->members, Member, i);
        if (i)
            text_out_text(out, ", ");
        if (node->object) {
            json_quote(member->key, member->key_len, out);
            text_out_text(out, ": ");
        }
        const char *wrong = node_print(member->value, depth + 1, limit, out);
        if (wrong)
            return wrong;
    }
    text_out_char(out, node->object ? '}' : ']');
    return NULL;
}

const char *json_diff_to_text(const uint8_t *before, size_t before_len, const uint8_t *diffs, size_t diffs_len,
                              TextOut *out)
{
    Tree tree = {.nodes = g_ptr_array_new_with_free_func(node_free),
                 .keys = g_ptr_array_new_with_free_func(key_free),
                 .most = before_len + diffs_len + 1};
    Wire w = {diffs, diffs + diffs_len};
    JsonValue value;
    const char *wrong = json_document(before, before_len, &value) ? node_build(&tree, &value, 0, &tree.root) : json_cut;
    if (!wrong)
        wrong = changes(&tree, &w);
    if (!wrong)
        wrong = node_print(tree.root, 0, out->len + (before_len + diffs_len + 8) * 8, out);
    g_ptr_array_unref(tree.nodes);
    g_ptr_array_unref(tree.keys);
    return wrong;
}
