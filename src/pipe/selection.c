#include "pipe/selection.h"

#include "base/base.h"

#include <string.h>

typedef struct {
    bool exclude;
    char *database;
    char *table;  /* the name, or the part before the `*` */
    bool wildcard;
    char *target; /* NULL: as the source table */
} Item;

struct Selection {
    GPtrArray *items;
};

static void item_free(Item *item)
{
    if (!item)
        return;
    g_free(item->database);
    g_free(item->table);
    g_free(item->target);
    g_free(item);
}

static void name_free(SelectionName *name)
{
    g_free(name->database);
    g_free(name->table);
    g_free(name);
}

void selection_free(Selection *selection)
{
    if (!selection)
        return;
    g_ptr_array_free(selection->items, TRUE);
    g_free(selection);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One part of a name, plain or in backticks; NULL when there is none, and then `p` stays. */
static char *read_part(const char **p)
{
    g_autoptr(GString) part = g_string_new(NULL);
    const char *s = *p;

    if (*s == '`') {
        for (s++; *s; s++) {
            if (*s == '`' && s[1] == '`') {
                s++;
            } else if (*s == '`') {
                if (part->len == 0)
                    return NULL;
                *p = s + 1;
                return g_string_free(g_steal_pointer(&part), FALSE);
            }
            g_string_append_c(part, *s);
        }
        return NULL; /* not closed */
    }
    while (*s && !strchr(".,:*` \t\r\n", *s))
        g_string_append_c(part, *s++);
    *p = s;
    return part->len ? g_string_free(g_steal_pointer(&part), FALSE) : NULL;
}

/* `p` stands at the mark where read_part gave up. */
static const char *part_error(const char *p, const char *otherwise)
{
    if (*p != '`')
        return otherwise;
    return p[1] == '`' ? "a name in backticks is empty" : "a backtick is not closed";
}

static const char *parse_item(const char **p, Item *item)
{
    if (**p == '-') {
        item->exclude = true;
        (*p)++;
    }
    item->database = read_part(p);
    if (!item->database || **p != '.')
        return part_error(item->database ? "" : *p, "a table is written db.table, db.* or db.prefix_*");
    (*p)++;
    item->table = read_part(p);
    if (**p == '*') {
        item->wildcard = true;
        (*p)++;
    }
    if (!item->table && !item->wildcard)
        return part_error(*p, "the table's name is missing after the dot");
    if (!item->table)
        item->table = g_strdup("");
    if (**p == ':') {
        if (item->wildcard || item->exclude)
            return "only a single table can be given a target";
        (*p)++;
        item->target = read_part(p);
        if (!item->target)
            return part_error(*p, "the target's name is missing after the colon");
    }
    while (**p == ' ' || **p == '\t' || **p == '\r')
        (*p)++;
    if (**p && **p != ',' && **p != '\n')
        return "names with other characters than letters, digits and _ are written in backticks";
    return NULL;
}

static bool parse_list(Selection *selection, const char *list, bool exclude, GError **error)
{
    const char *p = list;
    for (;;) {
        while (is_blank(*p) || *p == ',')
            p++;
        if (!*p)
            return true;
        const char *start = p;
        Item *item = g_new0(Item, 1);
        const char *wrong = parse_item(&p, item);
        if (wrong) {
            size_t len = strcspn(start, ",\n");
            g_autofree char *shown = printable_n(start, len, 80);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "cannot read the table list at \"%s\": %s", shown, wrong);
            item_free(item);
            return false;
        }
        item->exclude |= exclude;
        g_ptr_array_add(selection->items, item);
    }
}

/* A table that is named twice is kept once. */
static bool merge_repeated(Selection *selection, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < selection->items->len;) {
        Item *item = selection->items->pdata[i];
        char *name = item->wildcard || item->exclude ? NULL : selection_name(item->database, item->table);
        Item *first = name ? g_hash_table_lookup(seen, name) : NULL;
        if (!first) {
            if (name)
                g_hash_table_insert(seen, name, item);
            i++;
            continue;
        }
        if (first->target && item->target && strcmp(first->target, item->target) != 0) {
            g_autofree char *shown = printable(name, 160);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "table %s is given two targets; leave one out", shown);
            g_free(name);
            return false;
        }
        if (item->target && !first->target)
            first->target = g_steal_pointer(&item->target);
        g_ptr_array_remove_index(selection->items, i);
        g_free(name);
    }
    return true;
}

Selection *selection_parse(const char *const *lists, const char *const *excludes, GError **error)
{
    g_autoptr(Selection) selection = g_new0(Selection, 1);
    bool any = false;

    selection->items = g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
    for (; lists && *lists; lists++)
        if (!parse_list(selection, *lists, false, error))
            return NULL;
    for (; excludes && *excludes; excludes++)
        if (!parse_list(selection, *excludes, true, error))
            return NULL;
    if (!merge_repeated(selection, error))
        return NULL;
    for (unsigned i = 0; i < selection->items->len; i++)
        any |= !((Item *)selection->items->pdata[i])->exclude;
    if (!any) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "no tables are named; give --tables db.table or db.*");
        return NULL;
    }
    return g_steal_pointer(&selection);
}

