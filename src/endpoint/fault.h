/* fault.h - ClickHouse exceptions as GError: code = the exception's code, message = its text
 * ("Code: 60. DB::Exception: … (UNKNOWN_TABLE)", without the version), and the HTTP status that the real server gives
 * each.
 */
#ifndef SLUICE_ENDPOINT_FAULT_H
#define SLUICE_ENDPOINT_FAULT_H

#include <glib.h>

#define FAULT (fault_quark())
GQuark fault_quark(void);

/* Codes that this program raises itself (ClickHouse src/Common/ErrorCodes.cpp). */
enum {
    FAULT_BAD_ARGUMENTS = 36,
    FAULT_NOT_IMPLEMENTED = 48,
    FAULT_SYNTAX_ERROR = 62,
    FAULT_UNKNOWN_SETTING = 115,
    FAULT_READONLY = 164,
    FAULT_REQUIRED_PASSWORD = 194,
    FAULT_TOO_MANY_QUERIES = 202,
    FAULT_SAME_QUERY_ID = 216,
    FAULT_QUERY_TOO_LARGE = 229,
    FAULT_ABORTED = 236,
    FAULT_INFLATE_FAILED = 354,
    FAULT_SESSION_NOT_FOUND = 372,
    FAULT_SESSION_LOCKED = 373,
    FAULT_INVALID_SESSION_TIMEOUT = 374,
    FAULT_ACCESS_DENIED = 497,
    FAULT_AUTHENTICATION_FAILED = 516,
    FAULT_ZSTD_FAILED = 561,
    FAULT_LZ4_FAILED = 618,
    FAULT_UNKNOWN_EXCEPTION = 1002,
};

/* A fault of our own, in the words of a ClickHouse exception. `code` is one of the above. */
void fault_set(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* From the engine's error text: nested texts are unwrapped, a version at the end is cut. */
void fault_set_from_engine(GError **error, const char *text);
/* HTTP status for an exception code (ClickHouse src/Server/HTTP/exceptionCodeToHTTPStatus.cpp). */
unsigned fault_http_status(int code);

#endif
