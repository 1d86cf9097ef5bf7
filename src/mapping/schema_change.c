#include "mapping/schema_change.h"

#include "base/casefold.h"
#include "clickhouse/http.h"
#include "clickhouse/layout.h"
#include "mapping/writers.h"

#include <stdarg.h>
#include <string.h>

typedef struct {
    const SchemaChangeRequest *request;
    SchemaChange *plan;
    GHashTable *there;  /* names at the destination as they will be; keys owned */
    GPtrArray *kept;    /* of char *: the new list of kept columns */
    GPtrArray *renames; /* of Rename, in this order */
    GString *columns;   /* ADD and MODIFY */
    GString *values; /* of rows that are there, in columns that another table of the destination table has had before */
    bool modifies_renamed, takes_over;
} Planner;

typedef struct {
    char *from, *to;
    bool makes_room; /* of a kept column, for another of its name */
    bool done;
} Rename;

static void rename_free(void *data)
{
    Rename *rename = data;
    g_free(rename->from);
    g_free(rename->to);
    g_free(rename);
}

/* ---- what is said ---- */

static void say(char **into, const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);
    char *all = *into ? g_strconcat(*into, "; ", text, NULL) : g_strdup(text);
    g_free(*into);
    *into = all;
}

static bool fail(Planner *planner, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(Planner *planner, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!planner->plan->fail)
        say(&planner->plan->fail, format, args);
    va_end(args);
    return false;
}

static void advise(Planner *planner, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void advise(Planner *planner, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(&planner->plan->advise, format, args);
    va_end(args);
}

static void note(Planner *planner, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void note(Planner *planner, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(planner->plan->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

/* ---- values that stay what they are ---- */

typedef enum {
    VALUES_SAME,  /* rows that are there keep their values, or the statement would have failed */
    VALUES_MAYBE, /* the server may have changed some */
    VALUES_OTHER, /* it has, or nobody knows how */
} Values;

static Values when_strict(const Planner *planner)
{
    return planner->request->strict ? VALUES_SAME : VALUES_MAYBE;
}

static bool is_integer(SourceType type)
{
    return type >= SOURCE_TYPE_TINYINT && type <= SOURCE_TYPE_BIGINT;
}

static bool is_text(SourceType type)
{
    return type == SOURCE_TYPE_CHAR || type == SOURCE_TYPE_VARCHAR || type == SOURCE_TYPE_TEXT;
}

static bool is_bytes(SourceType type)
{
    return type == SOURCE_TYPE_BINARY || type == SOURCE_TYPE_VARBINARY || type == SOURCE_TYPE_BLOB;
}

static unsigned integer_bits(SourceType type)
{
    static const unsigned bits[] = {[SOURCE_TYPE_TINYINT] = 8,
                                    [SOURCE_TYPE_SMALLINT] = 16,
                                    [SOURCE_TYPE_MEDIUMINT] = 24,
                                    [SOURCE_TYPE_INT] = 32,
                                    [SOURCE_TYPE_BIGINT] = 64};
    return bits[type];
}

static Values integer_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    unsigned have = integer_bits(from->type), want = integer_bits(to->type);
    bool holds = from->is_unsigned == to->is_unsigned ? want >= have : from->is_unsigned && want > have;
    return holds ? VALUES_SAME : when_strict(planner);
}

static Values decimal_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    if (to->scale < from->scale)
        return VALUES_MAYBE; /* rounded, with a warning at most */
    bool holds = to->precision - to->scale >= from->precision - from->scale && (from->is_unsigned || !to->is_unsigned);
    return holds ? VALUES_SAME : when_strict(planner);
}

static Values float_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    bool rounds = strchr(to->type_text, ',') && strcmp(from->type_text, to->type_text) != 0;
    if (rounds || (from->type == SOURCE_TYPE_DOUBLE && to->type == SOURCE_TYPE_FLOAT))
        return VALUES_MAYBE;
    return from->is_unsigned || !to->is_unsigned ? VALUES_SAME : when_strict(planner);
}

/* What every character of `from` can be written in. */
static bool charset_holds(const char *from, const char *to)
{
    bool all = strcmp(to, "utf8mb4") == 0 || g_str_has_prefix(to, "utf16") || strcmp(to, "utf32") == 0;
    bool few = strcmp(from, "ascii") == 0 || strcmp(from, to) == 0;
    bool most = strcmp(to, "utf8mb3") == 0 || strcmp(to, "ucs2") == 0 || strcmp(to, "utf8") == 0;
    bool from_all = strcmp(from, "utf8mb4") == 0 || g_str_has_prefix(from, "utf16") || strcmp(from, "utf32") == 0;
    return all || few || (most && !from_all);
}

/* In characters that are sure to fit. */
static uint64_t text_room(const SourceColumn *column, const char *charset)
{
    return column->type == SOURCE_TYPE_TEXT ? column_text_bytes(column) / charset_bytes_max(charset)
                                            : column->precision;
}

static Values text_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    if (to->type == SOURCE_TYPE_CHAR && from->type != SOURCE_TYPE_CHAR)
        return VALUES_MAYBE; /* blanks at the end are gone */
    uint64_t most =
        from->type == SOURCE_TYPE_TEXT ? column_text_bytes(from) / charset_bytes_min(from->charset) : from->precision;
    bool same_kind =
        from->type == SOURCE_TYPE_TEXT && to->type == SOURCE_TYPE_TEXT && strcmp(from->charset, to->charset) == 0;
    bool fits = same_kind ? column_text_bytes(to) >= column_text_bytes(from) : text_room(to, to->charset) >= most;
    /* Longer texts are an error when strict; but blanks at their end are cut off without one. */
    if (!fits && !(from->type == SOURCE_TYPE_TEXT && to->type == SOURCE_TYPE_TEXT && planner->request->strict))
        return VALUES_MAYBE;
    return charset_holds(from->charset, to->charset) ? VALUES_SAME : when_strict(planner);
}

