#include "mysql/table.h"
#include "mysql/table_private.h"
#include "mysql/versioning.h"

#include "base/casefold.h"

#include <stdlib.h>
#include <string.h>

struct TypeName {
    const char *name; /* information_schema.COLUMNS.DATA_TYPE */
    SourceType type;
};

static const struct TypeName type_names[] = {
    {"tinyint", SOURCE_TYPE_TINYINT},
    {"smallint", SOURCE_TYPE_SMALLINT},
    {"mediumint", SOURCE_TYPE_MEDIUMINT},
    {"int", SOURCE_TYPE_INT},
    {"bigint", SOURCE_TYPE_BIGINT},
    {"decimal", SOURCE_TYPE_DECIMAL},
    {"float", SOURCE_TYPE_FLOAT},
    {"double", SOURCE_TYPE_DOUBLE},
    {"bit", SOURCE_TYPE_BIT},
    {"year", SOURCE_TYPE_YEAR},
    {"date", SOURCE_TYPE_DATE},
    {"time", SOURCE_TYPE_TIME},
    {"datetime", SOURCE_TYPE_DATETIME},
    {"timestamp", SOURCE_TYPE_TIMESTAMP},
    {"char", SOURCE_TYPE_CHAR},
    {"varchar", SOURCE_TYPE_VARCHAR},
    {"tinytext", SOURCE_TYPE_TEXT},
    {"text", SOURCE_TYPE_TEXT},
    {"mediumtext", SOURCE_TYPE_TEXT},
    {"longtext", SOURCE_TYPE_TEXT},
    {"binary", SOURCE_TYPE_BINARY},
    {"varbinary", SOURCE_TYPE_VARBINARY},
    {"tinyblob", SOURCE_TYPE_BLOB},
    {"blob", SOURCE_TYPE_BLOB},
    {"mediumblob", SOURCE_TYPE_BLOB},
    {"longblob", SOURCE_TYPE_BLOB},
    {"enum", SOURCE_TYPE_ENUM},
    {"set", SOURCE_TYPE_SET},
    {"json", SOURCE_TYPE_JSON},
    {"geometry", SOURCE_TYPE_GEOMETRY},
    {"point", SOURCE_TYPE_GEOMETRY},
    {"linestring", SOURCE_TYPE_GEOMETRY},
    {"polygon", SOURCE_TYPE_GEOMETRY},
    {"multipoint", SOURCE_TYPE_GEOMETRY},
    {"multilinestring", SOURCE_TYPE_GEOMETRY},
    {"multipolygon", SOURCE_TYPE_GEOMETRY},
    {"geometrycollection", SOURCE_TYPE_GEOMETRY},
    {"geomcollection", SOURCE_TYPE_GEOMETRY},
    {"uuid", SOURCE_TYPE_UUID},
    {"inet4", SOURCE_TYPE_INET4},
    {"inet6", SOURCE_TYPE_INET6},
    {"vector", SOURCE_TYPE_VECTOR},
};

static SourceType type_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(type_names); i++)
        if (strcmp(type_names[i].name, name) == 0)
            return type_names[i].type;
    return SOURCE_TYPE_UNKNOWN;
}

/* --- Life --- */

SourceTable *source_table_ref(SourceTable *table)
{
    return g_atomic_rc_box_acquire(table);
}

SourceTable *source_table_new(void)
{
    return g_atomic_rc_box_new0(SourceTable);
}

void source_column_clear(SourceColumn *column)
{
    g_free(column->name);
    g_free(column->type_text);
    g_free(column->charset);
    g_free(column->collation);
    g_strfreev(column->labels);
    g_free(column->as_name);
    g_free(column->as_type);
    g_free(column->as_codec);
    memset(column, 0, sizeof *column);
}

void source_column_copy(SourceColumn *to, const SourceColumn *from, bool notes)
{
    *to = *from;
    to->name = g_strdup(from->name);
    to->type_text = g_strdup(from->type_text);
    to->charset = g_strdup(from->charset);
    to->collation = g_strdup(from->collation);
    to->labels = g_strdupv(from->labels);
    to->as_name = notes ? g_strdup(from->as_name) : NULL;
    to->as_type = notes ? g_strdup(from->as_type) : NULL;
    to->as_codec = notes ? g_strdup(from->as_codec) : NULL;
    to->placed = notes && from->placed;
    to->excluded = notes && from->excluded;
    to->as_nullable = notes && from->as_nullable;
}

