/* engine.c - see engine.h. Source of the C interface: chdb.h of chdb-core 26.7. */
#include "endpoint/engine.h"

#include "endpoint/fault.h"
#include "endpoint/sql.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct chdb_handle chdb_handle;
typedef struct chdb_result chdb_result;
typedef struct chdb_insert chdb_insert;

typedef struct {
    void (*set_signal_handlers_enabled)(int enabled);
    chdb_handle **(*connect)(int argc, char **argv);
    void (*close_conn)(chdb_handle **conn);
    chdb_result *(*query_n)(chdb_handle *conn, const char *query, size_t len, const char *format, size_t format_len);
    chdb_result *(*stream_query_n)(chdb_handle *conn, const char *query, size_t len, const char *format,
                                   size_t format_len);
    chdb_result *(*stream_fetch_result)(chdb_handle *conn, chdb_result *stream);
    void (*stream_cancel_query)(chdb_handle *conn, chdb_result *stream);
    void (*destroy_query_result)(chdb_result *result);
    char *(*result_buffer)(chdb_result *result);
    size_t (*result_length)(chdb_result *result);
    const char *(*result_error)(chdb_result *result);
    uint64_t (*result_rows_read)(chdb_result *result);
    uint64_t (*result_storage_rows_read)(chdb_result *result);
    uint64_t (*result_storage_bytes_read)(chdb_result *result);
    uint64_t (*result_rows_written)(chdb_result *result);
    uint64_t (*result_bytes_written)(chdb_result *result);
    chdb_insert *(*stream_insert_n)(chdb_handle *conn, const char *query, size_t len, const char *format,
                                    size_t format_len);
    int (*stream_append)(chdb_insert *insert, const void *data, size_t len);
    chdb_result *(*stream_done)(chdb_insert *insert);
    const char *(*stream_insert_error)(chdb_insert *insert);
    void (*destroy_insert_stream)(chdb_insert *insert);
    void (*shutdown)(void);
} Api;

#define SYMBOL(name)                                                                                                   \
    {                                                                                                                  \
        "chdb_" #name, G_STRUCT_OFFSET(Api, name)                                                                      \
    }
static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    SYMBOL(set_signal_handlers_enabled),
    SYMBOL(connect),
    SYMBOL(close_conn),
    SYMBOL(query_n),
    SYMBOL(stream_query_n),
    SYMBOL(stream_fetch_result),
    SYMBOL(stream_cancel_query),
    SYMBOL(destroy_query_result),
    SYMBOL(result_buffer),
    SYMBOL(result_length),
    SYMBOL(result_error),
    SYMBOL(result_rows_read),
    SYMBOL(result_storage_rows_read),
    SYMBOL(result_storage_bytes_read),
    SYMBOL(result_rows_written),
    SYMBOL(result_bytes_written),
    SYMBOL(stream_insert_n),
    SYMBOL(stream_append),
    SYMBOL(stream_done),
    SYMBOL(stream_insert_error),
    SYMBOL(destroy_insert_stream),
    SYMBOL(shutdown),
};

struct Engine {
    Api api;
    char *path_arg, *config_arg;
    EngineConn *keeper; /* the last close would end the engine */
    char *version, *timezone;
};

struct EngineConn {
    Engine *engine;
    chdb_handle **handle;
};

struct EngineResult {
    const Api *api;
    chdb_result *result;
};

struct EngineStream {
    EngineConn *conn;
    chdb_result *stream, *chunk;
    bool ended;
};

struct EngineInsert {
    EngineConn *conn;
    chdb_insert *insert;
};

static bool engine_load(Engine *engine, const char *library, GError **error)
{
    static const char mend[] = "get it with ./quickstart, or name it with --library FILE or SLUICE_LIBCHDB";
    if (!g_file_test(library, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, FAULT, 1, "the ClickHouse library %s is not there: %s", library, mend);
        return false;
    }
    /* Never closed again: the library leaves threads behind. */
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        g_set_error(error, FAULT, 1, "cannot load the ClickHouse library %s: %s: %s", library, dlerror(), mend);
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) {
            g_set_error(error, FAULT, 1, "%s lacks %s, it is too old (libchdb 26.7 or newer is needed): %s", library,
                        symbols[i].name, mend);
            return false;
        }
        memcpy((char *)&engine->api + symbols[i].offset, &symbol, sizeof symbol);
    }
    return true;
}

