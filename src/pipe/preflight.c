#include "pipe/preflight.h"
#include "pipe/columns.h"
#include "pipe/exact.h"
#include "pipe/live_view.h"
#include "pipe/shared.h"

#include <string.h>

#define LIST_SECONDS 120 /* a server with very many tables takes its time to list them */

static void table_free(PreflightTable *table)
{
    source_table_unref(table->definition);
    g_free(table->target);
    g_free(table->shape);
    g_free(table);
}

GPtrArray *preflight_tables_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)table_free);
}

GPtrArray *preflight_known(const GPtrArray *records)
{
    GPtrArray *known = preflight_tables_new();
    for (unsigned i = 0; i < records->len; i++) {
        const CatalogTable *record = records->pdata[i];
        json_t *json = record->definition && !record->twin_of ? json_loads(record->definition, 0, NULL) : NULL;
        SourceTable *definition = json ? source_table_from_json(json, NULL) : NULL;
        if (definition) {
            PreflightTable *table = g_new0(PreflightTable, 1);
            table->definition = definition;
            table->target = g_strdup(record->target);
            table->shape = g_new0(MappingSettings, 1);
            shape_from_json(json_object_get(json, "shape"), table->shape);
            g_ptr_array_add(known, table);
        }
        json_decref(json);
    }
    return known;
}

char *preflight_mark(const char *uuid, const char *database, const char *table)
{
    return g_strdup_printf("sluice pipe=%s table=%s.%s", uuid, database, table);
}

bool preflight_mark_is_ours(const char *comment, const char *uuid)
{
    g_autofree char *prefix = g_strdup_printf("sluice pipe=%s ", uuid);
    return comment && g_str_has_prefix(comment, prefix);
}

bool preflight_mark_is_a_pipes(const char *comment)
{
    return comment && g_str_has_prefix(comment, "sluice pipe=");
}

bool preflight_unreachable(const Check *check, Side *side)
{
    *side = g_str_has_prefix(check->name, "clickhouse_") || strcmp(check->name, "destination") == 0 ? SIDE_DESTINATION
                                                                                                    : SIDE_SOURCE;
    return strcmp(check->name, "source") == 0 || strcmp(check->name, "destination") == 0 ||
           strcmp(check->name, "clickhouse_reachable") == 0 || strcmp(check->name, "clickhouse_login") == 0;
}

/* MariaDB 11.8 does, 10.11 does not [tried]. */
static bool leaves_generated_out(const SourceServer *server)
{
    return server->flavour == SOURCE_MARIADB && server->version >= 110800;
}

static void check_generated(const SourceServer *server, const SourceTable *definition, GPtrArray *checks)
{
    for (unsigned c = 0; leaves_generated_out(server) && c < definition->n_columns; c++) {
        const SourceColumn *column = &definition->columns[c];
        if (column->excluded || !column->generated)
            continue;
        g_autofree char *shown = printable(column->name, 64);
        check_add(checks, CHECK_FAIL, "column", MAPPING_GENERATED_MEND, "%s.%s: column %s: " MAPPING_GENERATED_LEFT_OUT,
                  definition->database, definition->name, shown);
    }
}

static void check_mapping(SourceTable *definition, const PipeSettings *settings, GPtrArray *checks)
{
    bool good = true;
    for (unsigned c = 0; c < definition->n_columns; c++) {
        const SourceColumn *column = &definition->columns[c];
        const char *why = NULL;
        if (column->excluded)
            continue;
        g_autofree char *type = mapping_column_type(column, source_table_column_is_placed(definition, c), &settings->mapping, &why);
        if (type)
            continue;
        good = false;
        g_autofree char *shown = printable(column->name, 64);
        g_autofree char *shown_type = printable(column->as_type ? column->as_type : column->type_text, 80);
        check_add(checks, CHECK_FAIL, "column",
                  "leave the column out with --set DB.TABLE:exclude=COLUMN, or change its type at the source",
                  column->as_type ? "%s.%s: column %s cannot become %s: %s"
                                  : "%s.%s: column %s is %s, which cannot be mapped: %s",
                  definition->database, definition->name, shown, shown_type, why ? why : "its type is not known");
    }
    /* What is wrong with the table as a whole: no key, or a column with the name of one that is added. */
    g_autoptr(GError) error = NULL;
    g_autoptr(TableMapping) mapping =
        good && definition->n_key ? mapping_new(definition, &settings->mapping, &error) : NULL;
    if (error)
        check_add(checks, CHECK_FAIL, "column", "rename the column, or set another column_prefix", "%s",
                  error->message);
}

