#include "mysql/event.h"

#include "mysql/wire_private.h"

#include <string.h>

/* Status variables of a QUERY event. What follows one that is not known cannot be read. */
enum {
    STATUS_FLAGS2 = 0,
    STATUS_SQL_MODE = 1,
    STATUS_CATALOG = 2,
    STATUS_AUTO_INCREMENT = 3,
    STATUS_CHARSET = 4,
    STATUS_TIME_ZONE = 5,
    STATUS_CATALOG_NZ = 6,
    STATUS_LC_TIME_NAMES = 7,
    STATUS_CHARSET_DATABASE = 8,
    STATUS_TABLE_MAP_FOR_UPDATE = 9,
    STATUS_MASTER_DATA_WRITTEN = 10,
    STATUS_INVOKER = 11,
    STATUS_UPDATED_DATABASES = 12,
    STATUS_MICROSECONDS = 13,
    STATUS_EXPLICIT_TIMESTAMP = 16, /* MySQL */
    STATUS_XID = 17,
    STATUS_UTF8MB4_COLLATION = 18,
    STATUS_REQUIRE_PRIMARY_KEY = 19,
    STATUS_TABLE_ENCRYPTION = 20,
    STATUS_HRNOW = 128, /* MariaDB */
    STATUS_MARIADB_XID = 129,
};

/* MariaDB: OPTION_EXPLICIT_DEF_TIMESTAMP in sql/sql_priv.h; a MySQL server never sets it. */
#define FLAGS2_EXPLICIT_TIMESTAMP (1u << 24)

static bool skip(Wire *w, size_t n)
{
    const uint8_t *ignored;
    return wire_bytes(w, n, &ignored);
}

static bool skip_text(Wire *w)
{
    uint8_t len;
    return wire_u8(w, &len) && skip(w, len);
}

/* A number of names, each ended by a zero byte; 254: too many to be listed. */
static bool skip_databases(Wire *w)
{
    uint8_t n;
    if (!wire_u8(w, &n))
        return false;
    for (; n != 254 && n > 0; n--) {
        const uint8_t *zero = memchr(w->p, 0, wire_left(w));
        if (!zero)
            return false;
        w->p = zero + 1;
    }
    return true;
}

static bool read_time_zone(Wire *w, QueryEvent *out)
{
    uint8_t len;
    const uint8_t *name;
    if (!wire_u8(w, &len) || !wire_bytes(w, len, &name))
        return false;
    g_snprintf(out->time_zone, sizeof out->time_zone, "%.*s", len, (const char *)name);
    return true;
}

static bool read_status_variable(Wire *w, QueryEvent *out)
{
    uint8_t code, len;
    uint64_t value;
    if (!wire_u8(w, &code))
        return false;
    switch (code) {
    case STATUS_FLAGS2:
        if (!wire_le(w, 4, &value))
            return false;
        if (value & FLAGS2_EXPLICIT_TIMESTAMP)
            out->explicit_timestamp = 1;
        return true;
    case STATUS_AUTO_INCREMENT:
    case STATUS_MASTER_DATA_WRITTEN:
        return skip(w, 4);
    case STATUS_SQL_MODE:
        return wire_le(w, 8, &out->sql_mode);
    case STATUS_CATALOG:
        return wire_u8(w, &len) && skip(w, len + 1u);
    case STATUS_TIME_ZONE:
        return read_time_zone(w, out);
    case STATUS_CATALOG_NZ:
        return skip_text(w);
    case STATUS_CHARSET: /* client charset, connection's and server's collation */
        if (!wire_le(w, 6, &value))
            return false;
        out->client_charset = (uint16_t)value;
        return true;
    case STATUS_LC_TIME_NAMES:
    case STATUS_CHARSET_DATABASE:
    case STATUS_UTF8MB4_COLLATION:
        return skip(w, 2);
    case STATUS_TABLE_MAP_FOR_UPDATE:
    case STATUS_XID:
    case STATUS_MARIADB_XID:
        return skip(w, 8);
    case STATUS_INVOKER:
        return skip_text(w) && skip_text(w);
    case STATUS_UPDATED_DATABASES:
        return skip_databases(w);
    case STATUS_MICROSECONDS:
    case STATUS_HRNOW:
        if (!wire_le(w, 3, &value))
            return false;
        out->usec = (uint32_t)value;
        return true;
    case STATUS_EXPLICIT_TIMESTAMP:
        if (!wire_u8(w, &len))
            return false;
        out->explicit_timestamp = len != 0;
        return true;
    case STATUS_REQUIRE_PRIMARY_KEY:
    case STATUS_TABLE_ENCRYPTION:
        return skip(w, 1);
    default:
        w->p = w->end;
        return true;
    }
}

