#include "pipe/group.h"

#include <string.h>
#include <zlib.h>

void group_init(Group *group)
{
    memset(group, 0, sizeof *group);
    group->savepoint_names = g_ptr_array_new_with_free_func(g_free);
}

void group_clear(Group *group)
{
    g_ptr_array_free(group->savepoint_names, TRUE);
    memset(group, 0, sizeof *group);
}

static void add_bytes(Group *group, const BinlogEvent *event)
{
    if (event->raw)
        group->crc = (uint32_t)crc32(group->crc, event->raw, (uInt)event->raw_len);
}

static void begin(Group *group, const BinlogEvent *event, SourceFlavour flavour, const GtidEvent *gtid)
{
    group->open = true;
    /* MariaDB says so in the GTID event. MySQL: a statement that is not BEGIN ends its group. */
    group->single = flavour == SOURCE_MYSQL || (gtid->flags & GTID_FLAG_STANDALONE);
    group->savepoints = false;
    group->marks = 1;
    group->gtid = *gtid;
    group->file = event->file;
    group->start = event->start;
    group->time = event->timestamp;
    group->crc = 0;
    g_ptr_array_set_size(group->savepoint_names, 0);
    add_bytes(group, event);
}

static void add_savepoint(Group *group, const char *name)
{
    /* A savepoint of the same name moves: the older one cannot be reached any more. */
    for (unsigned i = 0; i < group->savepoint_names->len; i++)
        if (g_ascii_strcasecmp(group->savepoint_names->pdata[i], name) == 0) {
            g_free(group->savepoint_names->pdata[i]);
            group->savepoint_names->pdata[i] = g_strdup("");
        }
    g_ptr_array_add(group->savepoint_names, g_strdup(name));
    group->savepoints = true;
    group->marks++;
}

static GroupAction undo_to(Group *group, const char *name, unsigned *undo_mark)
{
    for (unsigned i = group->savepoint_names->len; i-- > 0;)
        if (g_ascii_strcasecmp(group->savepoint_names->pdata[i], name) == 0) {
            *undo_mark = i + 1;
            g_ptr_array_set_size(group->savepoint_names, (int)i + 1);
            group->marks = i + 2;
            return GROUP_UNDO_TO;
        }
    /* Set before the first row of the group: servers do not log it then. */
    *undo_mark = 0;
    g_ptr_array_set_size(group->savepoint_names, 0);
    group->marks = 1;
    return GROUP_UNDO_TO;
}

static GroupAction end(Group *group, GroupAction action)
{
    group->open = false;
    return action;
}

static GroupAction query(Group *group, const DdlStatement *statement, unsigned *undo_mark)
{
    switch (statement->kind) {
    case DDL_BEGIN:
    case DDL_XA_START:
        group->single = false;
        return GROUP_INSIDE;
    case DDL_XA_END:
        return GROUP_INSIDE;
    case DDL_COMMIT:
        return end(group, GROUP_ENDS);
    case DDL_ROLLBACK:
        return end(group, GROUP_UNDONE);
    case DDL_XA_PREPARE:
        return end(group, GROUP_PREPARED);
    case DDL_SAVEPOINT:
        add_savepoint(group, statement->name ? statement->name : "");
        return GROUP_INSIDE;
    case DDL_ROLLBACK_TO:
        return undo_to(group, statement->name ? statement->name : "", undo_mark);
    default:
        return group->single ? end(group, GROUP_ENDS) : GROUP_INSIDE;
    }
}

GroupAction group_event(Group *group, const BinlogEvent *event, SourceFlavour flavour, const DdlStatement *statement,
                        const GtidEvent *gtid, unsigned *undo_mark)
{
    if (gtid) {
        bool was_open = group->open;
        begin(group, event, flavour, gtid);
        return was_open ? GROUP_BROKEN : GROUP_BEGINS;
    }
    if (!group->open)
        return GROUP_INSIDE;
    if (event->type == BINLOG_FORMAT_DESCRIPTION) {
        /* The server restarted within it: what was not ended never was. Artificial ones (a dump begins) come before groups. */
        group->open = false;
        return GROUP_BROKEN;
    }
    if (event->type == BINLOG_HEARTBEAT || event->type == BINLOG_ROTATE || event->type == BINLOG_CHECKPOINT)
        return GROUP_INSIDE;
    add_bytes(group, event);
    if (event->type == BINLOG_XID)
        return end(group, GROUP_ENDS);
    if (event->type == BINLOG_XA_PREPARE)
        /* A body that begins with 1 is XA COMMIT ... ONE PHASE (log_event.h, XA_prepare_log_event). */
        return end(group, event->body_len > 0 && event->body[0] == 1 ? GROUP_ENDS : GROUP_PREPARED);
    return statement ? query(group, statement, undo_mark) : GROUP_INSIDE;
}