static Values bytes_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    bool same = from->type == to->type && from->precision == to->precision;
    if (to->type == SOURCE_TYPE_BINARY && !same)
        return VALUES_MAYBE; /* zero bytes at the end */
    return to->precision >= from->precision ? VALUES_SAME : when_strict(planner);
}

static int label_index(char **labels, const char *label)
{
    for (int i = 0; labels[i]; i++)
        if (strcmp(labels[i], label) == 0)
            return i;
    return -1;
}

static bool label_alike(char **labels, const char *label)
{
    for (unsigned i = 0; labels[i]; i++)
        if (casefold_equal(labels[i], label))
            return true;
    return false;
}

/* Rows are carried over by the text of their labels. */
static Values label_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    Values values = VALUES_SAME;
    int last = -1;
    for (unsigned i = 0; from->labels[i]; i++) {
        int at = label_index(to->labels, from->labels[i]);
        if (at < 0 && label_alike(to->labels, from->labels[i]))
            return VALUES_MAYBE; /* written otherwise now */
        if (at < 0)
            values = MAX(values, when_strict(planner));
        else if (at < last && from->type == SOURCE_TYPE_SET)
            return VALUES_MAYBE; /* members are told in another order */
        last = MAX(last, at);
    }
    return values;
}

static Values values_of_types(const Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    if (is_integer(from->type) && is_integer(to->type))
        return integer_values(planner, from, to);
    if (is_text(from->type) && is_text(to->type))
        return text_values(planner, from, to);
    if (is_bytes(from->type) && is_bytes(to->type))
        return bytes_values(planner, from, to);
    if ((from->type == SOURCE_TYPE_FLOAT || from->type == SOURCE_TYPE_DOUBLE) &&
        (to->type == SOURCE_TYPE_FLOAT || to->type == SOURCE_TYPE_DOUBLE))
        return float_values(planner, from, to);
    if ((from->type == SOURCE_TYPE_ENUM || from->type == SOURCE_TYPE_SET) && is_text(to->type))
        return text_room(to, to->charset) >= from->precision && to->type != SOURCE_TYPE_CHAR ? VALUES_SAME
                                                                                             : VALUES_MAYBE;
    if (from->type != to->type)
        return VALUES_OTHER;
    switch (from->type) {
    case SOURCE_TYPE_DECIMAL:
        return decimal_values(planner, from, to);
    case SOURCE_TYPE_BIT:
        return to->precision >= from->precision ? VALUES_SAME : when_strict(planner);
    case SOURCE_TYPE_TIME:
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP:
        return to->scale >= from->scale ? VALUES_SAME : VALUES_MAYBE;
    case SOURCE_TYPE_ENUM:
    case SOURCE_TYPE_SET:
        return label_values(planner, from, to);
    case SOURCE_TYPE_VECTOR:
        return from->precision == to->precision ? VALUES_SAME : VALUES_OTHER;
    default:
        return VALUES_SAME;
    }
}

