#include "pipe/new_tables.h"

#include "pipe/cutover.h"

#include <string.h>

/* Statements that follow each other within QUIET are looked for at once, but none waits longer than LONGEST. */
#define QUIET_USEC   (500 * 1000)
#define LONGEST_USEC (5 * 1000 * 1000)
#define NAMES_SHOWN  20

struct NewTables {
    GPtrArray *named;    /* of CatalogTable: by the log, not looked for yet */
    int64_t due, latest; /* monotonic; 0: not */
    /* The newest statement whose tables were looked for. It is met again when the threads were started before its place
     * was saved. */
    char *identity, *file;
    uint64_t pos;
    GHashTable *left_out; /* working tables that the journal has been told of */
};

NewTables *new_tables_new(void)
{
    NewTables *news = g_new0(NewTables, 1);
    news->named = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    news->left_out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return news;
}

void new_tables_free(NewTables *news)
{
    g_ptr_array_unref(news->named);
    g_hash_table_destroy(news->left_out);
    g_free(news->identity);
    g_free(news->file);
    g_free(news);
}

/* ---- What is left out ---- */

/* A table that an online schema change tool makes beside one of the pipe, for the time of its work. */
static bool is_working_table(const Pipe *pipe, const CatalogTable *table)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        if (strcmp(record->database, table->database) == 0 && cutover_is_working_table(table->name, record->name))
            return true;
    }
    return false;
}

/* It is told once. */
static bool leave_out(NewTables *news, Pipe *pipe, const CatalogTable *table)
{
    g_autofree char *name = selection_name(table->database, table->name);
    if (edit_find(pipe, name) || !is_working_table(pipe, table))
        return false;
    if (g_hash_table_add(news->left_out, g_strdup(name)))
        pipe_journal(pipe, "engine", "table", NULL,
                     "%s is not added: by its name it belongs to an online schema change; if not, sluice tables %s add "
                     "%s takes it",
                     name, pipe->name, name);
    return true;
}

/* ---- What the log tells ---- */

/* Of the server whose log is followed. Free with g_free. */
static char *server_identity(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    char *identity = g_strdup(pipe->record->identity);
    pthread_mutex_unlock(&pipe->lock);
    return identity;
}

static bool is_looked_for(const NewTables *news, const char *identity, const CatalogTable *at)
{
    return news->file && g_strcmp0(news->identity, identity) == 0 &&
           binlog_position_compare(at->begin_file, at->begin_pos, news->file, news->pos) <= 0;
}

void new_tables_named(NewTables *news, Pipe *pipe, const GPtrArray *tables, bool may_look)
{
    unsigned before = news->named->len;
    g_autofree char *identity = server_identity(pipe);
    for (unsigned i = 0; i < tables->len; i++) {
        const CatalogTable *from = tables->pdata[i];
        if (is_looked_for(news, identity, from) || leave_out(news, pipe, from))
            continue;
        CatalogTable *table = g_new0(CatalogTable, 1);
        table->database = g_strdup(from->database);
        table->name = g_strdup(from->name);
        table->begin_file = g_strdup(from->begin_file);
        table->begin_pos = from->begin_pos;
        g_ptr_array_add(news->named, table);
    }
    if (news->named->len == before || !may_look)
        return;
    int64_t now = clock_monotonic_usec();
    if (!news->latest)
        news->latest = now + LONGEST_USEC;
    news->due = MIN(now + QUIET_USEC, news->latest);
}

int64_t new_tables_due(const NewTables *news)
{
    return news->due;
}

void new_tables_rest(NewTables *news)
{
    news->due = news->latest = 0;
}

static void note_looked(NewTables *news, Pipe *pipe)
{
    g_autofree char *identity = server_identity(pipe);
    for (unsigned i = 0; i < news->named->len; i++) {
        const CatalogTable *at = news->named->pdata[i];
        if (is_looked_for(news, identity, at))
            continue;
        g_free(news->identity);
        news->identity = g_strdup(identity);
        g_free(news->file);
        news->file = g_strdup(at->begin_file);
        news->pos = at->begin_pos;
    }
    g_ptr_array_set_size(news->named, 0);
}

/* ---- Which tables ---- */

bool new_tables_never_began(Pipe *pipe, PipeTable *table)
{
    pthread_mutex_lock(&pipe->lock);
    bool began = table->record->definition || table->record->loaded;
    pthread_mutex_unlock(&pipe->lock);
    return !began && atomic_load(&table->state) == TABLE_FAILED;
}

typedef struct {
    Pipe *pipe;
    NewTables *news;
    SourceConnection *source;
    Selection *selection;
    GPtrArray *listed;  /* of CatalogTable: what the source has, of what the list takes; with targets */
    GHashTable *by_key; /* name_key -> of those */
    GHashTable *known;  /* name_key -> PipeTable */
} Look;