bool query_event_parse(const BinlogEvent *event, QueryEvent *out, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    const uint8_t *head, *database;
    Wire status = {0};
    memset(out, 0, sizeof *out);
    out->explicit_timestamp = -1;
    /* u32 thread, u32 seconds, u8 length of the database's name, u16 error, u16 length of the status variables; LOAD
     * DATA adds 13 bytes: u32 file, 2 x u32 where the file's name stands in the text, u8 duplicates */
    if (!wire_bytes(&w, 13, &head) || (event->type == BINLOG_EXECUTE_LOAD_QUERY && !wire_bytes(&w, 13, &database)))
        goto cut;
    out->database_len = head[8];
    out->error_code = (uint16_t)wire_read_le(head + 9, 2);
    uint64_t status_len = wire_read_le(head + 11, 2);
    if (!wire_bytes(&w, status_len, &status.p))
        goto cut;
    status.end = status.p + status_len;
    while (wire_left(&status))
        if (!read_status_variable(&status, out))
            goto cut;
    if (!wire_bytes(&w, out->database_len + 1, &database))
        goto cut;
    out->database = (const char *)database;
    out->sql = (const char *)w.p;
    out->sql_len = wire_left(&w);
    return true;
cut:
    return wire_error(error, "a query event of %zu bytes is cut short", event->body_len);
}

bool rotate_event_parse(const BinlogEvent *event, RotateEvent *out, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    if (!wire_le(&w, 8, &out->pos) || wire_left(&w) == 0 || wire_left(&w) > 512 || memchr(w.p, 0, wire_left(&w)))
        return wire_error(error, "a rotate event of %zu bytes cannot be read", event->body_len);
    g_autofree char *name = g_strndup((const char *)w.p, wire_left(&w));
    out->file = g_intern_string(name);
    return true;
}

/* ---- GTID events ---- */

#define MARIADB_GTID_FLAG_GROUP_COMMIT_ID 0x02
#define MARIADB_GTID_FLAG_PREPARED_XA     0x40
#define MARIADB_GTID_FLAG_COMPLETED_XA    0x80
#define MARIADB_GTID_EXTRA_START_ALTER    0x02
#define MARIADB_GTID_EXTRA_ROLLBACK_ALTER 0x08

/* Behind the flags: u64 commit id, where its flag is set; u32 format, two lengths and the parts of an XA id, likewise; then more
 * flags, zero where nothing else was written (Gtid_log_event::write in sql/log_event_server.cc). */
static bool read_mariadb_extra(Wire *w, GtidEvent *out)
{
    uint8_t lengths[2], extra;
    if ((out->flags & MARIADB_GTID_FLAG_GROUP_COMMIT_ID) && !skip(w, 8))
        return false;
    if (out->flags & (MARIADB_GTID_FLAG_PREPARED_XA | MARIADB_GTID_FLAG_COMPLETED_XA)) {
        if (!skip(w, 4) || !wire_u8(w, &lengths[0]) || !wire_u8(w, &lengths[1]) || !skip(w, (size_t)lengths[0] + lengths[1]))
            return false;
    }
    if (wire_left(w) == 0)
        return true;
    if (!wire_u8(w, &extra))
        return false;
    out->is_half_alter = extra & (MARIADB_GTID_EXTRA_START_ALTER | MARIADB_GTID_EXTRA_ROLLBACK_ALTER);
    return true;
}

