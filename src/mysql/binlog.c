#include "mysql/binlog.h"

#include "mysql/connection_private.h"
#include "mysql/frames_private.h"
#include "mysql/gtid.h"
#include "mysql/table.h"
#include "mysql/wire_private.h"

#include <errmsg.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_NSEC   500000000
#define READ_TIMEOUT_SEC 30     /* many heartbeats: a server looks for a GTID in a large file without a word */
#define NET_BUFFER_KEEP  ((size_t)16 << 20) /* more than this is given back */
#define COM_DUMP_GTID    30
#define WAIT_EXECUTED_SEC 60

struct BinlogStream {
    SourceConnection *source;
    Cancel *cancel;
    MYSQL *mysql;       /* borrowed from source */
    size_t last_packet; /* its size */
    BinlogFrames frames;
};

/* ---- opening ---- */

static bool set_session(BinlogStream *stream, const BinlogStart *start, GError **error)
{
    const SourceServer *server = source_server(stream->source);
    g_autoptr(GString) sql = g_string_new("SET ");
    /* Saying CRC32 means "I know checksums": events then come as they stand in each file. MySQL 8.0.26 renamed these
     * variables; both names are harmless everywhere. */
    g_string_append(sql, "@master_binlog_checksum='CRC32', @source_binlog_checksum='CRC32'");
    g_string_append_printf(sql, ", @master_heartbeat_period=%d, @source_heartbeat_period=%d", HEARTBEAT_NSEC,
                           HEARTBEAT_NSEC);
    if (start->replica_uuid) {
        g_string_append(sql, ", @slave_uuid=");
        source_quote_string(sql, start->replica_uuid);
        g_string_append(sql, ", @replica_uuid=");
        source_quote_string(sql, start->replica_uuid);
    }
    if (server->flavour == SOURCE_MARIADB) {
        g_string_append(sql, ", @mariadb_slave_capability=4"); /* GTID events are sent as such */
        if (!start->file) {
            g_string_append(sql, ", @slave_gtid_strict_mode=0, @slave_gtid_ignore_duplicates=0, @slave_connect_state=");
            source_quote_string(sql, start->gtid ? start->gtid : "");
        }
    }
    return source_exec(stream->source, sql->str, error);
}

static void append_le(GByteArray *out, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)(v >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

static void append_name(GByteArray *out, const char *name)
{
    g_byte_array_append(out, (const uint8_t *)name, (guint)strlen(name));
}

/* u32 position, u16 flags, u32 server id, file name */
static GByteArray *dump_by_position(const BinlogStart *start)
{
    GByteArray *out = g_byte_array_new();
    append_le(out, start->file ? start->pos : BINLOG_FIRST_POSITION, 4);
    append_le(out, 0, 2);
    append_le(out, start->server_id, 4);
    append_name(out, start->file ? start->file : "");
    return out;
}

/* u16 flags, u32 server id, u32 length and file name, u64 position, u32 length and GTID set */
static GByteArray *dump_by_mysql_gtid(const BinlogStart *start, GError **error)
{
    const uint16_t through_gtid = 4;
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, start->gtid ? start->gtid : "", error);
    if (!set)
        return NULL;
    g_autoptr(GByteArray) data = gtid_set_encode_mysql(set);
    GByteArray *out = g_byte_array_new();
    append_le(out, through_gtid, 2);
    append_le(out, start->server_id, 4);
    append_le(out, 0, 4);
    append_le(out, BINLOG_FIRST_POSITION, 8);
    append_le(out, data->len, 4);
    g_byte_array_append(out, data->data, data->len);
    return out;
}