static void look_clear(Look *look)
{
    source_close(look->source);
    selection_free(look->selection);
    g_hash_table_destroy(look->by_key);
    g_hash_table_destroy(look->known);
    g_ptr_array_unref(look->listed);
}

/* As the server tells names apart. */
static char *name_key(const Look *look, const CatalogTable *table)
{
    g_autofree char *name = selection_name(table->database, table->name);
    return source_server(look->source)->lower_case_table_names ? g_ascii_strdown(name, -1) : g_steal_pointer(&name);
}

static bool is_in(const Look *look, GHashTable *tables, const CatalogTable *table)
{
    g_autofree char *key = name_key(look, table);
    return g_hash_table_contains(tables, key);
}

static void find_known(Look *look)
{
    for (unsigned i = 0; i < look->pipe->tables->len; i++) {
        PipeTable *table = look->pipe->tables->pdata[i];
        if (!table->record->twin_of)
            g_hash_table_insert(look->known, name_key(look, table->record), table);
    }
}

static bool was_named(const Look *look, const CatalogTable *record)
{
    g_autofree char *key = name_key(look, record);
    for (unsigned i = 0; i < look->news->named->len; i++) {
        g_autofree char *other = name_key(look, look->news->named->pdata[i]);
        if (strcmp(key, other) == 0)
            return true;
    }
    return false;
}

/* ---- What the source has ---- */

static bool list_tables(Look *look, GError **error)
{
    g_autoptr(GPtrArray) databases = selection_databases(look->selection);
    g_hash_table_remove_all(look->by_key);
    g_ptr_array_set_size(look->listed, 0);
    for (unsigned d = 0; d < databases->len; d++) {
        g_autoptr(GPtrArray) infos = source_list_names(look->source, databases->pdata[d], error);
        if (!infos)
            return false;
        for (unsigned i = 0; i < infos->len; i++) {
            const SourceTableInfo *info = infos->pdata[i];
            char *target = NULL;
            if (!selection_match(look->selection, info->database, info->name, &target))
                continue;
            CatalogTable *table = g_new0(CatalogTable, 1);
            table->database = g_strdup(info->database);
            table->name = g_strdup(info->name);
            table->target = target;
            g_ptr_array_add(look->listed, table);
            g_hash_table_insert(look->by_key, name_key(look, table), table);
        }
    }
    return true;
}

/* A statement stands in the log a moment before others see what it did [MySQL; for long under semi-synchronous
 * replication]. Until then its session holds the table's lock, which this waits for; what it answers does not matter.
 */
static bool wait_for_statement(const Look *look, const CatalogTable *table, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SHOW CREATE TABLE ");
    GError *problem = NULL;
    source_quote_table(sql, table->database, table->name);
    g_autoptr(SourceRows) rows = source_query(look->source, sql->str, &problem);
    if (problem && retry_decide(problem, SIDE_SOURCE).verdict == VERDICT_RETRY) {
        g_propagate_error(error, problem);
        return false;
    }
    g_clear_error(&problem);
    return true;
}

static bool list_with_named(Look *look, GError **error)
{
    bool again = false;
    if (!list_tables(look, error))
        return false;
    for (unsigned i = 0; i < look->news->named->len; i++) {
        const CatalogTable *named = look->news->named->pdata[i];
        if (is_in(look, look->by_key, named))
            continue;
        again = true;
        if (!wait_for_statement(look, named, error))
            return false;
    }
    return !again || list_tables(look, error);
}

/* ---- What is done ---- */

static void tell_added(Pipe *pipe, const GPtrArray *added)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (unsigned i = 0; i < MIN(added->len, NAMES_SHOWN); i++) {
        const CatalogTable *table = added->pdata[i];
        g_string_append_printf(names, "%s%s.%s", i ? ", " : "", table->database, table->name);
    }
    if (added->len > NAMES_SHOWN)
        g_string_append_printf(names, " and %u more", added->len - NAMES_SHOWN);
    pipe_journal(pipe, "engine", "table", NULL, "new at the source, and added by new_tables=add: %s", names->str);
}

/* What it goes into is being replaced, and would be without its rows: the look after the resync finds it again. */
static bool waits_for_resync(const Pipe *pipe, const CatalogTable *table)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *other = pipe->tables->pdata[i];
        if (strcmp(other->record->target, table->target) == 0 && resync_twin(pipe, other))
            return true;
    }
    return false;
}