static bool parse_mariadb_gtid(const BinlogEvent *event, GtidEvent *out, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    uint64_t domain;
    if (!wire_le(&w, 8, &out->seq) || !wire_le(&w, 4, &domain) || !wire_u8(&w, &out->flags))
        return wire_error(error, "a GTID event of %zu bytes is cut short", event->body_len);
    out->domain = (uint32_t)domain;
    out->is_prepared_xa = out->flags & MARIADB_GTID_FLAG_PREPARED_XA;
    if (!read_mariadb_extra(&w, out))
        return wire_error(error, "a GTID event of %zu bytes is cut short", event->body_len);
    g_snprintf(out->text, sizeof out->text, "%u-%u-%" G_GUINT64_FORMAT, out->domain, event->server_id, out->seq);
    return true;
}

static void uuid_text(const uint8_t *uuid, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    *out = 0;
}

static void set_mysql_text(GtidEvent *out)
{
    char uuid[37];
    uuid_text(out->uuid, uuid);
    g_snprintf(out->text, sizeof out->text, "%s:%s%s%" G_GUINT64_FORMAT, uuid, out->tag, *out->tag ? ":" : "",
               out->seq);
}

#define COMMIT_TIME_HAS_ORIGINAL ((uint64_t)1 << 55)

/* u8 flags, 16 bytes uuid, u64 gno; then, since 5.7, u8 type (2), 2 x u64 logical clock; since 8.0 a 55-bit commit time
 * whose highest bit says that the original commit time differs and follows. */
static bool parse_mysql_gtid(const BinlogEvent *event, GtidEvent *out, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    const uint8_t *uuid, *clock;
    uint8_t flags, clock_type;
    if (!wire_u8(&w, &flags) || !wire_bytes(&w, 16, &uuid) || !wire_le(&w, 8, &out->seq))
        return wire_error(error, "a GTID event of %zu bytes is cut short", event->body_len);
    if (event->type == BINLOG_GTID_MYSQL) {
        memcpy(out->uuid, uuid, 16);
        set_mysql_text(out);
    } else {
        out->seq = 0;
    }
    if (!wire_u8(&w, &clock_type) || clock_type != 2 || !wire_bytes(&w, 16, &clock) || wire_left(&w) < 7)
        return true;
    wire_le(&w, 7, &out->immediate_commit_usec);
    out->original_commit_usec = out->immediate_commit_usec;
    if (out->immediate_commit_usec & COMMIT_TIME_HAS_ORIGINAL) {
        out->immediate_commit_usec &= ~COMMIT_TIME_HAS_ORIGINAL;
        if (!wire_le(&w, 7, &out->original_commit_usec))
            return wire_error(error, "a GTID event of %zu bytes is cut short", event->body_len);
    }
    return true;
}

/* Integers of MySQL's serialization library (libs/mysql/serialization): the number of trailing one bits in the first
 * byte says how many bytes follow; the value stands above them, little-endian. */
static bool read_varlen(Wire *w, uint64_t *out)
{
    uint8_t first;
    uint64_t rest;
    if (!wire_u8(w, &first))
        return false;
    unsigned more = first == 0xff ? 8 : (unsigned)__builtin_ctz(~(unsigned)first);
    if (!wire_le(w, more, &rest))
        return false;
    if (more >= 7)
        *out = rest; /* 7: one bit to mark the end of the ones, none of the value left in the first byte */
    else
        *out = (uint64_t)(first >> (more + 1)) | rest << (7 - more);
    return true;
}

/* Signed ones are zigzag coded. */
static bool read_varlen_signed(Wire *w, uint64_t *out)
{
    uint64_t v;
    if (!read_varlen(w, &v))
        return false;
    *out = (v >> 1) ^ -(v & 1);
    return true;
}

enum {
    TAGGED_FLAGS = 0,
    TAGGED_UUID = 1,
    TAGGED_GNO = 2,
    TAGGED_TAG = 3,
    TAGGED_LAST_COMMITTED = 4,
    TAGGED_SEQUENCE = 5,
    TAGGED_IMMEDIATE_COMMIT = 6,
    TAGGED_ORIGINAL_COMMIT = 7,
};