/* It is loaded at one position (exact.h). */
static void check_exact(SourceConnection *source, const SourceTable *definition, GPtrArray *checks)
{
    if (exact_is_defined(definition))
        source_preflight_lock_tables(source, "a table that keeps every change is loaded as it is at one position", "", checks);
}

static void check_source_table(SourceConnection *source, const PreflightRequest *request, const char *database,
                               const char *name, const char *target, GPtrArray *checks, GPtrArray *tables)
{
    bool names_key = column_settings_name_key(request->set, database, name);
    SourceTableAccept accept = (request->settings->foreign_keys_flag ? SOURCE_ACCEPT_CASCADES : 0) | (names_key ? SOURCE_ACCEPT_NO_KEY : 0);
    SourceTable *definition = source_preflight_table(source, database, name, accept, checks);
    if (!definition)
        return;
    g_autoptr(GError) error = NULL;
    if (!column_settings_apply(request->set, definition, &error))
        check_add(checks, CHECK_FAIL, "column", "mend the settings of the table", "%s", error->message);
    else if (names_key)
        source_preflight_key(source, definition, request->count_seconds, checks);
    check_mapping(definition, request->settings, checks);
    check_exact(source, definition, checks);
    check_generated(source_server(source), definition, checks);
    PreflightTable *table = g_new0(PreflightTable, 1);
    table->definition = definition;
    table->target = g_strdup(target);
    g_ptr_array_add(tables, table);
}

static void add_table(SourceConnection *source, const PreflightRequest *request, const char *database, const char *name,
                      GPtrArray *checks, GPtrArray *tables)
{
    g_autofree char *target = NULL;
    if (selection_match(request->selection, database, name, &target))
        check_source_table(source, request, database, name, target, checks, tables);
}

static int name_compare(const void *a, const void *b)
{
    const SelectionName *x = *(SelectionName *const *)a, *y = *(SelectionName *const *)b;
    int by_database = strcmp(x->database, y->database);
    return by_database ? by_database : strcmp(x->table, y->table);
}

static void name_free(SelectionName *name)
{
    g_free(name->database);
    g_free(name->table);
    g_free(name);
}

/* The exact names, and with wildcards every base table that matches. */
static GPtrArray *wanted_tables(SourceConnection *source, const Selection *selection, GPtrArray *checks)
{
    GPtrArray *names = selection_exact_names(selection);
    if (selection_has_wildcard(selection)) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) all = source_list_tables(source, &error);
        if (!all)
            check_add(checks, CHECK_FAIL, "tables", "grant SELECT on the tables to replicate", "the tables cannot be listed: %s",
                      error->message);
        unsigned exact = names->len;
        for (unsigned i = 0; all && i < all->len; i++) {
            const SourceTableInfo *info = all->pdata[i];
            bool known = false;
            for (unsigned k = 0; k < exact && !known; k++) {
                const SelectionName *name = names->pdata[k];
                known = strcmp(name->database, info->database) == 0 && strcmp(name->table, info->name) == 0;
            }
            if (known || !selection_match(selection, info->database, info->name, NULL))
                continue;
            SelectionName *name = g_new(SelectionName, 1);
            name->database = g_strdup(info->database);
            name->table = g_strdup(info->name);
            g_ptr_array_add(names, name);
        }
    }
    g_ptr_array_sort(names, name_compare);
    g_ptr_array_set_free_func(names, (GDestroyNotify)name_free);
    return names;
}

/* What failed because the connection broke meanwhile says nothing of the server: the break is a finding of its own. */
static void check_still_there(SourceConnection *source, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    if (!check_list_failed(checks))
        return;
    g_autofree char *one = source_query_value(source, "SELECT 1", &error);
    if (!one)
        check_add(checks, CHECK_FAIL, "source", "see the server's log and the network, then try again",
                  "the connection was lost while the source was looked at: %s", error ? error->message : "no answer");
}