static bool send_dump(BinlogStream *stream, const BinlogStart *start, GError **error)
{
    bool by_mysql_gtid = !start->file && source_server(stream->source)->flavour == SOURCE_MYSQL;
    if (start->file && start->pos > UINT32_MAX) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "cannot read %s from position %" G_GUINT64_FORMAT ": the dump command reaches to 4 GiB only",
                    start->file, start->pos);
        return false;
    }
    g_autoptr(GByteArray) arg = by_mysql_gtid ? dump_by_mysql_gtid(start, error) : dump_by_position(start);
    if (!arg)
        return false;
    enum enum_server_command command = by_mysql_gtid ? (enum enum_server_command)COM_DUMP_GTID : COM_BINLOG_DUMP;
    if (stream->mysql->methods->db_command(stream->mysql, command, (const char *)arg->data, arg->len, 1, NULL)) {
        source_set_error(stream->source, "ask for the binlog", error);
        return false;
    }
    return true;
}

BinlogStream *binlog_stream_open(const Url *url, const BinlogStart *start, const char *expect_identity, Cancel *cancel,
                                 GError **error)
{
    SourceConnection *source = source_open_timeout(url, READ_TIMEOUT_SEC, cancel, error);
    if (!source)
        return NULL;
    g_autoptr(BinlogStream) stream = g_new0(BinlogStream, 1);
    stream->source = source;
    stream->cancel = cancel ? cancel_ref(cancel) : NULL;
    stream->mysql = source_handle(source);
    binlog_frames_init(&stream->frames, source_server(source)->flavour, start->file, start->pos);
    binlog_frames_set_server(&stream->frames, source_server(source));
    const char *identity = source_server(source)->identity;
    if (expect_identity && strcmp(identity, expect_identity) != 0) {
        /* An address that is on its way to another server: who asks again asks that one from the beginning. */
        g_set_error(error, SOURCE_ERROR, CR_SERVER_LOST, "another server answers: %s instead of %s", identity,
                    expect_identity);
        return NULL;
    }
    if (!set_session(stream, start, error) || !send_dump(stream, start, error))
        return NULL;
    return g_steal_pointer(&stream);
}

void binlog_stream_free(BinlogStream *stream)
{
    if (!stream)
        return;
    binlog_frames_clear(&stream->frames);
    source_close(stream->source);
    if (stream->cancel)
        cancel_unref(stream->cancel);
    g_free(stream);
}

const SourceServer *binlog_stream_server(const BinlogStream *stream)
{
    return source_server(stream->source);
}

/* ---- reading ---- */

/* The library's buffer grows to the largest event and stays: after a small one it is given back. */
static void relax_buffer(MYSQL *mysql)
{
    const unsigned long keep = 1 << 20, slack = 64; /* slack: the library adds header bytes of its own */
    NET *net = &mysql->net;
    if (net->max_packet < NET_BUFFER_KEEP || net->compress || net->remain_in_buf)
        return;
    unsigned char *smaller = realloc(net->buff, keep + slack);
    if (!smaller)
        return;
    net->buff = net->write_pos = net->read_pos = smaller;
    net->max_packet = keep;
    net->buff_end = smaller + keep;
}

/* The next packet without its OK byte. Borrowed from the connection until the next one. */
static bool read_packet(BinlogStream *stream, const uint8_t **bytes, size_t *len, GError **error)
{
    if (stream->last_packet < NET_BUFFER_KEEP / 16)
        relax_buffer(stream->mysql);
    unsigned long n = mysql_net_read_packet(stream->mysql);
    stream->last_packet = n;
    /* packet_error is (unsigned)-1: never equal to (unsigned long)-1 */
    if (n == packet_error) {
        source_set_error(stream->source, "read the binlog", error);
        return false;
    }
    const uint8_t *packet = stream->mysql->net.read_pos;
    if (n >= 1 && n < 9 && packet[0] == 0xfe) {
        if (!cancel_set_error(stream->cancel, error))
            g_set_error(error, SOURCE_ERROR, 2013, "the server ended the binlog stream");
        return false;
    }
    if (n < 1 + BINLOG_HEADER_LEN || packet[0] != 0)
        return binlog_frames_error(&stream->frames, error, "a packet that is no event");
    *bytes = packet + 1;
    *len = n - 1;
    return true;
}

