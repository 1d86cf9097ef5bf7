/* requests.c - the requests of control/protocol.h, one function each, found by name in a table. */
#include "engine/engine_private.h"
#include "pipe/reposition.h"
#include "pipe/settings_check.h"

#include <string.h>

#define NAME_MAX_LEN   64
#define LOG_LIMIT      200
#define LOG_LIMIT_MAX  10000
#define DESTINATION_DEFAULT "embedded:"

typedef json_t *(*Handler)(Engine *engine, const json_t *request, GError **error);

static const char *text_of(const json_t *request, const char *field)
{
    return json_string_value(json_object_get(request, field));
}

static const char *need_text(const json_t *request, const char *field, GError **error)
{
    const char *text = text_of(request, field);
    if (!text || !*text)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the request lacks \"%s\"", field);
    return text && *text ? text : NULL;
}

/* A NULL-terminated array that borrows its strings. Free with g_free. */
static const char **texts_of(const json_t *request, const char *field)
{
    const json_t *list = json_object_get(request, field);
    const char **texts = g_new0(const char *, json_array_size(list) + 1);
    unsigned n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            texts[n++] = json_string_value(json_array_get(list, i));
    return texts;
}

/* ---- status ---- */

static json_t *do_status(Engine *engine, const json_t *request, GError **error)
{
    (void)request;
    (void)error;
    g_autoptr(View) view = engine_view(engine);
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "view", view_to_json(view));
    return answer;
}

/* ---- check and create ---- */

typedef struct {
    const char *source, *dest, *mode;
    Selection *selection;
    PipeSettings settings;
    const json_t *set;
    GPtrArray *checks, *tables;
    GPtrArray *known; /* what the pipe has already; NULL: it is a new one */
} Wanted;

static void wanted_clear(Wanted *wanted)
{
    selection_free(wanted->selection);
    if (wanted->checks)
        g_ptr_array_unref(wanted->checks);
    if (wanted->tables)
        g_ptr_array_unref(wanted->tables);
    if (wanted->known)
        g_ptr_array_unref(wanted->known);
}

static bool wanted_read(const json_t *request, Wanted *wanted, GError **error)
{
    g_autofree const char **tables = texts_of(request, "tables");
    g_autofree const char **exclude = texts_of(request, "exclude");
    PipeMode mode;

    wanted->source = need_text(request, "source", error);
    if (!wanted->source)
        return false;
    wanted->dest = text_of(request, "dest") ? text_of(request, "dest") : DESTINATION_DEFAULT;
    wanted->mode = text_of(request, "mode") ? text_of(request, "mode") : "full";
    if (!pipe_mode_parse(wanted->mode, &mode)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "mode %s is not known; it is full, snapshot or cdc", wanted->mode);
        return false;
    }
    wanted->set = json_object_get(request, "settings");
    if (!settings_parse(wanted->set, &wanted->settings, error))
        return false;
    wanted->settings.mapping.column_prefix = wanted->settings.column_prefix;
    if (!settings_check_mode(&wanted->settings, mode, error))
        return false;
    if (wanted->settings.target == TARGET_RESYNC && *wanted->settings.cluster) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "target=resync is not possible on a cluster: what stands there may not be the same on all of its servers");
        return false;
    }
    g_autoptr(Url) url = source_url_parse(wanted->source, error);
    if (!url)
        return false;
    if (!g_str_has_prefix(wanted->dest, "embedded:")) {
        g_autoptr(Url) dest = clickhouse_url_parse(wanted->dest, error);
        if (!dest)
            return false;
    }
    wanted->selection = selection_parse(tables, exclude, error);
    return wanted->selection != NULL;
}

static void wanted_check(Engine *engine, Wanted *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dest = engine_resolve_dest(engine, wanted->dest, &error);
    PreflightRequest preflight = {
        .source = wanted->source, .dest_url = dest, .selection = wanted->selection, .settings = &wanted->settings,
        .set = wanted->set, .known = wanted->known};

    wanted->checks = check_list_new();
    wanted->tables = preflight_tables_new();
    preflight_run(&preflight, engine->life, wanted->checks, wanted->tables);
    if (!dest)
        check_add(wanted->checks, CHECK_FAIL, "destination", "see the message", "the embedded ClickHouse does not start: %s",
                  error->message);
}

