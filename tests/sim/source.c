#include "source.h"

#include <string.h>

bool table_keeps_all(unsigned table)
{
    return table == TABLES - 1;
}

static const char *file_name(const Source *source)
{
    char name[40];
    g_snprintf(name, sizeof name, "node%u-bin.%06u", source->number, source->file_number);
    return g_intern_string(name);
}

/* The recogniser reads each text once. */
static const DdlStatement *statement_of(const char *sql)
{
    static GHashTable *known;
    if (!known)
        known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    DdlStatement *statement = g_hash_table_lookup(known, sql);
    if (!statement) {
        statement = ddl_parse(sql, strlen(sql), "d", 0);
        g_hash_table_insert(known, g_strdup(sql), statement);
    }
    return statement;
}

static void event_free(void *data)
{
    g_free(data);
}

static void commit_free(void *data)
{
    Commit *commit = data;
    g_array_unref(commit->changes);
    g_free(commit);
}

/* ---- The log ---- */

static LogEvent *add(Source *source, unsigned type, size_t body_len)
{
    LogEvent *event = g_new0(LogEvent, 1);
    event->event = (BinlogEvent){.type = type,
                                 .flavour = source->flavour,
                                 .timestamp = 1700000000 + (uint32_t)(source->events / 4),
                                 .server_id = source->gtid_server,
                                 .file = source->file,
                                 .start = source->pos,
                                 .end = source->pos + 19 + body_len,
                                 .body = event->body,
                                 .body_len = body_len,
                                 .raw = event->body,
                                 .raw_len = sizeof event->body,
                                 .crc = (uint32_t)(++source->events * 2654435761u)};
    source->pos = event->event.end;
    g_ptr_array_add(source->log, event);
    return event;
}

static void begin_file(Source *source)
{
    source->file_number++;
    source->file = file_name(source);
    source->pos = 4;
    add(source, BINLOG_FORMAT_DESCRIPTION, 230);
    if (source->flavour == SOURCE_MYSQL) {
        add(source, BINLOG_PREVIOUS_GTIDS, 30);
        return;
    }
    add(source, BINLOG_GTID_LIST, 30);
    add(source, BINLOG_CHECKPOINT, 20);
}

bool source_begins_file(unsigned type)
{
    return type == BINLOG_FORMAT_DESCRIPTION || type == BINLOG_GTID_LIST || type == BINLOG_CHECKPOINT ||
           type == BINLOG_PREVIOUS_GTIDS;
}

void source_rotate(Source *source)
{
    add(source, BINLOG_ROTATE, 20);
    begin_file(source);
}

bool is_gtid_event(const BinlogEvent *event)
{
    return event->type == BINLOG_GTID_MARIADB || event->type == BINLOG_GTID_MYSQL;
}

static LogEvent *add_query(Source *source, const char *sql)
{
    LogEvent *event = add(source, BINLOG_QUERY, 20 + strlen(sql));
    event->statement = statement_of(sql);
    event->sql = g_intern_string(sql);
    return event;
}

/* MariaDB says by flags what the group is. */
static void add_gtid(Source *source, uint8_t flags, bool prepares)
{
    bool mysql = source->flavour == SOURCE_MYSQL;
    LogEvent *event = add(source, mysql ? BINLOG_GTID_MYSQL : BINLOG_GTID_MARIADB, mysql ? 60 : 19);
    GtidEvent *gtid = &event->gtid;
    gtid->seq = ++source->seq;
    if (mysql) {
        gtid->uuid[sizeof gtid->uuid - 1] = (uint8_t)source->gtid_server;
        g_snprintf(gtid->text, sizeof gtid->text, "00000000-0000-0000-0000-0000000000%02x:%" G_GUINT64_FORMAT,
                   source->gtid_server, gtid->seq);
        return;
    }
    gtid->flags = flags;
    gtid->is_prepared_xa = prepares;
    g_snprintf(gtid->text, sizeof gtid->text, "0-%u-%" G_GUINT64_FORMAT, source->gtid_server, source->seq);
}

static void begin_group(Source *source)
{
    add_gtid(source, 0, false);
    if (source->flavour == SOURCE_MYSQL)
        add_query(source, "BEGIN");
}