BinlogNext binlog_stream_next(BinlogStream *stream, BinlogEvent *event, GError **error)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    if (cancel_set_error(stream->cancel, error))
        return BINLOG_NEXT_ERROR;
    PayloadNext inside = binlog_frames_inside(&stream->frames, event, error);
    if (inside != PAYLOAD_END)
        return inside == PAYLOAD_EVENT ? BINLOG_NEXT_EVENT : BINLOG_NEXT_ERROR;
    if (!read_packet(stream, &bytes, &len, error) || !binlog_frames_event(&stream->frames, bytes, len, event, error))
        return BINLOG_NEXT_ERROR;
    return BINLOG_NEXT_EVENT;
}

/* ---- where the server's log is ---- */

static bool read_log_status(SourceConnection *source, char **file, uint64_t *pos, char **mysql_gtid, GError **error)
{
    const SourceServer *server = source_server(source);
    bool renamed = server->flavour == SOURCE_MYSQL && server->version >= 80200;
    g_autoptr(SourceRows) rows = source_query(source, renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", error);
    if (!rows)
        return false;
    if (rows->rows->len == 0 || rows->n_columns < 2) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_SOURCE_SETUP,
                    "the server writes no binary log: start it with log_bin");
        return false;
    }
    g_free(*file);
    *file = g_strdup(source_rows_get(rows, 0, 0));
    *pos = g_ascii_strtoull(source_rows_get(rows, 0, 1), NULL, 10);
    if (mysql_gtid) {
        g_free(*mysql_gtid);
        *mysql_gtid = g_strdup(rows->n_columns > 4 ? source_rows_get(rows, 0, 4) : "");
    }
    return true;
}

/* MariaDB moves the log's end and gtid_binlog_pos under one lock: between two equal ends they belong together. A server
 * too busy for that is asked for the GTID at the position, for which it reads the file. */
static bool read_mariadb_end(SourceConnection *source, char **file, uint64_t *pos, char **gtid, GError **error)
{
    for (int tries = 0; tries < 3; tries++) {
        g_autofree char *file_before = g_strdup(*file);
        uint64_t pos_before = *pos;
        GError *local = NULL;
        g_free(*gtid);
        *gtid = source_query_value(source, "SELECT @@global.gtid_binlog_pos", &local);
        if (local) {
            g_propagate_error(error, local);
            return false;
        }
        if (!read_log_status(source, file, pos, NULL, error))
            return false;
        if (*gtid && pos_before == *pos && strcmp(file_before, *file) == 0)
            return true;
    }
    g_autoptr(GString) sql = g_string_new("SELECT BINLOG_GTID_POS(");
    source_quote_string(sql, *file);
    g_string_append_printf(sql, ", %" G_GUINT64_FORMAT ")", *pos);
    GError *local = NULL;
    g_free(*gtid);
    *gtid = source_query_value(source, sql->str, &local);
    if (!*gtid && !local)
        g_set_error(&local, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "the server does not know the GTID at %s:%" G_GUINT64_FORMAT, *file, *pos);
    if (local) {
        g_propagate_error(error, local);
        return false;
    }
    return true;
}

bool source_log_end(SourceConnection *source, char **file, uint64_t *pos, char **gtid, GError **error)
{
    g_autofree char *end_file = NULL;
    g_autofree char *end_gtid = NULL;
    if (!read_log_status(source, &end_file, pos, &end_gtid, error))
        return false;
    if (gtid && source_server(source)->flavour == SOURCE_MARIADB) {
        if (!read_mariadb_end(source, &end_file, pos, &end_gtid, error))
            return false;
    } else if (gtid) {
        g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MYSQL, end_gtid, error);
        if (!set)
            return false;
        g_free(end_gtid);
        end_gtid = gtid_set_text(set); /* the server writes it over several lines */
    }
    *file = g_steal_pointer(&end_file);
    if (gtid)
        *gtid = g_steal_pointer(&end_gtid);
    return true;
}

