/* setup.c - Provisioning and Setup: what is done once, before the first row is read.
 *
 * Setup may be cut off at any point and is then done again from its start: nothing was inserted yet, so tables of ours
 * are dropped and created anew, and position and definitions are read afresh.
 */
#include "pipe/columns.h"
#include "pipe/json_text.h"
#include "pipe/live_view.h"
#include "pipe/pipe_private.h"
#include "pipe/place.h"
#include "pipe/shared.h"

#include <string.h>

#define DEFINITION_TRIES 10
#define COUNT_SECONDS    (SOURCE_ANSWER_SECONDS - 10) /* the stream stands still meanwhile */

/* ---- Provisioning ---- */

/* Derived from the pipe's uuid, in a range where operators do not number their servers. */
static uint32_t choose_server_id(const Pipe *pipe)
{
    return pipe->settings.server_id ? pipe->settings.server_id : 0x40000000u | (g_str_hash(pipe->uuid) & 0x3fffffffu);
}

static bool write_source(Catalog *catalog, void *data, GError **error)
{
    Pipe *pipe = data;
    return catalog_pipe_set_source(catalog, pipe->id, pipe->record->server_id, pipe->record->identity, error);
}

static Selection *pipe_selection(const Pipe *pipe, GError **error)
{
    const char *lists[] = {pipe->record->tables, NULL};
    return selection_parse(lists, NULL, error);
}

/* While an end cannot be reached nothing else is known for sure: that comes first, and is waited for. */
static bool provision_judge(const GPtrArray *checks, Side *side, GError **error)
{
    const Check *failed = NULL;
    bool unreachable = false;

    for (unsigned i = 0; i < checks->len && !unreachable; i++) {
        const Check *check = checks->pdata[i];
        Side its;
        if (check->result != CHECK_FAIL)
            continue;
        unreachable = preflight_unreachable(check, &its);
        if (!failed || unreachable) {
            failed = check;
            *side = its;
        }
    }
    if (failed)
        g_set_error(error, SLUICE_ERROR, unreachable ? SLUICE_ERROR_FAILED : SLUICE_ERROR_PREFLIGHT, "preflight: %s: %s%s%s",
                    failed->name, failed->found, failed->mend ? "; " : "", failed->mend ? failed->mend : "");
    return !failed;
}

bool setup_provision(Pipe *pipe, Side *side, GError **error)
{
    g_autoptr(Selection) selection = pipe_selection(pipe, error);
    g_autofree char *dest = NULL;
    g_autoptr(GPtrArray) checks = check_list_new();
    g_autoptr(GPtrArray) tables = preflight_tables_new();

    *side = SIDE_SOURCE;
    if (!selection)
        return false;
    dest = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    if (!dest)
        return false;
    json_t *set = pipe_settings_given(pipe);
    PreflightRequest request = {.source = pipe->record->source,
                                .dest_url = dest,
                                .selection = selection,
                                .settings = &pipe->settings,
                                .set = set,
                                .uuid = pipe->uuid};
    preflight_run(&request, pipe->life, checks, tables);
    json_decref(set);
    if (cancel_set_error(pipe->life, error))
        return false;
    if (!provision_judge(checks, side, error))
        return false;
    pthread_mutex_lock(&pipe->lock);
    pipe->record->server_id = choose_server_id(pipe);
    pthread_mutex_unlock(&pipe->lock);
    return pipe_catalog_write(pipe, pipe->life, write_source, pipe) || !cancel_set_error(pipe->life, error);
}

/* ---- Setup ---- */

/* Rows of a prepared XA transaction stand in the log where it was prepared; a later XA COMMIT tells only its name.
 * Where a pipe begins none may be open: its rows would be in neither the log read nor the tables read. */
static bool no_prepared_transactions(SourceConnection *source, GError **error)
{
    if (source_server(source)->flavour != SOURCE_MARIADB)
        return true; /* MySQL: only who has XA_RECOVER_ADMIN may ask */
    g_autoptr(SourceRows) rows = source_query(source, "XA RECOVER", error);
    if (!rows)
        return false;
    if (rows->rows->len == 0)
        return true;
    g_set_error(
        error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
        "%u XA transaction%s prepared at the source, see XA RECOVER there: commit or roll back, the pipe begins then",
        rows->rows->len, rows->rows->len == 1 ? " is" : "s are");
    return false;
}

/* With what the settings say of its columns. */
static SourceTable *read_definition(Pipe *pipe, SourceConnection *source, const CatalogTable *record, GError **error)
{
    g_autoptr(SourceTable) definition = source_table_read(source, record->database, record->name, error);
    if (!definition)
        return NULL;
    json_t *set = pipe_settings_given(pipe);
    bool ok = column_settings_apply(set, definition, error);
    json_decref(set);
    return ok ? g_steal_pointer(&definition) : NULL;
}