/* `defined`: the statement gives the column's definition anew, and with it maybe another expression. */
static Values column_values(const Planner *planner, const SourceColumn *from, const SourceColumn *to, bool defined)
{
    if (to->generated && (!from->generated || defined))
        return VALUES_MAYBE;
    Values values = values_of_types(planner, from, to);
    if (from->nullable && !to->nullable)
        values = MAX(values, when_strict(planner)); /* else NULL has become a zero */
    return values;
}

/* ---- types that ClickHouse changes in place ---- */

/* Bits of an integer type; unsigned ones positive, signed ones negative; 0: another type. */
static int dest_integer(const char *type)
{
    bool is_unsigned = *type == 'U';
    const char *digits = type + is_unsigned + 3;
    if (strncmp(type + is_unsigned, "Int", 3) != 0)
        return 0;
    int bits = (int)g_ascii_strtoll(digits, NULL, 10);
    return is_unsigned ? bits : -bits;
}

static bool dest_decimal(const char *type, unsigned *precision, unsigned *scale)
{
    return sscanf(type, "Decimal(%u, %u)", precision, scale) == 2;
}

static bool type_widens(const char *from, const char *to)
{
    g_autofree char *a = column_type_base(from);
    g_autofree char *b = column_type_base(to);
    unsigned p1, s1, p2, s2;
    int have = dest_integer(a), want = dest_integer(b);
    if (column_type_nullable(from) && !column_type_nullable(to))
        return false;
    if (strcmp(a, b) == 0)
        return true;
    if (have && want)
        return (have < 0) == (want < 0) ? ABS(want) >= ABS(have) : have > 0 && -want > have;
    if (dest_decimal(a, &p1, &s1) && dest_decimal(b, &p2, &s2))
        return s2 >= s1 && p2 - s2 >= p1 - s1;
    return strcmp(a, "Float32") == 0 && strcmp(b, "Float64") == 0;
}

/* ---- names at the destination ---- */

static const char *target_name(const SourceColumn *column)
{
    return column->as_name ? column->as_name : column->name;
}

static bool is_there(const Planner *planner, const char *name)
{
    return g_hash_table_contains(planner->there, name);
}

static int kept_index(const Planner *planner, const char *name)
{
    for (unsigned i = 0; i < planner->kept->len; i++)
        if (strcmp(planner->kept->pdata[i], name) == 0)
            return (int)i;
    return -1;
}

static void add_rename(Planner *planner, const char *from, char *to_take, bool makes_room)
{
    Rename *rename = g_new0(Rename, 1);
    rename->from = g_strdup(from);
    rename->to = to_take;
    rename->makes_room = makes_room;
    g_ptr_array_add(planner->renames, rename);
}

/* ---- other tables of the same destination table ---- */

static const SharedTable *other_at(const Planner *planner, unsigned i)
{
    const GPtrArray *others = planner->request->others;
    return others && i < others->len ? others->pdata[i] : NULL;
}

/* Which of them has a column of that name at the destination now; `column`: its index there. NULL: none. */
static const SharedTable *holder_of(const Planner *planner, const char *name, unsigned *column)
{
    const SharedTable *other;
    for (unsigned i = 0; (other = other_at(planner, i)); i++)
        for (*column = 0; *column < other->table->n_columns; ++*column) {
            const SourceColumn *its = &other->table->columns[*column];
            if (!its->excluded && strcmp(target_name(its), name) == 0)
                return other;
        }
    return NULL;
}

static bool is_held(const Planner *planner, const char *name)
{
    unsigned column;
    return holder_of(planner, name, &column) != NULL;
}

