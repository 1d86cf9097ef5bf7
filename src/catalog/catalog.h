/* catalog.h - the face of src/catalog: what sluice knows on disk. SQLite, WAL, synchronous=FULL, schema versions by
 * `PRAGMA user_version`.
 *
 * A Catalog is one connection and belongs to one thread at a time; several may be open on one file. Every function is one
 * transaction: done whole or not at all, on disk when it returns. Times are microseconds since 1970 UTC. Errors:
 * SLUICE_ERROR_CATALOG with what to do (a corrupt file, a full disk, a file of a newer version).
 *
 * Knows nothing of threads and servers: states, modes and JSON are text to it.
 */
#ifndef SLUICE_CATALOG_CATALOG_H
#define SLUICE_CATALOG_CATALOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Catalog Catalog;

/* `state_dir`/catalog.sqlite, mode 0600, made when absent (the directory too, mode 0700). Checks integrity quickly. */
Catalog *catalog_open(const char *state_dir, GError **error);
void catalog_close(Catalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalog, catalog_close)

typedef struct {
    int64_t id; /* 0 before it is added */
    char *uuid; /* of this pipe, in marks and tokens */
    char *name;
    char *source, *dest; /* URLs as given */
    char *mode;          /* "full", "snapshot", "cdc" */
    char *tables;        /* the list as given, one pattern a line, exclusions with a leading '-' */
    char *settings;      /* JSON object of names and text values that were set */
    char *state;         /* lifecycle's word: "Running" */
    char *return_state;  /* where Paused, Failed and Modifying go back to; NULL */
    int64_t since;       /* when `state` was entered */
    char *error;         /* JSON of a Failed pipe's error, NULL */
    uint32_t server_id;  /* replica id, 0: not yet chosen */
    char *identity;      /* SourceServer.identity the position belongs to, NULL: none yet */
    int64_t auto_resync; /* when the last resync by the setting `purged` ended; negative: when the one under way began; 0: none */
} CatalogPipe;
void catalog_pipe_free(CatalogPipe *pipe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogPipe, catalog_pipe_free)

typedef struct {
    int64_t id, pipe_id;
    char *database, *name; /* at the source */
    char *target;          /* table at the destination */
    char *state;           /* "waiting", "loading", "live", "failed", "dropped", "kept" */
    int64_t generation;    /* counts loads begun from nothing; part of deduplication tokens */
    char *definition;      /* source_table_to_json, NULL: not read yet */
    char *begin_file;      /* E: events of the table up to here are ignored; NULL: none, or by GTID: */
    uint64_t begin_pos;
    char *begin_gtid;      /* E as a GTID set; NULL: none */
    char *read_gtid; /* loaded: all that was read is of transactions among these; NULL: the checkpoint has them, or none
                        are known */
    uint64_t snapshot_version; /* version that its snapshot rows carry */
    uint64_t rows_estimate, rows_done;
    uint64_t inserts, updates, deletes;
    int64_t last_change;   /* 0: none */
    bool loaded;           /* all ranges acknowledged */
    bool resync_advised;
    char *error;           /* JSON, NULL */
    char *column_counts; /* JSON: values changed on the way, by column; NULL: none */
    int64_t twin_of;     /* a resync: the table (id) that it replaces once it is loaded; 0: it stands for itself */
    char *exchange_uuid; /* of its destination table, noted before the exchange: the proof that it was done; NULL */
    char *leftover;      /* a destination table of ours that is to be dropped: what it replaced; NULL */
    int removing;        /* 1: it is to leave the pipe, 2: and its destination table is to be dropped; of a twin, 1: the resync is cancelled */
} CatalogTable;
void catalog_table_free(CatalogTable *table);

typedef struct {
    char *file; /* NULL: no checkpoint yet */
    uint64_t pos;
    char *gtid;
    uint32_t epoch;
    uint64_t offset;
    uint32_t sum; /* of the transactions up to `offset` (pipe/place.h) */
    /* Fingerprint of the last transaction before it; print_file NULL: none yet. */
    char *print_file;
    uint64_t print_pos;
    char *print_gtid;
    uint32_t print_time, print_crc;
    char *prepared;      /* JSON: XA transactions that were prepared but not ended there; NULL: none */
    int64_t source_time; /* commit time of the newest applied change, 0 unknown */
    int64_t saved_at;
} CatalogCheckpoint;
void catalog_checkpoint_clear(CatalogCheckpoint *checkpoint);

#define CATALOG_SUM_UNKNOWN (-1) /* cut by a version of sluice that kept none */

typedef struct {
    uint64_t seq, start_offset, end_offset; /* rows with start < version offset <= end, of `epoch` */
    uint32_t epoch;
    bool in_group; /* cut within a transaction, not at its end */
    int64_t sum;   /* of the transactions up to its end; a replay that comes to another reads another history */
} CatalogBatch; /* a sealed batch whose cuts a replay must repeat */

typedef struct {
    uint64_t id; /* of the range within its table */
    char *after, *upto;
    bool done;
    uint64_t rows;
    uint32_t attempt; /* reading attempts begun; part of deduplication tokens */
} CatalogRange;
void catalog_range_free(CatalogRange *range);

typedef struct {
    int64_t id, at;
    char *pipe;     /* name, NULL: the engine */
    char *actor;    /* "operator", "engine", "error" */
    char *kind;     /* "state", "range", "position", "error", "retry", "ddl", "table", "note" */
    char *text;
    char *position; /* "file:pos", NULL */
} CatalogJournalEntry;
void catalog_journal_entry_free(CatalogJournalEntry *entry);