static bool begin_position(Pipe *pipe, SourceConnection *source, const GPtrArray *tables, char **file, uint64_t *pos,
                           char **gtid, GError **error)
{
    g_autoptr(GPtrArray) definitions = g_ptr_array_new();
    for (unsigned i = 0; i < tables->len; i++)
        g_ptr_array_add(definitions, ((const PipeTable *)tables->pdata[i])->definition);
    return source_begin_position(source, definitions, !settings_by_file(&pipe->settings), file, pos, gtid, error);
}

/* Definitions and the end of the log, such that no definition changed around that position. `first`: the pipe itself begins there:
 * what was prepared before is in no log that it reads. */
static bool read_definitions(Pipe *pipe, SourceConnection *source, const GPtrArray *tables, bool first, char **file, uint64_t *pos,
                             char **gtid, GError **error)
{
    for (unsigned tries = 0; tries < DEFINITION_TRIES; tries++) {
        bool same = true;
        g_clear_pointer(file, g_free);
        g_clear_pointer(gtid, g_free);
        for (unsigned i = 0; i < tables->len; i++) {
            PipeTable *table = tables->pdata[i];
            SourceTable *definition = read_definition(pipe, source, table->record, error);
            if (!definition)
                return false;
            pthread_mutex_lock(&pipe->lock);
            if (table->definition)
                source_table_unref(table->definition);
            table->definition = definition;
            pthread_mutex_unlock(&pipe->lock);
        }
        if (!begin_position(pipe, source, tables, file, pos, gtid, error) || (first && !no_prepared_transactions(source, error)))
            return false;
        for (unsigned i = 0; i < tables->len && same; i++) {
            PipeTable *table = tables->pdata[i];
            g_autoptr(SourceTable) again =
                source_table_read(source, table->record->database, table->record->name, error);
            if (!again)
                return false;
            same = !RULE_HOLDS("definition-around-the-begin") ||
                   strcmp(again->create_sql, table->definition->create_sql) == 0;
        }
        if (same)
            return true;
    }
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                "tables are being altered all the time at the source; try again when the ALTER statements have ended");
    return false;
}

MappingSettings pipe_table_mapping(const PipeTable *table, const PipeSettings *settings)
{
    MappingSettings mapping = settings->mapping;
    mapping.column_prefix = settings->column_prefix;
    shape_copy(&table->shape, &mapping);
    return mapping;
}

/* What an operator wrote of a table, and the server does not take: no repetition mends that. */
static bool definition_is_refused(const GError *error)
{
    static const int codes[] = {
        36 /* BAD_ARGUMENTS */, 42 /* NUMBER_OF_ARGUMENTS_DOESNT_MATCH */, 43 /* ILLEGAL_TYPE_OF_ARGUMENT */, 44 /* ILLEGAL_COLUMN */,
        46 /* UNKNOWN_FUNCTION */, 47 /* UNKNOWN_IDENTIFIER */, 48 /* NOT_IMPLEMENTED */, 50 /* UNKNOWN_TYPE */, 53 /* TYPE_MISMATCH */,
        56 /* UNKNOWN_STORAGE */, 62 /* SYNTAX_ERROR */, 80 /* INCORRECT_QUERY */, 139 /* NO_ELEMENTS_IN_CONFIG: no keeper */,
        344 /* SUPPORT_IS_DISABLED */, 432 /* UNKNOWN_CODEC */, 433 /* ILLEGAL_CODEC_PARAMETER */, 450 /* BAD_TTL_EXPRESSION */,
        549 /* DATA_TYPE_CANNOT_BE_USED_IN_KEY */};
    for (size_t i = 0; error->domain == CLICKHOUSE_ERROR && i < G_N_ELEMENTS(codes); i++)
        if (error->code == codes[i])
            return true;
    return false;
}

static bool make_target(Clickhouse *ch, const DestTableSpec *spec, GError **error)
{
    GError *problem = NULL;
    if (dest_table_create(ch, spec, &problem))
        return true;
    if (definition_is_refused(problem)) {
        g_autofree char *shown = printable(spec->table, 64);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "the destination does not make the table %s, mend its settings order_by, partition_by, engine, ttl, codec or type: %s",
                    shown, problem->message);
        g_error_free(problem);
        return false;
    }
    g_propagate_error(error, problem);
    return false;
}