static unsigned rows_type(const Change *change)
{
    return change->deleted ? BINLOG_DELETE_ROWS_V1 : change->replaces ? BINLOG_UPDATE_ROWS_V1 : BINLOG_WRITE_ROWS_V1;
}

/* Table and count, the definition, then six bytes a change; the rest is there for its length alone. */
static void add_rows(Source *source, const GArray *changes, unsigned from, unsigned to)
{
    add(source, BINLOG_TABLE_MAP, 30);
    LogEvent *rows = add(source, rows_type(&g_array_index(changes, Change, from)), 10 + 8 * (to - from));
    uint8_t *at = rows->body;
    *at++ = (uint8_t)g_array_index(changes, Change, from).table;
    *at++ = (uint8_t)(to - from);
    memcpy(at, &source->definitions[g_array_index(changes, Change, from).table], sizeof(Definition));
    at += sizeof(Definition);
    for (unsigned i = from; i < to; i++) {
        const Change *change = &g_array_index(changes, Change, i);
        *at++ = (uint8_t)change->key;
        *at++ = change->deleted;
        memcpy(at, &change->value, 4);
        at += 4;
    }
}

unsigned rows_read(const BinlogEvent *event, Change *out)
{
    const uint8_t *at = event->body;
    unsigned table = *at++, n = *at++;
    at += sizeof(Definition);
    for (unsigned i = 0; i < n; i++) {
        out[i] = (Change){.table = table, .key = at[0], .deleted = at[1]};
        memcpy(&out[i].value, at + 2, 4);
        at += 6;
    }
    return n;
}

Definition rows_definition(const BinlogEvent *event)
{
    Definition definition;
    memcpy(&definition, event->body + 2, sizeof definition);
    return definition;
}

#define EVENT_ROWS 4

/* An event holds rows of one table, of a statement that inserts, updates or deletes. `random`: NULL, one statement
 * wrote them all. */
static void add_changes(Source *source, const GArray *changes, Random *random)
{
    for (unsigned i = 0; i < changes->len;) {
        const Change *first = &g_array_index(changes, Change, i);
        unsigned end = i + 1, most = random ? 1 + random_below(random, EVENT_ROWS) : EVENT_ROWS;
        while (end < changes->len && end - i < most && g_array_index(changes, Change, end).table == first->table &&
               rows_type(&g_array_index(changes, Change, end)) == rows_type(first))
            end++;
        add_rows(source, changes, i, end);
        i = end;
    }
}

static void group_ends(Source *source)
{
    LogEvent *last = source->log->pdata[source->log->len - 1];
    last->ends = true;
    last->shown = source->commits->len;
}

/* ---- What is committed ---- */

static GArray *changes_new(Source *source, Random *random, unsigned n, bool ignored)
{
    GArray *changes = g_array_new(FALSE, FALSE, sizeof(Change));
    for (unsigned i = 0; i < n; i++) {
        Change change = {.table = ignored ? IGNORED : random_below(random, TABLES + 1),
                         .key = random_below(random, KEYS),
                         .value = ++source->next_value,
                         .deleted = random_one_in(random, 4)};
        g_array_append_val(changes, change);
    }
    return changes;
}

static Commit *commit(Source *source, GArray *changes, int truncated)
{
    Commit *commit = g_new0(Commit, 1);
    commit->changes = changes ? g_array_ref(changes) : g_array_new(FALSE, FALSE, sizeof(Change));
    commit->truncated = truncated;
    commit->altered = -1;
    g_ptr_array_add(source->commits, commit);
    return commit;
}

Definition source_definition(const Source *source, unsigned as_of, unsigned table)
{
    for (unsigned c = MIN(as_of, source->commits->len); c-- > 0;) {
        const Commit *at = source->commits->pdata[c];
        if (at->altered == (int)table)
            return at->definition;
    }
    return (Definition){.added = COLUMNS_FIRST};
}

bool source_definition_of(const Source *source, uint32_t value, Definition *out)
{
    for (unsigned c = source->commits->len; c-- > 0;) {
        const Commit *at = source->commits->pdata[c];
        for (unsigned i = 0; i < at->changes->len; i++) {
            const Change *change = &g_array_index(at->changes, Change, i);
            if (change->value != value)
                continue;
            *out = source_definition(source, c, change->table);
            return true;
        }
    }
    return false;
}

