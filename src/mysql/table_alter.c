#include "mysql/table_alter.h"

#include "base/base.h"
#include "base/casefold.h"
#include "mysql/versioning.h"

#include <string.h>

/* A column of the definition being made. */
typedef struct {
    const char *name; /* borrowed */
    int origin;
    ColumnText *text;
} Item;

typedef struct {
    const SourceTable *old;
    const AlterText *alter;
    const ColumnContext *context;
    TableChange *change;
    GHashTable *ignored;       /* clauses with nothing to do: IF EXISTS */
    GArray *items;             /* of Item */
    char *charset, *collation; /* the default of new columns */
    const AlterClause *convert;
    char *why;
} Work;

static bool refuse(Work *work, const char *what, const char *name)
{
    g_autofree char *shown = printable(name, 64);
    if (!work->why)
        work->why = g_strdup_printf("%s %s", what, shown);
    return false;
}

/* ---- IF EXISTS ---- */

static bool added_before(const Work *work, const AlterClause *clause)
{
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *other = work->alter->clauses->pdata[i];
        if (other == clause)
            return false;
        if (other->kind == ALTER_ADD_COLUMN && casefold_equal(other->column->column.name, clause->column->column.name))
            return true;
    }
    return false;
}

static bool clause_needed(Work *work, const AlterClause *clause)
{
    switch (clause->kind) {
    case ALTER_ADD_COLUMN: {
        bool there = source_table_find_column(work->old, clause->column->column.name) >= 0;
        return !(clause->if_exists && (there || added_before(work, clause)));
    }
    case ALTER_DROP_COLUMN:
    case ALTER_RENAME_COLUMN:
    case ALTER_CHANGE_COLUMN:
        return !(clause->if_exists && source_table_find_column(work->old, clause->name) < 0);
    default:
        return true;
    }
}

static bool applies(const Work *work, const AlterClause *clause, AlterKind kind)
{
    return clause->kind == kind && !g_hash_table_contains(work->ignored, clause);
}

/* The clause of that kind that names the old column; NULL: there is none. */
static AlterClause *clause_on(const Work *work, AlterKind kind, const char *column)
{
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        AlterClause *clause = work->alter->clauses->pdata[i];
        if (applies(work, clause, kind) && casefold_equal(clause->name, column))
            return clause;
    }
    return NULL;
}

static bool clauses_check(Work *work)
{
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        AlterClause *clause = work->alter->clauses->pdata[i];
        if (!clause_needed(work, clause)) {
            g_hash_table_add(work->ignored, clause);
            continue;
        }
        bool names_column = clause->kind == ALTER_DROP_COLUMN || clause->kind == ALTER_RENAME_COLUMN ||
                            clause->kind == ALTER_CHANGE_COLUMN;
        if (names_column && source_table_find_column(work->old, clause->name) < 0)
            return refuse(work, "the recorded definition has no column", clause->name);
    }
    return true;
}

/* ---- columns and their order ---- */

static void add_old_column(Work *work, unsigned index)
{
    const char *name = work->old->columns[index].name;
    if (clause_on(work, ALTER_DROP_COLUMN, name)) {
        g_array_append_val(work->change->dropped, index);
        return;
    }
    Item item = {.name = name, .origin = (int)index};
    const AlterClause *clause = clause_on(work, ALTER_CHANGE_COLUMN, name);
    if (clause) {
        item.text = clause->column;
        item.name = clause->column->column.name;
    } else if ((clause = clause_on(work, ALTER_RENAME_COLUMN, name))) {
        item.name = clause->to;
    }
    g_array_append_val(work->items, item);
}

/* A column that is moved stands where it was, under its new name, until its clause comes [tried on MariaDB 10.11,
 * MySQL 9.7]. */
static Item take_item(Work *work, const AlterClause *clause)
{
    Item item = {.name = clause->column->column.name, .origin = -1, .text = clause->column};
    if (clause->kind == ALTER_ADD_COLUMN)
        return item;
    item.origin = source_table_find_column(work->old, clause->name);
    for (unsigned i = 0; i < work->items->len; i++)
        if (g_array_index(work->items, Item, i).origin == item.origin) {
            g_array_remove_index(work->items, i);
            break;
        }
    return item;
}