static bool read_tagged_field(Wire *w, uint64_t id, GtidEvent *out)
{
    uint64_t v;
    const uint8_t *text;
    switch (id) {
    case TAGGED_FLAGS:
        return read_varlen(w, &v);
    case TAGGED_UUID:
        for (int i = 0; i < 16; i++) {
            if (!read_varlen(w, &v) || v > 255)
                return false;
            out->uuid[i] = (uint8_t)v;
        }
        return true;
    case TAGGED_GNO:
        return read_varlen_signed(w, &out->seq);
    case TAGGED_TAG:
        if (!read_varlen(w, &v) || v >= sizeof out->tag || !wire_bytes(w, v, &text))
            return false;
        memcpy(out->tag, text, v);
        out->tag[v] = 0;
        return true;
    case TAGGED_LAST_COMMITTED:
    case TAGGED_SEQUENCE:
        return read_varlen_signed(w, &v);
    case TAGGED_IMMEDIATE_COMMIT:
        return read_varlen(w, &out->immediate_commit_usec);
    case TAGGED_ORIGINAL_COMMIT:
        return read_varlen(w, &out->original_commit_usec);
    default: /* transaction length, server versions, group ticket: not needed */
        w->p = w->end;
        return true;
    }
}

/* Version, size and last field that must be known, then fields of id and value. */
static bool parse_tagged_gtid(const BinlogEvent *event, GtidEvent *out, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    uint64_t version, size, last_needed, id;
    if (!read_varlen(&w, &version) || !read_varlen(&w, &size) || !read_varlen(&w, &last_needed) ||
        size > event->body_len)
        goto bad;
    w.end = event->body + size;
    if (w.p > w.end)
        goto bad;
    while (wire_left(&w))
        if (!read_varlen(&w, &id) || !read_tagged_field(&w, id, out))
            goto bad;
    if (out->seq == 0)
        goto bad;
    if (!out->original_commit_usec)
        out->original_commit_usec = out->immediate_commit_usec;
    set_mysql_text(out);
    return true;
bad:
    return wire_error(error, "a tagged GTID event of %zu bytes cannot be read", event->body_len);
}

bool gtid_event_parse(const BinlogEvent *event, SourceFlavour flavour, GtidEvent *out, GError **error)
{
    memset(out, 0, sizeof *out);
    if (flavour == SOURCE_MARIADB && event->type == BINLOG_GTID_MARIADB)
        return parse_mariadb_gtid(event, out, error);
    if (flavour == SOURCE_MYSQL && (event->type == BINLOG_GTID_MYSQL || event->type == BINLOG_ANONYMOUS_GTID))
        return parse_mysql_gtid(event, out, error);
    if (flavour == SOURCE_MYSQL && event->type == BINLOG_GTID_TAGGED)
        return parse_tagged_gtid(event, out, error);
    return wire_error(error, "an event of type %u holds no GTID of this kind of server", event->type);
}

static void append_hex(GString *out, const uint8_t *bytes, size_t len)
{
    g_string_append(out, "X'");
    for (size_t i = 0; i < len; i++)
        g_string_append_printf(out, "%02x", bytes[i]);
    g_string_append_c(out, '\'');
}

/* u8 one phase, u32 format, u32 length of the global part, u32 length of the branch, both parts of at most 64 bytes */
bool xa_prepare_event_parse(const BinlogEvent *event, bool *one_phase, char **xid, GError **error)
{
    Wire w = {event->body, event->body + event->body_len};
    const uint8_t *head, *global, *branch;
    if (!wire_bytes(&w, 13, &head))
        goto bad;
    uint64_t global_len = wire_read_le(head + 5, 4), branch_len = wire_read_le(head + 9, 4);
    if (global_len > 64 || branch_len > 64 || !wire_bytes(&w, global_len, &global) ||
        !wire_bytes(&w, branch_len, &branch))
        goto bad;
    GString *text = g_string_new(NULL);
    append_hex(text, global, global_len);
    g_string_append_c(text, ',');
    append_hex(text, branch, branch_len);
    g_string_append_printf(text, ",%u", (unsigned)wire_read_le(head + 1, 4));
    *one_phase = head[0];
    *xid = g_string_free(text, FALSE);
    return true;
bad:
    return wire_error(error, "an XA PREPARE event of %zu bytes cannot be read", event->body_len);
}