/* The changes of a row of which `as_of` is the last one; walks back. */
uint32_t source_row(const Source *source, unsigned as_of, unsigned table, unsigned key)
{
    for (unsigned c = MIN(as_of, source->commits->len); c-- > 0;) {
        const Commit *commit = source->commits->pdata[c];
        for (unsigned i = commit->changes->len; i-- > 0;) {
            const Change *change = &g_array_index(commit->changes, Change, i);
            if (change->table == table && change->key == key)
                return change->deleted ? 0 : change->value;
        }
        if (commit->truncated == (int)table)
            return 0;
    }
    return 0;
}

int source_when(const Source *source, unsigned table, unsigned key, uint32_t value, unsigned from)
{
    uint32_t is = 0;
    bool ever = !value;
    if (from == 0 && !value)
        return 0;
    for (unsigned c = 1; c <= source->commits->len; c++) {
        const Commit *commit = source->commits->pdata[c - 1];
        bool was = false;
        if (commit->truncated == (int)table)
            is = 0;
        for (unsigned i = 0; i < commit->changes->len; i++) {
            const Change *change = &g_array_index(commit->changes, Change, i);
            if (change->table != table || change->key != key)
                continue;
            is = change->deleted ? 0 : change->value;
            was = was || is == value;
        }
        was = was || is == value;
        ever = ever || was;
        if (was && c >= from)
            return (int)c;
    }
    return ever ? SOURCE_EARLIER : SOURCE_NEVER;
}

bool source_has(const Source *source, uint32_t value)
{
    for (unsigned c = 0; c < source->commits->len; c++) {
        const Commit *commit = source->commits->pdata[c];
        for (unsigned i = 0; i < commit->changes->len; i++)
            if (g_array_index(commit->changes, Change, i).value == value)
                return true;
    }
    return false;
}

/* ---- Writing ---- */

static void lock_out(GArray *changes, const Change *locked)
{
    for (unsigned i = changes->len; i-- > 0;) {
        const Change *change = &g_array_index(changes, Change, i);
        if (change->table == locked->table && change->key == locked->key)
            g_array_remove_index(changes, i);
    }
}

/* Rows are locked by XA transactions that are prepared, and by all that cannot be read yet: no other changes them. */
static void leave_locked_out(const Source *source, GArray *changes)
{
    for (unsigned x = 0; x < XIDS; x++)
        for (unsigned h = 0; source->xa[x] && h < source->xa[x]->len; h++)
            lock_out(changes, &g_array_index(source->xa[x], Change, h));
    for (unsigned c = source_readable(source, NULL, NULL); c < source->commits->len; c++) {
        const GArray *held = ((const Commit *)source->commits->pdata[c])->changes;
        for (unsigned h = 0; h < held->len; h++)
            lock_out(changes, &g_array_index(held, Change, h));
    }
    for (unsigned i = source->readable; i < source->log->len; i++) {
        const LogEvent *event = source->log->pdata[i];
        Change held[4];
        for (unsigned h = rows_event_is(event->event.type) ? rows_read(&event->event, held) : 0; h-- > 0;)
            lock_out(changes, &held[h]);
    }
}

static bool is_there(const Source *source, const GArray *before, const GArray *changes, unsigned n, const Change *of)
{
    for (unsigned i = n; i-- > 0;) {
        const Change *change = &g_array_index(changes, Change, i);
        if (change->table == of->table && change->key == of->key)
            return !change->deleted;
    }
    return before ? is_there(source, NULL, before, before->len, of)
                  : source_row(source, source->commits->len, of->table, of->key) != 0;
}

/* `before`: of the same transaction; NULL: none. Of a row that is not there nothing is deleted: it is inserted then. */
static void settle_changes(const Source *source, const GArray *before, GArray *changes)
{
    leave_locked_out(source, changes);
    for (unsigned i = 0; i < changes->len; i++) {
        Change *change = &g_array_index(changes, Change, i);
        change->replaces = is_there(source, before, changes, i, change);
        change->deleted = change->deleted && change->replaces;
    }
}

