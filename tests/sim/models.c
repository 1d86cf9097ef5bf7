/* models.c - rows of actions for the models of both servers, and what the models say of each, as JSON lines:
 * test_models.py carries the same actions out on real servers and compares.
 *
 * usage: models source SEED COUNT [mysql] [restarts] [failover]
 *        models destination SEED COUNT
 */
#include "destination.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_take(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    puts(text);
    free(text);
    json_decref(line);
}

/* ---- The source ---- */

static json_t *rows_event(const BinlogEvent *event)
{
    static const char *const names[] = {"insert", "update", "delete"};
    Change changes[4];
    unsigned n = rows_read(event, changes);
    json_t *rows = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(rows, json_pack("[ii]", (int)changes[i].key, (int)changes[i].value));
    char table[4];
    g_snprintf(table, sizeof table, "t%u", changes[0].table % 10);
    return json_pack("[ssso]", "rows", table, names[event->type - BINLOG_WRITE_ROWS_V1], rows);
}

/* NULL: it says nothing by itself. */
static json_t *event_json(const LogEvent *event)
{
    switch (event->event.type) {
    case BINLOG_GTID_MARIADB:
    case BINLOG_GTID_MYSQL:
        return json_pack("[ssii]", "gtid", event->gtid.text, event->gtid.flags, event->gtid.is_prepared_xa);
    case BINLOG_QUERY:
        return json_pack("[ss]", "query", event->sql);
    case BINLOG_XID:
        return json_pack("[s]", "xid");
    case BINLOG_XA_PREPARE: {
        char *xid = NULL;
        bool one_phase;
        if (!xa_prepare_event_parse(&event->event, &one_phase, &xid, NULL))
            abort();
        json_t *json = json_pack("[sbs]", "prepare", one_phase, xid);
        g_free(xid);
        return json;
    }
    case BINLOG_FORMAT_DESCRIPTION:
        return json_pack("[s]", "format");
    case BINLOG_ROTATE:
        return json_pack("[s]", "rotate");
    case BINLOG_TABLE_MAP:
        return NULL;
    default:
        return rows_event_is(event->event.type) ? rows_event(&event->event)
                                                : json_pack("[si]", "side", (int)event->event.type);
    }
}

static json_t *log_json(const Source *source, unsigned from)
{
    json_t *log = json_array();
    for (unsigned i = from; i < source->log->len; i++) {
        json_t *event = event_json(source->log->pdata[i]);
        if (event)
            json_array_append_new(log, event);
    }
    return log;
}

static json_t *tables_json(const Source *source)
{
    unsigned as_of = source_readable(source, NULL, NULL);
    json_t *tables = json_array();
    for (unsigned table = 0; table <= IGNORED; table++) {
        json_t *rows = json_array();
        for (unsigned key = 0; key < KEYS; key++) {
            uint32_t value = source_row(source, as_of, table, key);
            if (value)
                json_array_append_new(rows, json_pack("[ii]", (int)key, (int)value));
        }
        json_array_append_new(tables, rows);
    }
    return tables;
}

/* How many groups are behind what can be read. */
static unsigned groups_behind(const Source *source)
{
    const char *file;
    uint64_t pos;
    unsigned behind = 0;
    source_readable(source, &file, &pos);
    for (unsigned i = source->log->len; i-- > 0;) {
        const LogEvent *event = source->log->pdata[i];
        if (binlog_position_compare(event->event.file, event->event.end, file, pos) <= 0)
            break;
        behind += is_gtid_event(&event->event);
    }
    return behind;
}

/* `from`: the log since there; 0: all of it. */
static void tell_source(const Source *source, const char *what, unsigned kind, unsigned from)
{
    g_autofree char *state = source_gtid_state(source), *gtid = source_gtid(source);
    json_t *xa = json_array();
    for (unsigned x = 0; x < XIDS; x++)
        if (source->xa[x])
            json_array_append_new(xa, json_sprintf("X'6%u',X'',1", x));
    print_take(json_pack("{s:s,s:s,s:o,s:o,s:o,s:s,s:s,s:s,s:i,s:i}", "do", what, "kind", write_kind_name(kind), "log",
                         log_json(source, from), "tables", tables_json(source), "xa", xa, "gtid", gtid,
                         "state", state, "applied", source->applied, "file", (int)source->file_number, "behind",
                         (int)groups_behind(source)));
}