static bool place(Work *work, const AlterClause *clause)
{
    Item item = take_item(work, clause);
    if (clause->first) {
        g_array_prepend_val(work->items, item);
        return true;
    }
    if (!clause->after) {
        g_array_append_val(work->items, item);
        return true;
    }
    for (unsigned i = 0; i < work->items->len; i++)
        if (casefold_equal(g_array_index(work->items, Item, i).name, clause->after)) {
            g_array_insert_val(work->items, i + 1, item);
            return true;
        }
    return refuse(work, "it places a column after an unknown one,", clause->after);
}

static bool order_columns(Work *work)
{
    for (unsigned i = 0; i < work->old->n_columns; i++)
        add_old_column(work, i);
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        bool changed = applies(work, clause, ALTER_CHANGE_COLUMN) && (clause->first || clause->after);
        if ((changed || applies(work, clause, ALTER_ADD_COLUMN)) && !place(work, clause))
            return false;
    }
    for (unsigned i = 0; i < work->items->len; i++)
        for (unsigned j = i + 1; j < work->items->len; j++)
            if (casefold_equal(g_array_index(work->items, Item, i).name, g_array_index(work->items, Item, j).name))
                return refuse(work, "it makes two columns of the name", g_array_index(work->items, Item, i).name);
    return work->items->len > 0 || refuse(work, "it drops", "all columns");
}

/* ---- charsets ---- */

static void find_defaults(Work *work)
{
    if (work->old->charset) {
        work->charset = g_strdup(work->old->charset);
        work->collation = g_strdup(work->old->collation);
    } else {
        g_autofree char *shown = NULL;
        alter_text_shown_charset(work->old->create_sql, &shown, &work->collation);
        work->charset = shown ? charset_name_canonical(shown, work->context) : NULL;
    }
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind != ALTER_CHARSET && clause->kind != ALTER_CONVERT)
            continue;
        if (clause->kind == ALTER_CONVERT)
            work->convert = clause;
        if (clause->charset) {
            g_free(work->charset);
            work->charset = g_strdup(clause->charset);
        }
        g_free(work->collation);
        work->collation = g_strdup(clause->collation);
    }
}

static bool check_defaults(Work *work)
{
    if (!work->charset)
        return refuse(work, "the default character set is not known of", work->old->name);
    /* DEFAULT is the database's, which is not in the log; binary makes bytes of text. */
    if (work->convert && (!work->convert->charset || strcmp(work->convert->charset, "binary") == 0))
        return refuse(work, "it converts to the character set", work->convert->charset ? "binary" : "DEFAULT");
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind == ALTER_CHARSET && !clause->charset)
            return refuse(work, "it makes the character set of new columns", "DEFAULT");
        /* Which of them servers take for new columns depends on more than their order. */
        if (clause->kind == ALTER_CHARSET && work->convert && strcmp(clause->charset, work->convert->charset) != 0)
            return refuse(work, "it names two character sets,", clause->charset);
    }
    return true;
}

/* CONVERT TO leaves the bytes of labels as they are and takes them for text in the new charset: 'ü' of latin1 is '?'
 * then [tried on MariaDB 10.11, MySQL 9.7]. */
static bool labels_survive(Work *work, const SourceColumn *from, const char *charset)
{
    bool same = strcmp(from->charset, charset) == 0 ||
                (strcmp(from->charset, "utf8mb3") == 0 && strcmp(charset, "utf8mb4") == 0);
    bool wide = charset_bytes_min(from->charset) > 1 || charset_bytes_min(charset) > 1;
    for (unsigned i = 0; !same && from->labels[i]; i++)
        if (wide || strchr(from->labels[i], '?') || !charset_can_write("ascii", from->labels[i]))
            return refuse(work, "servers make other labels of column", from->name);
    return true;
}

/* Of labels that the charset cannot write, servers keep question marks. */
static bool labels_fit(Work *work, const SourceColumn *column)
{
    for (unsigned i = 0; column->labels && column->labels[i]; i++)
        if (!charset_can_write(column->charset, column->labels[i]))
            return refuse(work, "its character set cannot write a label of column", column->name);
    return true;
}

/* CONVERT TO: every text takes the charset, and as many characters as before have room in it. A column that the
 * statement defines has the size that it says; but MySQL gives a TEXT, and a BLOB, that of the old one [tried on 9.7]. */