static void here_only_from(Source *source, unsigned at)
{
    for (; at < source->log->len; at++)
        ((LogEvent *)source->log->pdata[at])->here_only = true;
}

static bool is_held_by_xa(const Source *source, unsigned table)
{
    for (unsigned x = 0; x < XIDS; x++)
        for (unsigned i = 0; source->xa[x] && i < source->xa[x]->len; i++)
            if (g_array_index(source->xa[x], Change, i).table == table)
                return true;
    return false;
}

static bool of_one_statement(const Source *source, const GArray *changes)
{
    const Change *first = &g_array_index(changes, Change, 0);
    if (changes->len > EVENT_ROWS || is_held_by_xa(source, first->table))
        return false;
    for (unsigned i = 1; i < changes->len; i++) {
        const Change *change = &g_array_index(changes, Change, i);
        if (change->table != first->table || change->deleted != first->deleted)
            return false;
    }
    return true;
}

/* COMMIT stands behind what was done to a table whose engine has no transactions, which is one statement. */
static void write_plain(Source *source, GArray *changes, Random *random)
{
    bool plain = random_one_in(random, 3);
    if (!changes->len)
        return;
    plain = plain && of_one_statement(source, changes);
    begin_group(source);
    add_changes(source, changes, plain ? NULL : random);
    if (plain)
        add_query(source, "COMMIT");
    else
        add(source, BINLOG_XID, 8);
    commit(source, changes, -1);
    group_ends(source);
}

/* Rows are logged and rolled back, for a temporary table was made within the transaction. MySQL forgets them. */
static void write_undone(Source *source, GArray *changes, Random *random)
{
    unsigned at = source->log->len;
    if (!changes->len || source->flavour == SOURCE_MYSQL)
        return;
    add_gtid(source, 0, false);
    add_changes(source, changes, random);
    add_query(source, "ROLLBACK");
    g_hash_table_add(source->undone, source_gtid(source));
    group_ends(source);
    here_only_from(source, at);
}

/* Its number is given again, for the server counts whole groups when it starts. MySQL then cuts it off its log. */
static void write_broken(Source *source, GArray *changes, Random *random)
{
    unsigned at = source->log->len;
    if (changes->len && source->flavour == SOURCE_MARIADB) {
        add_gtid(source, 0, false);
        add_changes(source, changes, random);
        source->seq--;
        here_only_from(source, at);
        ((LogEvent *)source->log->pdata[at])->broken = true;
    }
    begin_file(source);
    group_ends(source);
}

/* XA PREPARE, and MySQL's ONE PHASE. MariaDB says so in the GTID event, and has an ordinary transaction for ONE PHASE. */
static void add_xa(Source *source, const GArray *changes, unsigned x, bool prepares, Random *random)
{
    char sql[60];
    add_gtid(source, 0, prepares);
    g_snprintf(sql, sizeof sql, "XA START X'%02x',X'',1", x);
    if (source->flavour == SOURCE_MYSQL)
        add_query(source, sql);
    add_changes(source, changes, random);
    if (source->flavour == SOURCE_MARIADB && !prepares) {
        add(source, BINLOG_XID, 8);
        return;
    }
    g_snprintf(sql, sizeof sql, "XA END X'%02x',X'',1", x);
    add_query(source, sql);
    LogEvent *event = add(source, BINLOG_XA_PREPARE, 14);
    const uint8_t body[14] = {!prepares, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, (uint8_t)x};
    memcpy(event->body, body, sizeof body);
}

#define XA_FIRST     0x60
#define XA_ONE_PHASE 0x6f

static void write_xa(Source *source, WriteKind kind, GArray *changes, Random *random)
{
    unsigned x = random_below(random, XIDS);
    char sql[60];
    if (kind == WRITE_XA_PREPARE || kind == WRITE_ONE_PHASE) {
        bool prepares = kind == WRITE_XA_PREPARE;
        if ((prepares && source->xa[x]) || !changes->len)
            return;
        add_xa(source, changes, prepares ? XA_FIRST + x : XA_ONE_PHASE, prepares, random);
        if (prepares)
            source->xa[x] = g_array_ref(changes);
        else
            commit(source, changes, -1);
        group_ends(source);
        return;
    }
    for (unsigned tries = 0; tries < XIDS && !source->xa[x]; tries++)
        x = (x + 1) % XIDS;
    if (!source->xa[x])
        return;
    add_gtid(source, GTID_FLAG_STANDALONE, false);
    g_snprintf(sql, sizeof sql, "XA %s X'6%u',X'',1", kind == WRITE_XA_COMMIT ? "COMMIT" : "ROLLBACK", x);
    add_query(source, sql);
    if (kind == WRITE_XA_COMMIT)
        commit(source, source->xa[x], -1);
    g_clear_pointer(&source->xa[x], g_array_unref);
    group_ends(source);
}