/* What is to stand at the destination for it. */
static DestTableSpec *target_spec(const Pipe *pipe, const char *database, const PipeTable *table, const PipeSettings *settings, GError **error)
{
    MappingSettings shape = pipe_table_mapping(table, settings);
    g_autoptr(TableMapping) mapping = mapping_new(table->definition, &shape, error);
    if (!mapping)
        return NULL;
    DestTableSpec *spec = dest_table_spec_new(database, table->record->target);
    mapping_fill_spec(mapping, spec);
    spec->mark = preflight_mark(pipe->uuid, table->record->database, table->record->name);
    spec->durable = settings->durable;
    dest_table_spec_set_cluster(spec, settings->cluster);
    return spec;
}

static bool refuse_target(const char *target, const char *why, GError **error)
{
    g_autofree char *shown = printable(target, 64);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT, "the target table %s %s; drop it and retry", shown, why);
    return false;
}

/* Somebody's: preflight found it fitting; it must still be, and no other pipe's, which may not have written to it yet. What was
 * loaded into it before may be gone at the source since. */
static bool use_target(const Pipe *pipe, const PipeTable *table, const DestTableInfo *info, const DestTableSpec *spec, TargetPolicy policy,
                       GError **error)
{
    g_autofree char *why = NULL;
    bool again = table->record->generation > 0 && pipe->state != PIPE_SETUP;
    if (preflight_target_use(info, spec, policy, pipe->uuid, &why) == TARGET_IS_REFUSED)
        return refuse_target(spec->table, why, error);
    return !again || !info->rows || refuse_target(spec->table, "holds rows of an earlier load", error);
}

/* ---- Targets of several tables ---- */

/* One of them, behind `after`, that is set up and has its rows there: not among `tables`, which are being set up now.
 * NULL: there is none. */
static PipeTable *next_that_is_there(const Pipe *pipe, const PipeTable *table, const GPtrArray *tables,
                                     PipeTable *after)
{
    for (PipeTable *other = after; (other = shared_next(pipe, table, other));)
        if (other->record->definition && other->definition && !g_ptr_array_find((GPtrArray *)tables, other, NULL))
            return other;
    return NULL;
}

static bool fits_another(const PipeTable *table, const PipeTable *other, const PipeSettings *settings, GError **error)
{
    MappingSettings ours = pipe_table_mapping(table, settings), theirs = pipe_table_mapping(other, settings);
    g_autofree char *why = shared_difference(other->definition, &theirs, table->definition, &ours);
    if (why)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s and %s.%s cannot both go into the table %s: %s; make them alike, then try again",
                    other->record->database, other->record->name, table->record->database, table->record->name,
                    table->record->target, why);
    return !why;
}

/* While they are altered one after the other, those that are there differ: it is to be like one of them. */
static bool fits_one(const Pipe *pipe, const PipeTable *table, const GPtrArray *tables, const PipeSettings *settings,
                     GError **error)
{
    GError *first = NULL;
    for (PipeTable *other = NULL; (other = next_that_is_there(pipe, table, tables, other));) {
        if (fits_another(table, other, settings, first ? NULL : &first)) {
            g_clear_error(&first);
            return true;
        }
    }
    g_propagate_error(error, first);
    return false;
}

/* The rows of the others stay; what an earlier load of this one has left there goes. */
static bool join_target(Pipe *pipe, Clickhouse *ch, PipeTable *table, const PipeTable *other, const DestTableSpec *spec,
                        GError **error)
{
    g_autoptr(DestTableInfo) info = dest_table_inspect(ch, spec->database, spec->table, NULL, error);
    if (!info)
        return false;
    g_autofree char *lacks = info->exists ? dest_table_lacks(info, spec) : g_strdup("it is gone");
    if (lacks) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "the table %s, where %s.%s goes too, does not take the rows of %s.%s: %s; resync the tables",
                    spec->table, other->record->database, other->record->name, table->record->database,
                    table->record->name, lacks);
        return false;
    }
    if (!preflight_mark_is_ours(info->comment, pipe->uuid)) /* rows of that name may be somebody's */
        return !table->record->generation || !info->rows ||
               refuse_target(spec->table, "holds rows of an earlier load", error);
    if (!shared_delete_rows(pipe, ch, table, error))
        return false;
    FAULT_POINT("setup-rows-deleted");
    return true;
}