/* Pipes. */
bool catalog_pipe_add(Catalog *catalog, CatalogPipe *pipe, GPtrArray *tables /* of CatalogTable; ids are filled in */,
                      GError **error); /* SLUICE_ERROR_REFUSED: the name is taken */
GPtrArray *catalog_pipes(Catalog *catalog, GError **error); /* of CatalogPipe, by name */
CatalogPipe *catalog_pipe_find(Catalog *catalog, const char *name, GError **error); /* SLUICE_ERROR_NOT_FOUND */
bool catalog_pipe_set_state(Catalog *catalog, int64_t pipe_id, const char *state, const char *return_state,
                            const char *error_json, int64_t since, const CatalogJournalEntry *why, GError **error);
bool catalog_pipe_set_settings(Catalog *catalog, int64_t pipe_id, const char *settings, GError **error);
bool catalog_pipe_set_source(Catalog *catalog, int64_t pipe_id, uint32_t server_id, const char *identity,
                             GError **error);
bool catalog_pipe_set_auto_resync(Catalog *catalog, int64_t pipe_id, int64_t at, GError **error);
/* What a command changes of a pipe: all of it or nothing. */
typedef struct {
    const char *tables;       /* the list; NULL: as it is */
    const GPtrArray *added;   /* of CatalogTable, which get their ids; NULL: none */
    const GPtrArray *changed; /* of CatalogTable: all fields by id; NULL: none */
    bool from_nothing;        /* the ranges of `changed` are forgotten */
    const char *state, *return_state; /* NULL: as it is; an error of the pipe goes with its old state */
    int64_t since;
    const CatalogJournalEntry *why; /* NULL: the journal says nothing */
} CatalogEdit;
bool catalog_pipe_edit(Catalog *catalog, int64_t pipe_id, const CatalogEdit *edit, GError **error);
bool catalog_pipe_drop(Catalog *catalog, int64_t pipe_id, GError **error); /* with all that hangs on it but the journal */

/* Tables. */
GPtrArray *catalog_tables(Catalog *catalog, int64_t pipe_id, GError **error); /* of CatalogTable, by id */
bool catalog_table_save(Catalog *catalog, const CatalogTable *table, GError **error); /* all fields by id */
bool catalog_table_remove(Catalog *catalog, int64_t table_id, GError **error);
/* Saves `by` and removes the table `old_id` that it stands for from now on. */
bool catalog_table_replace(Catalog *catalog, int64_t old_id, const CatalogTable *by, GError **error);

/* Checkpoints: saved together with the counters of tables and the cuts that are no longer needed (seq <= applied_seq). */
bool catalog_checkpoint_load(Catalog *catalog, int64_t pipe_id, CatalogCheckpoint *out, GError **error);
bool catalog_checkpoint_save(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *checkpoint,
                             uint64_t applied_seq, GPtrArray *tables /* of CatalogTable whose counters are saved, or NULL */,
                             GError **error);
/* The same, with all fields of the tables: a definition and the position behind the statement that made it always agree. */
bool catalog_checkpoint_save_tables(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *checkpoint, uint64_t applied_seq,
                                    const GPtrArray *tables /* of CatalogTable */, GError **error);
/* The pipe goes on from `to`, at the server `identity`: no cut holds any more, `tables` (of CatalogTable: id and where it begins) are
 * advised to be loaded again, and the journal says `why`. All of it or nothing. */
bool catalog_reposition(Catalog *catalog, int64_t pipe_id, const CatalogCheckpoint *to, const char *identity, GPtrArray *tables,
                        const CatalogJournalEntry *why, GError **error);
bool catalog_batch_add(Catalog *catalog, int64_t pipe_id, const CatalogBatch *batch, GError **error);
GArray *catalog_batches(Catalog *catalog, int64_t pipe_id, GError **error); /* of CatalogBatch, by seq */

/* Ranges. */
GPtrArray *catalog_ranges(Catalog *catalog, int64_t table_id, GError **error); /* of CatalogRange, by id */
/* Upsert by id. `column_counts`: those of the table, which grew with the rows of these ranges; NULL: unchanged. */
bool catalog_ranges_save(Catalog *catalog, int64_t table_id, GPtrArray *ranges, const char *column_counts,
                         GError **error);
bool catalog_ranges_clear(Catalog *catalog, int64_t table_id, GError **error);

/* Journal: kept under a size in bytes, oldest entries go first. */
bool catalog_journal_add(Catalog *catalog, const CatalogJournalEntry *entry, GError **error);
GPtrArray *catalog_journal(Catalog *catalog, const char *pipe /* NULL: all */, int64_t after_id, unsigned limit,
                           GError **error); /* the newest `limit` after that id, oldest first */
bool catalog_journal_size(Catalog *catalog, uint64_t *bytes, GError **error);
bool catalog_journal_trim(Catalog *catalog, uint64_t max_bytes, GError **error);

/* History: the figures of a pipe in cells of some length, which are numbered. Saving replaces a cell of the same number and
 * forgets those before `oldest`. */
typedef struct {
    int64_t number;
    double rows, bytes, lag, batch_rows, batch_bytes; /* negative: not known */
    int64_t samples, inserts; /* of how many they are means */
} CatalogHistoryCell;
bool catalog_history_save(Catalog *catalog, int64_t pipe_id, const GArray *cells /* of CatalogHistoryCell */, int64_t oldest,
                          GError **error);
GArray *catalog_history(Catalog *catalog, int64_t pipe_id, GError **error); /* of CatalogHistoryCell, by number */

/* Engine settings. NULL (no error): not set. */
char *catalog_setting(Catalog *catalog, const char *name, GError **error);
bool catalog_set_setting(Catalog *catalog, const char *name, const char *value, GError **error);

#endif