/* Of a whole list, not of tables that are added to one. */
static void check_new_tables(const Wanted *wanted)
{
    if (wanted->settings.new_tables_add && !selection_has_wildcard(wanted->selection))
        check_add(wanted->checks, CHECK_WARN, "new_tables",
                  "name tables by db.* or db.prefix_*, or leave new_tables=ignore", NEW_TABLES_WITHOUT_WILDCARD);
}

static json_t *checks_to_json(const GPtrArray *checks)
{
    static const char *const results[] = {"ok", "warn", "fail"};
    json_t *list = json_array();
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = checks->pdata[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "result", results[check->result], "name", check->name,
                                              "found", check->found, "mend", check->mend));
    }
    return list;
}

static json_t *do_check(Engine *engine, const json_t *request, GError **error)
{
    Wanted wanted = {0};
    json_t *answer = NULL;
    if (wanted_read(request, &wanted, error)) {
        wanted_check(engine, &wanted);
        check_new_tables(&wanted);
        answer = protocol_ok();
        json_object_set_new(answer, "checks", checks_to_json(wanted.checks));
        json_object_set_new(answer, "ok_to_create", json_boolean(!check_list_failed(wanted.checks)));
    }
    wanted_clear(&wanted);
    return answer;
}

static bool valid_name(const char *name, GError **error)
{
    bool ok = *name && strlen(name) <= NAME_MAX_LEN && *name != '-';
    for (const char *p = name; *p; p++)
        ok = ok && (g_ascii_isalnum(*p) || strchr("_-.", *p));
    if (!ok)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "a pipe's name is 1 to %d letters, digits, _ - and . and does not begin with -", NAME_MAX_LEN);
    return ok;
}

static CatalogPipe *make_record(const char *name, const Wanted *wanted)
{
    CatalogPipe *record = g_new0(CatalogPipe, 1);
    char *settings = wanted->set ? json_dumps(wanted->set, JSON_COMPACT) : NULL;
    record->uuid = g_uuid_string_random();
    record->name = g_strdup(name);
    record->source = g_strdup(wanted->source);
    record->dest = g_strdup(wanted->dest);
    record->mode = g_strdup(wanted->mode);
    record->tables = selection_text(wanted->selection);
    record->settings = g_strdup(settings ? settings : "{}");
    record->state = g_strdup(pipe_state_name(PIPE_PROVISIONING));
    record->since = clock_real_usec();
    free(settings);
    return record;
}

static GPtrArray *make_tables(const Wanted *wanted)
{
    GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    for (unsigned i = 0; i < wanted->tables->len; i++) {
        const PreflightTable *from = wanted->tables->pdata[i];
        CatalogTable *table = g_new0(CatalogTable, 1);
        table->database = g_strdup(from->definition->database);
        table->name = g_strdup(from->definition->name);
        table->target = g_strdup(from->target);
        table->state = g_strdup("waiting");
        table->rows_estimate = from->definition->rows_estimate;
        g_ptr_array_add(tables, table);
    }
    return tables;
}

static bool register_pipe(Engine *engine, const char *name, const Wanted *wanted, GError **error)
{
    g_autoptr(CatalogPipe) record = make_record(name, wanted);
    g_autoptr(GPtrArray) tables = make_tables(wanted);

    pthread_mutex_lock(&engine->pipes_lock);
    pthread_mutex_lock(&engine->catalog_lock);
    bool ok = catalog_pipe_add(engine->catalog, record, tables, error);
    if (ok) {
        g_autofree char *text = g_strdup_printf("created with %u tables", tables->len);
        CatalogJournalEntry entry = {.at = clock_real_usec(),
                                     .pipe = record->name,
                                     .actor = (char *)"operator",
                                     .kind = (char *)"note",
                                     .text = text};
        catalog_journal_add(engine->catalog, &entry, NULL);
    }
    pthread_mutex_unlock(&engine->catalog_lock);
    if (ok && engine->started_at)
        ok = engine_add_pipe(engine, g_steal_pointer(&record), error);
    pthread_mutex_unlock(&engine->pipes_lock);
    return ok;
}

