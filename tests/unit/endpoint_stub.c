/* endpoint_stub.c - stands in for libchdb, which dies under sanitizers: the same symbols, a few words of SQL.
 * `rows N` gives N rows of ten bytes, a text with `fail` an exception, an insert counts its bytes and fails on `bad`.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *data, *error;
    size_t len;
    uint64_t written;
    long rows;
} Result;

typedef struct {
    char *error;
    uint64_t bytes;
} Insert;

#define EXPORT __attribute__((visibility("default"), used))
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"

EXPORT void chdb_set_signal_handlers_enabled(int enabled)
{
    (void)enabled;
}

EXPORT void **chdb_connect(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    void **conn = malloc(sizeof *conn);
    *conn = conn;
    return conn;
}

EXPORT void chdb_close_conn(void **conn)
{
    free(conn);
}

static Result *result_new(const char *query, size_t len)
{
    Result *result = calloc(1, sizeof *result);
    char *text = strndup(query, len);
    char *rows = strstr(text, "rows ");
    if (strstr(text, "fail"))
        result->error = strdup("Code: 395. DB::Exception: as asked. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)");
    result->rows = rows ? strtol(rows + 5, NULL, 10) : 0;
    free(text);
    return result;
}

static void result_fill(Result *result, long rows)
{
    result->data = malloc((size_t)rows * 10 + 1);
    for (long i = 0; i < rows; i++)
        snprintf(result->data + result->len + (size_t)i * 10, 11, "%09ld\n", i);
    result->len = (size_t)rows * 10;
}

EXPORT void *chdb_query_n(void *conn, const char *query, size_t len, const char *format, size_t format_len)
{
    (void)conn;
    (void)format;
    (void)format_len;
    Result *result = result_new(query, len);
    if (!result->error)
        result_fill(result, result->rows ? result->rows : 1);
    return result;
}

EXPORT void *chdb_stream_query_n(void *conn, const char *query, size_t len, const char *format, size_t format_len)
{
    (void)conn;
    (void)format;
    (void)format_len;
    return result_new(query, len);
}

EXPORT void *chdb_stream_fetch_result(void *conn, void *stream)
{
    (void)conn;
    Result *from = stream, *chunk = calloc(1, sizeof *chunk);
    long rows = from->rows < 50000 ? from->rows : 50000;
    from->rows -= rows;
    if (rows == 777) /* so many in the last piece: an error in the middle */
        chunk->error = strdup("Code: 395. DB::Exception: late. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)");
    else if (rows)
        result_fill(chunk, rows);
    return chunk;
}

EXPORT void chdb_stream_cancel_query(void *conn, void *stream)
{
    (void)conn;
    (void)stream;
}

EXPORT void chdb_destroy_query_result(Result *result)
{
    free(result->data);
    free(result->error);
    free(result);
}

EXPORT char *chdb_result_buffer(Result *result)
{
    return result->data;
}

EXPORT size_t chdb_result_length(Result *result)
{
    return result->len;
}

EXPORT const char *chdb_result_error(Result *result)
{
    return result->error;
}

EXPORT uint64_t chdb_result_rows_read(Result *result)
{
    return result->len / 10;
}

EXPORT uint64_t chdb_result_storage_rows_read(Result *result)
{
    return result->len / 10;
}

EXPORT uint64_t chdb_result_storage_bytes_read(Result *result)
{
    return result->len;
}

EXPORT uint64_t chdb_result_rows_written(Result *result)
{
    return result->written;
}

EXPORT uint64_t chdb_result_bytes_written(Result *result)
{
    return result->written;
}

EXPORT void *chdb_stream_insert_n(void *conn, const char *query, size_t len, const char *format, size_t format_len)
{
    (void)conn;
    (void)format;
    (void)format_len;
    Insert *insert = calloc(1, sizeof *insert);
    char *text = strndup(query, len);
    if (strstr(text, "fail"))
        insert->error = strdup("Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)");
    free(text);
    return insert;
}

EXPORT int chdb_stream_append(Insert *insert, const void *data, size_t len)
{
    insert->bytes += len;
    if (len >= 3 && memcmp(data, "bad", 3) == 0)
        insert->error = strdup("Code: 27. DB::Exception: bad data. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)");
    return insert->error != NULL;
}

EXPORT void *chdb_stream_done(Insert *insert)
{
    Result *result = calloc(1, sizeof *result);
    result->written = insert->bytes;
    return result;
}

EXPORT const char *chdb_stream_insert_error(Insert *insert)
{
    return insert->error;
}

EXPORT void chdb_destroy_insert_stream(Insert *insert)
{
    free(insert->error);
    free(insert);
}

EXPORT void chdb_shutdown(void)
{
}