static void table_clear(void *data)
{
    SourceTable *table = data;

    for (unsigned i = 0; i < table->n_columns; i++)
        source_column_clear(&table->columns[i]);
    g_free(table->charset);
    g_free(table->collation);
    g_strfreev(table->kept);
    versioning_clear(&table->versioning);
    if (table->cascades != NULL)
        g_ptr_array_unref(table->cascades);
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++)
        g_free(table->texts[i]);
    g_free(table->columns);
    g_free(table->key);
    g_free(table->key_name);
    g_free(table->database);
    g_free(table->name);
    g_free(table->engine);
    g_free(table->create_sql);
}

void source_table_unref(SourceTable *table)
{
    if (table != NULL)
        g_atomic_rc_box_release_full(table, table_clear);
}

int source_table_find_column(const SourceTable *table, const char *name)
{
    for (unsigned i = 0; i < table->n_columns; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    for (unsigned i = 0; i < table->n_columns; i++) /* column names are the same in any case, on both servers */
        if (casefold_equal(table->columns[i].name, name))
            return (int)i;
    return -1;
}

void source_table_set_key(SourceTable *table, const unsigned *key, unsigned n)
{
    g_free(table->key);
    table->key = g_memdup2(key, n * sizeof *key);
    table->n_key = n;
    g_clear_pointer(&table->key_name, g_free);
}

bool source_table_key_is_named(const SourceTable *table)
{
    return table->n_key > 0 && table->key_name == NULL;
}

bool source_table_column_in_key(const SourceTable *table, unsigned column)
{
    for (unsigned i = 0; i < table->n_key; i++)
        if (table->key[i] == column)
            return true;
    return false;
}

bool source_table_column_is_placed(const SourceTable *table, unsigned column)
{
    return table->columns[column].placed || source_table_column_in_key(table, column);
}

const char *table_text_word(TableText text)
{
    static const char *const words[] = {"order_by", "partition_by", "engine", "ttl", "source_column"};
    return words[text];
}

char *source_table_value(const SourceTable *table)
{
    return g_strconcat(table->database, ".", table->name, NULL);
}

void source_table_copy_texts(SourceTable *to, const SourceTable *from)
{
    for (unsigned i = 0; i < N_TABLE_TEXTS; i++) {
        g_free(to->texts[i]);
        to->texts[i] = g_strdup(from->texts[i]);
    }
}

/* --- Text of definitions --- */

/* Members of "enum('a','it''s')": both servers print them with quotes doubled and backslash, newline, carriage return
 * and NUL escaped (append_unescaped in sql/unireg.cc), whatever sql_mode is [tried on MariaDB 10.11]. */
char **table_parse_labels(const char *type_text)
{
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) label = g_string_new(NULL);
    const char *p = strchr(type_text, '(');

    if (p == NULL)
        return NULL;
    do {
        p++; /* the bracket or the comma */
        g_string_truncate(label, 0);
        if (*p != '\'')
            return NULL;
        for (p++;; p++) {
            if (*p == '\0')
                return NULL;
            if (*p == '\'' && *++p != '\'')
                break;
            if (*p == '\\') {
                p++;
                if (*p == '\0' || *p == '0') /* a NUL cannot stand in our strings */
                    return NULL;
                g_string_append_c(label, *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p);
                continue;
            }
            g_string_append_c(label, *p);
        }
        g_ptr_array_add(labels, g_strdup(label->str));
    } while (*p == ',');
    if (*p != ')')
        return NULL;
    g_ptr_array_add(labels, NULL);
    return (char **)g_ptr_array_steal(labels, NULL);
}

#define PARTITION_BY_SYSTEM_TIME " PARTITION BY SYSTEM_TIME"

