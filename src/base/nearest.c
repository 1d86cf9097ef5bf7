#include "base/nearest.h"

#include <glib.h>
#include <string.h>

#define LONGEST 256 /* bytes; names beyond it are near to nothing */

static char lower(char c)
{
    return g_ascii_tolower(c);
}

/* How many letters must be changed, added, dropped or swapped with the next (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    if (n > LONGEST || m > LONGEST)
        return G_MAXUINT;
    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            row[j] = MIN(change, MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

const char *nearest_name(const char *name, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = G_MAXUINT;
    for (; *names; names++) {
        unsigned d = distance(name, *names);
        unsigned allowed = MAX(2, (unsigned)MAX(strlen(name), strlen(*names)) / 3);
        if (d <= allowed && d < best_distance && d < MAX(strlen(name), strlen(*names))) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}