/* There, and kept since this table or another one dropped it. */
static bool is_kept(const Planner *planner, const char *name)
{
    const SharedTable *other;
    bool kept = kept_index(planner, name) >= 0;
    for (unsigned i = 0; !kept && (other = other_at(planner, i)); i++)
        kept = other->table->kept && g_strv_contains((const char *const *)other->table->kept, name);
    return kept && is_there(planner, name);
}

static void forget_kept(Planner *planner, const char *name)
{
    int index = kept_index(planner, name);
    if (index >= 0)
        g_ptr_array_remove_index(planner->kept, (guint)index);
}

/* What the destination has there is the others' too. */
static bool others_allow(Planner *planner, const SourceColumn *from, const SourceColumn *to)
{
    unsigned column;
    const SharedTable *holder = holder_of(planner, target_name(from), &column);
    if (!holder)
        return true;
    return fail(planner,
                "column %s %s is %s %s now, and the rows of %s.%s stand in the same column of the destination; alter "
                "all tables of it alike, then resync",
                from->name, from->type_text, to->name, to->type_text, holder->table->database, holder->table->name);
}

/* A column that was kept when it was dropped makes room for one of its name. */
static void move_kept(Planner *planner, const char *name)
{
    char *to = NULL;
    for (unsigned n = 1; !to || is_there(planner, to); n++) {
        g_free(to);
        to = g_strdup_printf("%s__dropped_%u", name, n);
    }
    g_hash_table_add(planner->there, g_strdup(to));
    g_hash_table_remove(planner->there, name);
    note(planner, "column %s, kept since it was dropped at the source, is called %s now", name, to);
    forget_kept(planner, name);
    add_rename(planner, name, to, true);
}

/* ---- columns ---- */

static void append_command(GString *commands, const char *verb, const char *name)
{
    if (commands->len)
        g_string_append(commands, ", ");
    g_string_append_printf(commands, "%s ", verb);
    clickhouse_quote_name(commands, name);
}

static char *dest_type(Planner *planner, const SourceTable *table, unsigned i)
{
    const char *why = NULL;
    const SourceColumn *column = &table->columns[i];
    char *type = mapping_column_type(column, source_table_column_is_placed(table, i), planner->request->settings, &why);
    if (!type)
        fail(planner, "column %s is %s, which cannot be replicated: %s", column->name, column->type_text, why);
    return type;
}

/* Another table of the destination table had the column before: rows of this one get what they have in it at the
 * source. */
static void take_over(Planner *planner, const SourceColumn *column, const char *type, OldRows rows,
                      const char *expression)
{
    const char *name = target_name(column);
    unsigned its;
    const SharedTable *holder = holder_of(planner, name, &its);
    const char *why = NULL;
    g_autofree char *there = mapping_column_type(
        &holder->table->columns[its], source_table_column_is_placed(holder->table, its), &holder->settings, &why);
    if (g_strcmp0(there, type) != 0) {
        fail(planner,
             "the new column %s would be %s, and is %s at the destination, where %s.%s has it; give both one type, "
             "then resync",
             name, type, there ? there : "another type", holder->table->database, holder->table->name);
        return;
    }
    forget_kept(planner, name);
    note(planner, "column %s was there already, of %s.%s", name, holder->table->database, holder->table->name);
    planner->takes_over = true;
    DestEngine engine;
    bool keeps_rows =
        !dest_engine_find(planner->request->change->table->texts[TABLE_ENGINE], &engine) || engine != DEST_NULL;
    if (rows == OLD_ROWS_DIFFER || !keeps_rows)
        return;
    g_string_append(planner->values, planner->values->len ? ", " : "UPDATE ");
    clickhouse_quote_name(planner->values, name);
    g_string_append(planner->values, " = ");
    if (rows == OLD_ROWS_VALUE) {
        g_string_append(planner->values, expression);
    } else if (column_type_nullable(type)) {
        g_string_append(planner->values, "NULL");
    } else {
        g_string_append(planner->values, "defaultValueOfTypeName(");
        clickhouse_quote_string(planner->values, type);
        g_string_append_c(planner->values, ')');
    }
}

