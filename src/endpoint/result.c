/* result.c - see result.h */
#include "endpoint/result.h"

#include "endpoint/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIPE_SIZE (1024 * 1024) /* bytes; asked for where the system lets us */
#define READ_SIZE (256 * 1024)

/* ---- a statement that runs on a thread of its own with one end of a pipe ---- */

typedef struct {
    ResultContext context;
    GString *sql;
    int engine_fd, our_fd; /* -1 when closed */
    GThread *thread;
    GError *error; /* of the thread, valid after the join */
} PipeTask;

static void *pipe_task_run(void *data)
{
    PipeTask *task = data;
    EngineResult *result =
        engine_query(task->context.conn, task->sql->str, task->sql->len, "Null", task->context.stats, &task->error);
    engine_result_free(result);
    close(task->engine_fd); /* the last end on that side: we see the end of the file, or EPIPE */
    task->engine_fd = -1;
    return NULL;
}

/* Runs `before` + the pipe's path as a string + `after`. `engine_writes` says which end is the engine's. */
static PipeTask *pipe_task_start(ResultContext context, const char *before, size_t before_len, const char *after,
                                 bool engine_writes, GError **error)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        fault_set(error, FAULT_UNKNOWN_EXCEPTION, "Cannot make a pipe: %s", g_strerror(errno));
        return NULL;
    }
#ifdef F_SETPIPE_SZ
    (void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_SIZE); /* may be over a user's limit: then it stays small */
#endif
    PipeTask *task = g_new0(PipeTask, 1);
    task->context = context;
    task->engine_fd = fds[engine_writes];
    task->our_fd = fds[!engine_writes];
    task->sql = g_string_new_len(before, (gssize)before_len);
    g_string_append_printf(task->sql, "'/proc/self/fd/%d'", task->engine_fd);
    g_string_append(task->sql, after);
    task->thread = g_thread_new("statement", pipe_task_run, task);
    return task;
}

static void pipe_task_close(PipeTask *task)
{
    if (task->our_fd >= 0)
        close(task->our_fd);
    task->our_fd = -1;
}

static bool pipe_task_join(PipeTask *task, GError **error)
{
    g_thread_join(task->thread);
    task->thread = NULL;
    if (!task->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&task->error));
    return false;
}

static void pipe_task_free(PipeTask *task)
{
    if (!task)
        return;
    if (task->thread) {
        pipe_task_close(task);
        engine_kill(task->context.engine, task->context.query_id);
        g_thread_join(task->thread);
    }
    pipe_task_close(task);
    g_clear_error(&task->error);
    g_string_free(task->sql, TRUE);
    g_free(task);
}

/* ---- formats ---- */

typedef struct {
    const char *name;
    bool rows; /* a plain sequence of rows: any cut between rows is the same text */
    const char *type;
} Format;

#define TEXT   "text/plain; charset=UTF-8"
#define TSV    "text/tab-separated-values; charset=UTF-8"
#define JSON   "application/json; charset=UTF-8"
#define NDJSON "application/x-ndjson; charset=UTF-8"
#define BINARY "application/octet-stream"

static const Format formats[] = {
    {"TabSeparated", true, TSV},
    {"TSV", true, TSV},
    {"TabSeparatedRaw", true, TSV},
    {"TSVRaw", true, TSV},
    {"TabSeparatedWithNames", false, TSV},
    {"TSVWithNames", false, TSV},
    {"TabSeparatedWithNamesAndTypes", false, TSV},
    {"TSVWithNamesAndTypes", false, TSV},
    {"CSV", true, "text/csv; charset=UTF-8; header=absent"},
    {"CSVWithNames", false, "text/csv; charset=UTF-8; header=present"},
    {"CSVWithNamesAndTypes", false, "text/csv; charset=UTF-8; header=present"},
    {"JSONEachRow", true, NDJSON},
    {"JSONLines", true, NDJSON},
    {"NDJSON", true, NDJSON},
    {"JSONStringsEachRow", true, NDJSON},
    {"JSONCompactEachRow", true, NDJSON},
    {"JSONCompactStringsEachRow", true, NDJSON},
    {"JSONCompactEachRowWithNames", false, NDJSON},
    {"JSONCompactEachRowWithNamesAndTypes", false, NDJSON},
    {"JSONCompactStringsEachRowWithNames", false, NDJSON},
    {"JSONCompactStringsEachRowWithNamesAndTypes", false, NDJSON},
    {"JSONEachRowWithProgress", false, NDJSON},
    {"JSONStringsEachRowWithProgress", false, NDJSON},
    {"JSON", false, JSON},
    {"JSONStrings", false, JSON},
    {"JSONCompact", false, JSON},
    {"JSONCompactStrings", false, JSON},
    {"JSONColumns", false, JSON},
    {"JSONCompactColumns", false, JSON},
    {"JSONColumnsWithMetadata", false, JSON},
    {"JSONObjectEachRow", false, JSON},
    {"RowBinary", true, BINARY},
    {"Native", true, BINARY},
    {"RawBLOB", true, BINARY},
    {"LineAsString", true, TEXT},
    {"RowBinaryWithNames", false, BINARY},
    {"RowBinaryWithNamesAndTypes", false, BINARY},
    {"Parquet", false, BINARY},
    {"Arrow", false, BINARY},
    {"ArrowStream", false, BINARY},
    {"ORC", false, BINARY},
    {"Avro", false, BINARY},
    {"MsgPack", false, BINARY},
    {"XML", false, "application/xml; charset=UTF-8"},
};