static bool name_is_free(Engine *engine, const char *name, GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(CatalogPipe) other = catalog_pipe_find(engine->catalog, name, NULL);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (other)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, "a pipe called %s exists; choose another name, or drop it first", name);
    return !other;
}

static json_t *do_create(Engine *engine, const json_t *request, GError **error)
{
    Wanted wanted = {0};
    json_t *answer = NULL;
    const char *name = need_text(request, "name", error);

    if (name && valid_name(name, error) && wanted_read(request, &wanted, error) && name_is_free(engine, name, error)) {
        GError *problem = NULL;
        wanted_check(engine, &wanted);
        check_new_tables(&wanted);
        if (check_list_failed(wanted.checks))
            g_set_error(&problem, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT,
                        "preflight failed, nothing was created; mend what is marked and create again");
        else
            register_pipe(engine, name, &wanted, &problem);
        answer = problem ? protocol_error(problem) : protocol_ok();
        g_clear_error(&problem);
        json_object_set_new(answer, "checks", checks_to_json(wanted.checks));
    }
    wanted_clear(&wanted);
    return answer;
}

/* ---- Actions on a pipe ---- */

/* With pipes_lock held. */
static Pipe *need_pipe(Engine *engine, const char *name, GError **error)
{
    Pipe *pipe = engine_find_pipe(engine, name);
    if (!pipe)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them", name);
    return pipe;
}

/* As the catalog has it, not started: while no engine runs. */
static Pipe *read_pipe(Engine *engine, const char *name, GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    CatalogPipe *record = catalog_pipe_find(engine->catalog, name, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    return record ? pipe_new_take(&engine->env, record, error) : NULL;
}

/* Whether the pipe's state allows it: told before the ends are looked at, which may be out of reach. */
static bool is_allowed(Engine *engine, const char *name, PipeEvent event, GError **error)
{
    if (!engine->started_at) {
        g_autoptr(Pipe) pipe = read_pipe(engine, name, error);
        return pipe && pipe_allows(pipe, event, error);
    }
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = need_pipe(engine, name, error);
    bool ok = pipe && pipe_allows(pipe, event, error);
    pthread_mutex_unlock(&engine->pipes_lock);
    return ok;
}

/* One that cannot be read keeps every engine from starting: it can be dropped. */
static bool drop_unread(Engine *engine, const char *name, GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(CatalogPipe) record = catalog_pipe_find(engine->catalog, name, error);
    bool ok = record && pipe_drop_unread(&engine->env, engine->catalog, record, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    return ok;
}

static bool act_offline(Engine *engine, const char *name, const PipeCommand *command, char **note, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(Pipe) pipe = read_pipe(engine, name, &problem);
    bool ok = false;
    if (pipe)
        ok = pipe_command_offline(pipe, command, note, error);
    else if (command->event == EVENT_DROP && !command->drop_target)
        ok = drop_unread(engine, name, error);
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    engine_changed(engine); /* --wait looks at once */
    return ok;
}

/* `note`: what the operator is to be told beside (free with g_free); NULL: nothing. */
static bool act(Engine *engine, const char *name, const PipeCommand *command, char **note, GError **error)
{
    *note = NULL;
    if (!engine->started_at)
        return act_offline(engine, name, command, note, error);
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = need_pipe(engine, name, error);
    bool ok = pipe && pipe_command(pipe, command, error);
    pthread_mutex_unlock(&engine->pipes_lock);
    return ok;
}

/* One name as selection_name writes it, where it can be read so; else as it stands: the pipe also knows its tables as pictures
 * name them. NULL: it is a pattern. */
static char *one_table(const char *text)
{
    const char *list[] = {text, NULL};
    g_autoptr(Selection) selection = selection_parse(list, NULL, NULL);
    if (!selection)
        return g_strdup(text);
    if (selection_has_wildcard(selection))
        return NULL;
    g_autoptr(GPtrArray) exact = selection_exact_names(selection);
    if (exact->len != 1)
        return g_strdup(text);
    const SelectionName *name = exact->pdata[0];
    return selection_name(name->database, name->table);
}

/* The tables that a request names; NULL (no error): none, so the whole pipe. */
static GPtrArray *named_tables(const json_t *request, GError **error)
{
    g_autofree const char **names = texts_of(request, "tables");
    if (!*names)
        return NULL;
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(g_free);
    for (const char **name = names; *name; name++) {
        char *table = one_table(*name);
        if (!table) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "tables are named one by one here, without *");
            return NULL;
        }
        g_ptr_array_add(tables, table);
    }
    return g_steal_pointer(&tables);
}