/* `index`: which of the tables that are being set up. */
static bool create_target(Pipe *pipe, Clickhouse *ch, const GPtrArray *tables, unsigned index,
                          const PipeSettings *settings, GError **error)
{
    PipeTable *table = tables->pdata[index];
    const char *database = clickhouse_database(ch), *target = table->record->target;
    pthread_mutex_lock(&pipe->lock);
    shape_copy(&settings->mapping, &table->shape);
    pthread_mutex_unlock(&pipe->lock);
    atomic_store(&table->viewed, false);
    g_autoptr(DestTableSpec) spec = target_spec(pipe, database, table, settings, error);
    if (!spec)
        return false;
    for (unsigned i = 0; i < index; i++) /* it was made for another of them just now */
        if (strcmp(((const PipeTable *)tables->pdata[i])->record->target, target) == 0)
            return fits_another(table, tables->pdata[i], settings, error);
    const PipeTable *other = next_that_is_there(pipe, table, tables, NULL);
    if (other)
        return fits_one(pipe, table, tables, settings, error) && join_target(pipe, ch, table, other, spec, error);
    g_autoptr(DestTableInfo) info = dest_table_inspect(ch, database, target, spec->version_column, error);
    if (!info)
        return false;
    if (!info->exists)
        return make_target(ch, spec, error);
    if (!preflight_mark_is_ours(info->comment, pipe->uuid))
        return use_target(pipe, table, info, spec, settings->target, error);
    /* What was sent to one of an earlier load may still be under way. */
    bool gone = table->record->generation > 0 ? setup_drop_target(pipe, ch, table, target, error)
                                              : dest_table_drop(ch, database, target, info->comment, error);
    return gone && make_target(ch, spec, error);
}

/* ---- Targets that are not empty ---- */

/* The table, or what is loaded in its place: a table that is somebody's, and is to be replaced (setting target=resync), gets a twin
 * as for a resync. `info`: of what stands there, for the caller to free. */
static PipeTable *who_is_loaded(Pipe *pipe, Clickhouse *ch, PipeTable *table, const GPtrArray *tables,
                                const PipeSettings *settings, DestTableInfo **info, GError **error)
{
    PipeTable *twin = resync_twin(pipe, table);
    g_autofree char *why = NULL;
    if (twin || table->record->twin_of)
        return twin && !resync_stand_aside(pipe, table, error) ? NULL : twin ? twin : table;
    if (next_that_is_there(pipe, table, tables, NULL)) /* what stands there is the pipe's already */
        return table;
    g_autoptr(DestTableSpec) spec = target_spec(pipe, clickhouse_database(ch), table, settings, error);
    *info = spec ? dest_table_inspect(ch, clickhouse_database(ch), table->record->target, spec->version_column, error) : NULL;
    if (!*info)
        return NULL;
    if (preflight_target_use(*info, spec, settings->target, pipe->uuid, &why) != TARGET_IS_REPLACED)
        return table;
    if (shared_is(pipe, table)) {
        refuse_target(table->record->target,
                      "holds rows, and several tables go into it: only that of one can be replaced", error);
        return NULL;
    }
    return resync_divert(pipe, table, error);
}

/* Rows that are there must not outrank those to come. Where the pipe begins its epoch is above theirs; one that goes on cannot
 * change its own. */
static bool settle_epoch(const PipeTable *table, const DestTableInfo *info, bool first, CatalogCheckpoint *begin, GError **error)
{
    if (!info || !info->rows || preflight_mark_is_a_pipes(info->comment) || dest_table_next_epoch(info) <= begin->epoch)
        return true;
    if (!first)
        return refuse_target(table->record->target, "holds rows with versions above those of this pipe: take it into a pipe of its own", error);
    begin->epoch = dest_table_next_epoch(info);
    return true;
}

/* Definitions are known. In `tables` those that others are loaded for become these, whose definitions are not known: `changed`. */
static bool settle_targets(Pipe *pipe, Clickhouse *ch, GPtrArray *tables, const PipeSettings *settings, bool first, CatalogCheckpoint *begin,
                           bool *changed, GError **error)
{
    *changed = false;
    for (unsigned i = 0; i < tables->len; i++) {
        DestTableInfo *info = NULL;
        PipeTable *table = tables->pdata[i], *loaded = who_is_loaded(pipe, ch, table, tables, settings, &info, error);
        bool ok = loaded && (loaded != table || settle_epoch(table, info, first, begin, error));
        dest_table_info_free(info);
        if (!ok)
            return false;
        *changed = *changed || loaded != table;
        tables->pdata[i] = loaded;
    }
    return true;
}

char *pipe_definition_text(const PipeTable *table, const SourceTable *definition)
{
    json_t *json = source_table_to_json(definition);
    json_object_set_new(json, "shape", shape_to_json(&table->shape));
    return json_text_take(json);
}