/* What the server itself would be asked again and again. */
static void check_start(SourceConnection *source, const PipeSettings *settings, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    const SourceServer *server = source_server(source);
    if (!g_str_has_prefix(settings->start, "gtid:"))
        return;
    g_autoptr(GtidSet) set = gtid_set_parse(server->flavour, settings->start + strlen("gtid:"), &error);
    if (!set)
        check_add(checks, CHECK_FAIL, "start", "take it from @@gtid_executed (MySQL) or @@gtid_binlog_pos (MariaDB)", "start: %s",
                  error->message);
    else if (server->flavour == SOURCE_MYSQL && !server->gtid)
        check_add(checks, CHECK_FAIL, "start", "start the server with gtid_mode=ON, or write start=file:NAME:POS",
                  "start names GTIDs, and the server has none");
}

static void check_settings_used(const json_t *set, const GPtrArray *names, const GPtrArray *tables, GPtrArray *checks)
{
    g_autoptr(GPtrArray) definitions = g_ptr_array_new();
    for (unsigned i = 0; i < tables->len; i++)
        g_ptr_array_add(definitions, ((const PreflightTable *)tables->pdata[i])->definition);
    column_settings_check_used(set, names, definitions, checks);
}

static void check_source(const PreflightRequest *request, Cancel *cancel, GPtrArray *checks, GPtrArray *tables)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) url = source_url_parse(request->source, &error);
    if (!url) {
        check_add(checks, CHECK_FAIL, "source", "write mysql://USER@HOST:PORT/?password-file=FILE", "%s", error->message);
        return;
    }
    g_autoptr(SourceConnection) source = source_open_timeout(url, LIST_SECONDS, cancel, &error);
    if (!source) {
        check_add(checks, CHECK_FAIL, "source", "start the server, or mend host, port, user or password in --source", "%s",
                  error->message);
        return;
    }
    source_preflight_server(source, url, checks);
    check_start(source, request->settings, checks);
    if (settings_by_file(request->settings) && source_server(source)->gtid)
        source_preflight_lock_tables(source, "without GTIDs (position=file) no other position fits the rows of a table", " or leave position=file out", checks);
    g_autoptr(GPtrArray) names = wanted_tables(source, request->selection, checks);
    for (unsigned i = 0; i < names->len; i++) {
        const SelectionName *name = names->pdata[i];
        add_table(source, request, name->database, name->table, checks, tables);
    }
    check_still_there(source, checks);
    if (!request->uuid && !request->known &&
        names->len) /* a pipe that is there may have settings of other tables, which may be in it no more */
        check_settings_used(request->set, names, tables, checks);
    if (names->len == 0)
        check_add(checks, CHECK_FAIL, "tables", "mend --tables", "no table of the source matches the list");
    else if (tables->len > 0)
        check_add(checks, CHECK_OK, "tables", NULL, "%u table%s to replicate", tables->len, tables->len == 1 ? "" : "s");
}

static MappingSettings mapping_of(const PreflightTable *table, const PipeSettings *settings)
{
    MappingSettings mapping = settings->mapping;
    if (table->shape)
        shape_copy(table->shape, &mapping);
    return mapping;
}

/* The first of the list before `end` that goes into the same table; NULL: none. */
static const PreflightTable *with_target(const GPtrArray *tables, unsigned end, const char *target)
{
    for (unsigned i = 0; i < end; i++) {
        const PreflightTable *table = tables->pdata[i];
        if (strcmp(table->target, target) == 0)
            return table;
    }
    return NULL;
}

static void check_pair(const PreflightTable *table, const PreflightTable *other, const PipeSettings *settings,
                       GPtrArray *checks)
{
    MappingSettings ours = mapping_of(table, settings), theirs = mapping_of(other, settings);
    const SourceTable *a = other->definition, *b = table->definition;
    g_autofree char *why = shared_difference(a, &theirs, b, &ours);
    bool named =
        a->texts[TABLE_SOURCE_COLUMN] && g_strcmp0(a->texts[TABLE_SOURCE_COLUMN], b->texts[TABLE_SOURCE_COLUMN]) == 0;
    if (why)
        check_add(checks, CHECK_FAIL, "target",
                  named ? "make them alike at the source or by settings (exclude, rename, type, …), or give one of "
                          "them another target: db.table:target"
                        : "give one of them another target: db.table:target, or all of them one --set "
                          "DB.TABLE:source_column=NAME",
                  "%s.%s and %s.%s would both go into %s: %s", a->database, a->name, b->database, b->name,
                  table->target, why);
}

