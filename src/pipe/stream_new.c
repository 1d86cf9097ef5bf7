/* stream_new.c - statements of the log that may bring tables which the pipe's list takes (setting `new_tables`).
 *
 * They are only told to the supervisor, which looks at what the source has then (new_tables.c). What is told and not
 * yet looked for when the engine dies is found by the look at the next start.
 */
#include "pipe/new_tables.h"
#include "pipe/stream_private.h"

/* Of a name that a server stores in another case than its statements may have. */
static char *folded(const Stream *s, const char *text)
{
    return binlog_stream_server(s->stream)->lower_case_table_names ? g_ascii_strdown(text, -1) : g_strdup(text);
}

static bool list_takes(const Stream *s, const DdlName *name)
{
    pthread_mutex_lock(&s->pipe->lock);
    g_autofree char *list = folded(s, s->pipe->record->tables);
    pthread_mutex_unlock(&s->pipe->lock);
    const char *lists[] = {list, NULL};
    g_autofree char *database = folded(s, name->database), *table = folded(s, name->table);
    g_autoptr(Selection) selection = selection_parse(lists, NULL, NULL);
    return selection && selection_match(selection, database, table, NULL);
}

/* What takes the name away again later in the same RENAME. */
static bool goes_on(const Stream *s, const DdlStatement *statement, unsigned to)
{
    const DdlName *name = statement->tables->pdata[to];
    for (unsigned from = to + 1; from < statement->tables->len; from += 2)
        if (stream_is_named(s, statement->tables->pdata[from], name->database, name->table))
            return true;
    return false;
}

/* The statement may put a table under the name. */
static bool brings(const Stream *s, const DdlStatement *statement, unsigned index)
{
    switch (statement->kind) {
    case DDL_CREATE_TABLE:
    case DDL_REPLACE_TABLE:
        return index == 0;
    case DDL_RENAME_TABLE:
        return index % 2 == 1 && !goes_on(s, statement, index);
    case DDL_ALTER_TABLE: /* renamed beside other changes */
        return index > 0;
    default:
        return false;
    }
}

/* May mend what kept it from being set up, or end it. */
static bool alters(const DdlStatement *statement)
{
    return statement->kind == DDL_ALTER_TABLE || statement->kind == DDL_RENAME_TABLE ||
           statement->kind == DDL_DROP_TABLE || statement->kind == DDL_DROP_DATABASE;
}

static void tell(GPtrArray *told, const BinlogEvent *event, const char *database, const char *name)
{
    CatalogTable *table = g_new0(CatalogTable, 1);
    table->database = g_strdup(database);
    table->name = g_strdup(name);
    table->begin_file = g_strdup(event->file);
    table->begin_pos = event->start;
    g_ptr_array_add(told, table);
}

static void look_at_name(const Stream *s, const DdlStatement *statement, unsigned index, const BinlogEvent *event,
                         GPtrArray *told)
{
    const DdlName *name = statement->tables->pdata[index];
    bool known = false, brought = name->table && brings(s, statement, index);
    for (unsigned i = 0; i < s->pipe->tables->len; i++) {
        PipeTable *table = s->pipe->tables->pdata[i];
        const CatalogTable *record = table->record;
        if (record->twin_of || !stream_is_named(s, name, record->database, record->name))
            continue;
        known = true;
        bool back = brought && atomic_load(&table->state) == TABLE_DROPPED && !stream_is_before(s, table, event);
        if (back || (alters(statement) && new_tables_never_began(s->pipe, table)))
            tell(told, event, record->database, record->name);
    }
    if (!known && brought && list_takes(s, name))
        tell(told, event, name->database, name->table);
}

void stream_new_tables(Stream *s, const DdlStatement *statement, const BinlogEvent *event)
{
    if (!s->work->settings.new_tables_add)
        return;
    GPtrArray *told = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    for (unsigned i = 0; i < statement->tables->len; i++)
        look_at_name(s, statement, i, event, told);
    if (told->len == 0) {
        g_ptr_array_unref(told);
        return;
    }
    Message *message = g_new0(Message, 1);
    message->kind = MESSAGE_NEW_TABLES;
    message->added = told;
    if (!queue_push_take(s->pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
}
