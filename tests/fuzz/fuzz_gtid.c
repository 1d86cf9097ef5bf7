/* fuzz_gtid.c - sets of GTIDs as text, of both kinds of servers.
 *
 * Input: a byte for the kind of server, two texts with a line end between.
 */
#include "fuzz.h"

#include "mysql/gtid.h"

static GtidSet *parse(SourceFlavour flavour, const char *text)
{
    GError *error = NULL;
    GtidSet *set = gtid_set_parse(flavour, text, &error);
    check_error(set != NULL, &error);
    return set;
}

/* What is written is read as the same. */
static void check_round_trip(SourceFlavour flavour, const GtidSet *set)
{
    char *text = gtid_set_text(set);
    GtidSet *again = parse(flavour, text);
    CHECK(again);
    char *text_again = gtid_set_text(again);
    CHECK(strcmp(text, text_again) == 0);
    GtidSet *copy = gtid_set_copy(set);
    char *text_copy = gtid_set_text(copy);
    CHECK(strcmp(text, text_copy) == 0);
    gtid_set_free(copy);
    gtid_set_free(again);
    g_free(text_copy);
    g_free(text_again);
    g_free(text);
}

static void check_mysql(const GtidSet *set, const GtidSet *other)
{
    GtidSet *nothing = gtid_set_subtract(set, set), *rest = gtid_set_subtract(set, other);
    char *text = gtid_set_text(nothing);
    CHECK(strcmp(text, "") == 0);
    check_round_trip(SOURCE_MYSQL, rest);
    GtidSet *same = gtid_set_subtract(rest, other); /* there was nothing of it left */
    char *rest_text = gtid_set_text(rest), *same_text = gtid_set_text(same);
    CHECK(strcmp(rest_text, same_text) == 0);
    g_byte_array_unref(gtid_set_encode_mysql(set));
    g_free(same_text);
    g_free(rest_text);
    g_free(text);
    gtid_set_free(same);
    gtid_set_free(rest);
    gtid_set_free(nothing);
}

static void check_mariadb(const GtidSet *set, const char *state)
{
    GError *error = NULL;
    char *missing = gtid_set_missing_in_state(set, state, state, &error);
    g_clear_error(&error);
    if (missing)
        CHECK(*missing);
    g_free(missing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    SourceFlavour flavour = input_u8(&input) & 1 ? SOURCE_MYSQL : SOURCE_MARIADB;
    const uint8_t *line = memchr(input.p, '\n', input_left(&input));
    char *first = input_text(&input, line ? (size_t)(line - input.p) : input_left(&input));
    if (line)
        input.p++;
    char *second = input_text(&input, input_left(&input));
    GtidSet *set = parse(flavour, first), *other = parse(flavour, second);
    if (set)
        check_round_trip(flavour, set);
    if (set && other && flavour == SOURCE_MYSQL)
        check_mysql(set, other);
    if (set && flavour == SOURCE_MARIADB)
        check_mariadb(set, second);
    gtid_set_free(set);
    gtid_set_free(other);
    g_free(first);
    g_free(second);
    return 0;
}
