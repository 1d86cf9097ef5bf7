/* settings.c - the request `set`: settings of a pipe, and of the engine itself (settings.md).
 *
 * The engine's are kept in the catalog; those that stand in engine.conf in the state dir are fixed there.
 */
#include "engine/engine_private.h"
#include "engine/metrics.h"
#include "pipe/columns.h"
#include "pipe/settings_check.h"

#include <string.h>

#define MEMORY_SHARE   0.5 /* for blocks: the rest is the program, compression, connections */
#define TRIM_USEC      (60ll * 1000 * 1000)
#define TRIM_TO        0.9 /* of journal_size, so that it is not trimmed for every entry */
#define CONF_NAME      "engine.conf"
#define CONF_BYTES_MAX 65536
#define COMMAND_MAX    4096

/* ---- Of a pipe ---- */

static const PipeSetting *find_shown(const PipeStatus *status, const char *name)
{
    for (unsigned i = 0; status && i < status->settings->len; i++) {
        const PipeSetting *setting = status->settings->pdata[i];
        if (strcmp(setting->name, name) == 0)
            return setting;
    }
    return NULL;
}

static void list_add(json_t *list, const char *name, const char *value, const SettingInfo *info,
                     const PipeStatus *status)
{
    const PipeSetting *shown = find_shown(status, name);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", name, "value", value,
                                          "default", info->initial, "values", info->values, "meaning", info->meaning,
                                          "when", setting_when_name(info->when), "waits", shown && shown->waits));
}

/* `status`: tells which wait for a resync. */
static json_t *settings_list(const json_t *set, const PipeStatus *status)
{
    json_t *list = json_array(), *value;
    const SettingInfo *info;
    const char *name;
    for (unsigned i = 0; (info = settings_info(i)); i++) {
        const char *given = json_string_value(json_object_get(set, info->name));
        list_add(list, info->name, given ? given : info->initial, info, status);
    }
    json_object_foreach((json_t *)set, name, value)
    {
        SettingInfo own = {.initial = "", .values = column_setting_form(name), .when = SETTING_RESYNC};
        if (column_setting_is(name, &own.meaning) && json_is_string(value) && *json_string_value(value))
            list_add(list, name, json_string_value(value), &own, status);
    }
    return list;
}

/* Those that single tables may have, by the word behind the colon. */
static json_t *table_settings_list(void)
{
    json_t *list = json_array();
    for (const char *const *word = column_setting_words(); *word; word++) {
        g_autofree char *name = g_strdup_printf(":%s", *word);
        const char *meaning = "";
        column_setting_is(name, &meaning);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "name", *word, "values", column_setting_form(name), "meaning", meaning));
    }
    return list;
}

/* The new values over the old ones; refuses those that are fixed at creation. */
static bool merge_settings(json_t *old, const json_t *changes, GError **error)
{
    const char *name;
    json_t *value;
    PipeSettings parsed;

    if (!settings_parse(changes, &parsed, error))
        return false;
    json_object_foreach((json_t *)changes, name, value)
    {
        const SettingInfo *info;
        for (unsigned i = 0; (info = settings_info(i)); i++)
            if (strcmp(info->name, name) == 0 && info->when == SETTING_CREATE) {
                g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                            "setting %s is fixed when a pipe is created; create another pipe with it", name);
                return false;
            }
        if (column_setting_is(name, NULL) && !*json_string_value(value))
            json_object_del(old, name);
        else
            json_object_set(old, name, value);
    }
    return true;
}

typedef struct {
    CatalogPipe *record;
    GPtrArray *tables; /* of CatalogTable */
} Known;

/* All settings, as they would be, against the pipe's mode and its list. */
static bool fits_pipe(const json_t *set, const CatalogPipe *record, GPtrArray *notes, GError **error)
{
    const char *lists[] = {record->tables, NULL};
    PipeSettings settings;
    PipeMode mode;
    if (!settings_parse(set, &settings, error) ||
        (pipe_mode_parse(record->mode, &mode) && !settings_check_mode(&settings, mode, error)))
        return false;
    g_autoptr(Selection) selection = selection_parse(lists, NULL, NULL);
    if (settings.new_tables_add && selection && !selection_has_wildcard(selection))
        g_ptr_array_add(notes, g_strdup(NEW_TABLES_WITHOUT_WILDCARD));
    return true;
}

