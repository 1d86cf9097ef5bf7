/* frames.c - from the bytes of the log's events to BinlogEvents. */
#include "mysql/frames_private.h"

#include "mysql/event.h"
#include "mysql/rows.h"
#include "mysql/wire_private.h"

#include <string.h>
#include <zlib.h>

#define HEADER_LEN   BINLOG_HEADER_LEN
#define CHECKSUM_LEN 4
#define FLAG_IN_USE  0x0001 /* of a file's FORMAT_DESCRIPTION; not part of its checksum */

void binlog_frames_init(BinlogFrames *frames, SourceFlavour flavour, const char *file, uint64_t pos)
{
    *frames = (BinlogFrames){.flavour = flavour,
                             .file = g_intern_string(file ? file : ""),
                             .pos = file ? pos : BINLOG_FIRST_POSITION,
                             .checksum = CHECKSUM_UNTOLD,
                             .server_max = INT32_MAX,
                             .timestamp_max = INT32_MAX};
}

void binlog_frames_set_server(BinlogFrames *frames, const SourceServer *server)
{
    frames->server_series = server->version / 100;
    frames->server_max = server->timestamp_max;
}

void binlog_frames_clear(BinlogFrames *frames)
{
    g_clear_pointer(&frames->payload, payload_free);
    scratch_clear(&frames->scratch);
}

bool binlog_frames_error(const BinlogFrames *frames, GError **error, const char *what)
{
    return wire_error(error, "%s, position %" G_GUINT64_FORMAT ": %s", *frames->file ? frames->file : "before any file",
                      frames->pos, what);
}

static void prefix_position(const BinlogFrames *frames, GError **error)
{
    g_prefix_error(error, "%s, position %" G_GUINT64_FORMAT ": ", *frames->file ? frames->file : "before any file",
                   frames->pos);
}

/* ---- the description at the beginning of a file ---- */

/* u16 format, 50 bytes version of the server, u32 time, u8 length of headers, then of each type from 1 on the length of
 * what stands at the beginning of its body. */
enum { DESCRIPTION_VERSION = 2, DESCRIPTION_VERSION_LEN = 50, DESCRIPTION_HEADER_LEN = 56, DESCRIPTION_LENGTHS = 57 };

/* Types whose bodies are read here, and how they begin; 0: the server does not write such. */
static bool lengths_known(const BinlogFrames *frames, const uint8_t *lengths, size_t n, GError **error)
{
    static const struct {
        uint8_t type, length;
    } known[] = {
        {BINLOG_QUERY, 13},          {BINLOG_ROTATE, 8},         {BINLOG_EXECUTE_LOAD_QUERY, 26},
        {BINLOG_TABLE_MAP, 8},       {BINLOG_WRITE_ROWS_V1, 8},  {BINLOG_UPDATE_ROWS_V1, 8},
        {BINLOG_DELETE_ROWS_V1, 8},  {BINLOG_WRITE_ROWS_V2, 10}, {BINLOG_UPDATE_ROWS_V2, 10},
        {BINLOG_DELETE_ROWS_V2, 10},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        uint8_t told = known[i].type <= n ? lengths[known[i].type - 1] : 0;
        if (told == 0 || told == known[i].length)
            continue;
        g_autofree char *what =
            g_strdup_printf("events of type %u begin with %u bytes instead of %u: the file was written by a "
                            "server whose format is not known",
                            known[i].type, told, known[i].length);
        return binlog_frames_error(frames, error, what);
    }
    return true;
}

typedef struct {
    char text[DESCRIPTION_VERSION_LEN + 1];
    uint64_t number; /* 10011006 is 10.11.6 */
    bool is_mariadb;
} Version;

static void read_version(const uint8_t *body, Version *version)
{
    memcpy(version->text, body + DESCRIPTION_VERSION, DESCRIPTION_VERSION_LEN);
    version->text[DESCRIPTION_VERSION_LEN] = 0;
    char *end = version->text;
    version->number = 0;
    for (int part = 0; part < 3; part++) {
        uint64_t number = g_ascii_strtoull(end, &end, 10);
        version->number = version->number * 1000 + MIN(number, 999);
        end += *end == '.';
    }
    version->is_mariadb = strstr(version->text, "MariaDB") || strstr(version->text, "-maria-");
}

/* Others know no checksums: nothing stands behind their lengths. (They are found in files that outlived an upgrade.) */
static bool version_has_checksums(const Version *version)
{
    return version->number >= (version->is_mariadb ? 5003000 : 5006001);
}

/* Table maps and rows of these are in forms of their own. */
static bool version_is_early_51(const Version *version)
{
    return !version->is_mariadb && version->number >= 5001000 && version->number < 5001023;
}

/* Whether TIMESTAMPs reach to 2106 depends on more than the version: on how the server was built, and on who released
 * it. A file of the present version, or of 11.5 and later, was written by a server that had what this one has, an older
 * file by one that had not. */
static uint32_t timestamp_max_of(const BinlogFrames *frames, const Version *version)
{
    uint64_t series = version->number / 1000000 * 100 + version->number / 1000 % 1000;
    return series == frames->server_series || series >= 1105 ? frames->server_max : INT32_MAX;
}

