#include "base/fault.h"

#ifdef SLUICE_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void fault_point(const char *name)
{
    static _Atomic unsigned passed;
    const char *wanted = getenv("SLUICE_FAULT");
    size_t len = strlen(name);
    if (!wanted || strncmp(wanted, name, len) != 0 || (wanted[len] && wanted[len] != ':'))
        return;
    unsigned at = wanted[len] ? (unsigned)strtoul(wanted + len + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == at)
        raise(SIGKILL); /* no handler, no buffer is flushed: as when the power goes */
}

bool rule_holds(const char *name)
{
    const char *without = getenv("SLUICE_WITHOUT");
    return !without || strcmp(without, name) != 0;
}

#else
typedef int fault_is_empty; /* a translation unit may not be */
#endif
