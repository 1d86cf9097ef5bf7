#include "pipe/retry.h"

#include "clickhouse/clickhouse.h"
#include "mysql/mysql.h"

#include <string.h>

const char *side_name(Side side)
{
    static const char *const names[] = {"source", "destination", "catalog"};
    return names[side];
}

/* NAME and TABLE stand for the pipe's and the table's own (pipe_error_json). */
#define RESYNC "sluice resync NAME: every table is loaded again beside what is there, and takes its place when it is whole"
#define RESYNC_TABLE \
    "sluice resync NAME --table TABLE: it is loaded again beside what is there, and takes its place when it is whole"
#define RETRY  "sluice retry NAME, after the cause was mended"

#define PURGED "the server purged binlogs that this pipe still needed"

static RetryDecision decision(Verdict verdict, const char *cause, const char *remedy, const char *other)
{
    return (RetryDecision){.verdict = verdict, .cause = cause, .remedies = {remedy, remedy ? other : NULL}};
}

/* Error 1236 says many things; only its text tells them apart. What is not known is shown raw, never guessed. */
static RetryDecision decide_1236(const char *text)
{
    static const struct {
        const char *part, *cause, *remedy, *other;
    } known[] = {
        {"Could not find first log file name", PURGED, RESYNC,
         "point the source at a replica that still has the log, then sluice retry NAME"},
        {"could not find next log", PURGED, RESYNC, NULL},
        {"purged", PURGED, RESYNC,
         "point the source at a replica that still has the log, then sluice retry NAME"},
        {"Could not open log file", "a binlog is in the server's index but its file is gone or unreadable", RESYNC,
         "restore the file at the source, then sluice retry NAME"},
        {"max_allowed_packet", "an event is larger than max_allowed_packet of the source",
         "SET GLOBAL max_allowed_packet = 1073741824; at the source, then sluice retry NAME", NULL},
        {"requested to start from GTID", "the server does not have the position of this pipe: its log was purged, or it "
                                         "is another server",
         RESYNC, NULL},
        {"has more GTIDs than", "this pipe is ahead of the server: it was restored from an older copy, or is another one",
         RESYNC, NULL},
        {"is missing the GTID", PURGED, RESYNC, NULL},
        {"position > file size", "the binlog ends before the position of this pipe: the server lost the end of its log", RESYNC,
         NULL},
        {"impossible position", "the binlog ends before the position of this pipe: the server lost the end of its log", RESYNC,
         NULL},
        {"bogus data in log event", "the binlog is corrupt at the position of this pipe", RESYNC, NULL},
        {"crc check", "the binlog is corrupt at the position of this pipe", RESYNC, NULL},
        {"checksum algorithm check", "the binlog is corrupt at the position of this pipe", RESYNC, NULL},
        {"invalid event", "the binlog is corrupt at the position of this pipe", RESYNC, NULL},
        {"corrupt", "the binlog is corrupt at the position of this pipe", RESYNC, NULL},
        {"Binary log is not open", "the server writes no binary log", "start the source with log_bin, then drop and create the pipe again",
         NULL},
        {"truncated", "the binlog is cut off at the position of this pipe", RESYNC, NULL},
    };
    /* Servers add where they stood; a log file may be called anything. */
    const char *place = strstr(text, "the first event '");
    g_autofree char *said = place ? g_strndup(text, (size_t)(place - text)) : g_strdup(text);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcasestr(said, known[i].part)) {
            RetryDecision found = decision(VERDICT_FAIL_PIPE, known[i].cause, known[i].remedy, known[i].other);
            found.log_gone = g_str_equal(known[i].cause, PURGED);
            return found;
        }
    return decision(VERDICT_FAIL_PIPE, NULL, RETRY, RESYNC);
}

static RetryDecision decide_source(const GError *error)
{
    switch (error->code) {
    case 4052: /* MariaDB: another replica connected with our id; it passes when that one goes */
        return decision(VERDICT_RETRY_OPERATOR, "another reader uses the same replica id",
                        "sluice set NAME server_id=N with a free N", NULL);
    case 1236: /* ER_MASTER_FATAL_ERROR_READING_BINLOG */
        /* "A slave with the same server_uuid/server_id ... has connected": another reader; it passes when that one goes. */
        if (strcasestr(error->message, "same server"))
            return decision(VERDICT_RETRY_OPERATOR, "another reader uses the same replica id or uuid",
                            "sluice set NAME server_id=N with a free N", NULL);
        return decide_1236(error->message);
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
    case 1045: /* ER_ACCESS_DENIED_ERROR */
    case 1129: /* ER_HOST_IS_BLOCKED: after too many failed connections, until FLUSH HOSTS */
    case 1130: /* ER_HOST_NOT_PRIVILEGED */
    case 1142: /* ER_TABLEACCESS_DENIED_ERROR */
    case 1143: /* ER_COLUMNACCESS_DENIED_ERROR */
    case 1227: /* ER_SPECIFIC_ACCESS_DENIED_ERROR */
    case 1698: /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
    case 1820: /* ER_MUST_CHANGE_PASSWORD */
    case 1862: /* ER_MUST_CHANGE_PASSWORD_LOGIN */
    case 3118: /* ER_ACCOUNT_HAS_BEEN_LOCKED */
    case 3159: /* ER_SECURE_TRANSPORT_REQUIRED */
    case 3955: /* ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK */
    case 4151: /* MariaDB: account locked */
    case 2059: /* CR_AUTH_PLUGIN_CANNOT_LOAD */
    case 2061: /* CR_AUTH_PLUGIN_ERR: also a password that is only sent encrypted */
        return decision(VERDICT_RETRY_OPERATOR, "the source refused our user or its grants",
                        "give the user its grants back, or put the right password where the URL points to", NULL);
    case 1146: /* ER_NO_SUCH_TABLE */
    case 1054: /* ER_BAD_FIELD_ERROR */
    case 1051: /* ER_BAD_TABLE_ERROR */
        return decision(VERDICT_FAIL_TABLE, "the table was dropped, renamed or altered at the source", RESYNC_TABLE, NULL);
    case 1049: /* ER_BAD_DB_ERROR */
        return decision(VERDICT_FAIL_PIPE, "the database is gone at the source", RETRY, NULL);
    default:
        /* Lost connections, timeouts, deadlocks, shutdowns, too many connections: all pass. */
        return decision(VERDICT_RETRY, NULL, NULL, NULL);
    }
}