/* `begin`: E. `version`: what its loaded rows carry. */
static void begin_table(Pipe *pipe, PipeTable *table, const CatalogCheckpoint *begin, uint64_t version)
{
    pthread_mutex_lock(&pipe->lock);
    CatalogTable *record = table->record;
    g_free(record->definition);
    record->definition = pipe_definition_text(table, table->definition);
    g_free(record->begin_file);
    record->begin_file = g_strdup(begin->file);
    record->begin_pos = begin->pos;
    g_free(record->begin_gtid);
    record->begin_gtid = g_strdup(begin->gtid);
    g_clear_pointer(&record->read_gtid, g_free);
    record->snapshot_version = version;
    if (!RULE_HOLDS("loaded-rows-lose-against-the-stream"))
        record->snapshot_version |= ((uint64_t)1 << 48) - 1;
    record->rows_estimate = table->definition->rows_estimate;
    record->rows_done = 0;
    record->generation++;
    table->unfollowed = true;
    record->loaded = pipe->mode == PIPE_MODE_CDC;
    atomic_store(&table->state, pipe->mode == PIPE_MODE_CDC ? TABLE_LIVE : TABLE_WAITING);
    pthread_mutex_unlock(&pipe->lock);
}

/* Where a `cdc` pipe begins, by its setting `start`. */
static void apply_start(const PipeSettings *settings, CatalogCheckpoint *start)
{
    if (g_str_has_prefix(settings->start, "file:")) {
        const char *colon = strrchr(settings->start, ':');
        g_free(start->file);
        start->file = g_strndup(settings->start + 5, (gsize)(colon - settings->start - 5));
        start->pos = g_ascii_strtoull(colon + 1, NULL, 10);
        g_clear_pointer(&start->gtid, g_free);
    } else if (g_str_has_prefix(settings->start, "gtid:")) {
        g_clear_pointer(&start->file, g_free);
        start->pos = 0;
        g_free(start->gtid);
        start->gtid = g_strdup(settings->start + 5);
    }
}

typedef struct {
    Pipe *pipe;
    const CatalogCheckpoint *start;
} StartWrite;

static bool write_start(Catalog *catalog, void *data, GError **error)
{
    StartWrite *write = data;
    return write_source(catalog, write->pipe, error) &&
           catalog_checkpoint_save(catalog, write->pipe->id, write->start, UINT64_MAX >> 1, NULL, error);
}

static uint64_t version_at(const CatalogCheckpoint *checkpoint)
{
    return place_version(checkpoint->epoch, checkpoint->offset);
}

static bool record_tables(Pipe *pipe, const GPtrArray *tables, const CatalogCheckpoint *begin, uint64_t version, GError **error)
{
    for (unsigned i = 0; i < tables->len; i++) {
        begin_table(pipe, tables->pdata[i], begin, version);
        if (!pipe_save_table(pipe, tables->pdata[i], pipe->life)) {
            cancel_set_error(pipe->life, error);
            return false;
        }
    }
    return true;
}

/* Where the pipe begins, in the catalog. */
static bool record_start(Pipe *pipe, SourceConnection *source, CatalogCheckpoint *start, GError **error)
{
    StartWrite write = {.pipe = pipe, .start = start};
    pthread_mutex_lock(&pipe->lock);
    g_free(pipe->record->identity);
    pipe->record->identity = g_strdup(source_server(source)->identity);
    pthread_mutex_unlock(&pipe->lock);
    if (!pipe_catalog_write(pipe, pipe->life, write_start, &write)) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    pthread_mutex_lock(&pipe->lock);
    catalog_checkpoint_clear(&pipe->applied);
    checkpoint_copy(&pipe->applied, start);
    pthread_mutex_unlock(&pipe->lock);
    g_autofree char *position = start->file ? g_strdup_printf("%s:%" G_GUINT64_FORMAT, start->file, start->pos) : NULL;
    pipe_journal(pipe, "engine", "position", position, "position recorded%s%s",
                 start->gtid && *start->gtid ? ": gtid " : "", start->gtid ? start->gtid : "");
    return true;
}

/* Where no Work runs nobody else would tell. */
static void destination_is_silent(void *data, const GError *why, unsigned times)
{
    Pipe *pipe = data;
    if (!why) {
        pipe_stall_clear(pipe, SIDE_DESTINATION);
        return;
    }
    g_autoptr(GError) silent = g_error_new(CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN,
                                           "the destination does not answer; see whether it is frozen or overloaded (ping: %s)", why->message);
    pipe_stall_note(pipe, SIDE_DESTINATION, silent, times, false);
}

