/* command.c - what operators ask of a pipe: looked at here, in the caller's thread, and handed to the supervisor. */
#include "pipe/pipe_private.h"
#include "pipe/reposition.h"
#include "pipe/shared.h"

#include <string.h>

static bool check_command(PipeState state, PipeEvent event, PipeMode mode, PipeState back, bool resyncing, const char *name,
                          GError **error)
{
    PipeSituation situation = {.mode = mode, .back = back, .resyncing = resyncing};
    if (!lifecycle_next(state, event, &situation).refused)
        return true;
    g_autofree char *why = lifecycle_refusal(state, event, mode);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, "pipe %s: %s", name, why);
    return false;
}

bool pipe_refuse(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, text);
    return false;
}

static bool check_named(const Pipe *pipe, const PipeCommand *command, const char *name, GError **error)
{
    const PipeTable *table = edit_find(pipe, name);
    if (!table) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "pipe %s has no table %s; sluice tables %s lists them", pipe->name,
                    name, pipe->name);
        return false;
    }
    if (command->event != EVENT_RETRY)
        return true;
    if (atomic_load(&((PipeTable *)table)->state) != TABLE_FAILED)
        return pipe_refuse(error, "table %s has not failed", name);
    return !table->record->loaded || pipe_refuse(error, "table %s failed after it was loaded, and its changes since were not followed: sluice resync %s "
                                                   "--table %s loads it again", name, pipe->name, name);
}

/* What preflight has found to fit may go into one table, unless that is being replaced. */
static bool check_shared(const Pipe *pipe, const CatalogTable *added, const PipeTable *other, GError **error)
{
    g_autofree char *name = selection_name(added->database, added->name);
    if (!shared_is_meant(pipe, added, other))
        return pipe_refuse(error,
                           "table %s would go to %s, where %s.%s goes: name another target, %s:TARGET, or give both a "
                           "source_column, which a resync puts in",
                           name, added->target, other->record->database, other->record->name, name);
    return !resync_twin(pipe, other) ||
           pipe_refuse(error,
                       "table %s would go to %s, which is being loaded again: add it when the resync has come to its "
                       "end, or cancel that",
                       name, added->target);
}

static bool check_added(const Pipe *pipe, const CatalogTable *added, GError **error)
{
    g_autofree char *name = selection_name(added->database, added->name);
    if (edit_find(pipe, name)) /* two requests at once */
        return pipe_refuse(error, "pipe %s has table %s already", pipe->name, name);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *other = pipe->tables->pdata[i];
        if (strcmp(other->record->target, added->target) == 0 && !check_shared(pipe, added, other, error))
            return false;
    }
    return true;
}

static unsigned count_staying(const Pipe *pipe)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        n += !record->twin_of && !record->removing;
    }
    return n;
}

/* What the lifecycle does not know of. With Pipe.lock held. */
static bool check_tables(const Pipe *pipe, const PipeCommand *command, GError **error)
{
    if (command->event == EVENT_RESYNC && pipe->mode == PIPE_MODE_CDC)
        return pipe_refuse(error, "a pipe in mode cdc loads nothing, so it has nothing to load again; drop it, and create it in mode full");
    for (unsigned i = 0; command->tables && i < command->tables->len; i++)
        if (!check_named(pipe, command, command->tables->pdata[i], error))
            return false;
    if (command->event == EVENT_REMOVE_TABLES && command->tables->len >= count_staying(pipe))
        return pipe_refuse(error, "pipe %s would have no table left; drop it instead: sluice drop %s", pipe->name, pipe->name);
    for (unsigned i = 0; command->added && i < command->added->len; i++)
        if (!check_added(pipe, command->added->pdata[i], error))
            return false;
    return true;
}

static GPtrArray *copy_names(const GPtrArray *names)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < names->len; i++)
        g_ptr_array_add(copy, g_strdup(names->pdata[i]));
    return copy;
}