/* Rows behind the savepoint are in the log, and do not count, for a temporary table was made behind it. One that stands
 * before the first row is not logged, and ROLLBACK TO it ends the group. */
static void write_savepoint(Source *source, GArray *changes, Random *random)
{
    g_autoptr(GArray) undone = changes_new(source, random, 1 + random_below(random, 3), false);
    g_autoptr(GArray) after = changes_new(source, random, random_below(random, 3), false);
    bool in_words = random_one_in(random, 2);
    settle_changes(source, changes, undone);
    settle_changes(source, changes, after);
    if (!changes->len) {
        write_undone(source, undone, random);
        write_plain(source, after, random);
        return;
    }
    begin_group(source);
    add_changes(source, changes, random);
    add_query(source, "SAVEPOINT `a`");
    unsigned at = source->log->len;
    if (source->flavour == SOURCE_MARIADB) {
        add_changes(source, undone, random);
        add_query(source, in_words ? "ROLLBACK TO `A`" : "ROLLBACK TO `a`");
        here_only_from(source, at);
    }
    add_changes(source, after, random);
    add(source, BINLOG_XID, 8);
    if (after->len)
        g_array_append_vals(changes, after->data, after->len);
    commit(source, changes, -1);
    group_ends(source);
}

/* It waits until what was done to the table can be read, and is not begun where an XA transaction would hold it up. */
static void write_truncate(Source *source, Random *random)
{
    unsigned table = random_below(random, TABLES);
    char sql[40];
    if (is_held_by_xa(source, table))
        return;
    while (source_readable(source, NULL, NULL) < source->commits->len)
        source_show_more(source);
    add_gtid(source, GTID_FLAG_STANDALONE | GTID_FLAG_DDL, false);
    g_snprintf(sql, sizeof sql, "TRUNCATE TABLE d.t%u", table);
    add_query(source, sql);
    commit(source, NULL, (int)table);
    group_ends(source);
}

/* It waits as TRUNCATE does. Whoever reads the table sees it altered from when it stands in the log, and not before. */
static void write_alter(Source *source, WriteKind kind, Random *random)
{
    unsigned table = random_below(random, TABLES);
    Definition *definition = &source->definitions[table];
    char sql[80];
    if (is_held_by_xa(source, table) || source->held[table])
        return;
    if (kind == WRITE_ADD_COLUMN)
        g_snprintf(sql, sizeof sql, "ALTER TABLE d.t%u ADD COLUMN c%u INT", table, definition->added + 1);
    else if (definition->added == definition->dropped)
        return;
    else if (kind == WRITE_DROP_COLUMN)
        g_snprintf(sql, sizeof sql, "ALTER TABLE d.t%u DROP COLUMN c%u", table, definition->dropped + 1);
    else
        g_snprintf(sql, sizeof sql, "ALTER TABLE d.t%u MODIFY COLUMN c%u DECIMAL(%u)", table, definition->added,
                   10 + definition->modified / MODIFY_STEPS);
    definition->number++;
    definition->added += kind == WRITE_ADD_COLUMN;
    definition->dropped += kind == WRITE_DROP_COLUMN;
    definition->modified += kind == WRITE_MODIFY ? MODIFY_STEPS : 0;
    add_gtid(source, GTID_FLAG_STANDALONE | GTID_FLAG_DDL, false);
    add_query(source, sql)->definition = *definition;
    Commit *altered = commit(source, NULL, -1);
    altered->altered = (int)table;
    altered->definition = *definition;
    group_ends(source);
    source->readable = source->log->len;
}

