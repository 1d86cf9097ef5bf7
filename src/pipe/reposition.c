#include "pipe/reposition.h"
#include "pipe/outlook.h"

#include <string.h>

#define GTIDS_SHOWN 500 /* bytes of a set in a sentence */

void pipe_reposition_free(PipeReposition *to)
{
    if (!to)
        return;
    g_free(to->file);
    g_free(to->gtid);
    g_free(to->identity);
    g_free(to->first_file);
    g_free(to->end_file);
    g_strfreev(to->altered);
    g_free(to->from);
    g_free(to->to);
    g_free(to->gap);
    g_free(to);
}

PipeReposition *reposition_copy(const PipeReposition *from)
{
    PipeReposition *to = g_memdup2(from, sizeof *from);
    to->file = g_strdup(from->file);
    to->gtid = g_strdup(from->gtid);
    to->identity = g_strdup(from->identity);
    to->first_file = g_strdup(from->first_file);
    to->end_file = g_strdup(from->end_file);
    to->altered = g_strdupv(from->altered);
    to->from = g_strdup(from->from);
    to->to = g_strdup(from->to);
    to->gap = g_strdup(from->gap);
    return to;
}

char *reposition_place(const char *file, uint64_t pos, const char *gtid)
{
    bool has_gtid = gtid && *gtid;
    if (!file)
        return g_strdup_printf("gtid %s", has_gtid ? gtid : "(none)");
    return has_gtid ? g_strdup_printf("%s:%" G_GUINT64_FORMAT " (gtid %s)", file, pos, gtid)
                    : g_strdup_printf("%s:%" G_GUINT64_FORMAT, file, pos);
}

char *reposition_time(int64_t usec)
{
    if (usec <= 0)
        return NULL;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(usec / 1000000);
    return g_date_time_format(time, "%Y-%m-%d %H:%M:%S UTC");
}

/* ---- Looking ---- */

/* What is at hand while a place is looked at. */
typedef struct {
    const CatalogPipe *record;
    const CatalogCheckpoint *now;
    const GPtrArray *tables; /* of CatalogTable */
    const RepositionWish *wish;
    PipeSettings settings;
    Cancel *cancel;
    Url *url;
    SourceConnection *source;
    GArray *logs; /* of SourceLog */
    char *end_file;
    uint64_t end_pos;
} Look;

static void look_clear(Look *look)
{
    url_free(look->url);
    source_close(look->source);
    if (look->logs)
        g_array_free(look->logs, TRUE);
    g_free(look->end_file);
}

static bool check_state(const Look *look, GError **error)
{
    PipeSituation situation = {.back = PIPE_RUNNING};
    PipeState state, back;
    if (!pipe_state_parse(look->record->state, &state) || !pipe_mode_parse(look->record->mode, &situation.mode))
        return pipe_refuse(error, "pipe %s has an unknown state or mode in the catalog", look->record->name);
    if (lifecycle_next(state, EVENT_REPOSITION, &situation).refused) {
        g_autofree char *why = lifecycle_refusal(state, EVENT_REPOSITION, situation.mode);
        return pipe_refuse(error, "pipe %s: %s", look->record->name, why);
    }
    bool set_up =
        !pipe_state_parse(look->record->return_state, &back) || (back != PIPE_PROVISIONING && back != PIPE_SETUP);
    if ((!look->now->file && !look->now->gtid) || (state == PIPE_FAILED && !set_up))
        return pipe_refuse(error,
                      "pipe %s has no position yet: it was not set up; mend what made it fail, then sluice retry %s",
                      look->record->name, look->record->name);
    return true;
}

static const SourceLog *find_log(const Look *look, const char *file)
{
    for (unsigned i = 0; i < look->logs->len; i++) {
        const SourceLog *log = &g_array_index(look->logs, SourceLog, i);
        if (strcmp(log->file, file) == 0)
            return log;
    }
    return NULL;
}

static bool check_file(const Look *look, GError **error)
{
    const char *file = look->wish->file;
    const SourceLog *log = find_log(look, file);
    if (!log) {
        const SourceLog *first = &g_array_index(look->logs, SourceLog, 0);
        return pipe_refuse(error, "the server has no log %.200s; it has %s to %s", file,
                      look->logs->len ? first->file : "none", look->end_file);
    }
    uint64_t size = strcmp(file, look->end_file) == 0 ? look->end_pos : log->size;
    if (look->wish->pos < 4 || look->wish->pos > size)
        return pipe_refuse(error,
                      "%s holds positions from 4 to %" G_GUINT64_FORMAT ", and %" G_GUINT64_FORMAT " is none of them",
                      file, size, look->wish->pos);
    return true;
}

