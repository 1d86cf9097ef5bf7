/* life.h - one life of a pipe: steps that a seed decides, or a kept case names; lived, judged, made shorter.
 *
 * As text a life is its first line, "life ROWS SEED", with what its source is behind it ("mariadb", which may be left
 * out, "mysql", "mysql-by-file"), then one step a line: NAME A SEED. Each step has a seed of its own, so that a life
 * without some of its steps is much the same life.
 */
#ifndef SLUICE_SIM_LIFE_H
#define SLUICE_SIM_LIFE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    unsigned kind, a;
    uint64_t seed;
} Step;

typedef enum { LIFE_MARIADB, LIFE_MYSQL, LIFE_MYSQL_BY_FILE, LIFE_SOURCES } LifeSource;

typedef struct {
    LifeSource source;
    unsigned rows; /* transactions before the pipe is created */
    uint64_t seed; /* of its end: what is left to happen until all is caught up */
    GArray *steps; /* of Step */
} Life;

Life *life_new(uint64_t seed);
Life *life_parse(const char *text, char **wrong);
char *life_text(const Life *life);
void life_free(Life *life);
/* NULL: nothing is wrong with it. Free with g_free. `state_dir`: for what is prepared. */
char *life_live(const Life *life, const char *state_dir, bool trace);
/* Steps are left out as long as something is still wrong. */
void life_shrink(Life *life, const char *state_dir);

#endif
