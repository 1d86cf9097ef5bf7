#include "pipe/settings.h"
#include "pipe/columns.h"

#include "pipe/batch.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { KIND_COUNT, KIND_SIZE, KIND_DURATION, KIND_CHOICE, KIND_BOOL, KIND_START, KIND_PREFIX, KIND_CLUSTER } Kind;

typedef struct {
    SettingInfo info;
    Kind kind;
    size_t offset, width;      /* of the field in PipeSettings */
    uint64_t min, max;         /* KIND_COUNT, SIZE (bytes), DURATION (microseconds) */
    const char *choices[4];    /* CHOICE: value i is stored as i; BOOL: false, true */
} Setting;

#define FIELD(f) offsetof(PipeSettings, f), sizeof(((PipeSettings *)0)->f)
#define KIB (1024ull)
#define MIB (1024ull * 1024)

static const Setting settings[] = {
    {{"batch_rows", "100000", "1 to 1000000", SETTING_LIVE, "rows after which a batch is sealed"},
     KIND_COUNT, FIELD(batch_rows), 1, BATCH_ROWS_MAX, {0}},
    {{"batch_bytes", "32MiB", "64KiB to 200MiB", SETTING_LIVE, "bytes after which a batch is sealed"},
     KIND_SIZE, FIELD(batch_bytes), 64 * KIB, BATCH_BYTES_MAX, {0}},
    {{"batch_age", "1s", "10ms to 1h", SETTING_LIVE, "time after which a batch is sealed"},
     KIND_DURATION, FIELD(batch_age_usec), 10000, 3600ull * 1000000, {0}},
    {{"readers", "4", "1 to 64", SETTING_LIVE, "connections to the source while tables are loaded"},
     KIND_COUNT, FIELD(readers), 1, 64, {0}},
    {{"senders", "4", "1 to 64", SETTING_LIVE, "connections to the destination"},
     KIND_COUNT, FIELD(senders), 1, 64, {0}},
    {{"compression", "lz4", "lz4, zstd, none", SETTING_LIVE, "compression of inserts"},
     KIND_CHOICE, FIELD(compression), 0, 0, {"none", "lz4", "zstd"}},
    {{"position", "auto", "auto, gtid, file", SETTING_CREATE, "how the stream is followed"},
     KIND_CHOICE, FIELD(position), 0, 0, {"auto", "gtid", "file"}},
    {{"start", "now", "now, gtid:SET, file:NAME:POS", SETTING_CREATE, "where a cdc pipe begins"},
     KIND_START, FIELD(start), 0, 0, {0}},
    {{"server_id", "auto", "auto, 1 to 4294967295", SETTING_LIVE, "replica id of the pipe at the source"},
     KIND_COUNT, FIELD(server_id), 1, UINT32_MAX, {"auto"}},
    {{"tinyint1", "int", "int, bool", SETTING_RESYNC, "what TINYINT(1) becomes"},
     KIND_BOOL, FIELD(mapping.tinyint1_bool), 0, 0, {"int", "bool"}},
    {{"nullable", "on", "on, off", SETTING_RESYNC, "NULL is kept, or becomes the type's default"},
     KIND_BOOL, FIELD(mapping.nullable_off), 0, 0, {"on", "off"}},
    {{"zero_date", "null", "null, epoch, fail", SETTING_LIVE, "what zero and partly zero dates become; never in keys"},
     KIND_CHOICE, FIELD(mapping.zero_date), 0, 0, {"null", "epoch", "fail"}},
    {{"out_of_range", "clamp", "clamp, null, fail", SETTING_LIVE,
      "what values outside the destination's range become; never in keys"},
     KIND_CHOICE, FIELD(mapping.out_of_range), 0, 0, {"clamp", "null", "fail"}},
    {{"set", "string", "string, array", SETTING_RESYNC,
      "what SET becomes: its members with commas, or Array(LowCardinality(String)), whose NULL is []"},
     KIND_BOOL, FIELD(mapping.set_array), 0, 0, {"string", "array"}},
    {{"json", "string", "string, json", SETTING_RESYNC, "what MySQL's JSON becomes; ClickHouse's JSON holds objects only"},
     KIND_BOOL, FIELD(mapping.json_type), 0, 0, {"string", "json"}},
    {{"geometry", "wkt", "wkt, wkb", SETTING_RESYNC, "what spatial values become: text, or bytes; x before y in both"},
     KIND_BOOL, FIELD(mapping.geometry_wkb), 0, 0, {"wkt", "wkb"}},
    {{"binary", "raw", "raw, hex, base64", SETTING_RESYNC, "what BINARY, VARBINARY and BLOB become"},
     KIND_CHOICE, FIELD(mapping.binary), 0, 0, {"raw", "hex", "base64"}},
    {{"column_prefix", "_peerdb_", "letters, digits, _", SETTING_CREATE, "prefix of the three added columns"},
     KIND_PREFIX, FIELD(column_prefix), 0, 0, {0}},
    {{"durable", "on", "on, off", SETTING_RESYNC, "fsync settings on the tables we create"},
     KIND_BOOL, FIELD(durable), 0, 0, {"off", "on"}},
    {{"cluster", "none", "none, NAME", SETTING_CREATE, "tables are made ON CLUSTER, of Replicated engines"},
     KIND_CLUSTER, FIELD(cluster), 0, 0, {0}},
    {{"live_view", "off", "off, on", SETTING_LIVE, "a view TABLE_live of each table: rows as they are, without the added columns"},
     KIND_BOOL, FIELD(live_view), 0, 0, {"off", "on"}},
    {{"target", "refuse", "refuse, append, resync", SETTING_CREATE,
      "a target table that is not empty is refused, written into, or replaced by one that is loaded beside it"},
     KIND_CHOICE, FIELD(target), 0, 0, {"refuse", "append", "resync"}},
    {{"truncate", "apply", "apply, ignore", SETTING_LIVE, "what TRUNCATE at the source does at the destination"},
     KIND_BOOL, FIELD(truncate_ignored), 0, 0, {"apply", "ignore"}},
    {{"rename_column", "rename", "rename, both", SETTING_LIVE,
      "what RENAME COLUMN at the source does; both: the old name stays another name of the column"},
     KIND_BOOL, FIELD(rename_keeps_both), 0, 0, {"rename", "both"}},
    {{"silent_changes", "fail", "fail, flag", SETTING_LIVE,
      "statements that change rows without row events fail the table, or a resync is advised"},
     KIND_BOOL, FIELD(silent_changes_flag), 0, 0, {"fail", "flag"}},
    {{"foreign_keys", "refuse", "refuse, flag", SETTING_LIVE,
      "tables whose rows a foreign key changes along with another table's, which the log does not show, are refused, or a resync is "
      "advised when that may have happened"},
     KIND_BOOL, FIELD(foreign_keys_flag), 0, 0, {"refuse", "flag"}},
    {{"purged", "fail", "fail, resync", SETTING_LIVE,
      "the source purged log that was still needed: the pipe fails, or loads every table again by itself"},
     KIND_BOOL, FIELD(purged_resync), 0, 0, {"fail", "resync"}},
    {{"new_tables", "ignore", "ignore, add", SETTING_LIVE,
      "tables of the source that newly match a wildcard of the list: left out, or added by themselves"},
     KIND_BOOL, FIELD(new_tables_add), 0, 0, {"ignore", "add"}},
};

