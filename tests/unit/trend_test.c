/* Where a pipe's lag is going. */
#include "pipe/trend.h"

static int64_t catching_up(const double *lags, unsigned n, double lag)
{
    PipeHistoryCell cells[8];
    for (unsigned i = 0; i < n; i++)
        cells[i] = (PipeHistoryCell){.lag = lags[i]};
    return trend_catching_up(cells, n, lag);
}

static void test_catching_up(void)
{
    /* 60 s of lag go in each cell of 20 s: 3 a second. */
    g_assert_cmpint(catching_up((double[]){900, 600, 540, 480, 420}, 5, 400), ==, 133);
    g_assert_cmpint(catching_up((double[]){600, 540, 480, 420}, 4, 11), ==, 4);
    g_assert_cmpint(catching_up((double[]){600, 540, 480, 420}, 4, 10), ==, -1);  /* as good as there */
    g_assert_cmpint(catching_up((double[]){540, 480, 420}, 3, 400), ==, -1);      /* not known long enough */
    g_assert_cmpint(catching_up((double[]){600, 540, 550, 420}, 4, 400), ==, -1); /* not steadily */
    g_assert_cmpint(catching_up((double[]){600, 540, 540, 420}, 4, 400), ==, -1);
    g_assert_cmpint(catching_up((double[]){600, -1, 480, 420}, 4, 400), ==, -1);  /* a gap */
    g_assert_cmpint(catching_up((double[]){420, 480, 540, 600}, 4, 600), ==, -1); /* falling behind */
    g_assert_cmpint(catching_up((double[]){600, 599.9, 599.8, 599.7}, 4, 600), ==,
                    -1); /* it would take hours: no estimate */
    g_assert_cmpint(catching_up((double[]){600, 540, 480, 420}, 4, -1), ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trend/catching-up", test_catching_up);
    return g_test_run();
}
