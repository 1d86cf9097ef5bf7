/* edit.c - tables come to a pipe and leave it. Called by the supervisor while no Work runs. */
#include "pipe/live_view.h"
#include "pipe/pipe_private.h"
#include "pipe/selection.h"
#include "pipe/shared.h"

#include <string.h>

bool edit_is_named(const PipeTable *table, const char *name)
{
    const CatalogTable *record = table->record;
    g_autofree char *as_listed = selection_name(record->database, record->name);
    g_autofree char *as_shown = g_strdup_printf("%s.%s", record->database, record->name);
    return strcmp(as_listed, name) == 0 || strcmp(as_shown, name) == 0;
}

PipeTable *edit_find(const Pipe *pipe, const char *name)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!table->record->twin_of && edit_is_named(table, name))
            return table;
    }
    return NULL;
}

/* ---- What is to change, in the catalog at once ---- */

static bool write_edit(Catalog *catalog, void *data, GError **error)
{
    const PipeEdit *edit = data;
    return catalog_pipe_edit(catalog, edit->pipe_id, &edit->catalog, error);
}

static bool save_edit(Pipe *pipe, PipeEdit *edit, GError **error)
{
    if (!pipe_catalog_write(pipe, pipe->life, write_edit, edit)) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    if (edit->list) {
        pthread_mutex_lock(&pipe->lock);
        g_free(pipe->record->tables);
        pipe->record->tables = g_strdup(edit->list);
        pthread_mutex_unlock(&pipe->lock);
    }
    pipe_changed(pipe);
    return true;
}

static void edit_init(const Pipe *pipe, PipeEdit *edit, char *list_take)
{
    *edit = (PipeEdit){.pipe_id = pipe->id, .list = list_take};
    edit->added = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    edit->changed = g_ptr_array_new();
    edit->catalog = (CatalogEdit){.tables = list_take, .added = edit->added, .changed = edit->changed};
}

void pipe_edit_clear(PipeEdit *edit)
{
    g_free(edit->list);
    if (edit->added)
        g_ptr_array_unref(edit->added);
    if (edit->changed)
        g_ptr_array_unref(edit->changed);
}

bool edit_plan_add(const Pipe *pipe, const GPtrArray *records, const char *selection, PipeEdit *edit, GError **error)
{
    char *list = selection ? selection_list_add(pipe->record->tables, selection, error) : NULL;
    if (selection && !list)
        return false;
    edit_init(pipe, edit, list);
    for (unsigned i = 0; i < records->len; i++) {
        const CatalogTable *from = records->pdata[i];
        CatalogTable *record = g_new0(CatalogTable, 1);
        record->pipe_id = pipe->id;
        record->database = g_strdup(from->database);
        record->name = g_strdup(from->name);
        record->target = g_strdup(from->target);
        record->state = g_strdup(table_state_name(TABLE_WAITING));
        record->rows_estimate = from->rows_estimate;
        record->twin_of = from->twin_of;
        g_ptr_array_add(edit->added, record);
    }
    return true;
}

static void plan_change(Pipe *pipe, PipeTable *table, PipeEdit *edit)
{
    pthread_mutex_lock(&pipe->lock);
    pipe_table_note(table);
    pthread_mutex_unlock(&pipe->lock);
    g_ptr_array_add(edit->changed, table->record);
}

static void mark(Pipe *pipe, PipeTable *table, int removing, PipeEdit *edit)
{
    pthread_mutex_lock(&pipe->lock);
    table->record->removing = removing;
    pthread_mutex_unlock(&pipe->lock);
    plan_change(pipe, table, edit);
}