static GPtrArray *copy_added(const GPtrArray *added)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    for (unsigned i = 0; i < added->len; i++) {
        const CatalogTable *from = added->pdata[i];
        CatalogTable *table = g_new0(CatalogTable, 1);
        table->database = g_strdup(from->database);
        table->name = g_strdup(from->name);
        table->target = g_strdup(from->target);
        table->rows_estimate = from->rows_estimate;
        g_ptr_array_add(copy, table);
    }
    return copy;
}

/* Carried out once no Work runs (supervisor.c, when_quiet). */
static bool changes_tables(const PipeCommand *command)
{
    return command->event == EVENT_RESYNC || command->event == EVENT_CANCEL_RESYNC || command->event == EVENT_ADD_TABLES ||
           command->event == EVENT_REMOVE_TABLES || command->event == EVENT_REPOSITION || (command->event == EVENT_RETRY && command->tables);
}

static Message *command_message(const PipeCommand *command)
{
    Message *message = g_new0(Message, 1);
    message->kind = MESSAGE_COMMAND;
    message->event = command->event;
    message->drop_target = command->drop_target;
    message->tables = command->tables ? copy_names(command->tables) : NULL;
    message->added = command->added ? copy_added(command->added) : NULL;
    message->to = command->to ? reposition_copy(command->to) : NULL;
    message->selection = g_strdup(command->selection);
    message->counted = changes_tables(command);
    return message;
}

bool command_check_again(const Pipe *pipe, const Message *message, GError **error)
{
    PipeCommand command = {.event = message->event, .tables = message->tables, .added = message->added};
    /* After a failure it would mean more than was asked for: the position in the log is given up, of every table. */
    if (message->event == EVENT_RESYNC && pipe->state == PIPE_FAILED && message->asked_in != PIPE_FAILED)
        return pipe_refuse(error, "the pipe failed meanwhile, and a resync would now give up its position in the log: look at the failure first");
    return check_tables(pipe, &command, error);
}

bool command_check(const Pipe *pipe, const PipeCommand *command, GError **error)
{
    return check_command(pipe->state, command->event, pipe->mode, pipe->back, pipe->resyncing, pipe->name, error) &&
           check_tables(pipe, command, error);
}

bool pipe_allows(Pipe *pipe, PipeEvent event, GError **error)
{
    pthread_mutex_lock(&pipe->lock);
    bool ok = check_command(pipe->state, event, pipe->mode, pipe->back, pipe->resyncing, pipe->name, error);
    pthread_mutex_unlock(&pipe->lock);
    return ok;
}

bool pipe_command(Pipe *pipe, const PipeCommand *command, GError **error)
{
    PipeEvent event = command->event;
    pthread_mutex_lock(&pipe->lock);
    bool ok = command_check(pipe, command, error);
    if (ok && event == EVENT_RETRY && !command->tables)
        pipe->try_now++;
    pipe->pending += ok && changes_tables(command);
    Message *message = ok ? command_message(command) : NULL;
    if (ok)
        message->asked_in = pipe->state;
    pthread_mutex_unlock(&pipe->lock);
    if (!ok)
        return false;
    if (!queue_push_take(pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
    pipe_changed(pipe);
    if (event == EVENT_DROP)
        cancel_request(pipe->life); /* ends what blocks in Provisioning and Setup */
    return true;
}

void command_start_over(Pipe *pipe, const PipeTable *table)
{
    g_autoptr(GPtrArray) name = g_ptr_array_new_with_free_func(g_free);
    PipeCommand retry = {.event = EVENT_RETRY, .tables = name};

    g_ptr_array_add(name, selection_name(table->record->database, table->record->name));
    pthread_mutex_lock(&pipe->lock);
    bool is_load = !table->record->loaded && !table->record->twin_of && pipe->mode != PIPE_MODE_CDC;
    Message *message = is_load ? command_message(&retry) : NULL;
    pipe->pending += is_load;
    pthread_mutex_unlock(&pipe->lock);
    if (message && !queue_push_take(pipe->mailbox, QUEUE_URGENT, message))
        message_free(message);
}