static void add_column(Planner *planner, unsigned i)
{
    const SchemaChangeRequest *request = planner->request;
    const SourceColumn *column = &request->change->table->columns[i];
    const char *name = target_name(column);
    if (column->excluded)
        return;
    g_autofree char *type = dest_type(planner, request->change->table, i);
    if (!type)
        return;
    g_autofree char *expression = NULL;
    OldRows rows = request->change->texts[i] ? default_value_of(request->change->texts[i], column, type,
                                                                request->settings, request->time, &expression)
                                             : OLD_ROWS_DIFFER;
    if (rows == OLD_ROWS_FAIL) {
        fail(planner, "rows that are there have a zero date in the new column %s", column->name);
        return;
    }
    if (rows == OLD_ROWS_DIFFER)
        advise(planner, "what rows that are there have in the new column %s is not known", column->name);
    if (is_held(planner, name)) {
        take_over(planner, column, type, rows, expression);
        return;
    }
    if (is_kept(planner, name))
        move_kept(planner, name);
    else if (is_there(planner, name))
        advise(planner, "the destination had a column %s already, which takes the place of the new one", name);
    else
        forget_kept(planner, name);
    if (is_there(planner, name))
        return;
    append_command(planner->columns, "ADD COLUMN", name);
    g_string_append_printf(planner->columns, " %s", type);
    if (rows == OLD_ROWS_VALUE)
        g_string_append_printf(planner->columns, " DEFAULT %s", expression);
    if (column->as_codec)
        g_string_append_printf(planner->columns, " %s", column->as_codec);
    g_hash_table_add(planner->there, g_strdup(name));
}

static void drop_column(Planner *planner, const SourceColumn *column)
{
    if (column->excluded)
        return;
    const char *name = target_name(column);
    if (column->placed) {
        fail(planner, "column %s, which its ORDER BY, PARTITION BY or TTL names, was dropped", column->name);
        return;
    }
    if (kept_index(planner, name) < 0)
        g_ptr_array_add(planner->kept, g_strdup(name));
    note(planner,
         "column %s was dropped at the source; the destination keeps it, and later rows have its default there", name);
}

static bool key_column_stays(Planner *planner, const SourceColumn *from, const SourceColumn *to, bool same_type,
                             Values values)
{
    if (strcmp(target_name(from), target_name(to)) != 0)
        return fail(planner, "column %s of its key is called %s now", from->name, to->name);
    if (!same_type || values != VALUES_SAME)
        return fail(planner, "column %s of its key was %s and is %s now", from->name, from->type_text, to->type_text);
    return true;
}

static void change_column(Planner *planner, unsigned i)
{
    const SchemaChangeRequest *request = planner->request;
    const TableChange *change = request->change;
    const SourceColumn *from = &request->old->columns[change->origin[i]], *to = &change->table->columns[i];
    if (to->excluded)
        return;
    g_autofree char *old_type = dest_type(planner, request->old, (unsigned)change->origin[i]);
    g_autofree char *type = dest_type(planner, change->table, i);
    if (!old_type || !type)
        return;
    bool same_type = strcmp(old_type, type) == 0, renamed = strcmp(target_name(from), target_name(to)) != 0;
    Values values = column_values(planner, from, to, change->texts[i] != NULL);
    if (source_table_column_is_placed(change->table, i) && !key_column_stays(planner, from, to, same_type, values))
        return;
    if (values == VALUES_OTHER || (!same_type && !type_widens(old_type, type))) {
        fail(planner, "column %s was %s and is %s now, which the destination cannot change in place", from->name,
             from->type_text, to->type_text);
        return;
    }
    if (values == VALUES_MAYBE)
        advise(planner, "rows that are there may have other values in column %s now, which was %s and is %s%s",
               to->name, from->type_text, to->type_text, to->generated ? " generated" : "");
    if ((!same_type || renamed) && !others_allow(planner, from, to))
        return;
    if (!same_type) {
        append_command(planner->columns, "MODIFY COLUMN", target_name(to));
        g_string_append_printf(planner->columns, " %s", type);
        planner->modifies_renamed = planner->modifies_renamed || renamed;
    }
    if (renamed)
        add_rename(planner, target_name(from), g_strdup(target_name(to)), false);
}

/* ---- renames ---- */

