#include "pipe/room.h"

#include <stdlib.h>
#include <string.h>

#define PERIOD_USEC    (10 * 1000 * 1000)
#define PATIENCE_MS    3000
#define DELAY_PARTS    1000 /* parts_to_delay_insert where the server does not tell */
#define LOW_PERCENT    5
#define ENOUGH_PERCENT 8 /* behind this it counts as a new shortage */

/* ---- Disk ---- */

static void note_disk(Pipe *pipe, int64_t free_bytes, double percent)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->dest_free_bytes = free_bytes;
    bool told = pipe->disk_told;
    pipe->disk_told = percent < LOW_PERCENT || (told && percent < ENOUGH_PERCENT);
    bool tell = pipe->disk_told && !told;
    pthread_mutex_unlock(&pipe->lock);
    if (!tell)
        return;
    g_autofree char *left = g_format_size_full((guint64)free_bytes, G_FORMAT_SIZE_IEC_UNITS);
    pipe_journal(pipe, "engine", "note", NULL, "the destination has %s of disk left (%.1f %%): make room before inserts are refused", left,
                 percent);
}

/* The fullest of its disks. */
static bool look_at_disks(Pipe *pipe, Clickhouse *ch)
{
    g_autoptr(GPtrArray) rows = clickhouse_query_rows(
        ch, "SELECT free_space, free_space / total_space * 100 AS percent FROM system.disks WHERE total_space > 0 ORDER BY percent LIMIT 1",
        NULL);
    if (!rows)
        return false;
    char **row = rows->len ? rows->pdata[0] : NULL;
    if (row)
        note_disk(pipe, (int64_t)MIN(g_ascii_strtoull(row[0], NULL, 10), (guint64)INT64_MAX), g_ascii_strtod(row[1], NULL));
    return true;
}

/* ---- Parts ---- */

static void tell_crowded(Pipe *pipe, bool crowded, const char *target, unsigned most, unsigned delay)
{
    g_autofree char *shown = printable(target ? target : "", 64);
    if (crowded)
        pipe_journal(pipe, "engine", "note", NULL,
                     "the destination table %s has %u parts in one partition, and from %u on inserts are slowed down: batches are sealed every 10 s "
                     "until they are merged",
                     shown, most, delay);
    else
        pipe_journal(pipe, "engine", "note", NULL, "the destination has merged its parts: batches are sealed as before");
}

static unsigned delay_parts(Clickhouse *ch)
{
    g_autofree char *value =
        clickhouse_query_value(ch, "SELECT value FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert'", NULL);
    unsigned delay = value ? (unsigned)strtoul(value, NULL, 10) : 0;
    return delay ? delay : DELAY_PARTS;
}

static char **find_row(const GPtrArray *rows, const char *target)
{
    for (unsigned i = 0; i < rows->len; i++)
        if (strcmp(((char **)rows->pdata[i])[0], target) == 0)
            return rows->pdata[i];
    return NULL;
}

static bool look_at_parts(Work *work, Clickhouse *ch)
{
    Pipe *pipe = work->pipe;
    g_autoptr(GString) sql = g_string_new("SELECT table, max(n), sum(n) FROM (SELECT table, partition_id, count() AS n FROM system.parts WHERE active AND "
                                          "database = ");
    clickhouse_quote_string(sql, clickhouse_database(ch));
    g_string_append(sql, " GROUP BY table, partition_id) GROUP BY table");
    g_autoptr(GPtrArray) rows = clickhouse_query_rows(ch, sql->str, NULL);
    if (!rows)
        return false;
    unsigned most = 0;
    g_autofree char *worst = NULL;
    pthread_mutex_lock(&pipe->lock);
    for (unsigned i = 0; i < pipe->tables->len; i++) {
        PipeTable *table = pipe->tables->pdata[i];
        char **row = find_row(rows, table->record->target);
        unsigned here = row ? (unsigned)strtoul(row[1], NULL, 10) : 0;
        atomic_store(&table->parts, row ? (int64_t)strtoll(row[2], NULL, 10) : 0);
        if (here <= most)
            continue;
        most = here;
        g_free(worst);
        worst = g_strdup(table->record->target);
    }
    pthread_mutex_unlock(&pipe->lock);
    bool was = atomic_load(&work->crowded);
    unsigned delay = most || was ? delay_parts(ch) : DELAY_PARTS;
    bool crowded = most >= delay / 2 || (was && most >= delay / 4);
    atomic_store(&work->crowded, crowded);
    if (crowded != was)
        tell_crowded(pipe, crowded, worst, most, delay);
    return true;
}

/* ---- Both ---- */

void room_forget(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->dest_free_bytes = -1;
    for (unsigned i = 0; i < pipe->tables->len; i++)
        atomic_store(&((PipeTable *)pipe->tables->pdata[i])->parts, -1);
    pthread_mutex_unlock(&pipe->lock);
}

void room_look(Work *work)
{
    int64_t now = clock_monotonic_usec();
    if (now < work->room_due)
        return;
    work->room_due = now + PERIOD_USEC;
    const PipeEnv *env = work->pipe->env; /* an embedded endpoint may have been started again elsewhere */
    g_autofree char *dest = env->resolve_dest(env->data, work->pipe->record->dest, NULL);
    g_autoptr(Url) url = dest ? clickhouse_url_parse(dest, NULL) : NULL;
    g_autoptr(Clickhouse) ch = url ? clickhouse_new(url, work->reading, NULL) : NULL;
    if (ch)
        clickhouse_set_patience(ch, PATIENCE_MS);
    if (!ch || !look_at_disks(work->pipe, ch) || !look_at_parts(work, ch))
        room_forget(work->pipe);
}