Clickhouse *setup_open_destination(Pipe *pipe, Cancel *cancel, GError **error)
{
    g_autofree char *text = pipe->env->resolve_dest(pipe->env->data, pipe->record->dest, error);
    g_autoptr(Url) url = text ? clickhouse_url_parse(text, error) : NULL;
    Clickhouse *ch = url ? clickhouse_new(url, cancel, error) : NULL;
    if (!ch)
        return NULL;
    pthread_mutex_lock(&pipe->lock);
    clickhouse_set_cluster(ch, pipe->settings.cluster);
    pthread_mutex_unlock(&pipe->lock);
    clickhouse_watch(ch, destination_is_silent, pipe);
    return ch;
}

/* Tables that have no definition yet. */
static GPtrArray *new_tables(const Pipe *pipe)
{
    GPtrArray *tables = g_ptr_array_new();
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        if (!table->record->definition && atomic_load(&table->state) == TABLE_WAITING)
            g_ptr_array_add(tables, table);
    }
    return tables;
}

bool setup_has_new_tables(const Pipe *pipe)
{
    g_autoptr(GPtrArray) tables = new_tables(pipe);
    return tables->len > 0;
}

/* The definitions, where the tables begin, and which are loaded: see settle_targets. */
static bool look(Pipe *pipe, SourceConnection *source, Clickhouse *ch, GPtrArray *tables, const PipeSettings *settings, bool first,
                 CatalogCheckpoint *begin, GError **error)
{
    bool changed;
    return read_definitions(pipe, source, tables, first, &begin->file, &begin->pos, &begin->gtid, error) &&
           settle_targets(pipe, ch, tables, settings, first, begin, &changed, error) &&
           (!changed || read_definitions(pipe, source, tables, first, &begin->file, &begin->pos, &begin->gtid, error));
}

/* What was read of tables that could not be set up is no definition of theirs: by one they would be followed and loaded, without a
 * destination table. */
static void forget_definitions(Pipe *pipe, const GPtrArray *tables)
{
    for (unsigned i = 0; i < tables->len; i++) {
        PipeTable *table = tables->pdata[i];
        pthread_mutex_lock(&pipe->lock);
        if (!table->record->definition)
            source_table_unref(atomic_exchange(&table->definition, NULL));
        pthread_mutex_unlock(&pipe->lock);
    }
}

/* ---- Tables that come later: what the preflight of a pipe finds out ---- */

static bool refuse_target_of(const Pipe *pipe, const PipeTable *table, const char *target, const CatalogTable *other,
                             GError **error)
{
    g_autofree char *name = selection_name(table->record->database, table->record->name);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT,
                "it would go to %s, which is in use by %s.%s; sluice tables %s remove %s, then sluice tables %s add "
                "%s:TARGET with another one",
                target, other->database, other->name, pipe->name, name, pipe->name, name);
    return false;
}

/* Into a table that is being replaced none comes: the new one would lack its rows. */
static bool check_shared(Pipe *pipe, const PipeTable *table, const PipeTable *other, GError **error)
{
    pthread_mutex_lock(&pipe->lock);
    bool meant = shared_is_meant(pipe, table->record, other);
    pthread_mutex_unlock(&pipe->lock);
    if (!meant)
        return refuse_target_of(pipe, table, table->record->target, other->record, error);
    if (!resync_twin(pipe, other))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT,
                "the table %s, which it goes into, is being loaded again: try it again when the resync has come to its end",
                table->record->target);
    return false;
}

/* Neither it nor its view takes the place of what a table that came before it has there. */
static bool check_names(Pipe *pipe, const PipeTable *table, const PipeSettings *settings, GError **error)
{
    const char *target = table->record->target;
    g_autofree char *view = live_view_name(target);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const PipeTable *its = pipe->tables->pdata[i];
        const CatalogTable *other = its->record;
        if (other == table->record || (!other->generation && other->id > table->record->id))
            continue;
        g_autofree char *other_view = live_view_name(other->target);
        if (strcmp(other->target, target) == 0 && !check_shared(pipe, table, its, error))
            return false;
        if (settings->live_view && (strcmp(other->target, view) == 0 || strcmp(other_view, target) == 0))
            return refuse_target_of(pipe, table, strcmp(other_view, target) == 0 ? target : view, other, error);
    }
    return true;
}

/* Of a table that came by itself nobody has looked at anything yet. */
static bool check_new(Pipe *pipe, SourceConnection *source, Clickhouse *ch, const PipeTable *table,
                      const PipeSettings *settings, GError **error)
{
    const CatalogTable *record = table->record;
    g_autoptr(GPtrArray) checks = check_list_new();
    Side side;
    if (record->twin_of || resync_twin(pipe, table))
        return true;
    if (!check_names(pipe, table, settings, error))
        return false;
    if (!settings->new_tables_add) /* `tables add` has looked */
        return true;
    json_t *set = pipe_settings_given(pipe);
    PreflightRequest request = {.settings = settings, .set = set, .uuid = pipe->uuid, .count_seconds = COUNT_SECONDS};
    preflight_table(source, ch, &request, record->database, record->name, record->target, checks);
    json_decref(set);
    return !cancel_set_error(pipe->life, error) && provision_judge(checks, &side, error);
}