static bool lock_tables(SourceConnection *source, GPtrArray *tables, GError **error)
{
    g_autoptr(GString) sql = g_string_new("LOCK TABLES ");
    for (unsigned i = 0; i < tables->len; i++) {
        const SourceTable *table = tables->pdata[i];
        g_string_append(sql, i ? ", " : "");
        source_quote_table(sql, table->database, table->name);
        g_string_append(sql, " READ");
    }
    return source_exec(source, sql->str, error);
}

bool source_begin_position(SourceConnection *source, GPtrArray *tables, bool by_gtid, char **file, uint64_t *pos,
                           char **gtid, GError **error)
{
    const SourceServer *server = source_server(source);
    if (server->flavour == SOURCE_MARIADB)
        return source_log_end(source, file, pos, gtid, error);
    if (server->gtid && by_gtid) {
        if (!source_log_end(source, file, pos, gtid, error))
            return false;
        g_clear_pointer(file, g_free);
        *pos = 0;
        return true;
    }
    *gtid = NULL;
    if (tables->len && !lock_tables(source, tables, error))
        return false;
    bool ok = source_log_end(source, file, pos, NULL, error);
    return source_exec(source, "UNLOCK TABLES", ok ? error : NULL) && ok;
}

bool source_wait_executed(SourceConnection *source, const char *gtid, Cancel *cancel, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT WAIT_FOR_EXECUTED_GTID_SET(");
    source_quote_string(sql, gtid);
    g_string_append(sql, ", 2)");
    for (unsigned waited = 0; waited < WAIT_EXECUTED_SEC; waited += 2) {
        GError *local = NULL;
        g_autofree char *late = source_query_value(source, sql->str, &local);
        if (local) {
            g_propagate_error(error, local);
            return false;
        }
        if (late && strcmp(late, "0") == 0)
            return true;
        if (cancel_set_error(cancel, error))
            return false;
    }
    g_set_error(error, SOURCE_ERROR, 1205,
                "the source has not executed all of GTID set %.200s yet: check for a commit that waits (semi-synchronous "
                "replication), and that a replica applies",
                gtid);
    return false;
}

/* What is executed, and what is being committed: that can be read before it counts as executed. Asked in this order,
 * nothing falls between the two. NULL: an error. */
static GtidSet *executed_and_owned(SourceConnection *source, GError **error)
{
    g_autofree char *owned = source_query_value(source, "SELECT @@GLOBAL.gtid_owned", error);
    g_autofree char *executed = owned ? source_query_value(source, "SELECT @@GLOBAL.gtid_executed", error) : NULL;
    g_autoptr(GtidSet) set = executed ? gtid_set_parse(SOURCE_MYSQL, executed, error) : NULL;
    g_autoptr(GtidSet) committing = set ? gtid_set_parse_owned(owned, error) : NULL;
    if (!committing)
        return NULL;
    gtid_set_join(set, committing);
    return g_steal_pointer(&set);
}

/* NULL: nothing. */
static char *text_of_rest(const GtidSet *set, const GtidSet *gone)
{
    g_autoptr(GtidSet) left = gtid_set_subtract(set, gone);
    g_autofree char *text = gtid_set_text(left);
    return *text ? g_steal_pointer(&text) : NULL;
}

static char *mysql_gtids_missing(SourceConnection *source, const char *gtid, GError **error)
{
    g_autoptr(GtidSet) wanted = gtid_set_parse(SOURCE_MYSQL, gtid, error);
    g_autoptr(GtidSet) has = wanted ? executed_and_owned(source, error) : NULL;
    return has ? text_of_rest(wanted, has) : NULL;
}

bool source_gtids_received(SourceConnection *source, const char *gtid)
{
    g_autoptr(SourceRows) rows =
        source_query(source,
                     "SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status JOIN "
                     "performance_schema.replication_applier_status USING (CHANNEL_NAME) WHERE "
                     "replication_applier_status.SERVICE_STATE = 'ON'",
                     NULL);
    g_autoptr(GtidSet) wanted = gtid_set_parse(SOURCE_MYSQL, gtid, NULL);
    g_autoptr(GtidSet) received = gtid_set_parse(SOURCE_MYSQL, "", NULL);
    for (unsigned i = 0; rows && i < rows->rows->len; i++) {
        const char *text = source_rows_get(rows, i, 0);
        g_autoptr(GtidSet) channel = gtid_set_parse(SOURCE_MYSQL, text ? text : "", NULL);
        if (channel)
            gtid_set_join(received, channel);
    }
    return wanted && gtid_set_reaches(received, wanted);
}

char *source_gtids_readable(SourceConnection *source, GError **error)
{
    const SourceServer *server = source_server(source);
    if (server->flavour == SOURCE_MARIADB)
        return source_query_value(source, "SELECT @@GLOBAL.gtid_binlog_pos", error);
    g_autoptr(GtidSet) set = server->gtid ? executed_and_owned(source, error) : NULL;
    return set ? gtid_set_text(set) : NULL;
}

char *source_gtids_missing(SourceConnection *source, const char *gtid, GError **error)
{
    if (source_server(source)->flavour == SOURCE_MYSQL)
        return mysql_gtids_missing(source, gtid, error);
    g_autoptr(GtidSet) set = gtid_set_parse(SOURCE_MARIADB, gtid, error);
    g_autofree char *state = set ? source_query_value(source, "SELECT @@GLOBAL.gtid_binlog_state", error) : NULL;
    g_autofree char *slave_pos = state ? source_query_value(source, "SELECT @@GLOBAL.gtid_slave_pos", error) : NULL;
    return slave_pos ? gtid_set_missing_in_state(set, state, slave_pos, error) : NULL;
}

bool source_logs_one_domain(SourceConnection *source, const char *gtid, bool *one, GError **error)
{
    g_autofree char *state = source_query_value(source, "SELECT @@GLOBAL.gtid_binlog_state", error);
    g_autoptr(GtidSet) logged = state ? gtid_set_parse(SOURCE_MARIADB, state, error) : NULL;
    g_autoptr(GtidSet) ours = logged ? gtid_set_parse(SOURCE_MARIADB, gtid ? gtid : "", error) : NULL;
    *one = ours && gtid_set_have_one_domain(logged, ours);
    return ours != NULL;
}

bool source_gtids_purged(SourceConnection *source, const char *gtid, bool *purged, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT GTID_SUBSET(");
    source_quote_string(sql, gtid);
    g_string_append(sql, ", @@GLOBAL.gtid_purged)");
    g_autofree char *answer = source_query_value(source, sql->str, error);
    *purged = answer && strcmp(answer, "1") == 0;
    return answer != NULL;
}

GArray *source_list_logs(SourceConnection *source, GError **error)
{
    g_autoptr(SourceRows) rows = source_query(source, "SHOW BINARY LOGS", error);
    if (!rows)
        return NULL;
    GArray *logs = g_array_new(FALSE, FALSE, sizeof(SourceLog));
    for (unsigned i = 0; i < rows->rows->len; i++) {
        SourceLog log = {
            .file = g_intern_string(source_rows_get(rows, i, 0)),
            .size = g_ascii_strtoull(source_rows_get(rows, i, 1), NULL, 10),
        };
        g_array_append_val(logs, log);
    }
    return logs;
}

/* The number behind the last dot: it goes on past six digits. */
static uint64_t file_number(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot ? g_ascii_strtoull(dot + 1, NULL, 10) : 0;
}

int binlog_position_compare(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b)
{
    if (file_a != file_b) {
        uint64_t a = file_number(file_a), b = file_number(file_b);
        if (a != b)
            return a < b ? -1 : 1;
    }
    return pos_a < pos_b ? -1 : pos_a > pos_b;
}
