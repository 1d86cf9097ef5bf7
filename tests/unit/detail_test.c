/* One table with all its columns, and settings against the tables a pipe has: from what the catalog keeps. */
#include "base/base.h"
#include "pipe/detail.h"
#include "pipe/settings_check.h"

static char *definition_text(void)
{
    json_t *columns = json_array();
    const struct {
        const char *name, *type, *text, *as_name, *as_type;
        bool nullable, excluded;
    } list[] = {
        {"id", "int", "int(11)", NULL, NULL, false, false},
        {"name", "varchar", "varchar(20)", "title", NULL, true, false},
        {"secret", "varchar", "varchar(9)", NULL, NULL, true, true},
        {"n", "int", "int(11)", NULL, "Int64", true, false},
        {"b", "tinyint", "tinyint(1)", NULL, NULL, true, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        json_t *column = json_pack("{s:s, s:s, s:s, s:b, s:i, s:i, s:s, s:s}", "name", list[i].name, "type",
                                   list[i].type, "type_text", list[i].text, "nullable", list[i].nullable, "precision",
                                   i == 4 ? 1 : 20, "scale", 0, "charset", "utf8mb4", "collation", "utf8mb4_bin");
        if (list[i].excluded)
            json_object_set_new(column, "excluded", json_true());
        if (list[i].as_name)
            json_object_set_new(column, "as_name", json_string(list[i].as_name));
        if (list[i].as_type)
            json_object_set_new(column, "as_type", json_string(list[i].as_type));
        json_array_append_new(columns, column);
    }
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:[i], s:{s:b}}", "database", "shop", "name", "orders",
                             "engine", "InnoDB", "create_sql", "", "key_name", "PRIMARY", "columns", columns, "key", 0,
                             "shape", "nullable_off", false);
    char *dumped = json_dumps(json, 0), *text = g_strdup(dumped);
    free(dumped);
    json_decref(json);
    return text;
}

#define MADE_WITH                                                                                                      \
    "\"shop.orders:exclude\":\"secret\",\"shop.orders:rename\":\"name=title\",\"shop.orders:type\":\"n=Int64\""

static CatalogPipe pipe_of(const char *settings)
{
    return (CatalogPipe){.name = (char *)"p", .settings = (char *)settings};
}

static CatalogTable table_of(char *definition, const char *state)
{
    return (CatalogTable){.database = (char *)"shop",
                          .name = (char *)"orders",
                          .target = (char *)"o",
                          .state = (char *)state,
                          .definition = definition,
                          .column_counts = (char *)"{\"n\":[0,3,0],\"gone\":[1,1,1]}"};
}

static void check_column(const TableDetail *detail, unsigned i, const char *name, const char *target, const char *type,
                         const char *next)
{
    const ColumnDetail *column = detail->columns->pdata[i];
    g_assert_cmpstr(column->name, ==, name);
    g_assert_cmpstr(column->target, ==, target);
    g_assert_cmpstr(column->target_type, ==, type);
    g_assert_cmpstr(column->next, ==, next);
}

static void test_columns(void)
{
    g_autofree char *definition = definition_text();
    CatalogPipe pipe = pipe_of("{" MADE_WITH "}");
    CatalogTable table = table_of(definition, "live");
    g_autoptr(TableDetail) detail = table_detail_new(&pipe, &table, NULL);
    g_assert_cmpstr(detail->engine, ==, "InnoDB");
    g_assert_cmpstr(detail->key_name, ==, "PRIMARY");
    g_assert_cmpuint(detail->key->len, ==, 1);
    g_assert_null(detail->problem);
    g_assert_cmpuint(detail->columns->len, ==, 8);
    check_column(detail, 0, "id", "id", "Int32", NULL);
    check_column(detail, 1, "name", "title", "Nullable(String)", NULL);
    check_column(detail, 2, "secret", NULL, NULL, NULL);
    check_column(detail, 3, "n", "n", "Nullable(Int64)", NULL);
    check_column(detail, 5, NULL, "_peerdb_synced_at", "DateTime64(9)", NULL);
    check_column(detail, 7, NULL, "_peerdb_version", "UInt64", NULL);
    const ColumnDetail *id = detail->columns->pdata[0], *n = detail->columns->pdata[3];
    g_assert_true(id->in_key && !n->in_key);
    g_assert_cmpuint(n->counters.clamped, ==, 3);
    g_assert_cmpuint(id->counters.clamped, ==, 0);
}

