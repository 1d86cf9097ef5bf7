/* Sources of the shapes: ClickHouse's src/Common/Exception.cpp (getExceptionMessage), src/Server/HTTPHandler.cpp
 * (trySendExceptionToClient) and WriteBufferFromHTTPServerResponse.cpp (the tagged block at the end of a broken body).
 */
#include "clickhouse/http_error.h"
#include <string.h>

#define MESSAGE_MAX 500         /* characters of a server's text that are shown */
#define TAIL_MAX    (32 * 1024) /* an exception at the end of a body is looked for in so many bytes */
#define EXCEPTION   "DB::Exception: "
#define FENCE       "__exception__"

/* The start of "Code: N. DB::Exception: " in the text, the first or the last one. Before version 20: "Code: N,
 * e.displayText() = DB::Exception: text, e.what() = DB::Exception". */
static const char *find_exception(const char *text, size_t len, bool last)
{
    const char *found = NULL;
    const char *p = text, *end = text + len;
    while ((p = memmem(p, (size_t)(end - p), "Code: ", 6))) {
        const char *q = p + 6;
        while (q < end && g_ascii_isdigit(*q))
            q++;
        if (q > p + 6 && end - q > 2 && (*q == '.' || *q == ',') && q[1] == ' ' &&
            memmem(q, MIN((size_t)(end - q), 64), "Exception: ", 11)) {
            found = p;
            if (!last)
                return found;
        }
        p += 6;
    }
    return found;
}

/* "(UNKNOWN_TABLE)": the last such word of the text, as a range. */
static bool find_name(const char *text, const char **name, size_t *name_len)
{
    bool found = false;
    for (const char *p = strchr(text, '('); p; p = strchr(p + 1, '(')) {
        size_t n = strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (n >= 3 && p[1 + n] == ')' && g_ascii_isupper(p[1])) {
            *name = p + 1;
            *name_len = n;
            found = true;
        }
    }
    return found;
}

/* What the operator can use: without class names, stack trace, version, and on one line. */
static char *tidy_message(const char *text, const char *name, size_t name_len)
{
    GString *out = g_string_new(text);
    if (name_len)
        g_string_truncate(out, (gsize)(name - text) - 1);
    static const char *const ENDS[] = {"Stack trace", " (version ", ", e.what() ="};
    for (size_t i = 0; i < G_N_ELEMENTS(ENDS); i++) {
        char *cut = strstr(out->str, ENDS[i]);
        if (cut)
            g_string_truncate(out, (gsize)(cut - out->str));
    }
    g_string_replace(out, EXCEPTION, "", 0);
    for (char *p = out->str; *p; p++) {
        if (strchr("\r\n\t", *p))
            *p = ' ';
    }
    while (out->len && strchr(" .,:;", out->str[out->len - 1]))
        g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}

bool http_exception_parse(const char *text, size_t len, int *code, char **name, char **message)
{
    const char *start = find_exception(text, len, false);
    if (!start)
        return false;
    g_autofree char *copy = g_strndup(start, (gsize)(text + len - start)); /* ends at a zero byte: enough to show */
    const char *number = copy + 6;
    guint64 value = g_ascii_strtoull(number, NULL, 10);
    const char *rest = strstr(number, "Exception: ");
    rest = rest ? rest + 11 : number;
    const char *word = NULL;
    size_t word_len = 0;
    find_name(rest, &word, &word_len);
    if (code)
        *code = value <= G_MAXINT ? (int)value : 0;
    if (name)
        *name = word_len ? g_strndup(word, word_len) : NULL;
    if (message)
        *message = tidy_message(rest, word, word_len);
    return true;
}

char *http_error_mend(int code, const char *user)
{
    switch (code) {
    case 192: /* UNKNOWN_USER */
    case 193: /* WRONG_PASSWORD */
    case 194: /* REQUIRED_PASSWORD */
    case 516: /* AUTHENTICATION_FAILED */
        return g_strdup_printf(
            "correct user %s or the password of the destination URL (password-file=, password-command= "
            "or password-env=)",
            user ? user : "default");
    case 497: /* ACCESS_DENIED */
    case 164: /* READONLY */
        return g_strdup_printf("grant user %s what it lacks", user ? user : "default");
    case 81: /* UNKNOWN_DATABASE */
        return g_strdup("create the database again, or correct its name in the destination URL");
    case 252: /* TOO_MANY_PARTS */
        return g_strdup("merges are behind: give them time, or raise batch_age");
    case 241: /* MEMORY_LIMIT_EXCEEDED */
        return g_strdup("give the server more memory, or lower batch_rows and senders");
    case 243: /* NOT_ENOUGH_SPACE */
        return g_strdup("free disk space at the destination");
    default:
        return NULL;
    }
}

