/* fault.c - see fault.h */
#include "endpoint/fault.h"

#include <stdlib.h>
#include <string.h>

GQuark fault_quark(void)
{
    return g_quark_from_static_string("sluice-endpoint-fault");
}

static const struct {
    int code;
    const char *name;
} names[] = {
    {FAULT_BAD_ARGUMENTS, "BAD_ARGUMENTS"},
    {FAULT_NOT_IMPLEMENTED, "NOT_IMPLEMENTED"},
    {FAULT_SYNTAX_ERROR, "SYNTAX_ERROR"},
    {FAULT_UNKNOWN_SETTING, "UNKNOWN_SETTING"},
    {FAULT_READONLY, "READONLY"},
    {FAULT_REQUIRED_PASSWORD, "REQUIRED_PASSWORD"},
    {FAULT_TOO_MANY_QUERIES, "TOO_MANY_SIMULTANEOUS_QUERIES"},
    {FAULT_SAME_QUERY_ID, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING"},
    {FAULT_QUERY_TOO_LARGE, "QUERY_IS_TOO_LARGE"},
    {FAULT_ABORTED, "ABORTED"},
    {FAULT_INFLATE_FAILED, "ZLIB_INFLATE_FAILED"},
    {FAULT_SESSION_NOT_FOUND, "SESSION_NOT_FOUND"},
    {FAULT_SESSION_LOCKED, "SESSION_IS_LOCKED"},
    {FAULT_INVALID_SESSION_TIMEOUT, "INVALID_SESSION_TIMEOUT"},
    {FAULT_ACCESS_DENIED, "ACCESS_DENIED"},
    {FAULT_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"},
    {FAULT_ZSTD_FAILED, "ZSTD_DECODER_FAILED"},
    {FAULT_LZ4_FAILED, "LZ4_DECODER_FAILED"},
    {FAULT_UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION"},
};

static const char *fault_name(int code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].code == code)
            return names[i].name;
    g_assert_not_reached();
}

void fault_set(GError **error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, FAULT, code, "Code: %d. DB::Exception: %s. (%s)", code, text, fault_name(code));
}

/* Cuts " (version 26.7.2.1)" and what follows it, and line breaks at the end. */
static void cut_version(char *text)
{
    char *version = g_strrstr(text, " (version ");
    if (version)
        *version = '\0';
    g_strchomp(text);
}

void fault_set_from_engine(GError **error, const char *text)
{
    static const char marker[] = "DB::Exception: ";
    const char *start = strstr(text, "Code: ");
    /* "Code: 27. DB::Exception: Code: 27. DB::Exception: … (NAME) (version …). (NAME)" says everything twice. */
    while (start) {
        const char *inner = strstr(start, marker);
        if (!inner || !g_str_has_prefix(inner + strlen(marker), "Code: "))
            break;
        start = inner + strlen(marker);
    }
    long code = start ? strtol(start + strlen("Code: "), NULL, 10) : 0;
    if (code <= 0 || code > 100000) {
        g_autofree char *plain = g_strdup(text);
        g_strchomp(plain);
        fault_set(error, FAULT_UNKNOWN_EXCEPTION, "%s", plain);
        return;
    }
    g_autofree char *message = g_strdup(start);
    cut_version(message);
    g_set_error_literal(error, FAULT, (int)code, message);
}

unsigned fault_http_status(int code)
{
    static const short bad_request[] = {6,  8,   15,  25,  26,  27,  36,  37,  38,  41,  44,  53, 62,
                                        72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676};
    static const short not_found[] = {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511};
    for (size_t i = 0; i < G_N_ELEMENTS(bad_request); i++)
        if (bad_request[i] == code)
            return 400;
    for (size_t i = 0; i < G_N_ELEMENTS(not_found); i++)
        if (not_found[i] == code)
            return 404;
    switch (code) {
    case FAULT_REQUIRED_PASSWORD:
        return 401;
    case 192: /* UNKNOWN_USER */
    case 193: /* WRONG_PASSWORD */
    case 512: /* SET_NON_GRANTED_ROLE */
    case FAULT_ACCESS_DENIED:
    case FAULT_AUTHENTICATION_FAILED:
        return 403;
    case 159: /* TIMEOUT_EXCEEDED */
        return 408;
    case 381: /* HTTP_LENGTH_REQUIRED */
        return 411;
    case FAULT_QUERY_TOO_LARGE:
        return 413;
    case 779: /* UNSUPPORTED_MEDIA_TYPE */
        return 415;
    case FAULT_NOT_IMPLEMENTED:
        return 501;
    case 76:  /* CANNOT_OPEN_FILE */
    case 209: /* SOCKET_TIMEOUT */
    case 439: /* CANNOT_SCHEDULE_TASK */
        return 503;
    default:
        return 500;
    }
}