/* Where another server answers the stream decides whether it goes on there. */
bool setup_is_followed(Pipe *pipe, SourceConnection *source, GError **error)
{
    const char *identity = source_server(source)->identity;
    pthread_mutex_lock(&pipe->lock);
    bool other = g_strcmp0(pipe->record->identity, identity) != 0, leaves = pipe->failing_over;
    pthread_mutex_unlock(&pipe->lock);
    if (leaves)
        g_set_error(error, SOURCE_ERROR, 2013, "the pipe goes over to another server than %s just now", identity);
    else if (other)
        g_set_error(error, SOURCE_ERROR, 2013, "another server answers (%s) than the one that is followed", identity);
    return !other && !leaves;
}

/* Both ends, opened once for all tables. */
typedef struct {
    SourceConnection *source;
    Clickhouse *ch;
} Ends;

static void ends_close(Ends *ends)
{
    source_close(ends->source);
    clickhouse_free(ends->ch);
}

static bool ends_open(Pipe *pipe, Ends *ends, GError **error)
{
    g_autoptr(Url) url = source_url_parse(pipe->record->source, error);
    ends->source = url ? source_open_timeout(url, SOURCE_ANSWER_SECONDS, pipe->life, error) : NULL;
    ends->ch = ends->source ? setup_open_destination(pipe, pipe->life, error) : NULL;
    return ends->ch && clickhouse_ensure_database(ends->ch, error);
}

static bool begin_behind_the_stream(const SourceConnection *source, const CatalogCheckpoint *at,
                                    CatalogCheckpoint *begin, GError **error)
{
    if (source_server(source)->flavour != SOURCE_MYSQL || !begin->gtid || !at->gtid ||
        !RULE_HOLDS("visible-before-read"))
        return true;
    char *beginning = load_beginning(begin->gtid, at->gtid, error);
    g_free(begin->gtid);
    begin->gtid = beginning;
    return beginning != NULL;
}

/* `at`: where the pipe is; without a place in the log it begins where the tables do, by the setting `start` of a `cdc` pipe. */
static bool set_up(Pipe *pipe, const Ends *ends, GPtrArray *tables, const CatalogCheckpoint *at, bool *other_server,
                   GError **error)
{
    bool first = !at->file && !at->gtid;
    SourceConnection *source = ends->source;
    Clickhouse *ch = ends->ch;
    CatalogCheckpoint begin = {.epoch = at->epoch, .offset = at->offset};

    pthread_mutex_lock(&pipe->lock);
    PipeSettings settings = pipe->settings;
    pthread_mutex_unlock(&pipe->lock);

    *other_server = !first && !setup_is_followed(pipe, source, error);
    if (*other_server)
        return false;
    for (unsigned i = 0; pipe->state != PIPE_SETUP && i < tables->len; i++)
        if (!check_new(pipe, source, ch, tables->pdata[i], &settings, error))
            return false;
    bool ok = look(pipe, source, ch, tables, &settings, first, &begin, error) &&
              begin_behind_the_stream(source, at, &begin, error);
    if (ok && first && pipe->mode == PIPE_MODE_CDC && at->epoch == 1)
        apply_start(&settings, &begin);
    for (unsigned i = 0; ok && i < tables->len; i++)
        ok = create_target(pipe, ch, tables, i, &settings, error);
    /* The pipe's own start comes first: cut off in between, the tables begin later than it, never before. */
    FAULT_POINT("setup-tables-created");
    ok = ok && (!first || record_start(pipe, source, &begin, error));
    FAULT_POINT("setup-start-recorded");
    ok = ok && record_tables(pipe, tables, &begin, version_at(&begin), error);
    if (!ok)
        forget_definitions(pipe, tables);
    catalog_checkpoint_clear(&begin);
    return ok;
}

bool setup_tables(Pipe *pipe, GError **error)
{
    CatalogCheckpoint nowhere = {.epoch = 1};
    bool other_server = false;
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    for (unsigned i = 0; i < pipe->tables->len; i++)
        if (!((const PipeTable *)pipe->tables->pdata[i])->record->twin_of) /* what is loaded for a table comes by it */
            g_ptr_array_add(tables, pipe->tables->pdata[i]);
    Ends ends = {0};
    bool ok = ends_open(pipe, &ends, error) && set_up(pipe, &ends, tables, &nowhere, &other_server, error);
    ends_close(&ends);
    return ok;
}

