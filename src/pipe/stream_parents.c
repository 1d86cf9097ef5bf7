/* stream_parents.c - tables whose changes change rows of followed tables without a trace in the log: the parents of foreign
 * keys that cascade, and their parents (replication.md, What the log does not show). A change of one advises a resync of the
 * tables below it.
 */
#include "pipe/stream_private.h"

#include <string.h>

typedef struct StreamParent StreamParent;

typedef struct {
    PipeTable *child;
    bool on_delete, on_update;
    char **columns; /* of the parent: which a key refers to; empty: not told */
} Link;

struct StreamParent {
    GPtrArray *links;  /* of Link */
    TableMap *map;     /* of the rows that come */
    char **names;      /* the parent's columns as they are now; NULL: not known */
    bool looked_above; /* for its own parents */
};

static void link_free(void *data)
{
    Link *link = data;
    g_strfreev(link->columns);
    g_free(link);
}

static void parent_free(void *data)
{
    StreamParent *parent = data;
    g_ptr_array_unref(parent->links);
    table_map_free(parent->map);
    g_strfreev(parent->names);
    g_free(parent);
}

/* ---- Who is whose parent ---- */

typedef struct {
    Stream *s;
    SourceConnection *source;
    GHashTable *above; /* parents that were gone through for this child */
} Search;

static SourceTable *find_definition(const Search *search, const Cascade *cascade)
{
    const StreamTable *followed;
    g_autofree char *key = stream_table_key(cascade->database, cascade->table);
    followed = g_hash_table_lookup(search->s->by_name, key);
    if (followed)
        return source_table_ref(followed->table->definition);
    return source_table_read(search->source, cascade->database, cascade->table, NULL); /* preflight asked for the right to */
}

static void add_link(Search *search, PipeTable *child, const Cascade *cascade);

static void go_up(Search *search, PipeTable *child, const GPtrArray *cascades)
{
    for (unsigned i = 0; cascades && i < cascades->len; i++)
        add_link(search, child, cascades->pdata[i]);
}

static void add_link(Search *search, PipeTable *child, const Cascade *cascade)
{
    Stream *s = search->s;
    char *key = stream_table_key(cascade->database, cascade->table);
    StreamParent *parent = g_hash_table_lookup(s->parents, key);
    if (!parent) {
        parent = g_new0(StreamParent, 1);
        parent->links = g_ptr_array_new_with_free_func(link_free);
        g_hash_table_insert(s->parents, g_strdup(key), parent);
    }
    Link *link = g_new0(Link, 1);
    *link = (Link){.child = child,
                   .on_delete = cascade->on_delete,
                   .on_update = cascade->on_update,
                   .columns = g_strdupv(cascade->columns)};
    g_ptr_array_add(parent->links, link);
    if (!g_hash_table_add(search->above, key)) /* keys can go round in circles */
        return;
    g_autoptr(SourceTable) definition = find_definition(search, cascade);
    if (!definition)
        return;
    if (!parent->names) {
        parent->names = g_new0(char *, definition->n_columns + 1);
        for (unsigned i = 0; i < definition->n_columns; i++)
            parent->names[i] = g_strdup(definition->columns[i].name);
    }
    go_up(search, child, definition->cascades);
}

void stream_parents_clear(Stream *s)
{
    g_clear_pointer(&s->parents_by_id, g_hash_table_destroy);
    g_clear_pointer(&s->parents, g_hash_table_destroy);
}

void stream_parents_find(Stream *s, SourceConnection *source)
{
    stream_parents_clear(s);
    g_hash_table_remove_all(s->by_id); /* maps come again, and are looked at anew */
    s->map_id = UINT64_MAX;
    s->parents_stale = false;
    if (s->cascades_logged)
        return;
    for (unsigned i = 0; i < s->tables->len; i++) {
        PipeTable *child = ((StreamTable *)s->tables->pdata[i])->table;
        const GPtrArray *cascades = ((const SourceTable *)child->definition)->cascades;
        if (!cascades || cascades->len == 0)
            continue;
        if (!s->parents) {
            s->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, parent_free);
            s->parents_by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        }
        Search search = {.s = s, .source = source, .above = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
        go_up(&search, child, cascades);
        g_hash_table_destroy(search.above);
    }
}

bool stream_parents_renew(Stream *s, GError **error)
{
    g_autoptr(SourceConnection) source = source_open(s->work->source_url, s->work->reading, error);
    if (source)
        stream_parents_find(s, source);
    return source != NULL;
}

/* ---- Their changes ---- */

void stream_parents_statement(Stream *s, const DdlStatement *statement)
{
    for (unsigned i = 0; s->parents && i < statement->tables->len; i++) {
        const DdlName *name = statement->tables->pdata[i];
        g_autofree char *key = stream_table_key(name->database ? name->database : "", name->table ? name->table : "");
        if (!name->database || !name->table || g_hash_table_contains(s->parents, key))
            s->parents_stale = true;
    }
}

void stream_parents_map(Stream *s, const char *key, TableMap *map_take)
{
    g_autoptr(TableMap) map = map_take;
    StreamParent *parent = s->parents ? g_hash_table_lookup(s->parents, key) : NULL;
    if (!parent)
        return;
    g_hash_table_insert(s->parents_by_id, g_memdup2(&map->table_id, sizeof map->table_id), parent);
    table_map_free(parent->map);
    parent->map = g_steal_pointer(&map);
}

/* Where its columns stand in the rows; -1: not known. */
static int find_column(const StreamParent *parent, const char *name)
{
    char **names = parent->map->names ? parent->map->names : parent->names;
    if (!names || (!parent->map->names && g_strv_length(names) != parent->map->n_columns))
        return -1;
    for (unsigned i = 0; i < parent->map->n_columns; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

static bool keeps_columns(const StreamParent *parent, const Link *link, const RowsEvent *rows)
{
    g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (char **name = link->columns; *name; name++) {
        int column = find_column(parent, *name);
        if (column < 0)
            return false;
        unsigned index = (unsigned)column;
        g_array_append_val(columns, index);
    }
    return columns->len && rows_update_keeps(parent->map, rows, (const unsigned *)(void *)columns->data, columns->len);
}

void stream_parents_rows(Stream *s, const RowsEvent *rows, const BinlogEvent *event)
{
    const StreamParent *parent = g_hash_table_lookup(s->parents_by_id, &rows->table_id);
    for (unsigned i = 0; parent && i < parent->links->len; i++) {
        const Link *link = parent->links->pdata[i];
        bool changes = rows->kind == ROWS_DELETE ? link->on_delete : rows->kind == ROWS_UPDATE && link->on_update;
        if (!changes || !stream_follows(s, link->child, event) ||
            (rows->kind == ROWS_UPDATE && keeps_columns(parent, link, rows)))
            continue;
        g_autofree char *why =
            g_strdup_printf("rows of %s.%s were %s, and a foreign key changes rows of it then, which the log does not show",
                            parent->map->database, parent->map->table, rows->kind == ROWS_DELETE ? "deleted" : "changed");
        g_autofree char *position = g_strdup_printf("%s:%" G_GUINT64_FORMAT, event->file, event->start);
        pipe_table_advise_resync(s->pipe, link->child, why, position);
    }
}
