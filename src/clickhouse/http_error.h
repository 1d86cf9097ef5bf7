/* http_error.h - private to the room: what a ClickHouse server's answer says went wrong. Pure. */
#ifndef SLUICE_CLICKHOUSE_HTTP_ERROR_H
#define SLUICE_CLICKHOUSE_HTTP_ERROR_H

#include "clickhouse/http.h"

typedef struct {
    const char *server; /* "host:port", for the message */
    const char *user;   /* for the mend of a refused login */
    long status;        /* of HTTP */
    int exception_code; /* header X-ClickHouse-Exception-Code, 0: absent */
    const char *tag;    /* header X-ClickHouse-Exception-Tag, NULL: absent */
    const char *body;   /* may be NULL when len is 0 */
    size_t len;
    bool has_result; /* the body may be a result; otherwise all of it can only be an error's text */
} HttpAnswer;

/* NULL when the answer reports success. */
GError *http_error_of_answer(const HttpAnswer *answer);

/* Takes "Code: N. DB::Exception: text (NAME) (version ...)" apart, also when nested (first number, last name). False
 * when `text` does not hold one. `code`, `name` and `message` may be NULL; name is NULL when not given. */
bool http_exception_parse(const char *text, size_t len, int *code, char **name, char **message);

/* What an operator can do about it; NULL when there is nothing general to say. Free with g_free. */
char *http_error_mend(int code, const char *user);

#endif