const char *write_kind_name(unsigned kind)
{
    static const char *const names[] = {"plain",    "undone",    "savepoint",  "large",     "broken",
                                        "ignored",  "one phase", "xa prepare", "xa commit", "xa rollback",
                                        "truncate", "alter",     "alter",      "alter",     ""};
    return names[MIN(kind, WRITE_KINDS)];
}

void source_write(Source *source, WriteKind kind, Random *random)
{
    unsigned n = kind == WRITE_LARGE ? 12 + random_below(random, 20) : 1 + random_below(random, 4);
    g_autoptr(GArray) changes = changes_new(source, random, n, kind == WRITE_IGNORED);
    settle_changes(source, NULL, changes);
    switch (kind) {
    case WRITE_PLAIN:
    case WRITE_LARGE:
    case WRITE_IGNORED:
        write_plain(source, changes, random);
        break;
    case WRITE_UNDONE:
        write_undone(source, changes, random);
        break;
    case WRITE_BROKEN:
        write_broken(source, changes, random);
        break;
    case WRITE_SAVEPOINT:
        write_savepoint(source, changes, random);
        break;
    case WRITE_TRUNCATE:
        write_truncate(source, random);
        break;
    case WRITE_ADD_COLUMN:
    case WRITE_DROP_COLUMN:
    case WRITE_MODIFY:
        write_alter(source, kind, random);
        break;
    case WRITE_ONE_PHASE:
    case WRITE_XA_PREPARE:
    case WRITE_XA_COMMIT:
    case WRITE_XA_ROLLBACK:
        write_xa(source, kind, changes, random);
        break;
    case WRITE_KINDS:
        break;
    }
}

/* ---- What can be read ---- */

static bool is_whole(const LogEvent *event)
{
    return is_gtid_event(&event->event) && !event->broken;
}

/* MySQL: of the log up to there. */
static GtidSet *gtids_up_to(const Source *source, unsigned end)
{
    GtidSet *set = gtid_set_parse(SOURCE_MYSQL, "", NULL);
    for (unsigned i = 0; i < end; i++) {
        const LogEvent *event = source->log->pdata[i];
        if (is_whole(event))
            gtid_set_add(set, &event->gtid);
    }
    return set;
}

static char *missing_in(const char *gtid, const GtidSet *has)
{
    g_autoptr(GtidSet) wanted = gtid_set_parse(SOURCE_MYSQL, gtid, NULL);
    g_autoptr(GtidSet) rest = gtid_set_subtract(wanted, has);
    g_autofree char *text = gtid_set_text(rest);
    return *text ? g_steal_pointer(&text) : NULL;
}

char *source_missing(const Source *source, const char *gtid)
{
    if (source->flavour == SOURCE_MYSQL) {
        g_autoptr(GtidSet) executed = gtids_up_to(source, source->readable);
        return missing_in(gtid, executed);
    }
    g_autofree char *state = source_gtid_state(source);
    g_autoptr(GtidSet) wanted = gtid_set_parse(SOURCE_MARIADB, gtid, NULL);
    return gtid_set_missing_in_state(wanted, state, source->applied, NULL);
}

bool source_logged(const Source *source, const char *gtid)
{
    g_autofree char *missing = NULL;
    if (source->flavour == SOURCE_MYSQL) {
        g_autoptr(GtidSet) all = gtids_up_to(source, source->log->len);
        missing = missing_in(gtid, all);
    } else {
        missing = source_missing(source, gtid);
    }
    return !missing;
}

char *source_gtid(const Source *source)
{
    if (source->flavour == SOURCE_MYSQL) {
        g_autoptr(GtidSet) executed = gtids_up_to(source, source->readable);
        return gtid_set_text(executed);
    }
    for (unsigned i = source->log->len; i-- > 0;) {
        const LogEvent *event = source->log->pdata[i];
        if (is_whole(event))
            return g_strdup(event->gtid.text);
    }
    return g_strdup("");
}

char *source_gtid_state(const Source *source)
{
    uint64_t last[16] = {0};
    for (unsigned i = 0; i < source->log->len; i++) {
        const LogEvent *event = source->log->pdata[i];
        unsigned server;
        if (is_whole(event) && sscanf(event->gtid.text, "0-%u-", &server) == 1)
            last[server % 16] = event->gtid.seq;
    }
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < 16; i++)
        if (last[i])
            g_string_append_printf(text, "%s0-%u-%" G_GUINT64_FORMAT, text->len ? "," : "", i, last[i]);
    return g_string_free(text, FALSE);
}

