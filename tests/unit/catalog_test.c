#include "base/base.h"
#include "catalog/catalog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *dir, *path;
} Place; /* an empty state dir */

static void place_make(Place *place, gconstpointer unused)
{
    (void)unused;
    place->dir = g_dir_make_tmp("sluice-catalog-XXXXXX", NULL);
    g_assert_nonnull(place->dir);
    place->path = g_build_filename(place->dir, "catalog.sqlite", NULL);
}

static void place_clear(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GDir) dir = g_dir_open(place->dir, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(place->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(place->dir);
    g_free(place->dir);
    g_free(place->path);
}

static Catalog *open_ok(const Place *place)
{
    g_autoptr(GError) error = NULL;
    Catalog *catalog = catalog_open(place->dir, &error);
    g_assert_no_error(error);
    g_assert_nonnull(catalog);
    return catalog;
}

static CatalogPipe *new_pipe(const char *name)
{
    CatalogPipe *pipe = g_new0(CatalogPipe, 1);
    pipe->uuid = g_uuid_string_random();
    pipe->name = g_strdup(name);
    pipe->source = g_strdup("mysql://u:p@h:3306/");
    pipe->dest = g_strdup("embedded:");
    pipe->mode = g_strdup("full");
    pipe->tables = g_strdup("shop.*\n-shop.tmp");
    pipe->settings = g_strdup("{\"readers\": \"4\"}");
    pipe->state = g_strdup("Provisioning");
    pipe->since = 1234567890123456;
    pipe->server_id = 4000000000u;
    return pipe;
}

static CatalogTable *new_table(const char *name)
{
    CatalogTable *table = g_new0(CatalogTable, 1);
    table->database = g_strdup("shop");
    table->name = g_strdup(name);
    table->target = g_strdup(name);
    table->state = g_strdup("waiting");
    return table;
}

static void same_pipe(const CatalogPipe *a, const CatalogPipe *b)
{
    g_assert_cmpint(a->id, ==, b->id);
    g_assert_cmpstr(a->uuid, ==, b->uuid);
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->source, ==, b->source);
    g_assert_cmpstr(a->dest, ==, b->dest);
    g_assert_cmpstr(a->mode, ==, b->mode);
    g_assert_cmpstr(a->tables, ==, b->tables);
    g_assert_cmpstr(a->settings, ==, b->settings);
    g_assert_cmpstr(a->state, ==, b->state);
    g_assert_cmpstr(a->return_state, ==, b->return_state);
    g_assert_cmpint(a->since, ==, b->since);
    g_assert_cmpstr(a->error, ==, b->error);
    g_assert_cmpuint(a->server_id, ==, b->server_id);
    g_assert_cmpstr(a->identity, ==, b->identity);
}

static void same_table(const CatalogTable *a, const CatalogTable *b)
{
    g_assert_cmpint(a->id, ==, b->id);
    g_assert_cmpint(a->pipe_id, ==, b->pipe_id);
    g_assert_cmpstr(a->database, ==, b->database);
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->target, ==, b->target);
    g_assert_cmpstr(a->state, ==, b->state);
    g_assert_cmpint(a->generation, ==, b->generation);
    g_assert_cmpstr(a->definition, ==, b->definition);
    g_assert_cmpstr(a->begin_file, ==, b->begin_file);
    g_assert_cmpstr(a->begin_gtid, ==, b->begin_gtid);
    g_assert_cmpstr(a->read_gtid, ==, b->read_gtid);
    g_assert_cmpuint(a->begin_pos, ==, b->begin_pos);
    g_assert_cmpuint(a->snapshot_version, ==, b->snapshot_version);
    g_assert_cmpuint(a->rows_estimate, ==, b->rows_estimate);
    g_assert_cmpuint(a->rows_done, ==, b->rows_done);
    g_assert_cmpuint(a->inserts, ==, b->inserts);
    g_assert_cmpuint(a->updates, ==, b->updates);
    g_assert_cmpuint(a->deletes, ==, b->deletes);
    g_assert_cmpint(a->last_change, ==, b->last_change);
    g_assert_cmpint(a->loaded, ==, b->loaded);
    g_assert_cmpint(a->resync_advised, ==, b->resync_advised);
    g_assert_cmpstr(a->error, ==, b->error);
}

static void free_table(gpointer table)
{
    catalog_table_free(table);
}

