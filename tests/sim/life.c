#include "life.h"

#include "engine.h"

#include <stdio.h>
#include <string.h>

typedef enum {
    RUN,
    WRITE,
    ROTATE,
    FAIL_OVER,
    RESET,
    LOSE,
    CRASH,
    PAUSE,
    RESUME,
    RESYNC,
    CUT,
    RESTART_DESTINATION,
    STEPS
} StepKind;

static const char *const names[STEPS] = {"run",   "write", "rotate", "failover", "reset", "lose",
                                         "crash", "pause", "resume", "resync",   "cut",   "destination"};

static const char *const source_names[LIFE_SOURCES] = {"mariadb", "mysql", "mysql-by-file"};

#define SETTLE_ACTIONS 60000 /* more than any life needs to catch up */
#define SHRINK_TRIES   3000

/* ---- Making one ---- */

static void add(Life *life, StepKind kind, unsigned a, Random *random)
{
    Step step = {.kind = kind, .a = a, .seed = random_next(random) >> 32};
    g_array_append_val(life->steps, step);
}

static WriteKind choose_write(Random *random)
{
    static const WriteKind kinds[] = {WRITE_PLAIN,      WRITE_PLAIN,       WRITE_PLAIN,      WRITE_PLAIN,
                                      WRITE_PLAIN,      WRITE_UNDONE,      WRITE_SAVEPOINT,  WRITE_LARGE,
                                      WRITE_IGNORED,    WRITE_ONE_PHASE,   WRITE_XA_PREPARE, WRITE_XA_PREPARE,
                                      WRITE_XA_COMMIT,  WRITE_XA_ROLLBACK, WRITE_TRUNCATE,   WRITE_BROKEN,
                                      WRITE_ADD_COLUMN, WRITE_DROP_COLUMN, WRITE_MODIFY};
    return kinds[random_below(random, G_N_ELEMENTS(kinds))];
}

Life *life_new(uint64_t seed)
{
    Random random = {seed};
    Life *life = g_new0(Life, 1);
    life->rows = random_below(&random, 12);
    life->seed = random_next(&random) >> 32;
    life->steps = g_array_new(FALSE, FALSE, sizeof(Step));
    bool rewrites = random_one_in(&random, 6), fails_over = random_one_in(&random, 4);
    unsigned n = 10 + random_below(&random, 40);
    for (unsigned i = 0; i < n; i++) {
        unsigned what = random_below(&random, 100);
        if (what < 40)
            add(life, RUN, 5 + random_below(&random, random_one_in(&random, 4) ? 300 : 60), &random);
        else if (what < 75)
            add(life, WRITE, choose_write(&random), &random);
        else if (what < 79)
            add(life, ROTATE, 0, &random);
        else if (what < 84)
            add(life, CRASH, 0, &random);
        else if (what < 87)
            add(life, random_one_in(&random, 2) ? PAUSE : RESUME, 0, &random);
        else if (what < 91)
            add(life, RESYNC, random_below(&random, TABLES + 1), &random);
        else if (what < 94)
            add(life, CUT, 0, &random);
        else if (what < 96)
            add(life, RESTART_DESTINATION, 0, &random);
        else if (what < 98 && fails_over)
            add(life, FAIL_OVER, random_one_in(&random, 2) ? 1 + random_below(&random, 3) : 0, &random);
        else if (rewrites)
            add(life, random_one_in(&random, 2) ? RESET : LOSE, 1 + random_below(&random, 3), &random);
    }
    life->source = random_one_in(&random, 2)   ? LIFE_MARIADB
                   : random_one_in(&random, 4) ? LIFE_MYSQL_BY_FILE
                                               : LIFE_MYSQL;
    return life;
}