static bool add_new(Look *look, GError **error)
{
    Pipe *pipe = look->pipe;
    g_autoptr(GPtrArray) added = g_ptr_array_new();
    for (unsigned i = 0; i < look->listed->len; i++) {
        CatalogTable *table = look->listed->pdata[i];
        if (!is_in(look, look->known, table) && !leave_out(look->news, pipe, table) && !waits_for_resync(pipe, table))
            g_ptr_array_add(added, table);
    }
    if (added->len == 0)
        return true;
    FAULT_POINT("new-tables-found");
    if (!edit_add(pipe, added, NULL, error))
        return false;
    tell_added(pipe, added);
    return true;
}

/* It came by a wildcard, and is gone before anything of it was loaded. */
static bool forget(Pipe *pipe, PipeTable *table, GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.%s", table->record->database, table->record->name);
    if (!edit_forget(pipe, table, error))
        return false;
    pipe_journal(pipe, "engine", "table", NULL,
                 "%s left the pipe: it is gone at the source, and nothing of it was loaded", name);
    return true;
}

static bool is_named_exactly(const Look *look, const CatalogTable *record)
{
    g_autoptr(GPtrArray) exact = selection_exact_names(look->selection);
    for (unsigned i = 0; i < exact->len; i++) {
        const SelectionName *name = exact->pdata[i];
        if (strcmp(name->database, record->database) == 0 && strcmp(name->table, record->name) == 0)
            return true;
    }
    return false;
}

/* What was dropped and is there again is loaded again; what failed before it was set up, and was altered since, is
 * tried again. */
static bool settle_known(Look *look, PipeTable *table, GError **error)
{
    Pipe *pipe = look->pipe;
    const CatalogTable *record = table->record;
    bool dropped = atomic_load(&table->state) == TABLE_DROPPED, failed = new_tables_never_began(pipe, table);
    if ((!dropped && !failed) || record->twin_of || record->removing || resync_twin(pipe, table))
        return true;
    if (!is_in(look, look->by_key, record))
        return !failed || record->generation || is_named_exactly(look, record) || forget(pipe, table, error);
    if (failed && !was_named(look, record))
        return true;
    if (!edit_start_over(pipe, table, error))
        return false;
    pipe_journal(pipe, "engine", "table", NULL, "%s.%s %s: it is loaded by new_tables=add", record->database,
                 record->name, dropped ? "is there again at the source" : "was altered at the source since it failed");
    return true;
}

/* A view that was renamed, or a table that is gone again. */
static void tell_missing(const Look *look)
{
    for (unsigned i = 0; i < look->news->named->len; i++) {
        const CatalogTable *named = look->news->named->pdata[i];
        if (is_in(look, look->by_key, named) || is_in(look, look->known, named))
            continue;
        g_autofree char *position = g_strdup_printf("%s:%" G_GUINT64_FORMAT, named->begin_file, named->begin_pos);
        pipe_journal(look->pipe, "engine", "table", position,
                     "%s.%s is not added: it is gone again at the source, or no base table", named->database,
                     named->name);
    }
}

static bool settle(Look *look, GError **error)
{
    find_known(look);
    if (!list_with_named(look, error) || !add_new(look, error))
        return false;
    tell_missing(look);
    for (unsigned i = look->pipe->tables->len; i-- > 0;) /* they may go */
        if (!settle_known(look, look->pipe->tables->pdata[i], error))
            return false;
    return true;
}

static bool open_source(Look *look, bool *other_server, GError **error)
{
    Pipe *pipe = look->pipe;
    g_autoptr(Url) url = source_url_parse(pipe->record->source, error);
    look->source = url ? source_open_timeout(url, SOURCE_ANSWER_SECONDS, pipe->life, error) : NULL;
    bool has_place = pipe->applied.file || pipe->applied.gtid;
    *other_server = look->source && has_place && !setup_is_followed(pipe, look->source, error);
    return look->source && !*other_server;
}

bool new_tables_look(NewTables *news, Pipe *pipe, bool *other_server, GError **error)
{
    const char *lists[] = {pipe->record->tables, NULL};
    Look look = {.pipe = pipe, .news = news};

    *other_server = false;
    pthread_mutex_lock(&pipe->lock);
    bool wanted = pipe->settings.new_tables_add && pipe->mode == PIPE_MODE_FULL;
    pthread_mutex_unlock(&pipe->lock);
    look.selection = wanted ? selection_parse(lists, NULL, NULL) : NULL;
    if (!look.selection) {
        g_ptr_array_set_size(news->named, 0);
        return true;
    }
    look.listed = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    look.by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    look.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = open_source(&look, other_server, error) && settle(&look, error);
    look_clear(&look);
    if (ok)
        note_looked(news, pipe);
    return ok;
}