/* A pipe with two tables, added. */
static CatalogPipe *add_pipe(Catalog *catalog, const char *name, GPtrArray **tables)
{
    g_autoptr(GError) error = NULL;
    CatalogPipe *pipe = new_pipe(name);
    *tables = g_ptr_array_new_with_free_func(free_table);
    g_ptr_array_add(*tables, new_table("orders"));
    g_ptr_array_add(*tables, new_table("customers"));
    g_assert_true(catalog_pipe_add(catalog, pipe, *tables, &error));
    g_assert_no_error(error);
    return pipe;
}

static void files_are_private(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autofree char *below = g_build_filename(place->dir, "a", "b", NULL);
    g_autoptr(GError) error = NULL;
    Catalog *catalog = catalog_open(below, &error);
    g_assert_no_error(error);
    g_autofree char *path = g_build_filename(below, "catalog.sqlite", NULL);
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    struct stat st;
    g_assert_cmpint(stat(below, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0700);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    g_assert_cmpint(stat(wal, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    catalog_close(catalog);
    g_chmod(path, 0644); /* as after a careless copy */
    catalog_close(catalog_open(below, &error));
    g_assert_no_error(error);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    g_unlink(path);
    g_rmdir(below);
    g_autofree char *middle = g_path_get_dirname(below);
    g_rmdir(middle);
}

static void pipes(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    Catalog *catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL, more = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    g_autoptr(CatalogPipe) second = add_pipe(catalog, "a'; DROP TABLE pipes; --", &more);
    g_assert_cmpint(pipe->id, >, 0);

    g_autoptr(CatalogPipe) twin = new_pipe("orders");
    g_autoptr(GPtrArray) twin_tables = g_ptr_array_new_with_free_func(free_table);
    g_ptr_array_add(twin_tables, new_table("orders"));
    g_assert_false(catalog_pipe_add(catalog, twin, twin_tables, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED);
    g_clear_error(&error);
    g_assert_cmpint(twin->id, ==, 0);
    g_assert_cmpint(((CatalogTable *)g_ptr_array_index(twin_tables, 0))->id, ==, 0);

    g_assert_true(catalog_pipe_set_settings(catalog, pipe->id, "{}", &error));
    g_assert_true(catalog_pipe_set_source(catalog, pipe->id, 77, "uuid-of-server", &error));
    CatalogJournalEntry why = {.at = 5,
                               .pipe = pipe->name,
                               .actor = (char *)"error",
                               .kind = (char *)"state",
                               .text = (char *)"Provisioning -> Failed",
                               .position = NULL};
    g_assert_true(catalog_pipe_set_state(catalog, pipe->id, "Failed", "Setup", "{\"code\": 1236}", 42, &why, &error));
    catalog_close(catalog);

    catalog = open_ok(place);
    g_autoptr(CatalogPipe) found = catalog_pipe_find(catalog, "orders", &error);
    g_assert_no_error(error);
    g_free(pipe->settings);
    pipe->settings = g_strdup("{}");
    pipe->server_id = 77;
    pipe->identity = g_strdup("uuid-of-server");
    g_free(pipe->state);
    pipe->state = g_strdup("Failed");
    pipe->return_state = g_strdup("Setup");
    pipe->error = g_strdup("{\"code\": 1236}");
    pipe->since = 42;
    same_pipe(pipe, found);
    g_autoptr(GPtrArray) all = catalog_pipes(catalog, &error);
    g_assert_cmpuint(all->len, ==, 2);
    same_pipe(g_ptr_array_index(all, 0), second);
    same_pipe(g_ptr_array_index(all, 1), pipe);
    g_autoptr(GPtrArray) entries = catalog_journal(catalog, "orders", 0, 10, &error);
    g_assert_cmpuint(entries->len, ==, 1);

    g_assert_null(catalog_pipe_find(catalog, "nobody", &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND);
    g_clear_error(&error);
    catalog_close(catalog);
}

static void a_state_without_a_pipe_leaves_no_journal(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    CatalogJournalEntry why = {.pipe = (char *)"gone"};
    g_assert_false(catalog_pipe_set_state(catalog, 999, "Paused", NULL, NULL, 1, &why, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_autoptr(GPtrArray) entries = catalog_journal(catalog, NULL, 0, 10, &error);
    g_assert_cmpuint(entries->len, ==, 0);
    g_assert_false(catalog_pipe_drop(catalog, 999, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND);
}

static void fill_table(CatalogTable *table)
{
    table->state = (g_free(table->state), g_strdup("live"));
    table->generation = 3;
    table->definition = g_strdup("{\"columns\": [\"Größe\"]}");
    table->begin_file = g_strdup("bin.000007");
    table->begin_gtid = g_strdup("0-1-7");
    table->read_gtid = g_strdup("0-1-9");
    table->begin_pos = UINT64_MAX;
    table->snapshot_version = UINT64_MAX - 1;
    table->rows_estimate = 1;
    table->rows_done = 2;
    table->inserts = 3;
    table->updates = 4;
    table->deletes = 5;
    table->last_change = 6;
    table->loaded = true;
    table->resync_advised = true;
    table->error = g_strdup("{}");
}

static void tables_and_ranges(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    CatalogTable *table = g_ptr_array_index(tables, 0);
    fill_table(table);
    g_assert_true(catalog_table_save(catalog, table, &error));
    CatalogTable *third = new_table("items");
    third->pipe_id = pipe->id;
    g_autoptr(GPtrArray) added = g_ptr_array_new();
    g_ptr_array_add(added, third);
    g_assert_true(catalog_pipe_edit(catalog, pipe->id, &(CatalogEdit){.added = added}, &error));
    g_ptr_array_add(tables, third);
    g_autoptr(GPtrArray) read = catalog_tables(catalog, pipe->id, &error);
    g_assert_cmpuint(read->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        same_table(g_ptr_array_index(tables, i), g_ptr_array_index(read, i));

    CatalogRange ranges[] = {
        {.id = 1, .after = NULL, .upto = (char *)"100"},
        {.id = 2, .after = (char *)"100", .upto = NULL, .attempt = 7},
        {.id = 9, .after = (char *)"\xff raw", .upto = (char *)"", .done = true, .rows = 1ull << 40}};
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(list, &ranges[i]);
    g_assert_true(catalog_ranges_save(catalog, table->id, list, NULL, &error));
    ranges[0].done = true; /* an upsert */
    ranges[0].rows = 55;
    g_ptr_array_set_size(list, 1);
    g_assert_true(catalog_ranges_save(catalog, table->id, list, NULL, &error));
    g_autoptr(GPtrArray) back = catalog_ranges(catalog, table->id, &error);
    g_assert_cmpuint(back->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        const CatalogRange *range = g_ptr_array_index(back, i);
        g_assert_cmpuint(range->id, ==, ranges[i].id);
        g_assert_cmpstr(range->after, ==, ranges[i].after);
        g_assert_cmpstr(range->upto, ==, ranges[i].upto);
        g_assert_cmpint(range->done, ==, ranges[i].done);
        g_assert_cmpuint(range->rows, ==, ranges[i].rows);
        g_assert_cmpuint(range->attempt, ==, ranges[i].attempt);
    }
    /* Counters that grew with the rows of a range; those of other tables stay. */
    g_assert_true(catalog_ranges_save(catalog, third->id, list, "{\"v\":[0,7,0]}", &error));
    g_autoptr(GPtrArray) counted = catalog_tables(catalog, pipe->id, &error);
    g_assert_cmpstr(((const CatalogTable *)counted->pdata[0])->column_counts, ==, table->column_counts);
    g_assert_cmpstr(((const CatalogTable *)counted->pdata[2])->column_counts, ==, "{\"v\":[0,7,0]}");
    g_assert_true(catalog_ranges_clear(catalog, table->id, &error));
    g_autoptr(GPtrArray) none = catalog_ranges(catalog, table->id, &error);
    g_assert_cmpuint(none->len, ==, 0);

    g_assert_true(catalog_table_remove(catalog, third->id, &error));
    g_assert_false(catalog_table_save(catalog, third, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_ptr_array_set_size(list, 1);
    g_assert_false(catalog_ranges_save(catalog, third->id, list, NULL, &error)); /* a foreign key */
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    g_clear_error(&error);
    g_autoptr(GPtrArray) two = catalog_tables(catalog, pipe->id, &error); /* and the connection goes on */
    g_assert_cmpuint(two->len, ==, 2);
}

static void an_edit_is_whole_or_not_at_all(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL, added = g_ptr_array_new_with_free_func(free_table), changed = g_ptr_array_new();
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    CatalogTable *first = tables->pdata[0], nowhere = *first;
    CatalogRange range = {.id = 1, .done = true};
    g_autoptr(GPtrArray) ranges = g_ptr_array_new();
    CatalogJournalEntry why = {.at = 5, .pipe = pipe->name, .actor = (char *)"operator", .kind = (char *)"state", .text = (char *)"edited"};
    CatalogEdit edit = {.tables = "shop.*", .added = added, .changed = changed, .from_nothing = true, .state = "Snapshot", .since = 5, .why = &why};

    g_ptr_array_add(ranges, &range);
    g_assert_true(catalog_ranges_save(catalog, first->id, ranges, NULL, &error));
    first->removing = 2;
    nowhere.id = 4711;
    g_ptr_array_add(added, new_table("items"));
    ((CatalogTable *)added->pdata[0])->pipe_id = pipe->id;
    g_ptr_array_add(changed, first);
    g_ptr_array_add(changed, &nowhere);
    for (unsigned works = 0; works < 2; works++) {
        g_assert_cmpint(catalog_pipe_edit(catalog, pipe->id, &edit, &error), ==, works);
        g_clear_error(&error);
        g_autoptr(CatalogPipe) now = catalog_pipe_find(catalog, "orders", &error);
        g_autoptr(GPtrArray) there = catalog_tables(catalog, pipe->id, &error), left = catalog_ranges(catalog, first->id, &error);
        g_autoptr(GPtrArray) told = catalog_journal(catalog, "orders", 0, 10, &error);
        g_assert_cmpstr(now->tables, ==, works ? "shop.*" : pipe->tables);
        g_assert_cmpstr(now->state, ==, works ? "Snapshot" : pipe->state);
        g_assert_cmpuint(there->len, ==, works ? 3 : 2);
        g_assert_cmpint(((const CatalogTable *)there->pdata[0])->removing, ==, works ? 2 : 0);
        g_assert_cmpuint(left->len, ==, works ? 0 : 1);
        g_assert_cmpuint(told->len, ==, works);
        g_ptr_array_set_size(changed, 1);
    }
}

static void checkpoints(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    CatalogCheckpoint none;
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &none, &error));
    g_assert_null(none.file);

    for (uint64_t seq = 1; seq <= 5; seq++) {
        CatalogBatch batch = {.seq = seq,
                              .start_offset = seq * 100,
                              .end_offset = seq * 100 + 100,
                              .epoch = 4000000000u,
                              .sum = seq == 4 ? CATALOG_SUM_UNKNOWN : 4000000000 + (int64_t)seq};
        g_assert_true(catalog_batch_add(catalog, pipe->id, &batch, &error));
        g_assert_true(catalog_batch_add(catalog, pipe->id, &batch, &error)); /* a replay says the same again */
    }
    CatalogCheckpoint set = {.file = (char *)"bin.000009",
                             .pos = 1ull << 40,
                             .gtid = (char *)"0-1-77",
                             .epoch = 3000000000u,
                             .offset = UINT64_MAX,
                             .sum = 4000000003u,
                             .print_file = (char *)"bin.000008",
                             .print_pos = 4,
                             .print_gtid = (char *)"0-1-76",
                             .print_time = 4000000001u,
                             .print_crc = 4000000002u,
                             .source_time = 11,
                             .saved_at = 12};
    CatalogTable *table = g_ptr_array_index(tables, 1);
    table->inserts = 10;
    table->updates = 20;
    table->deletes = 30;
    table->last_change = 40;
    table->rows_done = 999; /* no counter of the stream: not saved with it */
    g_assert_true(catalog_checkpoint_save(catalog, pipe->id, &set, 3, tables, &error));
    CatalogCheckpoint got;
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &got, &error));
    g_assert_cmpstr(got.file, ==, set.file);
    g_assert_cmpuint(got.pos, ==, set.pos);
    g_assert_cmpstr(got.gtid, ==, set.gtid);
    g_assert_cmpuint(got.epoch, ==, set.epoch);
    g_assert_cmpuint(got.offset, ==, set.offset);
    g_assert_cmpuint(got.sum, ==, set.sum);
    g_assert_cmpstr(got.print_file, ==, set.print_file);
    g_assert_cmpuint(got.print_pos, ==, set.print_pos);
    g_assert_cmpstr(got.print_gtid, ==, set.print_gtid);
    g_assert_cmpuint(got.print_time, ==, set.print_time);
    g_assert_cmpuint(got.print_crc, ==, set.print_crc);
    g_assert_cmpint(got.source_time, ==, set.source_time);
    g_assert_cmpint(got.saved_at, ==, set.saved_at);
    catalog_checkpoint_clear(&got);
    g_assert_null(got.file);

    g_autoptr(GArray) left = catalog_batches(catalog, pipe->id, &error);
    g_assert_cmpuint(left->len, ==, 2);
    const CatalogBatch *batch = &g_array_index(left, CatalogBatch, 0);
    g_assert_cmpuint(batch->seq, ==, 4);
    g_assert_cmpuint(batch->start_offset, ==, 400);
    g_assert_cmpuint(batch->end_offset, ==, 500);
    g_assert_cmpuint(batch->epoch, ==, 4000000000u);
    g_assert_cmpint(batch->sum, ==, CATALOG_SUM_UNKNOWN);
    g_assert_cmpint(g_array_index(left, CatalogBatch, 1).sum, ==, 4000000005);
    g_autoptr(GPtrArray) read = catalog_tables(catalog, pipe->id, &error);
    table->rows_done = 0;
    same_table(g_ptr_array_index(read, 1), table);

    /* What hangs on a pipe goes with it, the journal stays. */
    CatalogJournalEntry note = {.pipe = pipe->name, .text = (char *)"kept"};
    g_assert_true(catalog_journal_add(catalog, &note, &error));
    g_assert_true(catalog_pipe_drop(catalog, pipe->id, &error));
    g_autoptr(GPtrArray) no_tables = catalog_tables(catalog, pipe->id, &error);
    g_autoptr(GArray) no_batches = catalog_batches(catalog, pipe->id, &error);
    g_assert_cmpuint(no_tables->len, ==, 0);
    g_assert_cmpuint(no_batches->len, ==, 0);
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &none, &error));
    g_assert_null(none.file);
    g_autoptr(GPtrArray) entries = catalog_journal(catalog, "orders", 0, 10, &error);
    g_assert_cmpuint(entries->len, ==, 1);
    int64_t old = pipe->id;
    pipe->id = 0;
    g_assert_true(catalog_pipe_add(catalog, pipe, NULL, &error));
    g_assert_cmpint(pipe->id, >, old); /* ids are never given twice */
}

/* All of it at once: the position, the server, the tables' beginnings, no cuts, and why. */
static void reposition(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    CatalogTable *first = g_ptr_array_index(tables, 0), *second = g_ptr_array_index(tables, 1);
    CatalogBatch batch = {.seq = 1, .start_offset = 1, .end_offset = 2, .epoch = 1};
    g_assert_true(catalog_batch_add(catalog, pipe->id, &batch, &error));

    CatalogTable begins = {.id = first->id, .begin_file = (char *)"bin.000007", .begin_pos = 4, .begin_gtid = (char *)"0-1-9"};
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_ptr_array_add(list, &begins);
    CatalogCheckpoint to = {.file = (char *)"bin.000007", .pos = 4, .gtid = (char *)"0-1-9", .epoch = 2, .saved_at = 12};
    CatalogJournalEntry why = {.pipe = pipe->name, .text = (char *)"repositioned"};
    g_assert_true(catalog_reposition(catalog, pipe->id, &to, "another server", list, &why, &error));
    g_assert_true(catalog_pipe_set_auto_resync(catalog, pipe->id, -5, &error));

    CatalogCheckpoint got;
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &got, &error));
    g_assert_cmpstr(got.file, ==, "bin.000007");
    g_assert_cmpuint(got.pos, ==, 4);
    g_assert_cmpstr(got.gtid, ==, "0-1-9");
    g_assert_cmpuint(got.epoch, ==, 2);
    g_assert_cmpuint(got.offset, ==, 0);
    g_assert_null(got.print_file);
    g_assert_null(got.prepared);
    catalog_checkpoint_clear(&got);
    g_autoptr(GArray) cuts = catalog_batches(catalog, pipe->id, &error);
    g_assert_cmpuint(cuts->len, ==, 0);
    g_autoptr(GPtrArray) read = catalog_tables(catalog, pipe->id, &error);
    const CatalogTable *changed = g_ptr_array_index(read, 0), *other = g_ptr_array_index(read, 1);
    g_assert_cmpstr(changed->begin_file, ==, "bin.000007");
    g_assert_cmpuint(changed->begin_pos, ==, 4);
    g_assert_cmpstr(changed->begin_gtid, ==, "0-1-9");
    g_assert_true(changed->resync_advised);
    g_assert_cmpstr(other->begin_file, ==, second->begin_file);
    g_assert_cmpint(other->resync_advised, ==, second->resync_advised);
    g_autoptr(CatalogPipe) again = catalog_pipe_find(catalog, "orders", &error);
    g_assert_cmpstr(again->identity, ==, "another server");
    g_assert_cmpint(again->auto_resync, ==, -5);
    g_autoptr(GPtrArray) entries = catalog_journal(catalog, "orders", 0, 10, &error);
    g_assert_cmpuint(entries->len, ==, 1);
}

static void journal(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    for (int i = 1; i <= 1000; i++) {
        g_autofree char *text = g_strdup_printf("entry %d", i);
        CatalogJournalEntry entry = {.at = i,
                                     .pipe = i % 2 == 0 ? (char *)"even" : NULL,
                                     .actor = (char *)"operator",
                                     .kind = (char *)"note",
                                     .text = text,
                                     .position = i == 1000 ? (char *)"f:4" : NULL};
        g_assert_true(catalog_journal_add(catalog, &entry, &error));
    }
    g_autoptr(GPtrArray) newest = catalog_journal(catalog, NULL, 0, 3, &error);
    g_assert_cmpuint(newest->len, ==, 3);
    const CatalogJournalEntry *last = g_ptr_array_index(newest, 2);
    g_assert_cmpint(((CatalogJournalEntry *)g_ptr_array_index(newest, 0))->at, ==, 998);
    g_assert_cmpint(last->at, ==, 1000);
    g_assert_cmpstr(last->pipe, ==, "even");
    g_assert_cmpstr(last->actor, ==, "operator");
    g_assert_cmpstr(last->kind, ==, "note");
    g_assert_cmpstr(last->text, ==, "entry 1000");
    g_assert_cmpstr(last->position, ==, "f:4");
    g_autoptr(GPtrArray) even = catalog_journal(catalog, "even", last->id - 5, 100, &error);
    g_assert_cmpuint(even->len, ==, 3);
    g_autoptr(GPtrArray) nothing = catalog_journal(catalog, NULL, last->id, 100, &error);
    g_assert_cmpuint(nothing->len, ==, 0);

    uint64_t size = 0, before = 0;
    g_assert_true(catalog_journal_size(catalog, &before, &error));
    g_assert_cmpuint(before, >, 1000 * 48);
    g_assert_true(catalog_journal_trim(catalog, 1 << 30, &error));
    g_autoptr(GPtrArray) all = catalog_journal(catalog, NULL, 0, 5000, &error);
    g_assert_cmpuint(all->len, ==, 1000);
    g_assert_true(catalog_journal_trim(catalog, 5000, &error));
    g_autoptr(GPtrArray) some = catalog_journal(catalog, NULL, 0, 5000, &error);
    g_assert_true(catalog_journal_size(catalog, &size, &error));
    g_assert_cmpuint(size, <=, 5000);
    g_assert_cmpuint(some->len, >, 40);
    g_assert_cmpuint(some->len, <, 80);
    g_assert_cmpint(((CatalogJournalEntry *)g_ptr_array_index(some, some->len - 1))->at, ==, 1000);
    g_assert_true(catalog_journal_trim(catalog, 0, &error));
    g_autoptr(GPtrArray) gone = catalog_journal(catalog, NULL, 0, 5000, &error);
    g_assert_cmpuint(gone->len, ==, 0);
    g_assert_true(catalog_journal_size(catalog, &size, &error));
    g_assert_cmpuint(size, ==, 0);
}

static void settings(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_assert_null(catalog_setting(catalog, "memory", &error));
    g_assert_no_error(error);
    g_assert_true(catalog_set_setting(catalog, "memory", "64MiB", &error));
    g_assert_true(catalog_set_setting(catalog, "memory", "128MiB", &error));
    g_autofree char *value = catalog_setting(catalog, "memory", &error);
    g_assert_cmpstr(value, ==, "128MiB");
    g_assert_true(catalog_set_setting(catalog, "memory", NULL, &error));
    g_assert_null(catalog_setting(catalog, "memory", &error));
    g_assert_no_error(error);
}

/* What a call returned from is there after kill -9, in order and without holes. */
static void killed(Place *place, gconstpointer unused)
{
    (void)unused;
    for (int round = 0; round < 3; round++) {
        int ends[2];
        g_assert_cmpint(pipe(ends), ==, 0);
        pid_t child = fork();
        if (child == 0) {
            Catalog *catalog = catalog_open(place->dir, NULL);
            for (uint64_t i = 0; catalog != NULL; i++) {
                g_autofree char *text = g_strdup_printf("%d/%" G_GUINT64_FORMAT, round, i);
                CatalogJournalEntry entry = {.text = text};
                if (!catalog_journal_add(catalog, &entry, NULL) || write(ends[1], &i, sizeof i) != sizeof i)
                    break;
            }
            _exit(1);
        }
        close(ends[1]);
        uint64_t last = 0;
        while (last < 20)
            g_assert_cmpint(read(ends[0], &last, sizeof last), ==, sizeof last);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &last, sizeof last) == sizeof last) {
        }
        close(ends[0]);
        g_autoptr(GError) error = NULL;
        g_autoptr(Catalog) catalog = open_ok(place);
        g_autoptr(GPtrArray) entries = catalog_journal(catalog, NULL, 0, 1000000, &error);
        g_assert_no_error(error);
        uint64_t expected = 0;
        for (guint i = 0; i < entries->len; i++) {
            const CatalogJournalEntry *entry = g_ptr_array_index(entries, i);
            g_autofree char *text = g_strdup_printf("%d/%" G_GUINT64_FORMAT, round, expected);
            if (strcmp(entry->text, text) == 0)
                expected++;
        }
        g_assert_cmpuint(expected, >, last);
        g_assert_cmpuint(expected, <=, last + 2);
    }
}

static void expect_refused(const Place *place, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(catalog_open(place->dir, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    g_assert_null(strchr(error->message, '\n'));
    if (strstr(error->message, part) == NULL || strstr(error->message, place->path) == NULL)
        g_error("not as expected: %s", error->message);
}

/* Refused as damaged, and not a byte of it touched: somebody may want to mend it. */
static void expect_damaged(const Place *place)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize before_len, after_len;
    g_assert_true(g_file_get_contents(place->path, &before, &before_len, NULL));
    expect_refused(place, "damaged");
    g_assert_true(g_file_get_contents(place->path, &after, &after_len, NULL));
    g_assert_cmpmem(after, after_len, before, before_len);
}

static void random_bytes(Place *place, gconstpointer unused)
{
    (void)unused;
    char bytes[8192];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)g_test_rand_int_range(0, 256);
    g_assert_true(g_file_set_contents(place->path, bytes, sizeof bytes, NULL));
    expect_damaged(place);
}

/* A good catalog of some size, closed: all of it is in the one file. */
static void fill_catalog(const Place *place)
{
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    g_autofree char *text = g_strnfill(2000, 'x');
    for (int i = 0; i < 100; i++) {
        CatalogJournalEntry entry = {.text = text};
        g_assert_true(catalog_journal_add(catalog, &entry, NULL));
    }
}

static void truncated(Place *place, gconstpointer unused)
{
    (void)unused;
    fill_catalog(place);
    struct stat st;
    g_assert_cmpint(stat(place->path, &st), ==, 0);
    g_assert_cmpint(truncate(place->path, st.st_size / 2), ==, 0);
    expect_damaged(place);
    g_assert_cmpint(truncate(place->path, 4096), ==, 0);
    expect_damaged(place);
    g_assert_cmpint(truncate(place->path, 1000), ==, 0);
    expect_damaged(place);
}

static void overwritten_in_the_middle(Place *place, gconstpointer unused)
{
    (void)unused;
    fill_catalog(place);
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    int fd = open(place->path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(pwrite(fd, noise, sizeof noise, 4096 * 3), ==, sizeof noise);
    expect_damaged(place);
    struct stat st;
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    for (off_t at = 4096; at < st.st_size; at += 4096) /* all but the first page */
        g_assert_cmpint(pwrite(fd, noise, sizeof noise, at), ==, sizeof noise);
    close(fd);
    expect_damaged(place);
}

static void sql(const Place *place, const char *text)
{
    sqlite3 *db;
    g_assert_cmpint(sqlite3_open(place->path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, text, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void history(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "a", &tables);
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(CatalogHistoryCell));
    for (int64_t number = 1; number <= 5; number++) {
        CatalogHistoryCell cell = {number, 1.5 * (double)number, 2, -1, 3, 4, 7, 8};
        g_array_append_val(cells, cell);
    }
    g_assert_true(catalog_history_save(catalog, pipe->id, cells, 0, &error));
    g_array_remove_range(cells, 0, 4);
    g_array_index(cells, CatalogHistoryCell, 0).batch_bytes = 9; /* the same number: in its place */
    g_assert_true(catalog_history_save(catalog, pipe->id, cells, 3, &error));
    g_autoptr(GArray) found = catalog_history(catalog, pipe->id, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(found->len, ==, 3);
    const CatalogHistoryCell *first = &g_array_index(found, CatalogHistoryCell, 0), *last = first + 2;
    g_assert_cmpint(first->number, ==, 3);
    g_assert_cmpfloat(first->rows, ==, 4.5);
    g_assert_cmpfloat(first->lag, ==, -1);
    g_assert_cmpfloat(last->batch_rows, ==, 3);
    g_assert_cmpfloat(last->batch_bytes, ==, 9);
    g_assert_cmpint(last->samples, ==, 7);
    g_assert_cmpint(last->inserts, ==, 8);
    g_assert_true(catalog_pipe_drop(catalog, pipe->id, &error));
    g_autoptr(GArray) none = catalog_history(catalog, pipe->id, &error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_false(catalog_history_save(catalog, pipe->id, cells, 0, &error)); /* of a pipe that is gone */
}

static void of_others(Place *place, gconstpointer unused)
{
    (void)unused;
    sql(place, "CREATE TABLE songs (title TEXT)");
    expect_refused(place, "another program");
}

static void newer(Place *place, gconstpointer unused)
{
    (void)unused;
    catalog_close(open_ok(place));
    sql(place, "PRAGMA user_version = 99");
    expect_refused(place, "newer sluice");
}

static void a_directory_in_its_place(Place *place, gconstpointer unused)
{
    (void)unused;
    g_assert_cmpint(g_mkdir(place->path, 0700), ==, 0);
    expect_refused(place, "cannot open");
    g_rmdir(place->path);
    Place file = {.dir = g_strconcat(place->dir, "/file", NULL)};
    file.path = file.dir;
    g_assert_true(g_file_set_contents(file.dir, "x", 1, NULL));
    expect_refused(&file, "state directory");
    g_free(file.dir);
}

static void locked(Place *place, gconstpointer unused)
{
    (void)unused;
    /* Two connections of one process and file get on with each other. */
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) a = open_ok(place);
    g_autoptr(Catalog) b = open_ok(place);
    for (int i = 0; i < 20; i++) {
        CatalogJournalEntry entry = {.text = (char *)"x"};
        g_assert_true(catalog_journal_add(i % 2 == 0 ? a : b, &entry, &error));
    }
    g_autoptr(GPtrArray) entries = catalog_journal(a, NULL, 0, 100, &error);
    g_assert_cmpuint(entries->len, ==, 20);
}

/* A file that cannot grow stands for a full disk: the write fails, nothing of it is kept, and all goes on afterwards.
 */
static void no_room(Place *place, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_autoptr(Catalog) catalog = open_ok(place);
    g_autoptr(GPtrArray) tables = NULL;
    g_autoptr(CatalogPipe) pipe = add_pipe(catalog, "orders", &tables);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = {.rlim_cur = 150000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    g_autofree char *large = g_strnfill(400000, 'x');
    CatalogCheckpoint checkpoint = {.file = large, .pos = 4};
    bool saved = catalog_checkpoint_save(catalog, pipe->id, &checkpoint, 0, NULL, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    g_assert_false(saved);
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    g_clear_error(&error);
    CatalogCheckpoint got;
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &got, &error));
    g_assert_null(got.file);
    g_assert_true(catalog_checkpoint_save(catalog, pipe->id, &checkpoint, 0, NULL, &error));
    g_assert_true(catalog_checkpoint_load(catalog, pipe->id, &got, &error));
    g_assert_cmpstr(got.file, ==, large);
    catalog_checkpoint_clear(&got);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add("/catalog/" path, Place, NULL, place_make, test, place_clear)
    ADD("files-are-private", files_are_private);
    ADD("pipes", pipes);
    ADD("state-without-pipe", a_state_without_a_pipe_leaves_no_journal);
    ADD("tables-and-ranges", tables_and_ranges);
    ADD("edit", an_edit_is_whole_or_not_at_all);
    ADD("checkpoints", checkpoints);
    ADD("reposition", reposition);
    ADD("journal", journal);
    ADD("history", history);
    ADD("settings", settings);
    ADD("killed", killed);
    ADD("random-bytes", random_bytes);
    ADD("truncated", truncated);
    ADD("overwritten", overwritten_in_the_middle);
    ADD("of-others", of_others);
    ADD("newer", newer);
    ADD("directory", a_directory_in_its_place);
    ADD("two-connections", locked);
    ADD("no-room", no_room);
    return g_test_run();
}
