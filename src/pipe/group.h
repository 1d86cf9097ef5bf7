/* group.h - where transactions begin and end in the binlog, and what is taken back. Pure.
 *
 * Rows count at their group's end (replication.md, Transactions). A group begins at its GTID event and ends at XID, COMMIT,
 * ROLLBACK, XA PREPARE or, when it is one statement, behind that statement. Marks are numbered within a group: 0 is its
 * start, each SAVEPOINT adds one; "undo to mark k" takes back every row after it.
 */
#ifndef SLUICE_PIPE_GROUP_H
#define SLUICE_PIPE_GROUP_H

#include "mysql/mysql.h"

typedef struct {
    bool open;
    bool single;      /* ends behind its first statement that is not BEGIN */
    bool savepoints;  /* a SAVEPOINT was seen: rows are held until the end */
    bool logged_on;   /* replicas log it, too: MariaDB's do not log what was rolled back, and have no such GTID */
    bool xa;          /* an XA transaction: its rows are set aside until its end says whether they count */
    unsigned marks;   /* how many marks there are: >= 1 while open */
    GtidEvent gtid;
    const char *file; /* interned: where its first event stands */
    uint64_t start;
    uint32_t time;    /* header time of its first event */
    uint32_t crc;     /* over the CRC32 of each of its events so far */
    GPtrArray *savepoint_names; /* of char *, folded, by mark - 1; NULL: hidden by a newer one of its name */
} Group;

void group_init(Group *group);
void group_clear(Group *group);

typedef enum {
    GROUP_INSIDE,  /* nothing to do: the group goes on, or the event is outside of groups */
    GROUP_BEGINS,
    GROUP_ENDS,    /* its rows count */
    GROUP_UNDONE,  /* all its rows are taken back (undo to mark 0), and it has ended */
    GROUP_BROKEN,  /* as UNDONE for the old group, and a new one begins with this event, if it is a GTID */
    GROUP_UNDO_TO, /* rows after mark `undo_mark` are taken back; the group goes on */
    GROUP_UNDO_UNKNOWN, /* some of its rows are taken back, and it cannot be told which; the group goes on */
    GROUP_PREPARED, /* it ends with XA PREPARE: its rows do not count yet */
} GroupAction;

/* XA COMMIT and XA ROLLBACK of what was prepared in another group: a group of their own, ENDS and UNDONE.
 *
 * What an event means. `statement`: what a QUERY event's text is, else NULL. `gtid`: of a GTID event, else NULL. */
GroupAction group_event(Group *group, const BinlogEvent *event, SourceFlavour flavour, const DdlStatement *statement,
                        const GtidEvent *gtid, unsigned *undo_mark);

#endif