const SettingInfo *settings_info(unsigned index)
{
    return index < G_N_ELEMENTS(settings) ? &settings[index].info : NULL;
}

const char *setting_when_name(SettingWhen when)
{
    static const char *const names[] = {"live", "resync", "create"};
    return names[when];
}

/* A number and the suffix after it; false when there is no number. */
static bool split_number(const char *text, uint64_t *number, const char **suffix)
{
    char *end;
    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    *suffix = end;
    return errno == 0;
}

typedef struct {
    const char *suffix;
    uint64_t factor;
} Unit;

static bool parse_unit(const char *text, const Unit *units, uint64_t *out)
{
    const char *suffix;
    uint64_t number;
    if (!split_number(text, &number, &suffix))
        return false;
    for (const Unit *unit = units; unit->suffix; unit++)
        if (strcmp(unit->suffix, suffix) == 0)
            return !__builtin_mul_overflow(number, unit->factor, out);
    return false;
}

bool settings_parse_size(const char *text, uint64_t *bytes)
{
    static const Unit units[] = {{"", 1},          {"B", 1},           {"KiB", KIB},       {"MiB", MIB},
                                 {"GiB", 1024 * MIB}, {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {NULL, 0}};
    return parse_unit(text, units, bytes);
}

bool settings_parse_duration(const char *text, int64_t *usec)
{
    static const Unit units[] = {{"ms", 1000},          {"s", 1000000},           {"m", 60000000ull},
                                 {"h", 3600000000ull}, {"d", 86400000000ull}, {NULL, 0}};
    uint64_t value;
    if (!parse_unit(text, units, &value) || value > INT64_MAX)
        return false;
    *usec = (int64_t)value;
    return true;
}

static void store(void *field, size_t width, uint64_t value)
{
    uint8_t narrow1 = (uint8_t)value;
    uint32_t narrow4 = (uint32_t)value;
    g_assert(width == 1 || width == 4 || width == 8);
    memcpy(field, width == 1 ? (void *)&narrow1 : width == 4 ? (void *)&narrow4 : (void *)&value, width);
}

static bool valid_prefix(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof((PipeSettings *)0)->column_prefix)
        return false;
    for (const char *p = text; *p; p++)
        if (!g_ascii_isalnum(*p) && *p != '_')
            return false;
    return !g_ascii_isdigit(*text);
}

