#include "base/base.h"

#include <pthread.h>

static void counting(void)
{
    g_autoptr(Budget) budget = budget_new(1000);
    g_autoptr(BudgetAccount) a = budget_account_new(budget, 0);
    g_assert_false(budget_full(a));
    budget_charge(a, 999);
    g_assert_false(budget_full(a));
    budget_charge(a, 1);
    g_assert_true(budget_full(a));
    g_assert_cmpuint(budget_used(budget), ==, 1000);
    g_assert_cmpuint(budget_account_used(a), ==, 1000);
    budget_release(a, 1);
    g_assert_false(budget_full(a));
    budget_release(a, 999);
    g_assert_cmpuint(budget_used(budget), ==, 0);
    budget_charge(NULL, 5);
    budget_release(NULL, 5);
    g_assert_false(budget_full(NULL));
    g_assert_true(budget_wait(NULL, NULL, 0));
}

static void reserve_is_kept_for_its_owner(void)
{
    g_autoptr(Budget) budget = budget_new(1000);
    g_autoptr(BudgetAccount) greedy = budget_account_new(budget, 100);
    g_autoptr(BudgetAccount) modest = budget_account_new(budget, 300);
    budget_charge(greedy, 699);
    g_assert_false(budget_full(greedy));
    budget_charge(greedy, 1);
    g_assert_true(budget_full(greedy)); /* the other 300 are promised */
    g_assert_false(budget_full(modest));
    budget_charge(modest, 300);
    g_assert_false(budget_full(modest));
    budget_charge(modest, 1);
    g_assert_true(budget_full(modest));
    budget_release(greedy, 200);
    g_assert_false(budget_full(modest));
    budget_set_limit(budget, 500);
    g_assert_cmpuint(budget_limit(budget), ==, 500);
    g_assert_true(budget_full(modest));
    g_assert_true(budget_full(greedy));
}

static void larger_than_everything(void)
{
    g_autoptr(Budget) budget = budget_new(10);
    g_autoptr(BudgetAccount) a = budget_account_new(budget, 0);
    g_assert_true(budget_wait(a, NULL, 0));
    budget_charge(a, 5000);
    g_assert_false(budget_wait(a, NULL, 1000));
    budget_release(a, 5000);
    g_assert_true(budget_wait(a, NULL, 0));
}

static void *release_later(void *data)
{
    g_usleep(30000);
    budget_release(data, 10);
    return NULL;
}

static void *cancel_later(void *data)
{
    g_usleep(30000);
    cancel_request(data);
    return NULL;
}

static void waits(void)
{
    g_autoptr(Budget) budget = budget_new(10);
    g_autoptr(BudgetAccount) a = budget_account_new(budget, 0);
    g_autoptr(BudgetAccount) b = budget_account_new(budget, 0);
    g_autoptr(Cancel) cancel = cancel_new();
    budget_charge(a, 10);
    budget_charge(b, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, release_later, a);
    g_assert_true(budget_wait(b, cancel, 30 * 1000000));
    pthread_join(thread, NULL);
    budget_charge(a, 10);
    pthread_create(&thread, NULL, cancel_later, cancel);
    int64_t begin = clock_monotonic_usec();
    g_assert_false(budget_wait(b, cancel, 30 * 1000000));
    g_assert_cmpint(clock_monotonic_usec() - begin, <, 10 * 1000000);
    pthread_join(thread, NULL);
}

static void an_account_takes_its_own_with_it(void)
{
    g_autoptr(Budget) budget = budget_new(10);
    g_autoptr(BudgetAccount) stays = budget_account_new(budget, 0);
    BudgetAccount *goes = budget_account_new(budget, 5);
    budget_charge(stays, 1);
    budget_charge(goes, 20);
    g_assert_true(budget_full(stays));
    budget_account_unref(budget_account_ref(goes));
    budget_account_unref(goes);
    g_assert_cmpuint(budget_used(budget), ==, 1);
    g_assert_false(budget_full(stays));
}

static void *churn(void *data)
{
    for (int i = 0; i < 3000; i++) {
        g_assert_true(budget_wait(data, NULL, -1));
        budget_charge(data, 60);
        budget_release(data, 60);
    }
    return NULL;
}

static void many_threads(void)
{
    g_autoptr(Budget) budget = budget_new(100);
    BudgetAccount *accounts[2] = {budget_account_new(budget, 10), budget_account_new(budget, 30)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, accounts[i % 2]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(budget_used(budget), ==, 0);
    /* Only what is reserved is still committed: 60 more are free. */
    budget_charge(accounts[0], 69);
    g_assert_false(budget_full(accounts[0]));
    budget_charge(accounts[0], 1);
    g_assert_true(budget_full(accounts[0]));
    budget_account_unref(accounts[0]);
    budget_account_unref(accounts[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/budget/counting", counting);
    g_test_add_func("/base/budget/reserve", reserve_is_kept_for_its_owner);
    g_test_add_func("/base/budget/larger-than-everything", larger_than_everything);
    g_test_add_func("/base/budget/waits", waits);
    g_test_add_func("/base/budget/account-ends", an_account_takes_its_own_with_it);
    g_test_add_func("/base/budget/many-threads", many_threads);
    return g_test_run();
}
