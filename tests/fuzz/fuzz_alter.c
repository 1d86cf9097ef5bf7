/* fuzz_alter.c - ALTER statements, applied to a definition.
 *
 * Input: a byte for flavour and SQL mode, the statement. What comes out is a whole definition, which goes through JSON
 * and which the destination's part can be planned for.
 */
#include "fuzz.h"

#include "mapping/schema_change.h"

static SourceTable *definition(void)
{
    static const char json_text[] = "{\"database\": \"d\", \"name\": \"t\", \"engine\": \"InnoDB\", \"key\": [0], "
                                    "\"key_name\": \"PRIMARY\", \"create_sql\": \"\", "
                                    "\"charset\": \"utf8mb4\", \"kept\": [\"k\"], \"columns\": ["
                                    "{\"name\": \"id\", \"type\": \"int\", \"type_text\": \"int(11)\", \"nullable\": "
                                    "false, \"precision\": 11, \"scale\": 0},"
                                    "{\"name\": \"a\", \"type\": \"varchar\", \"type_text\": \"varchar(9)\", "
                                    "\"nullable\": true, \"precision\": 9, \"scale\": 0, \"charset\": \"utf8mb4\"},"
                                    "{\"name\": \"b\", \"type\": \"enum\", \"type_text\": \"enum('x','y')\", "
                                    "\"nullable\": false, \"precision\": 1, \"scale\": 0, \"charset\": "
                                    "\"utf8mb4\", \"labels\": [\"x\", \"y\"]},"
                                    "{\"name\": \"c\", \"type\": \"decimal\", \"type_text\": \"decimal(10,2)\", "
                                    "\"nullable\": true, \"precision\": 10, \"scale\": 2}]}";
    json_t *json = json_loads(json_text, 0, NULL);
    SourceTable *table = source_table_from_json(json, NULL);
    json_decref(json);
    CHECK(table);
    return table;
}

static void plan(const SourceTable *old, TableChange *change, bool strict, bool both)
{
    MappingSettings settings = {.column_prefix = "_peerdb_"};
    StatementTime time = {.usec = 1700000000000000, .zone_known = strict};
    g_autoptr(GPtrArray) there = g_ptr_array_new();
    for (unsigned i = 0; i < old->n_columns; i++)
        g_ptr_array_add(there, old->columns[i].name);
    g_ptr_array_add(there, (gpointer) "k");
    SchemaChangeRequest request = {.old = old,
                                   .change = change,
                                   .settings = &settings,
                                   .strict = strict,
                                   .keep_old_names = both,
                                   .time = &time,
                                   .there = there};
    g_autoptr(SchemaChange) result = schema_change_plan(&request);
    CHECK(result->steps && result->notes && result->steps->len <= 3);
}

static void check_change(const SourceTable *old, const TableChange *change)
{
    const SourceTable *table = change->table;
    CHECK(table->n_columns > 0);
    for (unsigned i = 0; i < table->n_columns; i++) {
        CHECK(table->columns[i].name && table->columns[i].type_text);
        CHECK(change->origin[i] >= -1 && change->origin[i] < (int)old->n_columns);
    }
    json_t *json = source_table_to_json(table);
    g_autoptr(SourceTable) again = change->key_why ? NULL : source_table_from_json(json, NULL);
    CHECK(change->key_why || (again && again->n_columns == table->n_columns));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, data + size};
    unsigned mode = input_u8(&input);
    size_t len;
    uint8_t *sql = input_rest(&input, &len);
    ColumnContext context = {.flavour = mode & 1 ? SOURCE_MYSQL : SOURCE_MARIADB,
                             .version = 101100,
                             .sql_mode =
                                 (mode & 2 ? 0x4 : 0) | (mode & 4 ? 0x100000 : 0) | (mode & 8 ? SQL_MODE_STRICT : 0),
                             .explicit_timestamp = mode & 16};
    g_autofree char *why = NULL;
    g_autoptr(AlterText) alter = alter_text_parse((const char *)sql, len, &context, &why);
    CHECK(alter || why);
    if (alter) {
        g_autoptr(SourceTable) old = definition();
        g_autoptr(TableChange) change = table_alter(old, alter, &context, &why);
        CHECK(change || why);
        if (change) {
            check_change(old, change);
            plan(old, change, mode & 8, mode & 32);
        }
    }
    free(sql);
    return 0;
}