static const Format *format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (g_ascii_strcasecmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

const char *result_content_type(const char *format)
{
    const Format *found = format_find(format);
    return found ? found->type : TEXT;
}

char *result_format(const char *text, const Statement *statement, const char *default_format)
{
    if (statement->format_end > statement->format_start)
        return g_strndup(text + statement->format_start, statement->format_end - statement->format_start);
    return g_strdup(default_format);
}

/* ---- results ---- */

struct Result {
    ResultContext context;
    EngineStream *stream;
    PipeTask *task;
    char *buffer; /* READ_SIZE, for the task's pipe */
    EngineResult *whole;
    bool ended;
};

/* True when the engine's stream gives these rows as they are. The setting that frames rows may also stand in the text.
 */
static bool streamable(const ResultContext *context, const char *text, const Statement *statement, const char *format)
{
    const Format *found = format_find(format);
    return found && found->rows && statement->select && !context->framed_rows &&
           !g_strstr_len(text + statement->start, (gssize)(statement->end - statement->start), "array_of_rows");
}

static bool result_open_outfile(Result *result, const char *text, const Statement *statement, const char *format,
                                GError **error)
{
    g_autoptr(GString) before =
        g_string_new_len(text + statement->start, (gssize)(statement->body_end - statement->start));
    g_string_append(before, "\nINTO OUTFILE ");
    g_autoptr(GString) after = g_string_new(" TRUNCATE FORMAT ");
    g_string_append(after, format);
    /* SETTINGS may stand behind FORMAT; a quoted name ends one byte later. */
    if (statement->format_end > statement->format_start && statement->end > statement->format_end) {
        size_t tail =
            statement->format_end + (text[statement->format_end] == '`' || text[statement->format_end] == '"');
        g_string_append_len(after, text + tail, (gssize)(statement->end - tail));
    }
    result->task = pipe_task_start(result->context, before->str, before->len, after->str, true, error);
    result->buffer = g_malloc(READ_SIZE);
    return result->task != NULL;
}

Result *result_open(ResultContext context, const char *text, const Statement *statement, const char *default_format,
                    GError **error)
{
    Result *result = g_new0(Result, 1);
    result->context = context;
    g_autofree char *format = result_format(text, statement, default_format);
    const char *sql = text + statement->start;
    size_t len = statement->end - statement->start;
    if (streamable(&context, text, statement, format)) {
        g_autoptr(GError) refused = NULL;
        result->stream = engine_stream_open(context.conn, sql, len, default_format, &refused);
        if (result->stream)
            return result;
        if (!strstr(refused->message, "Streaming query is not supported")) {
            g_propagate_error(error, g_steal_pointer(&refused));
            result_free(result);
            return NULL;
        }
    } else if (statement->select && g_ascii_strcasecmp(format, "Null") != 0) {
        if (result_open_outfile(result, text, statement, format, error))
            return result;
        result_free(result);
        return NULL;
    }
    result->whole = engine_query(context.conn, sql, len, default_format, context.stats, error);
    if (result->whole)
        return result;
    result_free(result);
    return NULL;
}

static bool result_next_pipe(Result *result, const char **data, size_t *len, GError **error)
{
    ssize_t n;
    do {
        n = read(result->task->our_fd, result->buffer, READ_SIZE);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        *data = result->buffer;
        *len = (size_t)n;
        result->context.stats->result_bytes += (size_t)n;
        return true;
    }
    result->ended = true;
    return pipe_task_join(result->task, error);
}

bool result_next(Result *result, const char **data, size_t *len, GError **error)
{
    *data = NULL;
    *len = 0;
    if (result->ended)
        return true;
    if (result->stream)
        return engine_stream_next(result->stream, data, len, result->context.stats, error);
    if (result->task)
        return result_next_pipe(result, data, len, error);
    result->ended = true;
    *data = engine_result_data(result->whole, len);
    return true;
}

void result_free(Result *result)
{
    if (!result)
        return;
    engine_stream_free(result->stream);
    pipe_task_free(result->task);
    engine_result_free(result->whole);
    g_free(result->buffer);
    g_free(result);
}

/* ---- input() ---- */

struct InputFeed {
    PipeTask *task;
};

InputFeed *input_feed_open(ResultContext context, const char *text, const InsertHead *head, GError **error)
{
    g_autoptr(GString) before =
        g_string_new_len(text + head->head_start, (gssize)(head->input_start - head->head_start));
    g_string_append(before, "file(");
    g_autoptr(GString) after = g_string_new(", ");
    sql_append_string(after, text + head->format_start, head->format_end - head->format_start);
    g_string_append(after, ", ");
    g_string_append_len(after, text + head->input_args, (gssize)(head->head_end - head->input_args));
    PipeTask *task = pipe_task_start(context, before->str, before->len, after->str, false, error);
    if (!task)
        return NULL;
    InputFeed *feed = g_new0(InputFeed, 1);
    feed->task = task;
    return feed;
}

bool input_feed_write(InputFeed *feed, const void *data, size_t len, GError **error)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(feed->task->our_fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) { /* EPIPE: the statement ended early, mostly with an error */
            if (input_feed_finish(feed, error))
                fault_set(error, FAULT_UNKNOWN_EXCEPTION, "The engine stopped reading the data of the insert");
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool input_feed_finish(InputFeed *feed, GError **error)
{
    pipe_task_close(feed->task);
    return pipe_task_join(feed->task, error);
}

void input_feed_free(InputFeed *feed)
{
    if (!feed)
        return;
    pipe_task_free(feed->task);
    g_free(feed);
}
