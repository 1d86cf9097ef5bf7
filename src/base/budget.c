/* What is promised to a pipe counts as used: `committed` is the sum over all accounts of max(used, reserve). So a pipe
 * above its reserve can never take what another one's reserve still needs, and the sum stays within the limit. */
#include "base/budget.h"
#include "base/wait.h"

#include <pthread.h>
#include <stdatomic.h>

struct Budget {
    atomic_uint refs;
    atomic_size_t limit, used, committed; /* bytes */
    atomic_uint waiting;
    pthread_mutex_t mutex; /* of `room` alone */
    pthread_cond_t room;
};

struct BudgetAccount {
    atomic_uint refs;
    atomic_size_t used;
    size_t reserve;
    Budget *budget;
};

Budget *budget_new(size_t bytes)
{
    Budget *budget = g_new0(Budget, 1);
    atomic_init(&budget->refs, 1);
    atomic_init(&budget->limit, bytes);
    atomic_init(&budget->used, 0);
    atomic_init(&budget->committed, 0);
    atomic_init(&budget->waiting, 0);
    pthread_mutex_init(&budget->mutex, NULL);
    wait_cond_init(&budget->room);
    return budget;
}

Budget *budget_ref(Budget *budget)
{
    atomic_fetch_add(&budget->refs, 1);
    return budget;
}

void budget_unref(Budget *budget)
{
    if (budget == NULL || atomic_fetch_sub(&budget->refs, 1) != 1)
        return;
    pthread_cond_destroy(&budget->room);
    pthread_mutex_destroy(&budget->mutex);
    g_free(budget);
}

static void wake_waiting(void *data)
{
    Budget *budget = data;
    pthread_mutex_lock(&budget->mutex);
    pthread_cond_broadcast(&budget->room);
    pthread_mutex_unlock(&budget->mutex);
}

void budget_set_limit(Budget *budget, size_t bytes)
{
    atomic_store(&budget->limit, bytes);
    wake_waiting(budget);
}

size_t budget_limit(Budget *budget)
{
    return atomic_load(&budget->limit);
}

size_t budget_used(Budget *budget)
{
    return atomic_load(&budget->used);
}

BudgetAccount *budget_account_new(Budget *budget, size_t reserve)
{
    BudgetAccount *account = g_new0(BudgetAccount, 1);
    atomic_init(&account->refs, 1);
    atomic_init(&account->used, 0);
    account->reserve = reserve;
    account->budget = budget_ref(budget);
    atomic_fetch_add(&budget->committed, reserve);
    return account;
}

BudgetAccount *budget_account_ref(BudgetAccount *account)
{
    if (account != NULL)
        atomic_fetch_add(&account->refs, 1);
    return account;
}

void budget_account_unref(BudgetAccount *account)
{
    if (account == NULL || atomic_fetch_sub(&account->refs, 1) != 1)
        return;
    size_t used = atomic_load(&account->used);
    atomic_fetch_sub(&account->budget->used, used);
    atomic_fetch_sub(&account->budget->committed, MAX(used, account->reserve));
    wake_waiting(account->budget);
    budget_unref(account->budget);
    g_free(account);
}

size_t budget_account_used(BudgetAccount *account)
{
    return atomic_load(&account->used);
}

void budget_charge(BudgetAccount *account, size_t bytes)
{
    if (account == NULL || bytes == 0)
        return;
    size_t before = atomic_fetch_add(&account->used, bytes);
    atomic_fetch_add(&account->budget->used, bytes);
    size_t more = MAX(before + bytes, account->reserve) - MAX(before, account->reserve);
    if (more > 0)
        atomic_fetch_add(&account->budget->committed, more);
}

void budget_release(BudgetAccount *account, size_t bytes)
{
    if (account == NULL || bytes == 0)
        return;
    size_t before = atomic_fetch_sub(&account->used, bytes);
    g_assert(before >= bytes);
    atomic_fetch_sub(&account->budget->used, bytes);
    size_t less = MAX(before, account->reserve) - MAX(before - bytes, account->reserve);
    if (less > 0)
        atomic_fetch_sub(&account->budget->committed, less);
    /* Sequentially consistent against the waiter's order (count itself, then look): one of the two sees the other. */
    if (atomic_load(&account->budget->waiting) > 0)
        wake_waiting(account->budget);
}

bool budget_full(BudgetAccount *account)
{
    if (account == NULL)
        return false;
    return atomic_load(&account->used) > account->reserve &&
           atomic_load(&account->budget->committed) >= atomic_load(&account->budget->limit);
}

bool budget_wait(BudgetAccount *account, Cancel *cancel, int64_t usec)
{
    if (cancel_requested(cancel))
        return false;
    if (!budget_full(account))
        return true;
    Budget *budget = account->budget;
    unsigned hook = cancel != NULL ? cancel_add_hook(cancel, wake_waiting, budget) : 0;
    int64_t deadline = wait_deadline(usec);
    atomic_fetch_add(&budget->waiting, 1);
    pthread_mutex_lock(&budget->mutex);
    while (budget_full(account) && !cancel_requested(cancel) &&
           wait_cond_until(&budget->room, &budget->mutex, deadline)) {
    }
    pthread_mutex_unlock(&budget->mutex);
    atomic_fetch_sub(&budget->waiting, 1);
    if (cancel != NULL)
        cancel_remove_hook(cancel, hook);
    return !budget_full(account) && !cancel_requested(cancel);
}