bool source_undid(const Source *source, const char *gtid)
{
    return g_hash_table_contains(source->undone, gtid);
}

bool source_refuses(const Source *source, const char *gtid)
{
    return source_undid(source, gtid) && strcmp(gtid, source->applied) != 0;
}

unsigned source_readable(const Source *source, const char **file, uint64_t *pos)
{
    unsigned shown = 0;
    if (file) {
        *file = source->file;
        *pos = source->pos;
    }
    for (unsigned i = source->readable; i < source->log->len; i++)
        if (((const LogEvent *)source->log->pdata[i])->ends) {
            if (!file)
                break;
            /* Where the last group that can be read ends. */
            const LogEvent *last = source->readable ? source->log->pdata[source->readable - 1] : NULL;
            *file = last ? last->event.file : source->file;
            *pos = last ? last->event.end : 4;
            break;
        }
    for (unsigned i = source->readable; i-- > 0;) {
        const LogEvent *event = source->log->pdata[i];
        if (event->ends) {
            shown = event->shown;
            break;
        }
    }
    return shown;
}

bool source_holds(const Source *source, unsigned table)
{
    for (unsigned i = source->readable; i < source->log->len; i++) {
        const LogEvent *event = source->log->pdata[i];
        Change held[EVENT_ROWS];
        if (rows_event_is(event->event.type) && rows_read(&event->event, held) && held[0].table == table)
            return true;
    }
    for (unsigned c = source_readable(source, NULL, NULL); c < source->commits->len; c++) {
        const Commit *held = source->commits->pdata[c]; /* XA COMMIT logs no rows */
        for (unsigned i = 0; i < held->changes->len; i++)
            if (g_array_index(held->changes, Change, i).table == table)
                return true;
        if (held->truncated == (int)table)
            return true;
    }
    return is_held_by_xa(source, table);
}

void source_show_more(Source *source)
{
    while (source->readable < source->log->len)
        if (((const LogEvent *)source->log->pdata[source->readable++])->ends)
            break;
}

/* ---- Its life ---- */

Source *source_new(Random *random, unsigned rows, SourceFlavour flavour)
{
    Source *source = g_new0(Source, 1);
    source->flavour = flavour;
    source->number = source->gtid_server = 1;
    source->log = g_ptr_array_new_with_free_func(event_free);
    source->commits = g_ptr_array_new_with_free_func(commit_free);
    source->undone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned table = 0; table <= TABLES; table++)
        source->definitions[table] = source_definition(source, 0, table);
    begin_file(source);
    add_gtid(source, GTID_FLAG_STANDALONE | GTID_FLAG_DDL, false);
    add_query(source, "CREATE DATABASE d");
    group_ends(source);
    for (unsigned i = 0; i < rows; i++)
        source_write(source, WRITE_PLAIN, random);
    source->readable = source->log->len;
    return source;
}

void source_free(Source *source)
{
    g_ptr_array_unref(source->log);
    g_ptr_array_unref(source->commits);
    g_hash_table_unref(source->undone);
    for (unsigned x = 0; x < XIDS; x++)
        if (source->xa[x])
            g_array_unref(source->xa[x]);
    g_free(source);
}

static void copy(Source *source, const LogEvent *from, unsigned shown)
{
    /* Its tables are of InnoDB; MariaDB's would have a transaction for each group in any case, for it notes its place in
     * one. */
    bool commits = from->statement && from->statement->kind == DDL_COMMIT;
    LogEvent *to = add(source, commits ? BINLOG_XID : from->event.type, commits ? 8 : from->event.body_len);
    to->statement = commits ? NULL : from->statement;
    to->sql = commits ? NULL : from->sql;
    to->definition = from->definition;
    to->gtid = from->gtid;
    to->event.server_id = from->event.server_id;
    to->shown = from->shown;
    to->ends = from->ends;
    memcpy(to->body, from->body, sizeof to->body);
    if (to->ends && to->shown <= shown)
        source->readable = source->log->len;
}

