#include "pipe/place.h"

#include <string.h>
#include <zlib.h>

void place_load(StreamPlace *place, const CatalogCheckpoint *checkpoint)
{
    memset(place, 0, sizeof *place);
    place->file = g_intern_string(checkpoint->file);
    place->pos = checkpoint->pos;
    place->epoch = checkpoint->epoch;
    place->offset = place->rows_end = place->group_offset = place->sealed_end = place->logged_end = checkpoint->offset;
    place->sum = place->group_sum = place->logged_sum = checkpoint->sum;
    place->newest_time = checkpoint->source_time;
    if (checkpoint->print_file)
        place->print = (Fingerprint){.file = g_intern_string(checkpoint->print_file),
                                     .pos = checkpoint->print_pos,
                                     .gtid = g_strdup(checkpoint->print_gtid),
                                     .time = checkpoint->print_time,
                                     .crc = checkpoint->print_crc};
}

void place_clear(StreamPlace *place)
{
    g_clear_pointer(&place->print.gtid, g_free);
}

/* Else its file and position tell less than the GTIDs do. */
static bool tells_where(const StreamPlace *place)
{
    return !place->seek_file || place->in_order;
}

void place_checkpoint(const StreamPlace *place, const Group *group, const GtidSet *gtid, CatalogCheckpoint *out)
{
    bool known = tells_where(place);
    if (known) {
        out->file = g_strdup(place->before_group ? group->file : place->file);
        out->pos = place->before_group ? group->start : place->pos;
    }
    out->gtid = gtid ? gtid_set_text(gtid) : NULL;
    out->epoch = place->epoch;
    out->offset = known ? place->offset : place->logged_end; /* what no set tells of is sent again */
    out->sum = known ? place->sum : place->logged_sum;
    out->print_file = g_strdup(place->print.file);
    out->print_pos = place->print.pos;
    out->print_gtid = place->print.file ? g_strdup(place->print.gtid) : NULL;
    out->print_time = place->print.time;
    out->print_crc = place->print.crc;
    out->source_time = place->newest_time;
}

/* It begins at the last transaction, which is read once more, but for one of an earlier file that it cannot begin at.
 */
static bool is_in_reach(const char *file, uint64_t pos, const char *print_file, uint64_t print_pos)
{
    bool same_file = print_file && file && strcmp(print_file, file) == 0;
    return (same_file ? print_pos : pos) <= UINT32_MAX;
}

bool place_checkpoint_can_be_resumed(const CatalogCheckpoint *checkpoint)
{
    return is_in_reach(checkpoint->file, checkpoint->pos, checkpoint->print_file, checkpoint->print_pos);
}

bool place_can_be_resumed(const StreamPlace *place)
{
    if (!tells_where(place) && place->undone)
        return false;
    return is_in_reach(place->file, place->pos, place->print.file, place->print.pos);
}

void place_seek(StreamPlace *place, const char *end_file, uint64_t end_pos, bool in_order)
{
    place->seek_file = g_intern_string(end_file);
    place->seek_pos = end_pos;
    place->in_order = in_order;
    place->met = place->undone = false;
    if (place->file && binlog_position_compare(place->file, place->pos, end_file, end_pos) > 0) {
        place->file = NULL; /* the server's files are numbered anew */
        place->pos = 0;
    }
}

static void seek_reaches(StreamPlace *place, const char *file, uint64_t pos)
{
    if (place->seek_file && file && binlog_position_compare(file, pos, place->seek_file, place->seek_pos) >= 0)
        place->seek_file = NULL;
}

bool place_move(StreamPlace *place, const Group *group, const char *file, uint64_t pos)
{
    seek_reaches(place, file, pos);
    if (place->seek_file && !place->met)
        return false;
    place->moved = place->moved || (!group->open && (place->file != file || place->pos != pos));
    place->file = file;
    place->pos = pos;
    return true;
}