static bool convert_column(Work *work, SourceColumn *column, const Item *item)
{
    bool sized = column->type == SOURCE_TYPE_TEXT || column->type == SOURCE_TYPE_BLOB;
    if (work->convert && sized && item->text && item->origin >= 0 && work->context->flavour == SOURCE_MYSQL)
        return refuse(work, "it converts and changes at once the column", column->name);
    if (!work->convert || !column->charset || strcmp(column->charset, "binary") == 0)
        return true;
    if (column->labels && !labels_survive(work, column, work->convert->charset))
        return false;
    unsigned before = charset_bytes_max(column->charset), after = charset_bytes_max(work->convert->charset);
    work->change->converts = work->change->converts || strcmp(column->charset, work->convert->charset) != 0;
    g_free(column->charset);
    column->charset = g_strdup(work->convert->charset);
    g_free(column->collation);
    column->collation = g_strdup(work->convert->collation);
    if (column->type == SOURCE_TYPE_TEXT && !item->text)
        column_text_set_size(column, column_text_bytes(column) / before * after);
    else if (column->type == SOURCE_TYPE_VARCHAR && (uint64_t)column->precision * after > 65535)
        column_text_set_size(column, (uint64_t)column->precision * after);
    return true;
}

/* ---- making ---- */

static void copy_notes(SourceColumn *to, const SourceColumn *from)
{
    to->excluded = from->excluded;
    to->as_name = g_strdup(from->as_name);
    to->as_type = g_strdup(from->as_type);
    to->as_codec = g_strdup(from->as_codec);
    to->placed = from->placed;
    to->as_nullable = !to->nullable && (from->nullable || from->as_nullable);
}

static bool make_column(Work *work, unsigned i)
{
    const Item *item = &g_array_index(work->items, Item, i);
    SourceColumn *to = &work->change->table->columns[i];
    const SourceColumn *from = item->origin >= 0 ? &work->old->columns[item->origin] : NULL;
    if (item->text) {
        column_text_settle(item->text, work->context, work->charset, work->collation);
        source_column_copy(to, &item->text->column, false);
    } else {
        source_column_copy(to, from, false);
        g_free(to->name);
        to->name = g_strdup(item->name);
    }
    bool ok = convert_column(work, to, item);
    if (from)
        copy_notes(to, from);
    work->change->origin[i] = item->origin;
    work->change->texts[i] = item->text;
    return ok && ((!item->text && !work->convert) || labels_fit(work, to));
}

/* Columns of a new primary key cannot be NULL. */
static void key_makes_not_null(Work *work)
{
    SourceTable *table = work->change->table;
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind != ALTER_ADD_KEY || !clause->primary)
            continue;
        for (unsigned k = 0; k < clause->columns->len; k++) {
            int column = source_table_find_column(table, clause->columns->pdata[k]);
            if (column < 0 || !table->columns[column].nullable)
                continue;
            table->columns[column].nullable = false;
            table->columns[column].as_nullable = work->change->origin[column] >= 0;
        }
    }
}

/* ---- history ---- */

/* Where the columns of the period are now: what the statement calls so, else what they were. */
static void find_period(Work *work)
{
    Versioning *versioning = &work->change->table->versioning;
    const Versioning *old = &work->old->versioning;
    for (int i = 0; i < (int)work->items->len; i++) {
        const Item *item = &g_array_index(work->items, Item, (unsigned)i);
        bool was = old->on && item->origin >= 0 && !item->text;
        if (item->text ? item->text->row_start : was && item->origin == old->row_start)
            versioning->row_start = i;
        if (item->text ? item->text->row_end : was && item->origin == old->row_end)
            versioning->row_end = i;
    }
}

/* Without names the partitions by SYSTEM_TIME that there are stay as they are, but with another number of them all get
 * other names [tried on 10.11 and 11.8]; then it is not known where current rows are, and no partition counts as
 * history. */
static void change_partitions(Versioning *versioning, const AlterClause *clause)
{
    g_autofree char *old = g_steal_pointer(&versioning->current_partition);
    if (!clause->by_system_time)
        return;
    if (clause->name)
        versioning->current_partition = g_strdup(clause->name);
    else if (!old || casefold_equal(old, VERSIONING_CURRENT_PARTITION))
        versioning->current_partition = g_strdup(VERSIONING_CURRENT_PARTITION);
    else if (!clause->counted)
        versioning->current_partition = g_steal_pointer(&old);
}

