/* Cells of a history: when they close, what they hold, and gaps. */
#include "pipe/history.h"

#define SECOND INT64_C(1000000)

static const PipeHistoryCell *cell_at(const History *history, unsigned i)
{
    g_assert_cmpuint(i, <, history->cells->len);
    return &g_array_index(history->cells, PipeHistoryCell, i);
}

static void test_cells(void)
{
    History history;
    history_init(&history, 20, 5);
    for (int second = 0; second < 20; second++)
        g_assert_false(history_add(&history, (1000 + second) * SECOND,
                                   &(HistorySample){.rows = second,
                                                    .bytes = 10,
                                                    .lag = second == 7 ? 3 : -1,
                                                    .n_inserts = second % 2,
                                                    .n_rows = 100,
                                                    .n_bytes = 500}));
    g_assert_cmpuint(history.cells->len, ==, 0);
    g_assert_cmpfloat(history_open_cell(&history).rows, ==, 9.5);
    g_assert_true(history_add(&history, 1020 * SECOND, &(HistorySample){.lag = -1}));
    g_assert_cmpuint(history.cells->len, ==, 1);
    g_assert_cmpfloat(cell_at(&history, 0)->rows, ==, 9.5);
    g_assert_cmpfloat(cell_at(&history, 0)->bytes, ==, 10);
    g_assert_cmpfloat(cell_at(&history, 0)->lag, ==, 3);
    g_assert_cmpfloat(cell_at(&history, 0)->batch_rows, ==, 200);
    g_assert_cmpfloat(cell_at(&history, 0)->batch_bytes, ==, 1000);
    /* Nothing came for two cells; nothing was sent in the one before. */
    g_assert_true(history_add(&history, 1085 * SECOND, &(HistorySample){.rows = 1}));
    g_assert_cmpuint(history.cells->len, ==, 4);
    g_assert_cmpfloat(cell_at(&history, 1)->rows, ==, 0);
    g_assert_cmpfloat(cell_at(&history, 1)->batch_rows, ==, -1);
    g_assert_cmpfloat(cell_at(&history, 2)->rows, ==, -1);
    g_assert_cmpfloat(cell_at(&history, 3)->lag, ==, -1);
    history_clear(&history);
}

static void test_clocks(void)
{
    History history;
    history_init(&history, 20, 5);
    for (int i = 0; i < 50; i++)
        history_add(&history, (2000 + 20 * i) * SECOND, &(HistorySample){.rows = i});
    g_assert_cmpuint(history.cells->len, ==, 5);
    g_assert_cmpfloat(cell_at(&history, 4)->rows, ==, 48);
    g_assert_false(
        history_add(&history, 100 * SECOND, &(HistorySample){.rows = 51})); /* set back: the open cell goes on */
    g_assert_cmpfloat(history_open_cell(&history).rows, ==, 50);
    g_assert_true(history_add(&history, INT64_C(4000000000) * SECOND, &(HistorySample){.rows = 1})); /* and far ahead */
    g_assert_cmpuint(history.cells->len, ==, 0);
    g_assert_cmpint(history.open, ==, 200000000);
    history_clear(&history);
}

static void test_restore(void)
{
    History history;
    history_init(&history, 600, 4);
    const int64_t now = 6000 * SECOND; /* in cell 10 */
    for (int number = 3; number <= 11; number += number == 5 ? 2 : 1)
        history_restore(&history, now, number, &(PipeHistoryCell){.rows = number});
    g_assert_cmpint(history.open, ==, 10);
    g_assert_cmpuint(history.cells->len, ==, 4);
    g_assert_cmpfloat(cell_at(&history, 0)->rows, ==, -1);
    g_assert_cmpfloat(cell_at(&history, 1)->rows, ==, 7);
    g_assert_cmpfloat(cell_at(&history, 3)->rows, ==, 9);
    g_assert_false(history_add(&history, now, &(HistorySample){.rows = 1}));
    g_assert_true(history_add(&history, now + 600 * SECOND, &(HistorySample){.rows = 1}));
    g_assert_cmpint(history.open, ==, 11);
    history_clear(&history);
    /* What was open at the stop goes on. */
    history_init(&history, 600, 4);
    const PipeHistoryCell was = {.rows = 30, .bytes = 3, .lag = 5, .batch_rows = 10, .batch_bytes = 20};
    history_restore(&history, now, 10, &was);
    history_resume(&history, now, 9, &was, 2, 3);
    g_assert_cmpint(history.open, ==, 0);
    history_resume(&history, now, 10, &was, 2, 3);
    history_add(&history, now, &(HistorySample){.rows = 60, .lag = 1, .n_inserts = 1, .n_rows = 30, .n_bytes = 20});
    PipeHistoryCell open = history_open_cell(&history);
    g_assert_cmpfloat(open.rows, ==, 40);
    g_assert_cmpfloat(open.lag, ==, 5);
    g_assert_cmpfloat(open.batch_rows, ==, 15);
    g_assert_cmpfloat(open.batch_bytes, ==, 20);
    history_clear(&history);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/history/cells", test_cells);
    g_test_add_func("/history/clocks", test_clocks);
    g_test_add_func("/history/restore", test_restore);
    return g_test_run();
}