static bool valid_start(const char *text)
{
    if (strlen(text) >= sizeof((PipeSettings *)0)->start)
        return false;
    if (strcmp(text, "now") == 0 || g_str_has_prefix(text, "gtid:"))
        return true;
    const char *colon = strrchr(text, ':');
    uint64_t pos;
    const char *rest;
    return g_str_has_prefix(text, "file:") && colon > text + 5 && split_number(colon + 1, &pos, &rest) && !*rest && pos >= 4;
}

static bool apply(const Setting *setting, const char *value, PipeSettings *out)
{
    char *field = (char *)out + setting->offset;
    uint64_t number = 0;
    int64_t usec;
    const char *rest;

    switch (setting->kind) {
    case KIND_COUNT:
        if (setting->choices[0] && strcmp(value, setting->choices[0]) == 0) {
            store(field, setting->width, 0);
            return true;
        }
        if (!split_number(value, &number, &rest) || *rest)
            return false;
        break;
    case KIND_SIZE:
        if (!settings_parse_size(value, &number))
            return false;
        break;
    case KIND_DURATION:
        if (!settings_parse_duration(value, &usec))
            return false;
        number = (uint64_t)usec;
        break;
    case KIND_CHOICE:
    case KIND_BOOL:
        for (unsigned i = 0; i < G_N_ELEMENTS(setting->choices) && setting->choices[i]; i++)
            if (strcmp(setting->choices[i], value) == 0) {
                store(field, setting->width, i);
                return true;
            }
        return false;
    case KIND_START:
        if (!valid_start(value))
            return false;
        g_strlcpy(field, value, setting->width);
        return true;
    case KIND_CLUSTER:
        if (!*value || strlen(value) >= setting->width)
            return false;
        g_strlcpy(field, strcmp(value, "none") == 0 ? "" : value, setting->width);
        return true;
    case KIND_PREFIX:
        if (!valid_prefix(value))
            return false;
        g_strlcpy(field, value, setting->width);
        return true;
    }
    if (number < setting->min || number > setting->max)
        return false;
    store(field, setting->width, number);
    return true;
}

/* Of the pipe's, or of single tables where there is a colon. Free with g_free; NULL: no name is near. */
static char *nearest_setting(const char *name)
{
    const char *names[G_N_ELEMENTS(settings) + 1] = {0}, *colon = strrchr(name, ':');
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        names[i] = settings[i].info.name;
    if (!colon)
        return g_strdup(nearest_name(name, names));
    const char *word = nearest_name(colon + 1, column_setting_words());
    return word ? g_strdup_printf("%.*s:%s", (int)(colon - name), name, word) : NULL;
}

static void set_unknown_error(const char *name, GError **error)
{
    g_autofree char *shown = printable(name, 64);
    g_autofree char *nearest = nearest_setting(name);

    if (nearest) {
        g_autofree char *shown_nearest = printable(nearest, 64);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "no setting is called %s; the nearest name is %s", shown,
                    shown_nearest);
        return;
    }
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", settings[i].info.name);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                "no setting is called %s; there are %s, and of single tables " COLUMN_SETTINGS, shown, names->str);
}

static const Setting *find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        if (strcmp(settings[i].info.name, name) == 0)
            return &settings[i];
    return NULL;
}

bool settings_parse(const json_t *values, PipeSettings *out, GError **error)
{
    const char *name;
    json_t *value;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        bool ok = apply(&settings[i], settings[i].info.initial, out);
        g_assert(ok);
    }
    json_object_foreach((json_t *)values, name, value)
    {
        if (column_setting_is(name, NULL) && json_is_string(value)) {
            if (!column_setting_check(name, json_string_value(value), error))
                return false;
            continue; /* of single tables: see columns.h */
        }
        const Setting *setting = find(name);
        if (!setting) {
            set_unknown_error(name, error);
            return false;
        }
        if (!json_is_string(value) || !apply(setting, json_string_value(value), out)) {
            g_autofree char *shown = printable(json_is_string(value) ? json_string_value(value) : "(not text)", 64);
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "setting %s cannot be %s; it takes %s", name, shown,
                        setting->info.values);
            return false;
        }
    }
    out->mapping.column_prefix = out->column_prefix;
    return true;
}

json_t *settings_values(const char *text)
{
    return text && *text ? json_loads(text, 0, NULL) : NULL;
}

bool settings_load(const char *text, PipeSettings *out, GError **error)
{
    json_t *values = settings_values(text);
    bool ok;

    if (text && *text && !json_is_object(values)) {
        json_decref(values);
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the settings of the pipe in the catalog are not a JSON object");
        return false;
    }
    ok = settings_parse(values, out, error);
    json_decref(values);
    return ok;
}

bool settings_by_file(const PipeSettings *of)
{
    return of->position == 2;
}