static void test_what_waits(void)
{
    g_autofree char *definition = definition_text();
    CatalogPipe pipe =
        pipe_of("{\"nullable\":\"off\",\"tinyint1\":\"bool\",\"zero_date\":\"epoch\",\"shop.*:exclude\":\"b\"}");
    CatalogTable table = table_of(definition, "live");
    g_autoptr(TableDetail) detail = table_detail_new(&pipe, &table, NULL);
    check_column(detail, 0, "id", "id", "Int32", NULL);
    check_column(detail, 1, "name", "title", "Nullable(String)", "name String");
    check_column(detail, 2, "secret", NULL, NULL, "secret String");
    check_column(detail, 3, "n", "n", "Nullable(Int64)", "n Int32");
    check_column(detail, 4, "b", "b", "Nullable(Int8)", "left out");
    pipe.settings = (char *)"{\"shop.orders:exclude\":\"id\"}";
    g_autoptr(TableDetail) bad = table_detail_new(&pipe, &table, NULL);
    g_assert_nonnull(strstr(bad->problem, "column id is part of the key"));
    check_column(bad, 1, "name", "title", "Nullable(String)", NULL);
}

static void test_unread(void)
{
    CatalogPipe pipe = pipe_of(NULL);
    CatalogTable table = table_of(NULL, "waiting");
    g_autoptr(TableDetail) detail = table_detail_new(&pipe, &table, NULL);
    g_assert_null(detail->key_name);
    g_assert_cmpuint(detail->columns->len, ==, 0);
    GError *error = NULL;
    CatalogTable odd = table_of((char *)"{", "live");
    g_assert_null(table_detail_new(&pipe, &odd, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    g_clear_error(&error);
}

static void test_find(void)
{
    CatalogTable tables[] = {
        {.database = (char *)"shop", .name = (char *)"orders"}, {.database = (char *)"shop", .name = (char *)"a.b"},
        {.database = (char *)"shop.a", .name = (char *)"b"},    {.database = (char *)"crm", .name = (char *)"people"},
        {.database = (char *)"old", .name = (char *)"people"},  {.database = (char *)"crm", .name = (char *)"es\x1b"}};
    static const struct {
        const char *name;
        int found; /* -1: none */
        const char *says;
    } cases[] = {
        {"shop.orders", 0, NULL},
        {"orders", 0, NULL},
        {"shop.`a.b`", 1, NULL},
        {"`shop.a`.b", 2, NULL},
        {"crm.people", 3, NULL},
        {"crm.es\\x1B", 5, NULL},
        {"shop.a.b", -1, "several tables are called shop.a.b"},
        {"people", -1, "several tables are called people"},
        {"shop.order", -1, "the nearest name is shop.orders"},
        {"ordres", -1, "the nearest name is orders"},
        {"nothing at all", -1, "`sluice tables NAME` lists them"},
    };
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        g_ptr_array_add(list, &tables[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const CatalogTable *found = table_find(list, cases[i].name, &error);
        g_assert_true(found == (cases[i].found < 0 ? NULL : &tables[cases[i].found]));
        if (cases[i].says && !strstr(error->message, cases[i].says))
            g_error("%s: %s", cases[i].name, error->message);
    }
}

/* NULL: taken. */
static char *check_set(const char *state, const char *change, const char *value, GPtrArray *notes)
{
    g_autofree char *definition = definition_text();
    CatalogTable table = table_of(definition, state);
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    json_t *changes = json_pack("{s:s}", change, value), *set = json_loads("{" MADE_WITH "}", 0, NULL);
    json_object_update(set, changes);
    g_ptr_array_add(tables, &table);
    bool ok = settings_check_tables(set, changes, tables, notes, &error);
    json_decref(changes);
    json_decref(set);
    g_assert_true(ok || g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT));
    return ok ? NULL : g_strdup(error->message);
}

static void test_settings_check(void)
{
    static const struct {
        const char *name, *value, *refused, *note;
    } cases[] = {
        {"nullable", "off", NULL, NULL},
        {"shop.orders:exclude", "secret,b", NULL, NULL},
        {"shop.orders:exclude", "id", "column id is part of the key", NULL},
        {"shop.orders:exclude", "bb", "the nearest name is b", NULL},
        {"shop.orders:type", "n=Int8", "column n cannot become Int8", NULL},
        {"shop.orders:rename", "n=_peerdb_version", "a column that sluice adds", NULL},
        {"shop.order:exclude", "b", NULL, "the pipe has no such table; the nearest name is shop.orders"},
        {"other.*:exclude", "b", NULL, "the pipe has no such table"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (unsigned failed = 0; failed < 2; failed++) {
            g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
            g_autofree char *refused = check_set(failed ? "failed" : "live", cases[i].name, cases[i].value, notes);
            /* Of a table that failed the definition may be out of date: noted alone. */
            const char *note = failed && cases[i].refused ? cases[i].refused : cases[i].note;
            g_assert_true((refused != NULL) == (cases[i].refused && !failed));
            if (refused)
                g_assert_nonnull(strstr(refused, cases[i].refused));
            g_assert_cmpuint(notes->len, ==, note ? 1 : 0);
            if (note)
                g_assert_nonnull(strstr(notes->pdata[0], note));
        }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/detail/columns", test_columns);
    g_test_add_func("/detail/what-waits", test_what_waits);
    g_test_add_func("/detail/unread", test_unread);
    g_test_add_func("/detail/find", test_find);
    g_test_add_func("/detail/settings-check", test_settings_check);
    return g_test_run();
}