/* By GTID: all of it must have been logged there, and nothing that it lacks may be purged (the probe tells that). */
static bool check_gtid(const Look *look, GError **error)
{
    const SourceServer *server = source_server(look->source);
    GError *problem = NULL;

    g_autoptr(GtidSet) set = gtid_set_parse(server->flavour, look->wish->gtid, &problem);
    if (!set) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "%.300s are no GTIDs of this server: %s", look->wish->gtid,
                    problem->message);
        g_error_free(problem);
        return false;
    }
    if (server->flavour == SOURCE_MYSQL && (!server->gtid || settings_by_file(&look->settings)))
        return pipe_refuse(error, "pipe %s follows the log by file; give --file and --pos", look->record->name);
    g_autofree char *missing = source_gtids_missing(look->source, look->wish->gtid, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    return !missing || pipe_refuse(error, "the server never had the transactions %.300s", missing);
}

static BinlogStart start_of(const Look *look)
{
    uint32_t id = look->settings.server_id ? look->settings.server_id : look->record->server_id;
    return (BinlogStart){.file = (char *)look->wish->file,
                         .pos = look->wish->pos,
                         .gtid = (char *)look->wish->gtid,
                         .server_id = id,
                         .replica_uuid = look->record->uuid};
}

/* The GTIDs of a position by file, where the pipe is followed by them. */
static bool gtids_of(const Look *look, char **gtid, GError **error)
{
    const SourceServer *server = source_server(look->source);
    if (server->flavour == SOURCE_MARIADB) {
        g_autoptr(GString) sql = g_string_new("SELECT BINLOG_GTID_POS(");
        source_quote_string(sql, look->wish->file);
        g_string_append_printf(sql, ", %" G_GUINT64_FORMAT ")", look->wish->pos);
        GError *problem = NULL;
        *gtid = source_query_value(look->source, sql->str, &problem);
        if (!problem)
            return true; /* NULL: it does not know; the pipe goes on by file all the same */
        g_propagate_error(error, problem);
        return false;
    }
    if (!server->gtid || settings_by_file(&look->settings))
        return true;
    BinlogStart start = start_of(look);
    g_autoptr(GtidSet) set = source_gtids_before(look->url, look->source, &start, look->cancel, error);
    if (set)
        *gtid = gtid_set_text(set);
    return set != NULL;
}

/* ---- Definitions ----
 *
 * A statement in what is skipped is never read, so what is known of its table is out of date. Where the log names
 * columns the first row tells; else a column of another name but the same type would be taken for the old one. */

static bool same_column(const SourceColumn *a, const SourceColumn *b)
{
    bool integer_width = a->type <= SOURCE_TYPE_BIGINT;
    bool same_labels = !a->labels == !b->labels &&
                       (!a->labels || g_strv_equal((const char *const *)a->labels, (const char *const *)b->labels));
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->is_unsigned == b->is_unsigned &&
           (integer_width || (a->precision == b->precision && a->scale == b->scale)) &&
           g_strcmp0(a->charset, b->charset) == 0 && same_labels;
}

static bool same_columns(const SourceTable *a, const SourceTable *b)
{
    bool same = a->n_columns == b->n_columns;
    for (unsigned c = 0; same && c < a->n_columns; c++)
        same = same_column(&a->columns[c], &b->columns[c]);
    return same;
}

/* One that is gone was dropped or renamed: the statement is met, or nothing of it any more. */
static bool is_altered(const Look *look, const CatalogTable *table)
{
    json_t *json = table->definition ? json_loads(table->definition, 0, NULL) : NULL;
    g_autoptr(SourceTable) known = json ? source_table_from_json(json, NULL) : NULL;
    json_decref(json);
    g_autoptr(SourceTable) present = known ? source_table_read(look->source, table->database, table->name, NULL) : NULL;
    return present && !same_columns(known, present);
}

