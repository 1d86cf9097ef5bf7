#include "base/cancel.h"
#include "base/error.h"
#include "base/wait.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    unsigned id;
    void (*run)(void *data);
    void *data;
} Hook;

struct Cancel {
    atomic_uint refs;
    atomic_bool requested;
    pthread_mutex_t mutex; /* of all below; held while hooks run, so that removing one waits for it */
    pthread_cond_t wake;
    GArray *hooks; /* of Hook; empty once requested */
    unsigned last_id;
};

Cancel *cancel_new(void)
{
    Cancel *cancel = g_new0(Cancel, 1);
    atomic_init(&cancel->refs, 1);
    atomic_init(&cancel->requested, false);
    pthread_mutex_init(&cancel->mutex, NULL);
    wait_cond_init(&cancel->wake);
    cancel->hooks = g_array_new(FALSE, FALSE, sizeof(Hook));
    return cancel;
}

Cancel *cancel_ref(Cancel *cancel)
{
    if (cancel != NULL)
        atomic_fetch_add(&cancel->refs, 1);
    return cancel;
}

void cancel_unref(Cancel *cancel)
{
    if (cancel == NULL || atomic_fetch_sub(&cancel->refs, 1) != 1)
        return;
    g_array_free(cancel->hooks, TRUE);
    pthread_cond_destroy(&cancel->wake);
    pthread_mutex_destroy(&cancel->mutex);
    g_free(cancel);
}

void cancel_request(Cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    if (!atomic_load(&cancel->requested)) {
        atomic_store(&cancel->requested, true);
        pthread_cond_broadcast(&cancel->wake);
        for (guint i = 0; i < cancel->hooks->len; i++) {
            const Hook *hook = &g_array_index(cancel->hooks, Hook, i);
            hook->run(hook->data);
        }
        g_array_set_size(cancel->hooks, 0);
    }
    pthread_mutex_unlock(&cancel->mutex);
}

bool cancel_requested(const Cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->requested);
}

bool cancel_sleep(Cancel *cancel, int64_t usec)
{
    if (cancel == NULL) {
        if (usec > 0)
            g_usleep((gulong)usec);
        return false;
    }
    if (usec <= 0)
        return cancel_requested(cancel);
    int64_t deadline = wait_deadline(usec);
    pthread_mutex_lock(&cancel->mutex);
    while (!atomic_load(&cancel->requested) && wait_cond_until(&cancel->wake, &cancel->mutex, deadline)) {
    }
    pthread_mutex_unlock(&cancel->mutex);
    return cancel_requested(cancel);
}

unsigned cancel_add_hook(Cancel *cancel, void (*run)(void *data), void *data)
{
    pthread_mutex_lock(&cancel->mutex);
    Hook hook = {.id = ++cancel->last_id, .run = run, .data = data};
    if (atomic_load(&cancel->requested))
        run(data);
    else
        g_array_append_val(cancel->hooks, hook);
    pthread_mutex_unlock(&cancel->mutex);
    return hook.id;
}

void cancel_remove_hook(Cancel *cancel, unsigned id)
{
    pthread_mutex_lock(&cancel->mutex);
    for (guint i = 0; i < cancel->hooks->len; i++) {
        if (g_array_index(cancel->hooks, Hook, i).id == id) {
            g_array_remove_index(cancel->hooks, i);
            break;
        }
    }
    pthread_mutex_unlock(&cancel->mutex);
}

bool cancel_set_error(const Cancel *cancel, GError **error)
{
    if (!cancel_requested(cancel))
        return false;
    g_set_error_literal(error, SLUICE_ERROR, SLUICE_ERROR_CANCELLED, "cancelled");
    return true;
}