static RetryDecision decide_destination(const GError *error)
{
    /* EDQUOT comes under the codes of every system call that writes. A full disk passes; a quota only by somebody's hand. */
    if (strcasestr(error->message, "disk quota exceeded"))
        return decision(VERDICT_FAIL_PIPE, "the disk quota of the destination is used up", RETRY, NULL);
    switch (error->code) {
    case 60:  /* UNKNOWN_TABLE */
    case 218: /* TABLE_IS_DROPPED */
        return decision(VERDICT_FAIL_TABLE, "the destination table is missing", RESYNC_TABLE, NULL);
    case 6:   /* CANNOT_PARSE_TEXT */
    case 8:   /* THERE_IS_NO_COLUMN */
    case 16:  /* NO_SUCH_COLUMN_IN_TABLE */
    case 20:  /* NUMBER_OF_COLUMNS_DOESNT_MATCH */
    case 27:  /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */
    case 43:  /* ILLEGAL_TYPE_OF_ARGUMENT */
    case 44:  /* ILLEGAL_COLUMN */
    case 47:  /* UNKNOWN_IDENTIFIER */
    case 48:  /* NOT_IMPLEMENTED: what stands there takes no inserts, a view for instance */
    case 53:  /* TYPE_MISMATCH */
    case 69:  /* ARGUMENT_OUT_OF_BOUND */
    case 70:  /* CANNOT_CONVERT_TYPE */
    case 117: /* INCORRECT_DATA */
    case 131: /* TOO_LARGE_STRING_SIZE: of a FixedString */
    case 321: /* VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE */
    case 349: /* CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN */
    case 407: /* DECIMAL_OVERFLOW */
    case 469: /* VIOLATED_CONSTRAINT */
    case 691: /* UNKNOWN_ELEMENT_OF_ENUM */
        return decision(VERDICT_FAIL_TABLE, "the destination table does not take the rows that this pipe writes",
                        RESYNC_TABLE, NULL);
    case 81: /* UNKNOWN_DATABASE */
        return decision(VERDICT_FAIL_PIPE, "the destination database is gone", RESYNC, NULL);
    case 201: /* QUOTA_EXCEEDED: of the user, for an interval of time that ends */
        return decision(VERDICT_RETRY_OPERATOR, "the quota of our user at the destination is used up",
                        "wait for the quota's interval to end, or raise the quota", NULL);
    case 164: /* READONLY: of the user or its profile */
    case 192: /* UNKNOWN_USER */
    case 193: /* WRONG_PASSWORD */
    case 194: /* REQUIRED_PASSWORD */
    case 497: /* ACCESS_DENIED */
    case 516: /* AUTHENTICATION_FAILED */
        return decision(VERDICT_RETRY_OPERATOR, "the destination refused our user or its grants",
                        "give the user its grants back, or put the right password where the URL points to", NULL);
    default:
        /* Too many parts, memory, timeouts, read-only replicas, keeper sessions, full disks, connections: all pass. */
        return decision(VERDICT_RETRY, NULL, NULL, NULL);
    }
}

static RetryDecision decide_own(const GError *error)
{
    switch (error->code) {
    case SLUICE_ERROR_CANCELLED:
        return decision(VERDICT_CANCELLED, NULL, NULL, NULL);
    case SLUICE_ERROR_TABLE:
        return decision(VERDICT_FAIL_TABLE, NULL, RESYNC_TABLE, NULL);
    case SLUICE_ERROR_HISTORY:
        return decision(VERDICT_FAIL_PIPE, "the server's history was rewritten: rows may differ from what was replicated",
                        RESYNC, NULL);
    case SLUICE_ERROR_SOURCE_SETUP:
        return decision(VERDICT_FAIL_PIPE, "the source is no longer set up as replication needs it", RETRY, NULL);
    case SLUICE_ERROR_CATALOG:
        return decision(VERDICT_RETRY, NULL, NULL, NULL);
    default:
        return decision(VERDICT_FAIL_PIPE, NULL, RETRY, RESYNC);
    }
}

RetryDecision retry_decide(const GError *error, Side side)
{
    if (error->domain == SOURCE_ERROR)
        return decide_source(error);
    if (error->domain == CLICKHOUSE_ERROR)
        return decide_destination(error);
    if (error->domain == SLUICE_ERROR)
        return decide_own(error);
    /* A file that holds a password or a certificate, for instance. */
    return decision(side == SIDE_CATALOG ? VERDICT_RETRY : VERDICT_RETRY_OPERATOR, NULL, NULL, NULL);
}