/* With all that are there, for those may differ by now; of the new ones the first tells enough. */
static void check_collisions(const PreflightRequest *request, const GPtrArray *tables, GPtrArray *checks)
{
    for (unsigned i = 0; i < tables->len; i++) {
        const PreflightTable *table = tables->pdata[i], *other = with_target(tables, i, table->target);
        if (other)
            check_pair(table, other, request->settings, checks);
        for (unsigned k = 0; !other && request->known && k < request->known->len; k++) {
            const PreflightTable *known = request->known->pdata[k];
            if (strcmp(known->target, table->target) == 0)
                check_pair(table, known, request->settings, checks);
        }
    }
}

static void check_view_collisions(const GPtrArray *tables, GPtrArray *checks)
{
    g_autoptr(GHashTable) targets = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < tables->len; i++)
        g_hash_table_add(targets, ((const PreflightTable *)tables->pdata[i])->target);
    for (unsigned i = 0; i < tables->len; i++) {
        const PreflightTable *table = tables->pdata[i];
        g_autofree char *view = live_view_name(table->target);
        if (g_hash_table_contains(targets, view))
            check_add(checks, CHECK_FAIL, "target", "give one of them another target: db.table:target, or leave live_view off",
                      "live_view: the view of %s would have the name of another target, %s", table->target, view);
    }
}

static DestTableSpec *table_spec(const PreflightTable *table, const char *database, const PipeSettings *settings)
{
    MappingSettings shape = mapping_of(table, settings);
    g_autoptr(TableMapping) mapping = mapping_new(table->definition, &shape, NULL);
    if (!mapping)
        return NULL; /* a check says why already */
    DestTableSpec *spec = dest_table_spec_new(database, table->target);
    mapping_fill_spec(mapping, spec);
    dest_table_spec_set_cluster(spec, settings->cluster);
    return spec;
}

TargetUse preflight_target_use(const DestTableInfo *info, const DestTableSpec *spec, TargetPolicy policy, const char *uuid, char **why)
{
    *why = NULL;
    if (!info->exists || (uuid && preflight_mark_is_ours(info->comment, uuid)))
        return TARGET_IS_FREE;
    if (preflight_mark_is_a_pipes(info->comment)) {
        *why = g_strdup("belongs to another pipe, or is left over from one that was dropped");
        return TARGET_IS_REFUSED;
    }
    g_autofree char *unfit = dest_table_incompatible(info, spec);
    if (policy == TARGET_RESYNC && (unfit || info->rows > 0)) {
        if (dest_table_holds_rows(info))
            return TARGET_IS_REPLACED;
        *why = g_strdup_printf("is of engine %s, which no other can take the place of", info->engine);
        return TARGET_IS_REFUSED;
    }
    if (info->rows > 0 && policy == TARGET_REFUSE)
        *why = g_strdup_printf("exists at the destination and holds %" G_GUINT64_FORMAT " rows", info->rows);
    else if (unfit)
        *why = g_strdup_printf("exists and does not fit: %s", unfit);
    else if (dest_table_next_epoch(info) > TARGET_EPOCH_MAX)
        *why = g_strdup_printf("holds the version %" G_GUINT64_FORMAT ", above which a pipe has no room", info->max_version);
    return *why ? TARGET_IS_REFUSED : TARGET_IS_FREE;
}

static const char *target_mend(const DestTableInfo *info, TargetPolicy policy)
{
    if (preflight_mark_is_a_pipes(info->comment))
        return "choose another target or database, or drop that table";
    if (info->rows > 0 && policy == TARGET_REFUSE)
        return "empty or drop it, choose another target: db.table:target, or set target=append or target=resync";
    return "drop it: the pipe creates it as it needs it";
}

