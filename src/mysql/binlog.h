/* binlog.h - the binlog as a stream of events, read over a replication connection.
 *
 * The dump command goes through libmariadb's db_command, packets come by mysql_net_read_packet (zero copy). The stream
 * verifies checksums and strips them, follows rotations, uncompresses MariaDB's compressed events and unwraps MySQL's
 * TRANSACTION_PAYLOAD, so that the reader sees plain events only. Heartbeats every 0.5 s make an idle stream return.
 */
#ifndef SLUICE_MYSQL_BINLOG_H
#define SLUICE_MYSQL_BINLOG_H

#include "mysql/connection.h"

/* Event types (server file sql/log_event.h, MySQL's libs/mysql/binlog/event/binlog_event.h). */
typedef enum {
    BINLOG_START_V3 = 1, /* begins a file of a server before MySQL 5.0 */
    BINLOG_QUERY = 2,
    BINLOG_STOP = 3,
    BINLOG_ROTATE = 4,
    BINLOG_INTVAR = 5, /* 5, 9, 11, 13, 14, 17, 18: only before changes that are logged as statements */
    BINLOG_APPEND_BLOCK = 9, /* more of the file of LOAD DATA, after 17 */
    BINLOG_DELETE_FILE = 11, /* it is not to be loaded */
    BINLOG_RAND = 13,
    BINLOG_USER_VAR = 14,
    BINLOG_FORMAT_DESCRIPTION = 15,
    BINLOG_XID = 16,
    BINLOG_BEGIN_LOAD_QUERY = 17,
    BINLOG_EXECUTE_LOAD_QUERY = 18, /* LOAD DATA as a statement: query_event_parse reads it */
    BINLOG_TABLE_MAP = 19,
    BINLOG_WRITE_ROWS_V1 = 23,
    BINLOG_UPDATE_ROWS_V1 = 24,
    BINLOG_DELETE_ROWS_V1 = 25,
    BINLOG_INCIDENT = 26,
    BINLOG_HEARTBEAT = 27,
    BINLOG_ROWS_QUERY = 29,
    BINLOG_WRITE_ROWS_V2 = 30,
    BINLOG_UPDATE_ROWS_V2 = 31,
    BINLOG_DELETE_ROWS_V2 = 32,
    BINLOG_GTID_MYSQL = 33,
    BINLOG_ANONYMOUS_GTID = 34,
    BINLOG_PREVIOUS_GTIDS = 35,
    BINLOG_XA_PREPARE = 38,
    BINLOG_PARTIAL_UPDATE_ROWS = 39,
    BINLOG_TRANSACTION_PAYLOAD = 40, /* given itself (raw: for the fingerprint), then each event inside it */
    BINLOG_GTID_TAGGED = 42,
    BINLOG_ANNOTATE_ROWS = 160,
    BINLOG_CHECKPOINT = 161,
    BINLOG_GTID_MARIADB = 162,
    BINLOG_GTID_LIST = 163,
    BINLOG_START_ENCRYPTION = 164,
    /* 165-168 (compressed QUERY, WRITE, UPDATE, DELETE of MariaDB) are given as 2, 23, 24, 25. */
} BinlogEventType;

#define BINLOG_FLAG_THREAD_SPECIFIC 0x0004
#define BINLOG_FLAG_ARTIFICIAL      0x0020
#define BINLOG_FLAG_IGNORABLE       0x0080

/* One event. All pointers are borrowed and valid until the next binlog_stream_next. */
typedef struct {
    unsigned type;       /* BinlogEventType or an unknown number */
    uint16_t flags;
    SourceFlavour flavour; /* of the server it came from: a few formats differ */
    uint32_t timestamp_max; /* SourceServer.timestamp_max of the one that wrote the file, which may be an older version
                               of it */
    uint32_t timestamp;  /* seconds since 1970, of the statement's start; 0 in artificial events */
    uint32_t server_id;
    const char *file;    /* interned: the log file that holds it */
    uint64_t start;      /* position of its first byte, 64 bit, tracked beyond the 32 bit of the header */
    uint64_t end;        /* position after it; == start for what stands in no file: artificial events, and those inside a
                            payload, which stand at the payload's end */
    const uint8_t *body; /* after the 19-byte header, without checksum, uncompressed */
    size_t body_len;
    const uint8_t *raw;  /* as it stood on the wire from the header on, without the packet's OK byte, without checksum:
                            what the fingerprint of a transaction is made of (NULL inside a payload) */
    size_t raw_len;
    uint32_t crc; /* CRC32 of the raw bytes; 0 inside a payload */
} BinlogEvent;

