/* format.h - figures as an operator reads them: short, of steady width, never a 0 for what is not known.
 *
 * Every function fills `out` and returns it. A negative number is unknown and gives "?"; "—" (does not apply) is the
 * caller's, who knows the state.
 */
#ifndef SLUICE_UI_FORMAT_H
#define SLUICE_UI_FORMAT_H

#include <stdint.h>

#define FORMAT_MAX  64
#define FORMAT_NONE "—"

char *format_duration(char out[FORMAT_MAX], double seconds);  /* 0.4s, 52s, 2m 10s, 26m, 2h 14m, 6d 20h */
char *format_headroom(char out[FORMAT_MAX], int64_t seconds); /* from hours on: 0h 41m, 23h 10m, 6d 20h */
char *format_rate(char out[FORMAT_MAX], double value);        /* 0, 1,204, 18.3k, 412.7k, 3.1M */
char *format_count(char out[FORMAT_MAX], int64_t value);      /* 1,204,332; from 10 million on 38.0 M */
char *format_bytes(char out[FORMAT_MAX], double bytes);       /* powers of 1000: 340 KB, 8.1 GB */
char *format_mib(char out[FORMAT_MAX], int64_t bytes);        /* memory, powers of 1024, without unit: 118 */
char *format_clock(char out[FORMAT_MAX], int64_t at);         /* 14:02:31 in the viewer's zone */
char *format_zone(char out[FORMAT_MAX], int64_t at);          /* UTC, CEST */
char *format_date(char out[FORMAT_MAX], int64_t at);          /* 2026-11-23 14:02:31 */
/* 14:02:31 when on the day of `now`, else "22 Nov  " (both 8 columns). */
char *format_when(char out[FORMAT_MAX], int64_t at, int64_t now);

#endif