static void known_clear(Known *known)
{
    catalog_pipe_free(known->record);
    if (known->tables)
        g_ptr_array_unref(known->tables);
}

static bool known_read(Engine *engine, const char *name, Known *known, GError **error)
{
    pthread_mutex_lock(&engine->catalog_lock);
    known->record = catalog_pipe_find(engine->catalog, name, error);
    known->tables = known->record ? catalog_tables(engine->catalog, known->record->id, error) : NULL;
    pthread_mutex_unlock(&engine->catalog_lock);
    return known->tables != NULL;
}

static bool store(Engine *engine, const CatalogPipe *record, const json_t *set, GError **error)
{
    char *text = json_dumps(set, JSON_COMPACT);
    bool ok;
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = engine_find_pipe(engine, record->name);
    if (pipe) {
        ok = pipe_set_settings(pipe, text, error);
    } else {
        pthread_mutex_lock(&engine->catalog_lock);
        ok = catalog_pipe_set_settings(engine->catalog, record->id, text, error);
        pthread_mutex_unlock(&engine->catalog_lock);
    }
    pthread_mutex_unlock(&engine->pipes_lock);
    free(text);
    return ok;
}

/* What it shows of the settings after the change. */
static PipeStatus *status_after(Engine *engine, Known *known, const json_t *set)
{
    PipeStatus *status = NULL;
    pthread_mutex_lock(&engine->pipes_lock);
    Pipe *pipe = engine_find_pipe(engine, known->record->name);
    if (pipe)
        status = pipe_status(pipe);
    pthread_mutex_unlock(&engine->pipes_lock);
    if (status)
        return status;
    CatalogCheckpoint none = {0};
    char *text = json_dumps(set, JSON_COMPACT);
    g_free(known->record->settings);
    known->record->settings = g_strdup(text);
    free(text);
    return pipe_status_offline(known->record, known->tables, &none);
}

static json_t *set_pipe(Engine *engine, const char *name, const json_t *changes, GError **error)
{
    Known known = {0};
    json_t *answer = NULL, *set = NULL;
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);

    bool ok = known_read(engine, name, &known, error);
    if (ok) {
        set = settings_values(known.record->settings);
        set = set ? set : json_object();
    }
    if (ok && json_object_size(changes) > 0)
        ok = merge_settings(set, changes, error) && fits_pipe(set, known.record, notes, error) &&
             settings_check_tables(set, changes, known.tables, notes, error) && store(engine, known.record, set, error);
    if (ok) {
        g_autoptr(PipeStatus) status = status_after(engine, &known, set);
        json_t *list = json_array();
        for (unsigned i = 0; i < notes->len; i++)
            json_array_append_new(list, json_string(notes->pdata[i]));
        answer = protocol_ok();
        json_object_set_new(answer, "settings", settings_list(set, status));
        json_object_set_new(answer, "table_settings", table_settings_list());
        json_object_set_new(answer, "notes", list);
    }
    known_clear(&known);
    json_decref(set);
    return answer;
}

/* What a pipe that is created with these values would have. */
static json_t *set_new(const json_t *set, GError **error)
{
    PipeSettings parsed;
    if (!settings_parse(set, &parsed, error))
        return NULL;
    json_t *answer = protocol_ok();
    json_object_set_new(answer, "settings", settings_list(set, NULL));
    json_object_set_new(answer, "table_settings", table_settings_list());
    return answer;
}

/* ---- Of the engine ---- */

typedef enum { ENGINE_BYTES, ENGINE_TIME, ENGINE_COMMAND, ENGINE_ADDRESS } EngineSettingKind;

typedef struct {
    const char *name, *initial, *values, *meaning;
    EngineSettingKind kind;
    uint64_t min, max; /* bytes, or microseconds */
} EngineSetting;