static char *engine_ask(EngineConn *conn, const char *sql, GError **error)
{
    g_autoptr(EngineResult) result = engine_query(conn, sql, strlen(sql), "TSVRaw", NULL, error);
    if (!result)
        return NULL;
    size_t len;
    const char *data = engine_result_data(result, &len);
    return g_strchomp(g_strndup(data ? data : "", len));
}

Engine *engine_open(const char *library, const char *data_dir, const char *config_file, GError **error)
{
    Engine *engine = g_new0(Engine, 1);
    if (!engine_load(engine, library, error)) {
        g_free(engine);
        return NULL;
    }
    engine->path_arg = g_strdup_printf("--path=%s", data_dir);
    engine->config_arg = g_strdup_printf("--config-file=%s", config_file);
    engine->api.set_signal_handlers_enabled(0);
    engine->keeper = engine_connect(engine, error);
    if (!engine->keeper) {
        g_prefix_error(
            error, "cannot open the data in %s (its reason is above; no other program may have it open): ", data_dir);
        engine_close(engine);
        return NULL;
    }
    engine->version = engine_ask(engine->keeper, "SELECT version()", error);
    engine->timezone = engine->version ? engine_ask(engine->keeper, "SELECT timezone()", error) : NULL;
    if (!engine->timezone) {
        engine_close(engine);
        return NULL;
    }
    return engine;
}

void engine_close(Engine *engine)
{
    if (engine->keeper) {
        engine_conn_close(engine->keeper);
        engine->api.shutdown();
    }
    g_free(engine->path_arg);
    g_free(engine->config_arg);
    g_free(engine->version);
    g_free(engine->timezone);
    g_free(engine);
}

const char *engine_version(const Engine *engine)
{
    return engine->version;
}

const char *engine_timezone(const Engine *engine)
{
    return engine->timezone;
}

EngineConn *engine_connect(Engine *engine, GError **error)
{
    /* As in a server: "1+1" is no query (clickhouse-local allows it). One request is one synchronous insert: with
     * async_insert its rows would be readable only after a flush by time. Long parameters go through SET, whose text
     * max_query_size limits too. */
    char *argv[] = {(char *)"sluice-clickhouse",   engine->path_arg,           engine->config_arg,
                    (char *)"--implicit_select=0", (char *)"--async_insert=0", (char *)"--max_query_size=268435456"};
    chdb_handle **handle = engine->api.connect(G_N_ELEMENTS(argv), argv);
    if (!handle) {
        fault_set(error, FAULT_UNKNOWN_EXCEPTION, "The engine gave no connection");
        return NULL;
    }
    EngineConn *conn = g_new0(EngineConn, 1);
    conn->engine = engine;
    conn->handle = handle;
    return conn;
}

void engine_conn_close(EngineConn *conn)
{
    conn->engine->api.close_conn(conn->handle);
    g_free(conn);
}

bool engine_exec(EngineConn *conn, const char *sql, GError **error)
{
    g_autoptr(EngineResult) result = engine_query(conn, sql, strlen(sql), "Null", NULL, error);
    return result != NULL;
}

static void stats_add(const Api *api, chdb_result *result, EngineStats *stats)
{
    if (!stats)
        return;
    stats->read_rows += api->result_storage_rows_read(result);
    stats->read_bytes += api->result_storage_bytes_read(result);
    stats->written_rows += api->result_rows_written(result);
    stats->written_bytes += api->result_bytes_written(result);
    stats->result_rows += api->result_rows_read(result);
    stats->result_bytes += api->result_length(result);
}

/* NULL result or an error in it: sets the error, frees the result, returns true. */
static bool result_failed(const Api *api, chdb_result *result, GError **error)
{
    const char *text = result ? api->result_error(result) : "The engine gave no result";
    if (!text)
        return false;
    fault_set_from_engine(error, text);
    if (result)
        api->destroy_query_result(result);
    return true;
}

EngineResult *engine_query(EngineConn *conn, const char *sql, size_t len, const char *format, EngineStats *stats,
                           GError **error)
{
    const Api *api = &conn->engine->api;
    chdb_result *result = api->query_n(*conn->handle, sql, len, format, strlen(format));
    if (result_failed(api, result, error))
        return NULL;
    stats_add(api, result, stats);
    EngineResult *wrapped = g_new(EngineResult, 1);
    *wrapped = (EngineResult){.api = api, .result = result};
    return wrapped;
}