bool place_heartbeat(StreamPlace *place, const char *file, uint64_t pos, bool *again)
{
    *again = file && place->idle_file && binlog_position_compare(file, pos, place->idle_file, place->idle_pos) == 0;
    place->idle_file = file;
    place->idle_pos = pos;
    seek_reaches(place, file, pos);
    return !place->seek_file || *again;
}

void place_group_begins(StreamPlace *place)
{
    place->met = true;
    place->group_offset = place->rows_end;
    place->group_sum = place->sum;
}

void place_group_ended(StreamPlace *place, const Group *group, GtidSet *gtid, const BinlogEvent *event)
{
    if (group->logged_on) {
        place->undone = place->undone || place->group_offset != place->logged_end;
        place->logged_end = place->rows_end;
        place->logged_sum = place->sum;
    }
    if (gtid && group->gtid.text[0] && group->logged_on)
        gtid_set_add(gtid, &group->gtid);
    g_free(place->print.gtid);
    place->print = (Fingerprint){.file = group->file,
                                 .pos = group->start,
                                 .gtid = g_strdup(group->gtid.text),
                                 .time = group->time,
                                 .crc = group->crc};
    place->newest_time = (int64_t)event->timestamp * 1000000;
    if (group->gtid.immediate_commit_usec)
        place->newest_time = (int64_t)group->gtid.immediate_commit_usec;
    place->moved = true;
}

uint64_t place_version(uint32_t epoch, uint64_t offset)
{
    return (uint64_t)epoch << 48 | offset;
}

/* The group's CRC is that of all its events so far, its GTID event with time and number among them. It grows from the
 * sum before the group, so what else it holds behind its last rows event is of no account. */
static void add_to_sum(StreamPlace *place, const Group *group)
{
    uint32_t crc = GUINT32_TO_LE(group->crc);
    place->sum = (uint32_t)crc32(place->group_sum, (const Bytef *)&crc, sizeof crc);
}

uint64_t place_pass(StreamPlace *place, const Group *group, const BinlogEvent *event)
{
    uint64_t before = place->offset;
    place->offset += event->body_len;
    place->rows_end = place->offset;
    add_to_sum(place, group);
    return place_version(place->epoch, before);
}

void place_pass_to(StreamPlace *place, const Group *group, uint64_t offset)
{
    if (offset > place->rows_end)
        add_to_sum(place, group);
    place->rows_end = offset;
}

PrintVerdict place_compare_print(const StreamPlace *place, const Group *group, GroupAction action,
                                 const BinlogEvent *event, const GtidEvent *gtid, bool by_gtid)
{
    const Fingerprint *print = &place->print;
    bool first_is_wrong = by_gtid ? gtid && g_strcmp0(gtid->text, print->gtid) != 0
                                  : event->start == print->pos && event->end > event->start && !gtid;
    bool ended = action == GROUP_ENDS || action == GROUP_UNDONE || action == GROUP_PREPARED;
    if (!ended && !first_is_wrong && action != GROUP_BROKEN)
        return PRINT_UNDECIDED;
    return ended && group->crc == print->crc && group->time == print->time &&
                   strcmp(group->gtid.text, print->gtid ? print->gtid : "") == 0
               ? PRINT_SAME
               : PRINT_OTHER;
}

CatalogBatch place_cut(const StreamPlace *place, const Group *group, uint64_t seq)
{
    return (CatalogBatch){.seq = seq,
                          .start_offset = place->sealed_end,
                          .end_offset = place->rows_end,
                          .epoch = place->epoch,
                          .in_group = group->open,
                          .sum = place->sum};
}

bool place_cut_fits(const StreamPlace *place, const BatchCutter *cutter)
{
    const CatalogBatch *cut = batch_cutter_next(cutter);
    if (!cut || place->rows_end < cut->end_offset)
        return true;
    return place->rows_end == cut->end_offset && (cut->sum == CATALOG_SUM_UNKNOWN || cut->sum == place->sum);
}