static Rename *rename_from(const Planner *planner, const char *name)
{
    for (unsigned i = 0; i < planner->renames->len; i++) {
        Rename *rename = planner->renames->pdata[i];
        if (!rename->done && strcmp(rename->from, name) == 0)
            return rename;
    }
    return NULL;
}

static void put_rename(GString *commands, Rename *rename, const char *to)
{
    append_command(commands, "RENAME COLUMN", rename->from);
    g_string_append(commands, " TO ");
    clickhouse_quote_name(commands, to);
    rename->done = true;
}

/* A kept column, or one of somebody else's, has the name that a column is to be called. */
static void free_rename_targets(Planner *planner)
{
    unsigned n = planner->renames->len;
    for (unsigned i = 0; i < n; i++) {
        const Rename *rename = planner->renames->pdata[i];
        const char *to = rename->to;
        if (rename->makes_room || rename_from(planner, to) || !is_there(planner, to))
            continue;
        if (is_kept(planner, to) && !is_held(planner, to))
            move_kept(planner, to);
        else
            fail(planner, "the destination has a column %s already, which a column of the source is called now", to);
    }
}

/* ClickHouse renames in the order of the text, each name once in a statement: first what goes to a free name; then, for
 * columns that exchange their names, one of them goes aside and comes back in a statement of its own [tried on 26.7].
 */
static void order_renames(Planner *planner, GString *first, GString *second)
{
    unsigned left = planner->renames->len;
    while (left > 0) {
        bool moved = false;
        for (unsigned i = 0; i < planner->renames->len; i++) {
            Rename *rename = planner->renames->pdata[i];
            if (rename->done || rename_from(planner, rename->to))
                continue;
            put_rename(first, rename, rename->to);
            moved = true;
            left--;
        }
        for (unsigned i = 0; !moved && i < planner->renames->len; i++) {
            Rename *rename = planner->renames->pdata[i];
            if (rename->done)
                continue;
            g_autofree char *aside = g_strconcat(rename->to, "__renamed", NULL);
            put_rename(first, rename, aside);
            append_command(second, "RENAME COLUMN", aside);
            g_string_append(second, " TO ");
            clickhouse_quote_name(second, rename->to);
            moved = true;
            left--;
        }
    }
}

static bool name_is_used(const Planner *planner, const char *name)
{
    const SourceTable *table = planner->request->change->table;
    for (unsigned c = 0; c < table->n_columns; c++)
        if (strcmp(target_name(&table->columns[c]), name) == 0)
            return true;
    return false;
}

/* rename_column=both: the old name goes on as another name of the column. */
static void keep_old_names(Planner *planner)
{
    const SourceTable *table = planner->request->change->table;
    for (unsigned i = 0; planner->request->keep_old_names && i < table->n_columns; i++) {
        int origin = planner->request->change->origin[i];
        const char *name = target_name(&table->columns[i]);
        const char *old = origin >= 0 ? target_name(&planner->request->old->columns[origin]) : name;
        if (table->columns[i].excluded || strcmp(old, name) == 0 || name_is_used(planner, old))
            continue;
        g_autofree char *type = dest_type(planner, table, i);
        append_command(planner->columns, "ADD COLUMN", old);
        g_string_append_printf(planner->columns, " %s ALIAS ", type);
        clickhouse_quote_name(planner->columns, name);
        g_ptr_array_add(planner->kept, g_strdup(old));
        note(planner, "column %s is called %s now; the old name stays another name of it", old, name);
    }
}

static void add_step(Planner *planner, const GString *commands)
{
    if (commands->len)
        g_ptr_array_add(planner->plan->steps, g_strdup(commands->str));
}

/* As few statements as ClickHouse lets: a column is not renamed and modified in one. */
static void make_steps(Planner *planner)
{
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    free_rename_targets(planner);
    order_renames(planner, first, second);
    keep_old_names(planner);
    if (!second->len && !planner->modifies_renamed && first->len && planner->columns->len) {
        g_string_append_printf(first, ", %s", planner->columns->str);
        g_string_truncate(planner->columns, 0);
    }
    add_step(planner, first);
    add_step(planner, second);
    add_step(planner, planner->columns);
    if (planner->values->len) {
        g_autofree char *value = source_table_value(planner->request->change->table);
        g_string_append(planner->values, " WHERE ");
        clickhouse_quote_name(planner->values, planner->request->change->table->texts[TABLE_SOURCE_COLUMN]);
        g_string_append(planner->values, " = ");
        clickhouse_quote_string(planner->values, value);
    }
    add_step(planner, planner->values);
}

