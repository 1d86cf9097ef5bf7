/* request.c - see request.h */
#include "endpoint/request.h"

#include "endpoint/fault.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_TIMEOUT_DEFAULT 60u /* seconds, as the real server's */
#define SESSION_TIMEOUT_MAX     3600u
#define BUFFER_SIZE_MAX         (64u * 1024 * 1024)

static void parameter_free(void *data)
{
    Parameter *parameter = data;
    g_free(parameter->name);
    g_free(parameter->value);
    g_free(parameter);
}

Request *request_new(const RequestHost *host, bool read_only)
{
    Request *request = g_new0(Request, 1);
    request->host = host;
    request->read_only = read_only;
    request->session_timeout = SESSION_TIMEOUT_DEFAULT;
    request->settings = g_ptr_array_new_with_free_func(parameter_free);
    request->params = g_ptr_array_new_with_free_func(parameter_free);
    request->roles = g_ptr_array_new_with_free_func(parameter_free);
    request->text = g_string_new(NULL);
    request->started = g_get_monotonic_time();
    return request;
}

void request_free(Request *request)
{
    if (!request)
        return;
    request_release(request);
    decoder_free(request->decoder);
    g_free(request->query_id);
    g_free(request->database);
    g_free(request->default_format);
    g_free(request->session_id);
    g_free(request->format);
    g_ptr_array_unref(request->settings);
    g_ptr_array_unref(request->params);
    g_ptr_array_unref(request->roles);
    g_string_free(request->text, TRUE);
    g_clear_error(&request->fault);
    g_free(request);
}

/* ---- parameters ---- */

static void add_to(GPtrArray *list, const char *name, const char *value)
{
    Parameter *parameter = g_new(Parameter, 1);
    parameter->name = g_strdup(name);
    parameter->value = g_strdup(value);
    g_ptr_array_add(list, parameter);
}

static void replace(char **text, const char *value)
{
    g_free(*text);
    *text = *value ? g_strdup(value) : NULL;
}

static bool truth(const char *value)
{
    return strcmp(value, "1") == 0 || g_ascii_strcasecmp(value, "true") == 0;
}

static void set_session_timeout(Request *request, const char *value)
{
    char *end;
    unsigned long seconds = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || seconds == 0 || seconds > SESSION_TIMEOUT_MAX) {
        if (!request->fault)
            fault_set(&request->fault, FAULT_INVALID_SESSION_TIMEOUT, "Invalid session timeout: '%s' (1 to %u seconds)",
                      value, SESSION_TIMEOUT_MAX);
        return;
    }
    request->session_timeout = (unsigned)seconds;
}

/* Names of the HTTP interface that are no settings (ClickHouse src/Server/HTTPHandler.cpp, reserved_param_names). */
static bool add_http_parameter(Request *request, const char *name, const char *value)
{
    static const char *const ignored[] = {"user",
                                          "password",
                                          "quota_key",
                                          "stacktrace",
                                          "client_protocol_version",
                                          "enable_http_compression",
                                          "http_wait_end_of_query"};
    if (strcmp(name, "query_id") == 0)
        replace(&request->query_id, value);
    else if (strcmp(name, "database") == 0)
        replace(&request->database, value);
    else if (strcmp(name, "default_format") == 0)
        replace(&request->default_format, value);
    else if (strcmp(name, "session_id") == 0)
        replace(&request->session_id, value);
    else if (strcmp(name, "session_timeout") == 0)
        set_session_timeout(request, value);
    else if (strcmp(name, "session_check") == 0)
        request->session_check = truth(value);
    else if (strcmp(name, "close_session") == 0)
        request->session_timeout = truth(value) ? 0 : request->session_timeout;
    else if (strcmp(name, "role") == 0)
        add_to(request->roles, name, value);
    else if (strcmp(name, "wait_end_of_query") == 0)
        request->wait_end = truth(value);
    else if (strcmp(name, "buffer_size") == 0)
        request->buffer_size = MIN((size_t)g_ascii_strtoull(value, NULL, 10), BUFFER_SIZE_MAX);
    else if (strcmp(name, "compress") == 0 || strcmp(name, "decompress") == 0) {
        if (truth(value) && !request->fault)
            fault_set(&request->fault, FAULT_NOT_IMPLEMENTED,
                      "%s=1 (ClickHouse's own block compression) is not supported here, use Content-Encoding, or "
                      "enable_http_compression=1 with Accept-Encoding",
                      name);
    } else {
        for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
            if (strcmp(name, ignored[i]) == 0)
                return true;
        return false;
    }
    return true;
}