/* Of servers with checksums it ends with the algorithm of its file and always a checksum of its own. */
static bool read_description(BinlogFrames *frames, const uint8_t *bytes, size_t *len, GError **error)
{
    const uint8_t *body = bytes + HEADER_LEN;
    size_t body_len = *len - HEADER_LEN;
    if (body_len < DESCRIPTION_LENGTHS)
        return binlog_frames_error(frames, error, "the file's description is cut short");
    if (body[0] != 4 || body[1] != 0)
        return binlog_frames_error(frames, error, "a binlog format other than version 4");
    if (body[DESCRIPTION_HEADER_LEN] != HEADER_LEN)
        return binlog_frames_error(frames, error, "the file's events have headers of another length");
    Version version;
    read_version(body, &version);
    frames->timestamp_max = timestamp_max_of(frames, &version);
    if (version_is_early_51(&version))
        return binlog_frames_error(
            frames, error,
            "the file was written by a version of MySQL 5.1 before 5.1.23, whose rows are of another form");
    if (!version_has_checksums(&version)) {
        frames->checksum = CHECKSUM_NONE;
        return lengths_known(frames, body + DESCRIPTION_LENGTHS, body_len - DESCRIPTION_LENGTHS, error);
    }
    if (body_len < DESCRIPTION_LENGTHS + 1 + CHECKSUM_LEN)
        return binlog_frames_error(frames, error, "the file's description is cut short");
    uint8_t algorithm = bytes[*len - CHECKSUM_LEN - 1];
    if (algorithm != CHECKSUM_NONE && algorithm != CHECKSUM_CRC32)
        return binlog_frames_error(frames, error, "a checksum algorithm that is not known");
    if (!lengths_known(frames, body + DESCRIPTION_LENGTHS, body_len - DESCRIPTION_LENGTHS - 1 - CHECKSUM_LEN, error))
        return false;
    frames->checksum = algorithm;
    if (algorithm == CHECKSUM_NONE)
        *len -= CHECKSUM_LEN;
    return true;
}

/* ---- checksums, positions, files ---- */

static uint32_t event_crc(const uint8_t *bytes, size_t len)
{
    uint8_t header[HEADER_LEN];
    memcpy(header, bytes, HEADER_LEN);
    if (header[4] == BINLOG_FORMAT_DESCRIPTION)
        header[17] &= (uint8_t)~FLAG_IN_USE;
    uLong crc = crc32(0, header, HEADER_LEN);
    return (uint32_t)crc32_z(crc, bytes + HEADER_LEN, len - HEADER_LEN);
}

/* Verifies the checksum and takes it off `len`. `crc` is computed in any case: others want it, and once is enough. */
static bool strip_checksum(BinlogFrames *frames, const uint8_t *bytes, size_t *len, uint32_t *crc, GError **error)
{
    if (bytes[4] == BINLOG_START_V3)
        return binlog_frames_error(frames, error, "a binlog format other than version 4");
    if (bytes[4] == BINLOG_FORMAT_DESCRIPTION && !read_description(frames, bytes, len, error))
        return false;
    if (frames->checksum == CHECKSUM_NONE) {
        *crc = event_crc(bytes, *len);
        return true;
    }
    if (*len < HEADER_LEN + CHECKSUM_LEN)
        return binlog_frames_error(frames, error, "an event is too short for its checksum");
    size_t n = *len - CHECKSUM_LEN;
    *crc = event_crc(bytes, n);
    if (*crc == wire_read_le(bytes + n, 4)) {
        *len = n;
        return true;
    }
    /* The made-up events before the first description follow a choice of the server's that it has not told yet. */
    if (frames->checksum == CHECKSUM_UNTOLD)
        return true;
    return binlog_frames_error(frames, error,
                               "an event's checksum does not match: it was damaged on disk or on the way");
}

/* Since 11.4 MariaDB computes checksums before it knows where a transaction will stand, so events between its GTID and
 * its end have no position in their headers [tried on 11.8]. They follow each other without gaps but for ANNOTATE_ROWS,
 * which we do not ask for: so what is counted here is at most as far as the truth, which the transaction's last event
 * tells. Other events without a position are made up by the server when a dump begins. */
static bool is_within_transaction(unsigned type)
{
    switch (type) {
    case BINLOG_QUERY:
    case BINLOG_INTVAR:
    case BINLOG_RAND:
    case BINLOG_USER_VAR:
    case BINLOG_APPEND_BLOCK:
    case BINLOG_DELETE_FILE:
    case BINLOG_BEGIN_LOAD_QUERY:
    case BINLOG_EXECUTE_LOAD_QUERY:
    case BINLOG_XID:
    case BINLOG_XA_PREPARE:
    case BINLOG_TABLE_MAP:
    case BINLOG_ROWS_QUERY:
    case BINLOG_ANNOTATE_ROWS:
        return true;
    default:
        return rows_event_is(type) || binlog_type_is_compressed(type);
    }
}