static json_t *do_action(Engine *engine, const json_t *request, PipeEvent event, GError **error)
{
    GError *problem = NULL;
    const char *name = need_text(request, "name", error);
    if (!name)
        return NULL;
    g_autoptr(GPtrArray) tables = named_tables(request, &problem);
    if (!problem && tables && event != EVENT_RESYNC && event != EVENT_RETRY && event != EVENT_REMOVE_TABLES)
        g_set_error(&problem, SLUICE_ERROR, SLUICE_ERROR_USAGE, "%s works on whole pipes, not on single tables",
                    pipe_event_name(event));
    if (!problem && !tables && event == EVENT_REMOVE_TABLES)
        g_set_error(&problem, SLUICE_ERROR, SLUICE_ERROR_USAGE, "name the tables that are to leave the pipe");
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    PipeCommand command = {.event = event, .tables = tables, .drop_target = json_is_true(json_object_get(request, "drop_target"))};
    g_autofree char *note = NULL;
    if (!act(engine, name, &command, &note, error))
        return NULL;
    json_t *answer = protocol_ok();
    if (note)
        json_object_set_new(answer, "note", json_string(note));
    return answer;
}

static json_t *do_verify(Engine *engine, const json_t *request, GError **error)
{
    GError *problem = NULL;
    g_autoptr(GPtrArray) tables = named_tables(request, &problem);
    if (!problem)
        return engine_verify(engine, request, tables, error);
    g_propagate_error(error, problem);
    return NULL;
}

static json_t *do_pause(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_PAUSE, error);
}

static json_t *do_resume(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_RESUME, error);
}

static json_t *do_retry(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_RETRY, error);
}

static json_t *do_resync(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_RESYNC, error);
}

static json_t *do_cancel(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_CANCEL_RESYNC, error);
}

static json_t *do_tables_remove(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_REMOVE_TABLES, error);
}

static json_t *do_drop(Engine *engine, const json_t *request, GError **error)
{
    return do_action(engine, request, EVENT_DROP, error);
}

/* What the pipe has already: a table that is named is refused, what a wildcard matches is left out. */
static bool leave_out_known(Engine *engine, const CatalogPipe *record, const Selection *selection, GPtrArray *excludes, GPtrArray **preflighted,
                            GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) known = catalog_tables(engine->catalog, record->id, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    g_autoptr(GPtrArray) exact = selection_exact_names(selection);
    if (!known)
        return false;
    for (unsigned i = 0; i < known->len; i++) {
        const CatalogTable *table = known->pdata[i];
        for (unsigned e = 0; e < exact->len; e++) {
            const SelectionName *name = exact->pdata[e];
            if (strcmp(name->database, table->database) == 0 && strcmp(name->table, table->name) == 0) {
                g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, "pipe %s has table %s.%s already", record->name, name->database,
                            name->table);
                return false;
            }
        }
        g_ptr_array_add(excludes, selection_name(table->database, table->name));
    }
    g_ptr_array_add(excludes, NULL);
    *preflighted = preflight_known(known);
    return true;
}

/* Preflight of the new tables alone; with "check" that is all, else as any action. The answer has the checks, like that
 * of create. */