static bool setting_name_valid(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && *p != '_' && *p != '.')
            return false;
    return *name != '\0';
}

void request_add_parameter(Request *request, const char *name, const char *value, size_t value_len)
{
    if (strcmp(name, "query") == 0) {
        g_string_append_len(request->text, value, (gssize)value_len);
        return;
    }
    const char *text = value ? value : "";
    bool param = g_str_has_prefix(name, "param_");
    if (!param && add_http_parameter(request, name, text))
        return;
    if (!setting_name_valid(name)) {
        if (!request->fault)
            fault_set(&request->fault, FAULT_UNKNOWN_SETTING,
                      "Setting %s is neither a builtin setting nor has a valid name", name);
        return;
    }
    if (strcmp(name, "output_format_json_array_of_rows") == 0)
        request->framed_rows = truth(text);
    add_to(param ? request->params : request->settings, name, text);
}

/* ---- the engine's side ---- */

static ResultContext result_context(Request *request)
{
    return (ResultContext){.engine = request->host->engine,
                           .conn = request->conn,
                           .query_id = request->query_id,
                           .stats = &request->stats,
                           .framed_rows = request->framed_rows};
}

static void append_assignment(GString *sql, const char *name, const char *value)
{
    g_string_append_printf(sql, "%s%s = ", sql->len > strlen("SET ") ? ", " : "", name);
    sql_append_string(sql, value, strlen(value));
}

/* The one SET of the request. The engine does not take query ids: log_comment carries it (KILL QUERY finds it there).
 */
static char *request_set_sql(Request *request)
{
    GString *sql = g_string_new("SET ");
    bool comment = false;
    for (guint i = 0; i < request->settings->len; i++) {
        Parameter *setting = g_ptr_array_index(request->settings, i);
        comment |= strcmp(setting->name, "log_comment") == 0;
        append_assignment(sql, setting->name, setting->value);
    }
    if (!comment)
        append_assignment(sql, "log_comment", request->query_id);
    for (guint i = 0; i < request->params->len; i++) {
        Parameter *param = g_ptr_array_index(request->params, i);
        append_assignment(sql, param->name, param->value);
    }
    return g_string_free(sql, FALSE);
}

static bool use_database(EngineConn *conn, const char *database, GError **error)
{
    g_autoptr(GString) sql = g_string_new("USE ");
    sql_append_name(sql, database, strlen(database));
    return engine_exec(conn, sql->str, error);
}

