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

/* The reader of the log has the CRC of the event's bytes already; large transactions are not gone through twice. */
static void add_crc(Group *group, const BinlogEvent *event)
{
    uint32_t crc = GUINT32_TO_LE(event->crc);
    if (event->raw)
        group->crc = (uint32_t)crc32(group->crc, (const Bytef *)&crc, sizeof crc);
}

static void begin(Group *group, const BinlogEvent *event, SourceFlavour flavour, const GtidEvent *gtid)
{
    group->open = true;
    /* MariaDB says so in the GTID event. MySQL: a statement that is not BEGIN ends its group. */
    group->single = flavour == SOURCE_MYSQL || (gtid->flags & GTID_FLAG_STANDALONE);
    group->savepoints = false;
    group->logged_on = true;
    group->xa = gtid->is_prepared_xa;
    group->marks = 1;
    group->gtid = *gtid;
    group->file = event->file;
    group->start = event->start;
    group->time = event->timestamp;
    group->crc = 0;
    g_ptr_array_set_size(group->savepoint_names, 0);
    add_crc(group, event);
}

/* Servers compare these names by utf8_general_ci, without case and accents: SAVEPOINT `É` is found by ROLLBACK TO `e`. */
static char *fold_name(const char *name)
{
    if (!name || !g_utf8_validate(name, -1, NULL))
        return g_ascii_strdown(name ? name : "", -1);
    g_autofree char *apart = g_utf8_normalize(name, -1, G_NORMALIZE_NFD);
    g_autoptr(GString) bare = g_string_new(NULL);
    for (const char *p = apart; *p; p = g_utf8_next_char(p))
        if (!g_unichar_ismark(g_utf8_get_char(p)))
            g_string_append_unichar(bare, g_utf8_get_char(p));
    return g_utf8_casefold(bare->str, (gssize)bare->len);
}

/* The mark of the newest savepoint of that (folded) name; 0: there is none. */
static unsigned find_savepoint(const Group *group, const char *folded)
{
    for (unsigned i = group->savepoint_names->len; i-- > 0;)
        if (g_strcmp0(group->savepoint_names->pdata[i], folded) == 0)
            return i + 1;
    return 0;
}

static void add_savepoint(Group *group, const char *name)
{
    char *folded = fold_name(name);
    unsigned older = find_savepoint(group, folded);

    /* A savepoint of the same name moves: the older one cannot be reached any more. */
    if (older)
        g_clear_pointer(&group->savepoint_names->pdata[older - 1], g_free);
    g_ptr_array_add(group->savepoint_names, folded);
    group->savepoints = true;
    group->marks++;
}

static GroupAction undo_to(Group *group, const char *name, unsigned *undo_mark)
{
    g_autofree char *folded = fold_name(name);
    unsigned mark = find_savepoint(group, folded);

    /* A savepoint that stands before the first row is not logged, and ROLLBACK TO it ends the group with ROLLBACK (MariaDB
     * 10.11). So a name that is not known is one that this side compares otherwise than the server. */
    if (!mark)
        return GROUP_UNDO_UNKNOWN;
    *undo_mark = mark;
    g_ptr_array_set_size(group->savepoint_names, (int)mark);
    group->marks = mark + 1;
    return GROUP_UNDO_TO;
}

static GroupAction end(Group *group, GroupAction action)
{
    group->open = false;
    return action;
}

static GroupAction query(Group *group, SourceFlavour flavour, const DdlStatement *statement, unsigned *undo_mark)
{
    switch (statement->kind) {
    case DDL_XA_START:
        group->xa = true;
        group->single = false;
        return GROUP_INSIDE;
    case DDL_BEGIN:
        group->single = false;
        return GROUP_INSIDE;
    case DDL_XA_END:
        return GROUP_INSIDE;
    case DDL_COMMIT:
    case DDL_XA_COMMIT:
        return end(group, GROUP_ENDS);
    case DDL_ROLLBACK:
        group->logged_on = flavour == SOURCE_MYSQL;
        return end(group, GROUP_UNDONE);
    case DDL_XA_ROLLBACK:
        return end(group, GROUP_UNDONE);
    case DDL_XA_PREPARE:
        return end(group, GROUP_PREPARED);
    case DDL_SAVEPOINT:
        add_savepoint(group, statement->name);
        return GROUP_INSIDE;
    case DDL_ROLLBACK_TO:
        return undo_to(group, statement->name, undo_mark);
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
    add_crc(group, event);
    if (event->type == BINLOG_XID)
        return end(group, GROUP_ENDS);
    if (event->type == BINLOG_XA_PREPARE)
        /* A body that begins with 1 is XA COMMIT ... ONE PHASE (log_event.h, XA_prepare_log_event). */
        return end(group, event->body_len > 0 && event->body[0] == 1 ? GROUP_ENDS : GROUP_PREPARED);
    return statement ? query(group, flavour, statement, undo_mark) : GROUP_INSIDE;
}
