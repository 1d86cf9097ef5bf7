/* Settings of single tables about their columns. */
#include "base/base.h"
#include "pipe/columns.h"
#include "pipe/selection.h"
#include "pipe/settings.h"

static SourceTable *table_new(void)
{
    json_t *columns = json_array(), *key = json_array();
    const char *names[] = {"id", "name", "na,me", "Note"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        json_array_append_new(columns, json_pack("{s:s, s:s, s:s, s:i, s:i}", "name", names[i], "type", "int",
                                                 "type_text", "int", "precision", 0, "scale", 0));
    json_array_append_new(key, json_integer(0));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "database", "shop", "name", "orders", "engine",
                             "InnoDB", "create_sql", "", "key_name", "PRIMARY", "columns", columns, "key", key);
    GError *error = NULL;
    SourceTable *table = source_table_from_json(json, &error);
    g_assert_no_error(error);
    json_decref(json);
    return table;
}

static bool apply(SourceTable *table, const char *name, const char *value, GError **error)
{
    json_t *settings = json_pack("{s:s, s:s}", name, value, "batch_rows", "10");
    bool ok = column_settings_apply(settings, table, error);
    json_decref(settings);
    return ok;
}

static void test_apply(void)
{
    g_autoptr(SourceTable) table = table_new();
    GError *error = NULL;
    g_assert_true(apply(table, "shop.orders:exclude", "name,`na,me`", &error));
    g_assert_true(table->columns[1].excluded && table->columns[2].excluded && !table->columns[3].excluded);
    g_assert_true(apply(table, "shop.*:rename", "note=`a,``b`, id=key, nothing=x", &error));
    g_assert_cmpstr(table->columns[3].as_name, ==, "a,`b");
    g_assert_cmpstr(table->columns[0].as_name, ==, "key");
    g_assert_true(apply(table, "shop.orders:type", "Note=DateTime64(6, 'Europe/Berlin'),id=Int64", &error));
    g_assert_cmpstr(table->columns[3].as_type, ==, "DateTime64(6, 'Europe/Berlin')");
    g_assert_cmpstr(table->columns[0].as_type, ==, "Int64");
    g_assert_true(apply(table, "shop.others:exclude", "id", &error));
    g_assert_no_error(error);

    /* It is kept with the definition. */
    json_t *json = source_table_to_json(table);
    g_autoptr(SourceTable) back = source_table_from_json(json, &error);
    g_assert_no_error(error);
    g_assert_true(back->columns[1].excluded && !back->columns[3].excluded);
    g_assert_cmpstr(back->columns[3].as_name, ==, "a,`b");
    g_assert_cmpstr(back->columns[0].as_type, ==, "Int64");
    json_decref(json);
}

/* What places a row at the destination is in a delete, too. */
static void test_texts(void)
{
    g_autoptr(SourceTable) table = table_new();
    GError *error = NULL;
    json_t *settings = json_pack("{s:s, s:s, s:s, s:s, s:s}", "shop.orders:order_by", "id, f(`a b`)", "shop.*:partition_by", "Note % 3",
                                 "shop.orders:ttl", "toDateTime(Note)", "shop.orders:rename", "name=`a b`", "shop.orders:codec", "id=ZSTD(3)");
    g_assert_true(column_settings_apply(settings, table, &error));
    g_assert_no_error(error);
    json_t *json = source_table_to_json(table);
    g_autoptr(SourceTable) back = source_table_from_json(json, &error);
    g_assert_no_error(error);
    json_decref(json);
    g_assert_cmpstr(back->texts[TABLE_PARTITION_BY], ==, "Note % 3");
    g_assert_cmpstr(back->columns[0].as_codec, ==, "CODEC(ZSTD(3))");
    g_assert_true(!back->columns[0].placed && back->columns[1].placed && !back->columns[2].placed && back->columns[3].placed);
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_ptr_array_add(tables, back);
    g_assert_true(column_setting_in_effect("shop.orders:ttl", "toDateTime(Note)", tables));
    g_assert_false(column_setting_in_effect("shop.orders:ttl", "toDateTime(Note) + 1", tables));
    column_settings_forget(back);
    g_assert_true(!back->texts[TABLE_TTL] && !back->columns[1].placed && !back->columns[0].as_codec);
    json_decref(settings);
}

