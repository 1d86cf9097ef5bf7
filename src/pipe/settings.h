/* settings.h - the settings of a pipe (settings.md): one table of names, types, defaults and meanings, from which checks,
 * `set NAME`, help and the man page are made.
 */
#ifndef SLUICE_PIPE_SETTINGS_H
#define SLUICE_PIPE_SETTINGS_H

#include "clickhouse/insert.h"
#include "mapping/mapping.h"
#include <jansson.h>

/* A target table that is not ours and holds rows: refused; written into; replaced by a table that is loaded beside it. */
typedef enum { TARGET_REFUSE, TARGET_APPEND, TARGET_RESYNC } TargetPolicy;

typedef struct {
    uint64_t batch_rows, batch_bytes;
    int64_t batch_age_usec;
    unsigned readers, senders;
    Compression compression;
    int position; /* 0 auto, 1 gtid, 2 file: see settings_by_file */
    uint32_t server_id; /* 0: auto */
    char start[4096];   /* "now", "gtid:...", "file:NAME:POS" */
    MappingSettings mapping;
    char column_prefix[64];
    bool durable;
    bool truncate_ignored;     /* TRUNCATE at the source */
    bool rename_keeps_both;    /* RENAME COLUMN: the old name stays another name of the column */
    bool silent_changes_flag;  /* statements that change rows without row events: a resync is advised, else the table fails */
    char cluster[128];   /* "": none */
    bool live_view;      /* a view <table>_live with FINAL */
    TargetPolicy target; /* a target table that is not empty */
    bool foreign_keys_flag; /* children of cascading keys are taken, and a resync is advised when their parents change; else refused */
    bool purged_resync; /* the log needed is gone: loaded again without asking */
    bool new_tables_add; /* that newly match a wildcard of the list: see new_tables.h */
} PipeSettings;

/* When a change takes effect. */
typedef enum { SETTING_LIVE, SETTING_RESYNC, SETTING_CREATE } SettingWhen;

typedef struct {
    const char *name, *initial; /* initial: the default, as text */
    const char *values;         /* the allowed ones in words: "lz4, zstd, none" */
    SettingWhen when;
    const char *meaning; /* one line */
} SettingInfo;

const SettingInfo *settings_info(unsigned index); /* NULL past the end */
const char *setting_when_name(SettingWhen when);

/* Fills `out` from a JSON object of text values (NULL: all defaults). SLUICE_ERROR_USAGE names the setting, and the nearest
 * known name or the allowed values. */
bool settings_parse(const json_t *values, PipeSettings *out, GError **error);
json_t *settings_values(const char *text); /* the object that the catalog's text is; a new reference. NULL: none */
/* settings_parse of the catalog's JSON text. */
bool settings_load(const char *text, PipeSettings *out, GError **error);

bool settings_parse_size(const char *text, uint64_t *bytes);   /* "32MiB", "100", "2GB" */
bool settings_parse_duration(const char *text, int64_t *usec); /* "50ms", "1s", "10m", "4h", "2d" */

/* The stream is to be followed by file and position although the server has GTIDs. */
bool settings_by_file(const PipeSettings *of);

#endif
