/* budget.h - bounds the memory of all pipes together.
 *
 * Column buffers charge what they allocate to the account of their pipe. Charging never blocks and never fails (a row is
 * never split); whoever reads new rows asks budget_wait first, and seals and sends its open blocks when told to wait.
 * Each account has a reserve that no other pipe can take from it. An item larger than the whole budget is admitted alone.
 */
#ifndef SLUICE_BASE_BUDGET_H
#define SLUICE_BASE_BUDGET_H

#include "base/cancel.h"

typedef struct Budget Budget;               /* the process's, reference counted */
typedef struct BudgetAccount BudgetAccount; /* one pipe's, reference counted */

Budget *budget_new(size_t bytes);
Budget *budget_ref(Budget *budget);
void budget_unref(Budget *budget);
void budget_set_limit(Budget *budget, size_t bytes);
size_t budget_limit(Budget *budget);
size_t budget_used(Budget *budget);

BudgetAccount *budget_account_new(Budget *budget, size_t reserve);
BudgetAccount *budget_account_ref(BudgetAccount *account);
void budget_account_unref(BudgetAccount *account);
size_t budget_account_used(BudgetAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Budget, budget_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BudgetAccount, budget_account_unref)

void budget_charge(BudgetAccount *account, size_t bytes); /* account NULL: not counted */
void budget_release(BudgetAccount *account, size_t bytes);

/* True when reading has to wait: the budget is used up and this account is above its reserve. Cheap (atomics only). */
bool budget_full(BudgetAccount *account);
/* Waits until it is not full, at most `usec`. Returns false when still full or cancelled. */
bool budget_wait(BudgetAccount *account, Cancel *cancel, int64_t usec);

#endif
