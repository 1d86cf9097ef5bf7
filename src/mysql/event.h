/* event.h - decoders of the small binlog events: pure functions over bytes that a server sent.
 *
 * Every length is checked against the end of the body before it is used. Errors: SLUICE_ERROR_DECODE.
 * Formats: MySQL source libs/mysql/binlog/event/, MariaDB source sql/log_event.h and its Knowledge Base "Replication
 * Protocol".
 */
#ifndef SLUICE_MYSQL_EVENT_H
#define SLUICE_MYSQL_EVENT_H

#include "mysql/binlog.h"

typedef struct {
    const char *database; /* not terminated */
    size_t database_len;
    const char *sql; /* not terminated */
    size_t sql_len;
    uint16_t error_code;
    uint64_t sql_mode;
    uint16_t client_charset; /* collation number, 0 when not given */
    char time_zone[64];      /* of the session, "" when not given: the statement did not use it */
    uint32_t usec;           /* of the statement's time, beside the header's seconds */
    int explicit_timestamp;  /* explicit_defaults_for_timestamp: 1, 0, -1 when not given */
} QueryEvent;
bool query_event_parse(const BinlogEvent *event, QueryEvent *out, GError **error);

typedef struct {
    uint64_t pos;
    const char *file; /* interned */
} RotateEvent;
bool rotate_event_parse(const BinlogEvent *event, RotateEvent *out, GError **error);

#define GTID_FLAG_STANDALONE 0x01 /* MariaDB: one statement, no end event of its own */
#define GTID_FLAG_DDL        0x20

typedef struct {
    char text[96]; /* "0-1-42", or "3e11fa47-71ca-11e1-9e33-c80aa9429562:23" ("uuid:tag:23" when tagged); "" anonymous */
    uint32_t domain;  /* MariaDB */
    uint64_t seq;     /* MariaDB sequence number or MySQL gno */
    uint8_t flags;    /* MariaDB flags2 */
    uint8_t uuid[16]; /* MySQL */
    char tag[33];     /* MySQL, "" when untagged */
    uint64_t immediate_commit_usec, original_commit_usec; /* MySQL 8.0+; 0 when not known */
    bool is_prepared_xa; /* MariaDB: the group ends with XA PREPARE; see GTID flags2 0x40 */
    bool is_half_alter;  /* MariaDB: the statement is START ALTER or ROLLBACK ALTER: only COMMIT ALTER counts */
} GtidEvent;
bool gtid_event_parse(const BinlogEvent *event, SourceFlavour flavour, GtidEvent *out, GError **error);

/* XA_PREPARE. `xid` as ddl_parse names it, "X'6162',X'',1"; free with g_free. One phase: it is the commit itself. */
bool xa_prepare_event_parse(const BinlogEvent *event, bool *one_phase, char **xid, GError **error);

#endif