/* Returns true when the target is free. */
static bool check_target(Clickhouse *ch, const PreflightTable *table, const PreflightRequest *request, bool several,
                         GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DestTableSpec) spec = table_spec(table, clickhouse_database(ch), request->settings);
    if (!spec)
        return false;
    g_autofree char *shown = printable(table->target, 64), *why = NULL;
    g_autoptr(DestTableInfo) info =
        dest_table_inspect(ch, clickhouse_database(ch), table->target, spec->version_column, &error);
    if (!info) {
        bool broke = g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT) ||
                     g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN);
        check_add(checks, CHECK_FAIL, broke ? "destination" : "target", "see the message", "%s: %s", shown, error->message);
        return false;
    }
    TargetPolicy policy = request->settings->target;
    switch (preflight_target_use(info, spec, policy, request->uuid, &why)) {
    case TARGET_IS_REFUSED:
        check_add(checks, CHECK_FAIL, "target", target_mend(info, policy), "table %s %s", shown, why);
        return false;
    case TARGET_IS_REPLACED:
        if (several) {
            check_add(
                checks, CHECK_FAIL, "target", "drop it, choose another target, or set target=append",
                "table %s holds rows, and several tables go into it: only that of one can be replaced (target=resync)",
                shown);
            return false;
        }
        check_add(checks, CHECK_OK, "target", NULL,
                  "table %s, which holds %" G_GUINT64_FORMAT " rows, is replaced once its rows are loaded beside it, and kept under another name",
                  shown, info->rows);
        return false;
    case TARGET_IS_FREE:
        break;
    }
    if (!info->rows || (request->uuid && preflight_mark_is_ours(info->comment, request->uuid)))
        return true;
    check_add(checks, CHECK_OK, "target", NULL, "table %s, which holds %" G_GUINT64_FORMAT " rows, is written into, in epoch %u", shown, info->rows,
              dest_table_next_epoch(info));
    return false;
}

/* A table of the pipe's own, which another one is to go into too. */
static bool check_known_target(Clickhouse *ch, const PreflightTable *table, const PreflightRequest *request,
                               GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DestTableSpec) spec = table_spec(table, clickhouse_database(ch), request->settings);
    g_autoptr(DestTableInfo) info = spec ? dest_table_inspect(ch, spec->database, spec->table, NULL, &error) : NULL;
    g_autofree char *shown = printable(table->target, 64);
    if (!spec)
        return false;
    g_autofree char *lacks = !info          ? g_strdup(error->message)
                             : info->exists ? dest_table_lacks(info, spec)
                                            : g_strdup("it is gone");
    if (lacks)
        check_add(checks, CHECK_FAIL, "target", "resync the tables that go into it",
                  "table %s cannot take %s.%s too: %s", shown, table->definition->database, table->definition->name,
                  lacks);
    return !lacks;
}

static bool several_go_into(const GPtrArray *tables, const char *target)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tables->len; i++)
        n += strcmp(((const PreflightTable *)tables->pdata[i])->target, target) == 0;
    return n > 1;
}

/* What stands under the name of a view that is not there yet. */
static void check_view(Clickhouse *ch, const PreflightTable *table, const PreflightRequest *request, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    if (!request->settings->live_view || !live_view_fits(table->definition))
        return;
    g_autofree char *name = live_view_name(table->target), *shown = printable(name, 64);
    g_autoptr(DestTableInfo) info = dest_table_inspect(ch, clickhouse_database(ch), name, NULL, &error);
    if (info && info->exists && !(request->uuid && preflight_mark_is_ours(info->comment, request->uuid)))
        check_add(checks, CHECK_FAIL, "target", "rename or drop it, or leave live_view off",
                  "live_view: something called %s is there already, which this pipe did not make", shown);
}

static bool has_layout(const DestTableSpec *spec)
{
    bool codec = false;
    for (unsigned i = 0; i < spec->columns->len; i++)
        codec = codec || ((const DestColumn *)spec->columns->pdata[i])->codec;
    return codec || spec->engine || spec->sorted_by || spec->partition_by || spec->ttl;
}

/* What was asked for in ClickHouse's own text, the server itself judges. */
static void check_layout(Clickhouse *ch, const PreflightTable *table, const PreflightRequest *request, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DestTableSpec) spec = table_spec(table, clickhouse_database(ch), request->settings);
    if (!spec || !has_layout(spec))
        return;
    spec->durable = request->settings->durable;
    if (!dest_table_try(ch, spec, &error) && !g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT) &&
        !g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN))
        check_add(checks, CHECK_FAIL, "target", "mend its order_by, partition_by, engine, ttl or codec",
                  "%s.%s: the destination does not make its table: %s", table->definition->database, table->definition->name,
                  error->message);
}