/* The end of what begins at `p`: a quoted word ('..', "..", `..`), or one byte. */
static const char *skip_token(const char *p)
{
    char quote = *p;

    if (quote != '\'' && quote != '"' && quote != '`')
        return p + 1;
    for (p++; *p != '\0'; p++) {
        if (*p == '\\' && quote != '`' && p[1] != '\0')
            p++;
        else if (*p == quote && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return p;
}

/* Partitions of history, which AUTO adds while rows come, are left out of the end of a definition. */
static void append_system_time_partitions(GString *out, const char *rest)
{
    SqlLexer lexer;

    sql_lexer_init(&lexer, rest, strlen(rest), 0);
    g_autofree char *current = versioning_current_partition(lexer, NULL);
    g_string_append(out, PARTITION_BY_SYSTEM_TIME " (PARTITION ");
    source_quote_name(out, current != NULL ? current : VERSIONING_CURRENT_PARTITION);
    g_string_append(out, " CURRENT)");
}

/* Cuts " AUTO_INCREMENT=123" off the options behind the column list: it moves with every insert. */
char *table_normalise_create(const char *create_sql)
{
    GString *out = g_string_sized_new(strlen(create_sql));
    int depth = 0;

    for (const char *p = create_sql; *p != '\0';) {
        const char *end = skip_token(p);

        if (*p == '(')
            depth++;
        else if (*p == ')')
            depth--;
        if (depth == 0 && g_str_has_prefix(p, " AUTO_INCREMENT=")) {
            end = p + strlen(" AUTO_INCREMENT=");
            end += strspn(end, "0123456789");
        } else if (depth == 0 && g_str_has_prefix(p, PARTITION_BY_SYSTEM_TIME)) {
            append_system_time_partitions(out, p + strlen(PARTITION_BY_SYSTEM_TIME));
            break;
        } else {
            g_string_append_len(out, p, end - p);
        }
        p = end;
    }
    return g_string_free(out, FALSE);
}

static char *unquote_name(const char *start, const char *end)
{
    GString *name = g_string_new(NULL);

    for (const char *p = start + 1; p < end - 1; p++) {
        g_string_append_c(name, *p);
        if (*p == '`')
            p++;
    }
    return g_string_free(name, FALSE);
}

/* Names of the unique keys in the order of the definition, PRIMARY among them; those WITHOUT OVERLAPS are left out
 * (they are unique per moment only, and information_schema does not tell). */
GPtrArray *table_parse_unique_keys(const char *create_sql)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *name = NULL;
    bool overlaps = false, item_begins = false;
    int depth = 0;

    for (const char *p = create_sql; *p != '\0';) {
        const char *end = skip_token(p);

        if (*p == '(')
            depth++;
        if ((*p == '(' && depth == 1) || (*p == ',' && depth == 1) || (*p == ')' && depth == 1)) {
            if (name != NULL && !overlaps)
                g_ptr_array_add(names, g_steal_pointer(&name));
            g_clear_pointer(&name, g_free);
            overlaps = false;
            item_begins = true;
        } else if (item_begins && !g_ascii_isspace(*p)) {
            item_begins = false;
            if (g_str_has_prefix(p, "PRIMARY KEY ")) {
                name = g_strdup("PRIMARY");
                end = p + strlen("PRIMARY KEY");
            } else if (g_str_has_prefix(p, "UNIQUE KEY `")) {
                p += strlen("UNIQUE KEY ");
                end = skip_token(p);
                name = unquote_name(p, end);
            }
        } else if (g_str_has_prefix(p, "WITHOUT OVERLAPS")) {
            overlaps = true;
        }
        if (*p == ')')
            depth--;
        p = end;
    }
    return names;
}

/* --- Reading --- */

static unsigned number_or_zero(const char *text)
{
    return text != NULL ? (unsigned)MIN(g_ascii_strtoull(text, NULL, 10), (guint64)UINT32_MAX) : 0;
}

/* "int(10) unsigned" -> 10 */
static unsigned display_width(const char *type_text)
{
    const char *p = strchr(type_text, '(');

    return p != NULL ? number_or_zero(p + 1) : 0;
}

enum {
    COL_NAME,
    COL_DATA_TYPE,
    COL_TYPE,
    COL_NULLABLE,
    COL_CHARS,
    COL_PRECISION,
    COL_SCALE,
    COL_FRACTION,
    COL_CHARSET,
    COL_COLLATION,
    COL_EXTRA
};

static bool is_character_type(SourceType type)
{
    return type == SOURCE_TYPE_CHAR || type == SOURCE_TYPE_VARCHAR || type == SOURCE_TYPE_TEXT ||
           type == SOURCE_TYPE_ENUM || type == SOURCE_TYPE_SET;
}

static void column_fill_size(SourceColumn *column, char **row)
{
    switch (column->type) {
    case SOURCE_TYPE_DECIMAL:
    case SOURCE_TYPE_BIT:
        column->precision = number_or_zero(row[COL_PRECISION]);
        column->scale = number_or_zero(row[COL_SCALE]);
        break;
    case SOURCE_TYPE_TIME:
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP:
        column->scale = number_or_zero(row[COL_FRACTION]);
        break;
    case SOURCE_TYPE_TINYINT:
    case SOURCE_TYPE_SMALLINT:
    case SOURCE_TYPE_MEDIUMINT:
    case SOURCE_TYPE_INT:
    case SOURCE_TYPE_BIGINT:
    case SOURCE_TYPE_YEAR:
    case SOURCE_TYPE_VECTOR:
        column->precision = display_width(column->type_text);
        break;
    default:
        column->precision = number_or_zero(row[COL_CHARS]);
    }
}

/* --- Labels ---
 *
 * information_schema and SHOW CREATE print four-byte characters as '?' (their charset is utf8mb3). So labels with a '?' are
 * asked for in another way, which gives them in hexadecimal, joined with commas. */

static guint64 label_number(const SourceColumn *column, unsigned i)
{
    return column->type == SOURCE_TYPE_SET ? (guint64)1 << (i & 63) : (guint64)i + 1;
}

/* MariaDB tells the label through a variable of the column's own type [tried on 10.11]; it needs no privilege but SELECT. */
static char *labels_ask_mariadb(SourceConnection *source, const SourceTable *table, const SourceColumn *column,
                                GError **error)
{
    g_autoptr(GString) sql = g_string_new("BEGIN NOT ATOMIC ");
    g_autoptr(GString) list = g_string_new(NULL);

    for (unsigned i = 0; column->labels[i] != NULL; i++) {
        if (strchr(column->labels[i], '?') == NULL)
            continue;
        g_string_append_printf(sql, "DECLARE v%u TYPE OF ", i);
        source_quote_table(sql, table->database, table->name);
        g_string_append_c(sql, '.');
        source_quote_name(sql, column->name);
        g_string_append_printf(sql, " DEFAULT %" G_GUINT64_FORMAT "; ", label_number(column, i));
        g_string_append_printf(list, ", HEX(CONVERT(v%u USING utf8mb4))", i);
    }
    g_string_append_printf(sql, "SELECT CONCAT_WS(','%s); END", list->str);
    return source_query_value(source, sql->str, error);
}

#define LABELS_TABLE "sluice_labels"

/* MySQL tells it only in a row, so one of each is put into a temporary table with the column's own type [tried on 9.7]; it is
 * seen by this connection alone and stands in no log. */
static char *labels_ask_mysql(SourceConnection *source, const SourceTable *table, const SourceColumn *column, GError **error)
{
    g_autoptr(GString) create = g_string_new("CREATE TEMPORARY TABLE ");
    g_autoptr(GString) insert = g_string_new("INSERT INTO ");
    g_autoptr(GString) select = g_string_new("SELECT GROUP_CONCAT(HEX(CONVERT(");
    g_autoptr(GString) drop = g_string_new("DROP TEMPORARY TABLE ");
    g_autoptr(GError) why = NULL;
    const char *comma = "";

    source_quote_table(create, table->database, LABELS_TABLE);
    g_string_append(create, " SELECT ");
    source_quote_name(create, column->name);
    g_string_append(create, " FROM ");
    source_quote_table(create, table->database, table->name);
    g_string_append(create, " LIMIT 0");
    source_quote_table(insert, table->database, LABELS_TABLE);
    g_string_append(insert, " VALUES ");
    for (unsigned i = 0; column->labels[i] != NULL; i++) {
        if (strchr(column->labels[i], '?') == NULL)
            continue;
        g_string_append_printf(insert, "%s(%" G_GUINT64_FORMAT ")", comma, label_number(column, i));
        comma = ", ";
    }
    source_quote_name(select, column->name);
    g_string_append(select, " USING utf8mb4)) ORDER BY ");
    source_quote_name(select, column->name);
    g_string_append(select, " + 0) FROM ");
    source_quote_table(select, table->database, LABELS_TABLE);
    source_quote_table(drop, table->database, LABELS_TABLE);
    if (!source_exec(source, create->str, &why)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: labels of column %s may hold characters that MySQL shows as '?' (%s): GRANT CREATE TEMPORARY TABLES "
                    "ON the database, or exclude the table",
                    table->database, table->name, column->name, why->message);
        return NULL;
    }
    char *hex = source_exec(source, "SET SESSION group_concat_max_len = 16777216", error) &&
                        source_exec(source, insert->str, error)
                    ? source_query_value(source, select->str, error)
                    : NULL;
    source_exec(source, drop->str, NULL);
    return hex;
}

