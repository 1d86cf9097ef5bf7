/* How long until the server purges what a pipe needs: by time and by size, and when somebody is told. */
#include "pipe/headroom.h"

#include <glib.h>

#define GIB (INT64_C(1) << 30)

static void test_limits(void)
{
    static const struct {
        HeadroomFacts facts; /* keep s, keep bytes, closed s, needed bytes, rate */
        int64_t seconds;
        HeadroomLimit by;
    } cases[] = {
        /* Time alone. The log that is being written is closed now at the earliest. */
        {{1800, -1, 0, 100, 5}, 1800, HEADROOM_BY_TIME},
        {{1800, -1, 600, 100, 5}, 1200, HEADROOM_BY_TIME},
        {{1800, -1, 1800, 100, 5}, 0, HEADROOM_BY_TIME},
        {{1800, -1, 5000, 100, 5}, 0, HEADROOM_BY_TIME}, /* it goes with the next rotation */
        {{1800, -1, -1, 100, 5}, -1, HEADROOM_UNKNOWN},
        {{0, -1, 3, 100, 5}, 0, HEADROOM_BY_TIME}, /* RDS: as soon as it likes */
        /* Size alone. */
        {{-1, 10 * GIB, 0, 4 * GIB, (double)GIB / 60}, 360, HEADROOM_BY_SIZE},
        {{-1, 10 * GIB, 9999, 4 * GIB, (double)GIB / 60}, 360, HEADROOM_BY_SIZE},
        {{-1, 10 * GIB, 0, 10 * GIB, 0}, 0, HEADROOM_BY_SIZE},
        {{-1, 10 * GIB, 0, 12 * GIB, -1}, 0, HEADROOM_BY_SIZE},
        {{-1, 10 * GIB, 0, 4 * GIB, 0}, -1, HEADROOM_UNKNOWN},  /* nothing is written */
        {{-1, 10 * GIB, 0, 4 * GIB, -1}, -1, HEADROOM_UNKNOWN}, /* not known yet */
        {{-1, 10 * GIB, 0, -1, 100}, -1, HEADROOM_UNKNOWN},
        {{-1, INT64_MAX, 0, 0, 1e-9}, -1, HEADROOM_UNKNOWN}, /* longer than anybody lives */
        /* Both: what comes first. */
        {{300, 10 * GIB, 0, 4 * GIB, (double)GIB / 60}, 300, HEADROOM_BY_TIME},
        {{7200, 10 * GIB, 0, 4 * GIB, (double)GIB / 60}, 360, HEADROOM_BY_SIZE},
        {{360, 10 * GIB, 0, 4 * GIB, (double)GIB / 60}, 360, HEADROOM_BY_TIME},
        {{7200, 10 * GIB, 0, 4 * GIB, -1}, 7200, HEADROOM_BY_TIME},
        {{7200, 10 * GIB, -1, 4 * GIB, (double)GIB / 60}, 360, HEADROOM_BY_SIZE},
        /* Neither. */
        {{-1, -1, 5, 100, 5}, -1, HEADROOM_UNKNOWN},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HeadroomLimit by = HEADROOM_UNKNOWN;
        g_test_message("case %u", i);
        g_assert_cmpint(headroom_seconds(&cases[i].facts, &by), ==, cases[i].seconds);
        g_assert_cmpint(by, ==, cases[i].by);
        g_assert_cmpint(headroom_seconds(&cases[i].facts, NULL), ==, cases[i].seconds);
    }
}

/* A headroom that swings about a bound is told once. */
static void test_levels(void)
{
    static const struct {
        int64_t seconds;
        unsigned level;
    } course[] = {
        {7 * 86400, 0}, {86400, 0}, {86399, 1}, {86401, 1}, {86400 + 8000, 1}, {-1, 1},
        {7200, 1},      {7199, 2},  {7300, 2},  {0, 2},     {-1, 2},           {7920, 1},
        {7199, 2},      {95040, 0}, {80000, 1}, {100, 2},   {90000, 1},        {95040, 0},
    };
    unsigned level = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(course); i++) {
        level = headroom_level(course[i].seconds, level);
        g_test_message("step %u", i);
        g_assert_cmpuint(level, ==, course[i].level);
    }
    g_assert_cmpuint(headroom_level(60, 0), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/headroom/limits", test_limits);
    g_test_add_func("/headroom/levels", test_levels);
    return g_test_run();
}
