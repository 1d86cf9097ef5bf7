/* wait.h - private to src/base: condition variables that wait on the monotonic clock. */
#ifndef SLUICE_BASE_WAIT_H
#define SLUICE_BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void wait_cond_init(pthread_cond_t *cond);

/* Waits until signalled or until the monotonic time `deadline_usec` (< 0: for ever). False: the time is over. */
bool wait_cond_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_usec);

/* `usec` from now as a deadline, without overflow; < 0 stays < 0. */
int64_t wait_deadline(int64_t usec);

#endif