static json_t *add_tables(Engine *engine, const CatalogPipe *record, const json_t *request, GError **error)
{
    Wanted wanted = {.source = record->source, .dest = record->dest, .mode = record->mode};
    g_autofree const char **names = texts_of(request, "tables");
    json_t *set = settings_values(record->settings), *answer = NULL;
    GError *problem = NULL;
    g_autofree char *note = NULL;

    g_autoptr(Selection) asked = selection_parse(names, NULL, error);
    g_autoptr(GPtrArray) excludes = g_ptr_array_new_with_free_func(g_free);

    wanted.set = set;
    if (asked && leave_out_known(engine, record, asked, excludes, &wanted.known, error) && settings_parse(set, &wanted.settings, error) &&
        (wanted.selection = selection_parse(names, (const char *const *)excludes->pdata, error))) {
        wanted.settings.mapping.column_prefix = wanted.settings.column_prefix;
        wanted_check(engine, &wanted);
        g_autoptr(GPtrArray) tables = make_tables(&wanted);
        g_autofree char *selection = selection_text(asked);
        PipeCommand command = {.event = EVENT_ADD_TABLES, .added = tables, .selection = selection};
        if (check_list_failed(wanted.checks))
            g_set_error(&problem, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT, "preflight failed, no table was added; mend what is marked");
        else if (!json_is_true(json_object_get(request, "check")))
            act(engine, record->name, &command, &note, &problem);
        answer = problem ? protocol_error(problem) : protocol_ok();
        g_clear_error(&problem);
        json_object_set_new(answer, "checks", checks_to_json(wanted.checks));
    }
    wanted_clear(&wanted);
    json_decref(set);
    return answer;
}

static json_t *do_tables_add(Engine *engine, const json_t *request, GError **error)
{
    const char *name = need_text(request, "name", error);
    if (!name)
        return NULL;
    if (json_array_size(json_object_get(request, "tables")) == 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "name the tables to add");
        return NULL;
    }
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(CatalogPipe) record = catalog_pipe_find(engine->catalog, name, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    return record && is_allowed(engine, name, EVENT_ADD_TABLES, error) ? add_tables(engine, record, request, error) : NULL;
}

/* What the catalog says of a pipe and its position. */
static CatalogPipe *find_with_position(Engine *engine, const char *name, CatalogCheckpoint *now, GPtrArray **tables,
                                       GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(CatalogPipe) record = catalog_pipe_find(engine->catalog, name, error);
    bool ok = record && catalog_checkpoint_load(engine->catalog, record->id, now, error) &&
              (*tables = catalog_tables(engine->catalog, record->id, error));
    pthread_mutex_unlock(&engine->catalog_lock);
    return ok ? g_steal_pointer(&record) : NULL;
}

static bool wish_read(const json_t *request, RepositionWish *wish, GError **error)
{
    json_t *pos = json_object_get(request, "pos");
    *wish = (RepositionWish){.file = text_of(request, "file"), .gtid = text_of(request, "gtid")};
    bool whole = wish->file ? *wish->file && json_is_integer(pos) && json_integer_value(pos) >= 0 : wish->gtid && !pos;
    if (!whole || (wish->file && wish->gtid)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "say where to go on: a file and a position in it, or GTIDs");
        return false;
    }
    wish->pos = (uint64_t)json_integer_value(pos);
    return true;
}

/* Looks at the place; with "check" that is all, else the pipe goes there. */
static json_t *do_reposition(Engine *engine, const json_t *request, GError **error)
{
    const char *name = need_text(request, "name", error);
    CatalogCheckpoint now = {0};
    RepositionWish wish;

    g_autoptr(GPtrArray) tables = NULL;
    bool possible = name && wish_read(request, &wish, error) && is_allowed(engine, name, EVENT_REPOSITION, error);
    g_autoptr(CatalogPipe) record = possible ? find_with_position(engine, name, &now, &tables, error) : NULL;
    g_autoptr(PipeReposition) to = record ? reposition_check(record, &now, tables, &wish, engine->life, error) : NULL;
    catalog_checkpoint_clear(&now);
    if (!to)
        return NULL;
    PipeCommand command = {.event = EVENT_REPOSITION, .to = to};
    g_autofree char *note = NULL;
    if (!json_is_true(json_object_get(request, "check")) && !act(engine, name, &command, &note, error))
        return NULL;
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "from", json_string(to->from));
    json_object_set_new(answer, "to", json_string(to->to));
    json_object_set_new(answer, "gap", json_string(to->gap));
    return answer;
}