/* Returns true when the target is free. Of one that several go into the first is asked. */
static bool check_one(Clickhouse *ch, const GPtrArray *tables, unsigned index, bool can_try,
                      const PreflightRequest *request, GPtrArray *checks)
{
    const PreflightTable *table = tables->pdata[index];
    if (request->known && with_target(request->known, request->known->len, table->target))
        return check_known_target(ch, table, request, checks);
    if (with_target(tables, index, table->target))
        return true;
    bool is_free = check_target(ch, table, request, several_go_into(tables, table->target), checks);
    if (can_try)
        check_layout(ch, table, request, checks);
    check_view(ch, table, request, checks);
    return is_free;
}

/* A type that was asked for is one that this server has: a time zone it does not know, say. */
static void check_asked_types(Clickhouse *ch, const GPtrArray *tables, GPtrArray *checks)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < tables->len; i++) {
        const SourceTable *definition = ((const PreflightTable *)tables->pdata[i])->definition;
        for (unsigned c = 0; c < definition->n_columns; c++) {
            const SourceColumn *column = &definition->columns[c];
            if (column->excluded || !column->as_type || !g_hash_table_add(seen, column->as_type))
                continue;
            g_autoptr(GError) error = NULL;
            g_autofree char *shown = printable(column->name, 64), *shown_type = printable(column->as_type, 80);
            if (!clickhouse_has_type(ch, column->as_type, &error) &&
                !g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_CONNECT) &&
                !g_error_matches(error, CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_BROKEN))
                check_add(checks, CHECK_FAIL, "column", "ask for another type, or for none",
                          "%s.%s: column %s cannot become %s: %s", definition->database, definition->name, shown,
                          shown_type, error->message);
        }
    }
}

/* Returns true when all targets are free. */
static bool check_targets(Clickhouse *ch, const PreflightRequest *request, bool can_try, const GPtrArray *tables,
                          GPtrArray *checks)
{
    bool all_free = true;
    check_asked_types(ch, tables, checks);
    for (unsigned i = 0; i < tables->len; i++)
        all_free = check_one(ch, tables, i, can_try, request, checks) && all_free;
    return all_free;
}

static void check_destination(const PreflightRequest *request, Cancel *cancel, const GPtrArray *tables, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Url) url = clickhouse_url_parse(request->dest_url, &error);
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, cancel, &error) : NULL;

    if (!ch) {
        check_add(checks, CHECK_FAIL, "destination", "write http://USER@HOST:8123/DATABASE?password-file=FILE, or embedded:", "%s",
                  error->message);
        return;
    }
    if (!clickhouse_preflight(ch, checks))
        return;
    clickhouse_set_cluster(ch, request->settings->cluster);
    bool can_try = !*request->settings->cluster || clickhouse_preflight_cluster(ch, request->settings->cluster, checks);
    if (check_targets(ch, request, can_try, tables, checks) && tables->len) {
        unsigned targets = 0;
        for (unsigned i = 0; i < tables->len; i++)
            targets += !with_target(tables, i, ((const PreflightTable *)tables->pdata[i])->target);
        check_add(checks, CHECK_OK, "target", NULL, "%u target table%s free", targets, targets == 1 ? " is" : "s are");
    }
}

void preflight_run(const PreflightRequest *request, Cancel *cancel, GPtrArray *checks, GPtrArray *tables)
{
    check_source(request, cancel, checks, tables);
    check_collisions(request, tables, checks);
    if (request->settings->live_view)
        check_view_collisions(tables, checks);
    if (request->dest_url)
        check_destination(request, cancel, tables, checks);
}

void preflight_table(SourceConnection *source, Clickhouse *ch, const PreflightRequest *request, const char *database,
                     const char *name, const char *target, GPtrArray *checks)
{
    g_autoptr(GPtrArray) tables = preflight_tables_new();
    check_source_table(source, request, database, name, target, checks, tables);
    check_still_there(source, checks);
    check_targets(ch, request, true, tables, checks);
}