enum { SETTING_MEMORY, SETTING_JOURNAL_SIZE, SETTING_HISTORY, SETTING_ON_EVENT, SETTING_METRICS, N_ENGINE_SETTINGS };

#define NOTHING "none"

static const EngineSetting engine_settings[N_ENGINE_SETTINGS] = {
    [SETTING_MEMORY] = {"memory", "256MiB", "64MiB to 1024GiB", "bound for all pipes together", ENGINE_BYTES, 64ull << 20,
                        1024ull << 30},
    [SETTING_JOURNAL_SIZE] = {"journal_size", "64MiB", "64KiB to 64GiB",
                              "what is kept of the journal, the newest entries", ENGINE_BYTES, 64ull << 10, 64ull << 30},
    [SETTING_HISTORY] = {"history", "1d", "1h to 7d", "how long the figures of pipes are kept, for their charts",
                         ENGINE_TIME, G_TIME_SPAN_HOUR, 7 * G_TIME_SPAN_DAY},
    [SETTING_ON_EVENT] = {"on_event", NOTHING, "none, a command for sh",
                          "run when a pipe changes its state, stalls, recovers or is short of headroom, with SLUICE_PIPE, SLUICE_STATE, "
                          "SLUICE_EVENT, SLUICE_CAUSE and SLUICE_REMEDY in its environment; never waited for",
                          ENGINE_COMMAND, 0, 0},
    [SETTING_METRICS] = {"metrics", NOTHING, "none, ADDRESS:PORT", "where Prometheus finds the figures of all pipes, at /metrics", ENGINE_ADDRESS, 0, 0},
};

static bool find_engine_setting(const char *name, unsigned *index, GError **error)
{
    const char *names[N_ENGINE_SETTINGS + 1] = {0};
    for (unsigned i = 0; i < N_ENGINE_SETTINGS; i++) {
        names[i] = engine_settings[i].name;
        if (strcmp(name, names[i]) == 0) {
            *index = i;
            return true;
        }
    }
    const char *nearest = nearest_name(name, names);
    g_autofree char *shown = printable(name, 64), *all = g_strjoinv(", ", (char **)names);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "no setting of the engine is called %s; %s%s", shown,
                nearest ? "the nearest name is " : "there are ", nearest ? nearest : all);
    return false;
}

static bool parse_number(const EngineSetting *setting, const char *text, uint64_t *value)
{
    int64_t usec = 0;
    *value = 0;
    if (setting->kind == ENGINE_COMMAND)
        return *text && strlen(text) <= COMMAND_MAX;
    if (setting->kind == ENGINE_ADDRESS)
        return strcmp(text, NOTHING) == 0 || metrics_address_is_valid(text);
    if (setting->kind == ENGINE_BYTES)
        return settings_parse_size(text, value);
    bool ok = settings_parse_duration(text, &usec) && usec >= 0;
    *value = (uint64_t)usec;
    return ok;
}

static bool parse_engine_setting(unsigned index, const char *text, uint64_t *value, GError **error)
{
    const EngineSetting *setting = &engine_settings[index];
    if (text && parse_number(setting, text, value) && *value >= setting->min && *value <= setting->max)
        return true;
    g_autofree char *shown = printable(text ? text : "(not text)", 64);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "setting %s cannot be %s; it takes %s", setting->name, shown,
                setting->values);
    return false;
}

static bool read_conf_line(char *line, char *values[], GError **error)
{
    char *name = g_strstrip(line), *equals = strchr(name, '=');
    unsigned index;
    uint64_t value;
    if (!*name || *name == '#')
        return true;
    if (!equals) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "a line is NAME = VALUE");
        return false;
    }
    *equals = '\0';
    char *text = g_strstrip(equals + 1);
    g_strchomp(name);
    if (!find_engine_setting(name, &index, error) || !parse_engine_setting(index, text, &value, error))
        return false;
    g_free(values[index]);
    values[index] = g_strdup(text);
    return true;
}