static void show_all(Source *source)
{
    while (source->readable < source->log->len)
        source_show_more(source);
}

static void write_and_tell(Source *source, const char *what, WriteKind kind, Random *random)
{
    unsigned from = source->log->len;
    source_write(source, kind, random);
    const LogEvent *last = source->log->pdata[source->log->len - 1];
    /* What an engine without transactions does can be read before it is logged. */
    bool held = strcmp(what, "hold") == 0 && source->log->len > from && last->event.type == BINLOG_XID;
    if (!held)
        show_all(source);
    tell_source(source, held || strcmp(what, "hold") != 0 ? what : "write", kind, from);
}

static WriteKind any_kind(Random *random)
{
    WriteKind kind;
    do
        kind = random_below(random, WRITE_KINDS);
    while (kind == WRITE_BROKEN);
    return kind;
}

/* What is lost was written since the server was copied, into one file, and no XA transaction is among it: the model
 * leaves the rest out. */
static void lose(Source *source, Random *random)
{
    static const WriteKind kinds[] = {WRITE_PLAIN, WRITE_LARGE, WRITE_UNDONE, WRITE_SAVEPOINT};
    uint64_t seq = source->seq;
    tell_source(source, "keep", WRITE_KINDS, source->log->len);
    for (unsigned n = 1 + random_below(random, 3), tries = 0; (n > 0 || source->seq == seq) && tries < 20; tries++) {
        n -= n > 0;
        write_and_tell(source, "write", kinds[random_below(random, G_N_ELEMENTS(kinds))], random);
    }
    if (source->seq == seq)
        return;
    source_lose(source, (unsigned)(source->seq - seq));
    tell_source(source, "lose", WRITE_KINDS, 0);
}

static GPtrArray *whole_groups(const Source *source)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < source->log->len; i++) {
        const LogEvent *event = source->log->pdata[i];
        if (is_gtid_event(&event->event) && !event->broken)
            g_ptr_array_add(groups, g_strdup(event->gtid.text));
    }
    return groups;
}

/* With which transaction the log begins for one who has all up to another: "": there is none; null: it is refused. */
static void tell_dumps(const Source *source, const GPtrArray *known)
{
    json_t *dumps = json_array();
    for (unsigned g = 0; g < known->len; g++) {
        g_autoptr(GtidSet) ours = gtid_set_parse(SOURCE_MARIADB, known->pdata[g], NULL);
        g_autofree char *missing = source_missing(source, known->pdata[g]);
        const char *first = missing ? NULL : "";
        for (unsigned i = 0; i < source->log->len && first && !*first; i++) {
            const LogEvent *event = source->log->pdata[i];
            if (is_gtid_event(&event->event) && !gtid_set_contains(ours, &event->gtid))
                first = event->gtid.text;
        }
        json_array_append_new(dumps, json_pack("[ss?]", known->pdata[g], first));
    }
    print_take(json_pack("{s:s,s:o}", "do", "dumps", "dumps", dumps));
}