/* Settings and database of a URL hold for one request, not for its session: notes what puts them back. */
static bool session_remember(Request *request, GError **error)
{
    g_autoptr(GString) names = g_string_new("('log_comment'");
    for (guint i = 0; i < request->settings->len; i++) {
        Parameter *setting = g_ptr_array_index(request->settings, i);
        g_string_append_printf(names, ", '%s'", setting->name);
    }
    g_autofree char *sql =
        g_strdup_printf("SELECT name, value, changed FROM system.settings WHERE name IN %s) UNION ALL SELECT '', "
                        "currentDatabase(), getSetting('output_format_json_array_of_rows')",
                        names->str);
    /* The escapes of TSV are those of a string literal too, so a value needs only its quotes. */
    g_autoptr(EngineResult) result = engine_query(request->conn, sql, strlen(sql), "TSV", NULL, error);
    if (!result)
        return false;
    size_t len;
    const char *data = engine_result_data(result, &len);
    g_autofree char *text = g_strndup(data ? data : "", len);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    request->restore = g_string_new("SET ");
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "\t", 3);
        if (g_strv_length(fields) != 3)
            continue;
        if (!*fields[0]) {
            g_autofree char *name = g_strcompress(fields[1]);
            g_autoptr(GString) use = g_string_new("USE ");
            sql_append_name(use, name, strlen(name));
            request->restore_use = g_strdup(use->str);
            request->framed_rows |= strcmp(fields[2], "1") == 0;
        } else if (strcmp(fields[2], "1") == 0)
            g_string_append_printf(request->restore, "%s%s = '%s'", request->restore->len > 4 ? ", " : "", fields[0],
                                   fields[1]);
        else
            g_string_append_printf(request->restore, "%s%s = DEFAULT", request->restore->len > 4 ? ", " : "",
                                   fields[0]);
    }
    return true;
}

static void session_restore(Request *request)
{
    /* After a failed query the engine puts left-over rows in front of the next result: this one takes them. */
    engine_exec(request->conn, "SELECT 1", NULL);
    engine_exec(request->conn, request->restore->str, NULL);
    /* A USE of the client's own lasts; one that stood in the URL does not. */
    if (request->database && request->restore_use)
        engine_exec(request->conn, request->restore_use, NULL);
    g_string_free(request->restore, TRUE);
    request->restore = NULL;
    g_clear_pointer(&request->restore_use, g_free);
}

static bool request_prepare_conn(Request *request, GError **error)
{
    if (request->session && !session_remember(request, error))
        return false;
    g_autofree char *set = request_set_sql(request);
    if (!engine_exec(request->conn, set, error))
        return false;
    if (request->roles->len > 0) {
        g_autoptr(GString) sql = g_string_new("SET ROLE ");
        for (guint i = 0; i < request->roles->len; i++) {
            Parameter *role = g_ptr_array_index(request->roles, i);
            g_string_append(sql, i ? ", " : "");
            sql_append_name(sql, role->value, strlen(role->value));
        }
        if (!engine_exec(request->conn, sql->str, error))
            return false;
    }
    return !request->database || use_database(request->conn, request->database, error);
}

/* Counts the query in and gets it a connection with its settings. */
static bool request_enter(Request *request, bool urgent, GError **error)
{
    if (!running_enter(request->host->running, request->query_id, urgent, error))
        return false;
    request->entered = true;
    if (request->session_id) {
        request->session = session_take(request->host->sessions, request->session_id, request->session_check, error);
        request->conn = request->session ? session_conn(request->session) : NULL;
    } else {
        request->conn = engine_connect(request->host->engine, error);
    }
    return request->conn && request_prepare_conn(request, error);
}

void request_release(Request *request)
{
    result_free(g_steal_pointer(&request->result));
    engine_insert_free(g_steal_pointer(&request->insert));
    input_feed_free(g_steal_pointer(&request->feed));
    if (request->session) {
        if (request->restore)
            session_restore(request);
        session_return(request->host->sessions, g_steal_pointer(&request->session), request->session_timeout);
    } else if (request->conn) {
        engine_conn_close(request->conn);
    }
    request->conn = NULL;
    if (request->entered)
        running_leave(request->host->running, request->query_id);
    request->entered = false;
}

/* ---- the body ---- */

static bool insert_write(Request *request, const void *bytes, size_t len, GError **error)
{
    if (request->state == REQUEST_INPUT)
        return input_feed_write(request->feed, bytes, len, error);
    return engine_insert_append(request->insert, bytes, len, error);
}