static bool is_alter(const LogEvent *event)
{
    return event->statement && event->statement->kind == DDL_ALTER_TABLE;
}

/* MariaDB notes what it replicated last. */
static void receive(Source *source)
{
    g_autofree char *last = source_gtid(source);
    g_strlcpy(source->applied, last, sizeof source->applied);
}

/* It has logged what it carried out: not what was undone, nor what was broken off. What it received is readable only as
 * it applies it, so at first nothing but what the old one showed is. */
void source_fail_over(Source *source, unsigned lost)
{
    if (lost)
        source_lose(source, lost);
    unsigned shown = source_readable(source, NULL, NULL);
    if (source->flavour == SOURCE_MARIADB) {
        receive(source);
        source->seq = *source->applied ? g_ascii_strtoull(strrchr(source->applied, '-') + 1, NULL, 10) : 0;
    } else {
        source->seq = 0; /* each server counts by itself */
    }
    g_autoptr(GPtrArray) old = source->log;
    source->log = g_ptr_array_new_with_free_func(event_free);
    source->number++;
    source->gtid_server++;
    source->file_number = 0;
    begin_file(source);
    source->readable = source->log->len;
    for (unsigned i = 0; i < old->len; i++) {
        const LogEvent *from = old->pdata[i];
        if (source_begins_file(from->event.type) && from->ends) { /* what there was when the old one's log began anew */
            LogEvent *last = source->log->pdata[source->log->len - 1];
            last->ends = true;
            last->shown = from->shown;
        }
        if (from->here_only || from->event.type == BINLOG_ROTATE || source_begins_file(from->event.type))
            continue;
        copy(source, from, shown);
        if (is_alter(from)) /* it had waited for what was before it, and was logged behind that */
            source->readable = source->log->len;
        if (i % 7 == 6 && from->ends)
            source_rotate(source);
    }
}

void source_reset(Source *source)
{
    g_ptr_array_set_size(source->log, 0);
    source->file_number = 0;
    source->seq = 0;
    begin_file(source);
    group_ends(source); /* all that there is can be read */
    source->readable = source->log->len;
    for (unsigned x = 0; x < XIDS; x++)
        g_clear_pointer(&source->xa[x], g_array_unref); /* they could not be ended by what the log says */
}

void source_lose(Source *source, unsigned groups)
{
    unsigned at = source->log->len;
    for (; at > 0 && groups > 0; at--) {
        const LogEvent *event = source->log->pdata[at - 1];
        if (strcmp(event->event.file, source->file) != 0)
            return; /* a file is on disk before the next one begins */
        if (is_gtid_event(&event->event))
            groups--;
    }
    if (groups > 0)
        return;
    const LogEvent *first = source->log->pdata[at];
    /* XA transactions that were prepared before it and ended in what is lost would be prepared again: such a loss is
     * left out. */
    for (unsigned i = at; i < source->log->len; i++) {
        const LogEvent *event = source->log->pdata[i];
        if (event->event.type == BINLOG_XA_PREPARE || (event->statement && (event->statement->kind == DDL_XA_COMMIT ||
                                                                            event->statement->kind == DDL_XA_ROLLBACK)))
            return;
    }
    unsigned shown = 0;
    for (unsigned i = at; i-- > 0 && !shown;)
        shown = ((const LogEvent *)source->log->pdata[i])->shown;
    bool received = first->event.server_id != source->gtid_server;
    source->seq = first->gtid.seq - 1;
    g_ptr_array_set_size(source->log, (int)at);
    if (received && source->flavour == SOURCE_MYSQL)
        source->seq = 0;
    else if (received) /* its place stands in a table like any other */
        receive(source);
    g_ptr_array_set_size(source->commits, (int)shown);
    for (unsigned table = 0; table <= TABLES; table++)
        source->definitions[table] = source_definition(source, shown, table);
    const LogEvent *last = source->log->pdata[at - 1];
    unsigned number;
    source->file = last->event.file;
    source->pos = last->event.end;
    if (sscanf(strchr(source->file, '.') + 1, "%u", &number) == 1)
        source->file_number = number;
    begin_file(source); /* it was started again */
    source->readable = source->log->len;
}