/* engine.conf: lines NAME = VALUE, # begins a comment. Of a name that stands there twice the last one holds. */
static bool read_conf(const Engine *engine, char *values[], GError **error)
{
    g_autofree char *path = g_build_filename(engine->state_dir, CONF_NAME, NULL), *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize len;
    if (!g_file_get_contents(path, &text, &len, &why)) {
        if (g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return true;
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot read %s: %s", path, why->message);
        return false;
    }
    if (len > CONF_BYTES_MAX || strlen(text) != len) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "%s is no file of lines NAME = VALUE", path);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++)
        if (!read_conf_line(lines[i], values, error)) {
            g_prefix_error(error, "%s, line %u: ", path, i + 1);
            return false;
        }
    return true;
}

typedef struct {
    char *conf[N_ENGINE_SETTINGS], *set[N_ENGINE_SETTINGS]; /* NULL: not given */
} EngineValues;

static void values_clear(EngineValues *values)
{
    for (unsigned i = 0; i < N_ENGINE_SETTINGS; i++) {
        g_free(values->conf[i]);
        g_free(values->set[i]);
    }
}

static const char *value_of(const EngineValues *values, unsigned i)
{
    return values->conf[i] ? values->conf[i] : values->set[i] ? values->set[i] : engine_settings[i].initial;
}

static bool values_read(Engine *engine, EngineValues *values, GError **error)
{
    GError *why = NULL;
    if (!read_conf(engine, values->conf, error))
        return false;
    pthread_mutex_lock(&engine->catalog_lock);
    for (unsigned i = 0; i < N_ENGINE_SETTINGS && !why; i++)
        values->set[i] = catalog_setting(engine->catalog, engine_settings[i].name, &why);
    pthread_mutex_unlock(&engine->catalog_lock);
    if (why)
        g_propagate_error(error, why);
    return !why;
}

/* A value in the catalog that a newer version has put there, and this one does not take, is the default. */
static void values_apply(Engine *engine, const EngineValues *values)
{
    uint64_t numbers[N_ENGINE_SETTINGS];
    for (unsigned i = 0; i < N_ENGINE_SETTINGS; i++)
        if (!parse_engine_setting(i, value_of(values, i), &numbers[i], NULL))
            parse_number(&engine_settings[i], engine_settings[i].initial, &numbers[i]);
    budget_set_limit(engine->budget, (size_t)((double)numbers[SETTING_MEMORY] * MEMORY_SHARE));
    atomic_store(&engine->journal_size, numbers[SETTING_JOURNAL_SIZE]);
    atomic_store(&engine->history_kept, (int64_t)numbers[SETTING_HISTORY]);
    const char *command = value_of(values, SETTING_ON_EVENT);
    pthread_mutex_lock(&engine->texts_lock);
    g_free(engine->on_event);
    engine->on_event = g_strdup(strcmp(command, NOTHING) == 0 ? "" : command);
    pthread_mutex_unlock(&engine->texts_lock);
}

char *engine_on_event(Engine *engine)
{
    pthread_mutex_lock(&engine->texts_lock);
    char *command = g_strdup(engine->on_event ? engine->on_event : "");
    pthread_mutex_unlock(&engine->texts_lock);
    return command;
}

/* The one that listens now is closed first: the new address may be its own. */
static bool listen_at(Engine *engine, const char *address, GError **error)
{
    g_clear_pointer(&engine->metrics, metrics_server_stop);
    if (strcmp(address, NOTHING) == 0)
        return true;
    engine->metrics = metrics_server_start(engine, address, error);
    return engine->metrics != NULL;
}

bool engine_metrics_start(Engine *engine, GError **error)
{
    EngineValues values = {0};
    bool ok = values_read(engine, &values, error);
    pthread_mutex_lock(&engine->metrics_lock);
    ok = ok && listen_at(engine, value_of(&values, SETTING_METRICS), error);
    pthread_mutex_unlock(&engine->metrics_lock);
    values_clear(&values);
    return ok;
}