static bool set_up_one(Pipe *pipe, const Ends *ends, PipeTable *table, bool *other_server, GError **error)
{
    g_autoptr(GPtrArray) alone = g_ptr_array_new();
    CatalogCheckpoint at = {0};

    g_ptr_array_add(alone, table);
    pthread_mutex_lock(&pipe->catalog_lock);
    bool ok = catalog_checkpoint_load(pipe->catalog, pipe->id, &at, error);
    pthread_mutex_unlock(&pipe->catalog_lock);
    ok = ok && set_up(pipe, ends, alone, &at, other_server, error);
    catalog_checkpoint_clear(&at);
    return ok;
}

/* One that cannot be set up fails alone. False: the error is not the table's. */
static bool set_up_or_fail(Pipe *pipe, const Ends *ends, PipeTable *table, bool *other_server, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (set_up_one(pipe, ends, table, other_server, &problem))
        return true;
    RetryDecision decision =
        retry_decide(problem, problem->domain == CLICKHOUSE_ERROR ? SIDE_DESTINATION : SIDE_SOURCE);
    bool unfit = g_error_matches(problem, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT);
    if (decision.verdict != VERDICT_FAIL_TABLE && !unfit) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (unfit) {
        decision.remedies[0] = "sluice retry NAME --table TABLE, after the cause was mended";
        decision.remedies[1] = "sluice tables NAME remove TABLE leaves it out";
    }
    PipeTable *twin = resync_twin(pipe, table);
    pipe_table_fail(pipe, twin ? twin : table, problem, &decision, NULL);
    return true;
}

static bool set_up_each(Pipe *pipe, const Ends *ends, const GPtrArray *tables, bool *other_server, GError **error)
{
    for (unsigned i = 0; i < tables->len; i++) {
        PipeTable *table = tables->pdata[i];
        if (table->record->definition) /* it came by the table that it is loaded for */
            continue;
        FAULT_POINT("setup-of-a-table");
        if (!set_up_or_fail(pipe, ends, table, other_server, error))
            return false;
    }
    return true;
}

bool setup_new_tables(Pipe *pipe, bool *other_server, GError **error)
{
    g_autoptr(GPtrArray) tables = new_tables(pipe);
    Ends ends = {0};
    bool ok = !tables->len || (ends_open(pipe, &ends, error) && set_up_each(pipe, &ends, tables, other_server, error));
    ends_close(&ends);
    if (!ok)
        return false;
    if (pipe->applied.file || pipe->applied.gtid)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_PREFLIGHT,
                "no table could be set up, so the pipe has no position to begin at; the tables' errors say why");
    return false;
}

/* ---- Drop ---- */

char *setup_mark_there(const Pipe *pipe, Clickhouse *ch, const char *name, const char *otherwise, GError **error)
{
    GError *problem = NULL;
    char *comment = dest_table_comment(ch, clickhouse_database(ch), name, &problem);
    if (comment && preflight_mark_is_ours(comment, pipe->uuid))
        return comment;
    g_free(comment);
    if (!problem)
        return g_strdup(otherwise);
    g_propagate_error(error, problem);
    return NULL;
}

bool setup_drop_marked(const Pipe *pipe, Clickhouse *ch, const CatalogTable *record, const char *target, GError **error)
{
    g_autofree char *own = preflight_mark(pipe->uuid, record->database, record->name);
    g_autofree char *mark = setup_mark_there(pipe, ch, target, own, error);
    return mark && dest_table_drop(ch, clickhouse_database(ch), target, mark, error);
}

bool setup_drop_target(Pipe *pipe, Clickhouse *ch, const PipeTable *table, const char *target, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("sluice-%s-", pipe->uuid);
    return insert_kill_all(ch, prefix, pipe->life, error) && setup_drop_marked(pipe, ch, table->record, target, error);
}

bool setup_leave_target(Pipe *pipe, Clickhouse *ch, const PipeTable *table, GError **error)
{
    const char *target = table->record->target;
    if (!shared_is(pipe, table))
        return setup_drop_target(pipe, ch, table, target, error);
    GError *problem = NULL;
    g_autofree char *mark = dest_table_comment(ch, clickhouse_database(ch), target, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    if (!mark) /* it was not made yet */
        return true;
    if (preflight_mark_is_ours(mark, pipe->uuid))
        return shared_delete_rows(pipe, ch, table, error);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                "destination table %s was not made by this pipe, so no rows of %s.%s are deleted there", target,
                table->record->database, table->record->name);
    return false;
}