char *life_text(const Life *life)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "life %u %" G_GUINT64_FORMAT " %s\n", life->rows, life->seed,
                           source_names[life->source]);
    for (unsigned i = 0; i < life->steps->len; i++) {
        const Step *step = &g_array_index(life->steps, Step, i);
        g_string_append_printf(text, "%s %u %" G_GUINT64_FORMAT "\n", names[step->kind], step->a, step->seed);
    }
    return g_string_free(text, FALSE);
}

static bool find_source(const char *name, LifeSource *out)
{
    for (*out = 0; *out < LIFE_SOURCES; (*out)++)
        if (strcmp(source_names[*out], name) == 0)
            return true;
    return false;
}

Life *life_parse(const char *text, char **wrong)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Life *life = g_new0(Life, 1);
    bool begun = false;
    life->steps = g_array_new(FALSE, FALSE, sizeof(Step));
    for (unsigned i = 0; lines[i]; i++) {
        char name[20], source[20] = "mariadb";
        unsigned a, kind = 0;
        unsigned long long seed;
        if (!*lines[i] || *lines[i] == '#')
            continue;
        bool read = sscanf(lines[i], "%19s %u %llu %19s", name, &a, &seed, source) >= 3;
        while (read && kind < STEPS && strcmp(names[kind], name) != 0)
            kind++;
        if (read && !begun && strcmp(name, "life") == 0 && find_source(source, &life->source)) {
            life->rows = a;
            life->seed = seed;
            begun = true;
        } else if (read && begun && kind < STEPS) {
            Step step = {.kind = kind, .a = a, .seed = seed};
            g_array_append_val(life->steps, step);
        } else {
            *wrong = g_strdup_printf("line %u is no step: %s", i + 1, lines[i]);
            life_free(life);
            return NULL;
        }
    }
    return life;
}

void life_free(Life *life)
{
    g_array_unref(life->steps);
    g_free(life);
}

/* ---- Living ---- */

/* A pipe that has read no transaction yet has nothing to tell the new history from the old one by. */
static bool may_be_rewritten(const Engine *e)
{
    return e->checkpoint.print_file != NULL;
}

/* A load has read, or a place of the log is waited for, what a source that loses the end of its log never had; the
 * checkpoint and the cuts behind it do not tell. */
static bool is_ahead(const Engine *e)
{
    bool ahead = e->stops;
    for (unsigned i = 0; i < e->tables->len; i++)
        ahead = ahead || ((const Table *)e->tables->pdata[i])->state != ROWS_LIVE;
    return ahead;
}

static void rewritten(Engine *e)
{
    e->broken = true;
    memset(e->shown, 0, sizeof e->shown);
    engine_lose_connection(e);
}

static void take_step(Engine *e, const Step *step, Random *random)
{
    if (e->trace)
        printf("%s %u\n", names[step->kind], step->a);
    switch ((StepKind)step->kind) {
    case RUN:
        for (unsigned i = 0; i < step->a && !e->finding; i++)
            engine_act(e);
        break;
    case WRITE:
        engine_holds_tables(e);
        source_write(e->source, step->a, random);
        break;
    case ROTATE:
        source_rotate(e->source);
        break;
    case FAIL_OVER:
        /* GTIDs alone do not tell that a history was rewritten when another server answers before that was seen. */
        if (!e->broken) {
            unsigned lost = step->a;
            source_fail_over(e->source, lost);
            engine_lose_connection(e);
            if (lost) {
                e->lost = true;
                memset(e->shown, 0, sizeof e->shown);
            }
        }
        break;
    case RESET:
        if (may_be_rewritten(e)) {
            source_reset(e->source);
            rewritten(e);
        }
        break;
    case LOSE:
        if (may_be_rewritten(e) && !is_ahead(e)) {
            source_lose(e->source, step->a);
            rewritten(e);
        }
        break;
    case CRASH:
        engine_crash(e);
        break;
    case PAUSE:
        engine_pause(e);
        break;
    case RESUME:
        engine_resume(e);
        break;
    case RESYNC:
        engine_resync(e, step->a == 0 || step->a > e->tables->len ? 0
                                                                  : ((const Table *)e->tables->pdata[step->a - 1])->id);
        break;
    case CUT:
        engine_lose_connection(e);
        break;
    case RESTART_DESTINATION:
        engine_destination_restarts(e);
        break;
    case STEPS:
        break;
    }
}