/* ---- Looking ---- */

/* Tables and views of the source; `known` (of CatalogTable, may be NULL): what the pipe has. */
static json_t *source_tables_json(const GPtrArray *infos, const GPtrArray *known)
{
    json_t *tables = json_array();
    for (unsigned i = 0; i < infos->len; i++) {
        const SourceTableInfo *info = infos->pdata[i];
        bool in_pipe = false;
        for (unsigned k = 0; known && k < known->len; k++) {
            const CatalogTable *table = known->pdata[k];
            in_pipe = in_pipe || (strcmp(table->database, info->database) == 0 && strcmp(table->name, info->name) == 0);
        }
        g_autofree char *name = selection_name(info->database, info->name);
        json_array_append_new(tables,
                              json_pack("{s:s, s:s, s:s, s:I, s:I, s:s?, s:b, s:b}", "source", name, "database",
                                        info->database, "table", info->name, "rows", (json_int_t)info->rows_estimate,
                                        "bytes", (json_int_t)info->bytes_estimate, "key", info->key, "view", info->view,
                                        "in_pipe", in_pipe));
    }
    return tables;
}

/* Of a source, or of a pipe's source: pictures do not show its password. */
static json_t *do_source_tables(Engine *engine, const json_t *request, GError **error)
{
    const char *name = text_of(request, "name");
    CatalogCheckpoint now = {0};
    g_autoptr(GPtrArray) known = NULL;
    g_autoptr(CatalogPipe) record = name ? find_with_position(engine, name, &now, &known, error) : NULL;
    catalog_checkpoint_clear(&now);
    if (name && !record)
        return NULL;
    const char *text = record ? record->source : need_text(request, "source", error);
    g_autoptr(Url) url = text ? source_url_parse(text, error) : NULL;
    g_autoptr(SourceConnection) source = url ? source_open(url, engine->life, error) : NULL;
    g_autoptr(GPtrArray) infos = source ? source_list_all(source, error) : NULL;
    if (!infos)
        return NULL;
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "tables", source_tables_json(infos, known));
    return answer;
}

static json_t *do_tables(Engine *engine, const json_t *request, GError **error)
{
    const char *name = need_text(request, "name", error);
    g_autoptr(View) view = name ? engine_view(engine) : NULL;
    if (!name)
        return NULL;
    json_t *json = view_to_json(view), *answer = NULL, *pipe;
    size_t i;
    json_array_foreach(json_object_get(json, "pipes"), i, pipe)
    {
        if (g_strcmp0(text_of(pipe, "name"), name) != 0)
            continue;
        answer = protocol_ok();
        json_object_set(answer, "tables", json_object_get(pipe, "tables"));
    }
    json_decref(json);
    if (!answer)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them", name);
    return answer;
}

static json_t *do_log(Engine *engine, const json_t *request, GError **error)
{
    json_int_t after = json_integer_value(json_object_get(request, "after_id"));
    json_int_t limit = json_integer_value(json_object_get(request, "limit"));

    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) entries = catalog_journal(engine->catalog, text_of(request, "name"), after,
                                                   (unsigned)CLAMP(limit ? limit : LOG_LIMIT, 1, LOG_LIMIT_MAX), error);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (!entries)
        return NULL;
    json_t *list = json_array();
    for (unsigned i = 0; i < entries->len; i++) {
        const CatalogJournalEntry *entry = entries->pdata[i];
        char at[32];
        g_autofree char *text = printable(entry->text, 0);
        json_array_append_new(list, json_pack("{s:I, s:s, s:s?, s:s, s:s, s:s, s:s?}", "id", (json_int_t)entry->id, "at",
                                              clock_format_rfc3339(entry->at, at), "pipe", entry->pipe, "actor", entry->actor,
                                              "kind", entry->kind, "text", text, "position", entry->position));
    }
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "entries", list);
    return answer;
}