bool edit_plan_remove(Pipe *pipe, const GPtrArray *names, bool drop_target, PipeEdit *edit, GError **error)
{
    g_autoptr(GPtrArray) leaving = g_ptr_array_new();
    g_autofree char *list = g_strdup(pipe->record->tables);
    for (unsigned i = 0; i < names->len; i++) {
        PipeTable *table = edit_find(pipe, names->pdata[i]);
        if (!table || g_ptr_array_find(leaving, table, NULL))
            continue;
        g_autofree char *listed = selection_name(table->record->database, table->record->name);
        char *shorter = selection_list_remove(list, listed, error);
        if (!shorter)
            return false;
        g_free(list);
        list = shorter;
        g_ptr_array_add(leaving, table);
    }
    edit_init(pipe, edit, g_steal_pointer(&list));
    for (unsigned i = 0; i < leaving->len; i++)
        mark(pipe, leaving->pdata[i], drop_target ? 2 : 1, edit);
    return true;
}

/* What a load has come to is forgotten; the table is as if it were new. */
static void start_over(Pipe *pipe, PipeTable *table)
{
    pthread_mutex_lock(&pipe->load_lock);
    snapshot_forget(table);
    g_clear_pointer(&table->read_gtid, g_free);
    table->read_unseen = false;
    pthread_mutex_lock(&pipe->lock);
    source_table_unref(atomic_exchange(&table->definition, NULL));
    g_clear_pointer(&table->record->definition, g_free);
    g_clear_pointer(&table->record->exchange_uuid, g_free);
    g_clear_pointer(&table->record->error, g_free);
    g_clear_pointer(&table->record->read_gtid, g_free);
    g_clear_pointer(&table->record->column_counts, g_free); /* of rows that are read, and counted, again */
    g_ptr_array_free(table->column_counts, TRUE);
    table->column_counts = column_counts_new();
    table->record->loaded = false;
    table->record->resync_advised = false;
    atomic_store(&table->rows_done, 0);
    atomic_store(&table->state, TABLE_WAITING);
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
}

/* The ranges go with the definition, or they would be taken for those of the load to come. */
static void plan_start_over(Pipe *pipe, PipeTable *table, PipeEdit *edit)
{
    start_over(pipe, table);
    plan_change(pipe, table, edit);
    edit->catalog.from_nothing = true;
}

void edit_plan_retry(Pipe *pipe, const GPtrArray *names, PipeEdit *edit)
{
    edit_init(pipe, edit, NULL);
    for (unsigned i = 0; i < names->len; i++) {
        PipeTable *table = edit_find(pipe, names->pdata[i]);
        if (table && !table->record->loaded && atomic_load(&table->state) == TABLE_FAILED)
            plan_start_over(pipe, table, edit);
    }
}

/* ---- Carried out ---- */

/* Readers of the list hold load_lock or lock: both are taken to change it. */
static void insert_table(Pipe *pipe, PipeTable *table_take)
{
    pthread_mutex_lock(&pipe->load_lock);
    pthread_mutex_lock(&pipe->lock);
    g_ptr_array_add(pipe->tables, table_take);
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
}

bool edit_add(Pipe *pipe, const GPtrArray *records, const char *selection, GError **error)
{
    PipeEdit edit = {0};
    bool ok = edit_plan_add(pipe, records, selection, &edit, error) && save_edit(pipe, &edit, error);
    if (ok) {
        FAULT_POINT("tables-noted");
        g_ptr_array_set_free_func(edit.added, NULL); /* each is taken by its table */
        for (unsigned i = 0; i < edit.added->len; i++)
            insert_table(pipe, pipe_table_new(edit.added->pdata[i], NULL)); /* cannot fail: there is no definition yet */
    }
    pipe_edit_clear(&edit);
    return ok;
}

/* At once: a table that is gone from the pipe and not from the list would come back by itself (setting `new_tables`). */
bool edit_mark_removed(Pipe *pipe, const GPtrArray *names, bool drop_target, GError **error)
{
    PipeEdit edit = {0};
    bool ok = edit_plan_remove(pipe, names, drop_target, &edit, error) && save_edit(pipe, &edit, error);
    if (ok)
        FAULT_POINT("remove-noted");
    pipe_edit_clear(&edit);
    return ok;
}