static void live_source(uint64_t seed, unsigned count, SourceFlavour flavour, bool restarts, bool fails_over)
{
    Random random = {seed};
    Source *source = source_new(&random, 0, flavour);
    tell_source(source, "begin", WRITE_KINDS, 0);
    for (unsigned i = 0; i < count; i++) {
        unsigned what = random_below(&random, 40), from = source->log->len;
        if (what < 3) {
            source_rotate(source);
            show_all(source);
            tell_source(source, "rotate", WRITE_KINDS, from);
        } else if (what < 4 && !restarts && !fails_over) {
            source_reset(source);
            tell_source(source, "reset", WRITE_KINDS, 0);
        } else if (what < 8 && !restarts) {
            write_and_tell(source, "hold", WRITE_PLAIN, &random);
            show_all(source);
            tell_source(source, "show", WRITE_KINDS, source->log->len);
        } else if (what < 14 && restarts) {
            if (random_one_in(&random, 2))
                lose(source, &random);
            else
                write_and_tell(source, "broken", WRITE_BROKEN, &random);
        } else {
            write_and_tell(source, "write", any_kind(&random), &random);
        }
    }
    if (fails_over) {
        g_autoptr(GPtrArray) known = whole_groups(source);
        source_fail_over(source, 0);
        show_all(source);
        tell_source(source, "failover", WRITE_KINDS, 0);
        if (flavour == SOURCE_MARIADB) /* MySQL refuses nobody */
            tell_dumps(source, known);
        for (unsigned i = 0; i < 6; i++)
            write_and_tell(source, "write", any_kind(&random), &random);
    }
    source_free(source);
}

/* ---- The destination ---- */

#define NAMES   3
#define INSERTS 64

static const char *const names[NAMES] = {"a", "b", "all"};

typedef struct {
    unsigned number, table;
    GArray *rows;
} Insert;

static json_t *row_json(const Row *row)
{
    return json_pack("[iIib]", (int)row->key, (json_int_t)row->version, (int)row->value, row->deleted);
}

static json_t *sent_json(const GArray *rows)
{
    json_t *json = json_array();
    for (unsigned i = 0; i < rows->len; i++)
        json_array_append_new(json, row_json(&g_array_index(rows, Row, i)));
    return json;
}

/* What FINAL shows, or, of a table that keeps all, every row. */
static json_t *object_json(const Object *object)
{
    json_t *rows = json_array();
    for (unsigned key = 0; key < KEYS && !object->keeps_all; key++) {
        uint32_t value = destination_row(object, key);
        if (value)
            json_array_append_new(rows, json_pack("[ii]", (int)key, (int)value));
    }
    for (unsigned i = 0; i < object->rows->len && object->keeps_all; i++)
        json_array_append_new(rows, row_json(&g_array_index(object->rows, Row, i)));
    return rows;
}

static void tell_destination(const Destination *destination, const char *what, const char *table, unsigned token,
                             const GArray *rows)
{
    json_t *tables = json_object();
    for (unsigned i = 0; i < NAMES; i++)
        json_object_set_new(tables, names[i], object_json(destination_find(destination, names[i])));
    print_take(json_pack("{s:s,s:s,s:i,s:o,s:i,s:o}", "do", what, "table", table, "token", (int)token, "rows",
                         rows ? sent_json(rows) : json_array(), "running", (int)destination->running->len, "tables",
                         tables));
}

static void insert(Destination *destination, const Insert *insert, bool late)
{
    char token[20], id[20];
    g_snprintf(token, sizeof token, "%u", insert->number);
    g_snprintf(id, sizeof id, "x-%u", insert->number);
    destination_begin(destination, names[insert->table], token, id, (Definition){0}, insert->rows, NULL);
    Running *running = destination->running->pdata[destination->running->len - 1];
    running->lost = late;
    if (late)
        return;
    destination_commit(destination, running);
    destination_remove(destination, running);
}

static void commit_late(Destination *destination)
{
    while (destination->running->len) {
        destination_commit(destination, destination->running->pdata[0]);
        destination_remove(destination, destination->running->pdata[0]);
    }
    tell_destination(destination, "wait", "", 0, NULL);
}

static Insert new_insert(Random *random, unsigned number, uint64_t *version)
{
    Insert made = {.number = number, .table = random_below(random, NAMES)};
    made.rows = g_array_new(FALSE, FALSE, sizeof(Row));
    for (unsigned n = 1 + random_below(random, 4); n > 0; n--) {
        /* Now and then an older one, or one of the same version, as a load that read a row twice gives. */
        uint64_t of = random_one_in(random, 4) ? 1 + random_below(random, (unsigned)*version) : ++*version;
        Row row = {.key = random_below(random, KEYS),
                   .version = of,
                   .value = number * 10 + n,
                   .deleted = random_one_in(random, 4),
                   .loaded = true};
        g_array_append_val(made.rows, row);
    }
    return made;
}