static char *label_from_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *label = g_malloc0(len + 1);

    for (size_t j = 0; j < len; j++)
        label[j] = (char)(g_ascii_xdigit_value(hex[2 * j]) << 4 | g_ascii_xdigit_value(hex[2 * j + 1]));
    return label;
}

static bool labels_mend(SourceConnection *source, const SourceTable *table, SourceColumn *column, GError **error)
{
    g_autofree char *hex = NULL;
    g_auto(GStrv) parts = NULL;
    GError *why = NULL;
    unsigned doubtful = 0, part = 0;

    for (unsigned i = 0; column->labels[i] != NULL; i++)
        doubtful += strchr(column->labels[i], '?') != NULL;
    if (doubtful == 0)
        return true;
    hex = source_server(source)->flavour == SOURCE_MARIADB ? labels_ask_mariadb(source, table, column, &why)
                                                           : labels_ask_mysql(source, table, column, &why);
    if (why != NULL) {
        g_propagate_error(error, why);
        return false;
    }
    parts = g_strsplit(hex != NULL ? hex : "", ",", -1);
    if (g_strv_length(parts) != doubtful) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "%s.%s: the labels of column %s cannot be read", table->database,
                    table->name, column->name);
        return false;
    }
    for (unsigned i = 0; column->labels[i] != NULL; i++) {
        if (strchr(column->labels[i], '?') == NULL)
            continue;
        g_free(column->labels[i]);
        column->labels[i] = label_from_hex(parts[part++]);
    }
    return true;
}

