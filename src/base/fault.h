/* fault.h - named places where a test may kill the process: `SLUICE_FAULT=name` or `name:N` (the N-th time, from 1) in its
 * environment. Compiled in with --enable-faults alone; else a fault point is nothing.
 */
#ifndef SLUICE_BASE_FAULT_H
#define SLUICE_BASE_FAULT_H

#ifdef SLUICE_FAULTS
void fault_point(const char *name);
#define FAULT_POINT(name) fault_point(name)
#else
#define FAULT_POINT(name) ((void)0)
#endif

#endif
