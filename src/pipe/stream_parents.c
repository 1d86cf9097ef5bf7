/* stream_parents.c - tables whose changes change rows of followed tables without a trace in the log: the parents of foreign
 * keys that cascade, and their parents (replication.md, What the log does not show). A change of one advises a resync of the
 * tables below it.
 */
#include "pipe/stream_private.h"

#include "mysql/versioning.h"

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
    int row_end; /* where it has history: the column that an update changes when it deletes a row (mysql/versioning.h);
                    -1 */
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
    GError *error;     /* of the source, which may pass; NULL: none */
} Search;

/* As the source has it now; NULL: it is gone, cannot be read, or `error` is set. Preflight asked for the right to. */
static SourceTable *read_definition(Search *search, const char *database, const char *name)
{
    GError *problem = NULL;
    SourceTable *definition = search->error ? NULL : source_table_read(search->source, database, name, &problem);
    if (!problem)
        return definition;
    Verdict verdict = retry_decide(problem, SIDE_SOURCE).verdict;
    if (verdict == VERDICT_RETRY || verdict == VERDICT_CANCELLED)
        search->error = problem;
    else
        g_error_free(problem);
    return NULL;
}

/* As it was recorded where it is followed. */
static SourceTable *find_definition(Search *search, const Cascade *cascade, bool *recorded)
{
    const StreamTable *followed;
    g_autofree char *key = stream_table_key(cascade->database, cascade->table);
    followed = g_hash_table_lookup(search->s->by_name, key);
    *recorded = followed != NULL;
    if (followed)
        return source_table_ref(followed->table->definition);
    return read_definition(search, cascade->database, cascade->table);
}

/* The source tells most keys as the recorded definition does. */
static bool has_link(const StreamParent *parent, const PipeTable *child, const Cascade *cascade)
{
    for (unsigned i = 0; i < parent->links->len; i++) {
        const Link *link = parent->links->pdata[i];
        if (link->child == child && link->on_delete == cascade->on_delete && link->on_update == cascade->on_update &&
            g_strv_equal((const char *const *)link->columns, (const char *const *)cascade->columns))
            return true;
    }
    return false;
}

static void add_link(Search *search, PipeTable *child, const Cascade *cascade);

static void go_up(Search *search, PipeTable *child, const GPtrArray *cascades)
{
    for (unsigned i = 0; cascades && i < cascades->len; i++)
        add_link(search, child, cascades->pdata[i]);
}

/* Where a parent was renamed the source tells another name than what was recorded, without a statement on the table. */
static void go_up_from(Search *search, PipeTable *child, const SourceTable *definition, bool recorded)
{
    if (!definition->cascades || definition->cascades->len == 0)
        return;
    go_up(search, child, definition->cascades);
    g_autoptr(SourceTable) now = recorded ? read_definition(search, definition->database, definition->name) : NULL;
    if (now)
        go_up(search, child, now->cascades);
}

static void add_link(Search *search, PipeTable *child, const Cascade *cascade)
{
    Stream *s = search->s;
    g_autofree char *key = stream_table_key(cascade->database, cascade->table);
    StreamParent *parent = g_hash_table_lookup(s->parents, key);
    if (!parent) {
        parent = g_new0(StreamParent, 1);
        parent->links = g_ptr_array_new_with_free_func(link_free);
        parent->row_end = -1;
        g_hash_table_insert(s->parents, g_strdup(key), parent);
    }
    if (has_link(parent, child, cascade))
        return;
    Link *link = g_new0(Link, 1);
    *link = (Link){.child = child,
                   .on_delete = cascade->on_delete,
                   .on_update = cascade->on_update,
                   .columns = g_strdupv(cascade->columns)};
    g_ptr_array_add(parent->links, link);
    if (!g_hash_table_add(search->above, g_strdup(key))) /* keys can go round in circles */
        return;
    bool recorded;
    g_autoptr(SourceTable) definition = find_definition(search, cascade, &recorded);
    if (!definition)
        return;
    parent->row_end = versioning_row_end(definition);
    if (!parent->names) {
        parent->names = g_new0(char *, definition->n_columns + 1);
        for (unsigned i = 0; i < definition->n_columns; i++)
            parent->names[i] = g_strdup(definition->columns[i].name);
    }
    go_up_from(search, child, definition, recorded);
}

void stream_parents_clear(Stream *s)
{
    g_clear_pointer(&s->parents_by_id, g_hash_table_destroy);
    g_clear_pointer(&s->parents, g_hash_table_destroy);
}