static bool column_read(SourceConnection *source, const SourceTable *table, SourceColumn *column, char **row,
                        bool *is_virtual, GError **error)
{
    column->name = g_strdup(row[COL_NAME]);
    column->type = type_find(row[COL_DATA_TYPE]);
    column->type_text = g_strdup(row[COL_TYPE]);
    column->is_unsigned = strstr(row[COL_TYPE], " unsigned") != NULL && !is_character_type(column->type);
    column->nullable = strcmp(row[COL_NULLABLE], "YES") == 0;
    column->generated =
        strstr(row[COL_EXTRA], " GENERATED") != NULL && strstr(row[COL_EXTRA], "DEFAULT_GENERATED") == NULL;
    *is_virtual = strstr(row[COL_EXTRA], "VIRTUAL GENERATED") != NULL;
    column->invisible = strstr(row[COL_EXTRA], "INVISIBLE") != NULL;
    column->compressed = g_str_has_suffix(row[COL_TYPE], " COMPRESSED*/");
    column_fill_size(column, row);
    if (is_character_type(column->type)) {
        column->charset = g_strdup(row[COL_CHARSET]);
        column->collation = g_strdup(row[COL_COLLATION]);
    }
    if (column->type != SOURCE_TYPE_ENUM && column->type != SOURCE_TYPE_SET)
        return true;
    column->labels = table_parse_labels(row[COL_TYPE]);
    if (column->labels == NULL) {
        g_autofree char *shown = printable(row[COL_TYPE], 200);

        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: the labels of column %s cannot be read: %s: exclude the table, or change that column",
                    table->database, table->name, column->name, shown);
        return false;
    }
    return labels_mend(source, table, column, error);
}

