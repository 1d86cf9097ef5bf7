/* verify_settle.c - which of the rows that were found to differ are differences (verify.h), and which changed
 * meanwhile. */
#include "pipe/verify.h"
#include "pipe/place.h"

#include <string.h>

#define ROUNDS      8 /* after which a key that changes all the time is left */
#define PAUSE_USEC  (100 * 1000)
#define BATCH_KEYS  500
#define BATCH_BYTES (16 << 20) /* of rows */
#define BATCH_TEXT  60000      /* of keys, in a statement that may have 256 KiB */

unsigned verify_batch_of(const Verify *verify, const GPtrArray *found, unsigned first)
{
    unsigned most = (unsigned)CLAMP(BATCH_BYTES / verify->row_bytes, 1, BATCH_KEYS), n = 0;
    size_t text = 0;
    for (unsigned i = first; i < found->len && n < most; i++, n++) {
        for (char *const *part = ((const VerifyFound *)found->pdata[i])->key; *part; part++)
            text += strlen(*part) + 40;
        if (n && text > BATCH_TEXT)
            break;
    }
    return n;
}

static char *key_text(const VerifyFound *found)
{
    return g_strjoinv("\x1f", found->key);
}

/* What the pipe has applied by now, as a version. */
static uint64_t applied_version(Pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    uint64_t version = place_version(pipe->applied.epoch, pipe->applied.offset);
    pthread_mutex_unlock(&pipe->lock);
    return version;
}

/* A version that the stream, which is past all that was logged when it was seen first, has not come to: it is not the
 * stream's. */
static bool is_ahead(const VerifyFound *now, const VerifyFound *before, uint64_t applied)
{
    return before && now->version == before->version && now->version > applied;
}

static GPtrArray *found_list(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)verify_found_free);
}

/* Takes all of `from` out of it. */
static void move_all(GPtrArray *from, GPtrArray *to)
{
    g_ptr_array_extend_and_steal(to, g_ptr_array_ref(from));
}

static bool look_at_keys(Verify *verify, const GPtrArray *keys, GPtrArray *settled, GPtrArray *unsure, GError **error)
{
    VerifyMark mark = {0};
    Block *block = NULL;
    GPtrArray *again = NULL;
    uint64_t n = 0;
    g_autofree char *where = verify_keys_in(verify->shape, keys, 0, keys->len);
    g_autoptr(GHashTable) before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < keys->len; i++)
        g_hash_table_insert(before, key_text(keys->pdata[i]), keys->pdata[i]);
    bool ok = verify_mark(verify, &mark, error) && verify_read_keys(verify, &mark, keys, 0, &n, &block, error) &&
              verify_pass(verify, error) && (again = verify_compare(verify, LOOK_KEYS, where, n, error));
    if (ok && verify_outdated(verify))
        ok = false, g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, VERIFY_ALTERED);
    uint64_t applied = applied_version(verify->pipe);
    while (ok && again->len) {
        VerifyFound *found = g_ptr_array_steal_index(again, again->len - 1);
        g_autofree char *text = key_text(found);
        found->ahead = is_ahead(found, g_hash_table_lookup(before, text), applied);
        g_ptr_array_add(found->ahead || found->version <= mark.version ? settled : unsure, found);
    }
    if (again)
        g_ptr_array_unref(again);
    block_free(block);
    verify_mark_clear(&mark);
    return ok;
}

/* A round: all of `unsure`, some at a time; what is still unsure is left in it. */
static bool look_again(Verify *verify, GPtrArray *unsure, GPtrArray *settled, GError **error)
{
    g_autoptr(GPtrArray) left = found_list();
    bool ok = true;
    while (ok && unsure->len) {
        g_autoptr(GPtrArray) some = found_list();
        for (unsigned n = verify_batch_of(verify, unsure, 0); n; n--)
            g_ptr_array_add(some, g_ptr_array_steal_index(unsure, n - 1));
        ok = look_at_keys(verify, some, settled, left, error);
    }
    move_all(left, unsure);
    return ok;
}

/* Until nothing is unsure, or it is seen that some keys are never quiet. */
static bool look_until_settled(Verify *verify, GPtrArray *unsure, GPtrArray *settled, GError **error)
{
    for (unsigned round = 0; unsure->len && round < ROUNDS; round++) {
        if (round)
            cancel_sleep(verify->cancel, PAUSE_USEC * round);
        if (!look_again(verify, unsure, settled, error))
            return false;
    }
    return true;
}

/* Mended, and looked at again: what then differs is left. */
static bool mend(Verify *verify, GPtrArray *settled, GError **error)
{
    g_autoptr(GPtrArray) left = found_list(), check = found_list();
    g_autoptr(GHashTable) wrong = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned first = 0, n; first < settled->len; first += n) {
        n = verify_batch_of(verify, settled, first);
        if (!verify_repair(verify, settled, first, n, error))
            return false;
    }
    for (unsigned i = 0; i < settled->len; i++) {
        const VerifyFound *from = settled->pdata[i];
        VerifyFound *copy = g_new0(VerifyFound, 1);
        copy->key = g_strdupv(from->key);
        copy->version = from->version;
        g_ptr_array_add(check, copy);
    }
    if (!look_until_settled(verify, check, left, error))
        return false;
    move_all(check, left);
    for (unsigned i = 0; i < left->len; i++)
        g_hash_table_add(wrong, key_text(left->pdata[i]));
    for (unsigned i = 0; i < settled->len; i++) {
        VerifyFound *found = settled->pdata[i];
        g_autofree char *text = key_text(found);
        found->repaired = !g_hash_table_contains(wrong, text);
    }
    return true;
}

bool verify_settle(Verify *verify, GPtrArray *found_take, uint64_t version, bool certain, GError **error)
{
    g_autoptr(GPtrArray) found = found_take, settled = found_list(), unsure = found_list();
    if (verify_outdated(verify)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE, VERIFY_ALTERED);
        return false;
    }
    while (found->len) {
        VerifyFound *one = g_ptr_array_steal_index(found, found->len - 1);
        g_ptr_array_add(certain && one->version <= version ? settled : unsure, one);
    }
    if (!look_until_settled(verify, unsure, settled, error) ||
        (verify->repair && settled->len && !mend(verify, settled, error)))
        return false;
    verify->step.unsettled += unsure->len;
    move_all(settled, verify->step.found);
    return true;
}