static char **altered_tables(const Look *look)
{
    g_autofree char *metadata = source_query_value(look->source, "SELECT @@GLOBAL.binlog_row_metadata", NULL);
    GPtrArray *names = g_ptr_array_new();
    for (unsigned i = 0; i < look->tables->len && g_strcmp0(metadata, "FULL") != 0; i++) {
        const CatalogTable *table = look->tables->pdata[i];
        TableState state;
        if (!table->twin_of && table_state_parse(table->state, &state) && table_state_is_followed(state) &&
            is_altered(look, table))
            g_ptr_array_add(names, selection_name(table->database, table->name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* ---- Telling ---- */

static char *shorten(char *text_take)
{
    if (strlen(text_take) <= GTIDS_SHOWN)
        return text_take;
    char *shorter = g_strdup_printf("%.*s…", GTIDS_SHOWN, text_take);
    g_free(text_take);
    return shorter;
}

/* MySQL: what is in one set and not in the other, as text; NULL: nothing. */
static char *only_in(const char *one, const char *other)
{
    g_autoptr(GtidSet) a = gtid_set_parse(SOURCE_MYSQL, one, NULL);
    g_autoptr(GtidSet) b = gtid_set_parse(SOURCE_MYSQL, other, NULL);
    if (!a || !b)
        return NULL;
    g_autoptr(GtidSet) rest = gtid_set_subtract(a, b);
    char *text = gtid_set_text(rest);
    if (!*text)
        g_clear_pointer(&text, g_free);
    return text ? shorten(text) : NULL;
}

static char *bytes_text(const Look *look, const char *from_file, uint64_t from_pos, const char *to_file,
                        uint64_t to_pos)
{
    int64_t from = outlook_bytes_from(look->logs, look->end_file, look->end_pos, from_file, from_pos);
    int64_t to = outlook_bytes_from(look->logs, look->end_file, look->end_pos, to_file, to_pos);
    if (from < 0 && to >= 0)
        return g_strdup_printf("of the log, from %s:%" G_GUINT64_FORMAT " on, which the server has no more", from_file,
                               from_pos);
    if (from < 0 || to < 0)
        return g_strdup("an unknown part of the log");
    g_autofree char *size = g_format_size_full((guint64)(from - to), G_FORMAT_SIZE_IEC_UNITS);
    return g_strdup_printf("%s of the log", size);
}

static void add_mysql_gap(GString *gap, const char *was, const char *will)
{
    g_autofree char *skipped = only_in(will, was), *again = only_in(was, will);
    if (skipped)
        g_string_append_printf(gap, "skips the transactions %s", skipped);
    if (again)
        g_string_append_printf(gap, "%sapplies the transactions %s again", gap->len ? ", and " : "", again);
    if (!gap->len)
        g_string_append(gap, "skips nothing");
}

/* Not all that was applied lies before it. */
static bool is_backwards(const Look *look, const PipeReposition *to)
{
    const CatalogCheckpoint *now = look->now;
    if (g_strcmp0(look->record->identity, to->identity) != 0)
        return true;
    if (now->gtid && to->gtid && source_server(look->source)->flavour == SOURCE_MYSQL) {
        g_autofree char *again = only_in(now->gtid, to->gtid);
        return again != NULL;
    }
    return !now->file || binlog_position_compare(to->first_file, to->first_pos, now->file, now->pos) < 0;
}

static void add_file_gap(const Look *look, GString *gap, const PipeReposition *to)
{
    const CatalogCheckpoint *now = look->now;
    const char *file = to->file ? to->file : to->first_file;
    uint64_t pos = to->file ? to->pos : to->first_pos;
    if (!now->file) {
        g_string_append(gap, "skips what lies between the two");
        return;
    }
    int order = binlog_position_compare(file, pos, now->file, now->pos);
    g_autofree char *bytes =
        order < 0 ? bytes_text(look, file, pos, now->file, now->pos) : bytes_text(look, now->file, now->pos, file, pos);
    if (order == 0)
        g_string_append(gap, "skips nothing");
    else
        g_string_append_printf(gap, order < 0 ? "goes back and applies %s again" : "skips %s", bytes);
}

/* A sentence: how much, and of what time. */
static char *gap_text(const Look *look, const PipeReposition *to, const SourceProbe *probe)
{
    const CatalogCheckpoint *now = look->now;
    g_autoptr(GString) gap = g_string_new(NULL);

    if (source_server(look->source)->flavour == SOURCE_MYSQL && now->gtid && to->gtid)
        add_mysql_gap(gap, now->gtid, to->gtid);
    else
        add_file_gap(look, gap, to);
    g_autofree char *then = reposition_time(now->source_time);
    g_autofree char *later = probe->at_end ? g_strdup("now") : reposition_time(probe->time);
    if (then && later)
        g_string_append_printf(gap, "; source time from %s to %s", then, later);
    else if (then)
        g_string_append_printf(gap, "; source time from %s on", then);
    if (g_strcmp0(look->record->identity, source_server(look->source)->identity) != 0)
        g_string_append(gap, "; another server answers than the one that was followed");
    g_autofree char *altered = g_strjoinv(", ", to->altered);
    if (*altered)
        g_string_append_printf(
            gap,
            "; the log does not name columns (binlog_row_metadata is not FULL), and was altered: %s, "
            "which fails until it is loaded again",
            altered);
    return g_string_free(g_steal_pointer(&gap), FALSE);
}

/* ---- Checking ---- */

static bool open_source(Look *look, GError **error)
{
    look->url = source_url_parse(look->record->source, error);
    look->source = look->url ? source_open(look->url, look->cancel, error) : NULL;
    if (!look->source || !source_log_end(look->source, &look->end_file, &look->end_pos, NULL, error))
        return false;
    look->logs = source_list_logs(look->source, error);
    return look->logs != NULL;
}

static PipeReposition *check(Look *look, GError **error)
{
    SourceProbe probe;
    if (!check_state(look, error) || !settings_load(look->record->settings, &look->settings, error) ||
        !open_source(look, error) || !(look->wish->file ? check_file(look, error) : check_gtid(look, error)))
        return NULL;
    BinlogStart start = start_of(look);
    if (!source_probe(look->url, &start, look->cancel, &probe, error))
        return NULL;
    PipeReposition *to = g_new0(PipeReposition, 1);
    to->file = g_strdup(look->wish->file);
    to->pos = look->wish->file ? look->wish->pos : 0;
    to->gtid = g_strdup(look->wish->gtid);
    if (to->file && !gtids_of(look, &to->gtid, error)) {
        pipe_reposition_free(to);
        return NULL;
    }
    to->identity = g_strdup(source_server(look->source)->identity);
    to->first_file = g_strdup(probe.file);
    to->first_pos = probe.pos;
    to->end_file = g_strdup(look->end_file);
    to->end_pos = look->end_pos;
    to->backwards = is_backwards(look, to);
    to->altered = altered_tables(look);
    to->from = reposition_place(look->now->file, look->now->pos, look->now->gtid);
    to->to = reposition_place(to->file, to->pos, to->gtid);
    to->gap = gap_text(look, to, &probe);
    return to;
}

PipeReposition *reposition_check(const CatalogPipe *record, const CatalogCheckpoint *now, const GPtrArray *tables,
                                 const RepositionWish *wish, Cancel *cancel, GError **error)
{
    Look look = {.record = record, .now = now, .tables = tables, .wish = wish, .cancel = cancel};
    PipeReposition *to = check(&look, error);
    look_clear(&look);
    return to;
}

/* ---- Going there ---- */

typedef struct {
    Pipe *pipe;
    const PipeReposition *to;
    CatalogCheckpoint saved; /* borrows */
    GPtrArray *tables;       /* of CatalogTable: id and beginning */
} Going;

static char *journal_text(const Going *going, const CatalogCheckpoint *was)
{
    g_autofree char *from = reposition_place(was->file, was->pos, was->gtid);
    return g_strdup_printf("repositioned from %s to %s, epoch %u: %s; every table is advised to be loaded again%s",
                           from, going->to->to, going->saved.epoch, going->to->gap,
                           was->prepared ? "; XA transactions that were prepared at the old position are given up"
                                         : "");
}

static bool write_reposition(Catalog *catalog, void *data, GError **error)
{
    Going *going = data;
    Pipe *pipe = going->pipe;
    CatalogCheckpoint was;

    if (!catalog_checkpoint_load(catalog, pipe->id, &was, error))
        return false;
    going->saved = (CatalogCheckpoint){.file = going->to->file,
                                       .pos = going->to->pos,
                                       .gtid = going->to->gtid,
                                       .epoch = was.epoch + (RULE_HOLDS("reposition-raises-the-epoch") ? 1 : 0),
                                       .saved_at = clock_real_usec()};
    g_autofree char *text = journal_text(going, &was);
    g_autofree char *position = was.file ? g_strdup_printf("%s:%" G_GUINT64_FORMAT, was.file, was.pos) : NULL;
    CatalogJournalEntry why = {.at = going->saved.saved_at,
                               .pipe = pipe->name,
                               .actor = (char *)"operator",
                               .kind = (char *)"position",
                               .text = text,
                               .position = position};
    catalog_checkpoint_clear(&was);
    return catalog_reposition(catalog, pipe->id, &going->saved, going->to->identity, going->tables, &why, error);
}

/* The table came to the pipe later than where it goes on: what comes before is in what was loaded of it. */
static bool begins_later(const CatalogTable *record, const PipeReposition *to)
{
    if (to->backwards)
        return false;
    if (record->begin_file)
        return binlog_position_compare(record->begin_file, record->begin_pos, to->first_file, to->first_pos) > 0 &&
               binlog_position_compare(record->begin_file, record->begin_pos, to->end_file, to->end_pos) <= 0;
    g_autofree char *more = record->begin_gtid && to->gtid ? only_in(record->begin_gtid, to->gtid) : NULL;
    return more != NULL;
}

static void set_beginning(CatalogTable *record, const char *file, uint64_t pos, const char *gtid)
{
    g_free(record->begin_file);
    record->begin_file = g_strdup(file);
    record->begin_pos = pos;
    g_free(record->begin_gtid);
    record->begin_gtid = g_strdup(gtid);
}

/* All that have been set up begin there: the places where they began may be those of another history, and what is still
 * to be loaded must be read behind the gap. */
static GPtrArray *beginnings(const Pipe *pipe, const PipeReposition *to)
{
    GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_table_free);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        const CatalogTable *record = ((const PipeTable *)pipe->tables->pdata[i])->record;
        if (!record->definition)
            continue;
        CatalogTable *table = g_new0(CatalogTable, 1);
        table->id = record->id;
        if (begins_later(record, to))
            set_beginning(table, record->begin_file, record->begin_pos, record->begin_gtid);
        else
            set_beginning(table, to->file, to->pos, to->gtid);
        g_ptr_array_add(tables, table);
    }
    return tables;
}

/* What the catalog has now. */
static void show(Pipe *pipe, const Going *going)
{
    pthread_mutex_lock(&pipe->lock);
    catalog_checkpoint_clear(&pipe->applied);
    checkpoint_copy(&pipe->applied, &going->saved);
    pipe->fresh_until = 0;
    pipe->headroom = -1;
    g_free(pipe->record->identity);
    pipe->record->identity = g_strdup(going->to->identity);
    for (unsigned i = 0, n = 0; i < pipe->tables->len && n < going->tables->len; i++) {
        CatalogTable *record = ((PipeTable *)pipe->tables->pdata[i])->record;
        const CatalogTable *from = going->tables->pdata[n];
        if (record->id != from->id)
            continue;
        set_beginning(record, from->begin_file, from->begin_pos, from->begin_gtid);
        record->resync_advised = true;
        n++;
    }
    pthread_mutex_unlock(&pipe->lock);
}

static void fail_altered(Pipe *pipe, const PipeReposition *to)
{
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        g_autofree char *name = selection_name(table->record->database, table->record->name);
        if (!g_strv_contains((const char *const *)to->altered, name) ||
            !table_state_is_followed(atomic_load(&table->state)))
            continue;
        g_autoptr(GError) why =
            g_error_new(SLUICE_ERROR, SLUICE_ERROR_TABLE,
                        "%s was altered, perhaps in what the pipe skipped, and the log does not name "
                        "its columns (binlog_row_metadata is not FULL)",
                        name);
        RetryDecision decision = retry_decide(why, SIDE_SOURCE);
        pipe_table_fail(pipe, table, why, &decision, NULL);
    }
}

/* Tables fail first: cut off behind that, they are only loaded again for nothing. */
bool reposition_carry_out(Pipe *pipe, const PipeReposition *to, GError **error)
{
    fail_altered(pipe, to);
    g_autoptr(GPtrArray) tables = beginnings(pipe, to);
    Going going = {.pipe = pipe, .to = to, .tables = tables};
    if (!pipe_catalog_write(pipe, pipe->life, write_reposition, &going)) {
        cancel_set_error(pipe->life, error);
        return false;
    }
    FAULT_POINT("reposition-saved");
    show(pipe, &going);
    pipe_changed(pipe);
    return true;
}
