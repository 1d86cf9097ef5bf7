/* offline.c - what operators ask of a pipe while no engine runs: looked at as ever, and written to the catalog in one transaction, such
 * that the next engine finds what it is to do.
 */
#include "pipe/drop.h"
#include "pipe/pipe_private.h"

static bool plan(Pipe *pipe, const PipeCommand *command, PipeEdit *edit, GError **error)
{
    if (command->event == EVENT_ADD_TABLES)
        return edit_plan_add(pipe, command->added, command->selection, edit, error);
    if (command->event == EVENT_REMOVE_TABLES)
        return edit_plan_remove(pipe, command->tables, command->drop_target, edit, error);
    if (command->tables)
        edit_plan_retry(pipe, command->tables, edit);
    else
        edit->pipe_id = pipe->id;
    return true;
}

/* The state that the next engine begins in. */
static PipeTransition next_state(const Pipe *pipe, const PipeCommand *command)
{
    PipeSituation situation = {.mode = pipe->mode, .back = pipe->back, .resyncing = pipe->resyncing};
    bool of_tables = command->event == EVENT_RETRY && command->tables;
    if (of_tables && pipe->state != PIPE_RUNNING)
        return (PipeTransition){.state = pipe->state, .back = pipe->back};
    PipeTransition next = lifecycle_next(pipe->state, of_tables ? EVENT_ADD_TABLES : command->event, &situation);
    if (next.state == PIPE_PAUSING)
        next.state = PIPE_PAUSED; /* nothing is in flight */
    return next;
}

static char *describe(const Pipe *pipe, const PipeCommand *command, PipeState next)
{
    GString *text = g_string_new(NULL);
    if (next != pipe->state)
        g_string_append_printf(text, "%s → %s, ", pipe_state_name(pipe->state), pipe_state_name(next));
    g_string_append(text, "while no engine ran");
    if (command->added)
        g_string_append_printf(text, ": %u table%s added:", command->added->len, command->added->len == 1 ? " was" : "s were");
    else if (command->tables)
        g_string_append_printf(text, ": %s of", pipe_event_name(command->event));
    for (unsigned i = 0; command->added && i < command->added->len; i++) {
        const CatalogTable *table = command->added->pdata[i];
        g_string_append_printf(text, "%s %s.%s", i ? "," : "", table->database, table->name);
    }
    for (unsigned i = 0; command->tables && i < command->tables->len; i++)
        g_string_append_printf(text, "%s %s", i ? "," : "", (const char *)command->tables->pdata[i]);
    return g_string_free(text, FALSE);
}

static bool save(Pipe *pipe, const PipeCommand *command, PipeEdit *edit, GError **error)
{
    PipeTransition next = next_state(pipe, command);
    bool moves = next.state != pipe->state;
    if (!moves && !command->added && !command->tables)
        return true;
    g_autofree char *text = describe(pipe, command, next.state);
    CatalogJournalEntry why = {.at = clock_real_usec(),
                               .pipe = pipe->name,
                               .actor = (char *)"operator",
                               .kind = (char *)(moves ? "state" : "table"),
                               .text = text};
    edit->catalog.state = moves ? pipe_state_name(next.state) : NULL;
    edit->catalog.return_state = pipe_state_name(next.back);
    edit->catalog.since = why.at;
    edit->catalog.why = &why;
    return catalog_pipe_edit(pipe->catalog, pipe->id, &edit->catalog, error);
}

bool pipe_command_offline(Pipe *pipe, const PipeCommand *command, char **note, GError **error)
{
    PipeEvent event = command->event;
    PipeEdit edit = {0};

    *note = NULL;
    if (event != EVENT_PAUSE && event != EVENT_RETRY && event != EVENT_ADD_TABLES && event != EVENT_REMOVE_TABLES && event != EVENT_DROP) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING, "no engine runs on %s; start it with sluice run --detach",
                    pipe->env->state_dir);
        return false;
    }
    if (!command_check(pipe, command, error))
        return false;
    if (event == EVENT_DROP)
        return drop_pipe(pipe, command->drop_target, note, error);
    bool ok = plan(pipe, command, &edit, error) && save(pipe, command, &edit, error);
    pipe_edit_clear(&edit);
    return ok;
}

bool pipe_drop_unread(const PipeEnv *env, Catalog *catalog, const CatalogPipe *record, GError **error)
{
    return drop_record(env, catalog, record->id, record->uuid, error);
}
