#include "mysql/probe.h"

#include <string.h>

#define FIRST_POSITION 4 /* behind a file's magic number */

static bool begins_group(unsigned type)
{
    return type == BINLOG_GTID_MARIADB || type == BINLOG_GTID_MYSQL || type == BINLOG_GTID_TAGGED ||
           type == BINLOG_ANONYMOUS_GTID;
}

/* What stands between transactions. */
static bool is_between(const BinlogEvent *event)
{
    switch (event->type) {
    case BINLOG_FORMAT_DESCRIPTION:
    case BINLOG_PREVIOUS_GTIDS:
    case BINLOG_GTID_LIST:
    case BINLOG_CHECKPOINT:
    case BINLOG_START_ENCRYPTION:
    case BINLOG_ROTATE:
    case BINLOG_STOP:
        return true;
    default:
        return event->end == event->start; /* made up by the server, it stands in no file */
    }
}

/* What a server or the decoder says of a place where no event begins, or of logs that are gone. */
static void refuse_unreadable(const BinlogStart *start, GError **error)
{
    bool unreadable =
        g_error_matches(*error, SOURCE_ERROR, 1236) || g_error_matches(*error, SLUICE_ERROR, SLUICE_ERROR_DECODE);
    if (!unreadable)
        return;
    g_autoptr(GError) why = g_steal_pointer(error);
    if (start->file)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                    "the server cannot send its log from %s:%" G_GUINT64_FORMAT ": no transaction begins there (%s)",
                    start->file, start->pos, why->message);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED, "the server cannot send its log from GTID %.300s: %s",
                    start->gtid, why->message);
}

static bool refuse_inside(const BinlogStart *start, GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_REFUSED,
                "%s:%" G_GUINT64_FORMAT
                " lies within a transaction; take the position of its GTID event, see SHOW BINLOG EVENTS",
                start->file ? start->file : "the position of these GTIDs", start->pos);
    return false;
}

bool source_probe(const Url *url, const BinlogStart *start, Cancel *cancel, SourceProbe *out, GError **error)
{
    BinlogEvent event;

    *out = (SourceProbe){0};
    g_autoptr(BinlogStream) stream = binlog_stream_open(url, start, NULL, cancel, error);
    if (!stream)
        return false;
    for (;;) {
        if (binlog_stream_next(stream, &event, error) == BINLOG_NEXT_ERROR) {
            refuse_unreadable(start, error);
            return false;
        }
        out->at_end = event.type == BINLOG_HEARTBEAT;
        if (out->at_end || begins_group(event.type)) {
            out->file = event.file;
            out->pos = event.start;
            out->time = out->at_end ? 0 : (int64_t)event.timestamp * G_USEC_PER_SEC;
            return true;
        }
        if (!is_between(&event))
            return refuse_inside(start, error);
    }
}

/* The set that a file begins with: MySQL shows it as the text of an event. */
static GtidSet *gtids_before_file(SourceConnection *source, const char *file, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SHOW BINLOG EVENTS IN ");
    source_quote_string(sql, file);
    g_string_append(sql, " LIMIT 4");
    g_autoptr(SourceRows) rows = source_query(source, sql->str, error);
    if (!rows)
        return NULL;
    for (unsigned i = 0; i < rows->rows->len && rows->n_columns > 5; i++)
        if (g_strcmp0(source_rows_get(rows, i, 2), "Previous_gtids") == 0)
            return gtid_set_parse(SOURCE_MYSQL, source_rows_get(rows, i, 5), error);
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the server does not show which GTIDs come before %s", file);
    return NULL;
}

GtidSet *source_gtids_before(const Url *url, SourceConnection *source, const BinlogStart *start, Cancel *cancel,
                             GError **error)
{
    g_autoptr(GtidSet) set = gtids_before_file(source, start->file, error);
    BinlogStart from = *start;
    BinlogEvent event;
    GtidEvent gtid;

    if (!set || start->pos == FIRST_POSITION)
        return g_steal_pointer(&set);
    from.pos = FIRST_POSITION;
    g_autoptr(BinlogStream) stream = binlog_stream_open(url, &from, NULL, cancel, error);
    while (stream) {
        if (binlog_stream_next(stream, &event, error) == BINLOG_NEXT_ERROR)
            return NULL;
        bool in_file = strcmp(event.file, start->file) == 0;
        if (in_file && event.start < start->pos && begins_group(event.type)) {
            if (!gtid_event_parse(&event, SOURCE_MYSQL, &gtid, error))
                return NULL;
            gtid_set_add(set, &gtid);
        }
        if (!in_file || event.end >= start->pos)
            break;
    }
    return stream ? g_steal_pointer(&set) : NULL;
}

int64_t source_log_began(const Url *url, const char *file, uint32_t server_id, Cancel *cancel)
{
    BinlogStart start = {.file = (char *)file, .pos = FIRST_POSITION, .server_id = server_id};
    BinlogEvent event;

    g_autoptr(BinlogStream) stream = binlog_stream_open(url, &start, NULL, cancel, NULL);
    while (stream && binlog_stream_next(stream, &event, NULL) == BINLOG_NEXT_EVENT) {
        if (event.type == BINLOG_HEARTBEAT)
            break;
        if (event.end > event.start || event.type == BINLOG_FORMAT_DESCRIPTION)
            return (int64_t)event.timestamp * G_USEC_PER_SEC;
    }
    return 0;
}