static GError *exception_error(const HttpAnswer *answer, int header_code, const char *text, size_t len)
{
    int code = 0;
    g_autofree char *name = NULL;
    g_autofree char *message = NULL;
    if (!http_exception_parse(text, len, &code, &name, &message))
        message = g_strndup(text ? text : "", len);
    if (header_code)
        code = header_code;
    if (code <= 0)
        code = 1002; /* UNKNOWN_EXCEPTION: an exception it is, whatever its number */
    g_autofree char *shown = printable(g_strstrip(message), MESSAGE_MAX);
    g_autofree char *shown_name = printable(name ? name : "", 80);
    g_autofree char *mend = http_error_mend(code, answer->user);
    g_autofree char *shown_mend = mend ? printable(mend, 0) : NULL;
    return g_error_new(CLICKHOUSE_ERROR, code, "ClickHouse at %s: %s (code %d%s%s)%s%s", answer->server,
                       *shown ? shown : "an error without a text", code, *shown_name ? ", " : "", shown_name,
                       shown_mend ? "; " : "", shown_mend ? shown_mend : "");
}

/* Newer servers end a body that broke in the middle with: FENCE \r\n TAG \r\n text \r\n LEN SP TAG \r\n FENCE \r\n. */
static bool tagged_exception(const HttpAnswer *answer, const char **text, size_t *len)
{
    if (!answer->tag || !*answer->tag)
        return false;
    size_t tail = MIN(answer->len, (size_t)TAIL_MAX);
    const char *start = answer->body + (answer->len - tail);
    g_autofree char *opening = g_strdup_printf(FENCE "\r\n%s\r\n", answer->tag);
    g_autofree char *closing = g_strdup_printf(" %s\r\n" FENCE "\r\n", answer->tag);
    size_t open_len = strlen(opening), close_len = strlen(closing);
    if (tail < close_len || memcmp(start + tail - close_len, closing, close_len) != 0)
        return false;
    const char *open = memmem(start, tail, opening, open_len);
    *text = open ? open + open_len : start;
    *len = (size_t)(start + tail - close_len - *text);
    return true;
}

/* Older servers write the text alone, as the last thing of a body: it ends with the server's version. */
static bool untagged_exception(const HttpAnswer *answer, const char **text, size_t *len)
{
    size_t tail = MIN(answer->len, (size_t)TAIL_MAX);
    const char *start = answer->body + (answer->len - tail);
    const char *found = tail ? find_exception(start, tail, answer->has_result) : NULL;
    if (!found)
        return false;
    *text = found;
    *len = (size_t)(answer->body + answer->len - found);
    if (!answer->has_result)
        return true;
    g_autofree char *copy = g_strchomp(g_strndup(found, *len));
    const char *version = g_strrstr(copy, " (version ");
    return version && g_str_has_suffix(copy, ")") && !strchr(version, '\n');
}

GError *http_error_of_answer(const HttpAnswer *answer)
{
    const char *text = answer->body;
    size_t len = answer->len;
    if (answer->exception_code)
        return exception_error(answer, answer->exception_code, text, len);
    if (answer->status == 200) {
        if (tagged_exception(answer, &text, &len) ||
            ((!answer->tag || !answer->has_result) && untagged_exception(answer, &text, &len)))
            return exception_error(answer, 0, text, len);
        return NULL;
    }
    if (len && http_exception_parse(text, len, NULL, NULL, NULL))
        return exception_error(answer, 0, text, len);
    g_autofree char *start = len ? g_strndup(text, MIN(len, 400)) : g_strdup("");
    g_autofree char *shown = printable(g_strstrip(start), 200);
    return g_error_new(
        CLICKHOUSE_ERROR, CLICKHOUSE_ERROR_HTTP,
        "%s answered HTTP status %ld%s%s; check that host and port are those of ClickHouse's HTTP interface",
        answer->server, answer->status, *shown ? ": " : "", shown);
}