static bool insert_open(Request *request, const InsertHead *head, GError **error)
{
    const char *text = request->text->str;
    g_autofree char *format = head->format_end > head->format_start
                                  ? g_strndup(text + head->format_start, head->format_end - head->format_start)
                              : !head->format_given && request->default_format ? g_strdup(request->default_format)
                                                                               : g_strdup("Values");
    if (head->kind == HEAD_INPUT) {
        request->feed = input_feed_open(result_context(request), text, head, error);
        request->state = REQUEST_INPUT;
        return request->feed != NULL;
    }
    request->insert =
        engine_insert_open(request->conn, text + head->head_start, head->head_end - head->head_start, format, error);
    request->state = REQUEST_INSERT;
    return request->insert != NULL;
}

/* The head of an INSERT is known: opens it and hands over what of its data is here already. */
static bool insert_begin(Request *request, const InsertHead *head, GError **error)
{
    if (request->read_only) {
        fault_set(
            error, FAULT_READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should "
            "use method POST for modifying queries");
        return false;
    }
    if (!request_enter(request, false, error) || !insert_open(request, head, error))
        return false;
    size_t start = MIN(head->data_start, request->text->len);
    bool ok = insert_write(request, request->text->str + start, request->text->len - start, error);
    g_string_truncate(request->text, 0);
    return ok;
}

static bool head_refused(const InsertHead *head, GError **error)
{
    if (head->kind == HEAD_REFUSED)
        fault_set(error, FAULT_ACCESS_DENIED, "FROM INFILE reads files of the server and is not allowed over HTTP");
    else if (head->kind == HEAD_SEMICOLON)
        fault_set(error, FAULT_SYNTAX_ERROR, "You have excessive ';' symbol before data for INSERT");
    else
        return false;
    return true;
}

/* Decides what the text is, when it can be told. */
static bool request_look(Request *request, bool final, GError **error)
{
    InsertHead head = insert_head_parse(request->text->str, request->text->len, final);
    if (head_refused(&head, error))
        return false;
    if (head.kind == HEAD_MORE) {
        request->next_look = request->text->len * 2;
        return true;
    }
    if (head.kind == HEAD_STATEMENT) {
        request->state = REQUEST_STATEMENT;
        return true;
    }
    return insert_begin(request, &head, error);
}

static bool body_sink(void *data, const void *bytes, size_t len, GError **error)
{
    Request *request = data;
    if (request->state == REQUEST_INSERT || request->state == REQUEST_INPUT)
        return insert_write(request, bytes, len, error);
    if (request->text->len + len > STATEMENT_BYTES_MAX) {
        fault_set(error, FAULT_QUERY_TOO_LARGE, "The text of the query is larger than %u bytes", STATEMENT_BYTES_MAX);
        return false;
    }
    g_string_append_len(request->text, bytes, (gssize)len);
    if (request->state == REQUEST_HEAD && request->text->len >= request->next_look)
        return request_look(request, false, error);
    return true;
}

/* The query stands in the URL, the data alone in the body. The URL's own white space at its end is no data: a Native
 * block of ten columns begins with a line break. True when that is the case. */
static bool request_begin_from_url(Request *request)
{
    InsertHead head = insert_head_parse(request->text->str, request->text->len, true);
    if (head_refused(&head, &request->fault))
        return true;
    if (head.kind != HEAD_DATA && head.kind != HEAD_INPUT)
        return false;
    if (head.data_in_rest || (!head.format_given && !request->default_format))
        return false;
    head.data_start = request->text->len;
    insert_begin(request, &head, &request->fault);
    return true;
}

void request_begin(Request *request, const char *encoding)
{
    if (!request->query_id)
        request->query_id = g_uuid_string_random();
    Codec codec = codec_by_name(encoding);
    if (codec == CODEC_UNKNOWN && !request->fault)
        fault_set(&request->fault, FAULT_NOT_IMPLEMENTED,
                  "Unknown compression method: %s. Supported are gzip, deflate, zstd and lz4", encoding);
    if (request->fault)
        return;
    request->decoder = decoder_new(codec, body_sink, request);
    request->has_query = request->text->len > 0;
    if (!request->has_query || request->read_only || request_begin_from_url(request))
        return;
    g_string_append_c(request->text, '\n');
}