static void append_where(GString *sql, const char *database, const char *name)
{
    g_string_append(sql, " WHERE TABLE_SCHEMA = ");
    source_quote_string(sql, database);
    g_string_append(sql, " AND TABLE_NAME = ");
    source_quote_string(sql, name);
}

/* `is_virtual`: array of bool, one a column, filled. */
static bool columns_read(SourceConnection *source, SourceTable *table, GArray *is_virtual, GError **error)
{
    g_autoptr(GString) sql = g_string_new(
        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, "
        "NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA FROM information_schema.COLUMNS");
    g_autoptr(SourceRows) rows = NULL;

    append_where(sql, table->database, table->name);
    g_string_append(sql, " ORDER BY ORDINAL_POSITION");
    rows = source_query(source, sql->str, error);
    if (rows == NULL)
        return false;
    if (rows->rows->len == 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: the account may see none of its columns: GRANT SELECT on it", table->database, table->name);
        return false;
    }
    table->columns = g_new0(SourceColumn, rows->rows->len);
    g_array_set_size(is_virtual, rows->rows->len);
    for (unsigned i = 0; i < rows->rows->len; i++) {
        table->n_columns = i + 1;
        if (!column_read(source, table, &table->columns[i], rows->rows->pdata[i], &g_array_index(is_virtual, bool, i),
                         error))
            return false;
    }
    return true;
}

const char *table_index_usable_sql(const SourceServer *server)
{
    if (server->flavour == SOURCE_MYSQL)
        return "IS_VISIBLE";
    return server->version >= 100600 ? "IF(IGNORED = 'YES', 'NO', 'YES')" : "'YES'";
}

enum { IDX_NAME, IDX_COLUMN, IDX_PREFIX, IDX_TYPE, IDX_USABLE };

/* The columns of one unique key, by which current rows are told apart, or NULL when rows must not be told apart by it.
 */
static GArray *key_columns(const SourceTable *table, const SourceRows *indexes, const char *key, const bool *is_virtual)
{
    g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(unsigned));

    for (unsigned i = 0; i < indexes->rows->len; i++) {
        char **row = indexes->rows->pdata[i];
        int column;

        if (strcmp(row[IDX_NAME], key) != 0)
            continue;
        if (row[IDX_COLUMN] == NULL || row[IDX_PREFIX] != NULL || strcmp(row[IDX_TYPE], "BTREE") != 0 ||
            strcmp(row[IDX_USABLE], "YES") != 0)
            return NULL; /* functional, prefix, hash, invisible */
        column = source_table_find_column(table, row[IDX_COLUMN]);
        if (table->versioning.on && column >= 0 && column == table->versioning.row_end)
            continue; /* the server added it */
        if (column < 0 || table->columns[column].nullable || is_virtual[column])
            return NULL;
        g_array_append_val(columns, column);
    }
    return columns->len > 0 ? g_steal_pointer(&columns) : NULL;
}

/* The primary key, else the first unique key that is usable (replication.md, Key). */
static bool key_choose(SourceConnection *source, SourceTable *table, const bool *is_virtual, GError **error)
{
    g_autoptr(GPtrArray) keys = table_parse_unique_keys(table->create_sql);
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(SourceRows) indexes = NULL;

    g_string_append_printf(
        sql, "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART, INDEX_TYPE, %s FROM information_schema.STATISTICS",
        table_index_usable_sql(source_server(source)));
    append_where(sql, table->database, table->name);
    g_string_append(sql, " AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX");
    indexes = source_query(source, sql->str, error);
    if (indexes == NULL)
        return false;
    for (unsigned i = 0; i < keys->len; i++) {
        g_autoptr(GArray) columns = key_columns(table, indexes, keys->pdata[i], is_virtual);

        if (columns == NULL)
            continue;
        table->key_name = g_strdup(keys->pdata[i]);
        table->n_key = columns->len;
        table->key = (unsigned *)(void *)g_array_free(g_steal_pointer(&columns), FALSE);
        break;
    }
    return true;
}