/* ---- the whole ---- */

static void see_whether_only_columns(Planner *planner)
{
    const SchemaChangeRequest *request = planner->request;
    /* A block of the load that is on its way must not meet another column of a name that it has, nor the default of
     * another table. */
    bool only = !planner->takes_over && !request->change->rows && !request->change->to_table &&
                !request->change->converts && planner->renames->len == 0;
    for (unsigned i = 0; only && i < request->change->table->n_columns; i++) {
        int origin = request->change->origin[i];
        if (origin < 0)
            continue;
        const SourceColumn *from = &request->old->columns[origin], *to = &request->change->table->columns[i];
        only = strcmp(from->name, to->name) == 0 && strcmp(from->type_text, to->type_text) == 0 &&
               from->nullable == to->nullable && g_strcmp0(from->charset, to->charset) == 0 &&
               from->generated == to->generated;
        /* The load walks along the key: in another order it would pass rows by. */
        only = only && (!source_table_column_in_key(request->change->table, i) ||
                        g_strcmp0(from->collation, to->collation) == 0);
    }
    planner->plan->only_columns = only;
}

static void take_kept(Planner *planner)
{
    SourceTable *table = planner->request->change->table;
    g_strfreev(table->kept);
    table->kept = NULL;
    if (planner->kept->len == 0)
        return;
    table->kept = g_new0(char *, planner->kept->len + 1);
    for (unsigned i = 0; i < planner->kept->len; i++)
        table->kept[i] = g_strdup(planner->kept->pdata[i]);
}

static void plan_columns(Planner *planner)
{
    const SchemaChangeRequest *request = planner->request;
    const TableChange *change = request->change;
    for (unsigned i = 0; i < change->dropped->len; i++)
        drop_column(planner, &request->old->columns[g_array_index(change->dropped, unsigned, i)]);
    for (unsigned i = 0; i < change->table->n_columns; i++)
        if (change->origin[i] >= 0)
            change_column(planner, i);
    /* What is renamed away leaves its name to a new column. */
    for (unsigned i = 0; i < planner->renames->len; i++)
        g_hash_table_remove(planner->there, ((Rename *)planner->renames->pdata[i])->from);
    for (unsigned i = 0; i < change->table->n_columns; i++)
        if (change->origin[i] < 0)
            add_column(planner, i);
}

SchemaChange *schema_change_plan(const SchemaChangeRequest *request)
{
    SchemaChange *plan = g_new0(SchemaChange, 1);
    Planner planner = {.request = request, .plan = plan};
    plan->steps = g_ptr_array_new_with_free_func(g_free);
    plan->notes = g_ptr_array_new_with_free_func(g_free);
    planner.there = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    planner.kept = g_ptr_array_new_with_free_func(g_free);
    planner.renames = g_ptr_array_new_with_free_func(rename_free);
    planner.columns = g_string_new(NULL);
    planner.values = g_string_new(NULL);
    for (unsigned i = 0; i < request->there->len; i++)
        g_hash_table_add(planner.there, g_strdup(request->there->pdata[i]));
    for (unsigned i = 0; request->old->kept && request->old->kept[i]; i++)
        g_ptr_array_add(planner.kept, g_strdup(request->old->kept[i]));
    if (request->change->key_why)
        fail(&planner, "%s", request->change->key_why);
    else
        plan_columns(&planner);
    if (!plan->fail)
        make_steps(&planner);
    see_whether_only_columns(&planner);
    take_kept(&planner);
    g_hash_table_unref(planner.there);
    g_ptr_array_unref(planner.kept);
    g_ptr_array_unref(planner.renames);
    g_string_free(planner.columns, TRUE);
    g_string_free(planner.values, TRUE);
    return plan;
}

void schema_change_free(SchemaChange *plan)
{
    if (!plan)
        return;
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->notes);
    g_free(plan->advise);
    g_free(plan->fail);
    g_free(plan);
}