/* Headers hold the low 32 bits of the position after the event. Positions only grow within a file, so the rest follows
 * from the event before. */
static bool set_position(BinlogFrames *frames, BinlogEvent *event, uint32_t next_pos, size_t wire_len, GError **error)
{
    event->file = frames->file;
    if (next_pos == 0 && !(event->flags & BINLOG_FLAG_ARTIFICIAL) && is_within_transaction(event->type)) {
        event->start = frames->pos;
        event->end = frames->pos += wire_len;
        return true;
    }
    if (next_pos == 0 || event->flags & BINLOG_FLAG_ARTIFICIAL) {
        event->start = event->end = frames->pos;
        return true;
    }
    if (event->type == BINLOG_HEARTBEAT) {
        /* Where the server is; it may have skipped events that we did not ask for. Never backwards. */
        int32_t ahead = (int32_t)(next_pos - (uint32_t)frames->pos);
        if (ahead > 0)
            frames->pos += (uint32_t)ahead;
        event->start = event->end = frames->pos;
        return true;
    }
    uint64_t end = wire_extend32(frames->pos, next_pos);
    if (end < wire_len)
        return binlog_frames_error(frames, error, "an event tells a position that it cannot stand at");
    event->start = end - wire_len;
    event->end = frames->pos = end;
    return true;
}

static bool follow_rotate(BinlogFrames *frames, BinlogEvent *event, GError **error)
{
    RotateEvent rotate;
    if (!rotate_event_parse(event, &rotate, error)) {
        prefix_position(frames, error);
        return false;
    }
    frames->file = rotate.file;
    frames->pos = rotate.pos;
    if (event->start == event->end) { /* made up: it stands in no file, and tells where what follows begins */
        event->file = rotate.file;
        event->start = event->end = rotate.pos;
    }
    return true;
}

static void read_header(const uint8_t *bytes, BinlogEvent *event)
{
    event->timestamp = (uint32_t)wire_read_le(bytes, 4);
    event->type = bytes[4];
    event->server_id = (uint32_t)wire_read_le(bytes + 5, 4);
    event->flags = (uint16_t)wire_read_le(bytes + 17, 2);
}

/* What may be compressed: makes it plain, or ready to be taken apart. */
static bool open_event(BinlogFrames *frames, BinlogEvent *event, GError **error)
{
    if (binlog_type_is_compressed(event->type))
        return binlog_event_inflate(event, &frames->scratch, error);
    if (event->type != BINLOG_TRANSACTION_PAYLOAD)
        return true;
    frames->payload_event = *event;
    frames->payload = payload_open(event, error);
    return frames->payload != NULL;
}

bool binlog_frames_event(BinlogFrames *frames, const uint8_t *bytes, size_t len, BinlogEvent *event, GError **error)
{
    size_t wire_len = len;
    g_clear_pointer(&frames->payload, payload_free);
    scratch_relax(&frames->scratch);
    if (len < HEADER_LEN || wire_read_le(bytes + 9, 4) != len)
        return binlog_frames_error(frames, error, "an event's length differs from its packet's");
    if (!strip_checksum(frames, bytes, &len, &event->crc, error))
        return false;
    read_header(bytes, event);
    event->flavour = frames->flavour;
    event->timestamp_max = frames->timestamp_max;
    event->raw = bytes;
    event->raw_len = len;
    event->body = bytes + HEADER_LEN;
    event->body_len = len - HEADER_LEN;
    if (!set_position(frames, event, (uint32_t)wire_read_le(bytes + 13, 4), wire_len, error))
        return false;
    if (event->type == BINLOG_ROTATE)
        return follow_rotate(frames, event, error);
    if (open_event(frames, event, error))
        return true;
    prefix_position(frames, error);
    return false;
}

/* Events inside a payload stand where the payload ends: that is the position to go on from after them. */
PayloadNext binlog_frames_inside(BinlogFrames *frames, BinlogEvent *event, GError **error)
{
    const uint8_t *bytes;
    size_t len;
    if (!frames->payload)
        return PAYLOAD_END;
    PayloadNext next = payload_next(frames->payload, &bytes, &len, error);
    /* Servers never nest them; what is in the inner one must not be passed over. */
    if (next == PAYLOAD_EVENT && bytes[4] == BINLOG_TRANSACTION_PAYLOAD) {
        wire_error(error, "a transaction payload holds another one");
        next = PAYLOAD_ERROR;
    }
    if (next == PAYLOAD_ERROR)
        prefix_position(frames, error);
    if (next != PAYLOAD_EVENT) {
        g_clear_pointer(&frames->payload, payload_free);
        return next;
    }
    read_header(bytes, event);
    event->flavour = frames->payload_event.flavour;
    event->timestamp_max = frames->payload_event.timestamp_max;
    event->file = frames->payload_event.file;
    event->start = event->end = frames->payload_event.end;
    event->raw = NULL;
    event->raw_len = 0;
    event->crc = 0;
    event->body = bytes + HEADER_LEN;
    event->body_len = len - HEADER_LEN;
    return next;
}