typedef struct {
    char *file;     /* start by position: file and pos. NULL: by GTID */
    uint64_t pos;
    char *gtid;     /* start by GTID: MariaDB "0-1-4,1-1-2", MySQL "uuid:1-3:5,..."; "" = from the oldest log */
    uint32_t server_id; /* our replica id, unique among the replicas of this server */
    const char *replica_uuid; /* our own uuid, sent as @slave_uuid */
} BinlogStart;

typedef struct BinlogStream BinlogStream;

/* Connects and sends the dump command. `expect_identity` (may be NULL): the SourceServer.identity that must answer,
 * else SOURCE_ERROR 2013 "another server", which is to be tried again. Errors of the server come as SOURCE_ERROR, 1236
 * among them. */
BinlogStream *binlog_stream_open(const Url *url, const BinlogStart *start, const char *expect_identity, Cancel *cancel,
                                 GError **error);
void binlog_stream_free(BinlogStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BinlogStream, binlog_stream_free)

typedef enum { BINLOG_NEXT_ERROR = -1, BINLOG_NEXT_EVENT = 1 } BinlogNext;

/* The next event, heartbeats included (type BINLOG_HEARTBEAT, body = nothing of use: event->file and start say where the
 * server is when it has sent everything). Ends with SLUICE_ERROR_CANCELLED when cancelled, SLUICE_ERROR_DECODE when
 * bytes cannot be read, SOURCE_ERROR when the connection or the server fails. */
BinlogNext binlog_stream_next(BinlogStream *stream, BinlogEvent *event, GError **error);

const SourceServer *binlog_stream_server(const BinlogStream *stream);

/* The end of the server's log now, by SHOW MASTER STATUS / SHOW BINARY LOG STATUS; `gtid` may be NULL. MariaDB: the
 * GTID at exactly that position. Free file and gtid with g_free. */
bool source_log_end(SourceConnection *source, char **file, uint64_t *pos, char **gtid, GError **error);

/* The end that is fit for a table's beginning: all that was logged before it is seen by what reads the table once
 * source_wait_executed has returned. MySQL with GTIDs and `by_gtid`: what it has executed, and no position (file NULL), for
 * a position is logged before its rows can be read. MySQL else: a position at which nobody was writing to `tables` (of SourceTable),
 * which are locked for a moment (privilege LOCK TABLES), and no GTIDs (NULL). MariaDB: as source_log_end. */
bool source_begin_position(SourceConnection *source, GPtrArray *tables, bool by_gtid, char **file, uint64_t *pos,
                           char **gtid, GError **error);

/* Waits until what the set names can be read. MySQL only. */
bool source_wait_executed(SourceConnection *source, const char *gtid, Cancel *cancel, GError **error);

/* What of our set the server never had: it has another history, or is not yet as far. MySQL serves such a set without a
 * word [tried on 9.7]; what is being committed there (gtid_owned), held by semi-synchronous replication maybe, is not
 * missing. NULL (no error): nothing is missing. Free with g_free. */
char *source_gtids_missing(SourceConnection *source, const char *gtid, GError **error);

/* MariaDB: all transactions of its log and of our set are of one domain. From where it goes on by our set it then sends
 * all that follows; else it may still pass over others that stand there. */
bool source_logs_one_domain(SourceConnection *source, const char *gtid, bool *one, GError **error);

/* MySQL: the replica has received all of it, and is applying it. False also where the account may not look (SELECT on
 * performance_schema). */
bool source_gtids_received(SourceConnection *source, const char *gtid);

/* All that could be read until now is of transactions among these. Free with g_free; NULL: an error, or a MySQL without
 * GTIDs. */
char *source_gtids_readable(SourceConnection *source, GError **error);

/* MySQL: whether the logs that held these were purged. */
bool source_gtids_purged(SourceConnection *source, const char *gtid, bool *purged, GError **error);

/* The server's binlog files in order. Names interned. */
typedef struct {
    const char *file;
    uint64_t size;
} SourceLog;
GArray *source_list_logs(SourceConnection *source, GError **error); /* of SourceLog */

/* Orders positions of one server: by the number at the end of the file's name, then by pos. */
int binlog_position_compare(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b);

#endif