const char *engine_result_data(EngineResult *result, size_t *len)
{
    *len = result->api->result_length(result->result);
    return result->api->result_buffer(result->result);
}

void engine_result_free(EngineResult *result)
{
    if (!result)
        return;
    result->api->destroy_query_result(result->result);
    g_free(result);
}

EngineStream *engine_stream_open(EngineConn *conn, const char *sql, size_t len, const char *format, GError **error)
{
    const Api *api = &conn->engine->api;
    chdb_result *result = api->stream_query_n(*conn->handle, sql, len, format, strlen(format));
    if (result_failed(api, result, error))
        return NULL;
    EngineStream *stream = g_new0(EngineStream, 1);
    stream->conn = conn;
    stream->stream = result;
    return stream;
}

bool engine_stream_next(EngineStream *stream, const char **data, size_t *len, EngineStats *stats, GError **error)
{
    const Api *api = &stream->conn->engine->api;
    if (stream->chunk)
        api->destroy_query_result(stream->chunk);
    stream->chunk = NULL;
    *data = NULL;
    *len = 0;
    if (stream->ended)
        return true;
    chdb_result *chunk = api->stream_fetch_result(*stream->conn->handle, stream->stream);
    if (result_failed(api, chunk, error)) {
        stream->ended = true;
        return false;
    }
    stats_add(api, chunk, stats);
    stream->chunk = chunk;
    *len = api->result_length(chunk);
    *data = api->result_buffer(chunk);
    stream->ended = *len == 0;
    return true;
}

void engine_stream_free(EngineStream *stream)
{
    if (!stream)
        return;
    const Api *api = &stream->conn->engine->api;
    if (stream->chunk)
        api->destroy_query_result(stream->chunk);
    if (!stream->ended)
        api->stream_cancel_query(*stream->conn->handle, stream->stream);
    api->destroy_query_result(stream->stream);
    g_free(stream);
}

EngineInsert *engine_insert_open(EngineConn *conn, const char *sql, size_t len, const char *format, GError **error)
{
    const Api *api = &conn->engine->api;
    chdb_insert *handle = api->stream_insert_n(*conn->handle, sql, len, format, strlen(format));
    const char *text = api->stream_insert_error(handle);
    if (text) {
        fault_set_from_engine(error, text);
        api->destroy_insert_stream(handle);
        return NULL;
    }
    EngineInsert *insert = g_new0(EngineInsert, 1);
    insert->conn = conn;
    insert->insert = handle;
    return insert;
}

bool engine_insert_append(EngineInsert *insert, const void *data, size_t len, GError **error)
{
    const Api *api = &insert->conn->engine->api;
    if (len == 0 || api->stream_append(insert->insert, data, len) == 0)
        return true;
    const char *text = api->stream_insert_error(insert->insert);
    if (text) {
        fault_set_from_engine(error, text);
        return false;
    }
    /* The worker ended without an error of its own (a LIMIT reached, a kill): `done` tells which. */
    EngineStats ignored = {0};
    if (engine_insert_finish(insert, &ignored, error))
        fault_set(error, FAULT_UNKNOWN_EXCEPTION, "The engine stopped reading the data of the insert");
    return false;
}

bool engine_insert_finish(EngineInsert *insert, EngineStats *stats, GError **error)
{
    const Api *api = &insert->conn->engine->api;
    chdb_result *result = api->stream_done(insert->insert);
    if (result_failed(api, result, error))
        return false;
    stats->written_rows += api->result_rows_written(result);
    stats->written_bytes += api->result_bytes_written(result);
    api->destroy_query_result(result);
    return true;
}

void engine_insert_free(EngineInsert *insert)
{
    if (!insert)
        return;
    insert->conn->engine->api.destroy_insert_stream(insert->insert);
    g_free(insert);
}

void engine_kill(Engine *engine, const char *query_id)
{
    g_autoptr(GString) sql = g_string_new("KILL QUERY WHERE Settings['log_comment'] ");
    if (query_id) {
        g_string_append(sql, "= ");
        sql_append_string(sql, query_id, strlen(query_id));
    } else {
        g_string_append(sql, "!= ''");
    }
    g_string_append(sql, " ASYNC");
    g_autoptr(EngineConn) conn = engine_connect(engine, NULL);
    if (conn)
        engine_exec(conn, sql->str, NULL);
}