bool edit_mark_twins(Pipe *pipe, int removing, GError **error)
{
    PipeEdit edit = {0};
    edit_init(pipe, &edit, NULL);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (table->record->twin_of)
            mark(pipe, table, removing, &edit);
    }
    bool ok = save_edit(pipe, &edit, error);
    pipe_edit_clear(&edit);
    return ok;
}

bool edit_retry(Pipe *pipe, const GPtrArray *names, GError **error)
{
    PipeEdit edit = {0};
    edit_plan_retry(pipe, names, &edit);
    bool ok = edit.changed->len == 0 || save_edit(pipe, &edit, error);
    pipe_edit_clear(&edit);
    return ok;
}

bool edit_start_over(Pipe *pipe, PipeTable *table, GError **error)
{
    PipeEdit edit = {0};
    edit_init(pipe, &edit, NULL);
    plan_start_over(pipe, table, &edit);
    bool ok = save_edit(pipe, &edit, error);
    pipe_edit_clear(&edit);
    return ok;
}

static bool write_remove(Catalog *catalog, void *data, GError **error)
{
    return catalog_table_remove(catalog, *(const int64_t *)data, error);
}

bool edit_forget(Pipe *pipe, PipeTable *table, GError **error)
{
    int64_t id = table->record->id;
    if (!pipe_catalog_write(pipe, pipe->life, write_remove, &id)) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    pthread_mutex_lock(&pipe->load_lock);
    pthread_mutex_lock(&pipe->lock);
    g_ptr_array_remove(pipe->tables, table);
    pthread_mutex_unlock(&pipe->lock);
    pthread_mutex_unlock(&pipe->load_lock);
    return true;
}

static bool remove_one(Pipe *pipe, Clickhouse *ch, PipeTable *table, GError **error)
{
    PipeTable *twin = resync_twin(pipe, table);
    bool drop = table->record->removing == 2, shared = shared_is(pipe, table);
    GError *problem = NULL;
    if (table->record->leftover && !resync_drop_leftover(pipe, ch, table, error))
        return false;
    if (twin && (!setup_leave_target(pipe, ch, twin, error) || !edit_forget(pipe, twin, error)))
        return false;
    if (drop && !shared && !live_view_drop(pipe, ch, table->record, error))
        return false;
    if (drop && !setup_leave_target(pipe, ch, table, &problem)) {
        if (!pipe_note_refused(pipe, problem, error))
            return false;
        drop = false; /* not ours: it stays */
    }
    const char *what = !drop    ? "is kept"
                       : shared ? "is kept, for other tables go into it, without its rows"
                                : "was dropped";
    g_autofree char *text = g_strdup_printf("%s.%s left the pipe; its destination table %s %s", table->record->database,
                                            table->record->name, table->record->target, what);
    FAULT_POINT("remove-target-done");
    if (!edit_forget(pipe, table, error))
        return false;
    pipe_journal(pipe, "operator", "table", NULL, "%s", text);
    return true;
}

bool edit_remove_marked(Pipe *pipe, GError **error)
{
    g_autoptr(Clickhouse) ch = NULL;
    for (unsigned i = pipe->tables->len; i-- > 0;) {
        if (i >= pipe->tables->len) /* a twin went, too */
            continue;
        PipeTable *table = pipe->tables->pdata[i];
        if (!table->record->removing || table->record->twin_of)
            continue;
        bool talks = table->record->removing == 2 || table->record->leftover || resync_twin(pipe, table);
        if (talks && !ch && !(ch = setup_open_destination(pipe, pipe->life, error)))
            return false;
        if (!remove_one(pipe, ch, table, error))
            return false;
    }
    return true;
}

bool edit_wants_removing(const Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        if (record->removing && !record->twin_of)
            return true;
    }
    return false;
}

bool edit_wants_loading(const Pipe *pipe)
{
    for (unsigned i = 0; i < pipe->tables->len; i++)
        if (pipe_table_wants_loading(pipe->tables->pdata[i]))
            return true;
    return false;
}