static void append_part(GString *out, const char *name)
{
    bool plain = *name != '\0';
    for (const char *p = name; *p; p++)
        plain &= g_ascii_isalnum(*p) || *p == '_' || *p == '$' || (guchar)*p >= 0x80;
    if (plain) {
        g_string_append(out, name);
        return;
    }
    g_string_append_c(out, '`');
    for (const char *p = name; *p; p++) {
        if (*p == '`')
            g_string_append_c(out, '`');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '`');
}

char *selection_text(const Selection *selection)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < selection->items->len; i++) {
        const Item *item = selection->items->pdata[i];
        if (item->exclude)
            g_string_append_c(out, '-');
        append_part(out, item->database);
        g_string_append_c(out, '.');
        if (*item->table)
            append_part(out, item->table);
        if (item->wildcard)
            g_string_append_c(out, '*');
        if (item->target) {
            g_string_append_c(out, ':');
            append_part(out, item->target);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static bool item_matches(const Item *item, const char *database, const char *table)
{
    if (strcmp(item->database, database) != 0)
        return false;
    return item->wildcard ? g_str_has_prefix(table, item->table) : strcmp(item->table, table) == 0;
}

char *selection_list_add(const char *list, const char *more, GError **error)
{
    const char *lists[] = {list, NULL}, *mores[] = {more, NULL};
    g_autoptr(Selection) all = selection_parse(lists, NULL, error);
    g_autoptr(Selection) added = all ? selection_parse(mores, NULL, error) : NULL;
    if (!added)
        return NULL;
    for (unsigned i = all->items->len; i-- > 0;) {
        const Item *item = all->items->pdata[i];
        if (item->exclude && !item->wildcard && selection_match(added, item->database, item->table, NULL))
            g_ptr_array_remove_index(all->items, i);
    }
    g_autofree char *text = selection_text(all), *text_added = selection_text(added);
    return g_strconcat(text, text_added, NULL);
}

char *selection_list_remove(const char *list, const char *name, GError **error)
{
    const char *lists[] = {list, NULL}, *names[] = {name, NULL};
    g_autoptr(Selection) all = selection_parse(lists, NULL, error);
    g_autoptr(Selection) gone = all ? selection_parse(names, NULL, error) : NULL;
    if (!gone)
        return NULL;
    const Item *one = gone->items->pdata[0];
    for (unsigned i = all->items->len; i-- > 0;) {
        const Item *item = all->items->pdata[i];
        if (!item->exclude && !item->wildcard && item_matches(item, one->database, one->table))
            g_ptr_array_remove_index(all->items, i);
    }
    bool still = selection_match(all, one->database, one->table, NULL);
    g_autofree char *text = selection_text(all);
    return still ? g_strdup_printf("%s-%s\n", text, name) : g_steal_pointer(&text);
}

char *selection_name(const char *database, const char *table)
{
    GString *out = g_string_new(NULL);
    append_part(out, database);
    g_string_append_c(out, '.');
    append_part(out, table);
    return g_string_free(out, FALSE);
}

bool selection_match(const Selection *selection, const char *database, const char *table, char **target)
{
    const Item *taken = NULL;
    for (unsigned i = 0; i < selection->items->len; i++) {
        const Item *item = selection->items->pdata[i];
        if (!item_matches(item, database, table))
            continue;
        if (item->exclude)
            return false;
        if (!taken || (item->target && !taken->target))
            taken = item;
    }
    if (!taken)
        return false;
    if (target)
        *target = g_strdup(taken->target ? taken->target : table);
    return true;
}

GPtrArray *selection_exact_names(const Selection *selection)
{
    GPtrArray *names = g_ptr_array_new_with_free_func((GDestroyNotify)name_free);
    for (unsigned i = 0; i < selection->items->len; i++) {
        const Item *item = selection->items->pdata[i];
        if (item->exclude || item->wildcard || !selection_match(selection, item->database, item->table, NULL))
            continue;
        SelectionName *name = g_new(SelectionName, 1);
        name->database = g_strdup(item->database);
        name->table = g_strdup(item->table);
        g_ptr_array_add(names, name);
    }
    return names;
}

bool selection_has_wildcard(const Selection *selection)
{
    for (unsigned i = 0; i < selection->items->len; i++) {
        const Item *item = selection->items->pdata[i];
        if (item->wildcard && !item->exclude)
            return true;
    }
    return false;
}

GPtrArray *selection_databases(const Selection *selection)
{
    GPtrArray *databases = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < selection->items->len; i++) {
        const Item *item = selection->items->pdata[i];
        if (!item->exclude && !g_ptr_array_find_with_equal_func(databases, item->database, g_str_equal, NULL))
            g_ptr_array_add(databases, g_strdup(item->database));
    }
    return databases;
}
