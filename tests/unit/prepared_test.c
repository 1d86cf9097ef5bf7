/* What is prepared is told again record by record, from memory and from disk, also in another process; its file stays while a
 * checkpoint names it, and damage to it is seen. */
#include "pipe/prepared.h"

#include "base/base.h"

#include <glib/gstdio.h>
#include <string.h>

static char *state_dir;

static BinlogEvent event_of(unsigned type, const char *body, size_t len)
{
    return (BinlogEvent){.type = type, .flags = 1, .timestamp = 1700000000, .body = (const uint8_t *)body, .body_len = len};
}

static void add(PreparedTransaction *transaction, PreparedKind kind, const char *body, size_t len)
{
    BinlogEvent event = event_of(kind == PREPARED_ROWS ? BINLOG_WRITE_ROWS_V2 : BINLOG_TABLE_MAP, body, len);
    uint64_t place = kind == PREPARED_ROWS ? prepared_count(transaction, len) : 0;
    prepared_add_event(transaction, kind, &event, place);
    g_assert_true(prepared_spill(transaction, NULL));
}

/* "M:map 0:rows 4:more O:name" */
static char *told(const PreparedTransaction *transaction)
{
    g_autoptr(PreparedReader) reader = prepared_read(transaction);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    PreparedRecord record;
    int more;
    while ((more = prepared_next(reader, &record, &error)) > 0) {
        if (text->len)
            g_string_append_c(text, ' ');
        switch (record.kind) {
        case PREPARED_TABLE_MAP:
            g_assert_cmpuint(record.event.type, ==, BINLOG_TABLE_MAP);
            g_string_append_printf(text, "M:%.*s", (int)record.event.body_len, (const char *)record.event.body);
            break;
        case PREPARED_ROWS:
            g_assert_cmpuint(record.event.type, ==, BINLOG_WRITE_ROWS_V2);
            g_assert_cmpuint(record.event.flags, ==, 1);
            g_assert_cmpuint(record.event.timestamp, ==, 1700000000);
            g_string_append_printf(text, "%" G_GUINT64_FORMAT ":%.*s", record.place, (int)MIN(record.event.body_len, 8),
                                   (const char *)record.event.body);
            break;
        case PREPARED_OTHER_TABLE:
            g_string_append_printf(text, "O:%s", record.name);
            break;
        }
    }
    if (more < 0)
        g_string_append_printf(text, " error:%d", error->code);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void assert_told(const PreparedTransaction *transaction, const char *expected)
{
    g_autofree char *text = told(transaction);
    g_assert_cmpstr(text, ==, expected);
}

static unsigned files(void)
{
    g_autofree char *folder = g_build_filename(state_dir, "prepared", "uuid", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    unsigned n = 0;
    while (dir && g_dir_read_name(dir))
        n++;
    return n;
}

static Prepared *opened(const char *text)
{
    g_autoptr(GError) error = NULL;
    Prepared *prepared = prepared_open(state_dir, "uuid", text, &error);
    g_assert_no_error(error);
    return prepared;
}

static PreparedTransaction *small(Prepared *prepared, uint64_t offset)
{
    PreparedTransaction *transaction = prepared_begin(prepared, 1, offset);
    add(transaction, PREPARED_TABLE_MAP, "map", 3);
    add(transaction, PREPARED_ROWS, "rows", 4);
    prepared_add_other_table(transaction, "db\1other");
    prepared_add_other_table(transaction, "db\1other");
    prepared_count(transaction, 100);
    add(transaction, PREPARED_ROWS, "more", 4);
    return transaction;
}

#define SMALL "M:map 0:rows O:db\1other 104:more"

static void test_short_lived_ones_never_touch_the_disk(void)
{
    g_autoptr(Prepared) prepared = opened(NULL);
    prepared_keep(prepared, small(prepared, 10), "X'61',X'',1");
    prepared_keep(prepared, small(prepared, 500), "X'62',X'',1");
    g_assert_null(prepared_find(prepared, "X'63',X'',1"));
    PreparedTransaction *found = prepared_find(prepared, "X'61',X'',1");
    g_assert_cmpuint(prepared_size(found), ==, 108);
    assert_told(found, SMALL);
    prepared_resolve(prepared, found);
    g_assert_null(prepared_find(prepared, "X'61',X'',1"));
    g_assert_cmpuint(prepared_count_open(prepared), ==, 1);
    g_assert_cmpuint(files(), ==, 0);
}

static void test_a_checkpoint_names_them(void)
{
    g_autofree char *text = NULL, *later = NULL;
    {
        g_autoptr(Prepared) prepared = opened(NULL);
        prepared_keep(prepared, small(prepared, 10), "X'61',X'',1");
        prepared_keep(prepared, prepared_begin(prepared, 1, 300), "X'65',X'',1"); /* changed nothing */
        g_assert_true(prepared_save(prepared, 7, &text, NULL));
        prepared_keep(prepared, small(prepared, 500), "X'62',X'',1"); /* behind it: read from the log again */
        assert_told(prepared_find(prepared, "X'61',X'',1"), SMALL);
    }
    g_assert_cmpuint(files(), ==, 1);
    g_autoptr(Prepared) prepared = opened(text);
    g_assert_cmpuint(prepared_count_open(prepared), ==, 2);
    g_assert_null(prepared_find(prepared, "X'62',X'',1"));
    assert_told(prepared_find(prepared, "X'65',X'',1"), "");
    PreparedTransaction *found = prepared_find(prepared, "X'61',X'',1");
    g_assert_cmpuint(prepared_size(found), ==, 108);
    assert_told(found, SMALL);

    /* Committed: the file stays until a checkpoint that does not name it is saved. */
    g_assert_true(prepared_save(prepared, 3, &later, NULL)); /* taken before the commit was read */
    prepared_resolve(prepared, found);
    prepared_checkpoint_saved(prepared, 2);
    prepared_checkpoint_saved(prepared, 3);
    g_assert_cmpuint(files(), ==, 1);
    prepared_checkpoint_saved(prepared, 4);
    g_assert_cmpuint(files(), ==, 0);
}

static void test_large_ones_go_to_their_file(void)
{
    g_autoptr(Prepared) prepared = opened(NULL);
    g_autofree char *big = g_malloc(300000);
    memset(big, 'b', 300000);
    PreparedTransaction *transaction = prepared_begin(prepared, 1, 10);
    prepared_mark(transaction, 1);
    add(transaction, PREPARED_ROWS, big, 300000);
    g_assert_cmpuint(files(), ==, 1);
    prepared_mark(transaction, 2);
    add(transaction, PREPARED_ROWS, "small", 5);
    prepared_mark(transaction, 3);
    add(transaction, PREPARED_ROWS, big, 300000);
    add(transaction, PREPARED_ROWS, "last", 4);
    assert_told(transaction, "0:bbbbbbbb 300000:small 300005:bbbbbbbb 600005:last");
    prepared_undo_to(transaction, 2); /* the file is written over from there */
    assert_told(transaction, "0:bbbbbbbb 300000:small");
    add(transaction, PREPARED_ROWS, "again", 5);
    assert_told(transaction, "0:bbbbbbbb 300000:small 600009:again");
    prepared_undo_to(transaction, 1);
    assert_told(transaction, "0:bbbbbbbb");
    add(transaction, PREPARED_ROWS, big, 299990);
    assert_told(transaction, "0:bbbbbbbb 600014:bbbbbbbb");
    prepared_discard(transaction);
    g_assert_cmpuint(files(), ==, 0);
}

static void test_what_no_checkpoint_names_is_removed(void)
{
    g_autofree char *text = NULL;
    {
        g_autoptr(Prepared) prepared = opened(NULL);
        prepared_keep(prepared, small(prepared, 10), "X'61',X'',1");
        g_assert_true(prepared_save(prepared, 1, &text, NULL));
    }
    g_assert_cmpuint(files(), ==, 1);
    prepared_free(opened(NULL));
    g_assert_cmpuint(files(), ==, 0);
    g_autoptr(GError) error = NULL;
    g_assert_null(prepared_open(state_dir, "uuid", text, &error)); /* its rows are lost: never passed over */
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED);
}

/* Each byte of the file changed, one after another: no record is told that was not written. */
static void test_damage_is_seen(void)
{
    g_autofree char *text = NULL, *path = NULL, *bytes = NULL;
    gsize len;
    g_autoptr(Prepared) prepared = opened(NULL);
    prepared_keep(prepared, small(prepared, 10), "X'61',X'',1");
    g_assert_true(prepared_save(prepared, 1, &text, NULL));
    path = g_build_filename(state_dir, "prepared", "uuid", "e1-10", NULL);
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    for (gsize i = 0; i < len; i++) {
        bytes[i] ^= 0x20;
        g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
        g_autofree char *text_now = told(prepared_find(prepared, "X'61',X'',1"));
        g_assert_nonnull(strstr(text_now, "error:"));
        bytes[i] ^= 0x20;
    }
    g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
    assert_told(prepared_find(prepared, "X'61',X'',1"), SMALL);
    prepared_remove_all(state_dir, "uuid");
    g_assert_cmpuint(files(), ==, 0);
}

static void test_an_id_that_comes_again(void)
{
    g_autoptr(Prepared) prepared = opened(NULL);
    prepared_keep(prepared, small(prepared, 10), "X'61',X'',1");
    PreparedTransaction *second = prepared_begin(prepared, 1, 700);
    add(second, PREPARED_ROWS, "second", 6);
    prepared_keep(prepared, second, "X'61',X'',1");
    g_assert_cmpuint(prepared_count_open(prepared), ==, 1);
    assert_told(prepared_find(prepared, "X'61',X'',1"), "0:second");
}

static void test_a_list_that_is_none(void)
{
    static const char *const texts[] = {"", "{", "{}", "[1]", "[{\"xid\":\"x\"}]",
                                        "[{\"xid\":\"x\",\"file\":\"../catalog.sqlite\",\"size\":1,\"length\":0}]"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(prepared_open(state_dir, "uuid", texts[i], &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    state_dir = g_dir_make_tmp("sluice-prepared-XXXXXX", NULL);
    g_test_add_func("/prepared/short_lived_ones_never_touch_the_disk", test_short_lived_ones_never_touch_the_disk);
    g_test_add_func("/prepared/a_checkpoint_names_them", test_a_checkpoint_names_them);
    g_test_add_func("/prepared/large_ones_go_to_their_file", test_large_ones_go_to_their_file);
    g_test_add_func("/prepared/what_no_checkpoint_names_is_removed", test_what_no_checkpoint_names_is_removed);
    g_test_add_func("/prepared/damage_is_seen", test_damage_is_seen);
    g_test_add_func("/prepared/an_id_that_comes_again", test_an_id_that_comes_again);
    g_test_add_func("/prepared/a_list_that_is_none", test_a_list_that_is_none);
    int code = g_test_run();
    g_autofree char *folder = g_build_filename(state_dir, "prepared", NULL);
    prepared_remove_all(state_dir, "uuid");
    g_rmdir(folder);
    g_rmdir(state_dir);
    g_free(state_dir);
    return code;
}
