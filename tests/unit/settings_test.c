/* Every setting of a pipe: default, limits, bad values; sizes and durations; what an operator is told. */
#include "pipe/settings.h"

#include "base/base.h"

#include <string.h>

static bool parse(const char *name, const char *value, PipeSettings *out, GError **error)
{
    json_t *values = json_object();
    json_object_set_new(values, name, json_string(value));
    bool ok = settings_parse(values, out, error);
    json_decref(values);
    return ok;
}

static void test_defaults(void)
{
    PipeSettings settings;
    GError *error = NULL;
    g_assert_true(settings_parse(NULL, &settings, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(settings.batch_rows, ==, 100000);
    g_assert_cmpuint(settings.batch_bytes, ==, 32u << 20);
    g_assert_cmpint(settings.batch_age_usec, ==, 1000000);
    g_assert_cmpuint(settings.readers, ==, 4);
    g_assert_cmpuint(settings.senders, ==, 4);
    g_assert_cmpint(settings.compression, ==, COMPRESSION_LZ4);
    g_assert_cmpint(settings.position, ==, 0);
    g_assert_cmpuint(settings.server_id, ==, 0);
    g_assert_cmpstr(settings.start, ==, "now");
    g_assert_false(settings.mapping.tinyint1_bool);
    g_assert_false(settings.mapping.nullable_off);
    g_assert_cmpint(settings.mapping.zero_date, ==, ZERO_DATE_NULL);
    g_assert_cmpint(settings.mapping.out_of_range, ==, OUT_OF_RANGE_CLAMP);
    g_assert_cmpstr(settings.column_prefix, ==, "_peerdb_");
    g_assert_cmpstr(settings.mapping.column_prefix, ==, "_peerdb_");
    g_assert_true(settings.durable);
    g_assert_false(settings.purged_resync);
    g_assert_false(settings.new_tables_add);
}

/* A field that is read back as a number. */
static uint64_t field(const PipeSettings *s, const char *name)
{
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"batch_rows", s->batch_rows},
        {"batch_bytes", s->batch_bytes},
        {"batch_age", (uint64_t)s->batch_age_usec},
        {"readers", s->readers},
        {"senders", s->senders},
        {"compression", s->compression},
        {"position", (uint64_t)s->position},
        {"server_id", s->server_id},
        {"tinyint1", s->mapping.tinyint1_bool},
        {"nullable", s->mapping.nullable_off},
        {"zero_date", s->mapping.zero_date},
        {"out_of_range", s->mapping.out_of_range},
        {"durable", s->durable},
        {"purged", s->purged_resync},
        {"new_tables", s->new_tables_add},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    g_assert_not_reached();
}

static void test_values(void)
{
    static const struct {
        const char *name, *value;
        uint64_t stored;
    } cases[] = {
        {"batch_rows", "1", 1},
        {"batch_rows", "1000000", 1000000},
        {"batch_rows", "007", 7},
        {"batch_bytes", "64KiB", 65536},
        {"batch_bytes", "65536", 65536},
        {"batch_bytes", "200MiB", 200u << 20},
        {"batch_bytes", "1MB", 1000000},
        {"batch_age", "10ms", 10000},
        {"batch_age", "1h", 3600000000ull},
        {"batch_age", "60m", 3600000000ull},
        {"readers", "1", 1},
        {"readers", "64", 64},
        {"senders", "1", 1},
        {"senders", "64", 64},
        {"compression", "none", COMPRESSION_NONE},
        {"compression", "lz4", COMPRESSION_LZ4},
        {"compression", "zstd", COMPRESSION_ZSTD},
        {"position", "auto", 0},
        {"position", "gtid", 1},
        {"position", "file", 2},
        {"server_id", "auto", 0},
        {"server_id", "1", 1},
        {"server_id", "4294967295", 4294967295},
        {"tinyint1", "int", false},
        {"tinyint1", "bool", true},
        {"nullable", "on", false},
        {"nullable", "off", true},
        {"zero_date", "null", ZERO_DATE_NULL},
        {"zero_date", "epoch", ZERO_DATE_EPOCH},
        {"zero_date", "fail", ZERO_DATE_FAIL},
        {"out_of_range", "clamp", OUT_OF_RANGE_CLAMP},
        {"out_of_range", "null", OUT_OF_RANGE_NULL},
        {"out_of_range", "fail", OUT_OF_RANGE_FAIL},
        {"durable", "off", false},
        {"durable", "on", true},
        {"purged", "fail", false},
        {"purged", "resync", true},
        {"new_tables", "ignore", false},
        {"new_tables", "add", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        PipeSettings settings;
        GError *error = NULL;
        g_assert_true(parse(cases[i].name, cases[i].value, &settings, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(field(&settings, cases[i].name), ==, cases[i].stored);
    }
}

static void test_bad_values(void)
{
    static const char *const cases[][2] = {
        {"batch_rows", "0"},
        {"batch_rows", "1000001"},
        {"batch_rows", "-1"},
        {"batch_rows", "+1"},
        {"batch_rows", ""},
        {"batch_rows", " 1"},
        {"batch_rows", "1 "},
        {"batch_rows", "1e3"},
        {"batch_rows", "auto"},
        {"batch_rows", "99999999999999999999"},
        {"batch_bytes", "65535"},
        {"batch_bytes", "201MiB"},
        {"batch_bytes", "1.5MiB"},
        {"batch_bytes", "1 MiB"},
        {"batch_bytes", "1mib"},
        {"batch_bytes", "MiB"},
        {"batch_bytes", "17179869184GiB"},
        {"batch_age", "9ms"},
        {"batch_age", "61m"},
        {"batch_age", "1"},
        {"batch_age", "1sec"},
        {"batch_age", "-1s"},
        {"readers", "0"},
        {"readers", "65"},
        {"senders", "0"},
        {"senders", "65"},
        {"compression", "gzip"},
        {"compression", "LZ4"},
        {"compression", ""},
        {"position", "now"},
        {"server_id", "0"},
        {"server_id", "4294967296"},
        {"server_id", "none"},
        {"tinyint1", "on"},
        {"nullable", "yes"},
        {"zero_date", "clamp"},
        {"out_of_range", "epoch"},
        {"durable", "1"},
        {"purged", "yes"},
        {"column_prefix", ""},
        {"column_prefix", "a b"},
        {"column_prefix", "1a"},
        {"column_prefix", "a`"},
        {"column_prefix", "é"},
        {"column_prefix", "a234567890123456789012345678901234567890123456789012345678901234"},
        {"start", ""},
        {"start", "then"},
        {"start", "file:bin.000001"},
        {"start", "file::4"},
        {"start", "file:bin.000001:"},
        {"start", "file:bin.000001:3"},
        {"start", "file:bin.000001:4x"},
        {"start", "file:bin.000001:-4"},
        {"start", "now "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        PipeSettings settings;
        g_autoptr(GError) error = NULL;
        if (parse(cases[i][0], cases[i][1], &settings, &error))
            g_error("%s=%s was taken", cases[i][0], cases[i][1]);
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, cases[i][0]));
    }
}

static void test_start_and_prefix(void)
{
    PipeSettings settings;
    g_autofree char *longest = g_strnfill(63, 'p'), *too_long = g_strdup_printf("gtid:%05000d", 1);
    static const char *const starts[] = {"now", "gtid:0-1-42", "gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,0-2:7",
                                         "file:bin.000001:4", "file:odd:name.000001:18446744073709551615"};
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
        g_assert_true(parse("start", starts[i], &settings, NULL));
        g_assert_cmpstr(settings.start, ==, starts[i]);
    }
    g_autofree char *long_set = g_strdup_printf("gtid:%0600d", 1);
    g_assert_true(parse("start", long_set, &settings, NULL));
    g_assert_false(parse("start", too_long, &settings, NULL));
    g_assert_true(parse("column_prefix", longest, &settings, NULL));
    g_assert_cmpstr(settings.column_prefix, ==, longest);
    g_assert_cmpstr(settings.mapping.column_prefix, ==, longest);
    g_assert_true(parse("column_prefix", "_", &settings, NULL));
}

/* What an error says helps: the allowed values, or the name that was meant. */
static void test_messages(void)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"compression", "gzip", "it takes lz4, zstd, none"},
        {"batch_rows", "0", "it takes 1 to 1000000"},
        {"batchrows", "1", "the nearest name is batch_rows"},
        {"batch_byte", "1", "the nearest name is batch_bytes"},
        {"raeders", "1", "the nearest name is readers"},
        {"sender", "1", "the nearest name is senders"},
        {"server-id", "1", "the nearest name is server_id"},
        {"compresion", "1", "the nearest name is compression"},
        {"zerodate", "1", "the nearest name is zero_date"},
        {"column-prefix", "1", "the nearest name is column_prefix"},
        {"Durable", "on", "the nearest name is durable"},
        {"shop.orders:exclud", "a", "the nearest name is shop.orders:exclude"},
        {"shop.orders:types", "a", "the nearest name is shop.orders:type"},
        {"shop.orders:xyz", "a", "and of single tables DB.TABLE:key, :exclude"},
        {"xyz", "1", "there are batch_rows, batch_bytes"},
        {"", "1", "there are batch_rows"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        PipeSettings settings;
        g_autoptr(GError) error = NULL;
        g_assert_false(parse(cases[i].name, cases[i].value, &settings, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
        if (!strstr(error->message, cases[i].says))
            g_error("%s=%s: %s", cases[i].name, cases[i].value, error->message);
    }
    PipeSettings settings;
    g_autoptr(GError) error = NULL;
    g_assert_false(parse("compression", "\x1b[2J", &settings, &error));
    g_assert_null(strchr(error->message, '\x1b'));
}

static void test_load(void)
{
    PipeSettings settings;
    static const char *const bad[] = {"[]", "{", "7", "null", "\"batch_rows\""};
    g_assert_true(settings_load(NULL, &settings, NULL));
    g_assert_true(settings_load("", &settings, NULL));
    g_assert_true(settings_load("{}", &settings, NULL));
    g_assert_cmpuint(settings.batch_rows, ==, 100000);
    g_assert_true(settings_load("{\"batch_rows\": \"5\", \"durable\": \"off\"}", &settings, NULL));
    g_assert_cmpuint(settings.batch_rows, ==, 5);
    g_assert_false(settings.durable);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(settings_load(bad[i], &settings, &error));
        g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(settings_load("{\"batch_rows\": 5}", &settings, &error));
    g_assert_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE);
}

/* The table itself: every default is a value that is taken, names are there once, words are filled in. */
static void test_info(void)
{
    unsigned n = 0;
    for (const SettingInfo *info; (info = settings_info(n)); n++) {
        PipeSettings settings, initial;
        GError *error = NULL;
        g_assert_true(parse(info->name, info->initial, &settings, &error));
        g_assert_no_error(error);
        g_assert_true(settings_parse(NULL, &initial, NULL));
        initial.mapping.column_prefix = settings.mapping.column_prefix = NULL; /* each points into its own */
        g_assert_cmpmem(&settings, sizeof settings, &initial, sizeof initial);
        g_assert_true(*info->values && *info->meaning);
        for (unsigned k = 0; k < n; k++)
            g_assert_cmpstr(settings_info(k)->name, !=, info->name);
        g_assert_nonnull(setting_when_name(info->when));
    }
    g_assert_cmpuint(n, ==, 28);
    g_assert_null(settings_info(n + 1));
    g_assert_cmpstr(setting_when_name(SETTING_LIVE), ==, "live");
    g_assert_cmpstr(setting_when_name(SETTING_RESYNC), ==, "resync");
    g_assert_cmpstr(setting_when_name(SETTING_CREATE), ==, "create");
}

static void test_sizes_and_durations(void)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* UINT64_MAX: refused */
    } sizes[] = {
        {"0", 0},
        {"100", 100},
        {"100B", 100},
        {"2KB", 2000},
        {"2KiB", 2048},
        {"2MB", 2000000},
        {"2MiB", 2u << 20},
        {"2GB", 2000000000},
        {"2GiB", 2ull << 30},
        {"17179869183GiB", 17179869183ull << 30},
        {"17179869184GiB", UINT64_MAX},
        {"18446744073709551616", UINT64_MAX},
        {"", UINT64_MAX},
        {"-1", UINT64_MAX},
        {"1K", UINT64_MAX},
        {"1 KiB", UINT64_MAX},
        {"1kib", UINT64_MAX},
        {"0x10", UINT64_MAX},
        {"1.5GiB", UINT64_MAX},
    };
    static const struct {
        const char *text;
        int64_t usec; /* -1: refused */
    } durations[] = {
        {"50ms", 50000},
        {"1s", 1000000},
        {"10m", 600000000},
        {"4h", 14400000000},
        {"2d", 172800000000},
        {"0s", 0},
        {"106751991d", 9223372022400000000},
        {"106751992d", -1},
        {"300000000d", -1},
        {"", -1},
        {"5", -1},
        {"s", -1},
        {"-1s", -1},
        {"1us", -1},
        {"1 s", -1},
        {"1S", -1},
        {"1.5s", -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint64_t bytes = 0;
        g_assert_true(settings_parse_size(sizes[i].text, &bytes) == (sizes[i].bytes != UINT64_MAX));
        if (sizes[i].bytes != UINT64_MAX)
            g_assert_cmpuint(bytes, ==, sizes[i].bytes);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
        int64_t usec = 0;
        g_assert_true(settings_parse_duration(durations[i].text, &usec) == (durations[i].usec >= 0));
        if (durations[i].usec >= 0)
            g_assert_cmpint(usec, ==, durations[i].usec);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/defaults", test_defaults);
    g_test_add_func("/settings/values", test_values);
    g_test_add_func("/settings/bad-values", test_bad_values);
    g_test_add_func("/settings/start-and-prefix", test_start_and_prefix);
    g_test_add_func("/settings/messages", test_messages);
    g_test_add_func("/settings/load", test_load);
    g_test_add_func("/settings/info", test_info);
    g_test_add_func("/settings/sizes-and-durations", test_sizes_and_durations);
    return g_test_run();
}