static void test_refused(void)
{
    static const struct {
        const char *name, *value, *text;
    } cases[] = {
        {"shop.orders:exclude", "id", "column id is part of the key"},
        {"shop.orders:exclude", "nothing", "column nothing is named in the settings, but there is none"},
        {"shop.orders:exclude", "notes", "but there is none; the nearest name is Note"},
        {"shop.orders:type", "nmae=String", "but there is none; the nearest name is name"},
        {"shop.orders:rename", "name=Note", "the same name at the destination"},
        {"shop.orders:rename", "name=x,`na,me`=x", "the same name at the destination"},
        {"shop.orders:order_by", "name, id", "does not begin with the key, id"},
        {"shop.orders:ttl", "toDateTime(name) GROUP BY id SET name = max(name)", "makes one row of many"},
        {"shop.orders:codec", "nmae=LZ4", "the nearest name is name"},
        {"shop.orders:source_column", "Note", "source_column Note is the name of a column of the table"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SourceTable) table = table_new();
        g_autoptr(GError) error = NULL;
        g_assert_false(apply(table, cases[i].name, cases[i].value, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT);
        g_assert_nonnull(strstr(error->message, cases[i].text));
    }
}

static void check_used(const char *setting, const char *value, const char *says)
{
    g_autoptr(SourceTable) table = table_new();
    g_autoptr(GPtrArray) tables = g_ptr_array_new(), names = g_ptr_array_new(), checks = check_list_new();
    SelectionName known[] = {{(char *)"shop", (char *)"orders"}, {(char *)"shop", (char *)"a,b"}};
    g_ptr_array_add(tables, table);
    g_ptr_array_add(names, &known[0]);
    g_ptr_array_add(names, &known[1]);
    json_t *settings = json_pack("{s:s, s:s}", setting, value, "batch_rows", "10");
    column_settings_check_used(settings, names, tables, checks);
    json_decref(settings);
    g_assert_cmpuint(checks->len, ==, says ? 1 : 0);
    if (says && !strstr(((const Check *)checks->pdata[0])->found, says))
        g_error("%s=%s: %s", setting, value, ((const Check *)checks->pdata[0])->found);
}

static void test_used(void)
{
    check_used("shop.orders:exclude", "name", NULL);
    check_used("shop.orders:exclude", "nothing", NULL); /* column_settings_apply refuses it */
    check_used("shop.`a,b`:exclude", "name", NULL);     /* its definition is not known */
    check_used("shop.*:exclude", "NAME,note", NULL);
    check_used("shop.*:exclude", "name,nmae",
               "setting shop.*:exclude: no table of it has a column nmae; the nearest name is name");
    check_used("shop.*:rename", "nothing=x", "no table of it has a column nothing");
    check_used("shop.order:type", "a=b",
               "setting shop.order:type: the pipe has no such table; the nearest name is shop.orders");
    check_used("crm.*:type", "a=b", "the pipe has no such table");
    check_used("crm.*:type", "", NULL);
}

static void test_in_effect(void)
{
    g_autoptr(SourceTable) table = table_new();
    g_assert_true(apply(table, "shop.orders:exclude", "name", NULL) &&
                  apply(table, "shop.orders:rename", "Note=x", NULL) && apply(table, "shop.*:type", "id=Int64", NULL));
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_ptr_array_add(tables, table);
    g_assert_true(column_setting_in_effect("shop.orders:exclude", "name", tables));
    g_assert_false(column_setting_in_effect("shop.orders:exclude", "name,note", tables));
    g_assert_true(column_setting_in_effect("shop.orders:rename", "note=x", tables));
    g_assert_false(column_setting_in_effect("shop.orders:rename", "note=y", tables));
    g_assert_true(column_setting_in_effect("shop.*:type", "id=Int64,other=String", tables));
    g_assert_false(column_setting_in_effect("shop.*:type", "id=UInt64", tables));
    g_assert_true(column_setting_in_effect("shop.others:exclude", "id", tables));
    g_assert_true(column_setting_in_effect("batch_rows", "1", tables));
    g_assert_true(column_setting_names_table("shop.*:type", "shop", "orders") &&
                  !column_setting_names_table("crm.*:type", "shop", "orders"));
    g_assert_false(column_setting_names_table("nullable", "shop", "orders"));
    column_settings_forget(table);
    g_assert_true(!table->columns[1].excluded && !table->columns[3].as_name && !table->columns[0].as_type);
}

static bool parse(const char *name, const char *value)
{
    PipeSettings settings;
    g_autoptr(GError) error = NULL;
    json_t *json = json_pack("{s:s}", name, value);
    bool ok = settings_parse(json, &settings, &error);
    json_decref(json);
    g_assert_true(ok || g_error_matches(error, SLUICE_ERROR, SLUICE_ERROR_USAGE));
    return ok;
}

static void test_check(void)
{
    g_assert_true(parse("shop.orders:exclude", "a,b"));
    g_assert_true(parse("shop.orders:exclude", ""));
    g_assert_true(parse("`a.b`.`c:d`:rename", "a=b"));
    g_assert_true(parse("shop.*:type", "a=Decimal(10, 2),b=Int64"));
    g_assert_false(parse("shop.orders:exclude", "a,"));
    g_assert_false(parse("shop.orders:exclude", ",a"));
    g_assert_false(parse("shop.orders:rename", "a"));
    g_assert_false(parse("shop.orders:rename", "a=,b=c"));
    g_assert_false(parse("shop.orders:rename", "a=`b"));
    g_assert_false(parse("shop.orders:type", "a=Decimal(10, 2"));
    g_assert_false(parse("orders:exclude", "a"));
    g_assert_false(parse("shop.orders:exclud", "a"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/columns/apply", test_apply);
    g_test_add_func("/columns/texts", test_texts);
    g_test_add_func("/columns/refused", test_refused);
    g_test_add_func("/columns/check", test_check);
    g_test_add_func("/columns/used", test_used);
    g_test_add_func("/columns/in-effect", test_in_effect);
    return g_test_run();
}