/* One that nobody waits for any more, what is done beside it, and what becomes of it. */
static void late_insert(Destination *destination, const Insert *of, Random *random)
{
    insert(destination, of, true);
    tell_destination(destination, "late", names[of->table], of->number, of->rows);
    switch (random_below(random, 5)) {
    case 0:
        destination_kill(destination, "x-");
        tell_destination(destination, "kill", "", 0, NULL);
        break;
    case 1:
        destination_truncate(destination, destination_find(destination, names[of->table]));
        tell_destination(destination, "truncate", names[of->table], 0, NULL);
        break;
    case 2:
        destination_exchange(destination, "a", "b");
        tell_destination(destination, "exchange", "", 0, NULL);
        break;
    case 3: /* it is sent again, under its own token */
        insert(destination, of, false);
        tell_destination(destination, "insert", names[of->table], of->number, of->rows);
        break;
    default:
        g_ptr_array_set_size(destination->running, 0);
        tell_destination(destination, "restart", "", 0, NULL);
        break;
    }
    commit_late(destination);
}

static void live_destination(uint64_t seed, unsigned count)
{
    Random random = {seed};
    Destination *destination = destination_new();
    Insert inserts[INSERTS];
    unsigned n = 0, number = 0;
    uint64_t version = 1;
    for (unsigned i = 0; i < NAMES; i++)
        destination_create(destination, names[i], i == NAMES - 1, (Definition){0});
    for (unsigned i = 0; i < count && n < INSERTS; i++) {
        unsigned what = random_below(&random, 20);
        if (what < 9 || n == 0) {
            inserts[n] = new_insert(&random, ++number, &version);
            insert(destination, &inserts[n], false);
            tell_destination(destination, "insert", names[inserts[n].table], number, inserts[n].rows);
            n++;
        } else if (what < 12) {
            const Insert *again = &inserts[random_below(&random, n)];
            insert(destination, again, false);
            tell_destination(destination, "insert", names[again->table], again->number, again->rows);
        } else if (what < 14) { /* the same rows under another token */
            Insert other = inserts[random_below(&random, n)];
            other.number = ++number;
            insert(destination, &other, false);
            tell_destination(destination, "insert", names[other.table], number, other.rows);
        } else if (what < 16) {
            unsigned table = random_below(&random, NAMES);
            destination_truncate(destination, destination_find(destination, names[table]));
            tell_destination(destination, "truncate", names[table], 0, NULL);
        } else if (what < 18) {
            destination_exchange(destination, "a", "b");
            tell_destination(destination, "exchange", "", 0, NULL);
        } else if (what < 19) {
            tell_destination(destination, "restart", "", 0, NULL);
        } else {
            inserts[n] = new_insert(&random, ++number, &version);
            late_insert(destination, &inserts[n++], &random);
        }
    }
    for (unsigned i = 0; i < n; i++)
        g_array_unref(inserts[i].rows);
    destination_free(destination);
}

static bool given(int argc, char **argv, const char *word)
{
    for (int i = 4; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    bool source = argc > 3 && strcmp(argv[1], "source") == 0;
    if (!source && (argc < 4 || strcmp(argv[1], "destination") != 0)) {
        fprintf(stderr, "usage: models source|destination SEED COUNT [mysql] [restarts] [failover]\n");
        return 2;
    }
    uint64_t seed = g_ascii_strtoull(argv[2], NULL, 10);
    unsigned count = (unsigned)g_ascii_strtoull(argv[3], NULL, 10);
    if (source)
        live_source(seed, count, given(argc, argv, "mysql") ? SOURCE_MYSQL : SOURCE_MARIADB, given(argc, argv, "restarts"), given(argc, argv, "failover"));
    else
        live_destination(seed, count);
    return 0;
}
