#include "format.h"

#include <glib.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static char *unknown(char *out)
{
    return strcpy(out, "?");
}

char *format_duration(char out[FORMAT_MAX], double seconds)
{
    if (!(seconds >= 0))
        return unknown(out);
    if (seconds < 9.95) {
        g_snprintf(out, FORMAT_MAX, "%.1fs", seconds);
        return out;
    }
    int64_t s = seconds > 1e15 ? (int64_t)1e15 : (int64_t)llround(seconds);
    if (s < MINUTE)
        g_snprintf(out, FORMAT_MAX, "%ds", (int)s);
    else if (s < 10 * MINUTE)
        g_snprintf(out, FORMAT_MAX, "%dm %02ds", (int)(s / MINUTE), (int)(s % MINUTE));
    else if (s < HOUR)
        g_snprintf(out, FORMAT_MAX, "%dm", (int)(s / MINUTE));
    else
        format_headroom(out, s);
    return out;
}

char *format_headroom(char out[FORMAT_MAX], int64_t seconds)
{
    if (seconds < 0)
        return unknown(out);
    if (seconds < DAY)
        g_snprintf(out, FORMAT_MAX, "%dh %02dm", (int)(seconds / HOUR), (int)(seconds % HOUR / MINUTE));
    else if (seconds < (int64_t)100 * DAY)
        g_snprintf(out, FORMAT_MAX, "%dd %2dh", (int)(seconds / DAY), (int)(seconds % DAY / HOUR));
    else if (seconds < (int64_t)1000 * DAY)
        g_snprintf(out, FORMAT_MAX, "%dd", (int)(seconds / DAY));
    else
        strcpy(out, "> 999d");
    return out;
}

/* 1234567 -> 1,234,567 */
static char *with_commas(char out[FORMAT_MAX], int64_t value)
{
    char digits[32];
    int n = g_snprintf(digits, sizeof digits, "%" G_GINT64_FORMAT, value);
    char *to = out;
    for (int i = 0; i < n; i++) {
        *to++ = digits[i];
        if (i + 1 < n && (n - i - 1) % 3 == 0)
            *to++ = ',';
    }
    *to = 0;
    return out;
}

/* Three or four digits and a unit of the powers of 1000. */
static char *scaled(char out[FORMAT_MAX], double value, const char *gap, const char *const units[], int n_units)
{
    int unit = 0;
    while (value >= 999.95 && unit + 1 < n_units) {
        value /= 1000;
        unit++;
    }
    g_snprintf(out, FORMAT_MAX, "%.*f%s%s", value < 999.95 && unit > 0 ? 1 : 0, value, gap, units[unit]);
    return out;
}

char *format_rate(char out[FORMAT_MAX], double value)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    if (!(value >= 0))
        return unknown(out);
    if (value > 0 && value < 9.95) {
        g_snprintf(out, FORMAT_MAX, "%.1f", value);
        return strcmp(out, "0.0") == 0 ? strcpy(out, "0.1") : out;
    }
    if (value < 9999.5)
        return with_commas(out, (int64_t)llround(value));
    return scaled(out, value, "", units, G_N_ELEMENTS(units));
}

char *format_count(char out[FORMAT_MAX], int64_t value)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    if (value < 0)
        return unknown(out);
    if (value < 10 * 1000 * 1000)
        return with_commas(out, value);
    return scaled(out, (double)value, " ", units, G_N_ELEMENTS(units));
}

char *format_bytes(char out[FORMAT_MAX], double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    if (!(bytes >= 0))
        return unknown(out);
    int unit = 0;
    while (bytes >= 999.5 && unit + 1 < (int)G_N_ELEMENTS(units)) {
        bytes /= 1000;
        unit++;
    }
    g_snprintf(out, FORMAT_MAX, "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
    return out;
}

char *format_mib(char out[FORMAT_MAX], int64_t bytes)
{
    if (bytes < 0)
        return unknown(out);
    g_snprintf(out, FORMAT_MAX, "%" G_GINT64_FORMAT, (bytes + (1 << 19)) >> 20);
    return out;
}

static char *format_time(char out[FORMAT_MAX], int64_t at, const char *format)
{
    time_t seconds = (time_t)(at / G_USEC_PER_SEC);
    struct tm parts;
    if (at <= 0 || !localtime_r(&seconds, &parts) || !strftime(out, FORMAT_MAX, format, &parts))
        return unknown(out);
    return out;
}

char *format_clock(char out[FORMAT_MAX], int64_t at)
{
    return format_time(out, at, "%H:%M:%S");
}

char *format_zone(char out[FORMAT_MAX], int64_t at)
{
    return format_time(out, at, "%Z");
}

char *format_date(char out[FORMAT_MAX], int64_t at)
{
    return format_time(out, at, "%Y-%m-%d %H:%M:%S");
}

char *format_when(char out[FORMAT_MAX], int64_t at, int64_t now)
{
    char day[FORMAT_MAX], today[FORMAT_MAX];
    if (strcmp(format_time(day, at, "%Y%j"), format_time(today, now, "%Y%j")) == 0)
        return format_clock(out, at);
    return format_time(out, at, "%d %b  ");
}