bool stream_parents_find(Stream *s, SourceConnection *source, GError **error)
{
    Search search = {.s = s, .source = source};
    stream_parents_clear(s);
    g_hash_table_remove_all(s->by_id); /* maps come again, and are looked at anew */
    s->map_id = UINT64_MAX;
    s->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, parent_free);
    s->parents_by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (unsigned i = 0; !s->cascades_logged && i < s->tables->len; i++) {
        search.above = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        PipeTable *child = ((StreamTable *)s->tables->pdata[i])->table;
        go_up_from(&search, child, child->definition, true);
        g_hash_table_destroy(search.above);
    }
    if (g_hash_table_size(s->parents) == 0)
        stream_parents_clear(s);
    if (search.error) {
        g_propagate_error(error, search.error);
        return false;
    }
    s->parents_stale = false;
    return true;
}

bool stream_parents_renew(Stream *s, GError **error)
{
    g_autoptr(SourceConnection) source = stream_ask_source(s, error);
    return source && stream_parents_find(s, source, error);
}

/* ---- Their changes ---- */

static void advise(Stream *s, const Link *link, const char *key_changes, const BinlogEvent *event)
{
    g_autofree char *why =
        g_strdup_printf("%s, and a foreign key changes rows of it then, which the log does not show", key_changes);
    g_autofree char *position = g_strdup_printf("%s:%" G_GUINT64_FORMAT, event->file, event->start);
    pipe_table_advise_resync(s->pipe, link->child, why, position);
}

/* Rows of a parent change by a statement that is logged as text: always, where its history is kept by transactions
 * (mysql/versioning.h). */
static void parent_statement(Stream *s, const StreamParent *parent, const DdlName *name, const BinlogEvent *event)
{
    g_autofree char *what =
        g_strdup_printf("%s.%s was changed by a statement that is logged as text", name->database, name->table);
    for (unsigned i = 0; i < parent->links->len; i++) {
        const Link *link = parent->links->pdata[i];
        if (stream_follows(s, link->child, event))
            advise(s, link, what, event);
    }
}

void stream_parents_statement(Stream *s, const DdlStatement *statement, const BinlogEvent *event)
{
    for (unsigned i = 0; s->parents && i < statement->tables->len; i++) {
        const DdlName *name = statement->tables->pdata[i];
        g_autofree char *key = stream_table_key(name->database ? name->database : "", name->table ? name->table : "");
        const StreamParent *parent = g_hash_table_lookup(s->parents, key);
        if (parent && statement->kind == DDL_ROWS_STATEMENT)
            parent_statement(s, parent, name, event);
        else if (!name->database || !name->table || parent)
            s->parents_stale = true;
    }
}

void stream_parents_map(Stream *s, const char *key, TableMap *map_take)
{
    g_autoptr(TableMap) map = map_take;
    StreamParent *parent = s->parents ? g_hash_table_lookup(s->parents, key) : NULL;
    if (!parent) {
        if (s->parents) /* the server may have begun to count anew */
            g_hash_table_remove(s->parents_by_id, &map->table_id);
        return;
    }
    g_hash_table_insert(s->parents_by_id, g_memdup2(&map->table_id, sizeof map->table_id), parent);
    table_map_free(parent->map);
    parent->map = g_steal_pointer(&map);
}

bool stream_parents_have(const Stream *s, uint64_t table_id)
{
    return s->parents && g_hash_table_contains(s->parents_by_id, &table_id);
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

/* Where the table has history, MariaDB logs a DELETE as an update of row_end, and its foreign keys do what they do on a
 * delete; they do nothing when history is deleted [tried on 10.11, 11.8]. What cannot be told counts as a delete. */
static bool deletes(const StreamParent *parent, const RowsEvent *rows)
{
    unsigned row_end = (unsigned)parent->row_end;
    uint8_t last_moment[VERSIONING_MOMENT_LEN];
    if (rows->kind == ROWS_INSERT || parent->row_end < 0)
        return rows->kind == ROWS_DELETE;
    if (rows->kind == ROWS_UPDATE)
        return row_end >= parent->map->n_columns || !rows_update_keeps(parent->map, rows, &row_end, 1);
    versioning_last_moment(rows->timestamp_max, last_moment);
    return rows_may_have(parent->map, rows, row_end, last_moment, sizeof last_moment);
}

void stream_parents_rows(Stream *s, const RowsEvent *rows, const BinlogEvent *event)
{
    const StreamParent *parent = g_hash_table_lookup(s->parents_by_id, &rows->table_id);
    for (unsigned i = 0; parent && i < parent->links->len; i++) {
        const Link *link = parent->links->pdata[i];
        bool deleted = link->on_delete && deletes(parent, rows);
        bool changed = link->on_update && rows->kind == ROWS_UPDATE && !keeps_columns(parent, link, rows);
        if ((!deleted && !changed) || !stream_follows(s, link->child, event))
            continue;
        g_autofree char *what = g_strdup_printf("rows of %s.%s were %s", parent->map->database, parent->map->table,
                                                deleted ? "deleted" : "changed");
        advise(s, link, what, event);
    }
}
