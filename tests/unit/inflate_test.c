/* Events inside of MySQL's TRANSACTION_PAYLOAD, as a MySQL 9.7 wrote one: an insert and an update. */
#include "mysql/inflate_private.h"

#include "mysql/rows.h"
#include "wire_test.h"

#define PAYLOAD                                                                                                        \
    "0201000303fca3010101d50028b52ffd60a3005d060012cb272f606b920ecd6a0d0d82202ae0022e00194864d5ef85fd5fcaf20a80aa0f8c" \
    "360939ac8864fc27958f04b1f637d93205ffff3a10b8b8ae41e18fa4e8bd353ec090d0f1707215d48962e431e8ca34c428ab45299ad11082" \
    "b0a29b6232589058802bb128cbcf3d49a34d51cac4d510c44c8e09c5e3032472ee05a475eb9c5ef61c8a2659472202e2e2f08fe077e54a62" \
    "da263d978d173ac26af5c38fa849d6091200a004e2ae2c0665f7448608a007018b41267dd00c4c3c3d9801cd810b8db083653d201a287900" \
    "5e"

/* The types of the events inside, "2 19 30", and "error" where it ends so. */
static char *describe(const BinlogEvent *event)
{
    g_autoptr(GError) error = NULL;
    GString *out = g_string_new(NULL);
    Payload *payload = payload_open(event, &error);
    PayloadNext next = payload ? PAYLOAD_EVENT : PAYLOAD_ERROR;
    const uint8_t *bytes;
    size_t len;
    while (next == PAYLOAD_EVENT && (next = payload_next(payload, &bytes, &len, &error)) == PAYLOAD_EVENT) {
        volatile uint8_t last = bytes[len - 1]; /* a sanitizer sees whether it is there */
        (void)last;
        g_string_append_printf(out, "%s%u", out->len ? " " : "", bytes[4]);
    }
    if (next == PAYLOAD_ERROR) {
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
        g_string_append(out, " error");
    }
    payload_free(payload);
    return g_string_free(out, FALSE);
}

static void test_payload(void)
{
    g_autofree uint8_t *body = NULL;
    BinlogEvent event = event_from_hex(BINLOG_TRANSACTION_PAYLOAD, PAYLOAD, &body);
    g_autofree char *types = describe(&event);
    g_assert_cmpstr(types, ==, "2 19 30 19 31 16");
}

/* Cut short anywhere it is never taken for whole. */
static void test_cut(void)
{
    g_autofree uint8_t *body = NULL;
    BinlogEvent event = event_from_hex(BINLOG_TRANSACTION_PAYLOAD, PAYLOAD, &body);
    for (size_t n = 0; n < event.body_len; n++) {
        g_autofree uint8_t *cut = g_memdup2(body, n ? n : 1);
        BinlogEvent cut_event = event;
        cut_event.body = cut;
        cut_event.body_len = n;
        g_autofree char *types = describe(&cut_event);
        g_assert_true(g_str_has_suffix(types, "error"));
    }
}

static void test_damaged(void)
{
    for (unsigned round = 0; round < 5000; round++) {
        g_autofree uint8_t *body = NULL;
        BinlogEvent event = event_from_hex(BINLOG_TRANSACTION_PAYLOAD, PAYLOAD, &body);
        for (int k = g_test_rand_int_range(1, 4); k; k--)
            body[g_test_rand_int_range(0, (gint32)event.body_len)] = (uint8_t)g_test_rand_int();
        g_free(describe(&event));
    }
}

static void test_plain(void)
{
    /* size 19, compression none (255), end, one XID event without a body */
    uint8_t body[] = {1, 1, 19, 2, 3, 252, 255, 0, 0, 0, 0, 0, 0, 16, 1, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    BinlogEvent event = {.type = BINLOG_TRANSACTION_PAYLOAD, .body = body, .body_len = sizeof body};
    g_autofree char *types = describe(&event);
    g_assert_cmpstr(types, ==, "16");
    body[18] = 18; /* an event shorter than its header */
    g_autofree char *bad = describe(&event);
    g_assert_cmpstr(bad, ==, " error");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inflate/payload", test_payload);
    g_test_add_func("/inflate/cut", test_cut);
    g_test_add_func("/inflate/damaged", test_damaged);
    g_test_add_func("/inflate/plain", test_plain);
    return g_test_run();
}