/* ---- sql ---- */

/* The destination of that pipe, or the one that all pipes share; the embedded one while there are none. */
static char *find_destination(Engine *engine, const char *name, GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    g_autoptr(GPtrArray) records = catalog_pipes(engine->catalog, error);
    pthread_mutex_unlock(&engine->catalog_lock);
    const char *found = NULL;

    if (!records)
        return NULL;
    for (unsigned i = 0; i < records->len; i++) {
        const CatalogPipe *record = records->pdata[i];
        if (name && strcmp(record->name, name) != 0)
            continue;
        if (found && strcmp(found, record->dest) != 0) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the pipes have different destinations; name one: sluice sql NAME QUERY");
            return NULL;
        }
        found = record->dest;
    }
    if (name && !found) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_FOUND, "no pipe is called %s; sluice status lists them", name);
        return NULL;
    }
    return g_strdup(found ? found : DESTINATION_DEFAULT);
}

static json_t *do_sql(Engine *engine, const json_t *request, GError **error)
{
    const char *query = need_text(request, "query", error);
    g_autofree char *dest = query ? find_destination(engine, text_of(request, "name"), error) : NULL;
    g_autofree char *resolved = dest ? engine_resolve_dest(engine, dest, error) : NULL;
    g_autoptr(Url) url = resolved ? clickhouse_url_parse(resolved, error) : NULL;
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, engine->life, error) : NULL;
    size_t len;
    g_autofree char *body = ch ? clickhouse_query(ch, query, NULL, &len, error) : NULL;
    if (!body)
        return NULL;
    json_t *text = json_stringn(body, len);
    if (!text) { /* not UTF-8: shown with its bytes escaped, lines kept */
        g_autofree char *valid = g_utf8_make_valid(body, (gssize)len);
        text = json_string(valid);
    }
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "body", text);
    return answer;
}

static json_t *do_stop(Engine *engine, const json_t *request, GError **error)
{
    (void)request;
    if (!engine->stop) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_NOT_RUNNING, "no engine runs on %s", engine->state_dir);
        return NULL;
    }
    return protocol_ok(); /* the server stops the engine once this answer is sent */
}

static const struct {
    const char *name;
    Handler handler;
} handlers[] = {
    {"status", do_status}, {"check", do_check}, {"create", do_create}, {"pause", do_pause},
    {"resume", do_resume}, {"retry", do_retry}, {"drop", do_drop},     {"source_tables", do_source_tables},
    {"resync", do_resync}, {"cancel", do_cancel}, {"tables_add", do_tables_add}, {"tables_remove", do_tables_remove},
    {"reposition", do_reposition},
    {"tables", do_tables}, {"log", do_log}, {"table", engine_table}, {"history", engine_history}, {"set", engine_set},           {"sql", do_sql},
    {"stop", do_stop},     {"doctor", engine_doctor}, {"export", engine_export},
    {"verify", do_verify}, {"verify_cancel", engine_verify_cancel}, {"verify_result", engine_verify_result},
};

json_t *engine_request(Engine *engine, const json_t *request)
{
    const char *what = text_of(request, "do");
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL;
    bool known = false;

    for (size_t i = 0; what && i < G_N_ELEMENTS(handlers); i++)
        if (strcmp(handlers[i].name, what) == 0) {
            known = true;
            answer = handlers[i].handler(engine, request, &error);
        }
    if (!known) {
        g_autofree char *shown = printable(what ? what : "(nothing)", 40);
        g_set_error(&error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "this engine does not know the request %s; is it older than the command?",
                    shown);
    }
    if (!answer)
        answer = protocol_error(error);
    json_t *id = json_object_get(request, "id");
    if (id)
        json_object_set(answer, "id", id);
    return answer;
}