/* The operator does what the pipe says, and nothing else happens, until it has caught up. */
static void catch_up(Engine *e)
{
    for (unsigned i = 0; i < SETTLE_ACTIONS && !e->finding; i++) {
        engine_act(e);
        if (i % 50 != 49)
            continue;
        if (i > SETTLE_ACTIONS / 10) /* LOCK TABLES waits for them, and says so */
            source_write(e->source, WRITE_XA_ROLLBACK, e->random);
        if (e->state == PIPE_PAUSED)
            engine_resume(e);
        if (engine_wants_resync(e) && !e->resync_asked && (e->state == PIPE_RUNNING || e->state == PIPE_FAILED))
            engine_resync(e, 0);
        else if (!e->resync_asked && !engine_wants_resync(e) && engine_is_caught_up(e))
            return;
    }
    if (!e->finding)
        engine_finding(e, "not caught up after %d actions: %s, %u inserts in flight", SETTLE_ACTIONS,
                       pipe_state_name(e->state), e->tracker ? batch_tracker_in_flight(e->tracker) : 0);
}

char *life_live(const Life *life, const char *state_dir, bool trace)
{
    Random random = {life->seed};
    Source *source = source_new(&random, life->rows, life->source == LIFE_MARIADB ? SOURCE_MARIADB : SOURCE_MYSQL);
    Destination *destination = destination_new();
    Engine engine;
    engine_init(&engine, source, life->source == LIFE_MYSQL_BY_FILE, destination, &random, state_dir);
    engine.trace = trace;
    for (unsigned i = 0; i < life->steps->len && !engine.finding; i++) {
        const Step *step = &g_array_index(life->steps, Step, i);
        Random own = {step->seed};
        engine.random = &own;
        take_step(&engine, step, &own);
    }
    engine.random = &random;
    catch_up(&engine);
    if (!engine.finding)
        engine_compare(&engine);
    char *finding = g_steal_pointer(&engine.finding);
    engine_clear(&engine);
    prepared_remove_all(state_dir, "u");
    destination_free(destination);
    source_free(source);
    return finding;
}

/* ---- Shorter ---- */

static bool still_wrong(const Life *life, const char *state_dir)
{
    g_autofree char *finding = life_live(life, state_dir, false);
    return finding != NULL;
}

/* Halves, quarters, ... single steps are left out, then their numbers are halved. */
void life_shrink(Life *life, const char *state_dir)
{
    unsigned tries = 0;
    for (unsigned size = MAX(life->steps->len / 2, 1); size > 0; size /= 2)
        for (unsigned at = 0; at < life->steps->len && tries < SHRINK_TRIES;) {
            GArray *whole = life->steps;
            life->steps = g_array_copy(whole);
            g_array_remove_range(life->steps, at, MIN(size, whole->len - at));
            tries++;
            if (still_wrong(life, state_dir)) {
                g_array_unref(whole);
            } else {
                g_array_unref(life->steps);
                life->steps = whole;
                at += size;
            }
        }
    for (unsigned i = 0; i < life->steps->len; i++) {
        Step *step = &g_array_index(life->steps, Step, i);
        for (unsigned was = step->a; step->kind == RUN && was > 1 && tries < SHRINK_TRIES; was = step->a, tries++) {
            step->a = was / 2;
            if (!still_wrong(life, state_dir)) {
                step->a = was;
                break;
            }
        }
    }
    for (unsigned was = life->rows; was > 0; was = life->rows) {
        life->rows = was - 1;
        if (!still_wrong(life, state_dir)) {
            life->rows = was;
            break;
        }
    }
}