void request_feed(Request *request, const void *bytes, size_t len)
{
    if (!request->fault)
        decoder_write(request->decoder, bytes, len, &request->fault);
    if (request->fault) /* do not hold the engine while the rest is thrown away */
        request_release(request);
}

/* ---- running it ---- */

static bool statement_allowed(Request *request, const Statement *statement, GError **error)
{
    const char *text = request->text->str;
    if (statement->empty)
        fault_set(error, FAULT_SYNTAX_ERROR, "Syntax error: Empty query");
    else if (statement->several)
        fault_set(error, FAULT_SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed): failed at position %zu",
                  statement->end - statement->start + 1);
    else if (statement->file_access)
        fault_set(error, FAULT_ACCESS_DENIED,
                  "INTO OUTFILE and FROM INFILE reach files of the server and are not allowed over HTTP");
    else if (request->read_only && !statement->reads_only)
        fault_set(
            error, FAULT_READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should "
            "use method POST for modifying queries");
    else if (!statement->select && (text[statement->start] == '\\' || !strchr(text + statement->start, ' ')) &&
             !memchr(text + statement->start, '\n', statement->end - statement->start) &&
             !memchr(text + statement->start, '\t', statement->end - statement->start))
        /* No statement is a single word; the engine would take `exit` or `\d` as commands of its client. */
        fault_set(error, FAULT_SYNTAX_ERROR, "Syntax error: failed at position 1: %.100s", text + statement->start);
    else
        return true;
    return false;
}

static bool statement_run(Request *request, GError **error)
{
    Statement statement = statement_look(request->text->str, request->text->len);
    if (!statement_allowed(request, &statement, error) || !request_enter(request, statement.kill, error))
        return false;
    const char *default_format = request->default_format ? request->default_format : "TabSeparated";
    request->format = result_format(request->text->str, &statement, default_format);
    request->result = result_open(result_context(request), request->text->str, &statement, default_format, error);
    request->has_body = request->result != NULL;
    return request->has_body;
}

static bool request_end_inner(Request *request, GError **error)
{
    if (!decoder_finish(request->decoder, error))
        return false;
    if (request->state == REQUEST_HEAD && !request_look(request, true, error))
        return false;
    if (request->state == REQUEST_STATEMENT)
        return statement_run(request, error);
    if (request->state == REQUEST_INPUT)
        return input_feed_finish(request->feed, error);
    return engine_insert_finish(request->insert, &request->stats, error);
}

void request_end(Request *request)
{
    if (!request->fault)
        request_end_inner(request, &request->fault);
    if (request->fault || !request->has_body)
        request_release(request);
}

char *request_summary(const Request *request)
{
    const EngineStats *s = &request->stats;
    bool wrote = s->written_rows > 0 && s->read_rows == 0; /* an insert of data reads what it writes */
    return g_strdup_printf("{\"read_rows\":\"%" G_GUINT64_FORMAT "\",\"read_bytes\":\"%" G_GUINT64_FORMAT
                           "\",\"written_rows\":\"%" G_GUINT64_FORMAT "\",\"written_bytes\":\"%" G_GUINT64_FORMAT
                           "\",\"total_rows_to_read\":\"0\",\"result_rows\":\"%" G_GUINT64_FORMAT
                           "\",\"result_bytes\":\"%" G_GUINT64_FORMAT "\",\"elapsed_ns\":\"%" G_GINT64_FORMAT "\"}",
                           wrote ? s->written_rows : s->read_rows, wrote ? s->written_bytes : s->read_bytes,
                           s->written_rows, s->written_bytes, wrote ? s->written_rows : s->result_rows,
                           wrote ? s->written_bytes : s->result_bytes,
                           (g_get_monotonic_time() - request->started) * 1000);
}