static bool make_versioning(Work *work)
{
    SourceTable *table = work->change->table;
    Versioning *versioning = &table->versioning;
    versioning_copy(versioning, &work->old->versioning);
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind == ALTER_ADD_VERSIONING || clause->kind == ALTER_DROP_VERSIONING)
            versioning->on = clause->kind == ALTER_ADD_VERSIONING;
        if (clause->kind == ALTER_PARTITIONED)
            change_partitions(versioning, clause);
    }
    versioning->row_start = versioning->row_end = -1;
    find_period(work);
    if (!versioning->on) {
        versioning_clear(versioning);
        return true;
    }
    if ((versioning->row_start < 0) != (versioning->row_end < 0))
        return refuse(work, "one of ROW START and ROW END is missing, of", table->name);
    if (versioning->row_end >= 0 && table->columns[versioning->row_end].type != SOURCE_TYPE_TIMESTAMP)
        return refuse(work, VERSIONING_BY_TRANSACTIONS ":", table->name);
    return true;
}

/* Of the rows of these partitions none is a current one. */
static bool is_history(const Work *work, const AlterClause *clause)
{
    const char *current = work->old->versioning.current_partition;
    for (unsigned i = 0; current && clause->columns && i < clause->columns->len; i++)
        if (casefold_equal(clause->columns->pdata[i], current))
            return false;
    return current && clause->columns;
}

static bool make_table(Work *work)
{
    const SourceTable *old = work->old;
    SourceTable *table = work->change->table = source_table_new();
    table->database = g_strdup(old->database);
    table->name = g_strdup(old->name);
    table->engine = g_strdup(old->engine);
    table->create_sql = g_strdup("");
    table->charset = g_strdup(work->charset);
    table->collation = g_strdup(work->collation);
    table->kept = g_strdupv(old->kept);
    table->cascades = cascades_copy(old->cascades);
    source_table_copy_texts(table, old);
    table->rows_estimate = old->rows_estimate;
    table->bytes_estimate = old->bytes_estimate;
    table->n_columns = work->items->len;
    table->columns = g_new0(SourceColumn, table->n_columns);
    work->change->origin = g_new0(int, table->n_columns);
    work->change->texts = g_new0(ColumnText *, table->n_columns);
    for (unsigned i = 0; i < table->n_columns; i++)
        if (!make_column(work, i))
            return false;
    key_makes_not_null(work);
    return make_versioning(work);
}

/* ---- the key ---- */

static int find_origin(const TableChange *change, unsigned old_index)
{
    for (unsigned i = 0; i < change->table->n_columns; i++)
        if (change->origin[i] == (int)old_index)
            return (int)i;
    return -1;
}

static bool key_lost(TableChange *change, const char *format, const char *name)
{
    g_autofree char *shown = printable(name, 64);
    g_free(change->key_why);
    change->key_why = g_strdup_printf(format, shown);
    return false;
}

/* The key's columns where they are now, NOT NULL still. */
static bool key_follow(const SourceTable *old, TableChange *change)
{
    SourceTable *table = change->table;
    table->key = g_new0(unsigned, old->n_key);
    table->n_key = old->n_key;
    table->key_name = g_strdup(old->key_name);
    for (unsigned k = 0; k < old->n_key; k++) {
        const char *name = old->columns[old->key[k]].name;
        int at = find_origin(change, old->key[k]);
        if (at < 0)
            return key_lost(change, "column %s of its key was dropped", name);
        table->key[k] = (unsigned)at;
        if (table->columns[at].nullable)
            return key_lost(change, "column %s of its key may be NULL now", name);
    }
    return true;
}

/* Whether a key over exactly the columns of the table's key was made; the server adds ROW END to it, where it does not
 * say so itself. */
static bool key_is_same(const SourceTable *table, const AlterClause *clause)
{
    const Versioning *versioning = &table->versioning;
    unsigned k = 0;
    for (unsigned i = 0; i < clause->columns->len; i++) {
        const char *name = clause->columns->pdata[i];
        if (versioning->on && versioning->row_end >= 0 &&
            casefold_equal(name, table->columns[versioning->row_end].name))
            continue;
        if (k == table->n_key || !casefold_equal(name, table->columns[table->key[k++]].name))
            return false;
    }
    return k == table->n_key;
}

/* A key over exactly these columns is made by the same statement. */
static const AlterClause *key_made_again(const Work *work)
{
    const SourceTable *table = work->change->table;
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind == ALTER_ADD_KEY && clause->plain && key_is_same(table, clause))
            return clause;
    }
    return NULL;
}