char *table_show_create(SourceConnection *source, const char *database, const char *name, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SHOW CREATE TABLE ");
    g_autoptr(SourceRows) rows = NULL;

    source_quote_table(sql, database, name);
    rows = source_query(source, sql->str, error);
    if (rows == NULL)
        return NULL;
    if (rows->rows->len == 0 || source_rows_get(rows, 0, 1) == NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "%s.%s: the server shows no definition", database, name);
        return NULL;
    }
    return table_normalise_create(source_rows_get(rows, 0, 1));
}

enum { TAB_DATABASE, TAB_NAME, TAB_KIND, TAB_ENGINE, TAB_ROWS, TAB_BYTES };

/* Names as stored, engine and statistics. */
static bool table_look_up(SourceConnection *source, SourceTable *table, const char *database, const char *name,
                          GError **error)
{
    g_autoptr(GString) sql =
        g_string_new("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH "
                     "FROM information_schema.TABLES");
    g_autoptr(SourceRows) rows = NULL;
    char **found = NULL;

    append_where(sql, database, name);
    rows = source_query(source, sql->str, error);
    if (rows == NULL)
        return false;
    for (unsigned i = 0; i < rows->rows->len && found == NULL; i++) {
        char **row = rows->rows->pdata[i];

        if (source_server(source)->lower_case_table_names != 0 ||
            (strcmp(row[TAB_DATABASE], database) == 0 && strcmp(row[TAB_NAME], name) == 0))
            found = row;
    }
    if (found == NULL) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: there is no such table, or the account may not see it: check the name and the grants",
                    database, name);
        return false;
    }
    if (strcmp(found[TAB_KIND], "BASE TABLE") != 0 && strcmp(found[TAB_KIND], "SYSTEM VERSIONED") != 0) {
        g_autofree char *kind = g_ascii_strdown(found[TAB_KIND], -1);

        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, "%s.%s is a %s: only plain tables can be replicated",
                    database, name, kind);
        return false;
    }
    table->database = g_strdup(found[TAB_DATABASE]);
    table->name = g_strdup(found[TAB_NAME]);
    table->engine = g_strdup(found[TAB_ENGINE] != NULL ? found[TAB_ENGINE] : "");
    table->rows_estimate = found[TAB_ROWS] != NULL ? g_ascii_strtoull(found[TAB_ROWS], NULL, 10) : 0;
    table->bytes_estimate = found[TAB_BYTES] != NULL ? g_ascii_strtoull(found[TAB_BYTES], NULL, 10) : 0;
    return true;
}

static SourceTable *table_read_once(SourceConnection *source, const char *database, const char *name, bool *changed,
                                    GError **error)
{
    g_autoptr(SourceTable) table = g_atomic_rc_box_new0(SourceTable);
    g_autoptr(GArray) is_virtual = g_array_new(FALSE, TRUE, sizeof(bool));
    g_autofree char *after = NULL;

    if (!table_look_up(source, table, database, name, error))
        return NULL;
    table->create_sql = table_show_create(source, table->database, table->name, error);
    if (table->create_sql == NULL || !columns_read(source, table, is_virtual, error) ||
        !versioning_read(table, error) || !key_choose(source, table, (const bool *)(void *)is_virtual->data, error))
        return NULL;
    after = table_show_create(source, table->database, table->name, error);
    if (after == NULL)
        return NULL;
    *changed = strcmp(after, table->create_sql) != 0;
    table->cascades = cascades_parse(table->create_sql, 0, table->database);
    return g_steal_pointer(&table);
}

SourceTable *source_table_read(SourceConnection *source, const char *database, const char *name, GError **error)
{
    for (unsigned tries = 0; tries < 10; tries++) {
        bool changed = false;
        g_autoptr(SourceTable) table = table_read_once(source, database, name, &changed, error);

        if (table == NULL)
            return NULL;
        if (!changed)
            return g_steal_pointer(&table);
    }
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                "%s.%s: its definition kept changing while it was read: try again when the ALTERs have ended", database,
                name);
    return NULL;
}
