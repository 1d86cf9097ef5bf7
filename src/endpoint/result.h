/* result.h - the rows of a statement as a stream of bytes, however the engine gives them, and the one kind of INSERT
 * that needs a pipe.
 *
 * Three ways (facts tried on libchdb 26.7): formats that are a plain sequence of rows come through the engine's stream;
 * other formats of a SELECT (JSON, Parquet, ...WithNames) would be false documents there, so they are written INTO
 * OUTFILE into a pipe of ours by a second thread; everything else (SHOW, EXPLAIN, DDL) is small and comes in one piece.
 */
#ifndef SLUICE_ENDPOINT_RESULT_H
#define SLUICE_ENDPOINT_RESULT_H

#include "endpoint/engine.h"
#include "endpoint/sql.h"

typedef struct {
    Engine *engine;
    EngineConn *conn;     /* borrowed until the result is freed */
    const char *query_id; /* the connection's log_comment */
    EngineStats *stats;   /* complete when the end is reached */
    bool framed_rows;     /* output_format_json_array_of_rows is on: even row formats have a frame */
} ResultContext;

typedef struct Result Result;

Result *result_open(ResultContext context, const char *text, const Statement *statement, const char *default_format,
                    GError **error);
/* Next bytes, valid until the next call; *len 0 at the end. */
bool result_next(Result *result, const char **data, size_t *len, GError **error);
void result_free(Result *result); /* kills the query when it still runs; returns when it is gone */

/* The format a statement's rows come in. Free with g_free. */
char *result_format(const char *text, const Statement *statement, const char *default_format);
/* MIME type of a format, as the real server sends it. */
const char *result_content_type(const char *format);

/* INSERT ... SELECT ... FROM input(...): the rows are written to a pipe that input() is made to read. */
typedef struct InputFeed InputFeed;
InputFeed *input_feed_open(ResultContext context, const char *text, const InsertHead *head, GError **error);
bool input_feed_write(InputFeed *feed, const void *data, size_t len, GError **error);
bool input_feed_finish(InputFeed *feed, GError **error);
void input_feed_free(InputFeed *feed); /* without finish: kills it */

#endif