/* Before anything is written: an address that cannot be listened on changes nothing. */
static bool try_to_listen(Engine *engine, const char *before, const char *after, GError **error)
{
    if (!engine->started_at || strcmp(before, after) == 0)
        return true;
    pthread_mutex_lock(&engine->metrics_lock);
    bool ok = listen_at(engine, after, error);
    if (!ok && !listen_at(engine, before, NULL))
        engine->metrics = NULL;
    pthread_mutex_unlock(&engine->metrics_lock);
    return ok;
}

bool engine_settings_load(Engine *engine, GError **error)
{
    EngineValues values = {0};
    bool ok = values_read(engine, &values, error);
    if (ok)
        values_apply(engine, &values);
    values_clear(&values);
    return ok;
}

/* Nothing is written unless all of it can be. */
static bool take_changes(const json_t *changes, EngineValues *values, GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)changes, name, value)
    {
        unsigned index;
        uint64_t number;
        if (!find_engine_setting(name, &index, error) ||
            !parse_engine_setting(index, json_string_value(value), &number, error))
            return false;
        if (values->conf[index]) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                        "%s stands in " CONF_NAME " of the state dir; change it there, and start the engine again",
                        name);
            return false;
        }
        g_free(values->set[index]);
        values->set[index] = g_strdup(json_string_value(value));
    }
    return true;
}

static bool write_changes(Engine *engine, const json_t *changes, GError **error)
{
    const char *name;
    json_t *value;
    bool ok = true;
    pthread_mutex_lock(&engine->catalog_lock);
    json_object_foreach((json_t *)changes, name, value)
    {
        ok = ok && catalog_set_setting(engine->catalog, name, json_string_value(value), error);
    }
    pthread_mutex_unlock(&engine->catalog_lock);
    return ok;
}

static json_t *engine_list(const EngineValues *values)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < N_ENGINE_SETTINGS; i++) {
        const EngineSetting *setting = &engine_settings[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", setting->name, "value", value_of(values, i),
                            "default", setting->initial, "values", setting->values, "meaning", setting->meaning, "when",
                            values->conf[i] ? CONF_NAME : setting_when_name(SETTING_LIVE), "waits", false));
    }
    return list;
}

static json_t *set_engine(Engine *engine, const json_t *changes, GError **error)
{
    EngineValues values = {0};
    bool changed = json_object_size(changes) > 0;
    bool ok = values_read(engine, &values, error);
    g_autofree char *before = ok ? g_strdup(value_of(&values, SETTING_METRICS)) : NULL;
    ok = ok && take_changes(changes, &values, error) && try_to_listen(engine, before, value_of(&values, SETTING_METRICS), error) &&
              (!changed || write_changes(engine, changes, error));
    json_t *answer = ok ? protocol_ok() : NULL;
    if (ok && changed) {
        values_apply(engine, &values);
        engine_trim_journal(engine, true);
    }
    if (ok)
        json_object_set_new(answer, "settings", engine_list(&values));
    values_clear(&values);
    return answer;
}

json_t *engine_set(Engine *engine, const json_t *request, GError **error)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const json_t *changes = json_object_get(request, "settings");
    if (json_is_true(json_object_get(request, "engine")))
        return set_engine(engine, changes, error);
    if (json_is_true(json_object_get(request, "new")))
        return set_new(changes, error);
    if (name && *name)
        return set_pipe(engine, name, changes, error);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "the request lacks \"name\"");
    return NULL;
}

/* ---- The journal's size ---- */

static void trim(Engine *engine)
{
    uint64_t size = atomic_load(&engine->journal_size), now = 0;
    pthread_mutex_lock(&engine->catalog_lock);
    if (catalog_journal_size(engine->catalog, &now, NULL) && now > size)
        catalog_journal_trim(engine->catalog, (uint64_t)((double)size * TRIM_TO), NULL); /* not now: then in a minute */
    pthread_mutex_unlock(&engine->catalog_lock);
}

void engine_trim_journal(Engine *engine, bool at_once)
{
    int64_t now = clock_monotonic_usec(), last = atomic_load(&engine->trimmed_at);
    if (!at_once && last && now - last < TRIM_USEC)
        return;
    atomic_store(&engine->trimmed_at, now);
    trim(engine);
}