static void key_check(Work *work)
{
    SourceTable *table = work->change->table;
    if (!key_follow(work->old, work->change))
        return;
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        bool names = clause->name && table->key_name && casefold_equal(clause->name, table->key_name);
        if (names && clause->kind == ALTER_RENAME_KEY) {
            g_free(table->key_name);
            table->key_name = g_strdup(clause->to);
        } else if (names && (clause->kind == ALTER_DROP_KEY || clause->kind == ALTER_DROP_CONSTRAINT)) {
            const AlterClause *again = key_made_again(work);
            if (!again || !again->name) {
                key_lost(work->change, "its key %s was dropped", table->key_name);
                return;
            }
            g_free(table->key_name);
            table->key_name = g_strdup(again->name);
            return;
        }
    }
}

/* ---- the whole ---- */

void table_change_free(TableChange *change)
{
    if (!change)
        return;
    source_table_unref(change->table);
    g_free(change->origin);
    g_free(change->texts);
    g_array_unref(change->dropped);
    g_free(change->rows);
    g_free(change->key_why);
    g_free(change->to_database);
    g_free(change->to_table);
    g_free(change);
}

static TableChange *change_new(void)
{
    TableChange *change = g_new0(TableChange, 1);
    change->dropped = g_array_new(FALSE, FALSE, sizeof(unsigned));
    return change;
}

static void note_others(Work *work)
{
    for (unsigned i = 0; i < work->alter->clauses->len; i++) {
        const AlterClause *clause = work->alter->clauses->pdata[i];
        if (clause->kind == ALTER_ROWS && !work->change->rows && !is_history(work, clause))
            work->change->rows = g_strdup(clause->name);
        if (clause->kind != ALTER_RENAME_TABLE)
            continue;
        g_free(work->change->to_database);
        g_free(work->change->to_table);
        work->change->to_database = g_strdup(clause->name);
        work->change->to_table = g_strdup(clause->to);
    }
}

TableChange *table_alter(const SourceTable *old, const AlterText *alter, const ColumnContext *context, char **why)
{
    Work work = {.old = old, .alter = alter, .context = context, .change = change_new()};
    work.items = g_array_new(FALSE, FALSE, sizeof(Item));
    work.ignored = g_hash_table_new(NULL, NULL);
    find_defaults(&work);
    bool ok = check_defaults(&work) && clauses_check(&work) && order_columns(&work) && make_table(&work);
    if (ok) {
        key_check(&work);
        note_others(&work);
    } else {
        *why = g_steal_pointer(&work.why);
        g_clear_pointer(&work.change, table_change_free);
    }
    g_array_unref(work.items);
    g_hash_table_unref(work.ignored);
    g_free(work.charset);
    g_free(work.collation);
    return work.change;
}

/* A key of the operator's choice goes on where its columns do. */
static bool key_named_again(const SourceTable *old, SourceTable *now)
{
    g_autofree unsigned *key = g_new0(unsigned, old->n_key);
    for (unsigned k = 0; k < old->n_key; k++) {
        int at = source_table_find_column(now, old->columns[old->key[k]].name);
        if (at < 0 || now->columns[at].nullable)
            return false;
        key[k] = (unsigned)at;
    }
    source_table_set_key(now, key, old->n_key);
    return true;
}

/* The key in use stays the key where the new table has one over the same columns. */
static bool key_same(const SourceTable *old, const SourceTable *now)
{
    bool same = old->n_key == now->n_key;
    for (unsigned k = 0; same && k < old->n_key; k++)
        same = casefold_equal(old->columns[old->key[k]].name, now->columns[now->key[k]].name);
    return same;
}

TableChange *table_replace(const SourceTable *old, SourceTable *now)
{
    TableChange *change = change_new();
    change->table = source_table_ref(now);
    change->origin = g_new0(int, now->n_columns);
    change->texts = g_new0(ColumnText *, now->n_columns);
    for (unsigned i = 0; i < now->n_columns; i++) {
        SourceColumn *column = &now->columns[i];
        change->origin[i] = source_table_find_column(old, column->name);
        if (change->origin[i] < 0)
            continue;
        g_clear_pointer(&column->as_name, g_free);
        g_clear_pointer(&column->as_type, g_free);
        g_clear_pointer(&column->as_codec, g_free);
        copy_notes(column, &old->columns[change->origin[i]]);
    }
    for (unsigned i = 0; i < old->n_columns; i++)
        if (find_origin(change, i) < 0)
            g_array_append_val(change->dropped, i);
    now->kept = g_strdupv(old->kept);
    source_table_copy_texts(now, old);
    if (source_table_key_is_named(old) ? !key_named_again(old, now) : !key_same(old, now))
        key_lost(change, "the table under its name has another key than %s", old->key_name ? old->key_name : "the setting's");
    return change;
}
