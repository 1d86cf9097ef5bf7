/* engine.h - libchdb, loaded at run time, and connections to the one data directory of this process.
 *
 * A connection belongs to one thread at a time and runs one thing at a time. It must not be closed while a query, a
 * stream or an insert on it is open. Errors are faults (fault.h).
 */
#ifndef SLUICE_ENDPOINT_ENGINE_H
#define SLUICE_ENDPOINT_ENGINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Engine Engine;
typedef struct EngineConn EngineConn;
typedef struct EngineResult EngineResult;
typedef struct EngineStream EngineStream;
typedef struct EngineInsert EngineInsert;

typedef struct {
    uint64_t read_rows, read_bytes;       /* from storage */
    uint64_t written_rows, written_bytes; /* by INSERT */
    uint64_t result_rows, result_bytes;
} EngineStats;

/* Loads `library` and opens `data_dir` (made when absent) with the server settings in `config_file`. Process-wide: call
 * once. The error is one line for the operator. */
Engine *engine_open(const char *library, const char *data_dir, const char *config_file, GError **error);
/* All other connections are closed. */
void engine_close(Engine *engine);
const char *engine_version(const Engine *engine);  /* "26.7.2.1" */
const char *engine_timezone(const Engine *engine); /* "Etc/UTC" */

EngineConn *engine_connect(Engine *engine, GError **error);
void engine_conn_close(EngineConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EngineConn, engine_conn_close)

/* Runs a statement whose result does not matter. */
bool engine_exec(EngineConn *conn, const char *sql, GError **error);
/* Runs a statement and returns its whole result in memory. `format` is used where the statement names none. */
EngineResult *engine_query(EngineConn *conn, const char *sql, size_t len, const char *format, EngineStats *stats,
                           GError **error);
const char *engine_result_data(EngineResult *result, size_t *len);
void engine_result_free(EngineResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EngineResult, engine_result_free)

/* A SELECT in chunks. Refused by the engine (BAD_ARGUMENTS) for SHOW, EXPLAIN and the like. */
EngineStream *engine_stream_open(EngineConn *conn, const char *sql, size_t len, const char *format, GError **error);
/* Next chunk, valid until the next call; *len 0 at the end. Adds to `stats`. */
bool engine_stream_next(EngineStream *stream, const char **data, size_t *len, EngineStats *stats, GError **error);
void engine_stream_free(EngineStream *stream); /* cancels when the end was not reached */

/* INSERT whose rows are handed over piece by piece. `sql` ends before FORMAT. */
EngineInsert *engine_insert_open(EngineConn *conn, const char *sql, size_t len, const char *format, GError **error);
/* Blocks while the engine is behind. */
bool engine_insert_append(EngineInsert *insert, const void *data, size_t len, GError **error);
/* All rows are in the table when this returns true. */
bool engine_insert_finish(EngineInsert *insert, EngineStats *stats, GError **error);
void engine_insert_free(EngineInsert *insert); /* without finish: cancels */

/* Kills what runs with that query id (kept as log_comment), or everything when NULL. Does not wait. */
void engine_kill(Engine *engine, const char *query_id);

#endif
