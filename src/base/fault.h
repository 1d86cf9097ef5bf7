/* fault.h - named places where a test may kill the process: `SLUICE_FAULT=name` or `name:N` (the N-th time, from 1) in its
 * environment. And rules that a test may switch off, to show what they guard against: `SLUICE_WITHOUT=name`. Compiled in with
 * --enable-faults alone; else a fault point is nothing, and every rule holds.
 */
#ifndef SLUICE_BASE_FAULT_H
#define SLUICE_BASE_FAULT_H

#include <stdbool.h>

#ifdef SLUICE_FAULTS
void fault_point(const char *name);
#define FAULT_POINT(name) fault_point(name)
bool rule_holds(const char *name);
#define RULE_HOLDS(name) rule_holds(name)
#else
#define FAULT_POINT(name) ((void)0)
#define RULE_HOLDS(name) true
#endif

#endif
